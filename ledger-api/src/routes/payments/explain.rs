//! `GET /v1/payments/{id}/explain`

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use chrono::{DateTime, Utc};
use ledger_core::history::{Explained, Step};
use ledger_core::journal::{Account, Side};
use ledger_core::payment::explain::{Because, Rule, stands};
use ledger_core::payment::exposure::{self, Exposed};
use ledger_core::payment::fact::ShareOutcome;
use ledger_core::payment::fold::{Leg, Payment};
use ledger_core::time;
use ledger_runtime::clock;
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::Api;
use crate::auth::Caller;
use crate::problem::{Problem, While, internal};
use crate::query::AsOf;
use crate::routes::payments::events::JournalLineView;
use crate::routes::{PathId, not_found};
use crate::view::PaymentView;

/// Why a payment is as it is, or as it was known at an instant.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Explanation)]
pub struct ExplanationView {
    /// The instant.
    as_of: String,
    /// The payment then.
    payment: PaymentView,
    /// The rule by which it stands so.
    because: RuleView,
    /// What remains of each approval.
    balances: Vec<BalanceView>,
    /// What the journal says of it, by account.
    accounts: Vec<AccountView>,
    /// What issuers may hold without our wanting it.
    exposed: Vec<ExposedView>,
    /// Its changes, oldest first.
    steps: Vec<StepView>,
}

/// A rule of the ledger.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Rule)]
pub struct RuleView {
    /// Its name; those with a number are in docs/DOMAIN.md.
    #[schema(example = "I1")]
    rule: &'static str,
    /// The rule in words.
    text: &'static str,
}

/// What remains of an approval: `approved - refunded - held = remaining`.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Balance)]
pub struct BalanceView {
    /// The approval.
    leg: u8,
    /// What was accepted.
    approved: i64,
    /// What has been refunded.
    refunded: i64,
    /// What cancels in progress hold.
    held: i64,
    /// What a cancel could take.
    remaining: i64,
}

/// Sums of the journal lines of one payment on one account.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AccountBalance)]
pub struct AccountView {
    /// The account.
    account: &'static str,
    /// Sum of its debits.
    debit: i64,
    /// Sum of its credits.
    credit: i64,
}

/// Money that may stand at an issuer without our wanting it, or was given back beside the books.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Exposed)]
pub struct ExposedView {
    /// The payment.
    payment_id: String,
    /// The merchant's order.
    order_id: String,
    /// The approval.
    leg: u8,
    /// AUTH; CANCEL for money given back though the cancel was refused.
    kind: &'static str,
    /// The attempt.
    attempt_no: u16,
    /// Which of its answers, when that contradicts what was decided.
    #[serde(skip_serializing_if = "Option::is_none")]
    result_no: Option<u16>,
    /// Where it may stand.
    issuer_id: String,
    /// KRW or USD.
    currency: &'static str,
    /// In minor units.
    amount: i64,
    /// UNCERTAIN, REVERSING, CONFLICT or ESCALATED.
    state: &'static str,
    /// Since when.
    since: String,
}

impl From<&Exposed> for ExposedView {
    fn from(exposed: &Exposed) -> Self {
        Self {
            payment_id: exposed.payment_id.to_string(),
            order_id: exposed.order_id.clone(),
            leg: exposed.leg_no,
            kind: exposed.kind.code(),
            attempt_no: exposed.attempt_no,
            result_no: exposed.result_no,
            issuer_id: exposed.issuer_id.clone(),
            currency: exposed.currency.code(),
            amount: exposed.amount.get(),
            state: exposed.state,
            since: time::text(exposed.since),
        }
    }
}

/// One change and why each of its facts is there.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Step)]
pub struct StepView {
    /// Its number: the version of the payment after it.
    version: u32,
    /// When it was recorded, to the microsecond: `asOf` this instant shows the payment after it.
    recorded_at: String,
    /// What was commanded.
    command: String,
    /// By which key, job or operator.
    actor: String,
    /// The payment's status after it.
    status: &'static str,
    /// What it added.
    facts: Vec<BecauseView>,
    /// What it posted.
    journal: Vec<JournalLineView>,
}

