//! A decision ready to be written: the facts with all that follows from them — journal lines, events, the digest that
//! chains it to the change before.

use chrono::{DateTime, Utc};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use crate::event::catalogue::{self, Emitting, Event, RENDER_VERSION};
use crate::event::position::Positions;
use crate::ids::{PaymentId, RequestId};
use crate::journal::{self, JournalLine};
use crate::money::AmountError;
use crate::payment::fact::{Fact, Origin};
use crate::payment::fold::{Head, Incomplete, Payment};

/// Who wants it, and under which request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// An API key, a job, an operator.
    pub actor: String,
    /// The request, by which an unknown commit is looked up.
    pub request_id: RequestId,
    /// When, cut to microseconds.
    pub at: DateTime<Utc>,
}

/// Row of `payment_change` with everything it brings.
#[derive(Debug, Clone)]
pub struct Change {
    pub payment_id: PaymentId,
    pub seq: u32,
    pub origin: Origin,
    pub command: String,
    pub asked: Asked,
    pub facts: Vec<Fact>,
    pub journal: Vec<JournalLine>,
    pub events: Vec<Event>,
    pub event_digest: Option<[u8; 32]>,
    pub positions: Positions,
    pub previous_digest: Option<[u8; 32]>,
    pub digest: [u8; 32],
}

/// Facts that no change can carry: a decision contradicts what it decided on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ChangeError {
    /// The facts do not fold.
    #[error(transparent)]
    Incomplete(#[from] Incomplete),
    /// An amount left its range.
    #[error(transparent)]
    Amount(#[from] AmountError),
}

/// What the digest of a change covers, in this order. The order and the spelling are part of the format: a new render
/// version may change them, an old one never.
#[derive(Serialize)]
struct Digested<'a> {
    payment_id: PaymentId,
    seq: u32,
    origin: Origin,
    command: &'a str,
    actor: &'a str,
    request_id: RequestId,
    recorded_at: i64,
    render_version: u16,
    facts: &'a [Fact],
    journal: &'a [JournalLine],
    event_digest: Option<String>,
}

impl Change {
    /// Makes the next change of a payment (or its first, when there is none) and the payment after it.
    pub fn next(
        id: PaymentId,
        before: Option<&Payment>,
        origin: Origin,
        command: impl Into<String>,
        asked: Asked,
        mut facts: Vec<Fact>,
    ) -> Result<(Self, Payment), ChangeError> {
        facts.sort_by_key(Fact::place);
        let seq = before.map_or(1, |payment| payment.head.seq.saturating_add(1));
        let positions = before.map_or_else(Positions::default, |payment| payment.head.positions);
        let previous_digest = before.map(|payment| payment.head.digest);
        let head = Head { seq, digest: [0; 32], positions };
        let mut payment = match before {
            Some(before) => before.after(head, &facts)?,
            None => Payment::fold(id, head, facts.clone())?,
        };
        let journal = journal::post(&payment, &facts)?;
        let emitting = Emitting { payment: &payment, added: &facts, journal: &journal, origin, at: asked.at };
        let (events, positions) = catalogue::emit(emitting, seq, positions);
        let mut change = Self {
            payment_id: id,
            seq,
            origin,
            command: command.into(),
            asked,
            facts,
            journal,
            event_digest: event_digest(&events),
            events,
            positions,
            previous_digest,
            digest: [0; 32],
        };
        change.digest = change.chained_digest();
        payment.head = change.head();
        Ok((change, payment))
    }

    /// Where the payment's chain stands after it.
    pub const fn head(&self) -> Head {
        Head { seq: self.seq, digest: self.digest, positions: self.positions }
    }

    /// The digest of everything in the change, on top of the digest of the change before it.
    pub fn chained_digest(&self) -> [u8; 32] {
        digest_over(self.previous_digest, &self.digested())
    }

    /// What the digest covers.
    pub fn digested(&self) -> Vec<u8> {
        let digested = Digested {
            payment_id: self.payment_id,
            seq: self.seq,
            origin: self.origin,
            command: &self.command,
            actor: &self.asked.actor,
            request_id: self.asked.request_id,
            recorded_at: self.asked.at.timestamp_micros(),
            render_version: RENDER_VERSION,
            facts: &self.facts,
            journal: &self.journal,
            event_digest: self.event_digest.map(hex::encode),
        };
        serde_json::to_vec(&digested).unwrap_or_default()
    }
}

/// A digest on top of the one before it.
pub fn digest_over(previous: Option<[u8; 32]>, digested: &[u8]) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(previous.unwrap_or_default());
    hash.update(digested);
    hash.finalize().into()
}

fn event_digest(events: &[Event]) -> Option<[u8; 32]> {
    if events.is_empty() {
        return None;
    }
    let mut hash = Sha256::new();
    for event in events {
        hash.update(event.kind.as_bytes());
        hash.update(u64::try_from(event.body.len()).unwrap_or(u64::MAX).to_be_bytes());
        hash.update(&event.body);
    }
    Some(hash.finalize().into())
}
