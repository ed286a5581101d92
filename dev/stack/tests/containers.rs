//! The way through containers, where an engine answers; loudly skipped where none does.

use std::io::Write;
use std::process::{Command, Stdio};

use sqlx::{Connection, MySqlConnection};
use stack::{EnvFile, stack_dir};

#[tokio::test(flavor = "multi_thread")]
async fn a_stack_of_containers_replicates_and_answers() {
    let Ok(engine) = parts::container_engine() else {
        // not by a macro: the test harness would keep it to itself
        std::io::stderr().write_all(b"SKIPPED: no container engine answers\n").unwrap();
        return;
    };
    eprintln!("container engine at {}", engine.address);
    let name = format!("containers-{}", std::process::id());
    let stack = |args: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_stack"));
        command.args(args).args(["--name", &name]).env("LEDGER_PARTS", "container").stdin(Stdio::null());
        command.status().unwrap().success()
    };
    assert!(stack(&["up", "--infra", "--detach"]));
    let env = EnvFile::load(&stack_dir(&name).unwrap().join("env")).unwrap();
    let mut replica = MySqlConnection::connect(env.get("REPLICA_URL").unwrap()).await.unwrap();
    let seen: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM payment").fetch_one(&mut replica).await.unwrap();
    assert_eq!(seen, 0);
    assert!(stack(&["down"]));
}
