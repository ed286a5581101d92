//! The issuer's own truth: what it approved, reversed and gave back, per trace number. No clock, no socket.

use std::collections::{BTreeMap, HashMap};

use chrono::NaiveDate;
use serde::Serialize;

use super::wire::{Account, Answer, Authorization, Cancel, Deposit, Reversal};

/// An authorization as its sender numbered it, at one of the issuers this simulator plays.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TraceKey {
    /// The path in front of `/v1`, empty for none.
    pub issuer: String,
    /// Day of the trace number.
    pub date: NaiveDate,
    /// The trace number.
    pub no: String,
}

/// What is known about one authorization.
#[derive(Debug, Clone, Default)]
struct Trace {
    amount: i64,
    currency: String,
    token: Option<String>,
    requests: Requests,
    approval: Approval,
    reversed: bool,
    cancels: BTreeMap<String, Given>,
    /// The number of a second approval, which no answer has told.
    beside: Option<String>,
    /// The account that was issued instead of an approval, and what arrived there.
    account: Option<Account>,
    deposited: i64,
}

#[derive(Debug, Clone, Copy, Default)]
struct Requests {
    authorizations: u32,
    reversals: u32,
    cancels: u32,
    inquiries: u32,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
enum Approval {
    /// Nothing was booked, so far.
    #[default]
    None,
    Declined(String),
    Approved(String),
}

#[derive(Debug, Clone)]
struct Given {
    amount: i64,
    auth_no: String,
}

/// Which request of a trace this is: the count of those of its kind before it, and the trace's method token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Noted {
    /// Requests of this kind for this trace before this one.
    pub before: u32,
    /// Method token of the authorization, where one was seen.
    pub token: Option<String>,
}

/// The book of all traces.
#[derive(Debug, Default)]
pub struct Book {
    traces: HashMap<TraceKey, Trace>,
    next_auth_no: u64,
}

impl Book {
    /// Notes that an authorization was received; nothing is booked yet.
    pub fn note_authorization(&mut self, key: &TraceKey, request: &Authorization) -> Noted {
        let trace = self.traces.entry(key.clone()).or_default();
        let before = trace.requests.authorizations;
        trace.requests.authorizations += 1;
        if before == 0 {
            trace.amount = request.amount;
            trace.currency.clone_from(&request.currency);
            trace.token.clone_from(&request.token);
        }
        Noted { before, token: trace.token.clone() }
    }

    /// Notes that a reversal of `original` was received.
    pub fn note_reversal(&mut self, original: &TraceKey) -> Noted {
        let trace = self.traces.entry(original.clone()).or_default();
        let before = trace.requests.reversals;
        trace.requests.reversals += 1;
        Noted { before, token: trace.token.clone() }
    }

    /// Notes that a cancel of `original` was received.
    pub fn note_cancel(&mut self, original: &TraceKey) -> Noted {
        let trace = self.traces.entry(original.clone()).or_default();
        let before = trace.requests.cancels;
        trace.requests.cancels += 1;
        Noted { before, token: trace.token.clone() }
    }

    /// Notes that an inquiry about `original` was received.
    pub fn note_inquiry(&mut self, original: &TraceKey) -> Noted {
        let trace = self.traces.entry(original.clone()).or_default();
        let before = trace.requests.inquiries;
        trace.requests.inquiries += 1;
        Noted { before, token: trace.token.clone() }
    }

    /// Approves what is approved once more, under a number of its own, and says the number.
    pub fn approve_beside(&mut self, trace_no: &str) -> Option<String> {
        let number = format!("A{:07}", self.next_auth_no + 1);
        let (_, trace) = self.traces.iter_mut().find(|(key, _)| key.no == trace_no)?;
        if !matches!(trace.approval, Approval::Approved(_)) || trace.beside.is_some() {
            return None;
        }
        self.next_auth_no += 1;
        trace.beside = Some(number.clone());
        Some(number)
    }

    /// How an authorization stands.
    pub fn inquire(&self, original: &TraceKey) -> Answer {
        let Some(trace) = self.traces.get(original) else { return Answer::NoOriginal };
        match &trace.approval {
            Approval::None => Answer::NoOriginal,
            Approval::Declined(code) => declined(code),
            Approval::Approved(auth_no) if trace.reversed => {
                Answer::Reversed { auth_no: Some(auth_no.clone()) }
            }
            Approval::Approved(auth_no) => match trace.cancels.values().next() {
                Some(given) if trace.effective() == 0 => Answer::Canceled { auth_no: given.auth_no.clone() },
                Some(_) | None => Answer::Approved { auth_no: auth_no.clone() },
            },
        }
    }

