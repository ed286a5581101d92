//! copies and mirrors a legacy ledger into the payment ledger.
