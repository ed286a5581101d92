//! Correcting the journal: contra entries that an operator proposes and a second one approves. Only the journal is
//! corrected. What a customer paid and what an issuer did are facts of their own, changed by an issuer's word alone: no entry
//! in the books brings money back, so balance chains and statuses stay as they are.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use crate::ids::PaymentId;
use crate::journal::{Account, JournalLine, Side};
use crate::money::{AmountError, Minor};
use crate::operator::Actor;

use super::correction_fact::{
    Correction, CorrectionLine, CorrectionRuling, CorrectionVerdict, LineRef, Signature, SignedDecision,
};
use super::fact::Fact;
use super::fold::Payment;

/// Lines of one correction at most.
pub const MAX_LINES: usize = 50;

/// How long a proposal may wait at most.
pub const MAX_WAIT: TimeDelta = TimeDelta::days(60);

/// A line that stands in the payment's journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Posted {
    /// Where.
    pub at: LineRef,
    /// The line.
    pub line: JournalLine,
}

/// A line of a proposal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// Takes an earlier line back: all that is left of it, or a part.
    Reverse { line: LineRef, amount: Option<Minor> },
    /// Books anew.
    Book { account: Account, side: Side, amount: Minor, leg_no: Option<u8> },
}

/// What an operator proposes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Propose {
    /// The lines.
    pub entries: Vec<Entry>,
    /// Why.
    pub reason: String,
    /// Until when a second operator may decide.
    pub wait: TimeDelta,
}

/// A proposal before it is signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposal {
    payment_id: PaymentId,
    /// Its row, without the signature.
    correction: Correction,
    /// Its lines.
    pub lines: Vec<CorrectionLine>,
}

/// A decision before it is signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    message: Vec<u8>,
    verdict: CorrectionVerdict,
    by: Actor,
}

/// How a proposal is to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// It is to be posted.
    Approve,
    /// It is not.
    Reject,
}

/// What a decision comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decided {
    /// To be signed.
    ToSign(Decision),
    /// Time had passed: that is the fact to be added.
    Lapsed(CorrectionVerdict),
}

/// Why a correction is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CorrectionRefused {
    /// No such line.
    #[error("the payment's journal has no line {0}; `ledger-admin correction show` lists them")]
    UnknownLine(LineRef),
    /// More than is left of a line.
    #[error("of line {line} {left} is left to be taken back, asked for {asked}")]
    MoreThanIsLeft { line: LineRef, left: Minor, asked: Minor },
    /// No such leg.
    #[error("the payment has no approval {0}")]
    UnknownLeg(u8),
    /// Debit and credit differ.
    #[error("the lines do not balance: {debit} debit, {credit} credit; add the line that is missing")]
    Unbalanced { debit: Minor, credit: Minor },
    /// Nothing is taken back.
    #[error("a correction takes at least one earlier line back")]
    NothingReversed,
    /// Too many lines.
    #[error("a correction has at most {MAX_LINES} lines")]
    TooManyLines,
    /// The same line twice.
    #[error("line {0} is taken back twice; give one amount")]
    TwiceTheSame(LineRef),
    /// No reason.
    #[error("a correction needs a reason of 1 to 200 characters")]
    NoReason,
    /// Waits for nothing, or too long.
    #[error("a proposal waits more than nothing and at most 60 days")]
    Wait,
    /// Proposed before.
    #[error("correction {0} proposes the same lines and waits for its decision")]
    ProposedAlready(u16),
    /// No such correction.
    #[error("the payment has no correction {0}")]
    UnknownCorrection(u16),
    /// Decided.
    #[error("correction {no} is {verdict} already")]
    AlreadyDecided { no: u16, verdict: CorrectionRuling },
    /// Too late.
    #[error("correction {0} expired: nobody decided in time; propose it again")]
    Expired(u16),
    /// One person cannot do both.
    #[error("correction {no} was proposed by {operator}: another operator has to approve it")]
    SamePerson { no: u16, operator: String },
    /// An amount left its range.
    #[error(transparent)]
    Amount(#[from] AmountError),
}

