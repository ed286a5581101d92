//! I16: card numbers are smuggled in wherever a text goes in, and then looked for wherever a text stays.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use e2e::consumer;
use e2e::scan::{self, Hit, Left};
use e2e::tool;
use ledger_core::event::position::Topic;
use rdkafka::config::ClientConfig;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use sqlx::AssertSqlSafe;
use sqlx::mysql::MySqlPool;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::world::{World, confirmed, created};

/// How a number is dressed up.
const DRESSES: [fn(&str) -> String; 8] = [
    str::to_owned,
    |number| grouped(number, " "),
    |number| grouped(number, "-"),
    |number| grouped(number, "."),
    |number| grouped(number, "_"),
    |number| format!("x{number}y"),
    |number| format!("17-{number}"),
    |number| {
        number
            .chars()
            .map(|c| char::from_u32(u32::from(c) - u32::from('0') + u32::from('０')).unwrap())
            .collect()
    },
];

fn grouped(number: &str, separator: &str) -> String {
    [&number[..4], &number[4..8], &number[8..12], &number[12..]].join(separator)
}

/// Numbers that pass the Luhn check, of nobody, each told to one place only.
#[derive(Default)]
struct Smuggler {
    told: BTreeMap<String, String>,
}

impl Smuggler {
    fn number(&mut self, place: impl Into<String>) -> String {
        let body = format!("400000{:09}", self.told.len() + 1);
        let sum: u32 = body
            .chars()
            .rev()
            .filter_map(|c| c.to_digit(10))
            .enumerate()
            .map(|(at, digit)| if at % 2 == 1 { digit } else { digit * 2 / 10 + digit * 2 % 10 })
            .sum();
        let number = format!("{body}{}", (10 - sum % 10) % 10);
        self.told.insert(number.clone(), place.into());
        number
    }

    fn numbers(&self) -> BTreeSet<String> {
        self.told.keys().cloned().collect()
    }

    /// What was found, with where it was told.
    fn said(&self, hits: &BTreeSet<Hit>) -> Vec<String> {
        hits.iter()
            .map(|hit| {
                let told = self.told.get(&hit.digits).map_or("nowhere", String::as_str);
                format!("{} in {}, told to {told}", hit.digits, hit.place)
            })
            .collect()
    }
}

/// Bodies with every text field there is, by endpoint.
fn bodies(paid: &str, ready: &str, asked: &str) -> Vec<(&'static str, String, Value)> {
    let leg = json!({"method": "CARD", "issuerId": "card-1", "amount": 50_000, "card": {"bin": "411111", "last4": "1111"},
                     "methodToken": "token"});
    vec![
        (
            "/v1/payments",
            "/v1/payments".to_owned(),
            json!({"orderId": "order", "currency": "KRW", "totalAmount": 50_000, "confirm": {"approvals": [leg]}}),
        ),
        (
            "/v1/payments/{paymentId}/confirm",
            format!("/v1/payments/{ready}/confirm"),
            json!({"approvals": [leg]}),
        ),
        (
            "/v1/payments/{paymentId}/approvals/{leg}/attempts",
            format!("/v1/payments/{ready}/approvals/1/attempts"),
            leg,
        ),
        (
            "/v1/payments/{paymentId}/approvals/{leg}/attempts/{attemptNo}/result",
            format!("/v1/payments/{asked}/approvals/1/attempts/1/result"),
            json!({"outcome": "APPROVED", "issuerReference": "A-1", "issuerCode": "00",
                   "receivedAt": "2026-11-24T12:00:00+09:00"}),
        ),
        (
            "/v1/payments/{paymentId}/cancellations",
            format!("/v1/payments/{paid}/cancellations"),
            json!({"cancelAmount": 1, "reason": "one", "allocation": "PRORATA",
                   "refundReceiveAccount": {"bankCode": "088", "token": "token"}}),
        ),
        (
            "/v1/payments/{paymentId}/deposits",
            format!("/v1/payments/{paid}/deposits"),
            json!({"bankReference": "transfer-1", "amount": 1, "depositedAt": "2026-11-24T12:00:00+09:00"}),
        ),
        (
            "/v1/payments/{paymentId}/deposit-refunds",
            format!("/v1/payments/{paid}/deposit-refunds"),
            json!({"amount": 1, "reason": "one", "refundReceiveAccount": {"bankCode": "088", "token": "token"}}),
        ),
        (
            "/v1/payments/{paymentId}/deposit-refunds/{refundNo}/result",
            format!("/v1/payments/{paid}/deposit-refunds/1/result"),
            json!({"outcome": "DONE", "bankReference": "transfer-1"}),
        ),
    ]
}

