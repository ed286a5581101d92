-- I1: a confirmed payment's accepted approvals sum to its total; an unconfirmed one has neither accepted approval nor balance.
SELECT COUNT(*) AS examined FROM payment;
SELECT HEX(p.payment_id) AS payment_id, COALESCE(v.verdict, 'NONE') AS verdict, p.total,
  COALESCE(e.effective, 0) AS effective, COALESCE(b.links, 0) AS balance_links
FROM payment AS p
LEFT JOIN payment_verdict AS v ON v.payment_id = p.payment_id
LEFT JOIN (
  SELECT av.payment_id, SUM(a.amount) AS effective
  FROM attempt_verdict AS av JOIN approval AS a ON a.payment_id = av.payment_id AND a.leg_no = av.leg_no
  WHERE av.verdict = 'ACCEPT' GROUP BY av.payment_id
) AS e ON e.payment_id = p.payment_id
LEFT JOIN (SELECT payment_id, COUNT(*) AS links FROM balance_link GROUP BY payment_id) AS b ON b.payment_id = p.payment_id
WHERE (v.verdict = 'CONFIRMED' AND COALESCE(e.effective, 0) <> p.total)
  OR (COALESCE(v.verdict, 'NONE') <> 'CONFIRMED' AND (COALESCE(e.effective, 0) <> 0 OR COALESCE(b.links, 0) <> 0));
