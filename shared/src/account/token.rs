//! Access and refresh tokens (R2.5).
//!
//! An access token is a JWT signed with Ed25519, valid for fifteen minutes. Only `registration` holds the signing key; the
//! other functions verify with the public keys of one table item. A refresh token is derived, not stored: the `n`-th of a
//! session is an HMAC under the signing key. So the table holds a number and no secret, and a token's successor can be issued
//! twice.
//!
//! ring makes the signatures, because jsonwebtoken's own back ends would link a second cryptography library.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use data_encoding::BASE64URL_NOPAD;
use jiff::{Timestamp, ToSpan};
use jsonwebtoken::crypto::{CryptoProvider, JwtSigner, JwtVerifier, KeyUtils};
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair, VerificationAlgorithm};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;
use ulid::Ulid;

use crate::account::model::access::Bearer;
use crate::account::model::identity::Role;
pub use crate::account::model::user::ACCESS_SECONDS;
use kernel::fault::Fault;
use kernel::id::{SessionId, UserId};
use kernel::month::Month;
use kernel::secret::Secret;

/// Lifetime of a refresh token, in days.
pub const REFRESH_DAYS: i64 = 30;
/// Characters of a key id.
const KID_LENGTH: usize = 12;
/// Seconds in which a repeat of the previous refresh token gets the same successor.
pub const REPEAT_SECONDS: i64 = 30;

/// Claims of an access token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// User id.
    pub sub: UserId,
    pub role: Role,
    /// Session id.
    pub sid: SessionId,
    /// Number of the password that the session began with.
    #[serde(default)]
    pub pwd: u64,
    /// Generation of the account's sessions that the session began in.
    #[serde(default, rename = "gen")]
    pub generation: u64,
    /// Time when the second factor was last given in the session, epoch seconds (R2.12).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub second_factor_at: Option<i64>,
    /// Issue time, epoch seconds.
    pub iat: i64,
    /// Expiry, epoch seconds.
    pub exp: i64,
    /// Issuer: the deployment's public base URL.
    pub iss: String,
}

impl Claims {
    /// Returns what the account compares (R2.5).
    pub fn bearer(&self) -> Bearer {
        Bearer { user: self.sub, session: self.sid, password_number: self.pwd, generation: self.generation }
    }

    /// Returns when the second factor was last given in the session.
    pub fn second_factor_given(&self) -> Option<Timestamp> {
        self.second_factor_at.and_then(|second| Timestamp::from_second(second).ok())
    }
}

/// Claims of the cookie of a browser session (C5.1).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BrowserClaims {
    /// Audience: the console.
    pub aud: String,
    /// User id.
    pub sub: UserId,
    /// Session id.
    pub sid: SessionId,
    /// Issue time, epoch seconds.
    pub iat: i64,
    /// Expiry, epoch seconds.
    pub exp: i64,
    /// Issuer: the deployment's public base URL.
    pub iss: String,
}

/// Audience of the cookies of browser sessions.
const CONSOLE: &str = "console";

/// Public keys that verify access tokens, as stored.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublicKeys {
    /// Newest first.
    pub keys: Vec<PublicKey>,
    /// First publication, or the first admin's creation if that came before: the deployment has nothing older. Absent in
    /// deployments that published before this was kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
}

impl PublicKeys {
    /// None yet, of a deployment that begins.
    pub fn begun(now: Timestamp) -> Self {
        Self { keys: Vec::new(), since: Some(now) }
    }

    /// Month before which the deployment has nothing, if it is known; a day is left for clocks that differ.
    pub fn first_month(&self) -> Option<Month> {
        let since = self.since?;
        Some(Month::of(since.checked_sub(24.hours()).unwrap_or(since)))
    }
}

/// One public key, in the fields of a JWK.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublicKey {
    /// Key id.
    pub kid: String,
    /// Public key, base64url.
    pub x: String,
}

