use super::*;

fn day() -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 11, 24).unwrap()
}

fn key(no: &str) -> TraceKey {
    TraceKey { issuer: String::new(), date: day(), no: no.to_owned() }
}

fn authorization(no: &str, amount: i64) -> Authorization {
    Authorization {
        trace_date: day(),
        trace_no: no.to_owned(),
        amount,
        currency: "KRW".to_owned(),
        method: "CARD".to_owned(),
        token: None,
        installment_months: 0,
        deposit_due_at: None,
    }
}

fn reversed() -> Answer {
    Answer::Reversed { auth_no: Some("A0000001".to_owned()) }
}

fn reversal(no: &str, amount: i64) -> Reversal {
    Reversal {
        original_trace_date: day(),
        original_trace_no: no.to_owned(),
        original_auth_no: None,
        trace_date: day(),
        trace_no: format!("{no}-r"),
        amount,
        currency: "KRW".to_owned(),
    }
}

fn cancel(no: &str, auth_no: &str, own: &str, amount: i64) -> Cancel {
    Cancel {
        original_trace_date: day(),
        original_trace_no: no.to_owned(),
        original_auth_no: auth_no.to_owned(),
        trace_date: day(),
        trace_no: own.to_owned(),
        amount,
        currency: "KRW".to_owned(),
        refund_account: None,
    }
}

fn approve(book: &mut Book, no: &str, amount: i64) -> String {
    let request = authorization(no, amount);
    book.note_authorization(&key(no), &request);
    let answer = book.authorize(&key(no), &request, None);
    let Answer::Approved { auth_no } = answer else { panic!("{answer:?}") };
    auth_no
}

#[test]
fn the_same_trace_number_is_the_same_authorization() {
    let mut book = Book::default();
    let first = approve(&mut book, "t", 50_000);
    assert_eq!(approve(&mut book, "t", 50_000), first);
    let truth = book.truth();
    assert_eq!(truth.totals.effective, 50_000);
    assert_eq!(truth.totals.repeated_authorizations, 1, "a second one on the wire is counted");
    let other = authorization("t", 40_000);
    assert_eq!(book.authorize(&key("t"), &other, None), declined("TRACE_REUSED"));
}

/// R2
#[test]
fn an_authorization_lands_after_a_reversal_that_found_no_original() {
    let mut book = Book::default();
    book.note_reversal(&key("t"));
    assert_eq!(book.reverse(&key("t"), &reversal("t", 50_000)), Answer::NoOriginal);
    approve(&mut book, "t", 50_000);
    assert_eq!(book.truth().totals.effective, 50_000);
    assert_eq!(book.reverse(&key("t"), &reversal("t", 50_000)), reversed());
    assert_eq!(book.reverse(&key("t"), &reversal("t", 50_000)), reversed(), "again: the same answer");
    assert_eq!(book.truth().totals, Totals { approved: 50_000, reversed: 50_000, ..Totals::default() });
}

#[test]
fn a_reversal_wants_the_original_data() {
    let mut book = Book::default();
    approve(&mut book, "t", 50_000);
    assert_eq!(book.reverse(&key("t"), &reversal("t", 40_000)), declined("ORIGINAL_DIFFERS"));
    let mut wrong = reversal("t", 50_000);
    wrong.original_auth_no = Some("X".to_owned());
    assert_eq!(book.reverse(&key("t"), &wrong), declined("ORIGINAL_DIFFERS"));
    assert_eq!(book.truth().totals.effective, 50_000);
}

#[test]
fn cancels_are_counted_once_and_never_exceed_the_approval() {
    let mut book = Book::default();
    let auth_no = approve(&mut book, "t", 50_000);
    let first = book.cancel(&key("t"), &cancel("t", &auth_no, "c-1", 20_000));
    assert!(matches!(first, Answer::Canceled { .. }));
    assert_eq!(book.cancel(&key("t"), &cancel("t", &auth_no, "c-1", 20_000)), first);
    assert_eq!(book.cancel(&key("t"), &cancel("t", &auth_no, "c-1", 10_000)), declined("TRACE_REUSED"));
    assert_eq!(book.cancel(&key("t"), &cancel("t", &auth_no, "c-2", 30_001)), declined("EXCEEDS_APPROVAL"));
    assert_eq!(book.cancel(&key("t"), &cancel("t", "X", "c-3", 1)), declined("NO_ORIGINAL"));
    assert_eq!(book.reverse(&key("t"), &reversal("t", 50_000)), Answer::TooLate);
    assert_eq!(book.truth().totals.effective, 30_000);
}

#[test]
fn a_decline_stands_and_has_nothing_to_reverse() {
    let mut book = Book::default();
    let request = authorization("t", 50_000);
    book.note_authorization(&key("t"), &request);
    assert_eq!(book.authorize(&key("t"), &request, Some("LIMIT")), declined("LIMIT"));
    assert_eq!(book.authorize(&key("t"), &request, None), declined("LIMIT"));
    assert_eq!(book.reverse(&key("t"), &reversal("t", 50_000)), Answer::NoOriginal);
    assert_eq!(book.truth().totals, Totals { repeated_authorizations: 0, ..Totals::default() });
}

#[test]
fn an_issued_account_holds_nothing_until_all_of_it_is_deposited() {
    let mut book = Book::default();
    let due_at = "2026-12-01T00:00:00Z".parse().ok();
    let request = Authorization {
        method: "VIRTUAL_ACCOUNT".to_owned(),
        deposit_due_at: due_at,
        ..authorization("t", 50_000)
    };
    book.note_authorization(&key("t"), &request);
    let Answer::Issued { auth_no, account } = book.authorize(&key("t"), &request, None) else {
        panic!("an account is issued")
    };
    let effective = |book: &Book| book.truth().totals.effective;
    let deposit = |amount| super::super::wire::Deposit { account_no: account.account_no.clone(), amount };
    assert!(book.deposit(&deposit(20_000)));
    assert_eq!(effective(&book), 0);
    assert!(book.deposit(&deposit(30_000)));
    assert_eq!(effective(&book), 50_000);
    let back = cancel("t", &auth_no, "c", 50_000);
    assert_eq!(book.cancel(&key("t"), &back), declined("NO_REFUND_ACCOUNT"));
    let refund_account =
        Some(super::super::wire::RefundAccount { bank_code: "088".to_owned(), token: "a".to_owned() });
    assert!(matches!(book.cancel(&key("t"), &Cancel { refund_account, ..back }), Answer::Canceled { .. }));
    assert_eq!(effective(&book), 0);
}
