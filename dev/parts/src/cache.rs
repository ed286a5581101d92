//! The private, per-user cache: one folder a part, complete or not there at all.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use crate::wait::Wait;

/// Written last into a part's folder, just before the folder gets its name.
const COMPLETE: &str = "complete";

/// Folders that checkouts share. A part is made under a lock in a folder beside its place and renamed
/// when it is complete, so an interrupted download leaves nothing that looks like a part.
#[derive(Clone, Debug)]
pub struct Cache {
    root: PathBuf,
}

#[derive(Debug)]
pub enum CacheError {
    NoHome,
    Io { path: PathBuf, source: io::Error },
    Recipe(String),
}

impl std::fmt::Display for CacheError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NoHome => f.write_str("no cache folder: set LEDGER_CACHE_DIR or HOME"),
            Self::Io { path, source } => write!(f, "cache {}: {source}", path.display()),
            Self::Recipe(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for CacheError {}

impl Cache {
    /// `$LEDGER_CACHE_DIR`, else `$XDG_CACHE_HOME/payment-ledger`, else `~/.cache/payment-ledger`.
    pub fn of_user() -> Result<Self, CacheError> {
        let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let root = set("LEDGER_CACHE_DIR")
            .or_else(|| set("XDG_CACHE_HOME").map(|dir| dir.join("payment-ledger")))
            .or_else(|| set("HOME").map(|dir| dir.join(".cache/payment-ledger")))
            .ok_or(CacheError::NoHome)?;
        Ok(Self::at(root))
    }

    pub fn at(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// The folder of `part` when it is complete.
    pub fn complete(&self, part: &str) -> Option<PathBuf> {
        let place = self.root.join(part);
        place.join(COMPLETE).is_file().then_some(place)
    }

    /// The folder of `part`; `make` fills it if it is not there. Others who want the same part wait.
    pub fn part(
        &self,
        part: &str,
        wait: &Wait,
        make: impl FnOnce(&Path) -> Result<(), String>,
    ) -> Result<PathBuf, CacheError> {
        if let Some(place) = self.complete(part) {
            return Ok(place);
        }
        private_dir(&self.root)?;
        let _lock = self.lock(part, wait)?;
        if let Some(place) = self.complete(part) {
            return Ok(place);
        }
        let (draft, place) = (self.root.join(format!("{part}.draft")), self.root.join(part));
        // the lock is ours: what lies here belongs to nobody any more
        remove(&draft)?;
        remove(&place)?;
        private_dir(&draft)?;
        make(&draft).map_err(CacheError::Recipe)?;
        let marker = draft.join(COMPLETE);
        File::create(&marker).and_then(|file| file.sync_all()).map_err(|e| at(&marker, e))?;
        fs::rename(&draft, &place).map_err(|e| at(&place, e))?;
        Ok(place)
    }

    fn lock(&self, part: &str, wait: &Wait) -> Result<File, CacheError> {
        let path = self.root.join(format!("{part}.lock"));
        let file =
            File::options().create(true).truncate(false).write(true).open(&path).map_err(|e| at(&path, e))?;
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) => wait.step("waiting for another checkout that makes it"),
            Err(TryLockError::Error(e)) => return Err(at(&path, e)),
        }
        file.lock().map_err(|e| at(&path, e))?;
        Ok(file)
    }
}

fn private_dir(path: &Path) -> Result<(), CacheError> {
    use std::os::unix::fs::DirBuilderExt;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(|e| at(path, e))
}

fn remove(path: &Path) -> Result<(), CacheError> {
    match fs::remove_dir_all(path) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(at(path, e)),
        _ => Ok(()),
    }
}

fn at(path: &Path, source: io::Error) -> CacheError {
    CacheError::Io { path: path.to_owned(), source }
}

#[cfg(test)]
mod tests;
