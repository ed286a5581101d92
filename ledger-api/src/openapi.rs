//! The OpenAPI document, made from the code: operations and schemas by their attributes, problems by the table below.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use utoipa::OpenApi as _;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};

use crate::problem::{Code, FieldError, ProblemBody};
use crate::routes::payments::{
    attempts, cancel, cancellations, confirm, create, deposit, deposit_refund, events, explain, get, list,
    order,
};
use crate::routes::{exposure, health, payables, problems, transactions};
use crate::view;

#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "Payment ledger",
        description = "An append-only ledger of payments, approvals, cancellations and refunds.\n\n\
            One payment has one or more approvals, each by one method: a card and points together are two. It is DONE \
            when all of them stand.\n\n\
            Amounts are integers in minor units (won; cents) up to 10^15. Every POST needs an `Idempotency-Key`; its \
            final answer is replayed byte for byte. Errors are problems (RFC 9457): decide by `code`, and by `outcome` \
            whether money may have moved.",
    ),
    paths(
        create::create, confirm::confirm, get::get, order::by_order, cancel::cancel, attempts::attempt, attempts::result, cancellations::list, cancellations::one, events::list,
        explain::explain, list::list, transactions::list, exposure::get, payables::get,
        deposit::receive, deposit_refund::refund, deposit_refund::ended,
        health::live, health::ready, problems::page,
    ),
    components(schemas(ProblemBody<'static>, FieldError, view::PaymentView)),
    security(("apiKey" = [])),
    tags(
        (name = "payments", description = "Payments, their cancellations and their history."),
        (name = "lists", description = "What a merchant lists, a page at a time, all pages as of one instant."),
        (name = "health", description = "For whoever routes callers here; needs no key."),
        (name = "problems", description = "What each problem means; needs no key."),
    ),
)]
struct Document;

/// Bodies of requests: what is not listed is refused.
const STRICT: &[&str] = &[
    "CreatePayment",
    "ConfirmPayment",
    "ApprovalRequest",
    "CardRequest",
    "CancelPayment",
    "AllocationRequest",
    "AttemptResultRequest",
    "RefundReceiveAccount",
    "ReceiveDeposit",
    "RefundDeposit",
    "EndDepositRefund",
];
/// Lists, taken a page at a time.
const PAGED: &[&str] = &[
    "/v1/exposure",
    "/v1/payments",
    "/v1/payments/{paymentId}/cancellations",
    "/v1/payments/{paymentId}/events",
    "/v1/transactions",
];
/// What any request can meet.
const ANY: &[Code] = &[Code::UriTooLong, Code::HeadersTooLarge, Code::Overloaded, Code::InternalError];
/// What any request with a key can meet.
const KEYED: &[Code] =
    &[Code::Unauthorized, Code::LedgerUnavailable, Code::FactNotUnderstood, Code::InvalidParameter];
/// What any request for one payment can meet.
const ONE: &[Code] = &[Code::PaymentNotFound];
/// What any write to one payment can meet.
const CHANGE: &[Code] = &[Code::VersionMismatch];
/// What any write can meet.
const WRITE: &[Code] = &[
    Code::MalformedJson,
    Code::InvalidFields,
    Code::CardNumberRefused,
    Code::IdempotencyKeyMissing,
    Code::IdempotencyKeyInvalid,
    Code::RequestTimeout,
    Code::RequestInProgress,
    Code::AnswerExpired,
    Code::BodyTooLarge,
    Code::UnsupportedMediaType,
    Code::IdempotencyKeyReused,
    Code::AmountOutOfRange,
    Code::CommitUnknown,
    Code::Contended,
    Code::StillRunning,
];

/// What a confirm can meet.
const CONFIRM: &[Code] = &[
    Code::ApprovalDeclined,
    Code::ApprovalSumMismatch,
    Code::TaxFreeOutOfBounds,
    Code::UnknownIssuer,
    Code::MethodUnavailable,
    Code::DeadlineTooShort,
    Code::IssuerTimeout,
    Code::IssuerUnreachable,
];

