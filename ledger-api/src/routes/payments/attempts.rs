//! `POST /v1/payments/{id}/approvals/{leg}/attempts` and `POST …/attempts/{attemptNo}/result`: for a payment service that
//! talks to issuers itself.

use axum::extract::{FromRequestParts, State};
use axum::http::request::Parts;
use axum::response::Response;
use chrono::{DateTime, TimeDelta, Utc};
use ledger_core::ids::PaymentId;
use ledger_core::payment::confirm::{Answer, MAX_LEGS};
use ledger_core::payment::fact::{ResultOutcome, ResultSource};
use ledger_core::store::idempotency::Operation;
use ledger_runtime::clock;
use serde_json::Value;
use utoipa::ToSchema;

use crate::api::Api;
use crate::body::StrictJson;
use crate::fields::{self, Faults, Fields};
use crate::problem::Problem;
use crate::render::Kept;
use crate::routes::payments::confirm::{self, ApprovalRequest};
use crate::routes::{PathId, Write, path_parts, written};
use crate::view::{self, CallerAttemptView, PaymentView};

/// How far a caller's clock may be ahead of ours.
const CLOCK_SKEW: TimeDelta = TimeDelta::seconds(60);

/// A leg in the path.
#[derive(Debug, Clone, Copy)]
pub struct LegPath {
    payment_id: PaymentId,
    leg_no: u8,
}

impl FromRequestParts<Api> for LegPath {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Problem> {
        let [payment_id, leg] = path_parts(parts, api).await?;
        Self::of(&payment_id, &leg)
    }
}

impl LegPath {
    fn of(payment_id: &str, leg: &str) -> Result<Self, Problem> {
        let PathId(payment_id) = PathId::of(payment_id)?;
        let leg_no = number(leg).filter(|leg_no| (1..=MAX_LEGS).contains(&usize::from(*leg_no)));
        let leg_no = leg_no
            .and_then(|leg_no| u8::try_from(leg_no).ok())
            .ok_or_else(|| Problem::parameter("leg", format!("a number from 1 to {MAX_LEGS} is expected")))?;
        Ok(Self { payment_id, leg_no })
    }

    fn path(self) -> String {
        format!("{}/approvals/{}/attempts", view::path(self.payment_id), self.leg_no)
    }
}

/// An attempt in the path.
#[derive(Debug, Clone, Copy)]
pub struct AttemptPath {
    leg: LegPath,
    attempt_no: u16,
}

impl FromRequestParts<Api> for AttemptPath {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Problem> {
        let [payment_id, leg, attempt_no] = path_parts(parts, api).await?;
        let leg = LegPath::of(&payment_id, &leg)?;
        let attempt_no = number(&attempt_no)
            .ok_or_else(|| Problem::parameter("attemptNo", "a number from 1 to 65535 is expected"))?;
        Ok(Self { leg, attempt_no })
    }
}

/// A number above zero, spelled in one way only: the path is part of what a key is for.
fn number(text: &str) -> Option<u16> {
    let plain = text.bytes().all(|b| b.is_ascii_digit()) && !text.starts_with('0');
    if plain { text.parse().ok() } else { None }
}

/// Says an authorization before the caller sends it. The first attempt of an approval plans it; approvals come in any order
/// and add up to no more than the payment's total. Send it only on a fresh answer: one with `Idempotency-Replayed` is about
/// an attempt that may be on its way already.
#[utoipa::path(post, path = "/v1/payments/{paymentId}/approvals/{leg}/attempts", tag = "payments",
    request_body = ApprovalRequest,
    responses((status = 201, description = "Committed: send it under this trace number, and tell its result by the deadline.", body = CallerAttemptView,
        headers(("ETag" = String, description = "Number of the payment's last change.")))))]
pub async fn attempt(
    State(api): State<Api>,
    write: Write,
    at: LegPath,
    StrictJson(body): StrictJson,
) -> Result<Response, Problem> {
    let mut faults = Faults::default();
    let leg = confirm::leg("", &body, &mut faults);
    let leg = faults.then(leg)?;
    let time = write.time;
    let op = write.operation(Operation::Attempt, &at.path(), at.payment_id.slot(), &body);
    let kept = Kept::Attempted { leg_no: at.leg_no };
    let ledger = api.ledger().clone();
    let work = async move { ledger.tell_attempt(&op, at.payment_id, at.leg_no, &leg, &kept).await };
    written(&api, time, kept, work).await
}

