//! Reading and adding reference data.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use rust_decimal::Decimal;
use sqlx::mysql::{MySqlConnection, MySqlRow};

use crate::reference::{
    ApiKey, ApiKeyRow, AuthorityRow, Contract, ContractRow, Issuer, IssuerRow, MerchantRow,
};

use super::StoreError;
use super::read::Reading;
use super::statement::{Account, Statement};

const CONTRACT: Statement = Statement {
    name: "valid_contract",
    account: Account::App,
    sql: "SELECT version, valid_from, CAST(fee_rate AS CHAR) AS fee_rate, CAST(fee_vat_rate AS CHAR) AS fee_vat_rate \
          FROM merchant_contract WHERE merchant_id = ? AND valid_from <= ? ORDER BY valid_from DESC, version DESC LIMIT 1",
};
const ISSUER: Statement = Statement {
    name: "valid_issuer",
    account: Account::App,
    sql: "SELECT issuer_id, version, endpoint_url, connect_timeout_ms, read_timeout_ms, late_window_seconds, validity_seconds \
          FROM issuer WHERE issuer_id = ? AND valid_from <= ? ORDER BY valid_from DESC, version DESC LIMIT 1",
};
const API_KEY: Statement = Statement {
    name: "find_api_key",
    account: Account::App,
    sql: "SELECT k.key_id, k.merchant_id, k.secret_hash, r.revoked_at FROM api_key AS k \
          LEFT JOIN api_key_revocation AS r ON r.key_id = k.key_id WHERE k.key_id = ?",
};
const INSERT_MERCHANT: Statement = Statement {
    name: "insert_merchant",
    account: Account::Admin,
    sql: "INSERT INTO merchant (merchant_id, name, created_at, created_by) VALUES (?, ?, ?, ?)",
};
const INSERT_CONTRACT: Statement = Statement {
    name: "insert_merchant_contract",
    account: Account::Admin,
    sql: "INSERT INTO merchant_contract (merchant_id, version, valid_from, fee_rate, fee_vat_rate, created_at, created_by) \
          VALUES (?, ?, ?, ?, ?, ?, ?)",
};
const INSERT_AUTHORITY: Statement = Statement {
    name: "insert_merchant_authority",
    account: Account::Admin,
    sql: "INSERT INTO merchant_authority (merchant_id, valid_from, authority, created_by) VALUES (?, ?, ?, ?)",
};
const INSERT_ISSUER: Statement = Statement {
    name: "insert_issuer",
    account: Account::Admin,
    sql: "INSERT INTO issuer (issuer_id, version, valid_from, name, endpoint_url, connect_timeout_ms, read_timeout_ms, \
          late_window_seconds, validity_seconds, created_at, created_by) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
};
const INSERT_KEY: Statement = Statement {
    name: "insert_api_key",
    account: Account::Admin,
    sql: "INSERT INTO api_key (key_id, merchant_id, secret_hash, created_at, created_by) VALUES (?, ?, ?, ?, ?)",
};
const INSERT_REVOCATION: Statement = Statement {
    name: "insert_api_key_revocation",
    account: Account::Admin,
    sql: "INSERT INTO api_key_revocation (key_id, revoked_at, revoked_by, reason) VALUES (?, ?, ?, ?)",
};
const LAST_CONTRACT: Statement = Statement {
    name: "last_contract_version",
    account: Account::Admin,
    sql: "SELECT COALESCE(MAX(version), 0) AS version FROM merchant_contract WHERE merchant_id = ?",
};
const LAST_ISSUER: Statement = Statement {
    name: "last_issuer_version",
    account: Account::Admin,
    sql: "SELECT COALESCE(MAX(version), 0) AS version FROM issuer WHERE issuer_id = ?",
};

