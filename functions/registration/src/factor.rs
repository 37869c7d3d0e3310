//! The caller's second factor (R2.12).

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use shared::account::second_factor::{self, Enrolled, Enrolment, FactorStatus};
use shared::account::token::ACCESS_SECONDS;
use shared::account::view::{Caller, network};
use shared::app::App;
use shared::edge;
use shared::edge::body::Body;
use shared::edge::problem::Problem;
use shared::edge::reply::Reply;
use shared::kernel::refusal::code;
use utoipa::ToSchema;

use super::account::password;

/// State of the caller's second factor.
#[derive(Debug, Serialize, ToSchema)]
pub struct SecondFactorState {
    /// True if sign-in asks for it.
    pub enabled: bool,
    /// Time since which it is on; null while it is off.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub enabled_at: Option<Timestamp>,
    /// Number of recovery codes that are left.
    pub recovery_codes_left: usize,
    /// Time when this session gave it last; null if it never did.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub given_at: Option<Timestamp>,
}

impl From<FactorStatus> for SecondFactorState {
    fn from(of: FactorStatus) -> Self {
        Self {
            enabled: of.since.is_some(),
            enabled_at: of.since,
            recovery_codes_left: of.recovery_codes_left,
            given_at: of.given_at,
        }
    }
}

/// The caller's password.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OwnPassword {
    /// Current password.
    password: String,
}

/// A code of the second factor.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TotpCode {
    /// Six digits of the authenticator app, or a recovery code.
    #[schema(example = "123456")]
    totp: String,
}

/// The caller's password and a code of the second factor.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PasswordAndTotp {
    /// Current password.
    password: String,
    /// Six digits of the authenticator app, or a recovery code.
    #[schema(example = "123456")]
    totp: String,
}

/// A second factor that awaits the first code of the app; shown once.
#[derive(Serialize, ToSchema)]
pub struct SecondFactorEnrolment {
    /// Key to type into an authenticator app, in Base32.
    pub secret: String,
    /// The same key as a URI (`otpauth://totp/…`), for a QR code.
    pub uri: String,
    /// Time until which it can be confirmed.
    #[schema(value_type = String, format = DateTime)]
    pub expires_at: Timestamp,
}

impl From<Enrolment> for SecondFactorEnrolment {
    fn from(of: Enrolment) -> Self {
        Self { secret: of.key.base32(), uri: of.uri, expires_at: of.until }
    }
}

/// Recovery codes; shown once.
#[derive(Serialize, ToSchema)]
#[schema(as = FreshRecoveryCodes)]
pub struct RecoveryCodes {
    /// Ten codes, each good once in place of a code of the app.
    pub recovery_codes: Vec<String>,
}

/// Recovery codes, shown once, and an access token whose session has given the second factor.
#[derive(Serialize, ToSchema)]
pub struct SecondFactorEnabled {
    /// Ten codes, each good once in place of a code of the app.
    pub recovery_codes: Vec<String>,
    /// Access token of the present session.
    pub access_token: String,
    /// Lifetime of the access token in seconds.
    pub expires_in: i64,
}

impl From<Enrolled> for SecondFactorEnabled {
    fn from(of: Enrolled) -> Self {
        Self { recovery_codes: of.recovery_codes, access_token: of.access_token, expires_in: ACCESS_SECONDS }
    }
}

/// An access token of the present session.
#[derive(Serialize, ToSchema)]
pub struct AccessToken {
    /// Access token for the `Authorization: Bearer` header.
    pub access_token: String,
    /// Lifetime of the access token in seconds.
    pub expires_in: i64,
}

/// The caller's second factor
#[utoipa::path(
    get, path = "/v1/me/second-factor", operation_id = "getSecondFactor", tag = "account",
    responses((status = 200, body = SecondFactorState)),
)]
pub async fn state(State(app): State<Arc<App>>, caller: Caller) -> Result<Reply<SecondFactorState>, Problem> {
    Ok(Reply::ok(second_factor::status(&app, &caller.0).await?.into()))
}

