//! Cursors: where a list goes on, signed. A cursor holds its version, the merchant, the list with its filter, the instant the
//! list is shown as of, and the place after which it goes on; nobody can make or change one without a key of ours.

use std::fmt;

use chrono::{DateTime, TimeDelta, Utc};
use hmac::{Hmac, KeyInit as _, Mac as _};
use rand::Rng as _;
use sha2::{Digest as _, Sha256};

use crate::problem::Problem;

/// The form of the bytes below.
const VERSION: u8 = 1;
/// Bytes of the hash of a merchant, and of a list with its filter.
const SCOPE: usize = 16;
/// Bytes of the signature that are kept.
const TAG: usize = 16;
/// Version, two instants, merchant, filter.
const HEAD: usize = 1 + 8 + 8 + SCOPE + SCOPE;
/// The longest place.
const LONGEST_PLACE: usize = 64;

/// How lists are paged: the keys of their cursors, how long one is good, how far behind the clock they are shown.
#[derive(Debug)]
pub struct Lists {
    keys: Vec<CursorKey>,
    valid_for: TimeDelta,
    settle: TimeDelta,
}

/// A key; the first one signs, all are accepted.
#[derive(Clone)]
pub struct CursorKey([u8; 32]);

impl fmt::Debug for CursorKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

impl CursorKey {
    /// A key of 32 bytes, in hexadecimal.
    pub fn parse(text: &str) -> Option<Self> {
        Some(Self(hex::decode(text).ok()?.try_into().ok()?))
    }

    fn signature(&self, bytes: &[u8]) -> Option<Hmac<Sha256>> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).ok()?;
        mac.update(bytes);
        Some(mac)
    }
}

/// What a cursor belongs to: the cursor of another merchant, list or filter is none.
#[derive(Debug, Clone, Copy)]
pub struct Scope<'a> {
    /// Whose list.
    pub merchant_id: &'a str,
    /// Which list.
    pub list: &'a str,
    /// Its filter, in one spelling.
    pub filter: &'a str,
}

/// Where a list goes on, the instant it is shown as of, and when it was begun.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    pub as_of: DateTime<Utc>,
    pub began: DateTime<Utc>,
    pub after: Vec<u8>,
}

impl Lists {
    /// With these keys, the one that signs first. Without any, with one that this process makes up: its cursors are good here
    /// and until it ends.
    pub fn new(keys: Vec<CursorKey>, valid_for: TimeDelta, settle: TimeDelta) -> Self {
        let keys = if keys.is_empty() {
            let mut key = [0; 32];
            rand::rng().fill_bytes(&mut key);
            vec![CursorKey(key)]
        } else {
            keys
        };
        Self { keys, valid_for, settle }
    }

    /// The instant that a list begun at `now` is shown as of: a little earlier, so that what was decided before it is written.
    pub fn as_of(&self, now: DateTime<Utc>) -> DateTime<Utc> {
        ledger_core::time::to_micros(now - self.settle)
    }

    /// The cursor of a place.
    pub fn seal(&self, scope: Scope<'_>, place: &Place) -> Option<String> {
        let mut bytes = head(scope, place.as_of, place.began);
        bytes.extend(&place.after);
        let mac = self.keys.first()?.signature(&bytes)?;
        bytes.extend(&mac.finalize().into_bytes()[..TAG]);
        Some(hex::encode(bytes))
    }

    /// The place of a cursor that was sealed here, for this scope, and not too long ago.
    pub fn open(&self, scope: Scope<'_>, cursor: &str, now: DateTime<Utc>) -> Result<Place, Problem> {
        let unknown = "is none of this list; take nextCursor of the page before, unchanged, or leave it out to begin anew";
        let refused = |why: &str| Problem::parameter("cursor", why);
        if cursor.len() > 2 * (HEAD + LONGEST_PLACE + TAG) {
            return Err(refused(unknown));
        }
        let bytes = hex::decode(cursor).map_err(|_| refused(unknown))?;
        if hex::encode(&bytes) != cursor {
            return Err(refused(unknown));
        }
        let (signed, tag) = bytes.split_at_checked(bytes.len().saturating_sub(TAG)).unwrap_or_default();
        let is_ours = |key: &CursorKey| {
            key.signature(signed)
                .is_some_and(|mac| tag.len() == TAG && mac.verify_truncated_left(tag).is_ok())
        };
        if signed.len() < HEAD || !self.keys.iter().any(is_ours) {
            return Err(refused(unknown));
        }
        let (known, after) = signed.split_at(HEAD);
        let instant = |at: std::ops::Range<usize>| {
            let micros = i64::from_be_bytes(known.get(at)?.try_into().ok()?);
            DateTime::from_timestamp_micros(micros)
        };
        let (as_of, began) = instant(1..9).zip(instant(9..17)).ok_or_else(|| refused(unknown))?;
        let expected = head(scope, as_of, began);
        if known.get(..HEAD - SCOPE) != expected.get(..HEAD - SCOPE) {
            return Err(refused(unknown));
        }
        if known != expected {
            return Err(refused(
                "belongs to another filter; send the parameters of the page before unchanged, or leave the cursor out to begin anew",
            ));
        }
        if began < now - self.valid_for {
            let hours = self.valid_for.num_hours();
            return Err(refused(&format!("is older than {hours} hours; leave it out to begin anew")));
        }
        Ok(Place { as_of, began, after: after.to_vec() })
    }
}

