//! Fuzz targets of what callers send. Each is a test that runs with random input; under `cargo bolero test -p ledger-api
//! fuzz::NAME` it goes on for as long as it is let.

use std::collections::BTreeMap;

use axum::http::Uri;
use bolero::{TypeGenerator, check};
use chrono::{DateTime, TimeDelta};
use ledger_core::ids::Slot;
use ledger_core::money::MAX_AMOUNT;
use ledger_core::store::idempotency::Operation;
use serde_json::{Map, Value, json};

use crate::body::strict;
use crate::cursor::{CursorKey, Lists, Place, Scope};
use crate::fields;
use crate::idempotency::{Use, claim};
use crate::query::Query;
use crate::routes::payments::{cancel, confirm, create};

/// A value of JSON with what our bodies are made of more often than chance would have it.
#[derive(Debug, Clone, TypeGenerator)]
enum Node {
    Null,
    Flag(bool),
    Small(u8),
    Signed(i64),
    Unsigned(u64),
    Text(String),
    Word(u8),
    List(Vec<Leaf>),
    Object(Vec<(u8, Leaf)>),
    Objects(Vec<Vec<(u8, Leaf)>>),
}

#[derive(Debug, Clone, TypeGenerator)]
enum Leaf {
    Null,
    Flag(bool),
    Small(u8),
    Signed(i64),
    Text(String),
    Word(u8),
    Object(Vec<(u8, u8)>),
}

const KEYS: [&str; 24] = [
    "orderId",
    "currency",
    "totalAmount",
    "taxFreeAmount",
    "approvals",
    "method",
    "issuerId",
    "amount",
    "card",
    "bin",
    "last4",
    "methodToken",
    "installmentMonths",
    "partialCancelable",
    "cancelAmount",
    "expectedBalance",
    "reason",
    "allocation",
    "allocations",
    "leg",
    "dryRun",
    "refundAccount",
    "confirm",
    "amuont",
];
const WORDS: [&str; 14] = [
    "KRW",
    "USD",
    "CARD",
    "POINTS",
    "TRANSFER",
    "VIRTUAL_ACCOUNT",
    "PRORATA",
    "REFUND_ORDER",
    "order-1",
    "issuer",
    "411111",
    "1111",
    "4111111111111111",
    "one item returned",
];

fn key(at: u8) -> String {
    KEYS[usize::from(at) % KEYS.len()].to_owned()
}

fn word(at: u8) -> Value {
    json!(WORDS[usize::from(at) % WORDS.len()])
}

impl Leaf {
    fn value(&self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Flag(flag) => json!(flag),
            Self::Small(number) => json!(number),
            Self::Signed(number) => json!(number),
            Self::Text(text) => json!(text),
            Self::Word(at) => word(*at),
            Self::Object(entries) => entries.iter().map(|(name, at)| (key(*name), word(*at))).collect(),
        }
    }
}

impl Node {
    fn value(&self) -> Value {
        let object = |entries: &Vec<(u8, Leaf)>| -> Value {
            entries.iter().map(|(name, leaf)| (key(*name), leaf.value())).collect()
        };
        match self {
            Self::Null => Value::Null,
            Self::Flag(flag) => json!(flag),
            Self::Small(number) => json!(number),
            Self::Signed(number) => json!(number),
            Self::Unsigned(number) => json!(number),
            Self::Text(text) => json!(text),
            Self::Word(at) => word(*at),
            Self::List(items) => items.iter().map(Leaf::value).collect(),
            Self::Object(entries) => object(entries),
            Self::Objects(items) => items.iter().map(object).collect(),
        }
    }
}

fn body(entries: &[(u8, Node)]) -> Value {
    Value::Object(entries.iter().map(|(name, node)| (key(*name), node.value())).collect::<Map<_, _>>())
}

/// What is taken is JSON, is the same when it is written and read again, and has no key twice.
#[test]
fn a_body_is_read_as_it_is_written() {
    check!().for_each(|bytes: &[u8]| {
        let Ok(value) = strict(bytes) else { return };
        assert_eq!(serde_json::from_slice::<Value>(bytes).unwrap(), value);
        let written = serde_json::to_vec(&value).unwrap();
        assert_eq!(strict(&written).unwrap(), value);
    });
}

