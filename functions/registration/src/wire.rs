//! Requests and responses of the registration routes.

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

/// Request for a new account.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Registration {
    /// E-mail address of the new user.
    #[schema(example = "bob@example.com")]
    email: String,
    /// Password, 10 to 128 characters.
    #[schema(min_length = 10, max_length = 128)]
    password: String,
    /// Invite code of the inviter. An invalid code does not prevent the registration.
    #[serde(default)]
    referral_code: Option<String>,
    /// Preferred language of e-mails: `en` or `zh`.
    #[serde(default)]
    locale: Option<String>,
}

impl Registration {
    /// Validate the request.
    ///
    /// # Rejects
    /// 422 with every invalid field.
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

/// An e-mail address.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Address {
    /// E-mail address of the account.
    pub email: String,
}

/// An e-mail address and the code mailed to it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Confirmation {
    /// E-mail address that received the code.
    pub email: String,
    /// Code from the e-mail, six digits.
    #[schema(example = "123456")]
    pub code: String,
}

/// A mailed code and the password to set.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPassword {
    /// E-mail address that received the code.
    pub email: String,
    /// Code from the e-mail, six digits.
    pub code: String,
    /// New password, 10 to 128 characters.
    pub password: String,
}

/// Credentials for signing in.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Credentials {
    /// E-mail address of the account.
    pub email: String,
    /// Password of the account.
    pub password: String,
}

/// A refresh token.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RefreshToken {
    /// Refresh token of the session's latest response.
    pub refresh_token: String,
}

/// A user as they see themselves.
#[derive(Debug, Serialize, ToSchema)]
pub struct Me {
    /// Id of the user.
    pub id: UserId,
    /// E-mail address of the user; null without one.
    pub email: Option<String>,
    /// Status of the user: `pending`, `active` or `blocked`.
    pub status: Status,
    /// Role of the user: `user`, `agent` or `admin`.
    pub role: Role,
    /// Registration time.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// Spendable balance.
    pub balance: Amount,
    /// Debt to the platform.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
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
    /// The user with their debt.
    pub fn with_debt(user: &User) -> Self {
        Self { debt: Some(user.accounts.owed().into()), ..Self::from(user) }
    }
}

/// The tokens of a session.
#[derive(Debug, Serialize, ToSchema)]
pub struct Session {
    /// Access token for the `Authorization: Bearer` header.
    pub access_token: String,
    /// Token to exchange for the next tokens; valid once.
    pub refresh_token: String,
    /// Lifetime of the access token in seconds.
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
    /// Access token for the `Authorization: Bearer` header.
    pub access_token: String,
    /// Token to exchange for the next tokens; valid once.
    pub refresh_token: String,
    /// Lifetime of the access token in seconds.
    pub expires_in: i64,
    /// The user who signed in.
    pub user: Me,
}

impl SignedIn {
    /// The response with a user's new tokens.
    pub fn new(user: &User, tokens: Tokens) -> Self {
        let Session { access_token, refresh_token, expires_in } = tokens.into();
        Self { access_token, refresh_token, expires_in, user: user.into() }
    }
}

/// A new account.
#[derive(Debug, Serialize, ToSchema)]
pub struct NewAccount {
    /// The new user.
    pub user: Me,
    /// Effect of the referral code.
    pub referral: AppliedReferral,
    /// The user's first session; absent if the e-mail address must be verified first.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub session: Option<Session>,
}

/// Effect of a referral code.
#[derive(Debug, Serialize, ToSchema)]
pub struct AppliedReferral {
    /// True if the code linked the user to its owner.
    pub applied: bool,
    /// Reason why no code applied; absent if one did.
    /// One of `unknown`, `inactive`, `own`, `limit`, `inviter_blocked`, `programme_off`, `no_code`, `already_bound`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub reason: Option<NotApplied>,
    /// Reward of the user; absent without one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub reward: Option<Amount>,
}

impl NewAccount {
    /// The response to a registration.
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
                reason: referral.reason(),
                reward: referral.reward.map(Amount::from),
            },
            session: session.map(Session::from),
        }
    }
}
