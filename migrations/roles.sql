-- Accounts and grants as code. Run it as an administrator with the ledger's database as the current one
-- (`mysql ledger < roles.sql`); it may be run again. Accounts are made locked: give each a password and unlock it with
--   ALTER USER 'ledger_app'@'%' IDENTIFIED BY '…' ACCOUNT UNLOCK;
--
-- account        used by                                may
-- ledger_owner   migrations                             everything on this schema (granted when the schema is made)
-- ledger_app     ledger-api, net-cancel, corrections    SELECT, INSERT on facts, outbox, idempotency; SELECT on reference data
-- ledger_relay   outbox-relay                           SELECT on the outbox; INSERT (id, kind), which a check makes a tombstone
-- ledger_mirror  migrator, the verifier's repair        SELECT; INSERT through the mirror_* views (legacy origin only)
-- ledger_read    verifier, reports (on the replica)     SELECT
-- ledger_ops     retention                              SELECT, partitions of the outbox and of answer bodies
-- ledger_admin   ledger-admin                           SELECT, INSERT on reference data
CREATE USER IF NOT EXISTS 'ledger_owner'@'%' IDENTIFIED WITH caching_sha2_password REQUIRE SSL ACCOUNT LOCK;
CREATE USER IF NOT EXISTS 'ledger_app'@'%' IDENTIFIED WITH caching_sha2_password REQUIRE SSL ACCOUNT LOCK;
CREATE USER IF NOT EXISTS 'ledger_relay'@'%' IDENTIFIED WITH caching_sha2_password REQUIRE SSL ACCOUNT LOCK;
CREATE USER IF NOT EXISTS 'ledger_mirror'@'%' IDENTIFIED WITH caching_sha2_password REQUIRE SSL ACCOUNT LOCK;
CREATE USER IF NOT EXISTS 'ledger_read'@'%' IDENTIFIED WITH caching_sha2_password REQUIRE SSL ACCOUNT LOCK;
CREATE USER IF NOT EXISTS 'ledger_ops'@'%' IDENTIFIED WITH caching_sha2_password REQUIRE SSL ACCOUNT LOCK;
CREATE USER IF NOT EXISTS 'ledger_admin'@'%' IDENTIFIED WITH caching_sha2_password REQUIRE SSL ACCOUNT LOCK;

GRANT SELECT, INSERT ON payment_change TO 'ledger_app'@'%';
GRANT SELECT, INSERT ON payment TO 'ledger_app'@'%';
GRANT SELECT, INSERT ON approval TO 'ledger_app'@'%';
GRANT SELECT, INSERT ON attempt TO 'ledger_app'@'%';
GRANT SELECT, INSERT ON attempt_result TO 'ledger_app'@'%';
GRANT SELECT, INSERT ON attempt_verdict TO 'ledger_app'@'%';
GRANT SELECT, INSERT ON payment_verdict TO 'ledger_app'@'%';
GRANT SELECT, INSERT ON network_cancel TO 'ledger_app'@'%';
GRANT SELECT, INSERT ON network_cancel_outcome TO 'ledger_app'@'%';
GRANT SELECT, INSERT ON cancellation TO 'ledger_app'@'%';
GRANT SELECT, INSERT ON cancel_share TO 'ledger_app'@'%';
GRANT SELECT, INSERT ON cancel_outcome TO 'ledger_app'@'%';
GRANT SELECT, INSERT ON balance_link TO 'ledger_app'@'%';
GRANT SELECT, INSERT ON virtual_account TO 'ledger_app'@'%';
GRANT SELECT, INSERT ON deposit TO 'ledger_app'@'%';
GRANT SELECT, INSERT ON deposit_refund TO 'ledger_app'@'%';
GRANT SELECT, INSERT ON deposit_refund_outcome TO 'ledger_app'@'%';
GRANT SELECT, INSERT ON refund_account TO 'ledger_app'@'%';
GRANT SELECT, INSERT ON journal_line TO 'ledger_app'@'%';
GRANT SELECT, INSERT ON correction TO 'ledger_app'@'%';
GRANT SELECT, INSERT ON correction_line TO 'ledger_app'@'%';
GRANT SELECT, INSERT ON correction_verdict TO 'ledger_app'@'%';
GRANT SELECT, INSERT ON contradiction TO 'ledger_app'@'%';
GRANT SELECT, INSERT ON outbox_event TO 'ledger_app'@'%';
GRANT SELECT, INSERT ON idempotency_claim TO 'ledger_app'@'%';
GRANT SELECT, INSERT ON idempotency_outcome TO 'ledger_app'@'%';
GRANT SELECT, INSERT ON idempotency_body TO 'ledger_app'@'%';
GRANT SELECT ON merchant TO 'ledger_app'@'%';
GRANT SELECT ON merchant_contract TO 'ledger_app'@'%';
GRANT SELECT ON merchant_authority TO 'ledger_app'@'%';
GRANT SELECT ON issuer TO 'ledger_app'@'%';
GRANT SELECT ON method_rule TO 'ledger_app'@'%';
GRANT SELECT ON api_key TO 'ledger_app'@'%';
GRANT SELECT ON api_key_revocation TO 'ledger_app'@'%';
GRANT SELECT ON operator_key TO 'ledger_app'@'%';
GRANT SELECT ON operator_key_revocation TO 'ledger_app'@'%';

