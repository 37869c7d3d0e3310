//! Feedback of SES: an address that bounces for good, or whose owner complains, gets no notices any more.

use kernel::fault::Error;
use kernel::id::UserId;
use table::context::Ctx;
use table::telemetry as metrics;
use table::tx::Tx;

use crate::account::model::identity::Email;
use crate::account::model::user::User;
use crate::account::session::email_hash;
use crate::app::App;
use crate::notices::model::mail_preferences::{MailPreferences, StopReason, Stopped};
use crate::operations::audit_log::by_system;

/// Name of the tag with which SES repeats the user of a mail in its events.
pub const USER_TAG: &str = "user";

/// Stops notices to a user's address; returns true if it is still theirs and was not stopped for that reason yet.
///
/// # Errors
/// A fault when the database cannot be reached.
pub async fn stop_mails(app: &App, ctx: &Ctx, user: UserId, email: &Email, because: StopReason) -> Result<bool, Error> {
    let did = app.execute(&ctx.unkeyed(), || plan(app, ctx, user, email, because)).await?.answer;
    if did {
        metrics::count("MailsStopped");
    }
    Ok(did)
}

async fn plan(app: &App, ctx: &Ctx, id: UserId, email: &Email, because: StopReason) -> Result<(bool, Tx), Error> {
    let mut tx = app.tx();
    let (user, before) = app.store.read((User::key(id), MailPreferences::key(id))).await?;
    let Some(user) = user.filter(|user| user.email.as_ref() == Some(email)) else { return Ok((false, tx)) };
    let known = before.as_deref().cloned().unwrap_or_else(|| MailPreferences::of(id));
    let after = known.stopped(Stopped { because, at: app.clock.now(), email_hash: email_hash(app, email) });
    if after == known {
        return Ok((false, tx));
    }
    // An account that is erased meanwhile keeps no preferences.
    tx.unchanged(&user);
    tx.upsert(before.as_ref(), &after);
    tx.insert(&by_system(app, ctx, "user.mails_stopped", id.to_string()).because(because.as_str()));
    Ok((true, tx))
}
