//! Card numbers never get further than this: a card column is truncated, other text is masked, both as the row is read.

/// What may be kept of a card.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Truncated {
    /// The first six digits.
    pub bin: String,
    /// The last four.
    pub last4: String,
}

/// Lengths of card numbers.
const DIGITS: std::ops::RangeInclusive<usize> = 13..=19;

/// Lengths of the groups in which people write card numbers.
const GROUPS: [&[usize]; 3] = [&[4, 4, 4, 4], &[4, 6, 5], &[4, 6, 4]];

/// The truncated form of what a card column holds: `541100******1234`. Old rows hold whole numbers, with or without
/// separators, or are masked already; anything else, such as a number with its check value behind it, becomes `?`, so
/// that no digit of it survives.
pub fn card_column(bytes: &[u8]) -> Vec<u8> {
    let groups: Vec<&[u8]> = bytes.trim_ascii().split(|b| matches!(b, b' ' | b'-')).collect();
    let lengths: Vec<usize> = groups.iter().map(|group| group.len()).collect();
    let symbols = groups.concat();
    let plausible = DIGITS.contains(&symbols.len())
        && (groups.len() == 1 || GROUPS.contains(&lengths.as_slice()))
        && symbols.iter().all(|b| b.is_ascii_digit() || matches!(b, b'*' | b'x' | b'X'))
        && symbols[..6].iter().all(u8::is_ascii_digit)
        && symbols[symbols.len() - 4..].iter().all(u8::is_ascii_digit);
    let whole = symbols.iter().all(u8::is_ascii_digit);
    if !plausible || (whole && !luhn(&symbols, &(0..symbols.len()).collect::<Vec<_>>())) {
        return b"?".to_vec();
    }
    let mut kept = symbols;
    let end = kept.len() - 4;
    kept[6..end].fill(b'*');
    kept
}

/// The parts of a truncated card column.
pub fn truncated(text: &str) -> Option<Truncated> {
    let bin = text.get(..6)?;
    let last4 = text.get(text.len().checked_sub(4)?..)?;
    let digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    (DIGITS.contains(&text.len()) && text.contains('*') && digits(bin) && digits(last4))
        .then(|| Truncated { bin: bin.to_owned(), last4: last4.to_owned() })
}

/// The same text with the middle of every card number in it starred: whole groups of digits, alone or with their
/// neighbours across a separator, that have 13 to 19 digits and pass the Luhn check. Part of a longer group is not
/// looked at: every fifth order number would hold a card number then. Full-width digits of CP949, 13 and more in a row, are
/// starred whatever they say: nobody writes an order number so.
pub fn free_text(bytes: &[u8]) -> Vec<u8> {
    let mut masked = bytes.to_vec();
    for groups in digit_groups(bytes) {
        let mut from = 0;
        while from < groups.len() {
            match card_from(bytes, &groups[from..]) {
                Some((taken, places)) => {
                    let end = places.len() - 4;
                    places[6..end].iter().for_each(|place| masked[*place] = b'*');
                    from += taken;
                }
                None => from += 1,
            }
        }
    }
    star_wide_digits(&mut masked);
    masked
}

/// A key of a row as it may be written down: masked like other text, unless it is digits alone. Such a key is a counter, which
/// passes the Luhn check once in ten times, and is kept: the payment could not be found again otherwise.
pub fn key(text: &str) -> String {
    if text.bytes().all(|b| b.is_ascii_digit()) {
        return text.to_owned();
    }
    String::from_utf8_lossy(&free_text(text.as_bytes())).into_owned()
}

/// Two bytes a digit: `A3 B0` to `A3 B9`.
fn star_wide_digits(bytes: &mut [u8]) {
    let wide = |pair: &[u8]| matches!(pair, [0xa3, 0xb0..=0xb9]);
    let mut at = 0;
    while at < bytes.len() {
        let (mut places, mut next) = (Vec::new(), at);
        while let Some(pair) = bytes.get(next..next + 2) {
            if wide(pair) {
                places.push(next);
                next += 2;
            } else if !places.is_empty()
                && is_separator(pair[0])
                && bytes.get(next + 1..next + 3).is_some_and(wide)
            {
                next += 1;
            } else {
                break;
            }
        }
        if places.len() >= *DIGITS.start() {
            for place in places {
                bytes[place..place + 2].fill(b'*');
            }
        }
        at = next.max(at + 1);
    }
}

/// What people write between the groups of a card number.
const fn is_separator(byte: u8) -> bool {
    matches!(byte, b' ' | b'-' | b'.' | b'_' | b'/')
}

