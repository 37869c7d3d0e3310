//! The deployment's secret, the key of labelled hashes.

use data_encoding::BASE64URL_NOPAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;

/// Key of labelled hashes: fingerprints, key parts, cursors, codes.
#[derive(Clone)]
pub struct Secret(Vec<u8>);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl Secret {
    /// A secret with these bytes.
    pub fn new(bytes: impl Into<Vec<u8>>) -> Self {
        Self(bytes.into())
    }

    /// HMAC-SHA-256 of the parts under this secret.
    ///
    /// `label` separates the uses. Each part is length-prefixed, so two different lists of parts never hash the same input.
    pub fn hash(&self, label: &str, parts: &[&[u8]]) -> [u8; 32] {
        let mut mac = match Hmac::<Sha256>::new_from_slice(&self.0) {
            Ok(mac) => mac,
            Err(never) => unreachable!("HMAC takes keys of any length: {never}"),
        };
        for part in std::iter::once(label.as_bytes()).chain(parts.iter().copied()) {
            mac.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            mac.update(part);
        }
        mac.finalize().into_bytes().into()
    }

    /// [`Self::hash`] in lower-case hexadecimal.
    pub fn hex(&self, label: &str, parts: &[&[u8]]) -> String {
        data_encoding::HEXLOWER.encode(&self.hash(label, parts))
    }

    /// Token that says these bytes and proves them by the first `PROOF` bytes of their labelled hash, in base64url.
    pub fn token<const PROOF: usize>(&self, label: &str, said: &[u8]) -> String {
        BASE64URL_NOPAD.encode(&[said, &self.proof::<PROOF>(label, said)].concat())
    }

    /// The bytes that a token says; `None` for one that this secret did not make under this label. Compares in constant time.
    pub fn read_token<const PROOF: usize>(&self, label: &str, token: &str) -> Option<Vec<u8>> {
        let bytes = BASE64URL_NOPAD.decode(token.as_bytes()).ok()?;
        let (said, shown) = bytes.split_at_checked(bytes.len().checked_sub(PROOF)?)?;
        bool::from(self.proof::<PROOF>(label, said).ct_eq(shown)).then(|| said.to_vec())
    }

    fn proof<const PROOF: usize>(&self, label: &str, said: &[u8]) -> Vec<u8> {
        self.hash(label, &[said]).into_iter().take(PROOF).collect()
    }
}

/// Secrets by which a CDN before the API proves itself (R2.9): the current and, during a rotation, the previous one.
#[derive(Clone, Default)]
pub struct OriginSecrets(Vec<String>);

impl OriginSecrets {
    /// The secrets.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

impl FromIterator<String> for OriginSecrets {
    fn from_iter<I: IntoIterator<Item = String>>(secrets: I) -> Self {
        let secrets = secrets.into_iter().map(|secret| secret.trim().to_owned());
        Self(secrets.filter(|secret| !secret.is_empty()).collect())
    }
}

impl std::fmt::Debug for OriginSecrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "OriginSecrets({})", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_read_by_its_secret_and_label_and_unchanged_only() {
        let secret = Secret::new(*b"secret");
        let token = secret.token::<16>("use", b"said");
        assert_eq!(secret.read_token::<16>("use", &token).as_deref(), Some(b"said".as_slice()));
        assert_eq!(secret.read_token::<16>("other", &token), None);
        assert_eq!(secret.read_token::<32>("use", &token), None);
        assert_eq!(Secret::new(*b"other").read_token::<16>("use", &token), None);
        for changed in ["", "AAAA", &token[1..], &token.to_uppercase(), &format!("{token}AA")] {
            assert_eq!(secret.read_token::<16>("use", changed), None, "{changed}");
        }
        assert_eq!(secret.token::<32>("use", b"").len(), 43, "base64url of the proof alone");
    }

    #[test]
    fn parts_of_a_hash_cannot_be_shifted_into_each_other() {
        let secret = Secret::new(*b"secret");
        assert_ne!(secret.hex("once", &[b"ab", b"c"]), secret.hex("once", &[b"a", b"bc"]));
    }
}
