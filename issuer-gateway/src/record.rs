//! Recording what an issuer said: tried until it is durable, however long that takes. The answer exists nowhere else.

use std::time::Duration;

use ledger_core::ledger::{AttemptKey, IssuerAnswer, LedgerError};
use ledger_core::store::{LostKey, StoreError};
use tracing::{error, warn};

use crate::metrics;

const FIRST_WAIT: Duration = Duration::from_millis(20);
const LONGEST_WAIT: Duration = Duration::from_secs(2);

/// Runs `record` until the database has taken `answers`, or has refused them for good; in that case they are logged, and
/// the recovery scan gives up the attempts that now stay without a verdict.
pub(crate) async fn until_durable<T, F, Fut>(
    answers: &[(AttemptKey, IssuerAnswer)],
    mut record: F,
) -> Result<T, LedgerError>
where
    F: FnMut() -> Fut,
    Fut: Future<Output = Result<T, LedgerError>>,
{
    let mut wait = FIRST_WAIT;
    loop {
        match record().await {
            Ok(recorded) => return Ok(recorded),
            Err(error) if passes(&error) => {
                metrics::record_retried();
                warn!(%error, "an issuer's answer is not recorded yet, trying again");
                tokio::time::sleep(wait).await;
                wait = (wait * 2).min(LONGEST_WAIT);
            }
            Err(error) => {
                for (key, answer) in answers {
                    error!(payment.id = %key.payment_id, leg.no = key.leg_no, kind = %key.kind,
                        attempt.no = key.attempt_no, outcome = %answer.outcome, issuer.reference = answer.issuer_ref,
                        received.at = %answer.received_at, %error, "an issuer's answer cannot be recorded");
                }
                return Err(error);
            }
        }
    }
}

/// Whether trying again may help.
const fn passes(error: &LedgerError) -> bool {
    match error {
        LedgerError::Store(StoreError::Unavailable(_) | StoreError::NotWritten(_) | StoreError::Busy)
        | LedgerError::Contended(_) => true,
        LedgerError::Store(StoreError::Lost(key)) => match key {
            LostKey::Change
            | LostKey::AttemptVerdict
            | LostKey::PaymentVerdict
            | LostKey::BalanceLink
            | LostKey::Cancellation
            | LostKey::Idempotency
            | LostKey::OutboxId => true,
            LostKey::Order | LostKey::Trace | LostKey::Legacy | LostKey::Deposit | LostKey::Other => false,
        },
        LedgerError::Store(StoreError::Refused { .. } | StoreError::Corrupt { .. })
        | LedgerError::Contradiction { .. }
        | LedgerError::NotFound
        | LedgerError::Refused(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn an_answer_is_recorded_however_long_the_database_is_away() {
        let tries = AtomicU32::new(0);
        let recorded = until_durable(&[], || async {
            match tries.fetch_add(1, Ordering::SeqCst) {
                0..200 => Err(LedgerError::Store(StoreError::Lost(LostKey::OutboxId))),
                n => Ok(n),
            }
        });
        assert_eq!(recorded.await.unwrap(), 200);
    }

    #[tokio::test(start_paused = true)]
    async fn what_the_schema_refuses_is_not_tried_again() {
        let tries = AtomicU32::new(0);
        let refused: Result<(), _> = until_durable(&[], || async {
            tries.fetch_add(1, Ordering::SeqCst);
            Err(LedgerError::Store(StoreError::Refused { constraint: "ck".to_owned() }))
        })
        .await;
        assert!(refused.is_err());
        assert_eq!(tries.load(Ordering::SeqCst), 1);
    }
}
