//! Idempotency keys: required on every POST, claimed by merchant, method, path and key. Of a body only hashes are kept:
//! one of the whole, and one per field, to name the fields in which a second body differs.

use std::collections::BTreeMap;

use axum::http::HeaderMap;
use ledger_core::ids::Slot;
use ledger_core::store::idempotency::{Claim, Operation};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::body::{nested, refuse_card_number};
use crate::problem::{Code, FieldError, Problem};

/// The header.
pub const HEADER: &str = "Idempotency-Key";
const LONGEST: usize = 300;
/// Keeps these hashes apart from every other use of SHA-256.
const CLAIM_DOMAIN: &str = "ledger.claim.v1";

/// The key of a request.
pub fn key(headers: &HeaderMap) -> Result<&str, Problem> {
    let mut values = headers.get_all(HEADER).iter();
    let Some(value) = values.next() else {
        let detail = "every POST needs an Idempotency-Key of 1 to 300 printable ASCII characters, new for each operation";
        return Err(Problem::new(Code::IdempotencyKeyMissing, detail)
            .with_errors(vec![FieldError::of(HEADER, "is missing")]));
    };
    let printable = |b: u8| b == b' ' || b.is_ascii_graphic();
    let key =
        value.to_str().ok().filter(|key| (1..=LONGEST).contains(&key.len()) && key.bytes().all(printable));
    match key {
        Some(key) if values.next().is_none() => {
            refuse_card_number(HEADER, key)?;
            Ok(key)
        }
        Some(_) | None => {
            let detail = "1 to 300 printable ASCII characters are expected, once";
            Err(Problem::new(Code::IdempotencyKeyInvalid, detail)
                .with_errors(vec![FieldError::of(HEADER, detail)]))
        }
    }
}

/// What a key is used for.
#[derive(Debug, Clone, Copy)]
pub struct Use<'a> {
    /// Whose key.
    pub merchant_id: &'a str,
    /// The operation.
    pub operation: Operation,
    /// The path in its canonical form.
    pub path: &'a str,
    /// The key.
    pub key: &'a str,
    /// Slot of the payment.
    pub slot: Slot,
}

/// The claim of a key with a body.
pub fn claim(used: Use<'_>, body: &Value) -> Claim {
    let mut fields = BTreeMap::new();
    let mut fingerprint = Sha256::new();
    let mut leaves = BTreeMap::new();
    flatten(body, &mut String::new(), &mut leaves);
    for (pointer, value) in leaves {
        hash_part(&mut fingerprint, &pointer);
        hash_part(&mut fingerprint, &value);
        let short: [u8; 32] = Sha256::digest(value.as_bytes()).into();
        fields.insert(pointer, hex::encode(&short[..8]));
    }
    let mut id = Sha256::new();
    for part in [CLAIM_DOMAIN, used.merchant_id, "POST", used.path, used.key] {
        hash_part(&mut id, part);
    }
    Claim {
        claim_id: id.finalize().into(),
        slot: used.slot,
        merchant_id: used.merchant_id.to_owned(),
        operation: used.operation,
        fingerprint: fingerprint.finalize().into(),
        fields,
    }
}

/// Lengths keep neighbours apart.
fn hash_part(hash: &mut Sha256, part: &str) {
    hash.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
    hash.update(part.as_bytes());
}

/// Every leaf of a body by its pointer, in the order of pointers: what the order of keys or blanks was does not matter.
fn flatten(value: &Value, pointer: &mut String, leaves: &mut BTreeMap<String, String>) {
    match value {
        Value::Object(map) if !map.is_empty() => {
            for (key, item) in map {
                nested(pointer, key, |pointer| flatten(item, pointer, leaves));
            }
        }
        Value::Array(items) if !items.is_empty() => {
            for (index, item) in items.iter().enumerate() {
                nested(pointer, &index.to_string(), |pointer| flatten(item, pointer, leaves));
            }
        }
        Value::Object(_)
        | Value::Array(_)
        | Value::Null
        | Value::Bool(_)
        | Value::Number(_)
        | Value::String(_) => {
            leaves.insert(pointer.clone(), value.to_string());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn used<'a>(path: &'a str, key: &'a str) -> Use<'a> {
        let slot = Slot::of("m-1", "o-1");
        Use { merchant_id: "m-1", operation: Operation::Create, path, key, slot }
    }

    #[test]
    fn the_order_of_keys_does_not_matter_and_values_do() {
        let text = |text: &str| serde_json::from_str::<Value>(text).unwrap_or_default();
        let one = claim(used("/v1/payments", "k"), &text(r#"{"a": 1, "b": [{"c": "x"}]}"#));
        let two = claim(used("/v1/payments", "k"), &text(r#"{ "b": [{"c":"x"}], "a":1}"#));
        let three = claim(used("/v1/payments", "k"), &text(r#"{"a": 1, "b": [{"c": "y"}]}"#));
        assert_eq!(
            (one.claim_id, one.fingerprint, &one.fields),
            (two.claim_id, two.fingerprint, &two.fields)
        );
        assert_ne!(one.fingerprint, three.fingerprint);
        assert_eq!(one.fields["/a"], three.fields["/a"]);
        assert_ne!(one.fields["/b/0/c"], three.fields["/b/0/c"]);
    }

    #[test]
    fn lengths_keep_path_and_key_apart() {
        let body = json!({});
        assert_ne!(claim(used("/a", "b/c"), &body).claim_id, claim(used("/a/b", "/c"), &body).claim_id);
    }

    #[test]
    fn an_empty_list_is_not_a_missing_field() {
        let empty = claim(used("/a", "k"), &json!({"approvals": []}));
        assert_ne!(empty.fingerprint, claim(used("/a", "k"), &json!({})).fingerprint);
    }
}
