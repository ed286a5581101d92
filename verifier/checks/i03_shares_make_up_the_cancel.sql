-- I3: the shares of a cancel sum to it, in its amount and in every part of it; each share is held on its leg's chain, and given back if it failed and only then.
-- A row is a cancel that is not the sum of its shares, or a share whose links are not what it says.
-- By hand, on a replica: mysql ledger < i03_shares_make_up_the_cancel.sql; of payments made in a window alone, times in UTC:
--   mysql --init-command="SET @since = '2026-11-23', @until = '2026-11-24'" ledger < i03_shares_make_up_the_cancel.sql
-- Cost: one range of the primary keys of cancellation and cancel_share; shares and links by index.
-- Not here: the amount that an answer calls done is the sum of the shares that are DONE; the events and the journal carry
--   it (I5).
SET @first = UNHEX(RPAD(LPAD(HEX(COALESCE(TIMESTAMPDIFF(MICROSECOND, '1970-01-01', @since) DIV 1000, 0)), 12, '0'), 32, '0')),
  @last = UNHEX(RPAD(COALESCE(LPAD(HEX(TIMESTAMPDIFF(MICROSECOND, '1970-01-01', @until) DIV 1000 - 1), 12, '0'), ''), 32, 'F'));
SELECT (SELECT COUNT(*) FROM cancellation WHERE payment_id BETWEEN @first AND @last) + (SELECT COUNT(*) FROM cancel_share WHERE payment_id BETWEEN @first AND @last) AS examined;
SELECT HEX(c.payment_id) AS payment_id, c.cancel_no, NULL AS leg_no, 'shares are not the cancel' AS what,
  CONCAT_WS('/', c.amount, c.tax_free, c.vat, c.fee, c.fee_vat) AS expected,
  CONCAT_WS('/', s.amount, s.tax_free, s.vat, s.fee, s.fee_vat) AS found
FROM cancellation AS c
LEFT JOIN (
  SELECT payment_id, cancel_no, SUM(amount) AS amount, SUM(tax_free) AS tax_free, SUM(vat) AS vat, SUM(fee) AS fee, SUM(fee_vat) AS fee_vat
  FROM cancel_share WHERE payment_id BETWEEN @first AND @last GROUP BY payment_id, cancel_no
) AS s ON s.payment_id = c.payment_id AND s.cancel_no = c.cancel_no
WHERE c.payment_id BETWEEN @first AND @last AND c.amount > 0
  AND NOT (c.amount <=> s.amount AND c.tax_free <=> s.tax_free AND c.vat <=> s.vat AND c.fee <=> s.fee AND c.fee_vat <=> s.fee_vat)
UNION ALL
SELECT HEX(l.payment_id), l.cancel_no, l.leg_no, 'links are not the share',
  CONCAT_WS('/', -l.amount, IF(l.outcome = 'FAILED', l.amount, 0)), CONCAT_WS('/', l.held, l.released)
FROM (
  SELECT s.payment_id, s.cancel_no, s.leg_no, s.amount, COALESCE(o.outcome, 'OPEN') AS outcome,
    (SELECT COALESCE(SUM(b.delta), 0) FROM balance_link AS b
      WHERE b.payment_id = s.payment_id AND b.cancel_no = s.cancel_no AND b.leg_no = s.leg_no AND b.kind = 'HOLD') AS held,
    (SELECT COALESCE(SUM(b.delta), 0) FROM balance_link AS b
      WHERE b.payment_id = s.payment_id AND b.cancel_no = s.cancel_no AND b.leg_no = s.leg_no AND b.kind = 'RELEASE') AS released
  FROM cancel_share AS s
  LEFT JOIN cancel_outcome AS o ON o.payment_id = s.payment_id AND o.cancel_no = s.cancel_no AND o.leg_no = s.leg_no
  WHERE s.payment_id BETWEEN @first AND @last
) AS l
WHERE l.held <> -l.amount OR l.released <> IF(l.outcome = 'FAILED', l.amount, 0);
