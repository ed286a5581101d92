//! What the issuers hold to be true, leg by leg. They remember no reversal of what they never approved, give back what they
//! are told to, and answer the same trace number the same way.

use std::collections::BTreeMap;

use ledger_core::payment::deposit::Arrived;

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

    /// A network cancel: whether there was something to undo.
    pub fn reverse(&mut self, payment: usize, leg: u8) -> bool {
        let account = self.account(payment, leg);
        account.reversed |= account.approvals > 0;
        account.approvals > 0
    }

    /// A cancel: whether it is given back.
    pub fn cancel(&mut self, payment: usize, leg: u8, cancel_no: u16, amount: i64, gives: bool) -> bool {
        self.account(payment, leg).cancels.entry(cancel_no).or_insert((amount, gives)).1
    }
}
