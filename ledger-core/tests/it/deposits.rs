//! Payments by virtual account on real MySQL: issued, deposited, too little, too much, too late, given up.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use ledger_core::ids::PaymentId;
use ledger_core::ledger::{
    Answer, AttemptKey, BeginCancel, CommittedAttempt, DEPOSIT_GRACE, IssuerAnswer, Ledger, LedgerError,
    ReversalState,
};
use ledger_core::payment::cancel::Cancel;
use ledger_core::payment::confirm::Confirm;
use ledger_core::payment::deposit::{Arrived, Refund, RefundEnd};
use ledger_core::payment::fact::{AttemptKind, Method, ResultOutcome, ShareOutcome, Verdict};
use ledger_core::payment::fold::Payment;
use ledger_core::payment::status::{Reversal, Status};
use ledger_core::payment::virtual_account::{IssuedAccount, Receiver};
use ledger_core::store::idempotency;
use tokio::sync::Barrier;
use tokio::task::JoinSet;

use super::world::{
    MERCHANT, Plain, World, answer, cancel, cancel_operation, create, id_in, leg, now, operation, wanted, won,
};

const RACERS: usize = 16;

/// Every account takes a deposit for an hour.
fn issue(attempts: &[CommittedAttempt]) -> Vec<(AttemptKey, IssuerAnswer)> {
    let say = |attempt: &CommittedAttempt| {
        if attempt.method() != Method::VirtualAccount {
            return answer(ResultOutcome::Approved, Some("A-1"));
        }
        let account = IssuedAccount {
            bank_code: "088".to_owned(),
            account_no: "110-123-456789".to_owned(),
            holder: None,
            due_at: now() + TimeDelta::hours(1),
        };
        IssuerAnswer { account: Some(account), ..answer(ResultOutcome::Issued, Some("V-1")) }
    };
    attempts.iter().map(|attempt| (attempt.key(), say(attempt))).collect()
}

/// A payment of 50,000 won that waits for its deposit, 20,000 of it by card if wished.
async fn waiting(world: &World, order: &str, with_card: bool) -> Payment {
    let id = world.created(order, 50_000).await;
    let mut legs = vec![leg(Method::VirtualAccount, "bank-1", if with_card { 30_000 } else { 50_000 })];
    if with_card {
        legs.push(leg(Method::Card, "card-1", 20_000));
    }
    let (op, attempts) = world.begun(id, &format!("confirm-{order}"), &Confirm { legs }).await;
    assert_eq!(attempts.last().unwrap().method(), Method::VirtualAccount, "the account is asked for last");
    let told = world.ledger.finish_confirm(&op, id, &issue(&attempts), now(), &Plain).await.unwrap();
    assert!(matches!(told, Answer::Fresh(ref rendered) if rendered.status == 200), "{told:?}");
    let again = world.ledger.answered(&op, &Plain).await.unwrap();
    assert!(matches!(again, Some(Answer::Replayed(_))), "waiting is the answer of a confirm: {again:?}");
    let payment = loaded(world, id).await;
    assert_eq!(payment.status(now()), Status::WaitingForDeposit);
    payment
}

async fn loaded(world: &World, id: PaymentId) -> Payment {
    world.ledger.payment(MERCHANT, id).await.unwrap().unwrap()
}

fn arrived(reference: &str, amount: i64, deposited_at: DateTime<Utc>) -> Arrived {
    Arrived { leg_no: None, bank_ref: reference.to_owned(), amount: won(amount), deposited_at }
}

async fn arrives(ledger: &Ledger, id: PaymentId, key: &str, cmd: &Arrived) -> Result<Answer, LedgerError> {
    let op = operation(key, idempotency::Operation::Deposit, id.slot(), &format!("{cmd:?}"));
    ledger.receive_deposit(&op, id, cmd, &Plain).await
}

