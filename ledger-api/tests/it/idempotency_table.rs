//! Every endpoint that writes × everything that can become of its key, from one table. The rows are the POSTs of the OpenAPI
//! document: a new one without a row fails here.

use std::collections::BTreeSet;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use crate::programs::serve;
use crate::support::{LIMITS, Reply, World, card, deposit, new_key, scripted, send};

/// One request to an endpoint, and what becomes of it.
struct Case {
    path: String,
    body: Value,
    status: u16,
    /// The same with other values, and the fields that differ.
    other: Value,
    differing: Vec<&'static str>,
}

type Made<'a> = Pin<Box<dyn Future<Output = Case> + Send + 'a>>;
/// Makes whatever a case needs; the name is new each time.
type Make = for<'a> fn(&'a World, String) -> Made<'a>;

/// A row of the table.
struct Row {
    path: &'static str,
    /// Ends well.
    done: Make,
    /// Ends in a refusal that is final.
    refused: Make,
    /// Takes the issuer half a second; or why nobody can meet it running.
    running: Result<Make, &'static str>,
}

const ROWS: &[Row] = &[
    Row {
        path: "/v1/payments",
        done: |_, name| Box::pin(async move { create(&name, 201) }),
        refused: |world, name| {
            Box::pin(async move {
                world.created(&name, 1_000).await;
                create(&name, 409)
            })
        },
        running: Err("one commit: it is not there, or it has ended"),
    },
    Row {
        path: "/v1/payments",
        done: |_, name| Box::pin(async move { create_and_confirm(&name, "sim:approve", 201) }),
        refused: |_, name| Box::pin(async move { create_and_confirm(&name, "sim:decline", 402) }),
        running: Ok(|_, name| Box::pin(async move { create_and_confirm(&name, "sim:delay:500", 201) })),
    },
    Row {
        path: "/v1/payments/{paymentId}/confirm",
        done: |world, name| Box::pin(confirm(world, name, "sim:approve", 200)),
        refused: |world, name| Box::pin(confirm(world, name, "sim:decline", 402)),
        running: Ok(|world, name| Box::pin(confirm(world, name, "sim:delay:500", 200))),
    },
    Row {
        path: "/v1/payments/{paymentId}/approvals/{leg}/attempts",
        done: |world, name| Box::pin(attempt(world, name, 1_000, 201)),
        refused: |world, name| Box::pin(attempt(world, name, 1_001, 422)),
        running: Err("one commit: it is not there, or it has ended"),
    },
    Row {
        path: "/v1/payments/{paymentId}/approvals/{leg}/attempts/{attemptNo}/result",
        done: |world, name| Box::pin(result(world, name)),
        refused: |world, name| Box::pin(differing_leg(world, name)),
        running: Err("one commit: it is not there, or it has ended"),
    },
    Row {
        path: "/v1/payments/{paymentId}/cancellations",
        done: |world, name| Box::pin(cancel(world, name, "sim:approve", 300, 200)),
        refused: |world, name| Box::pin(cancel(world, name, "sim:approve", 5_000, 409)),
        running: Ok(|world, name| Box::pin(cancel(world, name, "sim:delay-cancel:500", 300, 200))),
    },
    Row {
        path: "/v1/payments/{paymentId}/deposits",
        done: |world, name| {
            Box::pin(async move {
                let (path, _) = world.waiting(&name, 1_000).await;
                deposited(&path, &name, 200)
            })
        },
        refused: |world, name| {
            Box::pin(async move {
                let path = world.paid(&name, 1_000).await;
                deposited(&path, &name, 422)
            })
        },
        running: Err("one commit: it is not there, or it has ended"),
    },
    Row {
        path: "/v1/payments/{paymentId}/deposit-refunds",
        done: |world, name| Box::pin(refund(world, name, 500, 200)),
        refused: |world, name| Box::pin(refund(world, name, 501, 409)),
        running: Err("one commit: it is not there, or it has ended"),
    },
    Row {
        path: "/v1/payments/{paymentId}/deposit-refunds/{refundNo}/result",
        done: |world, name| Box::pin(refund_ended(world, name, 1, 200)),
        refused: |world, name| Box::pin(refund_ended(world, name, 2, 404)),
        running: Err("one commit: it is not there, or it has ended"),
    },
];

