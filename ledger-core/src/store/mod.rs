//! The SQL: one statement per function, and `append`, the one place that opens a transaction.

mod account;
pub mod append;
pub mod batch;
pub mod cell;
pub mod chain;
pub(crate) mod contradiction;
pub mod correction;
pub mod deposit;
pub mod due;
pub mod error;
pub mod exposure;
pub mod feed;
pub mod grants;
pub mod idempotency;
pub mod insert;
pub mod load;
pub mod method_rule;
mod metrics;
pub mod mirror;
mod order;
pub mod outbox;
pub mod outbox_grants;
mod outbox_insert;
pub mod owned;
pub mod payable;
pub mod pool;
mod read;
pub mod reference;
pub mod replica;
pub mod rows;
pub mod scatter;
pub mod script;
pub mod statement;
pub mod text;
pub mod verification;

pub use error::{LostKey, StoreError};
