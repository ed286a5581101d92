//! The peer: the same rows by a plain service over axum and sqlx, as one would write it first. A request is a transaction of its
//! own on a pooled connection, and a row is a prepared INSERT. It does less than the ledger: it calls no issuer, reads no key,
//! checks no body, and keeps payments in memory; so what it reaches is a limit from above for services of its kind.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context as _, Result};
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::post;
use axum::{Json, Router};
use ledger_core::change::Change;
use ledger_core::payment::fold::Payment;
use ledger_core::store::append::Entry;
use ledger_core::store::cell::{Cell, cell_of};
use ledger_core::store::insert::Table;
use ledger_core::store::pool::{PoolOptions, connect};
use ledger_core::store::rows::Rows;
use ledger_core::store::statement;
use serde_json::{Value, json};
use sqlx::MySqlConnection;
use sqlx::mysql::MySqlPool;
use tokio::net::TcpListener;

use crate::facts;

#[derive(Debug, Clone)]
struct Plain {
    pool: MySqlPool,
    legs: u8,
    payments: Arc<Mutex<HashMap<String, Payment>>>,
}

/// Serves on a free port of loopback until the runtime ends; gives its URL.
pub async fn serve(database: &str, legs: u8) -> Result<String> {
    let pool = connect(database, PoolOptions { max_connections: 64, ..PoolOptions::default() }).await?;
    let plain = Plain { pool, legs, payments: Arc::default() };
    let router = Router::new()
        .route("/v1/payments", post(create))
        .route("/v1/payments/{id}/confirm", post(confirm))
        .with_state(plain);
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    tokio::spawn(async move { axum::serve(listener, router).await });
    Ok(url)
}

type Told = std::result::Result<(StatusCode, Json<Value>), (StatusCode, String)>;

async fn create(State(plain): State<Plain>) -> Told {
    let step = plain.create().await.map_err(|error| failed(&error))?;
    let id = step.payment.id.to_string();
    let answer = json!({ "id": id });
    plain.payments.lock().unwrap_or_else(PoisonError::into_inner).insert(id, step.payment);
    Ok((StatusCode::CREATED, Json(answer)))
}

async fn confirm(State(plain): State<Plain>, Path(id): Path<String>) -> Told {
    let payment = plain.payments.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
    let payment = payment.ok_or((StatusCode::NOT_FOUND, "no such payment".to_owned()))?;
    plain.confirm(&payment).await.map_err(|error| failed(&error))?;
    Ok((StatusCode::OK, Json(json!({ "id": id }))))
}

fn failed(error: &anyhow::Error) -> (StatusCode, String) {
    (StatusCode::INTERNAL_SERVER_ERROR, format!("{error:#}"))
}

impl Plain {
    async fn create(&self) -> Result<facts::Step> {
        let step = facts::created(self.legs)?;
        self.append(&step.entry).await?;
        Ok(step)
    }

    async fn confirm(&self, payment: &Payment) -> Result<()> {
        let begun = facts::begun(payment, self.legs)?;
        self.append(&begun.entry).await?;
        self.append(&facts::confirmed(&begun, self.legs)?.entry).await
    }

    async fn append(&self, entry: &Entry) -> Result<()> {
        let change = entry.change.as_ref().context("a change")?;
        let mut transaction = self.pool.begin().await?;
        claim(&mut transaction, entry).await?;
        let rows = Rows::of([change]);
        for table in Table::ALL {
            let (insert, _) = table.inserts();
            for row in rows.of_table(table) {
                let mut query = sqlx::query(insert.statement.sql);
                for (place, column) in insert.columns.iter().enumerate() {
                    query = match cell_of(row, place, column).context("a cell of each column")? {
                        Cell::Nothing => query.bind(None::<i64>),
                        Cell::Number(number) => query.bind(number),
                        Cell::Text(text) => query.bind(text.as_ref()),
                        Cell::Bytes(bytes) => query.bind(bytes.as_ref()),
                        Cell::Instant(at) => query.bind(at),
                        Cell::Day(day) => query.bind(day),
                    };
                }
                query.execute(&mut *transaction).await?;
            }
        }
        answer(&mut transaction, entry).await?;
        events(&mut transaction, change).await?;
        transaction.commit().await?;
        Ok(())
    }
}

fn text_of(name: &str) -> Result<&'static str> {
    statement::all()
        .find(|statement| statement.name == name)
        .map(|statement| statement.sql)
        .with_context(|| format!("no statement {name}"))
}

async fn claim(connection: &mut MySqlConnection, entry: &Entry) -> Result<()> {
    let (Some(claim), Some(change)) = (&entry.claim, &entry.change) else { return Ok(()) };
    sqlx::query(text_of("insert_idempotency_claim")?)
        .bind(claim.claim_id.as_slice())
        .bind(claim.slot.get())
        .bind(change.payment_id.as_bytes().as_slice())
        .bind(change.seq)
        .bind(&claim.merchant_id)
        .bind(claim.operation.code())
        .bind(entry.request_id.as_bytes().as_slice())
        .bind(claim.fingerprint.as_slice())
        .bind(serde_json::to_string(&claim.fields)?)
        .bind(entry.at)
        .execute(connection)
        .await?;
    Ok(())
}

async fn answer(connection: &mut MySqlConnection, entry: &Entry) -> Result<()> {
    let Some((claim, answer)) = &entry.answer else { return Ok(()) };
    sqlx::query(text_of("insert_idempotency_outcome")?)
        .bind(claim.claim_id.as_slice())
        .bind(claim.slot.get())
        .bind(answer.status)
        .bind(claim.fingerprint.as_slice())
        .bind(entry.at)
        .execute(&mut *connection)
        .await?;
    sqlx::query(text_of("insert_idempotency_body")?)
        .bind(claim.claim_id.as_slice())
        .bind(entry.at.date_naive())
        .bind(answer.content_type)
        .bind(answer.location.as_deref())
        .bind(answer.body.as_slice())
        .execute(connection)
        .await?;
    Ok(())
}

async fn events(connection: &mut MySqlConnection, change: &Change) -> Result<()> {
    for event in &change.events {
        sqlx::query(text_of("insert_outbox_event")?)
            .bind(change.payment_id.as_bytes().as_slice())
            .bind(event.position.seq)
            .bind(event.position.ordinal)
            .bind(event.topic.code())
            .bind(event.kind)
            .bind(event.previous.map(|position| position.to_string()))
            .bind(event.occurred_at)
            .bind(event.body.as_slice())
            .bind(vec![0_u8; 32])
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}
