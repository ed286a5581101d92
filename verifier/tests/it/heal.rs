//! What is missing is found, exactly that is repaired, and a second run has nothing to do.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use fakes::legacy::{LegacyService, Pace, Written};
use migrator::mirror::follow;
use migrator::mirror::http::{Shared, router};
use migrator::mirror::queue::Queue;
use tokio_util::sync::CancellationToken;

use crate::common::Ends;

/// The mirror in this process: its queue, and where the legacy service calls.
struct Mirror {
    queue: Arc<Queue>,
    address: String,
    stop: CancellationToken,
    task: tokio::task::JoinHandle<()>,
}

impl Mirror {
    async fn start(ends: &Arc<Ends>) -> Self {
        let (queue, touched) = Queue::new(10_000);
        let queue = Arc::new(queue);
        let stop = CancellationToken::new();
        let tables = ends.carrier.mapping.aggregates.iter().flat_map(|aggregate| &aggregate.tables);
        let shared = Shared {
            queue: Arc::clone(&queue),
            tables: tables.map(|table| table.spec.name.clone()).collect(),
        };
        let bind = "127.0.0.1:0".parse().unwrap();
        let (address, _) =
            ledger_runtime::health::serve(bind, router(shared, true), stop.clone()).await.unwrap();
        let task = tokio::spawn({
            let (ends, queue, stop) = (Arc::clone(ends), Arc::clone(&queue), stop.clone());
            async move {
                follow(&ends.carrier, &Ends::run_as_mirror(), &queue, touched, &stop).await;
            }
        });
        Self { queue, address: address.to_string(), stop, task }
    }

