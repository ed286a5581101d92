//! Keys under which a request runs in this process. A repetition that comes meanwhile is told so, or waits for the end: it
//! neither claims the key, which would spoil the commit of its neighbours, nor reads a payment to learn that it is not done.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::watch;

use super::Operation;

/// All of them.
#[derive(Debug, Default, Clone)]
pub(super) struct Running(Arc<Mutex<HashMap<[u8; 32], Held>>>);

#[derive(Debug)]
struct Held {
    fingerprint: [u8; 32],
    ended: watch::Receiver<()>,
}

/// A request's hold on its key, for as long as it runs.
#[derive(Debug)]
pub struct Hold {
    running: Running,
    /// None where another request, with another body, holds the key: then it is looked up that the key is used.
    claim_id: Option<[u8; 32]>,
    _ends: watch::Sender<()>,
}

/// The same request runs already.
#[derive(Debug)]
pub struct StillRunning(watch::Receiver<()>);

impl Running {
    /// Holds the operation's key, unless the same request does.
    pub(super) fn hold(&self, op: &Operation) -> Result<Hold, StillRunning> {
        let (ends, ended) = watch::channel(());
        let (claim_id, fingerprint) = (op.claim.claim_id, op.claim.fingerprint);
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let claim_id = match all.entry(claim_id) {
            Entry::Occupied(held) if held.get().fingerprint == fingerprint => {
                return Err(StillRunning(held.get().ended.clone()));
            }
            Entry::Occupied(_) => None,
            Entry::Vacant(free) => {
                free.insert(Held { fingerprint, ended });
                Some(claim_id)
            }
        };
        Ok(Hold { running: self.clone(), claim_id, _ends: ends })
    }
}

impl StillRunning {
    /// Waits until it does no longer.
    pub(super) async fn ended(mut self) {
        // nothing is ever sent: the wait ends when the sender goes with its run
        drop(self.0.changed().await);
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        if let Some(claim_id) = self.claim_id {
            self.running.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&claim_id);
        }
    }
}
