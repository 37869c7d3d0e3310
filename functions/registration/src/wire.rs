//! What goes over the wire.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use shared::account::model::identity::Role;
use shared::account::model::identity::Status;
use shared::account::model::identity::{Email, Password};
use shared::account::model::user::User;
use shared::account::register::{Register, Registered};
use shared::account::session::Tokens;
use shared::edge::view::Amount;
use shared::kernel::id::UserId;
use shared::kernel::refusal::{FieldError, Refusal};
use shared::referral::model::referral::NotApplied;
use utoipa::ToSchema;

/// Who wants an account.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Registration {
    /// Their address.
    #[schema(example = "bob@example.com")]
    email: String,
    /// 10 to 128 characters.
    #[schema(min_length = 10, max_length = 128)]
    password: String,
    /// The invite code they were given. A bad one refuses nothing.
    #[serde(default)]
    referral_code: Option<String>,
    /// Preferred language of e-mails, `en` or `zh`.
    #[serde(default)]
    locale: Option<String>,
}

impl Registration {
    /// The checked request.
    ///
    /// # Refuses
    /// 422 with every wrong field.
    pub fn checked(self) -> Result<Register, Refusal> {
        let mut errors = Vec::new();
        let email = Email::at("/email", &self.email).map_err(|error| errors.push(error)).ok();
        let password = Password::at("/password", &self.password).map_err(|error| errors.push(error)).ok();
        let plain =
            |locale: &String| locale.len() <= 35 && locale.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        if !self.locale.as_ref().is_none_or(plain) {
            errors.push(FieldError::new("/locale", "not_a_locale", "A language tag, `en` or `zh`."));
        }
        let referral_code = self.referral_code.map(|code| code.chars().take(100).collect());
        match (email, password) {
            (Some(email), Some(password)) if errors.is_empty() => {
                Ok(Register { email, password, referral_code, locale: self.locale })
            }
            _ => Err(Refusal::Invalid(errors)),
        }
    }
}

/// An address.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Address {
    /// The address.
    pub email: String,
}

/// An address and the code that was mailed to it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Confirmation {
    /// The address.
    pub email: String,
    /// Six digits.
    #[schema(example = "123456")]
    pub code: String,
}

/// A mailed code and the password to set.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPassword {
    /// The address.
    pub email: String,
    /// Six digits.
    pub code: String,
    /// 10 to 128 characters.
    pub password: String,
}

/// E-mail and password.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Credentials {
    /// The address.
    pub email: String,
    /// The password.
    pub password: String,
}

/// A refresh token.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RefreshToken {
    /// The token of the last answer.
    pub refresh_token: String,
}

/// A user as they see themselves.
#[derive(Debug, Serialize, ToSchema)]
pub struct Me {
    /// Who.
    pub id: UserId,
    /// The address.
    pub email: Option<String>,
    /// `pending`, `active`, `blocked`.
    pub status: Status,
    /// `user`, `agent`, `admin`.
    pub role: Role,
    /// When they registered.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// What they can spend.
    pub balance: Amount,
    /// What they owe.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub debt: Option<Amount>,
}

impl From<&User> for Me {
    fn from(user: &User) -> Self {
        Self {
            id: user.id,
            email: user.email.as_ref().map(|email| email.as_str().to_owned()),
            status: user.status,
            role: user.role,
            created_at: user.created_at,
            balance: user.accounts.balance().into(),
            debt: None,
        }
    }
}

impl Me {
    /// With what they owe.
    pub fn with_debt(user: &User) -> Self {
        Self { debt: Some(user.accounts.owed().into()), ..Self::from(user) }
    }
}

/// The tokens of a session.
#[derive(Debug, Serialize, ToSchema)]
pub struct Session {
    /// For the `Authorization: Bearer` header.
    pub access_token: String,
    /// For the next tokens; each is good once.
    pub refresh_token: String,
    /// Seconds for which the access token is good.
    pub expires_in: i64,
}

impl From<Tokens> for Session {
    fn from(tokens: Tokens) -> Self {
        Self { access_token: tokens.access_token, refresh_token: tokens.refresh_token, expires_in: tokens.expires_in }
    }
}

/// A session with its user.
#[derive(Debug, Serialize, ToSchema)]
pub struct SignedIn {
    /// For the `Authorization: Bearer` header.
    pub access_token: String,
    /// For the next tokens; each is good once.
    pub refresh_token: String,
    /// Seconds for which the access token is good.
    pub expires_in: i64,
    /// Who signed in.
    pub user: Me,
}

impl SignedIn {
    /// A user's new tokens.
    pub fn new(user: &User, tokens: Tokens) -> Self {
        let Session { access_token, refresh_token, expires_in } = tokens.into();
        Self { access_token, refresh_token, expires_in, user: user.into() }
    }
}

/// A new account.
#[derive(Debug, Serialize, ToSchema)]
pub struct NewAccount {
    /// Who.
    pub user: Me,
    /// What the referral code did.
    pub referral: AppliedReferral,
    /// Their first session, unless the e-mail is to be verified first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session: Option<Session>,
}

/// What a referral code did.
#[derive(Debug, Serialize, ToSchema)]
pub struct AppliedReferral {
    /// Whether it bound the user to its owner.
    pub applied: bool,
    /// If not: `unknown`, `inactive`, `own`, `limit`, `inviter_blocked`, `programme_off`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<NotApplied>,
    /// What the user got for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reward: Option<Amount>,
}

impl NewAccount {
    /// The answer to a registration.
    pub fn new(email: &Email, registered: Registered, session: Option<Tokens>) -> Self {
        let referral = registered.referral;
        Self {
            user: Me {
                id: registered.user,
                email: Some(email.as_str().to_owned()),
                status: registered.status,
                role: Role::User,
                created_at: registered.created_at,
                balance: registered.balance.into(),
                debt: None,
            },
            referral: AppliedReferral {
                applied: referral.applied,
                reason: referral.reason,
                reward: referral.reward.map(Amount::from),
            },
            session: session.map(Session::from),
        }
    }
}
