//! A payment in memory, driven by commands through the shipped decisions.

use chrono::{DateTime, TimeDelta, Utc};
use ledger_core::change::{Asked, Change};
use ledger_core::ids::{PaymentId, RequestId, Slot};
use ledger_core::method_rule::{CancelWindow, MethodRule, MethodRules};
use ledger_core::money::{Currency, Minor};
use ledger_core::payment::allocation::Allocation;
use ledger_core::payment::confirm::{Answer, Confirm, LegRequest};
use ledger_core::payment::create::{self, Create};
use ledger_core::payment::fact::{Fact, Method, Origin, ResultOutcome, ResultSource};
use ledger_core::payment::fold::Payment;
use ledger_core::payment::refusal::Refusal;
use ledger_core::payment::{cancel, confirm, reverse};
use ledger_core::reference::{Contract, Issuer};
use rand::SeedableRng as _;
use rand::rngs::StdRng;

pub const METHODS: [Method; 4] = [Method::Card, Method::EasyPay, Method::Transfer, Method::Points];

/// Whether defects planted on purpose are looked for over and over: then tests are short, and on the same seeds every time.
pub fn quick() -> bool {
    std::env::var_os("LEDGER_QUICK").is_some()
}

/// How many cases a property is tried on: a tenth where it is tried over and over.
pub fn cases(usual: u32) -> u32 {
    if quick() { usual / 10 } else { usual }
}

pub fn won(units: i64) -> Minor {
    Minor::new(units).unwrap()
}

pub fn start() -> DateTime<Utc> {
    "2026-11-24T03:00:00Z".parse().unwrap()
}

pub fn issuer() -> Issuer {
    Issuer {
        issuer_id: "issuer".to_owned(),
        version: 1,
        endpoint_url: "http://127.0.0.1:9".to_owned(),
        connect_timeout: std::time::Duration::from_secs(1),
        read_timeout: std::time::Duration::from_secs(10),
        late_window: TimeDelta::seconds(60),
        validity: TimeDelta::hours(1),
    }
}

/// The rules that a new schema begins with.
pub fn rules() -> MethodRules {
    let rule = |method, refund_priority, send_order, cancel_window, deposit_hours| MethodRule {
        method,
        version: 1,
        valid_from: DateTime::UNIX_EPOCH,
        refund_priority,
        send_order,
        partial_cancelable: true,
        cancel_window,
        deposit_hours,
    };
    MethodRules::new(vec![
        rule(Method::Card, 60, 1, CancelWindow::Days(365), None),
        rule(Method::EasyPay, 50, 2, CancelWindow::Days(365), None),
        rule(Method::Transfer, 40, 5, CancelWindow::Days(180), None),
        rule(Method::VirtualAccount, 30, 6, CancelWindow::Days(365), Some(168)),
        rule(Method::Mobile, 20, 3, CancelWindow::CalendarMonth, None),
        rule(Method::Points, 10, 0, CancelWindow::Days(365), None),
    ])
}

pub fn answer(outcome: ResultOutcome, at: DateTime<Utc>) -> Answer {
    let issuer_ref = (outcome == ResultOutcome::Approved).then(|| "A1".to_owned());
    Answer {
        outcome,
        source: ResultSource::Sync,
        issuer_ref,
        issuer_code: None,
        account: None,
        received_at: at,
    }
}

/// A confirm with legs of these amounts, each by another method; a transfer is canceled whole unless `partial`.
pub fn confirm_with(amounts: &[i64], partial: bool) -> Confirm {
    let legs = amounts
        .iter()
        .zip(METHODS.iter().cycle())
        .map(|(amount, method)| LegRequest {
            method: *method,
            issuer_id: "issuer".to_owned(),
            amount: won(*amount),
            tax_free: None,
            card: None,
            method_token: None,
            installment_months: 0,
            partial_cancelable: partial || *method != Method::Transfer,
            deposit_hours: None,
        })
        .collect();
    Confirm { legs }
}

/// A payment and all that was decided about it.
#[derive(Debug)]
pub struct World {
    pub payment: Payment,
    pub changes: Vec<Change>,
    pub now: DateTime<Utc>,
}

impl World {
    pub fn open(total: i64, tax_free: i64, fee_rate: &str) -> Self {
        let contract = Contract {
            version: 1,
            valid_from: start(),
            fee_rate: fee_rate.parse().unwrap(),
            fee_vat_rate: "0.1".parse().unwrap(),
        };
        let create = Create {
            merchant_id: "m".to_owned(),
            order_id: "o".to_owned(),
            currency: Currency::Krw,
            total: won(total),
            tax_free: won(tax_free),
        };
        let facts = create::create(&create, 1, &contract, start()).unwrap();
        let id = PaymentId::new(start(), Slot::of("m", "o"), &mut ids(start()));
        let (change, payment) =
            Change::next(id, None, Origin::Live, "CREATE", asked(start()), facts).unwrap();
        Self { payment, changes: vec![change], now: start() }
    }

