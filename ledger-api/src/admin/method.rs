//! The rules of payment methods: how each is sent, refunded and awaited, by version with a date from which it holds.

use chrono::{DateTime, Utc};
use clap::{ArgGroup, Args, Subcommand, ValueEnum};
use ledger_core::admin::{Admin, AdminError};
use ledger_core::method_rule::{CancelWindow, MethodRule, MethodRuleRow};
use ledger_core::payment::fact::Method;
use ledger_core::time;
use serde_json::{Value, json};

use super::output::Row;
use super::run::{Failure, when};

/// What payment methods allow.
#[derive(Debug, Subcommand)]
pub enum MethodCommand {
    /// Adds the next version of a method's rule. Approvals that were sent before it holds keep the one they were sent under.
    Add(MethodArguments),
    /// Lists every version.
    List {
        /// Only of this method.
        #[arg(long, value_parser = method)]
        method: Option<Method>,
        /// Rows at most.
        #[arg(long, default_value_t = 1000)]
        limit: u32,
    },
}

/// A version.
#[derive(Debug, Args)]
#[command(group(ArgGroup::new("window").required(true).args(["cancel_days", "cancel_window"])))]
pub struct MethodArguments {
    /// CARD, `EASY_PAY`, TRANSFER, `VIRTUAL_ACCOUNT`, MOBILE or POINTS.
    #[arg(long, value_parser = method)]
    pub method: Method,
    /// What is refunded first has the higher number.
    #[arg(long)]
    pub refund_priority: u16,
    /// What is hardest to undo is sent last: the higher the later.
    #[arg(long)]
    pub send_order: u8,
    /// Whether a part of an approval can be canceled at all.
    #[arg(long, action = clap::ArgAction::Set)]
    pub partial_cancelable: bool,
    /// For how many Korean days after its approval it can be canceled.
    #[arg(long, value_parser = clap::value_parser!(u16).range(0..=3_650))]
    pub cancel_days: Option<u16>,
    /// For how long else.
    #[arg(long, value_enum)]
    pub cancel_window: Option<Window>,
    /// How many hours a deposit is waited for, where nothing else is said; for `VIRTUAL_ACCOUNT`.
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=8_760))]
    pub deposit_hours: Option<u16>,
    /// From when it holds, as RFC 3339; from now on when left out. Not in the past: approvals have been sent since.
    #[arg(long)]
    pub valid_from: Option<DateTime<Utc>>,
}

/// A time to cancel that is not a number of days.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Window {
    /// Within the Korean calendar month of the approval.
    CalendarMonth,
    /// For ever.
    None,
}

fn method(text: &str) -> Result<Method, String> {
    text.parse().map_err(|error: ledger_core::codes::UnknownCode| format!("is none of {}", error.known))
}

pub(super) async fn run(
    admin: &Admin,
    command: MethodCommand,
    now: DateTime<Utc>,
) -> Result<Vec<Row>, Failure> {
    match command {
        MethodCommand::Add(arguments) => {
            let mut rule = rule(&arguments, now)?;
            rule.version = admin.add_method_rule(&rule, now).await?;
            Ok(vec![fields(&rule)])
        }
        MethodCommand::List { method, limit } => {
            Ok(admin.method_rules(method, limit).await?.iter().map(row).collect())
        }
    }
}

fn rule(arguments: &MethodArguments, now: DateTime<Utc>) -> Result<MethodRule, AdminError> {
    let valid_from = time::to_micros(arguments.valid_from.unwrap_or(now));
    if valid_from < time::to_micros(now) {
        let what = format!("a rule of method {} from {}", arguments.method, time::text(valid_from));
        return Err(AdminError::Refused { what, constraint: "not in the past".to_owned() });
    }
    Ok(MethodRule {
        method: arguments.method,
        version: 0,
        valid_from,
        refund_priority: arguments.refund_priority,
        send_order: arguments.send_order,
        partial_cancelable: arguments.partial_cancelable,
        cancel_window: match (arguments.cancel_days, arguments.cancel_window) {
            (Some(days), _) => CancelWindow::Days(days),
            (None, Some(Window::CalendarMonth)) => CancelWindow::CalendarMonth,
            (None, Some(Window::None) | None) => CancelWindow::Unlimited,
        },
        deposit_hours: arguments.deposit_hours,
    })
}

fn fields(rule: &MethodRule) -> Row {
    let (kind, days) = rule.cancel_window.columns();
    vec![
        ("method", json!(rule.method)),
        ("version", json!(rule.version)),
        ("validFrom", when(rule.valid_from)),
        ("refundPriority", json!(rule.refund_priority)),
        ("sendOrder", json!(rule.send_order)),
        ("partialCancelable", json!(rule.partial_cancelable)),
        ("cancelWindow", json!(kind)),
        ("cancelDays", days.map_or(Value::Null, |days| json!(days))),
        ("depositHours", rule.deposit_hours.map_or(Value::Null, |hours| json!(hours))),
    ]
}

fn row(row: &MethodRuleRow) -> Row {
    let mut fields = fields(&row.rule);
    fields.push(("createdBy", json!(row.created_by)));
    fields
}