/// A correction with all that happened to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CorrectionFacts {
    /// What was proposed.
    pub correction: Correction,
    /// Its lines.
    pub lines: Vec<CorrectionLine>,
    /// How it ended, once it has.
    pub verdict: Option<CorrectionVerdict>,
}

impl CorrectionFacts {
    /// What the proposer signed.
    pub fn message(&self, payment_id: PaymentId) -> Vec<u8> {
        proposal_message(payment_id, &self.correction, &self.lines)
    }

    /// What the one who decided signed; nothing where time did.
    pub fn decision_message(&self, payment_id: PaymentId) -> Option<Vec<u8>> {
        let verdict = self.verdict.as_ref()?;
        let decision = verdict.decision.as_ref()?;
        let actor = (decision.decided_by.as_str(), decision.decided_key.as_str());
        Some(decision_message(&self.message(payment_id), &self.correction, verdict, actor))
    }

    /// PROPOSED, or how it ended.
    pub fn status(&self, now: DateTime<Utc>) -> &'static str {
        match &self.verdict {
            Some(verdict) => verdict.verdict.code(),
            None if self.correction.expires_at <= now => CorrectionRuling::Expired.code(),
            None => "PROPOSED",
        }
    }

    /// Whether its lines are posted.
    pub fn is_posted(&self) -> bool {
        self.verdict.as_ref().is_some_and(|verdict| verdict.verdict == CorrectionRuling::Approved)
    }
}

/// Proposes lines over a payment's journal.
pub fn propose(
    payment: &Payment,
    posted: &[Posted],
    cmd: &Propose,
    by: &Actor,
    now: DateTime<Utc>,
) -> Result<Proposal, CorrectionRefused> {
    let reason = cmd.reason.trim();
    if reason.is_empty() || reason.chars().count() > 200 {
        return Err(CorrectionRefused::NoReason);
    }
    if cmd.wait <= TimeDelta::zero() || cmd.wait > MAX_WAIT {
        return Err(CorrectionRefused::Wait);
    }
    if cmd.entries.len() > MAX_LINES {
        return Err(CorrectionRefused::TooManyLines);
    }
    let correction_no = payment.next_correction_no();
    let left = left_of(payment, posted)?;
    let mut lines = Vec::with_capacity(cmd.entries.len());
    for (entry, line_no) in cmd.entries.iter().zip(1..) {
        lines.push(line_of(payment, posted, &left, entry, correction_no, line_no)?);
    }
    sound(&lines, &left)?;
    let same = |open: &&CorrectionFacts| {
        open.verdict.is_none()
            && open.correction.expires_at > now
            && open.lines.len() == lines.len()
            && open.lines.iter().zip(&lines).all(|(one, other)| books_the_same(one, other))
    };
    if let Some(open) = payment.corrections().find(same) {
        return Err(CorrectionRefused::ProposedAlready(open.correction.correction_no));
    }
    let correction = Correction {
        correction_no,
        reason: reason.to_owned(),
        proposed_by: by.operator_id.clone(),
        proposed_key: by.key_id.clone(),
        proposed_at: now,
        expires_at: now + cmd.wait,
        signature: Signature([0; 64]),
    };
    Ok(Proposal { payment_id: payment.id, correction, lines })
}

impl Proposal {
    /// Its number.
    pub const fn correction_no(&self) -> u16 {
        self.correction.correction_no
    }

    /// What its proposer has to sign.
    pub fn message(&self) -> Vec<u8> {
        proposal_message(self.payment_id, &self.correction, &self.lines)
    }

    /// Its facts.
    pub fn signed(self, signature: Signature) -> Vec<Fact> {
        let correction = Correction { signature, ..self.correction };
        std::iter::once(Fact::Correction(correction))
            .chain(self.lines.into_iter().map(Fact::CorrectionLine))
            .collect()
    }
}

