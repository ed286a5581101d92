//! Which handler answers which path, and the layers around all of them.

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{get, post};

use crate::api::Api;
use crate::problem::{Code, Problem};
use crate::routes::payments::{
    attempts, cancel, cancellations, confirm, create, deposit, deposit_refund, events, explain, get as read,
    list, order,
};
use crate::routes::{exposure, health, payables, problems, transactions};
use crate::{context, limits};

/// The service's router.
pub fn router(api: &Api) -> Router {
    let v1 = Router::new()
        .route("/v1/payments", post(create::create).get(list::list))
        .route("/v1/payments/{paymentId}", get(read::get))
        .route("/v1/payments/{paymentId}/confirm", post(confirm::confirm))
        .route("/v1/payments/{paymentId}/approvals/{leg}/attempts", post(attempts::attempt))
        .route("/v1/payments/{paymentId}/approvals/{leg}/attempts/{attemptNo}/result", post(attempts::result))
        .route("/v1/payments/{paymentId}/cancellations", post(cancel::cancel).get(cancellations::list))
        .route("/v1/payments/{paymentId}/cancellations/{cancellationId}", get(cancellations::one))
        .route("/v1/payments/{paymentId}/explain", get(explain::explain))
        .route("/v1/payments/{paymentId}/deposits", post(deposit::receive))
        .route("/v1/payments/{paymentId}/deposit-refunds", post(deposit_refund::refund))
        .route("/v1/payments/{paymentId}/deposit-refunds/{refundNo}/result", post(deposit_refund::ended))
        .route("/v1/payments/{paymentId}/events", get(events::list))
        .route("/v1/payments/orders/{orderId}", get(order::by_order))
        .route("/v1/exposure", get(exposure::get))
        .route("/v1/payables", get(payables::get))
        .route("/v1/transactions", get(transactions::list))
        .layer(from_fn_with_state(api.clone(), limits::places));
    Router::new()
        .merge(v1)
        .route("/health/live", get(health::live))
        .route("/health/ready", get(health::ready))
        .route("/problems/{code}", get(problems::page))
        .fallback(unknown_route)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(DefaultBodyLimit::max(api.limits().body_bytes))
        .layer(from_fn_with_state(api.clone(), limits::sizes))
        .layer(from_fn(context::layer))
        .with_state(api.clone())
}

async fn unknown_route() -> Problem {
    Problem::new(Code::UnknownRoute, "there is nothing at this path; docs/openapi.json lists what there is")
}

async fn method_not_allowed() -> Problem {
    Problem::new(
        Code::MethodNotAllowed,
        "the path does not take this method; the Allow header lists those it takes",
    )
}
