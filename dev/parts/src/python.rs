//! Schemathesis, which tests an API by its OpenAPI document: a venv of its own in the cache, every package pinned.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::cache::Cache;
use crate::run::{on_path, output};
use crate::wait::Wait;

/// The packages.
const PINS: &str = include_str!("../schemathesis.txt");

/// The `python` of a venv in which `python -m schemathesis.cli` runs; or why there is none. It is made once, from PyPI.
pub fn schemathesis() -> Result<PathBuf, String> {
    let python = on_path("python3").ok_or("there is no python3 on PATH")?;
    let version = output(
        Command::new(&python).args(["-c", VERSION]),
        "asking python3 for its version (3.10 or later is needed)",
    )?;
    let wait = Wait::start("schemathesis");
    let cache = Cache::of_user().map_err(|error| error.to_string())?;
    let name = format!("schemathesis-{}-python-{version}", pinned_version());
    let place = cache.part(&name, &wait, |draft| make(&python, draft, &wait));
    place.map(|place| place.join("bin/python")).map_err(|error| error.to_string())
}

const VERSION: &str =
    "import sys; print('%d.%d' % sys.version_info[:2]); sys.exit(sys.version_info < (3, 10))";

fn pinned_version() -> &'static str {
    PINS.lines().find_map(|line| line.strip_prefix("schemathesis==")).unwrap_or("unpinned")
}

/// A venv finds itself by where its `python` lies, so it may be moved to its place when it is complete; its scripts may
/// not, and are not used.
fn make(python: &Path, draft: &Path, wait: &Wait) -> Result<(), String> {
    wait.step("making a venv");
    output(Command::new(python).args(["-m", "venv"]).arg(draft), "python3 -m venv")?;
    let list = draft.join("requirements.txt");
    std::fs::write(&list, PINS).map_err(|error| format!("{}: {error}", list.display()))?;
    wait.step("installing from PyPI");
    let pip =
        ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "--requirement"];
    output(Command::new(draft.join("bin/python")).args(pip).arg(&list), "pip install")?;
    Ok(())
}
