//! Second factor of an account (R2.12): an authenticator app whose codes count once each, and recovery codes.
//!
//! Key and recovery codes follow from the deployment's secret and a nonce. The item has the nonce and keyed hashes, so a stolen
//! table tells neither a code nor a key.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;

use crate::account::model::symbols::{self, read_unmistaken};
use crate::account::model::totp::{DIGITS, TotpKey};
use crate::account::model::user::User;
use kernel::id::{SessionId, UserId};
use kernel::refusal::Refusal;
use kernel::secret::Secret;

/// Seconds for which a code given counts as recent: what moves money asks for one not older (R2.12).
pub const RECENT_SECONDS: i64 = 15 * 60;
/// Minutes in which an enrolment is confirmed.
pub const ENROLMENT_MINUTES: i64 = 10;
/// Number of recovery codes made at once.
pub const RECOVERY_CODES: u8 = 10;
/// Symbols of a recovery code.
const RECOVERY_SYMBOLS: usize = 10;

/// Second factor of an account, or its enrolment while [`SecondFactor::since`] is `None`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecondFactor {
    pub user: UserId,
    /// Nonce from which the key and the recovery codes follow.
    pub nonce: String,
    /// Session that began the enrolment, the only one that can confirm it.
    pub begun_by: SessionId,
    /// Time until which the enrolment can be confirmed.
    pub until: Timestamp,
    /// Time of the confirmation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// Step of the last code that counted; codes up to it count no more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_step: Option<i64>,
    /// Last code that counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_use: Option<CodeUse>,
    /// Number of sets of recovery codes made so far.
    pub recovery_sets: u32,
    /// Keyed hashes of the recovery codes that are left.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub recovery: Vec<String>,
}

/// Use of a code, by which a repeat of the same request is known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CodeUse {
    /// Keyed hash of the code.
    pub code: String,
    /// Session that it was given in.
    pub session: SessionId,
    pub purpose: CodePurpose,
}

/// Purpose that a code was given for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CodePurpose {
    /// To sign in.
    SignIn,
    /// To confirm the enrolment.
    Enrol,
    /// To give the second factor anew in a session.
    StepUp,
    /// To get other recovery codes.
    NewRecoveryCodes,
}

/// Code that was judged right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RightCode {
    /// It counts now; the factor as it is afterwards.
    Counts(SecondFactor),
    /// A recovery code, which counts now and is used up.
    Recovers(SecondFactor),
    /// The same request again: it counted before.
    Repeated,
}

impl SecondFactor {
    /// Begins an enrolment.
    pub fn begin(user: UserId, nonce: String, begun_by: SessionId, until: Timestamp) -> Self {
        Self {
            user,
            nonce,
            begun_by,
            until,
            since: None,
            last_step: None,
            last_use: None,
            recovery_sets: 0,
            recovery: Vec::new(),
        }
    }

    /// True for an enrolment that this session can still confirm.
    pub fn awaits(&self, session: SessionId, now: Timestamp) -> bool {
        self.since.is_none() && self.begun_by == session && now < self.until
    }

    /// Derives the key of the app.
    pub fn totp_key(&self, secret: &Secret) -> TotpKey {
        TotpKey::of_hash(&secret.hash("second factor", &[self.user.to_string().as_bytes(), self.nonce.as_bytes()]))
    }

    /// Judges a typed code, of the app or for recovery; `None` for one that is wrong or was used.
    pub fn judge(
        &self,
        secret: &Secret,
        typed: &str,
        (session, purpose): (SessionId, CodePurpose),
        now: Timestamp,
    ) -> Option<RightCode> {
        let typed = read_unmistaken(typed);
        let used = CodeUse { code: self.hash(secret, &typed), session, purpose };
        if typed.len() == DIGITS {
            let step = self.totp_key(secret).step_of(&typed, now)?;
            if self.last_step.is_some_and(|last| step <= last) {
                return self.is_repeat(&used).then_some(RightCode::Repeated);
            }
            return Some(RightCode::Counts(Self { last_step: Some(step), last_use: Some(used), ..self.clone() }));
        }
        if self.is_repeat(&used) {
            return Some(RightCode::Repeated);
        }
        let is_it = |hash: &String| bool::from(hash.as_bytes().ct_eq(used.code.as_bytes()));
        // Every hash is compared, so that the time tells nothing about them.
        let (it, left): (Vec<String>, Vec<String>) = self.recovery.iter().cloned().partition(is_it);
        let used = Self { recovery: left, last_use: Some(used), ..self.clone() };
        (!it.is_empty()).then_some(RightCode::Recovers(used))
    }

