//! Everything that is answered with an error: RFC 9457 problems. All pairs of code, status and outcome stand in one list,
//! each with a page in `docs/problems` that says what it means, whether money may have moved, and what to do.

use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use issuer_gateway::run::RunError;
use ledger_core::ledger::LedgerError;
use ledger_core::money::Minor;
use ledger_core::payment::allocation::{AllocationError, PartFault};
use ledger_core::payment::refusal::{Outcome, Refusal};
use ledger_core::store::StoreError;
use ledger_runtime::exit::Chain;
use serde::Serialize;
use utoipa::ToSchema;

/// Media type of a problem.
pub const CONTENT_TYPE: &str = "application/problem+json";

/// Declares the codes: name, code, page, status, outcome, title.
macro_rules! problems {
    ($($name:ident $code:literal $page:literal $status:literal $outcome:ident $title:literal,)+) => {
        /// What went wrong.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code { $(#[doc = $title] $name,)+ }

        impl Code {
            /// Every code there is.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// The code as callers know it.
            pub const fn code(self) -> &'static str {
                match self { $(Self::$name => $code,)+ }
            }

            /// Name of its page, below `/problems/` and in `docs/problems`.
            pub const fn slug(self) -> &'static str {
                match self { $(Self::$name => $page,)+ }
            }

            /// HTTP status.
            pub const fn status(self) -> u16 {
                match self { $(Self::$name => $status,)+ }
            }

            /// May money have moved?
            pub const fn outcome(self) -> Outcome {
                match self { $(Self::$name => Outcome::$outcome,)+ }
            }

            /// The same for every occurrence.
            pub const fn title(self) -> &'static str {
                match self { $(Self::$name => $title,)+ }
            }

            /// Its page, as it was when this was built.
            pub const fn page(self) -> &'static str {
                match self { $(Self::$name => include_str!(concat!("../../docs/problems/", $page, ".md")),)+ }
            }
        }
    };
}

