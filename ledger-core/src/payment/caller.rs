//! Approvals that a payment service gets from issuers itself. It says each attempt before its first byte leaves and each
//! answer after; the guarantees are those of a confirm.
//!
//! ```text
//! attempt(leg 1) ─▶ the service asks ─▶ result(leg 1: APPROVED) ─▶ … the same for leg 2 … ─▶ the last one completes: CONFIRMED
//!                                       result(NOT_SENT)        ─▶ that attempt is over, a further one may follow
//!                                       result(anything else)   ─▶ ABORTED: every other attempt is abandoned and undone
//!                                       nothing by the deadline ─▶ ABORTED by recovery, the same way (R10)
//! ```
//!
//! **How legs are planned.** A leg is planned by its first attempt, which says method, issuer and amount; legs are numbered
//! by the caller, come in any order, one by one or side by side, and add up to no more than the total. The payment is
//! confirmed by the result that leaves nothing open: the legs add up to the total and every one is approved. Until then
//! approved legs wait, at the longest until the payment expires. Whoever begins decides the way: a payment whose legs the
//! ledger asks for takes no attempts of a caller, and the other way round.

use chrono::{DateTime, TimeDelta, Utc};

use crate::method_rule::MethodRules;
use crate::money::Minor;
use crate::reference::Issuer;
use crate::time::BusinessDate;

use super::attempt::AttemptFacts;
use super::balance;
use super::confirm::{self, Answer, LegRequest, MAX_LEGS, trace_no};
use super::contradiction;
use super::fact::{
    Approval, Attempt, AttemptKind, AttemptVerdict, Fact, Method, NetworkCancel, NetworkCancelReason,
    ResultOutcome, ResultSource, Ruling, SentBy, Verdict,
};
use super::fold::{Leg, Payment};
use super::refusal::Refusal;
use super::reverse;
use super::status::Status;

/// What a caller has beyond the issuer's own time to send, and to tell what came of it.
const TO_TELL: TimeDelta = TimeDelta::seconds(10);

/// Whether the payment's legs are approved by its caller.
pub fn is_callers(payment: &Payment) -> bool {
    payment.legs().flat_map(Leg::authorizations).any(is_of_caller)
}

fn is_of_caller(attempt: &AttemptFacts) -> bool {
    attempt.attempt.sent_by == SentBy::Caller
}

/// Commits an AUTH attempt that the caller is about to send; with the first of a leg, the leg.
pub fn attempt(
    payment: &Payment,
    leg_no: u8,
    request: &LegRequest,
    issuers: &[Issuer],
    rules: &MethodRules,
    now: DateTime<Utc>,
) -> Result<Vec<Fact>, Refusal> {
    let status = payment.status(now);
    let is_open = status == Status::InProgress && is_callers(payment) && now <= payment.opened.expires_at;
    if status != Status::Ready && !is_open {
        return Err(Refusal::InvalidState { status, verb: "approved leg by leg" });
    }
    let issuer = issuers
        .iter()
        .find(|issuer| issuer.issuer_id == request.issuer_id)
        .ok_or_else(|| Refusal::UnknownIssuer(request.issuer_id.clone()))?;
    let mut facts = Vec::new();
    let attempt_no = if let Some(leg) = payment.leg(leg_no) {
        further(leg, request)?
    } else {
        facts.push(Fact::Approval(planned(payment, leg_no, request, rules, now)?));
        1
    };
    facts.push(Fact::Attempt(Attempt {
        leg_no,
        kind: AttemptKind::Auth,
        attempt_no,
        issuer_id: request.issuer_id.clone(),
        trace_date: BusinessDate::in_seoul(now).day(),
        trace_no: trace_no(payment.id, leg_no, AttemptKind::Auth, attempt_no),
        amount: request.amount,
        target_no: None,
        cancel_no: None,
        sent_by: SentBy::Caller,
        deadline_at: now + issuer.answer_within() + TO_TELL,
        target_result: None,
        way: None,
    }));
    Ok(facts)
}

