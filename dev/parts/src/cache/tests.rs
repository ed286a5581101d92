//! Interrupted and simultaneous downloads.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use super::*;

struct Scratch(PathBuf);

impl Scratch {
    fn new(label: &str) -> Self {
        let dir = std::env::temp_dir().join(format!("ledger-parts-{label}-{}", std::process::id()));
        fs::remove_dir_all(&dir).unwrap_or_default();
        Self(dir)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).unwrap_or_default();
    }
}

fn fill(dir: &Path) -> Result<(), String> {
    fs::write(dir.join("jar"), "whole").map_err(|e| e.to_string())
}

#[test]
fn a_failed_download_leaves_no_part_and_the_next_one_begins_clean() {
    let scratch = Scratch::new("failed");
    let cache = Cache::at(&scratch.0);
    let wait = Wait::start("test");
    let failed = cache.part("kafka", &wait, |dir| {
        fs::write(dir.join("half"), "ha").unwrap();
        Err("the line was cut".into())
    });
    assert_eq!(failed.unwrap_err().to_string(), "the line was cut");
    assert!(cache.complete("kafka").is_none());

    let place = cache.part("kafka", &wait, fill).unwrap();
    assert_eq!(fs::read_to_string(place.join("jar")).unwrap(), "whole");
    assert!(!place.join("half").exists(), "a leftover of the failed download came along");
}

#[test]
fn a_killed_download_is_not_taken_for_a_part() {
    let scratch = Scratch::new("killed");
    let cache = Cache::at(&scratch.0);
    // what a kill -9 leaves: a draft, and (from an older layout or a copy by hand) a folder without its marker
    for leftover in ["mysql.draft", "mysql"] {
        fs::create_dir_all(scratch.0.join(leftover)).unwrap();
        fs::write(scratch.0.join(leftover).join("half"), "ha").unwrap();
    }
    assert!(cache.complete("mysql").is_none());
    let place = cache.part("mysql", &Wait::start("test"), fill).unwrap();
    assert!(place.join("jar").exists() && !place.join("half").exists());
}

#[test]
fn a_complete_part_is_made_once_by_many_at_the_same_time() {
    let scratch = Scratch::new("many");
    let made = AtomicU32::new(0);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let place = Cache::at(&scratch.0).part("kafka", &Wait::start("test"), |dir| {
                    made.fetch_add(1, Ordering::SeqCst);
                    std::thread::sleep(Duration::from_millis(50));
                    fill(dir)
                });
                assert!(place.unwrap().join("jar").exists());
            });
        }
    });
    assert_eq!(made.load(Ordering::SeqCst), 1);
    Cache::at(&scratch.0).part("kafka", &Wait::start("test"), |_| panic!("it was there already")).unwrap();
}

#[test]
fn the_cache_is_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let scratch = Scratch::new("private");
    Cache::at(&scratch.0).part("kafka", &Wait::start("test"), fill).unwrap();
    assert_eq!(fs::metadata(&scratch.0).unwrap().permissions().mode() & 0o777, 0o700);
}
