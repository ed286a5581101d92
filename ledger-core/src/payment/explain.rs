//! Why a payment is as it is: each fact with the rule by which it was added, and the rule by which the payment stands.

use chrono::{DateTime, Utc};

use crate::codes;

use super::attempt::{AttemptState, Uncertainty};
use super::fact::{
    Attempt, AttemptKind, AttemptResult, AttemptVerdict, CancelKind, ContradictionStep, Fact, LinkKind,
    NetworkCancelReason, ResultOutcome, ReversalOutcome, Ruling, ShareOutcome, Verdict,
};
use super::fold::{Leg, Payment};
use super::status::Status;

codes! {
    /// The rules. Those with a number are the races and invariants of docs/DOMAIN.md.
    Rule {
        /// A payment begins.
        Open = "OPEN",
        /// Legs are planned.
        Legs = "LEGS",
        /// Before bytes, a row.
        Send = "SEND",
        /// A clear answer.
        Answer = "ANSWER",
        /// No clear answer.
        Unknown = "UNKNOWN",
        /// Nothing to undo.
        Reject = "REJECT",
        /// Undone by the issuer's word.
        Undone = "UNDONE",
        /// Not confirmed in time.
        Expiry = "EXPIRY",
        /// Paid by deposit.
        Deposit = "DEPOSIT",
        /// Corrected by operators.
        Correction = "CORRECTION",
        /// Written by a newer version.
        Newer = "NEWER",
        /// A late answer.
        R1 = "R1",
        /// No original.
        R2 = "R2",
        /// A reversal that is not answered.
        R3 = "R3",
        /// Too late to be reversed.
        R4 = "R4",
        /// An approval that nobody wants.
        R5 = "R5",
        /// A cancel that is not answered.
        R6 = "R6",
        /// Never more than there is.
        R7 = "R7",
        /// One leg fails.
        R8 = "R8",
        /// A process died.
        R10 = "R10",
        /// A deposit that does not fit.
        R14 = "R14",
        /// One share refunded, another refused.
        R16 = "R16",
        /// Confirmed means all of it.
        I1 = "I1",
        /// The chain of a leg's balance.
        I2 = "I2",
        /// Parts by difference.
        I4 = "I4",
        /// One acceptance.
        I6 = "I6",
        /// Handed to people.
        I7 = "I7",
        /// What was given up never pays.
        I12 = "I12",
    }
}

impl Rule {
    /// The rule in words.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Open => "a payment is opened by its merchant; no issuer is asked yet",
            Self::Legs => {
                "the approvals add up to the payment's total, and all are planned before the first is sent"
            }
            Self::Send => {
                "a message to an issuer is committed before a byte leaves, and an authorization is sent once"
            }
            Self::Answer => "what an issuer answers is recorded as it came",
            Self::Unknown => {
                "without a clear answer the issuer may have acted: it is given up and undone, never guessed"
            }
            Self::Reject => "the issuer refused, or nothing was sent: there is nothing to undo",
            Self::Undone => "the issuer's word that it is undone is final",
            Self::Expiry => "a payment that is not confirmed in time is closed",
            Self::Deposit => "a leg that is paid by deposit stands once its amount has arrived",
            Self::Correction => {
                "the journal is corrected by contra entries that a second operator approves, never changed"
            }
            Self::Newer => "what a newer version wrote is shown, and nothing is decided on it here",
            Self::R1 => "a late answer is recorded, helps to undo, and never revives what was given up",
            Self::R2 => "\"no original\" counts after the late window only, and not against an approval",
            Self::R3 => "a reversal that is not answered is repeated with the same data",
            Self::R4 => {
                "what can no longer be reversed is asked about and canceled in full, or handed to people"
            }
            Self::R5 => {
                "of two approvals one is accepted; what nobody wants is undone by its reference, and shown as exposure until it is"
            }
            Self::R6 => "a cancel that is not answered keeps its hold and is repeated with the same data",
            Self::R7 => "a cancel takes what the balance chain still has, never more",
            Self::R8 => "when one approval fails all of them are given up, and what was approved is undone",
            Self::R10 => {
                "an attempt without an answer past its deadline is given up: its process may have died"
            }
            Self::R14 => {
                "a deposit that is too much or too late is nobody's yet: it waits in suspense to be sent back"
            }
            Self::R16 => "what was refunded stays refunded; only the refused share is released",
            Self::I1 => "confirmed when every approval is accepted and their sum is the total",
            Self::I2 => "what remains of an approval is what was approved without what is refunded and held",
            Self::I4 => "the parts of a cancel are differences of what remains before and after it",
            Self::I6 => "one approved answer is accepted for each approval, and none beside a contrary one",
            Self::I7 => {
                "what is not settled near the end of its validity is handed to people, and stays visible as exposure"
            }
            Self::I12 => {
                "what was given up never pays; an approval that surfaces is undone, unless its issuer has named it as reversed"
            }
        }
    }
}

