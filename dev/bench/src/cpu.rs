//! CPU time of the processes of one stack and of the load itself, from `/proc`.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use stack::Process;

/// Clock ticks of a second, as Linux counts for programs.
const TICKS: u64 = 100;

/// Processes by name.
pub type Watched = Vec<(String, u32)>;

/// The processes of a stack that live, and this one as `bench`, which holds the load.
pub fn watched(processes: &[Process]) -> Watched {
    let own = ("bench".to_owned(), std::process::id());
    let living = processes.iter().filter(|process| process.is_alive() && process.pid != own.1);
    living.map(|process| (process.name.clone(), process.pid)).chain([own.clone()]).collect()
}

/// CPU time so far, by process, in ticks.
#[derive(Debug)]
pub struct Cpu(BTreeMap<String, u64>);

impl Cpu {
    /// What has been used by now.
    pub fn now(watched: &Watched) -> Self {
        Self(watched.iter().filter_map(|(name, pid)| Some((name.clone(), ticks(*pid)?))).collect())
    }

    /// What has been used since.
    pub fn since(&self, watched: &Watched) -> Self {
        let now = Self::now(watched).0;
        let used = |(name, ticks): (String, u64)| {
            let before = self.0.get(&name).copied().unwrap_or(ticks);
            (name, ticks.saturating_sub(before))
        };
        Self(now.into_iter().map(used).collect())
    }

    /// Milliseconds for a thousand of `count`, by process.
    pub fn per_thousand(&self, count: u64) -> Value {
        let millis = |ticks: u64| ticks * 1_000 / TICKS * 1_000 / count.max(1);
        json!(self.0.iter().map(|(name, ticks)| (name.clone(), millis(*ticks))).collect::<BTreeMap<_, _>>())
    }
}

fn ticks(pid: u32) -> Option<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, tail) = stat.rsplit_once(") ")?;
    let mut fields = tail.split(' ').skip(11);
    let (user, system) = (fields.next()?.parse::<u64>().ok()?, fields.next()?.parse::<u64>().ok()?);
    Some(user + system)
}
