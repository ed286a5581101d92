//! `POST /v1/payments/{id}/deposits`

use axum::extract::State;
use axum::response::Response;
use chrono::TimeDelta;
use ledger_core::money::Minor;
use ledger_core::payment::deposit::Arrived;
use ledger_core::store::idempotency::Operation;
use ledger_runtime::clock;
use serde_json::Value;
use utoipa::ToSchema;

use crate::api::Api;
use crate::body::StrictJson;
use crate::deposit_view::DepositedView;
use crate::fields::{self, Faults, Fields};
use crate::problem::Problem;
use crate::render::Kept;
use crate::routes::{PathId, Write, written};
use crate::view;

/// How far a bank's clock may be ahead of ours.
const CLOCKS_APART: TimeDelta = TimeDelta::minutes(5);

/// Money that arrived on a virtual account.
#[derive(Debug, ToSchema)]
#[schema(rename_all = "camelCase")]
#[expect(dead_code, reason = "this is how the schema says what `read` takes")]
pub struct ReceiveDeposit {
    /// Number of the approval; may be left out when the payment has one virtual account.
    #[schema(example = 1, minimum = 1, maximum = 255)]
    leg: Option<u8>,
    /// The bank's name for the transfer: the same is the same deposit, however often it is told.
    #[schema(
        example = "20261124-000123",
        min_length = 1,
        max_length = 64,
        pattern = "^[A-Za-z0-9._:/-]{1,64}$"
    )]
    bank_reference: String,
    /// In minor units.
    #[schema(value_type = i64, example = 50_000, minimum = 1, maximum = 1_000_000_000_000_000_i64)]
    amount: Minor,
    /// When it was deposited, by the bank's clock.
    #[schema(format = DateTime, example = "2026-11-24T12:00:00+09:00")]
    deposited_at: String,
}

fn read(body: &Value) -> Result<Arrived, Problem> {
    let mut faults = Faults::default();
    let command = command(body, &mut faults);
    faults.then(command)
}

fn command(body: &Value, faults: &mut Faults) -> Option<Arrived> {
    let mut fields = Fields::of("", body, faults)?;
    let leg_no = fields.optional("leg", fields::leg, faults);
    let bank_ref = fields.required("bankReference", fields::bank_reference, faults);
    let amount = fields.required("amount", fields::amount, faults);
    let deposited_at = fields.required("depositedAt", fields::instant, faults);
    if deposited_at.is_some_and(|at| at > clock::now() + CLOCKS_APART) {
        faults.add(fields.pointer("depositedAt"), "lies in the future");
    }
    fields.end(faults);
    Some(Arrived { leg_no, bank_ref: bank_ref?, amount: amount?, deposited_at: deposited_at? })
}

/// Tells of money that arrived on a virtual account. What comes in time counts up to the approval's amount; once it is all
/// there the payment is DONE. What is too much, or comes after the payment has ended, stays in suspense.
#[utoipa::path(post, path = "/v1/payments/{paymentId}/deposits", tag = "payments", request_body = ReceiveDeposit,
    responses((status = 200, description = "The deposit is recorded; the payment's status says what it made of it.", body = DepositedView,
        headers(("ETag" = String, description = "Number of the payment's last change.")))))]
pub async fn receive(
    State(api): State<Api>,
    write: Write,
    PathId(id): PathId,
    StrictJson(body): StrictJson,
) -> Result<Response, Problem> {
    let cmd = read(&body)?;
    let time = write.time;
    let op = write.operation(Operation::Deposit, &format!("{}/deposits", view::path(id)), id.slot(), &body);
    let ledger = api.ledger().clone();
    let work = async move { ledger.receive_deposit(&op, id, &cmd, &Kept::Deposited).await };
    written(&api, time, Kept::Deposited, work).await
}
