//! Payments by deposit, in memory: whatever arrives, in whatever order, money is either counted, in suspense or sent back,
//! and a payment that has its verdict never becomes DONE by a deposit.

use chrono::{DateTime, TimeDelta, Utc};
use ledger_core::journal::{Account, JournalLine, Side};
use ledger_core::payment::confirm::{self, Answer, Confirm, LegRequest};
use ledger_core::payment::deposit::{self, Arrived, Refund, RefundEnd};
use ledger_core::payment::fact::{AttemptKind, Fact, Method, ResultOutcome, ShareOutcome, Verdict};
use ledger_core::payment::fold::Payment;
use ledger_core::payment::refusal::Refusal;
use ledger_core::payment::status::{Reversal, Status};
use ledger_core::payment::virtual_account::{IssuedAccount, Receiver};
use ledger_core::payment::{abort, cancel, reverse};
use proptest::prelude::*;

use super::world::{World, answer, issuer, rules, won};

pub fn leg(method: Method, amount: i64) -> LegRequest {
    LegRequest {
        method,
        issuer_id: "issuer".to_owned(),
        amount: won(amount),
        tax_free: None,
        card: None,
        method_token: None,
        installment_months: 0,
        partial_cancelable: true,
        deposit_hours: None,
    }
}

pub fn issued(due_at: DateTime<Utc>, at: DateTime<Utc>) -> Answer {
    let account = IssuedAccount {
        bank_code: "088".to_owned(),
        account_no: "110-123-456789".to_owned(),
        holder: Some("shop".to_owned()),
        due_at,
    };
    Answer { issuer_ref: Some("V1".to_owned()), account: Some(account), ..answer(ResultOutcome::Issued, at) }
}

/// A payment that waits: `deposited` by virtual account, and `by_card` by card if it is more than nothing. The account takes a
/// deposit for ten minutes.
pub fn waiting(deposited: i64, by_card: i64) -> World {
    let mut world = World::open(deposited + by_card, 0, "0.03");
    let mut legs = vec![leg(Method::VirtualAccount, deposited)];
    if by_card > 0 {
        legs.push(leg(Method::Card, by_card));
    }
    let count = legs.len();
    let facts = confirm::start(&world.payment, &Confirm { legs }, &[issuer()], &rules(), world.now).unwrap();
    world.apply("CONFIRM", facts);
    let due_at = world.now + TimeDelta::minutes(10);
    let mut answers = vec![(1, issued(due_at, world.now))];
    if count > 1 {
        answers.push((2, answer(ResultOutcome::Approved, world.now)));
    }
    let facts = confirm::finish(&world.payment, &answers, &[issuer()], world.now).unwrap();
    world.apply("VERDICT", facts);
    assert_eq!(world.payment.status(world.now), Status::WaitingForDeposit);
    world
}

pub fn arrives(world: &mut World, reference: &str, amount: i64) -> Result<u16, Refusal> {
    let cmd = Arrived {
        leg_no: None,
        bank_ref: reference.to_owned(),
        amount: won(amount),
        deposited_at: world.now,
    };
    let decision = deposit::receive(&world.payment, &cmd, world.now)?;
    world.apply("DEPOSIT", decision.facts);
    Ok(decision.number)
}

fn to() -> Receiver {
    Receiver { bank_code: "088".to_owned(), account_token: "acct".to_owned() }
}

pub fn wanted(amount: Option<i64>) -> cancel::Cancel {
    cancel::Cancel {
        cancel_request_id: "c".to_owned(),
        amount: amount.map(won),
        tax_free: None,
        expected_balance: None,
        refund_to: Some(to()),
        allocation: ledger_core::payment::allocation::Allocation::RefundOrder,
        reason: "test".to_owned(),
    }
}

pub fn give_up(world: &mut World) -> Result<(), Refusal> {
    let facts = cancel::start(&world.payment, &wanted(None), &[issuer()], &rules(), world.now)?;
    world.apply("CANCEL", facts);
    Ok(())
}

pub fn expire(world: &mut World) -> Result<(), Refusal> {
    let facts = abort::expire(&world.payment, &[issuer()], world.now)?;
    world.apply("EXPIRE", facts);
    Ok(())
}

pub fn refund(world: &mut World, amount: i64) -> Result<u16, Refusal> {
    let cmd = Refund {
        leg_no: None,
        refund_request_id: world.changes.len().to_string(),
        amount: won(amount),
        receiver: to(),
        reason: "too much".to_owned(),
    };
    let decision = deposit::refund(&world.payment, &cmd, world.now)?;
    world.apply("DEPOSIT_REFUND", decision.facts);
    Ok(decision.number)
}

