//! Approvals that a payment service gets itself: whatever it says, in whatever order, the books hold.

use chrono::TimeDelta;
use ledger_core::money::Minor;
use ledger_core::payment::attempt::{AttemptFacts, AttemptState};
use ledger_core::payment::caller;
use ledger_core::payment::confirm::{Answer, LegRequest};
use ledger_core::payment::fact::{
    AttemptKind, CardRef, Fact, Method, NetworkCancelReason, ResultOutcome, ResultSource, Ruling, Verdict,
};
use ledger_core::payment::fold::{Leg, Payment};
use ledger_core::payment::refusal::Refusal;
use ledger_core::payment::status::{Reversal, Status};
use ledger_core::payment::{abort, reverse};
use ledger_core::reference::Issuer;
use proptest::prelude::*;

use super::world::{World, answer, issuer, rules, won};

fn leg(amount: i64, tax_free: Option<i64>) -> LegRequest {
    LegRequest {
        method: Method::Card,
        issuer_id: "issuer".to_owned(),
        amount: won(amount),
        tax_free: tax_free.map(won),
        card: None,
        method_token: None,
        installment_months: 0,
        partial_cancelable: true,
        deposit_hours: None,
    }
}

fn said(outcome: ResultOutcome, auth_no: &str, world: &World) -> Answer {
    Answer {
        outcome,
        source: ResultSource::Caller,
        issuer_ref: (outcome == ResultOutcome::Approved).then(|| auth_no.to_owned()),
        issuer_code: None,
        account: None,
        received_at: world.now,
    }
}

pub fn attempt(world: &mut World, leg_no: u8, amount: i64) -> Result<(), Refusal> {
    let facts =
        caller::attempt(&world.payment, leg_no, &leg(amount, None), &[issuer()], &rules(), world.now)?;
    world.apply("ATTEMPT", facts);
    Ok(())
}

pub fn result(world: &mut World, leg_no: u8, attempt_no: u16, outcome: ResultOutcome) -> Result<(), Refusal> {
    let answer = said(outcome, "A1", world);
    let facts = caller::result(&world.payment, leg_no, attempt_no, &answer, &[issuer()], world.now)?;
    world.apply("RESULT", facts);
    Ok(())
}

fn recover(world: &mut World) -> bool {
    let Ok(facts) = abort::recover(&world.payment, &[issuer()], world.now) else { return false };
    world.apply("RECOVER", facts);
    true
}

fn attempts(payment: &Payment) -> impl Iterator<Item = &AttemptFacts> {
    payment.legs().flat_map(Leg::authorizations)
}

fn check(world: &World, decided: Option<Verdict>) -> Result<(), TestCaseError> {
    let payment = &world.payment;
    let planned = Minor::sum(payment.legs().map(|leg| leg.approval.amount)).unwrap();
    prop_assert!(planned <= payment.opened.total);
    for leg in payment.legs() {
        let open: Vec<_> = leg.authorizations().filter(|attempt| attempt.ruling().is_none()).collect();
        prop_assert!(open.len() <= 1, "one authorization of a leg is on its way at most");
        let last = leg.authorizations().last().unwrap().attempt.attempt_no;
        for earlier in leg.authorizations().filter(|attempt| attempt.attempt.attempt_no < last) {
            prop_assert_eq!(earlier.ruling(), Some(Ruling::Reject), "a further one needs proof of NOT_SENT");
            prop_assert!(earlier.result(ResultOutcome::NotSent).is_some());
        }
    }
    let verdict = payment.verdict.as_ref().map(|fact| fact.verdict);
    prop_assert!(decided.is_none() || decided == verdict, "a verdict stands");
    let effective = Minor::sum(attempts(payment).map(AttemptFacts::effective)).unwrap();
    if verdict == Some(Verdict::Confirmed) {
        prop_assert_eq!(effective, payment.opened.total, "I1");
        let tax_free = Minor::sum(payment.legs().map(|leg| leg.approval.tax_free)).unwrap();
        prop_assert_eq!(tax_free, payment.opened.tax_free);
        prop_assert!(payment.legs().all(|leg| leg.approval.tax_free <= leg.approval.amount));
    } else {
        prop_assert!(effective.is_zero() && payment.balance().unwrap().is_zero(), "I1");
    }
    if verdict == Some(Verdict::Aborted) {
        for attempt in attempts(payment) {
            let approved = attempt.approval().is_some();
            let state = attempt.state(world.now);
            let given_up = matches!(state, AttemptState::Conflict | AttemptState::Reversing(_));
            let refused = state == AttemptState::Rejected && !approved;
            prop_assert!(given_up || refused, "{:?}, approved: {}", state, approved);
        }
    }
    Ok(())
}

