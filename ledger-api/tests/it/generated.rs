//! What a property-based client makes of our own OpenAPI document, against the running service: no answer of 500 and above,
//! and none that the document does not know. The client is schemathesis; where there is no Python it is said, loudly.

use std::io::Write as _;
use std::path::Path;
use std::process::Command;

use serde_json::json;

use crate::support::World;

/// Cases per operation and phase; `LEDGER_GENERATED_CASES` for more.
const CASES: &str = "25";
/// The same cases on every run; `LEDGER_GENERATED_SEED` for others.
const SEED: &str = "20261124";

#[tokio::test(flavor = "multi_thread")]
async fn whatever_the_document_allows_or_forbids_gets_a_documented_answer() {
    let python = match parts::schemathesis() {
        Ok(python) => python,
        Err(why) => {
            // not by a macro: the test harness would keep it to itself
            let said = format!("SKIPPED: the API was not tested by its OpenAPI document: {why}\n");
            std::io::stderr().write_all(said.as_bytes()).unwrap();
            return;
        }
    };
    let world = World::start("generated").await;
    let paid = world.paid("order-1", 50_000).await;
    world.post(&format!("{paid}/cancellations"), "c", &json!({"cancelAmount": 1, "reason": "one"})).await;
    let id = paid.rsplit('/').next().unwrap().to_owned();
    let setting = |name: &str, default: &str| {
        std::env::var_os(name).map_or(default.to_owned(), |text| text.into_string().unwrap())
    };
    let (cases, seed) = (setting("LEDGER_GENERATED_CASES", CASES), setting("LEDGER_GENERATED_SEED", SEED));
    let dir = std::env::temp_dir().join(&world.db.name);
    std::fs::create_dir(&dir).unwrap();
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let document = dir.join("openapi.json");
    std::fs::write(&document, patient().to_string()).unwrap();
    let config = std::fs::read_to_string(here.join("tests/schemathesis.toml")).unwrap();
    for (round, known) in [("unknown payments", None), ("a paid payment", Some(id))] {
        let known = known.map(|id| {
            format!("[parameters]\n\"path.paymentId\" = \"{id}\"\n\"path.cancellationId\" = \"{id}-c1\"\n\n")
        });
        let file = dir.join("schemathesis.toml");
        std::fs::write(&file, format!("{}{config}", known.unwrap_or_default())).unwrap();
        let mut command = Command::new(&python);
        command
            .args(["-m", "schemathesis.cli", "--no-color", "--config-file"])
            .arg(&file)
            .arg("run")
            .arg(&document);
        command.args(["--url", &world.base, "--header", &format!("Authorization: Bearer {}", world.key)]);
        command.args(["--checks", "all", "--continue-on-failure", "--generation-database", ":memory:"]);
        command.args(["--max-examples", &cases, "--seed", &seed]).current_dir(&dir).env_clear();
        let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap();
        let told = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{round}: {told}{}", String::from_utf8_lossy(&output.stderr));
        let (generated, passed) = counted(&told).unwrap_or_else(|| panic!("{round}: {told}"));
        assert!(generated > 300 && passed == generated, "{round}: {told}");
    }
    std::fs::remove_dir_all(&dir).unwrap();
}

/// `1101 generated, 1101 passed` of what the client says at its end.
fn counted(told: &str) -> Option<(u32, u32)> {
    let line = told.lines().find(|line| line.contains(" generated, "))?;
    let mut parts = line.split(',').map(str::trim);
    let generated = parts.next()?.strip_suffix(" generated")?.parse().ok()?;
    let passed = parts.next()?.split(' ').next()?.parse().ok()?;
    Some((generated, passed))
}

/// The document of a caller that waits: how a short `X-Request-Timeout-Ms` is answered, with 503 and 504, is tested where it is
/// made on purpose.
fn patient() -> serde_json::Value {
    let mut document = ledger_api::openapi::document();
    let paths = document["paths"].as_object_mut().unwrap().values_mut();
    for operation in paths.flat_map(|item| item.as_object_mut().unwrap().values_mut()) {
        if let Some(parameters) = operation["parameters"].as_array_mut() {
            parameters.retain(|parameter| parameter["name"] != "X-Request-Timeout-Ms");
        }
    }
    document
}
