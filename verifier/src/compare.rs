//! Where a look's two sides differ: by bucket, then by row, then by field. Pure.

use std::collections::{BTreeSet, HashMap};

use ledger_core::ids::PaymentId;
use ledger_core::verifier_log::FindingClass;

use crate::look::{Look, Standing, Told};
use crate::semantic::{Buckets, Money, MoneyKey, Role, bucket_of};

/// Characters of a detail that are kept.
const DETAIL: usize = 480;

/// A legacy payment: aggregate and key.
pub type Owner = (String, String);

/// Something that differs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Gap {
    pub class: Class,
    pub table: String,
    pub pk: String,
    pub payment_id: Option<PaymentId>,
    pub detail: String,
    /// The legacy payment to carry over, where that may help.
    pub owner: Option<Owner>,
}

/// [`FindingClass`] with an order, most urgent first.
pub type Class = FindingClass;

/// Both sides' digests, and where they differ.
#[derive(Debug)]
pub struct Compared {
    pub legacy: Buckets,
    pub ledger: Buckets,
    pub gaps: Vec<Gap>,
}

impl Gap {
    /// Whether carrying the legacy payment over again may close it.
    pub fn is_healable(&self) -> bool {
        match self.class {
            Class::MissingLedger | Class::Stale => self.owner.is_some(),
            Class::FieldDiff | Class::ExtraLedger | Class::Quarantined | Class::Unsettled => false,
        }
    }

    /// The same gap seen again, whatever its detail says now.
    pub fn is(&self, other: &Self) -> bool {
        self.table == other.table && self.pk == other.pk && self.payment_id == other.payment_id
    }
}

/// Compares the two sides of a look.
pub fn compare(look: &Look) -> Compared {
    let (legacy, ledger) = (Buckets::of(&look.expected), Buckets::of(&look.actual));
    let bad: BTreeSet<usize> = legacy.differing(&ledger).into_iter().collect();
    let owners: HashMap<PaymentId, &Owner> =
        look.told.iter().filter_map(|(owner, told)| Some((told.payment_id?, owner))).collect();
    let mut gaps = Vec::new();
    if !bad.is_empty() {
        drill(look, &bad, &owners, &mut gaps);
    }
    let missing: BTreeSet<PaymentId> = gaps.iter().filter_map(|gap| gap.payment_id).collect();
    for (owner, told) in &look.told {
        if told.payment_id.is_none_or(|payment| !missing.contains(&payment)) {
            gaps.extend(unrecorded(look, owner, told));
        }
    }
    gaps.sort();
    Compared { legacy, ledger, gaps }
}

fn drill(look: &Look, bad: &BTreeSet<usize>, owners: &HashMap<PaymentId, &Owner>, gaps: &mut Vec<Gap>) {
    for (key, told) in look.expected.iter().filter(|(key, _)| bad.contains(&bucket_of(key.payment_id))) {
        let owner = owners.get(&key.payment_id).map(|owner| (*owner).clone());
        match look.actual.get(key) {
            None => gaps.push(gap(look, Class::MissingLedger, key, missing(told), owner)),
            Some(held) if held != told => {
                gaps.push(gap(look, Class::FieldDiff, key, differing(told, held), None));
            }
            Some(_) => {}
        }
    }
    for (key, held) in look.actual.iter().filter(|(key, _)| bad.contains(&bucket_of(key.payment_id))) {
        if !look.expected.contains_key(key) {
            gaps.push(extra(look, key, held));
        }
    }
}

fn missing(told: &Money) -> String {
    format!("{} in the legacy ledger is not in the ledger", told.amount)
}

fn differing(told: &Money, held: &Money) -> String {
    let pairs = told.fields.iter().zip(&held.fields).filter(|(told, held)| told != held);
    let texts: Vec<String> = pairs
        .map(|((name, told), (_, held))| format!("{name} is {told} in legacy, {held} in the ledger"))
        .collect();
    texts.join("; ").chars().take(DETAIL).collect()
}

fn extra(look: &Look, key: &MoneyKey, held: &Money) -> Gap {
    let sources = look.sources.get(&key.payment_id);
    let fits_no_more = sources.into_iter().flatten().find_map(|(table, pk)| {
        let rows = look.told.values().flat_map(|told| &told.standing);
        rows.filter(|row| row.table == *table && row.pk == *pk).find_map(|row| row.misfit.clone())
    });
    let amount = held.amount;
    let detail = match fits_no_more {
        Some(reason) => {
            format!("{amount} is in the ledger; its legacy rows changed and do not fit any more ({reason})")
        }
        None => format!("{amount} in the ledger is not in the legacy ledger"),
    };
    gap(look, Class::ExtraLedger, key, detail, None)
}

