//! Answers that contradict what has been decided. An approval that nobody wants stands at the issuer all the same, and money
//! that was given back is gone whatever was said before: both are raised as facts of their own, counted as exposure, and
//! either undone by the issuer's reference or handed to people. Nothing is revived by them, and nothing taken back.
//!
//! | told | beside | undone by |
//! |---|---|---|
//! | a further approval, under another reference | ACCEPT (R5) | a full cancel by its reference: a reversal could hit the accepted one |
//! | an approval | REJECT | a reversal that names its reference |
//! | a further approval | ABANDON | the same; the first one is what the network cancel undoes |
//! | an approval | the issuer's word that it is undone, unless that names this very one | the same |
//! | a refund | a share that was refused, and is free again (R6) | nothing: people take over |

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::codes;
use crate::reference::Issuer;

use super::attempt::{AttemptFacts, AttemptState};
use super::confirm::DEFAULT_VALIDITY;
use super::fact::{AttemptKind, AttemptResult, Fact, ResultOutcome, Ruling};
use super::fold::Payment;
use super::undoing::is_undone_by_name;

codes! {
    /// How far a contradiction is settled.
    ContradictionStep {
        /// Found.
        Raised = "RAISED",
        /// Undone by the issuer's word.
        Undone = "UNDONE",
        /// Handed to people.
        Escalated = "ESCALATED",
    }
}

/// Row of `contradiction`: a step about one answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Contradiction {
    pub leg_no: u8,
    pub kind: AttemptKind,
    pub attempt_no: u16,
    pub outcome: ResultOutcome,
    pub result_no: u16,
    pub step_no: u8,
    pub step: ContradictionStep,
    pub valid_until: DateTime<Utc>,
    pub decided_at: DateTime<Utc>,
}

impl Contradiction {
    /// The step after this one.
    pub(super) const fn then(self, step: ContradictionStep, decided_at: DateTime<Utc>) -> Self {
        Self { step_no: self.step_no.saturating_add(1), step, decided_at, ..self }
    }
}

impl AttemptFacts {
    /// The last step about one of its results.
    pub fn contradiction(&self, result_no: u16) -> Option<&Contradiction> {
        self.contradictions.iter().rfind(|fact| fact.result_no == result_no)
    }

    /// Approvals that nobody wants and no network cancel is about, raised or not. One that came after the issuer had said it
    /// was undone is known by having been raised.
    fn unwanted(&self) -> impl Iterator<Item = &AttemptResult> {
        let first = self.approval().map(|result| result.result_no);
        self.results.iter().filter(move |result| {
            let is_wanted = match self.ruling() {
                Some(Ruling::Accept { result_no }) => result.result_no == result_no,
                Some(Ruling::Reject) => false,
                Some(Ruling::Abandon) => {
                    Some(result.result_no) == first && self.contradiction(result.result_no).is_none()
                }
                None => true,
            };
            result.outcome == ResultOutcome::Approved && !is_wanted
        })
    }

    /// The answers that contradict what was decided and are not undone, with how far that has come; nothing when no one has
    /// raised it yet.
    pub fn contrary(&self) -> impl Iterator<Item = (&AttemptResult, Option<&Contradiction>)> {
        let refunds = self.results.iter().filter(|result| {
            result.outcome != ResultOutcome::Approved && self.contradiction(result.result_no).is_some()
        });
        self.unwanted()
            .chain(refunds)
            .map(|result| (result, self.contradiction(result.result_no)))
            .filter(|(_, last)| last.is_none_or(|last| last.step != ContradictionStep::Undone))
    }

    fn is_contrary(&self, wanted: impl Fn(ContradictionStep) -> bool) -> bool {
        self.contrary().any(|(_, last)| wanted(last.map_or(ContradictionStep::Raised, |last| last.step)))
    }
}

impl Payment {
    /// Every attempt that an answer may contradict: authorizations and cancels.
    pub(super) fn answered_attempts(&self) -> impl Iterator<Item = &AttemptFacts> {
        self.legs().flat_map(|leg| leg.authorizations().chain(leg.attempts_of(AttemptKind::Cancel)))
    }

    /// Whether people have an answer that contradicts what was decided.
    pub(super) fn has_escalated_contradiction(&self) -> bool {
        self.answered_attempts().any(|facts| facts.is_contrary(|step| step == ContradictionStep::Escalated))
    }

    /// Whether such an answer is still to be undone.
    pub(super) fn has_open_contradiction(&self) -> bool {
        self.answered_attempts().any(|facts| facts.is_contrary(|step| step == ContradictionStep::Raised))
    }

    /// Whether there was any such answer; one that is neither open nor with people is undone.
    pub(super) fn has_contradiction(&self) -> bool {
        self.answered_attempts().any(|facts| !facts.contradictions.is_empty())
    }
}

/// Raises what contradicts the verdicts of a payment and is not raised yet; `after` has the answers folded in, `before` has not.
pub(super) fn raised(before: &Payment, after: &Payment, issuers: &[Issuer], now: DateTime<Utc>) -> Vec<Fact> {
    let mut facts = Vec::new();
    let attempts = after.legs().flat_map(|leg| leg.authorizations().map(move |attempt| (leg, attempt)));
    for (leg, attempt) in attempts {
        let known = before.attempt(attempt.attempt.leg_no, AttemptKind::Auth, attempt.attempt.attempt_no);
        let was_undone =
            known.is_some_and(|known| known.approval().is_none() && known.state(now) == AttemptState::Voided);
        let after_undone = attempt
            .approval()
            .filter(|approval| was_undone && !is_undone_by_name(leg, &attempt.attempt, approval));
        let open = attempt.contrary().filter(|(_, raised)| raised.is_none()).map(|(result, _)| result);
        for result in after_undone.into_iter().chain(open) {
            facts.push(Fact::Contradiction(raise(attempt, result, issuers, now)));
        }
    }
    facts
}

/// Raises one answer.
pub(super) fn raise(
    attempt: &AttemptFacts,
    result: &AttemptResult,
    issuers: &[Issuer],
    now: DateTime<Utc>,
) -> Contradiction {
    let issuer = issuers.iter().find(|issuer| issuer.issuer_id == attempt.attempt.issuer_id);
    Contradiction {
        leg_no: result.leg_no,
        kind: result.kind,
        attempt_no: result.attempt_no,
        outcome: result.outcome,
        result_no: result.result_no,
        step_no: 1,
        step: ContradictionStep::Raised,
        valid_until: now + issuer.map_or(DEFAULT_VALIDITY, |issuer| issuer.validity),
        decided_at: now,
    }
}

/// Raises money given back for a share that was refused and released, and hands it to people: no message takes it back.
pub(super) fn given_back(attempt: &AttemptFacts, result: &AttemptResult, now: DateTime<Utc>) -> [Fact; 2] {
    let raised = Contradiction { valid_until: now, ..raise(attempt, result, &[], now) };
    [raised, raised.then(ContradictionStep::Escalated, now)].map(Fact::Contradiction)
}
