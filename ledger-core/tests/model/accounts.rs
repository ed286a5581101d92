//! Virtual accounts, at their edges: which leg a deposit is for, until when it counts, what is closed and what is undone when
//! none comes, what can be sent back.

use chrono::{DateTime, TimeDelta, Utc};
use ledger_core::payment::abort;
use ledger_core::payment::confirm::{self, Confirm};
use ledger_core::payment::deposit::{self, Arrived, Refund};
use ledger_core::payment::fact::{AttemptKind, Method, ResultOutcome, Ruling, ShareOutcome};
use ledger_core::payment::refusal::Refusal;
use ledger_core::payment::status::{Reversal, Status};
use ledger_core::payment::virtual_account::Receiver;
use ledger_core::reference::Issuer;

use super::deposits::{give_up, issued, leg, refunded, waiting};
use super::world::{World, answer, issuer, rules, won};

const INSTANT: TimeDelta = TimeDelta::microseconds(1);

/// Two legs by deposit, of 30,000 and 20,000, and a third by card; accounts that close after so many minutes.
fn two_accounts(minutes: [i64; 2]) -> World {
    let mut world = World::open(60_000, 0, "0.03");
    let mut legs = vec![leg(Method::VirtualAccount, 30_000), leg(Method::VirtualAccount, 20_000)];
    legs.push(leg(Method::Card, 10_000));
    "other".clone_into(&mut legs[1].issuer_id);
    let issuers = [issuer(), Issuer { issuer_id: "other".to_owned(), ..issuer() }];
    let facts = confirm::start(&world.payment, &Confirm { legs }, &issuers, &rules(), world.now).unwrap();
    world.apply("CONFIRM", facts);
    let due = |minutes| issued(world.now + TimeDelta::minutes(minutes), world.now);
    let card = answer(ResultOutcome::Approved, world.now);
    let answers = [(1, due(minutes[0])), (2, due(minutes[1])), (3, card)];
    let facts = confirm::finish(&world.payment, &answers, &issuers, world.now).unwrap();
    world.apply("VERDICT", facts);
    world
}

fn arrived(leg_no: Option<u8>, reference: &str, amount: i64, at: DateTime<Utc>) -> Arrived {
    Arrived { leg_no, bank_ref: reference.to_owned(), amount: won(amount), deposited_at: at }
}

fn receive(world: &mut World, cmd: &Arrived) -> Result<u16, Refusal> {
    let decision = deposit::receive(&world.payment, cmd, world.now)?;
    world.apply("DEPOSIT", decision.facts);
    Ok(decision.number)
}

fn due(world: &World, leg_no: u8) -> DateTime<Utc> {
    world.payment.leg(leg_no).unwrap().account.as_ref().unwrap().account.due_at
}

fn deposited(world: &World) -> [i64; 2] {
    [1, 2].map(|leg_no| world.payment.leg(leg_no).unwrap().deposited().unwrap().get())
}

fn expire(world: &World) -> Result<Vec<ledger_core::payment::fact::Fact>, Refusal> {
    abort::expire(&world.payment, &[issuer()], world.now)
}

#[test]
fn a_deposit_names_its_leg_where_there_are_two() {
    let mut world = two_accounts([10, 10]);
    let now = world.now;
    let unnamed = receive(&mut world, &arrived(None, "r", 1_000, now));
    assert_eq!(unnamed, Err(Refusal::NoVirtualAccount { leg_no: None }));
    for leg_no in [3, 4] {
        let none = Err(Refusal::NoVirtualAccount { leg_no: Some(leg_no) });
        assert_eq!(receive(&mut world, &arrived(Some(leg_no), "r", 1_000, now)), none);
    }
    assert_eq!(receive(&mut world, &arrived(Some(2), "r", 20_000, now)), Ok(1));
    assert_eq!(deposited(&world), [0, 20_000]);
    assert_eq!(world.payment.status(world.now), Status::WaitingForDeposit, "the other leg is missing");
    assert_eq!(receive(&mut world, &arrived(Some(1), "s", 29_999, now)), Ok(2), "numbered over all legs");
    assert_eq!(world.payment.status(world.now), Status::WaitingForDeposit, "one won is missing");
    assert_eq!(receive(&mut world, &arrived(Some(1), "t", 1, now)), Ok(3));
    assert_eq!(world.payment.status(world.now), Status::Done);
}

