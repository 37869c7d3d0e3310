//! Users: everything that sign-up creates for an account, in one item (R2.2).
//!
//! The item has all that a request reads first: status and role (R2.5), ledger accounts (R1.5), promotion and referral. A user
//! of the operator's own backend may have neither e-mail nor password; an erased user has none.

use std::collections::BTreeSet;
use std::fmt;

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::account::model::access::{Bearer, is_zero};
use crate::account::model::external::ExternalId;
use crate::account::model::identity::{Email, Role, Status};
use crate::account::model::import::Imported;
use crate::account::model::scope::AdminScope;
use crate::affiliate::model::settings::AffiliateSettings;
use crate::agency::model::shop::ShopPath;
use crate::payment::model::promotion::Promotion;
use crate::referral::model::referral::{InviteCode, Referral};
use kernel::id::{SessionId, ShopId, UserId};
use kernel::ledger::Accounts;
use kernel::refusal::Refusal;

/// User with an account. `Debug` hides personal data.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct User {
    pub id: UserId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<Email>,
    /// Id in the operator's backend (R2.6).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_id: Option<ExternalId>,
    /// Number of the current password, from 0.
    ///
    /// The hash is on the [`EmailClaim`](crate::account::model::access::EmailClaim). A session is valid only under the password
    /// it began with (R2.8).
    #[serde(default, skip_serializing_if = "is_zero")]
    pub password_number: u64,
    pub status: Status,
    pub role: Role,
    /// Scopes of an admin; empty means no limit.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub scopes: BTreeSet<AdminScope>,
    /// Language of the user's mails.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locale: Option<String>,
    pub created_at: Timestamp,
    /// Origin of an account that moved in (R13.1).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub imported: Option<Imported>,
    /// Referral by an inviter; set at sign-up, or once later (R3.4, R3.12).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attribution: Option<Referral>,
    /// New-user promotion (R5.1).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub promotion: Option<Promotion>,
    /// Affiliate terms of the user as an inviter (R6.1).
    pub affiliate: AffiliatePolicy,
    pub accounts: Accounts,
    /// True once a payment order of the user was credited.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub has_paid: bool,
    /// Shop of an agent (R8.1).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shop: Option<ShopPath>,
    /// Shops that the user ran before; withdrawals there may name the user's payout account (R6.6).
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub former_shops: BTreeSet<ShopId>,
    /// Primary invite code, created on first need (R3.2).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invite_code: Option<InviteCode>,
    /// Time of the second scrub after an erasure (R2.7).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traces_due: Option<Timestamp>,
    /// Generation of the account's sessions, from 0; a new one ends all earlier sessions (R2.11).
    #[serde(default, skip_serializing_if = "is_zero")]
    pub session_generation: u64,
    /// Sessions that ended while an access token of theirs may still be unexpired (R2.5).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ended_sessions: Vec<EndedSession>,
    /// Time since which the account has a second factor (R2.12).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub second_factor_since: Option<Timestamp>,
}

/// Session that ended a short while ago.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndedSession {
    pub id: SessionId,
    pub at: Timestamp,
}

/// Lifetime of an access token, in seconds (R2.5).
pub const ACCESS_SECONDS: i64 = 15 * 60;
/// Maximum ended sessions on an account; one more ends all sessions instead.
const ENDED_MAX: usize = 8;

impl User {
    /// Returns an active account without a name, as of `created_at`: no role but a user's, in no programme, nothing begun.
    pub fn new(id: UserId, created_at: Timestamp, affiliate: &AffiliateSettings, accounts: Accounts) -> Self {
        Self {
            id,
            email: None,
            external_id: None,
            password_number: 0,
            status: Status::Active,
            role: Role::User,
            scopes: BTreeSet::new(),
            locale: None,
            created_at,
            imported: None,
            attribution: None,
            promotion: None,
            affiliate: AffiliatePolicy::of(affiliate),
            accounts,
            has_paid: false,
            shop: None,
            former_shops: BTreeSet::new(),
            invite_code: None,
            traces_due: None,
            session_generation: 0,
            ended_sessions: Vec::new(),
            second_factor_since: None,
        }
    }

