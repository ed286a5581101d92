//! The register: every statement a service may send to MySQL has a name and one static text, and stands in [`ALL`], so
//! that a test can prepare each under the account that runs it and look at its plan.

/// A statement and the account that runs it.
#[derive(Debug, Clone, Copy)]
pub struct Statement {
    /// Its name, which labels metrics and test output.
    pub name: &'static str,
    /// Who runs it.
    pub account: Account,
    /// Its text.
    pub sql: &'static str,
}

/// The accounts of `migrations/roles.sql` that the handles use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Account {
    /// `ledger_app`
    App,
    /// `ledger_mirror`
    Mirror,
    /// `ledger_relay`
    Relay,
    /// `ledger_read`
    Read,
    /// `ledger_admin`
    Admin,
}

/// Every statement of this crate that is one static text.
pub fn all() -> impl Iterator<Item = Statement> {
    super::insert::INSERTS
        .iter()
        .map(|insert| &insert.statement)
        .chain(super::load::STATEMENTS)
        .chain(super::order::STATEMENTS)
        .chain(super::deposit::STATEMENTS)
        .chain(super::contradiction::STATEMENTS)
        .chain(super::method_rule::STATEMENTS)
        .chain(super::owned::STATEMENTS)
        .chain(super::feed::STATEMENTS)
        .chain(super::exposure::STATEMENTS)
        .chain(super::payable::STATEMENTS)
        .chain(super::idempotency::STATEMENTS)
        .chain(super::due::STATEMENTS)
        .chain(super::reference::STATEMENTS)
        .chain(super::correction::STATEMENTS)
        .chain(super::append::STATEMENTS)
        .chain(super::outbox_insert::STATEMENTS)
        .chain(super::outbox::STATEMENTS)
        .chain(super::mirror::STATEMENTS)
        .chain(super::replica::STATEMENTS)
        .chain(super::chain::STATEMENTS)
        .chain(super::verification::STATEMENTS)
        .copied()
}
