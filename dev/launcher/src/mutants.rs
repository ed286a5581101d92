//! `cargo dev mutants`: defects planted one by one into the decisions, and whether a test notices.
//!
//! What is mutated is the pure part of ledger-core — every module from which neither a database nor a runtime can be reached —
//! copied with its model tests into one crate, so that a mutant is built in a second or two. Every test runs on the same seeds
//! each time. The quick ones come first; a mutant that they notice never meets the long histories. The tool comes from the
//! registry into the cache, in one version.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Instant;

use parts::{Cache, Wait};

use crate::Failure;

const VERSION: &str = "27.1.0";
/// What is mutated when nobody names files.
const FILES: &[&str] = &["payment/*.rs", "journal.rs"];
/// Where a module reaches out of the model.
const IMPURE: &[&str] = &["sqlx", "tokio", "metrics", "tracing"];
/// Tests that take longer than all others together, and those that take a second or so: they run after the others.
const LATER: [&[&str]; 2] = [
    &["check::", "parts_never_drift", "prorata_is_exact"],
    &["card_number::", "counted_or_in_suspense", "no_history"],
];
/// What takes longer still, and is left out.
const LEFT_OUT: &str = "at_large";
/// Dependencies in which tests spend their time.
const HOT: &[&str] = &["chacha20", "chrono", "proptest", "serde_json", "sha2"];
/// A mutant that runs longer has lost its way; no test takes a tenth of it.
const SECONDS: u32 = 60;
/// A mutant that never ends must not take all memory meanwhile.
const KIBIBYTES: u32 = 8 << 20;
/// What becomes of a mutant: the names of the tool's lists.
const OUTCOMES: &[&str] = &["caught", "timeout", "missed", "unviable"];

pub fn run(rest: Vec<OsString>) -> Result<ExitCode, Failure> {
    let began = Instant::now();
    let tool = tool()?;
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let root = root.canonicalize().unwrap_or(root);
    let place = root.join("target/mutants");
    let copy = place.join("crate");
    let made = clear(&copy).and_then(|()| slim(&root.join("ledger-core"), &root, &copy));
    made.map_err(|error| Failure::Start(format!("copying the model to {}: {error}", copy.display())))?;
    let resumed = rest.iter().any(|word| word == "--iterate");
    let known = if resumed { gather(&place, &listed(&tool, &copy)?) } else { clear(&place.join(SO_FAR)) };
    known.map_err(|error| Failure::Start(format!("what was found before: {error}")))?;
    eprintln!(
        "cargo dev mutants: planting defects in {}, lists of them go to {}",
        copy.display(),
        place.display()
    );
    let mut command = parts::plain(Command::new("sh"));
    command.args(["-c", &format!("ulimit -v {KIBIBYTES} 2>/dev/null; exec \"$0\" \"$@\"")]).arg(&tool);
    command.args(["mutants", "--in-place", "--no-times", "--cap-lints=true"]);
    command.arg(format!("--timeout={SECONDS}")).arg("--output").arg(&place).current_dir(&copy);
    command.env("CARGO_TARGET_DIR", place.join("build")).env("LEDGER_QUICK", "1");
    command.env("PROPTEST_RNG_SEED", "1").env("PROPTEST_MAX_SHRINK_ITERS", "0");
    command.env("PROPTEST_DISABLE_FAILURE_PERSISTENCE", "true").env("RUST_BACKTRACE", "0");
    command.args(arguments(rest));
    let status =
        command.status().map_err(|error| Failure::Start(format!("starting cargo-mutants: {error}")))?;
    let found = gather(&place, &listed(&tool, &copy)?);
    found.map_err(|error| Failure::Start(format!("what was found: {error}")))?;
    eprintln!("{} ({} s)", summary(&so_far(&place)), began.elapsed().as_secs());
    clear(&copy).map_err(|error| Failure::Start(format!("removing {}: {error}", copy.display())))?;
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
        words.extend(FILES.iter().flat_map(|file| ["--file".into(), format!("src/{file}").into()]));
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
    // the tests live in the library, so that a mutant is one compilation
    lib.push_str("#[cfg(test)]\nextern crate self as ledger_core;\n#[cfg(test)]\nmod model;\n");
    fs::write(to.join("src/lib.rs"), lib)?;
    fs::create_dir_all(to.join("tests"))?;
    for entry in fs::read_dir(from.join("tests"))? {
        let path = entry?.path();
        if path.is_file() {
            fs::copy(&path, to.join("tests").join(path.file_name().unwrap_or_default()))?;
        }
    }
    copy_dir(&from.join("tests/golden"), &to.join("src/golden"))?;
    copy_dir(&from.join("tests/model"), &to.join("src/model"))?;
    fs::rename(to.join("src/model/main.rs"), to.join("src/model/mod.rs"))?;
    move_inside(&to.join("src/model"))?;
    let runner = "[target.'cfg(unix)']\nrunner = [\"sh\", \"tests.sh\"]\n";
    fs::create_dir_all(to.join(".cargo"))?;
    fs::write(to.join(".cargo/config.toml"), runner)?;
    fs::write(to.join("tests.sh"), stages())?;
    fs::copy(root.join("Cargo.lock"), to.join("Cargo.lock"))?;
    let (own, workspace) =
        (fs::read_to_string(from.join("Cargo.toml"))?, fs::read_to_string(root.join("Cargo.toml"))?);
    fs::write(to.join("Cargo.toml"), manifest(&own, &workspace))
}

