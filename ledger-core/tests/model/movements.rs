//! What moved, one by one, and what is exposed: approvals that stand, shares that were refunded, money whose fate is unknown.

use chrono::TimeDelta;
use ledger_core::money::Minor;
use ledger_core::payment::attempt::{AttemptState, Uncertainty};
use ledger_core::payment::cancel;
use ledger_core::payment::confirm::Answer;
use ledger_core::payment::exposure;
use ledger_core::payment::fact::{AttemptKind, Method, NetworkCancelReason, ResultOutcome};
use ledger_core::payment::transaction::{self, Transaction, TransactionKind};
use ledger_core::time::BusinessDate;
use proptest::prelude::*;

use super::world::{World, answer, won};

fn approvals(world: &World) -> Vec<Transaction> {
    let legs = world.payment.legs().map(|leg| leg.approval.leg_no);
    legs.filter_map(|leg_no| transaction::approval(&world.payment, leg_no).unwrap()).collect()
}

/// Cancels an amount; the issuers give it these numbers, leg by leg, and decline where there is none.
fn refunded(world: &mut World, amount: i64, numbers: &[(u8, Option<&str>)]) -> u16 {
    let no = world.cancel(Some(amount), None).unwrap();
    let answers: Vec<_> = numbers
        .iter()
        .map(|(leg_no, number)| {
            let outcome = if number.is_some() { ResultOutcome::Canceled } else { ResultOutcome::Declined };
            let issuer_ref = number.map(str::to_owned);
            (*leg_no, Answer { issuer_ref, ..answer(outcome, world.now) })
        })
        .collect();
    let facts = cancel::finish(&world.payment, no, &answers, world.now).unwrap();
    world.apply("CANCEL_RESULT", facts);
    no
}

#[test]
fn an_approval_is_listed_with_what_it_is_and_when_it_came_to_count() {
    let mut world = World::confirmed(&[15_000, 35_000], 5_000, true);
    let decided = world.payment.verdict.as_ref().unwrap().decided_at;
    let [card, points]: [Transaction; 2] = approvals(&world).try_into().unwrap();
    assert_eq!((card.kind(), card.cancel_no, card.original.clone()), (TransactionKind::Approval, None, None));
    assert_eq!((card.leg_no, card.method, card.issuer_id.as_str()), (1, Method::Card, "issuer"));
    assert_eq!((points.leg_no, points.method), (2, Method::EasyPay));
    assert_eq!((card.amount, points.amount), (won(15_000), won(35_000)));
    assert_eq!((card.tax_free, points.tax_free), (won(1_500), won(3_500)));
    assert_eq!((card.order_id.as_str(), card.payment_id), ("o", world.payment.id));
    assert_eq!((card.occurred_at, card.business_date), (decided, BusinessDate::in_seoul(decided)));
    assert_eq!(card.issuer_ref.as_deref(), Some("A1"));
    assert_eq!(transaction::approval(&world.payment, 3).unwrap(), None);

    let no = refunded(&mut world, 50_000, &[(1, Some("C1")), (2, Some("C2"))]);
    assert_eq!(approvals(&world), [card, points], "a refund changes nothing about what it takes back");
    assert_eq!(transaction::refund(&world.payment, no, 2).unwrap().issuer_ref.as_deref(), Some("C2"));
}

/// The day of a movement is that of its verdict in Seoul, not that of the order.
#[test]
fn an_approval_moves_on_the_day_it_came_to_count() {
    let mut world = World::open(1_000, 0, "0.03");
    world.begin(&[1_000], true);
    world.now += TimeDelta::hours(13);
    let days = [world.payment.opened.created_at, world.now].map(BusinessDate::in_seoul);
    world.finish(&[ResultOutcome::Approved]);
    assert_eq!(approvals(&world)[0].business_date, days[1]);
    assert_ne!(days[0], days[1]);
}

#[test]
fn what_was_never_confirmed_is_no_movement() {
    let mut world = World::open(1_000, 0, "0.03");
    world.begin(&[1_000], true);
    assert_eq!(approvals(&world), []);
    world.finish(&[ResultOutcome::Timeout]);
    world.late(1, ResultOutcome::Approved);
    assert_eq!(approvals(&world), [], "an approval that came late does not stand");
    assert_eq!(transaction::refund(&world.payment, 1, 1), None);
}

