//! Three checks say the same of every table: they are made from the schema, so that a new table cannot be forgotten.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::ops::RangeInclusive;
use std::path::Path;

use ledger_core::card_number::{BEGINNINGS, SEPARATORS, ZEROS};
use sqlx::mysql::MySqlPool;
use stack::TestDb;
use verifier::checks::{CHECKS, WINDOW};

/// Text that cannot hold a card number somebody gave us: made by this software of letters and digits alone.
const MACHINE_MADE: &[(&str, &str, &str)] = &[
    ("idempotency_claim", "fields", "names of fields that are known, and hashes in hexadecimal"),
    ("verifier_run", "barrier_gtid", "names of servers and numbers of transactions"),
    ("copy_receipt", "mapping", "the name of a directory of ours"),
];

/// Rows whose text was made by this software, in a table where other rows come from outside.
const MADE_HERE: &[(&str, &str, &str)] = &[("attempt", "trace_no", "sent_by <> 'LEDGER'")];

/// What every text is asked first: digits with nothing between them that would end a number, of the separators or not.
const MANY_DIGITS: &str = "\\\\p{Nd}(?:[^\\\\p{L}\\\\p{Nd}:,+\"(){}]*\\\\p{Nd}){12}";

/// What is told from a card number before the check digit is asked, as where numbers are refused: UUIDs and digests in
/// hexadecimal, dates, digits that begin with a date, and epoch times. `SEP` stands for the separators.
const NO_CARD: &[&str] = &[
    "(?<![0-9a-zA-Z])(?=[0-9-]*[a-fA-F])[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}(?![0-9a-zA-Z])",
    "(?<![0-9a-zA-Z])(?=[0-9]*[a-fA-F])[0-9a-fA-F]{32,}(?![0-9a-zA-Z])",
    "(?<![0-9])(?:19|20)[0-9]{2}SEP+(?:0[1-9]|1[0-2])SEP+(?:0[1-9]|[12][0-9]|3[01])(?![0-9])",
    "(?<![0-9])(?:19|20)[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])[0-9]*",
    "(?<![0-9])1[6-9][0-9]{11}(?:[0-9]{3}){0,2}(?![0-9])",
];

/// The separators as a class of a regular expression in SQL text.
fn separators() -> String {
    let one = |c: char| match u32::from(c) {
        code if c.is_ascii_graphic() && c != '-' || c == ' ' => char::from_u32(code).unwrap().to_string(),
        code => format!("\\\\u{code:04X}"),
    };
    let range = |range: &RangeInclusive<char>| match (range.start(), range.end()) {
        (start, end) if start == end => one(*start),
        (start, end) => format!("{}-{}", one(*start), one(*end)),
    };
    format!("[{}]", SEPARATORS.iter().map(range).collect::<String>())
}

/// A text with the digits of every script in ASCII.
fn in_ascii(text: &str) -> String {
    (0..10).fold(text.to_owned(), |text, digit| {
        let others = ZEROS[1..].iter().map(|zero| char::from_u32(u32::from(*zero) + digit).unwrap());
        format!("REGEXP_REPLACE({text}, '[{}]', '{digit}')", others.collect::<String>())
    })
}

pub struct Column {
    pub table: String,
    pub name: String,
    pub kind: String,
    pub length: Option<u64>,
    pub nullable: bool,
    pub generated: bool,
}

/// The columns of every table, in their places.
pub async fn columns(owner: &MySqlPool) -> Vec<Column> {
    let rows: Vec<(String, String, String, Option<u64>, String, String)> = sqlx::query_as(
        "SELECT c.TABLE_NAME, c.COLUMN_NAME, CAST(c.DATA_TYPE AS CHAR), CAST(c.CHARACTER_MAXIMUM_LENGTH AS UNSIGNED), \
         c.IS_NULLABLE, c.EXTRA FROM information_schema.columns AS c \
         JOIN information_schema.tables AS t ON t.TABLE_SCHEMA = c.TABLE_SCHEMA AND t.TABLE_NAME = c.TABLE_NAME \
         WHERE c.TABLE_SCHEMA = DATABASE() AND t.TABLE_TYPE = 'BASE TABLE' AND c.TABLE_NAME NOT LIKE '\\_sqlx%' \
         ORDER BY c.TABLE_NAME, c.ORDINAL_POSITION",
    )
    .fetch_all(owner)
    .await
    .unwrap();
    let column = |(table, name, kind, length, nullable, extra): (_, _, _, _, String, String)| Column {
        table,
        name,
        kind,
        length,
        nullable: nullable == "YES",
        generated: extra.contains("GENERATED"),
    };
    rows.into_iter().map(column).collect()
}