/// Runs the tests given as `$@`, the quick ones first, until one fails.
fn stages() -> String {
    let skip = |names: &[&str]| names.iter().flat_map(|name| [" --skip ", name]).collect::<String>();
    let [longer, longest] = LATER;
    let all = format!("\"$@\" --skip {LEFT_OUT}");
    format!(
        "{all}{first}{second} &&\n{all}{second} {} &&\nexec {all} {}\n",
        longer.join(" "),
        longest.join(" "),
        first = skip(longer),
        second = skip(longest),
    )
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
    let hot: String =
        HOT.iter().flat_map(|name| ["[profile.dev.package.", name, "]\nopt-level = 3\n"]).collect();
    format!(
        "[package]\nname = \"ledger-core\"\nedition = \"2024\"\npublish = false\n\n[lib]\ndoctest = false\n\n\
         [dependencies]\n{}\n[dev-dependencies]\n{}\n[workspace]\n\n[workspace.dependencies]\n{}\n\
         [profile.dev]\ndebug = false\n{hot}",
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
        for entry in fs::read_dir(&dir)? {
            let entry = entry?;
            let inner = entry.file_name().to_string_lossy().trim_end_matches(".rs").to_owned();
            let source = entry.path().extension().is_some_and(|end| end == "rs");
            text.push_str(&if source { fs::read_to_string(entry.path())? } else { text_of(&dir, &inner)? });
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

/// Tests of a crate of their own as a module of the crate they test.
fn move_inside(dir: &Path) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        if path.is_dir() {
            move_inside(&path)?;
        } else if path.extension().is_some_and(|end| end == "rs") {
            fs::write(&path, fs::read_to_string(&path)?.replace("crate::", "crate::model::"))?;
        }
    }
    Ok(())
}

const SO_FAR: &str = "so-far";

/// Every mutant that there is.
fn listed(tool: &Path, copy: &Path) -> Result<BTreeSet<String>, Failure> {
    let mut command = parts::plain(Command::new(tool));
    let output = command.args(["mutants", "--list"]).current_dir(copy).output();
    let output = output.map_err(|error| Failure::Start(format!("listing mutants: {error}")))?;
    Ok(String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect())
}

/// Adds what the last run found to what earlier ones did: the newest word on a mutant counts, and one that is no longer there
/// says nothing.
fn gather(place: &Path, listed: &BTreeSet<String>) -> io::Result<()> {
    let mut found = so_far(place);
    for outcome in OUTCOMES {
        let list = fs::read_to_string(place.join("mutants.out").join(format!("{outcome}.txt")));
        found.extend(list.unwrap_or_default().lines().map(|name| (name.to_owned(), (*outcome).to_owned())));
    }
    found.retain(|name, _| listed.contains(name));
    fs::create_dir_all(place.join(SO_FAR))?;
    for outcome in OUTCOMES {
        let names = found.iter().filter(|(_, of)| of == outcome);
        let text: String = names.flat_map(|(name, _)| [name.as_str(), "\n"]).collect();
        fs::write(place.join(SO_FAR).join(format!("{outcome}.txt")), text)?;
    }
    Ok(())
}

/// What is known of each mutant.
fn so_far(place: &Path) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for outcome in OUTCOMES {
        let list = fs::read_to_string(place.join(SO_FAR).join(format!("{outcome}.txt")));
        found.extend(list.unwrap_or_default().lines().map(|name| (name.to_owned(), (*outcome).to_owned())));
    }
    found
}

/// How many were noticed. What does not compile, and what never ends, counts as neither and as noticed.
fn summary(found: &BTreeMap<String, String>) -> String {
    let count = |name: &str| found.values().filter(|outcome| *outcome == name).count();
    let (caught, endless, missed) = (count("caught"), count("timeout"), count("missed"));
    let share = (100 * (caught + endless)).checked_div(caught + endless + missed).unwrap_or(0);
    format!(
        "cargo dev mutants: {caught} caught, {endless} never end, {missed} missed, {} unviable: {share} %",
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
        let model = text_of(&copy.join("src"), "model").unwrap();
        let missing = missing_files(&copy.join("src"));
        clear(&copy).unwrap();
        assert_eq!(missing, [""; 0], "texts that are compiled in");
        for name in ["payment", "journal", "change", "event"] {
            assert!(lib.contains(&format!("pub mod {name};")), "{lib}");
        }
        for name in ["store", "ledger", "admin", "mirror_writer"] {
            assert!(!lib.contains(&format!("pub mod {name};")), "{lib}");
            let outside = model.lines().find(|line| line.contains(&format!("ledger_core::{name}")));
            assert_eq!(outside, None, "a model test that reaches {name} cannot be copied");
        }
        assert!(manifest.contains("proptest") && !manifest.contains("sqlx"), "{manifest}");
    }

    /// Texts that a source file compiles in and that are not there.
    fn missing_files(dir: &Path) -> Vec<String> {
        let mut missing = Vec::new();
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                missing.extend(missing_files(&path));
            } else if path.extension().is_some_and(|end| end == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                let named = text.split("include_str!(\"").skip(1).filter_map(|rest| rest.split('"').next());
                missing.extend(named.filter(|name| !dir.join(name).is_file()).map(str::to_owned));
            }
        }
        missing
    }

    #[test]
    fn files_are_named_from_either_end() {
        let words = |files: &[&str]| arguments(files.iter().map(OsString::from).collect());
        assert_eq!(words(&["payment/tax.rs"]), ["--file", "src/payment/tax.rs"]);
        assert_eq!(words(&["ledger-core/src/payment/tax.rs"]), ["--file", "src/payment/tax.rs"]);
        assert_eq!(words(&["--shard", "0/4"]).len(), 2 + 2 * FILES.len());
    }
}
