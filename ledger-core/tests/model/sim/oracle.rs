//! What must hold, said from facts and from the issuers' truth, without the code that decides.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use ledger_core::change::Change;
use ledger_core::journal::{Account, Side};
use ledger_core::money::Minor;
use ledger_core::payment::attempt::{AttemptFacts, AttemptState};
use ledger_core::payment::deposit::Arrived;
use ledger_core::payment::fact::{AttemptKind, ContradictionStep, Fact, Ruling, ShareOutcome, Verdict};
use ledger_core::payment::fold::{Leg, Payment};
use ledger_core::payment::status::Status;
use ledger_core::payment::virtual_account::Refunding;

use super::deposits::is_deposited;
use super::dice::Dice;
use super::{Checked, Sim, Wrong, wrong};

/// I6, I12: what may follow what.
pub fn follows(before: &Payment, after: &Payment, now: DateTime<Utc>) -> Checked {
    let (was, is) = (before.status(now), after.status(now));
    let forward = was == is
        || match was {
            Status::Ready | Status::Expired => {
                matches!(is, Status::InProgress | Status::Expired)
            }
            Status::InProgress => {
                matches!(is, Status::WaitingForDeposit | Status::Done | Status::Aborted)
            }
            Status::WaitingForDeposit => {
                matches!(is, Status::Done | Status::Aborted | Status::Expired | Status::Canceled)
            }
            Status::Done => matches!(is, Status::PartialCanceled | Status::Canceled),
            Status::PartialCanceled => is == Status::Canceled,
            Status::Canceled | Status::Aborted | Status::Unknown => false,
        };
    if !forward {
        return wrong(format!("I12: the status was {was} and is {is}"));
    }
    for leg in after.legs() {
        for attempt in leg.authorizations() {
            let before =
                before.attempt(leg.approval.leg_no, attempt.attempt.kind, attempt.attempt.attempt_no);
            let given_up = before.is_some_and(|before| before.ruling() == Some(Ruling::Abandon));
            if given_up && !attempt.effective().is_zero() {
                return wrong("I12: an abandoned attempt became effective");
            }
        }
    }
    Ok(())
}

/// I1 to I5 and I11, of one payment.
pub fn books(payment: &Payment, changes: &[Change]) -> Checked {
    let facts: Vec<&Fact> = changes.iter().flat_map(|change| &change.facts).collect();
    let confirmed = facts
        .iter()
        .any(|fact| matches!(fact, Fact::PaymentVerdict(fact) if fact.verdict == Verdict::Confirmed));
    let accepted: i64 = payment.legs().filter_map(Leg::accepted).map(|a| a.attempt.amount.get()).sum();
    let expected = if confirmed { payment.opened.total.get() } else { 0 };
    if accepted != expected {
        return wrong(format!("I1: {accepted} is effective, it should be {expected}"));
    }
    let (mut done, mut held) = (BTreeMap::<u8, i64>::new(), BTreeMap::<u8, i64>::new());
    let mut parts = [0_i64; 4];
    for fact in &facts {
        let Fact::CancelShare(share) = fact else { continue };
        let ended = facts.iter().find_map(|fact| {
            let Fact::CancelOutcome(end) = fact else { return None };
            let same = (end.cancel_no, end.leg_no) == (share.cancel_no, share.leg_no);
            same.then_some(end.outcome)
        });
        match ended {
            Some(ShareOutcome::Failed) => {}
            Some(ShareOutcome::Done) => {
                *done.entry(share.leg_no).or_default() += share.amount.get();
                for (sum, part) in parts.iter_mut().zip([share.tax_free, share.vat, share.fee, share.fee_vat])
                {
                    *sum += part.get();
                }
            }
            None => *held.entry(share.leg_no).or_default() += share.amount.get(),
        }
    }
    for leg in payment.legs() {
        let leg_no = leg.approval.leg_no;
        let taken = done.get(&leg_no).unwrap_or(&0) + held.get(&leg_no).unwrap_or(&0);
        let approved = if confirmed { leg.approval.amount.get() } else { 0 };
        if taken > approved || leg.remaining().get() != approved - taken {
            return wrong(format!(
                "I2: leg {leg_no} has {} left of {approved}, {taken} is gone",
                leg.remaining()
            ));
        }
    }
    let opened = &payment.opened;
    let whole = [opened.tax_free, opened.vat, opened.fee, opened.fee_vat];
    if whole.iter().zip(parts).any(|(whole, part)| part > whole.get()) {
        return wrong(format!("I4: {parts:?} was given back of {whole:?}"));
    }
    let given: i64 = done.values().sum();
    if given == opened.total.get() && whole.iter().zip(parts).any(|(whole, part)| part != whole.get()) {
        return wrong(format!("I4: all was given back, but {parts:?} of {whole:?}"));
    }
    journal(
        changes,
        (expected - given, in_suspense(payment)),
        (opened.fee.get() - parts[2], opened.fee_vat.get() - parts[3]),
        confirmed,
    )?;
    any_order(payment)
}

