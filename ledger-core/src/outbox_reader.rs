//! The handle of the relay: reads the outbox, settles holes in it.
