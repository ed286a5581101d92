//! A ledger of its own, an issuer that misbehaves as told, and short ways to say what a test does.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use fakes::issuer::IssuerSimulator;
use fakes::issuer::book::Totals;
use issuer_gateway::deadline::Deadline;
use issuer_gateway::run::{Gateway, RunError};
use issuer_gateway::timeouts::Timeouts;
use ledger_core::change::Asked;
use ledger_core::ids::{PaymentId, RequestId, Slot};
use ledger_core::ledger::{Answer, Ledger, Operation, Render};
use ledger_core::money::{Currency, Minor};
use ledger_core::payment::allocation::Allocation;
use ledger_core::payment::attempt::{AttemptFacts, AttemptState};
use ledger_core::payment::cancel::Cancel;
use ledger_core::payment::confirm::{Confirm, LegRequest};
use ledger_core::payment::create::Create;
use ledger_core::payment::fact::{AttemptKind, Method};
use ledger_core::payment::fold::Payment;
use ledger_core::payment::refusal::Refusal;
use ledger_core::reference::{Contract, Issuer};
use ledger_core::store::idempotency::{self, Claim, Rendered};
use ledger_core::store::pool::{PoolOptions, connect};
use ledger_core::store::reference;
use ledger_runtime::clock;
use net_cancel::drive::{Done, Driver};
use net_cancel::run::{Job, Pulse};
use net_cancel::scan::Scanner;
use net_cancel::schedule::Schedule;
use net_cancel::settings::Times;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

const MERCHANT: &str = "shop-1";

/// How the issuers of a test are waited for.
#[derive(Clone, Copy)]
pub struct Waits {
    pub read: Duration,
    pub late_window: TimeDelta,
}

impl Default for Waits {
    fn default() -> Self {
        Self { read: Duration::from_secs(1), late_window: TimeDelta::seconds(3) }
    }
}

pub struct World {
    pub db: stack::TestDb,
    pub ledger: Ledger,
    pub gateway: Gateway,
    pub issuer: IssuerSimulator,
    pub times: Times,
}

/// Renders the id and the status: enough to tell answers apart.
pub struct Plain;

impl Render for Plain {
    fn done(&self, payment: &Payment, cancel_no: Option<u16>) -> Rendered {
        rendered(200, format!("{} {} {cancel_no:?}", payment.id, payment.status(clock::now())))
    }

    fn refused(&self, refusal: &Refusal) -> Rendered {
        rendered(409, refusal.to_string())
    }
}

fn rendered(status: u16, body: String) -> Rendered {
    Rendered { status, content_type: "text/plain", location: None, body: body.into_bytes() }
}

pub fn won(units: i64) -> Minor {
    Minor::new(units).unwrap()
}

impl World {
    pub async fn new(label: &str) -> Self {
        Self::with(label, Waits::default()).await
    }

    pub async fn with(label: &str, waits: Waits) -> Self {
        let db = stack::TestDb::create(label).await.unwrap();
        let issuer = IssuerSimulator::start("127.0.0.1:0").await.unwrap();
        let admin = connect(&db.admin, PoolOptions::default()).await.unwrap();
        let mut connection = admin.acquire().await.unwrap();
        let at = clock::now() - TimeDelta::minutes(1);
        reference::insert_merchant(&mut connection, MERCHANT, "a shop", at, "test").await.unwrap();
        let contract = Contract {
            version: 0,
            valid_from: at,
            fee_rate: "0.03".parse().unwrap(),
            fee_vat_rate: "0.1".parse().unwrap(),
        };
        reference::insert_contract(&mut connection, MERCHANT, &contract, at, "test").await.unwrap();
        for issuer_id in ["card-1", "bank-1", "points-1"] {
            let issuer = Issuer {
                issuer_id: issuer_id.to_owned(),
                version: 0,
                endpoint_url: format!("{}/{issuer_id}", issuer.url()),
                connect_timeout: Duration::from_millis(300),
                read_timeout: waits.read,
                late_window: waits.late_window,
                validity: TimeDelta::hours(1),
            };
            reference::insert_issuer(&mut connection, &issuer, issuer_id, at, "test").await.unwrap();
        }
        let ledger = Ledger::open(&db.app, PoolOptions { commit_within: None, ..PoolOptions::default() })
            .await
            .unwrap();
        let gateway = Gateway::new(ledger.clone(), &Timeouts::embedded().unwrap(), clock::now);
        let times = Times {
            scan: Duration::from_millis(50),
            recovery_grace: Duration::from_millis(300),
            cancel_repeat: Duration::from_millis(300),
            stop: Duration::from_secs(5),
        };
        Self { db, ledger, gateway, issuer, times }
    }

