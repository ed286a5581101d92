//! Why a command is refused, and whether money may have moved.

use crate::codes;
use crate::money::{AmountError, Minor};
use crate::time::BusinessDate;

use super::allocation::AllocationError;
use super::fact::{Method, ShareOutcome};
use super::status::Status;

codes! {
    /// The one thing a caller must know before it tries again with a new key: may money have moved?
    Outcome {
        /// Nothing was tried: safe to repeat.
        NotAttempted = "not_attempted",
        /// An issuer refused.
        Declined = "declined",
        /// Given up; what may have been approved is being undone.
        Aborted = "aborted",
        /// Not known yet: ask again.
        Unknown = "unknown",
    }
}

/// A command that a payment's facts do not allow.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The order has a payment that is not closed.
    #[error(
        "order {order_id} already has a payment ({status}); a further try needs the earlier one aborted or expired, with nothing left to undo"
    )]
    OrderInUse {
        /// The merchant's order.
        order_id: String,
        /// How that payment stands.
        status: Status,
    },
    /// There is no such payment for this merchant.
    #[error("no such payment")]
    NotFound,
    /// The status does not allow it.
    #[error("a payment that is {status} cannot be {verb}")]
    InvalidState {
        /// How the payment stands.
        status: Status,
        /// What was wanted of it.
        verb: &'static str,
    },
    /// The legs do not add up.
    #[error("the approvals add up to {sum}, the payment's total is {total}")]
    LegSum {
        /// Sum of the legs.
        sum: Minor,
        /// The payment's total.
        total: Minor,
    },
    /// The tax-free parts do not add up.
    #[error("the tax-free parts of the approvals add up to {sum}, the payment's is {tax_free}")]
    LegTaxFreeSum {
        /// Sum over the legs.
        sum: Minor,
        /// The payment's.
        tax_free: Minor,
    },
    /// The leg was planned with other words.
    #[error("approval {leg_no} was planned otherwise; a further attempt repeats what the first one said")]
    LegDiffers {
        /// The leg.
        leg_no: u8,
    },
    /// An authorization may be on its way.
    #[error(
        "attempt {attempt_no} of approval {leg_no} has no verdict; a further one needs proof that it was not sent (NOT_SENT)"
    )]
    AttemptOpen {
        /// The leg.
        leg_no: u8,
        /// The attempt.
        attempt_no: u16,
    },
    /// The caller has told no such attempt.
    #[error("approval {leg_no} has no attempt {attempt_no} of its caller")]
    NoSuchAttempt {
        /// The leg.
        leg_no: u8,
        /// The attempt.
        attempt_no: u16,
    },
    /// No issuer of this name.
    #[error("issuer {0} is not known")]
    UnknownIssuer(String),
    /// No contract is valid for the merchant.
    #[error("merchant {0} has no contract that is valid now")]
    NoContract(String),
    /// Nothing says how the method is handled.
    #[error("the method {0} has no rule that holds now")]
    NoMethodRule(Method),
    /// No leg of the payment, or not the one named, is paid by deposit; or several are and none is named.
    #[error(
        "{}", .leg_no.map_or("the payment has no virtual account, or several: name the approval in `leg`".to_owned(),
            |leg_no| format!("approval {leg_no} is not paid by virtual account"))
    )]
    NoVirtualAccount {
        /// The one named.
        leg_no: Option<u8>,
    },
    /// A bank's reference names another deposit.
    #[error("the bank's reference {bank_ref} names another deposit already")]
    DepositReferenceReused {
        /// The reference.
        bank_ref: String,
    },
    /// More than is in suspense.
    #[error("{available} can be refunded from suspense, asked for {requested}")]
    ExceedsSuspense {
        /// What is there, without what refunds under way hold.
        available: Minor,
        /// What was wanted.
        requested: Minor,
    },
    /// There is no such refund of a deposit.
    #[error("the payment has no deposit refund {0}")]
    NoSuchDepositRefund(u16),
    /// The refund of a deposit ended the other way.
    #[error("the deposit refund has ended already: {outcome}")]
    DepositRefundEnded {
        /// How it ended.
        outcome: ShareOutcome,
    },
    /// The method's time to cancel is over.
    #[error(
        "approval {leg_no} ({method}) could be canceled until {last_day}; refund to the customer's account outside of the method"
    )]
    CancelWindowOver {
        /// The leg.
        leg_no: u8,
        /// Its method.
        method: Method,
        /// The last Korean day.
        last_day: BusinessDate,
    },
    /// A payment that waits for its deposit is canceled as a whole.
    #[error(
        "a payment that waits for its deposit is canceled as a whole ({total}), asked for {requested}; leave the amount out"
    )]
    CancelInFullOnly {
        /// The payment's total.
        total: Minor,
        /// What was wanted.
        requested: Minor,
    },
    /// The money of a deposited leg has to go somewhere.
    #[error("approval {leg_no} was paid by deposit: say in `refundReceiveAccount` where its money goes")]
    RefundAccountMissing {
        /// The leg.
        leg_no: u8,
    },
    /// More than can be canceled.
    #[error("cancelable amount is {available}, asked for {requested}")]
    ExceedsBalance {
        /// What is left.
        available: Minor,
        /// What was wanted.
        requested: Minor,
    },
    /// The caller's picture of the balance is old.
    #[error("the balance less what cancels in progress hold is {actual}, expected {expected}")]
    BalanceMismatch {
        /// The balance less what is held.
        actual: Minor,
        /// What the caller thought.
        expected: Minor,
    },
    /// The caller's picture of the payment is old.
    #[error("the payment is at version {current}, which If-Match does not name; get it and decide again")]
    VersionMismatch {
        /// Number of its last change.
        current: u32,
    },
    /// The tax-free part of a cancel is out of bounds.
    #[error("the tax-free part of this cancel lies between {least} and {most}")]
    TaxFreeBounds {
        /// At least.
        least: Minor,
        /// At most.
        most: Minor,
    },
    /// The cancel fits no set of legs.
    #[error(transparent)]
    Allocation(AllocationError),
    /// An amount left its range.
    #[error(transparent)]
    Amount(#[from] AmountError),
    /// An issuer refused a leg.
    #[error("the issuer declined approval {leg_no} ({issuer_code})")]
    CardDeclined {
        /// The leg.
        leg_no: u8,
        /// The issuer's code.
        issuer_code: String,
    },
    /// An issuer did not answer clearly; the payment is aborted and undone.
    #[error(
        "the issuer of approval {leg_no} gave no clear answer; the payment is aborted and whatever was approved is undone"
    )]
    IssuerTimeout {
        /// The leg.
        leg_no: u8,
    },
    /// The issuer could not be reached: nothing was sent.
    #[error("the issuer of approval {leg_no} could not be reached; nothing was sent")]
    IssuerUnreachable {
        /// The leg.
        leg_no: u8,
    },
    /// The issuer refused the cancel.
    #[error("the issuer refused the cancel of approval {leg_no} ({issuer_code})")]
    CancelDeclined {
        /// The leg.
        leg_no: u8,
        /// The issuer's code.
        issuer_code: String,
    },
}

