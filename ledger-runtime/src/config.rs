//! Configuration: embedded defaults, then a TOML file, then `SECTION__KEY` from the environment. Keys nobody knows are
//! refused, all faults are listed at once, secrets may come from files (`SECTION__KEY_FILE`) and print as `[redacted]`.

use std::collections::BTreeMap;
use std::path::Path;

use serde::de::DeserializeOwned;
use toml::{Table, Value};

/// What is wrong with a configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("configuration file {path} cannot be read")]
    Unreadable {
        /// Which file.
        path: String,
        /// Why.
        #[source]
        error: std::io::Error,
    },
    /// The text is no TOML.
    #[error("{origin} is not valid TOML: {message}")]
    Invalid {
        /// The defaults, or a file.
        origin: String,
        /// Where and why.
        message: String,
    },
    /// The values do not fit.
    #[error("the configuration has {} fault(s):\n  {}", .0.len(), .0.join("\n  "))]
    Faults(Vec<String>),
}

/// A configuration that can say what is wrong with it beyond its types.
pub trait Validate {
    /// All faults, each naming its `section.key` and the way out.
    fn faults(&self) -> Vec<String>;
}

/// Reads a configuration: `defaults` (embedded TOML), then `file`, then those variables of the environment whose first
/// part is a section of the defaults.
pub fn load<T: DeserializeOwned + Validate>(defaults: &str, file: Option<&Path>) -> Result<T, ConfigError> {
    load_with(defaults, file, environment())
}

/// [`load`] with the environment as an argument.
pub fn load_with<T: DeserializeOwned + Validate>(
    defaults: &str,
    file: Option<&Path>,
    environment: BTreeMap<String, String>,
) -> Result<T, ConfigError> {
    let mut table = parse("the embedded defaults", defaults)?;
    if let Some(path) = file {
        let text = std::fs::read_to_string(path)
            .map_err(|error| ConfigError::Unreadable { path: path.display().to_string(), error })?;
        merge(&mut table, parse(&path.display().to_string(), &text)?);
    }
    let mut faults = overlay(&mut table, environment);
    let config: T = match Value::Table(table).try_into() {
        Ok(config) => config,
        Err(error) => {
            faults.push(error.to_string().trim().replace('\n', " "));
            return Err(ConfigError::Faults(faults));
        }
    };
    faults.extend(config.faults());
    if faults.is_empty() { Ok(config) } else { Err(ConfigError::Faults(faults)) }
}

fn parse(origin: &str, text: &str) -> Result<Table, ConfigError> {
    text.parse::<Table>().map_err(|error| ConfigError::Invalid {
        origin: origin.to_owned(),
        message: error.message().to_owned(),
    })
}

fn merge(into: &mut Table, from: Table) {
    for (key, value) in from {
        match (into.get_mut(&key), value) {
            (Some(Value::Table(into)), Value::Table(from)) => merge(into, from),
            (_, value) => {
                into.insert(key, value);
            }
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the place that owns the environment")]
fn environment() -> BTreeMap<String, String> {
    std::env::vars().collect()
}

/// Lays the environment over the table. A variable of a known section with an unknown key is left for the types to refuse.
fn overlay(table: &mut Table, environment: BTreeMap<String, String>) -> Vec<String> {
    let mut faults = Vec::new();
    for (name, value) in environment {
        let Some((section, key)) = name.split_once("__") else { continue };
        let (section, key) = (section.to_lowercase(), key.to_lowercase());
        let Some(Value::Table(section_table)) = table.get_mut(&section) else { continue };
        let (key, value) = match key.strip_suffix("_file") {
            None => (key.as_str(), value),
            Some(of_file) => match std::fs::read_to_string(&value) {
                Ok(text) => (of_file, text.trim_end_matches('\n').to_owned()),
                Err(error) => {
                    faults.push(format!("{name}: file {value} cannot be read ({error})"));
                    continue;
                }
            },
        };
        let typed = typed(section_table.get(key), value);
        section_table.insert(key.to_owned(), typed);
    }
    faults
}

/// The text of a variable as the type its default has.
fn typed(default: Option<&Value>, text: String) -> Value {
    match default {
        Some(Value::Integer(_)) => text.parse().map_or(Value::String(text), Value::Integer),
        Some(Value::Boolean(_)) => text.parse().map_or(Value::String(text), Value::Boolean),
        Some(Value::String(_) | Value::Float(_) | Value::Datetime(_) | Value::Array(_) | Value::Table(_))
        | None => Value::String(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::{ExposeSecret as _, SecretString};
    use serde::Deserialize;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Sample {
        http: Http,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Http {
        bind: String,
        limit: u32,
        key: SecretString,
    }

    impl Validate for Sample {
        fn faults(&self) -> Vec<String> {
            if self.http.limit == 0 { vec!["http.limit is 0, use 1 or more".to_owned()] } else { Vec::new() }
        }
    }

    const DEFAULTS: &str = "[http]\nbind = '127.0.0.1:0'\nlimit = 5\nkey = ''\n";

    fn with(variables: &[(&str, &str)]) -> Result<Sample, ConfigError> {
        let environment = variables.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        load_with(DEFAULTS, None, environment)
    }

    #[test]
    fn the_environment_lies_over_the_defaults() {
        let config = with(&[("HTTP__LIMIT", "7"), ("HTTP__KEY", "secret"), ("OTHER__X", "1")]).unwrap();
        assert_eq!((config.http.limit, config.http.bind.as_str()), (7, "127.0.0.1:0"));
        assert_eq!(config.http.key.expose_secret(), "secret");
        assert!(!format!("{config:?}").contains("secret\""));
    }

    #[test]
    fn an_unknown_key_and_a_wrong_value_are_refused() {
        assert!(with(&[("HTTP__LIMTI", "7")]).unwrap_err().to_string().contains("limti"));
        assert!(with(&[("HTTP__LIMIT", "seven")]).unwrap_err().to_string().contains("limit"));
        assert!(with(&[("HTTP__LIMIT", "0")]).unwrap_err().to_string().contains("http.limit is 0"));
    }
}
