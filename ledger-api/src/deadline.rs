//! By when a caller wants its answer: its own remaining time, at most ours. What could not be waited for is not begun.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use axum::http::HeaderMap;
use issuer_gateway::deadline::Deadline;
use ledger_core::ledger::Ledger;
use ledger_core::payment::confirm::Confirm;
use ledger_runtime::clock;
use tokio::time::Instant;

use crate::problem::{Code, Problem, While};

/// Header with the milliseconds the caller is still going to wait. A duration, so that skewed clocks do not matter.
pub const HEADER: &str = "X-Request-Timeout-Ms";
const LONGEST_MS: u64 = 600_000;
/// How long reference data are taken for current.
const FRESH: Duration = Duration::from_secs(5);

/// The time a request has.
#[derive(Debug, Clone, Copy)]
pub struct Time {
    /// By when it is answered.
    pub deadline: Deadline,
    /// Whether the caller waits a shorter time than we would take.
    limited: bool,
}

impl Time {
    /// What the header leaves of `ours`.
    pub fn of(headers: &HeaderMap, ours: Duration) -> Result<Self, Problem> {
        let wrong =
            || Problem::parameter(HEADER, format!("a whole number from 1 to {LONGEST_MS} is expected, once"));
        let mut values = headers.get_all(HEADER).iter();
        let Some(value) = values.next() else {
            return Ok(Self { deadline: Deadline::after(ours), limited: false });
        };
        let digits = value.to_str().ok().filter(|text| text.bytes().all(|b| b.is_ascii_digit()));
        let millis: u64 = digits.and_then(|text| text.parse().ok()).ok_or_else(wrong)?;
        if values.next().is_some() || !(1..=LONGEST_MS).contains(&millis) {
            return Err(wrong());
        }
        let theirs = Duration::from_millis(millis);
        Ok(Self { deadline: Deadline::after(theirs.min(ours)), limited: theirs < ours })
    }

    /// Refuses a confirm that could not be waited for: a caller that set a limit has to wait for the issuers of all legs
    /// one after the other, and without one there must be time for the slowest. Nothing is written yet.
    pub async fn covers(self, issuers: &Issuers, cmd: &Confirm, after: Duration) -> Result<(), Problem> {
        let mut all = after;
        let mut slowest = after;
        for leg in &cmd.legs {
            // one that is not known is refused by the decision, which names it
            let Some(answer) = issuers.answer_within(&leg.issuer_id).await? else { return Ok(()) };
            all += answer;
            slowest = slowest.max(answer + after);
        }
        let need = if self.limited { all } else { slowest };
        let remaining = self.deadline.remaining();
        if remaining >= need {
            return Ok(());
        }
        let detail = format!(
            "{} ms are left and the issuers may take {} ms; nothing was tried, wait longer or raise {HEADER}",
            remaining.as_millis(),
            need.as_millis()
        );
        Err(Problem::new(Code::DeadlineTooShort, detail).retry_after(1))
    }
}

/// How long issuers may take, as last read.
#[derive(Debug)]
pub struct Issuers {
    ledger: Ledger,
    known: Mutex<HashMap<String, (Duration, Instant)>>,
}

impl Issuers {
    /// Reads issuers through `ledger`.
    pub fn new(ledger: Ledger) -> Self {
        Self { ledger, known: Mutex::default() }
    }

    /// Connecting and reading; `None` for an issuer that is not known, which is not remembered.
    async fn answer_within(&self, issuer_id: &str) -> Result<Option<Duration>, Problem> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner).get(issuer_id).copied();
        if let Some((within, read_at)) = known
            && read_at.elapsed() < FRESH
        {
            return Ok(Some(within));
        }
        let read_at = Instant::now();
        let issuer = self.ledger.issuer(issuer_id, clock::now()).await;
        let issuer = issuer.map_err(|error| Problem::of_ledger(&error, While::Reading))?;
        let Some(issuer) = issuer else { return Ok(None) };
        let within = issuer.connect_timeout + issuer.read_timeout;
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.insert(issuer_id.to_owned(), (within, read_at));
        Ok(Some(within))
    }
}
