//! Carrying out what is due. Every step is a commit or a message whose answer is recorded; between two of them the
//! process may die at any point, and the next scan, here or elsewhere, finds what is left.

use chrono::{DateTime, Utc};
use issuer_gateway::run::{Gateway, RunError};
use ledger_core::ids::PaymentId;
use ledger_core::ledger::{Ledger, OpenCancel, Undoing};
use ledger_core::payment::refusal::Refusal;
use serde::Serialize;
use tracing::{error, info, warn};

use crate::scan::Work;
use crate::{metrics, overdue};

/// What a piece of work came to; one JSON object of `net-cancel once`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "work", rename_all = "snake_case", rename_all_fields = "camelCase")]
pub enum Done {
    /// The payment was given up; its authorizations are to be undone.
    Recover {
        /// The payment.
        payment_id: PaymentId,
    },
    /// One try to undo.
    Reverse {
        /// The payment.
        payment_id: PaymentId,
        /// Its leg.
        leg_no: u8,
        /// Which try.
        attempt_no: u16,
        /// What the issuer said.
        outcome: &'static str,
        /// What that makes of it.
        state: &'static str,
    },
    /// One more try of a cancel.
    RepeatCancel {
        /// The payment.
        payment_id: PaymentId,
        /// The cancellation.
        cancel_no: u16,
        /// What the issuer said, share by share.
        outcomes: Vec<&'static str>,
    },
    /// The payment's deposit did not come in time; it is closed.
    Expire {
        /// The payment.
        payment_id: PaymentId,
    },
    /// Somebody else was faster.
    Settled {
        /// The payment.
        payment_id: PaymentId,
    },
    /// It could not be carried out now.
    Failed {
        /// The payment.
        payment_id: PaymentId,
        /// Why.
        error: String,
    },
}

/// What carries work out.
#[derive(Debug, Clone)]
pub struct Driver {
    /// Where facts are.
    pub ledger: Ledger,
    /// The way to issuers.
    pub gateway: Gateway,
    /// The clock.
    pub clock: fn() -> DateTime<Utc>,
}

impl Driver {
    /// Carries out one piece of work.
    pub async fn perform(&self, work: Work) -> Done {
        let done = match work {
            Work::Recover(key) => self.recover(key.payment_id, key).await,
            Work::Reverse(undoing) => self.reverse(undoing).await,
            Work::RepeatCancel(payment_id, cancel_no) => {
                self.repeat(OpenCancel { payment_id, cancel_no }).await
            }
            Work::Expire(payment_id) => {
                overdue::close(&self.ledger, payment_id, (self.clock)()).await.map_err(RunError::from)
            }
        };
        done.unwrap_or_else(|error| {
            metrics::failed();
            error!(payment.id = %work.payment_id(), error = %ledger_runtime::exit::Chain(&error), "work is left for later");
            Done::Failed { payment_id: work.payment_id(), error: error.to_string() }
        })
    }

    async fn recover(
        &self,
        payment_id: PaymentId,
        key: ledger_core::ledger::AttemptKey,
    ) -> Result<Done, RunError> {
        use ledger_core::ledger::LedgerError;

        match self.ledger.recover(key, (self.clock)()).await {
            Ok(_) => {
                metrics::recovered();
                warn!(payment.id = %payment_id, "the sender of an authorization died, giving the payment up");
                Ok(Done::Recover { payment_id })
            }
            // Its verdict was on its way while we looked.
            Err(LedgerError::Refused(Refusal::InvalidState { .. })) => Ok(Done::Settled { payment_id }),
            Err(error) => Err(error.into()),
        }
    }

    async fn reverse(&self, undoing: Undoing) -> Result<Done, RunError> {
        let key = undoing.key;
        let payment_id = key.payment_id;
        let Some(reversed) = self.gateway.reverse(undoing).await? else {
            return Ok(Done::Settled { payment_id });
        };
        let (outcome, state) = (reversed.answer.outcome.code(), reversed.state.code());
        metrics::tried(reversed.state);
        info!(payment.id = %payment_id, leg.no = key.leg_no, attempt.no = reversed.attempt.attempt_no, outcome, state,
            "tried to undo an authorization: {state}");
        Ok(Done::Reverse {
            payment_id,
            leg_no: key.leg_no,
            attempt_no: reversed.attempt.attempt_no,
            outcome,
            state,
        })
    }

    async fn repeat(&self, open: OpenCancel) -> Result<Done, RunError> {
        let answers = self.gateway.repeat_cancel(open).await?;
        let outcomes: Vec<_> = answers.iter().map(|(_, answer)| answer.outcome.code()).collect();
        info!(payment.id = %open.payment_id, cancel.no = open.cancel_no, ?outcomes, "sent a cancel again");
        Ok(Done::RepeatCancel { payment_id: open.payment_id, cancel_no: open.cancel_no, outcomes })
    }
}
