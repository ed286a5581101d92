//! Payments of a legacy ledger: carried over once, told again without effect, refused where they contradict themselves.

use chrono::{DateTime, TimeDelta, Utc};
use ledger_core::change::{Asked, Change};
use ledger_core::ids::RequestId;
use ledger_core::money::{Currency, Minor};
use ledger_core::payment::fact::{AttemptKind, Method, Origin, ResultSource, SentBy, TaxSource};
use ledger_core::payment::fold::{Leg, Payment};
use ledger_core::payment::legacy::{self, AdoptRefused, LegacyApproval, LegacyCancellation, LegacyPayment};
use ledger_core::payment::status::Status;
use ledger_core::time::BusinessDate;

use super::world::{start, won};

fn approval(method: Method, amount: i64) -> LegacyApproval {
    LegacyApproval {
        method,
        issuer_id: "old".to_owned(),
        amount,
        tax_free: 0,
        approval_no: Some(format!("A-{amount}")),
        trace_no: format!("T-{amount}"),
        approved_at: start(),
        business_date: BusinessDate::in_seoul(start()),
        card_bin: None,
        card_last4: None,
        installment_months: 0,
    }
}

fn cancellation(key: &str, amount: i64) -> LegacyCancellation {
    LegacyCancellation {
        key: key.to_owned(),
        amount,
        tax_free: 0,
        vat: None,
        reason: "returned".to_owned(),
        canceled_at: at(),
        business_date: BusinessDate::in_seoul(at()),
    }
}

fn at() -> DateTime<Utc> {
    start() + TimeDelta::days(2)
}

fn told(cancels: &[(&str, i64)]) -> LegacyPayment {
    LegacyPayment {
        source: "oldpay".to_owned(),
        name: "TB_PAY_MST/1".to_owned(),
        merchant_id: "m".to_owned(),
        order_id: "o".to_owned(),
        currency: Currency::Krw,
        total: 50_000,
        tax_free: 0,
        vat: 4_545,
        created_at: start(),
        approvals: vec![approval(Method::Card, 30_000), approval(Method::Points, 20_000)],
        cancellations: cancels.iter().map(|(key, amount)| cancellation(key, *amount)).collect(),
    }
}

fn adopt(told: &LegacyPayment, known: Option<Payment>) -> Result<(Vec<Change>, Payment), AdoptRefused> {
    let asked = Asked { actor: "migrator".to_owned(), request_id: RequestId::from_bytes([7; 16]), at: at() };
    legacy::adopt(told, known, &asked)
}

#[test]
fn a_payment_is_carried_over_with_all_that_happened_to_it() {
    let (changes, payment) = adopt(&told(&[("c-1", 10_000), ("c-2", 15_000)]), None).unwrap();
    let commands: Vec<_> = changes.iter().map(|change| (change.command.as_str(), change.origin)).collect();
    let cancel = ("ADOPT_CANCEL", Origin::Legacy);
    assert_eq!(commands, [("ADOPT", Origin::Legacy), cancel, cancel]);
    assert_eq!(payment.status(at()), Status::PartialCanceled);
    assert_eq!((payment.balance(), payment.cancelable()), (Ok(won(25_000)), Ok(won(25_000))));
    assert_eq!((payment.opened.vat, payment.opened.tax_source), (won(4_545), TaxSource::Legacy));
    assert_eq!(payment.opened.fee, Minor::ZERO, "what it cost is not known here");
    let order: Vec<_> =
        payment.legs().map(|leg| (leg.approval.method, leg.approval.refund_priority)).collect();
    assert_eq!(order, [(Method::Card, 60), (Method::Points, 10)]);
    let remaining: Vec<_> = payment.legs().map(Leg::remaining).collect();
    assert_eq!(remaining, [won(5_000), won(20_000)], "the card is refunded first");
    let first = payment.attempt(1, AttemptKind::Auth, 1).unwrap();
    assert_eq!((first.attempt.trace_no.as_str(), first.attempt.sent_by), ("T-30000", SentBy::Legacy));
    let result = first.approval().unwrap();
    assert_eq!((result.issuer_ref.as_deref(), result.source), (Some("A-30000"), ResultSource::Legacy));
    assert_eq!(payment.cancel(2).unwrap().cancellation.requested_at, at());

    let (_, canceled) = adopt(&told(&[("c-1", 50_000)]), None).unwrap();
    assert_eq!(canceled.status(at()), Status::Canceled, "all of it can be canceled");
}

