-- FACTS: every fact belongs to a change of the same origin, and every change brought a fact.
-- A row is a fact without its change, or a change without facts.
-- By hand, on a replica: mysql ledger < facts_belong_to_changes.sql; of payments made in a window alone, times in UTC:
--   mysql --init-command="SET @since = '2026-11-23', @until = '2026-11-24'" ledger < facts_belong_to_changes.sql
-- Cost: one range of the primary key of every fact table.
-- Made from the schema by verifier/tests/it/generated.rs, which says when it is old.
SET @first = UNHEX(RPAD(LPAD(HEX(COALESCE(TIMESTAMPDIFF(MICROSECOND, '1970-01-01', @since) DIV 1000, 0)), 12, '0'), 32, '0')),
  @last = UNHEX(RPAD(COALESCE(LPAD(HEX(TIMESTAMPDIFF(MICROSECOND, '1970-01-01', @until) DIV 1000 - 1), 12, '0'), ''), 32, 'F'));
SELECT (SELECT COUNT(*) FROM approval WHERE payment_id BETWEEN @first AND @last)
  + (SELECT COUNT(*) FROM attempt WHERE payment_id BETWEEN @first AND @last)
  + (SELECT COUNT(*) FROM attempt_result WHERE payment_id BETWEEN @first AND @last)
  + (SELECT COUNT(*) FROM attempt_verdict WHERE payment_id BETWEEN @first AND @last)
  + (SELECT COUNT(*) FROM balance_link WHERE payment_id BETWEEN @first AND @last)
  + (SELECT COUNT(*) FROM cancel_outcome WHERE payment_id BETWEEN @first AND @last)
  + (SELECT COUNT(*) FROM cancel_share WHERE payment_id BETWEEN @first AND @last)
  + (SELECT COUNT(*) FROM cancellation WHERE payment_id BETWEEN @first AND @last)
  + (SELECT COUNT(*) FROM contradiction WHERE payment_id BETWEEN @first AND @last)
  + (SELECT COUNT(*) FROM correction WHERE payment_id BETWEEN @first AND @last)
  + (SELECT COUNT(*) FROM correction_line WHERE payment_id BETWEEN @first AND @last)
  + (SELECT COUNT(*) FROM correction_verdict WHERE payment_id BETWEEN @first AND @last)
  + (SELECT COUNT(*) FROM deposit WHERE payment_id BETWEEN @first AND @last)
  + (SELECT COUNT(*) FROM deposit_refund WHERE payment_id BETWEEN @first AND @last)
  + (SELECT COUNT(*) FROM deposit_refund_outcome WHERE payment_id BETWEEN @first AND @last)
  + (SELECT COUNT(*) FROM journal_line WHERE payment_id BETWEEN @first AND @last)
  + (SELECT COUNT(*) FROM network_cancel WHERE payment_id BETWEEN @first AND @last)
  + (SELECT COUNT(*) FROM network_cancel_outcome WHERE payment_id BETWEEN @first AND @last)
  + (SELECT COUNT(*) FROM payment WHERE payment_id BETWEEN @first AND @last)
  + (SELECT COUNT(*) FROM payment_verdict WHERE payment_id BETWEEN @first AND @last)
  + (SELECT COUNT(*) FROM refund_account WHERE payment_id BETWEEN @first AND @last)
  + (SELECT COUNT(*) FROM virtual_account WHERE payment_id BETWEEN @first AND @last) AS examined;
