-- What each method allows, as data with a validity date, insert-only: a change is a further version. A leg keeps the version
-- under which it was sent, so a later one changes nothing for it.
CREATE TABLE method_rule (
  method             VARCHAR(16)       NOT NULL,
  version            INT UNSIGNED      NOT NULL,
  valid_from         DATETIME(6)       NOT NULL,
  refund_priority    SMALLINT UNSIGNED NOT NULL,
  send_order         TINYINT UNSIGNED  NOT NULL,
  partial_cancelable BOOLEAN           NOT NULL,
  cancel_window_kind VARCHAR(14)       NOT NULL,
  cancel_days        SMALLINT UNSIGNED NULL,
  deposit_hours      SMALLINT UNSIGNED NULL,
  created_at         DATETIME(6)       NOT NULL,
  created_by         VARCHAR(64)       NOT NULL,
  PRIMARY KEY (method, version),
  CONSTRAINT ck_method_rule_method CHECK (method IN ('CARD', 'EASY_PAY', 'TRANSFER', 'VIRTUAL_ACCOUNT', 'MOBILE', 'POINTS')),
  CONSTRAINT ck_method_rule_version CHECK (version >= 1),
  CONSTRAINT ck_method_rule_window CHECK (cancel_window_kind IN ('DAYS', 'CALENDAR_MONTH', 'NONE') AND (cancel_window_kind = 'DAYS') = (cancel_days IS NOT NULL)),
  CONSTRAINT ck_method_rule_deposit CHECK ((method = 'VIRTUAL_ACCOUNT') = (deposit_hours IS NOT NULL) AND COALESCE(deposit_hours, 1) BETWEEN 1 AND 8760)
) DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_0900_bin;

INSERT INTO method_rule (method, version, valid_from, refund_priority, send_order, partial_cancelable, cancel_window_kind,
  cancel_days, deposit_hours, created_at, created_by) VALUES
  ('CARD', 1, '1970-01-01', 60, 1, TRUE, 'DAYS', 365, NULL, '2026-11-24', 'migration 0006'),
  ('EASY_PAY', 1, '1970-01-01', 50, 2, TRUE, 'DAYS', 365, NULL, '2026-11-24', 'migration 0006'),
  ('TRANSFER', 1, '1970-01-01', 40, 5, TRUE, 'DAYS', 180, NULL, '2026-11-24', 'migration 0006'),
  ('VIRTUAL_ACCOUNT', 1, '1970-01-01', 30, 6, TRUE, 'DAYS', 365, 168, '2026-11-24', 'migration 0006'),
  ('MOBILE', 1, '1970-01-01', 20, 3, TRUE, 'CALENDAR_MONTH', NULL, NULL, '2026-11-24', 'migration 0006'),
  ('POINTS', 1, '1970-01-01', 10, 0, TRUE, 'DAYS', 365, NULL, '2026-11-24', 'migration 0006');

-- A leg copies what it needs of its rule, and names the version; a leg to be deposited says until when.
ALTER TABLE approval ADD COLUMN rule_version INT UNSIGNED NULL, ADD COLUMN deposit_due_at DATETIME(6) NULL;
CREATE OR REPLACE VIEW mirror_approval AS SELECT * FROM approval WHERE origin = 'LEGACY' WITH CASCADED CHECK OPTION;

-- An issuer may issue an account instead of approving; a merchant may give up a payment that waits for its deposit.
ALTER TABLE attempt_result DROP CHECK ck_attempt_result_outcome, ADD CONSTRAINT ck_attempt_result_outcome
  CHECK (outcome IN ('APPROVED', 'DECLINED', 'TIMEOUT', 'GARBLED', 'RESET', 'NOT_SENT', 'NO_ORIGINAL', 'REVERSED', 'CANCELED', 'TOO_LATE', 'ISSUED'));
ALTER TABLE payment_verdict DROP CHECK ck_payment_verdict, ADD CONSTRAINT ck_payment_verdict
  CHECK (verdict IN ('CONFIRMED', 'ABORTED', 'EXPIRED', 'CANCELED'));
ALTER TABLE network_cancel DROP CHECK ck_network_cancel_reason, ADD CONSTRAINT ck_network_cancel_reason
  CHECK (reason IN ('TIMEOUT', 'GARBLED', 'RESET', 'LEDGER_WRITE_FAILED', 'CRASH_RECOVERY', 'SIBLING_FAILED', 'EXPIRED', 'MERCHANT_CANCELED'));