pub fn refunded(world: &mut World, refund_no: u16, outcome: ShareOutcome) -> Result<(), Refusal> {
    let cmd = RefundEnd { refund_no, outcome, bank_ref: None };
    let decision = deposit::refund_ended(&world.payment, &cmd, world.now)?;
    world.apply("DEPOSIT_REFUND_RESULT", decision.facts);
    Ok(())
}

fn balance_of(world: &World, accounts: &[Account]) -> i64 {
    let lines = world.changes.iter().flat_map(|change| &change.journal);
    lines.filter(|line| accounts.contains(&line.account)).map(signed).sum()
}

fn signed(line: &JournalLine) -> i64 {
    match line.side {
        Side::Debit => line.amount.get(),
        Side::Credit => -line.amount.get(),
    }
}

#[test]
fn a_deposit_of_the_whole_amount_confirms_in_the_same_change() {
    let mut world = waiting(50_000, 0);
    arrives(&mut world, "r-1", 50_000).unwrap();
    assert_eq!(world.payment.status(world.now), Status::Done);
    assert_eq!(world.payment.balance(), Ok(won(50_000)));
    let last = world.changes.last().unwrap();
    let kinds: Vec<_> = last.events.iter().map(|event| event.kind).collect();
    assert_eq!(kinds, ["deposit.received.v1", "payment.confirmed.v1"]);
    assert_eq!(last.journal.iter().map(signed).sum::<i64>(), 0);
    assert_eq!((world.payment.suspense(), balance_of(&world, &[Account::Suspense])), (Ok(won(0)), 0));
}

#[test]
fn the_events_of_a_change_share_its_journal_lines_out_among_them() {
    let mut world = waiting(40_000, 10_000);
    arrives(&mut world, "r-1", 45_000).unwrap();
    let last = world.changes.last().unwrap();
    let told: usize = last
        .events
        .iter()
        .map(|event| serde_json::from_slice::<serde_json::Value>(&event.body).unwrap())
        .map(|body| body["journal"].as_array().map_or(0, Vec::len))
        .sum();
    assert_eq!(told, last.journal.len(), "each line is told once");
}

#[test]
fn too_little_waits_and_too_much_stays_in_suspense() {
    let mut world = waiting(50_000, 20_000);
    arrives(&mut world, "r-1", 30_000).unwrap();
    assert_eq!(world.payment.status(world.now), Status::WaitingForDeposit);
    assert_eq!(
        (world.payment.leg(1).unwrap().deposited(), world.payment.suspense()),
        (Ok(won(30_000)), Ok(won(30_000)))
    );
    let early = refund(&mut world, 10_000).unwrap_err();
    assert!(matches!(early, Refusal::InvalidState { status: Status::WaitingForDeposit, .. }), "{early}");
    arrives(&mut world, "r-2", 25_000).unwrap();
    assert_eq!(world.payment.status(world.now), Status::Done);
    assert_eq!(world.payment.suspense(), Ok(won(5_000)));
    assert_eq!(balance_of(&world, &[Account::Suspense]), -5_000);
    let much = refund(&mut world, 5_001).unwrap_err();
    assert_eq!(much, Refusal::ExceedsSuspense { available: won(5_000), requested: won(5_001) });
    let no = refund(&mut world, 5_000).unwrap();
    assert!(refund(&mut world, 1).is_err(), "what a refund under way holds is not there for another");
    refunded(&mut world, no, ShareOutcome::Failed).unwrap();
    let no = refund(&mut world, 5_000).unwrap();
    refunded(&mut world, no, ShareOutcome::Done).unwrap();
    refunded(&mut world, no, ShareOutcome::Done).unwrap();
    let other = refunded(&mut world, no, ShareOutcome::Failed).unwrap_err();
    assert_eq!(other, Refusal::DepositRefundEnded { outcome: ShareOutcome::Done });
    assert_eq!((world.payment.suspense(), balance_of(&world, &[Account::Suspense])), (Ok(won(0)), 0));
}

#[test]
fn the_same_reference_is_the_same_deposit() {
    let mut world = waiting(50_000, 0);
    let at = world.now;
    let cmd = |amount| Arrived {
        leg_no: Some(1),
        bank_ref: "r-1".to_owned(),
        amount: won(amount),
        deposited_at: at,
    };
    let first = deposit::receive(&world.payment, &cmd(20_000), world.now).unwrap();
    world.apply("DEPOSIT", first.facts);
    let again = deposit::receive(&world.payment, &cmd(20_000), world.now).unwrap();
    assert_eq!((again.facts.len(), again.number), (0, first.number));
    let other = deposit::receive(&world.payment, &cmd(20_001), world.now).unwrap_err();
    assert_eq!(other, Refusal::DepositReferenceReused { bank_ref: "r-1".to_owned() });
}

/// A way in which a payment ends before its deposit.
type End = fn(&mut World) -> Result<(), Refusal>;

