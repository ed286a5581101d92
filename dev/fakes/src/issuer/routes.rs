//! The HTTP surface: four messages of the reference dialect, and the control endpoints of the simulator.

use std::collections::HashMap;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{ConnectInfo, DefaultBodyLimit, Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use axum::{Json, response};
use serde_json::json;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};
use tracing::debug;

use super::book::{Noted, TraceKey, Truth};
use super::line::Leash;
use super::plan::{Booking, Plan, Reply, Ruling};
use super::script::{Garble, Kind, Script, Seen, Step};
use super::serve::Shared;
use super::wire::{Answer, Authorization, BadRequest, Cancel, Deposit, Inquiry, Message, Reversal};

/// Bytes of an answer let through before the connection ends, headers included: the body of a truncated answer is longer.
const TRUNCATED_AFTER: usize = 400;
/// Length of an answer that is far too long.
const HUGE: usize = 4 * 1024 * 1024;

pub(super) fn router(shared: Shared) -> Router {
    let messages = Router::new()
        .route("/v1/authorizations", post(receive::<Authorization>))
        .route("/v1/reversals", post(receive::<Reversal>))
        .route("/v1/cancels", post(receive::<Cancel>))
        .route("/v1/inquiries", post(receive::<Inquiry>));
    Router::new()
        .merge(messages.clone())
        .nest("/{issuer}", messages)
        .route("/control/scripts", post(add_script))
        .route("/control/deposits", post(deposit))
        .route("/control/truth", get(truth))
        .route("/health/ready", get(|| async { "ready\n" }))
        .layer(DefaultBodyLimit::max(16 * 1024))
        .with_state(shared)
}

async fn add_script(State(shared): State<Shared>, body: Bytes) -> Response {
    match serde_json::from_slice::<Script>(&body) {
        Ok(script) => {
            shared.scripts().add(script);
            StatusCode::NO_CONTENT.into_response()
        }
        Err(error) => (StatusCode::BAD_REQUEST, format!("no script: {error}\n")).into_response(),
    }
}

async fn deposit(State(shared): State<Shared>, body: Bytes) -> Response {
    match serde_json::from_slice::<Deposit>(&body) {
        Ok(deposit) if shared.book().deposit(&deposit) => StatusCode::NO_CONTENT.into_response(),
        Ok(_) => (StatusCode::NOT_FOUND, "no such account, or it is closed\n").into_response(),
        Err(error) => (StatusCode::BAD_REQUEST, format!("no deposit: {error}\n")).into_response(),
    }
}

async fn truth(State(shared): State<Shared>) -> response::Json<Truth> {
    Json(shared.book().truth())
}

/// A message as the room handles it: which trace it is about, and how it is booked.
trait Booked: Message {
    const KIND: Kind;
    fn own_trace_no(&self) -> &str;
    fn amount(&self) -> i64;
    /// Which authorization it is about.
    fn original(&self, issuer: String) -> TraceKey;
    fn note(&self, key: &TraceKey, shared: &Shared) -> Noted;
    fn book(&self, key: &TraceKey, ruling: Ruling, shared: &Shared) -> Answer;
}

impl Booked for Authorization {
    const KIND: Kind = Kind::Auth;

    fn own_trace_no(&self) -> &str {
        &self.trace_no
    }

    fn amount(&self) -> i64 {
        self.amount
    }

    fn original(&self, issuer: String) -> TraceKey {
        TraceKey { issuer, date: self.trace_date, no: self.trace_no.clone() }
    }

    fn note(&self, key: &TraceKey, shared: &Shared) -> Noted {
        shared.book().note_authorization(key, self)
    }

    fn book(&self, key: &TraceKey, ruling: Ruling, shared: &Shared) -> Answer {
        let decline = match &ruling {
            Ruling::Decline(code) => Some(code.as_str()),
            Ruling::ByTheBook | Ruling::NoOriginal | Ruling::TooLate | Ruling::Unnamed => None,
        };
        shared.book().authorize(key, self, decline)
    }
}

impl Booked for Reversal {
    const KIND: Kind = Kind::Reversal;

    fn own_trace_no(&self) -> &str {
        &self.trace_no
    }

    fn amount(&self) -> i64 {
        self.amount
    }

    fn original(&self, issuer: String) -> TraceKey {
        TraceKey { issuer, date: self.original_trace_date, no: self.original_trace_no.clone() }
    }

    fn note(&self, key: &TraceKey, shared: &Shared) -> Noted {
        shared.book().note_reversal(key)
    }

    fn book(&self, key: &TraceKey, ruling: Ruling, shared: &Shared) -> Answer {
        match ruling {
            Ruling::ByTheBook => shared.book().reverse(key, self),
            Ruling::Decline(code) => Answer::Declined { code },
            Ruling::NoOriginal => Answer::NoOriginal,
            Ruling::TooLate => Answer::TooLate,
            Ruling::Unnamed => {
                let answer = shared.book().reverse(key, self);
                if matches!(answer, Answer::Reversed { .. }) {
                    Answer::Reversed { auth_no: None }
                } else {
                    answer
                }
            }
        }
    }
}

impl Booked for Inquiry {
    const KIND: Kind = Kind::Inquiry;

    fn own_trace_no(&self) -> &str {
        &self.0.trace_no
    }

    fn amount(&self) -> i64 {
        self.0.amount
    }

