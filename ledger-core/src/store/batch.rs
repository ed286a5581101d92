//! Group commit: appends of concurrent requests share one transaction with multi-row statements. There is no timer: a group
//! is what arrived while the last commit of its lane was in flight, so a request that could go alone goes alone.
//!
//! ```text
//! request ─▶ lane by payment (bounded queue) ─▶ group: one change per payment, one claim per key, in key order ─▶ one commit
//!                                                 └ a key was lost: out with every loser at once, the rest again
//!                                                 └ any other refusal: halves, until it is alone with its error
//! ```
//!
//! Only a loser sees its loss; its neighbours see one more round trip.

use std::collections::{HashSet, VecDeque};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::FutureExt as _;
use sqlx::mysql::MySqlPool;
use tokio::sync::{mpsc, oneshot};

use crate::change::Change;
use crate::ids::PaymentId;
use crate::payment::fact::Fact;

use super::append::{self, Entry, Failed};
use super::committer::Committer;
use super::error::number_of;
use super::{LostKey, StoreError, idempotency, load};

/// How appends are grouped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BatchOptions {
    /// Requests that may share a commit.
    pub group: usize,
    /// Commits that may be in flight at once: while one waits for the disk, another fills.
    pub lanes: usize,
    /// Requests that may wait in a lane; one more is told to come back.
    pub queue: usize,
}

impl Default for BatchOptions {
    fn default() -> Self {
        Self { group: 128, lanes: 2, queue: 1_024 }
    }
}

/// How long, and how often, the rows of a commit that was not acknowledged are looked for: it may still be on its way.
const LOOKS: u32 = 5;
const BETWEEN_LOOKS: Duration = Duration::from_millis(200);

/// The lanes. Dropping it ends them once they are empty.
#[derive(Debug, Clone)]
pub struct Batcher {
    lanes: Arc<[mpsc::Sender<Job>]>,
}

#[derive(Debug)]
struct Job {
    entry: Entry,
    urgency: Urgency,
    queued: Instant,
    reply: oneshot::Sender<Result<(), StoreError>>,
}

/// Whether an entry may be turned away when its lane is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Urgency {
    /// Nothing has happened yet: the caller may come back.
    MayRefuse,
    /// An issuer has acted: it has to be recorded, however long that takes.
    MustRecord,
}

impl Batcher {
    /// Starts the lanes on a pool.
    pub fn start(pool: &MySqlPool, options: BatchOptions) -> Self {
        super::metrics::describe();
        let lanes = (0..options.lanes.max(1))
            .map(|_| {
                let (sender, receiver) = mpsc::channel(options.queue.max(1));
                tokio::spawn(run(pool.clone(), receiver, options.group));
                sender
            })
            .collect();
        Self { lanes }
    }

    /// Writes an entry with whatever else is ready; returns when it is durable, or why it is not.
    pub async fn append(&self, entry: Entry, urgency: Urgency) -> Result<(), StoreError> {
        let (reply, done) = oneshot::channel();
        let lane = self.lane_of(&entry);
        let job = Job { entry, urgency, queued: Instant::now(), reply };
        match urgency {
            Urgency::MayRefuse => lane.try_send(job).map_err(|_| {
                metrics::counter!("ledger_append_refused_total").increment(1);
                StoreError::Busy
            })?,
            Urgency::MustRecord => lane.send(job).await.map_err(|_| lane_ended())?,
        }
        done.await.unwrap_or_else(|_| Err(lane_ended()))
    }

    /// Requests about one payment, or under one key, meet in one lane.
    fn lane_of(&self, entry: &Entry) -> &mpsc::Sender<Job> {
        let claim = entry.claim.as_ref().or(entry.answer.as_ref().map(|(claim, _)| claim));
        let slot = match (&entry.change, claim) {
            (Some(change), _) => change.payment_id.slot().get(),
            (None, Some(claim)) => claim.slot.get(),
            (None, None) => 0,
        };
        &self.lanes[usize::from(slot) % self.lanes.len()]
    }
}

/// One lane: takes what is there, writes it, takes what has come meanwhile. What cannot share the commit being filled is put
/// aside for the next, in its turn.
async fn run(pool: MySqlPool, mut queue: mpsc::Receiver<Job>, size: usize) {
    let mut aside = VecDeque::new();
    let mut committer = Committer::new(pool.clone());
    if pool.options().get_min_connections() > 0 {
        committer.warm_up().await;
    }
    loop {
        let first = match aside.pop_front() {
            Some(job) => job,
            None => match queue.recv().await {
                Some(job) => job,
                None => return,
            },
        };
        let mut group = Group::of(first);
        for job in std::mem::take(&mut aside) {
            aside.extend(group.take_in(job, size));
        }
        while group.jobs.len() < size && aside.len() < size {
            let Ok(job) = queue.try_recv() else { break };
            aside.extend(group.take_in(job, size));
        }
        // should it panic, its jobs learn that their end is unknown, and the lane goes on with another connection
        if AssertUnwindSafe(group.write(&pool, &mut committer)).catch_unwind().await.is_err() {
            tracing::error!("a group of appends broke off");
            committer = Committer::new(pool.clone());
        }
    }
}

