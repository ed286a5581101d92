-- I8: per issuer and Korean day, what the journal says an issuer owes is what was confirmed or deposited less what was canceled, given back or corrected; with an issuer's file, what the file says differs from it by exposure at most.
-- A row is an issuer's day that does not tie out: by our own books, or with the issuer's file.
-- By hand, on a replica: mysql ledger < i08_issuer_days_tie_out.sql; of payments made in a window alone, times in UTC:
--   mysql --init-command="SET @since = '2026-11-23', @until = '2026-11-24'" ledger < i08_issuer_days_tie_out.sql
-- Cost: one range of the primary keys of approval, cancel_outcome, attempt and cancel_share, and a temporary table of
--   issuers and days.
-- Not here: an issuer's file is no table: give it as JSON, approvals less reversals and cancels of a day, by SET
--   @issuer_file = '[{"issuer":"card-1","day":"2026-11-23","amount":1200}]' before the file, over the whole ledger or a
--   window that holds all payments of those days. The audit compares trace by trace with the issuer's own books.
SET @first = UNHEX(RPAD(LPAD(HEX(COALESCE(TIMESTAMPDIFF(MICROSECOND, '1970-01-01', @since) DIV 1000, 0)), 12, '0'), 32, '0')),
  @last = UNHEX(RPAD(COALESCE(LPAD(HEX(TIMESTAMPDIFF(MICROSECOND, '1970-01-01', @until) DIV 1000 - 1), 12, '0'), ''), 32, 'F'));
