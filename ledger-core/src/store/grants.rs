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

use super::StoreError;
use super::account::{self, Grant};
use super::insert::Table;
use super::rows::Rows;

pub use super::account::GrantsError;

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

/// What a reader must not be able to insert.
const WRITES: &[(&str, &str)] = &[
    ("INSERT INTO payment_change SELECT * FROM payment_change WHERE FALSE", "INSERT into payment_change"),
    (
        "INSERT INTO legacy_quarantine SELECT * FROM legacy_quarantine WHERE FALSE",
        "INSERT into legacy_quarantine",
    ),
];

/// What the mirror account must not be able to insert: a fact past the view that looks at its origin.
const PAST_THE_VIEWS: &[(&str, &str)] =
    &[("INSERT INTO payment (payment_id) SELECT payment_id FROM payment WHERE FALSE", "INSERT into payment")];

/// Proves `ledger_app`: SELECT and INSERT, nothing else.
pub async fn prove_app(pool: &MySqlPool) -> Result<(), GrantsError> {
    let mut connection = pool.acquire().await?;
    only(&mut connection, &["SELECT", "INSERT", "USAGE"]).await?;
    account::cannot(&mut connection, CHANGES).await?;
    drop(connection);
    cannot_forge(pool, Origin::Live).await
}

/// Proves `ledger_mirror`: SELECT, and INSERT through the views of legacy origin.
pub async fn prove_mirror(pool: &MySqlPool) -> Result<(), GrantsError> {
    let mut connection = pool.acquire().await?;
    only(&mut connection, &["SELECT", "INSERT", "USAGE"]).await?;
    account::cannot(&mut connection, CHANGES).await?;
    account::cannot(&mut connection, PAST_THE_VIEWS).await?;
    drop(connection);
    cannot_forge(pool, Origin::Legacy).await
}

/// Proves `ledger_read`: SELECT only.
pub async fn prove_read(pool: &MySqlPool) -> Result<(), GrantsError> {
    let mut connection = pool.acquire().await?;
    only(&mut connection, &["SELECT", "USAGE", "REPLICATION CLIENT", "SHOW VIEW"]).await?;
    account::cannot(&mut connection, CHANGES).await?;
    account::cannot(&mut connection, WRITES).await
}

/// What must never be done to reference data, or by who keeps it.
const REFERENCE_CHANGES: &[(&str, &str)] = changes_of![
    "merchant" "name",
    "merchant_contract" "fee_rate",
    "merchant_authority" "authority",
    "issuer" "name",
    "api_key" "secret_hash",
    "api_key_revocation" "reason",
];

/// Proves `ledger_admin`: SELECT and INSERT on reference data, nothing else.
pub async fn prove_admin(pool: &MySqlPool) -> Result<(), GrantsError> {
    let mut connection = pool.acquire().await?;
    only(&mut connection, &["SELECT", "INSERT", "USAGE"]).await?;
    account::cannot(&mut connection, REFERENCE_CHANGES).await?;
    account::cannot(&mut connection, CHANGES).await
}

/// Refuses any privilege that is not among `allowed`.
async fn only(connection: &mut MySqlConnection, allowed: &[&str]) -> Result<(), GrantsError> {
    account::judge_grants(connection, |grant| beyond(grant, allowed)).await
}

fn beyond(grant: &Grant<'_>, allowed: &[&str]) -> Option<String> {
    let wide = grant.privileges.iter().find(|privilege| {
        let verb = privilege.split(" (").next().unwrap_or_default();
        !allowed.contains(&verb) || (grant.object == "*.*" && matches!(verb, "SELECT" | "INSERT"))
    })?;
    Some(format!("{wide} on {}", grant.object))
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
    let opened = change.facts.iter().find_map(|fact| {
        let Fact::BalanceLink(link) = fact else { return None };
        Some(link.after.get())
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

    fn beyond_line(line: &str, allowed: &[&str]) -> Option<String> {
        Grant::of(line).map_or_else(|| Some(line.to_owned()), |grant| beyond(&grant, allowed))
    }

    #[test]
    fn what_is_too_wide_is_named() {
        let allowed = ["SELECT", "INSERT", "USAGE"];
        assert_eq!(beyond_line("GRANT USAGE ON *.* TO `a`@`%`", &allowed), None);
        assert_eq!(beyond_line("GRANT SELECT, INSERT ON `l`.`payment` TO `a`@`%`", &allowed), None);
        assert_eq!(
            beyond_line("GRANT SELECT, INSERT, UPDATE ON `l`.`payment` TO `a`@`%`", &allowed).as_deref(),
            Some("UPDATE on `l`.`payment`")
        );
        assert_eq!(beyond_line("GRANT SELECT ON *.* TO `a`@`%`", &allowed).as_deref(), Some("SELECT on *.*"));
        let reader = ["SELECT", "USAGE", "REPLICATION CLIENT"];
        assert_eq!(
            beyond_line("GRANT SELECT, INSERT ON `l`.`payment` TO `x`@`%`", &reader).as_deref(),
            Some("INSERT on `l`.`payment`")
        );
    }
}
