-- REFERENCES: every foreign key holds. A session may switch foreign_key_checks off, so what the schema promises is looked at again.
-- A row is a row that refers to one that is not there.
-- By hand, on a replica: mysql ledger < references_hold.sql; of payments made in a window alone, times in UTC:
--   mysql --init-command="SET @since = '2026-11-23', @until = '2026-11-24'" ledger < references_hold.sql
-- Cost: one range of the primary key of every table with a reference, and a lookup of what each row refers to.
-- Made from the schema by verifier/tests/it/generated.rs, which says when it is old.
SET @first = UNHEX(RPAD(LPAD(HEX(COALESCE(TIMESTAMPDIFF(MICROSECOND, '1970-01-01', @since) DIV 1000, 0)), 12, '0'), 32, '0')),
  @last = UNHEX(RPAD(COALESCE(LPAD(HEX(TIMESTAMPDIFF(MICROSECOND, '1970-01-01', @until) DIV 1000 - 1), 12, '0'), ''), 32, 'F'));
SELECT (SELECT COUNT(*) FROM api_key)
  + (SELECT COUNT(*) FROM api_key_revocation)
  + (SELECT COUNT(*) FROM approval WHERE payment_id BETWEEN @first AND @last)
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
  + (SELECT COUNT(*) FROM idempotency_outcome)
  + (SELECT COUNT(*) FROM journal_line WHERE payment_id BETWEEN @first AND @last)
  + (SELECT COUNT(*) FROM merchant_authority)
  + (SELECT COUNT(*) FROM merchant_contract)
  + (SELECT COUNT(*) FROM network_cancel WHERE payment_id BETWEEN @first AND @last)
  + (SELECT COUNT(*) FROM network_cancel_outcome WHERE payment_id BETWEEN @first AND @last)
  + (SELECT COUNT(*) FROM operator_key_revocation)
  + (SELECT COUNT(*) FROM payment WHERE payment_id BETWEEN @first AND @last)
  + (SELECT COUNT(*) FROM payment_change WHERE payment_id BETWEEN @first AND @last)
  + (SELECT COUNT(*) FROM payment_verdict WHERE payment_id BETWEEN @first AND @last)
  + (SELECT COUNT(*) FROM refund_account WHERE payment_id BETWEEN @first AND @last)
  + (SELECT COUNT(*) FROM verifier_finding)
  + (SELECT COUNT(*) FROM virtual_account WHERE payment_id BETWEEN @first AND @last) AS examined;
