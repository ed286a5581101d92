-- Answers that contradict what has been decided, how they are undone, and indexes by which what is exposed is found.
-- On a ledger in use: the table is new, the columns are added by INSTANT, the index is built online (INPLACE, LOCK=NONE), so
-- nothing waits. Images from before this one insert neither table nor columns, and read all of their own rows as before.

-- An approval that nobody wants (a second one beside the accepted, one beside a refusal, one after the issuer had said that it
-- is undone), or money given back for a cancel that was said to have failed. RAISED, then UNDONE or ESCALATED; like
-- corrections they are found here and never carried over.
CREATE TABLE contradiction (
  payment_id  BINARY(16)        NOT NULL,
  leg_no      TINYINT UNSIGNED  NOT NULL,
  kind        VARCHAR(10)       NOT NULL,
  attempt_no  SMALLINT UNSIGNED NOT NULL,
  outcome     VARCHAR(11)       NOT NULL,
  result_no   SMALLINT UNSIGNED NOT NULL,
  step_no     TINYINT UNSIGNED  NOT NULL,
  slot        SMALLINT UNSIGNED NOT NULL,
  origin      VARCHAR(6)        NOT NULL,
  seq         INT UNSIGNED      NOT NULL,
  step        VARCHAR(9)        NOT NULL,
  valid_until DATETIME(6)       NOT NULL,
  decided_at  DATETIME(6)       NOT NULL,
  PRIMARY KEY (payment_id, leg_no, kind, attempt_no, outcome, result_no, step_no),
  KEY ix_contradiction_step (step, decided_at),
  CONSTRAINT fk_contradiction_result FOREIGN KEY (payment_id, leg_no, kind, attempt_no, outcome, result_no)
    REFERENCES attempt_result (payment_id, leg_no, kind, attempt_no, outcome, result_no),
  CONSTRAINT ck_contradiction_slot CHECK (slot = ASCII(SUBSTRING(payment_id, 15, 1)) * 256 + ASCII(SUBSTRING(payment_id, 16, 1))),
  CONSTRAINT ck_contradiction_kind CHECK ((kind = 'AUTH' AND outcome = 'APPROVED') OR (kind = 'CANCEL' AND outcome IN ('CANCELED', 'REVERSED'))),
  CONSTRAINT ck_contradiction_step CHECK (step IN ('RAISED', 'UNDONE', 'ESCALATED') AND step_no BETWEEN 1 AND 2 AND (step = 'RAISED') = (step_no = 1)),
  CONSTRAINT ck_contradiction_origin CHECK (origin = 'LIVE')
) DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_0900_bin;

-- Which approval a NET_CANCEL or an INQUIRY names to the issuer: the one with this number among the results of the attempt it
-- is about, none when none was known.
-- And how a NET_CANCEL is put when it is no reversal: CANCEL is the full cancel, by the issuer's reference, of what can no
-- longer be reversed. A check on either would copy the table, so there is none.
ALTER TABLE attempt
  ADD COLUMN target_result SMALLINT UNSIGNED NULL,
  ADD COLUMN way VARCHAR(6) NULL,
  ALGORITHM = INSTANT;

-- What people have taken over, however long ago: by this it is found without reading every order to undo there ever was.
ALTER TABLE network_cancel_outcome
  ADD KEY ix_network_cancel_outcome_decided (outcome, decided_at),
  ALGORITHM = INPLACE, LOCK = NONE;

CREATE OR REPLACE VIEW mirror_attempt AS SELECT * FROM attempt WHERE origin = 'LEGACY' WITH CASCADED CHECK OPTION;