/// The card number that begins with the first of these groups: how many groups it takes, and where its digits are.
fn card_from(bytes: &[u8], groups: &[Vec<usize>]) -> Option<(usize, Vec<usize>)> {
    let mut places = Vec::new();
    for (index, group) in groups.iter().enumerate() {
        places.extend_from_slice(group);
        if DIGITS.contains(&places.len()) && luhn(bytes, &places) {
            return Some((index + 1, places));
        }
    }
    None
}

/// Whether free text holds a card number.
pub fn holds_card_number(bytes: &[u8]) -> bool {
    free_text(bytes) != bytes
}

/// The places of digits, in groups, those in one list where nothing but one separator stands between them.
fn digit_groups(bytes: &[u8]) -> Vec<Vec<Vec<usize>>> {
    let mut runs: Vec<Vec<Vec<usize>>> = Vec::new();
    let mut last: Option<usize> = None;
    for (place, _) in bytes.iter().enumerate().filter(|(_, byte)| byte.is_ascii_digit()) {
        let gap = last.map(|last| place - last);
        let separated = place > 0 && is_separator(bytes[place - 1]);
        match (gap, runs.last_mut()) {
            (Some(1), Some(run)) => run.last_mut().into_iter().for_each(|group| group.push(place)),
            (Some(2), Some(run)) if separated => run.push(vec![place]),
            (Some(_) | None, _) => runs.push(vec![vec![place]]),
        }
        last = Some(place);
    }
    runs
}

fn luhn(bytes: &[u8], places: &[usize]) -> bool {
    let sum: u32 = places
        .iter()
        .rev()
        .enumerate()
        .map(|(index, place)| {
            let digit = u32::from(bytes[*place] - b'0');
            if index % 2 == 0 { digit } else { digit * 2 / 10 + digit * 2 % 10 }
        })
        .sum();
    // Card numbers start with 3 to 6 or 9 (domestic); counters that begin with a year or a zero are none.
    sum.is_multiple_of(10) && matches!(bytes[places[0]], b'3'..=b'6' | b'9')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_card_column_keeps_six_and_four() {
        assert_eq!(card_column(b"4111111111111111"), b"411111******1111");
        assert_eq!(card_column(b"4111-1111-1111-1111"), b"411111******1111");
        assert_eq!(card_column(b"411111******1111"), b"411111******1111");
        assert_eq!(card_column(b"4111111111111111 CVC123"), b"?");
        assert_eq!(card_column(b"4111111111111111 123"), b"?", "a check value behind it");
        assert_eq!(card_column(b"4111111111111112"), b"?");
        assert_eq!(card_column(b"411111"), b"?");
        assert_eq!(truncated("411111******1111").unwrap().last4, "1111");
        assert_eq!(truncated("4111111111111111"), None);
    }

    #[test]
    fn card_numbers_in_free_text_are_starred() {
        assert_eq!(free_text(b"card 4111 1111 1111 1111 ok"), b"card 4111 11** **** 1111 ok");
        assert_eq!(free_text(b"4111.1111.1111.1111"), b"4111.11**.****.1111");
        let wide: Vec<u8> =
            b"4111111111111111".iter().flat_map(|digit| [0xa3, 0xb0 + (digit - b'0')]).collect();
        assert_eq!(free_text(&wide), [b'*'; 32]);
        assert_eq!(free_text(&wide[..8]), wide[..8], "four are no card number");
        assert_eq!(free_text(b"tel 02 4111-1111-1111-1111"), b"tel 02 4111-11**-****-1111");
        assert_eq!(free_text(b"order 20261124000123"), b"order 20261124000123");
        assert_eq!(free_text(b"00004111111111111111"), b"00004111111111111111", "part of a longer number");
    }

    proptest! {
        #[test]
        fn no_whole_card_number_leaves(middle in "[0-9]{6,9}", around in "[ a-z]{0,6}") {
            let body = format!("411111{middle}123");
            let check = (0..10).find(|digit| {
                let whole = format!("{body}{digit}");
                let places: Vec<usize> = (0..whole.len()).collect();
                luhn(whole.as_bytes(), &places)
            }).unwrap();
            let number = format!("{body}{check}");
            let text = format!("{around}{number}{around}");
            let masked = String::from_utf8(free_text(text.as_bytes())).unwrap();
            prop_assert!(!masked.contains(&number));
            let column = String::from_utf8(card_column(number.as_bytes())).unwrap();
            prop_assert!(!column.contains(&middle) && column.contains('*'), "{}", column);
        }

        #[test]
        fn masking_never_panics_and_keeps_the_length(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
            prop_assert_eq!(free_text(&bytes).len(), bytes.len());
            let _ = card_column(&bytes);
        }
    }
}
