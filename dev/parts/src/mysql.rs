//! MySQL 8.4 or later: a server of the user, an engine for containers, or programs to run here.

use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::process::Command;

use crate::cache::Cache;
use crate::choice::{Missing, Only, setting};
use crate::engine::{Engine, container_engine};
use crate::run::{on_path, output, tied};
use crate::wait::Wait;
use crate::{MYSQL_REPLICA_URL, MYSQL_URL, debian};

const NAME: &str = "MySQL";
/// Another recipe gets another name, so that checkouts of different age do not fight over one folder.
const PART: &str = "mysql-debian-sid-1";
const PACKAGES: [&str; 2] = ["mysql-server-core", "mysql-client"];
const LEAST: (u32, u32) = (8, 4);

/// Where MySQL comes from.
#[derive(Clone, Debug)]
pub enum Mysql {
    /// Two running servers; both URLs name an account that may create accounts and databases.
    Url {
        primary: String,
        replica: String,
    },
    Container(Engine),
    Server(MysqlServer),
}

/// A `mysqld` that can be started here.
#[derive(Clone, Debug)]
pub struct MysqlServer {
    program: Vec<OsString>,
    arguments: Vec<OsString>,
    version: String,
    origin: String,
}

impl MysqlServer {
    /// A command that runs `mysqld`; `first` are the arguments that have to come first.
    pub fn command(&self, first: &[OsString]) -> Command {
        let mut command = tied(&self.program[0]);
        command.args(&self.program[1..]).args(first).args(&self.arguments);
        command
    }

    /// Like `9.7.4`.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Where the program comes from, in words.
    pub fn origin(&self) -> &str {
        &self.origin
    }
}

impl std::fmt::Display for Mysql {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Url { .. } => {
                write!(f, "MySQL: the running servers of {MYSQL_URL} and {MYSQL_REPLICA_URL}")
            }
            Self::Container(engine) => write!(f, "MySQL: containers of the engine at {}", engine.address),
            Self::Server(server) => write!(f, "MySQL: {} {}", server.version, server.origin),
        }
    }
}

/// Finds MySQL, downloading packages where nothing nearer is there.
pub fn mysql(wait: &Wait) -> Result<Mysql, Missing> {
    let only = Only::from_env()?;
    let mut reasons = Vec::new();
    if Only::allows(only, Only::Url) {
        match urls()? {
            Some(found) => return Ok(found),
            None => reasons.push(format!("{MYSQL_URL} is not set")),
        }
    }
    if Only::allows(only, Only::Container) {
        match container_engine() {
            Ok(engine) => return Ok(Mysql::Container(engine)),
            Err(why) => reasons.push(why),
        }
    }
    if Only::allows(only, Only::Path) {
        match from_path() {
            Ok(server) => return Ok(Mysql::Server(server)),
            Err(why) => reasons.push(why),
        }
    }
    if Only::allows(only, Only::Packages) {
        match from_packages(wait) {
            Ok(server) => return Ok(Mysql::Server(server)),
            Err(why) => reasons.push(why),
        }
    }
    let url = format!("{MYSQL_URL} and {MYSQL_REPLICA_URL}");
    Err(Missing::part(NAME, &reasons, &url, "mysqld 8.4 or later on PATH"))
}

fn urls() -> Result<Option<Mysql>, Missing> {
    match (setting(MYSQL_URL), setting(MYSQL_REPLICA_URL)) {
        (None, None) => Ok(None),
        (Some(primary), Some(replica)) => Ok(Some(Mysql::Url { primary, replica })),
        _ => Err(Missing::usage(format!(
            "{MYSQL_URL} and {MYSQL_REPLICA_URL} belong together: set both or none"
        ))),
    }
}

fn from_path() -> Result<MysqlServer, String> {
    let mysqld = on_path("mysqld").ok_or("mysqld is not on PATH")?;
    let server = MysqlServer {
        program: vec![mysqld.clone().into()],
        arguments: Vec::new(),
        version: String::new(),
        origin: format!("on PATH ({})", mysqld.display()),
    };
    with_version(server)
}

