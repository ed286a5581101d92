//! Posting rules: which balanced lines a change writes.
//!
//! | fact | debit | credit |
//! |---|---|---|
//! | deposit | issuer receivable, for the leg | suspense, for the leg |
//! | CONFIRMED | issuer receivable (of a deposited leg: suspense), per leg | merchant payable, fee revenue, output VAT |
//! | share of a cancel DONE | merchant payable, fee revenue, output VAT | issuer receivable, for the leg |
//! | correction APPROVED | as proposed | as proposed |
//! | refund of a deposit DONE | suspense, for the leg | issuer receivable, for the leg |
//!
//! So suspense holds what arrived and is nobody's yet: deposits of a payment that still waits, what came too late or was too
//! much, until it goes back.
//! Money whose fate is unknown is in no account: it is exposure until an issuer's word settles it.

use serde::Serialize;

use crate::codes;
use crate::money::{AmountError, Currency, Minor};
use crate::payment::correction_fact::{CorrectionRuling, CorrectionVerdict};
use crate::payment::fact::{CancelShare, Fact, ShareOutcome, Verdict};
use crate::payment::fold::Payment;
use crate::time::BusinessDate;

codes! {
    /// The accounts.
    Account {
        /// What issuers owe us.
        IssuerReceivable = "ISSUER_RECEIVABLE",
        /// What we owe the merchant.
        MerchantPayable = "MERCHANT_PAYABLE",
        /// What we earn.
        FeeRevenue = "FEE_REVENUE",
        /// VAT on what we earn.
        OutputVat = "OUTPUT_VAT",
        /// What arrived and is nobody's yet.
        Suspense = "SUSPENSE",
    }
}

codes! {
    /// The side of a line.
    Side {
        /// Debit.
        Debit = "D",
        /// Credit.
        Credit = "C",
    }
}

impl Side {
    /// The other one.
    #[must_use]
    pub const fn opposite(self) -> Self {
        match self {
            Self::Debit => Self::Credit,
            Self::Credit => Self::Debit,
        }
    }
}

/// Row of `journal_line`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct JournalLine {
    pub line_no: u16,
    pub account: Account,
    pub side: Side,
    pub currency: Currency,
    pub amount: Minor,
    pub merchant_id: String,
    pub leg_no: Option<u8>,
    pub business_date: BusinessDate,
}

/// The lines of a change: `payment` as it is with `added` folded in.
pub fn post(payment: &Payment, added: &[Fact]) -> Result<Vec<JournalLine>, AmountError> {
    let mut lines = Lines { payment, lines: Vec::new() };
    for fact in added {
        match fact {
            Fact::PaymentVerdict(fact) if fact.verdict == Verdict::Confirmed => {
                lines.confirmed(fact.business_date)?;
            }
            Fact::CancelOutcome(fact) if fact.outcome == ShareOutcome::Done => {
                let day = BusinessDate::in_seoul(fact.decided_at);
                let share = payment
                    .cancel(fact.cancel_no)
                    .and_then(|cancel| cancel.shares.iter().find(|share| share.leg_no == fact.leg_no));
                if let Some(share) = share {
                    lines.refunded(share, day);
                }
            }
            Fact::CorrectionVerdict(fact) if fact.verdict == CorrectionRuling::Approved => {
                lines.corrected(fact);
            }
            Fact::Deposit(fact) => {
                let day = BusinessDate::in_seoul(fact.received_at);
                lines.moved(fact.leg_no, Account::IssuerReceivable, Account::Suspense, fact.amount, day);
            }
            Fact::DepositRefundOutcome(fact) if fact.outcome == ShareOutcome::Done => {
                let day = BusinessDate::in_seoul(fact.decided_at);
                let leg = payment.leg(fact.leg_no);
                if let Some(refunding) = leg.and_then(|leg| leg.refunds.get(&fact.refund_no)) {
                    let amount = refunding.refund.amount;
                    lines.moved(fact.leg_no, Account::Suspense, Account::IssuerReceivable, amount, day);
                }
            }
            Fact::Payment(_)
            | Fact::Approval(_)
            | Fact::Attempt(_)
            | Fact::Result(_)
            | Fact::AttemptVerdict(_)
            | Fact::PaymentVerdict(_)
            | Fact::NetworkCancel(_)
            | Fact::NetworkCancelOutcome(_)
            | Fact::Cancellation(_)
            | Fact::CancelShare(_)
            | Fact::CancelOutcome(_)
            | Fact::BalanceLink(_)
            | Fact::Correction(_)
            | Fact::CorrectionLine(_)
            | Fact::CorrectionVerdict(_)
            | Fact::VirtualAccount(_)
            | Fact::RefundAccount(_)
            | Fact::DepositRefund(_)
            | Fact::DepositRefundOutcome(_)
            | Fact::Contradiction(_) => {}
        }
    }
    Ok(lines.lines)
}

