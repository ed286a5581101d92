//! What is searched, and what is found.

use super::{Refund, Setup};
use crate::check::bad::{EndedIsEnded, NumbersRepeats, OneRefusalFailsAll, SilenceReleases, SumsAndInserts};
use crate::check::design::{Design, Shipped};
use crate::check::explore::{Rule, search, search_for};

/// One leg, and two cancels that are more than it together.
const ONE_LEG: Setup =
    Setup { legs: &[1_000], cancels: &[700, 500], faults: 1, repeats: 2, contradicts: false };

/// A cancel that is answered twice, and not the same.
const CONTRADICTS: Setup =
    Setup { legs: &[1_000], cancels: &[700], faults: 0, repeats: 2, contradicts: true };

fn hold(name: &str, setup: Setup) {
    let report = search(format!("{name}, shipped"), Refund::new(&Shipped, setup));
    eprintln!("{report}");
    assert!(report.broken.is_empty(), "{report}");
    assert!(report.states > 1_000 && report.ends > 50, "{report}");
}

fn fails(design: &dyn Design, name: &str, rule: Rule, setup: Setup) {
    let report = search_for(rule, name, Refund::new(design, setup));
    eprintln!("{report}");
    assert!(report.broken.contains_key(&rule), "{rule:?} should break: {report}");
}

/// R6, R7, R13, I2, I12: the loser holds nothing, a refusal gives its hold back, silence does not.
#[test]
fn two_cancels_that_are_too_much_together() {
    hold("two cancels, too much", Setup { faults: 0, repeats: 1, ..ONE_LEG });
}

#[test]
fn adding_up_without_the_lock_is_found() {
    fails(&SumsAndInserts, "SELECT SUM and INSERT", Rule::GivenBackTwice, ONE_LEG);
}

#[test]
fn releasing_on_silence_is_found() {
    fails(&SilenceReleases, "silence releases the hold", Rule::HiddenMoney, ONE_LEG);
}

#[test]
fn repeats_with_a_number_of_their_own_are_found() {
    fails(&NumbersRepeats, "repeats have a number of their own", Rule::GivenBackTwice, ONE_LEG);
}

/// R16
#[test]
fn a_refusal_that_fails_the_whole_cancel_is_found() {
    let setup = Setup { legs: &[1_000, 2_000], cancels: &[1_500], faults: 0, repeats: 0, contradicts: false };
    fails(&OneRefusalFailsAll, "one refusal fails all", Rule::HiddenMoney, setup);
}

/// R6: money given back for a share that was refused is raised, whoever hears of it.
#[test]
fn a_refund_that_contradicts_a_refusal() {
    let report = search("a refund that contradicts, shipped", Refund::new(&Shipped, CONTRADICTS));
    eprintln!("{report}");
    assert!(report.broken.is_empty(), "{report}");
}

#[test]
fn leaving_out_what_comes_after_the_end_is_found() {
    fails(&EndedIsEnded, "what comes after the end is left out", Rule::HiddenMoney, CONTRADICTS);
}

/// The same with more at once: seconds each.
mod at_large {
    use super::{ONE_LEG, Setup, hold};

    /// R6, R7, R13
    #[test]
    fn two_cancels_with_a_death_or_an_unknown_commit_at_any_point() {
        hold("two cancels, too much, a fault", ONE_LEG);
    }

    /// R6: the second fits.
    #[test]
    fn two_cancels_that_fit() {
        hold("two cancels that fit", Setup { cancels: &[700, 300], faults: 0, ..ONE_LEG });
    }

    /// R16: shares of one cancel end differently.
    #[test]
    fn a_cancel_over_two_legs() {
        let legs = &[1_000, 2_000];
        hold("two legs", Setup { legs, cancels: &[1_500], faults: 2, repeats: 2, contradicts: false });
    }

    /// R7, R16
    #[test]
    fn two_cancels_over_two_legs() {
        let legs = &[1_000, 2_000];
        hold(
            "two cancels over two legs",
            Setup { legs, cancels: &[1_500, 2_000], faults: 0, repeats: 1, contradicts: false },
        );
    }
}
