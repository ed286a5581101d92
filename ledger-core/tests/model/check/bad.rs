//! Designs that differ from what is shipped in one decision. Each has been somebody's good idea.

use chrono::{DateTime, Utc};
use ledger_core::payment::attempt::AttemptFacts;
use ledger_core::payment::balance;
use ledger_core::payment::cancel::Cancel;
use ledger_core::payment::confirm::{self, Answer};
use ledger_core::payment::fact::{
    Attempt, AttemptKind, AttemptResult, AttemptVerdict, Fact, NetworkCancelOutcome, ResultOutcome,
    ReversalOutcome, Ruling, Verdict,
};
use ledger_core::payment::fold::{self, Payment};
use ledger_core::payment::reverse::{self, Next};

use super::design::{About, Decided, Design, Shipped};
use crate::world::issuer;

/// The state is a column: an approval that comes late makes the payment paid after all.
#[derive(Debug, Clone, Copy)]
pub struct LateSuccessPays;

impl Design for LateSuccessPays {
    fn late(&self, payment: &Payment, leg_no: u8, answer: &Answer, now: DateTime<Utc>) -> Vec<Fact> {
        let mut facts = reverse::late(payment, leg_no, 1, answer, &[issuer()], now);
        let Some(Fact::Result(result)) = facts.first().cloned() else { return facts };
        if answer.outcome == ResultOutcome::Approved {
            let ruling = Ruling::Accept { result_no: result.result_no };
            let verdict = AttemptVerdict { leg_no, attempt_no: 1, ruling, decided_at: now };
            facts.push(Fact::AttemptVerdict(verdict));
            facts.push(confirm::payment_verdict(payment, Verdict::Confirmed, None, now));
            facts.push(Fact::BalanceLink(balance::open(leg_no, payment.opened.total)));
        }
        facts
    }

    /// The update of a column.
    fn refuses(&self) -> bool {
        false
    }
}

/// Undone as soon as the issuer knows nothing of it; what comes late is written to a log.
#[derive(Debug, Clone, Copy)]
pub struct FirstNoOriginalEnds;

impl Design for FirstNoOriginalEnds {
    fn late(&self, _: &Payment, _: u8, _: &Answer, _: DateTime<Utc>) -> Vec<Fact> {
        Vec::new()
    }

    fn finish_reversal(
        &self,
        payment: &Payment,
        about: About,
        answer: &Answer,
        now: DateTime<Utc>,
    ) -> Decided {
        first_no_original(payment, about, answer, now)
    }
}

/// The same, but what comes late is fed to the reversal. No answer comes late when its connection is gone.
#[derive(Debug, Clone, Copy)]
pub struct LateAnswersFeedReversal;

impl Design for LateAnswersFeedReversal {
    fn finish_reversal(
        &self,
        payment: &Payment,
        about: About,
        answer: &Answer,
        now: DateTime<Utc>,
    ) -> Decided {
        first_no_original(payment, about, answer, now)
    }
}

fn first_no_original(payment: &Payment, about: About, answer: &Answer, now: DateTime<Utc>) -> Decided {
    let (mut facts, step) = reverse::finish(payment, about, answer, &issuer(), now)?;
    if step == reverse::Step::Repeat && answer.outcome == ResultOutcome::NoOriginal {
        facts.extend(outcome(payment, about.0, ReversalOutcome::VoidedProvisional, now));
    }
    Ok(facts)
}

fn outcome(
    payment: &Payment,
    leg_no: u8,
    outcome: ReversalOutcome,
    decided_at: DateTime<Utc>,
) -> Option<Fact> {
    let target = payment.attempt(leg_no, AttemptKind::Auth, 1)?;
    let outcome_no = target.next_outcome_no();
    let fact = NetworkCancelOutcome { leg_no, attempt_no: 1, outcome_no, outcome, decided_at };
    Some(Fact::NetworkCancelOutcome(fact))
}

/// "No original" counts from when its answer came, though it was asked for before the late window ended.
#[derive(Debug, Clone, Copy)]
pub struct WindowCountsFromAnswer;

impl Design for WindowCountsFromAnswer {
    fn finish_reversal(
        &self,
        payment: &Payment,
        about: About,
        answer: &Answer,
        now: DateTime<Utc>,
    ) -> Decided {
        let (mut facts, step) = reverse::finish(payment, about, answer, &issuer(), now)?;
        let target = payment.attempt(about.0, AttemptKind::Auth, 1);
        let order = target.and_then(|target| target.network_cancel.as_ref());
        let over = order.is_some_and(|order| now >= order.late_until);
        let unknown = target.is_some_and(|target| target.approval().is_none());
        if step == reverse::Step::Repeat && answer.outcome == ResultOutcome::NoOriginal && over && unknown {
            facts.extend(outcome(payment, about.0, ReversalOutcome::VoidedProvisional, now));
        }
        Ok(facts)
    }
}

/// When the validity is over nothing can be done, so it is closed.
#[derive(Debug, Clone, Copy)]
pub struct SilenceIsClosed;

