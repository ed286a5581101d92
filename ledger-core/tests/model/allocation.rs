//! Which legs carry a cancel: in proportion, or as the caller says.

use ledger_core::money::Minor;
use ledger_core::payment::allocation::{Allocation, AllocationError, Part, PartFault};
use ledger_core::payment::fact::ResultOutcome;
use ledger_core::payment::refusal::Refusal;
use proptest::prelude::*;

use super::world::{World, won};

fn parts_of(world: &World, cancel_no: u16) -> Vec<(u8, i64)> {
    let cancel = world.payment.cancel(cancel_no).unwrap();
    cancel.shares.iter().map(|share| (share.leg_no, share.amount.get())).collect()
}

fn remaining(world: &World) -> Vec<(u8, i64, bool)> {
    let legs = world.payment.legs();
    legs.map(|leg| (leg.approval.leg_no, leg.remaining().get(), leg.approval.partial_cancelable)).collect()
}

fn explicit(parts: &[(u8, i64, Option<i64>)]) -> Allocation {
    let part = |(leg_no, amount, tax_free): &(u8, i64, Option<i64>)| Part {
        leg_no: *leg_no,
        amount: won(*amount),
        tax_free: tax_free.map(won),
    };
    Allocation::Explicit(parts.iter().map(part).collect())
}

/// Whether any set of the legs that are taken whole leaves a rest that the others can carry: every set is tried.
fn is_possible(legs: &[(u8, i64, bool)], amount: i64) -> bool {
    let (partial, whole): (Vec<_>, Vec<_>) = legs.iter().partition(|(_, _, partial)| *partial);
    let room: i64 = partial.iter().map(|(_, remaining, _)| remaining).sum();
    (0..1_u32 << whole.len()).any(|set| {
        let sum: i64 =
            (0_u32..).zip(&whole).filter(|(bit, _)| set >> bit & 1 == 1).map(|(_, leg)| leg.1).sum();
        (0..=room).contains(&(amount - sum))
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(crate::world::cases(800)))]

    /// Σ = amount, never above what remains of a leg, whole or not at all where that is so; and refused only when there is
    /// no way. Where every leg can be canceled in part, each is within one of its exact proportion.
    #[test]
    fn prorata_is_exact_and_within_every_leg(
        amounts in prop::collection::vec(1_i64..50_000, 1..7),
        partial in any::<bool>(),
        cuts in prop::collection::vec(1_i64..60_000, 1..6),
    ) {
        let mut world = World::confirmed(&amounts, 0, partial);
        for amount in cuts {
            let before = remaining(&world);
            let total: i64 = before.iter().map(|(_, remaining, _)| remaining).sum();
            match world.cancel_by(Allocation::Prorata, Some(amount), None) {
                Ok(cancel_no) => {
                    let parts = parts_of(&world, cancel_no);
                    prop_assert_eq!(parts.iter().map(|(_, part)| part).sum::<i64>(), amount);
                    for (leg_no, remaining, partial_cancelable) in before {
                        let part = parts.iter().find(|(leg, _)| *leg == leg_no).map_or(0, |(_, part)| *part);
                        prop_assert!((0..=remaining).contains(&part));
                        prop_assert!(partial_cancelable || part == 0 || part == remaining);
                        let exact = i128::from(amount) * i128::from(remaining);
                        let off = (i128::from(part) * i128::from(total) - exact).abs();
                        prop_assert!(!partial || off < i128::from(total), "{} of {}", part, remaining);
                    }
                    world.answer_cancel(cancel_no, ResultOutcome::Canceled);
                }
                Err(Refusal::Allocation(AllocationError::Impossible(_))) => {
                    prop_assert!(!is_possible(&before, amount), "{} of {:?}", amount, before);
                }
                Err(Refusal::ExceedsBalance { .. } | Refusal::InvalidState { .. }) => prop_assert!(amount > total),
                Err(refusal) => prop_assert!(false, "{}", refusal),
            }
        }
    }

    /// What the caller says is what is done, or the first part that cannot be is named.
    #[test]
    fn told_parts_are_taken_as_told_or_the_one_that_cannot_be_is_named(
        amounts in prop::collection::vec(1_i64..1_000, 1..5),
        wanted in prop::collection::vec((1_u8..6, 1_i64..1_200), 1..5),
        partial in any::<bool>(),
    ) {
        let mut world = World::confirmed(&amounts, 0, partial);
        let before = remaining(&world);
        let parts: Vec<_> = wanted.iter().map(|(leg, amount)| (*leg, *amount, None)).collect();
        let fault = wanted.iter().enumerate().position(|(at, (leg, amount))| {
            let twice = wanted[..at].iter().any(|(earlier, _)| earlier == leg);
            let fits = before.iter().any(|(leg_no, remaining, partial)| {
                leg_no == leg && amount <= remaining && (*partial || amount == remaining)
            });
            twice || !fits
        });
        match (world.cancel_by(explicit(&parts), None, None), fault) {
            (Ok(cancel_no), None) => prop_assert_eq!(parts_of(&world, cancel_no), {
                let mut sorted = wanted;
                sorted.sort_unstable();
                sorted
            }),
            (Err(Refusal::Allocation(AllocationError::Part { at, .. })), Some(first)) => prop_assert_eq!(at, first),
            (Err(Refusal::ExceedsBalance { .. }), Some(_)) => {}
            (result, fault) => prop_assert!(false, "{:?} {:?}", result, fault),
        }
    }
}

