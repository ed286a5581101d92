//! `GET /v1/payments/{id}`

use axum::extract::State;
use axum::response::Response;
use ledger_runtime::clock;

use crate::api::Api;
use crate::auth::Caller;
use crate::precondition::Seen;
use crate::problem::{Problem, While};
use crate::render;
use crate::routes::{PathId, not_found};
use crate::view::PaymentView;

/// A payment, as of its last committed change.
#[utoipa::path(get, path = "/v1/payments/{paymentId}", tag = "payments",
    responses(
        (status = 200, description = "The payment.", body = PaymentView,
            headers(("ETag" = String, description = "Number of its last change."))),
        (status = 304, description = "It is still at the version that If-None-Match names.")))]
pub async fn get(
    State(api): State<Api>,
    caller: Caller,
    PathId(id): PathId,
    seen: Seen,
) -> Result<Response, Problem> {
    let payment = api.ledger().payment(&caller.merchant_id, id).await;
    let payment = payment.map_err(|error| Problem::of_ledger(&error, While::Reading))?;
    render::payment(&payment.ok_or_else(not_found)?, clock::now(), &seen)
}
