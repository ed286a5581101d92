//! Undoing abandoned authorizations: what is due, the next attempt, what it came to.

use chrono::{DateTime, TimeDelta, Utc};

use crate::payment::create::TIME_TO_CONFIRM;
use crate::payment::fact::AttemptKind;
use crate::payment::fold::Payment;
use crate::payment::refusal::Refusal;
use crate::payment::reverse;
use crate::reference::Issuer;
use crate::store::due;

use super::{
    AttemptKey, CommittedAttempt, Decided, DueReversal, IssuerAnswer, Ledger, LedgerError, ReversalState,
    Step, Taken, by_job, next,
};

/// How far back orders to undo are looked for: longer than the longest validity an issuer can have, seven days.
const REVERSAL_HORIZON: TimeDelta = TimeDelta::days(8);

/// How far back attempts without an answer are looked for by a process that has just started; from then on, from where it has
/// last found none, less this overlap.
const STALE_HORIZON: TimeDelta = TimeDelta::days(8);
const STALE_OVERLAP: TimeDelta = TimeDelta::minutes(10);

/// Payments that expire were created long ago: all of them can be seen.
const LEFT_OVERLAP: TimeDelta = TimeDelta::minutes(1);

impl Ledger {
    /// Orders to undo that are not settled, oldest first.
    pub async fn due_reversals(
        &self,
        now: DateTime<Utc>,
        limit: u32,
    ) -> Result<Vec<DueReversal>, LedgerError> {
        let mut connection = self.connection().await?;
        Ok(due::reversals(&mut connection, now - REVERSAL_HORIZON, now, limit).await?)
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
        let from = memory.until().map_or(now - STALE_HORIZON, |since| since - STALE_OVERLAP);
        let mut stale = due::stale(&mut connection, from, until, limit).await?;
        if stale.is_empty() {
            memory.found(until);
        }
        let memory = &self.recent.none_left;
        let from = memory.until().map_or(now - STALE_HORIZON, |since| since - LEFT_OVERLAP);
        let left = due::left(&mut connection, from, until - TIME_TO_CONFIRM, limit).await?;
        if left.is_empty() {
            memory.found(until - TIME_TO_CONFIRM);
        }
        stale.extend(left);
        let key = |(payment_id, leg_no, attempt_no)| AttemptKey {
            payment_id,
            leg_no,
            kind: AttemptKind::Auth,
            attempt_no,
        };
        Ok(stale.into_iter().map(key).collect())
    }

    /// Commits a NET_CANCEL attempt for an abandoned authorization; none when it is settled.
    pub async fn begin_reversal(
        &self,
        key: AttemptKey,
        now: DateTime<Utc>,
    ) -> Result<Option<CommittedAttempt>, LedgerError> {
        let asked = by_job("net-cancel", now);
        let asked = &asked;
        self.decide(key.payment_id, |Taken { payment, is_current }| async move {
            let issuer = self.issuer_of_leg(&payment, key.leg_no, now).await?;
            let facts = reverse::start(&payment, key.leg_no, key.attempt_no, &issuer, now);
            if facts.is_empty() {
                return Ok(if is_current { Decided::Done(None) } else { Decided::LookAgain });
            }
            let (change, after) = next(payment.id, Some(&payment), "NET_CANCEL", asked, facts)?;
            if self.append(Step::recording(change, &after)).await?.is_none() {
                return Ok(Decided::Lost);
            }
            let attempt = after.leg(key.leg_no).and_then(|leg| {
                let facts = leg.attempts_of(AttemptKind::NetCancel).last()?;
                Some(CommittedAttempt::of(&after, leg, facts))
            });
            Ok(Decided::Done(attempt))
        })
        .await
    }

    /// Records the answer to a NET_CANCEL attempt and says what it came to.
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
            let (facts, state) = reverse::finish(&payment, key.leg_no, key.attempt_no, answer, &issuer, now)?;
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
