//! `GET /v1/payments/{id}`

use axum::extract::State;
use axum::response::Response;
use ledger_runtime::clock;

use crate::api::Api;
use crate::auth::Caller;
use crate::precondition::Seen;
use crate::problem::{Problem, While};
use crate::query::AsOf;
use crate::render;
use crate::routes::{PathId, not_found};
use crate::view::PaymentView;

/// A payment, as of its last committed change, or as it was known at an instant.
#[utoipa::path(get, path = "/v1/payments/{paymentId}", tag = "payments",
    params(("asOf" = Option<String>, Query, description = "An instant (RFC 3339) or a Korean day, for the midnight it ends with.")),
    responses(
        (status = 200, description = "The payment.", body = PaymentView,
            headers(("ETag" = String, description = "Number of its last change."))),
        (status = 304, description = "It is still at the version that If-None-Match names.")))]
pub async fn get(
    State(api): State<Api>,
    caller: Caller,
    PathId(id): PathId,
    AsOf(as_of): AsOf,
    seen: Seen,
) -> Result<Response, Problem> {
    let payment = match as_of {
        None => api.ledger().payment(&caller.merchant_id, id).await,
        Some(as_of) => api.ledger().payment_as_of(&caller.merchant_id, id, as_of).await,
    };
    let payment = payment.map_err(|error| Problem::of_ledger(&error, While::Reading))?;
    render::payment(&payment.ok_or_else(not_found)?, as_of.unwrap_or_else(clock::now), &seen)
}
