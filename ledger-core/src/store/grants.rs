//! The start-up proof: an account can do what its service needs, can change nothing, and cannot forge a balance link.
//!
//! It is harmless by construction. Grants are read first, so that being started as an administrator is found before
//! anything is tried; UPDATE and DELETE are tried `WHERE FALSE`; the forged rows bring their own parents and stand in a
//! transaction that is rolled back.

use chrono::DateTime;
use sqlx::mysql::{MySqlConnection, MySqlPool};

use crate::change::{Asked, Change};
use crate::ids::{PaymentId, RequestId, Slot};
use crate::payment::fact::Origin;
use crate::payment::legacy::{self, LegacyApproval, LegacyCancellation, LegacyPayment};

use super::StoreError;
use super::account::{self, Grant};
use super::append::{self, Writer};
use super::cell::{Cells, cells};
use super::insert::Table;
use super::text::Script;

pub use super::account::GrantsError;

/// Where each account may insert; everything else that this version knows it may read at most.
const FACTS: &[&str] = &[
    "payment_change",
    "payment",
    "approval",
    "attempt",
    "attempt_result",
    "attempt_verdict",
    "payment_verdict",
    "network_cancel",
    "network_cancel_outcome",
    "cancellation",
    "cancel_share",
    "cancel_outcome",
    "balance_link",
    "virtual_account",
    "deposit",
    "refund_account",
    "deposit_refund",
    "deposit_refund_outcome",
    "journal_line",
];
const LIVE: &[&str] = &[
    "correction",
    "correction_line",
    "correction_verdict",
    "contradiction",
    "outbox_event",
    "idempotency_claim",
    "idempotency_outcome",
    "idempotency_body",
];
const VIEWS: &[&str] = &[
    "mirror_payment_change",
    "mirror_payment",
    "mirror_approval",
    "mirror_attempt",
    "mirror_attempt_result",
    "mirror_attempt_verdict",
    "mirror_payment_verdict",
    "mirror_network_cancel",
    "mirror_network_cancel_outcome",
    "mirror_cancellation",
    "mirror_cancel_share",
    "mirror_cancel_outcome",
    "mirror_balance_link",
    "mirror_virtual_account",
    "mirror_deposit",
    "mirror_refund_account",
    "mirror_deposit_refund",
    "mirror_deposit_refund_outcome",
    "mirror_journal_line",
];
const CARRYING: &[&str] = &[
    "outbox_backfill",
    "legacy_row",
    "legacy_quarantine",
    "copy_receipt",
    "verifier_run",
    "verifier_finding",
];
const REFERENCE: &[&str] = &[
    "merchant",
    "merchant_contract",
    "merchant_authority",
    "issuer",
    "method_rule",
    "api_key",
    "api_key_revocation",
    "operator_key",
    "operator_key_revocation",
];

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
    "virtual_account" "account_no",
    "deposit" "amount",
    "refund_account" "account_token",
    "deposit_refund" "amount",
    "deposit_refund_outcome" "outcome",
    "journal_line" "amount",
    "correction" "reason",
    "correction_line" "amount",
    "correction_verdict" "verdict",
    "contradiction" "step",
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
    only(&mut connection, &[FACTS, LIVE]).await?;
    account::cannot(&mut connection, CHANGES).await?;
    drop(connection);
    cannot_forge(pool, Origin::Live).await
}

/// Proves `ledger_mirror`: SELECT, and INSERT through the views of legacy origin.
pub async fn prove_mirror(pool: &MySqlPool) -> Result<(), GrantsError> {
    let mut connection = pool.acquire().await?;
    only(&mut connection, &[VIEWS, CARRYING]).await?;
    account::cannot(&mut connection, CHANGES).await?;
    account::cannot(&mut connection, PAST_THE_VIEWS).await?;
    drop(connection);
    cannot_forge(pool, Origin::Legacy).await
}

/// Proves `ledger_read`: SELECT only.
pub async fn prove_read(pool: &MySqlPool) -> Result<(), GrantsError> {
    let mut connection = pool.acquire().await?;
    only(&mut connection, &[]).await?;
    account::cannot(&mut connection, CHANGES).await?;
    account::cannot(&mut connection, WRITES).await
}

/// What must never be done to reference data, or by who keeps it.
const REFERENCE_CHANGES: &[(&str, &str)] = changes_of![
    "merchant" "name",
    "merchant_contract" "fee_rate",
    "merchant_authority" "authority",
    "issuer" "name",
    "method_rule" "version",
    "api_key" "secret_hash",
    "api_key_revocation" "reason",
    "operator_key" "public_key",
    "operator_key_revocation" "reason",
];

