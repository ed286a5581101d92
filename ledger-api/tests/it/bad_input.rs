//! Everything that must not get in: one table of bad requests, each a clear 4xx that names the place, none a row.

use ledger_api::openapi::codes_of;
use ledger_api::problem::Code;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Reply, World, send};

const CARD_NUMBER: &str = "4111111111111111";

/// Code, place that is named, body.
type Bad = (&'static str, &'static str, String);

fn fields(place: &'static str, body: &Value) -> Bad {
    ("INVALID_FIELDS", place, body.to_string())
}

/// What is wrong at every endpoint that takes a body.
fn anywhere() -> Vec<Bad> {
    vec![
        ("MALFORMED_JSON", "", String::new()),
        ("MALFORMED_JSON", "", "{".to_owned()),
        ("MALFORMED_JSON", "", "{\"a\": \"\\ud800\"}".to_owned()),
        ("MALFORMED_JSON", "", "[".repeat(10_000)),
        ("MALFORMED_JSON", "", "{\"reason\": \"a\", \"reason\": \"b\"}".to_owned()),
        ("INVALID_FIELDS", "", "[]".to_owned()),
        ("INVALID_FIELDS", "", "null".to_owned()),
        ("INVALID_FIELDS", "/amuont", "{\"amuont\": 1}".to_owned()),
        ("CARD_NUMBER_REFUSED", "/x", json!({"x": "4111 1111-1111 1111"}).to_string()),
        ("CARD_NUMBER_REFUSED", "", json!({CARD_NUMBER: 1}).to_string()),
    ]
}

/// An amount that cannot be, as JSON text.
const BAD_AMOUNTS: [&str; 12] = [
    "1.5",
    "1000.0",
    "1e3",
    "\"1000\"",
    "-1",
    "0",
    "-0",
    "1000000000000001",
    "9223372036854775808",
    "1e400",
    "null",
    "true",
];

fn with(template: &Value, pointer: &str, text: &str) -> String {
    let marked = {
        let mut value = template.clone();
        *value.pointer_mut(pointer).unwrap() = json!("@@");
        value.to_string()
    };
    marked.replace("\"@@\"", text)
}

fn create() -> Vec<Bad> {
    let good = json!({"orderId": "bad-1", "currency": "KRW", "totalAmount": 1_000, "taxFreeAmount": 1});
    let mut bad: Vec<Bad> =
        BAD_AMOUNTS.iter().map(|text| amount("/totalAmount", with(&good, "/totalAmount", text))).collect();
    bad.extend(
        ["-1", "1.5", "1001", "null"]
            .map(|text| amount("/taxFreeAmount", with(&good, "/taxFreeAmount", text))),
    );
    for order in ["", "a b", "a/b", "a\u{0}b", "a\nb", "주문", &"x".repeat(65), "a'; DROP TABLE payment; --"]
    {
        bad.push(fields("/orderId", &json!({"orderId": order, "currency": "KRW", "totalAmount": 1})));
    }
    for currency in [json!("JPY"), json!("krw"), json!(""), json!(410), json!(null)] {
        bad.push(fields("/currency", &json!({"orderId": "o", "currency": currency, "totalAmount": 1})));
    }
    bad.push(fields("/orderId", &json!({"currency": "KRW", "totalAmount": 1})));
    bad.push(fields(
        "/merchantId",
        &json!({"orderId": "o", "currency": "KRW", "totalAmount": 1, "merchantId": "m-2"}),
    ));
    let smuggled = json!({"orderId": format!("o-{CARD_NUMBER}"), "currency": "KRW", "totalAmount": 1});
    bad.push(("CARD_NUMBER_REFUSED", "/orderId", smuggled.to_string()));
    bad
}

/// 1e400 is no JSON number to the parser; all others are, and are refused by the field.
fn amount(place: &'static str, body: String) -> Bad {
    if body.contains("1e400") { ("MALFORMED_JSON", "", body) } else { ("INVALID_FIELDS", place, body) }
}

fn leg(extra: &Value) -> Value {
    let mut leg = json!({"method": "CARD", "issuerId": "card", "amount": 1_000});
    leg.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
    json!({"approvals": [leg]})
}

