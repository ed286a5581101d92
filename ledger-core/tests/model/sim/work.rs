//! What is under way between two commits, in the memory of a process.

use ledger_core::payment::confirm::Answer;
use ledger_core::payment::fact::AttemptKind;

/// Leg, kind and number of an attempt.
pub type About = (u8, AttemptKind, u16);

/// Something that a process will go on with, unless it dies.
#[derive(Debug, Clone)]
pub enum Work {
    /// Legs that are still to be sent, in order; the one that waits; what came.
    Confirm { writer: usize, at: usize, to_send: Vec<u8>, waits: Option<u8>, got: Vec<(u8, Answer)> },
    /// An answer that did not come in time.
    Late { writer: usize, at: usize, leg: u8 },
    /// Shares of a cancel that are still to be sent, and what came.
    Cancel { writer: usize, at: usize, cancel_no: u16, to_send: Vec<u8>, got: Vec<(u8, Answer)> },
    /// A message that undoes and was sent; its answer, once there is one.
    Reverse { writer: usize, at: usize, about: About, answer: Option<Answer>, sent: bool },
    /// Suspense money on its way back.
    SendBack { writer: usize, at: usize, refund_no: u16 },
    /// An authorization that its caller has said and sends itself.
    Told(Told),
}

/// An authorization of a caller: whether it was sent, and what came.
#[derive(Debug, Clone)]
pub struct Told {
    pub writer: usize,
    pub at: usize,
    pub leg: u8,
    pub no: u16,
    pub sent: bool,
    pub answer: Option<Answer>,
}

impl Work {
    pub const fn writer(&self) -> usize {
        match self {
            Self::Confirm { writer, .. }
            | Self::Late { writer, .. }
            | Self::Cancel { writer, .. }
            | Self::Reverse { writer, .. }
            | Self::SendBack { writer, .. } => *writer,
            Self::Told(told) => told.writer,
        }
    }
}
