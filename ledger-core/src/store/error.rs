//! What can go wrong between us and MySQL, in three kinds, and the one parser of duplicate-key messages.

use std::fmt;

/// A statement that did not do what it should.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database could not be reached or did not answer; whether a commit took place may be unknown.
    #[error("the ledger database is not available")]
    Unavailable(#[source] sqlx::Error),
    /// The database could not be reached, and nothing was written: the commit was never asked for.
    #[error("the ledger database is not available; nothing was written")]
    NotWritten(#[source] sqlx::Error),
    /// Someone else's row stands where ours should: an answer, not a fault.
    #[error("another writer was first ({0})")]
    Lost(LostKey),
    /// A rule of the schema refused the row: a bug or a forgery.
    #[error("the schema refused a row ({constraint})")]
    Refused {
        /// The name of the check or foreign key.
        constraint: String,
    },
    /// Too many requests wait already: nothing was tried.
    #[error("too many requests wait for a commit")]
    Busy,
    /// A row that breaks its own contract.
    #[error("{table}.{column} of {id} holds a value this version does not know")]
    Corrupt {
        /// Table of the row.
        table: &'static str,
        /// Column of the value.
        column: &'static str,
        /// The row's key, as text.
        id: String,
    },
}

/// Which unique key was lost. `constraint()` of a duplicate-key error is `None` in sqlx, so the name is taken from the end
/// of the message here and nowhere else; the message itself holds row data and stays here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LostKey {
    /// `payment_change`: another decision on the same payment was first.
    Change,
    /// `payment`: the merchant's order has this try already, or the id is taken.
    Order,
    /// `attempt`: the trace number is in use.
    Trace,
    /// `attempt_verdict`: the attempt is decided, or the leg is accepted already.
    AttemptVerdict,
    /// `payment_verdict`: the payment is decided already.
    PaymentVerdict,
    /// `balance_link`: another link stands there.
    BalanceLink,
    /// `cancellation`: the cancel request is known already.
    Cancellation,
    /// `idempotency_claim` or its outcome: the key was used before.
    Idempotency,
    /// `outbox_event`: an id of ours was sealed by the relay; nobody is to blame, the transaction is run again.
    OutboxId,
    /// `legacy_row`, `legacy_quarantine` or `copy_receipt`: mirrored before.
    Legacy,
    /// `deposit`: the bank's reference is a deposit already.
    Deposit,
    /// Any other key.
    Other,
}

impl fmt::Display for LostKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Change => "payment change",
            Self::Order => "order",
            Self::Trace => "trace number",
            Self::AttemptVerdict => "attempt verdict",
            Self::PaymentVerdict => "payment verdict",
            Self::BalanceLink => "balance link",
            Self::Cancellation => "cancellation",
            Self::Idempotency => "idempotency key",
            Self::OutboxId => "outbox id",
            Self::Legacy => "legacy row",
            Self::Deposit => "bank reference",
            Self::Other => "unique key",
        })
    }
}

impl LostKey {
    /// The key named at the end of MySQL's message: `… for key 'table.key'`.
    fn of(message: &str) -> Self {
        let Some(name) = message.rsplit("for key '").next().and_then(|tail| tail.split('\'').next()) else {
            return Self::Other;
        };
        match name.split('.').next().unwrap_or_default() {
            "deposit" if name.ends_with(".uq_deposit_reference") => Self::Deposit,
            "payment_change"
            | "contradiction"
            | "deposit"
            | "correction"
            | "correction_line"
            | "correction_verdict"
            | "virtual_account"
            | "deposit_refund"
            | "deposit_refund_outcome"
            | "refund_account" => Self::Change,
            "payment" => Self::Order,
            "attempt" => Self::Trace,
            "attempt_verdict" => Self::AttemptVerdict,
            "payment_verdict" => Self::PaymentVerdict,
            "balance_link" => Self::BalanceLink,
            "cancellation" => Self::Cancellation,
            "idempotency_claim" | "idempotency_outcome" | "idempotency_body" => Self::Idempotency,
            "outbox_event" | "outbox_backfill" => Self::OutboxId,
            "legacy_row" | "legacy_quarantine" | "copy_receipt" => Self::Legacy,
            _ => Self::Other,
        }
    }
}

/// MySQL error numbers that mean something to us.
mod number {
    pub const DUPLICATE_KEY: u16 = 1062;
    pub const NO_PARENT: u16 = 1452;
    pub const CHECK_VIOLATED: u16 = 3819;
    pub const VIEW_CHECK_FAILED: u16 = 1369;
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        let Some(mysql) = mysql(&error) else { return Self::Unavailable(error) };
        match mysql.number() {
            number::DUPLICATE_KEY => Self::Lost(LostKey::of(mysql.message())),
            number::NO_PARENT | number::CHECK_VIOLATED | number::VIEW_CHECK_FAILED => {
                Self::Refused { constraint: constraint_of(mysql.message()) }
            }
            _ => Self::Unavailable(error),
        }
    }
}

/// The constraint that a message of 1452, 3819 or 1369 names.
fn constraint_of(message: &str) -> String {
    if let Some(tail) = message.split("CONSTRAINT `").nth(1) {
        return tail.split('`').next().unwrap_or_default().to_owned();
    }
    message.split('\'').nth(1).unwrap_or("unnamed").to_owned()
}

fn mysql(error: &sqlx::Error) -> Option<&sqlx::mysql::MySqlDatabaseError> {
    error.as_database_error()?.try_downcast_ref::<sqlx::mysql::MySqlDatabaseError>()
}

/// The number MySQL gave the error, if MySQL answered at all.
pub fn number_of(error: &sqlx::Error) -> Option<u16> {
    mysql(error).map(sqlx::mysql::MySqlDatabaseError::number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lost_key_is_read_from_the_end_of_the_message() {
        let message = "Duplicate entry 'm' for key 'x'-o-1' for key 'payment.uq_payment_order'";
        assert_eq!(LostKey::of(message), LostKey::Order);
        assert_eq!(LostKey::of("Duplicate entry '7' for key 'outbox_event.PRIMARY'"), LostKey::OutboxId);
        assert_eq!(LostKey::of("no key at all"), LostKey::Other);
    }

    #[test]
    fn the_refusing_constraint_is_named() {
        let foreign = "Cannot add or update a child row: a foreign key constraint fails (`l`.`t`, CONSTRAINT `fk_t` FOREIGN KEY (`a`) …)";
        assert_eq!(constraint_of(foreign), "fk_t");
        assert_eq!(constraint_of("Check constraint 'ck_t' is violated."), "ck_t");
    }
}
