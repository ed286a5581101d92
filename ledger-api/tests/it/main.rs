//! The REST service on real MySQL and a real issuer simulator, over real sockets. Needs a stack: `cargo dev up --detach`,
//! or `cargo dev test`.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may stop where it stands")]

mod admin;
mod bad_input;
mod callers;
mod cancels;
mod corrections;
mod created_and_confirmed;
mod deposits;
mod explain;
mod faults;
mod figures;
mod generated;
mod idempotency;
mod idempotency_table;
mod issuers;
mod limits;
mod lists;
mod programs;
mod story;
mod support;
mod tenants;
mod tenants_everywhere;
mod versions;
