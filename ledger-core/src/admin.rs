//! The handle of ledger-admin: reference data, added version by version and never changed.

use chrono::{DateTime, Utc};
use sqlx::MySql;
use sqlx::mysql::MySqlPool;
use sqlx::pool::PoolConnection;

use crate::method_rule::{MethodRule, MethodRuleRow};
use crate::operator::{self, OperatorKey};
use crate::payment::fact::Method;
use crate::reference::{
    ApiKey, ApiKeyRow, AuthorityRow, Contract, ContractRow, Issuer, IssuerRow, MerchantRow,
};
use crate::store::grants::{self, GrantsError};
use crate::store::pool::{PoolOptions, connect};
use crate::store::{LostKey, StoreError, correction, method_rule, reference};

/// Why reference data cannot be added.
#[derive(Debug, thiserror::Error)]
pub enum AdminError {
    /// The database.
    #[error(transparent)]
    Store(StoreError),
    /// There is such a row already, and rows are never changed.
    #[error(
        "{what} exists already, and nothing is ever changed; add a further version or choose another name"
    )]
    Exists {
        /// What exists.
        what: String,
    },
    /// What it belongs to does not exist.
    #[error("{what} is not known, add it first")]
    Unknown {
        /// What does not exist.
        what: String,
    },
    /// A rule of the schema.
    #[error("{what} breaks the rule {constraint}")]
    Refused {
        /// What was to be added.
        what: String,
        /// The rule.
        constraint: String,
    },
}

/// The handle: SELECT and INSERT on reference data as `ledger_admin`.
#[derive(Debug, Clone)]
pub struct Admin {
    pool: MySqlPool,
    by: String,
}

impl Admin {
    /// Connects, and proves that the account can do no more than read and add. `by` is kept with everything that is added.
    pub async fn open(url: &str, by: String) -> Result<Self, GrantsError> {
        let options = PoolOptions { max_connections: 1, min_connections: 0, ..PoolOptions::default() };
        let pool = connect(url, options).await?;
        grants::prove_admin(&pool).await?;
        Ok(Self { pool, by })
    }

    /// Adds a merchant.
    pub async fn add_merchant(&self, id: &str, name: &str, now: DateTime<Utc>) -> Result<(), AdminError> {
        let added = reference::insert_merchant(&mut *self.connection().await?, id, name, now, &self.by).await;
        added.map_err(|error| refused(error, || format!("merchant {id}"), || format!("merchant {id}")))
    }

    /// Adds the next version of a merchant's contract and says its number.
    pub async fn add_contract(
        &self,
        merchant_id: &str,
        contract: &Contract,
        now: DateTime<Utc>,
    ) -> Result<u32, AdminError> {
        let mut connection = self.connection().await?;
        let added = reference::insert_contract(&mut connection, merchant_id, contract, now, &self.by).await;
        let what = || format!("a contract of merchant {merchant_id}");
        added.map_err(|error| refused(error, what, || format!("merchant {merchant_id}")))
    }

    /// Adds the next version of an issuer and says its number.
    pub async fn add_issuer(
        &self,
        issuer: &Issuer,
        name: &str,
        now: DateTime<Utc>,
    ) -> Result<u32, AdminError> {
        let mut connection = self.connection().await?;
        let added = reference::insert_issuer(&mut connection, issuer, name, now, &self.by).await;
        let what = || format!("issuer {}", issuer.issuer_id);
        added.map_err(|error| refused(error, what, what))
    }

    /// Adds the next version of a method's rule and says its number.
    pub async fn add_method_rule(&self, rule: &MethodRule, now: DateTime<Utc>) -> Result<u32, AdminError> {
        let added = method_rule::insert(&mut *self.connection().await?, rule, now, &self.by).await;
        let what = || format!("a rule of method {}", rule.method);
        added.map_err(|error| refused(error, what, what))
    }

    /// Adds an API key; only the hash of its secret gets here.
    pub async fn add_key(&self, key: &ApiKey, now: DateTime<Utc>) -> Result<(), AdminError> {
        let added = reference::insert_api_key(&mut *self.connection().await?, key, now, &self.by).await;
        let what = || format!("API key {}", key.key_id);
        added.map_err(|error| refused(error, what, || format!("merchant {}", key.merchant_id)))
    }

    /// Revokes an API key.
    pub async fn revoke_key(&self, key_id: &str, reason: &str, now: DateTime<Utc>) -> Result<(), AdminError> {
        let added =
            reference::insert_revocation(&mut *self.connection().await?, key_id, reason, now, &self.by).await;
        let what = || format!("a revocation of API key {key_id}");
        added.map_err(|error| refused(error, what, || format!("API key {key_id}")))
    }

