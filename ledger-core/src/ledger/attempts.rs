//! Attempts that are in the ledger: the only ones that can be sent.

use chrono::{DateTime, NaiveDate, Utc};

use crate::ids::PaymentId;
use crate::money::Currency;
use crate::payment::attempt::AttemptFacts;
use crate::payment::fact::{AttemptKind, Method, Way};
use crate::payment::fold::{Leg, Payment};
use crate::payment::reverse;
use crate::payment::virtual_account::Receiver;

/// Which attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct AttemptKey {
    /// The payment.
    pub payment_id: PaymentId,
    /// Its leg.
    pub leg_no: u8,
    /// What is asked.
    pub kind: AttemptKind,
    /// The how-manieth of its kind.
    pub attempt_no: u16,
}

/// The message an attempt is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Original {
    /// Day of its trace number.
    pub trace_date: NaiveDate,
    /// Its trace number.
    pub trace_no: String,
    /// The authorization number, where one is known.
    pub auth_no: Option<String>,
}

/// An attempt whose row is committed. There is no way to make one but through the ledger, and sending takes it.
#[derive(Debug)]
pub struct CommittedAttempt {
    key: AttemptKey,
    issuer_id: String,
    trace_date: NaiveDate,
    trace_no: String,
    amount: i64,
    currency: Currency,
    method: Method,
    method_token: Option<String>,
    installment_months: u8,
    deposit_due_at: Option<DateTime<Utc>>,
    refund_to: Option<Receiver>,
    original: Option<Original>,
    way: Option<Way>,
    deadline_at: DateTime<Utc>,
}

impl CommittedAttempt {
    /// An attempt of a payment that has just been committed.
    pub(super) fn of(payment: &Payment, leg: &Leg, facts: &AttemptFacts) -> Self {
        let attempt = &facts.attempt;
        Self {
            key: AttemptKey {
                payment_id: payment.id,
                leg_no: attempt.leg_no,
                kind: attempt.kind,
                attempt_no: attempt.attempt_no,
            },
            issuer_id: attempt.issuer_id.clone(),
            trace_date: attempt.trace_date,
            trace_no: attempt.trace_no.clone(),
            amount: attempt.amount.get(),
            currency: payment.opened.currency,
            method: leg.approval.method,
            method_token: leg.approval.method_token.clone(),
            installment_months: leg.approval.installment_months,
            deposit_due_at: leg.approval.deposit_due_at,
            refund_to: refund_to(payment, facts),
            original: original(leg, facts),
            way: attempt.way,
            deadline_at: attempt.deadline_at,
        }
    }

    /// Which attempt it is.
    pub const fn key(&self) -> AttemptKey {
        self.key
    }

    /// The payment.
    pub const fn payment_id(&self) -> PaymentId {
        self.key.payment_id
    }

    /// Its leg.
    pub const fn leg_no(&self) -> u8 {
        self.key.leg_no
    }

    /// What is asked.
    pub const fn kind(&self) -> AttemptKind {
        self.key.kind
    }

    /// The how-manieth of its kind.
    pub const fn attempt_no(&self) -> u16 {
        self.key.attempt_no
    }

    /// Whom to ask.
    pub fn issuer_id(&self) -> &str {
        &self.issuer_id
    }

    /// Day of the trace number.
    pub const fn trace_date(&self) -> NaiveDate {
        self.trace_date
    }

    /// The number under which the issuer knows it.
    pub fn trace_no(&self) -> &str {
        &self.trace_no
    }

    /// Minor units.
    pub const fn amount(&self) -> i64 {
        self.amount
    }

    /// Of this currency.
    pub const fn currency(&self) -> Currency {
        self.currency
    }

    /// How the leg is paid.
    pub const fn method(&self) -> Method {
        self.method
    }

    /// What stands for the card or account.
    pub fn method_token(&self) -> Option<&str> {
        self.method_token.as_deref()
    }

    /// Instalments, 0 for none.
    pub const fn installment_months(&self) -> u8 {
        self.installment_months
    }

    /// Until when the account that is to be issued takes a deposit.
    pub const fn deposit_due_at(&self) -> Option<DateTime<Utc>> {
        self.deposit_due_at
    }

    /// Where the money of a cancel goes, when the leg was deposited.
    pub const fn refund_to(&self) -> Option<&Receiver> {
        self.refund_to.as_ref()
    }

    /// The message it is about, for anything but an authorization.
    pub const fn original(&self) -> Option<&Original> {
        self.original.as_ref()
    }

    /// How a network cancel is put, when it is no reversal.
    pub const fn way(&self) -> Option<Way> {
        self.way
    }

    /// When it must have been answered.
    pub const fn deadline_at(&self) -> DateTime<Utc> {
        self.deadline_at
    }
}

fn refund_to(payment: &Payment, facts: &AttemptFacts) -> Option<Receiver> {
    let cancel = payment.cancel(facts.attempt.cancel_no?)?;
    let leg = payment.leg(facts.attempt.leg_no).filter(|leg| leg.approval.method == Method::VirtualAccount);
    leg.and(cancel.refund_account.as_ref()).map(|account| account.receiver.clone())
}

fn original(leg: &Leg, facts: &AttemptFacts) -> Option<Original> {
    let (about, auth_no) = match facts.attempt.kind {
        AttemptKind::Auth => return None,
        AttemptKind::Cancel => {
            let accepted = leg.accepted()?;
            (accepted, leg.auth_no().or_else(|| accepted.issuer_ref()))
        }
        AttemptKind::NetCancel | AttemptKind::Inquiry => (
            leg.attempts.get(&(AttemptKind::Auth, facts.attempt.target_no?))?,
            reverse::reference(leg, &facts.attempt),
        ),
    };
    Some(Original {
        trace_date: about.attempt.trace_date,
        trace_no: about.attempt.trace_no.clone(),
        auth_no: auth_no.map(str::to_owned),
    })
}
