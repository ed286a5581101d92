//! `migrator mirror`.

use std::sync::Arc;

use ledger_core::mirror_writer::RecordedBy;
use ledger_runtime::exit::Exit;
use ledger_runtime::{health, shutdown};
use metrics_exporter_prometheus::PrometheusHandle;

use crate::cli::{Format, MirrorArgs};
use crate::mirror::http::{Shared, router};
use crate::mirror::queue::Queue;
use crate::mirror::{self, follow, poll};
use crate::report;

use super::{Failed, new_run, open};

pub async fn run(args: &MirrorArgs, format: Format, metrics: PrometheusHandle) -> Result<Exit, Failed> {
    mirror::metrics::describe();
    let carrier = Arc::new(open(&args.ends).await?);
    let stop = shutdown::on_signal()?;
    let run = new_run(RecordedBy::Mirror);
    let (queue, touched) = Queue::new(args.queue_capacity);
    let queue = Arc::new(queue);
    let tables = carrier.mapping.aggregates.iter().flat_map(|aggregate| &aggregate.tables);
    let tables = tables.map(|table| table.spec.name.clone()).collect();
    let shared = Shared { queue: Arc::clone(&queue), tables };
    let pool = carrier.reader.pool().clone();
    let ready = health::readiness(move || {
        let pool = pool.clone();
        async move { pool.acquire().await.map(drop).map_err(|_| "the legacy database does not answer".to_owned()) }
    });
    let routes = router(shared, args.drills).merge(health::router(ready, metrics));
    let (address, server) = health::serve(args.bind, routes, stop.child_token()).await?;
    match format {
        Format::Json => report::json(&mut std::io::stdout(), &serde_json::json!({ "listening": address }))?,
        Format::Table => eprintln!("mirror: listening on {address}, run {}", run.id),
    }
    let poller = (!args.poll_interval.is_zero()).then(|| {
        let (carrier, queue, stop) = (Arc::clone(&carrier), Arc::clone(&queue), stop.child_token());
        let every = args.poll_interval;
        tokio::spawn(async move { poll(&carrier, &queue, every, &stop).await })
    });
    follow(&carrier, &run, &queue, touched, &stop).await;
    if let Some(poller) = poller {
        poller.await.map_err(std::io::Error::other)?;
    }
    server.await.map_err(std::io::Error::other)??;
    match format {
        Format::Json => report::json(&mut std::io::stdout(), &queue.shown())?,
        Format::Table => eprintln!("mirror: {:?}", queue.shown()),
    }
    Ok(Exit::Clean)
}
