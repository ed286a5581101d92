//! CPU time of our processes and of the parts, from `/proc`.

use std::collections::BTreeMap;

use serde_json::{Value, json};

/// Programs whose time is told, by the start of their name.
const PROGRAMS: [&str; 8] =
    ["ledger-api", "issuer-simulat", "outbox-relay", "net-cancel", "mysqld", "ld-linux", "java", "bench"];

/// Clock ticks of a second, as Linux counts for programs.
const TICKS: u64 = 100;

/// CPU time so far, by program, in ticks.
#[derive(Debug)]
pub struct Cpu(BTreeMap<String, u64>);

impl Cpu {
    /// What has been used by now.
    pub fn now() -> Self {
        let mut used = BTreeMap::new();
        for entry in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
            let Ok(stat) = std::fs::read_to_string(entry.path().join("stat")) else { continue };
            let Some((head, tail)) = stat.split_once(") ") else { continue };
            let name = head.split_once('(').map_or("", |(_, name)| name);
            let Some(program) = PROGRAMS.iter().find(|program| name.starts_with(*program)) else { continue };
            let fields: Vec<&str> = tail.split(' ').collect();
            let ticks = |at: usize| fields.get(at).and_then(|text| text.parse::<u64>().ok()).unwrap_or(0);
            *used.entry((*program).to_owned()).or_default() += ticks(11) + ticks(12);
        }
        Self(used)
    }

    /// What has been used since.
    pub fn since(&self) -> Self {
        let now = Self::now();
        Self(
            now.0
                .into_iter()
                .map(|(name, ticks)| {
                    let before = self.0.get(&name).copied().unwrap_or(0);
                    (name, ticks.saturating_sub(before))
                })
                .collect(),
        )
    }

    /// Milliseconds for a thousand of `count`, by program.
    pub fn per_thousand(&self, count: u64) -> Value {
        let millis = |ticks: u64| ticks * 1_000 / TICKS * 1_000 / count.max(1);
        json!(self.0.iter().map(|(name, ticks)| (name.clone(), millis(*ticks))).collect::<BTreeMap<_, _>>())
    }
}
