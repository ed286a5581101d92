-- I15: every change carries the digest of the change before it, and every verifier run that of the run before it.
-- A row is a change or a run that does not name the one before it.
-- By hand, on a replica: mysql ledger < i15_digests_are_chained.sql; of payments made in a window alone, times in UTC:
--   mysql --init-command="SET @since = '2026-11-23', @until = '2026-11-24'" ledger < i15_digests_are_chained.sql
-- Cost: one range of the primary key of payment_change, and all verifier runs.
-- Not here: the digests are made again from the facts by `verifier verify-chain`; what an account may do is tried by every
--   binary at its start, and by ledger-core/tests/it/grants.rs.
SET @first = UNHEX(RPAD(LPAD(HEX(COALESCE(TIMESTAMPDIFF(MICROSECOND, '1970-01-01', @since) DIV 1000, 0)), 12, '0'), 32, '0')),
  @last = UNHEX(RPAD(COALESCE(LPAD(HEX(TIMESTAMPDIFF(MICROSECOND, '1970-01-01', @until) DIV 1000 - 1), 12, '0'), ''), 32, 'F'));
SELECT (SELECT COUNT(*) FROM payment_change WHERE payment_id BETWEEN @first AND @last) + (SELECT COUNT(*) FROM verifier_run) AS examined;
SELECT 'payment_change' AS what, HEX(c.payment_id) AS id, c.seq AS place
FROM (
  SELECT payment_id, seq, previous_digest, LAG(digest) OVER (PARTITION BY payment_id ORDER BY seq) AS before_it
  FROM payment_change WHERE payment_id BETWEEN @first AND @last
) AS c WHERE NOT (c.previous_digest <=> c.before_it)
UNION ALL
SELECT 'verifier_run', r.source, r.run_no
FROM (
  SELECT source, run_no, previous_digest, LAG(digest) OVER w AS before_it, ROW_NUMBER() OVER w AS place
  FROM verifier_run WINDOW w AS (PARTITION BY source ORDER BY run_no)
) AS r WHERE NOT (r.previous_digest <=> r.before_it) OR r.run_no <> r.place;
