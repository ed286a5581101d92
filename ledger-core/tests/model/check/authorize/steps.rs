//! Everything that can happen next. What a process does between two commits is one step where nobody can tell the
//! difference: an answer that arrives and is read at once might as well have arrived later, and a message that is sent at
//! once might as well have been on its way longer.

use ledger_core::payment::fact::{ResultOutcome, Verdict};
use ledger_core::payment::reverse::Next;

use super::issuer::{reaches_issuer, to_record};
use super::{
    About, Authorize, CLOCK, Caller, Job, LAST, LATE, Late, PEOPLE, Recorder, Reply, Sent, State, Stray,
    Told, Wire, place,
};
use crate::check::book::{Appended, Command, Decision, Got, MOST};
use crate::check::design::reversals;
use crate::check::explore::{Label, Step};

const CALLERS: [&str; 2] = ["caller", "second caller"];
const JOBS: [&str; 2] = ["job", "second job"];
pub(super) const ISSUER: &str = "issuer";

pub(super) type Steps = Vec<Step<State>>;

/// Adds a step in which one thing of the state becomes another.
macro_rules! step {
    ($steps:expr, $state:expr, $label:expr, $($place:ident $([$at:expr])? $(. $field:ident)* = $value:expr),+) => {{
        let mut next = *$state;
        $(next.$place $([$at])? $(.$field)* = $value;)+
        $steps.push(($label, Ok(next)));
    }};
}

