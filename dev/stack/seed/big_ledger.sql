-- Two hundred thousand payments of sixty days, for the plans of statements: nearly a third by one merchant, the others ever
-- fewer, three in ten of legacy origin, with about as many rows in every table as as many real payments would have.
-- Nothing here was decided by the ledger, and nothing chains or sums; values are as wide and as selective as real ones.
CREATE TABLE seed_number (i INT UNSIGNED PRIMARY KEY);
INSERT INTO seed_number WITH RECURSIVE t AS (SELECT 0 AS n UNION ALL SELECT n + 1 FROM t WHERE n < 999)
  SELECT a.n * 1000 + b.n FROM t AS a JOIN t AS b WHERE a.n < 200 ORDER BY 1;

CREATE TABLE seed (
  i           INT UNSIGNED PRIMARY KEY,
  payment_id  BINARY(16),
  slot        SMALLINT UNSIGNED,
  origin      VARCHAR(6),
  kind        VARCHAR(8),
  merchant_id VARCHAR(32),
  order_id    VARCHAR(64),
  total       BIGINT,
  legs        TINYINT UNSIGNED,
  at          DATETIME(6),
  digest      BINARY(32)
) DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_0900_bin;
INSERT INTO seed
SELECT i, UNHEX(CONCAT(LPAD(HEX(TIMESTAMPDIFF(MICROSECOND, '1970-01-01', at) DIV 1000), 12, '0'), '8', LEFT(md5, 3), '8', SUBSTRING(md5, 4, 11),
    LPAD(HEX(slot), 4, '0'))), slot, IF(kind IN ('DONE', 'CANCELED') AND r MOD 10 < 3, 'LEGACY', 'LIVE'), kind, merchant_id, order_id,
  1000 + r MOD 500000, IF(r MOD 19 = 0, 2, 1), at, UNHEX(SHA2(md5, 256))
FROM (
  SELECT s.*, CAST(CONV(LEFT(SHA2(CONCAT('ledger.slot.v1|', LENGTH(merchant_id), ':', merchant_id, '|', LENGTH(order_id), ':', order_id), 256), 4), 16, 10) AS UNSIGNED) AS slot
  FROM (
    SELECT i, LEFT(SHA2(i, 256), 32) AS md5, CRC32(i * 7919) AS r, '2026-09-25 12:00:00' + INTERVAL i * 25920 * 1000 MICROSECOND AS at,
      CONCAT('merchant-', LPAD(IF(CRC32(i * 31) MOD 10 < 3, 0, FLOOR(POW((CRC32(i * 37) MOD 100000) / 100000, 4) * 3000)), 4, '0')) AS merchant_id,
      CONCAT('order-', LPAD(i, 9, '0')) AS order_id,
      ELT(1 + FIND_IN_SET(1, CONCAT_WS(',', h < 3, h = 3, h BETWEEN 4 AND 7, h = 8, h = 9, h BETWEEN 10 AND 19)),
        'DONE', 'READY', 'FLYING', 'ABORTED', 'EXPIRED', 'DEPOSIT', 'CANCELED') AS kind
    FROM (SELECT i, CRC32(i * 104729) MOD 100 AS h FROM seed_number) AS n
  ) AS s
) AS s ORDER BY i;
ALTER TABLE seed ADD KEY (kind, origin);

INSERT INTO payment (payment_id, slot, origin, seq, merchant_id, order_id, try_no, currency, total, tax_free, vat, tax_source, contract_version, fee, fee_vat, created_at, expires_at)
SELECT payment_id, slot, origin, 1, merchant_id, order_id, 1, 'KRW', total, 0, total DIV 11, 'FORMULA', 1, total * 3 DIV 100, total * 3 DIV 1000, at, at + INTERVAL 30 MINUTE FROM seed ORDER BY i;

INSERT INTO payment_change (payment_id, seq, slot, origin, command, actor, request_id, recorded_at, render_version, event_digest, positions, previous_digest, digest)
SELECT s.payment_id, n.seq, s.slot, s.origin, ELT(n.seq, 'CREATE', 'CONFIRM', 'CONFIRM_RESULT', 'CANCEL', 'CANCEL_RESULT'), 'key-1', UNHEX(LEFT(SHA2(s.i * 10 + n.seq, 256), 32)),
  s.at + INTERVAL n.seq SECOND, 1, s.digest, 'L3.2', IF(n.seq = 1, NULL, s.digest), s.digest