const MERCHANTS: Statement = Statement {
    name: "list_merchants",
    account: Account::Admin,
    sql: "SELECT merchant_id, name, created_at, created_by FROM merchant ORDER BY merchant_id LIMIT ?",
};
const CONTRACTS: Statement = Statement {
    name: "list_merchant_contracts",
    account: Account::Admin,
    sql: "SELECT merchant_id, version, valid_from, CAST(fee_rate AS CHAR) AS fee_rate, CAST(fee_vat_rate AS CHAR) AS fee_vat_rate, \
          created_by FROM merchant_contract WHERE ? IS NULL OR merchant_id = ? ORDER BY merchant_id, version LIMIT ?",
};
const ISSUERS: Statement = Statement {
    name: "list_issuers",
    account: Account::Admin,
    sql: "SELECT issuer_id, version, name, valid_from, endpoint_url, connect_timeout_ms, read_timeout_ms, late_window_seconds, \
          validity_seconds, created_by FROM issuer ORDER BY issuer_id, version LIMIT ?",
};
const API_KEYS: Statement = Statement {
    name: "list_api_keys",
    account: Account::Admin,
    sql: "SELECT k.key_id, k.merchant_id, k.created_at, k.created_by, r.revoked_at, r.reason FROM api_key AS k \
          LEFT JOIN api_key_revocation AS r ON r.key_id = k.key_id WHERE ? IS NULL OR k.merchant_id = ? \
          ORDER BY k.key_id LIMIT ?",
};
const AUTHORITIES: Statement = Statement {
    name: "list_merchant_authorities",
    account: Account::Admin,
    sql: "SELECT merchant_id, valid_from, authority, created_by FROM merchant_authority WHERE ? IS NULL OR merchant_id = ? \
          ORDER BY merchant_id, valid_from LIMIT ?",
};

/// All of them, for the register.
pub const STATEMENTS: &[Statement] = &[
    MERCHANTS,
    CONTRACTS,
    ISSUERS,
    API_KEYS,
    AUTHORITIES,
    CONTRACT,
    ISSUER,
    API_KEY,
    INSERT_MERCHANT,
    INSERT_CONTRACT,
    INSERT_AUTHORITY,
    INSERT_ISSUER,
    INSERT_KEY,
    INSERT_REVOCATION,
    LAST_CONTRACT,
    LAST_ISSUER,
];

/// The contract that is valid for a merchant at `at`.
pub async fn contract(
    connection: &mut MySqlConnection,
    merchant_id: &str,
    at: DateTime<Utc>,
) -> Result<Option<Contract>, StoreError> {
    let row = sqlx::query(CONTRACT.sql).bind(merchant_id).bind(at).fetch_optional(connection).await?;
    row.map(|row| read_contract(&row, merchant_id)).transpose()
}

fn read_contract(row: &MySqlRow, merchant_id: &str) -> Result<Contract, StoreError> {
    let row = Reading::new(row, "merchant_contract", merchant_id);
    Ok(Contract {
        version: row.get("version")?,
        valid_from: row.get("valid_from")?,
        fee_rate: row.code::<Decimal>("fee_rate")?,
        fee_vat_rate: row.code::<Decimal>("fee_vat_rate")?,
    })
}

/// The version of an issuer that is valid at `at`.
pub async fn issuer(
    connection: &mut MySqlConnection,
    issuer_id: &str,
    at: DateTime<Utc>,
) -> Result<Option<Issuer>, StoreError> {
    let row = sqlx::query(ISSUER.sql).bind(issuer_id).bind(at).fetch_optional(connection).await?;
    row.map(|row| read_issuer(&row, issuer_id)).transpose()
}

fn read_issuer(row: &MySqlRow, issuer_id: &str) -> Result<Issuer, StoreError> {
    let row = Reading::new(row, "issuer", issuer_id);
    let millis = |column| Ok::<_, StoreError>(Duration::from_millis(u64::from(row.get::<u32>(column)?)));
    let seconds = |column| Ok::<_, StoreError>(TimeDelta::seconds(i64::from(row.get::<u32>(column)?)));
    Ok(Issuer {
        issuer_id: row.get("issuer_id")?,
        version: row.get("version")?,
        endpoint_url: row.get("endpoint_url")?,
        connect_timeout: millis("connect_timeout_ms")?,
        read_timeout: millis("read_timeout_ms")?,
        late_window: seconds("late_window_seconds")?,
        validity: seconds("validity_seconds")?,
    })
}