impl Authorize<'_> {
    pub(super) fn all_steps(&mut self, state: &State, steps: &mut Steps) {
        for n in 0..2 {
            self.caller(state, n, steps);
            self.job(state, n, steps);
        }
        for leg in self.legs() {
            self.issuer(state, leg, steps);
            Self::late_answer(state, leg, steps);
            self.file(state, leg, steps);
        }
        self.strays(state, steps);
        self.recorder(state, steps);
        self.clock(state, steps);
    }

    fn clock(&mut self, state: &State, steps: &mut Steps) {
        let at = state.at + 1;
        if usize::from(at) == CLOCK.len() || state.callers.contains(&Caller::New) {
            return;
        }
        if at == PEOPLE {
            let seen = self.book.seen(state.ledger, state.at);
            let begun = seen.legs[0].is_some() && seen.verdict.is_none();
            let begins = |caller: &Caller| matches!(caller, Caller::Begins { .. });
            if begun || state.callers.iter().any(begins) {
                return;
            }
        }
        let judges = |caller: &Caller| matches!(caller, Caller::Waits { .. } | Caller::Judges { .. });
        let records = state.recorder != Recorder::Idle || state.callers.iter().any(judges);
        if at == LAST && (records || self.is_kept_back(state)) {
            return;
        }
        let mut next = *state;
        next.at = at;
        if at == LAST || (at > LATE && !self.setup.very_late) {
            for truth in &mut next.issuer {
                for wire in [&mut truth.wire, &mut truth.again] {
                    if *wire == Wire::Flying {
                        *wire = Wire::Lost;
                    }
                }
            }
        }
        steps.push((Label::new("", "time passes"), Ok(next)));
    }

    fn caller(&mut self, state: &State, n: usize, steps: &mut Steps) {
        let who = CALLERS[n];
        match state.callers[n] {
            Caller::Absent | Caller::Dead => {}
            Caller::New => {
                let begins = Caller::Begins { on: state.ledger, at: state.at };
                step!(steps, state, Label::new(who, "reads the payment, to confirm it"), callers[n] = begins);
                return;
            }
            Caller::Begins { on, at } => {
                self.begin(state, n, on, at, steps);
                return;
            }
            Caller::Waits { leg, got } => self.wait(state, n, leg, got, steps),
            Caller::Judges { got, on } => self.judge(state, n, got, on, steps),
            Caller::Told { listens, .. } if listens.contains(&true) => {}
            Caller::Told { .. } => return,
        }
        if state.faults > 0 {
            let faults = state.faults - 1;
            step!(steps, state, Label::new(who, "dies"), callers[n] = Caller::Dead, faults = faults);
        }
    }

    fn begin(&mut self, state: &State, n: usize, on: u32, at: u8, steps: &mut Steps) {
        let who = CALLERS[n];
        let label = Label::new(who, "commits the attempts");
        match self.book.decide(on, Command::Confirm, at) {
            Decision::Facts(_) if !self.book.design.commits_before_sending() => {
                self.send(state, n, 1, [None; MOST], Label::new(who, "has committed nothing"), steps);
            }
            Decision::Facts(facts) => match self.book.append(state.ledger, on, facts) {
                Ok(Appended::To(ledger)) => {
                    let committed = State { ledger, ..*state };
                    self.send(&committed, n, 1, [None; MOST], label, steps);
                    if state.faults > 0 {
                        let faults = state.faults - 1;
                        let label = Label::new(who, "commits the attempts and dies");
                        step!(steps, &committed, label, callers[n] = Caller::Dead, faults = faults);
                    }
                }
                Ok(Appended::Lost) => {
                    step!(steps, state, Label::new(who, "was not the first"), callers[n] = Caller::New);
                }
                Err(breach) => steps.push((label, Err(breach))),
            },
            Decision::Nothing | Decision::Refused if on != state.ledger => {
                step!(steps, state, Label::new(who, "looks again"), callers[n] = Caller::New);
            }
            Decision::Nothing | Decision::Refused => {
                let told = Caller::Told { told: Told::Refused, listens: [false; MOST] };
                step!(steps, state, Label::new(who, "is refused"), callers[n] = told);
            }
        }
    }

    /// A leg goes out, or is proven not to have gone.
    fn send(&mut self, state: &State, n: usize, leg: u8, got: Got, label: Label, steps: &mut Steps) {
        let failed = got.iter().flatten().any(|outcome| *outcome != ResultOutcome::Approved);
        let seen = self.book.seen(state.ledger, state.at);
        let overdue = seen.legs[place(leg)].is_some_and(|leg| leg.deadline_passed);
        if !failed && !overdue {
            let waits = Caller::Waits { leg, got };
            let label = label.and("sends the next leg");
            step!(steps, state, label, callers[n] = waits, issuer[place(leg)].wire = Wire::Flying);
        }
        let label = label.and("does not send the next leg");
        self.heard(state, n, leg, got, ResultOutcome::NotSent, label, steps);
    }

    /// A leg has its answer: the next one goes out, or the payment is read and decided on.
    #[expect(clippy::too_many_arguments, reason = "where it happens, what is known, and what is new")]
    fn heard(
        &mut self,
        state: &State,
        n: usize,
        leg: u8,
        mut got: Got,
        outcome: ResultOutcome,
        label: Label,
        steps: &mut Steps,
    ) {
        got[place(leg)] = Some(outcome);
        if leg < self.setup.legs {
            self.send(state, n, leg + 1, got, label, steps);
            return;
        }
        let mut next = *state;
        if !self.book.design.commits_before_sending()
            && self.book.seen(state.ledger, 0).legs[0].is_none()
            && let Decision::Facts(facts) = self.book.decide(state.ledger, Command::Confirm, 0)
            && let Ok(Appended::To(ledger)) = self.book.append(state.ledger, state.ledger, facts)
        {
            next.ledger = ledger;
        }
        next.callers[n] = Caller::Judges { got, on: next.ledger };
        steps.push((label, Ok(next)));
    }

    fn wait(&mut self, state: &State, n: usize, leg: u8, got: Got, steps: &mut Steps) {
        let truth = state.issuer[place(leg)];
        let (garbles, early) = (self.setup.garbles, state.at == 0);
        let answer = match truth.wire {
            Wire::Approved => Some(ResultOutcome::Approved),
            Wire::Declined => Some(ResultOutcome::Declined),
            Wire::Unsent | Wire::Flying | Wire::Lost | Wire::Heard => None,
        };
        let mut ends = |outcome, wire| {
            let label = Label::of(CALLERS[n], "has an answer for leg", leg).with(outcome);
            let mut next = *state;
            next.issuer[place(leg)].wire = wire;
            self.heard(&next, n, leg, got, outcome, label, steps);
        };
        if let Some(answer) = answer {
            ends(answer, Wire::Heard);
        } else if truth.again == Wire::Approved {
            ends(ResultOutcome::Approved, truth.wire);
        }
        let silent = if answer.is_some() { Wire::Heard } else { truth.wire };
        // later the same comes as a timeout whose late answer is never heard
        if early {
            ends(ResultOutcome::Reset, silent);
        }
        if garbles && answer.is_some() {
            ends(ResultOutcome::Garbled, Wire::Heard);
        }
        if early {
            return;
        }
        if self.book.design.sends_again() && truth.again == Wire::Unsent {
            let label = Label::of(CALLERS[n], "waits no longer and sends again for leg", leg);
            step!(steps, state, label, issuer[place(leg)].again = Wire::Flying);
        } else {
            let label = Label::of(CALLERS[n], "has an answer for leg", leg).with(ResultOutcome::Timeout);
            self.heard(state, n, leg, got, ResultOutcome::Timeout, label, steps);
        }
    }

    fn judge(&mut self, state: &State, n: usize, got: Got, on: u32, steps: &mut Steps) {
        let who = CALLERS[n];
        let label = Label::new(who, "commits the verdict");
        let again = |ledger| Caller::Judges { got, on: ledger };
        match self.book.decide(on, Command::Verdict(got), state.at) {
            Decision::Facts(facts) => match self.book.append(state.ledger, on, facts) {
                Ok(Appended::To(after)) => {
                    let told = self.told(after, got);
                    step!(steps, state, label, ledger = after, callers[n] = told);
                    if state.faults > 0 {
                        let label = Label::new(who, "commits the verdict without learning it");
                        let faults = state.faults - 1;
                        step!(
                            steps,
                            state,
                            label,
                            ledger = after,
                            callers[n] = again(after),
                            faults = faults
                        );
                    }
                }
                Ok(Appended::Lost) => {
                    let again = again(state.ledger);
                    step!(steps, state, Label::new(who, "was not the first"), callers[n] = again);
                }
                Err(breach) => steps.push((label, Err(breach))),
            },
            Decision::Nothing | Decision::Refused if on != state.ledger => {
                let again = again(state.ledger);
                step!(steps, state, Label::new(who, "looks again"), callers[n] = again);
            }
            Decision::Nothing | Decision::Refused => {
                let told = self.told(on, got);
                step!(steps, state, Label::new(who, "finds it decided"), callers[n] = told);
            }
        }
    }

    fn told(&mut self, ledger: u32, got: Got) -> Caller {
        let told = match self.book.seen(ledger, 0).verdict {
            Some(Verdict::Confirmed) => Told::Paid,
            Some(Verdict::Aborted | Verdict::Expired | Verdict::Canceled) => Told::Failed,
            None => Told::Refused,
        };
        let listens = got.map(|outcome| outcome == Some(ResultOutcome::Timeout));
        Caller::Told { told, listens }
    }

    /// An answer that the sender still waits for after it has recorded a timeout.
    fn late_answer(state: &State, leg: u8, steps: &mut Steps) {
        let outcome = match state.issuer[place(leg)].wire {
            Wire::Approved => ResultOutcome::Approved,
            Wire::Declined => ResultOutcome::Declined,
            Wire::Unsent | Wire::Flying | Wire::Lost | Wire::Heard => return,
        };
        for (n, who) in CALLERS.into_iter().enumerate() {
            let Caller::Told { told, mut listens } = state.callers[n] else { continue };
            if !listens[place(leg)] {
                continue;
            }
            listens[place(leg)] = false;
            let told = Caller::Told { told, listens };
            let label = Label::of(who, "never hears the late answer of leg", leg);
            step!(steps, state, label, callers[n] = told, issuer[place(leg)].wire = Wire::Heard);
            if state.recorder == Recorder::Idle && state.at < LAST {
                let label = Label::of(who, "hears late of leg", leg).with(outcome);
                let mut next = to_record(state, Late::Authorization { leg, outcome, names: 1 });
                next.callers[n] = told;
                next.issuer[place(leg)].wire = Wire::Heard;
                steps.push((label, Ok(next)));
            }
        }
    }

    fn job(&mut self, state: &State, n: usize, steps: &mut Steps) {
        match state.jobs[n] {
            Job::Absent => return,
            Job::Rests { tried } => {
                self.scan(state, n, tried, steps);
                return;
            }
            Job::GivesUp { on } => {
                let label = Label::new(JOBS[n], "gives the payment up");
                let rests = Job::Rests { tried: None };
                self.job_commit(state, n, label, Command::Recover, on, (rests, rests), steps);
            }
            Job::Begins { leg, on } => self.begin_reversal(state, n, leg, on, steps),
            Job::Waits { sent, reply } => self.job_waits(state, n, sent, reply, steps),
            Job::Judges { sent, outcome, names, on } => {
                let label = Label::of(JOBS[n], "commits what it came to for leg", sent.about.0);
                let command = self.reversed(sent.about, outcome, names);
                let rests = Job::Rests { tried: Some(state.at) };
                let again = Job::Judges { sent, outcome, names, on: state.ledger };
                self.job_commit(state, n, label, command, on, (rests, again), steps);
            }
        }
        if state.faults > 0 {
            self.job_dies(state, n, steps);
        }
    }

    /// What is due: a payment whose caller died, an abandoned authorization. One try at each place of the clock.
    fn scan(&mut self, state: &State, n: usize, tried: Option<u8>, steps: &mut Steps) {
        let seen = self.book.seen(state.ledger, state.at);
        let (on, at) = (state.ledger, state.at);
        let overdue = seen.legs.iter().flatten().any(|leg| leg.deadline_passed);
        if seen.verdict.is_none() && overdue {
            let label = Label::new(JOBS[n], "finds an attempt that nobody answered");
            step!(steps, state, label, jobs[n] = Job::GivesUp { on });
        }
        if tried == Some(at) && at != LAST {
            return;
        }
        for leg in self.legs() {
            let sent = reversals(self.book.payment(state.ledger), leg);
            let may = state.at == LAST || sent < self.setup.tries;
            if may && seen.legs[place(leg)].is_some_and(|leg| leg.due) {
                let label = Label::of(JOBS[n], "finds an order to undo leg", leg);
                step!(steps, state, label, jobs[n] = Job::Begins { leg, on });
            }
        }
    }

    fn begin_reversal(&mut self, state: &State, n: usize, leg: u8, on: u32, steps: &mut Steps) {
        let rests = Job::Rests { tried: None };
        let label = Label::of(JOBS[n], "commits and sends a network cancel of leg", leg);
        let time = self.book.time(state.at);
        let next = self.book.design.start_reversal(self.book.payment(on), leg, time);
        if let Some(Next::Again { kind, attempt_no }) = next {
            let waits = Job::Waits { sent: self.message(on, (leg, kind, attempt_no)), reply: Reply::Flying };
            let label = Label::of(JOBS[n], "sends the same cancel again, of leg", leg);
            step!(steps, state, label, jobs[n] = waits);
            return;
        }
        match self.book.decide(on, Command::Reverse { leg_no: leg }, state.at) {
            Decision::Facts(facts) => match self.book.append(state.ledger, on, facts) {
                Ok(Appended::To(after)) => {
                    let Some(Next::Commit(attempt)) = next else { return };
                    let sent = self.message(after, (leg, attempt.kind, attempt.attempt_no));
                    let waits = Job::Waits { sent, reply: Reply::Flying };
                    step!(steps, state, label, ledger = after, jobs[n] = waits);
                }
                Ok(Appended::Lost) => {
                    step!(steps, state, Label::new(JOBS[n], "was not the first"), jobs[n] = rests);
                }
                Err(breach) => steps.push((label, Err(breach))),
            },
            Decision::Nothing | Decision::Refused => {
                step!(steps, state, Label::new(JOBS[n], "has nothing to do"), jobs[n] = rests);
            }
        }
    }

    /// Commits a decision of the job; then it is `done`, or must do it `again`.
    #[expect(clippy::too_many_arguments, reason = "what is common to two commits of the job")]
    fn job_commit(
        &mut self,
        state: &State,
        n: usize,
        label: Label,
        command: Command,
        on: u32,
        (done, again): (Job, Job),
        steps: &mut Steps,
    ) {
        match self.book.decide(on, command, state.at) {
            Decision::Facts(facts) => match self.book.append(state.ledger, on, facts) {
                Ok(Appended::To(after)) => {
                    step!(steps, state, label, ledger = after, jobs[n] = done);
                    if let Job::Judges { sent, outcome, names, .. } = again
                        && state.faults > 0
                    {
                        let again = Job::Judges { sent, outcome, names, on: after };
                        let label = Label::new(JOBS[n], "commits without learning it");
                        let faults = state.faults - 1;
                        step!(steps, state, label, ledger = after, jobs[n] = again, faults = faults);
                    }
                }
                Ok(Appended::Lost) => {
                    step!(steps, state, Label::new(JOBS[n], "was not the first"), jobs[n] = again);
                }
                Err(breach) => steps.push((label, Err(breach))),
            },
            Decision::Nothing | Decision::Refused => {
                let next = if on == state.ledger { done } else { again };
                step!(steps, state, Label::new(JOBS[n], "finds it decided"), jobs[n] = next);
            }
        }
    }

    fn job_waits(&self, state: &State, n: usize, sent: Sent, reply: Reply, steps: &mut Steps) {
        let leg = sent.about.0;
        let judges = |outcome, names| Job::Judges { sent, outcome, names, on: state.ledger };
        match reply {
            Reply::Flying => {
                let (mut next, answer) = reaches_issuer(state, sent, self.setup.ignores_names);
                next.jobs[n] = Job::Waits { sent, reply: answer };
                steps.push((Label::of(ISSUER, "gets what undoes leg", leg), Ok(next)));
            }
            Reply::Says { outcome, names } => {
                let label = Label::of(JOBS[n], "has an answer for leg", leg).with(outcome);
                step!(steps, state, label, jobs[n] = judges(outcome, names));
            }
        }
        let silence = judges(ResultOutcome::Timeout, 1);
        let label = Label::of(JOBS[n], "has no answer, and never will, for leg", leg);
        step!(steps, state, label, jobs[n] = silence);
        if let Some(mut next) = self.astray(state, Stray { sent, reply, heard: true }) {
            next.jobs[n] = silence;
            steps.push((Label::of(JOBS[n], "waits no longer for leg", leg), Ok(next)));
        }
    }

    fn job_dies(&self, state: &State, n: usize, steps: &mut Steps) {
        let mut next = *state;
        next.faults -= 1;
        next.jobs[n] = Job::Rests { tried: None };
        steps.push((Label::new(JOBS[n], "dies, another takes its place"), Ok(next)));
        if let Job::Waits { sent, reply: Reply::Flying } = state.jobs[n]
            && let Some(next) = self.astray(&next, Stray { sent, reply: Reply::Flying, heard: false })
        {
            steps.push((Label::new(JOBS[n], "dies, its network cancel still on the wire"), Ok(next)));
        }
    }

    /// The state with one more network cancel that nobody waits for in time, if so many are searched.
    fn astray(&self, state: &State, stray: Stray) -> Option<State> {
        let mut next = *state;
        let free = next.strays.iter().take(self.setup.strays).position(Option::is_none)?;
        next.strays[free] = Some(stray);
        Some(next)
    }

    fn strays(&self, state: &State, steps: &mut Steps) {
        for n in 0..self.setup.strays {
            let Some(stray) = state.strays[n] else { continue };
            let (about, leg) = (stray.sent.about, stray.sent.about.0);
            match stray.reply {
                Reply::Flying => {
                    let (mut next, reply) = reaches_issuer(state, stray.sent, self.setup.ignores_names);
                    next.strays[n] = stray.heard.then_some(Stray { reply, ..stray });
                    steps.push((Label::of(ISSUER, "gets late the network cancel of leg", leg), Ok(next)));
                }
                Reply::Says { outcome, names } if state.recorder == Recorder::Idle => {
                    let mut next = to_record(state, Late::Reversal { about, outcome, names });
                    next.strays[n] = None;
                    let label = Label::of("job", "hears late of the network cancel of leg", leg);
                    steps.push((label.with(outcome), Ok(next)));
                }
                Reply::Says { .. } => {}
            }
            let label = Label::of("", "a network cancel is lost, of leg", leg);
            step!(steps, state, label, strays[n] = None);
        }
    }

    /// What the ledger gets to know: which approval a "reversed" is about only of an issuer that says so.
    fn reversed(&self, about: About, outcome: ResultOutcome, names: u8) -> Command {
        let is_named = outcome != ResultOutcome::Reversed || self.setup.names_reversed;
        Command::Reversed { about, outcome, names: is_named.then_some(names) }
    }

    fn recorder(&mut self, state: &State, steps: &mut Steps) {
        let Recorder::Judges { late, on } = state.recorder else { return };
        let command = match late {
            Late::Authorization { leg, outcome, names } => Command::Late { leg_no: leg, outcome, names },
            Late::Reversal { about, outcome, names } => self.reversed(about, outcome, names),
        };
        let label = Label::new("recorder", "commits what came late");
        let appended = match self.book.decide(on, command, state.at) {
            Decision::Facts(facts) => Some(self.book.append(state.ledger, on, facts)),
            Decision::Nothing | Decision::Refused => None,
        };
        match appended {
            Some(Ok(Appended::To(after))) => {
                step!(steps, state, label, ledger = after, recorder = Recorder::Idle);
            }
            None if on == state.ledger => {
                step!(steps, state, Label::new("recorder", "finds it known"), recorder = Recorder::Idle);
            }
            Some(Ok(Appended::Lost)) | None => {
                let again = Recorder::Judges { late, on: state.ledger };
                step!(steps, state, Label::new("recorder", "looks again"), recorder = again);
            }
            Some(Err(breach)) => steps.push((label, Err(breach))),
        }
    }
}
