//! What the map makes of the quirks of old tables.
use proptest::prelude::*;

use super::*;
use crate::mapping::row::SafeRow;

type Row = (&'static str, Vec<(&'static str, Option<&'static str>)>);

const TID: &str = "GW20260301000000000000A1";

fn outcome_of(aggregate: &str, rows: &[Row]) -> Outcome {
    let mapping = Mapping::load("reference").unwrap();
    let aggregate = mapping.aggregates.iter().find(|known| known.name == aggregate).unwrap();
    let records: Vec<Record<'_>> = rows
        .iter()
        .map(|(table, columns)| {
            let table = aggregate.tables.iter().find(|known| known.spec.name == *table).unwrap();
            let columns = columns
                .iter()
                .map(|(name, value)| ((*name).to_owned(), value.map(|text| text.as_bytes().to_vec())))
                .collect();
            Record::read(&mapping, aggregate, table, SafeRow::new(table, columns))
        })
        .collect();
    map(&mapping, aggregate, "key", &records)
}

fn header(total: &'static str) -> Row {
    header_of("shop1", "N", total)
}

fn header_of(mid: &'static str, deleted: &'static str, total: &'static str) -> Row {
    let columns = vec![
        ("TID", Some(TID)),
        ("MID", Some(mid)),
        ("OID", Some("ORD-1")),
        ("PAY_TP", Some("SC0010")),
        ("AMT", Some(total)),
        ("STAT", Some("0")),
        ("ETC1", Some("4111111111111111")),
        ("DEL_YN", Some(deleted)),
        ("REG_DT", Some("20260301120000")),
    ];
    ("TB_PAY_MST", columns)
}

fn approval(no: &'static str, amount: &'static str) -> Row {
    let columns = vec![
        ("TID", Some(TID)),
        ("APPR_NO", Some(no)),
        ("AMT", Some(amount)),
        ("APPR_DT", Some("20260301")),
        ("APPR_TM", Some("235959")),
        ("CARD_CD", Some("a1")),
        ("CARD_NO", Some("4111-1111-1111-1111")),
        ("QUOTA", Some("03")),
        ("VAT", Some("4545")),
    ];
    ("TB_CARD_APPR", columns)
}

fn full(amount: Option<&'static str>) -> Row {
    let columns = vec![
        ("TID", Some(TID)),
        ("CNCL_DT", Some("20260303")),
        ("CNCL_TM", Some("100000")),
        ("CNCL_AMT", amount),
        ("CNCL_RSN", None),
    ];
    ("TB_CARD_CNCL", columns)
}

fn partial(seq: &'static str, amount: &'static str) -> Row {
    let columns = vec![
        ("TID", Some(TID)),
        ("SEQ", Some(seq)),
        ("CNCL_AMT", Some(amount)),
        ("CNCL_DT", Some("20260302")),
        ("CNCL_TM", Some("090000")),
        ("CNCL_RSN", Some("size")),
    ];
    ("TB_CARD_PART_CNCL", columns)
}

fn mapped(outcome: Outcome) -> Mapped {
    match outcome {
        Outcome::Payment(mapped) => *mapped,
        other @ (Outcome::Excluded { .. } | Outcome::Quarantined(_)) => panic!("{other:?}"),
    }
}

fn reasons(outcome: Outcome) -> Vec<String> {
    match outcome {
        Outcome::Quarantined(rows) => rows.into_iter().map(|row| row.reason).collect(),
        other @ (Outcome::Excluded { .. } | Outcome::Payment(_)) => panic!("{other:?}"),
    }
}

#[test]
fn a_full_cancel_without_amount_takes_what_partial_cancels_left() {
    let rows = [header("000000050000"), approval("00000001", "50,000"), full(None), partial("1", "20000.00")];
    let mapped = mapped(outcome_of("card", &rows));
    let cancels: Vec<_> = mapped.payment.cancellations.iter().map(|c| (c.key.as_str(), c.amount)).collect();
    let tid = TID;
    assert_eq!(
        cancels,
        [
            (format!("TB_CARD_PART_CNCL:{tid}/1").as_str(), 20_000),
            (format!("TB_CARD_CNCL:{tid}").as_str(), 30_000)
        ]
    );
    assert_eq!(
        mapped.rows.iter().map(|row| row.amount).collect::<Vec<_>>(),
        [50_000, 50_000, 30_000, 20_000]
    );
}

#[test]
fn an_approval_keeps_its_korean_day_its_tax_and_only_ends_of_its_card() {
    let mapped = mapped(outcome_of("card", &[header("50000"), approval("00000001", "50000")]));
    let leg = &mapped.payment.approvals[0];
    assert_eq!(leg.business_date.to_string(), "2026-03-01");
    assert_eq!((mapped.payment.vat, leg.installment_months, leg.issuer_id.as_str()), (4_545, 3, "NH"));
    assert_eq!((leg.card_bin.as_deref(), leg.card_last4.as_deref()), (Some("411111"), Some("1111")));
    assert!(!format!("{mapped:?}").contains("4111111111111111"));
}

#[test]
fn cancels_above_the_approval_put_the_whole_payment_into_quarantine() {
    let rows = [header("50000"), approval("00000001", "50000"), partial("1", "30000"), partial("2", "30000")];
    assert_eq!(reasons(outcome_of("card", &rows)), ["AGGREGATE", "AGGREGATE", "AGGREGATE", "OVER_CANCEL"]);
}

#[test]
fn a_full_cancel_after_everything_was_canceled_is_not_a_cancel_of_nothing() {
    let rows = [header("50000"), approval("00000001", "50000"), full(None), partial("1", "50000")];
    assert_eq!(reasons(outcome_of("card", &rows)), ["AGGREGATE", "AGGREGATE", "NOTHING_LEFT", "AGGREGATE"]);
}

#[test]
fn a_cancel_without_its_approval_waits_as_an_orphan() {
    assert_eq!(reasons(outcome_of("card", &[full(None)])), ["ORPHAN"]);
    assert_eq!(reasons(outcome_of("card", &[header("50000"), full(None)])), ["AGGREGATE", "ORPHAN"]);
    assert_eq!(reasons(outcome_of("card", &[header("50000")])), ["NO_APPROVAL"]);
    assert_eq!(reasons(outcome_of("card", &[approval("00000001", "50000")])), ["NO_HEADER"]);
}

#[test]
fn a_retried_insert_is_a_collision_unless_it_is_a_split() {
    let twice = [header("50000"), approval("00000001", "50000"), approval("00000002", "50000")];
    assert_eq!(reasons(outcome_of("card", &twice)), ["AGGREGATE", "DUPLICATE_APPROVAL", "AGGREGATE"]);
    let split = [header("50000"), approval("00000001", "20000"), approval("00000002", "30000")];
    assert_eq!(mapped(outcome_of("card", &split)).payment.approvals.len(), 2);
    assert_eq!(
        reasons(outcome_of("card", &[header("40000"), approval("00000001", "50000")]))[0],
        "TOTAL_MISMATCH"
    );
}

#[test]
fn a_dirty_value_names_its_column_and_takes_its_payment_along() {
    let Outcome::Quarantined(rows) = outcome_of("card", &[header("50000"), approval("00000001", "5E4")])
    else {
        panic!("it was mapped")
    };
    assert_eq!(
        (rows[1].reason.as_str(), rows[1].column.as_deref(), rows[1].amount),
        ("AMOUNT_TEXT", Some("AMT"), None)
    );
    assert_eq!((rows[0].reason.as_str(), rows[0].amount), ("AGGREGATE", Some(50_000)));
    assert!(!format!("{rows:?}").contains("4111111111111111"), "masked before anything else sees it");
}

#[test]
fn test_merchants_and_deleted_rows_are_left_out_with_a_reason() {
    let rows = [header_of("tshop", "N", "50000"), approval("00000001", "50000"), full(None)];
    let Outcome::Excluded { reason, rows } = outcome_of("card", &rows) else { panic!("it was kept") };
    assert_eq!(reason, "TEST_MERCHANT");
    assert_eq!(rows.iter().map(|row| row.amount).collect::<Vec<_>>(), [50_000, 50_000, 50_000]);
    let rows = [header_of("shop1", "Y", "50000"), approval("00000001", "5E4")];
    assert_eq!(
        reasons(outcome_of("card", &rows)),
        ["AGGREGATE", "AMOUNT_TEXT"],
        "an unknown amount ties out nowhere else"
    );
}

#[test]
fn a_refund_may_be_written_as_a_negative_amount() {
    let transfer = vec![
        ("TR_NO", Some("100000000000001")),
        ("MID", Some("shop1")),
        ("OID", Some("ORD-9")),
        ("AMT", Some("70000")),
        ("BANK_CD", Some("088")),
        ("TR_DTM", Some("2026-03-01 00:10:00")),
        ("DEL_YN", Some("N")),
    ];
    let refund = vec![
        ("RFND_NO", Some("7")),
        ("ORG_TR_NO", Some("100000000000001")),
        ("RFND_AMT", Some("-70000")),
        ("RFND_DTM", Some("2026-03-02 00:10:00")),
        ("RFND_TP", Some("F")),
    ];
    let mapped = mapped(outcome_of("transfer", &[("TB_ACNT_TRAN", transfer), ("REFUND", refund)]));
    assert_eq!((mapped.payment.cancellations[0].amount, mapped.payment.vat), (70_000, 6_364));
    assert_eq!(mapped.rows[0].kind, RowKind::Approval);
}

proptest! {
    /// I13: whatever the rows hold, each of them goes to exactly one place, with its amount where it could be read.
    #[test]
    fn no_row_is_lost_or_doubled(
        total in "[0-9]{1,6}|[ ,.0-9E-]{0,8}",
        approved in proptest::collection::vec("[0-9]{1,6}|[ ,.0-9E-]{0,8}", 0..3),
        canceled in proptest::collection::vec("[0-9]{1,6}|[ ,.0-9E-]{0,8}", 0..4),
        rest in any::<bool>(),
        with_header in any::<bool>(),
        mid in "[a-z]{1,3}",
    ) {
        let leak = |text: String| -> &'static str { Box::leak(text.into_boxed_str()) };
        let mut rows: Vec<Row> = Vec::new();
        if with_header {
            rows.push(header_of(leak(mid), "N", leak(total)));
        }
        for (index, amount) in approved.into_iter().enumerate() {
            rows.push(approval(leak(format!("{index:08}")), leak(amount)));
        }
        for (index, amount) in canceled.into_iter().enumerate() {
            rows.push(partial(leak(index.to_string()), leak(amount)));
        }
        if rest {
            rows.push(full(None));
        }
        let keys = |table: &str, pk: &str| format!("{table} {pk}");
        let seen: Vec<String> = match outcome_of("card", &rows) {
            Outcome::Payment(mapped) => {
                let canceled: i64 = mapped.payment.cancellations.iter().map(|cancel| cancel.amount).sum();
                prop_assert!(canceled <= mapped.payment.total);
                let money = mapped.rows.iter().filter(|row| row.kind == RowKind::Cancel).map(|row| row.amount);
                prop_assert_eq!(money.sum::<i64>(), canceled);
                mapped.rows.iter().map(|row| keys(&row.table, &row.pk)).collect()
            }
            Outcome::Excluded { rows, .. } => rows.iter().map(|row| keys(&row.table, &row.pk)).collect(),
            Outcome::Quarantined(rows) => {
                prop_assert!(rows.is_empty() || rows.iter().any(|row| row.reason != "AGGREGATE"), "nobody is to blame");
                rows.iter().map(|row| keys(&row.table, &row.pk)).collect()
            }
        };
        let distinct: std::collections::BTreeSet<&String> = seen.iter().collect();
        prop_assert_eq!((seen.len(), distinct.len()), (rows.len(), rows.len()));
    }
}
