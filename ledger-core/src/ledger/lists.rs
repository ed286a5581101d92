//! What a merchant lists, as it was known at one instant: however long it takes to turn the pages, and whatever is written
//! meanwhile, all pages show the same.

use std::collections::HashMap;

use chrono::{DateTime, Utc};

use crate::ids::PaymentId;
use crate::money::AmountError;
use crate::payment::create::TIME_TO_CONFIRM;
use crate::payment::fact::Method;
use crate::payment::fold::Payment;
use crate::payment::status::Status;
use crate::payment::transaction::{self, Transaction, TransactionKind};
use crate::store::feed::{self, FeedLine, ListedPayment, Meaning};
use crate::store::owned::{self, Moment};
use crate::store::{StoreError, load};
use crate::time::BusinessDate;

use super::{Ledger, LedgerError};

pub use crate::store::feed::FeedPosition;

/// Rows that one page looks at, at most: where few fit, a page ends before it is full and says where to go on.
const LOOKED_AT: usize = 2_000;
/// Rows taken at once where not all fit.
const CHUNK: usize = 250;
/// Payments that have ended are looked past in stretches of so many, when only others are wanted; a page takes so many of them.
const STRETCH: u32 = 50_000;
const STRETCHES: usize = 4;

/// Which movements are wanted.
#[derive(Debug, Clone, Copy)]
pub struct TransactionFilter {
    /// The first business day.
    pub from: BusinessDate,
    /// The last one.
    pub to: BusinessDate,
    /// Approvals or refunds only.
    pub kind: Option<TransactionKind>,
    /// One method only.
    pub method: Option<Method>,
}

/// Which payments are wanted.
#[derive(Debug, Clone, Copy)]
pub struct PaymentFilter {
    /// Made before.
    pub before: DateTime<Utc>,
    /// In this status only.
    pub status: Option<Status>,
}

/// A page of a list, and where the next one begins, unless the list has ended.
#[derive(Debug)]
pub struct Listed<T, P> {
    pub rows: Vec<T>,
    pub next: Option<P>,
}

impl Ledger {
    /// A merchant's approvals and refunds as they were known at `as_of`: newest business day first, in a day the newest
    /// payment, in a payment the newest movement.
    pub async fn transactions(
        &self,
        merchant_id: &str,
        filter: TransactionFilter,
        as_of: DateTime<Utc>,
        after: Option<FeedPosition>,
        limit: usize,
    ) -> Result<Listed<Transaction, FeedPosition>, LedgerError> {
        let is_selective = filter.kind.is_some() || filter.method.is_some();
        let mut page = Page::new(limit, is_selective, after);
        loop {
            let days = (filter.from.day(), filter.to.day());
            let chunk = page.chunk();
            let mut connection = self.connection().await?;
            let lines = feed::lines(&mut connection, merchant_id, days, page.at, chunk).await?;
            drop(connection);
            let ids = lines.iter().filter(|line| line.meaning.is_some()).map(|line| line.position.payment_id);
            let payments = self.payments_of(merchant_id, ids, as_of, |_, _| true).await?;
            for line in &lines {
                let movement = movement(&payments, line)
                    .map_err(|_| corrupt("journal_line", "amount", line.position.payment_id))?;
                let movement = movement.filter(|row| {
                    filter.kind.is_none_or(|kind| kind == row.kind())
                        && filter.method.is_none_or(|method| method == row.method)
                });
                if page.take(line.position, movement) {
                    return Ok(page.with_more());
                }
            }
            if lines.len() < usize::try_from(chunk).unwrap_or(usize::MAX) {
                return Ok(page.last());
            }
            if page.has_looked_enough() {
                return Ok(page.unfinished());
            }
        }
    }

    /// A merchant's payments as they were known at `as_of`, newest first.
    pub async fn payments(
        &self,
        merchant_id: &str,
        filter: PaymentFilter,
        as_of: DateTime<Utc>,
        after: Option<PaymentId>,
        limit: usize,
    ) -> Result<Listed<Payment, PaymentId>, LedgerError> {
        match filter.status {
            Some(Status::InProgress | Status::WaitingForDeposit) => {
                return self.open_payments(merchant_id, filter, as_of, after, limit).await;
            }
            Some(
                Status::Ready
                | Status::Done
                | Status::PartialCanceled
                | Status::Canceled
                | Status::Aborted
                | Status::Expired
                | Status::Unknown,
            )
            | None => {}
        }
        // before it, nothing is ready any more
        let first = match filter.status {
            Some(Status::Ready) => Some(PaymentId::first_at(as_of - TIME_TO_CONFIRM)),
            Some(_) | None => None,
        };
        let mut page = Page::new(limit, filter.status.is_some(), after);
        loop {
            let before = page.at.unwrap_or_else(|| PaymentId::first_at(filter.before));
            let chunk = page.chunk();
            let mut connection = self.connection().await?;
            let listed = feed::payments(&mut connection, merchant_id, before, chunk).await?;
            drop(connection);
            let verdicts: HashMap<_, _> =
                listed.iter().map(|row| (row.payment_id, row.verdict_seq)).collect();
            let may_fit = |id: PaymentId, head: u32| {
                let verdict = verdicts.get(&id).copied().flatten().filter(|seq| *seq <= head);
                filter.status.is_none_or(|status| verdict.is_none() || !status.is_open())
            };
            let ids = listed.iter().map(|row| row.payment_id);
            let payments = self.payments_of(merchant_id, ids, as_of, may_fit).await?;
            if page.take_fitting(&listed, payments, filter.status, as_of) {
                return Ok(page.with_more());
            }
            let is_over = first.is_some_and(|first| page.at.is_some_and(|at| at < first));
            if is_over || listed.len() < usize::try_from(chunk).unwrap_or(usize::MAX) {
                return Ok(page.last());
            }
            if page.has_looked_enough() {
                return Ok(page.unfinished());
            }
        }
    }

