-- I6: at most one verdict per attempt and one ACCEPT per leg; an ACCEPT stands on an APPROVED result, and not beside a refusal that was known; an approval beside the verdict is raised as a contradiction.
-- A row is a leg and attempt with a verdict too many, or an ACCEPT without ground, or money at an issuer that nobody wants and nobody undoes.
-- By hand, on a replica: mysql ledger < i06_one_verdict_per_attempt.sql; of payments made in a window alone, times in UTC:
--   mysql --init-command="SET @since = '2026-11-23', @until = '2026-11-24'" ledger < i06_one_verdict_per_attempt.sql
-- Cost: one range of the primary key of attempt_verdict, and a lookup of the results of each.
SET @first = UNHEX(RPAD(LPAD(HEX(COALESCE(TIMESTAMPDIFF(MICROSECOND, '1970-01-01', @since) DIV 1000, 0)), 12, '0'), 32, '0')),
  @last = UNHEX(RPAD(COALESCE(LPAD(HEX(TIMESTAMPDIFF(MICROSECOND, '1970-01-01', @until) DIV 1000 - 1), 12, '0'), ''), 32, 'F'));
SELECT COUNT(*) AS examined FROM attempt_verdict WHERE payment_id BETWEEN @first AND @last;
SELECT HEX(payment_id) AS payment_id, leg_no, attempt_no, 'verdicts of one attempt' AS what, COUNT(*) AS found
FROM attempt_verdict WHERE payment_id BETWEEN @first AND @last GROUP BY payment_id, leg_no, attempt_no HAVING COUNT(*) > 1
UNION ALL
SELECT HEX(payment_id), leg_no, MIN(attempt_no), 'accepts of one leg', COUNT(*)
FROM attempt_verdict WHERE payment_id BETWEEN @first AND @last AND verdict = 'ACCEPT' GROUP BY payment_id, leg_no HAVING COUNT(*) > 1
UNION ALL
SELECT HEX(v.payment_id), v.leg_no, v.attempt_no, 'accept without an approved result', 0
FROM attempt_verdict AS v
LEFT JOIN attempt_result AS r ON r.payment_id = v.payment_id AND r.leg_no = v.leg_no AND r.kind = v.kind
  AND r.attempt_no = v.attempt_no AND r.outcome = 'APPROVED' AND r.result_no = v.result_no
WHERE v.payment_id BETWEEN @first AND @last AND v.verdict = 'ACCEPT' AND r.payment_id IS NULL
UNION ALL
SELECT HEX(v.payment_id), v.leg_no, v.attempt_no, 'accept beside a refusal', COUNT(*)
FROM attempt_verdict AS v
JOIN attempt_result AS r ON r.payment_id = v.payment_id AND r.leg_no = v.leg_no AND r.kind = v.kind AND r.attempt_no = v.attempt_no
WHERE v.payment_id BETWEEN @first AND @last AND v.verdict = 'ACCEPT' AND r.outcome IN ('DECLINED', 'NOT_SENT') AND r.seq <= v.seq
GROUP BY v.payment_id, v.leg_no, v.attempt_no
UNION ALL
SELECT HEX(v.payment_id), v.leg_no, v.attempt_no, 'approval beside the verdict, not raised', COUNT(*)
FROM attempt_verdict AS v
JOIN attempt_result AS r ON r.payment_id = v.payment_id AND r.leg_no = v.leg_no AND r.kind = v.kind AND r.attempt_no = v.attempt_no
  AND r.outcome = 'APPROVED'
LEFT JOIN contradiction AS c ON c.payment_id = r.payment_id AND c.leg_no = r.leg_no AND c.kind = r.kind AND c.attempt_no = r.attempt_no
  AND c.outcome = r.outcome AND c.result_no = r.result_no AND c.step_no = 1
WHERE v.payment_id BETWEEN @first AND @last AND c.payment_id IS NULL
  AND (v.verdict = 'REJECT' OR (v.verdict = 'ACCEPT' AND r.result_no <> v.result_no)
    OR (v.verdict = 'ABANDON' AND EXISTS (SELECT 1 FROM attempt_result AS f WHERE f.payment_id = r.payment_id AND f.leg_no = r.leg_no
      AND f.kind = r.kind AND f.attempt_no = r.attempt_no AND f.outcome = 'APPROVED' AND f.result_no < r.result_no)))
GROUP BY v.payment_id, v.leg_no, v.attempt_no;