/// Requests that can share a commit: no two about one payment, none under one key.
struct Group {
    jobs: Vec<Job>,
    payments: HashSet<PaymentId>,
    claims: HashSet<[u8; 32]>,
}

impl Group {
    fn of(job: Job) -> Self {
        let mut group = Self { jobs: Vec::new(), payments: HashSet::new(), claims: HashSet::new() };
        group.take(job);
        group
    }

    fn admits(&self, job: &Job) -> bool {
        let payment = job.entry.change.as_ref().map(|change| change.payment_id);
        payment.is_none_or(|id| !self.payments.contains(&id))
            && keys_of(&job.entry).all(|key| !self.claims.contains(&key))
    }

    /// Takes a job that can share the commit; gives back any other.
    fn take_in(&mut self, job: Job, size: usize) -> Option<Job> {
        if self.jobs.len() >= size || !self.admits(&job) {
            return Some(job);
        }
        self.take(job);
        None
    }

    fn take(&mut self, job: Job) {
        self.payments.extend(job.entry.change.as_ref().map(|change| change.payment_id));
        self.claims.extend(keys_of(&job.entry));
        self.jobs.push(job);
    }

    async fn write(self, pool: &MySqlPool, committer: &mut Committer) {
        let mut jobs = self.jobs;
        for job in &jobs {
            metrics::histogram!("ledger_append_wait_seconds").record(job.queued.elapsed());
        }
        metrics::histogram!("ledger_append_group_size").record(u32::try_from(jobs.len()).unwrap_or(u32::MAX));
        jobs.sort_by_key(|job| job.entry.change.as_ref().map(|change| change.payment_id));
        let mut work = vec![jobs];
        while let Some(jobs) = work.pop() {
            work.extend(settle(pool, committer, jobs).await);
        }
    }
}

fn keys_of(entry: &Entry) -> impl Iterator<Item = [u8; 32]> + '_ {
    let claim = entry.claim.as_ref().map(|claim| claim.claim_id);
    claim.into_iter().chain(entry.answer.as_ref().map(|(claim, _)| claim.claim_id))
}

/// Writes some jobs in one commit and replies to each; what has to be tried again comes back.
async fn settle(pool: &MySqlPool, committer: &mut Committer, jobs: Vec<Job>) -> Vec<Vec<Job>> {
    if jobs.is_empty() {
        return Vec::new();
    }
    let entries: Vec<_> = jobs.iter().map(|job| &job.entry).collect();
    let started = Instant::now();
    let done = append::append_entries(committer, &entries).await;
    metrics::histogram!("ledger_append_seconds").record(started.elapsed());
    match done {
        Ok(()) => {
            for job in jobs {
                answer(job, Ok(()));
            }
            Vec::new()
        }
        Err(Failed::Commit(error)) => {
            metrics::counter!("ledger_append_unknown_commits_total").increment(1);
            tracing::warn!("a commit was not acknowledged, looking for its rows");
            look_for(pool, jobs, &error).await;
            Vec::new()
        }
        Err(Failed::Statement(error)) => failed(pool, jobs, error).await,
    }
}

/// A group that was refused: losers out at once, everything else in halves, until a job is alone with its error.
async fn failed(pool: &MySqlPool, mut jobs: Vec<Job>, error: StoreError) -> Vec<Vec<Job>> {
    if jobs.len() == 1 {
        for job in jobs.drain(..) {
            let error = match &error {
                StoreError::Unavailable(cause) => unwritten(&job, cause),
                StoreError::NotWritten(_)
                | StoreError::Lost(_)
                | StoreError::Refused { .. }
                | StoreError::Corrupt { .. }
                | StoreError::Busy => copy_of(&error),
            };
            answer(job, Err(error));
        }
        return Vec::new();
    }
    match &error {
        StoreError::Lost(_) => match evict(pool, jobs).await {
            Ok(rest) => vec![rest],
            Err(jobs) => halves(jobs),
        },
        StoreError::Unavailable(cause) if number_of(cause).is_none() => {
            for job in jobs {
                let error = unwritten(&job, cause);
                answer(job, Err(error));
            }
            Vec::new()
        }
        StoreError::Unavailable(_)
        | StoreError::NotWritten(_)
        | StoreError::Refused { .. }
        | StoreError::Corrupt { .. }
        | StoreError::Busy => halves(jobs),
    }
}

