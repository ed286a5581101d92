//! `GET /v1/payments/orders/{orderId}`

use axum::extract::{FromRequestParts, State};
use axum::http::request::Parts;
use axum::response::Response;
use ledger_runtime::clock;
use serde_json::Value;

use crate::api::Api;
use crate::auth::Caller;
use crate::body::refuse_card_number;
use crate::precondition::Seen;
use crate::problem::{Problem, While};
use crate::routes::{not_found, path_part};
use crate::view::PaymentView;
use crate::{fields, render};

/// An order in the path.
#[derive(Debug)]
pub struct OrderId(String);

impl FromRequestParts<Api> for OrderId {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Problem> {
        let text = path_part(parts, api).await?;
        refuse_card_number("orderId", &text)?;
        match fields::order_id(&Value::String(text)) {
            Ok(order_id) => Ok(Self(order_id)),
            Err(detail) => Err(Problem::parameter("orderId", detail)),
        }
    }
}

/// The newest try of an order: what to ask for when an answer never came.
#[utoipa::path(get, path = "/v1/payments/orders/{orderId}", tag = "payments",
    params(("orderId" = String, Path, description = "The merchant's order.", example = "order-20261124-1",
        pattern = "^[A-Za-z0-9._:=-]{1,64}$")),
    responses(
        (status = 200, description = "The payment.", body = PaymentView,
            headers(("ETag" = String, description = "Number of its last change."))),
        (status = 304, description = "It is still at the version that If-None-Match names.")))]
pub async fn by_order(
    State(api): State<Api>,
    caller: Caller,
    OrderId(order_id): OrderId,
    seen: Seen,
) -> Result<Response, Problem> {
    let payment = api.ledger().payment_of_order(&caller.merchant_id, &order_id).await;
    let payment = payment.map_err(|error| Problem::of_ledger(&error, While::Reading))?;
    let payment = payment.ok_or_else(not_found)?;
    // the versions of a further try begin anew: what the caller has may be the try before
    let seen = if payment.opened.try_no == 1 { seen } else { Seen::default() };
    render::payment(&payment, clock::now(), &seen)
}
