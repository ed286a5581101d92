//! Bodies: within the limits, declared as JSON, and strict: no key twice, no card number in any text.

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, StatusCode, header};
use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use crate::api::Api;
use crate::problem::{Code, FieldError, Problem};
use ledger_core::card_number;

/// A body that was read, and holds no card number.
#[derive(Debug)]
pub struct StrictJson(pub Value);

impl FromRequest<Api> for StrictJson {
    type Rejection = Problem;

    async fn from_request(request: Request, api: &Api) -> Result<Self, Problem> {
        media_type(request.headers())?;
        let limit = api.limits().body_bytes;
        announced(request.headers(), limit)?;
        let read = tokio::time::timeout(api.limits().body_within, Bytes::from_request(request, &()));
        let bytes = match read.await {
            Ok(Ok(bytes)) => bytes,
            Ok(Err(rejection)) if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE => {
                return Err(too_large(limit));
            }
            Ok(Err(_)) => return Err(malformed("the body ended before it was complete")),
            Err(_) => {
                return Err(Problem::new(
                    Code::RequestTimeout,
                    "the body did not arrive in time; send it again",
                ));
            }
        };
        let value = strict(&bytes)?;
        let mut errors = Vec::new();
        card_numbers(&value, &mut String::new(), &mut errors);
        if errors.is_empty() { Ok(Self(value)) } else { Err(card_number_refused(errors)) }
    }
}

fn media_type(headers: &HeaderMap) -> Result<(), Problem> {
    let declared =
        headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let mut parts = declared.split(';').map(str::trim);
    let is_json = parts.next().is_some_and(|kind| kind.eq_ignore_ascii_case("application/json"));
    let is_utf8 = parts.all(|part| match part.split_once('=') {
        Some((name, value)) if name.eq_ignore_ascii_case("charset") => {
            value.trim_matches('"').eq_ignore_ascii_case("utf-8")
        }
        Some(_) | None => true,
    });
    if is_json && is_utf8 && headers.get(header::CONTENT_ENCODING).is_none() {
        return Ok(());
    }
    let detail = "send the body as application/json in UTF-8, without content encoding";
    Err(Problem::new(Code::UnsupportedMediaType, detail)
        .with_errors(vec![FieldError::of("Content-Type", detail)]))
}

/// A body that says it is too large is not read at all.
fn announced(headers: &HeaderMap, limit: usize) -> Result<(), Problem> {
    let length =
        headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    match length {
        Some(length) if usize::try_from(length).map_or(true, |length| length > limit) => {
            Err(too_large(limit))
        }
        Some(_) | None => Ok(()),
    }
}

fn too_large(limit: usize) -> Problem {
    Problem::new(Code::BodyTooLarge, format!("a body has at most {limit} bytes"))
}

fn malformed(detail: impl Into<String>) -> Problem {
    Problem::new(Code::MalformedJson, detail)
}

fn card_number_refused(errors: Vec<FieldError>) -> Problem {
    let detail =
        "card numbers are never taken; send the issuer's token, and of the card its bin and last4 only";
    Problem::new(Code::CardNumberRefused, detail).with_errors(errors)
}

/// A header or part of the path that holds a card number.
pub fn refuse_card_number(parameter: &'static str, text: &str) -> Result<(), Problem> {
    if card_number::is_in(text) {
        return Err(card_number_refused(vec![FieldError::of(
            parameter,
            "holds what looks like a card number",
        )]));
    }
    Ok(())
}

/// JSON in which no object has a key twice.
pub(crate) fn strict(bytes: &[u8]) -> Result<Value, Problem> {
    parse(bytes).map(|Strict(value)| value)
}

fn parse(bytes: &[u8]) -> Result<Strict, Problem> {
    let text = std::str::from_utf8(bytes)
        .map_err(|error| malformed(format!("the body is not UTF-8 at byte {}", error.valid_up_to())))?;
    serde_json::from_str(text).map_err(|error| {
        let place = format!("line {} column {}", error.line(), error.column());
        // the parser's own words may quote the body
        let what = if error.to_string().starts_with(DOUBLED) { DOUBLED } else { "this is no JSON" };
        malformed(format!("{what} at {place}"))
    })
}

