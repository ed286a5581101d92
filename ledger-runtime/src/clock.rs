//! The one reader of the clock. Everywhere else time is an argument.

use chrono::{DateTime, Utc};

/// Now, cut to the microseconds that MySQL keeps.
#[expect(clippy::disallowed_methods, reason = "this is the place that owns the clock")]
pub fn now() -> DateTime<Utc> {
    ledger_core::time::to_micros(Utc::now())
}
