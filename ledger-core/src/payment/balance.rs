//! Links of an approval's balance chain.

use crate::money::{AmountError, Minor};

use super::fact::{BalanceLink, LinkKind};
use super::fold::Leg;

/// The first link: the approved amount.
pub const fn open(leg_no: u8, amount: Minor) -> BalanceLink {
    BalanceLink {
        leg_no,
        link_no: 0,
        kind: LinkKind::Open,
        cancel_no: None,
        before: None,
        delta: amount.get(),
        after: amount,
    }
}

/// Takes the share of a cancel out; refused when the tail is smaller.
pub fn hold(leg: &Leg, cancel_no: u16, amount: Minor) -> Result<BalanceLink, AmountError> {
    let after = leg.remaining().minus(amount)?;
    Ok(next(leg, LinkKind::Hold, cancel_no, -amount.get(), after))
}

/// Puts the share of a failed cancel back.
pub fn release(leg: &Leg, cancel_no: u16, amount: Minor) -> Result<BalanceLink, AmountError> {
    let after = leg.remaining().plus(amount)?;
    Ok(next(leg, LinkKind::Release, cancel_no, amount.get(), after))
}

fn next(leg: &Leg, kind: LinkKind, cancel_no: u16, delta: i64, after: Minor) -> BalanceLink {
    let link_no = leg.chain.last().map_or(0, |tail| tail.link_no.saturating_add(1));
    BalanceLink {
        leg_no: leg.approval.leg_no,
        link_no,
        kind,
        cancel_no: Some(cancel_no),
        before: Some(leg.remaining()),
        delta,
        after,
    }
}
