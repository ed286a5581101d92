//! Where things are: the target folder, a stack's folder in it, our programs, the files of the workspace.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

/// The target folder that this program or test was built into.
pub(crate) fn target_dir() -> Result<PathBuf> {
    let exe = std::env::current_exe().context("finding the running program")?;
    // cargo marks the folder, so a build for another profile or target is found as well
    let target = exe.ancestors().find(|dir| dir.join("CACHEDIR.TAG").is_file());
    target
        .map(Path::to_owned)
        .with_context(|| format!("{} is not in a target folder of cargo", exe.display()))
}

/// `target/dev/<name>`.
pub fn stack_dir(name: &str) -> Result<PathBuf> {
    let fits =
        !name.is_empty() && name.len() <= 32 && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    if !fits {
        bail!("the name of a stack is 1 to 32 letters, digits and hyphens, not {name:?}");
    }
    Ok(target_dir()?.join("dev").join(name))
}

/// One of our programs, built beside this program or test.
pub fn bin(name: &str) -> Result<PathBuf> {
    let exe = std::env::current_exe().context("finding the running program")?;
    let beside = exe.ancestors().skip(1).take(2).map(|dir| dir.join(name)).find(|file| file.is_file());
    beside.with_context(|| format!("{name} is not built: run `cargo build --workspace --bins`"))
}

/// A file of the workspace that this was built from.
pub(crate) fn workspace_file(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stack_lies_below_target_dev_and_cannot_leave_it() {
        assert!(stack_dir("one-2").unwrap().ends_with("dev/one-2"));
        for name in ["", "..", "a/b", "a b", &"x".repeat(33)] {
            assert!(stack_dir(name).is_err(), "{name:?}");
        }
    }
}
