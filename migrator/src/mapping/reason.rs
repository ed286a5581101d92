//! Why a row does not fit: the closed list of reasons that stand in quarantine.

use std::borrow::Cow;

ledger_core::codes! {
    /// Why a row is in quarantine.
    Reason {
        /// Another row of the same payment did not fit; this one goes with it so that totals tie out.
        Aggregate = "AGGREGATE",
        /// A fraction in a currency without a minor unit.
        AmountFraction = "AMOUNT_FRACTION",
        /// Zero, or too large.
        AmountRange = "AMOUNT_RANGE",
        /// Negative where the column's rule says positive.
        AmountSign = "AMOUNT_SIGN",
        /// No number.
        AmountText = "AMOUNT_TEXT",
        /// Bytes that are not of the column's charset.
        Charset = "CHARSET",
        /// A code that its map does not know on that day.
        CodeUnknown = "CODE_UNKNOWN",
        /// No day and time on the calendar.
        DateText = "DATE_TEXT",
        /// A placeholder such as 9999-12-31.
        DateSentinel = "DATE_SENTINEL",
        /// More than one approval, and their sum is not the total.
        DuplicateApproval = "DUPLICATE_APPROVAL",
        /// Nothing where something must be.
        Empty = "EMPTY",
        /// The ledger's own rules refused the payment.
        LedgerRefused = "LEDGER_REFUSED",
        /// A header without an approval.
        NoApproval = "NO_APPROVAL",
        /// An approval without a header.
        NoHeader = "NO_HEADER",
        /// A cancel of nothing: all of it was canceled before.
        NothingLeft = "NOTHING_LEFT",
        /// No small number.
        NumberText = "NUMBER_TEXT",
        /// A cancel whose approval is not there (yet).
        Orphan = "ORPHAN",
        /// Cancels add up to more than was approved.
        OverCancel = "OVER_CANCEL",
        /// A card number where none belongs, or a card column that holds no card number.
        CardNumber = "CARD_NUMBER",
        /// VAT or tax-free part larger than the amount.
        Tax = "TAX",
        /// More characters than the target keeps.
        TextLength = "TEXT_LENGTH",
        /// The header's total is not the sum of its approvals.
        TotalMismatch = "TOTAL_MISMATCH",
    }
}

/// A refused value. The detail never repeats the value: it may hold what must not be written down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reject {
    /// Which rule.
    pub reason: Reason,
    /// What is wrong, to stand after the column's name.
    pub detail: Cow<'static, str>,
    /// The column, once known.
    pub column: Option<String>,
}

impl Reject {
    /// A rejection that does not know its column yet.
    pub fn new(reason: Reason, detail: impl Into<Cow<'static, str>>) -> Self {
        Self { reason, detail: detail.into(), column: None }
    }

    /// The same, with its column.
    #[must_use]
    pub fn of(mut self, column: &str) -> Self {
        self.column.get_or_insert_with(|| column.to_owned());
        self
    }
}
