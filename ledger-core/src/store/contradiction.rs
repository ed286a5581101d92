//! Reading and writing answers that contradict what was decided. There are few: only payments with an answer after the first
//! are looked for.

use crate::payment::fact::{Contradiction, Fact, ResultSource};

use super::StoreError;
use super::cell::{Cells, cells};
use super::load::{Kept, of_wanted};
use super::read::Reading;
use super::statement::{Account, Statement};

of_wanted!(
    CONTRADICTIONS,
    "contradiction",
    "t.leg_no, t.kind, t.attempt_no, t.outcome, t.result_no, t.step_no, t.step, t.valid_until, t.decided_at"
);

/// All of them, for the register.
pub const STATEMENTS: &[Statement] = &[CONTRADICTIONS];

/// The table, how it is read, and by what.
pub(super) const FACTS: &[Kept] = &[(CONTRADICTIONS, "contradiction", contradiction)];

/// Whether an answer may be one that contradicts: it came after its verdict, or after another answer.
pub(super) fn may_be(fact: &Fact) -> bool {
    matches!(fact, Fact::Result(result) if result.result_no > 1 || result.source == ResultSource::Late)
}

pub(super) fn row(fact: &Contradiction) -> Cells<'_> {
    cells! {
        "leg_no": fact.leg_no, "kind": fact.kind.code(), "attempt_no": fact.attempt_no, "outcome": fact.outcome.code(),
        "result_no": fact.result_no, "step_no": fact.step_no, "step": fact.step.code(),
        "valid_until": fact.valid_until, "decided_at": fact.decided_at,
    }
}

fn contradiction(row: &Reading<'_>) -> Result<Fact, StoreError> {
    Ok(Fact::Contradiction(Contradiction {
        leg_no: row.get("leg_no")?,
        kind: row.code("kind")?,
        attempt_no: row.get("attempt_no")?,
        outcome: row.code("outcome")?,
        result_no: row.get("result_no")?,
        step_no: row.get("step_no")?,
        step: row.code("step")?,
        valid_until: row.get("valid_until")?,
        decided_at: row.get("decided_at")?,
    }))
}
