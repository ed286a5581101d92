-- I5: the journal lines of a change sum to zero in each currency; confirmed money and done cancels have lines.
SELECT COUNT(*) AS examined FROM journal_line;
SELECT HEX(payment_id) AS payment_id, seq, currency, CAST(SUM(IF(side = 'D', amount, -amount)) AS SIGNED) AS off_by, 'unbalanced' AS what
FROM journal_line GROUP BY payment_id, seq, currency HAVING off_by <> 0
UNION ALL
SELECT HEX(v.payment_id), v.seq, '', 0, 'confirmed without journal'
FROM payment_verdict AS v
WHERE v.verdict = 'CONFIRMED' AND NOT EXISTS (SELECT 1 FROM journal_line AS k WHERE k.payment_id = v.payment_id AND k.seq = v.seq)
UNION ALL
SELECT HEX(p.payment_id), 0, p.currency, CAST(r.receivable - p.total + COALESCE(d.done, 0) AS SIGNED), 'receivable is not what is effective'
FROM payment AS p
JOIN (
  SELECT payment_id, SUM(IF(side = 'D', amount, -amount)) AS receivable
  FROM journal_line WHERE account = 'ISSUER_RECEIVABLE' GROUP BY payment_id
) AS r ON r.payment_id = p.payment_id
LEFT JOIN (
  SELECT s.payment_id, SUM(s.amount) AS done
  FROM cancel_share AS s
  JOIN cancel_outcome AS o ON o.payment_id = s.payment_id AND o.cancel_no = s.cancel_no AND o.leg_no = s.leg_no
  WHERE o.outcome = 'DONE' GROUP BY s.payment_id
) AS d ON d.payment_id = p.payment_id
WHERE r.receivable <> p.total - COALESCE(d.done, 0);
