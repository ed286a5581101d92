-- The ledger's facts. Rows are inserted and never changed; what a payment is follows from the set of its rows.
-- Every table is led by payment_id, so the rows of one payment lie together, and carries the slot that its id ends in.

-- One row per decision taken on a payment: the optimistic lock (payment_id, seq) and the digest chain.
-- change_key and previous_key make the chain gap-free by single-column keys, which MySQL 8.4 and 9.x both enforce.
CREATE TABLE payment_change (
  payment_id      BINARY(16)        NOT NULL,
  seq             INT UNSIGNED      NOT NULL,
  slot            SMALLINT UNSIGNED NOT NULL,
  origin          VARCHAR(6)        NOT NULL,
  command         VARCHAR(32)       NOT NULL,
  actor           VARCHAR(64)       NOT NULL,
  request_id      BINARY(16)        NOT NULL,
  recorded_at     DATETIME(6)       NOT NULL,
  render_version  SMALLINT UNSIGNED NOT NULL,
  event_digest    BINARY(32)        NULL,
  positions       VARCHAR(64)       NOT NULL,
  previous_digest BINARY(32)        NULL,
  digest          BINARY(32)        NOT NULL,
  change_key      BINARY(20) AS (UNHEX(CONCAT(HEX(payment_id), LPAD(HEX(seq), 8, '0')))) STORED NOT NULL,
  previous_key    BINARY(20) AS (IF(seq > 1, UNHEX(CONCAT(HEX(payment_id), LPAD(HEX(seq - 1), 8, '0'))), NULL)) STORED,
  PRIMARY KEY (payment_id, seq),
  UNIQUE KEY uq_payment_change_key (change_key),
  CONSTRAINT fk_payment_change_previous FOREIGN KEY (previous_key) REFERENCES payment_change (change_key),
  CONSTRAINT ck_payment_change_slot CHECK (slot = ASCII(SUBSTRING(payment_id, 15, 1)) * 256 + ASCII(SUBSTRING(payment_id, 16, 1))),
  CONSTRAINT ck_payment_change_seq CHECK (seq >= 1 AND (seq = 1) = (previous_digest IS NULL)),
  CONSTRAINT ck_payment_change_origin CHECK (origin IN ('LIVE', 'LEGACY'))
) DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_0900_bin;

-- The intent: merchant, order, try, total.
CREATE TABLE payment (
  payment_id       BINARY(16)        NOT NULL,
  slot             SMALLINT UNSIGNED NOT NULL,
  origin           VARCHAR(6)        NOT NULL,
  seq              INT UNSIGNED      NOT NULL,
  merchant_id      VARCHAR(32)       NOT NULL,
  order_id         VARCHAR(64)       NOT NULL,
  try_no           SMALLINT UNSIGNED NOT NULL,
  currency         CHAR(3)           NOT NULL,
  total            BIGINT            NOT NULL,
  tax_free         BIGINT            NOT NULL,
  vat              BIGINT            NOT NULL,
  tax_source       VARCHAR(8)        NOT NULL,
  contract_version INT UNSIGNED      NOT NULL,
  fee              BIGINT            NOT NULL,
  fee_vat          BIGINT            NOT NULL,
  created_at       DATETIME(6)       NOT NULL,
  expires_at       DATETIME(6)       NOT NULL,
  previous_try     SMALLINT UNSIGNED AS (IF(try_no > 1, try_no - 1, NULL)) STORED,
  PRIMARY KEY (payment_id),
  UNIQUE KEY uq_payment_order (merchant_id, order_id, try_no),
  UNIQUE KEY uq_payment_try (payment_id, merchant_id, order_id, try_no),
  KEY ix_payment_created (created_at),
  CONSTRAINT ck_payment_slot CHECK (slot = ASCII(SUBSTRING(payment_id, 15, 1)) * 256 + ASCII(SUBSTRING(payment_id, 16, 1))),
  CONSTRAINT ck_payment_try CHECK (try_no >= 1),
  CONSTRAINT ck_payment_seq CHECK (seq = 1),
  CONSTRAINT ck_payment_currency CHECK (currency IN ('KRW', 'USD')),
  CONSTRAINT ck_payment_total CHECK (total BETWEEN 1 AND 1000000000000000),
  CONSTRAINT ck_payment_tax CHECK (tax_free >= 0 AND vat >= 0 AND tax_free + vat <= total),
  CONSTRAINT ck_payment_fee CHECK (fee >= 0 AND fee_vat >= 0 AND fee + fee_vat <= total),
  CONSTRAINT ck_payment_tax_source CHECK (tax_source IN ('FORMULA', 'LEGACY')),
  CONSTRAINT ck_payment_origin CHECK (origin IN ('LIVE', 'LEGACY'))
) DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_0900_bin;

