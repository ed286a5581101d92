//! Corrections in memory: what may be proposed, who may decide and until when, what is signed, and what is posted.

use chrono::{DateTime, TimeDelta, Utc};
use ledger_core::journal::{Account, Side};
use ledger_core::money::AmountError;
use ledger_core::operator::Signer;
use ledger_core::payment::correction::{
    self, CorrectionRefused, Decided, Entry, MAX_WAIT, Posted, Proposal, Propose, Wanted,
};
use ledger_core::payment::correction_fact::{CorrectionRuling, LineRef};
use ledger_core::payment::fact::Fact;
use serde_json::{Value, json};

use super::world::{World, won};

/// Of the change that confirmed: the fee, and its VAT.
const FEE: LineRef = LineRef { seq: 3, line: 3 };
const VAT: LineRef = LineRef { seq: 3, line: 4 };

/// A payment of 50,000 with a fee of 1,500 and a VAT of 150 on it; two operators.
struct Office {
    world: World,
    kim: Signer,
    lee: Signer,
}

impl Office {
    fn open() -> Self {
        let world = World::confirmed(&[50_000], 0, true);
        let signer = |name, seed| Signer::from_seed(name, &[seed; 32]).unwrap();
        Self { world, kim: signer("kim", 1), lee: signer("lee", 2) }
    }

    fn posted(&self) -> Vec<Posted> {
        let changes = self.world.changes.iter();
        let lines = changes.flat_map(|change| change.journal.iter().map(move |line| (change.seq, line)));
        lines
            .map(|(seq, line)| Posted { at: LineRef { seq, line: line.line_no }, line: line.clone() })
            .collect()
    }

    fn proposal(&self, cmd: &Propose) -> Result<Proposal, CorrectionRefused> {
        correction::propose(&self.world.payment, &self.posted(), cmd, self.kim.actor(), self.world.now)
    }

    /// Proposes, and says the number.
    fn propose(&mut self, cmd: &Propose) -> Result<u16, CorrectionRefused> {
        let proposal = self.proposal(cmd)?;
        let no = proposal.correction_no();
        let signature = self.kim.sign(&proposal.message());
        self.world.apply("CORRECTION_PROPOSE", proposal.signed(signature));
        Ok(no)
    }

    fn decided(&self, no: u16, wanted: Wanted, by: &Signer) -> Result<Decided, CorrectionRefused> {
        let now = self.world.now;
        correction::decide(&self.world.payment, &self.posted(), no, wanted, Some("seen"), by.actor(), now)
    }

    /// Lee decides.
    fn decide(&mut self, no: u16, wanted: Wanted) -> Result<(), CorrectionRefused> {
        let facts = match self.decided(no, wanted, &self.lee)? {
            Decided::ToSign(decision) => {
                let signature = self.lee.sign(decision.message());
                decision.signed(signature)
            }
            Decided::Lapsed(verdict) => vec![Fact::CorrectionVerdict(verdict)],
        };
        self.world.apply("CORRECTION_DECIDE", facts);
        Ok(())
    }

    fn status(&self, no: u16, at: DateTime<Utc>) -> &'static str {
        self.world.payment.correction(no).unwrap().status(at)
    }
}

fn reverse(line: LineRef, amount: i64) -> Entry {
    Entry::Reverse { line, amount: Some(won(amount)) }
}

fn book(side: Side, amount: i64) -> Entry {
    Entry::Book { account: Account::MerchantPayable, side, amount: won(amount), leg_no: None }
}

fn of(entries: Vec<Entry>) -> Propose {
    Propose { entries, reason: "an old contract".to_owned(), wait: TimeDelta::days(14) }
}

/// Part of the fee goes to the merchant.
fn fee(amount: i64) -> Propose {
    of(vec![reverse(FEE, amount), book(Side::Credit, amount)])
}

fn because(reason: &str) -> Propose {
    Propose { reason: reason.to_owned(), ..fee(300) }
}

fn waits(wait: TimeDelta) -> Propose {
    Propose { wait, ..fee(300) }
}

/// So many lines in balance.
fn lines(count: i64) -> Propose {
    let booked = (1..count).map(|_| book(Side::Credit, 1));
    of(std::iter::once(reverse(FEE, count - 1)).chain(booked).collect())
}

