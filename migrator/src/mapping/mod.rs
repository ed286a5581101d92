//! A legacy source as data: its tables, its SELECTs and the parser of every column, loaded and checked as a whole.

#[cfg(test)]
mod fuzz;
pub mod mask;
pub mod parse;
pub mod reason;
pub mod record;
pub mod row;
pub mod spec;
pub mod statement;

use std::collections::BTreeMap;
use std::path::Path;

use chrono::{FixedOffset, NaiveDate};
use ledger_core::payment::fact::Method;

use spec::{AggregateFile, CodeEntry, CodeField, MappingFile, Null, TableFile};
use statement::{Param, Statement};

/// A mapping that is ready to be used.
#[derive(Debug)]
pub struct Mapping {
    /// Its name.
    pub name: String,
    /// The name of the legacy ledger in receipts and provenance.
    pub source: String,
    /// Raised whenever the same row could map to something else.
    pub version: u32,
    /// The wall clock behind every time column.
    pub offset: FixedOffset,
    /// What makes one payment each.
    pub aggregates: Vec<Aggregate>,
    codes: BTreeMap<String, Vec<CodeEntry>>,
}

/// All rows of one kind of payment.
#[derive(Debug)]
pub struct Aggregate {
    /// Its name within the mapping.
    pub name: String,
    /// The method of every leg.
    pub method: Method,
    /// The next keys.
    pub keys: Statement,
    /// Reasons to leave a payment out.
    pub exclude: Vec<spec::Exclusion>,
    /// Header first.
    pub tables: Vec<Table>,
}

/// One table of an aggregate.
#[derive(Debug)]
pub struct Table {
    /// Its fields, as written.
    pub spec: TableFile,
    /// The rows of given keys.
    pub select: Statement,
    /// The keys changed in a window; `None` where no column tells.
    pub changed: Option<Statement>,
    /// One slice of the keys, where no column tells what changed.
    pub rolling: Option<Statement>,
}

/// What is wrong with a mapping's files: every fault, one a line.
#[derive(Debug, thiserror::Error)]
#[error("mapping {name} cannot be used:\n  {}", .faults.join("\n  "))]
pub struct MappingError {
    /// Name or directory of the mapping.
    pub name: String,
    /// The faults.
    pub faults: Vec<String>,
}

/// The mapping that comes with the migrator.
const REFERENCE: &[(&str, &str)] = &[
    ("card_keys.sql", include_str!("../../mappings/reference/card_keys.sql")),
    ("mapping.toml", include_str!("../../mappings/reference/mapping.toml")),
    ("refund.sql", include_str!("../../mappings/reference/refund.sql")),
    ("refund_changed.sql", include_str!("../../mappings/reference/refund_changed.sql")),
    ("tb_acnt_tran.sql", include_str!("../../mappings/reference/tb_acnt_tran.sql")),
    ("tb_acnt_tran_changed.sql", include_str!("../../mappings/reference/tb_acnt_tran_changed.sql")),
    ("tb_card_appr.sql", include_str!("../../mappings/reference/tb_card_appr.sql")),
    ("tb_card_appr_rolling.sql", include_str!("../../mappings/reference/tb_card_appr_rolling.sql")),
    ("tb_card_cncl.sql", include_str!("../../mappings/reference/tb_card_cncl.sql")),
    ("tb_card_cncl_rolling.sql", include_str!("../../mappings/reference/tb_card_cncl_rolling.sql")),
    ("tb_card_part_cncl.sql", include_str!("../../mappings/reference/tb_card_part_cncl.sql")),
    ("tb_card_part_cncl_rolling.sql", include_str!("../../mappings/reference/tb_card_part_cncl_rolling.sql")),
    ("tb_pay_mst.sql", include_str!("../../mappings/reference/tb_pay_mst.sql")),
    ("tb_pay_mst_changed.sql", include_str!("../../mappings/reference/tb_pay_mst_changed.sql")),
    ("transfer_keys.sql", include_str!("../../mappings/reference/transfer_keys.sql")),
];

