//! Signature of a Stripe webhook: `Stripe-Signature: t=…,v1=…` over `{t}.{raw body}` (R4.7).

use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use sha2::Sha256;
use subtle::{Choice, ConstantTimeEq};

use crate::payment::gateway::Forged;

/// Largest difference between a signature's time and ours, in seconds, in both directions (R4.7).
pub const TOLERANCE_SECONDS: u64 = 300;

/// Verifies that `body` was signed with one of `secrets`, at most [`TOLERANCE_SECONDS`] from `now`.
///
/// The exact bytes count. A blank secret never verifies anything.
///
/// # Rejects
/// See [`Forged`].
pub fn verify(header: &str, body: &[u8], secrets: &[&str], now: Timestamp) -> Result<(), Forged> {
    if header.trim().is_empty() {
        return Err(Forged::Unsigned);
    }
    let signed = Header::parse(header)?;
    if signed.seconds.abs_diff(now.as_second()) > TOLERANCE_SECONDS {
        return Err(Forged::Stale);
    }
    let mut genuine = Choice::from(0);
    for secret in secrets.iter().filter(|secret| !secret.trim().is_empty()) {
        let expected = digest(secret, signed.time, body)?;
        for candidate in &signed.candidates {
            genuine |= expected.ct_eq(candidate);
        }
    }
    if bool::from(genuine) { Ok(()) } else { Err(Forged::Signature) }
}

/// Signature header that Stripe would send for `body` with `secret` at `at`.
pub fn sign(secret: &str, body: &[u8], at: Timestamp) -> Result<String, Forged> {
    let time = at.as_second().to_string();
    let digest = digest(secret, &time, body)?;
    Ok(format!("t={time},v1={}", data_encoding::HEXLOWER.encode(&digest)))
}

fn digest(secret: &str, time: &str, body: &[u8]) -> Result<Vec<u8>, Forged> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).map_err(|_| Forged::Signature)?;
    mac.update(time.as_bytes());
    mac.update(b".");
    mac.update(body);
    Ok(mac.finalize().into_bytes().to_vec())
}

struct Header<'a> {
    time: &'a str,
    seconds: i64,
    candidates: Vec<Vec<u8>>,
}

