//! The steps of payments by deposit: money arrives, in time or not, too little or too much, is told once or more, and what is
//! nobody's goes back.

use chrono::TimeDelta;
use ledger_core::payment::confirm::Answer;
use ledger_core::payment::deposit::{self, Arrived, Refund, RefundEnd};
use ledger_core::payment::fact::{Method, ResultOutcome, ShareOutcome};
use ledger_core::payment::fold::{Leg, Payment};
use ledger_core::payment::refusal::Refusal;
use ledger_core::payment::status::Status;
use ledger_core::payment::virtual_account::{IssuedAccount, Receiver};

use super::dice::Dice;
use super::work::Work;
use super::{Checked, Commit, Sim, WRITERS, wrong};
use crate::world::{self, won};

pub fn receiver() -> Receiver {
    Receiver { bank_code: "088".to_owned(), account_token: "acct".to_owned() }
}

pub fn is_deposited(leg: &Leg) -> bool {
    leg.approval.method == Method::VirtualAccount
}

impl Sim {
    /// What an issuer says of an authorization: an account, where it approves one that is paid by deposit.
    pub(super) fn word(&self, dice: &mut Dice, at: usize, leg: u8, outcome: ResultOutcome) -> Answer {
        let now = self.now();
        let leg = self.payments[at].payment.leg(leg).unwrap();
        if outcome != ResultOutcome::Approved || !is_deposited(leg) {
            return world::answer(outcome, now);
        }
        let account = IssuedAccount {
            bank_code: "088".to_owned(),
            account_no: "110-123-456789".to_owned(),
            holder: None,
            due_at: now + TimeDelta::seconds(dice.between(20, 4_000)),
        };
        Answer {
            issuer_ref: Some("V1".to_owned()),
            account: Some(account),
            ..world::answer(ResultOutcome::Issued, now)
        }
    }

    /// Money arrives at an account that was issued, or what has arrived is told.
    pub(super) fn arrive(&mut self, dice: &mut Dice) -> Checked {
        let Some(at) = self.pick(dice, |payment| payment.legs().any(|leg| leg.account.is_some())) else {
            return Ok(());
        };
        let payment = &self.payments[at].payment;
        let issued: Vec<_> = payment.legs().filter(|leg| leg.account.is_some()).collect();
        if issued.is_empty() {
            return Ok(());
        }
        let leg = issued[dice.below(issued.len())];
        let (leg_no, amount) = (leg.approval.leg_no, leg.approval.amount.get());
        let missing = amount - leg.deposited().unwrap().get();
        let known = self.bank.arrived.iter().filter(|(whose, _)| *whose == at).count();
        if known == 0 || dice.percent(60) {
            let arrived = Arrived {
                leg_no: Some(leg_no),
                bank_ref: format!("r{}", self.bank.arrived.len()),
                amount: won(match dice.below(4) {
                    0 | 1 => missing.max(1),
                    2 => dice.between(1, amount),
                    _ => dice.between(1, amount + amount / 2),
                }),
                deposited_at: self.now() - TimeDelta::seconds(dice.between(0, 60)),
            };
            self.tell(format!("{} arrives for leg {leg_no} of payment {at}", arrived.amount));
            self.bank.arrived.push((at, arrived));
        }
        let told: Vec<_> = self.bank.arrived.iter().filter(|(whose, _)| *whose == at).cloned().collect();
        let newest = if dice.percent(70) { told.len() - 1 } else { dice.below(told.len()) };
        let writer = dice.below(WRITERS);
        self.tell_deposit(writer, at, &told[newest].1)
    }

    pub(super) fn tell_deposit(&mut self, writer: usize, at: usize, arrived: &Arrived) -> Checked {
        let held = self.remembered(writer, at);
        let decision = match deposit::receive(&held, arrived, self.now()) {
            Ok(decision) => decision,
            Err(Refusal::InvalidState { .. } | Refusal::NoVirtualAccount { .. }) => {
                self.refused(writer, at, &held, "deposit refused");
                return Ok(());
            }
            Err(refusal) => return wrong(format!("a deposit is refused: {refusal}")),
        };
        if decision.facts.is_empty() {
            self.refused(writer, at, &held, "deposit told again");
            return Ok(());
        }
        let was = held.status(self.now());
        if self.commit(writer, at, &held, "DEPOSIT", decision.facts)? == Commit::Done {
            let is = self.payments[at].payment.status(self.now());
            self.cover(match (was, is) {
                (Status::WaitingForDeposit, Status::Done) => "deposit confirms",
                (Status::WaitingForDeposit, _) => "deposit waits",
                _ => "deposit too late",
            });
        }
        Ok(())
    }

