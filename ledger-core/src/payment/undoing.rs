//! What is to be undone: an authorization that was given up, or one approval that nobody wants.

use chrono::{DateTime, Utc};

use super::attempt::{AttemptFacts, AttemptState};
use super::fact::{
    Attempt, AttemptKind, AttemptResult, Contradiction, ContradictionStep, ResultOutcome, Way,
};
use super::fold::{Leg, Payment};

/// It is handed to people when this part of its validity is over: seventeen twentieths.
const ESCALATE_NUMERATOR: i32 = 17;
const ESCALATE_DENOMINATOR: i32 = 20;

/// What is undone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Target {
    /// The leg.
    pub leg_no: u8,
    /// The AUTH attempt.
    pub attempt_no: u16,
    /// One approval among its results; nothing for the attempt as a whole, which was given up.
    pub result_no: Option<u16>,
}

/// A target that is not settled, with what decides how it goes on.
pub(super) struct Case<'a> {
    pub leg: &'a Leg,
    pub target: &'a AttemptFacts,
    /// The contradiction, when it is about one.
    pub raised: Option<Contradiction>,
    /// Until when the authorization may still land, where that is not known.
    pub late_until: Option<DateTime<Utc>>,
    pub escalate_at: DateTime<Utc>,
    at: Target,
}

impl<'a> Case<'a> {
    /// Of a target that is to be undone at `now`.
    pub fn of(payment: &'a Payment, target: Target, now: DateTime<Utc>) -> Option<Self> {
        let leg = payment.leg(target.leg_no)?;
        let facts = leg.attempts.get(&(AttemptKind::Auth, target.attempt_no))?;
        if let Some(result_no) = target.result_no {
            let raised =
                facts.contradiction(result_no).filter(|last| last.step == ContradictionStep::Raised)?;
            let escalate_at = escalate_at(raised.decided_at, raised.valid_until);
            return Some(Self {
                leg,
                target: facts,
                raised: Some(*raised),
                late_until: None,
                escalate_at,
                at: target,
            });
        }
        let order = facts.network_cancel.as_ref()?;
        matches!(facts.state(now), AttemptState::Reversing(_)).then(|| Self {
            leg,
            target: facts,
            raised: None,
            late_until: Some(order.late_until),
            escalate_at: escalate_at(order.requested_at, order.valid_until),
            at: target,
        })
    }

    /// The approval that a message about it names.
    pub fn named(&self) -> Option<u16> {
        self.at.result_no.or_else(|| self.target.named().map(|result| result.result_no))
    }

    /// The reversals sent for it.
    pub fn reversals(&self) -> impl Iterator<Item = &AttemptFacts> {
        self.leg.undoing(AttemptKind::NetCancel, self.at).filter(|facts| facts.attempt.way.is_none())
    }

    /// The inquiries.
    pub fn inquiries(&self) -> impl Iterator<Item = &AttemptFacts> {
        self.leg.undoing(AttemptKind::Inquiry, self.at)
    }

    /// The full cancel.
    pub fn cancels(&self) -> impl Iterator<Item = &AttemptFacts> {
        let is_cancel = |facts: &&AttemptFacts| facts.attempt.way == Some(Way::Cancel);
        self.leg.undoing(AttemptKind::NetCancel, self.at).filter(is_cancel)
    }
}

/// The instant from which something to undo is handed to people.
pub fn escalate_at(requested_at: DateTime<Utc>, valid_until: DateTime<Utc>) -> DateTime<Utc> {
    requested_at + (valid_until - requested_at) * ESCALATE_NUMERATOR / ESCALATE_DENOMINATOR
}

/// What of an attempt is still to be undone: the whole of it, and approvals by themselves.
pub fn due(attempt: &AttemptFacts, now: DateTime<Utc>) -> Vec<Target> {
    let target = |result_no| Target {
        leg_no: attempt.attempt.leg_no,
        attempt_no: attempt.attempt.attempt_no,
        result_no,
    };
    let whole = matches!(attempt.state(now), AttemptState::Reversing(_)).then(|| target(None));
    let is_raised = |fact: &Contradiction| fact.step == ContradictionStep::Raised;
    let open = attempt
        .contrary()
        .filter(|(_, last)| last.is_some_and(is_raised))
        .map(|(result, _)| target(Some(result.result_no)));
    whole.into_iter().chain(open).collect()
}

/// Whether something of the attempt is still to be undone.
pub fn is_due(attempt: &AttemptFacts, now: DateTime<Utc>) -> bool {
    !due(attempt, now).is_empty()
}

/// Whether the issuer has said that what it undid of a whole attempt is this approval, by its reference.
pub(super) fn is_undone_by_name(leg: &Leg, attempt: &Attempt, approval: &AttemptResult) -> bool {
    let whole = Target { leg_no: attempt.leg_no, attempt_no: attempt.attempt_no, result_no: None };
    let asked = [AttemptKind::NetCancel, AttemptKind::Inquiry].map(|kind| leg.undoing(kind, whole));
    let mut answers = asked.into_iter().flatten().flat_map(|facts| &facts.results);
    answers.any(|answer| names(answer.outcome, answer.issuer_ref.as_deref(), approval))
}

/// Whether an answer says of this approval that it is reversed.
pub(super) fn names(outcome: ResultOutcome, issuer_ref: Option<&str>, approval: &AttemptResult) -> bool {
    outcome == ResultOutcome::Reversed && issuer_ref.is_some() && issuer_ref == approval.issuer_ref.as_deref()
}

/// Whether an answer to a reversal says that it can no longer be reversed.
pub(super) const fn is_refused(outcome: ResultOutcome) -> bool {
    matches!(outcome, ResultOutcome::TooLate | ResultOutcome::Declined)
}

/// The issuer's reference that a message names: of the approval that was known when it was committed, else, for a cancel, what
/// an inquiry has brought to light.
pub fn reference<'a>(leg: &'a Leg, attempt: &Attempt) -> Option<&'a str> {
    let target_no = attempt.target_no?;
    let facts = leg.attempts.get(&(AttemptKind::Auth, target_no))?;
    if let Some(result_no) = attempt.target_result {
        let result = facts.results.iter().find(|result| result.result_no == result_no)?;
        return result.issuer_ref.as_deref();
    }
    attempt.way?;
    let target = Target { leg_no: attempt.leg_no, attempt_no: target_no, result_no: None };
    let found = leg.undoing(AttemptKind::Inquiry, target).filter_map(AttemptFacts::approval).last();
    found?.issuer_ref.as_deref()
}
