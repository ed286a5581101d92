//! The `env` file of a stack: `KEY=VALUE` lines that a shell, a test and our programs can read.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::dirs;

/// Names the env file of the stack that tests shall use.
pub const POINTER: &str = "LEDGER_DEV_ENV";

/// Addresses and passwords of one stack.
#[derive(Clone, Debug, Default)]
pub struct EnvFile {
    values: BTreeMap<String, String>,
}

impl EnvFile {
    pub fn load(path: &Path) -> Result<Self> {
        let text = fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
        Self::parse(&text).with_context(|| format!("reading {}", path.display()))
    }

    fn parse(text: &str) -> Result<Self> {
        let mut values = BTreeMap::new();
        for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
            let Some((key, value)) = line.split_once('=') else { bail!("not a KEY=VALUE line: {line:?}") };
            values.insert(key.to_owned(), value.trim_matches('\'').to_owned());
        }
        Ok(Self { values })
    }

    /// Written beside and renamed, so that a reader sees all of it or nothing; for the owner alone.
    pub fn save(&self, path: &Path) -> Result<()> {
        use std::os::unix::fs::OpenOptionsExt;
        let draft = path.with_extension("draft");
        let mut file = fs::File::options();
        file.create(true).truncate(true).write(true).mode(0o600);
        let mut file = file.open(&draft).with_context(|| format!("writing {}", draft.display()))?;
        std::io::Write::write_all(&mut file, self.text().as_bytes())
            .with_context(|| format!("writing {}", draft.display()))?;
        fs::rename(&draft, path).with_context(|| format!("writing {}", path.display()))
    }

    /// A shell can source it: values are quoted, and none of ours holds a quote.
    fn text(&self) -> String {
        self.values.iter().flat_map(|(key, value)| [key, "='", value, "'\n"]).collect()
    }

    pub fn set(&mut self, key: &str, value: impl Into<String>) {
        self.values.insert(key.to_owned(), value.into());
    }

    pub fn get(&self, key: &str) -> Result<&str> {
        let value = self.values.get(key).map(String::as_str);
        value.with_context(|| {
            format!("the running stack tells no {key}: restart it with `cargo dev down` and `up`")
        })
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.values.iter().map(|(key, value)| (key.as_str(), value.as_str()))
    }
}

/// The env file of the stack that tests shall use, with what it says.
pub fn running() -> Result<EnvFile> {
    let path = match std::env::var_os(POINTER).filter(|value| !value.is_empty()) {
        Some(path) => PathBuf::from(path),
        None => dirs::stack_dir("default")?.join("env"),
    };
    if !path.is_file() {
        bail!("no stack is running: use `cargo dev test`, or `cargo dev up --detach` first");
    }
    EnvFile::load(&path)
}

/// Brokers of the running stack.
pub fn kafka_brokers() -> Result<String> {
    Ok(running()?.get("KAFKA_BROKERS")?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back_by_us_and_by_a_shell() {
        let mut env = EnvFile::default();
        env.set("MYSQL_APP_URL", "mysql://a:b@127.0.0.1:1/ledger?ssl-mode=VERIFY_CA&ssl-ca=%2Ft%2Fca.pem");
        env.set("KAFKA_BROKERS", "127.0.0.1:9");
        let again = EnvFile::parse(&env.text()).unwrap();
        assert!(env.iter().eq(again.iter()));

        let script = format!("{}printf %s \"$MYSQL_APP_URL\"", env.text());
        let told = std::process::Command::new("sh").arg("-c").arg(script).output().unwrap().stdout;
        assert_eq!(String::from_utf8(told).unwrap(), env.get("MYSQL_APP_URL").unwrap());
        assert!(env.get("API_URL").unwrap_err().to_string().contains("API_URL"));
    }
}
