//! How long is left, and whether that is enough: what cannot be waited for is not sent.

use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::time::Instant;

/// The instant by which a caller wants its answer. It travels as a remaining duration, so skewed clocks do not matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deadline(Instant);

impl Deadline {
    /// So long from now.
    pub fn after(within: Duration) -> Self {
        Self(Instant::now() + within)
    }

    /// What is left of it.
    pub fn remaining(self) -> Duration {
        self.0.saturating_duration_since(Instant::now())
    }

    /// The instant itself, for `timeout_at`.
    pub const fn instant(self) -> Instant {
        self.0
    }
}

/// What an attempt takes at its worst.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Need {
    /// Connecting and reading.
    pub answer: Duration,
    /// Committing what came back.
    pub after: Duration,
    /// How far it may run past the deadline in its row.
    pub grace: Duration,
}

/// Why an attempt is not started; goes into its NOT_SENT result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotStarted {
    /// The caller would not be there for the answer.
    CallerGone,
    /// Its row says that it should have been answered by now; the recovery scan may have given it up.
    RowExpired,
}

impl NotStarted {
    /// The code kept with the result.
    pub const fn code(self) -> &'static str {
        match self {
            Self::CallerGone => "DEADLINE",
            Self::RowExpired => "ATTEMPT_EXPIRED",
        }
    }
}

impl Need {
    /// Whether an attempt may start: `remaining` of the caller's time, with `deadline_at` in its row, at `now`.
    pub fn check(
        self,
        remaining: Duration,
        deadline_at: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Result<(), NotStarted> {
        if remaining < self.answer + self.after {
            return Err(NotStarted::CallerGone);
        }
        let row = (deadline_at - now).to_std().unwrap_or_default();
        let past = (now - deadline_at).to_std().unwrap_or_default();
        if row + self.grace < self.answer + past {
            return Err(NotStarted::RowExpired);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEED: Need = Need {
        answer: Duration::from_secs(11),
        after: Duration::from_millis(500),
        grace: Duration::from_secs(5),
    };

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_795_000_000 + seconds, 0).unwrap()
    }

    #[test]
    fn what_cannot_be_waited_for_is_not_started() {
        let check = |millis| NEED.check(Duration::from_millis(millis), at(11), at(0));
        assert_eq!(check(11_500), Ok(()));
        assert_eq!(check(11_499), Err(NotStarted::CallerGone));
    }

    #[test]
    fn an_attempt_whose_row_has_expired_is_not_started() {
        let check = |now| NEED.check(Duration::from_mins(1), at(11), at(now));
        assert_eq!(check(0), Ok(()));
        assert_eq!(check(5), Ok(()), "within the grace");
        assert_eq!(check(6), Err(NotStarted::RowExpired));
        assert_eq!(check(60), Err(NotStarted::RowExpired), "a process that was stopped for a minute");
    }
}
