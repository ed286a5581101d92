//! `POST /v1/payments/{id}/confirm`

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use ledger_core::ledger::Operation as Claimed;
use ledger_core::money::Minor;
use ledger_core::payment::confirm::{Confirm, LegRequest, MAX_LEGS};
use ledger_core::payment::fact::{CardRef, Method};
use ledger_core::store::idempotency::Operation;
use serde_json::Value;
use utoipa::ToSchema;

use crate::api::Api;
use crate::body::{StrictJson, nested};
use crate::deadline::Time;
use crate::fields::{self, Faults, Fields};
use crate::problem::{Problem, While};
use crate::render::{self, Kept};
use crate::routes::{PathId, Write};
use crate::view::{self, PaymentView};

/// How a payment is to be paid.
#[derive(Debug, ToSchema)]
#[schema(rename_all = "camelCase")]
#[expect(dead_code, reason = "this is how the schema says what `read` takes")]
pub struct ConfirmPayment {
    /// One per method; their amounts add up to the payment's total.
    #[schema(min_items = 1, max_items = 8)]
    approvals: Vec<ApprovalRequest>,
}

/// One part of a payment, by one method.
#[derive(Debug, ToSchema)]
#[schema(rename_all = "camelCase")]
#[expect(dead_code, reason = "this is how the schema says what `read` takes")]
pub struct ApprovalRequest {
    /// CARD, EASY_PAY, TRANSFER, VIRTUAL_ACCOUNT, MOBILE or POINTS.
    #[schema(value_type = String, example = "CARD", pattern = "^(CARD|EASY_PAY|TRANSFER|VIRTUAL_ACCOUNT|MOBILE|POINTS)$")]
    method: Method,
    /// Who approves it.
    #[schema(example = "issuer-1", min_length = 1, max_length = 32, pattern = "^[A-Za-z0-9._-]{1,32}$")]
    issuer_id: String,
    /// In minor units.
    #[schema(value_type = i64, example = 15_000, minimum = 1, maximum = 1_000_000_000_000_000_i64)]
    amount: Minor,
    /// Its share of the payment's tax-free part; in proportion when left out.
    #[schema(value_type = Option<i64>, minimum = 0, maximum = 1_000_000_000_000_000_i64)]
    tax_free_amount: Option<Minor>,
    /// Of the card, only this. For CARD and EASY_PAY.
    card: Option<CardRequest>,
    /// What stands for the card or account at the issuer: printable ASCII, never a card number.
    #[schema(min_length = 1, max_length = 64)]
    method_token: Option<String>,
    /// Months of instalments, for CARD and EASY_PAY; 0 for none.
    #[schema(minimum = 0, maximum = 60)]
    installment_months: Option<u8>,
    /// Whether a part of it may be canceled, where the method allows it; true when left out.
    partial_cancelable: Option<bool>,
    /// For VIRTUAL_ACCOUNT: how many hours a deposit is waited for; as the method's rule has it when left out.
    #[schema(minimum = 1, maximum = 8760)]
    deposit_hours: Option<u16>,
}

/// What may be said of a card.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "this is how the schema says what `card` takes")]
pub struct CardRequest {
    /// The first 6 to 8 digits.
    #[schema(example = "411111", pattern = "^[0-9]{6,8}$")]
    bin: String,
    /// The last four digits.
    #[schema(example = "1111", pattern = "^[0-9]{4}$")]
    last4: String,
}

pub(crate) fn read(body: &Value) -> Result<Confirm, Problem> {
    let mut faults = Faults::default();
    let command = command("", body, &mut faults);
    faults.then(command)
}

/// The confirm that stands at a place of a body.
pub fn command(at: &str, body: &Value, faults: &mut Faults) -> Option<Confirm> {
    let mut fields = Fields::of(at, body, faults)?;
    let pointer = fields.pointer("approvals");
    let items = match fields.raw("approvals") {
        Some(Value::Array(items)) if (1..=MAX_LEGS).contains(&items.len()) => Some(items),
        Some(Value::Array(items)) => {
            faults.add(&pointer, format!("has {} approvals; 1 to {MAX_LEGS} are taken", items.len()));
            None
        }
        Some(_) => {
            faults.add(&pointer, "a list is expected");
            None
        }
        None => {
            faults.add(&pointer, "is missing");
            None
        }
    };
    fields.end(faults);
    let mut pointer = pointer;
    let legs: Vec<_> = items?
        .iter()
        .enumerate()
        .map(|(index, item)| nested(&mut pointer, &index.to_string(), |at| leg(at, item, faults)))
        .collect();
    Some(Confirm { legs: legs.into_iter().collect::<Option<_>>()? })
}

