//! Undoing an authorization, at its edges: the late window, the end of its validity, answers that come twice or too late.

use chrono::TimeDelta;
use ledger_core::payment::attempt::AttemptState;
use ledger_core::payment::fact::{AttemptKind, Fact, NetworkCancelReason, ResultOutcome};
use ledger_core::payment::refusal::Refusal;
use ledger_core::payment::reverse::{self, Next, Step, Target};
use ledger_core::payment::status::Reversal;

use super::world::{World, answer, issuer};

const INSTANT: TimeDelta = TimeDelta::microseconds(1);

/// The authorization as a whole.
const WHOLE: Target = Target { leg_no: 1, attempt_no: 1, result_no: None };

fn uncertain() -> World {
    let mut world = World::open(1_000, 0, "0.03");
    world.begin(&[1_000], true);
    world.finish(&[ResultOutcome::Timeout]);
    world
}

/// Sends a network cancel without an answer, and says its number.
fn send(world: &mut World) -> u16 {
    let Some(Next::Commit(attempt)) = reverse::start(&world.payment, WHOLE, &issuer(), world.now) else {
        panic!("nothing is undone")
    };
    world.apply("NET_CANCEL", vec![Fact::Attempt(*attempt)]);
    world.payment.leg(1).unwrap().next_attempt_no(AttemptKind::NetCancel) - 1
}

fn answered(world: &mut World, attempt_no: u16, outcome: ResultOutcome) -> Step {
    let told = answer(outcome, world.now);
    let about = (1, AttemptKind::NetCancel, attempt_no);
    let (facts, step) = reverse::finish(&world.payment, about, &told, &issuer(), world.now).unwrap();
    world.apply("NET_CANCEL_RESULT", facts);
    step
}

/// R2: what counts is when it was asked, from the instant the late window ends.
#[test]
fn no_original_is_believed_from_the_end_of_the_late_window_on() {
    for (early, step) in [(INSTANT, Step::Repeat), (TimeDelta::zero(), Step::Provisional)] {
        let mut world = uncertain();
        assert_eq!(world.reverse(1, ResultOutcome::NoOriginal), Some(Step::Repeat));
        let target = world.payment.attempt(1, AttemptKind::Auth, 1).unwrap();
        world.now = target.network_cancel.as_ref().unwrap().late_until - early;
        // the answer comes well after the window; asked before it, it says nothing
        assert_eq!(world.reverse_slowly(1, ResultOutcome::NoOriginal, 5), Some(step));
    }
}

/// R2: an earlier try has to have said the same; the same try told twice is one try, and a later one is not earlier.
#[test]
fn two_tries_have_to_agree_that_there_is_no_original() {
    let mut world = uncertain();
    world.now += TimeDelta::seconds(61);
    let first = send(&mut world);
    assert_eq!(answered(&mut world, first, ResultOutcome::NoOriginal), Step::Repeat);
    assert_eq!(answered(&mut world, first, ResultOutcome::NoOriginal), Step::Repeat, "told twice");
    let second = send(&mut world);
    assert_eq!(answered(&mut world, second, ResultOutcome::NoOriginal), Step::Provisional);

    let mut crossed = uncertain();
    crossed.now += TimeDelta::seconds(61);
    let (first, second) = (send(&mut crossed), send(&mut crossed));
    assert_eq!(answered(&mut crossed, second, ResultOutcome::NoOriginal), Step::Repeat);
    assert_eq!(answered(&mut crossed, first, ResultOutcome::NoOriginal), Step::Repeat, "none was before it");
    assert_eq!(answered(&mut crossed, second, ResultOutcome::NoOriginal), Step::Provisional);
}

/// R3: people take over when seventeen twentieths of the validity are over.
#[test]
fn what_is_not_undone_is_handed_over_before_its_validity_ends() {
    let order = |world: &World| {
        world.payment.attempt(1, AttemptKind::Auth, 1).unwrap().network_cancel.clone().unwrap()
    };
    for (early, step) in [(INSTANT, Step::Repeat), (TimeDelta::zero(), Step::Escalated)] {
        let mut world = uncertain();
        let order = order(&world);
        let over_at = reverse::escalate_at(order.requested_at, order.valid_until);
        assert_eq!(over_at, order.requested_at + TimeDelta::minutes(51));
        let no = send(&mut world);
        world.now = over_at - early;
        assert_eq!(answered(&mut world, no, ResultOutcome::Timeout), step);
    }
}

#[test]
fn what_is_settled_stays_so_whatever_comes_after() {
    let mut world = uncertain();
    let (one, two) = (send(&mut world), send(&mut world));
    assert_eq!(answered(&mut world, one, ResultOutcome::Reversed), Step::Voided);
    assert_eq!(answered(&mut world, two, ResultOutcome::Timeout), Step::Voided);
    let target = world.payment.attempt(1, AttemptKind::Auth, 1).unwrap();
    assert_eq!((target.reversal.len(), reverse::is_due(target, world.now)), (1, false));
    assert_eq!(world.reverse(1, ResultOutcome::Reversed), None, "nothing is sent any more");

    let mut silent = uncertain();
    let (one, two) = (send(&mut silent), send(&mut silent));
    silent.now += TimeDelta::minutes(58);
    assert_eq!(answered(&mut silent, one, ResultOutcome::Timeout), Step::Escalated);
    assert_eq!(answered(&mut silent, two, ResultOutcome::Timeout), Step::Escalated);
    assert_eq!(silent.payment.attempt(1, AttemptKind::Auth, 1).unwrap().reversal.len(), 1);
    let mut world = uncertain();
    world.now += TimeDelta::seconds(61);
    let tries = [send(&mut world), send(&mut world), send(&mut world)];
    let steps = tries.map(|no| answered(&mut world, no, ResultOutcome::NoOriginal));
    assert_eq!(steps, [Step::Repeat, Step::Provisional, Step::Provisional]);
}

#[test]
fn only_what_was_given_up_is_undone() {
    let paid = World::confirmed(&[1_000], 0, true);
    assert!(!reverse::is_due(paid.payment.attempt(1, AttemptKind::Auth, 1).unwrap(), paid.now));
    assert!(reverse::start(&paid.payment, WHOLE, &issuer(), paid.now).is_none());
    assert_eq!(paid.payment.reversal(paid.now), Reversal::None);
    let mut world = uncertain();
    let target = world.payment.attempt(1, AttemptKind::Auth, 1).unwrap();
    assert!(reverse::is_due(target, world.now));
    assert_eq!(target.state(world.now), AttemptState::Reversing(NetworkCancelReason::Timeout));
    let missing = reverse::finish(
        &world.payment,
        (1, AttemptKind::NetCancel, 1),
        &answer(ResultOutcome::Reversed, world.now),
        &issuer(),
        world.now,
    );
    assert_eq!(missing, Err(Refusal::NotFound), "nothing was sent");
    let no = send(&mut world);
    let sent = world.payment.attempt(1, AttemptKind::NetCancel, no).unwrap();
    assert_eq!((sent.attempt.target_no, sent.attempt.amount.get()), (Some(1), 1_000));
    assert_eq!(sent.attempt.deadline_at, world.changes.last().unwrap().asked.at + issuer().answer_within());
}