SELECT 'fk_api_key_merchant' AS what, c.key_id AS id, CONCAT_WS('/', c.merchant_id) AS points_to
FROM api_key AS c LEFT JOIN merchant AS p ON p.merchant_id = c.merchant_id
WHERE p.merchant_id IS NULL
UNION ALL
SELECT 'fk_api_key_revocation_key' AS what, c.key_id AS id, CONCAT_WS('/', c.key_id) AS points_to
FROM api_key_revocation AS c LEFT JOIN api_key AS p ON p.key_id = c.key_id
WHERE p.key_id IS NULL
UNION ALL
SELECT 'fk_approval_payment' AS what, HEX(c.payment_id) AS id, CONCAT_WS('/', HEX(c.payment_id)) AS points_to
FROM approval AS c LEFT JOIN payment AS p ON p.payment_id = c.payment_id
WHERE c.payment_id BETWEEN @first AND @last AND p.payment_id IS NULL
UNION ALL
SELECT 'fk_attempt_approval' AS what, HEX(c.payment_id) AS id, CONCAT_WS('/', HEX(c.payment_id), c.leg_no) AS points_to
FROM attempt AS c LEFT JOIN approval AS p ON p.payment_id = c.payment_id AND p.leg_no = c.leg_no
WHERE c.payment_id BETWEEN @first AND @last AND p.leg_no IS NULL
UNION ALL
SELECT 'fk_attempt_result_attempt' AS what, HEX(c.payment_id) AS id, CONCAT_WS('/', HEX(c.payment_id), c.leg_no, c.kind, c.attempt_no) AS points_to
FROM attempt_result AS c LEFT JOIN attempt AS p ON p.payment_id = c.payment_id AND p.leg_no = c.leg_no AND p.kind = c.kind AND p.attempt_no = c.attempt_no
WHERE c.payment_id BETWEEN @first AND @last AND p.attempt_no IS NULL
UNION ALL
SELECT 'fk_attempt_verdict_attempt' AS what, HEX(c.payment_id) AS id, CONCAT_WS('/', HEX(c.payment_id), c.leg_no, c.kind, c.attempt_no) AS points_to
FROM attempt_verdict AS c LEFT JOIN attempt AS p ON p.payment_id = c.payment_id AND p.leg_no = c.leg_no AND p.kind = c.kind AND p.attempt_no = c.attempt_no
WHERE c.payment_id BETWEEN @first AND @last AND p.attempt_no IS NULL
UNION ALL
SELECT 'fk_attempt_verdict_result' AS what, HEX(c.payment_id) AS id, CONCAT_WS('/', HEX(c.payment_id), c.leg_no, c.kind, c.attempt_no, c.result_outcome, c.result_no) AS points_to
FROM attempt_verdict AS c LEFT JOIN attempt_result AS p ON p.payment_id = c.payment_id AND p.leg_no = c.leg_no AND p.kind = c.kind AND p.attempt_no = c.attempt_no AND p.outcome = c.result_outcome AND p.result_no = c.result_no
WHERE c.payment_id BETWEEN @first AND @last AND c.result_outcome IS NOT NULL AND c.result_no IS NOT NULL AND p.result_no IS NULL
UNION ALL
SELECT 'fk_balance_link_open' AS what, HEX(c.payment_id) AS id, CONCAT_WS('/', HEX(c.payment_id), c.leg_no, c.open_ref) AS points_to
FROM balance_link AS c LEFT JOIN attempt_verdict AS p ON p.payment_id = c.payment_id AND p.leg_no = c.leg_no AND p.verdict_ref = c.open_ref
WHERE c.payment_id BETWEEN @first AND @last AND c.open_ref IS NOT NULL AND p.verdict_ref IS NULL
UNION ALL
SELECT 'fk_balance_link_previous' AS what, HEX(c.payment_id) AS id, CONCAT_WS('/', HEX(c.previous_key)) AS points_to
FROM balance_link AS c LEFT JOIN balance_link AS p ON p.link_key = c.previous_key
WHERE c.payment_id BETWEEN @first AND @last AND c.previous_key IS NOT NULL AND p.link_key IS NULL
UNION ALL
SELECT 'fk_balance_link_share' AS what, HEX(c.payment_id) AS id, CONCAT_WS('/', HEX(c.payment_id), c.cancel_no, c.leg_no) AS points_to
FROM balance_link AS c LEFT JOIN cancel_share AS p ON p.payment_id = c.payment_id AND p.cancel_no = c.cancel_no AND p.leg_no = c.leg_no
WHERE c.payment_id BETWEEN @first AND @last AND c.cancel_no IS NOT NULL AND p.leg_no IS NULL
UNION ALL
SELECT 'fk_cancel_outcome_share' AS what, HEX(c.payment_id) AS id, CONCAT_WS('/', HEX(c.payment_id), c.cancel_no, c.leg_no) AS points_to
FROM cancel_outcome AS c LEFT JOIN cancel_share AS p ON p.payment_id = c.payment_id AND p.cancel_no = c.cancel_no AND p.leg_no = c.leg_no
WHERE c.payment_id BETWEEN @first AND @last AND p.leg_no IS NULL
UNION ALL
SELECT 'fk_cancel_share_approval' AS what, HEX(c.payment_id) AS id, CONCAT_WS('/', HEX(c.payment_id), c.leg_no) AS points_to
FROM cancel_share AS c LEFT JOIN approval AS p ON p.payment_id = c.payment_id AND p.leg_no = c.leg_no
WHERE c.payment_id BETWEEN @first AND @last AND p.leg_no IS NULL
UNION ALL
SELECT 'fk_cancel_share_cancellation' AS what, HEX(c.payment_id) AS id, CONCAT_WS('/', HEX(c.payment_id), c.cancel_no) AS points_to
FROM cancel_share AS c LEFT JOIN cancellation AS p ON p.payment_id = c.payment_id AND p.cancel_no = c.cancel_no
WHERE c.payment_id BETWEEN @first AND @last AND p.cancel_no IS NULL
UNION ALL
SELECT 'fk_cancellation_payment' AS what, HEX(c.payment_id) AS id, CONCAT_WS('/', HEX(c.payment_id)) AS points_to
FROM cancellation AS c LEFT JOIN payment AS p ON p.payment_id = c.payment_id
WHERE c.payment_id BETWEEN @first AND @last AND p.payment_id IS NULL
UNION ALL
SELECT 'fk_contradiction_result' AS what, HEX(c.payment_id) AS id, CONCAT_WS('/', HEX(c.payment_id), c.leg_no, c.kind, c.attempt_no, c.outcome, c.result_no) AS points_to
FROM contradiction AS c LEFT JOIN attempt_result AS p ON p.payment_id = c.payment_id AND p.leg_no = c.leg_no AND p.kind = c.kind AND p.attempt_no = c.attempt_no AND p.outcome = c.outcome AND p.result_no = c.result_no
WHERE c.payment_id BETWEEN @first AND @last AND p.result_no IS NULL
UNION ALL
SELECT 'fk_correction_key' AS what, HEX(c.payment_id) AS id, CONCAT_WS('/', c.proposed_key, c.proposed_by) AS points_to
FROM correction AS c LEFT JOIN operator_key AS p ON p.key_id = c.proposed_key AND p.operator_id = c.proposed_by
WHERE c.payment_id BETWEEN @first AND @last AND p.operator_id IS NULL
UNION ALL
SELECT 'fk_correction_payment' AS what, HEX(c.payment_id) AS id, CONCAT_WS('/', HEX(c.payment_id)) AS points_to
FROM correction AS c LEFT JOIN payment AS p ON p.payment_id = c.payment_id
WHERE c.payment_id BETWEEN @first AND @last AND p.payment_id IS NULL
UNION ALL
SELECT 'fk_correction_line_correction' AS what, HEX(c.payment_id) AS id, CONCAT_WS('/', HEX(c.payment_id), c.correction_no) AS points_to
FROM correction_line AS c LEFT JOIN correction AS p ON p.payment_id = c.payment_id AND p.correction_no = c.correction_no
WHERE c.payment_id BETWEEN @first AND @last AND p.correction_no IS NULL
UNION ALL
SELECT 'fk_correction_line_reverses' AS what, HEX(c.payment_id) AS id, CONCAT_WS('/', HEX(c.payment_id), c.reverses_seq, c.reverses_line) AS points_to
FROM correction_line AS c LEFT JOIN journal_line AS p ON p.payment_id = c.payment_id AND p.seq = c.reverses_seq AND p.line_no = c.reverses_line
WHERE c.payment_id BETWEEN @first AND @last AND c.reverses_seq IS NOT NULL AND c.reverses_line IS NOT NULL AND p.line_no IS NULL
UNION ALL
SELECT 'fk_correction_verdict_correction' AS what, HEX(c.payment_id) AS id, CONCAT_WS('/', HEX(c.payment_id), c.correction_no, c.proposed_by) AS points_to
FROM correction_verdict AS c LEFT JOIN correction AS p ON p.payment_id = c.payment_id AND p.correction_no = c.correction_no AND p.proposed_by = c.proposed_by
WHERE c.payment_id BETWEEN @first AND @last AND p.proposed_by IS NULL
UNION ALL
SELECT 'fk_correction_verdict_key' AS what, HEX(c.payment_id) AS id, CONCAT_WS('/', c.decided_key, c.decided_by) AS points_to
FROM correction_verdict AS c LEFT JOIN operator_key AS p ON p.key_id = c.decided_key AND p.operator_id = c.decided_by
WHERE c.payment_id BETWEEN @first AND @last AND c.decided_key IS NOT NULL AND c.decided_by IS NOT NULL AND p.operator_id IS NULL
UNION ALL
SELECT 'fk_deposit_approval' AS what, HEX(c.payment_id) AS id, CONCAT_WS('/', HEX(c.payment_id), c.leg_no) AS points_to
FROM deposit AS c LEFT JOIN approval AS p ON p.payment_id = c.payment_id AND p.leg_no = c.leg_no
WHERE c.payment_id BETWEEN @first AND @last AND p.leg_no IS NULL
UNION ALL
SELECT 'fk_deposit_refund_approval' AS what, HEX(c.payment_id) AS id, CONCAT_WS('/', HEX(c.payment_id), c.leg_no) AS points_to
FROM deposit_refund AS c LEFT JOIN approval AS p ON p.payment_id = c.payment_id AND p.leg_no = c.leg_no
WHERE c.payment_id BETWEEN @first AND @last AND p.leg_no IS NULL
UNION ALL
SELECT 'fk_deposit_refund_outcome' AS what, HEX(c.payment_id) AS id, CONCAT_WS('/', HEX(c.payment_id), c.leg_no, c.refund_no) AS points_to
FROM deposit_refund_outcome AS c LEFT JOIN deposit_refund AS p ON p.payment_id = c.payment_id AND p.leg_no = c.leg_no AND p.refund_no = c.refund_no
WHERE c.payment_id BETWEEN @first AND @last AND p.refund_no IS NULL
UNION ALL
SELECT 'fk_idempotency_outcome_claim' AS what, HEX(c.claim_id) AS id, CONCAT_WS('/', HEX(c.claim_id)) AS points_to
FROM idempotency_outcome AS c LEFT JOIN idempotency_claim AS p ON p.claim_id = c.claim_id
WHERE p.claim_id IS NULL
UNION ALL
SELECT 'fk_journal_line_change' AS what, HEX(c.payment_id) AS id, CONCAT_WS('/', HEX(c.payment_id), c.seq) AS points_to
FROM journal_line AS c LEFT JOIN payment_change AS p ON p.payment_id = c.payment_id AND p.seq = c.seq
WHERE c.payment_id BETWEEN @first AND @last AND p.seq IS NULL
UNION ALL
SELECT 'fk_merchant_authority_merchant' AS what, c.merchant_id AS id, CONCAT_WS('/', c.merchant_id) AS points_to
FROM merchant_authority AS c LEFT JOIN merchant AS p ON p.merchant_id = c.merchant_id
WHERE p.merchant_id IS NULL
UNION ALL
SELECT 'fk_merchant_contract_merchant' AS what, c.merchant_id AS id, CONCAT_WS('/', c.merchant_id) AS points_to
FROM merchant_contract AS c LEFT JOIN merchant AS p ON p.merchant_id = c.merchant_id
WHERE p.merchant_id IS NULL
UNION ALL
SELECT 'fk_network_cancel_verdict' AS what, HEX(c.payment_id) AS id, CONCAT_WS('/', HEX(c.payment_id), c.leg_no, c.verdict_ref) AS points_to
FROM network_cancel AS c LEFT JOIN attempt_verdict AS p ON p.payment_id = c.payment_id AND p.leg_no = c.leg_no AND p.verdict_ref = c.verdict_ref
WHERE c.payment_id BETWEEN @first AND @last AND p.verdict_ref IS NULL
UNION ALL
SELECT 'fk_network_cancel_outcome' AS what, HEX(c.payment_id) AS id, CONCAT_WS('/', HEX(c.payment_id), c.leg_no, c.attempt_no) AS points_to
FROM network_cancel_outcome AS c LEFT JOIN network_cancel AS p ON p.payment_id = c.payment_id AND p.leg_no = c.leg_no AND p.attempt_no = c.attempt_no
WHERE c.payment_id BETWEEN @first AND @last AND p.attempt_no IS NULL
UNION ALL
SELECT 'fk_operator_key_revocation_key' AS what, c.key_id AS id, CONCAT_WS('/', c.key_id) AS points_to
FROM operator_key_revocation AS c LEFT JOIN operator_key AS p ON p.key_id = c.key_id
WHERE p.key_id IS NULL
UNION ALL
SELECT 'fk_payment_previous_try' AS what, HEX(c.payment_id) AS id, CONCAT_WS('/', c.merchant_id, c.order_id, c.previous_try) AS points_to
FROM payment AS c LEFT JOIN payment_verdict AS p ON p.merchant_id = c.merchant_id AND p.order_id = c.order_id AND p.closed_try = c.previous_try
WHERE c.payment_id BETWEEN @first AND @last AND c.previous_try IS NOT NULL AND p.closed_try IS NULL
UNION ALL
SELECT 'fk_payment_change_previous' AS what, HEX(c.payment_id) AS id, CONCAT_WS('/', HEX(c.previous_key)) AS points_to
FROM payment_change AS c LEFT JOIN payment_change AS p ON p.change_key = c.previous_key
WHERE c.payment_id BETWEEN @first AND @last AND c.previous_key IS NOT NULL AND p.change_key IS NULL
UNION ALL
SELECT 'fk_payment_verdict_payment' AS what, HEX(c.payment_id) AS id, CONCAT_WS('/', HEX(c.payment_id), c.merchant_id, c.order_id, c.try_no) AS points_to
FROM payment_verdict AS c LEFT JOIN payment AS p ON p.payment_id = c.payment_id AND p.merchant_id = c.merchant_id AND p.order_id = c.order_id AND p.try_no = c.try_no
WHERE c.payment_id BETWEEN @first AND @last AND p.try_no IS NULL
UNION ALL
SELECT 'fk_refund_account_cancellation' AS what, HEX(c.payment_id) AS id, CONCAT_WS('/', HEX(c.payment_id), c.cancel_no) AS points_to
FROM refund_account AS c LEFT JOIN cancellation AS p ON p.payment_id = c.payment_id AND p.cancel_no = c.cancel_no
WHERE c.payment_id BETWEEN @first AND @last AND p.cancel_no IS NULL
UNION ALL
SELECT 'fk_verifier_finding_run' AS what, HEX(c.run_id) AS id, CONCAT_WS('/', HEX(c.run_id)) AS points_to
FROM verifier_finding AS c LEFT JOIN verifier_run AS p ON p.run_id = c.run_id
WHERE p.run_id IS NULL
UNION ALL
SELECT 'fk_virtual_account_result' AS what, HEX(c.payment_id) AS id, CONCAT_WS('/', HEX(c.payment_id), c.leg_no, c.kind, c.attempt_no, c.outcome, c.result_no) AS points_to
FROM virtual_account AS c LEFT JOIN attempt_result AS p ON p.payment_id = c.payment_id AND p.leg_no = c.leg_no AND p.kind = c.kind AND p.attempt_no = c.attempt_no AND p.outcome = c.outcome AND p.result_no = c.result_no
WHERE c.payment_id BETWEEN @first AND @last AND p.result_no IS NULL;
