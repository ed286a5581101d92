//! `GET /v1/payments/orders/{orderId}`

use axum::extract::{FromRequestParts, State};
use axum::http::request::Parts;
use axum::response::Response;
use serde_json::Value;

use crate::api::Api;
use crate::auth::Caller;
use crate::body::refuse_card_number;
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
    params(("orderId" = String, Path, description = "The merchant's order.", example = "order-20261124-1")),
    responses((status = 200, description = "The payment.", body = PaymentView,
        headers(("ETag" = String, description = "Number of its last change.")))))]
pub async fn by_order(
    State(api): State<Api>,
    caller: Caller,
    OrderId(order_id): OrderId,
) -> Result<Response, Problem> {
    let payment = api.ledger().payment_of_order(&caller.merchant_id, &order_id).await;
    let payment = payment.map_err(|error| Problem::of_ledger(&error, While::Reading))?;
    render::payment(&payment.ok_or_else(not_found)?)
}
