//! Which legs carry a cancel: the leg refunded first is emptied first; a leg that cannot be canceled in part is taken
//! whole or not at all.

use crate::money::{AmountError, Minor};

use super::fold::{Leg, Payment};

/// What one leg carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allocated {
    /// The leg.
    pub leg_no: u8,
    /// Its part.
    pub amount: Minor,
}

/// Why a cancel fits no set of legs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AllocationError {
    /// Legs that are taken whole or not at all do not add up to it.
    #[error(
        "no combination of legs makes up exactly {0}: a leg that cannot be canceled in part is taken whole or not at all"
    )]
    Impossible(Minor),
    /// An amount left its range.
    #[error(transparent)]
    Amount(#[from] AmountError),
}

/// The default order: by refund priority, then the larger remainder, then the leg's number.
pub fn legs_in_refund_order(payment: &Payment) -> Vec<&Leg> {
    let mut legs: Vec<_> = payment.legs().filter(|leg| !leg.remaining().is_zero()).collect();
    legs.sort_by(|a, b| {
        (b.approval.refund_priority, b.remaining())
            .cmp(&(a.approval.refund_priority, a.remaining()))
            .then(a.approval.leg_no.cmp(&b.approval.leg_no))
    });
    legs
}

/// Spreads `amount` over the legs in refund order. The first choice of whole legs that leaves a rest the others can carry
/// wins; choices are tried in refund order, so the leg refunded first is taken whenever it can be.
pub fn by_refund_order(payment: &Payment, amount: Minor) -> Result<Vec<Allocated>, AllocationError> {
    let legs = legs_in_refund_order(payment);
    let mut taken = Vec::with_capacity(legs.len());
    if fill(&legs, amount, &mut taken)? { Ok(taken) } else { Err(AllocationError::Impossible(amount)) }
}

/// Depth first: each leg as much as it can, then (for a whole leg) nothing; legs are few, so the search is small.
fn fill(legs: &[&Leg], rest: Minor, taken: &mut Vec<Allocated>) -> Result<bool, AmountError> {
    if rest.is_zero() {
        return Ok(true);
    }
    let Some((leg, others)) = legs.split_first() else { return Ok(false) };
    let remaining = leg.remaining();
    let part =
        if leg.approval.partial_cancelable || rest >= remaining { remaining.min(rest) } else { Minor::ZERO };
    if !part.is_zero() && try_with(leg, part, others, rest, taken)? {
        return Ok(true);
    }
    if leg.approval.partial_cancelable {
        return fill_less(leg, part, others, rest, taken);
    }
    fill(others, rest, taken)
}

fn try_with(
    leg: &Leg,
    part: Minor,
    others: &[&Leg],
    rest: Minor,
    taken: &mut Vec<Allocated>,
) -> Result<bool, AmountError> {
    taken.push(Allocated { leg_no: leg.approval.leg_no, amount: part });
    if fill(others, rest.minus(part)?, taken)? {
        return Ok(true);
    }
    taken.pop();
    Ok(false)
}

/// A leg that can be canceled in part may have to leave room for a later one that is taken whole: it carries what the
/// best choice of the others leaves.
fn fill_less(
    leg: &Leg,
    most: Minor,
    others: &[&Leg],
    rest: Minor,
    taken: &mut Vec<Allocated>,
) -> Result<bool, AmountError> {
    for total in reachable(others)?.into_iter().rev() {
        let Ok(part) = rest.minus(total) else { continue };
        if part >= most {
            continue;
        }
        let found = if part.is_zero() {
            fill(others, rest, taken)?
        } else {
            try_with(leg, part, others, rest, taken)?
        };
        if found {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Sums that whole legs, with or without full partial ones, can make.
fn reachable(legs: &[&Leg]) -> Result<Vec<Minor>, AmountError> {
    let mut sums = vec![Minor::ZERO];
    for leg in legs {
        let further: Result<Vec<_>, _> = sums.iter().map(|sum| sum.plus(leg.remaining())).collect();
        sums.extend(further?);
    }
    sums.sort_unstable();
    sums.dedup();
    Ok(sums)
}
