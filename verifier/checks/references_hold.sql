-- REFERENCES: every foreign key holds. A session may switch foreign_key_checks off, so what the schema promises is looked at again.
SELECT (SELECT COUNT(*) FROM payment_change)
  + (SELECT COUNT(*) FROM approval)
  + (SELECT COUNT(*) FROM attempt)
  + (SELECT COUNT(*) FROM attempt_result)
  + (SELECT COUNT(*) FROM attempt_verdict)
  + (SELECT COUNT(*) FROM payment_verdict)
  + (SELECT COUNT(*) FROM payment)
  + (SELECT COUNT(*) FROM network_cancel)
  + (SELECT COUNT(*) FROM network_cancel_outcome)
  + (SELECT COUNT(*) FROM cancellation)
  + (SELECT COUNT(*) FROM cancel_share)
  + (SELECT COUNT(*) FROM cancel_outcome)
  + (SELECT COUNT(*) FROM balance_link)
  + (SELECT COUNT(*) FROM journal_line)
  + (SELECT COUNT(*) FROM correction)
  + (SELECT COUNT(*) FROM correction_line)
  + (SELECT COUNT(*) FROM correction_verdict)
  + (SELECT COUNT(*) FROM operator_key_revocation)
  + (SELECT COUNT(*) FROM idempotency_outcome)
  + (SELECT COUNT(*) FROM merchant_contract)
  + (SELECT COUNT(*) FROM merchant_authority)
  + (SELECT COUNT(*) FROM api_key)
  + (SELECT COUNT(*) FROM api_key_revocation)
  + (SELECT COUNT(*) FROM verifier_finding) AS examined;
