//! Payments and decisions by number. The same facts are the same number, whatever order they came in, and a decision is
//! taken once for each payment, command and time.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use chrono::{DateTime, TimeDelta, Utc};
use ledger_core::payment::attempt::{AttemptFacts, AttemptState};
use ledger_core::payment::cancel::Cancel;
use ledger_core::payment::confirm::{Answer, Confirm};
use ledger_core::payment::fact::{
    AttemptKind, Contradiction, ContradictionStep, Fact, ResultOutcome, Verdict,
};
use ledger_core::payment::fold::Payment;
use ledger_core::payment::reverse::Next;
use ledger_core::payment::status::Status;

use super::design::{About, Design};
use super::explore::{Breach, Rule, breach};
use super::schema;
use crate::world::{self, start};

/// Legs and cancels that a world of the search may have.
pub const MOST: usize = 2;

/// What came back, leg by leg.
pub type Got = [Option<ResultOutcome>; MOST];

/// What is decided on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Command {
    Confirm,
    Verdict(Got),
    Recover,
    /// The number of the approval it tells of.
    Late {
        leg_no: u8,
        outcome: ResultOutcome,
        names: u8,
    },
    Reverse {
        leg_no: u8,
    },
    /// The number of the approval that it is said to be about.
    Reversed {
        about: About,
        outcome: ResultOutcome,
        names: Option<u8>,
    },
    Cancel {
        writer: u8,
    },
    Canceled {
        cancel_no: u16,
        got: Got,
    },
}

/// A decision: the number of its facts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    Facts(u32),
    Nothing,
    Refused,
}

/// What an append came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Appended {
    To(u32),
    /// Somebody else was first.
    Lost,
}

/// A leg as the ledger has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LegSeen {
    pub state: AttemptState,
    pub effective: i64,
    pub exposure: i64,
    pub due: bool,
    /// Whether people have all of what is exposed.
    pub escalated: bool,
    pub deadline_passed: bool,
}

/// A payment as the ledger has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    pub status: Status,
    pub verdict: Option<Verdict>,
    pub legs: [Option<LegSeen>; MOST],
}

pub struct Book<'a> {
    pub design: &'a dyn Design,
    /// Seconds from the start, place by place.
    clock: &'static [i64],
    confirm: Confirm,
    cancels: Vec<Cancel>,
    payments: Vec<(Payment, u128)>,
    by_key: HashMap<u128, u32>,
    decisions: HashMap<(u32, Command, u8), Decision>,
    facts: Vec<Vec<Fact>>,
    appended: HashMap<(u32, u32), Result<u32, String>>,
    seen: HashMap<(u32, u8), Seen>,
}

impl<'a> Book<'a> {
    pub fn new(
        design: &'a dyn Design,
        clock: &'static [i64],
        first: Payment,
        confirm: Confirm,
        cancels: Vec<Cancel>,
    ) -> Self {
        Self {
            design,
            clock,
            confirm,
            cancels,
            payments: vec![(first, 0)],
            by_key: HashMap::from([(0, 0)]),
            decisions: HashMap::new(),
            facts: Vec::new(),
            appended: HashMap::new(),
            seen: HashMap::new(),
        }
    }

    pub fn payment(&self, number: u32) -> &Payment {
        &self.payments[usize::try_from(number).unwrap()].0
    }

    pub fn seconds(&self, at: u8) -> i64 {
        self.clock[usize::from(at)]
    }

    pub fn time(&self, at: u8) -> DateTime<Utc> {
        start() + TimeDelta::seconds(self.seconds(at))
    }

    /// Decides on a payment.
    pub fn decide(&mut self, on: u32, command: Command, at: u8) -> Decision {
        if let Some(decision) = self.decisions.get(&(on, command, at)) {
            return *decision;
        }
        let decided = self.decided(on, command, at);
        let decision = match decided {
            Err(_) => Decision::Refused,
            Ok(facts) if facts.is_empty() => Decision::Nothing,
            Ok(facts) => {
                self.facts.push(facts);
                Decision::Facts(u32::try_from(self.facts.len() - 1).unwrap())
            }
        };
        self.decisions.insert((on, command, at), decision);
        decision
    }

    fn decided(&self, on: u32, command: Command, at: u8) -> super::design::Decided {
        let (payment, now) = (self.payment(on), self.time(at));
        match command {
            Command::Confirm => self.design.start_confirm(payment, &self.confirm, now),
            Command::Verdict(got) => self.design.finish_confirm(payment, &answers(got), now),
            Command::Recover => self.design.recover(payment, now),
            Command::Late { leg_no, outcome, names } => {
                Ok(self.design.late(payment, leg_no, &numbered(outcome, Some(names)), now))
            }
            Command::Reverse { leg_no } => Ok(match self.design.start_reversal(payment, leg_no, now) {
                Some(Next::Commit(attempt)) => vec![Fact::Attempt(*attempt)],
                Some(Next::Again { .. }) | None => Vec::new(),
            }),
            Command::Reversed { about, outcome, names } => {
                self.design.finish_reversal(payment, about, &numbered(outcome, names), now)
            }
            Command::Cancel { writer } => {
                self.design.start_cancel(payment, &self.cancels[usize::from(writer)], now)
            }
            Command::Canceled { cancel_no, got } => {
                self.design.finish_cancel(payment, cancel_no, &answers(got), now)
            }
        }
    }

