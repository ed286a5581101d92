//! Answers that contradict what has been decided: raised, exposed, undone or with people, and never a revival.

use chrono::TimeDelta;
use ledger_core::payment::attempt::AttemptFacts;
use ledger_core::payment::confirm::Answer;
use ledger_core::payment::explain::{Rule, because};
use ledger_core::payment::exposure;
use ledger_core::payment::fact::{AttemptKind, Contradiction, ContradictionStep, Fact, ResultOutcome, Way};
use ledger_core::payment::reverse::{self, Next, Step, Target};
use ledger_core::payment::status::{CancelStatus, Reversal, Status};
use ledger_core::reference::Issuer;

use super::world::{World, answer, issuer, won};

fn approval(world: &World, number: &str) -> Answer {
    Answer { issuer_ref: Some(number.to_owned()), ..answer(ResultOutcome::Approved, world.now) }
}

fn reversed(world: &World, number: &str) -> Answer {
    Answer { issuer_ref: Some(number.to_owned()), ..answer(ResultOutcome::Reversed, world.now) }
}

/// A payment of one leg whose issuer did not answer.
fn given_up() -> World {
    let mut world = World::open(1_000, 0, "0.03");
    world.begin(&[1_000], true);
    world.finish(&[ResultOutcome::Timeout]);
    world
}

fn auth(world: &World) -> &AttemptFacts {
    world.payment.attempt(1, AttemptKind::Auth, 1).unwrap()
}

fn due(world: &World) -> Vec<Target> {
    reverse::due(auth(world), world.now)
}

/// The last step about the answer with this number.
fn step(world: &World, result_no: u16) -> Option<ContradictionStep> {
    auth(world).contradiction(result_no).map(|fact| fact.step)
}

fn undo(world: &mut World, target: Target, outcome: ResultOutcome) -> Step {
    let answer = answer(outcome, world.now);
    world.undo(target, answer, 0).unwrap()
}

/// R5: the second approval of an accepted attempt is canceled by its own reference; the accepted one stays.
#[test]
fn a_second_approval_beside_an_accepted_one_is_exposed_and_canceled_by_its_reference() {
    let mut world = World::confirmed(&[10_000], 0, true);
    world.late_with(1, &approval(&world, "A2"));
    assert_eq!(world.payment.exposure(world.now), won(10_000));
    assert_eq!(world.payment.status(world.now), Status::Done);
    assert_eq!(world.payment.leg(1).unwrap().auth_no(), Some("A1"));
    assert_eq!(exposure::of(&world.payment, world.now)[0].result_no, Some(2));
    assert_eq!(due(&world).len(), 1);
    let target = due(&world)[0];
    let Some(Next::Commit(message)) = reverse::start(&world.payment, target, &issuer(), world.now) else {
        panic!("nothing is sent")
    };
    assert_eq!(message.way, Some(Way::Cancel), "a reversal would name the whole attempt");
    assert_eq!(reverse::reference(world.payment.leg(1).unwrap(), &message), Some("A2"));
    let sent = Fact::Attempt(*message);
    assert_eq!(
        because(Some(&world.payment), &world.payment, &sent).rule,
        Rule::R5,
        "not R4, as another cancel is"
    );
    assert_eq!(undo(&mut world, target, ResultOutcome::Canceled), Step::Voided);
    assert_eq!(step(&world, 2), Some(ContradictionStep::Undone));
    assert!(world.payment.exposure(world.now).is_zero() && due(&world).is_empty());
    assert_eq!(world.payment.balance(), Ok(won(10_000)));
    let before = world.changes.len();
    world.late_with(1, &approval(&world, "A2"));
    assert_eq!(world.changes.len(), before, "told again, it adds nothing");
}

/// R5, R6: the cancel of a second approval is sent again as it is, and when the issuer refuses it people take over.
#[test]
fn the_cancel_of_a_second_approval_is_one_message_until_it_is_refused() {
    let mut world = World::confirmed(&[10_000], 0, true);
    world.late_with(1, &approval(&world, "A2"));
    let target = due(&world)[0];
    assert_eq!(undo(&mut world, target, ResultOutcome::Timeout), Step::Repeat);
    assert_eq!(undo(&mut world, target, ResultOutcome::Timeout), Step::Repeat);
    let sent = world.payment.leg(1).unwrap().attempts_of(AttemptKind::NetCancel).count();
    assert_eq!(sent, 1, "one trace number, however often it is sent");
    assert_eq!(undo(&mut world, target, ResultOutcome::Declined), Step::Escalated);
    assert_eq!(world.payment.exposure(world.now), won(10_000), "with people it is still exposed");
    assert_eq!(world.payment.reversal(world.now), Reversal::Escalated);
    assert!(due(&world).is_empty());
}

