//! Finds the real parts that development needs, MySQL and Kafka, and downloads what is missing.
//!
//! The order is always the same: a URL given by the user, a container engine, programs on PATH, packages
//! in a private cache that all checkouts of the user share. [`mysql`] and [`kafka`] give the answer.
//! Standard library only: `cargo dev` has to print its first line while everything else still compiles.

mod cache;
mod choice;
mod debian;
mod engine;
mod kafka;
mod maven;
mod mysql;
mod python;
mod run;
mod wait;

pub use cache::{Cache, CacheError};
pub use choice::{Missing, Only};
pub use engine::{Engine, container_engine};
pub use kafka::{Kafka, KafkaServer, kafka};
pub use mysql::{Mysql, MysqlServer, mysql};
pub use python::schemathesis;
pub use run::{cargo, on_path, plain, tied};
pub use wait::Wait;

/// What a user has to set to bring a part along.
pub const MYSQL_URL: &str = "LEDGER_MYSQL_URL";
pub const MYSQL_REPLICA_URL: &str = "LEDGER_MYSQL_REPLICA_URL";
pub const KAFKA_BROKERS: &str = "LEDGER_KAFKA_BROKERS";