    fn is_repeat(&self, used: &CodeUse) -> bool {
        self.last_use.as_ref().is_some_and(|last| {
            bool::from(last.code.as_bytes().ct_eq(used.code.as_bytes()))
                && (last.session, last.purpose) == (used.session, used.purpose)
        })
    }

    /// The factor with a new set of recovery codes; those before are good no more.
    pub fn with_recovery_codes(mut self, secret: &Secret) -> Self {
        self.recovery_sets = self.recovery_sets.saturating_add(1);
        self.recovery =
            self.recovery_codes(secret).iter().map(|code| self.hash(secret, &read_unmistaken(code))).collect();
        self
    }

    /// Derives the recovery codes of the last set, used ones too: ten symbols in two groups.
    pub fn recovery_codes(&self, secret: &Secret) -> Vec<String> {
        let (user, set) = (self.user.to_string(), self.recovery_sets.to_be_bytes());
        let code = |number: u8| {
            let hash = secret.hash("recovery codes", &[user.as_bytes(), self.nonce.as_bytes(), &set, &[number]]);
            symbols::grouped(&symbols::of_hash(&hash, RECOVERY_SYMBOLS))
        };
        (0..RECOVERY_CODES).map(code).collect()
    }

    fn hash(&self, secret: &Secret, code: &str) -> String {
        secret.hex("second factor code", &[self.user.to_string().as_bytes(), self.nonce.as_bytes(), code.as_bytes()])
    }
}

/// State of an account's second factor in one of its sessions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FactorState {
    /// The account has none.
    Off,
    /// The session has not given it since it is on.
    Missing,
    /// It was given, and counts as recent for so many seconds more; 0 if it does no longer.
    Given(i64),
}

/// Routes of admins by what they ask of a second factor (R2.12).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FactorAsked {
    /// One given at some time in the session.
    Once,
    /// One given not longer than a quarter of an hour ago.
    Recent,
}

impl User {
    /// State of the second factor in a session that gave it at `given`.
    pub fn second_factor(&self, given: Option<Timestamp>, now: Timestamp) -> FactorState {
        let Some(since) = self.second_factor_since else { return FactorState::Off };
        // Access tokens tell whole seconds.
        match given.filter(|given| given.as_second() >= since.as_second()) {
            None => FactorState::Missing,
            Some(given) => {
                let age = now.as_second().saturating_sub(given.as_second());
                FactorState::Given(RECENT_SECONDS.saturating_sub(age).max(0))
            }
        }
    }

