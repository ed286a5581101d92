//! The digest chain of every payment.

use anyhow::Result;

use super::{Auditor, Check};

/// Payments of one read.
const PAGE: u32 = 500;

impl Auditor<'_> {
    pub(super) async fn chain(&self) -> Result<Check> {
        let mut check = Check::new("digest-chain", 0);
        let mut after = None;
        loop {
            let page = self.reader.verify_chains(after, PAGE).await?;
            check.examined += page.examined;
            for broken in page.broken {
                let (table, row) = (broken.table.unwrap_or_default(), broken.row.unwrap_or_default());
                check.add(format!(
                    "{} change {:?} {table} {row}: {}",
                    broken.payment_id, broken.seq, broken.what
                ));
            }
            match page.last {
                Some(last) => after = Some(last),
                None => return Ok(check),
            }
        }
    }
}
