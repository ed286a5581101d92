//! Undoing an abandoned authorization, until the issuer's word is definite or people take over (R1–R4).

use chrono::{DateTime, Utc};

use crate::codes;
use crate::reference::Issuer;
use crate::time::BusinessDate;

use super::attempt::{AttemptFacts, AttemptState};
use super::confirm::{Answer, trace_no};
use super::fact::{
    Attempt, AttemptKind, AttemptResult, Fact, NetworkCancel, NetworkCancelOutcome, ResultOutcome,
    ReversalOutcome, SentBy,
};
use super::fold::Payment;
use super::refusal::Refusal;

/// An attempt is handed to people when this part of its validity is over: seventeen twentieths.
const ESCALATE_NUMERATOR: i32 = 17;
const ESCALATE_DENOMINATOR: i32 = 20;

codes! {
    /// What a reversal step came to.
    Step {
        /// Undone by the issuer's word.
        Voided = "VOIDED",
        /// Unknown to the issuer, after the late window: undone unless an approval surfaces.
        Provisional = "PROVISIONAL",
        /// Not definite yet.
        Repeat = "REPEAT",
        /// Handed to people.
        Escalated = "ESCALATED",
    }
}

/// The instant from which an order to undo is handed to people.
pub fn escalate_at(order: &NetworkCancel) -> DateTime<Utc> {
    order.requested_at + (order.valid_until - order.requested_at) * ESCALATE_NUMERATOR / ESCALATE_DENOMINATOR
}

/// Whether the attempt is still to be undone.
pub fn is_due(attempt: &AttemptFacts, now: DateTime<Utc>) -> bool {
    matches!(attempt.state(now), AttemptState::Reversing(_))
}

/// Commits a NET_CANCEL attempt for the AUTH attempt `target_no` of a leg; nothing when it is not being undone.
pub fn start(
    payment: &Payment,
    leg_no: u8,
    target_no: u16,
    issuer: &Issuer,
    now: DateTime<Utc>,
) -> Vec<Fact> {
    let Some(leg) = payment.leg(leg_no) else { return Vec::new() };
    let Some(target) = payment.attempt(leg_no, AttemptKind::Auth, target_no) else { return Vec::new() };
    if !is_due(target, now) {
        return Vec::new();
    }
    let attempt_no = leg.next_attempt_no(AttemptKind::NetCancel);
    vec![Fact::Attempt(Attempt {
        leg_no,
        kind: AttemptKind::NetCancel,
        attempt_no,
        issuer_id: target.attempt.issuer_id.clone(),
        trace_date: BusinessDate::in_seoul(now).day(),
        trace_no: trace_no(payment.id, leg_no, AttemptKind::NetCancel, attempt_no),
        amount: target.attempt.amount,
        target_no: Some(target_no),
        cancel_no: None,
        sent_by: SentBy::Ledger,
        deadline_at: now + issuer.answer_within(),
    })]
}

/// Records the answer to a NET_CANCEL attempt and says what it came to. What counts against the late window is when the
/// attempt was sent, which its deadline and the issuer's patience tell.
pub fn finish(
    payment: &Payment,
    leg_no: u8,
    attempt_no: u16,
    answer: &Answer,
    issuer: &Issuer,
    now: DateTime<Utc>,
) -> Result<(Vec<Fact>, Step), Refusal> {
    let attempt = payment.attempt(leg_no, AttemptKind::NetCancel, attempt_no).ok_or(Refusal::NotFound)?;
    let target_no = attempt.attempt.target_no.ok_or(Refusal::NotFound)?;
    let target = payment.attempt(leg_no, AttemptKind::Auth, target_no).ok_or(Refusal::NotFound)?;
    let order = target.network_cancel.as_ref().ok_or(Refusal::NotFound)?;
    let result = Fact::Result(AttemptResult {
        leg_no,
        kind: AttemptKind::NetCancel,
        attempt_no,
        outcome: answer.outcome,
        result_no: attempt.next_result_no(),
        source: answer.source,
        issuer_ref: answer.issuer_ref.clone(),
        issuer_code: answer.issuer_code.clone(),
        received_at: answer.received_at,
    });
    let mut facts = if attempt.knows(answer) { Vec::new() } else { vec![result] };
    if let Some(step) = settled(target.state(now)) {
        return Ok((facts, step));
    }
    let sent_at = attempt.attempt.deadline_at - issuer.answer_within();
    let absent = absence_agreed(payment, leg_no, target, order, attempt_no, sent_at);
    let step = step(order, answer.outcome, absent, now);
    facts.extend(outcome_of(step).map(|outcome| {
        Fact::NetworkCancelOutcome(NetworkCancelOutcome {
            leg_no,
            attempt_no: target_no,
            outcome_no: target.next_outcome_no(),
            outcome,
            decided_at: now,
        })
    }));
    Ok((facts, step))
}

