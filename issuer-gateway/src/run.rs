//! Confirm, cancel and reverse: commit the attempts, send them, record what came back.
//!
//! Each runs as a task of its own from before the first commit, so that neither a caller that hangs up nor a deadline
//! comes between an attempt and the record of its answer. A caller waits until its deadline; the task goes on without it.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use ledger_core::ids::PaymentId;
use ledger_core::ledger::{
    Answer, AttemptKey, BeginCancel, BeginConfirm, IssuerAnswer, Ledger, LedgerError, OpenCancel, Operation,
    Render, ReversalState, Undoing,
};
use ledger_core::payment::cancel::Cancel;
use ledger_core::payment::confirm::Confirm;
use ledger_core::payment::create::Create;
use ledger_core::payment::fact::AttemptKind;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::deadline::Deadline;
use crate::directory::Directory;
use crate::http::Clock;
use crate::record::until_durable;
use crate::send::{Answers, Sender};
use crate::timeouts::Timeouts;

/// What an answer is rendered with, by a task that may outlive the request.
pub type SharedRender = Arc<dyn Render + Send + Sync>;

/// Reversal, inquiry, cancel: what one try to undo may send (R4).
const MESSAGES_AT_ONCE: usize = 3;

/// The room's handle: cheap to clone, shared by all requests.
#[derive(Debug, Clone)]
pub struct Gateway(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    ledger: Ledger,
    sender: Sender,
    clock: Clock,
    /// Confirms, cancels and reversals under way.
    running: TaskTracker,
    /// Requests awaited after their timeout; these are given up when the process stops.
    late: TaskTracker,
    stop_late: CancellationToken,
}

/// What a caller is told when it cannot be told how it ended.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The ledger failed.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The caller's time is over; what was begun is finished without it.
    #[error("the operation goes on, ask for the payment to learn how it ends")]
    Unfinished,
}

/// What one try to reverse came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reversed {
    /// The last NET_CANCEL or INQUIRY attempt.
    pub attempt: AttemptKey,
    /// What the issuer said.
    pub answer: IssuerAnswer,
    /// What that makes of the order to undo.
    pub state: ReversalState,
}

impl Gateway {
    /// A gateway for the issuers that `ledger` knows. The clock is the caller's.
    pub fn new(ledger: Ledger, timeouts: &Timeouts, clock: Clock) -> Self {
        let directory = Directory::new(ledger.clone(), timeouts.issuer.pool_idle(), clock);
        Self(Arc::new(Inner {
            ledger,
            sender: Sender::new(directory, timeouts, clock),
            clock,
            running: TaskTracker::new(),
            late: TaskTracker::new(),
            stop_late: CancellationToken::new(),
        }))
    }

    /// Confirms a payment: its attempts are committed, sent one after the other, and judged together.
    pub async fn confirm(
        &self,
        op: Operation,
        id: PaymentId,
        cmd: Confirm,
        deadline: Deadline,
        render: SharedRender,
    ) -> Result<Answer, RunError> {
        let gateway = self.clone();
        let Ok(run) = self.0.ledger.hold(&op) else { return Ok(Answer::Running) };
        self.until(deadline, async move {
            let _run = run;
            let begun = gateway.0.ledger.begin_confirm(&op, id, &cmd, &*render).await?;
            gateway.run_begun(&op, begun, deadline, &*render).await
        })
        .await
    }

    /// Creates a payment and confirms it: the first of two commits holds all that a create and the beginning of a confirm do.
    pub async fn create(
        &self,
        op: Operation,
        cmd: Create,
        confirm: Confirm,
        deadline: Deadline,
        render: SharedRender,
    ) -> Result<Answer, RunError> {
        let gateway = self.clone();
        let Ok(run) = self.0.ledger.hold(&op) else { return Ok(Answer::Running) };
        self.until(deadline, async move {
            let _run = run;
            let begun = gateway.0.ledger.begin_create(&op, &cmd, &confirm, &*render).await?;
            gateway.run_begun(&op, begun, deadline, &*render).await
        })
        .await
    }

    /// Cancels a payment in full or in part.
    pub async fn cancel(
        &self,
        op: Operation,
        id: PaymentId,
        cmd: Cancel,
        deadline: Deadline,
        render: SharedRender,
    ) -> Result<Answer, RunError> {
        let gateway = self.clone();
        self.until(deadline, async move { gateway.run_cancel(&op, id, &cmd, deadline, &*render).await }).await
    }

    /// One try to undo the abandoned authorization `key`; nothing when it is settled. Waits for the answer and its
    /// record, whatever happens to the caller.
    pub async fn reverse(&self, undoing: Undoing) -> Result<Option<Reversed>, RunError> {
        let gateway = self.clone();
        let task = self.0.running.spawn(async move { gateway.run_reverse(undoing).await });
        Ok(task.await.map_err(|_| RunError::Unfinished)??)
    }

    /// Sends what an issuer has not answered of a cancel once more, with the same data (R6).
    pub async fn repeat_cancel(&self, open: OpenCancel) -> Result<Vec<(AttemptKey, IssuerAnswer)>, RunError> {
        let gateway = self.clone();
        let task = self.0.running.spawn(async move { gateway.run_repeat(open).await });
        Ok(task.await.map_err(|_| RunError::Unfinished)??)
    }

    /// Stops: waits for what is under way, at most `within`, and gives up waiting for late answers (whose attempts are
    /// being reversed anyway). Returns whether everything under way was finished.
    pub async fn close(&self, within: Duration) -> bool {
        self.0.running.close();
        let finished = tokio::time::timeout(within, self.0.running.wait()).await.is_ok();
        self.0.stop_late.cancel();
        self.0.late.close();
        self.0.late.wait().await;
        finished
    }

