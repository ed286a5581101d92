//! The one map from a legacy payment's rows to what the ledger takes over: pure, total, the same for copy, mirror and
//! repair. A payment is mapped, left out with a reason, or goes to quarantine as a whole, so that totals tie out.

use ledger_core::mirror_writer::{LegacyRow, Mapped, Quarantined, RowKind};
use ledger_core::money::Minor;
use ledger_core::payment::legacy::{LegacyApproval, LegacyCancellation, LegacyPayment};
use ledger_core::payment::tax;
use ledger_core::time::BusinessDate;

use crate::mapping::parse;
use crate::mapping::reason::{Reason, Reject};
use crate::mapping::record::{Approval, Cancellation, Header, Record};
use crate::mapping::{Aggregate, Mapping};

/// Reason text of a cancel whose row has none.
const NO_REASON: &str = "legacy";
/// Characters of a detail that are kept.
const DETAIL: usize = 400;

/// Where the rows of one payment go.
#[derive(Debug)]
pub enum Outcome {
    /// Into the ledger.
    Payment(Box<Mapped>),
    /// Nowhere, and that is right.
    Excluded {
        /// The rule's reason.
        reason: String,
        /// All rows of the payment.
        rows: Vec<LegacyRow>,
    },
    /// To people.
    Quarantined(Vec<Quarantined>),
}

/// A row and why it does not fit.
struct Misfit {
    index: usize,
    reject: Reject,
}

