//! Facts as the JSON rows that the inserts take.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};

use crate::change::Change;
use crate::event::catalogue::RENDER_VERSION;
use crate::journal::JournalLine;
use crate::payment::fact::{
    Attempt, AttemptResult, AttemptVerdict, BalanceLink, Correction, CorrectionLine, CorrectionVerdict, Fact,
    PaymentOpened, Ruling,
};

use super::deposit;
use super::insert::Table;

/// A time as MySQL reads it.
pub fn datetime(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%d %H:%M:%S%.6f").to_string()
}

/// The rows of a change by table: index = place in [`Table::ALL`].
#[derive(Debug, Default)]
pub struct Rows {
    by_table: [Vec<Value>; Table::ALL.len()],
}

impl Rows {
    /// The rows of many changes.
    pub fn of(changes: &[Change]) -> Self {
        let mut rows = Self::default();
        for change in changes {
            rows.add(change);
        }
        rows
    }

    /// The rows of a table.
    pub fn of_table(&self, table: Table) -> &[Value] {
        let at = Table::ALL.iter().position(|other| *other == table);
        at.and_then(|at| self.by_table.get(at)).map_or(&[], Vec::as_slice)
    }

    fn add(&mut self, change: &Change) {
        self.push(
            change,
            Table::Change,
            json!({
                "command": change.command,
                "actor": change.asked.actor,
                "request_id": change.asked.request_id.to_hex(),
                "recorded_at": datetime(change.asked.at),
                "render_version": RENDER_VERSION,
                "positions": change.positions.to_string(),
                "event_digest": change.event_digest.map(hex::encode_upper),
                "previous_digest": change.previous_digest.map(hex::encode_upper),
                "digest": hex::encode_upper(change.digest),
            }),
        );
        for fact in &change.facts {
            let (table, row) = row_of(fact);
            self.push(change, table, row);
        }
        for line in &change.journal {
            self.push(change, Table::JournalLine, journal_line(line));
        }
    }

    fn push(&mut self, change: &Change, table: Table, row: Value) {
        let mut full = Map::new();
        full.insert("payment_id".to_owned(), change.payment_id.to_hex().into());
        full.insert("slot".to_owned(), change.payment_id.slot().get().into());
        full.insert("origin".to_owned(), change.origin.code().into());
        full.insert("seq".to_owned(), change.seq.into());
        if let Value::Object(row) = row {
            full.extend(row);
        }
        let at = Table::ALL.iter().position(|other| *other == table);
        if let Some(rows) = at.and_then(|at| self.by_table.get_mut(at)) {
            rows.push(Value::Object(full));
        }
    }
}

/// The columns by which a row of a payment is known.
const KEYS: [&str; 11] = [
    "cancel_no",
    "leg_no",
    "kind",
    "attempt_no",
    "result_no",
    "outcome_no",
    "link_no",
    "deposit_no",
    "refund_no",
    "correction_no",
    "line_no",
];

/// The key of a row within its payment, in words.
pub fn key_of(row: &Value) -> String {
    let known = KEYS.iter().filter_map(|name| Some((name, row.get(name)?)));
    let word = |(name, value): (&&str, &Value)| match value {
        Value::String(text) => Some(format!("{name} {text}")),
        Value::Number(number) => Some(format!("{name} {number}")),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    };
    known.filter_map(word).collect::<Vec<_>>().join(", ")
}

/// The table and the row of a fact.
pub fn row_of(fact: &Fact) -> (Table, Value) {
    match fact {
        Fact::Payment(fact) => (Table::Payment, payment(fact)),
        Fact::Approval(fact) => (
            Table::Approval,
            json!({
                "leg_no": fact.leg_no, "method": fact.method, "issuer_id": fact.issuer_id, "amount": fact.amount,
                "tax_free": fact.tax_free, "partial_cancelable": u8::from(fact.partial_cancelable),
                "refund_priority": fact.refund_priority, "card_bin": fact.card.as_ref().map(|card| &card.bin),
                "card_last4": fact.card.as_ref().map(|card| &card.last4), "method_token": fact.method_token,
                "installment_months": fact.installment_months, "rule_version": fact.rule_version,
                "deposit_due_at": fact.deposit_due_at.map(datetime),
            }),
        ),
        Fact::Attempt(fact) => (Table::Attempt, attempt(fact)),
        Fact::Result(fact) => (Table::Result, result(fact)),
        Fact::AttemptVerdict(fact) => (Table::AttemptVerdict, attempt_verdict(fact)),
        Fact::PaymentVerdict(fact) => (
            Table::PaymentVerdict,
            json!({
                "merchant_id": fact.merchant_id, "order_id": fact.order_id, "try_no": fact.try_no, "verdict": fact.verdict,
                "reason": fact.reason, "business_date": fact.business_date, "decided_at": datetime(fact.decided_at),
            }),
        ),
        Fact::NetworkCancel(fact) => (
            Table::NetworkCancel,
            json!({
                "leg_no": fact.leg_no, "attempt_no": fact.attempt_no, "reason": fact.reason,
                "late_until": datetime(fact.late_until), "valid_until": datetime(fact.valid_until),
                "requested_at": datetime(fact.requested_at),
            }),
        ),
        Fact::NetworkCancelOutcome(fact) => (
            Table::NetworkCancelOutcome,
            json!({
                "leg_no": fact.leg_no, "attempt_no": fact.attempt_no, "outcome_no": fact.outcome_no, "outcome": fact.outcome,
                "decided_at": datetime(fact.decided_at),
            }),
        ),
        Fact::Cancellation(fact) => (
            Table::Cancellation,
            json!({
                "cancel_no": fact.cancel_no, "cancel_request_id": fact.cancel_request_id, "kind": fact.kind,
                "amount": fact.amount, "tax_free": fact.tax_free, "vat": fact.vat, "fee": fact.fee, "fee_vat": fact.fee_vat,
                "reason": fact.reason, "business_date": fact.business_date, "requested_at": datetime(fact.requested_at),
            }),
        ),
        Fact::CancelShare(fact) => (
            Table::CancelShare,
            json!({
                "cancel_no": fact.cancel_no, "leg_no": fact.leg_no, "amount": fact.amount, "tax_free": fact.tax_free,
                "vat": fact.vat, "fee": fact.fee, "fee_vat": fact.fee_vat,
            }),
        ),
        Fact::CancelOutcome(fact) => (
            Table::CancelOutcome,
            json!({
                "cancel_no": fact.cancel_no, "leg_no": fact.leg_no, "outcome": fact.outcome,
                "decided_at": datetime(fact.decided_at),
            }),
        ),
        Fact::BalanceLink(fact) => (Table::BalanceLink, balance_link(*fact)),
        Fact::Correction(fact) => (Table::Correction, correction(fact)),
        Fact::CorrectionLine(fact) => (Table::CorrectionLine, correction_line(fact)),
        Fact::CorrectionVerdict(fact) => (Table::CorrectionVerdict, correction_verdict(fact)),
        Fact::VirtualAccount(fact) => (Table::VirtualAccount, deposit::account_row(fact)),
        Fact::Deposit(fact) => (Table::Deposit, deposit::deposit_row(fact)),
        Fact::RefundAccount(fact) => (Table::RefundAccount, deposit::refund_account_row(fact)),
        Fact::DepositRefund(fact) => (Table::DepositRefund, deposit::refund_row(fact)),
        Fact::DepositRefundOutcome(fact) => (Table::DepositRefundOutcome, deposit::refund_outcome_row(fact)),
    }
}

