//! Handlers that only forms reach (C6.9): they set cookies where the API tells tokens, on the same use cases.

mod account;

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::{Extension, State};
use axum::http::header::SET_COOKIE;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use shared::account::browser::{self, BrowserSession, BrowserSignIn, PasswordGiven, SignedInBrowser};
use shared::account::model::identity::{Email, Password};
use shared::account::register::{NewSession, Register, Registration as Outcome};
use shared::account::session::{self, SignIn};
use shared::account::token::ACCESS_SECONDS;
use shared::account::verify_signup::{read_token, signup_token};
use shared::account::view::network;
use shared::account::{register as verb, reset_password, verify_signup};
use shared::app::App;
use shared::edge::application::FormHost;
use shared::edge::body::Body;
use shared::edge::cookies::{self, SameSite, set};
use shared::edge::forms::{FormPost, Outcome as Next};
use shared::edge::idempotency::Idempotent;
use shared::edge::problem::Problem;
use shared::edge::sealed;
use shared::kernel::fault::{Error, Fault};
use shared::kernel::refusal::Refusal;
use shared::table::telemetry as metrics;

use super::signup::address;
use super::wire::Registration;

/// Life of the cookie of a pending sign-up in seconds.
const SIGNUP_SECONDS: i64 = 15 * 60;
/// Purpose of the sealed cookie of a password that was right, and its life in seconds.
const FACTOR: &str = "second factor";
const CODE_SECONDS: i64 = 5 * 60;
/// Life of the cookie of a device token in seconds.
const DEVICE_SECONDS: i64 = 180 * 24 * 3_600;

/// The handlers.
pub fn router() -> Router<Arc<App>> {
    Router::new()
        .route("/sign-in", post(sign_in))
        .route("/sign-in-code", post(sign_in_code))
        .route("/challenge", post(challenge))
        .route("/register", post(register))
        .route("/verify", post(verify))
        .route("/resend", post(resend))
        .route("/reset", post(ask_reset))
        .route("/sign-out", post(sign_out))
        .merge(account::router())
}

/// Credentials from the sign-in page.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Credentials {
    email: String,
    password: String,
    #[serde(default)]
    challenge_code: Option<String>,
}

/// Code of the second factor from a page.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SecondFactorCode {
    totp: String,
}

/// Address from a page.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Address {
    email: String,
}

/// Mailed code from a page.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Mailed {
    code: String,
}

/// Pending sign-up in the browser's cookie.
#[derive(Debug, Serialize, Deserialize)]
struct PendingSignup {
    token: String,
    email: String,
}

async fn sign_in(
    State(app): State<Arc<App>>,
    Extension(post): Extension<FormPost>,
    body: Body<Credentials>,
) -> Result<Response, Problem> {
    let ask = SignIn {
        email: Email::parse(&body.value.email),
        password: Password::shown(&body.value.password),
        device_token: post.cookies.get(cookies::DEVICE).map(str::to_owned),
        challenge_code: body.value.challenge_code,
        totp: None,
    };
    match browser::sign_in(&app, &ask, &network()).await {
        Ok(BrowserSignIn::Opened(opened)) => Ok(signed_in(&opened, Next::default())),
        // The password is not asked for again, and no page holds it: the browser keeps, sealed, that it was right.
        Ok(BrowserSignIn::AwaitsCode(given)) => {
            let text = serde_json::to_vec(&given).map_err(Fault::bug)?;
            let sealed = sealed::seal(&app.config.secret, FACTOR, app.nonce(), &text);
            let mut response = going(Next { to: Some(code_page(&post.form.done)), said: None });
            append(&mut response, sealed.and_then(|text| set(cookies::FACTOR, &text, SameSite::Strict, CODE_SECONDS)));
            Ok(response)
        }
        // The page asks for the mailed code next, so it is mailed at once; a wrong code is no reason for another mail.
        Err(Error::Refused(refusal @ Refusal::ChallengeRequired)) if ask.challenge_code.is_none() => {
            if let Some(email) = &ask.email {
                session::ask_challenge(&app, email, &network()).await?;
            }
            Err(refusal.into())
        }
        Err(error) => Err(error.into()),
    }
}

