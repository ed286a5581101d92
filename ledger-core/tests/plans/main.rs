//! The plan of every statement in the register, on a ledger of two hundred thousand payments with merchants of very different
//! size; and what each is led by. Needs a running stack: `cargo dev test`, or `cargo dev up`.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may stop where it stands")]

mod gate;
mod plan;
mod samples;
mod scatter;
