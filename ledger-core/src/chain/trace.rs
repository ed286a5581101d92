//! Which row of a change was tampered with. A digest says that a change is not what was written; what still says the same
//! as when it was written — the journal, the digest of the events, the digest in the next change — says which row it was, and
//! often what stood there.

use std::collections::{BTreeSet, HashSet};

use serde_json::Value;

use crate::change::{Change, digest_over};
use crate::history::HistoryEntry;
use crate::journal::JournalLine;
use crate::payment::fact::{Fact, LinkKind, Ruling, ShareOutcome, Verdict};
use crate::store::rows::{key_of, row_of};

/// What stands in the tables beside the facts of a change, and would follow from them.
#[derive(Debug, Clone, Default)]
pub struct Kept {
    pub event_digest: Option<[u8; 32]>,
    pub previous_digest: Option<[u8; 32]>,
    pub journal: Vec<JournalLine>,
}

/// A row that is not as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tampered {
    pub table: String,
    /// Its key within the payment.
    pub row: String,
    pub what: String,
}

impl Tampered {
    fn new(table: &str, row: impl Into<String>, what: impl Into<String>) -> Self {
        Self { table: table.to_owned(), row: row.into(), what: what.into() }
    }

    fn change(seq: u32, what: impl Into<String>) -> Self {
        Self::new("payment_change", format!("seq {seq}"), what)
    }

    fn fact(fact: &Fact, what: impl Into<String>) -> Self {
        let (table, row) = row_of(fact);
        Self::new(table.name(), key_of(&row), what)
    }
}

/// What is said of a change whose own digest was altered.
pub const DIGEST_ALTERED: &str = "digest is not the one that the change after names";

/// Values that other rows of the payment hold, and that may have stood where something else stands now: as JSON.
pub type Donors = BTreeSet<String>;

/// The values of all facts and lines of a payment.
pub fn donors<'a>(
    entries: impl Iterator<Item = &'a HistoryEntry>,
    facts: &[(u32, Fact)],
    kept: &[&Kept],
) -> Donors {
    let mut donors: Donors = CODES.iter().map(|code| format!("\"{code}\"")).collect();
    donors.insert("null".to_owned());
    for (_, fact) in facts {
        collect(&serde_json::to_value(fact).unwrap_or_default(), &mut donors);
    }
    for line in kept.iter().flat_map(|kept| &kept.journal) {
        collect(&serde_json::to_value(line).unwrap_or_default(), &mut donors);
    }
    for entry in entries {
        let row = &entry.row;
        for text in [&row.command, &row.actor] {
            donors.insert(Value::from(text.as_str()).to_string());
        }
        donors.insert(row.recorded_at.timestamp_micros().to_string());
        donors.insert(serde_json::to_string(&row.recorded_at).unwrap_or_default());
    }
    let times: Vec<String> = donors.iter().filter_map(|text| micros(text)).collect();
    donors.extend(times);
    let numbers: Vec<i64> = donors.iter().filter_map(|text| text.parse().ok()).collect();
    for number in numbers {
        let near =
            [number.checked_sub(1), number.checked_add(1), number.checked_neg(), number.checked_mul(10)];
        donors.extend(near.into_iter().flatten().map(|number| number.to_string()));
    }
    donors
}

/// A time as the digest of a change has it.
fn micros(text: &str) -> Option<String> {
    let time = chrono::DateTime::parse_from_rfc3339(text.trim_matches('"')).ok()?;
    Some(time.timestamp_micros().to_string())
}

/// Codes that a row may have held when no other row of the payment does.
const CODES: &[&str] = &[
    "ABORTED",
    "ACCEPT",
    "APPROVED",
    "CANCELED",
    "CARD",
    "CONFIRMED",
    "DECLINED",
    "DONE",
    "EXPIRED",
    "FAILED",
    "LEGACY",
    "LIVE",
    "POINTS",
    "REVERSED",
    "TIMEOUT",
    "VOIDED",
    "VOIDED_PROVISIONAL",
];