fn deposited(path: &str, name: &str, status: u16) -> Case {
    Case {
        path: format!("{path}/deposits"),
        body: deposit(&format!("r-{name}"), 400),
        status,
        other: json!({"leg": 1, "bankReference": "other", "amount": 400, "depositedAt": "2026-11-24T00:00:00Z"}),
        differing: vec!["/bankReference", "/depositedAt", "/leg"],
    }
}

/// A payment of 1,000 that 1,500 were deposited for.
async fn overpaid(world: &World, name: &str) -> String {
    let (path, _) = world.waiting(name, 1_000).await;
    let body = deposit(&format!("r-{name}"), 1_500);
    let reply = world.post(&format!("{path}/deposits"), &format!("deposit-{name}"), &body).await;
    assert_eq!(reply.json()["payment"]["suspenseAmount"], 500, "{:#}", reply.json());
    path
}

fn refund_of(amount: i64) -> Value {
    json!({"amount": amount, "reason": "too much", "refundReceiveAccount": {"bankCode": "088", "token": "acct"}})
}

async fn refund(world: &World, name: String, amount: i64, status: u16) -> Case {
    let path = overpaid(world, &name).await;
    Case {
        path: format!("{path}/deposit-refunds"),
        body: refund_of(amount),
        status,
        other: refund_of(7),
        differing: vec!["/amount"],
    }
}

async fn refund_ended(world: &World, name: String, number: u16, status: u16) -> Case {
    let path = format!("{}/deposit-refunds", overpaid(world, &name).await);
    let asked = world.post(&path, &format!("refund-{name}"), &refund_of(100)).await;
    assert_eq!(asked.json()["refund"]["refundNo"], 1, "{:#}", asked.json());
    Case {
        path: format!("{path}/{number}/result"),
        body: json!({"outcome": "DONE"}),
        status,
        other: json!({"outcome": "FAILED", "bankReference": "out-1"}),
        differing: vec!["/bankReference", "/outcome"],
    }
}

fn create(name: &str, status: u16) -> Case {
    Case {
        path: "/v1/payments".to_owned(),
        body: json!({"orderId": name, "currency": "KRW", "totalAmount": 1_000}),
        status,
        other: json!({"orderId": name, "currency": "USD", "totalAmount": 1_000, "taxFreeAmount": 0}),
        differing: vec!["/currency", "/taxFreeAmount"],
    }
}

fn create_and_confirm(name: &str, token: &str, status: u16) -> Case {
    let body = |confirm: Value| json!({"orderId": name, "currency": "KRW", "totalAmount": 1_000, "confirm": confirm});
    Case {
        path: "/v1/payments".to_owned(),
        body: body(scripted(1_000, token)),
        status,
        other: body(scripted(1_000, "another")),
        differing: vec!["/confirm/approvals/0/methodToken"],
    }
}

async fn confirm(world: &World, name: String, token: &str, status: u16) -> Case {
    let path = world.created(&name, 1_000).await;
    Case {
        path: format!("{path}/confirm"),
        body: scripted(1_000, token),
        status,
        other: scripted(1_000, "another"),
        differing: vec!["/approvals/0/methodToken"],
    }
}

async fn cancel(world: &World, name: String, token: &str, amount: i64, status: u16) -> Case {
    let path = world.created(&name, 1_000).await;
    let paid =
        world.post(&format!("{path}/confirm"), &format!("confirm-{name}"), &scripted(1_000, token)).await;
    assert_eq!(paid.status, 200, "{:#}", paid.json());
    Case {
        path: format!("{path}/cancellations"),
        body: json!({"cancelAmount": amount, "reason": "one"}),
        status,
        other: json!({"reason": "two"}),
        differing: vec!["/cancelAmount", "/reason"],
    }
}

async fn attempt(world: &World, name: String, amount: i64, status: u16) -> Case {
    let path = world.created(&name, 1_000).await;
    let body = |amount: i64| json!({"method": "CARD", "issuerId": "card", "amount": amount});
    Case {
        path: format!("{path}/approvals/1/attempts"),
        body: body(amount),
        status,
        other: body(999),
        differing: vec!["/amount"],
    }
}