/// The number of a further attempt of a leg: only once the one before has a verdict, which proof that nothing was sent
/// gives it. So an authorization is on its way at most once.
fn further(leg: &Leg, request: &LegRequest) -> Result<u16, Refusal> {
    let leg_no = leg.approval.leg_no;
    if !is_same(&leg.approval, request) {
        return Err(Refusal::LegDiffers { leg_no });
    }
    match leg.authorizations().last() {
        Some(last) if last.ruling().is_none() => {
            Err(Refusal::AttemptOpen { leg_no, attempt_no: last.attempt.attempt_no })
        }
        Some(_) | None => Ok(leg.next_attempt_no(AttemptKind::Auth)),
    }
}

fn is_same(planned: &Approval, request: &LegRequest) -> bool {
    planned.method == request.method
        && planned.issuer_id == request.issuer_id
        && planned.amount == request.amount
        && request.tax_free.is_none_or(|tax_free| tax_free == planned.tax_free)
        && planned.card == request.card
        && planned.method_token == request.method_token
        && planned.installment_months == request.installment_months
}

/// A further leg, if it fits what is left of the total and of the tax-free part.
fn planned(
    payment: &Payment,
    leg_no: u8,
    request: &LegRequest,
    rules: &MethodRules,
    now: DateTime<Utc>,
) -> Result<Approval, Refusal> {
    let (total, method) = (payment.opened.total, request.method);
    let rule = rules.valid_at(method, now).ok_or(Refusal::NoMethodRule(method))?;
    if method == Method::VirtualAccount || leg_no == 0 || usize::from(leg_no) > MAX_LEGS {
        return Err(Refusal::NoMethodRule(method));
    }
    let so_far = Minor::sum(payment.legs().map(|leg| leg.approval.amount))?;
    let sum = so_far.plus(request.amount)?;
    if sum > total {
        return Err(Refusal::LegSum { sum, total });
    }
    let rest = total.minus(so_far)?;
    let tax_free_so_far = Minor::sum(payment.legs().map(|leg| leg.approval.tax_free))?;
    let tax_free_rest = payment.opened.tax_free.minus(tax_free_so_far)?;
    // what this leg leaves of the tax-free part has to fit the legs that are still to come
    let least = tax_free_rest.minus(total.minus(sum)?).unwrap_or(Minor::ZERO);
    let most = tax_free_rest.min(request.amount);
    let tax_free = match request.tax_free {
        Some(tax_free) => tax_free,
        None => tax_free_rest.share(request.amount, rest)?.clamp(least, most),
    };
    if tax_free < least || tax_free > most {
        return Err(Refusal::TaxFreeBounds { least, most });
    }
    Ok(confirm::approval(leg_no, request, rule, tax_free, now))
}

/// Records what an issuer answered to an attempt of the caller, with what follows from it. The same answer told again adds
/// nothing; one that comes after a verdict is a fact beside it and revives nothing (R1).
pub fn result(
    payment: &Payment,
    leg_no: u8,
    attempt_no: u16,
    answer: &Answer,
    issuers: &[Issuer],
    now: DateTime<Utc>,
) -> Result<Vec<Fact>, Refusal> {
    let attempt = payment
        .attempt(leg_no, AttemptKind::Auth, attempt_no)
        .filter(|attempt| is_of_caller(attempt))
        .ok_or(Refusal::NoSuchAttempt { leg_no, attempt_no })?;
    if payment.verdict.is_some() {
        return Ok(reverse::late(payment, leg_no, attempt_no, answer, issuers, now));
    }
    let word = Answer { source: ResultSource::Caller, ..answer.clone() };
    let Some(told) = attempt.told(&word) else { return Ok(Vec::new()) };
    let mut facts = vec![told];
    // facts that follow an attempt always fold
    let Ok(after) = payment.after(payment.head.clone(), &facts) else { return Ok(facts) };
    facts.extend(judged(&after, leg_no, attempt_no, answer.outcome, issuers, now));
    // of two approvals the network cancel undoes one; and one beside a refusal that has its verdict nothing undoes yet
    if let Ok(after) = payment.after(payment.head.clone(), &facts) {
        facts.extend(contradiction::raised(payment, &after, issuers, now));
    }
    Ok(facts)
}

