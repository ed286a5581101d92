//! Facts as rows: which table, and the cell of each column.

use crate::change::Change;
use crate::event::catalogue::RENDER_VERSION;
use crate::journal::JournalLine;
use crate::payment::fact::{
    Approval, Attempt, AttemptResult, AttemptVerdict, BalanceLink, Cancellation, Correction, CorrectionLine,
    CorrectionVerdict, Fact, PaymentOpened, PaymentVerdict, Ruling, Way,
};

use super::cell::{Cell, Cells, cells};
use super::deposit;
use super::insert::Table;

/// The rows of changes by table: index = place in [`Table::ALL`].
#[derive(Debug, Default)]
pub struct Rows<'a> {
    by_table: [Vec<Cells<'a>>; Table::ALL.len()],
}

impl<'a> Rows<'a> {
    /// The rows of many changes.
    pub fn of(changes: impl IntoIterator<Item = &'a Change>) -> Self {
        let mut rows = Self::default();
        for change in changes {
            rows.add(change);
        }
        rows
    }

    /// The rows of a table.
    pub fn of_table(&self, table: Table) -> &[Cells<'a>] {
        let at = Table::ALL.iter().position(|other| *other == table);
        at.and_then(|at| self.by_table.get(at)).map_or(&[], Vec::as_slice)
    }

    fn add(&mut self, change: &'a Change) {
        self.push(change, Table::Change, change_row(change));
        for fact in &change.facts {
            let (table, row) = row_of(fact);
            self.push(change, table, row);
        }
        for line in &change.journal {
            self.push(change, Table::JournalLine, journal_line(line));
        }
    }

    fn push(&mut self, change: &'a Change, table: Table, row: Cells<'a>) {
        let mut full = cells! {
            "payment_id": change.payment_id.as_bytes(), "slot": change.payment_id.slot().get(),
            "origin": change.origin.code(), "seq": change.seq,
        };
        full.extend(row);
        let at = Table::ALL.iter().position(|other| *other == table);
        if let Some(rows) = at.and_then(|at| self.by_table.get_mut(at)) {
            rows.push(full);
        }
    }
}

/// The columns by which a row of a payment is known.
const KEYS: [&str; 12] = [
    "cancel_no",
    "leg_no",
    "kind",
    "attempt_no",
    "result_no",
    "step_no",
    "outcome_no",
    "link_no",
    "deposit_no",
    "refund_no",
    "correction_no",
    "line_no",
];

/// The key of a row within its payment, in words.
pub fn key_of(row: &Cells<'_>) -> String {
    let word = |name: &&str| match row.iter().find(|(column, _)| column == name) {
        Some((_, Cell::Text(text))) => Some(format!("{name} {text}")),
        Some((_, Cell::Number(number))) => Some(format!("{name} {number}")),
        Some((_, Cell::Nothing | Cell::Bytes(_) | Cell::Instant(_) | Cell::Day(_))) | None => None,
    };
    KEYS.iter().filter_map(word).collect::<Vec<_>>().join(", ")
}

