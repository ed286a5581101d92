//! The steps: commands, messages, faults, the clock.

use chrono::TimeDelta;
use ledger_core::change::{Asked, Change};
use ledger_core::ids::{PaymentId, RequestId, Slot};
use ledger_core::money::Currency;
use ledger_core::payment::attempt::AttemptState;
use ledger_core::payment::confirm::{Answer, Confirm};
use ledger_core::payment::create::{self, Create};
use ledger_core::payment::fact::{AttemptKind, Method, Origin, ResultOutcome};
use ledger_core::payment::fold::{Leg, Payment};
use ledger_core::payment::refusal::Refusal;
use ledger_core::payment::status::Status;
use ledger_core::payment::{abort, confirm, reverse};
use ledger_core::reference::Contract;

use super::bank::Auth;
use super::callers::last_auth;
use super::dice::Dice;
use super::work::Work;
use super::{Checked, Commit, Sim, Stored, WRITERS, Wrong, oracle, wrong};
use crate::world::{self, issuer, rules, start, won};

impl Sim {
    /// One step.
    pub(super) fn step(&mut self, dice: &mut Dice) -> Checked {
        match dice.below(118) {
            0..6 => self.create(dice),
            6..16 => self.confirm(dice),
            16..52 => self.go_on(dice),
            52..66 => {
                self.land(dice);
                Ok(())
            }
            66..75 => self.cancel(dice),
            75..78 => {
                self.repeat(dice);
                Ok(())
            }
            78..81 => self.recover(dice),
            81..91 => self.reverse(dice),
            91..93 => self.expire(dice),
            93..96 => {
                self.clock(dice);
                Ok(())
            }
            96..98 => {
                self.die(dice);
                Ok(())
            }
            98 => self.contradict(dice),
            99 => {
                self.forget(dice);
                Ok(())
            }
            100..107 => self.tell_attempt(dice),
            107..115 => self.arrive(dice),
            _ => self.send_back(dice),
        }
    }

    fn create(&mut self, dice: &mut Dice) -> Checked {
        let further = self.orders > 0 && dice.percent(40);
        let order = if further { dice.below(self.orders) } else { self.orders };
        let last = self.payments.iter().rposition(|stored| stored.order == order);
        let try_no = match last.map(|at| create::next_try(&self.payments[at].payment, self.now())) {
            None => 1,
            Some(Ok(try_no)) => {
                let last = &self.payments[last.unwrap()].payment;
                oracle::may_be_tried_again(last, self.now())?;
                self.cover("next try");
                try_no
            }
            Some(Err(Refusal::OrderInUse { .. })) => {
                self.cover("order in use");
                return Ok(());
            }
            Some(Err(refusal)) => return wrong(format!("a further try is refused: {refusal}")),
        };
        self.orders = self.orders.max(order + 1);
        let total = dice.between(1, 100_000);
        let tax_free = if dice.percent(50) { 0 } else { dice.between(0, total) };
        let contract = Contract {
            version: 1,
            valid_from: start(),
            fee_rate: dice.of(&["0", "0.03", "0.25"]).parse().unwrap(),
            fee_vat_rate: "0.1".parse().unwrap(),
        };
        let order_id = format!("o{order}");
        let cmd = Create {
            merchant_id: "m".to_owned(),
            order_id: order_id.clone(),
            currency: dice.of(&[Currency::Krw, Currency::Usd]),
            total: won(total),
            tax_free: won(tax_free),
        };
        let facts = create::create(&cmd, try_no, &contract, self.now())
            .map_err(|refusal| Wrong(format!("create is refused: {refusal}")))?;
        let id = PaymentId::new(self.now(), Slot::of("m", &order_id), &mut self.ids);
        let asked =
            Asked { actor: "create".to_owned(), request_id: RequestId::new(&mut self.ids), at: self.now() };
        let (change, payment) = Change::next(id, None, Origin::Live, "CREATE", asked, facts).unwrap();
        self.tell(format!("payment {} of order {order}, try {try_no}: {total}", self.payments.len()));
        self.cover("create");
        self.payments.push(Stored { order, payment, changes: vec![change] });
        Ok(())
    }

    /// A payment of a certain kind, if there is one.
    pub(super) fn pick(&self, dice: &mut Dice, wanted: impl Fn(&Payment) -> bool) -> Option<usize> {
        let fit: Vec<_> = (0..self.payments.len()).filter(|at| wanted(&self.payments[*at].payment)).collect();
        // now and then one that does not fit, for the refusal
        if self.payments.is_empty() {
            None
        } else if fit.is_empty() || dice.percent(5) {
            Some(dice.below(self.payments.len()))
        } else {
            Some(dice.of(&fit))
        }
    }

