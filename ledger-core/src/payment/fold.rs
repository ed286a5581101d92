//! A payment as the set of its facts says it is. Facts are put in their place before they are read, so the order in which
//! they arrived has no way in.

use std::collections::BTreeMap;

use crate::event::position::Positions;
use crate::ids::PaymentId;
use crate::money::{AmountError, Minor};

use super::attempt::AttemptFacts;
use super::correction::CorrectionFacts;
use super::fact::{
    Approval, AttemptKind, BalanceLink, CancelOutcome, CancelShare, Cancellation, Fact, PaymentOpened,
    PaymentVerdict, Ruling, ShareOutcome,
};
use super::virtual_account::{Deposit, RefundAccount, Refunding, VirtualAccount};

/// Where a payment's chain of changes stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// Number of the last change.
    pub seq: u32,
    /// Its digest.
    pub digest: [u8; 32],
    /// The last event on each topic.
    pub positions: Positions,
}

/// One payment, folded.
#[derive(Debug, Clone)]
pub struct Payment {
    /// Its id.
    pub id: PaymentId,
    /// Where its chain stands.
    pub head: Head,
    /// The intent.
    pub opened: PaymentOpened,
    /// How the first phase ended, once it has.
    pub verdict: Option<PaymentVerdict>,
    legs: BTreeMap<u8, Leg>,
    cancels: BTreeMap<u16, Cancel>,
    corrections: BTreeMap<u16, CorrectionFacts>,
    facts: Vec<Fact>,
    unknown: Vec<UnknownFact>,
}

/// A fact of a newer version: with it a payment is shown, and nothing is decided on it or added to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownFact {
    /// Its table.
    pub table: &'static str,
    /// The column of the code.
    pub column: &'static str,
    /// The code that this version does not know.
    pub code: String,
    /// The change that brought it.
    pub seq: u32,
}

/// An approval with all that happened to it.
#[derive(Debug, Clone)]
pub struct Leg {
    /// The planned approval.
    pub approval: Approval,
    /// Messages to the issuer, by kind and number.
    pub attempts: BTreeMap<(AttemptKind, u16), AttemptFacts>,
    /// The balance, oldest link first.
    pub chain: Vec<BalanceLink>,
    /// The account that was issued for it.
    pub account: Option<VirtualAccount>,
    /// What arrived there, oldest first.
    pub deposits: Vec<Deposit>,
    /// What went back of it, or is to, by number.
    pub refunds: BTreeMap<u16, Refunding>,
}

/// A cancellation with all that happened to it.
#[derive(Debug, Clone)]
pub struct Cancel {
    /// What was asked for.
    pub cancellation: Cancellation,
    /// Which legs carry it.
    pub shares: Vec<CancelShare>,
    /// How each leg's share ended, so far.
    pub outcomes: BTreeMap<u8, CancelOutcome>,
    /// Where the money of a deposited leg goes.
    pub refund_account: Option<RefundAccount>,
}

/// A set of facts that is no payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Incomplete {
    /// There is no intent.
    #[error("the payment's own row is missing")]
    NoPayment,
    /// A fact without the one it belongs to.
    #[error("a fact stands without the fact it belongs to")]
    Orphan,
}

impl Payment {
    /// The payment that these facts, in any order, make.
    pub fn fold(id: PaymentId, head: Head, facts: Vec<Fact>) -> Result<Self, Incomplete> {
        Self::fold_with(id, head, facts, Vec::new())
    }

    /// The same where some facts are not understood: what belongs to one of those is left out.
    pub fn fold_with(
        id: PaymentId,
        head: Head,
        mut facts: Vec<Fact>,
        unknown: Vec<UnknownFact>,
    ) -> Result<Self, Incomplete> {
        facts.sort_by_key(Fact::place);
        facts.dedup();
        let mut opened = None;
        let mut verdict = None;
        let mut legs = BTreeMap::new();
        let mut cancels = BTreeMap::new();
        let mut corrections = BTreeMap::new();
        for fact in &facts {
            let placed = match fact {
                Fact::Payment(fact) => {
                    opened = Some(fact.clone());
                    Ok(())
                }
                Fact::PaymentVerdict(fact) => {
                    verdict = Some(fact.clone());
                    Ok(())
                }
                Fact::Approval(_)
                | Fact::Attempt(_)
                | Fact::Result(_)
                | Fact::AttemptVerdict(_)
                | Fact::NetworkCancel(_)
                | Fact::NetworkCancelOutcome(_)
                | Fact::BalanceLink(_)
                | Fact::VirtualAccount(_)
                | Fact::Deposit(_)
                | Fact::DepositRefund(_)
                | Fact::DepositRefundOutcome(_)
                | Fact::Contradiction(_) => with_leg_fact(&mut legs, fact),
                Fact::Cancellation(_)
                | Fact::CancelShare(_)
                | Fact::CancelOutcome(_)
                | Fact::RefundAccount(_) => with_cancel_fact(&mut cancels, fact),
                Fact::Correction(_) | Fact::CorrectionLine(_) | Fact::CorrectionVerdict(_) => {
                    with_correction_fact(&mut corrections, fact)
                }
            };
            match placed {
                Err(Incomplete::Orphan) if !unknown.is_empty() => {}
                placed => placed?,
            }
        }
        let opened = opened.ok_or(Incomplete::NoPayment)?;
        Ok(Self { id, head, opened, verdict, legs, cancels, corrections, facts, unknown })
    }

