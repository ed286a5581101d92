//! No statement may read a whole table or a whole index of the ledger, sort or keep what has no bound, or read many rows for
//! few. What may is listed here with its reason.

use std::collections::BTreeSet;

use ledger_core::store::statement::{Statement, all};
use sqlx::mysql::MySqlConnection;
use sqlx::{AssertSqlSafe, Connection as _};
use stack::BigLedger;

use super::plan::{Arg, Line, explain, reads};
use super::samples::Values;

/// Something a plan may do all the same: of which statement, on which table, and why that is right.
struct Allowed {
    statement: &'static str,
    table: &'static str,
    what: &'static str,
    because: &'static str,
}

const fn allowed(
    statement: &'static str,
    table: &'static str,
    what: &'static str,
    because: &'static str,
) -> Allowed {
    Allowed { statement, table, what, because }
}

const A_PAGE: &str = "a page of reference data in the order of its key, for an operator";

const ALLOWED: &[Allowed] = &[
    allowed("load_changes", "w", "filesort", "the changes of the payments that were asked for"),
    allowed("load_changes", "w", "temporary", "the changes of the payments that were asked for"),
    allowed("due_reversals", "o", "filesort", "the few outcomes of one attempt"),
    allowed("exposed_reversals", "o", "filesort", "the few outcomes of one attempt"),
    allowed("exposed_reversals_of_merchant", "o", "filesort", "the few outcomes of one attempt"),
    allowed("open_cancels", "c", "temporary", "at most as many cancels as the limit says"),
    allowed("replica_canceled", "cancellation", "temporary", "the payments of one window of the verifier"),
    allowed("replica_about", "cat", "index", "the dictionary of the server, which knows one catalogue"),
    allowed("valid_contract", "merchant_contract", "filesort", "the few versions of one contract"),
    allowed("valid_issuer", "issuer", "filesort", "the few versions of one issuer"),
    allowed("method_rules", "method_rule", "ALL", "a handful of rules, read whole and remembered"),
    allowed("list_method_rules", "method_rule", "index", A_PAGE),
    allowed("list_merchants", "merchant", "index", A_PAGE),
    allowed("list_merchant_contracts", "merchant_contract", "index", A_PAGE),
    allowed("list_issuers", "issuer", "index", A_PAGE),
    allowed("list_api_keys", "k", "index", A_PAGE),
    allowed("list_merchant_authorities", "merchant_authority", "index", A_PAGE),
    allowed("list_operator_keys", "k", "index", A_PAGE),
];

/// Rows that may be read for each row that is returned or asked for, and at least.
const READS_PER_ROW: u64 = 16;
const READS: u64 = 400;

/// Statements that read more: how many rows at most, and why.
const READS_MORE: &[(&str, u64, &str)] = &[
    ("any_heads_as_of", 60_000, "every change of the payments that were asked for"),
    ("due_reversals", 5_000, "every order to undo of eight days, settled ones included"),
    ("stale_intents", 50_000, "every authorization of eight days, by a process that has just started"),
    ("left_approvals", 80_000, "every authorization of eight days, by a process that has just started"),
    ("open_cancels", 60_000, "every cancel of thirty days, ended ones included"),
    ("exposed_reversals", 5_000, "every order to undo of eight days, settled ones included"),
    (
        "exposed_reversals_of_merchant",
        6_000,
        "the same, of which one merchant's are told apart by their payments",
    ),
    ("exposed_attempts", 80_000, "every authorization of eight days, for a report on a replica"),
    ("exposed_payments_of_merchant", 60_000, "a merchant's payments of eight days"),
    ("payable_of_merchant", 60_000, "the lines of a merchant's day are summed"),
    ("payable_on_replica", 60_000, "the lines of a merchant's day are summed"),
    ("stretch_of_payments", 50_000, "the index entries of the stretch it measures"),
    ("open_payments", 200_000, "the index entries of a stretch, and whether each has a verdict"),
    ("corrections_proposed_since", 3_000, "every correction since then: they are made by hand"),
    ("replica_quarantine_reasons", 5_000, "a report: every row in quarantine is counted"),
];

struct Gate {
    root: MySqlConnection,
    values: Values,
}

