//! From the end of a use case to the bytes its caller gets, now and on every replay.

use axum::Json;
use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use chrono::{DateTime, Utc};
use ledger_core::ledger::{Answer, Foreseen, Render};
use ledger_core::money::AmountError;
use ledger_core::payment::fold::Payment;
use ledger_core::payment::refusal::Refusal;
use ledger_core::store::idempotency::{Rendered, Replay};
use ledger_runtime::clock;
use serde::Serialize;

use crate::deposit_view::{DepositRefundedView, DepositedView};
use crate::metrics;
use crate::precondition::Seen;
use crate::problem::{self, Code, FieldError, Problem, internal};
use crate::view::{self, CallerAttemptView, CanceledView, PaymentView};

const JSON: &str = "application/json";
/// When to ask again for what is still running.
const ASK_AGAIN_SECONDS: u32 = 1;
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// Renders what is kept under a key: bytes that depend on facts only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// The answer to a create.
    Created,
    /// The answer to a confirm.
    Confirmed,
    /// The answer to a cancel.
    Canceled,
    /// The answer to an attempt that a caller is about to send.
    Attempted {
        /// Of this leg, the last.
        leg_no: u8,
    },
    /// The answer to what a caller tells.
    Told,
    /// The answer to a deposit.
    Deposited,
    /// The answer to a refund of suspense money, and to how it ended.
    DepositRefunded,
}

impl Kept {
    fn json(self, payment: &Payment, cancel_no: Option<u16>) -> Result<Vec<u8>, AmountError> {
        let view = PaymentView::kept(payment)?;
        Ok(match (self, cancel_no) {
            (Self::Canceled, Some(cancel_no)) => bytes(&CanceledView::of(payment, cancel_no, view)?),
            (Self::Attempted { leg_no }, _) => bytes(&CallerAttemptView::of(payment, leg_no)),
            (Self::Deposited, Some(no)) => bytes(&DepositedView::of(payment, no, view)),
            (Self::DepositRefunded, Some(no)) => bytes(&DepositRefundedView::of(payment, no, view)),
            (Self::Canceled, None) => bytes(&CanceledView::closed(view)),
            (Self::Created | Self::Confirmed | Self::Deposited | Self::DepositRefunded | Self::Told, _) => {
                bytes(&view)
            }
        })
    }
}

fn bytes(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).unwrap_or_default()
}

impl Render for Kept {
    fn done(&self, payment: &Payment, cancel_no: Option<u16>) -> Rendered {
        let Ok(body) = self.json(payment, cancel_no) else { return self.refused(&corrupt()) };
        let location = match self {
            Self::Created => Some(view::path(payment.id)),
            Self::Confirmed
            | Self::Canceled
            | Self::Attempted { .. }
            | Self::Told
            | Self::Deposited
            | Self::DepositRefunded => None,
        };
        let status = match self {
            Self::Created | Self::Attempted { .. } => StatusCode::CREATED,
            Self::Confirmed | Self::Canceled | Self::Told | Self::Deposited | Self::DepositRefunded => {
                StatusCode::OK
            }
        };
        Rendered { status: status.as_u16(), content_type: JSON, location, body }
    }

    fn refused(&self, refusal: &Refusal) -> Rendered {
        let problem = Problem::from(refusal);
        let body = problem.body(None, None);
        Rendered { status: problem.code.status(), content_type: problem::CONTENT_TYPE, location: None, body }
    }
}

/// Figures that do not add up cannot be shown; the facts are what they are.
fn corrupt() -> Refusal {
    Refusal::Amount(AmountError::OutOfRange(-1))
}

/// The response to a write.
pub fn answer(kept: Kept, answer: Answer) -> Response {
    match answer {
        Answer::Fresh(rendered) => {
            let Rendered { status, content_type, location, body } = rendered;
            stored(status, content_type, location, body)
        }
        Answer::Replayed(Replay { status, body: Some((content_type, location, body)) }) => {
            metrics::replayed();
            let mut response = stored(status, &content_type, location, body);
            response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
            response
        }
        Answer::Replayed(Replay { status, body: None }) => {
            let detail = format!(
                "the request ended with status {status}; its answer is no longer kept, get the payment"
            );
            Problem::new(Code::AnswerExpired, detail).into_response()
        }
        Answer::InProgress(payment, cancel_no) => in_progress(kept, &payment, cancel_no),
        Answer::Running => still_running(),
        Answer::Refused(refusal) => Problem::from(&refusal).into_response(),
        Answer::Reused(fields) => reused(fields).into_response(),
    }
}

