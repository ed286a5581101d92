//! Query parameters: each known one at most once, nothing else.

use std::collections::BTreeMap;

use axum::extract::FromRequestParts;
use axum::http::Uri;
use axum::http::request::Parts;
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use ledger_core::time::{BusinessDate, to_micros};
use ledger_runtime::clock;

use crate::api::Api;
use crate::problem::Problem;

/// The parameters of a request.
#[derive(Debug)]
pub struct Query {
    values: BTreeMap<&'static str, String>,
    now: DateTime<Utc>,
}

impl Query {
    /// Reads them; what is not `known` is refused.
    pub fn parse(uri: &Uri, known: &'static [&'static str], now: DateTime<Utc>) -> Result<Self, Problem> {
        let mut values = BTreeMap::new();
        for pair in uri.query().unwrap_or_default().split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let Some(name) = known.iter().find(|known| **known == name) else {
                let known = known.join(", ");
                return Err(Problem::parameter("query", format!("the parameters known here are {known}")));
            };
            let value =
                decoded(value).ok_or_else(|| Problem::parameter(name, "is not UTF-8 in percent-encoding"))?;
            if values.insert(*name, value).is_some() {
                return Err(Problem::parameter(name, "stands more than once, send it once"));
            }
        }
        Ok(Self { values, now })
    }

    /// When the request came.
    pub const fn now(&self) -> DateTime<Utc> {
        self.now
    }

    /// A parameter as it was sent.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str)
    }

    /// A parameter in another form.
    pub fn get<T>(
        &self,
        name: &'static str,
        expected: &str,
        read: impl Fn(&str) -> Option<T>,
    ) -> Result<Option<T>, Problem> {
        let wrong = || Problem::parameter(name, format!("{expected} is expected"));
        self.text(name).map(|text| read(text).ok_or_else(wrong)).transpose()
    }

    /// One of some codes.
    pub fn code<T: std::str::FromStr>(&self, name: &'static str, codes: &str) -> Result<Option<T>, Problem> {
        self.get(name, &format!("one of {codes}"), |text| text.parse().ok())
    }

    /// A Korean day.
    pub fn day(&self, name: &'static str) -> Result<Option<BusinessDate>, Problem> {
        self.get(name, "a Korean day such as 2026-11-24", |text| day(text).map(BusinessDate::new))
    }

    /// An instant of which all is written that will ever be: RFC 3339, or a Korean day, which stands for the midnight it ends
    /// with.
    pub fn as_of(&self, settled: DateTime<Utc>) -> Result<Option<DateTime<Utc>>, Problem> {
        let expected = "an instant such as 2026-11-24T00:00:00+09:00, or a Korean day such as 2026-11-23 for the midnight it ends with,";
        let as_of = self.get("asOf", expected, |text| {
            instant(text).or_else(|| BusinessDate::new(day(text)?).ends_at())
        })?;
        if as_of.is_some_and(|as_of| as_of > self.now) {
            return Err(Problem::parameter(
                "asOf",
                "has not come yet; leave it out for how things stand now",
            ));
        }
        if as_of.is_some_and(|as_of| as_of > settled) {
            let seconds = (self.now - settled).num_seconds().max(0) + 1;
            let why = format!(
                "is so near that what was decided then may still be on its way, ask again {seconds} s after it"
            );
            return Err(Problem::parameter("asOf", why));
        }
        Ok(as_of.map(to_micros))
    }

    /// Seconds before `at`, or an instant.
    pub fn older_than(&self, at: DateTime<Utc>) -> Result<Option<DateTime<Utc>>, Problem> {
        let expected = "seconds, or an instant such as 2026-11-24T00:00:00+09:00,";
        self.get("olderThan", expected, |text| {
            let seconds =
                (text.len() <= 10 && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse().ok());
            match seconds.flatten() {
                Some(seconds) => at.checked_sub_signed(TimeDelta::seconds(seconds)),
                None => instant(text),
            }
        })
    }

    /// All of these as one text, to be told from any others.
    pub fn spelled(&self, names: &[&'static str]) -> String {
        let spelled =
            |name: &&'static str| self.text(name).map(|value| format!("{name}={}:{value}", value.len()));
        names.iter().filter_map(spelled).collect::<Vec<_>>().join("&")
    }
}

