//! The handlers: extract, ask the ledger, render. One file per verb.

pub mod exposure;
pub mod health;
pub mod payables;
pub mod payments;
pub mod problems;
pub mod transactions;

use std::future::Future;

use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;
use axum::response::Response;
use ledger_core::change::Asked;
use ledger_core::ids::{PaymentId, Slot};
use ledger_core::ledger::{Answer, LedgerError, Operation};
use ledger_core::store::idempotency;
use ledger_runtime::clock;
use serde_json::Value;

use crate::api::Api;
use crate::auth::Caller;
use crate::context::Context;
use crate::deadline::{self, Time};
use crate::idempotency::{Use, claim, key};
use crate::precondition;
use crate::problem::{Code, Problem, While, internal};
use crate::render::{self, Kept};

/// A request that writes: who asks, under which key, by when. Checked before the body is read.
#[derive(Debug)]
pub struct Write {
    /// Who asks.
    pub caller: Caller,
    /// How long there is.
    pub time: Time,
    context: Context,
    key: String,
    /// The versions of the payment on which it may be decided (`If-Match`).
    versions: Option<Vec<u32>>,
}

impl FromRequestParts<Api> for Write {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Problem> {
        let time = Time::of(&parts.headers, api.answer_within());
        let caller = Caller::from_request_parts(parts, api).await?;
        let context = Context::from_request_parts(parts, api).await?;
        if parts.uri.query().is_some_and(|query| !query.is_empty()) {
            return Err(Problem::parameter("query", "no query parameters are known here"));
        }
        let versions = precondition::if_match(&parts.headers)?;
        Ok(Self { caller, time: time?, context, key: key(&parts.headers)?.to_owned(), versions })
    }
}

impl Write {
    /// The operation of this request on a body.
    pub fn operation(self, kind: idempotency::Operation, path: &str, slot: Slot, body: &Value) -> Operation {
        let used = Use { merchant_id: &self.caller.merchant_id, operation: kind, path, key: &self.key, slot };
        let actor = format!("key:{}", self.caller.key_id);
        let asked = Asked { actor, request_id: self.context.request_id, at: clock::now() };
        Operation { claim: claim(used, body), asked, versions: self.versions }
    }
}

/// Runs a write as a task that a caller who hangs up does not end, and answers when it has, or the time is over.
pub async fn written<F>(api: &Api, time: Time, kept: Kept, work: F) -> Result<Response, Problem>
where
    F: Future<Output = Result<Answer, LedgerError>> + Send + 'static,
{
    let task = api.running().spawn(work);
    match tokio::time::timeout_at(time.deadline.instant(), task).await {
        Ok(Ok(Ok(answer))) => Ok(render::answer(kept, answer)),
        Ok(Ok(Err(error))) => Err(Problem::of_ledger(&error, While::Writing)),
        Ok(Err(_)) => Err(internal()),
        Err(_) => {
            let detail = format!(
                "the time of {} is over and the request goes on; repeat it with the same key",
                deadline::HEADER
            );
            Err(Problem::new(Code::StillRunning, detail).retry_after(2))
        }
    }
}

/// A payment's id in the path.
#[derive(Debug, Clone, Copy)]
pub struct PathId(pub PaymentId);

impl FromRequestParts<Api> for PathId {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Problem> {
        Self::of(&path_part(parts, api).await?)
    }
}

impl PathId {
    /// The id that a part of the path spells.
    pub fn of(text: &str) -> Result<Self, Problem> {
        let wrong =
            || Problem::parameter("paymentId", "a UUID in its hyphenated form of 36 characters is expected");
        text.parse().map(Self).map_err(|_| wrong())
    }
}

/// The one variable part of the path, decoded.
pub async fn path_part(parts: &mut Parts, api: &Api) -> Result<String, Problem> {
    path_parts::<1>(parts, api).await.map(|[part]| part)
}

/// The variable parts of the path, decoded; as many as its route has.
pub async fn path_parts<const N: usize>(parts: &mut Parts, api: &Api) -> Result<[String; N], Problem> {
    let unreadable = || Problem::parameter("path", "holds bytes that are not UTF-8");
    let Path(read) =
        Path::<Vec<(String, String)>>::from_request_parts(parts, api).await.map_err(|_| unreadable())?;
    let texts: Vec<_> = read.into_iter().map(|(_, text)| text).collect();
    texts.try_into().map_err(|_| unreadable())
}

/// There is no such payment, or it is another merchant's: nobody can tell which.
pub fn not_found() -> Problem {
    Problem::from(&ledger_core::payment::refusal::Refusal::NotFound)
}
