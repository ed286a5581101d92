//! Reading a body field by field, so that everything that is wrong with it is said at once, each fault with the pointer
//! of its place.

use chrono::{DateTime, Datelike as _, Utc};
use ledger_core::money::MAX_AMOUNT;
use ledger_core::money::Minor;
use ledger_core::time::to_micros;
use serde_json::{Map, Value};

use crate::body::nested;
use crate::problem::{Code, FieldError, Problem};

/// What is wrong with a body, so far.
#[derive(Debug, Default)]
pub struct Faults(Vec<FieldError>);

impl Faults {
    /// A further fault.
    pub fn add(&mut self, pointer: impl Into<String>, detail: impl Into<String>) {
        self.0.push(FieldError::at(pointer, detail));
    }

    /// The value, unless something is wrong.
    pub fn then<T>(self, value: Option<T>) -> Result<T, Problem> {
        match value {
            Some(value) if self.0.is_empty() => Ok(value),
            Some(_) | None => {
                let detail = match self.0.as_slice() {
                    [FieldError { pointer: Some(pointer), detail, .. }] => format!("{pointer}: {detail}"),
                    faults => format!("{} fields are not as they should be", faults.len()),
                };
                Err(Problem::new(Code::InvalidFields, detail).with_errors(self.0))
            }
        }
    }
}

/// One object of a body.
#[derive(Debug)]
pub struct Fields<'a> {
    pointer: String,
    map: &'a Map<String, Value>,
    asked: Vec<&'static str>,
}

/// What a field may hold: the value, or what is wrong and the way out.
pub type Rule<T> = fn(&Value) -> Result<T, String>;

impl<'a> Fields<'a> {
    /// The object at `pointer`.
    pub fn of(pointer: &str, value: &'a Value, faults: &mut Faults) -> Option<Self> {
        let Some(map) = value.as_object() else {
            faults.add(pointer, "an object is expected");
            return None;
        };
        Some(Self { pointer: pointer.to_owned(), map, asked: Vec::new() })
    }

    /// The pointer of a field.
    pub fn pointer(&self, name: &str) -> String {
        let mut pointer = self.pointer.clone();
        nested(&mut pointer, name, |pointer| pointer.clone())
    }

    /// A field that must be there.
    pub fn required<T>(&mut self, name: &'static str, rule: Rule<T>, faults: &mut Faults) -> Option<T> {
        if !self.map.contains_key(name) {
            self.asked.push(name);
            faults.add(self.pointer(name), "is missing");
            return None;
        }
        self.optional(name, rule, faults)
    }

    /// A field that may be left out.
    pub fn optional<T>(&mut self, name: &'static str, rule: Rule<T>, faults: &mut Faults) -> Option<T> {
        let value = self.raw(name)?;
        let checked =
            if value.is_null() { Err("is null; leave it out instead".to_owned()) } else { rule(value) };
        match checked {
            Ok(value) => Some(value),
            Err(detail) => {
                faults.add(self.pointer(name), detail);
                None
            }
        }
    }