    /// Adds facts as a change; a second later.
    pub fn apply(&mut self, command: &'static str, facts: Vec<Fact>) {
        if facts.is_empty() {
            return;
        }
        let (change, after) =
            Change::next(self.payment.id, Some(&self.payment), Origin::Live, command, asked(self.now), facts)
                .unwrap();
        self.payment = after;
        self.changes.push(change);
        self.now += TimeDelta::seconds(1);
    }

    pub fn begin(&mut self, amounts: &[i64], partial: bool) {
        let cmd = confirm_with(amounts, partial);
        let facts = confirm::start(&self.payment, &cmd, &[issuer()], &rules(), self.now).unwrap();
        self.apply("CONFIRM", facts);
    }

    pub fn finish(&mut self, outcomes: &[ResultOutcome]) {
        let answers: Vec<_> =
            (1_u8..).zip(outcomes).map(|(leg, outcome)| (leg, answer(*outcome, self.now))).collect();
        let facts = confirm::finish(&self.payment, &answers, &[issuer()], self.now).unwrap();
        self.apply("VERDICT", facts);
    }

    pub fn confirmed(amounts: &[i64], tax_free: i64, partial: bool) -> Self {
        let mut world = Self::open(amounts.iter().sum(), tax_free, "0.03");
        world.begin(amounts, partial);
        world.finish(&vec![ResultOutcome::Approved; amounts.len()]);
        world
    }

    /// Begins a cancel in refund order and says its number.
    pub fn cancel(&mut self, amount: Option<i64>, tax_free: Option<i64>) -> Result<u16, Refusal> {
        self.cancel_by(Allocation::RefundOrder, amount, tax_free)
    }

    /// Begins a cancel and says its number.
    pub fn cancel_by(
        &mut self,
        allocation: Allocation,
        amount: Option<i64>,
        tax_free: Option<i64>,
    ) -> Result<u16, Refusal> {
        let cancel_no = self.payment.next_cancel_no();
        let cmd = cancel::Cancel {
            cancel_request_id: cancel_no.to_string(),
            amount: amount.map(won),
            tax_free: tax_free.map(won),
            expected_balance: None,
            refund_to: None,
            allocation,
            reason: "test".to_owned(),
        };
        let facts = cancel::start(&self.payment, &cmd, &[issuer()], &rules(), self.now)?;
        self.apply("CANCEL", facts);
        Ok(cancel_no)
    }

    /// Answers every open share of a cancel the same way.
    pub fn answer_cancel(&mut self, cancel_no: u16, outcome: ResultOutcome) {
        let legs: Vec<_> =
            self.payment.cancel(cancel_no).unwrap().shares.iter().map(|share| share.leg_no).collect();
        let answers: Vec<_> = legs.into_iter().map(|leg| (leg, answer(outcome, self.now))).collect();
        let facts = cancel::finish(&self.payment, cancel_no, &answers, self.now).unwrap();
        self.apply("CANCEL_RESULT", facts);
    }

    /// One reversal step of a leg; the answer is what the issuer says to it.
    pub fn reverse(&mut self, leg_no: u8, outcome: ResultOutcome) -> Option<reverse::Step> {
        self.reverse_slowly(leg_no, outcome, 0)
    }

    /// The same, answered after so many seconds.
    pub fn reverse_slowly(
        &mut self,
        leg_no: u8,
        outcome: ResultOutcome,
        seconds: i64,
    ) -> Option<reverse::Step> {
        let target = reverse::Target { leg_no, attempt_no: 1, result_no: None };
        self.undo(target, answer(outcome, self.now), seconds)
    }

    /// One message that undoes what is told; the answer is what the issuer says to it, after so many seconds.
    pub fn undo(&mut self, target: reverse::Target, answer: Answer, seconds: i64) -> Option<reverse::Step> {
        let (kind, attempt_no) = match reverse::start(&self.payment, target, &issuer(), self.now)? {
            reverse::Next::Again { kind, attempt_no } => (kind, attempt_no),
            reverse::Next::Commit(attempt) => {
                let about = (attempt.kind, attempt.attempt_no);
                self.apply("NET_CANCEL", vec![Fact::Attempt(*attempt)]);
                about
            }
        };
        self.now += TimeDelta::seconds(seconds);
        let answer = Answer { received_at: self.now, ..answer };
        let about = (target.leg_no, kind, attempt_no);
        let (facts, step) = reverse::finish(&self.payment, about, &answer, &issuer(), self.now).unwrap();
        self.apply("NET_CANCEL_RESULT", facts);
        Some(step)
    }

    pub fn late(&mut self, leg_no: u8, outcome: ResultOutcome) {
        self.late_with(leg_no, &answer(outcome, self.now));
    }

    /// An answer to an authorization after the verdict.
    pub fn late_with(&mut self, leg_no: u8, answer: &Answer) {
        let facts = reverse::late(&self.payment, leg_no, 1, answer, &[issuer()], self.now);
        self.apply("LATE_ANSWER", facts);
    }
}

fn asked(at: DateTime<Utc>) -> Asked {
    Asked { actor: "test".to_owned(), request_id: RequestId::new(&mut ids(at)), at }
}

/// The same ids at the same time.
fn ids(at: DateTime<Utc>) -> StdRng {
    StdRng::seed_from_u64(at.timestamp_micros().unsigned_abs())
}