/// What a reversal that is settled has come to.
const fn settled(state: AttemptState) -> Option<Step> {
    match state {
        AttemptState::Reversing(_) => None,
        AttemptState::Escalated | AttemptState::Conflict => Some(Step::Escalated),
        AttemptState::VoidedProvisional => Some(Step::Provisional),
        AttemptState::Voided
        | AttemptState::InFlight
        | AttemptState::Approved
        | AttemptState::Issued
        | AttemptState::Declined
        | AttemptState::Uncertain(_)
        | AttemptState::Accepted
        | AttemptState::Rejected => Some(Step::Voided),
    }
}

const fn outcome_of(step: Step) -> Option<ReversalOutcome> {
    match step {
        Step::Voided => Some(ReversalOutcome::Voided),
        Step::Provisional => Some(ReversalOutcome::VoidedProvisional),
        Step::Escalated => Some(ReversalOutcome::Escalated),
        Step::Repeat => None,
    }
}

fn step(order: &NetworkCancel, outcome: ResultOutcome, absence_agreed: bool, now: DateTime<Utc>) -> Step {
    match outcome {
        ResultOutcome::Reversed | ResultOutcome::Canceled => Step::Voided,
        ResultOutcome::NoOriginal if absence_agreed => Step::Provisional,
        ResultOutcome::TooLate | ResultOutcome::Declined => Step::Escalated,
        ResultOutcome::NoOriginal
        | ResultOutcome::Approved
        | ResultOutcome::Issued
        | ResultOutcome::Timeout
        | ResultOutcome::Garbled
        | ResultOutcome::Reset
        | ResultOutcome::NotSent => {
            if now >= escalate_at(order) {
                Step::Escalated
            } else {
                Step::Repeat
            }
        }
    }
}

/// "No original" counts when it was asked for after the late window, an earlier try said the same, and no approval is known (R2).
fn absence_agreed(
    payment: &Payment,
    leg_no: u8,
    target: &AttemptFacts,
    order: &NetworkCancel,
    attempt_no: u16,
    sent_at: DateTime<Utc>,
) -> bool {
    let said_before = payment.leg(leg_no).is_some_and(|leg| {
        leg.attempts_of(AttemptKind::NetCancel)
            .filter(|earlier| earlier.attempt.target_no == Some(target.attempt.attempt_no))
            .filter(|earlier| earlier.attempt.attempt_no < attempt_no)
            .any(|earlier| earlier.result(ResultOutcome::NoOriginal).is_some())
    });
    sent_at >= order.late_until && said_before && target.approval().or_else(|| target.issuance()).is_none()
}

/// An answer to an AUTH attempt after its verdict: recorded, never revived (R1). An approval that surfaces after "no
/// original" was believed reopens the reversal.
pub fn late(
    payment: &Payment,
    leg_no: u8,
    attempt_no: u16,
    answer: &Answer,
    now: DateTime<Utc>,
) -> Vec<Fact> {
    let Some(attempt) = payment.attempt(leg_no, AttemptKind::Auth, attempt_no) else { return Vec::new() };
    let mut facts: Vec<_> = attempt.told_late(answer).into_iter().collect();
    let did_act = matches!(answer.outcome, ResultOutcome::Approved | ResultOutcome::Issued);
    if did_act && attempt.state(now) == AttemptState::VoidedProvisional {
        facts.push(Fact::NetworkCancelOutcome(NetworkCancelOutcome {
            leg_no,
            attempt_no,
            outcome_no: attempt.next_outcome_no(),
            outcome: ReversalOutcome::Reopened,
            decided_at: now,
        }));
    }
    facts
}