    fn original(&self, issuer: String) -> TraceKey {
        self.0.original(issuer)
    }

    fn note(&self, key: &TraceKey, shared: &Shared) -> Noted {
        shared.book().note_inquiry(key)
    }

    fn book(&self, key: &TraceKey, ruling: Ruling, shared: &Shared) -> Answer {
        match ruling {
            Ruling::ByTheBook | Ruling::TooLate | Ruling::Unnamed => shared.book().inquire(key),
            Ruling::Decline(code) => Answer::Declined { code },
            Ruling::NoOriginal => Answer::NoOriginal,
        }
    }
}

impl Booked for Cancel {
    const KIND: Kind = Kind::Cancel;

    fn own_trace_no(&self) -> &str {
        &self.trace_no
    }

    fn amount(&self) -> i64 {
        self.amount
    }

    fn original(&self, issuer: String) -> TraceKey {
        TraceKey { issuer, date: self.original_trace_date, no: self.original_trace_no.clone() }
    }

    fn note(&self, key: &TraceKey, shared: &Shared) -> Noted {
        shared.book().note_cancel(key)
    }

    fn book(&self, key: &TraceKey, ruling: Ruling, shared: &Shared) -> Answer {
        match ruling {
            Ruling::Decline(code) => Answer::Declined { code },
            Ruling::ByTheBook | Ruling::NoOriginal | Ruling::TooLate | Ruling::Unnamed => {
                shared.book().cancel(key, self)
            }
        }
    }
}

async fn receive<M: Booked>(
    State(shared): State<Shared>,
    ConnectInfo(leash): ConnectInfo<Leash>,
    Path(path): Path<HashMap<String, String>>,
    body: Bytes,
) -> Response {
    let message = match M::parse(&body) {
        Ok(message) => message,
        Err(error) => return refused(&error),
    };
    let key = message.original(path.get("issuer").cloned().unwrap_or_default());
    let noted = message.note(&key, &shared);
    let step = match step_for(&message, &key, &noted, &shared) {
        Ok(step) => step,
        Err(error) => return refused(&error),
    };
    debug!(kind = ?M::KIND, trace.no = key.no, ?step, "received");
    let trace_no = message.own_trace_no().to_owned();
    carry_out(message, key, Plan::of(step), shared, &leash, &trace_no).await
}

fn step_for<M: Booked>(
    message: &M,
    key: &TraceKey,
    noted: &Noted,
    shared: &Shared,
) -> Result<Option<Step>, BadRequest> {
    shared.scripts().step(Seen {
        kind: M::KIND,
        trace_no: &key.no,
        token: noted.token.as_deref(),
        amount: message.amount(),
        before: noted.before,
    })
}

async fn carry_out<M: Booked>(
    message: M,
    key: TraceKey,
    plan: Plan,
    shared: Shared,
    leash: &Leash,
    trace_no: &str,
) -> Response {
    let received = Instant::now();
    let ruled = match plan.book {
        Booking::After(Duration::ZERO) => Ruled::Done(message.book(&key, plan.ruling, &shared)),
        // A task of its own: it is booked whatever the sender does in the meantime.
        Booking::After(wait) => Ruled::Pending(tokio::spawn(async move {
            sleep_until(received + wait).await;
            message.book(&key, plan.ruling, &shared)
        })),
        Booking::Never => Ruled::Not,
    };
    match plan.reply {
        Reply::Never => std::future::pending().await,
        Reply::After(wait) => {
            sleep_until(received + wait).await;
            ruled.answer().await.map_or_else(failed, |answer| answered(&answer, trace_no))
        }
        Reply::Garbled(how) => garbled(how, leash),
        Reply::Failed => failed(),
        Reply::Cut => {
            leash.cut_after(0);
            failed()
        }
    }
}

/// What the issuer decided, if it has.
enum Ruled {
    Done(Answer),
    Pending(JoinHandle<Answer>),
    Not,
}

impl Ruled {
    async fn answer(self) -> Option<Answer> {
        match self {
            Self::Done(answer) => Some(answer),
            Self::Pending(task) => task.await.ok(),
            Self::Not => None,
        }
    }
}

fn answered(answer: &Answer, trace_no: &str) -> Response {
    let mut body = json!(answer);
    if let Some(fields) = body.as_object_mut() {
        fields.insert("traceNo".to_owned(), json!(trace_no));
    }
    Json(body).into_response()
}

fn failed() -> Response {
    StatusCode::INTERNAL_SERVER_ERROR.into_response()
}

fn refused(error: &BadRequest) -> Response {
    (StatusCode::BAD_REQUEST, Json(json!({ "error": error.to_string() }))).into_response()
}

fn garbled(how: Garble, leash: &Leash) -> Response {
    let approved = Answer::Approved { auth_no: "A0000000".to_owned() };
    let body = match how {
        Garble::Json => "{\"result\":\"APPROVED\",\"authNo\":".to_owned(),
        Garble::Content => "<html><body>welcome</body></html>".to_owned(),
        Garble::Trace => return answered(&approved, "another"),
        Garble::Huge => "x".repeat(HUGE),
        Garble::Truncated => {
            leash.cut_after(TRUNCATED_AFTER);
            "x".repeat(2 * TRUNCATED_AFTER)
        }
    };
    ([(header::CONTENT_TYPE, "application/json")], Body::from(body)).into_response()
}

#[cfg(test)]
mod tests;
