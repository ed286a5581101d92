//! The facts of corrections: what was proposed, the lines it would post, how it ended.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Serialize, Serializer};

use crate::codes;
use crate::journal::{Account, Side};
use crate::money::Minor;

codes! {
    /// How a proposed correction ended.
    CorrectionRuling {
        /// A second operator agreed: its lines are posted.
        Approved = "APPROVED",
        /// An operator refused it, or its proposer took it back.
        Rejected = "REJECTED",
        /// Nobody decided in time.
        Expired = "EXPIRED",
    }
}

/// An Ed25519 signature.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Signature(pub [u8; 64]);

impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signature({})", hex::encode(self.0))
    }
}

impl Serialize for Signature {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&hex::encode(self.0))
    }
}

/// A line of the payment's journal: the change that posted it, and its number there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct LineRef {
    /// The change.
    pub seq: u32,
    /// The line.
    pub line: u16,
}

impl fmt::Display for LineRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.seq, self.line)
    }
}

/// Row of `correction`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Correction {
    pub correction_no: u16,
    pub reason: String,
    pub proposed_by: String,
    pub proposed_key: String,
    pub proposed_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
    pub signature: Signature,
}

/// Row of `correction_line`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CorrectionLine {
    pub correction_no: u16,
    pub line_no: u16,
    pub account: Account,
    pub side: Side,
    pub amount: Minor,
    pub leg_no: Option<u8>,
    /// The earlier line that this one takes back; none where it books anew.
    pub reverses: Option<LineRef>,
}

/// Row of `correction_verdict`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CorrectionVerdict {
    pub correction_no: u16,
    pub verdict: CorrectionRuling,
    pub proposed_by: String,
    pub decision: Option<SignedDecision>,
    pub reason: Option<String>,
    pub decided_at: DateTime<Utc>,
}

/// Who decided, by which key; nobody decides that time has passed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SignedDecision {
    pub decided_by: String,
    pub decided_key: String,
    pub signature: Signature,
}
