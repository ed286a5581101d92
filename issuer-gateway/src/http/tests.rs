//! Against the issuer simulator and against listeners that misbehave by hand, over real sockets.

use std::net::SocketAddr;

use chrono::TimeDelta;
use fakes::issuer::IssuerSimulator;
use ledger_core::payment::fact::AttemptKind;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::time::Instant;

use super::*;

const LONG: Duration = Duration::from_secs(20);

fn fixed_clock() -> DateTime<Utc> {
    DateTime::from_timestamp(1_795_000_000, 0).unwrap()
}

fn issuer(url: &str, read_ms: u64) -> HttpIssuer {
    let reference = reference::Issuer {
        issuer_id: "card-a".to_owned(),
        version: 1,
        endpoint_url: url.to_owned(),
        connect_timeout: Duration::from_millis(300),
        read_timeout: Duration::from_millis(read_ms),
        late_window: TimeDelta::seconds(5),
        validity: TimeDelta::hours(1),
    };
    HttpIssuer::open(&reference, Duration::from_secs(5), fixed_clock).unwrap()
}

fn authorization(trace_no: &str, token: &str) -> Message {
    let body = format!(
        r#"{{"traceDate":"2026-11-24","traceNo":"{trace_no}","amount":50000,"currency":"KRW","method":"CARD","token":"{token}","installmentMonths":0}}"#
    );
    Message {
        kind: AttemptKind::Auth,
        method: ledger_core::payment::fact::Method::Card,
        path: "/v1/authorizations",
        trace_no: trace_no.to_owned(),
        body: body.into_bytes(),
    }
}

fn reversal(original: &str) -> Message {
    let trace_no = format!("{original}-r");
    let body = format!(
        r#"{{"originalTraceDate":"2026-11-24","originalTraceNo":"{original}","traceDate":"2026-11-24","traceNo":"{trace_no}","amount":50000,"currency":"KRW"}}"#
    );
    Message {
        kind: AttemptKind::NetCancel,
        method: ledger_core::payment::fact::Method::Card,
        path: "/v1/reversals",
        trace_no,
        body: body.into_bytes(),
    }
}

/// The outcome and code of one authorization with this token at a simulator.
async fn outcome(token: &str) -> (ResultOutcome, Option<String>) {
    let simulator = IssuerSimulator::start("127.0.0.1:0").await.unwrap();
    let sent = issuer(&simulator.url(), 400).exchange(authorization("t", token), LONG).await;
    (sent.answer.outcome, sent.answer.issuer_code)
}

#[tokio::test]
async fn an_approval_carries_its_number() {
    let simulator = IssuerSimulator::start("127.0.0.1:0").await.unwrap();
    let to = issuer(&format!("{}/card-a/", simulator.url()), 5_000);
    let sent = to.exchange(authorization("t", "tok"), LONG).await;
    assert_eq!(sent.answer.outcome, ResultOutcome::Approved);
    assert_eq!(sent.answer.issuer_ref.as_deref(), Some("A0000001"));
    assert_eq!(sent.answer.source, ResultSource::Sync);
    assert!(sent.late.is_none());
    let sent = to.exchange(reversal("t"), LONG).await;
    assert_eq!(sent.answer.outcome, ResultOutcome::Reversed);
    assert_eq!(simulator.truth().totals.effective, 0);
}

#[tokio::test]
async fn every_way_an_issuer_fails_has_its_outcome() {
    use ResultOutcome::{Declined, Garbled, Reset, Timeout};
    let cases = [
        ("sim:decline:STOLEN", Declined, "STOLEN"),
        ("sim:drop", Timeout, "NO_ANSWER"),
        ("sim:garble", Garbled, "NOT_JSON"),
        ("sim:garble:content", Garbled, "NOT_JSON"),
        ("sim:garble:trace", Garbled, "OTHER_TRACE"),
        ("sim:garble:huge", Garbled, "TOO_LONG"),
        ("sim:garble:truncated", Reset, "CONNECTION_LOST"),
        ("sim:reset", Reset, "CONNECTION_LOST"),
        ("sim:reset-lost", Reset, "CONNECTION_LOST"),
        ("sim:error", Garbled, "HTTP_500"),
        ("sim:misspelt", Garbled, "HTTP_400"),
    ];
    for (token, expected, code) in cases {
        assert_eq!(outcome(token).await, (expected, Some(code.to_owned())), "{token}");
    }
}

/// R1: what the late fact is made of.
#[tokio::test]
async fn a_late_answer_comes_out_after_the_timeout() {
    let simulator = IssuerSimulator::start("127.0.0.1:0").await.unwrap();
    let started = Instant::now();
    let sent = issuer(&simulator.url(), 100).exchange(authorization("t", "sim:late:900"), LONG).await;
    assert_eq!(sent.answer.outcome, ResultOutcome::Timeout);
    assert!(started.elapsed() < Duration::from_millis(800), "the caller was not kept until the answer came");
    let late = sent.late.unwrap().await.unwrap();
    assert_eq!((late.outcome, late.source), (ResultOutcome::Approved, ResultSource::Late));
    assert_eq!(late.issuer_ref.as_deref(), Some("A0000001"));
    assert_eq!(simulator.truth().traces[0].authorization_requests, 1, "sent once");
}