#[test]
fn the_units_left_over_go_to_the_largest_fractions() {
    let parts = |legs: [i64; 3], amount| {
        let mut world = World::confirmed(&legs, 0, true);
        let cancel_no = world.cancel_by(Allocation::Prorata, Some(amount), None).unwrap();
        parts_of(&world, cancel_no)
    };
    assert_eq!(parts([1_000, 1_000, 1_001], 1_000), [(1, 333), (2, 333), (3, 334)]);
    // 499.5, 299.7 and 199.8: not to the largest leg, and not to the first
    assert_eq!(parts([500, 300, 200], 999), [(1, 499), (2, 300), (3, 200)]);
}

/// Leg 3 (a transfer here) is taken whole or not at all: proportion would give it 659, then 741 of its 1,400.
#[test]
fn prorata_takes_the_whole_legs_that_are_nearest_to_proportion() {
    for (amount, parts) in [(1_600, vec![(1, 800), (2, 800)]), (1_800, vec![(1, 200), (2, 200), (3, 1_400)])]
    {
        let mut world = World::confirmed(&[1_000, 1_000, 1_400], 0, false);
        let cancel_no = world.cancel_by(Allocation::Prorata, Some(amount), None).unwrap();
        assert_eq!(parts_of(&world, cancel_no), parts);
    }
}

#[test]
fn a_told_tax_free_part_is_kept_and_its_bounds_are_named() {
    let mut world = World::confirmed(&[10_000, 10_000], 5_000, true);
    let told = explicit(&[(1, 6_000, Some(4_000)), (2, 1_000, Some(0))]);
    let cancel_no = world.cancel_by(told, Some(7_000), None).unwrap();
    let shares = &world.payment.cancel(cancel_no).unwrap().shares;
    assert_eq!(shares.iter().map(|share| share.tax_free.get()).collect::<Vec<_>>(), [4_000, 0]);
    let too_much = explicit(&[(2, 2_000, Some(1_001))]);
    let refused = world.cancel_by(too_much, None, None).unwrap_err();
    let bounds = AllocationError::TaxFree { sum: won(1_001), least: Minor::ZERO, most: won(1_000) };
    assert_eq!(refused, Refusal::Allocation(bounds));
    let of_some = explicit(&[(1, 100, Some(1)), (2, 100, None)]);
    let refused = world.cancel_by(of_some, None, None).unwrap_err();
    assert_eq!(refused, Refusal::Allocation(AllocationError::Part { at: 1, fault: PartFault::TaxFree }));
    let mismatch = explicit(&[(1, 100, None), (2, 100, None)]);
    let refused = world.cancel_by(mismatch, Some(201), None).unwrap_err();
    assert_eq!(refused, Refusal::Allocation(AllocationError::Sum { sum: won(200), amount: won(201) }));
}

/// At the bounds: a leg's whole remainder, one more, one less of a leg that is taken whole, all of a part without tax.
#[test]
fn told_parts_are_taken_up_to_their_bounds() {
    let fresh = || {
        let mut world = World::open(6_000, 6_000, "0.03");
        world.begin(&[1_000, 2_000, 3_000], false);
        world.finish(&[ResultOutcome::Approved; 3]);
        world
    };
    let told = |parts: &[(u8, i64, Option<i64>)]| fresh().cancel_by(explicit(parts), None, None);
    told(&[(3, 3_000, None)]).unwrap();
    told(&[(1, 1_000, Some(1_000)), (3, 3_000, Some(3_000))]).unwrap();
    for (parts, why) in [([(3, 2_999, None)], "take 3000 or nothing"), ([(1, 1_001, None)], "1001")] {
        let refused = told(&parts).unwrap_err().to_string();
        assert!(refused.contains("part 1 of the allocations") && refused.contains(why), "{refused}");
    }
    let refused = told(&[(1, 1_000, Some(1_001)), (2, 1_000, Some(999))]).unwrap_err().to_string();
    assert!(refused.contains("part 1 of the allocations") && refused.contains("tax-free"), "{refused}");
    let refused = told(&[(1, 0, None), (2, 100, None)]).unwrap_err().to_string();
    assert!(refused.contains("asked for 0"), "{refused}");
}