/// Signs in with the code of the second factor, after the password; too late, the sign-in begins again.
async fn sign_in_code(
    State(app): State<Arc<App>>,
    Extension(post): Extension<FormPost>,
    body: Body<SecondFactorCode>,
) -> Result<Response, Problem> {
    let text = post.cookies.get(cookies::FACTOR).and_then(|text| sealed::open(&app.config.secret, FACTOR, text));
    let given = text.and_then(|text| serde_json::from_slice::<PasswordGiven>(&text).ok());
    let opened = match &given {
        Some(given) => browser::sign_in_with_code(&app, given, &body.value.totp, &network()).await,
        None => Err(Refusal::BadCredentials.into()),
    };
    let mut response = match opened {
        Ok(opened) => signed_in(&opened, Next::default()),
        Err(Error::Refused(Refusal::BadCredentials)) => {
            going(Next { to: Some("/sign-in".to_owned()), said: Some(("sign_in_again".to_owned(), BTreeMap::new())) })
        }
        Err(error) => return Err(error.into()),
    };
    append(&mut response, set(cookies::FACTOR, "", SameSite::Strict, 0));
    Ok(response)
}

/// The page that asks for the code, which leads on to where the sign-in does.
fn code_page(done: &str) -> String {
    let next = form_urlencoded::parse(done.split_once('?').map_or("", |(_, query)| query).as_bytes());
    let next = next.filter(|(name, _)| name == "next");
    let query = form_urlencoded::Serializer::new(String::new()).append_pair("step", "totp").extend_pairs(next).finish();
    format!("/sign-in?{query}")
}

async fn challenge(State(app): State<Arc<App>>, body: Body<Address>) -> Result<Response, Problem> {
    session::ask_challenge(&app, &address(&body.value.email)?, &network()).await?;
    Ok(going(mailed("challenge_mailed", body.value.email)))
}

async fn ask_reset(State(app): State<Arc<App>>, body: Body<Address>) -> Result<Response, Problem> {
    reset_password::ask_reset(&app, &address(&body.value.email)?, &network()).await?;
    Ok(going(mailed("reset_mailed", body.value.email)))
}

/// Says that a code is on its way, to whichever address was entered; the next page has the address in its field.
fn mailed(code: &str, email: String) -> Next {
    Next { to: None, said: Some((code.to_owned(), BTreeMap::from([("email".to_owned(), email)]))) }
}

async fn register(
    State(app): State<Arc<App>>,
    Extension(post): Extension<FormPost>,
    key: Idempotent,
    body: Body<Registration>,
) -> Result<Response, Problem> {
    let device_token = post.cookies.get(cookies::DEVICE).map(str::to_owned);
    let ask = Register { device_token, ..body.value.checked()? };
    let ctx = key.bind(&app, &session::email_hash(&app, &ask.email), &body.raw);
    let done = verb::register(&app, &ctx, &ask, &network()).await?;
    match done.answer.registration {
        Outcome::Pending(id) => {
            let pending = PendingSignup { token: signup_token(&app, id), email: ask.email.as_str().to_owned() };
            let mut response = going(Next { to: Some("/verify".to_owned()), said: None });
            append(&mut response, pending.cookie(&app));
            Ok(response)
        }
        Outcome::Account(_) => welcome(&app, done.answer).await,
    }
}

async fn verify(
    State(app): State<Arc<App>>,
    Extension(post): Extension<FormPost>,
    key: Idempotent,
    body: Body<Mailed>,
) -> Result<Response, Problem> {
    let id = read_token(&app, &PendingSignup::of(&app, &post)?.token)?;
    let ctx = key.bind(&app, &id.to_string(), &body);
    let code: String = body.value.code.chars().filter(|symbol| !symbol.is_whitespace()).collect();
    let done = verify_signup::verify_signup(&app, &ctx, id, &code).await?;
    let mut response = welcome(&app, done.answer).await?;
    append(&mut response, set(cookies::SIGNUP, "", SameSite::Strict, 0));
    Ok(response)
}

