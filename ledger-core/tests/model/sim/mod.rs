//! A seeded simulation of all decisions: several payments, several writers with payments that may be stale, issuers with a
//! truth of their own, and every fault. One number replays a run; each step is made from one number drawn from it, so that
//! a run that fails is shortened by leaving steps out.
//!
//! | module | holds |
//! |---|---|
//! | `dice` | numbers drawn from a seed |
//! | `bank` | what the issuers hold to be true |
//! | `play` | the steps: commands, messages, faults, the clock |
//! | `cancels` | the steps of a cancel |
//! | `deposits` | the steps of payments by deposit |
//! | `callers` | the steps of a caller that asks issuers itself |
//! | `reversals` | the steps of undoing, and what contradicts |
//! | `work` | what is under way between two commits |
//! | `oracle` | what must hold, said without the code that is tested |
//! | `tests` | the corpus, fresh seeds, a seed from outside |

mod bank;
mod callers;
mod cancels;
mod deposits;
mod dice;
mod oracle;
mod play;
mod reversals;
mod tests;
mod work;

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, TimeDelta, Utc};
use ledger_core::change::{Asked, Change};
use ledger_core::ids::RequestId;
use ledger_core::payment::fact::{Fact, Origin};
use ledger_core::payment::fold::Payment;
use rand::SeedableRng as _;
use rand::rngs::StdRng;

use crate::check::schema;
use crate::world::start;

use bank::Bank;
use dice::Dice;
use work::Work;

/// Writers, each with a memory of its own.
const WRITERS: usize = 3;

/// What went wrong, for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrong(pub String);

pub type Checked = Result<(), Wrong>;

/// Ends a run.
fn wrong<T>(what: impl Into<String>) -> Result<T, Wrong> {
    Err(Wrong(what.into()))
}

/// How often each thing happened.
pub type Coverage = BTreeMap<&'static str, u64>;

/// A payment as the database has it.
struct Stored {
    order: usize,
    payment: Payment,
    changes: Vec<Change>,
}

pub struct Sim {
    seconds: i64,
    payments: Vec<Stored>,
    /// Orders with how many tries were made of each.
    orders: usize,
    writers: [HashMap<usize, Payment>; WRITERS],
    bank: Bank,
    work: Vec<Work>,
    ids: StdRng,
    covered: Coverage,
    /// What happened, a line a step.
    told: Vec<String>,
}

/// What a commit came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Commit {
    Done,
    Lost,
}

impl Sim {
    fn new() -> Self {
        Self {
            seconds: 0,
            payments: Vec::new(),
            orders: 0,
            writers: Default::default(),
            bank: Bank::default(),
            work: Vec::new(),
            ids: StdRng::seed_from_u64(1),
            covered: Coverage::new(),
            told: Vec::new(),
        }
    }

    fn now(&self) -> DateTime<Utc> {
        start() + TimeDelta::seconds(self.seconds)
    }

    fn cover(&mut self, what: &'static str) {
        *self.covered.entry(what).or_default() += 1;
    }

    fn tell(&mut self, what: impl Into<String>) {
        self.told.push(format!("{:>6} s  {}", self.seconds, what.into()));
    }

    /// The payment as a writer remembers it, else as it is.
    fn remembered(&mut self, writer: usize, at: usize) -> Payment {
        let newest = &self.payments[at].payment;
        self.writers[writer].entry(at).or_insert_with(|| newest.clone()).clone()
    }

    /// Appends facts decided on `held`; a payment that has changed meanwhile keeps its key.
    fn commit(
        &mut self,
        writer: usize,
        at: usize,
        held: &Payment,
        command: &'static str,
        facts: Vec<Fact>,
    ) -> Result<Commit, Wrong> {
        if held.head.seq != self.payments[at].payment.head.seq {
            self.writers[writer].remove(&at);
            self.cover("lost key");
            self.tell(format!("writer {writer} loses {command} of payment {at}"));
            return Ok(Commit::Lost);
        }
        if let Err(rule) = schema::append(held, &facts) {
            return wrong(format!("the schema refuses {command} of payment {at}: {rule}"));
        }
        let request_id = RequestId::new(&mut self.ids);
        let asked = Asked { actor: format!("writer {writer}"), request_id, at: self.now() };
        let (change, after) = Change::next(held.id, Some(held), Origin::Live, command, asked, facts)
            .map_err(|error| Wrong(format!("{command} of payment {at} contradicts itself: {error}")))?;
        self.tell(format!("writer {writer} commits {command} of payment {at}"));
        oracle::follows(held, &after, self.now())?;
        self.writers[writer].insert(at, after.clone());
        let stored = &mut self.payments[at];
        stored.changes.push(change);
        stored.payment = after;
        oracle::books(&stored.payment, &stored.changes)?;
        Ok(Commit::Done)
    }
}

/// Plays these steps, then lets everything come to rest.
fn play(steps: &[u64]) -> (Sim, Checked) {
    let mut sim = Sim::new();
    let played = steps.iter().try_for_each(|step| {
        sim.step(&mut Dice::new(*step))?;
        oracle::money(&sim)?;
        oracle::deposits(&sim, false)
    });
    let rested = played.and_then(|()| sim.rest());
    (sim, rested)
}
