//! What may follow what: the state of an attempt, the digest chain, positions.

use chrono::TimeDelta;
use ledger_core::event::position::Topic;
use ledger_core::payment::confirm::Answer;
use ledger_core::payment::fact::{AttemptKind, Fact, ResultOutcome, ReversalOutcome, Verdict};
use ledger_core::payment::reverse::{self, Step};
use ledger_core::payment::status::{Reversal, Status};
use ledger_core::payment::{abort, cancel};

use super::deposits;
use super::world::{World, answer, issuer};

/// R2: "no original" is provisional until the late window has passed and a resend agrees; an approval that surfaces
/// afterwards reopens the reversal.
#[test]
fn no_original_is_believed_after_the_late_window_only_and_never_against_an_approval() {
    let mut world = World::open(1_000, 0, "0.03");
    world.begin(&[1_000], true);
    world.finish(&[ResultOutcome::Timeout]);
    assert_eq!(world.payment.status(world.now), Status::Aborted);
    assert_eq!(world.payment.exposure(world.now).get(), 1_000);
    assert_eq!(world.reverse(1, ResultOutcome::NoOriginal), Some(Step::Repeat));
    assert_eq!(
        world.reverse(1, ResultOutcome::NoOriginal),
        Some(Step::Repeat),
        "the late window has not passed"
    );
    world.now += TimeDelta::seconds(61);
    assert_eq!(world.reverse(1, ResultOutcome::NoOriginal), Some(Step::Provisional));
    assert_eq!(world.payment.exposure(world.now).get(), 0);
    assert_eq!(world.reverse(1, ResultOutcome::NoOriginal), None, "nothing is due");

    world.late(1, ResultOutcome::Approved);
    assert_eq!(world.payment.reversal(world.now), Reversal::Pending);
    assert_eq!(world.payment.exposure(world.now).get(), 1_000);
    assert_eq!(world.reverse(1, ResultOutcome::NoOriginal), Some(Step::Repeat), "an approval is known");
    assert_eq!(world.reverse(1, ResultOutcome::Reversed), Some(Step::Voided));
    assert_eq!(world.payment.status(world.now), Status::Aborted);
}

/// R3: silence is repeated, and handed to people before the issuer stops listening.
#[test]
fn silence_is_repeated_and_then_escalated() {
    let mut world = World::open(1_000, 0, "0.03");
    world.begin(&[1_000], true);
    world.finish(&[ResultOutcome::Reset]);
    for _ in 0..5 {
        assert_eq!(world.reverse(1, ResultOutcome::Timeout), Some(Step::Repeat));
    }
    world.now += TimeDelta::minutes(52);
    assert_eq!(world.reverse(1, ResultOutcome::Timeout), Some(Step::Escalated));
    assert_eq!(world.payment.reversal(world.now), Reversal::Escalated);
    assert_eq!(world.payment.exposure(world.now).get(), 1_000, "escalated money is still exposed");
}

/// R6: a hold is released on a definite refusal only.
#[test]
fn silence_to_a_cancel_keeps_the_hold_and_a_refusal_releases_it() {
    let mut world = World::confirmed(&[10_000], 0, true);
    let cancel_no = world.cancel(Some(4_000), None).unwrap();
    world.answer_cancel(cancel_no, ResultOutcome::Timeout);
    assert_eq!(world.payment.cancelable().unwrap().get(), 6_000);
    assert_eq!(world.payment.balance().unwrap().get(), 10_000, "what is held is not refunded");
    world.answer_cancel(cancel_no, ResultOutcome::Declined);
    assert_eq!(world.payment.cancelable().unwrap().get(), 10_000);
    world.answer_cancel(cancel_no, ResultOutcome::Canceled);
    assert_eq!(world.payment.balance().unwrap().get(), 10_000, "a share that has ended stays ended");
}

/// R8: one leg fails, the payment is aborted, and what was approved is undone.
#[test]
fn an_approved_leg_of_an_aborted_payment_is_undone() {
    let mut world = World::open(3_000, 0, "0.03");
    world.begin(&[1_000, 2_000], true);
    world.finish(&[ResultOutcome::Approved, ResultOutcome::Declined]);
    assert_eq!(world.payment.status(world.now), Status::Aborted);
    assert_eq!(world.payment.exposure(world.now).get(), 1_000);
    let target = world.payment.attempt(1, AttemptKind::Auth, 1).unwrap();
    assert_eq!(target.approval().unwrap().issuer_ref.as_deref(), Some("A1"));
    assert!(world.changes.iter().all(|change| change.journal.is_empty()), "nothing was owed at any time");
    assert_eq!(world.reverse(1, ResultOutcome::Reversed), Some(Step::Voided));
    assert_eq!(world.payment.exposure(world.now).get(), 0);
}

#[test]
fn digests_chain_and_positions_link() {
    let mut world = World::confirmed(&[10_000], 0, true);
    let cancel_no = world.cancel(Some(4_000), None).unwrap();
    world.answer_cancel(cancel_no, ResultOutcome::Canceled);
    let mut previous = None;
    let mut last = None;
    for change in &world.changes {
        assert_eq!(change.previous_digest, previous);
        assert_eq!(change.digest, change.chained_digest());
        previous = Some(change.digest);
        for event in change.events.iter().filter(|event| event.topic == Topic::Ledger) {
            assert_eq!(event.previous, last);
            last = Some(event.position);
        }
    }
    let mut tampered = world.changes[2].clone();
    tampered.facts.pop();
    assert_ne!(tampered.chained_digest(), tampered.digest);
}

/// An answer recorded twice, as after an unknown commit, is one fact.
#[test]
fn answers_told_again_are_not_late_answers() {
    let mut world = World::confirmed(&[1_000], 0, true);
    let before = world.payment.facts().len();
    world.finish(&[ResultOutcome::Approved]);
    assert_eq!(world.payment.facts().len(), before);
}

