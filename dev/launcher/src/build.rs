//! Fetching the parts while cargo builds. Always the whole workspace, so that nothing is built twice.

use std::process::{Child, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use parts::{Missing, Wait};

use crate::Failure;

const POLL: Duration = Duration::from_millis(100);
/// cargo tells what it compiles; a line of ours is for the minutes in which it compiles one thing.
const EVERY: Duration = Duration::from_secs(5);

#[derive(Clone, Copy, Debug)]
pub enum Build {
    Bins,
    Tests,
    /// optimised, for measuring
    Release,
}

impl Build {
    fn arguments(self) -> &'static [&'static str] {
        match self {
            Self::Bins => &["build", "--workspace", "--bins"],
            Self::Tests => &["test", "--workspace", "--no-run", "--quiet"],
            Self::Release => &["build", "--release", "--workspace", "--bins"],
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Bins => "building the programs",
            Self::Tests => "building the tests",
            Self::Release => "building the optimised programs",
        }
    }
}

/// Builds, one after the other; fetches the parts meanwhile when `fetch` says so. A part that cannot be
/// had ends the build at once: nobody should compile for minutes to read that.
pub fn prepare(what: &str, builds: &[Build], fetch: bool) -> Result<(), Failure> {
    let also = if fetch { ", and finding MySQL and Kafka meanwhile" } else { "" };
    eprintln!("cargo dev {what}: building the workspace{also}");
    let mut parts = Parts { answers: fetch.then(find_parts), open: if fetch { 2 } else { 0 } };
    let started = Instant::now();
    for build in builds {
        let mut child = Running(start(*build)?);
        let mut spoken = Instant::now();
        loop {
            if let Some(status) =
                child.0.try_wait().map_err(|e| Failure::Start(format!("waiting for cargo: {e}")))?
            {
                if !status.success() {
                    return Err(Failure::Build(build.name(), status));
                }
                break;
            }
            parts.hear(POLL)?;
            if spoken.elapsed() >= EVERY {
                eprintln!("  {}, {} s so far", build.name(), started.elapsed().as_secs());
                spoken = Instant::now();
            }
        }
    }
    while parts.open > 0 {
        parts.hear(POLL)?;
    }
    Ok(())
}

fn start(build: Build) -> Result<Child, Failure> {
    let mut command = parts::cargo();
    command.args(build.arguments()).stdin(Stdio::null()).stdout(Stdio::null());
    command.spawn().map_err(|e| Failure::Start(format!("starting cargo: {e}")))
}

/// A build that ends with us when we give up.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        if matches!(self.0.try_wait(), Ok(None)) {
            self.0.kill().unwrap_or_default();
            self.0.wait().map(drop).unwrap_or_default();
        }
    }
}

type Answer = Result<String, Missing>;

struct Parts {
    answers: Option<Receiver<Answer>>,
    open: u32,
}

impl Parts {
    /// Waits for `limit` at most; says what was found.
    fn hear(&mut self, limit: Duration) -> Result<(), Failure> {
        let Some(answers) = self.answers.as_ref().filter(|_| self.open > 0) else {
            std::thread::sleep(limit);
            return Ok(());
        };
        match answers.recv_timeout(limit) {
            Ok(Ok(found)) => {
                eprintln!("  {found}");
                self.open -= 1;
                Ok(())
            }
            Ok(Err(missing)) => Err(Failure::Missing(missing)),
            Err(RecvTimeoutError::Timeout) => Ok(()),
            Err(RecvTimeoutError::Disconnected) => {
                Err(Failure::Start("looking for the parts broke off".into()))
            }
        }
    }
}

fn find_parts() -> Receiver<Answer> {
    let (mysql, answers) = channel();
    let kafka = mysql.clone();
    // nobody listens any more when the build failed first
    std::thread::spawn(move || {
        let found = parts::mysql(&Wait::start("MySQL")).map(|found| found.to_string());
        mysql.send(found).unwrap_or_default();
    });
    std::thread::spawn(move || {
        let found = parts::kafka(&Wait::start("Kafka")).map(|found| found.to_string());
        kafka.send(found).unwrap_or_default();
    });
    answers
}
