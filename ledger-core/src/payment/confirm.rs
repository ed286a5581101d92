//! Confirming a payment: first the legs and the attempts, committed before a byte leaves; then the verdict on what the
//! issuers answered.

use chrono::{DateTime, TimeDelta, Utc};

use crate::ids::PaymentId;
use crate::method_rule::{MethodRule, MethodRules};
use crate::money::Minor;
use crate::reference::Issuer;
use crate::time::BusinessDate;

use super::attempt::AttemptFacts;
use super::balance;
use super::fact::{
    Approval, Attempt, AttemptKind, AttemptVerdict, CardRef, Fact, Method, NetworkCancel,
    NetworkCancelReason, PaymentVerdict, ResultOutcome, ResultSource, Ruling, SentBy, Verdict,
};
use super::fold::Payment;
use super::refusal::Refusal;
use super::reverse;
use super::status::Status;
use super::virtual_account::{IssuedAccount, VirtualAccount};

/// Legs a payment may have.
pub const MAX_LEGS: usize = 8;

/// One leg as the merchant wants it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LegRequest {
    pub method: Method,
    pub issuer_id: String,
    pub amount: Minor,
    pub tax_free: Option<Minor>,
    pub card: Option<CardRef>,
    pub method_token: Option<String>,
    pub installment_months: u8,
    pub partial_cancelable: bool,
    /// How long a deposit is waited for; as the rule of the method has it when left out.
    pub deposit_hours: Option<u16>,
}

/// Confirm with these legs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Confirm {
    pub legs: Vec<LegRequest>,
}

/// What an issuer made of an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    pub outcome: ResultOutcome,
    pub source: ResultSource,
    pub issuer_ref: Option<String>,
    pub issuer_code: Option<String>,
    /// The account, where one is issued.
    pub account: Option<IssuedAccount>,
    pub received_at: DateTime<Utc>,
}

impl Answer {
    /// What an issuer says that has refunded.
    pub const fn refunded(received_at: DateTime<Utc>) -> Self {
        Self {
            outcome: ResultOutcome::Canceled,
            source: ResultSource::Sync,
            issuer_ref: None,
            issuer_code: None,
            account: None,
            received_at,
        }
    }
}

/// Plans the legs and one AUTH attempt each.
pub fn start(
    payment: &Payment,
    cmd: &Confirm,
    issuers: &[Issuer],
    rules: &MethodRules,
    now: DateTime<Utc>,
) -> Result<Vec<Fact>, Refusal> {
    let status = payment.status(now);
    if status != Status::Ready {
        return Err(Refusal::InvalidState { status, verb: "confirmed" });
    }
    let total = payment.opened.total;
    let sum = Minor::sum(cmd.legs.iter().map(|leg| leg.amount))?;
    if sum != total {
        return Err(Refusal::LegSum { sum, total });
    }
    let tax_free = tax_free_parts(payment, cmd)?;
    let mut deadline = now;
    let mut facts = Vec::with_capacity(cmd.legs.len() * 2);
    let mut attempts = Vec::with_capacity(cmd.legs.len());
    for (leg, tax_free) in in_send_order(cmd, &tax_free, rules, now)? {
        let issuer = issuers
            .iter()
            .find(|issuer| issuer.issuer_id == leg.request.issuer_id)
            .ok_or_else(|| Refusal::UnknownIssuer(leg.request.issuer_id.clone()))?;
        deadline += issuer.answer_within();
        facts.push(Fact::Approval(approval(leg.leg_no, leg.request, leg.rule, tax_free, now)));
        attempts.push(Fact::Attempt(Attempt {
            leg_no: leg.leg_no,
            kind: AttemptKind::Auth,
            attempt_no: 1,
            issuer_id: leg.request.issuer_id.clone(),
            trace_date: BusinessDate::in_seoul(now).day(),
            trace_no: trace_no(payment.id, leg.leg_no, AttemptKind::Auth, 1),
            amount: leg.request.amount,
            target_no: None,
            cancel_no: None,
            sent_by: SentBy::Ledger,
            deadline_at: deadline,
            target_result: None,
            way: None,
        }));
    }
    facts.append(&mut attempts);
    Ok(facts)
}

struct NumberedLeg<'a> {
    leg_no: u8,
    request: &'a LegRequest,
    rule: &'a MethodRule,
}

