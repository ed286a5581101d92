//! The relay on real MySQL and Kafka: late commits, holes, sealed writers, kills.
#![expect(clippy::unwrap_used, reason = "a test may stop where it stands")]

mod consumer;
mod late_commit;
mod ledger;
mod sealed_writer;
mod writers;
