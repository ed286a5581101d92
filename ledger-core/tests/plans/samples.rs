//! Real values for every statement: of the biggest merchant and of a small one, of payments of every kind.

use ledger_core::store::statement::Statement;
use sqlx::mysql::MySqlConnection;

use super::plan::Arg;

/// The instant the seeded past ends at.
const NOW: &str = "2026-11-24 11:59:00";
/// Eight days before.
const HORIZON: &str = "2026-11-16 12:00:00";
/// The merchant with three payments in ten.
const HOT: &str = "merchant-0000";
/// What a page holds.
const PAGE: Arg = Arg::Number(100);

/// What was found in the big ledger.
pub struct Values {
    /// A few payments, and as many as one read takes, as JSON.
    ids: [String; 2],
    /// A payment of the hot merchant that was canceled here.
    id: Vec<u8>,
    order: String,
    /// A merchant with few payments, and an order of it.
    small: (String, String),
    claim: Vec<u8>,
    claims: String,
    legacy_rows: String,
    legacy_keys: String,
    outbox_id: i64,
}

impl Values {
    pub async fn find(root: &mut MySqlConnection) -> Self {
        let list = |limit: u32| {
            format!(
                "SELECT CAST(JSON_ARRAYAGG(HEX(payment_id)) AS CHAR) FROM (SELECT payment_id FROM payment \
                 WHERE CRC32(payment_id) % 1000 < 7 LIMIT {limit}) AS p"
            )
        };
        let (id, order): (Vec<u8>, String) = sqlx::query_as(
            "SELECT p.payment_id, p.order_id FROM payment AS p JOIN cancellation AS c USING (payment_id) \
             WHERE p.merchant_id = ? AND p.origin = 'LIVE' ORDER BY p.payment_id LIMIT 1 OFFSET 1000",
        )
        .bind(HOT)
        .fetch_one(&mut *root)
        .await
        .unwrap();
        let small = "SELECT merchant_id, MIN(order_id) FROM payment GROUP BY merchant_id HAVING COUNT(*) < 20 LIMIT 1";
        Self {
            ids: [text(root, &list(2)).await, text(root, &list(1_000)).await],
            id,
            order,
            small: sqlx::query_as(small).fetch_one(&mut *root).await.unwrap(),
            claim: sqlx::query_scalar("SELECT claim_id FROM idempotency_claim LIMIT 1 OFFSET 1000")
                .fetch_one(&mut *root)
                .await
                .unwrap(),
            claims: text(
                root,
                "SELECT CAST(JSON_ARRAYAGG(HEX(claim_id)) AS CHAR) FROM (SELECT claim_id FROM idempotency_claim LIMIT 64) AS c",
            )
            .await,
            legacy_rows: text(
                root,
                "SELECT CAST(JSON_ARRAYAGG(JSON_ARRAY(table_name, row_pk, HEX(row_hash))) AS CHAR) \
                 FROM (SELECT * FROM legacy_row LIMIT 1000) AS l",
            )
            .await,
            legacy_keys: text(
                root,
                "SELECT CAST(JSON_ARRAYAGG(JSON_ARRAY(table_name, row_pk)) AS CHAR) FROM (SELECT * FROM legacy_row LIMIT 1000) AS l",
            )
            .await,
            outbox_id: sqlx::query_scalar("SELECT CAST(MAX(id) - 300 AS SIGNED) FROM outbox_event")
                .fetch_one(&mut *root)
                .await
                .unwrap(),
        }
    }

    /// Parameters for a statement, several times over; none for a statement that nobody has thought of.
    pub fn of(&self, statement: Statement) -> Option<Vec<Vec<Arg>>> {
        let sql = statement.sql;
        if sql.matches('?').count() == 1 && sql.contains("JSON_TABLE(?, '$[*]' COLUMNS (id CHAR(32) PATH") {
            return Some(self.ids.iter().map(|ids| vec![t(ids)]).collect());
        }
        self.of_app(statement.name)
            .or_else(|| self.of_merchant(statement.name))
            .or_else(|| self.of_figures(statement.name))
            .or_else(|| of_reference(statement.name))
            .or_else(|| self.of_replica(statement.name))
            .or_else(|| self.of_outbox(statement.name))
    }

