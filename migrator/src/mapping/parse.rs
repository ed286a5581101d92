//! Strict parsers of single values: bytes as the legacy table holds them in, a canonical value or a reason out. Nothing
//! here panics, guesses or rounds.

use chrono::{
    DateTime, Datelike as _, FixedOffset, NaiveDate, NaiveDateTime, TimeZone as _, Timelike as _, Utc,
};
use ledger_core::money::MAX_AMOUNT;
use ledger_core::time::to_micros;

use super::reason::{Reason, Reject};

/// What a negative amount means in its column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sign {
    /// It does not belong there.
    #[default]
    Positive,
    /// The column holds magnitudes, some teams wrote them with a minus.
    Either,
}

/// Which bytes a text column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Charset {
    /// Printable ASCII.
    #[default]
    Ascii,
    /// Korean text passed through a single-byte column.
    Cp949,
}

/// chrono counts on from here within a leap second.
const NANOS_PER_SECOND: u32 = 1_000_000_000;

/// The days a legacy row can be of; what lies outside is a placeholder.
const YEARS: std::ops::Range<i32> = 1990..2100;

/// An amount without a minor unit, written as text: leading zeros, surrounding blanks, thousands separators and a
/// fraction of zeros are habits; anything else is not an amount.
pub fn amount(text: &str, sign: Sign, zero: bool) -> Result<i64, Reject> {
    let trimmed = text.trim_matches(' ');
    let (negative, digits) = match trimmed.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, trimmed),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let whole =
        ungroup(whole).ok_or_else(|| Reject::new(Reason::AmountText, "is no whole number in digits"))?;
    if fraction.is_empty() || !fraction.bytes().all(|b| b.is_ascii_digit()) {
        return Err(Reject::new(Reason::AmountText, "is no whole number in digits"));
    }
    if fraction.bytes().any(|b| b != b'0') {
        return Err(Reject::new(
            Reason::AmountFraction,
            "has a fraction, and its currency has no minor unit",
        ));
    }
    let value: i64 = whole
        .parse()
        .ok()
        .filter(|value| *value <= MAX_AMOUNT)
        .ok_or_else(|| Reject::new(Reason::AmountRange, "is larger than any amount can be"))?;
    if negative && sign == Sign::Positive {
        return Err(Reject::new(Reason::AmountSign, "is negative where only positive amounts belong"));
    }
    if value == 0 && !zero {
        return Err(Reject::new(Reason::AmountRange, "is zero"));
    }
    Ok(value)
}

/// Digits without their separators, when those stand before every third digit from the right.
fn ungroup(text: &str) -> Option<String> {
    let mut groups = text.split(',');
    let first = groups.next()?;
    let mut digits = first.to_owned();
    let mut grouped = false;
    for group in groups {
        if group.len() != 3 {
            return None;
        }
        grouped = true;
        digits.push_str(group);
    }
    let plausible =
        !first.is_empty() && (!grouped || first.len() <= 3) && digits.bytes().all(|b| b.is_ascii_digit());
    plausible.then_some(digits)
}

/// A wall-clock time in the format of its columns, at the mapping's offset.
pub fn instant(text: &str, format: &str, offset: FixedOffset) -> Result<DateTime<Utc>, Reject> {
    let day_or_time = || Reject::new(Reason::DateText, "is no day and time on the calendar");
    let text = text.trim_end_matches(' ');
    let local = NaiveDateTime::parse_from_str(text, format).map_err(|_| day_or_time())?;
    // chrono reads a second of 60 as a leap second, and shorter fields than the format asks for: only what is written
    // back as it was read is taken.
    if local.format(format).to_string() != text || local.nanosecond() >= NANOS_PER_SECOND {
        return Err(day_or_time());
    }
    if !YEARS.contains(&local.year()) {
        return Err(Reject::new(Reason::DateSentinel, "is a placeholder, not a day"));
    }
    let at = offset.from_local_datetime(&local).single().ok_or_else(day_or_time)?;
    Ok(to_micros(at.with_timezone(&Utc)))
}

/// Text in its charset, blank padding removed, at most `max` characters. `cut` says that old writers cut text after a
/// number of bytes, so that half a character at the very end is dropped.
pub fn text(bytes: &[u8], charset: Charset, max: usize, cut: bool) -> Result<String, Reject> {
    let decoded = match charset {
        Charset::Ascii => ascii(bytes)?,
        Charset::Cp949 => cp949(bytes, cut)?,
    };
    let trimmed = decoded.trim_end_matches(' ');
    if trimmed.chars().count() > max {
        return Err(Reject::new(Reason::TextLength, format!("is longer than {max} characters")));
    }
    if trimmed.chars().any(char::is_control) {
        return Err(Reject::new(Reason::Charset, "holds control characters"));
    }
    Ok(trimmed.to_owned())
}

fn ascii(bytes: &[u8]) -> Result<String, Reject> {
    if !bytes.is_ascii() {
        return Err(Reject::new(Reason::Charset, "holds bytes that are not ASCII"));
    }
    Ok(bytes.iter().copied().map(char::from).collect())
}

fn cp949(bytes: &[u8], cut: bool) -> Result<String, Reject> {
    let decode = |bytes| encoding_rs::EUC_KR.decode_without_bom_handling_and_without_replacement(bytes);
    if let Some(text) = decode(bytes) {
        return Ok(text.into_owned());
    }
    match bytes.split_last() {
        Some((last, rest)) if cut && !last.is_ascii() => decode(rest).map(std::borrow::Cow::into_owned),
        Some(_) | None => None,
    }
    .ok_or_else(|| Reject::new(Reason::Charset, "holds bytes that are no CP949 text"))
}

/// A small number such as instalments.
pub fn count(text: &str, max: u8) -> Result<u8, Reject> {
    let text = text.trim_matches(' ');
    let valid = !text.is_empty() && text.len() <= 3 && text.bytes().all(|b| b.is_ascii_digit());
    text.parse()
        .ok()
        .filter(|value| valid && *value <= max)
        .ok_or_else(|| Reject::new(Reason::NumberText, format!("is no number from 0 to {max}")))
}

/// A code as its map knows it; `fold` takes lower case and full-width digits for what they look like.
pub fn code(text: &str, fold: bool) -> String {
    let text = text.trim_end_matches(' ');
    if !fold {
        return text.to_owned();
    }
    text.chars().map(|c| half_width(c).to_ascii_uppercase()).collect()
}

fn half_width(c: char) -> char {
    match u32::from(c) {
        wide @ 0xFF01..=0xFF5E => char::from_u32(wide - 0xFEE0).unwrap_or(c),
        _ => c,
    }
}

/// Day of an instant where the mapping's clock hangs.
pub fn local_day(at: DateTime<Utc>, offset: FixedOffset) -> NaiveDate {
    at.with_timezone(&offset).date_naive()
}

#[cfg(test)]
mod tests;
