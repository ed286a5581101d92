//! The state machine against a model of InnoDB: ids in order, commits out of order, rollbacks, writers that are sealed,
//! restarts at any point.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, HashMap, HashSet};

use proptest::prelude::*;

use super::*;

const DELAY: Duration = Duration::from_millis(50);

#[test]
fn a_row_that_commits_late_is_read_in_its_hole() {
    let now = Instant::now();
    let mut scan = Scan::resume(Marks::default(), 100, now);
    assert_eq!(scan.observe(&[2], now), Ok(vec![2]));
    scan.commit(scan.marks_with([2]));
    assert_eq!(scan.plan(8), Plan { above: 2, ranges: vec![(1, 1)] });
    assert_eq!(scan.observe(&[1], now), Ok(vec![1]));
    scan.commit(scan.marks_with([1]));
    assert_eq!(scan.marks(), &Marks::at(2));
}

#[test]
fn a_hole_of_before_a_restart_is_a_hole_after_it() {
    let now = Instant::now();
    let mut marks = Marks::at(3);
    marks.decide(5);
    marks.decide(9);
    let scan = Scan::resume(marks, 100, now);
    assert_eq!(scan.plan(8).ranges, [(4, 4), (6, 8)]);
    assert_eq!(scan.due(now + DELAY, DELAY), [4, 6, 7, 8]);
}

#[test]
fn what_is_seen_is_new_once() {
    let now = Instant::now();
    let mut scan = Scan::resume(Marks::default(), 100, now);
    assert_eq!(scan.observe(&[1, 2, 4], now), Ok(vec![1, 2, 4]));
    scan.commit(scan.marks_with([1, 2, 4]));
    assert_eq!(scan.observe(&[1, 2, 3, 4, 5], now), Ok(vec![3, 5]));
}

#[test]
fn nothing_is_sealed_above_what_was_seen_or_before_its_time() {
    let now = Instant::now();
    let mut scan = Scan::resume(Marks::default(), 100, now);
    assert_eq!(scan.due(now + DELAY, DELAY), Vec::<u64>::new());
    scan.observe(&[3], now).unwrap();
    assert_eq!(scan.due(now + DELAY / 2, DELAY), Vec::<u64>::new());
    assert_eq!(scan.due(now + DELAY, DELAY), [1, 2]);
}

#[test]
fn a_parked_event_holds_the_low_water_mark_and_nothing_else() {
    let now = Instant::now();
    let mut scan = Scan::resume(Marks::default(), 100, now);
    scan.observe(&[1, 2, 3], now).unwrap();
    scan.park(2, now);
    scan.commit(scan.marks_with([1, 3]));
    assert_eq!(scan.marks().low_water, 1);
    assert_eq!(scan.due(now + DELAY, DELAY), Vec::<u64>::new());
    assert_eq!(scan.waiting(), Some((2, now)));
    assert_eq!(Scan::resume(scan.marks().clone(), 100, now).plan(8).ranges, [(2, 2)]);
}

#[test]
fn a_jump_of_ids_stops_instead_of_being_sealed() {
    let now = Instant::now();
    let mut scan = Scan::resume(Marks::at(10), 100, now);
    let jump = scan.observe(&[1_000_000], now);
    assert_eq!(jump, Err(TooManyHoles { from: 11, to: 1_000_000, holes: 999_989, limit: 100 }));
}

/// One thing that happens in the model.
#[derive(Debug, Clone)]
enum Step {
    /// A writer with the payment takes an id for its next event.
    Write { payment: u8 },
    /// A writer that has an id inserts its row (uncommitted).
    Insert(usize),
    /// A writer that has inserted commits.
    Commit(usize),
    /// A writer gives up.
    RollBack(usize),
    /// The relay reads at most so many rows and publishes them, in transactions of at most so many.
    Poll { limit: usize, batch: usize },
    /// The relay seals what is due, some time later.
    Seal { after: u64 },
    /// The relay dies, in a transaction or between two, and starts again from its last progress.
    Restart,
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Row {
    payment: u8,
    seq: u32,
}

/// A writer between the allocation of its id and the end of its transaction.
#[derive(Debug, Clone, Copy)]
struct Writer {
    id: u64,
    row: Row,
    inserted: bool,
}

struct World {
    next_id: u64,
    committed: BTreeMap<u64, Option<Row>>,
    writers: Vec<Writer>,
    heads: HashMap<u8, u32>,
    scan: Scan,
    progress: Marks,
    published: Vec<(u64, Row)>,
    now: Instant,
}

impl World {
    fn new() -> Self {
        let now = Instant::now();
        Self {
            next_id: 1,
            committed: BTreeMap::new(),
            writers: Vec::new(),
            heads: HashMap::new(),
            scan: Scan::resume(Marks::default(), 10_000, now),
            progress: Marks::default(),
            published: Vec::new(),
            now,
        }
    }

    fn take_id(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id - 1
    }

