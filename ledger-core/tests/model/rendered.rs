//! Events of whole payments, byte for byte, as `golden.rs` has them for the first ones; and that no event type goes without.

use std::fmt::Write as _;

use chrono::TimeDelta;
use ledger_core::change::{Asked, Change};
use ledger_core::ids::{PaymentId, RequestId};
use ledger_core::payment::fact::{Fact, Origin, ResultOutcome, ShareOutcome};
use ledger_core::payment::fold::Payment;

use super::deposits::{arrives, expire, give_up, refund, refunded, waiting};
use super::world::{World, start};

const FIRST: &str = include_str!("../golden/events_v1.txt");
const DEPOSITS: &str = include_str!("../golden/deposits_v1.txt");
const FAILURES: &str = include_str!("../golden/failures_v1.txt");
const CATALOGUE: &str = include_str!("../../src/event/catalogue.rs");

fn is_golden(rendered: &str, golden: &str) {
    let differs = rendered.lines().zip(golden.lines()).find(|(now, then)| now != then);
    assert_eq!(differs, None);
    assert_eq!(rendered.lines().count(), golden.lines().count(), "{rendered}");
}

#[test]
fn what_version_one_renders_of_deposits_stays_as_it_is() {
    let mut paid = waiting(50_000, 0);
    arrives(&mut paid, "r-1", 20_000).unwrap();
    arrives(&mut paid, "r-2", 35_000).unwrap();
    let no = refund(&mut paid, 5_000).unwrap();
    refunded(&mut paid, no, ShareOutcome::Done).unwrap();
    let mut closed = waiting(50_000, 10_000);
    give_up(&mut closed).unwrap();
    let mut late = waiting(50_000, 0);
    late.now += TimeDelta::minutes(11);
    expire(&mut late).unwrap();
    is_golden(&[paid, closed, late].iter().map(told).collect::<String>(), DEPOSITS);
}

#[test]
fn what_version_one_renders_of_failures_stays_as_it_is() {
    let mut declined = World::open(3_000, 300, "0.03");
    declined.begin(&[1_000, 2_000], true);
    declined.finish(&[ResultOutcome::Approved, ResultOutcome::Declined]);
    declined.now += TimeDelta::minutes(58);
    declined.reverse(1, ResultOutcome::Timeout);
    let mut refused = World::confirmed(&[10_000], 1_000, true);
    let no = refused.cancel(Some(4_000), None).unwrap();
    refused.answer_cancel(no, ResultOutcome::Declined);
    let mut kept = waiting(50_000, 0);
    arrives(&mut kept, "r-1", 60_000).unwrap();
    let no = refund(&mut kept, 10_000).unwrap();
    refunded(&mut kept, no, ShareOutcome::Failed).unwrap();
    is_golden(&[declined, refused, kept].iter().map(told).collect::<String>(), FAILURES);
}

#[test]
fn every_event_type_has_a_golden_line() {
    let kinds: Vec<_> = CATALOGUE.split('"').skip(1).step_by(2).filter(|text| text.contains(".v1")).collect();
    assert!(kinds.len() > 15, "{kinds:?}");
    let without: Vec<_> = kinds
        .into_iter()
        .filter(|kind| ![FIRST, DEPOSITS, FAILURES].iter().any(|text| text.contains(&format!(" {kind} "))))
        .collect();
    assert!(without.is_empty(), "{without:?}");
}

/// The changes of a payment, made again under a fixed id and request.
fn told(world: &World) -> String {
    let id = PaymentId::from_bytes(*b"\x01\xa2\x0c\xb4\x65\xe2\x8c\x62\xb8\xbc\x97\xdf\x58\xb1\x50\xb7");
    let mut text = String::new();
    let mut before: Option<Payment> = None;
    for change in &world.changes {
        let asked = Asked {
            actor: "golden".to_owned(),
            request_id: RequestId::from_bytes([7; 16]),
            at: change.asked.at,
        };
        let facts = change.facts.iter().map(with_fixed_traces).collect();
        let (made, after) =
            Change::next(id, before.as_ref(), Origin::Live, change.command.clone(), asked, facts).unwrap();
        writeln!(text, "{} {} {} {}", made.seq, made.command, made.positions, hex::encode(made.digest))
            .unwrap();
        for event in &made.events {
            let body = String::from_utf8(event.body.clone()).unwrap();
            writeln!(text, "  {} {} {} {body}", event.topic, event.position, event.kind).unwrap();
        }
        before = Some(after);
    }
    assert_eq!(world.changes[0].asked.at, start());
    text
}

/// Trace numbers hold the payment's id, which is another in every run.
fn with_fixed_traces(fact: &Fact) -> Fact {
    let mut fact = fact.clone();
    if let Fact::Attempt(attempt) = &mut fact {
        attempt.trace_no = format!("T{}{}{}", attempt.leg_no, attempt.kind, attempt.attempt_no);
    }
    fact
}
