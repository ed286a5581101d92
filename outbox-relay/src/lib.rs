//! Publishes the outbox to Kafka, exactly once and in order per payment.
pub mod envelope;
pub mod gap;
pub mod progress;
pub mod resume;
pub mod runs;
pub mod scan;
