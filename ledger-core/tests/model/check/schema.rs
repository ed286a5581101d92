//! What the database refuses: keys, references and checks of the migrations that facts can break. A decision on the newest
//! facts must never meet one of them; a stale one must meet the optimistic lock first.

use std::collections::BTreeSet;

use ledger_core::money::Minor;
use ledger_core::payment::attempt::AttemptFacts;
use ledger_core::payment::fact::{
    AttemptKind, AttemptResult, AttemptVerdict, BalanceLink, CancelShare, Contradiction, ContradictionStep,
    Fact, LinkKind, ResultOutcome, Ruling,
};
use ledger_core::payment::fold::Payment;

/// The payment with `added`, or the rule that refuses it.
pub fn append(before: &Payment, added: &[Fact]) -> Result<Payment, String> {
    keys(before, added)?;
    let after = before.after(before.head.clone(), added).map_err(|error| error.to_string())?;
    for fact in added {
        match fact {
            Fact::Attempt(fact) => {
                let targeted = matches!(fact.kind, AttemptKind::NetCancel | AttemptKind::Inquiry);
                require(targeted == fact.target_no.is_some(), "ck_attempt_target")?;
                require((fact.kind == AttemptKind::Cancel) == fact.cancel_no.is_some(), "ck_attempt_target")?;
                require(fact.amount.get() >= 1, "ck_attempt_amount")?;
            }
            Fact::AttemptVerdict(fact) => verdict(&after, fact)?,
            Fact::NetworkCancel(fact) => {
                let attempt = after.attempt(fact.leg_no, AttemptKind::Auth, fact.attempt_no);
                let abandoned = attempt.and_then(AttemptFacts::ruling) == Some(Ruling::Abandon);
                require(abandoned, "fk_network_cancel_verdict")?;
            }
            Fact::NetworkCancelOutcome(fact) => {
                let attempt = after.attempt(fact.leg_no, AttemptKind::Auth, fact.attempt_no);
                let ordered = attempt.is_some_and(|attempt| attempt.network_cancel.is_some());
                require(ordered, "fk_network_cancel_outcome")?;
            }
            Fact::Cancellation(fact) => {
                require(fact.amount.get() >= 1, "ck_cancellation_amount")?;
                let parts = fact.tax_free.get() + fact.vat.get();
                require(parts <= fact.amount.get(), "ck_cancellation_tax")?;
                require(fact.fee <= fact.amount && fact.fee_vat <= fact.amount, "ck_cancellation_fee")?;
            }
            Fact::CancelShare(fact) => share(&after, fact)?,
            Fact::CancelOutcome(fact) => {
                let cancel = after.cancel(fact.cancel_no);
                let known =
                    cancel.is_some_and(|cancel| cancel.shares.iter().any(|s| s.leg_no == fact.leg_no));
                require(known, "fk_cancel_outcome_share")?;
            }
            Fact::BalanceLink(fact) => link(&after, fact)?,
            Fact::VirtualAccount(fact) => {
                let attempt = after.attempt(fact.leg_no, AttemptKind::Auth, fact.attempt_no);
                let said = attempt.is_some_and(|attempt| {
                    attempt.results.iter().any(|result| {
                        result.result_no == fact.result_no && result.outcome == ResultOutcome::Issued
                    })
                });
                require(said, "fk_virtual_account_result")?;
            }
            Fact::Deposit(fact) => {
                require(fact.amount.get() >= 1 && fact.counted <= fact.amount, "ck_deposit_amount")?;
            }
            Fact::RefundAccount(fact) => {
                require(after.cancel(fact.cancel_no).is_some(), "fk_refund_account_cancellation")?;
            }
            Fact::Payment(_)
            | Fact::Approval(_)
            | Fact::Result(_)
            | Fact::PaymentVerdict(_)
            | Fact::Correction(_)
            | Fact::CorrectionLine(_)
            | Fact::CorrectionVerdict(_)
            | Fact::DepositRefund(_)
            | Fact::DepositRefundOutcome(_) => {}
            Fact::Contradiction(fact) => contradiction(&after, fact)?,
        }
    }
    Ok(after)
}

fn require(holds: bool, name: &str) -> Result<(), String> {
    if holds { Ok(()) } else { Err(name.to_owned()) }
}

/// Primary keys, trace numbers and cancel requests.
fn keys(before: &Payment, added: &[Fact]) -> Result<(), String> {
    let mut taken: BTreeSet<_> = before.facts().iter().map(Fact::place).collect();
    let mut names: BTreeSet<_> = before.facts().iter().filter_map(name).collect();
    for fact in added {
        require(taken.insert(fact.place()), &format!("the key of {fact:?} is taken"))?;
        if let Some(name) = name(fact) {
            require(names.insert(name), &format!("the name of {fact:?} is taken"))?;
        }
    }
    Ok(())
}

