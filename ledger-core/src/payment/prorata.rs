//! A cancel spread in proportion to what remains of each leg, in whole units: each leg gets its share rounded down, and
//! the units left over go to the largest fractions.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use crate::money::{AmountError, Minor};

use super::allocation::{Allocated, AllocationError};
use super::fold::Payment;

/// What remains of one leg.
#[derive(Debug, Clone, Copy)]
struct Remaining {
    leg_no: u8,
    amount: Minor,
    whole_only: bool,
}

/// Spreads `amount` over all legs. A leg that is taken whole or not at all has no proportion: of the sets of such legs with
/// which the rest comes out exactly, the one whose sum is nearest to what proportion would give them is taken, the smaller
/// sum when two are as near.
pub fn in_proportion(payment: &Payment, amount: Minor) -> Result<Vec<Allocated>, AllocationError> {
    let legs: Vec<_> = payment
        .legs()
        .filter(|leg| !leg.cancelable().is_zero())
        .map(|leg| Remaining {
            leg_no: leg.approval.leg_no,
            amount: leg.cancelable(),
            whole_only: !leg.approval.partial_cancelable,
        })
        .collect();
    let (whole, partial): (Vec<_>, Vec<_>) = legs.into_iter().partition(|leg| leg.whole_only);
    let Some(chosen) = nearest(&whole, &partial, amount)? else {
        return Err(AllocationError::Impossible(amount));
    };
    let rest = amount.minus(Minor::sum(chosen.iter().map(|leg| leg.amount))?)?;
    let mut parts: Vec<_> =
        chosen.iter().map(|leg| Allocated { leg_no: leg.leg_no, amount: leg.amount }).collect();
    parts.extend(spread(&partial, rest)?);
    parts.sort_by_key(|part| part.leg_no);
    Ok(parts)
}

/// The legs to be taken whole; none when no set of them leaves a rest that the others can carry.
fn nearest(
    whole: &[Remaining],
    partial: &[Remaining],
    amount: Minor,
) -> Result<Option<Vec<Remaining>>, AmountError> {
    let room = Minor::sum(partial.iter().map(|leg| leg.amount))?;
    let all_whole = Minor::sum(whole.iter().map(|leg| leg.amount))?;
    let total = i128::from(room.plus(all_whole)?.get());
    let wanted = i128::from(amount.get()) * i128::from(all_whole.get());
    let mut sets = BTreeMap::from([(Minor::ZERO, Vec::new())]);
    for leg in whole {
        for (sum, set) in sets.clone() {
            let with_leg = set.iter().copied().chain([*leg]).collect();
            sets.entry(sum.plus(leg.amount)?).or_insert(with_leg);
        }
    }
    let fitting = sets.into_iter().filter(|(sum, _)| amount.minus(*sum).is_ok_and(|rest| rest <= room));
    Ok(fitting.min_by_key(|(sum, _)| (i128::from(sum.get()) * total - wanted).abs()).map(|(_, set)| set))
}

/// Largest remainders: no leg gets more than it has, since only one with a fraction gets a unit more.
fn spread(legs: &[Remaining], rest: Minor) -> Result<Vec<Allocated>, AmountError> {
    let room = Minor::sum(legs.iter().map(|leg| leg.amount))?;
    if rest.is_zero() {
        return Ok(Vec::new());
    }
    let mut shares = Vec::with_capacity(legs.len());
    for leg in legs {
        let fraction = i128::from(rest.get()) * i128::from(leg.amount.get()) % i128::from(room.get());
        shares.push((*leg, rest.share(leg.amount, room)?, fraction));
    }
    shares.sort_by_key(|(leg, _, fraction)| (Reverse(*fraction), Reverse(leg.amount), leg.leg_no));
    let mut left = rest.minus(Minor::sum(shares.iter().map(|(_, share, _)| *share))?)?;
    let one = Minor::new(1)?;
    for (_, share, _) in &mut shares {
        let Ok(fewer) = left.minus(one) else { break };
        *share = share.plus(one)?;
        left = fewer;
    }
    let parts = shares.into_iter().filter(|(_, share, _)| !share.is_zero());
    Ok(parts.map(|(leg, amount, _)| Allocated { leg_no: leg.leg_no, amount }).collect())
}
