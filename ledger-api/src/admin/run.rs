//! Doing what `ledger-admin` was asked to.

use std::io;

use chrono::{DateTime, Utc};
use ledger_core::admin::{Admin, AdminError, MigrateError, migrate};
use ledger_core::ledger::{CorrectionError, GrantsError, Ledger, LedgerError};
use ledger_core::reference::{
    ApiKeyRow, AuthorityRow, Contract, ContractRow, Issuer, IssuerRow, MerchantRow,
};
use ledger_core::store::StoreError;
use ledger_core::store::pool::PoolOptions;
use ledger_core::time;
use ledger_runtime::clock;
use ledger_runtime::exit::{Exit, because};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};

use super::arguments::{
    Authority, AuthorityCommand, Cli, Command, ContractCommand, IssuerArguments, IssuerCommand, KeyCommand,
    MerchantCommand,
};
use super::correction;
use super::key;
use super::method;
use super::operator::{self, KeyFileError, OperatorCommand};
use super::output::{Row, write};
use super::report::{self, ReportError};

#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    #[error("{0} is not set: give the URL of MySQL there, or by its option")]
    NoUrl(&'static str),
    #[error(transparent)]
    Admin(#[from] AdminError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("ledger-admin does not run with this account")]
    Grants(#[from] GrantsError),
    #[error(transparent)]
    Migrate(#[from] MigrateError),
    #[error(transparent)]
    KeyFile(#[from] KeyFileError),
    #[error(transparent)]
    Correction(#[from] CorrectionError),
    #[error(transparent)]
    Report(#[from] ReportError),
    #[error("the result could not be written")]
    Output(#[from] io::Error),
}

impl Failure {
    const fn exit(&self) -> Exit {
        match self {
            Self::NoUrl(_)
            | Self::KeyFile(_)
            | Self::Report(ReportError::Future(_))
            | Self::Correction(
                CorrectionError::Refused(_)
                | CorrectionError::UnknownKey { .. }
                | CorrectionError::RevokedKey(_)
                | CorrectionError::Ledger(LedgerError::NotFound),
            )
            | Self::Admin(
                AdminError::Exists { .. } | AdminError::Unknown { .. } | AdminError::Refused { .. },
            ) => Exit::Usage,
            Self::Grants(
                GrantsError::TooWide { .. } | GrantsError::Missing { .. } | GrantsError::Forged { .. },
            )
            | Self::Report(ReportError::Grants(
                GrantsError::TooWide { .. } | GrantsError::Missing { .. } | GrantsError::Forged { .. },
            )) => Exit::Blocked,
            Self::Correction(CorrectionError::Forged(_)) => Exit::Integrity,
            Self::Correction(CorrectionError::Ledger(_))
            | Self::Grants(GrantsError::Store(_))
            | Self::Report(ReportError::Grants(GrantsError::Store(_)) | ReportError::Store(_))
            | Self::Admin(AdminError::Store(_))
            | Self::Store(_)
            | Self::Migrate(_)
            | Self::Output(_) => Exit::Unavailable,
        }
    }
}

/// Does it, and says how it went.
pub async fn run(cli: Cli) -> Exit {
    let format = cli.format;
    let done = async { Ok(write(&mut io::stdout().lock(), format, &rows(cli).await?)?) };
    match done.await {
        Ok(()) => Exit::Clean,
        Err::<(), Failure>(error) => because(error.exit(), &error),
    }
}

async fn rows(cli: Cli) -> Result<Vec<Row>, Failure> {
    if let Command::Migrate = cli.command {
        let migrations = migrate(url(cli.owner_url.as_ref(), "MYSQL_OWNER_URL")?).await?;
        let row =
            |(version, name): (i64, String)| vec![("version", json!(version)), ("migration", json!(name))];
        return Ok(migrations.into_iter().map(row).collect());
    }
    let now = clock::now();
    if let Command::Report(command) = &cli.command {
        return Ok(report::rows(url(cli.replica_url.as_ref(), "REPLICA_URL")?, command, now).await?);
    }
    if let Command::Correction(command) = cli.command {
        let app = url(cli.app_url.as_ref(), "MYSQL_APP_URL")?;
        let options = PoolOptions { max_connections: 4, min_connections: 0, ..PoolOptions::default() };
        let ledger = Ledger::open(app, options).await?;
        return correction::run(&ledger, command, clock::now()).await;
    }
    if let Command::Operator(OperatorCommand::Keygen { operator, out }) = &cli.command {
        return Ok(vec![operator::keygen(operator, out)?]);
    }
    let admin = Admin::open(url(cli.admin_url.as_ref(), "MYSQL_ADMIN_URL")?, cli.by).await?;
    Ok(match cli.command {
        Command::Migrate | Command::Correction(_) | Command::Report(_) => Vec::new(),
        Command::Operator(command) => operator::run(&admin, command, now).await?,
        Command::Merchant(command) => merchants(&admin, command, now).await?,
        Command::Contract(command) => contracts(&admin, command, now).await?,
        Command::Issuer(IssuerCommand::Add(arguments)) => vec![add_issuer(&admin, &arguments, now).await?],
        Command::Issuer(IssuerCommand::List(list)) => {
            admin.issuers(list.limit).await?.iter().map(issuer_row).collect()
        }
        Command::Method(command) => method::run(&admin, command, now).await?,
        Command::Key(command) => keys(&admin, command, now).await?,
        Command::Authority(command) => authorities(&admin, command, now).await?,
    })
}

fn url<'a>(given: Option<&'a SecretString>, variable: &'static str) -> Result<&'a str, Failure> {
    given.map(SecretString::expose_secret).filter(|url| !url.is_empty()).ok_or(Failure::NoUrl(variable))
}

async fn merchants(admin: &Admin, command: MerchantCommand, now: DateTime<Utc>) -> Result<Vec<Row>, Failure> {
    Ok(match command {
        MerchantCommand::Add { id, name } => {
            admin.add_merchant(&id, &name, now).await?;
            vec![vec![("merchantId", json!(id)), ("name", json!(name))]]
        }
        MerchantCommand::List(list) => admin.merchants(list.limit).await?.iter().map(merchant_row).collect(),
    })
}

async fn contracts(admin: &Admin, command: ContractCommand, now: DateTime<Utc>) -> Result<Vec<Row>, Failure> {
    Ok(match command {
        ContractCommand::Add { merchant, fee_rate, fee_vat_rate, valid_from } => {
            let valid_from = time::to_micros(valid_from.unwrap_or(now));
            let mut contract = Contract { version: 0, valid_from, fee_rate, fee_vat_rate };
            contract.version = admin.add_contract(&merchant, &contract, now).await?;
            vec![contract_fields(&merchant, &contract)]
        }
        ContractCommand::List(list) => {
            let rows = admin.contracts(list.merchant.as_deref(), list.limit).await?;
            rows.iter().map(contract_row).collect()
        }
    })
}

async fn add_issuer(admin: &Admin, arguments: &IssuerArguments, now: DateTime<Utc>) -> Result<Row, Failure> {
    let (connect_timeout, read_timeout, late_window, validity) = arguments.times();
    let mut issuer = Issuer {
        issuer_id: arguments.id.clone(),
        version: 0,
        endpoint_url: arguments.endpoint.clone(),
        connect_timeout,
        read_timeout,
        late_window,
        validity,
    };
    issuer.version = admin.add_issuer(&issuer, &arguments.name, now).await?;
    Ok(issuer_fields(&issuer, &arguments.name))
}

async fn keys(admin: &Admin, command: KeyCommand, now: DateTime<Utc>) -> Result<Vec<Row>, Failure> {
    Ok(match command {
        KeyCommand::Create { merchant } => {
            let made = key::make(&merchant);
            admin.add_key(&made.key, now).await?;
            eprintln!("the secret is shown this once: keep it now");
            vec![vec![
                ("keyId", json!(made.key.key_id)),
                ("merchantId", json!(merchant)),
                ("apiKey", json!(made.bearer)),
            ]]
        }
        KeyCommand::Revoke { key, reason } => {
            admin.revoke_key(&key, &reason, now).await?;
            vec![vec![("keyId", json!(key)), ("revokedAt", when(now)), ("reason", json!(reason))]]
        }
        KeyCommand::List(list) => {
            admin.keys(list.merchant.as_deref(), list.limit).await?.iter().map(key_row).collect()
        }
    })
}

async fn authorities(
    admin: &Admin,
    command: AuthorityCommand,
    now: DateTime<Utc>,
) -> Result<Vec<Row>, Failure> {
    Ok(match command {
        AuthorityCommand::Set { merchant, authority, valid_from } => {
            let valid_from = time::to_micros(valid_from.unwrap_or(now));
            let authority = match authority {
                Authority::Legacy => "LEGACY",
                Authority::Ledger => "LEDGER",
            };
            admin.set_authority(&merchant, authority, valid_from).await?;
            vec![vec![
                ("merchantId", json!(merchant)),
                ("authority", json!(authority)),
                ("validFrom", when(valid_from)),
            ]]
        }
        AuthorityCommand::List(list) => {
            let rows = admin.authorities(list.merchant.as_deref(), list.limit).await?;
            rows.iter().map(authority_row).collect()
        }
    })
}

pub(super) fn when(at: DateTime<Utc>) -> Value {
    json!(time::text(at))
}

fn merchant_row(row: &MerchantRow) -> Row {
    vec![
        ("merchantId", json!(row.merchant_id)),
        ("name", json!(row.name)),
        ("createdAt", when(row.created_at)),
        ("createdBy", json!(row.created_by)),
    ]
}

fn contract_fields(merchant_id: &str, contract: &Contract) -> Row {
    vec![
        ("merchantId", json!(merchant_id)),
        ("version", json!(contract.version)),
        ("feeRate", json!(contract.fee_rate.normalize().to_string())),
        ("feeVatRate", json!(contract.fee_vat_rate.normalize().to_string())),
        ("validFrom", when(contract.valid_from)),
    ]
}

fn contract_row(row: &ContractRow) -> Row {
    let mut fields = contract_fields(&row.merchant_id, &row.contract);
    fields.push(("createdBy", json!(row.created_by)));
    fields
}

fn issuer_fields(issuer: &Issuer, name: &str) -> Row {
    let millis =
        |duration: std::time::Duration| json!(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX));
    vec![
        ("issuerId", json!(issuer.issuer_id)),
        ("version", json!(issuer.version)),
        ("name", json!(name)),
        ("endpoint", json!(issuer.endpoint_url)),
        ("connectTimeoutMs", millis(issuer.connect_timeout)),
        ("readTimeoutMs", millis(issuer.read_timeout)),
        ("lateWindowSeconds", json!(issuer.late_window.num_seconds())),
        ("validitySeconds", json!(issuer.validity.num_seconds())),
    ]
}

fn issuer_row(row: &IssuerRow) -> Row {
    let mut fields = issuer_fields(&row.issuer, &row.name);
    fields.push(("validFrom", when(row.valid_from)));
    fields.push(("createdBy", json!(row.created_by)));
    fields
}

fn key_row(row: &ApiKeyRow) -> Row {
    vec![
        ("keyId", json!(row.key_id)),
        ("merchantId", json!(row.merchant_id)),
        ("createdAt", when(row.created_at)),
        ("createdBy", json!(row.created_by)),
        ("revokedAt", row.revoked_at.map_or(Value::Null, when)),
        ("revokedFor", json!(row.revoked_for)),
    ]
}

fn authority_row(row: &AuthorityRow) -> Row {
    vec![
        ("merchantId", json!(row.merchant_id)),
        ("authority", json!(row.authority)),
        ("validFrom", when(row.valid_from)),
        ("createdBy", json!(row.created_by)),
    ]
}
