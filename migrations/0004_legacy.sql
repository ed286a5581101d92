-- Where every legacy row went: mapped to a payment, excluded with a reason, or in quarantine. A row that changed in
-- place comes again under its new hash.
CREATE TABLE legacy_row (
  source         VARCHAR(32)  NOT NULL,
  table_name     VARCHAR(64)  NOT NULL,
  row_pk         VARCHAR(128) NOT NULL,
  row_hash       BINARY(32)   NOT NULL,
  disposition    VARCHAR(8)   NOT NULL,
  reason         VARCHAR(64)  NULL,
  payment_id     BINARY(16)   NULL,
  kind           VARCHAR(8)   NOT NULL,
  method         VARCHAR(16)  NOT NULL,
  amount         BIGINT       NOT NULL,
  business_date  DATE         NULL,
  mapper_version INT UNSIGNED NOT NULL,
  run_id         BINARY(16)   NOT NULL,
  recorded_by    VARCHAR(8)   NOT NULL,
  recorded_at    DATETIME(6)  NOT NULL,
  PRIMARY KEY (source, table_name, row_pk, row_hash),
  KEY ix_legacy_row_payment (payment_id),
  KEY ix_legacy_row_day (source, business_date),
  CONSTRAINT ck_legacy_row_disposition CHECK ((disposition = 'MAPPED' AND payment_id IS NOT NULL) OR (disposition = 'EXCLUDED' AND reason IS NOT NULL)),
  CONSTRAINT ck_legacy_row_kind CHECK (kind IN ('APPROVAL', 'CANCEL', 'HEADER')),
  CONSTRAINT ck_legacy_row_recorded_by CHECK (recorded_by IN ('COPY', 'MIRROR', 'VERIFIER'))
) DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_0900_bin;

-- Legacy rows that do not fit, with the reason; raw text is masked before it gets here.
CREATE TABLE legacy_quarantine (
  source        VARCHAR(32)  NOT NULL,
  table_name    VARCHAR(64)  NOT NULL,
  row_pk        VARCHAR(128) NOT NULL,
  row_hash      BINARY(32)   NOT NULL,
  reason        VARCHAR(64)  NOT NULL,
  detail        VARCHAR(500) NOT NULL,
  column_name   VARCHAR(64)  NULL,
  kind          VARCHAR(8)   NOT NULL,
  method        VARCHAR(16)  NOT NULL,
  amount        BIGINT       NULL,
  business_date DATE         NULL,
  raw           JSON         NOT NULL,
  run_id        BINARY(16)   NOT NULL,
  recorded_by   VARCHAR(8)   NOT NULL,
  recorded_at   DATETIME(6)  NOT NULL,
  PRIMARY KEY (source, table_name, row_pk, row_hash, reason),
  KEY ix_legacy_quarantine_reason (source, reason)
) DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_0900_bin;

-- Progress of a copy: one receipt per chunk, which is the only state a resumed copy needs.
CREATE TABLE copy_receipt (
  source         VARCHAR(32)     NOT NULL,
  mapping        VARCHAR(64)     NOT NULL,
  mapper_version INT UNSIGNED    NOT NULL,
  chunk_no       BIGINT UNSIGNED NOT NULL,
  from_key       VARCHAR(128)    NOT NULL,
  to_key         VARCHAR(128)    NOT NULL,
  read_rows      INT UNSIGNED    NOT NULL,
  mapped_rows    INT UNSIGNED    NOT NULL,
  quarantined_rows INT UNSIGNED  NOT NULL,
  excluded_rows  INT UNSIGNED    NOT NULL,
  amount_read    BIGINT          NOT NULL,
  run_id         BINARY(16)      NOT NULL,
  recorded_at    DATETIME(6)     NOT NULL,
  PRIMARY KEY (source, mapping, mapper_version, chunk_no),
  CONSTRAINT ck_copy_receipt_rows CHECK (read_rows = mapped_rows + quarantined_rows + excluded_rows)
) DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_0900_bin;

-- The verifier's runs, chained by digest, what each found, and what it repaired.
CREATE TABLE verifier_run (
  run_id          BINARY(16)      NOT NULL,
  run_no          BIGINT UNSIGNED NOT NULL,
  source          VARCHAR(32)     NOT NULL,
  window_from     DATETIME(6)     NOT NULL,
  window_to       DATETIME(6)     NOT NULL,
  barrier_gtid    TEXT            NOT NULL,
  state           VARCHAR(8)      NOT NULL,
  reason          VARCHAR(200)    NULL,
  legacy_rows     BIGINT UNSIGNED NOT NULL,
  ledger_rows     BIGINT UNSIGNED NOT NULL,
  gaps            INT UNSIGNED    NOT NULL,
  healed          INT UNSIGNED    NOT NULL,
  legacy_digest   BINARY(32)      NOT NULL,
  ledger_digest   BINARY(32)      NOT NULL,
  previous_digest BINARY(32)      NULL,
  digest          BINARY(32)      NOT NULL,
  started_at      DATETIME(6)     NOT NULL,
  finished_at     DATETIME(6)     NOT NULL,
  PRIMARY KEY (run_id),
  UNIQUE KEY uq_verifier_run_no (source, run_no),
  CONSTRAINT ck_verifier_run_state CHECK (state IN ('GREEN', 'HEALED', 'FINDINGS', 'FROZEN', 'SKIPPED'))
) DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_0900_bin;

CREATE TABLE verifier_finding (
  run_id     BINARY(16)   NOT NULL,
  finding_no INT UNSIGNED NOT NULL,
  class      VARCHAR(16)  NOT NULL,
  table_name VARCHAR(64)  NOT NULL,
  row_pk     VARCHAR(128) NOT NULL,
  payment_id BINARY(16)   NULL,
  detail     VARCHAR(500) NOT NULL,
  healed     BOOLEAN      NOT NULL,
  PRIMARY KEY (run_id, finding_no),
  CONSTRAINT fk_verifier_finding_run FOREIGN KEY (run_id) REFERENCES verifier_run (run_id),
  CONSTRAINT ck_verifier_finding_class CHECK (class IN ('MISSING_LEDGER', 'STALE', 'FIELD_DIFF', 'EXTRA_LEDGER', 'QUARANTINED', 'UNSETTLED'))
) DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_0900_bin;
