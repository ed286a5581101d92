//! Canceling a confirmed payment, in full or in part: first the shares, held on the chains and sent to the issuers; then
//! what they answered. A hold is released on a definite refusal only, never on silence (R6).

use chrono::{DateTime, Utc};

use crate::method_rule::MethodRules;
use crate::money::Minor;
use crate::reference::Issuer;
use crate::time::BusinessDate;

use super::allocation::{Allocation, AllocationError};
use super::confirm::{Answer, trace_no};
use super::fact::{
    Attempt, AttemptKind, AttemptResult, CancelKind, CancelOutcome, CancelShare, Cancellation, Fact, Method,
    ResultOutcome, SentBy, ShareOutcome,
};
use super::fold::{Cancel as CancelFold, Payment};
use super::refusal::Refusal;
use super::shares;
use super::status::Status;
use super::tax::Remainder;
use super::virtual_account::{Receiver, RefundAccount};
use super::{balance, contradiction, deposit, window};

/// What a merchant asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cancel {
    /// Unique within the payment.
    pub cancel_request_id: String,
    /// How much; nothing means all that is left.
    pub amount: Option<Minor>,
    /// How much of it was tax-free; nothing means as little as possible.
    pub tax_free: Option<Minor>,
    /// The balance the caller believes in, less what cancels in progress hold.
    pub expected_balance: Option<Minor>,
    /// Which legs carry it.
    pub allocation: Allocation,
    /// Where the money of a leg goes that was paid by deposit.
    pub refund_to: Option<Receiver>,
    /// Why.
    pub reason: String,
}

/// Plans the shares, holds them and commits one CANCEL attempt each. A payment that waits for its deposit is given up.
pub fn start(
    payment: &Payment,
    cmd: &Cancel,
    issuers: &[Issuer],
    rules: &MethodRules,
    now: DateTime<Utc>,
) -> Result<Vec<Fact>, Refusal> {
    let status = payment.status(now);
    match status {
        Status::Done | Status::PartialCanceled => {}
        Status::WaitingForDeposit => return given_up(payment, cmd, issuers, now),
        Status::Ready
        | Status::InProgress
        | Status::Canceled
        | Status::Aborted
        | Status::Expired
        | Status::Unknown => {
            return Err(Refusal::InvalidState { status, verb: "canceled" });
        }
    }
    // what is held counts as gone: of two cancels that expect the same balance one passes, however slow the issuers are
    let available = payment.cancelable()?;
    if let Some(expected) = cmd.expected_balance.filter(|expected| *expected != available) {
        return Err(Refusal::BalanceMismatch { actual: available, expected });
    }
    let amount = cmd.amount.or(cmd.allocation.sum()?).unwrap_or(available);
    if amount.is_zero() || amount > available {
        return Err(Refusal::ExceedsBalance { available, requested: amount });
    }
    let cancel_no = payment.next_cancel_no();
    let shares = shares(payment, cmd, cancel_no, amount)?;
    window::check(payment, &shares, rules, now)?;
    let refund_account = refund_account(payment, cmd, cancel_no, &shares)?;
    let mut facts = vec![Fact::Cancellation(cancellation(cmd, cancel_no, amount, &shares, now)?)];
    facts.extend(refund_account.map(Fact::RefundAccount));
    facts.extend(shares.iter().map(|share| Fact::CancelShare(*share)));
    for share in &shares {
        let Some(leg) = payment.leg(share.leg_no) else { continue };
        facts.push(Fact::BalanceLink(balance::hold(leg, cancel_no, share.amount)?));
        let attempt_no = leg.next_attempt_no(AttemptKind::Cancel);
        facts.push(attempt(payment, share, attempt_no, issuers, now));
    }
    Ok(facts)
}

fn given_up(
    payment: &Payment,
    cmd: &Cancel,
    issuers: &[Issuer],
    now: DateTime<Utc>,
) -> Result<Vec<Fact>, Refusal> {
    let actual = payment.opened.total;
    if let Some(expected) = cmd.expected_balance.filter(|expected| *expected != actual) {
        return Err(Refusal::BalanceMismatch { actual, expected });
    }
    deposit::give_up(payment, issuers, cmd.amount.or(cmd.allocation.sum()?), now)
}

