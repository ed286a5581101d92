//! Undoing abandoned authorizations: what is due, the next attempt, what it came to.

use chrono::{DateTime, TimeDelta, Utc};

use crate::payment::create::TIME_TO_CONFIRM;
use crate::payment::fact::{AttemptKind, Fact};
use crate::payment::fold::Payment;
use crate::payment::refusal::Refusal;
use crate::payment::reverse;
use crate::reference::Issuer;
use crate::store::due::{self, HORIZON, Unjudged};

use super::{
    AttemptKey, CommittedAttempt, Decided, DueReversal, IssuerAnswer, Ledger, LedgerError, ReversalState,
    Step, Taken, by_job, next,
};

/// A process that has just started looks for attempts without an answer as far back as for anything; from then on, from where
/// it has found the oldest or, found none, has last looked, less this overlap.
const STALE_OVERLAP: TimeDelta = TimeDelta::minutes(10);

/// The same of approvals that their callers left: they are left once their payment has expired, which is so long after their
/// deadline at most.
const LEFT_OVERLAP: TimeDelta = TimeDelta::minutes(1);

/// What is to be undone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Undoing {
    /// The AUTH attempt.
    pub key: AttemptKey,
    /// One approval among its results; nothing for the attempt as a whole.
    pub result_no: Option<u16>,
}

impl From<AttemptKey> for Undoing {
    fn from(key: AttemptKey) -> Self {
        Self { key, result_no: None }
    }
}

impl Undoing {
    const fn target(self) -> reverse::Target {
        let AttemptKey { leg_no, attempt_no, .. } = self.key;
        reverse::Target { leg_no, attempt_no, result_no: self.result_no }
    }
}

impl Ledger {
    /// Orders to undo, and approvals that nobody wants, that are not settled; oldest first.
    pub async fn due_reversals(
        &self,
        now: DateTime<Utc>,
        limit: u32,
    ) -> Result<Vec<DueReversal>, LedgerError> {
        let mut connection = self.connection().await?;
        Ok(due::reversals(&mut connection, now - HORIZON, now, limit).await?)
    }

    /// AUTH attempts whose deadline passed `grace` ago and that nobody gave a verdict: their process died (R10); and those
    /// of payments that their callers left incomplete until they expired.
    pub async fn stale_intents(
        &self,
        now: DateTime<Utc>,
        grace: TimeDelta,
        limit: u32,
    ) -> Result<Vec<AttemptKey>, LedgerError> {
        let mut connection = self.connection().await?;
        let until = now - grace;
        let memory = &self.recent.none_stale;
        let from = memory.until().map_or(now - HORIZON, |since| since - STALE_OVERLAP);
        let stale = due::stale(&mut connection, from, until, limit).await?;
        memory.found(stale.first().map_or(until, |oldest| oldest.deadline_at));
        let memory = &self.recent.none_left;
        let overlap = TIME_TO_CONFIRM + LEFT_OVERLAP;
        let from = memory.until().map_or(now - HORIZON, |since| since - overlap);
        let left = due::left(&mut connection, from, until, limit).await?;
        memory.found(left.first().map_or(until, |oldest| oldest.deadline_at));
        let key = |found: Unjudged| AttemptKey {
            payment_id: found.payment_id,
            leg_no: found.leg_no,
            kind: AttemptKind::Auth,
            attempt_no: found.attempt_no,
        };
        Ok(stale.into_iter().chain(left).map(key).collect())
    }

    /// Commits the next message that undoes an authorization or an approval; none when it is settled. A cancel that was sent
    /// before is sent again as it is.
    pub async fn begin_reversal(
        &self,
        undoing: impl Into<Undoing>,
        now: DateTime<Utc>,
    ) -> Result<Option<CommittedAttempt>, LedgerError> {
        let asked = by_job("net-cancel", now);
        let asked = &asked;
        let undoing = undoing.into();
        let leg_no = undoing.key.leg_no;
        self.decide(undoing.key.payment_id, |Taken { payment, is_current }| async move {
            let issuer = self.issuer_of_leg(&payment, leg_no, now).await?;
            let attempt = match reverse::start(&payment, undoing.target(), &issuer, now) {
                None if is_current => return Ok(Decided::Done(None)),
                None => return Ok(Decided::LookAgain),
                Some(reverse::Next::Again { kind, attempt_no }) => {
                    return Ok(Decided::Done(committed(&payment, leg_no, kind, attempt_no)));
                }
                Some(reverse::Next::Commit(attempt)) => attempt,
            };
            let (kind, attempt_no) = (attempt.kind, attempt.attempt_no);
            let facts = vec![Fact::Attempt(*attempt)];
            let (change, after) = next(payment.id, Some(&payment), "NET_CANCEL", asked, facts)?;
            if self.append(Step::recording(change, &after)).await?.is_none() {
                return Ok(Decided::Lost);
            }
            Ok(Decided::Done(committed(&after, leg_no, kind, attempt_no)))
        })
        .await
    }

    /// Records the answer to a NET_CANCEL or INQUIRY attempt and says what it came to.
    pub async fn finish_reversal(
        &self,
        key: AttemptKey,
        answer: &IssuerAnswer,
        now: DateTime<Utc>,
    ) -> Result<ReversalState, LedgerError> {
        let asked = by_job("net-cancel", now);
        let asked = &asked;
        self.decide(key.payment_id, |Taken { payment, is_current }| async move {
            if !is_current && payment.attempt(key.leg_no, key.kind, key.attempt_no).is_none() {
                return Ok(Decided::LookAgain);
            }
            let issuer = self.issuer_of_leg(&payment, key.leg_no, now).await?;
            let about = (key.leg_no, key.kind, key.attempt_no);
            let (facts, state) = reverse::finish(&payment, about, answer, &issuer, now)?;
            if facts.is_empty() {
                return Ok(Decided::Done(state));
            }
            let (change, after) = next(payment.id, Some(&payment), "NET_CANCEL_RESULT", asked, facts)?;
            Ok(match self.append(Step::recording(change, &after)).await? {
                Some(()) => Decided::Done(state),
                None => Decided::Lost,
            })
        })
        .await
    }

    async fn issuer_of_leg(
        &self,
        payment: &Payment,
        leg_no: u8,
        now: DateTime<Utc>,
    ) -> Result<Issuer, LedgerError> {
        let issuer_id = payment.leg(leg_no).map(|leg| leg.approval.issuer_id.clone()).unwrap_or_default();
        let issuer = self.issuer(&issuer_id, now).await?;
        Ok(issuer.ok_or(Refusal::UnknownIssuer(issuer_id))?)
    }
}

fn committed(payment: &Payment, leg_no: u8, kind: AttemptKind, attempt_no: u16) -> Option<CommittedAttempt> {
    let leg = payment.leg(leg_no)?;
    Some(CommittedAttempt::of(payment, leg, leg.attempts.get(&(kind, attempt_no))?))
}
