//! The timeout-cancellation job: what an issuer may have approved without our knowing is undone, until its word is
//! definite or people take over.
//!
//! ```text
//! rows ─▶ scan.rs  (what is due, by schedule.rs) ─▶ drive.rs ─▶ issuer-gateway ─▶ issuer
//!   ▲                                                              │ begin_reversal: the attempt is a row
//!   └──────────────── finish_reversal: the answer is a row ◀───────┘
//! ```
//!
//! The rule of the room: every state is a row. The process may be killed at any point, and any number of them may run: a
//! lost race is an answer, and a reversal sent twice is the same reversal to its issuer.

pub mod cli;
pub mod drive;
mod metrics;
mod overdue;
pub mod run;
pub mod scan;
pub mod schedule;
pub mod settings;
