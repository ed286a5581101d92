//! `GET /v1/payments/{id}/cancellations` and `GET /v1/payments/{id}/cancellations/{cancellationId}`

use axum::Json;
use axum::extract::{FromRequestParts, State};
use axum::http::request::Parts;
use axum::response::{IntoResponse as _, Response};

use crate::api::Api;
use crate::auth::Caller;
use crate::page::{OfPayment, Page};
use crate::problem::{Code, Problem, While, internal};
use crate::render::etag;
use crate::routes::{PathId, not_found, path_parts};
use crate::view::CancellationView;
use ledger_core::ids::PaymentId;

/// The cancellations of a payment, oldest first.
#[utoipa::path(get, path = "/v1/payments/{paymentId}/cancellations", tag = "payments",
    responses((status = 200, description = "A page of them.", body = Page<CancellationView>,
        headers(("ETag" = String, description = "Number of the payment's last change.")))))]
pub async fn list(
    State(api): State<Api>,
    caller: Caller,
    PathId(id): PathId,
    wanted: OfPayment,
) -> Result<Response, Problem> {
    let payment = match wanted.version() {
        None => api.ledger().payment(&caller.merchant_id, id).await,
        Some(version) => api.ledger().payment_at_version(&caller.merchant_id, id, version).await,
    };
    let payment =
        payment.map_err(|error| Problem::of_ledger(&error, While::Reading))?.ok_or_else(not_found)?;
    let cancels: Result<Vec<_>, _> = payment
        .cancels()
        .map(|cancel| {
            let number = u32::from(cancel.cancellation.cancel_no);
            CancellationView::of(&payment, cancel).map(|view| (number, view))
        })
        .collect();
    let version = payment.head.seq;
    Ok((etag(version), Json(wanted.page(cancels.map_err(|_| internal())?, version))).into_response())
}

/// A cancellation in the path: its id names its payment.
#[derive(Debug)]
pub struct CancellationId {
    payment_id: PaymentId,
    cancel_no: u16,
}

impl FromRequestParts<Api> for CancellationId {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Problem> {
        let [payment_id, id] = path_parts(parts, api).await?;
        let PathId(payment_id) = PathId::of(&payment_id)?;
        let number = id.strip_prefix(&format!("{payment_id}-c")).filter(|text| !text.starts_with(['0', '+']));
        let cancel_no = number.and_then(|text| text.parse().ok()).ok_or_else(|| {
            Problem::parameter("cancellationId", "the payment's id, -c and a number are expected")
        })?;
        Ok(Self { payment_id, cancel_no })
    }
}

/// One cancellation of a payment.
#[utoipa::path(get, path = "/v1/payments/{paymentId}/cancellations/{cancellationId}", tag = "payments",
    params(("cancellationId" = String, Path, description = "The cancellation's id: the payment's, `-c` and a number.",
        pattern = "^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}-c[1-9][0-9]{0,4}$")),
    responses((status = 200, description = "The cancellation.", body = CancellationView,
        headers(("ETag" = String, description = "Number of the payment's last change.")))))]
pub async fn one(State(api): State<Api>, caller: Caller, id: CancellationId) -> Result<Response, Problem> {
    let payment = api.ledger().payment(&caller.merchant_id, id.payment_id).await;
    let payment =
        payment.map_err(|error| Problem::of_ledger(&error, While::Reading))?.ok_or_else(not_found)?;
    let cancel = payment
        .cancel(id.cancel_no)
        .ok_or_else(|| Problem::new(Code::CancellationNotFound, "the payment has no such cancellation"))?;
    let view = CancellationView::of(&payment, cancel).map_err(|_| internal())?;
    Ok((etag(payment.head.seq), Json(view)).into_response())
}
