-- I11: facts that are counted are counted from one without a hole, and none came before what it stands on, so that the set of rows is all that a fold needs.
-- A row is facts with a number missing or doubled, or a fact with a lower seq than the one it refers to.
-- By hand, on a replica: mysql ledger < i11_facts_are_numbered_and_in_order.sql; of payments made in a window alone, times in UTC:
--   mysql --init-command="SET @since = '2026-11-23', @until = '2026-11-24'" ledger < i11_facts_are_numbered_and_in_order.sql
-- Cost: one range of the primary keys of all fact tables.
-- Not here: that a fold gives the same whatever the order of the facts is a property test
--   (ledger-core/tests/model/order_free.rs); nothing derived is stored, so no projection can differ; that facts give the
--   very events that were written is `verifier verify-chain`'s to say.
SET @first = UNHEX(RPAD(LPAD(HEX(COALESCE(TIMESTAMPDIFF(MICROSECOND, '1970-01-01', @since) DIV 1000, 0)), 12, '0'), 32, '0')),
  @last = UNHEX(RPAD(COALESCE(LPAD(HEX(TIMESTAMPDIFF(MICROSECOND, '1970-01-01', @until) DIV 1000 - 1), 12, '0'), ''), 32, 'F'));
SELECT (SELECT COUNT(*) FROM approval WHERE payment_id BETWEEN @first AND @last) + (SELECT COUNT(*) FROM attempt WHERE payment_id BETWEEN @first AND @last)
  + (SELECT COUNT(*) FROM attempt_result WHERE payment_id BETWEEN @first AND @last) + (SELECT COUNT(*) FROM cancellation WHERE payment_id BETWEEN @first AND @last)
  + (SELECT COUNT(*) FROM network_cancel_outcome WHERE payment_id BETWEEN @first AND @last) AS examined;
SELECT 'legs' AS what, HEX(payment_id) AS payment_id, NULL AS leg_no, MAX(seq) AS seq
FROM approval WHERE payment_id BETWEEN @first AND @last GROUP BY payment_id HAVING MIN(leg_no) <> 1 OR MAX(leg_no) <> COUNT(*)
UNION ALL
SELECT CONCAT(kind, ' attempts'), HEX(payment_id), leg_no, MAX(seq)
FROM attempt WHERE payment_id BETWEEN @first AND @last GROUP BY payment_id, leg_no, kind HAVING MIN(attempt_no) <> 1 OR MAX(attempt_no) <> COUNT(*)
UNION ALL
SELECT CONCAT('results of ', kind, ' attempt ', attempt_no), HEX(payment_id), leg_no, MAX(seq)
FROM attempt_result WHERE payment_id BETWEEN @first AND @last GROUP BY payment_id, leg_no, kind, attempt_no
HAVING MIN(result_no) <> 1 OR MAX(result_no) <> COUNT(*) OR COUNT(DISTINCT result_no) <> COUNT(*)
UNION ALL
SELECT CONCAT('outcomes of undoing attempt ', attempt_no), HEX(payment_id), leg_no, MAX(seq)
FROM network_cancel_outcome WHERE payment_id BETWEEN @first AND @last GROUP BY payment_id, leg_no, attempt_no HAVING MIN(outcome_no) <> 1 OR MAX(outcome_no) <> COUNT(*)
UNION ALL
SELECT 'cancels', HEX(payment_id), NULL, MAX(seq)
FROM cancellation WHERE payment_id BETWEEN @first AND @last GROUP BY payment_id HAVING MIN(cancel_no) <> 1 OR MAX(cancel_no) <> COUNT(*)
UNION ALL
SELECT 'deposits', HEX(payment_id), leg_no, MAX(seq)
FROM deposit WHERE payment_id BETWEEN @first AND @last GROUP BY payment_id, leg_no HAVING MIN(deposit_no) <> 1 OR MAX(deposit_no) <> COUNT(*)
UNION ALL
SELECT 'refunds of deposits', HEX(payment_id), leg_no, MAX(seq)
FROM deposit_refund WHERE payment_id BETWEEN @first AND @last GROUP BY payment_id, leg_no HAVING MIN(refund_no) <> 1 OR MAX(refund_no) <> COUNT(*)
UNION ALL
SELECT 'corrections', HEX(payment_id), NULL, MAX(seq)
FROM correction WHERE payment_id BETWEEN @first AND @last GROUP BY payment_id HAVING MIN(correction_no) <> 1 OR MAX(correction_no) <> COUNT(*)
UNION ALL
SELECT 'result before its attempt', HEX(r.payment_id), r.leg_no, r.seq
FROM attempt_result AS r JOIN attempt AS a USING (payment_id, leg_no, kind, attempt_no) WHERE r.payment_id BETWEEN @first AND @last AND r.seq < a.seq
UNION ALL
SELECT 'verdict before its result', HEX(v.payment_id), v.leg_no, v.seq
FROM attempt_verdict AS v
JOIN attempt_result AS r ON r.payment_id = v.payment_id AND r.leg_no = v.leg_no AND r.kind = v.kind AND r.attempt_no = v.attempt_no
  AND r.outcome = v.result_outcome AND r.result_no = v.result_no
WHERE v.payment_id BETWEEN @first AND @last AND v.seq < r.seq
UNION ALL
SELECT 'undoing before its verdict', HEX(n.payment_id), n.leg_no, n.seq
FROM network_cancel AS n JOIN attempt_verdict AS v ON v.payment_id = n.payment_id AND v.leg_no = n.leg_no AND v.verdict_ref = n.verdict_ref
WHERE n.payment_id BETWEEN @first AND @last AND n.seq < v.seq
UNION ALL
SELECT 'end of a share before the share', HEX(o.payment_id), o.leg_no, o.seq
FROM cancel_outcome AS o JOIN cancel_share AS s USING (payment_id, cancel_no, leg_no) WHERE o.payment_id BETWEEN @first AND @last AND o.seq < s.seq;
