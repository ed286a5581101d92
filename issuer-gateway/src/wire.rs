//! The reference dialect: how a committed attempt looks on the wire, and what an answer to it may say.

use chrono::{DateTime, NaiveDate, Utc};
use ledger_core::card_number;
use ledger_core::ledger::{CommittedAttempt, Original};
use ledger_core::payment::fact::{AttemptKind, Method, ResultOutcome, Way};
use ledger_core::payment::virtual_account::IssuedAccount;
use ledger_core::time;
use serde::{Deserialize, Serialize};

/// Longest number that an issuer may give (`attempt_result.issuer_ref`).
const MAX_REF: usize = 64;
/// Longest code that an issuer may give (`attempt_result.issuer_code`).
const MAX_CODE: usize = 32;
/// Longest bank code, account number and name (`virtual_account`).
const MAX_BANK: usize = 8;
const MAX_ACCOUNT: usize = 32;
const MAX_HOLDER: usize = 64;

/// A request's path below the issuer's endpoint, and its body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// What it asks for.
    pub kind: AttemptKind,
    /// How the leg is paid: an account is issued for one method only.
    pub method: Method,
    /// Path below the endpoint.
    pub path: &'static str,
    /// The number under which the issuer knows it.
    pub trace_no: String,
    /// JSON.
    pub body: Vec<u8>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Authorization<'a> {
    trace_date: NaiveDate,
    trace_no: &'a str,
    amount: i64,
    currency: &'a str,
    method: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<&'a str>,
    installment_months: u8,
    #[serde(skip_serializing_if = "Option::is_none")]
    deposit_due_at: Option<String>,
}

/// Where the money of a cancel goes.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RefundAccount<'a> {
    bank_code: &'a str,
    token: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Undo<'a> {
    original_trace_date: NaiveDate,
    original_trace_no: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    original_auth_no: Option<&'a str>,
    trace_date: NaiveDate,
    trace_no: &'a str,
    amount: i64,
    currency: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    refund_account: Option<RefundAccount<'a>>,
}

/// An attempt that this dialect has no words for: nothing was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unspeakable(pub &'static str);

impl Message {
    /// The request that an attempt stands for.
    pub fn of(attempt: &CommittedAttempt) -> Result<Self, Unspeakable> {
        match (attempt.kind(), attempt.original()) {
            (AttemptKind::Auth, _) => Self::authorization(attempt),
            (AttemptKind::NetCancel, Some(original)) => match (attempt.way(), &original.auth_no) {
                (None, _) => Self::undo(attempt, original, "/v1/reversals"),
                // put and answered as any cancel
                (Some(Way::Cancel), Some(_)) => {
                    let message = Self::undo(attempt, original, "/v1/cancels")?;
                    Ok(Self { kind: AttemptKind::Cancel, ..message })
                }
                (Some(Way::Cancel), None) => Err(Unspeakable("NO_ORIGINAL_DATA")),
            },
            (AttemptKind::Cancel, Some(original)) if original.auth_no.is_some() => {
                Self::undo(attempt, original, "/v1/cancels")
            }
            (AttemptKind::Inquiry, Some(original)) => Self::undo(attempt, original, "/v1/inquiries"),
            (AttemptKind::NetCancel | AttemptKind::Cancel | AttemptKind::Inquiry, _) => {
                Err(Unspeakable("NO_ORIGINAL_DATA"))
            }
        }
    }

    fn authorization(attempt: &CommittedAttempt) -> Result<Self, Unspeakable> {
        let body = Authorization {
            trace_date: attempt.trace_date(),
            trace_no: attempt.trace_no(),
            amount: attempt.amount(),
            currency: attempt.currency().code(),
            method: attempt.method().code(),
            token: attempt.method_token(),
            installment_months: attempt.installment_months(),
            deposit_due_at: attempt.deposit_due_at().map(time::text),
        };
        Self::new(attempt, "/v1/authorizations", &body)
    }

    fn undo(
        attempt: &CommittedAttempt,
        original: &Original,
        path: &'static str,
    ) -> Result<Self, Unspeakable> {
        let body = Undo {
            original_trace_date: original.trace_date,
            original_trace_no: &original.trace_no,
            original_auth_no: original.auth_no.as_deref(),
            trace_date: attempt.trace_date(),
            trace_no: attempt.trace_no(),
            amount: attempt.amount(),
            currency: attempt.currency().code(),
            refund_account: attempt
                .refund_to()
                .map(|to| RefundAccount { bank_code: &to.bank_code, token: &to.account_token }),
        };
        Self::new(attempt, path, &body)
    }

    fn new(
        attempt: &CommittedAttempt,
        path: &'static str,
        body: &impl Serialize,
    ) -> Result<Self, Unspeakable> {
        let body = serde_json::to_vec(body).map_err(|_| Unspeakable("NOT_JSON"))?;
        let (kind, method, trace_no) = (attempt.kind(), attempt.method(), attempt.trace_no().to_owned());
        Ok(Self { kind, method, path, trace_no, body })
    }
}

