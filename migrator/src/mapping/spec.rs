//! The form of a mapping file: tables, fields and their parsers, code maps, exclusions. Unknown keys are refused.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use serde::Deserialize;

use super::parse::{Charset, Sign};

/// `mapping.toml` as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MappingFile {
    /// The mapping's name.
    pub name: String,
    /// The name of the legacy ledger in receipts and provenance.
    pub source: String,
    /// Raised whenever the same row could map to something else.
    pub version: u32,
    /// Offset of the wall clock behind every time column.
    pub utc_offset_hours: i32,
    /// What makes one payment each.
    pub aggregate: Vec<AggregateFile>,
    /// Code maps by name.
    #[serde(default)]
    pub codes: BTreeMap<String, Vec<CodeEntry>>,
}

/// All rows of one kind of payment.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AggregateFile {
    pub name: String,
    /// The method of every leg.
    pub method: String,
    /// SELECT of the next keys after `:after`.
    pub keys: String,
    /// Rows of which the whole payment is left out, with a reason.
    #[serde(default)]
    pub exclude: Vec<Exclusion>,
    /// Header first.
    pub table: Vec<TableFile>,
}

/// One table of an aggregate.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TableFile {
    pub name: String,
    /// SELECT of the rows of `:keys`.
    pub select: String,
    /// SELECT of the keys changed in `:from`…`:to`, or "none".
    pub changed: String,
    /// SELECT of one slice of the keys, for a table without a change column.
    pub rolling: Option<String>,
    /// The column of the payment's key.
    pub key: String,
    /// The columns of the row's own key.
    pub pk: Vec<String>,
    pub header: Option<HeaderFields>,
    pub approval: Option<ApprovalFields>,
    pub cancellation: Option<CancellationFields>,
}

/// A reason to leave a payment out.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exclusion {
    pub reason: String,
    pub column: String,
    pub starts_with: Option<String>,
    pub equals: Option<String>,
}

/// What makes the payment.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HeaderFields {
    pub merchant_id: TextField,
    pub order_id: TextField,
    pub currency: CodeField,
    /// Where the header serves several methods: its code must map to the aggregate's.
    pub pay_type: Option<CodeField>,
    pub total: AmountField,
    pub created_at: InstantField,
}

/// What makes a leg.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApprovalFields {
    pub amount: AmountField,
    pub tax_free: AmountField,
    pub vat: AmountField,
    pub issuer_id: CodeField,
    pub approval_no: Option<TextField>,
    pub approved_at: InstantField,
    pub card: Option<CardField>,
    pub installment_months: Option<CountField>,
}

/// What makes a cancel.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CancellationFields {
    pub amount: AmountField,
    pub tax_free: AmountField,
    pub vat: Option<AmountField>,
    pub reason: Option<TextField>,
    pub canceled_at: InstantField,
}

/// What an empty column means. Nothing is defaulted silently: the mapping has to say it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Null {
    /// It must not be.
    #[default]
    Reject,
    /// There is none.
    Absent,
    /// A cancel of all that is left.
    Remaining,
    /// To be computed as for new payments.
    Formula,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TextField {
    pub column: String,
    #[serde(default)]
    pub charset: Charset,
    /// Characters at most.
    pub max: usize,
    /// Old writers cut text after a number of bytes.
    #[serde(default)]
    pub cut: bool,
    #[serde(default)]
    pub null: Null,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AmountField {
    pub column: Option<String>,
    pub value: Option<String>,
    #[serde(default)]
    pub sign: Sign,
    /// Whether zero is an amount here.
    #[serde(default)]
    pub zero: bool,
    #[serde(default)]
    pub null: Null,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InstantField {
    /// Joined without anything between.
    pub columns: Vec<String>,
    pub format: String,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CodeField {
    pub column: Option<String>,
    pub value: Option<String>,
    pub codes: Option<String>,
    /// Lower case and full-width digits mean what they look like.
    #[serde(default)]
    pub fold: bool,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CardField {
    pub column: String,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CountField {
    pub column: String,
    pub max: u8,
    #[serde(default)]
    pub null: Null,
}

/// What a code means from a day on.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CodeEntry {
    pub from: String,
    pub to: String,
    /// Always, when absent.
    #[serde(default, deserialize_with = "day")]
    pub valid_from: Option<NaiveDate>,
}

fn day<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<NaiveDate>, D::Error> {
    let written = toml::value::Datetime::deserialize(deserializer)?;
    let date = written.date.filter(|_| written.time.is_none());
    date.and_then(|date| NaiveDate::from_ymd_opt(date.year.into(), date.month.into(), date.day.into()))
        .map(Some)
        .ok_or_else(|| serde::de::Error::custom("valid_from wants a day"))
}

impl TableFile {
    /// Every column a parser reads, with the name of its field.
    pub fn columns(&self) -> Vec<(&'static str, &str)> {
        let mut columns: Vec<(&'static str, &str)> = vec![("key", self.key.as_str())];
        columns.extend(self.pk.iter().map(|column| ("pk", column.as_str())));
        if let Some(header) = &self.header {
            columns.push(("merchant_id", &header.merchant_id.column));
            columns.push(("order_id", &header.order_id.column));
            columns.extend(header.currency.column.as_deref().map(|column| ("currency", column)));
            let pay_type = header.pay_type.as_ref().and_then(|field| field.column.as_deref());
            columns.extend(pay_type.map(|column| ("pay_type", column)));
            columns.extend(header.total.column.as_deref().map(|column| ("total", column)));
            columns.extend(header.created_at.columns.iter().map(|column| ("created_at", column.as_str())));
        }
        if let Some(approval) = &self.approval {
            columns.extend(approval.amount.column.as_deref().map(|column| ("amount", column)));
            columns.extend(approval.tax_free.column.as_deref().map(|column| ("tax_free", column)));
            columns.extend(approval.vat.column.as_deref().map(|column| ("vat", column)));
            columns.extend(approval.issuer_id.column.as_deref().map(|column| ("issuer_id", column)));
            columns.extend(approval.approval_no.as_ref().map(|field| ("approval_no", field.column.as_str())));
            columns
                .extend(approval.approved_at.columns.iter().map(|column| ("approved_at", column.as_str())));
            columns.extend(approval.card.as_ref().map(|field| ("card", field.column.as_str())));
            let months = approval.installment_months.as_ref();
            columns.extend(months.map(|field| ("installment_months", field.column.as_str())));
        }
        if let Some(cancellation) = &self.cancellation {
            columns.extend(cancellation.amount.column.as_deref().map(|column| ("amount", column)));
            columns.extend(cancellation.tax_free.column.as_deref().map(|column| ("tax_free", column)));
            let vat = cancellation.vat.as_ref().and_then(|field| field.column.as_deref());
            columns.extend(vat.map(|column| ("vat", column)));
            columns.extend(cancellation.reason.as_ref().map(|field| ("reason", field.column.as_str())));
            columns.extend(
                cancellation.canceled_at.columns.iter().map(|column| ("canceled_at", column.as_str())),
            );
        }
        columns
    }
}
