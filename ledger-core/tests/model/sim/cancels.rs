//! The steps of a cancel: asked for, sent, answered, repeated.

use ledger_core::payment::allocation::{Allocation, Part};
use ledger_core::payment::cancel;
use ledger_core::payment::cancel::Cancel;
use ledger_core::payment::confirm::Answer;
use ledger_core::payment::fact::ResultOutcome;
use ledger_core::payment::fold::Payment;
use ledger_core::payment::status::{CancelStatus, Status};

use super::deposits::{is_deposited, receiver};
use super::dice::Dice;
use super::work::Work;
use super::{Checked, Commit, Sim, WRITERS, wrong};
use crate::world::{self, issuer, rules, won};

impl Sim {
    pub(super) fn cancel(&mut self, dice: &mut Dice) -> Checked {
        let now = self.now();
        let open = |payment: &Payment| {
            let status = payment.status(now);
            matches!(status, Status::Done | Status::PartialCanceled | Status::WaitingForDeposit)
        };
        let Some(at) = self.pick(dice, open) else { return Ok(()) };
        let writer = dice.below(WRITERS);
        let held = self.remembered(writer, at);
        let most = held.cancelable().unwrap().get();
        let whole = dice.percent(25);
        let amount = if whole { None } else { Some(won(dice.between(1, most.max(1) + most / 8))) };
        let allocation = match dice.below(4) {
            0 => Allocation::Prorata,
            1 => explicit(dice, &held),
            _ => Allocation::RefundOrder,
        };
        let tells = matches!(allocation, Allocation::Explicit(_));
        let cmd = Cancel {
            refund_to: held.legs().any(is_deposited).then(receiver),
            cancel_request_id: format!("{}-{}", self.told.len(), writer),
            amount: amount.filter(|_| !tells),
            tax_free: dice.percent(20).then(|| won(dice.between(0, most.max(1)))),
            expected_balance: dice.percent(20).then(|| won(most)),
            allocation,
            reason: "sim".to_owned(),
        };
        let covered = match (&cmd.allocation, whole) {
            (Allocation::Prorata, _) => "cancel in proportion",
            (Allocation::Explicit(_), _) => "cancel as told",
            (Allocation::RefundOrder, true) => "cancel in full",
            (Allocation::RefundOrder, false) => "cancel in part",
        };
        let Ok(facts) = cancel::start(&held, &cmd, &[issuer()], &rules(), now) else {
            self.refused(writer, at, &held, "cancel refused");
            return Ok(());
        };
        if self.commit(writer, at, &held, "CANCEL", facts)? == Commit::Lost {
            return Ok(());
        }
        if self.payments[at].payment.is_closed() {
            self.cover("given up before its deposit");
            return Ok(());
        }
        self.cover(covered);
        let cancel_no = held.next_cancel_no();
        self.send_cancel(writer, at, cancel_no);
        Ok(())
    }

    pub(super) fn send_cancel(&mut self, writer: usize, at: usize, cancel_no: u16) {
        let payment = &self.payments[at].payment;
        let Some(cancel) = payment.cancel(cancel_no) else { return };
        let open = cancel.shares.iter().filter(|share| cancel.outcome(share.leg_no).is_none());
        let to_send = open.map(|share| share.leg_no).collect();
        self.work.push(Work::Cancel { writer, at, cancel_no, to_send, got: Vec::new() });
    }

    pub(super) fn repeat(&mut self, dice: &mut Dice) {
        let in_progress =
            |payment: &Payment| payment.cancels().any(|cancel| cancel.status() == CancelStatus::InProgress);
        let Some(at) = self.pick(dice, in_progress) else { return };
        let open: Vec<_> = self.payments[at]
            .payment
            .cancels()
            .filter(|cancel| cancel.status() == CancelStatus::InProgress)
            .map(|cancel| cancel.cancellation.cancel_no)
            .collect();
        if !open.is_empty() {
            let writer = dice.below(WRITERS);
            self.cover("cancel repeated");
            self.send_cancel(writer, at, dice.of(&open));
        }
    }

    pub(super) fn go_on_canceling(
        &mut self,
        dice: &mut Dice,
        writer: usize,
        at: usize,
        cancel_no: u16,
        mut to_send: Vec<u8>,
        mut got: Vec<(u8, Answer)>,
    ) -> Checked {
        if let Some(leg) = to_send.pop() {
            let cancel = self.payments[at].payment.cancel(cancel_no).unwrap();
            let amount = cancel.shares.iter().find(|share| share.leg_no == leg).unwrap().amount.get();
            let outcome = if dice.percent(8) {
                ResultOutcome::NotSent
            } else {
                let arrives = dice.percent(90);
                let given = arrives.then(|| self.bank.cancel(at, leg, cancel_no, amount, dice.percent(80)));
                match given {
                    Some(given) if dice.percent(80) => {
                        if given {
                            ResultOutcome::Canceled
                        } else {
                            dice.of(&REFUSED)
                        }
                    }
                    Some(_) | None => dice.of(&[ResultOutcome::Timeout, ResultOutcome::Garbled]),
                }
            };
            got.push((leg, world::answer(outcome, self.now())));
            self.work.push(Work::Cancel { writer, at, cancel_no, to_send, got });
            return Ok(());
        }
        let held = self.remembered(writer, at);
        let known = held.cancel(cancel_no).is_some();
        let open = held.cancel(cancel_no).is_some_and(|cancel| !cancel.is_settled());
        if !known || !open {
            if held.head.seq != self.payments[at].payment.head.seq {
                self.writers[writer].remove(&at);
                self.work.push(Work::Cancel { writer, at, cancel_no, to_send, got });
            }
            return Ok(());
        }
        let facts = match cancel::finish(&held, cancel_no, &got, self.now()) {
            Ok(facts) => facts,
            Err(refusal) => return wrong(format!("the answer to a cancel is refused: {refusal}")),
        };
        if facts.is_empty() {
            return Ok(());
        }
        if self.commit(writer, at, &held, "CANCEL_RESULT", facts)? == Commit::Lost || dice.percent(5) {
            self.work.push(Work::Cancel { writer, at, cancel_no, to_send, got });
            return Ok(());
        }
        self.cover(match self.payments[at].payment.cancel(cancel_no).unwrap().status() {
            CancelStatus::InProgress => "cancel in progress",
            CancelStatus::Done => "cancel done",
            CancelStatus::PartiallyDone => "cancel partially done",
            CancelStatus::Failed => "cancel failed",
        });
        Ok(())
    }
}

const REFUSED: [ResultOutcome; 3] =
    [ResultOutcome::Declined, ResultOutcome::NoOriginal, ResultOutcome::TooLate];

/// Parts of some legs, mostly within what remains.
fn explicit(dice: &mut Dice, payment: &Payment) -> Allocation {
    let mut parts = Vec::new();
    for leg in payment.legs() {
        let most = leg.cancelable().get();
        if most > 0 && dice.percent(70) {
            let amount = if dice.percent(40) { most } else { dice.between(1, most) };
            parts.push(Part { leg_no: leg.approval.leg_no, amount: won(amount), tax_free: None });
        }
    }
    Allocation::Explicit(parts)
}
