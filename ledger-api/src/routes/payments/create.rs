//! `POST /v1/payments`

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use ledger_core::ids::Slot;
use ledger_core::money::{Currency, Minor};
use ledger_core::payment::confirm::Confirm;
use ledger_core::payment::create::Create;
use ledger_core::store::idempotency::Operation;
use serde_json::Value;
use utoipa::ToSchema;

use crate::api::Api;
use crate::body::StrictJson;
use crate::fields::{self, Faults, Fields};
use crate::problem::Problem;
use crate::render::{self, Kept};
use crate::routes::payments::confirm::{self, ConfirmPayment, not_covered};
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
    /// How it is to be paid, to create and confirm in one request: the same as the body of a confirm.
    confirm: Option<ConfirmPayment>,
}

/// The intent, and how it is to be paid when that is said at once.
pub(crate) struct Wanted {
    pub(crate) create: Create,
    confirm: Option<Confirm>,
}

pub(crate) fn read(body: &Value, merchant_id: &str) -> Result<Wanted, Problem> {
    let mut faults = Faults::default();
    let command = command(body, merchant_id, &mut faults);
    faults.then(command)
}

fn command(body: &Value, merchant_id: &str, faults: &mut Faults) -> Option<Wanted> {
    let mut fields = Fields::of("", body, faults)?;
    let order_id = fields.required("orderId", fields::order_id, faults);
    let currency = fields.required("currency", fields::code::<Currency>, faults);
    let total = fields.required("totalAmount", fields::amount, faults);
    let tax_free = fields.optional("taxFreeAmount", fields::amount_or_zero, faults).unwrap_or(Minor::ZERO);
    if total.is_some_and(|total| tax_free > total) {
        faults.add(fields.pointer("taxFreeAmount"), "is more than totalAmount");
    }
    let pointer = fields.pointer("confirm");
    let confirm = fields.raw("confirm").map(|body| confirm::command(&pointer, body, faults));
    fields.end(faults);
    let create = Create {
        merchant_id: merchant_id.to_owned(),
        order_id: order_id?,
        currency: currency?,
        total: total?,
        tax_free,
    };
    Some(Wanted { create, confirm: confirm.map_or(Some(None), |confirm| confirm.map(Some))? })
}

/// Creates a payment: the intent, before any method is chosen. With `confirm` it is confirmed in the same request, under the
/// same key: when an issuer refuses, the payment is there, aborted, and the answer is that of a confirm.
#[utoipa::path(post, path = "/v1/payments", tag = "payments", request_body = CreatePayment,
    responses((status = 201, description = "Created: READY, to be confirmed within 30 minutes; with `confirm` DONE.", body = PaymentView,
        headers(("Location" = String, description = "Path of the payment."),
                ("ETag" = String, description = "Number of its last change.")))))]
pub async fn create(
    State(api): State<Api>,
    write: Write,
    StrictJson(body): StrictJson,
) -> Result<Response, Problem> {
    let Wanted { create: cmd, confirm } = read(&body, &write.caller.merchant_id)?;
    let time = write.time;
    let slot = Slot::of(&cmd.merchant_id, &cmd.order_id);
    let op = write.operation(Operation::Create, "/v1/payments", slot, &body);
    if op.versions.is_some() {
        return Err(Problem::parameter(
            "If-Match",
            "there is no payment yet whose version it could be, leave it out",
        ));
    }
    let Some(confirm) = confirm else {
        let ledger = api.ledger().clone();
        let work = async move { ledger.create(&op, &cmd, &Kept::Created).await };
        return written(&api, time, Kept::Created, work).await;
    };
    if let Some(answered) = not_covered(&api, time, &op, &confirm, Kept::Created).await {
        return answered;
    }
    let answered = api.gateway().create(op, cmd, confirm, time.deadline, Arc::new(Kept::Created)).await;
    match answered {
        Ok(answer) => Ok(render::answer(Kept::Created, answer)),
        Err(error) => Err(Problem::of_run(&error)),
    }
}
