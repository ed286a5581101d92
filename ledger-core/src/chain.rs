//! The digest chain, checked: every change of every payment is made again from its facts, and what does not come out the
//! same is named. The signatures of corrections are checked with it.

mod trace;

use std::collections::HashMap;

use chrono::{DateTime, Utc};

use crate::history::{ChangeRow, HistoryEntry, replay};
use crate::ids::PaymentId;
use crate::operator::OperatorKey;
use crate::payment::correction::CorrectionFacts;
use crate::payment::fact::Fact;
use crate::payment::fold::Payment;
use crate::replica_reader::ReplicaReader;
use crate::store::{StoreError, chain, correction, load, replica};

pub use trace::Kept;
use trace::Tampered;

/// A change that is not what its digest says.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct BrokenChain {
    /// The payment.
    pub payment_id: PaymentId,
    /// The change, where one can be named.
    pub seq: Option<u32>,
    /// The table of the row, where one can be named.
    pub table: Option<String>,
    /// The row's key within the payment.
    pub row: Option<String>,
    /// What is wrong.
    pub what: String,
}

/// A stretch of payments, checked.
#[derive(Debug, Clone, Default)]
pub struct ChainPage {
    /// Payments that were looked at.
    pub payments: u64,
    /// Changes that were made again.
    pub examined: u64,
    /// Those that did not come out the same.
    pub broken: Vec<BrokenChain>,
    /// Where the next stretch begins; none after the last.
    pub last: Option<PaymentId>,
}

impl BrokenChain {
    fn plain(payment_id: PaymentId, seq: Option<u32>, what: impl Into<String>) -> Self {
        Self { payment_id, seq, table: None, row: None, what: what.into() }
    }

    fn of_row(payment_id: PaymentId, seq: Option<u32>, row: Tampered) -> Self {
        Self { payment_id, seq, table: Some(row.table), row: Some(row.row), what: row.what }
    }
}

impl ReplicaReader {
    /// Checks the chains of the `limit` payments after `after`.
    pub async fn verify_chains(&self, after: Option<PaymentId>, limit: u32) -> Result<ChainPage, StoreError> {
        let ids = replica::payments_after(self.pool(), after, limit).await?;
        Ok(ChainPage { last: ids.last().copied(), ..self.verify_chains_of(&ids).await? })
    }

    /// Checks the chains of these payments.
    pub async fn verify_chains_of(&self, ids: &[PaymentId]) -> Result<ChainPage, StoreError> {
        match self.read_chains(ids).await {
            Ok(chains) => Ok(chains.page(ids)),
            // a value that none of ours can be: the payments are read one by one, to name the one that holds it
            Err(StoreError::Corrupt { .. }) => {
                let mut page = ChainPage::default();
                for id in ids {
                    let one = match self.read_chains(&[*id]).await {
                        Ok(chains) => chains.page(&[*id]),
                        Err(StoreError::Corrupt { table, column, .. }) => ChainPage {
                            payments: 1,
                            broken: vec![BrokenChain {
                                payment_id: *id,
                                seq: None,
                                table: Some(table.to_owned()),
                                row: None,
                                what: format!("{column} holds what it never could"),
                            }],
                            ..ChainPage::default()
                        },
                        Err(error) => return Err(error),
                    };
                    page.payments += one.payments;
                    page.examined += one.examined;
                    page.broken.extend(one.broken);
                }
                Ok(page)
            }
            Err(error) => Err(error),
        }
    }

    async fn read_chains(&self, ids: &[PaymentId]) -> Result<Chains, StoreError> {
        let mut connection = self.pool().acquire().await.map_err(StoreError::Unavailable)?;
        let mut chains = Chains::default();
        for (id, row) in load::changes(&mut connection, ids).await? {
            chains.rows.entry(id).or_default().push(row);
        }
        for (id, seq, fact) in load::facts_by_change(&mut connection, ids).await? {
            chains.facts.entry(id).or_default().push((seq, fact));
        }
        chains.kept = chain::kept(&mut connection, ids).await?;
        let keys = keys_of(&chains.facts);
        if !keys.is_empty() {
            chains.keys = correction::keys(&mut connection, &keys).await?;
        }
        Ok(chains)
    }
}

/// What was read of some payments.
#[derive(Debug, Default)]
struct Chains {
    rows: HashMap<PaymentId, Vec<ChangeRow>>,
    facts: HashMap<PaymentId, Vec<(u32, Fact)>>,
    kept: HashMap<(PaymentId, u32), Kept>,
    keys: HashMap<String, OperatorKey>,
}

impl Chains {
    fn page(mut self, ids: &[PaymentId]) -> ChainPage {
        let mut page = ChainPage::default();
        for id in ids {
            let facts = self.facts.remove(id).unwrap_or_default();
            let rows = self.rows.remove(id).unwrap_or_default();
            page.payments += 1;
            page.examined += u64::try_from(rows.len()).unwrap_or(u64::MAX);
            page.broken.extend(self.broken(*id, rows, &facts));
        }
        page
    }

