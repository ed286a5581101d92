-- I12: an attempt that was abandoned never becomes effective; every abandoned attempt whose money may have moved has a network cancel, and no accepted one has.
SELECT COUNT(*) AS examined FROM attempt_verdict;
SELECT HEX(v.payment_id) AS payment_id, v.leg_no, v.attempt_no, 'abandoned without a network cancel' AS what
FROM attempt_verdict AS v
LEFT JOIN network_cancel AS n ON n.payment_id = v.payment_id AND n.leg_no = v.leg_no AND n.attempt_no = v.attempt_no
WHERE v.verdict = 'ABANDON' AND n.payment_id IS NULL
UNION ALL
SELECT HEX(n.payment_id), n.leg_no, n.attempt_no, 'network cancel of an attempt that was not abandoned'
FROM network_cancel AS n
LEFT JOIN attempt_verdict AS v ON v.payment_id = n.payment_id AND v.leg_no = n.leg_no AND v.attempt_no = n.attempt_no
WHERE COALESCE(v.verdict, 'NONE') <> 'ABANDON'
UNION ALL
SELECT HEX(b.payment_id), b.leg_no, b.link_no, 'balance opened without an accepted approval'
FROM balance_link AS b
LEFT JOIN attempt_verdict AS v ON v.payment_id = b.payment_id AND v.leg_no = b.leg_no AND v.verdict = 'ACCEPT'
WHERE b.kind = 'OPEN' AND v.payment_id IS NULL;