/// What a caller, an issuer and time can do.
#[derive(Debug, Clone)]
enum Act {
    Attempt(u8, i64),
    Result(u8, u16, ResultOutcome),
    Recover,
    Wait(i64),
}

fn act() -> impl Strategy<Value = Act> {
    let outcomes = prop::sample::select(vec![
        ResultOutcome::Approved,
        ResultOutcome::Approved,
        ResultOutcome::Approved,
        ResultOutcome::NotSent,
        ResultOutcome::NotSent,
        ResultOutcome::Declined,
        ResultOutcome::Timeout,
        ResultOutcome::Reset,
    ]);
    prop_oneof![
        4 => (1_u8..4, prop::sample::select(vec![300_i64, 400, 700])).prop_map(|(leg, amount)| Act::Attempt(leg, amount)),
        6 => (1_u8..4, 1_u16..3, outcomes).prop_map(|(leg, no, outcome)| Act::Result(leg, no, outcome)),
        1 => Just(Act::Recover),
        1 => prop::sample::select(vec![5_i64, 25, 2_000]).prop_map(Act::Wait),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(crate::world::cases(3_000)))]

    /// I1, I6, I12, R1
    #[test]
    fn no_history_of_a_caller_breaks_the_books(acts in prop::collection::vec(act(), 0..25), tax_free in 0_i64..=1_000) {
        let mut world = World::open(1_000, tax_free, "0.03");
        for act in acts {
            let decided = world.payment.verdict.as_ref().map(|fact| fact.verdict);
            match act {
                Act::Attempt(leg, amount) => drop(attempt(&mut world, leg, amount)),
                Act::Result(leg, no, outcome) => drop(result(&mut world, leg, no, outcome)),
                Act::Recover => drop(recover(&mut world)),
                Act::Wait(seconds) => world.now += TimeDelta::seconds(seconds),
            }
            check(&world, decided)?;
        }
        // whatever was left behind is given up in the end
        world.now += TimeDelta::hours(2);
        let expired = abort::expire(&world.payment, &[issuer()], world.now);
        if world.payment.verdict.is_none() {
            prop_assert!(recover(&mut world) || expired.is_ok(), "{:?}", world.payment.status(world.now));
            check(&world, None)?;
        }
    }
}

#[test]
fn legs_come_one_by_one_and_the_last_one_confirms() {
    let mut world = World::open(1_000, 100, "0.03");
    attempt(&mut world, 2, 300).unwrap();
    result(&mut world, 2, 1, ResultOutcome::Approved).unwrap();
    assert_eq!(world.payment.status(world.now), Status::InProgress);
    attempt(&mut world, 1, 700).unwrap();
    result(&mut world, 1, 1, ResultOutcome::Approved).unwrap();
    assert_eq!(world.payment.status(world.now), Status::Done);
    let parts: Vec<_> = world.payment.legs().map(|leg| leg.approval.tax_free.get()).collect();
    assert_eq!(parts, [70, 30]);
    let kinds: Vec<_> =
        world.changes.iter().flat_map(|change| &change.events).map(|event| event.kind).collect();
    assert_eq!(kinds, ["payment.created.v1", "approval.approved.v1", "payment.confirmed.v1"]);
}