/// I7: silence is handed to people near the end of its time.
#[test]
fn a_second_approval_that_nobody_undoes_in_time_is_escalated() {
    let mut world = World::confirmed(&[10_000], 0, true);
    world.late_with(1, &approval(&world, "A2"));
    let target = due(&world)[0];
    world.now += TimeDelta::hours(1);
    assert_eq!(undo(&mut world, target, ResultOutcome::Timeout), Step::Escalated);
    assert_eq!(step(&world, 2), Some(ContradictionStep::Escalated));
}

/// R1, I12: "it is undone" is the issuer's word; an approval after it may stand all the same. The word stays, the approval is
/// undone by its reference.
#[test]
fn an_approval_after_it_was_voided_is_exposed_and_undone_and_never_resurrected() {
    let mut world = given_up();
    assert_eq!(world.reverse(1, ResultOutcome::Reversed), Some(Step::Voided));
    assert!(world.payment.exposure(world.now).is_zero());
    world.late_with(1, &approval(&world, "A9"));
    assert_eq!(world.payment.exposure(world.now), won(1_000));
    assert_eq!(auth(&world).state(world.now).status(), "VOIDED");
    assert_eq!(world.payment.status(world.now), Status::Aborted);
    let target = due(&world)[0];
    assert_eq!(undo(&mut world, target, ResultOutcome::Reversed), Step::Voided);
    assert!(world.payment.exposure(world.now).is_zero());
    assert_eq!(world.payment.reversal(world.now), Reversal::Done);
}

/// R1: an issuer that says by its reference what it has reversed is taken at its word: that approval is not undone again,
/// another one is.
#[test]
fn an_approval_that_the_issuer_names_as_reversed_is_not_undone_again() {
    // what is told after "A9 is reversed", and what is exposed then
    let named_first = [("A9", 0), ("A10", 1_000)];
    let another_first = [("A8", 1_000), ("A9", 2_000)];
    for told in [named_first, another_first] {
        let mut world = given_up();
        let target = due(&world)[0];
        let named = reversed(&world, "A9");
        assert_eq!(world.undo(target, named, 0), Some(Step::Voided));
        for (number, exposed) in told {
            world.late_with(1, &approval(&world, number));
            assert_eq!(auth(&world).state(world.now).status(), "VOIDED");
            assert_eq!(world.payment.exposure(world.now), won(exposed), "{number}");
            assert_eq!(due(&world).len(), usize::try_from(exposed / 1_000).unwrap(), "{number}");
        }
    }
}

/// R1: a reversal that names one approval, of an issuer that says it has reversed another one, settles neither quietly: the one
/// that was known stays exposed until it is undone or with people.
#[test]
fn a_reversal_of_another_approval_than_it_named_leaves_the_one_it_named() {
    for (hours, last, step, left) in
        [(0, "A8", Step::Voided, 0), (0, "A9", Step::Repeat, 1_000), (1, "A9", Step::Escalated, 1_000)]
    {
        let mut world = given_up();
        world.late_with(1, &approval(&world, "A8"));
        let target = due(&world)[0];
        let other = reversed(&world, "A9");
        assert_eq!(world.undo(target, other, 0), Some(Step::Voided));
        assert_eq!(world.payment.exposure(world.now), won(1_000), "A8 stands");
        let target = due(&world)[0];
        assert_eq!(target.result_no, Some(auth(&world).approval().unwrap().result_no));
        world.now += TimeDelta::hours(hours);
        let answer = reversed(&world, last);
        assert_eq!(world.undo(target, answer, 0), Some(step), "asked about A8, it says {last}");
        assert_eq!(world.payment.exposure(world.now), won(left));
    }
}

