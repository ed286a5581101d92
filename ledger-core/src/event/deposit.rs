//! The bodies of events about accounts and deposits; the rules are those of [`super::body`].

use serde_json::{Value, json};

use crate::journal::JournalLine;
use crate::payment::fact::Fact;
use crate::payment::fold::Leg;
use crate::payment::virtual_account::{Deposit, VirtualAccount};
use crate::time;

use super::body::{base, journal, with};
use super::catalogue::Emitting;

/// `virtual_account.issued.v1`
pub fn issued(change: Emitting<'_>, fact: &VirtualAccount) -> Value {
    let leg = change.payment.leg(fact.leg_no);
    with(
        base(change),
        json!({
            "leg": fact.leg_no,
            "issuerId": leg.map(|leg| &leg.approval.issuer_id),
            "amount": leg.map(|leg| leg.approval.amount),
            "bankCode": fact.account.bank_code,
            "accountNo": fact.account.account_no,
            "holder": fact.account.holder,
            "dueAt": time::text(fact.account.due_at),
            "issuedAt": time::text(fact.issued_at),
        }),
    )
}

/// `deposit.received.v1`
pub fn received(change: Emitting<'_>, fact: &Deposit) -> Value {
    let leg = change.payment.leg(fact.leg_no);
    with(
        base(change),
        json!({
            "leg": fact.leg_no,
            "depositNo": fact.deposit_no,
            "issuerId": fact.issuer_id,
            "bankReference": fact.bank_ref,
            "amount": fact.amount,
            "countedAmount": fact.counted,
            "plannedAmount": leg.map(|leg| leg.approval.amount),
            "depositedAmount": leg.and_then(|leg| leg.deposited().ok()),
            "suspenseAmount": leg.and_then(|leg| leg.suspense().ok()),
            "depositedAt": time::text(fact.deposited_at),
            "businessDate": time::BusinessDate::in_seoul(fact.received_at),
            "journal": journal(own_lines(change, fact)),
        }),
    )
}

/// `deposit.refund_requested.v1`, `deposit.refunded.v1` and `deposit.refund_failed.v1`
pub fn refund(change: Emitting<'_>, leg_no: u8, refund_no: u16) -> Option<Value> {
    let leg = change.payment.leg(leg_no)?;
    let refunding = leg.refunds.get(&refund_no)?;
    let refund = &refunding.refund;
    Some(with(
        base(change),
        json!({
            "leg": leg_no,
            "refundNo": refund_no,
            "issuerId": leg.approval.issuer_id,
            "amount": refund.amount,
            "bankCode": refund.receiver.bank_code,
            "reason": refund.reason,
            "requestedAt": time::text(refund.requested_at),
            "outcome": refunding.outcome.as_ref().map(|fact| fact.outcome),
            "bankReference": refunding.outcome.as_ref().and_then(|fact| fact.bank_ref.as_ref()),
            "suspenseAmount": suspense(leg),
            "businessDate": time::BusinessDate::in_seoul(change.at),
            "journal": journal(change.journal),
        }),
    ))
}

fn suspense(leg: &Leg) -> Value {
    json!(leg.suspense().ok())
}

/// Lines that each deposit posts; deposits come before whatever else a change posts.
const LINES: usize = 2;

fn deposits(change: Emitting<'_>) -> impl Iterator<Item = &Deposit> {
    change
        .added
        .iter()
        .filter_map(|fact| if let Fact::Deposit(deposit) = fact { Some(deposit) } else { None })
}

fn own_lines<'a>(change: Emitting<'a>, fact: &Deposit) -> &'a [JournalLine] {
    let before = deposits(change).take_while(|other| *other != fact).count();
    change.journal.get(before * LINES..(before + 1) * LINES).unwrap_or_default()
}

/// The lines of a change without those that its deposits tell.
pub fn other_lines(change: Emitting<'_>) -> &[JournalLine] {
    change.journal.get(deposits(change).count() * LINES..).unwrap_or_default()
}
