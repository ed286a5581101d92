//! A stack of its own, all our programs running, with a few payments to start from.

use std::time::Duration;

use e2e::client::Client;
use ledger_core::store::pool::{PoolOptions, connect};
use serde_json::{Value, json};
use sqlx::mysql::MySqlPool;
use stack::{EnvFile, Options, Proc, Stack, free_port};

pub struct World {
    pub stack: Stack,
    pub env: EnvFile,
    pub client: Client,
}

impl World {
    pub async fn start(name: &str) -> Self {
        let stack = Stack::start(&Options { name: name.to_owned(), services: true }).await.unwrap();
        let env = stack.env().clone();
        let client = Client::new(env.get("API_URL").unwrap(), env.get("API_KEY").unwrap()).unwrap();
        Self { stack, env, client }
    }

    pub async fn pool(&self, account: &str) -> MySqlPool {
        connect(self.env.get(account).unwrap(), PoolOptions::default()).await.unwrap()
    }

    /// A second process of the API, on addresses of its own.
    pub async fn second_api(&self) -> (Proc, Client, String) {
        let (http, ops) = (free_port().unwrap(), free_port().unwrap());
        let settings = [
            ("HTTP__BIND", format!("127.0.0.1:{http}")),
            ("OPS__BIND", format!("127.0.0.1:{ops}")),
            ("DATABASE__URL", self.env.get("MYSQL_APP_URL").unwrap().to_owned()),
        ];
        let settings: Vec<_> = settings.iter().map(|(key, value)| (*key, value.as_str())).collect();
        let log = self.stack.dir().join("logs").join("ledger-api-2.log");
        let program = stack::bin("ledger-api").unwrap();
        let mut api = Proc::spawn(&program, &["serve"], settings, &log).unwrap();
        let ops = format!("http://127.0.0.1:{ops}");
        api.wait_ready(&format!("{ops}/health/ready"), Duration::from_secs(30)).await.unwrap();
        let client =
            Client::new(&format!("http://127.0.0.1:{http}"), self.env.get("API_KEY").unwrap()).unwrap();
        (api, client, ops)
    }
}

/// Creates a payment and says its id.
pub async fn created(client: &Client, order: &str, total: i64) -> String {
    let body = json!({ "orderId": order, "currency": "KRW", "totalAmount": total });
    let reply = client.post("/v1/payments", &format!("create-{order}"), &body).await.unwrap();
    assert_eq!(reply.status, 201, "{}", reply.body);
    reply.body["id"].as_str().unwrap().to_owned()
}

/// A payment of 50,000 won, confirmed.
pub async fn confirmed(client: &Client, order: &str) -> String {
    let id = created(client, order, 50_000).await;
    let reply = client
        .post(&format!("/v1/payments/{id}/confirm"), &format!("confirm-{order}"), &split())
        .await
        .unwrap();
    assert_eq!(reply.status, 200, "{}", reply.body);
    id
}

pub fn split() -> Value {
    json!({ "approvals": [
        { "method": "CARD", "issuerId": "card-1", "amount": 15_000 },
        { "method": "POINTS", "issuerId": "points-1", "amount": 35_000 },
    ] })
}

/// The sum of a counter over all its labels.
pub async fn counter(ops: &str, name: &str) -> u64 {
    let text = e2e::client::http()
        .unwrap()
        .get(format!("{ops}/metrics"))
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    text.lines()
        .filter(|line| line.starts_with(name))
        .filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok())
        .sum()
}
