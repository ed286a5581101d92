//! Everything that can be inserted: one struct per table, as it stands in its row. The payment's id, slot, origin and the
//! seq of the change are added by the change that carries the fact.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

pub use super::contradiction::{Contradiction, ContradictionStep};
pub use super::correction_fact::{Correction, CorrectionLine, CorrectionRuling, CorrectionVerdict};

use crate::codes;
use crate::money::{Currency, Minor};
use crate::time::BusinessDate;

use super::virtual_account::{Deposit, DepositRefund, DepositRefundOutcome, RefundAccount, VirtualAccount};

codes! {
    /// Where a change comes from.
    Origin {
        /// Decided here.
        Live = "LIVE",
        /// Carried over from the legacy ledger.
        Legacy = "LEGACY",
    }
}

codes! {
    /// How a leg is paid.
    Method {
        /// Credit or debit card.
        Card = "CARD",
        /// A wallet in front of a card or account.
        EasyPay = "EASY_PAY",
        /// Account transfer.
        Transfer = "TRANSFER",
        /// Deposit to an issued account.
        VirtualAccount = "VIRTUAL_ACCOUNT",
        /// Phone bill.
        Mobile = "MOBILE",
        /// Points.
        Points = "POINTS",
    }
}

codes! {
    /// What is asked of an issuer.
    AttemptKind {
        /// Authorize.
        Auth = "AUTH",
        /// Cancel an accepted approval.
        Cancel = "CANCEL",
        /// Undo an abandoned authorization.
        NetCancel = "NET_CANCEL",
        /// Ask how an attempt ended.
        Inquiry = "INQUIRY",
    }
}

codes! {
    /// How a network cancel is put to an issuer, when it is no reversal.
    Way {
        /// A full cancel, by the issuer's reference (R4, R5).
        Cancel = "CANCEL",
    }
}

codes! {
    /// Who sends the bytes.
    SentBy {
        /// The ledger.
        Ledger = "LEDGER",
        /// The payment service.
        Caller = "CALLER",
        /// A predecessor did.
        Legacy = "LEGACY",
    }
}

codes! {
    /// What came back from an issuer.
    ResultOutcome {
        /// Authorized.
        Approved = "APPROVED",
        /// Refused.
        Declined = "DECLINED",
        /// No answer in time.
        Timeout = "TIMEOUT",
        /// An answer that cannot be read.
        Garbled = "GARBLED",
        /// The connection broke after bytes had left.
        Reset = "RESET",
        /// Proof that no byte left.
        NotSent = "NOT_SENT",
        /// The issuer knows no such authorization.
        NoOriginal = "NO_ORIGINAL",
        /// The authorization is undone.
        Reversed = "REVERSED",
        /// The approval is canceled.
        Canceled = "CANCELED",
        /// Already captured: no longer to be undone this way.
        TooLate = "TOO_LATE",
        /// An account is issued; the money is yet to come.
        Issued = "ISSUED",
    }
}

impl ResultOutcome {
    /// Whether the issuer may have acted without our knowing.
    pub const fn is_uncertain(self) -> bool {
        match self {
            Self::Timeout | Self::Garbled | Self::Reset => true,
            Self::Approved
            | Self::Declined
            | Self::NotSent
            | Self::NoOriginal
            | Self::Reversed
            | Self::Canceled
            | Self::TooLate
            | Self::Issued => false,
        }
    }
}

codes! {
    /// How an answer reached us.
    ResultSource {
        /// On the connection that asked.
        Sync = "SYNC",
        /// After we had stopped waiting.
        Late = "LATE",
        /// By asking again.
        Inquiry = "INQUIRY",
        /// From the issuer's daily file.
        ReconFile = "RECON_FILE",
        /// An operator's word.
        Operator = "OPERATOR",
        /// A payment service's word.
        Caller = "CALLER",
        /// From the legacy ledger.
        Legacy = "LEGACY",
    }
}

codes! {
    /// How a payment's first phase ended.
    Verdict {
        /// Every leg accepted, the sum is the total.
        Confirmed = "CONFIRMED",
        /// Nothing is owed; what was approved is undone.
        Aborted = "ABORTED",
        /// Not confirmed in time.
        Expired = "EXPIRED",
        /// Given up by its merchant while it waited for a deposit.
        Canceled = "CANCELED",
    }
}

codes! {
    /// Why an authorization is undone.
    NetworkCancelReason {
        /// No answer in time.
        Timeout = "TIMEOUT",
        /// An unreadable answer.
        Garbled = "GARBLED",
        /// A broken connection.
        Reset = "RESET",
        /// The answer could not be recorded.
        LedgerWriteFailed = "LEDGER_WRITE_FAILED",
        /// The process that sent it died.
        CrashRecovery = "CRASH_RECOVERY",
        /// Another leg failed.
        SiblingFailed = "SIBLING_FAILED",
        /// The deposit of another leg did not come in time.
        Expired = "EXPIRED",
        /// The merchant gave the payment up while it waited for a deposit.
        MerchantCanceled = "MERCHANT_CANCELED",
    }
}