FROM seed AS s JOIN (SELECT 1 AS seq UNION ALL SELECT 2 UNION ALL SELECT 3 UNION ALL SELECT 4 UNION ALL SELECT 5) AS n
  ON n.seq <= CASE WHEN s.origin = 'LEGACY' THEN 1 + (s.kind = 'CANCELED') WHEN s.kind = 'READY' THEN 1 WHEN s.kind = 'FLYING' THEN 2 WHEN s.kind = 'CANCELED' THEN 5 ELSE 3 END
ORDER BY s.i, n.seq;

CREATE TABLE seed_leg (PRIMARY KEY (i, leg_no)) SELECT s.i, n.leg_no, s.payment_id, s.slot, s.origin, s.kind, s.merchant_id, s.at,
  IF(s.origin = 'LEGACY', 1, 2) AS sent_seq, IF(s.origin = 'LEGACY', 1, 3) AS done_seq, CONCAT('issuer-', s.i MOD 12) AS issuer_id,
  IF(s.legs = 1, s.total, s.total DIV 2 + IF(n.leg_no = 1, 0, s.total MOD 2)) AS amount
FROM seed AS s JOIN (SELECT 1 AS leg_no UNION ALL SELECT 2) AS n ON n.leg_no <= s.legs WHERE s.kind <> 'READY' ORDER BY s.i, n.leg_no;

INSERT INTO approval (payment_id, leg_no, slot, origin, seq, method, issuer_id, amount, tax_free, partial_cancelable, refund_priority, card_bin, card_last4, method_token, installment_months)
SELECT payment_id, leg_no, slot, origin, sent_seq, IF(kind = 'DEPOSIT', 'VIRTUAL_ACCOUNT', IF(leg_no = 1, 'CARD', 'POINTS')), issuer_id, amount, 0, 1, 60, '536112', LPAD(i MOD 10000, 4, '0'), 'token', 0 FROM seed_leg ORDER BY i, leg_no;

INSERT INTO attempt (payment_id, leg_no, kind, attempt_no, slot, origin, seq, issuer_id, trace_date, trace_no, amount, target_no, cancel_no, sent_by, deadline_at)
SELECT payment_id, leg_no, 'AUTH', 1, slot, origin, sent_seq, issuer_id, DATE(at + INTERVAL 9 HOUR), CONCAT(HEX(payment_id), LPAD(leg_no, 2, '0'), 'A1'), amount, NULL, NULL,
  IF(origin = 'LIVE', 'LEDGER', 'LEGACY'), at + INTERVAL 8 SECOND FROM seed_leg ORDER BY i, leg_no;
INSERT INTO attempt (payment_id, leg_no, kind, attempt_no, slot, origin, seq, issuer_id, trace_date, trace_no, amount, target_no, cancel_no, sent_by, deadline_at)
SELECT payment_id, leg_no, 'CANCEL', 1, slot, origin, IF(origin = 'LIVE', 4, 2), issuer_id, DATE(at + INTERVAL 9 HOUR), CONCAT(HEX(payment_id), LPAD(leg_no, 2, '0'), 'C1'), 500, NULL, 1,
  IF(origin = 'LIVE', 'LEDGER', 'LEGACY'), at + INTERVAL 1 DAY FROM seed_leg WHERE kind = 'CANCELED' AND leg_no = 1 ORDER BY i;
INSERT INTO attempt (payment_id, leg_no, kind, attempt_no, slot, origin, seq, issuer_id, trace_date, trace_no, amount, target_no, cancel_no, sent_by, deadline_at)
SELECT payment_id, leg_no, 'NET_CANCEL', 1, slot, origin, 3, issuer_id, DATE(at + INTERVAL 9 HOUR), CONCAT(HEX(payment_id), LPAD(leg_no, 2, '0'), 'N1'), amount, 1, NULL,
  'LEDGER', at + INTERVAL 20 SECOND FROM seed_leg WHERE kind = 'ABORTED' ORDER BY i;