fn name(fact: &Fact) -> Option<String> {
    match fact {
        Fact::Attempt(fact) => Some(format!("trace {}", fact.trace_no)),
        Fact::Cancellation(fact) => Some(format!("request {}", fact.cancel_request_id)),
        Fact::BalanceLink(fact) => {
            fact.cancel_no.map(|cancel_no| format!("{} {cancel_no} of leg {}", fact.kind, fact.leg_no))
        }
        Fact::Deposit(fact) => Some(format!("deposit {} of {}", fact.bank_ref, fact.issuer_id)),
        Fact::DepositRefund(fact) => Some(format!("refund {}", fact.refund_request_id)),
        Fact::Payment(_)
        | Fact::Approval(_)
        | Fact::Result(_)
        | Fact::Correction(_)
        | Fact::CorrectionLine(_)
        | Fact::CorrectionVerdict(_)
        | Fact::VirtualAccount(_)
        | Fact::RefundAccount(_)
        | Fact::DepositRefundOutcome(_)
        | Fact::Contradiction(_)
        | Fact::AttemptVerdict(_)
        | Fact::PaymentVerdict(_)
        | Fact::NetworkCancel(_)
        | Fact::NetworkCancelOutcome(_)
        | Fact::CancelShare(_)
        | Fact::CancelOutcome(_) => None,
    }
}

fn verdict(after: &Payment, fact: &AttemptVerdict) -> Result<(), String> {
    let Ruling::Accept { result_no } = fact.ruling else { return Ok(()) };
    let approved = after.attempt(fact.leg_no, AttemptKind::Auth, fact.attempt_no).is_some_and(|attempt| {
        attempt.results.iter().any(|r| r.result_no == result_no && r.outcome == ResultOutcome::Approved)
    });
    require(approved, "fk_attempt_verdict_result")?;
    let accepted = after.leg(fact.leg_no).map_or(0, |leg| {
        leg.authorizations().filter(|a| matches!(a.ruling(), Some(Ruling::Accept { .. }))).count()
    });
    require(accepted == 1, "uq_attempt_verdict_ref")
}

fn contradiction(after: &Payment, fact: &Contradiction) -> Result<(), String> {
    let is_about =
        |result: &AttemptResult| (result.result_no, result.outcome) == (fact.result_no, fact.outcome);
    let attempt = after.attempt(fact.leg_no, fact.kind, fact.attempt_no);
    require(attempt.is_some_and(|facts| facts.results.iter().any(is_about)), "fk_contradiction_result")?;
    let is_kind = match fact.kind {
        AttemptKind::Auth => fact.outcome == ResultOutcome::Approved,
        AttemptKind::Cancel => matches!(fact.outcome, ResultOutcome::Canceled | ResultOutcome::Reversed),
        AttemptKind::NetCancel | AttemptKind::Inquiry => false,
    };
    require(is_kind, "ck_contradiction_kind")?;
    let is_first = fact.step == ContradictionStep::Raised;
    require(is_first == (fact.step_no == 1) && fact.step_no <= 2, "ck_contradiction_step")
}

fn share(after: &Payment, fact: &CancelShare) -> Result<(), String> {
    require(after.leg(fact.leg_no).is_some(), "fk_cancel_share_approval")?;
    require(fact.amount.get() >= 1, "ck_cancel_share_amount")?;
    require(fact.tax_free.get() + fact.vat.get() <= fact.amount.get(), "ck_cancel_share_amount")?;
    require(fact.fee <= fact.amount && fact.fee_vat <= fact.amount, "ck_cancel_share_fee")
}

fn link(after: &Payment, fact: &BalanceLink) -> Result<(), String> {
    let Some(leg) = after.leg(fact.leg_no) else { return Err("fk_balance_link_open".to_owned()) };
    let before = fact.before.map_or(0, Minor::get);
    require(fact.after.get() == before + fact.delta, "ck_balance_link_sum")?;
    let kind = match fact.kind {
        LinkKind::Open => fact.link_no == 0 && fact.before.is_none() && fact.cancel_no.is_none(),
        LinkKind::Hold => fact.delta < 0 && fact.cancel_no.is_some(),
        LinkKind::Release => fact.delta > 0 && fact.cancel_no.is_some(),
    };
    require(kind, "ck_balance_link_kind")?;
    if fact.link_no == 0 {
        return require(leg.accepted().is_some(), "fk_balance_link_open");
    }
    let previous = leg.chain.iter().find(|link| link.link_no + 1 == fact.link_no);
    require(previous.map(|link| link.after) == fact.before, "fk_balance_link_previous")
}
