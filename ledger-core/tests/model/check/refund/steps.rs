//! Everything that can happen next.

use ledger_core::payment::fact::ResultOutcome;
use ledger_core::payment::status::CancelStatus;

use super::{Process, Refund, State, Told, Truth, place};
use crate::check::book::{Appended, Command, Decision, Got, MOST};
use crate::check::explore::{Label, Step};

const WHO: [&str; 3] = ["writer", "second writer", "job"];
/// The process that repeats.
const JOB: usize = 2;

type Steps = Vec<Step<State>>;

impl Refund<'_> {
    pub(super) fn all_steps(&mut self, state: &State, steps: &mut Steps) {
        for n in 0..WHO.len() {
            self.process(state, n, steps);
        }
        Self::strays(state, steps);
    }

    fn process(&mut self, state: &State, n: usize, steps: &mut Steps) {
        match state.processes[n] {
            Process::Absent | Process::Dead | Process::Told { .. } => return,
            Process::New if n == JOB => {
                self.repeat(state, steps);
                return;
            }
            Process::New => {
                let label = Label::new(WHO[n], "reads the payment, to cancel some of it");
                steps.push((label, Ok(with(state, n, Process::Begins { on: state.ledger }))));
                return;
            }
            Process::Begins { on } => {
                self.begin(state, n, on, steps);
                return;
            }
            Process::Waits { cancel_no, leg, got, reply } => {
                self.wait(state, n, (cancel_no, leg), got, reply, steps);
            }
            Process::Judges { cancel_no, got, on } => self.judge(state, n, cancel_no, got, on, steps),
        }
        if state.faults > 0 {
            let mut next = with(state, n, if n == JOB { Process::New } else { Process::Dead });
            next.faults -= 1;
            steps.push((Label::new(WHO[n], "dies"), Ok(next)));
        }
    }

    fn begin(&mut self, state: &State, n: usize, on: u32, steps: &mut Steps) {
        let label = Label::new(WHO[n], "commits a cancel");
        let writer = u8::try_from(n).unwrap();
        match self.book.decide(on, Command::Cancel { writer }, 0) {
            Decision::Facts(facts) => match self.book.append(state.ledger, on, facts) {
                Ok(Appended::To(ledger)) => {
                    let committed = State { ledger, ..*state };
                    let cancel_no = self.own_cancel(ledger, n);
                    self.next_share(&committed, n, cancel_no, 1, [None; MOST], label, steps);
                    if state.faults > 0 {
                        let mut next = with(&committed, n, Process::Dead);
                        next.faults -= 1;
                        steps.push((Label::new(WHO[n], "commits a cancel and dies"), Ok(next)));
                    }
                }
                Ok(Appended::Lost) => {
                    steps.push((Label::new(WHO[n], "was not the first"), Ok(with(state, n, Process::New))));
                }
                Err(breach) => steps.push((label, Err(breach))),
            },
            Decision::Nothing | Decision::Refused if on != state.ledger => {
                steps.push((Label::new(WHO[n], "looks again"), Ok(with(state, n, Process::New))));
            }
            Decision::Nothing | Decision::Refused => {
                let told = Process::Told { cancel_no: 0, told: Told::Refused };
                steps.push((Label::new(WHO[n], "is refused"), Ok(with(state, n, told))));
            }
        }
    }

    fn own_cancel(&self, ledger: u32, n: usize) -> u16 {
        let own = (n + 1).to_string();
        let cancels = self.book.payment(ledger).cancels();
        let mut own = cancels.filter(|cancel| cancel.cancellation.cancel_request_id == own);
        own.next().unwrap().cancellation.cancel_no
    }

    /// The next share that has not ended goes out, from this leg on; after the last the payment is read and decided on.
    #[expect(clippy::too_many_arguments, reason = "where it happens, what is known, and what is next")]
    fn next_share(
        &mut self,
        state: &State,
        n: usize,
        cancel_no: u16,
        from: u8,
        got: Got,
        label: Label,
        steps: &mut Steps,
    ) {
        let shares = self.shares(state.ledger)[place(cancel_no)];
        let open = |leg: &u8| shares[place(*leg)].amount > 0 && shares[place(*leg)].done.is_none();
        let Some(leg) = (from..=2).find(open) else {
            let judges = Process::Judges { cancel_no, got, on: state.ledger };
            steps.push((label, Ok(with(state, n, judges))));
            return;
        };
        let waits = Process::Waits { cancel_no, leg, got, reply: None };
        steps.push((label.and("sends a share"), Ok(with(state, n, waits))));
        if n != JOB {
            let mut got = got;
            got[place(leg)] = Some(ResultOutcome::NotSent);
            self.next_share(state, n, cancel_no, leg + 1, got, label.and("sends nothing"), steps);
        }
    }

    fn repeat(&mut self, state: &State, steps: &mut Steps) {
        if state.repeats == 0 {
            return;
        }
        let shares = self.shares(state.ledger);
        for cancel_no in 1..=2_u8 {
            let open = |share: &super::Share| share.amount > 0 && share.done.is_none();
            if shares[place(cancel_no)].iter().any(open) {
                let next = State { repeats: state.repeats - 1, ..*state };
                let label = Label::of(WHO[JOB], "repeats cancel", cancel_no);
                self.next_share(&next, JOB, cancel_no.into(), 1, [None; MOST], label, steps);
            }
        }
    }

    fn wait(
        &mut self,
        state: &State,
        n: usize,
        (cancel_no, leg): (u16, u8),
        got: Got,
        reply: Option<ResultOutcome>,
        steps: &mut Steps,
    ) {
        let mut heard = |state: &State, outcome, what| {
            let mut got = got;
            got[place(leg)] = Some(outcome);
            let label = Label::of(WHO[n], what, leg).with(outcome);
            self.next_share(state, n, cancel_no, leg + 1, got, label, steps);
        };
        let renumbered = n == JOB;
        if let Some(reply) = reply {
            heard(state, reply, "has an answer for leg");
            let refused = state.issuers[place(cancel_no)][place(leg)].refused;
            if !(refused && reply == ResultOutcome::Canceled) {
                heard(state, ResultOutcome::Timeout, "never hears the answer for leg");
            }
            return;
        }
        heard(state, ResultOutcome::Timeout, "has no answer, and never will, for leg");
        let mut next = *state;
        let truth = &mut next.issuers[place(cancel_no)][place(leg)];
        if !truth.astray {
            truth.astray = true;
            heard(&next, ResultOutcome::Timeout, "waits no longer for leg");
        }
        let renumbered = renumbered && self.book.design.renumbers_repeats();
        let contradicts = self.setup.contradicts;
        for (mut next, reply) in reaches_issuer(state, cancel_no, leg, renumbered, contradicts) {
            next.processes[n] = Process::Waits { cancel_no, leg, got, reply: Some(reply) };
            steps.push((Label::of("issuer", "gets a share of leg", leg).with(reply), Ok(next)));
        }
    }

    fn judge(&mut self, state: &State, n: usize, cancel_no: u16, got: Got, on: u32, steps: &mut Steps) {
        let label = Label::new(WHO[n], "commits what it came to");
        let again = |ledger| Process::Judges { cancel_no, got, on: ledger };
        match self.book.decide(on, Command::Canceled { cancel_no, got }, 0) {
            Decision::Facts(facts) => match self.book.append(state.ledger, on, facts) {
                Ok(Appended::To(after)) => {
                    let committed = State { ledger: after, ..*state };
                    steps.push((label, Ok(with(&committed, n, self.told(after, n, cancel_no)))));
                    if state.faults > 0 {
                        let mut next = with(&committed, n, again(after));
                        next.faults -= 1;
                        steps.push((Label::new(WHO[n], "commits without learning it"), Ok(next)));
                    }
                }
                Ok(Appended::Lost) => {
                    let next = with(state, n, again(state.ledger));
                    steps.push((Label::new(WHO[n], "was not the first"), Ok(next)));
                }
                Err(breach) => steps.push((label, Err(breach))),
            },
            Decision::Nothing | Decision::Refused => {
                let current = on == state.ledger;
                let process = if current { self.told(on, n, cancel_no) } else { again(state.ledger) };
                steps.push((Label::new(WHO[n], "finds it decided"), Ok(with(state, n, process))));
            }
        }
    }

    fn told(&self, ledger: u32, n: usize, cancel_no: u16) -> Process {
        if n == JOB {
            return Process::New;
        }
        let told = match self.book.payment(ledger).cancel(cancel_no).unwrap().status() {
            CancelStatus::Done => Told::Done,
            CancelStatus::PartiallyDone => Told::PartiallyDone,
            CancelStatus::Failed => Told::Failed,
            CancelStatus::InProgress => Told::InProgress,
        };
        Process::Told { cancel_no, told }
    }

    fn strays(state: &State, steps: &mut Steps) {
        for cancel_no in 1..=2_u8 {
            for leg in 1..=2_u8 {
                if !state.issuers[place(cancel_no)][place(leg)].astray {
                    continue;
                }
                for (mut next, reply) in reaches_issuer(state, cancel_no.into(), leg, false, false) {
                    next.issuers[place(cancel_no)][place(leg)].astray = false;
                    steps.push((Label::of("issuer", "gets late a share of leg", leg).with(reply), Ok(next)));
                }
            }
        }
    }
}

fn with(state: &State, n: usize, process: Process) -> State {
    let mut next = *state;
    next.processes[n] = process;
    next
}

/// A share at the issuer: the same trace number gets the same answer, unless it contradicts itself.
fn reaches_issuer(
    state: &State,
    cancel_no: u16,
    leg: u8,
    renumbered: bool,
    contradicts: bool,
) -> Vec<(State, ResultOutcome)> {
    let truth = state.issuers[place(cancel_no)][place(leg)];
    let decide = |gives: bool| {
        let mut next = *state;
        next.issuers[place(cancel_no)][place(leg)] = Truth {
            decided: Some(gives || truth.decided == Some(true)),
            times: truth.times + u8::from(gives),
            refused: truth.refused || !gives,
            ..truth
        };
        (next, if gives { ResultOutcome::Canceled } else { ResultOutcome::Declined })
    };
    match truth.decided {
        Some(false) if !renumbered && contradicts => vec![decide(true), decide(false)],
        Some(gave) if !renumbered => {
            vec![(*state, if gave { ResultOutcome::Canceled } else { ResultOutcome::Declined })]
        }
        Some(_) | None => vec![decide(true), decide(false)],
    }
}
