//! Publishes the outbox to Kafka, exactly once and in order per payment.
//!
//! ```text
//! MySQL outbox ──read──▶ scan (what is new, what is a hole) ──▶ batch ──▶ publish ──one transaction──▶ Kafka topics
//!      ▲                  │ gap (when a hole is settled)                                            └▶ progress topic
//!      └──── tombstone ───┘                                     recall ◀──last progress, read_committed──┘
//! ```
//!
//! The rule of the room: it carries. It decides nothing about payments, changes no byte of a body, and inserts nothing but
//! tombstones. [`scan`] holds the argument why nothing is lost, doubled or out of order; [`resume`] when a relay must not
//! start; [`publish`] is the only writer to Kafka.

pub mod batch;
pub mod cli;
pub mod envelope;
pub mod error;
pub mod gap;
pub mod kafka;
pub mod metrics;
pub mod progress;
pub mod prove;
pub mod publish;
pub mod pulse;
pub mod recall;
pub mod relay;
pub mod resume;
pub mod run;
pub mod runs;
pub mod scan;
pub mod session;
pub mod settings;
pub mod status;
pub mod topics;
