-- Reference data, insert-only too: a change is a further version with its own valid_from. Nothing on the hot path refers
-- to these tables by foreign key; events and payments name the version they used.
CREATE TABLE merchant (
  merchant_id VARCHAR(32)  NOT NULL,
  name        VARCHAR(100) NOT NULL,
  created_at  DATETIME(6)  NOT NULL,
  created_by  VARCHAR(64)  NOT NULL,
  PRIMARY KEY (merchant_id)
) DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_0900_bin;

CREATE TABLE merchant_contract (
  merchant_id  VARCHAR(32)   NOT NULL,
  version      INT UNSIGNED  NOT NULL,
  valid_from   DATETIME(6)   NOT NULL,
  fee_rate     DECIMAL(9, 6) NOT NULL,
  fee_vat_rate DECIMAL(9, 6) NOT NULL,
  created_at   DATETIME(6)   NOT NULL,
  created_by   VARCHAR(64)   NOT NULL,
  PRIMARY KEY (merchant_id, version),
  CONSTRAINT fk_merchant_contract_merchant FOREIGN KEY (merchant_id) REFERENCES merchant (merchant_id),
  CONSTRAINT ck_merchant_contract_rates CHECK (fee_rate >= 0 AND fee_rate < 1 AND fee_vat_rate >= 0 AND fee_vat_rate < 1),
  CONSTRAINT ck_merchant_contract_version CHECK (version >= 1)
) DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_0900_bin;

-- Which ledger speaks for a merchant from an instant on.
CREATE TABLE merchant_authority (
  merchant_id VARCHAR(32) NOT NULL,
  valid_from  DATETIME(6) NOT NULL,
  authority   VARCHAR(6)  NOT NULL,
  created_by  VARCHAR(64) NOT NULL,
  PRIMARY KEY (merchant_id, valid_from),
  CONSTRAINT fk_merchant_authority_merchant FOREIGN KEY (merchant_id) REFERENCES merchant (merchant_id),
  CONSTRAINT ck_merchant_authority CHECK (authority IN ('LEGACY', 'LEDGER'))
) DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_0900_bin;

CREATE TABLE issuer (
  issuer_id           VARCHAR(32)  NOT NULL,
  version             INT UNSIGNED NOT NULL,
  valid_from          DATETIME(6)  NOT NULL,
  name                VARCHAR(100) NOT NULL,
  endpoint_url        VARCHAR(255) NOT NULL,
  connect_timeout_ms  INT UNSIGNED NOT NULL,
  read_timeout_ms     INT UNSIGNED NOT NULL,
  late_window_seconds INT UNSIGNED NOT NULL,
  validity_seconds    INT UNSIGNED NOT NULL,
  created_at          DATETIME(6)  NOT NULL,
  created_by          VARCHAR(64)  NOT NULL,
  PRIMARY KEY (issuer_id, version),
  CONSTRAINT ck_issuer_windows CHECK (late_window_seconds < validity_seconds),
  CONSTRAINT ck_issuer_timeouts CHECK (connect_timeout_ms > 0 AND read_timeout_ms > 0)
) DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_0900_bin;

-- API keys: only the hash of the secret is here.
CREATE TABLE api_key (
  key_id      VARCHAR(24) NOT NULL,
  merchant_id VARCHAR(32) NOT NULL,
  secret_hash BINARY(32)  NOT NULL,
  created_at  DATETIME(6) NOT NULL,
  created_by  VARCHAR(64) NOT NULL,
  PRIMARY KEY (key_id),
  CONSTRAINT fk_api_key_merchant FOREIGN KEY (merchant_id) REFERENCES merchant (merchant_id)
) DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_0900_bin;

CREATE TABLE api_key_revocation (
  key_id     VARCHAR(24)  NOT NULL,
  revoked_at DATETIME(6)  NOT NULL,
  revoked_by VARCHAR(64)  NOT NULL,
  reason     VARCHAR(200) NOT NULL,
  PRIMARY KEY (key_id),
  CONSTRAINT fk_api_key_revocation_key FOREIGN KEY (key_id) REFERENCES api_key (key_id)
) DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_0900_bin;
