//! what every main of the ledger shares.