/// Begin to set up the caller's second factor
///
/// For admins. The key is shown once; it is on after the app's first code, given in the same session within ten minutes. Beginning
/// again makes another key.
#[utoipa::path(
    post, path = "/v1/me/second-factor", operation_id = "enrolSecondFactor", tag = "account",
    responses(
        (status = 201, body = SecondFactorEnrolment), code::Forbidden, code::SecondFactorOn, code::AccountBlocked,
        code::RateLimited,
    ),
)]
pub async fn enrol(
    State(app): State<Arc<App>>,
    caller: Caller,
    body: Body<OwnPassword>,
) -> Result<Reply<SecondFactorEnrolment>, Problem> {
    let password = password("/password", &body.value.password)?;
    Ok(Reply::created(second_factor::enrol(&app, &caller.0, &password, &network()).await?.into()))
}

/// Confirm the caller's second factor with the app's first code
///
/// It is on from now on, and the present session has given it. The recovery codes are shown once.
#[utoipa::path(
    post, path = "/v1/me/second-factor/confirm", operation_id = "confirmSecondFactor", tag = "account",
    responses((status = 200, body = SecondFactorEnabled), code::SecondFactorOn, code::AccountBlocked, code::RateLimited),
)]
pub async fn confirm(
    State(app): State<Arc<App>>,
    caller: Caller,
    body: Body<TotpCode>,
) -> Result<Reply<SecondFactorEnabled>, Problem> {
    let done = second_factor::confirm(&app, &edge::context(), &caller.0, &body.value.totp).await?;
    Ok(Reply::ok(done.into()))
}

/// Give the second factor again in the present session
///
/// Routes that move money ask for one not older than 15 minutes. The access token of the response tells that it was given, and so do
/// those that the session is refreshed to.
#[utoipa::path(
    post, path = "/v1/me/second-factor/verify", operation_id = "verifySecondFactor", tag = "account",
    responses((status = 200, body = AccessToken), code::NotFound, code::AccountBlocked, code::RateLimited),
)]
pub async fn verify(
    State(app): State<Arc<App>>,
    caller: Caller,
    body: Body<TotpCode>,
) -> Result<Reply<AccessToken>, Problem> {
    let access_token = second_factor::step_up(&app, &edge::context(), &caller.0, &body.value.totp).await?;
    Ok(Reply::ok(AccessToken { access_token, expires_in: ACCESS_SECONDS }))
}

/// Make other recovery codes of the caller's second factor
///
/// Those before are good no more. They are shown once.
#[utoipa::path(
    post, path = "/v1/me/second-factor/recovery-codes", operation_id = "makeRecoveryCodes", tag = "account",
    responses((status = 200, body = RecoveryCodes), code::NotFound, code::AccountBlocked, code::RateLimited),
)]
pub async fn recovery_codes(
    State(app): State<Arc<App>>,
    caller: Caller,
    body: Body<PasswordAndTotp>,
) -> Result<Reply<RecoveryCodes>, Problem> {
    let password = password("/password", &body.value.password)?;
    let given = (&password, body.value.totp.as_str());
    let recovery_codes =
        second_factor::renew_recovery_codes(&app, &edge::context(), &caller.0, given, &network()).await?;
    Ok(Reply::ok(RecoveryCodes { recovery_codes }))
}

/// Remove the caller's second factor
#[utoipa::path(
    delete, path = "/v1/me/second-factor", operation_id = "removeSecondFactor", tag = "account",
    responses((status = 204, description = "It is off."), code::NotFound, code::AccountBlocked, code::RateLimited),
)]
pub async fn remove(
    State(app): State<Arc<App>>,
    caller: Caller,
    body: Body<PasswordAndTotp>,
) -> Result<StatusCode, Problem> {
    let password = password("/password", &body.value.password)?;
    let given = (&password, body.value.totp.as_str());
    second_factor::remove(&app, &edge::context(), &caller.0, given, &network()).await?;
    Ok(StatusCode::NO_CONTENT)
}
