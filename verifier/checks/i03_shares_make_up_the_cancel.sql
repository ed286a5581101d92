-- I3: the shares of a cancel sum to it, in its amount and in every part of it.
SELECT COUNT(*) AS examined FROM cancellation;
SELECT HEX(c.payment_id) AS payment_id, c.cancel_no, c.amount, COALESCE(s.amount, 0) AS shares_amount, c.tax_free, s.tax_free AS shares_tax_free,
  c.vat, s.vat AS shares_vat, c.fee, s.fee AS shares_fee, c.fee_vat, s.fee_vat AS shares_fee_vat
FROM cancellation AS c
LEFT JOIN (
  SELECT payment_id, cancel_no, SUM(amount) AS amount, SUM(tax_free) AS tax_free, SUM(vat) AS vat, SUM(fee) AS fee, SUM(fee_vat) AS fee_vat
  FROM cancel_share GROUP BY payment_id, cancel_no
) AS s ON s.payment_id = c.payment_id AND s.cancel_no = c.cancel_no
WHERE NOT (c.amount <=> s.amount AND c.tax_free <=> s.tax_free AND c.vat <=> s.vat AND c.fee <=> s.fee AND c.fee_vat <=> s.fee_vat);
