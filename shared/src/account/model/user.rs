//! A user: an account holder, with everything sign-up means in one item (R2.2).
//!
//! The item carries what the first read of a request needs: status and role (R2.5), the running accounts (R1.5), the
//! promotion and the bond to an inviter. A user of the operator's own backend may have neither e-mail nor password, an
//! erased one has lost them.

use std::collections::BTreeSet;
use std::fmt;

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::account::model::external::ExternalId;
use crate::account::model::identity::{Email, Role, Status};
use crate::account::model::scope::AdminScope;
use crate::affiliate::model::settings::AffiliateSettings;
use crate::agency::model::shop::ShopPath;
use crate::payment::model::promotion::Promotion;
use crate::referral::model::referral::{InviteCode, Referral};
use kernel::id::UserId;
use kernel::ledger::Accounts;
use kernel::refusal::Refusal;

/// An account holder. `Debug` shows only what a log may: no address.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct User {
    /// Its id.
    pub id: UserId,
    /// Its e-mail.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<Email>,
    /// What the operator's backend calls it (R2.6).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_id: Option<ExternalId>,
    /// Which of its passwords is good now, from 0; the password itself stands on the claim of the e-mail. A session ends with the
    /// password that it began under (R2.8).
    #[serde(default, skip_serializing_if = "is_zero")]
    pub password_number: u64,
    /// Whether it may do anything.
    pub status: Status,
    /// What it may do.
    pub role: Role,
    /// To what an admin is limited; without any to nothing.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub scopes: BTreeSet<AdminScope>,
    /// The language of its mails.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locale: Option<String>,
    /// When it signed up.
    pub created_at: Timestamp,
    /// Who invited it: bound at sign-up or never (R3.4).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attribution: Option<Referral>,
    /// Its new-user promotion (R5.1).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub promotion: Option<Promotion>,
    /// On which terms it may invite (R6.1).
    pub affiliate: AffiliatePolicy,
    /// Its ledger accounts.
    pub accounts: Accounts,
    /// The shop that it runs, if it is an agent (R8.1).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shop: Option<ShopPath>,
    /// Its primary invite code, made on first need (R3.2).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invite_code: Option<InviteCode>,
    /// When what tells who an erased person was is looked for once more (R2.7).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traces_due: Option<Timestamp>,
}

impl User {
    /// That it may act.
    ///
    /// # Refuses
    /// [`Refusal::AccountBlocked`] for any account that is not active (R2.8).
    pub fn must_be_active(&self) -> Result<(), Refusal> {
        if self.status == Status::Active { Ok(()) } else { Err(Refusal::AccountBlocked) }
    }

    /// Only an active admin may go on: one without scopes, or with the one that is needed (R2.5).
    ///
    /// # Refuses
    /// [`Refusal::AccountBlocked`] for an account that is not active; [`Refusal::Forbidden`] for whoever is no admin or has other scopes.
    pub fn must_be_admin(&self, needed: Option<AdminScope>) -> Result<(), Refusal> {
        let limited = !self.scopes.is_empty() && !needed.is_some_and(|needed| self.scopes.contains(&needed));
        self.must_be_active()?;
        if self.role != Role::Admin || limited { Err(Refusal::Forbidden) } else { Ok(()) }
    }
}

impl fmt::Debug for User {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("User");
        shown.field("id", &self.id).field("status", &self.status).field("role", &self.role);
        shown.field("accounts", &self.accounts).finish_non_exhaustive()
    }
}

/// The terms on which a user may invite: those of the settings at sign-up; an admin may change one user's (R6.1). Stored as
/// `0.1 of 3`, rate and limit; `no, 0.1 of 3` where its codes don't bind.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct AffiliatePolicy {
    /// The part of a credit that is commission.
    pub rate: Decimal,
    /// How many orders of one invitee earn; 0 is no limit.
    pub trigger_limit: u32,
    /// Whether its codes bind.
    pub can_invite: bool,
}

impl AffiliatePolicy {
    /// The policy a user who signs up now gets.
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

fn is_zero(number: &u64) -> bool {
    *number == 0
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use kernel::money::Currency;
    use ulid::Ulid;

    fn ann() -> User {
        User {
            id: UserId::new(Ulid::from_parts(1, 1)),
            email: Email::parse("ann@example.com"),
            external_id: None,
            password_number: 0,
            status: Status::Active,
            role: Role::User,
            scopes: BTreeSet::new(),
            locale: None,
            created_at: Timestamp::UNIX_EPOCH,
            attribution: None,
            promotion: None,
            affiliate: AffiliatePolicy::of(&AffiliateSettings::default()),
            accounts: Accounts::new(Currency::USD),
            shop: None,
            invite_code: None,
            traces_due: None,
        }
    }

    /// R6.1
    #[test]
    fn the_policy_at_sign_up_is_that_of_the_settings() {
        let policy = ann().affiliate;
        assert_eq!((policy.rate, policy.trigger_limit, policy.can_invite), (Decimal::new(1, 1), 3, true));
    }

    /// R6.1: a policy is stored as one text; another text is none.
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

    /// R2.5: an admin without scopes may do everything, one with scopes what they name and nothing that names none.
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

    /// R2.2: what sign-up wrote is read back whole, and nothing mandatory is made up.
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

    /// S2: an e-mail is not in what a log shows of a user.
    #[test]
    fn a_debugged_user_shows_no_address() {
        let shown = format!("{:?}", ann());
        assert!(!shown.contains("ann@example.com"), "{shown}");
    }
}
