//! `ledger-admin`: the schema, and the reference data that nobody writes by hand.

mod arguments;
mod key;
mod output;
mod run;

pub use arguments::Cli;
pub use key::{NewKey, make as make_key};
pub use run::run;
