//! Who asks: `Authorization: Bearer <keyId>.<secret>`. The public part finds the key, the secret is compared by its
//! SHA-256 in constant time, and an unknown key takes the same steps as a known one. A revocation is seen within seconds.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use ledger_core::ledger::Ledger;
use ledger_core::reference::ApiKey;
use ledger_runtime::clock;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use tokio::time::Instant;

use crate::api::Api;
use crate::problem::{Code, Problem, While};

/// Longest public part there can be.
const LONGEST_KEY_ID: usize = 24;
const LONGEST_SECRET: usize = 128;
/// Keys remembered at most; when there are more, all are forgotten.
const MOST_REMEMBERED: usize = 10_000;

/// The merchant behind a request.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The only merchant whose payments it can see.
    pub merchant_id: String,
    /// The public part of its key.
    pub key_id: String,
}

impl FromRequestParts<Api> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Problem> {
        let caller = api.keys().caller(&parts.headers).await?;
        tracing::debug!(merchant.id = caller.merchant_id, key.id = caller.key_id, "authenticated");
        Ok(caller)
    }
}

/// The keys, as last read.
#[derive(Debug)]
pub struct Keys {
    ledger: Ledger,
    fresh: Duration,
    known: Mutex<HashMap<String, (Option<ApiKey>, Instant)>>,
}

impl Keys {
    /// Reads keys through `ledger` and takes them for current for so long.
    pub fn new(ledger: Ledger, fresh: Duration) -> Self {
        Self { ledger, fresh, known: Mutex::default() }
    }

    async fn caller(&self, headers: &HeaderMap) -> Result<Caller, Problem> {
        let Some((key_id, secret)) = credentials(headers) else {
            return Err(unauthorized("send Authorization: Bearer <keyId>.<secret>"));
        };
        let key = self.key(key_id).await?;
        let hash: [u8; 32] = Sha256::digest(secret.as_bytes()).into();
        let expected = key.as_ref().map_or([0; 32], |key| key.secret_hash);
        let matches = bool::from(hash.ct_eq(&expected));
        match key {
            Some(key) if matches && key.revoked_at.is_none_or(|at| at > clock::now()) => {
                Ok(Caller { merchant_id: key.merchant_id, key_id: key.key_id })
            }
            Some(_) | None => Err(unauthorized("the API key is not known, does not fit, or is revoked")),
        }
    }

    async fn key(&self, key_id: &str) -> Result<Option<ApiKey>, Problem> {
        if let Some((key, read_at)) = self.known().get(key_id).cloned()
            && read_at.elapsed() < self.fresh
        {
            return Ok(key);
        }
        let read_at = Instant::now();
        let key = self.ledger.api_key(key_id).await;
        let key = key.map_err(|error| Problem::of_ledger(&error, While::Reading))?;
        let mut known = self.known();
        if known.len() >= MOST_REMEMBERED {
            known.clear();
        }
        known.insert(key_id.to_owned(), (key.clone(), read_at));
        Ok(key)
    }

    fn known(&self) -> std::sync::MutexGuard<'_, HashMap<String, (Option<ApiKey>, Instant)>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Public part and secret, from a header that stands once.
fn credentials(headers: &HeaderMap) -> Option<(&str, &str)> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let value = values.next()?.to_str().ok()?;
    if values.next().is_some() {
        return None;
    }
    let (scheme, token) = value.split_once(' ')?;
    let (key_id, secret) = token.trim_start().split_once('.')?;
    let plain = |text: &str| text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
    let fits = scheme.eq_ignore_ascii_case("bearer")
        && (1..=LONGEST_KEY_ID).contains(&key_id.len())
        && (1..=LONGEST_SECRET).contains(&secret.len())
        && plain(key_id)
        && plain(secret);
    fits.then_some((key_id, secret))
}

fn unauthorized(detail: &str) -> Problem {
    Problem::new(Code::Unauthorized, detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(value: &str) -> Option<(String, String)> {
        let mut headers = HeaderMap::new();
        headers.insert(header::AUTHORIZATION, value.parse().unwrap());
        credentials(&headers).map(|(id, secret)| (id.to_owned(), secret.to_owned()))
    }

    #[test]
    fn credentials_are_a_bearer_of_two_parts() {
        assert_eq!(of("Bearer lk_1.abc"), Some(("lk_1".to_owned(), "abc".to_owned())));
        assert_eq!(of("bearer lk_1.abc"), Some(("lk_1".to_owned(), "abc".to_owned())));
        for bad in
            ["Basic lk_1.abc", "Bearer lk_1", "Bearer .abc", "Bearer lk_1.", "lk_1.abc", "Bearer lk'1.abc"]
        {
            assert_eq!(of(bad), None, "{bad}");
        }
    }
}