/// What an answer says, or why it says nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    /// What it comes to.
    pub outcome: ResultOutcome,
    /// The issuer's number.
    pub issuer_ref: Option<String>,
    /// The issuer's code, or ours for what is wrong with the answer.
    pub issuer_code: Option<String>,
    /// The account it issued.
    pub account: Option<IssuedAccount>,
}

impl Reading {
    /// An outcome of our own making, with a code that says why.
    pub fn of(outcome: ResultOutcome, code: &str) -> Self {
        Self { outcome, issuer_ref: None, issuer_code: Some(code.to_owned()), account: None }
    }

    fn garbled(code: &'static str) -> Self {
        Self::of(ResultOutcome::Garbled, code)
    }
}

/// Fields of any answer. Unknown ones are left alone: an issuer may add what we do not read.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    result: String,
    auth_no: Option<String>,
    code: Option<String>,
    trace_no: Option<String>,
    account: Option<Issued>,
}

/// An issued account.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Issued {
    bank_code: String,
    account_no: String,
    holder: Option<String>,
    due_at: DateTime<Utc>,
}

/// Reads the body of an answer with status 200 to `message`. What is not understood to the letter is garbled: the issuer
/// may have acted, and we do not know how.
pub fn read(message: &Message, body: &[u8]) -> Reading {
    let Ok(answer) = serde_json::from_slice::<Answer>(body) else { return Reading::garbled("NOT_JSON") };
    if answer.trace_no.is_some_and(|no| no != message.trace_no) {
        return Reading::garbled("OTHER_TRACE");
    }
    let outcome = match (message.kind, answer.result.as_str()) {
        (AttemptKind::Auth, "ISSUED") if message.method == Method::VirtualAccount => ResultOutcome::Issued,
        (AttemptKind::Auth, "APPROVED") if message.method != Method::VirtualAccount => {
            ResultOutcome::Approved
        }
        (AttemptKind::Auth | AttemptKind::Cancel | AttemptKind::Inquiry, "DECLINED") => {
            ResultOutcome::Declined
        }
        // it stands, under this number
        (AttemptKind::Inquiry, "APPROVED") => ResultOutcome::Approved,
        // with a number: that of the original, by which an approval that comes later is known as undone
        (AttemptKind::NetCancel | AttemptKind::Inquiry, "REVERSED") => ResultOutcome::Reversed,
        (AttemptKind::NetCancel | AttemptKind::Inquiry, "NO_ORIGINAL") => ResultOutcome::NoOriginal,
        (AttemptKind::NetCancel, "TOO_LATE") => ResultOutcome::TooLate,
        (AttemptKind::Cancel | AttemptKind::Inquiry, "CANCELED") => ResultOutcome::Canceled,
        (AttemptKind::Auth | AttemptKind::Cancel | AttemptKind::NetCancel | AttemptKind::Inquiry, _) => {
            return Reading::garbled("UNKNOWN_RESULT");
        }
    };
    let did_act = matches!(outcome, ResultOutcome::Approved | ResultOutcome::Issued);
    if did_act && answer.auth_no.is_none() {
        return Reading::garbled("NO_AUTH_NO");
    }
    if !answer.auth_no.as_deref().is_none_or(|no| is_number(no, MAX_REF))
        || !answer.code.as_deref().is_none_or(|code| is_number(code, MAX_CODE))
    {
        return Reading::garbled("BAD_NUMBER");
    }
    let account = answer.account.filter(|_| outcome == ResultOutcome::Issued);
    if outcome == ResultOutcome::Issued && !account.as_ref().is_some_and(is_account) {
        return Reading::garbled("BAD_ACCOUNT");
    }
    Reading {
        outcome,
        issuer_ref: answer.auth_no,
        issuer_code: answer.code,
        account: account.map(|account| IssuedAccount {
            bank_code: account.bank_code,
            account_no: account.account_no,
            holder: account.holder,
            due_at: time::to_micros(account.due_at),
        }),
    }
}

/// A number that can be shown to whoever pays. One that could pass for a card number is none: it would have to be kept.
fn is_account(account: &Issued) -> bool {
    let is_name = |name: &str| {
        (1..=MAX_HOLDER).contains(&name.chars().count())
            && !name.chars().any(char::is_control)
            && !card_number::is_in(name)
    };
    is_number(&account.bank_code, MAX_BANK)
        && is_number(&account.account_no, MAX_ACCOUNT)
        && account.holder.as_deref().is_none_or(is_name)
}

