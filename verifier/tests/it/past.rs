//! A living past on top of a copied one: a payment of every kind, so that a check has something of everything to hold on.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use ledger_core::change::Asked;
use ledger_core::ids::{PaymentId, RequestId, Slot};
use ledger_core::journal::{Account, Side};
use ledger_core::ledger::{
    Answer, AttemptKey, BeginCancel, BeginConfirm, CommittedAttempt, IssuerAnswer, Ledger, Operation, Render,
    Run,
};
use ledger_core::money::{Currency, Minor};
use ledger_core::operator::Signer;
use ledger_core::payment::allocation::Allocation;
use ledger_core::payment::cancel::Cancel;
use ledger_core::payment::confirm::{Confirm, LegRequest};
use ledger_core::payment::correction::{Entry, Propose, Wanted};
use ledger_core::payment::correction_fact::LineRef;
use ledger_core::payment::create::Create;
use ledger_core::payment::deposit::{Arrived, Refund, RefundEnd};
use ledger_core::payment::fact::{AttemptKind, Method, ResultOutcome, ResultSource, ShareOutcome};
use ledger_core::payment::fold::Payment;
use ledger_core::payment::refusal::Refusal;
use ledger_core::payment::virtual_account::{IssuedAccount, Receiver};
use ledger_core::reference::{ApiKey, Contract, Issuer};
use ledger_core::store::idempotency::{self, Claim, Rendered};
use ledger_core::store::pool::{PoolOptions, connect};
use ledger_core::store::{correction, reference};
use sha2::{Digest as _, Sha256};
use stack::TestDb;

use ResultOutcome::{Approved, Canceled, Declined, Issued, NoOriginal, Reversed, Timeout};

const MERCHANT: &str = "shop-1";

/// Renders as little as can be.
struct Plain;

impl Render for Plain {
    fn done(&self, payment: &Payment, cancel_no: Option<u16>) -> Rendered {
        rendered(200, format!("{} seq {} cancel {cancel_no:?}", payment.id, payment.head.seq))
    }

    fn refused(&self, refusal: &Refusal) -> Rendered {
        rendered(409, refusal.to_string())
    }
}

fn rendered(status: u16, body: String) -> Rendered {
    Rendered {
        status,
        content_type: "text/plain",
        location: Some("/v1/payments/1".to_owned()),
        body: body.into_bytes(),
    }
}

pub fn now() -> DateTime<Utc> {
    ledger_runtime::clock::now()
}

fn won(units: i64) -> Minor {
    Minor::new(units).unwrap()
}

/// The ledger's own account, and what its payments need to be there.
pub struct Past {
    ledger: Ledger,
}

impl Past {
    pub async fn open(db: &TestDb) -> Self {
        let admin = connect(&db.admin, PoolOptions::default()).await.unwrap();
        let mut admin = admin.acquire().await.unwrap();
        let at = now() - TimeDelta::days(30);
        reference::insert_merchant(&mut admin, MERCHANT, "a shop", at, "test").await.unwrap();
        reference::insert_authority(&mut admin, MERCHANT, at, "LEDGER", "test").await.unwrap();
        let (fee_rate, fee_vat_rate) = ("0.03".parse().unwrap(), "0.1".parse().unwrap());
        let contract = Contract { version: 0, valid_from: at, fee_rate, fee_vat_rate };
        reference::insert_contract(&mut admin, MERCHANT, &contract, at, "test").await.unwrap();
        for issuer_id in ["card-1", "points-1", "bank-1"] {
            reference::insert_issuer(&mut admin, &issuer(issuer_id), issuer_id, at, "test").await.unwrap();
        }
        let (key_id, merchant_id) = ("k-1".to_owned(), MERCHANT.to_owned());
        let key = ApiKey { key_id, merchant_id, secret_hash: [1; 32], revoked_at: None };
        reference::insert_api_key(&mut admin, &key, at, "test").await.unwrap();
        reference::insert_revocation(&mut admin, "k-1", "lost", at, "test").await.unwrap();
        for operator in [operator("kim", 1), operator("lee", 2)] {
            let (actor, key) = (operator.actor(), operator.public_key());
            correction::insert_key(&mut admin, &actor.key_id, &actor.operator_id, &key, at, "test")
                .await
                .unwrap();
        }
        let gone = operator("park", 3);
        let (actor, key) = (gone.actor(), gone.public_key());
        correction::insert_key(&mut admin, &actor.key_id, &actor.operator_id, &key, at, "test")
            .await
            .unwrap();
        correction::insert_revocation(&mut admin, &actor.key_id, "lost", at, "test").await.unwrap();
        Self {
            ledger: Ledger::open(&db.app, PoolOptions { commit_within: None, ..PoolOptions::default() })
                .await
                .unwrap(),
        }
    }

