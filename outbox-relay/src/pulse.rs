//! The heartbeat of one outbox's loop: readiness is progress, not the mere presence of a process.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use ledger_core::outbox_reader::OutboxName;

/// A loop that has not come round for so long is not ready.
pub const STALE_AFTER: Duration = Duration::from_secs(5);

/// What a loop is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Doing {
    /// Connecting, fencing, reading its progress.
    Starting,
    /// Waiting for the working relay to leave.
    StandingBy,
    /// Publishing.
    Working,
    /// Nothing more: a person must look.
    Stopped(String),
}

/// One loop's heartbeat.
#[derive(Debug)]
pub struct Pulse {
    outbox: OutboxName,
    last: Mutex<(Doing, Instant)>,
}

impl Pulse {
    /// A loop that starts now.
    pub fn new(outbox: OutboxName, now: Instant) -> Self {
        Self { outbox, last: Mutex::new((Doing::Starting, now)) }
    }

    /// The loop has come round.
    pub fn beat(&self, doing: Doing, now: Instant) {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = (doing, now);
    }

    /// Fit to be left alone, or why not.
    pub fn ready(&self, now: Instant) -> Result<(), String> {
        let (doing, at) = self.last.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let age = now.duration_since(at);
        match doing {
            Doing::Starting => Err(format!("outbox {} is starting", self.outbox)),
            Doing::Stopped(why) => Err(why),
            Doing::StandingBy | Doing::Working if age <= STALE_AFTER => Ok(()),
            Doing::StandingBy | Doing::Working => {
                Err(format!("the loop of outbox {} last came round {} s ago", self.outbox, age.as_secs()))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loop_is_ready_while_it_comes_round() {
        let start = Instant::now();
        let pulse = Pulse::new(OutboxName::Main, start);
        assert!(pulse.ready(start).is_err());
        pulse.beat(Doing::Working, start);
        assert_eq!(pulse.ready(start + STALE_AFTER), Ok(()));
        assert!(pulse.ready(start + STALE_AFTER * 2).is_err());
        pulse.beat(Doing::Stopped("why".to_owned()), start);
        assert_eq!(pulse.ready(start), Err("why".to_owned()));
        pulse.beat(Doing::StandingBy, start + STALE_AFTER * 2);
        assert_eq!(pulse.ready(start + STALE_AFTER * 2), Ok(()));
    }
}
