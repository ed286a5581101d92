//! One insert per fact table, of any number of rows of any number of payments: that is what lets concurrent requests share
//! a commit. Rows travel as literal text ([`super::text`]); sessions are strict, so a value that does not fit is an error.
//!
//! The live account inserts into the tables, the mirror account through views that let only legacy facts pass.

use super::statement::{Account, Statement};
use super::text::{Column, Insert};

/// Builds the two inserts of a fact table: `hex` columns travel as hexadecimal text.
macro_rules! fact_insert {
    ($live:ident, $mirror:ident, $table:literal, hex [$($hex:literal),*], col [$($col:literal $type:literal),* $(,)?]) => {
        const $live: Insert = Insert {
            statement: Statement {
                name: concat!("insert_", $table),
                account: Account::App,
                sql: concat!("INSERT INTO ", $table, fact_insert!(@one_row [$($hex),*], [$($col),*])),
            },
            columns: fact_insert!(@columns [$($hex),*], [$($col),*]),
        };
        const $mirror: Insert = Insert {
            statement: Statement {
                name: concat!("insert_mirror_", $table),
                account: Account::Mirror,
                sql: concat!("INSERT INTO mirror_", $table, fact_insert!(@one_row [$($hex),*], [$($col),*])),
            },
            columns: fact_insert!(@columns [$($hex),*], [$($col),*]),
        };
    };
    (@one_row [$($hex:literal),*], [$($col:literal),*]) => {
        concat!(
            " (payment_id, slot, origin, seq", $(", ", $hex,)* $(", ", $col,)* ")",
            " VALUES (?, ?, ?, ?", $(fact_insert!(@mark $hex),)* $(fact_insert!(@mark $col),)* ")"
        )
    };
    (@mark $column:literal) => { ", ?" };
    (@columns [$($hex:literal),*], [$($col:literal),*]) => {
        &[
            Column { name: "payment_id", is_hex: true },
            Column { name: "slot", is_hex: false },
            Column { name: "origin", is_hex: false },
            Column { name: "seq", is_hex: false },
            $(Column { name: $hex, is_hex: true },)*
            $(Column { name: $col, is_hex: false },)*
        ]
    };
}