    /// A field as it stands.
    pub fn raw(&mut self, name: &'static str) -> Option<&'a Value> {
        self.asked.push(name);
        self.map.get(name)
    }

    /// Fields nobody asked for are refused: a misspelt amount is a fault, not a full refund.
    pub fn end(self, faults: &mut Faults) {
        for key in self.map.keys().filter(|key| !self.asked.contains(&key.as_str())) {
            faults.add(self.pointer(key), format!("is not known here; known are {}", self.asked.join(", ")));
        }
    }
}

fn integer(value: &Value) -> Result<i64, String> {
    match value {
        Value::Number(number) => match number.as_i64() {
            Some(units) => Ok(units),
            None if number.is_u64() => Err(format!("is too large; at most {MAX_AMOUNT}")),
            None => Err("an integer is expected: minor units, without point, exponent or sign".to_owned()),
        },
        Value::String(_) => Err("an integer is expected, not a text".to_owned()),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => {
            Err("an integer is expected".to_owned())
        }
    }
}

/// An amount above zero.
pub fn amount(value: &Value) -> Result<Minor, String> {
    let minor = amount_or_zero(value)?;
    if minor.is_zero() { Err("is zero; at least 1 is expected".to_owned()) } else { Ok(minor) }
}

/// An amount, or zero.
pub fn amount_or_zero(value: &Value) -> Result<Minor, String> {
    let units = integer(value)?;
    if units < 0 {
        return Err("is negative; amounts have no sign".to_owned());
    }
    Minor::new(units).map_err(|_| format!("is too large; at most {MAX_AMOUNT}"))
}

/// A yes or no.
pub fn flag(value: &Value) -> Result<bool, String> {
    value.as_bool().ok_or_else(|| "true or false is expected".to_owned())
}

/// Instalments: none, or 2 to 60 months.
pub fn installment_months(value: &Value) -> Result<u8, String> {
    match integer(value)? {
        months @ (0 | 2..=60) => Ok(u8::try_from(months).unwrap_or_default()),
        _ => Err("0 for none, or 2 to 60".to_owned()),
    }
}

/// Number of an approval.
pub fn leg(value: &Value) -> Result<u8, String> {
    let number = u8::try_from(integer(value)?).ok().filter(|number| *number > 0);
    number.ok_or_else(|| "a number from 1 to 255 is expected".to_owned())
}

/// One of a closed list of codes.
pub fn code<T: std::str::FromStr<Err = ledger_core::codes::UnknownCode>>(value: &Value) -> Result<T, String> {
    let text = value.as_str().ok_or_else(|| "a text is expected".to_owned())?;
    text.parse()
        .map_err(|error: ledger_core::codes::UnknownCode| format!("is none of {}", error.known.trim_end()))
}

/// An order: the letters, digits and signs that stay themselves in a path.
pub fn order_id(value: &Value) -> Result<String, String> {
    plain(value, 64, "._:=-")
}

/// An issuer's name.
pub fn issuer_id(value: &Value) -> Result<String, String> {
    plain(value, 32, "._-")
}

/// What stands for a card or account: printable ASCII.
pub fn method_token(value: &Value) -> Result<String, String> {
    printable(value, 64)
}

fn printable(value: &Value, most: usize) -> Result<String, String> {
    let text = sized(value, most)?;
    if text.bytes().all(|b| b.is_ascii_graphic()) {
        Ok(text.to_owned())
    } else {
        Err("holds other than printable ASCII without blanks".to_owned())
    }
}

/// The issuer's own number for what it did.
pub fn issuer_reference(value: &Value) -> Result<String, String> {
    printable(value, 64)
}

/// The issuer's code.
pub fn issuer_code(value: &Value) -> Result<String, String> {
    printable(value, 32)
}

/// An instant.
pub fn instant(value: &Value) -> Result<DateTime<Utc>, String> {
    let read = value.as_str().and_then(|text| DateTime::parse_from_rfc3339(text).ok());
    let read = read.map(|at| to_micros(at.with_timezone(&Utc)));
    // what MySQL cannot hold is no time of an answer
    let sane = read.filter(|at| (2000..=9999).contains(&at.year()));
    sane.ok_or_else(|| "a time as in RFC 3339 is expected, with its offset".to_owned())
}

/// A bank, by the code that banks use among each other.
pub fn bank_code(value: &Value) -> Result<String, String> {
    plain(value, 8, "")
}

/// What stands for an account: a token, with at least one letter, since digits alone would be the account's number.
pub fn account_token(value: &Value) -> Result<String, String> {
    let token = method_token(value)?;
    if token.bytes().any(|b| b.is_ascii_alphabetic()) {
        Ok(token)
    } else {
        Err("has no letter: send the issuer's token for the account, not its number".to_owned())
    }
}

/// A bank's name for a transfer.
pub fn bank_reference(value: &Value) -> Result<String, String> {
    plain(value, 64, "._:/-")
}

/// How many hours a deposit is waited for.
pub fn deposit_hours(value: &Value) -> Result<u16, String> {
    match integer(value)? {
        hours @ 1..=8_760 => Ok(u16::try_from(hours).unwrap_or_default()),
        _ => Err("1 to 8760 hours are expected".to_owned()),
    }
}

/// Words for people.
pub fn words(value: &Value) -> Result<String, String> {
    let text = sized(value, 200)?;
    if text.trim().is_empty() {
        return Err("is blank".to_owned());
    }
    if text.chars().any(char::is_control) {
        return Err("holds control characters".to_owned());
    }
    Ok(text.to_owned())
}

/// The first digits of a card.
pub fn bin(value: &Value) -> Result<String, String> {
    digits(value, 6..=8, "6 to 8 digits are expected")
}

/// The last four digits of a card.
pub fn last4(value: &Value) -> Result<String, String> {
    digits(value, 4..=4, "4 digits are expected")
}

fn digits(value: &Value, length: std::ops::RangeInclusive<usize>, wanted: &str) -> Result<String, String> {
    let text = value
        .as_str()
        .filter(|text| length.contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit()));
    text.map(str::to_owned).ok_or_else(|| format!("{wanted}, as a text"))
}