const DOUBLED: &str = "a key stands twice in one object";

/// Every text that holds a card number, by the place it stands at; a key is named by the object it is in.
fn card_numbers(value: &Value, pointer: &mut String, errors: &mut Vec<FieldError>) {
    match value {
        Value::String(text) if card_number::is_in(text) => {
            errors.push(FieldError::at(pointer.as_str(), "holds what looks like a card number"));
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                nested(pointer, &index.to_string(), |pointer| card_numbers(item, pointer, errors));
            }
        }
        Value::Object(map) => {
            for (key, item) in map {
                if card_number::is_in(key) {
                    errors
                        .push(FieldError::at(pointer.as_str(), "a key holds what looks like a card number"));
                } else {
                    nested(pointer, key, |pointer| card_numbers(item, pointer, errors));
                }
            }
        }
        Value::String(_) | Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Goes one step down a JSON pointer, and up again.
pub fn nested<T>(pointer: &mut String, step: &str, then: impl FnOnce(&mut String) -> T) -> T {
    let length = pointer.len();
    pointer.push('/');
    pointer.push_str(&step.replace('~', "~0").replace('/', "~1"));
    let result = then(pointer);
    pointer.truncate(length);
    result
}

/// A JSON value in which no object has a key twice.
struct Strict(Value);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(StrictVisitor)
    }
}

struct StrictVisitor;

impl<'de> Visitor<'de> for StrictVisitor {
    type Value = Strict;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Strict, E> {
        Ok(Strict(Value::Null))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Strict, E> {
        Ok(Strict(Value::Bool(value)))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Strict, E> {
        Ok(Strict(Value::Number(value.into())))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Strict, E> {
        Ok(Strict(Value::Number(value.into())))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Strict, E> {
        Ok(Strict(Number::from_f64(value).map_or(Value::Null, Value::Number)))
    }

    fn visit_str<E>(self, value: &str) -> Result<Strict, E> {
        Ok(Strict(Value::String(value.to_owned())))
    }

    fn visit_string<E>(self, value: String) -> Result<Strict, E> {
        Ok(Strict(Value::String(value)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Strict, A::Error> {
        let mut array = Vec::new();
        while let Some(Strict(item)) = items.next_element()? {
            array.push(item);
        }
        Ok(Strict(Value::Array(array)))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Strict, A::Error> {
        let mut map = Map::new();
        while let Some((key, Strict(value))) = entries.next_entry::<String, Strict>()? {
            if map.insert(key, value).is_some() {
                return Err(A::Error::custom(DOUBLED));
            }
        }
        Ok(Strict(Value::Object(map)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_doubled_key_and_bad_utf8_are_refused_with_their_place() {
        let doubled = parse(br#"{"a": 1, "b": {"x": 1, "x": 2}}"#).map(|_| ()).unwrap_err();
        assert!(doubled.detail.starts_with(DOUBLED), "{}", doubled.detail);
        let broken = parse(b"{\"a\": \"\xff\"}").map(|_| ()).unwrap_err();
        assert_eq!(broken.detail, "the body is not UTF-8 at byte 7");
        let quoted = parse(b"4111111111111111x").map(|_| ()).unwrap_err();
        assert!(!quoted.detail.contains("4111"), "{}", quoted.detail);
    }

    #[test]
    fn a_card_number_is_found_wherever_it_stands() {
        let value = serde_json::json!({"a": ["x", {"b/c": "4111 1111 1111 1111"}], "4111111111111111": 1});
        let mut errors = Vec::new();
        card_numbers(&value, &mut String::new(), &mut errors);
        let places: Vec<_> = errors.iter().map(|error| error.pointer.clone().unwrap()).collect();
        assert_eq!(places, ["", "/a/1/b~1c"]);
    }
}