fn confirm() -> Vec<Bad> {
    let good = leg(&json!({}));
    let mut bad: Vec<Bad> = BAD_AMOUNTS
        .iter()
        .map(|text| amount("/approvals/0/amount", with(&good, "/approvals/0/amount", text)))
        .collect();
    let legs = |count| json!({"approvals": vec![good["approvals"][0].clone(); count]});
    bad.push(fields("/approvals", &legs(0)));
    bad.push(fields("/approvals", &legs(9)));
    bad.push(fields("/approvals", &json!({"approvals": {"0": 1}})));
    for (place, extra) in [
        ("/approvals/0/method", json!({"method": "CASH"})),
        ("/approvals/0/method", json!({"method": "card"})),
        ("/approvals/0/issuerId", json!({"issuerId": "a b"})),
        ("/approvals/0/issuerId", json!({"issuerId": "x".repeat(33)})),
        ("/approvals/0/issuerId", json!({"issuerId": "../points"})),
        ("/approvals/0/methodToken", json!({"methodToken": "x".repeat(65)})),
        ("/approvals/0/methodToken", json!({"methodToken": "a\u{0}b"})),
        ("/approvals/0/methodToken", json!({"methodToken": "토큰"})),
        ("/approvals/0/card/bin", json!({"card": {"bin": "41111", "last4": "1111"}})),
        ("/approvals/0/card/bin", json!({"card": {"bin": 411_111, "last4": "1111"}})),
        ("/approvals/0/card/last4", json!({"card": {"bin": "411111", "last4": "11111"}})),
        ("/approvals/0/card/number", json!({"card": {"bin": "411111", "last4": "1111", "number": "1"}})),
        ("/approvals/0/card/cvv", json!({"card": {"bin": "411111", "last4": "1111", "cvv": "123"}})),
        ("/approvals/0/card", json!({"card": "411111"})),
        ("/approvals/0/card", json!({"method": "POINTS", "card": {"bin": "411111", "last4": "1111"}})),
        ("/approvals/0/installmentMonths", json!({"installmentMonths": 61})),
        ("/approvals/0/installmentMonths", json!({"installmentMonths": 1})),
        ("/approvals/0/installmentMonths", json!({"method": "TRANSFER", "installmentMonths": 3})),
        ("/approvals/0/partialCancelable", json!({"partialCancelable": "yes"})),
        ("/approvals/0/taxFreeAmount", json!({"taxFreeAmount": 1_001})),
        ("/approvals/0/taxFreeAmuont", json!({"taxFreeAmuont": 1})),
    ] {
        bad.push(fields(place, &leg(&extra)));
    }
    for (place, extra) in [
        ("/approvals/0/methodToken", json!({"methodToken": CARD_NUMBER})),
        ("/approvals/0/issuerId", json!({"issuerId": format!("x{CARD_NUMBER}")})),
        ("/approvals/0/card/bin", json!({"card": {"bin": CARD_NUMBER, "last4": "1111"}})),
        (
            "/approvals/0/card/number",
            json!({"card": {"bin": "411111", "last4": "1111", "number": "4111-1111-1111-1111"}}),
        ),
    ] {
        bad.push(("CARD_NUMBER_REFUSED", place, leg(&extra).to_string()));
    }
    bad
}

fn cancel() -> Vec<Bad> {
    let good = json!({"cancelAmount": 1, "reason": "r", "taxFreeAmount": 0, "expectedBalance": 1});
    let mut bad: Vec<Bad> =
        BAD_AMOUNTS.iter().map(|text| amount("/cancelAmount", with(&good, "/cancelAmount", text))).collect();
    bad.extend(
        ["-1", "0.5", "\"1\""].map(|text| amount("/expectedBalance", with(&good, "/expectedBalance", text))),
    );
    bad.push(fields("/reason", &json!({"cancelAmount": 1})));
    for reason in ["", "   ", "a\u{0}b", "line\nbreak", &"이".repeat(201)] {
        bad.push(fields("/reason", &json!({"reason": reason})));
    }
    bad.push(fields(
        "/cancelAmuont",
        &json!({"cancelAmuont": 1, "reason": "a misspelt amount is no full cancel"}),
    ));
    bad.push(fields("/taxFreeAmount", &json!({"cancelAmount": 1, "taxFreeAmount": 2, "reason": "r"})));
    let smuggled = json!({"reason": "card ４１１１ 1111–1111 1111 returned"});
    bad.push(("CARD_NUMBER_REFUSED", "/reason", smuggled.to_string()));
    bad
}

