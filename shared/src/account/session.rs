//! Sessions (R2.5, R2.8): sign in, refresh, sign out.

use jiff::{Timestamp, ToSpan};
use serde::{Deserialize, Serialize};

use crate::account::device;
use crate::account::limits::Attempt;
use crate::account::mailed_code::{CodeSubject, Purpose, is_right};
use crate::account::model::access::{Bearer, EmailClaim, Session, SessionKind};
use crate::account::model::identity::{Email, Password, Role};
use crate::account::model::network::Network;
use crate::account::model::user::User;
use crate::account::password;
use crate::account::reset_password::ask_mail;
use crate::account::second_factor;
use crate::account::token::{ACCESS_SECONDS, REFRESH_DAYS, REPEAT_SECONDS, Signer};
use crate::app::App;
use crate::message::MailKind;
use kernel::fault::{Error, Fault};
use kernel::id::{SessionId, UserId};
use kernel::refusal::Refusal;
use table::context::Ctx;
use table::item::Versioned;
use table::tx::Tx;

/// Tokens of a session.
#[derive(Debug, Clone)]
pub struct Tokens {
    /// Access token, valid for [`Tokens::expires_in`] seconds.
    pub access_token: String,
    /// Refresh token, exchanged for the next tokens.
    pub refresh_token: String,
    /// Lifetime of the access token in seconds.
    pub expires_in: i64,
    /// Token that lets this device sign in while the e-mail is challenged (R2.9).
    pub device_token: String,
}

/// Request to sign in.
#[derive(Debug, Clone)]
pub struct SignIn {
    /// `None` when it is not an address.
    pub email: Option<Email>,
    /// `None` when it is no password.
    pub password: Option<Password>,
    /// Token that an earlier sign-in on this device got.
    pub device_token: Option<String>,
    /// Code mailed for a challenge.
    pub challenge_code: Option<String>,
    /// Code of the second factor (R2.12).
    pub totp: Option<String>,
}

/// Secret hash of an e-mail, the key of its claim.
pub fn email_hash(app: &App, email: &Email) -> String {
    app.config.secret.hex("email", &[email.as_str().as_bytes()])
}

