use chrono::{DateTime, TimeDelta, Utc};

use super::*;
use crate::event::position::Positions;
use crate::ids::Slot;
use crate::money::{Currency, Minor};
use crate::payment::fact::{
    Approval, Attempt, AttemptKind, AttemptResult, BalanceLink, CancelKind, CancelOutcome, CancelShare,
    Cancellation, CardRef, Fact, LinkKind, Method, PaymentOpened, ResultOutcome, ResultSource, SentBy,
    ShareOutcome, TaxSource,
};
use crate::payment::fold::Head;
use crate::time::BusinessDate;

const MERCHANT: &str = "shop-1";

fn at() -> DateTime<Utc> {
    DateTime::from_timestamp(1_795_000_000, 0).unwrap()
}

fn won(units: i64) -> Minor {
    Minor::new(units).unwrap()
}

/// A payment of some legs, approved, and some cancels, whose texts are as long as they may be.
fn payment(number: u32, seq: u32, legs: u8, cancels: u16) -> Payment {
    let order_id = format!("{number:0>64}");
    let id = PaymentId::new(
        at() + TimeDelta::seconds(number.into()),
        Slot::of(MERCHANT, &order_id),
        &mut rand::rng(),
    );
    let mut facts = vec![Fact::Payment(PaymentOpened {
        merchant_id: MERCHANT.to_owned(),
        order_id,
        try_no: 1,
        currency: Currency::Krw,
        total: won(1_000_000),
        tax_free: Minor::ZERO,
        vat: Minor::ZERO,
        tax_source: TaxSource::Formula,
        contract_version: 1,
        fee: Minor::ZERO,
        fee_vat: Minor::ZERO,
        created_at: at(),
        expires_at: at(),
    })];
    for leg_no in 1..=legs {
        facts.extend(leg(leg_no));
    }
    for cancel_no in 1..=cancels {
        facts.extend(canceled(cancel_no));
    }
    Payment::fold(id, Head { seq, digest: [7; 32], positions: Positions::default() }, facts).unwrap()
}

fn leg(leg_no: u8) -> [Fact; 4] {
    [
        Fact::Approval(Approval {
            leg_no,
            method: Method::Card,
            issuer_id: "i".repeat(32),
            amount: won(1_000),
            tax_free: Minor::ZERO,
            partial_cancelable: true,
            refund_priority: 60,
            card: Some(CardRef { bin: "41111111".to_owned(), last4: "1111".to_owned() }),
            method_token: Some("t".repeat(64)),
            installment_months: 0,
            rule_version: Some(1),
            deposit_due_at: None,
        }),
        Fact::Attempt(Attempt {
            leg_no,
            kind: AttemptKind::Auth,
            attempt_no: 1,
            issuer_id: "i".repeat(32),
            trace_date: BusinessDate::in_seoul(at()).day(),
            trace_no: "n".repeat(36),
            amount: won(1_000),
            target_no: None,
            cancel_no: None,
            sent_by: SentBy::Ledger,
            deadline_at: at(),
            target_result: None,
            way: None,
        }),
        Fact::Result(AttemptResult {
            leg_no,
            kind: AttemptKind::Auth,
            attempt_no: 1,
            outcome: ResultOutcome::Approved,
            result_no: 1,
            source: ResultSource::Sync,
            issuer_ref: Some("r".repeat(40)),
            issuer_code: Some("c".repeat(16)),
            received_at: at(),
        }),
        Fact::BalanceLink(BalanceLink {
            leg_no,
            link_no: 0,
            kind: LinkKind::Open,
            cancel_no: None,
            before: None,
            delta: 1_000,
            after: won(1_000),
        }),
    ]
}

fn canceled(cancel_no: u16) -> [Fact; 3] {
    let share = CancelShare {
        cancel_no,
        leg_no: 1,
        amount: won(1),
        tax_free: Minor::ZERO,
        vat: Minor::ZERO,
        fee: Minor::ZERO,
        fee_vat: Minor::ZERO,
    };
    [
        Fact::Cancellation(Cancellation {
            cancel_no,
            cancel_request_id: "q".repeat(64),
            kind: CancelKind::Merchant,
            amount: won(1),
            tax_free: Minor::ZERO,
            vat: Minor::ZERO,
            fee: Minor::ZERO,
            fee_vat: Minor::ZERO,
            reason: "\u{d55c}".repeat(200),
            business_date: BusinessDate::in_seoul(at()),
            requested_at: at(),
        }),
        Fact::CancelShare(share),
        Fact::CancelOutcome(CancelOutcome {
            cancel_no,
            leg_no: 1,
            outcome: ShareOutcome::Done,
            decided_at: at(),
        }),
    ]
}