/// The table and the row of a fact.
pub fn row_of(fact: &Fact) -> (Table, Cells<'_>) {
    match fact {
        Fact::Payment(fact) => (Table::Payment, payment(fact)),
        Fact::Approval(fact) => (Table::Approval, approval(fact)),
        Fact::Attempt(fact) => (Table::Attempt, attempt(fact)),
        Fact::Result(fact) => (Table::Result, result(fact)),
        Fact::AttemptVerdict(fact) => (Table::AttemptVerdict, attempt_verdict(fact)),
        Fact::PaymentVerdict(fact) => (Table::PaymentVerdict, payment_verdict(fact)),
        Fact::NetworkCancel(fact) => (
            Table::NetworkCancel,
            cells! {
                "leg_no": fact.leg_no, "attempt_no": fact.attempt_no, "reason": fact.reason.code(),
                "late_until": fact.late_until, "valid_until": fact.valid_until, "requested_at": fact.requested_at,
            },
        ),
        Fact::NetworkCancelOutcome(fact) => (
            Table::NetworkCancelOutcome,
            cells! {
                "leg_no": fact.leg_no, "attempt_no": fact.attempt_no, "outcome_no": fact.outcome_no,
                "outcome": fact.outcome.code(), "decided_at": fact.decided_at,
            },
        ),
        Fact::Cancellation(fact) => (Table::Cancellation, cancellation(fact)),
        Fact::CancelShare(fact) => (
            Table::CancelShare,
            cells! {
                "cancel_no": fact.cancel_no, "leg_no": fact.leg_no, "amount": fact.amount, "tax_free": fact.tax_free,
                "vat": fact.vat, "fee": fact.fee, "fee_vat": fact.fee_vat,
            },
        ),
        Fact::CancelOutcome(fact) => (
            Table::CancelOutcome,
            cells! {
                "cancel_no": fact.cancel_no, "leg_no": fact.leg_no, "outcome": fact.outcome.code(),
                "decided_at": fact.decided_at,
            },
        ),
        Fact::BalanceLink(fact) => (Table::BalanceLink, balance_link(*fact)),
        Fact::Correction(fact) => (Table::Correction, correction(fact)),
        Fact::CorrectionLine(fact) => (Table::CorrectionLine, correction_line(fact)),
        Fact::CorrectionVerdict(fact) => (Table::CorrectionVerdict, correction_verdict(fact)),
        Fact::Contradiction(fact) => (Table::Contradiction, super::contradiction::row(fact)),
        Fact::VirtualAccount(fact) => (Table::VirtualAccount, deposit::account_row(fact)),
        Fact::Deposit(fact) => (Table::Deposit, deposit::deposit_row(fact)),
        Fact::RefundAccount(fact) => (Table::RefundAccount, deposit::refund_account_row(fact)),
        Fact::DepositRefund(fact) => (Table::DepositRefund, deposit::refund_row(fact)),
        Fact::DepositRefundOutcome(fact) => (Table::DepositRefundOutcome, deposit::refund_outcome_row(fact)),
    }
}

fn change_row(change: &Change) -> Cells<'_> {
    cells! {
        "request_id": change.asked.request_id.as_bytes(), "event_digest": &change.event_digest,
        "previous_digest": &change.previous_digest, "digest": &change.digest, "command": &change.command,
        "actor": &change.asked.actor, "recorded_at": change.asked.at, "render_version": RENDER_VERSION,
        "positions": change.positions.to_string(),
    }
}

fn payment(fact: &PaymentOpened) -> Cells<'_> {
    cells! {
        "merchant_id": &fact.merchant_id, "order_id": &fact.order_id, "try_no": fact.try_no,
        "currency": fact.currency.code(), "total": fact.total, "tax_free": fact.tax_free, "vat": fact.vat,
        "tax_source": fact.tax_source.code(), "contract_version": fact.contract_version, "fee": fact.fee,
        "fee_vat": fact.fee_vat, "created_at": fact.created_at, "expires_at": fact.expires_at,
    }
}

fn approval(fact: &Approval) -> Cells<'_> {
    cells! {
        "leg_no": fact.leg_no, "method": fact.method.code(), "issuer_id": &fact.issuer_id, "amount": fact.amount,
        "tax_free": fact.tax_free, "partial_cancelable": fact.partial_cancelable,
        "refund_priority": fact.refund_priority, "card_bin": fact.card.as_ref().map(|card| &card.bin),
        "card_last4": fact.card.as_ref().map(|card| &card.last4), "method_token": &fact.method_token,
        "installment_months": fact.installment_months, "rule_version": fact.rule_version,
        "deposit_due_at": fact.deposit_due_at,
    }
}

fn attempt(fact: &Attempt) -> Cells<'_> {
    cells! {
        "leg_no": fact.leg_no, "kind": fact.kind.code(), "attempt_no": fact.attempt_no, "issuer_id": &fact.issuer_id,
        "trace_date": fact.trace_date, "trace_no": &fact.trace_no, "amount": fact.amount, "target_no": fact.target_no,
        "cancel_no": fact.cancel_no, "sent_by": fact.sent_by.code(), "deadline_at": fact.deadline_at,
        "target_result": fact.target_result, "way": fact.way.map(Way::code),
    }
}

