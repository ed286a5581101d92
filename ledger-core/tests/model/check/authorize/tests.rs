//! What is searched, and what is found.

use std::time::Instant;

use super::{Authorize, SMALL, Setup};
use crate::check::bad::{
    AnyNameWill, AnyReversalWill, FirstNoOriginalEnds, LastWriterWins, LateAnswersFeedReversal, LateIsANote,
    LateSuccessPays, SecondIsIgnored, SecondIsReversed, SendsAgain, SendsBeforeCommit, SiblingIsForgotten,
    SilenceIsClosed, SilenceIsRefusal, TooLateIsClosed, WindowCountsFromAnswer,
};
use crate::check::design::{Design, Shipped};
use crate::check::explore::{Rule, search, search_for};

/// The shipped decisions break no rule in a world of this size.
fn hold(name: &str, setup: Setup) {
    let started = Instant::now();
    let report = search(format!("{name}, shipped"), Authorize::new(&Shipped, setup));
    eprintln!("{report} ({:?})", started.elapsed());
    assert!(report.broken.is_empty(), "{report}");
    assert!(report.states > 5_000 && report.ends > 100, "{report}");
}

/// A design that differs in one decision breaks this rule, and it is told how.
fn fails(design: &dyn Design, name: &str, rule: Rule, setup: Setup) {
    let report = search_for(rule, name, Authorize::new(design, setup));
    eprintln!("{report}");
    assert!(report.broken.contains_key(&rule), "{rule:?} should break: {report}");
}

/// R1, R2, R3, I6, I7, I12: what a moment suffices for.
#[test]
fn one_leg_in_small() {
    hold("one leg in small", Setup { faults: 0, tries: 1, ..SMALL });
}

#[test]
fn a_late_success_that_pays_is_found() {
    fails(&LateSuccessPays, "a late success pays", Rule::Revived, SMALL);
}

#[test]
fn stopping_at_the_first_no_original_is_found() {
    fails(&FirstNoOriginalEnds, "the first NO_ORIGINAL ends it", Rule::HiddenMoney, SMALL);
}

#[test]
fn late_answers_instead_of_a_resend_are_found() {
    fails(&LateAnswersFeedReversal, "late answers feed the reversal", Rule::HiddenMoney, SMALL);
}

#[test]
fn a_window_that_counts_from_the_answer_is_found() {
    fails(&WindowCountsFromAnswer, "the window counts from the answer", Rule::HiddenMoney, SMALL);
}

#[test]
fn silence_that_is_closed_is_found() {
    fails(&SilenceIsClosed, "silence is closed", Rule::HiddenMoney, SMALL);
}

#[test]
fn sending_before_the_commit_is_found() {
    fails(&SendsBeforeCommit, "bytes before the row", Rule::HiddenMoney, SMALL);
}

#[test]
fn silence_that_is_a_refusal_is_found() {
    fails(&SilenceIsRefusal, "silence is a refusal", Rule::HiddenMoney, SMALL);
}

#[test]
fn a_forgotten_sibling_is_found() {
    let setup = Setup { legs: 2, faults: 0, tries: 0, ..SMALL };
    fails(&SiblingIsForgotten, "a sibling is forgotten", Rule::Stuck, setup);
}

#[test]
fn sending_again_is_found() {
    fails(&SendsAgain, "sends again", Rule::Twice, SMALL);
}

#[test]
fn writing_without_the_lock_is_found() {
    fails(&LastWriterWins, "the last writer wins", Rule::Revived, SMALL);
}

/// An issuer that approves more than once, or after it has declined or reversed.
const CONTRARY: Setup = Setup { contrary: true, faults: 0, tries: 1, ..SMALL };

/// R5, I6, I12: what nobody wants is exposed until it is undone or with people, and nothing revives.
#[test]
fn one_leg_of_an_issuer_that_contradicts_itself() {
    hold("an issuer contradicts itself", CONTRARY);
}

/// R1: an issuer that says which approval it has reversed; that one is not undone once more.
const NAMES: Setup = Setup { names_reversed: true, ..CONTRARY };

#[test]
fn one_leg_of_an_issuer_that_says_what_it_reversed() {
    hold("an issuer says what it reversed", NAMES);
}