/// R14
#[test]
fn a_deposit_after_the_end_stays_in_suspense_and_revives_nothing() {
    let ends: [End; 2] = [give_up, |world| {
        world.now += TimeDelta::minutes(11);
        expire(world)
    }];
    for end in ends {
        let mut world = waiting(50_000, 20_000);
        arrives(&mut world, "r-0", 10_000).unwrap();
        end(&mut world).unwrap();
        let status = world.payment.status(world.now);
        assert!(matches!(status, Status::Canceled | Status::Expired), "{status}");
        arrives(&mut world, "r-1", 50_000).unwrap();
        assert_eq!(world.payment.status(world.now), status);
        assert_eq!(world.payment.suspense(), Ok(won(60_000)));
        assert_eq!(world.payment.balance(), Ok(won(0)));
        assert_eq!(world.payment.reversal(world.now), Reversal::Pending, "the card is undone");
        assert_eq!(world.payment.exposure(world.now), won(20_000), "an empty account is no exposure");
        let no = refund(&mut world, 60_000).unwrap();
        refunded(&mut world, no, ShareOutcome::Done).unwrap();
        assert_eq!(balance_of(&world, &[Account::Suspense, Account::IssuerReceivable]), 0);
    }
}

#[test]
fn a_deposit_after_its_time_does_not_count_even_if_nobody_has_closed_the_payment() {
    let mut world = waiting(50_000, 0);
    world.now += TimeDelta::minutes(10) + TimeDelta::seconds(5);
    arrives(&mut world, "late", 50_000).unwrap();
    assert_eq!(world.payment.status(world.now), Status::WaitingForDeposit);
    assert_eq!(
        (world.payment.leg(1).unwrap().deposited(), world.payment.suspense()),
        (Ok(won(0)), Ok(won(50_000)))
    );
    expire(&mut world).unwrap();
    assert_eq!(world.payment.status(world.now), Status::Expired);
    assert_eq!(
        world.payment.reversal(world.now),
        Reversal::None,
        "an account whose time is over has closed by itself"
    );
}

#[test]
fn before_the_deposit_a_payment_is_canceled_as_a_whole_or_not_at_all() {
    let mut world = waiting(50_000, 0);
    let part = cancel::start(&world.payment, &wanted(Some(10_000)), &[issuer()], &rules(), world.now);
    assert_eq!(part.unwrap_err(), Refusal::CancelInFullOnly { total: won(50_000), requested: won(10_000) });
    assert!(expire(&mut world).is_err(), "its time is not over");
    give_up(&mut world).unwrap();
    assert_eq!(world.payment.verdict.as_ref().map(|fact| fact.verdict), Some(Verdict::Canceled));
    assert!(world.payment.cancels().next().is_none(), "nothing was paid, so nothing is refunded");
    assert_eq!(world.reverse(1, ResultOutcome::Reversed).map(reverse::Step::code), Some("VOIDED"));
    assert_eq!(ledger_core::payment::create::next_try(&world.payment, world.now), Ok(2));
}

#[test]
fn a_cancel_after_the_deposit_needs_an_account_to_refund_to() {
    let mut world = waiting(50_000, 0);
    arrives(&mut world, "r-1", 50_000).unwrap();
    let nowhere = cancel::Cancel { refund_to: None, ..wanted(Some(20_000)) };
    let refused = cancel::start(&world.payment, &nowhere, &[issuer()], &rules(), world.now).unwrap_err();
    assert_eq!(refused, Refusal::RefundAccountMissing { leg_no: 1 });
    let facts =
        cancel::start(&world.payment, &wanted(Some(20_000)), &[issuer()], &rules(), world.now).unwrap();
    world.apply("CANCEL", facts);
    world.answer_cancel(1, ResultOutcome::Canceled);
    assert_eq!(world.payment.balance(), Ok(won(30_000)));
    assert_eq!(world.payment.cancel(1).unwrap().refund_account.as_ref().unwrap().receiver, to());
    assert_eq!(balance_of(&world, &[Account::Suspense, Account::IssuerReceivable]), 30_000);
}

#[test]
fn a_leg_that_fails_leaves_no_account_open() {
    let mut world = World::open(50_000, 0, "0.03");
    let legs = vec![leg(Method::VirtualAccount, 30_000), leg(Method::Card, 20_000)];
    let facts = confirm::start(&world.payment, &Confirm { legs }, &[issuer()], &rules(), world.now).unwrap();
    let order: Vec<_> = facts
        .iter()
        .filter_map(|fact| {
            let Fact::Attempt(attempt) = fact else { return None };
            (attempt.kind == AttemptKind::Auth).then_some(attempt.leg_no)
        })
        .collect();
    assert_eq!(order, [2, 1], "the account is asked for last");
    world.apply("CONFIRM", facts);
    let answers = [(1, issued(world.now, world.now)), (2, answer(ResultOutcome::Timeout, world.now))];
    let facts = confirm::finish(&world.payment, &answers, &[issuer()], world.now).unwrap();
    world.apply("VERDICT", facts);
    assert_eq!(world.payment.status(world.now), Status::Aborted);
    assert_eq!(world.payment.reversal(world.now), Reversal::Pending);
    arrives(&mut world, "r-1", 30_000).unwrap();
    assert_eq!(
        (world.payment.status(world.now), world.payment.suspense()),
        (Status::Aborted, Ok(won(30_000)))
    );
}

