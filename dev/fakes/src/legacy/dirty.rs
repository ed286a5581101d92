//! Rows that are wrong in a known way, with the reason a migrator must give.

use chrono::NaiveDateTime;
use rand::rngs::StdRng;

use super::generator::{card_approval, card_header, transfer_header};
use super::row::{self, Row, Value, text};

/// A row that has to end in quarantine.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Dirty {
    /// Its table.
    pub table: &'static str,
    /// Its key, parts joined by `/`.
    pub pk: String,
    /// Why it does not fit.
    pub reason: &'static str,
    /// The column at fault, if it is one column.
    pub column: Option<&'static str>,
}

/// How many kinds of dirt there are.
pub(super) const KINDS: usize = 12;

/// The rows of one payment with dirt of this kind.
pub(super) fn payment(
    kind: usize,
    rng: &mut StdRng,
    tid: &str,
    tr_no: u64,
    at: NaiveDateTime,
) -> (Vec<Row>, Dirty) {
    let mut header = card_header(tid, "shop1", 50_000, at, at);
    let mut approval = card_approval(rng, tid, "10000001", 50_000, at);
    let dirty = |table, pk: &str, reason, column| Dirty { table, pk: pk.to_owned(), reason, column };
    let approval_pk = format!("{tid}/10000001");
    match kind % KINDS {
        0 => {
            approval.values[2] = text("5E4");
            (vec![header, approval], dirty("TB_CARD_APPR", &approval_pk, "AMOUNT_TEXT", Some("AMT")))
        }
        1 => {
            approval.values[4] = text("240000");
            (
                vec![header, approval],
                dirty("TB_CARD_APPR", &approval_pk, "DATE_TEXT", Some("APPR_DT+APPR_TM")),
            )
        }
        2 => {
            header.values[8] = text("99991231000000");
            (vec![header, approval], dirty("TB_PAY_MST", tid, "DATE_SENTINEL", Some("REG_DT")))
        }
        3 => {
            let rows =
                vec![header, approval, partial(tid, 1, 30_000, at, None), partial(tid, 2, 30_000, at, None)];
            (rows, dirty("TB_CARD_PART_CNCL", &format!("{tid}/2"), "OVER_CANCEL", None))
        }
        4 => {
            let cancel = vec![text(tid), row::day(at), row::time(at), None, None];
            (vec![Row { table: "TB_CARD_CNCL", values: cancel }], dirty("TB_CARD_CNCL", tid, "ORPHAN", None))
        }
        5 => {
            approval.values[5] = text("ZZ");
            (vec![header, approval], dirty("TB_CARD_APPR", &approval_pk, "CODE_UNKNOWN", Some("CARD_CD")))
        }
        6 => {
            approval.values[6] = text(format!("{} 123", row::card_number(rng)));
            (vec![header, approval], dirty("TB_CARD_APPR", &approval_pk, "CARD_NUMBER", Some("CARD_NO")))
        }
        7 => {
            let again = card_approval(rng, tid, "10000002", 50_000, at);
            (vec![header, approval, again], dirty("TB_CARD_APPR", &approval_pk, "DUPLICATE_APPROVAL", None))
        }
        8 => {
            let rows = vec![header, approval, partial(tid, 1, 10_000, at, Some(vec![0xff, 0xff, 0x41]))];
            (rows, dirty("TB_CARD_PART_CNCL", &format!("{tid}/1"), "CHARSET", Some("CNCL_RSN")))
        }
        9 => {
            header.values[1] = None;
            (vec![header, approval], dirty("TB_PAY_MST", tid, "EMPTY", Some("MID")))
        }
        10 => {
            let refund = vec![
                text(tr_no.to_string()),
                text(tr_no.to_string()),
                text("1000"),
                row::datetime(at),
                text("P"),
            ];
            (
                vec![Row { table: "REFUND", values: refund }],
                dirty("REFUND", &tr_no.to_string(), "ORPHAN", None),
            )
        }
        _ => {
            let mut transfer = transfer_header(tr_no, "shop1", 0, at, at);
            transfer.values[3] = text("0");
            (vec![transfer], dirty("TB_ACNT_TRAN", &tr_no.to_string(), "AMOUNT_RANGE", Some("AMT")))
        }
    }
}

fn partial(tid: &str, seq: u32, amount: i64, at: NaiveDateTime, reason: Value) -> Row {
    let values = vec![
        text(tid),
        text(seq.to_string()),
        text(amount.to_string()),
        None,
        row::day(at),
        row::time(at),
        reason,
    ];
    Row { table: "TB_CARD_PART_CNCL", values }
}
