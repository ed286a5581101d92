//! One row, strictly parsed into what it says in the model's own words; or the reasons why it could not be.

use chrono::{DateTime, NaiveDate, Utc};
use ledger_core::money::Currency;

use super::mask::{self, Truncated};
use super::parse;
use super::reason::{Reason, Reject};
use super::row::SafeRow;
use super::spec::{
    AmountField, ApprovalFields, CancellationFields, CardField, CodeField, CountField, HeaderFields,
    InstantField, Null, TextField,
};
use super::{Aggregate, Mapping, Table};

/// A row as far as it could be read. `amount` and `day` are there whenever their own columns fit, so that quarantined
/// amounts can be added up too.
#[derive(Debug)]
pub struct Record<'a> {
    pub table: &'a Table,
    pub row: SafeRow,
    pub pk: String,
    pub hash: [u8; 32],
    pub amount: Option<i64>,
    pub day: Option<NaiveDate>,
    pub header: Option<Header>,
    pub approval: Option<Approval>,
    pub cancellation: Option<Cancellation>,
    pub rejects: Vec<Reject>,
}

/// What a header row says.
#[derive(Debug, Clone)]
pub struct Header {
    pub merchant_id: String,
    pub order_id: String,
    pub currency: Currency,
    pub total: i64,
    pub created_at: DateTime<Utc>,
}

/// What an approval row says.
#[derive(Debug, Clone)]
pub struct Approval {
    pub amount: i64,
    pub tax_free: i64,
    /// `None`: to be computed by formula.
    pub vat: Option<i64>,
    pub issuer_id: String,
    pub approval_no: Option<String>,
    pub approved_at: DateTime<Utc>,
    pub card: Option<Truncated>,
    pub installment_months: u8,
}

/// What a cancel row says.
#[derive(Debug, Clone)]
pub struct Cancellation {
    /// `None`: all that is left.
    pub amount: Option<i64>,
    pub tax_free: i64,
    pub vat: Option<i64>,
    pub reason: Option<String>,
    pub canceled_at: DateTime<Utc>,
}

impl<'a> Record<'a> {
    /// Parses a row of `table`.
    pub fn read(mapping: &Mapping, aggregate: &Aggregate, table: &'a Table, row: SafeRow) -> Self {
        let reader = Reader { mapping, row: &row };
        let mut rejects = Vec::new();
        rejects.extend(row.card_number_in_key(table).map(|column| card_number().of(column)));
        let (mut amount, mut at) = (None, None);
        let header = table.spec.header.as_ref().and_then(|fields| {
            amount = reader.amount(&fields.total).ok().flatten();
            at = reader.instant(&fields.created_at).ok();
            keep(reader.header(fields, aggregate), &mut rejects)
        });
        let approval = table.spec.approval.as_ref().and_then(|fields| {
            amount = reader.amount(&fields.amount).ok().flatten();
            at = reader.instant(&fields.approved_at).ok();
            keep(reader.approval(fields), &mut rejects)
        });
        let cancellation = table.spec.cancellation.as_ref().and_then(|fields| {
            amount = reader.amount(&fields.amount).ok().flatten();
            at = reader.instant(&fields.canceled_at).ok();
            keep(reader.cancellation(fields), &mut rejects)
        });
        let day = at.map(|at| parse::local_day(at, mapping.offset));
        let (pk, hash) = (row.pk(table), row.hash(&table.spec.name));
        Self { table, row, pk, hash, amount, day, header, approval, cancellation, rejects }
    }
}

fn keep<T>(parsed: Result<T, Reject>, rejects: &mut Vec<Reject>) -> Option<T> {
    parsed.map_err(|reject| rejects.push(reject)).ok()
}

struct Reader<'a> {
    mapping: &'a Mapping,
    row: &'a SafeRow,
}

