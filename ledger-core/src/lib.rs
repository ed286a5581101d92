//! The model of the payment ledger, and the only room with ledger SQL.
//!
//! ```text
//! command ─▶ payment/ (pure decisions: facts in, facts out) ─▶ change ─▶ store/append ─▶ MySQL
//!                                                              │ journal.rs  balanced lines
//!                                                              └ event/      what Kafka will carry
//! ```
//!
//! The rule of the room: a decision is a pure function of a payment's facts and a command; [`store`] writes what it
//! returns in one transaction; four handles, each opened with an account of its own, are all that others can reach:
//!
//! | handle | account | who |
//! |---|---|---|
//! | [`ledger::Ledger`] | `ledger_app` | ledger-api, net-cancel |
//! | [`outbox_reader::OutboxReader`] | `ledger_relay` | outbox-relay |
//! | [`mirror_writer::MirrorWriter`] | `ledger_mirror` | migrator, the verifier's repair |
//! | [`replica_reader::ReplicaReader`] | `ledger_read` | verifier, reports |
//!
//! No HTTP, no Kafka, no configuration: those belong to the binaries.

pub mod admin;
pub mod card_number;
pub mod chain;
pub mod change;
pub mod codes;
pub mod event;
pub mod history;
pub mod ids;
pub mod journal;
pub mod ledger;
pub mod method_rule;
pub mod mirror_writer;
pub mod money;
pub mod operator;
pub mod outbox_reader;
pub mod payment;
pub mod reference;
pub mod replica_reader;
pub mod store;
pub mod time;
pub mod verifier_log;

/// The schema, as numbered migrations; applied by `ledger-admin migrate`.
pub static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!("../migrations");
