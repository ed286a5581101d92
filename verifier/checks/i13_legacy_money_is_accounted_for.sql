-- I13: what was carried over of a legacy payment is what its legacy rows say, in approvals and cancels; no version of a row is both carried over and in quarantine, and legacy money stands on legacy rows.
-- A row is a legacy payment that differs from the rows it was made of, rows mapped to a payment that is not there, or a row
--   that was put into quarantine after it was carried over.
-- By hand, on a replica: mysql ledger < i13_legacy_money_is_accounted_for.sql; of payments made in a window alone, times in UTC:
--   mysql --init-command="SET @since = '2026-11-23', @until = '2026-11-24'" ledger < i13_legacy_money_is_accounted_for.sql
-- Cost: one range of the primary key of payment and of ix_legacy_row_payment; the versions of each row by primary key; the
--   whole quarantine.
-- Not here: the legacy database itself: `migrator certify` counts every row of it as mapped, quarantined or excluded, by
--   kind, method and day.
SET @first = UNHEX(RPAD(LPAD(HEX(COALESCE(TIMESTAMPDIFF(MICROSECOND, '1970-01-01', @since) DIV 1000, 0)), 12, '0'), 32, '0')),
  @last = UNHEX(RPAD(COALESCE(LPAD(HEX(TIMESTAMPDIFF(MICROSECOND, '1970-01-01', @until) DIV 1000 - 1), 12, '0'), ''), 32, 'F'));
SELECT COUNT(*) AS examined FROM legacy_row WHERE payment_id BETWEEN @first AND @last;
WITH told AS (
  SELECT l.payment_id, SUM(IF(l.kind = 'APPROVAL', l.amount, 0)) AS approved, SUM(IF(l.kind = 'CANCEL', l.amount, 0)) AS canceled
  FROM legacy_row AS l
  WHERE l.payment_id BETWEEN @first AND @last AND l.disposition = 'MAPPED' AND NOT EXISTS (
    SELECT 1 FROM legacy_row AS n WHERE n.source = l.source AND n.table_name = l.table_name AND n.row_pk = l.row_pk
      AND (n.recorded_at > l.recorded_at OR (n.recorded_at = l.recorded_at AND n.row_hash < l.row_hash)))
  GROUP BY l.payment_id
), held AS (
  SELECT p.payment_id, (SELECT SUM(a.amount) FROM approval AS a WHERE a.payment_id = p.payment_id) AS approved,
    COALESCE((SELECT SUM(c.amount) FROM cancellation AS c WHERE c.payment_id = p.payment_id AND c.origin = 'LEGACY'), 0) AS canceled
  FROM payment AS p WHERE p.payment_id BETWEEN @first AND @last AND p.origin = 'LEGACY'
)
SELECT 'not what the rows say' AS what, HEX(h.payment_id) AS id, t.approved AS legacy_approved, h.approved AS ledger_approved,
  t.canceled AS legacy_canceled, h.canceled AS ledger_canceled
FROM held AS h LEFT JOIN told AS t ON t.payment_id = h.payment_id
WHERE NOT (t.approved <=> h.approved AND t.canceled <=> h.canceled)
UNION ALL
SELECT 'rows of a payment that is not there', HEX(t.payment_id), t.approved, NULL, t.canceled, NULL
FROM told AS t LEFT JOIN held AS h ON h.payment_id = t.payment_id WHERE h.payment_id IS NULL
UNION ALL
SELECT 'carried over and in quarantine', CONCAT(q.source, '/', q.table_name, '/', q.row_pk), NULL, NULL, NULL, NULL
FROM legacy_quarantine AS q
JOIN legacy_row AS l ON l.source = q.source AND l.table_name = q.table_name AND l.row_pk = q.row_pk AND l.row_hash = q.row_hash
WHERE q.recorded_at > l.recorded_at;
