//! Browser sessions (C5.1, C5.2): a signed cookie names a session, and every request reads that session and its user.
//!
//! A browser holds no refresh token, because several pages at once would race its rotation. So a session that was ended, an
//! account that was blocked and a password that was replaced sign out at the next request, on every device.

use jiff::{Timestamp, ToSpan};
use serde::{Deserialize, Serialize};

use crate::account::device;
use crate::account::limits::Attempt;
use crate::account::model::access::{Bearer, Session, SessionKind};
use crate::account::model::identity::{Password, Role};
use crate::account::model::network::Network;
use crate::account::model::user::User;
use crate::account::profile::{confirm, replace_password};
use crate::account::second_factor;
use crate::account::session::{Authenticated, Rehash, SignIn, authenticate, begin, end, insert, signer};
use crate::account::token::{BrowserClaims, Claims, KeyRing};
use crate::app::App;
use kernel::fault::{Error, Fault};
use kernel::id::UserId;
use kernel::refusal::Refusal;
use table::context::Ctx;
use table::read::Keys;

/// Life of a user's session in hours.
const HOURS: i64 = 30 * 24;
/// Life of an admin's or agent's session in hours.
pub(crate) const STAFF_HOURS: i64 = 12;

/// Minutes after the password in which the code of the second factor is given.
const CODE_MINUTES: i64 = 5;

/// Session of the browser that sent a request.
#[derive(Debug, Clone)]
pub struct BrowserSession {
    /// Rights of its holder, as an access token would state them.
    pub claims: Claims,
}

/// Signed-in user of a page, read from the table.
#[derive(Debug, Clone)]
pub struct Visitor {
    /// With the role that the session may use.
    pub user: User,
    pub session: BrowserSession,
    /// Begin of the session.
    pub since: Timestamp,
}

/// Cookies of a browser that has signed in.
#[derive(Debug, Clone)]
pub struct SignedInBrowser {
    /// Value of the session's cookie.
    pub cookie: String,
    /// Life of the cookie in seconds.
    pub seconds: i64,
    /// Token that lets this browser sign in while its e-mail is challenged (R2.9).
    pub device_token: String,
    /// Value of the cookie of a password entered a moment ago; only for staff (C5.6).
    pub fresh: Option<String>,
}

/// Outcome of a right password at a browser.
#[derive(Debug, Clone)]
pub enum BrowserSignIn {
    Opened(SignedInBrowser),
    /// The account has a second factor, whose code the next page asks for (R2.12).
    AwaitsCode(PasswordGiven),
}

/// Password that was right a moment ago, while the code of the second factor is asked for; the browser holds it sealed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PasswordGiven {
    pub user: UserId,
    /// Secret hash of the e-mail.
    pub email_hash: String,
    /// Number of that password.
    pub password_number: u64,
    /// Generation of the account's sessions then.
    pub generation: u64,
    /// Time until which the code can be given.
    pub until: Timestamp,
}

/// Signs a browser in with e-mail and password, or asks for the code of the second factor next.
///
/// # Rejects
/// As [`sign_in`](crate::account::session::sign_in).
pub async fn sign_in(app: &App, ask: &SignIn, from: &Network) -> Result<BrowserSignIn, Error> {
    let Authenticated { user, password_number, rehash, email_hash, attempt } = authenticate(app, ask, from).await?;
    if user.second_factor_since.is_some() {
        attempt.take_back(app).await?;
        let until = app.clock.now().checked_add(CODE_MINUTES.minutes()).map_err(Fault::bug)?;
        let generation = user.session_generation;
        let given = PasswordGiven { user: user.id, email_hash, password_number, generation, until };
        return Ok(BrowserSignIn::AwaitsCode(given));
    }
    let opened = open(app, &user, password_number, rehash.as_ref()).await?;
    attempt.succeeded(app).await?;
    Ok(BrowserSignIn::Opened(opened))
}

/// Signs a browser in with a code of the second factor, after the password (R2.12).
///
/// # Rejects
/// [`Refusal::BadCredentials`] when the password was given too long ago, or is another by now; [`Refusal::TotpInvalid`];
/// [`Refusal::AccountBlocked`]; `rate_limited` as a sign-in.
pub async fn sign_in_with_code(
    app: &App,
    given: &PasswordGiven,
    typed: &str,
    from: &Network,
) -> Result<SignedInBrowser, Error> {
    let attempt = Attempt::count(app, &given.email_hash, given.password_number, from).await?;
    let user = app.store.get::<User>(&User::key(given.user)).await?.ok_or(Refusal::BadCredentials)?;
    user.must_be_active()?;
    let stands = (given.password_number, given.generation) == (user.password_number, user.session_generation);
    if !stands || given.until <= app.clock.now() {
        return Err(Refusal::BadCredentials.into());
    }
    let session = begin_browser(app, &user, given.password_number, user.role)?;
    let session = second_factor::open(app, &user, session, Some(typed), None).await?;
    attempt.succeeded(app).await?;
    Ok(cookies(app, &session, user.role)?)
}

/// Opens a browser session for the user of a registration.
///
/// # Errors
/// A fault when the database can't be reached.
pub async fn open_for(app: &App, user: UserId) -> Result<SignedInBrowser, Error> {
    let user = app.store.get::<User>(&User::key(user)).await?.ok_or(Refusal::Unauthenticated)?;
    user.must_be_active()?;
    open(app, &user, user.password_number, None).await
}

