//! A legacy ledger that fills up: [`generate`] writes the past, [`LegacyService`] goes on writing.
//!
//! The tables are those of `migrator/mappings/reference/legacy_schema.sql`, with the habits of twenty years: amounts as
//! text in five spellings, Korean wall clocks, CP949 text, cancels in three tables, rows that are wrong.

mod dirty;
mod generator;
mod row;
mod service;

pub use dirty::Dirty;
pub use generator::{Generated, Options, generate};
pub use service::{LegacyService, Pace, Written};

/// The tables, for a database that has none yet.
pub const SCHEMA: &str = include_str!("../../../../migrator/mappings/reference/legacy_schema.sql");