/// Legs in the order they are sent: the hardest to reverse last. Numbers follow the request.
fn in_send_order<'a>(
    cmd: &'a Confirm,
    tax_free: &[Minor],
    rules: &'a MethodRules,
    now: DateTime<Utc>,
) -> Result<Vec<(NumberedLeg<'a>, Minor)>, Refusal> {
    let mut legs = Vec::with_capacity(cmd.legs.len());
    for ((leg_no, request), tax_free) in (1_u8..).zip(&cmd.legs).zip(tax_free) {
        let rule = rules.valid_at(request.method, now).ok_or(Refusal::NoMethodRule(request.method))?;
        legs.push((NumberedLeg { leg_no, request, rule }, *tax_free));
    }
    legs.sort_by_key(|(leg, _)| (leg.rule.send_order, leg.leg_no));
    Ok(legs)
}

/// A leg with what it needs of its method's rule: a later version changes nothing for it.
pub(super) fn approval(
    leg_no: u8,
    request: &LegRequest,
    rule: &MethodRule,
    tax_free: Minor,
    now: DateTime<Utc>,
) -> Approval {
    Approval {
        leg_no,
        method: request.method,
        issuer_id: request.issuer_id.clone(),
        amount: request.amount,
        tax_free,
        partial_cancelable: request.partial_cancelable && rule.partial_cancelable,
        refund_priority: rule.refund_priority,
        card: request.card.clone(),
        method_token: request.method_token.clone(),
        installment_months: request.installment_months,
        rule_version: Some(rule.version),
        deposit_due_at: rule.deposit_due(now, request.deposit_hours),
    }
}

/// The number under which an issuer knows an attempt: ours alone, so that a timeout can be undone without any other. It is
/// spelled in letters, since a run of digits in it could pass for a card number.
pub fn trace_no(id: PaymentId, leg_no: u8, kind: AttemptKind, attempt_no: u16) -> String {
    let letter = match kind {
        AttemptKind::Auth => 'A',
        AttemptKind::Cancel => 'C',
        AttemptKind::NetCancel => 'N',
        AttemptKind::Inquiry => 'I',
    };
    let name: String = id
        .as_bytes()
        .iter()
        .flat_map(|byte| [b'A' + (byte >> 4), b'A' + (byte & 15)])
        .map(char::from)
        .collect();
    format!("{name}{leg_no:02}{letter}{attempt_no}")
}

/// The tax-free part of each leg: as asked for, or in proportion with the rest on the legs that have room.
fn tax_free_parts(payment: &Payment, cmd: &Confirm) -> Result<Vec<Minor>, Refusal> {
    let (total, tax_free) = (payment.opened.total, payment.opened.tax_free);
    if cmd.legs.iter().any(|leg| leg.tax_free.is_some()) {
        let parts: Vec<_> = cmd.legs.iter().map(|leg| leg.tax_free.unwrap_or(Minor::ZERO)).collect();
        let sum = Minor::sum(parts.iter().copied())?;
        if sum != tax_free || parts.iter().zip(&cmd.legs).any(|(part, leg)| *part > leg.amount) {
            return Err(Refusal::LegTaxFreeSum { sum, tax_free });
        }
        return Ok(parts);
    }
    let mut rest = tax_free;
    let mut parts = Vec::with_capacity(cmd.legs.len());
    for leg in &cmd.legs {
        let part = tax_free.share(leg.amount, total)?.min(rest);
        rest = rest.minus(part)?;
        parts.push(part);
    }
    for (part, leg) in parts.iter_mut().zip(&cmd.legs) {
        let room = leg.amount.minus(*part)?.min(rest);
        *part = part.plus(room)?;
        rest = rest.minus(room)?;
    }
    Ok(parts)
}

