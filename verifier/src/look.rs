//! One look at both ledgers: what the legacy rows of some keys mean, and what the ledger holds of their payments.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use chrono::{DateTime, TimeDelta, Utc};
use ledger_core::ids::PaymentId;
use ledger_core::mirror_writer::{LegacyRow, Mapped, Quarantined};
use ledger_core::payment::legacy;
use ledger_core::replica_reader::{Disposed, ReplicaReader};
use migrator::map::{self, Outcome};
use migrator::mapping::{Aggregate, Mapping};
use migrator::source::LegacyReader;

use crate::Failed;
use crate::semantic::{self, MoneyRows, Role};

/// Keys read at a time.
const CHUNK: usize = 500;
/// How far the future of a change column is looked into: clocks of two servers differ.
const FUTURE: TimeDelta = TimeDelta::hours(24);

/// The two ledgers on their replicas.
#[derive(Debug)]
pub struct Sides<'a> {
    pub mapping: &'a Mapping,
    pub legacy: &'a LegacyReader,
    pub ledger: &'a ReplicaReader,
}

/// What is looked at: keys by aggregate, and payments that the ledger itself names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scope {
    pub keys: BTreeMap<String, BTreeSet<String>>,
    pub payments: BTreeSet<PaymentId>,
    /// Keys that changed after the window: they are left to the next run.
    pub unsettled: u64,
}

/// A row as it stands in the legacy ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    pub table: String,
    pub pk: String,
    pub hash: [u8; 32],
    /// Why it does not fit or is left out; nothing when it is mapped.
    pub misfit: Option<String>,
}

/// The rows of one legacy payment.
#[derive(Debug, Clone, Default)]
pub struct Told {
    pub payment_id: Option<PaymentId>,
    pub standing: Vec<Standing>,
}

/// Everything that was seen.
#[derive(Debug, Default)]
pub struct Look {
    /// By aggregate and key.
    pub told: BTreeMap<(String, String), Told>,
    pub expected: MoneyRows,
    pub actual: MoneyRows,
    /// The table and key of the legacy row behind a row of money.
    pub origin: HashMap<(PaymentId, Role, String), (String, String)>,
    /// Recorded versions of the rows: mapped or excluded …
    pub recorded: HashSet<(String, String, [u8; 32])>,
    /// … and in quarantine.
    pub quarantined: HashSet<(String, String, [u8; 32])>,
    /// The legacy rows that the ledger's payments were made of.
    pub sources: BTreeMap<PaymentId, Vec<(String, String)>>,
}

impl Scope {
    /// What changed in a window on either side, and one slice of the tables that cannot tell what changed.
    pub async fn of_window(
        sides: &Sides<'_>,
        from: DateTime<Utc>,
        to: DateTime<Utc>,
        slice: (u32, u32),
    ) -> Result<Self, Failed> {
        let payments = sides.ledger.legacy_payments_between(from, to).await?.into_iter().collect();
        let mut scope = Self { payments, ..Self::default() };
        for aggregate in &sides.mapping.aggregates {
            let mut keys = BTreeSet::new();
            for table in &aggregate.tables {
                keys.extend(sides.legacy.changed(sides.mapping, table, from, to).await?);
                keys.extend(sides.legacy.rolling(table, slice.0, slice.1).await?);
            }
            scope.keys.insert(aggregate.name.clone(), keys);
        }
        let mut scope = scope.with_keys_of_payments(sides).await?;
        scope.leave_out_young(sides, to).await?;
        Ok(scope)
    }

    /// Everything there is, up to an instant.
    pub async fn whole(sides: &Sides<'_>, to: DateTime<Utc>) -> Result<Self, Failed> {
        let payments = sides.ledger.legacy_payments_between(DateTime::UNIX_EPOCH, to).await?;
        let mut scope = Self { payments: payments.into_iter().collect(), ..Self::default() };
        for aggregate in &sides.mapping.aggregates {
            let keys = scope.keys.entry(aggregate.name.clone()).or_default();
            let mut after = String::new();
            loop {
                let page = sides.legacy.keys_after(aggregate, &after, 10_000).await?;
                let Some(last) = page.last() else { break };
                after.clone_from(last);
                keys.extend(page);
            }
        }
        scope.leave_out_young(sides, to).await?;
        Ok(scope)
    }

    /// The payments of some findings, for another look.
    pub fn again(owners: impl IntoIterator<Item = (String, String)>, payments: BTreeSet<PaymentId>) -> Self {
        let mut scope = Self { payments, ..Self::default() };
        for (aggregate, key) in owners {
            scope.keys.entry(aggregate).or_default().insert(key);
        }
        scope
    }

    /// The same, with the legacy keys of its payments.
    pub async fn with_keys_of_payments(mut self, sides: &Sides<'_>) -> Result<Self, Failed> {
        for (aggregate, key, _) in self.headers_of_payments(sides).await? {
            self.keys.entry(aggregate).or_default().insert(key);
        }
        Ok(self)
    }

    /// The legacy keys of the payments that the ledger names.
    async fn headers_of_payments(
        &self,
        sides: &Sides<'_>,
    ) -> Result<Vec<(String, String, PaymentId)>, Failed> {
        let ids: Vec<PaymentId> = self.payments.iter().copied().collect();
        let rows = sides.ledger.rows_of(&sides.mapping.source, &ids).await?;
        Ok(rows
            .into_iter()
            .filter_map(|(payment, table, pk)| {
                let aggregate = sides.mapping.aggregate_of(&table)?;
                (table == aggregate.header().spec.name).then(|| (aggregate.name.clone(), pk, payment))
            })
            .collect())
    }