#[test]
fn a_leg_beyond_the_total_a_second_authorization_and_other_words_are_refused() {
    let mut world = World::open(1_000, 0, "0.03");
    attempt(&mut world, 1, 700).unwrap();
    let sum = Refusal::LegSum { sum: won(1_001), total: won(1_000) };
    assert_eq!(attempt(&mut world, 2, 301), Err(sum));
    let open = Refusal::AttemptOpen { leg_no: 1, attempt_no: 1 };
    assert_eq!(attempt(&mut world, 1, 700), Err(open.clone()));
    result(&mut world, 1, 1, ResultOutcome::Approved).unwrap();
    assert_eq!(attempt(&mut world, 1, 700), Err(open), "approved is no proof that nothing was sent");
    attempt(&mut world, 2, 300).unwrap();
    result(&mut world, 2, 1, ResultOutcome::NotSent).unwrap();
    assert_eq!(attempt(&mut world, 2, 299), Err(Refusal::LegDiffers { leg_no: 2 }));
    attempt(&mut world, 2, 300).unwrap();
    result(&mut world, 2, 2, ResultOutcome::Approved).unwrap();
    assert_eq!(world.payment.status(world.now), Status::Done);
    let missing = Refusal::NoSuchAttempt { leg_no: 2, attempt_no: 3 };
    assert_eq!(result(&mut world, 2, 3, ResultOutcome::Approved), Err(missing));
}

/// R8: everything that may stand at an issuer is undone, the leg on its way included; its late window begins at its deadline.
#[test]
fn a_declined_leg_aborts_and_the_others_are_undone() {
    let mut world = World::open(1_000, 0, "0.03");
    for (leg_no, amount) in [(1, 300), (2, 300), (3, 400)] {
        attempt(&mut world, leg_no, amount).unwrap();
    }
    result(&mut world, 1, 1, ResultOutcome::Approved).unwrap();
    result(&mut world, 2, 1, ResultOutcome::Declined).unwrap();
    assert_eq!(world.payment.status(world.now), Status::Aborted);
    assert_eq!(world.payment.exposure(world.now), won(700));
    let on_its_way = world.payment.attempt(3, AttemptKind::Auth, 1).unwrap();
    let order = on_its_way.network_cancel.as_ref().unwrap();
    assert_eq!(order.late_until, on_its_way.attempt.deadline_at + issuer().late_window);
}

/// R1: an approval that is told after a timeout is a fact beside the verdict.
#[test]
fn a_late_approval_revives_nothing() {
    let mut world = World::open(1_000, 0, "0.03");
    attempt(&mut world, 1, 1_000).unwrap();
    result(&mut world, 1, 1, ResultOutcome::Timeout).unwrap();
    result(&mut world, 1, 1, ResultOutcome::Approved).unwrap();
    assert_eq!(world.payment.status(world.now), Status::Aborted);
    let told = world.payment.attempt(1, AttemptKind::Auth, 1).unwrap();
    assert_eq!(told.approval().unwrap().source, ResultSource::Late);
    assert_eq!(told.effective(), Minor::ZERO);
    let before = world.changes.len();
    result(&mut world, 1, 1, ResultOutcome::Approved).unwrap();
    assert_eq!(world.changes.len(), before, "told again, it adds nothing");
}