/// The problems of an operation, by method and path.
const PROBLEMS: &[(&str, &str, &[&[Code]])] = &[
    ("post", "/v1/payments", &[ANY, KEYED, WRITE, CONFIRM, &[Code::OrderInUse, Code::NoContract]]),
    (
        "post",
        "/v1/payments/{paymentId}/confirm",
        &[ANY, KEYED, ONE, WRITE, CHANGE, CONFIRM, &[Code::InvalidState]],
    ),
    (
        "post",
        "/v1/payments/{paymentId}/approvals/{leg}/attempts",
        &[
            ANY,
            KEYED,
            ONE,
            WRITE,
            CHANGE,
            &[
                Code::InvalidState,
                Code::AttemptOpen,
                Code::ApprovalDiffers,
                Code::ApprovalSumMismatch,
                Code::TaxFreeOutOfBounds,
                Code::UnknownIssuer,
                Code::MethodUnavailable,
            ],
        ],
    ),
    (
        "post",
        "/v1/payments/{paymentId}/approvals/{leg}/attempts/{attemptNo}/result",
        &[ANY, KEYED, ONE, WRITE, CHANGE, &[Code::AttemptNotFound]],
    ),
    (
        "post",
        "/v1/payments/{paymentId}/cancellations",
        &[
            ANY,
            KEYED,
            ONE,
            WRITE,
            CHANGE,
            &[
                Code::CancelDeclined,
                Code::InvalidState,
                Code::NotCancelableAmount,
                Code::BalanceMismatch,
                Code::TaxFreeOutOfBounds,
                Code::AllocationImpossible,
                Code::CancelWindowOver,
                Code::CancelInFullOnly,
                Code::RefundAccountMissing,
            ],
        ],
    ),
    (
        "post",
        "/v1/payments/{paymentId}/deposits",
        &[
            ANY,
            KEYED,
            ONE,
            WRITE,
            CHANGE,
            &[Code::InvalidState, Code::NoVirtualAccount, Code::DepositReferenceReused],
        ],
    ),
    (
        "post",
        "/v1/payments/{paymentId}/deposit-refunds",
        &[
            ANY,
            KEYED,
            ONE,
            WRITE,
            CHANGE,
            &[Code::InvalidState, Code::NoVirtualAccount, Code::NotRefundableAmount],
        ],
    ),
    (
        "post",
        "/v1/payments/{paymentId}/deposit-refunds/{refundNo}/result",
        &[ANY, KEYED, ONE, WRITE, CHANGE, &[Code::InvalidState, Code::DepositRefundNotFound]],
    ),
    ("get", "/v1/payments/{paymentId}", &[ANY, KEYED, ONE]),
    ("get", "/v1/payments/orders/{orderId}", &[ANY, KEYED, ONE, &[Code::CardNumberRefused]]),
    ("get", "/v1/payments/{paymentId}/cancellations", &[ANY, KEYED, ONE]),
    (
        "get",
        "/v1/payments/{paymentId}/cancellations/{cancellationId}",
        &[ANY, KEYED, ONE, &[Code::CancellationNotFound]],
    ),
    ("get", "/v1/payments/{paymentId}/events", &[ANY, KEYED, ONE]),
    ("get", "/v1/payments/{paymentId}/explain", &[ANY, KEYED, ONE]),
    ("get", "/v1/payments", &[ANY, KEYED]),
    ("get", "/v1/transactions", &[ANY, KEYED]),
    ("get", "/v1/exposure", &[ANY, KEYED]),
    ("get", "/v1/payables", &[ANY, KEYED]),
    ("get", "/health/live", &[ANY]),
    ("get", "/health/ready", &[ANY, &[Code::LedgerUnavailable]]),
    ("get", "/problems/{code}", &[ANY, &[Code::UnknownRoute]]),
];

/// The codes that an operation can answer with.
pub fn codes_of(method: &str, path: &str) -> Vec<Code> {
    let rows = PROBLEMS.iter().filter(|(m, p, _)| *m == method && *p == path);
    let mut codes: Vec<_> =
        rows.flat_map(|(_, _, groups)| groups.iter().copied().flatten().copied()).collect();
    codes.sort_by_key(|code| (code.status(), code.code()));
    codes
}