/// R16: a share that was refused is no movement; one that was refunded is, whatever became of the others.
#[test]
fn a_refund_is_listed_share_by_share_with_the_approval_it_takes_back() {
    let mut world = World::confirmed(&[15_000, 35_000], 30_000, true);
    let decided = world.payment.verdict.as_ref().unwrap().decided_at;
    world.now += TimeDelta::days(1);
    let first = refunded(&mut world, 40_000, &[(1, Some("C1")), (2, None)]);
    let at = world.payment.cancel(first).unwrap().outcomes[&1].decided_at;
    let second = refunded(&mut world, 20_000, &[(2, Some("C2"))]);
    let third = refunded(&mut world, 5_000, &[(2, Some("C3"))]);
    let refund = |no, leg_no| transaction::refund(&world.payment, no, leg_no);
    assert_eq!(refund(first, 2), None, "its issuer refused");
    assert_eq!((refund(second, 1), refund(9, 1), refund(first, 9)), (None, None, None));
    let mut parts = [won(0), won(0)];
    for (no, leg_no) in [(first, 1), (second, 2), (third, 2)] {
        let listed = refund(no, leg_no).unwrap();
        let shares = &world.payment.cancel(no).unwrap().shares;
        let share = shares.iter().find(|share| share.leg_no == leg_no).unwrap();
        assert_eq!((listed.amount, listed.tax_free, listed.vat), (share.amount, share.tax_free, share.vat));
        parts = [parts[0].max(listed.tax_free), parts[1].max(listed.vat)];
    }
    assert!(parts.iter().all(|part| !part.is_zero()), "some had each part");
    let listed = refund(first, 1).unwrap();
    assert_eq!((listed.kind(), listed.cancel_no), (TransactionKind::Cancel, Some(first)));
    assert_eq!((listed.occurred_at, listed.business_date), (at, BusinessDate::in_seoul(at)));
    assert_ne!(listed.business_date, BusinessDate::in_seoul(decided), "the day of the refund");
    let original = listed.original.unwrap();
    assert_eq!((original.amount, original.occurred_at), (won(15_000), decided));
    assert_eq!(
        (original.business_date, original.issuer_ref.as_deref()),
        (BusinessDate::in_seoul(decided), Some("A1"))
    );
    let numbers =
        [(first, 1), (second, 2), (third, 2)].map(|(no, leg)| refund(no, leg).unwrap().issuer_ref.unwrap());
    assert_eq!(numbers, ["C1", "C2", "C3"], "each has its own number");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(crate::world::cases(400)))]

    /// I4: the parts of what is listed add up to the payment's, and with all refunded to nothing.
    #[test]
    fn the_parts_of_movements_add_up(first in 1_i64..90_000, second in 1_i64..90_000, tax_free in 0_i64..90_000, cut in 1_i64..90_000) {
        let total = first + second;
        let mut world = World::confirmed(&[first, second], tax_free.min(total), true);
        let part = |of: fn(&Transaction) -> Minor, all: &[Transaction]| Minor::sum(all.iter().map(of)).unwrap();
        let parts = |all: &[Transaction]| [part(|t| t.amount, all), part(|t| t.tax_free, all), part(|t| t.vat, all)];
        let opened = &world.payment.opened;
        let whole = [opened.total, opened.tax_free, opened.vat];
        prop_assert_eq!(parts(&approvals(&world)), whole);
        let mut back = Vec::new();
        for amount in [cut.min(total - 1), total - cut.min(total - 1)] {
            let no = world.cancel(Some(amount), None).unwrap();
            world.answer_cancel(no, ResultOutcome::Canceled);
            back.extend((1..=2).filter_map(|leg| transaction::refund(&world.payment, no, leg)));
        }
        prop_assert_eq!(parts(&back), whole);
    }
}

#[test]
fn exposure_names_each_attempt_whose_fate_is_unknown_and_since_when() {
    let mut world = World::open(3_000, 0, "0.03");
    world.begin(&[1_000, 2_000], true);
    assert_eq!(exposure::of(&world.payment, world.now), [], "an answer may still come in time");
    let deadline = world.payment.attempt(1, AttemptKind::Auth, 1).unwrap().attempt.deadline_at;
    let silent = exposure::of(&world.payment, deadline + TimeDelta::microseconds(1));
    assert_eq!(
        (silent[0].state, silent[0].since),
        (AttemptState::Uncertain(Uncertainty::NoAnswer).status(), deadline)
    );
    assert_eq!(exposure::of(&world.payment, deadline + TimeDelta::hours(1)).len(), 2);
    assert_eq!(exposure::of(&world.payment, deadline), [], "the last instant still counts");

    let given_up = world.now;
    world.finish(&[ResultOutcome::Declined, ResultOutcome::Timeout]);
    let [exposed] = exposure::of(&world.payment, world.now).try_into().unwrap();
    assert_eq!((exposed.leg_no, exposed.attempt_no, exposed.amount), (2, 1, won(2_000)));
    assert_eq!(
        (exposed.state, exposed.since),
        (AttemptState::Reversing(NetworkCancelReason::Timeout).status(), given_up)
    );
    assert_eq!(
        (exposed.merchant_id.as_str(), exposed.order_id.as_str(), exposed.issuer_id.as_str()),
        ("m", "o", "issuer")
    );
    world.reverse(2, ResultOutcome::Reversed);
    assert_eq!(exposure::of(&world.payment, world.now), []);
    let paid = World::confirmed(&[1_000], 0, true);
    assert_eq!(exposure::of(&paid.payment, paid.now), [], "what stands by our own word is not exposed");
}
