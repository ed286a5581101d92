//! The past, as a gateway of twenty years has it: the same seed writes the same rows.

use anyhow::Result;
use chrono::{NaiveDate, NaiveDateTime, TimeDelta};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use sqlx::mysql::MySqlPool;

use super::dirty::{self, Dirty};
use super::row::{self, Row, text};

/// Merchants of the generated past; names that start with `t` are test merchants.
const MERCHANTS: [&str; 5] = ["shop1", "shop2", "bookstore", "grocer", "cafe24h"];
/// Card companies as the code column has them.
const CARDS: [&str; 8] = ["01", "03", "04", "06", "11", "12", "14", "a1"];
/// Banks as the code column has them.
const BANKS: [&str; 5] = ["004", "011", "020", "081", "088"];

/// What the past looks like.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// The first day, on the Korean wall clock.
    pub first_day: NaiveDate,
    /// Over how many days payments are spread.
    pub days: u32,
    /// Payments that are wrong in a known way.
    pub dirty: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            first_day: NaiveDate::from_ymd_opt(2026, 10, 1).unwrap_or_default(),
            days: 40,
            dirty: dirty::KINDS,
        }
    }
}

/// What was written.
#[derive(Debug, Clone, Default, serde::Serialize)]
pub struct Generated {
    /// Rows in all tables.
    pub rows: usize,
    /// Payments, wrong ones included.
    pub payments: usize,
    /// Payments of test merchants and deleted ones.
    pub excluded: usize,
    /// The rows that are wrong, and how.
    pub dirty: Vec<Dirty>,
}

struct Generator {
    rng: StdRng,
    rows: Vec<Row>,
    at: NaiveDateTime,
    step: TimeDelta,
    made: Generated,
}

/// Writes about `rows` rows into the tables behind `pool`: card payments with full and partial cancels, transfers with
/// refunds, a few excluded ones, and `options.dirty` that do not fit.
pub async fn generate(pool: &MySqlPool, seed: u64, rows: usize, options: Options) -> Result<Generated> {
    let seconds = i64::from(options.days) * 86_400;
    let payments = i64::try_from(rows)?.max(1) / 2;
    let mut generator = Generator {
        rng: StdRng::seed_from_u64(seed),
        rows: Vec::with_capacity(rows + 8),
        at: options.first_day.and_hms_opt(9, 0, 0).unwrap_or_default(),
        step: TimeDelta::seconds((seconds / payments.max(1)).max(1)),
        made: Generated::default(),
    };
    for kind in 0..options.dirty {
        generator.dirty(kind);
    }
    while generator.rows.len() < rows {
        generator.payment();
    }
    row::insert(pool, &generator.rows).await?;
    generator.made.rows = generator.rows.len();
    Ok(generator.made)
}

impl Generator {
    fn next(&mut self) -> (usize, NaiveDateTime) {
        self.at += self.step;
        self.made.payments += 1;
        (self.made.payments, self.at)
    }

    fn dirty(&mut self, kind: usize) {
        let (number, at) = self.next();
        let (rows, dirty) = dirty::payment(kind, &mut self.rng, &tid(number, at), tr_no(number), at);
        self.rows.extend(rows);
        self.made.dirty.push(dirty);
    }

    fn payment(&mut self) {
        let (number, at) = self.next();
        let merchant =
            if self.rng.random_range(0..50) == 0 { "tdemo" } else { MERCHANTS[number % MERCHANTS.len()] };
        let deleted = self.rng.random_range(0..100) == 0;
        self.made.excluded += usize::from(deleted || merchant == "tdemo");
        let amount = self.rng.random_range(1..2_000) * 100;
        if self.rng.random_range(0..10) < 7 {
            self.card(number, merchant, amount, at, deleted);
        } else {
            self.transfer(number, merchant, amount, at, deleted);
        }
    }

    fn card(&mut self, number: usize, merchant: &str, amount: i64, at: NaiveDateTime, deleted: bool) {
        let tid = tid(number, at);
        let mut header = card_header(&tid, merchant, amount, at, at);
        header.values[4] = row::amount(&mut self.rng, amount);
        header.values[7] = text(if deleted { "Y" } else { "N" });
        let approval =
            card_approval(&mut self.rng, &tid, &format!("{:08}", number % 100_000_000), amount, at);
        let place = self.rows.len();
        self.rows.extend([header, approval]);
        let (mut left, mut when) = (amount, at);
        let habit = self.rng.random_range(0..100);
        if habit < 22 && amount >= 400 {
            for seq in 1..=self.rng.random_range(1..=3) {
                let part = self.rng.random_range(1..=left / 200) * 100;
                (left, when) = (left - part, row::later(&mut self.rng, when));
                self.partial_cancel(&tid, seq, part, left, when);
                if left < 200 {
                    break;
                }
            }
        }
        if (18..36).contains(&habit) {
            when = row::later(&mut self.rng, when);
            self.full_cancel(&tid, when);
        }
        self.rows[place].values[5] = text(if when == at { "0" } else { "2" });
        self.rows[place].values[9] = row::datetime(when);
    }