/// Tells every loser that a read can name; the rest is tried again. All of them, when no loser is found.
async fn evict(pool: &MySqlPool, jobs: Vec<Job>) -> Result<Vec<Job>, Vec<Job>> {
    let Ok(lost) = losers(pool, &jobs).await else { return Err(jobs) };
    if lost.iter().all(Option::is_none) {
        return Err(jobs);
    }
    metrics::counter!("ledger_append_evicted_total")
        .increment(u64::try_from(lost.iter().flatten().count()).unwrap_or(u64::MAX));
    let mut rest = Vec::with_capacity(jobs.len());
    for (job, lost) in jobs.into_iter().zip(lost) {
        match lost {
            Some(key) => answer(job, Err(StoreError::Lost(key))),
            None => rest.push(job),
        }
    }
    Ok(rest)
}

/// Which key each job has lost, as far as claims, changes and orders tell.
async fn losers(pool: &MySqlPool, jobs: &[Job]) -> Result<Vec<Option<LostKey>>, StoreError> {
    let mut connection = pool.acquire().await.map_err(StoreError::Unavailable)?;
    let claims: Vec<_> =
        jobs.iter().filter_map(|job| job.entry.claim.as_ref()).map(|claim| claim.claim_id).collect();
    let claims = idempotency::known(&mut connection, &claims).await?;
    let changes: Vec<_> = jobs.iter().flat_map(|job| &job.entry.change).collect();
    let ids: Vec<_> = changes.iter().map(|change| change.payment_id).collect();
    let heads = load::heads(&mut connection, &ids).await?;
    let orders: Vec<_> = changes.iter().filter_map(|change| opened_order(change)).collect();
    let orders = load::taken_orders(&mut connection, &orders).await?;
    Ok(jobs
        .iter()
        .map(|job| {
            let Entry { change, claim, .. } = &job.entry;
            if claim.as_ref().is_some_and(|claim| claims.contains(&claim.claim_id)) {
                return Some(LostKey::Idempotency);
            }
            let change = change.as_ref()?;
            if heads.get(&change.payment_id).is_some_and(|head| head.seq >= change.seq) {
                return Some(LostKey::Change);
            }
            opened_order(change).filter(|order| orders.contains(order)).map(|_| LostKey::Order)
        })
        .collect())
}

/// Merchant, order and try of a change that opens a payment.
fn opened_order(change: &Change) -> Option<(String, String, u16)> {
    match change.facts.first() {
        Some(Fact::Payment(opened)) => {
            Some((opened.merchant_id.clone(), opened.order_id.clone(), opened.try_no))
        }
        Some(_) | None => None,
    }
}

fn halves(mut jobs: Vec<Job>) -> Vec<Vec<Job>> {
    let second = jobs.split_off(jobs.len() / 2);
    vec![second, jobs]
}

/// After an unknown commit: each job whose rows are there is done. The server may still be at it, so what is not there is
/// looked for again.
async fn look_for(pool: &MySqlPool, mut jobs: Vec<Job>, error: &StoreError) {
    for look in 1..=LOOKS {
        let mut missing = Vec::new();
        for job in jobs {
            match append::is_written(pool, &job.entry).await {
                Ok(true) => answer(job, Ok(())),
                Ok(false) | Err(_) => missing.push(job),
            }
        }
        jobs = missing;
        if jobs.is_empty() || look == LOOKS {
            break;
        }
        tokio::time::sleep(BETWEEN_LOOKS).await;
    }
    for job in jobs {
        answer(job, Err(copy_of(error)));
    }
}

/// Who asked may be gone; then nobody listens, and the rows are there all the same.
fn answer(job: Job, done: Result<(), StoreError>) {
    drop(job.reply.send(done));
}

/// Nobody knows whether it was written.
fn lane_ended() -> StoreError {
    StoreError::Unavailable(sqlx::Error::WorkerCrashed)
}

/// A commit that was never asked for. Who has nothing to lose may be told so; what an issuer has done stays unknown to its
/// caller until it is recorded.
fn unwritten(job: &Job, cause: &sqlx::Error) -> StoreError {
    let cause = sqlx::Error::Io(std::io::Error::other(cause.to_string()));
    match job.urgency {
        Urgency::MayRefuse => StoreError::NotWritten(cause),
        Urgency::MustRecord => StoreError::Unavailable(cause),
    }
}

/// An error for one of many.
fn copy_of(error: &StoreError) -> StoreError {
    match error {
        StoreError::Unavailable(cause) => {
            StoreError::Unavailable(sqlx::Error::Io(std::io::Error::other(cause.to_string())))
        }
        StoreError::NotWritten(cause) => {
            StoreError::NotWritten(sqlx::Error::Io(std::io::Error::other(cause.to_string())))
        }
        StoreError::Lost(key) => StoreError::Lost(*key),
        StoreError::Refused { constraint } => StoreError::Refused { constraint: constraint.clone() },
        StoreError::Corrupt { table, column, id } => StoreError::Corrupt { table, column, id: id.clone() },
        StoreError::Busy => StoreError::Busy,
    }
}