/// What an issuer answered.
#[derive(Debug, ToSchema)]
#[schema(rename_all = "camelCase")]
#[expect(dead_code, reason = "this is how the schema says what `read` takes")]
pub struct AttemptResultRequest {
    /// APPROVED; DECLINED; TIMEOUT, GARBLED or RESET, when it is not known whether the issuer acted; NOT_SENT, with proof
    /// that no byte left.
    #[schema(value_type = String, example = "APPROVED", pattern = "^(APPROVED|DECLINED|TIMEOUT|GARBLED|RESET|NOT_SENT)$")]
    outcome: ResultOutcome,
    /// The issuer's own number: of an approval, its authorization number. Printable ASCII; required for APPROVED.
    #[schema(example = "30012345", min_length = 1, max_length = 64)]
    issuer_reference: Option<String>,
    /// The issuer's code. Printable ASCII.
    #[schema(min_length = 1, max_length = 32)]
    issuer_code: Option<String>,
    /// When the answer arrived (RFC 3339); now when left out.
    #[schema(value_type = Option<String>, format = DateTime, example = "2026-11-24T12:00:00+09:00")]
    received_at: Option<DateTime<Utc>>,
}

fn read(body: &Value) -> Result<Answer, Problem> {
    let mut faults = Faults::default();
    let answer = answer(body, &mut faults);
    faults.then(answer)
}

fn answer(body: &Value, faults: &mut Faults) -> Option<Answer> {
    let now = clock::now();
    let mut fields = Fields::of("", body, faults)?;
    let outcome = fields.required("outcome", outcome, faults);
    let issuer_ref = fields.optional("issuerReference", fields::issuer_reference, faults);
    let issuer_code = fields.optional("issuerCode", fields::issuer_code, faults);
    let received_at = fields.optional("receivedAt", fields::instant, faults).unwrap_or(now);
    if received_at > now + CLOCK_SKEW {
        faults.add(fields.pointer("receivedAt"), "lies in the future");
    }
    if outcome == Some(ResultOutcome::Approved) && issuer_ref.is_none() {
        faults.add(fields.pointer("issuerReference"), "is missing: an approval has an authorization number");
    }
    fields.end(faults);
    Some(Answer {
        outcome: outcome?,
        source: ResultSource::Caller,
        issuer_ref,
        issuer_code,
        received_at,
        account: None,
    })
}

fn outcome(value: &Value) -> Result<ResultOutcome, String> {
    match fields::code::<ResultOutcome>(value) {
        Ok(
            outcome @ (ResultOutcome::Approved
            | ResultOutcome::Declined
            | ResultOutcome::Timeout
            | ResultOutcome::Garbled
            | ResultOutcome::Reset
            | ResultOutcome::NotSent),
        ) => Ok(outcome),
        Ok(
            ResultOutcome::NoOriginal
            | ResultOutcome::Reversed
            | ResultOutcome::Canceled
            | ResultOutcome::TooLate
            | ResultOutcome::Issued,
        )
        | Err(_) => Err("is none of APPROVED DECLINED TIMEOUT GARBLED RESET NOT_SENT".to_owned()),
    }
}

/// Tells what an issuer answered. The answer is the payment: DONE once every approval stands and they add up to the total,
/// ABORTED once one was declined or is not known. An answer that comes after that is recorded and changes nothing.
#[utoipa::path(post, path = "/v1/payments/{paymentId}/approvals/{leg}/attempts/{attemptNo}/result", tag = "payments",
    request_body = AttemptResultRequest,
    responses((status = 200, description = "Recorded.", body = PaymentView,
        headers(("ETag" = String, description = "Number of the payment's last change.")))))]
pub async fn result(
    State(api): State<Api>,
    write: Write,
    at: AttemptPath,
    StrictJson(body): StrictJson,
) -> Result<Response, Problem> {
    let answer = read(&body)?;
    let time = write.time;
    let AttemptPath { leg: LegPath { payment_id, leg_no }, attempt_no } = at;
    let path = format!("{}/{attempt_no}/result", at.leg.path());
    let op = write.operation(Operation::Result, &path, payment_id.slot(), &body);
    let ledger = api.ledger().clone();
    let work =
        async move { ledger.tell_result(&op, payment_id, leg_no, attempt_no, &answer, &Kept::Told).await };
    written(&api, time, Kept::Told, work).await
}
