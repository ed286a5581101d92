//! Legacy = mapped + quarantined + excluded, by kind, method and day: by the migrator's certificate.

use anyhow::Result;

use super::{Auditor, Check};
use crate::tool;

impl Auditor<'_> {
    pub(super) async fn legacy(&self) -> Result<Check> {
        let told = tool::run(self.env, "migrator", &["certify", "--format", "json"]).await?;
        let total = told.last();
        let mut check = Check::new("legacy-ties-out", total["legacy"]["rows"].as_u64().unwrap_or(0));
        if told.code != 0 {
            check.add(format!("the certificate ended with {}: {total} {}", told.code, told.stderr.trim()));
        }
        Ok(check)
    }
}
