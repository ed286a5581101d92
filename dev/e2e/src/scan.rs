//! A look for card numbers in whatever was left behind: every text and blob of every table, every record of the topics, every
//! log (I16). It shares no line with the guards that it checks.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context as _, Result};
use sqlx::AssertSqlSafe;
use sqlx::mysql::MySqlPool;

use crate::consumer::Record;

/// A text that was left behind, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Left {
    /// Table and column, topic and offset, or file and line.
    pub place: String,
    /// What stands there.
    pub text: String,
}

/// A card number that was found.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Hit {
    /// Where.
    pub place: String,
    /// Its digits.
    pub digits: String,
}

/// Every value of every text and blob column of a schema.
pub async fn tables(pool: &MySqlPool, schema: &str) -> Result<Vec<Left>> {
    let columns: Vec<(String, String)> = sqlx::query_as(
        "SELECT CAST(c.table_name AS CHAR), CAST(c.column_name AS CHAR) FROM information_schema.columns AS c \
         JOIN information_schema.tables AS t ON t.table_schema = c.table_schema AND t.table_name = c.table_name \
         WHERE c.table_schema = ? AND t.table_type = 'BASE TABLE' AND c.data_type IN ('char', 'varchar', 'tinytext', \
         'text', 'mediumtext', 'longtext', 'json', 'tinyblob', 'blob', 'mediumblob', 'longblob')",
    )
    .bind(schema)
    .fetch_all(pool)
    .await?;
    let mut left = Vec::new();
    for (table, column) in columns {
        let select = format!(
            "SELECT CAST(CAST(`{column}` AS CHAR) AS BINARY) FROM `{schema}`.`{table}` WHERE `{column}` IS NOT NULL"
        );
        let values: Vec<Option<Vec<u8>>> =
            sqlx::query_scalar(AssertSqlSafe(select)).fetch_all(pool).await.with_context(|| table.clone())?;
        left.extend(values.into_iter().flatten().map(|bytes| Left {
            place: format!("{table}.{column}"),
            text: String::from_utf8_lossy(&bytes).into_owned(),
        }));
    }
    Ok(left)
}

/// Keys, headers and bodies of records.
pub fn records(records: &[Record]) -> Vec<Left> {
    records
        .iter()
        .flat_map(|record| {
            let place = format!("{} {}/{}", record.topic, record.partition, record.offset);
            let headers = record.headers.iter().map(|(name, value)| format!("{name}: {value}"));
            let texts =
                headers.chain([record.key.clone(), String::from_utf8_lossy(&record.body).into_owned()]);
            texts.map(|text| Left { place: place.clone(), text }).collect::<Vec<_>>()
        })
        .collect()
}

/// Lines of the files in a folder whose names end so.
pub fn files(dir: &Path, ends: &str) -> Result<Vec<Left>> {
    let mut left = Vec::new();
    for entry in std::fs::read_dir(dir)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if !path.is_file() || !name.ends_with(ends) {
            continue;
        }
        let bytes = std::fs::read(&path).with_context(|| name.clone())?;
        left.extend(String::from_utf8_lossy(&bytes).lines().zip(1..).map(|(line, number): (&str, u32)| {
            Left { place: format!("{name}:{number}"), text: line.to_owned() }
        }));
    }
    Ok(left)
}

/// Where one of these very numbers stands, whatever lies between its digits.
pub fn exact(left: &[Left], numbers: &BTreeSet<String>) -> BTreeSet<Hit> {
    let mut hits = BTreeSet::new();
    for Left { place, text } in left {
        let digits: String = text.chars().filter_map(ascii_digit).collect();
        if digits.len() < 13 {
            continue;
        }
        for number in numbers.iter().filter(|number| digits.contains(number.as_str())) {
            hits.insert(Hit { place: place.clone(), digits: number.clone() });
        }
    }
    hits
}

/// Whatever has 13 to 19 digits, alone or in groups, and passes the Luhn check. Not looked at, since one in ten numbers of that
/// length passes by chance:
/// - UUIDs, and words of 16 and more hexadecimal digits with a letter among them (digests, key ids, trace ids);
/// - numbers of JSON, which are amounts and counts;
/// - groups that begin with a day of this century (order numbers, times).
pub fn any(left: &[Left]) -> BTreeSet<Hit> {
    let mut hits = BTreeSet::new();
    for Left { place, text } in left {
        for groups in digit_groups(&without_exempt(text)) {
            for from in 0..groups.len() {
                let mut digits = String::new();
                for group in &groups[from..] {
                    digits.push_str(group);
                    if (13..=19).contains(&digits.len()) && passes_luhn(&digits) {
                        hits.insert(Hit { place: place.clone(), digits: digits.clone() });
                    }
                }
            }
        }
    }
    hits
}

