//! Notices are sent once: whether one is due is read before, and that it was sent is written after.
//!
//! The mail goes out before it is recorded. If the record is lost with the process, the repeated message sends the mail again: a
//! mail twice is better than none.

use kernel::fault::{Error, Fault};
use table::context::Ctx;
use table::tx::Tx;

use crate::account::model::user::User;
use crate::account::session::email_hash;
use crate::app::App;
use crate::notices::cause::DueNotice;
use crate::notices::model::mail_preferences::MailPreferences;
use crate::notices::model::sent_notice::SentNotice;
use crate::notices::model::settings::MailSettings;

/// Returns the user to tell; `None` if the notice was sent for this message, or is not wanted.
///
/// # Errors
/// A fault when the database cannot be reached.
pub async fn recipient(app: &App, due: &DueNotice, message: &str) -> Result<Option<User>, Fault> {
    if !due.kind().is_sent(&app.settings::<MailSettings>().await?.settings) {
        return Ok(None);
    }
    let keys = (User::key(due.user), MailPreferences::key(due.user), SentNotice::key(due.user, message));
    let (user, preferences, sent) = app.store.read(keys).await?;
    let Some(user) = user.filter(|_| sent.is_none()) else { return Ok(None) };
    let Some(email) = &user.email else { return Ok(None) };
    let hash = email_hash(app, email);
    let wants = |of: &MailPreferences| of.wants(due.kind()) && of.stop_of(&hash).is_none();
    let is_wanted = preferences.is_none_or(|preferences| wants(&preferences));
    Ok(is_wanted.then(|| user.into_inner()))
}

/// Records that a notice was sent for a message.
///
/// # Errors
/// A fault when the write fails.
pub async fn record(app: &App, ctx: &Ctx, due: &DueNotice, message: &str) -> Result<(), Error> {
    let plan = || async {
        let key = SentNotice::key(due.user, message);
        let mut tx: Tx = app.tx();
        if app.store.get::<SentNotice>(&key).await?.is_none() {
            let (message, at) = (message.to_owned(), app.clock.now());
            tx.insert(&SentNotice { user: due.user, message, notice: due.kind(), at });
        }
        Ok(((), tx))
    };
    app.execute(&ctx.unkeyed(), plan).await.map(|_| ())
}