    fn step(&mut self, step: &Step) {
        self.now += Duration::from_millis(1);
        match *step {
            Step::Write { payment } => {
                // the optimistic lock: one transaction at a time gets to the outbox with the next seq of a payment
                if self.writers.iter().all(|writer| writer.row.payment != payment) {
                    let seq = self.heads.get(&payment).copied().unwrap_or(0) + 1;
                    let id = self.take_id();
                    self.writers.push(Writer { id, row: Row { payment, seq }, inserted: false });
                }
            }
            Step::Insert(at) => self.insert(at),
            Step::Commit(at) => {
                if let Some(at) = self.pick(at).filter(|at| self.writers[*at].inserted) {
                    let writer = self.writers.swap_remove(at);
                    assert_eq!(self.committed.insert(writer.id, Some(writer.row)), None);
                    self.heads.insert(writer.row.payment, writer.row.seq);
                }
            }
            Step::RollBack(at) => {
                if let Some(at) = self.pick(at) {
                    self.writers.swap_remove(at);
                }
            }
            Step::Poll { limit, batch } => self.poll(limit, batch),
            Step::Seal { after } => {
                self.now += Duration::from_millis(after);
                self.seal();
            }
            Step::Restart => {
                self.scan = Scan::resume(self.progress.clone(), 10_000, self.now);
            }
        }
    }

    fn pick(&self, at: usize) -> Option<usize> {
        (!self.writers.is_empty()).then(|| at % self.writers.len())
    }

    fn insert(&mut self, at: usize) {
        let Some(at) = self.pick(at) else { return };
        if self.committed.contains_key(&self.writers[at].id) {
            // sealed: 1062 on the outbox, the transaction is run again with another id
            self.writers[at].id = self.take_id();
        }
        self.writers[at].inserted = true;
    }

    fn poll(&mut self, limit: usize, batch: usize) {
        let plan = self.scan.plan(3);
        let rows: Vec<u64> = self
            .committed
            .keys()
            .copied()
            .filter(|id| *id > plan.above || plan.ranges.iter().any(|(from, to)| from <= id && id <= to))
            .take(limit)
            .collect();
        let fresh = self.scan.observe(&rows, self.now).unwrap();
        for ids in fresh.chunks(batch) {
            let marks = self.scan.marks_with(ids.iter().copied());
            for id in ids {
                if let Some(row) = self.committed[id] {
                    self.published.push((*id, row));
                }
            }
            self.progress = marks.clone();
            self.scan.commit(marks);
        }
    }

    fn seal(&mut self) {
        for id in self.scan.due(self.now, DELAY) {
            assert!(
                self.committed.keys().next_back().is_some_and(|max| id < *max),
                "sealed above what is visible"
            );
            let held = self.writers.iter().any(|writer| writer.id == id && writer.inserted);
            let outcome = match self.committed.entry(id) {
                Entry::Occupied(_) => Sealed::Exists,
                Entry::Vacant(_) if held => Sealed::InFlight,
                Entry::Vacant(free) => {
                    free.insert(None);
                    Sealed::Dead
                }
            };
            self.scan.settled(id, outcome, self.now, DELAY);
        }
    }

    fn finish(&mut self) {
        while !self.writers.is_empty() {
            self.step(&Step::Insert(0));
            self.step(&Step::Commit(0));
        }
        for _ in 0..50 {
            self.step(&Step::Poll { limit: 1_000, batch: 1_000 });
            self.step(&Step::Seal { after: 60 });
        }
    }
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        5 => (0_u8..5).prop_map(|payment| Step::Write { payment }),
        5 => any::<usize>().prop_map(Step::Insert),
        4 => any::<usize>().prop_map(Step::Commit),
        1 => any::<usize>().prop_map(Step::RollBack),
        4 => (1_usize..6, 1_usize..4).prop_map(|(limit, batch)| Step::Poll { limit, batch }),
        2 => (0_u64..80).prop_map(|after| Step::Seal { after }),
        1 => Just(Step::Restart),
    ];
    proptest::collection::vec(step, 0..200)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn every_committed_row_is_published_once_and_in_order_of_its_payment(steps in steps()) {
        let mut world = World::new();
        for step in &steps {
            world.step(step);
        }
        world.finish();

        let committed: HashSet<u64> = world.committed.iter().filter_map(|(id, row)| row.map(|_| *id)).collect();
        let published: Vec<u64> = world.published.iter().map(|(id, _)| *id).collect();
        prop_assert_eq!(published.len(), published.iter().collect::<HashSet<_>>().len(), "doubled");
        prop_assert_eq!(&published.iter().copied().collect::<HashSet<_>>(), &committed, "lost or invented");

        let mut last: HashMap<u8, u32> = HashMap::new();
        for (_, row) in &world.published {
            let before = last.insert(row.payment, row.seq).unwrap_or(0);
            prop_assert_eq!(row.seq, before + 1, "payment {} out of order", row.payment);
        }
        let highest = world.committed.keys().next_back().copied().unwrap_or(0);
        prop_assert_eq!(world.scan.marks(), &Marks::at(highest));
        prop_assert!((1..=highest).all(|id| world.committed.contains_key(&id)), "a hole is left");
    }
}
