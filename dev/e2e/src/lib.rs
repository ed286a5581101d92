//! What goes over all processes: the story of the demo and the audit that ends it.
//!
//! The audit trusts nobody: it reads the replica, the topics and the issuer's own books, and says how many rows each
//! check has looked at. A check that looked at nothing has not passed.

pub mod audit;
pub mod client;
pub mod consumer;
pub mod scan;
pub mod story;
pub mod tell;
pub mod tool;
