//! Reading a legacy database: keys by keyset, the rows of given keys in one snapshot. Nothing is ever written there.

use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr as _;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::mysql::{MySqlConnectOptions, MySqlConnection, MySqlPool, MySqlPoolOptions, MySqlRow};
use sqlx::{
    AssertSqlSafe, Column as _, ConnectOptions as _, Executor as _, Row as _, SqlSafeStr as _, Statement as _,
};

use crate::mapping::record::Record;
use crate::mapping::row::{RawColumn, SafeRow};
use crate::mapping::statement::{Param, Statement};
use crate::mapping::{Aggregate, Mapping, Table};

/// Keys of one changed-since SELECT at most; a window with more is halved.
const WINDOW_KEYS: u32 = 20_000;

/// All rows of one payment, parsed.
#[derive(Debug)]
pub struct Rows<'a> {
    /// The payment's key.
    pub key: String,
    /// Header first.
    pub records: Vec<Record<'a>>,
}

/// Why a legacy database cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// It does not answer.
    #[error("the legacy database is not available")]
    Unavailable(#[source] sqlx::Error),
    /// A SELECT of the mapping does not fit the tables.
    #[error("{what} of the mapping does not fit the legacy database")]
    Select {
        /// Which SELECT.
        what: String,
        /// What MySQL says of it.
        #[source]
        source: sqlx::Error,
    },
}

/// A legacy database, opened to be read.
#[derive(Debug, Clone)]
pub struct LegacyReader {
    pool: MySqlPool,
}

/// Values for the parameters of a mapping's SELECT.
#[derive(Default)]
struct Values<'a> {
    after: &'a str,
    keys: String,
    from: String,
    to: String,
    limit: u32,
    slice: u32,
    slices: u32,
}

impl LegacyReader {
    /// Opens `url`.
    pub async fn open(url: &str) -> Result<Self, SourceError> {
        let options =
            MySqlConnectOptions::from_str(url).map_err(SourceError::Unavailable)?.disable_statement_logging();
        let pool = MySqlPoolOptions::new()
            .max_connections(4)
            .acquire_timeout(Duration::from_secs(5))
            .connect_with(options)
            .await
            .map_err(SourceError::Unavailable)?;
        Ok(Self { pool })
    }

    /// The pool, for questions about the server itself.
    pub const fn pool(&self) -> &MySqlPool {
        &self.pool
    }

    /// The next keys after `after`, in order.
    pub async fn keys_after(
        &self,
        aggregate: &Aggregate,
        after: &str,
        limit: u32,
    ) -> Result<Vec<String>, SourceError> {
        let values = Values { after, limit, ..Values::default() };
        self.keys(&aggregate.keys, &format!("keys of {}", aggregate.name), &values).await
    }

    /// The keys of which a row of `table` changed in `[from, to)`; none where the table has no change column.
    pub async fn changed(
        &self,
        mapping: &Mapping,
        table: &Table,
        from: DateTime<Utc>,
        to: DateTime<Utc>,
    ) -> Result<BTreeSet<String>, SourceError> {
        let Some(statement) = &table.changed else { return Ok(BTreeSet::new()) };
        let what = format!("changes of {}", table.spec.name);
        let wall =
            |at: DateTime<Utc>| at.with_timezone(&mapping.offset).format("%Y-%m-%d %H:%M:%S").to_string();
        let mut open = vec![(from, to)];
        let mut found = BTreeSet::new();
        while let Some((from, to)) = open.pop() {
            let half = (to - from) / 2;
            let whole = half < TimeDelta::seconds(1);
            let limit = if whole { u32::MAX } else { WINDOW_KEYS };
            let values = Values { from: wall(from), to: wall(to), limit, ..Values::default() };
            let keys = self.keys(statement, &what, &values).await?;
            if !whole && u32::try_from(keys.len()).is_ok_and(|count| count >= WINDOW_KEYS) {
                open.extend([(from, from + half), (from + half, to)]);
            } else {
                found.extend(keys);
            }
        }
        Ok(found)
    }

    /// One slice of the keys of a table without a change column.
    pub async fn rolling(&self, table: &Table, slice: u32, slices: u32) -> Result<Vec<String>, SourceError> {
        let Some(statement) = &table.rolling else { return Ok(Vec::new()) };
        let values = Values { slice, slices, ..Values::default() };
        self.keys(statement, &format!("slice of {}", table.spec.name), &values).await
    }

