//! Corrections of the journal: proposed and decided by operators, signature by signature.

use chrono::{DateTime, Utc};

use crate::change::Asked;
use crate::ids::{PaymentId, RequestId};
use crate::operator::{Actor, OperatorKey, Signer};
use crate::payment::correction::{
    self, CorrectionFacts, CorrectionRefused, Decided as Ruled, Posted, Propose, Wanted,
};
use crate::payment::correction_fact::Signature;
use crate::payment::fact::Fact;
use crate::payment::fold::Payment;
use crate::store::{StoreError, correction as store, load};

use super::{Ledger, LedgerError, MAX_TRIES, Step, next};

/// Why an operator's command came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum CorrectionError {
    /// The ledger.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The payment's facts do not allow it.
    #[error(transparent)]
    Refused(#[from] CorrectionRefused),
    /// The key is not registered for the operator.
    #[error("key {key_id} is not registered for operator {operator_id}: `ledger-admin operator add` does it")]
    UnknownKey {
        /// The key.
        key_id: String,
        /// Who claims it.
        operator_id: String,
    },
    /// The key is revoked.
    #[error("key {0} is revoked")]
    RevokedKey(String),
    /// Signed by something else.
    #[error("a signature in the name of key {0} is not that key's")]
    Forged(String),
}

impl From<StoreError> for CorrectionError {
    fn from(error: StoreError) -> Self {
        Self::Ledger(error.into())
    }
}

/// A payment's corrections and the journal they are about.
#[derive(Debug, Clone)]
pub struct Corrected {
    /// The payment, its corrections folded in.
    pub payment: Payment,
    /// Its journal.
    pub journal: Vec<Posted>,
}

impl Corrected {
    /// One correction.
    pub fn correction(&self, no: u16) -> Option<&CorrectionFacts> {
        self.payment.correction(no)
    }
}

/// Whether a command is carried out, or only tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Run {
    /// Carried out.
    Real,
    /// Everything but the commit.
    Dry,
}

impl Ledger {
    /// A payment with its corrections and its journal.
    pub async fn corrected(&self, id: PaymentId) -> Result<Corrected, CorrectionError> {
        let mut connection = self.connection().await?;
        let payment = load::payment_in_full(&mut connection, id).await?.ok_or(LedgerError::NotFound)?;
        let mut journal = store::posted(&mut connection, id).await?;
        journal.retain(|posted| posted.at.seq <= payment.head.seq);
        Ok(Corrected { payment, journal })
    }

    /// Corrections of all payments proposed since then, the newest first.
    pub async fn corrections_since(
        &self,
        since: DateTime<Utc>,
        only_open: bool,
        limit: u32,
    ) -> Result<Vec<(PaymentId, CorrectionFacts)>, CorrectionError> {
        let mut connection = self.connection().await?;
        let found = store::proposed_since(&mut connection, since, only_open, limit).await?;
        let mut ids: Vec<_> = found.iter().map(|(id, _)| *id).collect();
        ids.sort_unstable();
        ids.dedup();
        let payments = load::payments_in_full(&mut connection, &ids).await?;
        let facts = |(id, no): (PaymentId, u16)| Some((id, payments.get(&id)?.correction(no)?.clone()));
        Ok(found.into_iter().filter_map(facts).collect())
    }

    /// Proposes a correction and says its number. Nothing is posted.
    pub async fn propose_correction(
        &self,
        id: PaymentId,
        cmd: &Propose,
        signer: &Signer,
        now: DateTime<Utc>,
        run: Run,
    ) -> Result<(u16, Corrected), CorrectionError> {
        for _ in 0..MAX_TRIES {
            let before = self.corrected(id).await?;
            let proposal = correction::propose(&before.payment, &before.journal, cmd, signer.actor(), now)?;
            let no = proposal.correction_no();
            let message = proposal.message();
            let signature = signer.sign(&message);
            self.prove(signer.actor(), &message, &signature, now).await?;
            let facts = proposal.signed(signature);
            if let Some(after) =
                self.correct(before, "CORRECTION_PROPOSE", signer.actor(), facts, now, run).await?
            {
                return Ok((no, after));
            }
        }
        Err(LedgerError::Contended(id).into())
    }