-- A leg of a payment by one method.
CREATE TABLE approval (
  payment_id         BINARY(16)        NOT NULL,
  leg_no             TINYINT UNSIGNED  NOT NULL,
  slot               SMALLINT UNSIGNED NOT NULL,
  origin             VARCHAR(6)        NOT NULL,
  seq                INT UNSIGNED      NOT NULL,
  method             VARCHAR(16)       NOT NULL,
  issuer_id          VARCHAR(32)       NOT NULL,
  amount             BIGINT            NOT NULL,
  tax_free           BIGINT            NOT NULL,
  partial_cancelable BOOLEAN           NOT NULL,
  refund_priority    SMALLINT UNSIGNED NOT NULL,
  card_bin           VARCHAR(8)        NULL,
  card_last4         CHAR(4)           NULL,
  method_token       VARCHAR(64)       NULL,
  installment_months TINYINT UNSIGNED  NOT NULL,
  PRIMARY KEY (payment_id, leg_no),
  CONSTRAINT fk_approval_payment FOREIGN KEY (payment_id) REFERENCES payment (payment_id),
  CONSTRAINT ck_approval_slot CHECK (slot = ASCII(SUBSTRING(payment_id, 15, 1)) * 256 + ASCII(SUBSTRING(payment_id, 16, 1))),
  CONSTRAINT ck_approval_leg CHECK (leg_no >= 1),
  CONSTRAINT ck_approval_method CHECK (method IN ('CARD', 'EASY_PAY', 'TRANSFER', 'VIRTUAL_ACCOUNT', 'MOBILE', 'POINTS')),
  CONSTRAINT ck_approval_amount CHECK (amount BETWEEN 1 AND 1000000000000000 AND tax_free BETWEEN 0 AND amount),
  CONSTRAINT ck_approval_card CHECK (REGEXP_LIKE(COALESCE(card_bin, '000000'), '^[0-9]{6,8}$') AND REGEXP_LIKE(COALESCE(card_last4, '0000'), '^[0-9]{4}$')),
  CONSTRAINT ck_approval_origin CHECK (origin IN ('LIVE', 'LEGACY'))
) DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_0900_bin;

-- A message to an issuer, committed before its first byte leaves.
CREATE TABLE attempt (
  payment_id  BINARY(16)        NOT NULL,
  leg_no      TINYINT UNSIGNED  NOT NULL,
  kind        VARCHAR(10)       NOT NULL,
  attempt_no  SMALLINT UNSIGNED NOT NULL,
  slot        SMALLINT UNSIGNED NOT NULL,
  origin      VARCHAR(6)        NOT NULL,
  seq         INT UNSIGNED      NOT NULL,
  issuer_id   VARCHAR(32)       NOT NULL,
  trace_date  DATE              NOT NULL,
  trace_no    VARCHAR(40)       NOT NULL,
  amount      BIGINT            NOT NULL,
  target_no   SMALLINT UNSIGNED NULL,
  cancel_no   SMALLINT UNSIGNED NULL,
  sent_by     VARCHAR(6)        NOT NULL,
  deadline_at DATETIME(6)       NOT NULL,
  auth_deadline DATETIME(6) AS (IF(kind = 'AUTH', deadline_at, NULL)) STORED,
  PRIMARY KEY (payment_id, leg_no, kind, attempt_no),
  UNIQUE KEY uq_attempt_trace (issuer_id, trace_date, trace_no),
  KEY ix_attempt_auth_deadline (auth_deadline),
  CONSTRAINT fk_attempt_approval FOREIGN KEY (payment_id, leg_no) REFERENCES approval (payment_id, leg_no),
  CONSTRAINT ck_attempt_slot CHECK (slot = ASCII(SUBSTRING(payment_id, 15, 1)) * 256 + ASCII(SUBSTRING(payment_id, 16, 1))),
  CONSTRAINT ck_attempt_no CHECK (attempt_no >= 1),
  CONSTRAINT ck_attempt_kind CHECK (kind IN ('AUTH', 'CANCEL', 'NET_CANCEL', 'INQUIRY')),
  CONSTRAINT ck_attempt_target CHECK ((kind IN ('NET_CANCEL', 'INQUIRY')) = (target_no IS NOT NULL) AND (kind = 'CANCEL') = (cancel_no IS NOT NULL)),
  CONSTRAINT ck_attempt_amount CHECK (amount BETWEEN 1 AND 1000000000000000),
  CONSTRAINT ck_attempt_sent_by CHECK (sent_by IN ('LEDGER', 'CALLER', 'LEGACY')),
  CONSTRAINT ck_attempt_origin CHECK (origin IN ('LIVE', 'LEGACY'))
) DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_0900_bin;

