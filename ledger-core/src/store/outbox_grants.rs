//! The proof that the relay's account may read an outbox, put tombstones there, and do nothing else.
//!
//! Everything tried here could change no row even if it were allowed: `WHERE FALSE` throughout, and no forged row, since
//! a row that is inserted and rolled back would still use up an outbox id. What cannot be tried is read from `SHOW GRANTS`.

use sqlx::mysql::MySqlConnection;

use super::StoreError;
use super::error::number_of;
use super::outbox::OutboxName;

/// Why an account is not the one a relay should run as.
#[derive(Debug, thiserror::Error)]
pub enum RelayGrantsError {
    /// It may do more than it needs.
    #[error(
        "account {account} may {grant}, which is too wide for a relay: revoke it, or use the account made by migrations/roles.sql"
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
    /// The server did not answer.
    #[error("the grants could not be proven")]
    Store(#[from] StoreError),
}

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
pub async fn prove(connection: &mut MySqlConnection, outbox: OutboxName) -> Result<(), RelayGrantsError> {
    let account = current_account(connection).await?;
    for line in show_grants(connection).await? {
        if let Some(grant) = beyond_a_relay(&line) {
            return Err(RelayGrantsError::TooWide { account, grant });
        }
    }
    let attempts = match outbox {
        OutboxName::Main => &MAIN,
        OutboxName::Backfill => &BACKFILL,
    };
    let table = outbox.table();
    for (text, grant) in [
        (attempts.select, format!("SELECT on {table}")),
        (attempts.tombstone, format!("INSERT (id, kind) on {table}")),
    ] {
        if !allowed(connection, text).await? {
            return Err(RelayGrantsError::Missing { account, grant });
        }
    }
    for (text, grant) in [
        (attempts.event, format!("INSERT events into {table}")),
        (attempts.update, format!("UPDATE {table}")),
        (attempts.delete, format!("DELETE from {table}")),
    ] {
        if allowed(connection, text).await? {
            return Err(RelayGrantsError::TooWide { account, grant });
        }
    }
    Ok(())
}

pub(super) async fn current_account(connection: &mut MySqlConnection) -> Result<String, StoreError> {
    Ok(sqlx::query_scalar("SELECT CURRENT_USER()").fetch_one(connection).await?)
}

pub(super) async fn show_grants(connection: &mut MySqlConnection) -> Result<Vec<String>, StoreError> {
    Ok(sqlx::query_scalar("SHOW GRANTS").fetch_all(connection).await?)
}

/// Runs a statement that changes nothing; false where the account may not run it.
async fn allowed(connection: &mut MySqlConnection, text: &'static str) -> Result<bool, StoreError> {
    match sqlx::query(text).execute(connection).await {
        Ok(_) => Ok(true),
        Err(error) => match number_of(&error) {
            Some(TABLE_DENIED | COLUMN_DENIED | DATABASE_DENIED) => Ok(false),
            Some(_) | None => Err(error.into()),
        },
    }
}

const DATABASE_DENIED: u16 = 1044;
const TABLE_DENIED: u16 = 1142;
const COLUMN_DENIED: u16 = 1143;

/// The part of a `SHOW GRANTS` line that a relay has no use for.
fn beyond_a_relay(line: &str) -> Option<String> {
    let whole = || Some(line.strip_prefix("GRANT ").unwrap_or(line).to_owned());
    let Some(rest) = line.strip_prefix("GRANT ") else { return whole() };
    let Some((privileges, target)) = rest.split_once(" ON ") else { return whole() };
    let Some((object, grantee)) = target.split_once(" TO ") else { return whole() };
    if grantee.ends_with("WITH GRANT OPTION") {
        return whole();
    }
    if privileges == "USAGE" {
        return None;
    }
    let table = object.rsplit('.').next().unwrap_or_default().trim_matches('`');
    if table != OutboxName::Main.table() && table != OutboxName::Backfill.table() {
        return whole();
    }
    let wide = split_privileges(privileges).into_iter().find(|privilege| !is_a_relays(privilege))?;
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

/// Cuts at the commas that do not stand within parentheses.
pub(super) fn split_privileges(text: &str) -> Vec<&str> {
    let (mut depth, mut start, mut parts) = (0_u32, 0, Vec::new());
    for (at, letter) in text.char_indices() {
        match letter {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                parts.push(text[start..at].trim());
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(text[start..].trim());
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_grants_of_roles_sql_are_narrow_enough() {
        for line in [
            "GRANT USAGE ON *.* TO `ledger_relay`@`%`",
            "GRANT SELECT, INSERT (`id`, `kind`) ON `ledger`.`outbox_event` TO `ledger_relay`@`%`",
            "GRANT INSERT (`kind`, `id`), SELECT ON `ledger`.`outbox_backfill` TO `ledger_relay`@`%`",
        ] {
            assert_eq!(beyond_a_relay(line), None, "{line}");
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
            ("GRANT SELECT ON `l`.`payment` TO `r`@`%`", "SELECT ON `l`.`payment` TO `r`@`%`"),
            ("GRANT SELECT ON `l`.* TO `r`@`%`", "SELECT ON `l`.* TO `r`@`%`"),
            (
                "GRANT ALL PRIVILEGES ON *.* TO `root`@`localhost` WITH GRANT OPTION",
                "ALL PRIVILEGES ON *.* TO `root`@`localhost` WITH GRANT OPTION",
            ),
            ("GRANT `admin`@`%` TO `r`@`%`", "`admin`@`%` TO `r`@`%`"),
        ] {
            assert_eq!(beyond_a_relay(line).as_deref(), Some(named), "{line}");
        }
    }
}