    /// Registers an operator's public key and says its id.
    pub async fn add_operator_key(
        &self,
        operator_id: &str,
        public_key: &[u8; 32],
        now: DateTime<Utc>,
    ) -> Result<String, AdminError> {
        let key_id = operator::key_id_of(public_key);
        let mut connection = self.connection().await?;
        let added =
            correction::insert_key(&mut connection, &key_id, operator_id, public_key, now, &self.by).await;
        let what = || format!("operator key {key_id}");
        added.map_err(|error| refused(error, what, what))?;
        Ok(key_id)
    }

    /// Revokes an operator's key: from then on it neither proposes nor decides.
    pub async fn revoke_operator_key(
        &self,
        key_id: &str,
        reason: &str,
        now: DateTime<Utc>,
    ) -> Result<(), AdminError> {
        let mut connection = self.connection().await?;
        let added = correction::insert_revocation(&mut connection, key_id, reason, now, &self.by).await;
        let what = || format!("a revocation of operator key {key_id}");
        added.map_err(|error| refused(error, what, || format!("operator key {key_id}")))
    }

    /// Operators' keys.
    pub async fn operator_keys(&self, limit: u32) -> Result<Vec<OperatorKey>, StoreError> {
        correction::list_keys(&mut *self.acquire().await?, limit).await
    }

    /// Says who speaks for a merchant from an instant on: LEGACY or LEDGER.
    pub async fn set_authority(
        &self,
        merchant_id: &str,
        authority: &str,
        valid_from: DateTime<Utc>,
    ) -> Result<(), AdminError> {
        let mut connection = self.connection().await?;
        let added =
            reference::insert_authority(&mut connection, merchant_id, valid_from, authority, &self.by).await;
        let what = || format!("an authority of merchant {merchant_id} from {valid_from}");
        added.map_err(|error| refused(error, what, || format!("merchant {merchant_id}")))
    }

    /// Merchants, by name.
    pub async fn merchants(&self, limit: u32) -> Result<Vec<MerchantRow>, StoreError> {
        reference::merchants(&mut *self.acquire().await?, limit).await
    }

    /// Contracts, of all merchants or of one.
    pub async fn contracts(
        &self,
        merchant_id: Option<&str>,
        limit: u32,
    ) -> Result<Vec<ContractRow>, StoreError> {
        reference::contracts(&mut *self.acquire().await?, merchant_id, limit).await
    }

    /// Issuers, every version.
    pub async fn issuers(&self, limit: u32) -> Result<Vec<IssuerRow>, StoreError> {
        reference::issuers(&mut *self.acquire().await?, limit).await
    }

    /// Rules of methods, every version, of all methods or of one.
    pub async fn method_rules(
        &self,
        method: Option<Method>,
        limit: u32,
    ) -> Result<Vec<MethodRuleRow>, StoreError> {
        method_rule::list(&mut *self.acquire().await?, method, limit).await
    }

    /// API keys, of all merchants or of one; never a secret or its hash.
    pub async fn keys(&self, merchant_id: Option<&str>, limit: u32) -> Result<Vec<ApiKeyRow>, StoreError> {
        reference::api_keys(&mut *self.acquire().await?, merchant_id, limit).await
    }

    /// Authorities, of all merchants or of one.
    pub async fn authorities(
        &self,
        merchant_id: Option<&str>,
        limit: u32,
    ) -> Result<Vec<AuthorityRow>, StoreError> {
        reference::authorities(&mut *self.acquire().await?, merchant_id, limit).await
    }

    async fn acquire(&self) -> Result<PoolConnection<MySql>, StoreError> {
        self.pool.acquire().await.map_err(StoreError::Unavailable)
    }

    async fn connection(&self) -> Result<PoolConnection<MySql>, AdminError> {
        self.acquire().await.map_err(AdminError::Store)
    }
}

/// What a refused row says about the row, and about the one it belongs to.
fn refused(error: StoreError, what: impl Fn() -> String, owner: impl Fn() -> String) -> AdminError {
    match error {
        StoreError::Lost(LostKey::Other) => AdminError::Exists { what: what() },
        StoreError::Refused { constraint } if constraint.starts_with("fk_") => {
            AdminError::Unknown { what: owner() }
        }
        StoreError::Refused { constraint } => AdminError::Refused { what: what(), constraint },
        StoreError::Lost(_)
        | StoreError::Unavailable(_)
        | StoreError::NotWritten(_)
        | StoreError::Corrupt { .. }
        | StoreError::Busy => AdminError::Store(error),
    }
}

/// Brings the schema of the ledger at `url` (as its owner) up to this version; says which migrations it now has.
pub async fn migrate(url: &str) -> Result<Vec<(i64, String)>, MigrateError> {
    let options = PoolOptions { max_connections: 1, min_connections: 0, ..PoolOptions::default() };
    let pool = connect(url, options).await?;
    crate::MIGRATIONS.run(&pool).await?;
    Ok(crate::MIGRATIONS
        .iter()
        .map(|migration| (migration.version, migration.description.to_string()))
        .collect())
}

/// Why the schema could not be brought up to this version.
#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A migration.
    #[error("the schema could not be migrated")]
    Migration(#[from] sqlx::migrate::MigrateError),
}