/// The document.
pub fn document() -> Value {
    let mut api = Document::openapi();
    if let Some(components) = api.components.as_mut() {
        let scheme = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .bearer_format("<keyId>.<secret>")
            .description(Some("An API key of one merchant: its public part, a point, its secret."))
            .build();
        components.security_schemes.insert("apiKey".to_owned(), SecurityScheme::Http(scheme).into());
    }
    let mut document = serde_json::to_value(&api).unwrap_or_default();
    let schemas = document.pointer_mut("/components/schemas").and_then(Value::as_object_mut);
    for (name, schema) in schemas.into_iter().flatten() {
        without_null(schema);
        if STRICT.contains(&name.as_str()) {
            schema["additionalProperties"] = json!(false);
        }
    }
    let paths = document.pointer_mut("/paths").and_then(Value::as_object_mut);
    for (path, item) in paths.into_iter().flatten() {
        for (method, operation) in item.as_object_mut().into_iter().flatten() {
            complete(method, path, operation);
        }
    }
    document
}

/// What is left out is left out: no field is null, in requests or in answers.
fn without_null(schema: &mut Value) {
    if let Some(kinds) = schema.get("type").and_then(Value::as_array).cloned() {
        schema["type"] = kinds.into_iter().find(|kind| kind != "null").unwrap_or_default();
    }
    let kinds = schema.get("oneOf").and_then(Value::as_array).cloned().unwrap_or_default();
    if kinds.iter().any(|kind| kind["type"] == "null") {
        *schema = kinds.into_iter().find(|kind| kind["type"] != "null").unwrap_or_default();
    }
    schema.get_mut("items").into_iter().for_each(without_null);
    let properties = schema.get_mut("properties").and_then(Value::as_object_mut);
    properties.into_iter().flatten().for_each(|(_, property)| without_null(property));
}

/// Text of the document as it is checked in.
pub fn text() -> String {
    let mut text = serde_json::to_string_pretty(&document()).unwrap_or_default();
    text.push('\n');
    text
}

/// Adds what all operations of a kind have in common: headers, paging, problems.
fn complete(method: &str, path: &str, operation: &mut Value) {
    let mut parameters = Vec::new();
    if path.contains("{paymentId}") {
        parameters.push(json!({"name": "paymentId", "in": "path", "required": true,
            "description": "The payment's id.", "schema": {"type": "string", "format": "uuid"}}));
    }
    if path.contains("{leg}") {
        parameters.push(json!({"name": "leg", "in": "path", "required": true,
            "description": "Number of the approval.", "schema": {"type": "integer", "minimum": 1, "maximum": 8}}));
    }
    if path.contains("{attemptNo}") {
        parameters.push(json!({"name": "attemptNo", "in": "path", "required": true,
            "description": "`attemptNo` of the attempt.", "schema": {"type": "integer", "minimum": 1, "maximum": 65_535}}));
    }
    if path.starts_with("/v1/") {
        parameters.push(header(
            "X-Request-Id",
            false,
            "The caller's name for the request, echoed when it is `A-Z a-z 0-9 . _ : -` and at most 64 long; else we name it.",
            &json!({"type": "string"}),
        ));
        parameters.push(header("traceparent", false, "W3C trace context.", &json!({"type": "string"})));
    }
    if method == "post" && path.contains("{paymentId}") {
        parameters.push(header(
            "If-Match",
            false,
            "`ETag` of the payment as the caller knows it; refused with 412 when it is at another version.",
            &json!({"type": "string", "example": "\"7\""}),
        ));
    }
    if method == "get" && operation["responses"]["304"].is_object() {
        parameters.push(header(
            "If-None-Match",
            false,
            "`ETag` of what the caller has; 304 when it is still current.",
            &json!({"type": "string", "example": "\"7\""}),
        ));
    }
    if method == "post" {
        parameters.push(header(
            "Idempotency-Key",
            true,
            "New for each operation, the same for each repetition of it; printable ASCII.",
            &json!({"type": "string", "minLength": 1, "maxLength": 300}),
        ));
        parameters.push(header(
            "X-Request-Timeout-Ms",
            false,
            "How long the caller is going to wait.",
            &json!({"type": "integer", "minimum": 1, "maximum": 600_000}),
        ));
    }
    if method == "get" && PAGED.contains(&path) {
        parameters.push(json!({"name": "limit", "in": "query", "required": false, "description": "Items on a page; 100 when left out.",
            "schema": {"type": "integer", "minimum": 1, "maximum": 1000}}));
        parameters.push(json!({"name": "cursor", "in": "query", "required": false,
            "description": "`nextCursor` of the page before, with its other parameters, unchanged.", "schema": {"type": "string", "maxLength": 256}}));
    }
    let Some(operation) = operation.as_object_mut() else { return };
    if let Some(given) = operation.entry("parameters").or_insert_with(|| json!([])).as_array_mut() {
        given.extend(parameters);
    }
    let responses = operation.entry("responses").or_insert_with(|| json!({}));
    for response in responses.as_object_mut().into_iter().flatten().map(|(_, response)| response) {
        common_headers(method, response);
    }
    for (status, codes) in by_status(&codes_of(method, path)) {
        responses[status.to_string()] = problem_response(&codes);
    }
}

