//! In which order a part is looked for, and how its absence is told.

use std::fmt;

/// `LEDGER_PARTS`: one way of finding parts instead of all of them in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Only {
    Url,
    Container,
    Path,
    Packages,
}

impl Only {
    /// Reads `LEDGER_PARTS`; `None` means the usual order.
    pub fn from_env() -> Result<Option<Self>, Missing> {
        match setting("LEDGER_PARTS").as_deref() {
            None | Some("auto") => Ok(None),
            Some(word) => Self::parse(word).map(Some),
        }
    }

    fn parse(word: &str) -> Result<Self, Missing> {
        match word {
            "url" => Ok(Self::Url),
            "container" => Ok(Self::Container),
            "path" => Ok(Self::Path),
            "packages" => Ok(Self::Packages),
            other => Err(Missing::usage(format!(
                "LEDGER_PARTS is {other:?}, but knows url, container, path and packages"
            ))),
        }
    }

    /// Is this way open, given what the user asked for?
    pub(crate) fn allows(only: Option<Self>, way: Self) -> bool {
        only.is_none_or(|one| one == way)
    }
}

/// What the user says in the environment; empty is nothing.
#[expect(clippy::disallowed_methods, reason = "the entrance of development has no configuration file")]
pub(crate) fn setting(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// A part that cannot be had, in one sentence with the ways to provide it.
#[derive(Debug)]
pub struct Missing {
    sentence: String,
    usage: bool,
}

impl Missing {
    pub(crate) fn usage(sentence: String) -> Self {
        Self { sentence, usage: true }
    }

    pub(crate) fn part(part: &str, reasons: &[String], url: &str, program: &str) -> Self {
        let why = if reasons.is_empty() { "no way was tried".to_owned() } else { reasons.join("; ") };
        let sentence = format!(
            "{part} cannot be had here ({why}): set {url} to a running one, or start a container engine \
             (docker or podman), or install {program}"
        );
        Self { sentence, usage: false }
    }

    /// Was it asked for wrongly, rather than not found?
    pub fn is_usage(&self) -> bool {
        self.usage
    }
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.sentence)
    }
}

impl std::error::Error for Missing {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_way_closes_the_others() {
        assert!(Only::allows(None, Only::Container));
        assert!(Only::allows(Some(Only::Path), Only::Path));
        assert!(!Only::allows(Some(Only::Path), Only::Packages));
    }

    #[test]
    fn an_unknown_way_is_refused_with_the_known_ones() {
        let refused = Only::parse("magic").unwrap_err();
        assert!(refused.is_usage());
        assert!(refused.to_string().contains("url, container, path and packages"));
    }

    #[test]
    fn what_cannot_be_had_names_the_three_ways() {
        let text =
            Missing::part("MySQL", &["no apt-get".into()], "LEDGER_MYSQL_URL", "mysqld 8.4").to_string();
        for way in ["no apt-get", "LEDGER_MYSQL_URL", "container engine", "install mysqld 8.4"] {
            assert!(text.contains(way), "{text}");
        }
    }
}
