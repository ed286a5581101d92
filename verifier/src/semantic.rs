//! What a row of money means, in the same words for both ledgers, and digests of many of them.

use std::collections::BTreeMap;

use chrono::{DateTime, SecondsFormat, Utc};
use ledger_core::ids::PaymentId;
use ledger_core::mirror_writer::Mapped;
use ledger_core::payment::legacy::{self, LegacyApproval, LegacyCancellation, LegacyPayment};
use ledger_core::replica_reader::{CarriedApproval, CarriedCancel};
use sha2::{Digest as _, Sha256};

/// Into how many buckets payments are spread.
pub const BUCKETS: usize = 256;

/// Which row of money: an approval by its trace number, a cancel by its legacy key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MoneyKey {
    pub payment_id: PaymentId,
    pub role: Role,
    pub name: String,
}

/// What a row of money is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    Approval,
    Cancel,
}

/// A row of money: its amount, and its fields as text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Money {
    pub amount: i64,
    pub fields: Vec<(&'static str, String)>,
}

/// Rows of money by key.
pub type MoneyRows = BTreeMap<MoneyKey, Money>;

/// The rows of a legacy payment as the ledger should hold them.
pub fn told(mapped: &Mapped) -> MoneyRows {
    let payment = &mapped.payment;
    let payment_id = legacy::payment_id(payment);
    let approvals = payment.approvals.iter().map(|approval| {
        let key = MoneyKey { payment_id, role: Role::Approval, name: approval.trace_no.clone() };
        (key, told_approval(payment, approval))
    });
    let cancels = payment.cancellations.iter().map(|cancel| {
        let key = MoneyKey { payment_id, role: Role::Cancel, name: cancel.key.clone() };
        (key, told_cancel(cancel))
    });
    approvals.chain(cancels).collect()
}

fn told_approval(payment: &LegacyPayment, approval: &LegacyApproval) -> Money {
    let fields = vec![
        ("merchant_id", payment.merchant_id.clone()),
        ("order_id", payment.order_id.clone()),
        ("currency", payment.currency.to_string()),
        ("total", payment.total.to_string()),
        ("payment_tax_free", payment.tax_free.to_string()),
        ("payment_vat", payment.vat.to_string()),
        ("created_at", instant(payment.created_at)),
        ("method", approval.method.to_string()),
        ("issuer_id", approval.issuer_id.clone()),
        ("amount", approval.amount.to_string()),
        ("tax_free", approval.tax_free.to_string()),
        ("approval_no", optional(approval.approval_no.as_ref())),
        ("approved_at", instant(approval.approved_at)),
        ("business_date", approval.business_date.to_string()),
        ("card_bin", optional(approval.card_bin.as_ref())),
        ("card_last4", optional(approval.card_last4.as_ref())),
        ("installment_months", approval.installment_months.to_string()),
    ];
    Money { amount: approval.amount, fields }
}

fn told_cancel(cancel: &LegacyCancellation) -> Money {
    let fields = vec![
        ("amount", cancel.amount.to_string()),
        ("done", cancel.amount.to_string()),
        ("reason", cancel.reason.clone()),
        ("business_date", cancel.business_date.to_string()),
        ("canceled_at", instant(cancel.canceled_at)),
    ];
    Money { amount: cancel.amount, fields }
}

/// The rows that the ledger holds.
pub fn held(approvals: Vec<CarriedApproval>, cancels: Vec<CarriedCancel>) -> MoneyRows {
    let approvals = approvals.into_iter().map(|row| {
        let fields = vec![
            ("merchant_id", row.merchant_id),
            ("order_id", row.order_id),
            ("currency", row.currency.to_string()),
            ("total", row.total.to_string()),
            ("payment_tax_free", row.payment_tax_free.to_string()),
            ("payment_vat", row.payment_vat.to_string()),
            ("created_at", instant(row.created_at)),
            ("method", row.method.to_string()),
            ("issuer_id", row.issuer_id),
            ("amount", row.amount.to_string()),
            ("tax_free", row.tax_free.to_string()),
            ("approval_no", optional(row.approval_no.as_ref())),
            ("approved_at", instant(row.approved_at)),
            ("business_date", row.business_date.to_string()),
            ("card_bin", optional(row.card_bin.as_ref())),
            ("card_last4", optional(row.card_last4.as_ref())),
            ("installment_months", row.installment_months.to_string()),
        ];
        let key = MoneyKey { payment_id: row.payment_id, role: Role::Approval, name: row.trace_no };
        (key, Money { amount: row.amount, fields })
    });
    let cancels = cancels.into_iter().map(|row| {
        let fields = vec![
            ("amount", row.amount.to_string()),
            ("done", row.done.to_string()),
            ("reason", row.reason),
            ("business_date", row.business_date.to_string()),
            ("canceled_at", instant(row.canceled_at)),
        ];
        let key = MoneyKey { payment_id: row.payment_id, role: Role::Cancel, name: row.key };
        (key, Money { amount: row.amount, fields })
    });
    approvals.chain(cancels).collect()
}

