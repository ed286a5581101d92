//! Reading payments: the heads of their chains first, then their facts up to those heads. A change that commits in
//! between is left out, so what is read is always a payment as it was after some change.

use std::collections::HashMap;

use sqlx::mysql::{MySqlConnection, MySqlRow};

use crate::history::ChangeRow;
use crate::ids::{PaymentId, RequestId};
use crate::payment::fact::{
    Approval, Attempt, AttemptResult, AttemptVerdict, BalanceLink, CancelOutcome, CancelShare, Cancellation,
    CardRef, Fact, Method, NetworkCancel, NetworkCancelOutcome, PaymentOpened, PaymentVerdict, Ruling,
};
use crate::payment::fold::{Head, Payment, UnknownFact};
use crate::time::BusinessDate;

use super::read::Reading;
use super::statement::{Account, Statement};
use super::{StoreError, contradiction, deposit};

pub use super::order::{last_of_order, taken_orders};

/// A statement over the rows of the wanted payments, one lookup each.
macro_rules! of_wanted {
    ($const:ident, $table:literal, $columns:literal) => {
        const $const: Statement = Statement {
            name: concat!("load_", $table),
            account: Account::App,
            sql: concat!(
                "SELECT t.payment_id, t.seq, ",
                $columns,
                " FROM JSON_TABLE(?, '$[*]' COLUMNS (id CHAR(32) PATH '$' ERROR ON EMPTY ERROR ON ERROR)) AS w",
                " STRAIGHT_JOIN ",
                $table,
                " AS t ON t.payment_id = UNHEX(w.id)"
            ),
        };
    };
}

pub(super) use of_wanted;

const HEADS: Statement = Statement {
    name: "load_heads",
    account: Account::App,
    sql: "SELECT c.payment_id, c.seq, c.digest, c.positions \
          FROM JSON_TABLE(?, '$[*]' COLUMNS (id CHAR(32) PATH '$' ERROR ON EMPTY ERROR ON ERROR)) AS w \
          STRAIGHT_JOIN payment_change AS c ON c.payment_id = UNHEX(w.id) \
          AND c.seq = (SELECT MAX(m.seq) FROM payment_change AS m WHERE m.payment_id = UNHEX(w.id))",
};
of_wanted!(
    PAYMENTS,
    "payment",
    "t.merchant_id, t.order_id, t.try_no, t.currency, t.total, t.tax_free, t.vat, t.tax_source, t.contract_version, t.fee, \
     t.fee_vat, t.created_at, t.expires_at"
);
of_wanted!(
    APPROVALS,
    "approval",
    "t.leg_no, t.method, t.issuer_id, t.amount, t.tax_free, t.partial_cancelable, t.refund_priority, t.card_bin, \
     t.card_last4, t.method_token, t.installment_months, t.rule_version, t.deposit_due_at"
);
of_wanted!(
    ATTEMPTS,
    "attempt",
    "t.leg_no, t.kind, t.attempt_no, t.issuer_id, t.trace_date, t.trace_no, t.amount, t.target_no, t.cancel_no, t.sent_by, \
     t.deadline_at, t.target_result, t.way"
);
of_wanted!(
    RESULTS,
    "attempt_result",
    "t.leg_no, t.kind, t.attempt_no, t.outcome, t.result_no, t.source, t.issuer_ref, t.issuer_code, t.received_at"
);
of_wanted!(
    ATTEMPT_VERDICTS,
    "attempt_verdict",
    "t.leg_no, t.attempt_no, t.verdict, t.result_no, t.decided_at"
);
of_wanted!(
    PAYMENT_VERDICTS,
    "payment_verdict",
    "t.merchant_id, t.order_id, t.try_no, t.verdict, t.reason, t.business_date, t.decided_at"
);
of_wanted!(
    NETWORK_CANCELS,
    "network_cancel",
    "t.leg_no, t.attempt_no, t.reason, t.late_until, t.valid_until, t.requested_at"
);
of_wanted!(
    NETWORK_CANCEL_OUTCOMES,
    "network_cancel_outcome",
    "t.leg_no, t.attempt_no, t.outcome_no, t.outcome, t.decided_at"
);
of_wanted!(
    CANCELLATIONS,
    "cancellation",
    "t.cancel_no, t.cancel_request_id, t.kind, t.amount, t.tax_free, t.vat, t.fee, t.fee_vat, t.reason, t.business_date, \
     t.requested_at"
);
of_wanted!(
    CANCEL_SHARES,
    "cancel_share",
    "t.cancel_no, t.leg_no, t.amount, t.tax_free, t.vat, t.fee, t.fee_vat"
);
of_wanted!(CANCEL_OUTCOMES, "cancel_outcome", "t.cancel_no, t.leg_no, t.outcome, t.decided_at");
of_wanted!(
    BALANCE_LINKS,
    "balance_link",
    "t.leg_no, t.link_no, t.kind, t.cancel_no, t.before_amount, t.delta, t.after_amount"
);

