//! The commands: what each builds, and whom it hands over to.

use std::ffi::{OsStr, OsString};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

use crate::Failure;
use crate::build::{Build, prepare};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    Demo,
    Test,
    Up,
    Down,
    Status,
    Audit,
    Bench,
    Mutants,
    Fmt,
    Lint,
    Help,
}

impl Action {
    pub fn of(name: &OsStr) -> Option<Self> {
        Some(match name.to_str()? {
            "demo" => Self::Demo,
            "test" => Self::Test,
            "up" => Self::Up,
            "down" => Self::Down,
            "status" => Self::Status,
            "audit" => Self::Audit,
            "bench" => Self::Bench,
            "mutants" => Self::Mutants,
            "fmt" => Self::Fmt,
            "lint" => Self::Lint,
            "help" | "--help" | "-h" => Self::Help,
            _ => return None,
        })
    }
}

/// Runs `action`; on success this process has become another one.
pub fn run(action: Action, rest: Vec<OsString>) -> Result<ExitCode, Failure> {
    let stack = |name: &str| {
        let mut words = vec![OsString::from(name)];
        words.extend(rest.iter().cloned());
        words
    };
    match action {
        Action::Demo => {
            prepare("demo", &[Build::Bins], true)?;
            hand_over("demo", rest)
        }
        Action::Test => {
            // of one package cargo builds the tests by itself when it runs them
            let package = |word: &str| ["-p", "--package"].iter().any(|option| word.starts_with(option));
            let some = rest.iter().filter_map(|word| word.to_str()).any(package);
            prepare("test", if some { &[Build::Bins] } else { &[Build::Bins, Build::Tests] }, true)?;
            hand_over("stack", stack("test"))
        }
        Action::Up => {
            prepare("up", &[Build::Bins], true)?;
            hand_over("stack", stack("up"))
        }
        Action::Audit => {
            prepare("audit", &[Build::Bins], false)?;
            hand_over("stack", stack("audit"))
        }
        Action::Bench => {
            prepare("bench", &[Build::Release], true)?;
            let release = target_bin("bench")
                .and_then(|file| Some(file.parent()?.parent()?.join("release").join("bench")));
            let file = release
                .ok_or_else(|| Failure::Start("this program stands in no target folder".to_owned()))?;
            become_(parts::plain(Command::new(file)).args(rest))
        }
        Action::Down | Action::Status => {
            // what runs was started by the program that is there: it need not be built again to be stopped
            if !target_bin("stack").is_some_and(|file| file.is_file()) {
                prepare("the first build", &[Build::Bins], false)?;
            }
            hand_over("stack", stack(if action == Action::Down { "down" } else { "status" }))
        }
        Action::Mutants => crate::mutants::run(rest),
        Action::Fmt => become_(parts::cargo().args(["fmt", "--all"]).args(rest)),
        Action::Lint => {
            let lint = ["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"];
            become_(parts::cargo().args(lint).args(rest))
        }
        Action::Help => Ok(ExitCode::SUCCESS),
    }
}

fn hand_over(program: &str, words: Vec<OsString>) -> Result<ExitCode, Failure> {
    let file = target_bin(program).filter(|file| file.is_file());
    let file = file.ok_or_else(|| Failure::Start(format!("{program} was not built beside this program")))?;
    become_(parts::plain(Command::new(file)).args(words))
}

/// The other program takes the place of this one: Ctrl-C and exit codes are its own.
fn become_(command: &mut Command) -> Result<ExitCode, Failure> {
    let error = command.exec();
    Err(Failure::Start(format!("starting {}: {error}", command.get_program().display())))
}

fn target_bin(program: &str) -> Option<PathBuf> {
    Some(std::env::current_exe().ok()?.with_file_name(program))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_of_the_help_is_known_and_no_other() {
        let told = crate::HELP
            .lines()
            .filter_map(|line| line.strip_prefix("  "))
            .filter(|line| !line.starts_with(' '));
        for line in told {
            let words = line.split([' ', ',']).take_while(|word| !word.starts_with(['[', '-']));
            let mut known = words.filter(|word| !word.is_empty()).map(|word| Action::of(OsStr::new(word)));
            assert!(known.next().flatten().is_some(), "{line}");
        }
        assert_eq!(Action::of(OsStr::new("lint")), Some(Action::Lint));
        assert_eq!(Action::of(OsStr::new("dmeo")), None);
    }
}
