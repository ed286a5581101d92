//! The pages that problems point to.

use axum::extract::Path;
use axum::http::header;
use axum::response::{IntoResponse, Response};

use crate::problem::{Code, Problem};

/// What a code means, whether money may have moved, and what to do.
#[utoipa::path(get, path = "/problems/{code}", tag = "problems", security(()),
    params(("code" = String, Path, description = "The last part of a problem's `type`.", example = "not-cancelable-amount")),
    responses((status = 200, description = "The page.", content_type = "text/markdown", body = String)))]
pub async fn page(Path(slug): Path<String>) -> Response {
    match Code::ALL.iter().find(|code| code.slug() == slug) {
        Some(code) => ([(header::CONTENT_TYPE, "text/markdown; charset=utf-8")], code.page()).into_response(),
        None => Problem::new(Code::UnknownRoute, "there is no problem of this name").into_response(),
    }
}