impl From<AllocationError> for Refusal {
    fn from(error: AllocationError) -> Self {
        match error {
            AllocationError::Amount(error) => Self::Amount(error),
            AllocationError::Impossible(_)
            | AllocationError::Part { .. }
            | AllocationError::Sum { .. }
            | AllocationError::TaxFree { .. } => Self::Allocation(error),
        }
    }
}

impl Refusal {
    /// May money have moved?
    pub const fn outcome(&self) -> Outcome {
        match self {
            Self::OrderInUse { .. }
            | Self::NotFound
            | Self::InvalidState { .. }
            | Self::LegSum { .. }
            | Self::LegTaxFreeSum { .. }
            | Self::LegDiffers { .. }
            | Self::AttemptOpen { .. }
            | Self::NoSuchAttempt { .. }
            | Self::UnknownIssuer(_)
            | Self::NoContract(_)
            | Self::NoMethodRule(_)
            | Self::NoVirtualAccount { .. }
            | Self::DepositReferenceReused { .. }
            | Self::ExceedsSuspense { .. }
            | Self::NoSuchDepositRefund(_)
            | Self::DepositRefundEnded { .. }
            | Self::CancelWindowOver { .. }
            | Self::CancelInFullOnly { .. }
            | Self::RefundAccountMissing { .. }
            | Self::ExceedsBalance { .. }
            | Self::BalanceMismatch { .. }
            | Self::VersionMismatch { .. }
            | Self::TaxFreeBounds { .. }
            | Self::Allocation(_)
            | Self::Amount(_) => Outcome::NotAttempted,
            Self::CardDeclined { .. } | Self::CancelDeclined { .. } => Outcome::Declined,
            Self::IssuerTimeout { .. } | Self::IssuerUnreachable { .. } => Outcome::Aborted,
        }
    }
}
