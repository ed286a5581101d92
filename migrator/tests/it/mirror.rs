//! The live mirror: follows, drops what a drill wants dropped, and stops without losing what it took.

use std::io::BufRead as _;
use std::process::Child;
use std::time::Duration;

use fakes::legacy::{LegacyService, Pace, Written};
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::common::{Ends, until};

struct Mirror {
    child: Child,
    address: String,
}

impl Mirror {
    fn start(ends: &Ends, arguments: &[&str]) -> Self {
        let mut child = ends.spawn(&[&["mirror"], arguments].concat());
        let mut line = String::new();
        std::io::BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let told: Value = serde_json::from_str(&line).expect("the mirror says where it listens");
        Self { child, address: told["listening"].as_str().unwrap().to_owned() }
    }

    async fn get(&self, path: &str) -> Value {
        let answer = self.ask(&format!("GET {path} HTTP/1.1\r\nhost: m\r\nconnection: close\r\n\r\n")).await;
        serde_json::from_str(answer.split("\r\n\r\n").nth(1).unwrap()).unwrap()
    }

    async fn post(&self, path: &str, body: &str) -> String {
        let length = body.len();
        self.ask(&format!(
            "POST {path} HTTP/1.1\r\nhost: m\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
        ))
        .await
    }

    async fn ask(&self, request: &str) -> String {
        let mut socket = tokio::net::TcpStream::connect(&self.address).await.unwrap();
        socket.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        socket.read_to_string(&mut answer).await.unwrap();
        answer
    }
}

impl Drop for Mirror {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn service(ends: &Ends, mirror: &Mirror, cancels: bool) -> LegacyService {
    let pace = Pace { every: Duration::from_millis(5), cancels, mirror: Some(mirror.address.clone()) };
    LegacyService::new(ends.legacy_pool.clone(), 7, pace)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_mirror_follows_calls_and_drops_what_a_drill_names() {
    let ends = Ends::create("mirror_drill").await;
    let mirror = Mirror::start(&ends, &["--poll-interval", "0", "--drills"]);
    let mut legacy = service(&ends, &mirror, false);
    let mut written: Vec<Written> = Vec::new();
    for _ in 0..20 {
        written.push(legacy.pay().await.unwrap());
    }
    mirror.post("/control/drop", "{\"next\": 10}").await;
    for _ in 0..15 {
        written.push(legacy.pay().await.unwrap());
    }
    let untold: Vec<&Written> = written.iter().filter(|row| !row.told).collect();
    assert_eq!(untold.len(), 10);
    let drill = mirror.get("/control/drop").await;
    let dropped: Vec<&str> =
        drill["dropped"].as_array().unwrap().iter().map(|t| t["key"].as_str().unwrap()).collect();
    assert_eq!(dropped, untold.iter().map(|row| row.key.as_str()).collect::<Vec<_>>());
    until(Duration::from_secs(20), "all that was told is in the ledger", async || {
        ends.count("SELECT COUNT(*) FROM payment").await == 25
    })
    .await;
    assert_eq!(mirror.get("/v1/mirror").await["dropped"], serde_json::json!(10));
    let metrics = mirror.ask("GET /metrics HTTP/1.1\r\nhost: m\r\nconnection: close\r\n\r\n").await;
    assert!(metrics.contains("ledger_mirror_dropped_total{reason=\"drill\"} 10"), "{metrics}");
}

#[tokio::test(flavor = "multi_thread")]
async fn polling_finds_what_no_call_told_cancels_included() {
    let ends = Ends::create("mirror_poll").await;
    let mirror = Mirror::start(&ends, &["--poll-interval", "300ms"]);
    let mut legacy = service(&ends, &mirror, true);
    let pace = Pace { every: Duration::from_millis(5), cancels: true, mirror: None };
    let mut untold = LegacyService::new(ends.legacy_pool.clone(), 8, pace);
    for _ in 0..25 {
        legacy.write().await.unwrap();
        untold.pay().await.unwrap();
    }
    for _ in 0..10 {
        untold.cancel().await.unwrap();
    }
    let payments: i64 =
        sqlx::query_scalar("SELECT (SELECT COUNT(*) FROM TB_PAY_MST) + (SELECT COUNT(*) FROM TB_ACNT_TRAN)")
            .fetch_one(&ends.legacy_pool)
            .await
            .unwrap();
    let cancels: i64 =
        sqlx::query_scalar("SELECT (SELECT COUNT(*) FROM TB_CARD_CNCL) + (SELECT COUNT(*) FROM REFUND)")
            .fetch_one(&ends.legacy_pool)
            .await
            .unwrap();
    until(Duration::from_secs(20), "everything is in the ledger", async || {
        ends.count("SELECT COUNT(*) FROM payment").await == payments
            && ends.count("SELECT COUNT(*) FROM cancellation").await == cancels
    })
    .await;
    let certified = ends.run(&["certify"]);
    assert_eq!(certified.code, Some(0), "{certified:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_mirror_refuses_what_it_does_not_know_and_has_no_drill_unless_asked() {
    let ends = Ends::create("mirror_http").await;
    let mirror = Mirror::start(&ends, &["--poll-interval", "0"]);
    assert!(
        mirror.post("/v1/touched", "{\"table\":\"NOWHERE\",\"key\":\"1\"}").await.starts_with("HTTP/1.1 404")
    );
    assert!(mirror.post("/v1/touched", "{\"table\":1}").await.starts_with("HTTP/1.1 422"));
    assert!(mirror.post("/control/drop", "{\"next\":1}").await.starts_with("HTTP/1.1 404"));
}