problems! {
    MalformedJson "MALFORMED_JSON" "malformed-json" 400 NotAttempted "the body is not JSON that can be read",
    InvalidFields "INVALID_FIELDS" "invalid-fields" 400 NotAttempted "fields of the body are not as they should be",
    InvalidParameter "INVALID_PARAMETER" "invalid-parameter" 400 NotAttempted "a part of the path, a query parameter or a header cannot be used",
    CardNumberRefused "CARD_NUMBER_REFUSED" "card-number-refused" 400 NotAttempted "the request holds what looks like a card number",
    IdempotencyKeyMissing "IDEMPOTENCY_KEY_MISSING" "idempotency-key-missing" 400 NotAttempted "the Idempotency-Key header is missing",
    IdempotencyKeyInvalid "IDEMPOTENCY_KEY_INVALID" "idempotency-key-invalid" 400 NotAttempted "the Idempotency-Key header cannot be used",
    Unauthorized "UNAUTHORIZED" "unauthorized" 401 NotAttempted "the API key is missing or not valid",
    ApprovalDeclined "APPROVAL_DECLINED" "approval-declined" 402 Declined "the issuer declined an approval",
    CancelDeclined "CANCEL_DECLINED" "cancel-declined" 402 Declined "the issuer declined the cancel",
    UnknownRoute "UNKNOWN_ROUTE" "unknown-route" 404 NotAttempted "there is nothing at this path",
    PaymentNotFound "PAYMENT_NOT_FOUND" "payment-not-found" 404 NotAttempted "there is no such payment",
    CancellationNotFound "CANCELLATION_NOT_FOUND" "cancellation-not-found" 404 NotAttempted "there is no such cancellation",
    AttemptNotFound "ATTEMPT_NOT_FOUND" "attempt-not-found" 404 NotAttempted "there is no such attempt",
    MethodNotAllowed "METHOD_NOT_ALLOWED" "method-not-allowed" 405 NotAttempted "the path does not take this method",
    RequestTimeout "REQUEST_TIMEOUT" "request-timeout" 408 NotAttempted "the body did not arrive in time",
    DepositRefundNotFound "DEPOSIT_REFUND_NOT_FOUND" "deposit-refund-not-found" 404 NotAttempted "the payment has no such deposit refund",
    OrderInUse "ORDER_IN_USE" "order-in-use" 409 NotAttempted "the order has a payment already",
    InvalidState "INVALID_STATE" "invalid-state" 409 NotAttempted "the payment's status does not allow this",
    NotCancelableAmount "NOT_CANCELABLE_AMOUNT" "not-cancelable-amount" 409 NotAttempted "more than can be canceled",
    AttemptOpen "ATTEMPT_OPEN" "attempt-open" 409 NotAttempted "an attempt of the approval has no verdict",
    ApprovalDiffers "APPROVAL_DIFFERS" "approval-differs" 409 NotAttempted "the approval was planned otherwise",
    NotRefundableAmount "NOT_REFUNDABLE_AMOUNT" "not-refundable-amount" 409 NotAttempted "more than can be refunded from suspense",
    CancelWindowOver "CANCEL_WINDOW_OVER" "cancel-window-over" 409 NotAttempted "the method's time to cancel is over",
    RequestInProgress "REQUEST_IN_PROGRESS" "request-in-progress" 409 Unknown "the request with this key is still running",
    AnswerExpired "ANSWER_EXPIRED" "answer-expired" 410 Unknown "the answer to this key is no longer kept",
    BalanceMismatch "BALANCE_MISMATCH" "balance-mismatch" 412 NotAttempted "the balance is not the expected one",
    VersionMismatch "VERSION_MISMATCH" "version-mismatch" 412 NotAttempted "the payment is not at the version that If-Match names",
    BodyTooLarge "BODY_TOO_LARGE" "body-too-large" 413 NotAttempted "the body is too large",
    UriTooLong "URI_TOO_LONG" "uri-too-long" 414 NotAttempted "the address is too long",
    UnsupportedMediaType "UNSUPPORTED_MEDIA_TYPE" "unsupported-media-type" 415 NotAttempted "the body is not declared as JSON",
    ApprovalSumMismatch "APPROVAL_SUM_MISMATCH" "approval-sum-mismatch" 422 NotAttempted "the approvals do not add up to the payment",
    TaxFreeOutOfBounds "TAX_FREE_OUT_OF_BOUNDS" "tax-free-out-of-bounds" 422 NotAttempted "the tax-free part does not fit",
    AmountOutOfRange "AMOUNT_OUT_OF_RANGE" "amount-out-of-range" 422 NotAttempted "an amount leaves its range",
    UnknownIssuer "UNKNOWN_ISSUER" "unknown-issuer" 422 NotAttempted "there is no such issuer",
    MethodUnavailable "METHOD_UNAVAILABLE" "method-unavailable" 422 NotAttempted "the method has no rule that holds now",
    NoContract "NO_CONTRACT" "no-contract" 422 NotAttempted "the merchant has no valid contract",
    AllocationImpossible "ALLOCATION_IMPOSSIBLE" "allocation-impossible" 422 NotAttempted "no set of approvals makes up the cancel",
    CancelInFullOnly "CANCEL_IN_FULL_ONLY" "cancel-in-full-only" 422 NotAttempted "a payment that waits for its deposit is canceled in full",
    RefundAccountMissing "REFUND_ACCOUNT_MISSING" "refund-account-missing" 422 NotAttempted "a deposited approval needs an account to refund to",
    NoVirtualAccount "NO_VIRTUAL_ACCOUNT" "no-virtual-account" 422 NotAttempted "no virtual account is meant, or none can be told",
    DepositReferenceReused "DEPOSIT_REFERENCE_REUSED" "deposit-reference-reused" 422 NotAttempted "the bank's reference names another deposit",
    IdempotencyKeyReused "IDEMPOTENCY_KEY_REUSED" "idempotency-key-reused" 422 NotAttempted "the key was used with another body",
    HeadersTooLarge "HEADERS_TOO_LARGE" "headers-too-large" 431 NotAttempted "too many headers, or too large",
    InternalError "INTERNAL_ERROR" "internal-error" 500 Unknown "the ledger met an error of its own",
    Overloaded "OVERLOADED" "overloaded" 503 NotAttempted "too many requests at once",
    LedgerUnavailable "LEDGER_UNAVAILABLE" "ledger-unavailable" 503 NotAttempted "the ledger's database does not answer",
    CommitUnknown "COMMIT_UNKNOWN" "commit-unknown" 503 Unknown "the database broke off while the request was written",
    Contended "CONTENDED" "contended" 503 NotAttempted "too many changes of the payment at once",
    FactNotUnderstood "FACT_NOT_UNDERSTOOD" "fact-not-understood" 503 NotAttempted "the payment holds a fact this version does not know",
    DeadlineTooShort "DEADLINE_TOO_SHORT" "deadline-too-short" 503 NotAttempted "the caller would not wait for the issuer",
    IssuerTimeout "ISSUER_TIMEOUT" "issuer-timeout" 504 Aborted "the issuer gave no clear answer in time",
    IssuerUnreachable "ISSUER_UNREACHABLE" "issuer-unreachable" 504 Aborted "the issuer could not be reached",
    StillRunning "STILL_RUNNING" "still-running" 504 Unknown "not ended in the caller's time, and going on",
}