    /// The payment after a further change, before it is stored.
    pub fn after(&self, head: Head, added: &[Fact]) -> Result<Self, Incomplete> {
        let facts = self.facts.iter().chain(added).cloned().collect();
        Self::fold_with(self.id, head, facts, self.unknown.clone())
    }

    /// What of it this version does not understand.
    pub fn unknown(&self) -> &[UnknownFact] {
        &self.unknown
    }

    /// All facts, each in its place.
    pub fn facts(&self) -> &[Fact] {
        &self.facts
    }

    /// The legs, by number.
    pub fn legs(&self) -> impl Iterator<Item = &Leg> {
        self.legs.values()
    }

    /// One leg.
    pub fn leg(&self, leg_no: u8) -> Option<&Leg> {
        self.legs.get(&leg_no)
    }

    /// One attempt.
    pub fn attempt(&self, leg_no: u8, kind: AttemptKind, attempt_no: u16) -> Option<&AttemptFacts> {
        self.leg(leg_no)?.attempts.get(&(kind, attempt_no))
    }

    /// The cancellations, by number.
    pub fn cancels(&self) -> impl Iterator<Item = &Cancel> {
        self.cancels.values()
    }

    /// One cancellation.
    pub fn cancel(&self, cancel_no: u16) -> Option<&Cancel> {
        self.cancels.get(&cancel_no)
    }

    /// The number a further cancellation gets.
    pub fn next_cancel_no(&self) -> u16 {
        self.cancels.keys().next_back().map_or(1, |last| last.saturating_add(1))
    }

    /// The corrections of its journal, by number; present where they were loaded.
    pub fn corrections(&self) -> impl Iterator<Item = &CorrectionFacts> {
        self.corrections.values()
    }

    /// One correction.
    pub fn correction(&self, correction_no: u16) -> Option<&CorrectionFacts> {
        self.corrections.get(&correction_no)
    }

    /// The number a further correction gets.
    pub fn next_correction_no(&self) -> u16 {
        self.corrections.keys().next_back().map_or(1, |last| last.saturating_add(1))
    }

    /// Approved and not refunded; what is held for a cancel in progress still counts.
    pub fn balance(&self) -> Result<Minor, AmountError> {
        let approved = Minor::sum(self.legs().map(Leg::approved))?;
        let done = Minor::sum(self.shares(ShareOutcome::Done).map(|share| share.amount))?;
        approved.minus(done)
    }

    /// What a further cancel could take of all legs.
    pub fn cancelable(&self) -> Result<Minor, AmountError> {
        Minor::sum(self.legs().map(Leg::cancelable))
    }

    /// Shares that ended this way.
    pub fn shares(&self, ended: ShareOutcome) -> impl Iterator<Item = &CancelShare> {
        self.cancels().flat_map(move |cancel| {
            cancel.shares.iter().filter(move |share| cancel.outcome(share.leg_no) == Some(ended))
        })
    }

    /// Shares that are done or still may be: what remainders are counted after.
    pub fn live_shares(&self) -> impl Iterator<Item = &CancelShare> {
        self.cancels().flat_map(|cancel| {
            cancel.shares.iter().filter(|share| cancel.outcome(share.leg_no) != Some(ShareOutcome::Failed))
        })
    }
}

impl Leg {
    const fn new(approval: Approval) -> Self {
        Self {
            approval,
            attempts: BTreeMap::new(),
            chain: Vec::new(),
            account: None,
            deposits: Vec::new(),
            refunds: BTreeMap::new(),
        }
    }

