//! `cargo dev mutants`: defects planted one by one into the decisions, and whether a test notices.
//!
//! What is mutated is the pure part of ledger-core — every module from which neither a database nor a runtime can be reached —
//! copied with its model tests into a crate of its own, so that a mutant is built in a second. The tool comes from the
//! registry into the cache, in one version.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use parts::{Cache, Wait};

use crate::Failure;

const VERSION: &str = "27.1.0";
/// What is mutated when nobody names files.
const FILES: &[&str] = &[
    "abort.rs",
    "allocation.rs",
    "attempt.rs",
    "balance.rs",
    "caller.rs",
    "cancel.rs",
    "confirm.rs",
    "create.rs",
    "fold.rs",
    "prorata.rs",
    "reverse.rs",
    "shares.rs",
    "status.rs",
    "tax.rs",
];
/// Where a module reaches out of the model.
const IMPURE: &[&str] = &["sqlx", "tokio", "metrics", "tracing"];

pub fn run(rest: Vec<OsString>) -> Result<ExitCode, Failure> {
    let tool = tool()?;
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let root = root.canonicalize().unwrap_or(root);
    let place = root.join("target/mutants");
    let (copy, build) = (place.join("crate"), place.join("build"));
    let made = clear(&copy).and_then(|()| slim(&root.join("ledger-core"), &root, &copy));
    made.map_err(|error| Failure::Start(format!("copying the model to {}: {error}", copy.display())))?;
    eprintln!(
        "cargo dev mutants: planting defects in {}, lists of them go to {}",
        copy.display(),
        place.display()
    );
    let mut command = parts::plain(Command::new(tool));
    command.args(["mutants", "--in-place", "--no-times", "--cap-lints=true", "--timeout=120"]);
    command.arg("--output").arg(&place).current_dir(&copy);
    command.env("CARGO_TARGET_DIR", &build).env("CARGO_PROFILE_DEV_DEBUG", "false").env("LEDGER_QUICK", "1");
    command.args(arguments(rest));
    command.args(["--", "--test", "model", "--", "--skip", "at_large"]);
    let status =
        command.status().map_err(|error| Failure::Start(format!("starting cargo-mutants: {error}")))?;
    eprint!("{}", summary(&place.join("mutants.out")));
    for dir in [copy, build] {
        clear(&dir).map_err(|error| Failure::Start(format!("removing {}: {error}", dir.display())))?;
    }
    Ok(status.code().and_then(|code| u8::try_from(code).ok()).map_or(ExitCode::FAILURE, ExitCode::from))
}

/// Options stay as they are; files are named as in `ledger-core/src` or from the root.
fn arguments(rest: Vec<OsString>) -> Vec<OsString> {
    let mut words = Vec::new();
    let mut files = 0;
    for word in rest {
        let text = word.to_string_lossy();
        if text.ends_with(".rs") {
            files += 1;
            let inner = text.trim_start_matches("ledger-core/").trim_start_matches("src/");
            words.extend(["--file".into(), format!("src/{inner}").into()]);
        } else {
            words.push(word);
        }
    }
    if files == 0 {
        words.extend(FILES.iter().flat_map(|file| ["--file".into(), format!("src/payment/{file}").into()]));
    }
    words
}

fn tool() -> Result<PathBuf, Failure> {
    let cache = Cache::of_user().map_err(|error| Failure::Start(error.to_string()))?;
    let name = format!("cargo-mutants-{VERSION}");
    let wait = Wait::start(&name);
    let place = cache.part(&name, &wait, |draft| {
        wait.step("building it from the registry");
        let build = draft.join("build");
        let mut cargo = parts::cargo();
        cargo.args(["install", "--locked", "--quiet", "--version", VERSION, "cargo-mutants", "--root"]);
        let status = cargo.arg(draft).arg("--target-dir").arg(&build).status().map_err(|e| e.to_string())?;
        if !status.success() {
            return Err(format!("cargo install ended with {status}"));
        }
        clear(&build).map_err(|e| e.to_string())
    });
    let place = place.map_err(|error| Failure::Start(error.to_string()))?;
    Ok(place.join("bin/cargo-mutants"))
}

