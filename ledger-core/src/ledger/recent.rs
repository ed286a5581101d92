//! What a process remembers so that the hot path reads nothing: payments as it left them, and reference data for a few
//! seconds. A payment that is stale can only lose its key; reference data is insert-only, so a new version is noticed late,
//! never wrongly.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};

use crate::ids::PaymentId;
use crate::method_rule::MethodRules;
use crate::payment::fold::Payment;
use crate::reference::{Contract, Issuer};

use super::running::Running;
use super::weight;

/// How late a new contract, issuer or method rule may be noticed.
const REFERENCE_LIFETIME: Duration = Duration::from_secs(5);

/// Memory that payments may take, as [`weight`] counts it.
const PAYMENT_BYTES: usize = 64 << 20;

/// All of it.
#[derive(Debug, Default)]
pub(super) struct Recent {
    pub(super) payments: Payments,
    pub(super) contracts: Timed<Contract>,
    pub(super) issuers: Timed<Issuer>,
    pub(super) method_rules: Timed<MethodRules>,
    pub(super) claims: Claims,
    pub(super) running: Running,
    pub(super) none_stale: NoneUntil,
    pub(super) none_left: NoneUntil,
    pub(super) none_overdue: NoneUntil,
}

/// Up to when a scan has found nothing that is left.
#[derive(Debug, Default)]
pub(super) struct NoneUntil(Mutex<Option<DateTime<Utc>>>);

impl NoneUntil {
    /// The instant, once there was such a scan.
    pub(super) fn until(&self) -> Option<DateTime<Utc>> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Remembers that up to then there is nothing.
    pub(super) fn found(&self, until: DateTime<Utc>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(until);
    }
}

/// Payments as we left them, the oldest forgotten first.
#[derive(Debug)]
pub(super) struct Payments(Mutex<PaymentsInner>);

#[derive(Debug)]
struct PaymentsInner {
    /// With the turn of its keeping, and what it takes.
    by_id: HashMap<PaymentId, (u64, usize, Payment)>,
    /// Every keeping in turn; one whose number is not its payment's any more is over.
    order: VecDeque<(PaymentId, u64)>,
    turn: u64,
    bytes: usize,
    most: usize,
}

impl Default for Payments {
    fn default() -> Self {
        Self::within(PAYMENT_BYTES)
    }
}

impl Payments {
    /// Those that fit into so many bytes.
    fn within(most: usize) -> Self {
        let (by_id, order) = (HashMap::new(), VecDeque::new());
        Self(Mutex::new(PaymentsInner { by_id, order, turn: 0, bytes: 0, most }))
    }

    /// The payment, which is then no longer remembered: whoever changes it leaves it again.
    pub(super) fn take(&self, id: PaymentId) -> Option<Payment> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(id)
    }

    /// The same, if it is the merchant's; another's stays remembered.
    pub(super) fn take_of(&self, merchant_id: &str, id: PaymentId) -> Option<Payment> {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (_, _, payment) = inner.by_id.get(&id)?;
        if payment.opened.merchant_id == merchant_id { inner.remove(id) } else { None }
    }

    /// No longer remembers a payment.
    pub(super) fn forget(&self, id: PaymentId) {
        drop(self.take(id));
    }

    /// Remembers a payment as it is now, unless a newer one is remembered.
    pub(super) fn keep(&self, payment: Payment) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(payment);
    }
}

impl PaymentsInner {
    fn insert(&mut self, payment: Payment) {
        let id = payment.id;
        if self.by_id.get(&id).is_some_and(|(_, _, kept)| kept.head.seq > payment.head.seq) {
            return;
        }
        self.remove(id);
        let bytes = weight::of(&payment);
        self.turn += 1;
        self.bytes += bytes;
        self.by_id.insert(id, (self.turn, bytes, payment));
        self.order.push_back((id, self.turn));
        while self.bytes > self.most {
            let Some((oldest, turn)) = self.order.pop_front() else { return };
            if self.is_kept(oldest, turn) {
                self.remove(oldest);
            }
        }
        if self.order.len() > 4 * self.by_id.len() + 64 {
            let by_id = &self.by_id;
            self.order.retain(|(id, turn)| by_id.get(id).is_some_and(|(kept, _, _)| kept == turn));
        }
    }

    fn is_kept(&self, id: PaymentId, turn: u64) -> bool {
        self.by_id.get(&id).is_some_and(|(kept, _, _)| *kept == turn)
    }

    fn remove(&mut self, id: PaymentId) -> Option<Payment> {
        let (_, bytes, payment) = self.by_id.remove(&id)?;
        self.bytes = self.bytes.saturating_sub(bytes);
        Some(payment)
    }
}

/// Reference data, for a few seconds.
#[derive(Debug)]
pub(super) struct Timed<T>(Mutex<HashMap<String, (Instant, T)>>);

impl<T> Default for Timed<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T: Clone> Timed<T> {
    /// What is remembered under a name.
    pub(super) fn get(&self, name: &str) -> Option<T> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.get(name)
            .filter(|(since, _)| since.elapsed() < REFERENCE_LIFETIME)
            .map(|(_, value)| value.clone())
    }

    /// Remembers a value from now on.
    pub(super) fn keep(&self, name: &str, value: &T) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|_, (since, _)| since.elapsed() < REFERENCE_LIFETIME);
        kept.insert(name.to_owned(), (Instant::now(), value.clone()));
    }
}

/// Idempotency keys that were met lately.
const CLAIMS: usize = 65_536;

/// Keys that were met lately, the oldest forgotten first.
#[derive(Debug, Default)]
pub(super) struct Claims(Mutex<ClaimsInner>);

#[derive(Debug, Default)]
struct ClaimsInner {
    met: HashSet<[u8; 32]>,
    order: VecDeque<[u8; 32]>,
}

impl Claims {
    /// Whether a key was met before; from now on it is.
    pub(super) fn meets(&self, claim_id: [u8; 32]) -> bool {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !inner.met.insert(claim_id) {
            return true;
        }
        inner.order.push_back(claim_id);
        if inner.order.len() > CLAIMS
            && let Some(oldest) = inner.order.pop_front()
        {
            inner.met.remove(&oldest);
        }
        false
    }
}

#[cfg(test)]
mod tests;
