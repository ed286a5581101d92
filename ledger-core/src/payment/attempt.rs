//! What a message to an issuer has come to: a function of the set of facts about it.

use chrono::{DateTime, Utc};

use crate::money::Minor;

use super::confirm::Answer;
use super::fact::{
    Attempt, AttemptKind, AttemptResult, AttemptVerdict, Contradiction, Fact, NetworkCancel,
    NetworkCancelOutcome, NetworkCancelReason, ResultOutcome, ResultSource, ReversalOutcome, Ruling,
};

/// The facts about one attempt.
#[derive(Debug, Clone)]
pub struct AttemptFacts {
    /// What was asked.
    pub attempt: Attempt,
    /// What came back.
    pub results: Vec<AttemptResult>,
    /// What was made of it (AUTH only).
    pub verdict: Option<AttemptVerdict>,
    /// The order to undo it (AUTH only).
    pub network_cancel: Option<NetworkCancel>,
    /// How undoing it stands, oldest first.
    pub reversal: Vec<NetworkCancelOutcome>,
    /// Answers that contradict what was decided, step by step.
    pub contradictions: Vec<Contradiction>,
}

/// Where an AUTH attempt stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AttemptState {
    /// Committed, waiting for an answer.
    InFlight,
    /// Approved by the issuer, not yet accepted.
    Approved,
    /// An account is issued and open for a deposit.
    Issued,
    /// Declined, or proven never to have left.
    Declined,
    /// The issuer may have acted without our knowing.
    Uncertain(Uncertainty),
    /// The approval stands.
    Accepted,
    /// Refused for good.
    Rejected,
    /// Refused for good by one answer, approved by another: people have to find out.
    Conflict,
    /// Being undone.
    Reversing(NetworkCancelReason),
    /// Undone, by the issuer's word.
    Voided,
    /// Unknown to the issuer after the late window; an approval that surfaces reopens it.
    VoidedProvisional,
    /// Handed to people.
    Escalated,
}

/// Why an attempt is uncertain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Uncertainty {
    /// An answer that says so: timeout, garbled, reset.
    Answer(ResultOutcome),
    /// No answer recorded, and the deadline has passed.
    NoAnswer,
}

impl AttemptFacts {
    /// An attempt nothing is known about yet.
    pub const fn new(attempt: Attempt) -> Self {
        Self {
            attempt,
            results: Vec::new(),
            verdict: None,
            network_cancel: None,
            reversal: Vec::new(),
            contradictions: Vec::new(),
        }
    }

    /// The ruling, once there is one.
    pub fn ruling(&self) -> Option<Ruling> {
        self.verdict.as_ref().map(|verdict| verdict.ruling)
    }

    /// The approval among the results.
    pub fn approval(&self) -> Option<&AttemptResult> {
        self.result(ResultOutcome::Approved)
    }

    /// The result by which an account was issued.
    pub fn issuance(&self) -> Option<&AttemptResult> {
        self.result(ResultOutcome::Issued)
    }

    /// The answer by which the issuer's number for what it did is known: the approval, or the account it issued.
    pub fn named(&self) -> Option<&AttemptResult> {
        self.approval().or_else(|| self.issuance())
    }

    /// The issuer's number for what it did.
    pub fn issuer_ref(&self) -> Option<&str> {
        self.named()?.issuer_ref.as_deref()
    }

    /// The first result with this outcome.
    pub fn result(&self, outcome: ResultOutcome) -> Option<&AttemptResult> {
        self.results.iter().find(|result| result.outcome == outcome)
    }

    /// Whether this very answer is recorded already, as after a commit whose end was unknown.
    pub fn knows(&self, answer: &Answer) -> bool {
        self.results.iter().any(|known| {
            known.outcome == answer.outcome
                && known.received_at == answer.received_at
                && known.issuer_ref == answer.issuer_ref
        })
    }

    /// An answer as a fact; the same answer told again, by whatever way, is none.
    pub fn told(&self, answer: &Answer) -> Option<Fact> {
        let is_known =
            |known: &AttemptResult| known.outcome == answer.outcome && known.issuer_ref == answer.issuer_ref;
        (!self.results.iter().any(is_known)).then(|| {
            Fact::Result(AttemptResult {
                leg_no: self.attempt.leg_no,
                kind: self.attempt.kind,
                attempt_no: self.attempt.attempt_no,
                outcome: answer.outcome,
                result_no: self.next_result_no(),
                source: answer.source,
                issuer_ref: answer.issuer_ref.clone(),
                issuer_code: answer.issuer_code.clone(),
                received_at: answer.received_at,
            })
        })
    }

    /// An answer to a payment that has its verdict.
    pub fn told_late(&self, answer: &Answer) -> Option<Fact> {
        self.told(&Answer { source: ResultSource::Late, ..answer.clone() })
    }

