//! How the story is told: for people, or as one JSON object per step.

use std::io::Write as _;
use std::time::Instant;

use anyhow::Result;
use parts::Wait;
use serde_json::{Map, Value, json};

/// For whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// For people.
    Text,
    /// One object a line.
    Json,
}

/// One step being told.
#[derive(Debug)]
pub struct Step {
    format: Format,
    name: &'static str,
    title: &'static str,
    started: Instant,
    said: Map<String, Value>,
    /// Says on stderr how long the step has taken, as soon as that is worth saying.
    wait: Wait,
}

impl Step {
    /// Begins a step.
    pub fn begin(format: Format, name: &'static str, title: &'static str) -> Result<Self> {
        if format == Format::Text {
            writeln!(std::io::stdout(), "\n{name}. {title}")?;
        }
        Ok(Self {
            format,
            name,
            title,
            started: Instant::now(),
            said: Map::new(),
            wait: Wait::start(format!("step {name}")),
        })
    }

    /// Says what was sent or what is there now.
    pub fn say(&mut self, what: &str, value: impl Into<Value>) -> Result<()> {
        let value = value.into();
        if self.format == Format::Text {
            let text = match &value {
                Value::String(text) => text.clone(),
                Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
                    value.to_string()
                }
            };
            writeln!(std::io::stdout(), "   {what:<10} {text}")?;
        }
        match self.said.get_mut(what) {
            Some(Value::Array(said)) => said.push(value),
            Some(first) => *first = json!([first.clone(), value]),
            None => {
                self.said.insert(what.to_owned(), value);
            }
        }
        Ok(())
    }

    /// Ends the step.
    pub fn end(self, ok: bool) -> Result<()> {
        drop(self.wait);
        let seconds = self.started.elapsed().as_millis();
        if self.format == Format::Text {
            let verdict = if ok { "ok" } else { "FAILED" };
            writeln!(std::io::stdout(), "   {verdict} after {}.{:03} s", seconds / 1_000, seconds % 1_000)?;
            return Ok(());
        }
        let mut object = json!({
            "step": self.name, "ok": ok, "title": self.title, "millis": u64::try_from(seconds).unwrap_or(u64::MAX),
        });
        if let Some(object) = object.as_object_mut() {
            object.extend(self.said);
        }
        writeln!(std::io::stdout(), "{object}")?;
        Ok(())
    }
}
