//! A process of the stack: started in a group of its own, tied to us, ended when it is dropped.

use std::fs::File;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::process::Signal;

use crate::health::http_status;
use crate::registry::{Process, Registry};

const POLL: Duration = Duration::from_millis(25);

/// How to start a process.
#[derive(Debug)]
pub struct Spec<'a> {
    pub name: &'a str,
    pub command: Command,
    /// stdout and stderr go here, behind what is there already.
    pub log: PathBuf,
    pub registry: Option<&'a Registry>,
}

/// A running process. Dropping it kills it and its group.
#[derive(Debug)]
pub struct Proc {
    process: Process,
    child: Child,
    log: PathBuf,
}

impl Proc {
    /// Starts one of our programs.
    pub fn spawn<'e>(
        program: &Path,
        args: &[&str],
        env: impl IntoIterator<Item = (&'e str, &'e str)>,
        log: &Path,
    ) -> Result<Self> {
        let name = program.file_name().and_then(|name| name.to_str()).context("a program without a name")?;
        let mut command = parts::tied(program);
        command.args(args).envs(env);
        Self::start(Spec { name, command, log: log.to_owned(), registry: None })
    }

    pub fn start(spec: Spec<'_>) -> Result<Self> {
        let Spec { name, mut command, log, registry } = spec;
        if let Some(dir) = log.parent() {
            std::fs::create_dir_all(dir).with_context(|| format!("making {}", dir.display()))?;
        }
        let out = File::options().create(true).append(true).open(&log);
        let out = out.with_context(|| format!("opening {}", log.display()))?;
        let err = out.try_clone().with_context(|| format!("opening {}", log.display()))?;
        command.stdin(Stdio::null()).stdout(out).stderr(err).process_group(0);
        let child = spawn_from_lasting_thread(command).with_context(|| format!("starting {name}"))?;
        let process = Process::of(name, child.id());
        if let Some(registry) = registry {
            registry.add(&process)?;
        }
        Ok(Self { process, child, log })
    }

    pub fn name(&self) -> &str {
        &self.process.name
    }

    pub fn pid(&self) -> u32 {
        self.process.pid
    }

    pub fn log(&self) -> &Path {
        &self.log
    }

    /// How it ended, if it did.
    pub fn exited(&mut self) -> Result<Option<ExitStatus>> {
        self.child.try_wait().with_context(|| format!("asking for {}", self.process.name))
    }

    /// Ends it as a crash would, and returns when it is gone.
    pub fn kill_9(&mut self) -> Result<()> {
        self.child.kill().with_context(|| format!("killing {}", self.process.name))?;
        self.child.wait().with_context(|| format!("waiting for {}", self.process.name))?;
        Ok(())
    }

    pub fn ask_to_stop(&self) -> Result<()> {
        self.process.signal(Signal::TERM)
    }

    /// SIGTERM, then SIGKILL when `limit` has passed.
    pub async fn terminate(&mut self, limit: Duration) -> Result<ExitStatus> {
        self.ask_to_stop()?;
        if let Some(status) = self.wait_exit(limit).await? {
            return Ok(status);
        }
        self.process.kill_group();
        self.child.wait().with_context(|| format!("waiting for {}", self.process.name))
    }

    /// Its end, or `None` when `limit` passes first.
    pub async fn wait_exit(&mut self, limit: Duration) -> Result<Option<ExitStatus>> {
        let until = Instant::now() + limit;
        loop {
            if let Some(status) = self.exited()? {
                return Ok(Some(status));
            }
            if Instant::now() >= until {
                return Ok(None);
            }
            tokio::time::sleep(POLL).await;
        }
    }

    /// Waits until `url` answers 200; an early end or a passed limit brings the last lines of the log.
    pub async fn wait_ready(&mut self, url: &str, limit: Duration) -> Result<()> {
        let until = Instant::now() + limit;
        loop {
            if http_status(url).await.is_ok_and(|status| status == 200) {
                return Ok(());
            }
            self.still_starting(until, url)?;
            tokio::time::sleep(POLL).await;
        }
    }

    /// An error when it ended or `until` has passed.
    pub(crate) fn still_starting(&mut self, until: Instant, what: &str) -> Result<()> {
        let name = self.process.name.clone();
        if let Some(status) = self.exited()? {
            bail!("{name} ended with {status} while starting: {}", self.last_lines());
        }
        if Instant::now() >= until {
            bail!("{name} is not ready in time ({what}): {}", self.last_lines());
        }
        Ok(())
    }

    fn last_lines(&self) -> String {
        let text = std::fs::read(&self.log).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let lines: Vec<&str> = text.lines().collect();
        let tail = lines[lines.len().saturating_sub(12)..].join("\n  ");
        format!("last lines of {}:\n  {tail}", self.log.display())
    }
}

impl Drop for Proc {
    fn drop(&mut self) {
        self.process.kill_group();
        self.child.kill().unwrap_or_default();
        self.child.wait().map(drop).unwrap_or_default();
    }
}

type Order = (Command, Sender<std::io::Result<Child>>);

/// The kernel ties a child to the *thread* that started it, and threads of a runtime come and go: so one
/// thread that lasts as long as we do starts them all.
fn spawn_from_lasting_thread(command: Command) -> std::io::Result<Child> {
    static ORDERS: OnceLock<Mutex<Sender<Order>>> = OnceLock::new();
    let orders = ORDERS.get_or_init(|| {
        let (send, receive) = channel::<Order>();
        std::thread::spawn(move || {
            for (mut command, answer) in receive {
                answer.send(command.spawn()).unwrap_or_default();
            }
        });
        Mutex::new(send)
    });
    let gone = || std::io::Error::other("the thread that starts processes is gone");
    let (answer, answered) = channel();
    let order = orders.lock().unwrap_or_else(PoisonError::into_inner).send((command, answer));
    order.map_err(|_| gone())?;
    answered.recv().map_err(|_| gone())?
}

#[cfg(test)]
mod tests;
