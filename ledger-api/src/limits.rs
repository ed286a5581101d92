//! How much a caller may ask at once: length of the address, number and size of headers, requests under way.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use tokio::sync::Semaphore;

use crate::api::Api;
use crate::problem::{Code, Problem};

/// The limits.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Bytes of a body.
    pub body_bytes: usize,
    /// Bytes of an address, path and query.
    pub uri_bytes: usize,
    /// Bytes of all header names and values.
    pub header_bytes: usize,
    /// Number of headers.
    pub header_count: usize,
    /// Connections at most; further ones wait to be accepted.
    pub connections: usize,
    /// Longest wait for the headers of a request, or for a further request.
    pub header_within: Duration,
    /// Longest wait for a body.
    pub body_within: Duration,
    /// Requests under way at most, reads and writes each.
    pub in_flight: usize,
    /// Requests waiting for a place at most, reads and writes each.
    pub queued: usize,
    /// Longest wait for a place.
    pub queue_within: Duration,
}

/// The places for requests under way. Reads have their own: an issuer that is slow fills those for writes, and callers
/// must be able to ask how their payments stand all the more.
#[derive(Debug)]
pub struct Places {
    reads: Line,
    writes: Line,
}

/// Places, and the line before them.
#[derive(Debug)]
struct Line {
    free: Arc<Semaphore>,
    waiting: AtomicUsize,
    limits: Limits,
}

impl Places {
    /// As many as the limits say.
    pub fn new(limits: Limits) -> Self {
        Self { reads: Line::new(limits), writes: Line::new(limits) }
    }

    async fn take(&self, method: &Method) -> Option<tokio::sync::OwnedSemaphorePermit> {
        let line = if method.is_safe() { &self.reads } else { &self.writes };
        line.take().await
    }
}

impl Line {
    fn new(limits: Limits) -> Self {
        Self { free: Arc::new(Semaphore::new(limits.in_flight)), waiting: AtomicUsize::new(0), limits }
    }

    async fn take(&self) -> Option<tokio::sync::OwnedSemaphorePermit> {
        if let Ok(place) = Arc::clone(&self.free).try_acquire_owned() {
            return Some(place);
        }
        let _waiting = Waiting::join(&self.waiting, self.limits.queued)?;
        let place = tokio::time::timeout(self.limits.queue_within, Arc::clone(&self.free).acquire_owned());
        place.await.ok()?.ok()
    }
}

/// One who waits; leaves the line when dropped.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn join(line: &'a AtomicUsize, longest: usize) -> Option<Self> {
        let joined = Self(line);
        if line.fetch_add(1, Ordering::Relaxed) >= longest { None } else { Some(joined) }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Refuses addresses and headers beyond the limits.
pub async fn sizes(State(api): State<Api>, request: Request, next: Next) -> Response {
    let limits = api.limits();
    let uri_bytes = request.uri().path_and_query().map_or(0, |uri| uri.as_str().len());
    if uri_bytes > limits.uri_bytes {
        let detail = format!("the address has {uri_bytes} bytes, at most {} are taken", limits.uri_bytes);
        return Problem::new(Code::UriTooLong, detail).into_response();
    }
    let headers = request.headers();
    let header_bytes: usize = headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    if headers.len() > limits.header_count || header_bytes > limits.header_bytes {
        let detail = format!(
            "{} headers with {header_bytes} bytes came, at most {} with {} bytes are taken",
            headers.len(),
            limits.header_count,
            limits.header_bytes
        );
        return Problem::new(Code::HeadersTooLarge, detail).into_response();
    }
    next.run(request).await
}

/// Lets a request in when there is a place for it.
pub async fn places(State(api): State<Api>, request: Request, next: Next) -> Response {
    match api.places().take(request.method()).await {
        Some(_place) => next.run(request).await,
        None => Problem::new(Code::Overloaded, "all places are taken; nothing was tried")
            .retry_after(1)
            .into_response(),
    }
}
