//! The SQL: one statement per function, and `append`, the one place that opens a transaction.

pub mod error;
pub mod outbox;
pub mod outbox_grants;
pub mod pool;

pub use error::{LostKey, StoreError};
