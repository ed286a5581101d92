-- I13: what was carried over of a legacy payment is what its legacy rows say, in approvals and cancels; no version of a row is both mapped and excluded, and legacy money stands on legacy rows.
SELECT COUNT(*) AS examined FROM legacy_row;
WITH latest AS (
  SELECT payment_id, table_name, row_pk, kind, amount, disposition,
    ROW_NUMBER() OVER (PARTITION BY source, table_name, row_pk ORDER BY recorded_at DESC, row_hash) AS place
  FROM legacy_row
), told AS (
  SELECT payment_id, SUM(IF(kind = 'APPROVAL', amount, 0)) AS approved, SUM(IF(kind = 'CANCEL', amount, 0)) AS canceled
  FROM latest WHERE place = 1 AND disposition = 'MAPPED' GROUP BY payment_id
), held AS (
  SELECT p.payment_id, (SELECT SUM(a.amount) FROM approval AS a WHERE a.payment_id = p.payment_id) AS approved,
    COALESCE((SELECT SUM(c.amount) FROM cancellation AS c WHERE c.payment_id = p.payment_id AND c.origin = 'LEGACY'), 0) AS canceled
  FROM payment AS p WHERE p.origin = 'LEGACY'
)
SELECT HEX(h.payment_id) AS payment_id, t.approved AS legacy_approved, h.approved AS ledger_approved,
  t.canceled AS legacy_canceled, h.canceled AS ledger_canceled
FROM held AS h LEFT JOIN told AS t ON t.payment_id = h.payment_id
WHERE NOT (t.approved <=> h.approved AND t.canceled <=> h.canceled)
UNION ALL
SELECT HEX(t.payment_id), t.approved, NULL, t.canceled, NULL
FROM told AS t LEFT JOIN held AS h ON h.payment_id = t.payment_id WHERE h.payment_id IS NULL;
