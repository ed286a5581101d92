//! The steps of undoing: an order, or an approval that nobody wants; and what contradicts what was decided.

use ledger_core::payment::attempt::AttemptFacts;
use ledger_core::payment::cancel;
use ledger_core::payment::confirm::Answer;
use ledger_core::payment::fact::{AttemptKind, Fact, ResultOutcome, Ruling, ShareOutcome, Way};
use ledger_core::payment::fold::{Leg, Payment};
use ledger_core::payment::reverse::{self, Next};

use super::bank::Asked;
use super::callers::last_auth;
use super::deposits::is_deposited;
use super::dice::Dice;
use super::work::{About, Work};
use super::{Checked, Commit, Sim, WRITERS, wrong};
use crate::world::{self, issuer};

impl Sim {
    pub(super) fn reverse(&mut self, dice: &mut Dice) -> Checked {
        let now = self.now();
        let due = |leg: &Leg| leg.authorizations().any(|attempt| reverse::is_due(attempt, now));
        let Some(at) = self.pick(dice, |payment| payment.legs().any(due)) else { return Ok(()) };
        let legs: Vec<_> = self.payments[at].payment.legs().map(|leg| leg.approval.leg_no).collect();
        if legs.is_empty() {
            return Ok(());
        }
        let (writer, leg) = (dice.below(WRITERS), dice.of(&legs));
        let held = self.remembered(writer, at);
        let attempts = held.leg(leg).into_iter().flat_map(Leg::authorizations);
        let targets: Vec<_> = attempts.flat_map(|facts| reverse::due(facts, now)).collect();
        if targets.is_empty() {
            self.refused(writer, at, &held, "nothing to reverse");
            return Ok(());
        }
        self.undo(writer, at, &held, dice.of(&targets))
    }

    /// The next message about a target.
    fn undo(&mut self, writer: usize, at: usize, held: &Payment, target: reverse::Target) -> Checked {
        let about = match reverse::start(held, target, &issuer(), self.now()) {
            None => return Ok(()),
            Some(Next::Again { kind, attempt_no }) => (target.leg_no, kind, attempt_no),
            Some(Next::Commit(attempt)) => {
                let about = (target.leg_no, attempt.kind, attempt.attempt_no);
                self.cover(match (attempt.kind, attempt.way) {
                    (AttemptKind::Inquiry, _) => "inquiry",
                    (_, Some(Way::Cancel)) => "system cancel",
                    (_, None) => "network cancel",
                });
                let facts = vec![Fact::Attempt(*attempt)];
                if self.commit(writer, at, held, "NET_CANCEL", facts)? == Commit::Lost {
                    return Ok(());
                }
                about
            }
        };
        self.work.push(Work::Reverse { writer, at, about, answer: None, sent: false });
        Ok(())
    }

    pub(super) fn go_on_reversing(
        &mut self,
        dice: &mut Dice,
        (writer, at, about): (usize, usize, About),
        answer: Option<Answer>,
        sent: bool,
    ) -> Checked {
        let Some(answer) = answer else {
            let answer = Some(self.undone(dice, at, about, sent));
            self.work.push(Work::Reverse { writer, at, about, answer, sent: true });
            return Ok(());
        };
        let held = self.remembered(writer, at);
        if held.attempt(about.0, about.1, about.2).is_none() {
            self.writers[writer].remove(&at);
            self.work.push(Work::Reverse { writer, at, about, answer: Some(answer), sent });
            return Ok(());
        }
        let decided = reverse::finish(&held, about, &answer, &issuer(), self.now());
        let Ok((facts, step)) = decided else { return wrong("the answer to a network cancel is refused") };
        if facts.is_empty() {
            return Ok(());
        }
        if self.commit(writer, at, &held, "NET_CANCEL_RESULT", facts)? == Commit::Lost || dice.percent(5) {
            self.work.push(Work::Reverse { writer, at, about, answer: Some(answer), sent });
            return Ok(());
        }
        self.cover(step.code());
        Ok(())
    }

