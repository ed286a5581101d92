//! Why a payment is as it is: each fact is told with the rule that brought it, and the payment with the rule by which it stands.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use ledger_core::history::{self, ChangeRow, Explained, HistoryEntry};
use ledger_core::payment::explain::{Rule, stands};
use ledger_core::payment::fact::{ResultOutcome, ShareOutcome};
use ledger_core::payment::{abort, cancel};

use super::deposits;
use super::world::{World, answer, issuer};

fn explained(world: &World) -> Explained {
    let entries = world.changes.iter().map(|change| {
        let row = ChangeRow {
            seq: change.seq,
            origin: change.origin,
            command: change.command.clone(),
            actor: change.asked.actor.clone(),
            request_id: change.asked.request_id,
            recorded_at: change.asked.at,
            digest: change.digest,
        };
        HistoryEntry { row, change: change.clone() }
    });
    history::explain(world.payment.id, entries.collect(), None).unwrap().unwrap()
}

/// The rules of the facts in a table, in their order.
fn rules(world: &World, table: &str) -> Vec<Rule> {
    let steps = explained(world).steps.into_iter();
    steps.flat_map(|step| step.because).filter(|why| why.fact == table).map(|why| why.rule).collect()
}

/// What the facts in a table say.
fn says(world: &World, table: &str) -> Vec<String> {
    let steps = explained(world).steps.into_iter();
    steps.flat_map(|step| step.because).filter(|why| why.fact == table).map(|why| why.says).collect()
}

fn ended(amounts: &[i64], outcomes: &[ResultOutcome]) -> World {
    let mut world = World::open(amounts.iter().sum(), 0, "0.03");
    world.begin(amounts, true);
    world.finish(outcomes);
    world
}

#[test]
fn every_rule_says_something_of_its_own() {
    let texts: BTreeSet<_> = Rule::ALL.iter().map(|rule| rule.text()).collect();
    assert_eq!(texts.len(), Rule::ALL.len());
    assert!(texts.iter().all(|text| text.split(' ').count() > 3), "{texts:?}");
}

#[test]
fn a_payment_that_goes_well_is_explained_fact_by_fact() {
    let world = ended(&[1_000], &[ResultOutcome::Approved]);
    let expected = [
        ("payment", Rule::Open),
        ("approval", Rule::Legs),
        ("attempt", Rule::Send),
        ("attempt_result", Rule::Answer),
        ("attempt_verdict", Rule::I6),
        ("payment_verdict", Rule::I1),
        ("balance_link", Rule::I2),
    ];
    for (table, rule) in expected {
        assert_eq!(rules(&world, table), [rule], "{table}");
    }
    assert_eq!(says(&world, "payment"), ["order o, try 1, 1000 KRW"]);
    assert_eq!(says(&world, "approval"), ["approval 1: 1000 by CARD at issuer"]);
    assert_eq!(says(&world, "attempt_result"), ["AUTH 1 of approval 1: APPROVED (SYNC)"]);
    assert_eq!(says(&world, "attempt_verdict"), ["AUTH 1 of approval 1: ACCEPT"]);
}

/// R8: the worst that happened to a leg is why all were given up.
#[test]
fn why_a_payment_was_given_up() {
    use ResultOutcome::{Approved, Declined, Garbled, NotSent, Reset, Timeout};
    let cases: [(&[_], Rule, Rule, Rule); 8] = [
        (&[Declined], Rule::Answer, Rule::Reject, Rule::Reject),
        (&[NotSent], Rule::Reject, Rule::Reject, Rule::Reject),
        (&[Timeout], Rule::Unknown, Rule::Unknown, Rule::Unknown),
        (&[Garbled], Rule::Unknown, Rule::Unknown, Rule::Unknown),
        (&[Reset], Rule::Unknown, Rule::Unknown, Rule::Unknown),
        (&[Approved, Declined], Rule::Answer, Rule::R8, Rule::R8),
        (&[Declined, Declined], Rule::Answer, Rule::Reject, Rule::R8),
        (&[Approved, Timeout], Rule::Answer, Rule::R8, Rule::Unknown),
    ];
    for (outcomes, answered, ruled, ended_by) in cases {
        let world = ended(&vec![500; outcomes.len()], outcomes);
        assert_eq!(rules(&world, "attempt_result")[0], answered, "{outcomes:?}");
        assert_eq!(rules(&world, "attempt_verdict")[0], ruled, "{outcomes:?}");
        assert_eq!(rules(&world, "payment_verdict"), [ended_by], "{outcomes:?}");
        assert_eq!(stands(&world.payment, world.now), ended_by, "{outcomes:?}");
    }
    let world = ended(&[500, 500], &[Approved, Timeout]);
    assert_eq!(rules(&world, "network_cancel"), [Rule::R8, Rule::Unknown]);
}

