//! What can be said to `ledger-admin`. Everything is checked here, before the database is asked.

use std::time::Duration;

use axum::http::Uri;
use chrono::{DateTime, TimeDelta, Utc};
use clap::{Args, Parser, Subcommand, ValueEnum};
use rust_decimal::Decimal;
use secrecy::SecretString;

use super::report::ReportCommand;
use ledger_core::card_number;

use super::correction::CorrectionCommand;
use super::method::MethodCommand;
use super::operator::OperatorCommand;

/// Reference data of the payment ledger: added version by version, never changed.
#[derive(Debug, Parser)]
#[command(name = "ledger-admin", version, about)]
pub struct Cli {
    /// How results are written to stdout; `json` is one object a line.
    #[arg(long, global = true, value_enum, default_value_t = Format::Table)]
    pub format: Format,
    /// Who is to be named as the one who added it.
    #[arg(long = "as", global = true, value_name = "NAME", default_value = "ledger-admin", value_parser = name_of_64)]
    pub by: String,
    /// MySQL as ledger_admin.
    #[arg(long, global = true, env = "MYSQL_ADMIN_URL", hide_env_values = true, value_name = "URL")]
    pub admin_url: Option<SecretString>,
    /// MySQL as ledger_app, for `correction`.
    #[arg(long, global = true, env = "MYSQL_APP_URL", hide_env_values = true, value_name = "URL")]
    pub app_url: Option<SecretString>,
    /// MySQL as ledger_read on a replica, for reports.
    #[arg(long, global = true, env = "REPLICA_URL", hide_env_values = true, value_name = "URL")]
    pub replica_url: Option<SecretString>,
    /// MySQL as ledger_owner, for `migrate`.
    #[arg(long, global = true, env = "MYSQL_OWNER_URL", hide_env_values = true, value_name = "URL")]
    pub owner_url: Option<SecretString>,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// How results are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    Table,
    /// For programs.
    Json,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Brings the schema up to this version, as the owner.
    Migrate,
    /// Reports.
    #[command(flatten)]
    Report(ReportCommand),
    /// Merchants.
    #[command(subcommand)]
    Merchant(MerchantCommand),
    /// What a merchant pays.
    #[command(subcommand)]
    Contract(ContractCommand),
    /// How an issuer is reached.
    #[command(subcommand)]
    Issuer(IssuerCommand),
    /// What payment methods allow.
    #[command(subcommand)]
    Method(MethodCommand),
    /// API keys.
    #[command(subcommand)]
    Key(KeyCommand),
    /// Which ledger speaks for a merchant.
    #[command(subcommand)]
    Authority(AuthorityCommand),
    /// Operators, who propose and approve corrections.
    #[command(subcommand)]
    Operator(OperatorCommand),
    /// Corrections of the journal.
    #[command(subcommand)]
    Correction(CorrectionCommand),
}

/// Merchants.
#[derive(Debug, Subcommand)]
pub enum MerchantCommand {
    /// Adds one.
    Add {
        /// Its name in the ledger: A-Z a-z 0-9 . _ -
        #[arg(long, value_parser = plain_32)]
        id: String,
        /// Its name for people.
        #[arg(long, value_parser = name_of_100)]
        name: String,
    },
    /// Lists them.
    List(ListAll),
}

/// What a merchant pays.
#[derive(Debug, Subcommand)]
pub enum ContractCommand {
    /// Adds the next version.
    Add {
        /// The merchant.
        #[arg(long, value_parser = plain_32)]
        merchant: String,
        /// Our fee as a part of the amount, from 0 to 0.3: 0.03 is three percent.
        #[arg(long, value_parser = rate)]
        fee_rate: Decimal,
        /// The VAT on the fee, from 0 to 0.3: 0.1 is ten percent.
        #[arg(long, value_parser = rate)]
        fee_vat_rate: Decimal,
        /// From when it holds (RFC 3339); now when left out.
        #[arg(long)]
        valid_from: Option<DateTime<Utc>>,
    },
    /// Lists every version.
    List(ListOf),
}

/// How an issuer is reached.
#[derive(Debug, Subcommand)]
pub enum IssuerCommand {
    /// Adds one, or its next version.
    Add(IssuerArguments),
    /// Lists every version.
    List(ListAll),
}

/// An issuer.
#[derive(Debug, Args)]
pub struct IssuerArguments {
    /// Its name in requests: A-Z a-z 0-9 . _ -
    #[arg(long, value_parser = plain_32)]
    pub id: String,
    /// Its name for people.
    #[arg(long, value_parser = name_of_100)]
    pub name: String,
    /// Where it answers: http(s)://host[:port][/path]
    #[arg(long, value_parser = endpoint)]
    pub endpoint: String,
    /// Longest wait for a connection.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=60_000))]
    pub connect_timeout_ms: u32,
    /// Longest wait for an answer after that.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=120_000))]
    pub read_timeout_ms: u32,
    /// How long after an authorization was sent it may still land.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=86_400))]
    pub late_window_seconds: u32,
    /// How long a network cancel is taken; longer than the late window.
    #[arg(long, value_parser = clap::value_parser!(u32).range(2..=604_800))]
    pub validity_seconds: u32,
}