ALTER TABLE journal_line DROP CHECK ck_journal_line_account, ADD CONSTRAINT ck_journal_line_account
  CHECK (account IN ('ISSUER_RECEIVABLE', 'MERCHANT_PAYABLE', 'FEE_REVENUE', 'OUTPUT_VAT', 'SUSPENSE'));
ALTER TABLE idempotency_claim DROP CHECK ck_idempotency_claim_operation, ADD CONSTRAINT ck_idempotency_claim_operation
  CHECK (operation IN ('CREATE', 'CONFIRM', 'CANCEL', 'DEPOSIT', 'DEPOSIT_REFUND', 'DEPOSIT_REFUND_RESULT'));

-- The account that an issuer has issued for a leg, on the answer that says so.
CREATE TABLE virtual_account (
  payment_id BINARY(16)        NOT NULL,
  leg_no     TINYINT UNSIGNED  NOT NULL,
  slot       SMALLINT UNSIGNED NOT NULL,
  origin     VARCHAR(6)        NOT NULL,
  seq        INT UNSIGNED      NOT NULL,
  attempt_no SMALLINT UNSIGNED NOT NULL,
  result_no  SMALLINT UNSIGNED NOT NULL,
  bank_code  VARCHAR(8)        NOT NULL,
  account_no VARCHAR(32)       NOT NULL,
  holder     VARCHAR(64)       NULL,
  due_at     DATETIME(6)       NOT NULL,
  issued_at  DATETIME(6)       NOT NULL,
  kind       VARCHAR(10) AS ('AUTH') STORED NOT NULL,
  outcome    VARCHAR(11) AS ('ISSUED') STORED NOT NULL,
  PRIMARY KEY (payment_id, leg_no),
  KEY ix_virtual_account_due (due_at),
  KEY ix_virtual_account_result (payment_id, leg_no, kind, attempt_no, outcome, result_no),
  CONSTRAINT fk_virtual_account_result FOREIGN KEY (payment_id, leg_no, kind, attempt_no, outcome, result_no)
    REFERENCES attempt_result (payment_id, leg_no, kind, attempt_no, outcome, result_no),
  CONSTRAINT ck_virtual_account_slot CHECK (slot = ASCII(SUBSTRING(payment_id, 15, 1)) * 256 + ASCII(SUBSTRING(payment_id, 16, 1))),
  CONSTRAINT ck_virtual_account_origin CHECK (origin IN ('LIVE', 'LEGACY'))
) DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_0900_bin;

-- Money that arrived for a leg: what counts towards its amount, the rest is in suspense. A bank's reference is one deposit.
CREATE TABLE deposit (
  payment_id   BINARY(16)        NOT NULL,
  leg_no       TINYINT UNSIGNED  NOT NULL,
  deposit_no   SMALLINT UNSIGNED NOT NULL,
  slot         SMALLINT UNSIGNED NOT NULL,
  origin       VARCHAR(6)        NOT NULL,
  seq          INT UNSIGNED      NOT NULL,
  issuer_id    VARCHAR(32)       NOT NULL,
  bank_ref     VARCHAR(64)       NOT NULL,
  amount       BIGINT            NOT NULL,
  counted      BIGINT            NOT NULL,
  deposited_at DATETIME(6)       NOT NULL,
  received_at  DATETIME(6)       NOT NULL,
  PRIMARY KEY (payment_id, leg_no, deposit_no),
  UNIQUE KEY uq_deposit_reference (issuer_id, bank_ref),
  CONSTRAINT fk_deposit_approval FOREIGN KEY (payment_id, leg_no) REFERENCES approval (payment_id, leg_no),
  CONSTRAINT ck_deposit_no CHECK (deposit_no >= 1),
  CONSTRAINT ck_deposit_amount CHECK (amount BETWEEN 1 AND 1000000000000000 AND counted BETWEEN 0 AND amount),
  CONSTRAINT ck_deposit_slot CHECK (slot = ASCII(SUBSTRING(payment_id, 15, 1)) * 256 + ASCII(SUBSTRING(payment_id, 16, 1))),
  CONSTRAINT ck_deposit_origin CHECK (origin IN ('LIVE', 'LEGACY'))
) DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_0900_bin;

