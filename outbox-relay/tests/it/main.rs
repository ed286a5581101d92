//! The relay on real MySQL and Kafka: late commits, holes, sealed writers, kills.
#![expect(clippy::panic, clippy::unwrap_used, reason = "a test may stop where it stands")]

mod consumer;
mod killed;
mod late_commit;
mod ledger;
mod process;
mod proof;
mod refusals;
mod running;
mod sealed_writer;
mod turns;
mod writers;

#[expect(dead_code, reason = "the model's tests need more of it")]
#[path = "../../../ledger-core/tests/it/world.rs"]
mod world;