#[test]
fn what_may_not_be_proposed_is_refused_by_its_name() {
    let office = Office::open();
    let at_leg = |leg_no| Entry::Book {
        account: Account::IssuerReceivable,
        side: Side::Credit,
        amount: won(300),
        leg_no: Some(leg_no),
    };
    let nowhere = LineRef { seq: 3, line: 9 };
    let more = |asked| CorrectionRefused::MoreThanIsLeft { line: FEE, left: won(1_500), asked: won(asked) };
    let unbalanced = |debit, credit| CorrectionRefused::Unbalanced { debit: won(debit), credit: won(credit) };
    let zero = CorrectionRefused::Amount(AmountError::OutOfRange(0));
    let cases = [
        ("a part", fee(300), None),
        ("all of a line", fee(1_500), None),
        ("more than a line has", fee(1_501), Some(more(1_501))),
        ("nothing of a line", of(vec![reverse(FEE, 0)]), Some(more(0))),
        (
            "a line that is not there",
            of(vec![reverse(nowhere, 1)]),
            Some(CorrectionRefused::UnknownLine(nowhere)),
        ),
        (
            "a line twice",
            of(vec![reverse(FEE, 1), reverse(FEE, 2)]),
            Some(CorrectionRefused::TwiceTheSame(FEE)),
        ),
        ("two lines", of(vec![reverse(FEE, 1), reverse(VAT, 2), book(Side::Credit, 3)]), None),
        (
            "nothing new",
            of(vec![book(Side::Debit, 5), book(Side::Credit, 5)]),
            Some(CorrectionRefused::NothingReversed),
        ),
        ("nothing at all", of(Vec::new()), Some(CorrectionRefused::NothingReversed)),
        ("too little", of(vec![reverse(FEE, 300), book(Side::Credit, 299)]), Some(unbalanced(300, 299))),
        ("one side", of(vec![reverse(FEE, 300)]), Some(unbalanced(300, 0))),
        (
            "a line of zero",
            of(vec![reverse(FEE, 1), book(Side::Credit, 1), book(Side::Debit, 0)]),
            Some(zero),
        ),
        ("a leg", of(vec![reverse(FEE, 300), at_leg(1)]), None),
        ("no leg", of(vec![reverse(FEE, 300), at_leg(2)]), Some(CorrectionRefused::UnknownLeg(2))),
        ("without a reason", because(" "), Some(CorrectionRefused::NoReason)),
        ("a reason of 200", because(&"이".repeat(200)), None),
        ("a reason of 201", because(&"x".repeat(201)), Some(CorrectionRefused::NoReason)),
        ("no time", waits(TimeDelta::zero()), Some(CorrectionRefused::Wait)),
        ("time that has passed", waits(TimeDelta::seconds(-1)), Some(CorrectionRefused::Wait)),
        ("an instant", waits(TimeDelta::microseconds(1)), None),
        ("sixty days", waits(MAX_WAIT), None),
        ("more", waits(MAX_WAIT + TimeDelta::microseconds(1)), Some(CorrectionRefused::Wait)),
        ("fifty lines", lines(50), None),
        ("fifty-one", lines(51), Some(CorrectionRefused::TooManyLines)),
    ];
    for (what, cmd, refused) in cases {
        assert_eq!(office.proposal(&cmd).err(), refused, "{what}");
    }
}

#[test]
fn a_proposal_says_until_when_and_takes_all_where_no_amount_is_told() {
    let mut office = Office::open();
    let cmd = Propose {
        reason: "  fee of an old contract ".to_owned(),
        ..of(vec![Entry::Reverse { line: FEE, amount: None }, book(Side::Credit, 1_500)])
    };
    let began = office.world.now;
    assert_eq!(office.propose(&cmd), Ok(1));
    let facts = office.world.payment.correction(1).unwrap();
    assert_eq!((facts.correction.proposed_at, facts.correction.expires_at), (began, began + cmd.wait));
    assert_eq!(facts.correction.reason, "fee of an old contract");
    assert_eq!((facts.correction.proposed_by.as_str(), facts.lines.len()), ("kim", 2));
    let first = &facts.lines[0];
    assert_eq!((first.account, first.side, first.amount), (Account::FeeRevenue, Side::Debit, won(1_500)));
    assert_eq!((first.reverses, first.line_no, facts.lines[1].line_no), (Some(FEE), 1, 2));
    assert_eq!(office.propose(&fee(7)), Ok(2), "each has a number of its own");
}

