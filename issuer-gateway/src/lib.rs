//! The only room where bytes go to an issuer.
//!
//! ```text
//! Gateway::confirm ─▶ ledger.begin_confirm   attempts committed ──┐ CommittedAttempt, made only there, spent by sending
//!                     send.rs ─▶ http.rs     one after the other ◀┘
//!                     record.rs              ledger.finish_confirm, until it is durable
//!                     late answers           ledger.record_late: facts beside the verdict
//! ```
//!
//! The rule of the room: an AUTH is sent at most once, and nothing that came back is forgotten. What is unknown is said to
//! be unknown ([`http`] says what proves that no byte left); what could not be waited for is not sent ([`deadline`]).
//!
//! ```no_run
//! # use issuer_gateway::{deadline::Deadline, run::{Gateway, RunError, SharedRender}, timeouts::Timeouts};
//! # use ledger_core::{ids::PaymentId, ledger::{Answer, Ledger, Operation}, payment::confirm::Confirm};
//! # async fn confirm(ledger: Ledger, op: Operation, id: PaymentId, cmd: Confirm, render: SharedRender)
//! #     -> Result<Answer, Box<dyn std::error::Error>> {
//! # fn now() -> chrono::DateTime<chrono::Utc> { chrono::DateTime::UNIX_EPOCH }
//! let timeouts = Timeouts::embedded()?;
//! let gateway = Gateway::new(ledger, &timeouts, now);
//! let deadline = Deadline::after(timeouts.ledger_api.answer());
//! let answer = gateway.confirm(op, id, cmd, deadline, render).await?;
//! # Ok(answer)
//! # }
//! ```

pub mod deadline;
mod directory;
#[cfg(test)]
mod fuzz;
pub mod http;
pub mod issuer;
pub mod metrics;
mod record;
pub mod run;
mod send;
pub mod timeouts;
mod wire;