/// R1: a reversal that left before an approval was known may have undone another one: unless it names this one, its word ends the
/// order, not the approval.
#[test]
fn a_reversal_that_named_nothing_settles_an_approval_that_came_since_if_the_answer_names_it() {
    for (named, exposed) in [(None, 1_000), (Some("A8"), 1_000), (Some("A9"), 0)] {
        let mut world = given_up();
        let target = due(&world)[0];
        let Some(Next::Commit(message)) = reverse::start(&world.payment, target, &issuer(), world.now) else {
            panic!("nothing is sent")
        };
        assert_eq!(message.target_result, None);
        world.apply("NET_CANCEL", vec![Fact::Attempt(*message)]);
        world.late_with(1, &approval(&world, "A9"));
        let about = (1, AttemptKind::NetCancel, 1);
        let undone =
            Answer { issuer_ref: named.map(str::to_owned), ..answer(ResultOutcome::Reversed, world.now) };
        let (facts, step) = reverse::finish(&world.payment, about, &undone, &issuer(), world.now).unwrap();
        world.apply("NET_CANCEL_RESULT", facts);
        assert_eq!(step, Step::Voided);
        assert_eq!(world.payment.exposure(world.now), won(exposed), "{named:?}");
        for target in due(&world) {
            assert_eq!(undo(&mut world, target, ResultOutcome::Reversed), Step::Voided);
        }
        assert!(world.payment.exposure(world.now).is_zero());
    }
}

/// A word that is none of those a reversal is answered with settles nothing, and asks for nothing but another try.
#[test]
fn a_reversal_that_is_answered_with_an_approval_is_repeated() {
    let mut world = given_up();
    assert_eq!(world.reverse(1, ResultOutcome::Approved), Some(Step::Repeat));
    assert_eq!(world.payment.exposure(world.now), won(1_000));
}

#[test]
fn only_an_inquiry_or_a_full_cancel_follows_at_once() {
    for step in [Step::Inquire, Step::Cancel] {
        assert!(step.goes_on(), "{step:?}");
    }
    for step in [Step::Voided, Step::Provisional, Step::Repeat, Step::Escalated] {
        assert!(!step.goes_on(), "{step:?}");
    }
}

/// How long a contradiction may be undone is what its own issuer allows.
#[test]
fn a_contradiction_is_valid_as_long_as_its_own_issuer_says() {
    let mut world = World::confirmed(&[10_000], 0, true);
    let other = Issuer { issuer_id: "other-1".to_owned(), validity: issuer().validity * 2, ..issuer() };
    let second = approval(&world, "A2");
    let told_at = world.now;
    let facts = reverse::late(&world.payment, 1, 1, &second, &[other, issuer()], told_at);
    world.apply("LATE_ANSWER", facts);
    let raised = auth(&world).contradiction(2).unwrap();
    assert_eq!(raised.valid_until, told_at + issuer().validity);
}

/// The order in which a change is read back: by answer, then by step.
#[test]
fn steps_about_one_answer_stand_together_and_in_their_order() {
    let mut world = World::confirmed(&[10_000], 0, true);
    world.late_with(1, &approval(&world, "A2"));
    let raised = *auth(&world).contradiction(2).unwrap();
    let of = |result_no, step_no| Fact::Contradiction(Contradiction { result_no, step_no, ..raised }).place();
    let places = [of(1, 1), of(1, 2), of(2, 1), of(2, 2), of(16, 1), of(16, 2)];
    assert!(places.is_sorted_by(|one, next| one < next), "{places:?}");
}

/// R5: of two approvals that were given up the network cancel undoes the one it names; the other is undone by itself.
#[test]
fn two_approvals_that_are_given_up_are_undone_one_by_one() {
    let mut world = given_up();
    world.late_with(1, &approval(&world, "A1"));
    world.late_with(1, &approval(&world, "A2"));
    assert_eq!(world.payment.exposure(world.now), won(2_000));
    let targets = due(&world);
    assert_eq!(targets.len(), 2);
    for (target, left) in targets.into_iter().zip([1_000, 0]) {
        assert_eq!(undo(&mut world, target, ResultOutcome::Reversed), Step::Voided);
        assert_eq!(world.payment.exposure(world.now), won(left));
    }
}