fn from_packages(wait: &Wait) -> Result<MysqlServer, String> {
    let cache = Cache::of_user().map_err(|e| e.to_string())?;
    let place = cache.part(PART, wait, |dir| {
        wait.say("downloading 66 MB of packages into the cache, once per user");
        let prefix = debian::unpack(dir, &PACKAGES, wait)?;
        // a part that does not run must not be called complete
        let version = with_version(server_in(&prefix)?)?.version;
        fs::write(dir.join("version"), version).map_err(|e| format!("version: {e}"))
    });
    let place = place.map_err(|e| e.to_string())?;
    let version = fs::read_to_string(place.join("version")).map_err(|e| format!("version: {e}"))?;
    Ok(MysqlServer { version, ..server_in(&place.join("prefix"))? })
}

/// The unpacked server runs on its own C library, through that library's own loader.
fn server_in(prefix: &Path) -> Result<MysqlServer, String> {
    let loaders = ["usr/lib64/ld-linux-x86-64.so.2", "usr/lib/ld-linux-aarch64.so.1"];
    let loader = loaders.iter().map(|file| prefix.join(file)).find(|file| file.exists());
    let loader = loader.ok_or("the packages hold no loader for this processor")?;
    let library = prefix.join(format!("usr/lib/{}-linux-gnu", std::env::consts::ARCH));
    let option = |name: &str, value: std::path::PathBuf| {
        let mut text = OsString::from(format!("--{name}="));
        text.push(value);
        text
    };
    Ok(MysqlServer {
        program: vec![
            loader.into(),
            "--library-path".into(),
            library.into(),
            prefix.join("usr/sbin/mysqld").into(),
        ],
        arguments: vec![
            option("basedir", prefix.join("usr")),
            option("lc-messages-dir", prefix.join("usr/share/mysql")),
            option("plugin-dir", prefix.join("usr/lib/mysql/plugin")),
        ],
        version: String::new(),
        origin: "from packages in the cache".into(),
    })
}

fn with_version(server: MysqlServer) -> Result<MysqlServer, String> {
    let mut command = server.command(&["--no-defaults".into()]);
    let told = output(command.arg("--version"), "mysqld --version")?;
    let version = version_of(&told)?;
    Ok(MysqlServer { version, ..server })
}

/// `mysqld  Ver 9.7.4-2 for Linux on x86_64 ((Debian))` is 9.7.4.
fn version_of(told: &str) -> Result<String, String> {
    if told.contains("MariaDB") {
        return Err("mysqld on PATH is MariaDB".into());
    }
    let word = told.split_whitespace().skip_while(|word| *word != "Ver").nth(1).unwrap_or_default();
    let version: String = word.chars().take_while(|c| c.is_ascii_digit() || *c == '.').collect();
    let mut numbers = version.split('.').map(str::parse::<u32>);
    match (numbers.next(), numbers.next()) {
        (Some(Ok(major)), Some(Ok(minor))) if (major, minor) >= LEAST => Ok(version),
        (Some(Ok(_)), Some(Ok(_))) => Err(format!("mysqld is {version}, older than 8.4")),
        _ => Err(format!("mysqld told no version that is understood: {told}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_and_old_ones_refused() {
        assert_eq!(version_of("/p/mysqld  Ver 9.7.4-2 for Linux on x86_64 ((Debian))").unwrap(), "9.7.4");
        assert_eq!(version_of("mysqld  Ver 8.4.0 for Linux").unwrap(), "8.4.0");
        assert!(version_of("mysqld  Ver 8.0.36 for Linux").unwrap_err().contains("older than 8.4"));
        assert!(version_of("mysqld  Ver 10.11.6-MariaDB for debian").unwrap_err().contains("MariaDB"));
        assert!(version_of("mysqld").is_err());
    }
}
