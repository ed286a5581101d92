//! Confirming, at its edges: what is sent in which time and under which number, what a verdict says, who may try again.

use chrono::{DateTime, TimeDelta, Utc};
use ledger_core::ids::PaymentId;
use ledger_core::payment::confirm::{self, Answer, Confirm, LegRequest, trace_no};
use ledger_core::payment::create::next_try;
use ledger_core::payment::fact::{
    Attempt, AttemptKind, Fact, ResultOutcome, ResultSource, ReversalOutcome, Ruling, Verdict,
};
use ledger_core::payment::refusal::Refusal;
use ledger_core::payment::status::Status;
use ledger_core::payment::{abort, caller};
use ledger_core::reference::Issuer;

use super::deposits;
use super::world::{World, answer, confirm_with, issuer, rules, won};

fn other() -> Issuer {
    Issuer {
        issuer_id: "other".to_owned(),
        read_timeout: std::time::Duration::from_secs(30),
        late_window: TimeDelta::seconds(7),
        validity: TimeDelta::seconds(700),
        ..issuer()
    }
}

/// Legs of these amounts and tax-free parts; the second is another issuer's.
fn legs(parts: &[(i64, Option<i64>)]) -> Confirm {
    let amounts: Vec<_> = parts.iter().map(|(amount, _)| *amount).collect();
    let mut cmd = confirm_with(&amounts, true);
    for (leg, (_, tax_free)) in cmd.legs.iter_mut().zip(parts) {
        leg.tax_free = tax_free.map(won);
    }
    if let Some(leg) = cmd.legs.get_mut(1) {
        "other".clone_into(&mut leg.issuer_id);
    }
    cmd
}

fn started(world: &World, cmd: &Confirm) -> Result<Vec<Fact>, Refusal> {
    confirm::start(&world.payment, cmd, &[other(), issuer()], &rules(), world.now)
}

fn attempts(facts: &[Fact]) -> Vec<&Attempt> {
    facts
        .iter()
        .filter_map(|fact| if let Fact::Attempt(attempt) = fact { Some(attempt) } else { None })
        .collect()
}

#[test]
fn legs_are_sent_one_after_the_other_each_in_its_issuers_time() {
    let world = World::open(3_000, 0, "0.03");
    let facts = started(&world, &legs(&[(1_000, None), (2_000, None)])).unwrap();
    let deadlines: Vec<_> = attempts(&facts).iter().map(|attempt| attempt.deadline_at).collect();
    let first = world.now + issuer().answer_within();
    assert_eq!(deadlines, [first, first + other().answer_within()]);
    let mut unknown = legs(&[(3_000, None)]);
    unknown.legs[0].issuer_id = "nobody".to_owned();
    assert_eq!(started(&world, &unknown), Err(Refusal::UnknownIssuer("nobody".to_owned())));
    let sum = Refusal::LegSum { sum: won(2_999), total: won(3_000) };
    assert_eq!(started(&world, &legs(&[(2_999, None)])), Err(sum));
    let mut begun = World::open(3_000, 0, "0.03");
    begun.begin(&[3_000], true);
    let again = started(&begun, &legs(&[(3_000, None)]));
    assert!(matches!(again, Err(Refusal::InvalidState { status: Status::InProgress, .. })), "{again:?}");
}

#[test]
fn a_leg_is_canceled_in_part_only_if_its_method_and_its_request_allow_it() {
    let world = World::open(1_000, 0, "0.03");
    let mut whole = confirm_with(&[1_000], true);
    whole.legs[0].partial_cancelable = false;
    for (cmd, partial) in [(confirm_with(&[1_000], true), true), (whole, false)] {
        let facts = started(&world, &cmd).unwrap();
        assert!(matches!(&facts[0], Fact::Approval(leg) if leg.partial_cancelable == partial));
    }
}

