//! Every kind of id, in one list, and the slot a payment's id ends in.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident,)+) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(Uuid);

        impl $name {
            /// The id held by these bytes.
            pub const fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(Uuid::from_bytes(bytes))
            }

            /// The sixteen bytes, as MySQL stores them.
            pub const fn as_bytes(&self) -> &[u8; 16] {
                self.0.as_bytes()
            }

            /// The bytes as upper-case hexadecimal, for `UNHEX`.
            pub fn to_hex(self) -> String {
                hex::encode_upper(self.as_bytes())
            }
        }

        impl TryFrom<&[u8]> for $name {
            type Error = InvalidId;

            fn try_from(bytes: &[u8]) -> Result<Self, InvalidId> {
                Uuid::from_slice(bytes).map(Self).map_err(|_| InvalidId)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                if text.len() != 36 { return Err(InvalidId); }
                Uuid::try_parse(text).map(Self).map_err(|_| InvalidId)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.hyphenated().fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0.hyphenated())
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
            }
        }
    )+};
}

ids! {
    /// A payment: UUIDv8 with the time in front and the slot at the end.
    PaymentId,
    /// A request as its sender and our logs know it.
    RequestId,
    /// A run of a migrator or verifier command.
    RunId,
}

/// Text or bytes that are no id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an id is a UUID in its hyphenated form of 36 characters")]
pub struct InvalidId;

/// The name that keeps this hash apart from every other use of SHA-256.
const SLOT_DOMAIN: &str = "ledger.slot.v1";

/// Where a payment lives when tables are sharded: the first two bytes of
/// `SHA2(CONCAT('ledger.slot.v1|', LENGTH(m), ':', m, '|', LENGTH(o), ':', o), 256)`, so that an order finds its slot
/// without a lookup, in Rust and in SQL alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct Slot(u16);

impl Slot {
    /// The slot of a merchant's order.
    pub fn of(merchant_id: &str, order_id: &str) -> Self {
        let text = format!("{SLOT_DOMAIN}|{}:{merchant_id}|{}:{order_id}", merchant_id.len(), order_id.len());
        let digest = Sha256::digest(text.as_bytes());
        Self(u16::from_be_bytes([digest[0], digest[1]]))
    }

    /// The number stored in `slot` columns.
    pub const fn get(self) -> u16 {
        self.0
    }
}

impl PaymentId {
    /// A new id for an order of this slot, made at `at`.
    pub fn new(at: DateTime<Utc>, slot: Slot, random: &mut impl rand::Rng) -> Self {
        let mut tail = [0_u8; 10];
        random.fill_bytes(&mut tail);
        Self::assemble(at, slot, tail)
    }

    /// The id of a payment known by `name` in a legacy ledger since `at`: the same name and time give the same id.
    pub fn of_legacy(at: DateTime<Utc>, slot: Slot, name: &str) -> Self {
        let digest = Sha256::digest(format!("ledger.legacy.v1|{name}").as_bytes());
        let mut tail = [0_u8; 10];
        tail.copy_from_slice(&digest[..10]);
        Self::assemble(at, slot, tail)
    }

    /// The id that all made at `at` or later follow, and none made before.
    pub fn first_at(at: DateTime<Utc>) -> Self {
        let millis = u64::try_from(at.timestamp_millis()).unwrap_or(0).to_be_bytes();
        let mut bytes = [0_u8; 16];
        bytes[..6].copy_from_slice(&millis[2..]);
        Self(Uuid::from_bytes(bytes))
    }

    fn assemble(at: DateTime<Utc>, slot: Slot, tail: [u8; 10]) -> Self {
        let millis = u64::try_from(at.timestamp_millis()).unwrap_or(0).to_be_bytes();
        let mut bytes = [0_u8; 16];
        bytes[..6].copy_from_slice(&millis[2..]);
        bytes[6..].copy_from_slice(&tail);
        bytes[6] = (bytes[6] & 0x0f) | 0x80;
        bytes[8] = (bytes[8] & 0x3f) | 0x80;
        bytes[14..].copy_from_slice(&slot.0.to_be_bytes());
        Self(Uuid::from_bytes(bytes))
    }

    /// The slot that the id ends in.
    pub fn slot(self) -> Slot {
        let bytes = self.as_bytes();
        Slot(u16::from_be_bytes([bytes[14], bytes[15]]))
    }
}

impl RequestId {
    /// A new request id.
    pub fn new(random: &mut impl rand::Rng) -> Self {
        let mut bytes = [0_u8; 16];
        random.fill_bytes(&mut bytes);
        Self(uuid::Builder::from_random_bytes(bytes).into_uuid())
    }
}

impl RunId {
    /// A new run id.
    pub fn new(random: &mut impl rand::Rng) -> Self {
        let mut bytes = [0_u8; 16];
        random.fill_bytes(&mut bytes);
        Self(uuid::Builder::from_random_bytes(bytes).into_uuid())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_ends_in_its_slot_and_starts_with_its_time() {
        let at = DateTime::from_timestamp_millis(1_795_000_000_123).unwrap();
        let slot = Slot::of("m-1", "order-1");
        let id = PaymentId::new(at, slot, &mut rand::rng());
        assert_eq!(id.slot(), slot);
        assert_eq!(hex::encode(&id.as_bytes()[..6]), format!("{:012x}", 1_795_000_000_123_u64));
        assert_eq!(id.to_string().as_bytes()[14], b'8');
        assert_eq!(id.to_string().parse::<PaymentId>(), Ok(id));
    }

    #[test]
    fn lengths_keep_merchant_and_order_apart() {
        assert_ne!(Slot::of("ab", "c"), Slot::of("a", "bc"));
    }

    #[test]
    fn a_legacy_name_has_one_id() {
        let at = DateTime::from_timestamp_millis(0).unwrap();
        let slot = Slot::of("m", "o");
        assert_eq!(PaymentId::of_legacy(at, slot, "a"), PaymentId::of_legacy(at, slot, "a"));
        assert_ne!(PaymentId::of_legacy(at, slot, "a"), PaymentId::of_legacy(at, slot, "b"));
    }
}
