//! A step taken apart: when it is booked, and what is answered when.

use std::time::Duration;

use super::script::{Garble, Step};

/// What happens with one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// What the issuer decides.
    pub ruling: Ruling,
    /// When it is written into the book.
    pub book: Booking,
    /// What the sender gets to see.
    pub reply: Reply,
}

/// What the issuer decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ruling {
    /// Whatever follows from the book.
    ByTheBook,
    /// Decline with this code.
    Decline(String),
    /// Say that there is no original.
    NoOriginal,
    /// Say that it is too late.
    TooLate,
    /// Whatever follows from the book, without the original's number.
    Unnamed,
}

/// When it is written into the book.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Booking {
    /// After this time, whatever happens to the connection.
    After(Duration),
    /// Not at all.
    Never,
}

/// What the sender gets to see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reply {
    /// The answer, this long after the request.
    After(Duration),
    /// Nothing.
    Never,
    /// Garbage.
    Garbled(Garble),
    /// Status 500.
    Failed,
    /// The end of the connection.
    Cut,
}

impl Plan {
    /// What `step` asks for; without one, the book decides and the answer comes at once.
    pub fn of(step: Option<Step>) -> Self {
        let at_once = Booking::After(Duration::ZERO);
        let answer = Reply::After(Duration::ZERO);
        let by_the_book = |book, reply| Self { ruling: Ruling::ByTheBook, book, reply };
        let broken = |booked, reply| by_the_book(if booked { at_once } else { Booking::Never }, reply);
        let says = |ruling| Self { ruling, book: at_once, reply: answer };
        match step {
            None | Some(Step::Approve {}) => by_the_book(at_once, answer),
            Some(Step::Decline { code }) => says(Ruling::Decline(code)),
            Some(Step::NoOriginal {}) => says(Ruling::NoOriginal),
            Some(Step::TooLate {}) => says(Ruling::TooLate),
            Some(Step::Unnamed {}) => says(Ruling::Unnamed),
            Some(Step::Delay { ms }) => by_the_book(Booking::After(millis(ms)), Reply::After(millis(ms))),
            Some(Step::Late { ms, book_ms }) => {
                by_the_book(Booking::After(millis(book_ms)), Reply::After(millis(ms)))
            }
            Some(Step::Drop { booked }) => broken(booked, Reply::Never),
            Some(Step::Garble { how, booked }) => broken(booked, Reply::Garbled(how)),
            Some(Step::Reset { booked }) => broken(booked, Reply::Cut),
            Some(Step::Error { booked }) => broken(booked, Reply::Failed),
        }
    }
}

fn millis(ms: u64) -> Duration {
    Duration::from_millis(ms)
}
