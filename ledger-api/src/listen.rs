//! Connections: as many as the limits say, each with a time for its headers, and a stop that lets requests end.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::limits::Limits;

/// Room for the headers that [`crate::limits`] lets pass, and for some that it refuses with a problem.
const BUFFER_BYTES: usize = 64 * 1024;
/// After a failure to accept that would repeat at once, such as too many open files.
const ACCEPT_AGAIN: Duration = Duration::from_millis(200);

/// Serves until stopped; returns when the last connection has ended.
pub async fn serve(listener: TcpListener, router: Router, limits: Limits, stop: CancellationToken) {
    let connections = TaskTracker::new();
    let places = Arc::new(Semaphore::new(limits.connections));
    while let Some(Ok(place)) = stop.run_until_cancelled(Arc::clone(&places).acquire_owned()).await {
        let Some(socket) = stop.run_until_cancelled(accept(&listener)).await else { break };
        let (router, stop) = (router.clone(), stop.clone());
        connections.spawn(async move {
            connection(socket, router, limits, stop).await;
            drop(place);
        });
    }
    drop(listener);
    connections.close();
    connections.wait().await;
}

async fn accept(listener: &TcpListener) -> TcpStream {
    loop {
        match listener.accept().await {
            Ok((socket, _)) => return socket,
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_AGAIN).await;
            }
        }
    }
}

async fn connection(socket: TcpStream, router: Router, limits: Limits, stop: CancellationToken) {
    if let Err(error) = socket.set_nodelay(true) {
        tracing::debug!(%error, "answers may be delayed");
    }
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(limits.header_within).max_buf_size(BUFFER_BYTES);
    let served = builder.serve_connection(TokioIo::new(socket), TowerToHyperService::new(router));
    let mut served = std::pin::pin!(served);
    let ended = tokio::select! {
        ended = served.as_mut() => ended,
        () = stop.cancelled() => {
            served.as_mut().graceful_shutdown();
            served.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection broke");
    }
}