/// Builds a session that begins now, under this password and generation of the user.
pub fn begin(app: &App, user: UserId, password_number: u64, generation: u64) -> Session {
    let now = app.clock.now();
    Session {
        id: SessionId::new(app.ulid()),
        user,
        created_at: now,
        password_number,
        generation,
        limited: false,
        kind: SessionKind::Api,
        number: 0,
        rotated_at: now,
        until: good_until(now),
        revoked: false,
        second_factor_at: None,
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
    // The role in a token is the most that its holder may use; the account's own may be less.
    let role = if session.limited { Role::User } else { user.role };
    Ok(Tokens {
        access_token: signer.access(&session.into(), role, session.second_factor_at, app.clock.now())?,
        refresh_token: signer.refresh(user.id, session.id, session.number),
        expires_in: ACCESS_SECONDS,
        device_token: device::issue(app, user.id),
    })
}

/// Issues the tokens of the session that began with a registration.
///
/// # Errors
/// A fault in a function that has no signing key.
pub fn first_tokens(app: &App, user: UserId, session: &Session) -> Result<Tokens, Fault> {
    let signer = signer(app)?;
    Ok(Tokens {
        access_token: signer.access(&session.into(), Role::User, None, app.clock.now())?,
        refresh_token: signer.refresh(user, session.id, session.number),
        expires_in: ACCESS_SECONDS,
        device_token: device::issue(app, user),
    })
}

pub(crate) fn signer(app: &App) -> Result<&Signer, Fault> {
    app.signer.as_ref().ok_or_else(|| Fault::bug("this function makes no tokens"))
}

/// Opens a session for an authenticated user, under the password that was current then.
///
/// # Errors
/// A fault when the write fails.
pub async fn open(app: &App, user: &User, password_number: u64) -> Result<Tokens, Error> {
    write(app, user, begin(app, user.id, password_number, user.session_generation), None).await
}

/// Opens a session for a user whom the operator's backend authenticated; it has the rights of a user at most (R2.11).
///
/// # Errors
/// A fault when the write fails.
pub async fn open_limited(app: &App, user: &User) -> Result<Tokens, Error> {
    let session = begin(app, user.id, user.password_number, user.session_generation);
    write(app, user, Session { limited: true, ..session }, None).await
}

async fn write(app: &App, user: &User, session: Session, rehash: Option<&Rehash>) -> Result<Tokens, Error> {
    insert(app, &session, rehash).await?;
    Ok(tokens(app, user, &session)?)
}

/// Writes a session that begins, and the new hash of the password that was shown for it.
pub(crate) async fn insert(app: &App, session: &Session, rehash: Option<&Rehash>) -> Result<(), Error> {
    app.execute(&Ctx::system(), || async {
        let mut tx = app.tx();
        tx.insert(session);
        if let Some(rehash) = rehash {
            rehash.write(app, &mut tx).await?;
        }
        Ok(((), tx))
    })
    .await
    .map(|_| ())
}

/// Signs in with e-mail and password; a challenged e-mail also needs its device's token or a mailed code (R2.9), and an account with
/// a second factor one of its codes (R2.12).
///
/// Known and unknown e-mails make the same calls and hashes. Without the further proof that a challenge asks for, the password
/// is not even compared, so that a challenge does not tell whether it is right. A code of the second factor is looked at only with the
/// right password, so that it tells nothing either.
///
/// # Rejects
/// `bad_credentials`; `challenge_required`; `totp_required` and `totp_invalid` with the right password only; `account_blocked`;
/// `rate_limited` after ten failures in this network in 15 minutes, or ten wrong codes of the account in all networks.
pub async fn sign_in(app: &App, ask: &SignIn, from: &Network) -> Result<(User, Tokens), Error> {
    let Authenticated { user, password_number, rehash, attempt, .. } = authenticate(app, ask, from).await?;
    // A password that was replaced meanwhile opens no session that lives.
    let session = begin(app, user.id, password_number, user.session_generation);
    let session = match second_factor::open(app, &user, session, ask.totp.as_deref(), rehash.as_ref()).await {
        Err(Error::Refused(refusal @ Refusal::TotpRequired)) => {
            attempt.take_back(app).await?;
            return Err(refusal.into());
        }
        opened => opened?,
    };
    attempt.succeeded(app).await?;
    let tokens = tokens(app, &user, &session)?;
    Ok((user, tokens))
}

/// User whose password was right, before a session is opened.
pub(crate) struct Authenticated {
    pub user: User,
    /// Number of that password.
    pub password_number: u64,
    /// Hash by this deployment, where the stored one is another.
    pub rehash: Option<Rehash>,
    /// Secret hash of the e-mail.
    pub email_hash: String,
    /// The counted attempt, which is taken back once the session is open.
    pub attempt: Attempt,
}

/// Hash of a right password by this deployment, in place of one that the account brought (R13.1).
pub(crate) struct Rehash {
    email_hash: String,
    stored: String,
    own: String,
}

impl Rehash {
    /// Hashes the password anew if its stored hash is of another kind or cost.
    fn of(app: &App, password: &Password, claim: &EmailClaim) -> Result<Option<Self>, Fault> {
        let Some(stored) = claim.password_hash.clone() else { return Ok(None) };
        if password::is_own(app, &stored)? {
            return Ok(None);
        }
        Ok(Some(Self { email_hash: claim.email_hash.clone(), stored, own: password::hash(app, password)? }))
    }

    /// Replaces the stored hash, unless another sign-in or a new password did so meanwhile.
    ///
    /// It is the same password under the same number, so no session ends.
    pub(crate) async fn write(&self, app: &App, tx: &mut Tx) -> Result<(), Error> {
        let claim = app.store.get::<EmailClaim>(&EmailClaim::key(&self.email_hash)).await?;
        if let Some(claim) = claim.filter(|claim| claim.password_hash.as_ref() == Some(&self.stored)) {
            tx.replace(&claim, &EmailClaim { password_hash: Some(self.own.clone()), ..EmailClaim::clone(&claim) });
        }
        Ok(())
    }
}

/// Checks e-mail, password and challenge.
///
/// # Rejects
/// As [`sign_in`].
pub(crate) async fn authenticate(app: &App, ask: &SignIn, from: &Network) -> Result<Authenticated, Error> {
    let (Some(email), Some(password)) = (&ask.email, &ask.password) else {
        return Err(Refusal::BadCredentials.into());
    };
    let hash = email_hash(app, email);
    let claim = app.store.get::<EmailClaim>(&EmailClaim::key(&hash)).await?;
    let subject = CodeSubject::of(&hash, claim.as_deref());
    let attempt = Attempt::count(app, &hash, subject.password_number, from).await?;
    if attempt.is_challenged && !meets_challenge(app, ask, subject, claim.as_deref()) {
        return Err(Refusal::ChallengeRequired.into());
    }
    let right = password::verify(app, password, claim.as_ref().and_then(|claim| claim.password_hash.as_deref()))?;
    let claim = claim.filter(|_| right).ok_or(Refusal::BadCredentials)?;
    let user = app.store.get::<User>(&User::key(claim.user)).await?.ok_or(Refusal::BadCredentials)?;
    user.must_be_active()?;
    let rehash = Rehash::of(app, password, &claim)?;
    let password_number = claim.password_number;
    Ok(Authenticated { user: user.into_inner(), password_number, rehash, email_hash: hash, attempt })
}

/// Tests for a device token of the account or a mailed code.
fn meets_challenge(app: &App, ask: &SignIn, subject: CodeSubject<'_>, claim: Option<&EmailClaim>) -> bool {
    let owner = claim.map(|claim| claim.user);
    let device = ask.device_token.as_deref().is_some_and(|token| device::is_of(app, token, owner));
    let code = ask.challenge_code.as_deref();
    let code = code.is_some_and(|code| is_right(app, Purpose::Challenge, subject, code) && owner.is_some());
    device || code
}

/// Mails a code with which a challenged e-mail signs in, if it has an account.
///
/// # Errors
/// A fault when the mail cannot be promised.
pub async fn ask_challenge(app: &App, email: &Email, from: &Network) -> Result<(), Error> {
    ask_mail(app, MailKind::Challenge, email, from).await
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
        end(&mut tx, &user, &session, now);
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
    let (user, session) = app.store.read((User::key(user), Session::key(user, session))).await?;
    let (user, session) = user.zip(session).ok_or(Refusal::BadCredentials)?;
    let is_over = user.must_honour(&Bearer::from(&*session)).is_err();
    if session.kind != SessionKind::Api || session.revoked || session.until <= now || is_over {
        return Err(Refusal::BadCredentials.into());
    }
    Ok((user, session))
}

/// Ends a session, and on the account its unexpired access tokens (R2.5).
pub(crate) fn end(tx: &mut Tx, user: &Versioned<User>, session: &Versioned<Session>, now: Timestamp) {
    tx.replace(session, &Session { revoked: true, ..Session::clone(session) });
    tx.replace(user, &User::clone(user).without_session(session.id, now));
}

/// Ends all sessions of the holder of an access token (R2.11).
///
/// A repeat is a no-op: a token from before does not end sessions that began since.
///
/// # Rejects
/// [`Refusal::Unauthenticated`] for a token of a session that ended alone.
pub async fn sign_out_everywhere(app: &App, bearer: &Bearer) -> Result<(), Error> {
    let plan = || async {
        let mut tx = app.tx();
        let user = app.store.get::<User>(&User::key(bearer.user)).await?.ok_or(Refusal::Unauthenticated)?;
        if bearer.generation == user.session_generation {
            user.must_honour(bearer)?;
            tx.replace(&user, &User::clone(&user).without_sessions());
        }
        Ok(((), tx))
    };
    app.execute(&Ctx::system(), plan).await.map(|_| ())
}

/// Ends the session of a refresh token; a no-op for an invalid token.
///
/// # Errors
/// A fault when the write fails.
pub async fn sign_out(app: &App, token: &str) -> Result<(), Error> {
    let Some((user, session, _)) = signer(app)?.read_refresh(token) else { return Ok(()) };
    app.execute(&Ctx::system(), || async {
        let mut tx = app.tx();
        let now = app.clock.now();
        match live(app, user, session, now).await {
            Ok((user, session)) => end(&mut tx, &user, &session, now),
            Err(Error::Refused(_)) => {}
            Err(fault) => return Err(fault),
        }
        Ok(((), tx))
    })
    .await?;
    Ok(())
}
