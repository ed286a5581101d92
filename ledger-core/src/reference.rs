//! Reference data: what a merchant pays, and how an issuer is reached. Insert-only, by version.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use rust_decimal::prelude::ToPrimitive as _;
use rust_decimal::{Decimal, RoundingStrategy};

use crate::money::{AmountError, Minor};

/// One version of what a merchant agreed to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contract {
    /// Number of the version, named by events.
    pub version: u32,
    /// From when it holds.
    pub valid_from: DateTime<Utc>,
    /// Our fee, as a part of the amount.
    pub fee_rate: Decimal,
    /// The VAT on the fee.
    pub fee_vat_rate: Decimal,
}

impl Contract {
    /// The fee on an amount and the VAT on that fee, each to the nearest minor unit.
    pub fn fee_on(&self, amount: Minor) -> Result<(Minor, Minor), AmountError> {
        let fee = part(amount, self.fee_rate)?;
        Ok((fee, part(fee, self.fee_vat_rate)?))
    }
}

fn part(amount: Minor, rate: Decimal) -> Result<Minor, AmountError> {
    let exact = Decimal::from(amount.get()) * rate;
    let rounded = exact.round_dp_with_strategy(0, RoundingStrategy::MidpointAwayFromZero);
    Minor::new(rounded.to_i64().ok_or(AmountError::OutOfRange(amount.get()))?)
}

/// One version of an issuer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issuer {
    /// Its name in requests.
    pub issuer_id: String,
    /// Number of the version.
    pub version: u32,
    /// Where it answers.
    pub endpoint_url: String,
    /// Longest wait for a connection.
    pub connect_timeout: Duration,
    /// Longest wait for an answer after that.
    pub read_timeout: Duration,
    /// How long after an authorization was sent it may still land.
    pub late_window: TimeDelta,
    /// How long a network cancel is taken.
    pub validity: TimeDelta,
}

impl Issuer {
    /// Connecting and reading together: when an attempt must have been answered.
    pub fn answer_within(&self) -> TimeDelta {
        TimeDelta::from_std(self.connect_timeout + self.read_timeout).unwrap_or(TimeDelta::MAX)
    }
}

/// An API key, without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKey {
    /// The public part.
    pub key_id: String,
    /// Whose it is.
    pub merchant_id: String,
    /// SHA-256 of the secret: 256 random bits, so a plain hash is enough.
    pub secret_hash: [u8; 32],
    /// When it was revoked.
    pub revoked_at: Option<DateTime<Utc>>,
}

/// A merchant, as it is listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MerchantRow {
    pub merchant_id: String,
    pub name: String,
    pub created_at: DateTime<Utc>,
    pub created_by: String,
}

/// A version of a contract, as it is listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContractRow {
    pub merchant_id: String,
    pub contract: Contract,
    pub created_by: String,
}

/// A version of an issuer, as it is listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssuerRow {
    pub issuer: Issuer,
    pub name: String,
    pub valid_from: DateTime<Utc>,
    pub created_by: String,
}

/// An API key, as it is listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKeyRow {
    pub key_id: String,
    pub merchant_id: String,
    pub created_at: DateTime<Utc>,
    pub created_by: String,
    pub revoked_at: Option<DateTime<Utc>>,
    pub revoked_for: Option<String>,
}

/// Who speaks for a merchant from an instant on, as it is listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthorityRow {
    pub merchant_id: String,
    pub valid_from: DateTime<Utc>,
    pub authority: String,
    pub created_by: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_percent_of_fifty_thousand_is_fifteen_hundred_and_its_vat_a_hundred_and_fifty() {
        let contract = Contract {
            version: 1,
            valid_from: DateTime::UNIX_EPOCH,
            fee_rate: Decimal::new(3, 2),
            fee_vat_rate: Decimal::new(1, 1),
        };
        let fee = contract.fee_on(Minor::new(50_000).unwrap()).unwrap();
        assert_eq!((fee.0.get(), fee.1.get()), (1_500, 150));
    }
}
