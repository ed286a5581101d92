//! What surrounds every request: its ids, its place in the log and the metrics, and the body of its problem. Bodies and
//! query strings are never logged.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{FromRequestParts, MatchedPath, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use futures_util::FutureExt as _;
use ledger_core::card_number;
use ledger_core::ids::RequestId;
use tokio::time::Instant;
use tracing::Instrument as _;

use crate::metrics;
use crate::problem::{self, Problem};

/// The caller's name for a request, echoed.
pub const REQUEST_ID: &str = "x-request-id";
const LONGEST_REQUEST_ID: usize = 64;

/// The ids of a request.
#[derive(Debug, Clone)]
pub struct Context {
    /// Ours: kept with every change the request makes.
    pub request_id: RequestId,
    /// The caller's, or ours when it gave none.
    pub name: Arc<str>,
    /// Of its `traceparent`, or made from ours.
    pub trace_id: Arc<str>,
}

impl Context {
    fn of(headers: &HeaderMap) -> Self {
        let request_id = RequestId::new(&mut rand::rng());
        let name = single(headers, REQUEST_ID).filter(|name| is_request_id(name));
        let trace_id = single(headers, "traceparent").and_then(trace_id);
        Self {
            request_id,
            name: name.map_or_else(|| request_id.to_string().into(), Into::into),
            trace_id: trace_id.map_or_else(|| hex::encode(request_id.as_bytes()).into(), Into::into),
        }
    }
}

impl<S: Sync> FromRequestParts<S> for Context {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        parts.extensions.get::<Self>().cloned().ok_or_else(problem::internal)
    }
}

/// The text of a header that stands once.
fn single<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?;
    if values.next().is_some() { None } else { value.to_str().ok() }
}

fn is_request_id(name: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"._:-".contains(&b);
    !name.is_empty()
        && name.len() <= LONGEST_REQUEST_ID
        && name.bytes().all(plain)
        && !card_number::is_in(name)
}

/// The trace id of a W3C `traceparent`; one in which a card number lies between letters is not repeated.
fn trace_id(parent: &str) -> Option<&str> {
    let mut parts = parent.split('-');
    let (version, id, span, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let hex = |text: &str, length: usize| {
        text.len() == length && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
    };
    let known = hex(version, 2) && version != "ff" && hex(span, 16) && hex(flags, 2);
    let digits = || id.split(|c: char| !c.is_ascii_digit()).any(card_number::is_in);
    (known && hex(id, 32) && id.bytes().any(|b| b != b'0') && !digits()).then_some(id)
}

/// The outermost layer.
pub async fn layer(mut request: Request, next: Next) -> Response {
    let started = Instant::now();
    let context = Context::of(request.headers());
    let method = request.method().clone();
    let instance = request.uri().path().to_owned();
    let route = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned());
    let route = route.unwrap_or_else(|| "none".to_owned());
    let span = tracing::info_span!("request", http.method = %method, http.route = route, request.id = %context.name, trace.id = %context.trace_id);
    request.extensions_mut().insert(context.clone());
    let running = metrics::Running::begin();
    let answered = AssertUnwindSafe(next.run(request)).catch_unwind().instrument(span.clone()).await;
    drop(running);
    let mut response = answered.unwrap_or_else(|_| {
        span.in_scope(|| tracing::error!("a handler panicked"));
        problem::internal().into_response()
    });
    render_problem(&mut response, &instance, &context);
    let headers = response.headers_mut();
    if let Ok(name) = HeaderValue::from_str(&context.name) {
        headers.insert(REQUEST_ID, name);
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    metrics::answered(&method, &route, response.status(), started.elapsed());
    span.in_scope(|| {
        tracing::info!(
            http.status = response.status().as_u16(),
            elapsed_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
            "answered"
        );
    });
    response
}

/// Gives a problem the body that names this request.
fn render_problem(response: &mut Response, instance: &str, context: &Context) {
    let Some(problem) = response.extensions_mut().remove::<Problem>() else { return };
    metrics::refused(problem.code);
    let instance = if card_number::is_in(instance) { "[redacted]" } else { instance };
    let body = problem.body(Some(instance), Some(&context.trace_id));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(problem::CONTENT_TYPE));
    headers.remove(header::CONTENT_LENGTH);
    *response.body_mut() = Body::from(body);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_id_is_taken_from_a_valid_parent_only() {
        let id = "0af7651916cd43dd8448eb211c80319c";
        assert_eq!(trace_id(&format!("00-{id}-b7ad6b7169203331-01")), Some(id));
        assert_eq!(trace_id(&format!("ff-{id}-b7ad6b7169203331-01")), None);
        assert_eq!(trace_id("00-00000000000000000000000000000000-b7ad6b7169203331-01"), None);
        assert_eq!(trace_id("nonsense"), None);
        assert_eq!(trace_id("00-aaaaaaaa4111111111111111bbbbbbbb-b7ad6b7169203331-01"), None);
    }

    #[test]
    fn a_request_id_is_plain_and_holds_no_card_number() {
        assert!(is_request_id("req-7f:1.a_b"));
        assert!(!is_request_id("4111111111111111"));
        assert!(!is_request_id("a b"));
        assert!(!is_request_id(&"x".repeat(65)));
    }
}
