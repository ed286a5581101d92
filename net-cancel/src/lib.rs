//! the timeout-cancellation job.