/// I5: every change balances, and each account is what its facts say.
fn journal(
    changes: &[Change],
    (owed, suspense): (i64, i64),
    (fee, fee_vat): (i64, i64),
    confirmed: bool,
) -> Checked {
    let mut accounts = BTreeMap::<Account, i64>::new();
    for change in changes {
        let mut sum = 0;
        for line in &change.journal {
            let signed = if line.side == Side::Debit { line.amount.get() } else { -line.amount.get() };
            sum += signed;
            *accounts.entry(line.account).or_default() += signed;
        }
        if sum != 0 {
            return wrong(format!("I5: {} does not balance", change.command));
        }
    }
    let (fee, fee_vat) = if confirmed { (fee, fee_vat) } else { (0, 0) };
    let expected = [
        (Account::IssuerReceivable, owed + suspense),
        (Account::Suspense, -suspense),
        (Account::MerchantPayable, fee + fee_vat - owed),
        (Account::FeeRevenue, -fee),
        (Account::OutputVat, -fee_vat),
    ];
    for (account, should) in expected {
        let is = accounts.get(&account).copied().unwrap_or_default();
        if is != should {
            return wrong(format!("I5: {account} is {is}, its facts say {should}"));
        }
    }
    Ok(())
}

/// I11: the order of facts says nothing.
fn any_order(payment: &Payment) -> Checked {
    let mut facts = payment.facts().to_vec();
    let mut dice = Dice::new(u64::from(payment.head.seq));
    for at in (1..facts.len()).rev() {
        facts.swap(at, dice.below(at + 1));
    }
    let again = Payment::fold(payment.id, payment.head.clone(), facts)
        .map_err(|error| Wrong(format!("I11: facts in another order do not fold: {error}")))?;
    if again.facts() == payment.facts() && again.balance() == payment.balance() {
        Ok(())
    } else {
        wrong("I11: facts in another order make another payment")
    }
}

