//! Lists: a page at a time, all pages as of one instant, and the cursor of the next one.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use chrono::{DateTime, Utc};
use ledger_core::time;
use ledger_runtime::clock;
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::Api;
use crate::auth::Caller;
use crate::cursor::{Place, Scope};
use crate::problem::Problem;
use crate::query::Query;

/// Items on a page when nothing is said.
const DEFAULT_LIMIT: usize = 100;
/// Items on a page at most.
const LARGEST_LIMIT: usize = 1000;

/// Which part of a list is wanted.
#[derive(Debug)]
pub struct Listing {
    api: Api,
    merchant_id: String,
    list: &'static str,
    filter: String,
    limit: usize,
    as_of: DateTime<Utc>,
    began: DateTime<Utc>,
    after: Option<Vec<u8>>,
}

impl Listing {
    /// Of the list `list` under the parameters `filter`: from its cursor on, or from the beginning as of a little before now.
    pub async fn of(
        api: &Api,
        caller: &Caller,
        query: &Query,
        list: &'static str,
        filter: &[&'static str],
    ) -> Result<Self, Problem> {
        let as_of = api.settled(query.now()).await?;
        Self::begin(api, caller, query, (list, query.spelled(filter)), as_of)
    }

    fn begin(
        api: &Api,
        caller: &Caller,
        query: &Query,
        (list, filter): (&'static str, String),
        now: DateTime<Utc>,
    ) -> Result<Self, Problem> {
        let limit = query.get("limit", &format!("1 to {LARGEST_LIMIT}"), |text| {
            let limit = text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok()).flatten();
            limit.filter(|limit| (1..=LARGEST_LIMIT).contains(limit))
        })?;
        let scope = Scope { merchant_id: &caller.merchant_id, list, filter: &filter };
        let place =
            query.text("cursor").map(|cursor| api.lists().open(scope, cursor, query.now())).transpose()?;
        let began = time::to_micros(query.now());
        let place = place.unwrap_or(Place { as_of: now, began, after: Vec::new() });
        let after = query.text("cursor").map(|_| place.after);
        Ok(Self {
            api: api.clone(),
            merchant_id: caller.merchant_id.clone(),
            list,
            filter,
            limit: limit.unwrap_or(DEFAULT_LIMIT),
            as_of: place.as_of,
            began: place.began,
            after,
        })
    }

    /// Shows this instant instead; the parameter that says so is part of the filter.
    pub const fn show(&mut self, as_of: DateTime<Utc>) {
        self.as_of = as_of;
    }

    /// Items on the page at most.
    pub const fn limit(&self) -> usize {
        self.limit
    }

    /// The instant that all pages show.
    pub const fn as_of(&self) -> DateTime<Utc> {
        self.as_of
    }

    /// The place after which the page begins, read from the cursor by `read`.
    pub fn after<T>(&self, read: impl Fn(&[u8]) -> Option<T>) -> Result<Option<T>, Problem> {
        let wrong = || Problem::parameter("cursor", "is not of this version, leave it out to begin anew");
        self.after.as_deref().map(|bytes| read(bytes).ok_or_else(wrong)).transpose()
    }

    /// The page, and the cursor of the place after which there is more.
    pub fn page<T>(&self, data: Vec<T>, next: Option<Vec<u8>>) -> Page<T> {
        let scope = Scope { merchant_id: &self.merchant_id, list: self.list, filter: &self.filter };
        let next = next.and_then(|after| {
            self.api.lists().seal(scope, &Place { as_of: self.as_of, began: self.began, after })
        });
        Page { data, has_more: next.is_some(), next_cursor: next, as_of: time::text(self.as_of) }
    }
}

/// Which part of a list about one payment is wanted. Its pages show the payment at the version that the first one met.
#[derive(Debug)]
pub struct OfPayment {
    listing: Listing,
    /// The number of the last item of the page before, and the version.
    after: Option<(u32, u32)>,
}

impl FromRequestParts<Api> for OfPayment {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Problem> {
        let caller = Caller::from_request_parts(parts, api).await?;
        let query = Query::parse(&parts.uri, &["limit", "cursor"], clock::now())?;
        let path = parts.uri.path().to_owned();
        let now = time::to_micros(query.now());
        let listing = Listing::begin(api, &caller, &query, ("of-payment", path), now)?;
        let after = listing.after(|bytes| {
            let (number, version) = bytes.split_first_chunk::<4>()?;
            Some((u32::from_be_bytes(*number), u32::from_be_bytes(version.try_into().ok()?)))
        })?;
        Ok(Self { listing, after })
    }
}

impl OfPayment {
    /// The version that all pages show; the first one takes the payment as it is.
    pub fn version(&self) -> Option<u32> {
        self.after.map(|(_, version)| version)
    }

    /// The page of items that are numbered in order, of a payment at this version.
    pub fn page<T>(&self, items: Vec<(u32, T)>, version: u32) -> Page<T> {
        let after = self.after.map_or(0, |(number, _)| number);
        let mut rest = items.into_iter().skip_while(|(number, _)| *number <= after);
        let taken: Vec<_> = rest.by_ref().take(self.listing.limit).collect();
        let last = taken.last().map(|(number, _)| *number).filter(|_| rest.next().is_some());
        let next = last.map(|number| [number.to_be_bytes(), version.to_be_bytes()].concat());
        self.listing.page(taken.into_iter().map(|(_, item)| item).collect(), next)
    }
}

/// A page of a list.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Page<T> {
    /// The items. A list that looks for something may end a page early; `hasMore` says whether to go on.
    pub data: Vec<T>,
    /// Whether there are further ones.
    pub has_more: bool,
    /// The cursor that gets them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
    /// What was recorded up to then is what all pages of this list show.
    pub as_of: String,
}