/// One thing that is wrong, and where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct FieldError {
    /// JSON pointer into the body; absent when it is not about the body.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "/approvals/0/amount")]
    pub pointer: Option<String>,
    /// A header, query parameter or part of the path; absent when it is about the body.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parameter: Option<&'static str>,
    /// What is wrong and the way out.
    pub detail: String,
}

impl FieldError {
    /// About a place in the body.
    pub fn at(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { pointer: Some(pointer.into()), parameter: None, detail: detail.into() }
    }

    /// About a header, a query parameter or a part of the path.
    pub fn of(parameter: &'static str, detail: impl Into<String>) -> Self {
        Self { pointer: None, parameter: Some(parameter), detail: detail.into() }
    }
}

/// A problem before it is known which request it answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// What went wrong.
    pub code: Code,
    /// What went wrong this time.
    pub detail: String,
    /// Where, if it has places.
    pub errors: Vec<FieldError>,
    /// When it is worth trying again.
    pub retry_after_seconds: Option<u32>,
    /// The version the payment is at, where that is what is wrong: goes into `ETag`.
    pub version: Option<u32>,
}

/// The body of an error (RFC 9457).
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Problem)]
pub struct ProblemBody<'a> {
    /// Path of the page about the code, on this server.
    #[serde(rename = "type")]
    #[schema(example = "/problems/not-cancelable-amount")]
    kind: String,
    /// The same for every occurrence of the code.
    title: &'a str,
    /// HTTP status.
    status: u16,
    /// What went wrong this time.
    detail: &'a str,
    /// Path of the request; absent from answers that are kept under an idempotency key.
    #[serde(skip_serializing_if = "Option::is_none")]
    instance: Option<&'a str>,
    /// The code to decide by.
    #[schema(example = "NOT_CANCELABLE_AMOUNT")]
    code: &'a str,
    /// May money have moved? `not_attempted` and `declined`: no. `aborted`: given up, and being undone. `unknown`: ask again.
    #[schema(example = "not_attempted")]
    outcome: &'a str,
    /// Id of the trace in our logs; absent from answers that are kept under an idempotency key (`X-Request-Id` has it).
    #[serde(skip_serializing_if = "Option::is_none")]
    trace_id: Option<&'a str>,
    /// What is wrong, place by place.
    #[serde(skip_serializing_if = "<[FieldError]>::is_empty")]
    errors: &'a [FieldError],
}

