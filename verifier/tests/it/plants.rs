//! Violations as the owner of the schema could make them, with the schema's guards taken away: at least one for every arm of
//! every check. Payments are found by their orders, which say what they are (see `past`).

use ledger_core::store::script::Given;
use sqlx::mysql::MySqlConnection;

use crate::generated::{Column, Reference};

/// A violation, and what the check has to say of it.
pub struct Plant {
    /// How the check's name begins.
    pub check: String,
    /// In some column of some row.
    pub what: String,
    /// The last statement touches rows.
    pub sql: Vec<String>,
    pub given: Given,
}

/// A card number that fits every column.
const CARD: &str = "4222222222222";

impl Plant {
    fn new(check: &str, what: &str, sql: &[&str]) -> Self {
        let sql = sql.iter().map(|sql| (*sql).to_owned()).collect();
        Self { check: check.to_owned(), what: what.to_owned(), sql, given: Given::default() }
    }

    /// On the payment of an order, `@p`.
    pub fn on(order: &str, check: &str, what: &str, sql: &[&str]) -> Self {
        let find = format!(
            "SET @p = (SELECT payment_id FROM payment WHERE order_id = '{order}' ORDER BY try_no LIMIT 1)"
        );
        Self::new(check, what, &[&[find.as_str()], sql].concat())
    }

    /// A fact that belongs to no change.
    pub fn of_fact(table: &str) -> Self {
        let sql = format!("UPDATE {table} SET seq = 77 ORDER BY payment_id LIMIT 1");
        Self::new("facts", &format!("{table} without its change"), &[&sql])
    }

    /// A row whose parent is gone.
    pub fn of_reference(reference: &Reference) -> Self {
        let Reference { name, child, parent, columns } = reference;
        let names: Vec<_> = columns.iter().map(|(c, _)| c.as_str()).collect();
        let there: Vec<_> = names.iter().map(|c| format!("{c} IS NOT NULL")).collect();
        let on: Vec<_> = columns.iter().map(|(c, p)| format!("p.{p} = c.{c}")).collect();
        let sql = format!(
            "DELETE p FROM {parent} AS p JOIN (SELECT {} FROM {child} WHERE {} LIMIT 1) AS c ON {}",
            names.join(", "),
            there.join(" AND "),
            on.join(" AND ")
        );
        Self::new("references", name, &[&sql])
    }

    /// A card number where text can stand.
    pub fn of_text(column: &Column) -> Self {
        let Column { table, name, kind, .. } = column;
        let value =
            if kind == "json" { format!("JSON_OBJECT('text', 'x {CARD}')") } else { format!("'{CARD}'") };
        let rows = if name == "trace_no" { "sent_by <> 'LEDGER'" } else { "TRUE" };
        let sql = format!("UPDATE {table} SET {name} = {value} WHERE {rows} LIMIT 1");
        Self::new("i16", &format!("{table}.{name}"), &[&sql])
    }
}

/// What takes the guards of a schema away: references first, then checks, unique keys, and the one primary key that a rule
/// of its own repeats. One statement a table and kind: each is a transaction of the server.
pub async fn guards(root: &mut MySqlConnection) -> Vec<String> {
    let found: Vec<(String, String, String)> = sqlx::query_as(
        "SELECT TABLE_NAME, CONSTRAINT_NAME, CONSTRAINT_TYPE FROM information_schema.table_constraints \
         WHERE CONSTRAINT_SCHEMA = DATABASE() AND CONSTRAINT_TYPE IN ('FOREIGN KEY', 'CHECK', 'UNIQUE') \
         AND TABLE_NAME NOT LIKE '\\_sqlx%' ORDER BY CONSTRAINT_TYPE <> 'FOREIGN KEY', TABLE_NAME",
    )
    .fetch_all(root)
    .await
    .unwrap();
    assert!(found.len() > 80, "{}", found.len());
    let mut drops: Vec<(bool, String, String)> = Vec::new();
    for (table, name, kind) in found {
        let is_reference = kind == "FOREIGN KEY";
        let drop = format!("DROP {} {name}", if kind == "UNIQUE" { "INDEX" } else { kind.as_str() });
        match drops.last_mut().filter(|last| last.0 == is_reference && last.1 == table) {
            Some(last) => last.2 = format!("{}, {drop}", last.2),
            None => drops.push((is_reference, table, drop)),
        }
    }
    drops.push((false, "attempt_verdict".to_owned(), "DROP PRIMARY KEY".to_owned()));
    drops.into_iter().map(|(_, table, drop)| format!("ALTER TABLE {table} {drop}")).collect()
}

