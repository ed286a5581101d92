//! The corpus, fresh seeds, and a seed from outside.
//!
//! `LEDGER_SIM_SEED=17 LEDGER_SIM_STEPS=400 cargo test -p ledger-core --test model sim::` plays one seed and tells it.

use std::fmt::Write as _;

use super::dice::Dice;
use super::{Coverage, Sim, Wrong, play};
use crate::world::{cases, quick};

/// Steps of a run, where nobody says another number.
const STEPS: usize = 250;

/// Everything that must have happened in the corpus: a simulation that no longer reaches a
/// thing proves nothing about it.
const REACHED: &[&str] = &[
    // commands
    "create",
    "next try",
    "order in use",
    "confirm",
    "confirm refused",
    "verdict",
    "cancel in full",
    "cancel in part",
    "cancel in proportion",
    "cancel as told",
    "cancel refused",
    "cancel repeated",
    "network cancel",
    "inquiry",
    "system cancel",
    "recovered",
    "expired",
    // callers
    "caller attempt",
    "caller tries again",
    "attempt refused",
    "caller goes on",
    "caller confirms",
    "caller aborts",
    "told again",
    "told after the verdict",
    // deposits
    "ISSUED",
    "deposit confirms",
    "deposit waits",
    "deposit too late",
    "deposit told again",
    "deposit overdue",
    "given up before its deposit",
    "deposit refund",
    "deposit refund refused",
    "deposit refunded",
    "deposit refund failed",
    // faults
    "lost key",
    "looks again",
    "death",
    "clock jump",
    "late approval",
    "late refusal",
    "approval contradicts",
    "refund contradicts",
    // answers
    "APPROVED",
    "DECLINED",
    "TIMEOUT",
    "GARBLED",
    "RESET",
    "NOT_SENT",
    "NO_ORIGINAL",
    "REVERSED",
    "TOO_LATE",
    // what it came to
    "VOIDED",
    "PROVISIONAL",
    "REPEAT",
    "INQUIRE",
    "CANCEL",
    "ESCALATED",
    "cancel done",
    "cancel failed",
    "cancel partially done",
    "cancel in progress",
    "ACCEPTED",
    "REJECTED",
    "CONFLICT",
    "VOIDED_PROVISIONAL",
    "DONE",
    "PARTIAL_CANCELED",
    "CANCELED",
    "ABORTED",
    "EXPIRED",
];

fn steps_of(seed: u64, count: usize) -> Vec<u64> {
    let mut dice = Dice::new(seed);
    (0..count).map(|_| dice.draw()).collect()
}

/// Plays a seed; a run that fails is shortened and told.
fn run(seed: u64, count: usize, covered: &mut Coverage) -> Result<Sim, String> {
    let steps = steps_of(seed, count);
    let (mut sim, checked) = play(&steps);
    match checked {
        Ok(()) => {
            sim.cover_states();
            for (what, times) in &sim.covered {
                *covered.entry(what).or_default() += times;
            }
            Ok(sim)
        }
        Err(Wrong(what)) => Err(told(seed, count, &steps, &what)),
    }
}

fn told(seed: u64, count: usize, steps: &[u64], what: &str) -> String {
    let short = if quick() { steps.to_vec() } else { shortened(steps) };
    let (sim, again) = play(&short);
    let mut text = format!("{what}\nreplay with LEDGER_SIM_SEED={seed} LEDGER_SIM_STEPS={count}\n");
    writeln!(text, "{} of {} steps suffice ({again:?}):", short.len(), steps.len()).unwrap();
    for line in sim.told {
        writeln!(text, "  {line}").unwrap();
    }
    text
}

/// As few of the steps as still fail: ever smaller pieces are left out.
fn shortened(steps: &[u64]) -> Vec<u64> {
    let fails = |steps: &[u64]| play(steps).1.is_err();
    let mut short = steps.to_vec();
    let mut piece = short.len() / 2;
    while piece > 0 {
        let mut at = 0;
        while at < short.len() {
            let mut without = short.clone();
            without.drain(at..(at + piece).min(short.len()));
            if fails(&without) {
                short = without;
            } else {
                at += piece;
            }
        }
        piece /= 2;
    }
    short
}

fn told_outside(name: &str) -> Option<u64> {
    std::env::var_os(name)?.to_str()?.parse().ok()
}

/// Lines of `corpus/*.txt`: a seed, steps, and what they are kept for.
fn corpus() -> Vec<(u64, usize, &'static str)> {
    include_str!("../corpus/seeds.txt")
        .lines()
        .filter(|line| !line.starts_with('#') && !line.trim().is_empty())
        .map(|line| {
            let mut words = line.splitn(3, ' ');
            let seed = words.next().unwrap().parse().unwrap();
            (seed, words.next().unwrap().parse().unwrap(), words.next().unwrap())
        })
        .collect()
}

/// I1–I7, I11, I12 over the corpus and fresh seeds, with everything reached that should be.
#[test]
fn no_history_of_commands_and_faults_breaks_an_invariant() {
    let mut covered = Coverage::new();
    if let Some(seed) = told_outside("LEDGER_SIM_SEED") {
        let count = told_outside("LEDGER_SIM_STEPS").map_or(STEPS, |count| usize::try_from(count).unwrap());
        let sim = run(seed, count, &mut covered).unwrap_or_else(|told| panic!("{told}"));
        eprintln!("{}\n{covered:?}", sim.told.join("\n"));
        return;
    }
    for (seed, count, why) in corpus() {
        run(seed, count, &mut covered).unwrap_or_else(|told| panic!("{why}: {told}"));
    }
    // the corpus alone reaches everything, so that this is never a matter of luck
    let missing: Vec<_> = REACHED.iter().filter(|what| !covered.contains_key(**what)).collect();
    assert!(missing.is_empty(), "never reached: {missing:?}; reached: {covered:?}");
    for nth in 0..cases(200) {
        let seed = if quick() { u64::from(nth) } else { rand::random() };
        run(seed, STEPS, &mut covered).unwrap_or_else(|told| panic!("{told}"));
    }
    eprintln!("{covered:?}");
}

/// The same seed is the same run, to the last digest.
#[test]
fn a_seed_replays() {
    let digests =
        |sim: &Sim| -> Vec<_> { sim.payments.iter().map(|stored| stored.payment.head.digest).collect() };
    let (first, second) = (play(&steps_of(324, 300)).0, play(&steps_of(324, 300)).0);
    assert!(digests(&first).len() > 3);
    assert_eq!(digests(&first), digests(&second));
    assert_eq!(first.told, second.told);
}
