//! Money that arrives for a leg, and money that goes back. What arrives while its payment waits, in time and up to the leg's
//! amount, counts; once everything is there the payment is confirmed in the same change. Everything else stays in suspense
//! until it is refunded, and never makes a payment DONE that has its verdict (R14).

use chrono::{DateTime, Utc};

use crate::money::Minor;
use crate::reference::Issuer;

use super::confirm::{self, Answer};
use super::fact::{
    AttemptVerdict, Fact, Method, NetworkCancelReason, ResultOutcome, ResultSource, Ruling, ShareOutcome,
    Verdict,
};
use super::fold::{Leg, Payment};
use super::refusal::Refusal;
use super::status::Status;
use super::virtual_account::{Deposit, DepositRefund, DepositRefundOutcome, Receiver};

/// A deposit as it is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arrived {
    /// The leg; may be left out where only one is paid by deposit.
    pub leg_no: Option<u8>,
    /// The bank's name for it.
    pub bank_ref: String,
    /// How much.
    pub amount: Minor,
    /// When it was deposited.
    pub deposited_at: DateTime<Utc>,
}

/// Suspense money that is to go back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refund {
    /// The leg; may be left out where only one is paid by deposit.
    pub leg_no: Option<u8>,
    /// Unique within the payment.
    pub refund_request_id: String,
    /// How much.
    pub amount: Minor,
    /// Where to.
    pub receiver: Receiver,
    /// Why.
    pub reason: String,
}

/// How a refund of suspense money ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefundEnd {
    /// Which.
    pub refund_no: u16,
    /// How.
    pub outcome: ShareOutcome,
    /// The bank's name for the transfer.
    pub bank_ref: Option<String>,
}

/// Facts to add, and the number of what the command made; no facts when it was known already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// To be added.
    pub facts: Vec<Fact>,
    /// Number of the deposit or refund.
    pub number: u16,
}

/// Takes note of a deposit. The same reference is the same deposit.
pub fn receive(payment: &Payment, cmd: &Arrived, now: DateTime<Utc>) -> Result<Decision, Refusal> {
    let leg = deposited_leg(payment, cmd.leg_no)?;
    if let Some(known) = payment.legs().flat_map(|leg| &leg.deposits).find(|known| is_same(known, leg, cmd)) {
        let agrees = known.leg_no == leg.approval.leg_no
            && known.amount == cmd.amount
            && known.deposited_at == cmd.deposited_at;
        let differs = || Refusal::DepositReferenceReused { bank_ref: cmd.bank_ref.clone() };
        return agrees.then(|| Decision { facts: Vec::new(), number: known.deposit_no }).ok_or_else(differs);
    }
    let status = payment.status(now);
    let counted = match status {
        Status::WaitingForDeposit => counted(leg, cmd)?,
        Status::Ready | Status::InProgress => {
            return Err(Refusal::InvalidState { status, verb: "deposited to" });
        }
        Status::Done
        | Status::PartialCanceled
        | Status::Canceled
        | Status::Aborted
        | Status::Expired
        | Status::Unknown => Minor::ZERO,
    };
    let number = payment.next_deposit_no();
    let mut facts = vec![Fact::Deposit(Deposit {
        leg_no: leg.approval.leg_no,
        deposit_no: number,
        issuer_id: leg.approval.issuer_id.clone(),
        bank_ref: cmd.bank_ref.clone(),
        amount: cmd.amount,
        counted,
        deposited_at: cmd.deposited_at,
        received_at: now,
    })];
    if status == Status::WaitingForDeposit && is_complete_with(payment, leg.approval.leg_no, counted)? {
        facts.extend(completed(payment, now));
    }
    Ok(Decision { facts, number })
}

fn is_same(known: &Deposit, leg: &Leg, cmd: &Arrived) -> bool {
    known.bank_ref == cmd.bank_ref && known.issuer_id == leg.approval.issuer_id
}

/// How much of it counts: what came in time, up to what is missing.
fn counted(leg: &Leg, cmd: &Arrived) -> Result<Minor, Refusal> {
    let in_time = leg.account.as_ref().is_some_and(|fact| cmd.deposited_at <= fact.account.due_at);
    if in_time { Ok(missing(leg)?.min(cmd.amount)) } else { Ok(Minor::ZERO) }
}

fn missing(leg: &Leg) -> Result<Minor, Refusal> {
    Ok(leg.approval.amount.minus(leg.deposited()?)?)
}

fn is_complete_with(payment: &Payment, leg_no: u8, counted: Minor) -> Result<bool, Refusal> {
    for leg in payment.legs().filter(|leg| leg.account.is_some()) {
        let more = if leg.approval.leg_no == leg_no { counted } else { Minor::ZERO };
        if missing(leg)? != more {
            return Ok(false);
        }
    }
    Ok(true)
}

/// A deposit is the issuer's approval of its leg: from here on everything is as with any other method.
fn completed(payment: &Payment, now: DateTime<Utc>) -> Vec<Fact> {
    let approved = payment.legs().filter(|leg| leg.account.is_some()).filter_map(|leg| {
        let attempt = leg.authorizations().last()?;
        let answer = Answer {
            outcome: ResultOutcome::Approved,
            source: ResultSource::Caller,
            issuer_ref: attempt.issuance()?.issuer_ref.clone(),
            issuer_code: None,
            account: None,
            received_at: now,
        };
        attempt.told(&answer)
    });
    approved.chain(confirm::confirmed_facts(payment, now)).collect()
}

