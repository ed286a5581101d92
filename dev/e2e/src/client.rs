//! A payment service as the API sees it.

use std::time::Duration;

use anyhow::{Context as _, Result};
use reqwest::{Method, StatusCode};
use serde_json::Value;

/// Longer than any answer may take.
const PATIENCE: Duration = Duration::from_mins(1);

/// One merchant's client.
#[derive(Debug, Clone)]
pub struct Client {
    http: reqwest::Client,
    base: String,
    key: String,
}

/// An answer.
#[derive(Debug, Clone)]
pub struct Reply {
    /// Status.
    pub status: StatusCode,
    /// Whether the answer was kept from an earlier request.
    pub replayed: bool,
    /// The bytes.
    pub bytes: Vec<u8>,
    /// The same as JSON; null where it is none.
    pub body: Value,
}

impl Client {
    /// A client of the API at `base` with an API key.
    pub fn new(base: &str, key: &str) -> Result<Self> {
        Ok(Self { http: http()?, base: base.to_owned(), key: key.to_owned() })
    }

    /// GET.
    pub async fn get(&self, path: &str) -> Result<Reply> {
        self.send(Method::GET, path, None, None).await
    }

    /// POST under an idempotency key.
    pub async fn post(&self, path: &str, key: &str, body: &Value) -> Result<Reply> {
        self.send(Method::POST, path, Some(key), Some(body)).await
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        key: Option<&str>,
        body: Option<&Value>,
    ) -> Result<Reply> {
        let mut request = self.http.request(method, format!("{}{path}", self.base)).bearer_auth(&self.key);
        if let Some(key) = key {
            request = request.header("Idempotency-Key", key);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        let response = request.send().await.with_context(|| format!("asking {path}"))?;
        let replayed = response.headers().get("idempotency-replayed").is_some_and(|value| value == "true");
        let status = response.status();
        let bytes = response.bytes().await.with_context(|| format!("reading the answer of {path}"))?.to_vec();
        let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        Ok(Reply { status, replayed, bytes, body })
    }
}

/// A client for plain HTTP on loopback.
pub fn http() -> Result<reqwest::Client> {
    let _ = rustls::crypto::ring::default_provider().install_default();
    Ok(reqwest::Client::builder().no_proxy().timeout(PATIENCE).build()?)
}

/// GET of a JSON document.
pub async fn get_json(url: &str) -> Result<Value> {
    let response = http()?.get(url).send().await.with_context(|| format!("asking {url}"))?;
    let response = response.error_for_status()?;
    Ok(response.json().await?)
}
