//! `GET /v1/payments/{id}/events`

use axum::Json;
use axum::extract::State;
use ledger_core::event::catalogue::Event;
use ledger_core::history::HistoryEntry;
use ledger_core::journal::JournalLine;
use ledger_core::time;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::api::Api;
use crate::auth::Caller;
use crate::page::{OfPayment, Page};
use crate::problem::{Problem, While};
use crate::routes::{PathId, not_found};

/// One change of a payment with what it posted and emitted.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Change)]
pub struct ChangeView {
    /// Its number.
    seq: u32,
    /// LIVE, or LEGACY for what was carried over.
    origin: &'static str,
    /// What was commanded.
    command: String,
    /// By which key, job or operator.
    actor: String,
    /// Under which request.
    request_id: String,
    /// When.
    recorded_at: String,
    /// SHA-256 over the change and the digest of the one before it.
    digest: String,
    /// Whether that digest still follows from what the change added, posted and emitted.
    intact: bool,
    /// What it emitted.
    events: Vec<EventView>,
    /// What it posted: balanced.
    journal: Vec<JournalLineView>,
}

/// One event as Kafka carries it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Event)]
pub struct EventView {
    /// `seq.ordinal`
    position: String,
    /// The position before it on its topic.
    #[serde(skip_serializing_if = "Option::is_none")]
    previous: Option<String>,
    /// Where it goes.
    topic: &'static str,
    /// What it says.
    #[serde(rename = "type")]
    kind: &'static str,
    /// When it happened.
    occurred_at: String,
    /// Its content.
    #[schema(value_type = Object)]
    body: Value,
}

/// One line of the journal.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = JournalLine)]
pub struct JournalLineView {
    /// Its number in the change.
    line_no: u16,
    /// ISSUER_RECEIVABLE, MERCHANT_PAYABLE, FEE_REVENUE or OUTPUT_VAT.
    account: &'static str,
    /// D or C.
    side: &'static str,
    /// KRW or USD.
    currency: &'static str,
    /// In minor units.
    amount: i64,
    /// The approval it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    leg: Option<u8>,
    /// The Korean day it counts for.
    business_date: String,
}

impl From<HistoryEntry> for ChangeView {
    fn from(entry: HistoryEntry) -> Self {
        Self {
            intact: entry.is_intact(),
            seq: entry.row.seq,
            origin: entry.row.origin.code(),
            command: entry.row.command,
            actor: entry.row.actor,
            request_id: entry.row.request_id.to_string(),
            recorded_at: time::text(entry.row.recorded_at),
            digest: hex::encode(entry.row.digest),
            events: entry.change.events.iter().map(EventView::from).collect(),
            journal: entry.change.journal.iter().map(JournalLineView::from).collect(),
        }
    }
}

impl From<&Event> for EventView {
    fn from(event: &Event) -> Self {
        Self {
            position: event.position.to_string(),
            previous: event.previous.map(|position| position.to_string()),
            topic: event.topic.code(),
            kind: event.kind,
            occurred_at: time::text(event.occurred_at),
            body: serde_json::from_slice(&event.body).unwrap_or_default(),
        }
    }
}

impl From<&JournalLine> for JournalLineView {
    fn from(line: &JournalLine) -> Self {
        Self {
            line_no: line.line_no,
            account: line.account.code(),
            side: line.side.code(),
            currency: line.currency.code(),
            amount: line.amount.get(),
            leg: line.leg_no,
            business_date: line.business_date.to_string(),
        }
    }
}

/// The audit stream of a payment: every change in order, with its events and journal lines.
#[utoipa::path(get, path = "/v1/payments/{paymentId}/events", tag = "payments",
    responses((status = 200, description = "A page of changes.", body = Page<ChangeView>)))]
pub async fn list(
    State(api): State<Api>,
    caller: Caller,
    PathId(id): PathId,
    wanted: OfPayment,
) -> Result<Json<Page<ChangeView>>, Problem> {
    let history = api.ledger().history(&caller.merchant_id, id).await;
    let history =
        history.map_err(|error| Problem::of_ledger(&error, While::Reading))?.ok_or_else(not_found)?;
    let version = wanted.version().or_else(|| history.last().map(|entry| entry.row.seq)).unwrap_or(0);
    let known = history.into_iter().filter(|entry| entry.row.seq <= version);
    let changes = known.map(|entry| (entry.row.seq, ChangeView::from(entry))).collect();
    Ok(Json(wanted.page(changes, version)))
}