    /// The AUTH attempts, oldest first.
    pub fn authorizations(&self) -> impl Iterator<Item = &AttemptFacts> {
        self.attempts_of(AttemptKind::Auth)
    }

    /// The attempts of one kind, oldest first.
    pub fn attempts_of(&self, kind: AttemptKind) -> impl Iterator<Item = &AttemptFacts> {
        self.attempts.range((kind, 0)..=(kind, u16::MAX)).map(|(_, attempt)| attempt)
    }

    /// The number a further attempt of this kind gets.
    pub fn next_attempt_no(&self, kind: AttemptKind) -> u16 {
        self.attempts_of(kind).last().map_or(1, |last| last.attempt.attempt_no.saturating_add(1))
    }

    /// The attempt whose approval stands.
    pub fn accepted(&self) -> Option<&AttemptFacts> {
        self.authorizations().find(|attempt| matches!(attempt.ruling(), Some(Ruling::Accept { .. })))
    }

    /// Whether its issuer has approved it, whatever was made of that.
    pub fn is_approved(&self) -> bool {
        self.authorizations().last().is_some_and(|attempt| attempt.approval().is_some())
    }

    /// What was approved and put on the chain.
    pub fn approved(&self) -> Minor {
        self.chain.first().map_or(Minor::ZERO, |open| open.after)
    }

    /// The tail of the chain: what is neither refunded nor held.
    pub fn remaining(&self) -> Minor {
        self.chain.last().map_or(Minor::ZERO, |tail| tail.after)
    }

    /// What a further cancel may take: what remains, but for what the issuer gave back although its share had failed. That money
    /// is gone once; whether it goes again is for people to say.
    pub fn cancelable(&self) -> Minor {
        let contradicted =
            self.attempts_of(AttemptKind::Cancel).filter(|facts| !facts.contradictions.is_empty());
        contradicted
            .fold(self.remaining(), |rest, facts| rest.minus(facts.attempt.amount).unwrap_or(Minor::ZERO))
    }

    /// The authorization number of the accepted approval.
    pub fn auth_no(&self) -> Option<&str> {
        let accepted = self.accepted()?;
        let Some(Ruling::Accept { result_no }) = accepted.ruling() else { return None };
        accepted.results.iter().find(|result| result.result_no == result_no)?.issuer_ref.as_deref()
    }
}

impl Cancel {
    /// How the share of a leg ended, if it has.
    pub fn outcome(&self, leg_no: u8) -> Option<ShareOutcome> {
        self.outcomes.get(&leg_no).map(|fact| fact.outcome)
    }

    /// What has been refunded.
    pub fn done_amount(&self) -> Result<Minor, AmountError> {
        Minor::sum(
            self.shares
                .iter()
                .filter(|share| self.outcome(share.leg_no) == Some(ShareOutcome::Done))
                .map(|share| share.amount),
        )
    }

    /// Whether every share has ended.
    pub fn is_settled(&self) -> bool {
        self.shares.iter().all(|share| self.outcomes.contains_key(&share.leg_no))
    }
}

