//! Undoing an authorization that is given up, or an approval that nobody wants, until the issuer's word is definite or people
//! take over (R1–R5).
//!
//! ```text
//! reversal ─▶ REVERSED: undone     NO_ORIGINAL twice, after the late window: undone, provisionally     silence: again (R3)
//!    │ TOO_LATE (R4)
//!    ▼
//! inquiry ─▶ undone already, or it stands under this reference
//!    ▼
//! full cancel by the reference ─▶ CANCELED: undone     refused: people     silence: the same message again, as any cancel (R6)
//! ```
//!
//! An approval beside the accepted one begins with the last step: a reversal names the whole attempt.

use chrono::{DateTime, Utc};

use crate::codes;
use crate::reference::Issuer;
use crate::time::BusinessDate;

use super::attempt::{AttemptFacts, AttemptState};
use super::confirm::{Answer, trace_no};
use super::contradiction;
use super::fact::{
    Attempt, AttemptKind, AttemptResult, Contradiction, ContradictionStep, Fact, NetworkCancelOutcome,
    ResultOutcome, ReversalOutcome, Ruling, SentBy, Way,
};
use super::fold::{Leg, Payment};
use super::refusal::Refusal;
use super::undoing::{Case, is_refused, names};

pub use super::undoing::{Target, due, escalate_at, is_due, reference};

codes! {
    /// What a step of undoing came to.
    Step {
        /// Undone by the issuer's word.
        Voided = "VOIDED",
        /// Unknown to the issuer, after the late window: undone unless an approval surfaces.
        Provisional = "PROVISIONAL",
        /// Not definite yet.
        Repeat = "REPEAT",
        /// No longer to be reversed: the issuer is asked how it stands.
        Inquire = "INQUIRE",
        /// It stands: it is canceled in full.
        Cancel = "CANCEL",
        /// Handed to people.
        Escalated = "ESCALATED",
    }
}

impl Step {
    /// Whether a further message is due at once.
    pub const fn goes_on(self) -> bool {
        match self {
            Self::Inquire | Self::Cancel => true,
            Self::Voided | Self::Provisional | Self::Repeat | Self::Escalated => false,
        }
    }
}

/// What is sent next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// A message of its own, once this attempt is committed.
    Commit(Box<Attempt>),
    /// The same message again: a cancel has one trace number, however often it is sent.
    Again {
        /// NET_CANCEL.
        kind: AttemptKind,
        /// Which.
        attempt_no: u16,
    },
}

/// The next message that undoes `target`; nothing when it is not being undone.
pub fn start(payment: &Payment, target: Target, issuer: &Issuer, now: DateTime<Utc>) -> Option<Next> {
    let case = Case::of(payment, target, now)?;
    let leg_no = target.leg_no;
    let (kind, way) = match case.asks() {
        Asks::Again(attempt_no) => return Some(Next::Again { kind: AttemptKind::NetCancel, attempt_no }),
        Asks::Reversal => (AttemptKind::NetCancel, None),
        Asks::Inquiry => (AttemptKind::Inquiry, None),
        Asks::Cancel => (AttemptKind::NetCancel, Some(Way::Cancel)),
    };
    let attempt_no = case.leg.next_attempt_no(kind);
    Some(Next::Commit(Box::new(Attempt {
        leg_no,
        kind,
        attempt_no,
        issuer_id: case.target.attempt.issuer_id.clone(),
        trace_date: BusinessDate::in_seoul(now).day(),
        trace_no: trace_no(payment.id, leg_no, kind, attempt_no),
        amount: case.target.attempt.amount,
        target_no: Some(target.attempt_no),
        cancel_no: None,
        sent_by: SentBy::Ledger,
        deadline_at: now + issuer.answer_within(),
        target_result: case.named(),
        way,
    })))
}

/// What the next message asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asks {
    Reversal,
    Inquiry,
    Cancel,
    /// The cancel that was sent before and has no definite answer.
    Again(u16),
}

impl Case<'_> {
    fn asks(&self) -> Asks {
        let beside_accepted = matches!(self.target.ruling(), Some(Ruling::Accept { .. }));
        let reversal_refused =
            self.reversals().any(|facts| facts.results.iter().any(|r| is_refused(r.outcome)));
        if !beside_accepted && !reversal_refused {
            return Asks::Reversal;
        }
        let is_known = beside_accepted || self.inquiries().any(|facts| facts.approval().is_some());
        if !is_known {
            return Asks::Inquiry;
        }
        self.cancels().last().map_or(Asks::Cancel, |facts| Asks::Again(facts.attempt.attempt_no))
    }
}

