//! A payment as its merchant sees it. A pure function of facts and an instant: kept answers can be made again.

use chrono::{DateTime, NaiveDate, Utc};
use ledger_core::ids::PaymentId;
use ledger_core::ledger::Foreseen;
use ledger_core::money::{AmountError, Minor};
use ledger_core::payment::attempt::AttemptFacts;
use ledger_core::payment::fact::{AttemptKind, CancelShare, ShareOutcome, Verdict};
use ledger_core::payment::fold::{Cancel, Leg, Payment, UnknownFact};
use ledger_core::payment::status::Status;
use ledger_core::time;
use serde::Serialize;
use utoipa::ToSchema;

use crate::deposit_view::VirtualAccountView;

/// A payment. Amounts are integers in minor units (won; cents), times are RFC 3339 in Korean time.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Payment)]
pub struct PaymentView {
    /// The payment's id.
    #[schema(value_type = String, format = Uuid)]
    pub id: PaymentId,
    /// The merchant's order.
    pub order_id: String,
    /// The merchant.
    pub merchant_id: String,
    /// The how-manieth try of the order; a further one needs the one before aborted or expired, with nothing left to undo.
    pub try_no: u16,
    /// READY, IN_PROGRESS, WAITING_FOR_DEPOSIT, DONE, PARTIAL_CANCELED, CANCELED, ABORTED or EXPIRED; UNKNOWN while a newer version of
    /// the ledger has written what this one does not understand: see `notUnderstood`.
    pub status: &'static str,
    /// What a newer version has written. Amounts are then those of the rest, and nothing is decided on the payment here.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub not_understood: Vec<NotUnderstoodView>,
    /// KRW or USD.
    pub currency: &'static str,
    /// What was asked for.
    pub total_amount: i64,
    /// What is paid and not refunded; before the verdict what is to be paid, nothing once aborted or expired.
    pub balance_amount: i64,
    /// What a cancel could take now: the balance without what cancels in progress hold.
    pub cancelable_amount: i64,
    /// Supply value in the balance. `suppliedAmount + vat + taxFreeAmount = balanceAmount`.
    pub supplied_amount: i64,
    /// VAT in the balance.
    pub vat: i64,
    /// Tax-free part of the balance.
    pub tax_free_amount: i64,
    /// What issuers may hold without our wanting it: answers that are not known, and approvals not yet undone.
    pub exposure: i64,
    /// What was deposited and is nobody's yet: too little so far, too much, or too late; without what was sent back.
    pub suspense_amount: i64,
    /// How far undoing has come, of a payment that was aborted, has expired or was canceled before its deposit: NONE, PENDING,
    /// DONE or ESCALATED.
    pub reversal: &'static str,
    /// The approvals, one per method.
    pub approvals: Vec<ApprovalView>,
    /// The cancellations, oldest first.
    pub cancels: Vec<CancellationView>,
    /// When it was created.
    pub requested_at: String,
    /// When it was confirmed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approved_at: Option<String>,
    /// Until when it can be confirmed.
    pub expires_at: String,
    /// Number of its last change; also the `ETag`.
    pub version: u32,
}

/// A fact of a newer version.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = NotUnderstood)]
pub struct NotUnderstoodView {
    /// Its kind.
    pub fact: &'static str,
    /// What of it is not known here.
    pub field: &'static str,
    /// The code there.
    pub code: String,
    /// The version of the payment that brought it.
    pub version: u32,
}

/// One approval of a payment.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Approval)]
pub struct ApprovalView {
    /// Its number, in the order of the request.
    pub leg: u8,
    /// CARD, EASY_PAY, TRANSFER, VIRTUAL_ACCOUNT, MOBILE or POINTS.
    pub method: &'static str,
    /// Who approves.
    pub issuer_id: String,
    /// Its part of the payment.
    pub amount: i64,
    /// Tax-free part of it.
    pub tax_free_amount: i64,
    /// IN_FLIGHT, APPROVED, ISSUED, DECLINED, UNCERTAIN, ACCEPTED, REJECTED, CONFLICT, REVERSING, VOIDED, VOIDED_PROVISIONAL or
    /// ESCALATED.
    pub status: &'static str,
    /// The issuer's authorization number, once accepted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auth_no: Option<String>,
    /// When the issuer's approval arrived.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approved_at: Option<String>,
    /// Accepted and not refunded.
    pub balance_amount: i64,
    /// Of the card, only this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub card: Option<CardView>,
    /// Months of instalments, 0 for none.
    pub installment_months: u8,
    /// Whether a part of it can be canceled.
    pub partial_cancelable: bool,
    /// The version of the method's rule under which it was sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule_version: Option<u32>,
    /// For VIRTUAL_ACCOUNT: the account, and what arrived there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub virtual_account: Option<VirtualAccountView>,
    /// The messages to its issuer.
    pub attempts: Vec<AttemptView>,
}