/// A reference: child, its columns, parent, its columns.
#[derive(Debug, Clone, Default)]
pub struct Reference {
    pub name: String,
    pub child: String,
    pub parent: String,
    pub columns: Vec<(String, String)>,
}

pub async fn references(owner: &MySqlPool) -> Vec<Reference> {
    let rows: Vec<(String, String, String, String, String)> = sqlx::query_as(
        "SELECT CONSTRAINT_NAME, TABLE_NAME, REFERENCED_TABLE_NAME, COLUMN_NAME, REFERENCED_COLUMN_NAME \
         FROM information_schema.key_column_usage WHERE CONSTRAINT_SCHEMA = DATABASE() AND REFERENCED_TABLE_NAME IS NOT NULL \
         ORDER BY TABLE_NAME, CONSTRAINT_NAME, ORDINAL_POSITION",
    )
    .fetch_all(owner)
    .await
    .unwrap();
    let mut found: Vec<Reference> = Vec::new();
    for (name, child, parent, column, parent_column) in rows {
        if found.last().is_none_or(|last| last.name != name) {
            found.push(Reference { name, child, parent, columns: Vec::new() });
        }
        found.last_mut().unwrap().columns.push((column, parent_column));
    }
    found
}

/// Tables whose rows are facts of a change.
pub fn fact_tables(columns: &[Column]) -> Vec<String> {
    let has = |table: &str, name: &str| columns.iter().any(|c| c.table == table && c.name == name);
    let mut tables: Vec<String> = Vec::new();
    for column in columns {
        let table = &column.table;
        let is_fact = ["payment_id", "seq", "origin"].iter().all(|name| has(table, name));
        if is_fact && table != "payment_change" && !tables.contains(table) {
            tables.push(table.clone());
        }
    }
    tables
}

/// Text columns that are wide enough for a card number and may hold what others gave us.
pub fn texts(columns: &[Column]) -> Vec<&Column> {
    let is_text = |kind: &str| {
        matches!(
            kind,
            "char" | "varchar" | "text" | "mediumtext" | "longtext" | "json" | "mediumblob" | "blob"
        )
    };
    let made_here = |column: &Column| {
        MACHINE_MADE.iter().any(|(table, name, _)| *table == column.table && *name == column.name)
    };
    columns
        .iter()
        .filter(|c| is_text(&c.kind) && c.length.is_none_or(|length| length >= 13 || c.kind == "json"))
        .filter(|c| !c.generated && !made_here(c))
        .collect()
}

fn head(name: &str, rule: &str, row: &str, cost: &str) -> String {
    format!(
        "-- {rule}\n-- A row is {row}\n-- By hand, on a replica: mysql ledger < {name}.sql; of payments made in a window alone, times in UTC:\n\
         --   mysql --init-command=\"SET @since = '2026-11-23', @until = '2026-11-24'\" ledger < {name}.sql\n\
         -- Cost: {cost}\n\
         -- Made from the schema by verifier/tests/it/generated.rs, which says when it is old.\n{WINDOW}"
    )
}

const IN_WINDOW: &str = "BETWEEN @first AND @last";

fn counted(columns: &[Column], tables: &[String]) -> String {
    let count = |table: &String| {
        let has_payment = columns.iter().any(|c| c.table == *table && c.name == "payment_id" && !c.nullable);
        let window = if has_payment { format!(" WHERE payment_id {IN_WINDOW}") } else { String::new() };
        format!("(SELECT COUNT(*) FROM {table}{window})")
    };
    let counts: Vec<_> = tables.iter().map(count).collect();
    format!("SELECT {} AS examined;\n", counts.join("\n  + "))
}

fn facts_belong_to_changes(columns: &[Column]) -> String {
    let tables = fact_tables(columns);
    let mut text = head(
        "facts_belong_to_changes",
        "FACTS: every fact belongs to a change of the same origin, and every change brought a fact.",
        "a fact without its change, or a change without facts.",
        "one range of the primary key of every fact table.",
    );
    text += &counted(columns, &tables);
    for table in &tables {
        write!(
            text,
            "SELECT '{table} without its change' AS what, HEX(f.payment_id) AS payment_id, f.seq\n\
             FROM {table} AS f LEFT JOIN payment_change AS c ON c.payment_id = f.payment_id AND c.seq = f.seq AND c.origin = f.origin\n\
             WHERE f.payment_id {IN_WINDOW} AND c.payment_id IS NULL\nUNION ALL\n"
        )
        .unwrap();
    }
    write!(
        text,
        "SELECT 'change without facts', HEX(c.payment_id), c.seq\nFROM payment_change AS c\nWHERE c.payment_id {IN_WINDOW}"
    )
    .unwrap();
    for table in tables.iter().filter(|table| *table != "journal_line") {
        write!(
            text,
            "\n  AND NOT EXISTS (SELECT 1 FROM {table} AS f WHERE f.payment_id = c.payment_id AND f.seq = c.seq)"
        )
        .unwrap();
    }
    text + ";\n"
}

