//! One payment from confirm to a settled end. Its authorization may land at the issuer at any time of the late window;
//! every message and every answer may be lost, late or unreadable; every process may die at any point, or not learn that its
//! commit took place; two callers and two reversal jobs decide on payments that have changed meanwhile.

mod issuer;
mod rules;
mod steps;
mod tests;

use ledger_core::payment::fact::ResultOutcome;

use super::book::{Book, Got, MOST};
use super::design::{About, Design};
use super::explore::{Breach, Step, World};
use crate::world;

/// Places of the clock, in seconds: begun; the answer is overdue, the late window still open; the late window of what was
/// given up until then is over; past the time at which people take over; the same of what came only then.
pub const CLOCK: [i64; 5] = [0, 15, 80, 4_000, 8_000];
/// The last place at which an authorization may land.
const LATE: u8 = 1;
/// The last place but one. Nobody is kept waiting for it.
const PEOPLE: u8 = 3;
/// The last place: nothing is told any more, everything due is gone on with.
const LAST: u8 = 4;

/// How large a world is, and what may happen in it.
#[expect(clippy::struct_excessive_bools, reason = "each tells of one thing that may happen")]
#[derive(Debug, Clone, Copy)]
pub struct Setup {
    pub legs: u8,
    pub callers: u8,
    pub jobs: u8,
    /// Network cancels of each leg before people take over.
    pub tries: u16,
    /// Deaths and commits of unknown end.
    pub faults: u8,
    /// Reversals whose sender has stopped waiting, on the wire at once.
    pub strays: usize,
    /// Whether an answer may be unreadable, besides lost or cut off.
    pub garbles: bool,
    /// Whether authorizations land after the late window too. The issuer's file tells of them.
    pub very_late: bool,
    /// Whether an approval may be captured: then it is canceled, no longer reversed.
    pub captures: bool,
    /// Whether the issuer approves once more, or after it has declined or reversed, under a number of its own. Its file
    /// tells of it.
    pub contrary: bool,
    /// Whether the issuer says which approval it has reversed.
    pub names_reversed: bool,
    /// Whether it reverses the first approval, whichever a reversal names.
    pub ignores_names: bool,
}

/// One leg, one caller, one job, and a fault.
pub const SMALL: Setup = Setup {
    legs: 1,
    callers: 1,
    jobs: 1,
    tries: 2,
    faults: 1,
    strays: 0,
    garbles: false,
    very_late: false,
    captures: false,
    contrary: false,
    names_reversed: false,
    ignores_names: false,
};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct State {
    at: u8,
    ledger: u32,
    faults: u8,
    issuer: [Truth; MOST],
    callers: [Caller; 2],
    jobs: [Job; 2],
    strays: [Option<Stray>; 2],
    recorder: Recorder,
    /// Whether the issuer's file has told of an approval, leg by leg.
    filed: [bool; MOST],
}

/// What an issuer holds of one leg.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Truth {
    wire: Wire,
    /// A second authorization, under a trace number of its own.
    again: Wire,
    approvals: u8,
    reversed: u8,
    captured: bool,
    contrary: Contrary,
}

/// An approval of a leg beside what was answered, under the number 2.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Contrary {
    None,
    Stands,
    Undone,
}

/// An authorization on its way there and back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Wire {
    Unsent,
    /// May still land.
    Flying,
    /// Will not land.
    Lost,
    /// Landed; the answer is on its way.
    Approved,
    Declined,
    /// Landed; the answer has arrived, or never will.
    Heard,
}

/// A process that confirms on behalf of a merchant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Caller {
    Absent,
    New,
    /// Has decided to begin, on the payment as it was then.
    Begins {
        on: u32,
        at: u8,
    },
    /// Has committed, and sent this leg.
    Waits {
        leg: u8,
        got: Got,
    },
    /// Has decided how it ends.
    Judges {
        got: Got,
        on: u32,
    },
    Told {
        told: Told,
        /// Whether an answer that did not come in time is still waited for, leg by leg.
        listens: [bool; MOST],
    },
    Dead,
}

/// What the merchant was told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Told {
    Paid,
    Failed,
    /// Another confirm is under way or was.
    Refused,
}

/// A process of the job that recovers and reverses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Job {
    Absent,
    /// At rest; with the place of the clock of its last try.
    Rests {
        tried: Option<u8>,
    },
    GivesUp {
        on: u32,
    },
    Begins {
        leg: u8,
        on: u32,
    },
    /// Has committed, and sent.
    Waits {
        sent: Sent,
        reply: Reply,
    },
    Judges {
        sent: Sent,
        outcome: ResultOutcome,
        names: u8,
        on: u32,
    },
}

/// A message that undoes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Sent {
    about: About,
    asks: Asks,
    /// The number of the approval that it names.
    names: Option<u8>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Asks {
    Reversal,
    Inquiry,
    Cancel,
}

/// Where it is, there and back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Reply {
    Flying,
    Says {
        outcome: ResultOutcome,
        /// The number of the approval it tells of.
        names: u8,
    },
}

/// A network cancel that nobody waits for in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Stray {
    sent: Sent,
    reply: Reply,
    /// Whether its sender would still record the answer.
    heard: bool,
}

/// The task that records what comes late.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Recorder {
    Idle,
    Judges { late: Late, on: u32 },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Late {
    Authorization { leg: u8, outcome: ResultOutcome, names: u8 },
    Reversal { about: About, outcome: ResultOutcome, names: u8 },
}

pub struct Authorize<'a> {
    setup: Setup,
    book: Book<'a>,
}

impl<'a> Authorize<'a> {
    pub fn new(design: &'a dyn Design, setup: Setup) -> Self {
        let amounts: Vec<i64> = (0..i64::from(setup.legs)).map(|leg| 1_000 + leg * 1_000).collect();
        let opened = world::World::open(amounts.iter().sum(), 0, "0.03").payment;
        let confirm = world::confirm_with(&amounts, true);
        Self { setup, book: Book::new(design, &CLOCK, opened, confirm, Vec::new()) }
    }

    fn legs(&self) -> impl Iterator<Item = u8> + use<> {
        1..=self.setup.legs
    }
}

fn place(leg: u8) -> usize {
    usize::from(leg) - 1
}

impl World for Authorize<'_> {
    type State = State;

    fn starts(&self) -> Vec<State> {
        let truth = Truth {
            wire: Wire::Unsent,
            again: Wire::Unsent,
            approvals: 0,
            reversed: 0,
            captured: false,
            contrary: Contrary::None,
        };
        let caller = |n: u8| if n < self.setup.callers { Caller::New } else { Caller::Absent };
        let job = |n: u8| if n < self.setup.jobs { Job::Rests { tried: None } } else { Job::Absent };
        vec![State {
            at: 0,
            ledger: 0,
            faults: self.setup.faults,
            issuer: [truth; MOST],
            callers: [caller(0), caller(1)],
            jobs: [job(0), job(1)],
            strays: [None; 2],
            recorder: Recorder::Idle,
            filed: [false; MOST],
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

    fn seconds(&self, state: &State) -> i64 {
        self.book.seconds(state.at)
    }
}