    fn broken(&self, id: PaymentId, rows: Vec<ChangeRow>, facts: &[(u32, Fact)]) -> Vec<BrokenChain> {
        let mut found = Vec::new();
        let seqs: Vec<_> = rows.iter().map(|row| row.seq).collect();
        if let Some((seq, _)) = facts.iter().find(|(seq, _)| !seqs.contains(seq)) {
            let row = format!("seq {seq}");
            let what = "is gone: there are facts of it".to_owned();
            let table = Some("payment_change".to_owned());
            found.push(BrokenChain { payment_id: id, seq: Some(*seq), table, row: Some(row), what });
        }
        let kept = |seq| self.kept.get(&(id, seq)).cloned().unwrap_or_default();
        match replay(id, rows, facts) {
            Ok((entries, payment)) => {
                for facts in payment.iter().flat_map(Payment::corrections) {
                    if let Some(what) = unsigned(id, facts, &self.keys) {
                        let no = facts.correction.correction_no;
                        found.push(BrokenChain::plain(id, None, format!("correction {no}: {what}")));
                    }
                }
                if found.is_empty() {
                    found.extend(traced(id, &entries, facts, &kept));
                }
            }
            Err(error) if found.is_empty() => match trace::missing(facts, 0, &Kept::default()) {
                Some(row) => found.push(BrokenChain::of_row(id, None, row)),
                None => found.push(BrokenChain::plain(id, None, error.to_string())),
            },
            Err(_) => {}
        }
        found
    }
}

/// The rows of a payment that are not as they were written; at least its first change that is not, if there is one.
fn traced(
    id: PaymentId,
    entries: &[HistoryEntry],
    facts: &[(u32, Fact)],
    kept: &dyn Fn(u32) -> Kept,
) -> Vec<BrokenChain> {
    let stands: Vec<Kept> = entries.iter().map(|entry| kept(entry.row.seq)).collect();
    let is_whole = |(entry, stands): (&HistoryEntry, &Kept)| {
        entry.is_intact()
            && entry.change.journal == stands.journal
            && entry.change.event_digest == stands.event_digest
    };
    let mut before = None;
    let chained = entries.iter().zip(&stands).all(|(entry, stands)| {
        let follows = stands.previous_digest == before;
        before = Some(entry.row.digest);
        follows
    });
    if chained && entries.iter().zip(&stands).all(is_whole) {
        return Vec::new();
    }
    let donors = trace::donors(entries.iter(), facts, &stands.iter().collect::<Vec<_>>());
    let mut found = Vec::new();
    let mut before = None;
    for (place, (entry, stands_here)) in entries.iter().zip(&stands).enumerate() {
        let after = stands.get(place + 1).and_then(|next| next.previous_digest);
        let rows = trace::tampered(entry, stands_here, before, after, &donors);
        // a digest that was altered is no fault of the change that names the right one
        let is_altered = rows.iter().any(|row| row.what == trace::DIGEST_ALTERED);
        before = if is_altered { after } else { Some(entry.row.digest) };
        found.extend(rows.into_iter().map(|row| BrokenChain::of_row(id, Some(entry.row.seq), row)));
    }
    if found.is_empty() {
        let first = entries.iter().find(|entry| !entry.is_intact());
        found.extend(first.map(|entry| {
            let seq = entry.row.seq;
            trace::missing(facts, seq, &kept(seq)).map_or_else(
                || {
                    let of = trace::tables(&entry.change);
                    let what = format!(
                        "the digest does not follow from the facts: a row was changed or is gone; it has rows in {of}"
                    );
                    BrokenChain::plain(id, Some(seq), what)
                },
                |row| BrokenChain::of_row(id, Some(seq), row),
            )
        }));
    }
    found
}

impl PaymentId {
    /// The id before all those of payments made at `at` or later.
    pub fn before(at: DateTime<Utc>) -> Self {
        let millis = u64::try_from(at.timestamp_millis()).unwrap_or(0).saturating_sub(1).to_be_bytes();
        let mut bytes = [0xff; 16];
        bytes[..6].copy_from_slice(&millis[2..]);
        Self::from_bytes(bytes)
    }
}

/// The operators' keys that the facts name.
fn keys_of(facts: &HashMap<PaymentId, Vec<(u32, Fact)>>) -> Vec<&str> {
    let mut keys = Vec::new();
    for (_, fact) in facts.values().flatten() {
        if let Fact::Correction(fact) = fact {
            keys.push(fact.proposed_key.as_str());
        }
        if let Fact::CorrectionVerdict(fact) = fact {
            keys.extend(fact.decision.as_ref().map(|decision| decision.decided_key.as_str()));
        }
    }
    keys.sort_unstable();
    keys.dedup();
    keys
}

/// What is wrong with who proposed and who decided a correction.
fn unsigned(
    id: PaymentId,
    facts: &CorrectionFacts,
    keys: &HashMap<String, OperatorKey>,
) -> Option<&'static str> {
    let is_signed = |by: &str, key: &str, at, message: &[u8], signature| {
        keys.get(key).is_some_and(|key| {
            key.operator_id == by && key.is_valid_at(at) && key.has_signed(message, signature)
        })
    };
    let proposed = &facts.correction;
    let message = facts.message(id);
    if !is_signed(
        &proposed.proposed_by,
        &proposed.proposed_key,
        proposed.proposed_at,
        &message,
        &proposed.signature,
    ) {
        return Some("the proposer's signature does not hold");
    }
    let (verdict, message) = (facts.verdict.as_ref()?, facts.decision_message(id)?);
    let decision = verdict.decision.as_ref()?;
    let by = (&decision.decided_by, &decision.decided_key);
    if !is_signed(by.0, by.1, verdict.decided_at, &message, &decision.signature) {
        return Some("the signature of the one who decided does not hold");
    }
    (facts.is_posted() && decision.decided_by == proposed.proposed_by)
        .then_some("one person proposed and approved")
}