impl Mapping {
    /// The mapping of this name that comes with the migrator, or the one in this directory.
    pub fn load(name: &str) -> Result<Self, MappingError> {
        if name == "reference" {
            return Self::read(name, &|file| {
                let found = REFERENCE.iter().find(|(known, _)| *known == file);
                found.map(|(_, text)| (*text).to_owned()).ok_or_else(|| "no such file".to_owned())
            });
        }
        let directory = Path::new(name);
        Self::read(name, &|file| {
            std::fs::read_to_string(directory.join(file)).map_err(|error| error.to_string())
        })
    }

    fn read(name: &str, file: &dyn Fn(&str) -> Result<String, String>) -> Result<Self, MappingError> {
        let fault = |text: String| MappingError { name: name.to_owned(), faults: vec![text] };
        let text = file("mapping.toml").map_err(|error| fault(format!("mapping.toml: {error}")))?;
        let written: MappingFile =
            toml::from_str(&text).map_err(|error| fault(format!("mapping.toml: {error}")))?;
        let mut loader = Loader { file, codes: &written.codes, faults: Vec::new() };
        let offset = FixedOffset::east_opt(written.utc_offset_hours.saturating_mul(3600));
        if offset.is_none() {
            loader.faults.push("utc_offset_hours lies outside a day".to_owned());
        }
        let aggregates: Vec<_> =
            written.aggregate.into_iter().filter_map(|read| loader.aggregate(read)).collect();
        let faults = loader.faults;
        match offset {
            Some(offset) if faults.is_empty() => Ok(Self {
                name: written.name,
                source: written.source,
                version: written.version,
                offset,
                aggregates,
                codes: written.codes,
            }),
            Some(_) | None => Err(MappingError { name: name.to_owned(), faults }),
        }
    }

    /// What a code meant on a day.
    pub fn code(&self, map: &str, from: &str, day: NaiveDate) -> Option<&str> {
        self.codes
            .get(map)?
            .iter()
            .filter(|entry| entry.from == from && entry.valid_from.is_none_or(|first| first <= day))
            .max_by_key(|entry| entry.valid_from)
            .map(|entry| entry.to.as_str())
    }

    /// The aggregate that a table belongs to.
    pub fn aggregate_of(&self, table: &str) -> Option<&Aggregate> {
        self.aggregates.iter().find(|aggregate| aggregate.has(table))
    }

    /// The name of a payment, unique in the legacy ledger, as ids are derived from it.
    pub fn payment_name(aggregate: &Aggregate, key: &str) -> String {
        format!("{}:{key}", aggregate.header().spec.name)
    }
}

impl Aggregate {
    /// Whether a table is one of its own.
    pub fn has(&self, table: &str) -> bool {
        self.tables.iter().any(|known| known.spec.name == table)
    }

    /// The table that makes the payment.
    pub fn header(&self) -> &Table {
        &self.tables[0]
    }
}

struct Loader<'a> {
    file: &'a dyn Fn(&str) -> Result<String, String>,
    codes: &'a BTreeMap<String, Vec<CodeEntry>>,
    faults: Vec<String>,
}

