//! Card numbers are never taken in: any text of a request or of an issuer's answer that holds one is refused before it can
//! reach a stored field.
//!
//! What looks like one is 13 to 19 digits, blanks and dashes aside, that pass the Luhn check. One in ten numbers of that
//! length passes it by chance; so what callers put into orders and keys every day is told apart first: UUIDs and digests
//! in hexadecimal, digits that begin with a date, and epoch times; and what begins as no card does.
//!
//! The verifier looks for the same in every table by SQL that is made from the lists here (I16); one table of texts,
//! `tests/card_numbers.json`, tries both.

use std::ops::RangeInclusive;

/// How many digits a card number has.
const LENGTHS: RangeInclusive<usize> = 13..=19;

/// How a card number begins, as a regular expression over its digits (ISO/IEC 7812): Mastercard, Diners, Visa, Maestro, China UnionPay
/// and other banks from 2 to 6, national schemes 9, RuPay 81 and 82, China UnionPay 81, and the first JCB cards 1800. None begins with
/// 0 or 7, and 1 and 8 are otherwise serial numbers.
pub const BEGINNINGS: &str = "(?:[2-69]|8[12]|1800[0-9]{11}$)";

/// Whether `text` holds a card number. Groups of digits are looked at alone and together, so that neither a number in
/// front nor a separator hides one.
pub fn is_in(text: &str) -> bool {
    let mut run = vec![Vec::new()];
    for c in without_ids(text).chars() {
        if let Some(digit) = digit(c) {
            if let Some(group) = run.last_mut() {
                group.push(digit);
            }
        } else if is_separator(c) {
            run.push(Vec::new());
        } else if is_in_run(&run) {
            return true;
        } else {
            run = vec![Vec::new()];
        }
    }
    is_in_run(&run)
}

type Group = Vec<u8>;

/// Where the ten digits of a script begin: ASCII and full-width first, then others, and the fonts of mathematics, ten after ten.
pub const ZEROS: [char; 24] = [
    '0', '０', '٠', '۰', '߀', '०', '০', '੦', '૦', '୦', '௦', '౦', '೦', '൦', '๐', '໐', '༠', '၀', '០', '𝟎', '𝟘',
    '𝟢', '𝟬', '𝟶',
];

/// What may stand between the digits of a card number: blanks, dashes, points, strokes, and what is not seen.
pub const SEPARATORS: [RangeInclusive<char>; 25] = [
    '\t'..='\r',
    ' '..=' ',
    '-'..='/',
    '_'..='_',
    '\u{85}'..='\u{85}',
    '\u{a0}'..='\u{a0}',
    '\u{ad}'..='\u{ad}',
    '·'..='·',
    '\u{1680}'..='\u{1680}',
    '\u{2000}'..='\u{200a}',
    '\u{200b}'..='\u{200f}',
    '‐'..='—',
    '•'..='•',
    '\u{2028}'..='\u{2029}',
    '\u{202f}'..='\u{202f}',
    '\u{205f}'..='\u{205f}',
    '\u{2060}'..='\u{2060}',
    '−'..='−',
    '\u{3000}'..='\u{3000}',
    '\u{fe58}'..='\u{fe58}',
    '\u{fe63}'..='\u{fe63}',
    '\u{feff}'..='\u{feff}',
    '－'..='－',
    '．'..='．',
    '／'..='／',
];

/// A decimal digit of whatever script.
fn digit(c: char) -> Option<u8> {
    let above = |zero: &char| u32::from(c).checked_sub(u32::from(*zero)).filter(|above| *above < 10);
    ZEROS.iter().find_map(above).and_then(|above| u8::try_from(above).ok())
}

fn is_separator(c: char) -> bool {
    SEPARATORS.iter().any(|range| range.contains(&c))
}

/// Whether a card number may begin so, as [`BEGINNINGS`] says.
fn begins_as_cards_do(digits: &[u8]) -> bool {
    match digits {
        [2..=6 | 9, ..] | [8, 1 | 2, ..] => true,
        [1, 8, 0, 0, rest @ ..] => rest.len() == 11,
        _ => false,
    }
}

/// The text with an `x` for each UUID and each digest in hexadecimal. One without any letter may be digits, and stays.
fn without_ids(text: &str) -> String {
    let words = text.split_inclusive(|c: char| !c.is_ascii_alphanumeric() && c != '-');
    words.map(without_ids_in_word).collect()
}

fn without_ids_in_word(word: &str) -> String {
    let mut parts: Vec<&str> = word.split('-').collect();
    let mut from = 0;
    while from < parts.len() {
        let id_parts = if is_hex_id(&parts[from..=from], &[]) {
            1
        } else if parts.get(from..from + 5).is_some_and(|five| is_hex_id(five, &[8, 4, 4, 4, 12])) {
            5
        } else {
            0
        };
        if id_parts > 0 {
            parts.splice(from..from + id_parts, ["x"]);
        }
        from += 1;
    }
    parts.join("-")
}