codes! {
    /// How a network cancel stands.
    ReversalOutcome {
        /// The issuer has undone it: final.
        Voided = "VOIDED",
        /// The issuer knows nothing of it, even after the late window.
        VoidedProvisional = "VOIDED_PROVISIONAL",
        /// An approval surfaced after all: undo it again.
        Reopened = "REOPENED",
        /// Handed to people.
        Escalated = "ESCALATED",
    }
}

codes! {
    /// Who wants a cancel.
    CancelKind {
        /// The merchant.
        Merchant = "MERCHANT",
        /// The ledger, in place of a network cancel that came too late.
        System = "SYSTEM",
    }
}

codes! {
    /// How a leg's share of a cancel ended.
    ShareOutcome {
        /// Refunded.
        Done = "DONE",
        /// Definitely refused by the issuer.
        Failed = "FAILED",
    }
}

codes! {
    /// What a balance link does.
    LinkKind {
        /// Puts the approved amount in.
        Open = "OPEN",
        /// Takes the share of a cancel out.
        Hold = "HOLD",
        /// Puts the share of a failed cancel back.
        Release = "RELEASE",
    }
}

codes! {
    /// Where VAT figures come from.
    TaxSource {
        /// A tenth of the supply value, on what remains.
        Formula = "FORMULA",
        /// As the legacy ledger had them.
        Legacy = "LEGACY",
    }
}

/// Row of `payment`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PaymentOpened {
    pub merchant_id: String,
    pub order_id: String,
    pub try_no: u16,
    pub currency: Currency,
    pub total: Minor,
    pub tax_free: Minor,
    pub vat: Minor,
    pub tax_source: TaxSource,
    pub contract_version: u32,
    pub fee: Minor,
    pub fee_vat: Minor,
    pub created_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
}

/// What may be kept of a card: never its number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CardRef {
    pub bin: String,
    pub last4: String,
}

/// Row of `approval`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Approval {
    pub leg_no: u8,
    pub method: Method,
    pub issuer_id: String,
    pub amount: Minor,
    pub tax_free: Minor,
    pub partial_cancelable: bool,
    pub refund_priority: u16,
    pub card: Option<CardRef>,
    pub method_token: Option<String>,
    pub installment_months: u8,
    /// The version of its method's rule; none for legs from before there were rules.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule_version: Option<u32>,
    /// Until when its deposit is to come, for a virtual account.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deposit_due_at: Option<DateTime<Utc>>,
}

/// Row of `attempt`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Attempt {
    pub leg_no: u8,
    pub kind: AttemptKind,
    pub attempt_no: u16,
    pub issuer_id: String,
    pub trace_date: NaiveDate,
    pub trace_no: String,
    pub amount: Minor,
    /// The AUTH attempt that a network cancel or inquiry is about.
    pub target_no: Option<u16>,
    /// The cancellation that a CANCEL attempt serves.
    pub cancel_no: Option<u16>,
    pub sent_by: SentBy,
    pub deadline_at: DateTime<Utc>,
    /// Which approval of that AUTH attempt it names to the issuer; nothing when none was known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target_result: Option<u16>,
    /// How a network cancel is put, when it is no reversal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub way: Option<Way>,
}

/// Row of `attempt_result`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AttemptResult {
    pub leg_no: u8,
    pub kind: AttemptKind,
    pub attempt_no: u16,
    pub outcome: ResultOutcome,
    pub result_no: u16,
    pub source: ResultSource,
    pub issuer_ref: Option<String>,
    pub issuer_code: Option<String>,
    pub received_at: DateTime<Utc>,
}

/// What is made of an AUTH attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Ruling {
    /// The approval stands, on this APPROVED result.
    Accept { result_no: u16 },
    /// The issuer refused, or nothing was sent.
    Reject,
    /// Unknown, or no longer wanted: to be undone.
    Abandon,
}

impl Ruling {
    /// The code in `attempt_verdict.verdict`.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Accept { .. } => "ACCEPT",
            Self::Reject => "REJECT",
            Self::Abandon => "ABANDON",
        }
    }
}

/// Row of `attempt_verdict`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AttemptVerdict {
    pub leg_no: u8,
    pub attempt_no: u16,
    pub ruling: Ruling,
    pub decided_at: DateTime<Utc>,
}

/// Row of `payment_verdict`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PaymentVerdict {
    pub merchant_id: String,
    pub order_id: String,
    pub try_no: u16,
    pub verdict: Verdict,
    pub reason: Option<String>,
    pub business_date: BusinessDate,
    pub decided_at: DateTime<Utc>,
}

/// Row of `network_cancel`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NetworkCancel {
    pub leg_no: u8,
    pub attempt_no: u16,
    pub reason: NetworkCancelReason,
    pub late_until: DateTime<Utc>,
    pub valid_until: DateTime<Utc>,
    pub requested_at: DateTime<Utc>,
}