/// R5: an approval beside proof that nothing was sent is raised, shown, and undone by its number.
#[test]
fn answers_that_contradict_each_other_confirm_nothing_and_stay_exposed() {
    let mut world = World::open(1_000, 0, "0.03");
    attempt(&mut world, 1, 1_000).unwrap();
    result(&mut world, 1, 1, ResultOutcome::NotSent).unwrap();
    result(&mut world, 1, 1, ResultOutcome::Approved).unwrap();
    assert_eq!(world.payment.status(world.now), Status::Aborted);
    assert_eq!(world.payment.exposure(world.now), won(1_000));
    assert_eq!(world.payment.reversal(world.now), Reversal::Pending);
    let conflict = world.payment.attempt(1, AttemptKind::Auth, 1).unwrap();
    assert_eq!(conflict.state(world.now).status(), "CONFLICT");
    let target = reverse::due(conflict, world.now)[0];
    world.undo(target, answer(ResultOutcome::Reversed, world.now), 0).unwrap();
    assert_eq!(world.payment.exposure(world.now), won(0));
    assert_eq!(world.payment.reversal(world.now), Reversal::Done);

    let mut world = World::open(1_000, 0, "0.03");
    attempt(&mut world, 1, 500).unwrap();
    result(&mut world, 1, 1, ResultOutcome::Approved).unwrap();
    result(&mut world, 1, 1, ResultOutcome::Declined).unwrap();
    assert_eq!(world.payment.status(world.now), Status::Aborted);
    assert_eq!(world.payment.reversal(world.now), Reversal::Pending, "undone, since it may stand");
}

/// R10: silence past the deadline; and approved legs that are left alone until the payment expires.
#[test]
fn what_a_caller_leaves_behind_is_given_up_in_its_time_and_not_before() {
    let mut world = World::open(1_000, 0, "0.03");
    attempt(&mut world, 1, 600).unwrap();
    assert!(!recover(&mut world), "its caller has time left");
    result(&mut world, 1, 1, ResultOutcome::Approved).unwrap();
    world.now += TimeDelta::minutes(20);
    assert!(!recover(&mut world), "an approved leg waits for the others");
    attempt(&mut world, 2, 400).unwrap();
    world.now += TimeDelta::seconds(22);
    assert!(recover(&mut world), "nobody told how the second ended");
    assert_eq!(world.payment.exposure(world.now), won(1_000));

    let mut world = World::open(1_000, 0, "0.03");
    attempt(&mut world, 1, 600).unwrap();
    result(&mut world, 1, 1, ResultOutcome::Approved).unwrap();
    world.now += TimeDelta::minutes(31);
    let refused = attempt(&mut world, 2, 400).unwrap_err();
    assert!(matches!(refused, Refusal::InvalidState { .. }), "{refused}");
    assert!(recover(&mut world));
    assert_eq!(
        (world.payment.status(world.now), world.payment.exposure(world.now)),
        (Status::Aborted, won(600))
    );

    let mut world = World::open(1_000, 0, "0.03");
    attempt(&mut world, 1, 600).unwrap();
    result(&mut world, 1, 1, ResultOutcome::NotSent).unwrap();
    world.now += TimeDelta::minutes(31);
    assert_eq!(world.payment.status(world.now), Status::Expired);
    let facts = abort::expire(&world.payment, &[issuer()], world.now).unwrap();
    assert!(matches!(facts.as_slice(), [Fact::PaymentVerdict(_)]));
}

#[test]
fn a_leg_leaves_the_others_room_for_the_tax_free_part() {
    let world = World::open(1_000, 900, "0.03");
    let told = |tax_free| {
        caller::attempt(&world.payment, 1, &leg(500, Some(tax_free)), &[issuer()], &rules(), world.now)
    };
    assert!(told(400).is_ok() && told(500).is_ok());
    assert_eq!(told(399), Err(Refusal::TaxFreeBounds { least: won(400), most: won(500) }));
}

/// Whoever begins decides the way: what the ledger asks for takes no attempt and no result of a caller.
#[test]
fn a_payment_is_the_ledgers_or_its_callers_and_never_both() {
    let mut ledgers = World::open(1_000, 0, "0.03");
    assert!(!caller::is_callers(&ledgers.payment), "nobody has begun");
    ledgers.begin(&[1_000], true);
    assert!(!caller::is_callers(&ledgers.payment));
    let refused = attempt(&mut ledgers, 1, 1_000).unwrap_err();
    assert!(matches!(refused, Refusal::InvalidState { .. }), "{refused}");
    let missing = Refusal::NoSuchAttempt { leg_no: 1, attempt_no: 1 };
    assert_eq!(result(&mut ledgers, 1, 1, ResultOutcome::Approved), Err(missing));

    let mut callers = World::open(1_000, 0, "0.03");
    attempt(&mut callers, 1, 400).unwrap();
    assert!(caller::is_callers(&callers.payment));
    let answer = Answer { source: ResultSource::Sync, ..said(ResultOutcome::Approved, "A1", &callers) };
    let facts = caller::result(&callers.payment, 1, 1, &answer, &[issuer()], callers.now).unwrap();
    assert!(matches!(facts.as_slice(), [Fact::Result(told)] if told.source == ResultSource::Caller));
}

