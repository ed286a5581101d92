//! The rules of the house that a compiler does not know: sizes, rooms, arrows, words.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Lines a file may have, and the median it should stay below.
const MAX_LINES: usize = 600;
const MAX_MEDIAN: usize = 250;

/// The workspace.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// Files that git tracks, or would.
fn files(ending: &str) -> Vec<(String, String)> {
    let listed = Command::new("git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard"])
        .current_dir(root())
        .output()
        .unwrap();
    let listed = String::from_utf8(listed.stdout).unwrap();
    let files: Vec<_> = listed
        .lines()
        .filter(|path| path.ends_with(ending))
        .filter_map(|path| Some((path.to_owned(), std::fs::read_to_string(root().join(path)).ok()?)))
        .collect();
    assert!(!files.is_empty(), "there is no {ending} file");
    files
}

#[test]
fn files_are_small() {
    let mut sizes: Vec<_> =
        files(".rs").iter().map(|(path, text)| (text.lines().count(), path.clone())).collect();
    sizes.sort();
    let long: Vec<_> = sizes.iter().filter(|(lines, _)| *lines > MAX_LINES).collect();
    assert!(long.is_empty(), "longer than {MAX_LINES} lines: {long:?}");
    let median = sizes[sizes.len() / 2].0;
    assert!(median <= MAX_MEDIAN, "the median file has {median} lines");
}

/// A test that no module declares never runs, and nobody notices.
#[test]
fn every_file_is_part_of_its_crate() {
    let files: BTreeMap<PathBuf, String> =
        files(".rs").into_iter().map(|(path, text)| (PathBuf::from(path), text)).collect();
    let declares = |file: PathBuf, name: &str| {
        files.get(&file).is_some_and(|text| {
            text.lines()
                .any(|line| !line.trim_start().starts_with("//") && line.ends_with(&format!("mod {name};")))
        })
    };
    let mut looked_at = 0;
    let mut strays = Vec::new();
    for path in files.keys() {
        let stem = path.file_stem().unwrap().to_str().unwrap();
        let dir = path.parent().unwrap();
        let is_of_cargo = ["tests", "bin", "examples", "benches"].iter().any(|room| dir.ends_with(room));
        if is_of_cargo || ["main", "lib", "build"].contains(&stem) {
            continue;
        }
        let (name, dir) = match stem {
            "mod" => (dir.file_name().unwrap().to_str().unwrap(), dir.parent().unwrap()),
            name => (name, dir),
        };
        let mut parents = ["main.rs", "lib.rs", "mod.rs"].map(|parent| dir.join(parent)).to_vec();
        parents.push(dir.with_extension("rs"));
        looked_at += 1;
        if !parents.into_iter().any(|parent| declares(parent, name)) {
            strays.push(path);
        }
    }
    assert!(looked_at > 300, "{looked_at} files are looked at");
    assert!(strays.is_empty(), "declared by no module: {strays:#?}");
}

/// SQL on ledger tables stands in ledger-core's store and in the verifier's checks; tools for development and tests may ask
/// for more.
#[test]
fn sql_stays_in_its_rooms() {
    let allowed = ["ledger-core/src/store/", "migrator/src/source", "migrator/src/check", "dev/"];
    let is_room = |path: &str| allowed.iter().any(|room| path.starts_with(room)) || path.contains("/tests/");
    let verbs = ["INSERT INTO ", "DELETE FROM ", "UPDATE "];
    let tables =
        ["payment", "approval", "attempt", "balance_link", "journal_line", "outbox_event", "cancellation"];
    let strays: Vec<_> = files(".rs")
        .into_iter()
        .filter(|(path, _)| !is_room(path))
        .flat_map(|(path, text)| {
            let found: Vec<_> = verbs
                .iter()
                .flat_map(|verb| tables.iter().map(move |table| format!("{verb}{table}")))
                .filter(|words| text.contains(words.as_str()))
                .collect();
            found.into_iter().map(move |words| format!("{path}: {words}"))
        })
        .collect();
    assert!(strays.is_empty(), "{strays:#?}");
}

/// A crate may use only what is below it.
#[test]
fn arrows_point_one_way() {
    let allowed: BTreeMap<&str, &[&str]> = BTreeMap::from([
        ("ledger-core", &[][..]),
        ("ledger-runtime", &["ledger-core"][..]),
        ("issuer-gateway", &["ledger-core"][..]),
        ("ledger-api", &["issuer-gateway", "ledger-core", "ledger-runtime"][..]),
        ("net-cancel", &["issuer-gateway", "ledger-core", "ledger-runtime"][..]),
        ("outbox-relay", &["ledger-core", "ledger-runtime"][..]),
        ("migrator", &["ledger-core", "ledger-runtime"][..]),
        ("verifier", &["ledger-core", "ledger-runtime", "migrator"][..]),
    ]);
    let ours = [
        "ledger-core",
        "ledger-runtime",
        "issuer-gateway",
        "ledger-api",
        "net-cancel",
        "outbox-relay",
        "migrator",
        "verifier",
        "fakes",
        "stack",
        "parts",
        "launcher",
        "e2e",
    ];
    for (name, below) in allowed {
        let manifest = std::fs::read_to_string(root().join(name).join("Cargo.toml")).unwrap();
        let used = manifest.split("[dev-dependencies]").next().unwrap();
        for other in ours {
            let is_used = used
                .lines()
                .any(|line| line.starts_with(&format!("{other}.")) || line.starts_with(&format!("{other} ")));
            assert!(!is_used || below.contains(&other), "{name} may not use {other}");
        }
        let kafka = used.contains("rdkafka");
        assert!(!kafka || name == "outbox-relay", "{name} may not use rdkafka");
    }
}

