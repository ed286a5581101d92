//! Card numbers are never taken in: any text of a request that holds one is refused before it can reach a stored field.

/// How many digits a card number has.
const LENGTHS: std::ops::RangeInclusive<usize> = 13..=19;

/// Whether `text` holds 13 to 19 digits, blanks and dashes aside, that pass the Luhn check. Groups of digits are looked
/// at alone and together, so that neither a number in front nor a separator hides one.
pub fn is_in(text: &str) -> bool {
    let mut run: Vec<Vec<u32>> = vec![Vec::new()];
    for c in text.chars() {
        if let Some(digit) = digit(c) {
            if let Some(group) = run.last_mut() {
                group.push(digit);
            }
        } else if is_separator(c) {
            run.push(Vec::new());
        } else {
            if is_in_run(&run) {
                return true;
            }
            run = vec![Vec::new()];
        }
    }
    is_in_run(&run)
}

/// ASCII and full-width digits.
fn digit(c: char) -> Option<u32> {
    match c {
        '0'..='9' => c.to_digit(10),
        '０'..='９' => Some(u32::from(c) - u32::from('０')),
        _ => None,
    }
}

fn is_separator(c: char) -> bool {
    c.is_whitespace()
        || matches!(
            c,
            '-' | '‐' | '‑' | '‒' | '–' | '—' | '−' | '－' | '\u{ad}' | '\u{200b}' | '\u{200d}' | '\u{feff}'
        )
}

/// Whether neighbouring groups make a card number.
fn is_in_run(groups: &[Vec<u32>]) -> bool {
    let groups: Vec<_> = groups.iter().filter(|group| !group.is_empty()).collect();
    (0..groups.len()).any(|from| {
        let mut digits = Vec::new();
        groups[from..].iter().any(|group| {
            digits.extend_from_slice(group);
            LENGTHS.contains(&digits.len()) && passes_luhn(&digits)
        })
    })
}

fn passes_luhn(digits: &[u32]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(place, digit)| match (place % 2 == 1, digit * 2) {
            (false, _) => *digit,
            (true, doubled) if doubled > 9 => doubled - 9,
            (true, doubled) => doubled,
        })
        .sum();
    sum.is_multiple_of(10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_card_number_is_seen_in_any_dress() {
        for text in [
            "4111111111111111",
            "card 4111-1111 1111-1111.",
            "x378282246310005y",
            "order 17 4111 1111 1111 1111",
            "4111–1111–1111–1111",
            "４１１１１１１１１１１１１１１１",
            "4111\u{a0}1111\u{200b}1111\t1111",
            "2026-4111111111111111-7",
        ] {
            assert!(is_in(text), "{text}");
        }
    }

    #[test]
    fn other_digits_are_none() {
        for text in [
            "4111111111111112",
            "411111",
            "sim:late:3000",
            "order-2026-11-24-000017",
            "",
            "2026-11-24T12:30:00",
        ] {
            assert!(!is_in(text), "{text}");
        }
    }
}