impl Design for SilenceIsClosed {
    fn finish_reversal(
        &self,
        payment: &Payment,
        about: About,
        answer: &Answer,
        now: DateTime<Utc>,
    ) -> Decided {
        let (mut facts, _) = reverse::finish(payment, about, answer, &issuer(), now)?;
        for fact in &mut facts {
            if let Fact::NetworkCancelOutcome(fact) = fact
                && fact.outcome == ReversalOutcome::Escalated
            {
                fact.outcome = ReversalOutcome::Voided;
            }
        }
        Ok(facts)
    }
}

/// The bytes leave first; the row is written with the answer.
#[derive(Debug, Clone, Copy)]
pub struct SendsBeforeCommit;

impl Design for SendsBeforeCommit {
    fn commits_before_sending(&self) -> bool {
        false
    }
}

/// An authorization that nobody answered has failed.
#[derive(Debug, Clone, Copy)]
pub struct SilenceIsRefusal;

impl Design for SilenceIsRefusal {
    fn recover(&self, payment: &Payment, now: DateTime<Utc>) -> Decided {
        let mut facts = Vec::new();
        for leg in payment.legs() {
            let ruling = Ruling::Reject;
            let leg_no = leg.approval.leg_no;
            facts.push(Fact::AttemptVerdict(AttemptVerdict {
                leg_no,
                attempt_no: 1,
                ruling,
                decided_at: now,
            }));
        }
        facts.push(confirm::payment_verdict(payment, Verdict::Aborted, None, now));
        Ok(facts)
    }
}

/// A leg whose sibling failed has failed with it.
#[derive(Debug, Clone, Copy)]
pub struct SiblingIsForgotten;

impl Design for SiblingIsForgotten {
    fn is_due(&self, attempt: &AttemptFacts, now: DateTime<Utc>) -> bool {
        attempt.approval().is_none() && reverse::is_due(attempt, now)
    }

    fn start_reversal(&self, payment: &Payment, leg_no: u8, now: DateTime<Utc>) -> Option<Next> {
        let target = payment.attempt(leg_no, AttemptKind::Auth, 1);
        if target.is_some_and(|target| self.is_due(target, now)) {
            Shipped.start_reversal(payment, leg_no, now)
        } else {
            None
        }
    }
}

/// An authorization that was not answered is sent once more.
#[derive(Debug, Clone, Copy)]
pub struct SendsAgain;

impl Design for SendsAgain {
    fn sends_again(&self) -> bool {
        true
    }
}

/// Everybody writes what they decided; the last one is right.
#[derive(Debug, Clone, Copy)]
pub struct LastWriterWins;

impl Design for LastWriterWins {
    fn locks(&self) -> bool {
        false
    }

    fn refuses(&self) -> bool {
        false
    }
}

/// What comes after the verdict is kept as a note.
#[derive(Debug, Clone, Copy)]
pub struct LateIsANote;

impl Design for LateIsANote {
    fn late(&self, payment: &Payment, leg_no: u8, answer: &Answer, now: DateTime<Utc>) -> Vec<Fact> {
        let facts = Shipped.late(payment, leg_no, answer, now).into_iter();
        facts.filter(|fact| !matches!(fact, Fact::Contradiction(_))).collect()
    }
}

/// An issuer that says what it has reversed has reversed whatever comes.
#[derive(Debug, Clone, Copy)]
pub struct AnyNameWill;

impl Design for AnyNameWill {
    fn late(&self, payment: &Payment, leg_no: u8, answer: &Answer, now: DateTime<Utc>) -> Vec<Fact> {
        let leg = payment.leg(leg_no);
        let mut reversals = leg.into_iter().flat_map(|leg| leg.attempts_of(AttemptKind::NetCancel));
        let says_which =
            |result: &AttemptResult| result.outcome == ResultOutcome::Reversed && result.issuer_ref.is_some();
        if reversals.any(|facts| facts.results.iter().any(says_which)) {
            return LateIsANote.late(payment, leg_no, answer, now);
        }
        Shipped.late(payment, leg_no, answer, now)
    }
}

/// What an issuer says it has reversed is what it was asked to reverse.
#[derive(Debug, Clone, Copy)]
pub struct AnyReversalWill;

impl Design for AnyReversalWill {
    fn finish_reversal(
        &self,
        payment: &Payment,
        about: About,
        answer: &Answer,
        now: DateTime<Utc>,
    ) -> Decided {
        Shipped.finish_reversal(payment, about, &Answer { issuer_ref: None, ..answer.clone() }, now)
    }
}

/// What the leg has already, accepted or refused, is not asked for again.
#[derive(Debug, Clone, Copy)]
pub struct SecondIsIgnored;

impl Design for SecondIsIgnored {
    fn late(&self, payment: &Payment, leg_no: u8, answer: &Answer, now: DateTime<Utc>) -> Vec<Fact> {
        let attempt = payment.attempt(leg_no, AttemptKind::Auth, 1);
        if attempt.is_some_and(|attempt| attempt.ruling() != Some(Ruling::Abandon)) {
            return Vec::new();
        }
        Shipped.late(payment, leg_no, answer, now)
    }
}

