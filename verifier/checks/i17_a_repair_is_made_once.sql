-- I17: a verifier's run says as many findings as it has, is green only without any, looks at nothing younger than itself, and never repairs what an earlier run repaired.
-- A row is a run whose record contradicts itself, or a row that was repaired twice.
-- By hand, on a replica: mysql ledger < i17_a_repair_is_made_once.sql; of payments made in a window alone, times in UTC:
--   mysql --init-command="SET @since = '2026-11-23', @until = '2026-11-24'" ledger < i17_a_repair_is_made_once.sql
-- Cost: all verifier runs and findings, window or not; they grow by a row per run and finding.
-- Not here: that a second run right after the first inserts nothing is tested on real servers (verifier/tests/it/heal.rs).
SET @first = UNHEX(RPAD(LPAD(HEX(COALESCE(TIMESTAMPDIFF(MICROSECOND, '1970-01-01', @since) DIV 1000, 0)), 12, '0'), 32, '0')),
  @last = UNHEX(RPAD(COALESCE(LPAD(HEX(TIMESTAMPDIFF(MICROSECOND, '1970-01-01', @until) DIV 1000 - 1), 12, '0'), ''), 32, 'F'));
SELECT (SELECT COUNT(*) FROM verifier_run) + (SELECT COUNT(*) FROM verifier_finding) AS examined;
SELECT 'counts are not the findings' AS what, HEX(r.run_id) AS run_id, r.run_no AS number, CONCAT_WS('/', r.gaps, r.healed) AS detail
FROM verifier_run AS r
LEFT JOIN (SELECT run_id, COUNT(*) AS gaps, SUM(healed) AS healed FROM verifier_finding GROUP BY run_id) AS f ON f.run_id = r.run_id
WHERE r.gaps <> COALESCE(f.gaps, 0) OR r.healed <> COALESCE(f.healed, 0)
UNION ALL
SELECT 'green with findings', HEX(r.run_id), r.run_no, r.state
FROM verifier_run AS r
WHERE (r.state = 'GREEN' AND r.gaps <> 0) OR (r.state = 'HEALED' AND (r.healed = 0 OR r.healed <> r.gaps))
UNION ALL
SELECT 'looked at what was too young', HEX(r.run_id), r.run_no, CAST(r.window_to AS CHAR)
FROM verifier_run AS r WHERE r.window_to > r.started_at
UNION ALL
SELECT 'repaired twice', HEX(MAX(f.run_id)), COUNT(*), CONCAT(f.table_name, '/', f.row_pk)
FROM verifier_finding AS f JOIN verifier_run AS r ON r.run_id = f.run_id
WHERE f.healed AND f.class = 'MISSING_LEDGER' GROUP BY r.source, f.table_name, f.row_pk HAVING COUNT(*) > 1;