#[test]
fn told_tax_free_parts_are_kept_up_to_a_whole_leg_and_make_up_the_payments() {
    let world = World::open(3_000, 1_500, "0.03");
    let told = |first, second| {
        let facts = started(&world, &legs(&[(1_000, first), (2_000, second)]))?;
        let parts = facts.iter().filter_map(|fact| {
            if let Fact::Approval(leg) = fact { Some((leg.leg_no, leg.tax_free.get())) } else { None }
        });
        let mut parts: Vec<_> = parts.collect();
        parts.sort_unstable();
        Ok(parts.into_iter().map(|(_, part)| part).collect::<Vec<_>>())
    };
    let refused = |sum| Err(Refusal::LegTaxFreeSum { sum: won(sum), tax_free: won(1_500) });
    assert_eq!(told(None, None), Ok(vec![500, 1_000]), "in proportion");
    assert_eq!(told(Some(1_000), Some(500)), Ok(vec![1_000, 500]), "a leg may be wholly free of tax");
    assert_eq!(told(None, Some(1_500)), Ok(vec![0, 1_500]));
    assert_eq!(told(Some(1_001), Some(499)), refused(1_500), "more than the leg");
    assert_eq!(told(Some(1_000), Some(499)), refused(1_499));
    assert_eq!(told(Some(1_000), Some(501)), refused(1_501));
}

/// A number that an issuer knows us by can be read back, and holds no run of digits that could pass for a card number.
#[test]
fn a_trace_number_is_of_one_attempt_only() {
    let id = PaymentId::from_bytes(*b"\x01\xa2\x0c\xb4\x65\xe2\x8c\x62\xb8\xbc\x97\xdf\x58\xb1\x50\xff");
    let name = "ABKCAMLEGFOCIMGCLILMJHNPFILBFAPP";
    let kinds = [
        (AttemptKind::Auth, "A"),
        (AttemptKind::Cancel, "C"),
        (AttemptKind::NetCancel, "N"),
        (AttemptKind::Inquiry, "I"),
    ];
    for (kind, letter) in kinds {
        assert_eq!(trace_no(id, 3, kind, 12), format!("{name}03{letter}12"));
    }
}

#[test]
fn each_leg_is_undone_in_the_time_of_its_issuer() {
    let mut world = World::open(3_000, 0, "0.03");
    let facts = started(&world, &legs(&[(1_000, None), (2_000, None)])).unwrap();
    world.apply("CONFIRM", facts);
    let now = world.now;
    let answers = [(1, answer(ResultOutcome::Timeout, now)), (2, answer(ResultOutcome::Timeout, now))];
    let orders = |issuers: &[Issuer]| -> Vec<(DateTime<Utc>, DateTime<Utc>)> {
        let facts = confirm::finish(&world.payment, &answers, issuers, now).unwrap();
        let orders = facts.iter().filter_map(|fact| {
            if let Fact::NetworkCancel(order) = fact {
                Some((order.late_until, order.valid_until))
            } else {
                None
            }
        });
        orders.collect()
    };
    let of = |issuer: &Issuer| (now + issuer.late_window, now + issuer.validity);
    assert_eq!(orders(&[other(), issuer()]), [of(&issuer()), of(&other())]);
    let unknown = (now + TimeDelta::seconds(60), now + TimeDelta::hours(1));
    assert_eq!(orders(&[issuer()]), [of(&issuer()), unknown], "of one that is no longer known");
}

