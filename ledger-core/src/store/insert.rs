//! One insert per fact table, of any number of rows of any number of payments: that is what lets concurrent requests share
//! a commit. Rows travel as literal text ([`super::text`]); sessions are strict, so a value that does not fit is an error.
//!
//! The live account inserts into the tables, the mirror account through views that let only legacy facts pass.

use super::statement::{Account, Statement};
use super::text::Insert;

/// Builds the two inserts of a fact table.
macro_rules! fact_insert {
    ($live:ident, $mirror:ident, $table:literal, [$($col:literal),* $(,)?]) => {
        const $live: Insert = Insert {
            statement: Statement {
                name: concat!("insert_", $table),
                account: Account::App,
                sql: concat!("INSERT INTO ", $table, fact_insert!(@one_row [$($col),*])),
            },
            columns: fact_insert!(@columns [$($col),*]),
        };
        const $mirror: Insert = Insert {
            statement: Statement {
                name: concat!("insert_mirror_", $table),
                account: Account::Mirror,
                sql: concat!("INSERT INTO mirror_", $table, fact_insert!(@one_row [$($col),*])),
            },
            columns: fact_insert!(@columns [$($col),*]),
        };
    };
    (@one_row [$($col:literal),*]) => {
        concat!(
            " (payment_id, slot, origin, seq", $(", ", $col,)* ")",
            " VALUES (?, ?, ?, ?", $(fact_insert!(@mark $col),)* ")"
        )
    };
    (@mark $column:literal) => { ", ?" };
    (@columns [$($col:literal),*]) => {
        &["payment_id", "slot", "origin", "seq", $($col,)*]
    };
}

fact_insert!(
    CHANGE,
    MIRROR_CHANGE,
    "payment_change",
    [
        "request_id",
        "event_digest",
        "previous_digest",
        "digest",
        "command",
        "actor",
        "recorded_at",
        "render_version",
        "positions",
    ]
);
fact_insert!(
    PAYMENT,
    MIRROR_PAYMENT,
    "payment",
    [
        "merchant_id",
        "order_id",
        "try_no",
        "currency",
        "total",
        "tax_free",
        "vat",
        "tax_source",
        "contract_version",
        "fee",
        "fee_vat",
        "created_at",
        "expires_at",
    ]
);
fact_insert!(
    APPROVAL,
    MIRROR_APPROVAL,
    "approval",
    [
        "leg_no",
        "method",
        "issuer_id",
        "amount",
        "tax_free",
        "partial_cancelable",
        "refund_priority",
        "card_bin",
        "card_last4",
        "method_token",
        "installment_months",
        "rule_version",
        "deposit_due_at",
    ]
);
fact_insert!(
    ATTEMPT,
    MIRROR_ATTEMPT,
    "attempt",
    [
        "leg_no",
        "kind",
        "attempt_no",
        "issuer_id",
        "trace_date",
        "trace_no",
        "amount",
        "target_no",
        "cancel_no",
        "sent_by",
        "deadline_at",
        "target_result",
        "way",
    ]
);
fact_insert!(
    RESULT,
    MIRROR_RESULT,
    "attempt_result",
    [
        "leg_no",
        "kind",
        "attempt_no",
        "outcome",
        "result_no",
        "source",
        "issuer_ref",
        "issuer_code",
        "received_at",
    ]
);
fact_insert!(
    ATTEMPT_VERDICT,
    MIRROR_ATTEMPT_VERDICT,
    "attempt_verdict",
    ["leg_no", "kind", "attempt_no", "verdict", "result_outcome", "result_no", "decided_at",]
);
fact_insert!(
    PAYMENT_VERDICT,
    MIRROR_PAYMENT_VERDICT,
    "payment_verdict",
    ["merchant_id", "order_id", "try_no", "verdict", "reason", "business_date", "decided_at",]
);
fact_insert!(
    NETWORK_CANCEL,
    MIRROR_NETWORK_CANCEL,
    "network_cancel",
    ["leg_no", "attempt_no", "reason", "late_until", "valid_until", "requested_at",]
);
fact_insert!(
    NETWORK_CANCEL_OUTCOME,
    MIRROR_NETWORK_CANCEL_OUTCOME,
    "network_cancel_outcome",
    ["leg_no", "attempt_no", "outcome_no", "outcome", "decided_at",]
);
fact_insert!(
    CANCELLATION,
    MIRROR_CANCELLATION,
    "cancellation",
    [
        "cancel_no",
        "cancel_request_id",
        "kind",
        "amount",
        "tax_free",
        "vat",
        "fee",
        "fee_vat",
        "reason",
        "business_date",
        "requested_at",
    ]
);
fact_insert!(
    CANCEL_SHARE,
    MIRROR_CANCEL_SHARE,
    "cancel_share",
    ["cancel_no", "leg_no", "amount", "tax_free", "vat", "fee", "fee_vat",]
);
fact_insert!(
    CANCEL_OUTCOME,
    MIRROR_CANCEL_OUTCOME,
    "cancel_outcome",
    ["cancel_no", "leg_no", "outcome", "decided_at",]
);
fact_insert!(
    BALANCE_LINK,
    MIRROR_BALANCE_LINK,
    "balance_link",
    ["leg_no", "link_no", "kind", "cancel_no", "before_amount", "delta", "after_amount",]
);
fact_insert!(
    VIRTUAL_ACCOUNT,
    MIRROR_VIRTUAL_ACCOUNT,
    "virtual_account",
    ["leg_no", "attempt_no", "result_no", "bank_code", "account_no", "holder", "due_at", "issued_at",]
);
fact_insert!(
    DEPOSIT,
    MIRROR_DEPOSIT,
    "deposit",
    ["leg_no", "deposit_no", "issuer_id", "bank_ref", "amount", "counted", "deposited_at", "received_at",]
);
fact_insert!(
    REFUND_ACCOUNT,
    MIRROR_REFUND_ACCOUNT,
    "refund_account",
    ["cancel_no", "bank_code", "account_token",]
);
fact_insert!(
    DEPOSIT_REFUND,
    MIRROR_DEPOSIT_REFUND,
    "deposit_refund",
    [
        "leg_no",
        "refund_no",
        "refund_request_id",
        "amount",
        "bank_code",
        "account_token",
        "reason",
        "requested_at",
    ]
);
fact_insert!(
    DEPOSIT_REFUND_OUTCOME,
    MIRROR_DEPOSIT_REFUND_OUTCOME,
    "deposit_refund_outcome",
    ["leg_no", "refund_no", "outcome", "bank_ref", "decided_at",]
);
fact_insert!(
    JOURNAL_LINE,
    MIRROR_JOURNAL_LINE,
    "journal_line",
    ["line_no", "account", "side", "currency", "amount", "merchant_id", "leg_no", "business_date",]
);

