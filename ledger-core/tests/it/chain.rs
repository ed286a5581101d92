//! A row that was changed behind the ledger's back is found and named.

use ledger_core::replica_reader::ReplicaReader;
use ledger_core::store::pool::PoolOptions;

use super::world::{World, cancel};

#[tokio::test(flavor = "multi_thread")]
async fn a_tampered_fact_breaks_the_chain_and_is_named() {
    let world = World::new("chain").await;
    let payment = world.confirmed("order-1").await;
    cancel(&world.ledger, payment.id, Some(20_000), "cancel-1").await.unwrap();
    world.confirmed("order-2").await;
    let reader = ReplicaReader::open(&world.db.read_on_primary, PoolOptions::default()).await.unwrap();
    let clean = reader.verify_chains(None, 100).await.unwrap();
    assert_eq!((clean.examined, clean.broken.len()), (8, 0), "{:?}", clean.broken);

    sqlx::query("UPDATE cancellation SET reason = 'another' WHERE payment_id = ?")
        .bind(payment.id.as_bytes().as_slice())
        .execute(&world.owner)
        .await
        .unwrap();
    let tampered = reader.verify_chains(None, 100).await.unwrap();
    let named: Vec<_> = tampered.broken.iter().map(|broken| (broken.payment_id, broken.seq)).collect();
    assert!(named.contains(&(payment.id, Some(4))), "{:?}", tampered.broken);
    assert!(named.iter().all(|(id, _)| *id == payment.id));
    assert_eq!(reader.verify_chains(tampered.last, 100).await.unwrap().examined, 0);
}
