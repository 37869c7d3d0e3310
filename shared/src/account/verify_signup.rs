//! Verification of a sign-up's e-mail (R2.4): confirming the code runs the transaction of R2.2.

use crate::account::mailed_code::{self, good_until, wrong};
use crate::account::model::access::{EmailClaim, PendingSignup};
use crate::account::model::identity::Email;
use crate::account::register::{Credential, EmailIdentity, NewAccount, NewSession, Registered, admit, known, sign_up};
use crate::account::session::email_hash;
use crate::app::App;
use crate::message::{MailKind, Message};
use kernel::fault::{Error, Fault};
use kernel::refusal::Refusal;
use table::context::Ctx;
use table::execute::Answered;
use table::idempotency::Idempotency;
use table::item::Versioned;
use table::tx::Tx;

/// Confirms a mailed code and creates the account, with the referral code of the registration.
///
/// A repeat with the same code finds the account and opens a new session.
///
/// # Rejects
/// 422 at `/code` when it is wrong, expired or tried too often; `email_taken`.
pub async fn verify_signup(app: &App, ctx: &Ctx, email: &Email, typed: &str) -> Result<Answered<NewSession>, Error> {
    let hash = email_hash(app, email);
    let (claim, pending) = read(app, &hash).await?;
    mailed_code::record_attempt(app, nonce_of(claim.as_ref(), pending.as_ref())).await?;
    let done = app.execute(ctx, || plan(app, ctx, email, typed)).await?;
    admit(app, &hash, done, Credential::Shown).await
}

async fn plan(app: &App, ctx: &Ctx, email: &Email, typed: &str) -> Result<(Registered, Tx), Error> {
    let hash = email_hash(app, email);
    let (claim, pending) = read(app, &hash).await?;
    let nonce = nonce_of(claim.as_ref(), pending.as_ref()).ok_or_else(wrong)?;
    mailed_code::compare(app, nonce, typed)?;
    match (claim, pending) {
        (Some(claim), _) if ctx.idempotency == Idempotency::Natural => {
            Ok((known(app, claim.user, claim.not_applied).await?, app.tx()))
        }
        (None, Some(pending)) => {
            let (registered, mut tx) = sign_up(app, ctx, &newcomer(app, &pending)).await?;
            tx.remove(&pending);
            Ok((registered, tx))
        }
        _ => Err(Refusal::EmailTaken.into()),
    }
}

async fn read(
    app: &App,
    hash: &str,
) -> Result<(Option<Versioned<EmailClaim>>, Option<Versioned<PendingSignup>>), Fault> {
    app.store.read((EmailClaim::key(hash), PendingSignup::key(hash))).await
}

/// Returns the nonce of the current code; after the confirmation it is on the claim.
fn nonce_of<'a>(
    claim: Option<&'a Versioned<EmailClaim>>,
    pending: Option<&'a Versioned<PendingSignup>>,
) -> Option<&'a str> {
    match (claim, pending) {
        (Some(claim), _) => Some(claim.fingerprint.as_str()),
        (None, pending) => pending.map(|pending| pending.nonce.as_str()),
    }
}

/// Builds the account to create from a pending sign-up, as of now.
fn newcomer(app: &App, pending: &PendingSignup) -> NewAccount {
    NewAccount {
        id: pending.user,
        mailbox: Some(EmailIdentity {
            hash: pending.email_hash.clone(),
            email: pending.email.clone(),
            password_hash: Some(pending.password_hash.clone()),
        }),
        external: None,
        referral_code: pending.referral_code.clone(),
        locale: pending.locale.clone(),
        created_at: app.clock.now(),
        fingerprint: pending.nonce.clone(),
    }
}

/// Mails a new code for a pending sign-up, without revealing whether there is one.
///
/// # Rejects
/// `rate_limited` after five codes in an hour.
pub async fn resend(app: &App, email: &Email) -> Result<(), Error> {
    let hash = email_hash(app, email);
    mailed_code::allow_mail(app, &hash).await?;
    let nonce = mailed_code::nonce(app);
    app.execute(&Ctx::system(), || plan_resend(app, &hash, &nonce)).await.map(|_| ())
}

async fn plan_resend(app: &App, hash: &str, nonce: &str) -> Result<((), Tx), Error> {
    let mut tx = app.tx();
    if let (None, Some(pending)) = read(app, hash).await?
        && pending.nonce != nonce
    {
        let until = good_until(app.clock.now());
        let renewed = PendingSignup { nonce: nonce.to_owned(), until, ..PendingSignup::clone(&pending) };
        tx.replace(&pending, &renewed);
        tx.send(Message::Mail { mail: MailKind::Verification, email: hash.to_owned(), nonce: nonce.to_owned() });
    }
    Ok(((), tx))
}
