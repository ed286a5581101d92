//! Packages of Debian's unstable suite, unpacked into a private prefix: nothing is installed.
//!
//! apt runs on a state of its own (lists, cache, an empty status), with the machine's own Debian source
//! and that source's own keys; only the suite is another one.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::run::{on_path, output, tied};
use crate::wait::Wait;

const SUITE: &str = "sid";

/// Downloads `packages` with all they need and unpacks them below `dir/prefix`.
pub(crate) fn unpack(dir: &Path, packages: &[&str], wait: &Wait) -> Result<PathBuf, String> {
    let apt = Apt::prepare(&dir.join("apt"))?;
    wait.step("reading the package lists");
    output(apt.command().arg("update"), "apt-get update")?;
    wait.step("downloading packages");
    let mut install = apt.command();
    install.args(["--yes", "--no-install-recommends", "--download-only", "install"]).args(packages);
    output(&mut install, "apt-get --download-only")?;

    let prefix = dir.join("prefix");
    let debs = apt.downloaded()?;
    if debs.is_empty() {
        return Err("apt-get downloaded nothing".into());
    }
    for (n, deb) in debs.iter().enumerate() {
        wait.step(format!("unpacking package {} of {}", n + 1, debs.len()));
        output(tied("dpkg").arg("-x").arg(deb).arg(&prefix), "dpkg -x")?;
    }
    fs::remove_dir_all(&apt.dir).map_err(|e| format!("removing the downloads: {e}"))?;
    Ok(prefix)
}

struct Apt {
    dir: PathBuf,
}

impl Apt {
    fn prepare(dir: &Path) -> Result<Self, String> {
        for program in ["apt-get", "dpkg"] {
            on_path(program).ok_or_else(|| format!("{program} is not on PATH"))?;
        }
        let source = machine_source()?;
        let write =
            |name: &str, text: &str| fs::write(dir.join(name), text).map_err(|e| format!("{name}: {e}"));
        for folder in ["lists/partial", "archives/partial"] {
            fs::create_dir_all(dir.join(folder)).map_err(|e| format!("{folder}: {e}"))?;
        }
        write("status", "")?;
        write(source.file_name(), source.text())?;
        Ok(Self { dir: dir.to_owned() })
    }

    fn command(&self) -> Command {
        let sources = ["private.sources", "private.list"].map(|name| self.dir.join(name));
        let source = sources.iter().find(|file| file.is_file()).unwrap_or(&sources[0]);
        let mut command = tied("apt-get");
        let mut set = |key: &str, value: String| {
            command.arg("-o").arg(format!("{key}={value}"));
        };
        let inside = |name: &str| self.dir.join(name).display().to_string();
        set("Dir::Etc::sourcelist", source.display().to_string());
        set("Dir::Etc::sourceparts", "/dev/null".into());
        set("Dir::State", self.dir.display().to_string());
        set("Dir::State::lists", inside("lists"));
        set("Dir::State::status", inside("status"));
        set("Dir::Cache", self.dir.display().to_string());
        set("Dir::Cache::archives", inside("archives"));
        set("Acquire::Languages", "none".into());
        set("Acquire::Retries", "3".into());
        // the folders are the user's own: apt's helper account could not write there
        set("APT::Sandbox::User", "root".into());
        set("APT::Update::Error-Mode", "any".into());
        command.arg("-qq").env("DEBIAN_FRONTEND", "noninteractive").env("LC_ALL", "C");
        command
    }

    fn downloaded(&self) -> Result<Vec<PathBuf>, String> {
        let archives = self.dir.join("archives");
        let entries = fs::read_dir(&archives).map_err(|e| format!("reading the downloads: {e}"))?;
        let files = entries.filter_map(Result::ok).map(|entry| entry.path());
        let mut debs: Vec<PathBuf> =
            files.filter(|file| file.extension().is_some_and(|e| e == "deb")).collect();
        debs.sort();
        Ok(debs)
    }
}