fn status_of(answer: &Answer) -> u16 {
    match answer {
        Answer::Fresh(rendered) => rendered.status,
        Answer::Replayed(replay) => replay.status,
        Answer::InProgress(..) | Answer::Running | Answer::Refused(_) | Answer::Reused(_) => {
            panic!("{answer:?}")
        }
    }
}

fn to() -> Receiver {
    Receiver { bank_code: "088".to_owned(), account_token: "acct-1".to_owned() }
}

async fn refund(world: &World, id: PaymentId, key: &str, amount: i64) -> Answer {
    let op = operation(key, idempotency::Operation::DepositRefund, id.slot(), &amount.to_string());
    let cmd = Refund {
        leg_no: None,
        refund_request_id: op.cancel_request_id(),
        amount: won(amount),
        receiver: to(),
        reason: "deposited too much".to_owned(),
    };
    world.ledger.refund_deposit(&op, id, &cmd, &Plain).await.unwrap()
}

async fn refunded(world: &World, id: PaymentId, refund_no: u16, outcome: ShareOutcome) -> Answer {
    let key = format!("{refund_no}-{outcome}");
    let op = operation(&key, idempotency::Operation::DepositRefundResult, id.slot(), &key);
    let cmd = RefundEnd { refund_no, outcome, bank_ref: Some("out-1".to_owned()) };
    world.ledger.end_deposit_refund(&op, id, &cmd, &Plain).await.unwrap()
}

/// What the journal has in an account of a payment: debits less credits.
async fn booked(world: &World, id: PaymentId, account: &str) -> i64 {
    sqlx::query_scalar(
        "SELECT CAST(COALESCE(SUM(IF(side = 'D', amount, -amount)), 0) AS SIGNED) FROM journal_line \
         WHERE payment_id = ? AND account = ?",
    )
    .bind(id.as_bytes().as_slice())
    .bind(account)
    .fetch_one(&world.owner)
    .await
    .unwrap()
}

