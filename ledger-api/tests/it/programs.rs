//! The programs of this crate, run as programs.

use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use stack::TestDb;
use tokio::process::{Child, Command};

/// Runs `ledger-admin`; gives exit code, lines of stdout as JSON, and stderr.
pub async fn admin(db: &TestDb, arguments: &[&str]) -> (i32, Vec<Value>, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ledger-admin"));
    command.args(["--format", "json"]).args(arguments);
    command.env("MYSQL_ADMIN_URL", &db.admin).env("MYSQL_OWNER_URL", &db.owner).env("MYSQL_APP_URL", &db.app);
    let output = command.output().await.unwrap();
    let lines = String::from_utf8(output.stdout).unwrap();
    let lines = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    (output.status.code().unwrap(), lines, String::from_utf8(output.stderr).unwrap())
}

/// What it says when it agrees.
pub async fn done(db: &TestDb, arguments: &[&str]) -> Vec<Value> {
    let (exit, lines, stderr) = admin(db, arguments).await;
    assert_eq!(exit, 0, "{arguments:?}: {stderr}");
    lines
}

/// It disagrees, says why, and adds nothing.
pub async fn refused(db: &TestDb, arguments: &[&str], why: &str) {
    let (exit, lines, stderr) = admin(db, arguments).await;
    assert_eq!((exit, lines.len()), (2, 0), "{arguments:?}: {stderr}");
    assert!(stderr.contains(why), "{arguments:?}: {stderr}");
}

/// Starts the service on free ports and waits until it is ready.
pub async fn serve(db: &TestDb) -> (Child, String, String) {
    let (http, ops) = (stack::free_port().unwrap(), stack::free_port().unwrap());
    let mut command = Command::new(env!("CARGO_BIN_EXE_ledger-api"));
    command.arg("serve").env("DATABASE__URL", &db.app).kill_on_drop(true).stderr(Stdio::inherit());
    command.env("HTTP__BIND", format!("127.0.0.1:{http}")).env("OPS__BIND", format!("127.0.0.1:{ops}"));
    command.env("LOG__LEVEL", "warn");
    let child = command.spawn().unwrap();
    let (base, ops) = (format!("http://127.0.0.1:{http}"), format!("http://127.0.0.1:{ops}"));
    let ready = async {
        while reqwest::get(format!("{ops}/health/ready")).await.map_or(true, |reply| reply.status() != 200) {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        while reqwest::get(format!("{base}/health/ready")).await.map_or(true, |reply| reply.status() != 200) {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), ready).await.expect("the service becomes ready");
    (child, base, ops)
}
