//! The digest chain, checked: every change of every payment is made again from its facts, and what does not come out the
//! same is named. The signatures of corrections are checked with it.

use std::collections::HashMap;

use crate::history::{ChangeRow, replay};
use crate::ids::PaymentId;
use crate::operator::OperatorKey;
use crate::payment::correction::CorrectionFacts;
use crate::payment::fact::Fact;
use crate::payment::fold::Payment;
use crate::replica_reader::ReplicaReader;
use crate::store::{StoreError, correction, load, replica};

/// A change that is not what its digest says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrokenChain {
    /// The payment.
    pub payment_id: PaymentId,
    /// The change, where one can be named.
    pub seq: Option<u32>,
    /// What is wrong.
    pub what: String,
}

/// A stretch of payments, checked.
#[derive(Debug, Clone, Default)]
pub struct ChainPage {
    /// Changes that were made again.
    pub examined: u64,
    /// Those that did not come out the same.
    pub broken: Vec<BrokenChain>,
    /// Where the next stretch begins; none after the last.
    pub last: Option<PaymentId>,
}

impl ReplicaReader {
    /// Checks the chains of the `limit` payments after `after`.
    pub async fn verify_chains(&self, after: Option<PaymentId>, limit: u32) -> Result<ChainPage, StoreError> {
        let ids = replica::payments_after(self.pool(), after, limit).await?;
        let mut connection = self.pool().acquire().await.map_err(StoreError::Unavailable)?;
        let mut rows: HashMap<PaymentId, Vec<ChangeRow>> = HashMap::new();
        for (id, row) in load::changes(&mut connection, &ids).await? {
            rows.entry(id).or_default().push(row);
        }
        let mut facts: HashMap<PaymentId, Vec<(u32, Fact)>> = HashMap::new();
        for (id, seq, fact) in load::facts_by_change(&mut connection, &ids).await? {
            facts.entry(id).or_default().push((seq, fact));
        }
        let keys = keys_of(&facts);
        let keys = match keys.as_slice() {
            [] => HashMap::new(),
            keys => correction::keys(&mut connection, keys).await?,
        };
        let mut page = ChainPage { last: ids.last().copied(), ..ChainPage::default() };
        for id in ids {
            let facts = facts.get(&id).map(Vec::as_slice).unwrap_or_default();
            let rows = rows.remove(&id).unwrap_or_default();
            page.examined += u64::try_from(rows.len()).unwrap_or(u64::MAX);
            page.broken.extend(broken(id, rows, facts, &keys));
        }
        Ok(page)
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

fn broken(
    id: PaymentId,
    rows: Vec<ChangeRow>,
    facts: &[(u32, Fact)],
    keys: &HashMap<String, OperatorKey>,
) -> Vec<BrokenChain> {
    let head = rows.last().map_or(0, |row| row.seq);
    let mut found = Vec::new();
    if let Some((seq, _)) = facts.iter().find(|(seq, _)| *seq == 0 || *seq > head) {
        found.push(BrokenChain {
            payment_id: id,
            seq: Some(*seq),
            what: "facts of a change that is not there".to_owned(),
        });
    }
    match replay(id, rows, facts) {
        Ok((entries, payment)) => {
            for facts in payment.iter().flat_map(Payment::corrections) {
                if let Some(what) = unsigned(id, facts, keys) {
                    let no = facts.correction.correction_no;
                    let what = format!("correction {no}: {what}");
                    found.push(BrokenChain { payment_id: id, seq: None, what });
                }
            }
            found.extend(entries.iter().filter(|entry| !entry.is_intact()).map(|entry| BrokenChain {
                payment_id: id,
                seq: Some(entry.row.seq),
                what: "the digest does not follow from the facts".to_owned(),
            }));
        }
        Err(error) => found.push(BrokenChain { payment_id: id, seq: None, what: error.to_string() }),
    }
    found
}
