//! Sending committed attempts, one after the other.

use std::time::Duration;

use ledger_core::ledger::{AttemptKey, CommittedAttempt, IssuerAnswer};
use ledger_core::payment::fact::{ResultOutcome, ResultSource};
use tokio::time::Instant;
use tracing::{info, warn};

use crate::deadline::{Deadline, Need};
use crate::directory::Directory;
use crate::http::{Clock, HttpIssuer};
use crate::issuer::{Issuer as _, LateAnswer, Sent};
use crate::metrics;
use crate::timeouts::Timeouts;

/// What is kept of an attempt that was not sent because one before it failed.
const SIBLING_FAILED: &str = "SIBLING_FAILED";

/// What came of sending some attempts.
#[derive(Default)]
pub(crate) struct Answers {
    /// One for each attempt.
    pub answers: Vec<(AttemptKey, IssuerAnswer)>,
    /// Where answers will come out that did not come in time.
    pub late: Vec<(AttemptKey, LateAnswer)>,
}

/// Sends attempts to the issuers of a directory.
#[derive(Debug)]
pub(crate) struct Sender {
    directory: Directory,
    after: Duration,
    start_grace: Duration,
    clock: Clock,
}

impl Sender {
    pub(crate) fn new(directory: Directory, timeouts: &Timeouts, clock: Clock) -> Self {
        Self {
            directory,
            after: timeouts.ledger_api.after(),
            start_grace: timeouts.issuer.start_grace(),
            clock,
        }
    }

    /// Sends the legs in the order given, the hardest to reverse last. Once one fails the payment will be aborted, so the
    /// rest is not sent: what never leaves need not be undone.
    pub(crate) async fn authorizations(
        &self,
        attempts: Vec<CommittedAttempt>,
        deadline: Deadline,
    ) -> Answers {
        let mut all = Answers::default();
        let mut failed = false;
        for attempt in attempts {
            let key = attempt.key();
            let sent = if failed {
                self.not_sent(SIBLING_FAILED).into()
            } else {
                self.authorization(attempt, deadline).await
            };
            failed |= !matches!(sent.answer.outcome, ResultOutcome::Approved | ResultOutcome::Issued);
            all.add(key, sent);
        }
        all
    }

    /// Sends the cancels of all shares: a share that fails does not undo another (R16). Without a deadline each gets the
    /// time its issuer is given.
    pub(crate) async fn cancels(
        &self,
        attempts: Vec<CommittedAttempt>,
        deadline: Option<Deadline>,
    ) -> Answers {
        let mut all = Answers::default();
        for attempt in attempts {
            let key = attempt.key();
            let sent = match self.directory.issuer(attempt.issuer_id()).await {
                Ok(issuer) => {
                    let within = issuer.answer_within();
                    if deadline.is_some_and(|deadline| deadline.remaining() < within + self.after) {
                        // The job that repeats cancels will send it.
                        self.not_sent("DEADLINE").into()
                    } else {
                        self.send(&issuer, attempt, within).await
                    }
                }
                Err(error) => self.unreachable(&attempt, &error),
            };
            all.add(key, sent);
        }
        all
    }

    /// Sends a reversal. No deadline ends it but the issuer's.
    pub(crate) async fn reversal(&self, attempt: CommittedAttempt) -> Answers {
        let mut all = Answers::default();
        let key = attempt.key();
        let sent = match self.directory.issuer(attempt.issuer_id()).await {
            Ok(issuer) => self.send(&issuer, attempt, issuer.answer_within()).await,
            Err(error) => self.unreachable(&attempt, &error),
        };
        all.add(key, sent);
        all
    }

    async fn authorization(&self, attempt: CommittedAttempt, deadline: Deadline) -> Sent {
        let issuer = match self.directory.issuer(attempt.issuer_id()).await {
            Ok(issuer) => issuer,
            Err(error) => return self.unreachable(&attempt, &error),
        };
        let need = Need { answer: issuer.answer_within(), after: self.after, grace: self.start_grace };
        if let Err(reason) = need.check(deadline.remaining(), attempt.deadline_at(), (self.clock)()) {
            info!(payment.id = %attempt.payment_id(), leg.no = attempt.leg_no(), reason = reason.code(),
                "an authorization is not sent: nobody could wait for its answer");
            return self.not_sent(reason.code()).into();
        }
        self.send(&issuer, attempt, need.answer).await
    }

    async fn send(&self, issuer: &HttpIssuer, attempt: CommittedAttempt, within: Duration) -> Sent {
        let key = attempt.key();
        let issuer_id = attempt.issuer_id().to_owned();
        let began = Instant::now();
        let sent = issuer.send(attempt, within).await;
        let outcome = sent.answer.outcome;
        metrics::answered(&issuer_id, key.kind, outcome, began.elapsed());
        if outcome.is_uncertain() || outcome == ResultOutcome::NotSent {
            warn!(payment.id = %key.payment_id, leg.no = key.leg_no, kind = %key.kind, attempt.no = key.attempt_no,
                issuer.id = issuer_id, %outcome, code = sent.answer.issuer_code.as_deref().unwrap_or_default(),
                "the issuer gave no answer to attempt {}", key.attempt_no);
        }
        sent
    }

    fn unreachable(&self, attempt: &CommittedAttempt, error: &crate::directory::DirectoryError) -> Sent {
        warn!(payment.id = %attempt.payment_id(), issuer.id = attempt.issuer_id(), %error, "nothing is sent");
        self.not_sent(error.code()).into()
    }

    fn not_sent(&self, code: &str) -> IssuerAnswer {
        IssuerAnswer {
            outcome: ResultOutcome::NotSent,
            source: ResultSource::Sync,
            issuer_ref: None,
            issuer_code: Some(code.to_owned()),
            account: None,
            received_at: (self.clock)(),
        }
    }
}

impl Answers {
    fn add(&mut self, key: AttemptKey, sent: Sent) {
        self.answers.push((key, sent.answer));
        self.late.extend(sent.late.map(|late| (key, late)));
    }
}
