//! Fuzz targets of what issuers answer and operators write. Each is a test that runs with random input; under `cargo bolero
//! test -p issuer-gateway fuzz::NAME` it goes on for as long as it is let.

use bolero::{TypeGenerator, check};
use ledger_core::card_number;
use ledger_core::payment::fact::{AttemptKind, Method, ResultOutcome};
use serde_json::{Map, Value, json};

use crate::timeouts::Timeouts;
use crate::wire::{Message, read};

#[derive(Debug, Clone, TypeGenerator)]
struct Answer {
    kind: u8,
    result: u8,
    auth_no: Option<Text>,
    code: Option<Text>,
    trace_no: Option<bool>,
    account_no: Option<Text>,
    more: Option<String>,
}

#[derive(Debug, Clone, TypeGenerator)]
enum Text {
    Any(String),
    Digits(u64),
    Card(u8),
}

impl Text {
    fn value(&self) -> Value {
        let cards = ["4111111111111111", "4111-1111-1111-1111", "A4111111111111111", "4111.1111.1111.1111"];
        match self {
            Self::Any(text) => json!(text),
            Self::Digits(number) => json!(number.to_string()),
            Self::Card(at) => json!(cards[usize::from(*at) % cards.len()]),
        }
    }
}

const RESULTS: [&str; 9] =
    ["APPROVED", "DECLINED", "REVERSED", "NO_ORIGINAL", "TOO_LATE", "CANCELED", "ISSUED", "approved", ""];

impl Answer {
    fn text(&self) -> String {
        let mut fields = Map::new();
        fields.insert("result".to_owned(), json!(RESULTS[usize::from(self.result) % RESULTS.len()]));
        let mut put = |name: &str, value: Option<Value>| {
            value.map(|value| fields.insert(name.to_owned(), value));
        };
        put("authNo", self.auth_no.as_ref().map(Text::value));
        put("code", self.code.as_ref().map(Text::value));
        put("traceNo", self.trace_no.map(|ours| json!(if ours { "t-1" } else { "t-2" })));
        put("more", self.more.as_ref().map(|more| json!(more)));
        put(
            "account",
            self.account_no.as_ref().map(
                |no| json!({"bankCode": "088", "accountNo": no.value(), "dueAt": "2026-12-01T00:00:00Z"}),
            ),
        );
        Value::Object(fields).to_string()
    }
}

fn message(kind: u8) -> Message {
    let kinds = [
        (AttemptKind::Auth, Method::Card),
        (AttemptKind::Auth, Method::VirtualAccount),
        (AttemptKind::Cancel, Method::Card),
        (AttemptKind::NetCancel, Method::Card),
        (AttemptKind::Inquiry, Method::Card),
    ];
    let (kind, method) = kinds[usize::from(kind) % kinds.len()];
    Message { kind, method, path: "/", trace_no: "t-1".to_owned(), body: Vec::new() }
}

/// What an answer is read as holds only what the answer says to the letter, and nothing that must not be kept.
fn sound(message: &Message, body: &[u8]) {
    let reading = read(message, body);
    for text in [&reading.issuer_ref, &reading.issuer_code].into_iter().flatten() {
        assert!(
            (1..=64).contains(&text.len()) && text.is_ascii() && !card_number::is_in(text),
            "{text} was taken"
        );
    }
    if let Some(account) = &reading.account {
        assert!(!card_number::is_in(&account.account_no), "{account:?} was taken");
    }
    if reading.outcome == ResultOutcome::Garbled {
        return;
    }
    let said: Value = serde_json::from_slice(body).unwrap();
    let result = reading.outcome.code();
    assert_eq!(said["result"], result);
    assert!(said["traceNo"].is_null() || said["traceNo"] == "t-1");
    assert_eq!(reading.issuer_ref.as_deref(), said["authNo"].as_str());
    // an inquiry is told of an approval that stands; nothing else but the authorization itself is
    let (is_approved, is_issued) =
        (reading.outcome == ResultOutcome::Approved, reading.outcome == ResultOutcome::Issued);
    assert!(!is_approved || matches!(message.kind, AttemptKind::Auth | AttemptKind::Inquiry));
    assert!(!is_issued || message.kind == AttemptKind::Auth);
    assert!(!(is_approved || is_issued) || reading.issuer_ref.is_some());
}

#[test]
fn any_bytes_are_read_or_garbled() {
    check!().with_type::<(u8, Vec<u8>)>().for_each(|(kind, body)| sound(&message(*kind), body));
}

#[test]
fn an_answer_is_taken_to_the_letter_or_not_at_all() {
    check!().with_type::<Answer>().for_each(|answer| sound(&message(answer.kind), answer.text().as_bytes()));
}

/// One number of the file replaced by any other: it is refused, or checked, whatever its size; and nothing panics.
#[test]
fn any_number_in_timeouts_is_refused_or_checked() {
    let shipped = include_str!("../../deploy/timeouts.toml");
    let lines: Vec<_> = shipped.lines().collect();
    check!().with_type::<(u8, u64, bool)>().for_each(|(at, number, cut)| {
        let at = usize::from(*at) % lines.len();
        let mut lines: Vec<_> = lines.iter().map(|line| (*line).to_owned()).collect();
        match lines[at].split_once('=').map(|(name, _)| name.to_owned()) {
            Some(name) if !cut => lines[at] = format!("{name}= {number}"),
            Some(_) | None => drop(lines.remove(at)),
        }
        if let Ok(timeouts) = Timeouts::parse(&lines.join("\n")) {
            let faults = timeouts.check();
            assert!(faults.len() <= 9 && timeouts.ledger_worst_ms(8) >= timeouts.ledger_worst_ms(1));
        }
    });
}

#[test]
fn any_text_is_timeouts_or_refused() {
    check!().with_type::<String>().for_each(|text| assert!(Timeouts::parse(text).is_err()));
}
