-- I16: no text of any table holds a card number: 13 to 19 digits, what may stand between them aside, that begin as cards do and pass the Luhn check.
-- A row is a text that holds one, shown by its first six and last four digits.
-- By hand, on a replica: mysql ledger < i16_no_card_number.sql; of payments made in a window alone, times in UTC:
--   mysql --init-command="SET @since = '2026-11-23', @until = '2026-11-24'" ledger < i16_no_card_number.sql
-- Cost: every text of every table is matched against a regular expression once; what has no payment, window or not.
-- The rule is that of the door (ledger-core/src/card_number.rs), whose lists this is made from: digits of any script, its separators,
--   how cards begin; told apart first are UUIDs and digests, dates, digits that begin with a date, epoch times.
-- Not looked at: idempotency_claim.fields: names of fields that are known, and hashes in hexadecimal.
-- Not looked at: verifier_run.barrier_gtid: names of servers and numbers of transactions.
-- Not looked at: copy_receipt.mapping: the name of a directory of ours.
-- Of attempt.trace_no, rows with sent_by <> 'LEDGER': the others' numbers are letters that we made of the payment's id.
-- Not here: topics, logs and the relay's journal, which a test run that tries to smuggle numbers in looks through.
-- Made from the schema by verifier/tests/it/generated.rs, which says when it is old.
SET @first = UNHEX(RPAD(LPAD(HEX(COALESCE(TIMESTAMPDIFF(MICROSECOND, '1970-01-01', @since) DIV 1000, 0)), 12, '0'), 32, '0')),
  @last = UNHEX(RPAD(COALESCE(LPAD(HEX(TIMESTAMPDIFF(MICROSECOND, '1970-01-01', @until) DIV 1000 - 1), 12, '0'), ''), 32, 'F'));
SELECT (SELECT COUNT(*) FROM api_key)
  + (SELECT COUNT(*) FROM api_key_revocation)
  + (SELECT COUNT(*) FROM approval WHERE payment_id BETWEEN @first AND @last)
  + (SELECT COUNT(*) FROM attempt WHERE payment_id BETWEEN @first AND @last)
  + (SELECT COUNT(*) FROM attempt_result WHERE payment_id BETWEEN @first AND @last)
  + (SELECT COUNT(*) FROM cancellation WHERE payment_id BETWEEN @first AND @last)
  + (SELECT COUNT(*) FROM copy_receipt)
  + (SELECT COUNT(*) FROM correction WHERE payment_id BETWEEN @first AND @last)
  + (SELECT COUNT(*) FROM correction_line WHERE payment_id BETWEEN @first AND @last)
  + (SELECT COUNT(*) FROM correction_verdict WHERE payment_id BETWEEN @first AND @last)
  + (SELECT COUNT(*) FROM deposit WHERE payment_id BETWEEN @first AND @last)
  + (SELECT COUNT(*) FROM deposit_refund WHERE payment_id BETWEEN @first AND @last)
  + (SELECT COUNT(*) FROM deposit_refund_outcome WHERE payment_id BETWEEN @first AND @last)
  + (SELECT COUNT(*) FROM idempotency_body)
  + (SELECT COUNT(*) FROM idempotency_claim)
  + (SELECT COUNT(*) FROM issuer)
  + (SELECT COUNT(*) FROM journal_line WHERE payment_id BETWEEN @first AND @last)
  + (SELECT COUNT(*) FROM legacy_quarantine)
  + (SELECT COUNT(*) FROM legacy_row)
  + (SELECT COUNT(*) FROM merchant)
  + (SELECT COUNT(*) FROM merchant_authority)
  + (SELECT COUNT(*) FROM merchant_contract)
  + (SELECT COUNT(*) FROM method_rule)
  + (SELECT COUNT(*) FROM network_cancel WHERE payment_id BETWEEN @first AND @last)
  + (SELECT COUNT(*) FROM network_cancel_outcome WHERE payment_id BETWEEN @first AND @last)
  + (SELECT COUNT(*) FROM operator_key)
  + (SELECT COUNT(*) FROM operator_key_revocation)
  + (SELECT COUNT(*) FROM outbox_backfill)
  + (SELECT COUNT(*) FROM outbox_event)
  + (SELECT COUNT(*) FROM payment WHERE payment_id BETWEEN @first AND @last)
  + (SELECT COUNT(*) FROM payment_change WHERE payment_id BETWEEN @first AND @last)
  + (SELECT COUNT(*) FROM payment_verdict WHERE payment_id BETWEEN @first AND @last)
  + (SELECT COUNT(*) FROM refund_account WHERE payment_id BETWEEN @first AND @last)
  + (SELECT COUNT(*) FROM verifier_finding)
  + (SELECT COUNT(*) FROM verifier_run)
  + (SELECT COUNT(*) FROM virtual_account WHERE payment_id BETWEEN @first AND @last) AS examined;