SELECT (SELECT COUNT(*) FROM approval WHERE payment_id BETWEEN @first AND @last) + (SELECT COUNT(*) FROM cancel_outcome WHERE payment_id BETWEEN @first AND @last) AS examined;
WITH moved AS (
  SELECT a.issuer_id, v.business_date, p.currency, a.amount AS effective, 0 AS booked, 0 AS exposed, 0 AS held
  FROM approval AS a
  JOIN payment_verdict AS v ON v.payment_id = a.payment_id AND v.verdict = 'CONFIRMED'
  JOIN payment AS p ON p.payment_id = a.payment_id
  LEFT JOIN virtual_account AS w ON w.payment_id = a.payment_id AND w.leg_no = a.leg_no
  WHERE a.payment_id BETWEEN @first AND @last AND w.payment_id IS NULL
  UNION ALL
  SELECT a.issuer_id, DATE(m.received_at + INTERVAL 9 HOUR), p.currency, m.amount, 0, 0, 0
  FROM deposit AS m
  JOIN approval AS a ON a.payment_id = m.payment_id AND a.leg_no = m.leg_no
  JOIN payment AS p ON p.payment_id = m.payment_id
  WHERE m.payment_id BETWEEN @first AND @last
  UNION ALL
  SELECT a.issuer_id, DATE(o.decided_at + INTERVAL 9 HOUR), p.currency, -r.amount, 0, 0, 0
  FROM deposit_refund_outcome AS o
  JOIN deposit_refund AS r ON r.payment_id = o.payment_id AND r.leg_no = o.leg_no AND r.refund_no = o.refund_no
  JOIN approval AS a ON a.payment_id = o.payment_id AND a.leg_no = o.leg_no
  JOIN payment AS p ON p.payment_id = o.payment_id
  WHERE o.payment_id BETWEEN @first AND @last AND o.outcome = 'DONE'
  UNION ALL
  SELECT a.issuer_id, DATE(v.decided_at + INTERVAL 9 HOUR), p.currency, IF(l.side = 'D', l.amount, -l.amount), 0, 0, 0
  FROM correction_line AS l
  JOIN correction_verdict AS v ON v.payment_id = l.payment_id AND v.correction_no = l.correction_no AND v.verdict = 'APPROVED'
  JOIN approval AS a ON a.payment_id = l.payment_id AND a.leg_no = l.leg_no
  JOIN payment AS p ON p.payment_id = l.payment_id
  WHERE l.payment_id BETWEEN @first AND @last AND l.account = 'ISSUER_RECEIVABLE'
  UNION ALL
  SELECT a.issuer_id, DATE(o.decided_at + INTERVAL 9 HOUR), p.currency, -s.amount, 0, 0, 0
  FROM cancel_outcome AS o
  JOIN cancel_share AS s ON s.payment_id = o.payment_id AND s.cancel_no = o.cancel_no AND s.leg_no = o.leg_no
  JOIN approval AS a ON a.payment_id = o.payment_id AND a.leg_no = o.leg_no
  JOIN payment AS p ON p.payment_id = o.payment_id
  WHERE o.payment_id BETWEEN @first AND @last AND o.outcome = 'DONE'
  UNION ALL
  SELECT a.issuer_id, k.business_date, k.currency, 0, IF(k.side = 'D', k.amount, -k.amount), 0, 0
  FROM journal_line AS k JOIN approval AS a ON a.payment_id = k.payment_id AND a.leg_no = k.leg_no
  WHERE k.payment_id BETWEEN @first AND @last AND k.account = 'ISSUER_RECEIVABLE'
  UNION ALL
  SELECT t.issuer_id, t.trace_date, p.currency, 0, 0, t.amount, 0
  FROM attempt AS t
  JOIN payment AS p ON p.payment_id = t.payment_id
  LEFT JOIN attempt_verdict AS v ON v.payment_id = t.payment_id AND v.leg_no = t.leg_no AND v.kind = t.kind AND v.attempt_no = t.attempt_no
  WHERE t.payment_id BETWEEN @first AND @last AND t.kind = 'AUTH' AND (v.verdict IS NULL OR v.verdict = 'ABANDON')
    AND COALESCE((SELECT o.outcome FROM network_cancel_outcome AS o WHERE o.payment_id = t.payment_id AND o.leg_no = t.leg_no
      AND o.attempt_no = t.attempt_no ORDER BY o.outcome_no DESC LIMIT 1), 'OPEN') NOT IN ('VOIDED', 'VOIDED_PROVISIONAL')
    AND NOT EXISTS (SELECT 1 FROM virtual_account AS w WHERE w.payment_id = t.payment_id AND w.leg_no = t.leg_no)
  UNION ALL
  SELECT t.issuer_id, t.trace_date, p.currency, 0, 0, IF(c.kind = 'AUTH', t.amount, 0), IF(c.kind = 'CANCEL', t.amount, 0)
  FROM contradiction AS c
  JOIN attempt AS t ON t.payment_id = c.payment_id AND t.leg_no = c.leg_no AND t.kind = c.kind AND t.attempt_no = c.attempt_no
  JOIN payment AS p ON p.payment_id = c.payment_id
  LEFT JOIN contradiction AS d ON d.payment_id = c.payment_id AND d.leg_no = c.leg_no AND d.kind = c.kind AND d.attempt_no = c.attempt_no
    AND d.outcome = c.outcome AND d.result_no = c.result_no AND d.step = 'UNDONE'
  WHERE c.payment_id BETWEEN @first AND @last AND c.step_no = 1 AND d.payment_id IS NULL
  UNION ALL
  SELECT a.issuer_id, c.business_date, p.currency, 0, 0, 0, s.amount
  FROM cancel_share AS s
  JOIN cancellation AS c ON c.payment_id = s.payment_id AND c.cancel_no = s.cancel_no
  JOIN approval AS a ON a.payment_id = s.payment_id AND a.leg_no = s.leg_no
  JOIN payment AS p ON p.payment_id = s.payment_id
  LEFT JOIN cancel_outcome AS o ON o.payment_id = s.payment_id AND o.cancel_no = s.cancel_no AND o.leg_no = s.leg_no
  WHERE s.payment_id BETWEEN @first AND @last AND o.outcome IS NULL
), days AS (
  SELECT issuer_id, business_date, currency, SUM(effective) AS effective, SUM(booked) AS booked, SUM(exposed) AS exposed, SUM(held) AS held
  FROM moved GROUP BY issuer_id, business_date, currency
), told AS (
  SELECT issuer_id, business_date, currency, SUM(amount) AS amount
  FROM JSON_TABLE(CONVERT(COALESCE(@issuer_file, '[]') USING utf8mb4), '$[*]' COLUMNS (issuer_id VARCHAR(32) PATH '$.issuer' ERROR ON EMPTY ERROR ON ERROR,
    business_date DATE PATH '$.day' ERROR ON EMPTY ERROR ON ERROR, currency CHAR(3) PATH '$.currency' DEFAULT '"KRW"' ON EMPTY ERROR ON ERROR,
    amount BIGINT PATH '$.amount' ERROR ON EMPTY ERROR ON ERROR)) AS f
  GROUP BY issuer_id, business_date, currency
)
SELECT 'the journal is not what the facts say' AS what, d.issuer_id, d.business_date, d.currency, d.effective, d.booked AS found, d.exposed, d.held
FROM days AS d WHERE d.booked <> d.effective
UNION ALL
SELECT 'the issuer says otherwise', t.issuer_id, t.business_date, t.currency, COALESCE(d.effective, 0), t.amount,
  COALESCE(d.exposed, 0), COALESCE(d.held, 0)
FROM told AS t
LEFT JOIN days AS d ON d.issuer_id = t.issuer_id COLLATE utf8mb4_0900_bin AND d.business_date = t.business_date
  AND d.currency = t.currency COLLATE utf8mb4_0900_bin
WHERE t.amount NOT BETWEEN COALESCE(d.effective, 0) - COALESCE(d.held, 0) AND COALESCE(d.effective, 0) + COALESCE(d.exposed, 0);
