//! Which legs carry a cancel: as the caller says; or the leg refunded first is emptied first; or all in proportion
//! ([`super::prorata`]). A leg that cannot be canceled in part is taken whole or not at all.

use crate::money::{AmountError, Minor};

use super::fold::{Leg, Payment};
use super::prorata;

/// How a cancel is spread over the legs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Allocation {
    /// The leg refunded first is emptied first.
    #[default]
    RefundOrder,
    /// In proportion to what remains of each leg.
    Prorata,
    /// As the caller says.
    Explicit(Vec<Part>),
}

/// What the caller wants one leg to carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    /// The leg.
    pub leg_no: u8,
    /// Its part.
    pub amount: Minor,
    /// How much of that bears no tax: said for every part or for none.
    pub tax_free: Option<Minor>,
}

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
    /// A part that the caller wants cannot be.
    #[error("part {} of the allocations: {fault}", at + 1)]
    Part {
        /// Its place in the list, from 0.
        at: usize,
        /// What is wrong with it.
        fault: PartFault,
    },
    /// The parts are not the cancel.
    #[error("the allocations add up to {sum}, the cancel is {amount}")]
    Sum {
        /// Of the parts.
        sum: Minor,
        /// The cancel.
        amount: Minor,
    },
    /// The tax-free parts do not fit what remains.
    #[error(
        "the tax-free parts of the allocations add up to {sum}; for this cancel that lies between {least} and {most}"
    )]
    TaxFree {
        /// Of the parts.
        sum: Minor,
        /// At least.
        least: Minor,
        /// At most.
        most: Minor,
    },
    /// An amount left its range.
    #[error(transparent)]
    Amount(#[from] AmountError),
}

/// What is wrong with a part that the caller wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PartFault {
    /// The payment has no such leg.
    #[error("the payment has no approval {0}")]
    NoSuchLeg(u8),
    /// The leg stands in the list before.
    #[error("approval {0} is listed twice")]
    Twice(u8),
    /// More than remains of the leg.
    #[error("of approval {leg_no} {remaining} can be canceled, asked for {requested}")]
    TooMuch {
        /// The leg.
        leg_no: u8,
        /// What remains of it.
        remaining: Minor,
        /// What was wanted.
        requested: Minor,
    },
    /// The leg is taken whole or not at all.
    #[error("approval {leg_no} cannot be canceled in part: take {remaining} or nothing")]
    WholeOnly {
        /// The leg.
        leg_no: u8,
        /// What remains of it.
        remaining: Minor,
    },
    /// Nothing, or more tax-free than there is.
    #[error("the tax-free part is said for every allocation or for none, and is at most its amount")]
    TaxFree,
}

impl Allocation {
    /// What the parts add up to, when the caller says them.
    pub fn sum(&self) -> Result<Option<Minor>, AmountError> {
        match self {
            Self::RefundOrder | Self::Prorata => Ok(None),
            Self::Explicit(parts) => Minor::sum(parts.iter().map(|part| part.amount)).map(Some),
        }
    }

    /// The tax-free parts, when the caller says them.
    pub fn tax_free(&self) -> Option<Vec<Minor>> {
        match self {
            Self::RefundOrder | Self::Prorata => None,
            Self::Explicit(parts) => parts.iter().map(|part| part.tax_free).collect(),
        }
    }
}

/// Spreads `amount` over the legs.
pub fn allocate(
    payment: &Payment,
    allocation: &Allocation,
    amount: Minor,
) -> Result<Vec<Allocated>, AllocationError> {
    match allocation {
        Allocation::RefundOrder => by_refund_order(payment, amount),
        Allocation::Prorata => prorata::in_proportion(payment, amount),
        Allocation::Explicit(parts) => as_told(payment, parts, amount),
    }
}

/// As the caller says, if every leg can.
fn as_told(payment: &Payment, parts: &[Part], amount: Minor) -> Result<Vec<Allocated>, AllocationError> {
    let says_tax_free = parts.iter().any(|part| part.tax_free.is_some());
    for (at, part) in parts.iter().enumerate() {
        let leg_no = part.leg_no;
        let fault = |fault| AllocationError::Part { at, fault };
        if parts.iter().take(at).any(|earlier| earlier.leg_no == leg_no) {
            return Err(fault(PartFault::Twice(leg_no)));
        }
        let leg = payment.leg(leg_no).ok_or_else(|| fault(PartFault::NoSuchLeg(leg_no)))?;
        let remaining = leg.cancelable();
        if part.amount > remaining || part.amount.is_zero() {
            return Err(fault(PartFault::TooMuch { leg_no, remaining, requested: part.amount }));
        }
        if part.amount < remaining && !leg.approval.partial_cancelable {
            return Err(fault(PartFault::WholeOnly { leg_no, remaining }));
        }
        if part.tax_free.is_some() != says_tax_free || part.tax_free > Some(part.amount) {
            return Err(fault(PartFault::TaxFree));
        }
    }
    let sum = Minor::sum(parts.iter().map(|part| part.amount))?;
    if sum != amount {
        return Err(AllocationError::Sum { sum, amount });
    }
    Ok(parts.iter().map(|part| Allocated { leg_no: part.leg_no, amount: part.amount }).collect())
}

/// The default order: by refund priority, then the larger remainder, then the leg's number.
pub fn legs_in_refund_order(payment: &Payment) -> Vec<&Leg> {
    let mut legs: Vec<_> = payment.legs().filter(|leg| !leg.cancelable().is_zero()).collect();
    legs.sort_by(|a, b| {
        (b.approval.refund_priority, b.cancelable())
            .cmp(&(a.approval.refund_priority, a.cancelable()))
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
    let remaining = leg.cancelable();
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
        let further: Result<Vec<_>, _> = sums.iter().map(|sum| sum.plus(leg.cancelable())).collect();
        sums.extend(further?);
    }
    sums.sort_unstable();
    sums.dedup();
    Ok(sums)
}
