//! Verifying a sign-up's e-mail (R2.4): the transaction of R2.2 happens when its code is confirmed.

use super::mailed_code;
use super::register::{Newcomer, Registered, allow_mail, code_until, sign_up};
use super::session::email_hash;
use crate::app::{App, Done};
use crate::domain::access::{EmailClaim, PendingSignup};
use crate::domain::identity::Email;
use crate::domain::refusal::Refusal;
use crate::fault::Error;
use crate::message::{MailKind, Message};
use crate::once::Once;
use crate::store::key::Key;
use crate::store::tx::Otherwise;

/// Confirms the code that was mailed.
///
/// # Refuses
/// 422 at `/code` when it is wrong, used, too old or tried too often; `email_taken`.
pub async fn verify_signup(app: &App, once: &Once, email: &Email, typed: &str) -> Result<Done<Registered>, Error> {
    let hash = email_hash(app, email);
    let wrong = || Error::Refused(Refusal::field("/code", "wrong_code", "The code is wrong or no longer good."));
    let pending = app.store.get::<PendingSignup>(&Key::signup(&hash)).await?.ok_or_else(wrong)?;
    mailed_code::check(app, &pending.nonce, typed).await?;
    if pending.until <= app.clock.now() {
        return Err(wrong());
    }
    let newcomer = Newcomer {
        id: pending.user,
        email_hash: hash,
        email: pending.email.clone(),
        password_hash: pending.password_hash.clone(),
        referral_code: pending.referral_code.clone(),
        locale: pending.locale.clone(),
        created_at: app.clock.now(),
        fingerprint: pending.nonce.clone(),
    };
    app.run(once, || async {
        let (registered, mut tx) = sign_up(app, &newcomer).await?;
        tx.remove(&pending, Otherwise::Again);
        Ok((registered, tx))
    })
    .await
}

/// Mails a new code for a pending sign-up; says nothing about whether there is one.
///
/// # Refuses
/// `rate_limited` after five codes in an hour.
pub async fn resend(app: &App, email: &Email) -> Result<(), Error> {
    let hash = email_hash(app, email);
    allow_mail(app, &hash).await?;
    app.run(&Once::Natural, || async {
        let mut tx = app.tx();
        let (claim, signup) = (Key::email(&hash), Key::signup(&hash));
        let mut batch = app.store.get_many(&[claim.clone(), signup.clone()]).await?;
        if batch.take::<EmailClaim>(&claim)?.is_none()
            && let Some(pending) = batch.take::<PendingSignup>(&signup)?
        {
            let nonce = app.ulid().to_string();
            let until = code_until(app.clock.now());
            let renewed = PendingSignup { nonce: nonce.clone(), until, ..(*pending).clone() };
            tx.replace(&pending, &renewed, Otherwise::Again);
            tx.send(Message::Mail { mail: MailKind::Verification, email: hash.clone(), nonce });
        }
        Ok(((), tx))
    })
    .await?;
    Ok(())
}