/// Records the answer to a NET_CANCEL or INQUIRY attempt and says what it came to. What counts against the late window is when
/// the attempt was sent, which its deadline and the issuer's patience tell.
pub fn finish(
    payment: &Payment,
    (leg_no, kind, attempt_no): (u8, AttemptKind, u16),
    answer: &Answer,
    issuer: &Issuer,
    now: DateTime<Utc>,
) -> Result<(Vec<Fact>, Step), Refusal> {
    let attempt = payment.attempt(leg_no, kind, attempt_no).ok_or(Refusal::NotFound)?;
    let target_no = attempt.attempt.target_no.ok_or(Refusal::NotFound)?;
    let facts = payment.attempt(leg_no, AttemptKind::Auth, target_no).ok_or(Refusal::NotFound)?;
    let target = Target { leg_no, attempt_no: target_no, result_no: facts.contradicted(&attempt.attempt) };
    let result = Fact::Result(AttemptResult {
        leg_no,
        kind,
        attempt_no,
        outcome: answer.outcome,
        result_no: attempt.next_result_no(),
        source: answer.source,
        issuer_ref: answer.issuer_ref.clone(),
        issuer_code: answer.issuer_code.clone(),
        received_at: answer.received_at,
    });
    let mut added = if attempt.knows(answer) { Vec::new() } else { vec![result] };
    let Some(case) = Case::of(payment, target, now) else {
        return Ok((added, settled(facts, target.result_no, now)));
    };
    let sent_at = attempt.attempt.deadline_at - issuer.answer_within();
    let step = case.step(attempt, answer, sent_at, now);
    added.extend(case.settled_by(step, now));
    let left =
        facts.approval().filter(|approval| step == Step::Voided && case.leaves(approval, attempt, answer));
    if let Some(approval) = left.filter(|approval| facts.contradiction(approval.result_no).is_none()) {
        let raised = contradiction::raise(facts, approval, std::slice::from_ref(issuer), now);
        // the issuer's time for it began with the order
        let valid_until = facts.network_cancel.as_ref().map_or(raised.valid_until, |order| order.valid_until);
        added.push(Fact::Contradiction(Contradiction { valid_until, ..raised }));
    }
    Ok((added, step))
}

/// What has come of it, once it is settled.
fn settled(facts: &AttemptFacts, result_no: Option<u16>, now: DateTime<Utc>) -> Step {
    if let Some(result_no) = result_no {
        return match facts.contradiction(result_no).map(|last| last.step) {
            Some(ContradictionStep::Undone) => Step::Voided,
            Some(ContradictionStep::Raised | ContradictionStep::Escalated) | None => Step::Escalated,
        };
    }
    match facts.state(now) {
        AttemptState::Escalated | AttemptState::Conflict => Step::Escalated,
        AttemptState::VoidedProvisional => Step::Provisional,
        AttemptState::Reversing(_)
        | AttemptState::Voided
        | AttemptState::InFlight
        | AttemptState::Approved
        | AttemptState::Issued
        | AttemptState::Declined
        | AttemptState::Uncertain(_)
        | AttemptState::Accepted
        | AttemptState::Rejected => Step::Voided,
    }
}

