//! Bodies, positions and digests of render version 1, byte for byte: consumers and the digest chain build on them. A change
//! that turns this test red needs a new render version, and this file stays for the old one.

use std::fmt::Write as _;

use chrono::TimeDelta;
use ledger_core::change::{Asked, Change};
use ledger_core::ids::{PaymentId, RequestId};
use ledger_core::journal::{Account, Side};
use ledger_core::money::Currency;
use ledger_core::operator::Signer;
use ledger_core::payment::allocation::Allocation;
use ledger_core::payment::cancel::{self, Cancel};
use ledger_core::payment::confirm::{self, Answer, Confirm, LegRequest};
use ledger_core::payment::correction::{self, Entry, Posted, Propose};
use ledger_core::payment::correction_fact::LineRef;
use ledger_core::payment::create::{self, Create};
use ledger_core::payment::fact::{AttemptKind, CardRef, Fact, Method, Origin, ResultOutcome};
use ledger_core::payment::fold::Payment;
use ledger_core::payment::reverse;
use ledger_core::reference::Contract;

use super::world::{answer, issuer, rules, start, won};

const GOLDEN: &str = include_str!("../golden/events_v1.txt");

/// A payment with fixed ids and times, told change by change.
struct Told {
    payment: Option<Payment>,
    text: String,
    seconds: i64,
    journal: Vec<Posted>,
}

impl Told {
    fn now(&self) -> chrono::DateTime<chrono::Utc> {
        start() + TimeDelta::seconds(self.seconds)
    }

    fn payment(&self) -> &Payment {
        self.payment.as_ref().unwrap()
    }

    fn change(&mut self, command: &'static str, facts: Vec<Fact>) {
        let id = PaymentId::from_bytes(*b"\x01\xa2\x0c\xb4\x65\xe2\x8c\x62\xb8\xbc\x97\xdf\x58\xb1\x50\xb7");
        let asked =
            Asked { actor: "golden".to_owned(), request_id: RequestId::from_bytes([7; 16]), at: self.now() };
        let (change, after) =
            Change::next(id, self.payment.as_ref(), Origin::Live, command, asked, facts).unwrap();
        let digest = hex::encode(change.digest);
        writeln!(self.text, "{} {command} {} {digest}", change.seq, change.positions).unwrap();
        for event in &change.events {
            let previous = event.previous.map(|position| position.to_string()).unwrap_or_default();
            let body = String::from_utf8(event.body.clone()).unwrap();
            writeln!(
                self.text,
                "  {} {} {} after [{previous}] {body}",
                event.topic, event.position, event.kind
            )
            .unwrap();
        }
        let seq = change.seq;
        self.journal.extend(
            change.journal.into_iter().map(|line| Posted { at: LineRef { seq, line: line.line_no }, line }),
        );
        self.payment = Some(after);
        self.seconds += 1;
    }
}

fn opened() -> Told {
    let mut told = Told { payment: None, text: String::new(), seconds: 0, journal: Vec::new() };
    let contract = Contract {
        version: 3,
        valid_from: start(),
        fee_rate: "0.03".parse().unwrap(),
        fee_vat_rate: "0.1".parse().unwrap(),
    };
    let create = Create {
        merchant_id: "shop-1".to_owned(),
        order_id: "order-1".to_owned(),
        currency: Currency::Krw,
        total: won(50_000),
        tax_free: won(5_000),
    };
    let facts = create::create(&create, 1, &contract, told.now()).unwrap();
    told.change("CREATE", facts);
    let leg = |method, amount, card| LegRequest {
        method,
        issuer_id: "issuer".to_owned(),
        amount: won(amount),
        tax_free: None,
        card,
        method_token: Some("token".to_owned()),
        installment_months: 0,
        partial_cancelable: true,
        deposit_hours: None,
    };
    let card = CardRef { bin: "411111".to_owned(), last4: "1111".to_owned() };
    let legs = vec![leg(Method::Card, 15_000, Some(card)), leg(Method::Points, 35_000, None)];
    let facts = confirm::start(told.payment(), &Confirm { legs }, &[issuer()], &rules(), told.now()).unwrap();
    told.change("CONFIRM", without_rules(facts));
    told
}

/// The legs as they were before methods had rules.
fn without_rules(mut facts: Vec<Fact>) -> Vec<Fact> {
    for fact in &mut facts {
        if let Fact::Approval(leg) = fact {
            leg.rule_version = None;
        }
    }
    facts
}

/// Begins the cancel of one item.
fn return_item(told: &mut Told, amount: i64) {
    let cmd = Cancel {
        cancel_request_id: "c-1".to_owned(),
        amount: Some(won(amount)),
        tax_free: None,
        expected_balance: None,
        refund_to: None,
        allocation: Allocation::default(),
        reason: "one item returned".to_owned(),
    };
    let facts = cancel::start(told.payment(), &cmd, &[issuer()], &rules(), told.now()).unwrap();
    told.change("CANCEL", facts);
}

