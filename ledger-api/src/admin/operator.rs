//! Operators and their keys. The secret half is made on the operator's machine and stays in a file of its own; the public
//! half is what an administrator registers.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use clap::Subcommand;
use ledger_core::admin::Admin;
use ledger_core::operator::{OperatorKey, Signer};
use rand::Rng as _;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use serde_json::{Value, json};

use ledger_core::card_number;

use super::arguments::{ListAll, name_of_200, plain_32};
use super::output::Row;
use super::run::{Failure, when};

/// Operators, who propose and approve corrections.
#[derive(Debug, Subcommand)]
pub enum OperatorCommand {
    /// Makes a key: the secret half goes to a new file, the public half is shown.
    Keygen {
        /// Who it is for: a-z 0-9 . _ -
        #[arg(long, value_parser = operator_name)]
        operator: String,
        /// The file to make; it must not exist.
        #[arg(long)]
        out: PathBuf,
    },
    /// Registers the public half of a key.
    Add {
        /// Whose it is.
        #[arg(long, value_parser = operator_name)]
        operator: String,
        /// The public half: 64 hexadecimal digits.
        #[arg(long, value_parser = public_key)]
        public_key: [u8; 32],
    },
    /// Revokes a key: from then on it neither proposes nor approves.
    Revoke {
        /// Its id.
        #[arg(long, value_parser = plain_32)]
        key: String,
        /// Why.
        #[arg(long, default_value = "revoked", value_parser = name_of_200)]
        reason: String,
    },
    /// Lists keys.
    List(ListAll),
}

/// What an operator's key file holds.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyFile {
    operator: String,
    secret: SecretString,
}

/// A key file that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// Not there, or there already.
    #[error("the key file {file} cannot be {verb}")]
    File {
        file: String,
        verb: &'static str,
        #[source]
        error: std::io::Error,
    },
    /// Others may read it.
    #[error("the key file {0} may be read by others: chmod 600 it")]
    Open(String),
    /// Something else is in it.
    #[error("the key file {0} holds no operator's key: `operator keygen` makes one")]
    Unreadable(String),
}

/// What needs no database: making a key.
pub fn keygen(operator: &str, out: &Path) -> Result<Row, KeyFileError> {
    let (seed, signer) = loop {
        let mut seed = [0_u8; 32];
        rand::rng().fill_bytes(&mut seed);
        let signer = Signer::from_seed(operator, &seed).map_err(|_| KeyFileError::Unreadable(shown(out)))?;
        // sixteen digits by chance would be taken for a card number wherever the key is named
        if !card_number::is_in(&signer.actor().key_id)
            && !card_number::is_in(&hex::encode(signer.public_key()))
        {
            break (seed, signer);
        }
    };
    let failed = |error| KeyFileError::File { file: shown(out), verb: "made", error };
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(out).map_err(failed)?;
    let text = format!("operator = \"{operator}\"\nsecret = \"{}\"\n", hex::encode(seed));
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(failed)?;
    Ok(vec![
        ("keyId", json!(signer.actor().key_id)),
        ("operator", json!(operator)),
        ("publicKey", json!(hex::encode(signer.public_key()))),
    ])
}

/// The signer that a key file makes.
pub fn signer(path: &Path) -> Result<Signer, KeyFileError> {
    use std::os::unix::fs::PermissionsExt as _;
    let failed = |error| KeyFileError::File { file: shown(path), verb: "read", error };
    if fs::metadata(path).map_err(failed)?.permissions().mode() & 0o077 != 0 {
        return Err(KeyFileError::Open(shown(path)));
    }
    let text = fs::read_to_string(path).map_err(failed)?;
    let unreadable = || KeyFileError::Unreadable(shown(path));
    let file: KeyFile = toml::from_str(&text).map_err(|_| unreadable())?;
    let mut seed = [0_u8; 32];
    hex::decode_to_slice(file.secret.expose_secret(), &mut seed).map_err(|_| unreadable())?;
    operator_name(&file.operator).map_err(|_| unreadable())?;
    Signer::from_seed(file.operator, &seed).map_err(|_| unreadable())
}

/// What the administrator's account does.
pub async fn run(admin: &Admin, command: OperatorCommand, now: DateTime<Utc>) -> Result<Vec<Row>, Failure> {
    Ok(match command {
        OperatorCommand::Keygen { operator, out } => vec![keygen(&operator, &out)?],
        OperatorCommand::Add { operator, public_key } => {
            let key_id = admin.add_operator_key(&operator, &public_key, now).await?;
            vec![vec![("keyId", json!(key_id)), ("operator", json!(operator))]]
        }
        OperatorCommand::Revoke { key, reason } => {
            admin.revoke_operator_key(&key, &reason, now).await?;
            vec![vec![("keyId", json!(key)), ("revokedAt", when(now)), ("reason", json!(reason))]]
        }
        OperatorCommand::List(list) => admin.operator_keys(list.limit).await?.iter().map(key_row).collect(),
    })
}

fn key_row(key: &OperatorKey) -> Row {
    vec![
        ("keyId", json!(key.key_id)),
        ("operator", json!(key.operator_id)),
        ("publicKey", json!(hex::encode(key.public_key))),
        ("createdAt", when(key.created_at)),
        ("createdBy", json!(key.created_by)),
        ("revokedAt", key.revoked_at.map_or(Value::Null, when)),
        ("revokedFor", json!(key.revoked_for)),
    ]
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

/// One spelling for one person: lower case only.
fn operator_name(text: &str) -> Result<String, String> {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"._-".contains(&b);
    let starts = text.bytes().next().is_some_and(|b| b.is_ascii_alphanumeric());
    if text.len() <= 32 && starts && text.bytes().all(plain) && !card_number::is_in(text) {
        Ok(text.to_owned())
    } else {
        Err("1 to 32 of a-z 0-9 . _ - are expected, a letter or digit first".to_owned())
    }
}

fn public_key(text: &str) -> Result<[u8; 32], String> {
    let mut key = [0_u8; 32];
    hex::decode_to_slice(text, &mut key).map_err(|_| "64 hexadecimal digits are expected".to_owned())?;
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_person_has_one_spelling() {
        assert_eq!(operator_name("kim.minji"), Ok("kim.minji".to_owned()));
        for bad in ["Kim", "", ".kim", "kim minji", "김", "4111111111111111", &"a".repeat(33)] {
            assert!(operator_name(bad).is_err(), "{bad}");
        }
    }
}
