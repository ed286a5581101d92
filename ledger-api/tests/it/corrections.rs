//! Corrections as operators make them: `ledger-admin operator` and `ledger-admin correction`, as programs.

use std::path::{Path, PathBuf};

use serde_json::json;
use stack::TestDb;

use crate::programs::{done, refused};
use crate::support::World;

/// A key file of an operator, its public half registered.
async fn operator(db: &TestDb, dir: &Path, name: &str) -> PathBuf {
    let file = dir.join(name);
    let out = file.to_str().unwrap();
    let made = done(db, &["operator", "keygen", "--operator", name, "--out", out]).await.remove(0);
    let public = made["publicKey"].as_str().unwrap();
    let added = done(db, &["operator", "add", "--operator", name, "--public-key", public]).await.remove(0);
    assert_eq!(added["keyId"], made["keyId"]);
    refused(db, &["operator", "keygen", "--operator", name, "--out", out], "cannot be made").await;
    refused(db, &["operator", "add", "--operator", "other", "--public-key", public], "exists already").await;
    file
}

#[tokio::test(flavor = "multi_thread")]
async fn two_operators_correct_a_fee_from_the_command_line() {
    let world = World::start("corr_cli").await;
    let dir = std::env::temp_dir().join(format!("{}_keys", world.db.name));
    std::fs::create_dir(&dir).unwrap();
    let db = &world.db;
    let (kim, lee) = (operator(db, &dir, "kim").await, operator(db, &dir, "lee").await);
    let (kim, lee) = (kim.to_str().unwrap(), lee.to_str().unwrap());
    let path = world.paid("order-1", 50_000).await;
    let id = path.rsplit('/').next().unwrap();
    let shown = done(db, &["correction", "show", "--payment", id]).await;
    let line = |account: &str| {
        let row = shown.iter().find(|row| row["account"] == account).unwrap();
        row["line"].as_str().unwrap().to_owned()
    };
    let (fee, vat) = (format!("{}=300", line("FEE_REVENUE")), format!("{}=30", line("OUTPUT_VAT")));
    let mut propose = vec!["correction", "propose", "--payment", id, "--reverse", &fee, "--reverse", &vat];
    propose.extend(["--reason", "old contract", "--key", kim]);
    refused(db, &propose, "do not balance: 330 debit, 0 credit").await;
    propose.extend(["--credit", "MERCHANT_PAYABLE=330"]);
    let dry = done(db, &[propose.as_slice(), &["--dry-run"]].concat()).await;
    assert_eq!(world.rows().await["correction"], 0);
    let proposed = done(db, &propose).await;
    assert_eq!(proposed, dry);
    assert_eq!(proposed[2]["account"], "MERCHANT_PAYABLE");
    refused(db, &propose, "correction 1 proposes the same lines").await;

    let decide = |verb, key| vec!["correction", verb, "--payment", id, "--no", "1", "--key", key];
    refused(db, &decide("approve", kim), "another operator has to approve it").await;
    let lines = world.rows().await["journal_line"];
    let before = world.get(&path).await;
    done(db, &[decide("approve", lee).as_slice(), &["--dry-run"]].concat()).await;
    assert_eq!(world.rows().await["journal_line"], lines, "a dry run posts nothing");
    let approved = done(db, &decide("approve", lee)).await;
    assert_eq!(approved[0]["status"], "APPROVED");
    assert_eq!(world.rows().await["journal_line"], lines + 3);
    refused(db, &decide("approve", lee), "is APPROVED already").await;
    refused(db, &[decide("reject", lee).as_slice(), &["--reason", "no"]].concat(), "is APPROVED already")
        .await;

    let (mut was, mut is) = (before.json(), world.get(&path).await.json());
    for payment in [&mut was, &mut is] {
        payment.as_object_mut().unwrap().remove("version");
    }
    assert_eq!(is, was, "the payment is as it was");
    let listed = done(db, &["correction", "list"]).await.remove(0);
    assert_eq!((&listed["proposedBy"], &listed["decidedBy"]), (&json!("kim"), &json!("lee")));
    assert!(done(db, &["correction", "list", "--open"]).await.is_empty());
    let events = world.get(&format!("{path}/events")).await.json();
    assert!(events.to_string().contains("correction.posted.v1"), "{events:#}");
    std::fs::remove_dir_all(&dir).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_open_foreign_revoked_or_broken_is_refused() {
    let world = World::start("corr_keys").await;
    let dir = std::env::temp_dir().join(format!("{}_keys", world.db.name));
    std::fs::create_dir(&dir).unwrap();
    let db = &world.db;
    let kim = operator(db, &dir, "kim").await;
    let key = kim.to_str().unwrap();
    let path = world.paid("order-1", 50_000).await;
    let id = path.rsplit('/').next().unwrap();
    let propose = |key| {
        let line = ["--reverse", "3/1", "--credit", "MERCHANT_PAYABLE=1", "--reason", "x", "--key", key];
        [["correction", "propose", "--payment", id].as_slice(), &line].concat()
    };
    let text = std::fs::read_to_string(&kim).unwrap();
    assert!(!world.all_text().await.contains(text.rsplit('"').nth(1).unwrap()), "a secret stays in its file");
    let mode = |mode| {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::set_permissions(&kim, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    mode(0o644);
    refused(db, &propose(key), "may be read by others").await;
    mode(0o600);
    std::fs::write(&kim, "operator = \"kim\"\nsecret = \"zz\"\n").unwrap();
    refused(db, &propose(key), "holds no operator's key").await;
    std::fs::write(&kim, text.replace("\"kim\"", "\"lee\"")).unwrap();
    refused(db, &propose(key), "the lines do not balance").await;
    let balanced = |key| {
        let lines = ["--reverse", "3/1=1", "--debit", "FEE_REVENUE=1", "--reason", "x", "--key", key];
        [["correction", "propose", "--payment", id].as_slice(), &lines].concat()
    };
    refused(db, &balanced(key), "not registered for operator lee").await;
    std::fs::write(&kim, &text).unwrap();
    let listed = done(db, &["operator", "list"]).await.remove(0);
    done(db, &["operator", "revoke", "--key", listed["keyId"].as_str().unwrap(), "--reason", "left"]).await;
    refused(db, &balanced(key), "is revoked").await;
    refused(
        db,
        &["correction", "show", "--payment", "01a20cb4-65e2-8c62-b8bc-97df58b150b7"],
        "no such payment",
    )
    .await;
    std::fs::remove_dir_all(&dir).unwrap();
}
