//! What every main of the ledger shares: the clock, configuration, logs and metrics, the ops listener, stopping, and exit
//! codes.

pub mod clock;
pub mod config;
pub mod exit;
pub mod health;
pub mod shutdown;
pub mod telemetry;
