//! Which events a change emits, by the facts it adds.
//!
//! | event | topic | emitted with |
//! |---|---|---|
//! | `payment.created.v1` | ledger | the payment's row |
//! | `payment.confirmed.v1`, `payment.aborted.v1`, `payment.expired.v1`, `payment.canceled.v1` | ledger | its verdict; confirmed embeds every approval; canceled: before its deposit |
//! | `virtual_account.issued.v1`, `deposit.received.v1` | ledger | the account of a leg, each deposit with its journal |
//! | `deposit.refund_requested.v1`, `deposit.refunded.v1`, `deposit.refund_failed.v1` | ledger | suspense money on its way back |
//! | `cancellation.requested.v1` | ledger | the cancellation and its holds |
//! | `cancellation.completed.v1`, `cancellation.failed.v1` | ledger | the last share's outcome |
//! | `correction.posted.v1` | ledger | the approval of a correction |
//! | `approval.approved.v1`, `approval.declined.v1`, `approval.uncertain.v1` | issuer activity | answers to AUTH attempts that are not part of a confirmed payment |
//! | `network_cancel.requested.v1`, `network_cancel.confirmed.v1`, `network_cancel.escalated.v1` | issuer activity | the reversal |
//! | `contradiction.raised.v1`, `contradiction.undone.v1`, `contradiction.escalated.v1` | issuer activity | an answer against what was decided: an approval nobody wants, a refund said to have failed |

use chrono::{DateTime, Utc};

use crate::journal::JournalLine;
use crate::payment::fact::{
    AttemptKind, AttemptResult, CancelOutcome, ContradictionStep, CorrectionRuling, Fact, Origin,
    ResultOutcome, ReversalOutcome, ShareOutcome, Verdict,
};
use crate::payment::fold::Payment;
use crate::payment::status::CancelStatus;

use super::position::{Position, Positions, Topic};
use super::{body, deposit};

/// How bodies are rendered; a change of any byte raises it.
pub const RENDER_VERSION: u16 = 1;

/// Row of `outbox_event`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Where it stands.
    pub position: Position,
    /// The one before it on its topic.
    pub previous: Option<Position>,
    /// Where it goes.
    pub topic: Topic,
    /// What it says.
    pub kind: &'static str,
    /// When it happened.
    pub occurred_at: DateTime<Utc>,
    /// Its bytes: JSON.
    pub body: Vec<u8>,
}

/// A change as its events see it.
#[derive(Debug, Clone, Copy)]
pub struct Emitting<'a> {
    /// The payment with the change folded in.
    pub payment: &'a Payment,
    /// What the change added.
    pub added: &'a [Fact],
    /// The lines it posted.
    pub journal: &'a [JournalLine],
    /// Where it comes from.
    pub origin: Origin,
    /// When it was decided.
    pub at: DateTime<Utc>,
}

/// The events of a change, and the positions after it.
pub fn emit(change: Emitting<'_>, seq: u32, before: Positions) -> (Vec<Event>, Positions) {
    let mut positions = before;
    let mut events = Vec::new();
    for (topic, kind, body) in change.added.iter().filter_map(|fact| of_fact(change, fact)) {
        let topic = match change.origin {
            Origin::Live => topic,
            Origin::Legacy => Topic::Backfill,
        };
        let position = Position { seq, ordinal: u8::try_from(events.len()).unwrap_or(u8::MAX) };
        let previous = positions.advance(topic, position);
        let body = body.to_string().into_bytes();
        events.push(Event { position, previous, topic, kind, occurred_at: change.at, body });
    }
    (events, positions)
}