impl<'a> Header<'a> {
    fn parse(header: &'a str) -> Result<Self, Forged> {
        let mut times = Vec::new();
        let mut candidates = Vec::new();
        for part in header.split(',') {
            let (name, value) = part.trim().split_once('=').ok_or(Forged::Malformed)?;
            match name {
                "t" => times.push(value),
                "v1" => candidates.push(data_encoding::HEXLOWER.decode(value.as_bytes()).unwrap_or_default()),
                _ => {}
            }
        }
        let [time] = times.as_slice() else { return Err(Forged::Malformed) };
        let plain = !time.is_empty() && time.bytes().all(|byte| byte.is_ascii_digit());
        let seconds = time.parse().ok().filter(|_| plain).ok_or(Forged::Malformed)?;
        if candidates.is_empty() {
            return Err(Forged::Unsigned);
        }
        Ok(Self { time, seconds, candidates })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const SECRET: &str = "whsec_test_0123456789";
    const BODY: &[u8] = br#"{"id": "evt_1",  "object":"event"}"#;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }
    fn now() -> Timestamp {
        at(1_790_000_000)
    }
    fn header() -> String {
        sign(SECRET, BODY, now()).unwrap()
    }
    fn v1() -> String {
        header().split_once("v1=").unwrap().1.to_owned()
    }
    fn check(header: &str) -> Result<(), Forged> {
        verify(header, BODY, &[SECRET], now())
    }

    /// R4.7: a known answer, computed with another implementation.
    #[test]
    fn the_signature_is_hmac_sha256_of_time_dot_body() {
        let header = sign("whsec_test", b"{\"id\":\"evt_1\"}", at(1_700_000_000)).unwrap();
        assert_eq!(header, "t=1700000000,v1=c89214b5b5da833daed6f0b8c5bb6bd58cea9022bd80ccc78230f3942d632925");
    }

    /// R4.7
    #[test]
    fn a_genuine_event_verifies() {
        assert_eq!(check(&header()), Ok(()));
    }

    /// R4.7: the signature covers the bytes and not their meaning.
    #[test]
    fn a_reserialised_body_is_forged() {
        let compact = br#"{"id":"evt_1","object":"event"}"#;
        assert_eq!(verify(&header(), compact, &[SECRET], now()), Err(Forged::Signature));
    }

    /// R4.7
    #[test]
    fn a_base64_or_compressed_body_is_forged() {
        let base64 = data_encoding::BASE64.encode(BODY);
        let gzip = [&[0x1f, 0x8b, 8, 0][..], BODY].concat();
        for body in [base64.as_bytes(), &gzip, b"", &[0xff, 0xfe]] {
            assert_eq!(verify(&header(), body, &[SECRET], now()), Err(Forged::Signature));
        }
    }

    /// R4.7: bytes that are no text are signed like any others; parsing comes later.
    #[test]
    fn a_body_of_invalid_utf8_can_be_genuine() {
        let body = [0xff, 0xfe, b'{'];
        let header = sign(SECRET, &body, now()).unwrap();
        assert_eq!(verify(&header, &body, &[SECRET], now()), Ok(()));
    }

    /// R4.7: 300 seconds are allowed in both directions, 301 are not.
    #[test]
    fn the_time_may_be_three_hundred_seconds_off_either_way() {
        for (offset, expected) in [(-301, Err(Forged::Stale)), (-300, Ok(())), (300, Ok(())), (301, Err(Forged::Stale))]
        {
            let header = sign(SECRET, BODY, at(1_790_000_000 + offset)).unwrap();
            assert_eq!(check(&header), expected, "{offset}");
        }
    }

    /// R4.7: during a rotation of the secret Stripe signs with both.
    #[test]
    fn one_of_several_signatures_is_enough() {
        let other = "0".repeat(64);
        assert_eq!(check(&format!("t=1790000000,v1={other},v1={},v1={other}", v1())), Ok(()));
        assert_eq!(check(&format!("t=1790000000,v1={other},v1={other}")), Err(Forged::Signature));
    }

    /// R4.7: current and previous secret are both accepted.
    #[test]
    fn either_of_two_secrets_verifies() {
        assert_eq!(verify(&header(), BODY, &["whsec_new", SECRET], now()), Ok(()));
        assert_eq!(verify(&header(), BODY, &["whsec_new", "whsec_newer"], now()), Err(Forged::Signature));
    }

    /// R4.7: an empty secret verifies nothing, not even a body signed with it.
    #[test]
    fn an_empty_secret_fails_closed() {
        for blank in ["", " "] {
            let header = sign(blank, BODY, now()).unwrap();
            assert_eq!(verify(&header, BODY, &[blank], now()), Err(Forged::Signature));
        }
        assert_eq!(verify(&header(), BODY, &[], now()), Err(Forged::Signature));
    }

    /// R4.7
    #[test]
    fn a_missing_signature_is_forged() {
        assert_eq!(check(""), Err(Forged::Unsigned));
        assert_eq!(check("t=1790000000"), Err(Forged::Unsigned));
    }

    /// R4.7: `v0` is Stripe's test scheme and never counts.
    #[test]
    fn a_v0_signature_alone_is_forged() {
        assert_eq!(check(&format!("t=1790000000,v0={}", v1())), Err(Forged::Unsigned));
        assert_eq!(check(&format!("t=1790000000,v1={},v0=ab", v1())), Ok(()));
    }

    /// R4.7
    #[test]
    fn a_truncated_or_garbled_signature_is_forged() {
        let v1 = v1();
        for bad in [&v1[..63], &v1[..62], &v1.to_uppercase(), "", "zz", &format!("{v1}00")] {
            assert_eq!(check(&format!("t=1790000000,v1={bad}")), Err(Forged::Signature), "{bad}");
        }
    }

    /// R4.7: the time must occur once, as plain digits.
    #[test]
    fn a_repeated_negative_or_garbled_time_is_forged() {
        let v1 = v1();
        for times in [
            "t=1790000000,t=1790000000",
            "t=1790000000,t=1",
            "t=-1790000000",
            "t=+1790000000",
            "t=",
            "t=1790000000.0",
            "t=1e9",
            "t=１７９０",
            "t=99999999999999999999999",
            "T=1790000000",
            "nonsense",
        ] {
            assert_eq!(check(&format!("{times},v1={v1}")), Err(Forged::Malformed), "{times}");
        }
    }

    /// R4.7
    #[test]
    fn another_time_than_the_signed_one_is_forged() {
        assert_eq!(check(&format!("t=1790000001,v1={}", v1())), Err(Forged::Signature));
    }
}
