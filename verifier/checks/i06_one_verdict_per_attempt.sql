-- I6: at most one verdict per attempt and one ACCEPT per leg; an ACCEPT stands on an APPROVED result.
SELECT COUNT(*) AS examined FROM attempt_verdict;
SELECT HEX(payment_id) AS payment_id, leg_no, attempt_no, 'verdicts of one attempt' AS what, COUNT(*) AS found
FROM attempt_verdict GROUP BY payment_id, leg_no, attempt_no HAVING COUNT(*) > 1
UNION ALL
SELECT HEX(payment_id), leg_no, MIN(attempt_no), 'accepts of one leg', COUNT(*)
FROM attempt_verdict WHERE verdict = 'ACCEPT' GROUP BY payment_id, leg_no HAVING COUNT(*) > 1
UNION ALL
SELECT HEX(v.payment_id), v.leg_no, v.attempt_no, 'accept without an approved result', 0
FROM attempt_verdict AS v
LEFT JOIN attempt_result AS r ON r.payment_id = v.payment_id AND r.leg_no = v.leg_no AND r.kind = v.kind
  AND r.attempt_no = v.attempt_no AND r.outcome = 'APPROVED' AND r.result_no = v.result_no
WHERE v.verdict = 'ACCEPT' AND r.payment_id IS NULL;
