-- I15: every change carries the digest of the change before it, and every verifier run that of the run before it. (The digests themselves are computed again by the audit.)
SELECT (SELECT COUNT(*) FROM payment_change) + (SELECT COUNT(*) FROM verifier_run) AS examined;
SELECT 'payment_change' AS chain, HEX(c.payment_id) AS id, c.seq AS place
FROM (
  SELECT payment_id, seq, previous_digest, LAG(digest) OVER (PARTITION BY payment_id ORDER BY seq) AS before_it FROM payment_change
) AS c WHERE NOT (c.previous_digest <=> c.before_it)
UNION ALL
SELECT 'verifier_run', r.source, r.run_no
FROM (
  SELECT source, run_no, previous_digest, LAG(digest) OVER w AS before_it, ROW_NUMBER() OVER w AS place
  FROM verifier_run WINDOW w AS (PARTITION BY source ORDER BY run_no)
) AS r WHERE NOT (r.previous_digest <=> r.before_it) OR r.run_no <> r.place;
