//! Corrections of the journal: proposed by one operator, approved or rejected by another.

use std::path::PathBuf;
use std::str::FromStr;

use chrono::{DateTime, TimeDelta, Utc};
use clap::{Args, Subcommand};
use ledger_core::ids::PaymentId;
use ledger_core::journal::{Account, Side};
use ledger_core::ledger::{Corrected, Ledger, Run};
use ledger_core::money::Minor;
use ledger_core::payment::correction::{CorrectionFacts, Entry, Propose, Wanted};
use ledger_core::payment::correction_fact::{CorrectionLine, LineRef};
use serde_json::{Value, json};

use super::arguments::name_of_200;
use super::operator::signer;
use super::output::Row;
use super::run::{Failure, when};

/// Corrections of the journal.
#[derive(Debug, Subcommand)]
pub enum CorrectionCommand {
    /// Proposes one: nothing is posted before another operator approves.
    Propose(ProposeArguments),
    /// Approves one that another operator proposed: its lines are posted.
    Approve(DecideArguments),
    /// Rejects one, or takes back one's own.
    Reject(RejectArguments),
    /// Lists those of the last days, the newest first.
    List {
        /// How many days back.
        #[arg(long, default_value_t = 31, value_parser = clap::value_parser!(u16).range(1..=3660))]
        days: u16,
        /// Only those that wait for a decision.
        #[arg(long)]
        open: bool,
        /// Rows at most.
        #[arg(long, default_value_t = 100)]
        limit: u32,
    },
    /// Shows the journal of a payment and its corrections, line by line.
    Show {
        /// The payment.
        #[arg(long)]
        payment: PaymentId,
    },
}

/// What is proposed.
#[derive(Debug, Args)]
pub struct ProposeArguments {
    /// The payment.
    #[arg(long)]
    payment: PaymentId,
    /// A line to take back, all of it or a part: SEQ/LINE or SEQ/LINE=AMOUNT, as `show` names them.
    #[arg(long = "reverse", value_name = "SEQ/LINE[=AMOUNT]", required = true, value_parser = reverse)]
    reverse: Vec<Entry>,
    /// A line to book in debit: ACCOUNT=AMOUNT or ACCOUNT/LEG=AMOUNT.
    #[arg(long = "debit", value_name = "ACCOUNT[/LEG]=AMOUNT", value_parser = debit)]
    debit: Vec<Entry>,
    /// A line to book in credit: ACCOUNT=AMOUNT or ACCOUNT/LEG=AMOUNT.
    #[arg(long = "credit", value_name = "ACCOUNT[/LEG]=AMOUNT", value_parser = credit)]
    credit: Vec<Entry>,
    /// Why.
    #[arg(long, value_parser = name_of_200)]
    reason: String,
    /// For how many days it may wait.
    #[arg(long, default_value_t = 14, value_parser = clap::value_parser!(u8).range(1..=60))]
    days: u8,
    #[command(flatten)]
    how: How,
}

/// What is decided on.
#[derive(Debug, Args)]
pub struct DecideArguments {
    /// The payment.
    #[arg(long)]
    payment: PaymentId,
    /// The number of the correction.
    #[arg(long)]
    no: u16,
    #[command(flatten)]
    how: How,
}

/// What is rejected.
#[derive(Debug, Args)]
pub struct RejectArguments {
    #[command(flatten)]
    what: DecideArguments,
    /// Why.
    #[arg(long, value_parser = name_of_200)]
    reason: String,
}

/// By whom, and whether for real.
#[derive(Debug, Args)]
pub struct How {
    /// The operator's key file, made by `operator keygen`.
    #[arg(long)]
    key: PathBuf,
    /// Does everything but the commit.
    #[arg(long)]
    dry_run: bool,
}

impl How {
    const fn run(&self) -> Run {
        if self.dry_run { Run::Dry } else { Run::Real }
    }
}