/// What follows from the answer that was told last.
fn judged(
    payment: &Payment,
    leg_no: u8,
    attempt_no: u16,
    outcome: ResultOutcome,
    issuers: &[Issuer],
    now: DateTime<Utc>,
) -> Vec<Fact> {
    let attempt = payment.attempt(leg_no, AttemptKind::Auth, attempt_no);
    if attempt.is_some_and(contradicts_itself) {
        return aborted(payment, "CONTRADICTED", issuers, now);
    }
    if attempt.is_some_and(|attempt| attempt.ruling().is_some()) {
        return Vec::new();
    }
    let is_late = now > payment.opened.expires_at;
    match outcome {
        ResultOutcome::Approved if is_complete(payment) => confirmed(payment, now),
        ResultOutcome::Approved | ResultOutcome::NotSent if is_late => {
            aborted(payment, "EXPIRED", issuers, now)
        }
        ResultOutcome::Approved => Vec::new(),
        ResultOutcome::NotSent => vec![verdict(leg_no, attempt_no, Ruling::Reject, now)],
        ResultOutcome::Declined => aborted(payment, "DECLINED", issuers, now),
        ResultOutcome::Timeout
        | ResultOutcome::Garbled
        | ResultOutcome::Reset
        | ResultOutcome::Issued
        | ResultOutcome::NoOriginal
        | ResultOutcome::Reversed
        | ResultOutcome::Canceled
        | ResultOutcome::TooLate => aborted(payment, "ISSUER_TIMEOUT", issuers, now),
    }
}

/// An approval beside a refusal, beside proof that nothing was sent, or beside another approval: nothing rests on it.
fn contradicts_itself(attempt: &AttemptFacts) -> bool {
    let refused = |outcome| matches!(outcome, ResultOutcome::Declined | ResultOutcome::NotSent);
    let approvals = attempt.results.iter().filter(|result| result.outcome == ResultOutcome::Approved).count();
    approvals > 1 || approvals == 1 && attempt.results.iter().any(|result| refused(result.outcome))
}

/// Whether the legs add up to the total and every one is approved.
fn is_complete(payment: &Payment) -> bool {
    let sum = Minor::sum(payment.legs().map(|leg| leg.approval.amount));
    let is_approved = |leg: &Leg| {
        leg.authorizations().last().is_some_and(|last| last.ruling().is_none() && last.approval().is_some())
    };
    sum == Ok(payment.opened.total) && payment.legs().all(is_approved)
}

fn confirmed(payment: &Payment, now: DateTime<Utc>) -> Vec<Fact> {
    let mut facts = Vec::new();
    for leg in payment.legs() {
        let last = leg.authorizations().last();
        let Some((last, approval)) = last.and_then(|last| Some((last, last.approval()?))) else { continue };
        let ruling = Ruling::Accept { result_no: approval.result_no };
        facts.push(verdict(leg.approval.leg_no, last.attempt.attempt_no, ruling, now));
        facts.push(Fact::BalanceLink(balance::open(leg.approval.leg_no, leg.approval.amount)));
    }
    facts.push(confirm::payment_verdict(payment, Verdict::Confirmed, None, now));
    facts
}

/// Gives the payment up. What was refused or not sent is rejected; everything else may stand at an issuer, or be on its way
/// there, and is abandoned and undone.
fn aborted(payment: &Payment, reason: &str, issuers: &[Issuer], now: DateTime<Utc>) -> Vec<Fact> {
    let mut facts = Vec::new();
    for attempt in open_attempts(payment) {
        let Attempt { leg_no, attempt_no, .. } = attempt.attempt;
        match undoing(attempt, now) {
            None => facts.push(verdict(leg_no, attempt_no, Ruling::Reject, now)),
            Some(reason) => {
                facts.push(verdict(leg_no, attempt_no, Ruling::Abandon, now));
                facts.push(Fact::NetworkCancel(order(attempt, reason, issuers, now)));
            }
        }
    }
    facts.push(confirm::payment_verdict(payment, Verdict::Aborted, Some(reason), now));
    facts
}

