//! Running programs so that they end with us, and telling why one failed.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

/// The cargo that runs us, as a command with the environment of a cargo that was started by hand.
///
/// `cargo run` tells a program which package it is. Build scripts that watch these variables (ring's does) would
/// run again, and half of the workspace after them, whenever `cargo dev` and plain cargo take turns.
pub fn cargo() -> Command {
    plain(tied(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into())))
}

/// `command` without what `cargo run` told us of ourselves.
pub fn plain(mut command: Command) -> Command {
    let ours = |name: &str| ["CARGO_PKG_", "CARGO_MANIFEST_"].iter().any(|prefix| name.starts_with(prefix));
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(ours) {
            command.env_remove(name);
        }
    }
    command
}

/// Where a program of this name is, if PATH has it.
pub fn on_path(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|dir| dir.join(program)).find(|file| is_program(file))
}

fn is_program(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    file.metadata().is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

/// A command that the kernel ends as soon as the *thread* that started it is gone, whatever ended that
/// thread. Where the system has no `setpriv` the command is a plain one.
pub fn tied(program: impl AsRef<OsStr>) -> Command {
    match setpriv() {
        None => Command::new(program),
        Some(setpriv) => {
            let mut command = Command::new(setpriv);
            command.args(["--pdeathsig", "KILL", "--"]).arg(program);
            command
        }
    }
}

fn setpriv() -> Option<&'static Path> {
    static FOUND: OnceLock<Option<PathBuf>> = OnceLock::new();
    let found = FOUND.get_or_init(|| {
        let path = on_path("setpriv")?;
        let mut probe = Command::new(&path);
        probe.args(["--pdeathsig", "KILL", "--", "true"]);
        let works = probe.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
        works.is_ok_and(|status| status.success()).then_some(path)
    });
    found.as_deref()
}

/// Runs to the end and gives stdout; a failure is told with the program's own last words.
pub(crate) fn output(command: &mut Command, what: &str) -> Result<String, String> {
    let done = command.stdin(Stdio::null()).output().map_err(|e| format!("{what} could not start: {e}"))?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    if done.status.success() {
        return Ok(text(&done.stdout));
    }
    let words = if done.stderr.is_empty() { text(&done.stdout) } else { text(&done.stderr) };
    Err(format!("{what} failed with {}: {}", done.status, last_words(&words)))
}

fn last_words(text: &str) -> String {
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let from = lines.len().saturating_sub(3);
    if lines.is_empty() { "it said nothing".to_owned() } else { lines[from..].join(" | ") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{BufRead, Write};

    #[test]
    fn a_failure_brings_the_last_words() {
        let refused =
            output(Command::new("sh").args(["-c", "echo one; echo two >&2; exit 3"]), "a try").unwrap_err();
        assert!(refused.contains("a try failed") && refused.contains("two"), "{refused}");
    }

    #[test]
    fn cargo_is_not_told_which_package_started_it() {
        // cargo tells a test of its package too
        assert!(std::env::var_os("CARGO_PKG_NAME").is_some());
        let removed = |name: &str| cargo().get_envs().any(|(key, value)| key == name && value.is_none());
        assert!(removed("CARGO_PKG_NAME") && removed("CARGO_MANIFEST_DIR") && !removed("PATH"));
    }

    #[test]
    fn a_tied_command_dies_with_its_thread() {
        if setpriv().is_none() {
            // not by a macro: the test harness would keep it to itself
            std::io::stderr().write_all(b"SKIPPED: setpriv is not on PATH\n").unwrap();
            return;
        }
        let starter = std::thread::spawn(|| {
            let mut command = tied("sh");
            command.args(["-c", "echo up; exec sleep 600"]).stdin(Stdio::null()).stdout(Stdio::piped());
            let mut child = command.spawn().unwrap();
            // the tie is made between start and first word
            let mut word = String::new();
            std::io::BufReader::new(child.stdout.take().unwrap()).read_line(&mut word).unwrap();
            child
        });
        let mut child = starter.join().unwrap();
        let limit = std::time::Instant::now() + std::time::Duration::from_secs(20);
        while child.try_wait().unwrap().is_none() {
            assert!(std::time::Instant::now() < limit, "the child outlived the thread that started it");
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
    }
}
