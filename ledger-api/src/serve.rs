//! Running the service: listeners up, readiness, and a stop that waits for what is under way.

use std::net::SocketAddr;

use anyhow::{Context as _, Result};
use issuer_gateway::timeouts::Timeouts;
use ledger_core::ledger::Ledger;
use ledger_runtime::{health, shutdown, telemetry};
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::api::Api;
use crate::config::Config;
use crate::{listen, metrics, router};

/// Runs until a signal, then finishes what is under way.
pub async fn run(config: &Config) -> Result<()> {
    let metrics = telemetry::init(&config.log.level, config.log.format);
    metrics::describe();
    issuer_gateway::metrics::describe();
    let stop = shutdown::on_signal().context("listening to signals")?;
    let timeouts = Timeouts::embedded().context("reading the timeouts of this build")?;
    let ledger = Ledger::open(config.database.url(), config.database.pool())
        .await
        .context("opening the ledger as its app account")?;
    if config.lists.has_no_key() {
        warn!(
            "lists.cursor_keys is empty: cursors are good for this process only, until it ends; set it where several stand behind one address"
        );
    }
    let limits = config.http.limits();
    let api = Api::with_lists(ledger, &timeouts, limits, config.auth.cache(), config.lists.lists());
    let ops_stop = CancellationToken::new();
    let (ops, ops_task) = serve_ops(config, &api, metrics, &stop, ops_stop.clone()).await?;
    let listener = bind(config.http.bind).await?;
    let address = listener.local_addr().context("asking for the address")?;
    info!("listening on http://{address}, operators on http://{ops}");
    let server = listen::serve(listener, router::router(&api), config.http.limits(), stop.clone());
    let server = tokio::spawn(server);
    stop.cancelled().await;
    drain(config, &api, server).await?;
    ops_stop.cancel();
    ops_task.await.context("waiting for the ops listener")?.context("serving operators")
}

async fn bind(address: SocketAddr) -> Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| format!("listening on {address}; is it in use?"))
}

/// Ready while the database answers and no stop is under way.
async fn serve_ops(
    config: &Config,
    api: &Api,
    metrics: PrometheusHandle,
    stopping: &CancellationToken,
    stop: CancellationToken,
) -> Result<(SocketAddr, tokio::task::JoinHandle<std::io::Result<()>>)> {
    let (ledger, stopping) = (api.ledger().clone(), stopping.clone());
    let readiness = health::readiness(move || {
        let (ledger, stopping) = (ledger.clone(), stopping.clone());
        async move {
            if stopping.is_cancelled() {
                return Err("stopping".to_owned());
            }
            ledger.ping().await.map_err(|error| error.to_string())
        }
    });
    let address = config.ops.bind;
    health::serve(address, health::router(readiness, metrics), stop)
        .await
        .with_context(|| format!("listening on {address} for operators; is it in use?"))
}

/// First the requests, then the writes and issuer calls that outlive them.
async fn drain(config: &Config, api: &Api, server: tokio::task::JoinHandle<()>) -> Result<()> {
    let within = config.http.drain();
    if let Ok(ended) = tokio::time::timeout(within, server).await {
        ended.context("waiting for the listener")?;
    } else {
        warn!("requests are still open after {} s, leaving them", within.as_secs());
    }
    if api.drain(within).await {
        info!("stopped, everything under way is finished");
    } else {
        warn!("stopped with writes under way; net-cancel recovers what they leave");
    }
    Ok(())
}