/// R1, R2, R3, R4, I7, I12
#[test]
fn undoing_is_explained_step_by_step() {
    let mut world = ended(&[1_000], &[ResultOutcome::Timeout]);
    world.reverse(1, ResultOutcome::NoOriginal);
    world.reverse(1, ResultOutcome::Timeout);
    world.now += TimeDelta::seconds(61);
    world.reverse(1, ResultOutcome::NoOriginal);
    world.late(1, ResultOutcome::Approved);
    world.reverse(1, ResultOutcome::Reversed);
    let attempts = [Rule::Send, Rule::I12, Rule::R3, Rule::R3, Rule::R3];
    assert_eq!(rules(&world, "attempt"), attempts);
    let results = [Rule::Unknown, Rule::R2, Rule::R3, Rule::R2, Rule::R1, Rule::Undone];
    assert_eq!(rules(&world, "attempt_result"), results);
    assert_eq!(rules(&world, "network_cancel_outcome"), [Rule::R2, Rule::I12, Rule::Undone]);
    for refused in [ResultOutcome::TooLate, ResultOutcome::Declined] {
        let mut world = ended(&[1_000], &[ResultOutcome::Timeout]);
        world.reverse(1, refused);
        assert_eq!(rules(&world, "attempt_result"), [Rule::Unknown, Rule::R4], "{refused}");
    }
    let mut silent = ended(&[1_000], &[ResultOutcome::Timeout]);
    silent.now += TimeDelta::minutes(58);
    silent.reverse(1, ResultOutcome::Timeout);
    assert_eq!(rules(&silent, "network_cancel_outcome"), [Rule::I7]);
}

/// R10
#[test]
fn a_payment_stands_by_what_it_waits_for() {
    let mut world = World::open(1_000, 0, "0.03");
    assert_eq!(stands(&world.payment, world.now), Rule::Open);
    let late = world.payment.opened.expires_at + TimeDelta::seconds(1);
    assert_eq!(stands(&world.payment, late), Rule::Expiry);
    world.begin(&[1_000], true);
    assert_eq!(stands(&world.payment, world.now), Rule::Send);
    world.now += TimeDelta::minutes(5);
    assert_eq!(stands(&world.payment, world.now), Rule::R10, "nobody answered in time");
    let facts = abort::recover(&world.payment, &[issuer()], world.now).unwrap();
    world.apply("RECOVER", facts);
    assert_eq!(rules(&world, "payment_verdict"), [Rule::R10]);
    assert_eq!(rules(&world, "network_cancel"), [Rule::R10]);
    assert_eq!(stands(&world.payment, world.now), Rule::R10);

    let mut expired = World::open(1_000, 0, "0.03");
    expired.now = late;
    let facts = abort::expire(&expired.payment, &[issuer()], late).unwrap();
    expired.apply("EXPIRE", facts);
    assert_eq!(rules(&expired, "payment_verdict"), [Rule::Expiry]);
}

/// R6, R7, R16, I4
#[test]
fn cancels_are_explained_share_by_share() {
    let mut world = World::confirmed(&[10_000], 0, true);
    assert_eq!(stands(&world.payment, world.now), Rule::I1);
    let no = world.cancel(Some(4_000), None).unwrap();
    world.answer_cancel(no, ResultOutcome::Timeout);
    assert_eq!(rules(&world, "cancellation"), [Rule::R7]);
    assert_eq!(rules(&world, "cancel_share"), [Rule::I4]);
    assert_eq!(rules(&world, "attempt"), [Rule::Send, Rule::Send]);
    assert_eq!(rules(&world, "attempt_result"), [Rule::Answer, Rule::R6]);
    world.answer_cancel(no, ResultOutcome::Declined);
    assert_eq!(rules(&world, "attempt_result"), [Rule::Answer, Rule::R6, Rule::Answer]);
    assert_eq!(rules(&world, "cancel_outcome"), [Rule::Answer], "all of it was refused");
    assert_eq!(rules(&world, "balance_link"), [Rule::I2, Rule::R7, Rule::R6]);
    for (amount, status) in [(3_000, Rule::I2), (7_000, Rule::I2)] {
        let no = world.cancel(Some(amount), None).unwrap();
        world.answer_cancel(no, ResultOutcome::Canceled);
        assert_eq!(stands(&world.payment, world.now), status);
    }

    for (second, rule) in [(ResultOutcome::Declined, Rule::R16), (ResultOutcome::Canceled, Rule::Answer)] {
        let mut world = World::confirmed(&[4_000, 6_000], 0, true);
        let no = world.cancel(None, None).unwrap();
        let answers = [(1, answer(ResultOutcome::Canceled, world.now)), (2, answer(second, world.now))];
        let facts = cancel::finish(&world.payment, no, &answers, world.now).unwrap();
        world.apply("CANCEL_RESULT", facts);
        assert_eq!(rules(&world, "cancel_outcome"), [rule, rule]);
    }
}

/// R14
#[test]
fn deposits_are_explained() {
    let mut world = deposits::waiting(50_000, 0);
    assert_eq!(stands(&world.payment, world.now), Rule::Deposit);
    assert_eq!(rules(&world, "virtual_account"), [Rule::Deposit]);
    deposits::arrives(&mut world, "r-1", 20_000).unwrap();
    deposits::arrives(&mut world, "r-2", 40_000).unwrap();
    assert_eq!(rules(&world, "deposit"), [Rule::Deposit, Rule::R14]);
    assert_eq!(says(&world, "deposit")[1], "approval 1: 40000 arrived, 30000 counts");
    let no = deposits::refund(&mut world, 10_000).unwrap();
    deposits::refunded(&mut world, no, ShareOutcome::Done).unwrap();
    assert_eq!(rules(&world, "deposit_refund"), [Rule::R14]);
    assert_eq!(rules(&world, "deposit_refund_outcome"), [Rule::R14]);

    let mut given_up = deposits::waiting(50_000, 0);
    deposits::give_up(&mut given_up).unwrap();
    assert_eq!(rules(&given_up, "payment_verdict"), [Rule::Deposit]);
    assert_eq!(rules(&given_up, "network_cancel"), [Rule::Deposit]);
    assert_eq!(stands(&given_up.payment, given_up.now), Rule::Deposit);
}
