//! The job on real MySQL, with real issuers' sockets and real processes. Needs a running stack: `cargo dev test`, or
//! `cargo dev up`.
#![expect(clippy::unwrap_used, reason = "a test may stop where it stands")]

mod callers;
mod cancels;
mod confirms;
mod deposits;
mod outage;
mod processes;
mod reversals;
mod world;
