//! What Kafka carries: which events a change emits, where each stands, and its bytes.

pub mod body;
pub mod catalogue;
pub mod deposit;
pub mod position;
