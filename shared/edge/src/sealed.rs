//! Sealed texts: encrypted and authenticated under the deployment's secret, for what a browser holds and must neither read nor
//! change (C6.3, C6.8).

use data_encoding::BASE64URL_NOPAD;
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};

use kernel::secret::Secret;

/// Bytes of a nonce.
pub const NONCE: usize = NONCE_LEN;
/// Maximum characters of a sealed text.
const MAX: usize = 8 * 1024;

fn key(secret: &Secret, label: &str) -> Option<LessSafeKey> {
    let key = secret.hash("sealed", &[label.as_bytes()]);
    Some(LessSafeKey::new(UnboundKey::new(&CHACHA20_POLY1305, &key).ok()?))
}

/// Seals a text for one use, named by `label`; `None` only if the cipher fails, which it never does for short texts.
pub fn seal(secret: &Secret, label: &str, nonce: [u8; NONCE], text: &[u8]) -> Option<String> {
    let mut bytes = text.to_vec();
    let by = Nonce::assume_unique_for_key(nonce);
    key(secret, label)?.seal_in_place_append_tag(by, Aad::empty(), &mut bytes).ok()?;
    Some(BASE64URL_NOPAD.encode(&[nonce.as_slice(), &bytes].concat()))
}

/// Opens a text that was sealed for this use; `None` for any other.
pub fn open(secret: &Secret, label: &str, sealed: &str) -> Option<Vec<u8>> {
    let bytes = BASE64URL_NOPAD.decode(Some(sealed).filter(|text| text.len() <= MAX)?.as_bytes()).ok()?;
    let (nonce, rest) = bytes.split_first_chunk::<NONCE>()?;
    let mut rest = rest.to_vec();
    let by = Nonce::assume_unique_for_key(*nonce);
    let opened = key(secret, label)?.open_in_place(by, Aad::empty(), &mut rest).ok()?;
    Some(opened.to_vec())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;

    /// C6.3: what was sealed opens for its use only, and not after any change.
    #[test]
    fn a_sealed_text_opens_for_its_use_only_and_unchanged_only() {
        let secret = Secret::new(*b"secret");
        let sealed = seal(&secret, "form", [7; NONCE], b"text").unwrap();
        assert_eq!(open(&secret, "form", &sealed).as_deref(), Some(b"text".as_slice()));
        assert_eq!(open(&secret, "flash", &sealed), None);
        assert_eq!(open(&Secret::new(*b"other"), "form", &sealed), None);
        for place in 0..sealed.len() {
            let other = if &sealed[place..=place] == "A" { "B" } else { "A" };
            let changed = format!("{}{other}{}", &sealed[..place], &sealed[place + 1..]);
            assert_eq!(open(&secret, "form", &changed), None, "{place}");
        }
        assert_eq!(open(&secret, "form", ""), None);
    }
}
