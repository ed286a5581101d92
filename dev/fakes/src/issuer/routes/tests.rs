//! Over real sockets, as the gateway speaks to it.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};

use crate::issuer::IssuerSimulator;

/// One request on a connection of its own: the raw bytes that came back before the connection ended or idled.
async fn exchange(simulator: &IssuerSimulator, path: &str, body: Value) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(simulator.address()).await?;
    let body = body.to_string();
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: issuer\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(format!("{head}{body}").as_bytes()).await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

fn authorization(trace_no: &str, token: &str) -> Value {
    json!({ "traceDate": "2026-11-24", "traceNo": trace_no, "amount": 50_000, "currency": "KRW", "method": "CARD",
            "token": token, "installmentMonths": 0 })
}

fn reversal(trace_no: &str) -> Value {
    json!({ "originalTraceDate": "2026-11-24", "originalTraceNo": trace_no, "traceDate": "2026-11-24",
            "traceNo": format!("{trace_no}-r"), "amount": 50_000, "currency": "KRW" })
}

async fn simulator() -> IssuerSimulator {
    IssuerSimulator::start("127.0.0.1:0").await.unwrap()
}

/// Waits for the book to say so.
async fn until(simulator: &IssuerSimulator, effective: i64) {
    let limit = Instant::now() + Duration::from_secs(5);
    while simulator.truth().totals.effective != effective {
        assert!(Instant::now() < limit, "{:?}", simulator.truth());
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn it_approves_and_reverses_and_knows_what_stands() {
    let simulator = simulator().await;
    let answer = exchange(&simulator, "/v1/authorizations", authorization("t", "tok")).await.unwrap();
    assert!(
        answer.contains(r#""result":"APPROVED""#) && answer.contains(r#""authNo":"A0000001""#),
        "{answer}"
    );
    assert_eq!(simulator.truth().totals.effective, 50_000);
    let answer = exchange(&simulator, "/v1/reversals", reversal("t")).await.unwrap();
    assert!(answer.contains(r#""result":"REVERSED""#), "{answer}");
    assert_eq!(simulator.truth().totals.effective, 0);
}

#[tokio::test]
async fn issuers_by_path_do_not_share_traces() {
    let simulator = simulator().await;
    for path in ["/v1/authorizations", "/card-a/v1/authorizations", "/card-b/v1/authorizations"] {
        exchange(&simulator, path, authorization("t", "tok")).await.unwrap();
    }
    assert_eq!(simulator.truth().totals.effective, 150_000);
    assert_eq!(simulator.truth().totals.repeated_authorizations, 0);
}

#[tokio::test]
async fn a_dropped_request_is_booked_and_never_answered() {
    let simulator = simulator().await;
    let sent = timeout(
        Duration::from_millis(200),
        exchange(&simulator, "/v1/authorizations", authorization("t", "sim:drop")),
    );
    assert!(sent.await.is_err(), "no answer");
    assert_eq!(simulator.truth().totals.effective, 50_000);
}

#[tokio::test]
async fn an_approval_is_booked_after_its_sender_has_gone() {
    let simulator = simulator().await;
    let sent = timeout(
        Duration::from_millis(50),
        exchange(&simulator, "/v1/authorizations", authorization("t", "sim:late-book:300")),
    );
    assert!(sent.await.is_err());
    let answer = exchange(&simulator, "/v1/reversals", reversal("t")).await.unwrap();
    assert!(answer.contains("NO_ORIGINAL"), "{answer}");
    until(&simulator, 50_000).await;
}

#[tokio::test]
async fn it_cuts_and_garbles() {
    let simulator = simulator().await;
    let cut = exchange(&simulator, "/v1/authorizations", authorization("t1", "sim:reset-lost")).await;
    assert_eq!(cut.unwrap_err().kind(), std::io::ErrorKind::ConnectionReset);
    assert_eq!(simulator.truth().totals.effective, 0);
    let cut = exchange(&simulator, "/v1/authorizations", authorization("t2", "sim:garble:truncated")).await;
    assert_eq!(cut.unwrap_err().kind(), std::io::ErrorKind::ConnectionReset);
    let text = exchange(&simulator, "/v1/authorizations", authorization("t3", "sim:garble")).await.unwrap();
    assert!(text.contains("200 OK") && text.ends_with(r#""authNo":"#), "{text}");
    assert_eq!(simulator.truth().totals.effective, 100_000, "booked all the same");
}

#[tokio::test]
async fn a_control_script_beats_the_token_and_ends() {
    let simulator = simulator().await;
    let script = json!({ "match": { "traceNo": "t" }, "kind": "auth", "steps": [{ "action": "decline", "code": "STOLEN" }] });
    let answer = exchange(&simulator, "/control/scripts", script).await.unwrap();
    assert!(answer.contains("204"), "{answer}");
    let answer = exchange(&simulator, "/v1/authorizations", authorization("t", "sim:approve")).await.unwrap();
    assert!(answer.contains("STOLEN"), "{answer}");
    let answer = exchange(&simulator, "/v1/authorizations", authorization("u", "sim:approve")).await.unwrap();
    assert!(answer.contains("APPROVED"), "{answer}");
}

#[tokio::test]
async fn what_it_does_not_take_is_refused_without_being_repeated() {
    let simulator = simulator().await;
    let mut pan = authorization("t", "tok");
    pan["token"] = json!("4111111111111111");
    let answer = exchange(&simulator, "/v1/authorizations", pan).await.unwrap();
    assert!(answer.contains("400 Bad Request") && !answer.contains("4111"), "{answer}");
    let answer = exchange(&simulator, "/v1/authorizations", authorization("t", "sim:aprove")).await.unwrap();
    assert!(answer.contains("400 Bad Request"), "{answer}");
    assert_eq!(simulator.truth().totals.effective, 0);
}
