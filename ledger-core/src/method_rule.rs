//! What each method allows: reference data, insert-only, by version with a date from which it holds. A leg keeps the version
//! under which it was sent, so that nothing about it changes later.

use std::fmt;

use chrono::{DateTime, Days, Months, TimeDelta, Utc};

use crate::codes;
use crate::payment::fact::Method;
use crate::time::BusinessDate;

codes! {
    /// How long after its approval a leg can be canceled, as `method_rule.cancel_window_kind` spells it.
    WindowKind {
        /// A number of Korean days.
        Days = "DAYS",
        /// The Korean calendar month of the approval.
        CalendarMonth = "CALENDAR_MONTH",
        /// For ever.
        None = "NONE",
    }
}

/// How long after its approval a leg can be canceled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CancelWindow {
    /// Up to the end of the Korean day that is this many days after the approval's.
    Days(u16),
    /// Up to the end of the Korean calendar month of the approval.
    CalendarMonth,
    /// For ever.
    Unlimited,
}

impl CancelWindow {
    /// What the columns say; none when they contradict each other.
    pub const fn of(kind: WindowKind, days: Option<u16>) -> Option<Self> {
        match (kind, days) {
            (WindowKind::Days, Some(days)) => Some(Self::Days(days)),
            (WindowKind::CalendarMonth, None) => Some(Self::CalendarMonth),
            (WindowKind::None, None) => Some(Self::Unlimited),
            (WindowKind::Days, None) | (WindowKind::CalendarMonth | WindowKind::None, Some(_)) => None,
        }
    }

    /// Its columns.
    pub const fn columns(self) -> (WindowKind, Option<u16>) {
        match self {
            Self::Days(days) => (WindowKind::Days, Some(days)),
            Self::CalendarMonth => (WindowKind::CalendarMonth, None),
            Self::Unlimited => (WindowKind::None, None),
        }
    }

    /// The last Korean day on which what was approved then can be canceled; none when there is no such limit.
    pub fn last_day(self, approved_at: DateTime<Utc>) -> Option<BusinessDate> {
        let day = BusinessDate::in_seoul(approved_at).day();
        let last = match self {
            Self::Unlimited => return None,
            Self::Days(days) => day.checked_add_days(Days::new(days.into())),
            Self::CalendarMonth => first_of_month(day)
                .and_then(|first| first.checked_add_months(Months::new(1)))
                .and_then(|next| next.pred_opt()),
        };
        Some(BusinessDate::new(last.unwrap_or(day)))
    }
}

fn first_of_month(day: chrono::NaiveDate) -> Option<chrono::NaiveDate> {
    chrono::Datelike::with_day(&day, 1)
}

impl fmt::Display for CancelWindow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Days(days) => write!(f, "{days} days"),
            Self::CalendarMonth => f.write_str("the calendar month"),
            Self::Unlimited => f.write_str("no limit"),
        }
    }
}

/// One version of what a method allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MethodRule {
    /// Which method.
    pub method: Method,
    /// Number of the version, named by legs.
    pub version: u32,
    /// From when it holds.
    pub valid_from: DateTime<Utc>,
    /// What is refunded first has the higher number.
    pub refund_priority: u16,
    /// What is hardest to undo is sent last: the higher the later.
    pub send_order: u8,
    /// Whether a part of a leg can be canceled at all.
    pub partial_cancelable: bool,
    /// How long a leg can be canceled.
    pub cancel_window: CancelWindow,
    /// How long a deposit is waited for, where there is one.
    pub deposit_hours: Option<u16>,
}

impl MethodRule {
    /// Until when a leg that is sent then may be deposited: as wished, or as the rule has it.
    pub fn deposit_due(&self, now: DateTime<Utc>, wished_hours: Option<u16>) -> Option<DateTime<Utc>> {
        let hours = self.deposit_hours?;
        Some(now + TimeDelta::hours(wished_hours.unwrap_or(hours).into()))
    }
}

/// Every version of every method.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MethodRules(Vec<MethodRule>);

impl MethodRules {
    /// These versions, in any order.
    pub const fn new(rules: Vec<MethodRule>) -> Self {
        Self(rules)
    }

    /// The version of a method that holds at that instant: the one that began last, and of two that began together the later.
    pub fn valid_at(&self, method: Method, at: DateTime<Utc>) -> Option<&MethodRule> {
        let of_method = self.0.iter().filter(|rule| rule.method == method && rule.valid_from <= at);
        of_method.max_by_key(|rule| (rule.valid_from, rule.version))
    }

    /// A version by its number.
    pub fn version(&self, method: Method, version: u32) -> Option<&MethodRule> {
        self.0.iter().find(|rule| rule.method == method && rule.version == version)
    }
}

/// A version, as it is listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MethodRuleRow {
    pub rule: MethodRule,
    pub created_by: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn last_day(window: CancelWindow, approved_at: &str) -> String {
        window.last_day(at(approved_at)).map(|day| day.to_string()).unwrap_or_default()
    }

    #[test]
    fn a_calendar_month_ends_at_midnight_in_seoul() {
        let month = CancelWindow::CalendarMonth;
        assert_eq!(last_day(month, "2026-11-30T14:59:59Z"), "2026-11-30");
        assert_eq!(last_day(month, "2026-11-30T15:00:00Z"), "2026-12-31");
        assert_eq!(last_day(month, "2028-02-01T00:00:00Z"), "2028-02-29");
    }

    #[test]
    fn days_are_counted_from_the_korean_day_of_the_approval() {
        assert_eq!(last_day(CancelWindow::Days(180), "2026-11-24T15:00:00Z"), "2027-05-24");
        assert_eq!(last_day(CancelWindow::Unlimited, "2026-11-24T15:00:00Z"), "");
    }

    #[test]
    fn the_version_that_began_last_holds() {
        let rule = |version, valid_from: &str, refund_priority| MethodRule {
            method: Method::Card,
            version,
            valid_from: at(valid_from),
            refund_priority,
            send_order: 1,
            partial_cancelable: true,
            cancel_window: CancelWindow::Unlimited,
            deposit_hours: None,
        };
        let rules = MethodRules::new(vec![
            rule(1, "1970-01-01T00:00:00Z", 60),
            rule(2, "2026-12-01T00:00:00Z", 61),
            rule(3, "2026-11-01T00:00:00Z", 62),
        ]);
        let version = |now: &str| rules.valid_at(Method::Card, at(now)).map(|rule| rule.version);
        assert_eq!(version("2026-10-31T23:59:59Z"), Some(1));
        assert_eq!(version("2026-11-24T00:00:00Z"), Some(3));
        assert_eq!(version("2026-12-01T00:00:00Z"), Some(2));
        assert_eq!(rules.valid_at(Method::Points, at("2026-12-01T00:00:00Z")), None);
    }
}