/// The key of a row as text.
fn key_of(columns: &[Column], table: &str, alias: &str) -> String {
    let first = columns.iter().find(|c| c.table == table).unwrap();
    let name =
        columns.iter().find(|c| c.table == table && c.name == "payment_id" && !c.nullable).unwrap_or(first);
    match name.kind.as_str() {
        "binary" => format!("HEX({alias}.{})", name.name),
        _ => format!("{alias}.{}", name.name),
    }
}

fn references_hold(columns: &[Column], references: &[Reference]) -> String {
    let mut tables: Vec<String> = references.iter().map(|r| r.child.clone()).collect();
    tables.dedup();
    let of = |table: &str, name: &str| columns.iter().find(|c| c.table == table && c.name == name).unwrap();
    let mut text = head(
        "references_hold",
        "REFERENCES: every foreign key holds. A session may switch foreign_key_checks off, so what the schema promises is looked at again.",
        "a row that refers to one that is not there.",
        "one range of the primary key of every table with a reference, and a lookup of what each row refers to.",
    );
    text += &counted(columns, &tables);
    let mut arms = Vec::new();
    for reference in references {
        let child = |name: &str| of(&reference.child, name);
        let on: Vec<_> = reference.columns.iter().map(|(c, p)| format!("p.{p} = c.{c}")).collect();
        let mut conditions = Vec::new();
        if columns.iter().any(|c| c.table == reference.child && c.name == "payment_id" && !c.nullable) {
            conditions.push(format!("c.payment_id {IN_WINDOW}"));
        }
        let nullable = reference.columns.iter().filter(|(c, _)| child(c).nullable);
        conditions.extend(nullable.map(|(c, _)| format!("c.{c} IS NOT NULL")));
        conditions.push(format!("p.{} IS NULL", reference.columns.last().unwrap().1));
        let shown: Vec<_> = reference
            .columns
            .iter()
            .map(|(c, _)| if child(c).kind == "binary" { format!("HEX(c.{c})") } else { format!("c.{c}") })
            .collect();
        arms.push(format!(
            "SELECT '{}' AS what, {} AS id, CONCAT_WS('/', {}) AS points_to\nFROM {} AS c LEFT JOIN {} AS p ON {}\nWHERE {}",
            reference.name,
            key_of(columns, &reference.child, "c"),
            shown.join(", "),
            reference.child,
            reference.parent,
            on.join(" AND "),
            conditions.join(" AND "),
        ));
    }
    text + &arms.join("\nUNION ALL\n") + ";\n"
}