/// An API key by its public part.
pub async fn api_key(connection: &mut MySqlConnection, key_id: &str) -> Result<Option<ApiKey>, StoreError> {
    let row = sqlx::query(API_KEY.sql).bind(key_id).fetch_optional(connection).await?;
    row.map(|row| {
        let row = Reading::new(&row, "api_key", key_id);
        Ok(ApiKey {
            key_id: row.get("key_id")?,
            merchant_id: row.get("merchant_id")?,
            secret_hash: row.bytes("secret_hash")?,
            revoked_at: row.get("revoked_at")?,
        })
    })
    .transpose()
}

/// Adds a merchant.
pub async fn insert_merchant(
    connection: &mut MySqlConnection,
    merchant_id: &str,
    name: &str,
    at: DateTime<Utc>,
    by: &str,
) -> Result<(), StoreError> {
    let query = sqlx::query(INSERT_MERCHANT.sql).bind(merchant_id).bind(name).bind(at).bind(by);
    query.execute(connection).await?;
    Ok(())
}

/// Adds the next version of a merchant's contract and says its number.
pub async fn insert_contract(
    connection: &mut MySqlConnection,
    merchant_id: &str,
    contract: &Contract,
    at: DateTime<Utc>,
    by: &str,
) -> Result<u32, StoreError> {
    let version = next_version(connection, LAST_CONTRACT, merchant_id).await?;
    sqlx::query(INSERT_CONTRACT.sql)
        .bind(merchant_id)
        .bind(version)
        .bind(contract.valid_from)
        .bind(contract.fee_rate.to_string())
        .bind(contract.fee_vat_rate.to_string())
        .bind(at)
        .bind(by)
        .execute(connection)
        .await?;
    Ok(version)
}

/// Says who speaks for a merchant from an instant on.
pub async fn insert_authority(
    connection: &mut MySqlConnection,
    merchant_id: &str,
    valid_from: DateTime<Utc>,
    authority: &str,
    by: &str,
) -> Result<(), StoreError> {
    let query = sqlx::query(INSERT_AUTHORITY.sql).bind(merchant_id).bind(valid_from).bind(authority).bind(by);
    query.execute(connection).await?;
    Ok(())
}

/// Adds the next version of an issuer and says its number.
pub async fn insert_issuer(
    connection: &mut MySqlConnection,
    issuer: &Issuer,
    name: &str,
    at: DateTime<Utc>,
    by: &str,
) -> Result<u32, StoreError> {
    let version = next_version(connection, LAST_ISSUER, &issuer.issuer_id).await?;
    let millis = |duration: Duration| u32::try_from(duration.as_millis()).unwrap_or(u32::MAX);
    let seconds = |delta: TimeDelta| u32::try_from(delta.num_seconds()).unwrap_or(0);
    sqlx::query(INSERT_ISSUER.sql)
        .bind(&issuer.issuer_id)
        .bind(version)
        .bind(at)
        .bind(name)
        .bind(&issuer.endpoint_url)
        .bind(millis(issuer.connect_timeout))
        .bind(millis(issuer.read_timeout))
        .bind(seconds(issuer.late_window))
        .bind(seconds(issuer.validity))
        .bind(at)
        .bind(by)
        .execute(connection)
        .await?;
    Ok(version)
}

/// Adds an API key; only the hash of its secret gets here.
pub async fn insert_api_key(
    connection: &mut MySqlConnection,
    key: &ApiKey,
    at: DateTime<Utc>,
    by: &str,
) -> Result<(), StoreError> {
    sqlx::query(INSERT_KEY.sql)
        .bind(&key.key_id)
        .bind(&key.merchant_id)
        .bind(key.secret_hash.as_slice())
        .bind(at)
        .bind(by)
        .execute(connection)
        .await?;
    Ok(())
}

/// Revokes an API key.
pub async fn insert_revocation(
    connection: &mut MySqlConnection,
    key_id: &str,
    reason: &str,
    at: DateTime<Utc>,
    by: &str,
) -> Result<(), StoreError> {
    sqlx::query(INSERT_REVOCATION.sql)
        .bind(key_id)
        .bind(at)
        .bind(by)
        .bind(reason)
        .execute(connection)
        .await?;
    Ok(())
}

