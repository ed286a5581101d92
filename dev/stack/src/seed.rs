//! The reference data of a stack: a merchant with a contract, issuers at the simulator, an API key. Added with the same tool
//! that operators use.

use anyhow::{Context, Result};
use serde_json::Value;

use crate::env::EnvFile;
use crate::services::run_tool;

/// The merchant whose API key a stack has.
pub const MERCHANT: &str = "demo-shop";

/// Issuers: name, longest wait for an answer in ms, late window in s. The slow one is for those who want to see a timeout.
const ISSUERS: [(&str, u32, u32); 4] =
    [("card-1", 10_000, 60), ("points-1", 10_000, 60), ("transfer-1", 10_000, 60), ("slow-1", 1_000, 3)];

/// Adds it all and gives the API key.
pub(crate) async fn reference_data(env: &EnvFile) -> Result<String> {
    for (id, read_timeout_ms, late_window_seconds) in ISSUERS {
        let endpoint = format!("{}/{id}", env.get("ISSUER_URL")?);
        let (read, late) = (read_timeout_ms.to_string(), late_window_seconds.to_string());
        let who = ["issuer", "add", "--id", id, "--name", id, "--endpoint", &endpoint];
        let how = [
            "--connect-timeout-ms",
            "500",
            "--read-timeout-ms",
            &read,
            "--late-window-seconds",
            &late,
            "--validity-seconds",
            "3600",
        ];
        add(env, &[who.as_slice(), how.as_slice()].concat()).await?;
    }
    merchant(env, MERCHANT).await
}

/// Adds a merchant with a contract and gives an API key of it.
pub(crate) async fn merchant(env: &EnvFile, id: &str) -> Result<String> {
    add(env, &["merchant", "add", "--id", id, "--name", id]).await?;
    add(env, &["contract", "add", "--merchant", id, "--fee-rate", "0.03", "--fee-vat-rate", "0.1"]).await?;
    let told = add(env, &["key", "create", "--merchant", id, "--format", "json"]).await?;
    let key: Value = serde_json::from_str(told.trim()).context("ledger-admin did not answer with JSON")?;
    Ok(key["apiKey"].as_str().context("ledger-admin made no API key")?.to_owned())
}

async fn add(env: &EnvFile, args: &[&str]) -> Result<String> {
    run_tool("ledger-admin", args, &[("MYSQL_ADMIN_URL", env.get("MYSQL_ADMIN_URL")?.to_owned())]).await
}
