//! Apache Kafka 4: a cluster of the user, an engine for containers, or jars to run here with Java 17.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::cache::Cache;
use crate::choice::{Missing, Only, setting};
use crate::engine::{Engine, container_engine};
use crate::run::{on_path, output, tied};
use crate::wait::Wait;
use crate::{KAFKA_BROKERS, maven};

const NAME: &str = "Kafka";
const PART: &str = "kafka-4.1.1-1";
const JARS: [&str; 3] = [
    "org.apache.kafka:kafka_2.13:4.1.1",
    "org.apache.kafka:kafka-tools:4.1.1",
    // without it the broker writes no log
    "org.apache.logging.log4j:log4j-slf4j-impl:2.24.3",
];
const LEAST_JAVA: u32 = 17;

/// Where Kafka comes from.
#[derive(Clone, Debug)]
pub enum Kafka {
    Url { brokers: String },
    Container(Engine),
    Server(KafkaServer),
}

/// Jars of a broker and the Java that runs them.
#[derive(Clone, Debug)]
pub struct KafkaServer {
    java: PathBuf,
    jars: PathBuf,
    version: String,
    origin: String,
}

impl KafkaServer {
    /// A command that runs the class `main`; `machine` are options of the Java machine.
    pub fn command(&self, machine: &[&str], main: &str) -> Command {
        let mut classes = OsString::from(&self.jars);
        classes.push("/*");
        let mut command = tied(&self.java);
        command.args(machine).arg("-cp").arg(classes).arg(main);
        command
    }

    pub fn version(&self) -> &str {
        &self.version
    }

    pub fn origin(&self) -> &str {
        &self.origin
    }
}

impl std::fmt::Display for Kafka {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Url { brokers } => write!(f, "Kafka: the running brokers of {KAFKA_BROKERS} ({brokers})"),
            Self::Container(engine) => write!(f, "Kafka: a container of the engine at {}", engine.address),
            Self::Server(server) => write!(f, "Kafka: {} {}", server.version, server.origin),
        }
    }
}

/// Finds Kafka, downloading jars where nothing nearer is there.
pub fn kafka(wait: &Wait) -> Result<Kafka, Missing> {
    let only = Only::from_env()?;
    let mut reasons = Vec::new();
    if Only::allows(only, Only::Url) {
        match setting(KAFKA_BROKERS) {
            Some(brokers) => return Ok(Kafka::Url { brokers }),
            None => reasons.push(format!("{KAFKA_BROKERS} is not set")),
        }
    }
    if Only::allows(only, Only::Container) {
        match container_engine() {
            Ok(engine) => return Ok(Kafka::Container(engine)),
            Err(why) => reasons.push(why),
        }
    }
    if Only::allows(only, Only::Path) {
        match from_path() {
            Ok(server) => return Ok(Kafka::Server(server)),
            Err(why) => reasons.push(why),
        }
    }
    if Only::allows(only, Only::Packages) {
        match from_packages(wait) {
            Ok(server) => return Ok(Kafka::Server(server)),
            Err(why) => reasons.push(why),
        }
    }
    let programs = "Java 17 or later and Maven (or kafka-server-start) on PATH";
    Err(Missing::part(NAME, &reasons, KAFKA_BROKERS, programs))
}

fn from_path() -> Result<KafkaServer, String> {
    let names = ["kafka-server-start", "kafka-server-start.sh"];
    let start = names.into_iter().find_map(on_path).ok_or("kafka-server-start is not on PATH")?;
    let start = fs::canonicalize(&start).map_err(|e| format!("{}: {e}", start.display()))?;
    // the scripts of a distribution lie in bin, its jars beside that in libs
    let home = start.parent().and_then(Path::parent).ok_or("kafka-server-start has no folder")?;
    let jars = [home.join("libs"), home.join("libexec/libs")].into_iter().find(|dir| dir.is_dir());
    let jars = jars.ok_or_else(|| format!("no libs folder beside {}", start.display()))?;
    server_in(jars, format!("on PATH ({})", start.display()))
}

fn from_packages(wait: &Wait) -> Result<KafkaServer, String> {
    java()?;
    let cache = Cache::of_user().map_err(|e| e.to_string())?;
    let place = cache.part(PART, wait, |dir| {
        wait.say("downloading 54 MB of jars into the cache, once per user");
        maven::copy_jars(&dir.join("libs"), &JARS, wait)?;
        server_in(dir.join("libs"), String::new()).map(drop)
    });
    server_in(place.map_err(|e| e.to_string())?.join("libs"), "from jars in the cache".into())
}

fn server_in(jars: PathBuf, origin: String) -> Result<KafkaServer, String> {
    let entries = fs::read_dir(&jars).map_err(|e| format!("{}: {e}", jars.display()))?;
    let names = entries.filter_map(Result::ok).filter_map(|entry| entry.file_name().into_string().ok());
    let version = names.into_iter().find_map(|name| version_of(&name));
    let version = version.ok_or_else(|| format!("no kafka_2.13 jar in {}", jars.display()))?;
    if !version.starts_with('4') {
        return Err(format!("Kafka is {version}, but 4 is needed"));
    }
    Ok(KafkaServer { java: java()?, jars, version, origin })
}

/// `kafka_2.13-4.1.1.jar` is 4.1.1.
fn version_of(jar: &str) -> Option<String> {
    let (_, version) = jar.strip_prefix("kafka_2.")?.strip_suffix(".jar")?.split_once('-')?;
    let plain = version.chars().all(|c| c.is_ascii_digit() || c == '.');
    plain.then(|| version.to_owned())
}

fn java() -> Result<PathBuf, String> {
    let home = std::env::var_os("JAVA_HOME").map(|home| PathBuf::from(home).join("bin/java"));
    let java = home.filter(|java| java.is_file()).or_else(|| on_path("java")).ok_or("java is not on PATH")?;
    let told = output(tied("sh").args(["-c", "\"$0\" -version 2>&1"]).arg(&java), "java -version")?;
    match java_version(&told) {
        Some(version) if version >= LEAST_JAVA => Ok(java),
        Some(version) => Err(format!("java is {version}, older than {LEAST_JAVA}")),
        None => Err(format!("java told no version that is understood: {told}")),
    }
}

/// `openjdk version "17.0.15" 2025-04-15` is 17.
fn java_version(told: &str) -> Option<u32> {
    let (_, rest) = told.split_once(" version \"")?;
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read() {
        assert_eq!(version_of("kafka_2.13-4.1.1.jar").as_deref(), Some("4.1.1"));
        assert_eq!(version_of("kafka_2.13-4.1.1-sources.jar"), None);
        assert_eq!(version_of("kafka-clients-4.1.1.jar"), None);
        assert_eq!(java_version("openjdk version \"17.0.15\" 2025-04-15\nmore"), Some(17));
        assert_eq!(java_version("java version \"1.8.0_292\""), Some(1));
        assert_eq!(java_version("nothing"), None);
    }
}