    /// Payments of every kind, each under an order that says what it is.
    pub async fn live(&self) {
        let now = now();
        self.created("ready", 1_000, now).await;
        let id = self.created("in-flight", 50_000, now).await;
        self.begun(id, "in-flight", now).await;

        self.confirmed("done", now).await;
        let id = self.confirmed("canceled", now).await;
        self.canceled(id, Some(12_345), "canceled-1", &[Canceled, Canceled]).await;
        self.canceled(id, None, "canceled-2", &[Canceled, Canceled]).await;
        self.canceled(id, Some(1), "canceled-3", &[]).await;
        let id = self.confirmed("partly-canceled", now).await;
        self.canceled(id, Some(777), "partly-1", &[Canceled]).await;
        let id = self.confirmed("one-share-failed", now).await;
        self.canceled(id, Some(20_000), "failed-1", &[Declined, Canceled]).await;
        self.canceled(id, Some(3_000), "failed-2", &[Canceled, Canceled]).await;
        let id = self.confirmed("cancel-open", now).await;
        self.canceled(id, Some(1_000), "open-1", &[Timeout]).await;

        let id = self.created("declined", 50_000, now).await;
        self.finished(id, "declined", now, &[Declined, Approved]).await;
        self.expired_and_again(now).await;
        self.undone(now).await;
        self.corrected(now).await;
        self.deposited(now).await;
    }

    /// One more payment, confirmed now.
    pub async fn another(&self, order: &str) -> PaymentId {
        self.confirmed(order, now()).await
    }

    /// A fee that was too high, given back by two operators; and a proposal that nobody has approved yet.
    async fn corrected(&self, now: DateTime<Utc>) {
        let id = self.confirmed("corrected", now).await;
        for amount in [30, 40] {
            let cmd = Propose {
                entries: vec![
                    Entry::Reverse { line: LineRef { seq: 3, line: 4 }, amount: Some(won(amount)) },
                    Entry::Book {
                        account: Account::MerchantPayable,
                        side: Side::Credit,
                        amount: won(amount),
                        leg_no: None,
                    },
                ],
                reason: "contract of November was not applied".to_owned(),
                wait: TimeDelta::days(14),
            };
            let (no, _) =
                self.ledger.propose_correction(id, &cmd, &operator("kim", 1), now, Run::Real).await.unwrap();
            if no == 1 {
                let approve = (Wanted::Approve, None);
                self.ledger
                    .decide_correction(id, no, approve, &operator("lee", 2), now, Run::Real)
                    .await
                    .unwrap();
            }
        }
    }

