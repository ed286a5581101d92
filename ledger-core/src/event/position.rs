//! Where an event stands among those of its payment, and the last position on each topic: a consumer that keeps them can
//! prove that it has seen everything.

use std::fmt;
use std::str::FromStr;

use crate::codes;

codes! {
    /// The topics.
    Topic {
        /// Business events, for settlement and accounting.
        Ledger = "payment.ledger.v1",
        /// What happens between us and issuers, for reconciliation.
        IssuerActivity = "payment.issuer-activity.v1",
        /// History that was carried over: nobody pays out on it.
        Backfill = "payment.ledger.backfill.v1",
    }
}

/// The `ordinal`-th event of the `seq`-th change of a payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// The change.
    pub seq: u32,
    /// The event in it.
    pub ordinal: u8,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.seq, self.ordinal)
    }
}

/// Text that is no position.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a position is written seq.ordinal")]
pub struct InvalidPosition;

impl FromStr for Position {
    type Err = InvalidPosition;

    fn from_str(text: &str) -> Result<Self, InvalidPosition> {
        let (seq, ordinal) = text.split_once('.').ok_or(InvalidPosition)?;
        Ok(Self {
            seq: seq.parse().map_err(|_| InvalidPosition)?,
            ordinal: ordinal.parse().map_err(|_| InvalidPosition)?,
        })
    }
}

/// The last position on each topic, as `payment_change.positions` keeps it: `L2.0 A2.1 B1.0`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Positions {
    ledger: Option<Position>,
    issuer_activity: Option<Position>,
    backfill: Option<Position>,
}

impl Positions {
    /// The last position on a topic.
    pub const fn on(&self, topic: Topic) -> Option<Position> {
        match topic {
            Topic::Ledger => self.ledger,
            Topic::IssuerActivity => self.issuer_activity,
            Topic::Backfill => self.backfill,
        }
    }

    /// Moves on to a further event and says which one it follows.
    pub const fn advance(&mut self, topic: Topic, to: Position) -> Option<Position> {
        match topic {
            Topic::Ledger => self.ledger.replace(to),
            Topic::IssuerActivity => self.issuer_activity.replace(to),
            Topic::Backfill => self.backfill.replace(to),
        }
    }
}

impl fmt::Display for Positions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all = [('L', self.ledger), ('A', self.issuer_activity), ('B', self.backfill)];
        let mut gap = "";
        for (letter, position) in all {
            if let Some(position) = position {
                write!(f, "{gap}{letter}{position}")?;
                gap = " ";
            }
        }
        Ok(())
    }
}

impl FromStr for Positions {
    type Err = InvalidPosition;

    fn from_str(text: &str) -> Result<Self, InvalidPosition> {
        let mut positions = Self::default();
        for word in text.split_whitespace() {
            let position = word.get(1..).ok_or(InvalidPosition)?.parse()?;
            match word.as_bytes().first() {
                Some(b'L') => positions.ledger = Some(position),
                Some(b'A') => positions.issuer_activity = Some(position),
                Some(b'B') => positions.backfill = Some(position),
                Some(_) | None => return Err(InvalidPosition),
            }
        }
        Ok(positions)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_read_back_as_written() {
        let mut positions = Positions::default();
        assert_eq!(positions.to_string().parse(), Ok(positions));
        assert_eq!(positions.advance(Topic::Ledger, Position { seq: 1, ordinal: 0 }), None);
        let before = positions.advance(Topic::Ledger, Position { seq: 12, ordinal: 3 });
        assert_eq!(before, Some(Position { seq: 1, ordinal: 0 }));
        positions.advance(Topic::Backfill, Position { seq: 2, ordinal: 1 });
        assert_eq!(positions.to_string(), "L12.3 B2.1");
        assert_eq!(positions.to_string().parse(), Ok(positions));
    }
}