    /// Requires the second factor of an admin whose session gave it at `given`.
    ///
    /// # Rejects
    /// [`Refusal::SecondFactorRequired`] when the account has one, and the session has not given it as `asked`;
    /// [`Refusal::SecondFactorEnrolmentRequired`] when it has none and every admin needs one.
    pub fn must_have_given(
        &self,
        given: Option<Timestamp>,
        asked: FactorAsked,
        every_admin: bool,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        match (self.second_factor(given, now), asked) {
            (FactorState::Off, _) if every_admin => Err(Refusal::SecondFactorEnrolmentRequired),
            (FactorState::Missing, _) | (FactorState::Given(0), FactorAsked::Recent) => {
                Err(Refusal::SecondFactorRequired)
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;
    use crate::account::model::totp::STEP_SECONDS;
    use crate::account::model::user::tests::ann;
    use ulid::Ulid;

    fn secret() -> Secret {
        Secret::new(*b"secret")
    }

    fn session(number: u128) -> SessionId {
        SessionId::new(Ulid::from_parts(1, number))
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn on() -> SecondFactor {
        let user = UserId::new(Ulid::from_parts(1, 1));
        let begun = SecondFactor::begin(user, "nonce".to_owned(), session(1), at(600));
        SecondFactor { since: Some(at(60)), ..begun.with_recovery_codes(&secret()) }
    }

    fn code(second: i64) -> String {
        on().totp_key(&secret()).code(second / STEP_SECONDS)
    }

    /// R2.12: a code of the app counts once, and none before it counts afterwards; with spaces it is the same.
    #[test]
    fn a_code_of_the_app_counts_once() {
        let by = (session(1), CodePurpose::SignIn);
        let spaced = format!(" {} {}", &code(3_000)[..3], &code(3_000)[3..]);
        let Some(RightCode::Counts(after)) = on().judge(&secret(), &spaced, by, at(3_000)) else { panic!("refused") };
        for (typed, by) in [
            (code(3_000), (session(2), CodePurpose::SignIn)),
            (code(3_000), (session(1), CodePurpose::StepUp)),
            (code(2_970), by),
        ] {
            assert_eq!(after.judge(&secret(), &typed, by, at(3_000)), None);
        }
        assert_eq!(after.judge(&secret(), &code(3_000), by, at(3_000)), Some(RightCode::Repeated));
        assert!(matches!(after.judge(&secret(), &code(3_030), by, at(3_000)), Some(RightCode::Counts(_))));
        assert_eq!(on().judge(&secret(), &code(3_000), by, at(3_060)), None, "it is too old");
    }

    /// R2.12: ten recovery codes, one use per code; they are read as people type them.
    #[test]
    fn a_recovery_code_counts_once() {
        let codes = on().recovery_codes(&secret());
        assert_eq!((codes.len(), on().recovery.len()), (10, 10));
        let (by, mut left) = ((session(1), CodePurpose::SignIn), on());
        for (used, code) in codes.iter().enumerate() {
            let typed = code.to_lowercase().replace('-', " ").replace('0', "o").replace('1', "l");
            let Some(RightCode::Recovers(after)) = left.judge(&secret(), &typed, by, at(3_000)) else {
                panic!("{code}")
            };
            assert_eq!(after.recovery.len(), 9 - used);
            let other = (session(2), CodePurpose::SignIn);
            assert_eq!(after.judge(&secret(), code, other, at(3_000)), None);
            assert_eq!(after.judge(&secret(), code, by, at(3_000)), Some(RightCode::Repeated));
            left = after;
        }
        assert_eq!(on().judge(&secret(), "AAAAA-AAAAA", by, at(3_000)), None);
        assert_eq!(on().judge(&secret(), "", by, at(3_000)), None);
    }

    /// R2.12: a new set of recovery codes replaces the one before.
    #[test]
    fn new_recovery_codes_replace_those_before() {
        let (before, after) = (on(), on().with_recovery_codes(&secret()));
        let by = (session(1), CodePurpose::SignIn);
        let (old, new) = (before.recovery_codes(&secret()), after.recovery_codes(&secret()));
        assert!(old.iter().all(|code| !new.contains(code)));
        assert_eq!(after.judge(&secret(), &old[0], by, at(3_000)), None);
        assert!(after.judge(&secret(), &new[0], by, at(3_000)).is_some());
    }

    /// R2.12: what is stored tells neither the key nor a code.
    #[test]
    fn a_stored_second_factor_tells_no_secret() {
        let text = serde_json::to_string(&on()).unwrap();
        assert!(!text.contains(&on().totp_key(&secret()).base32()));
        for code in on().recovery_codes(&secret()) {
            assert!(!text.contains(&code) && !text.contains(&code.replace('-', "")));
        }
        assert_eq!(serde_json::from_str::<SecondFactor>(&text).unwrap(), on());
    }

    /// R2.12: an enrolment is confirmed by the session that began it, within its time, once.
    #[test]
    fn an_enrolment_awaits_its_own_session_for_ten_minutes() {
        let begun = SecondFactor { since: None, ..on() };
        assert!(begun.awaits(session(1), at(599)));
        assert!(
            !begun.awaits(session(1), at(600)) && !begun.awaits(session(2), at(1)) && !on().awaits(session(1), at(1))
        );
    }

    /// R2.12: what moves money asks for a second factor not older than fifteen minutes; other routes for one of this session;
    /// none given before the factor was on counts.
    #[test]
    fn a_recent_second_factor_is_one_of_the_last_fifteen_minutes() {
        let has = User { second_factor_since: Some(at(1_000)), ..ann() };
        let refused = Err(Refusal::SecondFactorRequired);
        for (given, now, once, recent) in [
            (None, 1_000, refused.clone(), refused.clone()),
            (Some(999), 1_000, refused.clone(), refused.clone()),
            (Some(1_000), 1_000, Ok(()), Ok(())),
            (Some(1_000), 1_899, Ok(()), Ok(())),
            (Some(1_000), 1_900, Ok(()), refused.clone()),
        ] {
            for every_admin in [false, true] {
                let judged = |asked| has.must_have_given(given.map(at), asked, every_admin, at(now));
                assert_eq!((judged(FactorAsked::Once), judged(FactorAsked::Recent)), (once.clone(), recent.clone()));
            }
        }
    }

    /// R2.12: without a second factor nothing is asked, unless every admin needs one.
    #[test]
    fn an_admin_without_a_second_factor_enrols_where_every_admin_needs_one() {
        for asked in [FactorAsked::Once, FactorAsked::Recent] {
            assert_eq!(ann().must_have_given(None, asked, false, at(1)), Ok(()));
            assert_eq!(ann().must_have_given(None, asked, true, at(1)), Err(Refusal::SecondFactorEnrolmentRequired));
        }
    }
}
