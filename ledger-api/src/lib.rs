//! The REST service of the payment ledger.
//!
//! ```text
//! request ─▶ context (ids, log, panic) ─▶ limits ─▶ auth ─▶ key, deadline ─▶ body ─▶ routes/… ─▶ Ledger | Gateway
//! response ◀─ problem or payment ◀─ render ◀─ Answer ◀────────────────────────────────────────────┘
//! ```
//!
//! The rule of the room: a handler extracts, asks, renders. It knows no SQL, takes no decision and repeats nothing. What
//! it refuses by itself (limits, keys, fields) is refused before any row.

pub mod admin;
pub mod api;
pub mod auth;
pub mod body;
pub mod config;
pub mod context;
pub mod cursor;
pub mod deadline;
pub mod deposit_view;
pub mod fields;
#[cfg(test)]
mod fuzz;
pub mod idempotency;
pub mod limits;
pub mod listen;
pub mod metrics;
pub mod openapi;
pub mod page;
pub mod precondition;
pub mod problem;
pub mod query;
pub mod render;
pub mod router;
pub mod routes;
pub mod serve;
pub mod view;