    /// Runs `work` as a task of its own and waits for it until the deadline.
    async fn until<T: Send + 'static>(
        &self,
        deadline: Deadline,
        work: impl Future<Output = Result<T, LedgerError>> + Send + 'static,
    ) -> Result<T, RunError> {
        let task = self.0.running.spawn(work);
        let done =
            tokio::time::timeout_at(deadline.instant(), task).await.map_err(|_| RunError::Unfinished)?;
        Ok(done.map_err(|_| RunError::Unfinished)??)
    }

    /// Sends what a confirm has committed and records the answers with the verdict.
    async fn run_begun(
        &self,
        op: &Operation,
        begun: BeginConfirm,
        deadline: Deadline,
        render: &dyn Render,
    ) -> Result<Answer, LedgerError> {
        let (id, attempts) = match begun {
            BeginConfirm::Started { payment, attempts } => (payment.id, attempts),
            BeginConfirm::Answered(answer) => return Ok(answer),
        };
        let sent = self.0.sender.authorizations(attempts, deadline).await;
        let answers = &sent.answers;
        let answer = until_durable(answers, || {
            self.0.ledger.finish_confirm(op, id, answers, (self.0.clock)(), render)
        })
        .await;
        self.await_late(sent);
        answer
    }

    async fn run_cancel(
        &self,
        op: &Operation,
        id: PaymentId,
        cmd: &Cancel,
        deadline: Deadline,
        render: &dyn Render,
    ) -> Result<Answer, LedgerError> {
        let (cancel_no, attempts) = match self.0.ledger.begin_cancel(op, id, cmd, render).await? {
            BeginCancel::Started { cancel_no, attempts, .. } => (cancel_no, attempts),
            BeginCancel::Answered(answer) => return Ok(answer),
        };
        let sent = self.0.sender.cancels(attempts, Some(deadline)).await;
        let answers = &sent.answers;
        until_durable(answers, || {
            self.0.ledger.finish_cancel(op, id, cancel_no, answers, (self.0.clock)(), render)
        })
        .await
    }

    /// One message and what it came to; where that asks for a further one at once, that too.
    async fn run_reverse(&self, undoing: Undoing) -> Result<Option<Reversed>, LedgerError> {
        let mut done = None;
        for _ in 0..MESSAGES_AT_ONCE {
            let Some(reversed) = self.undo(undoing).await? else { return Ok(done) };
            let goes_on = reversed.state.goes_on();
            done = Some(reversed);
            if !goes_on {
                break;
            }
        }
        Ok(done)
    }

    async fn undo(&self, undoing: Undoing) -> Result<Option<Reversed>, LedgerError> {
        let Some(attempt) = self.0.ledger.begin_reversal(undoing, (self.0.clock)()).await? else {
            return Ok(None);
        };
        let attempt_key = attempt.key();
        let sent = self.0.sender.reversal(attempt).await;
        let Some((_, answer)) = sent.answers.first().cloned() else { return Ok(None) };
        let state = until_durable(&sent.answers, || {
            self.0.ledger.finish_reversal(attempt_key, &answer, (self.0.clock)())
        })
        .await?;
        self.await_late(sent);
        Ok(Some(Reversed { attempt: attempt_key, answer, state }))
    }

    async fn run_repeat(&self, open: OpenCancel) -> Result<Vec<(AttemptKey, IssuerAnswer)>, LedgerError> {
        let attempts = self.0.ledger.begin_cancel_repeat(open).await?;
        let sent = self.0.sender.cancels(attempts, None).await;
        let answers = &sent.answers;
        until_durable(answers, || self.0.ledger.finish_cancel_repeat(open, answers, (self.0.clock)()))
            .await?;
        Ok(sent.answers)
    }

    /// Waits in the background for answers that did not come in time. It begins after the timeouts are on record, so that
    /// a late approval meets a verdict and can only be a fact beside it (R1).
    fn await_late(&self, sent: Answers) {
        for (key, late) in sent.late {
            let gateway = self.clone();
            let stop = self.0.stop_late.clone();
            self.0.late.spawn(async move {
                let waiting = crate::metrics::LateWaiting::begin();
                let answer = stop.run_until_cancelled(late).await.flatten();
                drop(waiting);
                if let Some(answer) = answer {
                    gateway.record_late(key, answer).await;
                }
            });
        }
    }

    async fn record_late(&self, key: AttemptKey, answer: IssuerAnswer) {
        crate::metrics::answered_late(key.kind, answer.outcome);
        let now = self.0.clock;
        let answers = [(key, answer)];
        let [(_, answer)] = &answers;
        let recorded = match key.kind {
            AttemptKind::NetCancel | AttemptKind::Inquiry => {
                until_durable(&answers, || self.0.ledger.finish_reversal(key, answer, now()))
                    .await
                    .map(|_| ())
            }
            AttemptKind::Auth | AttemptKind::Cancel => {
                until_durable(&answers, || self.0.ledger.record_late(key, answer, now())).await.map(|_| ())
            }
        };
        match recorded {
            Ok(()) => tracing::info!(payment.id = %key.payment_id, leg.no = key.leg_no, kind = %key.kind,
                outcome = %answer.outcome, "a late answer is recorded"),
            Err(error) => tracing::debug!(%error, "a late answer is lost"),
        }
    }
}