/// Letters, digits and a few signs; and no card number, whatever an issuer may put there (I16).
fn is_number(text: &str, most: usize) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/' | ':');
    (1..=most).contains(&text.len()) && text.chars().all(plain) && !card_number::is_in(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(kind: AttemptKind) -> Message {
        Message { kind, method: Method::Card, path: "/", trace_no: "t-1".to_owned(), body: Vec::new() }
    }

    fn outcome(kind: AttemptKind, body: &str) -> ResultOutcome {
        read(&message(kind), body.as_bytes()).outcome
    }

    #[test]
    fn each_kind_has_its_own_words() {
        use AttemptKind::{Auth, Cancel, Inquiry, NetCancel};
        use ResultOutcome::{Approved, Canceled, Declined, Garbled, NoOriginal, Reversed, TooLate};
        let cases = [
            (Auth, r#"{"result":"APPROVED","authNo":"A1"}"#, Approved),
            (Auth, r#"{"result":"DECLINED","code":"51"}"#, Declined),
            (Auth, r#"{"result":"REVERSED"}"#, Garbled),
            (Auth, r#"{"result":"APPROVED"}"#, Garbled),
            (NetCancel, r#"{"result":"REVERSED"}"#, Reversed),
            (NetCancel, r#"{"result":"NO_ORIGINAL"}"#, NoOriginal),
            (NetCancel, r#"{"result":"TOO_LATE"}"#, TooLate),
            (NetCancel, r#"{"result":"DECLINED","code":"x"}"#, Garbled),
            (Inquiry, r#"{"result":"APPROVED","authNo":"A1"}"#, Approved),
            (Inquiry, r#"{"result":"APPROVED"}"#, Garbled),
            (Inquiry, r#"{"result":"CANCELED"}"#, Canceled),
            (Inquiry, r#"{"result":"NO_ORIGINAL"}"#, NoOriginal),
            (Inquiry, r#"{"result":"TOO_LATE"}"#, Garbled),
            (Cancel, r#"{"result":"CANCELED","authNo":"C1","more":1}"#, Canceled),
            (Cancel, r#"{"result":"DECLINED","code":"51"}"#, Declined),
        ];
        for (kind, body, expected) in cases {
            assert_eq!(outcome(kind, body), expected, "{kind} {body}");
        }
        let named = read(&message(NetCancel), br#"{"result":"REVERSED","authNo":"A1"}"#);
        assert_eq!((named.outcome, named.issuer_ref.as_deref()), (Reversed, Some("A1")));
    }

    /// I16
    #[test]
    fn an_account_is_issued_for_its_method_only_and_never_under_a_card_number() {
        let account = |no: &str| {
            format!(
                r#"{{"result":"ISSUED","authNo":"A1","account":{{"bankCode":"088","accountNo":"{no}","dueAt":"2026-12-01T00:00:00Z"}}}}"#
            )
        };
        let to = |method| Message { method, ..message(AttemptKind::Auth) };
        let issued = read(&to(Method::VirtualAccount), account("110-123-456789").as_bytes());
        assert_eq!(issued.outcome, ResultOutcome::Issued);
        assert_eq!(issued.account.map(|account| account.account_no).as_deref(), Some("110-123-456789"));
        for (method, body) in [
            (Method::Card, account("110-123-456789")),
            (Method::VirtualAccount, account("4111-1111-1111-1111")),
            (Method::VirtualAccount, account("NO.4111111111111111")),
            (Method::VirtualAccount, account("110-123\",\"holder\":\"Kim 4111 1111 1111 1111")),
            (Method::VirtualAccount, r#"{"result":"ISSUED","authNo":"A1"}"#.to_owned()),
            (Method::VirtualAccount, r#"{"result":"APPROVED","authNo":"A1"}"#.to_owned()),
        ] {
            assert_eq!(read(&to(method), body.as_bytes()).outcome, ResultOutcome::Garbled, "{method} {body}");
        }
    }

    #[test]
    fn what_is_not_understood_to_the_letter_is_garbled() {
        for body in [
            "",
            "{",
            "<html>",
            "null",
            r#"{"result":"approved","authNo":"A1"}"#,
            r#"{"result":"APPROVED","authNo":"A1","traceNo":"t-2"}"#,
            r#"{"result":"APPROVED","authNo":""}"#,
            r#"{"result":"APPROVED","authNo":"A 1"}"#,
            r#"{"result":"APPROVED","authNo":"4111111111111111"}"#,
            r#"{"result":"APPROVED","authNo":"A4111111111111111"}"#,
            r#"{"result":"APPROVED","authNo":"4111.1111.1111.1111"}"#,
            r#"{"result":"APPROVED","authNo":"A1","code":"C:4111-1111-1111-1111"}"#,
            r#"{"result":"APPROVED","authNo":7}"#,
        ] {
            assert_eq!(outcome(AttemptKind::Auth, body), ResultOutcome::Garbled, "{body}");
        }
    }
}