/// API keys.
#[derive(Debug, Subcommand)]
pub enum KeyCommand {
    /// Makes one and shows its secret, this once.
    Create {
        /// The merchant whose payments it is for.
        #[arg(long, value_parser = plain_32)]
        merchant: String,
    },
    /// Revokes one; services notice within five seconds.
    Revoke {
        /// Its public part.
        #[arg(long, value_parser = plain_32)]
        key: String,
        /// Why.
        #[arg(long, default_value = "revoked", value_parser = name_of_200)]
        reason: String,
    },
    /// Lists public parts.
    List(ListOf),
}

/// Which ledger speaks for a merchant.
#[derive(Debug, Subcommand)]
pub enum AuthorityCommand {
    /// Says who, from an instant on.
    Set {
        /// The merchant.
        #[arg(long, value_parser = plain_32)]
        merchant: String,
        /// LEGACY or LEDGER.
        #[arg(long, value_enum, ignore_case = true)]
        authority: Authority,
        /// From when on (RFC 3339); now when left out.
        #[arg(long)]
        valid_from: Option<DateTime<Utc>>,
    },
    /// Lists every instant.
    List(ListOf),
}

/// Who speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "UPPER")]
pub enum Authority {
    /// The ledger that is being replaced.
    Legacy,
    /// This ledger.
    Ledger,
}

/// A list.
#[derive(Debug, Clone, Copy, Args)]
pub struct ListAll {
    /// Rows at most.
    #[arg(long, default_value_t = 1000)]
    pub limit: u32,
}

/// A list, of one merchant or of all.
#[derive(Debug, Args)]
pub struct ListOf {
    /// Only of this merchant.
    #[arg(long, value_parser = plain_32)]
    pub merchant: Option<String>,
    /// Rows at most.
    #[arg(long, default_value_t = 1000)]
    pub limit: u32,
}

impl IssuerArguments {
    /// The times as the ledger keeps them.
    pub fn times(&self) -> (Duration, Duration, TimeDelta, TimeDelta) {
        (
            Duration::from_millis(self.connect_timeout_ms.into()),
            Duration::from_millis(self.read_timeout_ms.into()),
            TimeDelta::seconds(self.late_window_seconds.into()),
            TimeDelta::seconds(self.validity_seconds.into()),
        )
    }
}

fn rate(text: &str) -> Result<Decimal, String> {
    let rate: Decimal = text.parse().map_err(|_| "a decimal number is expected, such as 0.03".to_owned())?;
    if rate < Decimal::ZERO || rate > Decimal::new(3, 1) {
        return Err("is out of range: a rate lies between 0 and 0.3 (0.03 is three percent)".to_owned());
    }
    if rate.normalize().scale() > 6 {
        return Err("has more than six decimals".to_owned());
    }
    Ok(rate)
}

pub(super) fn plain_32(text: &str) -> Result<String, String> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"._-".contains(&b);
    if (1..=32).contains(&text.len()) && text.bytes().all(plain) {
        without_card_number(text)
    } else {
        Err("1 to 32 of A-Z a-z 0-9 . _ - are expected".to_owned())
    }
}

fn name_of_64(text: &str) -> Result<String, String> {
    name(text, 64)
}

fn name_of_100(text: &str) -> Result<String, String> {
    name(text, 100)
}

pub(super) fn name_of_200(text: &str) -> Result<String, String> {
    name(text, 200)
}

fn name(text: &str, most: usize) -> Result<String, String> {
    let length = text.chars().count();
    if text.trim().is_empty() || length > most || text.chars().any(char::is_control) {
        return Err(format!("1 to {most} characters without control characters are expected"));
    }
    without_card_number(text)
}

fn without_card_number(text: &str) -> Result<String, String> {
    if card_number::is_in(text) {
        Err("holds what looks like a card number".to_owned())
    } else {
        Ok(text.to_owned())
    }
}

fn endpoint(text: &str) -> Result<String, String> {
    let wrong = || {
        "http(s)://host[:port][/path] is expected, at most 255 characters, without user and query".to_owned()
    };
    let uri: Uri = text.parse().map_err(|_| wrong())?;
    let http = matches!(uri.scheme_str(), Some("http" | "https"));
    let bare =
        uri.authority().is_some_and(|authority| !authority.as_str().contains('@')) && uri.query().is_none();
    if http && bare && text.len() <= 255 { Ok(text.trim_end_matches('/').to_owned()) } else { Err(wrong()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_arguments_are_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn rates_lie_between_nothing_and_three_tenths() {
        assert_eq!(rate("0.03"), Ok(Decimal::new(3, 2)));
        for bad in ["3", "-0.01", "0.31", "0.0000001", "three", "3%"] {
            assert!(rate(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn an_endpoint_is_an_address_without_secrets() {
        assert_eq!(endpoint("http://127.0.0.1:9000/a/"), Ok("http://127.0.0.1:9000/a".to_owned()));
        for bad in ["127.0.0.1:9000", "ftp://host", "http://user:pass@host", "http://host/?q=1", ""] {
            assert!(endpoint(bad).is_err(), "{bad}");
        }
    }
}