async fn intact(world: &World, id: PaymentId) {
    let history = world.ledger.history(MERCHANT, id).await.unwrap().unwrap();
    assert!(history.iter().all(ledger_core::history::HistoryEntry::is_intact), "{history:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_deposit_confirms_in_its_own_commit_and_is_told_once() {
    let world = World::new("deposit").await;
    let payment = waiting(&world, "order-1", true).await;
    assert!(
        world
            .ledger
            .stale_intents(now() + TimeDelta::days(1), TimeDelta::zero(), 10)
            .await
            .unwrap()
            .is_empty(),
        "a payment that waits is not one whose process died"
    );
    let cmd = arrived("r-1", 30_000, now());
    let told = arrives(&world.ledger, payment.id, "d-1", &cmd).await.unwrap();
    assert_eq!(status_of(&told), 200);
    let after = loaded(&world, payment.id).await;
    assert_eq!((after.status(now()), after.head.seq), (Status::Done, payment.head.seq + 1));
    assert_eq!(after.balance().unwrap(), won(50_000));
    assert_eq!(after.leg(1).unwrap().auth_no(), Some("V-1"));
    for key in ["d-1", "d-2"] {
        let again = arrives(&world.ledger, payment.id, key, &cmd).await.unwrap();
        assert_eq!(status_of(&again), 200, "the same reference is the same deposit");
    }
    assert_eq!(loaded(&world, payment.id).await.head.seq, after.head.seq);
    assert_eq!(world.count("deposit").await, 1);
    assert_eq!(booked(&world, payment.id, "SUSPENSE").await, 0);
    assert_eq!(booked(&world, payment.id, "ISSUER_RECEIVABLE").await, 50_000);
    intact(&world, payment.id).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn too_little_waits_too_much_is_suspense_and_goes_back() {
    let world = World::new("deposit_over").await;
    let id = waiting(&world, "order-1", false).await.id;
    arrives(&world.ledger, id, "d-1", &arrived("r-1", 20_000, now())).await.unwrap();
    let short = loaded(&world, id).await;
    assert_eq!(short.status(now()), Status::WaitingForDeposit);
    assert_eq!(short.leg(1).unwrap().deposited().unwrap(), won(20_000));
    assert_eq!(booked(&world, id, "SUSPENSE").await, -20_000);
    arrives(&world.ledger, id, "d-2", &arrived("r-2", 45_000, now())).await.unwrap();
    let over = loaded(&world, id).await;
    assert_eq!((over.status(now()), over.suspense().unwrap()), (Status::Done, won(15_000)));
    assert_eq!(booked(&world, id, "SUSPENSE").await, -15_000);

    assert_eq!(status_of(&refund(&world, id, "f-1", 15_001).await), 409);
    assert_eq!(status_of(&refund(&world, id, "f-2", 10_000).await), 200);
    assert_eq!(status_of(&refund(&world, id, "f-3", 5_001).await), 409, "what is on its way is not there");
    assert_eq!(booked(&world, id, "SUSPENSE").await, -15_000, "it is there until it is sent");
    assert_eq!(status_of(&refunded(&world, id, 1, ShareOutcome::Done).await), 200);
    assert_eq!(status_of(&refunded(&world, id, 1, ShareOutcome::Failed).await), 409);
    assert_eq!(status_of(&refunded(&world, id, 7, ShareOutcome::Done).await), 409);
    assert_eq!(status_of(&refund(&world, id, "f-4", 5_000).await), 200);
    assert_eq!(status_of(&refunded(&world, id, 2, ShareOutcome::Failed).await), 200);
    let end = loaded(&world, id).await;
    assert_eq!((end.suspense().unwrap(), end.balance().unwrap()), (won(5_000), won(50_000)));
    assert_eq!(booked(&world, id, "SUSPENSE").await, -5_000);
    assert_eq!(booked(&world, id, "ISSUER_RECEIVABLE").await, 55_000);
    intact(&world, id).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_whose_deposit_does_not_come_is_found_closed_and_never_revived() {
    let world = World::new("deposit_expiry").await;
    let id = waiting(&world, "order-1", true).await.id;
    arrives(&world.ledger, id, "d-1", &arrived("r-1", 10_000, now())).await.unwrap();
    let due_at = loaded(&world, id).await.leg(1).unwrap().account.as_ref().unwrap().account.due_at;
    let second = TimeDelta::seconds(1);
    assert!(world.ledger.overdue_deposits(due_at + DEPOSIT_GRACE, 10).await.unwrap().is_empty());
    assert_eq!(world.ledger.expire(id, due_at).await.unwrap().status(due_at), Status::WaitingForDeposit);
    let later = due_at + DEPOSIT_GRACE + second;
    assert_eq!(world.ledger.overdue_deposits(later, 10).await.unwrap(), [id]);
    let expired = world.ledger.expire(id, later).await.unwrap();
    assert_eq!((expired.status(later), expired.reversal(later)), (Status::Expired, Reversal::Pending));
    assert_eq!(
        expired.exposure(later),
        won(20_000),
        "the card is to be undone, the account has closed by itself"
    );
    assert!(world.ledger.overdue_deposits(later, 10).await.unwrap().is_empty());

    let late = arrives(&world.ledger, id, "d-2", &arrived("r-2", 30_000, due_at - second)).await.unwrap();
    assert_eq!(status_of(&late), 200, "the money is there, so it is recorded");
    let after = loaded(&world, id).await;
    assert_eq!((after.status(later), after.suspense().unwrap()), (Status::Expired, won(40_000)));
    assert_eq!(booked(&world, id, "SUSPENSE").await, -40_000);
    assert_eq!(status_of(&refund(&world, id, "f-1", 40_000).await), 200);
    assert_eq!(status_of(&refunded(&world, id, 1, ShareOutcome::Done).await), 200);
    assert_eq!((booked(&world, id, "SUSPENSE").await, booked(&world, id, "ISSUER_RECEIVABLE").await), (0, 0));
    assert_eq!(world.count("payment_verdict WHERE verdict = 'EXPIRED'").await, 1);
    intact(&world, id).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn before_its_deposit_a_payment_is_given_up_whole_and_its_account_closed() {
    let world = World::new("deposit_given_up").await;
    let id = waiting(&world, "order-1", false).await.id;
    let part = cancel(&world.ledger, id, Some(10_000), "c-1").await.unwrap();
    assert_eq!(status_of(&part), 409);
    let whole = cancel(&world.ledger, id, None, "c-2").await.unwrap();
    assert_eq!(status_of(&whole), 200);
    let again = cancel(&world.ledger, id, None, "c-2").await.unwrap();
    assert!(matches!(again, Answer::Replayed(_)), "{again:?}");
    let closed = loaded(&world, id).await;
    assert_eq!((closed.status(now()), closed.exposure(now())), (Status::Canceled, won(0)));
    assert_eq!(status_of(&cancel(&world.ledger, id, None, "c-3").await.unwrap()), 409);

    let due = world.ledger.due_reversals(now(), 10).await.unwrap();
    let key = AttemptKey {
        payment_id: id,
        leg_no: due[0].leg_no,
        kind: AttemptKind::Auth,
        attempt_no: due[0].attempt_no,
    };
    let attempt = world.ledger.begin_reversal(key, now()).await.unwrap().unwrap();
    assert_eq!(attempt.original().unwrap().auth_no.as_deref(), Some("V-1"), "the account is named");
    let state = world
        .ledger
        .finish_reversal(attempt.key(), &answer(ResultOutcome::Reversed, None), now())
        .await
        .unwrap();
    assert_eq!(state, ReversalState::Voided);
    assert_eq!(loaded(&world, id).await.reversal(now()), Reversal::Done);
    let next = create(&world.ledger, "order-1", 50_000, "again").await.unwrap();
    assert_ne!(id_in(&next), id, "the order may be tried again");
    intact(&world, id).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_its_deposit_a_cancel_carries_where_the_money_goes() {
    let world = World::new("deposit_cancel").await;
    let id = waiting(&world, "order-1", false).await.id;
    arrives(&world.ledger, id, "d-1", &arrived("r-1", 50_000, now())).await.unwrap();
    let nowhere = cancel(&world.ledger, id, Some(20_000), "c-1").await.unwrap();
    assert_eq!(status_of(&nowhere), 409);
    let cmd = Cancel { refund_to: Some(to()), ..wanted(Some(20_000)) };
    let op = cancel_operation("c-2", id, &cmd);
    let cmd = Cancel { cancel_request_id: op.cancel_request_id(), ..cmd };
    let BeginCancel::Started { cancel_no, attempts, .. } =
        world.ledger.begin_cancel(&op, id, &cmd, &Plain).await.unwrap()
    else {
        panic!("it is sent to the issuer")
    };
    assert_eq!(attempts[0].refund_to(), Some(&to()));
    let open = ledger_core::ledger::OpenCancel { payment_id: id, cancel_no };
    let repeated = world.ledger.begin_cancel_repeat(open).await.unwrap();
    assert_eq!(repeated[0].refund_to(), Some(&to()), "R6: repeated with the same data");
    let answers = [(attempts[0].key(), answer(ResultOutcome::Canceled, None))];
    world.ledger.finish_cancel(&op, id, cancel_no, &answers, now(), &Plain).await.unwrap();
    let after = loaded(&world, id).await;
    assert_eq!((after.status(now()), after.balance().unwrap()), (Status::PartialCanceled, won(30_000)));
    assert_eq!(booked(&world, id, "ISSUER_RECEIVABLE").await, 30_000);
    assert_eq!(world.count("refund_account").await, 1);
    intact(&world, id).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_bank_reference_is_one_deposit_whoever_tells_it_and_of_which_payment() {
    let world = World::new("deposit_reference").await;
    let (one, two) = (waiting(&world, "order-1", false).await.id, waiting(&world, "order-2", false).await.id);
    let ledgers = [world.ledger.clone(), world.second_ledger().await];
    let (cmd, start) = (arrived("r-1", 20_000, now()), Arc::new(Barrier::new(RACERS)));
    let mut race = JoinSet::new();
    for racer in 0..RACERS {
        let (ledger, start, cmd) = (ledgers[racer % 2].clone(), start.clone(), cmd.clone());
        race.spawn(async move {
            start.wait().await;
            let key = format!("d-{racer}");
            until_decided(|| arrives(&ledger, one, &key, &cmd)).await
        });
    }
    let told: Vec<_> = race.join_all().await;
    assert!(told.iter().all(|answer| status_of(answer) == 200), "{told:?}");
    assert_eq!(world.count("deposit").await, 1);
    let elsewhere = arrives(&world.ledger, two, "d-x", &cmd).await.unwrap();
    assert_eq!(status_of(&elsewhere), 409, "the reference is a deposit of another payment");
    assert_eq!(loaded(&world, two).await.suspense().unwrap(), won(0));
}

/// As a caller does that is told to come back.
async fn until_decided<F>(mut ask: impl FnMut() -> F) -> Answer
where
    F: Future<Output = Result<Answer, LedgerError>>,
{
    loop {
        match ask().await {
            Err(LedgerError::Contended(_)) => {}
            done => return done.unwrap(),
        }
    }
}

/// R14: the deposit races the merchant's cancel and the expiry. The first verdict decides; what came too late is in suspense,
/// and not a won is lost.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_deposit_that_races_the_end_counts_or_is_in_suspense() {
    let world = World::new("race_deposit").await;
    let ledgers = [world.ledger.clone(), world.second_ledger().await];
    for round in 0..4 {
        let payment = waiting(&world, &format!("order-{round}"), true).await;
        let id = payment.id;
        let (before, start) = (now(), Arc::new(Barrier::new(RACERS)));
        let after_due = before + TimeDelta::hours(2);
        let mut race = JoinSet::new();
        for racer in 0..RACERS {
            let (ledger, start) = (ledgers[racer % 2].clone(), start.clone());
            race.spawn(async move {
                start.wait().await;
                let key = format!("{round}-{racer}");
                match (racer + round) % 4 {
                    0 | 1 => {
                        let cmd = arrived(&format!("r-{key}"), 30_000, before);
                        until_decided(|| arrives(&ledger, id, &key, &cmd)).await;
                    }
                    2 => {
                        until_decided(|| cancel(&ledger, id, None, &key)).await;
                    }
                    _ => while let Err(LedgerError::Contended(_)) = ledger.expire(id, after_due).await {},
                }
            });
        }
        race.join_all().await;
        judge(&world, id, round).await;
    }
}

async fn judge(world: &World, id: PaymentId, round: usize) {
    let end = loaded(world, id).await;
    let verdict = end.verdict.as_ref().unwrap().verdict;
    let leg = end.leg(1).unwrap();
    assert_eq!(leg.deposits.len(), RACERS / 2, "round {round}: every deposit is recorded");
    let is_confirmed = verdict == Verdict::Confirmed;
    let counted = leg.deposited().unwrap();
    assert_eq!(counted, if is_confirmed { won(30_000) } else { won(0) }, "round {round}: {verdict}");
    let arrived = 30_000 * i64::try_from(RACERS / 2).unwrap();
    assert_eq!(end.suspense().unwrap().get(), arrived - counted.get());
    assert_eq!(booked(world, id, "SUSPENSE").await, -end.suspense().unwrap().get());
    let paid = if is_confirmed { 50_000 } else { 0 };
    assert_eq!(end.balance().unwrap().get(), paid);
    assert_eq!(booked(world, id, "ISSUER_RECEIVABLE").await, paid + end.suspense().unwrap().get());
    let exposed = if is_confirmed { won(0) } else { won(20_000) };
    assert_eq!(end.exposure(now()), exposed, "round {round}: the card of a payment that ended is undone");
    intact(world, id).await;
}