INSERT INTO attempt_result (payment_id, leg_no, kind, attempt_no, outcome, result_no, slot, origin, seq, source, issuer_ref, issuer_code, received_at)
SELECT payment_id, leg_no, 'AUTH', 1, CASE kind WHEN 'ABORTED' THEN 'TIMEOUT' WHEN 'DEPOSIT' THEN 'ISSUED' WHEN 'EXPIRED' THEN 'TIMEOUT' ELSE 'APPROVED' END, 1, slot, origin, done_seq,
  IF(origin = 'LIVE', 'SYNC', 'LEGACY'), CONCAT('A-', i), NULL, at + INTERVAL 1 SECOND FROM seed_leg WHERE kind <> 'FLYING' ORDER BY i, leg_no;
INSERT INTO attempt_result (payment_id, leg_no, kind, attempt_no, outcome, result_no, slot, origin, seq, source, issuer_ref, issuer_code, received_at)
SELECT payment_id, leg_no, 'CANCEL', 1, 'CANCELED', 1, slot, origin, IF(origin = 'LIVE', 5, 2), IF(origin = 'LIVE', 'SYNC', 'LEGACY'), NULL, '00', at + INTERVAL 1 DAY
FROM seed_leg WHERE kind = 'CANCELED' AND leg_no = 1 AND i MOD 200 <> 0 ORDER BY i;

INSERT INTO attempt_verdict (payment_id, leg_no, kind, attempt_no, slot, origin, seq, verdict, result_outcome, result_no, decided_at)
SELECT payment_id, leg_no, 'AUTH', 1, slot, origin, done_seq, IF(kind IN ('ABORTED', 'EXPIRED'), 'ABANDON', 'ACCEPT'), IF(kind IN ('ABORTED', 'EXPIRED'), NULL, 'APPROVED'),
  IF(kind IN ('ABORTED', 'EXPIRED'), NULL, 1), at + INTERVAL 1 SECOND FROM seed_leg WHERE kind NOT IN ('FLYING', 'DEPOSIT') ORDER BY i, leg_no;

INSERT INTO payment_verdict (payment_id, slot, origin, seq, merchant_id, order_id, try_no, verdict, reason, business_date, decided_at)
SELECT payment_id, slot, origin, IF(origin = 'LIVE', 3, 1), merchant_id, order_id, 1, IF(kind IN ('ABORTED', 'EXPIRED'), kind, 'CONFIRMED'), NULL, DATE(at + INTERVAL 9 HOUR), at + INTERVAL 2 SECOND
FROM seed WHERE kind NOT IN ('READY', 'FLYING') AND (kind <> 'DEPOSIT' OR i MOD 4 <> 0) ORDER BY i;

INSERT INTO network_cancel (payment_id, leg_no, attempt_no, slot, origin, seq, reason, late_until, valid_until, requested_at)
SELECT payment_id, leg_no, 1, slot, origin, 3, 'TIMEOUT', at + INTERVAL 1 MINUTE, at + INTERVAL 1 HOUR, at + INTERVAL 2 SECOND FROM seed_leg WHERE kind = 'ABORTED' ORDER BY i, leg_no;
INSERT INTO network_cancel_outcome (payment_id, leg_no, attempt_no, outcome_no, slot, origin, seq, outcome, decided_at)
SELECT payment_id, leg_no, 1, 1, slot, origin, 3, IF(i MOD 60 = 1, 'ESCALATED', 'VOIDED'), at + INTERVAL 3 SECOND FROM seed_leg WHERE kind = 'ABORTED' AND i MOD 50 <> 0 ORDER BY i, leg_no;

