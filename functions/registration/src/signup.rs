//! Registration of users (R2.1–R2.4).

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use shared::account::model::identity::Email;
use shared::account::register::NewSession;
use shared::account::{register as verb, session, verify_signup};
use shared::app::App;
use shared::edge::body::Body;
use shared::edge::idempotency::Idempotent;
use shared::edge::problem::Problem;
use shared::edge::reply::Reply;
use shared::kernel::refusal::{Refusal, code};
use shared::table::execute::Answered;
use shared::table::telemetry as metrics;

use super::wire::{Address, Confirmation, NewAccount, Registration};

/// Register a user
///
/// An invalid referral code does not prevent the registration; the response says why it did not apply.
#[utoipa::path(
    post, path = "/v1/registrations", operation_id = "register", tag = "public",
    responses((status = 201, body = NewAccount), code::AccountBlocked, code::EmailTaken, code::RateLimited),
)]
pub async fn register(
    State(app): State<Arc<App>>,
    key: Idempotent,
    body: Body<Registration>,
) -> Result<Reply<NewAccount>, Problem> {
    let ask = body.value.checked()?;
    let ctx = key.bind(&app, &session::email_hash(&app, &ask.email), &body.raw);
    let done = verb::register(&app, &ctx, &ask).await?;
    Ok(account(&ask.email, done))
}

/// Confirm the code mailed at registration
#[utoipa::path(
    post, path = "/v1/registrations/verify", operation_id = "verifyRegistration", tag = "public",
    responses((status = 201, body = NewAccount), code::AccountBlocked, code::EmailTaken),
)]
pub async fn verify(
    State(app): State<Arc<App>>,
    key: Idempotent,
    body: Body<Confirmation>,
) -> Result<Reply<NewAccount>, Problem> {
    let email = address(&body.value.email)?;
    let caller = session::email_hash(&app, &email);
    let ctx = key.bind(&app, &caller, &body);
    let done = verify_signup::verify_signup(&app, &ctx, &email, &body.value.code).await?;
    Ok(account(&email, done))
}

/// Mail a new code for a pending registration
#[utoipa::path(
    post, path = "/v1/registrations/resend", operation_id = "resendVerification", tag = "public",
    responses((status = 202, description = "Mailed, if there is such a registration."), code::RateLimited),
)]
pub async fn resend(State(app): State<Arc<App>>, body: Body<Address>) -> Result<StatusCode, Problem> {
    verify_signup::resend(&app, &address(&body.value.email)?).await?;
    Ok(StatusCode::ACCEPTED)
}

/// Parse the e-mail address of a request body.
pub fn address(text: &str) -> Result<Email, Refusal> {
    Email::at("/email", text).map_err(Refusal::from)
}

/// The response to a registration, counted if it created an account (R9.4).
fn account(email: &Email, done: Answered<NewSession>) -> Reply<NewAccount> {
    let Answered { answer: NewSession { registered, tokens }, replayed } = done;
    if registered.session.is_some() && !replayed {
        metrics::count(if registered.referral.applied { "RegistrationsWithCode" } else { "RegistrationsWithoutCode" });
    }
    Reply::created(NewAccount::new(email, registered, tokens)).replayed(replayed)
}