/// Signer of access tokens and source of refresh tokens; only `registration` has one.
#[derive(Clone)]
pub struct Signer {
    key: EncodingKey,
    public: PublicKey,
    refresh: Secret,
    issuer: String,
}

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Signer({})", self.public.kid)
    }
}

impl Signer {
    /// Builds the signer of a 32-byte seed.
    ///
    /// # Errors
    /// A fault for a seed of another length.
    pub fn new(seed: &[u8], issuer: &str) -> Result<Self, Fault> {
        install();
        let pair = Ed25519KeyPair::from_seed_unchecked(seed);
        let pair = pair.map_err(|_| Fault::bug("the signing key must be 32 bytes"))?;
        let x = BASE64URL_NOPAD.encode(pair.public_key().as_ref());
        let kid = x.chars().take(KID_LENGTH).collect();
        Ok(Self {
            key: EncodingKey::from_ed_der(seed),
            public: PublicKey { kid, x },
            refresh: Secret::new(seed),
            issuer: issuer.to_owned(),
        })
    }

    /// Returns the public key that verifies this signer's tokens.
    pub fn public(&self) -> &PublicKey {
        &self.public
    }

    /// Issues an access token, valid for fifteen minutes from `now`; it tells when its session gave the second factor.
    ///
    /// # Errors
    /// A fault when signing fails, which it never does with a loaded key.
    pub fn access(
        &self,
        bearer: &Bearer,
        role: Role,
        second_factor_at: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<String, Fault> {
        let iat = now.as_second();
        let exp = iat.saturating_add(ACCESS_SECONDS);
        let Bearer { user, session, password_number, generation } = *bearer;
        let iss = self.issuer.clone();
        let claims = Claims {
            sub: user,
            role,
            sid: session,
            pwd: password_number,
            generation,
            second_factor_at: second_factor_at.map(Timestamp::as_second),
            iat,
            exp,
            iss,
        };
        let header = Header { kid: Some(self.public.kid.clone()), ..Header::new(Algorithm::EdDSA) };
        jsonwebtoken::encode(&header, &claims, &self.key).map_err(Fault::bug)
    }

    /// Issues the cookie of a browser session, valid until `until`.
    ///
    /// # Errors
    /// A fault when signing fails, which it never does with a loaded key.
    pub fn browser(&self, user: UserId, session: SessionId, now: Timestamp, until: Timestamp) -> Result<String, Fault> {
        let (iat, exp) = (now.as_second(), until.as_second());
        let claims = BrowserClaims { aud: CONSOLE.into(), sub: user, sid: session, iat, exp, iss: self.issuer.clone() };
        let header = Header { kid: Some(self.public.kid.clone()), ..Header::new(Algorithm::EdDSA) };
        jsonwebtoken::encode(&header, &claims, &self.key).map_err(|error| Fault::bug(error.to_string()))
    }

    /// Derives the `number`-th refresh token of a session.
    pub fn refresh(&self, user: UserId, session: SessionId, number: u64) -> String {
        let mut bytes = Vec::with_capacity(72);
        bytes.extend_from_slice(&user.ulid().to_bytes());
        bytes.extend_from_slice(&session.ulid().to_bytes());
        bytes.extend_from_slice(&number.to_be_bytes());
        let proof = self.refresh.hash("refresh", &[&bytes]);
        bytes.extend_from_slice(&proof);
        BASE64URL_NOPAD.encode(&bytes)
    }

    /// Verifies a refresh token of this signer and returns user, session and number.
    pub fn read_refresh(&self, token: &str) -> Option<(UserId, SessionId, u64)> {
        if token.len() > 200 {
            return None;
        }
        let bytes = BASE64URL_NOPAD.decode(token.as_bytes()).ok()?;
        let (said, proof) = bytes.split_at_checked(40)?;
        let right = self.refresh.hash("refresh", &[said]);
        if !bool::from(right.as_slice().ct_eq(proof)) {
            return None;
        }
        let (user, rest) = said.split_first_chunk::<16>()?;
        let (session, number) = rest.split_first_chunk::<16>()?;
        let number = u64::from_be_bytes(*number.first_chunk()?);
        Some((UserId::new(Ulid::from_bytes(*user)), SessionId::new(Ulid::from_bytes(*session)), number))
    }
}

/// Public keys that a process has loaded.
#[derive(Debug, Clone, Default)]
pub struct KeyRing(Arc<Mutex<Loaded>>);

/// Loaded keys, and how often the table was read for keys that are not among them.
#[derive(Debug, Default)]
struct Loaded {
    keys: PublicKeys,
    at: Option<Timestamp>,
    /// Begin of the current minute of reads, and their number.
    reads: Option<(Timestamp, u32)>,
}

/// Seconds for which the loaded keys are shown to others.
const SHOWN_SECONDS: i64 = 60;
/// Maximum reads of the table in a minute for key ids that are not loaded.
const READS: u32 = 6;

impl KeyRing {
    fn loaded(&self) -> MutexGuard<'_, Loaded> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Replaces the loaded keys.
    pub fn learn(&self, keys: &PublicKeys, now: Timestamp) {
        let mut loaded = self.loaded();
        loaded.keys = keys.clone();
        loaded.at = Some(now);
    }

