//! Why a relay stops, and with which exit code.

use ledger_core::outbox_reader::{GrantsError, OutboxName};
use ledger_core::store::StoreError;

use crate::batch::ForeignTopic;
use crate::publish::PublishError;
use crate::recall::RecallError;
use crate::resume::Refusal;
use crate::scan::TooManyHoles;
use crate::topics::TopicError;

/// Why a relay stops.
#[derive(Debug, thiserror::Error)]
pub enum RelayError {
    /// The account is not the relay's.
    #[error(transparent)]
    Grants(#[from] GrantsError),
    /// What Kafka says is published does not fit the database.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// More ids are missing than transactions could have left open.
    #[error(transparent)]
    Holes(#[from] TooManyHoles),
    /// A row asks for a topic of the other outbox.
    #[error(transparent)]
    ForeignTopic(#[from] ForeignTopic),
    /// The topics are not as they must be.
    #[error(transparent)]
    Topics(#[from] TopicError),
    /// The last progress is not known.
    #[error(transparent)]
    Recall(#[from] RecallError),
    /// A transaction did not come about.
    #[error(transparent)]
    Publish(#[from] PublishError),
    /// The outbox could not be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// While the database did not answer, another relay took its turn.
    #[error("another relay of outbox {outbox} took over while the database did not answer")]
    TurnLost {
        /// Which outbox.
        outbox: OutboxName,
    },
    /// A thread of ours has ended abnormally.
    #[error("a thread of the relay has panicked")]
    Broken,
}

/// What an error means for the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remedy {
    /// Begin again with the same process.
    BeginAgain,
    /// End; a supervisor starts another process.
    Unavailable,
    /// End; the configuration or the topics must change first.
    Blocked,
    /// End; data do not fit together, and a person must look.
    Integrity,
}

impl RelayError {
    /// What is to be done.
    pub fn remedy(&self) -> Remedy {
        match self {
            Self::Grants(GrantsError::Store(error)) | Self::Store(error) => of_store(error),
            Self::Grants(
                GrantsError::TooWide { .. } | GrantsError::Missing { .. } | GrantsError::Forged { .. },
            )
            | Self::Topics(
                TopicError::Missing(_)
                | TopicError::Partitions { .. }
                | TopicError::NotCompacted { .. }
                | TopicError::TooSmall { .. }
                | TopicError::NotCreated { .. },
            ) => Remedy::Blocked,
            Self::Refused(_)
            | Self::Holes(_)
            | Self::ForeignTopic(_)
            | Self::Recall(RecallError::Unreadable { .. }) => Remedy::Integrity,
            Self::Topics(TopicError::Kafka(_))
            | Self::Recall(
                RecallError::Kafka { .. } | RecallError::Open { .. } | RecallError::Endless { .. },
            )
            | Self::Publish(PublishError::Again { .. })
            | Self::TurnLost { .. } => Remedy::BeginAgain,
            Self::Publish(PublishError::Fenced { .. } | PublishError::Encode(_)) | Self::Broken => {
                Remedy::Unavailable
            }
        }
    }
}

fn of_store(error: &StoreError) -> Remedy {
    match error {
        StoreError::Unavailable(_) | StoreError::NotWritten(_) | StoreError::Busy => Remedy::BeginAgain,
        StoreError::Lost(_) | StoreError::Refused { .. } | StoreError::Corrupt { .. } => Remedy::Integrity,
    }
}
