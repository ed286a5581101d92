//! Progress that is visible in every wait longer than a second, as lines on stderr.

use std::io::Write;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

const FIRST: Duration = Duration::from_secs(1);
const EVERY: Duration = Duration::from_secs(3);

/// A wait that says what is going on until it is dropped: after one second, then every three.
#[derive(Debug)]
pub struct Wait {
    shared: Arc<Shared>,
    ticker: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    what: String,
    started: Instant,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    step: String,
    over: bool,
    spoken: bool,
}

impl Wait {
    pub fn start(what: impl Into<String>) -> Self {
        let shared = Arc::new(Shared {
            what: what.into(),
            started: Instant::now(),
            state: Mutex::default(),
            changed: Condvar::new(),
        });
        let ticking = Arc::clone(&shared);
        let ticker = std::thread::Builder::new().name("wait".into()).spawn(move || ticking.tick()).ok();
        Self { shared, ticker }
    }

    /// What is being waited for now; shown with the next line.
    pub fn step(&self, step: impl Into<String>) {
        self.shared.lock().step = step.into();
    }

    /// A line that is worth saying at once.
    pub fn say(&self, text: &str) {
        line(&format!("{}: {text}", self.shared.what));
    }

    pub fn seconds(&self) -> u64 {
        self.shared.started.elapsed().as_secs()
    }
}

impl Shared {
    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tick(&self) {
        let mut pause = FIRST;
        let mut state = self.lock();
        loop {
            let (next, waited) =
                self.changed.wait_timeout(state, pause).unwrap_or_else(PoisonError::into_inner);
            state = next;
            if state.over {
                return;
            }
            if waited.timed_out() {
                let colon = if state.step.is_empty() { "" } else { ": " };
                line(&format!(
                    "{}{colon}{}, {} s so far",
                    self.what,
                    state.step,
                    self.started.elapsed().as_secs()
                ));
                state.spoken = true;
                pause = EVERY;
            }
        }
    }
}

impl Drop for Wait {
    fn drop(&mut self) {
        let spoken = {
            let mut state = self.shared.lock();
            state.over = true;
            state.spoken
        };
        self.shared.changed.notify_all();
        if let Some(ticker) = self.ticker.take()
            && ticker.join().is_ok()
            && spoken
        {
            line(&format!("{}: over after {} s", self.shared.what, self.seconds()));
        }
    }
}

/// stderr may be closed (a pager that was left): then nobody listens, and nothing is lost.
fn line(text: &str) {
    std::io::stderr().write_all(format!("  {text}\n").as_bytes()).unwrap_or_default();
}