INSERT INTO cancellation (payment_id, cancel_no, slot, origin, seq, cancel_request_id, kind, amount, tax_free, vat, fee, fee_vat, reason, business_date, requested_at)
SELECT payment_id, 1, slot, origin, IF(origin = 'LIVE', 4, 2), CONCAT('cancel-', i), 'MERCHANT', 500, 0, 45, 15, 1, 'changed their mind', DATE(at + INTERVAL 33 HOUR), at + INTERVAL 1 DAY
FROM seed WHERE kind = 'CANCELED' ORDER BY i;
INSERT INTO cancel_share (payment_id, cancel_no, leg_no, slot, origin, seq, amount, tax_free, vat, fee, fee_vat)
SELECT payment_id, 1, 1, slot, origin, IF(origin = 'LIVE', 4, 2), 500, 0, 45, 15, 1 FROM seed WHERE kind = 'CANCELED' ORDER BY i;
INSERT INTO cancel_outcome (payment_id, cancel_no, leg_no, slot, origin, seq, outcome, decided_at)
SELECT payment_id, 1, 1, slot, origin, IF(origin = 'LIVE', 5, 2), 'DONE', at + INTERVAL 1 DAY FROM seed WHERE kind = 'CANCELED' AND i MOD 200 <> 0 ORDER BY i;
INSERT INTO balance_link (payment_id, leg_no, link_no, slot, origin, seq, kind, cancel_no, before_amount, delta, after_amount)
SELECT l.payment_id, l.leg_no, n.link_no, l.slot, l.origin, l.done_seq, IF(n.link_no = 0, 'OPEN', 'HOLD'), IF(n.link_no = 0, NULL, 1), IF(n.link_no = 0, NULL, l.amount),
  IF(n.link_no = 0, l.amount, -500), IF(n.link_no = 0, l.amount, l.amount - 500)
FROM seed_leg AS l JOIN (SELECT 0 AS link_no UNION ALL SELECT 1) AS n ON n.link_no = 0 OR (l.kind = 'CANCELED' AND l.leg_no = 1)
WHERE l.kind IN ('DONE', 'CANCELED') AND l.amount >= 500 ORDER BY l.i, l.leg_no, n.link_no;

INSERT INTO journal_line (payment_id, seq, line_no, slot, origin, account, side, currency, amount, merchant_id, leg_no, business_date)
SELECT s.payment_id, IF(s.origin = 'LIVE', 3, 1), n.line_no, s.slot, s.origin, ELT(n.line_no, 'ISSUER_RECEIVABLE', 'MERCHANT_PAYABLE', 'FEE_REVENUE', 'OUTPUT_VAT'),
  IF(n.line_no = 1, 'D', 'C'), 'KRW', s.total, s.merchant_id, IF(n.line_no = 1, 1, NULL), DATE(s.at + INTERVAL 9 HOUR)
FROM seed AS s JOIN (SELECT 1 AS line_no UNION ALL SELECT 2 UNION ALL SELECT 3 UNION ALL SELECT 4) AS n WHERE s.kind IN ('DONE', 'CANCELED') ORDER BY s.i, n.line_no;
INSERT INTO journal_line (payment_id, seq, line_no, slot, origin, account, side, currency, amount, merchant_id, leg_no, business_date)
SELECT s.payment_id, IF(s.origin = 'LIVE', 5, 2), n.line_no, s.slot, s.origin, ELT(n.line_no, 'MERCHANT_PAYABLE', 'ISSUER_RECEIVABLE'), ELT(n.line_no, 'D', 'C'), 'KRW', 500, s.merchant_id, 1,
  DATE(s.at + INTERVAL 33 HOUR)
FROM seed AS s JOIN (SELECT 1 AS line_no UNION ALL SELECT 2) AS n WHERE s.kind = 'CANCELED' ORDER BY s.i, n.line_no;

INSERT INTO outbox_event (payment_id, seq, ordinal, topic, type, previous_position, occurred_at, body, row_hash)
SELECT c.payment_id, c.seq, 0, 'payment.ledger.v1', 'payment.confirmed.v1', NULL, c.recorded_at, REPEAT('{"amount":1000}', 12), c.digest FROM payment_change AS c WHERE c.origin = 'LIVE' ORDER BY c.payment_id, c.seq;
INSERT INTO outbox_backfill (payment_id, seq, ordinal, topic, type, previous_position, occurred_at, body, row_hash)
SELECT c.payment_id, c.seq, 0, 'payment.ledger.backfill.v1', 'payment.confirmed.v1', NULL, c.recorded_at, REPEAT('{"amount":1000}', 12), c.digest FROM payment_change AS c WHERE c.origin = 'LEGACY' ORDER BY c.payment_id, c.seq;