    /// Returns the loaded keys if they are fresh enough to be shown.
    pub fn fresh(&self, now: Timestamp) -> Option<PublicKeys> {
        let loaded = self.loaded();
        let is_fresh = loaded.at.is_some_and(|at| now.duration_since(at).abs().as_secs() < SHOWN_SECONDS);
        is_fresh.then(|| loaded.keys.clone())
    }

    /// Counts a read of the table for an unknown key id; false when there were too many of them.
    ///
    /// Key ids of forged tokens cost nothing, so they must not cost a read each.
    pub fn may_read(&self, kid: &str, now: Timestamp) -> bool {
        if kid.len() != KID_LENGTH {
            return false;
        }
        let mut loaded = self.loaded();
        let current = loaded.reads.filter(|(since, _)| now.duration_since(*since).abs().as_secs() < SHOWN_SECONDS);
        let (since, reads) = current.unwrap_or((now, 0));
        loaded.reads = Some((since, reads.saturating_add(1)));
        reads < READS
    }

    /// Reads the key id of a token; `None` when it is not an Ed25519 JWT.
    pub fn names(token: &str) -> Option<String> {
        install();
        if token.len() > 2_048 {
            return None;
        }
        let header = jsonwebtoken::decode_header(token).ok()?;
        (header.alg == Algorithm::EdDSA).then_some(header.kid).flatten()
    }

    /// Tests whether a key is loaded.
    pub fn knows(&self, kid: &str) -> bool {
        self.loaded().keys.keys.iter().any(|key| key.kid == kid)
    }

    /// Verifies a token and returns its claims; `None` for a forged, foreign or expired one.
    pub fn verify(&self, token: &str, issuer: &str, now: Timestamp) -> Option<Claims> {
        self.genuine(token, issuer).filter(|claims| is_current(claims.iat, claims.exp, now))
    }

    /// True for a genuine token whose time is over.
    pub fn has_expired(&self, token: &str, issuer: &str, now: Timestamp) -> bool {
        self.genuine(token, issuer).is_some_and(|claims| claims.exp <= now.as_second())
    }

    fn genuine(&self, token: &str, issuer: &str) -> Option<Claims> {
        self.decode(token, issuer, None)
    }

    /// Verifies the cookie of a browser session; `None` for a forged, foreign or expired one, and for an access token.
    pub fn verify_browser(&self, token: &str, issuer: &str, now: Timestamp) -> Option<BrowserClaims> {
        let claims: BrowserClaims = self.decode(token, issuer, Some(CONSOLE))?;
        is_current(claims.iat, claims.exp, now).then_some(claims)
    }

