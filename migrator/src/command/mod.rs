//! The commands: open both ends, let the library work, print what came of it.

mod check;
mod copy;
mod explain;
mod mirror;
mod quarantine;

use ledger_core::ids::RunId;
use ledger_core::mirror_writer::{GrantsError, MirrorWriter, RecordedBy};
use ledger_core::store::StoreError;
use ledger_core::store::pool::PoolOptions;
use ledger_runtime::exit::{Exit, because};
use ledger_runtime::telemetry::{self, LogFormat};

use crate::carry::{Carrier, CarryError, Run};
use crate::cli::{Cli, Command, Ends, Quarantine};
use crate::mapping::{Mapping, MappingError};
use crate::source::{LegacyReader, SourceError};

/// Why a command could not do its work.
#[derive(Debug, thiserror::Error)]
pub enum Failed {
    #[error(transparent)]
    Mapping(#[from] MappingError),
    #[error(transparent)]
    Source(#[from] SourceError),
    #[error(transparent)]
    Grants(#[from] GrantsError),
    #[error(transparent)]
    Carry(#[from] CarryError),
    #[error("the result could not be printed or served")]
    Io(#[from] std::io::Error),
    #[error("{0}")]
    Usage(String),
}

/// Runs a command line.
pub async fn run(cli: Cli) -> Exit {
    let metrics = telemetry::init(&cli.log_level, LogFormat::Text);
    let format = cli.format;
    let done = match cli.command {
        Command::Check(args) => check::run(&args, format).await,
        Command::Copy(args) => copy::run(&args, format).await,
        Command::Mirror(args) => mirror::run(&args, format, metrics).await,
        Command::Certify(ends) => copy::certify(&ends, format).await,
        Command::Quarantine(Quarantine::List(args)) => quarantine::list(&args, format).await,
        Command::Explain(args) => explain::run(&args, format).await,
    };
    done.unwrap_or_else(|failed| because(failed.exit(), &failed))
}

impl Failed {
    fn exit(&self) -> Exit {
        match self {
            Self::Mapping(_)
            | Self::Usage(_)
            | Self::Source(SourceError::Select { .. })
            | Self::Carry(CarryError::Source(SourceError::Select { .. })) => Exit::Usage,
            Self::Source(SourceError::Unavailable(_))
            | Self::Carry(CarryError::Source(SourceError::Unavailable(_)))
            | Self::Io(_) => Exit::Unavailable,
            Self::Grants(GrantsError::TooWide { .. } | GrantsError::Missing { .. }) => Exit::Blocked,
            Self::Grants(GrantsError::Forged { .. }) => Exit::Integrity,
            Self::Grants(GrantsError::Store(error)) | Self::Carry(CarryError::Store(error)) => {
                store_exit(error)
            }
        }
    }
}

fn store_exit(error: &StoreError) -> Exit {
    match error {
        StoreError::Unavailable(_) | StoreError::NotWritten(_) | StoreError::Busy | StoreError::Lost(_) => {
            Exit::Unavailable
        }
        StoreError::Refused { .. } | StoreError::Corrupt { .. } => Exit::Integrity,
    }
}

/// Opens both ends.
async fn open(ends: &Ends) -> Result<Carrier, Failed> {
    let mapping = Mapping::load(&ends.mapping)?;
    let reader = LegacyReader::open(&ends.legacy_url).await?;
    let writer = MirrorWriter::open(&ends.ledger_url, pool()).await?;
    Ok(Carrier { mapping, reader, writer })
}

fn pool() -> PoolOptions {
    PoolOptions { max_connections: 4, min_connections: 1, ..PoolOptions::default() }
}

/// A new run of this program.
fn new_run(by: RecordedBy) -> Run {
    Run { id: RunId::new(&mut rand::rng()), by, actor: "migrator".to_owned() }
}
