//! Until when a leg can be canceled: by the rule of its method under which it was sent, whatever came later.

use chrono::{DateTime, Utc};

use crate::method_rule::{MethodRule, MethodRules};
use crate::time::BusinessDate;

use super::attempt::AttemptFacts;
use super::fact::CancelShare;
use super::fold::{Leg, Payment};
use super::refusal::Refusal;

/// Refuses shares of legs whose time is over.
pub fn check(
    payment: &Payment,
    shares: &[CancelShare],
    rules: &MethodRules,
    now: DateTime<Utc>,
) -> Result<(), Refusal> {
    let today = BusinessDate::in_seoul(now);
    let late = shares.iter().filter_map(|share| payment.leg(share.leg_no)).find_map(|leg| {
        let last_day = last_day(leg, rules)?;
        (today > last_day).then_some((leg, last_day))
    });
    let Some((leg, last_day)) = late else { return Ok(()) };
    Err(Refusal::CancelWindowOver { leg_no: leg.approval.leg_no, method: leg.approval.method, last_day })
}

/// The last Korean day on which a leg can be canceled; none when it is not approved, or has no such limit.
pub fn last_day(leg: &Leg, rules: &MethodRules) -> Option<BusinessDate> {
    let approved_at = leg.accepted().and_then(AttemptFacts::approval)?.received_at;
    rule_of(leg, rules, approved_at)?.cancel_window.last_day(approved_at)
}

/// The version that the leg names; for a leg from before there were rules, the one that held when it was approved.
fn rule_of<'a>(leg: &Leg, rules: &'a MethodRules, approved_at: DateTime<Utc>) -> Option<&'a MethodRule> {
    let method = leg.approval.method;
    match leg.approval.rule_version {
        Some(version) => rules.version(method, version),
        None => rules.valid_at(method, approved_at),
    }
}
