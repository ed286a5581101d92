//! What must hold after every step, and at every end.

use ledger_core::payment::fact::{LinkKind, ResultOutcome};
use ledger_core::payment::fold::{Cancel, Payment};
use ledger_core::payment::status::{CancelStatus, Status};
use ledger_core::payment::tax::Remainder;

use super::{Process, Refund, State, Told, place};
use crate::check::explore::{Breach, Rule, breach};

impl Refund<'_> {
    pub(super) fn rules_hold(&mut self, before: &State, after: &State) -> Result<(), Breach> {
        if before.ledger != after.ledger {
            self.books_are_sound(after.ledger)?;
            goes_forward(self.book.seen(before.ledger, 0).status, self.book.seen(after.ledger, 0).status)?;
        }
        let shares = self.shares(after.ledger);
        for (leg, approved) in (1_u8..).zip(self.setup.legs) {
            let mut given = 0;
            for cancel_no in 1..=2_u8 {
                let share = shares[place(cancel_no)][place(leg)];
                let truth = after.issuers[place(cancel_no)][place(leg)];
                given += share.amount * i64::from(truth.times);
                let what = format!("cancel {cancel_no} of leg {leg}");
                if truth.times > 1 {
                    return breach(Rule::GivenBackTwice, format!("{what} was given back twice"));
                }
                let is_heard = share.raised || is_on_its_way(after, cancel_no.into(), leg);
                if truth.times > 0 && share.done == Some(false) && !is_heard {
                    return breach(
                        Rule::HiddenMoney,
                        format!("{what} was given back, the ledger says it failed"),
                    );
                }
                if truth.times == 0 && share.done == Some(true) {
                    return breach(Rule::MissingMoney, format!("{what} is done and was not given back"));
                }
            }
            if given > *approved {
                let how = format!("{given} were given back of {approved}");
                return breach(Rule::GivenBackTwice, how);
            }
        }
        self.told_right(after)
    }

    fn told_right(&self, state: &State) -> Result<(), Breach> {
        for process in state.processes {
            let Process::Told { cancel_no, told } = process else { continue };
            let status = self.book.payment(state.ledger).cancel(cancel_no).map(Cancel::status);
            let right = match told {
                Told::Done => status == Some(CancelStatus::Done),
                Told::PartiallyDone => status == Some(CancelStatus::PartiallyDone),
                Told::Failed => status == Some(CancelStatus::Failed),
                Told::InProgress | Told::Refused => true,
            };
            if !right {
                return breach(Rule::ToldWrong, format!("told {told:?}, it is {status:?}"));
            }
        }
        Ok(())
    }

    fn books_are_sound(&mut self, ledger: u32) -> Result<(), Breach> {
        if let Some(sound) = self.sound.get(&ledger) {
            return sound.clone();
        }
        let mut sound = books(self.book.payment(ledger));
        for leg_no in 1..=2_u8 {
            let payment = self.book.payment(ledger);
            if self.book.design.start_reversal(payment, leg_no, self.book.time(0)).is_some() {
                sound =
                    breach(Rule::ReversedAccepted, format!("leg {leg_no} is accepted and would be reversed"));
            }
        }
        self.sound.insert(ledger, sound.clone());
        sound
    }

    pub(super) fn end_is_settled(&mut self, end: &State) -> Result<(), Breach> {
        let open =
            self.shares(end.ledger).iter().flatten().any(|share| share.amount > 0 && share.done.is_none());
        if open && end.repeats > 0 {
            return breach(Rule::Stuck, "a share is open and nobody repeats it");
        }
        Ok(())
    }
}

/// Whether somebody has heard, and is about to record, that a share was given back.
fn is_on_its_way(state: &State, cancel: u16, leg: u8) -> bool {
    let given = Some(ResultOutcome::Canceled);
    state.processes.iter().any(|process| match process {
        Process::Waits { cancel_no, leg: of, reply, got } => {
            *cancel_no == cancel && ((*of == leg && *reply == given) || got[place(leg)] == given)
        }
        Process::Judges { cancel_no, got, .. } => *cancel_no == cancel && got[place(leg)] == given,
        Process::Absent | Process::New | Process::Begins { .. } | Process::Told { .. } | Process::Dead => {
            false
        }
    })
}

/// I2 and I3: every chain says what was neither given back nor held, and no part is more than there was.
fn books(payment: &Payment) -> Result<(), Breach> {
    for leg in payment.legs() {
        let live = payment.live_shares().filter(|share| share.leg_no == leg.approval.leg_no);
        let taken: i64 = live.map(|share| share.amount.get()).sum();
        let approved = leg.approved().get();
        if taken > approved || leg.remaining().get() != approved - taken {
            let how = format!("{taken} of {approved} are given back or held, {} remain", leg.remaining());
            return breach(Rule::GivenBackTwice, how);
        }
        let released = leg.chain.iter().filter(|link| link.kind == LinkKind::Release).count();
        let held = leg.chain.iter().filter(|link| link.kind == LinkKind::Hold).count();
        if released > held {
            return breach(Rule::GivenBackTwice, "more was released than held");
        }
    }
    match Remainder::of(payment) {
        Ok(_) => Ok(()),
        Err(error) => breach(Rule::GivenBackTwice, error.to_string()),
    }
}

/// I12: what was given back stays so.
fn goes_forward(was: Status, is: Status) -> Result<(), Breach> {
    let forward = match was {
        Status::Done => matches!(is, Status::Done | Status::PartialCanceled | Status::Canceled),
        Status::PartialCanceled => matches!(is, Status::PartialCanceled | Status::Canceled),
        Status::Canceled => is == Status::Canceled,
        Status::Ready
        | Status::InProgress
        | Status::WaitingForDeposit
        | Status::Aborted
        | Status::Expired
        | Status::Unknown => false,
    };
    if forward { Ok(()) } else { breach(Rule::Revived, format!("the status was {was} and is {is}")) }
}