    fn decode<C: DeserializeOwned>(&self, token: &str, issuer: &str, audience: Option<&str>) -> Option<C> {
        let kid = Self::names(token)?;
        let x = self.loaded().keys.keys.iter().find(|key| key.kid == kid)?.x.clone();
        let key = DecodingKey::from_ed_components(&x).ok()?;
        let mut rules = Validation::new(Algorithm::EdDSA);
        // Expiry is checked by the callers with the application's clock; the library knows only the system clock.
        rules.validate_exp = false;
        rules.required_spec_claims.clear();
        rules.set_issuer(&[issuer]);
        // Without one, a token that has an audience is refused.
        if let Some(audience) = audience {
            rules.set_audience(&[audience]);
        }
        Some(jsonwebtoken::decode::<C>(token, &key, &rules).ok()?.claims)
    }
}

fn is_current(iat: i64, exp: i64, now: Timestamp) -> bool {
    let latest = now.checked_add(1.minutes()).map(Timestamp::as_second);
    now.as_second() < exp && latest.is_ok_and(|latest| iat <= latest)
}

struct RingSigner(Ed25519KeyPair);
struct RingVerifier(Vec<u8>);

impl signature::Signer<Vec<u8>> for RingSigner {
    fn try_sign(&self, message: &[u8]) -> Result<Vec<u8>, signature::Error> {
        Ok(self.0.sign(message).as_ref().to_vec())
    }
}

impl JwtSigner for RingSigner {
    fn algorithm(&self) -> Algorithm {
        Algorithm::EdDSA
    }
}

impl signature::Verifier<Vec<u8>> for RingVerifier {
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> Result<(), signature::Error> {
        let verified = ED25519.verify(self.0.as_slice().into(), message.into(), signature.as_slice().into());
        verified.map_err(|_| signature::Error::new())
    }
}

impl JwtVerifier for RingVerifier {
    fn algorithm(&self) -> Algorithm {
        Algorithm::EdDSA
    }
}

fn signer(algorithm: &Algorithm, key: &EncodingKey) -> jsonwebtoken::errors::Result<Box<dyn JwtSigner>> {
    if *algorithm != Algorithm::EdDSA {
        return Err(ErrorKind::InvalidAlgorithm.into());
    }
    let pair = Ed25519KeyPair::from_seed_unchecked(key.as_bytes()).map_err(|_| ErrorKind::InvalidEddsaKey)?;
    Ok(Box::new(RingSigner(pair)))
}

fn verifier(algorithm: &Algorithm, key: &DecodingKey) -> jsonwebtoken::errors::Result<Box<dyn JwtVerifier>> {
    if *algorithm != Algorithm::EdDSA {
        return Err(ErrorKind::InvalidAlgorithm.into());
    }
    Ok(Box::new(RingVerifier(key.try_get_as_bytes()?.to_vec())))
}

fn install() {
    static RING: CryptoProvider =
        CryptoProvider { signer_factory: signer, verifier_factory: verifier, key_utils: KeyUtils::new_unimplemented() };
    // An error means that the provider is installed already.
    RING.install_default().ok();
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn ring() -> (Signer, KeyRing) {
        let signer = Signer::new(&[7; 32], "https://guerdon.test").unwrap();
        let ring = KeyRing::default();
        ring.learn(&PublicKeys { keys: vec![signer.public().clone()], since: None }, at(0));
        (signer, ring)
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn bearer() -> Bearer {
        let (user, session) = ids();
        Bearer { user, session, password_number: 0, generation: 0 }
    }

    fn ids() -> (UserId, SessionId) {
        (UserId::new(Ulid::from_parts(1, 2)), SessionId::new(Ulid::from_parts(3, 4)))
    }

    /// R2.5: an access token is good for fifteen minutes.
    #[test]
    fn an_access_token_is_good_for_fifteen_minutes() {
        let (signer, ring) = ring();
        let user = ids().0;
        let token = signer.access(&bearer(), Role::User, None, at(1_000_000)).unwrap();
        let issuer = "https://guerdon.test";
        assert_eq!(ring.verify(&token, issuer, at(1_000_899)).map(|claims| claims.sub), Some(user));
        assert_eq!(ring.verify(&token, issuer, at(1_000_900)), None);
        assert_eq!(ring.verify(&token, "https://other.test", at(1_000_000)), None);
    }

    /// R2.5: a token of another key or algorithm, or with one changed byte, is rejected.
    #[test]
    fn a_forged_access_token_is_nobodys() {
        let (signer, ring) = ring();
        let (user, session) = ids();
        let now = at(1_000_000);
        let token = signer.access(&bearer(), Role::User, None, now).unwrap();
        let issuer = "https://guerdon.test";
        let parts: Vec<&str> = token.split('.').collect();
        let admin = Claims {
            sub: user,
            role: Role::Admin,
            sid: session,
            pwd: 0,
            generation: 0,
            second_factor_at: None,
            iat: now.as_second(),
            exp: now.as_second() + 900,
            iss: issuer.into(),
        };
        let admin = BASE64URL_NOPAD.encode(&serde_json::to_vec(&admin).unwrap());
        let none = BASE64URL_NOPAD.encode(br#"{"alg":"none","kid":"x"}"#);
        let hs = BASE64URL_NOPAD.encode(format!(r#"{{"alg":"HS256","kid":"{}"}}"#, signer.public().kid).as_bytes());
        let other = Signer::new(&[8; 32], issuer).unwrap().access(&bearer(), Role::Admin, None, now).unwrap();
        for forged in [
            format!("{}.{admin}.{}", parts[0], parts[2]),
            format!("{none}.{admin}."),
            format!("{hs}.{admin}.{}", parts[2]),
            other,
            "a".repeat(100_000),
            String::new(),
        ] {
            assert_eq!(ring.verify(&forged, issuer, now), None, "{}", &forged[..forged.len().min(80)]);
        }
    }

    /// R2.5: tokens with unknown key ids do not read the table each, and a new key is still found the next minute.
    #[test]
    fn unknown_key_ids_read_the_table_a_few_times_a_minute_only() {
        let (_, ring) = ring();
        let reads = |second| (0..1_000).filter(|_| ring.may_read("unknown-kid!", at(second))).count();
        assert_eq!((reads(0), reads(59), reads(60)), (6, 0, 6));
        assert!(!ring.may_read("short", at(500)) && !ring.may_read(&"x".repeat(2_000), at(500)));
        assert!(ring.fresh(at(59)).is_some() && ring.fresh(at(60)).is_none());
    }

    /// C5.2: neither kind of token is taken for the other.
    #[test]
    fn an_access_token_is_no_cookie_and_a_cookie_no_access_token() {
        let (signer, ring) = ring();
        let (issuer, now, until) = ("https://guerdon.test", at(1_000_000), at(2_000_000));
        let Bearer { user, session, .. } = bearer();
        let cookie = signer.browser(user, session, now, until).unwrap();
        assert_eq!(ring.verify_browser(&cookie, issuer, now).map(|claims| claims.sid), Some(session));
        assert_eq!(ring.verify_browser(&cookie, issuer, until), None);
        assert_eq!(ring.verify(&cookie, issuer, now), None);
        let access = signer.access(&bearer(), Role::User, None, now).unwrap();
        assert_eq!(ring.verify_browser(&access, issuer, now), None);
    }

    /// R2.5: only the signer that derived a refresh token accepts it.
    #[test]
    fn a_refresh_token_is_derived_and_cannot_be_counted_up() {
        let (signer, _) = ring();
        let (user, session) = ids();
        let token = signer.refresh(user, session, 3);
        assert_eq!(signer.read_refresh(&token), Some((user, session, 3)));
        let mut bytes = BASE64URL_NOPAD.decode(token.as_bytes()).unwrap();
        bytes[39] += 1;
        assert_eq!(signer.read_refresh(&BASE64URL_NOPAD.encode(&bytes)), None);
        assert_eq!(Signer::new(&[8; 32], "x").unwrap().read_refresh(&token), None);
    }
}