/// A fact and the rule by which it was added.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ExplainedFact)]
pub struct BecauseView {
    /// The table it stands in.
    fact: &'static str,
    /// What it says.
    says: String,
    /// The rule.
    #[serde(flatten)]
    rule: RuleView,
}

impl From<Rule> for RuleView {
    fn from(rule: Rule) -> Self {
        Self { rule: rule.code(), text: rule.text() }
    }
}

impl From<Because> for BecauseView {
    fn from(because: Because) -> Self {
        Self { fact: because.fact, says: because.says, rule: because.rule.into() }
    }
}

impl From<Step> for StepView {
    fn from(step: Step) -> Self {
        let recorded_at = time::seoul(step.entry.row.recorded_at);
        Self {
            version: step.entry.row.seq,
            recorded_at: recorded_at.to_rfc3339_opts(chrono::SecondsFormat::Micros, false),
            command: step.entry.row.command,
            actor: step.entry.row.actor,
            status: step.status.code(),
            facts: step.because.into_iter().map(BecauseView::from).collect(),
            journal: step.entry.change.journal.iter().map(JournalLineView::from).collect(),
        }
    }
}

fn view(explained: Explained, at: DateTime<Utc>) -> Option<ExplanationView> {
    let payment = &explained.payment;
    Some(ExplanationView {
        as_of: time::text(at),
        payment: PaymentView::of(payment, at).ok()?,
        because: stands(payment, at).into(),
        balances: payment.legs().map(|leg| balance(payment, leg)).collect(),
        accounts: accounts(&explained.steps),
        exposed: exposure::of(payment, at).iter().map(ExposedView::from).collect(),
        steps: explained.steps.into_iter().map(StepView::from).collect(),
    })
}

fn balance(payment: &Payment, leg: &Leg) -> BalanceView {
    let (approved, remaining) = (leg.approved().get(), leg.remaining().get());
    let done = payment.shares(ShareOutcome::Done).filter(|share| share.leg_no == leg.approval.leg_no);
    let refunded: i64 = done.map(|share| share.amount.get()).sum();
    BalanceView {
        leg: leg.approval.leg_no,
        approved,
        refunded,
        held: approved - refunded - remaining,
        remaining,
    }
}

fn accounts(steps: &[Step]) -> Vec<AccountView> {
    let mut sums: BTreeMap<Account, (i64, i64)> = BTreeMap::new();
    for line in steps.iter().flat_map(|step| &step.entry.change.journal) {
        let (debit, credit) = sums.entry(line.account).or_default();
        match line.side {
            Side::Debit => *debit += line.amount.get(),
            Side::Credit => *credit += line.amount.get(),
        }
    }
    let view = |(account, (debit, credit)): (Account, (i64, i64))| AccountView {
        account: account.code(),
        debit,
        credit,
    };
    sums.into_iter().map(view).collect()
}

/// Why a payment is as it is: every change, each fact it added with the rule that caused it, and what follows for balances,
/// journal and exposure; now, or as it was known at an instant.
#[utoipa::path(get, path = "/v1/payments/{paymentId}/explain", tag = "payments",
    params(("asOf" = Option<String>, Query, description = "An instant (RFC 3339) or a Korean day, for the midnight it ends with.")),
    responses((status = 200, description = "The explanation.", body = ExplanationView)))]
pub async fn explain(
    State(api): State<Api>,
    caller: Caller,
    PathId(id): PathId,
    AsOf(as_of): AsOf,
) -> Result<Json<ExplanationView>, Problem> {
    let explained = api.ledger().explain(&caller.merchant_id, id, as_of).await;
    let explained =
        explained.map_err(|error| Problem::of_ledger(&error, While::Reading))?.ok_or_else(not_found)?;
    view(explained, as_of.unwrap_or_else(clock::now)).map(Json).ok_or_else(internal)
}