/// An apt source of one Debian archive, in the form in which the machine has it.
#[derive(Debug, PartialEq, Eq)]
enum Source {
    Deb822(String),
    OneLine(String),
}

impl Source {
    fn file_name(&self) -> &'static str {
        match self {
            Self::Deb822(_) => "private.sources",
            Self::OneLine(_) => "private.list",
        }
    }

    fn text(&self) -> &str {
        match self {
            Self::Deb822(text) | Self::OneLine(text) => text,
        }
    }
}

fn machine_source() -> Result<Source, String> {
    let mut files = vec![PathBuf::from("/etc/apt/sources.list")];
    if let Ok(entries) = fs::read_dir("/etc/apt/sources.list.d") {
        let mut more: Vec<PathBuf> = entries.filter_map(Result::ok).map(|entry| entry.path()).collect();
        more.sort();
        files.extend(more);
    }
    files
        .iter()
        .find_map(|file| {
            let text = fs::read_to_string(file).ok()?;
            match file.extension()?.to_str()? {
                "sources" => deb822(&text).map(Source::Deb822),
                "list" => one_line(&text).map(Source::OneLine),
                _ => None,
            }
        })
        .ok_or_else(|| "the machine has no apt source of the Debian archive".to_owned())
}

/// The first enabled stanza of the Debian archive itself, with the suite swapped and `main` alone.
fn deb822(text: &str) -> Option<String> {
    let stanzas = text.split("\n\n").map(|stanza| stanza.trim_matches('\n'));
    stanzas.into_iter().find_map(|stanza| {
        let fields = fields(stanza);
        let get = |name: &str| {
            fields.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
        };
        let enabled = get("Enabled").is_none_or(|value| !value.eq_ignore_ascii_case("no"));
        let debs = get("Types")?.split_whitespace().any(|kind| kind == "deb");
        let uri = get("URIs")?.split_whitespace().find(|uri| is_debian_archive(uri))?.to_owned();
        if !enabled || !debs {
            return None;
        }
        let mut swapped = format!("Types: deb\nURIs: {uri}\nSuites: {SUITE}\nComponents: main\n");
        for (key, value) in &fields {
            let told = ["Types", "URIs", "Suites", "Components", "Enabled"];
            if !told.iter().any(|known| key.eq_ignore_ascii_case(known)) {
                swapped.extend([key, ": ", value, "\n"]);
            }
        }
        Some(swapped)
    })
}

/// Keys and values of a stanza; a value keeps its continuation lines (an inline key has many).
fn fields(stanza: &str) -> Vec<(String, String)> {
    let mut fields: Vec<(String, String)> = Vec::new();
    for line in stanza.lines().filter(|line| !line.starts_with('#')) {
        if line.starts_with([' ', '\t']) {
            if let Some((_, value)) = fields.last_mut() {
                value.push('\n');
                value.push_str(line);
            }
        } else if let Some((key, value)) = line.split_once(':') {
            fields.push((key.trim().to_owned(), value.trim().to_owned()));
        }
    }
    fields
}

/// The first `deb` line of the Debian archive itself, options kept.
fn one_line(text: &str) -> Option<String> {
    text.lines().map(str::trim).find_map(|line| {
        let rest = line.strip_prefix("deb")?.strip_prefix([' ', '\t'])?.trim_start();
        let (options, rest) = match rest.strip_prefix('[') {
            Some(inside) => inside.split_once(']').map(|(options, rest)| (format!("[{options}] "), rest))?,
            None => (String::new(), rest),
        };
        let uri = rest.split_whitespace().next().filter(|uri| is_debian_archive(uri))?;
        Some(format!("deb {options}{uri} {SUITE} main\n"))
    })
}

/// `…/debian` and mirrors that keep its name; not `debian-security`, not another distribution.
fn is_debian_archive(uri: &str) -> bool {
    uri.contains("://") && uri.trim_end_matches('/').rsplit('/').next() == Some("debian")
}

#[cfg(test)]
mod tests;
