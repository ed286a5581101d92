//! `POST /v1/payments/{id}/cancellations`

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use ledger_core::ids::PaymentId;
use ledger_core::ledger::{LedgerError, Operation as Claimed};
use ledger_core::money::Minor;
use ledger_core::payment::allocation::{Allocation, Part};
use ledger_core::payment::cancel::Cancel;
use ledger_core::payment::confirm::MAX_LEGS;
use ledger_core::store::idempotency::Operation;
use serde_json::Value;
use utoipa::ToSchema;

use crate::api::Api;
use crate::body::{StrictJson, nested};
use crate::fields::{self, Faults, Fields};
use crate::problem::{Problem, While};
use crate::render::{self, Kept};
use crate::routes::payments::receiver::{ReceiverRequest, receiver};
use crate::routes::{PathId, Write, not_found};
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
    /// `cancelableAmount` as the caller knows it (`balanceAmount`, unless a cancel is in progress); refused with 412 when it
    /// is another.
    #[schema(value_type = Option<i64>, minimum = 0, maximum = 1_000_000_000_000_000_i64)]
    expected_balance: Option<Minor>,
    /// REFUND_ORDER, when left out: the approval refunded first is emptied first. PRORATA: in proportion to what remains of
    /// each. Not together with `allocations`.
    #[schema(value_type = Option<String>, example = "PRORATA", pattern = "^(REFUND_ORDER|PRORATA)$")]
    allocation: Option<String>,
    /// Which approvals carry it, each with its part; the parts add up to `cancelAmount`, or are it when that is left out.
    #[schema(min_items = 1, max_items = 8)]
    allocations: Option<Vec<AllocationRequest>>,
    /// Where the money of an approval by VIRTUAL_ACCOUNT goes; required when one carries a part of the cancel.
    refund_receive_account: Option<ReceiverRequest>,
    /// Only say what would come of it if every issuer refunded: nothing is written, no issuer is asked, the key stays free.
    dry_run: Option<bool>,
    /// Why, in words; no control characters.
    #[schema(example = "one item returned", min_length = 1, max_length = 200)]
    reason: String,
}

/// What one approval is to carry.
#[derive(Debug, ToSchema)]
#[schema(rename_all = "camelCase")]
#[expect(dead_code, reason = "this is how the schema says what `read` takes")]
pub struct AllocationRequest {
    /// Number of the approval.
    #[schema(example = 1, minimum = 1, maximum = 255)]
    leg: u8,
    /// In minor units; all that remains of it when it cannot be canceled in part.
    #[schema(value_type = i64, example = 15_000, minimum = 1, maximum = 1_000_000_000_000_000_i64)]
    amount: Minor,
    /// How much of it bears no tax; for every allocation or for none.
    #[schema(value_type = Option<i64>, minimum = 0, maximum = 1_000_000_000_000_000_i64)]
    tax_free_amount: Option<Minor>,
}

/// A cancel, and whether it is only to be foreseen.
pub(crate) struct Wanted {
    cancel: Cancel,
    dry_run: bool,
}

pub(crate) fn read(body: &Value) -> Result<Wanted, Problem> {
    let mut faults = Faults::default();
    let command = command(body, &mut faults);
    faults.then(command)
}

fn command(body: &Value, faults: &mut Faults) -> Option<Wanted> {
    let mut fields = Fields::of("", body, faults)?;
    let amount = fields.optional("cancelAmount", fields::amount, faults);
    let tax_free = fields.optional("taxFreeAmount", fields::amount_or_zero, faults);
    if amount.is_some() && tax_free > amount {
        faults.add(fields.pointer("taxFreeAmount"), "is more than cancelAmount");
    }
    let expected_balance = fields.optional("expectedBalance", fields::amount_or_zero, faults);
    let allocation = allocation(&mut fields, amount, tax_free, faults);
    let refund_to = receiver(&mut fields, faults);
    let dry_run = fields.optional("dryRun", fields::flag, faults).unwrap_or(false);
    let reason = fields.required("reason", fields::words, faults);
    fields.end(faults);
    let cancel = Cancel {
        cancel_request_id: String::new(),
        amount,
        tax_free,
        expected_balance,
        allocation: allocation?,
        refund_to,
        reason: reason?,
    };
    Some(Wanted { cancel, dry_run })
}