fn at_seq(payment: &Payment, seq: u32) -> Payment {
    let mut payment = payment.clone();
    payment.head.seq = seq;
    payment
}

#[test]
fn an_older_one_never_replaces_a_newer() {
    let payments = Payments::default();
    let payment = payment(1, 3, 1, 0);
    payments.keep(payment.clone());
    payments.keep(at_seq(&payment, 2));
    assert_eq!(payments.take(payment.id).unwrap().head.seq, 3);
    assert!(payments.take(payment.id).is_none(), "whoever takes it leaves it again");
    payments.keep(payment.clone());
    payments.keep(at_seq(&payment, 4));
    assert_eq!(payments.take(payment.id).unwrap().head.seq, 4);
    payments.keep(payment.clone());
    payments.forget(payment.id);
    assert!(payments.take(payment.id).is_none());
}

#[test]
fn it_is_taken_by_its_own_merchant_only_and_stays_for_it() {
    let payments = Payments::default();
    let payment = payment(1, 3, 1, 0);
    payments.keep(payment.clone());
    assert!(payments.take_of("shop-2", payment.id).is_none());
    assert!(payments.take_of(MERCHANT, payment.id).is_some());
}

/// The oldest keeping goes first; what was kept again is as good as new, and one that is larger than all room does not stay.
#[test]
fn what_was_kept_longest_ago_is_forgotten_first() {
    let one = weight::of(&payment(1, 1, 1, 0));
    let payments = Payments::within(3 * one + one / 2);
    let kept: Vec<_> = (1..=3).map(|number| payment(number, 1, 1, 0)).collect();
    for payment in &kept {
        payments.keep(payment.clone());
    }
    payments.keep(at_seq(&kept[0], 2));
    let further = payment(4, 1, 1, 0);
    payments.keep(further.clone());
    assert!(payments.take(kept[1].id).is_none(), "the oldest is gone");
    for id in [kept[0].id, kept[2].id, further.id] {
        assert!(payments.take(id).is_some());
    }
    assert_eq!(payments.0.lock().unwrap().bytes, 0, "nothing is counted that is not there");
    payments.keep(payment(5, 1, 8, 200));
    let inner = payments.0.lock().unwrap();
    assert_eq!((inner.by_id.len(), inner.bytes), (0, 0));
}

/// The bookkeeping of turns does not grow with the keepings, only with the payments.
#[test]
fn keeping_one_over_and_over_takes_no_room() {
    let payments = Payments::default();
    let payment = payment(1, 1, 1, 0);
    for seq in 1..10_000 {
        payments.keep(at_seq(&payment, seq));
    }
    let inner = payments.0.lock().unwrap();
    assert!(inner.order.len() < 100 && inner.by_id.len() == 1);
    assert_eq!(inner.bytes, weight::of(&payment));
}

/// Set for a process that fills a memory and says by how much it has grown.
const FILL: &str = "LEDGER_TEST_FILL";
const ROOM: usize = 32 << 20;

fn resident() -> usize {
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap();
    pages.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4_096
}

/// What the kernel says a process has grown by is within what was counted, whatever the payments are like: small, large, kept
/// over and over.
#[test]
fn what_is_remembered_takes_no_more_than_its_bytes() {
    let shapes = [(1, 0), (3, 1), (1, 40), (8, 8)];
    if let Some(shape) = std::env::var_os(FILL).and_then(|shape| shape.into_string().ok()) {
        let (legs, cancels) = shapes[shape.parse::<usize>().unwrap()];
        let payments = Payments::within(ROOM);
        let before = resident();
        let mut number = 0;
        let mut first = None;
        while first.is_none_or(|id| payments.0.lock().unwrap().by_id.contains_key(&id)) || number % 64 > 0 {
            number += 1;
            let kept = payment(number, 1, legs, cancels);
            first.get_or_insert(kept.id);
            payments.keep(kept);
        }
        let grown = resident() - before;
        println!("grown={grown} kept={}", payments.0.lock().unwrap().by_id.len());
        assert!(grown <= ROOM, "{grown} bytes for {ROOM}");
        assert!(grown >= ROOM / 8, "{grown} bytes are far from {ROOM}: too little is remembered");
        return;
    }
    for shape in 0..shapes.len() {
        let done = std::process::Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "--nocapture",
                "ledger::recent::tests::what_is_remembered_takes_no_more_than_its_bytes",
            ])
            .env(FILL, shape.to_string())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&done.stdout).into_owned();
        assert!(
            done.status.success() && said.contains("grown="),
            "{said}{}",
            String::from_utf8_lossy(&done.stderr)
        );
    }
}
