//! The steps of a caller that asks issuers itself: it says each authorization before it sends it, and each answer after, or never.

use ledger_core::payment::caller;
use ledger_core::payment::confirm::Answer;
use ledger_core::payment::fact::{AttemptKind, ResultOutcome};
use ledger_core::payment::fold::{Leg, Payment};
use ledger_core::payment::status::Status;

use super::bank::Auth;
use super::dice::Dice;
use super::work::{Told, Work};
use super::{Checked, Commit, Sim, WRITERS, wrong};
use crate::world::{self, issuer, rules};

/// The number of the last authorization of a leg.
pub fn last_auth(payment: &Payment, leg: u8) -> u16 {
    payment.leg(leg).and_then(|leg| leg.authorizations().last()).map_or(1, |last| last.attempt.attempt_no)
}

impl Sim {
    /// A caller is about to send: a further leg, or one again of which nothing was sent.
    pub(super) fn tell_attempt(&mut self, dice: &mut Dice) -> Checked {
        let now = self.now();
        let takes = |payment: &Payment| match payment.status(now) {
            Status::Ready => true,
            Status::InProgress => caller::is_callers(payment),
            Status::WaitingForDeposit
            | Status::Done
            | Status::PartialCanceled
            | Status::Canceled
            | Status::Aborted
            | Status::Expired
            | Status::Unknown => false,
        };
        // what is begun is gone on with, mostly
        let is_begun = |payment: &Payment| takes(payment) && payment.legs().next().is_some();
        let begun = (0..self.payments.len()).any(|at| is_begun(&self.payments[at].payment));
        let wanted = |payment: &Payment| if begun { is_begun(payment) } else { takes(payment) };
        let Some(at) = self.pick(dice, wanted) else { return Ok(()) };
        let writer = dice.below(WRITERS);
        let held = self.remembered(writer, at);
        let planned: i64 = held.legs().map(|leg| leg.approval.amount.get()).sum();
        let rest = held.opened.total.get() - planned;
        let unsent = |leg: &&Leg| leg.authorizations().last().is_some_and(|last| last.ruling().is_some());
        let (leg_no, amount) = match held.legs().find(unsent) {
            Some(leg) if rest == 0 || dice.percent(70) => (leg.approval.leg_no, leg.approval.amount.get()),
            Some(_) | None => {
                let leg_no = u8::try_from(held.legs().count() + 1).unwrap();
                let amount = if dice.percent(50) { rest } else { dice.between(1, rest.max(1)) };
                (leg_no, amount.max(1))
            }
        };
        let request = world::confirm_with(&[amount], true).legs.remove(0);
        let Ok(facts) = caller::attempt(&held, leg_no, &request, &[issuer()], &rules(), now) else {
            self.refused(writer, at, &held, "attempt refused");
            return Ok(());
        };
        if self.commit(writer, at, &held, "ATTEMPT", facts)? == Commit::Lost {
            return Ok(());
        }
        let no = last_auth(&self.payments[at].payment, leg_no);
        self.cover(if no > 1 { "caller tries again" } else { "caller attempt" });
        self.bank.account(at, leg_no).amount = amount;
        self.work.push(Work::Told(Told { writer, at, leg: leg_no, no, sent: false, answer: None }));
        Ok(())
    }

    /// It sends, it hears, it tells.
    pub(super) fn go_on_telling(&mut self, dice: &mut Dice, mut told: Told) -> Checked {
        let Told { at, leg, no, .. } = told;
        let Some(answer) = told.answer.clone() else {
            let attempt = self.payments[at].payment.attempt(leg, AttemptKind::Auth, no).unwrap();
            let is_late = self.now() > attempt.attempt.deadline_at;
            let outcome = if told.sent {
                self.auth_answer(dice, at, leg)
            } else if is_late || dice.percent(15) {
                Some(ResultOutcome::NotSent)
            } else {
                let sent = self.seconds;
                self.bank.account(at, leg).auth = Some(Auth::Flying { sent });
                self.tell(format!("payment {at} leg {leg} is sent by its caller"));
                told.sent = true;
                None
            };
            if let Some(outcome) = outcome {
                self.cover(outcome.code());
            }
            told.answer = outcome.map(|outcome| world::answer(outcome, self.now()));
            self.work.push(Work::Told(told));
            return Ok(());
        };
        self.tell_result(dice, told, &answer)
    }

    fn tell_result(&mut self, dice: &mut Dice, told: Told, answer: &Answer) -> Checked {
        let Told { writer, at, leg, no, .. } = told;
        let held = self.remembered(writer, at);
        if held.attempt(leg, AttemptKind::Auth, no).is_none() {
            self.writers[writer].remove(&at);
            self.work.push(Work::Told(told));
            return Ok(());
        }
        let facts = match caller::result(&held, leg, no, answer, &[issuer()], self.now()) {
            Ok(facts) => facts,
            Err(refusal) => return wrong(format!("what a caller tells is refused: {refusal}")),
        };
        if facts.is_empty() {
            if held.head.seq == self.payments[at].payment.head.seq {
                self.cover("told again");
            } else {
                self.writers[writer].remove(&at);
                self.work.push(Work::Told(told));
            }
            return Ok(());
        }
        let was_over = held.verdict.is_some();
        if self.commit(writer, at, &held, "RESULT", facts)? == Commit::Lost || dice.percent(10) {
            // somebody else was first, or nobody knows, and it is told again
            self.work.push(Work::Told(told));
            return Ok(());
        }
        self.cover(match self.payments[at].payment.status(self.now()) {
            _ if was_over => "told after the verdict",
            Status::Done => "caller confirms",
            Status::Aborted => "caller aborts",
            Status::Ready
            | Status::InProgress
            | Status::WaitingForDeposit
            | Status::PartialCanceled
            | Status::Canceled
            | Status::Expired
            | Status::Unknown => "caller goes on",
        });
        if answer.outcome == ResultOutcome::Timeout {
            self.work.push(Work::Late { writer, at, leg });
        }
        Ok(())
    }
}
