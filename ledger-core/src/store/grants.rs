//! The start-up proof: an account can do what its service needs, can change nothing, and cannot forge a balance link.
//!
//! It is harmless by construction. Grants are read first, so that being started as an administrator is found before
//! anything is tried; UPDATE and DELETE are tried `WHERE FALSE`; the forged rows bring their own parents and stand in a
//! transaction that is rolled back.

use chrono::DateTime;
use sqlx::mysql::{MySqlConnection, MySqlPool};

use crate::change::{Asked, Change};
use crate::ids::{PaymentId, RequestId, Slot};
use crate::payment::fact::{Fact, Origin};
use crate::payment::legacy::{self, LegacyApproval, LegacyPayment};

use super::error::number_of;
use super::insert::Table;
use super::rows::Rows;
use super::{StoreError, outbox_grants};

/// Why an account is not fit to run as.
#[derive(Debug, thiserror::Error)]
pub enum GrantsError {
    /// It may do more than it needs.
    #[error(
        "account {account} may {grant}, which is too wide: revoke it, or use the account made by migrations/roles.sql"
    )]
    TooWide {
        /// Who the server says we are.
        account: String,
        /// What it may do.
        grant: String,
    },
    /// It may do less than it needs.
    #[error("account {account} may not {grant}: grant it as migrations/roles.sql does")]
    Missing {
        /// Who the server says we are.
        account: String,
        /// What it should be able to do.
        grant: String,
    },
    /// The schema accepted what it must refuse.
    #[error("the schema accepted {forgery}: {way_out}")]
    Forged {
        /// What was accepted.
        forgery: &'static str,
        /// What to do.
        way_out: &'static str,
    },
    /// The server did not answer.
    #[error("the grants could not be proven")]
    Store(#[from] StoreError),
}

impl From<sqlx::Error> for GrantsError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

const DATABASE_DENIED: u16 = 1044;
const TABLE_DENIED: u16 = 1142;
const COLUMN_DENIED: u16 = 1143;

/// Statements that must be refused, and what each would mean.
macro_rules! changes_of {
    ($($table:literal $column:literal),+ $(,)?) => {
        &[$(
            (concat!("UPDATE ", $table, " SET ", $column, " = ", $column, " WHERE FALSE"), concat!("UPDATE ", $table)),
            (concat!("DELETE FROM ", $table, " WHERE FALSE"), concat!("DELETE from ", $table)),
        )+]
    };
}

const CHANGES: &[(&str, &str)] = changes_of![
    "payment_change" "actor",
    "payment" "total",
    "approval" "amount",
    "attempt" "amount",
    "attempt_result" "outcome",
    "attempt_verdict" "verdict",
    "payment_verdict" "verdict",
    "network_cancel" "reason",
    "network_cancel_outcome" "outcome",
    "cancellation" "amount",
    "cancel_share" "amount",
    "cancel_outcome" "outcome",
    "balance_link" "delta",
    "journal_line" "amount",
];

/// Proves `ledger_app`: SELECT and INSERT, nothing else.
pub async fn prove_app(pool: &MySqlPool) -> Result<(), GrantsError> {
    let mut connection = pool.acquire().await?;
    only(&mut connection, &["SELECT", "INSERT", "USAGE"]).await?;
    cannot_change(&mut connection).await?;
    drop(connection);
    cannot_forge(pool, Origin::Live).await
}

/// Proves `ledger_mirror`: SELECT, and INSERT through the views of legacy origin.
pub async fn prove_mirror(pool: &MySqlPool) -> Result<(), GrantsError> {
    let mut connection = pool.acquire().await?;
    only(&mut connection, &["SELECT", "INSERT", "USAGE"]).await?;
    cannot_change(&mut connection).await?;
    let account = outbox_grants::current_account(&mut connection).await?;
    let direct = "INSERT INTO payment (payment_id) SELECT payment_id FROM payment WHERE FALSE";
    if allowed(&mut connection, direct).await? {
        return Err(GrantsError::TooWide { account, grant: "INSERT into payment".to_owned() });
    }
    drop(connection);
    cannot_forge(pool, Origin::Legacy).await
}

/// Proves `ledger_read`: SELECT only.
pub async fn prove_read(pool: &MySqlPool) -> Result<(), GrantsError> {
    let mut connection = pool.acquire().await?;
    only(&mut connection, &["SELECT", "USAGE", "REPLICATION CLIENT"]).await
}

/// Refuses any privilege that is not among `allowed`.
async fn only(connection: &mut MySqlConnection, allowed: &[&str]) -> Result<(), GrantsError> {
    let account = outbox_grants::current_account(connection).await?;
    for line in outbox_grants::show_grants(connection).await? {
        if let Some(grant) = beyond(&line, allowed) {
            return Err(GrantsError::TooWide { account, grant });
        }
    }
    Ok(())
}

fn beyond(line: &str, allowed: &[&str]) -> Option<String> {
    let rest = line.strip_prefix("GRANT ").unwrap_or(line);
    let Some((privileges, target)) = rest.split_once(" ON ") else { return Some(rest.to_owned()) };
    if target.ends_with("WITH GRANT OPTION") {
        return Some(rest.to_owned());
    }
    let object = target.split(" TO ").next().unwrap_or_default();
    let wide = outbox_grants::split_privileges(privileges).into_iter().find(|privilege| {
        let verb = privilege.split(" (").next().unwrap_or_default();
        !allowed.contains(&verb) || (object == "*.*" && matches!(verb, "SELECT" | "INSERT"))
    })?;
    Some(format!("{wide} on {object}"))
}

