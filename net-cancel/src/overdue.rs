//! Payments whose deposit did not come: they are closed by a scan, so that it happens whether or not anybody asks for them.

use chrono::{DateTime, Utc};
use ledger_core::ids::PaymentId;
use ledger_core::ledger::{Ledger, LedgerError};
use ledger_core::payment::status::Status;
use tracing::info;

use crate::drive::Done;
use crate::metrics;
use crate::scan::Work;

/// What is to be closed at `now`.
pub(crate) async fn due(ledger: &Ledger, now: DateTime<Utc>, limit: u32) -> Result<Vec<Work>, LedgerError> {
    Ok(ledger.overdue_deposits(now, limit).await?.into_iter().map(Work::Expire).collect())
}

/// Closes one, unless its deposit came meanwhile. Whatever else was approved for it is then due to be undone.
pub(crate) async fn close(
    ledger: &Ledger,
    payment_id: PaymentId,
    now: DateTime<Utc>,
) -> Result<Done, LedgerError> {
    let payment = ledger.expire(payment_id, now).await?;
    if payment.status(now) != Status::Expired {
        return Ok(Done::Settled { payment_id });
    }
    metrics::expired();
    info!(payment.id = %payment_id, "the deposit did not come in time, the payment is expired");
    Ok(Done::Expire { payment_id })
}