#[test]
fn told_again_it_adds_only_what_is_new() {
    let (_, known) = adopt(&told(&[("c-1", 10_000)]), None).unwrap();
    let (changes, same) = adopt(&told(&[("c-1", 10_000)]), Some(known.clone())).unwrap();
    assert!(changes.is_empty());
    assert_eq!(same.facts(), known.facts());
    let (changes, after) = adopt(&told(&[("c-1", 10_000), ("c-2", 5_000)]), Some(known)).unwrap();
    assert_eq!((changes.len(), after.balance()), (1, Ok(won(35_000))));
    assert_eq!(after.cancel(2).unwrap().cancellation.cancel_request_id, "c-2");
}

#[test]
fn what_was_carried_over_and_is_told_differently_is_named() {
    let (_, known) = adopt(&told(&[("c-1", 10_000), ("c-2", 5_000)]), None).unwrap();
    let same = told(&[("c-1", 10_000), ("c-2", 5_000)]);
    let third = [same.approvals.clone(), vec![approval(Method::Card, 1)]].concat();
    let cases = [
        ("total", LegacyPayment { total: 50_001, ..same.clone() }),
        ("tax_free", LegacyPayment { tax_free: 1, ..same.clone() }),
        ("currency", LegacyPayment { currency: Currency::Usd, ..same.clone() }),
        ("approvals", LegacyPayment { approvals: third, ..same.clone() }),
        ("cancel amount", told(&[("c-1", 10_000), ("c-2", 5_001)])),
        ("cancel amount", told(&[("c-1", 9_999), ("c-2", 5_000)])),
    ];
    for (named, told) in cases {
        let refused = adopt(&told, Some(known.clone())).unwrap_err();
        assert!(
            matches!(refused, AdoptRefused::Changed { field, .. } if field == named),
            "{named}: {refused}"
        );
    }
}

#[test]
fn what_contradicts_itself_is_not_carried_over() {
    let short = LegacyPayment { total: 50_001, ..told(&[]) };
    assert_eq!(adopt(&short, None).unwrap_err(), AdoptRefused::ApprovalSum { sum: 50_000, total: 50_001 });
    let over =
        |key: &str, amount, left| AdoptRefused::OverCancel { key: key.to_owned(), amount, left: won(left) };
    assert_eq!(adopt(&told(&[("c-1", 50_001)]), None).unwrap_err(), over("c-1", 50_001, 50_000));
    assert_eq!(
        adopt(&told(&[("c-1", 30_000), ("c-2", 20_001)]), None).unwrap_err(),
        over("c-2", 20_001, 20_000)
    );
    assert_eq!(adopt(&told(&[("c-1", 0)]), None).unwrap_err(), over("c-1", 0, 50_000));
}

#[test]
fn a_name_and_a_date_make_an_id_and_no_other() {
    let id = legacy::payment_id(&told(&[]));
    assert_eq!(legacy::payment_id(&told(&[("c-1", 1)])), id, "what happened later is no part of it");
    for other in [
        LegacyPayment { name: "TB_PAY_MST/2".to_owned(), ..told(&[]) },
        LegacyPayment { source: "other".to_owned(), ..told(&[]) },
        LegacyPayment { created_at: at(), ..told(&[]) },
    ] {
        assert_ne!(legacy::payment_id(&other), id, "{other:?}");
    }
}
