//! What a remembered payment takes of the memory, counted from above: its facts are there twice, in their places and by leg and
//! cancellation, and every map and list has room that is not used.

use std::mem::size_of;

use crate::ids::PaymentId;
use crate::payment::attempt::AttemptFacts;
use crate::payment::correction::CorrectionFacts;
use crate::payment::fact::{
    AttemptKind, AttemptResult, BalanceLink, CancelOutcome, CancelShare, Contradiction, CorrectionLine, Fact,
    NetworkCancelOutcome,
};
use crate::payment::fold::{Cancel, Leg, Payment};
use crate::payment::virtual_account::{Deposit, Receiver, Refunding};

/// Its place in the map of all (which is half empty when it has just grown), and the places in the order of keeping.
const PLACE: usize = 3 * size_of::<(PaymentId, (u64, usize, Payment))>() + 8 * size_of::<(PaymentId, u64)>();

/// What an allocation takes beyond its bytes.
const ALLOCATION: usize = 32;

/// The bytes of a payment, or more.
pub(super) fn of(payment: &Payment) -> usize {
    let texts: usize = payment.facts().iter().map(texts).sum();
    PLACE
        + list::<Fact>(payment.facts().len())
        + 2 * texts
        + map::<u8, Leg>(payment.legs().count())
        + payment.legs().map(of_leg).sum::<usize>()
        + map::<u16, Cancel>(payment.cancels().count())
        + payment.cancels().map(of_cancel).sum::<usize>()
        + map::<u16, CorrectionFacts>(payment.corrections().count())
        + payment.corrections().map(|facts| list::<CorrectionLine>(facts.lines.len())).sum::<usize>()
}

fn of_leg(leg: &Leg) -> usize {
    let of_attempt = |facts: &AttemptFacts| {
        list::<AttemptResult>(facts.results.len())
            + list::<NetworkCancelOutcome>(facts.reversal.len())
            + list::<Contradiction>(facts.contradictions.len())
    };
    map::<(AttemptKind, u16), AttemptFacts>(leg.attempts.len())
        + leg.attempts.values().map(of_attempt).sum::<usize>()
        + list::<BalanceLink>(leg.chain.len())
        + list::<Deposit>(leg.deposits.len())
        + map::<u16, Refunding>(leg.refunds.len())
}

fn of_cancel(cancel: &Cancel) -> usize {
    list::<CancelShare>(cancel.shares.len()) + map::<u8, CancelOutcome>(cancel.outcomes.len())
}

/// A list grows by doubling, from four places on.
fn list<T>(length: usize) -> usize {
    if length == 0 { 0 } else { length.next_power_of_two().max(4) * size_of::<T>() + ALLOCATION }
}

/// The nodes of a B-tree have eleven places each and are at least half full, but for the first one.
fn map<K, V>(length: usize) -> usize {
    let node = 11 * (size_of::<K>() + size_of::<V>()) + 16 * size_of::<usize>() + ALLOCATION;
    if length == 0 { 0 } else { (1 + length / 4) * node }
}

/// The texts of a fact.
fn texts(fact: &Fact) -> usize {
    let one = |text: &String| text.len() + ALLOCATION;
    let maybe = |text: &Option<String>| text.as_ref().map_or(0, one);
    let receiver = |receiver: &Receiver| one(&receiver.bank_code) + one(&receiver.account_token);
    match fact {
        Fact::Payment(fact) => 2 * (one(&fact.merchant_id) + one(&fact.order_id)),
        Fact::Approval(fact) => {
            let card = fact.card.as_ref().map_or(0, |card| one(&card.bin) + one(&card.last4));
            one(&fact.issuer_id) + maybe(&fact.method_token) + card
        }
        Fact::Attempt(fact) => one(&fact.issuer_id) + one(&fact.trace_no),
        Fact::Result(fact) => maybe(&fact.issuer_ref) + maybe(&fact.issuer_code),
        Fact::PaymentVerdict(fact) => {
            2 * (one(&fact.merchant_id) + one(&fact.order_id) + maybe(&fact.reason))
        }
        Fact::Cancellation(fact) => one(&fact.cancel_request_id) + one(&fact.reason),
        Fact::VirtualAccount(fact) => {
            one(&fact.account.bank_code) + one(&fact.account.account_no) + maybe(&fact.account.holder)
        }
        Fact::Deposit(fact) => one(&fact.issuer_id) + one(&fact.bank_ref),
        Fact::RefundAccount(fact) => receiver(&fact.receiver),
        Fact::DepositRefund(fact) => {
            one(&fact.refund_request_id) + one(&fact.reason) + receiver(&fact.receiver)
        }
        Fact::DepositRefundOutcome(fact) => maybe(&fact.bank_ref),
        Fact::Correction(fact) => one(&fact.reason) + one(&fact.proposed_by) + one(&fact.proposed_key),
        Fact::CorrectionVerdict(fact) => {
            let decision = fact.decision.as_ref();
            let signed = decision.map_or(0, |signed| one(&signed.decided_by) + one(&signed.decided_key));
            one(&fact.proposed_by) + maybe(&fact.reason) + signed
        }
        Fact::AttemptVerdict(_)
        | Fact::NetworkCancel(_)
        | Fact::NetworkCancelOutcome(_)
        | Fact::CancelShare(_)
        | Fact::CancelOutcome(_)
        | Fact::BalanceLink(_)
        | Fact::Contradiction(_)
        | Fact::CorrectionLine(_) => 0,
    }
}
