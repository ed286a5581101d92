-- I12: an attempt that was abandoned never becomes effective; every abandoned attempt whose money may have moved has a network cancel, and no accepted one has; what is voided stays so, and what was refunded is not put back; what is told against that is raised as a contradiction, but for an approval that the issuer has named as reversed.
-- A row is an attempt, a link or an outcome that would let money come back to life.
-- By hand, on a replica: mysql ledger < i12_abandoned_never_pays.sql; of payments made in a window alone, times in UTC:
--   mysql --init-command="SET @since = '2026-11-23', @until = '2026-11-24'" ledger < i12_abandoned_never_pays.sql
-- Cost: one range of the primary keys of attempt_verdict, network_cancel, network_cancel_outcome and balance_link; the rest
--   by index.
SET @first = UNHEX(RPAD(LPAD(HEX(COALESCE(TIMESTAMPDIFF(MICROSECOND, '1970-01-01', @since) DIV 1000, 0)), 12, '0'), 32, '0')),
  @last = UNHEX(RPAD(COALESCE(LPAD(HEX(TIMESTAMPDIFF(MICROSECOND, '1970-01-01', @until) DIV 1000 - 1), 12, '0'), ''), 32, 'F'));
SELECT (SELECT COUNT(*) FROM attempt_verdict WHERE payment_id BETWEEN @first AND @last) + (SELECT COUNT(*) FROM balance_link WHERE payment_id BETWEEN @first AND @last) AS examined;
SELECT HEX(v.payment_id) AS payment_id, v.leg_no, v.attempt_no AS number, 'abandoned without a network cancel' AS what
FROM attempt_verdict AS v
LEFT JOIN network_cancel AS n ON n.payment_id = v.payment_id AND n.leg_no = v.leg_no AND n.attempt_no = v.attempt_no
WHERE v.payment_id BETWEEN @first AND @last AND v.verdict = 'ABANDON' AND n.payment_id IS NULL
UNION ALL
SELECT HEX(n.payment_id), n.leg_no, n.attempt_no, 'network cancel of an attempt that was not abandoned'
FROM network_cancel AS n
LEFT JOIN attempt_verdict AS v ON v.payment_id = n.payment_id AND v.leg_no = n.leg_no AND v.attempt_no = n.attempt_no
WHERE n.payment_id BETWEEN @first AND @last AND COALESCE(v.verdict, 'NONE') <> 'ABANDON'
UNION ALL
SELECT HEX(b.payment_id), b.leg_no, b.link_no, 'balance opened without an accepted approval'
FROM balance_link AS b
LEFT JOIN attempt_verdict AS v ON v.payment_id = b.payment_id AND v.leg_no = b.leg_no AND v.verdict_ref = 'ACCEPT'
WHERE b.payment_id BETWEEN @first AND @last AND b.kind = 'OPEN' AND v.payment_id IS NULL
UNION ALL
SELECT HEX(b.payment_id), b.leg_no, b.link_no, 'refunded and put back'
FROM balance_link AS b
JOIN cancel_outcome AS o ON o.payment_id = b.payment_id AND o.cancel_no = b.cancel_no AND o.leg_no = b.leg_no
WHERE b.payment_id BETWEEN @first AND @last AND b.kind = 'RELEASE' AND o.outcome = 'DONE'
UNION ALL
SELECT HEX(s.payment_id), s.leg_no, s.outcome_no, CONCAT(s.outcome, ' after ', COALESCE(s.before_it, 'nothing'))
FROM (
  SELECT payment_id, leg_no, outcome_no, outcome, LAG(outcome) OVER (PARTITION BY payment_id, leg_no, attempt_no ORDER BY outcome_no) AS before_it
  FROM network_cancel_outcome WHERE payment_id BETWEEN @first AND @last
) AS s
WHERE s.before_it = 'VOIDED' OR (s.outcome = 'REOPENED' AND NOT (s.before_it <=> 'VOIDED_PROVISIONAL'))
UNION ALL
SELECT HEX(o.payment_id), o.leg_no, r.result_no, 'approved after it was voided, not raised'
FROM network_cancel_outcome AS o
JOIN attempt_result AS r ON r.payment_id = o.payment_id AND r.leg_no = o.leg_no AND r.kind = 'AUTH' AND r.attempt_no = o.attempt_no
  AND r.outcome = 'APPROVED' AND r.seq > o.seq
LEFT JOIN contradiction AS c ON c.payment_id = r.payment_id AND c.leg_no = r.leg_no AND c.kind = r.kind AND c.attempt_no = r.attempt_no
  AND c.outcome = r.outcome AND c.result_no = r.result_no AND c.step_no = 1
WHERE o.payment_id BETWEEN @first AND @last AND o.outcome = 'VOIDED' AND c.payment_id IS NULL
  AND NOT EXISTS (
    SELECT 1 FROM attempt AS u
    JOIN attempt_result AS w ON w.payment_id = u.payment_id AND w.leg_no = u.leg_no AND w.kind = u.kind AND w.attempt_no = u.attempt_no
    WHERE u.payment_id = r.payment_id AND u.leg_no = r.leg_no AND u.kind IN ('NET_CANCEL', 'INQUIRY') AND u.target_no = r.attempt_no
      AND w.outcome = 'REVERSED' AND w.issuer_ref = r.issuer_ref AND w.seq < r.seq
  )
UNION ALL
SELECT HEX(o.payment_id), o.leg_no, o.cancel_no, 'refunded though it was refused, not raised'
FROM cancel_outcome AS o
JOIN attempt AS a ON a.payment_id = o.payment_id AND a.leg_no = o.leg_no AND a.kind = 'CANCEL' AND a.cancel_no = o.cancel_no
JOIN attempt_result AS r ON r.payment_id = a.payment_id AND r.leg_no = a.leg_no AND r.kind = a.kind AND r.attempt_no = a.attempt_no
  AND r.outcome IN ('CANCELED', 'REVERSED')
LEFT JOIN contradiction AS c ON c.payment_id = a.payment_id AND c.leg_no = a.leg_no AND c.kind = a.kind AND c.attempt_no = a.attempt_no
  AND c.step_no = 1
WHERE o.payment_id BETWEEN @first AND @last AND o.outcome = 'FAILED' AND c.payment_id IS NULL
GROUP BY o.payment_id, o.leg_no, o.cancel_no;