    fn confirm(&mut self, dice: &mut Dice) -> Checked {
        let now = self.now();
        let Some(at) = self.pick(dice, |payment| payment.status(now) == Status::Ready) else { return Ok(()) };
        let writer = dice.below(WRITERS);
        let held = self.remembered(writer, at);
        let total = held.opened.total.get();
        let mut amounts = Vec::new();
        let mut rest = total;
        for _ in 0..dice.below(4) {
            if rest > 1 {
                let part = dice.between(1, rest - 1);
                amounts.push(part);
                rest -= part;
            }
        }
        amounts.push(rest);
        let mut cmd: Confirm = world::confirm_with(&amounts, dice.percent(60));
        if dice.percent(30)
            && let Some(last) = cmd.legs.last_mut()
        {
            last.method = Method::VirtualAccount;
        }
        let Ok(facts) = confirm::start(&held, &cmd, &[issuer()], &rules(), now) else {
            self.refused(writer, at, &held, "confirm refused");
            return Ok(());
        };
        if self.commit(writer, at, &held, "CONFIRM", facts)? == Commit::Lost {
            return Ok(());
        }
        self.cover("confirm");
        let payment = &self.payments[at].payment;
        let mut legs: Vec<_> = payment
            .legs()
            .filter_map(|leg| Some((leg.authorizations().last()?.attempt.deadline_at, leg.approval.leg_no)))
            .collect();
        legs.sort_unstable();
        for leg in payment.legs() {
            self.bank.account(at, leg.approval.leg_no).amount = leg.approval.amount.get();
        }
        let to_send = legs.into_iter().rev().map(|(_, leg)| leg).collect();
        self.work.push(Work::Confirm { writer, at, to_send, waits: None, got: Vec::new() });
        Ok(())
    }

    /// A refusal counts only on the payment as it is.
    pub(super) fn refused(&mut self, writer: usize, at: usize, held: &Payment, what: &'static str) {
        self.writers[writer].remove(&at);
        let stale = held.head.seq != self.payments[at].payment.head.seq;
        self.cover(if stale { "looks again" } else { what });
    }

    fn land(&mut self, dice: &mut Dice) {
        let flying = self.bank.flying();
        if !flying.is_empty() {
            let key = dice.of(&flying);
            let approves = dice.percent(80);
            self.bank.land(key, approves, self.seconds);
            self.tell(format!("payment {} leg {} lands, approved: {approves}", key.0, key.1));
        }
    }

    /// Some work goes on by one step.
    pub(super) fn go_on(&mut self, dice: &mut Dice) -> Checked {
        if self.work.is_empty() {
            return Ok(());
        }
        let work = self.work.swap_remove(dice.below(self.work.len()));
        match work {
            Work::Confirm { writer, at, to_send, waits, got } => {
                self.go_on_confirming(dice, writer, at, to_send, waits, got)
            }
            Work::Late { writer, at, leg } => self.hear_late(dice, writer, at, leg),
            Work::Cancel { writer, at, cancel_no, to_send, got } => {
                self.go_on_canceling(dice, writer, at, cancel_no, to_send, got)
            }
            Work::Reverse { writer, at, about, answer, sent } => {
                self.go_on_reversing(dice, (writer, at, about), answer, sent)
            }
            Work::Told(told) => self.go_on_telling(dice, told),
            Work::SendBack { writer, at, refund_no } => self.go_on_sending_back(dice, writer, at, refund_no),
        }
    }

