//! Requests and responses of the registration routes.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use shared::account::model::identity::Role;
use shared::account::model::identity::Status;
use shared::account::model::identity::{Email, Password};
use shared::account::model::user::User;
use shared::account::register::{Register, Registered};
use shared::account::reset_password::Mailed;
use shared::account::session::{SignIn, Tokens};
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
    /// Token that a sign-in on this device got, of whichever account; it is compared within the inviter's invitees.
    #[serde(default)]
    device_token: Option<String>,
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
        errors.extend(locale(self.locale.as_deref()).err());
        let referral_code = self.referral_code.map(|code| code.chars().take(100).collect());
        match (email, password) {
            (Some(email), Some(password)) if errors.is_empty() => {
                Ok(Register { email, password, referral_code, locale: self.locale, device_token: self.device_token })
            }
            _ => Err(Refusal::Invalid(errors)),
        }
    }
}

/// Validate a language.
///
/// # Rejects
/// A [`FieldError`] at `/locale`.
pub fn locale(text: Option<&str>) -> Result<(), FieldError> {
    let plain = |locale: &str| locale.len() <= 35 && locale.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    let wrong = || FieldError::new("/locale", "not_a_locale", "A language tag, `en` or `zh`.");
    if text.is_none_or(plain) { Ok(()) } else { Err(wrong()) }
}

/// An e-mail address.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = EmailAddress)]
#[serde(deny_unknown_fields)]
pub struct Address {
    /// E-mail address of the account.
    pub email: String,
}

/// Token of a registration that awaits its confirmation.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SignupToken {
    /// Token of the registration's response.
    pub signup_token: String,
}

/// Token of a registration and the code mailed for it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Confirmation {
    /// Token of the registration's response.
    pub signup_token: String,
    /// Code from the e-mail, six digits.
    #[schema(example = "123456")]
    pub code: String,
}

/// Evidence of a reset, as mailed, and the password to set: either `token`, or `email` and `code`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPassword {
    /// Token of the mailed link.
    #[serde(default)]
    pub token: Option<String>,
    /// E-mail address that received the code.
    #[serde(default)]
    pub email: Option<String>,
    /// Code from the e-mail, ten symbols.
    #[serde(default)]
    #[schema(example = "7KQ2M-X9TZ4")]
    pub code: Option<String>,
    /// New password, 10 to 128 characters.
    #[schema(min_length = 10, max_length = 128)]
    pub password: String,
}

impl NewPassword {
    /// Validate the request.
    ///
    /// # Rejects
    /// 422 with every invalid field.
    pub fn checked(self) -> Result<(Mailed, Password), Refusal> {
        let mut errors = Vec::new();
        let mailed = match (self.token, self.email, self.code) {
            (Some(token), None, None) => Some(Mailed::Link(token)),
            (None, Some(email), Some(code)) => Email::at("/email", &email)
                .map_err(|error| errors.push(error))
                .ok()
                .map(|email| Mailed::Code(email, code)),
            _ => {
                errors.push(FieldError::new("/token", "required", "either `token`, or `email` and `code`"));
                None
            }
        };
        let password = Password::at("/password", &self.password).map_err(|error| errors.push(error)).ok();
        mailed.zip(password).ok_or(Refusal::Invalid(errors))
    }
}

/// Credentials for signing in.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Credentials {
    /// E-mail address of the account.
    pub email: String,
    /// Password of the account.
    pub password: String,
    /// Token that an earlier sign-in on this device got; answers a challenge.
    #[serde(default)]
    pub device_token: Option<String>,
    /// Code mailed for a challenge, ten symbols; answers it, too.
    #[serde(default)]
    pub challenge_code: Option<String>,
    /// Code of the second factor, of the authenticator app or for recovery, for an account that has one.
    #[serde(default)]
    pub totp: Option<String>,
}

impl From<Credentials> for SignIn {
    fn from(sent: Credentials) -> Self {
        Self {
            email: Email::parse(&sent.email),
            password: Password::shown(&sent.password),
            device_token: sent.device_token,
            challenge_code: sent.challenge_code,
            totp: sent.totp,
        }
    }
}

/// Profile of the caller.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// Preferred language of e-mails: `en` or `zh`; null for none.
    pub locale: Option<String>,
}

/// The caller's password and the next one.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PasswordChange {
    /// Current password.
    pub current: String,
    /// New password, 10 to 128 characters.
    #[schema(min_length = 10, max_length = 128)]
    pub new: String,
}

/// A new e-mail address and the caller's password.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewEmail {
    /// New e-mail address; a code is mailed to it.
    pub email: String,
    /// Current password.
    pub password: String,
}

/// A mailed code.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MailedCode {
    /// Code from the e-mail, six digits.
    #[schema(example = "123456")]
    pub code: String,
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
    /// Preferred language of e-mails; absent without one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub locale: Option<String>,
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
    /// Part of the balance that never expires.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub paid: Option<Amount>,
    /// Part of the balance that was granted and expires; it is spent first.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub granted: Option<Amount>,
}