fn sized(value: &Value, most: usize) -> Result<&str, String> {
    let text = value.as_str().ok_or_else(|| "a text is expected".to_owned())?;
    match text.chars().count() {
        0 => Err("is empty".to_owned()),
        length if length > most => Err(format!("has {length} characters; at most {most}")),
        _ => Ok(text),
    }
}

fn plain(value: &Value, most: usize, signs: &str) -> Result<String, String> {
    let text = sized(value, most)?;
    if text.bytes().all(|b| b.is_ascii_alphanumeric() || signs.as_bytes().contains(&b)) {
        Ok(text.to_owned())
    } else {
        Err(format!("holds other characters than A-Z a-z 0-9 and {signs}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn amounts_are_positive_integers_within_the_limit() {
        for bad in [
            json!(1.5),
            json!(1e3),
            json!("1000"),
            json!(-1),
            json!(0),
            json!(MAX_AMOUNT + 1),
            json!(u64::MAX),
        ] {
            assert!(amount(&bad).is_err(), "{bad}");
        }
        let huge: Value = serde_json::from_str("100000000000000000000000").unwrap();
        assert!(amount(&huge).is_err());
        let minus_zero: Value = serde_json::from_str("-0").unwrap();
        assert!(amount_or_zero(&minus_zero).is_err());
        assert_eq!(amount(&json!(MAX_AMOUNT)).unwrap().get(), MAX_AMOUNT);
    }

    #[test]
    fn everything_wrong_is_said_at_once() {
        let body = json!({"amount": 1.5, "amuont": 3, "sub": null});
        let mut faults = Faults::default();
        let mut fields = Fields::of("", &body, &mut faults).unwrap();
        assert_eq!(fields.required("amount", amount, &mut faults), None);
        assert_eq!(fields.optional("sub", flag, &mut faults), None);
        assert_eq!(fields.required("orderId", order_id, &mut faults), None);
        fields.end(&mut faults);
        let problem = faults.then(Some(())).unwrap_err();
        let places: Vec<_> = problem.errors.iter().map(|error| error.pointer.clone().unwrap()).collect();
        assert_eq!(places, ["/amount", "/sub", "/orderId", "/amuont"]);
    }

    #[test]
    fn ids_hold_no_blank_slash_or_control_character() {
        for bad in ["", "a b", "a/b", "a\0b", "주문", &"x".repeat(65)] {
            assert!(order_id(&json!(bad)).is_err(), "{bad:?}");
        }
        assert_eq!(order_id(&json!("A-z_0.9:=")), Ok("A-z_0.9:=".to_owned()));
    }
}
