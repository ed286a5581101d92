-- I5: the journal lines of a change sum to zero in each currency, and each account of a payment holds what its facts say: the trial balance is zero, and so is what nobody can explain; a correction has posted what was proposed, and no line was taken back beyond its amount.
-- A row is a change whose lines do not sum to zero (unbalanced), an account of a payment that is not what its confirmation,
--   deposits, done cancels, refunds and corrections make it, or a correction that does not fit its lines.
-- By hand, on a replica: mysql ledger < i05_journal_is_balanced.sql; of payments made in a window alone, times in UTC:
--   mysql --init-command="SET @since = '2026-11-23', @until = '2026-11-24'" ledger < i05_journal_is_balanced.sql
-- Cost: one range of the primary keys of journal_line, payment and correction_line; lines, shares and deposits of each
--   payment by index.
SET @first = UNHEX(RPAD(LPAD(HEX(COALESCE(TIMESTAMPDIFF(MICROSECOND, '1970-01-01', @since) DIV 1000, 0)), 12, '0'), 32, '0')),
  @last = UNHEX(RPAD(COALESCE(LPAD(HEX(TIMESTAMPDIFF(MICROSECOND, '1970-01-01', @until) DIV 1000 - 1), 12, '0'), ''), 32, 'F'));
SELECT COUNT(*) AS examined FROM journal_line WHERE payment_id BETWEEN @first AND @last;
SELECT HEX(payment_id) AS payment_id, seq, 'unbalanced' AS what, 0 AS expected, CAST(SUM(IF(side = 'D', amount, -amount)) AS SIGNED) AS found
FROM journal_line WHERE payment_id BETWEEN @first AND @last GROUP BY payment_id, seq, currency HAVING found <> 0
UNION ALL
SELECT HEX(f.payment_id), NULL, f.account, f.expected, f.found
FROM (
  SELECT p.payment_id, n.account,
    CAST(CASE n.account WHEN 'ISSUER_RECEIVABLE' THEN x.receivable WHEN 'MERCHANT_PAYABLE' THEN x.payable WHEN 'FEE_REVENUE' THEN x.revenue WHEN 'OUTPUT_VAT' THEN x.output_vat WHEN 'SUSPENSE' THEN x.suspense END + IF(COALESCE(v.verdict, 'NONE') = 'CONFIRMED', CASE n.account
      WHEN 'ISSUER_RECEIVABLE' THEN p.total - g.awaited WHEN 'SUSPENSE' THEN g.awaited
      WHEN 'MERCHANT_PAYABLE' THEN p.fee + p.fee_vat - p.total WHEN 'FEE_REVENUE' THEN -p.fee ELSE -p.fee_vat END, 0)
      + CASE n.account WHEN 'ISSUER_RECEIVABLE' THEN g.deposited - g.refunded - d.amount WHEN 'SUSPENSE' THEN g.refunded - g.deposited
        WHEN 'MERCHANT_PAYABLE' THEN d.amount - d.fee - d.fee_vat WHEN 'FEE_REVENUE' THEN d.fee ELSE d.fee_vat END AS SIGNED) AS expected,
    CAST(CASE n.account WHEN 'ISSUER_RECEIVABLE' THEN b.receivable WHEN 'MERCHANT_PAYABLE' THEN b.payable WHEN 'FEE_REVENUE' THEN b.revenue WHEN 'OUTPUT_VAT' THEN b.output_vat WHEN 'SUSPENSE' THEN b.suspense END AS SIGNED) AS found
  FROM payment AS p
  LEFT JOIN payment_verdict AS v ON v.payment_id = p.payment_id
  CROSS JOIN LATERAL (
    SELECT COALESCE(SUM(s.amount), 0) AS amount, COALESCE(SUM(s.fee), 0) AS fee, COALESCE(SUM(s.fee_vat), 0) AS fee_vat
    FROM cancel_share AS s
    JOIN cancel_outcome AS o ON o.payment_id = s.payment_id AND o.cancel_no = s.cancel_no AND o.leg_no = s.leg_no
    WHERE s.payment_id = p.payment_id AND o.outcome = 'DONE'
  ) AS d
  CROSS JOIN LATERAL (
    SELECT COALESCE((SELECT SUM(a.amount) FROM virtual_account AS w
        JOIN approval AS a ON a.payment_id = w.payment_id AND a.leg_no = w.leg_no WHERE w.payment_id = p.payment_id), 0) AS awaited,
      COALESCE((SELECT SUM(m.amount) FROM deposit AS m WHERE m.payment_id = p.payment_id), 0) AS deposited,
      COALESCE((SELECT SUM(r.amount) FROM deposit_refund AS r JOIN deposit_refund_outcome AS o ON o.payment_id = r.payment_id
        AND o.leg_no = r.leg_no AND o.refund_no = r.refund_no WHERE r.payment_id = p.payment_id AND o.outcome = 'DONE'), 0) AS refunded
  ) AS g
  CROSS JOIN LATERAL (
    SELECT COALESCE(SUM(IF(l.account = 'ISSUER_RECEIVABLE', IF(l.side = 'D', l.amount, -l.amount), 0)), 0) AS receivable,
      COALESCE(SUM(IF(l.account = 'MERCHANT_PAYABLE', IF(l.side = 'D', l.amount, -l.amount), 0)), 0) AS payable,
      COALESCE(SUM(IF(l.account = 'FEE_REVENUE', IF(l.side = 'D', l.amount, -l.amount), 0)), 0) AS revenue,
      COALESCE(SUM(IF(l.account = 'OUTPUT_VAT', IF(l.side = 'D', l.amount, -l.amount), 0)), 0) AS output_vat,
      COALESCE(SUM(IF(l.account = 'SUSPENSE', IF(l.side = 'D', l.amount, -l.amount), 0)), 0) AS suspense
    FROM correction_line AS l
    JOIN correction_verdict AS c ON c.payment_id = l.payment_id AND c.correction_no = l.correction_no
    WHERE l.payment_id = p.payment_id AND c.verdict = 'APPROVED'
  ) AS x
  CROSS JOIN LATERAL (
    SELECT COALESCE(SUM(IF(k.account = 'ISSUER_RECEIVABLE', IF(k.side = 'D', k.amount, -k.amount), 0)), 0) AS receivable,
      COALESCE(SUM(IF(k.account = 'MERCHANT_PAYABLE', IF(k.side = 'D', k.amount, -k.amount), 0)), 0) AS payable,
      COALESCE(SUM(IF(k.account = 'FEE_REVENUE', IF(k.side = 'D', k.amount, -k.amount), 0)), 0) AS revenue,
      COALESCE(SUM(IF(k.account = 'OUTPUT_VAT', IF(k.side = 'D', k.amount, -k.amount), 0)), 0) AS output_vat,
      COALESCE(SUM(IF(k.account = 'SUSPENSE', IF(k.side = 'D', k.amount, -k.amount), 0)), 0) AS suspense
    FROM journal_line AS k WHERE k.payment_id = p.payment_id
  ) AS b
  JOIN (SELECT 'ISSUER_RECEIVABLE' AS account UNION ALL SELECT 'MERCHANT_PAYABLE' UNION ALL SELECT 'FEE_REVENUE'
    UNION ALL SELECT 'OUTPUT_VAT' UNION ALL SELECT 'SUSPENSE') AS n
  WHERE p.payment_id BETWEEN @first AND @last
) AS f
WHERE f.expected <> f.found
UNION ALL
SELECT HEX(l.payment_id), v.seq, 'the journal is not what the correction proposed', l.line_no, NULL
FROM correction_line AS l
JOIN correction_verdict AS v ON v.payment_id = l.payment_id AND v.correction_no = l.correction_no AND v.verdict = 'APPROVED'
LEFT JOIN journal_line AS k ON k.payment_id = v.payment_id AND k.seq = v.seq AND k.line_no = l.line_no
  AND k.account = l.account AND k.side = l.side AND k.amount = l.amount AND k.leg_no <=> l.leg_no