/// Digits of other scripts are written as ours.
fn ascii_digit(c: char) -> Option<char> {
    let wide = u32::from(c).checked_sub(u32::from('０')).filter(|above| *above < 10);
    c.to_digit(10).or(wide).and_then(|digit| char::from_digit(digit, 10))
}

fn without_exempt(text: &str) -> String {
    let mut kept = String::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let is_word = |c: char| c.is_ascii_alphanumeric() || c == '-';
        let length = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
        if length == 0 {
            kept.push(ascii_digit(first).unwrap_or(first));
            rest = &rest[first.len_utf8()..];
            continue;
        }
        let (word, after) = rest.split_at(length);
        let before_is_colon = kept.ends_with(':') || kept.ends_with(": ");
        let number_of_json =
            before_is_colon && word.bytes().all(|b| b.is_ascii_digit()) && after.starts_with([',', '}', ']']);
        let exempt = number_of_json || word.split('-').all(is_hex_id) || is_uuid(word) || is_of_a_day(word);
        kept.push_str(if exempt { "x" } else { word });
        rest = after;
    }
    kept
}

fn is_hex_id(part: &str) -> bool {
    let letters = part.bytes().filter(u8::is_ascii_alphabetic).count();
    part.len() >= 16 && part.bytes().all(|b| b.is_ascii_hexdigit()) && letters > 0
}

fn is_uuid(word: &str) -> bool {
    let parts: Vec<_> = word.split('-').collect();
    let five = parts.get(..5).unwrap_or_default();
    five.iter().map(|part| part.len()).eq([8, 4, 4, 4, 12])
        && five.iter().all(|part| part.bytes().all(|b| b.is_ascii_hexdigit()))
        && five.iter().any(|part| part.bytes().any(|b| b.is_ascii_alphabetic()))
}

fn is_of_a_day(word: &str) -> bool {
    let digits: String = word.chars().filter(char::is_ascii_digit).take(8).collect();
    digits.len() == 8
        && digits.starts_with("20")
        && chrono::NaiveDate::parse_from_str(&digits, "%Y%m%d").is_ok()
}

/// Groups of digits with at most three of blank, dash, point, stroke or underscore between them.
fn digit_groups(text: &str) -> Vec<Vec<String>> {
    let (mut runs, mut groups, mut group, mut between) = (Vec::new(), Vec::new(), String::new(), 0);
    for c in text.chars().chain(['!']) {
        if c.is_ascii_digit() {
            group.push(c);
            between = 0;
            continue;
        }
        if !group.is_empty() {
            groups.push(std::mem::take(&mut group));
        }
        between += 1;
        if !matches!(c, ' ' | '-' | '.' | '/' | '_' | '\u{a0}' | '\u{200b}') || between > 3 {
            runs.push(std::mem::take(&mut groups));
        }
    }
    runs
}

fn passes_luhn(digits: &str) -> bool {
    let sum: u32 = digits
        .chars()
        .rev()
        .filter_map(|c| c.to_digit(10))
        .enumerate()
        .map(|(place, digit)| if place % 2 == 0 { digit } else { digit * 2 / 10 + digit * 2 % 10 })
        .sum();
    sum.is_multiple_of(10)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> usize {
        any(&[Left { place: "here".to_owned(), text: text.to_owned() }]).len()
    }

    #[test]
    fn a_card_number_is_found_in_any_dress_and_a_chance_run_is_not_taken_for_one() {
        for text in [
            "4111111111111111",
            "x4111-1111-1111-1111y",
            "4111.1111 1111_1111",
            "{\"reason\":\"4111111111111111\"}",
            "card４１１１１１１１１１１１１１１１",
        ] {
            assert_eq!(found(text), 1, "{text}");
        }
        for text in [
            "4111111111111112",
            "01a20cb4-65e2-8c62-b8bc-97df58b150b7",
            "{\"totalAmount\":411111111111111111,\"x\":1}",
            "aa4111111111111111bb",
            "20261124123000000001",
        ] {
            assert_eq!(found(text), 0, "{text}");
        }
    }
}
