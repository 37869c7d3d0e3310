//! Sessions and passwords (R2.5, R2.9–R2.11).

use std::sync::Arc;

use axum::extract::{FromRequest, FromRequestParts, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use shared::account::model::access::Bearer;
use shared::account::register_external::open_for;
use shared::account::view::{Backend, Caller, SessionsCreate, network};
use shared::account::{browser_link, reset_password, session};
use shared::app::App;
use shared::edge::body::Body;
use shared::edge::openapi::{Describe, Operation};
use shared::edge::path::Id;
use shared::edge::problem::Problem;
use shared::edge::reply::Reply;
use shared::kernel::id::UserId;
use shared::kernel::refusal::{Refusal, code};

use super::enter;
use super::signup::address;
use super::wire::{Address, BrowserLink, Credentials, NewPassword, RefreshToken, SessionRequest, SignedIn};

/// Sign in with e-mail and password
///
/// After ten failures over all networks the address is challenged: a device token or a mailed code is needed, too. An account with a
/// second factor needs one of its codes: without, a right password is answered `totp_required`.
#[utoipa::path(
    post, path = "/v1/sessions", operation_id = "signIn", tag = "public",
    responses(
        (status = 200, body = SignedIn), code::BadCredentials, code::ChallengeRequired, code::TotpRequired,
        code::TotpInvalid, code::AccountBlocked, code::RateLimited,
    ),
)]
pub async fn sign_in(State(app): State<Arc<App>>, body: Body<Credentials>) -> Result<Reply<SignedIn>, Problem> {
    let (user, tokens) = session::sign_in(&app, &body.value.into(), &network()).await?;
    Ok(Reply::ok(SignedIn::new(&user, tokens)))
}

/// Mail a code to sign in with while the e-mail address is challenged
#[utoipa::path(
    post, path = "/v1/sessions/challenge", operation_id = "askChallenge", tag = "public",
    responses((status = 202, description = "Mailed, if somebody has this e-mail.")),
)]
pub async fn challenge(State(app): State<Arc<App>>, body: Body<Address>) -> Result<StatusCode, Problem> {
    session::ask_challenge(&app, &address(&body.value.email)?, &network()).await?;
    Ok(StatusCode::ACCEPTED)
}

/// Open a session for a user authenticated by the operator's backend
///
/// Admins are rejected, and the session has the rights of a user at most, so that a service key cannot act as an admin or agent.
/// With `browser: true` the response is a link that signs a browser in once, within a minute: send the user there.
#[utoipa::path(
    post, path = "/v1/service/users/{id}/sessions", operation_id = "openSession", tag = "service",
    responses((status = 200, body = SignedIn), (status = 201, body = BrowserLink), code::AccountBlocked),
)]
pub async fn open(
    State(app): State<Arc<App>>,
    _: Backend<SessionsCreate>,
    Id(user): Id<UserId>,
    body: Option<Body<SessionRequest>>,
) -> Result<Response, Problem> {
    let ask = body.map(|body| body.value).unwrap_or_default();
    if let Some(page) = ask.checked()? {
        let link = browser_link::ask_link(&app, user, page).await?;
        return Ok(Reply::created(enter::link(&app, &link)?).into_response());
    }
    let (user, tokens) = open_for(&app, user).await?;
    Ok(Reply::ok(SignedIn::new(&user, tokens)).into_response())
}

/// Sessions to end: that of a refresh token, or all of the caller.
pub enum SignOut {
    One(RefreshToken),
    All(Bearer),
}

impl FromRequest<Arc<App>> for SignOut {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self, Problem> {
        match request.uri().query() {
            None | Some("" | "all=false") => {
                Ok(Self::One(<Body<RefreshToken>>::from_request(request, app).await?.value))
            }
            Some("all=true") => {
                let (mut parts, _) = request.into_parts();
                Ok(Self::All(Caller::from_request_parts(&mut parts, app).await?.bearer()))
            }
            Some(_) => Err(Refusal::field("/all", "unknown", "`true` or `false`.").into()),
        }
    }
}

impl Describe for SignOut {
    fn describe(operation: &mut Operation) {
        Body::<RefreshToken>::describe(operation);
        operation.refusal(&Refusal::Unauthenticated);
    }
}

/// End a session, or all sessions
///
/// The body's refresh token names the session. With `all=true` and an access token, without a body, all sessions of the
/// caller end, on every device.
#[utoipa::path(
    delete, path = "/v1/sessions", operation_id = "signOut", tag = "public",
    params(("all" = Option<bool>, Query, description = "`true` ends all sessions of the caller.")),
    responses((status = 204, description = "It has ended.")),
)]
pub async fn sign_out(State(app): State<Arc<App>>, of: SignOut) -> Result<StatusCode, Problem> {
    match of {
        SignOut::One(token) => session::sign_out(&app, &token.refresh_token).await?,
        SignOut::All(bearer) => session::sign_out_everywhere(&app, &bearer).await?,
    }
    Ok(StatusCode::NO_CONTENT)
}

/// Exchange a refresh token for new tokens
///
/// Each refresh token is valid once. Reuse ends its session, except that a repeat within 30 seconds returns the
/// same successor.
#[utoipa::path(
    post, path = "/v1/sessions/refresh", operation_id = "refreshSession", tag = "public",
    responses((status = 200, body = SignedIn), code::BadCredentials, code::AccountBlocked),
)]
pub async fn refresh(State(app): State<Arc<App>>, body: Body<RefreshToken>) -> Result<Reply<SignedIn>, Problem> {
    let (user, tokens) = session::refresh(&app, &body.value.refresh_token).await?;
    Ok(Reply::ok(SignedIn::new(&user, tokens)))
}

/// Mail a link and a code to reset the password
#[utoipa::path(
    post, path = "/v1/password-resets", operation_id = "askPasswordReset", tag = "public",
    responses((status = 202, description = "Mailed, if somebody has this e-mail.")),
)]
pub async fn ask_reset(State(app): State<Arc<App>>, body: Body<Address>) -> Result<StatusCode, Problem> {
    reset_password::ask_reset(&app, &address(&body.value.email)?, &network()).await?;
    Ok(StatusCode::ACCEPTED)
}

/// Set a new password with the mailed link or code
///
/// Ends all sessions of the user.
#[utoipa::path(
    post, path = "/v1/password-resets/confirm", operation_id = "resetPassword", tag = "public",
    responses((status = 204, description = "Set.")),
)]
pub async fn confirm_reset(State(app): State<Arc<App>>, body: Body<NewPassword>) -> Result<StatusCode, Problem> {
    let (mailed, password) = body.value.checked()?;
    reset_password::reset_password(&app, &mailed, &password, &network()).await?;
    Ok(StatusCode::NO_CONTENT)
}
