//! Cancels, at their edges: amounts, expected balances, parts without tax, issuers, answers.

use chrono::TimeDelta;
use ledger_core::payment::allocation::{Allocation, AllocationError, Part};
use ledger_core::payment::cancel::{self, Cancel};
use ledger_core::payment::confirm::{self, Answer};
use ledger_core::payment::fact::{AttemptKind, CancelShare, Fact, ResultOutcome, ShareOutcome};
use ledger_core::payment::refusal::Refusal;
use ledger_core::payment::status::{CancelStatus, Status};
use ledger_core::payment::virtual_account::Receiver;
use ledger_core::reference::Issuer;

use super::deposits;
use super::world::{World, answer, confirm_with, issuer, rules, won};

fn wanted(amount: Option<i64>, tax_free: Option<i64>) -> Cancel {
    Cancel {
        cancel_request_id: "c".to_owned(),
        amount: amount.map(won),
        tax_free: tax_free.map(won),
        expected_balance: None,
        refund_to: None,
        allocation: Allocation::RefundOrder,
        reason: "test".to_owned(),
    }
}

fn told(parts: &[(u8, i64, i64)]) -> Allocation {
    let part = |(leg_no, amount, tax_free): &(u8, i64, i64)| Part {
        leg_no: *leg_no,
        amount: won(*amount),
        tax_free: Some(won(*tax_free)),
    };
    Allocation::Explicit(parts.iter().map(part).collect())
}

fn start(world: &World, cmd: &Cancel) -> Result<Vec<Fact>, Refusal> {
    cancel::start(&world.payment, cmd, &[issuer()], &rules(), world.now)
}

fn shares(facts: &[Fact]) -> Vec<&CancelShare> {
    facts
        .iter()
        .filter_map(|fact| if let Fact::CancelShare(share) = fact { Some(share) } else { None })
        .collect()
}

#[test]
fn a_cancel_takes_more_than_nothing_and_at_most_what_is_there() {
    let world = World::confirmed(&[10_000], 0, true);
    let exceeds =
        |requested| Err(Refusal::ExceedsBalance { available: won(10_000), requested: won(requested) });
    let amounts =
        |amount| start(&world, &wanted(Some(amount), None)).map(|facts| shares(&facts)[0].amount.get());
    assert_eq!((amounts(0), amounts(1)), (exceeds(0), Ok(1)));
    assert_eq!((amounts(10_000), amounts(10_001)), (Ok(10_000), exceeds(10_001)));
    for status in [Status::Ready, Status::InProgress, Status::Aborted] {
        let mut world = World::open(10_000, 0, "0.03");
        if status != Status::Ready {
            world.begin(&[10_000], true);
        }
        if status == Status::Aborted {
            world.finish(&[ResultOutcome::Declined]);
        }
        let refused = start(&world, &wanted(None, None));
        assert_eq!(refused, Err(Refusal::InvalidState { status, verb: "canceled" }));
    }
}

/// R7: whoever expects another balance than there is has not seen another cancel.
#[test]
fn an_expected_balance_is_what_could_be_canceled_now() {
    let mut world = World::confirmed(&[10_000], 0, true);
    world.cancel(Some(4_000), None).unwrap();
    let expecting = |world: &World, balance| {
        start(world, &Cancel { expected_balance: Some(won(balance)), ..wanted(None, None) }).map(drop)
    };
    let mismatch =
        |actual, expected| Err(Refusal::BalanceMismatch { actual: won(actual), expected: won(expected) });
    assert_eq!(expecting(&world, 6_000), Ok(()));
    assert_eq!(expecting(&world, 10_000), mismatch(6_000, 10_000), "what is held counts as gone");
    let waiting = deposits::waiting(50_000, 0);
    assert_eq!(expecting(&waiting, 50_000), Ok(()), "of one that waits for its deposit: the whole");
    assert_eq!(expecting(&waiting, 0), mismatch(50_000, 0));
}