    fn go_on_confirming(
        &mut self,
        dice: &mut Dice,
        writer: usize,
        at: usize,
        mut to_send: Vec<u8>,
        waits: Option<u8>,
        mut got: Vec<(u8, Answer)>,
    ) -> Checked {
        if let Some(leg) = waits {
            let outcome = self.auth_answer(dice, at, leg);
            let Some(outcome) = outcome else {
                self.work.push(Work::Confirm { writer, at, to_send, waits, got });
                return Ok(());
            };
            let answer = self.word(dice, at, leg, outcome);
            self.cover(answer.outcome.code());
            got.push((leg, answer));
            self.work.push(Work::Confirm { writer, at, to_send, waits: None, got });
            return Ok(());
        }
        if let Some(leg) = to_send.pop() {
            let goes_on = |outcome| matches!(outcome, ResultOutcome::Approved | ResultOutcome::Issued);
            let failed = got.iter().any(|(_, answer)| !goes_on(answer.outcome));
            let deadline =
                self.payments[at].payment.attempt(leg, AttemptKind::Auth, 1).unwrap().attempt.deadline_at;
            if failed || self.now() > deadline || dice.percent(3) {
                self.cover(ResultOutcome::NotSent.code());
                got.push((leg, world::answer(ResultOutcome::NotSent, self.now())));
                self.work.push(Work::Confirm { writer, at, to_send, waits: None, got });
                return Ok(());
            }
            let sent = self.seconds;
            self.bank.account(at, leg).auth = Some(Auth::Flying { sent });
            self.tell(format!("payment {at} leg {leg} is sent"));
            self.work.push(Work::Confirm { writer, at, to_send, waits: Some(leg), got });
            return Ok(());
        }
        let held = self.remembered(writer, at);
        let facts = match confirm::finish(&held, &got, &[issuer()], self.now()) {
            Ok(facts) => facts,
            Err(refusal) => return wrong(format!("a verdict is refused: {refusal}")),
        };
        let again = Work::Confirm { writer, at, to_send, waits: None, got: got.clone() };
        if facts.is_empty() {
            if held.head.seq != self.payments[at].payment.head.seq {
                self.writers[writer].remove(&at);
                self.work.push(again);
            }
            return Ok(());
        }
        if self.commit(writer, at, &held, "VERDICT", facts)? == Commit::Lost || dice.percent(5) {
            // somebody else was first, or the commit is done and nobody knows
            self.work.push(again);
            return Ok(());
        }
        self.cover("verdict");
        for (leg, answer) in got {
            if answer.outcome == ResultOutcome::Timeout {
                self.work.push(Work::Late { writer, at, leg });
            }
        }
        Ok(())
    }

    /// What comes back of an authorization; nothing yet is possible until its time is over.
    pub(super) fn auth_answer(&mut self, dice: &mut Dice, at: usize, leg: u8) -> Option<ResultOutcome> {
        let overdue = {
            let payment = &self.payments[at].payment;
            let attempt = payment.attempt(leg, AttemptKind::Auth, last_auth(payment, leg)).unwrap();
            self.now() > attempt.attempt.deadline_at
        };
        if dice.percent(4) {
            return Some(ResultOutcome::Reset);
        }
        let landed = match self.bank.account(at, leg).auth {
            Some(Auth::Approved) => Some(ResultOutcome::Approved),
            Some(Auth::Declined) => Some(ResultOutcome::Declined),
            Some(Auth::Flying { .. } | Auth::Lost) | None => None,
        };
        match landed {
            Some(_) if dice.percent(4) => Some(ResultOutcome::Garbled),
            Some(outcome) if !overdue || dice.percent(30) => Some(outcome),
            Some(_) | None => overdue.then_some(ResultOutcome::Timeout),
        }
    }

    fn hear_late(&mut self, dice: &mut Dice, writer: usize, at: usize, leg: u8) -> Checked {
        let outcome = match self.bank.account(at, leg).auth {
            Some(Auth::Approved) => ResultOutcome::Approved,
            Some(Auth::Declined) => ResultOutcome::Declined,
            Some(Auth::Flying { .. }) => {
                self.work.push(Work::Late { writer, at, leg });
                return Ok(());
            }
            Some(Auth::Lost) | None => return Ok(()),
        };
        if dice.percent(40) {
            return Ok(());
        }
        let held = self.remembered(writer, at);
        let no = last_auth(&held, leg);
        let answer = self.word(dice, at, leg, outcome);
        let facts = reverse::late(&held, leg, no, &answer, &[issuer()], self.now());
        if facts.is_empty() {
            return Ok(());
        }
        match self.commit(writer, at, &held, "LATE_ANSWER", facts)? {
            Commit::Done => {
                self.cover(if outcome == ResultOutcome::Approved { "late approval" } else { "late refusal" });
            }
            Commit::Lost => self.work.push(Work::Late { writer, at, leg }),
        }
        Ok(())
    }

