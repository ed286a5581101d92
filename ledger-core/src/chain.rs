//! The digest chain, checked: every change of every payment is made again from its facts, and what does not come out the
//! same is named.

use std::collections::HashMap;

use crate::history::{ChangeRow, replay};
use crate::ids::PaymentId;
use crate::payment::fact::Fact;
use crate::replica_reader::ReplicaReader;
use crate::store::{StoreError, load, replica};

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
        let mut page = ChainPage { last: ids.last().copied(), ..ChainPage::default() };
        for id in ids {
            let facts = facts.remove(&id).unwrap_or_default();
            let rows = rows.remove(&id).unwrap_or_default();
            page.examined += u64::try_from(rows.len()).unwrap_or(u64::MAX);
            page.broken.extend(broken(id, rows, &facts));
        }
        Ok(page)
    }
}

fn broken(id: PaymentId, rows: Vec<ChangeRow>, facts: &[(u32, Fact)]) -> Vec<BrokenChain> {
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
        Ok((entries, _)) => {
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
