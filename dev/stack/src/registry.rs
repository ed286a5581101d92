//! The `pids` file of a stack: who was started, so that the next command can see, stop or reap them.
//!
//! A pid alone can belong to somebody else after a while; the moment of its start tells them apart.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use rustix::process::{Pid, Signal, kill_process, kill_process_group};

/// A process as it was started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Process {
    pub name: String,
    pub pid: u32,
    started: String,
}

impl Process {
    pub fn of(name: &str, pid: u32) -> Self {
        Self { name: name.to_owned(), pid, started: started(pid).unwrap_or_default() }
    }

    /// Still the one that was started?
    pub fn is_alive(&self) -> bool {
        started(self.pid).is_some_and(|now| now == self.started)
    }

    pub fn signal(&self, signal: Signal) -> Result<()> {
        if !self.is_alive() {
            return Ok(());
        }
        match kill_process(self.rustix_pid()?, signal) {
            Ok(()) | Err(rustix::io::Errno::SRCH) => Ok(()),
            Err(e) => Err(e).with_context(|| format!("signalling {} (pid {})", self.name, self.pid)),
        }
    }

    /// Ends it and everything in its process group, which was made for it.
    pub fn kill_group(&self) {
        if self.is_alive()
            && let Ok(pid) = self.rustix_pid()
        {
            // gone in between is what was wanted
            kill_process_group(pid, Signal::KILL)
                .or_else(|_| kill_process(pid, Signal::KILL))
                .unwrap_or_default();
        }
    }

    fn rustix_pid(&self) -> Result<Pid> {
        let raw = i32::try_from(self.pid).context("a pid beyond i32")?;
        Pid::from_raw(raw).context("pid 0")
    }
}

/// When a process was started, in a form that is the same whenever it is asked; `None` when it is gone.
fn started(pid: u32) -> Option<String> {
    if Path::new("/proc/self/stat").exists() {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // the name in brackets may hold anything, so fields are counted behind it
        let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
        let state = fields.next()?;
        let moment = fields.nth(18)?;
        return (!matches!(state, "Z" | "X")).then(|| moment.to_owned());
    }
    let mut ps = std::process::Command::new("ps");
    let told = ps.args(["-o", "lstart=", "-p", &pid.to_string()]).output().ok()?;
    let text = String::from_utf8_lossy(&told.stdout).split_whitespace().collect::<Vec<_>>().join("_");
    (!text.is_empty()).then_some(text)
}

/// The file itself. Its first line is the process that owns the stack.
#[derive(Clone, Debug)]
pub struct Registry {
    path: PathBuf,
}

impl Registry {
    pub fn of(stack_dir: &Path) -> Self {
        Self { path: stack_dir.join("pids") }
    }

    pub fn add(&self, process: &Process) -> Result<()> {
        let line = format!("{} {} {}\n", process.name, process.pid, process.started);
        let mut file = fs::File::options().create(true).append(true).open(&self.path)?;
        file.write_all(line.as_bytes()).with_context(|| format!("writing {}", self.path.display()))
    }

    pub fn read(&self) -> Vec<Process> {
        let text = fs::read_to_string(&self.path).unwrap_or_default();
        text.lines().filter_map(parse).collect()
    }

    /// The living owner of the stack.
    pub fn owner(&self) -> Option<Process> {
        self.read().into_iter().next().filter(Process::is_alive)
    }

    /// Ends what a stack left behind whose owner is gone. Gives how many that were.
    pub fn reap(&self) -> usize {
        let left: Vec<Process> = self.read().into_iter().filter(Process::is_alive).collect();
        left.iter().for_each(Process::kill_group);
        left.len()
    }
}

fn parse(line: &str) -> Option<Process> {
    let mut words = line.split(' ');
    let (name, pid, started) = (words.next()?, words.next()?.parse().ok()?, words.next()?);
    Some(Process { name: name.to_owned(), pid, started: started.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pid_that_was_given_to_somebody_else_is_left_alone() {
        let me = Process::of("me", std::process::id());
        assert!(me.is_alive());
        assert_eq!(parse(&format!("me {} {}", me.pid, me.started)).unwrap(), me);
        let other = Process { started: "1".into(), ..me };
        assert!(!other.is_alive());
        other.signal(Signal::KILL).unwrap();
        other.kill_group();
    }
}