/// Pointers to every text of a body, and to every object.
fn places(value: &Value, at: &str, texts: &mut Vec<String>, objects: &mut Vec<String>) {
    match value {
        Value::String(_) => texts.push(at.to_owned()),
        Value::Object(map) => {
            objects.push(at.to_owned());
            map.iter().for_each(|(name, item)| places(item, &format!("{at}/{name}"), texts, objects));
        }
        Value::Array(items) => {
            let items = items.iter().enumerate();
            items.for_each(|(index, item)| places(item, &format!("{at}/{index}"), texts, objects));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

struct Attack<'a> {
    world: &'a World,
    http: reqwest::Client,
    smuggler: Smuggler,
    keys: u32,
    replies: Vec<Left>,
}

impl Attack<'_> {
    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let url = format!("{}{path}", self.world.env.get("API_URL").unwrap());
        self.http.request(method, url).bearer_auth(self.world.env.get("API_KEY").unwrap())
    }

    async fn send(&mut self, place: &str, request: RequestBuilder) {
        let Ok(reply) = request.send().await else { return };
        assert!(reply.status().as_u16() < 500, "{place}: {}", reply.status());
        let headers = format!("{:?}", reply.headers());
        let text = format!("{headers}{}", reply.text().await.unwrap());
        self.replies.push(Left { place: format!("the reply to {place}"), text });
    }

    async fn post(&mut self, place: &str, path: &str, body: &Value) {
        self.keys += 1;
        let request =
            self.request(Method::POST, path).header("Idempotency-Key", format!("cards-{}", self.keys));
        self.send(place, request.json(body)).await;
    }

    async fn bodies(&mut self, paid: &str, ready: &str, asked: &str) {
        let bodies = bodies(paid, ready, asked);
        covers_every_endpoint(&bodies);
        for (endpoint, path, body) in bodies {
            let (mut texts, mut objects) = (Vec::new(), Vec::new());
            places(&body, "", &mut texts, &mut objects);
            for (dress, wear) in DRESSES.iter().enumerate() {
                for text in &texts {
                    let place = format!("{endpoint} {text} dress {dress}");
                    let mut body = body.clone();
                    *body.pointer_mut(text).unwrap() = json!(wear(&self.smuggler.number(&place)));
                    self.post(&place, &path, &body).await;
                }
                for object in &objects {
                    let place = format!("{endpoint} a key in {object:?} dress {dress}");
                    let mut body = body.clone();
                    let map = body.pointer_mut(object).unwrap().as_object_mut().unwrap();
                    map.insert(
                        wear(&self.smuggler.number(&place)),
                        json!(wear(&self.smuggler.number(&place))),
                    );
                    self.post(&place, &path, &body).await;
                }
                let place = format!("{endpoint} broken JSON dress {dress}");
                let text = format!("{{\"a\": \"{}\"", wear(&self.smuggler.number(&place)));
                let request = self.request(Method::POST, &path).header("Idempotency-Key", "broken");
                self.send(&place, request.header("Content-Type", "application/json").body(text)).await;
            }
        }
    }

    async fn headers_and_addresses(&mut self, paid: &str) {
        let headers = [
            "Idempotency-Key",
            "X-Request-Id",
            "traceparent",
            "tracestate",
            "User-Agent",
            "Referer",
            "Content-Type",
            "Cookie",
            "X-Request-Timeout-Ms",
            "Authorization",
            "If-Match",
            "X-Forwarded-For",
        ];
        let mut order = 0;
        for (dress, wear) in DRESSES.iter().enumerate() {
            for header in headers {
                let place = format!("header {header} dress {dress}");
                let value = wear(&self.smuggler.number(&place));
                let value = match header {
                    "traceparent" => format!("00-aaaaaaaa{value}bbbbbbbb-b7ad6b7169203331-01"),
                    "Authorization" => format!("Bearer {value}.{value}"),
                    _ => value,
                };
                order += 1;
                let body =
                    json!({"orderId": format!("headers-{order}"), "currency": "KRW", "totalAmount": 1});
                let mut request = self.request(Method::POST, "/v1/payments");
                if header != "Idempotency-Key" {
                    request = request.header("Idempotency-Key", format!("headers-{order}"));
                }
                self.send(&place, request.json(&body).header(header, value.as_bytes())).await;
            }
            for template in [
                "/v1/payments/orders/{}",
                "/v1/payments/{}",
                "/problems/{}",
                "/{}",
                "/v1/payments/PAID/cancellations/{}",
                "/v1/payments/PAID/cancellations?cursor={}",
                "/v1/payments/PAID/events?limit={}",
                "/v1/payments/PAID/events?{}=1",
                "/v1/payments/PAID?a={}",
            ] {
                let place = format!("GET {template} dress {dress}");
                let path = template.replace("PAID", paid).replace("{}", &wear(&self.smuggler.number(&place)));
                let request = self.request(Method::GET, &path);
                self.send(&place, request).await;
            }
        }
    }
}

