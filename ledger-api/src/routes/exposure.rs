//! `GET /v1/exposure`

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::{FromRequestParts, State};
use axum::http::request::Parts;
use chrono::{DateTime, Utc};
use ledger_core::ids::PaymentId;
use ledger_core::payment::exposure::{Exposed, Place};
use ledger_core::payment::fact::AttemptKind;
use ledger_runtime::clock;
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::Api;
use crate::auth::Caller;
use crate::page::{Listing, Page};
use crate::problem::{Problem, While};
use crate::query::Query;
use crate::routes::payments::explain::ExposedView;

/// What issuers may hold without a merchant's wanting it. The sums are of all of it, the list is a page at a time.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Exposure)]
pub struct ExposureView {
    /// Sums by issuer and currency.
    by_issuer: Vec<IssuerView>,
    /// What they are made of, oldest payment first.
    #[serde(flatten)]
    page: Page<ExposedView>,
}

/// What may stand at one issuer.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = IssuerExposure)]
pub struct IssuerView {
    /// The issuer.
    issuer_id: String,
    /// KRW or USD.
    currency: &'static str,
    /// In minor units.
    amount: i64,
    /// How many rows of the list.
    attempts: usize,
}

/// What is asked for.
#[derive(Debug)]
pub struct Asked {
    listing: Listing,
    at: DateTime<Utc>,
    after: Option<Place>,
}

impl FromRequestParts<Api> for Asked {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Problem> {
        let caller = Caller::from_request_parts(parts, api).await?;
        let query = Query::parse(&parts.uri, &["asOf", "limit", "cursor"], clock::now())?;
        let mut listing = Listing::of(api, &caller, &query, "exposure", &["asOf"]).await?;
        if let Some(as_of) = query.as_of(listing.as_of())? {
            listing.show(as_of);
        }
        let after = listing.after(place_of)?;
        Ok(Self { at: listing.as_of(), listing, after })
    }
}

/// A place in a cursor: id, leg, kind, attempt, and the answer or zero.
fn bytes_of((id, leg_no, kind, attempt_no, result_no): Place) -> Vec<u8> {
    let kind = AttemptKind::ALL.iter().position(|other| *other == kind).and_then(|at| u8::try_from(at).ok());
    [
        id.as_bytes().as_slice(),
        &[leg_no, kind.unwrap_or(u8::MAX)],
        &attempt_no.to_be_bytes(),
        &result_no.unwrap_or(0).to_be_bytes(),
    ]
    .concat()
}

fn place_of(bytes: &[u8]) -> Option<Place> {
    let (id, rest) = bytes.split_first_chunk::<16>()?;
    let [leg_no, kind, attempt_no @ .., high, low] = rest else { return None };
    let kind = *AttemptKind::ALL.get(usize::from(*kind))?;
    let result_no = Some(u16::from_be_bytes([*high, *low])).filter(|no| *no > 0);
    Some((
        PaymentId::from_bytes(*id),
        *leg_no,
        kind,
        u16::from_be_bytes(attempt_no.try_into().ok()?),
        result_no,
    ))
}

fn by_issuer(exposed: &[Exposed]) -> Vec<IssuerView> {
    let mut sums: BTreeMap<(&str, &'static str), (i64, usize)> = BTreeMap::new();
    for row in exposed {
        let (amount, attempts) = sums.entry((&row.issuer_id, row.currency.code())).or_default();
        *amount += row.amount.get();
        *attempts += 1;
    }
    let view = |((issuer_id, currency), (amount, attempts)): ((&str, _), _)| IssuerView {
        issuer_id: issuer_id.to_owned(),
        currency,
        amount,
        attempts,
    };
    sums.into_iter().map(view).collect()
}

/// What issuers may hold of a merchant's payments without our wanting it: answers that are not known, approvals that are
/// given up and not yet undone, and answers that contradict what was decided. Now, or as it was known at an instant.
#[utoipa::path(get, path = "/v1/exposure", tag = "lists",
    params(("asOf" = Option<String>, Query, description = "An instant (RFC 3339) or a Korean day, for the midnight it ends with.")),
    responses((status = 200, description = "The exposure.", body = ExposureView)))]
pub async fn get(
    State(api): State<Api>,
    caller: Caller,
    asked: Asked,
) -> Result<Json<ExposureView>, Problem> {
    let Asked { listing, at, after } = asked;
    let exposed = api.ledger().exposure(&caller.merchant_id, at).await;
    let exposed = exposed.map_err(|error| Problem::of_ledger(&error, While::Reading))?;
    let mut rest = exposed.iter().skip_while(|row| after.is_some_and(|after| row.place() <= after));
    let taken: Vec<_> = rest.by_ref().take(listing.limit()).collect();
    let last = taken.last().filter(|_| rest.next().is_some());
    let next = last.map(|row| bytes_of(row.place()));
    let rows = taken.into_iter().map(ExposedView::from).collect();
    Ok(Json(ExposureView { by_issuer: by_issuer(&exposed), page: listing.page(rows, next) }))
}
