//! The real program: killed without notice, run twice at once, stopped with a message on its way.

use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use ledger_core::payment::attempt::AttemptState;
use ledger_core::payment::fact::AttemptKind;
use ledger_core::payment::fold::Payment;
use tokio::process::{Child, Command};

use crate::world::{Waits, World, state, tries};

pub fn net_cancel(world: &World, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_net-cancel"));
    command
        .args(args)
        .env("DATABASE__URL", &world.db.app)
        .env("OPS__BIND", "127.0.0.1:0")
        .env("JOB__SCAN_MS", "50")
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true);
    command
}

fn run(world: &World) -> Child {
    net_cancel(world, &["run"]).spawn().unwrap()
}

async fn terminated(mut process: Child) -> ExitStatus {
    let pid = process.id().unwrap().to_string();
    assert!(Command::new("kill").args(["-TERM", &pid]).status().await.unwrap().success());
    tokio::time::timeout(Duration::from_secs(20), process.wait()).await.unwrap().unwrap()
}

/// Waits until the issuer has received so many reversals.
async fn reversals_received(world: &World, count: u32) {
    let limit = tokio::time::Instant::now() + Duration::from_secs(30);
    while world.issuer.truth().traces.iter().map(|trace| trace.reversal_requests).sum::<u32>() < count {
        assert!(tokio::time::Instant::now() < limit, "{:#?}", world.issuer.truth());
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// A long wait for issuers, so that a process can be caught while it waits.
fn slow() -> Waits {
    Waits { read: Duration::from_secs(4), ..Waits::default() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_between_the_commit_of_a_reversal_and_its_answer_another_run_finishes_it() {
    let world = World::with("nc_kill", slow()).await;
    let id = world.paid("o-1", "sim:reset,lost-nc:1").await;
    let mut process = run(&world);
    reversals_received(&world, 1).await;
    process.kill().await.unwrap();
    let payment = world.payment(id).await;
    assert_eq!(tries(&payment), [[""; 0]], "the try is a row, its answer is not");
    world.audit(&[id]).await;

    let process = run(&world);
    let payment = world.until(id, |payment| state(payment) == AttemptState::Voided).await;
    assert_eq!(tries(&payment), [vec![], vec!["REVERSED"]]);
    assert_eq!(terminated(process).await.code(), Some(0));
    world.audit(&[id]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stopped_with_a_reversal_on_its_way_its_answer_is_recorded() {
    let world = World::with("nc_stop", slow()).await;
    let id = world.paid("o-1", "sim:reset,delay-nc:1000").await;
    let process = run(&world);
    reversals_received(&world, 1).await;
    assert_eq!(terminated(process).await.code(), Some(0));
    let payment = world.payment(id).await;
    assert_eq!((state(&payment), tries(&payment)), (AttemptState::Voided, vec![vec!["REVERSED"]]));
    world.audit(&[id]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_at_once_do_no_harm() {
    let world = World::new("nc_two").await;
    let mut ids = Vec::new();
    for n in 0..12 {
        let token = if n % 2 == 0 { "sim:reset" } else { "sim:reset,drop-nc:1" };
        ids.push(world.paid(&format!("o-{n}"), token).await);
    }
    let processes = [run(&world), run(&world)];
    for id in &ids {
        world.until(*id, |payment| state(payment) == AttemptState::Voided).await;
    }
    for process in processes {
        assert_eq!(terminated(process).await.code(), Some(0));
    }
    for id in &ids {
        let payment = world.payment(*id).await;
        let attempts = payment.leg(1).unwrap().attempts_of(AttemptKind::NetCancel).count();
        assert!((1..=4).contains(&attempts), "{attempts} tries");
    }
    world.audit(&ids).await;
}

/// Whatever an issuer does, and however often the job dies: at every moment we know at least what is there, and in the end
/// exactly.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_again_and_again_it_undoes_everything_and_nothing_else() {
    let world = World::new("nc_storm").await;
    let tokens = [
        "tok",
        "sim:decline",
        "sim:reset",
        "sim:reset-lost",
        "sim:garble,lost-nc:1",
        "sim:reset,drop-nc:1",
        "sim:error,garble-nc:1",
        "sim:reset,delay-nc:300",
        "sim:reset,no-original-nc:1",
    ];
    let mut ids = Vec::new();
    for n in 0..36 {
        ids.push(world.paid(&format!("o-{n}"), tokens[n % tokens.len()]).await);
    }
    for round in 0..12_u64 {
        let mut process = run(&world);
        tokio::time::sleep(Duration::from_millis(150 + round * 37 % 400)).await;
        process.kill().await.unwrap();
        let (ours, theirs) = world.standing(&ids).await;
        assert!(theirs <= ours, "the issuer holds {theirs}, we know of {ours}");
    }
    let process = run(&world);
    for (n, id) in ids.iter().enumerate() {
        let settled = |payment: &Payment| match n % tokens.len() {
            0 => state(payment) == AttemptState::Accepted,
            1 => state(payment) == AttemptState::Rejected,
            3 => state(payment) == AttemptState::VoidedProvisional,
            _ => state(payment) == AttemptState::Voided,
        };
        world.until(*id, settled).await;
    }
    assert_eq!(terminated(process).await.code(), Some(0));
    assert_eq!(world.issuer.truth().totals.effective, 4 * 50_000, "what was paid for, and nothing else");
    world.audit(&ids).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn once_says_what_it_did_in_one_line_each_and_in_its_exit_code() {
    let world = World::new("nc_once").await;
    let id = world.paid("o-1", "sim:reset").await;
    let output = net_cancel(&world, &["once", "--format", "json"]).output().await.unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let expected = format!(
        r#"{{"work":"reverse","paymentId":"{id}","legNo":1,"attemptNo":1,"outcome":"REVERSED","state":"VOIDED"}}"#
    );
    assert_eq!((text.trim(), output.status.code()), (expected.as_str(), Some(0)));
    let output = net_cancel(&world, &["once"]).output().await.unwrap();
    assert_eq!((output.stdout.as_slice(), output.status.code()), (&b""[..], Some(0)));

    world.paid("o-2", "sim:reset,too-late-nc:9,decline-cancel:9").await;
    let output = net_cancel(&world, &["once", "--format", "json"]).output().await.unwrap();
    assert_eq!(output.status.code(), Some(10), "something is left for people");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_account_that_may_do_too_much_is_refused() {
    let world = World::new("nc_owner").await;
    let output = net_cancel(&world, &["once"]).env("DATABASE__URL", &world.db.owner).output().await.unwrap();
    assert_eq!(output.status.code(), Some(11));
}
