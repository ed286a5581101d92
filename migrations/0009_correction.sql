-- Corrections of the journal: proposed by one operator, posted once a second one approves, both by signature.

-- The public keys of operators, insert-only as all reference data. One person may have several keys, one key has one person.
CREATE TABLE operator_key (
  key_id      VARCHAR(24) NOT NULL,
  operator_id VARCHAR(32) NOT NULL,
  public_key  BINARY(32)  NOT NULL,
  created_at  DATETIME(6) NOT NULL,
  created_by  VARCHAR(64) NOT NULL,
  PRIMARY KEY (key_id),
  UNIQUE KEY uq_operator_key_owner (key_id, operator_id),
  UNIQUE KEY uq_operator_key_public (public_key),
  CONSTRAINT ck_operator_key_operator CHECK (REGEXP_LIKE(operator_id, '^[a-z0-9][a-z0-9._-]{0,31}$', 'c'))
) DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_0900_bin;

CREATE TABLE operator_key_revocation (
  key_id     VARCHAR(24)  NOT NULL,
  revoked_at DATETIME(6)  NOT NULL,
  revoked_by VARCHAR(64)  NOT NULL,
  reason     VARCHAR(200) NOT NULL,
  PRIMARY KEY (key_id),
  CONSTRAINT fk_operator_key_revocation_key FOREIGN KEY (key_id) REFERENCES operator_key (key_id)
) DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_0900_bin;

-- What an operator proposes. Corrections are made here and never carried over: their origin is LIVE.
CREATE TABLE correction (
  payment_id    BINARY(16)        NOT NULL,
  correction_no SMALLINT UNSIGNED NOT NULL,
  slot          SMALLINT UNSIGNED NOT NULL,
  origin        VARCHAR(6)        NOT NULL,
  seq           INT UNSIGNED      NOT NULL,
  reason        VARCHAR(200)      NOT NULL,
  proposed_by   VARCHAR(32)       NOT NULL,
  proposed_key  VARCHAR(24)       NOT NULL,
  proposed_at   DATETIME(6)       NOT NULL,
  expires_at    DATETIME(6)       NOT NULL,
  signature     BINARY(64)        NOT NULL,
  PRIMARY KEY (payment_id, correction_no),
  UNIQUE KEY uq_correction_proposer (payment_id, correction_no, proposed_by),
  KEY ix_correction_key (proposed_key, proposed_by),
  KEY ix_correction_proposed (proposed_at),
  CONSTRAINT fk_correction_payment FOREIGN KEY (payment_id) REFERENCES payment (payment_id),
  CONSTRAINT fk_correction_key FOREIGN KEY (proposed_key, proposed_by) REFERENCES operator_key (key_id, operator_id),
  CONSTRAINT ck_correction_slot CHECK (slot = ASCII(SUBSTRING(payment_id, 15, 1)) * 256 + ASCII(SUBSTRING(payment_id, 16, 1))),
  CONSTRAINT ck_correction_no CHECK (correction_no >= 1),
  CONSTRAINT ck_correction_reason CHECK (reason <> ''),
  CONSTRAINT ck_correction_expiry CHECK (expires_at > proposed_at),
  CONSTRAINT ck_correction_origin CHECK (origin = 'LIVE')
) DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_0900_bin;

-- The lines it would post, and which earlier line of the payment's journal each takes back. Account and side are checked
-- by the journal, where they are posted.
CREATE TABLE correction_line (
  payment_id    BINARY(16)        NOT NULL,
  correction_no SMALLINT UNSIGNED NOT NULL,
  line_no       SMALLINT UNSIGNED NOT NULL,
  slot          SMALLINT UNSIGNED NOT NULL,
  origin        VARCHAR(6)        NOT NULL,
  seq           INT UNSIGNED      NOT NULL,
  account       VARCHAR(24)       NOT NULL,
  side          CHAR(1)           NOT NULL,
  amount        BIGINT            NOT NULL,
  leg_no        TINYINT UNSIGNED  NULL,
  reverses_seq  INT UNSIGNED      NULL,
  reverses_line SMALLINT UNSIGNED NULL,
  PRIMARY KEY (payment_id, correction_no, line_no),
  KEY ix_correction_line_reverses (payment_id, reverses_seq, reverses_line),
  CONSTRAINT fk_correction_line_correction FOREIGN KEY (payment_id, correction_no) REFERENCES correction (payment_id, correction_no),
  CONSTRAINT fk_correction_line_reverses FOREIGN KEY (payment_id, reverses_seq, reverses_line)
    REFERENCES journal_line (payment_id, seq, line_no),
  CONSTRAINT ck_correction_line_slot CHECK (slot = ASCII(SUBSTRING(payment_id, 15, 1)) * 256 + ASCII(SUBSTRING(payment_id, 16, 1))),
  CONSTRAINT ck_correction_line_no CHECK (line_no >= 1),
  CONSTRAINT ck_correction_line_side CHECK (side IN ('D', 'C')),
  CONSTRAINT ck_correction_line_amount CHECK (amount BETWEEN 1 AND 1000000000000000),
  CONSTRAINT ck_correction_line_reverses CHECK ((reverses_seq IS NULL) = (reverses_line IS NULL)),
  CONSTRAINT ck_correction_line_origin CHECK (origin = 'LIVE')
) DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_0900_bin;

-- How a proposal ended; the first row wins. It names its proposer again, by reference, so that a check can refuse an approver
-- who is the same person; and a key belongs to one person, by reference too.
CREATE TABLE correction_verdict (
  payment_id    BINARY(16)        NOT NULL,
  correction_no SMALLINT UNSIGNED NOT NULL,
  slot          SMALLINT UNSIGNED NOT NULL,
  origin        VARCHAR(6)        NOT NULL,
  seq           INT UNSIGNED      NOT NULL,
  verdict       VARCHAR(8)        NOT NULL,
  proposed_by   VARCHAR(32)       NOT NULL,
  decided_by    VARCHAR(32)       NULL,
  decided_key   VARCHAR(24)       NULL,
  reason        VARCHAR(200)      NULL,
  decided_at    DATETIME(6)       NOT NULL,
  signature     BINARY(64)        NULL,
  PRIMARY KEY (payment_id, correction_no),
  KEY ix_correction_verdict_proposer (payment_id, correction_no, proposed_by),
  KEY ix_correction_verdict_key (decided_key, decided_by),
  CONSTRAINT fk_correction_verdict_correction FOREIGN KEY (payment_id, correction_no, proposed_by)
    REFERENCES correction (payment_id, correction_no, proposed_by),
  CONSTRAINT fk_correction_verdict_key FOREIGN KEY (decided_key, decided_by) REFERENCES operator_key (key_id, operator_id),
  CONSTRAINT ck_correction_verdict_slot CHECK (slot = ASCII(SUBSTRING(payment_id, 15, 1)) * 256 + ASCII(SUBSTRING(payment_id, 16, 1))),
  CONSTRAINT ck_correction_verdict CHECK (verdict IN ('APPROVED', 'REJECTED', 'EXPIRED')),
  CONSTRAINT ck_correction_verdict_second CHECK (verdict <> 'APPROVED' OR (decided_by IS NOT NULL AND decided_by <> proposed_by)),
  CONSTRAINT ck_correction_verdict_signed CHECK ((verdict = 'EXPIRED') = (decided_by IS NULL)
    AND (decided_by IS NULL) = (decided_key IS NULL) AND (decided_by IS NULL) = (signature IS NULL)),
  CONSTRAINT ck_correction_verdict_origin CHECK (origin = 'LIVE')
) DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_0900_bin;