GRANT SELECT, INSERT (id, kind) ON outbox_event TO 'ledger_relay'@'%';
GRANT SELECT, INSERT (id, kind) ON outbox_backfill TO 'ledger_relay'@'%';

GRANT SELECT ON payment_change TO 'ledger_mirror'@'%';
GRANT SELECT, INSERT ON mirror_payment_change TO 'ledger_mirror'@'%';
GRANT SELECT ON payment TO 'ledger_mirror'@'%';
GRANT SELECT, INSERT ON mirror_payment TO 'ledger_mirror'@'%';
GRANT SELECT ON approval TO 'ledger_mirror'@'%';
GRANT SELECT, INSERT ON mirror_approval TO 'ledger_mirror'@'%';
GRANT SELECT ON attempt TO 'ledger_mirror'@'%';
GRANT SELECT, INSERT ON mirror_attempt TO 'ledger_mirror'@'%';
GRANT SELECT ON attempt_result TO 'ledger_mirror'@'%';
GRANT SELECT, INSERT ON mirror_attempt_result TO 'ledger_mirror'@'%';
GRANT SELECT ON attempt_verdict TO 'ledger_mirror'@'%';
GRANT SELECT, INSERT ON mirror_attempt_verdict TO 'ledger_mirror'@'%';
GRANT SELECT ON payment_verdict TO 'ledger_mirror'@'%';
GRANT SELECT, INSERT ON mirror_payment_verdict TO 'ledger_mirror'@'%';
GRANT SELECT ON network_cancel TO 'ledger_mirror'@'%';
GRANT SELECT, INSERT ON mirror_network_cancel TO 'ledger_mirror'@'%';
GRANT SELECT ON network_cancel_outcome TO 'ledger_mirror'@'%';
GRANT SELECT, INSERT ON mirror_network_cancel_outcome TO 'ledger_mirror'@'%';
GRANT SELECT ON cancellation TO 'ledger_mirror'@'%';
GRANT SELECT, INSERT ON mirror_cancellation TO 'ledger_mirror'@'%';
GRANT SELECT ON cancel_share TO 'ledger_mirror'@'%';
GRANT SELECT, INSERT ON mirror_cancel_share TO 'ledger_mirror'@'%';
GRANT SELECT ON cancel_outcome TO 'ledger_mirror'@'%';
GRANT SELECT, INSERT ON mirror_cancel_outcome TO 'ledger_mirror'@'%';
GRANT SELECT ON balance_link TO 'ledger_mirror'@'%';
GRANT SELECT, INSERT ON mirror_balance_link TO 'ledger_mirror'@'%';
GRANT SELECT ON virtual_account TO 'ledger_mirror'@'%';
GRANT SELECT, INSERT ON mirror_virtual_account TO 'ledger_mirror'@'%';
GRANT SELECT ON deposit TO 'ledger_mirror'@'%';
GRANT SELECT, INSERT ON mirror_deposit TO 'ledger_mirror'@'%';
GRANT SELECT ON deposit_refund TO 'ledger_mirror'@'%';
GRANT SELECT, INSERT ON mirror_deposit_refund TO 'ledger_mirror'@'%';
GRANT SELECT ON deposit_refund_outcome TO 'ledger_mirror'@'%';
GRANT SELECT, INSERT ON mirror_deposit_refund_outcome TO 'ledger_mirror'@'%';
GRANT SELECT ON refund_account TO 'ledger_mirror'@'%';
GRANT SELECT, INSERT ON mirror_refund_account TO 'ledger_mirror'@'%';
GRANT SELECT ON journal_line TO 'ledger_mirror'@'%';
GRANT SELECT, INSERT ON mirror_journal_line TO 'ledger_mirror'@'%';
GRANT SELECT, INSERT ON outbox_backfill TO 'ledger_mirror'@'%';
GRANT SELECT, INSERT ON legacy_row TO 'ledger_mirror'@'%';
GRANT SELECT, INSERT ON legacy_quarantine TO 'ledger_mirror'@'%';
GRANT SELECT, INSERT ON copy_receipt TO 'ledger_mirror'@'%';
GRANT SELECT, INSERT ON verifier_run TO 'ledger_mirror'@'%';
GRANT SELECT, INSERT ON verifier_finding TO 'ledger_mirror'@'%';
GRANT SELECT ON merchant TO 'ledger_mirror'@'%';
GRANT SELECT ON merchant_contract TO 'ledger_mirror'@'%';
GRANT SELECT ON merchant_authority TO 'ledger_mirror'@'%';
GRANT SELECT ON issuer TO 'ledger_mirror'@'%';
GRANT SELECT ON method_rule TO 'ledger_mirror'@'%';