fact_insert!(CHANGE, MIRROR_CHANGE, "payment_change", hex ["request_id", "event_digest", "previous_digest", "digest"], col [
    "command" "VARCHAR(32)", "actor" "VARCHAR(64)", "recorded_at" "DATETIME(6)", "render_version" "SMALLINT UNSIGNED",
    "positions" "VARCHAR(64)",
]);
fact_insert!(PAYMENT, MIRROR_PAYMENT, "payment", hex [], col [
    "merchant_id" "VARCHAR(32)", "order_id" "VARCHAR(64)", "try_no" "SMALLINT UNSIGNED", "currency" "CHAR(3)",
    "total" "BIGINT", "tax_free" "BIGINT", "vat" "BIGINT", "tax_source" "VARCHAR(8)", "contract_version" "INT UNSIGNED",
    "fee" "BIGINT", "fee_vat" "BIGINT", "created_at" "DATETIME(6)", "expires_at" "DATETIME(6)",
]);
fact_insert!(APPROVAL, MIRROR_APPROVAL, "approval", hex [], col [
    "leg_no" "TINYINT UNSIGNED", "method" "VARCHAR(16)", "issuer_id" "VARCHAR(32)", "amount" "BIGINT", "tax_free" "BIGINT",
    "partial_cancelable" "TINYINT", "refund_priority" "SMALLINT UNSIGNED", "card_bin" "VARCHAR(8)", "card_last4" "CHAR(4)",
    "method_token" "VARCHAR(64)", "installment_months" "TINYINT UNSIGNED", "rule_version" "INT UNSIGNED",
    "deposit_due_at" "DATETIME(6)",
]);
fact_insert!(ATTEMPT, MIRROR_ATTEMPT, "attempt", hex [], col [
    "leg_no" "TINYINT UNSIGNED", "kind" "VARCHAR(10)", "attempt_no" "SMALLINT UNSIGNED", "issuer_id" "VARCHAR(32)",
    "trace_date" "DATE", "trace_no" "VARCHAR(40)", "amount" "BIGINT", "target_no" "SMALLINT UNSIGNED",
    "cancel_no" "SMALLINT UNSIGNED", "sent_by" "VARCHAR(6)", "deadline_at" "DATETIME(6)",
]);
fact_insert!(RESULT, MIRROR_RESULT, "attempt_result", hex [], col [
    "leg_no" "TINYINT UNSIGNED", "kind" "VARCHAR(10)", "attempt_no" "SMALLINT UNSIGNED", "outcome" "VARCHAR(11)",
    "result_no" "SMALLINT UNSIGNED", "source" "VARCHAR(10)", "issuer_ref" "VARCHAR(64)", "issuer_code" "VARCHAR(32)",
    "received_at" "DATETIME(6)",
]);
fact_insert!(ATTEMPT_VERDICT, MIRROR_ATTEMPT_VERDICT, "attempt_verdict", hex [], col [
    "leg_no" "TINYINT UNSIGNED", "kind" "VARCHAR(10)", "attempt_no" "SMALLINT UNSIGNED", "verdict" "VARCHAR(7)",
    "result_outcome" "VARCHAR(11)", "result_no" "SMALLINT UNSIGNED", "decided_at" "DATETIME(6)",
]);
fact_insert!(PAYMENT_VERDICT, MIRROR_PAYMENT_VERDICT, "payment_verdict", hex [], col [
    "merchant_id" "VARCHAR(32)", "order_id" "VARCHAR(64)", "try_no" "SMALLINT UNSIGNED", "verdict" "VARCHAR(9)",
    "reason" "VARCHAR(32)", "business_date" "DATE", "decided_at" "DATETIME(6)",
]);
fact_insert!(NETWORK_CANCEL, MIRROR_NETWORK_CANCEL, "network_cancel", hex [], col [
    "leg_no" "TINYINT UNSIGNED", "attempt_no" "SMALLINT UNSIGNED", "reason" "VARCHAR(20)", "late_until" "DATETIME(6)",
    "valid_until" "DATETIME(6)", "requested_at" "DATETIME(6)",
]);
fact_insert!(NETWORK_CANCEL_OUTCOME, MIRROR_NETWORK_CANCEL_OUTCOME, "network_cancel_outcome", hex [], col [
    "leg_no" "TINYINT UNSIGNED", "attempt_no" "SMALLINT UNSIGNED", "outcome_no" "TINYINT UNSIGNED", "outcome" "VARCHAR(18)",
    "decided_at" "DATETIME(6)",
]);
fact_insert!(CANCELLATION, MIRROR_CANCELLATION, "cancellation", hex [], col [
    "cancel_no" "SMALLINT UNSIGNED", "cancel_request_id" "VARCHAR(80)", "kind" "VARCHAR(12)", "amount" "BIGINT",
    "tax_free" "BIGINT", "vat" "BIGINT", "fee" "BIGINT", "fee_vat" "BIGINT", "reason" "VARCHAR(200)", "business_date" "DATE",
    "requested_at" "DATETIME(6)",
]);
fact_insert!(CANCEL_SHARE, MIRROR_CANCEL_SHARE, "cancel_share", hex [], col [
    "cancel_no" "SMALLINT UNSIGNED", "leg_no" "TINYINT UNSIGNED", "amount" "BIGINT", "tax_free" "BIGINT", "vat" "BIGINT",
    "fee" "BIGINT", "fee_vat" "BIGINT",
]);
fact_insert!(CANCEL_OUTCOME, MIRROR_CANCEL_OUTCOME, "cancel_outcome", hex [], col [
    "cancel_no" "SMALLINT UNSIGNED", "leg_no" "TINYINT UNSIGNED", "outcome" "VARCHAR(6)", "decided_at" "DATETIME(6)",
]);
fact_insert!(BALANCE_LINK, MIRROR_BALANCE_LINK, "balance_link", hex [], col [
    "leg_no" "TINYINT UNSIGNED", "link_no" "INT UNSIGNED", "kind" "VARCHAR(7)", "cancel_no" "SMALLINT UNSIGNED",
    "before_amount" "BIGINT", "delta" "BIGINT", "after_amount" "BIGINT",
]);
fact_insert!(VIRTUAL_ACCOUNT, MIRROR_VIRTUAL_ACCOUNT, "virtual_account", hex [], col [
    "leg_no" "TINYINT UNSIGNED", "attempt_no" "SMALLINT UNSIGNED", "result_no" "SMALLINT UNSIGNED", "bank_code" "VARCHAR(8)",
    "account_no" "VARCHAR(32)", "holder" "VARCHAR(64)", "due_at" "DATETIME(6)", "issued_at" "DATETIME(6)",
]);
fact_insert!(DEPOSIT, MIRROR_DEPOSIT, "deposit", hex [], col [
    "leg_no" "TINYINT UNSIGNED", "deposit_no" "SMALLINT UNSIGNED", "issuer_id" "VARCHAR(32)", "bank_ref" "VARCHAR(64)",
    "amount" "BIGINT", "counted" "BIGINT", "deposited_at" "DATETIME(6)", "received_at" "DATETIME(6)",
]);
fact_insert!(REFUND_ACCOUNT, MIRROR_REFUND_ACCOUNT, "refund_account", hex [], col [
    "cancel_no" "SMALLINT UNSIGNED", "bank_code" "VARCHAR(8)", "account_token" "VARCHAR(64)",
]);
fact_insert!(DEPOSIT_REFUND, MIRROR_DEPOSIT_REFUND, "deposit_refund", hex [], col [
    "leg_no" "TINYINT UNSIGNED", "refund_no" "SMALLINT UNSIGNED", "refund_request_id" "VARCHAR(80)", "amount" "BIGINT",
    "bank_code" "VARCHAR(8)", "account_token" "VARCHAR(64)", "reason" "VARCHAR(200)", "requested_at" "DATETIME(6)",
]);
fact_insert!(DEPOSIT_REFUND_OUTCOME, MIRROR_DEPOSIT_REFUND_OUTCOME, "deposit_refund_outcome", hex [], col [
    "leg_no" "TINYINT UNSIGNED", "refund_no" "SMALLINT UNSIGNED", "outcome" "VARCHAR(6)", "bank_ref" "VARCHAR(64)",
    "decided_at" "DATETIME(6)",
]);
fact_insert!(JOURNAL_LINE, MIRROR_JOURNAL_LINE, "journal_line", hex [], col [
    "line_no" "SMALLINT UNSIGNED", "account" "VARCHAR(24)", "side" "CHAR(1)", "currency" "CHAR(3)", "amount" "BIGINT",
    "merchant_id" "VARCHAR(32)", "leg_no" "TINYINT UNSIGNED", "business_date" "DATE",
]);