/// Every plant that is not the same for every table.
pub fn plants() -> Vec<Plant> {
    [
        approvals_and_chains(),
        cancels(),
        journal(),
        deposits_and_corrections(),
        verdicts(),
        reversals(),
        events(),
        order_of_facts(),
        carried_over(),
        keys_and_chains(),
        crate::contrary::plants(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn approvals_and_chains() -> Vec<Plant> {
    vec![
        Plant::on("done", "i01", "50001", &["UPDATE payment SET total = total + 1 WHERE payment_id = @p"]),
        Plant::on(
            "done",
            "i01",
            "50001",
            &["UPDATE approval SET amount = amount + 1 WHERE payment_id = @p AND leg_no = 1"],
        ),
        Plant::on(
            "done",
            "i01",
            "ABORTED",
            &["UPDATE payment_verdict SET verdict = 'ABORTED' WHERE payment_id = @p"],
        ),
        Plant::on(
            "partly-canceled",
            "i02",
            "chain",
            &["UPDATE balance_link SET link_no = 5 WHERE payment_id = @p AND link_no = 1"],
        ),
        Plant::on(
            "canceled",
            "i02",
            "tail",
            &["DELETE FROM balance_link WHERE payment_id = @p ORDER BY leg_no, link_no DESC LIMIT 1"],
        ),
        Plant::on(
            "partly-canceled",
            "i02",
            "overdrawn",
            &["UPDATE cancel_share SET amount = 60000 WHERE payment_id = @p"],
        ),
    ]
}

fn cancels() -> Vec<Plant> {
    vec![
        Plant::on(
            "partly-canceled",
            "i03",
            "shares are not the cancel",
            &["UPDATE cancel_share SET fee = fee + 1 WHERE payment_id = @p"],
        ),
        Plant::on(
            "partly-canceled",
            "i03",
            "links are not the share",
            &["UPDATE balance_link SET delta = delta - 1 WHERE payment_id = @p AND kind = 'HOLD'"],
        ),
        Plant::on(
            "one-share-failed",
            "i03",
            "links are not the share",
            &["DELETE FROM balance_link WHERE payment_id = @p AND kind = 'RELEASE'"],
        ),
        Plant::on(
            "partly-canceled",
            "i04",
            "",
            &["UPDATE cancel_share SET vat = vat + 1 WHERE payment_id = @p"],
        ),
        Plant::on(
            "partly-canceled",
            "i04",
            "5000000",
            &["UPDATE cancel_share SET fee = 5000000 WHERE payment_id = @p"],
        ),
        Plant::on(
            "canceled",
            "i04",
            "",
            &["UPDATE cancel_share SET fee_vat = fee_vat - 1 WHERE payment_id = @p AND fee_vat > 0 LIMIT 1"],
        ),
    ]
}

fn journal() -> Vec<Plant> {
    let mut plants = vec![
        Plant::on(
            "done",
            "i05",
            "unbalanced",
            &["UPDATE journal_line SET amount = amount + 1 WHERE payment_id = @p AND line_no = 1"],
        ),
        Plant::on("done", "i05", "ISSUER_RECEIVABLE", &["DELETE FROM journal_line WHERE payment_id = @p"]),
        Plant::on(
            "done",
            "i08",
            "the journal is not what the facts say",
            &["UPDATE journal_line SET business_date = business_date - INTERVAL 1 DAY WHERE payment_id = @p"],
        ),
    ];
    for account in ["ISSUER_RECEIVABLE", "MERCHANT_PAYABLE", "FEE_REVENUE", "OUTPUT_VAT"] {
        let sql = format!(
            "UPDATE journal_line SET amount = amount + 1 WHERE payment_id = @p AND account = '{account}' LIMIT 1"
        );
        plants.push(Plant::on("partly-canceled", "i05", account, &[&sql]));
    }
    let mut told = Plant::on(
        "done",
        "i08",
        "the issuer says otherwise",
        &["UPDATE approval SET issuer_id = 'card-2' WHERE payment_id = @p AND leg_no = 1"],
    );
    told.given.issuer_file = Some(r#"[{"issuer":"card-2","day":"2026-01-01","amount":1}]"#.to_owned());
    plants.push(told);
    plants
}

/// Facts of the payment's first leg, as they might be.
const DEPOSIT: &str = "INSERT INTO deposit (payment_id, leg_no, deposit_no, slot, origin, seq, issuer_id, bank_ref, amount, counted, \
    deposited_at, received_at) SELECT payment_id, leg_no, 2, slot, origin, seq, issuer_id, 'B-1', 90000, 90000, NOW(6), NOW(6) \
    FROM approval WHERE payment_id = @p AND leg_no = 1";
const REFUND: &str = "INSERT INTO deposit_refund (payment_id, leg_no, refund_no, slot, origin, seq, refund_request_id, amount, bank_code, \
    account_token, reason, requested_at) SELECT payment_id, leg_no, 2, slot, origin, seq, 'R-1', 1, '004', 'token', 'too much', NOW(6) \
    FROM approval WHERE payment_id = @p AND leg_no = 1";

fn deposits_and_corrections() -> Vec<Plant> {
    vec![
        Plant::on("done", "i02", "more counted than the leg", &[DEPOSIT]),
        Plant::on("done", "i02", "more given back than was in suspense", &[REFUND]),
        Plant::on("done", "i05", "SUSPENSE", &[DEPOSIT]),
        Plant::on("done", "i11", "deposits", &[DEPOSIT]),
        Plant::on("done", "i11", "refunds of deposits", &[REFUND]),
        Plant::on(
            "corrected",
            "i11",
            "corrections",
            &["DELETE FROM correction WHERE payment_id = @p AND correction_no = 1"],
        ),
        Plant::on(
            "corrected",
            "i05",
            "the journal is not what the correction proposed",
            &["UPDATE correction_line SET amount = amount + 1 WHERE payment_id = @p AND correction_no = 1"],
        ),
        Plant::on(
            "corrected",
            "i05",
            "a line that the correction did not propose",
            &["DELETE FROM correction_line WHERE payment_id = @p AND correction_no = 1"],
        ),
        Plant::on(
            "corrected",
            "i05",
            "taken back beyond its amount",
            &[
                "UPDATE correction_line SET amount = 1000000 WHERE payment_id = @p AND correction_no = 1 AND reverses_seq IS NOT NULL",
            ],
        ),
    ]
}

fn verdicts() -> Vec<Plant> {
    vec![
        Plant::on(
            "done",
            "i06",
            "verdicts of one attempt",
            &[
                "INSERT INTO attempt_verdict (payment_id, leg_no, kind, attempt_no, slot, origin, seq, verdict, decided_at) \
             SELECT payment_id, leg_no, kind, attempt_no, slot, origin, seq, 'REJECT', decided_at FROM attempt_verdict WHERE payment_id = @p LIMIT 1",
            ],
        ),
        Plant::on(
            "done",
            "i06",
            "accepts of one leg",
            &[
                "INSERT INTO attempt_verdict (payment_id, leg_no, kind, attempt_no, slot, origin, seq, verdict, result_outcome, result_no, decided_at) \
             SELECT payment_id, leg_no, kind, 9, slot, origin, seq, verdict, result_outcome, result_no, decided_at FROM attempt_verdict WHERE payment_id = @p LIMIT 1",
            ],
        ),
        Plant::on(
            "done",
            "i06",
            "accept without an approved result",
            &["DELETE FROM attempt_result WHERE payment_id = @p"],
        ),
        Plant::on(
            "done",
            "i06",
            "accept beside a refusal",
            &[
                "INSERT INTO attempt_result (payment_id, leg_no, kind, attempt_no, outcome, result_no, slot, origin, seq, source, received_at) \
             SELECT payment_id, leg_no, kind, attempt_no, 'DECLINED', 2, slot, origin, seq, source, received_at FROM attempt_result WHERE payment_id = @p LIMIT 1",
            ],
        ),
    ]
}

fn reversals() -> Vec<Plant> {
    vec![
        Plant::on(
            "undoing",
            "i07",
            "undone neither in time nor escalated",
            &["UPDATE network_cancel SET valid_until = '2020-01-01' WHERE payment_id = @p"],
        ),
        Plant::on(
            "in-flight",
            "i07",
            "never given a verdict",
            &["UPDATE attempt SET deadline_at = '2020-01-01' WHERE payment_id = @p"],
        ),
        Plant::on(
            "undoing",
            "i12",
            "abandoned without a network cancel",
            &["DELETE FROM network_cancel WHERE payment_id = @p"],
        ),
        Plant::on(
            "undoing",
            "i12",
            "network cancel of an attempt that was not abandoned",
            &["UPDATE attempt_verdict SET verdict = 'REJECT' WHERE payment_id = @p"],
        ),
        Plant::on(
            "done",
            "i12",
            "balance opened without an accepted approval",
            &["UPDATE attempt_verdict SET verdict = 'REJECT' WHERE payment_id = @p"],
        ),
        Plant::on(
            "one-share-failed",
            "i12",
            "refunded and put back",
            &["UPDATE cancel_outcome SET outcome = 'DONE' WHERE payment_id = @p AND outcome = 'FAILED'"],
        ),
        Plant::on(
            "undone",
            "i12",
            "REOPENED after nothing",
            &["UPDATE network_cancel_outcome SET outcome = 'REOPENED' WHERE payment_id = @p"],
        ),
        Plant::on(
            "surfaced",
            "i12",
            "VOIDED after VOIDED",
            &["UPDATE network_cancel_outcome SET outcome = 'VOIDED' WHERE payment_id = @p"],
        ),
        Plant::on(
            "done",
            "i14",
            "two live authorizations of one leg",
            &[
                "INSERT INTO attempt (payment_id, leg_no, kind, attempt_no, slot, origin, seq, issuer_id, trace_date, trace_no, amount, sent_by, deadline_at) \
             SELECT payment_id, leg_no, kind, 2, slot, origin, seq, issuer_id, trace_date, trace_no, amount, sent_by, deadline_at FROM attempt WHERE payment_id = @p LIMIT 1",
            ],
        ),
    ]
}

fn events() -> Vec<Plant> {
    let mut plants = vec![
        Plant::on(
            "done",
            "i09",
            "hole among changes",
            &["DELETE FROM payment_change WHERE payment_id = @p AND seq = 1"],
        ),
        Plant::on(
            "done",
            "i09",
            "change without its events",
            &["DELETE FROM outbox_event WHERE payment_id = @p AND seq = 1"],
        ),
        Plant::on(
            "done",
            "i09",
            "event without its change",
            &["UPDATE payment_change SET event_digest = NULL WHERE payment_id = @p"],
        ),
        Plant::on(
            "done",
            "i09",
            "events doubled or missing",
            &[
                "INSERT INTO outbox_event (payment_id, seq, ordinal, topic, type, previous_position, occurred_at, body, row_hash) \
             SELECT payment_id, seq, ordinal, topic, type, previous_position, occurred_at, body, row_hash FROM outbox_event WHERE payment_id = @p LIMIT 1",
            ],
        ),
        Plant::on(
            "done",
            "i09",
            "does not name the one before it",
            &["UPDATE outbox_event SET previous_position = '9.9' WHERE payment_id = @p AND seq > 1"],
        ),
        Plant::new(
            "i09",
            "event without its change",
            &[
                "INSERT INTO outbox_event (payment_id, seq, ordinal, topic, type, previous_position, occurred_at, body, row_hash) \
             SELECT payment_id, seq, ordinal, topic, type, previous_position, occurred_at, body, row_hash FROM outbox_backfill LIMIT 1",
            ],
        ),
    ];
    for table in ["outbox_event", "outbox_backfill"] {
        let (hole, start) =
            (format!("DELETE FROM {table} WHERE id = 3"), format!("DELETE FROM {table} WHERE id = 1"));
        let an_hour_ago = "UPDATE payment_change SET recorded_at = recorded_at - INTERVAL 1 HOUR";
        let bytes = format!("UPDATE {table} SET body = CONCAT(body, ' ') WHERE kind = 'EVENT' LIMIT 1");
        plants.push(Plant::new("i10", "hole up to 3", &[an_hour_ago, &hole]));
        plants.push(Plant::new("i10", "hole at the start", &[&start]));
        plants.push(Plant::new("i10", "bytes are not those that were written", &[&bytes]));
        plants.push(Plant::new("i10", table, &[&start]));
    }
    plants
}

fn order_of_facts() -> Vec<Plant> {
    vec![
        Plant::on(
            "done",
            "facts",
            "change without facts",
            &["UPDATE payment_change SET seq = seq + 100 WHERE payment_id = @p ORDER BY seq DESC"],
        ),
        Plant::on("done", "i11", "legs", &["DELETE FROM approval WHERE payment_id = @p AND leg_no = 1"]),
        Plant::on(
            "done",
            "i11",
            "AUTH attempts",
            &["UPDATE attempt SET attempt_no = 2 WHERE payment_id = @p"],
        ),
        Plant::on(
            "done",
            "i11",
            "results of AUTH attempt 1",
            &["UPDATE attempt_result SET result_no = 2 WHERE payment_id = @p"],
        ),
        Plant::on(
            "undone",
            "i11",
            "outcomes of undoing attempt 1",
            &["UPDATE network_cancel_outcome SET outcome_no = 2 WHERE payment_id = @p"],
        ),
        Plant::on(
            "canceled",
            "i11",
            "cancels",
            &["DELETE FROM cancellation WHERE payment_id = @p AND cancel_no = 1"],
        ),
        Plant::on(
            "done",
            "i11",
            "result before its attempt",
            &["UPDATE attempt_result SET seq = 1 WHERE payment_id = @p"],
        ),
        Plant::on(
            "done",
            "i11",
            "verdict before its result",
            &["UPDATE attempt_verdict SET seq = 1 WHERE payment_id = @p"],
        ),
        Plant::on(
            "undoing",
            "i11",
            "undoing before its verdict",
            &["UPDATE network_cancel SET seq = 1 WHERE payment_id = @p"],
        ),
        Plant::on(
            "canceled",
            "i11",
            "end of a share before the share",
            &["UPDATE cancel_outcome SET seq = 1 WHERE payment_id = @p"],
        ),
    ]
}

fn carried_over() -> Vec<Plant> {
    vec![
        Plant::new(
            "i13",
            "not what the rows say",
            &[
                "UPDATE legacy_row SET amount = amount + 1 WHERE kind = 'APPROVAL' AND disposition = 'MAPPED' LIMIT 1",
            ],
        ),
        Plant::new(
            "i13",
            "not what the rows say",
            &["DELETE FROM legacy_row WHERE kind = 'APPROVAL' AND disposition = 'MAPPED' LIMIT 1"],
        ),
        Plant::new(
            "i13",
            "rows of a payment that is not there",
            &["DELETE FROM payment WHERE origin = 'LEGACY' LIMIT 1"],
        ),
        Plant::new(
            "i13",
            "carried over and in quarantine",
            &[
                "INSERT INTO legacy_quarantine (source, table_name, row_pk, row_hash, reason, detail, kind, method, amount, raw, run_id, recorded_by, recorded_at) \
             SELECT source, table_name, row_pk, row_hash, 'PLANTED', 'planted', kind, method, amount, JSON_OBJECT(), run_id, recorded_by, \
             recorded_at + INTERVAL 1 SECOND FROM legacy_row WHERE disposition = 'MAPPED' LIMIT 1",
            ],
        ),
        Plant::new(
            "i17",
            "counts are not the findings",
            &["UPDATE verifier_run SET gaps = gaps + 1 WHERE state = 'HEALED'"],
        ),
        Plant::new(
            "i17",
            "counts are not the findings",
            &["DELETE FROM verifier_finding WHERE healed LIMIT 1"],
        ),
        Plant::new(
            "i17",
            "green with findings",
            &["UPDATE verifier_run SET state = 'GREEN' WHERE state = 'HEALED'"],
        ),
        Plant::new(
            "i17",
            "looked at what was too young",
            &["UPDATE verifier_run SET window_to = started_at + INTERVAL 1 SECOND LIMIT 1"],
        ),
        Plant::new(
            "i17",
            "repaired twice",
            &[
                "INSERT INTO verifier_finding (run_id, finding_no, class, table_name, row_pk, payment_id, detail, healed) \
             SELECT r.run_id, 1, f.class, f.table_name, f.row_pk, f.payment_id, f.detail, 1 FROM verifier_finding AS f \
             JOIN verifier_run AS r ON r.run_id <> f.run_id WHERE f.class = 'MISSING_LEDGER' AND f.healed LIMIT 1",
            ],
        ),
    ]
}

fn keys_and_chains() -> Vec<Plant> {
    vec![
        Plant::on(
            "done",
            "i14",
            "claim without its change",
            &["UPDATE payment_change SET request_id = REVERSE(request_id) WHERE payment_id = @p"],
        ),
        Plant::on(
            "done",
            "i14",
            "claim of another merchant or slot",
            &["UPDATE payment SET merchant_id = 'shop-2' WHERE payment_id = @p"],
        ),
        Plant::new(
            "i14",
            "answer is not what was sent",
            &["UPDATE idempotency_body SET body = CONCAT(body, ' ') LIMIT 1"],
        ),
        Plant::on(
            "done",
            "i15",
            "payment_change",
            &[
                "UPDATE payment_change SET previous_digest = REPEAT('x', 32) WHERE payment_id = @p AND seq = 2",
            ],
        ),
        Plant::on(
            "done",
            "i15",
            "payment_change",
            &["UPDATE payment_change SET digest = REPEAT('x', 32) WHERE payment_id = @p AND seq = 1"],
        ),
        Plant::new("i15", "verifier_run", &["DELETE FROM verifier_run ORDER BY run_no LIMIT 1"]),
    ]
}
