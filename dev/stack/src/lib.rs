//! Everything the ledger needs around it, real and on this machine: MySQL with a read replica, Kafka, the
//! legacy database, and our own programs as processes. All of it lies below `target/dev/<name>/`.
//!
//! Two entrances: [`Stack`] starts and stops a stack (the `stack` program, the demo); [`TestDb`] gives a test
//! a ledger of its own on the stack that runs. A stack's addresses are in its `env` file ([`EnvFile`]).

mod accounts;
mod big;
mod containers;
mod dirs;
mod env;
mod health;
mod infra;
mod kafka;
mod mysql;
mod ports;
mod proc;
mod registry;
mod replication;
mod schema;
mod seed;
mod server;
pub mod services;
mod signals;
mod spare;
mod stack;
mod testdb;

pub use big::BigLedger;
pub use dirs::{bin, stack_dir};
pub use env::{EnvFile, kafka_brokers, running};
pub use health::http_status;
pub use infra::Infra;
pub use ports::free_port;
pub use proc::{Proc, Spec};
pub use registry::{Process, Registry};
pub use seed::MERCHANT;
pub use signals::Signals;
pub use spare::Spare;
pub use stack::{Options, Stack};
pub use testdb::{LegacyDb, TestDb};