impl From<&User> for Me {
    fn from(user: &User) -> Self {
        Self {
            id: user.id,
            email: user.email.as_ref().map(|email| email.as_str().to_owned()),
            locale: user.locale.clone(),
            status: user.status,
            role: user.role,
            created_at: user.signed_up_at(),
            balance: user.accounts.balance().into(),
            debt: None,
            paid: None,
            granted: None,
        }
    }
}

impl Me {
    /// The user with their debt and the parts of their balance (R12.3).
    pub fn with_debt(user: &User) -> Self {
        let accounts = &user.accounts;
        let [debt, paid, granted] =
            [accounts.owed(), accounts.paid(), accounts.granted()].map(|part| Some(part.into()));
        Self { debt, paid, granted, ..Self::from(user) }
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
    /// Token that lets this device sign in while the e-mail is challenged; good for 180 days.
    pub device_token: String,
}

impl From<Tokens> for Session {
    fn from(tokens: Tokens) -> Self {
        let Tokens { access_token, refresh_token, expires_in, device_token } = tokens;
        Self { access_token, refresh_token, expires_in, device_token }
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
    /// Token that lets this device sign in while the e-mail is challenged; good for 180 days.
    pub device_token: String,
    /// The user who signed in.
    pub user: Me,
}

impl SignedIn {
    /// The response with a user's new tokens.
    pub fn new(user: &User, tokens: Tokens) -> Self {
        let Session { access_token, refresh_token, expires_in, device_token } = tokens.into();
        Self { access_token, refresh_token, expires_in, device_token, user: user.into() }
    }
}

/// Kind of a session that the operator's backend asks for.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SessionRequest {
    /// True for a link that signs a browser in, instead of tokens.
    browser: bool,
    /// Path of the page that the link leads to; the user's home page without one.
    #[schema(example = "/top-up", max_length = 512)]
    page: Option<String>,
}

/// Maximum bytes of the page that a link leads to.
const MAX_PAGE: usize = 512;

impl SessionRequest {
    /// The page that the asked link leads to; `None` if tokens are asked for.
    ///
    /// # Rejects
    /// 422 at `/page` for what is no path, or for a page without a browser.
    pub fn checked(self) -> Result<Option<String>, Refusal> {
        let is_path = |page: &str| page.strip_prefix('/').is_some_and(|rest| !rest.starts_with(['/', '\\']));
        let is_plain = |page: &str| page.len() <= MAX_PAGE && page.bytes().all(|byte| byte.is_ascii_graphic());
        match self.page {
            None => Ok(self.browser.then(|| "/".to_owned())),
            Some(_) if !self.browser => {
                Err(Refusal::field("/page", "not_for_tokens", "A page goes with `browser: true` only."))
            }
            Some(page) if is_path(&page) && is_plain(&page) => Ok(Some(page)),
            Some(_) => Err(Refusal::field("/page", "not_a_page", "A path such as `/top-up`, at most 512 characters.")),
        }
    }
}

/// A link that signs a browser in once.
#[derive(Debug, Serialize, ToSchema)]
pub struct BrowserLink {
    /// Address to send the user's browser to.
    #[schema(example = "https://pay.example.com/enter?code=qL3…")]
    pub url: String,
    /// Expiry, a minute after the request.
    #[schema(value_type = String, format = DateTime)]
    pub expires_at: Timestamp,
}

/// A new account.
#[derive(Debug, Serialize, ToSchema)]
pub struct NewAccount {
    /// The new user.
    pub user: Me,
    /// Effect of the referral code.
    pub referral: AppliedReferral,
    /// The user's first session.
    pub session: Session,
}

/// A registration whose e-mail address must be verified first.
#[derive(Debug, Serialize, ToSchema)]
pub struct PendingRegistration {
    /// Always `pending`.
    #[schema(example = "pending")]
    pub status: &'static str,
    /// Token of the registration, to confirm the mailed code with.
    pub signup_token: String,
}

/// A registration: an account with its session, or one that awaits its confirmation.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub enum RegistrationResult {
    /// The account; boxed, as it is larger than a pending registration.
    Account(Box<NewAccount>),
    Pending(PendingRegistration),
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
    pub fn new(email: Option<String>, registered: Registered, session: Tokens) -> Self {
        let referral = registered.referral;
        Self {
            user: Me {
                id: registered.user,
                email,
                locale: None,
                status: registered.status,
                role: Role::User,
                created_at: registered.created_at,
                balance: registered.balance.into(),
                debt: None,
                paid: None,
                granted: None,
            },
            referral: AppliedReferral {
                applied: referral.applied,
                reason: referral.reason(),
                reward: referral.reward.map(Amount::from),
            },
            session: session.into(),
        }
    }
}