    /// Payments by virtual account: one that waits, one that was paid in two parts and too much, one that expired with money in
    /// suspense beside a card that is being undone, one that was given up, one that was refunded.
    async fn deposited(&self, now: DateTime<Utc>) {
        self.waiting("waiting", now).await;
        let id = self.waiting("waiting-short", now).await;
        self.arrived(id, "short", 1_000, now).await;

        let id = self.waiting("overpaid", now).await;
        self.arrived(id, "over-1", 10_000, now).await;
        self.arrived(id, "over-2", 25_000, now).await;
        self.sent_back(id, 2_000, ShareOutcome::Failed, now).await;
        self.sent_back(id, 3_000, ShareOutcome::Done, now).await;
        self.canceled(id, Some(40_000), "overpaid", &[Canceled, Canceled]).await;

        let long_ago = now - TimeDelta::hours(3);
        let id = self.waiting("overdue", long_ago).await;
        self.arrived(id, "overdue-1", 7_000, long_ago).await;
        self.ledger.expire(id, long_ago + TimeDelta::hours(2)).await.unwrap();
        self.arrived(id, "overdue-2", 23_000, long_ago).await;
        self.reversed(id, &[Reversed], long_ago + TimeDelta::hours(2)).await;
        self.sent_back(id, 30_000, ShareOutcome::Done, now).await;

        let id = self.waiting("given-up", now).await;
        self.canceled(id, None, "given-up", &[]).await;
        self.reversed(id, &[Reversed], crate::past::now()).await;
    }

    /// 30,000 to be deposited within an hour, 20,000 by card.
    async fn waiting(&self, order: &str, at: DateTime<Utc>) -> PaymentId {
        let id = self.created(order, 50_000, at).await;
        let op = operation(order, idempotency::Operation::Confirm, id.slot(), at);
        let legs = vec![leg(Method::VirtualAccount, "bank-1", 30_000), leg(Method::Card, "card-1", 20_000)];
        let begun = self.ledger.begin_confirm(&op, id, &Confirm { legs }, &Plain).await.unwrap();
        let BeginConfirm::Started { attempts, .. } = begun else { panic!("{order}: {begun:?}") };
        let mut answers = answers(&attempts, &[Approved, Issued], at);
        answers[1].1.account = Some(IssuedAccount {
            bank_code: "088".to_owned(),
            account_no: "110-123-456789".to_owned(),
            holder: None,
            due_at: at + TimeDelta::hours(1),
        });
        self.ledger.finish_confirm(&op, id, &answers, at, &Plain).await.unwrap();
        id
    }

    async fn arrived(&self, id: PaymentId, reference: &str, amount: i64, at: DateTime<Utc>) {
        let op = operation(reference, idempotency::Operation::Deposit, id.slot(), at);
        let cmd =
            Arrived { leg_no: None, bank_ref: reference.to_owned(), amount: won(amount), deposited_at: at };
        let told = self.ledger.receive_deposit(&op, id, &cmd, &Plain).await.unwrap();
        assert!(
            matches!(told, Answer::Fresh(ref rendered) if rendered.status == 200),
            "{reference}: {told:?}"
        );
    }

    async fn sent_back(&self, id: PaymentId, amount: i64, outcome: ShareOutcome, at: DateTime<Utc>) {
        let key = format!("{id}-{amount}");
        let op = operation(&key, idempotency::Operation::DepositRefund, id.slot(), at);
        let cmd = Refund {
            leg_no: None,
            refund_request_id: op.cancel_request_id(),
            amount: won(amount),
            receiver: receiver(),
            reason: "too much".to_owned(),
        };
        self.ledger.refund_deposit(&op, id, &cmd, &Plain).await.unwrap();
        let payment = self.ledger.payment(MERCHANT, id).await.unwrap().unwrap();
        let refund_no = *payment.leg(1).unwrap().refunds.keys().next_back().unwrap();
        let op = operation(&key, idempotency::Operation::DepositRefundResult, id.slot(), at);
        let cmd = RefundEnd { refund_no, outcome, bank_ref: Some("out-1".to_owned()) };
        let told = self.ledger.end_deposit_refund(&op, id, &cmd, &Plain).await.unwrap();
        assert!(matches!(told, Answer::Fresh(ref rendered) if rendered.status == 200), "{key}: {told:?}");
    }

    async fn expired_and_again(&self, now: DateTime<Utc>) {
        let first = self.created("expired", 1_000, now - TimeDelta::hours(2)).await;
        let again = self.created_by("expired-again", "expired", 1_000, now).await;
        assert_ne!(first, again);
    }