/// A second approval is undone as an authorization that was given up: by a reversal of the attempt.
#[derive(Debug, Clone, Copy)]
pub struct SecondIsReversed;

impl Design for SecondIsReversed {
    fn start_reversal(&self, payment: &Payment, leg_no: u8, now: DateTime<Utc>) -> Option<Next> {
        match Shipped.start_reversal(payment, leg_no, now)? {
            Next::Commit(attempt) if attempt.way.is_some() => {
                Some(Next::Commit(Box::new(Attempt { way: None, target_result: None, ..*attempt })))
            }
            next @ (Next::Commit(_) | Next::Again { .. }) => Some(next),
        }
    }
}

/// What can no longer be reversed is captured, and so it is closed.
#[derive(Debug, Clone, Copy)]
pub struct TooLateIsClosed;

impl Design for TooLateIsClosed {
    fn finish_reversal(
        &self,
        payment: &Payment,
        about: About,
        answer: &Answer,
        now: DateTime<Utc>,
    ) -> Decided {
        let (mut facts, step) = reverse::finish(payment, about, answer, &issuer(), now)?;
        if step == reverse::Step::Inquire {
            facts.extend(outcome(payment, about.0, ReversalOutcome::Voided, now));
        }
        Ok(facts)
    }
}

/// `SELECT SUM` of what was given back, then `INSERT`: two at once read the same sum.
#[derive(Debug, Clone, Copy)]
pub struct SumsAndInserts;

impl Design for SumsAndInserts {
    /// Each under the number of its request: numbers come from a sequence, nobody meets anybody.
    fn start_cancel(&self, payment: &Payment, cmd: &Cancel, now: DateTime<Utc>) -> Decided {
        let own: u16 = cmd.cancel_request_id.parse().unwrap();
        let mut facts = Shipped.start_cancel(payment, cmd, now)?;
        for fact in &mut facts {
            if let Fact::Cancellation(fact) = fact {
                fact.cancel_no = own;
            } else if let Fact::CancelShare(fact) = fact {
                fact.cancel_no = own;
            } else if let Fact::BalanceLink(fact) = fact {
                fact.cancel_no = Some(own);
            } else if let Fact::Attempt(fact) = fact {
                fact.cancel_no = Some(own);
                fact.attempt_no = own;
            }
        }
        Ok(facts)
    }

    fn locks(&self) -> bool {
        false
    }

    fn refuses(&self) -> bool {
        false
    }
}

/// A cancel that nobody answered has failed: the merchant may have its balance back.
#[derive(Debug, Clone, Copy)]
pub struct SilenceReleases;

impl Design for SilenceReleases {
    fn finish_cancel(
        &self,
        payment: &Payment,
        cancel_no: u16,
        answers: &[(u8, Answer)],
        now: DateTime<Utc>,
    ) -> Decided {
        let refused = |(leg_no, answer): &(u8, Answer)| {
            let silent = answer.outcome.is_uncertain();
            let outcome = if silent { ResultOutcome::Declined } else { answer.outcome };
            (*leg_no, Answer { outcome, ..answer.clone() })
        };
        let answers: Vec<_> = answers.iter().map(refused).collect();
        Shipped.finish_cancel(payment, cancel_no, &answers, now)
    }
}

/// Each time a cancel is sent it is a message of its own.
#[derive(Debug, Clone, Copy)]
pub struct NumbersRepeats;

impl Design for NumbersRepeats {
    fn renumbers_repeats(&self) -> bool {
        true
    }
}

/// All or nothing: where one share is refused the cancel has failed.
#[derive(Debug, Clone, Copy)]
pub struct OneRefusalFailsAll;

impl Design for OneRefusalFailsAll {
    fn finish_cancel(
        &self,
        payment: &Payment,
        cancel_no: u16,
        answers: &[(u8, Answer)],
        now: DateTime<Utc>,
    ) -> Decided {
        let mut answers = answers.to_vec();
        if answers.iter().any(|(_, answer)| answer.outcome == ResultOutcome::Declined) {
            for (_, answer) in &mut answers {
                answer.outcome = ResultOutcome::Declined;
            }
        }
        Shipped.finish_cancel(payment, cancel_no, &answers, now)
    }
}

/// A cancel that has ended takes no more answers.
#[derive(Debug, Clone, Copy)]
pub struct EndedIsEnded;

impl Design for EndedIsEnded {
    fn finish_cancel(
        &self,
        payment: &Payment,
        cancel_no: u16,
        answers: &[(u8, Answer)],
        now: DateTime<Utc>,
    ) -> Decided {
        if payment.cancel(cancel_no).is_none_or(fold::Cancel::is_settled) {
            return Ok(Vec::new());
        }
        Shipped.finish_cancel(payment, cancel_no, answers, now)
    }
}
