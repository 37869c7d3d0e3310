//! Browser sessions (C5.1, C5.2): a signed cookie names a session, and every request reads that session and its user.
//!
//! A browser holds no refresh token, because several pages at once would race its rotation. So a session that was ended, an
//! account that was blocked and a password that was replaced sign out at the next request, on every device.

use jiff::{Timestamp, ToSpan};

use crate::account::device;
use crate::account::model::access::{Bearer, Session, SessionKind};
use crate::account::model::identity::{Password, Role};
use crate::account::model::network::Network;
use crate::account::model::user::User;
use crate::account::profile::{confirm, replace_password};
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

/// Signs a browser in with e-mail and password.
///
/// # Rejects
/// As [`sign_in`](crate::account::session::sign_in).
pub async fn sign_in(app: &App, ask: &SignIn, from: &Network) -> Result<SignedInBrowser, Error> {
    let Authenticated { user, password_number, rehash, attempt } = authenticate(app, ask, from).await?;
    let opened = open(app, &user, password_number, rehash.as_ref()).await?;
    attempt.succeeded(app).await?;
    Ok(opened)
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

/// Takes the password once more, and returns the value of the cookie that says so for a quarter of an hour (C5.6).
///
/// # Rejects
/// 422 at `/password` for a wrong password; `rate_limited` after too many of them.
pub async fn confirm_password(
    app: &App,
    session: &BrowserSession,
    shown: &Password,
    from: &Network,
) -> Result<String, Error> {
    let bearer = session.claims.bearer();
    let user = confirm(app, &bearer, shown, from).await?;
    Ok(signer(app)?.access(&bearer, user.role, app.clock.now())?)
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
    let fresh = (role != Role::User).then(|| signer.access(&Bearer::from(session), role, from)).transpose()?;
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
