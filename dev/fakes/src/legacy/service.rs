//! The legacy service while it lives: takes payments, cancels some of them, and tells the mirror which row it touched.
//! It never waits for the mirror and never fails because of it.

use std::time::Duration;

use anyhow::{Context as _, Result};
use chrono::NaiveDateTime;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use sqlx::mysql::{MySqlConnection, MySqlPool};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

use super::generator::{card_approval, card_header, transfer_header};
use super::row::{self, Row, text};

/// How the service behaves.
#[derive(Debug, Clone)]
pub struct Pace {
    /// Between two writes.
    pub every: Duration,
    /// Whether it cancels some of what it took.
    pub cancels: bool,
    /// `host:port` of the mirror, if it shall be told.
    pub mirror: Option<String>,
}

/// A row that carries money, as it was written and told.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
pub struct Written {
    /// Its table.
    pub table: &'static str,
    /// Its own key, parts joined by `/`.
    pub pk: String,
    /// The key of its payment, as it was told.
    pub key: String,
    /// Whether the mirror took the call.
    pub told: bool,
}

/// A payment that can still be canceled.
#[derive(Debug)]
struct Open {
    key: String,
    amount: i64,
    card: bool,
}

/// A service of the legacy ledger that goes on writing.
#[derive(Debug)]
pub struct LegacyService {
    pool: MySqlPool,
    pace: Pace,
    rng: StdRng,
    run: u32,
    number: u32,
    open: Vec<Open>,
}

impl LegacyService {
    /// A service that writes through `pool`; the seed decides what it writes.
    pub fn new(pool: MySqlPool, seed: u64, pace: Pace) -> Self {
        let mut rng = StdRng::seed_from_u64(seed);
        let run = rng.random_range(0..10_000);
        Self { pool, pace, rng, run, number: 0, open: Vec::new() }
    }

    /// Writes until it is stopped, and returns what it wrote.
    pub async fn run(mut self, stop: CancellationToken) -> Result<Vec<Written>> {
        let mut written = Vec::new();
        let mut clock = tokio::time::interval(self.pace.every);
        clock.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => return Ok(written),
                _ = clock.tick() => written.push(self.write().await?),
            }
        }
    }

    /// One write: mostly a payment, sometimes a cancel.
    pub async fn write(&mut self) -> Result<Written> {
        if self.pace.cancels && !self.open.is_empty() && self.rng.random_range(0..4) == 0 {
            self.cancel().await
        } else {
            self.pay().await
        }
    }

    /// Takes a payment.
    pub async fn pay(&mut self) -> Result<Written> {
        let mut connection = self.pool.begin().await?;
        let now = wall_clock(&mut connection).await?;
        self.number += 1;
        let amount = self.rng.random_range(10..2_000) * 100;
        let card = self.rng.random_range(0..10) < 7;
        let (table, key, pk) = if card {
            let tid = format!("GW{}{:04}{:04}", now.format("%Y%m%d%H%M%S"), self.run, self.number % 10_000);
            let no = format!("{:08}", self.number);
            let approval = card_approval(&mut self.rng, &tid, &no, amount, now);
            write_rows(&mut connection, &[card_header(&tid, "shop1", amount, now, now), approval]).await?;
            ("TB_CARD_APPR", tid.clone(), format!("{tid}/{no}"))
        } else {
            let tr_no = 200_000_000_000_000 + u64::from(self.run) * 1_000_000 + u64::from(self.number);
            write_rows(&mut connection, &[transfer_header(tr_no, "shop1", amount, now, now)]).await?;
            ("TB_ACNT_TRAN", tr_no.to_string(), tr_no.to_string())
        };
        connection.commit().await?;
        self.open.push(Open { key: key.clone(), amount, card });
        self.tell(table, key, pk).await
    }

    /// Cancels one of the payments it took, all of it; the header is changed in place, as ever.
    pub async fn cancel(&mut self) -> Result<Written> {
        let index = self.rng.random_range(0..self.open.len().max(1));
        anyhow::ensure!(index < self.open.len(), "there is no payment to cancel");
        let open = self.open.swap_remove(index);
        let mut connection = self.pool.begin().await?;
        let now = wall_clock(&mut connection).await?;
        let (table, pk, row, stamp) = if open.card {
            let values = vec![text(&open.key), row::day(now), row::time(now), None, row::korean("고객 변심")];
            let row = Row { table: "TB_CARD_CNCL", values };
            (row.table, open.key.clone(), row, "UPDATE TB_PAY_MST SET STAT = '2', CHG_DTM = ? WHERE TID = ?")
        } else {
            let pk = format!("{}1", open.key);
            let amount = text(format!("-{}", open.amount));
            let row = Row {
                table: "REFUND",
                values: vec![text(&pk), text(&open.key), amount, row::datetime(now), text("F")],
            };
            (row.table, pk, row, "UPDATE TB_ACNT_TRAN SET CHG_DTM = ? WHERE TR_NO = ?")
        };
        write_rows(&mut connection, &[row]).await?;
        row::execute(&mut connection, stamp.to_owned(), vec![row::datetime(now), text(&open.key)]).await?;
        connection.commit().await?;
        self.tell(table, open.key, pk).await
    }

    async fn tell(&self, table: &'static str, key: String, pk: String) -> Result<Written> {
        let told = match &self.pace.mirror {
            Some(address) => touch(address, table, &key).await.unwrap_or(false),
            None => false,
        };
        Ok(Written { table, pk, key, told })
    }
}

/// The database's clock, as it hangs on a Korean wall.
async fn wall_clock(connection: &mut MySqlConnection) -> Result<NaiveDateTime> {
    let now: NaiveDateTime = sqlx::query_scalar("SELECT CAST(UTC_TIMESTAMP() + INTERVAL 9 HOUR AS DATETIME)")
        .fetch_one(connection)
        .await?;
    Ok(now)
}

async fn write_rows(connection: &mut MySqlConnection, rows: &[Row]) -> Result<()> {
    for row in rows {
        row::insert_batch(connection, row.table, &[row]).await?;
    }
    Ok(())
}

/// `POST /v1/touched`, written by hand: an old program with a socket. True when the mirror took it.
async fn touch(address: &str, table: &str, key: &str) -> Result<bool> {
    let exchange = async {
        let body = serde_json::json!({ "table": table, "key": key }).to_string();
        let head = format!(
            "POST /v1/touched HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
            body.len()
        );
        let mut socket = TcpStream::connect(address).await?;
        socket.write_all(head.as_bytes()).await?;
        socket.write_all(body.as_bytes()).await?;
        let mut answer = String::new();
        socket.read_to_string(&mut answer).await?;
        anyhow::Ok(answer.starts_with("HTTP/1.1 202"))
    };
    tokio::time::timeout(Duration::from_secs(2), exchange).await.context("the mirror does not answer")?
}
