//! What an account may do: read from `SHOW GRANTS`, and tried with statements that could change no row.

use sqlx::mysql::MySqlConnection;

use super::StoreError;
use super::error::number_of;

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

/// Who the server says we are.
pub async fn current(connection: &mut MySqlConnection) -> Result<String, StoreError> {
    Ok(sqlx::query_scalar("SELECT CURRENT_USER()").fetch_one(connection).await?)
}

/// The lines of `SHOW GRANTS`, the first of which `judge` objects to is an error: it says which part is too wide.
pub async fn judge_grants(
    connection: &mut MySqlConnection,
    judge: impl Fn(&Grant<'_>) -> Option<String>,
) -> Result<(), GrantsError> {
    let lines: Vec<String> = sqlx::query_scalar("SHOW GRANTS").fetch_all(&mut *connection).await?;
    for line in &lines {
        let too_wide = match Grant::of(line) {
            Some(grant) => judge(&grant),
            None => Some(line.strip_prefix("GRANT ").unwrap_or(line).to_owned()),
        };
        if let Some(grant) = too_wide {
            return Err(GrantsError::TooWide { account: current(connection).await?, grant });
        }
    }
    Ok(())
}

/// A line of `SHOW GRANTS` that grants privileges on an object and may not be passed on.
#[derive(Debug, PartialEq, Eq)]
pub struct Grant<'a> {
    /// Each with its columns, where it has any.
    pub privileges: Vec<&'a str>,
    /// `*.*`, a database or a table.
    pub object: &'a str,
}

impl<'a> Grant<'a> {
    /// The grant in a line; none for a role, or for what may be passed on.
    pub fn of(line: &'a str) -> Option<Self> {
        let (privileges, target) = line.strip_prefix("GRANT ")?.split_once(" ON ")?;
        let (object, grantee) = target.split_once(" TO ")?;
        if grantee.ends_with("WITH GRANT OPTION") {
            return None;
        }
        Some(Self { privileges: split(privileges), object })
    }

    /// Whether it is about the server's own tables, or those that say which migrations have run.
    pub fn is_on_the_servers_own(&self) -> bool {
        let database =
            self.object.split('.').next().unwrap_or_default().trim_matches('`').to_ascii_lowercase();
        matches!(database.as_str(), "mysql" | "sys" | "performance_schema" | "information_schema")
            || self.table().starts_with("_sqlx")
    }

    /// The table, without its database.
    pub fn table(&self) -> &'a str {
        self.object.rsplit('.').next().unwrap_or_default().trim_matches('`')
    }
}

/// Runs a statement that changes nothing; false where the account may not run it.
pub async fn may(connection: &mut MySqlConnection, text: &'static str) -> Result<bool, StoreError> {
    match sqlx::query(text).execute(connection).await {
        Ok(_) => Ok(true),
        Err(error) => match number_of(&error) {
            Some(DATABASE_DENIED | TABLE_DENIED | COLUMN_DENIED) => Ok(false),
            Some(_) | None => Err(error.into()),
        },
    }
}

/// Tries what must be refused; the second text of each pair says what it would mean.
pub async fn cannot(
    connection: &mut MySqlConnection,
    attempts: &[(&'static str, &str)],
) -> Result<(), GrantsError> {
    for (text, grant) in attempts {
        if may(connection, text).await? {
            return Err(GrantsError::TooWide {
                account: current(connection).await?,
                grant: (*grant).to_owned(),
            });
        }
    }
    Ok(())
}

/// Tries what must be allowed.
pub async fn can(
    connection: &mut MySqlConnection,
    attempts: &[(&'static str, &str)],
) -> Result<(), GrantsError> {
    for (text, grant) in attempts {
        if !may(connection, text).await? {
            return Err(GrantsError::Missing {
                account: current(connection).await?,
                grant: (*grant).to_owned(),
            });
        }
    }
    Ok(())
}

/// Cuts at the commas that do not stand within parentheses.
fn split(text: &str) -> Vec<&str> {
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
    fn a_line_is_taken_apart_and_what_may_be_passed_on_is_no_grant() {
        let grant =
            Grant::of("GRANT SELECT, INSERT (`id`, `kind`) ON `l`.`outbox_event` TO `r`@`%`").unwrap();
        assert_eq!(grant.privileges, ["SELECT", "INSERT (`id`, `kind`)"]);
        assert_eq!(grant.table(), "outbox_event");
        assert_eq!(Grant::of("GRANT `admin`@`%` TO `r`@`%`"), None);
        assert_eq!(Grant::of("GRANT ALL PRIVILEGES ON *.* TO `root`@`%` WITH GRANT OPTION"), None);
    }
}
