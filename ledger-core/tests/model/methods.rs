//! What methods allow is data: by version, from a date on, and never for what was sent before.

use chrono::{DateTime, TimeDelta, Utc};
use ledger_core::method_rule::{CancelWindow, MethodRule, MethodRules};
use ledger_core::payment::confirm::{self, Confirm};
use ledger_core::payment::fact::{Fact, Method, ResultOutcome};
use ledger_core::payment::refusal::Refusal;
use ledger_core::payment::{cancel, window};

use super::deposits::leg;
use super::world::{World, answer, issuer, rules, start, won};

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// A payment of 30,000 by one method, approved at that instant.
fn approved(method: Method, when: DateTime<Utc>, rules: &MethodRules) -> World {
    let mut world = World::open(30_000, 0, "0.03");
    // a payment waits half an hour for its confirm; the test only looks at when it was approved
    world.now = when.min(start() + TimeDelta::minutes(20));
    let facts = confirm::start(
        &world.payment,
        &Confirm { legs: vec![leg(method, 30_000)] },
        &[issuer()],
        rules,
        world.now,
    )
    .unwrap();
    world.apply("CONFIRM", facts);
    world.now = when;
    let facts =
        confirm::finish(&world.payment, &[(1, answer(ResultOutcome::Approved, when))], &[issuer()], when)
            .unwrap();
    world.apply("VERDICT", facts);
    world
}

fn cancel(
    world: &World,
    amount: Option<i64>,
    rules: &MethodRules,
    now: DateTime<Utc>,
) -> Result<(), Refusal> {
    let cmd = cancel::Cancel {
        cancel_request_id: "c".to_owned(),
        amount: amount.map(won),
        tax_free: None,
        expected_balance: None,
        refund_to: None,
        allocation: ledger_core::payment::allocation::Allocation::RefundOrder,
        reason: "test".to_owned(),
    };
    cancel::start(&world.payment, &cmd, &[issuer()], rules, now).map(|_| ())
}

#[test]
fn a_phone_bill_is_canceled_until_midnight_in_seoul_at_the_end_of_its_month() {
    let world = approved(Method::Mobile, at("2026-11-24T03:10:00Z"), &rules());
    for amount in [None, Some(10_000)] {
        assert_eq!(cancel(&world, amount, &rules(), at("2026-11-30T14:59:59.999999Z")), Ok(()));
        let late = cancel(&world, amount, &rules(), at("2026-11-30T15:00:00Z")).unwrap_err();
        let Refusal::CancelWindowOver { leg_no: 1, method: Method::Mobile, last_day } = &late else {
            panic!("{late}")
        };
        assert_eq!(last_day.to_string(), "2026-11-30");
        assert!(late.to_string().contains("outside of the method"), "the way out is named: {late}");
    }
}

#[test]
fn the_month_is_that_of_the_approval_in_seoul() {
    let world = approved(Method::Mobile, at("2026-11-30T15:00:00Z"), &rules());
    assert_eq!(cancel(&world, None, &rules(), at("2026-12-31T14:59:59Z")), Ok(()));
    assert!(cancel(&world, None, &rules(), at("2026-12-31T15:00:00Z")).is_err());
}

#[test]
fn a_transfer_is_canceled_for_180_days_and_a_card_for_a_year() {
    for (method, last) in [(Method::Transfer, "2027-05-23"), (Method::Card, "2027-11-24")] {
        let world = approved(method, at("2026-11-24T03:10:00Z"), &rules());
        let last_day = window::last_day(world.payment.leg(1).unwrap(), &rules()).unwrap();
        assert_eq!(last_day.to_string(), last);
    }
}

/// Version 2 from December on: refunded first, sent first, not in part, for ten days.
fn with_stricter_card() -> MethodRules {
    let first = *rules().version(Method::Card, 1).unwrap();
    let second = MethodRule {
        version: 2,
        valid_from: at("2026-12-01T00:00:00Z"),
        refund_priority: 5,
        send_order: 9,
        partial_cancelable: false,
        cancel_window: CancelWindow::Days(10),
        ..first
    };
    MethodRules::new(vec![second, first, *rules().version(Method::Points, 1).unwrap()])
}

#[test]
fn a_leg_is_sent_under_the_version_of_its_day_and_keeps_it() {
    let rules = with_stricter_card();
    let sent = |now: &str| {
        let world = World::open(50_000, 0, "0.03");
        let legs = vec![leg(Method::Card, 20_000), leg(Method::Points, 30_000)];
        // the decision is asked about another instant than the one at which the payment was opened
        let mut payment = world.payment;
        payment.opened.expires_at = at("2027-12-31T00:00:00Z");
        confirm::start(&payment, &Confirm { legs }, &[issuer()], &rules, at(now)).unwrap()
    };
    let card = |facts: &[Fact]| {
        facts.iter().find_map(|fact| {
            let Fact::Approval(leg) = fact else { return None };
            let told = (leg.rule_version, leg.refund_priority, leg.partial_cancelable);
            (leg.method == Method::Card).then_some(told)
        })
    };
    let before = sent("2026-11-30T23:59:59.999999Z");
    let after = sent("2026-12-01T00:00:00Z");
    assert_eq!(card(&before), Some((Some(1), 60, true)));
    assert_eq!(card(&after), Some((Some(2), 5, false)));
    let order = |facts: &[Fact]| -> Vec<u8> {
        facts
            .iter()
            .filter_map(|fact| if let Fact::Attempt(a) = fact { Some(a.leg_no) } else { None })
            .collect()
    };
    assert_eq!((order(&before), order(&after)), (vec![2, 1], vec![2, 1]), "points, then the card");

    let old = approved(Method::Card, at("2026-11-24T03:10:00Z"), &rules);
    assert_eq!(
        cancel(&old, Some(1), &rules, at("2027-03-01T00:00:00Z")),
        Ok(()),
        "a later version is not its own"
    );
}

#[test]
fn a_leg_from_before_there_were_rules_follows_those_of_its_approval() {
    let rules = with_stricter_card();
    let mut world = approved(Method::Card, at("2026-11-24T03:10:00Z"), &rules);
    let facts: Vec<_> = world
        .payment
        .facts()
        .iter()
        .cloned()
        .map(|mut fact| {
            if let Fact::Approval(leg) = &mut fact {
                leg.rule_version = None;
            }
            fact
        })
        .collect();
    world.payment =
        ledger_core::payment::fold::Payment::fold(world.payment.id, world.payment.head.clone(), facts)
            .unwrap();
    assert_eq!(cancel(&world, None, &rules, at("2027-11-24T14:59:59Z")), Ok(()));
    assert!(cancel(&world, None, &rules, at("2027-11-24T15:00:00Z")).is_err());
}

#[test]
fn a_method_without_a_rule_that_holds_is_not_sent() {
    let world = World::open(30_000, 0, "0.03");
    let none = confirm::start(
        &world.payment,
        &Confirm { legs: vec![leg(Method::Mobile, 30_000)] },
        &[issuer()],
        &with_stricter_card(),
        world.now,
    );
    assert_eq!(none.unwrap_err(), Refusal::NoMethodRule(Method::Mobile));
}
