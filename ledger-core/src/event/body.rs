//! The bodies of events: a pure function of facts, so that an event can be made again with the same bytes. Keys are
//! sorted, amounts are integers in minor units, times are RFC 3339 in Korean time, `businessDate` is a Korean day.

use serde_json::{Value, json};

use crate::journal::JournalLine;
use crate::payment::correction::CorrectionFacts;
use crate::payment::fact::{AttemptKind, AttemptResult, Contradiction, PaymentVerdict};
use crate::payment::fold::{Cancel, Leg, Payment};
use crate::time;

use super::catalogue::Emitting;
use super::deposit;

pub(super) fn base(change: Emitting<'_>) -> Value {
    let payment = change.payment;
    json!({
        "paymentId": payment.id,
        "merchantId": payment.opened.merchant_id,
        "orderId": payment.opened.order_id,
        "tryNo": payment.opened.try_no,
        "currency": payment.opened.currency,
        "occurredAt": time::text(change.at),
    })
}

pub(super) fn with(mut base: Value, more: Value) -> Value {
    if let (Some(base), Value::Object(more)) = (base.as_object_mut(), more) {
        base.extend(more);
    }
    base
}

/// `payment.created.v1`
pub fn created(change: Emitting<'_>) -> Value {
    let opened = &change.payment.opened;
    with(
        base(change),
        json!({
            "totalAmount": opened.total,
            "taxFreeAmount": opened.tax_free,
            "vat": opened.vat,
            "contractVersion": opened.contract_version,
            "expiresAt": time::text(opened.expires_at),
        }),
    )
}

/// `payment.confirmed.v1`
pub fn confirmed(change: Emitting<'_>, verdict: &PaymentVerdict) -> Value {
    let opened = &change.payment.opened;
    with(
        base(change),
        json!({
            "totalAmount": opened.total,
            "suppliedAmount": opened.total.get() - opened.vat.get() - opened.tax_free.get(),
            "taxFreeAmount": opened.tax_free,
            "vat": opened.vat,
            "contractVersion": opened.contract_version,
            "fee": opened.fee,
            "feeVat": opened.fee_vat,
            "businessDate": verdict.business_date,
            "approvals": change.payment.legs().map(approval).collect::<Vec<_>>(),
            "journal": journal(deposit::other_lines(change)),
        }),
    )
}

/// `payment.aborted.v1` and `payment.expired.v1`
pub fn closed(change: Emitting<'_>, verdict: &PaymentVerdict) -> Value {
    with(
        base(change),
        json!({
            "totalAmount": change.payment.opened.total,
            "reason": verdict.reason,
            "businessDate": verdict.business_date,
            "exposure": change.payment.exposure(change.at),
            "reversal": change.payment.reversal(change.at),
        }),
    )
}

/// `cancellation.requested.v1`, `cancellation.completed.v1` and `cancellation.failed.v1`
pub fn cancellation(change: Emitting<'_>, cancel: &Cancel) -> Value {
    let asked = &cancel.cancellation;
    with(
        base(change),
        json!({
            "cancellationId": cancellation_id(change.payment, asked.cancel_no),
            "cancelStatus": cancel.status(),
            "kind": asked.kind,
            "amount": asked.amount,
            "doneAmount": cancel.done_amount().unwrap_or_default(),
            "supplied": asked.amount.get() - asked.vat.get() - asked.tax_free.get(),
            "vat": asked.vat,
            "taxFree": asked.tax_free,
            "fee": asked.fee,
            "feeVat": asked.fee_vat,
            "contractVersion": change.payment.opened.contract_version,
            "reason": asked.reason,
            "businessDate": time::BusinessDate::in_seoul(change.at),
            "balanceAfter": change.payment.balance().unwrap_or_default(),
            "allocations": cancel.shares.iter().filter_map(|share| {
                let leg = change.payment.leg(share.leg_no)?;
                let original = leg.accepted();
                Some(json!({
                    "leg": share.leg_no,
                    "method": leg.approval.method,
                    "issuerId": leg.approval.issuer_id,
                    "amount": share.amount,
                    "vat": share.vat,
                    "taxFree": share.tax_free,
                    "fee": share.fee,
                    "feeVat": share.fee_vat,
                    "outcome": cancel.outcome(share.leg_no),
                    "originalAuthNo": leg.auth_no(),
                    "originalTraceNo": original.map(|attempt| &attempt.attempt.trace_no),
                    "originalApprovedAt": original
                        .and_then(|attempt| attempt.approval())
                        .map(|result| time::text(result.received_at)),
                }))
            }).collect::<Vec<_>>(),
            "journal": journal(change.journal),
        }),
    )
}

/// The public name of a cancellation.
pub fn cancellation_id(payment: &Payment, cancel_no: u16) -> String {
    format!("{}-c{cancel_no}", payment.id)
}

