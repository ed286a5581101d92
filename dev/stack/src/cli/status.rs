//! `status`: which processes of which stacks run.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result};
use stack::{Process, Registry, stack_dir};

use super::{Format, Status};

pub fn run(status: &Status) -> Result<ExitCode> {
    let names = match &status.name {
        Some(name) => vec![name.clone()],
        None => all_names()?,
    };
    let mut out = std::io::stdout().lock();
    for name in names {
        let dir = stack_dir(&name)?;
        for process in Registry::of(&dir).read() {
            let state = if process.is_alive() { "running" } else { "gone" };
            let Process { name: process, pid, .. } = &process;
            let line = match status.format {
                Format::Table => format!("{name:<16} {process:<18} {pid:>8}  {state}"),
                Format::Json => {
                    format!(r#"{{"stack":"{name}","process":"{process}","pid":{pid},"state":"{state}"}}"#)
                }
            };
            writeln!(out, "{line}")?;
        }
        if dir.join("env").is_file() {
            eprintln!("{name}: addresses and passwords in {}", dir.join("env").display());
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Every folder that holds a `pids` file.
fn all_names() -> Result<Vec<String>> {
    let dir = stack_dir("default")?;
    let dev = dir.parent().unwrap_or_else(|| Path::new("."));
    if !dev.is_dir() {
        return Ok(Vec::new());
    }
    let entries = fs::read_dir(dev).with_context(|| format!("reading {}", dev.display()))?;
    let entries = entries.filter_map(Result::ok).filter(|entry| entry.path().join("pids").is_file());
    let mut names: Vec<String> = entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.sort();
    if names.is_empty() {
        eprintln!("no stack runs");
    }
    Ok(names)
}