SELECT 'fk_payment_change_previous' AS reference, HEX(c.payment_id) AS id, CONCAT_WS('/', HEX(c.previous_key)) AS points_to
FROM payment_change AS c LEFT JOIN payment_change AS p ON p.change_key = c.previous_key
WHERE c.previous_key IS NOT NULL AND p.change_key IS NULL
UNION ALL
SELECT 'fk_approval_payment' AS reference, HEX(c.payment_id) AS id, CONCAT_WS('/', HEX(c.payment_id)) AS points_to
FROM approval AS c LEFT JOIN payment AS p ON p.payment_id = c.payment_id
WHERE p.payment_id IS NULL
UNION ALL
SELECT 'fk_attempt_approval' AS reference, HEX(c.payment_id) AS id, CONCAT_WS('/', HEX(c.payment_id), c.leg_no) AS points_to
FROM attempt AS c LEFT JOIN approval AS p ON p.payment_id = c.payment_id AND p.leg_no = c.leg_no
WHERE p.leg_no IS NULL
UNION ALL
SELECT 'fk_attempt_result_attempt' AS reference, HEX(c.payment_id) AS id, CONCAT_WS('/', HEX(c.payment_id), c.leg_no, c.kind, c.attempt_no) AS points_to
FROM attempt_result AS c LEFT JOIN attempt AS p ON p.payment_id = c.payment_id AND p.leg_no = c.leg_no AND p.kind = c.kind AND p.attempt_no = c.attempt_no
WHERE p.attempt_no IS NULL
UNION ALL
SELECT 'fk_attempt_verdict_attempt' AS reference, HEX(c.payment_id) AS id, CONCAT_WS('/', HEX(c.payment_id), c.leg_no, c.kind, c.attempt_no) AS points_to
FROM attempt_verdict AS c LEFT JOIN attempt AS p ON p.payment_id = c.payment_id AND p.leg_no = c.leg_no AND p.kind = c.kind AND p.attempt_no = c.attempt_no
WHERE p.attempt_no IS NULL
UNION ALL
SELECT 'fk_attempt_verdict_result' AS reference, HEX(c.payment_id) AS id, CONCAT_WS('/', HEX(c.payment_id), c.leg_no, c.kind, c.attempt_no, c.result_outcome, c.result_no) AS points_to
FROM attempt_verdict AS c LEFT JOIN attempt_result AS p ON p.payment_id = c.payment_id AND p.leg_no = c.leg_no AND p.kind = c.kind AND p.attempt_no = c.attempt_no AND p.outcome = c.result_outcome AND p.result_no = c.result_no
WHERE c.result_outcome IS NOT NULL AND c.result_no IS NOT NULL AND p.result_no IS NULL
UNION ALL
SELECT 'fk_payment_verdict_payment' AS reference, HEX(c.payment_id) AS id, CONCAT_WS('/', HEX(c.payment_id), c.merchant_id, c.order_id, c.try_no) AS points_to
FROM payment_verdict AS c LEFT JOIN payment AS p ON p.payment_id = c.payment_id AND p.merchant_id = c.merchant_id AND p.order_id = c.order_id AND p.try_no = c.try_no
WHERE p.try_no IS NULL
UNION ALL
SELECT 'fk_payment_previous_try' AS reference, HEX(c.payment_id) AS id, CONCAT_WS('/', c.merchant_id, c.order_id, c.previous_try) AS points_to
FROM payment AS c LEFT JOIN payment_verdict AS p ON p.merchant_id = c.merchant_id AND p.order_id = c.order_id AND p.closed_try = c.previous_try
WHERE c.previous_try IS NOT NULL AND p.closed_try IS NULL
UNION ALL
SELECT 'fk_network_cancel_verdict' AS reference, HEX(c.payment_id) AS id, CONCAT_WS('/', HEX(c.payment_id), c.leg_no, c.verdict_ref) AS points_to
FROM network_cancel AS c LEFT JOIN attempt_verdict AS p ON p.payment_id = c.payment_id AND p.leg_no = c.leg_no AND p.verdict_ref = c.verdict_ref
WHERE p.verdict_ref IS NULL
UNION ALL
SELECT 'fk_network_cancel_outcome' AS reference, HEX(c.payment_id) AS id, CONCAT_WS('/', HEX(c.payment_id), c.leg_no, c.attempt_no) AS points_to
FROM network_cancel_outcome AS c LEFT JOIN network_cancel AS p ON p.payment_id = c.payment_id AND p.leg_no = c.leg_no AND p.attempt_no = c.attempt_no
WHERE p.attempt_no IS NULL
UNION ALL
SELECT 'fk_cancellation_payment' AS reference, HEX(c.payment_id) AS id, CONCAT_WS('/', HEX(c.payment_id)) AS points_to
FROM cancellation AS c LEFT JOIN payment AS p ON p.payment_id = c.payment_id
WHERE p.payment_id IS NULL
UNION ALL
SELECT 'fk_cancel_share_cancellation' AS reference, HEX(c.payment_id) AS id, CONCAT_WS('/', HEX(c.payment_id), c.cancel_no) AS points_to
FROM cancel_share AS c LEFT JOIN cancellation AS p ON p.payment_id = c.payment_id AND p.cancel_no = c.cancel_no
WHERE p.cancel_no IS NULL
UNION ALL
SELECT 'fk_cancel_share_approval' AS reference, HEX(c.payment_id) AS id, CONCAT_WS('/', HEX(c.payment_id), c.leg_no) AS points_to
FROM cancel_share AS c LEFT JOIN approval AS p ON p.payment_id = c.payment_id AND p.leg_no = c.leg_no
WHERE p.leg_no IS NULL
UNION ALL
SELECT 'fk_cancel_outcome_share' AS reference, HEX(c.payment_id) AS id, CONCAT_WS('/', HEX(c.payment_id), c.cancel_no, c.leg_no) AS points_to
FROM cancel_outcome AS c LEFT JOIN cancel_share AS p ON p.payment_id = c.payment_id AND p.cancel_no = c.cancel_no AND p.leg_no = c.leg_no
WHERE p.leg_no IS NULL
UNION ALL
SELECT 'fk_balance_link_previous' AS reference, HEX(c.payment_id) AS id, CONCAT_WS('/', HEX(c.previous_key)) AS points_to
FROM balance_link AS c LEFT JOIN balance_link AS p ON p.link_key = c.previous_key
WHERE c.previous_key IS NOT NULL AND p.link_key IS NULL
UNION ALL
SELECT 'fk_balance_link_open' AS reference, HEX(c.payment_id) AS id, CONCAT_WS('/', HEX(c.payment_id), c.leg_no, c.open_ref) AS points_to
FROM balance_link AS c LEFT JOIN attempt_verdict AS p ON p.payment_id = c.payment_id AND p.leg_no = c.leg_no AND p.verdict_ref = c.open_ref
WHERE c.open_ref IS NOT NULL AND p.verdict_ref IS NULL
UNION ALL
SELECT 'fk_balance_link_share' AS reference, HEX(c.payment_id) AS id, CONCAT_WS('/', HEX(c.payment_id), c.cancel_no, c.leg_no) AS points_to
FROM balance_link AS c LEFT JOIN cancel_share AS p ON p.payment_id = c.payment_id AND p.cancel_no = c.cancel_no AND p.leg_no = c.leg_no
WHERE c.cancel_no IS NOT NULL AND p.leg_no IS NULL
UNION ALL
SELECT 'fk_journal_line_change' AS reference, HEX(c.payment_id) AS id, CONCAT_WS('/', HEX(c.payment_id), c.seq) AS points_to
FROM journal_line AS c LEFT JOIN payment_change AS p ON p.payment_id = c.payment_id AND p.seq = c.seq
WHERE p.seq IS NULL
UNION ALL
SELECT 'fk_correction_payment' AS reference, HEX(c.payment_id) AS id, CONCAT_WS('/', HEX(c.payment_id)) AS points_to
FROM correction AS c LEFT JOIN payment AS p ON p.payment_id = c.payment_id
WHERE p.payment_id IS NULL
UNION ALL
SELECT 'fk_correction_key' AS reference, HEX(c.payment_id) AS id, CONCAT_WS('/', c.proposed_key, c.proposed_by) AS points_to
FROM correction AS c LEFT JOIN operator_key AS p ON p.key_id = c.proposed_key AND p.operator_id = c.proposed_by
WHERE p.key_id IS NULL
UNION ALL
SELECT 'fk_correction_line_correction' AS reference, HEX(c.payment_id) AS id, CONCAT_WS('/', HEX(c.payment_id), c.correction_no) AS points_to
FROM correction_line AS c LEFT JOIN correction AS p ON p.payment_id = c.payment_id AND p.correction_no = c.correction_no
WHERE p.correction_no IS NULL
UNION ALL
SELECT 'fk_correction_line_reverses' AS reference, HEX(c.payment_id) AS id, CONCAT_WS('/', HEX(c.payment_id), c.reverses_seq, c.reverses_line) AS points_to
FROM correction_line AS c LEFT JOIN journal_line AS p ON p.payment_id = c.payment_id AND p.seq = c.reverses_seq AND p.line_no = c.reverses_line
WHERE c.reverses_seq IS NOT NULL AND p.line_no IS NULL
UNION ALL
SELECT 'fk_correction_verdict_correction' AS reference, HEX(c.payment_id) AS id, CONCAT_WS('/', HEX(c.payment_id), c.correction_no, c.proposed_by) AS points_to
FROM correction_verdict AS c LEFT JOIN correction AS p ON p.payment_id = c.payment_id AND p.correction_no = c.correction_no AND p.proposed_by = c.proposed_by
WHERE p.correction_no IS NULL
UNION ALL
SELECT 'fk_correction_verdict_key' AS reference, HEX(c.payment_id) AS id, CONCAT_WS('/', c.decided_key, c.decided_by) AS points_to
FROM correction_verdict AS c LEFT JOIN operator_key AS p ON p.key_id = c.decided_key AND p.operator_id = c.decided_by
WHERE c.decided_key IS NOT NULL AND p.key_id IS NULL
UNION ALL
SELECT 'fk_operator_key_revocation_key' AS reference, c.key_id AS id, CONCAT_WS('/', c.key_id) AS points_to
FROM operator_key_revocation AS c LEFT JOIN operator_key AS p ON p.key_id = c.key_id
WHERE p.key_id IS NULL
UNION ALL
SELECT 'fk_idempotency_outcome_claim' AS reference, HEX(c.claim_id) AS id, CONCAT_WS('/', HEX(c.claim_id)) AS points_to
FROM idempotency_outcome AS c LEFT JOIN idempotency_claim AS p ON p.claim_id = c.claim_id
WHERE p.claim_id IS NULL
UNION ALL
SELECT 'fk_merchant_contract_merchant' AS reference, c.merchant_id AS id, CONCAT_WS('/', c.merchant_id) AS points_to
FROM merchant_contract AS c LEFT JOIN merchant AS p ON p.merchant_id = c.merchant_id
WHERE p.merchant_id IS NULL
UNION ALL
SELECT 'fk_merchant_authority_merchant' AS reference, c.merchant_id AS id, CONCAT_WS('/', c.merchant_id) AS points_to
FROM merchant_authority AS c LEFT JOIN merchant AS p ON p.merchant_id = c.merchant_id
WHERE p.merchant_id IS NULL
UNION ALL
SELECT 'fk_api_key_merchant' AS reference, c.key_id AS id, CONCAT_WS('/', c.merchant_id) AS points_to
FROM api_key AS c LEFT JOIN merchant AS p ON p.merchant_id = c.merchant_id
WHERE p.merchant_id IS NULL
UNION ALL
SELECT 'fk_api_key_revocation_key' AS reference, c.key_id AS id, CONCAT_WS('/', c.key_id) AS points_to
FROM api_key_revocation AS c LEFT JOIN api_key AS p ON p.key_id = c.key_id
WHERE p.key_id IS NULL
UNION ALL
SELECT 'fk_verifier_finding_run' AS reference, HEX(c.run_id) AS id, CONCAT_WS('/', HEX(c.run_id)) AS points_to
FROM verifier_finding AS c LEFT JOIN verifier_run AS p ON p.run_id = c.run_id
WHERE p.run_id IS NULL;
