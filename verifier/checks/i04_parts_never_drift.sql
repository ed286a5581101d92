-- I4: what was canceled of a payment never exceeds it in any part, after everything is canceled no part is left over, and until a cancel fails the VAT that remains is that of the price that remains.
-- A row is a payment whose canceled parts do not fit what it was.
-- By hand, on a replica: mysql ledger < i04_parts_never_drift.sql; of payments made in a window alone, times in UTC:
--   mysql --init-command="SET @since = '2026-11-23', @until = '2026-11-24'" ledger < i04_parts_never_drift.sql
-- Cost: one range of the primary key of cancel_share, and a lookup of each canceled payment.
-- Not here: that the parts of a long row of cancels are the differences of what remained is a property test
--   (ledger-core/tests/model/money.rs).
SET @first = UNHEX(RPAD(LPAD(HEX(COALESCE(TIMESTAMPDIFF(MICROSECOND, '1970-01-01', @since) DIV 1000, 0)), 12, '0'), 32, '0')),
  @last = UNHEX(RPAD(COALESCE(LPAD(HEX(TIMESTAMPDIFF(MICROSECOND, '1970-01-01', @until) DIV 1000 - 1), 12, '0'), ''), 32, 'F'));
SELECT COUNT(*) AS examined FROM payment WHERE payment_id BETWEEN @first AND @last;
SELECT HEX(p.payment_id) AS payment_id, p.total, s.amount AS canceled, p.tax_free, s.tax_free AS canceled_tax_free,
  p.vat, s.vat AS canceled_vat, p.fee, s.fee AS canceled_fee, p.fee_vat, s.fee_vat AS canceled_fee_vat
FROM (
  SELECT c.payment_id, SUM(IF(o.outcome <=> 'FAILED', 0, c.amount)) AS amount, SUM(IF(o.outcome <=> 'FAILED', 0, c.tax_free)) AS tax_free,
    SUM(IF(o.outcome <=> 'FAILED', 0, c.vat)) AS vat, SUM(IF(o.outcome <=> 'FAILED', 0, c.fee)) AS fee,
    SUM(IF(o.outcome <=> 'FAILED', 0, c.fee_vat)) AS fee_vat, SUM(o.outcome <=> 'FAILED') AS failed
  FROM cancel_share AS c
  LEFT JOIN cancel_outcome AS o ON o.payment_id = c.payment_id AND o.cancel_no = c.cancel_no AND o.leg_no = c.leg_no
  WHERE c.payment_id BETWEEN @first AND @last GROUP BY c.payment_id
) AS s
JOIN payment AS p ON p.payment_id = s.payment_id
WHERE s.amount > p.total OR s.tax_free > p.tax_free OR s.vat > p.vat OR s.fee > p.fee OR s.fee_vat > p.fee_vat
  OR (s.amount = p.total AND (s.tax_free <> p.tax_free OR s.vat <> p.vat OR s.fee <> p.fee OR s.fee_vat <> p.fee_vat))
  OR (p.origin = 'LIVE' AND p.tax_source = 'FORMULA' AND s.failed = 0
    AND p.vat - s.vat <> (2 * (p.total - s.amount - p.tax_free + s.tax_free) + 11) DIV 22);
