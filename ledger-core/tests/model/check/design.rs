//! The seam between the search and what is searched: every decision, and the three habits of the rooms around it. What is
//! shipped takes all of them as they are; a bad design replaces one.

use chrono::{DateTime, Utc};
use ledger_core::payment::cancel::{self, Cancel};
use ledger_core::payment::confirm::{self, Answer, Confirm};
use ledger_core::payment::fact::{AttemptKind, Fact};
use ledger_core::payment::fold::Payment;
use ledger_core::payment::refusal::Refusal;
use ledger_core::payment::reverse::{self, Next};
use ledger_core::payment::{abort, attempt::AttemptFacts};

use crate::world::{issuer, rules};

/// Facts, or why there are none.
pub type Decided = Result<Vec<Fact>, Refusal>;

/// A message that undoes: its leg, kind and number.
pub type About = (u8, AttemptKind, u16);

/// How payments are decided on.
pub trait Design {
    fn start_confirm(&self, payment: &Payment, cmd: &Confirm, now: DateTime<Utc>) -> Decided {
        confirm::start(payment, cmd, &[issuer()], &rules(), now)
    }

    fn finish_confirm(&self, payment: &Payment, answers: &[(u8, Answer)], now: DateTime<Utc>) -> Decided {
        confirm::finish(payment, answers, &[issuer()], now)
    }

    fn recover(&self, payment: &Payment, now: DateTime<Utc>) -> Decided {
        abort::recover(payment, &[issuer()], now)
    }

    fn late(&self, payment: &Payment, leg_no: u8, answer: &Answer, now: DateTime<Utc>) -> Vec<Fact> {
        reverse::late(payment, leg_no, 1, answer, &[issuer()], now)
    }

    fn is_due(&self, attempt: &AttemptFacts, now: DateTime<Utc>) -> bool {
        reverse::is_due(attempt, now)
    }

    /// The next message that undoes something of a leg.
    fn start_reversal(&self, payment: &Payment, leg_no: u8, now: DateTime<Utc>) -> Option<Next> {
        let attempt = payment.attempt(leg_no, AttemptKind::Auth, 1)?;
        reverse::due(attempt, now)
            .into_iter()
            .find_map(|target| reverse::start(payment, target, &issuer(), now))
    }

    fn finish_reversal(
        &self,
        payment: &Payment,
        about: About,
        answer: &Answer,
        now: DateTime<Utc>,
    ) -> Decided {
        reverse::finish(payment, about, answer, &issuer(), now).map(|(facts, _)| facts)
    }

    fn start_cancel(&self, payment: &Payment, cmd: &Cancel, now: DateTime<Utc>) -> Decided {
        cancel::start(payment, cmd, &[issuer()], &super::super::world::rules(), now)
    }

    fn finish_cancel(
        &self,
        payment: &Payment,
        cancel_no: u16,
        answers: &[(u8, Answer)],
        now: DateTime<Utc>,
    ) -> Decided {
        cancel::finish(payment, cancel_no, answers, now)
    }

    /// Whether a decision on a payment that has changed meanwhile is refused.
    fn locks(&self) -> bool {
        true
    }

    /// Whether the database holds keys, references and checks.
    fn refuses(&self) -> bool {
        true
    }

    /// Whether an attempt is in the ledger before its bytes leave.
    fn commits_before_sending(&self) -> bool {
        true
    }

    /// Whether an authorization that was not answered is sent once more, under a trace number of its own.
    fn sends_again(&self) -> bool {
        false
    }

    /// Whether a repeated cancel gets a trace number of its own.
    fn renumbers_repeats(&self) -> bool {
        false
    }
}

/// What is shipped.
#[derive(Debug, Clone, Copy)]
pub struct Shipped;

impl Design for Shipped {}

/// How many NET_CANCEL attempts a leg has.
pub fn reversals(payment: &Payment, leg_no: u8) -> u16 {
    payment.leg(leg_no).map_or(0, |leg| leg.next_attempt_no(AttemptKind::NetCancel) - 1)
}
