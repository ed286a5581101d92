//! The proof that the relay's account may read an outbox, put tombstones there, and do nothing else.
//!
//! Everything tried here could change no row even if it were allowed: `WHERE FALSE` throughout, and no forged row, since
//! a row that is inserted and rolled back would still use up an outbox id. What cannot be tried is read from `SHOW GRANTS`.

use sqlx::mysql::MySqlConnection;

use super::account::{self, Grant, GrantsError};
use super::outbox::OutboxName;

struct Attempts {
    select: &'static str,
    tombstone: &'static str,
    event: &'static str,
    update: &'static str,
    delete: &'static str,
}

macro_rules! attempts {
    ($table:literal) => {
        Attempts {
            select: concat!("SELECT id FROM ", $table, " WHERE FALSE"),
            tombstone: concat!(
                "INSERT INTO ",
                $table,
                " (id, kind) SELECT id, kind FROM ",
                $table,
                " WHERE FALSE"
            ),
            event: concat!(
                "INSERT INTO ",
                $table,
                " (id, kind, payment_id, seq, ordinal, topic, type, occurred_at, body, row_hash)",
                " SELECT id, kind, payment_id, seq, ordinal, topic, type, occurred_at, body, row_hash FROM ",
                $table,
                " WHERE FALSE"
            ),
            update: concat!("UPDATE ", $table, " SET kind = kind WHERE FALSE"),
            delete: concat!("DELETE FROM ", $table, " WHERE FALSE"),
        }
    };
}

const MAIN: Attempts = attempts!("outbox_event");
const BACKFILL: Attempts = attempts!("outbox_backfill");

/// Tries what a relay needs and what it must not be able to do, then reads the account's grants.
pub async fn prove(connection: &mut MySqlConnection, outbox: OutboxName) -> Result<(), GrantsError> {
    account::judge_grants(connection, beyond_a_relay).await?;
    let attempts = match outbox {
        OutboxName::Main => &MAIN,
        OutboxName::Backfill => &BACKFILL,
    };
    let table = outbox.table();
    let (read, seal) = (format!("SELECT on {table}"), format!("INSERT (id, kind) on {table}"));
    account::can(connection, &[(attempts.select, &read), (attempts.tombstone, &seal)]).await?;
    let (event, update, delete) =
        (format!("INSERT events into {table}"), format!("UPDATE {table}"), format!("DELETE from {table}"));
    account::cannot(
        connection,
        &[(attempts.event, &event), (attempts.update, &update), (attempts.delete, &delete)],
    )
    .await
}

/// The part of a grant that a relay has no use for.
fn beyond_a_relay(grant: &Grant<'_>) -> Option<String> {
    if grant.privileges == ["USAGE"] {
        return None;
    }
    let table = grant.table();
    if table != OutboxName::Main.table() && table != OutboxName::Backfill.table() {
        return Some(format!("{} on {}", grant.privileges.join(", "), grant.object));
    }
    let wide = grant.privileges.iter().find(|privilege| !is_a_relays(privilege))?;
    Some(format!("{wide} on {table}"))
}

fn is_a_relays(privilege: &str) -> bool {
    if privilege == "SELECT" || privilege.starts_with("SELECT (") {
        return true;
    }
    let Some(columns) = privilege.strip_prefix("INSERT (").and_then(|rest| rest.strip_suffix(')')) else {
        return false;
    };
    columns.split(',').all(|column| matches!(column.trim().trim_matches('`'), "id" | "kind"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn beyond(line: &str) -> Option<String> {
        Grant::of(line).map_or_else(|| Some(line.to_owned()), |grant| beyond_a_relay(&grant))
    }

    #[test]
    fn the_grants_of_roles_sql_are_narrow_enough() {
        for line in [
            "GRANT USAGE ON *.* TO `ledger_relay`@`%`",
            "GRANT SELECT, INSERT (`id`, `kind`) ON `ledger`.`outbox_event` TO `ledger_relay`@`%`",
            "GRANT INSERT (`kind`, `id`), SELECT ON `ledger`.`outbox_backfill` TO `ledger_relay`@`%`",
        ] {
            assert_eq!(beyond(line), None, "{line}");
        }
    }

    #[test]
    fn every_wider_grant_is_named() {
        for (line, named) in [
            ("GRANT SELECT, INSERT ON `l`.`outbox_event` TO `r`@`%`", "INSERT on outbox_event"),
            (
                "GRANT SELECT, INSERT (`id`, `body`) ON `l`.`outbox_event` TO `r`@`%`",
                "INSERT (`id`, `body`) on outbox_event",
            ),
            ("GRANT SELECT, DROP ON `l`.`outbox_event` TO `r`@`%`", "DROP on outbox_event"),
            ("GRANT SELECT ON `l`.`payment` TO `r`@`%`", "SELECT on `l`.`payment`"),
            ("GRANT SELECT ON `l`.* TO `r`@`%`", "SELECT on `l`.*"),
        ] {
            assert_eq!(beyond(line).as_deref(), Some(named), "{line}");
        }
    }
}