/// The table above knows every POST of the document, and every text field of their bodies.
fn covers_every_endpoint(bodies: &[(&'static str, String, Value)]) {
    let document: Value = serde_json::from_str(include_str!("../../../../docs/openapi.json")).unwrap();
    let posts: BTreeSet<_> = document["paths"]
        .as_object()
        .unwrap()
        .iter()
        .filter(|(_, item)| item["post"].is_object())
        .map(|(path, _)| path.as_str())
        .collect();
    let known: BTreeSet<_> = bodies.iter().map(|(endpoint, _, _)| *endpoint).collect();
    assert_eq!(known, posts, "the bodies above on the left, the document on the right");
    for (endpoint, _, body) in bodies {
        let (mut texts, mut objects) = (Vec::new(), Vec::new());
        places(body, "", &mut texts, &mut objects);
        let named: BTreeSet<_> = texts.iter().filter_map(|at| at.rsplit('/').next()).collect();
        let schema =
            &document["paths"][endpoint]["post"]["requestBody"]["content"]["application/json"]["schema"];
        let mut wanted = BTreeSet::new();
        text_fields(&document, schema, &mut wanted);
        let missing: Vec<_> = wanted.iter().filter(|name| !named.contains(name.as_str())).collect();
        assert!(missing.is_empty(), "{endpoint}: the body above lacks {missing:?}");
    }
}

/// Names of the text fields below a schema.
fn text_fields(document: &Value, schema: &Value, names: &mut BTreeSet<String>) {
    if let Some(reference) = schema["$ref"].as_str() {
        let schema = document.pointer(reference.trim_start_matches('#')).unwrap();
        return text_fields(document, schema, names);
    }
    for part in ["oneOf", "allOf", "anyOf"].iter().filter_map(|name| schema[*name].as_array()).flatten() {
        text_fields(document, part, names);
    }
    text_fields_of_items(document, schema, names);
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        if property["type"] == "string" {
            names.insert(name.clone());
        }
        text_fields(document, property, names);
    }
}

fn text_fields_of_items(document: &Value, schema: &Value, names: &mut BTreeSet<String>) {
    if schema["items"].is_object() {
        text_fields(document, &schema["items"], names);
    }
}

/// An issuer that puts a card number wherever an answer has room, one answer after the other.
async fn hostile_issuer(smuggler: &mut Smuggler) -> (String, usize) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let mut answers = Vec::new();
    for (dress, wear) in DRESSES.iter().enumerate() {
        let mut dressed = |place: &str| wear(&smuggler.number(format!("issuer's {place} dress {dress}")));
        answers.push((200, json!({"result": "APPROVED", "authNo": dressed("authNo")}).to_string()));
        answers.push((200, json!({"result": "DECLINED", "code": dressed("code")}).to_string()));
        answers.push((200, json!({"result": dressed("result"), "authNo": "A1"}).to_string()));
        answers.push((200, json!({"result": "DECLINED", "code": "51", "more": dressed("more")}).to_string()));
        answers.push((200, dressed("garbage")));
        answers.push((500, dressed("error page")));
    }
    let count = answers.len();
    tokio::spawn(async move {
        let mut turn = 0;
        while let Ok((mut socket, _)) = listener.accept().await {
            let (status, body) = answers[turn % answers.len()].clone();
            turn += 1;
            tokio::spawn(async move {
                let mut asked = vec![0; 16_384];
                let _ = socket.read(&mut asked).await;
                let head = format!(
                    "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
                    body.len()
                );
                let _ = socket.write_all(format!("{head}{body}").as_bytes()).await;
            });
        }
    });
    (address, count)
}

