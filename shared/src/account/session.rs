//! Sessions (R2.5, R2.8): sign in, refresh, sign out.

use jiff::{Timestamp, ToSpan};
use serde::{Deserialize, Serialize};

use crate::account::model::access::{EmailClaim, Session};
use crate::account::model::identity::{Email, Password, Role};
use crate::account::model::user::User;
use crate::account::password;
use crate::account::token::{ACCESS_SECONDS, REFRESH_DAYS, REPEAT_SECONDS, Signer};
use crate::app::App;
use kernel::fault::{Error, Fault};
use kernel::id::{SessionId, UserId};
use kernel::refusal::Refusal;
use table::context::Ctx;
use table::item::Versioned;
use table::tx::Tx;

/// Maximum failed sign-ins of one e-mail, and their window in seconds.
const FAILURES: (i64, i64) = (10, 15 * 60);

/// Tokens of a session.
#[derive(Debug, Clone)]
pub struct Tokens {
    /// Access token, valid for [`Tokens::expires_in`] seconds.
    pub access_token: String,
    /// Refresh token, exchanged for the next tokens.
    pub refresh_token: String,
    /// Lifetime of the access token in seconds.
    pub expires_in: i64,
}

/// Secret hash of an e-mail, the key of its claim.
pub fn email_hash(app: &App, email: &Email) -> String {
    app.config.secret.hex("email", &[email.as_str().as_bytes()])
}

/// Builds a session that begins now under this password of the user.
pub fn begin(app: &App, user: UserId, password_number: u64) -> Session {
    let now = app.clock.now();
    Session {
        id: SessionId::new(app.ulid()),
        user,
        created_at: now,
        password_number,
        number: 0,
        rotated_at: now,
        until: good_until(now),
        revoked: false,
    }
}

fn good_until(now: Timestamp) -> Timestamp {
    now.checked_add(REFRESH_DAYS.saturating_mul(24).hours()).unwrap_or(now)
}

/// Issues the tokens of a session in its current state.
///
/// # Errors
/// A fault in a function that has no signing key.
pub fn tokens(app: &App, user: &User, session: &Session) -> Result<Tokens, Fault> {
    let signer = signer(app)?;
    Ok(Tokens {
        access_token: signer.access(user.id, user.role, session.id, app.clock.now())?,
        refresh_token: signer.refresh(user.id, session.id, session.number),
        expires_in: ACCESS_SECONDS,
    })
}

/// Issues the tokens of the session that began with a registration.
///
/// # Errors
/// A fault in a function that has no signing key.
pub fn first_tokens(app: &App, user: UserId, session: &Session) -> Result<Tokens, Fault> {
    let signer = signer(app)?;
    Ok(Tokens {
        access_token: signer.access(user, Role::User, session.id, app.clock.now())?,
        refresh_token: signer.refresh(user, session.id, session.number),
        expires_in: ACCESS_SECONDS,
    })
}

fn signer(app: &App) -> Result<&Signer, Fault> {
    app.signer.as_ref().ok_or_else(|| Fault::bug("this function makes no tokens"))
}

/// Opens a session for an authenticated user, under the password that was current then.
///
/// # Errors
/// A fault when the write fails.
pub async fn open(app: &App, user: &User, password_number: u64) -> Result<Tokens, Error> {
    let session = begin(app, user.id, password_number);
    app.execute(&Ctx::system(), || async {
        let mut tx = app.tx();
        tx.insert(&session);
        Ok(((), tx))
    })
    .await?;
    Ok(tokens(app, user, &session)?)
}

/// Signs in with e-mail and password.
///
/// # Rejects
/// `bad_credentials`; `account_blocked`; `rate_limited` after ten failures in 15 minutes.
pub async fn sign_in(app: &App, email: Option<&Email>, password: Option<&Password>) -> Result<(User, Tokens), Error> {
    let (Some(email), Some(password)) = (email, password) else { return Err(Refusal::BadCredentials.into()) };
    let hash = email_hash(app, email);
    limit_failures(app, &hash).await?;
    let claim = app.store.get::<EmailClaim>(&EmailClaim::key(&hash)).await?;
    if !proves(app, &hash, claim.as_deref(), password).await? {
        return Err(Refusal::BadCredentials.into());
    }
    let claim = claim.ok_or(Refusal::BadCredentials)?;
    let user = app.store.get::<User>(&User::key(claim.user)).await?.ok_or(Refusal::BadCredentials)?;
    user.must_be_active()?;
    let tokens = open(app, &user, claim.password_number).await?;
    Ok((user.into_inner(), tokens))
}