    /// Decides on a proposal; an approval posts its lines in the same commit.
    pub async fn decide_correction(
        &self,
        id: PaymentId,
        no: u16,
        (wanted, reason): (Wanted, Option<&str>),
        signer: &Signer,
        now: DateTime<Utc>,
        run: Run,
    ) -> Result<Corrected, CorrectionError> {
        let by = signer.actor();
        for _ in 0..MAX_TRIES {
            let before = self.corrected(id).await?;
            let ruled = correction::decide(&before.payment, &before.journal, no, wanted, reason, by, now)?;
            let (command, facts, lapsed) = match ruled {
                Ruled::Lapsed(verdict) => ("CORRECTION_EXPIRE", vec![Fact::CorrectionVerdict(verdict)], true),
                Ruled::ToSign(decision) => {
                    let signature = signer.sign(decision.message());
                    self.prove(by, decision.message(), &signature, now).await?;
                    self.prove_proposal(&before, no, now).await?;
                    let command = match wanted {
                        Wanted::Approve => "CORRECTION_APPROVE",
                        Wanted::Reject => "CORRECTION_REJECT",
                    };
                    (command, decision.signed(signature), false)
                }
            };
            if let Some(after) = self.correct(before, command, by, facts, now, run).await? {
                return if lapsed { Err(CorrectionRefused::Expired(no).into()) } else { Ok(after) };
            }
        }
        Err(LedgerError::Contended(id).into())
    }

    /// Appends what an operator decided; none when somebody else was first.
    async fn correct(
        &self,
        before: Corrected,
        command: &'static str,
        by: &Actor,
        facts: Vec<Fact>,
        now: DateTime<Utc>,
        run: Run,
    ) -> Result<Option<Corrected>, CorrectionError> {
        let asked = Asked {
            actor: format!("operator:{}", by.operator_id),
            request_id: RequestId::new(&mut rand::rng()),
            at: now,
        };
        let Corrected { payment, mut journal } = before;
        let (change, after) = next(payment.id, Some(&payment), command, &asked, facts)?;
        let seq = change.seq;
        journal.extend(change.journal.iter().map(|line| Posted {
            at: crate::payment::correction_fact::LineRef { seq, line: line.line_no },
            line: line.clone(),
        }));
        let step = Step::recording(change, &after);
        let written = match run {
            Run::Real => self.append(step).await?,
            Run::Dry => self.rehearse(step).await?,
        };
        Ok(written.map(|()| Corrected { payment: after, journal }))
    }

    /// The proposer's signature still holds, by a key that still counts.
    async fn prove_proposal(
        &self,
        before: &Corrected,
        no: u16,
        now: DateTime<Utc>,
    ) -> Result<(), CorrectionError> {
        let Some(facts) = before.correction(no) else { return Ok(()) };
        let proposed = &facts.correction;
        let actor =
            Actor { operator_id: proposed.proposed_by.clone(), key_id: proposed.proposed_key.clone() };
        self.prove(&actor, &facts.message(before.payment.id), &proposed.signature, now).await
    }

    /// The key is registered for the person, counts now, and has made the signature.
    async fn prove(
        &self,
        actor: &Actor,
        message: &[u8],
        signature: &Signature,
        now: DateTime<Utc>,
    ) -> Result<(), CorrectionError> {
        let mut connection = self.connection().await?;
        let key = store::keys(&mut connection, &[&actor.key_id]).await?.remove(&actor.key_id);
        let key = key.filter(|key| key.operator_id == actor.operator_id).ok_or_else(|| {
            CorrectionError::UnknownKey {
                key_id: actor.key_id.clone(),
                operator_id: actor.operator_id.clone(),
            }
        })?;
        if !key.is_valid_at(now) {
            return Err(CorrectionError::RevokedKey(key.key_id));
        }
        if !OperatorKey::has_signed(&key, message, signature) {
            return Err(CorrectionError::Forged(key.key_id));
        }
        Ok(())
    }
}
