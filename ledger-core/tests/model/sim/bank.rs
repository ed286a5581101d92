//! What the issuers hold to be true, leg by leg. They remember no reversal of what they never approved, give back what they
//! are told to, and answer the same trace number the same way.

use std::collections::BTreeMap;

use ledger_core::payment::deposit::Arrived;
use ledger_core::payment::fact::ResultOutcome;

/// What a message about an authorization asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    Reversal,
    Inquiry,
    Cancel,
}

/// An authorization on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Auth {
    /// Sent then; it may land for a minute.
    Flying {
        sent: i64,
    },
    Lost,
    Approved,
    Declined,
}

/// One leg of one payment.
#[derive(Debug, Clone, Default)]
pub struct Account {
    pub amount: i64,
    pub auth: Option<Auth>,
    pub approvals: u32,
    pub reversed: bool,
    /// An approval beside what was answered, and whether it stands.
    pub beside: Option<bool>,
    /// Cancels by number: how much, and whether it was given back.
    pub cancels: BTreeMap<u16, (i64, bool)>,
}

#[derive(Debug, Default)]
pub struct Bank {
    pub accounts: BTreeMap<(usize, u8), Account>,
    /// What arrived at issued accounts, and for which payment.
    pub arrived: Vec<(usize, Arrived)>,
    /// Whether suspense money went back, by payment and refund.
    pub sent_back: BTreeMap<(usize, u16), bool>,
}

impl Account {
    /// What stands there.
    pub fn stands(&self) -> i64 {
        if self.approvals == 0 || self.reversed {
            return 0;
        }
        self.amount - self.cancels.values().filter(|(_, given)| *given).map(|(amount, _)| amount).sum::<i64>()
    }
}

impl Bank {
    pub fn account(&mut self, payment: usize, leg: u8) -> &mut Account {
        self.accounts.entry((payment, leg)).or_default()
    }

    /// Lands what flies, or loses it when it is too late.
    pub fn land(&mut self, key: (usize, u8), approves: bool, seconds: i64) {
        let account = self.accounts.get_mut(&key).unwrap();
        let Some(Auth::Flying { sent }) = account.auth else { return };
        account.auth = Some(if seconds - sent > 60 {
            Auth::Lost
        } else if approves {
            account.approvals += 1;
            Auth::Approved
        } else {
            Auth::Declined
        });
    }

    pub fn flying(&self) -> Vec<(usize, u8)> {
        let flies = |account: &Account| matches!(account.auth, Some(Auth::Flying { .. }));
        self.accounts.iter().filter(|(_, account)| flies(account)).map(|(key, _)| *key).collect()
    }

    /// A message that undoes, or asks: what it says, and of which approval. One that names none is about the first there is.
    pub fn undo(
        &mut self,
        payment: usize,
        leg: u8,
        asked: Asked,
        names: Option<&str>,
    ) -> (ResultOutcome, &'static str) {
        let account = self.account(payment, leg);
        let is_first = names.map_or(account.approvals > 0, |names| names != "A2");
        let name = if is_first { "A1" } else { "A2" };
        let (known, undone) = if is_first {
            (account.approvals > 0, account.reversed)
        } else {
            (account.beside.is_some(), account.beside == Some(false))
        };
        if !known {
            return (ResultOutcome::NoOriginal, name);
        }
        if asked == Asked::Inquiry {
            return (if undone { ResultOutcome::Reversed } else { ResultOutcome::Approved }, name);
        }
        if is_first {
            account.reversed = true;
        } else {
            account.beside = Some(false);
        }
        (if asked == Asked::Cancel { ResultOutcome::Canceled } else { ResultOutcome::Reversed }, name)
    }

    /// Approves once more, under a number of its own, unless it has before or has not told the first one yet.
    pub fn approve_beside(&mut self, payment: usize, leg: u8, is_known: bool) -> bool {
        let account = self.account(payment, leg);
        let flies = matches!(account.auth, Some(Auth::Flying { .. }));
        let is_silent = flies || account.approvals > 0 && !account.reversed && !is_known;
        let approves = account.beside.is_none() && !is_silent;
        if approves {
            account.beside = Some(true);
        }
        approves
    }

    /// Gives back what it had refused.
    pub fn give_back_after_all(&mut self, payment: usize, leg: u8, cancel_no: u16) {
        if let Some((_, given)) = self.account(payment, leg).cancels.get_mut(&cancel_no) {
            *given = true;
        }
    }

    /// A cancel: whether it is given back.
    pub fn cancel(&mut self, payment: usize, leg: u8, cancel_no: u16, amount: i64, gives: bool) -> bool {
        self.account(payment, leg).cancels.entry(cancel_no).or_insert((amount, gives)).1
    }
}
