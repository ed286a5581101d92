//! What this issuer is told to do with a request: by the control endpoint, or by the method token of the payment.
//!
//! A token is `sim:` and directives with commas between, each a name and its arguments:
//!
//! | directive | the authorization |
//! |---|---|
//! | `approve`, `decline[:CODE]` | answers so at once |
//! | `delay:MS` | books after MS, then answers |
//! | `late:MS`, `late-book:MS` | answers after MS; books at once, or only then |
//! | `drop`, `lost` | never answers; booked, or not |
//! | `garble[:json\|truncated\|content\|trace\|huge]` | booked, answered with garbage |
//! | `reset`, `reset-lost` | cuts the connection; booked, or not |
//! | `error`, `error-lost` | answers 500; booked, or not |
//!
//! | directive | the first N reversals (`nc`) or cancels (`cancel`) of it |
//! |---|---|
//! | `drop-nc:N`, `drop-cancel:N` | booked, never answered |
//! | `lost-nc:N`, `lost-cancel:N` | neither |
//! | `garble-nc:N`, `garble-cancel:N` | booked, answered with garbage |
//! | `no-original-nc:N`, `too-late-nc:N` | answered so, nothing booked |
//! | `unnamed-nc:N` | booked, answered without the number of what was reversed |
//! | `decline-cancel[:CODE]` | every cancel is declined |
//! | `delay-nc:MS`, `delay-cancel:MS` | every one is booked and answered after MS |
//!
//! A token that speaks of reversals only leaves the authorization booked and unanswered: else nothing would be reversed.

use serde::{Deserialize, Serialize};

use super::wire::BadRequest;

/// Which kind of request a script is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// `POST /v1/authorizations`
    Auth,
    /// `POST /v1/reversals`
    Reversal,
    /// `POST /v1/cancels`
    Cancel,
    /// `POST /v1/inquiries`
    Inquiry,
}

/// What to do with one request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "snake_case", deny_unknown_fields)]
pub enum Step {
    /// Book it and answer.
    Approve {},
    /// Decline it.
    Decline {
        /// The code answered.
        #[serde(default = "declined_code")]
        code: String,
    },
    /// Wait, then book and answer.
    Delay {
        /// Milliseconds.
        ms: u64,
    },
    /// Answer late.
    Late {
        /// Milliseconds until the answer.
        ms: u64,
        /// Milliseconds until it is booked: at once when left out.
        #[serde(default)]
        book_ms: u64,
    },
    /// Take the bytes and never answer.
    Drop {
        /// Whether it is booked.
        #[serde(default = "yes")]
        booked: bool,
    },
    /// Answer with what cannot be understood.
    Garble {
        /// How.
        #[serde(default)]
        how: Garble,
        /// Whether it is booked.
        #[serde(default = "yes")]
        booked: bool,
    },
    /// Cut the connection.
    Reset {
        /// Whether it is booked.
        #[serde(default = "yes")]
        booked: bool,
    },
    /// Answer 500.
    Error {
        /// Whether it is booked.
        #[serde(default = "yes")]
        booked: bool,
    },
    /// A reversal: say that there is no original.
    NoOriginal {},
    /// A reversal: say that it is too late.
    TooLate {},
    /// A reversal: book it and answer, but do not say which approval it was.
    Unnamed {},
}

/// Ways to answer with what cannot be understood.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Garble {
    /// Broken JSON.
    #[default]
    Json,
    /// The connection ends in the middle of the body.
    Truncated,
    /// Something else altogether.
    Content,
    /// A good answer to another trace number.
    Trace,
    /// More bytes than any answer has.
    Huge,
}

fn yes() -> bool {
    true
}

fn declined_code() -> String {
    "LIMIT_EXCEEDED".to_owned()
}

/// A script for requests that match, given to `POST /control/scripts`. Its steps are taken one by one; after the last
/// one a request is treated as if there were no script.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Script {
    /// Which requests.
    #[serde(rename = "match")]
    pub matches: Match,
    /// Which kind of request.
    pub kind: Kind,
    /// What to do, in order.
    pub steps: Vec<Step>,
}

/// A request matches when every field given agrees. `trace_no` is the authorization's, for every kind.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Match {
    /// Trace number of the authorization.
    #[serde(default)]
    pub trace_no: Option<String>,
    /// Method token of the authorization.
    #[serde(default)]
    pub token: Option<String>,
    /// Amount of the request itself.
    #[serde(default)]
    pub amount: Option<i64>,
}