INSERT INTO idempotency_claim (claim_id, slot, payment_id, seq, merchant_id, operation, request_id, fingerprint, fields, claimed_at)
SELECT UNHEX(SHA2(CONCAT(s.i, '/', n.seq), 256)), s.slot, s.payment_id, n.seq, s.merchant_id, ELT(n.seq, 'CREATE', 'CONFIRM'), UNHEX(LEFT(SHA2(s.i * 10 + n.seq, 256), 32)), s.digest,
  JSON_OBJECT('/orderId', '0123456789abcdef'), s.at FROM seed AS s JOIN (SELECT 1 AS seq UNION ALL SELECT 2) AS n WHERE s.origin = 'LIVE' AND (n.seq = 1 OR s.kind <> 'READY') ORDER BY 1;
INSERT INTO idempotency_outcome (claim_id, slot, status, body_digest, decided_at) SELECT claim_id, slot, 200, fingerprint, claimed_at FROM idempotency_claim ORDER BY claim_id;
INSERT INTO idempotency_body (claim_id, decided_on, content_type, location, body) SELECT claim_id, DATE(claimed_at), 'application/json', NULL, REPEAT('{"amount":1000}', 10) FROM idempotency_claim ORDER BY claim_id;

INSERT INTO virtual_account (payment_id, leg_no, slot, origin, seq, attempt_no, result_no, bank_code, account_no, holder, due_at, issued_at)
SELECT payment_id, leg_no, slot, origin, 3, 1, 1, '004', CONCAT('7', LPAD(i, 11, '0')), NULL, at + INTERVAL 7 DAY, at + INTERVAL 2 SECOND FROM seed_leg WHERE kind = 'DEPOSIT' ORDER BY i, leg_no;
INSERT INTO deposit (payment_id, leg_no, deposit_no, slot, origin, seq, issuer_id, bank_ref, amount, counted, deposited_at, received_at)
SELECT payment_id, leg_no, 1, slot, origin, 4, issuer_id, CONCAT('B-', i, '-', leg_no), amount, amount, at + INTERVAL 1 HOUR, at + INTERVAL 1 HOUR FROM seed_leg WHERE kind = 'DEPOSIT' AND i MOD 4 <> 0 ORDER BY i, leg_no;
INSERT INTO deposit_refund (payment_id, leg_no, refund_no, slot, origin, seq, refund_request_id, amount, bank_code, account_token, reason, requested_at)
SELECT payment_id, leg_no, 1, slot, origin, 5, CONCAT('r-', i, '-', leg_no), 1, '004', 'token', 'too much', received_at FROM deposit JOIN seed USING (payment_id, slot, origin) WHERE i MOD 10 = 1 ORDER BY payment_id, leg_no;
INSERT INTO deposit_refund_outcome (payment_id, leg_no, refund_no, slot, origin, seq, outcome, bank_ref, decided_at)
SELECT payment_id, leg_no, 1, slot, origin, 6, 'DONE', NULL, requested_at FROM deposit_refund ORDER BY payment_id, leg_no;
INSERT INTO refund_account (payment_id, cancel_no, slot, origin, seq, bank_code, account_token)
SELECT payment_id, 1, slot, origin, seq, '004', 'token' FROM cancellation WHERE origin = 'LIVE' ORDER BY payment_id LIMIT 2000;

