//! All interleavings of the shipped decisions, and designs that must be found wanting.
//!
//! | module | holds |
//! |---|---|
//! | `explore` | the search: every state once, breadth first, so that a counterexample is a shortest one |
//! | `design` | the seam: which decisions are taken; [`design::Shipped`] calls `ledger_core::payment` |
//! | `bad` | designs that differ in one decision, each known to lose money |
//! | `schema` | what the database refuses |
//! | `book` | payments by number, so that a state of the search is small |
//! | `authorize` | one payment, its issuer, callers, recovery and reversal |
//! | `refund` | one confirmed payment and the writers of its cancels |

pub mod authorize;
pub mod bad;
pub mod book;
pub mod design;
pub mod explore;
pub mod refund;
pub mod schema;
