//! `POST /v1/payments/{id}/deposit-refunds` and how each ended.

use axum::extract::{FromRequestParts, State};
use axum::http::request::Parts;
use axum::response::Response;
use ledger_core::ids::PaymentId;
use ledger_core::money::Minor;
use ledger_core::payment::deposit::{Refund, RefundEnd};
use ledger_core::payment::fact::ShareOutcome;
use ledger_core::payment::refusal::Refusal;
use ledger_core::store::idempotency::Operation;
use serde_json::Value;
use utoipa::ToSchema;

use crate::api::Api;
use crate::body::StrictJson;
use crate::deposit_view::DepositRefundedView;
use crate::fields::{self, Faults, Fields};
use crate::problem::Problem;
use crate::render::Kept;
use crate::routes::payments::receiver::{self, ReceiverRequest};
use crate::routes::{PathId, Write, path_parts, written};
use crate::view;

/// Suspense money to send back.
#[derive(Debug, ToSchema)]
#[schema(rename_all = "camelCase")]
#[expect(dead_code, reason = "this is how the schema says what `read` takes")]
pub struct RefundDeposit {
    /// Number of the approval; may be left out when the payment has one virtual account.
    #[schema(example = 1, minimum = 1, maximum = 255)]
    leg: Option<u8>,
    /// In minor units; at most what is in suspense and not held by another refund.
    #[schema(value_type = i64, example = 10_000, minimum = 1, maximum = 1_000_000_000_000_000_i64)]
    amount: Minor,
    /// Where it goes.
    refund_receive_account: ReceiverRequest,
    /// Why, in words; no control characters.
    #[schema(example = "deposited twice", min_length = 1, max_length = 200)]
    reason: String,
}

/// How a refund of suspense money ended.
#[derive(Debug, ToSchema)]
#[schema(rename_all = "camelCase")]
#[expect(dead_code, reason = "this is how the schema says what `read_end` takes")]
pub struct EndDepositRefund {
    /// DONE: the money is on its way to the customer; FAILED: it definitely is not, and is back in suspense.
    #[schema(example = "DONE", pattern = "^(DONE|FAILED)$")]
    outcome: String,
    /// The bank's name for the transfer.
    #[schema(
        example = "20261124-000987",
        min_length = 1,
        max_length = 64,
        pattern = "^[A-Za-z0-9._:/-]{1,64}$"
    )]
    bank_reference: Option<String>,
}

fn read(body: &Value) -> Result<Refund, Problem> {
    let mut faults = Faults::default();
    let command = command(body, &mut faults);
    faults.then(command)
}

fn command(body: &Value, faults: &mut Faults) -> Option<Refund> {
    let mut fields = Fields::of("", body, faults)?;
    let leg_no = fields.optional("leg", fields::leg, faults);
    let amount = fields.required("amount", fields::amount, faults);
    let receiver = receiver::required(&mut fields, faults);
    let reason = fields.required("reason", fields::words, faults);
    fields.end(faults);
    Some(Refund {
        leg_no,
        refund_request_id: String::new(),
        amount: amount?,
        receiver: receiver?,
        reason: reason?,
    })
}

fn read_end(body: &Value, refund_no: u16) -> Result<RefundEnd, Problem> {
    let mut faults = Faults::default();
    let command = end(body, refund_no, &mut faults);
    faults.then(command)
}

fn end(body: &Value, refund_no: u16, faults: &mut Faults) -> Option<RefundEnd> {
    let mut fields = Fields::of("", body, faults)?;
    let outcome = fields.required("outcome", fields::code::<ShareOutcome>, faults);
    let bank_ref = fields.optional("bankReference", fields::bank_reference, faults);
    fields.end(faults);
    Some(RefundEnd { refund_no, outcome: outcome?, bank_ref })
}

/// Takes money out of suspense, to be sent back by the caller: this is recorded first, how it ended afterwards. What counts
/// towards a payment that waits stays: cancel that first.
#[utoipa::path(post, path = "/v1/payments/{paymentId}/deposit-refunds", tag = "payments", request_body = RefundDeposit,
    responses((status = 200, description = "IN_PROGRESS: the amount is held for this refund; send the money, then tell how it ended.", body = DepositRefundedView,
        headers(("ETag" = String, description = "Number of the payment's last change.")))))]
pub async fn refund(
    State(api): State<Api>,
    write: Write,
    PathId(id): PathId,
    StrictJson(body): StrictJson,
) -> Result<Response, Problem> {
    let mut cmd = read(&body)?;
    let time = write.time;
    let path = format!("{}/deposit-refunds", view::path(id));
    let op = write.operation(Operation::DepositRefund, &path, id.slot(), &body);
    cmd.refund_request_id = op.cancel_request_id();
    let ledger = api.ledger().clone();
    let work = async move { ledger.refund_deposit(&op, id, &cmd, &Kept::DepositRefunded).await };
    written(&api, time, Kept::DepositRefunded, work).await
}

/// Tells how a refund of suspense money ended; the first word counts.
#[utoipa::path(post, path = "/v1/payments/{paymentId}/deposit-refunds/{refundNo}/result", tag = "payments",
    request_body = EndDepositRefund,
    params(("refundNo" = u16, Path, description = "Number of the refund.", minimum = 1)),
    responses((status = 200, description = "Recorded: DONE or FAILED.", body = DepositRefundedView,
        headers(("ETag" = String, description = "Number of the payment's last change.")))))]
pub async fn ended(
    State(api): State<Api>,
    write: Write,
    RefundPath { id, refund_no }: RefundPath,
    StrictJson(body): StrictJson,
) -> Result<Response, Problem> {
    let cmd = read_end(&body, refund_no)?;
    let time = write.time;
    let path = format!("{}/deposit-refunds/{refund_no}/result", view::path(id));
    let op = write.operation(Operation::DepositRefundResult, &path, id.slot(), &body);
    let ledger = api.ledger().clone();
    let work = async move { ledger.end_deposit_refund(&op, id, &cmd, &Kept::DepositRefunded).await };
    written(&api, time, Kept::DepositRefunded, work).await
}

/// A payment's id and the number of one of its deposit refunds.
#[derive(Debug, Clone, Copy)]
pub struct RefundPath {
    id: PaymentId,
    refund_no: u16,
}

impl FromRequestParts<Api> for RefundPath {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Problem> {
        let [id, refund_no] = path_parts::<2>(parts, api).await?;
        let PathId(id) = PathId::of(&id)?;
        let number = refund_no.parse().ok().filter(|number| *number > 0);
        let refund_no = number.ok_or_else(|| Problem::from(&Refusal::NoSuchDepositRefund(0)))?;
        Ok(Self { id, refund_no })
    }
}