INSERT INTO attempt_result (payment_id, leg_no, kind, attempt_no, outcome, result_no, slot, origin, seq, source, issuer_ref, issuer_code, received_at)
SELECT payment_id, leg_no, 'AUTH', 1, 'APPROVED', 2, slot, origin, 4, 'LATE', CONCAT('B-', i), NULL, at + INTERVAL 1 MINUTE FROM seed_leg WHERE kind = 'DONE' AND origin = 'LIVE' AND i MOD 100 = 3 ORDER BY i, leg_no;
INSERT INTO contradiction (payment_id, leg_no, kind, attempt_no, outcome, result_no, step_no, slot, origin, seq, step, valid_until, decided_at)
SELECT l.payment_id, l.leg_no, 'AUTH', 1, 'APPROVED', 2, n.n, l.slot, l.origin, 3 + n.n, IF(n.n = 1, 'RAISED', IF(l.i MOD 1000 = 3, 'ESCALATED', 'UNDONE')), l.at + INTERVAL 1 HOUR, l.at + INTERVAL n.n MINUTE
FROM seed_leg AS l JOIN (SELECT 1 AS n UNION ALL SELECT 2) AS n WHERE l.kind = 'DONE' AND l.origin = 'LIVE' AND l.i MOD 100 = 3 AND (n.n = 1 OR l.i MOD 700 <> 3) ORDER BY l.i, l.leg_no, n.n;

INSERT INTO operator_key (key_id, operator_id, public_key, created_at, created_by) SELECT CONCAT('key-', i), CONCAT('operator-', i), UNHEX(SHA2(i, 256)), '2026-01-01', 'seed' FROM seed_number WHERE i < 30;
INSERT INTO operator_key_revocation (key_id, revoked_at, revoked_by, reason) SELECT key_id, '2026-02-01', 'seed', 'lost' FROM operator_key LIMIT 5;
INSERT INTO correction (payment_id, correction_no, slot, origin, seq, reason, proposed_by, proposed_key, proposed_at, expires_at, signature)
SELECT payment_id, 1, slot, origin, 4, 'a fee', CONCAT('operator-', i MOD 30), CONCAT('key-', i MOD 30), at + INTERVAL 1 DAY, at + INTERVAL 15 DAY, REPEAT('s', 64) FROM seed WHERE origin = 'LIVE' AND kind = 'DONE' AND i MOD 100 = 1 ORDER BY i;
INSERT INTO correction_line (payment_id, correction_no, line_no, slot, origin, seq, account, side, amount, leg_no, reverses_seq, reverses_line)
SELECT c.payment_id, 1, n.n, c.slot, c.origin, c.seq, ELT(n.n, 'FEE_REVENUE', 'MERCHANT_PAYABLE'), ELT(n.n, 'D', 'C'), 1, NULL, IF(n.n = 1, 3, NULL), IF(n.n = 1, 3, NULL)
FROM correction AS c JOIN (SELECT 1 AS n UNION ALL SELECT 2) AS n ORDER BY c.payment_id, n.n;
INSERT INTO correction_verdict (payment_id, correction_no, slot, origin, seq, verdict, proposed_by, decided_by, decided_key, reason, decided_at, signature)
SELECT payment_id, 1, slot, origin, 5, 'APPROVED', proposed_by, 'operator-31', 'key-31', NULL, proposed_at, REPEAT('s', 64) FROM correction WHERE CRC32(payment_id) MOD 20 <> 0 ORDER BY payment_id;