/// Corrections and contradictions are made here and never carried over: they have no view, and the mirror account no right to
/// insert them.
macro_rules! live_insert {
    ($const:ident, $table:literal, [$($col:literal),* $(,)?]) => {
        const $const: Insert = Insert {
            statement: Statement {
                name: concat!("insert_", $table),
                account: Account::App,
                sql: concat!("INSERT INTO ", $table, fact_insert!(@one_row [$($col),*])),
            },
            columns: fact_insert!(@columns [$($col),*]),
        };
    };
}

live_insert!(
    CORRECTION,
    "correction",
    ["signature", "correction_no", "reason", "proposed_by", "proposed_key", "proposed_at", "expires_at",]
);
live_insert!(
    CORRECTION_LINE,
    "correction_line",
    ["correction_no", "line_no", "account", "side", "amount", "leg_no", "reverses_seq", "reverses_line",]
);
live_insert!(
    CORRECTION_VERDICT,
    "correction_verdict",
    [
        "signature",
        "correction_no",
        "verdict",
        "proposed_by",
        "decided_by",
        "decided_key",
        "reason",
        "decided_at",
    ]
);

live_insert!(
    CONTRADICTION,
    "contradiction",
    ["leg_no", "kind", "attempt_no", "outcome", "result_no", "step_no", "step", "valid_until", "decided_at",]
);

/// The fact tables in the order they are written: parents before children.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(usize)]
pub enum Table {
    Change,
    Payment,
    Approval,
    Attempt,
    Result,
    AttemptVerdict,
    PaymentVerdict,
    NetworkCancel,
    NetworkCancelOutcome,
    Cancellation,
    CancelShare,
    BalanceLink,
    CancelOutcome,
    Correction,
    CorrectionLine,
    CorrectionVerdict,
    VirtualAccount,
    Deposit,
    RefundAccount,
    DepositRefund,
    DepositRefundOutcome,
    Contradiction,
    JournalLine,
}

impl Table {
    /// In writing order.
    pub const ALL: [Self; 23] = [
        Self::Change,
        Self::Payment,
        Self::Approval,
        Self::Attempt,
        Self::Result,
        Self::AttemptVerdict,
        Self::PaymentVerdict,
        Self::NetworkCancel,
        Self::NetworkCancelOutcome,
        Self::Cancellation,
        Self::CancelShare,
        Self::BalanceLink,
        Self::CancelOutcome,
        Self::Correction,
        Self::CorrectionLine,
        Self::CorrectionVerdict,
        Self::VirtualAccount,
        Self::Deposit,
        Self::RefundAccount,
        Self::DepositRefund,
        Self::DepositRefundOutcome,
        Self::Contradiction,
        Self::JournalLine,
    ];

