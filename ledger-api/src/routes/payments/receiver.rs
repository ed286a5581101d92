//! Where money goes back to: the issuer's token for an account, never its number.

use ledger_core::payment::virtual_account::Receiver;
use serde_json::Value;
use utoipa::ToSchema;

use crate::fields::{self, Faults, Fields};

/// The field, in every body that has it.
const FIELD: &str = "refundReceiveAccount";

/// An account to refund to.
#[derive(Debug, ToSchema)]
#[schema(rename_all = "camelCase", as = RefundReceiveAccount)]
#[expect(dead_code, reason = "this is how the schema says what `receiver` takes")]
pub struct ReceiverRequest {
    /// The bank, by the code that banks use among each other.
    #[schema(example = "088", min_length = 1, max_length = 8, pattern = "^[A-Za-z0-9]{1,8}$")]
    bank_code: String,
    /// What stands for the account at the issuer: printable ASCII, never an account or card number in full.
    #[schema(example = "acct-7f3a", min_length = 1, max_length = 64)]
    token: String,
}

/// The account that a body names, if it does.
pub fn receiver(fields: &mut Fields<'_>, faults: &mut Faults) -> Option<Receiver> {
    let at = fields.pointer(FIELD);
    let value = fields.raw(FIELD)?;
    named(&at, value, faults)
}

/// The account that a body has to name.
pub fn required(fields: &mut Fields<'_>, faults: &mut Faults) -> Option<Receiver> {
    let at = fields.pointer(FIELD);
    let Some(value) = fields.raw(FIELD) else {
        faults.add(at, "is missing");
        return None;
    };
    named(&at, value, faults)
}

fn named(at: &str, value: &Value, faults: &mut Faults) -> Option<Receiver> {
    let mut fields = Fields::of(at, value, faults)?;
    let bank_code = fields.required("bankCode", fields::bank_code, faults);
    let account_token = fields.required("token", fields::account_token, faults);
    fields.end(faults);
    Some(Receiver { bank_code: bank_code?, account_token: account_token? })
}
