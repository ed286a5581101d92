//! A ledger, an issuer and the service in front of them, for one test.

use std::collections::BTreeMap;
use std::time::Duration;

use fakes::issuer::IssuerSimulator;
use issuer_gateway::timeouts::Timeouts;
use ledger_api::admin::make_key;
use ledger_api::api::Api;
use ledger_api::limits::Limits;
use ledger_api::listen;
use ledger_api::router::router;
use ledger_core::admin::Admin;
use ledger_core::ledger::Ledger;
use ledger_core::reference::{Contract, Issuer};
use ledger_core::store::pool::{PoolOptions, connect};
use ledger_runtime::clock;
use reqwest::header::HeaderMap;
use reqwest::{Client, Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, MySqlPool, Row as _};
use stack::TestDb;
use tokio_util::sync::CancellationToken;

pub const LIMITS: Limits = Limits {
    body_bytes: 64 * 1024,
    uri_bytes: 2048,
    header_bytes: 16 * 1024,
    header_count: 64,
    connections: 256,
    header_within: Duration::from_secs(20),
    body_within: Duration::from_secs(2),
    in_flight: 64,
    queued: 64,
    queue_within: Duration::from_secs(1),
};

/// One running service.
pub struct World {
    pub db: TestDb,
    pub issuer: IssuerSimulator,
    pub admin: Admin,
    pub base: String,
    /// `<keyId>.<secret>` of merchant `m-1`.
    pub key: String,
    pub client: Client,
    root: MySqlPool,
}

/// What came back.
pub struct Reply {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub bytes: Vec<u8>,
}

impl Reply {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes).unwrap_or_else(|_| {
            panic!("{} is no JSON: {}", self.status, String::from_utf8_lossy(&self.bytes))
        })
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// Asserts a problem of this code, whole, and gives it.
    #[track_caller]
    pub fn problem(&self, code: &str) -> Value {
        let body = self.json();
        assert_eq!(body["code"], code, "{body:#}");
        assert_eq!(self.header("content-type"), Some("application/problem+json"));
        assert_eq!(body["status"], self.status.as_u16());
        assert_eq!(body["type"], format!("/problems/{}", code.to_lowercase().replace('_', "-")));
        for field in ["title", "detail", "outcome"] {
            assert!(body[field].as_str().is_some_and(|text| !text.is_empty()), "{field}: {body:#}");
        }
        body
    }
}

impl World {
    pub async fn start(label: &str) -> Self {
        Self::with_limits(label, LIMITS).await
    }