fn result(fact: &AttemptResult) -> Cells<'_> {
    cells! {
        "leg_no": fact.leg_no, "kind": fact.kind.code(), "attempt_no": fact.attempt_no,
        "outcome": fact.outcome.code(), "result_no": fact.result_no, "source": fact.source.code(),
        "issuer_ref": &fact.issuer_ref, "issuer_code": &fact.issuer_code,
        "received_at": fact.received_at,
    }
}

fn attempt_verdict(fact: &AttemptVerdict) -> Cells<'_> {
    let (outcome, result_no) = match fact.ruling {
        Ruling::Accept { result_no } => (Some("APPROVED"), Some(result_no)),
        Ruling::Reject | Ruling::Abandon => (None, None),
    };
    cells! {
        "leg_no": fact.leg_no, "kind": "AUTH", "attempt_no": fact.attempt_no, "verdict": fact.ruling.code(),
        "result_outcome": outcome, "result_no": result_no, "decided_at": fact.decided_at,
    }
}

fn payment_verdict(fact: &PaymentVerdict) -> Cells<'_> {
    cells! {
        "merchant_id": &fact.merchant_id, "order_id": &fact.order_id, "try_no": fact.try_no,
        "verdict": fact.verdict.code(), "reason": &fact.reason, "business_date": fact.business_date,
        "decided_at": fact.decided_at,
    }
}

fn cancellation(fact: &Cancellation) -> Cells<'_> {
    cells! {
        "cancel_no": fact.cancel_no, "cancel_request_id": &fact.cancel_request_id, "kind": fact.kind.code(),
        "amount": fact.amount, "tax_free": fact.tax_free, "vat": fact.vat, "fee": fact.fee, "fee_vat": fact.fee_vat,
        "reason": &fact.reason, "business_date": fact.business_date, "requested_at": fact.requested_at,
    }
}

fn balance_link(fact: BalanceLink) -> Cells<'static> {
    cells! {
        "leg_no": fact.leg_no, "link_no": fact.link_no, "kind": fact.kind.code(), "cancel_no": fact.cancel_no,
        "before_amount": fact.before, "delta": fact.delta, "after_amount": fact.after,
    }
}

fn correction(fact: &Correction) -> Cells<'_> {
    cells! {
        "signature": &fact.signature.0, "correction_no": fact.correction_no, "reason": &fact.reason,
        "proposed_by": &fact.proposed_by, "proposed_key": &fact.proposed_key, "proposed_at": fact.proposed_at,
        "expires_at": fact.expires_at,
    }
}

fn correction_line(fact: &CorrectionLine) -> Cells<'_> {
    cells! {
        "correction_no": fact.correction_no, "line_no": fact.line_no, "account": fact.account.code(),
        "side": fact.side.code(), "amount": fact.amount, "leg_no": fact.leg_no,
        "reverses_seq": fact.reverses.map(|line| line.seq), "reverses_line": fact.reverses.map(|line| line.line),
    }
}

fn correction_verdict(fact: &CorrectionVerdict) -> Cells<'_> {
    let decision = fact.decision.as_ref();
    cells! {
        "signature": decision.map(|decision| &decision.signature.0), "correction_no": fact.correction_no,
        "verdict": fact.verdict.code(), "proposed_by": &fact.proposed_by,
        "decided_by": decision.map(|decision| &decision.decided_by),
        "decided_key": decision.map(|decision| &decision.decided_key), "reason": &fact.reason,
        "decided_at": fact.decided_at,
    }
}

fn journal_line(line: &JournalLine) -> Cells<'_> {
    cells! {
        "line_no": line.line_no, "account": line.account.code(), "side": line.side.code(),
        "currency": line.currency.code(), "amount": line.amount, "merchant_id": &line.merchant_id,
        "leg_no": line.leg_no, "business_date": line.business_date,
    }
}
