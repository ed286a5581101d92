//! Exit codes: what a script or a supervisor may build on.

use std::fmt;
use std::process::{ExitCode, Termination};

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Nothing to complain of.
    Clean,
    /// Wrong usage or configuration.
    Usage,
    /// It ran, and found something.
    Findings,
    /// It may not go on: a brake, a frozen budget, a missing condition.
    Blocked,
    /// Something it needs does not answer.
    Unavailable,
    /// Data contradicts itself: wake somebody.
    Integrity,
}

impl Exit {
    /// The number.
    pub const fn code(self) -> u8 {
        match self {
            Self::Clean => 0,
            Self::Usage => 2,
            Self::Findings => 10,
            Self::Blocked => 11,
            Self::Unavailable => 12,
            Self::Integrity => 20,
        }
    }
}

impl Termination for Exit {
    fn report(self) -> ExitCode {
        ExitCode::from(self.code())
    }
}

/// Says on stderr why a command ended, with every cause, and returns its exit.
pub fn because(exit: Exit, error: &dyn std::error::Error) -> Exit {
    eprintln!("error: {}", Chain(error));
    exit
}

/// An error with its causes, in one line.
#[derive(Debug, Clone, Copy)]
pub struct Chain<'a>(pub &'a dyn std::error::Error);

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        let mut cause = self.0.source();
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}
