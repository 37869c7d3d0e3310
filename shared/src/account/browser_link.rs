//! Links that sign a browser in once (C8.2), for users whom the operator's backend has authenticated.
//!
//! A link states the id of the session that it opens, and that session's item is its guard: a second use finds it there. Nothing
//! is stored before a link is followed.

use jiff::{Timestamp, ToSpan};
use serde::{Deserialize, Serialize};

use crate::account::browser::{SignedInBrowser, begin_browser, cookies, visitor};
use crate::account::model::access::Session;
use crate::account::model::identity::Role;
use crate::account::model::user::User;
use crate::account::register_external::authenticated_elsewhere;
use crate::app::App;
use kernel::fault::{Error, Fault};
use kernel::id::{SessionId, UserId};
use kernel::refusal::Refusal;
use table::context::Ctx;

/// Life of a link in seconds.
const SECONDS: i64 = 60;

/// Session that a link opens, under the user's password and generation at the time it was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BrowserLink {
    user: UserId,
    session: SessionId,
    password_number: u64,
    generation: u64,
    /// Expiry, a minute after it was asked for.
    pub until: Timestamp,
    /// Path of the page to go to.
    pub page: String,
}

/// Asks for a link to a page.
///
/// # Rejects
/// As [`open_for`](crate::account::register_external::open_for).
pub async fn ask_link(app: &App, user: UserId, page: String) -> Result<BrowserLink, Error> {
    let user = authenticated_elsewhere(app, user).await?;
    let until = app.clock.now().checked_add(SECONDS.seconds()).map_err(Fault::bug)?;
    Ok(BrowserLink {
        user: user.id,
        session: SessionId::new(app.ulid()),
        password_number: user.password_number,
        generation: user.session_generation,
        until,
        page,
    })
}

/// Opens the session of a link, which has the rights of a user at most (R2.11); `None` in the browser that it is open in already.
///
/// # Rejects
/// [`Refusal::Forbidden`] for a link that is over or was used; [`Refusal::AccountBlocked`].
pub async fn follow_link(
    app: &App,
    link: &BrowserLink,
    cookie: Option<&str>,
) -> Result<Option<SignedInBrowser>, Error> {
    if let Some(cookie) = cookie
        && let Some(visitor) = visitor(app, cookie).await?
        && visitor.session.claims.sid == link.session
    {
        return Ok(None);
    }
    let opened = app
        .execute(&Ctx::system(), || async {
            let keys = (User::key(link.user), Session::key(link.user, link.session));
            let (Some(user), None) = app.store.read(keys).await? else { return Err(Refusal::Forbidden.into()) };
            user.must_be_active()?;
            if app.clock.now() >= link.until {
                return Err(Refusal::Forbidden.into());
            }
            let begun = begin_browser(app, &user, link.password_number, Role::User)?;
            let session = Session { id: link.session, generation: link.generation, limited: true, ..begun };
            user.must_admit(&(&session).into())?;
            let mut tx = app.tx();
            tx.insert(&session);
            Ok((session, tx))
        })
        .await?;
    Ok(Some(cookies(app, &opened.answer, Role::User)?))
}