/// Takes the password once more, and the second factor if there is one, and returns the value of the cookie that says so for a
/// quarter of an hour (C5.6, R2.12).
///
/// # Rejects
/// 422 at `/password` for a wrong password, at `/totp` for a wrong or missing code; `rate_limited` after too many of them.
pub async fn confirm_password(
    app: &App,
    ctx: &Ctx,
    session: &BrowserSession,
    (shown, typed): (&Password, &str),
    from: &Network,
) -> Result<String, Error> {
    let claims = &session.claims;
    let user = confirm(app, &claims.bearer(), shown, from).await?;
    if user.second_factor_since.is_some() {
        return second_factor::step_up(app, ctx, claims, typed).await;
    }
    Ok(signer(app)?.access(&claims.bearer(), user.role, claims.second_factor_given(), app.clock.now())?)
}

/// Sets a new password, which ends all sessions, and opens a new one for this browser.
///
/// # Rejects
/// As [`change_password`](crate::account::profile::change_password).
pub async fn change_password(
    app: &App,
    session: &BrowserSession,
    passwords: (&Password, &Password),
    from: &Network,
) -> Result<SignedInBrowser, Error> {
    let user = replace_password(app, &session.claims.bearer(), passwords, from).await?;
    open(app, &user, user.password_number, None).await
}

async fn open(app: &App, user: &User, password_number: u64, rehash: Option<&Rehash>) -> Result<SignedInBrowser, Error> {
    let session = begin_browser(app, user, password_number, user.role)?;
    insert(app, &session, rehash).await?;
    Ok(cookies(app, &session, user.role)?)
}

/// Builds a browser session that begins now, for as long as this role has one.
pub(crate) fn begin_browser(app: &App, user: &User, password_number: u64, role: Role) -> Result<Session, Fault> {
    let hours = if role == Role::User { HOURS } else { STAFF_HOURS };
    let until = app.clock.now().checked_add(hours.hours()).map_err(Fault::bug)?;
    let begun = begin(app, user.id, password_number, user.session_generation);
    Ok(Session { kind: SessionKind::Browser, until, ..begun })
}

/// Issues the cookies of a session that has begun.
pub(crate) fn cookies(app: &App, session: &Session, role: Role) -> Result<SignedInBrowser, Fault> {
    let signer = signer(app)?;
    let (from, until) = (session.created_at, session.until);
    let fresh = (role != Role::User)
        .then(|| signer.access(&Bearer::from(session), role, session.second_factor_at, from))
        .transpose()?;
    Ok(SignedInBrowser {
        fresh,
        cookie: signer.browser(session.user, session.id, from, until)?,
        seconds: until.duration_since(from).as_secs(),
        device_token: device::issue(app, session.user),
    })
}

/// Browser session as its signed cookie names it; neither it nor its user is read yet.
#[derive(Debug, Clone)]
pub struct NamedSession(BrowserClaims);

/// Checks the signature of a browser session's cookie; `None` if it is not ours or over.
///
/// # Errors
/// A fault when the database can't be reached, which is asked for unknown public keys only.
pub async fn named(app: &App, cookie: &str) -> Result<Option<NamedSession>, Fault> {
    let Some(kid) = KeyRing::names(cookie) else { return Ok(None) };
    app.learn_key(&kid).await?;
    Ok(app.keys.verify_browser(cookie, &app.config.public_base_url, app.clock.now()).map(NamedSession))
}

/// Reads the visitor of a page from the cookie, in one call; `None` when the session is over.
///
/// # Errors
/// A fault when the database can't be reached.
pub async fn visitor(app: &App, cookie: &str) -> Result<Option<Visitor>, Fault> {
    let Some(named) = named(app, cookie).await? else { return Ok(None) };
    Ok(named.visitor_with(app, ()).await?.map(|(visitor, ())| visitor))
}

impl NamedSession {
    /// User whom the cookie names.
    pub fn user(&self) -> UserId {
        self.0.sub
    }

    /// Reads the visitor, and more items in the same call; `None` when the session is over.
    ///
    /// # Errors
    /// A fault when the database can't be reached, or an item does not decode.
    pub async fn visitor_with<K: Keys>(&self, app: &App, more: K) -> Result<Option<(Visitor, K::Found)>, Fault> {
        let (Self(named), now) = (self, app.clock.now());
        let keys = (User::key(named.sub), Session::key(named.sub, named.sid), more);
        let (Some(user), Some(session), more) = app.store.read(keys).await? else { return Ok(None) };
        let bearer = Bearer::from(&*session);
        let is_over = session.revoked || session.until <= now || user.must_admit(&bearer).is_err();
        if session.kind != SessionKind::Browser || is_over {
            return Ok(None);
        }
        // Whom a service key signed in has the rights of a user at most (R2.11).
        let role = if session.limited { Role::User } else { user.role };
        let user = User { role, ..user.into_inner() };
        let claims = Claims {
            sub: user.id,
            role,
            sid: session.id,
            pwd: bearer.password_number,
            generation: bearer.generation,
            second_factor_at: session.second_factor_at.map(Timestamp::as_second),
            iat: named.iat,
            exp: named.exp,
            iss: named.iss.clone(),
        };
        let visitor = Visitor { user, session: BrowserSession { claims }, since: session.created_at };
        Ok(Some((visitor, more)))
    }
}

/// Ends the browser session; a repeat is a no-op.
///
/// # Errors
/// A fault when the write fails.
pub async fn sign_out(app: &App, session: &BrowserSession) -> Result<(), Error> {
    let (user, session) = (session.claims.sub, session.claims.sid);
    app.execute(&Ctx::system(), || async {
        let mut tx = app.tx();
        let keys = (User::key(user), Session::key(user, session));
        if let (Some(user), Some(session)) = app.store.read(keys).await?
            && !session.revoked
        {
            end(&mut tx, &user, &session, app.clock.now());
        }
        Ok(((), tx))
    })
    .await
    .map(|_| ())
}
