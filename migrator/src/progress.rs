//! Progress for people: a bar with the time left on a terminal, a line every five seconds elsewhere. Talk goes to stderr.

use std::io::IsTerminal as _;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

/// Between two lines where there is no terminal.
const EVERY: Duration = Duration::from_secs(5);

/// How far something is, out of an exact total.
#[derive(Debug)]
pub struct Progress {
    what: &'static str,
    total: u64,
    done: u64,
    started: Instant,
    told: Instant,
    bar: Option<ProgressBar>,
}

impl Progress {
    /// Begins; `quiet` shows nothing.
    pub fn new(what: &'static str, total: u64, quiet: bool) -> Self {
        let bar = (!quiet && std::io::stderr().is_terminal()).then(|| {
            let style =
                ProgressStyle::with_template("{msg} {wide_bar} {pos}/{len} payments, {per_sec}, {eta} left");
            let bar = ProgressBar::new(total).with_message(what);
            style.map_or_else(|_| bar.clone(), |style| bar.clone().with_style(style))
        });
        let now = Instant::now();
        let told = if quiet { now + Duration::from_secs(1 << 30) } else { now };
        Self { what, total, done: 0, started: now, told, bar }
    }

    /// So many more are done.
    pub fn add(&mut self, count: u64) {
        self.done += count;
        if let Some(bar) = &self.bar {
            bar.set_length(self.total.max(self.done));
            bar.set_position(self.done);
            return;
        }
        if self.told.elapsed() < EVERY {
            return;
        }
        self.told = Instant::now();
        let spent = self.started.elapsed().as_millis();
        let left =
            u128::from(self.total.saturating_sub(self.done)) * spent / u128::from(self.done.max(1)) / 1_000;
        eprintln!("{}: {} of {} payments, {left} s left", self.what, self.done, self.total.max(self.done));
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