/// The pure part of the crate in `from`, as a crate in `to`.
fn slim(from: &Path, root: &Path, to: &Path) -> io::Result<()> {
    let src = from.join("src");
    let library = fs::read_to_string(src.join("lib.rs"))?;
    let names = library.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';'));
    let mut modules = names
        .map(|name| Ok((name.to_owned(), text_of(&src, name)?)))
        .collect::<io::Result<Vec<(String, String)>>>()?;
    // what uses an impure module is none either
    let mut outside: BTreeSet<String> = IMPURE.iter().map(|name| format!("{name}::")).collect();
    loop {
        let before = modules.len();
        modules.retain(|(name, text)| {
            let pure = !outside.iter().any(|path| text.contains(path.as_str()));
            if !pure {
                outside.insert(format!("crate::{name}"));
            }
            pure
        });
        if modules.len() == before {
            break;
        }
    }
    fs::create_dir_all(to.join("src"))?;
    let mut lib = String::new();
    for (name, _) in &modules {
        let (file, dir) = (src.join(format!("{name}.rs")), src.join(name));
        if file.is_file() {
            fs::copy(file, to.join("src").join(format!("{name}.rs")))?;
        }
        if dir.is_dir() {
            copy_dir(&dir, &to.join("src").join(name))?;
        }
        lib.extend(["pub mod ", name, ";\n"]);
    }
    fs::write(to.join("src/lib.rs"), lib)?;
    for tests in ["model", "golden"] {
        copy_dir(&from.join("tests").join(tests), &to.join("tests").join(tests))?;
    }
    fs::copy(root.join("Cargo.lock"), to.join("Cargo.lock"))?;
    let (own, workspace) =
        (fs::read_to_string(from.join("Cargo.toml"))?, fs::read_to_string(root.join("Cargo.toml"))?);
    fs::write(to.join("Cargo.toml"), manifest(&own, &workspace))
}

/// A manifest with the versions of the workspace, without what the pure part does not need.
fn manifest(own: &str, workspace: &str) -> String {
    let needed = |line: &&str| {
        let name = line.split(['.', ' ']).next().unwrap_or_default();
        !IMPURE.contains(&name) && name != "stack"
    };
    let lines = |text: &str, section: &str| -> String {
        let section = text
            .lines()
            .skip_while(|line| *line != section)
            .skip(1)
            .take_while(|line| !line.starts_with('['));
        section.filter(needed).filter(|line| !line.contains("path =")).flat_map(|line| [line, "\n"]).collect()
    };
    format!(
        "[package]\nname = \"ledger-core\"\nedition = \"2024\"\npublish = false\n\n[dependencies]\n{}\n[dev-dependencies]\n{}\n\
         [workspace]\n\n[workspace.dependencies]\n{}",
        lines(own, "[dependencies]"),
        lines(own, "[dev-dependencies]"),
        lines(workspace, "[workspace.dependencies]"),
    )
}

/// All text of a module.
fn text_of(src: &Path, name: &str) -> io::Result<String> {
    let file = src.join(format!("{name}.rs"));
    let mut text = if file.is_file() { fs::read_to_string(file)? } else { String::new() };
    let dir = src.join(name);
    if dir.is_dir() {
        for entry in fs::read_dir(dir)? {
            let path = entry?.path();
            if path.is_file() {
                text.push_str(&fs::read_to_string(path)?);
            }
        }
    }
    Ok(text)
}

fn copy_dir(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (path, copy) = (entry.path(), to.join(entry.file_name()));
        if path.is_dir() {
            copy_dir(&path, &copy)?;
        } else {
            fs::copy(&path, &copy)?;
        }
    }
    Ok(())
}

fn clear(dir: &Path) -> io::Result<()> {
    match fs::remove_dir_all(dir) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// How many were noticed. What does not compile, and what never ends, counts as neither and as noticed.
fn summary(lists: &Path) -> String {
    let count = |name: &str| {
        fs::read_to_string(lists.join(format!("{name}.txt"))).map_or(0, |text| text.lines().count())
    };
    let (caught, missed) = (count("caught") + count("timeout"), count("missed"));
    let share = (100 * caught).checked_div(caught + missed).unwrap_or(0);
    format!(
        "cargo dev mutants: {caught} caught, {missed} missed, {} unviable: {share} %\n",
        count("unviable")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_copy_holds_the_decisions_and_nothing_that_reaches_a_database() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let copy = std::env::temp_dir().join(format!("mutants-{}", std::process::id()));
        slim(&root.join("ledger-core"), &root, &copy).unwrap();
        let lib = fs::read_to_string(copy.join("src/lib.rs")).unwrap();
        let manifest = fs::read_to_string(copy.join("Cargo.toml")).unwrap();
        clear(&copy).unwrap();
        for name in ["payment", "journal", "change", "event"] {
            assert!(lib.contains(&format!("pub mod {name};")), "{lib}");
        }
        for name in ["store", "ledger", "admin", "mirror_writer"] {
            assert!(!lib.contains(&format!("pub mod {name};")), "{lib}");
        }
        assert!(manifest.contains("proptest") && !manifest.contains("sqlx"), "{manifest}");
    }

    #[test]
    fn files_are_named_from_either_end() {
        let words = |files: &[&str]| arguments(files.iter().map(OsString::from).collect());
        assert_eq!(words(&["payment/tax.rs"]), ["--file", "src/payment/tax.rs"]);
        assert_eq!(words(&["ledger-core/src/payment/tax.rs"]), ["--file", "src/payment/tax.rs"]);
        assert_eq!(words(&["--shard", "0/4"]).len(), 2 + 2 * FILES.len());
    }
}
