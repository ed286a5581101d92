//! The job: scan, carry out, wait, until stopped. Stopping cuts between pieces of work; a message that is on its way gets
//! its answer recorded.

use std::collections::HashSet;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{info, warn};

use ledger_core::ledger::LedgerError;

use crate::drive::{Done, Driver};
use crate::metrics;
use crate::scan::{Scanner, Work};
use crate::settings::Times;

/// A scan that is older than this, and than ten of its intervals, is not what the job should look like.
const STALE_SCAN: Duration = Duration::from_secs(10);

/// Rounds of `once` at most: recovering makes reversals due, and nothing else makes anything due.
const MAX_ROUNDS: usize = 5;

/// The last successful scan, for readiness.
#[derive(Debug, Clone, Default)]
pub struct Pulse(Arc<AtomicI64>);

impl Pulse {
    fn beat(&self, now: DateTime<Utc>) {
        self.0.store(now.timestamp_millis(), Ordering::Relaxed);
    }

    /// Whether the job scans.
    pub fn check(&self, now: DateTime<Utc>, scan: Duration) -> Result<(), String> {
        let last = self.0.load(Ordering::Relaxed);
        let limit = i64::try_from(STALE_SCAN.max(scan * 10).as_millis()).unwrap_or(i64::MAX);
        match last {
            0 => Err("no scan has succeeded yet".to_owned()),
            last if now.timestamp_millis() - last > limit => {
                Err(format!("the last scan that succeeded is {} ms old", now.timestamp_millis() - last))
            }
            _ => Ok(()),
        }
    }
}

/// The job over its parts.
#[derive(Debug)]
pub struct Job {
    /// What carries work out.
    pub driver: Driver,
    /// What finds it.
    pub scanner: Scanner,
    /// The times it keeps.
    pub times: Times,
    /// Pieces of work at the same time.
    pub concurrency: usize,
}

impl Job {
    /// Works until stopped; returns whether everything under way was finished.
    pub async fn run(mut self, pulse: &Pulse, stop: &CancellationToken) -> bool {
        let running = Running::new(self.concurrency);
        while !stop.is_cancelled() {
            match self.scan().await {
                Ok(due) => {
                    let now = (self.driver.clock)();
                    pulse.beat(now);
                    for work in due {
                        match running.begin(&self.driver, work) {
                            Begun::Yes => self.scanner.begun(work, now),
                            Begun::UnderWay => {}
                            // The next scan finds the rest.
                            Begun::NoRoom => break,
                        }
                    }
                }
                Err(error) => {
                    warn!(error = %ledger_runtime::exit::Chain(&error), "a scan failed, trying again");
                }
            }
            stop.run_until_cancelled(tokio::time::sleep(self.times.scan)).await;
        }
        info!("stopping, waiting for what is under way");
        let deadline = Instant::now() + self.times.stop;
        let finished = running.finish(deadline).await;
        self.driver.gateway.close(deadline.saturating_duration_since(Instant::now())).await && finished
    }

    /// Carries out everything that is due now, and what becomes due by that.
    pub async fn once(mut self) -> Result<Vec<Done>, LedgerError> {
        let mut all = Vec::new();
        for _ in 0..MAX_ROUNDS {
            let due = self.scan().await?;
            if due.is_empty() {
                break;
            }
            let permits = Arc::new(Semaphore::new(self.concurrency));
            let mut tasks = JoinSet::new();
            for work in due {
                self.scanner.begun(work, (self.driver.clock)());
                let (driver, permits) = (self.driver.clone(), Arc::clone(&permits));
                tasks.spawn(async move {
                    let _permit = permits.acquire_owned().await;
                    driver.perform(work).await
                });
            }
            all.extend(tasks.join_all().await);
        }
        self.driver.gateway.close(self.times.stop).await;
        Ok(all)
    }

    async fn scan(&mut self) -> Result<Vec<Work>, LedgerError> {
        let began = Instant::now();
        let due = self.scanner.due(&self.driver.ledger, (self.driver.clock)()).await?;
        metrics::scanned(began.elapsed());
        Ok(due)
    }
}

/// What came of beginning a piece of work.
enum Begun {
    Yes,
    UnderWay,
    NoRoom,
}

/// Work under way: bounded, and each piece once.
struct Running {
    permits: Arc<Semaphore>,
    tasks: TaskTracker,
    now: Arc<Mutex<HashSet<Work>>>,
}

impl Running {
    fn new(concurrency: usize) -> Self {
        Self {
            permits: Arc::new(Semaphore::new(concurrency)),
            tasks: TaskTracker::new(),
            now: Arc::default(),
        }
    }

    /// Begins a piece of work if there is room and it is not under way.
    fn begin(&self, driver: &Driver, work: Work) -> Begun {
        let Ok(permit) = Arc::clone(&self.permits).try_acquire_owned() else { return Begun::NoRoom };
        if !lock(&self.now).insert(work) {
            return Begun::UnderWay;
        }
        let (driver, now) = (driver.clone(), Arc::clone(&self.now));
        self.tasks.spawn(async move {
            driver.perform(work).await;
            lock(&now).remove(&work);
            drop(permit);
        });
        Begun::Yes
    }

    async fn finish(self, deadline: Instant) -> bool {
        self.tasks.close();
        tokio::time::timeout_at(deadline, self.tasks.wait()).await.is_ok()
    }
}

fn lock(set: &Mutex<HashSet<Work>>) -> std::sync::MutexGuard<'_, HashSet<Work>> {
    set.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_that_does_not_scan_is_not_ready() {
        let at = |millis: i64| DateTime::from_timestamp_millis(1_795_000_000_000 + millis).unwrap();
        let pulse = Pulse::default();
        let scan = Duration::from_millis(500);
        assert!(pulse.check(at(0), scan).is_err());
        pulse.beat(at(0));
        assert!(pulse.check(at(10_000), scan).is_ok());
        assert!(pulse.check(at(10_001), scan).is_err());
    }
}