type Emitted = (Topic, &'static str, serde_json::Value);

fn of_fact(change: Emitting<'_>, fact: &Fact) -> Option<Emitted> {
    match fact {
        Fact::Payment(_) => Some((Topic::Ledger, "payment.created.v1", body::created(change))),
        Fact::PaymentVerdict(fact) => Some(match fact.verdict {
            Verdict::Confirmed => (Topic::Ledger, "payment.confirmed.v1", body::confirmed(change, fact)),
            Verdict::Aborted => (Topic::Ledger, "payment.aborted.v1", body::closed(change, fact)),
            Verdict::Expired => (Topic::Ledger, "payment.expired.v1", body::closed(change, fact)),
            Verdict::Canceled => (Topic::Ledger, "payment.canceled.v1", body::closed(change, fact)),
        }),
        Fact::Cancellation(fact) => {
            let cancel = change.payment.cancel(fact.cancel_no)?;
            Some((Topic::Ledger, "cancellation.requested.v1", body::cancellation(change, cancel)))
        }
        Fact::CancelOutcome(fact) => cancel_ended(change, fact),
        Fact::Result(fact) => answered(change, fact),
        Fact::NetworkCancel(fact) => Some((
            Topic::IssuerActivity,
            "network_cancel.requested.v1",
            body::network_cancel(change, fact.leg_no, fact.attempt_no),
        )),
        Fact::NetworkCancelOutcome(fact) => {
            let kind = match fact.outcome {
                ReversalOutcome::Voided | ReversalOutcome::VoidedProvisional => "network_cancel.confirmed.v1",
                ReversalOutcome::Reopened => "network_cancel.requested.v1",
                ReversalOutcome::Escalated => "network_cancel.escalated.v1",
            };
            Some((Topic::IssuerActivity, kind, body::network_cancel(change, fact.leg_no, fact.attempt_no)))
        }
        Fact::CorrectionVerdict(fact) => match fact.verdict {
            CorrectionRuling::Approved => {
                let facts = change.payment.correction(fact.correction_no)?;
                Some((Topic::Ledger, "correction.posted.v1", body::correction(change, facts)))
            }
            CorrectionRuling::Rejected | CorrectionRuling::Expired => None,
        },
        Fact::VirtualAccount(fact) => {
            Some((Topic::Ledger, "virtual_account.issued.v1", deposit::issued(change, fact)))
        }
        Fact::Deposit(fact) => Some((Topic::Ledger, "deposit.received.v1", deposit::received(change, fact))),
        Fact::DepositRefund(fact) => Some((
            Topic::Ledger,
            "deposit.refund_requested.v1",
            deposit::refund(change, fact.leg_no, fact.refund_no)?,
        )),
        Fact::DepositRefundOutcome(fact) => {
            let kind = match fact.outcome {
                ShareOutcome::Done => "deposit.refunded.v1",
                ShareOutcome::Failed => "deposit.refund_failed.v1",
            };
            Some((Topic::Ledger, kind, deposit::refund(change, fact.leg_no, fact.refund_no)?))
        }
        Fact::Contradiction(fact) => {
            let kind = match fact.step {
                ContradictionStep::Raised => "contradiction.raised.v1",
                ContradictionStep::Undone => "contradiction.undone.v1",
                ContradictionStep::Escalated => "contradiction.escalated.v1",
            };
            Some((Topic::IssuerActivity, kind, body::contradiction(change, fact)))
        }
        Fact::Approval(_)
        | Fact::Attempt(_)
        | Fact::AttemptVerdict(_)
        | Fact::CancelShare(_)
        | Fact::BalanceLink(_)
        | Fact::Correction(_)
        | Fact::CorrectionLine(_)
        | Fact::RefundAccount(_) => None,
    }
}

/// One event when the last share has ended, whichever that is.
fn cancel_ended(change: Emitting<'_>, fact: &CancelOutcome) -> Option<Emitted> {
    let cancel = change.payment.cancel(fact.cancel_no)?;
    let last_of_change = change.added.iter().rev().find_map(|added| {
        let Fact::CancelOutcome(outcome) = added else { return None };
        (outcome.cancel_no == fact.cancel_no).then_some(outcome.leg_no)
    });
    if last_of_change != Some(fact.leg_no) {
        return None;
    }
    let kind = match cancel.status() {
        CancelStatus::InProgress => return None,
        CancelStatus::Done | CancelStatus::PartiallyDone => "cancellation.completed.v1",
        CancelStatus::Failed => "cancellation.failed.v1",
    };
    Some((Topic::Ledger, kind, body::cancellation(change, cancel)))
}

/// Answers to AUTH attempts, unless the payment's confirmation tells them.
fn answered(change: Emitting<'_>, fact: &AttemptResult) -> Option<Emitted> {
    let confirmed =
        change.payment.verdict.as_ref().is_some_and(|verdict| verdict.verdict == Verdict::Confirmed);
    if fact.kind != AttemptKind::Auth || confirmed {
        return None;
    }
    let kind = match fact.outcome {
        ResultOutcome::Approved => "approval.approved.v1",
        ResultOutcome::Declined | ResultOutcome::NotSent => "approval.declined.v1",
        ResultOutcome::Timeout | ResultOutcome::Garbled | ResultOutcome::Reset => "approval.uncertain.v1",
        ResultOutcome::NoOriginal
        | ResultOutcome::Reversed
        | ResultOutcome::Canceled
        | ResultOutcome::TooLate
        | ResultOutcome::Issued => {
            return None;
        }
    };
    Some((Topic::IssuerActivity, kind, body::answer(change, fact)))
}