fn collect(value: &Value, donors: &mut Donors) {
    match value {
        Value::Object(fields) => {
            for value in fields.values() {
                collect(value, donors);
            }
        }
        Value::Array(values) => {
            for value in values {
                collect(value, donors);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            donors.insert(value.to_string());
        }
    }
}

/// The rows of a change that are not as they were written. `before` and `after` are the digest in the change before and the
/// one that the change after names. Nothing is found of a change whose rows are all as they were.
pub fn tampered(
    entry: &HistoryEntry,
    kept: &Kept,
    before: Option<[u8; 32]>,
    after: Option<[u8; 32]>,
    donors: &Donors,
) -> Vec<Tampered> {
    let seq = entry.row.seq;
    let mut found = Vec::new();
    if kept.previous_digest != before {
        found.push(Tampered::change(seq, "previous_digest is not the digest of the change before"));
    }
    if entry.is_intact() {
        found.extend(lines(seq, &entry.change.journal, &kept.journal));
        if kept.event_digest != entry.change.event_digest {
            found.push(Tampered::change(
                seq,
                "event_digest is not that of the events that follow from the facts",
            ));
        }
        return found;
    }
    // as it stands in the tables: right in itself when only an earlier change was tampered with
    let mut standing = entry.change.clone();
    (standing.journal, standing.event_digest) = (kept.journal.clone(), kept.event_digest);
    let digest = standing.chained_digest();
    if digest == entry.row.digest {
        return found;
    }
    if after == Some(digest) {
        found.push(Tampered::change(seq, DIGEST_ALTERED));
        return found;
    }
    found.extend(
        inserted(&standing, entry.row.digest).or_else(|| altered(&standing, entry.row.digest, donors)),
    );
    found
}

/// Lines that follow from the facts and do not stand there, and the other way round.
fn lines(seq: u32, derived: &[JournalLine], stands: &[JournalLine]) -> Vec<Tampered> {
    let row = |line: &JournalLine| format!("seq {seq}, line_no {}", line.line_no);
    let same_place = |a: &JournalLine, b: &JournalLine| a.line_no == b.line_no;
    let mut found = Vec::new();
    for line in derived {
        match stands.iter().find(|other| same_place(line, other)) {
            Some(other) if other == line => {}
            Some(_) => {
                found.push(Tampered::new("journal_line", row(line), "is not what follows from the facts"));
            }
            None => found.push(Tampered::new("journal_line", row(line), "is gone")),
        }
    }
    let extra = stands.iter().filter(|line| !derived.iter().any(|other| same_place(line, other)));
    found.extend(extra.map(|line| Tampered::new("journal_line", row(line), "follows from no fact")));
    found
}

/// The fact without which the digest is right.
fn inserted(standing: &Change, digest: [u8; 32]) -> Option<Tampered> {
    (0..standing.facts.len()).find_map(|place| {
        let mut without = standing.clone();
        let fact = without.facts.remove(place);
        (without.chained_digest() == digest)
            .then(|| Tampered::fact(&fact, "was not written with this change"))
    })
}

/// The value with another one in place of which the digest is right.
fn altered(standing: &Change, digest: [u8; 32], donors: &Donors) -> Option<Tampered> {
    let covered = String::from_utf8(standing.digested()).ok()?;
    let is_it = |text: &str| digest_over(standing.previous_digest, text.as_bytes()) == digest;
    let told = |name: &str, was: &str| format!("{name} was {was}");
    for fact in &standing.facts {
        let text = serde_json::to_string(fact).ok()?;
        for (name, value) in leaves(&serde_json::to_value(fact).ok()?) {
            let stands = format!("\"{name}\":{value}");
            for donor in donors.iter().filter(|donor| **donor != value) {
                let other = text.replacen(&stands, &format!("\"{name}\":{donor}"), 1);
                if is_it(&covered.replacen(&text, &other, 1)) {
                    return Some(Tampered::fact(fact, told(&name, donor)));
                }
            }
        }
    }
    for name in ["origin", "command", "actor", "recorded_at"] {
        let start = covered.find(&format!("\"{name}\":"))?;
        let value = covered.get(start + name.len() + 3..)?.split(',').next()?;
        let stands = format!("\"{name}\":{value}");
        for donor in donors {
            if is_it(&covered.replacen(&stands, &format!("\"{name}\":{donor}"), 1)) {
                return Some(Tampered::change(standing.seq, told(name, donor)));
            }
        }
    }
    None
}

/// Names and values of a fact, as JSON.
fn leaves(value: &Value) -> Vec<(String, String)> {
    match value {
        Value::Object(fields) => fields
            .iter()
            .flat_map(|(name, value)| match value {
                Value::Object(_) => leaves(value),
                Value::Array(_) | Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
                    vec![(name.clone(), value.to_string())]
                }
            })
            .collect(),
        Value::Array(_) | Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Vec::new(),
    }
}

