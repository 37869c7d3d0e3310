//! The caller's own profile: language, password and e-mail (R2.11).
//!
//! A new e-mail is confirmed by a code mailed to it, and the old address is told when the change is asked for. Whether the new
//! address has an account shows only in the mail.

use crate::account::limits::{Attempt, may_mail};
use crate::account::mailed_code::{self, good_until, wrong};
use crate::account::model::access::{Bearer, EmailChange, EmailClaim};
use crate::account::model::identity::{Email, Password};
use crate::account::model::network::Network;
use crate::account::model::user::User;
use crate::account::password;
use crate::account::session::{Tokens, email_hash, open};
use crate::app::App;
use crate::message::{MailKind, Message};
use kernel::fault::{Error, Fault};
use kernel::refusal::Refusal;
use table::context::Ctx;
use table::item::Versioned;
use table::tx::Tx;

/// Sets the language of the user's mails.
///
/// # Rejects
/// [`Refusal::AccountBlocked`]; [`Refusal::Unauthenticated`] for a token of an ended session.
pub async fn set_locale(app: &App, by: &Bearer, locale: Option<&str>) -> Result<User, Error> {
    let plan = || async {
        let user = caller(app, by).await?;
        let after = User { locale: locale.map(str::to_owned), ..User::clone(&user) };
        let mut tx = app.tx();
        if *user != after {
            tx.replace(&user, &after);
        }
        Ok((after, tx))
    };
    Ok(app.execute(&Ctx::system(), plan).await?.answer)
}

/// Sets a new password, ends all sessions, and opens a new one for the caller.
///
/// A repeat with the token from before and the same new password opens another one.
///
/// # Rejects
/// 422 at `/current` for a wrong password; `rate_limited` after too many of them; [`Refusal::AccountBlocked`];
/// [`Refusal::Unauthenticated`] for a token of an ended session.
pub async fn change_password(
    app: &App,
    by: &Bearer,
    passwords: (&Password, &Password),
    from: &Network,
) -> Result<(User, Tokens), Error> {
    let user = replace_password(app, by, passwords, from).await?;
    let tokens = open(app, &user, user.password_number).await?;
    Ok((user, tokens))
}

/// Sets a new password, which ends all sessions.
///
/// # Rejects
/// As [`change_password`].
pub(crate) async fn replace_password(
    app: &App,
    by: &Bearer,
    (current, new): (&Password, &Password),
    from: &Network,
) -> Result<User, Error> {
    let user = account(app, by).await?;
    let repeated = Bearer { password_number: by.password_number.saturating_add(1), ..*by };
    if user.must_honour(by).is_err() && user.must_honour(&repeated).is_ok() {
        // The reply to the first request was lost: whoever knows the new password gets its session.
        return match prove(app, &user, "/current", new, from).await {
            Ok(()) => Ok(user.into_inner()),
            Err(Error::Refused(Refusal::Invalid(_))) => Err(Refusal::Unauthenticated.into()),
            Err(error) => Err(error),
        };
    }
    user.must_honour(by)?;
    prove(app, &user, "/current", current, from).await?;
    let new_hash = password::hash(app, new)?;
    let plan = || async {
        let user = caller(app, by).await?;
        let claim = claim_of(app, &user).await?;
        let changed = claim.with_password(new_hash.clone()).ok_or_else(|| Fault::bug("passwords ran out"))?;
        let after = User { password_number: changed.password_number, ..User::clone(&user) };
        let mut tx = app.tx();
        tx.replace(&claim, &changed);
        tx.replace(&user, &after);
        Ok((after, tx))
    };
    Ok(app.execute(&Ctx::system(), plan).await?.answer)
}

/// Asks for another e-mail: mails a code to the new address, and tells the old one.
///
/// # Rejects
/// 422 at `/password` for a wrong password; `rate_limited` after too many of them; [`Refusal::AccountBlocked`];
/// [`Refusal::Unauthenticated`] for a token of an ended session.
pub async fn ask_email(app: &App, by: &Bearer, new: &Email, shown: &Password, from: &Network) -> Result<(), Error> {
    prove(app, &*caller(app, by).await?, "/password", shown, from).await?;
    if !may_mail(app, new, from).await? {
        return Ok(());
    }
    let nonce = mailed_code::nonce(app);
    let plan = || async {
        let user = caller(app, by).await?;
        let before = app.store.get::<EmailChange>(&EmailChange::key(by.user)).await?;
        let mut tx = app.tx();
        if before.as_ref().is_some_and(|before| before.nonce == nonce) {
            return Ok(((), tx));
        }
        let until = good_until(app.clock.now());
        tx.upsert(before.as_ref(), &EmailChange { user: by.user, email: new.clone(), nonce: nonce.clone(), until });
        let subject = Some(by.user.to_string());
        for (mail, to) in [(MailKind::EmailChange, Some(new)), (MailKind::EmailChangeNotice, user.email.as_ref())] {
            let Some(email) = to.map(|to| email_hash(app, to)) else { continue };
            tx.send(Message::Mail { mail, email, nonce: nonce.clone(), subject: subject.clone() });
        }
        Ok(((), tx))
    };
    app.execute(&Ctx::system(), plan).await.map(|_| ())
}