async fn result(world: &World, name: String) -> Case {
    let path = format!("{}/approvals/1/attempts", world.created(&name, 1_000).await);
    let body = json!({"method": "CARD", "issuerId": "card", "amount": 1_000});
    let told = world.post(&path, &format!("attempt-{name}"), &body).await;
    assert_eq!(told.status, 201, "{:#}", told.json());
    Case {
        path: format!("{path}/1/result"),
        body: json!({"outcome": "APPROVED", "issuerReference": "A-1"}),
        status: 200,
        other: json!({"outcome": "DECLINED"}),
        differing: vec!["/issuerReference", "/outcome"],
    }
}

/// No result is refused for good: what has happened is recorded. So this is a refusal of the attempt before it.
async fn differing_leg(world: &World, name: String) -> Case {
    let case = result(world, name).await;
    let not_sent = world.post(&case.path, "not sent", &json!({"outcome": "NOT_SENT"})).await;
    assert_eq!(not_sent.status, 200, "{:#}", not_sent.json());
    Case {
        path: case.path.trim_end_matches("/1/result").to_owned(),
        body: json!({"method": "CARD", "issuerId": "card", "amount": 999}),
        status: 409,
        other: json!({"method": "CARD", "issuerId": "card", "amount": 998}),
        differing: vec!["/amount"],
    }
}

/// The columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Column {
    Missing,
    Malformed,
    FirstUse,
    Replayed,
    RefusalReplayed,
    OtherBody,
    Running,
    OtherMerchant,
    RejectedBefore,
    Unavailable,
    TwoProcesses,
    AfterRestart,
}

const COLUMNS: [Column; 12] = [
    Column::Missing,
    Column::Malformed,
    Column::FirstUse,
    Column::Replayed,
    Column::RefusalReplayed,
    Column::OtherBody,
    Column::Running,
    Column::OtherMerchant,
    Column::RejectedBefore,
    Column::Unavailable,
    Column::TwoProcesses,
    Column::AfterRestart,
];

/// What a cell works with.
struct Table {
    world: World,
    /// A further process in front of the same ledger.
    second: String,
    /// `<keyId>.<secret>` of merchant `m-2`.
    stranger: String,
    names: AtomicU32,
}

impl Table {
    /// A name that nothing has yet; also a key.
    fn name(&self) -> String {
        format!("n-{}", self.names.fetch_add(1, Ordering::Relaxed))
    }

    async fn case(&self, make: Make) -> Case {
        make(&self.world, self.name()).await
    }

    fn bare(&self, case: &Case) -> RequestBuilder {
        self.world.request(Method::POST, &case.path)
    }

    fn at(&self, base: &str, case: &Case, key: &str) -> RequestBuilder {
        let request = self.world.client.post(format!("{base}{}", case.path)).bearer_auth(&self.world.key);
        request.header("Idempotency-Key", key).json(&case.body)
    }

    async fn first(&self, case: &Case, key: &str) -> Reply {
        let fresh = self.world.post(&case.path, key, &case.body).await;
        assert_eq!(fresh.status, case.status, "{}", String::from_utf8_lossy(&fresh.bytes));
        assert_eq!(fresh.header("idempotency-replayed"), None);
        fresh
    }

    /// Does something that must leave no row anywhere.
    async fn without_trace<T>(&self, work: impl Future<Output = T>) -> T {
        let before = self.world.rows().await;
        let done = work.await;
        assert_eq!(self.world.rows().await, before, "rows were written");
        done
    }
}

#[track_caller]
fn same(replayed: &Reply, fresh: &Reply) {
    assert_eq!(replayed.header("idempotency-replayed"), Some("true"));
    assert_eq!((replayed.status, &replayed.bytes), (fresh.status, &fresh.bytes));
    for name in ["content-type", "location", "etag"] {
        assert_eq!(replayed.header(name), fresh.header(name), "{name}");
    }
}

async fn missing(table: &Table, row: &Row) {
    let case = table.case(row.done).await;
    let reply = table.without_trace(send(table.bare(&case).json(&case.body))).await;
    assert_eq!(reply.status, 400);
    reply.problem("IDEMPOTENCY_KEY_MISSING");
}