const CHANGES: Statement = Statement {
    name: "load_changes",
    account: Account::App,
    sql: "SELECT c.payment_id, c.seq, c.origin, c.command, c.actor, c.request_id, c.recorded_at, c.digest \
          FROM JSON_TABLE(?, '$[*]' COLUMNS (id CHAR(32) PATH '$' ERROR ON EMPTY ERROR ON ERROR)) AS w \
          STRAIGHT_JOIN payment_change AS c ON c.payment_id = UNHEX(w.id) ORDER BY c.payment_id, c.seq",
};

const OWN_CHANGE: Statement = Statement {
    name: "own_change",
    account: Account::App,
    sql: "SELECT request_id FROM payment_change WHERE payment_id = ? AND seq = ?",
};

/// All of them, for the register.
pub const STATEMENTS: &[Statement] = &[
    HEADS,
    PAYMENTS,
    APPROVALS,
    ATTEMPTS,
    RESULTS,
    ATTEMPT_VERDICTS,
    PAYMENT_VERDICTS,
    NETWORK_CANCELS,
    NETWORK_CANCEL_OUTCOMES,
    CANCELLATIONS,
    CANCEL_SHARES,
    CANCEL_OUTCOMES,
    BALANCE_LINKS,
    CHANGES,
    OWN_CHANGE,
];