WITH RECURSIVE place AS (
  SELECT 1 AS n UNION ALL SELECT n + 1 FROM place WHERE n < 64
), texts AS (
  SELECT 'api_key.key_id' AS what, t.key_id AS id, t.key_id AS text FROM api_key AS t
  WHERE REGEXP_LIKE(t.key_id, '\\p{Nd}(?:[^\\p{L}\\p{Nd}:,+"(){}]*\\p{Nd}){12}')
  UNION ALL
  SELECT 'api_key.merchant_id' AS what, t.key_id AS id, t.merchant_id AS text FROM api_key AS t
  WHERE REGEXP_LIKE(t.merchant_id, '\\p{Nd}(?:[^\\p{L}\\p{Nd}:,+"(){}]*\\p{Nd}){12}')
  UNION ALL
  SELECT 'api_key.created_by' AS what, t.key_id AS id, t.created_by AS text FROM api_key AS t
  WHERE REGEXP_LIKE(t.created_by, '\\p{Nd}(?:[^\\p{L}\\p{Nd}:,+"(){}]*\\p{Nd}){12}')
  UNION ALL
  SELECT 'api_key_revocation.key_id' AS what, t.key_id AS id, t.key_id AS text FROM api_key_revocation AS t
  WHERE REGEXP_LIKE(t.key_id, '\\p{Nd}(?:[^\\p{L}\\p{Nd}:,+"(){}]*\\p{Nd}){12}')
  UNION ALL
  SELECT 'api_key_revocation.revoked_by' AS what, t.key_id AS id, t.revoked_by AS text FROM api_key_revocation AS t
  WHERE REGEXP_LIKE(t.revoked_by, '\\p{Nd}(?:[^\\p{L}\\p{Nd}:,+"(){}]*\\p{Nd}){12}')
  UNION ALL
  SELECT 'api_key_revocation.reason' AS what, t.key_id AS id, t.reason AS text FROM api_key_revocation AS t
  WHERE REGEXP_LIKE(t.reason, '\\p{Nd}(?:[^\\p{L}\\p{Nd}:,+"(){}]*\\p{Nd}){12}')
  UNION ALL
  SELECT 'approval.method' AS what, HEX(t.payment_id) AS id, t.method AS text FROM approval AS t
  WHERE t.payment_id BETWEEN @first AND @last AND REGEXP_LIKE(t.method, '\\p{Nd}(?:[^\\p{L}\\p{Nd}:,+"(){}]*\\p{Nd}){12}')
  UNION ALL
  SELECT 'approval.issuer_id' AS what, HEX(t.payment_id) AS id, t.issuer_id AS text FROM approval AS t
  WHERE t.payment_id BETWEEN @first AND @last AND REGEXP_LIKE(t.issuer_id, '\\p{Nd}(?:[^\\p{L}\\p{Nd}:,+"(){}]*\\p{Nd}){12}')
  UNION ALL
  SELECT 'approval.method_token' AS what, HEX(t.payment_id) AS id, t.method_token AS text FROM approval AS t
  WHERE t.payment_id BETWEEN @first AND @last AND REGEXP_LIKE(t.method_token, '\\p{Nd}(?:[^\\p{L}\\p{Nd}:,+"(){}]*\\p{Nd}){12}')
  UNION ALL
  SELECT 'attempt.issuer_id' AS what, HEX(t.payment_id) AS id, t.issuer_id AS text FROM attempt AS t
  WHERE t.payment_id BETWEEN @first AND @last AND REGEXP_LIKE(t.issuer_id, '\\p{Nd}(?:[^\\p{L}\\p{Nd}:,+"(){}]*\\p{Nd}){12}')
  UNION ALL
  SELECT 'attempt.trace_no' AS what, HEX(t.payment_id) AS id, t.trace_no AS text FROM attempt AS t
  WHERE t.payment_id BETWEEN @first AND @last AND t.sent_by <> 'LEDGER' AND REGEXP_LIKE(t.trace_no, '\\p{Nd}(?:[^\\p{L}\\p{Nd}:,+"(){}]*\\p{Nd}){12}')
  UNION ALL
  SELECT 'attempt_result.issuer_ref' AS what, HEX(t.payment_id) AS id, t.issuer_ref AS text FROM attempt_result AS t
  WHERE t.payment_id BETWEEN @first AND @last AND REGEXP_LIKE(t.issuer_ref, '\\p{Nd}(?:[^\\p{L}\\p{Nd}:,+"(){}]*\\p{Nd}){12}')
  UNION ALL
  SELECT 'attempt_result.issuer_code' AS what, HEX(t.payment_id) AS id, t.issuer_code AS text FROM attempt_result AS t
  WHERE t.payment_id BETWEEN @first AND @last AND REGEXP_LIKE(t.issuer_code, '\\p{Nd}(?:[^\\p{L}\\p{Nd}:,+"(){}]*\\p{Nd}){12}')
  UNION ALL
  SELECT 'cancellation.cancel_request_id' AS what, HEX(t.payment_id) AS id, t.cancel_request_id AS text FROM cancellation AS t
  WHERE t.payment_id BETWEEN @first AND @last AND REGEXP_LIKE(t.cancel_request_id, '\\p{Nd}(?:[^\\p{L}\\p{Nd}:,+"(){}]*\\p{Nd}){12}')
  UNION ALL
  SELECT 'cancellation.reason' AS what, HEX(t.payment_id) AS id, t.reason AS text FROM cancellation AS t
  WHERE t.payment_id BETWEEN @first AND @last AND REGEXP_LIKE(t.reason, '\\p{Nd}(?:[^\\p{L}\\p{Nd}:,+"(){}]*\\p{Nd}){12}')
  UNION ALL
  SELECT 'copy_receipt.source' AS what, t.source AS id, t.source AS text FROM copy_receipt AS t
  WHERE REGEXP_LIKE(t.source, '\\p{Nd}(?:[^\\p{L}\\p{Nd}:,+"(){}]*\\p{Nd}){12}')
  UNION ALL
  SELECT 'copy_receipt.from_key' AS what, t.source AS id, t.from_key AS text FROM copy_receipt AS t
  WHERE REGEXP_LIKE(t.from_key, '\\p{Nd}(?:[^\\p{L}\\p{Nd}:,+"(){}]*\\p{Nd}){12}')
  UNION ALL
  SELECT 'copy_receipt.to_key' AS what, t.source AS id, t.to_key AS text FROM copy_receipt AS t
  WHERE REGEXP_LIKE(t.to_key, '\\p{Nd}(?:[^\\p{L}\\p{Nd}:,+"(){}]*\\p{Nd}){12}')
  UNION ALL
  SELECT 'correction.reason' AS what, HEX(t.payment_id) AS id, t.reason AS text FROM correction AS t
  WHERE t.payment_id BETWEEN @first AND @last AND REGEXP_LIKE(t.reason, '\\p{Nd}(?:[^\\p{L}\\p{Nd}:,+"(){}]*\\p{Nd}){12}')
  UNION ALL
  SELECT 'correction.proposed_by' AS what, HEX(t.payment_id) AS id, t.proposed_by AS text FROM correction AS t
  WHERE t.payment_id BETWEEN @first AND @last AND REGEXP_LIKE(t.proposed_by, '\\p{Nd}(?:[^\\p{L}\\p{Nd}:,+"(){}]*\\p{Nd}){12}')
  UNION ALL
  SELECT 'correction.proposed_key' AS what, HEX(t.payment_id) AS id, t.proposed_key AS text FROM correction AS t
  WHERE t.payment_id BETWEEN @first AND @last AND REGEXP_LIKE(t.proposed_key, '\\p{Nd}(?:[^\\p{L}\\p{Nd}:,+"(){}]*\\p{Nd}){12}')
  UNION ALL
  SELECT 'correction_line.account' AS what, HEX(t.payment_id) AS id, t.account AS text FROM correction_line AS t
  WHERE t.payment_id BETWEEN @first AND @last AND REGEXP_LIKE(t.account, '\\p{Nd}(?:[^\\p{L}\\p{Nd}:,+"(){}]*\\p{Nd}){12}')
  UNION ALL
  SELECT 'correction_verdict.proposed_by' AS what, HEX(t.payment_id) AS id, t.proposed_by AS text FROM correction_verdict AS t
  WHERE t.payment_id BETWEEN @first AND @last AND REGEXP_LIKE(t.proposed_by, '\\p{Nd}(?:[^\\p{L}\\p{Nd}:,+"(){}]*\\p{Nd}){12}')
  UNION ALL
  SELECT 'correction_verdict.decided_by' AS what, HEX(t.payment_id) AS id, t.decided_by AS text FROM correction_verdict AS t
  WHERE t.payment_id BETWEEN @first AND @last AND REGEXP_LIKE(t.decided_by, '\\p{Nd}(?:[^\\p{L}\\p{Nd}:,+"(){}]*\\p{Nd}){12}')
  UNION ALL
  SELECT 'correction_verdict.decided_key' AS what, HEX(t.payment_id) AS id, t.decided_key AS text FROM correction_verdict AS t
  WHERE t.payment_id BETWEEN @first AND @last AND REGEXP_LIKE(t.decided_key, '\\p{Nd}(?:[^\\p{L}\\p{Nd}:,+"(){}]*\\p{Nd}){12}')
  UNION ALL
  SELECT 'correction_verdict.reason' AS what, HEX(t.payment_id) AS id, t.reason AS text FROM correction_verdict AS t
  WHERE t.payment_id BETWEEN @first AND @last AND REGEXP_LIKE(t.reason, '\\p{Nd}(?:[^\\p{L}\\p{Nd}:,+"(){}]*\\p{Nd}){12}')
  UNION ALL
  SELECT 'deposit.issuer_id' AS what, HEX(t.payment_id) AS id, t.issuer_id AS text FROM deposit AS t
  WHERE t.payment_id BETWEEN @first AND @last AND REGEXP_LIKE(t.issuer_id, '\\p{Nd}(?:[^\\p{L}\\p{Nd}:,+"(){}]*\\p{Nd}){12}')
  UNION ALL
  SELECT 'deposit.bank_ref' AS what, HEX(t.payment_id) AS id, t.bank_ref AS text FROM deposit AS t
  WHERE t.payment_id BETWEEN @first AND @last AND REGEXP_LIKE(t.bank_ref, '\\p{Nd}(?:[^\\p{L}\\p{Nd}:,+"(){}]*\\p{Nd}){12}')
  UNION ALL
  SELECT 'deposit_refund.refund_request_id' AS what, HEX(t.payment_id) AS id, t.refund_request_id AS text FROM deposit_refund AS t
  WHERE t.payment_id BETWEEN @first AND @last AND REGEXP_LIKE(t.refund_request_id, '\\p{Nd}(?:[^\\p{L}\\p{Nd}:,+"(){}]*\\p{Nd}){12}')
  UNION ALL
  SELECT 'deposit_refund.account_token' AS what, HEX(t.payment_id) AS id, t.account_token AS text FROM deposit_refund AS t
  WHERE t.payment_id BETWEEN @first AND @last AND REGEXP_LIKE(t.account_token, '\\p{Nd}(?:[^\\p{L}\\p{Nd}:,+"(){}]*\\p{Nd}){12}')
  UNION ALL
  SELECT 'deposit_refund.reason' AS what, HEX(t.payment_id) AS id, t.reason AS text FROM deposit_refund AS t
  WHERE t.payment_id BETWEEN @first AND @last AND REGEXP_LIKE(t.reason, '\\p{Nd}(?:[^\\p{L}\\p{Nd}:,+"(){}]*\\p{Nd}){12}')
  UNION ALL
  SELECT 'deposit_refund_outcome.bank_ref' AS what, HEX(t.payment_id) AS id, t.bank_ref AS text FROM deposit_refund_outcome AS t
  WHERE t.payment_id BETWEEN @first AND @last AND REGEXP_LIKE(t.bank_ref, '\\p{Nd}(?:[^\\p{L}\\p{Nd}:,+"(){}]*\\p{Nd}){12}')
  UNION ALL
  SELECT 'idempotency_body.content_type' AS what, HEX(t.claim_id) AS id, t.content_type AS text FROM idempotency_body AS t
  WHERE REGEXP_LIKE(t.content_type, '\\p{Nd}(?:[^\\p{L}\\p{Nd}:,+"(){}]*\\p{Nd}){12}')
  UNION ALL
  SELECT 'idempotency_body.location' AS what, HEX(t.claim_id) AS id, t.location AS text FROM idempotency_body AS t
  WHERE REGEXP_LIKE(t.location, '\\p{Nd}(?:[^\\p{L}\\p{Nd}:,+"(){}]*\\p{Nd}){12}')
  UNION ALL
  SELECT 'idempotency_body.body' AS what, HEX(t.claim_id) AS id, COALESCE(CONVERT(t.body USING utf8mb4), CONVERT(CAST(t.body AS CHAR CHARACTER SET latin1) USING utf8mb4)) AS text FROM idempotency_body AS t
  WHERE REGEXP_LIKE(COALESCE(CONVERT(t.body USING utf8mb4), CONVERT(CAST(t.body AS CHAR CHARACTER SET latin1) USING utf8mb4)), '\\p{Nd}(?:[^\\p{L}\\p{Nd}:,+"(){}]*\\p{Nd}){12}')
  UNION ALL
  SELECT 'idempotency_claim.merchant_id' AS what, HEX(t.claim_id) AS id, t.merchant_id AS text FROM idempotency_claim AS t
  WHERE (t.payment_id IS NULL OR t.payment_id BETWEEN @first AND @last) AND REGEXP_LIKE(t.merchant_id, '\\p{Nd}(?:[^\\p{L}\\p{Nd}:,+"(){}]*\\p{Nd}){12}')
  UNION ALL
  SELECT 'idempotency_claim.operation' AS what, HEX(t.claim_id) AS id, t.operation AS text FROM idempotency_claim AS t
  WHERE (t.payment_id IS NULL OR t.payment_id BETWEEN @first AND @last) AND REGEXP_LIKE(t.operation, '\\p{Nd}(?:[^\\p{L}\\p{Nd}:,+"(){}]*\\p{Nd}){12}')
  UNION ALL
  SELECT 'issuer.issuer_id' AS what, t.issuer_id AS id, t.issuer_id AS text FROM issuer AS t
  WHERE REGEXP_LIKE(t.issuer_id, '\\p{Nd}(?:[^\\p{L}\\p{Nd}:,+"(){}]*\\p{Nd}){12}')
  UNION ALL
  SELECT 'issuer.name' AS what, t.issuer_id AS id, t.name AS text FROM issuer AS t
  WHERE REGEXP_LIKE(t.name, '\\p{Nd}(?:[^\\p{L}\\p{Nd}:,+"(){}]*\\p{Nd}){12}')
  UNION ALL
  SELECT 'issuer.endpoint_url' AS what, t.issuer_id AS id, t.endpoint_url AS text FROM issuer AS t
  WHERE REGEXP_LIKE(t.endpoint_url, '\\p{Nd}(?:[^\\p{L}\\p{Nd}:,+"(){}]*\\p{Nd}){12}')
  UNION ALL
  SELECT 'issuer.created_by' AS what, t.issuer_id AS id, t.created_by AS text FROM issuer AS t
  WHERE REGEXP_LIKE(t.created_by, '\\p{Nd}(?:[^\\p{L}\\p{Nd}:,+"(){}]*\\p{Nd}){12}')
  UNION ALL
  SELECT 'journal_line.account' AS what, HEX(t.payment_id) AS id, t.account AS text FROM journal_line AS t
  WHERE t.payment_id BETWEEN @first AND @last AND REGEXP_LIKE(t.account, '\\p{Nd}(?:[^\\p{L}\\p{Nd}:,+"(){}]*\\p{Nd}){12}')
  UNION ALL
  SELECT 'journal_line.merchant_id' AS what, HEX(t.payment_id) AS id, t.merchant_id AS text FROM journal_line AS t
  WHERE t.payment_id BETWEEN @first AND @last AND REGEXP_LIKE(t.merchant_id, '\\p{Nd}(?:[^\\p{L}\\p{Nd}:,+"(){}]*\\p{Nd}){12}')
  UNION ALL
  SELECT 'legacy_quarantine.source' AS what, t.source AS id, t.source AS text FROM legacy_quarantine AS t
  WHERE REGEXP_LIKE(t.source, '\\p{Nd}(?:[^\\p{L}\\p{Nd}:,+"(){}]*\\p{Nd}){12}')
  UNION ALL
  SELECT 'legacy_quarantine.table_name' AS what, t.source AS id, t.table_name AS text FROM legacy_quarantine AS t
  WHERE REGEXP_LIKE(t.table_name, '\\p{Nd}(?:[^\\p{L}\\p{Nd}:,+"(){}]*\\p{Nd}){12}')
  UNION ALL
  SELECT 'legacy_quarantine.row_pk' AS what, t.source AS id, t.row_pk AS text FROM legacy_quarantine AS t
  WHERE REGEXP_LIKE(t.row_pk, '\\p{Nd}(?:[^\\p{L}\\p{Nd}:,+"(){}]*\\p{Nd}){12}')
  UNION ALL
  SELECT 'legacy_quarantine.reason' AS what, t.source AS id, t.reason AS text FROM legacy_quarantine AS t
  WHERE REGEXP_LIKE(t.reason, '\\p{Nd}(?:[^\\p{L}\\p{Nd}:,+"(){}]*\\p{Nd}){12}')
  UNION ALL
  SELECT 'legacy_quarantine.detail' AS what, t.source AS id, t.detail AS text FROM legacy_quarantine AS t
  WHERE REGEXP_LIKE(t.detail, '\\p{Nd}(?:[^\\p{L}\\p{Nd}:,+"(){}]*\\p{Nd}){12}')
  UNION ALL
  SELECT 'legacy_quarantine.column_name' AS what, t.source AS id, t.column_name AS text FROM legacy_quarantine AS t
  WHERE REGEXP_LIKE(t.column_name, '\\p{Nd}(?:[^\\p{L}\\p{Nd}:,+"(){}]*\\p{Nd}){12}')
  UNION ALL
  SELECT 'legacy_quarantine.method' AS what, t.source AS id, t.method AS text FROM legacy_quarantine AS t
  WHERE REGEXP_LIKE(t.method, '\\p{Nd}(?:[^\\p{L}\\p{Nd}:,+"(){}]*\\p{Nd}){12}')
  UNION ALL
  SELECT 'legacy_quarantine.raw' AS what, t.source AS id, CAST(t.raw AS CHAR) AS text FROM legacy_quarantine AS t
  WHERE REGEXP_LIKE(CAST(t.raw AS CHAR), '\\p{Nd}(?:[^\\p{L}\\p{Nd}:,+"(){}]*\\p{Nd}){12}')
  UNION ALL
  SELECT 'legacy_row.source' AS what, t.source AS id, t.source AS text FROM legacy_row AS t
  WHERE (t.payment_id IS NULL OR t.payment_id BETWEEN @first AND @last) AND REGEXP_LIKE(t.source, '\\p{Nd}(?:[^\\p{L}\\p{Nd}:,+"(){}]*\\p{Nd}){12}')
  UNION ALL
  SELECT 'legacy_row.table_name' AS what, t.source AS id, t.table_name AS text FROM legacy_row AS t
  WHERE (t.payment_id IS NULL OR t.payment_id BETWEEN @first AND @last) AND REGEXP_LIKE(t.table_name, '\\p{Nd}(?:[^\\p{L}\\p{Nd}:,+"(){}]*\\p{Nd}){12}')
  UNION ALL
  SELECT 'legacy_row.row_pk' AS what, t.source AS id, t.row_pk AS text FROM legacy_row AS t
  WHERE (t.payment_id IS NULL OR t.payment_id BETWEEN @first AND @last) AND REGEXP_LIKE(t.row_pk, '\\p{Nd}(?:[^\\p{L}\\p{Nd}:,+"(){}]*\\p{Nd}){12}')
  UNION ALL
  SELECT 'legacy_row.reason' AS what, t.source AS id, t.reason AS text FROM legacy_row AS t
  WHERE (t.payment_id IS NULL OR t.payment_id BETWEEN @first AND @last) AND REGEXP_LIKE(t.reason, '\\p{Nd}(?:[^\\p{L}\\p{Nd}:,+"(){}]*\\p{Nd}){12}')
  UNION ALL
  SELECT 'legacy_row.method' AS what, t.source AS id, t.method AS text FROM legacy_row AS t
  WHERE (t.payment_id IS NULL OR t.payment_id BETWEEN @first AND @last) AND REGEXP_LIKE(t.method, '\\p{Nd}(?:[^\\p{L}\\p{Nd}:,+"(){}]*\\p{Nd}){12}')
  UNION ALL
  SELECT 'merchant.merchant_id' AS what, t.merchant_id AS id, t.merchant_id AS text FROM merchant AS t
  WHERE REGEXP_LIKE(t.merchant_id, '\\p{Nd}(?:[^\\p{L}\\p{Nd}:,+"(){}]*\\p{Nd}){12}')
  UNION ALL
  SELECT 'merchant.name' AS what, t.merchant_id AS id, t.name AS text FROM merchant AS t
  WHERE REGEXP_LIKE(t.name, '\\p{Nd}(?:[^\\p{L}\\p{Nd}:,+"(){}]*\\p{Nd}){12}')
  UNION ALL
  SELECT 'merchant.created_by' AS what, t.merchant_id AS id, t.created_by AS text FROM merchant AS t
  WHERE REGEXP_LIKE(t.created_by, '\\p{Nd}(?:[^\\p{L}\\p{Nd}:,+"(){}]*\\p{Nd}){12}')
  UNION ALL
  SELECT 'merchant_authority.merchant_id' AS what, t.merchant_id AS id, t.merchant_id AS text FROM merchant_authority AS t
  WHERE REGEXP_LIKE(t.merchant_id, '\\p{Nd}(?:[^\\p{L}\\p{Nd}:,+"(){}]*\\p{Nd}){12}')
  UNION ALL
  SELECT 'merchant_authority.created_by' AS what, t.merchant_id AS id, t.created_by AS text FROM merchant_authority AS t
  WHERE REGEXP_LIKE(t.created_by, '\\p{Nd}(?:[^\\p{L}\\p{Nd}:,+"(){}]*\\p{Nd}){12}')
  UNION ALL
  SELECT 'merchant_contract.merchant_id' AS what, t.merchant_id AS id, t.merchant_id AS text FROM merchant_contract AS t
  WHERE REGEXP_LIKE(t.merchant_id, '\\p{Nd}(?:[^\\p{L}\\p{Nd}:,+"(){}]*\\p{Nd}){12}')
  UNION ALL
  SELECT 'merchant_contract.created_by' AS what, t.merchant_id AS id, t.created_by AS text FROM merchant_contract AS t
  WHERE REGEXP_LIKE(t.created_by, '\\p{Nd}(?:[^\\p{L}\\p{Nd}:,+"(){}]*\\p{Nd}){12}')
  UNION ALL
  SELECT 'method_rule.method' AS what, t.method AS id, t.method AS text FROM method_rule AS t
  WHERE REGEXP_LIKE(t.method, '\\p{Nd}(?:[^\\p{L}\\p{Nd}:,+"(){}]*\\p{Nd}){12}')
  UNION ALL
  SELECT 'method_rule.cancel_window_kind' AS what, t.method AS id, t.cancel_window_kind AS text FROM method_rule AS t
  WHERE REGEXP_LIKE(t.cancel_window_kind, '\\p{Nd}(?:[^\\p{L}\\p{Nd}:,+"(){}]*\\p{Nd}){12}')
  UNION ALL
  SELECT 'method_rule.created_by' AS what, t.method AS id, t.created_by AS text FROM method_rule AS t
  WHERE REGEXP_LIKE(t.created_by, '\\p{Nd}(?:[^\\p{L}\\p{Nd}:,+"(){}]*\\p{Nd}){12}')
  UNION ALL
  SELECT 'network_cancel.reason' AS what, HEX(t.payment_id) AS id, t.reason AS text FROM network_cancel AS t
  WHERE t.payment_id BETWEEN @first AND @last AND REGEXP_LIKE(t.reason, '\\p{Nd}(?:[^\\p{L}\\p{Nd}:,+"(){}]*\\p{Nd}){12}')
  UNION ALL
  SELECT 'network_cancel_outcome.outcome' AS what, HEX(t.payment_id) AS id, t.outcome AS text FROM network_cancel_outcome AS t
  WHERE t.payment_id BETWEEN @first AND @last AND REGEXP_LIKE(t.outcome, '\\p{Nd}(?:[^\\p{L}\\p{Nd}:,+"(){}]*\\p{Nd}){12}')
  UNION ALL
  SELECT 'operator_key.key_id' AS what, t.key_id AS id, t.key_id AS text FROM operator_key AS t
  WHERE REGEXP_LIKE(t.key_id, '\\p{Nd}(?:[^\\p{L}\\p{Nd}:,+"(){}]*\\p{Nd}){12}')
  UNION ALL
  SELECT 'operator_key.operator_id' AS what, t.key_id AS id, t.operator_id AS text FROM operator_key AS t
  WHERE REGEXP_LIKE(t.operator_id, '\\p{Nd}(?:[^\\p{L}\\p{Nd}:,+"(){}]*\\p{Nd}){12}')
  UNION ALL
  SELECT 'operator_key.created_by' AS what, t.key_id AS id, t.created_by AS text FROM operator_key AS t
  WHERE REGEXP_LIKE(t.created_by, '\\p{Nd}(?:[^\\p{L}\\p{Nd}:,+"(){}]*\\p{Nd}){12}')
  UNION ALL
  SELECT 'operator_key_revocation.key_id' AS what, t.key_id AS id, t.key_id AS text FROM operator_key_revocation AS t
  WHERE REGEXP_LIKE(t.key_id, '\\p{Nd}(?:[^\\p{L}\\p{Nd}:,+"(){}]*\\p{Nd}){12}')
  UNION ALL
  SELECT 'operator_key_revocation.revoked_by' AS what, t.key_id AS id, t.revoked_by AS text FROM operator_key_revocation AS t
  WHERE REGEXP_LIKE(t.revoked_by, '\\p{Nd}(?:[^\\p{L}\\p{Nd}:,+"(){}]*\\p{Nd}){12}')
  UNION ALL
  SELECT 'operator_key_revocation.reason' AS what, t.key_id AS id, t.reason AS text FROM operator_key_revocation AS t
  WHERE REGEXP_LIKE(t.reason, '\\p{Nd}(?:[^\\p{L}\\p{Nd}:,+"(){}]*\\p{Nd}){12}')
  UNION ALL
  SELECT 'outbox_backfill.topic' AS what, t.id AS id, t.topic AS text FROM outbox_backfill AS t
  WHERE (t.payment_id IS NULL OR t.payment_id BETWEEN @first AND @last) AND REGEXP_LIKE(t.topic, '\\p{Nd}(?:[^\\p{L}\\p{Nd}:,+"(){}]*\\p{Nd}){12}')
  UNION ALL
  SELECT 'outbox_backfill.type' AS what, t.id AS id, t.type AS text FROM outbox_backfill AS t
  WHERE (t.payment_id IS NULL OR t.payment_id BETWEEN @first AND @last) AND REGEXP_LIKE(t.type, '\\p{Nd}(?:[^\\p{L}\\p{Nd}:,+"(){}]*\\p{Nd}){12}')
  UNION ALL
  SELECT 'outbox_backfill.previous_position' AS what, t.id AS id, t.previous_position AS text FROM outbox_backfill AS t
  WHERE (t.payment_id IS NULL OR t.payment_id BETWEEN @first AND @last) AND REGEXP_LIKE(t.previous_position, '\\p{Nd}(?:[^\\p{L}\\p{Nd}:,+"(){}]*\\p{Nd}){12}')
  UNION ALL
  SELECT 'outbox_backfill.body' AS what, t.id AS id, COALESCE(CONVERT(t.body USING utf8mb4), CONVERT(CAST(t.body AS CHAR CHARACTER SET latin1) USING utf8mb4)) AS text FROM outbox_backfill AS t
  WHERE (t.payment_id IS NULL OR t.payment_id BETWEEN @first AND @last) AND REGEXP_LIKE(COALESCE(CONVERT(t.body USING utf8mb4), CONVERT(CAST(t.body AS CHAR CHARACTER SET latin1) USING utf8mb4)), '\\p{Nd}(?:[^\\p{L}\\p{Nd}:,+"(){}]*\\p{Nd}){12}')
  UNION ALL
  SELECT 'outbox_backfill.trace_parent' AS what, t.id AS id, t.trace_parent AS text FROM outbox_backfill AS t
  WHERE (t.payment_id IS NULL OR t.payment_id BETWEEN @first AND @last) AND REGEXP_LIKE(t.trace_parent, '\\p{Nd}(?:[^\\p{L}\\p{Nd}:,+"(){}]*\\p{Nd}){12}')
  UNION ALL
  SELECT 'outbox_event.topic' AS what, t.id AS id, t.topic AS text FROM outbox_event AS t
  WHERE (t.payment_id IS NULL OR t.payment_id BETWEEN @first AND @last) AND REGEXP_LIKE(t.topic, '\\p{Nd}(?:[^\\p{L}\\p{Nd}:,+"(){}]*\\p{Nd}){12}')
  UNION ALL
  SELECT 'outbox_event.type' AS what, t.id AS id, t.type AS text FROM outbox_event AS t
  WHERE (t.payment_id IS NULL OR t.payment_id BETWEEN @first AND @last) AND REGEXP_LIKE(t.type, '\\p{Nd}(?:[^\\p{L}\\p{Nd}:,+"(){}]*\\p{Nd}){12}')
  UNION ALL
  SELECT 'outbox_event.previous_position' AS what, t.id AS id, t.previous_position AS text FROM outbox_event AS t
  WHERE (t.payment_id IS NULL OR t.payment_id BETWEEN @first AND @last) AND REGEXP_LIKE(t.previous_position, '\\p{Nd}(?:[^\\p{L}\\p{Nd}:,+"(){}]*\\p{Nd}){12}')
  UNION ALL
  SELECT 'outbox_event.body' AS what, t.id AS id, COALESCE(CONVERT(t.body USING utf8mb4), CONVERT(CAST(t.body AS CHAR CHARACTER SET latin1) USING utf8mb4)) AS text FROM outbox_event AS t
  WHERE (t.payment_id IS NULL OR t.payment_id BETWEEN @first AND @last) AND REGEXP_LIKE(COALESCE(CONVERT(t.body USING utf8mb4), CONVERT(CAST(t.body AS CHAR CHARACTER SET latin1) USING utf8mb4)), '\\p{Nd}(?:[^\\p{L}\\p{Nd}:,+"(){}]*\\p{Nd}){12}')
  UNION ALL
  SELECT 'outbox_event.trace_parent' AS what, t.id AS id, t.trace_parent AS text FROM outbox_event AS t
  WHERE (t.payment_id IS NULL OR t.payment_id BETWEEN @first AND @last) AND REGEXP_LIKE(t.trace_parent, '\\p{Nd}(?:[^\\p{L}\\p{Nd}:,+"(){}]*\\p{Nd}){12}')
  UNION ALL
  SELECT 'payment.merchant_id' AS what, HEX(t.payment_id) AS id, t.merchant_id AS text FROM payment AS t
  WHERE t.payment_id BETWEEN @first AND @last AND REGEXP_LIKE(t.merchant_id, '\\p{Nd}(?:[^\\p{L}\\p{Nd}:,+"(){}]*\\p{Nd}){12}')
  UNION ALL
  SELECT 'payment.order_id' AS what, HEX(t.payment_id) AS id, t.order_id AS text FROM payment AS t
  WHERE t.payment_id BETWEEN @first AND @last AND REGEXP_LIKE(t.order_id, '\\p{Nd}(?:[^\\p{L}\\p{Nd}:,+"(){}]*\\p{Nd}){12}')
  UNION ALL
  SELECT 'payment_change.command' AS what, HEX(t.payment_id) AS id, t.command AS text FROM payment_change AS t
  WHERE t.payment_id BETWEEN @first AND @last AND REGEXP_LIKE(t.command, '\\p{Nd}(?:[^\\p{L}\\p{Nd}:,+"(){}]*\\p{Nd}){12}')
  UNION ALL
  SELECT 'payment_change.actor' AS what, HEX(t.payment_id) AS id, t.actor AS text FROM payment_change AS t
  WHERE t.payment_id BETWEEN @first AND @last AND REGEXP_LIKE(t.actor, '\\p{Nd}(?:[^\\p{L}\\p{Nd}:,+"(){}]*\\p{Nd}){12}')
  UNION ALL
  SELECT 'payment_change.positions' AS what, HEX(t.payment_id) AS id, t.positions AS text FROM payment_change AS t
  WHERE t.payment_id BETWEEN @first AND @last AND REGEXP_LIKE(t.positions, '\\p{Nd}(?:[^\\p{L}\\p{Nd}:,+"(){}]*\\p{Nd}){12}')
  UNION ALL
  SELECT 'payment_verdict.merchant_id' AS what, HEX(t.payment_id) AS id, t.merchant_id AS text FROM payment_verdict AS t
  WHERE t.payment_id BETWEEN @first AND @last AND REGEXP_LIKE(t.merchant_id, '\\p{Nd}(?:[^\\p{L}\\p{Nd}:,+"(){}]*\\p{Nd}){12}')
  UNION ALL
  SELECT 'payment_verdict.order_id' AS what, HEX(t.payment_id) AS id, t.order_id AS text FROM payment_verdict AS t
  WHERE t.payment_id BETWEEN @first AND @last AND REGEXP_LIKE(t.order_id, '\\p{Nd}(?:[^\\p{L}\\p{Nd}:,+"(){}]*\\p{Nd}){12}')
  UNION ALL
  SELECT 'payment_verdict.reason' AS what, HEX(t.payment_id) AS id, t.reason AS text FROM payment_verdict AS t
  WHERE t.payment_id BETWEEN @first AND @last AND REGEXP_LIKE(t.reason, '\\p{Nd}(?:[^\\p{L}\\p{Nd}:,+"(){}]*\\p{Nd}){12}')
  UNION ALL
  SELECT 'refund_account.account_token' AS what, HEX(t.payment_id) AS id, t.account_token AS text FROM refund_account AS t
  WHERE t.payment_id BETWEEN @first AND @last AND REGEXP_LIKE(t.account_token, '\\p{Nd}(?:[^\\p{L}\\p{Nd}:,+"(){}]*\\p{Nd}){12}')
  UNION ALL
  SELECT 'verifier_finding.class' AS what, HEX(t.run_id) AS id, t.class AS text FROM verifier_finding AS t
  WHERE (t.payment_id IS NULL OR t.payment_id BETWEEN @first AND @last) AND REGEXP_LIKE(t.class, '\\p{Nd}(?:[^\\p{L}\\p{Nd}:,+"(){}]*\\p{Nd}){12}')
  UNION ALL
  SELECT 'verifier_finding.table_name' AS what, HEX(t.run_id) AS id, t.table_name AS text FROM verifier_finding AS t
  WHERE (t.payment_id IS NULL OR t.payment_id BETWEEN @first AND @last) AND REGEXP_LIKE(t.table_name, '\\p{Nd}(?:[^\\p{L}\\p{Nd}:,+"(){}]*\\p{Nd}){12}')
  UNION ALL
  SELECT 'verifier_finding.row_pk' AS what, HEX(t.run_id) AS id, t.row_pk AS text FROM verifier_finding AS t
  WHERE (t.payment_id IS NULL OR t.payment_id BETWEEN @first AND @last) AND REGEXP_LIKE(t.row_pk, '\\p{Nd}(?:[^\\p{L}\\p{Nd}:,+"(){}]*\\p{Nd}){12}')
  UNION ALL
  SELECT 'verifier_finding.detail' AS what, HEX(t.run_id) AS id, t.detail AS text FROM verifier_finding AS t
  WHERE (t.payment_id IS NULL OR t.payment_id BETWEEN @first AND @last) AND REGEXP_LIKE(t.detail, '\\p{Nd}(?:[^\\p{L}\\p{Nd}:,+"(){}]*\\p{Nd}){12}')
  UNION ALL
  SELECT 'verifier_run.source' AS what, HEX(t.run_id) AS id, t.source AS text FROM verifier_run AS t
  WHERE REGEXP_LIKE(t.source, '\\p{Nd}(?:[^\\p{L}\\p{Nd}:,+"(){}]*\\p{Nd}){12}')
  UNION ALL
  SELECT 'verifier_run.reason' AS what, HEX(t.run_id) AS id, t.reason AS text FROM verifier_run AS t
  WHERE REGEXP_LIKE(t.reason, '\\p{Nd}(?:[^\\p{L}\\p{Nd}:,+"(){}]*\\p{Nd}){12}')
  UNION ALL
  SELECT 'virtual_account.account_no' AS what, HEX(t.payment_id) AS id, t.account_no AS text FROM virtual_account AS t
  WHERE t.payment_id BETWEEN @first AND @last AND REGEXP_LIKE(t.account_no, '\\p{Nd}(?:[^\\p{L}\\p{Nd}:,+"(){}]*\\p{Nd}){12}')
  UNION ALL
  SELECT 'virtual_account.holder' AS what, HEX(t.payment_id) AS id, t.holder AS text FROM virtual_account AS t
  WHERE t.payment_id BETWEEN @first AND @last AND REGEXP_LIKE(t.holder, '\\p{Nd}(?:[^\\p{L}\\p{Nd}:,+"(){}]*\\p{Nd}){12}')
), cleaned AS (
  SELECT what, id, REGEXP_REPLACE(REGEXP_REPLACE(REGEXP_REPLACE(REGEXP_REPLACE(REGEXP_REPLACE(REGEXP_REPLACE(REGEXP_REPLACE(REGEXP_REPLACE(REGEXP_REPLACE(REGEXP_REPLACE(REGEXP_REPLACE(text, '[０٠۰߀०০੦૦୦௦౦೦൦๐໐༠၀០𝟎𝟘𝟢𝟬𝟶]', '0'), '[１١۱߁१১੧૧୧௧౧೧൧๑໑༡၁១𝟏𝟙𝟣𝟭𝟷]', '1'), '[２٢۲߂२২੨૨୨௨౨೨൨๒໒༢၂២𝟐𝟚𝟤𝟮𝟸]', '2'), '[３٣۳߃३৩੩૩୩௩౩೩൩๓໓༣၃៣𝟑𝟛𝟥𝟯𝟹]', '3'), '[４٤۴߄४৪੪૪୪௪౪೪൪๔໔༤၄៤𝟒𝟜𝟦𝟰𝟺]', '4'), '[５٥۵߅५৫੫૫୫௫౫೫൫๕໕༥၅៥𝟓𝟝𝟧𝟱𝟻]', '5'), '[６٦۶߆६৬੬૬୬௬౬೬൬๖໖༦၆៦𝟔𝟞𝟨𝟲𝟼]', '6'), '[７٧۷߇७৭੭૭୭௭౭೭൭๗໗༧၇៧𝟕𝟟𝟩𝟳𝟽]', '7'), '[８٨۸߈८৮੮૮୮௮౮೮൮๘໘༨၈៨𝟖𝟠𝟪𝟴𝟾]', '8'), '[９٩۹߉९৯੯૯୯௯౯೯൯๙໙༩၉៩𝟗𝟡𝟫𝟵𝟿]', '9'),
    '(?<![0-9a-zA-Z])(?=[0-9-]*[a-fA-F])[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}(?![0-9a-zA-Z])|(?<![0-9a-zA-Z])(?=[0-9]*[a-fA-F])[0-9a-fA-F]{32,}(?![0-9a-zA-Z])|(?<![0-9])(?:19|20)[0-9]{2}[\\u0009-\\u000D \\u002D-/_\\u0085\\u00A0\\u00AD\\u00B7\\u1680\\u2000-\\u200A\\u200B-\\u200F\\u2010-\\u2014\\u2022\\u2028-\\u2029\\u202F\\u205F\\u2060\\u2212\\u3000\\uFE58\\uFE63\\uFEFF\\uFF0D\\uFF0E\\uFF0F]+(?:0[1-9]|1[0-2])[\\u0009-\\u000D \\u002D-/_\\u0085\\u00A0\\u00AD\\u00B7\\u1680\\u2000-\\u200A\\u200B-\\u200F\\u2010-\\u2014\\u2022\\u2028-\\u2029\\u202F\\u205F\\u2060\\u2212\\u3000\\uFE58\\uFE63\\uFEFF\\uFF0D\\uFF0E\\uFF0F]+(?:0[1-9]|[12][0-9]|3[01])(?![0-9])|(?<![0-9])(?:19|20)[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])[0-9]*|(?<![0-9])1[6-9][0-9]{11}(?:[0-9]{3}){0,2}(?![0-9])', 'x') AS text FROM texts
), runs AS (
  SELECT /*+ NO_MERGE(c) */ c.what, c.id, REGEXP_SUBSTR(c.text, '[0-9](?:[\\u0009-\\u000D \\u002D-/_\\u0085\\u00A0\\u00AD\\u00B7\\u1680\\u2000-\\u200A\\u200B-\\u200F\\u2010-\\u2014\\u2022\\u2028-\\u2029\\u202F\\u205F\\u2060\\u2212\\u3000\\uFE58\\uFE63\\uFEFF\\uFF0D\\uFF0E\\uFF0F]*[0-9]){12,}', 1, o.n) AS text
  FROM cleaned AS c JOIN place AS o ON o.n <= 19
), groups_of AS (
  SELECT /*+ NO_MERGE(r) */ r.what, r.id, REGEXP_REPLACE(r.text, CONCAT('^(?:[0-9]+[\\u0009-\\u000D \\u002D-/_\\u0085\\u00A0\\u00AD\\u00B7\\u1680\\u2000-\\u200A\\u200B-\\u200F\\u2010-\\u2014\\u2022\\u2028-\\u2029\\u202F\\u205F\\u2060\\u2212\\u3000\\uFE58\\uFE63\\uFEFF\\uFF0D\\uFF0E\\uFF0F]+){', g.n - 1, '}'), '') AS text
  FROM runs AS r JOIN place AS g ON r.text IS NOT NULL AND (g.n = 1 OR REGEXP_LIKE(r.text, CONCAT('^(?:[0-9]+[\\u0009-\\u000D \\u002D-/_\\u0085\\u00A0\\u00AD\\u00B7\\u1680\\u2000-\\u200A\\u200B-\\u200F\\u2010-\\u2014\\u2022\\u2028-\\u2029\\u202F\\u205F\\u2060\\u2212\\u3000\\uFE58\\uFE63\\uFEFF\\uFF0D\\uFF0E\\uFF0F]+){', g.n - 1, '}')))
), numbers AS (
  SELECT /*+ NO_MERGE(t) */ t.what, t.id,
    REGEXP_REPLACE(REGEXP_SUBSTR(t.text, CONCAT('^[0-9](?:[\\u0009-\\u000D \\u002D-/_\\u0085\\u00A0\\u00AD\\u00B7\\u1680\\u2000-\\u200A\\u200B-\\u200F\\u2010-\\u2014\\u2022\\u2028-\\u2029\\u202F\\u205F\\u2060\\u2212\\u3000\\uFE58\\uFE63\\uFEFF\\uFF0D\\uFF0E\\uFF0F]*[0-9]){', l.n - 1, '}(?![0-9])')), '[\\u0009-\\u000D \\u002D-/_\\u0085\\u00A0\\u00AD\\u00B7\\u1680\\u2000-\\u200A\\u200B-\\u200F\\u2010-\\u2014\\u2022\\u2028-\\u2029\\u202F\\u205F\\u2060\\u2212\\u3000\\uFE58\\uFE63\\uFEFF\\uFF0D\\uFF0E\\uFF0F]', '') AS digits
  FROM groups_of AS t JOIN place AS l ON l.n BETWEEN 13 AND 19
)
SELECT DISTINCT what, id, CONCAT(LEFT(digits, 6), '…', RIGHT(digits, 4)) AS seen, LENGTH(digits) AS digits
FROM numbers
WHERE digits IS NOT NULL AND REGEXP_LIKE(digits, '^(?:[2-69]|8[12]|1800[0-9]{11}$)')
  AND (SELECT SUM(IF(w.n % 2 = 1, 0 + SUBSTRING(LPAD(digits, 19, '0'), 20 - w.n, 1),
    2 * SUBSTRING(LPAD(digits, 19, '0'), 20 - w.n, 1) - 9 * (SUBSTRING(LPAD(digits, 19, '0'), 20 - w.n, 1) > '4')))
  FROM place AS w WHERE w.n <= 19) % 10 = 0;
