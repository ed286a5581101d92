//! `GET /v1/transactions`

use axum::Json;
use axum::extract::{FromRequestParts, State};
use axum::http::request::Parts;
use chrono::{Datelike as _, NaiveDate};
use ledger_core::ids::PaymentId;
use ledger_core::ledger::{FeedPosition, TransactionFilter};
use ledger_core::payment::transaction::{Transaction, TransactionKind};
use ledger_core::time::{self, BusinessDate};
use ledger_runtime::clock;
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::Api;
use crate::auth::Caller;
use crate::page::{Listing, Page};
use crate::problem::{Problem, While, internal};
use crate::query::Query;
use crate::view::cancellation_id;

/// One approval that stands, or one approval's share of a cancellation that was refunded. Amounts are never negative: `type`
/// says which way the money went.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Transaction)]
pub struct TransactionView {
    /// Its name, for ever: the payment's id with `-a` and the approval's number, or the cancellation's id with the same.
    transaction_key: String,
    /// APPROVAL or CANCEL.
    #[serde(rename = "type")]
    kind: &'static str,
    /// The payment.
    #[schema(value_type = String, format = Uuid)]
    payment_id: PaymentId,
    /// The merchant's order.
    order_id: String,
    /// The approval's number in the payment.
    leg: u8,
    /// The cancellation, for CANCEL.
    #[serde(skip_serializing_if = "Option::is_none")]
    cancellation_id: Option<String>,
    /// CARD, EASY_PAY, TRANSFER, VIRTUAL_ACCOUNT, MOBILE or POINTS.
    method: &'static str,
    /// Who approved it.
    issuer_id: String,
    /// KRW or USD.
    currency: &'static str,
    /// In minor units.
    amount: i64,
    /// Supply value in it. `suppliedAmount + vat + taxFreeAmount = amount`.
    supplied_amount: i64,
    /// VAT in it.
    vat: i64,
    /// Tax-free part of it.
    tax_free_amount: i64,
    /// The Korean day it counts for.
    business_date: String,
    /// When it was decided.
    occurred_at: String,
    /// The issuer's number for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    issuer_ref: Option<String>,
    /// What a CANCEL takes back.
    #[serde(skip_serializing_if = "Option::is_none")]
    original_approval: Option<OriginalView>,
}

/// The approval that a refund takes back.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = OriginalApproval)]
pub struct OriginalView {
    /// Its name.
    transaction_key: String,
    /// Its whole amount.
    amount: i64,
    /// The Korean day it counted for.
    business_date: String,
    /// When it was decided.
    occurred_at: String,
    /// The issuer's authorization number.
    #[serde(skip_serializing_if = "Option::is_none")]
    issuer_ref: Option<String>,
}

fn view(row: Transaction) -> Option<TransactionView> {
    let approval_key = format!("{}-a{}", row.payment_id, row.leg_no);
    let cancellation_id = row.cancel_no.map(|cancel_no| cancellation_id(row.payment_id, cancel_no));
    Some(TransactionView {
        kind: row.kind().code(),
        transaction_key: match &cancellation_id {
            Some(id) => format!("{id}-a{}", row.leg_no),
            None => approval_key.clone(),
        },
        payment_id: row.payment_id,
        order_id: row.order_id,
        leg: row.leg_no,
        cancellation_id,
        method: row.method.code(),
        issuer_id: row.issuer_id,
        currency: row.currency.code(),
        amount: row.amount.get(),
        supplied_amount: row.amount.minus(row.vat).ok()?.minus(row.tax_free).ok()?.get(),
        vat: row.vat.get(),
        tax_free_amount: row.tax_free.get(),
        business_date: row.business_date.to_string(),
        occurred_at: time::text(row.occurred_at),
        issuer_ref: row.issuer_ref,
        original_approval: row.original.map(|original| OriginalView {
            transaction_key: approval_key,
            amount: original.amount.get(),
            business_date: original.business_date.to_string(),
            occurred_at: time::text(original.occurred_at),
            issuer_ref: original.issuer_ref,
        }),
    })
}

/// What is asked for.
#[derive(Debug)]
pub struct Asked {
    listing: Listing,
    filter: TransactionFilter,
    after: Option<FeedPosition>,
}