-- What came back: any number of answers to one attempt, late and contradictory ones included.
CREATE TABLE attempt_result (
  payment_id  BINARY(16)        NOT NULL,
  leg_no      TINYINT UNSIGNED  NOT NULL,
  kind        VARCHAR(10)       NOT NULL,
  attempt_no  SMALLINT UNSIGNED NOT NULL,
  outcome     VARCHAR(11)       NOT NULL,
  result_no   SMALLINT UNSIGNED NOT NULL,
  slot        SMALLINT UNSIGNED NOT NULL,
  origin      VARCHAR(6)        NOT NULL,
  seq         INT UNSIGNED      NOT NULL,
  source      VARCHAR(10)       NOT NULL,
  issuer_ref  VARCHAR(64)       NULL,
  issuer_code VARCHAR(32)       NULL,
  received_at DATETIME(6)       NOT NULL,
  PRIMARY KEY (payment_id, leg_no, kind, attempt_no, outcome, result_no),
  CONSTRAINT fk_attempt_result_attempt FOREIGN KEY (payment_id, leg_no, kind, attempt_no)
    REFERENCES attempt (payment_id, leg_no, kind, attempt_no),
  CONSTRAINT ck_attempt_result_slot CHECK (slot = ASCII(SUBSTRING(payment_id, 15, 1)) * 256 + ASCII(SUBSTRING(payment_id, 16, 1))),
  CONSTRAINT ck_attempt_result_outcome CHECK (outcome IN ('APPROVED', 'DECLINED', 'TIMEOUT', 'GARBLED', 'RESET', 'NOT_SENT', 'NO_ORIGINAL', 'REVERSED', 'CANCELED', 'TOO_LATE')),
  CONSTRAINT ck_attempt_result_source CHECK (source IN ('SYNC', 'LATE', 'INQUIRY', 'RECON_FILE', 'OPERATOR', 'CALLER', 'LEGACY')),
  CONSTRAINT ck_attempt_result_origin CHECK (origin IN ('LIVE', 'LEGACY'))
) DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_0900_bin;

-- What we make of an AUTH attempt; the first row wins. verdict_ref lets one unique key say two things:
-- one ACCEPT per leg, and which attempts were abandoned. The primary key holds the columns of the reference to the attempt
-- exactly: MySQL 9.7 does not enforce a reference whose only index goes on with columns that are NULL.
CREATE TABLE attempt_verdict (
  payment_id     BINARY(16)        NOT NULL,
  leg_no         TINYINT UNSIGNED  NOT NULL,
  kind           VARCHAR(10)       NOT NULL,
  attempt_no     SMALLINT UNSIGNED NOT NULL,
  slot           SMALLINT UNSIGNED NOT NULL,
  origin         VARCHAR(6)        NOT NULL,
  seq            INT UNSIGNED      NOT NULL,
  verdict        VARCHAR(7)        NOT NULL,
  result_outcome VARCHAR(11)       NULL,
  result_no      SMALLINT UNSIGNED NULL,
  decided_at     DATETIME(6)       NOT NULL,
  verdict_ref    VARCHAR(12) AS (IF(verdict = 'ACCEPT', 'ACCEPT', CONCAT(verdict, attempt_no))) STORED NOT NULL,
  PRIMARY KEY (payment_id, leg_no, kind, attempt_no),
  UNIQUE KEY uq_attempt_verdict_ref (payment_id, leg_no, verdict_ref),
  KEY ix_attempt_verdict_result (payment_id, leg_no, kind, attempt_no, result_outcome, result_no),
  CONSTRAINT fk_attempt_verdict_attempt FOREIGN KEY (payment_id, leg_no, kind, attempt_no)
    REFERENCES attempt (payment_id, leg_no, kind, attempt_no),
  CONSTRAINT fk_attempt_verdict_result FOREIGN KEY (payment_id, leg_no, kind, attempt_no, result_outcome, result_no)
    REFERENCES attempt_result (payment_id, leg_no, kind, attempt_no, outcome, result_no),
  CONSTRAINT ck_attempt_verdict_slot CHECK (slot = ASCII(SUBSTRING(payment_id, 15, 1)) * 256 + ASCII(SUBSTRING(payment_id, 16, 1))),
  CONSTRAINT ck_attempt_verdict_kind CHECK (kind = 'AUTH'),
  CONSTRAINT ck_attempt_verdict CHECK (verdict IN ('ACCEPT', 'REJECT', 'ABANDON')),
  CONSTRAINT ck_attempt_verdict_accept CHECK ((verdict = 'ACCEPT') = (result_outcome IS NOT NULL AND result_outcome = 'APPROVED' AND result_no IS NOT NULL)),
  CONSTRAINT ck_attempt_verdict_origin CHECK (origin IN ('LIVE', 'LEGACY'))
) DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_0900_bin;

