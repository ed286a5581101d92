//! The issuer's own books: what stands there is what we have accepted and not canceled, plus what we know to be exposed.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;

use super::{Auditor, Check};
use crate::client::get_json;

/// What our facts say of each trace number: what stands by our word, and what may stand without our wanting it.
const OURS: &str = "SELECT a.trace_no, \
    CAST(IF(v.verdict = 'ACCEPT', a.amount, 0) - COALESCE((SELECT SUM(s.amount) FROM cancel_share AS s \
      JOIN cancel_outcome AS o ON o.payment_id = s.payment_id AND o.cancel_no = s.cancel_no AND o.leg_no = s.leg_no \
      WHERE s.payment_id = a.payment_id AND s.leg_no = a.leg_no AND o.outcome = 'DONE' AND v.verdict = 'ACCEPT'), 0) AS SIGNED), \
    CAST(IF(v.verdict IS NULL OR (v.verdict = 'ABANDON' AND COALESCE((SELECT n.outcome FROM network_cancel_outcome AS n \
      WHERE n.payment_id = a.payment_id AND n.leg_no = a.leg_no AND n.attempt_no = a.attempt_no \
      ORDER BY n.outcome_no DESC LIMIT 1), 'OPEN') NOT IN ('VOIDED', 'VOIDED_PROVISIONAL')), a.amount, 0) AS SIGNED), \
    CAST(COALESCE((SELECT SUM(s.amount) FROM cancel_share AS s LEFT JOIN cancel_outcome AS o ON o.payment_id = s.payment_id \
      AND o.cancel_no = s.cancel_no AND o.leg_no = s.leg_no WHERE s.payment_id = a.payment_id AND s.leg_no = a.leg_no \
      AND o.outcome IS NULL AND v.verdict = 'ACCEPT'), 0) AS SIGNED) \
    FROM attempt AS a LEFT JOIN attempt_verdict AS v ON v.payment_id = a.payment_id AND v.leg_no = a.leg_no \
      AND v.kind = a.kind AND v.attempt_no = a.attempt_no \
    WHERE a.kind = 'AUTH' AND a.origin = 'LIVE'";

impl Auditor<'_> {
    pub(super) async fn issuer(&self) -> Result<Check> {
        let rows: Vec<(String, i64, i64, i64)> = sqlx::query_as(OURS).fetch_all(&self.replica).await?;
        let truth = get_json(&format!("{}/control/truth", self.env.get("ISSUER_URL")?)).await?;
        let theirs: BTreeMap<&str, i64> = truth["traces"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|trace| Some((trace["traceNo"].as_str()?, trace["effective"].as_i64()?)))
            .collect();
        let mut check = Check::new("issuer-truth", u64::try_from(rows.len())?);
        let mut ours = BTreeSet::new();
        for (trace, effective, exposed, canceling) in &rows {
            let stands = theirs.get(trace.as_str()).copied().unwrap_or(0);
            if stands < effective - canceling || stands > effective + exposed {
                check.add(format!("trace {trace}: {stands} stands at the issuer, {effective} by our facts, exposed {exposed}"));
            }
            ours.insert(trace.as_str());
        }
        for (trace, stands) in theirs.iter().filter(|(trace, _)| !ours.contains(*trace)) {
            if *stands != 0 {
                check.add(format!(
                    "trace {trace}: {stands} stands at the issuer, and we know no such attempt"
                ));
            }
        }
        Ok(check)
    }
}
