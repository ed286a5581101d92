//! Carrying an outbox for as long as the process lives: connect, wait for a turn, work, and begin again after faults
//! that pass.

use std::time::{Duration, Instant};

use ledger_core::outbox_reader::OutboxReader;
use ledger_core::store::pool::PoolOptions;
use ledger_runtime::exit::Chain;
use tokio_util::sync::CancellationToken;

use crate::error::{RelayError, Remedy};
use crate::metrics;
use crate::pulse::Doing;
use crate::session::{Carrier, Session};

/// Between two beginnings.
const SHORTEST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// One wait for a turn; short, so that a stop is heeded and the heartbeat goes on.
const TURN_SECONDS: u32 = 1;

/// Carries one outbox until told to stop, or until something needs a person or a new process.
pub async fn carry(carrier: &Carrier, url: &str, stop: &CancellationToken) -> Result<(), RelayError> {
    let mut pause = SHORTEST_PAUSE;
    while !stop.is_cancelled() {
        let begun = Instant::now();
        let Err(error) = attempt(carrier, url, stop).await else { return Ok(()) };
        metrics::working(carrier.outbox, false);
        if error.remedy() != Remedy::BeginAgain {
            return Err(error);
        }
        if begun.elapsed() > LONGEST_PAUSE * 2 {
            pause = SHORTEST_PAUSE;
        }
        tracing::warn!(outbox = %carrier.outbox, error = %Chain(&error), ?pause, "relay begins again");
        tokio::select! {
            biased;
            () = stop.cancelled() => {}
            () = tokio::time::sleep(pause) => {}
        }
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
    Ok(())
}

async fn attempt(carrier: &Carrier, url: &str, stop: &CancellationToken) -> Result<(), RelayError> {
    carrier.pulse.beat(Doing::Starting, Instant::now());
    let mut reader = OutboxReader::open(url, carrier.outbox, PoolOptions::default()).await?;
    if !stand_by(carrier, &mut reader, stop).await? {
        return Ok(());
    }
    carrier.pulse.beat(Doing::Starting, Instant::now());
    let session = tokio::select! {
        biased;
        () = stop.cancelled() => return Ok(()),
        session = Session::begin(carrier, &mut reader) => session?,
    };
    session.work(stop).await
}

/// Waits until no other relay of this outbox holds the turn; false when told to stop.
async fn stand_by(
    carrier: &Carrier,
    reader: &mut OutboxReader,
    stop: &CancellationToken,
) -> Result<bool, RelayError> {
    let mut told = false;
    while !stop.is_cancelled() {
        if reader.take_turn(if told { TURN_SECONDS } else { 0 }).await? {
            return Ok(true);
        }
        if !told {
            tracing::info!(outbox = %carrier.outbox, "another relay works on this outbox, standing by");
            metrics::working(carrier.outbox, false);
            told = true;
        }
        carrier.pulse.beat(Doing::StandingBy, Instant::now());
    }
    Ok(false)
}