fn header(name: &str, required: bool, description: &str, schema: &Value) -> Value {
    json!({"name": name, "in": "header", "required": required, "description": description, "schema": schema})
}

fn common_headers(method: &str, response: &mut Value) {
    response["headers"]["X-Request-Id"] =
        json!({"description": "The request's name: the caller's, or ours.", "schema": {"type": "string"}});
    if method == "post" {
        response["headers"]["Idempotency-Replayed"] = json!({"description": "`true` when the answer is a replay.", "schema": {"type": "string", "enum": ["true"]}});
    }
}

fn by_status(codes: &[Code]) -> BTreeMap<u16, Vec<Code>> {
    let mut statuses: BTreeMap<u16, Vec<Code>> = BTreeMap::new();
    for code in codes {
        statuses.entry(code.status()).or_default().push(*code);
    }
    statuses
}

fn problem_response(codes: &[Code]) -> Value {
    let lines: Vec<_> = codes
        .iter()
        .map(|code| format!("- `{}` ({}): {}", code.code(), code.outcome(), code.title()))
        .collect();
    let names: Vec<_> = codes.iter().map(|code| code.code()).collect();
    json!({
        "description": lines.join("\n"),
        "headers": {"X-Request-Id": {"description": "The request's name: the caller's, or ours.", "schema": {"type": "string"}}},
        "content": {"application/problem+json": {"schema": {
            "allOf": [{"$ref": "#/components/schemas/Problem"}, {"type": "object", "properties": {"code": {"type": "string", "enum": names}}}],
        }}},
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_document_that_is_checked_in_is_current() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/openapi.json");
        let checked_in = std::fs::read_to_string(path).unwrap_or_default();
        assert!(
            checked_in == text(),
            "docs/openapi.json is old: run `ledger-api openapi > docs/openapi.json`"
        );
    }

    #[test]
    fn bodies_of_requests_are_strict_and_nothing_is_null() {
        let document = document();
        for name in STRICT {
            assert_eq!(document["components"]["schemas"][name]["additionalProperties"], false, "{name}");
        }
        let text = document["components"]["schemas"].to_string();
        assert!(!text.contains("\"null\"") && !text.contains(":null"), "{text}");
    }

    #[test]
    fn every_operation_has_its_problems_and_every_problem_an_operation() {
        let document = document();
        let mut documented = std::collections::BTreeSet::new();
        for (path, item) in document["paths"].as_object().unwrap() {
            for method in item.as_object().unwrap().keys() {
                let codes = codes_of(method, path);
                assert!(!codes.is_empty(), "{method} {path} has no problems");
                documented.extend(codes);
            }
        }
        for (method, path, _) in PROBLEMS {
            assert!(document["paths"][path][method].is_object(), "{method} {path} does not exist");
        }
        let nowhere: Vec<_> = Code::ALL.iter().filter(|code| !documented.contains(*code)).collect();
        assert_eq!(nowhere, [&Code::MethodNotAllowed], "it belongs to no operation");
    }
}
