//! Finds gaps between the legacy ledger and the payment ledger, and closes them; proves the ledger's invariants.
//!
//! ```text
//! barrier ─▶ look (legacy rows through the migrator's map │ the ledger's facts) ─▶ compare (buckets, rows, fields)
//!    ▲                                                                              │ gaps
//!    └────────── second look ◀──────────────────────────────────────────────────────┤
//!                                        heal: the migrator's own way, budgeted ◀───┘ ─▶ recorded, chained
//! ```
//!
//! The rule of the room: read on replicas that refuse writes, repair by inserting what is missing, never touch what is
//! there. Skipped is never green.

pub mod barrier;
pub mod checks;
pub mod cli;
mod command;
pub mod compare;
pub mod look;
pub mod run;
pub mod semantic;
mod verify_chain;

pub use command::run as main;

use ledger_core::store::StoreError;
use ledger_core::verifier_log::GrantsError;
use migrator::carry::CarryError;
use migrator::mapping::MappingError;
use migrator::source::SourceError;

/// Why a run could not be made.
#[derive(Debug, thiserror::Error)]
pub enum Failed {
    #[error(transparent)]
    Mapping(#[from] MappingError),
    #[error(transparent)]
    Source(#[from] SourceError),
    #[error(transparent)]
    Grants(#[from] GrantsError),
    #[error("the repair did not go through")]
    Carry(#[from] CarryError),
    #[error("the ledger could not be read")]
    Store(#[from] StoreError),
    #[error("the result could not be printed")]
    Io(#[from] std::io::Error),
    #[error("the {0} server takes writes: verify on a replica with read_only=ON")]
    Writable(&'static str),
    #[error(
        "the {0} primary has no GTIDs: switch gtid_mode on, without them nobody can say how far a replica is"
    )]
    NoGtids(&'static str),
    #[error("{0}")]
    Late(String),
    #[error("{0}")]
    Usage(String),
}