#[test]
fn the_tax_free_part_is_within_what_is_left_with_and_without_tax() {
    // 4,000 of 10,000 bear no tax: of 7,000 at least 1,000 and at most 4,000 do
    let world = World::confirmed(&[5_000, 5_000], 4_000, true);
    let part = |tax_free| {
        start(&world, &wanted(Some(7_000), tax_free))
            .map(|facts| shares(&facts).iter().map(|share| share.tax_free.get()).sum::<i64>())
    };
    let bounds = Err(Refusal::TaxFreeBounds { least: won(1_000), most: won(4_000) });
    assert_eq!(part(None), Ok(1_000), "as little as possible where nobody says");
    assert_eq!((part(Some(999)), part(Some(1_000))), (bounds.clone(), Ok(1_000)));
    assert_eq!((part(Some(4_000)), part(Some(4_001))), (Ok(4_000), bounds));

    let explicit = |first: i64, second: i64, tax_free| {
        let allocation = told(&[(1, 5_000, first), (2, 2_000, second)]);
        start(&world, &Cancel { allocation, ..wanted(None, tax_free) }).map(drop)
    };
    let out = |sum| {
        let fault = AllocationError::TaxFree { sum: won(sum), least: won(1_000), most: won(4_000) };
        Err(Refusal::Allocation(fault))
    };
    assert_eq!((explicit(999, 0, None), explicit(1_000, 0, None)), (out(999), Ok(())));
    assert_eq!((explicit(3_000, 1_000, None), explicit(3_000, 1_001, None)), (Ok(()), out(4_001)));
    assert_eq!(explicit(2_000, 0, Some(2_000)), Ok(()), "said twice, the same");
    assert_eq!(explicit(2_000, 0, Some(2_001)), out(2_000), "said twice, and not the same");
}

/// Where money of a deposited leg goes has to be said; of any other it goes back the way it came.
#[test]
fn only_a_deposited_leg_is_refunded_to_an_account() {
    let to = Receiver { bank_code: "088".to_owned(), account_token: "acct".to_owned() };
    let cmd = Cancel { refund_to: Some(to), ..wanted(None, None) };
    let named = |facts: &[Fact]| facts.iter().any(|fact| matches!(fact, Fact::RefundAccount(_)));
    let card = World::confirmed(&[10_000], 0, true);
    assert!(!named(&start(&card, &cmd).unwrap()));
    let mut deposited = deposits::waiting(10_000, 0);
    deposits::arrives(&mut deposited, "r-1", 10_000).unwrap();
    assert!(named(&start(&deposited, &cmd).unwrap()));
    let refused = start(&deposited, &wanted(None, None));
    assert_eq!(refused, Err(Refusal::RefundAccountMissing { leg_no: 1 }));
}

#[test]
fn a_share_is_sent_to_its_legs_issuer_and_answered_in_its_time() {
    let slow =
        Issuer { issuer_id: "slow".to_owned(), read_timeout: std::time::Duration::from_secs(40), ..issuer() };
    let issuers = [slow.clone(), issuer()];
    let mut world = World::open(3_000, 0, "0.03");
    let mut cmd = confirm_with(&[1_000, 2_000], true);
    cmd.legs[1].issuer_id = "slow".to_owned();
    let facts = confirm::start(&world.payment, &cmd, &issuers, &rules(), world.now).unwrap();
    world.apply("CONFIRM", facts);
    world.finish(&[ResultOutcome::Approved; 2]);
    let facts = cancel::start(&world.payment, &wanted(None, None), &issuers, &rules(), world.now).unwrap();
    let sent: Vec<_> = facts
        .iter()
        .filter_map(|fact| if let Fact::Attempt(attempt) = fact { Some(attempt) } else { None })
        .map(|attempt| (attempt.issuer_id.as_str(), attempt.amount.get(), attempt.deadline_at - world.now))
        .collect();
    let expected = [("issuer", 1_000, issuer().answer_within()), ("slow", 2_000, slow.answer_within())];
    assert_eq!(sent, expected);
}

/// R6, R16: what each word of an issuer makes of a share.
#[test]
fn a_definite_word_ends_a_share_and_nothing_else_does() {
    use ResultOutcome::{
        Approved, Canceled, Declined, Garbled, Issued, NoOriginal, NotSent, Reset, Reversed, Timeout, TooLate,
    };
    for (words, ended) in [
        (vec![Canceled, Reversed], Some(ShareOutcome::Done)),
        (vec![Declined, NoOriginal, TooLate], Some(ShareOutcome::Failed)),
        (vec![Approved, Issued, Timeout, Garbled, Reset, NotSent], None),
    ] {
        for word in words {
            let mut world = World::confirmed(&[10_000], 0, true);
            let no = world.cancel(Some(4_000), None).unwrap();
            world.answer_cancel(no, word);
            assert_eq!(world.payment.cancel(no).unwrap().outcome(1), ended, "{word}");
        }
    }
}

