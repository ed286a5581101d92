//! Why a command is refused, and whether money may have moved.

use crate::codes;
use crate::money::{AmountError, Minor};

use super::allocation::AllocationError;
use super::fact::Method;
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
