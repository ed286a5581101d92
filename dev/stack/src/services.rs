//! Our own programs as processes of the stack: one row a program, so that a new one is a new row.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::accounts::random_hex;
use crate::dirs::bin;
use crate::env::EnvFile;
use crate::ports::free_port;
use crate::proc::{Proc, Spec};
use crate::registry::Registry;

const READY_LIMIT: Duration = Duration::from_mins(1);
const STOP_LIMIT: Duration = Duration::from_secs(15);

/// How one of our programs runs in a stack.
#[derive(Debug)]
struct Service {
    bin: &'static str,
    args: &'static [&'static str],
    /// setting that takes an address to listen on → key of its URL in the env file
    listens: &'static [(&'static str, &'static str)],
    /// run to their end before it starts, with the same settings
    before: &'static [&'static [&'static str]],
    /// setting → key in the env file whose value it takes
    takes: &'static [(&'static str, &'static str)],
    /// key of the URL that answers `/health/ready`
    ready: &'static str,
}

impl Service {
    fn settings(&self, env: &EnvFile) -> Result<Vec<(&'static str, String)>> {
        let listens = self.listens.iter().map(|(setting, key)| {
            let url = env.get(key)?;
            Ok((*setting, url.strip_prefix("http://").unwrap_or(url).to_owned()))
        });
        let takes = self.takes.iter().map(|(setting, key)| Ok((*setting, env.get(key)?.to_owned())));
        listens.chain(takes).collect()
    }
}

/// In the order in which they start; they stop the other way round.
const SERVICES: [Service; 4] = [
    Service {
        bin: "issuer-simulator",
        args: &[],
        listens: &[("BIND", "ISSUER_URL")],
        before: &[],
        takes: &[],
        ready: "ISSUER_URL",
    },
    Service {
        bin: "ledger-api",
        args: &["serve"],
        listens: &[("HTTP__BIND", "API_URL"), ("OPS__BIND", "OPS_URL")],
        before: &[],
        takes: &[("DATABASE__URL", "MYSQL_APP_URL"), ("LISTS__CURSOR_KEYS", "CURSOR_KEYS")],
        ready: "OPS_URL",
    },
    Service {
        bin: "outbox-relay",
        args: &["run"],
        listens: &[("OPS__BIND", "RELAY_OPS_URL")],
        before: &[&["topics"]],
        takes: &[("DATABASE__URL", "MYSQL_RELAY_URL"), ("KAFKA__BROKERS", "KAFKA_BROKERS")],
        ready: "RELAY_OPS_URL",
    },
    Service {
        bin: "net-cancel",
        args: &["run"],
        listens: &[("OPS__BIND", "NET_CANCEL_OPS_URL")],
        before: &[],
        takes: &[("DATABASE__URL", "MYSQL_APP_URL")],
        ready: "NET_CANCEL_OPS_URL",
    },
];

/// The running programs of a stack.
#[derive(Debug)]
pub struct Services {
    logs: PathBuf,
    registry: Registry,
    procs: BTreeMap<&'static str, Proc>,
}

impl Services {
    pub(crate) fn none(stack_dir: &Path, registry: Registry) -> Self {
        Self { logs: stack_dir.join("logs"), registry, procs: BTreeMap::new() }
    }

    /// Gives every program its addresses, so that all can be told of each other before any runs.
    /// And the key that the cursors of its lists are signed with.
    pub(crate) fn choose_addresses(env: &mut EnvFile) -> Result<()> {
        env.set("CURSOR_KEYS", random_hex(32)?);
        for (_, key) in SERVICES.iter().flat_map(|service| service.listens) {
            env.set(key, format!("http://127.0.0.1:{}", free_port()?));
        }
        Ok(())
    }

    pub fn names() -> impl DoubleEndedIterator<Item = &'static str> {
        SERVICES.iter().map(|service| service.bin)
    }

    /// Starts one program and waits until it is ready; one that runs already is left as it is.
    pub async fn start(&mut self, name: &str, env: &EnvFile) -> Result<()> {
        let service = find(name)?;
        if let Some(proc) = self.procs.get_mut(service.bin)
            && proc.exited()?.is_none()
        {
            return Ok(());
        }
        let program = bin(service.bin)?;
        let settings = service.settings(env)?;
        for args in service.before {
            run_to_end(&program, args.iter().copied(), &settings).await?;
        }
        let mut command = parts::tied(&program);
        command.args(service.args).envs(settings).env("NO_COLOR", "1");
        let log = self.logs.join(format!("{}.log", service.bin));
        let spec = Spec { name: service.bin, command, log, registry: Some(&self.registry) };
        let mut proc = Proc::start(spec)?;
        let url = format!("{}/health/ready", env.get(service.ready)?);
        proc.wait_ready(&url, READY_LIMIT).await?;
        self.procs.insert(service.bin, proc);
        Ok(())
    }

    /// A running program, to be killed, stopped or asked for its pid.
    pub fn get(&mut self, name: &str) -> Result<&mut Proc> {
        self.procs.get_mut(name).with_context(|| format!("{name} was not started in this stack"))
    }

    /// The programs that ended by themselves since they were started.
    pub(crate) fn ended(&mut self) -> Vec<&'static str> {
        let gone = |proc: &mut Proc| matches!(proc.exited(), Ok(Some(_)) | Err(_));
        self.procs.iter_mut().filter_map(|(name, proc)| gone(proc).then_some(*name)).collect()
    }

    /// Asks all to stop, last started first, and waits for them.
    pub(crate) async fn stop(&mut self) -> Result<()> {
        for name in Self::names().rev() {
            if let Some(mut proc) = self.procs.remove(name) {
                proc.terminate(STOP_LIMIT).await?;
            }
        }
        Ok(())
    }
}

/// Runs one of our tools to its end; gives what it wrote to stdout.
pub(crate) async fn run_tool(
    name: &str,
    args: &[&str],
    settings: &[(&'static str, String)],
) -> Result<String> {
    run_to_end(&bin(name)?, args.iter().copied(), settings).await
}

/// Runs a program to its end; gives what it wrote to stdout.
async fn run_to_end<'a>(
    program: &Path,
    args: impl Iterator<Item = &'a str>,
    settings: &[(&'static str, String)],
) -> Result<String> {
    let mut command = tokio::process::Command::new(program);
    command.args(args).envs(settings.iter().map(|(key, value)| (key, value)));
    command.stdin(Stdio::null()).kill_on_drop(true);
    let told = format!("{} {:?}", program.display(), command.as_std().get_args().collect::<Vec<_>>());
    let done = tokio::time::timeout(READY_LIMIT, command.output()).await;
    let done = done
        .with_context(|| format!("{told} takes too long"))?
        .with_context(|| format!("starting {told}"))?;
    if !done.status.success() {
        bail!("{told} ended with {}: {}", done.status, String::from_utf8_lossy(&done.stderr).trim());
    }
    String::from_utf8(done.stdout).with_context(|| format!("{told} wrote something else than text"))
}

fn find(name: &str) -> Result<&'static Service> {
    SERVICES
        .iter()
        .find(|service| service.bin == name)
        .with_context(|| format!("{name} is no program of the stack"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_program_is_ready_on_an_address_of_its_own() {
        let mut keys = BTreeSet::new();
        for service in &SERVICES {
            assert!(service.listens.iter().any(|(_, key)| *key == service.ready), "{}", service.bin);
            for (_, key) in service.listens {
                assert!(keys.insert(key), "{key} is given twice");
            }
        }
    }
}