    /// Suspense money is to go back.
    pub(super) fn send_back(&mut self, dice: &mut Dice) -> Checked {
        let is_left = |leg: &Leg| leg.refundable().is_ok_and(|left| !left.is_zero());
        let wanted = |payment: &Payment| payment.verdict.is_some() && payment.legs().any(is_left);
        let Some(at) = self.pick(dice, wanted) else { return Ok(()) };
        let writer = dice.below(WRITERS);
        let held = self.remembered(writer, at);
        let Some(leg) = held.legs().find(|leg| is_deposited(leg)) else { return Ok(()) };
        let left = leg.refundable().unwrap().get();
        let cmd = Refund {
            leg_no: Some(leg.approval.leg_no),
            refund_request_id: format!("{}-{writer}", self.told.len()),
            amount: won(if dice.percent(60) { left } else { dice.between(1, left + 2) }),
            receiver: receiver(),
            reason: "sim".to_owned(),
        };
        let Ok(decision) = deposit::refund(&held, &cmd, self.now()) else {
            self.refused(writer, at, &held, "deposit refund refused");
            return Ok(());
        };
        if self.commit(writer, at, &held, "DEPOSIT_REFUND", decision.facts)? == Commit::Done {
            self.cover("deposit refund");
            self.work.push(Work::SendBack { writer, at, refund_no: decision.number });
        }
        Ok(())
    }

    /// The transfer is made, or is not, once; and how it ended is told until it is known.
    pub(super) fn go_on_sending_back(
        &mut self,
        dice: &mut Dice,
        writer: usize,
        at: usize,
        refund_no: u16,
    ) -> Checked {
        let goes = dice.percent(75);
        let gone = *self.bank.sent_back.entry((at, refund_no)).or_insert(goes);
        let outcome = if gone { ShareOutcome::Done } else { ShareOutcome::Failed };
        let again = Work::SendBack { writer, at, refund_no };
        let held = self.remembered(writer, at);
        let cmd = RefundEnd { refund_no, outcome, bank_ref: None };
        let decision = match deposit::refund_ended(&held, &cmd, self.now()) {
            Ok(decision) => decision,
            Err(Refusal::NoSuchDepositRefund(_)) => {
                self.writers[writer].remove(&at);
                self.work.push(again);
                return Ok(());
            }
            Err(refusal) => return wrong(format!("the end of a refund is refused: {refusal}")),
        };
        if decision.facts.is_empty() {
            return Ok(());
        }
        if self.commit(writer, at, &held, "DEPOSIT_REFUND_RESULT", decision.facts)? == Commit::Lost
            || dice.percent(10)
        {
            self.work.push(again);
            return Ok(());
        }
        self.cover(if gone { "deposit refunded" } else { "deposit refund failed" });
        Ok(())
    }

    /// What has arrived is told, and what is to go back goes.
    pub(super) fn bring_deposits_to_rest(&mut self, at: usize) -> Checked {
        let arrived: Vec<_> = self.bank.arrived.iter().filter(|(whose, _)| *whose == at).cloned().collect();
        for (_, arrived) in arrived {
            self.writers[0].remove(&at);
            self.tell_deposit(0, at, &arrived)?;
        }
        let open: Vec<_> = self.payments[at]
            .payment
            .legs()
            .flat_map(|leg| leg.refunds.values())
            .filter(|refunding| refunding.outcome.is_none())
            .map(|refunding| refunding.refund.refund_no)
            .collect();
        for refund_no in open {
            self.work.push(Work::SendBack { writer: 0, at, refund_no });
        }
        Ok(())
    }
}