/// A row that others speak of and that is not there.
pub fn missing(facts: &[(u32, Fact)], seq: u32, kept: &Kept) -> Option<Tampered> {
    let is_there = |found: &dyn Fn(&Fact) -> bool| facts.iter().any(|(_, fact)| found(fact));
    if !is_there(&|fact| matches!(fact, Fact::Payment(_))) {
        return Some(gone("payment", ""));
    }
    let referred =
        facts.iter().find_map(|(_, fact)| parent_of(fact, facts).or_else(|| companion_of(fact, facts)));
    if referred.is_some() {
        return referred;
    }
    let posts = facts.iter().any(|(at, fact)| {
        let posting = matches!(fact, Fact::PaymentVerdict(verdict) if verdict.verdict == Verdict::Confirmed)
            || matches!(
                fact,
                Fact::CancelOutcome(_)
                    | Fact::Deposit(_)
                    | Fact::DepositRefundOutcome(_)
                    | Fact::CorrectionVerdict(_)
            );
        *at == seq && posting
    });
    let opens = kept.journal.first().filter(|_| !posts)?;
    Some(gone(
        if opens.account.code() == "ISSUER_RECEIVABLE" { "payment_verdict" } else { "cancel_outcome" },
        "",
    ))
}

fn gone(table: &str, row: impl Into<String>) -> Tampered {
    Tampered::new(table, row, "is gone: other rows speak of it")
}

/// The row that a fact stands on, if it is gone.
#[expect(clippy::wildcard_enum_match_arm, reason = "other facts stand on nothing that could be missed here")]
fn parent_of(fact: &Fact, facts: &[(u32, Fact)]) -> Option<Tampered> {
    let any = |found: &dyn Fn(&Fact) -> bool| facts.iter().any(|(_, fact)| found(fact));
    let approval = |leg: u8| any(&|fact| matches!(fact, Fact::Approval(a) if a.leg_no == leg));
    let attempt = |leg: u8, kind, no: u16| {
        any(&|fact| matches!(fact, Fact::Attempt(a) if (a.leg_no, a.kind, a.attempt_no) == (leg, kind, no)))
    };
    match fact {
        Fact::Attempt(a) if !approval(a.leg_no) => Some(gone("approval", format!("leg_no {}", a.leg_no))),
        Fact::Result(r) if !attempt(r.leg_no, r.kind, r.attempt_no) => Some(gone(
            "attempt",
            format!("leg_no {}, kind {}, attempt_no {}", r.leg_no, r.kind, r.attempt_no),
        )),
        Fact::AttemptVerdict(v) => match v.ruling {
            Ruling::Accept { result_no } => {
                let there = any(
                    &|fact| matches!(fact, Fact::Result(r) if (r.leg_no, r.attempt_no, r.result_no) == (v.leg_no, v.attempt_no, result_no)),
                );
                let row = format!("leg_no {}, attempt_no {}, result_no {result_no}", v.leg_no, v.attempt_no);
                (!there).then(|| gone("attempt_result", row))
            }
            Ruling::Reject | Ruling::Abandon => None,
        },
        Fact::Contradiction(c) => {
            let there = any(
                &|fact| matches!(fact, Fact::Result(r) if (r.leg_no, r.kind, r.attempt_no, r.result_no) == (c.leg_no, c.kind, c.attempt_no, c.result_no)),
            );
            let row = format!(
                "leg_no {}, kind {}, attempt_no {}, result_no {}",
                c.leg_no, c.kind, c.attempt_no, c.result_no
            );
            (!there).then(|| gone("attempt_result", row))
        }
        Fact::NetworkCancelOutcome(o) => {
            let there = any(
                &|fact| matches!(fact, Fact::NetworkCancel(n) if (n.leg_no, n.attempt_no) == (o.leg_no, o.attempt_no)),
            );
            (!there)
                .then(|| gone("network_cancel", format!("leg_no {}, attempt_no {}", o.leg_no, o.attempt_no)))
        }
        Fact::CancelShare(s) => {
            let there = any(&|fact| matches!(fact, Fact::Cancellation(c) if c.cancel_no == s.cancel_no));
            (!there).then(|| gone("cancellation", format!("cancel_no {}", s.cancel_no)))
        }
        Fact::CancelOutcome(o) => {
            let there = any(
                &|fact| matches!(fact, Fact::CancelShare(s) if (s.cancel_no, s.leg_no) == (o.cancel_no, o.leg_no)),
            );
            (!there).then(|| gone("cancel_share", format!("cancel_no {}, leg_no {}", o.cancel_no, o.leg_no)))
        }
        Fact::BalanceLink(l) => {
            let last = l.link_no.checked_sub(1)?;
            let there = any(
                &|fact| matches!(fact, Fact::BalanceLink(b) if (b.leg_no, b.link_no) == (l.leg_no, last)),
            );
            (!there).then(|| gone("balance_link", format!("leg_no {}, link_no {last}", l.leg_no)))
        }
        _ => None,
    }
}

