//! Sessions (R2.5, R2.8): signing in, refreshing, signing out.

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

/// Failed sign-ins of one e-mail until the next ones are turned away, and the seconds of the window they count in.
const FAILURES: (i64, i64) = (10, 15 * 60);

/// The tokens of a session.
#[derive(Debug, Clone)]
pub struct Tokens {
    /// For the next fifteen minutes.
    pub access_token: String,
    /// For the next tokens.
    pub refresh_token: String,
    /// Seconds for which the access token is good.
    pub expires_in: i64,
}

/// The secret hash under which an e-mail is claimed.
pub fn email_hash(app: &App, email: &Email) -> String {
    app.config.secret.hex("email", &[email.as_str().as_bytes()])
}

/// A session that begins now under this password of the user's.
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

/// The tokens of a session as it stands.
///
/// # Errors
/// Where no tokens are made.
pub fn tokens(app: &App, user: &User, session: &Session) -> Result<Tokens, Fault> {
    let signer = signer(app)?;
    Ok(Tokens {
        access_token: signer.access(user.id, user.role, session.id, app.clock.now())?,
        refresh_token: signer.refresh(user.id, session.id, session.number),
        expires_in: ACCESS_SECONDS,
    })
}

/// The tokens of the session that began with a registration.
///
/// # Errors
/// Where no tokens are made.
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

/// Opens a session for a user who has shown who they are, while this password of theirs was good.
///
/// # Errors
/// When it can't be stored.
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
/// # Refuses
/// `bad_credentials`; `account_blocked`; `rate_limited` after ten failures in a quarter of an hour.
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

/// Whether the passwords shown for an e-mail are still looked at.
///
/// # Refuses
/// `rate_limited` after ten failures in a quarter of an hour.
pub(crate) async fn limit_failures(app: &App, email_hash: &str) -> Result<(), Error> {
    let now = app.clock.now();
    let failures = app.store.tries("sign_in", email_hash, now).await?;
    if failures.count >= FAILURES.0 { Err(failures.refused(now).into()) } else { Ok(()) }
}

/// Whether a password is the one of a claim; a wrong one counts as a failed sign-in. Nobody's costs as much.
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

/// The user who claimed an e-mail.
///
/// # Errors
/// When the database can't be reached.
pub async fn by_email(app: &App, hash: &str) -> Result<Option<Versioned<User>>, Fault> {
    match app.store.get::<EmailClaim>(&EmailClaim::key(hash)).await? {
        Some(claim) => app.store.get(&User::key(claim.user)).await,
        None => Ok(None),
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
enum Refreshed {
    /// This is the number of the one good token now.
    Number(u64),
    /// The token was used before: none of the session is good any more.
    Reused,
}

/// Exchanges a refresh token for the next tokens.
///
/// # Refuses
/// `bad_credentials` for a forged, expired or revoked one, and for one used twice, which revokes its session; `account_blocked`.
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

/// Ends the session of a refresh token. A token that is no good ends nothing and is no error.
///
/// # Errors
/// When it can't be stored.
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
