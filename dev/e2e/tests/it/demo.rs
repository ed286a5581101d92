//! The demo as its users run it.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

#[test]
fn the_story_ends_in_an_audit_that_holds_and_leaves_nothing_behind() {
    let output = demo("e2e-demo").arg("--format").arg("json").output().unwrap();
    let stdout = String::from_utf8(output.stdout).unwrap();
    let steps: Vec<Value> = stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let told: Vec<_> = steps.iter().map(|step| step["step"].as_str().unwrap()).collect();
    assert_eq!(
        told,
        ["a", "b", "c", "d", "e", "f", "g", "audit"],
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(steps.iter().all(|step| step["ok"] == true && step["millis"].is_u64()), "{stdout}");
    let checks = steps.last().unwrap()["checks"].as_array().unwrap();
    assert!(
        checks.len() > 10 && checks.iter().all(|check| check["examined"].as_u64().unwrap() > 0),
        "{checks:?}"
    );
    assert!(output.status.success());
    nothing_is_left("e2e-demo");
}

#[test]
fn ctrl_c_in_the_middle_leaves_no_process_behind() {
    let mut child = demo("e2e-ctrl-c").stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let begun = lines.any(|line| line.is_ok_and(|line| line.starts_with("a. ")));
    assert!(begun, "the story never begins");
    let pid = child.id().to_string();
    assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
    for _ in lines {}
    assert!(!child.wait().unwrap().success());
    nothing_is_left("e2e-ctrl-c");
}

fn demo(name: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_demo"));
    command.args(["--name", name]).stdin(Stdio::null());
    command
}

/// No process works in the stack's folder any more.
fn nothing_is_left(name: &str) {
    let dir = stack::stack_dir(name).unwrap();
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        let left: Vec<_> =
            processes().into_iter().filter(|line| line.contains(&*dir.to_string_lossy())).collect();
        if left.is_empty() {
            return;
        }
        assert!(Instant::now() < deadline, "still running: {left:#?}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// The command line and the environment of every process.
fn processes() -> Vec<String> {
    let read = |path: &Path| {
        std::fs::read(path)
            .map(|bytes| String::from_utf8_lossy(&bytes).replace('\0', " "))
            .unwrap_or_default()
    };
    let own = std::process::id().to_string();
    std::fs::read_dir("/proc")
        .unwrap()
        .filter_map(Result::ok)
        .filter(|entry| entry.file_name().to_string_lossy().bytes().all(|byte| byte.is_ascii_digit()))
        .filter(|entry| entry.file_name().to_string_lossy() != own)
        .map(|entry| read(&entry.path().join("cmdline")) + &read(&entry.path().join("environ")))
        .collect()
}