/// Whether these parts, of these lengths (or one of 32 and more), are hexadecimal with at least one letter.
fn is_hex_id(parts: &[&str], lengths: &[usize]) -> bool {
    let hex = |part: &str| part.trim_end_matches(|c: char| !c.is_ascii_alphanumeric()).to_owned();
    let parts: Vec<String> = parts.iter().map(|part| hex(part)).collect();
    let fits = match lengths {
        [] => parts.iter().all(|part| part.len() >= 32),
        lengths => parts.iter().map(String::len).eq(lengths.iter().copied()),
    };
    let mut bytes = parts.iter().flat_map(|part| part.bytes());
    fits && bytes.clone().all(|b| b.is_ascii_hexdigit()) && bytes.any(|b| b.is_ascii_alphabetic())
}

/// Whether neighbouring groups make a card number; times stand between groups like a word.
fn is_in_run(groups: &[Group]) -> bool {
    let groups: Vec<&Group> = groups.iter().filter(|group| !group.is_empty()).collect();
    let mut from = 0;
    let mut start = 0;
    while from < groups.len() {
        let time = time_at(&groups[from..]);
        if time > 0 {
            if is_in_groups(&groups[start..from]) {
                return true;
            }
            start = from + time;
        }
        from += time.max(1);
    }
    is_in_groups(&groups[start..])
}

fn is_in_groups(groups: &[&Group]) -> bool {
    (0..groups.len()).any(|from| {
        let mut digits = Vec::new();
        groups[from..].iter().any(|group| {
            digits.extend_from_slice(group);
            LENGTHS.contains(&digits.len()) && begins_as_cards_do(&digits) && passes_luhn(&digits)
        })
    })
}

/// How many groups, from the first on, are a time: an epoch in milli-, micro- or nanoseconds (of the years 2020 to 2033),
/// digits that begin with a date, or a date in three groups.
fn time_at(groups: &[&Group]) -> usize {
    let Some(first) = groups.first() else { return 0 };
    let epoch = matches!(first.len(), 13 | 16 | 19) && matches!(first.as_slice(), [1, 6..=9, ..]);
    if epoch || (first.len() >= 8 && is_date(&first[..8])) {
        return 1;
    }
    let [year, month, day, ..] = groups else { return 0 };
    let lengths = (year.len(), month.len(), day.len()) == (4, 2, 2);
    if lengths && is_date(&[year.as_slice(), month, day].concat()) { 3 } else { 0 }
}

/// Whether eight digits are a day of the twentieth or twenty-first century.
fn is_date(digits: &[u8]) -> bool {
    let &[c1, c2, _, _, m1, m2, d1, d2] = digits else { return false };
    matches!((c1, c2), (1, 9) | (2, 0))
        && (1..=12).contains(&(m1 * 10 + m2))
        && (1..=31).contains(&(d1 * 10 + d2))
}

fn passes_luhn(digits: &[u8]) -> bool {
    let weight = |(place, digit): (usize, &u8)| match (place % 2 == 1, u32::from(*digit) * 2) {
        (false, doubled) => doubled / 2,
        (true, doubled) if doubled > 9 => doubled - 9,
        (true, doubled) => doubled,
    };
    digits.iter().rev().enumerate().map(weight).sum::<u32>().is_multiple_of(10)
}

#[cfg(test)]
mod tests {
    use rand::RngExt as _;

    use super::*;

    /// The texts on which the check of the tables is tried as well: whether each holds a card number, and why it is there.
    #[test]
    fn what_is_seen_is_what_the_table_says() {
        let table: Vec<(bool, String, String)> =
            serde_json::from_str(include_str!("../tests/card_numbers.json")).unwrap();
        assert!(table.len() > 50);
        for (holds, text, why) in table {
            assert_eq!(is_in(&text), holds, "{why}: {text:?}");
        }
    }

    #[test]
    fn blanks_are_separators_in_every_script_and_lists_are_in_order() {
        for c in (0..=0x0010_ffff).filter_map(char::from_u32) {
            assert!(!c.is_whitespace() || is_separator(c), "{c:?}");
        }
        assert!(SEPARATORS.windows(2).all(|pair| pair[0].end() < pair[1].start()));
        assert!(!SEPARATORS.iter().any(|range| range.clone().any(char::is_alphanumeric)));
    }

    /// Each of these would be refused now and then if only the check digit were asked.
    #[test]
    fn what_callers_use_every_day_is_never_refused() {
        let mut random = rand::rng();
        for _ in 0..20_000 {
            let mut number = |below: u64| random.random_range(0..below);
            let day = format!("2026{:02}{:02}", number(12) + 1, number(28) + 1);
            let (time, serial) = (number(235_959), number(10_000));
            let millis = 1_795_000_000_000 + number(100_000_000_000);
            let uuid = uuid::Uuid::from_u64_pair(number(u64::MAX), number(u64::MAX) | 0xa);
            for text in [
                format!("order-{day}-{time:06}-{serial:04}"),
                format!("{day}{time:06}{serial:04}"),
                format!("{}-{}-{}-{time:06}-{serial:04}", &day[..4], &day[4..6], &day[6..]),
                format!("order-{millis}"),
                format!("order-{millis}-{serial}"),
                format!("{uuid}"),
                format!("create-{uuid}-{serial}"),
                uuid.simple().to_string(),
            ] {
                assert!(!is_in(&text), "{text}");
            }
        }
    }
}
