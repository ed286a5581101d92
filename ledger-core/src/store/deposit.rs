//! Rows of legs that are paid by deposit: how each is written and read, and the deposits that are due.

use chrono::{DateTime, Utc};
use sqlx::mysql::MySqlConnection;

use crate::ids::PaymentId;
use crate::payment::fact::Fact;
use crate::payment::virtual_account::{
    Deposit, DepositRefund, DepositRefundOutcome, IssuedAccount, Receiver, RefundAccount, VirtualAccount,
};

use super::StoreError;
use super::cell::{Cells, cells};
use super::load::of_wanted;
use super::read::Reading;
use super::statement::{Account, Statement};

of_wanted!(
    VIRTUAL_ACCOUNTS,
    "virtual_account",
    "t.leg_no, t.attempt_no, t.result_no, t.bank_code, t.account_no, t.holder, t.due_at, t.issued_at"
);
of_wanted!(
    DEPOSITS,
    "deposit",
    "t.leg_no, t.deposit_no, t.issuer_id, t.bank_ref, t.amount, t.counted, t.deposited_at, t.received_at"
);
of_wanted!(REFUND_ACCOUNTS, "refund_account", "t.cancel_no, t.bank_code, t.account_token");
of_wanted!(
    DEPOSIT_REFUNDS,
    "deposit_refund",
    "t.leg_no, t.refund_no, t.refund_request_id, t.amount, t.bank_code, t.account_token, t.reason, t.requested_at"
);
of_wanted!(
    DEPOSIT_REFUND_OUTCOMES,
    "deposit_refund_outcome",
    "t.leg_no, t.refund_no, t.outcome, t.bank_ref, t.decided_at"
);

const OVERDUE: Statement = Statement {
    name: "overdue_deposits",
    account: Account::App,
    sql: "SELECT a.payment_id FROM virtual_account AS a LEFT JOIN payment_verdict AS v ON v.payment_id = a.payment_id \
          WHERE a.due_at >= ? AND a.due_at < ? AND v.payment_id IS NULL ORDER BY a.due_at LIMIT ?",
};

/// All of them, for the register.
pub const STATEMENTS: &[Statement] =
    &[VIRTUAL_ACCOUNTS, DEPOSITS, REFUND_ACCOUNTS, DEPOSIT_REFUNDS, DEPOSIT_REFUND_OUTCOMES, OVERDUE];

/// The fact tables of deposited legs, how each is read, and by what; only payments that have such a leg are looked for here.
pub(super) const FACTS: &[super::load::Kept] = &[
    (VIRTUAL_ACCOUNTS, "virtual_account", account),
    (DEPOSITS, "deposit", deposit),
    (REFUND_ACCOUNTS, "refund_account", refund_account),
    (DEPOSIT_REFUNDS, "deposit_refund", refund),
    (DEPOSIT_REFUND_OUTCOMES, "deposit_refund_outcome", refund_outcome),
];

/// Payments that wait for a deposit whose time ended between these two instants.
pub async fn overdue(
    connection: &mut MySqlConnection,
    from: DateTime<Utc>,
    until: DateTime<Utc>,
    limit: u32,
) -> Result<Vec<PaymentId>, StoreError> {
    let rows = sqlx::query(OVERDUE.sql).bind(from).bind(until).bind(limit).fetch_all(connection).await?;
    rows.iter().map(|row| Ok(Reading::of_payment(row, "virtual_account")?.1)).collect()
}

pub(super) fn account_row(fact: &VirtualAccount) -> Cells<'_> {
    cells! {
        "leg_no": fact.leg_no, "attempt_no": fact.attempt_no, "result_no": fact.result_no,
        "bank_code": &fact.account.bank_code, "account_no": &fact.account.account_no, "holder": &fact.account.holder,
        "due_at": fact.account.due_at, "issued_at": fact.issued_at,
    }
}

pub(super) fn deposit_row(fact: &Deposit) -> Cells<'_> {
    cells! {
        "leg_no": fact.leg_no, "deposit_no": fact.deposit_no, "issuer_id": &fact.issuer_id, "bank_ref": &fact.bank_ref,
        "amount": fact.amount, "counted": fact.counted, "deposited_at": fact.deposited_at,
        "received_at": fact.received_at,
    }
}

pub(super) fn refund_account_row(fact: &RefundAccount) -> Cells<'_> {
    cells! {
        "cancel_no": fact.cancel_no, "bank_code": &fact.receiver.bank_code, "account_token": &fact.receiver.account_token,
    }
}

pub(super) fn refund_row(fact: &DepositRefund) -> Cells<'_> {
    cells! {
        "leg_no": fact.leg_no, "refund_no": fact.refund_no, "refund_request_id": &fact.refund_request_id,
        "amount": fact.amount, "bank_code": &fact.receiver.bank_code, "account_token": &fact.receiver.account_token,
        "reason": &fact.reason, "requested_at": fact.requested_at,
    }
}

pub(super) fn refund_outcome_row(fact: &DepositRefundOutcome) -> Cells<'_> {
    cells! {
        "leg_no": fact.leg_no, "refund_no": fact.refund_no, "outcome": fact.outcome.code(), "bank_ref": &fact.bank_ref,
        "decided_at": fact.decided_at,
    }
}

fn account(row: &Reading<'_>) -> Result<Fact, StoreError> {
    Ok(Fact::VirtualAccount(VirtualAccount {
        leg_no: row.get("leg_no")?,
        attempt_no: row.get("attempt_no")?,
        result_no: row.get("result_no")?,
        account: IssuedAccount {
            bank_code: row.get("bank_code")?,
            account_no: row.get("account_no")?,
            holder: row.get("holder")?,
            due_at: row.get("due_at")?,
        },
        issued_at: row.get("issued_at")?,
    }))
}

fn deposit(row: &Reading<'_>) -> Result<Fact, StoreError> {
    Ok(Fact::Deposit(Deposit {
        leg_no: row.get("leg_no")?,
        deposit_no: row.get("deposit_no")?,
        issuer_id: row.get("issuer_id")?,
        bank_ref: row.get("bank_ref")?,
        amount: row.amount("amount")?,
        counted: row.amount("counted")?,
        deposited_at: row.get("deposited_at")?,
        received_at: row.get("received_at")?,
    }))
}

fn receiver(row: &Reading<'_>) -> Result<Receiver, StoreError> {
    Ok(Receiver { bank_code: row.get("bank_code")?, account_token: row.get("account_token")? })
}

fn refund_account(row: &Reading<'_>) -> Result<Fact, StoreError> {
    Ok(Fact::RefundAccount(RefundAccount { cancel_no: row.get("cancel_no")?, receiver: receiver(row)? }))
}

fn refund(row: &Reading<'_>) -> Result<Fact, StoreError> {
    Ok(Fact::DepositRefund(DepositRefund {
        leg_no: row.get("leg_no")?,
        refund_no: row.get("refund_no")?,
        refund_request_id: row.get("refund_request_id")?,
        amount: row.amount("amount")?,
        receiver: receiver(row)?,
        reason: row.get("reason")?,
        requested_at: row.get("requested_at")?,
    }))
}

fn refund_outcome(row: &Reading<'_>) -> Result<Fact, StoreError> {
    Ok(Fact::DepositRefundOutcome(DepositRefundOutcome {
        leg_no: row.get("leg_no")?,
        refund_no: row.get("refund_no")?,
        outcome: row.code("outcome")?,
        bank_ref: row.get("bank_ref")?,
        decided_at: row.get("decided_at")?,
    }))
}