    /// Lets it finish what it took.
    async fn finish(self) {
        self.stop.cancel();
        self.task.await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_rows_that_the_mirror_dropped_are_healed_exactly_and_once() {
    let ends = Arc::new(Ends::create("heal_ten").await);
    let mirror = Mirror::start(&ends).await;
    let pace = Pace { every: Duration::from_millis(1), cancels: true, mirror: Some(mirror.address.clone()) };
    let mut service = LegacyService::new(ends.legacy_pool.clone(), 11, pace);
    let mut written: Vec<Written> = Vec::new();
    for _ in 0..30 {
        written.push(service.write().await.unwrap());
    }
    mirror.queue.drop_next(10);
    for _ in 0..15 {
        written.push(service.pay().await.unwrap());
    }
    mirror.finish().await;
    let dropped: BTreeSet<_> = written
        .iter()
        .filter(|row| !row.told)
        .map(|row| ("MISSING_LEDGER".to_owned(), row.table.to_owned(), row.pk.clone(), true))
        .collect();
    assert_eq!(dropped.len(), 10);

    ends.settled().await;
    let dry = ends.verifier(&["run", "--window", "65m", "--settle", "1s", "--dry-run"]);
    assert_eq!((dry.code, dry.state()), (Some(10), "FINDINGS"), "{dry:?}");
    let first = ends.verifier(&["run", "--window", "65m", "--settle", "1s"]);
    assert_eq!((first.code, first.state()), (Some(0), "HEALED"), "{first:?}");
    assert_eq!(first.findings(), dropped);
    let repaired = ends
        .count("SELECT COUNT(*) FROM legacy_row WHERE recorded_by = 'VERIFIER' AND kind = 'APPROVAL'")
        .await;
    assert_eq!(repaired, 10);
    let changes = ends.count("SELECT COUNT(*) FROM payment_change").await;
    let second = ends.verifier(&["run", "--window", "65m", "--settle", "1s"]);
    assert_eq!((second.code, second.state()), (Some(0), "GREEN"), "{second:?}");
    assert_eq!(second.summary()["inserted"], 0);
    assert_eq!(second.summary()["legacyDigest"], second.summary()["ledgerDigest"]);
    assert_eq!(ends.count("SELECT COUNT(*) FROM payment_change").await, changes);
    assert_eq!(ends.count("SELECT COUNT(*) FROM verifier_run").await, 2, "a dry run leaves no record");
    assert_eq!(ends.count("SELECT COUNT(*) FROM verifier_finding WHERE healed").await, 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copied_past_is_green_and_a_dropped_cancel_is_added_to_its_payment() {
    let ends = Ends::copied("heal_cancel", 21, 300).await;
    let green = ends.verify_all(&[]);
    assert_eq!((green.code, green.state()), (Some(0), "GREEN"), "{green:?}");
    assert!(green.summary()["legacyRows"].as_u64().unwrap() > 150);

    let tid = ends.text("SELECT m.TID FROM TB_PAY_MST m JOIN TB_CARD_APPR a USING (TID) LEFT JOIN TB_CARD_CNCL c USING (TID) \
        LEFT JOIN TB_CARD_PART_CNCL p USING (TID) WHERE c.TID IS NULL AND p.TID IS NULL AND m.MID = 'shop1' AND m.DEL_YN = 'N' \
        ORDER BY m.TID DESC LIMIT 1").await;
    ends.legacy(&format!("INSERT INTO TB_CARD_CNCL VALUES ('{tid}', '20261124', '090000', NULL, NULL)"))
        .await;
    ends.legacy(&format!("UPDATE TB_PAY_MST SET STAT = '2' WHERE TID = '{tid}'")).await;
    let healed = ends.verify_all(&[]);
    assert_eq!((healed.code, healed.state()), (Some(0), "HEALED"), "{healed:?}");
    let expected = ("MISSING_LEDGER".to_owned(), "TB_CARD_CNCL".to_owned(), tid, true);
    assert_eq!(healed.findings(), BTreeSet::from([expected]));
    assert_eq!(ends.verify_all(&[]).state(), "GREEN");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_status_changed_in_place_is_recorded_without_a_new_fact() {
    let ends = Ends::copied("heal_stale", 22, 120).await;
    ends.legacy(
        "UPDATE TB_PAY_MST SET STAT = '9' WHERE MID = 'shop2' AND DEL_YN = 'N' ORDER BY TID DESC LIMIT 1",
    )
    .await;
    let changes = ends.count("SELECT COUNT(*) FROM payment_change").await;
    let healed = ends.verify_all(&[]);
    assert_eq!((healed.code, healed.state()), (Some(0), "HEALED"), "{healed:?}");
    assert!(healed.findings().iter().all(|(class, ..)| class == "STALE"), "{healed:?}");
    assert_eq!(ends.count("SELECT COUNT(*) FROM payment_change").await, changes);
    assert_eq!(ends.verify_all(&[]).state(), "GREEN");
}

/// R15
#[tokio::test(flavor = "multi_thread")]
async fn an_orphan_is_carried_over_once_its_approval_is_there() {
    let ends = Ends::create("heal_orphan").await;
    let tid = "GW2026111209000000000001";
    ends.legacy(&format!("INSERT INTO TB_CARD_CNCL VALUES ('{tid}', '20261113', '090000', NULL, NULL)"))
        .await;
    ends.carry("TB_CARD_CNCL", &[tid]).await;
    assert_eq!(ends.count("SELECT COUNT(*) FROM legacy_quarantine WHERE reason = 'ORPHAN'").await, 1);
    assert_eq!(ends.verify_all(&[]).state(), "GREEN", "in quarantine with a reason is accounted for");

    ends.legacy(&format!(
        "INSERT INTO TB_PAY_MST VALUES ('{tid}', 'shop1', 'ORD-1', 'SC0010', '5000', '2', NULL, 'N', '20261112090000', '2026-11-13 09:00:00')"
    ))
    .await;
    ends.legacy(&format!(
        "INSERT INTO TB_CARD_APPR VALUES ('{tid}', '00000001', '5000', '20261112', '090000', '11', NULL, '00', NULL, '0')"
    ))
    .await;
    let healed = ends.verify_all(&[]);
    assert_eq!((healed.code, healed.state()), (Some(0), "HEALED"), "{healed:?}");
    assert_eq!(ends.count("SELECT COUNT(*) FROM cancellation").await, 1);
    assert_eq!(ends.verify_all(&[]).state(), "GREEN");
}