#[test]
fn a_body_of_our_words_is_read_as_it_is_written() {
    check!().with_type::<Vec<(u8, Node)>>().for_each(|entries| {
        let value = body(entries);
        assert_eq!(strict(value.to_string().as_bytes()).unwrap(), value);
        let twice = value.to_string().replacen('{', "{\"orderId\":1,\"orderId\":2,", 1).replace(",}", "}");
        assert!(strict(twice.as_bytes()).is_err(), "{twice}");
    });
}

/// A grammar of its own for what an endpoint may take: whatever it takes, has no other names and no other kinds.
fn plain(value: &Value, names: &[&str]) {
    match value {
        Value::Object(map) => {
            for (name, item) in map {
                assert!(names.contains(&name.as_str()), "{name} was taken");
                plain(item, names);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| plain(item, names)),
        Value::Number(number) => {
            let units = number.as_i64().unwrap();
            assert!((0..=MAX_AMOUNT).contains(&units), "{units} was taken");
        }
        Value::String(text) => {
            assert!(!text.is_empty() && !text.chars().any(char::is_control), "{text:?} was taken");
        }
        Value::Null => panic!("null was taken"),
        Value::Bool(_) => {}
    }
}

#[test]
fn no_endpoint_takes_a_body_beyond_its_grammar() {
    let leg = [
        "approvals",
        "method",
        "issuerId",
        "amount",
        "taxFreeAmount",
        "card",
        "bin",
        "last4",
        "methodToken",
        "installmentMonths",
        "partialCancelable",
    ];
    check!().with_type::<Vec<(u8, Node)>>().for_each(|entries| {
        let value = body(entries);
        if let Ok(taken) = create::read(&value, "m-1") {
            let intent = ["orderId", "currency", "totalAmount", "taxFreeAmount", "confirm"];
            plain(&value, &[intent.as_slice(), &leg].concat());
            assert!(!taken.create.total.is_zero() && taken.create.tax_free <= taken.create.total);
        }
        if let Ok(taken) = confirm::read(&value) {
            plain(&value, &leg);
            assert!(
                (1..=8).contains(&taken.legs.len()) && taken.legs.iter().all(|leg| !leg.amount.is_zero())
            );
        }
        if cancel::read(&value).is_ok() {
            let names = [
                "cancelAmount",
                "taxFreeAmount",
                "expectedBalance",
                "reason",
                "allocation",
                "allocations",
                "leg",
                "amount",
                "dryRun",
                "refundAccount",
                "bankCode",
                "token",
                "holder",
            ];
            plain(&value, &names);
        }
    });
}

/// An amount is what `[1-9][0-9]*` up to the limit says, and nothing else.
#[test]
fn an_amount_is_digits_and_nothing_else() {
    check!().with_type::<(u8, i64, String)>().for_each(|(kind, number, text)| {
        let text = match kind % 4 {
            0 => number.to_string(),
            1 => format!("{number}.0"),
            2 => format!("{number}e{}", number % 4),
            _ => text.chars().filter(|c| "0123456789-+.eE".contains(*c)).collect(),
        };
        let Ok(value) = serde_json::from_str::<Value>(&text) else { return };
        let digits = text.bytes().all(|b| b.is_ascii_digit()) && !text.starts_with('0');
        let within = text.parse::<i64>().is_ok_and(|units| (1..=MAX_AMOUNT).contains(&units));
        assert_eq!(fields::amount(&value).is_ok(), digits && within, "{text}");
        if let Ok(amount) = fields::amount(&value) {
            assert_eq!(amount.to_string(), text);
        }
    });
}

/// A cursor opens as it was sealed, for its own list, and no other text opens at all.
#[test]
fn a_cursor_is_ours_to_the_letter_or_none() {
    let lists =
        Lists::new(vec![CursorKey::parse(&"7".repeat(64)).unwrap()], TimeDelta::hours(24), TimeDelta::zero());
    let now = DateTime::from_timestamp_micros(1_795_000_000_000_000).unwrap();
    let scope = Scope { merchant_id: "m-1", list: "payments", filter: "status=DONE" };
    check!().with_type::<(u32, Vec<u8>, u16, u8, String)>().for_each(|(ago, after, at, put, noise)| {
        let began = now - TimeDelta::seconds(i64::from(ago % 80_000));
        let place = Place { as_of: began, began, after: after.iter().copied().take(64).collect() };
        let cursor = lists.seal(scope, &place).unwrap();
        assert_eq!(lists.open(scope, &cursor, now).unwrap(), place);
        for other in [
            Scope { merchant_id: "m-2", ..scope },
            Scope { list: "transactions", ..scope },
            Scope { filter: "status=READY", ..scope },
        ] {
            assert!(lists.open(other, &cursor, now).is_err());
        }
        let at = usize::from(*at) % cursor.len();
        let put = char::from(b"0123456789abcdefABCDEFx "[usize::from(*put) % 24]);
        let changed: String =
            cursor.char_indices().map(|(here, c)| if here == at { put } else { c }).collect();
        assert!(
            changed == cursor || lists.open(scope, &changed, now).is_err(),
            "{changed} was taken for {cursor}"
        );
        for text in [&cursor[..at], &cursor.to_uppercase(), &format!("{cursor}0"), noise] {
            assert!(*text == cursor || lists.open(scope, text, now).is_err(), "{text} was taken");
        }
    });
}

/// What is taken of a query are the parameters that are known, each once.
#[test]
fn a_query_holds_what_is_known_once_or_is_refused() {
    let names = ["limit", "cursor", "status", "a"];
    let now = DateTime::UNIX_EPOCH;
    check!().with_type::<Vec<(u8, u8)>>().for_each(|pairs| {
        let text = |(name, value): &(u8, u8)| {
            let value = ["", "1", "%31", "a%20b", "%zz", "%ff", "x=y", "+"][usize::from(*value) % 8];
            format!("{}={value}", names[usize::from(*name) % 4])
        };
        let query = pairs.iter().map(text).collect::<Vec<_>>().join("&");
        let uri: Uri = format!("/v1/payments?{query}").parse().unwrap();
        if Query::parse(&uri, &["limit", "cursor", "status"], now).is_ok() {
            let asked: Vec<_> = pairs.iter().map(|(name, _)| usize::from(*name) % 4).collect();
            let unlike = (1..asked.len()).all(|at| !asked[..at].contains(&asked[at]));
            assert!(unlike && !asked.contains(&3), "{query} was taken");
        }
    });
}

/// Two bodies have one fingerprint exactly when they are one body; the fields that differ are those that do.
#[test]
fn a_fingerprint_is_of_one_body() {
    check!().with_type::<(Vec<(u8, Node)>, Vec<(u8, Node)>)>().for_each(|(one, other)| {
        let (one, other) = (body(one), body(other));
        let slot = Slot::of("m-1", "o-1");
        let used =
            Use { merchant_id: "m-1", operation: Operation::Create, path: "/v1/payments", key: "k", slot };
        let (a, b) = (claim(used, &one), claim(used, &other));
        assert_eq!(a.fingerprint == b.fingerprint, one == other, "{one} and {other}");
        let differ = |from: &BTreeMap<String, String>, to: &BTreeMap<String, String>| {
            from.iter().any(|(pointer, hash)| to.get(pointer) != Some(hash))
        };
        assert_eq!(differ(&a.fields, &b.fields) || differ(&b.fields, &a.fields), one != other);
    });
}

/// A card number is seen in every dress, wherever it stands.
#[test]
fn a_card_number_in_a_body_is_refused() {
    check!().with_type::<(String, u64, u8, String)>().for_each(|(before, number, dress, after)| {
        let mut digits = format!("4{:014}", number % 100_000_000_000_000);
        let sum: u64 = digits
            .bytes()
            .rev()
            .map(|b| u64::from(b - b'0'))
            .enumerate()
            .map(|(at, digit)| if at % 2 == 1 { digit } else { digit * 2 / 10 + digit * 2 % 10 })
            .sum();
        digits.push_str(&((10 - sum % 10) % 10).to_string());
        let separator = ["", " ", "-", ".", "_", "/", "\u{a0}", "–"][usize::from(dress % 8)];
        let dressed = [&digits[..4], &digits[4..8], &digits[8..12], &digits[12..]].join(separator);
        let outside = |text: &str| {
            text.chars().filter(|c| c.is_alphabetic() && !c.is_ascii_hexdigit()).collect::<String>()
        };
        let text = format!("{}!{dressed}!{}", outside(before), outside(after));
        assert!(ledger_core::card_number::is_in(&text), "{text}");
    });
}
