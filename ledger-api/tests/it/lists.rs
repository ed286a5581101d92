//! Lists: what they hold, that their pages show one instant, and whose their cursors are.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Reply, World, card, new_key, scripted, send};

/// Everything from a path on, a few at a time; `between` runs after each page.
async fn chain<F>(world: &World, path: &str, limit: usize, mut between: impl FnMut() -> F) -> Vec<Value>
where
    F: Future<Output = ()>,
{
    let (mut rows, mut cursor, mut as_of) = (Vec::new(), String::new(), None);
    loop {
        let join = if path.contains('?') { '&' } else { '?' };
        let reply = world.get(&format!("{path}{join}limit={limit}{cursor}")).await;
        assert_eq!(reply.status, 200, "{:#}", reply.json());
        let page = reply.json();
        assert_eq!(
            as_of.get_or_insert_with(|| page["asOf"].clone()),
            &page["asOf"],
            "all pages are as of one instant"
        );
        let data = page["data"].as_array().unwrap();
        assert!(data.len() <= limit);
        rows.extend(data.iter().cloned());
        if page["hasMore"] == false {
            assert!(page.get("nextCursor").is_none());
            return rows;
        }
        cursor = format!("&cursor={}", page["nextCursor"].as_str().unwrap());
        between().await;
    }
}

async fn nothing() {}

async fn all(world: &World, path: &str) -> Vec<Value> {
    chain(world, path, 1_000, nothing).await
}

fn split() -> Value {
    json!({"approvals": [
        {"method": "CARD", "issuerId": "card", "amount": 7_003, "card": {"bin": "411111", "last4": "1111"}},
        {"method": "POINTS", "issuerId": "points", "amount": 2_998, "taxFreeAmount": 500},
    ]})
}

/// A payment in two legs that is refunded in part, one that is paid, and one that is declined; what the first one's confirm and
/// cancel were answered.
async fn feed(label: &str) -> (World, Value, Value) {
    let world = World::start(label).await;
    let body = json!({"orderId": "order-1", "currency": "KRW", "totalAmount": 10_001, "taxFreeAmount": 500});
    let created = world.post("/v1/payments", "c1", &body).await;
    let path = created.header("location").unwrap().to_owned();
    let done = world.post(&format!("{path}/confirm"), "f1", &split()).await;
    assert_eq!(done.status, 200, "{:#}", done.json());
    let cancel = json!({"cancelAmount": 8_000, "reason": "returned"});
    let canceled = world.post(&format!("{path}/cancellations"), "k1", &cancel).await.json();
    world.paid("order-2", 1_000).await;
    let failed = world.created("order-3", 1_000).await;
    world.post(&format!("{failed}/confirm"), "f3", &scripted(1_000, "sim:decline")).await;
    (world, done.json(), canceled)
}

