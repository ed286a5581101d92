//! Every statement is led by what names a slot — a payment, or a merchant's order — or stands on the
//! list of those that go to every shard.

use std::collections::BTreeSet;
use std::path::Path;

use ledger_core::store::scatter::{ON_EVERY_SHARD, SCATTER};
use ledger_core::store::statement::{Statement, all};

/// Conditions by which a statement finds its shard without a lookup.
const LEADS: &[&[&str]] = &[
    &["payment_id = ?"],
    &["payment_id = UNHEX(w.id)"],
    &["merchant_id = ?", "order_id = ?"],
    &["merchant_id = w.merchant_id", "order_id = w.order_id"],
];

/// Tables that a statement names.
fn tables(statement: Statement) -> BTreeSet<&'static str> {
    let words: Vec<_> = statement.sql.split([' ', '(', ',']).filter(|word| !word.is_empty()).collect();
    let follows = |pair: &[&'static str]| {
        let is_table = matches!(pair[0], "FROM" | "JOIN" | "STRAIGHT_JOIN" | "INTO");
        (is_table && pair[1] != "JSON_TABLE" && pair[1] != "SELECT").then_some(pair[1])
    };
    words.windows(2).filter_map(follows).collect()
}

fn carries_slot(statement: Statement) -> bool {
    if statement.sql.starts_with("INSERT INTO") {
        let columns = statement.sql.split_once('(').and_then(|(_, rest)| rest.split_once(')')).unwrap().0;
        let has = |name: &str| columns.split(',').any(|column| column.trim() == name);
        return has("slot") || has("payment_id") && !statement.sql.contains("legacy_") || has("claim_id");
    }
    LEADS.iter().any(|lead| lead.iter().all(|condition| statement.sql.contains(condition)))
}

#[test]
fn every_statement_carries_its_slot_or_is_on_the_scatter_list() {
    let on_list = |statement: &Statement| SCATTER.iter().any(|scatter| scatter.statement == statement.name);
    let is_reference = |statement: &Statement| {
        tables(*statement).iter().all(|table| ON_EVERY_SHARD.contains(table))
            && !tables(*statement).is_empty()
    };
    let astray: Vec<_> = all()
        .filter(|statement| !on_list(statement) && !is_reference(statement) && !carries_slot(*statement))
        .map(|statement| format!("{}: {}", statement.name, statement.sql))
        .collect();
    assert!(astray.is_empty(), "neither led by a slot nor on the list in store/scatter.rs: {astray:#?}");
    let needless: Vec<_> = SCATTER
        .iter()
        .filter(|scatter| {
            scatter.because.is_empty()
                || !all().any(|statement| statement.name == scatter.statement && (!carries_slot(statement)))
        })
        .map(|scatter| scatter.statement)
        .collect();
    assert!(needless.is_empty(), "on the list, and not there or led by a slot: {needless:?}");
}

/// A hint outlives the statistics it was made for: each says why it is there.
#[test]
fn every_hint_says_why() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/store");
    let mut hints = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        let lines: Vec<_> = text.lines().collect();
        for (place, line) in lines
            .iter()
            .enumerate()
            .filter(|(_, line)| line.contains("FORCE INDEX") && !line.trim().starts_with("//"))
        {
            hints += 1;
            let above = lines[place.saturating_sub(12)..place].iter().rev();
            let above = above.take_while(|line| {
                !line.trim().is_empty() && !line.starts_with("};") && !line.starts_with(");")
            });
            let says = above.into_iter().any(|line| line.trim_start().starts_with("//"));
            assert!(says, "{}:{}: why this index? {line}", path.display(), place + 1);
        }
    }
    assert!(hints > 5, "{hints}");
}
