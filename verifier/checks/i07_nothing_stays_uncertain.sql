-- I7: past an issuer's validity nothing is uncertain or being undone: it is settled, or people have it, so that all exposure older than that is escalated; an account waits for its deposit, and the other legs with it, until a day after it is due.
-- A row is an authorization whose money may still stand at its issuer and for which nobody cares any more: the job is down,
--   or has lost it.
-- By hand, on a replica: mysql ledger < i07_nothing_stays_uncertain.sql; of payments made in a window alone, times in UTC:
--   mysql --init-command="SET @since = '2026-11-23', @until = '2026-11-24'" ledger < i07_nothing_stays_uncertain.sql
-- Cost: one range of the primary keys of network_cancel and attempt; outcomes, verdicts and the issuer by index.
SET @first = UNHEX(RPAD(LPAD(HEX(COALESCE(TIMESTAMPDIFF(MICROSECOND, '1970-01-01', @since) DIV 1000, 0)), 12, '0'), 32, '0')),
  @last = UNHEX(RPAD(COALESCE(LPAD(HEX(TIMESTAMPDIFF(MICROSECOND, '1970-01-01', @until) DIV 1000 - 1), 12, '0'), ''), 32, 'F'));
SELECT COUNT(*) AS examined FROM attempt WHERE payment_id BETWEEN @first AND @last;
SELECT HEX(n.payment_id) AS payment_id, n.leg_no, n.attempt_no, 'undone neither in time nor escalated' AS what, n.valid_until AS over_at,
  (SELECT t.amount FROM attempt AS t WHERE t.payment_id = n.payment_id AND t.leg_no = n.leg_no AND t.kind = 'AUTH'
    AND t.attempt_no = n.attempt_no) AS exposure
FROM network_cancel AS n
WHERE n.payment_id BETWEEN @first AND @last AND n.valid_until < UTC_TIMESTAMP(6)
  AND COALESCE((SELECT o.outcome FROM network_cancel_outcome AS o WHERE o.payment_id = n.payment_id AND o.leg_no = n.leg_no
    AND o.attempt_no = n.attempt_no ORDER BY o.outcome_no DESC LIMIT 1), 'OPEN') NOT IN ('VOIDED', 'VOIDED_PROVISIONAL', 'ESCALATED')
UNION ALL
SELECT HEX(c.payment_id), c.leg_no, c.attempt_no, 'contradicts, and is neither undone nor escalated', c.valid_until,
  (SELECT t.amount FROM attempt AS t WHERE t.payment_id = c.payment_id AND t.leg_no = c.leg_no AND t.kind = c.kind
    AND t.attempt_no = c.attempt_no)
FROM contradiction AS c
LEFT JOIN contradiction AS d ON d.payment_id = c.payment_id AND d.leg_no = c.leg_no AND d.kind = c.kind AND d.attempt_no = c.attempt_no
  AND d.outcome = c.outcome AND d.result_no = c.result_no AND d.step_no = 2
WHERE c.payment_id BETWEEN @first AND @last AND c.step_no = 1 AND c.valid_until < UTC_TIMESTAMP(6) AND d.payment_id IS NULL
UNION ALL
SELECT HEX(a.payment_id), a.leg_no, a.attempt_no, 'never given a verdict', a.deadline_at, a.amount
FROM attempt AS a
LEFT JOIN attempt_verdict AS v ON v.payment_id = a.payment_id AND v.leg_no = a.leg_no AND v.kind = a.kind AND v.attempt_no = a.attempt_no
WHERE a.payment_id BETWEEN @first AND @last AND a.kind = 'AUTH' AND v.payment_id IS NULL
  AND a.deadline_at < UTC_TIMESTAMP(6) - INTERVAL COALESCE((SELECT i.validity_seconds FROM issuer AS i WHERE i.issuer_id = a.issuer_id
    ORDER BY i.version DESC LIMIT 1), 0) SECOND
  AND NOT EXISTS (SELECT 1 FROM virtual_account AS w WHERE w.payment_id = a.payment_id
    AND w.due_at > UTC_TIMESTAMP(6) - INTERVAL 1 DAY);
