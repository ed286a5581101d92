//! A legacy row as everything behind the reader sees it: card numbers are gone before it exists.

use sha2::{Digest as _, Sha256};

use super::Table;
use super::mask;

/// A column as it was read: its name and its bytes.
pub type RawColumn = (String, Option<Vec<u8>>);

/// A row whose card columns are truncated and whose free text is masked: there is no other way to make one.
#[derive(Debug, Clone)]
pub struct SafeRow {
    columns: Vec<RawColumn>,
}

impl SafeRow {
    /// Takes the columns as they were read.
    pub fn new(table: &Table, columns: Vec<RawColumn>) -> Self {
        let fields = table.spec.columns();
        let safe = |name: &str, bytes: Vec<u8>| {
            let used: Vec<&str> =
                fields.iter().filter(|(_, column)| *column == name).map(|(field, _)| *field).collect();
            if used.contains(&"card") {
                mask::card_column(&bytes)
            } else if used.iter().all(|field| *field == "reason") {
                mask::free_text(&bytes)
            } else {
                bytes
            }
        };
        let columns = columns
            .into_iter()
            .map(|(name, value)| {
                let value = value.map(|bytes| safe(&name, bytes));
                (name, value)
            })
            .collect();
        Self { columns }
    }

    /// The bytes of a column; `None` when it is NULL or blank.
    pub fn get(&self, column: &str) -> Option<&[u8]> {
        let (_, value) = self.columns.iter().find(|(name, _)| name == column)?;
        value.as_deref().filter(|bytes| bytes.iter().any(|b| *b != b' '))
    }

    /// Whether the SELECT returned the column at all.
    pub fn has(&self, column: &str) -> bool {
        self.columns.iter().any(|(name, _)| name == column)
    }

    /// A column's bytes as text without its padding, for keys and messages.
    pub fn text(&self, column: &str) -> String {
        self.get(column).map_or_else(String::new, |bytes| readable(bytes).trim_end_matches(' ').to_owned())
    }

    /// The row's own key as it may be written down: its columns, joined by `/`.
    pub fn pk(&self, table: &Table) -> String {
        table.spec.pk.iter().map(|column| mask::key(&self.text(column))).collect::<Vec<_>>().join("/")
    }

    /// The first key column that holds what looks like a card number.
    pub fn card_number_in_key<'t>(&self, table: &'t Table) -> Option<&'t str> {
        let columns = table.spec.pk.iter().chain([&table.spec.key]).map(String::as_str);
        columns.into_iter().find(|column| {
            let text = self.text(column);
            mask::key(&text) != text
        })
    }

    /// The key of the payment that the row belongs to, for its SELECT; not to be written down.
    pub fn key(&self, table: &Table) -> String {
        self.text(&table.spec.key)
    }

    /// Digest of the table, and of names and values by length: a row changed in place has another one.
    pub fn hash(&self, table: &str) -> [u8; 32] {
        let mut digest = Sha256::new();
        let mut part = |bytes: &[u8]| {
            digest.update(u64::try_from(bytes.len()).unwrap_or(u64::MAX).to_be_bytes());
            digest.update(bytes);
        };
        part(b"ledger.legacy-row.v1");
        part(table.as_bytes());
        for (name, value) in &self.columns {
            part(name.as_bytes());
            part(if value.is_some() { b"v" } else { b"n" });
            part(value.as_deref().unwrap_or_default());
        }
        digest.finalize().into()
    }

    /// The row for people, in quarantine: text where it is text, bytes in hexadecimal elsewhere, card numbers masked.
    pub fn to_json(&self, table: &Table) -> serde_json::Value {
        let shown = |name: &str, bytes: &[u8]| {
            let is_key = table.spec.key == name || table.spec.pk.iter().any(|column| column == name);
            if is_key { mask::key(&readable(bytes)) } else { readable(&mask::free_text(bytes)) }
        };
        self.columns
            .iter()
            .map(|(name, value)| {
                let value = value.as_deref().map(|bytes| shown(name, bytes));
                (name.clone(), value.map_or(serde_json::Value::Null, serde_json::Value::String))
            })
            .collect::<serde_json::Map<_, _>>()
            .into()
    }
}

fn readable(bytes: &[u8]) -> String {
    encoding_rs::EUC_KR
        .decode_without_bom_handling_and_without_replacement(bytes)
        .map_or_else(|| format!("0x{}", hex::encode(bytes)), std::borrow::Cow::into_owned)
}
