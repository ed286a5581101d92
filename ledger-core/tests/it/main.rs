//! The ledger on real MySQL, with the runtime accounts. Needs a running stack: `cargo dev test`, or `cargo dev up`.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may stop where it stands")]

mod callers;
mod cancels;
mod chain;
mod committers;
mod compensation;
mod contradictions;
mod corrections;
mod created_and_confirmed;
mod deposits;
mod forged;
mod grants;
mod groups;
mod late_append;
mod lifecycle;
mod methods;
mod newer_facts;
mod open_payments;
mod races;
mod repetitions;
mod statements;
mod unknown_commit;
mod world;