/// Where the money of a deposited leg goes, when one carries a share: it cannot go back the way it came.
fn refund_account(
    payment: &Payment,
    cmd: &Cancel,
    cancel_no: u16,
    shares: &[CancelShare],
) -> Result<Option<RefundAccount>, Refusal> {
    let is_deposited =
        |leg_no| payment.leg(leg_no).is_some_and(|leg| leg.approval.method == Method::VirtualAccount);
    let Some(share) = shares.iter().find(|share| is_deposited(share.leg_no)) else { return Ok(None) };
    let missing = Refusal::RefundAccountMissing { leg_no: share.leg_no };
    Ok(Some(RefundAccount { cancel_no, receiver: cmd.refund_to.clone().ok_or(missing)? }))
}

/// The shares, once the tax-free part is known to fit what remains.
fn shares(
    payment: &Payment,
    cmd: &Cancel,
    cancel_no: u16,
    amount: Minor,
) -> Result<Vec<CancelShare>, Refusal> {
    let (least, most) = Remainder::of(payment)?.tax_free_bounds(amount)?;
    let told = cmd.allocation.tax_free().map(Minor::sum).transpose()?;
    if let Some(sum) = told
        .filter(|sum| *sum < least || *sum > most || cmd.tax_free.is_some_and(|tax_free| tax_free != *sum))
    {
        return Err(AllocationError::TaxFree { sum, least, most }.into());
    }
    let tax_free = told.or(cmd.tax_free).unwrap_or(least);
    if tax_free < least || tax_free > most {
        return Err(Refusal::TaxFreeBounds { least, most });
    }
    Ok(shares::plan(payment, cancel_no, &cmd.allocation, amount, tax_free)?)
}

fn cancellation(
    cmd: &Cancel,
    cancel_no: u16,
    amount: Minor,
    shares: &[CancelShare],
    now: DateTime<Utc>,
) -> Result<Cancellation, Refusal> {
    Ok(Cancellation {
        cancel_no,
        cancel_request_id: cmd.cancel_request_id.clone(),
        kind: CancelKind::Merchant,
        amount,
        tax_free: Minor::sum(shares.iter().map(|share| share.tax_free))?,
        vat: Minor::sum(shares.iter().map(|share| share.vat))?,
        fee: Minor::sum(shares.iter().map(|share| share.fee))?,
        fee_vat: Minor::sum(shares.iter().map(|share| share.fee_vat))?,
        reason: cmd.reason.clone(),
        business_date: BusinessDate::in_seoul(now),
        requested_at: now,
    })
}

fn attempt(
    payment: &Payment,
    share: &CancelShare,
    attempt_no: u16,
    issuers: &[Issuer],
    now: DateTime<Utc>,
) -> Fact {
    let issuer_id = payment.leg(share.leg_no).map(|leg| leg.approval.issuer_id.clone()).unwrap_or_default();
    let within = issuers.iter().find(|issuer| issuer.issuer_id == issuer_id).map(Issuer::answer_within);
    Fact::Attempt(Attempt {
        leg_no: share.leg_no,
        kind: AttemptKind::Cancel,
        attempt_no,
        issuer_id,
        trace_date: BusinessDate::in_seoul(now).day(),
        trace_no: trace_no(payment.id, share.leg_no, AttemptKind::Cancel, attempt_no),
        amount: share.amount,
        target_no: None,
        cancel_no: Some(share.cancel_no),
        sent_by: SentBy::Ledger,
        deadline_at: now + within.unwrap_or_default(),
        target_result: None,
        way: None,
    })
}

