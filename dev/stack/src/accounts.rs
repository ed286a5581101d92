//! Accounts of the stack: their names, one random password each per stack, the URLs made of both.

use std::collections::BTreeMap;
use std::io::Read;

use anyhow::{Context, Result};
use sqlx::{AssertSqlSafe, Connection, MySqlConnection};

use crate::env::EnvFile;
use crate::server::Server;

const HEX: &[u8; 16] = b"0123456789abcdef";

/// The ledger's accounts as `migrations/roles.sql` makes them, with the key of each URL in the env file.
pub(crate) const LEDGER: [(&str, &str); 7] = [
    ("ledger_owner", "MYSQL_OWNER_URL"),
    ("ledger_app", "MYSQL_APP_URL"),
    ("ledger_relay", "MYSQL_RELAY_URL"),
    ("ledger_mirror", "MYSQL_MIRROR_URL"),
    ("ledger_read", "MYSQL_READ_URL"),
    ("ledger_ops", "MYSQL_OPS_URL"),
    ("ledger_admin", "MYSQL_ADMIN_URL"),
];
pub(crate) const LEGACY: [(&str, &str); 2] =
    [("legacy_owner", "LEGACY_URL"), ("legacy_read", "LEGACY_READ_URL")];

/// Passwords of one stack.
#[derive(Debug)]
pub(crate) struct Passwords {
    of: BTreeMap<&'static str, String>,
}

impl Passwords {
    pub(crate) fn random() -> Result<Self> {
        let names = LEDGER.iter().chain(&LEGACY).map(|(account, _)| *account);
        let of = names.map(|account| Ok((account, random_hex(16)?))).collect::<Result<_>>()?;
        Ok(Self { of })
    }

    fn userinfo(&self, account: &str) -> Result<String> {
        let password = self.of.get(account).with_context(|| format!("no password for {account}"))?;
        Ok(format!("{account}:{password}"))
    }

    /// Makes every account that is missing, and opens all with their passwords.
    pub(crate) async fn apply(&self, root: &mut MySqlConnection) -> Result<()> {
        for (account, password) in &self.of {
            // one text each: accounts of an earlier stack on a server of the user get the new password
            let sql = format!(
                "CREATE USER IF NOT EXISTS '{account}'@'%' IDENTIFIED WITH caching_sha2_password REQUIRE SSL; \
                 ALTER USER '{account}'@'%' IDENTIFIED BY '{password}' ACCOUNT UNLOCK"
            );
            let done = sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut *root).await;
            done.with_context(|| format!("opening the account {account}"))?;
        }
        Ok(())
    }

    /// Writes the URLs of all accounts into `env`.
    pub(crate) fn tell(
        &self,
        env: &mut EnvFile,
        primary: &Server,
        replica: &Server,
        names: &Names,
    ) -> Result<()> {
        for (account, key) in LEDGER {
            env.set(key, primary.url(&self.userinfo(account)?, &names.ledger));
        }
        for (account, key) in LEGACY {
            env.set(key, primary.url(&self.userinfo(account)?, &names.legacy));
        }
        env.set("MYSQL_ROOT_URL", primary.root_url(&names.ledger));
        env.set("REPLICA_ROOT_URL", replica.root_url(&names.ledger));
        env.set("REPLICA_URL", replica.url(&self.userinfo("ledger_read")?, &names.ledger));
        env.set("LEGACY_REPLICA_URL", replica.url(&self.userinfo("legacy_read")?, &names.legacy));
        Ok(())
    }
}

/// Names of the two databases.
#[derive(Clone, Debug)]
pub(crate) struct Names {
    pub(crate) ledger: String,
    pub(crate) legacy: String,
}

impl Default for Names {
    fn default() -> Self {
        Self { ledger: "ledger".into(), legacy: "legacy".into() }
    }
}

/// The account that the replica reads with, and its password on a server that we made.
pub(crate) fn replication_password() -> Result<String> {
    random_hex(16)
}

pub(crate) fn random_hex(bytes: usize) -> Result<String> {
    let mut random = vec![0_u8; bytes];
    fill(&mut random)?;
    Ok(hex(&random))
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits.map(|digit| char::from(HEX[usize::from(digit)])).collect()
}

pub(crate) fn random_u64() -> Result<u64> {
    let mut random = [0_u8; 8];
    fill(&mut random)?;
    Ok(u64::from_ne_bytes(random))
}

fn fill(random: &mut [u8]) -> Result<()> {
    let mut source = std::fs::File::open("/dev/urandom").context("opening the system's random numbers")?;
    source.read_exact(random).context("reading random numbers")
}

/// A connection that is closed in good order when the work is done.
pub(crate) async fn connect(url: &str) -> Result<MySqlConnection> {
    let host = url.rsplit_once('@').map_or(url, |(_, rest)| rest);
    MySqlConnection::connect(url).await.with_context(|| format!("connecting to MySQL at {host}"))
}
