//! Amounts round-trip or are refused, days that do not exist are refused, and nothing panics.
use proptest::prelude::*;

use super::*;

fn seoul() -> FixedOffset {
    FixedOffset::east_opt(9 * 3600).unwrap()
}

#[test]
fn amounts_are_read_as_twenty_years_wrote_them() {
    for (text, value) in [
        ("000000050000", 50_000),
        ("50,000", 50_000),
        (" 50000", 50_000),
        ("50000.00", 50_000),
        ("1,234,567", 1_234_567),
        ("50000  ", 50_000),
    ] {
        assert_eq!(amount(text, Sign::Positive, false).unwrap(), value, "{text}");
    }
    assert_eq!(amount("-50000", Sign::Either, false).unwrap(), 50_000);
    assert_eq!(amount("0", Sign::Positive, true).unwrap(), 0);
}

#[test]
fn what_is_no_amount_is_refused_with_its_reason() {
    for (text, reason) in [
        ("5E4", Reason::AmountText),
        ("", Reason::AmountText),
        ("   ", Reason::AmountText),
        ("-", Reason::AmountText),
        ("--5", Reason::AmountText),
        ("+5", Reason::AmountText),
        ("5,0000", Reason::AmountText),
        ("5000,000", Reason::AmountText),
        (",500", Reason::AmountText),
        ("50000.", Reason::AmountText),
        (".5", Reason::AmountText),
        ("5 000", Reason::AmountText),
        ("50000원", Reason::AmountText),
        ("50000.50", Reason::AmountFraction),
        ("-50000", Reason::AmountSign),
        ("0", Reason::AmountRange),
        ("99999999999999999999", Reason::AmountRange),
        ("1000000000000001", Reason::AmountRange),
    ] {
        assert_eq!(amount(text, Sign::Positive, false).unwrap_err().reason, reason, "{text:?}");
    }
}

#[test]
fn days_that_do_not_exist_and_placeholders_are_refused() {
    let read = |text: &str| instant(text, "%Y%m%d%H%M%S", seoul()).map_err(|reject| reject.reason);
    assert_eq!(read("20260224240000"), Err(Reason::DateText));
    assert_eq!(read("20260230120000"), Err(Reason::DateText));
    assert_eq!(read("20260224120060"), Err(Reason::DateText));
    assert_eq!(read("2026022412000"), Err(Reason::DateText));
    assert_eq!(read("2026-02-24 12:00"), Err(Reason::DateText));
    assert_eq!(read("99991231000000"), Err(Reason::DateSentinel));
    assert_eq!(read("19700101090000"), Err(Reason::DateSentinel));
    assert_eq!(read("20260224000000").unwrap().to_rfc3339(), "2026-02-23T15:00:00+00:00");
}

#[test]
fn korean_text_cut_in_the_middle_of_a_character_loses_only_that() {
    let (bytes, _, _) = encoding_rs::EUC_KR.encode("고객 변심");
    let whole = bytes.into_owned();
    assert_eq!(text(&whole, Charset::Cp949, 200, true).unwrap(), "고객 변심");
    assert_eq!(text(&whole[..whole.len() - 1], Charset::Cp949, 200, true).unwrap(), "고객 변");
    assert_eq!(
        text(&whole[..whole.len() - 1], Charset::Cp949, 200, false).unwrap_err().reason,
        Reason::Charset
    );
    assert_eq!(text(b"\xff\xff\xff", Charset::Cp949, 200, true).unwrap_err().reason, Reason::Charset);
    assert_eq!(text(&whole, Charset::Ascii, 200, true).unwrap_err().reason, Reason::Charset);
    assert_eq!(text(b"A1   ", Charset::Ascii, 2, false).unwrap(), "A1");
}

#[test]
fn codes_are_folded_only_where_the_mapping_says_so() {
    assert_eq!(code("a１ ", true), "A1");
    assert_eq!(code("a1", false), "a1");
}

proptest! {
    #[test]
    fn an_amount_round_trips_or_is_refused(text in "[-+0-9., eE원]{0,24}") {
        if let Ok(value) = amount(&text, Sign::Either, true) {
            let digits: String = text.split('.').next().unwrap().chars().filter(char::is_ascii_digit).collect();
            prop_assert_eq!(digits.trim_start_matches('0'), if value == 0 { String::new() } else { value.to_string() });
            prop_assert_eq!(amount(&value.to_string(), Sign::Positive, true).unwrap(), value);
        }
    }

    #[test]
    fn every_amount_is_read_back(value in 1..=MAX_AMOUNT, width in 0_usize..20) {
        prop_assert_eq!(amount(&format!("{value:0width$}"), Sign::Positive, false).unwrap(), value);
        prop_assert_eq!(amount(&format!("-{value}.00"), Sign::Either, false).unwrap(), value);
    }

    #[test]
    fn no_bytes_make_a_parser_panic(bytes in proptest::collection::vec(any::<u8>(), 0..40), max in 0_usize..50) {
        let lossy = String::from_utf8_lossy(&bytes);
        let _ = amount(&lossy, Sign::Either, true);
        let _ = instant(&lossy, "%Y%m%d%H%M%S", seoul());
        let _ = count(&lossy, 36);
        let _ = code(&lossy, true);
        let _ = text(&bytes, Charset::Cp949, max, true);
    }

    #[test]
    fn an_instant_is_what_was_written(text in "(19|20|99)[0-9]{2}[01][0-9][0-3][0-9][0-2][0-9][0-6][0-9][0-6][0-9]") {
        if let Ok(at) = instant(&text, "%Y%m%d%H%M%S", seoul()) {
            prop_assert_eq!(at.with_timezone(&seoul()).format("%Y%m%d%H%M%S").to_string(), text);
        }
    }
}
