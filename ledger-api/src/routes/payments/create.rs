//! `POST /v1/payments`

use axum::extract::State;
use axum::response::Response;
use ledger_core::ids::Slot;
use ledger_core::money::{Currency, Minor};
use ledger_core::payment::create::Create;
use ledger_core::store::idempotency::Operation;
use serde_json::Value;
use utoipa::ToSchema;

use crate::api::Api;
use crate::body::StrictJson;
use crate::fields::{self, Faults, Fields};
use crate::problem::Problem;
use crate::render::Kept;
use crate::routes::{Write, written};
use crate::view::PaymentView;

/// The intent to be paid.
#[derive(Debug, ToSchema)]
#[schema(rename_all = "camelCase")]
#[expect(dead_code, reason = "this is how the schema says what `read` takes")]
pub struct CreatePayment {
    /// The merchant's order: `A-Z a-z 0-9 . _ : = -`.
    #[schema(
        example = "order-20261124-1",
        min_length = 1,
        max_length = 64,
        pattern = "^[A-Za-z0-9._:=-]{1,64}$"
    )]
    order_id: String,
    /// KRW or USD.
    #[schema(value_type = String, example = "KRW", pattern = "^(KRW|USD)$")]
    currency: Currency,
    /// In minor units: won, cents.
    #[schema(value_type = i64, example = 50_000, minimum = 1, maximum = 1_000_000_000_000_000_i64)]
    total_amount: Minor,
    /// How much of it bears no tax; 0 when left out.
    #[schema(value_type = Option<i64>, example = 0, minimum = 0, maximum = 1_000_000_000_000_000_i64)]
    tax_free_amount: Option<Minor>,
}

fn read(body: &Value, merchant_id: &str) -> Result<Create, Problem> {
    let mut faults = Faults::default();
    let command = command(body, merchant_id, &mut faults);
    faults.then(command)
}

fn command(body: &Value, merchant_id: &str, faults: &mut Faults) -> Option<Create> {
    let mut fields = Fields::of("", body, faults)?;
    let order_id = fields.required("orderId", fields::order_id, faults);
    let currency = fields.required("currency", fields::code::<Currency>, faults);
    let total = fields.required("totalAmount", fields::amount, faults);
    let tax_free = fields.optional("taxFreeAmount", fields::amount_or_zero, faults).unwrap_or(Minor::ZERO);
    if total.is_some_and(|total| tax_free > total) {
        faults.add(fields.pointer("taxFreeAmount"), "is more than totalAmount");
    }
    fields.end(faults);
    Some(Create {
        merchant_id: merchant_id.to_owned(),
        order_id: order_id?,
        currency: currency?,
        total: total?,
        tax_free,
    })
}

/// Creates a payment: the intent, before any method is chosen.
#[utoipa::path(post, path = "/v1/payments", tag = "payments", request_body = CreatePayment,
    responses((status = 201, description = "Created: READY, to be confirmed within 30 minutes.", body = PaymentView,
        headers(("Location" = String, description = "Path of the payment."),
                ("ETag" = String, description = "Number of its last change.")))))]
pub async fn create(
    State(api): State<Api>,
    write: Write,
    StrictJson(body): StrictJson,
) -> Result<Response, Problem> {
    let cmd = read(&body, &write.caller.merchant_id)?;
    let time = write.time;
    let slot = Slot::of(&cmd.merchant_id, &cmd.order_id);
    let op = write.operation(Operation::Create, "/v1/payments", slot, &body);
    if op.versions.is_some() {
        return Err(Problem::parameter(
            "If-Match",
            "there is no payment yet whose version it could be, leave it out",
        ));
    }
    let ledger = api.ledger().clone();
    written(&api, time, Kept::Created, async move { ledger.create(&op, &cmd, &Kept::Created).await }).await
}