    /// Books an authorization. The same trace number gives the same answer again; it also lands after a reversal that
    /// found no original: this issuer remembers no reversal of what it never saw.
    pub fn authorize(&mut self, key: &TraceKey, request: &Authorization, decline: Option<&str>) -> Answer {
        let next = self.next_auth_no + 1;
        let Some(trace) = self.traces.get_mut(key) else { return declined("NOT_NOTED") };
        if trace.amount != request.amount || trace.currency != request.currency {
            return declined("TRACE_REUSED");
        }
        if trace.approval == Approval::None {
            trace.approval = if let Some(code) = decline {
                Approval::Declined(code.to_owned())
            } else {
                self.next_auth_no = next;
                Approval::Approved(format!("A{next:07}"))
            };
        }
        if request.method == ACCOUNT_METHOD && trace.account.is_none() {
            trace.account = request.deposit_due_at.map(|due_at| account(next, due_at));
        }
        match (&trace.approval, &trace.account) {
            (Approval::Approved(auth_no), Some(account)) => {
                Answer::Issued { auth_no: auth_no.clone(), account: account.clone() }
            }
            (Approval::Approved(_), None) if request.method == ACCOUNT_METHOD => declined("NO_DUE_TIME"),
            (Approval::Approved(auth_no), None) => Answer::Approved { auth_no: auth_no.clone() },
            (Approval::Declined(code), _) => declined(code),
            (Approval::None, _) => declined("NOT_BOOKED"),
        }
    }

    /// A customer pays into an account; false when it is closed, or there is none.
    pub fn deposit(&mut self, deposit: &Deposit) -> bool {
        let is_meant = |trace: &&mut Trace| {
            let account = trace.account.as_ref();
            account.is_some_and(|account| account.account_no == deposit.account_no) && !trace.reversed
        };
        let Some(trace) = self.traces.values_mut().find(is_meant) else { return false };
        trace.deposited += deposit.amount;
        true
    }

    /// Undoes an authorization as a whole; an account that was issued is closed.
    pub fn reverse(&mut self, original: &TraceKey, request: &Reversal) -> Answer {
        let Some(trace) = self.traces.get_mut(original) else { return Answer::NoOriginal };
        let Approval::Approved(auth_no) = &trace.approval else { return Answer::NoOriginal };
        let same = trace.amount == request.amount
            && trace.currency == request.currency
            && request.original_auth_no.as_ref().is_none_or(|no| no == auth_no);
        if !same {
            return declined("ORIGINAL_DIFFERS");
        }
        if !trace.cancels.is_empty() {
            return Answer::TooLate;
        }
        let auth_no = Some(auth_no.clone());
        trace.reversed = true;
        Answer::Reversed { auth_no }
    }

    /// Gives back a part or all of an approval; the same trace number gives the same answer again.
    pub fn cancel(&mut self, original: &TraceKey, request: &Cancel) -> Answer {
        let next = self.next_auth_no + 1;
        let Some(trace) = self.traces.get_mut(original) else { return declined("NO_ORIGINAL") };
        let own = format!("{}/{}", request.trace_date, request.trace_no);
        if let Some(given) = trace.cancels.get(&own) {
            if given.amount != request.amount {
                return declined("TRACE_REUSED");
            }
            return Answer::Canceled { auth_no: given.auth_no.clone() };
        }
        let is_beside = trace.beside.as_ref() == Some(&request.original_auth_no);
        if trace.approval != Approval::Approved(request.original_auth_no.clone()) && !is_beside {
            return declined("NO_ORIGINAL");
        }
        if trace.account.is_some() && request.refund_account.is_none() {
            return declined("NO_REFUND_ACCOUNT");
        }
        if trace.reversed || request.amount > trace.effective() || request.currency != trace.currency {
            return declined("EXCEEDS_APPROVAL");
        }
        self.next_auth_no = next;
        let auth_no = format!("C{next:07}");
        trace.cancels.insert(own, Given { amount: request.amount, auth_no: auth_no.clone() });
        Answer::Canceled { auth_no }
    }

