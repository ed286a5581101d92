//! The model, pure: no await, no clock, no randomness, no SQL. A decision takes a [`fold::Payment`] and a command and
//! returns new facts or a refusal.

pub mod abort;
pub mod allocation;
pub mod attempt;
pub mod balance;
pub mod caller;
pub mod cancel;
pub mod confirm;
pub mod contradiction;
pub mod correction;
pub mod correction_fact;
pub mod create;
pub mod deposit;
pub mod explain;
pub mod exposure;
pub mod fact;
pub mod fold;
pub mod legacy;
pub mod prorata;
pub mod refusal;
pub mod reverse;
pub mod shares;
pub mod status;
pub mod tax;
pub mod transaction;
pub mod undoing;
pub mod virtual_account;
pub mod window;
