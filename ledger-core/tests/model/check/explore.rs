//! The search: every reachable state is visited once, breadth first. The steps of a world only ever use something up — a
//! message, a fault, the clock, a place in the ledger — so every path ends; the search proves it and judges each end.

use std::collections::{BTreeMap, HashMap};
use std::fmt::{self, Display, Write as _};
use std::hash::Hash;

use ledger_core::payment::fact::ResultOutcome;

/// What must never be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rule {
    /// Money stands at an issuer, and neither a payment nor its exposure says so.
    HiddenMoney,
    /// The ledger counts money that does not stand at the issuer.
    MissingMoney,
    /// Two approvals of one leg stand at an issuer (R5).
    Twice,
    /// More was given back than approved, or than the ledger took out of the balance (I2, R7).
    GivenBackTwice,
    /// An abandoned attempt became effective, a verdict changed, a status went backwards (I6, I12).
    Revived,
    /// The merchant was told something else than what holds.
    ToldWrong,
    /// The schema refuses what was decided on the newest facts.
    SchemaRefuses,
    /// A network cancel was sent for an accepted approval (R13).
    ReversedAccepted,
    /// Nothing more happens, and something is still open.
    Stuck,
    /// The same state can come again: nothing makes the path end.
    Endless,
}

/// A rule that a step or an end breaks, and how.
#[derive(Debug, Clone)]
pub struct Breach {
    pub rule: Rule,
    pub how: String,
}

/// Stops with a breach.
pub fn breach<T>(rule: Rule, how: impl Into<String>) -> Result<T, Breach> {
    Err(Breach { rule, how: how.into() })
}

/// One step, for people to read.
#[derive(Debug, Clone, Copy)]
pub struct Label {
    pub who: &'static str,
    pub what: &'static str,
    /// A leg or a cancel; none is 0.
    pub of: u8,
    pub outcome: Option<ResultOutcome>,
    /// What it does in the same breath.
    pub and: Option<&'static str>,
}

impl Label {
    pub const fn new(who: &'static str, what: &'static str) -> Self {
        Self::of(who, what, 0)
    }

    pub const fn of(who: &'static str, what: &'static str, of: u8) -> Self {
        Self { who, what, of, outcome: None, and: None }
    }

    pub const fn and(mut self, and: &'static str) -> Self {
        self.and = Some(and);
        self
    }

    pub const fn with(mut self, outcome: ResultOutcome) -> Self {
        self.outcome = Some(outcome);
        self
    }
}

impl Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:<14} {}", self.who, self.what)?;
        if self.of > 0 {
            write!(f, " {}", self.of)?;
        }
        if let Some(outcome) = self.outcome {
            write!(f, ": {outcome}")?;
        }
        self.and.map_or(Ok(()), |and| write!(f, ", {and}"))
    }
}

/// A step out of a state: where it leads, or the rule that it breaks.
pub type Step<S> = (Label, Result<S, Breach>);

/// Something whose interleavings are searched.
pub trait World {
    type State: Copy + Eq + Hash;

    fn starts(&self) -> Vec<Self::State>;
    /// Everything that can happen next.
    fn steps(&mut self, state: &Self::State, steps: &mut Vec<Step<Self::State>>);
    /// What must hold after every step.
    fn holds(&mut self, before: &Self::State, after: &Self::State) -> Result<(), Breach>;
    /// What must hold where nothing more can happen.
    fn ends_well(&mut self, end: &Self::State) -> Result<(), Breach>;
    /// The clock, for the trace.
    fn seconds(&self, state: &Self::State) -> i64;
}

/// What a search has found.
#[derive(Debug)]
pub struct Report {
    pub name: String,
    pub states: usize,
    pub transitions: usize,
    pub ends: usize,
    pub broken: BTreeMap<Rule, Broken>,
}

/// A broken rule.
#[derive(Debug)]
pub struct Broken {
    /// In how many places.
    pub times: usize,
    /// A shortest way there.
    pub trace: String,
}

impl Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, states, transitions, ends, broken } = self;
        write!(f, "{name}: {states} states, {transitions} transitions, {ends} ends, ")?;
        if broken.is_empty() {
            return f.write_str("no rule broken");
        }
        for (rule, Broken { times, .. }) in broken {
            write!(f, "{rule:?} broken in {times} places; ")?;
        }
        broken.iter().try_for_each(|(rule, broken)| write!(f, "\n  {rule:?}:\n{}", broken.trace))
    }
}

/// A world with more states grows without end, and would take all memory.
const MOST_STATES: usize = 1_000_000;

/// The state before, and the step from there.
type From = Option<(usize, Label)>;

struct Search<W: World> {
    world: W,
    numbers: HashMap<W::State, usize>,
    /// Each state with the step by which it was first reached.
    states: Vec<(W::State, From)>,
    /// The first state whose steps have not been taken.
    next: usize,
    edges: Vec<(usize, usize)>,
    report: Report,
}

/// Searches all interleavings of a world. What follows a broken rule is not searched.
pub fn search<W: World>(name: impl Into<String>, world: W) -> Report {
    let mut search = Search::new(name, world);
    while search.expand_next() {}
    search.report.states = search.states.len();
    search.endless();
    search.report
}

/// Searches until a rule is broken.
pub fn search_for<W: World>(rule: Rule, name: impl Into<String>, world: W) -> Report {
    let mut search = Search::new(name, world);
    while !search.report.broken.contains_key(&rule) && search.expand_next() {}
    search.report.states = search.states.len();
    search.report
}