GRANT SELECT ON payment_change TO 'ledger_read'@'%';
GRANT SELECT ON payment TO 'ledger_read'@'%';
GRANT SELECT ON approval TO 'ledger_read'@'%';
GRANT SELECT ON attempt TO 'ledger_read'@'%';
GRANT SELECT ON attempt_result TO 'ledger_read'@'%';
GRANT SELECT ON attempt_verdict TO 'ledger_read'@'%';
GRANT SELECT ON payment_verdict TO 'ledger_read'@'%';
GRANT SELECT ON network_cancel TO 'ledger_read'@'%';
GRANT SELECT ON network_cancel_outcome TO 'ledger_read'@'%';
GRANT SELECT ON cancellation TO 'ledger_read'@'%';
GRANT SELECT ON cancel_share TO 'ledger_read'@'%';
GRANT SELECT ON cancel_outcome TO 'ledger_read'@'%';
GRANT SELECT ON balance_link TO 'ledger_read'@'%';
GRANT SELECT ON virtual_account TO 'ledger_read'@'%';
GRANT SELECT ON deposit TO 'ledger_read'@'%';
GRANT SELECT ON deposit_refund TO 'ledger_read'@'%';
GRANT SELECT ON deposit_refund_outcome TO 'ledger_read'@'%';
GRANT SELECT ON refund_account TO 'ledger_read'@'%';
GRANT SELECT ON journal_line TO 'ledger_read'@'%';
GRANT SELECT ON correction TO 'ledger_read'@'%';
GRANT SELECT ON correction_line TO 'ledger_read'@'%';
GRANT SELECT ON correction_verdict TO 'ledger_read'@'%';
GRANT SELECT ON contradiction TO 'ledger_read'@'%';
GRANT SELECT ON operator_key TO 'ledger_read'@'%';
GRANT SELECT ON operator_key_revocation TO 'ledger_read'@'%';
GRANT SELECT ON outbox_event TO 'ledger_read'@'%';
GRANT SELECT ON outbox_backfill TO 'ledger_read'@'%';
GRANT SELECT ON idempotency_claim TO 'ledger_read'@'%';
GRANT SELECT ON idempotency_outcome TO 'ledger_read'@'%';
GRANT SELECT ON idempotency_body TO 'ledger_read'@'%';
GRANT SELECT ON merchant TO 'ledger_read'@'%';
GRANT SELECT ON merchant_contract TO 'ledger_read'@'%';
GRANT SELECT ON merchant_authority TO 'ledger_read'@'%';
GRANT SELECT ON issuer TO 'ledger_read'@'%';
GRANT SELECT ON method_rule TO 'ledger_read'@'%';
GRANT SELECT ON api_key TO 'ledger_read'@'%';
GRANT SELECT ON api_key_revocation TO 'ledger_read'@'%';
GRANT SELECT ON legacy_row TO 'ledger_read'@'%';
GRANT SELECT ON legacy_quarantine TO 'ledger_read'@'%';
GRANT SELECT ON copy_receipt TO 'ledger_read'@'%';
GRANT SELECT ON verifier_run TO 'ledger_read'@'%';
GRANT SELECT ON verifier_finding TO 'ledger_read'@'%';
GRANT REPLICATION CLIENT ON *.* TO 'ledger_read'@'%';

GRANT SELECT, ALTER, DROP, CREATE, INSERT ON outbox_event TO 'ledger_ops'@'%';
GRANT SELECT, ALTER, DROP, CREATE, INSERT ON outbox_backfill TO 'ledger_ops'@'%';
GRANT SELECT, ALTER, DROP, CREATE, INSERT ON idempotency_body TO 'ledger_ops'@'%';

GRANT SELECT, INSERT ON merchant TO 'ledger_admin'@'%';
GRANT SELECT, INSERT ON merchant_contract TO 'ledger_admin'@'%';
GRANT SELECT, INSERT ON merchant_authority TO 'ledger_admin'@'%';
GRANT SELECT, INSERT ON issuer TO 'ledger_admin'@'%';
GRANT SELECT, INSERT ON method_rule TO 'ledger_admin'@'%';
GRANT SELECT, INSERT ON api_key TO 'ledger_admin'@'%';
GRANT SELECT, INSERT ON api_key_revocation TO 'ledger_admin'@'%';
GRANT SELECT, INSERT ON operator_key TO 'ledger_admin'@'%';
GRANT SELECT, INSERT ON operator_key_revocation TO 'ledger_admin'@'%';
