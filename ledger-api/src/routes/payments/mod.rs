//! Payments, their cancellations and their history.

pub mod attempts;
pub mod cancel;
pub mod cancellations;
pub mod confirm;
pub mod create;
pub mod deposit;
pub mod deposit_refund;
pub mod events;
pub mod explain;
pub mod get;
pub mod list;
pub mod order;
pub mod receiver;
