//! Registration of users (R2.1–R2.4).

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use shared::account::model::identity::Email;
use shared::account::register::{NewSession, Registration as Outcome};
use shared::account::verify_signup::{read_token, signup_token};
use shared::account::view::network;
use shared::account::{register as verb, session, verify_signup};
use shared::app::App;
use shared::edge::body::Body;
use shared::edge::idempotency::Idempotent;
use shared::edge::problem::Problem;
use shared::edge::reply::Reply;
use shared::kernel::fault::Fault;
use shared::kernel::refusal::{Refusal, code};
use shared::table::execute::Answered;
use shared::table::telemetry as metrics;

use super::wire::{Confirmation, NewAccount, PendingRegistration, Registration, RegistrationResult, SignupToken};

/// Register a user
///
/// An invalid referral code does not prevent the registration; the response says why it did not apply. Where e-mail addresses
/// are verified, the response is a token to confirm the mailed code with, whether or not the address has an account.
#[utoipa::path(
    post, path = "/v1/registrations", operation_id = "register", tag = "public",
    responses((status = 201, body = RegistrationResult), code::AccountBlocked, code::EmailTaken, code::RateLimited),
)]
pub async fn register(
    State(app): State<Arc<App>>,
    key: Idempotent,
    body: Body<Registration>,
) -> Result<Reply<RegistrationResult>, Problem> {
    let ask = body.value.checked()?;
    let ctx = key.bind(&app, &session::email_hash(&app, &ask.email), &body.raw);
    let done = verb::register(&app, &ctx, &ask, &network()).await?;
    let replayed = done.replayed;
    let result = match done.answer.registration {
        Outcome::Pending(id) => {
            let signup_token = signup_token(&app, id);
            RegistrationResult::Pending(PendingRegistration { status: "pending", signup_token })
        }
        Outcome::Account(_) => RegistrationResult::Account(Box::new(account(&ask.email, done)?)),
    };
    Ok(Reply::created(result).replayed(replayed))
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
    let id = read_token(&app, &body.value.signup_token)?;
    let ctx = key.bind(&app, &id.to_string(), &body);
    let done = verify_signup::verify_signup(&app, &ctx, id, &body.value.code).await?;
    let replayed = done.replayed;
    let email = done.answer.email.clone().ok_or_else(|| Fault::bug("a confirmed e-mail that is not known"))?;
    Ok(Reply::created(account(&email, done)?).replayed(replayed))
}

/// Mail one more code for a pending registration
///
/// The codes before it stay good.
#[utoipa::path(
    post, path = "/v1/registrations/resend", operation_id = "resendVerification", tag = "public",
    responses((status = 202, description = "Mailed, if the registration is still pending.")),
)]
pub async fn resend(State(app): State<Arc<App>>, body: Body<SignupToken>) -> Result<StatusCode, Problem> {
    let id = read_token(&app, &body.value.signup_token)?;
    verify_signup::resend(&app, id, &network()).await?;
    Ok(StatusCode::ACCEPTED)
}

/// Parse the e-mail address of a request body.
pub fn address(text: &str) -> Result<Email, Refusal> {
    Email::at("/email", text).map_err(Refusal::from)
}

/// The response to a registration, counted if it created an account (R9.4).
fn account(email: &Email, done: Answered<NewSession>) -> Result<NewAccount, Fault> {
    let NewSession { registration, tokens, created, .. } = done.answer;
    let (Outcome::Account(registered), Some(tokens)) = (registration, tokens) else {
        return Err(Fault::bug("an account without a session"));
    };
    if created {
        metrics::count(if registered.referral.applied { "RegistrationsWithCode" } else { "RegistrationsWithoutCode" });
    }
    Ok(NewAccount::new(Some(email.as_str().to_owned()), *registered, tokens))
}
