//! The verifier on a real primary and replica: what it finds, what it repairs, what it must not touch.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may stop where it stands")]

mod checks;
mod common;
mod contrary;
mod generated;
mod heal;
mod past;
mod plants;
mod refuse;
mod verify_chain;