/// Proves `ledger_admin`: SELECT and INSERT on reference data, nothing else.
pub async fn prove_admin(pool: &MySqlPool) -> Result<(), GrantsError> {
    let mut connection = pool.acquire().await?;
    only(&mut connection, &[REFERENCE]).await?;
    account::cannot(&mut connection, REFERENCE_CHANGES).await?;
    account::cannot(&mut connection, CHANGES).await
}

/// Every table this version knows by name.
const KNOWN: &[&[&str]] = &[FACTS, LIVE, VIEWS, CARRYING, REFERENCE];

/// Refuses any privilege but SELECT and INSERT on single tables, and INSERT on any table but `inserts`. A table that this
/// version does not know is a later schema's: images of both run side by side, and neither changes a row there. Who inserts
/// nowhere does not do it there either; and nobody inserts into the server's own tables, accounts among them.
async fn only(connection: &mut MySqlConnection, inserts: &[&[&str]]) -> Result<(), GrantsError> {
    account::judge_grants(connection, |grant| beyond(grant, inserts)).await
}

fn beyond(grant: &Grant<'_>, inserts: &[&[&str]]) -> Option<String> {
    let is_table = !grant.object.ends_with(".*") && !grant.is_on_the_servers_own();
    let among = |lists: &[&[&str]]| lists.iter().any(|tables| tables.contains(&grant.table()));
    let wide = grant.privileges.iter().find(|privilege| {
        let verb = privilege.split(" (").next().unwrap_or_default();
        !match verb {
            "USAGE" => true,
            "REPLICATION CLIENT" => inserts.is_empty(),
            "SELECT" | "SHOW VIEW" => is_table,
            "INSERT" => is_table && !inserts.is_empty() && (among(inserts) || !among(KNOWN)),
            _ => false,
        }
    })?;
    Some(format!("{wide} on {}", grant.object))
}

/// The reference that no forged link may get past.
const CHAIN: &str = "fk_balance_link_previous";

/// Inserts a whole payment with a cancel, then a link that refers to all of it and claims a balance its predecessor does not
/// have: nothing but the chain's own reference can refuse it, and it must.
async fn cannot_forge(pool: &MySqlPool, origin: Origin) -> Result<(), GrantsError> {
    let changes = sample(origin);
    let mut transaction = pool.begin().await?;
    let writer = if origin == Origin::Live { Writer::Live } else { Writer::Mirror(&[]) };
    let mut script = Script::default();
    append::write_facts(&mut script, &changes.iter().collect::<Vec<_>>(), writer)?;
    script.run(&mut transaction).await?;
    let (live, mirror) = Table::BalanceLink.inserts();
    let insert = if origin == Origin::Live { live } else { mirror };
    let mut script = Script::default();
    script.insert_rows(insert, changes.first().map(forged_link).as_ref())?;
    let tried = script.run(&mut transaction).await;
    transaction.rollback().await?;
    match tried {
        Err(StoreError::Refused { constraint }) if constraint == CHAIN => Ok(()),
        Ok(()) | Err(StoreError::Refused { .. }) => Err(GrantsError::Forged {
            forgery: "a balance link that starts from a balance nobody left",
            way_out: "apply the migrations, and see that fk_balance_link_previous is there and foreign_key_checks is on",
        }),
        Err(error) => Err(error.into()),
    }
}

/// Opened with 100, 10 of it held; the forged link puts one back on top of 91.
const OPENED: i64 = 100;
const HELD: i64 = 10;

/// The release of a share that is held, from a balance that is one too high.
fn forged_link(change: &Change) -> Cells<'_> {
    let before = OPENED - HELD + 1;
    cells! {
        "payment_id": change.payment_id.as_bytes(), "slot": change.payment_id.slot().get(),
        "origin": change.origin.code(), "seq": 2_u32, "leg_no": 1_u8, "link_no": 2_u32, "kind": "RELEASE",
        "cancel_no": 1_u16, "before_amount": before, "delta": 1_i64, "after_amount": before + 1,
    }
}

