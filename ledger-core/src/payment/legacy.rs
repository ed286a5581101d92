//! A payment as a legacy ledger tells it, and the changes that carry it over: the first opens and confirms it, each
//! cancellation is a further one. What is there already is left out, so telling it again adds nothing.

use chrono::{DateTime, TimeDelta, Utc};

use crate::change::{Asked, Change, ChangeError};
use crate::ids::{PaymentId, Slot};
use crate::money::{AmountError, Currency, Minor};
use crate::time::BusinessDate;

use super::allocation::Allocation;
use super::allocation::AllocationError;
use super::balance;
use super::fact::{
    Approval, Attempt, AttemptKind, AttemptResult, AttemptVerdict, CancelKind, CancelOutcome, Cancellation,
    CardRef, Fact, Method, Origin, PaymentOpened, PaymentVerdict, ResultOutcome, ResultSource, Ruling,
    SentBy, ShareOutcome, TaxSource, Verdict,
};
use super::fold::Payment;
use super::shares;
use super::tax::Remainder;

/// A payment of a legacy ledger, parsed and checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LegacyPayment {
    /// The legacy ledger.
    pub source: String,
    /// The payment's unique name there.
    pub name: String,
    pub merchant_id: String,
    pub order_id: String,
    pub currency: Currency,
    pub total: i64,
    pub tax_free: i64,
    /// Kept as the legacy ledger had it.
    pub vat: i64,
    pub created_at: DateTime<Utc>,
    pub approvals: Vec<LegacyApproval>,
    /// Oldest first.
    pub cancellations: Vec<LegacyCancellation>,
}

/// One approval of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LegacyApproval {
    pub method: Method,
    pub issuer_id: String,
    pub amount: i64,
    pub tax_free: i64,
    pub approval_no: Option<String>,
    /// Unique at the issuer on the day.
    pub trace_no: String,
    pub approved_at: DateTime<Utc>,
    pub business_date: BusinessDate,
    pub card_bin: Option<String>,
    pub card_last4: Option<String>,
    pub installment_months: u8,
}

/// One cancellation of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LegacyCancellation {
    /// Unique in the payment.
    pub key: String,
    pub amount: i64,
    pub tax_free: i64,
    /// As the legacy ledger had it, or by its proportion.
    pub vat: Option<i64>,
    pub reason: String,
    pub canceled_at: DateTime<Utc>,
    pub business_date: BusinessDate,
}

