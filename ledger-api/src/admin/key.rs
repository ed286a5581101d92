//! Making API keys: a public part to find one by, and a secret of 256 random bits of which only the hash is kept.

use ledger_core::reference::ApiKey;
use rand::Rng as _;
use sha2::{Digest as _, Sha256};

use ledger_core::card_number;

/// A key that was just made, with the only copy of its secret.
pub struct NewKey {
    /// What is kept.
    pub key: ApiKey,
    /// What the merchant gets: `<keyId>.<secret>`.
    pub bearer: String,
}

/// Makes a key for a merchant.
pub fn make(merchant_id: &str) -> NewKey {
    let mut random = rand::rng();
    let mut text = |length: usize| loop {
        let mut bytes = [0_u8; 32];
        random.fill_bytes(&mut bytes);
        let text = hex::encode(&bytes[..length]);
        // sixteen digits by chance would be taken for a card number wherever the key is named
        if !card_number::is_in(&text) {
            return text;
        }
    };
    let key_id = format!("lk_{}", text(8));
    let secret = text(32);
    let secret_hash = Sha256::digest(secret.as_bytes()).into();
    let bearer = format!("{key_id}.{secret}");
    NewKey {
        key: ApiKey { key_id, merchant_id: merchant_id.to_owned(), secret_hash, revoked_at: None },
        bearer,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_keys_share_nothing_and_fit_their_columns() {
        let (one, two) = (make("m"), make("m"));
        assert_ne!(one.bearer, two.bearer);
        assert_ne!(one.key.secret_hash, two.key.secret_hash);
        assert!(one.key.key_id.len() <= 24);
        assert!(one.bearer.starts_with(&format!("{}.", one.key.key_id)));
    }
}
