//! Virtual accounts, deposits and their refunds as a merchant sees them.

use ledger_core::money::AmountError;
use ledger_core::payment::fact::{Method, ShareOutcome};
use ledger_core::payment::fold::{Leg, Payment};
use ledger_core::payment::virtual_account::{Deposit, Refunding};
use ledger_core::time;
use serde::Serialize;
use utoipa::ToSchema;

use crate::view::PaymentView;

/// The virtual account of an approval, and what arrived there.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = VirtualAccount)]
pub struct VirtualAccountView {
    /// The bank, once the account is issued.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bank_code: Option<String>,
    /// The number to deposit to, once it is issued.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account_no: Option<String>,
    /// In whose name it stands.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub holder: Option<String>,
    /// Until when a deposit counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub due_at: Option<String>,
    /// What has arrived and counts; the payment is DONE once it is the approval's amount.
    pub deposited_amount: i64,
    /// What has arrived and is nobody's: all of it until the payment is DONE, then what was too much or too late.
    pub suspense_amount: i64,
    /// What of it can be refunded now: nothing while the payment waits.
    pub refundable_amount: i64,
    /// What arrived, oldest first.
    pub deposits: Vec<DepositView>,
    /// What was sent back from suspense, oldest first.
    pub refunds: Vec<DepositRefundView>,
}

/// Money that arrived.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Deposit)]
pub struct DepositView {
    /// The approval.
    pub leg: u8,
    /// Its number within the payment.
    pub deposit_no: u16,
    /// The bank's name for it.
    pub bank_reference: String,
    /// How much arrived.
    pub amount: i64,
    /// How much of it counts; the rest is in suspense.
    pub counted_amount: i64,
    /// When it was deposited.
    pub deposited_at: String,
    /// When the ledger was told.
    pub received_at: String,
}

/// Suspense money sent back.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = DepositRefund)]
pub struct DepositRefundView {
    /// The approval.
    pub leg: u8,
    /// Its number within the payment.
    pub refund_no: u16,
    /// How much.
    pub amount: i64,
    /// IN_PROGRESS, DONE or FAILED.
    pub status: &'static str,
    /// The bank it goes to.
    pub bank_code: String,
    /// The bank's name for the transfer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bank_reference: Option<String>,
    /// Why.
    pub reason: String,
    /// When it was asked for.
    pub requested_at: String,
    /// When it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<String>,
}

/// What a deposit comes to.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DepositedPayment)]
pub struct DepositedView {
    /// The deposit.
    pub deposit: DepositView,
    /// The payment after it.
    pub payment: PaymentView,
}

/// What a refund of suspense money comes to.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DepositRefundedPayment)]
pub struct DepositRefundedView {
    /// The refund.
    pub refund: DepositRefundView,
    /// The payment after it.
    pub payment: PaymentView,
}

impl VirtualAccountView {
    /// Of a leg; none when it is paid otherwise.
    pub fn of(payment: &Payment, leg: &Leg) -> Result<Option<Self>, AmountError> {
        if leg.approval.method != Method::VirtualAccount {
            return Ok(None);
        }
        let account = leg.account.as_ref().map(|fact| &fact.account);
        let due_at = account.map(|account| account.due_at).or(leg.approval.deposit_due_at);
        Ok(Some(Self {
            bank_code: account.map(|account| account.bank_code.clone()),
            account_no: account.map(|account| account.account_no.clone()),
            holder: account.and_then(|account| account.holder.clone()),
            due_at: due_at.map(time::text),
            deposited_amount: leg.deposited()?.get(),
            suspense_amount: leg.suspense()?.get(),
            refundable_amount: if payment.verdict.is_some() { leg.refundable()?.get() } else { 0 },
            deposits: leg.deposits.iter().map(DepositView::of).collect(),
            refunds: leg.refunds.values().map(DepositRefundView::of).collect(),
        }))
    }
}

impl DepositView {
    fn of(fact: &Deposit) -> Self {
        Self {
            leg: fact.leg_no,
            deposit_no: fact.deposit_no,
            bank_reference: fact.bank_ref.clone(),
            amount: fact.amount.get(),
            counted_amount: fact.counted.get(),
            deposited_at: time::text(fact.deposited_at),
            received_at: time::text(fact.received_at),
        }
    }
}

impl DepositRefundView {
    fn of(refunding: &Refunding) -> Self {
        let (refund, outcome) = (&refunding.refund, refunding.outcome.as_ref());
        Self {
            leg: refund.leg_no,
            refund_no: refund.refund_no,
            amount: refund.amount.get(),
            status: outcome.map_or("IN_PROGRESS", |fact| ShareOutcome::code(fact.outcome)),
            bank_code: refund.receiver.bank_code.clone(),
            bank_reference: outcome.and_then(|fact| fact.bank_ref.clone()),
            reason: refund.reason.clone(),
            requested_at: time::text(refund.requested_at),
            ended_at: outcome.map(|fact| time::text(fact.decided_at)),
        }
    }
}

impl DepositedView {
    /// A payment and one of its deposits.
    pub fn of(payment: &Payment, deposit_no: u16, view: PaymentView) -> Option<Self> {
        let deposit =
            payment.legs().flat_map(|leg| &leg.deposits).find(|fact| fact.deposit_no == deposit_no)?;
        Some(Self { deposit: DepositView::of(deposit), payment: view })
    }
}

impl DepositRefundedView {
    /// A payment and one of its refunds of suspense money.
    pub fn of(payment: &Payment, refund_no: u16, view: PaymentView) -> Option<Self> {
        let refunding = payment.legs().find_map(|leg| leg.refunds.get(&refund_no))?;
        Some(Self { refund: DepositRefundView::of(refunding), payment: view })
    }
}