#[tokio::test]
async fn the_callers_time_ends_the_waiting_before_the_issuers() {
    let simulator = IssuerSimulator::start("127.0.0.1:0").await.unwrap();
    let to = issuer(&simulator.url(), 20_000);
    let sent = to.exchange(authorization("t", "sim:drop"), Duration::from_millis(100)).await;
    assert_eq!(sent.answer.outcome, ResultOutcome::Timeout);
}

#[tokio::test]
async fn nobody_listening_proves_that_nothing_was_sent() {
    // Bound and never listening: the port is ours, and refuses.
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let url = format!("http://{}", socket.local_addr().unwrap());
    let sent = issuer(&url, 500).exchange(authorization("t", "tok"), LONG).await;
    assert_eq!(sent.answer.outcome, ResultOutcome::NotSent);
    assert_eq!(sent.answer.issuer_code.as_deref(), Some("NOT_CONNECTED"));
}

#[tokio::test]
async fn a_connection_that_is_never_made_proves_it_too() {
    // A full accept queue: the kernel drops further SYNs, as a dead host does.
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(0).unwrap();
    let address = listener.local_addr().unwrap();
    let mut queued = Vec::new();
    while let Ok(Ok(stream)) =
        tokio::time::timeout(Duration::from_millis(200), TcpStream::connect(address)).await
    {
        queued.push(stream);
    }
    let sent = issuer(&format!("http://{address}"), 5_000).exchange(authorization("t", "tok"), LONG).await;
    assert_eq!(sent.answer.outcome, ResultOutcome::NotSent);
    assert_eq!(sent.answer.issuer_code.as_deref(), Some("CONNECT_TIMEOUT"));
}

/// A server that treats each connection as `serve` says; the number of connections is the number of requests.
async fn by_hand<F, Fut>(serve: F) -> SocketAddr
where
    F: Fn(TcpStream) -> Fut + Send + 'static,
    Fut: Future<Output = ()> + Send,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            serve(stream).await;
        }
    });
    address
}

#[tokio::test]
async fn a_connection_accepted_and_reset_may_have_carried_the_request() {
    let address = by_hand(|stream| async move {
        stream.set_zero_linger().unwrap();
    })
    .await;
    let sent = issuer(&format!("http://{address}"), 2_000).exchange(authorization("t", "tok"), LONG).await;
    assert_eq!(sent.answer.outcome, ResultOutcome::Reset);
}

#[tokio::test]
async fn a_connection_closed_without_an_answer_is_no_proof_either() {
    let address = by_hand(|mut stream| async move {
        let mut buffer = [0; 4096];
        let _ = stream.read(&mut buffer).await;
    })
    .await;
    let sent = issuer(&format!("http://{address}"), 2_000).exchange(authorization("t", "tok"), LONG).await;
    assert_eq!(sent.answer.outcome, ResultOutcome::Reset);
}

#[tokio::test]
async fn bytes_that_are_no_http_and_redirects_are_garbled() {
    for reply in [
        "SSH-2.0-OpenSSH\r\n\r\n",
        "HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n",
    ] {
        let address = by_hand(move |mut stream| async move {
            let mut buffer = [0; 4096];
            let _ = stream.read(&mut buffer).await;
            let _ = stream.write_all(reply.as_bytes()).await;
        })
        .await;
        let sent =
            issuer(&format!("http://{address}"), 2_000).exchange(authorization("t", "tok"), LONG).await;
        assert_eq!(sent.answer.outcome, ResultOutcome::Garbled, "{reply}");
    }
}

#[test]
fn an_endpoint_that_is_no_address_is_refused() {
    for url in ["", "card-a", "ftp://issuer", "http://"] {
        let reference = reference::Issuer {
            issuer_id: "card-a".to_owned(),
            version: 1,
            endpoint_url: url.to_owned(),
            connect_timeout: Duration::from_secs(1),
            read_timeout: Duration::from_secs(1),
            late_window: TimeDelta::seconds(5),
            validity: TimeDelta::hours(1),
        };
        assert!(matches!(
            HttpIssuer::open(&reference, Duration::from_secs(5), fixed_clock),
            Err(OpenError::Endpoint(_))
        ));
    }
}

#[tokio::test]
async fn tls_is_spoken_to_an_https_endpoint() {
    // No TLS is spoken back: the handshake fails, so no byte of the request left.
    let address = by_hand(|mut stream| async move {
        let mut buffer = [0; 4096];
        let read = stream.read(&mut buffer).await.unwrap();
        assert_eq!(buffer[..2], [0x16, 0x03], "a TLS handshake, {read} bytes");
        let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n").await;
    })
    .await;
    let sent = issuer(&format!("https://{address}"), 2_000).exchange(authorization("t", "tok"), LONG).await;
    assert_eq!(sent.answer.outcome, ResultOutcome::NotSent);
    assert_eq!(sent.answer.issuer_code.as_deref(), Some("NOT_CONNECTED"));
}
