//! Corrections of the journal: two operators, two signatures, one commit.

use std::sync::Arc;

use chrono::TimeDelta;
use ledger_core::ids::PaymentId;
use ledger_core::journal::{Account, Side};
use ledger_core::ledger::{Corrected, CorrectionError, Run};
use ledger_core::operator::Signer;
use ledger_core::payment::correction::{CorrectionRefused, Entry, Propose, Wanted};
use ledger_core::payment::correction_fact::{CorrectionRuling, LineRef};
use ledger_core::payment::fold::Payment;
use ledger_core::replica_reader::{Given, ReplicaReader};
use ledger_core::store::pool::{PoolOptions, connect};
use ledger_core::store::{LostKey, StoreError, correction as store};
use sqlx::AssertSqlSafe;

use super::world::{MERCHANT, World, cancel, now, won};

/// Where a confirmed payment of the world has its lines: change 3 posted receivables, payable, fee and VAT.
const PAYABLE: LineRef = LineRef { seq: 3, line: 3 };
const FEE: LineRef = LineRef { seq: 3, line: 4 };
const VAT: LineRef = LineRef { seq: 3, line: 5 };

/// A world with operators kim, lee and park.
struct Office {
    world: World,
    kim: Signer,
    lee: Signer,
    park: Signer,
}

impl Office {
    async fn open(label: &str) -> Self {
        let world = World::new(label).await;
        let [kim, lee, park] = [("kim", 1), ("lee", 2), ("park", 3)]
            .map(|(name, seed)| Signer::from_seed(name, &[seed; 32]).unwrap());
        let admin = connect(&world.db.admin, PoolOptions::default()).await.unwrap();
        let at = now() - TimeDelta::minutes(1);
        for signer in [&kim, &lee, &park] {
            let (actor, public) = (signer.actor(), signer.public_key());
            let mut connection = admin.acquire().await.unwrap();
            store::insert_key(&mut connection, &actor.key_id, &actor.operator_id, &public, at, "test")
                .await
                .unwrap();
        }
        Self { world, kim, lee, park }
    }

    async fn revoke(&self, signer: &Signer) {
        let admin = connect(&self.world.db.admin, PoolOptions::default()).await.unwrap();
        let mut connection = admin.acquire().await.unwrap();
        store::insert_revocation(&mut connection, &signer.actor().key_id, "lost", now(), "test")
            .await
            .unwrap();
    }

    async fn propose(&self, id: PaymentId, cmd: &Propose) -> Result<u16, CorrectionError> {
        let done = self.world.ledger.propose_correction(id, cmd, &self.kim, now(), Run::Real).await;
        done.map(|(no, _)| no)
    }

    async fn approve(&self, id: PaymentId, no: u16, by: &Signer) -> Result<Corrected, CorrectionError> {
        self.world.ledger.decide_correction(id, no, (Wanted::Approve, None), by, now(), Run::Real).await
    }

    /// Lines in the journal, and corrections announced in the outbox.
    async fn books(&self) -> (i64, i64) {
        let posted = "outbox_event WHERE type = 'correction.posted.v1'";
        (self.world.count("journal_line").await, self.world.count(posted).await)
    }

    /// What the verifier says about chains, signatures and the journal.
    async fn findings(&self) -> Vec<String> {
        let reader =
            ReplicaReader::open(&self.world.db.read_on_primary, PoolOptions::default()).await.unwrap();
        let chains = reader.verify_chains(None, 100).await.unwrap();
        let mut found: Vec<_> = chains.broken.into_iter().map(|broken| broken.what).collect();
        for check in [
            include_str!("../../../verifier/checks/i05_journal_is_balanced.sql"),
            include_str!("../../../verifier/checks/facts_belong_to_changes.sql"),
            include_str!("../../../verifier/checks/references_hold.sql"),
        ] {
            let said = reader.run_script(check, &Given::default(), 10).await.unwrap();
            assert!(said.examined > 0);
            found.extend(said.rows.into_iter().map(|row| format!("{row:?}")));
        }
        found
    }

    async fn tamper(&self, text: &str) {
        sqlx::raw_sql(AssertSqlSafe(text.to_owned())).execute(&self.world.owner).await.unwrap();
    }
}