/// `approval.*.v1`
pub fn answer(change: Emitting<'_>, result: &AttemptResult) -> Value {
    with(
        base(change),
        json!({
            "attempt": attempt(change.payment, result.leg_no, result.attempt_no),
            "outcome": result.outcome,
            "source": result.source,
            "authNo": result.issuer_ref,
            "issuerCode": result.issuer_code,
            "receivedAt": time::text(result.received_at),
        }),
    )
}

/// `network_cancel.*.v1`
pub fn network_cancel(change: Emitting<'_>, leg_no: u8, attempt_no: u16) -> Value {
    let facts = change.payment.attempt(leg_no, AttemptKind::Auth, attempt_no);
    let order = facts.and_then(|facts| facts.network_cancel.as_ref());
    with(
        base(change),
        json!({
            "attempt": attempt(change.payment, leg_no, attempt_no),
            "reason": order.map(|order| order.reason),
            "requestedAt": order.map(|order| time::text(order.requested_at)),
            "validUntil": order.map(|order| time::text(order.valid_until)),
            "outcome": facts.and_then(|facts| facts.reversal.last()).map(|fact| fact.outcome),
            "state": facts.map(|facts| facts.state(change.at).status()),
        }),
    )
}

/// `contradiction.*.v1`
pub fn contradiction(change: Emitting<'_>, fact: &Contradiction) -> Value {
    let facts = change.payment.attempt(fact.leg_no, fact.kind, fact.attempt_no);
    let result =
        facts.and_then(|facts| facts.results.iter().find(|result| result.result_no == fact.result_no));
    with(
        base(change),
        json!({
            "leg": fact.leg_no,
            "kind": fact.kind,
            "attemptNo": fact.attempt_no,
            "issuerId": facts.map(|facts| &facts.attempt.issuer_id),
            "traceNo": facts.map(|facts| &facts.attempt.trace_no),
            "amount": facts.map(|facts| facts.attempt.amount),
            "outcome": fact.outcome,
            "issuerReference": result.and_then(|result| result.issuer_ref.as_ref()),
            "receivedAt": result.map(|result| time::text(result.received_at)),
            "validUntil": time::text(fact.valid_until),
            "exposure": change.payment.exposure(change.at),
        }),
    )
}

/// `correction.posted.v1`
pub fn correction(change: Emitting<'_>, facts: &CorrectionFacts) -> Value {
    let proposed = &facts.correction;
    let decision = facts.verdict.as_ref().and_then(|verdict| verdict.decision.as_ref());
    let lines = change.journal.iter().zip(&facts.lines);
    with(
        base(change),
        json!({
            "correctionId": format!("{}-k{}", change.payment.id, proposed.correction_no),
            "reason": proposed.reason,
            "proposedBy": proposed.proposed_by,
            "proposedAt": time::text(proposed.proposed_at),
            "approvedBy": decision.map(|decision| &decision.decided_by),
            "businessDate": time::BusinessDate::in_seoul(change.at),
            "journal": lines.map(|(line, asked)| json!({
                "account": line.account,
                "side": line.side,
                "amount": line.amount,
                "leg": line.leg_no,
                "reverses": asked.reverses,
            })).collect::<Vec<_>>(),
        }),
    )
}

fn attempt(payment: &Payment, leg_no: u8, attempt_no: u16) -> Value {
    payment.attempt(leg_no, AttemptKind::Auth, attempt_no).map_or(Value::Null, |facts| {
        json!({
            "leg": leg_no,
            "attemptNo": attempt_no,
            "issuerId": facts.attempt.issuer_id,
            "traceDate": facts.attempt.trace_date,
            "traceNo": facts.attempt.trace_no,
            "amount": facts.attempt.amount,
        })
    })
}

fn approval(leg: &Leg) -> Value {
    let accepted = leg.accepted();
    json!({
        "leg": leg.approval.leg_no,
        "method": leg.approval.method,
        "issuerId": leg.approval.issuer_id,
        "amount": leg.approval.amount,
        "taxFreeAmount": leg.approval.tax_free,
        "installmentMonths": leg.approval.installment_months,
        "card": leg.approval.card,
        "authNo": leg.auth_no(),
        "traceDate": accepted.map(|attempt| attempt.attempt.trace_date),
        "traceNo": accepted.map(|attempt| &attempt.attempt.trace_no),
        "approvedAt": accepted
            .and_then(|attempt| attempt.approval())
            .map(|result| time::text(result.received_at)),
    })
}

pub(super) fn journal(lines: &[JournalLine]) -> Vec<Value> {
    lines
        .iter()
        .map(|line| {
            json!({ "account": line.account, "side": line.side, "amount": line.amount, "leg": line.leg_no })
        })
        .collect()
}