/// Row of `network_cancel_outcome`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NetworkCancelOutcome {
    pub leg_no: u8,
    pub attempt_no: u16,
    pub outcome_no: u8,
    pub outcome: ReversalOutcome,
    pub decided_at: DateTime<Utc>,
}

/// Row of `cancellation`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Cancellation {
    pub cancel_no: u16,
    pub cancel_request_id: String,
    pub kind: CancelKind,
    pub amount: Minor,
    pub tax_free: Minor,
    pub vat: Minor,
    pub fee: Minor,
    pub fee_vat: Minor,
    pub reason: String,
    pub business_date: BusinessDate,
    pub requested_at: DateTime<Utc>,
}

/// Row of `cancel_share`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct CancelShare {
    pub cancel_no: u16,
    pub leg_no: u8,
    pub amount: Minor,
    pub tax_free: Minor,
    pub vat: Minor,
    pub fee: Minor,
    pub fee_vat: Minor,
}

/// Row of `cancel_outcome`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct CancelOutcome {
    pub cancel_no: u16,
    pub leg_no: u8,
    pub outcome: ShareOutcome,
    pub decided_at: DateTime<Utc>,
}

/// Row of `balance_link`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct BalanceLink {
    pub leg_no: u8,
    pub link_no: u32,
    pub kind: LinkKind,
    pub cancel_no: Option<u16>,
    pub before: Option<Minor>,
    pub delta: i64,
    pub after: Minor,
}

/// Anything that can be inserted about a payment, parents before children.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub enum Fact {
    Payment(PaymentOpened),
    Approval(Approval),
    Attempt(Attempt),
    Result(AttemptResult),
    AttemptVerdict(AttemptVerdict),
    PaymentVerdict(PaymentVerdict),
    NetworkCancel(NetworkCancel),
    NetworkCancelOutcome(NetworkCancelOutcome),
    Cancellation(Cancellation),
    CancelShare(CancelShare),
    CancelOutcome(CancelOutcome),
    BalanceLink(BalanceLink),
    Correction(Correction),
    CorrectionLine(CorrectionLine),
    CorrectionVerdict(CorrectionVerdict),
    VirtualAccount(VirtualAccount),
    Deposit(Deposit),
    RefundAccount(RefundAccount),
    DepositRefund(DepositRefund),
    DepositRefundOutcome(DepositRefundOutcome),
    Contradiction(Contradiction),
}

impl Fact {
    /// Where the fact stands among those of its change, whatever order they were read in: table, then key.
    pub fn place(&self) -> (u8, u32, u32, u32) {
        match self {
            Self::Payment(_) => (0, 0, 0, 0),
            Self::Approval(f) => (1, f.leg_no.into(), 0, 0),
            Self::Attempt(f) => (2, f.leg_no.into(), kind_place(f.kind), f.attempt_no.into()),
            Self::Result(f) => (
                3,
                f.leg_no.into(),
                kind_place(f.kind) * 65_536 + u32::from(f.attempt_no),
                f.result_no.into(),
            ),
            Self::VirtualAccount(f) => (4, f.leg_no.into(), 0, 0),
            Self::Deposit(f) => (5, f.leg_no.into(), f.deposit_no.into(), 0),
            Self::AttemptVerdict(f) => (6, f.leg_no.into(), f.attempt_no.into(), 0),
            Self::PaymentVerdict(_) => (7, 0, 0, 0),
            Self::NetworkCancel(f) => (8, f.leg_no.into(), f.attempt_no.into(), 0),
            Self::NetworkCancelOutcome(f) => (9, f.leg_no.into(), f.attempt_no.into(), f.outcome_no.into()),
            Self::Cancellation(f) => (10, f.cancel_no.into(), 0, 0),
            Self::CancelShare(f) => (11, f.cancel_no.into(), f.leg_no.into(), 0),
            Self::CancelOutcome(f) => (12, f.cancel_no.into(), f.leg_no.into(), 0),
            Self::BalanceLink(f) => (13, f.leg_no.into(), f.link_no, 0),
            Self::RefundAccount(f) => (14, f.cancel_no.into(), 0, 0),
            Self::DepositRefund(f) => (15, f.leg_no.into(), f.refund_no.into(), 0),
            Self::DepositRefundOutcome(f) => (16, f.leg_no.into(), f.refund_no.into(), 0),
            Self::Contradiction(f) => (
                17,
                f.leg_no.into(),
                kind_place(f.kind) * 65_536 + u32::from(f.attempt_no),
                u32::from(f.result_no) * 16 + u32::from(f.step_no),
            ),
            Self::Correction(f) => (40, f.correction_no.into(), 0, 0),
            Self::CorrectionLine(f) => (41, f.correction_no.into(), f.line_no.into(), 0),
            Self::CorrectionVerdict(f) => (42, f.correction_no.into(), 0, 0),
        }
    }
}

const fn kind_place(kind: AttemptKind) -> u32 {
    match kind {
        AttemptKind::Auth => 0,
        AttemptKind::Cancel => 1,
        AttemptKind::NetCancel => 2,
        AttemptKind::Inquiry => 3,
    }
}
