-- I4: what was canceled of a payment never exceeds it in any part, and after everything is canceled no part is left over.
SELECT COUNT(*) AS examined FROM payment;
SELECT HEX(p.payment_id) AS payment_id, p.total, s.amount AS canceled, p.tax_free, s.tax_free AS canceled_tax_free,
  p.vat, s.vat AS canceled_vat, p.fee, s.fee AS canceled_fee, p.fee_vat, s.fee_vat AS canceled_fee_vat
FROM payment AS p
JOIN (
  SELECT c.payment_id, SUM(c.amount) AS amount, SUM(c.tax_free) AS tax_free, SUM(c.vat) AS vat, SUM(c.fee) AS fee, SUM(c.fee_vat) AS fee_vat
  FROM cancel_share AS c
  LEFT JOIN cancel_outcome AS o ON o.payment_id = c.payment_id AND o.cancel_no = c.cancel_no AND o.leg_no = c.leg_no
  WHERE COALESCE(o.outcome, 'OPEN') <> 'FAILED' GROUP BY c.payment_id
) AS s ON s.payment_id = p.payment_id
WHERE s.amount > p.total OR s.tax_free > p.tax_free OR s.vat > p.vat OR s.fee > p.fee OR s.fee_vat > p.fee_vat
  OR (s.amount = p.total AND (s.tax_free <> p.tax_free OR s.vat <> p.vat OR s.fee <> p.fee OR s.fee_vat <> p.fee_vat));
