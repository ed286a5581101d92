//! Whether the service lives and can work, for whoever routes callers to it.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::Api;
use crate::problem::{Code, Problem};

/// How the service is.
#[derive(Debug, Serialize, ToSchema)]
pub struct Health {
    /// `live` or `ready`.
    status: &'static str,
}

/// The process runs.
#[utoipa::path(get, path = "/health/live", tag = "health", security(()),
    responses((status = 200, description = "The process runs.", body = Health)))]
pub async fn live() -> Json<Health> {
    Json(Health { status: "live" })
}

/// The service can do its work: the database answers.
#[utoipa::path(get, path = "/health/ready", tag = "health", security(()),
    responses((status = 200, description = "The database answers.", body = Health)))]
pub async fn ready(State(api): State<Api>) -> Result<Json<Health>, Problem> {
    match api.ledger().ping().await {
        Ok(()) => Ok(Json(Health { status: "ready" })),
        Err(error) => Err(Problem::new(Code::LedgerUnavailable, error.to_string()).retry_after(1)),
    }
}
