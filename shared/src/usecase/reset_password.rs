//! Resetting a password (R2.8): a mailed code, and the end of every session. Never tells whether an e-mail has an account.

use super::mailed_code;
use super::register::{allow_mail, code_until};
use super::session::{by_email, email_hash};
use crate::app::App;
use crate::domain::access::PasswordReset;
use crate::domain::identity::{Email, Password};
use crate::domain::refusal::Refusal;
use crate::domain::user::User;
use crate::fault::Error;
use crate::message::{MailKind, Message};
use crate::once::Once;
use crate::password;
use crate::store::key::Key;
use crate::store::tx::Otherwise;

/// Mails a code to whoever has this e-mail, if anybody.
///
/// # Refuses
/// `rate_limited` after five codes in an hour.
pub async fn ask_reset(app: &App, email: &Email) -> Result<(), Error> {
    let hash = email_hash(app, email);
    allow_mail(app, &hash).await?;
    app.run(&Once::Natural, || async {
        let mut tx = app.tx();
        if let Some(user) = by_email(app, &hash).await? {
            let before = app.store.get::<PasswordReset>(&Key::reset(&hash)).await?;
            let nonce = app.ulid().to_string();
            let until = code_until(app.clock.now());
            let reset = PasswordReset { email_hash: hash.clone(), user: user.id, nonce: nonce.clone(), until };
            tx.upsert(before.as_ref(), &reset, Otherwise::Again);
            tx.send(Message::Mail { mail: MailKind::PasswordReset, email: hash.clone(), nonce });
        }
        Ok(((), tx))
    })
    .await?;
    Ok(())
}

/// Sets a new password with the mailed code, and ends all sessions.
///
/// # Refuses
/// 422 at `/code` when it is wrong, used, too old or tried too often, or nobody has this e-mail.
pub async fn reset_password(app: &App, email: &Email, typed: &str, new: &Password) -> Result<(), Error> {
    let hash = email_hash(app, email);
    let wrong = || Error::Refused(Refusal::field("/code", "wrong_code", "The code is wrong or no longer good."));
    let hashed = password::hash(app, new)?;
    let reset = app.store.get::<PasswordReset>(&Key::reset(&hash)).await?;
    let nonce = reset.as_ref().map_or(hash.as_str(), |reset| reset.nonce.as_str());
    mailed_code::check(app, nonce, typed).await?;
    let now = app.clock.now();
    let reset = reset.filter(|reset| reset.until > now).ok_or_else(wrong)?;
    app.run(&Once::Natural, || async {
        let user = app.store.get::<User>(&Key::user(reset.user)).await?.ok_or_else(wrong)?;
        let mut tx = app.tx();
        tx.remove(&reset, Otherwise::Refuse(Refusal::field("/code", "wrong_code", "The code was used.")));
        let changed = User { password_hash: Some(hashed.clone()), signed_out_at: Some(now), ..(*user).clone() };
        tx.replace(&user, &changed, Otherwise::Again);
        Ok(((), tx))
    })
    .await?;
    Ok(())
}
