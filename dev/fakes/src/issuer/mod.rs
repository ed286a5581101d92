//! The issuer simulator: an issuer that approves, declines, delays, drops, garbles, resets and answers late as told, over
//! real sockets, and keeps its own truth about what it approved.
//!
//! ```text
//! request ─▶ routes ─▶ which step? (script | the payment's method token | nothing special)
//!                        ├ book   now, later or never   ─▶ book.rs   the issuer's own truth
//!                        └ reply  at once, late, never, broken, or cut ─▶ line.rs   the socket
//! ```
//!
//! The rule of the room: what is booked and what is answered are two things; every fault is a combination of both.
//! One simulator plays any number of issuers: a path in front of `/v1` names one (`/card-a/v1/…`).

pub mod book;
mod card_number;
mod line;
mod plan;
mod routes;
pub mod script;
mod serve;
pub mod wire;

pub use serve::IssuerSimulator;