/// Does it with the ledger's own account.
pub async fn run(
    ledger: &Ledger,
    command: CorrectionCommand,
    now: DateTime<Utc>,
) -> Result<Vec<Row>, Failure> {
    match command {
        CorrectionCommand::Propose(arguments) => {
            let signer = signer(&arguments.how.key)?;
            let cmd = Propose {
                entries: [arguments.reverse, arguments.debit, arguments.credit].concat(),
                reason: arguments.reason,
                wait: TimeDelta::days(arguments.days.into()),
            };
            let (no, after) =
                ledger.propose_correction(arguments.payment, &cmd, &signer, now, arguments.how.run()).await?;
            said(arguments.how.run(), "nothing is posted before another operator approves");
            Ok(lines_of(&after, no, now))
        }
        CorrectionCommand::Approve(arguments) => {
            decide(ledger, arguments, (Wanted::Approve, None), now).await
        }
        CorrectionCommand::Reject(RejectArguments { what, reason }) => {
            decide(ledger, what, (Wanted::Reject, Some(&reason)), now).await
        }
        CorrectionCommand::List { days, open, limit } => {
            let since = now - TimeDelta::days(days.into());
            let found = ledger.corrections_since(since, open, limit).await?;
            Ok(found.iter().map(|(id, facts)| correction_row(*id, facts, now)).collect())
        }
        CorrectionCommand::Show { payment } => Ok(journal(&ledger.corrected(payment).await?, now)),
    }
}

async fn decide(
    ledger: &Ledger,
    arguments: DecideArguments,
    decision: (Wanted, Option<&str>),
    now: DateTime<Utc>,
) -> Result<Vec<Row>, Failure> {
    let signer = signer(&arguments.how.key)?;
    let run = arguments.how.run();
    let after =
        ledger.decide_correction(arguments.payment, arguments.no, decision, &signer, now, run).await?;
    said(run, "done");
    Ok(lines_of(&after, arguments.no, now))
}

/// Talk goes to stderr.
fn said(run: Run, done: &str) {
    match run {
        Run::Dry => eprintln!("dry run: nothing was written"),
        Run::Real => eprintln!("{done}"),
    }
}

/// A correction, line by line.
fn lines_of(after: &Corrected, no: u16, now: DateTime<Utc>) -> Vec<Row> {
    let Some(facts) = after.correction(no) else { return Vec::new() };
    facts.lines.iter().map(|line| line_row(facts, line, now)).collect()
}

fn line_row(facts: &CorrectionFacts, line: &CorrectionLine, now: DateTime<Utc>) -> Row {
    vec![
        ("correction", json!(facts.correction.correction_no)),
        ("status", json!(facts.status(now))),
        ("line", json!(line.line_no)),
        ("account", json!(line.account)),
        ("side", json!(line.side)),
        ("amount", json!(line.amount)),
        ("leg", json!(line.leg_no)),
        ("reverses", line.reverses.map_or(Value::Null, |line| json!(line.to_string()))),
    ]
}

fn correction_row(id: PaymentId, facts: &CorrectionFacts, now: DateTime<Utc>) -> Row {
    let verdict = facts.verdict.as_ref();
    let decision = verdict.and_then(|verdict| verdict.decision.as_ref());
    vec![
        ("payment", json!(id)),
        ("correction", json!(facts.correction.correction_no)),
        ("status", json!(facts.status(now))),
        ("lines", json!(facts.lines.len())),
        ("reason", json!(facts.correction.reason)),
        ("proposedBy", json!(facts.correction.proposed_by)),
        ("proposedAt", when(facts.correction.proposed_at)),
        ("expiresAt", when(facts.correction.expires_at)),
        ("decidedBy", json!(decision.map(|decision| &decision.decided_by))),
        ("decidedAt", verdict.map_or(Value::Null, |verdict| when(verdict.decided_at))),
    ]
}