#[test]
fn taking_any_name_for_the_one_that_came_is_found() {
    fails(&AnyNameWill, "any name will do", Rule::HiddenMoney, NAMES);
}

/// R1: an issuer that reverses the first approval whichever it is asked about, and says so.
const IGNORES: Setup = Setup { ignores_names: true, ..NAMES };

#[test]
fn one_leg_of_an_issuer_that_reverses_another_one() {
    hold("an issuer reverses another one", IGNORES);
}

#[test]
fn taking_any_reversal_for_the_one_that_was_asked_for_is_found() {
    fails(&AnyReversalWill, "any reversal will do", Rule::HiddenMoney, IGNORES);
}

/// R4: what can no longer be reversed is asked about and canceled, or with people.
#[test]
fn one_leg_that_may_be_captured() {
    hold("captured", Setup { captures: true, faults: 0, tries: 1, ..SMALL });
}

#[test]
fn ignoring_a_second_approval_is_found() {
    fails(&SecondIsIgnored, "a second approval is ignored", Rule::HiddenMoney, CONTRARY);
}

#[test]
fn noting_what_comes_after_it_was_voided_is_found() {
    fails(&LateIsANote, "what comes late is a note", Rule::HiddenMoney, CONTRARY);
}

#[test]
fn leaving_an_exposed_approval_alone_is_found() {
    fails(&LateIsANote, "what comes late is a note", Rule::Stuck, CONTRARY);
}

#[test]
fn reversing_a_second_approval_by_the_attempt_is_found() {
    fails(&SecondIsReversed, "a second approval is reversed", Rule::ReversedAccepted, CONTRARY);
}

#[test]
fn closing_what_is_too_late_is_found() {
    let setup = Setup { captures: true, faults: 0, tries: 1, ..SMALL };
    fails(&TooLateIsClosed, "too late is closed", Rule::HiddenMoney, setup);
}

/// The same with more at once: seconds each.
mod at_large {
    use super::{SMALL, Setup, hold};

    /// R1, R2, R3, R10, R12, I6, I7, I12
    #[test]
    fn one_leg_with_a_death_or_an_unknown_commit_at_any_point() {
        hold("one leg", SMALL);
    }

    /// R10, R12: two of them.
    #[test]
    fn one_leg_with_two_faults() {
        hold("two faults", Setup { faults: 2, tries: 1, ..SMALL });
    }

    /// Two jobs reverse, recover and judge at once.
    #[test]
    fn one_leg_with_two_jobs() {
        hold("two jobs", Setup { jobs: 2, faults: 0, tries: 1, ..SMALL });
    }

    /// R2, R3: network cancels that nobody waits for any more overtake and are overtaken.
    #[test]
    fn one_leg_with_network_cancels_astray() {
        hold("astray", Setup { strays: 1, faults: 0, tries: 1, ..SMALL });
    }

    /// R5: a second confirm of the same payment.
    #[test]
    fn one_leg_with_two_callers() {
        hold("two callers", Setup { callers: 2, tries: 1, garbles: true, faults: 0, ..SMALL });
    }

    /// R8, R9
    #[test]
    fn two_legs_with_all_that_happens_on_the_wire() {
        hold("two legs", Setup { legs: 2, faults: 0, tries: 1, ..SMALL });
    }

    /// R8, R9, R10
    #[test]
    fn two_legs_with_a_fault() {
        hold("two legs, a fault", Setup { legs: 2, tries: 0, ..SMALL });
    }

    /// R4, R10, R12
    #[test]
    fn one_leg_that_may_be_captured_with_a_fault() {
        hold("captured, a fault", Setup { captures: true, tries: 1, ..SMALL });
    }

    /// R5, R10, R12
    #[test]
    fn one_leg_of_an_issuer_that_contradicts_itself_with_a_fault() {
        hold("an issuer contradicts itself, a fault", Setup { contrary: true, tries: 1, ..SMALL });
    }

    /// An issuer that breaks its own late window: its file reopens what was believed absent.
    #[test]
    fn one_leg_that_lands_after_the_late_window() {
        hold("very late", Setup { very_late: true, faults: 0, ..SMALL });
    }
}
