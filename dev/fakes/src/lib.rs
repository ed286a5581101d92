//! What stands in for the world outside in development: an issuer that misbehaves as told, and a legacy ledger that fills up.
//! Never shipped.

pub mod issuer;
pub mod legacy;