-- How a payment's first phase ended; the first row wins. It carries merchant, order and try,
-- so that a further try of the same order can stand on a closed one only.
CREATE TABLE payment_verdict (
  payment_id    BINARY(16)        NOT NULL,
  slot          SMALLINT UNSIGNED NOT NULL,
  origin        VARCHAR(6)        NOT NULL,
  seq           INT UNSIGNED      NOT NULL,
  merchant_id   VARCHAR(32)       NOT NULL,
  order_id      VARCHAR(64)       NOT NULL,
  try_no        SMALLINT UNSIGNED NOT NULL,
  verdict       VARCHAR(9)        NOT NULL,
  reason        VARCHAR(32)       NULL,
  business_date DATE              NOT NULL,
  decided_at    DATETIME(6)       NOT NULL,
  closed_try    SMALLINT UNSIGNED AS (IF(verdict = 'CONFIRMED', NULL, try_no)) STORED,
  PRIMARY KEY (payment_id),
  UNIQUE KEY uq_payment_verdict_closed (merchant_id, order_id, closed_try),
  KEY ix_payment_verdict_try (payment_id, merchant_id, order_id, try_no),
  KEY ix_payment_verdict_day (business_date, payment_id),
  CONSTRAINT fk_payment_verdict_payment FOREIGN KEY (payment_id, merchant_id, order_id, try_no)
    REFERENCES payment (payment_id, merchant_id, order_id, try_no),
  CONSTRAINT ck_payment_verdict_slot CHECK (slot = ASCII(SUBSTRING(payment_id, 15, 1)) * 256 + ASCII(SUBSTRING(payment_id, 16, 1))),
  CONSTRAINT ck_payment_verdict CHECK (verdict IN ('CONFIRMED', 'ABORTED', 'EXPIRED')),
  CONSTRAINT ck_payment_verdict_origin CHECK (origin IN ('LIVE', 'LEGACY'))
) DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_0900_bin;

ALTER TABLE payment ADD KEY ix_payment_previous_try (merchant_id, order_id, previous_try),
  ADD CONSTRAINT fk_payment_previous_try FOREIGN KEY (merchant_id, order_id, previous_try)
    REFERENCES payment_verdict (merchant_id, order_id, closed_try);