impl Problem {
    /// A problem with nothing but its code and what happened.
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        let detail = detail.into();
        Self { code, detail, errors: Vec::new(), retry_after_seconds: None, version: None }
    }

    /// Says what is wrong, place by place.
    #[must_use]
    pub fn with_errors(mut self, errors: Vec<FieldError>) -> Self {
        self.errors = errors;
        self
    }

    /// A parameter that cannot be used.
    pub fn parameter(name: &'static str, detail: impl Into<String>) -> Self {
        let detail = detail.into();
        Self::new(Code::InvalidParameter, format!("{name}: {detail}"))
            .with_errors(vec![FieldError::of(name, detail)])
    }

    /// Says when to try again.
    #[must_use]
    pub const fn retry_after(mut self, seconds: u32) -> Self {
        self.retry_after_seconds = Some(seconds);
        self
    }

    /// The bytes for the request at `instance`; without one, the bytes that are kept under an idempotency key, which
    /// are the same whoever renders them.
    pub fn body(&self, instance: Option<&str>, trace_id: Option<&str>) -> Vec<u8> {
        let body = ProblemBody {
            kind: format!("/problems/{}", self.code.slug()),
            title: self.code.title(),
            status: self.code.status(),
            detail: &self.detail,
            instance,
            code: self.code.code(),
            outcome: self.code.outcome().code(),
            trace_id,
            errors: &self.errors,
        };
        serde_json::to_vec(&body).unwrap_or_default()
    }
}

/// The header with the number of a payment's last change.
pub fn etag(version: u32) -> Option<(HeaderName, HeaderValue)> {
    Some((header::ETAG, HeaderValue::from_str(&format!("\"{version}\"")).ok()?))
}

/// The status of a code; every one of the list is valid.
pub fn status(code: u16) -> StatusCode {
    StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

/// The body is added by [`crate::context`], which knows the request.
impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = status(self.code.status()).into_response();
        let headers = response.headers_mut();
        if let Some(seconds) = self.retry_after_seconds {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if let Some(version) = self.version {
            headers.extend(etag(version));
        }
        if self.code == Code::Unauthorized {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"ledger\""));
        }
        response.extensions_mut().insert(self);
        response
    }
}

/// The code of a refusal.
pub const fn code_of(refusal: &Refusal) -> Code {
    match refusal {
        Refusal::OrderInUse { .. } => Code::OrderInUse,
        Refusal::NotFound => Code::PaymentNotFound,
        Refusal::InvalidState { .. } | Refusal::DepositRefundEnded { .. } => Code::InvalidState,
        Refusal::LegSum { .. } => Code::ApprovalSumMismatch,
        Refusal::LegTaxFreeSum { .. }
        | Refusal::TaxFreeBounds { .. }
        | Refusal::Allocation(AllocationError::TaxFree { .. }) => Code::TaxFreeOutOfBounds,
        Refusal::LegDiffers { .. } => Code::ApprovalDiffers,
        Refusal::AttemptOpen { .. } => Code::AttemptOpen,
        Refusal::NoSuchAttempt { .. } => Code::AttemptNotFound,
        Refusal::UnknownIssuer(_) => Code::UnknownIssuer,
        Refusal::NoContract(_) => Code::NoContract,
        Refusal::NoMethodRule(_) => Code::MethodUnavailable,
        Refusal::NoVirtualAccount { .. } => Code::NoVirtualAccount,
        Refusal::DepositReferenceReused { .. } => Code::DepositReferenceReused,
        Refusal::ExceedsSuspense { .. } => Code::NotRefundableAmount,
        Refusal::NoSuchDepositRefund(_) => Code::DepositRefundNotFound,
        Refusal::CancelWindowOver { .. } => Code::CancelWindowOver,
        Refusal::CancelInFullOnly { .. } => Code::CancelInFullOnly,
        Refusal::RefundAccountMissing { .. } => Code::RefundAccountMissing,
        Refusal::ExceedsBalance { .. }
        | Refusal::Allocation(AllocationError::Part { fault: PartFault::TooMuch { .. }, .. }) => {
            Code::NotCancelableAmount
        }
        Refusal::BalanceMismatch { .. } => Code::BalanceMismatch,
        Refusal::VersionMismatch { .. } => Code::VersionMismatch,
        Refusal::Allocation(_) => Code::AllocationImpossible,
        Refusal::Amount(_) => Code::AmountOutOfRange,
        Refusal::CardDeclined { .. } => Code::ApprovalDeclined,
        Refusal::IssuerTimeout { .. } => Code::IssuerTimeout,
        Refusal::IssuerUnreachable { .. } => Code::IssuerUnreachable,
        Refusal::CancelDeclined { .. } => Code::CancelDeclined,
    }
}

