//! `ledger-admin`: the schema, the reference data that nobody writes by hand, and corrections of the journal.

mod arguments;
mod correction;
mod key;
mod method;
mod operator;
mod output;
mod report;
mod run;

pub use arguments::Cli;
pub use key::{NewKey, make as make_key};
pub use run::run;