/// What stands at the issuers is effective, or exposed, or still awaited; nothing is given back that the ledger did not take.
pub fn money(sim: &Sim) -> Checked {
    let now = sim.now();
    for ((at, leg_no), account) in &sim.bank.accounts {
        let payment = &sim.payments[*at].payment;
        let Some(leg) = payment.leg(*leg_no) else {
            return wrong("an issuer knows a leg that the ledger does not");
        };
        let Some(attempt) = leg.authorizations().last() else { continue };
        if account.approvals > 1 {
            return wrong(format!("R5: leg {leg_no} of payment {at} is approved twice"));
        }
        let (mut given_unseen, mut given_beside) = (0, 0);
        for (cancel_no, (amount, given)) in &account.cancels {
            let ended = payment.cancel(*cancel_no).and_then(|cancel| cancel.outcome(*leg_no));
            match (given, ended) {
                (true, Some(ShareOutcome::Failed)) if raises(leg, *cancel_no) => given_beside += amount,
                (true, Some(ShareOutcome::Failed)) => {
                    return wrong(format!(
                        "R6: cancel {cancel_no} of payment {at} failed and was given back"
                    ));
                }
                (false, Some(ShareOutcome::Done)) => {
                    return wrong(format!(
                        "cancel {cancel_no} of payment {at} is done and was not given back"
                    ));
                }
                (true, None) => given_unseen += amount,
                (true, Some(ShareOutcome::Done)) | (false, _) => {}
            }
        }
        let done: i64 = payment
            .shares(ShareOutcome::Done)
            .filter(|share| share.leg_no == *leg_no)
            .map(|share| share.amount.get())
            .sum();
        let books = attempt.effective().get() - done;
        if is_deposited(leg) {
            // money stands there once it has arrived, of which `deposits` speaks
            continue;
        }
        let beside = if account.beside == Some(true) { account.amount } else { 0 };
        let differs = account.stands() + beside + given_unseen + given_beside - books;
        let awaited = matches!(attempt.state(now), AttemptState::InFlight | AttemptState::Approved);
        let exposed = attempt.exposure(now).get();
        if differs < 0 || (differs > 0 && !awaited && differs > exposed) {
            return wrong(format!(
                "{} stands at the issuer of leg {leg_no} of payment {at}, {books} in the books, {exposed} exposed: {}",
                account.stands(),
                attempt.state(now).status()
            ));
        }
    }
    Ok(())
}

/// What arrived is counted, in suspense, or gone back; each bank's reference once, and an approval only with all of its money.
pub fn deposits(sim: &Sim, is_at_rest: bool) -> Checked {
    for (at, stored) in sim.payments.iter().enumerate() {
        let payment = &stored.payment;
        let known = || payment.legs().flat_map(|leg| &leg.deposits);
        let arrived =
            || sim.bank.arrived.iter().filter(|(whose, _)| *whose == at).map(|(_, arrived)| arrived);
        for deposit in known() {
            let same = |told: &&Arrived| {
                told.bank_ref == deposit.bank_ref
                    && told.amount == deposit.amount
                    && told.leg_no == Some(deposit.leg_no)
            };
            let times = known().filter(|other| other.bank_ref == deposit.bank_ref).count();
            if times != 1 || arrived().filter(same).count() != 1 {
                return wrong(format!("R14: {} of payment {at} is counted {times} times", deposit.bank_ref));
            }
        }
        if is_at_rest && known().count() != arrived().count() {
            return wrong(format!("R14: payment {at} is at rest, and a deposit is not in the books"));
        }
        let refunds = || payment.legs().flat_map(|leg| leg.refunds.values());
        for refunding in refunds() {
            let gone = sim.bank.sent_back.get(&(at, refunding.refund.refund_no));
            let agrees = match &refunding.outcome {
                Some(end) => gone == Some(&(end.outcome == ShareOutcome::Done)),
                None => !is_at_rest,
            };
            if !agrees {
                return wrong(format!("R14: a refund of payment {at} did not end as the books say"));
            }
        }
        for leg in payment.legs().filter(|leg| is_deposited(leg) && leg.accepted().is_some()) {
            let of_leg = arrived().filter(|told| told.leg_no == Some(leg.approval.leg_no));
            let sum: i64 = of_leg.map(|told| told.amount.get()).sum();
            if sum < leg.approval.amount.get() {
                return wrong(format!("R14: payment {at} is paid and only {sum} has arrived"));
            }
        }
        if payment.suspense().map(Minor::get) != Ok(in_suspense(payment)) {
            return wrong(format!("R14: payment {at} has {:?} in suspense", payment.suspense()));
        }
    }
    Ok(())
}

/// Arrived, without what pays a leg and what went back.
fn in_suspense(payment: &Payment) -> i64 {
    let arrived: i64 = payment.legs().flat_map(|leg| &leg.deposits).map(|deposit| deposit.amount.get()).sum();
    let ended = |refunding: &&Refunding| refunding.ended(ShareOutcome::Done);
    let refunds = payment.legs().flat_map(|leg| leg.refunds.values()).filter(ended);
    let gone: i64 = refunds.map(|refunding| refunding.refund.amount.get()).sum();
    arrived - gone - paid_by_deposit(payment)
}

