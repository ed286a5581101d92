-- I2: an approval's balance chain has no hole, every link starts where the one before ended, and its tail is what was approved less all shares that did not fail.
SELECT COUNT(*) AS examined FROM balance_link;
SELECT HEX(l.payment_id) AS payment_id, l.leg_no, 'chain' AS what, l.link_no AS at_link, l.before_amount AS found, l.last_after AS expected
FROM (
  SELECT payment_id, leg_no, link_no, before_amount, delta, after_amount,
    LAG(after_amount) OVER w AS last_after, ROW_NUMBER() OVER w AS place
  FROM balance_link WINDOW w AS (PARTITION BY payment_id, leg_no ORDER BY link_no)
) AS l
WHERE l.link_no <> l.place - 1 OR NOT (l.before_amount <=> l.last_after)
  OR l.after_amount <> COALESCE(l.before_amount, 0) + l.delta OR l.after_amount < 0
UNION ALL
SELECT HEX(a.payment_id), a.leg_no, 'tail', t.link_no, t.after_amount, CAST(a.amount - COALESCE(s.shared, 0) AS SIGNED)
FROM approval AS a
JOIN (SELECT payment_id, leg_no, MAX(link_no) AS last_link FROM balance_link GROUP BY payment_id, leg_no) AS m
  ON m.payment_id = a.payment_id AND m.leg_no = a.leg_no
JOIN balance_link AS t ON t.payment_id = m.payment_id AND t.leg_no = m.leg_no AND t.link_no = m.last_link
LEFT JOIN (
  SELECT c.payment_id, c.leg_no, SUM(c.amount) AS shared
  FROM cancel_share AS c
  LEFT JOIN cancel_outcome AS o ON o.payment_id = c.payment_id AND o.cancel_no = c.cancel_no AND o.leg_no = c.leg_no
  WHERE COALESCE(o.outcome, 'OPEN') <> 'FAILED' GROUP BY c.payment_id, c.leg_no
) AS s ON s.payment_id = a.payment_id AND s.leg_no = a.leg_no
WHERE t.after_amount <> a.amount - COALESCE(s.shared, 0);
