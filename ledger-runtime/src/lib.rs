//! What every main of the ledger shares: the clock, configuration, logs and metrics, the ops listener, stopping, exit codes,
//! and the allocator.

pub mod clock;
pub mod config;
pub mod exit;
pub mod health;
pub mod shutdown;
pub mod telemetry;

/// A request makes and drops some hundred small strings on whichever thread it is at; the allocator of glibc took a quarter
/// of the API's time for that (docs/BENCHMARKS.md).
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;