fn i16_no_card_number(columns: &[Column]) -> String {
    let texts = texts(columns);
    let mut tables: Vec<String> = texts.iter().map(|c| c.table.clone()).collect();
    tables.dedup();
    let mut text = head(
        "i16_no_card_number",
        "I16: no text of any table holds a card number: 13 to 19 digits, what may stand between them aside, that begin as cards do and pass the Luhn check.",
        "a text that holds one, shown by its first six and last four digits.",
        "every text of every table is matched against a regular expression once; what has no payment, window or not.",
    );
    let width = head_line_end(&text);
    let mut notes = String::from(
        "-- The rule is that of the door (ledger-core/src/card_number.rs), whose lists this is made from: digits of any script, its separators,\n\
         --   how cards begin; told apart first are UUIDs and digests, dates, digits that begin with a date, epoch times.\n",
    );
    for (table, column, why) in MACHINE_MADE {
        writeln!(notes, "-- Not looked at: {table}.{column}: {why}.").unwrap();
    }
    for (table, column, rows) in MADE_HERE {
        writeln!(notes, "-- Of {table}.{column}, rows with {rows}: the others' numbers are letters that we made of the payment's id.").unwrap();
    }
    notes += "-- Not here: topics, logs and the relay's journal, which a test run that tries to smuggle numbers in looks through.\n";
    text.insert_str(width, &notes);
    text += &counted(columns, &tables);
    text += "WITH RECURSIVE place AS (\n  SELECT 1 AS n UNION ALL SELECT n + 1 FROM place WHERE n < 64\n), texts AS (\n";
    let arms: Vec<_> = texts.iter().map(|column| text_arm(columns, column)).collect();
    text += &arms.join("  UNION ALL\n");
    let gap = separators();
    let no_card = NO_CARD.join("|").replace("SEP", &gap);
    let plain = in_ascii("text");
    write!(
        text,
        "), cleaned AS (\n  SELECT what, id, REGEXP_REPLACE({plain},\n    '{no_card}', 'x') AS text FROM texts\n\
         ), runs AS (\n  \
           SELECT /*+ NO_MERGE(c) */ c.what, c.id, REGEXP_SUBSTR(c.text, '[0-9](?:{gap}*[0-9]){{12,}}', 1, o.n) AS text\n  \
           FROM cleaned AS c JOIN place AS o ON o.n <= 19\n\
         ), groups_of AS (\n  \
           SELECT /*+ NO_MERGE(r) */ r.what, r.id, REGEXP_REPLACE(r.text, CONCAT('^(?:[0-9]+{gap}+){{', g.n - 1, '}}'), '') AS text\n  \
           FROM runs AS r JOIN place AS g ON r.text IS NOT NULL AND (g.n = 1 OR REGEXP_LIKE(r.text, CONCAT('^(?:[0-9]+{gap}+){{', g.n - 1, '}}')))\n\
         ), numbers AS (\n  \
           SELECT /*+ NO_MERGE(t) */ t.what, t.id,\n    \
             REGEXP_REPLACE(REGEXP_SUBSTR(t.text, CONCAT('^[0-9](?:{gap}*[0-9]){{', l.n - 1, '}}(?![0-9])')), '{gap}', '') AS digits\n  \
           FROM groups_of AS t JOIN place AS l ON l.n BETWEEN 13 AND 19\n\
         )\n\
         SELECT DISTINCT what, id, CONCAT(LEFT(digits, 6), '…', RIGHT(digits, 4)) AS seen, LENGTH(digits) AS digits\n\
         FROM numbers\n\
         WHERE digits IS NOT NULL AND REGEXP_LIKE(digits, '^{BEGINNINGS}')\n  \
           AND (SELECT SUM(IF(w.n % 2 = 1, 0 + SUBSTRING(LPAD(digits, 19, '0'), 20 - w.n, 1),\n    \
           2 * SUBSTRING(LPAD(digits, 19, '0'), 20 - w.n, 1) - 9 * (SUBSTRING(LPAD(digits, 19, '0'), 20 - w.n, 1) > '4')))\n  \
           FROM place AS w WHERE w.n <= 19) % 10 = 0;\n"
    )
    .unwrap();
    text
}

/// Where the notes of a head go: before its last line of comment.
fn head_line_end(text: &str) -> usize {
    text.find("-- Made from").unwrap()
}

fn text_arm(columns: &[Column], column: &Column) -> String {
    let Column { table, name, kind, .. } = column;
    let value = match kind.as_str() {
        "json" => format!("CAST(t.{name} AS CHAR)"),
        // what is not UTF-8 is looked at byte by byte
        "blob" | "mediumblob" => format!(
            "COALESCE(CONVERT(t.{name} USING utf8mb4), CONVERT(CAST(t.{name} AS CHAR CHARACTER SET latin1) USING utf8mb4))"
        ),
        _ => format!("t.{name}"),
    };
    let mut conditions = Vec::new();
    if let Some(id) = columns.iter().find(|c| c.table == *table && c.name == "payment_id") {
        let or_none = if id.nullable {
            format!("(t.payment_id IS NULL OR t.payment_id {IN_WINDOW})")
        } else {
            format!("t.payment_id {IN_WINDOW}")
        };
        conditions.push(or_none);
    }
    if let Some((_, _, rows)) = MADE_HERE.iter().find(|(t, c, _)| t == table && c == name) {
        conditions.push(format!("t.{rows}"));
    }
    conditions.push(format!("REGEXP_LIKE({value}, '{MANY_DIGITS}')"));
    format!(
        "  SELECT '{table}.{name}' AS what, {} AS id, {value} AS text FROM {table} AS t\n  WHERE {}\n",
        key_of(columns, table, "t"),
        conditions.join(" AND ")
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn the_checks_of_all_tables_are_those_of_this_schema() {
    let db = TestDb::create("generated").await.unwrap();
    let owner = MySqlPool::connect(&db.owner).await.unwrap();
    let (columns, references) = (columns(&owner).await, references(&owner).await);
    let made = BTreeMap::from([
        ("facts_belong_to_changes", facts_belong_to_changes(&columns)),
        ("references_hold", references_hold(&columns, &references)),
        ("i16_no_card_number", i16_no_card_number(&columns)),
    ]);
    let mut old = Vec::new();
    for (name, text) in made {
        let check = CHECKS.iter().find(|check| check.name == name).unwrap();
        if check.text != text {
            let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}.sql"));
            std::fs::write(&path, text).unwrap();
            old.push(format!("cp {} verifier/checks/", path.display()));
        }
    }
    assert!(old.is_empty(), "checks are older than the schema:\n{}", old.join("\n"));
}
