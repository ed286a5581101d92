//! I2–I5: allocation, tax parts and journal of any history of cancels.

use std::collections::BTreeMap;

use ledger_core::journal::Side;
use ledger_core::money::Minor;
use ledger_core::payment::fact::{LinkKind, ResultOutcome};
use ledger_core::payment::tax::Remainder;
use proptest::prelude::*;

use super::world::{World, won};

/// Books that must hold after every change.
fn check(world: &World) -> Result<(), TestCaseError> {
    let payment = &world.payment;
    for change in &world.changes {
        let mut sums: BTreeMap<_, i64> = BTreeMap::new();
        for line in &change.journal {
            let signed = if line.side == Side::Debit { line.amount.get() } else { -line.amount.get() };
            *sums.entry(line.currency).or_default() += signed;
        }
        prop_assert!(sums.values().all(|sum| *sum == 0), "I5: {:?}", change.journal);
    }
    for leg in payment.legs() {
        let mut before = None;
        for link in &leg.chain {
            prop_assert_eq!(link.before, before);
            prop_assert_eq!(link.after.get(), before.map_or(0, Minor::get) + link.delta);
            prop_assert_eq!(link.kind == LinkKind::Open, before.is_none());
            before = Some(link.after);
        }
        let done_or_held: i64 = payment
            .live_shares()
            .filter(|share| share.leg_no == leg.approval.leg_no)
            .map(|share| share.amount.get())
            .sum();
        prop_assert_eq!(leg.remaining().get(), leg.approved().get() - done_or_held, "I2");
    }
    for cancel in payment.cancels() {
        let sum = Minor::sum(cancel.shares.iter().map(|share| share.amount)).unwrap();
        prop_assert_eq!(sum, cancel.cancellation.amount, "I3");
        let vat = Minor::sum(cancel.shares.iter().map(|share| share.vat)).unwrap();
        prop_assert_eq!(vat, cancel.cancellation.vat, "I3");
        for share in &cancel.shares {
            prop_assert!(share.vat.plus(share.tax_free).unwrap() <= share.amount, "{:?}", share);
            prop_assert!(share.fee <= share.amount && share.fee_vat <= share.amount, "{:?}", share);
        }
    }
    Ok(())
}

/// A payment and what is asked of it: amount, answer (0 declined, 1 silence, else canceled), and whether all that may be is
/// tax-free; the same flag lets the oldest silence end in a refusal.
fn play(amounts: &[i64], tax_free_part: i64, steps: Vec<(i64, u8, bool)>) -> Result<(), TestCaseError> {
    let total: i64 = amounts.iter().sum();
    let mut world = World::confirmed(amounts, total * tax_free_part / 100, false);
    let mut open = Vec::new();
    check(&world)?;
    for (amount, answer, all_tax_free) in steps {
        let most =
            Remainder::of(&world.payment).unwrap().tax_free_bounds(won(amount)).map(|bounds| bounds.1.get());
        let tax_free = if all_tax_free { most.ok() } else { None };
        let Ok(cancel_no) = world.cancel(Some(amount), tax_free) else { continue };
        check(&world)?;
        match answer {
            0 => world.answer_cancel(cancel_no, ResultOutcome::Declined),
            1 => {
                world.answer_cancel(cancel_no, ResultOutcome::Timeout);
                open.push(cancel_no);
            }
            _ => world.answer_cancel(cancel_no, ResultOutcome::Canceled),
        }
        check(&world)?;
        if all_tax_free && let Some(late) = open.pop() {
            world.answer_cancel(late, ResultOutcome::Declined);
            check(&world)?;
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(crate::world::cases(600)))]

    #[test]
    fn no_history_of_cancels_breaks_the_books(
        amounts in prop::collection::vec(1_i64..100_000, 1..5),
        tax_free_part in 0_i64..=100,
        steps in prop::collection::vec((1_i64..60_000, 0_u8..4, any::<bool>()), 0..12),
    ) {
        play(&amounts, tax_free_part, steps)?;
    }

    /// Where a won of fee is more than the share: what a late refusal gave back is taken by the next ones, within their size.
    #[test]
    fn no_history_of_very_small_cancels_does(
        amounts in prop::collection::vec(10_i64..150, 1..3),
        tax_free_part in 0_i64..=100,
        steps in prop::collection::vec((prop_oneof![1_i64..3, 1_i64..80], 0_u8..3, any::<bool>()), 0..40),
    ) {
        play(&amounts, tax_free_part, steps)?;
    }

    /// I4: after the last cancel every part is back to zero, however the cancels were cut.
    #[test]
    fn parts_never_drift(
        amounts in prop::collection::vec(1_i64..100_000, 1..4),
        tax_free_part in 0_i64..=100,
        cuts in prop::collection::vec((1_i64..30_000, any::<bool>()), 0..10),
    ) {
        let total: i64 = amounts.iter().sum();
        let mut world = World::confirmed(&amounts, total * tax_free_part / 100, true);
        let mut open = Vec::new();
        for (amount, done) in cuts {
            let Ok(cancel_no) = world.cancel(Some(amount), None) else { continue };
            if done {
                world.answer_cancel(cancel_no, ResultOutcome::Canceled);
            } else {
                open.push(cancel_no);
            }
            if open.len() > 1 {
                world.answer_cancel(open.remove(0), ResultOutcome::Declined);
            }
        }
        for late in open {
            world.answer_cancel(late, ResultOutcome::Declined);
        }
        if let Ok(cancel_no) = world.cancel(None, None) {
            world.answer_cancel(cancel_no, ResultOutcome::Canceled);
        }
        let left = Remainder::of(&world.payment).unwrap();
        let parts = [left.balance, left.tax_free, left.vat, left.fee, left.fee_vat].map(Minor::get);
        prop_assert_eq!(parts, [0; 5]);
        let mut accounts: BTreeMap<_, i64> = BTreeMap::new();
        for line in world.changes.iter().flat_map(|change| &change.journal) {
            let signed = if line.side == Side::Debit { line.amount.get() } else { -line.amount.get() };
            *accounts.entry(line.account).or_default() += signed;
        }
        prop_assert!(accounts.values().all(|sum| *sum == 0), "{:?}", accounts);
    }
}

#[test]
fn a_leg_that_is_taken_whole_or_not_at_all_makes_some_cancels_impossible() {
    let mut world = World::open(30_000, 0, "0.03");
    world.begin(&[10_000, 5_000, 15_000], false);
    world.finish(&[ResultOutcome::Approved; 3]);
    world.cancel(Some(15_000), None).unwrap();
    let refused = world.cancel(Some(7_000), None).unwrap_err();
    assert!(refused.to_string().contains("no combination of legs"), "{refused}");
    world.cancel(Some(15_000), None).unwrap();
    assert_eq!(world.payment.cancelable().unwrap(), Minor::ZERO);
}

#[test]
fn a_partial_leg_leaves_room_for_one_that_is_taken_whole() {
    let mut world = World::open(19_000, 0, "0.03");
    world.begin(&[4_000, 5_000, 10_000], false);
    world.finish(&[ResultOutcome::Approved; 3]);
    let cancel_no = world.cancel(Some(17_000), None).unwrap();
    let shares: Vec<_> =
        world.payment.cancel(cancel_no).unwrap().shares.iter().map(|s| (s.leg_no, s.amount.get())).collect();
    assert_eq!(shares, [(1, 4_000), (2, 3_000), (3, 10_000)]);
}
