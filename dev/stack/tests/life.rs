//! Stacks live side by side, and nothing of them is left: not after Ctrl-C, not after a kill -9 of the owner.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may stop where it stands")]

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::Signal;
use stack::{EnvFile, Process, Registry, stack_dir};

const PATIENCE: Duration = Duration::from_mins(3);

/// A `stack up` in the foreground.
struct Owner {
    child: Child,
    dir: PathBuf,
}

impl Owner {
    fn start(label: &str) -> Self {
        let name = format!("{label}-{}", std::process::id());
        let mut command = Command::new(env!("CARGO_BIN_EXE_stack"));
        command.args(["up", "--infra", "--name", &name]).stdin(Stdio::null());
        Self { child: command.spawn().unwrap(), dir: stack_dir(&name).unwrap() }
    }

    fn wait_for(&mut self, what: &str, mut reached: impl FnMut(&Self) -> bool) {
        let until = Instant::now() + PATIENCE;
        while !reached(self) {
            assert!(Instant::now() < until, "{what} never came");
            if let Some(status) = self.child.try_wait().unwrap() {
                panic!("the stack ended with {status} before {what}");
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn ready(&mut self) -> EnvFile {
        self.wait_for("the env file", |owner| owner.dir.join("env").is_file());
        EnvFile::load(&self.dir.join("env")).unwrap()
    }

    /// The parts that it started.
    fn parts(&self) -> Vec<Process> {
        Registry::of(&self.dir).read().into_iter().filter(|process| process.name != "stack").collect()
    }

    fn signal(&self, signal: Signal) {
        Process::of("stack", self.child.id()).signal(signal).unwrap();
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        self.signal(Signal::KILL);
        self.child.wait().unwrap();
        Registry::of(&self.dir).reap();
        for extension in ["", "lock", "log"] {
            let path = self.dir.with_extension(extension);
            std::fs::remove_dir_all(&path).or_else(|_| std::fs::remove_file(&path)).unwrap_or_default();
        }
    }
}

fn ports(env: &EnvFile) -> BTreeSet<String> {
    let keys = ["MYSQL_ROOT_URL", "REPLICA_ROOT_URL", "KAFKA_BROKERS"];
    keys.iter()
        .map(|key| {
            let value = env.get(key).unwrap();
            let (_, behind) = value.rsplit_once("127.0.0.1:").unwrap();
            behind.chars().take_while(char::is_ascii_digit).collect()
        })
        .collect()
}

fn gone(processes: &[Process]) {
    let until = Instant::now() + Duration::from_secs(20);
    while let Some(left) = processes.iter().find(|process| process.is_alive()) {
        assert!(Instant::now() < until, "{} (pid {}) outlived its stack", left.name, left.pid);
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn two_stacks_share_no_port_and_each_takes_its_own_processes_along() {
    let (mut first, mut second) = (Owner::start("life-a"), Owner::start("life-b"));
    let (a, b) = (first.ready(), second.ready());
    let all: BTreeSet<String> = ports(&a).union(&ports(&b)).cloned().collect();
    assert_eq!(all.len(), 6, "a port is used twice: {all:?}");
    let (of_first, of_second) = (first.parts(), second.parts());
    assert_eq!((of_first.len(), of_second.len()), (3, 3));
    assert!(of_first.iter().chain(&of_second).all(Process::is_alive));

    first.signal(Signal::INT);
    assert!(first.child.wait().unwrap().success(), "Ctrl-C is how `up` is meant to end");
    assert!(of_first.iter().all(|process| !process.is_alive()), "Ctrl-C left a process behind");
    assert!(!first.dir.join("env").exists(), "the env file of a stack that is gone");
    assert!(of_second.iter().all(Process::is_alive), "the other stack was hit");

    second.signal(Signal::KILL);
    second.child.wait().unwrap();
    if parts::on_path("setpriv").is_none() {
        // without it only the next command clears away
        Registry::of(&second.dir).reap();
    }
    gone(&of_second);
}

#[test]
fn ctrl_c_while_a_stack_starts_leaves_no_process() {
    let mut owner = Owner::start("life-c");
    owner.wait_for("the first part", |owner| !owner.parts().is_empty());
    owner.signal(Signal::INT);
    owner.child.wait().unwrap();
    assert!(!owner.dir.join("env").exists(), "it was ready already: this run shows nothing");
    let parts = owner.parts();
    assert!(!parts.is_empty());
    gone(&parts);
}

#[test]
fn a_name_is_taken_while_its_stack_runs() {
    let mut owner = Owner::start("life-d");
    owner.wait_for("the first part", |owner| !owner.parts().is_empty());
    let name = owner.dir.file_name().unwrap().to_owned();
    let mut again = Command::new(env!("CARGO_BIN_EXE_stack"));
    let told = again.args(["up", "--infra", "--name"]).arg(name).stdin(Stdio::null()).output().unwrap();
    assert_eq!(told.status.code(), Some(12));
    assert!(String::from_utf8(told.stderr).unwrap().contains("is running"));
    assert!(owner.parts().iter().all(Process::is_alive), "the second try hurt the first");
}