fn payment(fact: &PaymentOpened) -> Value {
    json!({
        "merchant_id": fact.merchant_id, "order_id": fact.order_id, "try_no": fact.try_no, "currency": fact.currency,
        "total": fact.total, "tax_free": fact.tax_free, "vat": fact.vat, "tax_source": fact.tax_source,
        "contract_version": fact.contract_version, "fee": fact.fee, "fee_vat": fact.fee_vat,
        "created_at": datetime(fact.created_at), "expires_at": datetime(fact.expires_at),
    })
}

fn attempt(fact: &Attempt) -> Value {
    json!({
        "leg_no": fact.leg_no, "kind": fact.kind, "attempt_no": fact.attempt_no, "issuer_id": fact.issuer_id,
        "trace_date": fact.trace_date, "trace_no": fact.trace_no, "amount": fact.amount, "target_no": fact.target_no,
        "cancel_no": fact.cancel_no, "sent_by": fact.sent_by, "deadline_at": datetime(fact.deadline_at),
    })
}

fn result(fact: &AttemptResult) -> Value {
    json!({
        "leg_no": fact.leg_no, "kind": fact.kind, "attempt_no": fact.attempt_no, "outcome": fact.outcome,
        "result_no": fact.result_no, "source": fact.source, "issuer_ref": fact.issuer_ref, "issuer_code": fact.issuer_code,
        "received_at": datetime(fact.received_at),
    })
}

fn attempt_verdict(fact: &AttemptVerdict) -> Value {
    let (outcome, result_no) = match fact.ruling {
        Ruling::Accept { result_no } => (Some("APPROVED"), Some(result_no)),
        Ruling::Reject | Ruling::Abandon => (None, None),
    };
    json!({
        "leg_no": fact.leg_no, "kind": "AUTH", "attempt_no": fact.attempt_no, "verdict": fact.ruling.code(),
        "result_outcome": outcome, "result_no": result_no, "decided_at": datetime(fact.decided_at),
    })
}

fn balance_link(fact: BalanceLink) -> Value {
    json!({
        "leg_no": fact.leg_no, "link_no": fact.link_no, "kind": fact.kind, "cancel_no": fact.cancel_no,
        "before_amount": fact.before, "delta": fact.delta, "after_amount": fact.after,
    })
}

fn correction(fact: &Correction) -> Value {
    json!({
        "correction_no": fact.correction_no, "reason": fact.reason, "proposed_by": fact.proposed_by,
        "proposed_key": fact.proposed_key, "proposed_at": datetime(fact.proposed_at),
        "expires_at": datetime(fact.expires_at), "signature": hex::encode_upper(fact.signature.0),
    })
}

fn correction_line(fact: &CorrectionLine) -> Value {
    json!({
        "correction_no": fact.correction_no, "line_no": fact.line_no, "account": fact.account, "side": fact.side,
        "amount": fact.amount, "leg_no": fact.leg_no, "reverses_seq": fact.reverses.map(|line| line.seq),
        "reverses_line": fact.reverses.map(|line| line.line),
    })
}

fn correction_verdict(fact: &CorrectionVerdict) -> Value {
    let decision = fact.decision.as_ref();
    json!({
        "correction_no": fact.correction_no, "verdict": fact.verdict, "proposed_by": fact.proposed_by,
        "decided_by": decision.map(|decision| &decision.decided_by),
        "decided_key": decision.map(|decision| &decision.decided_key), "reason": fact.reason,
        "decided_at": datetime(fact.decided_at),
        "signature": decision.map(|decision| hex::encode_upper(decision.signature.0)),
    })
}

fn journal_line(line: &JournalLine) -> Value {
    json!({
        "line_no": line.line_no, "account": line.account, "side": line.side, "currency": line.currency,
        "amount": line.amount, "merchant_id": line.merchant_id, "leg_no": line.leg_no, "business_date": line.business_date,
    })
}
