//! The reference dialect: JSON over HTTP, as an issuer sees it.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

use super::card_number;

/// `POST /v1/authorizations`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Authorization {
    /// Day of the trace number.
    pub trace_date: NaiveDate,
    /// The sender's number of this message; the same number is the same authorization.
    pub trace_no: String,
    /// Amount in minor units.
    pub amount: i64,
    /// Three letters.
    pub currency: String,
    /// Card, transfer, ….
    pub method: String,
    /// The stored method, or a script for this simulator.
    #[serde(default)]
    pub token: Option<String>,
    /// Months, 0 = at once.
    #[serde(default)]
    pub installment_months: u8,
    /// Until when the account to be issued is to take a deposit.
    #[serde(default)]
    pub deposit_due_at: Option<DateTime<Utc>>,
}

/// `POST /v1/reversals`: undo what the original may have done.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Reversal {
    /// Day of the original's trace number.
    pub original_trace_date: NaiveDate,
    /// The original's trace number.
    pub original_trace_no: String,
    /// The original's approval number, where the sender knows it.
    #[serde(default)]
    pub original_auth_no: Option<String>,
    /// Day of this message's trace number.
    pub trace_date: NaiveDate,
    /// This message's trace number.
    pub trace_no: String,
    /// The whole amount of the original.
    pub amount: i64,
    /// Three letters.
    pub currency: String,
}

/// `POST /v1/inquiries`: how does the original stand?
#[derive(Debug, Clone, Deserialize)]
#[serde(transparent)]
pub struct Inquiry(pub Reversal);

/// `POST /v1/cancels`: give back a part or all of an approval.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Cancel {
    /// Day of the original's trace number.
    pub original_trace_date: NaiveDate,
    /// The original's trace number.
    pub original_trace_no: String,
    /// The original's approval number.
    pub original_auth_no: String,
    /// Day of this message's trace number.
    pub trace_date: NaiveDate,
    /// This message's trace number; the same number is the same cancel.
    pub trace_no: String,
    /// The amount given back.
    pub amount: i64,
    /// Three letters.
    pub currency: String,
    /// Where it goes, when the original was paid by deposit.
    #[serde(default)]
    pub refund_account: Option<RefundAccount>,
}

/// An account to refund to.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct RefundAccount {
    /// The bank.
    pub bank_code: String,
    /// What stands for the account.
    pub token: String,
}

/// `POST /control/deposits`: a customer pays into an account.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Deposit {
    /// The account.
    pub account_no: String,
    /// Amount in minor units.
    pub amount: i64,
}

/// An account that was issued.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Account {
    /// The bank.
    pub bank_code: String,
    /// The number to deposit to.
    pub account_no: String,
    /// In whose name it stands.
    pub holder: String,
    /// Until when it takes a deposit.
    pub due_at: DateTime<Utc>,
}

/// What the issuer answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "result", rename_all = "SCREAMING_SNAKE_CASE", rename_all_fields = "camelCase")]
pub enum Answer {
    /// The authorization stands.
    Approved {
        /// The issuer's approval number.
        auth_no: String,
    },
    /// An account is issued; the money is yet to come.
    Issued {
        /// The issuer's number for it.
        auth_no: String,
        /// The account.
        account: Account,
    },
    /// The authorization or cancel was refused.
    Declined {
        /// Why.
        code: String,
    },
    /// The original is undone.
    Reversed {
        /// The original's approval number, of an issuer that says it.
        #[serde(skip_serializing_if = "Option::is_none")]
        auth_no: Option<String>,
    },
    /// No such original (so far).
    NoOriginal,
    /// The original can only be canceled by now.
    TooLate,
    /// The cancel stands.
    Canceled {
        /// The issuer's number of the cancel.
        auth_no: String,
    },
}

