//! Operators' keys: Ed25519. What an operator proposes or decides is signed with a key that never leaves the operator's
//! machine; the ledger and the verifier know the public half, registered by `ledger-admin operator add`.

use std::fmt;

use chrono::{DateTime, Utc};
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use sha2::{Digest as _, Sha256};

use crate::payment::correction_fact::Signature;

/// Who acts, and by which key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// The person.
    pub operator_id: String,
    /// The key.
    pub key_id: String,
}

/// A registered key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OperatorKey {
    pub key_id: String,
    pub operator_id: String,
    pub public_key: [u8; 32],
    pub created_at: DateTime<Utc>,
    pub created_by: String,
    pub revoked_at: Option<DateTime<Utc>>,
    pub revoked_for: Option<String>,
}

impl OperatorKey {
    /// Whether a signature over `message` is this key's.
    pub fn has_signed(&self, message: &[u8], signature: &Signature) -> bool {
        UnparsedPublicKey::new(&ED25519, &self.public_key).verify(message, &signature.0).is_ok()
    }

    /// Whether the key counted at `at`.
    pub fn is_valid_at(&self, at: DateTime<Utc>) -> bool {
        self.created_at <= at && self.revoked_at.is_none_or(|revoked| at < revoked)
    }
}

/// The secret half of a key, in an operator's hands.
pub struct Signer {
    actor: Actor,
    pair: Ed25519KeyPair,
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signer({}, {}, [redacted])", self.actor.operator_id, self.actor.key_id)
    }
}

/// A seed that makes no key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the secret is no Ed25519 key")]
pub struct InvalidSecret;

impl Signer {
    /// The key that 32 secret bytes make. Its id follows from its public half.
    pub fn from_seed(operator_id: impl Into<String>, seed: &[u8; 32]) -> Result<Self, InvalidSecret> {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed).map_err(|_| InvalidSecret)?;
        let public: [u8; 32] = pair.public_key().as_ref().try_into().map_err(|_| InvalidSecret)?;
        let actor = Actor { operator_id: operator_id.into(), key_id: key_id_of(&public) };
        Ok(Self { actor, pair })
    }

    /// Whose key it is.
    pub const fn actor(&self) -> &Actor {
        &self.actor
    }

    /// The public half.
    pub fn public_key(&self) -> [u8; 32] {
        self.pair.public_key().as_ref().try_into().unwrap_or_default()
    }

    /// Signs.
    pub fn sign(&self, message: &[u8]) -> Signature {
        Signature(self.pair.sign(message).as_ref().try_into().unwrap_or([0; 64]))
    }
}

/// The name of a public key: `ok_` and the first bytes of its hash.
pub fn key_id_of(public_key: &[u8; 32]) -> String {
    format!("ok_{}", hex::encode(&Sha256::digest(public_key)[..8]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_of_one_key_over_one_message() {
        let (kim, lee) =
            (Signer::from_seed("kim", &[1; 32]).unwrap(), Signer::from_seed("lee", &[2; 32]).unwrap());
        let key = OperatorKey {
            key_id: kim.actor().key_id.clone(),
            operator_id: "kim".to_owned(),
            public_key: kim.public_key(),
            created_at: DateTime::UNIX_EPOCH,
            created_by: "test".to_owned(),
            revoked_at: None,
            revoked_for: None,
        };
        assert!(key.has_signed(b"a", &kim.sign(b"a")));
        assert!(!key.has_signed(b"b", &kim.sign(b"a")));
        assert!(!key.has_signed(b"a", &lee.sign(b"a")));
        assert!(key.key_id.len() <= 24);
        assert!(!format!("{kim:?}").contains("0101"), "a secret does not print");
    }
}