/// A fact, and why it is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Because {
    /// The fact's table.
    pub fact: &'static str,
    /// What it says.
    pub says: String,
    /// The rule by which it was added.
    pub rule: Rule,
}

/// Why a fact was added to the payment `before` (none when it began) that was `after` it.
pub fn because(before: Option<&Payment>, after: &Payment, fact: &Fact) -> Because {
    let (table, says, rule) = match fact {
        Fact::Payment(f) => (
            "payment",
            format!("order {}, try {}, {} {}", f.order_id, f.try_no, f.total, f.currency),
            Rule::Open,
        ),
        Fact::Approval(f) => (
            "approval",
            format!("approval {}: {} by {} at {}", f.leg_no, f.amount, f.method, f.issuer_id),
            Rule::Legs,
        ),
        Fact::Attempt(f) => {
            let says = format!(
                "{} {} of approval {}: {} to {}",
                f.kind, f.attempt_no, f.leg_no, f.amount, f.issuer_id
            );
            ("attempt", says, sent(after, f))
        }
        Fact::Result(f) => {
            let says =
                format!("{} {} of approval {}: {} ({})", f.kind, f.attempt_no, f.leg_no, f.outcome, f.source);
            ("attempt_result", says, answered(before, f))
        }
        Fact::AttemptVerdict(f) => {
            let says = format!("AUTH {} of approval {}: {}", f.attempt_no, f.leg_no, f.ruling.code());
            ("attempt_verdict", says, ruled(after, f))
        }
        Fact::PaymentVerdict(f) => ("payment_verdict", f.verdict.to_string(), ended(after, f.verdict)),
        Fact::NetworkCancel(f) => {
            let says = format!("undo AUTH {} of approval {}: {}", f.attempt_no, f.leg_no, f.reason);
            ("network_cancel", says, undone_for(f.reason))
        }
        Fact::NetworkCancelOutcome(f) => {
            let says = format!("undoing AUTH {} of approval {}: {}", f.attempt_no, f.leg_no, f.outcome);
            ("network_cancel_outcome", says, settled(f.outcome))
        }
        Fact::Cancellation(f) => {
            let rule = match f.kind {
                CancelKind::Merchant => Rule::R7,
                CancelKind::System => Rule::R4,
            };
            ("cancellation", format!("cancel {}: {}", f.cancel_no, f.amount), rule)
        }
        Fact::CancelShare(f) => {
            let says = format!("cancel {}: {} of approval {}", f.cancel_no, f.amount, f.leg_no);
            ("cancel_share", says, Rule::I4)
        }
        Fact::CancelOutcome(f) => {
            let says = format!("cancel {} at approval {}: {}", f.cancel_no, f.leg_no, f.outcome);
            ("cancel_outcome", says, share_ended(after, f.cancel_no))
        }
        Fact::BalanceLink(f) => {
            let rule = match f.kind {
                LinkKind::Open => Rule::I2,
                LinkKind::Hold => Rule::R7,
                LinkKind::Release => Rule::R6,
            };
            ("balance_link", format!("{} of approval {}: {} remains", f.kind, f.leg_no, f.after), rule)
        }
        aside @ (Fact::Correction(_)
        | Fact::CorrectionLine(_)
        | Fact::CorrectionVerdict(_)
        | Fact::VirtualAccount(_)
        | Fact::Deposit(_)
        | Fact::RefundAccount(_)
        | Fact::DepositRefund(_)
        | Fact::DepositRefundOutcome(_)
        | Fact::Contradiction(_)) => aside_of(aside),
    };
    Because { fact: table, says, rule }
}