impl Gate {
    async fn open() -> Self {
        let big = BigLedger::ready().await.unwrap();
        let mut root = MySqlConnection::connect(&big.root).await.unwrap();
        let values = Values::find(&mut root).await;
        Self { root, values }
    }

    /// What the plans of a statement should not do.
    async fn faults(&mut self, statement: Statement) -> Vec<Fault> {
        let samples = self.values.of(statement).unwrap_or_default();
        let mut faults = Vec::new();
        for sample in &samples {
            let plan = explain(&mut self.root, statement, sample)
                .await
                .unwrap_or_else(|error| panic!("{}: {error}", statement.name));
            faults.extend(plan.iter().flat_map(|line| faults_of(statement, line)));
        }
        faults
    }
}

/// Something a plan should not do.
#[derive(Debug)]
struct Fault {
    statement: &'static str,
    what: &'static str,
    plan: Line,
}

fn faults_of(statement: Statement, line: &Line) -> Vec<Fault> {
    // a JSON parameter is a table that is read whole, and an insert names the table it goes to
    let is_parameter = line.extra.contains("Table function: json_table");
    let extra = if is_parameter { line.extra.replacen("Using temporary", "", 1) } else { line.extra.clone() };
    let is_whole = |access: &&str| line.access == **access && !is_parameter && line.select != "INSERT";
    let whole = ["ALL", "index"].into_iter().filter(is_whole);
    let unbounded = ["filesort", "temporary", "join buffer"].into_iter().filter(|what| extra.contains(what));
    let fault = |what| Fault { statement: statement.name, what, plan: line.clone() };
    whole.chain(unbounded).map(fault).collect()
}

