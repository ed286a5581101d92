//! Card numbers have no place on this wire: what looks like one is refused, and never repeated in an answer or a log.

/// Whether `text` holds 13 to 19 digits in a row (blanks and hyphens aside) that pass the Luhn check.
pub fn is_in(text: &str) -> bool {
    let mut run = Vec::new();
    for c in text.chars() {
        match c.to_digit(10) {
            Some(digit) => run.push(digit),
            None if c == ' ' || c == '-' => {}
            None => {
                if is_card_number(&run) {
                    return true;
                }
                run.clear();
            }
        }
    }
    is_card_number(&run)
}

/// Whether the whole of `text` is a card number: for numbers made of hexadecimal digits, which hold one by chance now and
/// then.
pub fn is_all_of(text: &str) -> bool {
    text.chars().all(|c| c.is_ascii_digit() || c == ' ' || c == '-') && is_in(text)
}

fn is_card_number(digits: &[u32]) -> bool {
    (13..=19).contains(&digits.len()) && passes_luhn(digits)
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
        assert!(is_in("4111111111111111"));
        assert!(is_in("card 4111-1111 1111-1111."));
        assert!(is_in("x378282246310005y"));
    }

    #[test]
    fn a_trace_number_may_hold_one_by_chance() {
        assert!(is_in("019F4111111111111111A") && !is_all_of("019F4111111111111111A"));
        assert!(is_all_of("4111 1111 1111 1111"));
    }

    #[test]
    fn other_digits_are_none() {
        assert!(!is_in("4111111111111112"), "fails the check digit");
        assert!(!is_in("411111"), "too short");
        assert!(!is_in("sim:late:3000"));
        assert!(!is_in("41111111111111114111"), "twenty digits are no card number");
    }
}
