//! The migrator on real MySQL: the program as it is shipped, against a legacy database full of habits.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test may stop where it stands"
)]

mod common;
mod copy;
mod mirror;