impl Case<'_> {
    fn step(
        &self,
        attempt: &AttemptFacts,
        answer: &Answer,
        sent_at: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Step {
        let is_cancel = attempt.attempt.way == Some(Way::Cancel);
        let is_inquiry = attempt.attempt.kind == AttemptKind::Inquiry;
        match answer.outcome {
            // about one approval, and another one was undone: as good as no answer
            ResultOutcome::Reversed if self.raised.is_some() && self.is_about_another(attempt, answer) => {
                self.again(now)
            }
            ResultOutcome::Reversed | ResultOutcome::Canceled => Step::Voided,
            ResultOutcome::Approved if is_inquiry => Step::Cancel,
            // asked or canceled by its reference: no word but "undone" agrees with what is known
            ResultOutcome::NoOriginal | ResultOutcome::TooLate | ResultOutcome::Declined
                if is_inquiry || is_cancel =>
            {
                Step::Escalated
            }
            ResultOutcome::NoOriginal if self.absence_agreed(attempt.attempt.attempt_no, sent_at) => {
                Step::Provisional
            }
            // an account that is issued is no approval: a deposit may be on its way there
            ResultOutcome::TooLate | ResultOutcome::Declined if self.target.issuance().is_some() => {
                Step::Escalated
            }
            ResultOutcome::TooLate | ResultOutcome::Declined => Step::Inquire,
            ResultOutcome::NoOriginal
            | ResultOutcome::Approved
            | ResultOutcome::Issued
            | ResultOutcome::Timeout
            | ResultOutcome::Garbled
            | ResultOutcome::Reset
            | ResultOutcome::NotSent => self.again(now),
        }
    }

    fn again(&self, now: DateTime<Utc>) -> Step {
        if now >= self.escalate_at { Step::Escalated } else { Step::Repeat }
    }

    /// Whether the answer names an approval, and not the one that the message named.
    fn is_about_another(&self, attempt: &AttemptFacts, answer: &Answer) -> bool {
        let named = reference(self.leg, &attempt.attempt);
        answer.outcome == ResultOutcome::Reversed
            && answer.issuer_ref.is_some()
            && answer.issuer_ref.as_deref() != named
    }

    /// Whether what undid the whole attempt left this approval: the answer names another one, or it names none and nor did the
    /// message, so that what was undone may be another one than what has come to light since.
    fn leaves(&self, approval: &AttemptResult, attempt: &AttemptFacts, answer: &Answer) -> bool {
        let is_whole = self.raised.is_none();
        let is_open = attempt.attempt.target_result.is_none() || self.is_about_another(attempt, answer);
        is_whole && is_open && !names(answer.outcome, answer.issuer_ref.as_deref(), approval)
    }

    /// "No original" counts when it was asked for after the late window, an earlier try said the same, and no approval is
    /// known (R2).
    fn absence_agreed(&self, attempt_no: u16, sent_at: DateTime<Utc>) -> bool {
        let said_before = self
            .reversals()
            .filter(|earlier| earlier.attempt.attempt_no < attempt_no)
            .any(|earlier| earlier.result(ResultOutcome::NoOriginal).is_some());
        let is_known = self.target.named().is_some();
        self.late_until.is_some_and(|late_until| sent_at >= late_until) && said_before && !is_known
    }

    /// The fact that settles it, if the step does.
    fn settled_by(&self, step: Step, now: DateTime<Utc>) -> Option<Fact> {
        let (reversal, contradiction) = match step {
            Step::Voided => (ReversalOutcome::Voided, ContradictionStep::Undone),
            Step::Provisional => (ReversalOutcome::VoidedProvisional, ContradictionStep::Escalated),
            Step::Escalated => (ReversalOutcome::Escalated, ContradictionStep::Escalated),
            Step::Repeat | Step::Inquire | Step::Cancel => return None,
        };
        Some(match self.raised {
            Some(raised) => Fact::Contradiction(raised.then(contradiction, now)),
            None => Fact::NetworkCancelOutcome(NetworkCancelOutcome {
                leg_no: self.target.attempt.leg_no,
                attempt_no: self.target.attempt.attempt_no,
                outcome_no: self.target.next_outcome_no(),
                outcome: reversal,
                decided_at: now,
            }),
        })
    }
}

/// An answer to an AUTH attempt after its verdict: recorded, never revived (R1). An approval that surfaces after "no
/// original" was believed reopens the reversal; one that nobody wants and nothing undoes is raised (R5).
pub fn late(
    payment: &Payment,
    leg_no: u8,
    attempt_no: u16,
    answer: &Answer,
    issuers: &[Issuer],
    now: DateTime<Utc>,
) -> Vec<Fact> {
    late_all(payment, [(leg_no, attempt_no, answer)], issuers, now)
}

/// The same of several attempts.
pub(super) fn late_all<'a>(
    payment: &Payment,
    answers: impl IntoIterator<Item = (u8, u16, &'a Answer)>,
    issuers: &[Issuer],
    now: DateTime<Utc>,
) -> Vec<Fact> {
    let mut facts = Vec::new();
    for (leg_no, attempt_no, answer) in answers {
        let Some(attempt) = payment.attempt(leg_no, AttemptKind::Auth, attempt_no) else { continue };
        facts.extend(attempt.told_late(answer));
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
    }
    // facts that follow an attempt always fold
    if let Ok(after) = payment.after(payment.head.clone(), &facts) {
        facts.extend(contradiction::raised(payment, &after, issuers, now));
    }
    facts
}

impl AttemptFacts {
    /// The approval that a message about this attempt undoes for its own sake: the one it names, once that is raised.
    pub(super) fn contradicted(&self, message: &Attempt) -> Option<u16> {
        message.target_result.filter(|result_no| self.contradiction(*result_no).is_some())
    }
}

impl Leg {
    /// What has been sent to undo a target, in the order it was sent.
    pub(super) fn undoing(&self, kind: AttemptKind, target: Target) -> impl Iterator<Item = &AttemptFacts> {
        self.attempts_of(kind).filter(move |facts| {
            let about = self.attempts.get(&(AttemptKind::Auth, target.attempt_no));
            facts.attempt.target_no == Some(target.attempt_no)
                && about.is_some_and(|about| about.contradicted(&facts.attempt) == target.result_no)
        })
    }
}