#[test]
fn what_cannot_be_a_leg_is_refused() {
    let world = World::open(1_000, 0, "0.03");
    let planned = |leg_no, method| {
        let request = LegRequest { method, ..leg(100, None) };
        caller::attempt(&world.payment, leg_no, &request, &[issuer()], &rules(), world.now).map(drop)
    };
    let no = |method| Err(Refusal::NoMethodRule(method));
    assert_eq!((planned(1, Method::Card), planned(8, Method::Points)), (Ok(()), Ok(())));
    assert_eq!((planned(0, Method::Card), planned(9, Method::Card)), (no(Method::Card), no(Method::Card)));
    assert_eq!(
        planned(1, Method::VirtualAccount),
        no(Method::VirtualAccount),
        "an account is issued by a confirm"
    );
}

/// A further attempt of a leg says what the first one said; what it leaves out it takes from there.
#[test]
fn a_further_attempt_is_for_the_same_leg_to_the_letter() {
    let mut world = World::open(1_000, 500, "0.03");
    let first = leg(600, Some(300));
    let facts = caller::attempt(&world.payment, 1, &first, &[issuer()], &rules(), world.now).unwrap();
    world.apply("ATTEMPT", facts);
    result(&mut world, 1, 1, ResultOutcome::NotSent).unwrap();
    let again = |request: LegRequest| {
        let issuers = [issuer(), Issuer { issuer_id: "other".to_owned(), ..issuer() }];
        caller::attempt(&world.payment, 1, &request, &issuers, &rules(), world.now).map(drop)
    };
    let differs = Err(Refusal::LegDiffers { leg_no: 1 });
    assert_eq!(
        (again(first.clone()), again(LegRequest { tax_free: None, ..first.clone() })),
        (Ok(()), Ok(()))
    );
    let card = CardRef { bin: "411111".to_owned(), last4: "1111".to_owned() };
    for other in [
        LegRequest { method: Method::Points, ..first.clone() },
        LegRequest { issuer_id: "other".to_owned(), ..first.clone() },
        LegRequest { amount: won(599), ..first.clone() },
        LegRequest { tax_free: Some(won(299)), ..first.clone() },
        LegRequest { card: Some(card), ..first.clone() },
        LegRequest { method_token: Some("t".to_owned()), ..first.clone() },
        LegRequest { installment_months: 3, ..first.clone() },
    ] {
        assert_eq!(again(other.clone()), differs, "{other:?}");
    }
}