fn aside_of(fact: &Fact) -> (&'static str, String, Rule) {
    match fact {
        Fact::Correction(f) => {
            ("correction", format!("correction {} proposed", f.correction_no), Rule::Correction)
        }
        Fact::CorrectionLine(f) => {
            let says = format!("correction {}: {} {} {}", f.correction_no, f.account, f.side, f.amount);
            ("correction_line", says, Rule::Correction)
        }
        Fact::CorrectionVerdict(f) => {
            ("correction_verdict", format!("correction {}: {}", f.correction_no, f.verdict), Rule::Correction)
        }
        Fact::VirtualAccount(f) => {
            ("virtual_account", format!("approval {}: an account was issued", f.leg_no), Rule::Deposit)
        }
        Fact::Deposit(f) => {
            let rule = if f.counted == f.amount { Rule::Deposit } else { Rule::R14 };
            let says = format!("approval {}: {} arrived, {} counts", f.leg_no, f.amount, f.counted);
            ("deposit", says, rule)
        }
        Fact::RefundAccount(f) => {
            ("refund_account", format!("cancel {}: goes to an account", f.cancel_no), Rule::Deposit)
        }
        Fact::DepositRefund(f) => {
            ("deposit_refund", format!("approval {}: {} is sent back", f.leg_no, f.amount), Rule::R14)
        }
        Fact::DepositRefundOutcome(f) => {
            ("deposit_refund_outcome", format!("approval {}: {}", f.leg_no, f.outcome), Rule::R14)
        }
        Fact::Contradiction(f) => {
            let says = format!(
                "{} {} of approval {}: {} contradicts what was decided: {}",
                f.kind, f.attempt_no, f.leg_no, f.outcome, f.step
            );
            let rule = match (f.step, f.kind) {
                (ContradictionStep::Escalated, _) => Rule::I7,
                (_, AttemptKind::Cancel) => Rule::R6,
                (_, AttemptKind::Auth | AttemptKind::NetCancel | AttemptKind::Inquiry) => Rule::R5,
            };
            ("contradiction", says, rule)
        }
        Fact::Payment(_)
        | Fact::Approval(_)
        | Fact::Attempt(_)
        | Fact::Result(_)
        | Fact::AttemptVerdict(_)
        | Fact::PaymentVerdict(_)
        | Fact::NetworkCancel(_)
        | Fact::NetworkCancelOutcome(_)
        | Fact::Cancellation(_)
        | Fact::CancelShare(_)
        | Fact::CancelOutcome(_)
        | Fact::BalanceLink(_) => ("fact", String::new(), Rule::Answer),
    }
}

fn sent(after: &Payment, attempt: &Attempt) -> Rule {
    let about = attempt.target_no.and_then(|no| after.attempt(attempt.leg_no, AttemptKind::Auth, no));
    let is_contrary = about.is_some_and(|about| about.contradicted(attempt).is_some());
    match (attempt.kind, attempt.attempt_no) {
        (AttemptKind::Auth | AttemptKind::Cancel, _) => Rule::Send,
        (AttemptKind::NetCancel, _) if is_contrary => Rule::R5,
        (AttemptKind::NetCancel, _) if attempt.way.is_some() => Rule::R4,
        (AttemptKind::NetCancel, ..=1) => Rule::I12,
        (AttemptKind::NetCancel, _) => Rule::R3,
        (AttemptKind::Inquiry, _) => Rule::R4,
    }
}

