//! What stands in for the world outside in development: an issuer that misbehaves as told, and a legacy ledger that fills up.
//! Never shipped.

#![cfg_attr(test, expect(clippy::unwrap_used, clippy::panic, reason = "a test may stop where it stands"))]

pub mod issuer;