-- An abandoned AUTH that has to be undone at the issuer.
CREATE TABLE network_cancel (
  payment_id    BINARY(16)        NOT NULL,
  leg_no        TINYINT UNSIGNED  NOT NULL,
  attempt_no    SMALLINT UNSIGNED NOT NULL,
  slot          SMALLINT UNSIGNED NOT NULL,
  origin        VARCHAR(6)        NOT NULL,
  seq           INT UNSIGNED      NOT NULL,
  reason        VARCHAR(20)       NOT NULL,
  late_until    DATETIME(6)       NOT NULL,
  valid_until   DATETIME(6)       NOT NULL,
  requested_at  DATETIME(6)       NOT NULL,
  verdict_ref   VARCHAR(12) AS (CONCAT('ABANDON', attempt_no)) STORED NOT NULL,
  PRIMARY KEY (payment_id, leg_no, attempt_no),
  KEY ix_network_cancel_requested (requested_at),
  KEY ix_network_cancel_verdict (payment_id, leg_no, verdict_ref),
  CONSTRAINT fk_network_cancel_verdict FOREIGN KEY (payment_id, leg_no, verdict_ref)
    REFERENCES attempt_verdict (payment_id, leg_no, verdict_ref),
  CONSTRAINT ck_network_cancel_slot CHECK (slot = ASCII(SUBSTRING(payment_id, 15, 1)) * 256 + ASCII(SUBSTRING(payment_id, 16, 1))),
  CONSTRAINT ck_network_cancel_reason CHECK (reason IN ('TIMEOUT', 'GARBLED', 'RESET', 'LEDGER_WRITE_FAILED', 'CRASH_RECOVERY', 'SIBLING_FAILED')),
  CONSTRAINT ck_network_cancel_origin CHECK (origin IN ('LIVE', 'LEGACY'))
) DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_0900_bin;

-- How a network cancel stands. VOIDED is final; VOIDED_PROVISIONAL may be followed by a further row.
CREATE TABLE network_cancel_outcome (
  payment_id  BINARY(16)        NOT NULL,
  leg_no      TINYINT UNSIGNED  NOT NULL,
  attempt_no  SMALLINT UNSIGNED NOT NULL,
  outcome_no  TINYINT UNSIGNED  NOT NULL,
  slot        SMALLINT UNSIGNED NOT NULL,
  origin      VARCHAR(6)        NOT NULL,
  seq         INT UNSIGNED      NOT NULL,
  outcome     VARCHAR(18)       NOT NULL,
  decided_at  DATETIME(6)       NOT NULL,
  PRIMARY KEY (payment_id, leg_no, attempt_no, outcome_no),
  CONSTRAINT fk_network_cancel_outcome FOREIGN KEY (payment_id, leg_no, attempt_no)
    REFERENCES network_cancel (payment_id, leg_no, attempt_no),
  CONSTRAINT ck_network_cancel_outcome_slot CHECK (slot = ASCII(SUBSTRING(payment_id, 15, 1)) * 256 + ASCII(SUBSTRING(payment_id, 16, 1))),
  CONSTRAINT ck_network_cancel_outcome CHECK (outcome IN ('VOIDED', 'VOIDED_PROVISIONAL', 'REOPENED', 'ESCALATED')),
  CONSTRAINT ck_network_cancel_outcome_origin CHECK (origin IN ('LIVE', 'LEGACY'))
) DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_0900_bin;

-- A cancel of a confirmed payment.
CREATE TABLE cancellation (
  payment_id        BINARY(16)        NOT NULL,
  cancel_no         SMALLINT UNSIGNED NOT NULL,
  slot              SMALLINT UNSIGNED NOT NULL,
  origin            VARCHAR(6)        NOT NULL,
  seq               INT UNSIGNED      NOT NULL,
  cancel_request_id VARCHAR(80)       NOT NULL,
  kind              VARCHAR(12)       NOT NULL,
  amount            BIGINT            NOT NULL,
  tax_free          BIGINT            NOT NULL,
  vat               BIGINT            NOT NULL,
  fee               BIGINT            NOT NULL,
  fee_vat           BIGINT            NOT NULL,
  reason            VARCHAR(200)      NOT NULL,
  business_date     DATE              NOT NULL,
  requested_at      DATETIME(6)       NOT NULL,
  PRIMARY KEY (payment_id, cancel_no),
  UNIQUE KEY uq_cancellation_request (payment_id, cancel_request_id),
  KEY ix_cancellation_day (business_date, payment_id),
  CONSTRAINT fk_cancellation_payment FOREIGN KEY (payment_id) REFERENCES payment (payment_id),
  CONSTRAINT ck_cancellation_slot CHECK (slot = ASCII(SUBSTRING(payment_id, 15, 1)) * 256 + ASCII(SUBSTRING(payment_id, 16, 1))),
  CONSTRAINT ck_cancellation_no CHECK (cancel_no >= 1),
  CONSTRAINT ck_cancellation_kind CHECK (kind IN ('MERCHANT', 'SYSTEM')),
  CONSTRAINT ck_cancellation_amount CHECK (amount BETWEEN 1 AND 1000000000000000),
  CONSTRAINT ck_cancellation_tax CHECK (tax_free >= 0 AND vat >= 0 AND tax_free + vat <= amount),
  CONSTRAINT ck_cancellation_fee CHECK (fee BETWEEN 0 AND amount AND fee_vat BETWEEN 0 AND amount),
  CONSTRAINT ck_cancellation_origin CHECK (origin IN ('LIVE', 'LEGACY'))
) DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_0900_bin;