fn instant(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Micros, true)
}

fn optional(text: Option<&String>) -> String {
    text.map_or_else(|| "-".to_owned(), |text| format!("={text}"))
}

/// Count, sum and two folds of the digests of some rows. XOR alone hides pairs of equal errors, a sum alone hides swaps.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Bucket {
    pub rows: u64,
    pub amount: i64,
    xor: u64,
    sum: u64,
}

/// The buckets of many rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Buckets(Vec<Bucket>);

impl Buckets {
    /// Spreads rows over their buckets.
    pub fn of(rows: &MoneyRows) -> Self {
        let mut buckets = Self(vec![Bucket::default(); BUCKETS]);
        for (key, money) in rows {
            buckets.add(key, money);
        }
        buckets
    }

    fn add(&mut self, key: &MoneyKey, money: &Money) {
        let digest = digest(key, money);
        let folded = u64::from_be_bytes(std::array::from_fn(|index| digest[index]));
        if let Some(bucket) = self.0.get_mut(bucket_of(key.payment_id)) {
            bucket.rows += 1;
            bucket.amount = bucket.amount.wrapping_add(money.amount);
            bucket.xor ^= folded;
            bucket.sum = bucket.sum.wrapping_add(folded);
        }
    }

    /// The buckets in which two sides differ.
    pub fn differing(&self, other: &Self) -> Vec<usize> {
        let pairs = self.0.iter().zip(&other.0).enumerate();
        pairs.filter(|(_, (left, right))| left != right).map(|(index, _)| index).collect()
    }

    /// Rows in all of them.
    pub fn rows(&self) -> u64 {
        self.0.iter().map(|bucket| bucket.rows).sum()
    }

    /// One digest over all of them.
    pub fn digest(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        for bucket in &self.0 {
            hash.update(bucket.rows.to_be_bytes());
            hash.update(bucket.amount.to_be_bytes());
            hash.update(bucket.xor.to_be_bytes());
            hash.update(bucket.sum.to_be_bytes());
        }
        hash.finalize().into()
    }
}

/// The bucket of a payment: by a digest, since ids begin with their time.
pub fn bucket_of(payment: PaymentId) -> usize {
    usize::from(Sha256::digest(payment.as_bytes())[0])
}

fn digest(key: &MoneyKey, money: &Money) -> [u8; 32] {
    let mut hash = Sha256::new();
    let mut part = |bytes: &[u8]| {
        hash.update(u64::try_from(bytes.len()).unwrap_or(u64::MAX).to_be_bytes());
        hash.update(bytes);
    };
    part(key.payment_id.as_bytes());
    part(match key.role {
        Role::Approval => b"approval",
        Role::Cancel => b"cancel",
    });
    part(key.name.as_bytes());
    for (name, value) in &money.fields {
        part(name.as_bytes());
        part(value.as_bytes());
    }
    hash.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(amounts: &[(u8, i64)]) -> MoneyRows {
        amounts
            .iter()
            .map(|(id, amount)| {
                let key = MoneyKey {
                    payment_id: PaymentId::from_bytes([*id; 16]),
                    role: Role::Approval,
                    name: "t".to_owned(),
                };
                (key, Money { amount: *amount, fields: vec![("amount", amount.to_string())] })
            })
            .collect()
    }

    #[test]
    fn equal_rows_have_equal_digests_in_any_bucket() {
        let (left, right) = (Buckets::of(&rows(&[(1, 5), (2, 7)])), Buckets::of(&rows(&[(2, 7), (1, 5)])));
        assert_eq!(left.digest(), right.digest());
        assert!(left.differing(&right).is_empty());
    }

    #[test]
    fn two_swapped_amounts_are_seen_although_count_and_sum_agree() {
        let (left, right) = (Buckets::of(&rows(&[(1, 5), (2, 7)])), Buckets::of(&rows(&[(1, 7), (2, 5)])));
        assert_eq!(left.rows(), right.rows());
        assert_ne!(left.digest(), right.digest());
        assert!(!left.differing(&right).is_empty());
    }
}
