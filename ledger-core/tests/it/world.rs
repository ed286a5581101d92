//! A database of its own with a merchant, a contract and two issuers, and short ways to say what a test does.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use ledger_core::change::Asked;
use ledger_core::ids::{PaymentId, RequestId, Slot};
use ledger_core::ledger::{
    Answer, AttemptKey, BeginCancel, BeginConfirm, CommittedAttempt, IssuerAnswer, Ledger, LedgerError,
    Operation, Render,
};
use ledger_core::money::{Currency, Minor};
use ledger_core::payment::allocation::Allocation;
use ledger_core::payment::cancel::Cancel;
use ledger_core::payment::confirm::{Confirm, LegRequest};
use ledger_core::payment::create::Create;
use ledger_core::payment::fact::{Method, ResultOutcome, ResultSource};
use ledger_core::payment::fold::Payment;
use ledger_core::payment::refusal::Refusal;
use ledger_core::reference::{Contract, Issuer};
use ledger_core::store::idempotency::{Claim, Rendered};
use ledger_core::store::pool::{PoolOptions, connect};
use ledger_core::store::{idempotency, reference};
use ledger_core::time::to_micros;
use sha2::{Digest as _, Sha256};
use sqlx::AssertSqlSafe;
use sqlx::mysql::MySqlPool;
use sqlx::{MySql, Transaction};

pub const MERCHANT: &str = "shop-1";

/// Renders the payment's seq and status: enough to tell answers apart.
pub struct Plain;

impl Render for Plain {
    fn done(&self, payment: &Payment, cancel_no: Option<u16>) -> Rendered {
        let status = payment.status(now());
        rendered(200, format!("{} {status} seq {} cancel {cancel_no:?}", payment.id, payment.head.seq))
    }

    fn refused(&self, refusal: &Refusal) -> Rendered {
        rendered(409, refusal.to_string())
    }
}

fn rendered(status: u16, body: String) -> Rendered {
    Rendered { status, content_type: "text/plain", location: None, body: body.into_bytes() }
}

pub fn now() -> DateTime<Utc> {
    let since_epoch = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    to_micros(DateTime::from_timestamp_micros(i64::try_from(since_epoch.as_micros()).unwrap()).unwrap())
}

pub fn won(units: i64) -> Minor {
    Minor::new(units).unwrap()
}

/// A ledger that takes changes of any time, past and future.
pub fn any_time() -> PoolOptions {
    PoolOptions { commit_within: None, ..PoolOptions::default() }
}

pub struct World {
    pub db: stack::TestDb,
    pub ledger: Ledger,
    pub owner: MySqlPool,
}

impl World {
    pub async fn new(label: &str) -> Self {
        Self::on(stack::TestDb::create(label).await.unwrap()).await
    }

    /// The same in a database that is there.
    pub async fn on(db: stack::TestDb) -> Self {
        let admin = connect(&db.admin, PoolOptions::default()).await.unwrap();
        let mut connection = admin.acquire().await.unwrap();
        let at = now() - TimeDelta::minutes(1);
        reference::insert_merchant(&mut connection, MERCHANT, "a shop", at, "test").await.unwrap();
        let contract = Contract {
            version: 0,
            valid_from: at,
            fee_rate: "0.03".parse().unwrap(),
            fee_vat_rate: "0.1".parse().unwrap(),
        };
        reference::insert_contract(&mut connection, MERCHANT, &contract, at, "test").await.unwrap();
        for issuer_id in ["card-1", "points-1", "bank-1"] {
            let issuer = Issuer {
                issuer_id: issuer_id.to_owned(),
                version: 0,
                endpoint_url: "http://127.0.0.1:9".to_owned(),
                connect_timeout: std::time::Duration::from_secs(1),
                read_timeout: std::time::Duration::from_secs(5),
                late_window: TimeDelta::seconds(60),
                validity: TimeDelta::hours(1),
            };
            reference::insert_issuer(&mut connection, &issuer, issuer_id, at, "test").await.unwrap();
        }
        let ledger = Ledger::open(&db.app, any_time()).await.unwrap();
        let owner = connect(&db.owner, PoolOptions::default()).await.unwrap();
        Self { db, ledger, owner }
    }

    /// A further handle with connections of its own, as another process would have.
    pub async fn second_ledger(&self) -> Ledger {
        Ledger::open(&self.db.app, any_time()).await.unwrap()
    }

    /// Whoever wants this order's first try waits for the end of this transaction.
    pub async fn hold_order(&self, order: &str) -> Transaction<'static, MySql> {
        let mut holder = self.owner.begin().await.unwrap();
        sqlx::query(
            "INSERT INTO payment (payment_id, slot, origin, seq, merchant_id, order_id, try_no, currency, total, tax_free, vat, \
             tax_source, contract_version, fee, fee_vat, created_at, expires_at) VALUES (REPEAT('0', 16), 12336, 'LIVE', 1, ?, \
             ?, 1, 'KRW', 1, 0, 0, 'FORMULA', 1, 0, 0, NOW(6), NOW(6))",
        )
        .bind(MERCHANT)
        .bind(order)
        .execute(&mut *holder)
        .await
        .unwrap();
        holder
    }

    pub async fn count(&self, table: &str) -> i64 {
        let text = format!("SELECT COUNT(*) FROM {table}");
        sqlx::query_scalar(AssertSqlSafe(text)).fetch_one(&self.owner).await.unwrap()
    }

    /// A payment of 50,000 won, 15,000 by card and 35,000 by points, confirmed.
    pub async fn confirmed(&self, order: &str) -> Payment {
        let id = self.created(order, 50_000).await;
        let (op, attempts) = self.begun(id, &format!("confirm-{order}"), &split()).await;
        let answers = approve(&attempts);
        let answer = self.ledger.finish_confirm(&op, id, &answers, now(), &Plain).await.unwrap();
        assert!(matches!(answer, Answer::Fresh(ref rendered) if rendered.status == 200), "{answer:?}");
        self.ledger.payment(MERCHANT, id).await.unwrap().unwrap()
    }

    pub async fn created(&self, order: &str, total: i64) -> PaymentId {
        let answer = create(&self.ledger, order, total, &format!("create-{order}")).await.unwrap();
        id_in(&answer)
    }

    pub async fn begun(
        &self,
        id: PaymentId,
        key: &str,
        confirm: &Confirm,
    ) -> (Operation, Vec<CommittedAttempt>) {
        let op = operation(key, idempotency::Operation::Confirm, id.slot(), &format!("{confirm:?}"));
        match self.ledger.begin_confirm(&op, id, confirm, &Plain).await.unwrap() {
            BeginConfirm::Started { attempts, .. } => (op, attempts),
            BeginConfirm::Answered(answer) => panic!("the confirm was answered at once: {answer:?}"),
        }
    }
}