type ReadFact = fn(&Reading<'_>) -> Result<Fact, StoreError>;

/// A fact table: how its rows are found, its name, and how they are read.
pub(super) type Kept = (Statement, &'static str, ReadFact);

/// The fact tables, how each is read, and by what.
const FACTS: &[Kept] = &[
    (PAYMENTS, "payment", payment),
    (APPROVALS, "approval", approval),
    (ATTEMPTS, "attempt", attempt),
    (RESULTS, "attempt_result", result),
    (ATTEMPT_VERDICTS, "attempt_verdict", attempt_verdict),
    (PAYMENT_VERDICTS, "payment_verdict", payment_verdict),
    (NETWORK_CANCELS, "network_cancel", network_cancel),
    (NETWORK_CANCEL_OUTCOMES, "network_cancel_outcome", network_cancel_outcome),
    (CANCELLATIONS, "cancellation", cancellation),
    (CANCEL_SHARES, "cancel_share", cancel_share),
    (CANCEL_OUTCOMES, "cancel_outcome", cancel_outcome),
    (BALANCE_LINKS, "balance_link", balance_link),
];

/// What the way of a payment never needs: read by those who correct the journal, and by those who replay.
const ASIDE: &[Kept] = &[
    (super::correction::CORRECTIONS, "correction", super::correction::correction),
    (super::correction::CORRECTION_LINES, "correction_line", super::correction::correction_line),
    (super::correction::CORRECTION_VERDICTS, "correction_verdict", super::correction::correction_verdict),
];

pub(super) fn wanted(ids: &[PaymentId]) -> String {
    serde_json::to_string(&ids.iter().map(|id| id.to_hex()).collect::<Vec<_>>()).unwrap_or_default()
}

pub(super) async fn rows(
    connection: &mut MySqlConnection,
    statement: Statement,
    wanted: &str,
) -> Result<Vec<MySqlRow>, StoreError> {
    Ok(sqlx::query(statement.sql).bind(wanted).fetch_all(connection).await?)
}

/// Where the chains of these payments stand; those that do not exist are left out.
pub async fn heads(
    connection: &mut MySqlConnection,
    ids: &[PaymentId],
) -> Result<HashMap<PaymentId, Head>, StoreError> {
    rows(connection, HEADS, &wanted(ids)).await?.iter().map(head).collect()
}

/// A row with the head of a chain.
pub(super) fn head(row: &MySqlRow) -> Result<(PaymentId, Head), StoreError> {
    let (row, id) = Reading::of_payment(row, "payment_change")?;
    let head = Head { seq: row.get("seq")?, digest: row.bytes("digest")?, positions: row.code("positions")? };
    Ok((id, head))
}

/// These payments as of their last change; those that do not exist are left out.
pub async fn payments(
    connection: &mut MySqlConnection,
    ids: &[PaymentId],
) -> Result<HashMap<PaymentId, Payment>, StoreError> {
    payments_of(connection, ids, FACTS.iter().collect()).await
}

/// These payments with the corrections of their journals.
pub async fn payments_in_full(
    connection: &mut MySqlConnection,
    ids: &[PaymentId],
) -> Result<HashMap<PaymentId, Payment>, StoreError> {
    payments_of(connection, ids, FACTS.iter().chain(ASIDE).collect()).await
}

/// One payment with the corrections of its journal.
pub async fn payment_in_full(
    connection: &mut MySqlConnection,
    id: PaymentId,
) -> Result<Option<Payment>, StoreError> {
    Ok(payments_in_full(connection, &[id]).await?.remove(&id))
}

async fn payments_of(
    connection: &mut MySqlConnection,
    ids: &[PaymentId],
    tables: Vec<&'static Kept>,
) -> Result<HashMap<PaymentId, Payment>, StoreError> {
    let heads = heads(connection, ids).await?;
    let payments = folded(connection, heads, tables).await?;
    payments.values().try_for_each(understood)?;
    Ok(payments)
}

/// Refuses a payment with a fact that this version does not know: it may be shown, and nothing is decided on it.
pub(crate) fn understood(payment: &Payment) -> Result<(), StoreError> {
    match payment.unknown().first() {
        None => Ok(()),
        Some(UnknownFact { table, column, .. }) => {
            Err(StoreError::Corrupt { table, column, id: payment.id.to_string() })
        }
    }
}

/// One payment as of its last change, to be shown.
pub async fn shown_by_id(
    connection: &mut MySqlConnection,
    id: PaymentId,
) -> Result<Option<Payment>, StoreError> {
    let heads = heads(connection, &[id]).await?;
    Ok(payments_at(connection, heads).await?.remove(&id))
}

/// Payments as they were when their chains stood at these heads, to be shown: facts of a newer version are among them.
pub(crate) async fn payments_at(
    connection: &mut MySqlConnection,
    heads: HashMap<PaymentId, Head>,
) -> Result<HashMap<PaymentId, Payment>, StoreError> {
    folded(connection, heads, FACTS.iter().collect()).await
}

async fn folded(
    connection: &mut MySqlConnection,
    heads: HashMap<PaymentId, Head>,
    tables: Vec<&'static Kept>,
) -> Result<HashMap<PaymentId, Payment>, StoreError> {
    if heads.is_empty() {
        return Ok(HashMap::new());
    }
    let known: Vec<_> = heads.keys().copied().collect();
    let mut facts: HashMap<PaymentId, Vec<Fact>> = HashMap::with_capacity(known.len());
    let read = facts_of(connection, &known, tables).await?;
    for (id, seq, fact) in read.facts {
        if heads.get(&id).is_some_and(|head| seq <= head.seq) {
            facts.entry(id).or_default().push(fact);
        }
    }
    let mut unknown: HashMap<PaymentId, Vec<UnknownFact>> = HashMap::new();
    for (id, fact) in read.unknown {
        if heads.get(&id).is_some_and(|head| fact.seq <= head.seq) {
            unknown.entry(id).or_default().push(fact);
        }
    }
    heads
        .into_iter()
        .map(|(id, head)| {
            let facts = facts.remove(&id).unwrap_or_default();
            let unknown = unknown.remove(&id).unwrap_or_default();
            let (table, column) =
                unknown.first().map_or(("payment", "payment_id"), |fact| (fact.table, fact.column));
            let payment = Payment::fold_with(id, head, facts, unknown).map_err(|_| StoreError::Corrupt {
                table,
                column,
                id: id.to_string(),
            })?;
            Ok((id, payment))
        })
        .collect()
}

/// One payment as of its last change.
pub async fn payment_by_id(
    connection: &mut MySqlConnection,
    id: PaymentId,
) -> Result<Option<Payment>, StoreError> {
    Ok(payments(connection, &[id]).await?.remove(&id))
}

/// The request that wrote a change, if it is there: by this an unknown commit is found out.
pub async fn request_of(
    connection: &mut MySqlConnection,
    id: PaymentId,
    seq: u32,
) -> Result<Option<[u8; 16]>, StoreError> {
    let row = sqlx::query(OWN_CHANGE.sql)
        .bind(id.as_bytes().as_slice())
        .bind(seq)
        .fetch_optional(connection)
        .await?;
    row.map(|row| Reading::new(&row, "payment_change", id.to_string()).bytes("request_id")).transpose()
}

fn payment(row: &Reading<'_>) -> Result<Fact, StoreError> {
    Ok(Fact::Payment(PaymentOpened {
        merchant_id: row.get("merchant_id")?,
        order_id: row.get("order_id")?,
        try_no: row.get("try_no")?,
        currency: row.code("currency")?,
        total: row.amount("total")?,
        tax_free: row.amount("tax_free")?,
        vat: row.amount("vat")?,
        tax_source: row.code("tax_source")?,
        contract_version: row.get("contract_version")?,
        fee: row.amount("fee")?,
        fee_vat: row.amount("fee_vat")?,
        created_at: row.get("created_at")?,
        expires_at: row.get("expires_at")?,
    }))
}

fn approval(row: &Reading<'_>) -> Result<Fact, StoreError> {
    let (bin, last4): (Option<String>, Option<String>) = (row.get("card_bin")?, row.get("card_last4")?);
    Ok(Fact::Approval(Approval {
        leg_no: row.get("leg_no")?,
        method: row.code("method")?,
        issuer_id: row.get("issuer_id")?,
        amount: row.amount("amount")?,
        tax_free: row.amount("tax_free")?,
        partial_cancelable: row.get("partial_cancelable")?,
        refund_priority: row.get("refund_priority")?,
        card: bin.zip(last4).map(|(bin, last4)| CardRef { bin, last4 }),
        method_token: row.get("method_token")?,
        installment_months: row.get("installment_months")?,
        rule_version: row.get("rule_version")?,
        deposit_due_at: row.get("deposit_due_at")?,
    }))
}

fn attempt(row: &Reading<'_>) -> Result<Fact, StoreError> {
    Ok(Fact::Attempt(Attempt {
        leg_no: row.get("leg_no")?,
        kind: row.code("kind")?,
        attempt_no: row.get("attempt_no")?,
        issuer_id: row.get("issuer_id")?,
        trace_date: row.get("trace_date")?,
        trace_no: row.get("trace_no")?,
        amount: row.amount("amount")?,
        target_no: row.get("target_no")?,
        cancel_no: row.get("cancel_no")?,
        sent_by: row.code("sent_by")?,
        deadline_at: row.get("deadline_at")?,
        target_result: row.get("target_result")?,
        way: row.code_or_none("way")?,
    }))
}

fn result(row: &Reading<'_>) -> Result<Fact, StoreError> {
    Ok(Fact::Result(AttemptResult {
        leg_no: row.get("leg_no")?,
        kind: row.code("kind")?,
        attempt_no: row.get("attempt_no")?,
        outcome: row.code("outcome")?,
        result_no: row.get("result_no")?,
        source: row.code("source")?,
        issuer_ref: row.get("issuer_ref")?,
        issuer_code: row.get("issuer_code")?,
        received_at: row.get("received_at")?,
    }))
}

fn attempt_verdict(row: &Reading<'_>) -> Result<Fact, StoreError> {
    let result_no: Option<u16> = row.get("result_no")?;
    let ruling = match (row.get::<&str>("verdict")?, result_no) {
        ("ACCEPT", Some(result_no)) => Ruling::Accept { result_no },
        ("REJECT", None) => Ruling::Reject,
        ("ABANDON", None) => Ruling::Abandon,
        (code, result_no) if code != "ACCEPT" || result_no.is_some() => {
            return Err(row.unknown("verdict", code));
        }
        _ => return Err(row.corrupt("verdict")),
    };
    Ok(Fact::AttemptVerdict(AttemptVerdict {
        leg_no: row.get("leg_no")?,
        attempt_no: row.get("attempt_no")?,
        ruling,
        decided_at: row.get("decided_at")?,
    }))
}

fn payment_verdict(row: &Reading<'_>) -> Result<Fact, StoreError> {
    Ok(Fact::PaymentVerdict(PaymentVerdict {
        merchant_id: row.get("merchant_id")?,
        order_id: row.get("order_id")?,
        try_no: row.get("try_no")?,
        verdict: row.code("verdict")?,
        reason: row.get("reason")?,
        business_date: BusinessDate::new(row.get("business_date")?),
        decided_at: row.get("decided_at")?,
    }))
}

fn network_cancel(row: &Reading<'_>) -> Result<Fact, StoreError> {
    Ok(Fact::NetworkCancel(NetworkCancel {
        leg_no: row.get("leg_no")?,
        attempt_no: row.get("attempt_no")?,
        reason: row.code("reason")?,
        late_until: row.get("late_until")?,
        valid_until: row.get("valid_until")?,
        requested_at: row.get("requested_at")?,
    }))
}

fn network_cancel_outcome(row: &Reading<'_>) -> Result<Fact, StoreError> {
    Ok(Fact::NetworkCancelOutcome(NetworkCancelOutcome {
        leg_no: row.get("leg_no")?,
        attempt_no: row.get("attempt_no")?,
        outcome_no: row.get("outcome_no")?,
        outcome: row.code("outcome")?,
        decided_at: row.get("decided_at")?,
    }))
}

fn cancellation(row: &Reading<'_>) -> Result<Fact, StoreError> {
    Ok(Fact::Cancellation(Cancellation {
        cancel_no: row.get("cancel_no")?,
        cancel_request_id: row.get("cancel_request_id")?,
        kind: row.code("kind")?,
        amount: row.amount("amount")?,
        tax_free: row.amount("tax_free")?,
        vat: row.amount("vat")?,
        fee: row.amount("fee")?,
        fee_vat: row.amount("fee_vat")?,
        reason: row.get("reason")?,
        business_date: BusinessDate::new(row.get("business_date")?),
        requested_at: row.get("requested_at")?,
    }))
}

fn cancel_share(row: &Reading<'_>) -> Result<Fact, StoreError> {
    Ok(Fact::CancelShare(CancelShare {
        cancel_no: row.get("cancel_no")?,
        leg_no: row.get("leg_no")?,
        amount: row.amount("amount")?,
        tax_free: row.amount("tax_free")?,
        vat: row.amount("vat")?,
        fee: row.amount("fee")?,
        fee_vat: row.amount("fee_vat")?,
    }))
}

fn cancel_outcome(row: &Reading<'_>) -> Result<Fact, StoreError> {
    Ok(Fact::CancelOutcome(CancelOutcome {
        cancel_no: row.get("cancel_no")?,
        leg_no: row.get("leg_no")?,
        outcome: row.code("outcome")?,
        decided_at: row.get("decided_at")?,
    }))
}

fn balance_link(row: &Reading<'_>) -> Result<Fact, StoreError> {
    let before: Option<i64> = row.get("before_amount")?;
    let before =
        before.map(crate::money::Minor::new).transpose().map_err(|_| row.corrupt("before_amount"))?;
    Ok(Fact::BalanceLink(BalanceLink {
        leg_no: row.get("leg_no")?,
        link_no: row.get("link_no")?,
        kind: row.code("kind")?,
        cancel_no: row.get("cancel_no")?,
        before,
        delta: row.get("delta")?,
        after: row.amount("after_amount")?,
    }))
}

/// The changes of these payments, oldest first.
pub async fn changes(
    connection: &mut MySqlConnection,
    ids: &[PaymentId],
) -> Result<Vec<(PaymentId, ChangeRow)>, StoreError> {
    rows(connection, CHANGES, &wanted(ids))
        .await?
        .iter()
        .map(|row| {
            let (row, id) = Reading::of_payment(row, "payment_change")?;
            let change = ChangeRow {
                seq: row.get("seq")?,
                origin: row.code("origin")?,
                command: row.get("command")?,
                actor: row.get("actor")?,
                request_id: RequestId::from_bytes(row.bytes("request_id")?),
                recorded_at: row.get("recorded_at")?,
                digest: row.bytes("digest")?,
            };
            Ok((id, change))
        })
        .collect()
}

/// The facts of these payments with the change that added each, in their places.
pub async fn facts_by_change(
    connection: &mut MySqlConnection,
    ids: &[PaymentId],
) -> Result<Vec<(PaymentId, u32, Fact)>, StoreError> {
    let Read { mut facts, unknown } = facts_of(connection, ids, FACTS.iter().chain(ASIDE).collect()).await?;
    if let Some((id, UnknownFact { table, column, .. })) = unknown.first() {
        return Err(StoreError::Corrupt { table, column, id: id.to_string() });
    }
    facts.sort_by_key(|(id, seq, fact)| (*id, *seq, fact.place()));
    Ok(facts)
}

/// Facts as they were read, and those that this version does not know.
#[derive(Default)]
struct Read {
    facts: Vec<(PaymentId, u32, Fact)>,
    unknown: Vec<(PaymentId, UnknownFact)>,
}

/// All facts of these payments, table by table. Those of deposited legs are looked for where there is such a leg, and
/// what contradicts a verdict where an answer may.
async fn facts_of(
    connection: &mut MySqlConnection,
    ids: &[PaymentId],
    tables: Vec<&'static Kept>,
) -> Result<Read, StoreError> {
    let mut read = Read::default();
    read_tables(connection, tables, ids, &mut read).await?;
    let is_deposited =
        |fact: &Fact| matches!(fact, Fact::Approval(leg) if leg.method == Method::VirtualAccount);
    let such = |is_such: &dyn Fn(&Fact) -> bool| -> Vec<PaymentId> {
        let mut ids: Vec<_> =
            read.facts.iter().filter(|(_, _, fact)| is_such(fact)).map(|(id, _, _)| *id).collect();
        ids.sort_unstable();
        ids.dedup();
        ids
    };
    let further =
        [(such(&is_deposited), deposit::FACTS), (such(&contradiction::may_be), contradiction::FACTS)];
    for (ids, tables) in further {
        if !ids.is_empty() {
            read_tables(connection, tables.iter().collect(), &ids, &mut read).await?;
        }
    }
    Ok(read)
}

async fn read_tables(
    connection: &mut MySqlConnection,
    tables: Vec<&'static Kept>,
    ids: &[PaymentId],
    read: &mut Read,
) -> Result<(), StoreError> {
    let wanted = wanted(ids);
    for (statement, table, fact_of) in tables {
        for row in rows(connection, *statement, &wanted).await? {
            let (row, id) = Reading::of_payment(&row, table)?;
            let seq = row.get("seq")?;
            match (fact_of(&row), row.not_understood(seq)) {
                (Ok(fact), _) => read.facts.push((id, seq, fact)),
                (Err(_), Some(unknown)) => read.unknown.push((id, unknown)),
                (Err(error), None) => return Err(error),
            }
        }
    }
    Ok(())
}
