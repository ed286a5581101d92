//! `GET /v1/payments`

use axum::Json;
use axum::extract::{FromRequestParts, State};
use axum::http::request::Parts;
use chrono::TimeDelta;
use ledger_core::ids::PaymentId;
use ledger_core::ledger::PaymentFilter;
use ledger_core::payment::status::Status;
use ledger_runtime::clock;

use crate::api::Api;
use crate::auth::Caller;
use crate::page::{Listing, Page};
use crate::problem::{Problem, While, internal};
use crate::query::Query;
use crate::view::PaymentView;

/// What is asked for.
#[derive(Debug)]
pub struct Asked {
    listing: Listing,
    filter: PaymentFilter,
    after: Option<PaymentId>,
}

const STATUSES: &str =
    "READY, IN_PROGRESS, WAITING_FOR_DEPOSIT, DONE, PARTIAL_CANCELED, CANCELED, ABORTED, EXPIRED";

impl FromRequestParts<Api> for Asked {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Problem> {
        let caller = Caller::from_request_parts(parts, api).await?;
        let query = Query::parse(&parts.uri, &["status", "olderThan", "limit", "cursor"], clock::now())?;
        let listing = Listing::of(api, &caller, &query, "payments", &["status", "olderThan"]).await?;
        let older_than = query.older_than(listing.as_of())?;
        let filter = PaymentFilter {
            // ids count whole milliseconds
            before: older_than.unwrap_or(listing.as_of() + TimeDelta::milliseconds(1)),
            status: query.code::<Status>("status", STATUSES)?,
        };
        let after = listing.after(|bytes| PaymentId::try_from(bytes).ok())?;
        Ok(Self { listing, filter, after })
    }
}

/// A merchant's payments, newest first. `status=IN_PROGRESS&olderThan=60` are those whose end is not known after a minute.
#[utoipa::path(get, path = "/v1/payments", tag = "lists",
    params(("status" = Option<String>, Query, description = "Only those in this status."),
           ("olderThan" = Option<String>, Query, description = "Only those made so many seconds before, or before an instant (RFC 3339).")),
    responses((status = 200, description = "A page of payments.", body = Page<PaymentView>)))]
pub async fn list(
    State(api): State<Api>,
    caller: Caller,
    asked: Asked,
) -> Result<Json<Page<PaymentView>>, Problem> {
    let Asked { listing, filter, after } = asked;
    let as_of = listing.as_of();
    let listed = api
        .ledger()
        .payments(&caller.merchant_id, filter, as_of, after, listing.limit())
        .await
        .map_err(|error| Problem::of_ledger(&error, While::Reading))?;
    let views = listed.rows.iter().map(|payment| PaymentView::of(payment, as_of).map_err(|_| internal()));
    let rows = views.collect::<Result<_, _>>()?;
    Ok(Json(listing.page(rows, listed.next.map(|id| id.as_bytes().to_vec()))))
}
