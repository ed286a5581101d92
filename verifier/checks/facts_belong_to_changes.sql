-- FACTS: every fact belongs to a change of the same origin, and every change brought a fact.
SELECT (SELECT COUNT(*) FROM payment)
  + (SELECT COUNT(*) FROM approval)
  + (SELECT COUNT(*) FROM attempt)
  + (SELECT COUNT(*) FROM attempt_result)
  + (SELECT COUNT(*) FROM attempt_verdict)
  + (SELECT COUNT(*) FROM payment_verdict)
  + (SELECT COUNT(*) FROM network_cancel)
  + (SELECT COUNT(*) FROM network_cancel_outcome)
  + (SELECT COUNT(*) FROM cancellation)
  + (SELECT COUNT(*) FROM cancel_share)
  + (SELECT COUNT(*) FROM cancel_outcome)
  + (SELECT COUNT(*) FROM balance_link)
  + (SELECT COUNT(*) FROM correction)
  + (SELECT COUNT(*) FROM correction_line)
  + (SELECT COUNT(*) FROM correction_verdict)
  + (SELECT COUNT(*) FROM journal_line) AS examined;
SELECT 'payment without its change' AS what, HEX(f.payment_id) AS payment_id, f.seq
FROM payment AS f LEFT JOIN payment_change AS c ON c.payment_id = f.payment_id AND c.seq = f.seq AND c.origin = f.origin
WHERE c.payment_id IS NULL
UNION ALL
SELECT 'approval without its change' AS what, HEX(f.payment_id) AS payment_id, f.seq
FROM approval AS f LEFT JOIN payment_change AS c ON c.payment_id = f.payment_id AND c.seq = f.seq AND c.origin = f.origin
WHERE c.payment_id IS NULL
UNION ALL
SELECT 'attempt without its change' AS what, HEX(f.payment_id) AS payment_id, f.seq
FROM attempt AS f LEFT JOIN payment_change AS c ON c.payment_id = f.payment_id AND c.seq = f.seq AND c.origin = f.origin
WHERE c.payment_id IS NULL
UNION ALL
SELECT 'attempt_result without its change' AS what, HEX(f.payment_id) AS payment_id, f.seq
FROM attempt_result AS f LEFT JOIN payment_change AS c ON c.payment_id = f.payment_id AND c.seq = f.seq AND c.origin = f.origin
WHERE c.payment_id IS NULL
UNION ALL
SELECT 'attempt_verdict without its change' AS what, HEX(f.payment_id) AS payment_id, f.seq
FROM attempt_verdict AS f LEFT JOIN payment_change AS c ON c.payment_id = f.payment_id AND c.seq = f.seq AND c.origin = f.origin
WHERE c.payment_id IS NULL
UNION ALL
SELECT 'payment_verdict without its change' AS what, HEX(f.payment_id) AS payment_id, f.seq
FROM payment_verdict AS f LEFT JOIN payment_change AS c ON c.payment_id = f.payment_id AND c.seq = f.seq AND c.origin = f.origin
WHERE c.payment_id IS NULL
UNION ALL
SELECT 'network_cancel without its change' AS what, HEX(f.payment_id) AS payment_id, f.seq
FROM network_cancel AS f LEFT JOIN payment_change AS c ON c.payment_id = f.payment_id AND c.seq = f.seq AND c.origin = f.origin
WHERE c.payment_id IS NULL
UNION ALL
SELECT 'network_cancel_outcome without its change' AS what, HEX(f.payment_id) AS payment_id, f.seq
FROM network_cancel_outcome AS f LEFT JOIN payment_change AS c ON c.payment_id = f.payment_id AND c.seq = f.seq AND c.origin = f.origin
WHERE c.payment_id IS NULL
UNION ALL
SELECT 'cancellation without its change' AS what, HEX(f.payment_id) AS payment_id, f.seq
FROM cancellation AS f LEFT JOIN payment_change AS c ON c.payment_id = f.payment_id AND c.seq = f.seq AND c.origin = f.origin
WHERE c.payment_id IS NULL
UNION ALL
SELECT 'cancel_share without its change' AS what, HEX(f.payment_id) AS payment_id, f.seq
FROM cancel_share AS f LEFT JOIN payment_change AS c ON c.payment_id = f.payment_id AND c.seq = f.seq AND c.origin = f.origin
WHERE c.payment_id IS NULL
UNION ALL
SELECT 'cancel_outcome without its change' AS what, HEX(f.payment_id) AS payment_id, f.seq
FROM cancel_outcome AS f LEFT JOIN payment_change AS c ON c.payment_id = f.payment_id AND c.seq = f.seq AND c.origin = f.origin
WHERE c.payment_id IS NULL
UNION ALL
SELECT 'balance_link without its change' AS what, HEX(f.payment_id) AS payment_id, f.seq
FROM balance_link AS f LEFT JOIN payment_change AS c ON c.payment_id = f.payment_id AND c.seq = f.seq AND c.origin = f.origin
WHERE c.payment_id IS NULL
UNION ALL
SELECT 'correction without its change' AS what, HEX(f.payment_id) AS payment_id, f.seq
FROM correction AS f LEFT JOIN payment_change AS c ON c.payment_id = f.payment_id AND c.seq = f.seq AND c.origin = f.origin
WHERE c.payment_id IS NULL
UNION ALL
SELECT 'correction_line without its change' AS what, HEX(f.payment_id) AS payment_id, f.seq
FROM correction_line AS f LEFT JOIN payment_change AS c ON c.payment_id = f.payment_id AND c.seq = f.seq AND c.origin = f.origin
WHERE c.payment_id IS NULL
UNION ALL
SELECT 'correction_verdict without its change' AS what, HEX(f.payment_id) AS payment_id, f.seq
FROM correction_verdict AS f LEFT JOIN payment_change AS c ON c.payment_id = f.payment_id AND c.seq = f.seq AND c.origin = f.origin
WHERE c.payment_id IS NULL
UNION ALL
SELECT 'journal_line without its change' AS what, HEX(f.payment_id) AS payment_id, f.seq
FROM journal_line AS f LEFT JOIN payment_change AS c ON c.payment_id = f.payment_id AND c.seq = f.seq AND c.origin = f.origin
WHERE c.payment_id IS NULL
UNION ALL
SELECT 'change without facts', HEX(c.payment_id), c.seq
FROM payment_change AS c
WHERE NOT EXISTS (SELECT 1 FROM payment AS f WHERE f.payment_id = c.payment_id AND f.seq = c.seq)
  AND NOT EXISTS (SELECT 1 FROM approval AS f WHERE f.payment_id = c.payment_id AND f.seq = c.seq)
  AND NOT EXISTS (SELECT 1 FROM attempt AS f WHERE f.payment_id = c.payment_id AND f.seq = c.seq)
  AND NOT EXISTS (SELECT 1 FROM attempt_result AS f WHERE f.payment_id = c.payment_id AND f.seq = c.seq)
  AND NOT EXISTS (SELECT 1 FROM attempt_verdict AS f WHERE f.payment_id = c.payment_id AND f.seq = c.seq)
  AND NOT EXISTS (SELECT 1 FROM payment_verdict AS f WHERE f.payment_id = c.payment_id AND f.seq = c.seq)
  AND NOT EXISTS (SELECT 1 FROM network_cancel AS f WHERE f.payment_id = c.payment_id AND f.seq = c.seq)
  AND NOT EXISTS (SELECT 1 FROM network_cancel_outcome AS f WHERE f.payment_id = c.payment_id AND f.seq = c.seq)
  AND NOT EXISTS (SELECT 1 FROM cancellation AS f WHERE f.payment_id = c.payment_id AND f.seq = c.seq)
  AND NOT EXISTS (SELECT 1 FROM cancel_share AS f WHERE f.payment_id = c.payment_id AND f.seq = c.seq)
  AND NOT EXISTS (SELECT 1 FROM cancel_outcome AS f WHERE f.payment_id = c.payment_id AND f.seq = c.seq)
  AND NOT EXISTS (SELECT 1 FROM balance_link AS f WHERE f.payment_id = c.payment_id AND f.seq = c.seq)
  AND NOT EXISTS (SELECT 1 FROM correction AS f WHERE f.payment_id = c.payment_id AND f.seq = c.seq)
  AND NOT EXISTS (SELECT 1 FROM correction_verdict AS f WHERE f.payment_id = c.payment_id AND f.seq = c.seq);
