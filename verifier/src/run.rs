//! One run: barrier, look, second look, heal through the migrator's own way, look again, record.

use std::collections::BTreeSet;
use std::time::Duration;

use chrono::{DateTime, Utc};
use ledger_core::ids::{PaymentId, RunId};
use ledger_core::mirror_writer::RecordedBy;
use ledger_core::replica_reader::ReplicaReader;
use ledger_core::verifier_log::{FindingRecord, RunRecord, RunState, VerifierLog};
use migrator::carry::{Carrier, Run};
use migrator::source::LegacyReader;
use serde::Serialize;

use crate::Failed;
use crate::barrier::{Barrier, Servers};
use crate::compare::{Class, Compared, Gap, compare};
use crate::look::{Look, Scope, Sides};

/// Payments carried over at a time.
const BATCH: usize = 200;

/// Everything a run needs.
#[derive(Debug)]
pub struct Verifier {
    /// The mapping, the legacy replica, and the writer of repairs.
    pub carrier: Carrier,
    pub ledger: ReplicaReader,
    pub ledger_primary: ReplicaReader,
    pub legacy_primary: LegacyReader,
    pub log: VerifierLog,
}

/// How to run.
#[derive(Debug, Clone, Copy)]
pub struct RunOptions {
    pub from: DateTime<Utc>,
    pub to: DateTime<Utc>,
    /// Everything up to `to`, whatever changed when.
    pub full: bool,
    /// Longest wait for a replica.
    pub barrier_limit: Duration,
    /// Into how many slices the keys of tables without a change column are cut, one a run.
    pub slices: u32,
    /// Rows that may be repaired; more is for people to decide.
    pub budget: u32,
    /// Find, repair nothing, record nothing.
    pub dry_run: bool,
}

/// What a run came to.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Verdict {
    pub command: &'static str,
    pub state: RunState,
    pub reason: Option<String>,
    pub run_id: RunId,
    /// Its place in the chain of runs; none for a dry run.
    pub run_no: Option<u64>,
    pub from: DateTime<Utc>,
    pub to: DateTime<Utc>,
    pub barrier: String,
    /// Rows of money compared on each side.
    pub legacy_rows: u64,
    pub ledger_rows: u64,
    pub legacy_digest: String,
    pub ledger_digest: String,
    pub gaps: usize,
    pub healed: usize,
    /// Rows of the ledger that the repair inserted.
    pub inserted: usize,
    /// Payments too young to be compared.
    pub unsettled: u64,
    #[serde(skip)]
    pub findings: Vec<FindingRecord>,
}

struct Outcome {
    state: RunState,
    reason: Option<String>,
    barrier: String,
    compared: Option<Compared>,
    findings: Vec<FindingRecord>,
    inserted: usize,
    unsettled: u64,
}

impl Verifier {
    /// Runs once and records it.
    pub async fn run(&self, options: RunOptions) -> Result<Verdict, Failed> {
        let started_at = ledger_runtime::clock::now();
        self.servers().refuse_writable().await?;
        let run_id = RunId::new(&mut rand::rng());
        let source = &self.carrier.mapping.source;
        let last = self.log.last(source).await?;
        let run_no = last.map_or(1, |head| head.run_no + 1);
        let outcome = self.verify(options, run_id, run_no).await?;
        let gaps = outcome.findings.len();
        let healed = outcome.findings.iter().filter(|finding| finding.healed).count();
        let (legacy, ledger) = outcome.compared.as_ref().map_or(((0, [0; 32]), (0, [0; 32])), |compared| {
            let (legacy, ledger) = (&compared.legacy, &compared.ledger);
            ((legacy.rows(), legacy.digest()), (ledger.rows(), ledger.digest()))
        });
        let record = RunRecord {
            run_id,
            source: source.clone(),
            window_from: options.from,
            window_to: options.to,
            barrier_gtid: outcome.barrier.clone(),
            state: outcome.state,
            reason: outcome.reason.clone(),
            legacy_rows: legacy.0,
            ledger_rows: ledger.0,
            gaps: u32::try_from(gaps).unwrap_or(u32::MAX),
            healed: u32::try_from(healed).unwrap_or(u32::MAX),
            legacy_digest: legacy.1,
            ledger_digest: ledger.1,
            started_at,
            finished_at: ledger_runtime::clock::now(),
        };
        let recorded =
            if options.dry_run { None } else { Some(self.log.append(&record, &outcome.findings).await?) };
        Ok(Verdict {
            command: "verify",
            state: outcome.state,
            reason: outcome.reason,
            run_id,
            run_no: recorded.map(|head| head.run_no),
            from: options.from,
            to: options.to,
            barrier: outcome.barrier,
            legacy_rows: legacy.0,
            ledger_rows: ledger.0,
            legacy_digest: hex::encode(legacy.1),
            ledger_digest: hex::encode(ledger.1),
            gaps,
            healed,
            inserted: outcome.inserted,
            unsettled: outcome.unsettled,
            findings: outcome.findings,
        })
    }