-- The part of a cancel that one leg carries.
CREATE TABLE cancel_share (
  payment_id BINARY(16)        NOT NULL,
  cancel_no  SMALLINT UNSIGNED NOT NULL,
  leg_no     TINYINT UNSIGNED  NOT NULL,
  slot       SMALLINT UNSIGNED NOT NULL,
  origin     VARCHAR(6)        NOT NULL,
  seq        INT UNSIGNED      NOT NULL,
  amount     BIGINT            NOT NULL,
  tax_free   BIGINT            NOT NULL,
  vat        BIGINT            NOT NULL,
  fee        BIGINT            NOT NULL,
  fee_vat    BIGINT            NOT NULL,
  PRIMARY KEY (payment_id, cancel_no, leg_no),
  KEY ix_cancel_share_leg (payment_id, leg_no),
  CONSTRAINT fk_cancel_share_cancellation FOREIGN KEY (payment_id, cancel_no) REFERENCES cancellation (payment_id, cancel_no),
  CONSTRAINT fk_cancel_share_approval FOREIGN KEY (payment_id, leg_no) REFERENCES approval (payment_id, leg_no),
  CONSTRAINT ck_cancel_share_slot CHECK (slot = ASCII(SUBSTRING(payment_id, 15, 1)) * 256 + ASCII(SUBSTRING(payment_id, 16, 1))),
  CONSTRAINT ck_cancel_share_amount CHECK (amount BETWEEN 1 AND 1000000000000000 AND tax_free >= 0 AND vat >= 0 AND tax_free + vat <= amount),
  CONSTRAINT ck_cancel_share_fee CHECK (fee BETWEEN 0 AND amount AND fee_vat BETWEEN 0 AND amount),
  CONSTRAINT ck_cancel_share_origin CHECK (origin IN ('LIVE', 'LEGACY'))
) DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_0900_bin;

-- How the share of one leg ended.
CREATE TABLE cancel_outcome (
  payment_id BINARY(16)        NOT NULL,
  cancel_no  SMALLINT UNSIGNED NOT NULL,
  leg_no     TINYINT UNSIGNED  NOT NULL,
  slot       SMALLINT UNSIGNED NOT NULL,
  origin     VARCHAR(6)        NOT NULL,
  seq        INT UNSIGNED      NOT NULL,
  outcome    VARCHAR(6)        NOT NULL,
  decided_at DATETIME(6)       NOT NULL,
  PRIMARY KEY (payment_id, cancel_no, leg_no),
  CONSTRAINT fk_cancel_outcome_share FOREIGN KEY (payment_id, cancel_no, leg_no) REFERENCES cancel_share (payment_id, cancel_no, leg_no),
  CONSTRAINT ck_cancel_outcome_slot CHECK (slot = ASCII(SUBSTRING(payment_id, 15, 1)) * 256 + ASCII(SUBSTRING(payment_id, 16, 1))),
  CONSTRAINT ck_cancel_outcome CHECK (outcome IN ('DONE', 'FAILED')),
  CONSTRAINT ck_cancel_outcome_origin CHECK (origin IN ('LIVE', 'LEGACY'))
) DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_0900_bin;