    fn recover(&mut self, dice: &mut Dice) -> Checked {
        let now = self.now();
        let overdue = |leg: &Leg| leg.authorizations().any(|a| now > a.attempt.deadline_at);
        let due = |payment: &Payment| payment.verdict.is_none() && payment.legs().any(overdue);
        let Some(at) = self.pick(dice, due).filter(|at| due(&self.payments[*at].payment)) else {
            return Ok(());
        };
        let writer = dice.below(WRITERS);
        let held = self.remembered(writer, at);
        let Ok(facts) = abort::recover(&held, &[issuer()], now) else {
            self.refused(writer, at, &held, "recovery refused");
            return Ok(());
        };
        if self.commit(writer, at, &held, "RECOVER", facts)? == Commit::Done {
            self.cover("recovered");
        }
        Ok(())
    }

    fn expire(&mut self, dice: &mut Dice) -> Checked {
        let now = self.now();
        let due = |payment: &Payment| payment.status(now) == Status::Expired || payment.waits_for_deposit();
        let Some(at) = self.pick(dice, due) else { return Ok(()) };
        let writer = dice.below(WRITERS);
        let held = self.remembered(writer, at);
        let Ok(facts) = abort::expire(&held, &[issuer()], now) else {
            self.refused(writer, at, &held, "expiry refused");
            return Ok(());
        };
        let was_waiting = held.waits_for_deposit();
        if self.commit(writer, at, &held, "EXPIRE", facts)? == Commit::Done {
            self.cover(if was_waiting { "deposit overdue" } else { "expired" });
        }
        Ok(())
    }

    fn clock(&mut self, dice: &mut Dice) {
        let jump = match dice.below(10) {
            0..6 => dice.between(1, 8),
            6..8 => dice.between(8, 70),
            // set back: nothing may depend on that it only goes forward
            8 => -dice.between(1, 5),
            _ => {
                self.cover("clock jump");
                dice.between(600, 4_000)
            }
        };
        self.seconds = (self.seconds + jump).max(0);
    }

    /// A process dies with all that it had under way and all that it remembered.
    fn die(&mut self, dice: &mut Dice) {
        let writer = dice.below(WRITERS);
        self.work.retain(|work| work.writer() != writer);
        self.writers[writer].clear();
        self.cover("death");
        self.tell(format!("writer {writer} dies"));
    }

    fn forget(&mut self, dice: &mut Dice) {
        self.writers[dice.below(WRITERS)].clear();
    }

    /// No more commands and no more faults: everything comes to rest, and what it has come to is right.
    pub(super) fn rest(&mut self) -> Checked {
        let calm = &mut Dice::new(7);
        for round in 0..12_i64 {
            for key in self.bank.flying() {
                self.bank.land(key, true, self.seconds);
            }
            for _ in 0..2_000 {
                if self.work.is_empty() {
                    break;
                }
                self.seconds += i64::from(self.work.len() > 40);
                self.go_on(calm)?;
                oracle::money(self)?;
            }
            self.seconds += if round < 4 { 70 } else { 4_000 };
            self.bring_to_rest()?;
        }
        oracle::at_rest(self)
    }

    fn bring_to_rest(&mut self) -> Checked {
        let now = self.now();
        for at in 0..self.payments.len() {
            self.bring_deposits_to_rest(at)?;
            self.writers[0].remove(&at);
            let held = self.payments[at].payment.clone();
            if let Ok(facts) = abort::recover(&held, &[issuer()], now) {
                self.commit(0, at, &held, "RECOVER", facts)?;
            } else if let Ok(facts) = abort::expire(&held, &[issuer()], now) {
                self.commit(0, at, &held, "EXPIRE", facts)?;
            }
            self.undo_at_rest(at)?;
            let held = self.payments[at].payment.clone();
            let open: Vec<_> = held
                .cancels()
                .filter(|cancel| !cancel.is_settled())
                .map(|cancel| cancel.cancellation.cancel_no)
                .collect();
            for cancel_no in open {
                self.send_cancel(0, at, cancel_no);
            }
        }
        Ok(())
    }

    /// The states that legs have come to, for the coverage.
    pub(super) fn cover_states(&mut self) {
        let now = self.now() + TimeDelta::zero();
        let states: Vec<AttemptState> = self
            .payments
            .iter()
            .flat_map(|stored| stored.payment.legs().flat_map(Leg::authorizations))
            .map(|attempt| attempt.state(now))
            .collect();
        for state in states {
            self.cover(state.status());
        }
        let statuses: Vec<_> = self.payments.iter().map(|stored| stored.payment.status(now).code()).collect();
        for status in statuses {
            self.cover(status);
        }
    }
}
