//! The bare ceiling: the same rows, in the same statements and at a given batch size, by two connections that do nothing else.

use std::time::{Duration, Instant};

use anyhow::{Result, anyhow};
use chrono::{DateTime, Utc};
use ledger_core::change::{Asked, Change};
use ledger_core::ids::{PaymentId, RequestId, Slot};
use ledger_core::method_rule::{CancelWindow, MethodRule, MethodRules};
use ledger_core::money::{Currency, Minor};
use ledger_core::payment::confirm::{Answer, Confirm, LegRequest};
use ledger_core::payment::create::{self, Create};
use ledger_core::payment::fact::{Method, Origin, ResultOutcome, ResultSource};
use ledger_core::payment::{confirm, fact::Fact};
use ledger_core::reference::{Contract, Issuer};
use ledger_core::store::append::{Entry, append_entries};
use ledger_core::store::idempotency::{Claim, Operation, Rendered};
use ledger_core::store::pool::{PoolOptions, connect};
use serde_json::{Value, json};
use stack::EnvFile;

/// Connections that insert.
const WRITERS: usize = 2;

/// A kept answer is about this long.
const ANSWER_BYTES: usize = 1_000;

/// Inserts whole payments in batches of `batch` for so many seconds.
pub async fn ceiling(env: &EnvFile, legs: u8, batch: usize, seconds: u64) -> Result<Value> {
    let url = env.get("MYSQL_APP_URL")?.to_owned();
    let until = Instant::now() + Duration::from_secs(seconds);
    let started = Instant::now();
    let mut writers = tokio::task::JoinSet::new();
    for _ in 0..WRITERS {
        let url = url.clone();
        writers.spawn(async move {
            let pool = connect(&url, PoolOptions { max_connections: 1, ..PoolOptions::default() }).await?;
            let mut written = 0_u64;
            while Instant::now() < until {
                let payments: Vec<_> = (0..batch).map(|_| payment(legs)).collect::<Result<_>>()?;
                for phase in 0..3 {
                    let entries: Vec<&Entry> = payments.iter().map(|payment| &payment[phase]).collect();
                    append_entries(&pool, &entries).await.map_err(|failed| anyhow!("{failed:?}"))?;
                }
                written += u64::try_from(batch)?;
            }
            anyhow::Ok(written)
        });
    }
    let mut written = 0;
    while let Some(done) = writers.join_next().await {
        written += done??;
    }
    let millis = u64::try_from(started.elapsed().as_millis())?;
    Ok(
        json!({ "bare": true, "batch": batch, "legs": legs, "applied": written, "applied_per_s": written * 1_000 / millis }),
    )
}

/// The three appends of one payment: created, attempts committed, confirmed.
fn payment(legs: u8) -> Result<[Entry; 3]> {
    let now = ledger_core::time::to_micros(DateTime::<Utc>::from(std::time::SystemTime::now()));
    let order = format!("bare-{:032x}", rand::random::<u128>());
    let amount = Minor::new(50_000 / i64::from(legs))?;
    let total = Minor::new(amount.get() * i64::from(legs))?;
    let merchant_id = stack::MERCHANT.to_owned();
    let contract =
        Contract { version: 1, valid_from: now, fee_rate: "0.03".parse()?, fee_vat_rate: "0.1".parse()? };
    let slot = Slot::of(&merchant_id, &order);
    let id = PaymentId::new(now, slot, &mut rand::rng());
    let cmd = Create { merchant_id, order_id: order, currency: Currency::Krw, total, tax_free: Minor::ZERO };
    let create = create::create(&cmd, 1, &contract, now)?;
    let (created, after) = next(id, None, "CREATE", now, create)?;
    let issuers = [issuer()];
    let request = LegRequest {
        method: Method::Card,
        issuer_id: "card-1".to_owned(),
        amount,
        tax_free: None,
        card: None,
        method_token: None,
        installment_months: 0,
        partial_cancelable: true,
        deposit_hours: None,
    };
    let confirm = Confirm { legs: vec![request; usize::from(legs)] };
    let (begun, after) =
        next(id, Some(&after), "CONFIRM", now, confirm::start(&after, &confirm, &issuers, &rules(), now)?)?;
    let answer = Answer {
        outcome: ResultOutcome::Approved,
        source: ResultSource::Sync,
        issuer_ref: Some("A0000001".to_owned()),
        issuer_code: None,
        account: None,
        received_at: now,
    };
    let answers: Vec<_> = (1..=legs).map(|leg| (leg, answer.clone())).collect();
    let (confirmed, _) =
        next(id, Some(&after), "VERDICT", now, confirm::finish(&after, &answers, &issuers, now)?)?;
    let (first, second) = (claim(slot, Operation::Create), claim(slot, Operation::Confirm));
    Ok([
        entry(created, Some(first.clone()), Some(first), now),
        entry(begun, Some(second.clone()), None, now),
        entry(confirmed, None, Some(second), now),
    ])
}

fn next(
    id: PaymentId,
    before: Option<&ledger_core::payment::fold::Payment>,
    command: &'static str,
    at: DateTime<Utc>,
    facts: Vec<Fact>,
) -> Result<(Change, ledger_core::payment::fold::Payment)> {
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

fn entry(change: Change, claim: Option<Claim>, answered: Option<Claim>, at: DateTime<Utc>) -> Entry {
    let rendered = Rendered {
        status: 200,
        content_type: "application/json",
        location: None,
        body: vec![b' '; ANSWER_BYTES],
    };
    Entry {
        request_id: change.asked.request_id,
        change: Some(change),
        claim,
        answer: answered.map(|claim| (claim, rendered)),
        at,
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