fn gap(look: &Look, class: Class, key: &MoneyKey, detail: String, owner: Option<Owner>) -> Gap {
    let place = look.origin.get(&(key.payment_id, key.role, key.name.clone())).cloned();
    let (table, pk) = place.unwrap_or_else(|| match (key.role, key.name.split_once(':')) {
        (Role::Cancel, Some((table, pk))) => (table.to_owned(), pk.to_owned()),
        (Role::Cancel | Role::Approval, _) => ("approval".to_owned(), key.name.clone()),
    });
    Gap { class, table, pk, payment_id: Some(key.payment_id), detail, owner }
}

/// Versions of rows that are recorded nowhere, although their money is where it belongs.
fn unrecorded(look: &Look, owner: &Owner, told: &Told) -> Vec<Gap> {
    let place = |row: &Standing| (row.table.clone(), row.pk.clone(), row.hash);
    let unknown = told.standing.iter().filter(|row| {
        let recorded = look.recorded.contains(&place(row));
        !recorded && (row.misfit.is_none() || !look.quarantined.contains(&place(row)))
    });
    unknown
        .map(|row| {
            let (class, detail) = match &row.misfit {
                Some(reason) => {
                    (Class::MissingLedger, format!("is recorded nowhere, and does not fit: {reason}"))
                }
                None => (Class::Stale, "changed in place without changing what it means".to_owned()),
            };
            let (table, pk) = (row.table.clone(), row.pk.clone());
            Gap { class, table, pk, payment_id: told.payment_id, detail, owner: Some(owner.clone()) }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::semantic::MoneyRows;

    const HASH: [u8; 32] = [1; 32];

    fn look(expected: &[(u8, i64)], actual: &[(u8, i64)]) -> Look {
        let rows = |amounts: &[(u8, i64)]| -> MoneyRows {
            let row = |(id, amount): &(u8, i64)| {
                let key = MoneyKey { payment_id: payment(*id), role: Role::Approval, name: format!("{id}") };
                (key, Money { amount: *amount, fields: vec![("amount", amount.to_string())] })
            };
            amounts.iter().map(row).collect()
        };
        let mut look = Look { expected: rows(expected), actual: rows(actual), ..Look::default() };
        for (id, _) in expected {
            let standing =
                vec![Standing { table: "T".to_owned(), pk: id.to_string(), hash: HASH, misfit: None }];
            let owner = ("card".to_owned(), id.to_string());
            look.told.insert(owner, Told { payment_id: Some(payment(*id)), standing });
            look.recorded.insert(("T".to_owned(), id.to_string(), HASH));
        }
        look
    }

    fn payment(id: u8) -> PaymentId {
        PaymentId::from_bytes([id; 16])
    }

    fn classes(look: &Look) -> Vec<(Class, String)> {
        compare(look).gaps.into_iter().map(|gap| (gap.class, gap.pk)).collect()
    }

    #[test]
    fn seeded_faults_are_all_found_and_none_is_invented() {
        let rows = [(1, 5), (2, 7), (3, 9)];
        assert_eq!(classes(&look(&rows, &rows)), []);
        assert_eq!(classes(&look(&rows, &rows[1..])), [(Class::MissingLedger, "1".to_owned())]);
        assert_eq!(classes(&look(&rows, &[(1, 5), (2, 8), (3, 9)])), [(Class::FieldDiff, "2".to_owned())]);
        assert_eq!(classes(&look(&rows[..2], &rows)), [(Class::ExtraLedger, "3".to_owned())]);
        let swapped = [(1, 7), (2, 5), (3, 9)];
        assert_eq!(classes(&look(&rows, &swapped)).len(), 2, "two amounts swapped");
    }

    #[test]
    fn a_row_changed_in_place_is_stale_only_while_its_version_is_unknown() {
        let mut look = look(&[(1, 5)], &[(1, 5)]);
        look.recorded.clear();
        assert_eq!(classes(&look), [(Class::Stale, "1".to_owned())]);
        look.recorded.insert(("T".to_owned(), "1".to_owned(), HASH));
        assert_eq!(classes(&look), []);
    }

    #[test]
    fn a_row_that_does_not_fit_is_complete_once_it_is_in_quarantine() {
        let mut look = look(&[], &[]);
        let row = Standing {
            table: "T".to_owned(),
            pk: "9".to_owned(),
            hash: HASH,
            misfit: Some("ORPHAN".to_owned()),
        };
        look.told.insert(("card".to_owned(), "9".to_owned()), Told { payment_id: None, standing: vec![row] });
        assert_eq!(classes(&look), [(Class::MissingLedger, "9".to_owned())]);
        look.quarantined.insert(("T".to_owned(), "9".to_owned(), HASH));
        assert_eq!(classes(&look), []);
    }
}