/// What a history may hold.
#[derive(Debug, Clone, Copy)]
enum Step {
    Arrives(i64),
    GiveUp,
    TimePasses,
    Expire,
    Refund(i64),
    Refunded(u16, bool),
    Cancel(i64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        5 => (1_i64..40_000).prop_map(Step::Arrives),
        1 => Just(Step::GiveUp),
        1 => Just(Step::TimePasses),
        1 => Just(Step::Expire),
        2 => (1_i64..40_000).prop_map(Step::Refund),
        2 => (1_u16..4, any::<bool>()).prop_map(|(no, done)| Step::Refunded(no, done)),
        1 => (1_i64..40_000).prop_map(Step::Cancel),
    ]
}

/// One step; what is refused changes nothing.
fn take(world: &mut World, number: usize, step: Step) {
    let _ = match step {
        Step::Arrives(amount) => arrives(world, &format!("r-{number}"), amount).map(|_| ()),
        Step::GiveUp => {
            if world.payment.waits_for_deposit() {
                give_up(world)
            } else {
                Ok(())
            }
        }
        Step::TimePasses => {
            world.now += TimeDelta::minutes(6);
            Ok(())
        }
        Step::Expire => expire(world),
        Step::Refund(amount) => refund(world, amount).map(|_| ()),
        Step::Refunded(no, done) => {
            refunded(world, no, if done { ShareOutcome::Done } else { ShareOutcome::Failed })
        }
        Step::Cancel(amount) => {
            let cmd = cancel::Cancel { cancel_request_id: number.to_string(), ..wanted(Some(amount)) };
            let cancel_no = world.payment.next_cancel_no();
            cancel::start(&world.payment, &cmd, &[issuer()], &rules(), world.now).map(|facts| {
                world.apply("CANCEL", facts);
                if world.payment.cancel(cancel_no).is_some() {
                    world.answer_cancel(cancel_no, ResultOutcome::Canceled);
                }
            })
        }
    };
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(crate::world::cases(400)))]

    /// I1, I5, I11, I12, R14
    #[test]
    fn money_is_counted_or_in_suspense_or_sent_back_whatever_happens(
        by_card in prop_oneof![Just(0_i64), Just(7_000)],
        steps in prop::collection::vec(step(), 0..14),
        seed in any::<u64>(),
    ) {
        let mut world = waiting(30_000, by_card);
        let mut ended: Option<Verdict> = None;
        for (number, step) in steps.into_iter().enumerate() {
            take(&mut world, number, step);
            let payment = &world.payment;
            let verdict = payment.verdict.as_ref().map(|fact| fact.verdict);
            prop_assert!(ended.is_none() || ended == verdict, "a verdict is for ever");
            ended = verdict;
            let leg = payment.leg(1).unwrap();
            let arrived: i64 = leg.deposits.iter().map(|deposit| deposit.amount.get()).sum();
            let counted = leg.deposited().unwrap().get();
            prop_assert!(counted <= 30_000);
            prop_assert_eq!(verdict == Some(Verdict::Confirmed), counted == 30_000 && verdict != Some(Verdict::Expired)
                && verdict != Some(Verdict::Canceled));
            let sent: i64 = leg.refunds.values().filter(|refund| refund.ended(ShareOutcome::Done))
                .map(|refund| refund.refund.amount.get()).sum();
            let kept = if verdict == Some(Verdict::Confirmed) { counted } else { 0 };
            prop_assert_eq!(payment.suspense().unwrap().get(), arrived - kept - sent);
            prop_assert_eq!(balance_of(&world, &[Account::Suspense]), -payment.suspense().unwrap().get());
            let effective = payment.balance().unwrap().get();
            prop_assert_eq!(balance_of(&world, &[Account::Suspense, Account::IssuerReceivable]), effective);
            for change in &world.changes {
                prop_assert_eq!(change.journal.iter().map(signed).sum::<i64>(), 0);
            }
        }
        let mut shuffled = world.payment.facts().to_vec();
        super::order_free::shuffle(&mut shuffled, seed);
        let again = Payment::fold(world.payment.id, world.payment.head.clone(), shuffled).unwrap();
        prop_assert_eq!(again.facts(), world.payment.facts());
        prop_assert_eq!(again.suspense(), world.payment.suspense());
        prop_assert_eq!(again.status(world.now), world.payment.status(world.now));
    }
}