/// Everything that is posted, then everything that is proposed; a posted line names the correction it came with.
fn journal(corrected: &Corrected, now: DateTime<Utc>) -> Vec<Row> {
    let posted = corrected.journal.iter().map(|posted| {
        vec![
            ("line", json!(posted.at.to_string())),
            ("status", json!("POSTED")),
            ("account", json!(posted.line.account)),
            ("side", json!(posted.line.side)),
            ("amount", json!(posted.line.amount)),
            ("leg", json!(posted.line.leg_no)),
            ("day", json!(posted.line.business_date)),
            ("reverses", Value::Null),
            ("by", Value::Null),
        ]
    });
    let proposed = corrected.payment.corrections().flat_map(|facts| {
        facts.lines.iter().map(move |line| {
            vec![
                ("line", json!(format!("k{}/{}", facts.correction.correction_no, line.line_no))),
                ("status", json!(facts.status(now))),
                ("account", json!(line.account)),
                ("side", json!(line.side)),
                ("amount", json!(line.amount)),
                ("leg", json!(line.leg_no)),
                ("day", Value::Null),
                ("reverses", line.reverses.map_or(Value::Null, |line| json!(line.to_string()))),
                ("by", json!(facts.correction.proposed_by)),
            ]
        })
    });
    posted.chain(proposed).collect()
}

fn reverse(text: &str) -> Result<Entry, String> {
    let wrong = || "SEQ/LINE or SEQ/LINE=AMOUNT is expected, such as 3/4=300".to_owned();
    let (line, amount) = match text.split_once('=') {
        Some((line, amount)) => (line, Some(self::amount(amount)?)),
        None => (text, None),
    };
    let (seq, line) = line.split_once('/').ok_or_else(wrong)?;
    let line = LineRef { seq: number(seq).ok_or_else(wrong)?, line: number(line).ok_or_else(wrong)? };
    Ok(Entry::Reverse { line, amount })
}

fn debit(text: &str) -> Result<Entry, String> {
    book(text, Side::Debit)
}

fn credit(text: &str) -> Result<Entry, String> {
    book(text, Side::Credit)
}

fn book(text: &str, side: Side) -> Result<Entry, String> {
    let wrong =
        || "ACCOUNT=AMOUNT or ACCOUNT/LEG=AMOUNT is expected, such as MERCHANT_PAYABLE=330".to_owned();
    let (account, amount) = text.split_once('=').ok_or_else(wrong)?;
    let (account, leg_no) = match account.split_once('/') {
        Some((account, leg)) => (account, Some(number(leg).ok_or_else(wrong)?)),
        None => (account, None),
    };
    let account = account.parse::<Account>().map_err(|unknown| unknown.to_string())?;
    Ok(Entry::Book { account, side, amount: self::amount(amount)?, leg_no })
}

/// Digits and nothing else: no sign, no separator, no exponent.
fn number<T: FromStr>(text: &str) -> Option<T> {
    text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

fn amount(text: &str) -> Result<Minor, String> {
    let units = number(text).ok_or("an amount is a whole number of minor units")?;
    match Minor::new(units) {
        Ok(amount) if !amount.is_zero() => Ok(amount),
        Ok(_) => Err("an amount is more than nothing".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_said_strictly() {
        let line = LineRef { seq: 3, line: 4 };
        assert_eq!(reverse("3/4"), Ok(Entry::Reverse { line, amount: None }));
        assert_eq!(reverse("3/4=300"), Ok(Entry::Reverse { line, amount: Minor::new(300).ok() }));
        for bad in
            ["", "3", "3/", "/4", "3/4=", "3/4=0", "3/4=-1", "3/4=+1", "3/4=1e3", "3/4/5", "a/b", "3/4=1=2"]
        {
            assert!(reverse(bad).is_err(), "{bad}");
        }
        assert!(debit("FEE_REVENUE=300").is_ok());
        assert!(credit("ISSUER_RECEIVABLE/1=300").is_ok());
        for bad in [
            "",
            "FEE_REVENUE",
            "fee_revenue=1",
            "CASH=1",
            "FEE_REVENUE=",
            "FEE_REVENUE/x=1",
            "FEE_REVENUE=1.0",
        ] {
            assert!(debit(bad).is_err(), "{bad}");
        }
    }
}