impl From<&Refusal> for Problem {
    fn from(refusal: &Refusal) -> Self {
        let place = place_of(refusal).map(|(pointer, detail)| FieldError::at(pointer, detail));
        let problem = Self::new(code_of(refusal), refusal.to_string());
        if let Refusal::VersionMismatch { current } = refusal {
            let error = FieldError::of("If-Match", format!("the current version is \"{current}\""));
            return Self { version: Some(*current), ..problem.with_errors(vec![error]) };
        }
        problem.with_errors(place.into_iter().collect())
    }
}

/// The field that a refusal is about, where only one can be meant, and what it may be.
fn place_of(refusal: &Refusal) -> Option<(String, String)> {
    let (pointer, detail) = match refusal {
        Refusal::ExceedsBalance { available: Minor::ZERO, .. } => {
            ("/cancelAmount".to_owned(), "nothing can be canceled now".to_owned())
        }
        Refusal::ExceedsBalance { available, .. } => {
            ("/cancelAmount".to_owned(), format!("1 to {available} can be canceled"))
        }
        Refusal::BalanceMismatch { actual, .. } => ("/expectedBalance".to_owned(), format!("is {actual}")),
        Refusal::TaxFreeBounds { least, most } => {
            ("/taxFreeAmount".to_owned(), format!("{least} to {most} is expected"))
        }
        Refusal::Allocation(AllocationError::Part { at, fault }) => {
            let field = match fault {
                PartFault::NoSuchLeg(_) | PartFault::Twice(_) => "leg",
                PartFault::TooMuch { .. } | PartFault::WholeOnly { .. } => "amount",
                PartFault::TaxFree => "taxFreeAmount",
            };
            (format!("/allocations/{at}/{field}"), fault.to_string())
        }
        Refusal::Allocation(error @ (AllocationError::Sum { .. } | AllocationError::TaxFree { .. })) => {
            ("/allocations".to_owned(), error.to_string())
        }
        Refusal::Allocation(error @ AllocationError::Impossible(_)) => {
            ("/cancelAmount".to_owned(), error.to_string())
        }
        Refusal::ExceedsSuspense { available: Minor::ZERO, .. } => {
            ("/amount".to_owned(), "nothing can be refunded from suspense now".to_owned())
        }
        Refusal::ExceedsSuspense { available, .. } => {
            ("/amount".to_owned(), format!("1 to {available} can be refunded"))
        }
        Refusal::NoVirtualAccount { .. } => {
            ("/leg".to_owned(), "the number of an approval by VIRTUAL_ACCOUNT is expected".to_owned())
        }
        Refusal::DepositReferenceReused { .. } => {
            ("/bankReference".to_owned(), "names another deposit already".to_owned())
        }
        Refusal::CancelInFullOnly { total, .. } => {
            ("/cancelAmount".to_owned(), format!("leave it out, or say {total}"))
        }
        Refusal::RefundAccountMissing { .. } => ("/refundReceiveAccount".to_owned(), "is missing".to_owned()),
        Refusal::OrderInUse { .. }
        | Refusal::NotFound
        | Refusal::InvalidState { .. }
        | Refusal::LegSum { .. }
        | Refusal::LegTaxFreeSum { .. }
        | Refusal::LegDiffers { .. }
        | Refusal::AttemptOpen { .. }
        | Refusal::NoSuchAttempt { .. }
        | Refusal::UnknownIssuer(_)
        | Refusal::NoContract(_)
        | Refusal::NoMethodRule(_)
        | Refusal::NoSuchDepositRefund(_)
        | Refusal::DepositRefundEnded { .. }
        | Refusal::CancelWindowOver { .. }
        | Refusal::VersionMismatch { .. }
        | Refusal::Allocation(AllocationError::Amount(_))
        | Refusal::Amount(_)
        | Refusal::CardDeclined { .. }
        | Refusal::IssuerTimeout { .. }
        | Refusal::IssuerUnreachable { .. }
        | Refusal::CancelDeclined { .. } => return None,
    };
    Some((pointer, detail))
}

