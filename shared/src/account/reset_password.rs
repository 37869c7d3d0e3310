//! Password reset (R2.8): a mailed code sets a new password and ends every session.
//!
//! No response reveals whether an e-mail has an account.

use crate::account::mailed_code::{self, good_until, wrong};
use crate::account::model::access::{EmailClaim, PasswordReset};
use crate::account::model::identity::{Email, Password};
use crate::account::model::user::User;
use crate::account::password;
use crate::account::session::{by_email, email_hash};
use crate::app::App;
use crate::message::{MailKind, Message};
use kernel::fault::{Error, Fault};
use table::context::Ctx;
use table::tx::Tx;

/// Mails a code to this e-mail if it has an account.
///
/// # Rejects
/// `rate_limited` after five codes in an hour.
pub async fn ask_reset(app: &App, email: &Email) -> Result<(), Error> {
    let hash = email_hash(app, email);
    mailed_code::allow_mail(app, &hash).await?;
    let nonce = mailed_code::nonce(app);
    app.execute(&Ctx::system(), || plan_mail(app, &hash, &nonce)).await.map(|_| ())
}

/// Plans the mail.
///
/// The nonce belongs to the request, not to the attempt, so that a lost response does not mail a second code.
async fn plan_mail(app: &App, hash: &str, nonce: &str) -> Result<((), Tx), Error> {
    let mut tx = app.tx();
    let Some(user) = by_email(app, hash).await? else { return Ok(((), tx)) };
    let before = app.store.get::<PasswordReset>(&PasswordReset::key(hash)).await?;
    if before.as_ref().is_some_and(|before| before.nonce == nonce) {
        return Ok(((), tx));
    }
    let reset = PasswordReset {
        email_hash: hash.to_owned(),
        user: user.id,
        nonce: nonce.to_owned(),
        until: good_until(app.clock.now()),
        used: false,
    };
    tx.upsert(before.as_ref(), &reset);
    tx.send(Message::Mail { mail: MailKind::PasswordReset, email: hash.to_owned(), nonce: nonce.to_owned() });
    Ok(((), tx))
}

/// Sets a new password with the mailed code, and ends all sessions.
///
/// A repeat with the same code and password succeeds without effect.
///
/// # Rejects
/// 422 at `/code` when it is wrong, used, expired or tried too often, or when no account has this e-mail.
pub async fn reset_password(app: &App, email: &Email, typed: &str, new: &Password) -> Result<(), Error> {
    let hash = email_hash(app, email);
    // Hash before any read, so that timing does not reveal whether an account exists.
    let new_hash = password::hash(app, new)?;
    let reset = app.store.get::<PasswordReset>(&PasswordReset::key(&hash)).await?;
    mailed_code::record_attempt(app, reset.as_ref().map(|reset| reset.nonce.as_str())).await?;
    let done = app.execute(&Ctx::system(), || plan(app, &hash, typed, &new_hash)).await?;
    match done.answer {
        None => Ok(()),
        Some(set) if password::verify(app, new, Some(&set))? => Ok(()),
        Some(_) => Err(wrong().into()),
    }
}

/// Plans the reset.
///
/// Returns `None` when it sets the password, and the current hash when the code was used before.
async fn plan(app: &App, hash: &str, typed: &str, new_hash: &str) -> Result<(Option<String>, Tx), Error> {
    let reset = app.store.get::<PasswordReset>(&PasswordReset::key(hash)).await?.ok_or_else(wrong)?;
    mailed_code::compare(app, &reset.nonce, typed)?;
    let (claim, user) = app.store.read((EmailClaim::key(hash), User::key(reset.user))).await?;
    let (claim, user) = claim.zip(user).ok_or_else(wrong)?;
    let mut tx = app.tx();
    if reset.used {
        return Ok((Some(claim.password_hash.clone().unwrap_or_default()), tx));
    }
    tx.replace(&reset, &PasswordReset { used: true, ..PasswordReset::clone(&reset) });
    let changed = claim.with_password(new_hash.to_owned()).ok_or_else(|| Fault::bug("passwords ran out"))?;
    tx.replace(&claim, &changed);
    let user_after = User { password_number: changed.password_number, ..User::clone(&user) };
    tx.replace(&user, &user_after);
    Ok((None, tx))
}