INSERT INTO legacy_row (source, table_name, row_pk, row_hash, disposition, reason, payment_id, kind, method, amount, business_date, mapper_version, run_id, recorded_by, recorded_at)
SELECT 'reference', IF(i MOD 3 = 0, 'TB_ACNT_TRAN', 'TB_CARD_APPR'), CONCAT('GW', LPAD(i, 18, '0')), digest, 'MAPPED', NULL, payment_id, 'APPROVAL', 'CARD', total, DATE(at), 1, UNHEX(LEFT(SHA2(1, 256), 32)), 'COPY', at FROM seed WHERE origin = 'LEGACY' ORDER BY 1, 2, 3;
INSERT INTO legacy_row (source, table_name, row_pk, row_hash, disposition, reason, payment_id, kind, method, amount, business_date, mapper_version, run_id, recorded_by, recorded_at)
SELECT 'reference', 'TB_PAY', CONCAT('P', LPAD(i, 18, '0')), digest, 'MAPPED', NULL, payment_id, 'HEADER', '', 0, DATE(at), 1, UNHEX(LEFT(SHA2(1, 256), 32)), 'COPY', at FROM seed WHERE origin = 'LEGACY' ORDER BY 1, 2, 3;
INSERT INTO legacy_quarantine (source, table_name, row_pk, row_hash, reason, detail, column_name, kind, method, amount, business_date, raw, run_id, recorded_by, recorded_at)
SELECT 'reference', 'TB_CARD_APPR', CONCAT('GX', LPAD(i, 18, '0')), digest, IF(i MOD 7 = 0, 'AMOUNT_TEXT', 'CODE_UNKNOWN'), 'x', 'AMT', 'APPROVAL', 'CARD', total, DATE(at), JSON_OBJECT('a', 1), UNHEX(LEFT(SHA2(1, 256), 32)), 'COPY', at
FROM seed WHERE i MOD 200 = 0 ORDER BY 1, 2, 3;
INSERT INTO copy_receipt (source, mapping, mapper_version, chunk_no, from_key, to_key, read_rows, mapped_rows, quarantined_rows, excluded_rows, amount_read, run_id, recorded_at)
SELECT 'reference', 'reference', 1, i, i, i + 1, 1000, 1000, 0, 0, 1, UNHEX(LEFT(SHA2(1, 256), 32)), '2026-11-01' FROM seed_number WHERE i < 500;
INSERT INTO verifier_run (run_id, run_no, source, window_from, window_to, barrier_gtid, state, reason, legacy_rows, ledger_rows, gaps, healed, legacy_digest, ledger_digest, previous_digest, digest, started_at, finished_at)
SELECT UNHEX(LEFT(SHA2(i, 256), 32)), i + 1, 'reference', '2026-11-01', '2026-11-02', 'x', IF(i MOD 10 = 0, 'HEALED', 'GREEN'), NULL, 1, 1, 0, 0, UNHEX(SHA2(i, 256)), UNHEX(SHA2(i, 256)), NULL, UNHEX(SHA2(i, 256)), '2026-11-03', '2026-11-03' FROM seed_number WHERE i < 17000;
INSERT INTO verifier_finding (run_id, finding_no, class, table_name, row_pk, payment_id, detail, healed)
SELECT UNHEX(LEFT(SHA2(i, 256), 32)), 1, 'MISSING_LEDGER', 'TB_CARD_APPR', CONCAT('GW', LPAD(i, 18, '0')), NULL, 'x', 1 FROM seed_number WHERE i < 17000 AND i MOD 10 = 0;

INSERT INTO merchant (merchant_id, name, created_at, created_by) SELECT CONCAT('merchant-', LPAD(i, 4, '0')), 'a shop', '2026-01-01', 'seed' FROM seed_number WHERE i < 3000;
INSERT INTO merchant_contract (merchant_id, version, valid_from, fee_rate, fee_vat_rate, created_at, created_by)
SELECT m.merchant_id, n.n, '2026-01-01' + INTERVAL n.n MONTH, 0.03, 0.1, '2026-01-01', 'seed' FROM merchant AS m JOIN (SELECT 1 AS n UNION ALL SELECT 2) AS n ORDER BY 1, 2;
INSERT INTO merchant_authority (merchant_id, valid_from, authority, created_by) SELECT merchant_id, '2026-01-01', 'LEDGER', 'seed' FROM merchant;
INSERT INTO issuer (issuer_id, version, valid_from, name, endpoint_url, connect_timeout_ms, read_timeout_ms, late_window_seconds, validity_seconds, created_at, created_by)
SELECT CONCAT('issuer-', i MOD 12), 1 + i DIV 12, '2026-01-01' + INTERVAL i DIV 12 MONTH, 'an issuer', 'https://issuer.example', 1000, 5000, 60, 3600, '2026-01-01', 'seed' FROM seed_number WHERE i < 36;
INSERT INTO api_key (key_id, merchant_id, secret_hash, created_at, created_by) SELECT CONCAT('k', i), CONCAT('merchant-', LPAD(i MOD 3000, 4, '0')), UNHEX(SHA2(i, 256)), '2026-01-01', 'seed' FROM seed_number WHERE i < 6000;
INSERT INTO api_key_revocation (key_id, revoked_at, revoked_by, reason) SELECT key_id, '2026-02-01', 'seed', 'rotated' FROM api_key ORDER BY key_id LIMIT 1000;
DROP TABLE seed, seed_leg, seed_number;