async fn malformed(table: &Table, row: &Row) {
    let case = table.case(row.done).await;
    let long = "k".repeat(301);
    let bad: [&[u8]; 5] = [b"", long.as_bytes(), "키".as_bytes(), b"tab\there", b"\xff"];
    for key in bad {
        let reply = send(table.bare(&case).header("Idempotency-Key", key).json(&case.body));
        let reply = table.without_trace(reply).await;
        assert_eq!(reply.status, 400, "{key:?}");
        reply.problem("IDEMPOTENCY_KEY_INVALID");
    }
    let twice = table.bare(&case).header("Idempotency-Key", "a").header("Idempotency-Key", "a");
    table.without_trace(send(twice.json(&case.body))).await.problem("IDEMPOTENCY_KEY_INVALID");
}

async fn first_use(table: &Table, row: &Row) {
    let case = table.case(row.done).await;
    let (short, long) = (table.name(), table.name());
    let key = format!("{short}{}", "~".repeat(300 - short.len()));
    table.first(&case, &key).await;
    // another key is another request: it does not get the first one's answer
    let again = table.world.post(&case.path, &long, &case.body).await;
    assert_eq!(again.header("idempotency-replayed"), None);
}

async fn replayed(table: &Table, row: &Row) {
    let (case, key) = (table.case(row.done).await, table.name());
    let fresh = table.first(&case, &key).await;
    let again = table.without_trace(table.world.post(&case.path, &key, &case.body)).await;
    same(&again, &fresh);
    let elsewhere = table.without_trace(send(table.at(&table.second, &case, &key))).await;
    same(&elsewhere, &fresh);
}

async fn refusal_replayed(table: &Table, row: &Row) {
    let (case, key) = (table.case(row.refused).await, table.name());
    let fresh = table.first(&case, &key).await;
    assert_eq!(fresh.header("content-type"), Some("application/problem+json"));
    for base in [&table.world.base, &table.second] {
        let again = table.without_trace(send(table.at(base, &case, &key))).await;
        same(&again, &fresh);
    }
}

async fn other_body(table: &Table, row: &Row) {
    let (case, key) = (table.case(row.done).await, table.name());
    table.first(&case, &key).await;
    let reused = table.without_trace(table.world.post(&case.path, &key, &case.other)).await;
    assert_eq!(reused.status, 422);
    let problem = reused.problem("IDEMPOTENCY_KEY_REUSED");
    let errors = problem["errors"].as_array().unwrap();
    let named: Vec<_> = errors.iter().map(|error| error["pointer"].as_str().unwrap()).collect();
    assert_eq!(named, case.differing);
}