    /// All rows of these keys, in one snapshot, parsed; a key without rows is left out.
    pub async fn fetch<'a>(
        &self,
        mapping: &Mapping,
        aggregate: &'a Aggregate,
        keys: &BTreeSet<String>,
    ) -> Result<Vec<Rows<'a>>, SourceError> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let list: Vec<&str> = keys.iter().map(String::as_str).collect();
        let values = Values { keys: serde_json::to_string(&list).unwrap_or_default(), ..Values::default() };
        let mut snapshot = self
            .pool
            .begin_with("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")
            .await
            .map_err(SourceError::Unavailable)?;
        let mut found: BTreeMap<String, Vec<Record<'a>>> = BTreeMap::new();
        for table in &aggregate.tables {
            let what = format!("rows of {}", table.spec.name);
            for row in run(&mut snapshot, &table.select, &what, &values).await? {
                let row = SafeRow::new(table, columns(&row, &what)?);
                let key = row.key(table);
                found.entry(key).or_default().push(Record::read(mapping, aggregate, table, row));
            }
        }
        snapshot.rollback().await.map_err(SourceError::Unavailable)?;
        Ok(found.into_iter().map(|(key, records)| Rows { key, records }).collect())
    }

    /// What the account may do beyond reading.
    pub async fn wide_grants(&self) -> Result<Vec<String>, SourceError> {
        let lines: Vec<String> = sqlx::query_scalar("SHOW GRANTS")
            .fetch_all(&self.pool)
            .await
            .map_err(SourceError::Unavailable)?;
        let privileges = |line: &str| {
            let rest = line.strip_prefix("GRANT ").unwrap_or(line);
            rest.split_once(" ON ").map_or(rest, |(privileges, _)| privileges).to_owned()
        };
        let known = ["USAGE", "SELECT", "SHOW VIEW", "REPLICATION CLIENT"];
        Ok(lines
            .iter()
            .flat_map(|line| privileges(line).split(", ").map(str::to_owned).collect::<Vec<_>>())
            .filter(|privilege| !known.contains(&privilege.as_str()))
            .collect())
    }

    /// Runs the SELECTs of a table on nothing, and returns the columns of its rows.
    pub async fn probe(&self, mapping: &Mapping, table: &Table) -> Result<Vec<String>, SourceError> {
        let now = DateTime::UNIX_EPOCH;
        self.changed(mapping, table, now, now).await?;
        self.rolling(table, 0, u32::MAX).await?;
        let what = format!("rows of {}", table.spec.name);
        let text = AssertSqlSafe(table.select.sql().to_owned());
        let described =
            self.pool.prepare(text.into_sql_str()).await.map_err(|source| select(&what, source))?;
        Ok(described.columns().iter().map(|column| column.name().to_owned()).collect())
    }

    async fn keys(
        &self,
        statement: &Statement,
        what: &str,
        values: &Values<'_>,
    ) -> Result<Vec<String>, SourceError> {
        let mut connection = self.pool.acquire().await.map_err(SourceError::Unavailable)?;
        let rows = run(&mut connection, statement, what, values).await?;
        rows.iter()
            .map(|row| {
                let key: Vec<u8> = row.try_get(0).map_err(|source| select(what, source))?;
                Ok(String::from_utf8_lossy(&key).trim_end_matches(' ').to_owned())
            })
            .collect()
    }
}

async fn run(
    connection: &mut MySqlConnection,
    statement: &Statement,
    what: &str,
    values: &Values<'_>,
) -> Result<Vec<MySqlRow>, SourceError> {
    let mut query = sqlx::query(AssertSqlSafe(statement.sql().to_owned()));
    for param in statement.params() {
        query = match param {
            Param::After => query.bind(values.after.to_owned()),
            Param::From => query.bind(values.from.clone()),
            Param::Keys => query.bind(values.keys.clone()),
            Param::Limit => query.bind(values.limit),
            Param::Slice => query.bind(values.slice),
            Param::Slices => query.bind(values.slices),
            Param::To => query.bind(values.to.clone()),
        };
    }
    query.fetch_all(connection).await.map_err(|source| {
        if source.as_database_error().is_some() {
            select(what, source)
        } else {
            SourceError::Unavailable(source)
        }
    })
}

fn select(what: &str, source: sqlx::Error) -> SourceError {
    SourceError::Select { what: what.to_owned(), source }
}

/// The columns as bytes, which is how every SELECT of a mapping returns them.
fn columns(row: &MySqlRow, what: &str) -> Result<Vec<RawColumn>, SourceError> {
    row.columns()
        .iter()
        .map(|column| {
            let value = row.try_get(column.ordinal()).map_err(|source| select(what, source))?;
            Ok((column.name().to_owned(), value))
        })
        .collect()
}