/// The row that always comes with a fact, if it is gone.
#[expect(clippy::wildcard_enum_match_arm, reason = "other facts stand on nothing that could be missed here")]
fn companion_of(fact: &Fact, facts: &[(u32, Fact)]) -> Option<Tampered> {
    let any = |found: &dyn Fn(&Fact) -> bool| facts.iter().any(|(_, fact)| found(fact));
    let link = |leg: u8, kind: LinkKind, cancel: Option<u16>| {
        any(
            &|fact| matches!(fact, Fact::BalanceLink(b) if (b.leg_no, b.kind, b.cancel_no) == (leg, kind, cancel)),
        )
    };
    match fact {
        Fact::AttemptVerdict(v) if v.ruling == Ruling::Abandon => {
            let there = any(
                &|fact| matches!(fact, Fact::NetworkCancel(n) if (n.leg_no, n.attempt_no) == (v.leg_no, v.attempt_no)),
            );
            (!there)
                .then(|| gone("network_cancel", format!("leg_no {}, attempt_no {}", v.leg_no, v.attempt_no)))
        }
        Fact::NetworkCancel(n) => {
            let there = any(
                &|fact| matches!(fact, Fact::AttemptVerdict(v) if (v.leg_no, v.attempt_no) == (n.leg_no, n.attempt_no)),
            );
            (!there)
                .then(|| gone("attempt_verdict", format!("leg_no {}, attempt_no {}", n.leg_no, n.attempt_no)))
        }
        Fact::CancelShare(s) if !link(s.leg_no, LinkKind::Hold, Some(s.cancel_no)) => {
            Some(gone("balance_link", format!("leg_no {}, kind HOLD, cancel_no {}", s.leg_no, s.cancel_no)))
        }
        Fact::CancelOutcome(o)
            if o.outcome == ShareOutcome::Failed && !link(o.leg_no, LinkKind::Release, Some(o.cancel_no)) =>
        {
            Some(gone(
                "balance_link",
                format!("leg_no {}, kind RELEASE, cancel_no {}", o.leg_no, o.cancel_no),
            ))
        }
        Fact::BalanceLink(l) if l.kind == LinkKind::Open => {
            let accepted = any(
                &|fact| matches!(fact, Fact::AttemptVerdict(v) if v.leg_no == l.leg_no && matches!(v.ruling, Ruling::Accept { .. })),
            );
            (!accepted).then(|| gone("attempt_verdict", format!("leg_no {}", l.leg_no)))
        }
        _ => None,
    }
}

/// The tables with rows in a change: what remains to be suspected when no row can be named.
pub fn tables(change: &Change) -> String {
    let mut seen = HashSet::new();
    let names = change.facts.iter().map(|fact| row_of(fact).0.name()).filter(|name| seen.insert(*name));
    names.collect::<Vec<_>>().join(", ")
}