fn with_leg_fact(legs: &mut BTreeMap<u8, Leg>, fact: &Fact) -> Result<(), Incomplete> {
    match fact {
        Fact::Approval(fact) => {
            legs.insert(fact.leg_no, Leg::new(fact.clone()));
        }
        Fact::Attempt(fact) => {
            let attempts = &mut legs.get_mut(&fact.leg_no).ok_or(Incomplete::Orphan)?.attempts;
            attempts.insert((fact.kind, fact.attempt_no), AttemptFacts::new(fact.clone()));
        }
        Fact::Result(fact) => {
            attempt_of(legs, fact.leg_no, fact.kind, fact.attempt_no)?.results.push(fact.clone());
        }
        Fact::AttemptVerdict(fact) => {
            attempt_of(legs, fact.leg_no, AttemptKind::Auth, fact.attempt_no)?.verdict = Some(fact.clone());
        }
        Fact::NetworkCancel(fact) => {
            attempt_of(legs, fact.leg_no, AttemptKind::Auth, fact.attempt_no)?.network_cancel =
                Some(fact.clone());
        }
        Fact::NetworkCancelOutcome(fact) => {
            attempt_of(legs, fact.leg_no, AttemptKind::Auth, fact.attempt_no)?.reversal.push(fact.clone());
        }
        Fact::BalanceLink(fact) => legs.get_mut(&fact.leg_no).ok_or(Incomplete::Orphan)?.chain.push(*fact),
        Fact::VirtualAccount(fact) => {
            legs.get_mut(&fact.leg_no).ok_or(Incomplete::Orphan)?.account = Some(fact.clone());
        }
        Fact::Deposit(fact) => {
            legs.get_mut(&fact.leg_no).ok_or(Incomplete::Orphan)?.deposits.push(fact.clone());
        }
        Fact::DepositRefund(fact) => {
            let refunds = &mut legs.get_mut(&fact.leg_no).ok_or(Incomplete::Orphan)?.refunds;
            refunds.insert(fact.refund_no, Refunding { refund: fact.clone(), outcome: None });
        }
        Fact::DepositRefundOutcome(fact) => {
            let leg = legs.get_mut(&fact.leg_no);
            let refunding = leg.and_then(|leg| leg.refunds.get_mut(&fact.refund_no));
            refunding.ok_or(Incomplete::Orphan)?.outcome = Some(fact.clone());
        }
        Fact::Contradiction(fact) => {
            attempt_of(legs, fact.leg_no, fact.kind, fact.attempt_no)?.contradictions.push(*fact);
        }
        Fact::Payment(_)
        | Fact::PaymentVerdict(_)
        | Fact::Cancellation(_)
        | Fact::CancelShare(_)
        | Fact::CancelOutcome(_)
        | Fact::Correction(_)
        | Fact::CorrectionLine(_)
        | Fact::CorrectionVerdict(_)
        | Fact::RefundAccount(_) => {}
    }
    Ok(())
}

fn attempt_of(
    legs: &mut BTreeMap<u8, Leg>,
    leg_no: u8,
    kind: AttemptKind,
    attempt_no: u16,
) -> Result<&mut AttemptFacts, Incomplete> {
    legs.get_mut(&leg_no).and_then(|leg| leg.attempts.get_mut(&(kind, attempt_no))).ok_or(Incomplete::Orphan)
}

fn with_cancel_fact(cancels: &mut BTreeMap<u16, Cancel>, fact: &Fact) -> Result<(), Incomplete> {
    match fact {
        Fact::Cancellation(fact) => {
            let cancel = Cancel {
                cancellation: fact.clone(),
                shares: Vec::new(),
                outcomes: BTreeMap::new(),
                refund_account: None,
            };
            cancels.insert(fact.cancel_no, cancel);
        }
        Fact::CancelShare(fact) => {
            cancels.get_mut(&fact.cancel_no).ok_or(Incomplete::Orphan)?.shares.push(*fact);
        }
        Fact::CancelOutcome(fact) => {
            let outcomes = &mut cancels.get_mut(&fact.cancel_no).ok_or(Incomplete::Orphan)?.outcomes;
            outcomes.insert(fact.leg_no, *fact);
        }
        Fact::RefundAccount(fact) => {
            cancels.get_mut(&fact.cancel_no).ok_or(Incomplete::Orphan)?.refund_account = Some(fact.clone());
        }
        Fact::Payment(_)
        | Fact::Approval(_)
        | Fact::Attempt(_)
        | Fact::Result(_)
        | Fact::AttemptVerdict(_)
        | Fact::PaymentVerdict(_)
        | Fact::NetworkCancel(_)
        | Fact::NetworkCancelOutcome(_)
        | Fact::BalanceLink(_)
        | Fact::VirtualAccount(_)
        | Fact::Deposit(_)
        | Fact::DepositRefund(_)
        | Fact::DepositRefundOutcome(_)
        | Fact::Contradiction(_)
        | Fact::Correction(_)
        | Fact::CorrectionLine(_)
        | Fact::CorrectionVerdict(_) => {}
    }
    Ok(())
}

/// Facts of other kinds are not corrections, and change nothing here.
fn with_correction_fact(
    corrections: &mut BTreeMap<u16, CorrectionFacts>,
    fact: &Fact,
) -> Result<(), Incomplete> {
    if let Fact::Correction(fact) = fact {
        let facts = CorrectionFacts { correction: fact.clone(), lines: Vec::new(), verdict: None };
        corrections.insert(fact.correction_no, facts);
    }
    if let Fact::CorrectionLine(fact) = fact {
        corrections.get_mut(&fact.correction_no).ok_or(Incomplete::Orphan)?.lines.push(fact.clone());
    }
    if let Fact::CorrectionVerdict(fact) = fact {
        corrections.get_mut(&fact.correction_no).ok_or(Incomplete::Orphan)?.verdict = Some(fact.clone());
    }
    Ok(())
}