/// Corrections are made here and never carried over: they have no view, and the mirror account no right to insert them.
macro_rules! live_insert {
    ($const:ident, $table:literal, hex [$($hex:literal),*], col [$($col:literal $type:literal),* $(,)?]) => {
        const $const: Insert = Insert {
            statement: Statement {
                name: concat!("insert_", $table),
                account: Account::App,
                sql: concat!("INSERT INTO ", $table, fact_insert!(@one_row [$($hex),*], [$($col),*])),
            },
            columns: fact_insert!(@columns [$($hex),*], [$($col),*]),
        };
    };
}

live_insert!(CORRECTION, "correction", hex ["signature"], col [
    "correction_no" "SMALLINT UNSIGNED", "reason" "VARCHAR(200)", "proposed_by" "VARCHAR(32)",
    "proposed_key" "VARCHAR(24)", "proposed_at" "DATETIME(6)", "expires_at" "DATETIME(6)",
]);
live_insert!(CORRECTION_LINE, "correction_line", hex [], col [
    "correction_no" "SMALLINT UNSIGNED", "line_no" "SMALLINT UNSIGNED", "account" "VARCHAR(24)", "side" "CHAR(1)",
    "amount" "BIGINT", "leg_no" "TINYINT UNSIGNED", "reverses_seq" "INT UNSIGNED", "reverses_line" "SMALLINT UNSIGNED",
]);
live_insert!(CORRECTION_VERDICT, "correction_verdict", hex ["signature"], col [
    "correction_no" "SMALLINT UNSIGNED", "verdict" "VARCHAR(8)", "proposed_by" "VARCHAR(32)", "decided_by" "VARCHAR(32)",
    "decided_key" "VARCHAR(24)", "reason" "VARCHAR(200)", "decided_at" "DATETIME(6)",
]);

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
    JournalLine,
}

impl Table {
    /// In writing order.
    pub const ALL: [Self; 22] = [
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
    JOURNAL_LINE,
    MIRROR_JOURNAL_LINE,
];