    /// The table's name.
    pub fn name(self) -> &'static str {
        let name = self.inserts().0.statement.name;
        name.strip_prefix("insert_").unwrap_or(name)
    }

    /// The insert of the live account and that of the mirror account.
    pub const fn inserts(self) -> (&'static Insert, &'static Insert) {
        match self {
            Self::Change => (&CHANGE, &MIRROR_CHANGE),
            Self::Payment => (&PAYMENT, &MIRROR_PAYMENT),
            Self::Approval => (&APPROVAL, &MIRROR_APPROVAL),
            Self::Attempt => (&ATTEMPT, &MIRROR_ATTEMPT),
            Self::Result => (&RESULT, &MIRROR_RESULT),
            Self::AttemptVerdict => (&ATTEMPT_VERDICT, &MIRROR_ATTEMPT_VERDICT),
            Self::PaymentVerdict => (&PAYMENT_VERDICT, &MIRROR_PAYMENT_VERDICT),
            Self::NetworkCancel => (&NETWORK_CANCEL, &MIRROR_NETWORK_CANCEL),
            Self::NetworkCancelOutcome => (&NETWORK_CANCEL_OUTCOME, &MIRROR_NETWORK_CANCEL_OUTCOME),
            Self::Cancellation => (&CANCELLATION, &MIRROR_CANCELLATION),
            Self::CancelShare => (&CANCEL_SHARE, &MIRROR_CANCEL_SHARE),
            Self::BalanceLink => (&BALANCE_LINK, &MIRROR_BALANCE_LINK),
            Self::CancelOutcome => (&CANCEL_OUTCOME, &MIRROR_CANCEL_OUTCOME),
            Self::Correction => (&CORRECTION, &CORRECTION),
            Self::CorrectionLine => (&CORRECTION_LINE, &CORRECTION_LINE),
            Self::CorrectionVerdict => (&CORRECTION_VERDICT, &CORRECTION_VERDICT),
            Self::VirtualAccount => (&VIRTUAL_ACCOUNT, &MIRROR_VIRTUAL_ACCOUNT),
            Self::Deposit => (&DEPOSIT, &MIRROR_DEPOSIT),
            Self::RefundAccount => (&REFUND_ACCOUNT, &MIRROR_REFUND_ACCOUNT),
            Self::DepositRefund => (&DEPOSIT_REFUND, &MIRROR_DEPOSIT_REFUND),
            Self::DepositRefundOutcome => (&DEPOSIT_REFUND_OUTCOME, &MIRROR_DEPOSIT_REFUND_OUTCOME),
            Self::Contradiction => (&CONTRADICTION, &CONTRADICTION),
            Self::JournalLine => (&JOURNAL_LINE, &MIRROR_JOURNAL_LINE),
        }
    }
}

/// All of them, for the register.
pub const INSERTS: &[Insert] = &[
    CHANGE,
    MIRROR_CHANGE,
    PAYMENT,
    MIRROR_PAYMENT,
    APPROVAL,
    MIRROR_APPROVAL,
    ATTEMPT,
    MIRROR_ATTEMPT,
    RESULT,
    MIRROR_RESULT,
    ATTEMPT_VERDICT,
    MIRROR_ATTEMPT_VERDICT,
    PAYMENT_VERDICT,
    MIRROR_PAYMENT_VERDICT,
    NETWORK_CANCEL,
    MIRROR_NETWORK_CANCEL,
    NETWORK_CANCEL_OUTCOME,
    MIRROR_NETWORK_CANCEL_OUTCOME,
    CANCELLATION,
    MIRROR_CANCELLATION,
    CANCEL_SHARE,
    MIRROR_CANCEL_SHARE,
    BALANCE_LINK,
    MIRROR_BALANCE_LINK,
    CANCEL_OUTCOME,
    MIRROR_CANCEL_OUTCOME,
    CORRECTION,
    CORRECTION_LINE,
    CORRECTION_VERDICT,
    VIRTUAL_ACCOUNT,
    MIRROR_VIRTUAL_ACCOUNT,
    DEPOSIT,
    MIRROR_DEPOSIT,
    REFUND_ACCOUNT,
    MIRROR_REFUND_ACCOUNT,
    DEPOSIT_REFUND,
    MIRROR_DEPOSIT_REFUND,
    DEPOSIT_REFUND_OUTCOME,
    MIRROR_DEPOSIT_REFUND_OUTCOME,
    CONTRADICTION,
    JOURNAL_LINE,
    MIRROR_JOURNAL_LINE,
];