/// What is shown of a card.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Card)]
pub struct CardView {
    /// The first 6 to 8 digits.
    pub bin: String,
    /// The last four digits.
    pub last4: String,
}

/// One message to an issuer.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Attempt)]
pub struct AttemptView {
    /// AUTH, CANCEL, NET_CANCEL or INQUIRY.
    pub kind: &'static str,
    /// The how-manieth of its kind.
    pub attempt_no: u16,
    /// The number under which the issuer knows it.
    pub trace_no: String,
    /// Its amount.
    pub amount: i64,
    /// For AUTH the words of the approval's status; for the others the last answer, or IN_FLIGHT.
    pub state: &'static str,
    /// By when it must have been answered.
    pub deadline_at: String,
    /// What came back, oldest first.
    pub results: Vec<ResultView>,
}

/// What came back from an issuer.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = AttemptResult)]
pub struct ResultView {
    /// APPROVED, ISSUED, DECLINED, TIMEOUT, GARBLED, RESET, NOT_SENT, NO_ORIGINAL, REVERSED, CANCELED or TOO_LATE.
    pub outcome: &'static str,
    /// SYNC, LATE, INQUIRY, RECON_FILE, OPERATOR, CALLER or LEGACY.
    pub source: &'static str,
    /// The issuer's own number for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub issuer_ref: Option<String>,
    /// The issuer's code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub issuer_code: Option<String>,
    /// When it arrived.
    pub received_at: String,
}

/// A cancellation.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Cancellation)]
pub struct CancellationView {
    /// Its id.
    pub id: String,
    /// What is to be refunded.
    pub cancel_amount: i64,
    /// IN_PROGRESS, DONE, PARTIALLY_DONE or FAILED.
    pub cancel_status: &'static str,
    /// What has been refunded.
    pub done_amount: i64,
    /// Supply value in it. `suppliedAmount + vat + taxFreeAmount = cancelAmount`.
    pub supplied_amount: i64,
    /// VAT in it: the difference of what remains.
    pub vat: i64,
    /// Tax-free part of it.
    pub tax_free_amount: i64,
    /// The merchant's words.
    pub reason: String,
    /// When it was asked for.
    pub requested_at: String,
    /// When its last share ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<String>,
    /// Which approvals carry it.
    pub allocations: Vec<AllocationView>,
}

/// The share of a cancellation that one approval carries.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Allocation)]
pub struct AllocationView {
    /// The approval.
    pub leg: u8,
    /// Its part.
    pub amount: i64,
    /// Tax-free part of it.
    pub tax_free_amount: i64,
    /// VAT in it.
    pub vat: i64,
    /// IN_PROGRESS, DONE or FAILED.
    pub status: &'static str,
}

/// An attempt that its caller is about to send.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = CallerAttempt)]
pub struct CallerAttemptView {
    /// The payment.
    #[schema(value_type = String, format = Uuid)]
    pub payment_id: PaymentId,
    /// The approval.
    pub leg: u8,
    /// The how-manieth authorization of it.
    pub attempt_no: u16,
    /// Whom to ask.
    pub issuer_id: String,
    /// Day of the trace number.
    #[schema(value_type = String, format = Date)]
    pub trace_date: NaiveDate,
    /// The number under which the issuer is to know it: what undoes it names no other.
    pub trace_no: String,
    /// In minor units.
    pub amount: i64,
    /// KRW or USD.
    pub currency: &'static str,
    /// By when its result is to be told; after that it is given up and undone.
    pub deadline_at: String,
    /// Number of the payment's last change; also the `ETag`.
    pub version: u32,
}

impl CallerAttemptView {
    /// The last authorization of a leg.
    pub fn of(payment: &Payment, leg_no: u8) -> Option<Self> {
        let attempt = &payment.leg(leg_no)?.authorizations().last()?.attempt;
        Some(Self {
            payment_id: payment.id,
            leg: leg_no,
            attempt_no: attempt.attempt_no,
            issuer_id: attempt.issuer_id.clone(),
            trace_date: attempt.trace_date,
            trace_no: attempt.trace_no.clone(),
            amount: attempt.amount.get(),
            currency: payment.opened.currency.code(),
            deadline_at: time::text(attempt.deadline_at),
            version: payment.head.seq,
        })
    }
}