SELECT 'approval without its change' AS what, HEX(f.payment_id) AS payment_id, f.seq
FROM approval AS f LEFT JOIN payment_change AS c ON c.payment_id = f.payment_id AND c.seq = f.seq AND c.origin = f.origin
WHERE f.payment_id BETWEEN @first AND @last AND c.payment_id IS NULL
UNION ALL
SELECT 'attempt without its change' AS what, HEX(f.payment_id) AS payment_id, f.seq
FROM attempt AS f LEFT JOIN payment_change AS c ON c.payment_id = f.payment_id AND c.seq = f.seq AND c.origin = f.origin
WHERE f.payment_id BETWEEN @first AND @last AND c.payment_id IS NULL
UNION ALL
SELECT 'attempt_result without its change' AS what, HEX(f.payment_id) AS payment_id, f.seq
FROM attempt_result AS f LEFT JOIN payment_change AS c ON c.payment_id = f.payment_id AND c.seq = f.seq AND c.origin = f.origin
WHERE f.payment_id BETWEEN @first AND @last AND c.payment_id IS NULL
UNION ALL
SELECT 'attempt_verdict without its change' AS what, HEX(f.payment_id) AS payment_id, f.seq
FROM attempt_verdict AS f LEFT JOIN payment_change AS c ON c.payment_id = f.payment_id AND c.seq = f.seq AND c.origin = f.origin
WHERE f.payment_id BETWEEN @first AND @last AND c.payment_id IS NULL
UNION ALL
SELECT 'balance_link without its change' AS what, HEX(f.payment_id) AS payment_id, f.seq
FROM balance_link AS f LEFT JOIN payment_change AS c ON c.payment_id = f.payment_id AND c.seq = f.seq AND c.origin = f.origin
WHERE f.payment_id BETWEEN @first AND @last AND c.payment_id IS NULL
UNION ALL
SELECT 'cancel_outcome without its change' AS what, HEX(f.payment_id) AS payment_id, f.seq
FROM cancel_outcome AS f LEFT JOIN payment_change AS c ON c.payment_id = f.payment_id AND c.seq = f.seq AND c.origin = f.origin
WHERE f.payment_id BETWEEN @first AND @last AND c.payment_id IS NULL
UNION ALL
SELECT 'cancel_share without its change' AS what, HEX(f.payment_id) AS payment_id, f.seq
FROM cancel_share AS f LEFT JOIN payment_change AS c ON c.payment_id = f.payment_id AND c.seq = f.seq AND c.origin = f.origin
WHERE f.payment_id BETWEEN @first AND @last AND c.payment_id IS NULL
UNION ALL
SELECT 'cancellation without its change' AS what, HEX(f.payment_id) AS payment_id, f.seq
FROM cancellation AS f LEFT JOIN payment_change AS c ON c.payment_id = f.payment_id AND c.seq = f.seq AND c.origin = f.origin
WHERE f.payment_id BETWEEN @first AND @last AND c.payment_id IS NULL
UNION ALL
SELECT 'contradiction without its change' AS what, HEX(f.payment_id) AS payment_id, f.seq
FROM contradiction AS f LEFT JOIN payment_change AS c ON c.payment_id = f.payment_id AND c.seq = f.seq AND c.origin = f.origin
WHERE f.payment_id BETWEEN @first AND @last AND c.payment_id IS NULL
UNION ALL
SELECT 'correction without its change' AS what, HEX(f.payment_id) AS payment_id, f.seq
FROM correction AS f LEFT JOIN payment_change AS c ON c.payment_id = f.payment_id AND c.seq = f.seq AND c.origin = f.origin
WHERE f.payment_id BETWEEN @first AND @last AND c.payment_id IS NULL
UNION ALL
SELECT 'correction_line without its change' AS what, HEX(f.payment_id) AS payment_id, f.seq
FROM correction_line AS f LEFT JOIN payment_change AS c ON c.payment_id = f.payment_id AND c.seq = f.seq AND c.origin = f.origin
WHERE f.payment_id BETWEEN @first AND @last AND c.payment_id IS NULL
UNION ALL
SELECT 'correction_verdict without its change' AS what, HEX(f.payment_id) AS payment_id, f.seq
FROM correction_verdict AS f LEFT JOIN payment_change AS c ON c.payment_id = f.payment_id AND c.seq = f.seq AND c.origin = f.origin
WHERE f.payment_id BETWEEN @first AND @last AND c.payment_id IS NULL
UNION ALL
SELECT 'deposit without its change' AS what, HEX(f.payment_id) AS payment_id, f.seq
FROM deposit AS f LEFT JOIN payment_change AS c ON c.payment_id = f.payment_id AND c.seq = f.seq AND c.origin = f.origin
WHERE f.payment_id BETWEEN @first AND @last AND c.payment_id IS NULL
UNION ALL
SELECT 'deposit_refund without its change' AS what, HEX(f.payment_id) AS payment_id, f.seq
FROM deposit_refund AS f LEFT JOIN payment_change AS c ON c.payment_id = f.payment_id AND c.seq = f.seq AND c.origin = f.origin
WHERE f.payment_id BETWEEN @first AND @last AND c.payment_id IS NULL
UNION ALL
SELECT 'deposit_refund_outcome without its change' AS what, HEX(f.payment_id) AS payment_id, f.seq
FROM deposit_refund_outcome AS f LEFT JOIN payment_change AS c ON c.payment_id = f.payment_id AND c.seq = f.seq AND c.origin = f.origin
WHERE f.payment_id BETWEEN @first AND @last AND c.payment_id IS NULL
UNION ALL
SELECT 'journal_line without its change' AS what, HEX(f.payment_id) AS payment_id, f.seq
FROM journal_line AS f LEFT JOIN payment_change AS c ON c.payment_id = f.payment_id AND c.seq = f.seq AND c.origin = f.origin
WHERE f.payment_id BETWEEN @first AND @last AND c.payment_id IS NULL
UNION ALL
SELECT 'network_cancel without its change' AS what, HEX(f.payment_id) AS payment_id, f.seq
FROM network_cancel AS f LEFT JOIN payment_change AS c ON c.payment_id = f.payment_id AND c.seq = f.seq AND c.origin = f.origin
WHERE f.payment_id BETWEEN @first AND @last AND c.payment_id IS NULL
UNION ALL
SELECT 'network_cancel_outcome without its change' AS what, HEX(f.payment_id) AS payment_id, f.seq
FROM network_cancel_outcome AS f LEFT JOIN payment_change AS c ON c.payment_id = f.payment_id AND c.seq = f.seq AND c.origin = f.origin
WHERE f.payment_id BETWEEN @first AND @last AND c.payment_id IS NULL
UNION ALL
SELECT 'payment without its change' AS what, HEX(f.payment_id) AS payment_id, f.seq
FROM payment AS f LEFT JOIN payment_change AS c ON c.payment_id = f.payment_id AND c.seq = f.seq AND c.origin = f.origin
WHERE f.payment_id BETWEEN @first AND @last AND c.payment_id IS NULL
UNION ALL
SELECT 'payment_verdict without its change' AS what, HEX(f.payment_id) AS payment_id, f.seq
FROM payment_verdict AS f LEFT JOIN payment_change AS c ON c.payment_id = f.payment_id AND c.seq = f.seq AND c.origin = f.origin
WHERE f.payment_id BETWEEN @first AND @last AND c.payment_id IS NULL
UNION ALL
SELECT 'refund_account without its change' AS what, HEX(f.payment_id) AS payment_id, f.seq
FROM refund_account AS f LEFT JOIN payment_change AS c ON c.payment_id = f.payment_id AND c.seq = f.seq AND c.origin = f.origin
WHERE f.payment_id BETWEEN @first AND @last AND c.payment_id IS NULL
UNION ALL
SELECT 'virtual_account without its change' AS what, HEX(f.payment_id) AS payment_id, f.seq
FROM virtual_account AS f LEFT JOIN payment_change AS c ON c.payment_id = f.payment_id AND c.seq = f.seq AND c.origin = f.origin
WHERE f.payment_id BETWEEN @first AND @last AND c.payment_id IS NULL
UNION ALL
SELECT 'change without facts', HEX(c.payment_id), c.seq
FROM payment_change AS c
WHERE c.payment_id BETWEEN @first AND @last
  AND NOT EXISTS (SELECT 1 FROM approval AS f WHERE f.payment_id = c.payment_id AND f.seq = c.seq)
  AND NOT EXISTS (SELECT 1 FROM attempt AS f WHERE f.payment_id = c.payment_id AND f.seq = c.seq)
  AND NOT EXISTS (SELECT 1 FROM attempt_result AS f WHERE f.payment_id = c.payment_id AND f.seq = c.seq)
  AND NOT EXISTS (SELECT 1 FROM attempt_verdict AS f WHERE f.payment_id = c.payment_id AND f.seq = c.seq)
  AND NOT EXISTS (SELECT 1 FROM balance_link AS f WHERE f.payment_id = c.payment_id AND f.seq = c.seq)
  AND NOT EXISTS (SELECT 1 FROM cancel_outcome AS f WHERE f.payment_id = c.payment_id AND f.seq = c.seq)
  AND NOT EXISTS (SELECT 1 FROM cancel_share AS f WHERE f.payment_id = c.payment_id AND f.seq = c.seq)
  AND NOT EXISTS (SELECT 1 FROM cancellation AS f WHERE f.payment_id = c.payment_id AND f.seq = c.seq)
  AND NOT EXISTS (SELECT 1 FROM contradiction AS f WHERE f.payment_id = c.payment_id AND f.seq = c.seq)
  AND NOT EXISTS (SELECT 1 FROM correction AS f WHERE f.payment_id = c.payment_id AND f.seq = c.seq)
  AND NOT EXISTS (SELECT 1 FROM correction_line AS f WHERE f.payment_id = c.payment_id AND f.seq = c.seq)
  AND NOT EXISTS (SELECT 1 FROM correction_verdict AS f WHERE f.payment_id = c.payment_id AND f.seq = c.seq)
  AND NOT EXISTS (SELECT 1 FROM deposit AS f WHERE f.payment_id = c.payment_id AND f.seq = c.seq)
  AND NOT EXISTS (SELECT 1 FROM deposit_refund AS f WHERE f.payment_id = c.payment_id AND f.seq = c.seq)
  AND NOT EXISTS (SELECT 1 FROM deposit_refund_outcome AS f WHERE f.payment_id = c.payment_id AND f.seq = c.seq)
  AND NOT EXISTS (SELECT 1 FROM network_cancel AS f WHERE f.payment_id = c.payment_id AND f.seq = c.seq)
  AND NOT EXISTS (SELECT 1 FROM network_cancel_outcome AS f WHERE f.payment_id = c.payment_id AND f.seq = c.seq)
  AND NOT EXISTS (SELECT 1 FROM payment AS f WHERE f.payment_id = c.payment_id AND f.seq = c.seq)
  AND NOT EXISTS (SELECT 1 FROM payment_verdict AS f WHERE f.payment_id = c.payment_id AND f.seq = c.seq)
  AND NOT EXISTS (SELECT 1 FROM refund_account AS f WHERE f.payment_id = c.payment_id AND f.seq = c.seq)
  AND NOT EXISTS (SELECT 1 FROM virtual_account AS f WHERE f.payment_id = c.payment_id AND f.seq = c.seq);