    async fn verify(&self, options: RunOptions, run_id: RunId, run_no: u64) -> Result<Outcome, Failed> {
        let barrier = match self.servers().pass(options.barrier_limit).await? {
            Barrier::Passed(set) => set,
            Barrier::Late(why) => return Ok(Outcome::skipped(why)),
        };
        let sides = self.sides();
        let scope = if options.full {
            Scope::whole(&sides, options.to).await?
        } else {
            let slices = options.slices.max(1);
            let slice = u32::try_from(run_no % u64::from(slices)).unwrap_or_default();
            Scope::of_window(&sides, options.from, options.to, (slice, slices)).await?
        };
        let compared = compare(&Look::at(&sides, &scope).await?);
        let mut outcome = Outcome {
            state: RunState::Green,
            reason: None,
            barrier,
            findings: Vec::new(),
            inserted: 0,
            unsettled: scope.unsettled,
            compared: None,
        };
        let gaps =
            if compared.gaps.is_empty() { Vec::new() } else { self.still(&compared.gaps, options).await? };
        outcome.compared = Some(compared);
        if gaps.is_empty() {
            return Ok(outcome);
        }
        self.settle(&mut outcome, gaps, options, run_id).await?;
        Ok(outcome)
    }

    /// Repairs what may be repaired and says how the run ended.
    async fn settle(
        &self,
        outcome: &mut Outcome,
        gaps: Vec<Gap>,
        options: RunOptions,
        run_id: RunId,
    ) -> Result<(), Failed> {
        let healable: Vec<&Gap> = gaps.iter().filter(|gap| gap.is_healable()).collect();
        let over = u32::try_from(healable.len()).unwrap_or(u32::MAX) > options.budget;
        let left = if options.dry_run || over || healable.is_empty() {
            gaps.clone()
        } else {
            outcome.inserted = self.heal(&healable, run_id).await?;
            self.still(&gaps, options).await?
        };
        outcome.findings = gaps
            .iter()
            .map(|gap| {
                let seen = left.iter().find(|other| other.is(gap));
                finding(seen.unwrap_or(gap), seen.is_none())
            })
            .collect();
        let open =
            outcome.findings.iter().filter(|finding| !finding.healed && finding.class != Class::Quarantined);
        (outcome.state, outcome.reason) = if over {
            let reason = format!("{} rows are missing, a run may repair {}", healable.len(), options.budget);
            (RunState::Frozen, Some(reason))
        } else if open.count() > 0 {
            (RunState::Findings, None)
        } else if outcome.findings.iter().any(|finding| finding.healed) {
            (RunState::Healed, None)
        } else {
            (RunState::Green, Some("what is missing stands in quarantine".to_owned()))
        };
        Ok(())
    }

    /// Those of some gaps that are there on a further look, behind a barrier of its own. What was to be carried over and
    /// stands in quarantine instead is people's work, not a gap.
    async fn still(&self, gaps: &[Gap], options: RunOptions) -> Result<Vec<Gap>, Failed> {
        if let Barrier::Late(why) = self.servers().pass(options.barrier_limit).await? {
            return Err(Failed::Late(why));
        }
        let sides = self.sides();
        let owners: BTreeSet<_> = gaps.iter().filter_map(|gap| gap.owner.clone()).collect();
        let payments: BTreeSet<PaymentId> = gaps.iter().filter_map(|gap| gap.payment_id).collect();
        let scope = Scope::again(owners, payments).with_keys_of_payments(&sides).await?;
        let look = Look::at(&sides, &scope).await?;
        let seen = compare(&look).gaps.into_iter().filter(|gap| gaps.iter().any(|first| first.is(gap)));
        Ok(seen
            .map(|gap| {
                let refused = gap.class == Class::MissingLedger && look.is_quarantined(&gap.table, &gap.pk);
                if refused {
                    let detail = format!("{}; it stands in quarantine", gap.detail);
                    return Gap { class: Class::Quarantined, detail, ..gap };
                }
                gap
            })
            .collect())
    }

    async fn heal(&self, gaps: &[&Gap], run_id: RunId) -> Result<usize, Failed> {
        let run = Run { id: run_id, by: RecordedBy::Verifier, actor: "verifier".to_owned() };
        let mut inserted = 0;
        for aggregate in &self.carrier.mapping.aggregates {
            let owners = gaps.iter().filter_map(|gap| gap.owner.as_ref());
            let keys: BTreeSet<&String> =
                owners.filter(|(name, _)| *name == aggregate.name).map(|(_, key)| key).collect();
            let keys: Vec<&String> = keys.into_iter().collect();
            for batch in keys.chunks(BATCH) {
                let batch = batch.iter().map(|key| (*key).clone()).collect();
                inserted += self.carrier.carry(aggregate, &batch, &run).await?.inserted;
            }
        }
        Ok(inserted)
    }

    fn sides(&self) -> Sides<'_> {
        Sides { mapping: &self.carrier.mapping, legacy: &self.carrier.reader, ledger: &self.ledger }
    }

    fn servers(&self) -> Servers<'_> {
        Servers {
            ledger: &self.ledger,
            ledger_primary: &self.ledger_primary,
            legacy: &self.carrier.reader,
            legacy_primary: &self.legacy_primary,
        }
    }
}

impl Outcome {
    fn skipped(why: String) -> Self {
        Self {
            state: RunState::Skipped,
            reason: Some(why),
            barrier: String::new(),
            compared: None,
            findings: Vec::new(),
            inserted: 0,
            unsettled: 0,
        }
    }
}

fn finding(gap: &Gap, healed: bool) -> FindingRecord {
    FindingRecord {
        class: gap.class,
        table: gap.table.clone(),
        pk: gap.pk.clone(),
        payment_id: gap.payment_id,
        detail: gap.detail.clone(),
        healed,
    }
}
