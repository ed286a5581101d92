-- I2: an approval's balance chain has no hole, every link starts where the one before ended, its tail is what was approved less all shares that did not fail, and those never exceed it; nor does what is given back of a deposit.
-- A row is a link that does not follow the one before it (chain), an approval whose last link is not what remains of it
--   (tail), one with more canceled and held than was approved (overdrawn), or a leg whose deposits do not allow what was
--   counted or given back.
-- By hand, on a replica: mysql ledger < i02_balance_is_what_remains.sql; of payments made in a window alone, times in UTC:
--   mysql --init-command="SET @since = '2026-11-23', @until = '2026-11-24'" ledger < i02_balance_is_what_remains.sql
-- Cost: one range of the primary keys of balance_link, approval, deposit and deposit_refund; the shares of a leg by index.
SET @first = UNHEX(RPAD(LPAD(HEX(COALESCE(TIMESTAMPDIFF(MICROSECOND, '1970-01-01', @since) DIV 1000, 0)), 12, '0'), 32, '0')),
  @last = UNHEX(RPAD(COALESCE(LPAD(HEX(TIMESTAMPDIFF(MICROSECOND, '1970-01-01', @until) DIV 1000 - 1), 12, '0'), ''), 32, 'F'));
SELECT COUNT(*) AS examined FROM balance_link WHERE payment_id BETWEEN @first AND @last;
SELECT HEX(l.payment_id) AS payment_id, l.leg_no, 'chain' AS what, l.link_no AS at_link, l.before_amount AS found, l.last_after AS expected
FROM (
  SELECT payment_id, leg_no, link_no, before_amount, delta, after_amount,
    LAG(after_amount) OVER w AS last_after, ROW_NUMBER() OVER w AS place
  FROM balance_link WHERE payment_id BETWEEN @first AND @last WINDOW w AS (PARTITION BY payment_id, leg_no ORDER BY link_no)
) AS l
WHERE l.link_no <> l.place - 1 OR NOT (l.before_amount <=> l.last_after)
  OR l.after_amount <> COALESCE(l.before_amount, 0) + l.delta OR l.after_amount < 0
UNION ALL
SELECT HEX(r.payment_id), r.leg_no, IF(r.taken > r.amount, 'overdrawn', 'tail'), NULL, r.tail, CAST(r.amount - r.taken AS SIGNED)
FROM (
  SELECT a.payment_id, a.leg_no, a.amount,
    (SELECT b.after_amount FROM balance_link AS b WHERE b.payment_id = a.payment_id AND b.leg_no = a.leg_no
      ORDER BY b.link_no DESC LIMIT 1) AS tail,
    (SELECT COALESCE(SUM(s.amount), 0) FROM cancel_share AS s
      LEFT JOIN cancel_outcome AS o ON o.payment_id = s.payment_id AND o.cancel_no = s.cancel_no AND o.leg_no = s.leg_no
      WHERE s.payment_id = a.payment_id AND s.leg_no = a.leg_no AND COALESCE(o.outcome, 'OPEN') <> 'FAILED') AS taken
  FROM approval AS a WHERE a.payment_id BETWEEN @first AND @last
) AS r
WHERE r.taken > r.amount OR r.tail <> r.amount - r.taken
UNION ALL
SELECT HEX(m.payment_id), m.leg_no, 'more counted than the leg', NULL, CAST(SUM(m.counted) AS SIGNED), a.amount
FROM deposit AS m JOIN approval AS a ON a.payment_id = m.payment_id AND a.leg_no = m.leg_no
WHERE m.payment_id BETWEEN @first AND @last GROUP BY m.payment_id, m.leg_no, a.amount HAVING SUM(m.counted) > a.amount
UNION ALL
SELECT HEX(r.payment_id), r.leg_no, 'more given back than was in suspense', NULL, r.returned, r.arrived
FROM (
  SELECT r.payment_id, r.leg_no, CAST(SUM(IF(o.outcome <=> 'FAILED', 0, r.amount)) AS SIGNED) AS returned,
    (SELECT CAST(COALESCE(SUM(m.amount - IF(v.verdict <=> 'CONFIRMED', m.counted, 0)), 0) AS SIGNED) FROM deposit AS m
      LEFT JOIN payment_verdict AS v ON v.payment_id = m.payment_id WHERE m.payment_id = r.payment_id AND m.leg_no = r.leg_no) AS arrived
  FROM deposit_refund AS r
  LEFT JOIN deposit_refund_outcome AS o ON o.payment_id = r.payment_id AND o.leg_no = r.leg_no AND o.refund_no = r.refund_no
  WHERE r.payment_id BETWEEN @first AND @last GROUP BY r.payment_id, r.leg_no
) AS r WHERE r.returned > r.arrived;