    pub async fn with_limits(label: &str, limits: Limits) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let db = TestDb::create(label).await.unwrap();
        let issuer = IssuerSimulator::start("127.0.0.1:0").await.unwrap();
        let admin = Admin::open(&db.admin, "test".to_owned()).await.unwrap();
        let key = seed(&admin, &issuer).await;
        let options = PoolOptions { max_connections: 8, ..PoolOptions::default() };
        let ledger = Ledger::open(&db.app, options).await.unwrap();
        let timeouts = Timeouts::embedded().unwrap();
        let api = Api::new(ledger, &timeouts, limits, Duration::from_millis(200));
        let base = serve(&api).await;
        let options = PoolOptions { max_connections: 2, min_connections: 0, ..PoolOptions::default() };
        let root = connect(&db.root, options).await.unwrap();
        Self { db, issuer, admin, base, key, client: Client::new(), root }
    }

    /// A further process on the same ledger.
    pub async fn second_service(&self) -> String {
        let ledger = Ledger::open(&self.db.app, PoolOptions::default()).await.unwrap();
        let api = Api::new(ledger, &Timeouts::embedded().unwrap(), LIMITS, Duration::from_millis(200));
        serve(&api).await
    }

    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.base)).bearer_auth(&self.key)
    }

    pub async fn get(&self, path: &str) -> Reply {
        send(self.request(Method::GET, path)).await
    }

    pub fn posting(&self, path: &str, key: &str, body: &Value) -> RequestBuilder {
        self.request(Method::POST, path).header("Idempotency-Key", key).json(body)
    }

    pub async fn post(&self, path: &str, key: &str, body: &Value) -> Reply {
        send(self.posting(path, key, body)).await
    }

    /// Creates a payment and gives its path.
    pub async fn created(&self, order: &str, total: i64) -> String {
        let body = json!({"orderId": order, "currency": "KRW", "totalAmount": total});
        let reply = self.post("/v1/payments", &format!("create-{order}"), &body).await;
        assert_eq!(reply.status, 201, "{:#}", reply.json());
        reply.header("location").unwrap().to_owned()
    }

    /// Creates and confirms a payment by card and gives its path.
    pub async fn paid(&self, order: &str, total: i64) -> String {
        let path = self.created(order, total).await;
        let reply = self.post(&format!("{path}/confirm"), &format!("confirm-{order}"), &card(total)).await;
        assert_eq!(reply.status, 200, "{:#}", reply.json());
        path
    }

    /// Creates a payment, has an account issued for it, and gives its path and the account's number.
    pub async fn waiting(&self, order: &str, total: i64) -> (String, String) {
        let path = self.created(order, total).await;
        let body = by_deposit(total);
        let reply = self.post(&format!("{path}/confirm"), &format!("confirm-{order}"), &body).await;
        let payment = reply.json();
        assert_eq!(
            (reply.status.as_u16(), &payment["status"]),
            (200, &json!("WAITING_FOR_DEPOSIT")),
            "{payment:#}"
        );
        let account = payment["approvals"][0]["virtualAccount"]["accountNo"].as_str().unwrap().to_owned();
        (path, account)
    }

    /// Rows of every table.
    pub async fn rows(&self) -> BTreeMap<String, i64> {
        let tables = "SELECT CAST(table_name AS CHAR) FROM information_schema.tables WHERE table_schema = ? AND table_type = 'BASE TABLE'";
        let tables = sqlx::query(tables).bind(&self.db.name).fetch_all(&self.root).await.unwrap();
        let mut rows = BTreeMap::new();
        for table in tables {
            let table: String = table.get(0);
            let count = AssertSqlSafe(format!("SELECT COUNT(*) FROM `{table}`"));
            let count: i64 = sqlx::query(count).fetch_one(&self.root).await.unwrap().get(0);
            rows.insert(table, count);
        }
        assert!(rows.len() > 20, "{rows:?}");
        rows
    }

    /// Rows of one table.
    pub async fn count(&self, table: &str) -> i64 {
        let count = AssertSqlSafe(format!("SELECT COUNT(*) FROM `{}`.`{table}`", self.db.name));
        sqlx::query(count).fetch_one(&self.root).await.unwrap().get(0)
    }

    /// How often each statement has run for the service, by its text. A statement is counted when it ends, a little after its
    /// rows have arrived: so first every connection of the service has to be idle.
    pub async fn statements(&self) -> BTreeMap<String, i64> {
        let busy = "SELECT COUNT(*) FROM performance_schema.threads \
                    WHERE processlist_db = ? AND processlist_user = 'ledger_app' AND processlist_command <> 'Sleep'";
        let idle = async {
            while sqlx::query_scalar::<_, i64>(busy).bind(&self.db.name).fetch_one(&self.root).await.unwrap()
                > 0
            {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(10), idle)
            .await
            .expect("the service's connections become idle");
        let counts = "SELECT CAST(s.sql_text AS CHAR), CAST(SUM(s.count_execute) AS SIGNED) \
                      FROM performance_schema.prepared_statements_instances AS s \
                      JOIN performance_schema.threads AS t ON t.thread_id = s.owner_thread_id \
                      WHERE t.processlist_db = ? AND t.processlist_user = 'ledger_app' GROUP BY 1";
        let rows = sqlx::query(counts).bind(&self.db.name).fetch_all(&self.root).await.unwrap();
        rows.iter().map(|row| (row.get(0), row.get(1))).collect()
    }

    /// Does to the database what only its administrator can.
    pub async fn administer(&self, sql: &'static str) {
        sqlx::query(sql).execute(&self.root).await.unwrap();
    }

    /// Every text column of every table as one text, to look for what must not be there.
    pub async fn all_text(&self) -> String {
        let columns = "SELECT CAST(table_name AS CHAR), CAST(column_name AS CHAR) FROM information_schema.columns \
                       WHERE table_schema = ? AND data_type IN ('varchar', 'char', 'json', 'mediumblob')";
        let columns = sqlx::query(columns).bind(&self.db.name).fetch_all(&self.root).await.unwrap();
        let mut all = String::new();
        for row in columns {
            let (table, column): (String, String) = (row.get(0), row.get(1));
            let select = AssertSqlSafe(format!(
                "SELECT CAST(`{column}` AS CHAR) FROM `{table}` WHERE `{column}` IS NOT NULL"
            ));
            for value in sqlx::query(select).fetch_all(&self.root).await.unwrap() {
                all.push_str(&value.get::<String, _>(0));
                all.push('\n');
            }
        }
        all
    }
}