impl Loader<'_> {
    fn aggregate(&mut self, written: AggregateFile) -> Option<Aggregate> {
        let method = written.method.parse::<Method>();
        if let Err(error) = &method {
            self.faults.push(format!("{}: method: {error}", written.name));
        }
        let keys = self.statement(&written.keys, &[Param::After, Param::Limit]);
        let headers = written.table.iter().filter(|table| table.header.is_some()).count();
        if headers != 1 || written.table.first().is_none_or(|table| table.header.is_none()) {
            self.faults.push(format!("{}: the first table, and no other, holds the header", written.name));
        }
        if !written.table.iter().any(|table| table.approval.is_some()) {
            self.faults.push(format!("{}: no table holds approvals", written.name));
        }
        for exclusion in &written.exclude {
            if exclusion.starts_with.is_some() == exclusion.equals.is_some() {
                self.faults.push(format!("{}: an exclusion has either starts_with or equals", written.name));
            }
        }
        let tables = written.table.into_iter().filter_map(|table| self.table(table)).collect();
        Some(Aggregate {
            name: written.name,
            method: method.ok()?,
            keys: keys?,
            exclude: written.exclude,
            tables,
        })
    }

    fn table(&mut self, written: TableFile) -> Option<Table> {
        self.check(&written);
        let select = self.statement(&written.select, &[Param::Keys]);
        let (changed, rolling) = if written.changed == "none" {
            let Some(rolling) = &written.rolling else {
                self.faults
                    .push(format!("{}: without a change column it needs a rolling SELECT", written.name));
                return None;
            };
            (None, Some(self.statement(rolling, &[Param::Slice, Param::Slices])?))
        } else {
            (Some(self.statement(&written.changed, &[Param::From, Param::To, Param::Limit])?), None)
        };
        Some(Table { spec: written, select: select?, changed, rolling })
    }

    fn check(&mut self, table: &TableFile) {
        let name = table.name.as_str();
        let mut fault = |text: &str| self.faults.push(format!("{name}: {text}"));
        if table.pk.is_empty() {
            fault("pk names no column");
        }
        if table.approval.is_some() && table.cancellation.is_some() {
            fault("a row is either an approval or a cancellation");
        }
        if let Some(approval) = &table.approval {
            if approval.amount.null != Null::Reject {
                fault("an approval's amount cannot be empty");
            }
            if approval.vat.null == Null::Remaining {
                fault("vat cannot be what remains");
            }
        }
        if let Some(cancellation) = &table.cancellation
            && !matches!(cancellation.amount.null, Null::Reject | Null::Remaining)
        {
            fault("an empty cancel amount is rejected or means what remains");
        }
        let approval = table.approval.as_ref().map(|approval| &approval.issuer_id);
        let header = table.header.as_ref();
        let codes = [approval, header.map(|h| &h.currency), header.and_then(|h| h.pay_type.as_ref())];
        for field in codes.into_iter().flatten() {
            self.check_code(name, field);
        }
    }

    fn check_code(&mut self, table: &str, field: &CodeField) {
        if field.column.is_some() == field.value.is_some() {
            self.faults.push(format!("{table}: a code comes from a column or is a value"));
        }
        match &field.codes {
            Some(map) if !self.codes.contains_key(map) => {
                self.faults.push(format!("{table}: code map {map} is not there"));
            }
            None if field.column.is_some() => {
                self.faults.push(format!("{table}: a code column needs a code map"));
            }
            Some(_) | None => {}
        }
    }

    fn statement(&mut self, file: &str, params: &[Param]) -> Option<Statement> {
        let text = (self.file)(file);
        match text.and_then(|text| Statement::parse(&text, params)) {
            Ok(statement) => Some(statement),
            Err(error) => {
                self.faults.push(format!("{file}: {error}"));
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_mapping_loads() {
        let mapping = Mapping::load("reference").unwrap();
        assert_eq!(mapping.aggregates.len(), 2);
        assert_eq!(mapping.aggregate_of("REFUND").unwrap().name, "transfer");
    }

    #[test]
    fn a_code_means_what_it_meant_on_its_day() {
        let mapping = Mapping::load("reference").unwrap();
        let day = |text: &str| text.parse().unwrap();
        assert_eq!(mapping.code("card_issuer", "01", day("2014-11-30")), Some("KEB"));
        assert_eq!(mapping.code("card_issuer", "01", day("2014-12-01")), Some("HANA"));
        assert_eq!(mapping.code("card_issuer", "99", day("2014-12-01")), None);
    }

    #[test]
    fn every_fault_of_a_mapping_is_told_at_once() {
        let broken = "name='b'\nsource='b'\nversion=1\nutc_offset_hours=9\n[[aggregate]]\nname='x'\nmethod='CASH'\nkeys='k.sql'\ntable=[]";
        let error = Mapping::read("b", &|file| match file {
            "mapping.toml" => Ok(broken.to_owned()),
            _ => Ok("DELETE FROM t".to_owned()),
        })
        .unwrap_err();
        assert_eq!(error.faults.len(), 4, "{error}");
    }
}