WHERE l.payment_id BETWEEN @first AND @last AND k.payment_id IS NULL
UNION ALL
SELECT HEX(k.payment_id), k.seq, 'a line that the correction did not propose', NULL, k.line_no
FROM correction_verdict AS v
JOIN journal_line AS k ON k.payment_id = v.payment_id AND k.seq = v.seq
LEFT JOIN correction_line AS l ON l.payment_id = v.payment_id AND l.correction_no = v.correction_no AND l.line_no = k.line_no
WHERE v.payment_id BETWEEN @first AND @last AND (v.verdict <> 'APPROVED' OR l.payment_id IS NULL)
UNION ALL
SELECT HEX(k.payment_id), k.seq, 'taken back beyond its amount', MAX(k.amount), CAST(SUM(l.amount) AS SIGNED)
FROM correction_line AS l
JOIN correction_verdict AS v ON v.payment_id = l.payment_id AND v.correction_no = l.correction_no AND v.verdict = 'APPROVED'
JOIN journal_line AS k ON k.payment_id = l.payment_id AND k.seq = l.reverses_seq AND k.line_no = l.reverses_line
WHERE l.payment_id BETWEEN @first AND @last
GROUP BY k.payment_id, k.seq, k.line_no HAVING SUM(l.amount) > MAX(k.amount);
