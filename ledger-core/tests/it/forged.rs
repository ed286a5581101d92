//! Rows that the runtime account tries to forge, each refused by the schema itself.

use ledger_core::store::pool::{PoolOptions, connect};
use ledger_core::store::{LostKey, StoreError};
use sqlx::AssertSqlSafe;
use sqlx::mysql::MySqlPool;

use super::world::{World, cancel};

/// What the schema says to a forged row.
#[derive(Debug, PartialEq, Eq)]
enum Said {
    Refused(String),
    Lost(LostKey),
    Accepted,
}

async fn try_row(pool: &MySqlPool, text: String) -> Said {
    let mut transaction = pool.begin().await.unwrap();
    let tried = sqlx::raw_sql(AssertSqlSafe(text.clone())).execute(&mut *transaction).await;
    transaction.rollback().await.unwrap();
    match tried.map_err(StoreError::from) {
        Ok(_) => Said::Accepted,
        Err(StoreError::Refused { constraint }) => Said::Refused(constraint),
        Err(StoreError::Lost(key)) => Said::Lost(key),
        Err(other) => panic!("{text}: {other:?}"),
    }
}

fn refused(constraint: &str) -> Said {
    Said::Refused(constraint.to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn every_forged_row_is_refused() {
    try_all(&World::new("forged").await).await;
}

/// The default of MySQL 9.7, which checks references in its SQL layer and some composite ones not at all. Our own servers
/// leave it to InnoDB; the schema must not rest on that.
#[tokio::test(flavor = "multi_thread")]
async fn every_forged_row_is_refused_where_innodb_does_not_check_references() {
    let Some(server) = stack::Spare::start("loose-innodb-native-foreign-keys = OFF\n").await.unwrap() else {
        eprintln!("skipped: MySQL was not started here, so its settings are not ours");
        return;
    };
    let db = stack::TestDb::create_on(server.env(), "forged").await.unwrap();
    try_all(&World::on(db).await).await;
}

/// What is forged, how, and what the schema says to it.
type Forgery = (&'static str, String, Said);

/// A payment with a cancel, and one that is open: what forged rows are hung on.
struct Forger {
    id: String,
    slot: u16,
    open_id: String,
    open_slot: u16,
}

impl Forger {
    async fn new(world: &World) -> Self {
        let payment = world.confirmed("order-1").await;
        cancel(&world.ledger, payment.id, Some(20_000), "cancel-1").await.unwrap();
        let open = world.created("order-2", 1_000).await;
        Self {
            id: payment.id.to_hex(),
            slot: payment.id.slot().get(),
            open_id: open.to_hex(),
            open_slot: open.slot().get(),
        }
    }

    fn link(&self, values: &str) -> String {
        let Self { id, slot, .. } = self;
        format!(
            "INSERT INTO balance_link (payment_id, slot, origin, seq, leg_no, link_no, kind, cancel_no, before_amount, delta, \
             after_amount) VALUES (UNHEX('{id}'), {slot}, 'LIVE', 3, {values})"
        )
    }

    fn verdict(&self, values: &str) -> String {
        let Self { id, slot, .. } = self;
        format!(
            "INSERT INTO attempt_verdict (payment_id, slot, origin, seq, kind, decided_at, leg_no, attempt_no, verdict, \
             result_outcome, result_no) VALUES (UNHEX('{id}'), {slot}, 'LIVE', 3, 'AUTH', NOW(6), {values})"
        )
    }

    fn change(&self, values: &str) -> String {
        let Self { id, slot, .. } = self;
        format!(
            "INSERT INTO payment_change (payment_id, slot, origin, command, actor, request_id, recorded_at, render_version, \
             positions, digest, seq, previous_digest) VALUES (UNHEX('{id}'), {slot}, 'LIVE', 'X', 'x', REPEAT('0', 16), NOW(6), \
             1, '', REPEAT('0', 32), {values})"
        )
    }

    fn links(&self) -> Vec<Forgery> {
        let Self { id, slot, .. } = self;
        vec![
            (
                "a balance that nobody left",
                self.link("2, 2, 'RELEASE', 1, 30001, 1, 30002"),
                refused("fk_balance_link_previous"),
            ),
            (
                "a fork of the chain",
                self.link("2, 1, 'HOLD', 1, 35000, -1, 34999"),
                Said::Lost(LostKey::BalanceLink),
            ),
            (
                "a gap in the chain",
                self.link("2, 9, 'RELEASE', 1, 30000, 1, 30001"),
                refused("fk_balance_link_previous"),
            ),
            (
                "a balance below zero",
                self.link("2, 2, 'HOLD', 1, 30000, -30001, -1"),
                refused("ck_balance_link_positive"),
            ),
            (
                "a sum that is none",
                self.link("2, 2, 'RELEASE', 1, 30000, 1, 30005"),
                refused("ck_balance_link_sum"),
            ),
            (
                "a second hold of a share",
                self.link("2, 2, 'HOLD', 1, 30000, -1, 29999"),
                Said::Lost(LostKey::BalanceLink),
            ),
            (
                "a hold for no cancel",
                self.link("2, 2, 'HOLD', 7, 30000, -1, 29999"),
                refused("fk_balance_link_share"),
            ),
            (
                "a second opening",
                self.link("2, 0, 'OPEN', NULL, NULL, 5, 5"),
                Said::Lost(LostKey::BalanceLink),
            ),
            (
                "an opening without approval",
                self.link("3, 0, 'OPEN', NULL, NULL, 5, 5"),
                refused("fk_balance_link_open"),
            ),
            (
                "a link with its own forged parent",
                self.link("3, 0, 'OPEN', NULL, NULL, 5, 5")
                    + &format!(", (UNHEX('{id}'), {slot}, 'LIVE', 3, 3, 1, 'RELEASE', 1, 5, 1, 6)"),
                refused("fk_balance_link_open"),
            ),
        ]
    }

    fn verdicts_and_changes(&self) -> Vec<Forgery> {
        let slot = self.slot;
        vec![
            (
                "a second verdict",
                self.verdict("1, 1, 'ABANDON', NULL, NULL"),
                Said::Lost(LostKey::AttemptVerdict),
            ),
            (
                "a verdict on no attempt",
                self.verdict("1, 2, 'REJECT', NULL, NULL"),
                refused("fk_attempt_verdict_attempt"),
            ),
            (
                "an accept without an approval",
                self.verdict("1, 2, 'ACCEPT', NULL, NULL"),
                refused("ck_attempt_verdict_accept"),
            ),
            (
                "an accept on a decline",
                self.verdict("1, 2, 'ACCEPT', 'DECLINED', 1"),
                refused("ck_attempt_verdict_accept"),
            ),
            (
                "a change after a gap",
                self.change("99, REPEAT('0', 32)"),
                refused("fk_payment_change_previous"),
            ),
            ("a change that begins again", self.change("1, NULL"), Said::Lost(LostKey::Change)),
            (
                "a change without its predecessor's digest",
                self.change("4, NULL"),
                refused("ck_payment_change_seq"),
            ),
            (
                "a row in the wrong slot",
                self.change("6, REPEAT('0', 32)")
                    .replace(&format!("), {slot},"), &format!("), {},", (slot + 1) % 60_000)),
                refused("ck_payment_change_slot"),
            ),
        ]
    }

    fn rows_that_name_others(&self) -> Vec<Forgery> {
        let Self { id, slot, open_id, open_slot } = self;
        vec![
            (
                "a second verdict on a payment",
                format!(
                    "INSERT INTO payment_verdict (payment_id, slot, origin, seq, merchant_id, order_id, try_no, verdict, \
                 business_date, decided_at) VALUES (UNHEX('{id}'), {slot}, 'LIVE', 9, 'shop-1', 'order-1', 1, 'ABORTED', \
                 '2026-11-24', NOW(6))"
                ),
                Said::Lost(LostKey::PaymentVerdict),
            ),
            (
                "a verdict that names another order",
                format!(
                    "INSERT INTO payment_verdict (payment_id, slot, origin, seq, merchant_id, order_id, try_no, verdict, \
                 business_date, decided_at) VALUES (UNHEX('{open_id}'), {open_slot}, 'LIVE', 2, 'shop-1', 'order-1', 1, \
                 'ABORTED', '2026-11-24', NOW(6))"
                ),
                refused("fk_payment_verdict_payment"),
            ),
            (
                "a second try of an order that is not closed",
                format!(
                    "INSERT INTO payment (payment_id, slot, origin, seq, merchant_id, order_id, try_no, currency, total, tax_free, \
                 vat, tax_source, contract_version, fee, fee_vat, created_at, expires_at) VALUES (UNHEX(REPLACE('{id}', \
                 SUBSTRING('{id}', 1, 4), 'FFFF')), {slot}, 'LIVE', 1, 'shop-1', 'order-1', 2, 'KRW', 1, 0, 0, 'FORMULA', 1, 0, \
                 0, NOW(6), NOW(6))"
                ),
                refused("fk_payment_previous_try"),
            ),
            (
                "a network cancel of an accepted attempt",
                format!(
                    "INSERT INTO network_cancel (payment_id, slot, origin, seq, leg_no, attempt_no, reason, late_until, valid_until, \
                 requested_at) VALUES (UNHEX('{id}'), {slot}, 'LIVE', 9, 1, 1, 'TIMEOUT', NOW(6), NOW(6), NOW(6))"
                ),
                refused("fk_network_cancel_verdict"),
            ),
            (
                "a share of no cancellation",
                format!(
                    "INSERT INTO cancel_share (payment_id, slot, origin, seq, cancel_no, leg_no, amount, tax_free, vat, fee, fee_vat) \
                 VALUES (UNHEX('{id}'), {slot}, 'LIVE', 9, 7, 1, 1, 0, 0, 0, 0)"
                ),
                refused("fk_cancel_share_cancellation"),
            ),
            (
                "an event that is half a tombstone",
                "INSERT INTO outbox_event (kind, topic) VALUES ('TOMBSTONE', 'x')".to_owned(),
                refused("ck_outbox_event_kind"),
            ),
        ]
    }
}

async fn try_all(world: &World) {
    let forger = Forger::new(world).await;
    let app = connect(&world.db.app, PoolOptions::default()).await.unwrap();
    let mut wrong = Vec::new();
    let forgeries = [forger.links(), forger.verdicts_and_changes(), forger.rows_that_name_others()];
    for (what, text, expected) in forgeries.into_iter().flatten() {
        let said = try_row(&app, text).await;
        if said != expected {
            wrong.push(format!("{what}: {said:?} instead of {expected:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
