//! The model without MySQL: facts in any order make the same payment, and no history of commands breaks its books.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may stop where it stands")]

mod accounts;
mod allocation;
mod caller;
mod cancels;
mod check;
mod confirms;
mod contradictions;
mod corrections;
mod deposits;
mod explain;
mod golden;
mod history;
mod legacy;
mod methods;
mod money;
mod movements;
mod newer;
mod order_free;
mod rendered;
mod reversals;
mod sim;
mod world;