/// How it is spread: named, or part by part.
fn allocation(
    fields: &mut Fields<'_>,
    amount: Option<Minor>,
    tax_free: Option<Minor>,
    faults: &mut Faults,
) -> Option<Allocation> {
    let named = fields.optional("allocation", named, faults);
    let pointer = fields.pointer("allocations");
    let Some(value) = fields.raw("allocations") else { return Some(named.unwrap_or_default()) };
    if named.is_some() {
        faults.add(fields.pointer("allocation"), "is not taken together with allocations; leave one out");
    }
    let items = match value {
        Value::Array(items) if (1..=MAX_LEGS).contains(&items.len()) => items,
        Value::Array(items) => {
            faults.add(&pointer, format!("has {} allocations; 1 to {MAX_LEGS} are taken", items.len()));
            return None;
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_) => {
            faults.add(&pointer, "a list is expected");
            return None;
        }
    };
    let mut at = pointer.clone();
    let parts: Vec<_> = items
        .iter()
        .enumerate()
        .map(|(index, item)| nested(&mut at, &index.to_string(), |at| part(at, item, faults)))
        .collect();
    let parts: Vec<_> = parts.into_iter().collect::<Option<_>>()?;
    sums(&pointer, &parts, amount, tax_free, faults);
    Some(Allocation::Explicit(parts))
}

fn named(value: &Value) -> Result<Allocation, String> {
    match value.as_str() {
        Some("REFUND_ORDER") => Ok(Allocation::RefundOrder),
        Some("PRORATA") => Ok(Allocation::Prorata),
        Some(_) | None => Err("is none of REFUND_ORDER PRORATA".to_owned()),
    }
}

fn part(at: &str, item: &Value, faults: &mut Faults) -> Option<Part> {
    let mut fields = Fields::of(at, item, faults)?;
    let leg_no = fields.required("leg", fields::leg, faults);
    let amount = fields.required("amount", fields::amount, faults);
    let tax_free = fields.optional("taxFreeAmount", fields::amount_or_zero, faults);
    if amount.is_some() && tax_free > amount {
        faults.add(fields.pointer("taxFreeAmount"), "is more than amount");
    }
    fields.end(faults);
    Some(Part { leg_no: leg_no?, amount: amount?, tax_free })
}

/// What the list says against itself or against the whole.
fn sums(pointer: &str, parts: &[Part], amount: Option<Minor>, tax_free: Option<Minor>, faults: &mut Faults) {
    for (at, part) in parts.iter().enumerate() {
        if parts.iter().take(at).any(|earlier| earlier.leg_no == part.leg_no) {
            faults.add(format!("{pointer}/{at}/leg"), format!("approval {} is listed twice", part.leg_no));
        }
        if part.tax_free.is_some() != parts.iter().any(|part| part.tax_free.is_some()) {
            faults.add(format!("{pointer}/{at}/taxFreeAmount"), "is said for every allocation or for none");
        }
    }
    match Minor::sum(parts.iter().map(|part| part.amount)) {
        Ok(sum) if amount.is_some_and(|amount| amount != sum) => {
            faults.add(pointer, format!("add up to {sum}, which is not cancelAmount"));
        }
        Ok(_) => {}
        Err(error) => faults.add(pointer, error.to_string()),
    }
    let told: Option<Vec<_>> = parts.iter().map(|part| part.tax_free).collect();
    if let Some(Ok(sum)) = told.map(Minor::sum)
        && tax_free.is_some_and(|tax_free| tax_free != sum)
    {
        faults.add(pointer, format!("their tax-free parts add up to {sum}, which is not taxFreeAmount"));
    }
}

/// Cancels a payment in full or in part; one that waits for its deposit in full, which closes it. Unless the request says otherwise, the approval refunded first is emptied first:
/// card, easy pay, transfer, mobile, points.
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
    let Wanted { cancel: mut cmd, dry_run } = read(&body)?;
    let time = write.time;
    let op =
        write.operation(Operation::Cancel, &format!("{}/cancellations", view::path(id)), id.slot(), &body);
    cmd.cancel_request_id = op.cancel_request_id();
    if dry_run {
        return foresee(&api, &op, id, &cmd).await;
    }
    match api.gateway().cancel(op, id, cmd, time.deadline, Arc::new(Kept::Canceled)).await {
        Ok(answer) => Ok(render::answer(Kept::Canceled, answer)),
        Err(error) => Err(Problem::of_run(&error)),
    }
}

/// The answer that the cancel would have.
async fn foresee(api: &Api, op: &Claimed, id: PaymentId, cmd: &Cancel) -> Result<Response, Problem> {
    match api.ledger().foresee_cancel(op, id, cmd).await {
        Ok(foreseen) => render::foreseen(&foreseen, op.asked.at),
        Err(LedgerError::NotFound) => Err(not_found()),
        Err(error) => Err(Problem::of_ledger(&error, While::Reading)),
    }
}