/// The two changes of a payment that never was, told the short way.
fn sample(origin: Origin) -> Vec<Change> {
    let now = DateTime::UNIX_EPOCH;
    let random = || RequestId::new(&mut rand::rng());
    let day = crate::time::BusinessDate::in_seoul(now);
    let cancel = LegacyCancellation {
        key: "start-up proof".to_owned(),
        amount: HELD,
        tax_free: 0,
        vat: None,
        reason: "start-up proof".to_owned(),
        canceled_at: now,
        business_date: day,
    };
    let told = LegacyPayment {
        source: "start-up proof".to_owned(),
        name: random().to_string(),
        merchant_id: "start-up-proof".to_owned(),
        order_id: random().to_string(),
        currency: crate::money::Currency::Krw,
        total: OPENED,
        tax_free: 0,
        vat: 9,
        created_at: now,
        approvals: vec![LegacyApproval {
            method: crate::payment::fact::Method::Points,
            issuer_id: "start-up-proof".to_owned(),
            amount: OPENED,
            tax_free: 0,
            approval_no: None,
            trace_no: random().to_string(),
            approved_at: now,
            business_date: day,
            card_bin: None,
            card_last4: None,
            installment_months: 0,
        }],
        cancellations: Vec::new(),
    };
    let asked = Asked { actor: "start-up-proof".to_owned(), request_id: random(), at: now };
    let id = PaymentId::new(now, Slot::of(&told.merchant_id, &told.order_id), &mut rand::rng());
    let first = legacy::opened(&told).unwrap_or_default();
    let Ok((first, payment)) = Change::next(id, None, origin, "PROOF", asked.clone(), first) else {
        return Vec::new();
    };
    let second = legacy::canceled(&payment, &cancel).unwrap_or_default();
    let second = Change::next(id, Some(&payment), origin, "PROOF", asked, second);
    std::iter::once(first).chain(second.ok().map(|(change, _)| change)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn beyond_line(line: &str, inserts: &[&[&str]]) -> Option<String> {
        Grant::of(line).map_or_else(|| Some(line.to_owned()), |grant| beyond(&grant, inserts))
    }

    #[test]
    fn what_is_too_wide_is_named() {
        let app: &[&[&str]] = &[FACTS, LIVE];
        assert_eq!(beyond_line("GRANT USAGE ON *.* TO `a`@`%`", app), None);
        assert_eq!(beyond_line("GRANT SELECT, INSERT ON `l`.`payment` TO `a`@`%`", app), None);
        assert_eq!(beyond_line("GRANT SELECT ON `l`.`api_key` TO `a`@`%`", app), None);
        for own in ["`mysql`.`user`", "`mysql`.`tables_priv`", "`sys`.`sys_config`", "`l`.`_sqlx_migrations`"]
        {
            for verb in ["INSERT", "SELECT"] {
                assert!(
                    beyond_line(&format!("GRANT {verb} ON {own} TO `a`@`%`"), app).is_some(),
                    "{verb} {own}"
                );
            }
        }
        let later = "GRANT SELECT, INSERT ON `l`.`made_by_a_later_version` TO `a`@`%`";
        assert_eq!(beyond_line(later, app), None, "an old image runs on a newer schema");
        assert!(beyond_line(later, &[]).is_some(), "who only reads inserts nowhere");
        let changed = "GRANT SELECT, UPDATE ON `l`.`made_by_a_later_version` TO `a`@`%`";
        assert!(beyond_line(changed, app).is_some(), "and nothing is changed anywhere");
        for (line, named) in [
            ("GRANT SELECT, INSERT, UPDATE ON `l`.`payment` TO `a`@`%`", "UPDATE on `l`.`payment`"),
            ("GRANT SELECT ON *.* TO `a`@`%`", "SELECT on *.*"),
            ("GRANT INSERT ON `l`.* TO `a`@`%`", "INSERT on `l`.*"),
            ("GRANT SELECT, INSERT ON `l`.`api_key` TO `a`@`%`", "INSERT on `l`.`api_key`"),
            ("GRANT INSERT ON `l`.`legacy_row` TO `a`@`%`", "INSERT on `l`.`legacy_row`"),
            ("GRANT REPLICATION CLIENT ON *.* TO `a`@`%`", "REPLICATION CLIENT on *.*"),
        ] {
            assert_eq!(beyond_line(line, app).as_deref(), Some(named), "{line}");
        }
        let mirror = "GRANT SELECT, INSERT ON `l`.`payment` TO `m`@`%`";
        assert_eq!(beyond_line(mirror, &[VIEWS, CARRYING]).as_deref(), Some("INSERT on `l`.`payment`"));
        assert_eq!(beyond_line("GRANT REPLICATION CLIENT ON *.* TO `r`@`%`", &[]), None);
        assert!(beyond_line("GRANT INSERT ON `l`.`payment` TO `r`@`%`", &[]).is_some());
    }
}