/// The instant at which time is over still counts; the next one does not.
#[test]
fn a_callers_time_ends_after_its_last_instant() {
    let instant = TimeDelta::microseconds(1);
    // a further leg, and an approval that leaves the payment incomplete, until the payment expires
    let waiting = |at_end: TimeDelta, outcome| {
        let mut world = World::open(1_000, 0, "0.03");
        attempt(&mut world, 1, 400).unwrap();
        world.now = world.payment.opened.expires_at + at_end;
        let further = caller::attempt(&world.payment, 2, &leg(600, None), &[issuer()], &rules(), world.now);
        result(&mut world, 1, 1, outcome).unwrap();
        (further.is_ok(), world.payment.verdict.and_then(|fact| fact.reason))
    };
    let expired = Some("EXPIRED".to_owned());
    for outcome in [ResultOutcome::Approved, ResultOutcome::NotSent] {
        assert_eq!(waiting(TimeDelta::zero(), outcome), (true, None), "{outcome}");
        assert_eq!(waiting(instant, outcome), (false, expired.clone()), "{outcome}");
    }
    // an approval that completes the payment counts all the same: its money is there
    let mut late = World::open(1_000, 0, "0.03");
    attempt(&mut late, 1, 1_000).unwrap();
    late.now = late.payment.opened.expires_at + instant;
    result(&mut late, 1, 1, ResultOutcome::Approved).unwrap();
    assert_eq!(late.payment.status(late.now), Status::Done);

    // an attempt that nobody told about, until its deadline
    let mut silent = World::open(1_000, 0, "0.03");
    let began = silent.now;
    attempt(&mut silent, 1, 400).unwrap();
    let deadline = silent.payment.attempt(1, AttemptKind::Auth, 1).unwrap().attempt.deadline_at;
    assert_eq!(
        deadline,
        began + issuer().answer_within() + TimeDelta::seconds(10),
        "time to tell it as well"
    );
    silent.now = deadline;
    assert!(!recover(&mut silent));
    silent.now += instant;
    assert!(recover(&mut silent));

    // approved legs that wait for others, until the payment expires
    let mut left = World::open(1_000, 0, "0.03");
    attempt(&mut left, 1, 400).unwrap();
    result(&mut left, 1, 1, ResultOutcome::Approved).unwrap();
    left.now = left.payment.opened.expires_at;
    assert!(!recover(&mut left));
    left.now += instant;
    assert!(recover(&mut left));
}

/// Why each leg is undone when another fails; and until when it may still land (R2).
#[test]
fn a_leg_on_its_way_is_undone_for_its_own_reason() {
    let instant = TimeDelta::microseconds(1);
    let undone = |after_deadline: TimeDelta, told: Option<ResultOutcome>| {
        let mut world = World::open(1_000, 0, "0.03");
        attempt(&mut world, 1, 400).unwrap();
        if let Some(outcome) = told {
            result(&mut world, 1, 1, outcome).unwrap();
        }
        let deadline = world.payment.attempt(1, AttemptKind::Auth, 1).unwrap().attempt.deadline_at;
        attempt(&mut world, 2, 600).unwrap();
        world.now = deadline + after_deadline;
        result(&mut world, 2, 1, ResultOutcome::Declined).unwrap();
        let order = world.payment.attempt(1, AttemptKind::Auth, 1).unwrap().network_cancel.clone().unwrap();
        let decided = world.payment.verdict.unwrap().decided_at;
        (
            order.reason,
            order.late_until - decided - issuer().late_window,
            order.valid_until - order.late_until,
        )
    };
    let rest = issuer().validity - issuer().late_window;
    let zero = TimeDelta::zero();
    let second = TimeDelta::seconds(1);
    assert_eq!(
        undone(-second, None),
        (NetworkCancelReason::SiblingFailed, second, rest),
        "it may land until then"
    );
    assert_eq!(undone(zero, None), (NetworkCancelReason::SiblingFailed, zero, rest));
    assert_eq!(undone(instant, None), (NetworkCancelReason::CrashRecovery, zero, rest));
    let approved = undone(-second, Some(ResultOutcome::Approved));
    assert_eq!(approved, (NetworkCancelReason::SiblingFailed, zero, rest), "it has landed");
}

#[test]
fn an_answer_without_a_clear_word_is_undone_by_its_own_name() {
    for (outcome, reason) in [
        (ResultOutcome::Timeout, NetworkCancelReason::Timeout),
        (ResultOutcome::Garbled, NetworkCancelReason::Garbled),
        (ResultOutcome::Reset, NetworkCancelReason::Reset),
    ] {
        let mut world = World::open(1_000, 0, "0.03");
        attempt(&mut world, 1, 1_000).unwrap();
        result(&mut world, 1, 1, outcome).unwrap();
        let told = world.payment.attempt(1, AttemptKind::Auth, 1).unwrap();
        assert_eq!(told.network_cancel.as_ref().map(|order| order.reason), Some(reason));
    }
}