/// Legacy rows with a card number in each text column in turn. A key of digits alone is a counter of the legacy ledger and is
/// kept (`mask::key`): so TR_NO is left out, and TID in its plain dress.
async fn legacy_rows(pool: &MySqlPool, smuggler: &mut Smuggler) {
    let mut rows = 0_u32;
    for wear in [DRESSES[0], DRESSES[1], DRESSES[2], DRESSES[3], DRESSES[5]] {
        for column in ["TID", "MID", "OID", "ETC1", "CARD_NO", "CNCL_RSN", "HOLDER", "none"] {
            rows += 1;
            if column == "TID" && wear("4111111111111111") == "4111111111111111" {
                continue;
            }
            let mut dressed = || wear(&smuggler.number(format!("legacy {column}, row {rows}")));
            let mut field = |name: &str, default: &str, most: usize| {
                let text = if name == column { dressed() } else { default.to_owned() };
                text.chars().take(most).collect::<String>()
            };
            let tid = field("TID", &format!("T{rows:022}"), 24);
            let (mid, oid, etc) = (
                field("MID", "shop1", 20),
                field("OID", &format!("order-{rows}"), 64),
                field("ETC1", "etc", 100),
            );
            let card = field("CARD_NO", "411111******1111", 20);
            let (why, holder) = (field("CNCL_RSN", "returned", 100), field("HOLDER", "holder", 30));
            let number = 9_000 + rows;
            for text in [
                format!(
                    "INSERT INTO TB_PAY_MST (TID, MID, OID, PAY_TP, AMT, STAT, ETC1, REG_DT, CHG_DTM) VALUES ('{tid}', '{mid}', \
                     '{oid}', 'SC0010', '50000', 'A', '{etc}', '20261120120000', '2026-11-20 12:00:00')"
                ),
                format!(
                    "INSERT INTO TB_CARD_APPR (TID, APPR_NO, AMT, APPR_DT, APPR_TM, CARD_CD, CARD_NO, QUOTA, STAT) VALUES \
                     ('{tid}', '{:08}', '50000', '20261120', '120000', '11', '{card}', '00', 'A')",
                    30_000_000 + rows
                ),
                format!(
                    "INSERT INTO TB_CARD_PART_CNCL (TID, SEQ, CNCL_AMT, CNCL_DT, CNCL_TM, CNCL_RSN) VALUES ('{tid}', 1, 10, \
                     '20261121', '120000', '{why}')"
                ),
                format!(
                    "INSERT INTO TB_ACNT_TRAN (TR_NO, MID, OID, AMT, BANK_CD, TR_DTM, HOLDER, CHG_DTM) VALUES ({number}, '{mid}', \
                     't{oid}', 700, '004', '2026-11-20 12:00:00', '{holder}', '2026-11-20 12:00:00')"
                ),
            ] {
                let done = sqlx::raw_sql(AssertSqlSafe(text.clone())).execute(pool).await;
                assert!(done.is_ok(), "{text}: {done:?}");
            }
        }
    }
}