/// Closes a payment whose deposit did not come in time. An account whose time is over has closed by itself; whatever else
/// was approved is undone.
pub fn expire(payment: &Payment, issuers: &[Issuer], now: DateTime<Utc>) -> Result<Vec<Fact>, Refusal> {
    let status = payment.status(now);
    if status != Status::WaitingForDeposit || !is_overdue(payment, now)? {
        return Err(Refusal::InvalidState { status, verb: "expired" });
    }
    let has_closed = |leg: &Leg| leg.account.as_ref().is_some_and(|fact| fact.account.due_at < now);
    let mut facts = undone(payment, issuers, NetworkCancelReason::Expired, has_closed, now);
    facts.push(confirm::payment_verdict(payment, Verdict::Expired, Some("DEPOSIT_OVERDUE"), now));
    Ok(facts)
}

/// Whether the time of an account is over that has not got all of its money.
fn is_overdue(payment: &Payment, now: DateTime<Utc>) -> Result<bool, Refusal> {
    for leg in payment.legs() {
        let is_over = leg.account.as_ref().is_some_and(|fact| fact.account.due_at < now);
        if is_over && !missing(leg)?.is_zero() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Gives up a payment that waits for its deposit, as a whole: the amount of an issued account cannot change. The account is
/// closed by the loop that undoes authorizations.
pub fn give_up(
    payment: &Payment,
    issuers: &[Issuer],
    wanted: Option<Minor>,
    now: DateTime<Utc>,
) -> Result<Vec<Fact>, Refusal> {
    let total = payment.opened.total;
    if let Some(requested) = wanted.filter(|wanted| *wanted != total) {
        return Err(Refusal::CancelInFullOnly { total, requested });
    }
    let mut facts = undone(payment, issuers, NetworkCancelReason::MerchantCanceled, |_| false, now);
    facts.push(confirm::payment_verdict(payment, Verdict::Canceled, Some("MERCHANT_CANCELED"), now));
    Ok(facts)
}

/// Every attempt abandoned and ordered to be undone; rejected where there is nothing to undo.
fn undone(
    payment: &Payment,
    issuers: &[Issuer],
    reason: NetworkCancelReason,
    is_over: impl Fn(&Leg) -> bool,
    now: DateTime<Utc>,
) -> Vec<Fact> {
    let mut facts = Vec::new();
    for leg in payment.legs() {
        let Some(attempt) = leg.authorizations().last() else { continue };
        let (leg_no, attempt_no) = (leg.approval.leg_no, attempt.attempt.attempt_no);
        let ruling = if is_over(leg) { Ruling::Reject } else { Ruling::Abandon };
        facts.push(Fact::AttemptVerdict(AttemptVerdict { leg_no, attempt_no, ruling, decided_at: now }));
        if ruling == Ruling::Abandon {
            let issuer_id = &leg.approval.issuer_id;
            let order = confirm::network_cancel(leg_no, attempt_no, reason, issuer_id, issuers, now);
            facts.push(Fact::NetworkCancel(order));
        }
    }
    facts
}

/// Takes money out of suspense, to be sent back. What still counts towards its payment stays: cancel that first.
pub fn refund(payment: &Payment, cmd: &Refund, now: DateTime<Utc>) -> Result<Decision, Refusal> {
    let leg = deposited_leg(payment, cmd.leg_no)?;
    if payment.verdict.is_none() {
        let status = payment.status(now);
        return Err(Refusal::InvalidState { status, verb: "refunded from suspense; cancel it first" });
    }
    let available = leg.refundable()?;
    if cmd.amount.is_zero() || cmd.amount > available {
        return Err(Refusal::ExceedsSuspense { available, requested: cmd.amount });
    }
    let number = payment.next_refund_no();
    let fact = DepositRefund {
        leg_no: leg.approval.leg_no,
        refund_no: number,
        refund_request_id: cmd.refund_request_id.clone(),
        amount: cmd.amount,
        receiver: cmd.receiver.clone(),
        reason: cmd.reason.clone(),
        requested_at: now,
    };
    Ok(Decision { facts: vec![Fact::DepositRefund(fact)], number })
}

/// Records how a refund of suspense money ended; the first word counts.
pub fn refund_ended(payment: &Payment, cmd: &RefundEnd, now: DateTime<Utc>) -> Result<Decision, Refusal> {
    let refunding = payment.legs().find_map(|leg| leg.refunds.get(&cmd.refund_no));
    let refunding = refunding.ok_or(Refusal::NoSuchDepositRefund(cmd.refund_no))?;
    let facts = match &refunding.outcome {
        Some(known) if known.outcome == cmd.outcome => Vec::new(),
        Some(known) => return Err(Refusal::DepositRefundEnded { outcome: known.outcome }),
        None => vec![Fact::DepositRefundOutcome(DepositRefundOutcome {
            leg_no: refunding.refund.leg_no,
            refund_no: cmd.refund_no,
            outcome: cmd.outcome,
            bank_ref: cmd.bank_ref.clone(),
            decided_at: now,
        })],
    };
    Ok(Decision { facts, number: cmd.refund_no })
}

/// The leg that is meant: the one named, or the only one that is paid by deposit.
fn deposited_leg(payment: &Payment, leg_no: Option<u8>) -> Result<&Leg, Refusal> {
    let mut legs = payment.legs().filter(|leg| leg.approval.method == Method::VirtualAccount);
    match leg_no {
        Some(leg_no) => legs.find(|leg| leg.approval.leg_no == leg_no),
        None => legs.next().filter(|_| legs.next().is_none()),
    }
    .ok_or(Refusal::NoVirtualAccount { leg_no })
}