/// Confirms the code mailed to the new e-mail, which then signs in.
///
/// A repeat with the same code succeeds without effect.
///
/// # Rejects
/// 422 at `/code` when it is wrong, expired or tried too often; `email_taken`; [`Refusal::AccountBlocked`];
/// [`Refusal::Unauthenticated`] for a token of an ended session.
pub async fn confirm_email(app: &App, by: &Bearer, typed: &str) -> Result<User, Error> {
    caller(app, by).await?;
    let change = app.store.get::<EmailChange>(&EmailChange::key(by.user)).await?.ok_or_else(wrong)?;
    mailed_code::record_attempt(app, &change.nonce).await?;
    Ok(app.execute(&Ctx::system(), || plan_change(app, by, typed)).await?.answer)
}

async fn plan_change(app: &App, by: &Bearer, typed: &str) -> Result<(User, Tx), Error> {
    let user = caller(app, by).await?;
    let change = app.store.get::<EmailChange>(&EmailChange::key(by.user)).await?.ok_or_else(wrong)?;
    mailed_code::compare(app, [&change.nonce], typed)?;
    let mut tx = app.tx();
    if user.email.as_ref() == Some(&change.email) {
        return Ok((user.into_inner(), tx));
    }
    let (new, claim) = (email_hash(app, &change.email), claim_of(app, &user).await?);
    if app.store.get::<EmailClaim>(&EmailClaim::key(&new)).await?.is_some() {
        return Err(Refusal::EmailTaken.into());
    }
    let after = User { email: Some(change.email.clone()), ..User::clone(&user) };
    tx.insert(&EmailClaim { email_hash: new, ..EmailClaim::clone(&claim) }).or(Refusal::EmailTaken);
    tx.remove(&claim);
    tx.replace(&user, &after);
    Ok((after, tx))
}

/// Reads the caller's account.
/// Requires the password of the holder of a session, once more.
///
/// # Rejects
/// 422 at `/password` for a wrong one; `rate_limited` after too many of them; [`Refusal::AccountBlocked`];
/// [`Refusal::Unauthenticated`] for an ended session.
pub(crate) async fn confirm(app: &App, by: &Bearer, shown: &Password, from: &Network) -> Result<User, Error> {
    let user = caller(app, by).await?;
    prove(app, &user, "/password", shown, from).await?;
    Ok(user.into_inner())
}

async fn caller(app: &App, by: &Bearer) -> Result<Versioned<User>, Error> {
    let user = account(app, by).await?;
    user.must_honour(by)?;
    Ok(user)
}

/// Reads the active account that a token names, and does not compare the token.
async fn account(app: &App, by: &Bearer) -> Result<Versioned<User>, Error> {
    let user = app.store.get::<User>(&User::key(by.user)).await?.ok_or(Refusal::Unauthenticated)?;
    user.must_be_active()?;
    Ok(user)
}

async fn claim_of(app: &App, user: &User) -> Result<Versioned<EmailClaim>, Error> {
    let missing = || Refusal::field("/password", "no_password", "This account has no e-mail and password.");
    let email = user.email.as_ref().ok_or_else(missing)?;
    let claim = app.store.get::<EmailClaim>(&EmailClaim::key(&email_hash(app, email))).await?;
    Ok(claim.ok_or_else(|| Fault::bug("an e-mail without its claim"))?)
}

/// Requires the caller's password; a stolen access token does not suffice, and its guesses are counted as sign-ins.
async fn prove(app: &App, user: &User, pointer: &str, shown: &Password, from: &Network) -> Result<(), Error> {
    let claim = claim_of(app, user).await?;
    let attempt = Attempt::count(app, &claim.email_hash, claim.password_number, from).await?;
    if !password::verify(app, shown, claim.password_hash.as_deref())? {
        return Err(Refusal::field(pointer, "wrong_password", "The password is not right.").into());
    }
    Ok(attempt.succeeded(app).await?)
}
