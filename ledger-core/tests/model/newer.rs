//! Facts of a newer version: the payment that has some is unknown, and what belongs to them is left out of it.

use ledger_core::payment::fact::{Fact, ResultOutcome};
use ledger_core::payment::fold::{Incomplete, Payment, UnknownFact};
use ledger_core::payment::status::Status;

use super::world::World;

fn confirmed() -> World {
    let mut world = World::open(50_000, 0, "0.03");
    world.begin(&[20_000, 30_000], true);
    world.finish(&[ResultOutcome::Approved, ResultOutcome::Approved]);
    world
}

#[test]
fn what_belongs_to_a_fact_that_is_not_understood_is_left_out_and_the_payment_is_unknown() {
    let world = confirmed();
    let is_the_second_leg = |fact: &&Fact| matches!(fact, Fact::Approval(fact) if fact.leg_no == 2);
    let rest: Vec<_> =
        world.payment.facts().iter().filter(|fact| !is_the_second_leg(fact)).cloned().collect();
    let (id, head) = (world.payment.id, world.payment.head.clone());
    let orphaned = Payment::fold(id, head.clone(), rest.clone()).unwrap_err();
    assert_eq!(orphaned, Incomplete::Orphan, "without an unknown fact it is no payment");

    let unknown = UnknownFact { table: "approval", column: "method", code: "BARTER".to_owned(), seq: 2 };
    let payment = Payment::fold_with(id, head.clone(), rest, vec![unknown.clone()]).unwrap();
    assert_eq!(payment.unknown(), std::slice::from_ref(&unknown));
    assert_eq!(payment.status(world.now), Status::Unknown);
    assert_eq!(payment.legs().map(|leg| leg.approval.leg_no).collect::<Vec<_>>(), [1]);

    let after = payment.after(head, &[]).unwrap();
    assert_eq!(after.unknown(), [unknown], "a change does not make it understood");
}

#[test]
fn a_payment_of_known_facts_alone_is_not_unknown() {
    let world = confirmed();
    assert_eq!(world.payment.unknown(), []);
    assert_eq!(world.payment.status(world.now), Status::Done);
}