/// Why a legacy payment cannot be carried over as it is told.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AdoptRefused {
    /// An amount is out of range.
    #[error(transparent)]
    Amount(#[from] AmountError),
    /// The approvals do not make up the total.
    #[error("approvals of {sum} do not make up the total of {total}")]
    ApprovalSum {
        /// Sum of the approvals.
        sum: i64,
        /// The total.
        total: i64,
    },
    /// More was canceled than approved.
    #[error("cancel {key} of {amount} exceeds what is left, {left}")]
    OverCancel {
        /// The cancellation.
        key: String,
        /// Its amount.
        amount: i64,
        /// What is left.
        left: Minor,
    },
    /// The legs cannot carry a cancel.
    #[error(transparent)]
    Allocation(#[from] AllocationError),
    /// What was carried over before differs from what is told now.
    #[error("{field} was {known} when it was carried over and is {told} now")]
    Changed {
        /// Which field.
        field: &'static str,
        /// As carried over.
        known: String,
        /// As told now.
        told: String,
    },
    /// The facts contradict each other.
    #[error(transparent)]
    Change(#[from] ChangeError),
}

/// The id a legacy payment has here: the same name and date give the same id.
pub fn payment_id(told: &LegacyPayment) -> PaymentId {
    let slot = Slot::of(&told.merchant_id, &told.order_id);
    PaymentId::of_legacy(told.created_at, slot, &format!("{}|{}", told.source, told.name))
}

/// The changes that are missing. `known` is what was carried over before;
pub fn adopt(
    told: &LegacyPayment,
    known: Option<Payment>,
    asked: &Asked,
) -> Result<(Vec<Change>, Payment), AdoptRefused> {
    let id = payment_id(told);
    let mut changes = Vec::new();
    let mut payment = if let Some(known) = known {
        unchanged(told, &known)?;
        known
    } else {
        let facts = opened(told)?;
        let (change, payment) = Change::next(id, None, Origin::Legacy, "ADOPT", asked.clone(), facts)?;
        changes.push(change);
        payment
    };
    for cancel in &told.cancellations {
        if payment.cancels().any(|known| known.cancellation.cancel_request_id == cancel.key) {
            continue;
        }
        let facts = canceled(&payment, cancel)?;
        let (change, after) =
            Change::next(id, Some(&payment), Origin::Legacy, "ADOPT_CANCEL", asked.clone(), facts)?;
        changes.push(change);
        payment = after;
    }
    Ok((changes, payment))
}

fn unchanged(told: &LegacyPayment, known: &Payment) -> Result<(), AdoptRefused> {
    let differs = |field, known: String, told: String| {
        if known == told { Ok(()) } else { Err(AdoptRefused::Changed { field, known, told }) }
    };
    differs("total", known.opened.total.to_string(), told.total.to_string())?;
    differs("tax_free", known.opened.tax_free.to_string(), told.tax_free.to_string())?;
    differs("currency", known.opened.currency.to_string(), told.currency.to_string())?;
    differs("approvals", known.legs().count().to_string(), told.approvals.len().to_string())?;
    for cancel in &told.cancellations {
        let before = known.cancels().find(|known| known.cancellation.cancel_request_id == cancel.key);
        if let Some(before) = before {
            differs("cancel amount", before.cancellation.amount.to_string(), cancel.amount.to_string())?;
        }
    }
    Ok(())
}

/// A predecessor sent it, so its deadline is its answer.
pub(crate) fn opened(told: &LegacyPayment) -> Result<Vec<Fact>, AdoptRefused> {
    let sum: i64 = told.approvals.iter().map(|approval| approval.amount).sum();
    if sum != told.total {
        return Err(AdoptRefused::ApprovalSum { sum, total: told.total });
    }
    let confirmed_at =
        told.approvals.iter().map(|approval| approval.approved_at).max().unwrap_or(told.created_at);
    let business_date = told
        .approvals
        .first()
        .map_or(BusinessDate::in_seoul(told.created_at), |approval| approval.business_date);
    let mut facts = vec![
        Fact::Payment(PaymentOpened {
            merchant_id: told.merchant_id.clone(),
            order_id: told.order_id.clone(),
            try_no: 1,
            currency: told.currency,
            total: Minor::new(told.total)?,
            tax_free: Minor::new(told.tax_free)?,
            vat: Minor::new(told.vat)?,
            tax_source: TaxSource::Legacy,
            contract_version: 0,
            fee: Minor::ZERO,
            fee_vat: Minor::ZERO,
            created_at: told.created_at,
            expires_at: told.created_at + TimeDelta::minutes(30),
        }),
        Fact::PaymentVerdict(PaymentVerdict {
            merchant_id: told.merchant_id.clone(),
            order_id: told.order_id.clone(),
            try_no: 1,
            verdict: Verdict::Confirmed,
            reason: None,
            business_date,
            decided_at: confirmed_at,
        }),
    ];
    for (leg_no, approval) in (1_u8..).zip(&told.approvals) {
        facts.extend(approved(leg_no, approval)?);
    }
    Ok(facts)
}

/// The order in which the legacy ledger refunded. It is part of what a carried leg's row holds, so it stays as it is whatever
/// the rules of today say.
const fn refund_priority(method: Method) -> u16 {
    match method {
        Method::Card => 60,
        Method::EasyPay => 50,
        Method::Transfer => 40,
        Method::VirtualAccount => 30,
        Method::Mobile => 20,
        Method::Points => 10,
    }
}

fn approved(leg_no: u8, told: &LegacyApproval) -> Result<Vec<Fact>, AdoptRefused> {
    let amount = Minor::new(told.amount)?;
    let card = told.card_bin.clone().zip(told.card_last4.clone()).map(|(bin, last4)| CardRef { bin, last4 });
    Ok(vec![
        Fact::Approval(Approval {
            leg_no,
            method: told.method,
            issuer_id: told.issuer_id.clone(),
            amount,
            tax_free: Minor::new(told.tax_free)?,
            partial_cancelable: true,
            refund_priority: refund_priority(told.method),
            card,
            method_token: None,
            installment_months: told.installment_months,
            rule_version: None,
            deposit_due_at: None,
        }),
        Fact::Attempt(Attempt {
            leg_no,
            kind: AttemptKind::Auth,
            attempt_no: 1,
            issuer_id: told.issuer_id.clone(),
            trace_date: told.business_date.day(),
            trace_no: told.trace_no.clone(),
            amount,
            target_no: None,
            cancel_no: None,
            sent_by: SentBy::Legacy,
            deadline_at: told.approved_at,
            target_result: None,
            way: None,
        }),
        Fact::Result(AttemptResult {
            leg_no,
            kind: AttemptKind::Auth,
            attempt_no: 1,
            outcome: ResultOutcome::Approved,
            result_no: 1,
            source: ResultSource::Legacy,
            issuer_ref: told.approval_no.clone(),
            issuer_code: None,
            received_at: told.approved_at,
        }),
        Fact::AttemptVerdict(AttemptVerdict {
            leg_no,
            attempt_no: 1,
            ruling: Ruling::Accept { result_no: 1 },
            decided_at: told.approved_at,
        }),
        Fact::BalanceLink(balance::open(leg_no, amount)),
    ])
}

pub(crate) fn canceled(payment: &Payment, told: &LegacyCancellation) -> Result<Vec<Fact>, AdoptRefused> {
    let amount = Minor::new(told.amount)?;
    let left = payment.cancelable()?;
    if amount.is_zero() || amount > left {
        return Err(AdoptRefused::OverCancel { key: told.key.clone(), amount: told.amount, left });
    }
    let cancel_no = payment.next_cancel_no();
    let (least, most) = Remainder::of(payment)?.tax_free_bounds(amount)?;
    let shares = shares::plan(
        payment,
        cancel_no,
        &Allocation::RefundOrder,
        amount,
        Minor::new(told.tax_free)?.clamp(least, most),
    )?;
    let mut facts = vec![Fact::Cancellation(Cancellation {
        cancel_no,
        cancel_request_id: told.key.clone(),
        kind: CancelKind::Merchant,
        amount,
        tax_free: Minor::sum(shares.iter().map(|share| share.tax_free))?,
        vat: Minor::sum(shares.iter().map(|share| share.vat))?,
        fee: Minor::sum(shares.iter().map(|share| share.fee))?,
        fee_vat: Minor::sum(shares.iter().map(|share| share.fee_vat))?,
        reason: told.reason.clone(),
        business_date: told.business_date,
        requested_at: told.canceled_at,
    })];
    for share in shares {
        let Some(leg) = payment.leg(share.leg_no) else { continue };
        facts.push(Fact::BalanceLink(balance::hold(leg, cancel_no, share.amount)?));
        facts.push(Fact::CancelShare(share));
        facts.push(Fact::CancelOutcome(CancelOutcome {
            cancel_no,
            leg_no: share.leg_no,
            outcome: ShareOutcome::Done,
            decided_at: told.canceled_at,
        }));
    }
    Ok(facts)
}