/// The bank's name for a deposit is its issuer's: two issuers may use the same, one says nothing else under it.
#[test]
fn a_reference_is_one_deposit_of_one_issuer() {
    let mut world = two_accounts([10, 10]);
    let now = world.now;
    let first = arrived(Some(1), "r", 1_000, now);
    assert_eq!(receive(&mut world, &first), Ok(1));
    assert_eq!(receive(&mut world, &first), Ok(1), "told again");
    assert_eq!(receive(&mut world, &arrived(Some(2), "r", 1_000, now)), Ok(2), "another issuer's");
    let reused = Err(Refusal::DepositReferenceReused { bank_ref: "r".to_owned() });
    for other in [arrived(Some(1), "r", 1_001, now), arrived(Some(1), "r", 1_000, now - INSTANT)] {
        assert_eq!(receive(&mut world, &other), reused, "{other:?}");
    }
    assert_eq!(receive(&mut world, &arrived(Some(1), "s", 1_000, now)), Ok(3));
    assert_eq!(deposited(&world), [2_000, 1_000]);
}

#[test]
fn a_deposit_counts_until_the_last_instant_whenever_it_is_told() {
    for (late, counted) in [(TimeDelta::zero(), 20_000), (INSTANT, 0)] {
        let mut world = two_accounts([10, 10]);
        let at = due(&world, 2) + late;
        world.now = at + TimeDelta::hours(1);
        receive(&mut world, &arrived(Some(2), "r", 20_000, at)).unwrap();
        assert_eq!(deposited(&world), [0, counted]);
    }
}

/// A payment is overdue once the time of an account is over that has not got all of its money. What has closed by itself needs
/// no undoing; everything else does.
#[test]
fn a_payment_expires_with_the_first_account_that_is_not_paid() {
    let mut world = two_accounts([10, 20]);
    world.now = due(&world, 1);
    let waits = Err(Refusal::InvalidState { status: Status::WaitingForDeposit, verb: "expired" });
    assert_eq!(expire(&world), waits, "its last instant");
    world.now += INSTANT;
    let facts = expire(&world).unwrap();
    world.apply("EXPIRE", facts);
    let rulings: Vec<_> =
        world.payment.legs().map(|leg| leg.authorizations().last().unwrap().ruling()).collect();
    let undone = Some(Ruling::Abandon);
    assert_eq!(rulings, [Some(Ruling::Reject), undone, undone], "closed; still open; approved");
    assert_eq!(world.payment.status(world.now), Status::Expired);

    let mut both = two_accounts([10, 20]);
    both.now = due(&both, 2);
    let facts = expire(&both).unwrap();
    both.apply("EXPIRE", facts);
    let second = both.payment.attempt(2, AttemptKind::Auth, 1).unwrap();
    assert_eq!(second.ruling(), undone, "in its last instant an account is still open");

    let mut paid = two_accounts([10, 20]);
    let now = paid.now;
    receive(&mut paid, &arrived(Some(1), "r", 30_000, now)).unwrap();
    paid.now = due(&paid, 1) + INSTANT;
    assert_eq!(expire(&paid), waits, "the account whose time is over has its money");
    paid.now = due(&paid, 2) + INSTANT;
    assert!(expire(&paid).is_ok());
    let done = World::confirmed(&[1_000], 0, true);
    assert!(matches!(
        deposit::expire(&done.payment, &[issuer()], done.now),
        Err(Refusal::InvalidState { .. })
    ));
}

#[test]
fn before_its_deposit_a_payment_is_given_up_for_its_whole_amount_only() {
    let give_up = |wanted: Option<i64>| {
        let world = two_accounts([10, 10]);
        deposit::give_up(&world.payment, &[issuer()], wanted.map(won), world.now).map(drop)
    };
    let whole = |requested| Err(Refusal::CancelInFullOnly { total: won(60_000), requested: won(requested) });
    assert_eq!((give_up(None), give_up(Some(60_000))), (Ok(()), Ok(())));
    assert_eq!((give_up(Some(59_999)), give_up(Some(60_001))), (whole(59_999), whole(60_001)));
}

/// What the customer is to deposit to exists only when every other leg is approved.
#[test]
fn a_payment_waits_for_deposits_only_when_nothing_else_is_missing() {
    let world = two_accounts([10, 10]);
    assert!(world.payment.waits_for_deposit());
    let mut card = World::open(1_000, 0, "0.03");
    assert!(!card.payment.waits_for_deposit(), "nothing is asked");
    card.begin(&[1_000], true);
    assert!(!card.payment.waits_for_deposit(), "an issuer is being asked");
    card.finish(&[ResultOutcome::Approved]);
    assert!(!card.payment.waits_for_deposit(), "it is paid");
    let mut closed = waiting(50_000, 0);
    give_up(&mut closed).unwrap();
    assert!(!closed.payment.waits_for_deposit(), "it is given up");
    assert!(closed.payment.is_closed());
}