    /// The job as a further process would have it.
    pub async fn job(&self) -> Job {
        let timeouts = Timeouts::embedded().unwrap();
        let ledger =
            Ledger::open(&self.db.app, PoolOptions { commit_within: None, ..PoolOptions::default() })
                .await
                .unwrap();
        let gateway = Gateway::new(ledger.clone(), &timeouts, clock::now);
        Job {
            driver: Driver { ledger, gateway, clock: clock::now },
            scanner: Scanner::new(Schedule::from(&timeouts.net_cancel), self.times, 1000),
            times: self.times,
            concurrency: 4,
        }
    }

    /// Carries out what is due now.
    pub async fn once(&self) -> Vec<Done> {
        self.job().await.once().await.unwrap()
    }

    /// Runs the job until `holds` does for the payment.
    pub async fn run_until(&self, id: PaymentId, holds: impl Fn(&Payment) -> bool) -> Payment {
        let stop = CancellationToken::new();
        let job = self.job().await;
        let stopping = stop.clone();
        let running = tokio::spawn(async move { job.run(&Pulse::default(), &stopping).await });
        let payment = self.until(id, holds).await;
        stop.cancel();
        assert!(running.await.unwrap(), "everything under way was finished");
        payment
    }

    /// Waits until `holds` does for the payment: kills can use up the first three tries, and the fourth is due after a minute.
    pub async fn until(&self, id: PaymentId, holds: impl Fn(&Payment) -> bool) -> Payment {
        let limit = Instant::now() + Duration::from_mins(2);
        loop {
            let payment = self.payment(id).await;
            if holds(&payment) {
                return payment;
            }
            assert!(Instant::now() < limit, "it never came to that: {payment:#?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Waits until the issuer's truth is as it should be.
    pub async fn until_issuer(&self, holds: impl Fn(&Totals) -> bool) {
        let limit = Instant::now() + Duration::from_secs(30);
        while !holds(&self.issuer.truth().totals) {
            assert!(Instant::now() < limit, "it never came to that: {:#?}", self.issuer.truth());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    pub async fn payment(&self, id: PaymentId) -> Payment {
        self.ledger.payment(MERCHANT, id).await.unwrap().unwrap()
    }

    pub async fn created(&self, order: &str, total: i64) -> PaymentId {
        let op = operation(idempotency::Operation::Create, Slot::of(MERCHANT, order));
        let create = Create {
            merchant_id: MERCHANT.to_owned(),
            order_id: order.to_owned(),
            currency: Currency::Krw,
            total: won(total),
            tax_free: Minor::ZERO,
        };
        let answer = self.ledger.create(&op, &create, &Plain).await.unwrap();
        text(&answer)[..36].parse().unwrap()
    }

    /// A payment of 50,000 by card with this token, confirmed as far as the issuer lets it be.
    pub async fn paid(&self, order: &str, token: &str) -> PaymentId {
        let id = self.created(order, 50_000).await;
        self.confirm(id, by_card(token)).await.unwrap();
        id
    }

    pub async fn confirm(&self, id: PaymentId, cmd: Confirm) -> Result<Answer, RunError> {
        self.confirm_within(id, cmd, Duration::from_secs(20)).await
    }

    pub async fn confirm_within(
        &self,
        id: PaymentId,
        cmd: Confirm,
        within: Duration,
    ) -> Result<Answer, RunError> {
        let op = operation(idempotency::Operation::Confirm, id.slot());
        self.gateway.confirm(op, id, cmd, Deadline::after(within), Arc::new(Plain)).await
    }

    pub async fn cancel(&self, id: PaymentId, amount: i64) -> Answer {
        let op = operation(idempotency::Operation::Cancel, id.slot());
        let cmd = Cancel {
            cancel_request_id: op.cancel_request_id(),
            amount: Some(won(amount)),
            tax_free: None,
            expected_balance: None,
            refund_to: None,
            allocation: Allocation::default(),
            reason: "changed their mind".to_owned(),
        };
        self.gateway
            .cancel(op, id, cmd, Deadline::after(Duration::from_secs(20)), Arc::new(Plain))
            .await
            .unwrap()
    }

    /// What we count as effective or know not to know, and what stands at the issuer.
    pub async fn standing(&self, ids: &[PaymentId]) -> (i64, i64) {
        // Theirs first: what is on its way is booked by them before it is recorded by us.
        let theirs = self.issuer.truth().totals.effective;
        let mut ours = 0;
        for id in ids {
            let payment = self.payment(*id).await;
            ours += payment.balance().unwrap().get() + payment.exposure(clock::now()).get();
        }
        (ours, theirs)
    }

    /// I8: once nothing is on its way, both are the same.
    pub async fn audit(&self, ids: &[PaymentId]) {
        let (ours, theirs) = self.standing(ids).await;
        let truth = self.issuer.truth();
        assert!(!truth.traces.is_empty(), "an issuer was asked");
        assert_eq!(theirs, ours, "{truth:#?}");
        assert_eq!(truth.totals.repeated_authorizations, 0, "I14: an AUTH is sent at most once");
    }
}

pub fn by_card(token: &str) -> Confirm {
    Confirm { legs: vec![leg(Method::Card, "card-1", 50_000, token)] }
}

pub fn leg(method: Method, issuer_id: &str, amount: i64, token: &str) -> LegRequest {
    LegRequest {
        method,
        issuer_id: issuer_id.to_owned(),
        amount: won(amount),
        tax_free: None,
        card: None,
        method_token: Some(token.to_owned()),
        installment_months: 0,
        partial_cancelable: true,
        deposit_hours: None,
    }
}

/// An operation under a key of its own.
pub fn operation(operation: idempotency::Operation, slot: Slot) -> Operation {
    static NEXT: AtomicU8 = AtomicU8::new(0);
    let mut claim_id = [NEXT.fetch_add(1, Ordering::SeqCst); 32];
    let request_id = RequestId::new(&mut rand::rng());
    claim_id[..16].copy_from_slice(request_id.as_bytes());
    Operation {
        claim: Claim {
            claim_id,
            slot,
            merchant_id: MERCHANT.to_owned(),
            operation,
            fingerprint: [0; 32],
            fields: BTreeMap::new(),
        },
        asked: Asked { actor: "test".to_owned(), request_id, at: clock::now() },
        versions: None,
    }
}

/// What a caller was told.
pub fn text(answer: &Answer) -> String {
    match answer {
        Answer::Fresh(rendered) => String::from_utf8(rendered.body.clone()).unwrap(),
        other @ (Answer::Replayed(_)
        | Answer::InProgress(..)
        | Answer::Running
        | Answer::Refused(_)
        | Answer::Reused(_)) => {
            format!("{other:?}")
        }
    }
}

/// The card authorization of a payment.
pub fn authorization(payment: &Payment) -> &AttemptFacts {
    payment.leg(1).unwrap().authorizations().last().unwrap()
}

pub fn state(payment: &Payment) -> AttemptState {
    authorization(payment).state(clock::now())
}

/// Outcomes of the tries to undo, in order; an empty one has none.
pub fn tries(payment: &Payment) -> Vec<Vec<&'static str>> {
    let outcomes =
        |attempt: &AttemptFacts| attempt.results.iter().map(|result| result.outcome.code()).collect();
    payment.leg(1).unwrap().attempts_of(AttemptKind::NetCancel).map(outcomes).collect()
}

pub fn at(payment: &Payment) -> DateTime<Utc> {
    payment.verdict.as_ref().unwrap().decided_at
}
