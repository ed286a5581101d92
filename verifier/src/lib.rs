//! finds gaps between the legacy ledger and the payment ledger, and closes them.