impl Reader<'_> {
    fn header(&self, fields: &HeaderFields, aggregate: &Aggregate) -> Result<Header, Reject> {
        let created_at = self.instant(&fields.created_at)?;
        let day = parse::local_day(created_at, self.mapping.offset);
        if let Some(field) = &fields.pay_type {
            let method = self.code(field, day)?;
            if method != aggregate.method.code() {
                let reject = Reject::new(Reason::CodeUnknown, "belongs to another method");
                return Err(reject.of(column_of(field)));
            }
        }
        let currency = self.code(&fields.currency, day)?;
        let currency = currency.parse().map_err(|_| {
            Reject::new(Reason::CodeUnknown, "is no currency of the ledger").of(column_of(&fields.currency))
        })?;
        Ok(Header {
            merchant_id: self.required(&fields.merchant_id)?,
            order_id: self.required(&fields.order_id)?,
            currency,
            total: self.present(&fields.total)?,
            created_at,
        })
    }

    fn approval(&self, fields: &ApprovalFields) -> Result<Approval, Reject> {
        let approved_at = self.instant(&fields.approved_at)?;
        let day = parse::local_day(approved_at, self.mapping.offset);
        Ok(Approval {
            amount: self.present(&fields.amount)?,
            tax_free: self.present(&fields.tax_free)?,
            vat: self.amount(&fields.vat)?,
            issuer_id: self.code(&fields.issuer_id, day)?,
            approval_no: self.optional(fields.approval_no.as_ref())?,
            approved_at,
            card: fields.card.as_ref().map(|field| self.card(field)).transpose()?.flatten(),
            installment_months: fields
                .installment_months
                .as_ref()
                .map_or(Ok(0), |field| self.count(field))?,
        })
    }

    fn cancellation(&self, fields: &CancellationFields) -> Result<Cancellation, Reject> {
        Ok(Cancellation {
            canceled_at: self.instant(&fields.canceled_at)?,
            amount: self.amount(&fields.amount)?,
            tax_free: self.present(&fields.tax_free)?,
            vat: fields.vat.as_ref().map(|field| self.amount(field)).transpose()?.flatten(),
            reason: self.optional(fields.reason.as_ref())?,
        })
    }

    fn amount(&self, field: &AmountField) -> Result<Option<i64>, Reject> {
        let at = |reject: Reject| reject.of(field.column.as_deref().unwrap_or("value"));
        if let Some(value) = &field.value {
            return parse::amount(value, field.sign, true).map(Some).map_err(at);
        }
        match field.column.as_deref().and_then(|column| self.row.get(column)) {
            Some(bytes) => {
                let text = String::from_utf8_lossy(bytes);
                parse::amount(&text, field.sign, field.zero).map(Some).map_err(at)
            }
            None => match field.null {
                Null::Reject => Err(at(empty())),
                Null::Absent | Null::Remaining | Null::Formula => Ok(None),
            },
        }
    }

    fn present(&self, field: &AmountField) -> Result<i64, Reject> {
        let at = field.column.as_deref().unwrap_or("value");
        self.amount(field)?.ok_or_else(|| empty().of(at))
    }

    fn instant(&self, field: &InstantField) -> Result<DateTime<Utc>, Reject> {
        let column = field.columns.join("+");
        let mut text = String::new();
        for part in &field.columns {
            let bytes = self.row.get(part).ok_or_else(|| empty().of(part))?;
            text.push_str(&String::from_utf8_lossy(bytes));
        }
        parse::instant(&text, &field.format, self.mapping.offset).map_err(|reject| reject.of(&column))
    }

    fn optional(&self, field: Option<&TextField>) -> Result<Option<String>, Reject> {
        let Some(field) = field else { return Ok(None) };
        match self.row.get(&field.column) {
            Some(bytes) => parse::text(bytes, field.charset, field.max, field.cut)
                .and_then(without_card_number)
                .map(Some)
                .map_err(|reject| reject.of(&field.column)),
            None if field.null == Null::Reject => Err(empty().of(&field.column)),
            None => Ok(None),
        }
    }

    fn required(&self, field: &TextField) -> Result<String, Reject> {
        self.optional(Some(field))?.ok_or_else(|| empty().of(&field.column))
    }

    fn code(&self, field: &CodeField, day: NaiveDate) -> Result<String, Reject> {
        let Some(column) = &field.column else { return Ok(field.value.clone().unwrap_or_default()) };
        let bytes = self.row.get(column).ok_or_else(|| empty().of(column))?;
        let text = parse::text(bytes, parse::Charset::Cp949, usize::MAX, false)
            .map_err(|reject| reject.of(column))?;
        let known =
            field.codes.as_ref().and_then(|map| self.mapping.code(map, &parse::code(&text, field.fold), day));
        known.map(str::to_owned).ok_or_else(|| {
            Reject::new(Reason::CodeUnknown, "holds a code that its map does not know on that day").of(column)
        })
    }

    fn card(&self, field: &CardField) -> Result<Option<Truncated>, Reject> {
        let Some(bytes) = self.row.get(&field.column) else { return Ok(None) };
        mask::truncated(&String::from_utf8_lossy(bytes)).map(Some).ok_or_else(|| {
            Reject::new(Reason::CardNumber, "holds something other than one card number").of(&field.column)
        })
    }

    fn count(&self, field: &CountField) -> Result<u8, Reject> {
        match self.row.get(&field.column) {
            Some(bytes) => parse::count(&String::from_utf8_lossy(bytes), field.max),
            None if field.null == Null::Reject => Err(empty()),
            None => Ok(0),
        }
        .map_err(|reject| reject.of(&field.column))
    }
}

/// Text that nobody wants to be a card number; reasons are masked before they get here.
fn without_card_number(text: String) -> Result<String, Reject> {
    if mask::holds_card_number(text.as_bytes()) { Err(card_number()) } else { Ok(text) }
}

fn card_number() -> Reject {
    Reject::new(Reason::CardNumber, "holds what looks like a card number")
}

fn empty() -> Reject {
    Reject::new(Reason::Empty, "is empty")
}

fn column_of(field: &CodeField) -> &str {
    field.column.as_deref().unwrap_or("value")
}