    fn partial_cancel(&mut self, tid: &str, seq: u32, part: i64, left: i64, at: NaiveDateTime) {
        let values = vec![
            text(tid),
            text(seq.to_string()),
            text(part.to_string()),
            text(left.to_string()),
            row::day(at),
            row::time(at),
            row::korean("부분 반품"),
        ];
        self.rows.push(Row { table: "TB_CARD_PART_CNCL", values });
    }

    fn full_cancel(&mut self, tid: &str, at: NaiveDateTime) {
        let values = vec![text(tid), row::day(at), row::time(at), None, row::korean("고객 변심")];
        self.rows.push(Row { table: "TB_CARD_CNCL", values });
    }

    fn transfer(&mut self, number: usize, merchant: &str, amount: i64, at: NaiveDateTime, deleted: bool) {
        let tr_no = tr_no(number);
        let mut header = transfer_header(tr_no, merchant, amount, at, at);
        header.values[4] = text(BANKS[number % BANKS.len()]);
        header.values[7] = text(if deleted { "Y" } else { "N" });
        self.rows.push(header);
        let refunds: &[i64] = match self.rng.random_range(0..10) {
            0 | 1 => &[amount],
            2 if amount >= 200 => &[amount / 200 * 100, 100],
            _ => &[],
        };
        let mut when = at;
        for (index, refund) in refunds.iter().enumerate() {
            when = row::later(&mut self.rng, when);
            let sign = if self.rng.random_range(0..3) == 0 { "-" } else { "" };
            let values = vec![
                text((tr_no * 10 + u64::try_from(index).unwrap_or_default()).to_string()),
                text(tr_no.to_string()),
                text(format!("{sign}{refund}")),
                row::datetime(when),
                text(if *refund == amount { "F" } else { "P" }),
            ];
            self.rows.push(Row { table: "REFUND", values });
        }
    }
}

/// A key as the gateway built it: prefix, second, counter.
fn tid(number: usize, at: NaiveDateTime) -> String {
    format!("GW{}{:08}", at.format("%Y%m%d%H%M%S"), number % 100_000_000)
}

fn tr_no(number: usize) -> u64 {
    100_000_000_000_000 + u64::try_from(number).unwrap_or_default()
}

/// The shared header of a card payment.
pub(super) fn card_header(
    tid: &str,
    merchant: &str,
    amount: i64,
    at: NaiveDateTime,
    changed: NaiveDateTime,
) -> Row {
    let values = vec![
        text(tid),
        text(merchant),
        text(format!("ORD-{tid}")),
        text("SC0010"),
        text(amount.to_string()),
        text("0"),
        None,
        text("N"),
        text(at.format("%Y%m%d%H%M%S").to_string()),
        row::datetime(changed),
    ];
    Row { table: "TB_PAY_MST", values }
}

/// The approval of a card payment.
pub(super) fn card_approval(rng: &mut StdRng, tid: &str, no: &str, amount: i64, at: NaiveDateTime) -> Row {
    let vat = if rng.random_range(0..10) == 0 { None } else { text(((amount + 5) / 11).to_string()) };
    let quota = ["00", "00", "00", "03", "06", "12"][rng.random_range(0..6)];
    let values = vec![
        text(tid),
        text(no),
        row::amount(rng, amount),
        row::day(at),
        row::time(at),
        text(CARDS[rng.random_range(0..CARDS.len())]),
        text(row::card_number(rng)),
        text(quota),
        vat,
        text("0"),
    ];
    Row { table: "TB_CARD_APPR", values }
}

/// A transfer.
pub(super) fn transfer_header(
    tr_no: u64,
    merchant: &str,
    amount: i64,
    at: NaiveDateTime,
    changed: NaiveDateTime,
) -> Row {
    let values = vec![
        text(tr_no.to_string()),
        text(merchant),
        text(format!("ORD-{tr_no}")),
        text(amount.to_string()),
        text("088"),
        row::datetime(at),
        row::korean("홍길동"),
        text("N"),
        row::datetime(changed),
    ];
    Row { table: "TB_ACNT_TRAN", values }
}
