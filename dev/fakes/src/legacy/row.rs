//! Rows on their way into a table, and how old programs spelled amounts and times.

use anyhow::Result;
use chrono::{NaiveDateTime, TimeDelta};
use rand::RngExt as _;
use rand::rngs::StdRng;
use sqlx::mysql::{MySqlConnection, MySqlPool};
use sqlx::{AssertSqlSafe, MySql, QueryBuilder};

/// Rows of one INSERT at most.
const BATCH: usize = 500;

/// One value as bytes: the columns are single-byte text and numbers, MySQL converts.
pub(super) type Value = Option<Vec<u8>>;

/// One row of a table.
#[derive(Debug, Clone)]
pub(super) struct Row {
    pub table: &'static str,
    pub values: Vec<Value>,
}

/// The columns of a table, in the order of a row's values.
pub(super) fn columns(table: &str) -> &'static str {
    match table {
        "TB_PAY_MST" => "TID, MID, OID, PAY_TP, AMT, STAT, ETC1, DEL_YN, REG_DT, CHG_DTM",
        "TB_CARD_APPR" => "TID, APPR_NO, AMT, APPR_DT, APPR_TM, CARD_CD, CARD_NO, QUOTA, VAT, STAT",
        "TB_CARD_CNCL" => "TID, CNCL_DT, CNCL_TM, CNCL_AMT, CNCL_RSN",
        "TB_CARD_PART_CNCL" => "TID, SEQ, CNCL_AMT, RMN_AMT, CNCL_DT, CNCL_TM, CNCL_RSN",
        "TB_ACNT_TRAN" => "TR_NO, MID, OID, AMT, BANK_CD, TR_DTM, HOLDER, DEL_YN, CHG_DTM",
        "REFUND" => "RFND_NO, ORG_TR_NO, RFND_AMT, RFND_DTM, RFND_TP",
        _ => "",
    }
}

#[expect(clippy::unnecessary_wraps, reason = "a value of a row may be NULL")]
pub(super) fn text(value: impl AsRef<str>) -> Value {
    Some(value.as_ref().as_bytes().to_vec())
}

/// Korean text as old programs passed it through: CP949 bytes.
#[expect(clippy::unnecessary_wraps, reason = "a value of a row may be NULL")]
pub(super) fn korean(value: &str) -> Value {
    Some(encoding_rs::EUC_KR.encode(value).0.into_owned())
}

/// `yyyyMMdd`.
pub(super) fn day(at: NaiveDateTime) -> Value {
    text(at.format("%Y%m%d").to_string())
}

/// `HHmmss`.
pub(super) fn time(at: NaiveDateTime) -> Value {
    text(at.format("%H%M%S").to_string())
}

/// A DATETIME column.
pub(super) fn datetime(at: NaiveDateTime) -> Value {
    text(at.format("%Y-%m-%d %H:%M:%S").to_string())
}

/// An amount in one of the spellings that text columns hold.
pub(super) fn amount(rng: &mut StdRng, amount: i64) -> Value {
    text(match rng.random_range(0..5) {
        0 => amount.to_string(),
        1 => format!(" {amount}"),
        2 => grouped(amount),
        3 => format!("{amount}.00"),
        _ => format!("{amount:012}"),
    })
}

fn grouped(amount: i64) -> String {
    let digits = amount.to_string();
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A card number that passes the Luhn check; of nobody.
pub(super) fn card_number(rng: &mut StdRng) -> String {
    let mut digits: Vec<u32> = vec![4, 1, 1, 1, 1, 1];
    digits.extend((0..9).map(|_| rng.random_range(0..10)));
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(index, digit)| if index % 2 == 0 { digit * 2 / 10 + digit * 2 % 10 } else { *digit })
        .sum();
    digits.push((10 - sum % 10) % 10);
    digits.into_iter().filter_map(|digit| char::from_digit(digit, 10)).collect()
}

/// A moment some minutes to days later.
pub(super) fn later(rng: &mut StdRng, at: NaiveDateTime) -> NaiveDateTime {
    at + TimeDelta::minutes(rng.random_range(5..4_000))
}

/// Inserts rows table by table, in statements of up to 500 rows.
pub(super) async fn insert(pool: &MySqlPool, rows: &[Row]) -> Result<()> {
    let mut by_table: std::collections::BTreeMap<&str, Vec<&Row>> = std::collections::BTreeMap::new();
    for row in rows {
        by_table.entry(row.table).or_default().push(row);
    }
    let mut connection = pool.acquire().await?;
    for (table, rows) in by_table {
        for batch in rows.chunks(BATCH) {
            insert_batch(&mut connection, table, batch).await?;
        }
    }
    Ok(())
}

/// Inserts rows of one table in one statement.
pub(super) async fn insert_batch(connection: &mut MySqlConnection, table: &str, rows: &[&Row]) -> Result<()> {
    let columns = columns(table);
    let mut query: QueryBuilder<MySql> = QueryBuilder::new(format!("INSERT INTO {table} ({columns}) "));
    query.push_values(rows, |mut tuple, row| {
        for value in &row.values {
            tuple.push_bind(value.clone());
        }
    });
    query.build().persistent(false).execute(connection).await?;
    Ok(())
}

/// Runs one statement with values in place.
pub(super) async fn execute(connection: &mut MySqlConnection, sql: String, values: Vec<Value>) -> Result<()> {
    let mut query = sqlx::query(AssertSqlSafe(sql));
    for value in values {
        query = query.bind(value);
    }
    query.execute(connection).await?;
    Ok(())
}