    /// The number a further result gets.
    pub fn next_result_no(&self) -> u16 {
        self.results.iter().map(|result| result.result_no).max().map_or(1, |last| last.saturating_add(1))
    }

    /// The number a further reversal outcome gets.
    pub fn next_outcome_no(&self) -> u8 {
        self.reversal.last().map_or(1, |last| last.outcome_no.saturating_add(1))
    }

    /// Where the attempt stands at `now`.
    pub fn state(&self, now: DateTime<Utc>) -> AttemptState {
        match self.ruling() {
            Some(Ruling::Accept { .. }) => AttemptState::Accepted,
            Some(Ruling::Reject) if self.contrary().next().is_some() => AttemptState::Conflict,
            Some(Ruling::Reject) => AttemptState::Rejected,
            Some(Ruling::Abandon) => self.reversal_state(),
            None => self.open_state(now),
        }
    }

    fn open_state(&self, now: DateTime<Utc>) -> AttemptState {
        if self.approval().is_some() {
            return AttemptState::Approved;
        }
        if self.issuance().is_some() {
            return AttemptState::Issued;
        }
        if self.result(ResultOutcome::Declined).or_else(|| self.result(ResultOutcome::NotSent)).is_some() {
            return AttemptState::Declined;
        }
        if let Some(result) = self.results.iter().find(|result| result.outcome.is_uncertain()) {
            return AttemptState::Uncertain(Uncertainty::Answer(result.outcome));
        }
        if now > self.attempt.deadline_at {
            return AttemptState::Uncertain(Uncertainty::NoAnswer);
        }
        AttemptState::InFlight
    }

    fn reversal_state(&self) -> AttemptState {
        let reason = self.network_cancel.as_ref().map_or(NetworkCancelReason::Timeout, |order| order.reason);
        match self.reversal.last().map(|fact| fact.outcome) {
            None | Some(ReversalOutcome::Reopened) => AttemptState::Reversing(reason),
            Some(ReversalOutcome::Voided) => AttemptState::Voided,
            Some(ReversalOutcome::VoidedProvisional) => AttemptState::VoidedProvisional,
            Some(ReversalOutcome::Escalated) => AttemptState::Escalated,
        }
    }

    /// The amount that stands at the issuer by our own word.
    pub fn effective(&self) -> Minor {
        match self.ruling() {
            Some(Ruling::Accept { .. }) => self.attempt.amount,
            Some(Ruling::Reject | Ruling::Abandon) | None => Minor::ZERO,
        }
    }

    /// The amount that may stand at the issuer without our wanting it, by the attempt's own state. An account that is issued
    /// holds nothing by itself: what is deposited there is told as a deposit. What contradicts a verdict is counted on its own.
    pub fn uncertain_amount(&self, now: DateTime<Utc>) -> Minor {
        let is_authorization = self.attempt.kind == AttemptKind::Auth;
        let is_empty_account = self.issuance().is_some() && self.approval().is_none();
        let is_exposed = is_authorization && self.state(now).is_exposed() && !is_empty_account;
        if is_exposed { self.attempt.amount } else { Minor::ZERO }
    }

    /// All that may stand at the issuer without our wanting it: of each approval that nobody wants as much again.
    pub fn exposure(&self, now: DateTime<Utc>) -> Minor {
        let contrary = self.contrary().map(|_| self.attempt.amount);
        Minor::sum(contrary.chain([self.uncertain_amount(now)])).unwrap_or(self.attempt.amount)
    }
}

impl AttemptState {
    /// Whether money may be held that is not accepted. In a conflict it is counted by the approvals that contradict the refusal.
    pub const fn is_exposed(self) -> bool {
        match self {
            Self::Uncertain(_) | Self::Reversing(_) | Self::Escalated => true,
            Self::InFlight
            | Self::Approved
            | Self::Issued
            | Self::Declined
            | Self::Accepted
            | Self::Rejected
            | Self::Conflict
            | Self::Voided
            | Self::VoidedProvisional => false,
        }
    }

    /// The public word for it.
    pub const fn status(self) -> &'static str {
        match self {
            Self::InFlight => "IN_FLIGHT",
            Self::Approved => "APPROVED",
            Self::Issued => "ISSUED",
            Self::Declined => "DECLINED",
            Self::Uncertain(_) => "UNCERTAIN",
            Self::Accepted => "ACCEPTED",
            Self::Rejected => "REJECTED",
            Self::Conflict => "CONFLICT",
            Self::Reversing(_) => "REVERSING",
            Self::Voided => "VOIDED",
            Self::VoidedProvisional => "VOIDED_PROVISIONAL",
            Self::Escalated => "ESCALATED",
        }
    }
}