/// Whoever comes while it runs is told so, by either process, and that is all that happens. The issuer takes half a second;
/// on a machine that takes longer to ask, it is tried again.
async fn running(table: &Table, row: &Row) {
    let Ok(make) = row.running else { return };
    for _ in 0..5 {
        let (case, key) = (table.case(make).await, table.name());
        let claims = table.world.count("idempotency_claim").await;
        let first = tokio::spawn(send(table.at(&table.world.base, &case, &key)));
        while table.world.count("idempotency_claim").await == claims {
            assert!(!first.is_finished(), "it ended without a claim");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        let meanwhile = send(table.at(&table.second, &case, &key)).await;
        let first = first.await.unwrap();
        assert_eq!(first.status, case.status, "{}", String::from_utf8_lossy(&first.bytes));
        if meanwhile.status == 409 {
            assert_eq!(meanwhile.problem("REQUEST_IN_PROGRESS")["outcome"], "unknown");
        }
        if matches!(meanwhile.status.as_u16(), 202 | 409) {
            assert!(meanwhile.header("retry-after").is_some());
            assert_eq!(meanwhile.header("idempotency-replayed"), None);
            return;
        }
        assert_eq!((meanwhile.status, meanwhile.bytes), (first.status, first.bytes));
    }
    panic!("it was never met running");
}

async fn other_merchant(table: &Table, row: &Row) {
    let (case, key) = (table.case(row.done).await, table.name());
    let fresh = table.first(&case, &key).await;
    let request = table.world.client.post(format!("{}{}", table.world.base, case.path));
    let stranger = request.bearer_auth(&table.stranger).header("Idempotency-Key", &key).json(&case.body);
    let theirs = send(stranger).await;
    assert_eq!(theirs.header("idempotency-replayed"), None);
    assert_ne!(theirs.bytes, fresh.bytes);
    assert!(matches!(theirs.status.as_u16(), 201 | 404), "{}", theirs.status);
    same(&table.world.post(&case.path, &key, &case.body).await, &fresh);
}

async fn rejected_before(table: &Table, row: &Row) {
    let (case, key) = (table.case(row.done).await, table.name());
    let (world, url) = (&table.world, format!("{}{}", table.world.base, case.path));
    let keyed = || world.request(Method::POST, &case.path).header("Idempotency-Key", &key);
    let json_text = |text: &'static str| keyed().header("Content-Type", "application/json").body(text);
    let nobody = world.client.post(url).header("Idempotency-Key", &key).json(&case.body);
    let mut unknown = case.body.clone();
    unknown["noSuchField"] = json!(1);
    let mut carded = case.body.clone();
    carded["reason"] = json!("4111 1111 1111 1111");
    let query = world.request(Method::POST, &format!("{}?a=1", case.path)).header("Idempotency-Key", &key);
    let large = format!("\"{}\"", " ".repeat(LIMITS.body_bytes));
    let rejections = [
        (nobody, 401, "UNAUTHORIZED"),
        (json_text("{\"a\": "), 400, "MALFORMED_JSON"),
        (json_text("[]"), 400, "INVALID_FIELDS"),
        (keyed().body("a=1"), 415, "UNSUPPORTED_MEDIA_TYPE"),
        (keyed().json(&unknown), 400, "INVALID_FIELDS"),
        (keyed().json(&carded), 400, "CARD_NUMBER_REFUSED"),
        (keyed().header("Content-Type", "application/json").body(large), 413, "BODY_TOO_LARGE"),
        (keyed().header("X-Request-Timeout-Ms", "x").json(&case.body), 400, "INVALID_PARAMETER"),
        (query.json(&case.body), 400, "INVALID_PARAMETER"),
    ];
    for (request, status, code) in rejections {
        let reply = table.without_trace(send(request)).await;
        assert_eq!(reply.status, status, "{code}: {}", String::from_utf8_lossy(&reply.bytes));
        assert_eq!(reply.problem(code)["outcome"], "not_attempted");
    }
    table.first(&case, &key).await;
}

async fn unavailable(table: &Table, row: &Row) {
    let (case, key) = (table.case(row.done).await, table.name());
    let before = table.world.rows().await;
    table.world.administer("RENAME TABLE api_key TO api_key_away").await;
    let refused = async {
        loop {
            let bad_body = table.bare(&case).header("Idempotency-Key", &key).json(&json!({}));
            let reply = send(bad_body).await;
            if reply.status == 503 {
                return reply;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let refused = tokio::time::timeout(Duration::from_secs(10), refused).await;
    let reply = table.world.post(&case.path, &key, &case.body).await;
    table.world.administer("RENAME TABLE api_key_away TO api_key").await;
    for reply in [refused.unwrap(), reply] {
        assert_eq!(reply.problem("LEDGER_UNAVAILABLE")["outcome"], "not_attempted");
        assert!(reply.header("retry-after").is_some());
    }
    assert_eq!(table.world.rows().await, before);
    table.first(&case, &key).await;
}

async fn two_processes(table: &Table, row: &Row) {
    let (case, key) = (table.case(row.done).await, table.name());
    let calls: Vec<_> = (0..8)
        .map(|n| tokio::spawn(send(table.at([&table.world.base, &table.second][n % 2], &case, &key))))
        .collect();
    let (mut ended, mut fresh) = (BTreeSet::new(), 0);
    for call in calls {
        let reply: Reply = call.await.unwrap();
        if matches!(reply.status.as_u16(), 202 | 409) {
            assert!(reply.header("retry-after").is_some(), "{}", String::from_utf8_lossy(&reply.bytes));
            continue;
        }
        assert_eq!(reply.status, case.status, "{}", String::from_utf8_lossy(&reply.bytes));
        fresh += u32::from(reply.header("idempotency-replayed").is_none());
        ended.insert(reply.bytes);
    }
    assert_eq!(ended.len(), 1, "one answer");
    assert!(fresh >= 1, "somebody did it");
    let again = table.without_trace(table.world.post(&case.path, &key, &case.body)).await;
    assert_eq!((again.header("idempotency-replayed"), ended.contains(&again.bytes)), (Some("true"), true));
}

async fn after_restart(table: &Table, row: &Row) {
    let cases = [table.case(row.done).await, table.case(row.refused).await];
    let keys = [table.name(), table.name()];
    let (mut process, base, _) = serve(&table.world.db).await;
    let mut fresh = Vec::new();
    for (case, key) in cases.iter().zip(&keys) {
        let reply = send(table.at(&base, case, key)).await;
        assert_eq!(reply.status, case.status, "{}", String::from_utf8_lossy(&reply.bytes));
        fresh.push(reply);
    }
    process.kill().await.unwrap();
    let (_process, base, _) = serve(&table.world.db).await;
    for ((case, key), fresh) in cases.iter().zip(&keys).zip(&fresh) {
        same(&table.without_trace(send(table.at(&base, case, key))).await, fresh);
    }
}

async fn cell(table: Arc<Table>, row: &'static Row, column: Column) {
    match column {
        Column::Missing => missing(&table, row).await,
        Column::Malformed => malformed(&table, row).await,
        Column::FirstUse => first_use(&table, row).await,
        Column::Replayed => replayed(&table, row).await,
        Column::RefusalReplayed => refusal_replayed(&table, row).await,
        Column::OtherBody => other_body(&table, row).await,
        Column::Running => running(&table, row).await,
        Column::OtherMerchant => other_merchant(&table, row).await,
        Column::RejectedBefore => rejected_before(&table, row).await,
        Column::Unavailable => unavailable(&table, row).await,
        Column::TwoProcesses => two_processes(&table, row).await,
        Column::AfterRestart => after_restart(&table, row).await,
    }
}

/// Every POST of the document has a row, and every row a POST.
#[test]
fn the_table_has_a_row_for_every_endpoint_that_writes() {
    let document = ledger_api::openapi::document();
    let paths = document["paths"].as_object().unwrap();
    let posts: BTreeSet<_> =
        paths.iter().filter(|(_, item)| item["post"].is_object()).map(|(path, _)| path.as_str()).collect();
    let rows: BTreeSet<_> = ROWS.iter().map(|row| row.path).collect();
    assert_eq!(rows, posts, "the rows on the left, the document on the right");
}

/// §11.7, I14
#[tokio::test(flavor = "multi_thread")]
async fn every_endpoint_gives_every_outcome_of_its_key() {
    let world = World::start("idem_table").await;
    let (second, stranger) = (world.second_service().await, new_key(&world.admin, "m-2").await);
    // the first use of a card is a shop's everyday case: nothing of the table depends on the method
    assert_eq!(
        world.post(&format!("{}/confirm", world.created("warm", 1).await), "warm", &card(1)).await.status,
        200
    );
    let table = Arc::new(Table { world, second, stranger, names: AtomicU32::new(0) });
    let (mut failed, mut passed) = (Vec::new(), 0);
    for row in ROWS {
        for column in COLUMNS {
            match tokio::spawn(cell(Arc::clone(&table), row, column)).await {
                Ok(()) => passed += 1,
                Err(panic) => failed.push(format!("{} × {column:?}: {panic}", row.path)),
            }
        }
    }
    assert!(failed.is_empty(), "{passed} passed, these did not:\n{}", failed.join("\n"));
    assert_eq!(passed, ROWS.len() * COLUMNS.len());
    // I14: however often it was asked, each authorization was sent once
    let traces = table.world.issuer.truth().traces;
    assert!(traces.iter().all(|trace| trace.authorization_requests <= 1), "{traces:?}");
    let unmet: Vec<_> = ROWS.iter().filter_map(|row| row.running.err().map(|why| (row.path, why))).collect();
    assert_eq!(unmet.len(), 6, "what nobody can meet running is said with its reason: {unmet:?}");
}
