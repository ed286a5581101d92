//! `GET /v1/payables`

use axum::Json;
use axum::extract::{FromRequestParts, State};
use axum::http::request::Parts;
use chrono::{DateTime, Utc};
use ledger_core::ledger::Payable;
use ledger_core::time::{self, BusinessDate};
use ledger_runtime::clock;
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::Api;
use crate::auth::Caller;
use crate::problem::{Problem, While};
use crate::query::Query;

/// What is owed to a merchant for a business day, by what was recorded up to an instant: asked again with the same `asOf` it
/// is the same.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Payables)]
pub struct PayablesView {
    /// The day.
    day: String,
    /// What was recorded up to then is counted, to the microsecond.
    as_of: String,
    /// One for each currency with a movement.
    data: Vec<PayableView>,
}

/// What is owed for a day in one currency.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Payable)]
pub struct PayableView {
    /// KRW or USD.
    currency: &'static str,
    /// Credits without debits; below zero when more was refunded than paid.
    amount: i64,
    /// What payments of the day add.
    credit: i64,
    /// What refunds of the day take.
    debit: i64,
    /// Journal lines counted.
    lines: i64,
    /// The part of `amount` that was recorded after the day had ended: it counts for the day, and was not known on it.
    recorded_later: i64,
    /// Journal lines of that part.
    lines_recorded_later: i64,
}

impl From<&Payable> for PayableView {
    fn from(payable: &Payable) -> Self {
        Self {
            currency: payable.currency.code(),
            amount: payable.amount(),
            credit: payable.credit,
            debit: payable.debit,
            lines: payable.lines,
            recorded_later: payable.recorded_later,
            lines_recorded_later: payable.lines_recorded_later,
        }
    }
}

/// What is asked for.
#[derive(Debug, Clone, Copy)]
pub struct Asked {
    day: BusinessDate,
    as_of: DateTime<Utc>,
}

impl FromRequestParts<Api> for Asked {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Problem> {
        let query = Query::parse(&parts.uri, &["day", "asOf"], clock::now())?;
        let day = query
            .day("day")?
            .ok_or_else(|| Problem::parameter("day", "is missing, send a Korean day such as 2026-11-24"))?;
        let settled = api.settled(query.now()).await?;
        let as_of = query.as_of(settled)?.unwrap_or(settled);
        Ok(Self { day, as_of })
    }
}

/// What is owed to a merchant for a business day, summed from the journal; now, or as it was known at an instant.
#[utoipa::path(get, path = "/v1/payables", tag = "lists",
    params(("day" = String, Query, description = "A Korean business day, such as 2026-11-24."),
           ("asOf" = Option<String>, Query, description = "An instant (RFC 3339) or a Korean day, for the midnight it ends with.")),
    responses((status = 200, description = "The sums.", body = PayablesView)))]
pub async fn get(
    State(api): State<Api>,
    caller: Caller,
    Asked { day, as_of }: Asked,
) -> Result<Json<PayablesView>, Problem> {
    let payables = api.ledger().payables(&caller.merchant_id, day, as_of).await;
    let payables = payables.map_err(|error| Problem::of_ledger(&error, While::Reading))?;
    Ok(Json(PayablesView {
        day: day.to_string(),
        as_of: time::seoul(as_of).to_rfc3339_opts(chrono::SecondsFormat::Micros, false),
        data: payables.iter().map(PayableView::from).collect(),
    }))
}
