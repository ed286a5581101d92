//! Payments whose end is not known, among many whose end is.

use chrono::TimeDelta;
use ledger_core::ids::PaymentId;
use ledger_core::ledger::{Listed, PaymentFilter};
use ledger_core::payment::confirm::Confirm;
use ledger_core::payment::fact::Method;
use ledger_core::payment::fold::Payment;
use ledger_core::payment::status::Status;
use sqlx::AssertSqlSafe;

use super::world::{MERCHANT, World, leg, now};

/// More than any page looks at one by one.
const DONE: u32 = 20_000;

/// Copies of a payment that is done, made in the hour after now, as rows that no list needs to read.
async fn many_done(world: &World, done: PaymentId) {
    let ids = format!(
        "WITH RECURSIVE n AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM n WHERE n < {DONE}) \
         SELECT n, INSERT(CAST(p.payment_id AS CHAR(16) CHARACTER SET binary), 1, 14, \
           UNHEX(CONCAT(LPAD(HEX(CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS UNSIGNED) + n * 100), 12, '0'), '8000', LPAD(HEX(n), 12, '0')))) AS id \
         FROM n JOIN payment AS p ON p.payment_id = 0x{}",
        hex::encode(done.as_bytes())
    );
    let mut owner = world.owner.acquire().await.unwrap();
    for text in [
        "SET foreign_key_checks = 0, cte_max_recursion_depth = 100000".to_owned(),
        format!("CREATE TABLE made AS {ids}"),
    ] {
        sqlx::raw_sql(AssertSqlSafe(text)).execute(&mut *owner).await.unwrap();
    }
    for table in ["payment_change", "payment", "approval", "payment_verdict"] {
        let columns: Vec<String> = sqlx::query_scalar(
            "SELECT COLUMN_NAME FROM information_schema.columns WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = ? \
             AND GENERATION_EXPRESSION = '' AND COLUMN_NAME <> 'payment_id' ORDER BY ORDINAL_POSITION",
        )
        .bind(table)
        .fetch_all(&mut *owner)
        .await
        .unwrap();
        let values: Vec<_> = columns
            .iter()
            .map(
                |name| {
                    if name == "order_id" { "CONCAT('done-', m.n)".to_owned() } else { format!("t.{name}") }
                },
            )
            .collect();
        let text = format!(
            "INSERT INTO {table} (payment_id, {}) SELECT m.id, {} FROM {table} AS t JOIN made AS m WHERE t.payment_id = 0x{}",
            columns.join(", "),
            values.join(", "),
            hex::encode(done.as_bytes())
        );
        sqlx::raw_sql(AssertSqlSafe(text)).execute(&mut *owner).await.unwrap();
    }
}

async fn begun(world: &World, order: &str) -> PaymentId {
    let id = world.created(order, 10_000).await;
    let confirm = Confirm { legs: vec![leg(Method::Card, "card-1", 10_000)] };
    world.begun(id, &format!("confirm-{order}"), &confirm).await;
    id
}

fn ids<P>(page: &Listed<Payment, P>) -> Vec<PaymentId> {
    page.rows.iter().map(|payment| payment.id).collect()
}

/// The three orders whose end is not known are on the first page, however many payments have ended since; and what has ended since
/// the instant that is shown is among them.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_open_is_on_the_first_page_past_any_number_that_is_not() {
    let world = World::new("open").await;
    let mut open = Vec::new();
    for order in ["lost-1", "lost-2", "lost-3"] {
        open.insert(0, begun(&world, order).await);
    }
    let cart = world.created("cart", 10_000).await;
    let done = world.confirmed("done").await.id;
    many_done(&world, done).await;

    let later = now() + TimeDelta::hours(2);
    let list = async |status, as_of, after, limit| {
        let filter = PaymentFilter { before: later, status: Some(status) };
        world.ledger.payments(MERCHANT, filter, as_of, after, limit).await.unwrap()
    };
    let page = list(Status::InProgress, later, None, 10).await;
    assert_eq!((ids(&page), page.next), (open.clone(), None));
    let page = list(Status::InProgress, later, None, 2).await;
    assert_eq!((ids(&page), page.next), (open[..2].to_vec(), Some(open[1])));
    let page = list(Status::InProgress, later, page.next, 2).await;
    assert_eq!((ids(&page), page.next), (open[2..].to_vec(), None));

    let then = now();
    let stale = world.ledger.stale_intents(later, TimeDelta::zero(), 10).await.unwrap();
    let key = stale.into_iter().find(|key| key.payment_id == open[1]).unwrap();
    world.ledger.recover(key, later).await.unwrap();
    let page = list(Status::InProgress, then, None, 10).await;
    assert_eq!((ids(&page), page.next), (open.clone(), None), "as it was known then");
    let page = list(Status::InProgress, later, None, 10).await;
    assert_eq!((ids(&page), page.next), (vec![open[0], open[2]], None));

    let filter = PaymentFilter { before: now(), status: Some(Status::Ready) };
    let page = world.ledger.payments(MERCHANT, filter, now(), None, 10).await.unwrap();
    assert_eq!((ids(&page), page.next), (vec![cart], None));
    let page = list(Status::Ready, later, None, 10).await;
    assert_eq!((ids(&page), page.next), (Vec::new(), None), "two hours later nothing can be ready");
}