/// One approval at a place of a body.
pub fn leg(at: &str, item: &Value, faults: &mut Faults) -> Option<LegRequest> {
    let mut fields = Fields::of(at, item, faults)?;
    let method = fields.required("method", fields::code::<Method>, faults);
    let issuer_id = fields.required("issuerId", fields::issuer_id, faults);
    let amount = fields.required("amount", fields::amount, faults);
    let tax_free = fields.optional("taxFreeAmount", fields::amount_or_zero, faults);
    if tax_free > amount && amount.is_some() {
        faults.add(fields.pointer("taxFreeAmount"), "is more than amount");
    }
    let card = fields.raw("card").map(|value| (fields.pointer("card"), value));
    let is_card = method.is_none_or(|method| matches!(method, Method::Card | Method::EasyPay));
    let card = card.and_then(|(at, value)| {
        if !is_card {
            faults.add(&at, "belongs to the methods CARD and EASY_PAY only");
        }
        card_ref(&at, value, faults)
    });
    let method_token = fields.optional("methodToken", fields::method_token, faults);
    let installment_months =
        fields.optional("installmentMonths", fields::installment_months, faults).unwrap_or(0);
    if installment_months > 0 && !is_card {
        faults.add(fields.pointer("installmentMonths"), "belongs to the methods CARD and EASY_PAY only");
    }
    let partial_cancelable = fields.optional("partialCancelable", fields::flag, faults).unwrap_or(true);
    let deposit_hours = fields.optional("depositHours", fields::deposit_hours, faults);
    if deposit_hours.is_some() && method.is_some_and(|method| method != Method::VirtualAccount) {
        faults.add(fields.pointer("depositHours"), "belongs to the method VIRTUAL_ACCOUNT only");
    }
    fields.end(faults);
    Some(LegRequest {
        method: method?,
        issuer_id: issuer_id?,
        amount: amount?,
        tax_free,
        card,
        method_token,
        installment_months,
        partial_cancelable,
        deposit_hours,
    })
}

fn card_ref(at: &str, value: &Value, faults: &mut Faults) -> Option<CardRef> {
    let mut fields = Fields::of(at, value, faults)?;
    let bin = fields.required("bin", fields::bin, faults);
    let last4 = fields.required("last4", fields::last4, faults);
    fields.end(faults);
    Some(CardRef { bin: bin?, last4: last4? })
}

/// Confirms a payment: asks the issuers, one after the other, and decides once. All approvals stand, or none. With a virtual
/// account it waits for the deposit.
#[utoipa::path(post, path = "/v1/payments/{paymentId}/confirm", tag = "payments", request_body = ConfirmPayment,
    responses((status = 200, description = "DONE: every approval stands; or WAITING_FOR_DEPOSIT: every virtual account is issued and all else approved.", body = PaymentView,
        headers(("ETag" = String, description = "Number of its last change.")))))]
pub async fn confirm(
    State(api): State<Api>,
    write: Write,
    PathId(id): PathId,
    StrictJson(body): StrictJson,
) -> Result<Response, Problem> {
    let cmd = read(&body)?;
    let time = write.time;
    let op = write.operation(Operation::Confirm, &format!("{}/confirm", view::path(id)), id.slot(), &body);
    if let Some(answered) = not_covered(&api, time, &op, &cmd, Kept::Confirmed).await {
        return answered;
    }
    let answered = api.gateway().confirm(op, id, cmd, time.deadline, Arc::new(Kept::Confirmed)).await;
    match answered {
        Ok(answer) => Ok(render::answer(Kept::Confirmed, answer)),
        Err(error) => Err(Problem::of_run(&error)),
    }
}

/// What is answered to a confirm that nobody would wait for, if that is so. An earlier request with this key may have been
/// attempted: then its answer is the answer.
pub async fn not_covered(
    api: &Api,
    time: Time,
    op: &Claimed,
    cmd: &Confirm,
    kept: Kept,
) -> Option<Result<Response, Problem>> {
    let problem = time.covers(api.issuers(), cmd, api.commit_within()).await.err()?;
    Some(match api.ledger().answered(op, &kept).await {
        Ok(Some(answer)) => Ok(render::answer(kept, answer)),
        Ok(None) => Err(problem),
        Err(error) => Err(Problem::of_ledger(&error, While::Reading)),
    })
}