/// The verdict on a payment whose legs have all been answered. What arrives after the verdict is recorded and changes
/// nothing (R1).
pub fn finish(
    payment: &Payment,
    answers: &[(u8, Answer)],
    issuers: &[Issuer],
    now: DateTime<Utc>,
) -> Result<Vec<Fact>, Refusal> {
    if payment.legs().next().is_none() {
        return Err(Refusal::InvalidState {
            status: payment.status(now),
            verb: "decided on: it has no approvals",
        });
    }
    if payment.verdict.is_some() {
        return Ok(late_facts(payment, answers, issuers, now));
    }
    let mut facts: Vec<_> =
        answers.iter().filter_map(|(leg_no, answer)| last_attempt(payment, *leg_no)?.told(answer)).collect();
    let all = |is_wanted: fn(ResultOutcome) -> bool| {
        payment.legs().all(|leg| answer_for(answers, leg.approval.leg_no).is_some_and(is_wanted))
    };
    if all(|outcome| outcome == ResultOutcome::Approved) {
        facts.extend(confirmed_facts(payment, now));
    } else if all(|outcome| matches!(outcome, ResultOutcome::Approved | ResultOutcome::Issued)) {
        facts.extend(answers.iter().filter_map(|(leg_no, answer)| issued(payment, *leg_no, answer)));
    } else {
        facts.extend(aborted_facts(payment, answers, issuers, now));
    }
    Ok(facts)
}

/// The account that an answer brings, for its leg.
fn issued(payment: &Payment, leg_no: u8, answer: &Answer) -> Option<Fact> {
    let leg = payment.leg(leg_no).filter(|leg| leg.account.is_none())?;
    let attempt = leg.authorizations().last()?;
    Some(Fact::VirtualAccount(VirtualAccount {
        leg_no,
        attempt_no: attempt.attempt.attempt_no,
        result_no: attempt.issuance().map_or_else(|| attempt.next_result_no(), |known| known.result_no),
        account: answer.account.clone()?,
        issued_at: answer.received_at,
    }))
}

/// Answers to a payment that has its verdict: also this way an approval reopens what was believed absent.
fn late_facts(
    payment: &Payment,
    answers: &[(u8, Answer)],
    issuers: &[Issuer],
    now: DateTime<Utc>,
) -> Vec<Fact> {
    let told = answers.iter().filter_map(|(leg_no, answer)| {
        Some((*leg_no, payment.leg(*leg_no)?.authorizations().last()?.attempt.attempt_no, answer))
    });
    reverse::late_all(payment, told, issuers, now)
}

fn answer_for(answers: &[(u8, Answer)], leg_no: u8) -> Option<ResultOutcome> {
    answers.iter().find(|(leg, _)| *leg == leg_no).map(|(_, answer)| answer.outcome)
}

fn last_attempt(payment: &Payment, leg_no: u8) -> Option<&AttemptFacts> {
    payment.leg(leg_no)?.authorizations().last()
}

pub(super) fn confirmed_facts(payment: &Payment, now: DateTime<Utc>) -> Vec<Fact> {
    let mut facts = Vec::new();
    for leg in payment.legs() {
        let Some(attempt) = leg.authorizations().last() else { continue };
        let result_no = attempt.approval().map_or_else(|| attempt.next_result_no(), |known| known.result_no);
        facts.push(Fact::AttemptVerdict(AttemptVerdict {
            leg_no: leg.approval.leg_no,
            attempt_no: attempt.attempt.attempt_no,
            ruling: Ruling::Accept { result_no },
            decided_at: now,
        }));
    }
    facts.push(payment_verdict(payment, Verdict::Confirmed, None, now));
    facts.extend(
        payment.legs().map(|leg| Fact::BalanceLink(balance::open(leg.approval.leg_no, leg.approval.amount))),
    );
    facts
}

/// A payment's verdict, with the order and try it closes.
pub fn payment_verdict(
    payment: &Payment,
    verdict: Verdict,
    reason: Option<&str>,
    now: DateTime<Utc>,
) -> Fact {
    Fact::PaymentVerdict(PaymentVerdict {
        merchant_id: payment.opened.merchant_id.clone(),
        order_id: payment.opened.order_id.clone(),
        try_no: payment.opened.try_no,
        verdict,
        reason: reason.map(str::to_owned),
        business_date: BusinessDate::in_seoul(now),
        decided_at: now,
    })
}