async fn cannot_change(connection: &mut MySqlConnection) -> Result<(), GrantsError> {
    for (text, grant) in CHANGES {
        if allowed(connection, text).await? {
            let account = outbox_grants::current_account(connection).await?;
            return Err(GrantsError::TooWide { account, grant: (*grant).to_owned() });
        }
    }
    Ok(())
}

async fn allowed(connection: &mut MySqlConnection, text: &'static str) -> Result<bool, StoreError> {
    match sqlx::query(text).execute(connection).await {
        Ok(_) => Ok(true),
        Err(error) => match number_of(&error) {
            Some(DATABASE_DENIED | TABLE_DENIED | COLUMN_DENIED) => Ok(false),
            Some(_) | None => Err(error.into()),
        },
    }
}

/// Inserts a whole payment, then a link that claims a balance its predecessor does not have: MySQL must refuse it.
async fn cannot_forge(pool: &MySqlPool, origin: Origin) -> Result<(), GrantsError> {
    let mut transaction = pool.begin().await?;
    let change = sample_change(origin);
    let rows = Rows::of(std::slice::from_ref(&change));
    for table in Table::ALL {
        let (live, mirror) = table.inserts();
        let statement = if origin == Origin::Live { live } else { mirror };
        if let Some(parameter) = rows.parameter(table) {
            sqlx::query(statement.sql).bind(parameter).execute(&mut *transaction).await?;
        }
    }
    let (live, mirror) = Table::BalanceLink.inserts();
    let statement = if origin == Origin::Live { live } else { mirror };
    let forged = sqlx::query(statement.sql).bind(forged_link(&change)).execute(&mut *transaction).await;
    transaction.rollback().await?;
    match forged.map_err(StoreError::from) {
        Err(StoreError::Refused { .. }) => Ok(()),
        Ok(_) => Err(GrantsError::Forged {
            forgery: "a balance link that starts from a balance nobody left",
            way_out: "apply the migrations, and see that foreign_key_checks is on",
        }),
        Err(error) => Err(error.into()),
    }
}

/// A release of one unit on top of a balance that is one too high. It refers to no cancel, so only the chain can refuse
/// what its check lets pass.
fn forged_link(change: &Change) -> String {
    let opened = change.facts.iter().find_map(|fact| match fact {
        Fact::BalanceLink(link) => Some(link.after.get()),
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
        | Fact::CancelOutcome(_) => None,
    });
    let before = opened.unwrap_or_default() + 1;
    serde_json::json!([{
        "payment_id": change.payment_id.to_hex(), "slot": change.payment_id.slot().get(), "origin": change.origin,
        "seq": change.seq, "leg_no": 1, "link_no": 1, "kind": "RELEASE", "cancel_no": 1, "before_amount": before,
        "delta": 1, "after_amount": before + 1,
    }])
    .to_string()
}

/// A payment that never was, told the short way.
fn sample_change(origin: Origin) -> Change {
    let now = DateTime::UNIX_EPOCH;
    let told = LegacyPayment {
        source: "start-up proof".to_owned(),
        name: RequestId::new(&mut rand::rng()).to_string(),
        merchant_id: "start-up-proof".to_owned(),
        order_id: RequestId::new(&mut rand::rng()).to_string(),
        currency: crate::money::Currency::Krw,
        total: 100,
        tax_free: 0,
        vat: 9,
        created_at: now,
        approvals: vec![LegacyApproval {
            method: crate::payment::fact::Method::Points,
            issuer_id: "start-up-proof".to_owned(),
            amount: 100,
            tax_free: 0,
            approval_no: None,
            trace_no: RequestId::new(&mut rand::rng()).to_string(),
            approved_at: now,
            business_date: crate::time::BusinessDate::in_seoul(now),
            card_bin: None,
            card_last4: None,
            installment_months: 0,
        }],
        cancellations: Vec::new(),
    };
    let asked =
        Asked { actor: "start-up-proof".to_owned(), request_id: RequestId::new(&mut rand::rng()), at: now };
    let id = PaymentId::new(now, Slot::of(&told.merchant_id, &told.order_id), &mut rand::rng());
    let facts = legacy::opened(&told).unwrap_or_default();
    match Change::next(id, None, origin, "PROOF", asked.clone(), facts) {
        Ok((change, _)) => change,
        Err(_) => unreachable!("the sample payment is fixed and folds"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_wide_is_named() {
        let allowed = ["SELECT", "INSERT", "USAGE"];
        assert_eq!(beyond("GRANT USAGE ON *.* TO `a`@`%`", &allowed), None);
        assert_eq!(beyond("GRANT SELECT, INSERT ON `l`.`payment` TO `a`@`%`", &allowed), None);
        assert_eq!(
            beyond("GRANT SELECT, INSERT, UPDATE ON `l`.`payment` TO `a`@`%`", &allowed).as_deref(),
            Some("UPDATE on `l`.`payment`")
        );
        assert_eq!(beyond("GRANT SELECT ON *.* TO `a`@`%`", &allowed).as_deref(), Some("SELECT on *.*"));
        assert!(beyond("GRANT ALL PRIVILEGES ON *.* TO `root`@`%` WITH GRANT OPTION", &allowed).is_some());
    }
}