#[test]
fn what_is_posted_is_taken_from_what_is_left_of_a_line_and_nothing_else_is() {
    let mut office = Office::open();
    office.propose(&fee(1_000)).unwrap();
    office.propose(&fee(600)).unwrap();
    office.propose(&fee(500)).unwrap();
    office.decide(1, Wanted::Approve).unwrap();
    let left = |asked| CorrectionRefused::MoreThanIsLeft { line: FEE, left: won(500), asked: won(asked) };
    assert_eq!(
        office.decide(2, Wanted::Approve),
        Err(left(600)),
        "both were possible, not one after the other"
    );
    assert_eq!(office.decide(2, Wanted::Reject), Ok(()), "it need not be possible to be refused");
    assert_eq!(office.proposal(&fee(501)).err(), Some(left(501)));
    let rest = of(vec![
        Entry::Reverse { line: FEE, amount: None },
        book(Side::Credit, 400),
        book(Side::Credit, 100),
    ]);
    assert_eq!(office.proposal(&rest).unwrap().lines[0].amount, won(500));
    office.decide(3, Wanted::Approve).unwrap();
    let none = CorrectionRefused::MoreThanIsLeft { line: FEE, left: won(0), asked: won(0) };
    assert_eq!(office.proposal(&rest).err(), Some(none));
}

#[test]
fn the_same_lines_are_proposed_once_while_they_wait() {
    let mut office = Office::open();
    office.propose(&fee(300)).unwrap();
    let again = Propose { reason: "in other words".to_owned(), wait: TimeDelta::days(1), ..fee(300) };
    assert_eq!(office.proposal(&again).err(), Some(CorrectionRefused::ProposedAlready(1)));
    let one = |account, leg_no| {
        of(vec![reverse(FEE, 300), Entry::Book { account, side: Side::Credit, amount: won(300), leg_no }])
    };
    let more = of([fee(300).entries, vec![book(Side::Debit, 1), book(Side::Credit, 1)]].concat());
    let others = [
        ("another amount", fee(299)),
        ("another account", one(Account::Suspense, None)),
        ("another leg", one(Account::MerchantPayable, Some(1))),
        ("a line more", more),
        ("another order of lines", of(fee(300).entries.into_iter().rev().collect())),
    ];
    for (what, cmd) in others {
        assert!(office.proposal(&cmd).is_ok(), "{what}");
    }
    let mut rejected = Office::open();
    rejected.propose(&fee(300)).unwrap();
    rejected.decide(1, Wanted::Reject).unwrap();
    assert!(rejected.proposal(&again).is_ok(), "it waits no longer");
    let until = office.world.payment.correction(1).unwrap().correction.expires_at;
    office.world.now = until - TimeDelta::microseconds(1);
    assert!(office.proposal(&again).is_err(), "its last instant");
    office.world.now = until;
    assert!(office.proposal(&again).is_ok(), "its time is over");
}

#[test]
fn another_operator_decides_once_and_in_time() {
    let mut office = Office::open();
    office.propose(&fee(300)).unwrap();
    let unknown = CorrectionRefused::UnknownCorrection(2);
    assert_eq!(office.decided(2, Wanted::Approve, &office.lee), Err(unknown));
    let same = CorrectionRefused::SamePerson { no: 1, operator: "kim".to_owned() };
    assert_eq!(office.decided(1, Wanted::Approve, &office.kim), Err(same));
    assert!(office.decided(1, Wanted::Reject, &office.kim).is_ok(), "a proposer may take it back");
    let until = office.world.payment.correction(1).unwrap().correction.expires_at;
    office.world.now = until - TimeDelta::microseconds(1);
    assert!(matches!(office.decided(1, Wanted::Approve, &office.lee), Ok(Decided::ToSign(_))));
    office.world.now = until;
    let Ok(Decided::Lapsed(lapsed)) = office.decided(1, Wanted::Approve, &office.lee) else {
        panic!("its time is over")
    };
    assert_eq!(
        (lapsed.verdict, lapsed.correction_no, lapsed.decided_at),
        (CorrectionRuling::Expired, 1, until)
    );
    assert_eq!((lapsed.proposed_by.as_str(), lapsed.decision, lapsed.reason), ("kim", None, None));

    let ended = [(Wanted::Approve, CorrectionRuling::Approved), (Wanted::Reject, CorrectionRuling::Rejected)];
    for (wanted, verdict) in ended {
        let mut office = Office::open();
        office.propose(&fee(300)).unwrap();
        office.decide(1, wanted).unwrap();
        let already = CorrectionRefused::AlreadyDecided { no: 1, verdict };
        assert_eq!(office.decide(1, Wanted::Approve), Err(already));
        let decided = office.world.payment.correction(1).unwrap().verdict.clone().unwrap();
        assert_eq!((decided.verdict, decided.proposed_by.as_str()), (verdict, "kim"));
        assert_eq!(decided.decision.unwrap().decided_by, "lee");
        assert_eq!(decided.reason.as_deref(), Some("seen"));
    }
}

