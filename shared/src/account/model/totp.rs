//! Time-based one-time codes (RFC 6238) over HMAC-SHA-1: six digits, a step of thirty seconds, one step of tolerance.

use data_encoding::BASE32_NOPAD;
use jiff::Timestamp;
use ring::hmac::{HMAC_SHA1_FOR_LEGACY_USE_ONLY, Key, sign};
use subtle::{Choice, ConditionallySelectable, ConstantTimeEq};

/// Length of a step in seconds.
pub const STEP_SECONDS: i64 = 30;
/// Digits of a code.
pub const DIGITS: usize = 6;
/// Steps before and after the current one whose codes are right, too.
const TOLERANCE: i64 = 1;
/// Bytes of a key, as RFC 4226 recommends for SHA-1.
const KEY_BYTES: usize = 20;

/// Key that an authenticator app shares with the deployment.
#[derive(Clone, PartialEq, Eq)]
pub struct TotpKey(Vec<u8>);

impl std::fmt::Debug for TotpKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TotpKey(…)")
    }
}

impl TotpKey {
    /// The key made of the first bytes of a hash.
    pub fn of_hash(hash: &[u8; 32]) -> Self {
        Self(hash.iter().take(KEY_BYTES).copied().collect())
    }

    /// The key in Base32, as people type it into an app.
    pub fn base32(&self) -> String {
        BASE32_NOPAD.encode(&self.0)
    }

    /// The URI that an app reads from a QR code.
    ///
    /// Apps show `issuer` and `account`, and keep one key for the two of them.
    pub fn uri(&self, issuer: &str, account: &str) -> String {
        let text =
            |text: &str| percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string();
        let (issuer, account) = (text(issuer), text(account));
        let key = self.base32();
        format!(
            "otpauth://totp/{issuer}:{account}?secret={key}&issuer={issuer}&algorithm=SHA1&digits={DIGITS}&period={STEP_SECONDS}"
        )
    }

    /// Finds the step around `now` whose code was typed; compares every one of them, in constant time.
    pub fn step_of(&self, typed: &str, now: Timestamp) -> Option<i64> {
        let current = now.as_second().div_euclid(STEP_SECONDS);
        let (mut step, mut is_right) = (0_i64, Choice::from(0));
        for candidate in current.saturating_sub(TOLERANCE)..=current.saturating_add(TOLERANCE) {
            let same = self.code(candidate).as_bytes().ct_eq(typed.as_bytes());
            step.conditional_assign(&candidate, same);
            is_right |= same;
        }
        bool::from(is_right).then_some(step)
    }

    /// The six digits of a step.
    pub fn code(&self, step: i64) -> String {
        format!("{:06}", self.truncated(step) % 1_000_000)
    }

    /// The 31 bits of a step's hash of which its digits are the last ones (RFC 4226, 5.3).
    fn truncated(&self, step: i64) -> u32 {
        let tag = sign(&Key::new(HMAC_SHA1_FOR_LEGACY_USE_ONLY, &self.0), &step.to_be_bytes());
        let offset = tag.as_ref().last().map_or(0, |byte| usize::from(byte & 0x0f));
        let four = tag.as_ref().iter().skip(offset).take(4);
        four.fold(0_u32, |number, byte| (number << 8) | u32::from(*byte)) & 0x7fff_ffff
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn rfc() -> TotpKey {
        TotpKey(b"12345678901234567890".to_vec())
    }

    /// R2.12: the vectors of RFC 6238, Appendix B, for SHA-1.
    #[test]
    fn codes_are_those_of_the_rfc() {
        for (second, code) in [
            (59_i64, 94_287_082),
            (1_111_111_109, 7_081_804),
            (1_111_111_111, 14_050_471),
            (1_234_567_890, 89_005_924),
            (2_000_000_000, 69_279_037),
            (20_000_000_000, 65_353_130),
        ] {
            assert_eq!(rfc().truncated(second / STEP_SECONDS) % 100_000_000, code, "{second}");
        }
        assert_eq!(rfc().code(1), "287082");
    }

    /// R2.12: the code of the step before and of the one after are right, too; no other is.
    #[test]
    fn a_code_is_right_one_step_early_and_one_step_late() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let current = 1_234_567_890 / STEP_SECONDS;
        for step in current - 3..=current + 3 {
            let found = rfc().step_of(&rfc().code(step), at(1_234_567_890));
            assert_eq!(found, Some(step).filter(|step| (step - current).abs() <= 1), "{step}");
        }
        for typed in ["", "28708", "2870820", "abcdef"] {
            assert_eq!(rfc().step_of(typed, at(59)), None, "{typed}");
        }
    }

    /// R2.12: an app reads issuer, account and key, whatever characters the names have.
    #[test]
    fn the_uri_names_issuer_account_and_key() {
        assert_eq!(
            rfc().uri("Ann & Bob", "a+b@example.com"),
            "otpauth://totp/Ann%20%26%20Bob:a%2Bb%40example%2Ecom?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ\
             &issuer=Ann%20%26%20Bob&algorithm=SHA1&digits=6&period=30"
        );
    }
}
