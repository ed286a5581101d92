//! The command line: one module a command.

pub mod audit;
pub mod down;
pub mod status;
pub mod test;
pub mod up;

use clap::{Args, Parser, Subcommand, ValueEnum};

#[derive(Debug, Parser)]
#[command(
    name = "stack",
    about = "starts and stops MySQL, its replica, Kafka and the programs of the ledger"
)]
pub struct Line {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Start a fresh stack and keep it running until Ctrl-C or `down`
    Up(Up),
    /// Stop a stack that runs, or clear away what a killed one left
    Down(Which),
    /// Tell which processes of which stacks run
    Status(Status),
    /// Start MySQL, its replica and Kafka, run every test, stop them
    Test(Test),
    /// Check all that the ledger of a running stack holds; the exit code says it all
    Audit(Audit),
}

#[derive(Args, Debug)]
pub struct Audit {
    /// Which stack
    #[arg(long, default_value = "default")]
    pub name: String,
    /// Handed to the audit of the demo
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    pub args: Vec<String>,
}

#[derive(Args, Debug)]
pub struct Which {
    /// Which stack
    #[arg(long, default_value = "default")]
    pub name: String,
}

#[derive(Args, Debug)]
pub struct Up {
    #[arg(long, default_value = "default")]
    pub name: String,
    /// Return when the stack is ready and leave it running
    #[arg(long)]
    pub detach: bool,
    /// MySQL, its replica and Kafka alone
    #[arg(long)]
    pub infra: bool,
}

#[derive(Args, Debug)]
pub struct Status {
    /// One stack instead of all
    #[arg(long)]
    pub name: Option<String>,
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub format: Format,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Format {
    Table,
    Json,
}

#[derive(Args, Debug)]
pub struct Test {
    /// A name for the stack of this run
    #[arg(long)]
    pub name: Option<String>,
    /// Handed to `cargo test --workspace`
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    pub args: Vec<String>,
}