async fn serve(api: &Api) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(listen::serve(listener, router(api), api.limits(), CancellationToken::new()));
    base
}

/// Merchants `m-1` and `m-2` with contracts, and issuers `card`, `points` and `bank`; gives the key of `m-1`.
async fn seed(admin: &Admin, simulator: &IssuerSimulator) -> String {
    let now = clock::now();
    for merchant in ["m-1", "m-2"] {
        admin.add_merchant(merchant, "a shop", now).await.unwrap();
        let contract = Contract {
            version: 0,
            valid_from: now,
            fee_rate: "0.03".parse().unwrap(),
            fee_vat_rate: "0.1".parse().unwrap(),
        };
        admin.add_contract(merchant, &contract, now).await.unwrap();
    }
    for id in ["card", "points", "bank"] {
        let issuer = Issuer {
            issuer_id: id.to_owned(),
            version: 0,
            endpoint_url: format!("{}/{id}", simulator.url()),
            connect_timeout: Duration::from_millis(500),
            read_timeout: Duration::from_millis(700),
            late_window: chrono::TimeDelta::seconds(10),
            validity: chrono::TimeDelta::seconds(60),
        };
        admin.add_issuer(&issuer, id, now).await.unwrap();
    }
    new_key(admin, "m-1").await
}

/// A further key of a merchant.
pub async fn new_key(admin: &Admin, merchant: &str) -> String {
    let made = make_key(merchant);
    admin.add_key(&made.key, clock::now()).await.unwrap();
    made.bearer
}

pub async fn send(request: RequestBuilder) -> Reply {
    let response = request.send().await.unwrap();
    let (status, headers) = (response.status(), response.headers().clone());
    Reply { status, headers, bytes: response.bytes().await.unwrap().to_vec() }
}

/// All of it by virtual account.
pub fn by_deposit(amount: i64) -> Value {
    json!({"approvals": [{"method": "VIRTUAL_ACCOUNT", "issuerId": "bank", "amount": amount}]})
}

/// A deposit made now.
pub fn deposit(reference: &str, amount: i64) -> Value {
    json!({"bankReference": reference, "amount": amount, "depositedAt": ledger_core::time::text(clock::now())})
}

/// All of it by card.
pub fn card(amount: i64) -> Value {
    json!({"approvals": [{"method": "CARD", "issuerId": "card", "amount": amount, "card": {"bin": "411111", "last4": "1111"}}]})
}

/// All of it by card, with a token that scripts the issuer.
pub fn scripted(amount: i64, token: &str) -> Value {
    json!({"approvals": [{"method": "CARD", "issuerId": "card", "amount": amount, "methodToken": token}]})
}
