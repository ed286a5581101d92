//! The model without MySQL: facts in any order make the same payment, and no history of commands breaks its books.
#![expect(clippy::unwrap_used, reason = "a test may stop where it stands")]

mod allocation;
mod caller;
mod check;
mod deposits;
mod golden;
mod history;
mod methods;
mod money;
mod order_free;
mod sim;
mod world;