/// Decides on a proposal: by an operator, and for an approval by another one than its proposer.
pub fn decide(
    payment: &Payment,
    posted: &[Posted],
    no: u16,
    wanted: Wanted,
    reason: Option<&str>,
    by: &Actor,
    now: DateTime<Utc>,
) -> Result<Decided, CorrectionRefused> {
    let facts = payment.correction(no).ok_or(CorrectionRefused::UnknownCorrection(no))?;
    if let Some(verdict) = &facts.verdict {
        return Err(CorrectionRefused::AlreadyDecided { no, verdict: verdict.verdict });
    }
    if facts.correction.expires_at <= now {
        return Ok(Decided::Lapsed(lapsed(facts, now)));
    }
    if wanted == Wanted::Approve {
        if facts.correction.proposed_by == by.operator_id {
            return Err(CorrectionRefused::SamePerson { no, operator: by.operator_id.clone() });
        }
        sound(&facts.lines, &left_of(payment, posted)?)?;
    }
    let verdict = CorrectionVerdict {
        correction_no: no,
        verdict: match wanted {
            Wanted::Approve => CorrectionRuling::Approved,
            Wanted::Reject => CorrectionRuling::Rejected,
        },
        proposed_by: facts.correction.proposed_by.clone(),
        decision: None,
        reason: reason.map(str::to_owned),
        decided_at: now,
    };
    let actor = (by.operator_id.as_str(), by.key_id.as_str());
    let message = decision_message(&facts.message(payment.id), &facts.correction, &verdict, actor);
    Ok(Decided::ToSign(Decision { message, verdict, by: by.clone() }))
}

impl Decision {
    /// What has to be signed.
    pub fn message(&self) -> &[u8] {
        &self.message
    }

    /// Its fact.
    pub fn signed(self, signature: Signature) -> Vec<Fact> {
        let decision =
            SignedDecision { decided_by: self.by.operator_id, decided_key: self.by.key_id, signature };
        vec![Fact::CorrectionVerdict(CorrectionVerdict { decision: Some(decision), ..self.verdict })]
    }
}

/// The fact that nobody decided in time.
fn lapsed(facts: &CorrectionFacts, now: DateTime<Utc>) -> CorrectionVerdict {
    CorrectionVerdict {
        correction_no: facts.correction.correction_no,
        verdict: CorrectionRuling::Expired,
        proposed_by: facts.correction.proposed_by.clone(),
        decision: None,
        reason: None,
        decided_at: now,
    }
}

fn line_of(
    payment: &Payment,
    posted: &[Posted],
    left: &BTreeMap<LineRef, Minor>,
    entry: &Entry,
    correction_no: u16,
    line_no: u16,
) -> Result<CorrectionLine, CorrectionRefused> {
    match *entry {
        Entry::Reverse { line, amount } => {
            let target =
                posted.iter().find(|posted| posted.at == line).ok_or(CorrectionRefused::UnknownLine(line))?;
            let left = left.get(&line).copied().unwrap_or_default();
            Ok(CorrectionLine {
                correction_no,
                line_no,
                account: target.line.account,
                side: target.line.side.opposite(),
                amount: amount.unwrap_or(left),
                leg_no: target.line.leg_no,
                reverses: Some(line),
            })
        }
        Entry::Book { account, side, amount, leg_no } => {
            if let Some(leg_no) = leg_no.filter(|leg_no| payment.leg(*leg_no).is_none()) {
                return Err(CorrectionRefused::UnknownLeg(leg_no));
            }
            Ok(CorrectionLine { correction_no, line_no, account, side, amount, leg_no, reverses: None })
        }
    }
}