/// R12: an answer that is recorded already, as after a commit whose end was unknown, is no further fact.
#[test]
fn answers_to_network_cancels_and_cancels_told_again_are_one_fact() {
    let mut world = World::open(1_000, 0, "0.03");
    world.begin(&[1_000], true);
    world.finish(&[ResultOutcome::Timeout]);
    world.reverse(1, ResultOutcome::NoOriginal);
    let attempt = world.payment.attempt(1, AttemptKind::NetCancel, 1).unwrap();
    let told = answer(ResultOutcome::NoOriginal, attempt.results[0].received_at);
    let again =
        reverse::finish(&world.payment, (1, AttemptKind::NetCancel, 1), &told, &issuer(), world.now).unwrap();
    assert_eq!(again, (Vec::new(), Step::Repeat));

    let mut world = World::confirmed(&[10_000], 0, true);
    let cancel_no = world.cancel(Some(4_000), None).unwrap();
    world.answer_cancel(cancel_no, ResultOutcome::Timeout);
    let attempt = world.payment.attempt(1, AttemptKind::Cancel, 1).unwrap();
    let told = answer(ResultOutcome::Timeout, attempt.results[0].received_at);
    let again = cancel::finish(&world.payment, cancel_no, &[(1, told)], world.now).unwrap();
    assert_eq!(again, Vec::new());
}

#[test]
fn a_payment_expires_after_its_time_and_only_before_it_was_begun() {
    let mut world = World::open(1_000, 0, "0.03");
    let at = world.payment.opened.expires_at;
    assert!(abort::expire(&world.payment, &[issuer()], at).is_err(), "the last instant still counts");
    let facts = abort::expire(&world.payment, &[issuer()], at + TimeDelta::microseconds(1)).unwrap();
    assert!(matches!(facts.as_slice(), [Fact::PaymentVerdict(fact)] if fact.verdict == Verdict::Expired));
    world.begin(&[1_000], true);
    assert!(
        abort::expire(&world.payment, &[issuer()], at + TimeDelta::days(1)).is_err(),
        "issuers may be asked"
    );
    let mut closed = World::open(1_000, 0, "0.03");
    closed.now = at + TimeDelta::seconds(1);
    closed.apply("EXPIRE", abort::expire(&closed.payment, &[issuer()], closed.now).unwrap());
    assert!(abort::expire(&closed.payment, &[issuer()], closed.now).is_err(), "it has its verdict");
}

/// R12: the very answer is known again by what it said, when it came, and the issuer's number.
#[test]
fn another_answer_is_not_taken_for_one_that_is_recorded() {
    let mut world = World::confirmed(&[1_000], 0, true);
    world.now += TimeDelta::seconds(1);
    let attempt = world.payment.attempt(1, AttemptKind::Auth, 1).unwrap();
    let at = attempt.results[0].received_at;
    let known = answer(ResultOutcome::Approved, at);
    assert!(attempt.knows(&known));
    let numbered = Answer { issuer_ref: Some("A2".to_owned()), ..known.clone() };
    let refused = Answer { outcome: ResultOutcome::Declined, ..known.clone() };
    for other in [answer(ResultOutcome::Approved, world.now), numbered.clone(), refused] {
        assert!(!attempt.knows(&other), "{other:?}");
    }
    assert_eq!(attempt.told(&answer(ResultOutcome::Approved, world.now)), None, "told again by another way");
    let Some(Fact::Result(told)) = attempt.told(&numbered) else { panic!("it is another approval") };
    assert_eq!((told.result_no, told.issuer_ref.as_deref()), (2, Some("A2")));
}

#[test]
fn the_issuers_number_is_that_of_its_approval() {
    let world = World::confirmed(&[1_000], 0, true);
    assert_eq!(world.payment.attempt(1, AttemptKind::Auth, 1).unwrap().issuer_ref(), Some("A1"));
    let mut unknown = World::open(1_000, 0, "0.03");
    unknown.begin(&[1_000], true);
    unknown.finish(&[ResultOutcome::Timeout]);
    assert_eq!(unknown.payment.attempt(1, AttemptKind::Auth, 1).unwrap().issuer_ref(), None);
    let mut account = deposits::waiting(1_000, 0);
    assert_eq!(
        account.payment.attempt(1, AttemptKind::Auth, 1).unwrap().issuer_ref(),
        Some("V1"),
        "of the account"
    );
    deposits::arrives(&mut account, "r-1", 1_000).unwrap();
    assert_eq!(account.payment.attempt(1, AttemptKind::Auth, 1).unwrap().issuer_ref(), Some("V1"));
}

/// R2: each word on a reversal is a fact of its own, in its order.
#[test]
fn words_on_a_reversal_are_numbered() {
    let mut world = World::open(1_000, 0, "0.03");
    world.begin(&[1_000], true);
    world.finish(&[ResultOutcome::Timeout]);
    world.now += TimeDelta::seconds(61);
    world.reverse(1, ResultOutcome::NoOriginal);
    world.reverse(1, ResultOutcome::NoOriginal);
    world.late(1, ResultOutcome::Approved);
    world.reverse(1, ResultOutcome::Reversed);
    let target = world.payment.attempt(1, AttemptKind::Auth, 1).unwrap();
    let words: Vec<_> = target.reversal.iter().map(|word| (word.outcome_no, word.outcome)).collect();
    let expected = [
        (1, ReversalOutcome::VoidedProvisional),
        (2, ReversalOutcome::Reopened),
        (3, ReversalOutcome::Voided),
    ];
    assert_eq!(words, expected);
}