/// Requires that an e-mail has failed sign-ins left.
///
/// # Rejects
/// `rate_limited` after ten failures in 15 minutes.
pub(crate) async fn limit_failures(app: &App, email_hash: &str) -> Result<(), Error> {
    let now = app.clock.now();
    let failures = app.store.tries("sign_in", email_hash, now).await?;
    if failures.count >= FAILURES.0 { Err(failures.refused(now).into()) } else { Ok(()) }
}

/// Compares a password with that of a claim; a wrong one counts as a failed sign-in.
///
/// Without a claim the same work is done, so timing reveals nothing.
pub(crate) async fn proves(
    app: &App,
    email_hash: &str,
    claim: Option<&EmailClaim>,
    password: &Password,
) -> Result<bool, Fault> {
    let right = password::verify(app, password, claim.and_then(|claim| claim.password_hash.as_deref()))?;
    if !right {
        app.store.record_attempt("sign_in", email_hash, app.clock.now(), FAILURES.1).await?;
    }
    Ok(right)
}

/// Finds the user who claimed an e-mail.
///
/// # Errors
/// A fault when the database cannot be reached.
pub async fn by_email(app: &App, hash: &str) -> Result<Option<Versioned<User>>, Fault> {
    match app.store.get::<EmailClaim>(&EmailClaim::key(hash)).await? {
        Some(claim) => app.store.get(&User::key(claim.user)).await,
        None => Ok(None),
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
enum Refreshed {
    /// The number of the one valid refresh token.
    Number(u64),
    /// The token was used before; its session is revoked.
    Reused,
}

/// Exchanges a refresh token for the next tokens.
///
/// # Rejects
/// `bad_credentials` for a forged, expired or revoked token, and for a reused one, whose session is then revoked;
/// `account_blocked`.
pub async fn refresh(app: &App, token: &str) -> Result<(User, Tokens), Error> {
    let (user, session, number) = signer(app)?.read_refresh(token).ok_or(Refusal::BadCredentials)?;
    let done = app.execute(&Ctx::system(), || plan_refresh(app, user, session, number)).await?;
    let (Refreshed::Number(number), user, session) = (done.answer.0, done.answer.1, done.answer.2) else {
        return Err(Refusal::BadCredentials.into());
    };
    let tokens = tokens(app, &user, &Session { number, ..session })?;
    Ok((user, tokens))
}

async fn plan_refresh(
    app: &App,
    user: UserId,
    session: SessionId,
    number: u64,
) -> Result<((Refreshed, User, Session), Tx), Error> {
    let now = app.clock.now();
    let (user, session) = live(app, user, session, now).await?;
    user.must_be_active()?;
    let mut tx = app.tx();
    let recent = now.duration_since(session.rotated_at).as_secs() <= REPEAT_SECONDS;
    let refreshed = if number == session.number {
        let next = number.saturating_add(1);
        let rotated = Session { number: next, rotated_at: now, until: good_until(now), ..(*session).clone() };
        tx.replace(&session, &rotated);
        Refreshed::Number(next)
    } else if number.saturating_add(1) == session.number && recent {
        Refreshed::Number(session.number)
    } else {
        tx.replace(&session, &Session { revoked: true, ..(*session).clone() });
        Refreshed::Reused
    };
    Ok(((refreshed, user.into_inner(), session.into_inner()), tx))
}

async fn live(
    app: &App,
    user: UserId,
    session: SessionId,
    now: Timestamp,
) -> Result<(Versioned<User>, Versioned<Session>), Error> {
    let (user_key, session_key) = (User::key(user), Session::key(user, session));
    let mut batch = app.store.get_many(&[user_key.clone(), session_key.clone()]).await?;
    let user = batch.take::<User>(&user_key)?.ok_or(Refusal::BadCredentials)?;
    let session = batch.take::<Session>(&session_key)?.ok_or(Refusal::BadCredentials)?;
    let signed_out = session.password_number != user.password_number;
    if session.revoked || session.until <= now || signed_out {
        return Err(Refusal::BadCredentials.into());
    }
    Ok((user, session))
}

/// Ends the session of a refresh token; a no-op for an invalid token.
///
/// # Errors
/// A fault when the write fails.
pub async fn sign_out(app: &App, token: &str) -> Result<(), Error> {
    let Some((user, session, _)) = signer(app)?.read_refresh(token) else { return Ok(()) };
    app.execute(&Ctx::system(), || async {
        let mut tx = app.tx();
        if let Some(stored) = app.store.get::<Session>(&Session::key(user, session)).await?
            && !stored.revoked
        {
            tx.replace(&stored, &Session { revoked: true, ..(*stored).clone() });
        }
        Ok(((), tx))
    })
    .await?;
    Ok(())
}