/// The clearest reason is told: what is uncertain before what was refused, that before what was never sent.
#[test]
fn the_reason_of_a_failure_is_told_to_the_caller() {
    use ResultOutcome::{Approved, Declined, Garbled, NotSent, Timeout};
    let timeout = |leg_no| Some(Refusal::IssuerTimeout { leg_no });
    let declined = |leg_no| Some(Refusal::CardDeclined { leg_no, issuer_code: "51".to_owned() });
    let cases = [
        ([Approved, Timeout], "ISSUER_TIMEOUT", timeout(2)),
        ([Garbled, Declined], "ISSUER_TIMEOUT", timeout(1)),
        ([Approved, Declined], "DECLINED", declined(2)),
        ([Declined, NotSent], "DECLINED", declined(1)),
        ([Approved, NotSent], "ISSUER_UNREACHABLE", Some(Refusal::IssuerUnreachable { leg_no: 2 })),
    ];
    for (outcomes, reason, refusal) in cases {
        let mut world = World::open(3_000, 0, "0.03");
        world.begin(&[1_000, 2_000], true);
        let told = |outcome| Answer {
            issuer_code: (outcome == Declined).then(|| "51".to_owned()),
            ..answer(outcome, world.now)
        };
        let answers = [(1, told(outcomes[0])), (2, told(outcomes[1]))];
        let facts = confirm::finish(&world.payment, &answers, &[issuer()], world.now).unwrap();
        world.apply("VERDICT", facts);
        assert_eq!(world.payment.verdict.as_ref().unwrap().reason.as_deref(), Some(reason), "{outcomes:?}");
        assert_eq!(confirm::refusal_of(&world.payment), refusal, "{outcomes:?}");
    }
    let mut silent = World::open(3_000, 0, "0.03");
    silent.begin(&[1_000, 2_000], true);
    let facts = abort::recover(&silent.payment, &[issuer()], silent.now).unwrap();
    silent.apply("RECOVER", facts);
    assert_eq!(silent.payment.verdict.as_ref().unwrap().reason.as_deref(), Some("CRASH_RECOVERY"));
    assert_eq!(confirm::refusal_of(&silent.payment), timeout(1));
    let paid = World::confirmed(&[1_000], 0, true);
    assert_eq!(confirm::refusal_of(&paid.payment), None);
    let opened = World::open(1_000, 0, "0.03");
    let nothing = confirm::finish(&opened.payment, &[], &[issuer()], opened.now);
    assert!(matches!(nothing, Err(Refusal::InvalidState { status: Status::Ready, .. })), "{nothing:?}");
}

/// R1, R12: the answers of a confirm that lost to recovery are told late; an approval among them reopens what was believed
/// absent, and nothing else does.
#[test]
fn answers_after_the_verdict_revive_nothing_and_reopen_what_was_believed_absent() {
    for (outcome, reopened) in [(ResultOutcome::Approved, true), (ResultOutcome::Declined, false)] {
        let mut world = World::open(1_000, 0, "0.03");
        world.begin(&[1_000], true);
        world.finish(&[ResultOutcome::Timeout]);
        world.now += TimeDelta::seconds(61);
        world.reverse(1, ResultOutcome::NoOriginal);
        world.reverse(1, ResultOutcome::NoOriginal);
        world.finish(&[outcome]);
        let target = world.payment.attempt(1, AttemptKind::Auth, 1).unwrap();
        assert_eq!(target.result(outcome).unwrap().source, ResultSource::Late);
        let last = target.reversal.last().unwrap().outcome;
        let expected = if reopened { ReversalOutcome::Reopened } else { ReversalOutcome::VoidedProvisional };
        assert_eq!(last, expected, "{outcome}");
        assert_eq!(target.ruling(), Some(Ruling::Abandon));
        assert_eq!(world.payment.verdict.as_ref().map(|fact| fact.verdict), Some(Verdict::Aborted));
    }
    let mut undone = World::open(1_000, 0, "0.03");
    undone.begin(&[1_000], true);
    undone.finish(&[ResultOutcome::Timeout]);
    undone.reverse(1, ResultOutcome::Reversed);
    undone.late(1, ResultOutcome::Approved);
    let target = undone.payment.attempt(1, AttemptKind::Auth, 1).unwrap();
    assert_eq!(target.reversal.len(), 1, "the issuer's word that it is undone stands");
}