/// What a cancel comes to.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CanceledPayment)]
#[serde(rename_all = "camelCase")]
pub struct CanceledView {
    /// `true` when nothing of this has happened: it is what the same request without `dryRun` would come to if every issuer
    /// refunded. Absent otherwise.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[schema(required = false)]
    pub dry_run: bool,
    /// The cancellation that this request made; absent when the payment was canceled before its deposit: nothing was paid.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cancellation: Option<CancellationView>,
    /// The payment after it.
    pub payment: PaymentView,
}

/// Balance and the parts of it.
struct Figures {
    balance: Minor,
    tax_free: Minor,
    vat: Minor,
}

impl Figures {
    fn of(payment: &Payment, status: Status) -> Result<Self, AmountError> {
        let opened = &payment.opened;
        let whole = Self { balance: opened.total, tax_free: opened.tax_free, vat: opened.vat };
        match status {
            Status::Canceled if payment.is_closed() => {
                Ok(Self { balance: Minor::ZERO, tax_free: Minor::ZERO, vat: Minor::ZERO })
            }
            Status::Ready | Status::InProgress | Status::WaitingForDeposit | Status::Unknown => Ok(whole),
            Status::Aborted | Status::Expired => {
                Ok(Self { balance: Minor::ZERO, tax_free: Minor::ZERO, vat: Minor::ZERO })
            }
            Status::Done | Status::PartialCanceled | Status::Canceled => {
                payment.shares(ShareOutcome::Done).try_fold(whole, Self::without)
            }
        }
    }

    fn without(self, share: &CancelShare) -> Result<Self, AmountError> {
        Ok(Self {
            balance: self.balance.minus(share.amount)?,
            tax_free: self.tax_free.minus(share.tax_free)?,
            vat: self.vat.minus(share.vat)?,
        })
    }
}

impl From<&UnknownFact> for NotUnderstoodView {
    fn from(fact: &UnknownFact) -> Self {
        Self { fact: fact.table, field: fact.column, code: fact.code.clone(), version: fact.seq }
    }
}

impl PaymentView {
    /// The payment at `now`.
    pub fn of(payment: &Payment, now: DateTime<Utc>) -> Result<Self, AmountError> {
        let opened = &payment.opened;
        let status = payment.status(now);
        let figures = Figures::of(payment, status)?;
        let confirmed = payment.verdict.as_ref().filter(|verdict| verdict.verdict == Verdict::Confirmed);
        Ok(Self {
            id: payment.id,
            order_id: opened.order_id.clone(),
            merchant_id: opened.merchant_id.clone(),
            try_no: opened.try_no,
            status: status.code(),
            not_understood: payment.unknown().iter().map(NotUnderstoodView::from).collect(),
            currency: opened.currency.code(),
            total_amount: opened.total.get(),
            balance_amount: figures.balance.get(),
            cancelable_amount: if status == Status::Unknown { 0 } else { payment.cancelable()?.get() },
            supplied_amount: figures.balance.minus(figures.vat)?.minus(figures.tax_free)?.get(),
            vat: figures.vat.get(),
            tax_free_amount: figures.tax_free.get(),
            exposure: payment.exposure(now).get(),
            suspense_amount: payment.suspense()?.get(),
            reversal: payment.reversal(now).code(),
            approvals: payment.legs().map(|leg| approval(payment, leg, now)).collect::<Result<_, _>>()?,
            cancels: payment
                .cancels()
                .map(|cancel| CancellationView::of(payment, cancel))
                .collect::<Result<_, _>>()?,
            requested_at: time::text(opened.created_at),
            approved_at: confirmed.map(|verdict| time::text(verdict.decided_at)),
            expires_at: time::text(opened.expires_at),
            version: payment.head.seq,
        })
    }

    /// The payment as a kept answer shows it: at the instant of its own verdict, so that every process that renders the
    /// answer renders the same bytes.
    pub fn kept(payment: &Payment) -> Result<Self, AmountError> {
        let at = payment.verdict.as_ref().map_or(payment.opened.created_at, |verdict| verdict.decided_at);
        Self::of(payment, at)
    }
}

fn approval(payment: &Payment, leg: &Leg, now: DateTime<Utc>) -> Result<ApprovalView, AmountError> {
    let planned = &leg.approval;
    let accepted = leg.accepted().and_then(AttemptFacts::approval);
    let done = payment.shares(ShareOutcome::Done).filter(|share| share.leg_no == planned.leg_no);
    let done = Minor::sum(done.map(|share| share.amount))?;
    let status = leg.authorizations().last().map_or("IN_FLIGHT", |attempt| attempt.state(now).status());
    Ok(ApprovalView {
        leg: planned.leg_no,
        method: planned.method.code(),
        issuer_id: planned.issuer_id.clone(),
        amount: planned.amount.get(),
        tax_free_amount: planned.tax_free.get(),
        status,
        auth_no: leg.auth_no().map(str::to_owned),
        approved_at: accepted.map(|result| time::text(result.received_at)),
        balance_amount: leg.approved().minus(done)?.get(),
        card: planned.card.as_ref().map(|card| CardView { bin: card.bin.clone(), last4: card.last4.clone() }),
        installment_months: planned.installment_months,
        partial_cancelable: planned.partial_cancelable,
        rule_version: planned.rule_version,
        virtual_account: VirtualAccountView::of(payment, leg)?,
        attempts: leg.attempts.values().map(|attempt| attempt_view(attempt, now)).collect(),
    })
}