const FILTER: &[&str] = &["from", "to", "type", "method"];

impl FromRequestParts<Api> for Asked {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Problem> {
        let caller = Caller::from_request_parts(parts, api).await?;
        let known = &["from", "to", "type", "method", "limit", "cursor"];
        let query = Query::parse(&parts.uri, known, clock::now())?;
        let listing = Listing::of(api, &caller, &query, "transactions", FILTER).await?;
        let (from, to) = (query.day("from")?, query.day("to")?);
        if from.zip(to).is_some_and(|(from, to)| from > to) {
            return Err(Problem::parameter("from", "is a day after to, exchange them"));
        }
        let filter = TransactionFilter {
            from: from.unwrap_or(BusinessDate::new(NaiveDate::from_ymd_opt(1970, 1, 1).unwrap_or_default())),
            to: to.unwrap_or(BusinessDate::new(NaiveDate::from_ymd_opt(9999, 12, 30).unwrap_or_default())),
            kind: query.code::<TransactionKind>("type", "APPROVAL, CANCEL")?,
            method: query.code("method", "CARD, EASY_PAY, TRANSFER, VIRTUAL_ACCOUNT, MOBILE, POINTS")?,
        };
        let after = listing.after(position)?;
        Ok(Self { listing, filter, after })
    }
}

fn position(bytes: &[u8]) -> Option<FeedPosition> {
    let (day, rest) = bytes.split_first_chunk::<4>()?;
    let (payment_id, rest) = rest.split_first_chunk::<16>()?;
    let (seq, line_no) = rest.split_first_chunk::<4>()?;
    Some(FeedPosition {
        business_date: NaiveDate::from_num_days_from_ce_opt(i32::from_be_bytes(*day))?,
        payment_id: PaymentId::from_bytes(*payment_id),
        seq: u32::from_be_bytes(*seq),
        line_no: u16::from_be_bytes(line_no.try_into().ok()?),
    })
}

fn bytes(position: &FeedPosition) -> Vec<u8> {
    let mut bytes = position.business_date.num_days_from_ce().to_be_bytes().to_vec();
    bytes.extend(position.payment_id.as_bytes());
    bytes.extend(position.seq.to_be_bytes());
    bytes.extend(position.line_no.to_be_bytes());
    bytes
}

/// A merchant's approvals and refunds one by one, to be checked against settlement: newest business day first, in a day the
/// newest payment, in a payment the newest movement.
#[utoipa::path(get, path = "/v1/transactions", tag = "lists",
    params(("from" = Option<String>, Query, description = "The first business day (Korean), such as 2026-11-01."),
           ("to" = Option<String>, Query, description = "The last business day."),
           ("type" = Option<String>, Query, description = "APPROVAL or CANCEL."),
           ("method" = Option<String>, Query, description = "CARD, EASY_PAY, TRANSFER, VIRTUAL_ACCOUNT, MOBILE or POINTS.")),
    responses((status = 200, description = "A page of movements.", body = Page<TransactionView>)))]
pub async fn list(
    State(api): State<Api>,
    caller: Caller,
    asked: Asked,
) -> Result<Json<Page<TransactionView>>, Problem> {
    let Asked { listing, filter, after } = asked;
    let listed = api
        .ledger()
        .transactions(&caller.merchant_id, filter, listing.as_of(), after, listing.limit())
        .await
        .map_err(|error| Problem::of_ledger(&error, While::Reading))?;
    let rows = listed.rows.into_iter().map(|row| view(row).ok_or_else(internal)).collect::<Result<_, _>>()?;
    Ok(Json(listing.page(rows, listed.next.as_ref().map(bytes))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_in_the_feed_survives_its_cursor() {
        let place = FeedPosition {
            business_date: NaiveDate::from_ymd_opt(2026, 11, 24).unwrap(),
            payment_id: PaymentId::from_bytes([7; 16]),
            seq: 70_000,
            line_no: 300,
        };
        let bytes = bytes(&place);
        assert_eq!(position(&bytes), Some(place));
        assert_eq!(position(&bytes[1..]), None);
        assert_eq!(position(&[]), None);
    }
}