    /// Requires an active account.
    ///
    /// # Rejects
    /// [`Refusal::AccountBlocked`] for any other status (R2.8).
    pub fn must_be_active(&self) -> Result<(), Refusal> {
        if self.status == Status::Active { Ok(()) } else { Err(Refusal::AccountBlocked) }
    }

    /// Time of the sign-up: of an account that moved in, the one in the system that it comes from (R13.1).
    pub fn signed_up_at(&self) -> Timestamp {
        self.imported.as_ref().and_then(|imported| imported.signed_up_at).unwrap_or(self.created_at)
    }

    /// Shops that the user runs or ran.
    pub fn shops(&self) -> BTreeSet<ShopId> {
        let now = self.shop.as_ref().and_then(ShopPath::shop);
        self.former_shops.iter().copied().chain(now).collect()
    }

    /// Requires an active admin without scopes, or with the needed one (R2.5).
    ///
    /// # Rejects
    /// [`Refusal::AccountBlocked`] for an inactive account; [`Refusal::Forbidden`] for any other role or scope.
    pub fn must_be_admin(&self, needed: Option<AdminScope>) -> Result<(), Refusal> {
        let limited = !self.scopes.is_empty() && !needed.is_some_and(|needed| self.scopes.contains(&needed));
        self.must_be_active()?;
        if self.role != Role::Admin || limited { Err(Refusal::Forbidden) } else { Ok(()) }
    }
}

/// Sessions (R2.5, R2.11).
impl User {
    /// Requires that an access token's session still stands: same password, same generation, not ended.
    ///
    /// # Rejects
    /// [`Refusal::Unauthenticated`] for a token from before a new password, a sign-out, a block or a growth of rights.
    pub fn must_honour(&self, bearer: &Bearer) -> Result<(), Refusal> {
        let stands = bearer.user == self.id
            && bearer.password_number == self.password_number
            && bearer.generation == self.session_generation
            && !self.ended_sessions.iter().any(|ended| ended.id == bearer.session);
        if stands { Ok(()) } else { Err(Refusal::Unauthenticated) }
    }

    /// Requires an active account that honours the access token.
    ///
    /// # Rejects
    /// [`Refusal::AccountBlocked`] for any other status; [`Refusal::Unauthenticated`] for a token of an ended session.
    pub fn must_admit(&self, bearer: &Bearer) -> Result<(), Refusal> {
        self.must_be_active()?;
        self.must_honour(bearer)
    }

    /// Returns the account with all sessions ended.
    pub fn without_sessions(self) -> Self {
        let session_generation = self.session_generation.saturating_add(1);
        Self { session_generation, ended_sessions: Vec::new(), ..self }
    }

    /// Returns the account with one session ended; its access tokens are refused from now on.
    pub fn without_session(mut self, id: SessionId, now: Timestamp) -> Self {
        self.ended_sessions.retain(|ended| now.duration_since(ended.at).as_secs() <= ACCESS_SECONDS && ended.id != id);
        if self.ended_sessions.len() >= ENDED_MAX {
            return self.without_sessions();
        }
        self.ended_sessions.push(EndedSession { id, at: now });
        self
    }

    /// Returns the account with another role and other scopes; all sessions end when the rights grow.
    pub fn with_rights(self, role: Role, scopes: BTreeSet<AdminScope>) -> Self {
        let wider = self.role == Role::Admin
            && role == Role::Admin
            && !self.scopes.is_empty()
            && (scopes.is_empty() || !scopes.is_subset(&self.scopes));
        let grows = role > self.role || wider;
        let changed = Self { role, scopes, ..self };
        if grows { changed.without_sessions() } else { changed }
    }
}

impl fmt::Debug for User {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("User");
        shown.field("id", &self.id).field("status", &self.status).field("role", &self.role);
        shown.field("accounts", &self.accounts).finish_non_exhaustive()
    }
}

/// Affiliate terms of a user, copied from the settings at sign-up; an admin may change them (R6.1).
///
/// Stored as `0.1 of 3` (rate and limit), or `no, 0.1 of 3` when the user may not invite.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct AffiliatePolicy {
    /// Commission as a fraction of the credit, e.g. `0.1`.
    pub rate: Decimal,
    /// Maximum orders of one invitee that accrue commission; 0 is no limit.
    pub trigger_limit: u32,
    pub can_invite: bool,
}