/// Everything that was left behind, once all events are published.
async fn left_behind(world: &World) -> Vec<Left> {
    let root = world.pool("MYSQL_ROOT_URL").await;
    let schema: String = sqlx::query_scalar("SELECT DATABASE()").fetch_one(&root).await.unwrap();
    let events: i64 = sqlx::query_scalar(
        "SELECT (SELECT COUNT(*) FROM outbox_event WHERE kind = 'EVENT') + (SELECT COUNT(*) FROM outbox_backfill WHERE kind = 'EVENT')",
    )
    .fetch_one(&root)
    .await
    .unwrap();
    let topics: Vec<_> = Topic::ALL.iter().map(|topic| topic.code()).collect();
    let deadline = tokio::time::Instant::now() + Duration::from_mins(1);
    let records = loop {
        let records = consumer::read_all(world.env.get("KAFKA_BROKERS").unwrap(), &topics).await.unwrap();
        if records.len() >= usize::try_from(events).unwrap() {
            break records;
        }
        assert!(tokio::time::Instant::now() < deadline, "{} of {events} events published", records.len());
        tokio::time::sleep(Duration::from_millis(200)).await;
    };
    let mut left = scan::tables(&root, &schema).await.unwrap();
    assert!(left.len() > 1_000, "the tables hold {} texts", left.len());
    left.extend(scan::records(&records));
    for name in
        ["ledger-api.log", "net-cancel.log", "outbox-relay.log", "issuer-simulator.log", "migrator.log"]
    {
        left.extend(scan::files(&world.stack.dir().join("logs"), name).unwrap());
    }
    left
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_card_number_stays_anywhere_and_the_scan_can_fail() {
    let world = World::start("e2e-cards").await;
    let (paid, ready) =
        (confirmed(&world.client, "cards-paid").await, created(&world.client, "cards-ready", 50_000).await);
    let asked = created(&world.client, "cards-asked", 50_000).await;
    let attempt = json!({"method": "CARD", "issuerId": "card-1", "amount": 50_000});
    let path = format!("/v1/payments/{asked}/approvals/1/attempts");
    assert_eq!(world.client.post(&path, "cards-asked", &attempt).await.unwrap().status, 201);
    let http = reqwest::Client::builder().timeout(Duration::from_mins(1)).build().unwrap();
    let mut attack =
        Attack { world: &world, http, smuggler: Smuggler::default(), keys: 0, replies: Vec::new() };
    attack.bodies(&paid, &ready, &asked).await;
    attack.headers_and_addresses(&paid).await;

    let (endpoint, answers) = hostile_issuer(&mut attack.smuggler).await;
    let add = ["issuer", "add", "--id", "hostile-1", "--name", "hostile", "--endpoint", &endpoint];
    let times = [
        "--connect-timeout-ms",
        "500",
        "--read-timeout-ms",
        "1000",
        "--late-window-seconds",
        "3",
        "--validity-seconds",
        "3600",
    ];
    tool::run(&world.env, "ledger-admin", &[add.as_slice(), &times].concat())
        .await
        .unwrap()
        .expect(0)
        .unwrap();
    for turn in 0..answers {
        let id = created(&world.client, &format!("hostile-{turn}"), 1_000).await;
        let legs = json!({"approvals": [{"method": "CARD", "issuerId": "hostile-1", "amount": 1_000}]});
        let reply = world
            .client
            .post(&format!("/v1/payments/{id}/confirm"), &format!("hostile-{turn}"), &legs)
            .await
            .unwrap();
        let text = String::from_utf8_lossy(&reply.bytes).into_owned();
        attack.replies.push(Left { place: format!("the reply to confirm {turn}"), text });
    }

    legacy_rows(&world.pool("LEGACY_URL").await, &mut attack.smuggler).await;
    let copied = tool::run(&world.env, "migrator", &["copy", "--format", "json"]).await.unwrap();
    assert!(matches!(copied.code, 0 | 10), "{}: {}", copied.code, copied.stderr);
    let listed =
        tool::run(&world.env, "migrator", &["quarantine", "list", "--format", "json"]).await.unwrap();
    for told in [copied, listed] {
        let lines = told.lines.iter().map(Value::to_string).chain([told.stderr]);
        attack.replies.extend(lines.map(|text| Left { place: "the migrator's output".to_owned(), text }));
    }

    let Attack { smuggler, replies, .. } = attack;
    let numbers = smuggler.numbers();
    assert!(numbers.len() > 500, "{} numbers were told", numbers.len());
    let left = left_behind(&world).await;
    let found = smuggler.said(&scan::exact(&left, &numbers));
    assert!(found.is_empty(), "{} of {} stayed:\n{}", found.len(), numbers.len(), found.join("\n"));
    let found = smuggler.said(&scan::any(&left));
    assert!(found.is_empty(), "{} look like card numbers:\n{}", found.len(), found.join("\n"));
    let echoed = smuggler.said(&scan::exact(&replies, &numbers));
    assert!(echoed.is_empty(), "{} were echoed:\n{}", echoed.len(), echoed.join("\n"));

    plant(&world, "4111111111111111").await;
    let (left, planted) = (left_behind(&world).await, BTreeSet::from(["4111111111111111".to_owned()]));
    for hits in [scan::exact(&left, &planted), scan::any(&left)] {
        let kinds: BTreeSet<_> =
            hits.iter().map(|hit| hit.place.split(['.', ' ', ':']).next().unwrap()).collect();
        assert_eq!(kinds, BTreeSet::from(["cancellation", "outbox-relay", "payment"]), "{hits:?}");
    }
    world.stack.stop().await.unwrap();
}

/// A number in a table, on a topic and in a log, as if it had got past.
async fn plant(world: &World, number: &str) {
    let root = world.pool("MYSQL_ROOT_URL").await;
    let id = confirmed(&world.client, "planted").await;
    let cancel = json!({"cancelAmount": 1, "reason": "planted"});
    world.client.post(&format!("/v1/payments/{id}/cancellations"), "planted", &cancel).await.unwrap();
    let text =
        format!("UPDATE cancellation SET reason = '{}' WHERE reason = 'planted'", grouped(number, "-"));
    assert_eq!(sqlx::raw_sql(AssertSqlSafe(text)).execute(&root).await.unwrap().rows_affected(), 1);
    let brokers = world.env.get("KAFKA_BROKERS").unwrap();
    let producer: BaseProducer = ClientConfig::new().set("bootstrap.servers", brokers).create().unwrap();
    let body = format!("{{\"reason\":\"card {number}\"}}");
    producer.send(BaseRecord::to("payment.ledger.v1").key("nobody").payload(&body)).unwrap();
    producer.flush(Duration::from_secs(30)).unwrap();
    let log = world.stack.dir().join("logs").join("outbox-relay.log");
    let mut file = std::fs::File::options().append(true).open(log).unwrap();
    std::io::Write::write_all(&mut file, format!("reading {}\n", grouped(number, " ")).as_bytes()).unwrap();
}
