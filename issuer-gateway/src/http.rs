//! An issuer that speaks the reference dialect over HTTP/1.1.
//!
//! Nothing is ever sent twice: no retry policy, no redirect, no proxy. A failure is proof that no byte left only when the
//! connection was never there; every other one leaves open what the issuer did.

use std::sync::Once;
use std::time::Duration;

use chrono::{DateTime, Utc};
use ledger_core::ledger::{CommittedAttempt, IssuerAnswer};
use ledger_core::payment::fact::{ResultOutcome, ResultSource};
use ledger_core::reference;
use reqwest::header::{CONTENT_TYPE, HeaderValue};
use reqwest::{Client, Response, StatusCode, Url};

use crate::issuer::{Issuer, LateAnswer, Sent};
use crate::wire::{self, Message, Reading, Unspeakable};

/// No answer of the dialect is longer.
const MAX_BODY: usize = 64 * 1024;

/// Reads the clock; mains own it.
pub type Clock = fn() -> DateTime<Utc>;

/// One issuer's endpoint, with connections of its own.
#[derive(Debug, Clone)]
pub struct HttpIssuer {
    client: Client,
    endpoint: Url,
    late_window: Duration,
    answer_within: Duration,
    clock: Clock,
}

/// An issuer that cannot be spoken to.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Its endpoint is no address.
    #[error("endpoint_url of issuer {0} is no http or https address")]
    Endpoint(String),
    /// The client could not be made.
    #[error("the HTTP client of issuer {0} could not be made")]
    Client(String, #[source] reqwest::Error),
}

impl HttpIssuer {
    /// The way to an issuer as its reference data describes it; idle connections are kept for `pool_idle`.
    pub fn open(issuer: &reference::Issuer, pool_idle: Duration, clock: Clock) -> Result<Self, OpenError> {
        install_tls_provider();
        let no_endpoint = || OpenError::Endpoint(issuer.issuer_id.clone());
        let mut endpoint = Url::parse(&issuer.endpoint_url).map_err(|_| no_endpoint())?;
        if !matches!(endpoint.scheme(), "http" | "https") || endpoint.host_str().is_none() {
            return Err(no_endpoint());
        }
        let base = endpoint.path().trim_end_matches('/').to_owned();
        endpoint.set_path(&base);
        let mut builder = Client::builder()
            .http1_only()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            .connect_timeout(issuer.connect_timeout)
            .pool_idle_timeout(pool_idle)
            .user_agent(concat!("payment-ledger/", env!("CARGO_PKG_VERSION")));
        if endpoint.scheme() == "http" {
            // No need to load the system's certificates, which may not be there.
            builder = builder.tls_certs_only([]);
        }
        let client = builder.build().map_err(|error| OpenError::Client(issuer.issuer_id.clone(), error))?;
        Ok(Self {
            client,
            endpoint,
            late_window: issuer.late_window.to_std().unwrap_or_default(),
            answer_within: issuer.connect_timeout + issuer.read_timeout,
            clock,
        })
    }

    /// Connecting and reading together.
    pub const fn answer_within(&self) -> Duration {
        self.answer_within
    }

    async fn exchange(&self, message: Message, within: Duration) -> Sent {
        let call = call(self.client.clone(), self.endpoint.clone(), message);
        let mut call = Box::pin(call);
        let limit = within.min(self.answer_within);
        if let Ok(reading) = tokio::time::timeout(limit, &mut call).await {
            return self.answer(reading, ResultSource::Sync).into();
        }
        let answer = self.answer(Reading::of(ResultOutcome::Timeout, "NO_ANSWER"), ResultSource::Sync);
        Sent { answer, late: Some(late(call, self.late_window, self.clock)) }
    }

    fn answer(&self, reading: Reading, source: ResultSource) -> IssuerAnswer {
        answer(reading, source, (self.clock)())
    }
}

impl Issuer for HttpIssuer {
    async fn send(&self, attempt: CommittedAttempt, within: Duration) -> Sent {
        match Message::of(&attempt) {
            Ok(message) => self.exchange(message, within).await,
            Err(Unspeakable(code)) => {
                self.answer(Reading::of(ResultOutcome::NotSent, code), ResultSource::Sync).into()
            }
        }
    }
}

fn answer(reading: Reading, source: ResultSource, received_at: DateTime<Utc>) -> IssuerAnswer {
    let Reading { outcome, issuer_ref, issuer_code, account } = reading;
    IssuerAnswer { outcome, source, issuer_ref, issuer_code, account, received_at }
}

/// The request after we have stopped waiting for it: only an answer that says something is worth keeping, for the
/// timeout is on record already.
fn late(
    call: impl Future<Output = Reading> + Send + Unpin + 'static,
    window: Duration,
    clock: Clock,
) -> LateAnswer {
    Box::pin(async move {
        let reading = tokio::time::timeout(window, call).await.ok()?;
        let says_nothing = reading.outcome.is_uncertain() || reading.outcome == ResultOutcome::NotSent;
        (!says_nothing).then(|| answer(reading, ResultSource::Late, clock()))
    })
}

/// Sends one request and reads one answer, without a limit of time.
async fn call(client: Client, endpoint: Url, message: Message) -> Reading {
    let mut url = endpoint;
    let path = format!("{}{}", url.path().trim_end_matches('/'), message.path);
    url.set_path(&path);
    let request = client
        .post(url)
        .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
        .body(message.body.clone());
    match request.send().await {
        Ok(response) if response.status() == StatusCode::OK => match body(response).await {
            Ok(body) => wire::read(&message, &body),
            Err(reading) => reading,
        },
        Ok(response) => Reading::of(ResultOutcome::Garbled, &format!("HTTP_{}", response.status().as_u16())),
        Err(error) => failed(&error),
    }
}

async fn body(mut response: Response) -> Result<Vec<u8>, Reading> {
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| failed(&error))? {
        if bytes.len() + chunk.len() > MAX_BODY {
            return Err(Reading::of(ResultOutcome::Garbled, "TOO_LONG"));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

/// What a failed request proves. Only a connection that was never made (or a request that could not be built) proves that
/// no byte left; a connection that breaks afterwards proves nothing.
fn failed(error: &reqwest::Error) -> Reading {
    if error.is_connect() {
        let code = if error.is_timeout() { "CONNECT_TIMEOUT" } else { "NOT_CONNECTED" };
        return Reading::of(ResultOutcome::NotSent, code);
    }
    if error.is_builder() {
        return Reading::of(ResultOutcome::NotSent, "NOT_BUILT");
    }
    if error.is_timeout() {
        return Reading::of(ResultOutcome::Timeout, "NO_ANSWER");
    }
    if is_unparsable(error) {
        return Reading::of(ResultOutcome::Garbled, "NOT_HTTP");
    }
    Reading::of(ResultOutcome::Reset, "CONNECTION_LOST")
}

/// Bytes came back, and they are no HTTP.
fn is_unparsable(error: &reqwest::Error) -> bool {
    let mut source = std::error::Error::source(error);
    while let Some(inner) = source {
        if let Some(hyper) = inner.downcast_ref::<hyper::Error>() {
            return hyper.is_parse();
        }
        source = inner.source();
    }
    false
}

/// `reqwest` is built without a TLS provider of its own.
fn install_tls_provider() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // A provider that the process installed before is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
}

#[cfg(test)]
mod tests;
