//! Copies and mirrors a legacy ledger into the payment ledger.
//!
//! ```text
//! legacy tables ─SELECTs of a mapping─▶ source ─▶ mapping/ (strict parsers, card numbers cut) ─▶ map (pure) ─▶ carry ─▶ ledger
//!                                                                                               └ what does not fit ─▶ quarantine
//! ```
//!
//! The rule of the room: a legacy source is data. `mappings/<name>/` holds its SELECTs and the parser of every column; the
//! code here knows no table. Copy, mirror and the verifier's repair go the same way, [`carry::Carrier`], and telling the
//! ledger twice adds nothing. Nothing is decided here that the ledger could decide itself.

pub mod carry;
pub mod cli;
mod command;
pub mod copy;
pub mod map;
pub mod mapping;
pub mod mirror;
pub mod progress;
mod report;
pub mod source;
pub mod tally;

pub use command::run;
