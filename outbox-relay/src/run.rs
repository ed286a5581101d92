//! `outbox-relay run`: a loop for each outbox, the ops listener beside them, one exit for all.

use std::sync::Arc;
use std::time::Instant;

use ledger_core::outbox_reader::OutboxName;
use ledger_runtime::exit::{Chain, Exit};
use ledger_runtime::health;
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::error::{RelayError, Remedy};
use crate::pulse::{Doing, Pulse};
use crate::relay;
use crate::resume::Leave;
use crate::session::Carrier;
use crate::settings::Settings;

/// Carries these outboxes until told to stop. An outbox that must not go on leaves the others at work: a fault in migrated
/// history is no reason to keep today's events from settlement. Readiness says so, and the exit code at the end.
pub async fn run(
    settings: &Settings,
    url: &str,
    outboxes: &[OutboxName],
    leave: &Leave,
    metrics: PrometheusHandle,
    stop: &CancellationToken,
) -> std::io::Result<Exit> {
    let now = Instant::now();
    let pulses: Vec<Arc<Pulse>> = outboxes.iter().map(|outbox| Arc::new(Pulse::new(*outbox, now))).collect();
    let listening = stop.child_token();
    let router = health::router(readiness(pulses.clone()), metrics);
    let (address, listener) = health::serve(settings.ops.bind, router, listening.clone()).await?;
    tracing::info!(%address, "health and metrics");
    let mut loops = JoinSet::new();
    for (outbox, pulse) in outboxes.iter().copied().zip(pulses) {
        let carrier = Carrier {
            outbox,
            kafka: settings.kafka.clone(),
            relay: settings.relay.clone(),
            leave: leave.clone(),
            pulse: Arc::clone(&pulse),
        };
        let (url, stop) = (url.to_owned(), stop.clone());
        loops.spawn(async move { (pulse, relay::carry(&carrier, &url, &stop).await) });
    }
    let mut exit = Exit::Clean;
    while let Some(ended) = loops.join_next().await {
        let (pulse, ended) =
            ended.map_or((None, Err(RelayError::Broken)), |(pulse, ended)| (Some(pulse), ended));
        let Err(error) = ended else { continue };
        tracing::error!("{}", Chain(&error));
        exit = worse(exit, exit_of(&error));
        if let Some(pulse) = pulse {
            pulse.beat(Doing::Stopped(Chain(&error).to_string()), Instant::now());
        }
        if error.remedy() == Remedy::Unavailable {
            stop.cancel(); // a supervisor starts another process
        }
    }
    listening.cancel();
    listener.await.map_err(std::io::Error::other)??;
    Ok(exit)
}

fn readiness(pulses: Vec<Arc<Pulse>>) -> health::Readiness {
    health::readiness(move || {
        let now = Instant::now();
        let not: Vec<String> = pulses.iter().filter_map(|pulse| pulse.ready(now).err()).collect();
        std::future::ready(if not.is_empty() { Ok(()) } else { Err(not.join("; ")) })
    })
}

/// The exit code of an error.
pub fn exit_of(error: &RelayError) -> Exit {
    match error.remedy() {
        Remedy::BeginAgain | Remedy::Unavailable => Exit::Unavailable,
        Remedy::Blocked => Exit::Blocked,
        Remedy::Integrity => Exit::Integrity,
    }
}

fn worse(one: Exit, other: Exit) -> Exit {
    if other.code() > one.code() { other } else { one }
}
