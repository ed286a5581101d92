//! Lists: a page at a time, oldest first, and the cursor of the next one.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use serde::Serialize;
use utoipa::ToSchema;

use crate::problem::Problem;

const DEFAULT_LIMIT: usize = 100;
const LARGEST_LIMIT: usize = 1000;

/// Which part of a list is wanted: `?limit=…&cursor=…`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wanted {
    limit: usize,
    after: u32,
}

impl<S: Sync> FromRequestParts<S> for Wanted {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        Self::parse(parts.uri.query().unwrap_or_default())
    }
}

impl Wanted {
    fn parse(query: &str) -> Result<Self, Problem> {
        let (mut limit, mut after) = (None, None);
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let number =
                value.bytes().all(|b| b.is_ascii_digit()).then(|| value.parse::<u32>().ok()).flatten();
            match name {
                "limit" => {
                    let number = number.and_then(|number| usize::try_from(number).ok());
                    let number = number.filter(|number| (1..=LARGEST_LIMIT).contains(number));
                    let wrong =
                        || Problem::parameter("limit", format!("1 to {LARGEST_LIMIT} is expected, once"));
                    set_once(&mut limit, number).ok_or_else(wrong)?;
                }
                "cursor" => {
                    let wrong =
                        || Problem::parameter("cursor", "take nextCursor of the page before, unchanged");
                    set_once(&mut after, number).ok_or_else(wrong)?;
                }
                _ => {
                    return Err(Problem::parameter(
                        "query",
                        "the parameters known here are limit and cursor",
                    ));
                }
            }
        }
        Ok(Self { limit: limit.unwrap_or(DEFAULT_LIMIT), after: after.unwrap_or(0) })
    }

    /// The page of a list whose items are numbered in order.
    pub fn page<T>(self, items: Vec<(u32, T)>) -> Page<T> {
        let mut rest = items.into_iter().skip_while(|(number, _)| *number <= self.after);
        let taken: Vec<_> = rest.by_ref().take(self.limit).collect();
        let has_more = rest.next().is_some();
        let next_cursor = taken.last().filter(|_| has_more).map(|(number, _)| number.to_string());
        Page { data: taken.into_iter().map(|(_, item)| item).collect(), has_more, next_cursor }
    }
}

/// Sets what was not set; `None` when it was, or when there is nothing to set.
fn set_once<T: Copy>(into: &mut Option<T>, value: Option<T>) -> Option<T> {
    if into.is_some() {
        return None;
    }
    *into = value;
    value
}

/// A page of a list.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Page<T> {
    /// The items, oldest first.
    pub data: Vec<T>,
    /// Whether there are further ones.
    pub has_more: bool,
    /// The cursor that gets them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_follow_each_other_without_gap_or_overlap() {
        let items = || (1..=5).map(|number| (number, number * 10)).collect::<Vec<_>>();
        let first = Wanted::parse("limit=2").unwrap().page(items());
        assert_eq!((first.data, first.has_more), (vec![10, 20], true));
        let query = format!("cursor={}&limit=3", first.next_cursor.unwrap());
        let last = Wanted::parse(&query).unwrap().page(items());
        assert_eq!(last, Page { data: vec![30, 40, 50], has_more: false, next_cursor: None });
    }

    #[test]
    fn what_is_not_known_is_refused() {
        for bad in [
            "limit=0",
            "limit=1001",
            "limit=-1",
            "limit=2&limit=3",
            "cursor=x",
            "cursor=+1",
            "offset=3",
            "limit=",
        ] {
            assert!(Wanted::parse(bad).is_err(), "{bad}");
        }
    }
}