    /// Aborted payments, at every stage of undoing what may stand at the issuers.
    async fn undone(&self, now: DateTime<Utc>) {
        let id = self.created("undoing", 50_000, now).await;
        self.finished(id, "undoing", now, &[Approved, Timeout]).await;

        let id = self.created("undone", 50_000, now).await;
        self.finished(id, "undone", now, &[Timeout, Approved]).await;
        self.reversed(id, &[Reversed], now).await;
        self.created_by("undone-again", "undone", 50_000, now).await;

        let id = self.created("surfaced", 50_000, now - TimeDelta::minutes(30)).await;
        let begun = self.finished(id, "surfaced", now - TimeDelta::minutes(30), &[Timeout, Timeout]).await;
        self.reversed(id, &[NoOriginal], now - TimeDelta::minutes(25)).await;
        self.reversed(id, &[NoOriginal], now - TimeDelta::minutes(20)).await;
        let late = answer(Approved, now - TimeDelta::minutes(10));
        self.ledger.record_late(begun[0].key(), &late, now - TimeDelta::minutes(10)).await.unwrap();
        self.reversed(id, &[Reversed], now).await;

        let id = self.created("second", 50_000, now).await;
        let begun = self.finished(id, "second", now, &[Approved, Approved]).await;
        let second = IssuerAnswer { issuer_ref: Some("B-2".to_owned()), ..answer(Approved, now) };
        self.ledger.record_late(begun[0].key(), &second, now).await.unwrap();

        let long_ago = now - TimeDelta::hours(3);
        let id = self.created("escalated", 50_000, long_ago).await;
        self.finished(id, "escalated", long_ago, &[Timeout, Timeout]).await;
        self.reversed(id, &[Timeout], long_ago + TimeDelta::minutes(58)).await;
    }

    async fn created(&self, order: &str, total: i64, at: DateTime<Utc>) -> PaymentId {
        self.created_by(order, order, total, at).await
    }

    async fn created_by(&self, key: &str, order: &str, total: i64, at: DateTime<Utc>) -> PaymentId {
        let op = operation(key, idempotency::Operation::Create, Slot::of(MERCHANT, order), at);
        let create = Create {
            merchant_id: MERCHANT.to_owned(),
            order_id: order.to_owned(),
            currency: Currency::Krw,
            total: won(total),
            tax_free: won(total / 10),
        };
        let told = self.ledger.create(&op, &create, &Plain).await.unwrap();
        let Answer::Fresh(rendered) = told else { panic!("{order}: {told:?}") };
        let text = String::from_utf8(rendered.body).unwrap();
        text[..36].parse().unwrap_or_else(|_| panic!("{order}: {text}"))
    }

    async fn begun(&self, id: PaymentId, key: &str, at: DateTime<Utc>) -> (Operation, Vec<CommittedAttempt>) {
        let op = operation(key, idempotency::Operation::Confirm, id.slot(), at);
        let legs = vec![leg(Method::Card, "card-1", 15_000), leg(Method::Points, "points-1", 35_000)];
        match self.ledger.begin_confirm(&op, id, &Confirm { legs }, &Plain).await.unwrap() {
            BeginConfirm::Started { attempts, .. } => (op, attempts),
            BeginConfirm::Answered(answer) => panic!("{key}: {answer:?}"),
        }
    }

    async fn finished(
        &self,
        id: PaymentId,
        key: &str,
        at: DateTime<Utc>,
        outcomes: &[ResultOutcome],
    ) -> Vec<CommittedAttempt> {
        let (op, attempts) = self.begun(id, key, at).await;
        let answers = answers(&attempts, outcomes, at);
        self.ledger.finish_confirm(&op, id, &answers, at, &Plain).await.unwrap();
        attempts
    }

    async fn confirmed(&self, order: &str, at: DateTime<Utc>) -> PaymentId {
        let id = self.created(order, 50_000, at).await;
        self.finished(id, order, at, &[Approved, Approved]).await;
        id
    }

