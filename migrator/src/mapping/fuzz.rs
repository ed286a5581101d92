//! Fuzz targets of legacy values and of mapping files. Each is a test that runs with random input; under `cargo bolero test -p
//! migrator mapping::fuzz::NAME` it goes on for as long as it is let.

use bolero::check;
use chrono::{FixedOffset, TimeZone as _};
use ledger_core::money::MAX_AMOUNT;

use super::mask;
use super::parse::{self, Charset, Sign};
use super::{Mapping, REFERENCE};

/// The habits of old programs, of which an amount may be made.
fn spelled(kind: u8, number: i64, noise: &str) -> String {
    let grouped = |digits: String| {
        let groups =
            digits.as_bytes().rchunks(3).rev().map(|group| String::from_utf8_lossy(group).into_owned());
        groups.collect::<Vec<_>>().join(",")
    };
    match kind % 7 {
        0 => number.to_string(),
        1 => format!("{number:015}"),
        2 => format!("  {number} "),
        3 => format!("{number}.{}", "0".repeat(usize::try_from(number.rem_euclid(4)).unwrap_or(0))),
        4 => grouped(number.unsigned_abs().to_string()),
        5 => format!("{number}E{}", number.rem_euclid(3)),
        _ => noise.chars().filter(|c| "0123456789-+., eE".contains(*c)).collect(),
    }
}

/// What is taken for an amount has the digits of the text, and no others.
#[test]
fn an_amount_has_the_digits_of_its_text() {
    check!().with_type::<(u8, i64, String, bool, bool)>().for_each(|(kind, number, noise, either, zero)| {
        let text = spelled(*kind, *number, noise);
        let sign = if *either { Sign::Either } else { Sign::Positive };
        let Ok(amount) = parse::amount(&text, sign, *zero) else { return };
        let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
        let digits: String = whole.chars().filter(char::is_ascii_digit).collect();
        assert_eq!(digits.trim_start_matches('0'), amount.to_string().trim_start_matches('0'), "{text}");
        assert!(fraction.trim_end_matches(' ').bytes().all(|b| b == b'0'), "{text}");
        assert!(whole.chars().all(|c| c.is_ascii_digit() || " ,-".contains(c)), "{text}");
        assert!((i64::from(!zero)..=MAX_AMOUNT).contains(&amount), "{text}");
        assert!(*either || !text.contains('-'), "{text}");
    });
}

/// A time that is taken is written back as it was read.
#[test]
fn a_time_is_read_as_it_is_written() {
    let offset = FixedOffset::east_opt(9 * 3600).unwrap();
    for format in ["%Y%m%d%H%M%S", "%Y-%m-%d %H:%M:%S"] {
        check!().with_type::<(bool, u32, String)>().for_each(|(any, seconds, noise)| {
            let at = offset.timestamp_opt(i64::from(*seconds), 0).unwrap();
            let text = if *any { noise.clone() } else { at.format(format).to_string() };
            if let Ok(read) = parse::instant(&text, format, offset) {
                assert_eq!(
                    read.with_timezone(&offset).format(format).to_string(),
                    text.trim_end_matches(' ')
                );
            }
        });
    }
}

/// Text that is taken holds no control character and is no longer than its column.
#[test]
fn text_is_clean_or_refused() {
    check!().with_type::<(Vec<u8>, u8, bool)>().for_each(|(bytes, max, cut)| {
        for charset in [Charset::Ascii, Charset::Cp949] {
            if let Ok(text) = parse::text(bytes, charset, usize::from(*max), *cut) {
                assert!(text.chars().count() <= usize::from(*max) && !text.chars().any(char::is_control));
                assert!(!text.ends_with(' '));
            }
        }
        let text = String::from_utf8_lossy(bytes);
        if let Ok(count) = parse::count(&text, *max) {
            assert!(count <= *max && text.contains(&count.to_string()));
        }
        parse::code(&text, *cut);
    });
}

/// Whatever a row holds, no card number of it is kept.
#[test]
fn no_card_number_is_kept() {
    check!().with_type::<(String, u64, u8, bool)>().for_each(|(around, number, dress, behind)| {
        let mut digits = format!("4{:014}", number % 100_000_000_000_000);
        let sum: u64 = digits
            .bytes()
            .rev()
            .map(|b| u64::from(b - b'0'))
            .enumerate()
            .map(|(at, digit)| if at % 2 == 1 { digit } else { digit * 2 / 10 + digit * 2 % 10 })
            .sum();
        digits.push_str(&((10 - sum % 10) % 10).to_string());
        let separator = ["", " ", "-", ".", "_", "/"][usize::from(dress % 6)];
        let dressed = [&digits[..4], &digits[4..8], &digits[8..12], &digits[12..]].join(separator);
        let around: String = around.chars().filter(char::is_ascii_alphabetic).collect();
        let text = if *behind { format!("{around}{dressed}") } else { format!("{dressed}{around}") };
        let masked = mask::free_text(text.as_bytes());
        assert_eq!(masked.len(), text.len());
        let kept: String = masked.iter().copied().filter(u8::is_ascii_digit).map(char::from).collect();
        assert!(!kept.contains(&digits), "{text} became {}", String::from_utf8_lossy(&masked));
        let column = String::from_utf8(mask::card_column(text.as_bytes())).unwrap();
        assert!(!column.contains(&digits), "{column}");
    });
}

/// The reference mapping with one line doubled, dropped, moved or cut: it is a mapping or it is refused with a reason, and a
/// line that no mapping knows is always refused.
#[test]
fn a_mapping_is_whole_or_refused() {
    let shipped = REFERENCE.iter().find(|(name, _)| *name == "mapping.toml").unwrap().1;
    let load = |text: String| {
        Mapping::read("fuzzed", &|file: &str| {
            let known = REFERENCE.iter().find(|(name, _)| *name == file);
            let found = if file == "mapping.toml" {
                Some(text.clone())
            } else {
                known.map(|(_, text)| (*text).to_owned())
            };
            found.ok_or_else(|| "no such file".to_owned())
        })
    };
    assert!(load(shipped.to_owned()).is_ok());
    check!().with_type::<(u8, u16, u16, String)>().for_each(|(kind, from, to, noise)| {
        let mut lines: Vec<String> = shipped.lines().map(str::to_owned).collect();
        let (from, to) = (usize::from(*from) % lines.len(), usize::from(*to) % lines.len());
        match kind % 6 {
            0 => lines.insert(to, lines[from].clone()),
            1 => drop(lines.remove(from)),
            2 => lines.swap(from, to),
            3 => {
                let end = lines[from].char_indices().map(|(at, _)| at).nth(to % 60).unwrap_or(0);
                lines[from].truncate(end);
            }
            4 => lines[from].push_str(noise),
            _ => lines.insert(from, "no_such_field = \"X\"".to_owned()),
        }
        match load(lines.join("\n")) {
            Ok(_) => assert_ne!(kind % 6, 5, "a field that nobody knows was taken at line {from}"),
            Err(refused) => {
                assert!(!refused.faults.is_empty() && refused.faults.iter().all(|fault| !fault.is_empty()));
            }
        }
    });
    check!().with_type::<String>().for_each(|text| assert!(load(text.clone()).is_err()));
}
