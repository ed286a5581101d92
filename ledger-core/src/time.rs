//! Days and instants. The clock is read in `ledger-runtime`; here time is an argument.

use std::fmt;

use chrono::{DateTime, FixedOffset, NaiveDate, SubsecRound as _, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

/// Korea keeps UTC+9 all year.
const SEOUL_OFFSET_SECONDS: i32 = 9 * 60 * 60;

/// A Korean calendar day: what settlement and accounting count by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct BusinessDate(NaiveDate);

impl BusinessDate {
    /// The day it was in Seoul at that instant.
    pub fn in_seoul(at: DateTime<Utc>) -> Self {
        Self(seoul(at).date_naive())
    }

    /// A day that is known as a day.
    pub const fn new(day: NaiveDate) -> Self {
        Self(day)
    }

    /// The Korean midnight with which it ends.
    pub fn ends_at(self) -> Option<DateTime<Utc>> {
        let midnight = self.0.succ_opt()?.and_hms_opt(0, 0, 0)?.and_utc();
        midnight.checked_sub_signed(TimeDelta::seconds(SEOUL_OFFSET_SECONDS.into()))
    }

    /// The calendar day.
    pub const fn day(self) -> NaiveDate {
        self.0
    }
}

impl fmt::Display for BusinessDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The instant as a wall clock in Seoul shows it, for answers and events.
pub fn seoul(at: DateTime<Utc>) -> DateTime<FixedOffset> {
    match FixedOffset::east_opt(SEOUL_OFFSET_SECONDS) {
        Some(offset) => at.with_timezone(&offset),
        None => at.fixed_offset(),
    }
}

/// The instant cut to the microseconds that MySQL keeps, so that a fact reads back as it was made.
pub fn to_micros(at: DateTime<Utc>) -> DateTime<Utc> {
    at.trunc_subsecs(6)
}

/// RFC 3339 with the offset of Seoul and milliseconds.
pub fn text(at: DateTime<Utc>) -> String {
    seoul(at).to_rfc3339_opts(chrono::SecondsFormat::Millis, false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_korean_day_begins_at_fifteen_hours_utc() {
        let before = "2026-11-24T14:59:59.999999Z".parse().unwrap();
        let after = "2026-11-24T15:00:00Z".parse().unwrap();
        assert_eq!(BusinessDate::in_seoul(before).to_string(), "2026-11-24");
        assert_eq!(BusinessDate::in_seoul(after).to_string(), "2026-11-25");
    }
}