-- The balance of an approval as a chain of links that cannot be forked (primary key), forged (link_key names the
-- balance it leaves, previous_key the one it starts from) or overdrawn (check).
CREATE TABLE balance_link (
  payment_id    BINARY(16)        NOT NULL,
  leg_no        TINYINT UNSIGNED  NOT NULL,
  link_no       INT UNSIGNED      NOT NULL,
  slot          SMALLINT UNSIGNED NOT NULL,
  origin        VARCHAR(6)        NOT NULL,
  seq           INT UNSIGNED      NOT NULL,
  kind          VARCHAR(7)        NOT NULL,
  cancel_no     SMALLINT UNSIGNED NULL,
  before_amount BIGINT            NULL,
  delta         BIGINT            NOT NULL,
  after_amount  BIGINT            NOT NULL,
  link_key      BINARY(29) AS (UNHEX(CONCAT(HEX(payment_id), LPAD(HEX(leg_no), 2, '0'), LPAD(HEX(link_no), 8, '0'), LPAD(HEX(after_amount), 16, '0')))) STORED NOT NULL,
  previous_key  BINARY(29) AS (IF(link_no > 0, UNHEX(CONCAT(HEX(payment_id), LPAD(HEX(leg_no), 2, '0'), LPAD(HEX(link_no - 1), 8, '0'), LPAD(HEX(before_amount), 16, '0'))), NULL)) STORED,
  open_ref      VARCHAR(12) AS (IF(link_no = 0, 'ACCEPT', NULL)) STORED,
  PRIMARY KEY (payment_id, leg_no, link_no),
  UNIQUE KEY uq_balance_link_key (link_key),
  UNIQUE KEY uq_balance_link_share (payment_id, cancel_no, leg_no, kind),
  KEY ix_balance_link_open (payment_id, leg_no, open_ref),
  CONSTRAINT fk_balance_link_previous FOREIGN KEY (previous_key) REFERENCES balance_link (link_key),
  CONSTRAINT fk_balance_link_open FOREIGN KEY (payment_id, leg_no, open_ref) REFERENCES attempt_verdict (payment_id, leg_no, verdict_ref),
  CONSTRAINT fk_balance_link_share FOREIGN KEY (payment_id, cancel_no, leg_no) REFERENCES cancel_share (payment_id, cancel_no, leg_no),
  CONSTRAINT ck_balance_link_slot CHECK (slot = ASCII(SUBSTRING(payment_id, 15, 1)) * 256 + ASCII(SUBSTRING(payment_id, 16, 1))),
  CONSTRAINT ck_balance_link_kind CHECK ((kind = 'OPEN' AND link_no = 0 AND before_amount IS NULL AND cancel_no IS NULL AND delta = after_amount AND delta > 0)
    OR (kind = 'HOLD' AND link_no > 0 AND before_amount IS NOT NULL AND cancel_no IS NOT NULL AND delta < 0)
    OR (kind = 'RELEASE' AND link_no > 0 AND before_amount IS NOT NULL AND cancel_no IS NOT NULL AND delta > 0)),
  CONSTRAINT ck_balance_link_sum CHECK (after_amount = COALESCE(before_amount, 0) + delta),
  CONSTRAINT ck_balance_link_positive CHECK (after_amount >= 0),
  CONSTRAINT ck_balance_link_origin CHECK (origin IN ('LIVE', 'LEGACY'))
) DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_0900_bin;

-- Double entry: the lines of one change sum to zero per currency.
CREATE TABLE journal_line (
  payment_id    BINARY(16)        NOT NULL,
  seq           INT UNSIGNED      NOT NULL,
  line_no       SMALLINT UNSIGNED NOT NULL,
  slot          SMALLINT UNSIGNED NOT NULL,
  origin        VARCHAR(6)        NOT NULL,
  account       VARCHAR(24)       NOT NULL,
  side          CHAR(1)           NOT NULL,
  currency      CHAR(3)           NOT NULL,
  amount        BIGINT            NOT NULL,
  merchant_id   VARCHAR(32)       NOT NULL,
  leg_no        TINYINT UNSIGNED  NULL,
  business_date DATE              NOT NULL,
  PRIMARY KEY (payment_id, seq, line_no),
  CONSTRAINT fk_journal_line_change FOREIGN KEY (payment_id, seq) REFERENCES payment_change (payment_id, seq),
  CONSTRAINT ck_journal_line_slot CHECK (slot = ASCII(SUBSTRING(payment_id, 15, 1)) * 256 + ASCII(SUBSTRING(payment_id, 16, 1))),
  CONSTRAINT ck_journal_line_account CHECK (account IN ('ISSUER_RECEIVABLE', 'MERCHANT_PAYABLE', 'FEE_REVENUE', 'OUTPUT_VAT')),
  CONSTRAINT ck_journal_line_side CHECK (side IN ('D', 'C')),
  CONSTRAINT ck_journal_line_currency CHECK (currency IN ('KRW', 'USD')),
  CONSTRAINT ck_journal_line_amount CHECK (amount BETWEEN 1 AND 1000000000000000),
  CONSTRAINT ck_journal_line_origin CHECK (origin IN ('LIVE', 'LEGACY'))
) DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_0900_bin;