/// What the request was doing when the ledger failed: it decides whether money may have moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum While {
    /// Reading.
    Reading,
    /// Writing.
    Writing,
}

impl Problem {
    /// The problem of an error of the ledger; the cause goes to the log, once, here.
    pub fn of_ledger(error: &LedgerError, during: While) -> Self {
        let problem = Self::from_ledger(error, during);
        if problem.code.status() >= 500 {
            tracing::error!(code = problem.code.code(), "{}", Chain(error));
        }
        problem
    }

    fn from_ledger(error: &LedgerError, during: While) -> Self {
        match error {
            LedgerError::Refused(refusal) => Self::from(refusal),
            LedgerError::NotFound => Self::from(&Refusal::NotFound),
            LedgerError::Contended(_) => Self::new(Code::Contended, error.to_string()).retry_after(1),
            LedgerError::Contradiction { .. } => internal(),
            LedgerError::Store(error) => match (error, during) {
                (StoreError::Busy, _) => {
                    Self::new(Code::Overloaded, format!("{error}; nothing was tried")).retry_after(1)
                }
                (StoreError::NotWritten(_), _) | (StoreError::Unavailable(_), While::Reading) => {
                    Self::new(Code::LedgerUnavailable, error.to_string()).retry_after(1)
                }
                (StoreError::Unavailable(_), While::Writing) => {
                    let detail =
                        format!("{error}; repeat the request with the same key to learn how it ended");
                    Self::new(Code::CommitUnknown, detail).retry_after(1)
                }
                (StoreError::Corrupt { .. }, _) => Self::new(
                    Code::FactNotUnderstood,
                    "the payment holds a fact that this version does not know; nothing is decided on it here",
                ),
                (StoreError::Lost(_) | StoreError::Refused { .. }, _) => internal(),
            },
        }
    }

    /// The problem of an operation with issuers.
    pub fn of_run(error: &RunError) -> Self {
        match error {
            RunError::Ledger(error) => Self::of_ledger(error, While::Writing),
            RunError::Unfinished => Self::new(Code::StillRunning, error.to_string()).retry_after(2),
        }
    }
}

/// An error of our own; what it was is in the log.
pub fn internal() -> Problem {
    Problem::new(
        Code::InternalError,
        "the ledger met an error of its own; repeat the request with the same key to learn how it ended",
    )
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_code_has_a_page_and_every_page_a_code() {
        let pages: BTreeSet<String> =
            std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/problems"))
                .unwrap()
                .map(|entry| entry.unwrap().file_name().into_string().unwrap())
                .filter(|name| name != "README.md")
                .collect();
        let codes: BTreeSet<String> = Code::ALL.iter().map(|code| format!("{}.md", code.slug())).collect();
        assert_eq!(pages, codes);
        for code in Code::ALL {
            let page = code.page();
            let head = format!("# {}\n", code.code());
            assert!(page.starts_with(&head), "{} does not open with its code", code.slug());
            assert!(
                page.contains(&format!("`{}`", code.outcome())),
                "{} does not name its outcome",
                code.slug()
            );
            assert!(page.contains(&format!("{}", code.status())), "{} does not name its status", code.slug());
            for part in ["## What it means", "## May money have moved?", "## What to do"] {
                assert!(page.contains(part), "{} lacks {part}", code.slug());
            }
        }
    }

    #[test]
    fn a_code_is_its_page_in_capitals() {
        for code in Code::ALL {
            assert_eq!(code.code(), code.slug().to_uppercase().replace('-', "_"));
        }
    }

    #[test]
    fn a_refusal_and_its_code_agree_on_the_outcome() {
        let refusals = [
            Refusal::NotFound,
            Refusal::CardDeclined { leg_no: 1, issuer_code: "51".to_owned() },
            Refusal::IssuerTimeout { leg_no: 1 },
            Refusal::IssuerUnreachable { leg_no: 1 },
            Refusal::CancelDeclined { leg_no: 1, issuer_code: "51".to_owned() },
            Refusal::UnknownIssuer("x".to_owned()),
        ];
        for refusal in refusals {
            assert_eq!(refusal.outcome(), code_of(&refusal).outcome(), "{refusal}");
        }
    }
}