#[test]
fn suspense_is_sent_back_up_to_what_no_other_refund_holds() {
    let mut world = two_accounts([10, 10]);
    let (first, second) = (due(&world, 1) + INSTANT, due(&world, 2) + INSTANT);
    world.now = first;
    let facts = expire(&world).unwrap();
    world.apply("EXPIRE", facts);
    receive(&mut world, &arrived(Some(1), "r", 700, first)).unwrap();
    receive(&mut world, &arrived(Some(2), "s", 300, second)).unwrap();
    assert_eq!(world.payment.suspense(), Ok(won(1_000)));
    let refund = |world: &mut World, leg_no, amount| {
        let cmd = Refund {
            leg_no: Some(leg_no),
            refund_request_id: format!("{leg_no}-{amount}"),
            amount: won(amount),
            receiver: Receiver { bank_code: "088".to_owned(), account_token: "acct".to_owned() },
            reason: "too late".to_owned(),
        };
        let decision = deposit::refund(&world.payment, &cmd, world.now)?;
        world.apply("DEPOSIT_REFUND", decision.facts);
        Ok(decision.number)
    };
    let exceeds = |available, requested| {
        Err(Refusal::ExceedsSuspense { available: won(available), requested: won(requested) })
    };
    assert_eq!(refund(&mut world, 1, 0), exceeds(700, 0));
    assert_eq!(refund(&mut world, 1, 701), exceeds(700, 701), "each leg has its own");
    assert_eq!(refund(&mut world, 2, 300), Ok(1));
    assert_eq!(refund(&mut world, 1, 400), Ok(2), "numbered over all legs");
    assert_eq!(refund(&mut world, 1, 301), exceeds(300, 301), "the rest is held");
    let refunding = |world: &World, leg_no: u8, no| world.payment.leg(leg_no).unwrap().refunds[&no].clone();
    assert!(refunding(&world, 1, 2).is_live() && !refunding(&world, 1, 2).ended(ShareOutcome::Done));
    assert_eq!(world.payment.suspense(), Ok(won(1_000)), "under way is not gone");
    refunded(&mut world, 2, ShareOutcome::Failed).unwrap();
    assert!(!refunding(&world, 1, 2).is_live());
    assert_eq!(refund(&mut world, 1, 700), Ok(3), "what failed is there again");
    refunded(&mut world, 1, ShareOutcome::Done).unwrap();
    assert_eq!(world.payment.suspense(), Ok(won(700)));
    assert_eq!(refunded(&mut world, 9, ShareOutcome::Done), Err(Refusal::NoSuchDepositRefund(9)));
}

/// An account that its issuer will not close is with people at once: a deposit may be on its way there, and there is no approval
/// that an inquiry could name.
#[test]
fn an_account_that_cannot_be_closed_is_handed_to_people() {
    for refused in [ResultOutcome::TooLate, ResultOutcome::Declined] {
        let mut world = waiting(50_000, 0);
        give_up(&mut world).unwrap();
        let step = world.reverse(1, refused);
        assert_eq!(step.map(ledger_core::payment::reverse::Step::code), Some("ESCALATED"), "{refused:?}");
        assert_eq!(world.payment.reversal(world.now), Reversal::Escalated);
    }
}

/// Closing an account is undoing its authorization: an issuer that knows nothing of an account that it issued is not believed.
#[test]
fn an_account_that_was_given_up_is_closed_by_its_issuers_word() {
    let mut world = waiting(50_000, 0);
    give_up(&mut world).unwrap();
    assert_eq!(world.payment.reversal(world.now), Reversal::Pending);
    world.now += TimeDelta::seconds(61);
    for _ in 0..2 {
        assert_eq!(
            world.reverse(1, ResultOutcome::NoOriginal).map(ledger_core::payment::reverse::Step::code),
            Some("REPEAT")
        );
    }
    world.reverse(1, ResultOutcome::Reversed);
    assert_eq!(world.payment.reversal(world.now), Reversal::Done);
    let target = world.payment.attempt(1, AttemptKind::Auth, 1).unwrap();
    assert_eq!(target.exposure(world.now), won(0));
}
