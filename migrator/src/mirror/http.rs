//! What the legacy service calls, and what people look at.

use std::sync::Arc;

use axum::extract::{DefaultBodyLimit, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};

use super::queue::{Offered, Queue, Touch};

/// A call is a table and a key.
const BODY_LIMIT: usize = 4 * 1024;

/// What the handlers need.
#[derive(Debug, Clone)]
pub struct Shared {
    /// Where calls go.
    pub queue: Arc<Queue>,
    /// The tables of the mapping.
    pub tables: Arc<[String]>,
}

#[derive(Debug, Serialize)]
struct Answer {
    taken: bool,
    why: &'static str,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct DropNext {
    next: u64,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct DrillState {
    drill: &'static str,
    still_to_drop: u64,
    dropped: Vec<Touch>,
}

/// The routes; those of a drill only when drills are allowed.
pub fn router(shared: Shared, drills: bool) -> Router {
    let router = Router::new()
        .route("/v1/touched", post(touched))
        .route("/v1/mirror", get(|State(shared): State<Shared>| async move { Json(shared.queue.shown()) }));
    let router = if drills { router.route("/control/drop", post(drop_next).get(drill)) } else { router };
    router.layer(DefaultBodyLimit::max(BODY_LIMIT)).with_state(shared)
}

async fn touched(State(shared): State<Shared>, Json(touch): Json<Touch>) -> (StatusCode, Json<Answer>) {
    if !shared.tables.contains(&touch.table) || touch.key.is_empty() {
        return (
            StatusCode::NOT_FOUND,
            Json(Answer { taken: false, why: "the mapping knows no such table or key" }),
        );
    }
    let (status, taken, why) = match shared.queue.offer(touch) {
        Offered::Taken => (StatusCode::ACCEPTED, true, "queued"),
        Offered::DroppedFull => (StatusCode::SERVICE_UNAVAILABLE, false, "dropped: the queue is full"),
        Offered::DroppedDrill => (StatusCode::SERVICE_UNAVAILABLE, false, "dropped by a drill"),
    };
    (status, Json(Answer { taken, why }))
}

async fn drop_next(State(shared): State<Shared>, Json(wanted): Json<DropNext>) -> Json<DrillState> {
    tracing::warn!("drill: the next {} calls are dropped", wanted.next);
    shared.queue.drop_next(wanted.next);
    drill(State(shared)).await
}

async fn drill(State(shared): State<Shared>) -> Json<DrillState> {
    let (still_to_drop, dropped) = shared.queue.drill_state();
    Json(DrillState { drill: "drop-mirror", still_to_drop, dropped })
}
