//! Reading and settling the outbox.