/// Records what the issuers answered to the shares of one cancellation. A definite answer ends its share; anything else
/// leaves it in progress, to be repeated with the same data.
pub fn finish(
    payment: &Payment,
    cancel_no: u16,
    answers: &[(u8, Answer)],
    now: DateTime<Utc>,
) -> Result<Vec<Fact>, Refusal> {
    let Some(cancel) = payment.cancel(cancel_no) else { return Err(Refusal::NotFound) };
    let mut facts = Vec::new();
    for (leg_no, answer) in answers {
        let told = result(payment, cancel_no, *leg_no, answer);
        if let Some(ended) = cancel.outcome(*leg_no) {
            facts.extend(told.map(|told| told_after(payment, told, ended, now)).into_iter().flatten());
            continue;
        }
        facts.extend(told.map(Fact::Result));
        let Some(outcome) = ended(answer.outcome) else { continue };
        facts.push(Fact::CancelOutcome(CancelOutcome {
            cancel_no,
            leg_no: *leg_no,
            outcome,
            decided_at: now,
        }));
        if outcome == ShareOutcome::Failed {
            facts.extend(released(payment, cancel, *leg_no)?);
        }
    }
    Ok(facts)
}

/// Whether an answer to a cancel ends it, and how.
const fn ended(outcome: ResultOutcome) -> Option<ShareOutcome> {
    match outcome {
        ResultOutcome::Canceled | ResultOutcome::Reversed => Some(ShareOutcome::Done),
        ResultOutcome::Declined | ResultOutcome::NoOriginal | ResultOutcome::TooLate => {
            Some(ShareOutcome::Failed)
        }
        ResultOutcome::Approved
        | ResultOutcome::Issued
        | ResultOutcome::Timeout
        | ResultOutcome::Garbled
        | ResultOutcome::Reset
        | ResultOutcome::NotSent => None,
    }
}

fn released(payment: &Payment, cancel: &CancelFold, leg_no: u8) -> Result<Option<Fact>, Refusal> {
    let share = cancel.shares.iter().find(|share| share.leg_no == leg_no);
    let (Some(share), Some(leg)) = (share, payment.leg(leg_no)) else { return Ok(None) };
    Ok(Some(Fact::BalanceLink(balance::release(leg, share.cancel_no, share.amount)?)))
}

/// An answer to a share that has ended is a fact beside it. Money that was given back though the share was refused, and may be
/// canceled anew, is raised.
fn told_after(
    payment: &Payment,
    told: AttemptResult,
    ended_as: ShareOutcome,
    now: DateTime<Utc>,
) -> Vec<Fact> {
    let is_contrary = ended_as == ShareOutcome::Failed && ended(told.outcome) == Some(ShareOutcome::Done);
    let attempt = payment.attempt(told.leg_no, AttemptKind::Cancel, told.attempt_no).filter(|_| is_contrary);
    // one refund, however often it is told
    let attempt = attempt.filter(|facts| facts.contradictions.is_empty());
    let raised = attempt.map(|facts| contradiction::given_back(facts, &told, now));
    std::iter::once(Fact::Result(told)).chain(raised.into_iter().flatten()).collect()
}

fn result(payment: &Payment, cancel_no: u16, leg_no: u8, answer: &Answer) -> Option<AttemptResult> {
    let attempt = payment
        .leg(leg_no)?
        .attempts_of(AttemptKind::Cancel)
        .find(|attempt| attempt.attempt.cancel_no == Some(cancel_no))?;
    if attempt.knows(answer) {
        return None;
    }
    Some(AttemptResult {
        leg_no,
        kind: AttemptKind::Cancel,
        attempt_no: attempt.attempt.attempt_no,
        outcome: answer.outcome,
        result_no: attempt.next_result_no(),
        source: answer.source,
        issuer_ref: answer.issuer_ref.clone(),
        issuer_code: answer.issuer_code.clone(),
        received_at: answer.received_at,
    })
}

/// The refusal that the caller of a failed cancel gets.
pub fn refusal_of(payment: &Payment, cancel: &CancelFold) -> Option<Refusal> {
    let failed = cancel.outcomes.values().find(|fact| fact.outcome == ShareOutcome::Failed)?;
    let leg = payment.leg(failed.leg_no)?;
    let code = leg
        .attempts_of(AttemptKind::Cancel)
        .filter(|attempt| attempt.attempt.cancel_no == Some(failed.cancel_no))
        .find_map(|attempt| attempt.results.iter().find_map(|result| result.issuer_code.clone()));
    Some(Refusal::CancelDeclined {
        leg_no: failed.leg_no,
        issuer_code: code.unwrap_or_else(|| "no code".to_owned()),
    })
}