/// A request that is no request: why, without repeating what was sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadRequest {
    /// Not JSON, a missing or unknown field, or a wrong type.
    #[error("the body is not what this path expects")]
    Malformed,
    /// What looks like a card number stands in a field.
    #[error("{0} looks like a card number; send a token")]
    CardNumber(&'static str),
    /// A field is out of bounds.
    #[error("{0} is out of bounds")]
    OutOfBounds(&'static str),
    /// A token that starts like a script and is none.
    #[error("token is no script this simulator knows")]
    Script,
}

/// A message of one kind, as the routes need it.
pub trait Message: Sized + for<'de> Deserialize<'de> + Send + 'static {
    /// Refuses what is out of bounds or looks like a card number.
    fn check(&self) -> Result<(), BadRequest>;

    /// Strict JSON, then [`Message::check`].
    fn parse(bytes: &[u8]) -> Result<Self, BadRequest> {
        let message: Self = serde_json::from_slice(bytes).map_err(|_| BadRequest::Malformed)?;
        message.check()?;
        Ok(message)
    }
}

impl Message for Authorization {
    fn check(&self) -> Result<(), BadRequest> {
        bounds(&self.trace_no, self.amount, &self.currency)?;
        text("method", &self.method, 16)?;
        self.token.as_deref().map_or(Ok(()), |token| text("token", token, 64))
    }
}

impl Message for Reversal {
    fn check(&self) -> Result<(), BadRequest> {
        bounds(&self.trace_no, self.amount, &self.currency)?;
        number("originalTraceNo", &self.original_trace_no, 40)?;
        self.original_auth_no.as_deref().map_or(Ok(()), |no| number("originalAuthNo", no, 64))
    }
}

impl Message for Inquiry {
    fn check(&self) -> Result<(), BadRequest> {
        self.0.check()
    }
}

impl Message for Cancel {
    fn check(&self) -> Result<(), BadRequest> {
        bounds(&self.trace_no, self.amount, &self.currency)?;
        number("originalTraceNo", &self.original_trace_no, 40)?;
        if let Some(to) = &self.refund_account {
            text("refundAccount.bankCode", &to.bank_code, 8)?;
            text("refundAccount.token", &to.token, 64)?;
        }
        number("originalAuthNo", &self.original_auth_no, 64)
    }
}

fn bounds(trace_no: &str, amount: i64, currency: &str) -> Result<(), BadRequest> {
    number("traceNo", trace_no, 40)?;
    text("currency", currency, 3)?;
    if !(1..=1_000_000_000_000_000).contains(&amount) {
        return Err(BadRequest::OutOfBounds("amount"));
    }
    Ok(())
}

fn text(field: &'static str, value: &str, most: usize) -> Result<(), BadRequest> {
    checked(field, value, most, card_number::is_in)
}

fn number(field: &'static str, value: &str, most: usize) -> Result<(), BadRequest> {
    checked(field, value, most, card_number::is_all_of)
}

fn checked(
    field: &'static str,
    value: &str,
    most: usize,
    is_card: fn(&str) -> bool,
) -> Result<(), BadRequest> {
    if value.is_empty() || value.len() > most {
        return Err(BadRequest::OutOfBounds(field));
    }
    if is_card(value) {
        return Err(BadRequest::CardNumber(field));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"{"traceDate":"2026-11-24","traceNo":"t-1","amount":50000,"currency":"KRW","method":"CARD","token":"tok","installmentMonths":0}"#;

    #[test]
    fn no_field_takes_a_card_number() {
        assert!(Authorization::parse(GOOD.as_bytes()).is_ok());
        for field in ["\"t-1\"", "\"tok\"", "\"CARD\""] {
            let sent = GOOD.replace(field, "\"4111111111111111\"");
            let refused = Authorization::parse(sent.as_bytes()).unwrap_err();
            assert!(!refused.to_string().contains("4111"), "the number is not repeated");
            assert!(
                matches!(refused, BadRequest::CardNumber(_) | BadRequest::OutOfBounds("method")),
                "{refused}"
            );
        }
        let with_pan = GOOD.replace("\"token\"", "\"cardNumber\":\"4111111111111111\",\"token\"");
        assert_eq!(Authorization::parse(with_pan.as_bytes()).unwrap_err(), BadRequest::Malformed);
    }

    #[test]
    fn an_amount_is_a_positive_integer() {
        for amount in ["0", "-1", "1.5", "\"50000\"", "1000000000000001"] {
            assert!(Authorization::parse(GOOD.replace("50000", amount).as_bytes()).is_err(), "{amount}");
        }
    }
}