/// The fee was 330 too high: back to the merchant.
fn fee_too_high() -> Propose {
    Propose {
        entries: vec![
            Entry::Reverse { line: FEE, amount: Some(won(300)) },
            Entry::Reverse { line: VAT, amount: Some(won(30)) },
            Entry::Book {
                account: Account::MerchantPayable,
                side: Side::Credit,
                amount: won(330),
                leg_no: None,
            },
        ],
        reason: "contract of November was not applied".to_owned(),
        wait: TimeDelta::days(14),
    }
}

fn refusal<T: std::fmt::Debug>(done: Result<T, CorrectionError>) -> CorrectionRefused {
    let error = done.unwrap_err();
    let CorrectionError::Refused(refused) = error else { panic!("{error:?}") };
    refused
}

fn standing(payment: &Payment) -> (String, i64, i64) {
    let status = payment.status(now()).to_string();
    (status, payment.balance().unwrap().get(), payment.cancelable().unwrap().get())
}

/// I5
#[tokio::test(flavor = "multi_thread")]
async fn a_correction_is_posted_by_the_second_person_and_leaves_the_payment_as_it_is() {
    let office = Office::open("corr_posted").await;
    let before = office.world.confirmed("order-1").await;
    assert_eq!(office.books().await, (5, 0));
    let cmd = fee_too_high();
    let dry = office.world.ledger.propose_correction(before.id, &cmd, &office.kim, now(), Run::Dry);
    assert_eq!(dry.await.unwrap().0, 1);
    assert_eq!(office.world.count("correction").await, 0, "a dry run leaves nothing");

    let no = office.propose(before.id, &fee_too_high()).await.unwrap();
    assert_eq!((no, office.books().await), (1, (5, 0)), "a proposal posts nothing");
    let again = office.propose(before.id, &fee_too_high()).await;
    assert_eq!(refusal(again), CorrectionRefused::ProposedAlready(1));
    let after = office.approve(before.id, no, &office.lee).await.unwrap();
    assert_eq!(office.books().await, (8, 1));
    let posted: Vec<_> = after.journal[5..]
        .iter()
        .map(|posted| {
            (
                posted.at.to_string(),
                posted.line.account.code(),
                posted.line.side.code(),
                posted.line.amount.get(),
            )
        })
        .collect();
    let expected = [
        ("5/1".to_owned(), "FEE_REVENUE", "D", 300),
        ("5/2".to_owned(), "OUTPUT_VAT", "D", 30),
        ("5/3".to_owned(), "MERCHANT_PAYABLE", "C", 330),
    ];
    assert_eq!(posted, expected);
    let read = office.world.ledger.corrected(before.id).await.unwrap();
    assert_eq!(read.journal, after.journal);
    assert_eq!(read.correction(1), after.correction(1));

    let payment = office.world.ledger.payment(MERCHANT, before.id).await.unwrap().unwrap();
    assert_eq!(standing(&payment), standing(&before));
    cancel(&office.world.ledger, before.id, Some(20_000), "after a correction").await.unwrap();
    let history = office.world.ledger.history(MERCHANT, before.id).await.unwrap().unwrap();
    assert_eq!(history.len(), 7);
    assert!(history.iter().all(ledger_core::ledger::HistoryEntry::is_intact));
    assert_eq!(office.findings().await, Vec::<String>::new());
}