struct Lines<'a> {
    payment: &'a Payment,
    lines: Vec<JournalLine>,
}

impl Lines<'_> {
    fn confirmed(&mut self, day: BusinessDate) -> Result<(), AmountError> {
        let opened = &self.payment.opened;
        for leg in self.payment.legs() {
            let leg_no = Some(leg.approval.leg_no);
            let from = if leg.account.is_some() { Account::Suspense } else { Account::IssuerReceivable };
            self.line(from, leg.approval.amount.get(), leg_no, day);
        }
        let payable = opened.total.minus(opened.fee)?.minus(opened.fee_vat)?;
        self.line(Account::MerchantPayable, -payable.get(), None, day);
        self.line(Account::FeeRevenue, -opened.fee.get(), None, day);
        self.line(Account::OutputVat, -opened.fee_vat.get(), None, day);
        Ok(())
    }

    fn moved(&mut self, leg_no: u8, debit: Account, credit: Account, amount: Minor, day: BusinessDate) {
        self.line(debit, amount.get(), Some(leg_no), day);
        self.line(credit, -amount.get(), Some(leg_no), day);
    }

    /// The parts of fee and VAT are differences of remainders, so a very small share may owe more fee than it is worth:
    /// its merchant line then stands on the other side.
    fn refunded(&mut self, share: &CancelShare, day: BusinessDate) {
        let leg_no = Some(share.leg_no);
        let payable = share.amount.get() - share.fee.get() - share.fee_vat.get();
        self.line(Account::MerchantPayable, payable, leg_no, day);
        self.line(Account::FeeRevenue, share.fee.get(), leg_no, day);
        self.line(Account::OutputVat, share.fee_vat.get(), leg_no, day);
        self.line(Account::IssuerReceivable, -share.amount.get(), leg_no, day);
    }

    /// What was proposed, line by line: line `n` of the change is line `n` of the correction.
    fn corrected(&mut self, verdict: &CorrectionVerdict) {
        let Some(facts) = self.payment.correction(verdict.correction_no) else { return };
        let day = BusinessDate::in_seoul(verdict.decided_at);
        for line in &facts.lines {
            let signed = match line.side {
                Side::Debit => line.amount.get(),
                Side::Credit => -line.amount.get(),
            };
            self.line(line.account, signed, line.leg_no, day);
        }
    }

    /// One line: debit above zero, credit below, none at zero.
    fn line(&mut self, account: Account, signed: i64, leg_no: Option<u8>, business_date: BusinessDate) {
        let side = if signed.is_positive() { Side::Debit } else { Side::Credit };
        let Some(amount) = Minor::new(signed.abs()).ok().filter(|amount| !amount.is_zero()) else { return };
        let line_no = u16::try_from(self.lines.len()).unwrap_or(u16::MAX).saturating_add(1);
        self.lines.push(JournalLine {
            line_no,
            account,
            side,
            currency: self.payment.opened.currency,
            amount,
            merchant_id: self.payment.opened.merchant_id.clone(),
            leg_no,
            business_date,
        });
    }
}