/// R16: the refused share is put back, by its own amount, and its issuer's code is told.
#[test]
fn of_two_shares_the_refused_one_is_released_and_named() {
    let mut world = World::confirmed(&[4_000, 6_000], 0, true);
    assert_eq!(world.cancel(Some(5_000), None), Ok(1));
    let status = |world: &World, no| world.payment.cancel(no).unwrap().status();
    assert_eq!(status(&world, 1), CancelStatus::InProgress);
    let words = |first: ResultOutcome, second: ResultOutcome, code: &str, world: &World| {
        let coded = Answer { issuer_code: Some(code.to_owned()), ..answer(second, world.now) };
        [(1, answer(first, world.now)), (2, coded)]
    };
    let answers = words(ResultOutcome::Canceled, ResultOutcome::Declined, "61", &world);
    let facts = cancel::finish(&world.payment, 1, &answers[..1], world.now).unwrap();
    world.apply("CANCEL_RESULT", facts);
    assert_eq!(status(&world, 1), CancelStatus::InProgress, "one share is still out");
    assert_eq!(world.payment.cancel(1).unwrap().done_amount(), Ok(won(4_000)));
    let facts = cancel::finish(&world.payment, 1, &answers[1..], world.now).unwrap();
    world.apply("CANCEL_RESULT", facts);
    assert_eq!(status(&world, 1), CancelStatus::PartiallyDone);
    let remaining: Vec<_> = world.payment.legs().map(|leg| leg.remaining().get()).collect();
    assert_eq!((remaining, world.payment.balance()), (vec![0, 6_000], Ok(won(6_000))));

    world.now += TimeDelta::seconds(1);
    assert_eq!(world.cancel(Some(2_000), None), Ok(2));
    let coded = Answer { issuer_code: Some("99".to_owned()), ..answer(ResultOutcome::Declined, world.now) };
    let facts = cancel::finish(&world.payment, 2, &[(2, coded)], world.now).unwrap();
    world.apply("CANCEL_RESULT", facts);
    assert_eq!(world.cancel(Some(2_000), None), Ok(3));
    world.answer_cancel(3, ResultOutcome::Canceled);
    assert_eq!((status(&world, 2), status(&world, 3)), (CancelStatus::Failed, CancelStatus::Done));
    let refusal = |no| cancel::refusal_of(&world.payment, world.payment.cancel(no).unwrap());
    let declined = |code: &str| Some(Refusal::CancelDeclined { leg_no: 2, issuer_code: code.to_owned() });
    assert_eq!((refusal(1), refusal(2), refusal(3)), (declined("61"), declined("99"), None));
    let attempts = world.payment.leg(2).unwrap().attempts_of(AttemptKind::Cancel);
    let numbers: Vec<_> =
        attempts.map(|attempt| (attempt.attempt.cancel_no, attempt.results.len())).collect();
    assert_eq!(numbers, [(Some(1), 1), (Some(2), 1), (Some(3), 1)], "each answer is at its own cancel");
    assert_eq!(cancel::finish(&world.payment, 4, &[], world.now), Err(Refusal::NotFound));
}

#[test]
fn the_status_follows_what_is_refunded() {
    let mut world = World::confirmed(&[10_000], 0, true);
    let mut statuses = vec![world.payment.status(world.now)];
    for amount in [3_000, 7_000] {
        let no = world.cancel(Some(amount), None).unwrap();
        statuses.push(world.payment.status(world.now));
        world.answer_cancel(no, ResultOutcome::Canceled);
        statuses.push(world.payment.status(world.now));
    }
    let part = Status::PartialCanceled;
    assert_eq!(statuses, [Status::Done, Status::Done, part, part, Status::Canceled]);
    assert!(!world.payment.is_closed(), "it was confirmed");
}
