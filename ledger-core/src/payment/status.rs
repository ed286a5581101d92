//! The public status of a payment and of its cancellations.

use chrono::{DateTime, Utc};

use crate::codes;
use crate::money::Minor;

use super::attempt::AttemptState;
use super::fact::{ShareOutcome, Verdict};
use super::fold::{Cancel, Leg, Payment};

codes! {
    /// A payment, as its merchant sees it.
    Status {
        /// Created, nothing asked of any issuer.
        Ready = "READY",
        /// Issuers are being asked.
        InProgress = "IN_PROGRESS",
        /// Accounts are issued and everything else is approved: the customer is to deposit.
        WaitingForDeposit = "WAITING_FOR_DEPOSIT",
        /// Every leg approved.
        Done = "DONE",
        /// Some of it refunded.
        PartialCanceled = "PARTIAL_CANCELED",
        /// All of it refunded.
        Canceled = "CANCELED",
        /// Failed; what was approved is undone.
        Aborted = "ABORTED",
        /// Not confirmed in time.
        Expired = "EXPIRED",
        /// A newer version has written what this one does not understand.
        Unknown = "UNKNOWN",
    }
}

codes! {
    /// How far undoing an aborted payment has come.
    Reversal {
        /// Nothing to undo.
        None = "NONE",
        /// Under way.
        Pending = "PENDING",
        /// Undone.
        Done = "DONE",
        /// Handed to people.
        Escalated = "ESCALATED",
    }
}

codes! {
    /// A cancellation, as its merchant sees it.
    CancelStatus {
        /// An issuer has not answered yet; it is repeated.
        InProgress = "IN_PROGRESS",
        /// All shares refunded.
        Done = "DONE",
        /// Some shares refunded, the rest refused.
        PartiallyDone = "PARTIALLY_DONE",
        /// Refused.
        Failed = "FAILED",
    }
}

impl Status {
    /// Whether its first phase may still end: there is no verdict.
    pub const fn is_open(self) -> bool {
        match self {
            Self::Ready | Self::InProgress | Self::WaitingForDeposit => true,
            Self::Done
            | Self::PartialCanceled
            | Self::Canceled
            | Self::Aborted
            | Self::Expired
            | Self::Unknown => false,
        }
    }
}

impl Payment {
    /// The status at `now`.
    pub fn status(&self, now: DateTime<Utc>) -> Status {
        match self.verdict.as_ref().map(|fact| fact.verdict) {
            _ if !self.unknown().is_empty() => Status::Unknown,
            Some(Verdict::Confirmed) => self.refund_status(),
            Some(Verdict::Aborted) => Status::Aborted,
            Some(Verdict::Expired) => Status::Expired,
            Some(Verdict::Canceled) => Status::Canceled,
            None if self.waits_for_deposit() => Status::WaitingForDeposit,
            None if self.has_open_attempts() => Status::InProgress,
            None if now > self.opened.expires_at => Status::Expired,
            None if self.legs().next().is_some() => Status::InProgress,
            None => Status::Ready,
        }
    }

    /// Whether an authorization has no verdict yet.
    pub fn has_open_attempts(&self) -> bool {
        self.legs().flat_map(Leg::authorizations).any(|attempt| attempt.ruling().is_none())
    }

    /// Whether it ended without ever being confirmed.
    pub fn is_closed(&self) -> bool {
        self.verdict.as_ref().is_some_and(|fact| fact.verdict != Verdict::Confirmed)
    }

    /// Whether nothing is missing but deposits. Until there is a verdict that stays so, even past the time for it: a deposit
    /// that came in time may be told late.
    pub fn waits_for_deposit(&self) -> bool {
        let is_answered = |leg: &Leg| leg.account.is_some() || leg.is_approved();
        self.verdict.is_none() && self.legs().any(|leg| leg.account.is_some()) && self.legs().all(is_answered)
    }

    fn refund_status(&self) -> Status {
        match self.balance() {
            Ok(Minor::ZERO) => Status::Canceled,
            Ok(balance) if balance == self.opened.total => Status::Done,
            Ok(_) | Err(_) => Status::PartialCanceled,
        }
    }

    /// How far undoing has come.
    pub fn reversal(&self, now: DateTime<Utc>) -> Reversal {
        let states: Vec<_> =
            self.legs().flat_map(Leg::authorizations).map(|attempt| attempt.state(now)).collect();
        if states.contains(&AttemptState::Escalated) || self.has_escalated_contradiction() {
            Reversal::Escalated
        } else if states.iter().any(|state| matches!(state, AttemptState::Reversing(_)))
            || self.has_open_contradiction()
        {
            Reversal::Pending
        } else if states.iter().any(|s| matches!(s, AttemptState::Voided | AttemptState::VoidedProvisional))
            || self.has_contradiction()
        {
            Reversal::Done
        } else {
            Reversal::None
        }
    }

    /// What may stand at issuers without our wanting it, or was given back beside the books.
    pub fn exposure(&self, now: DateTime<Utc>) -> Minor {
        Minor::sum(self.answered_attempts().map(|attempt| attempt.exposure(now))).unwrap_or(self.opened.total)
    }
}

impl Cancel {
    /// The status.
    pub fn status(&self) -> CancelStatus {
        if !self.is_settled() {
            return CancelStatus::InProgress;
        }
        let done = self.outcomes.values().filter(|fact| fact.outcome == ShareOutcome::Done).count();
        if done == self.shares.len() {
            CancelStatus::Done
        } else if done == 0 {
            CancelStatus::Failed
        } else {
            CancelStatus::PartiallyDone
        }
    }
}
