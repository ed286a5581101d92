-- I5: the journal lines of a change sum to zero in each currency; confirmed money and done cancels have lines; a correction
-- has posted what was proposed, and no line was taken back beyond its amount.
SELECT COUNT(*) AS examined FROM journal_line;
SELECT HEX(payment_id) AS payment_id, seq, currency, CAST(SUM(IF(side = 'D', amount, -amount)) AS SIGNED) AS off_by, 'unbalanced' AS what
FROM journal_line GROUP BY payment_id, seq, currency HAVING off_by <> 0
UNION ALL
SELECT HEX(v.payment_id), v.seq, '', 0, 'confirmed without journal'
FROM payment_verdict AS v
WHERE v.verdict = 'CONFIRMED' AND NOT EXISTS (SELECT 1 FROM journal_line AS k WHERE k.payment_id = v.payment_id AND k.seq = v.seq)
UNION ALL
SELECT HEX(p.payment_id), 0, p.currency, CAST(r.receivable - p.total + COALESCE(d.done, 0) - COALESCE(x.corrected, 0) AS SIGNED), 'receivable is not what is effective'
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
LEFT JOIN (
  SELECT l.payment_id, SUM(IF(l.side = 'D', l.amount, -l.amount)) AS corrected
  FROM correction_line AS l
  JOIN correction_verdict AS v ON v.payment_id = l.payment_id AND v.correction_no = l.correction_no
  WHERE l.account = 'ISSUER_RECEIVABLE' AND v.verdict = 'APPROVED' GROUP BY l.payment_id
) AS x ON x.payment_id = p.payment_id
WHERE r.receivable <> p.total - COALESCE(d.done, 0) + COALESCE(x.corrected, 0)
UNION ALL
SELECT HEX(l.payment_id), v.seq, '', CAST(l.amount AS SIGNED), 'the journal is not what the correction proposed'
FROM correction_line AS l
JOIN correction_verdict AS v ON v.payment_id = l.payment_id AND v.correction_no = l.correction_no AND v.verdict = 'APPROVED'
LEFT JOIN journal_line AS k ON k.payment_id = v.payment_id AND k.seq = v.seq AND k.line_no = l.line_no
  AND k.account = l.account AND k.side = l.side AND k.amount = l.amount AND k.leg_no <=> l.leg_no
WHERE k.payment_id IS NULL
UNION ALL
SELECT HEX(k.payment_id), k.seq, k.currency, CAST(k.amount AS SIGNED), 'a line that the correction did not propose'
FROM journal_line AS k
JOIN correction_verdict AS v ON v.payment_id = k.payment_id AND v.seq = k.seq
LEFT JOIN correction_line AS l ON l.payment_id = v.payment_id AND l.correction_no = v.correction_no AND l.line_no = k.line_no
WHERE v.verdict <> 'APPROVED' OR l.payment_id IS NULL
UNION ALL
SELECT HEX(k.payment_id), k.seq, k.currency, CAST(SUM(l.amount) - MAX(k.amount) AS SIGNED), 'taken back beyond its amount'
FROM correction_line AS l
JOIN correction_verdict AS v ON v.payment_id = l.payment_id AND v.correction_no = l.correction_no AND v.verdict = 'APPROVED'
JOIN journal_line AS k ON k.payment_id = l.payment_id AND k.seq = l.reverses_seq AND k.line_no = l.reverses_line
GROUP BY k.payment_id, k.seq, k.line_no, k.currency HAVING SUM(l.amount) > MAX(k.amount);