impl AffiliatePolicy {
    /// Returns the policy of a user who signs up now.
    pub fn of(settings: &AffiliateSettings) -> Self {
        Self { rate: settings.default_rate, trigger_limit: settings.default_trigger_limit, can_invite: true }
    }
}

impl From<AffiliatePolicy> for String {
    fn from(policy: AffiliatePolicy) -> Self {
        let not = if policy.can_invite { "" } else { "no, " };
        format!("{not}{} of {}", policy.rate, policy.trigger_limit)
    }
}

impl TryFrom<String> for AffiliatePolicy {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let (can_invite, terms) = match text.strip_prefix("no, ") {
            Some(terms) => (false, terms),
            None => (true, text.as_str()),
        };
        let parse = |(rate, limit): (&str, &str)| {
            let (rate, trigger_limit) = (Decimal::from_str_exact(rate).ok()?, limit.parse().ok()?);
            Some(Self { rate, trigger_limit, can_invite })
        };
        terms.split_once(" of ").and_then(parse).ok_or("not an affiliate policy")
    }
}

#[cfg(test)]
pub(crate) mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use kernel::money::Currency;
    use ulid::Ulid;

    pub(crate) fn ann() -> User {
        User {
            email: Email::parse("ann@example.com"),
            ..User::new(
                UserId::new(Ulid::from_parts(1, 1)),
                Timestamp::UNIX_EPOCH,
                &AffiliateSettings::default(),
                Accounts::new(Currency::USD),
            )
        }
    }

    /// R6.1
    #[test]
    fn the_policy_at_sign_up_is_that_of_the_settings() {
        let policy = ann().affiliate;
        assert_eq!((policy.rate, policy.trigger_limit, policy.can_invite), (Decimal::new(1, 1), 3, true));
    }

    /// R6.1: a policy round-trips through its stored text, and no other text parses.
    #[test]
    fn a_policy_survives_storage() {
        let policy = ann().affiliate;
        let blocked = AffiliatePolicy { rate: Decimal::new(125, 3), trigger_limit: 0, can_invite: false };
        for (policy, text) in [(policy, "0.1 of 3"), (blocked, "no, 0.125 of 0")] {
            assert_eq!(String::from(policy), text);
            assert_eq!(AffiliatePolicy::try_from(text.to_owned()), Ok(policy));
        }
        for bad in ["", "0.1", "0.1 of", "0.1 of -3", "1e1 of 3", "yes, 0.1 of 3", "0.1 of 3 ", " of 3"] {
            assert!(AffiliatePolicy::try_from(bad.to_owned()).is_err(), "{bad}");
        }
    }

    /// R2.8
    #[test]
    fn only_an_active_user_may_act() {
        assert_eq!(ann().must_be_active(), Ok(()));
        for status in [Status::Blocked, Status::Pending] {
            assert_eq!(User { status, ..ann() }.must_be_active(), Err(Refusal::AccountBlocked));
        }
    }

    /// R2.5: an admin without scopes may do everything; scopes limit an admin and give others nothing.
    #[test]
    fn scopes_limit_an_admin_and_make_nobody_one() {
        let of = |role, scopes: &[AdminScope]| User { role, scopes: scopes.iter().copied().collect(), ..ann() };
        let (full, clerk) = (of(Role::Admin, &[]), of(Role::Admin, &[AdminScope::OrdersRead]));
        assert_eq!(full.must_be_admin(None), Ok(()));
        assert_eq!(full.must_be_admin(Some(AdminScope::SettingsWrite)), Ok(()));
        assert_eq!(clerk.must_be_admin(Some(AdminScope::OrdersRead)), Ok(()));
        for needed in [None, Some(AdminScope::OrdersRefund)] {
            assert_eq!(clerk.must_be_admin(needed), Err(Refusal::Forbidden));
        }
        assert_eq!(
            of(Role::User, &[AdminScope::OrdersRead]).must_be_admin(Some(AdminScope::OrdersRead)),
            Err(Refusal::Forbidden)
        );
        let blocked = User { status: Status::Blocked, ..full };
        assert_eq!(blocked.must_be_admin(None), Err(Refusal::AccountBlocked));
    }

    fn bearer(session: u128) -> Bearer {
        let session = SessionId::new(Ulid::from_parts(1, session));
        Bearer { user: ann().id, session, password_number: 0, generation: 0 }
    }

    /// R2.5: a token is refused once its session ended, the password changed, or a new generation began.
    #[test]
    fn an_account_honours_the_tokens_of_its_living_sessions_only() {
        assert_eq!(ann().must_honour(&bearer(1)), Ok(()));
        let ended = ann().without_session(bearer(1).session, Timestamp::UNIX_EPOCH);
        assert_eq!(ended.must_honour(&bearer(1)), Err(Refusal::Unauthenticated));
        assert_eq!(ended.must_honour(&bearer(2)), Ok(()));
        assert_eq!(ann().without_sessions().must_honour(&bearer(1)), Err(Refusal::Unauthenticated));
        assert_eq!(User { password_number: 1, ..ann() }.must_honour(&bearer(1)), Err(Refusal::Unauthenticated));
        let other = Bearer { user: UserId::new(Ulid::from_parts(2, 2)), ..bearer(1) };
        assert_eq!(ann().must_honour(&other), Err(Refusal::Unauthenticated));
    }

    /// R2.5: ended sessions are few on the account: old ones go, and one too many ends all sessions.
    #[test]
    fn ended_sessions_never_pile_up_on_an_account() {
        let second = |second| Timestamp::from_second(second).unwrap();
        let mut user = ann();
        for session in 0..8 {
            user = user.without_session(bearer(session).session, second(0));
        }
        assert_eq!((user.ended_sessions.len(), user.session_generation), (8, 0));
        let later = user.clone().without_session(bearer(9).session, second(901));
        assert_eq!((later.ended_sessions.len(), later.session_generation), (1, 0));
        let full = user.without_session(bearer(9).session, second(1));
        assert_eq!((full.ended_sessions.len(), full.session_generation), (0, 1));
        assert_eq!(full.must_honour(&bearer(9)), Err(Refusal::Unauthenticated));
    }

    /// R2.11: sessions end when role or scopes grow, and only then.
    #[test]
    fn sessions_end_when_rights_grow() {
        use AdminScope::{OrdersRead, OrdersRefund};
        let set = |scopes: &[AdminScope]| scopes.iter().copied().collect::<BTreeSet<_>>();
        for (from, to, ends) in [
            ((Role::User, &[][..]), (Role::Agent, &[][..]), true),
            ((Role::User, &[]), (Role::Admin, &[OrdersRead]), true),
            ((Role::Agent, &[]), (Role::Admin, &[]), true),
            ((Role::Admin, &[OrdersRead]), (Role::Admin, &[]), true),
            ((Role::Admin, &[OrdersRead]), (Role::Admin, &[OrdersRead, OrdersRefund]), true),
            ((Role::Admin, &[OrdersRead]), (Role::Admin, &[OrdersRefund]), true),
            ((Role::Admin, &[]), (Role::Admin, &[OrdersRead]), false),
            ((Role::Admin, &[OrdersRead, OrdersRefund]), (Role::Admin, &[OrdersRead]), false),
            ((Role::Admin, &[]), (Role::User, &[]), false),
            ((Role::Agent, &[]), (Role::User, &[]), false),
        ] {
            let user = User { role: from.0, scopes: set(from.1), ..ann() };
            let after = user.with_rights(to.0, set(to.1));
            assert_eq!(after.session_generation > 0, ends, "{from:?} {to:?}");
        }
    }

    /// R2.2: a stored user is read back whole, and no required field has a default.
    #[test]
    fn a_user_survives_storage() {
        let value = serde_json::to_value(ann()).unwrap();
        assert_eq!(serde_json::from_value::<User>(value.clone()).unwrap(), ann());
        for field in ["id", "status", "role", "created_at", "affiliate", "accounts"] {
            let mut less = value.clone();
            less.as_object_mut().unwrap().remove(field);
            assert!(serde_json::from_value::<User>(less).is_err(), "{field}");
        }
    }

    /// S2: the `Debug` output of a user has no e-mail address.
    #[test]
    fn a_debugged_user_shows_no_address() {
        let shown = format!("{:?}", ann());
        assert!(!shown.contains("ann@example.com"), "{shown}");
    }
}