/// A cancel that an issuer has not answered is told as it stands; a confirm that is still running will answer its caller.
fn in_progress(kept: Kept, payment: &Payment, cancel_no: Option<u16>) -> Response {
    let canceled = |cancel_no| {
        let view = PaymentView::of(payment, clock::now()).ok()?;
        CanceledView::of(payment, cancel_no, view).ok()?
    };
    match (kept, cancel_no.and_then(canceled)) {
        (Kept::Canceled, Some(view)) => {
            let mut response = (StatusCode::ACCEPTED, etag(view.payment.version), Json(view)).into_response();
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(ASK_AGAIN_SECONDS));
            response
        }
        (
            Kept::Created
            | Kept::Confirmed
            | Kept::Canceled
            | Kept::Attempted { .. }
            | Kept::Told
            | Kept::Deposited
            | Kept::DepositRefunded,
            _,
        ) => still_running(),
    }
}

fn still_running() -> Response {
    let detail = "the request with this key is still running; repeat it to get its answer";
    Problem::new(Code::RequestInProgress, detail).retry_after(ASK_AGAIN_SECONDS).into_response()
}

fn reused(fields: Vec<String>) -> Problem {
    let detail = "the key was used with another body; take a new key for a new operation";
    let errors =
        fields.into_iter().map(|field| FieldError::at(field, "differs from the first request")).collect();
    Problem::new(Code::IdempotencyKeyReused, detail).with_errors(errors)
}

/// Bytes as they are kept, with the headers that follow from them.
fn stored(status: u16, content_type: &str, location: Option<String>, body: Vec<u8>) -> Response {
    let mut response = problem::status(status).into_response();
    let headers = response.headers_mut();
    if let Ok(content_type) = HeaderValue::from_str(content_type) {
        headers.insert(header::CONTENT_TYPE, content_type);
    }
    if let Some(Ok(location)) = location.map(|location| HeaderValue::from_str(&location)) {
        headers.insert(header::LOCATION, location);
    }
    headers.extend(version_in(&body).and_then(problem::etag));
    if let Some(code) = code_in(status, &body) {
        metrics::refused(code);
    }
    *response.body_mut() = Body::from(body);
    response
}

/// The version of the payment that a kept body shows.
fn version_in(body: &[u8]) -> Option<u32> {
    #[derive(serde::Deserialize)]
    struct Versioned {
        version: Option<u32>,
        payment: Option<Box<Versioned>>,
    }
    let shown: Versioned = serde_json::from_slice(body).ok()?;
    shown.version.or_else(|| shown.payment?.version)
}

/// The code of a kept problem, for the metrics.
fn code_in(status: u16, body: &[u8]) -> Option<Code> {
    #[derive(serde::Deserialize)]
    struct Coded<'a> {
        code: &'a str,
    }
    if status < 400 {
        return None;
    }
    let shown: Coded<'_> = serde_json::from_slice(body).ok()?;
    Code::ALL.iter().copied().find(|code| code.code() == shown.code)
}

/// The header with the number of a payment's last change.
pub fn etag(version: u32) -> [(HeaderName, String); 1] {
    [(header::ETAG, format!("\"{version}\""))]
}

/// The response to a cancel that was only to be foreseen.
pub fn foreseen(foreseen: &Foreseen, now: DateTime<Utc>) -> Result<Response, Problem> {
    match CanceledView::foreseen(foreseen, now) {
        Ok(Some(view)) => Ok(Json(view).into_response()),
        Ok(None) => Err(internal()),
        Err(error) => {
            tracing::error!(payment.id = %foreseen.before.id, "{error}");
            Err(internal())
        }
    }
}

/// The response to a read of a payment as it stands at `at`. A reader that has this version already is told so, unless time
/// alone may have changed what it shows: a deadline passes without a change.
pub fn payment(payment: &Payment, at: DateTime<Utc>, seen: &Seen) -> Result<Response, Problem> {
    let view_at = |at| {
        PaymentView::of(payment, at).map_err(|error| {
            tracing::error!(payment.id = %payment.id, "{error}");
            internal()
        })
    };
    let view = view_at(at)?;
    let version = view.version;
    if seen.has(version) && bytes(&view) == bytes(&view_at(payment.opened.created_at)?) {
        return Ok(unchanged(version));
    }
    Ok((etag(version), Json(view)).into_response())
}

/// The response to a reader that has this version.
pub fn unchanged(version: u32) -> Response {
    (StatusCode::NOT_MODIFIED, etag(version)).into_response()
}
