//! What the service counts and times, declared once.

use std::time::Duration;

use axum::http::{Method, StatusCode};
use metrics::{Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};

use crate::problem::Code;

const REQUEST_SECONDS: &str = "ledger_api_request_seconds";
const REQUESTS_RUNNING: &str = "ledger_api_requests_running";
const PROBLEMS_TOTAL: &str = "ledger_api_problems_total";
const REPLAYED_TOTAL: &str = "ledger_api_replayed_total";

/// Says what each is.
pub fn describe() {
    describe_histogram!(
        REQUEST_SECONDS,
        Unit::Seconds,
        "requests, from the first header to the answer, by route and status"
    );
    describe_gauge!(REQUESTS_RUNNING, "requests under way, waiting ones included");
    describe_counter!(PROBLEMS_TOTAL, "problems answered, by code");
    describe_counter!(REPLAYED_TOTAL, "answers replayed under their idempotency key");
    gauge!(REQUESTS_RUNNING).set(0.0);
}

/// One request under way.
#[derive(Debug)]
pub struct Running(());

impl Running {
    /// It has come.
    pub fn begin() -> Self {
        gauge!(REQUESTS_RUNNING).increment(1.0);
        Self(())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        gauge!(REQUESTS_RUNNING).decrement(1.0);
    }
}

/// A request was answered. Methods nobody has heard of share one name, so that callers cannot grow the list.
pub fn answered(method: &Method, route: &str, status: StatusCode, took: Duration) {
    let method = match *method {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::HEAD => "HEAD",
        _ => "other",
    };
    let labels =
        [("method", method.to_owned()), ("route", route.to_owned()), ("status", status.as_u16().to_string())];
    histogram!(REQUEST_SECONDS, &labels).record(took);
}

/// A problem was answered.
pub fn refused(code: Code) {
    counter!(PROBLEMS_TOTAL, "code" => code.code()).increment(1);
}

/// An answer was replayed.
pub fn replayed() {
    counter!(REPLAYED_TOTAL).increment(1);
}