    /// Everything this issuer holds to be true.
    pub fn truth(&self) -> Truth {
        let mut traces: Vec<_> = self.traces.iter().map(|(key, trace)| trace.as_truth(key)).collect();
        traces.sort_by(|a, b| {
            (&a.issuer, a.trace_date, &a.trace_no).cmp(&(&b.issuer, b.trace_date, &b.trace_no))
        });
        let mut totals = Totals::default();
        let mut currencies = BTreeMap::<String, Totals>::new();
        for trace in &traces {
            totals.add(trace);
            if !trace.currency.is_empty() {
                currencies.entry(trace.currency.clone()).or_default().add(trace);
            }
        }
        Truth { traces, totals, currencies }
    }
}

/// The method for which accounts are issued.
const ACCOUNT_METHOD: &str = "VIRTUAL_ACCOUNT";

/// Twelve digits: too few for a card number.
fn account(number: u64, due_at: chrono::DateTime<chrono::Utc>) -> Account {
    Account {
        bank_code: "088".to_owned(),
        account_no: format!("9{:011}", number % 100_000_000_000),
        holder: "simulated issuer".to_owned(),
        due_at,
    }
}

fn declined(code: &str) -> Answer {
    Answer::Declined { code: code.to_owned() }
}

impl Trace {
    fn approved(&self) -> i64 {
        // an account holds what is wanted once all of it has arrived
        let has_money = self.account.is_none() || self.deposited >= self.amount;
        let times = if self.beside.is_some() { 2 } else { 1 };
        if matches!(self.approval, Approval::Approved(_)) && has_money { times * self.amount } else { 0 }
    }

    fn reversed(&self) -> i64 {
        if self.reversed && self.approved() > 0 { self.amount } else { 0 }
    }

    fn canceled(&self) -> i64 {
        self.cancels.values().map(|given| given.amount).sum()
    }

    fn effective(&self) -> i64 {
        self.approved() - self.reversed() - self.canceled()
    }

    fn as_truth(&self, key: &TraceKey) -> TraceTruth {
        TraceTruth {
            issuer: key.issuer.clone(),
            trace_date: key.date,
            trace_no: key.no.clone(),
            currency: self.currency.clone(),
            auth_no: match &self.approval {
                Approval::Approved(auth_no) => Some(auth_no.clone()),
                Approval::None | Approval::Declined(_) => None,
            },
            approved: self.approved(),
            reversed: self.reversed(),
            canceled: self.canceled(),
            effective: self.effective(),
            authorization_requests: self.requests.authorizations,
            reversal_requests: self.requests.reversals,
            cancel_requests: self.requests.cancels,
        }
    }
}

/// What `GET /control/truth` answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Truth {
    /// Every trace, in the order of its key.
    pub traces: Vec<TraceTruth>,
    /// Minor units over all currencies; meaningful where only one is used.
    pub totals: Totals,
    /// The same per currency.
    pub currencies: BTreeMap<String, Totals>,
}

/// One authorization and all that followed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TraceTruth {
    /// The path in front of `/v1`.
    pub issuer: String,
    /// Day of the trace number.
    pub trace_date: NaiveDate,
    /// The trace number.
    pub trace_no: String,
    /// Three letters; empty when only a reversal was seen.
    pub currency: String,
    /// The approval number, where approved.
    pub auth_no: Option<String>,
    /// Approved amount.
    pub approved: i64,
    /// Reversed amount.
    pub reversed: i64,
    /// Amount given back.
    pub canceled: i64,
    /// What stands: approved − reversed − canceled.
    pub effective: i64,
    /// Authorizations received under this number; more than one is a fault of the sender.
    pub authorization_requests: u32,
    /// Reversals received.
    pub reversal_requests: u32,
    /// Cancels received.
    pub cancel_requests: u32,
}

/// Sums over traces.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Totals {
    /// Approved amount.
    pub approved: i64,
    /// Reversed amount.
    pub reversed: i64,
    /// Amount given back.
    pub canceled: i64,
    /// What stands.
    pub effective: i64,
    /// Authorizations received more than once.
    pub repeated_authorizations: u32,
}

impl Totals {
    fn add(&mut self, trace: &TraceTruth) {
        self.approved += trace.approved;
        self.reversed += trace.reversed;
        self.canceled += trace.canceled;
        self.effective += trace.effective;
        self.repeated_authorizations += trace.authorization_requests.saturating_sub(1);
    }
}

#[cfg(test)]
mod tests;
