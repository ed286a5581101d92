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
/// How many of them are in card payments.
const CARD_KINDS: usize = 9;

/// The rows of one payment with dirt of this kind.
pub(super) fn payment(
    kind: usize,
    rng: &mut StdRng,
    tid: &str,
    tr_no: u64,
    at: NaiveDateTime,
) -> (Vec<Row>, Dirty) {
    let kind = kind % KINDS;
    if kind < CARD_KINDS { card(kind, rng, tid, at) } else { alone(kind - CARD_KINDS, tid, tr_no, at) }
}

fn dirty(table: &'static str, pk: &str, reason: &'static str, column: Option<&'static str>) -> Dirty {
    Dirty { table, pk: pk.to_owned(), reason, column }
}

/// A card payment with a fault in its header, its approval or its cancels.
fn card(kind: usize, rng: &mut StdRng, tid: &str, at: NaiveDateTime) -> (Vec<Row>, Dirty) {
    let mut header = card_header(tid, "shop1", 50_000, at, at);
    let mut approval = card_approval(rng, tid, "10000001", 50_000, at);
    let approval_pk = format!("{tid}/10000001");
    let of_approval = |reason, column| dirty("TB_CARD_APPR", &approval_pk, reason, column);
    let mut more = Vec::new();
    let fault = match kind {
        0 => {
            approval.values[2] = text("5E4");
            of_approval("AMOUNT_TEXT", Some("AMT"))
        }
        1 => {
            approval.values[4] = text("240000");
            of_approval("DATE_TEXT", Some("APPR_DT+APPR_TM"))
        }
        2 => {
            header.values[8] = text("99991231000000");
            dirty("TB_PAY_MST", tid, "DATE_SENTINEL", Some("REG_DT"))
        }
        3 => {
            more.extend([1, 2].map(|seq| partial(tid, seq, 30_000, at, None)));
            dirty("TB_CARD_PART_CNCL", &format!("{tid}/2"), "OVER_CANCEL", None)
        }
        4 => {
            approval.values[5] = text("ZZ");
            of_approval("CODE_UNKNOWN", Some("CARD_CD"))
        }
        5 => {
            approval.values[6] = text(format!("{} 123", row::card_number(rng)));
            of_approval("CARD_NUMBER", Some("CARD_NO"))
        }
        6 => {
            more.push(card_approval(rng, tid, "10000002", 50_000, at));
            of_approval("DUPLICATE_APPROVAL", None)
        }
        7 => {
            more.push(partial(tid, 1, 10_000, at, Some(vec![0xff, 0xff, 0x41])));
            dirty("TB_CARD_PART_CNCL", &format!("{tid}/1"), "CHARSET", Some("CNCL_RSN"))
        }
        _ => {
            header.values[1] = None;
            dirty("TB_PAY_MST", tid, "EMPTY", Some("MID"))
        }
    };
    ([vec![header, approval], more].concat(), fault)
}

/// A row that stands alone and should not, or that is wrong by itself.
fn alone(kind: usize, tid: &str, tr_no: u64, at: NaiveDateTime) -> (Vec<Row>, Dirty) {
    let no = tr_no.to_string();
    let (row, fault) = match kind {
        0 => {
            let cancel = vec![text(tid), row::day(at), row::time(at), None, None];
            (Row { table: "TB_CARD_CNCL", values: cancel }, dirty("TB_CARD_CNCL", tid, "ORPHAN", None))
        }
        1 => {
            let refund = vec![text(&no), text(&no), text("1000"), row::datetime(at), text("P")];
            (Row { table: "REFUND", values: refund }, dirty("REFUND", &no, "ORPHAN", None))
        }
        _ => {
            let mut transfer = transfer_header(tr_no, "shop1", 0, at, at);
            transfer.values[3] = text("0");
            (transfer, dirty("TB_ACNT_TRAN", &no, "AMOUNT_RANGE", Some("AMT")))
        }
    };
    (vec![row], fault)
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