#[test]
fn nothing_is_left_undone_and_no_machine_is_named() {
    let words = [
        ["to", "do!("].concat(),
        ["unimple", "mented!("].concat(),
        ["FIX", "ME"].concat(),
        ["/wo", "rk/"].concat(),
        ["/ro", "ot/"].concat(),
    ];
    let found: Vec<_> = [".rs", ".md", ".sql", ".toml"]
        .iter()
        .flat_map(|ending| files(ending))
        .flat_map(|(path, text)| {
            let found: Vec<_> = words.iter().filter(|word| text.contains(word.as_str())).cloned().collect();
            found.into_iter().map(move |word| format!("{path}: {word}"))
        })
        .collect();
    assert!(found.is_empty(), "{found:#?}");
}

/// The first words of a macro's calls: a name in quotes, or a constant.
fn named(text: &str, call: &str) -> Vec<String> {
    let calls = text.match_indices(call).filter(|(at, _)| !text[..*at].ends_with('_'));
    calls
        .filter_map(|(at, _)| text[at + call.len()..].trim_start().split([',', ')']).next())
        .map(|name| name.trim().trim_matches('"').to_owned())
        .collect()
}

#[test]
fn every_metric_is_described_where_it_is_counted() {
    let (mut counted, mut described) = (BTreeMap::new(), Vec::new());
    for (path, text) in files(".rs").into_iter().filter(|(path, _)| !path.starts_with("dev/")) {
        for kind in ["counter!(", "gauge!(", "histogram!("] {
            counted.extend(named(&text, kind).into_iter().map(|name| (name, path.clone())));
            described.extend(named(&text, &format!("describe_{kind}")));
        }
    }
    assert!(counted.len() > 40, "{counted:?}");
    let unknown: Vec<_> = counted.iter().filter(|(name, _)| !described.contains(name)).collect();
    assert!(unknown.is_empty(), "counted and not described: {unknown:?}");
    let idle: Vec<_> = described.iter().filter(|name| !counted.contains_key(*name)).collect();
    assert!(idle.is_empty(), "described and not counted: {idle:?}");
}

#[test]
fn every_event_type_is_written_up() {
    let catalogue = std::fs::read_to_string(root().join("ledger-core/src/event/catalogue.rs")).unwrap();
    let text = std::fs::read_to_string(root().join("docs/EVENTS.md")).unwrap();
    let kinds: Vec<_> = catalogue.split('"').skip(1).step_by(2).filter(|word| word.contains(".v1")).collect();
    assert!(kinds.len() > 15, "{kinds:?}");
    let unknown: Vec<_> = kinds.into_iter().filter(|kind| !text.contains(&format!("| `{kind}` |"))).collect();
    assert!(unknown.is_empty(), "not in docs/EVENTS.md: {unknown:?}");
}

/// What docs/PROOF.md names is there: each race from R1 to R16 with a test that has its number above it, each invariant with its file.
#[test]
fn the_proof_names_what_is_there() {
    let root = root();
    let proof = std::fs::read_to_string(root.join("docs/PROOF.md")).unwrap();
    let mut races = Vec::new();
    for row in proof.lines().filter(|line| line.starts_with("| ")) {
        let quoted: Vec<_> = row.split('`').skip(1).step_by(2).collect();
        let [path, name] = quoted.as_slice() else { continue };
        if Path::new(path).extension().is_none_or(|ending| ending != "rs") || name.contains(['.', '/']) {
            continue;
        }
        let text = std::fs::read_to_string(root.join(path)).unwrap_or_else(|_| panic!("no {path}"));
        let before =
            text.split_once(&format!("fn {name}()")).unwrap_or_else(|| panic!("no {name} in {path}")).0;
        let race = row.split('|').nth(1).unwrap().trim();
        if race.strip_prefix('R').is_some_and(|number| number.parse::<u32>().is_ok()) {
            let above = before.rsplit("\n\n").next().unwrap();
            let has = |line: &str| line.split(|c: char| !c.is_alphanumeric()).any(|word| word == race);
            assert!(
                above.lines().any(|line| line.starts_with("///") && has(line)),
                "{name} does not say {race}"
            );
            races.push(race.to_owned());
        }
    }
    assert_eq!(races, (1..=16).map(|number| format!("R{number}")).collect::<Vec<_>>());
    for number in 1..=17 {
        let file = proof.split('`').find(|name| name.starts_with(&format!("i{number:02}_")));
        let file = file.unwrap_or_else(|| panic!("I{number} is not named"));
        assert!(root.join("verifier/checks").join(file).exists(), "no {file}");
    }
}
