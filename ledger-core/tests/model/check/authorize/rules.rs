//! What must hold after every step, and at every end.

use ledger_core::payment::attempt::AttemptState;
use ledger_core::payment::fact::Verdict;
use ledger_core::payment::status::Status;

use super::{Authorize, Caller, Contrary, Job, LAST, Late, PEOPLE, Recorder, State, Told, Truth, place};
use crate::check::book::{LegSeen, Seen};
use crate::check::explore::{Breach, Rule, breach};

impl Authorize<'_> {
    pub(super) fn rules_hold(&mut self, before: &State, after: &State) -> Result<(), Breach> {
        let seen = self.book.seen(after.ledger, after.at);
        for leg in self.legs() {
            let truth = after.issuer[place(leg)];
            if truth.approvals - truth.reversed > 1 {
                return breach(Rule::Twice, format!("two approvals of leg {leg} stand at the issuer"));
            }
            self.money_is_seen(leg, truth, seen.legs[place(leg)], after)?;
        }
        if before.ledger != after.ledger {
            let was = self.book.seen(before.ledger, after.at);
            nothing_revives(&was, &seen)?;
        }
        for caller in after.callers {
            let Caller::Told { told, .. } = caller else { continue };
            let holds = match told {
                Told::Paid => seen.verdict == Some(Verdict::Confirmed),
                Told::Failed => seen.verdict == Some(Verdict::Aborted),
                Told::Refused => true,
            };
            if !holds {
                return breach(Rule::ToldWrong, format!("told {told:?}, the verdict is {:?}", seen.verdict));
            }
        }
        for job in after.jobs {
            if let Job::Waits { sent, .. } = job
                && let leg = sent.about.0
                && sent.names != Some(2)
                && seen.legs[place(leg)].is_some_and(|leg| leg.state == AttemptState::Accepted)
            {
                return breach(
                    Rule::ReversedAccepted,
                    format!("leg {leg} is accepted, and a network cancel of it is on its way"),
                );
            }
        }
        Ok(())
    }

    /// What stands at the issuer is either effective or exposed, and what is effective stands there.
    fn money_is_seen(
        &self,
        leg: u8,
        truth: Truth,
        seen: Option<LegSeen>,
        state: &State,
    ) -> Result<(), Breach> {
        let stands = truth.approvals > truth.reversed;
        let beside = truth.contrary == Contrary::Stands && !is_being_told(state, leg);
        let Some(seen) = seen else {
            if stands {
                return breach(Rule::HiddenMoney, format!("leg {leg} is approved, and no attempt is known"));
            }
            return Ok(());
        };
        let waits_for_file = self.setup.very_late
            && seen.state == AttemptState::VoidedProvisional
            && !(state.at >= PEOPLE && state.filed[place(leg)] && at_rest(state));
        let awaited = matches!(seen.state, AttemptState::InFlight | AttemptState::Approved) || waits_for_file;
        let accounted = seen.effective + seen.exposure + if awaited { amount(leg) } else { 0 };
        if (i64::from(stands) + i64::from(beside)) * amount(leg) > accounted {
            let how = format!(
                "leg {leg} stands at the issuer{}, the ledger says {:?}, exposed {}",
                if beside { " beside what it answered" } else { "" },
                seen.state,
                seen.exposure
            );
            return breach(Rule::HiddenMoney, how);
        }
        if seen.effective > 0 && !stands {
            return breach(
                Rule::MissingMoney,
                format!("leg {leg} is accepted and does not stand at the issuer"),
            );
        }
        Ok(())
    }

    pub(super) fn end_is_settled(&mut self, end: &State) -> Result<(), Breach> {
        let seen = self.book.seen(end.ledger, end.at);
        if end.at != LAST {
            return breach(Rule::Stuck, "the clock stands still");
        }
        if seen.legs[0].is_some() && seen.verdict.is_none() {
            return breach(Rule::Stuck, "a payment that was begun has no verdict");
        }
        for leg in self.legs() {
            let Some(leg_seen) = seen.legs[place(leg)] else { continue };
            let truth = end.issuer[place(leg)];
            let stands = truth.approvals > truth.reversed;
            if leg_seen.exposure > 0 && !leg_seen.escalated {
                let how = format!("leg {leg} is exposed at the end, and nobody has it: {:?}", leg_seen.state);
                return breach(Rule::Stuck, how);
            }
            match leg_seen.state {
                AttemptState::Accepted | AttemptState::Escalated | AttemptState::Conflict => {}
                AttemptState::Rejected | AttemptState::Voided | AttemptState::VoidedProvisional => {
                    if stands {
                        let how = format!("leg {leg} stands at the issuer at the end: {:?}", leg_seen.state);
                        return breach(Rule::HiddenMoney, how);
                    }
                }
                AttemptState::InFlight
                | AttemptState::Approved
                | AttemptState::Issued
                | AttemptState::Declined
                | AttemptState::Uncertain(_)
                | AttemptState::Reversing(_) => {
                    return breach(Rule::Stuck, format!("leg {leg} is {:?} at the end", leg_seen.state));
                }
            }
        }
        let confirmed = seen.verdict == Some(Verdict::Confirmed);
        let all_effective = self.legs().all(|leg| seen.legs[place(leg)].is_some_and(|leg| leg.effective > 0));
        let none_effective =
            self.legs().all(|leg| seen.legs[place(leg)].is_none_or(|leg| leg.effective == 0));
        if (confirmed && !all_effective) || (!confirmed && !none_effective) {
            return breach(Rule::MissingMoney, "what is effective is not the total, or not nothing");
        }
        Ok(())
    }
}

/// What a leg of a world is worth.
fn amount(leg: u8) -> i64 {
    i64::from(leg) * 1_000
}

/// Whether an approval beside what was answered has just been told, and not yet recorded.
fn is_being_told(state: &State, leg: u8) -> bool {
    let Recorder::Judges { late: Late::Authorization { leg: of, names, .. }, .. } = state.recorder else {
        return false;
    };
    of == leg && names == 2
}

fn at_rest(state: &State) -> bool {
    state.recorder == super::Recorder::Idle
}

/// I6 and I12: what has been decided stays, and money is never effective again once it was given up.
fn nothing_revives(was: &Seen, is: &Seen) -> Result<(), Breach> {
    if was.verdict.is_some() && was.verdict != is.verdict {
        return breach(Rule::Revived, format!("the verdict was {:?} and is {:?}", was.verdict, is.verdict));
    }
    let backwards = match (was.status, is.status) {
        (Status::Ready, _) => false,
        (Status::InProgress, next) => next == Status::Ready,
        (before, next) => before != next,
    };
    if backwards {
        return breach(Rule::Revived, format!("the status was {} and is {}", was.status, is.status));
    }
    for (was, is) in was.legs.iter().flatten().zip(is.legs.iter().flatten()) {
        let given_up = matches!(
            was.state,
            AttemptState::Reversing(_)
                | AttemptState::Voided
                | AttemptState::VoidedProvisional
                | AttemptState::Escalated
                | AttemptState::Conflict
        );
        if given_up && is.effective > 0 {
            return breach(Rule::Revived, format!("an attempt that was {:?} is effective", was.state));
        }
        let final_word = matches!(was.state, AttemptState::Voided | AttemptState::Escalated);
        if final_word && was.state != is.state {
            return breach(Rule::Revived, format!("an attempt was {:?} and is {:?}", was.state, is.state));
        }
    }
    Ok(())
}
