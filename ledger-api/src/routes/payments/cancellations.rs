//! `GET /v1/payments/{id}/cancellations`

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};

use crate::api::Api;
use crate::auth::Caller;
use crate::page::{Page, Wanted};
use crate::problem::{Problem, While, internal};
use crate::render::etag;
use crate::routes::{PathId, not_found};
use crate::view::CancellationView;

/// The cancellations of a payment, oldest first.
#[utoipa::path(get, path = "/v1/payments/{paymentId}/cancellations", tag = "payments",
    responses((status = 200, description = "A page of them.", body = Page<CancellationView>,
        headers(("ETag" = String, description = "Number of the payment's last change.")))))]
pub async fn list(
    State(api): State<Api>,
    caller: Caller,
    PathId(id): PathId,
    wanted: Wanted,
) -> Result<Response, Problem> {
    let payment = api.ledger().payment(&caller.merchant_id, id).await;
    let payment =
        payment.map_err(|error| Problem::of_ledger(&error, While::Reading))?.ok_or_else(not_found)?;
    let cancels: Result<Vec<_>, _> = payment
        .cancels()
        .map(|cancel| {
            let number = u32::from(cancel.cancellation.cancel_no);
            CancellationView::of(&payment, cancel).map(|view| (number, view))
        })
        .collect();
    let page = wanted.page(cancels.map_err(|_| internal())?);
    Ok((etag(payment.head.seq), Json(page)).into_response())
}