impl Default for Lists {
    fn default() -> Self {
        Self::new(Vec::new(), TimeDelta::hours(24), TimeDelta::zero())
    }
}

fn head(scope: Scope<'_>, as_of: DateTime<Utc>, began: DateTime<Utc>) -> Vec<u8> {
    let mut bytes = vec![VERSION];
    bytes.extend(as_of.timestamp_micros().to_be_bytes());
    bytes.extend(began.timestamp_micros().to_be_bytes());
    bytes.extend(&short_hash(&["ledger.cursor.merchant.v1", scope.merchant_id]));
    bytes.extend(&short_hash(&["ledger.cursor.list.v1", scope.list, scope.filter]));
    bytes
}

/// Lengths keep neighbours apart.
fn short_hash(parts: &[&str]) -> [u8; SCOPE] {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        hash.update(part.as_bytes());
    }
    let mut short = [0; SCOPE];
    short.copy_from_slice(&hash.finalize()[..SCOPE]);
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCOPE_1: Scope<'_> = Scope { merchant_id: "m-1", list: "transactions", filter: "type=CANCEL" };

    fn lists(keys: &[u8]) -> Lists {
        let keys = keys.iter().map(|byte| CursorKey([*byte; 32])).collect();
        Lists::new(keys, TimeDelta::hours(24), TimeDelta::seconds(1))
    }

    fn now() -> DateTime<Utc> {
        DateTime::from_timestamp(1_795_000_000, 0).unwrap()
    }

    fn place() -> Place {
        Place { as_of: now() - TimeDelta::days(30), began: now(), after: vec![1, 2, 3] }
    }

    #[test]
    fn a_cursor_opens_to_what_was_sealed_and_to_nobody_else() {
        let lists = lists(&[1]);
        let cursor = lists.seal(SCOPE_1, &place()).unwrap();
        assert_eq!(lists.open(SCOPE_1, &cursor, now()), Ok(place()));
        let others = [
            Scope { merchant_id: "m-2", ..SCOPE_1 },
            Scope { list: "payments", ..SCOPE_1 },
            Scope { filter: "", ..SCOPE_1 },
        ];
        for other in others {
            let problem = lists.open(other, &cursor, now()).unwrap_err();
            assert_eq!(problem.errors[0].parameter, Some("cursor"), "{other:?}");
        }
    }

    #[test]
    fn no_changed_byte_goes_unnoticed_and_no_length_panics() {
        let lists = lists(&[1]);
        let cursor = lists.seal(SCOPE_1, &place()).unwrap();
        let bytes = hex::decode(&cursor).unwrap();
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            assert!(lists.open(SCOPE_1, &hex::encode(changed), now()).is_err(), "byte {at}");
            assert!(lists.open(SCOPE_1, &hex::encode(&bytes[..at]), now()).is_err(), "length {at}");
        }
        for bad in ["", "x", "00", &"00".repeat(80), &"0".repeat(5_000)] {
            assert!(lists.open(SCOPE_1, bad, now()).is_err(), "{bad}");
        }
    }

    #[test]
    fn keys_are_changed_by_adding_one_in_front_and_dropping_the_last_later() {
        let old = lists(&[1]).seal(SCOPE_1, &place()).unwrap();
        let both = lists(&[2, 1]);
        assert!(both.open(SCOPE_1, &old, now()).is_ok());
        let new = both.seal(SCOPE_1, &place()).unwrap();
        assert!(lists(&[2]).open(SCOPE_1, &new, now()).is_ok());
        assert!(lists(&[1]).open(SCOPE_1, &new, now()).is_err());
        assert!(
            Lists::default().open(SCOPE_1, &new, now()).is_err(),
            "a key that was made up is not guessed"
        );
    }

    #[test]
    fn a_cursor_is_good_for_a_day() {
        let lists = lists(&[1]);
        let cursor = lists.seal(SCOPE_1, &place()).unwrap();
        assert!(lists.open(SCOPE_1, &cursor, now() + TimeDelta::hours(24)).is_ok());
        let problem = lists.open(SCOPE_1, &cursor, now() + TimeDelta::hours(25)).unwrap_err();
        assert!(problem.detail.contains("older than 24 hours"), "{}", problem.detail);
    }

    #[test]
    fn keys_are_thirty_two_bytes_and_do_not_print() {
        assert!(CursorKey::parse(&"0a".repeat(32)).is_some());
        for bad in ["", "0a", &"0a".repeat(33), &"xx".repeat(32)] {
            assert!(CursorKey::parse(bad).is_none(), "{bad}");
        }
        assert!(!format!("{:?}", lists(&[7])).contains("7, 7"));
    }
}