fn answered(before: Option<&Payment>, result: &AttemptResult) -> Rule {
    let attempt = before.and_then(|payment| payment.attempt(result.leg_no, result.kind, result.attempt_no));
    if attempt.is_some_and(|attempt| attempt.ruling().is_some()) {
        return Rule::R1;
    }
    match (result.kind, result.outcome) {
        (_, ResultOutcome::NotSent) => Rule::Reject,
        (AttemptKind::Auth, outcome) if outcome.is_uncertain() => Rule::Unknown,
        (AttemptKind::Cancel, outcome) if outcome.is_uncertain() => Rule::R6,
        (AttemptKind::NetCancel | AttemptKind::Inquiry, outcome) if outcome.is_uncertain() => Rule::R3,
        (AttemptKind::NetCancel, ResultOutcome::NoOriginal) => Rule::R2,
        (AttemptKind::NetCancel, ResultOutcome::TooLate | ResultOutcome::Declined) => Rule::R4,
        (AttemptKind::NetCancel, ResultOutcome::Reversed | ResultOutcome::Canceled) => Rule::Undone,
        (AttemptKind::Auth | AttemptKind::Cancel | AttemptKind::NetCancel | AttemptKind::Inquiry, _) => {
            Rule::Answer
        }
    }
}

fn ruled(after: &Payment, verdict: &AttemptVerdict) -> Rule {
    match verdict.ruling {
        Ruling::Accept { .. } => Rule::I6,
        Ruling::Reject => Rule::Reject,
        Ruling::Abandon => after
            .attempt(verdict.leg_no, AttemptKind::Auth, verdict.attempt_no)
            .and_then(|attempt| attempt.network_cancel.as_ref())
            .map_or(Rule::Unknown, |order| undone_for(order.reason)),
    }
}

const fn undone_for(reason: NetworkCancelReason) -> Rule {
    match reason {
        NetworkCancelReason::SiblingFailed => Rule::R8,
        NetworkCancelReason::CrashRecovery => Rule::R10,
        NetworkCancelReason::Expired => Rule::Expiry,
        NetworkCancelReason::MerchantCanceled => Rule::Deposit,
        NetworkCancelReason::Timeout
        | NetworkCancelReason::Garbled
        | NetworkCancelReason::Reset
        | NetworkCancelReason::LedgerWriteFailed => Rule::Unknown,
    }
}

const fn settled(outcome: ReversalOutcome) -> Rule {
    match outcome {
        ReversalOutcome::Voided => Rule::Undone,
        ReversalOutcome::VoidedProvisional => Rule::R2,
        ReversalOutcome::Reopened => Rule::I12,
        ReversalOutcome::Escalated => Rule::I7,
    }
}

fn share_ended(after: &Payment, cancel_no: u16) -> Rule {
    let outcomes = after.cancel(cancel_no).map(|cancel| &cancel.outcomes);
    let has = |wanted| outcomes.is_some_and(|all| all.values().any(|fact| fact.outcome == wanted));
    if has(ShareOutcome::Done) && has(ShareOutcome::Failed) { Rule::R16 } else { Rule::Answer }
}

fn ended(after: &Payment, verdict: Verdict) -> Rule {
    match verdict {
        Verdict::Confirmed => Rule::I1,
        Verdict::Aborted => aborted(after),
        Verdict::Expired => Rule::Expiry,
        Verdict::Canceled => Rule::Deposit,
    }
}

/// The worst that happened to a leg is why all of them were given up.
fn aborted(payment: &Payment) -> Rule {
    let orders = || payment.legs().flat_map(Leg::authorizations).flat_map(|facts| &facts.network_cancel);
    let worst = orders().map(|order| undone_for(order.reason)).find(|rule| *rule != Rule::R8);
    match worst {
        Some(rule) => rule,
        None if payment.legs().count() > 1 => Rule::R8,
        None => Rule::Reject,
    }
}

/// The rule by which a payment stands as it does at `at`.
pub fn stands(payment: &Payment, at: DateTime<Utc>) -> Rule {
    let overdue = |leg: &Leg| {
        let late = AttemptState::Uncertain(Uncertainty::NoAnswer);
        leg.authorizations().any(|facts| facts.state(at) == late)
    };
    match payment.status(at) {
        Status::Ready => Rule::Open,
        Status::InProgress if payment.legs().any(overdue) => Rule::R10,
        Status::InProgress => Rule::Send,
        Status::WaitingForDeposit => Rule::Deposit,
        Status::Done => Rule::I1,
        Status::Canceled if payment.is_closed() => Rule::Deposit,
        Status::PartialCanceled | Status::Canceled => Rule::I2,
        Status::Aborted => aborted(payment),
        Status::Expired => Rule::Expiry,
        Status::Unknown => Rule::Newer,
    }
}
