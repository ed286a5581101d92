//! Conditions on the version of a payment, the number of its last change: `If-Match` before a write, `If-None-Match` on a
//! read. Both take what `ETag` gave, quotes included.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, header};

use crate::problem::Problem;

/// The versions that a header names.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Named {
    /// `*`: whatever there is.
    Any,
    /// These. One that is no number of ours names nothing.
    Only(Vec<Tag>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Tag {
    version: Option<u32>,
    weak: bool,
}

/// The versions on which a write may be decided; any when there are none. A weak tag is none: what is to be changed has to be
/// known byte for byte.
pub fn if_match(headers: &HeaderMap) -> Result<Option<Vec<u32>>, Problem> {
    Ok(match named(headers, &header::IF_MATCH, "If-Match")? {
        None | Some(Named::Any) => None,
        Some(Named::Only(tags)) => {
            Some(tags.into_iter().filter(|tag| !tag.weak).filter_map(|tag| tag.version).collect())
        }
    })
}

/// What a reader says it has (`If-None-Match`).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Seen(Option<Named>);

impl Seen {
    /// Whether it has this version.
    pub fn has(&self, version: u32) -> bool {
        match &self.0 {
            None => false,
            Some(Named::Any) => true,
            Some(Named::Only(tags)) => tags.iter().any(|tag| tag.version == Some(version)),
        }
    }
}

impl<S: Sync> FromRequestParts<S> for Seen {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        named(&parts.headers, &header::IF_NONE_MATCH, "If-None-Match").map(Self)
    }
}

fn named(headers: &HeaderMap, header: &HeaderName, name: &'static str) -> Result<Option<Named>, Problem> {
    let wrong = || Problem::parameter(name, "versions as ETag gave them are expected, such as \"7\", or *");
    let mut tags = Vec::new();
    for value in headers.get_all(header) {
        let text = value.to_str().map_err(|_| wrong())?.trim();
        if text == "*" {
            return Ok(Some(Named::Any));
        }
        for tag in text.split(',') {
            tags.push(self::tag(tag.trim()).ok_or_else(wrong)?);
        }
    }
    Ok((!tags.is_empty()).then_some(Named::Only(tags)))
}

fn tag(text: &str) -> Option<Tag> {
    let (weak, text) = text.strip_prefix("W/").map_or((false, text), |text| (true, text));
    let opaque = text.strip_prefix('"')?.strip_suffix('"')?;
    if opaque.contains('"') {
        return None;
    }
    let is_number = opaque.bytes().all(|b| b.is_ascii_digit()) && !opaque.starts_with('0');
    Some(Tag { version: is_number.then(|| opaque.parse().ok()).flatten(), weak })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(header: HeaderName, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(header, value.parse().unwrap())])
    }

    #[test]
    fn if_match_names_versions_and_a_weak_or_strange_tag_names_none() {
        let versions = |value| if_match(&with(header::IF_MATCH, value));
        assert_eq!(versions("\"7\""), Ok(Some(vec![7])));
        assert_eq!(versions("\"7\", \"8\""), Ok(Some(vec![7, 8])));
        assert_eq!(versions("*"), Ok(None));
        assert_eq!(if_match(&HeaderMap::new()), Ok(None));
        for none in ["W/\"7\"", "\"x\"", "\"\"", "\"07\"", "\"99999999999\""] {
            assert_eq!(versions(none), Ok(Some(Vec::new())), "{none}");
        }
        for bad in ["7", "\"7", "7\"", "", "\"7\" \"8\"", "\"7\","] {
            assert!(versions(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_reader_has_what_it_names_weak_or_not() {
        let named = named(&with(header::IF_NONE_MATCH, "W/\"7\", \"9\""), &header::IF_NONE_MATCH, "x");
        let seen = Seen(named.unwrap());
        assert!(seen.has(7) && seen.has(9) && !seen.has(8));
        assert!(!Seen(None).has(7) && Seen(Some(Named::Any)).has(7));
    }
}