fn attempt_view(facts: &AttemptFacts, now: DateTime<Utc>) -> AttemptView {
    let attempt = &facts.attempt;
    let last_answer = || facts.results.iter().max_by_key(|result| result.result_no);
    AttemptView {
        kind: attempt.kind.code(),
        attempt_no: attempt.attempt_no,
        trace_no: attempt.trace_no.clone(),
        amount: attempt.amount.get(),
        state: match attempt.kind {
            AttemptKind::Auth => facts.state(now).status(),
            AttemptKind::Cancel | AttemptKind::NetCancel | AttemptKind::Inquiry => {
                last_answer().map_or("IN_FLIGHT", |result| result.outcome.code())
            }
        },
        deadline_at: time::text(attempt.deadline_at),
        results: facts
            .results
            .iter()
            .map(|result| ResultView {
                outcome: result.outcome.code(),
                source: result.source.code(),
                issuer_ref: result.issuer_ref.clone(),
                issuer_code: result.issuer_code.clone(),
                received_at: time::text(result.received_at),
            })
            .collect(),
    }
}

impl CancellationView {
    /// A cancellation of a payment.
    pub fn of(payment: &Payment, cancel: &Cancel) -> Result<Self, AmountError> {
        let asked = &cancel.cancellation;
        let ended_at = cancel.outcomes.values().map(|outcome| outcome.decided_at).max();
        Ok(Self {
            id: cancellation_id(payment.id, asked.cancel_no),
            cancel_amount: asked.amount.get(),
            cancel_status: cancel.status().code(),
            done_amount: cancel.done_amount()?.get(),
            supplied_amount: asked.amount.minus(asked.vat)?.minus(asked.tax_free)?.get(),
            vat: asked.vat.get(),
            tax_free_amount: asked.tax_free.get(),
            reason: asked.reason.clone(),
            requested_at: time::text(asked.requested_at),
            ended_at: ended_at.filter(|_| cancel.is_settled()).map(time::text),
            allocations: cancel
                .shares
                .iter()
                .map(|share| AllocationView {
                    leg: share.leg_no,
                    amount: share.amount.get(),
                    tax_free_amount: share.tax_free.get(),
                    vat: share.vat.get(),
                    status: cancel.outcome(share.leg_no).map_or("IN_PROGRESS", ShareOutcome::code),
                })
                .collect(),
        })
    }
}

impl CanceledView {
    /// A payment and one of its cancellations.
    pub fn of(payment: &Payment, cancel_no: u16, view: PaymentView) -> Result<Option<Self>, AmountError> {
        let Some(cancel) = payment.cancel(cancel_no) else { return Ok(None) };
        let cancellation = Some(CancellationView::of(payment, cancel)?);
        Ok(Some(Self { dry_run: false, cancellation, payment: view }))
    }

    /// A payment that was canceled before its deposit.
    pub const fn closed(payment: PaymentView) -> Self {
        Self { dry_run: false, cancellation: None, payment }
    }

    /// What a cancel would come to. Messages to issuers and the number of the last change are those there are.
    pub fn foreseen(foreseen: &Foreseen, now: DateTime<Utc>) -> Result<Option<Self>, AmountError> {
        let mut view = PaymentView::of(&foreseen.after, now)?;
        let before = PaymentView::of(&foreseen.before, now)?;
        view.version = before.version;
        for (after, before) in view.approvals.iter_mut().zip(before.approvals) {
            after.attempts = before.attempts;
        }
        if foreseen.after.is_closed() {
            return Ok(Some(Self { dry_run: true, ..Self::closed(view) }));
        }
        let canceled = Self::of(&foreseen.after, foreseen.cancel_no, view)?;
        Ok(canceled.map(|canceled| Self { dry_run: true, ..canceled }))
    }
}

/// The public name of a cancellation, as events spell it.
pub fn cancellation_id(id: PaymentId, cancel_no: u16) -> String {
    format!("{id}-c{cancel_no}")
}

/// The path of a payment.
pub fn path(id: PaymentId) -> String {
    format!("/v1/payments/{id}")
}