/// A request as scripts see it.
#[derive(Debug, Clone, Copy)]
pub struct Seen<'a> {
    /// What it asks for.
    pub kind: Kind,
    /// Trace number of the authorization.
    pub trace_no: &'a str,
    /// Method token of the authorization, where known.
    pub token: Option<&'a str>,
    /// Amount of the request.
    pub amount: i64,
    /// Requests of this kind for this trace before this one.
    pub before: u32,
}

impl Match {
    fn fits(&self, seen: Seen<'_>) -> bool {
        self.trace_no.as_deref().is_none_or(|no| no == seen.trace_no)
            && (self.token.is_none() || self.token.as_deref() == seen.token)
            && self.amount.is_none_or(|amount| amount == seen.amount)
    }
}

/// The scripts in force.
#[derive(Debug, Default)]
pub struct Scripts(Vec<Script>);

impl Scripts {
    /// Adds a script behind those in force.
    pub fn add(&mut self, script: Script) {
        self.0.push(script);
    }

    /// The step for a request: of the first script that fits and has one left, else of the token, else none.
    pub fn step(&mut self, seen: Seen<'_>) -> Result<Option<Step>, BadRequest> {
        let fitting = self
            .0
            .iter_mut()
            .find(|script| script.kind == seen.kind && !script.steps.is_empty() && script.matches.fits(seen));
        if let Some(script) = fitting {
            let step = script.steps.remove(0);
            self.0.retain(|script| !script.steps.is_empty());
            return Ok(Some(step));
        }
        seen.token.map_or(Ok(None), |token| step_of_token(token, seen.kind, seen.before))
    }
}

/// The step that a method token asks for; `None` for tokens that are no script.
pub fn step_of_token(token: &str, kind: Kind, before: u32) -> Result<Option<Step>, BadRequest> {
    let Some(list) = token.strip_prefix("sim:") else { return Ok(None) };
    let directives = list.split(',').map(Directive::parse).collect::<Result<Vec<_>, _>>()?;
    let ours = directives.iter().find(|d| d.kind == kind && d.first.is_none_or(|n| before < n));
    let reversals_only = directives.iter().all(|d| d.kind == Kind::Reversal);
    Ok(match ours {
        Some(directive) => Some(directive.step.clone()),
        None if kind == Kind::Auth && reversals_only => Some(Step::Drop { booked: true }),
        None => None,
    })
}

struct Directive {
    kind: Kind,
    /// Only the first so many requests; all when none.
    first: Option<u32>,
    step: Step,
}

impl Directive {
    fn parse(text: &str) -> Result<Self, BadRequest> {
        let (name, argument) = match text.split_once(':') {
            Some((name, argument)) => (name, Some(argument)),
            None => (text, None),
        };
        if let Some(name) = name.strip_suffix("-nc") {
            return Self::later(Kind::Reversal, name, argument);
        }
        if let Some(name) = name.strip_suffix("-cancel") {
            return Self::later(Kind::Cancel, name, argument);
        }
        let step = match name {
            "approve" => Step::Approve {},
            "decline" => Step::Decline { code: argument.map_or_else(declined_code, str::to_owned) },
            "delay" => Step::Delay { ms: number(argument)? },
            "late" => Step::Late { ms: number(argument)?, book_ms: 0 },
            "late-book" => Step::Late { ms: number(argument)?, book_ms: number(argument)? },
            "drop" => Step::Drop { booked: true },
            "lost" => Step::Drop { booked: false },
            "garble" => Step::Garble { how: garble(argument)?, booked: true },
            "reset" => Step::Reset { booked: true },
            "reset-lost" => Step::Reset { booked: false },
            "error" => Step::Error { booked: true },
            "error-lost" => Step::Error { booked: false },
            _ => return Err(BadRequest::Script),
        };
        Ok(Self { kind: Kind::Auth, first: None, step })
    }

    fn later(kind: Kind, name: &str, argument: Option<&str>) -> Result<Self, BadRequest> {
        let step = match (name, kind) {
            ("decline", Kind::Cancel) => {
                let code = argument.map_or_else(declined_code, str::to_owned);
                return Ok(Self { kind, first: None, step: Step::Decline { code } });
            }
            ("delay", _) => {
                return Ok(Self { kind, first: None, step: Step::Delay { ms: number(argument)? } });
            }
            ("drop", _) => Step::Drop { booked: true },
            ("lost", _) => Step::Drop { booked: false },
            ("garble", _) => Step::Garble { how: Garble::Json, booked: true },
            ("no-original", Kind::Reversal) => Step::NoOriginal {},
            ("too-late", Kind::Reversal) => Step::TooLate {},
            ("unnamed", Kind::Reversal) => Step::Unnamed {},
            _ => return Err(BadRequest::Script),
        };
        Ok(Self { kind, first: Some(number(argument)?), step })
    }
}