    /// What changed after the window is left to the next run, on both sides.
    async fn leave_out_young(&mut self, sides: &Sides<'_>, to: DateTime<Utc>) -> Result<(), Failed> {
        let headers = self.headers_of_payments(sides).await?;
        for aggregate in &sides.mapping.aggregates {
            let mut young = BTreeSet::new();
            for table in &aggregate.tables {
                young.extend(sides.legacy.changed(sides.mapping, table, to, to + FUTURE).await?);
            }
            self.unsettled += u64::try_from(young.len()).unwrap_or(u64::MAX);
            self.keys.entry(aggregate.name.clone()).or_default().retain(|key| !young.contains(key));
            let mine = headers.iter().filter(|(name, key, _)| *name == aggregate.name && young.contains(key));
            for (_, _, payment) in mine {
                self.payments.remove(payment);
            }
        }
        Ok(())
    }
}

impl Look {
    /// Reads everything in scope on both sides.
    pub async fn at(sides: &Sides<'_>, scope: &Scope) -> Result<Self, Failed> {
        let mut look = Self::default();
        let mut payments = scope.payments.clone();
        for aggregate in &sides.mapping.aggregates {
            let Some(keys) = scope.keys.get(&aggregate.name) else { continue };
            let keys: Vec<&String> = keys.iter().collect();
            for chunk in keys.chunks(CHUNK) {
                let chunk = chunk.iter().map(|key| (*key).clone()).collect();
                for rows in sides.legacy.fetch(sides.mapping, aggregate, &chunk).await? {
                    let outcome = map::map(sides.mapping, aggregate, &rows.key, &rows.records);
                    payments.extend(look.take(aggregate, rows.key, &outcome));
                }
            }
        }
        let ids: Vec<PaymentId> = payments.into_iter().collect();
        let (approvals, cancels) = (sides.ledger.approvals(&ids).await?, sides.ledger.cancels(&ids).await?);
        look.actual = semantic::held(approvals, cancels);
        for (payment, table, pk) in sides.ledger.rows_of(&sides.mapping.source, &ids).await? {
            look.sources.entry(payment).or_default().push((table, pk));
        }
        look.dispositions(sides).await?;
        Ok(look)
    }

    /// Whether some version of a row is in quarantine and none is recorded elsewhere.
    pub fn is_quarantined(&self, table: &str, pk: &str) -> bool {
        let of =
            |rows: &HashSet<(String, String, [u8; 32])>| rows.iter().any(|row| row.0 == table && row.1 == pk);
        of(&self.quarantined) && !of(&self.recorded)
    }

    fn take(&mut self, aggregate: &Aggregate, key: String, outcome: &Outcome) -> Option<PaymentId> {
        let told = match outcome {
            Outcome::Payment(mapped) => self.take_payment(mapped),
            Outcome::Excluded { reason, rows } => Told {
                payment_id: None,
                standing: rows.iter().map(|row| standing(row, Some(reason))).collect(),
            },
            Outcome::Quarantined(rows) => {
                Told { payment_id: None, standing: rows.iter().map(misfit).collect() }
            }
        };
        let payment_id = told.payment_id;
        self.told.insert((aggregate.name.clone(), key), told);
        payment_id
    }

    fn take_payment(&mut self, mapped: &Mapped) -> Told {
        let payment_id = legacy::payment_id(&mapped.payment);
        let rows = semantic::told(mapped);
        for key in rows.keys() {
            let row = match key.role {
                Role::Approval => mapped.rows.iter().find(|row| row.pk == key.name && is_approval(row)),
                Role::Cancel => {
                    mapped.rows.iter().find(|row| format!("{}:{}", row.table, row.pk) == key.name)
                }
            };
            if let Some(row) = row {
                let place = (row.table.clone(), row.pk.clone());
                self.origin.insert((key.payment_id, key.role, key.name.clone()), place);
            }
        }
        self.expected.extend(rows);
        let standing = mapped.rows.iter().map(|row| standing(row, None)).collect();
        Told { payment_id: Some(payment_id), standing }
    }

    async fn dispositions(&mut self, sides: &Sides<'_>) -> Result<(), Failed> {
        let rows = self.told.values().flat_map(|told| &told.standing);
        let keys: Vec<(&str, &str)> = rows.map(|row| (row.table.as_str(), row.pk.as_str())).collect();
        for Disposed { table, pk, hash, disposition, .. } in
            sides.ledger.disposed(&sides.mapping.source, &keys).await?
        {
            let into = if disposition == "QUARANTINED" { &mut self.quarantined } else { &mut self.recorded };
            into.insert((table, pk, hash));
        }
        Ok(())
    }
}

fn is_approval(row: &LegacyRow) -> bool {
    row.kind == ledger_core::mirror_writer::RowKind::Approval
}

fn standing(row: &LegacyRow, misfit: Option<&String>) -> Standing {
    Standing { table: row.table.clone(), pk: row.pk.clone(), hash: row.hash, misfit: misfit.cloned() }
}

fn misfit(row: &Quarantined) -> Standing {
    Standing {
        table: row.table.clone(),
        pk: row.pk.clone(),
        hash: row.hash,
        misfit: Some(row.reason.clone()),
    }
}