/// The instant that is asked about (`?asOf=`), where that is the only parameter.
#[derive(Debug, Clone, Copy)]
pub struct AsOf(pub Option<DateTime<Utc>>);

impl FromRequestParts<Api> for AsOf {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Problem> {
        let query = Query::parse(&parts.uri, &["asOf"], clock::now())?;
        if query.text("asOf").is_none() {
            return Ok(Self(None));
        }
        let settled = api.settled(query.now()).await?;
        query.as_of(settled).map(Self)
    }
}

fn instant(text: &str) -> Option<DateTime<Utc>> {
    // the plus of an offset is often sent bare, and bare it means a blank in a query
    DateTime::parse_from_rfc3339(&text.replace(' ', "+")).ok().map(|at| at.to_utc())
}

fn day(text: &str) -> Option<NaiveDate> {
    (text.len() == 10).then(|| NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()).flatten()
}

fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        rest = tail;
        match first {
            b'%' => {
                let digits = tail.get(..2)?;
                bytes.extend(hex::decode(digits).ok()?);
                rest = tail.get(2..)?;
            }
            b'+' => bytes.push(b' '),
            other => bytes.push(*other),
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: &[&str] = &["status", "olderThan", "asOf", "from"];

    fn now() -> DateTime<Utc> {
        "2026-11-24T03:00:00Z".parse().unwrap()
    }

    fn query(text: &str) -> Result<Query, Problem> {
        Query::parse(&format!("/?{text}").parse().unwrap(), KNOWN, now())
    }

    #[test]
    fn a_parameter_is_known_and_stands_once() {
        assert_eq!(query("status=a%2Bb").unwrap().text("status"), Some("a+b"));
        for bad in ["x=1", "status=1&status=1", "status=%", "status=%f", "status=%ff", "status=%zz"] {
            assert!(query(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn instants_days_and_seconds_are_read_strictly() {
        let as_of = |text: &str| query(text).unwrap().as_of(now() - TimeDelta::seconds(5));
        let midnight = "2026-11-22T15:00:00Z".parse().unwrap();
        assert_eq!(as_of("asOf=2026-11-22"), Ok(Some(midnight)));
        assert_eq!(as_of("asOf=2026-11-23T00:00:00%2B09:00"), Ok(Some(midnight)));
        assert_eq!(as_of("asOf=2026-11-23T00:00:00+09:00"), Ok(Some(midnight)));
        assert_eq!(as_of(""), Ok(None));
        for bad in [
            "asOf=2026-11-24",
            "asOf=2026-11-24T02:59:56Z",
            "asOf=2027-01-01T00:00:00Z",
            "asOf=2026-1-1",
            "asOf=",
            "asOf=now",
            "asOf=2026-02-30",
        ] {
            assert!(as_of(bad).is_err(), "{bad}");
        }
        let older = |text: &str| query(text).unwrap().older_than(now());
        assert_eq!(older("olderThan=60"), Ok(Some("2026-11-24T02:59:00Z".parse().unwrap())));
        assert_eq!(older("olderThan=2026-11-24T02:59:00Z"), older("olderThan=60"));
        for bad in ["olderThan=-1", "olderThan=1.5", "olderThan=", "olderThan=99999999999", "olderThan=1h"] {
            assert!(older(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn lengths_keep_values_apart() {
        let spelled = |text: &str| query(text).unwrap().spelled(KNOWN);
        assert_ne!(spelled("status=a%26from%3D1:b"), spelled("status=a&from=b"));
        assert_eq!(spelled("from=b&status=a"), spelled("status=a&from=b"));
    }
}