/// Maps all rows of the payment `key`.
pub fn map(mapping: &Mapping, aggregate: &Aggregate, key: &str, records: &[Record<'_>]) -> Outcome {
    let parsed = first_reject(records);
    let excluded = exclusion(aggregate, records);
    let result = match (parsed, excluded) {
        (_, Some(reason)) => left_out(aggregate, records).map(|rows| Outcome::Excluded { reason, rows }),
        (Some(misfit), None) => Err(misfit),
        (None, None) => {
            payment(mapping, aggregate, key, records).map(|mapped| Outcome::Payment(Box::new(mapped)))
        }
    };
    result.unwrap_or_else(|misfit| Outcome::Quarantined(quarantine(aggregate, records, &misfit)))
}

/// Puts a payment that the ledger itself refused into quarantine.
pub fn refused(aggregate: &Aggregate, records: &[Record<'_>], why: &str) -> Vec<Quarantined> {
    let reject = Reject::new(Reason::LedgerRefused, why.chars().take(DETAIL).collect::<String>());
    quarantine(aggregate, records, &Misfit { index: 0, reject })
}

fn first_reject(records: &[Record<'_>]) -> Option<Misfit> {
    records.iter().enumerate().find_map(|(index, record)| {
        record.rejects.first().map(|reject| Misfit { index, reject: reject.clone() })
    })
}

fn exclusion(aggregate: &Aggregate, records: &[Record<'_>]) -> Option<String> {
    let header = records.iter().find(|record| record.table.spec.header.is_some())?;
    aggregate
        .exclude
        .iter()
        .find(|rule| {
            let text = header.row.text(&rule.column);
            rule.starts_with.as_ref().is_some_and(|start| text.starts_with(start))
                || rule.equals.as_ref().is_some_and(|whole| text == *whole)
        })
        .map(|rule| rule.reason.clone())
}

/// Rows of an excluded payment; their amounts have to be known all the same, or nothing would tie out.
fn left_out(aggregate: &Aggregate, records: &[Record<'_>]) -> Result<Vec<LegacyRow>, Misfit> {
    let rest = remaining(records);
    records
        .iter()
        .enumerate()
        .map(|(index, record)| {
            let amount = record.amount.or_else(|| record.rejects.is_empty().then_some(rest));
            let unknown =
                || record.rejects.first().cloned().unwrap_or_else(|| Reject::new(Reason::Empty, "is empty"));
            Ok(legacy_row(aggregate, record, amount.ok_or_else(|| Misfit { index, reject: unknown() })?))
        })
        .collect()
}

/// What is left of the approvals after all cancels that name an amount.
fn remaining(records: &[Record<'_>]) -> i64 {
    let approved =
        records.iter().filter_map(|record| record.approval.as_ref()).map(|approval| approval.amount);
    let canceled = records.iter().filter_map(|record| record.cancellation.as_ref()?.amount);
    approved.fold(0, i64::saturating_add).saturating_sub(canceled.fold(0, i64::saturating_add))
}

fn payment(
    mapping: &Mapping,
    aggregate: &Aggregate,
    key: &str,
    records: &[Record<'_>],
) -> Result<Mapped, Misfit> {
    let approvals = approvals(mapping, aggregate, records)?;
    let Some((header_at, header)) = header(records) else {
        let index = index_of(records, |record| record.approval.is_some());
        return Err(misfit(index, Reason::NoHeader, "has no header row"));
    };
    check_total(records, header_at, header, &approvals)?;
    let cancellations = cancellations(mapping, records)?;
    let mut vat = 0;
    let mut tax_free = 0;
    for (index, approval) in records.iter().enumerate().filter_map(|(at, r)| Some((at, r.approval.as_ref()?)))
    {
        vat += vat_of(approval).map_err(|reject| Misfit { index, reject })?;
        tax_free += approval.tax_free;
    }
    let rest = remaining(records);
    let rows =
        records.iter().map(|record| legacy_row(aggregate, record, record.amount.unwrap_or(rest))).collect();
    let payment = LegacyPayment {
        source: mapping.source.clone(),
        name: Mapping::payment_name(aggregate, key),
        merchant_id: header.merchant_id.clone(),
        order_id: header.order_id.clone(),
        currency: header.currency,
        total: header.total,
        tax_free,
        vat,
        created_at: header.created_at,
        approvals,
        cancellations,
    };
    Ok(Mapped { payment, rows })
}

fn header<'a>(records: &'a [Record<'_>]) -> Option<(usize, &'a Header)> {
    records.iter().enumerate().find_map(|(index, record)| Some((index, record.header.as_ref()?)))
}

fn approvals(
    mapping: &Mapping,
    aggregate: &Aggregate,
    records: &[Record<'_>],
) -> Result<Vec<LegacyApproval>, Misfit> {
    let approvals: Vec<LegacyApproval> = records
        .iter()
        .filter_map(|record| {
            let approval = record.approval.as_ref()?;
            Some(LegacyApproval {
                method: aggregate.method,
                issuer_id: approval.issuer_id.clone(),
                amount: approval.amount,
                tax_free: approval.tax_free,
                approval_no: approval.approval_no.clone(),
                trace_no: record.pk.clone(),
                approved_at: approval.approved_at,
                business_date: BusinessDate::new(parse::local_day(approval.approved_at, mapping.offset)),
                card_bin: approval.card.as_ref().map(|card| card.bin.clone()),
                card_last4: approval.card.as_ref().map(|card| card.last4.clone()),
                installment_months: approval.installment_months,
            })
        })
        .collect();
    if !approvals.is_empty() {
        return Ok(approvals);
    }
    match records.iter().position(|record| record.cancellation.is_some()) {
        Some(index) => Err(misfit(index, Reason::Orphan, "cancels an approval that is not there")),
        None => Err(misfit(0, Reason::NoApproval, "has no approval row")),
    }
}

fn check_total(
    records: &[Record<'_>],
    header_at: usize,
    header: &Header,
    approvals: &[LegacyApproval],
) -> Result<(), Misfit> {
    let approved: i64 = approvals.iter().map(|approval| approval.amount).sum();
    if approved == header.total {
        return Ok(());
    }
    if approvals.len() > 1 {
        let index = index_of(records, |record| record.approval.is_some());
        return Err(misfit(
            index,
            Reason::DuplicateApproval,
            "is one of several approvals that exceed the total",
        ));
    }
    Err(misfit(header_at, Reason::TotalMismatch, "has a total that is not the sum of its approvals"))
}

fn cancellations(mapping: &Mapping, records: &[Record<'_>]) -> Result<Vec<LegacyCancellation>, Misfit> {
    let rest = remaining(records);
    let cancels: Vec<(usize, &Record<'_>, &Cancellation)> = records
        .iter()
        .enumerate()
        .filter_map(|(index, record)| Some((index, record, record.cancellation.as_ref()?)))
        .collect();
    if rest < 0 {
        let index = cancels.iter().map(|(index, _, _)| *index).next_back().unwrap_or_default();
        return Err(misfit(
            index,
            Reason::OverCancel,
            "cancels more than was approved, together with the others",
        ));
    }
    let mut open = rest;
    let mut mapped = Vec::with_capacity(cancels.len());
    for (index, record, cancel) in cancels {
        let amount = cancel.amount.unwrap_or_else(|| std::mem::take(&mut open));
        if amount == 0 {
            return Err(misfit(index, Reason::NothingLeft, "cancels a payment of which nothing is left"));
        }
        if cancel.tax_free + cancel.vat.unwrap_or_default() > amount {
            return Err(misfit(index, Reason::Tax, "has tax parts larger than its amount"));
        }
        mapped.push(LegacyCancellation {
            key: format!("{}:{}", record.table.spec.name, record.pk),
            amount,
            tax_free: cancel.tax_free,
            vat: cancel.vat,
            reason: cancel.reason.clone().unwrap_or_else(|| NO_REASON.to_owned()),
            canceled_at: cancel.canceled_at,
            business_date: BusinessDate::new(parse::local_day(cancel.canceled_at, mapping.offset)),
        });
    }
    mapped.sort_by(|a, b| (a.canceled_at, &a.key).cmp(&(b.canceled_at, &b.key)));
    Ok(mapped)
}

/// The leg's VAT: as the legacy ledger had it, or by formula where the mapping says so.
fn vat_of(approval: &Approval) -> Result<i64, Reject> {
    let too_much = || Reject::new(Reason::Tax, "has tax parts larger than its amount");
    let vat = if let Some(vat) = approval.vat {
        vat
    } else {
        let (amount, tax_free) = (Minor::new(approval.amount), Minor::new(approval.tax_free));
        let vat = amount.and_then(|amount| tax::vat_in(amount, tax_free?));
        vat.map_err(|_| too_much())?.get()
    };
    if vat + approval.tax_free > approval.amount { Err(too_much()) } else { Ok(vat) }
}

fn quarantine(aggregate: &Aggregate, records: &[Record<'_>], misfit: &Misfit) -> Vec<Quarantined> {
    let culprit = records.get(misfit.index).map(|record| format!("{} {}", record.table.spec.name, record.pk));
    records
        .iter()
        .enumerate()
        .map(|(index, record)| {
            let own = record.rejects.first().or((index == misfit.index).then_some(&misfit.reject));
            let (reason, detail, column) = if let Some(reject) = own {
                (reject.reason, reject.detail.clone().into_owned(), reject.column.clone())
            } else {
                let culprit = culprit.as_deref().unwrap_or("another row");
                let detail = format!("goes with {culprit}, which did not fit ({})", misfit.reject.reason);
                (Reason::Aggregate, detail, None)
            };
            Quarantined {
                table: record.table.spec.name.clone(),
                pk: record.pk.clone(),
                hash: record.hash,
                reason: reason.code().to_owned(),
                detail,
                column,
                kind: kind(record),
                method: aggregate.method.code().to_owned(),
                amount: record.amount,
                business_date: record.day,
                raw: record.row.to_json(record.table),
            }
        })
        .collect()
}

fn legacy_row(aggregate: &Aggregate, record: &Record<'_>, amount: i64) -> LegacyRow {
    LegacyRow {
        table: record.table.spec.name.clone(),
        pk: record.pk.clone(),
        hash: record.hash,
        kind: kind(record),
        method: aggregate.method.code().to_owned(),
        amount,
        business_date: record.day,
    }
}

/// What a row is counted as: by its table, whether or not it could be read.
fn kind(record: &Record<'_>) -> RowKind {
    let spec = &record.table.spec;
    if spec.approval.is_some() {
        RowKind::Approval
    } else if spec.cancellation.is_some() {
        RowKind::Cancel
    } else {
        RowKind::Header
    }
}

fn index_of(records: &[Record<'_>], wanted: impl Fn(&Record<'_>) -> bool) -> usize {
    records.iter().position(wanted).unwrap_or_default()
}

fn misfit(index: usize, reason: Reason, detail: &'static str) -> Misfit {
    Misfit { index, reject: Reject::new(reason, detail) }
}

#[cfg(test)]
mod tests;