/// One order has one payment that may still move money.
#[test]
fn a_further_try_needs_the_one_before_closed_and_nothing_left_of_it() {
    let expired = |begun: bool| {
        let mut world = World::open(1_000, 0, "0.03");
        world.now = world.payment.opened.expires_at + TimeDelta::seconds(1);
        if begun {
            let facts = abort::expire(&world.payment, &[issuer()], world.now).unwrap();
            world.apply("EXPIRE", facts);
        }
        world
    };
    let ended = |outcome| {
        let mut world = World::open(1_000, 0, "0.03");
        world.begin(&[1_000], true);
        world.finish(&[outcome]);
        world
    };
    let mut undone = ended(ResultOutcome::Timeout);
    undone.reverse(1, ResultOutcome::Reversed);
    let mut refunded = World::confirmed(&[1_000], 0, true);
    let no = refunded.cancel(None, None).unwrap();
    refunded.answer_cancel(no, ResultOutcome::Canceled);
    let mut given_up = deposits::waiting(50_000, 10_000);
    deposits::give_up(&mut given_up).unwrap();
    let mut closed = deposits::waiting(50_000, 0);
    deposits::give_up(&mut closed).unwrap();
    let cases = [
        ("nothing asked yet", World::open(1_000, 0, "0.03"), None),
        ("its time is over, and nobody has said so", expired(false), None),
        ("expired", expired(true), Some(2)),
        ("paid", World::confirmed(&[1_000], 0, true), None),
        ("refunded", refunded, None),
        ("declined", ended(ResultOutcome::Declined), Some(2)),
        ("uncertain", ended(ResultOutcome::Timeout), None),
        ("undone", undone, Some(2)),
        ("waiting for its deposit", deposits::waiting(50_000, 0), None),
        ("given up while a card is approved", given_up, None),
        ("given up before its deposit", closed, Some(2)),
    ];
    for (what, world, next) in cases {
        let status = world.payment.status(world.now);
        let in_use = Refusal::OrderInUse { order_id: "o".to_owned(), status };
        assert_eq!(next_try(&world.payment, world.now), next.ok_or(in_use), "{what}");
    }
}

/// The status of a payment that nobody confirms: its last instant still counts.
#[test]
fn a_payment_waits_until_its_time_is_over() {
    let instant = TimeDelta::microseconds(1);
    let opened = World::open(1_000, 0, "0.03");
    let end = opened.payment.opened.expires_at;
    assert_eq!([end, end + instant].map(|at| opened.payment.status(at)), [Status::Ready, Status::Expired]);
    let mut begun = World::open(1_000, 0, "0.03");
    begun.begin(&[1_000], true);
    assert_eq!(begun.payment.status(end + instant), Status::InProgress, "issuers are being asked");
    assert!(begun.payment.has_open_attempts());
    let mut callers = World::open(1_000, 0, "0.03");
    let request = LegRequest { tax_free: None, ..confirm_with(&[400], true).legs.remove(0) };
    let facts = caller::attempt(&callers.payment, 1, &request, &[issuer()], &rules(), callers.now).unwrap();
    callers.apply("ATTEMPT", facts);
    let told = answer(ResultOutcome::NotSent, callers.now);
    let facts = caller::result(&callers.payment, 1, 1, &told, &[issuer()], callers.now).unwrap();
    callers.apply("RESULT", facts);
    assert!(!callers.payment.has_open_attempts());
    let statuses = [callers.now, end, end + instant].map(|at| callers.payment.status(at));
    assert_eq!(statuses, [Status::InProgress, Status::InProgress, Status::Expired]);
    let open = [Status::Ready, Status::InProgress, Status::WaitingForDeposit];
    assert!(Status::ALL.iter().all(|status| status.is_open() == open.contains(status)));
}

/// A leg is approved by its issuer's word alone, whatever was made of it.
#[test]
fn a_leg_is_approved_once_its_issuer_has_said_so() {
    let mut world = World::open(3_000, 0, "0.03");
    world.begin(&[1_000, 2_000], true);
    let approved = |world: &World| {
        world.payment.legs().map(ledger_core::payment::fold::Leg::is_approved).collect::<Vec<_>>()
    };
    assert_eq!(approved(&world), [false, false], "nobody has answered");
    world.finish(&[ResultOutcome::Approved, ResultOutcome::Timeout]);
    assert_eq!(approved(&world), [true, false]);
    world.late(2, ResultOutcome::Approved);
    assert_eq!(approved(&world), [true, true], "also when it comes too late");
}
