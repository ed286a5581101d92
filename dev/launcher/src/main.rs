//! `cargo dev`: the one entrance of development. It compiles in seconds, says at once what it does, fetches
//! the parts while cargo builds the workspace, and then hands over to the program that does the work.

mod build;
mod command;
mod mutants;

use std::ffi::OsString;
use std::process::ExitCode;

use command::Action;

const USAGE: u8 = 2;
const UNAVAILABLE: u8 = 12;

const HELP: &str = "\
cargo dev <command>

  demo [--format json] [--name N]      the whole story on real MySQL and Kafka, ending in an audit
  test [filter and options of cargo test]
                                       start MySQL, its replica and Kafka; run every test; stop them
  up [--detach] [--infra] [--name N]   start everything and keep it running; --infra: MySQL and Kafka alone
  down [--name N]                      stop what `up` started
  status [--format json] [--name N]    which processes run
  audit [--name N] [--format json]     check all that the ledger of a running stack holds
  bench payments [--json] [--seconds N] [--connections 1,16,64,256] [--rates 100,300] [--in-one] [--core-only] [--quick]
                                       measure a release build beside a bare client of the same run
  mutants [--shard K/N] [--iterate] [files]
                                       plant defects in the decisions, one by one, and say which no test notices;
                                       --iterate: go on with those that are open
  fmt, lint                            format; clippy as in CI
  help                                 this text

Parts come from LEDGER_MYSQL_URL with LEDGER_MYSQL_REPLICA_URL and LEDGER_KAFKA_BROKERS, else from a container
engine, else from programs on PATH, else from packages in a cache of yours. LEDGER_PARTS=url|container|path|packages
picks one way; LEDGER_CACHE_DIR moves the cache.
";

fn main() -> ExitCode {
    let mut words = std::env::args_os().skip(1);
    let name = words.next().unwrap_or_else(|| "help".into());
    let rest: Vec<OsString> = words.collect();
    let done = match Action::of(&name) {
        Some(Action::Help) => {
            eprint!("{HELP}");
            return ExitCode::SUCCESS;
        }
        Some(action) => command::run(action, rest),
        None => {
            eprint!("cargo dev: {} is no command\n\n{HELP}", name.display());
            return ExitCode::from(USAGE);
        }
    };
    done.unwrap_or_else(|failure| {
        eprintln!("cargo dev: {failure}");
        ExitCode::from(failure.exit_code())
    })
}

/// Why `cargo dev` itself could not go on.
#[derive(Debug)]
enum Failure {
    /// a part cannot be had
    Missing(parts::Missing),
    /// cargo said why
    Build(&'static str, std::process::ExitStatus),
    Start(String),
}

impl Failure {
    fn exit_code(&self) -> u8 {
        match self {
            Self::Missing(missing) if missing.is_usage() => USAGE,
            Self::Build(..) => 1,
            Self::Missing(_) | Self::Start(_) => UNAVAILABLE,
        }
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Missing(missing) => missing.fmt(f),
            Self::Build(what, status) => write!(f, "{what} ended with {status}"),
            Self::Start(why) => f.write_str(why),
        }
    }
}
