//! Handlers of the account page that set cookies: password, language, sign-out on every device.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Extension, State};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use serde::Deserialize;
use shared::account::browser::{self, BrowserSession};
use shared::account::model::identity::Password;
use shared::account::token::ACCESS_SECONDS;
use shared::account::view::network;
use shared::account::{profile, session};
use shared::app::App;
use shared::edge;
use shared::edge::body::Body;
use shared::edge::cookies::{self, SameSite, set};
use shared::edge::forms::Outcome as Next;
use shared::edge::problem::Problem;
use shared::kernel::refusal::Refusal;

use super::{append, signed_in, signed_out};
use crate::account::password;
use crate::wire::{PasswordChange, Profile, locale};

/// Life of the cookie of a language in seconds.
const LANGUAGE_SECONDS: u32 = 365 * 24 * 3_600;

/// The handlers.
pub fn router() -> Router<Arc<App>> {
    Router::new()
        .route("/password", post(change_password))
        .route("/confirm-password", post(confirm_password))
        .route("/language", post(set_language))
        .route("/sign-out-everywhere", post(sign_out_everywhere))
}

async fn change_password(
    State(app): State<Arc<App>>,
    Extension(session): Extension<BrowserSession>,
    body: Body<PasswordChange>,
) -> Result<Response, Problem> {
    let current = password("/current", &body.value.current)?;
    let new = Password::at("/new", &body.value.new).map_err(Refusal::from)?;
    let opened = browser::change_password(&app, &session, (&current, &new), &network()).await?;
    Ok(signed_in(&opened, Next::default()))
}

/// Password from the page that asks for it once more.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Confirmation {
    password: String,
    /// Code of the second factor, of an account that has one.
    #[serde(default)]
    totp: String,
}

async fn confirm_password(
    State(app): State<Arc<App>>,
    Extension(session): Extension<BrowserSession>,
    body: Body<Confirmation>,
) -> Result<Response, Problem> {
    let shown = password("/password", &body.value.password)?;
    let given = (&shown, body.value.totp.as_str());
    let fresh = browser::confirm_password(&app, &edge::context(), &session, given, &network()).await?;
    let mut response = StatusCode::NO_CONTENT.into_response();
    append(&mut response, set(cookies::FRESH, &fresh, SameSite::Strict, ACCESS_SECONDS));
    Ok(response)
}

/// Sets the language of mails, and of this browser's pages, whose cookie would else go before the user's own.
async fn set_language(
    State(app): State<Arc<App>>,
    Extension(session): Extension<BrowserSession>,
    body: Body<Profile>,
) -> Result<Response, Problem> {
    let chosen = body.value.locale;
    locale(chosen.as_deref()).map_err(Refusal::from)?;
    profile::set_locale(&app, &session.claims.bearer(), chosen.as_deref()).await?;
    let mut response = StatusCode::NO_CONTENT.into_response();
    let cookie = chosen
        .map(|chosen| format!("lang={chosen}; Path=/; Secure; SameSite=Lax; Max-Age={LANGUAGE_SECONDS}"))
        .and_then(|line| HeaderValue::from_str(&line).ok());
    append(&mut response, cookie);
    Ok(response)
}

async fn sign_out_everywhere(
    State(app): State<Arc<App>>,
    Extension(session): Extension<BrowserSession>,
) -> Result<Response, Problem> {
    session::sign_out_everywhere(&app, &session.claims.bearer()).await?;
    Ok(signed_out())
}
