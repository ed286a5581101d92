//! The address of a MySQL server and its administrator, as URLs.

use anyhow::{Context, Result};

use crate::accounts::hex;

/// One server; every URL that we hand out comes from here, so every one of them asks for TLS.
#[derive(Clone, Debug)]
pub(crate) struct Server {
    /// `host:port`
    pub(crate) authority: String,
    /// `user:password` of the administrator
    root: String,
    /// what makes the connection safe: `ssl-mode=…&ssl-ca=…`
    query: String,
}

impl Server {
    pub(crate) fn new(authority: String, root: String, query: String) -> Self {
        Self { authority, root, query }
    }

    /// The server of a URL that the user gave.
    pub(crate) fn of_url(url: &str) -> Result<Self> {
        let shape = || "a MySQL URL is mysql://user:password@host:port/?options";
        let rest = url.strip_prefix("mysql://").with_context(shape)?;
        let (rest, query) = rest.split_once('?').unwrap_or((rest, "ssl-mode=REQUIRED"));
        let (root, place) = rest.rsplit_once('@').with_context(shape)?;
        let authority = place.split('/').next().filter(|host| !host.is_empty()).with_context(shape)?;
        Ok(Self::new(authority.to_owned(), root.to_owned(), query.to_owned()))
    }

    pub(crate) fn url(&self, userinfo: &str, database: &str) -> String {
        format!("mysql://{userinfo}@{}/{database}?{}", self.authority, self.query)
    }

    pub(crate) fn root_url(&self, database: &str) -> String {
        self.url(&self.root, database)
    }
}

/// The same URL with another database.
pub(crate) fn with_database(url: &str, database: &str) -> Result<String> {
    let (rest, query) = url.split_once('?').unwrap_or((url, ""));
    let (server, _) = rest.rsplit_once('/').context("a MySQL URL without a database")?;
    Ok(format!("{server}/{database}?{query}"))
}

/// A path as the value of a query: everything but the plainest characters is escaped.
pub(crate) fn escaped(path: &std::path::Path) -> String {
    use std::os::unix::ffi::OsStrExt;
    let mut text = String::new();
    for &byte in path.as_os_str().as_bytes() {
        if byte.is_ascii_alphanumeric() || b"-._/".contains(&byte) {
            text.push(char::from(byte));
        } else {
            text.push('%');
            text.push_str(&hex(&[byte]));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_given_url_is_taken_apart_and_asks_for_tls_when_it_says_nothing() {
        let server = Server::of_url("mysql://admin:p@ss@db.example:3307").unwrap();
        assert_eq!(server.root_url("ledger"), "mysql://admin:p@ss@db.example:3307/ledger?ssl-mode=REQUIRED");
        let server = Server::of_url("mysql://a:b@h:1/x?ssl-mode=VERIFY_CA&ssl-ca=/c").unwrap();
        assert_eq!(server.url("u:v", "l"), "mysql://u:v@h:1/l?ssl-mode=VERIFY_CA&ssl-ca=/c");
        assert!(Server::of_url("postgres://a").is_err() && Server::of_url("mysql://host/x").is_err());
    }

    #[test]
    fn only_the_database_is_swapped() {
        let url = "mysql://u:p@h:1/ledger?ssl-mode=VERIFY_CA&ssl-ca=/a/b";
        assert_eq!(with_database(url, "t_1").unwrap(), "mysql://u:p@h:1/t_1?ssl-mode=VERIFY_CA&ssl-ca=/a/b");
        assert_eq!(escaped(std::path::Path::new("/a b/ü&c")), "/a%20b/%c3%bc%26c");
    }
}