/// Statements with a plan: an insert of literal rows has none.
fn planned() -> impl Iterator<Item = Statement> {
    all().filter(|statement| {
        !(statement.sql.starts_with("INSERT INTO") && statement.sql.contains(" VALUES ("))
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn no_statement_reads_a_whole_table_or_index() {
    let mut gate = Gate::open().await;
    let mut used = BTreeSet::new();
    let mut wrong = Vec::new();
    for statement in planned() {
        for fault in gate.faults(statement).await {
            let allowed = ALLOWED.iter().position(|allowed| {
                allowed.statement == fault.statement
                    && allowed.table == fault.plan.table
                    && allowed.what == fault.what
            });
            match allowed {
                Some(place) => {
                    used.insert(place);
                }
                None => wrong.push(fault),
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(ALLOWED.iter().all(|allowed| !allowed.because.is_empty()));
    let idle = ALLOWED.iter().enumerate().filter(|(place, _)| !used.contains(place));
    let idle: Vec<_> = idle.map(|(_, allowed)| (allowed.statement, allowed.table, allowed.what)).collect();
    assert!(idle.is_empty(), "allowed and not needed: {idle:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_statement_reads_many_rows_for_few() {
    let mut gate = Gate::open().await;
    let mut wrong = Vec::new();
    for statement in planned().filter(|statement| statement.sql.starts_with("SELECT")) {
        for sample in gate.values.of(statement).unwrap_or_default() {
            let (returned, read) = reads(&mut gate.root, statement, &sample)
                .await
                .unwrap_or_else(|error| panic!("{}: {error}", statement.name));
            let more = READS_MORE.iter().find(|(name, _, _)| *name == statement.name);
            let most = more
                .map_or(READS + wanted(&sample) * READS_PER_ROW + returned * READS_PER_ROW, |more| more.1);
            if read > most {
                wrong.push(format!("{}: {read} rows read for {returned}, {most} may be", statement.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// How many rows are asked for by a JSON parameter.
fn wanted(sample: &[Arg]) -> u64 {
    let count = |arg: &Arg| match arg {
        Arg::Text(text) if text.starts_with('[') => {
            serde_json::from_str::<Vec<serde_json::Value>>(text).unwrap().len()
        }
        Arg::Text(_) | Arg::Bytes(_) | Arg::Number(_) | Arg::Null => 0,
    };
    u64::try_from(sample.iter().map(count).sum::<usize>()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_statement_has_values_to_be_explained_with() {
    let gate = Gate::open().await;
    let without: Vec<_> =
        planned().filter(|statement| gate.values.of(*statement).is_none()).map(|s| s.name).collect();
    assert!(without.is_empty(), "tell samples.rs real values for {without:?}");
    let wrong: Vec<_> = planned()
        .filter(|statement| {
            let parameters = statement.sql.matches('?').count();
            gate.values.of(*statement).unwrap_or_default().iter().any(|sample| sample.len() != parameters)
        })
        .map(|statement| statement.name)
        .collect();
    assert!(wrong.is_empty(), "another number of parameters: {wrong:?}");
}

/// The big ledger is as big as it says, in every table, and its merchants are as unequal as merchants are.
#[tokio::test(flavor = "multi_thread")]
async fn the_ledger_behind_the_plans_is_big_and_skewed() {
    let mut gate = Gate::open().await;
    let tables: Vec<String> = sqlx::query_scalar(
        "SELECT TABLE_NAME FROM information_schema.tables WHERE TABLE_SCHEMA = DATABASE() AND TABLE_TYPE = 'BASE TABLE' \
         AND TABLE_NAME NOT LIKE '\\_sqlx%' AND TABLE_NAME <> 'big_ledger_ready'",
    )
    .fetch_all(&mut gate.root)
    .await
    .unwrap();
    let mut empty = Vec::new();
    for table in tables {
        let text = AssertSqlSafe(format!("SELECT 1 FROM {table} LIMIT 1"));
        if sqlx::query(text).fetch_optional(&mut gate.root).await.unwrap().is_none() {
            empty.push(table);
        }
    }
    assert!(empty.is_empty(), "dev/stack/seed/big_ledger.sql makes no row of {empty:?}");
    let (payments, hot, merchants): (i64, i64, i64) = sqlx::query_as(
        "SELECT COUNT(*), CAST(SUM(merchant_id = 'merchant-0000') AS SIGNED), COUNT(DISTINCT merchant_id) FROM payment",
    )
    .fetch_one(&mut gate.root)
    .await
    .unwrap();
    assert!(
        payments >= 200_000 && hot > payments * 29 / 100 && merchants > 1_000,
        "{payments} {hot} {merchants}"
    );
}

/// The gate is worth something only if it shuts.
#[tokio::test(flavor = "multi_thread")]
async fn a_plan_without_its_index_is_refused() {
    let mut gate = Gate::open().await;
    let statement = all().find(|statement| statement.name == "due_reversals").unwrap();
    let copy = "big_copy_without_an_index";
    let make = format!("SET sql_log_bin = 0; DROP DATABASE IF EXISTS {copy}; CREATE DATABASE {copy}");
    execute(&mut gate.root, &make).await;
    for (table, columns) in [
        (
            "network_cancel",
            "payment_id, leg_no, attempt_no, slot, origin, seq, reason, late_until, valid_until, requested_at",
        ),
        (
            "network_cancel_outcome",
            "payment_id, leg_no, attempt_no, outcome_no, slot, origin, seq, outcome, decided_at",
        ),
        (
            "attempt",
            "payment_id, leg_no, kind, attempt_no, slot, origin, seq, issuer_id, trace_date, trace_no, amount, target_no, \
                     cancel_no, sent_by, deadline_at",
        ),
    ] {
        let only = if table == "attempt" { "WHERE kind = 'NET_CANCEL'" } else { "" };
        execute(&mut gate.root, &format!("CREATE TABLE {copy}.{table} LIKE {table}")).await;
        execute(
            &mut gate.root,
            &format!("INSERT INTO {copy}.{table} ({columns}) SELECT {columns} FROM {table} {only}"),
        )
        .await;
    }
    execute(
        &mut gate.root,
        &format!("USE {copy}; ANALYZE TABLE network_cancel, network_cancel_outcome, attempt"),
    )
    .await;
    let whole = |faults: &[Fault]| faults.iter().any(|fault| fault.plan.table == "n" && fault.what == "ALL");
    assert!(!whole(&gate.faults(statement).await));
    execute(&mut gate.root, "ALTER TABLE network_cancel DROP INDEX ix_network_cancel_requested").await;
    assert!(whole(&gate.faults(statement).await));
    execute(&mut gate.root, &format!("DROP DATABASE {copy}")).await;
}

async fn execute(root: &mut MySqlConnection, sql: &str) {
    sqlx::raw_sql(AssertSqlSafe(sql.to_owned()))
        .execute(root)
        .await
        .unwrap_or_else(|error| panic!("{error}: {sql}"));
}