/// R4: a reversal that comes too late is followed by an inquiry and a full cancel by the issuer's reference, told apart by
/// their rules; only when that is refused do people take over.
#[test]
fn what_can_no_longer_be_reversed_is_asked_about_and_canceled_by_its_reference() {
    for (last, state, left) in
        [(ResultOutcome::Canceled, "VOIDED", 0), (ResultOutcome::Declined, "ESCALATED", 1_000)]
    {
        let mut world = given_up();
        assert_eq!(world.reverse(1, ResultOutcome::TooLate), Some(Step::Inquire));
        assert_eq!(world.payment.exposure(world.now), won(1_000));
        assert_eq!(world.reverse(1, ResultOutcome::Timeout), Some(Step::Repeat), "asked again");
        let target = due(&world)[0];
        let stands = approval(&world, "A7");
        assert_eq!(world.undo(target, stands, 0), Some(Step::Cancel));
        let leg = world.payment.leg(1).unwrap();
        assert_eq!(leg.attempts_of(AttemptKind::Inquiry).count(), 2);
        assert_eq!(world.reverse(1, ResultOutcome::Reset), Some(Step::Repeat));
        let leg = world.payment.leg(1).unwrap();
        let cancel = leg.attempts_of(AttemptKind::NetCancel).last().unwrap();
        assert_eq!(cancel.attempt.way, Some(Way::Cancel));
        assert_eq!(reverse::reference(leg, &cancel.attempt), Some("A7"), "as the inquiry has told");
        let fact = Fact::Attempt(cancel.attempt.clone());
        assert_eq!(because(Some(&world.payment), &world.payment, &fact).rule, Rule::R4);
        world.reverse(1, last).unwrap();
        assert_eq!(auth(&world).state(world.now).status(), state);
        assert_eq!(world.payment.exposure(world.now), won(left));
        assert!(due(&world).is_empty());
    }
}

/// R4: an inquiry may find that it is undone already; and one that finds nothing contradicts the refusal, which people settle.
#[test]
fn an_inquiry_may_settle_it_alone() {
    for (outcome, step) in [
        (ResultOutcome::Reversed, Step::Voided),
        (ResultOutcome::Canceled, Step::Voided),
        (ResultOutcome::NoOriginal, Step::Escalated),
        (ResultOutcome::Declined, Step::Escalated),
    ] {
        let mut world = given_up();
        assert_eq!(world.reverse(1, ResultOutcome::TooLate), Some(Step::Inquire));
        assert_eq!(world.reverse(1, outcome), Some(step));
    }
}

/// R6: money given back though the share was refused and is free again: recorded, raised, with people, and exposed.
#[test]
fn a_refund_that_contradicts_a_refusal_is_recorded_and_raised() {
    let mut world = World::confirmed(&[10_000], 0, true);
    let cancel_no = world.cancel(Some(4_000), None).unwrap();
    world.answer_cancel(cancel_no, ResultOutcome::Declined);
    assert!(world.payment.exposure(world.now).is_zero());
    world.answer_cancel(cancel_no, ResultOutcome::Canceled);
    let attempt = world.payment.attempt(1, AttemptKind::Cancel, 1).unwrap();
    assert_eq!(attempt.results.len(), 2);
    assert_eq!(
        world.payment.cancel(cancel_no).unwrap().status(),
        CancelStatus::Failed,
        "what ended stays ended"
    );
    assert_eq!(world.payment.exposure(world.now), won(4_000));
    let row = &exposure::of(&world.payment, world.now)[0];
    assert_eq!((row.kind, row.state, row.amount), (AttemptKind::Cancel, "ESCALATED", won(4_000)));
    assert_eq!(world.payment.reversal(world.now), Reversal::Escalated);
    world.answer_cancel(cancel_no, ResultOutcome::Reversed);
    assert_eq!(world.payment.exposure(world.now), won(4_000), "one refund, however often it is told");
}

/// R6: a refusal after the refund is a fact beside it: what is done stays done.
#[test]
fn a_refusal_after_a_refund_raises_nothing() {
    let mut world = World::confirmed(&[10_000], 0, true);
    let cancel_no = world.cancel(Some(4_000), None).unwrap();
    world.answer_cancel(cancel_no, ResultOutcome::Canceled);
    world.answer_cancel(cancel_no, ResultOutcome::Declined);
    let attempt = world.payment.attempt(1, AttemptKind::Cancel, 1).unwrap();
    assert_eq!((attempt.results.len(), attempt.contradictions.len()), (2, 0));
    assert!(world.payment.exposure(world.now).is_zero());
}
