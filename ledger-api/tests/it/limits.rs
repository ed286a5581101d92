//! Bodies, addresses, headers and crowds beyond the limits.

use std::time::Duration;

use ledger_api::limits::Limits;
use reqwest::Method;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::support::{LIMITS, World, scripted, send};

#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_large_is_refused_whether_announced_or_not() {
    let world = World::start("large").await;
    let before = world.rows().await;
    let post = || {
        world
            .request(Method::POST, "/v1/payments")
            .header("Idempotency-Key", "k")
            .header("Content-Type", "application/json")
    };
    let large = format!("{{\"reason\": \"{}\"}}", "x".repeat(10 * 1024 * 1024));
    assert_eq!(send(post().body(large)).await.status, 413);
    let over = send(post().body(format!("{{\"reason\": \"{}\"}}", "x".repeat(64 * 1024)))).await;
    over.problem("BODY_TOO_LARGE");
    let within = send(post().body(format!("{{\"reason\": \"{}\"}}", "x".repeat(60 * 1024)))).await;
    within.problem("INVALID_FIELDS");
    assert!(chunked(&world, 70 * 1024).await.starts_with("HTTP/1.1 413"));

    let long = world.request(Method::GET, &format!("/v1/payments/orders/{}", "x".repeat(3_000)));
    assert_eq!(send(long).await.problem("URI_TOO_LONG")["status"], 414);
    let many = (0..70)
        .fold(world.request(Method::GET, "/health/live"), |request, n| request.header(format!("x-{n}"), "1"));
    assert_eq!(send(many).await.problem("HEADERS_TOO_LARGE")["status"], 431);
    let wide = world.request(Method::GET, "/health/live").header("x-wide", "x".repeat(20_000));
    send(wide).await.problem("HEADERS_TOO_LARGE");
    assert_eq!(world.rows().await, before);
}

/// A body that does not say how long it is.
async fn chunked(world: &World, bytes: usize) -> String {
    let address = world.base.strip_prefix("http://").unwrap();
    let mut socket = TcpStream::connect(address).await.unwrap();
    let head = format!(
        "POST /v1/payments HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {}\r\nIdempotency-Key: k\r\n\
         Content-Type: application/json\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n{bytes:x}\r\n",
        world.key
    );
    socket.write_all(head.as_bytes()).await.unwrap();
    let _ = socket.write_all(&vec![b' '; bytes]).await;
    let _ = socket.write_all(b"\r\n0\r\n\r\n").await;
    let mut answer = vec![0; 4_096];
    let read =
        tokio::time::timeout(Duration::from_secs(10), socket.read(&mut answer)).await.unwrap().unwrap();
    String::from_utf8_lossy(&answer[..read]).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_does_not_come_is_given_up() {
    let world =
        World::with_limits("slow", Limits { body_within: Duration::from_millis(200), ..LIMITS }).await;
    let address = world.base.strip_prefix("http://").unwrap();
    let mut socket = TcpStream::connect(address).await.unwrap();
    let head = format!(
        "POST /v1/payments HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {}\r\nIdempotency-Key: k\r\n\
         Content-Type: application/json\r\nContent-Length: 50\r\n\r\n{{\"orderId\":",
        world.key
    );
    socket.write_all(head.as_bytes()).await.unwrap();
    let mut answer = vec![0; 4_096];
    let read =
        tokio::time::timeout(Duration::from_secs(10), socket.read(&mut answer)).await.unwrap().unwrap();
    assert!(String::from_utf8_lossy(&answer[..read]).starts_with("HTTP/1.1 408"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crowd_is_told_that_nothing_was_tried() {
    let crowded = Limits { in_flight: 1, queued: 1, queue_within: Duration::from_millis(100), ..LIMITS };
    let world = World::with_limits("crowd", crowded).await;
    let path = world.created("order-1", 1_000).await;
    let slow =
        tokio::spawn(send(world.posting(&format!("{path}/confirm"), "k", &scripted(1_000, "sim:delay:600"))));
    let another = json!({"orderId": "order-2", "currency": "KRW", "totalAmount": 1});
    while world.issuer.truth().traces.is_empty() {
        assert!(!slow.is_finished(), "the place was never taken");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let refused = world.post("/v1/payments", "k-2", &another).await;
    assert_eq!(world.get(&path).await.status, 200, "reads have places of their own");
    assert_eq!(refused.header("retry-after"), Some("1"));
    assert_eq!(refused.problem("OVERLOADED")["outcome"], "not_attempted");
    assert_eq!(send(world.request(Method::GET, "/health/live")).await.json(), json!({"status": "live"}));
    assert_eq!(slow.await.unwrap().status, 200);
    assert_eq!(world.post("/v1/payments", "k-2", &another).await.status, 201, "the place is free again");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_sends_no_whole_head_is_closed() {
    let world =
        World::with_limits("loris", Limits { header_within: Duration::from_millis(200), ..LIMITS }).await;
    let mut socket = TcpStream::connect(world.base.strip_prefix("http://").unwrap()).await.unwrap();
    socket.write_all(b"GET /health/live HTTP/1.1\r\nHost: x\r\nX-Slow: ").await.unwrap();
    let mut answer = Vec::new();
    let closed = tokio::time::timeout(Duration::from_secs(10), socket.read_to_end(&mut answer)).await;
    assert!(closed.is_ok(), "still open");
    assert!(!String::from_utf8_lossy(&answer).starts_with("HTTP/1.1 200"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handler_that_panics_is_answered_with_a_problem() {
    let router = axum::Router::new()
        .route("/boom", axum::routing::get(async || -> &'static str { panic!("on purpose") }))
        .layer(axum::middleware::from_fn(ledger_api::context::layer));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(ledger_api::listen::serve(
        listener,
        router,
        LIMITS,
        tokio_util::sync::CancellationToken::new(),
    ));
    let _ = rustls::crypto::ring::default_provider().install_default();
    let reply = send(reqwest::Client::new().get(format!("{base}/boom"))).await;
    assert_eq!(reply.problem("INTERNAL_ERROR")["outcome"], "unknown");
    assert!(!String::from_utf8(reply.bytes).unwrap().contains("on purpose"));
}