/// One leg failed: refused legs are rejected, everything that may have been approved is abandoned and undone.
fn aborted_facts(
    payment: &Payment,
    answers: &[(u8, Answer)],
    issuers: &[Issuer],
    now: DateTime<Utc>,
) -> Vec<Fact> {
    let mut facts = Vec::new();
    for leg in payment.legs() {
        let leg_no = leg.approval.leg_no;
        let Some(attempt) = leg.authorizations().last() else { continue };
        let reason = match answer_for(answers, leg_no) {
            Some(ResultOutcome::Declined | ResultOutcome::NotSent) => None,
            Some(ResultOutcome::Approved | ResultOutcome::Issued) => Some(NetworkCancelReason::SiblingFailed),
            Some(ResultOutcome::Garbled) => Some(NetworkCancelReason::Garbled),
            Some(ResultOutcome::Reset) => Some(NetworkCancelReason::Reset),
            Some(
                ResultOutcome::Timeout
                | ResultOutcome::NoOriginal
                | ResultOutcome::Reversed
                | ResultOutcome::Canceled
                | ResultOutcome::TooLate,
            ) => Some(NetworkCancelReason::Timeout),
            None => Some(NetworkCancelReason::CrashRecovery),
        };
        let attempt_no = attempt.attempt.attempt_no;
        let ruling = if reason.is_some() { Ruling::Abandon } else { Ruling::Reject };
        facts.push(Fact::AttemptVerdict(AttemptVerdict { leg_no, attempt_no, ruling, decided_at: now }));
        facts.extend(reason.map(|reason| {
            let issuer_id = &leg.approval.issuer_id;
            Fact::NetworkCancel(network_cancel(leg_no, attempt_no, reason, issuer_id, issuers, now))
        }));
    }
    facts.push(payment_verdict(payment, Verdict::Aborted, Some(abort_reason(answers)), now));
    facts
}

/// The order to undo an attempt.
pub(super) fn network_cancel(
    leg_no: u8,
    attempt_no: u16,
    reason: NetworkCancelReason,
    issuer_id: &str,
    issuers: &[Issuer],
    now: DateTime<Utc>,
) -> NetworkCancel {
    let issuer = issuers.iter().find(|issuer| issuer.issuer_id == issuer_id);
    let late_window = issuer.map_or(DEFAULT_LATE_WINDOW, |issuer| issuer.late_window);
    let validity = issuer.map_or(DEFAULT_VALIDITY, |issuer| issuer.validity);
    NetworkCancel {
        leg_no,
        attempt_no,
        reason,
        late_until: now + late_window,
        valid_until: now + validity,
        requested_at: now,
    }
}

/// For an issuer that is no longer in the reference data: a large gateway's advice and the shortest known limit.
const DEFAULT_LATE_WINDOW: TimeDelta = TimeDelta::seconds(60);
pub(super) const DEFAULT_VALIDITY: TimeDelta = TimeDelta::hours(1);

/// Why a payment was aborted, the clearest reason first.
fn abort_reason(answers: &[(u8, Answer)]) -> &'static str {
    let any = |outcome| answers.iter().any(|(_, answer)| answer.outcome == outcome);
    if answers.iter().any(|(_, answer)| answer.outcome.is_uncertain()) {
        "ISSUER_TIMEOUT"
    } else if any(ResultOutcome::Declined) {
        "DECLINED"
    } else if any(ResultOutcome::NotSent) {
        "ISSUER_UNREACHABLE"
    } else {
        "CRASH_RECOVERY"
    }
}

/// The refusal that an aborted payment's caller gets.
pub fn refusal_of(payment: &Payment) -> Option<Refusal> {
    let verdict = payment.verdict.as_ref().filter(|fact| fact.verdict == Verdict::Aborted)?;
    let leg_with = |outcome: ResultOutcome| {
        payment.legs().find_map(|leg| leg.authorizations().find_map(|attempt| attempt.result(outcome)))
    };
    Some(match verdict.reason.as_deref() {
        Some("DECLINED") => {
            let declined = leg_with(ResultOutcome::Declined)?;
            Refusal::CardDeclined {
                leg_no: declined.leg_no,
                issuer_code: declined.issuer_code.clone().unwrap_or_else(|| "no code".to_owned()),
            }
        }
        Some("ISSUER_UNREACHABLE") => {
            Refusal::IssuerUnreachable { leg_no: leg_with(ResultOutcome::NotSent)?.leg_no }
        }
        Some(_) | None => {
            let uncertain = payment.legs().find(|leg| {
                leg.authorizations()
                    .any(|a| a.results.is_empty() || a.results.iter().any(|r| r.outcome.is_uncertain()))
            });
            Refusal::IssuerTimeout { leg_no: uncertain.map_or(1, |leg| leg.approval.leg_no) }
        }
    })
}