    async fn canceled(&self, id: PaymentId, amount: Option<i64>, key: &str, outcomes: &[ResultOutcome]) {
        let at = now();
        let op = operation(key, idempotency::Operation::Cancel, id.slot(), at);
        let cmd = Cancel {
            cancel_request_id: op.cancel_request_id(),
            amount: amount.map(won),
            tax_free: None,
            allocation: Allocation::RefundOrder,
            expected_balance: None,
            reason: "changed their mind".to_owned(),
            refund_to: Some(receiver()),
        };
        match self.ledger.begin_cancel(&op, id, &cmd, &Plain).await.unwrap() {
            BeginCancel::Started { cancel_no, attempts, .. } => {
                let answers = answers(&attempts, outcomes, at);
                self.ledger.finish_cancel(&op, id, cancel_no, &answers, at, &Plain).await.unwrap();
            }
            BeginCancel::Answered(answer) => assert!(outcomes.is_empty(), "{key}: {answer:?}"),
        }
    }

    /// One try to undo each leg that is due.
    async fn reversed(&self, id: PaymentId, outcomes: &[ResultOutcome], at: DateTime<Utc>) {
        let due = self.ledger.due_reversals(at, 100).await.unwrap();
        let mut tried = 0;
        for due in due.iter().filter(|due| due.payment_id == id) {
            let (leg_no, attempt_no) = (due.leg_no, due.attempt_no);
            let key = AttemptKey { payment_id: id, leg_no, kind: AttemptKind::Auth, attempt_no };
            let attempt = self.ledger.begin_reversal(key, at).await.unwrap().unwrap();
            let answer = answer(outcomes[0], at);
            self.ledger.finish_reversal(attempt.key(), &answer, at).await.unwrap();
            tried += 1;
        }
        assert!(tried > 0, "nothing to undo");
    }
}

fn receiver() -> Receiver {
    Receiver { bank_code: "088".to_owned(), account_token: "acct".to_owned() }
}

fn operator(name: &str, seed: u8) -> Signer {
    Signer::from_seed(name, &[seed; 32]).unwrap()
}

fn issuer(issuer_id: &str) -> Issuer {
    Issuer {
        issuer_id: issuer_id.to_owned(),
        version: 0,
        endpoint_url: "http://127.0.0.1:9".to_owned(),
        connect_timeout: std::time::Duration::from_secs(1),
        read_timeout: std::time::Duration::from_secs(5),
        late_window: TimeDelta::seconds(60),
        validity: TimeDelta::hours(1),
    }
}

fn operation(key: &str, operation: idempotency::Operation, slot: Slot, at: DateTime<Utc>) -> Operation {
    Operation {
        claim: Claim {
            claim_id: Sha256::digest(format!("{operation}/{key}").as_bytes()).into(),
            slot,
            merchant_id: MERCHANT.to_owned(),
            operation,
            fingerprint: Sha256::digest(key.as_bytes()).into(),
            fields: BTreeMap::from([("/body".to_owned(), "0123456789abcdef".to_owned())]),
        },
        versions: None,
        asked: Asked { actor: "test".to_owned(), request_id: RequestId::new(&mut rand::rng()), at },
    }
}

fn leg(method: Method, issuer_id: &str, amount: i64) -> LegRequest {
    LegRequest {
        method,
        issuer_id: issuer_id.to_owned(),
        amount: won(amount),
        tax_free: None,
        card: None,
        method_token: Some("token".to_owned()),
        installment_months: 0,
        partial_cancelable: true,
        deposit_hours: None,
    }
}

fn answers(
    attempts: &[CommittedAttempt],
    outcomes: &[ResultOutcome],
    at: DateTime<Utc>,
) -> Vec<(AttemptKey, IssuerAnswer)> {
    attempts.iter().zip(outcomes).map(|(attempt, outcome)| (attempt.key(), answer(*outcome, at))).collect()
}

fn answer(outcome: ResultOutcome, received_at: DateTime<Utc>) -> IssuerAnswer {
    let approved = matches!(outcome, Approved | Issued);
    IssuerAnswer {
        outcome,
        source: ResultSource::Sync,
        issuer_ref: approved.then(|| "A-1".to_owned()),
        issuer_code: (!approved).then(|| "51".to_owned()),
        received_at,
        account: None,
    }
}