async fn post_text(world: &World, path: &str, key: &str, body: impl Into<reqwest::Body>) -> Reply {
    let request = world.request(Method::POST, path).header("Idempotency-Key", key);
    send(request.header("Content-Type", "application/json").body(body)).await
}

#[track_caller]
fn names(problem: &Value, place: &str) {
    if problem["code"] == "MALFORMED_JSON" {
        return;
    }
    let errors = problem["errors"].as_array().unwrap();
    assert!(errors.iter().any(|error| error["pointer"] == place), "{place} is not named: {problem:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_bad_body_is_a_problem_that_names_its_place_and_leaves_no_row() {
    let world = World::start("bad").await;
    let ready = world.created("ready", 1_000).await;
    let paid = world.paid("paid", 1_000).await;
    let before = world.rows().await;
    let endpoints = [
        ("/v1/payments".to_owned(), "/v1/payments", create()),
        (format!("{ready}/confirm"), "/v1/payments/{paymentId}/confirm", confirm()),
        (format!("{paid}/cancellations"), "/v1/payments/{paymentId}/cancellations", cancel()),
    ];
    let mut tried = 0;
    for (path, route, own) in endpoints {
        let documented: Vec<_> = codes_of("post", route).into_iter().map(Code::code).collect();
        for (code, place, body) in anywhere().into_iter().chain(own) {
            let reply = post_text(&world, &path, "one key for all of it", body.clone()).await;
            let shown: String = body.chars().take(200).collect();
            assert!(reply.status.is_client_error(), "{path} {shown}: {}", reply.status);
            assert_eq!(reply.json()["code"], code, "{path} {shown}: {:#}", reply.json());
            let problem = reply.problem(code);
            assert_eq!(problem["outcome"], "not_attempted");
            assert!(documented.contains(&code), "{route} does not document {code}");
            names(&problem, place);
            assert!(!problem.to_string().contains(CARD_NUMBER), "{path}: a card number is repeated");
            tried += 1;
        }
        for bytes in
            [b"{\"reason\": \"\xff\"}".as_slice(), b"\xff\xfe{", b"\xef\xbb\xbf{}", b"{\"reason\":\"a\"}x"]
        {
            post_text(&world, &path, "k", bytes.to_vec()).await.problem("MALFORMED_JSON");
        }
    }
    assert!(tried > 100, "{tried}");
    assert_eq!(world.rows().await, before, "no row in any table");
    let good = json!({"orderId": "after", "currency": "KRW", "totalAmount": 1});
    assert_eq!(
        world.post("/v1/payments", "one key for all of it", &good).await.status,
        201,
        "the key is free"
    );
    assert!(!world.all_text().await.contains(CARD_NUMBER));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_bad_header_path_and_query_is_a_problem_and_leaves_no_row() {
    let world = World::start("badhead").await;
    let ready = world.created("ready", 1_000).await;
    let before = world.rows().await;
    let good = json!({"orderId": "o", "currency": "KRW", "totalAmount": 1});
    let post = || world.request(Method::POST, "/v1/payments").json(&good);
    let text = |kind: &str| {
        world
            .request(Method::POST, "/v1/payments")
            .header("Idempotency-Key", "k")
            .header("Content-Type", kind)
            .body(good.to_string())
    };
    let keyed = || post().header("Idempotency-Key", "k");
    let get = |path: &str| world.request(Method::GET, path);
    let cases = [
        ("IDEMPOTENCY_KEY_MISSING", post()),
        ("IDEMPOTENCY_KEY_INVALID", post().header("Idempotency-Key", "")),
        ("IDEMPOTENCY_KEY_INVALID", post().header("Idempotency-Key", "x".repeat(301))),
        ("IDEMPOTENCY_KEY_INVALID", post().header("Idempotency-Key", "키")),
        ("IDEMPOTENCY_KEY_INVALID", post().header("Idempotency-Key", "a").header("Idempotency-Key", "b")),
        ("CARD_NUMBER_REFUSED", post().header("Idempotency-Key", "order 4111-1111-1111-1111")),
        ("INVALID_PARAMETER", keyed().header("X-Request-Timeout-Ms", "0")),
        ("INVALID_PARAMETER", keyed().header("X-Request-Timeout-Ms", "1.5")),
        ("INVALID_PARAMETER", keyed().header("X-Request-Timeout-Ms", "99999999999999999999")),
        ("UNSUPPORTED_MEDIA_TYPE", text("text/plain")),
        ("UNSUPPORTED_MEDIA_TYPE", text("application/json; charset=euc-kr")),
        ("UNSUPPORTED_MEDIA_TYPE", text("application/x-www-form-urlencoded")),
        ("UNSUPPORTED_MEDIA_TYPE", keyed().header("Content-Encoding", "gzip")),
        ("INVALID_PARAMETER", get("/v1/payments/1")),
        ("INVALID_PARAMETER", get("/v1/payments/%00")),
        ("INVALID_PARAMETER", get("/v1/payments/%ff")),
        ("INVALID_PARAMETER", get("/v1/payments/' OR 1=1 --/events")),
        ("INVALID_PARAMETER", get("/v1/payments/orders/a%20b")),
        ("INVALID_PARAMETER", get(&format!("/v1/payments/orders/{}", "x".repeat(65)))),
        ("CARD_NUMBER_REFUSED", get(&format!("/v1/payments/orders/{CARD_NUMBER}"))),
        ("INVALID_PARAMETER", get(&format!("{ready}/events?limit=0"))),
        ("INVALID_PARAMETER", get(&format!("{ready}/events?cursor=x"))),
        ("INVALID_PARAMETER", get(&format!("{ready}/cancellations?offset=1"))),
        ("UNKNOWN_ROUTE", get("/")),
        ("UNKNOWN_ROUTE", get("/v1/payments/")),
        ("UNKNOWN_ROUTE", get("/v2/payments")),
        ("UNKNOWN_ROUTE", get("/metrics")),
        ("UNKNOWN_ROUTE", get("/problems/none")),
        ("METHOD_NOT_ALLOWED", world.request(Method::DELETE, &ready)),
        ("METHOD_NOT_ALLOWED", world.request(Method::PUT, &ready)),
        ("METHOD_NOT_ALLOWED", world.request(Method::DELETE, "/v1/payments")),
    ];
    for (index, (code, request)) in cases.into_iter().enumerate() {
        let reply = send(request).await;
        assert!(reply.status.is_client_error(), "{index} {code}: {}", reply.status);
        let problem = reply.problem(code);
        assert_eq!(problem["outcome"], "not_attempted", "{index}");
        assert!(!problem.to_string().contains(CARD_NUMBER), "{index}: a card number is repeated");
        assert_eq!(reply.header("allow").is_some(), code == "METHOD_NOT_ALLOWED", "{index} {code}");
    }
    assert_eq!(world.rows().await, before, "no row in any table");
}

#[tokio::test(flavor = "multi_thread")]
async fn decisions_that_refuse_are_clear_too() {
    let world = World::start("refuse").await;
    let ready = world.created("ready", 1_000).await;
    let paid = world.paid("paid", 1_000).await;
    let cancel = |body: Value| (format!("{paid}/cancellations"), body);
    let confirm = |body: Value| (format!("{ready}/confirm"), body);
    let cases = [
        (
            409,
            "ORDER_IN_USE",
            ("/v1/payments".to_owned(), json!({"orderId": "paid", "currency": "KRW", "totalAmount": 1})),
        ),
        (422, "APPROVAL_SUM_MISMATCH", confirm(leg(&json!({"amount": 999})))),
        (422, "TAX_FREE_OUT_OF_BOUNDS", confirm(leg(&json!({"taxFreeAmount": 1})))),
        (409, "INVALID_STATE", (format!("{ready}/cancellations"), json!({"reason": "not paid"}))),
        (409, "INVALID_STATE", (format!("{paid}/confirm"), leg(&json!({})))),
        (409, "NOT_CANCELABLE_AMOUNT", cancel(json!({"cancelAmount": 1_001, "reason": "r"}))),
        (412, "BALANCE_MISMATCH", cancel(json!({"expectedBalance": 1, "reason": "r"}))),
        (
            422,
            "TAX_FREE_OUT_OF_BOUNDS",
            cancel(json!({"cancelAmount": 10, "taxFreeAmount": 1, "reason": "r"})),
        ),
    ];
    for (index, (status, code, (path, body))) in cases.into_iter().enumerate() {
        let reply = world.post(&path, &format!("refused-{index}"), &body).await;
        assert_eq!(
            (reply.status.as_u16(), &reply.problem(code)["outcome"]),
            (status, &json!("not_attempted")),
            "{index}"
        );
    }
}