#[test]
fn only_what_is_approved_is_posted_and_the_status_tells() {
    for (wanted, status, posted) in [(Wanted::Approve, "APPROVED", 2), (Wanted::Reject, "REJECTED", 0)] {
        let mut office = Office::open();
        let before = office.posted().len();
        office.propose(&fee(300)).unwrap();
        assert_eq!((office.posted().len(), office.status(1, office.world.now)), (before, "PROPOSED"));
        office.decide(1, wanted).unwrap();
        assert_eq!((office.posted().len() - before, office.status(1, office.world.now)), (posted, status));
        assert_eq!(office.world.payment.correction(1).unwrap().is_posted(), wanted == Wanted::Approve);
    }
    let mut office = Office::open();
    let before = office.posted().len();
    office.propose(&fee(300)).unwrap();
    let until = office.world.payment.correction(1).unwrap().correction.expires_at;
    let statuses = [until - TimeDelta::microseconds(1), until].map(|at| office.status(1, at));
    assert_eq!(statuses, ["PROPOSED", "EXPIRED"], "also while nobody has written it down");
    office.world.now = until;
    office.decide(1, Wanted::Approve).unwrap();
    assert_eq!((office.posted().len(), office.status(1, until)), (before, "EXPIRED"));
}

/// The bytes of a signature's message: a first line that says the format, then names and values in their order.
fn message(bytes: &[u8], format: &str) -> Value {
    let text = std::str::from_utf8(bytes).unwrap();
    let (first, rest) = text.split_once('\n').unwrap();
    assert_eq!(first, format);
    serde_json::from_str(rest).unwrap()
}

#[test]
fn what_is_signed_says_everything_and_is_what_can_be_read_back() {
    let mut office = Office::open();
    let proposal = office.proposal(&fee(300)).unwrap();
    let began = office.world.now.timestamp_micros();
    let said = message(&proposal.message(), "ledger.correction.proposal.v1");
    assert_eq!((&said["correction_no"], &said["reason"]), (&json!(1), &json!("an old contract")));
    assert_eq!(said["payment_id"], json!(office.world.payment.id));
    assert_eq!(
        (&said["proposed_by"], &said["proposed_key"]),
        (&json!("kim"), &json!(office.kim.actor().key_id))
    );
    let day = 86_400_000_000;
    assert_eq!((&said["proposed_at"], &said["expires_at"]), (&json!(began), &json!(began + 14 * day)));
    assert_eq!((said["lines"].as_array().unwrap().len(), &said["lines"][0]["amount"]), (2, &json!(300)));
    office.propose(&fee(300)).unwrap();
    let facts = office.world.payment.correction(1).unwrap();
    assert_eq!(facts.message(office.world.payment.id), proposal.message());
    assert_eq!(facts.correction.signature, office.kim.sign(&proposal.message()));
    assert_eq!(facts.decision_message(office.world.payment.id), None, "nobody has decided");

    let Ok(Decided::ToSign(decision)) = office.decided(1, Wanted::Approve, &office.lee) else {
        panic!("it waits for its decision")
    };
    let decided_at = office.world.now.timestamp_micros();
    let said = message(decision.message(), "ledger.correction.decision.v1");
    assert_eq!((&said["verdict"], &said["reason"]), (&json!("APPROVED"), &json!("seen")));
    assert_eq!((&said["decided_by"], &said["decided_at"]), (&json!("lee"), &json!(decided_at)));
    assert_eq!(said["proposal_signature"], json!(facts.correction.signature));
    assert_eq!(said["proposal"].as_str().unwrap().len(), 64);
    office.decide(1, Wanted::Approve).unwrap();
    let facts = office.world.payment.correction(1).unwrap();
    assert_eq!(facts.decision_message(office.world.payment.id).as_deref(), Some(decision.message()));
    let signature = facts.verdict.as_ref().unwrap().decision.as_ref().unwrap().signature;
    assert_eq!(signature, office.lee.sign(decision.message()));
    assert_eq!(json!(signature).as_str().unwrap().len(), 128);
    assert!(format!("{signature:?}").contains(json!(signature).as_str().unwrap()));
    assert_eq!(FEE.to_string(), "3/3");
}