impl<W: World> Search<W> {
    fn new(name: impl Into<String>, world: W) -> Self {
        let report =
            Report { name: name.into(), states: 0, transitions: 0, ends: 0, broken: BTreeMap::new() };
        let starts = world.starts();
        let mut search =
            Self { world, numbers: HashMap::new(), states: Vec::new(), next: 0, edges: Vec::new(), report };
        for start in starts {
            search.number(start, None);
        }
        search
    }

    /// Takes the steps out of the next state; none is left when it says no.
    fn expand_next(&mut self) -> bool {
        let at = self.next;
        if at == self.states.len() {
            return false;
        }
        if at == MOST_STATES {
            let how = "the world grows without end".to_owned();
            panic!("{}", self.trace(at, None, &Breach { rule: Rule::Endless, how }));
        }
        self.next += 1;
        self.expand(at);
        true
    }

    fn expand(&mut self, at: usize) {
        let state = self.states[at].0;
        let mut steps = Vec::new();
        self.world.steps(&state, &mut steps);
        if steps.is_empty() {
            self.report.ends += 1;
            if let Err(breach) = self.world.ends_well(&state) {
                self.broken(at, None, &breach);
            }
        }
        for (label, next) in steps {
            self.report.transitions += 1;
            let judged = next.and_then(|next| self.world.holds(&state, &next).map(|()| next));
            match judged {
                Ok(next) => {
                    let to = self.number(next, Some((at, label)));
                    self.edges.push((at, to));
                }
                Err(breach) => self.broken(at, Some(label), &breach),
            }
        }
    }

    fn number(&mut self, state: W::State, from: From) -> usize {
        let next = self.states.len();
        *self.numbers.entry(state).or_insert_with(|| {
            self.states.push((state, from));
            next
        })
    }

    fn broken(&mut self, at: usize, last: Option<Label>, breach: &Breach) {
        if let Some(broken) = self.report.broken.get_mut(&breach.rule) {
            broken.times += 1;
            return;
        }
        let trace = self.trace(at, last, breach);
        self.report.broken.insert(breach.rule, Broken { times: 1, trace });
    }

    /// The steps to a state, one a line.
    fn trace(&self, at: usize, last: Option<Label>, breach: &Breach) -> String {
        let mut lines = Vec::new();
        let mut here = at;
        while let Some((before, label)) = self.states[here].1 {
            lines.push((self.world.seconds(&self.states[before].0), label));
            here = before;
        }
        lines.reverse();
        lines.extend(last.map(|label| (self.world.seconds(&self.states[at].0), label)));
        let mut text = String::new();
        for (seconds, label) in lines {
            writeln!(text, "    {seconds:>5} s  {label}").unwrap();
        }
        write!(text, "    {:>5}    {}", "", breach.how).unwrap();
        text
    }

    /// States that can come again: what is left when states without a further way are taken away one by one.
    fn endless(&mut self) {
        let mut ways_on = vec![0_usize; self.states.len()];
        let mut before: Vec<Vec<usize>> = vec![Vec::new(); self.states.len()];
        for (from, to) in &self.edges {
            ways_on[*from] += 1;
            before[*to].push(*from);
        }
        let mut ended: Vec<_> = (0..ways_on.len()).filter(|at| ways_on[*at] == 0).collect();
        while let Some(at) = ended.pop() {
            for from in std::mem::take(&mut before[at]) {
                ways_on[from] -= 1;
                if ways_on[from] == 0 {
                    ended.push(from);
                }
            }
        }
        if let Some(at) = ways_on.iter().position(|left| *left > 0) {
            let how = "from here the same state can come again".to_owned();
            self.broken(at, None, &Breach { rule: Rule::Endless, how });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two counters up to three; `again` lets the first go back.
    struct Counters {
        again: bool,
    }

    impl World for Counters {
        type State = (u8, u8);

        fn starts(&self) -> Vec<(u8, u8)> {
            vec![(0, 0)]
        }

        fn steps(&mut self, (a, b): &(u8, u8), steps: &mut Vec<Step<(u8, u8)>>) {
            if *a < 3 {
                steps.push((Label::new("first", "counts"), Ok((a + 1, *b))));
            }
            if *b < 3 {
                steps.push((Label::new("second", "counts"), Ok((*a, b + 1))));
            }
            if self.again && *a > 0 {
                steps.push((Label::new("first", "goes back"), Ok((a - 1, *b))));
            }
        }

        fn holds(&mut self, _: &(u8, u8), after: &(u8, u8)) -> Result<(), Breach> {
            if *after == (2, 3) { breach(Rule::Stuck, "two and three") } else { Ok(()) }
        }

        fn ends_well(&mut self, _: &(u8, u8)) -> Result<(), Breach> {
            Ok(())
        }

        fn seconds(&self, _: &(u8, u8)) -> i64 {
            0
        }
    }

    #[test]
    fn the_search_visits_every_state_once_and_finds_a_shortest_way() {
        let report = search("counters", Counters { again: false });
        assert_eq!((report.states, report.ends), (15, 1), "{report}");
        let broken = &report.broken[&Rule::Stuck];
        assert_eq!((broken.times, broken.trace.matches("counts").count()), (2, 5), "{report}");
    }

    #[test]
    fn a_path_that_never_ends_is_found() {
        let report = search("counters", Counters { again: true });
        assert!(report.broken.contains_key(&Rule::Endless), "{report}");
    }
}
