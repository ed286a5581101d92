//! All processes together, on stacks of their own.
#![expect(clippy::unwrap_used, reason = "a test may stop where it stands")]

mod audit;
mod card_numbers;
mod demo;
mod races;
mod tidy;
mod world;
