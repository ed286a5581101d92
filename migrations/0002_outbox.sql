-- Events, written in the transaction of their facts and always by its last statement. Ids are handed out in order but
-- commit out of order; the relay settles a hole by inserting a tombstone at its id. Partitioned by id for retention:
-- operators add partitions before they fill and drop those that are published and proven.
CREATE TABLE outbox_event (
  id                BIGINT UNSIGNED  NOT NULL AUTO_INCREMENT,
  kind              VARCHAR(9)       NOT NULL DEFAULT 'EVENT',
  payment_id        BINARY(16)       NULL,
  seq               INT UNSIGNED     NULL,
  ordinal           TINYINT UNSIGNED NULL,
  topic             VARCHAR(64)      NULL,
  type              VARCHAR(64)      NULL,
  previous_position VARCHAR(16)      NULL,
  occurred_at       DATETIME(6)      NULL,
  body              MEDIUMBLOB       NULL,
  trace_parent      VARCHAR(55)      NULL,
  row_hash          BINARY(32)       NULL,
  PRIMARY KEY (id),
  CONSTRAINT ck_outbox_event_kind CHECK (
    (kind = 'EVENT' AND payment_id IS NOT NULL AND seq IS NOT NULL AND ordinal IS NOT NULL AND topic IS NOT NULL AND type IS NOT NULL
      AND occurred_at IS NOT NULL AND body IS NOT NULL AND row_hash IS NOT NULL)
    OR (kind = 'TOMBSTONE' AND payment_id IS NULL AND seq IS NULL AND ordinal IS NULL AND topic IS NULL AND type IS NULL
      AND previous_position IS NULL AND occurred_at IS NULL AND body IS NULL AND trace_parent IS NULL AND row_hash IS NULL))
) DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_0900_bin
PARTITION BY RANGE (id) (
  PARTITION p00010000000 VALUES LESS THAN (10000000),
  PARTITION p00020000000 VALUES LESS THAN (20000000),
  PARTITION p00030000000 VALUES LESS THAN (30000000),
  PARTITION p00040000000 VALUES LESS THAN (40000000),
  PARTITION pmax VALUES LESS THAN MAXVALUE
);

-- Events of migrated history: ids of their own, a topic of their own.
CREATE TABLE outbox_backfill LIKE outbox_event;

-- Who may do what once: the claim is the first statement of the transaction that holds the operation's first facts.
CREATE TABLE idempotency_claim (
  claim_id    BINARY(32)        NOT NULL,
  slot        SMALLINT UNSIGNED NOT NULL,
  payment_id  BINARY(16)        NULL,
  seq         INT UNSIGNED      NULL,
  merchant_id VARCHAR(32)       NOT NULL,
  operation   VARCHAR(32)       NOT NULL,
  request_id  BINARY(16)        NOT NULL,
  fingerprint BINARY(32)        NOT NULL,
  fields      JSON              NOT NULL,
  claimed_at  DATETIME(6)       NOT NULL,
  PRIMARY KEY (claim_id),
  CONSTRAINT ck_idempotency_claim_operation CHECK (operation IN ('CREATE', 'CONFIRM', 'CANCEL'))
) DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_0900_bin;

-- The terminal answer to a claim: kept for ever as a digest …
CREATE TABLE idempotency_outcome (
  claim_id    BINARY(32)        NOT NULL,
  slot        SMALLINT UNSIGNED NOT NULL,
  status      SMALLINT UNSIGNED NOT NULL,
  body_digest BINARY(32)        NOT NULL,
  decided_at  DATETIME(6)       NOT NULL,
  PRIMARY KEY (claim_id),
  CONSTRAINT fk_idempotency_outcome_claim FOREIGN KEY (claim_id) REFERENCES idempotency_claim (claim_id),
  CONSTRAINT ck_idempotency_outcome_status CHECK (status BETWEEN 200 AND 499 OR status = 504)
) DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_0900_bin;

-- … and byte for byte until its partition is dropped.
CREATE TABLE idempotency_body (
  claim_id     BINARY(32)   NOT NULL,
  decided_on   DATE         NOT NULL,
  content_type VARCHAR(64)  NOT NULL,
  location     VARCHAR(128) NULL,
  body         MEDIUMBLOB   NOT NULL,
  PRIMARY KEY (claim_id, decided_on)
) DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_0900_bin
PARTITION BY RANGE COLUMNS (decided_on) (
  PARTITION p202612 VALUES LESS THAN ('2027-01-01'),
  PARTITION p202701 VALUES LESS THAN ('2027-02-01'),
  PARTITION p202702 VALUES LESS THAN ('2027-03-01'),
  PARTITION p202703 VALUES LESS THAN ('2027-04-01'),
  PARTITION pmax VALUES LESS THAN (MAXVALUE)
);