/// Merchants, by name.
pub async fn merchants(connection: &mut MySqlConnection, limit: u32) -> Result<Vec<MerchantRow>, StoreError> {
    let rows = sqlx::query(MERCHANTS.sql).bind(limit).fetch_all(connection).await?;
    let read = |row: &MySqlRow| {
        let row = Reading::new(row, "merchant", "list");
        Ok(MerchantRow {
            merchant_id: row.get("merchant_id")?,
            name: row.get("name")?,
            created_at: row.get("created_at")?,
            created_by: row.get("created_by")?,
        })
    };
    rows.iter().map(read).collect()
}

/// Contracts, of all merchants or of one.
pub async fn contracts(
    connection: &mut MySqlConnection,
    merchant_id: Option<&str>,
    limit: u32,
) -> Result<Vec<ContractRow>, StoreError> {
    let query = sqlx::query(CONTRACTS.sql).bind(merchant_id).bind(merchant_id).bind(limit);
    let read = |row: &MySqlRow| {
        let contract = read_contract(row, "list")?;
        let row = Reading::new(row, "merchant_contract", "list");
        Ok(ContractRow { merchant_id: row.get("merchant_id")?, contract, created_by: row.get("created_by")? })
    };
    query.fetch_all(connection).await?.iter().map(read).collect()
}

/// Issuers, every version.
pub async fn issuers(connection: &mut MySqlConnection, limit: u32) -> Result<Vec<IssuerRow>, StoreError> {
    let rows = sqlx::query(ISSUERS.sql).bind(limit).fetch_all(connection).await?;
    let read = |row: &MySqlRow| {
        let issuer = read_issuer(row, "list")?;
        let row = Reading::new(row, "issuer", "list");
        Ok(IssuerRow {
            issuer,
            name: row.get("name")?,
            valid_from: row.get("valid_from")?,
            created_by: row.get("created_by")?,
        })
    };
    rows.iter().map(read).collect()
}

/// API keys, of all merchants or of one.
pub async fn api_keys(
    connection: &mut MySqlConnection,
    merchant_id: Option<&str>,
    limit: u32,
) -> Result<Vec<ApiKeyRow>, StoreError> {
    let query = sqlx::query(API_KEYS.sql).bind(merchant_id).bind(merchant_id).bind(limit);
    let read = |row: &MySqlRow| {
        let row = Reading::new(row, "api_key", "list");
        Ok(ApiKeyRow {
            key_id: row.get("key_id")?,
            merchant_id: row.get("merchant_id")?,
            created_at: row.get("created_at")?,
            created_by: row.get("created_by")?,
            revoked_at: row.get("revoked_at")?,
            revoked_for: row.get("reason")?,
        })
    };
    query.fetch_all(connection).await?.iter().map(read).collect()
}

/// Authorities, of all merchants or of one.
pub async fn authorities(
    connection: &mut MySqlConnection,
    merchant_id: Option<&str>,
    limit: u32,
) -> Result<Vec<AuthorityRow>, StoreError> {
    let query = sqlx::query(AUTHORITIES.sql).bind(merchant_id).bind(merchant_id).bind(limit);
    let read = |row: &MySqlRow| {
        let row = Reading::new(row, "merchant_authority", "list");
        Ok(AuthorityRow {
            merchant_id: row.get("merchant_id")?,
            valid_from: row.get("valid_from")?,
            authority: row.get("authority")?,
            created_by: row.get("created_by")?,
        })
    };
    query.fetch_all(connection).await?.iter().map(read).collect()
}

async fn next_version(
    connection: &mut MySqlConnection,
    statement: Statement,
    of: &str,
) -> Result<u32, StoreError> {
    let row = sqlx::query(statement.sql).bind(of).fetch_one(connection).await?;
    let last: i64 = Reading::new(&row, "reference", of).get("version")?;
    Ok(u32::try_from(last).unwrap_or(0).saturating_add(1))
}
