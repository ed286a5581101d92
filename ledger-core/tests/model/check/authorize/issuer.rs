//! The issuer: what it approves, captures and undoes, and what it tells.

use ledger_core::payment::fact::{AttemptKind, ResultOutcome, Way};
use ledger_core::payment::reverse;

use super::steps::{ISSUER, Steps};
use super::{
    Asks, Authorize, Contrary, LAST, Late, PEOPLE, Recorder, Reply, Sent, State, Truth, Wire, place,
};
use crate::check::design::About;
use crate::check::explore::Label;

impl Authorize<'_> {
    pub(super) fn issuer(&self, state: &State, leg: u8, steps: &mut Steps) {
        let truth = state.issuer[place(leg)];
        let mut land = |label, landed: Truth| {
            let mut next = *state;
            next.issuer[place(leg)] = landed;
            steps.push((Label::of(ISSUER, label, leg), Ok(next)));
        };
        let approvals = truth.approvals + 1;
        if truth.wire == Wire::Flying {
            land("approves leg", Truth { wire: Wire::Approved, approvals, ..truth });
            land("declines leg", Truth { wire: Wire::Declined, ..truth });
            if self.setup.very_late {
                land("never gets the authorization of leg", Truth { wire: Wire::Lost, ..truth });
            }
        }
        if self.setup.captures && approvals == 2 && truth.reversed == 0 && !truth.captured {
            land("captures leg", Truth { captured: true, ..truth });
        }
        if truth.again == Wire::Flying {
            land(
                "approves the second authorization of leg",
                Truth { again: Wire::Approved, approvals, ..truth },
            );
        }
    }

    /// What the issuer's file tells: of an approval that came after the late window, and of one that it has beside what it
    /// had answered.
    pub(super) fn file(&mut self, state: &State, leg: u8, steps: &mut Steps) {
        let truth = state.issuer[place(leg)];
        let stands = truth.approvals > truth.reversed;
        let closed = self.book.seen(state.ledger, state.at).verdict.is_some();
        if !closed || state.recorder != Recorder::Idle {
            return;
        }
        let tells =
            |names| to_record(state, Late::Authorization { leg, outcome: ResultOutcome::Approved, names });
        if self.setup.very_late && state.at == PEOPLE && !state.filed[place(leg)] && stands {
            let mut next = tells(1);
            next.filed[place(leg)] = true;
            steps.push((Label::of(ISSUER, "tells in its file of leg", leg), Ok(next)));
        }
        // of two approvals it tells each: one that it never tells nobody could count
        let attempt = self.book.payment(state.ledger).attempt(leg, AttemptKind::Auth, 1);
        let is_known = attempt.is_some_and(|attempt| attempt.approval().is_some());
        let is_silent = truth.wire == Wire::Flying || stands && !is_known;
        if self.setup.contrary && truth.contrary == Contrary::None && state.at < LAST && !is_silent {
            let mut next = tells(2);
            next.issuer[place(leg)].contrary = Contrary::Stands;
            steps.push((Label::of(ISSUER, "approves once more and tells it, leg", leg), Ok(next)));
        }
    }

    /// Whether the issuer's file has something to tell before the clock comes to its last place.
    pub(super) fn is_kept_back(&self, state: &State) -> bool {
        let tells = |leg: u8| {
            let truth = state.issuer[place(leg)];
            truth.approvals > truth.reversed && !state.filed[place(leg)]
        };
        self.setup.very_late && self.book.payment(state.ledger).verdict.is_some() && self.legs().any(tells)
    }

    /// The message that an attempt of the ledger stands for.
    pub(super) fn message(&self, ledger: u32, about: About) -> Sent {
        let (leg_no, kind, attempt_no) = about;
        let leg = self.book.payment(ledger).leg(leg_no).unwrap();
        let attempt = &leg.attempts[&(kind, attempt_no)].attempt;
        let asks = match (kind, attempt.way) {
            (AttemptKind::Inquiry, _) => Asks::Inquiry,
            (_, Some(Way::Cancel)) => Asks::Cancel,
            (_, None) => Asks::Reversal,
        };
        let names = reverse::reference(leg, attempt).map(|name| if name == "A2" { 2 } else { 1 });
        Sent { about, asks, names }
    }
}

/// What came late goes to be recorded, on the payment as it is.
pub(super) fn to_record(state: &State, late: Late) -> State {
    State { recorder: Recorder::Judges { late, on: state.ledger }, ..*state }
}

/// A message that undoes, at the issuer, which remembers none of what it never approved. One that names no approval is about
/// the first there is; so is any reversal at an issuer that ignores names.
pub(super) fn reaches_issuer(state: &State, sent: Sent, ignores_names: bool) -> (State, Reply) {
    let mut next = *state;
    let truth = &mut next.issuer[place(sent.about.0)];
    let named = sent.names.filter(|_| !(ignores_names && sent.asks == Asks::Reversal));
    let is_first = named.map_or(truth.approvals > 0, |names| names == 1);
    let (known, undone) = if is_first {
        (truth.approvals > 0, truth.reversed > 0)
    } else {
        (truth.contrary != Contrary::None, truth.contrary == Contrary::Undone)
    };
    let says = |outcome| Reply::Says { outcome, names: if is_first { 1 } else { 2 } };
    if !known {
        return (next, says(ResultOutcome::NoOriginal));
    }
    if sent.asks == Asks::Inquiry {
        return (next, says(if undone { ResultOutcome::Reversed } else { ResultOutcome::Approved }));
    }
    if sent.asks == Asks::Reversal && is_first && truth.captured && !undone {
        return (next, says(ResultOutcome::TooLate));
    }
    undo(truth, is_first);
    let undone = if sent.asks == Asks::Cancel { ResultOutcome::Canceled } else { ResultOutcome::Reversed };
    (next, says(undone))
}

fn undo(truth: &mut Truth, is_first: bool) {
    if is_first {
        // a second authorization under a trace number of its own is another matter
        truth.reversed = 1;
    } else {
        truth.contrary = Contrary::Undone;
    }
}
