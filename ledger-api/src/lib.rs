//! the REST service of the payment ledger.
