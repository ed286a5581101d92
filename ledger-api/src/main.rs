//! `ledger-api serve | openapi | config show | config check`

use std::io::Write as _;
use std::path::PathBuf;

use clap::{Parser, Subcommand};
use ledger_api::config::{Config, DEFAULTS};
use ledger_api::{openapi, serve};
use ledger_core::ledger::GrantsError;
use ledger_runtime::exit::{Exit, because};

/// The REST service of the payment ledger.
#[derive(Debug, Parser)]
#[command(version, about)]
struct Cli {
    /// A TOML file over the embedded defaults.
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serves until SIGTERM or Ctrl-C, then finishes what is under way.
    Serve,
    /// Prints the OpenAPI document.
    Openapi,
    /// About the configuration.
    #[command(subcommand)]
    Config(ConfigCommand),
}

#[derive(Debug, Subcommand)]
enum ConfigCommand {
    /// Prints the defaults with what each means, then what is in force on stderr.
    Show,
    /// Says everything that is wrong, and nothing else.
    Check,
}

fn main() -> Exit {
    let cli = Cli::parse();
    match cli.command {
        Command::Openapi => print(&openapi::text()),
        Command::Config(ConfigCommand::Show) => {
            let shown = print(DEFAULTS);
            if let Ok(config) = Config::load(cli.config.as_deref()) {
                eprintln!("in force: {config:#?}");
            }
            shown
        }
        Command::Config(ConfigCommand::Check) => match Config::load(cli.config.as_deref()) {
            Ok(_) => Exit::Clean,
            Err(error) => because(Exit::Usage, &error),
        },
        Command::Serve => match Config::load(cli.config.as_deref()) {
            Ok(config) => serve(&config),
            Err(error) => because(Exit::Usage, &error),
        },
    }
}

fn print(text: &str) -> Exit {
    match std::io::stdout().lock().write_all(text.as_bytes()) {
        Ok(()) => Exit::Clean,
        Err(error) => because(Exit::Unavailable, &error),
    }
}

fn serve(config: &Config) -> Exit {
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return because(Exit::Unavailable, &error),
    };
    match runtime.block_on(serve::run(config)) {
        Ok(()) => Exit::Clean,
        Err(error) => because(exit_of(&error), error.as_ref()),
    }
}

/// A grant that is too wide has to be taken back first; anything else may pass.
fn exit_of(error: &anyhow::Error) -> Exit {
    match error.downcast_ref::<GrantsError>() {
        Some(GrantsError::Store(_)) | None => Exit::Unavailable,
        Some(_) => Exit::Blocked,
    }
}