/// Sends one message that undoes the first leg, or one approval of it, and records its answer.
fn undo(told: &mut Told, result_no: Option<u16>, outcome: ResultOutcome) {
    let target = reverse::Target { leg_no: 1, attempt_no: 1, result_no };
    let Some(reverse::Next::Commit(attempt)) = reverse::start(told.payment(), target, &issuer(), told.now())
    else {
        panic!("nothing is undone")
    };
    told.change("NET_CANCEL", vec![Fact::Attempt(*attempt)]);
    let (about, word) = ((1, AttemptKind::NetCancel, 1), answer(outcome, told.now()));
    let (facts, _) = reverse::finish(told.payment(), about, &word, &issuer(), told.now()).unwrap();
    told.change("NET_CANCEL_RESULT", facts);
}

fn finish(told: &mut Told, outcomes: [ResultOutcome; 2]) {
    let answers = [(1, answer(outcomes[0], told.now())), (2, answer(outcomes[1], told.now()))];
    let facts = confirm::finish(told.payment(), &answers, &[issuer()], told.now()).unwrap();
    told.change("VERDICT", facts);
}

/// A fee that was too high, proposed back and approved: the two changes of the correction.
fn corrected() -> String {
    let mut told = opened();
    finish(&mut told, [ResultOutcome::Approved; 2]);
    told.text.clear();
    let kim = Signer::from_seed("kim", &[1; 32]).unwrap();
    let lee = Signer::from_seed("lee", &[2; 32]).unwrap();
    let reverse = |line, amount| Entry::Reverse { line: LineRef { seq: 3, line }, amount: Some(won(amount)) };
    let payable =
        Entry::Book { account: Account::MerchantPayable, side: Side::Credit, amount: won(330), leg_no: None };
    let cmd = Propose {
        entries: vec![reverse(4, 300), reverse(5, 30), payable],
        reason: "fee of an old contract".to_owned(),
        wait: TimeDelta::days(14),
    };
    let proposal = correction::propose(told.payment(), &told.journal, &cmd, kim.actor(), told.now()).unwrap();
    let signature = kim.sign(&proposal.message());
    told.change("CORRECTION_PROPOSE", proposal.signed(signature));
    let wanted = correction::Wanted::Approve;
    let decided =
        correction::decide(told.payment(), &told.journal, 1, wanted, None, lee.actor(), told.now()).unwrap();
    let correction::Decided::ToSign(decision) = decided else {
        unreachable!("it waits for a second operator")
    };
    let signature = lee.sign(decision.message());
    told.change("CORRECTION_APPROVE", decision.signed(signature));
    told.text
}

fn story() -> String {
    let mut paid = opened();
    finish(&mut paid, [ResultOutcome::Approved; 2]);
    return_item(&mut paid, 20_000);
    let answers =
        [(1, answer(ResultOutcome::Canceled, paid.now())), (2, answer(ResultOutcome::Declined, paid.now()))];
    let facts = cancel::finish(paid.payment(), 1, &answers, paid.now()).unwrap();
    paid.change("CANCEL_RESULT", facts);

    let mut lost = opened();
    finish(&mut lost, [ResultOutcome::Approved, ResultOutcome::Timeout]);
    undo(&mut lost, None, ResultOutcome::Reversed);
    paid.text + &lost.text + &corrected() + &contradicted()
}

/// A second approval, undone; and a refund that had been refused.
fn contradicted() -> String {
    let mut paid = opened();
    finish(&mut paid, [ResultOutcome::Approved; 2]);
    let second = Answer { issuer_ref: Some("A2".to_owned()), ..answer(ResultOutcome::Approved, paid.now()) };
    let facts = reverse::late(paid.payment(), 1, 1, &second, &[issuer()], paid.now());
    paid.change("LATE_ANSWER", facts);
    undo(&mut paid, Some(2), ResultOutcome::Canceled);
    return_item(&mut paid, 1_000);
    for outcome in [ResultOutcome::Declined, ResultOutcome::Canceled] {
        let leg_no = paid.payment().cancel(1).unwrap().shares[0].leg_no;
        let answers = [(leg_no, answer(outcome, paid.now()))];
        let facts = cancel::finish(paid.payment(), 1, &answers, paid.now()).unwrap();
        paid.change("CANCEL_RESULT", facts);
    }
    paid.text
}

#[test]
fn what_version_one_renders_stays_as_it_is() {
    let rendered = story();
    let differs = rendered.lines().zip(GOLDEN.lines()).find(|(now, then)| now != then);
    assert_eq!(differs, None);
    assert_eq!(rendered.lines().count(), GOLDEN.lines().count(), "{rendered}");
}
