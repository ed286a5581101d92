//! The changes of one payment as the ledger's own decisions make them, without the service around them.

use std::time::Duration;

use anyhow::{Context as _, Result};
use chrono::{DateTime, TimeDelta, Utc};
use ledger_core::change::{Asked, Change};
use ledger_core::ids::{PaymentId, RequestId, Slot};
use ledger_core::method_rule::{CancelWindow, MethodRule, MethodRules};
use ledger_core::money::{Currency, Minor};
use ledger_core::payment::confirm::{self, Answer, Confirm, LegRequest};
use ledger_core::payment::create::{self, Create};
use ledger_core::payment::fact::{Fact, Method, Origin, ResultOutcome, ResultSource};
use ledger_core::payment::fold::Payment;
use ledger_core::reference::{Contract, Issuer};
use ledger_core::store::append::Entry;
use ledger_core::store::idempotency::{Claim, Operation, Rendered};

/// A kept answer is about this long.
const ANSWER_BYTES: usize = 1_000;

/// A payment on its way, with what has to be appended for its last step.
#[derive(Debug, Clone)]
pub struct Step {
    pub entry: Entry,
    pub payment: Payment,
}

/// Created, in one append.
pub fn created(legs: u8) -> Result<Step> {
    let now = now();
    let order_id = format!("bench-{:032x}", rand::random::<u128>());
    let amount = Minor::new(50_000 / i64::from(legs))?;
    let total = Minor::new(amount.get() * i64::from(legs))?;
    let merchant_id = stack::MERCHANT.to_owned();
    let contract =
        Contract { version: 1, valid_from: now, fee_rate: "0.03".parse()?, fee_vat_rate: "0.1".parse()? };
    let id = PaymentId::new(now, Slot::of(&merchant_id, &order_id), &mut rand::rng());
    let cmd = Create { merchant_id, order_id, currency: Currency::Krw, total, tax_free: Minor::ZERO };
    let facts = create::create(&cmd, 1, &contract, now)?;
    let (change, payment) = next(id, None, "CREATE", now, facts)?;
    let claim = claim(id.slot(), Operation::Create);
    Ok(Step { entry: entry(change, Some(claim.clone()), Some(claim)), payment })
}

/// Attempts committed, in one append that claims a key.
pub fn begun(payment: &Payment, legs: u8) -> Result<Step> {
    let now = now();
    let request = LegRequest {
        method: Method::Card,
        issuer_id: "card-1".to_owned(),
        amount: Minor::new(payment.opened.total.get() / i64::from(legs))?,
        tax_free: None,
        card: None,
        method_token: None,
        installment_months: 0,
        deposit_hours: None,
        partial_cancelable: true,
    };
    let confirm = Confirm { legs: vec![request; usize::from(legs)] };
    let facts = confirm::start(payment, &confirm, &[issuer()], &rules(), now)?;
    let (change, payment) = next(payment.id, Some(payment), "CONFIRM", now, facts)?;
    let claim = claim(payment.id.slot(), Operation::Confirm);
    Ok(Step { entry: entry(change, Some(claim), None), payment })
}

/// Confirmed, in one append that answers the key of `begun`.
pub fn confirmed(begun: &Step, legs: u8) -> Result<Step> {
    let now = now();
    let answer = Answer {
        outcome: ResultOutcome::Approved,
        source: ResultSource::Sync,
        issuer_ref: Some("A0000001".to_owned()),
        issuer_code: None,
        account: None,
        received_at: now,
    };
    let answers: Vec<_> = (1..=legs).map(|leg| (leg, answer.clone())).collect();
    let payment = &begun.payment;
    let facts = confirm::finish(payment, &answers, &[issuer()], now)?;
    let (change, payment) = next(payment.id, Some(payment), "VERDICT", now, facts)?;
    let claim = begun.entry.claim.clone().context("a claim")?;
    Ok(Step { entry: entry(change, None, Some(claim)), payment })
}

fn now() -> DateTime<Utc> {
    ledger_core::time::to_micros(DateTime::<Utc>::from(std::time::SystemTime::now()))
}

fn next(
    id: PaymentId,
    before: Option<&Payment>,
    command: &'static str,
    at: DateTime<Utc>,
    facts: Vec<Fact>,
) -> Result<(Change, Payment)> {
    let asked = Asked { actor: "bench".to_owned(), request_id: RequestId::new(&mut rand::rng()), at };
    Ok(Change::next(id, before, Origin::Live, command, asked, facts)?)
}

fn claim(slot: Slot, operation: Operation) -> Claim {
    Claim {
        claim_id: rand::random(),
        slot,
        merchant_id: stack::MERCHANT.to_owned(),
        operation,
        fingerprint: rand::random(),
        fields: [("/orderId".to_owned(), "0123456789abcdef".to_owned())].into(),
    }
}

fn entry(change: Change, claim: Option<Claim>, answered: Option<Claim>) -> Entry {
    let rendered = Rendered {
        status: 200,
        content_type: "application/json",
        location: None,
        body: vec![b' '; ANSWER_BYTES],
    };
    Entry {
        request_id: change.asked.request_id,
        at: change.asked.at,
        commit_by: Some(change.asked.at + TimeDelta::seconds(3)),
        change: Some(change),
        claim,
        answer: answered.map(|claim| (claim, rendered)),
    }
}

fn issuer() -> Issuer {
    Issuer {
        issuer_id: "card-1".to_owned(),
        version: 1,
        endpoint_url: String::new(),
        connect_timeout: Duration::from_secs(1),
        read_timeout: Duration::from_secs(10),
        late_window: chrono::TimeDelta::seconds(60),
        validity: chrono::TimeDelta::hours(1),
    }
}

fn rules() -> MethodRules {
    MethodRules::new(vec![MethodRule {
        method: Method::Card,
        version: 1,
        valid_from: DateTime::UNIX_EPOCH,
        refund_priority: 60,
        send_order: 1,
        partial_cancelable: true,
        cancel_window: CancelWindow::Days(365),
        deposit_hours: None,
    }])
}