/// I4
#[tokio::test(flavor = "multi_thread")]
async fn every_approval_and_refund_is_listed_once_with_parts_that_add_up() {
    let (world, payment, canceled) = feed("feed").await;
    let rows = all(&world, "/v1/transactions").await;
    let shown: Vec<_> = rows
        .iter()
        .map(|row| {
            (
                row["type"].as_str().unwrap(),
                row["orderId"].as_str().unwrap(),
                row["leg"].as_u64().unwrap(),
                row["amount"].as_i64().unwrap(),
            )
        })
        .collect();
    let expected = [
        ("APPROVAL", "order-2", 1, 1_000),
        ("CANCEL", "order-1", 2, 997),
        ("CANCEL", "order-1", 1, 7_003),
        ("APPROVAL", "order-1", 2, 2_998),
        ("APPROVAL", "order-1", 1, 7_003),
    ];
    assert_eq!(
        shown, expected,
        "newest payment first, in it the newest movement; nothing of what was declined"
    );
    let of = |kind: &str, field: &str| -> i64 {
        let fits = |row: &&Value| row["type"] == kind && row["orderId"] == "order-1";
        rows.iter().filter(fits).map(|row| row[field].as_i64().unwrap()).sum()
    };
    for (field, whole) in [
        ("amount", "totalAmount"),
        ("suppliedAmount", "suppliedAmount"),
        ("vat", "vat"),
        ("taxFreeAmount", "taxFreeAmount"),
    ] {
        assert_eq!(of("APPROVAL", field), payment[whole].as_i64().unwrap(), "{field}");
    }
    for field in ["suppliedAmount", "vat", "taxFreeAmount"] {
        assert_eq!(of("CANCEL", field), canceled["cancellation"][field].as_i64().unwrap(), "{field}");
    }
    for row in &rows {
        let parts = ["suppliedAmount", "vat", "taxFreeAmount"].map(|part| row[part].as_i64().unwrap());
        assert_eq!(parts.iter().sum::<i64>(), row["amount"].as_i64().unwrap());
    }
    let id = payment["id"].as_str().unwrap();
    let (refund, approval) = (&rows[2], &rows[4]);
    assert_eq!(refund["transactionKey"], format!("{id}-c1-a1"));
    assert_eq!(refund["cancellationId"], canceled["cancellation"]["id"]);
    assert_eq!(refund["originalApproval"]["transactionKey"], approval["transactionKey"]);
    assert_eq!(refund["originalApproval"]["issuerRef"], payment["approvals"][0]["authNo"]);
    assert_eq!(
        (&approval["method"], &approval["issuerRef"]),
        (&json!("CARD"), &payment["approvals"][0]["authNo"])
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_feed_is_filtered_and_read_in_pages_of_any_size() {
    let (world, _, _) = feed("feed_pages").await;
    let rows = all(&world, "/v1/transactions").await;
    let count = async |query: &str| all(&world, &format!("/v1/transactions?{query}")).await.len();
    let day = rows[4]["businessDate"].as_str().unwrap().to_owned();
    assert_eq!(count("type=CANCEL").await, 2);
    assert_eq!(count("method=POINTS&type=APPROVAL").await, 1);
    assert_eq!(count(&format!("from={day}&to={day}")).await, 5);
    assert_eq!(count("to=2026-01-01").await, 0);
    for limit in 1..=3 {
        assert_eq!(chain(&world, "/v1/transactions", limit, nothing).await, rows, "pages of {limit}");
        assert_eq!(chain(&world, "/v1/transactions?type=CANCEL", limit, nothing).await, rows[1..3]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn all_pages_of_a_chain_show_one_instant_whatever_is_written_meanwhile() {
    let world = World::start("pinned").await;
    let mut paths = Vec::new();
    for number in 0..9 {
        paths.push(world.paid(&format!("order-{number}"), 1_000).await);
    }
    let ready = world.created("order-ready", 500).await;
    for list in ["/v1/transactions", "/v1/payments", "/v1/payments?status=DONE", "/v1/payments?olderThan=0"] {
        let before = all(&world, list).await;
        let mut written = 0;
        let chained = chain(&world, list, 2, || {
            written += 1;
            let (world, paths, ready) = (&world, &paths, &ready);
            async move {
                let key = format!("{list}-{written}");
                let order = format!("new-{}", key.replace(['/', '?'], "_"));
                let made = world.paid(&order, 700);
                let body = json!({"cancelAmount": 10, "reason": "returned"});
                let path = format!("{}/cancellations", paths[(written * 3) % paths.len()]);
                let canceled = world.post(&path, &key, &body);
                let (confirm, whole) = (format!("{ready}/confirm"), card(500));
                let confirmed = world.post(&confirm, "ready", &whole);
                let (_, canceled, confirmed) = tokio::join!(made, canceled, confirmed);
                assert_eq!((canceled.status.as_u16(), confirmed.status.as_u16()), (200, 200));
            }
        })
        .await;
        assert!(written >= 4, "{list}: only {written} writes came between");
        assert_eq!(chained, before, "{list}");
        let after = all(&world, list).await;
        assert_ne!(after, before, "{list} shows them once it is begun anew");
    }
}

/// R11: a merchant that gave up finds what is not ended.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_ended_is_found_by_status_and_age() {
    let world = World::start("uncertain").await;
    world.paid("order-1", 1_000).await;
    let path = world.created("order-2", 1_000).await;
    world.created("order-3", 1_000).await;
    let confirm = world.posting(&format!("{path}/confirm"), "f", &scripted(1_000, "sim:delay:600"));
    let confirm = tokio::spawn(send(confirm));
    while world.issuer.truth().traces.len() < 2 {
        assert!(!confirm.is_finished(), "the issuer was never asked");
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    let orders = async |query: &str| -> Vec<String> {
        let rows = all(&world, &format!("/v1/payments?{query}")).await;
        rows.iter().map(|row| row["orderId"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(orders("status=IN_PROGRESS&olderThan=0").await, ["order-2"]);
    assert_eq!(orders("status=IN_PROGRESS&olderThan=3600").await, Vec::<String>::new());
    assert_eq!(orders("status=READY").await, ["order-3"]);
    assert_eq!(orders("").await, ["order-3", "order-2", "order-1"]);
    assert_eq!(confirm.await.unwrap().status, 200);
    assert_eq!(orders("status=IN_PROGRESS").await, Vec::<String>::new());
    assert_eq!(orders("status=DONE&olderThan=2030-01-01T00:00:00Z").await, ["order-2", "order-1"]);
}

#[track_caller]
fn refused(reply: &Reply, parameter: &str) {
    let problem = reply.problem("INVALID_PARAMETER");
    assert_eq!(
        (reply.status.as_u16(), &problem["errors"][0]["parameter"]),
        (400, &json!(parameter)),
        "{problem:#}"
    );
    assert_eq!(problem["outcome"], "not_attempted");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cursor_is_good_for_its_merchant_list_and_filter_only() {
    let world = World::start("cursors").await;
    for number in 0..3 {
        world.paid(&format!("order-{number}"), 1_000).await;
    }
    let path = world.paid("order-3", 1_000).await;
    let other = new_key(&world.admin, "m-2").await;
    let lists = [
        "/v1/transactions?type=APPROVAL".to_owned(),
        "/v1/payments?status=DONE".to_owned(),
        format!("{path}/events?"),
    ];
    let mut cursors = Vec::new();
    for list in &lists {
        let page = world.get(&format!("{list}&limit=1")).await.json();
        cursors.push(page["nextCursor"].as_str().unwrap().to_owned());
    }
    for (list, cursor) in lists.iter().zip(&cursors) {
        assert_eq!(
            world.get(&format!("{list}&limit=7&cursor={cursor}")).await.status,
            200,
            "the limit may change"
        );
        let tampered =
            format!("{}{}", &cursor[..cursor.len() - 1], if cursor.ends_with('0') { '1' } else { '0' });
        for bad in [
            tampered.as_str(),
            "",
            "x",
            "100",
            &cursors[(cursors.iter().position(|c| c == cursor).unwrap() + 1) % 3],
        ] {
            refused(&world.get(&format!("{list}&cursor={bad}")).await, "cursor");
        }
        for bad in ["0", "1001", "-1", "+1", "1.5", "x", ""] {
            refused(&world.get(&format!("{list}&limit={bad}")).await, "limit");
        }
        refused(&world.get(&format!("{list}&offset=3")).await, "query");
        refused(&world.get(&format!("{list}&limit=1&limit=1")).await, "limit");
        let foreign = world.client.request(Method::GET, format!("{}{list}&cursor={cursor}", world.base));
        refused(&send(foreign.bearer_auth(&other)).await, "cursor");
    }
    let other_filter = world.get(&format!("/v1/transactions?type=CANCEL&cursor={}", cursors[0])).await;
    refused(&other_filter, "cursor");
    assert!(other_filter.json()["detail"].as_str().unwrap().contains("another filter"));
    let elsewhere = world.second_service().await;
    let there =
        world.client.get(format!("{elsewhere}{}&cursor={}", lists[0], cursors[0])).bearer_auth(&world.key);
    refused(&send(there).await, "cursor");
    for (query, parameter) in [
        ("/v1/transactions?from=2026-11-25&to=2026-11-24", "from"),
        ("/v1/transactions?from=2026-11-31", "from"),
        ("/v1/transactions?type=REFUND", "type"),
        ("/v1/transactions?method=CASH", "method"),
        ("/v1/payments?status=done", "status"),
        ("/v1/payments?olderThan=soon", "olderThan"),
    ] {
        refused(&world.get(query).await, parameter);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_about_one_payment_stay_at_the_version_they_began_with() {
    let world = World::start("ofpay").await;
    let path = world.paid("order-1", 1_000).await;
    let cancel = async |key: &str| {
        let body = json!({"cancelAmount": 100, "reason": "returned"});
        assert_eq!(world.post(&format!("{path}/cancellations"), key, &body).await.status, 200);
    };
    cancel("k1").await;
    cancel("k2").await;
    for tail in ["cancellations", "events"] {
        let list = format!("{path}/{tail}");
        let before = all(&world, &list).await;
        let mut written = 0;
        let chained = chain(&world, &list, 1, || {
            written += 1;
            cancel(if written == 1 { "k3" } else { "k4" })
        })
        .await;
        assert_eq!((chained, written > 0), (before, true), "{tail}");
    }
    let now = world.get(&path).await.json();
    let as_of = |at: &Value| format!("{path}?asOf={}", at.as_str().unwrap().replace('+', "%2B"));
    let first = all(&world, &format!("{path}/events")).await;
    let at_verdict = world.get(&as_of(&first[2]["recordedAt"])).await;
    assert_eq!(
        at_verdict.json()["version"],
        2,
        "the instant is cut to milliseconds: the change came a little later"
    );
    assert_eq!(now["version"], first.len());
    let tomorrow = world.get(&format!("{path}?asOf=2100-01-01")).await;
    refused(&tomorrow, "asOf");
}
