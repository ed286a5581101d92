//! The relay as its own process.

use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStderr, Command};

use crate::ledger::Ledger;

/// A running relay.
pub struct Process {
    child: Child,
    log: Lines<BufReader<ChildStderr>>,
    /// What it has told so far.
    pub told: Vec<String>,
}

/// A command of the relay, set up for a test's ledger.
pub fn command(ledger: &Ledger, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_outbox-relay"));
    command
        .args(args)
        .env("DATABASE__URL", &ledger.db.relay)
        .env("KAFKA__BROKERS", &ledger.settings.kafka.brokers)
        .env("KAFKA__TOPIC_PREFIX", &ledger.settings.kafka.topic_prefix)
        .env("OPS__BIND", "127.0.0.1:0")
        .stdin(Stdio::null())
        .kill_on_drop(true);
    command
}

impl Process {
    /// Starts `run --outbox main`, with further settings.
    pub fn start(ledger: &Ledger, settings: &[(&str, &str)]) -> Self {
        let mut command = command(ledger, &["run", "--outbox", "main"]);
        command.envs(settings.iter().copied()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let log = BufReader::new(child.stderr.take().unwrap()).lines();
        Self { child, log, told: Vec::new() }
    }

    /// Reads its log until a line holds `words`.
    pub async fn tells(&mut self, words: &str) -> String {
        let reading = async {
            while let Some(line) = self.log.next_line().await.unwrap() {
                self.told.push(line);
                if self.told.last().unwrap().contains(words) {
                    return self.told.last().unwrap().clone();
                }
            }
            panic!("it ended without telling {words:?}:\n{}", self.told.join("\n"))
        };
        tokio::time::timeout(Duration::from_mins(1), reading).await.expect(words)
    }

    /// As a crash would end it.
    pub async fn kill_9(mut self) {
        self.child.kill().await.unwrap();
    }

    /// SIGTERM, and how it ends.
    pub async fn terminate(self) -> ExitStatus {
        let pid = self.child.id().unwrap().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().await.unwrap().success());
        self.ends().await
    }

    /// How it ends by itself.
    pub async fn ends(mut self) -> ExitStatus {
        let draining = async { while let Ok(Some(_)) = self.log.next_line().await {} };
        let ended = async { tokio::join!(self.child.wait(), draining).0.unwrap() };
        tokio::time::timeout(Duration::from_mins(1), ended).await.unwrap()
    }
}