/// A dry run is refused whatever the run itself would be refused by, the database included; and it leaves nothing, not even a hole
/// in the outbox.
#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_meets_the_database_and_leaves_nothing() {
    let office = Office::open("corr_dry").await;
    let id = office.world.confirmed("order-1").await.id;
    let run = async |run| {
        office.world.ledger.propose_correction(id, &fee_too_high(), &office.kim, now(), run).await
    };
    office
        .tamper("ALTER TABLE correction ADD CONSTRAINT ck_correction_not_now CHECK (reason = 'none')")
        .await;
    for how in [Run::Dry, Run::Real] {
        let refused = run(how).await.unwrap_err().to_string();
        assert!(refused.contains("ck_correction_not_now"), "{how:?}: {refused}");
    }
    office.tamper("ALTER TABLE correction DROP CHECK ck_correction_not_now").await;

    run(Run::Dry).await.unwrap();
    assert_eq!(office.world.count("correction").await, 0);
    let (no, _) = run(Run::Real).await.unwrap();
    let decide = async |run| {
        let wanted = (Wanted::Approve, None);
        office.world.ledger.decide_correction(id, no, wanted, &office.lee, now(), run).await
    };
    let (lines, events) = office.books().await;
    decide(Run::Dry).await.unwrap();
    assert_eq!(office.books().await, (lines, events), "nothing is posted and nothing is told");
    let outbox = "outbox_event HAVING COUNT(*) = MAX(id) - MIN(id) + 1";
    decide(Run::Real).await.unwrap();
    assert!(office.world.count(outbox).await > 0, "no id of the outbox was left out");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_person_cannot_be_both_and_the_database_says_so_itself() {
    let office = Office::open("corr_same").await;
    let payment = office.world.confirmed("order-1").await;
    let no = office.propose(payment.id, &fee_too_high()).await.unwrap();
    let same = office.approve(payment.id, no, &office.kim).await;
    assert_eq!(refusal(same), CorrectionRefused::SamePerson { no: 1, operator: "kim".to_owned() });
    let app = connect(&office.world.db.app, PoolOptions::default()).await.unwrap();
    let (id, slot) = (payment.id.to_hex(), payment.id.slot().get());
    let verdict = |values: &str| {
        format!(
            "INSERT INTO correction_verdict (payment_id, correction_no, slot, origin, seq, decided_at, verdict, proposed_by, \
             decided_by, decided_key, signature) VALUES (UNHEX('{id}'), 1, {slot}, 'LIVE', 4, NOW(6), {values})"
        )
    };
    let [kim, lee] = [&office.kim, &office.lee].map(|signer| signer.actor().key_id.clone());
    let signature = "REPEAT('0', 64)";
    let line = format!(
        "INSERT INTO correction_line (payment_id, correction_no, slot, origin, seq, line_no, account, side, amount, \
         reverses_seq, reverses_line) VALUES (UNHEX('{id}'), 1, {slot}, 'LIVE', 4, 9, 'FEE_REVENUE', 'D', 1, 3, 9)"
    );
    for (text, constraint) in [
        (verdict(&format!("'APPROVED', 'kim', 'kim', '{kim}', {signature}")), "ck_correction_verdict_second"),
        (verdict(&format!("'APPROVED', 'kim', 'lee', '{kim}', {signature}")), "fk_correction_verdict_key"),
        (
            verdict(&format!("'APPROVED', 'lee', 'kim', '{kim}', {signature}")),
            "fk_correction_verdict_correction",
        ),
        (verdict(&format!("'APPROVED', 'kim', 'lee', '{lee}', NULL")), "ck_correction_verdict_signed"),
        (verdict("'APPROVED', 'kim', NULL, NULL, NULL"), "ck_correction_verdict"),
        (verdict(&format!("'EXPIRED', 'kim', 'lee', '{lee}', {signature}")), "ck_correction_verdict_signed"),
        (line, "fk_correction_line_reverses"),
    ] {
        let refused =
            sqlx::raw_sql(AssertSqlSafe(text.clone())).execute(&app).await.map_err(StoreError::from);
        let Err(StoreError::Refused { constraint: said }) = refused else { panic!("{text}: {refused:?}") };
        assert!(said.starts_with(constraint), "{text}: {said}");
    }
    let approved = verdict(&format!("'APPROVED', 'kim', 'lee', '{lee}', {signature}"));
    office.approve(payment.id, no, &office.lee).await.unwrap();
    let second = sqlx::raw_sql(AssertSqlSafe(approved)).execute(&app).await.map_err(StoreError::from);
    assert!(matches!(second, Err(StoreError::Lost(LostKey::Change))), "{second:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forged_a_foreign_and_a_revoked_signature_are_refused() {
    let office = Office::open("corr_forged").await;
    let payment = office.world.confirmed("order-1").await;
    let forger = Signer::from_seed("lee", &[9; 32]).unwrap();
    let ledger = &office.world.ledger;
    let unknown = ledger.propose_correction(payment.id, &fee_too_high(), &forger, now(), Run::Real).await;
    assert!(matches!(unknown, Err(CorrectionError::UnknownKey { .. })), "{unknown:?}");
    let no = office.propose(payment.id, &fee_too_high()).await.unwrap();
    let unknown = office.approve(payment.id, no, &forger).await;
    assert!(matches!(unknown, Err(CorrectionError::UnknownKey { .. })), "{unknown:?}");
    let posing = Signer::from_seed("park", &[2; 32]).unwrap();
    let posed = office.approve(payment.id, no, &posing).await;
    assert!(matches!(posed, Err(CorrectionError::UnknownKey { .. })), "lee's key in park's name: {posed:?}");

    office.tamper("UPDATE correction_line SET amount = amount + 10").await;
    let tampered = office.approve(payment.id, no, &office.lee).await;
    assert!(
        matches!(tampered, Err(CorrectionError::Refused(_) | CorrectionError::Forged(_))),
        "{tampered:?}"
    );
    office.tamper("UPDATE correction_line SET amount = amount - 10").await;
    office.tamper("UPDATE correction SET reason = 'another'").await;
    let tampered = office.approve(payment.id, no, &office.lee).await;
    assert!(matches!(tampered, Err(CorrectionError::Forged(_))), "{tampered:?}");
    assert_eq!(office.books().await, (5, 0));
    office.tamper("UPDATE correction SET reason = 'contract of November was not applied'").await;

    office.revoke(&office.park).await;
    let revoked = office.approve(payment.id, no, &office.park).await;
    assert!(matches!(revoked, Err(CorrectionError::RevokedKey(_))), "{revoked:?}");
    office.revoke(&office.kim).await;
    let revoked = office.approve(payment.id, no, &office.lee).await;
    assert!(matches!(revoked, Err(CorrectionError::RevokedKey(_))), "the proposer's: {revoked:?}");
    assert_eq!(office.findings().await, Vec::<String>::new(), "what was signed in time still counts");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_verifier_names_a_signature_that_does_not_hold() {
    let office = Office::open("corr_verify").await;
    let (one, two) = (office.world.confirmed("order-1").await, office.world.confirmed("order-2").await);
    for id in [one.id, two.id] {
        let no = office.propose(id, &fee_too_high()).await.unwrap();
        office.approve(id, no, &office.lee).await.unwrap();
    }
    assert_eq!(office.findings().await, Vec::<String>::new());
    // the approval of one correction, replayed for the other
    let (from, to) = (one.id.to_hex(), two.id.to_hex());
    office
        .tamper(&format!(
            "UPDATE correction_verdict AS t JOIN correction_verdict AS s ON s.payment_id = UNHEX('{from}') \
             SET t.signature = s.signature WHERE t.payment_id = UNHEX('{to}')"
        ))
        .await;
    let found = office.findings().await;
    assert!(
        found.contains(&"correction 1: the signature of the one who decided does not hold".to_owned()),
        "{found:?}"
    );
    office.tamper("UPDATE correction SET signature = REPEAT('0', 64)").await;
    let found = office.findings().await;
    assert!(found.contains(&"correction 1: the proposer's signature does not hold".to_owned()), "{found:?}");
    // lines that nobody approved
    office
        .tamper(&format!(
            "UPDATE journal_line SET account = 'MERCHANT_PAYABLE' WHERE payment_id = UNHEX('{to}') AND seq = 5 AND line_no = 1"
        ))
        .await;
    let found = office.findings().await;
    assert!(found.iter().any(|row| row.contains("not what the correction proposed")), "{found:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn sixteen_decisions_at_once_post_once() {
    let office = Arc::new(Office::open("corr_race").await);
    let payment = office.world.confirmed("order-1").await;
    let no = office.propose(payment.id, &fee_too_high()).await.unwrap();
    let mut ledgers = vec![office.world.ledger.clone()];
    ledgers.push(office.world.second_ledger().await);
    let mut tasks = tokio::task::JoinSet::new();
    for n in 0..16_usize {
        let (office, ledger, id) = (Arc::clone(&office), ledgers[n % 2].clone(), payment.id);
        tasks.spawn(async move {
            let signer = if n % 3 == 0 { &office.park } else { &office.lee };
            let wanted = if n % 4 == 3 { Wanted::Reject } else { Wanted::Approve };
            ledger.decide_correction(id, no, (wanted, None), signer, now(), Run::Real).await
        });
    }
    let (mut won, mut approved) = (0, 0);
    while let Some(done) = tasks.join_next().await {
        match done.unwrap() {
            Ok(after) => {
                won += 1;
                let verdict = after.correction(no).unwrap().verdict.as_ref().unwrap().verdict;
                approved += i64::from(verdict == CorrectionRuling::Approved);
            }
            Err(CorrectionError::Refused(CorrectionRefused::AlreadyDecided { .. })) => {}
            Err(error) => panic!("{error:?}"),
        }
    }
    assert_eq!(won, 1);
    assert_eq!(office.books().await, (5 + 3 * approved, approved));
    let again = office.approve(payment.id, no, &office.lee).await;
    assert!(matches!(refusal(again), CorrectionRefused::AlreadyDecided { no: 1, .. }));
    assert_eq!(office.findings().await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn no_line_is_taken_back_twice() {
    let office = Office::open("corr_twice").await;
    let payment = office.world.confirmed("order-1").await;
    let all_of = |reason: &str| Propose {
        entries: [PAYABLE, FEE, VAT]
            .map(|line| Entry::Reverse { line, amount: None })
            .into_iter()
            .chain([Entry::Book {
                account: Account::IssuerReceivable,
                side: Side::Credit,
                amount: won(50_000),
                leg_no: Some(1),
            }])
            .collect(),
        reason: reason.to_owned(),
        wait: TimeDelta::days(1),
    };
    let one = office.propose(payment.id, &all_of("booked for the wrong merchant")).await.unwrap();
    let two = office.propose(payment.id, &fee_too_high()).await.unwrap();
    office.approve(payment.id, one, &office.lee).await.unwrap();
    let late = office.approve(payment.id, two, &office.lee).await;
    assert!(matches!(refusal(late), CorrectionRefused::MoreThanIsLeft { line: FEE, .. }));
    let taken_back = Propose { entries: vec![Entry::Reverse { line: FEE, amount: None }], ..fee_too_high() };
    assert!(matches!(
        refusal(office.propose(payment.id, &taken_back).await),
        CorrectionRefused::MoreThanIsLeft { .. }
    ));
    // a correction is corrected like any other change: its own lines are taken back
    let undo = Propose {
        entries: (1..=4)
            .map(|line| Entry::Reverse { line: LineRef { seq: 6, line }, amount: None })
            .collect(),
        reason: "it was the right merchant".to_owned(),
        wait: TimeDelta::days(1),
    };
    let no = office.propose(payment.id, &undo).await.unwrap();
    office.approve(payment.id, no, &office.park).await.unwrap();
    assert_eq!(office.findings().await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proposal_that_is_rejected_or_expires_posts_nothing_and_both_are_facts() {
    let office = Office::open("corr_ended").await;
    let payment = office.world.confirmed("order-1").await;
    let ledger = &office.world.ledger;
    let no = office.propose(payment.id, &fee_too_high()).await.unwrap();
    let rejected = (Wanted::Reject, Some("the contract was right"));
    let after =
        ledger.decide_correction(payment.id, no, rejected, &office.kim, now(), Run::Real).await.unwrap();
    assert_eq!(after.correction(no).unwrap().status(now()), "REJECTED", "its proposer may take it back");
    let no = office.propose(payment.id, &fee_too_high()).await.unwrap();
    let late = now() + TimeDelta::days(15);
    let expired =
        ledger.decide_correction(payment.id, no, (Wanted::Approve, None), &office.lee, late, Run::Real).await;
    assert_eq!(refusal(expired), CorrectionRefused::Expired(2));
    let again = office.approve(payment.id, no, &office.lee).await;
    let verdict = CorrectionRuling::Expired;
    assert_eq!(refusal(again), CorrectionRefused::AlreadyDecided { no: 2, verdict });
    assert_eq!(office.books().await, (5, 0));
    let listed = ledger.corrections_since(now() - TimeDelta::days(1), false, 10).await.unwrap();
    assert_eq!(listed.len(), 2);
    assert!(ledger.corrections_since(now() - TimeDelta::days(1), true, 10).await.unwrap().is_empty());
    assert_eq!(office.findings().await, Vec::<String>::new());
}