fn paid_by_deposit(payment: &Payment) -> i64 {
    let paid = payment.legs().filter(|leg| is_deposited(leg) && leg.accepted().is_some());
    paid.map(|leg| leg.approval.amount.get()).sum()
}

/// A further try needs all of the one before undone, by the issuers' truth as well.
pub fn may_be_tried_again(last: &Payment, now: DateTime<Utc>) -> Checked {
    // an account that is being closed holds no money: what still arrives there is in suspense
    let is_account = |attempt: &&AttemptFacts| attempt.issuance().is_some() && attempt.ruling().is_some();
    let open =
        last.legs().flat_map(Leg::authorizations).filter(|attempt| !is_account(attempt)).any(|attempt| {
            matches!(
                attempt.state(now),
                AttemptState::InFlight
                    | AttemptState::Approved
                    | AttemptState::Issued
                    | AttemptState::Uncertain(_)
                    | AttemptState::Accepted
                    | AttemptState::Reversing(_)
                    | AttemptState::Escalated
            )
        });
    if open || last.verdict.is_none() {
        wrong("an order is tried again while a try of it is open")
    } else {
        Ok(())
    }
}

/// Whether money given back for a refused share is raised.
fn raises(leg: &Leg, cancel_no: u16) -> bool {
    leg.attempts_of(AttemptKind::Cancel)
        .any(|facts| facts.attempt.cancel_no == Some(cancel_no) && !facts.contradictions.is_empty())
}

/// What contradicts, with its amount and the last step about it.
fn contradictions(payment: &Payment) -> BTreeMap<(u8, AttemptKind, u16, u16), (i64, ContradictionStep)> {
    let mut last = BTreeMap::new();
    for fact in payment.facts() {
        let Fact::Contradiction(fact) = fact else { continue };
        let attempt = payment.attempt(fact.leg_no, fact.kind, fact.attempt_no).unwrap();
        let key = (fact.leg_no, fact.kind, fact.attempt_no, fact.result_no);
        last.insert(key, (attempt.attempt.amount.get(), fact.step));
    }
    last
}

/// I7, and everything has ended: no attempt is uncertain or being reversed, and what stands is what the books say.
pub fn at_rest(sim: &Sim) -> Checked {
    let now = sim.now();
    money(sim)?;
    deposits(sim, true)?;
    for (at, stored) in sim.payments.iter().enumerate() {
        let payment = &stored.payment;
        let mut escalated = 0;
        for leg in payment.legs() {
            for attempt in leg.authorizations() {
                let state = attempt.state(now);
                match state {
                    // an account holds nothing by itself
                    AttemptState::Escalated
                        if attempt.issuance().is_some() && attempt.approval().is_none() => {}
                    AttemptState::Escalated => escalated += attempt.attempt.amount.get(),
                    AttemptState::Conflict
                    | AttemptState::Accepted
                    | AttemptState::Rejected
                    | AttemptState::Voided
                    | AttemptState::VoidedProvisional => {}
                    AttemptState::InFlight
                    | AttemptState::Approved
                    | AttemptState::Issued
                    | AttemptState::Declined
                    | AttemptState::Uncertain(_)
                    | AttemptState::Reversing(_) => {
                        return wrong(format!(
                            "payment {at} is at rest, and an attempt is {}",
                            state.status()
                        ));
                    }
                }
            }
        }
        for (amount, step) in contradictions(payment).into_values() {
            match step {
                ContradictionStep::Raised => {
                    return wrong(format!("payment {at} is at rest, and an approval is not undone"));
                }
                ContradictionStep::Undone => {}
                ContradictionStep::Escalated => escalated += amount,
            }
        }
        if payment.exposure(now).get() != escalated {
            return wrong(format!(
                "I7: payment {at} is exposed with {}, {escalated} escalated",
                payment.exposure(now)
            ));
        }
        if matches!(payment.status(now), Status::Ready | Status::InProgress | Status::WaitingForDeposit) {
            return wrong(format!("payment {at} is at rest and {}", payment.status(now)));
        }
    }
    Ok(())
}