fn open_attempts(payment: &Payment) -> impl Iterator<Item = &AttemptFacts> {
    payment.legs().flat_map(Leg::authorizations).filter(|attempt| attempt.ruling().is_none())
}

/// Why an attempt is to be undone; nothing when the issuer holds nothing.
fn undoing(attempt: &AttemptFacts, now: DateTime<Utc>) -> Option<NetworkCancelReason> {
    if contradicts_itself(attempt) {
        return Some(NetworkCancelReason::Garbled);
    }
    let Some(last) = attempt.results.iter().max_by_key(|result| result.result_no) else {
        let is_past = now > attempt.attempt.deadline_at;
        return Some(if is_past {
            NetworkCancelReason::CrashRecovery
        } else {
            NetworkCancelReason::SiblingFailed
        });
    };
    match last.outcome {
        ResultOutcome::Declined | ResultOutcome::NotSent => None,
        ResultOutcome::Approved | ResultOutcome::Issued => Some(NetworkCancelReason::SiblingFailed),
        ResultOutcome::Garbled => Some(NetworkCancelReason::Garbled),
        ResultOutcome::Reset => Some(NetworkCancelReason::Reset),
        ResultOutcome::Timeout
        | ResultOutcome::NoOriginal
        | ResultOutcome::Reversed
        | ResultOutcome::Canceled
        | ResultOutcome::TooLate => Some(NetworkCancelReason::Timeout),
    }
}

/// The order to undo an attempt. One that may not even have left yet can land until its deadline: the late window begins
/// then (R2).
fn order(
    attempt: &AttemptFacts,
    reason: NetworkCancelReason,
    issuers: &[Issuer],
    now: DateTime<Utc>,
) -> NetworkCancel {
    let Attempt { leg_no, attempt_no, issuer_id, deadline_at, .. } = &attempt.attempt;
    let order = confirm::network_cancel(*leg_no, *attempt_no, reason, issuer_id, issuers, now);
    let on_its_way = if attempt.results.is_empty() {
        (*deadline_at - now).max(TimeDelta::zero())
    } else {
        TimeDelta::zero()
    };
    NetworkCancel {
        late_until: order.late_until + on_its_way,
        valid_until: order.valid_until + on_its_way,
        ..order
    }
}

/// Gives up a payment whose caller has not told in time how an attempt ended (R10), or has left it incomplete until it
/// expired. Approved legs that only wait for further ones are left alone before that, and so is an attempt in its time.
pub fn recover(payment: &Payment, issuers: &[Issuer], now: DateTime<Utc>) -> Result<Vec<Fact>, Refusal> {
    let is_silent = |attempt: &AttemptFacts| attempt.results.is_empty();
    let is_past = |attempt: &AttemptFacts| is_silent(attempt) && now > attempt.attempt.deadline_at;
    if open_attempts(payment).any(is_past) {
        return Ok(aborted(payment, "CRASH_RECOVERY", issuers, now));
    }
    let is_left = now > payment.opened.expires_at && open_attempts(payment).next().is_some();
    if is_left && !open_attempts(payment).any(is_silent) {
        return Ok(aborted(payment, "EXPIRED", issuers, now));
    }
    Err(Refusal::InvalidState { status: payment.status(now), verb: "recovered: its caller has time left" })
}

fn verdict(leg_no: u8, attempt_no: u16, ruling: Ruling, now: DateTime<Utc>) -> Fact {
    Fact::AttemptVerdict(AttemptVerdict { leg_no, attempt_no, ruling, decided_at: now })
}