    /// Appends facts that were decided on `held` to the payment as it is now.
    pub fn append(&mut self, current: u32, held: u32, facts: u32) -> Result<Appended, Breach> {
        if self.design.locks() && current != held {
            return Ok(Appended::Lost);
        }
        if !self.appended.contains_key(&(current, facts)) {
            let appended = self.apply(current, facts);
            self.appended.insert((current, facts), appended);
        }
        match &self.appended[&(current, facts)] {
            Ok(after) => Ok(Appended::To(*after)),
            Err(why) => breach(Rule::SchemaRefuses, why),
        }
    }

    fn apply(&mut self, current: u32, number: u32) -> Result<u32, String> {
        let facts = &self.facts[usize::try_from(number).unwrap()];
        let (payment, key) = &self.payments[usize::try_from(current).unwrap()];
        let mut after_key = *key;
        for fact in facts {
            after_key = after_key.wrapping_add(digest(fact));
        }
        let after = if self.design.refuses() {
            schema::append(payment, facts)?
        } else {
            // where nothing is refused the last writer wins, so it matters who that was
            after_key = after_key.wrapping_mul(3);
            payment.after(payment.head.clone(), facts).map_err(|error| error.to_string())?
        };
        let next = u32::try_from(self.payments.len()).unwrap();
        let number = *self.by_key.entry(after_key).or_insert(next);
        if number == next {
            self.payments.push((after, after_key));
        } else {
            for at in 0..u8::try_from(self.clock.len()).unwrap() {
                let seen = self.see(&after, at);
                assert_eq!(seen, self.seen(number, at), "payments that are not one became one");
            }
        }
        Ok(number)
    }

    /// How a payment stands at a place of the clock.
    pub fn seen(&mut self, number: u32, at: u8) -> Seen {
        if let Some(seen) = self.seen.get(&(number, at)) {
            return *seen;
        }
        let seen = self.see(self.payment(number), at);
        self.seen.insert((number, at), seen);
        seen
    }

    fn see(&self, payment: &Payment, at: u8) -> Seen {
        let now = self.time(at);
        let leg = |leg_no| {
            let attempt = payment.attempt(leg_no, AttemptKind::Auth, 1)?;
            Some(LegSeen {
                state: attempt.state(now),
                effective: attempt.effective().get(),
                exposure: attempt.exposure(now).get(),
                due: self.design.is_due(attempt, now),
                escalated: is_escalated(attempt, now),
                deadline_passed: now > attempt.attempt.deadline_at,
            })
        };
        Seen {
            status: payment.status(now),
            verdict: payment.verdict.as_ref().map(|fact| fact.verdict),
            legs: [leg(1), leg(2)],
        }
    }
}

/// An answer that tells of the approval with this number.
fn numbered(outcome: ResultOutcome, names: Option<u8>) -> Answer {
    let told = answer(outcome);
    let tells = told.issuer_ref.is_some() || outcome == ResultOutcome::Reversed;
    let issuer_ref = names.filter(|_| tells).map(|names| format!("A{names}"));
    Answer { issuer_ref, ..told }
}

fn answers(got: Got) -> Vec<(u8, Answer)> {
    (1..).zip(got).filter_map(|(leg_no, got)| Some((leg_no, answer(got?)))).collect()
}

/// An answer; all at the same time, which no decision asks for but to tell whether it has recorded this very answer.
fn answer(outcome: ResultOutcome) -> Answer {
    world::answer(outcome, start())
}

fn is_escalated(attempt: &AttemptFacts, now: DateTime<Utc>) -> bool {
    let with_people =
        |last: Option<&Contradiction>| last.is_some_and(|last| last.step == ContradictionStep::Escalated);
    attempt.contrary().all(|(_, last)| with_people(last))
        && (attempt.state(now) == AttemptState::Escalated || attempt.uncertain_amount(now).is_zero())
}

/// A number for a fact; two halves, so that no two facts share it. When a thing was decided is left out: nothing that is
/// decided later depends on it, which is checked where two payments become one.
fn digest(fact: &Fact) -> u128 {
    let mut fact = serde_json::to_value(fact).unwrap();
    for inner in fact.as_object_mut().unwrap().values_mut() {
        inner.as_object_mut().unwrap().remove("decided_at");
    }
    let bytes = serde_json::to_vec(&fact).unwrap();
    let half = |salt: u8| {
        let mut hash = DefaultHasher::new();
        salt.hash(&mut hash);
        bytes.hash(&mut hash);
        u128::from(hash.finish())
    };
    half(0) << 64 | half(1)
}