    /// What the issuer says. A message may arrive and its answer be lost; then its sender knows no more than when it is lost
    /// itself.
    fn undone(&mut self, dice: &mut Dice, at: usize, about: About, sent: bool) -> Answer {
        let leg = self.payments[at].payment.leg(about.0).unwrap();
        let attempt = &leg.attempts[&(about.1, about.2)].attempt;
        let names = reverse::reference(leg, attempt).map(str::to_owned);
        let asked = match (attempt.kind, attempt.way) {
            (AttemptKind::Inquiry, _) => Asked::Inquiry,
            (_, Some(Way::Cancel)) => Asked::Cancel,
            (_, None) => Asked::Reversal,
        };
        let said = |sim: &mut Self| sim.bank.undo(at, about.0, asked, names.as_deref());
        let (outcome, names) = match dice.below(10) {
            0 => (ResultOutcome::Timeout, "A1"),
            1 if !sent => {
                said(self);
                (ResultOutcome::Reset, "A1")
            }
            2 if asked == Asked::Reversal => {
                (dice.of(&[ResultOutcome::TooLate, ResultOutcome::Garbled, ResultOutcome::NotSent]), "A1")
            }
            _ => said(self),
        };
        self.cover(outcome.code());
        let told = world::answer(outcome, self.now());
        // of every second payment the issuer says what it has reversed
        let says_which = outcome == ResultOutcome::Reversed && at.is_multiple_of(2);
        let issuer_ref = (told.issuer_ref.is_some() || says_which).then(|| names.to_owned());
        Answer { issuer_ref, ..told }
    }

    /// An issuer contradicts itself, and tells it: it approves once more, or gives back what it had refused.
    pub(super) fn contradict(&mut self, dice: &mut Dice) -> Checked {
        let judged = |payment: &Payment| payment.verdict.is_some() && payment.legs().next().is_some();
        let Some(at) = self.pick(dice, judged).filter(|at| judged(&self.payments[*at].payment)) else {
            return Ok(());
        };
        let held = self.payments[at].payment.clone();
        let failed: Vec<_> = held
            .cancels()
            .flat_map(|cancel| cancel.outcomes.values())
            .filter(|ended| ended.outcome == ShareOutcome::Failed)
            .map(|ended| (ended.cancel_no, ended.leg_no))
            .collect();
        if !failed.is_empty() && dice.percent(50) {
            let (cancel_no, leg) = dice.of(&failed);
            self.bank.give_back_after_all(at, leg, cancel_no);
            let answer = world::answer(ResultOutcome::Canceled, self.now());
            let facts = cancel::finish(&held, cancel_no, &[(leg, answer)], self.now());
            let Ok(facts) = facts else { return wrong("a refund that contradicts is refused") };
            self.cover("refund contradicts");
            return self.commit(0, at, &held, "CANCEL_RESULT", facts).map(|_| ());
        }
        let legs: Vec<_> =
            held.legs().filter(|leg| !is_deposited(leg)).map(|leg| leg.approval.leg_no).collect();
        if legs.is_empty() {
            return Ok(());
        }
        let leg = dice.of(&legs);
        let no = last_auth(&held, leg);
        // of two approvals it tells each: one that it never tells nobody could count
        let attempt = held.attempt(leg, AttemptKind::Auth, no).unwrap();
        let is_known = attempt.approval().is_some();
        let may_be_sent =
            attempt.ruling() != Some(Ruling::Reject) && self.bank.account(at, leg).auth.is_none();
        if may_be_sent || !self.bank.approve_beside(at, leg, is_known) {
            return Ok(());
        }
        let told = world::answer(ResultOutcome::Approved, self.now());
        let answer = Answer { issuer_ref: Some("A2".to_owned()), ..told };
        let facts = reverse::late(&held, leg, no, &answer, &[issuer()], self.now());
        self.cover("approval contradicts");
        self.commit(0, at, &held, "LATE_ANSWER", facts).map(|_| ())
    }

    /// Everything of a payment that is due is begun.
    pub(super) fn undo_at_rest(&mut self, at: usize) -> Checked {
        let now = self.now();
        let payment = &self.payments[at].payment;
        let targets: Vec<_> = payment
            .legs()
            .flat_map(Leg::authorizations)
            .flat_map(|attempt: &AttemptFacts| reverse::due(attempt, now))
            .collect();
        for target in targets {
            let held = self.payments[at].payment.clone();
            self.undo(0, at, &held, target)?;
        }
        Ok(())
    }
}
