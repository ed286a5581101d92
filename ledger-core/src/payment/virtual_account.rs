//! The facts of a leg that is paid by deposit: the account that was issued, what arrived, what went back. One struct per
//! table, as in [`super::fact`].

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::money::{AmountError, Minor};

use super::fact::ShareOutcome;
use super::fold::{Leg, Payment};

/// An account as its issuer names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct IssuedAccount {
    /// The bank, by the code that banks use among each other.
    pub bank_code: String,
    /// The number to deposit to.
    pub account_no: String,
    /// In whose name it stands.
    pub holder: Option<String>,
    /// Until when it takes a deposit.
    pub due_at: DateTime<Utc>,
}

/// Row of `virtual_account`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct VirtualAccount {
    pub leg_no: u8,
    /// The AUTH attempt, and which of its results says so.
    pub attempt_no: u16,
    pub result_no: u16,
    pub account: IssuedAccount,
    pub issued_at: DateTime<Utc>,
}

/// Row of `deposit`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Deposit {
    pub leg_no: u8,
    pub deposit_no: u16,
    pub issuer_id: String,
    /// The bank's name for it: the same is never counted twice.
    pub bank_ref: String,
    pub amount: Minor,
    /// How much of it counts towards the leg; the rest stays in suspense.
    pub counted: Minor,
    pub deposited_at: DateTime<Utc>,
    pub received_at: DateTime<Utc>,
}

/// Where money goes back to: the issuer's token for an account, never a number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Receiver {
    pub bank_code: String,
    pub account_token: String,
}

/// Row of `refund_account`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RefundAccount {
    pub cancel_no: u16,
    pub receiver: Receiver,
}

/// Row of `deposit_refund`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DepositRefund {
    pub leg_no: u8,
    pub refund_no: u16,
    pub refund_request_id: String,
    pub amount: Minor,
    pub receiver: Receiver,
    pub reason: String,
    pub requested_at: DateTime<Utc>,
}

/// Row of `deposit_refund_outcome`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DepositRefundOutcome {
    pub leg_no: u8,
    pub refund_no: u16,
    pub outcome: ShareOutcome,
    pub bank_ref: Option<String>,
    pub decided_at: DateTime<Utc>,
}

/// A refund of suspense money with how it ended, if it has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refunding {
    /// What was asked for.
    pub refund: DepositRefund,
    /// How it ended.
    pub outcome: Option<DepositRefundOutcome>,
}

impl Refunding {
    /// Whether it ended like this.
    pub fn ended(&self, outcome: ShareOutcome) -> bool {
        self.outcome.as_ref().is_some_and(|fact| fact.outcome == outcome)
    }

    /// Whether its money is gone or may be.
    pub fn is_live(&self) -> bool {
        !self.ended(ShareOutcome::Failed)
    }
}

impl Payment {
    /// The number a further deposit gets: of all legs together.
    pub fn next_deposit_no(&self) -> u16 {
        let last = self.legs().flat_map(|leg| &leg.deposits).map(|deposit| deposit.deposit_no).max();
        last.map_or(1, |last| last.saturating_add(1))
    }

    /// The number a further refund of a deposit gets: of all legs together.
    pub fn next_refund_no(&self) -> u16 {
        let last = self.legs().filter_map(|leg| leg.refunds.keys().next_back()).max();
        last.map_or(1, |last| last.saturating_add(1))
    }

    /// What arrived and is nobody's yet.
    pub fn suspense(&self) -> Result<Minor, AmountError> {
        self.legs().map(Leg::suspense).try_fold(Minor::ZERO, |sum, leg| sum.plus(leg?))
    }
}

impl Leg {
    /// What arrived and counts.
    pub fn deposited(&self) -> Result<Minor, AmountError> {
        Minor::sum(self.deposits.iter().map(|deposit| deposit.counted))
    }

    /// What arrived and is nobody's yet: all of it while the leg is not accepted, what did not count once it is; without what
    /// has gone back.
    pub fn suspense(&self) -> Result<Minor, AmountError> {
        self.held_back()?.minus(self.refunded(|refund| refund.ended(ShareOutcome::Done))?)
    }

    /// The suspense that no refund under way holds.
    pub fn refundable(&self) -> Result<Minor, AmountError> {
        self.held_back()?.minus(self.refunded(Refunding::is_live)?)
    }

    fn held_back(&self) -> Result<Minor, AmountError> {
        let arrived = Minor::sum(self.deposits.iter().map(|deposit| deposit.amount))?;
        if self.accepted().is_some() { arrived.minus(self.deposited()?) } else { Ok(arrived) }
    }

    fn refunded(&self, wanted: impl Fn(&Refunding) -> bool) -> Result<Minor, AmountError> {
        Minor::sum(
            self.refunds
                .values()
                .filter(|refunding| wanted(refunding))
                .map(|refunding| refunding.refund.amount),
        )
    }
}