-- Money in suspense that goes back to where it came from. Of the receiving account only the issuer's token is kept.
CREATE TABLE deposit_refund (
  payment_id        BINARY(16)        NOT NULL,
  leg_no            TINYINT UNSIGNED  NOT NULL,
  refund_no         SMALLINT UNSIGNED NOT NULL,
  slot              SMALLINT UNSIGNED NOT NULL,
  origin            VARCHAR(6)        NOT NULL,
  seq               INT UNSIGNED      NOT NULL,
  refund_request_id VARCHAR(80)       NOT NULL,
  amount            BIGINT            NOT NULL,
  bank_code         VARCHAR(8)        NOT NULL,
  account_token     VARCHAR(64)       NOT NULL,
  reason            VARCHAR(200)      NOT NULL,
  requested_at      DATETIME(6)       NOT NULL,
  PRIMARY KEY (payment_id, leg_no, refund_no),
  UNIQUE KEY uq_deposit_refund_request (payment_id, refund_request_id),
  CONSTRAINT fk_deposit_refund_approval FOREIGN KEY (payment_id, leg_no) REFERENCES approval (payment_id, leg_no),
  CONSTRAINT ck_deposit_refund_no CHECK (refund_no >= 1),
  CONSTRAINT ck_deposit_refund_amount CHECK (amount BETWEEN 1 AND 1000000000000000),
  CONSTRAINT ck_deposit_refund_slot CHECK (slot = ASCII(SUBSTRING(payment_id, 15, 1)) * 256 + ASCII(SUBSTRING(payment_id, 16, 1))),
  CONSTRAINT ck_deposit_refund_origin CHECK (origin IN ('LIVE', 'LEGACY'))
) DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_0900_bin;

-- How it ended.
CREATE TABLE deposit_refund_outcome (
  payment_id BINARY(16)        NOT NULL,
  leg_no     TINYINT UNSIGNED  NOT NULL,
  refund_no  SMALLINT UNSIGNED NOT NULL,
  slot       SMALLINT UNSIGNED NOT NULL,
  origin     VARCHAR(6)        NOT NULL,
  seq        INT UNSIGNED      NOT NULL,
  outcome    VARCHAR(6)        NOT NULL,
  bank_ref   VARCHAR(64)       NULL,
  decided_at DATETIME(6)       NOT NULL,
  PRIMARY KEY (payment_id, leg_no, refund_no),
  CONSTRAINT fk_deposit_refund_outcome FOREIGN KEY (payment_id, leg_no, refund_no) REFERENCES deposit_refund (payment_id, leg_no, refund_no),
  CONSTRAINT ck_deposit_refund_outcome CHECK (outcome IN ('DONE', 'FAILED')),
  CONSTRAINT ck_deposit_refund_outcome_slot CHECK (slot = ASCII(SUBSTRING(payment_id, 15, 1)) * 256 + ASCII(SUBSTRING(payment_id, 16, 1))),
  CONSTRAINT ck_deposit_refund_outcome_origin CHECK (origin IN ('LIVE', 'LEGACY'))
) DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_0900_bin;

-- Where the money of a cancel goes that carries a deposited leg.
CREATE TABLE refund_account (
  payment_id    BINARY(16)        NOT NULL,
  cancel_no     SMALLINT UNSIGNED NOT NULL,
  slot          SMALLINT UNSIGNED NOT NULL,
  origin        VARCHAR(6)        NOT NULL,
  seq           INT UNSIGNED      NOT NULL,
  bank_code     VARCHAR(8)        NOT NULL,
  account_token VARCHAR(64)       NOT NULL,
  PRIMARY KEY (payment_id, cancel_no),
  CONSTRAINT fk_refund_account_cancellation FOREIGN KEY (payment_id, cancel_no) REFERENCES cancellation (payment_id, cancel_no),
  CONSTRAINT ck_refund_account_slot CHECK (slot = ASCII(SUBSTRING(payment_id, 15, 1)) * 256 + ASCII(SUBSTRING(payment_id, 16, 1))),
  CONSTRAINT ck_refund_account_origin CHECK (origin IN ('LIVE', 'LEGACY'))
) DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_0900_bin;

CREATE VIEW mirror_virtual_account AS SELECT * FROM virtual_account WHERE origin = 'LEGACY' WITH CASCADED CHECK OPTION;
CREATE VIEW mirror_deposit AS SELECT * FROM deposit WHERE origin = 'LEGACY' WITH CASCADED CHECK OPTION;
CREATE VIEW mirror_deposit_refund AS SELECT * FROM deposit_refund WHERE origin = 'LEGACY' WITH CASCADED CHECK OPTION;
CREATE VIEW mirror_deposit_refund_outcome AS SELECT * FROM deposit_refund_outcome WHERE origin = 'LEGACY' WITH CASCADED CHECK OPTION;
CREATE VIEW mirror_refund_account AS SELECT * FROM refund_account WHERE origin = 'LEGACY' WITH CASCADED CHECK OPTION;
