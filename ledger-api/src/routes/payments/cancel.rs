//! `POST /v1/payments/{id}/cancellations`

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use ledger_core::money::Minor;
use ledger_core::payment::cancel::Cancel;
use ledger_core::store::idempotency::Operation;
use serde_json::Value;
use utoipa::ToSchema;

use crate::api::Api;
use crate::body::StrictJson;
use crate::fields::{self, Faults, Fields};
use crate::problem::Problem;
use crate::render::{self, Kept};
use crate::routes::{PathId, Write};
use crate::view::{self, CanceledView};

/// What is to be refunded.
#[derive(Debug, ToSchema)]
#[schema(rename_all = "camelCase")]
#[expect(dead_code, reason = "this is how the schema says what `read` takes")]
pub struct CancelPayment {
    /// In minor units; all that can be canceled when left out.
    #[schema(value_type = Option<i64>, example = 20_000, minimum = 1, maximum = 1_000_000_000_000_000_i64)]
    cancel_amount: Option<Minor>,
    /// How much of it bears no tax; as little as possible when left out.
    #[schema(value_type = Option<i64>, minimum = 0, maximum = 1_000_000_000_000_000_i64)]
    tax_free_amount: Option<Minor>,
    /// `balanceAmount` as the caller knows it; refused with 412 when it is another.
    #[schema(value_type = Option<i64>, minimum = 0, maximum = 1_000_000_000_000_000_i64)]
    expected_balance: Option<Minor>,
    /// Why, in words; no control characters.
    #[schema(example = "one item returned", min_length = 1, max_length = 200)]
    reason: String,
}

fn read(body: &Value) -> Result<Cancel, Problem> {
    let mut faults = Faults::default();
    let command = command(body, &mut faults);
    faults.then(command)
}

fn command(body: &Value, faults: &mut Faults) -> Option<Cancel> {
    let mut fields = Fields::of("", body, faults)?;
    let amount = fields.optional("cancelAmount", fields::amount, faults);
    let tax_free = fields.optional("taxFreeAmount", fields::amount_or_zero, faults);
    if amount.is_some() && tax_free > amount {
        faults.add(fields.pointer("taxFreeAmount"), "is more than cancelAmount");
    }
    let expected_balance = fields.optional("expectedBalance", fields::amount_or_zero, faults);
    let reason = fields.required("reason", fields::words, faults);
    fields.end(faults);
    Some(Cancel { cancel_request_id: String::new(), amount, tax_free, expected_balance, reason: reason? })
}

/// Cancels a payment in full or in part. The approval refunded first is emptied first: card, easy pay, transfer, mobile,
/// points.
#[utoipa::path(post, path = "/v1/payments/{paymentId}/cancellations", tag = "payments", request_body = CancelPayment,
    responses(
        (status = 200, description = "The issuers have refunded: DONE, or PARTIALLY_DONE when one of several refused.", body = CanceledView,
            headers(("ETag" = String, description = "Number of the payment's last change."))),
        (status = 202, description = "IN_PROGRESS: an issuer has not answered; the amount is held and the same cancel is repeated.", body = CanceledView,
            headers(("ETag" = String, description = "Number of the payment's last change."),
                    ("Retry-After" = i32, description = "Seconds after which to repeat the request with the same key, or get the payment.")))))]
pub async fn cancel(
    State(api): State<Api>,
    write: Write,
    PathId(id): PathId,
    StrictJson(body): StrictJson,
) -> Result<Response, Problem> {
    let mut cmd = read(&body)?;
    let time = write.time;
    let op =
        write.operation(Operation::Cancel, &format!("{}/cancellations", view::path(id)), id.slot(), &body);
    cmd.cancel_request_id = op.cancel_request_id();
    match api.gateway().cancel(op, id, cmd, time.deadline, Arc::new(Kept::Canceled)).await {
        Ok(answer) => Ok(render::answer(Kept::Canceled, answer)),
        Err(error) => Err(Problem::of_run(&error)),
    }
}