    /// Those of them that have begun and not ended: found past any number that have, in stretches whose index entries are read.
    async fn open_payments(
        &self,
        merchant_id: &str,
        filter: PaymentFilter,
        as_of: DateTime<Utc>,
        after: Option<PaymentId>,
        limit: usize,
    ) -> Result<Listed<Payment, PaymentId>, LedgerError> {
        let mut page = Page::new(limit, true, after);
        let newest = PaymentId::first_at(filter.before);
        for _ in 0..STRETCHES {
            let before = page.at.unwrap_or(newest);
            let mut connection = self.connection().await?;
            let end = feed::end_of_stretch(&mut connection, merchant_id, before, STRETCH).await?;
            drop(connection);
            let from = end.unwrap_or(PaymentId::first_at(DateTime::UNIX_EPOCH));
            loop {
                let (chunk, stretch) = (page.chunk(), (from, page.at.unwrap_or(newest)));
                let mut connection = self.connection().await?;
                let open = feed::open_payments(&mut connection, merchant_id, stretch, as_of, chunk).await?;
                drop(connection);
                let ids = open.iter().map(|row| row.payment_id);
                let payments = self.payments_of(merchant_id, ids, as_of, |_, _| true).await?;
                if page.take_fitting(&open, payments, filter.status, as_of) {
                    return Ok(page.with_more());
                }
                if open.len() < usize::try_from(chunk).unwrap_or(usize::MAX) {
                    break;
                }
                if page.has_looked_enough() {
                    return Ok(page.unfinished());
                }
            }
            if end.is_none() {
                return Ok(page.last());
            }
            page.at = end;
        }
        Ok(page.unfinished())
    }

    /// These payments of a merchant as they were known at an instant, as far as they may fit by their id and head.
    pub(super) async fn payments_of(
        &self,
        merchant_id: &str,
        ids: impl Iterator<Item = PaymentId>,
        as_of: DateTime<Utc>,
        may_fit: impl Fn(PaymentId, u32) -> bool,
    ) -> Result<HashMap<PaymentId, Payment>, StoreError> {
        let mut ids: Vec<_> = ids.collect();
        ids.sort_unstable();
        ids.dedup();
        if ids.is_empty() {
            return Ok(HashMap::new());
        }
        let mut connection = self.connection().await?;
        let mut heads = owned::heads(&mut connection, merchant_id, &ids, Moment::AsOf(as_of)).await?;
        heads.retain(|id, head| may_fit(*id, head.seq));
        load::payments_at(&mut connection, heads).await
    }
}

/// What a line of the feed shows, if it was known by the head its payment had then.
fn movement(
    payments: &HashMap<PaymentId, Payment>,
    line: &FeedLine,
) -> Result<Option<Transaction>, AmountError> {
    let payment = payments.get(&line.position.payment_id);
    let Some(payment) = payment.filter(|payment| line.position.seq <= payment.head.seq) else {
        return Ok(None);
    };
    match line.meaning {
        Some(Meaning::Approved) => transaction::approval(payment, line.leg_no),
        Some(Meaning::Refunded(cancel_no)) => Ok(transaction::refund(payment, cancel_no, line.leg_no)),
        None => Ok(None),
    }
}

fn corrupt(table: &'static str, column: &'static str, id: PaymentId) -> StoreError {
    StoreError::Corrupt { table, column, id: id.to_string() }
}

/// A page being filled.
struct Page<T, P> {
    limit: usize,
    is_selective: bool,
    looked_at: usize,
    rows: Vec<T>,
    /// The last place that was looked at.
    at: Option<P>,
    /// The place of the last row that was taken.
    taken_at: Option<P>,
}

impl<T, P: Copy> Page<T, P> {
    fn new(limit: usize, is_selective: bool, after: Option<P>) -> Self {
        Self { limit, is_selective, looked_at: 0, rows: Vec::new(), at: after, taken_at: after }
    }

    /// How many rows to look at next: what is missing and one more, which tells whether there is a further page.
    fn chunk(&self) -> u32 {
        let missing = self.limit - self.rows.len() + 1;
        u32::try_from(if self.is_selective { missing.max(CHUNK) } else { missing }).unwrap_or(u32::MAX)
    }

    /// Looks at a row; true when it fits and the page is full already.
    fn take(&mut self, place: P, row: Option<T>) -> bool {
        self.looked_at += 1;
        self.at = Some(place);
        let Some(row) = row else { return false };
        if self.rows.len() == self.limit {
            return true;
        }
        self.rows.push(row);
        self.taken_at = Some(place);
        false
    }

    fn has_looked_enough(&self) -> bool {
        self.looked_at >= LOOKED_AT
    }

    fn with_more(self) -> Listed<T, P> {
        Listed { rows: self.rows, next: self.taken_at }
    }

    fn unfinished(self) -> Listed<T, P> {
        Listed { rows: self.rows, next: self.at }
    }

    fn last(self) -> Listed<T, P> {
        Listed { rows: self.rows, next: None }
    }
}

impl Page<Payment, PaymentId> {
    /// Looks at payments in the order they are listed; true when one of this status comes and the page is full already.
    fn take_fitting(
        &mut self,
        listed: &[ListedPayment],
        mut payments: HashMap<PaymentId, Payment>,
        status: Option<Status>,
        as_of: DateTime<Utc>,
    ) -> bool {
        listed.iter().any(|row| {
            let payment = payments.remove(&row.payment_id);
            let fits = |payment: &Payment| status.is_none_or(|status| status == payment.status(as_of));
            self.take(row.payment_id, payment.filter(fits))
        })
    }
}