fn number<N: std::str::FromStr>(argument: Option<&str>) -> Result<N, BadRequest> {
    argument.and_then(|text| text.parse().ok()).ok_or(BadRequest::Script)
}

fn garble(argument: Option<&str>) -> Result<Garble, BadRequest> {
    Ok(match argument {
        None | Some("json") => Garble::Json,
        Some("truncated") => Garble::Truncated,
        Some("content") => Garble::Content,
        Some("trace") => Garble::Trace,
        Some("huge") => Garble::Huge,
        Some(_) => return Err(BadRequest::Script),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(kind: Kind, token: Option<&str>, before: u32) -> Seen<'_> {
        Seen { kind, trace_no: "t", token, amount: 50_000, before }
    }

    #[test]
    fn a_token_is_a_script() {
        let step = |token, kind, before| step_of_token(token, kind, before).unwrap();
        assert_eq!(step("tok_visa", Kind::Auth, 0), None);
        assert_eq!(step("sim:late:3000", Kind::Auth, 0), Some(Step::Late { ms: 3000, book_ms: 0 }));
        assert_eq!(step("sim:late-book:50", Kind::Auth, 0), Some(Step::Late { ms: 50, book_ms: 50 }));
        assert_eq!(
            step("sim:decline:STOLEN", Kind::Auth, 0),
            Some(Step::Decline { code: "STOLEN".to_owned() })
        );
        assert_eq!(step("sim:decline", Kind::Reversal, 0), None, "a reversal is treated as usual");
        let twice = "sim:lost,drop-nc:2";
        assert_eq!(step(twice, Kind::Auth, 0), Some(Step::Drop { booked: false }));
        assert_eq!(step(twice, Kind::Reversal, 1), Some(Step::Drop { booked: true }));
        assert_eq!(step(twice, Kind::Reversal, 2), None);
    }

    #[test]
    fn a_token_about_reversals_leaves_the_authorization_unanswered() {
        assert_eq!(step_of_token("sim:drop-nc:2", Kind::Auth, 0).unwrap(), Some(Step::Drop { booked: true }));
        assert_eq!(step_of_token("sim:drop-cancel:1", Kind::Auth, 0).unwrap(), None);
    }

    #[test]
    fn a_misspelt_token_is_refused() {
        for token in [
            "sim:",
            "sim:aprove",
            "sim:late",
            "sim:late:x",
            "sim:garble:x",
            "sim:no-original-cancel:1",
            "sim:drop-nc",
        ] {
            assert_eq!(step_of_token(token, Kind::Auth, 0), Err(BadRequest::Script), "{token}");
        }
    }

    #[test]
    fn steps_of_a_script_are_taken_one_by_one_before_the_token() {
        let mut scripts = Scripts::default();
        let text = r#"{"match":{"amount":50000},"kind":"reversal","steps":[{"action":"drop","booked":false},{"action":"no_original"}]}"#;
        scripts.add(serde_json::from_str(text).unwrap());
        assert_eq!(scripts.step(seen(Kind::Auth, None, 0)).unwrap(), None);
        assert_eq!(scripts.step(seen(Kind::Reversal, None, 0)).unwrap(), Some(Step::Drop { booked: false }));
        assert_eq!(scripts.step(seen(Kind::Reversal, None, 1)).unwrap(), Some(Step::NoOriginal {}));
        assert_eq!(scripts.step(seen(Kind::Reversal, None, 2)).unwrap(), None);
    }

    #[test]
    fn a_script_with_an_unknown_field_is_refused() {
        for text in [
            r#"{"match":{"amuont":1},"kind":"auth","steps":[]}"#,
            r#"{"match":{},"kind":"auth","steps":[{"action":"drop","bookd":true}]}"#,
            r#"{"match":{},"kind":"auth","steps":[{"action":"approve","ms":1}]}"#,
        ] {
            assert!(serde_json::from_str::<Script>(text).is_err(), "{text}");
        }
    }
}