pub async fn create(ledger: &Ledger, order: &str, total: i64, key: &str) -> Result<Answer, LedgerError> {
    create_at(ledger, order, total, key, now()).await
}

pub async fn create_at(
    ledger: &Ledger,
    order: &str,
    total: i64,
    key: &str,
    at: DateTime<Utc>,
) -> Result<Answer, LedgerError> {
    let slot = Slot::of(MERCHANT, order);
    let mut op = operation(key, idempotency::Operation::Create, slot, &format!("{order}/{total}"));
    op.asked.at = at;
    let create = Create {
        merchant_id: MERCHANT.to_owned(),
        order_id: order.to_owned(),
        currency: Currency::Krw,
        total: won(total),
        tax_free: Minor::ZERO,
    };
    ledger.create(&op, &create, &Plain).await
}

pub async fn cancel(
    ledger: &Ledger,
    id: PaymentId,
    amount: Option<i64>,
    key: &str,
) -> Result<Answer, LedgerError> {
    cancel_by(ledger, id, wanted(amount), key, |_| ResultOutcome::Canceled).await
}

/// A cancel of so much, in refund order.
pub fn wanted(amount: Option<i64>) -> Cancel {
    Cancel {
        cancel_request_id: String::new(),
        amount: amount.map(won),
        tax_free: None,
        expected_balance: None,
        refund_to: None,
        allocation: Allocation::RefundOrder,
        reason: "changed their mind".to_owned(),
    }
}

pub fn cancel_operation(key: &str, id: PaymentId, cmd: &Cancel) -> Operation {
    operation(key, idempotency::Operation::Cancel, id.slot(), &format!("{cmd:?}"))
}

/// A cancel whose issuers answer by leg.
pub async fn cancel_by(
    ledger: &Ledger,
    id: PaymentId,
    mut cmd: Cancel,
    key: &str,
    said: impl Fn(u8) -> ResultOutcome,
) -> Result<Answer, LedgerError> {
    let op = cancel_operation(key, id, &cmd);
    cmd.cancel_request_id = op.cancel_request_id();
    match ledger.begin_cancel(&op, id, &cmd, &Plain).await? {
        BeginCancel::Answered(answer) => Ok(answer),
        BeginCancel::Started { cancel_no, attempts, .. } => {
            let answers: Vec<_> =
                attempts.iter().map(|a| (a.key(), answer(said(a.leg_no()), None))).collect();
            ledger.finish_cancel(&op, id, cancel_no, &answers, now(), &Plain).await
        }
    }
}

pub fn operation(key: &str, operation: idempotency::Operation, slot: Slot, body: &str) -> Operation {
    Operation {
        claim: Claim {
            claim_id: Sha256::digest(format!("{operation}/{key}").as_bytes()).into(),
            slot,
            merchant_id: MERCHANT.to_owned(),
            operation,
            fingerprint: Sha256::digest(body.as_bytes()).into(),
            fields: BTreeMap::from([("/body".to_owned(), hex::encode(Sha256::digest(body.as_bytes())))]),
        },
        asked: Asked { actor: "test".to_owned(), request_id: RequestId::new(&mut rand::rng()), at: now() },
        versions: None,
    }
}

pub fn split() -> Confirm {
    Confirm { legs: vec![leg(Method::Card, "card-1", 15_000), leg(Method::Points, "points-1", 35_000)] }
}

pub fn leg(method: Method, issuer_id: &str, amount: i64) -> LegRequest {
    LegRequest {
        method,
        issuer_id: issuer_id.to_owned(),
        amount: won(amount),
        tax_free: None,
        card: None,
        method_token: None,
        installment_months: 0,
        partial_cancelable: true,
        deposit_hours: None,
    }
}

pub fn answer(outcome: ResultOutcome, auth_no: Option<&str>) -> IssuerAnswer {
    IssuerAnswer {
        outcome,
        source: ResultSource::Sync,
        issuer_ref: auth_no.map(str::to_owned),
        issuer_code: None,
        account: None,
        received_at: now(),
    }
}

pub fn approve(attempts: &[CommittedAttempt]) -> Vec<(AttemptKey, IssuerAnswer)> {
    attempts.iter().map(|attempt| (attempt.key(), answer(ResultOutcome::Approved, Some("A-1")))).collect()
}

/// The payment id at the start of a plain answer.
pub fn id_in(answer: &Answer) -> PaymentId {
    let Answer::Fresh(rendered) = answer else { panic!("not a fresh answer: {answer:?}") };
    let text = String::from_utf8(rendered.body.clone()).unwrap();
    text[..36].parse().unwrap_or_else(|_| panic!("no id in {text}"))
}
