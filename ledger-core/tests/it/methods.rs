//! Rules of methods on real MySQL: read as data, by version and date; a cancel outside of a method's window is refused.

use chrono::{DateTime, Datelike as _, Days, Months, NaiveTime, TimeDelta, Utc};
use ledger_core::admin::Admin;
use ledger_core::ids::PaymentId;
use ledger_core::ledger::{Answer, BeginCancel, BeginConfirm};
use ledger_core::method_rule::{CancelWindow, MethodRule};
use ledger_core::payment::confirm::Confirm;
use ledger_core::payment::fact::Method;
use ledger_core::store::idempotency;
use ledger_core::time::BusinessDate;

use super::world::{
    MERCHANT, Plain, World, approve, cancel_operation, create_at, id_in, leg, now, operation, wanted,
};

/// Midnight in Seoul at the end of that day's month.
fn end_of_month(at: DateTime<Utc>) -> DateTime<Utc> {
    let day = BusinessDate::in_seoul(at).day();
    let first = day.checked_sub_days(Days::new(u64::from(day.day0()))).unwrap();
    let next = first.checked_add_months(Months::new(1)).unwrap();
    next.and_time(NaiveTime::MIN).and_utc() - TimeDelta::hours(9)
}

async fn paid_by(world: &World, method: Method) -> PaymentId {
    let id = world.created("order-1", 30_000).await;
    let confirm = Confirm { legs: vec![leg(method, "card-1", 30_000)] };
    let (op, attempts) = world.begun(id, "confirm-1", &confirm).await;
    world.ledger.finish_confirm(&op, id, &approve(&attempts), now(), &Plain).await.unwrap();
    id
}

/// What a cancel at that instant is told.
async fn told(
    world: &World,
    id: PaymentId,
    key: &str,
    amount: Option<i64>,
    at: DateTime<Utc>,
) -> Result<(), String> {
    let cmd = wanted(amount);
    let mut op = cancel_operation(key, id, &cmd);
    op.asked.at = at;
    let cmd = ledger_core::payment::cancel::Cancel { cancel_request_id: op.cancel_request_id(), ..cmd };
    match world.ledger.begin_cancel(&op, id, &cmd, &Plain).await.unwrap() {
        BeginCancel::Started { .. } => Ok(()),
        BeginCancel::Answered(Answer::Fresh(rendered)) => Err(String::from_utf8(rendered.body).unwrap()),
        BeginCancel::Answered(other) => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_phone_bill_is_canceled_within_its_month_in_seoul_only() {
    let world = World::new("method_month").await;
    let id = paid_by(&world, Method::Mobile).await;
    let midnight = end_of_month(now());
    for (key, amount) in [("late-whole", None), ("late-part", Some(10_000))] {
        let refused = told(&world, id, key, amount, midnight).await.unwrap_err();
        assert!(refused.contains("approval 1 (MOBILE) could be canceled until"), "{refused}");
        assert!(refused.contains("outside of the method"), "{refused}");
    }
    let before = midnight - TimeDelta::microseconds(1);
    assert_eq!(told(&world, id, "part", Some(10_000), before).await, Ok(()));
    assert_eq!(told(&world, id, "whole", None, before).await, Ok(()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_version_counts_from_its_date_on_and_never_for_what_was_sent_before() {
    let world = World::new("method_version").await;
    let old = paid_by(&world, Method::Card).await;
    let from = now() + TimeDelta::hours(1);
    let admin = Admin::open(&world.db.admin, "test".to_owned()).await.unwrap();
    let rule = MethodRule {
        method: Method::Card,
        version: 0,
        valid_from: from,
        refund_priority: 7,
        send_order: 9,
        partial_cancelable: false,
        cancel_window: CancelWindow::Days(3),
        deposit_hours: None,
    };
    assert_eq!(admin.add_method_rule(&rule, now()).await.unwrap(), 2);
    let rules = admin.method_rules(Some(Method::Card), 10).await.unwrap();
    assert_eq!(rules.iter().map(|row| row.rule.version).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(admin.method_rules(None, 100).await.unwrap().len(), 7, "six methods come with the schema");

    // another process reads them anew
    let ledger = world.second_ledger().await;
    for (order, at, expected) in [
        ("order-2", from - TimeDelta::microseconds(1), (Some(1), 60, true)),
        ("order-3", from, (Some(2), 7, false)),
    ] {
        let id = id_in(&create_at(&ledger, order, 30_000, order, at).await.unwrap());
        let confirm = Confirm { legs: vec![leg(Method::Card, "card-1", 30_000)] };
        let mut op = operation(order, idempotency::Operation::Confirm, id.slot(), order);
        op.asked.at = at;
        let begun = ledger.begin_confirm(&op, id, &confirm, &Plain).await.unwrap();
        assert!(matches!(begun, BeginConfirm::Started { .. }), "{begun:?}");
        let payment = ledger.payment(MERCHANT, id).await.unwrap().unwrap();
        let leg = &payment.leg(1).unwrap().approval;
        assert_eq!((leg.rule_version, leg.refund_priority, leg.partial_cancelable), expected);
    }
    let much_later = now() + TimeDelta::days(300);
    assert_eq!(told(&world, old, "old", Some(1), much_later).await, Ok(()), "a year, as when it was sent");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_that_contradicts_itself_is_refused_by_the_schema() {
    let world = World::new("method_forged").await;
    let row = |values: &str| {
        format!(
            "INSERT INTO method_rule (method, version, valid_from, refund_priority, send_order, partial_cancelable, \
             cancel_window_kind, cancel_days, deposit_hours, created_at, created_by) VALUES ({values}, NOW(6), 'test')"
        )
    };
    for (values, constraint) in [
        ("'CARD', 2, NOW(6), 1, 1, TRUE, 'DAYS', NULL, NULL", "ck_method_rule_window"),
        ("'CARD', 2, NOW(6), 1, 1, TRUE, 'CALENDAR_MONTH', 3, NULL", "ck_method_rule_window"),
        ("'CARD', 2, NOW(6), 1, 1, TRUE, 'NONE', NULL, 24", "ck_method_rule_deposit"),
        ("'VIRTUAL_ACCOUNT', 2, NOW(6), 1, 1, TRUE, 'NONE', NULL, NULL", "ck_method_rule_deposit"),
        ("'CASH', 1, NOW(6), 1, 1, TRUE, 'NONE', NULL, NULL", "ck_method_rule_method"),
    ] {
        let tried = sqlx::raw_sql(sqlx::AssertSqlSafe(row(values))).execute(&world.owner).await;
        let said = tried.unwrap_err().to_string();
        assert!(said.contains(constraint), "{values}: {said}");
    }
}
