//! I11: a payment is a function of the set of its facts.

use ledger_core::payment::fact::{AttemptKind, Fact, ResultOutcome};
use ledger_core::payment::fold::Payment;
use proptest::prelude::*;

use super::caller;
use super::world::World;

fn outcome() -> impl Strategy<Value = ResultOutcome> {
    prop::sample::select(vec![
        ResultOutcome::Approved,
        ResultOutcome::Declined,
        ResultOutcome::Timeout,
        ResultOutcome::Garbled,
        ResultOutcome::Reset,
        ResultOutcome::NotSent,
    ])
}

/// A history: legs, what their issuers said, cancels, reversal answers, late answers.
fn history() -> impl Strategy<Value = World> {
    (
        prop::collection::vec((1_i64..50_000, outcome()), 1..5),
        prop::collection::vec(1_i64..20_000, 0..4),
        prop::collection::vec((1_u8..5, any::<bool>()), 0..6),
    )
        .prop_map(|(legs, cancels, reversals)| {
            let amounts: Vec<_> = legs.iter().map(|(amount, _)| *amount).collect();
            let mut world = World::open(amounts.iter().sum(), 0, "0.03");
            world.begin(&amounts, true);
            world.finish(&legs.iter().map(|(_, outcome)| *outcome).collect::<Vec<_>>());
            for amount in cancels {
                if let Ok(cancel_no) = world.cancel(Some(amount), None) {
                    let outcome =
                        if amount % 3 == 0 { ResultOutcome::Declined } else { ResultOutcome::Canceled };
                    world.answer_cancel(cancel_no, outcome);
                }
            }
            for (leg_no, late) in reversals {
                if late {
                    world.late(leg_no, ResultOutcome::Approved);
                } else {
                    world.reverse(leg_no, ResultOutcome::NoOriginal);
                }
            }
            world
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(crate::world::cases(400)))]

    #[test]
    fn facts_in_any_order_make_the_same_payment(world in history(), seed in any::<u64>()) {
        let mut shuffled = world.payment.facts().to_vec();
        shuffle(&mut shuffled, seed);
        let again = Payment::fold(world.payment.id, world.payment.head.clone(), shuffled).unwrap();
        prop_assert_eq!(again.facts(), world.payment.facts());
        prop_assert_eq!(again.status(world.now), world.payment.status(world.now));
        prop_assert_eq!(again.balance(), world.payment.balance());
        prop_assert_eq!(again.exposure(world.now), world.payment.exposure(world.now));
        prop_assert_eq!(again.reversal(world.now), world.payment.reversal(world.now));
        prop_assert_eq!(again.cancelable(), world.payment.cancelable());
    }

    #[test]
    fn a_fact_told_twice_changes_nothing(world in history()) {
        let mut doubled = world.payment.facts().to_vec();
        doubled.extend(world.payment.facts().to_vec());
        let again = Payment::fold(world.payment.id, world.payment.head.clone(), doubled).unwrap();
        prop_assert_eq!(again.facts(), world.payment.facts());
    }
}

/// Fisher–Yates with a small generator, so that one seed tells the order.
pub fn shuffle<T>(items: &mut [T], mut seed: u64) {
    for at in (1..items.len()).rev() {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let other = usize::try_from((seed >> 33) % u64::try_from(at + 1).unwrap()).unwrap();
        items.swap(at, other);
    }
}

/// No two facts share a place, so no order is left to chance: neither between attempts of a leg nor between their kinds.
#[test]
fn every_fact_has_a_place_of_its_own() {
    let mut world = World::open(1_000, 0, "0.03");
    for answer in [ResultOutcome::NotSent, ResultOutcome::NotSent, ResultOutcome::Approved] {
        let attempt_no = world.payment.leg(1).map_or(1, |leg| leg.next_attempt_no(AttemptKind::Auth));
        caller::attempt(&mut world, 1, 1_000).unwrap();
        caller::result(&mut world, 1, attempt_no, answer).unwrap();
    }
    for answer in [ResultOutcome::Declined, ResultOutcome::Canceled] {
        let no = world.cancel(Some(500), None).unwrap();
        world.answer_cancel(no, answer);
    }
    let places: Vec<_> = world.payment.facts().iter().map(Fact::place).collect();
    assert!(places.is_sorted_by(|one, next| one < next), "{places:?}");
    let results = world.payment.facts().iter().filter_map(|fact| {
        if let Fact::Result(result) = fact { Some((result.kind, result.attempt_no)) } else { None }
    });
    let (auth, cancel) = (AttemptKind::Auth, AttemptKind::Cancel);
    let expected = [(auth, 1), (auth, 2), (auth, 3), (cancel, 1), (cancel, 2)];
    assert_eq!(results.collect::<Vec<_>>(), expected);
}
