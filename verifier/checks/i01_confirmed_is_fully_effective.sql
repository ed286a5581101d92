-- I1: a confirmed payment's accepted authorizations sum to its total, and so do its legs; an unconfirmed one has neither accepted authorization nor balance.
-- A row is a payment whose money does not fit its verdict.
-- By hand, on a replica: mysql ledger < i01_confirmed_is_fully_effective.sql; of payments made in a window alone, times in UTC:
--   mysql --init-command="SET @since = '2026-11-23', @until = '2026-11-24'" ledger < i01_confirmed_is_fully_effective.sql
-- Cost: one range of the primary key of payment, and four short lookups a payment.
SET @first = UNHEX(RPAD(LPAD(HEX(COALESCE(TIMESTAMPDIFF(MICROSECOND, '1970-01-01', @since) DIV 1000, 0)), 12, '0'), 32, '0')),
  @last = UNHEX(RPAD(COALESCE(LPAD(HEX(TIMESTAMPDIFF(MICROSECOND, '1970-01-01', @until) DIV 1000 - 1), 12, '0'), ''), 32, 'F'));
SELECT COUNT(*) AS examined FROM payment WHERE payment_id BETWEEN @first AND @last;
SELECT HEX(p.payment_id) AS payment_id, COALESCE(v.verdict, 'NONE') AS verdict, p.total,
  (SELECT COALESCE(SUM(t.amount), 0) FROM attempt_verdict AS av
    JOIN attempt AS t ON t.payment_id = av.payment_id AND t.leg_no = av.leg_no AND t.kind = av.kind AND t.attempt_no = av.attempt_no
    WHERE av.payment_id = p.payment_id AND av.verdict = 'ACCEPT') AS effective,
  (SELECT COALESCE(SUM(a.amount), 0) FROM approval AS a WHERE a.payment_id = p.payment_id) AS legs,
  (SELECT COUNT(*) FROM balance_link AS b WHERE b.payment_id = p.payment_id) AS balance_links
FROM payment AS p LEFT JOIN payment_verdict AS v ON v.payment_id = p.payment_id
WHERE p.payment_id BETWEEN @first AND @last
HAVING (verdict = 'CONFIRMED' AND (effective <> total OR legs <> total)) OR (verdict <> 'CONFIRMED' AND (effective <> 0 OR balance_links <> 0));
