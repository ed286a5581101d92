//! Processes end as told, and never outlive their handle.

use super::*;

fn shell(label: &str, script: &str) -> Proc {
    let log = std::env::temp_dir().join(format!("ledger-proc-{label}-{}.log", std::process::id()));
    std::fs::remove_file(&log).unwrap_or_default();
    Proc::spawn(&parts::on_path("sh").unwrap(), &["-c", script], [], &log).unwrap()
}

async fn said(proc: &Proc, word: &str) {
    let until = Instant::now() + Duration::from_secs(20);
    while !std::fs::read_to_string(proc.log()).unwrap().contains(word) {
        assert!(Instant::now() < until, "{word} was never said");
        tokio::time::sleep(POLL).await;
    }
}

#[tokio::test]
async fn a_process_that_ignores_the_request_is_killed_when_the_limit_has_passed() {
    let mut deaf = shell("deaf", "trap '' TERM; echo up; while :; do sleep 0.1; done");
    said(&deaf, "up").await;
    let status = deaf.terminate(Duration::from_millis(300)).await.unwrap();
    assert_eq!(std::os::unix::process::ExitStatusExt::signal(&status), Some(9));
}

#[tokio::test]
async fn a_process_that_listens_ends_by_itself() {
    let mut polite = shell("polite", "trap 'exit 7' TERM; echo up; while :; do sleep 0.1; done");
    said(&polite, "up").await;
    assert_eq!(polite.terminate(Duration::from_secs(20)).await.unwrap().code(), Some(7));
}

#[tokio::test]
async fn a_dropped_handle_takes_its_process_and_its_children_along() {
    let parent = shell("group", "sleep 600 & echo child $!; wait");
    said(&parent, "child").await;
    let text = std::fs::read_to_string(parent.log()).unwrap();
    let child = Process::of("child", text.trim().trim_start_matches("child ").parse().unwrap());
    let parent_process = parent.process.clone();
    assert!(child.is_alive() && parent_process.is_alive());
    drop(parent);
    let until = Instant::now() + Duration::from_secs(20);
    while child.is_alive() || parent_process.is_alive() {
        assert!(Instant::now() < until, "a process outlived its handle");
        tokio::time::sleep(POLL).await;
    }
}

#[tokio::test]
async fn an_early_end_is_told_with_the_last_lines_of_the_log() {
    let mut broken = shell("broken", "echo the disk is full; exit 3");
    let told =
        broken.wait_ready("http://127.0.0.1:9/health/ready", Duration::from_secs(20)).await.unwrap_err();
    assert!(told.to_string().contains("the disk is full"), "{told}");
}