/// What is left of each line after the corrections that are posted.
fn left_of(payment: &Payment, posted: &[Posted]) -> Result<BTreeMap<LineRef, Minor>, CorrectionRefused> {
    let mut left: BTreeMap<_, _> = posted.iter().map(|posted| (posted.at, posted.line.amount)).collect();
    for line in payment.corrections().filter(|facts| facts.is_posted()).flat_map(|facts| &facts.lines) {
        if let Some(left) = line.reverses.and_then(|reversed| left.get_mut(&reversed)) {
            *left = left.minus(line.amount)?;
        }
    }
    Ok(left)
}

/// Balanced, of amounts above zero, and no line takes back more than is left.
fn sound(lines: &[CorrectionLine], left: &BTreeMap<LineRef, Minor>) -> Result<(), CorrectionRefused> {
    let mut reversed = Vec::new();
    for line in lines {
        let Some(target) = line.reverses else {
            if line.amount.is_zero() {
                return Err(AmountError::OutOfRange(0).into());
            }
            continue;
        };
        if reversed.contains(&target) {
            return Err(CorrectionRefused::TwiceTheSame(target));
        }
        reversed.push(target);
        let left = *left.get(&target).ok_or(CorrectionRefused::UnknownLine(target))?;
        if line.amount.is_zero() || line.amount > left {
            return Err(CorrectionRefused::MoreThanIsLeft { line: target, left, asked: line.amount });
        }
    }
    if reversed.is_empty() {
        return Err(CorrectionRefused::NothingReversed);
    }
    let sum = |side| Minor::sum(lines.iter().filter(|line| line.side == side).map(|line| line.amount));
    let (debit, credit) = (sum(Side::Debit)?, sum(Side::Credit)?);
    if debit == credit { Ok(()) } else { Err(CorrectionRefused::Unbalanced { debit, credit }) }
}

fn books_the_same(one: &CorrectionLine, other: &CorrectionLine) -> bool {
    (one.account, one.side, one.amount, one.leg_no, one.reverses)
        == (other.account, other.side, other.amount, other.leg_no, other.reverses)
}

/// The bytes that a proposer signs. Names, order and spelling are part of the format: a new format gets a new first line.
fn proposal_message(payment_id: PaymentId, correction: &Correction, lines: &[CorrectionLine]) -> Vec<u8> {
    #[derive(Serialize)]
    struct Signed<'a> {
        payment_id: PaymentId,
        correction_no: u16,
        reason: &'a str,
        proposed_by: &'a str,
        proposed_key: &'a str,
        proposed_at: i64,
        expires_at: i64,
        lines: &'a [CorrectionLine],
    }
    canonical(
        "ledger.correction.proposal.v1",
        &Signed {
            payment_id,
            correction_no: correction.correction_no,
            reason: &correction.reason,
            proposed_by: &correction.proposed_by,
            proposed_key: &correction.proposed_key,
            proposed_at: correction.proposed_at.timestamp_micros(),
            expires_at: correction.expires_at.timestamp_micros(),
            lines,
        },
    )
}

/// The bytes that whoever decides signs: the proposal by its hash and signature, and the decision.
fn decision_message(
    proposal: &[u8],
    correction: &Correction,
    verdict: &CorrectionVerdict,
    (decided_by, decided_key): (&str, &str),
) -> Vec<u8> {
    #[derive(Serialize)]
    struct Signed<'a> {
        proposal: String,
        proposal_signature: Signature,
        verdict: CorrectionRuling,
        decided_by: &'a str,
        decided_key: &'a str,
        decided_at: i64,
        reason: Option<&'a str>,
    }
    canonical(
        "ledger.correction.decision.v1",
        &Signed {
            proposal: hex::encode(Sha256::digest(proposal)),
            proposal_signature: correction.signature,
            verdict: verdict.verdict,
            decided_by,
            decided_key,
            decided_at: verdict.decided_at.timestamp_micros(),
            reason: verdict.reason.as_deref(),
        },
    )
}

fn canonical(domain: &str, value: &impl Serialize) -> Vec<u8> {
    let mut bytes = format!("{domain}\n").into_bytes();
    bytes.extend(serde_json::to_vec(value).unwrap_or_default());
    bytes
}