async fn resend(
    State(app): State<Arc<App>>,
    Extension(post): Extension<FormPost>,
    _: Json<serde_json::Value>,
) -> Result<Response, Problem> {
    let id = read_token(&app, &PendingSignup::of(&app, &post)?.token)?;
    verify_signup::resend(&app, id, &network()).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

async fn sign_out(
    State(app): State<Arc<App>>,
    Extension(session): Extension<BrowserSession>,
) -> Result<Response, Problem> {
    browser::sign_out(&app, &session).await?;
    Ok(signed_out())
}

/// The response that clears what a browser holds of a session.
fn signed_out() -> Response {
    let mut response = StatusCode::NO_CONTENT.into_response();
    append(&mut response, set(cookies::SESSION, "", SameSite::Lax, 0));
    append(&mut response, set(cookies::FLASH, "", SameSite::Strict, 0));
    append(&mut response, set(cookies::FRESH, "", SameSite::Strict, 0));
    append(&mut response, set(cookies::SEEN, "", SameSite::Lax, 0));
    response
}

/// The response to a registration that created an account or found its own: signed in, with what became of the code.
async fn welcome(app: &App, done: NewSession) -> Result<Response, Problem> {
    let Outcome::Account(registered) = done.registration else { return Err(Refusal::MalformedRequest.into()) };
    if done.created {
        metrics::count(if registered.referral.applied { "RegistrationsWithCode" } else { "RegistrationsWithoutCode" });
    }
    let opened = browser::open_for(app, registered.user).await?;
    let mut facts = BTreeMap::new();
    if let Some(reason) = registered.referral.reason.and_then(|reason| serde_json::to_value(reason).ok()) {
        facts.extend(reason.as_str().map(|reason| ("reason".to_owned(), reason.to_owned())));
    }
    if let Some(reward) = registered.referral.reward {
        facts.insert("reward".to_owned(), reward.amount().normalize().to_string());
        facts.insert("currency".to_owned(), reward.currency().to_string());
    }
    if registered.referral.applied {
        facts.insert("applied".to_owned(), "true".to_owned());
    }
    Ok(signed_in(&opened, Next { to: None, said: Some(("welcome".to_owned(), facts)) }))
}

impl PendingSignup {
    fn cookie(&self, app: &App) -> Option<HeaderValue> {
        let text = serde_json::to_vec(self).ok()?;
        let sealed = sealed::seal(&app.config.secret, "sign-up", app.nonce(), &text)?;
        set(cookies::SIGNUP, &sealed, SameSite::Strict, SIGNUP_SECONDS)
    }

    /// The pending sign-up of a form post.
    ///
    /// # Rejects
    /// 422 at `/code` when the browser has none any more.
    fn of(app: &App, post: &FormPost) -> Result<Self, Refusal> {
        let text = post.cookies.get(cookies::SIGNUP).and_then(|text| sealed::open(&app.config.secret, "sign-up", text));
        let pending = text.and_then(|text| serde_json::from_slice(&text).ok());
        pending.ok_or_else(|| Refusal::field("/code", "expired", "The code is no longer good."))
    }
}

fn signed_in(opened: &SignedInBrowser, next: Next) -> Response {
    let mut response = going(next);
    keep(&mut response, opened);
    response
}

/// Sets the cookies of a browser that has signed in.
pub fn keep(response: &mut Response, opened: &SignedInBrowser) {
    append(response, set(cookies::SESSION, &opened.cookie, SameSite::Lax, opened.seconds));
    append(response, set(cookies::DEVICE, &opened.device_token, SameSite::Lax, DEVICE_SECONDS));
    if let Some(fresh) = &opened.fresh {
        append(response, set(cookies::FRESH, fresh, SameSite::Strict, ACCESS_SECONDS));
    }
}

fn going(next: Next) -> Response {
    let mut response = StatusCode::NO_CONTENT.into_response();
    response.extensions_mut().insert(next);
    response
}

fn append(response: &mut Response, cookie: Option<HeaderValue>) {
    if let Some(cookie) = cookie {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
}
