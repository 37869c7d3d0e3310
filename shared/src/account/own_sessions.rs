//! Own sessions of a user: which ones stand, and the end of one (R2.5, R2.11).

use crate::account::model::access::{Bearer, Session};
use crate::account::model::user::User;
use crate::account::session::end;
use crate::app::App;
use kernel::fault::Error;
use kernel::id::SessionId;
use kernel::refusal::Refusal;
use table::context::Ctx;
use table::list::{ListSource, Window, walk};
use table::store::Page;

/// Lists one page of the sessions that still stand, newest first.
///
/// # Rejects
/// [`Refusal::Unauthenticated`] for a token of an ended session.
pub async fn sessions(app: &App, by: &Bearer, window: &Window) -> Result<Page<Session>, Error> {
    let user = app.store.get::<User>(&User::key(by.user)).await?.ok_or(Refusal::Unauthenticated)?;
    user.must_honour(by)?;
    let now = app.clock.now();
    let list = window.walk(ListSource::Own(User::key(by.user).pk, "SESSION#"), true);
    let page = walk(app, &list, |one: &Session| {
        let stands = !one.revoked && one.until > now && user.must_honour(&Bearer::from(one)).is_ok();
        if stands { window.only(one.created_at, one) } else { Vec::new() }
    });
    Ok(page.await?)
}

/// Ends one of the caller's sessions, on whichever device it is; a no-op for one that is over.
///
/// # Rejects
/// [`Refusal::NotFound`], also for another user's session; [`Refusal::Unauthenticated`] for a token of an ended session.
pub async fn end_session(app: &App, by: &Bearer, id: SessionId) -> Result<(), Error> {
    let plan = || async {
        let mut tx = app.tx();
        let (user, session) = app.store.read((User::key(by.user), Session::key(by.user, id))).await?;
        let user = user.ok_or(Refusal::Unauthenticated)?;
        // A session that ended itself, and asks again because the answer was lost, has its wish.
        if id == by.session && session.as_ref().is_some_and(|session| session.revoked) {
            return Ok(((), tx));
        }
        user.must_honour(by)?;
        let session = session.ok_or(Refusal::NotFound)?;
        if user.must_honour(&Bearer::from(&*session)).is_ok() && !session.revoked {
            end(&mut tx, &user, &session, app.clock.now());
        }
        Ok(((), tx))
    };
    app.execute(&Ctx::system(), plan).await.map(|_| ())
}