    fn of_app(&self, name: &str) -> Option<Vec<Vec<Arg>>> {
        let (id, small) = (|| Arg::Bytes(self.id.clone()), &self.small);
        Some(match name {
            "append_in_time" => vec![vec![t("9999-12-31 00:00:00")]],
            "database_clock" => vec![Vec::new()],
            "last_payment_of_order" => vec![vec![t(HOT), t(&self.order)], vec![t(&small.0), t(&small.1)]],
            "taken_orders" => vec![vec![Arg::Text(
                serde_json::json!([[HOT, self.order, 1], [small.0, small.1, 1], [HOT, "none", 1]])
                    .to_string(),
            )]],
            "own_change" => vec![vec![id(), Arg::Number(2)]],
            "journal_of_payment" => vec![vec![id()]],
            "known_claims" => vec![vec![t(&self.claims)]],
            "find_idempotency_claim" => {
                vec![vec![Arg::Bytes(self.claim.clone())], vec![Arg::Bytes(vec![7; 32])]]
            }
            "overdue_deposits" => vec![vec![t("2026-11-17 12:00:00"), t(NOW), PAGE]],
            "due_reversals" | "due_contradictions" => vec![vec![t("2026-11-16 12:00:00"), t(NOW), PAGE]],
            "stale_intents" => vec![
                vec![t("2026-11-16 12:00:00"), t(NOW), PAGE],
                vec![t("2026-11-24 11:40:00"), t(NOW), PAGE],
            ],
            "left_approvals" => vec![
                vec![t("2026-11-16 12:00:00"), t(NOW), t(NOW), PAGE],
                vec![t("2026-11-24 11:20:00"), t(NOW), t(NOW), PAGE],
            ],
            "open_cancels" => vec![vec![t("2026-10-25"), t(NOW), PAGE]],
            "corrections_proposed_since" => {
                [0, 1].map(|open| vec![t("2026-10-25"), Arg::Number(open), PAGE]).to_vec()
            }
            "find_operator_keys" => vec![vec![t(r#"["key-1", "key-2", "none"]"#)]],
            _ => return None,
        })
    }

    fn of_merchant(&self, name: &str) -> Option<Vec<Vec<Arg>>> {
        let id = || Arg::Bytes(self.id.clone());
        let merchants = [HOT, self.small.0.as_str()];
        let ids = || t(&self.ids[1]);
        let line = [2, 3, 3, 1].map(Arg::Number);
        Some(match name {
            "owned_heads" => merchants.map(|merchant| vec![ids(), t(merchant)]).to_vec(),
            "owned_heads_as_of" => {
                merchants.map(|merchant| vec![ids(), t(merchant), t("2026-11-01")]).to_vec()
            }
            "owned_heads_at" => merchants.map(|merchant| vec![ids(), t(merchant), Arg::Number(2)]).to_vec(),
            "listed_payments" => {
                merchants.map(|merchant| vec![t(merchant), Arg::Bytes(vec![0xff; 16]), PAGE]).to_vec()
            }
            "stretch_of_payments" => merchants
                .map(|merchant| vec![t(merchant), Arg::Bytes(vec![0xff; 16]), Arg::Number(49_999)])
                .to_vec(),
            "open_payments" => merchants
                .map(|merchant| {
                    let ids = [0, 0xff].map(|byte| Arg::Bytes(vec![byte; 16]));
                    [vec![t(merchant)], ids.to_vec(), vec![t(NOW), t(NOW), PAGE]].concat()
                })
                .to_vec(),
            "feed_days" => {
                merchants.map(|merchant| vec![t(merchant), t("2026-10-01"), t("2026-11-24"), PAGE]).to_vec()
            }
            "feed_rest_of_day" => merchants
                .map(|merchant| {
                    let mut sample = vec![t(merchant), t("2026-10-02"), id(), id()];
                    sample.extend(line[1..].iter().cloned());
                    sample.push(PAGE);
                    sample
                })
                .to_vec(),
            _ => return None,
        })
    }

    fn of_figures(&self, name: &str) -> Option<Vec<Vec<Arg>>> {
        let merchants = [HOT, self.small.0.as_str()];
        let place = |from: &str| vec![t(from), t(NOW), t(from), Arg::Bytes(vec![0; 16]), Arg::Number(1_000)];
        let ever = || place("1970-01-01 00:00:00");
        let lately = || place(HORIZON);
        let zero = || Arg::Bytes(vec![0; 16]);
        let scan =
            |from: &str, until: &str| vec![t(from), t(until), t(from), zero(), t(NOW), Arg::Number(1_000)];
        let all = "9999-12-31 00:00:00";
        Some(match name {
            "any_heads_as_of" => self.ids.iter().map(|ids| vec![t(ids), t("2026-11-01")]).collect(),
            "exposed_reversals" | "exposed_attempts" => vec![scan(HORIZON, NOW)],
            "exposed_reversals_of_merchant" => {
                merchants.map(|merchant| [vec![t(merchant)], scan(HORIZON, NOW)].concat()).to_vec()
            }
            "exposed_escalations" => vec![ever()],
            "exposed_escalations_of_merchant" => {
                merchants.map(|merchant| [vec![t(merchant)], ever()].concat()).to_vec()
            }
            "exposed_contradictions" => {
                vec![[vec![t("ESCALATED")], ever()].concat(), [vec![t("RAISED")], lately()].concat()]
            }
            "exposed_contradictions_of_merchant" => {
                merchants.map(|merchant| [vec![t(merchant), t("ESCALATED")], ever()].concat()).to_vec()
            }
            // eight days of ids: they begin with milliseconds
            "exposed_payments_of_merchant" => merchants
                .map(|merchant| {
                    let id = |millis: u64| Arg::Bytes([&millis.to_be_bytes()[2..], &[0; 10]].concat());
                    let until = 1_795_521_540_000;
                    vec![t(merchant), id(until - 8 * 86_400_000), id(until), t(NOW), Arg::Number(1_000)]
                })
                .to_vec(),
            "payable_of_merchant" | "payable_on_replica" => merchants
                .map(|merchant| vec![t(all), t(all), t(merchant), t("2026-11-23"), t("KRW"), t(all)])
                .to_vec(),
            "next_merchant_of_journal" => vec![vec![t("")], vec![t(HOT)]],
            _ => return None,
        })
    }

    fn of_replica(&self, name: &str) -> Option<Vec<Vec<Arg>>> {
        let source = || t("reference");
        Some(match name {
            "replica_about" | "replica_server" | "replica_executed" | "replica_now" => vec![Vec::new()],
            "replica_wait" => vec![vec![t(""), Arg::Number(0)]],
            "replica_created" => vec![vec![t("2026-11-24 10:00:00"), t(NOW)]],
            "replica_canceled" => {
                vec![vec![t("2026-11-24"), t("2026-11-24"), t("2026-11-24 10:00:00"), t(NOW)]]
            }
            "replica_rows_of" => vec![vec![t(&self.ids[1]), source()]],
            "replica_disposed" | "replica_quarantined" => vec![vec![t(&self.legacy_keys), source()]],
            "known_legacy_rows" | "known_quarantined_rows" => vec![vec![t(&self.legacy_rows), source()]],
            "replica_quarantine_reasons" | "verifier_last_run" => vec![vec![source()]],
            "replica_quarantine_rows" => vec![vec![source(), t("CODE_UNKNOWN"), PAGE]],
            "replica_payments_after" => {
                [vec![0; 16], self.id.clone()].map(|id| vec![Arg::Bytes(id), Arg::Number(500)]).to_vec()
            }
            "insert_verifier_finding" => vec![vec![Arg::Text(
                serde_json::json!([{ "run_id": "00".repeat(16), "finding_no": 1, "class": "STALE", "table": "t", "pk": "k",
                                     "payment_id": null, "detail": "", "healed": 0 }])
                .to_string(),
            )]],
            "copy_receipts" => vec![vec![source(), source(), Arg::Number(1)]],
            _ => return None,
        })
    }

    fn of_outbox(&self, name: &str) -> Option<Vec<Vec<Arg>>> {
        let id = || Arg::Number(self.outbox_id);
        let name = name.strip_prefix("outbox_event_").or_else(|| name.strip_prefix("outbox_backfill_"))?;
        Some(match name {
            "after" => vec![vec![id(), Arg::Number(1_000)]],
            "ranges" => {
                let mut sample = vec![id()];
                sample.extend((0..32).flat_map(|place| {
                    let from = if place < 5 { self.outbox_id - 1_000 + place * 10 } else { 0 };
                    [Arg::Number(from), Arg::Number(from + i64::from(place < 5))]
                }));
                sample.push(Arg::Number(1_000));
                vec![sample]
            }
            "at" | "probe" => vec![vec![id()]],
            "bounds" => vec![Vec::new()],
            _ => return None,
        })
    }
}

fn of_reference(name: &str) -> Option<Vec<Vec<Arg>>> {
    let all_or_hot = || vec![vec![Arg::Null, Arg::Null, PAGE], vec![t(HOT), t(HOT), PAGE]];
    Some(match name {
        "method_rules" => vec![Vec::new()],
        "list_method_rules" => vec![vec![Arg::Null, Arg::Null, PAGE], vec![t("CARD"), t("CARD"), PAGE]],
        "last_method_rule_version" => vec![vec![t("CARD")]],
        "list_merchants" | "list_issuers" | "list_operator_keys" => vec![vec![PAGE]],
        "list_merchant_contracts" | "list_api_keys" | "list_merchant_authorities" => all_or_hot(),
        "valid_contract" => vec![vec![t(HOT), t(NOW)]],
        "valid_issuer" => vec![vec![t("issuer-1"), t(NOW)]],
        "find_api_key" => vec![vec![t("k17")], vec![t("none")]],
        "last_contract_version" => vec![vec![t(HOT)]],
        "last_issuer_version" => vec![vec![t("issuer-1")]],
        _ => return None,
    })
}

fn t(text: &str) -> Arg {
    Arg::Text(text.to_owned())
}

async fn text(root: &mut MySqlConnection, sql: &str) -> String {
    sqlx::query_scalar(sqlx::AssertSqlSafe(sql.to_owned())).fetch_one(root).await.unwrap()
}
