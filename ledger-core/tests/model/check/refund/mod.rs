//! One confirmed payment and the writers of its cancels: each holds shares, sends them, records what came; a job repeats what
//! no issuer answered. Any message may be lost or come after its sender has stopped waiting, any process may die at any
//! point, and everybody decides on payments that have changed meanwhile. The issuer gives back what it is told to: that it is
//! not too much is the ledger's business alone.

mod rules;
mod steps;
mod tests;

use std::collections::HashMap;

use ledger_core::payment::allocation::Allocation;
use ledger_core::payment::cancel::Cancel;
use ledger_core::payment::fact::{AttemptKind, ResultOutcome};
use ledger_core::payment::fold::{self, Payment};

use super::book::{Book, Got, MOST};
use super::design::Design;
use super::explore::{Breach, Step, World};
use crate::world::{self, won};

const CLOCK: [i64; 1] = [0];

/// How large a world is.
#[derive(Debug, Clone, Copy)]
pub struct Setup {
    /// What was approved, leg by leg.
    pub legs: &'static [i64],
    /// What each writer wants to cancel.
    pub cancels: &'static [i64],
    /// Deaths and commits of unknown end.
    pub faults: u8,
    /// How often the job repeats a cancel.
    pub repeats: u8,
    /// Whether an issuer may give back what it had refused, when it gets the same share again; it is heard.
    pub contradicts: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct State {
    ledger: u32,
    faults: u8,
    repeats: u8,
    /// Two writers and the job.
    processes: [Process; 3],
    /// What the issuers hold of each share, cancel by cancel and leg by leg.
    issuers: [[Truth; MOST]; MOST],
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Truth {
    /// Whether it was given back, or refused; nothing while it has not arrived.
    decided: Option<bool>,
    times: u8,
    /// Whether it was refused, at first.
    refused: bool,
    /// A message that nobody waits for any more.
    astray: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Process {
    Absent,
    /// A writer that has not begun; a job that has nothing under way.
    New,
    Begins {
        on: u32,
    },
    /// Has committed, and sent this share.
    Waits {
        cancel_no: u16,
        leg: u8,
        got: Got,
        reply: Option<ResultOutcome>,
    },
    Judges {
        cancel_no: u16,
        got: Got,
        on: u32,
    },
    /// What its merchant was told.
    Told {
        cancel_no: u16,
        told: Told,
    },
    Dead,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Told {
    Done,
    PartiallyDone,
    Failed,
    InProgress,
    Refused,
}

/// A share as the ledger has it: how much, and whether it was given back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Share {
    amount: i64,
    done: Option<bool>,
    /// Whether it is raised that it was given back after all.
    raised: bool,
}

pub struct Refund<'a> {
    setup: Setup,
    book: Book<'a>,
    shares: HashMap<u32, [[Share; MOST]; MOST]>,
    sound: HashMap<u32, Result<(), Breach>>,
}

impl<'a> Refund<'a> {
    pub fn new(design: &'a dyn Design, setup: Setup) -> Self {
        let paid = world::World::confirmed(setup.legs, 0, true).payment;
        let cancel = |(number, amount): (usize, &i64)| Cancel {
            refund_to: None,
            cancel_request_id: (number + 1).to_string(),
            amount: Some(won(*amount)),
            tax_free: None,
            expected_balance: None,
            allocation: Allocation::RefundOrder,
            reason: "check".to_owned(),
        };
        let cancels = setup.cancels.iter().enumerate().map(cancel).collect();
        let book = Book::new(design, &CLOCK, paid, world::confirm_with(setup.legs, true), cancels);
        Self { setup, book, shares: HashMap::new(), sound: HashMap::new() }
    }

    /// The shares of a payment, cancel by cancel and leg by leg.
    fn shares(&mut self, ledger: u32) -> [[Share; MOST]; MOST] {
        let payment = self.book.payment(ledger);
        *self.shares.entry(ledger).or_insert_with(|| {
            let mut shares = [[Share::default(); MOST]; MOST];
            for cancel in payment.cancels() {
                for share in &cancel.shares {
                    let done = cancel
                        .outcome(share.leg_no)
                        .map(|outcome| outcome == ledger_core::payment::fact::ShareOutcome::Done);
                    shares[place(cancel.cancellation.cancel_no)][place(share.leg_no)] = Share {
                        amount: share.amount.get(),
                        done,
                        raised: raises(payment, cancel, share.leg_no),
                    };
                }
            }
            shares
        })
    }
}

fn raises(payment: &Payment, cancel: &fold::Cancel, leg_no: u8) -> bool {
    let number = Some(cancel.cancellation.cancel_no);
    payment.leg(leg_no).is_some_and(|leg| {
        let mut attempts = leg.attempts_of(AttemptKind::Cancel);
        attempts.any(|facts| facts.attempt.cancel_no == number && !facts.contradictions.is_empty())
    })
}

fn place(number: impl Into<usize>) -> usize {
    number.into() - 1
}

impl World for Refund<'_> {
    type State = State;

    fn starts(&self) -> Vec<State> {
        let writer = |n: usize| if n < self.setup.cancels.len() { Process::New } else { Process::Absent };
        let truth = Truth { decided: None, times: 0, refused: false, astray: false };
        vec![State {
            ledger: 0,
            faults: self.setup.faults,
            repeats: self.setup.repeats,
            processes: [writer(0), writer(1), Process::New],
            issuers: [[truth; MOST]; MOST],
        }]
    }

    fn steps(&mut self, state: &State, steps: &mut Vec<Step<State>>) {
        self.all_steps(state, steps);
    }

    fn holds(&mut self, before: &State, after: &State) -> Result<(), Breach> {
        self.rules_hold(before, after)
    }

    fn ends_well(&mut self, end: &State) -> Result<(), Breach> {
        self.end_is_settled(end)
    }

    fn seconds(&self, _: &State) -> i64 {
        0
    }
}
