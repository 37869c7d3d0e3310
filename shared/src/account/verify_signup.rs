//! Pending sign-ups (R2.4): registering makes one, and confirming its mailed code runs the transaction of R2.2.
//!
//! A sign-up belongs to its token, which only its requester has. So nobody's attempts, resends or registrations touch another's
//! sign-up of the same e-mail, and whoever confirms gets the account with their own password. Whether the e-mail has an account
//! is looked up by the notifier only, which then says so in the mail.

use ulid::Ulid;

use crate::account::limits::may_mail;
use crate::account::mailed_code::{self, good_until, made_at, wrong};
use crate::account::model::access::{EmailClaim, PendingSignup, SignupDetails};
use crate::account::model::identity::Email;
use crate::account::model::network::Network;
use crate::account::register::{
    Credential, EmailIdentity, NewAccount, NewSession, Registered, Registration, admit, known, sign_up,
};
use crate::account::session::by_email;
use crate::app::App;
use crate::message::{MailKind, Message};
use kernel::fault::{Error, Fault};
use kernel::id::SignupId;
use kernel::refusal::Refusal;
use table::context::Ctx;
use table::execute::Answered;
use table::idempotency::Idempotency;
use table::item::Versioned;
use table::tx::Tx;

/// Label of the proof of a sign-up's token, and its bytes.
const LABEL: &str = "sign-up token";
const PROOF: usize = 16;
/// Maximum codes of one sign-up that are good at the same time.
const CODES: usize = 5;

/// Derives the token of a pending sign-up.
pub fn signup_token(app: &App, id: SignupId) -> String {
    app.config.secret.token::<PROOF>(LABEL, &id.ulid().to_bytes())
}

/// Reads a token.
///
/// # Rejects
/// 422 at `/signup_token` for one that was not issued here.
pub fn read_token(app: &App, token: &str) -> Result<SignupId, Refusal> {
    let wrong = || Refusal::field("/signup_token", "wrong_token", "The token of a registration.");
    let token = Some(token.trim()).filter(|token| token.len() <= 100).ok_or_else(wrong)?;
    let said = app.config.secret.read_token::<PROOF>(LABEL, token).and_then(|said| said.try_into().ok());
    said.map(|said| SignupId::new(Ulid::from_bytes(said))).ok_or_else(wrong)
}

/// Plans a pending sign-up; nothing is read, so nothing about the e-mail shows.
///
/// `nonce` is that of the mail; `None` above the limit on mails, when no code is good.
pub(crate) fn plan_pending(
    app: &App,
    id: SignupId,
    newcomer: &NewAccount,
    mailbox: &EmailIdentity,
    nonce: Option<&str>,
) -> Result<(Registration, Tx), Error> {
    let password_hash = mailbox.password_hash.clone().ok_or_else(|| Fault::bug("a sign-up without a password"))?;
    let pending = PendingSignup {
        id,
        email_hash: mailbox.hash.clone(),
        created_at: newcomer.created_at,
        details: Some(SignupDetails {
            email: mailbox.email.clone(),
            user: newcomer.id,
            password_hash,
            referral_code: newcomer.referral_code.clone(),
            locale: newcomer.locale.clone(),
            signals: newcomer.signals.clone(),
        }),
        nonces: nonce.map(str::to_owned).into_iter().collect(),
        until: good_until(newcomer.created_at),
    };
    let mut tx = app.tx();
    tx.insert(&pending);
    if let Some(nonce) = nonce {
        tx.send(mail(&pending, nonce));
    }
    Ok((Registration::Pending(id), tx))
}

fn mail(pending: &PendingSignup, nonce: &str) -> Message {
    let (email, nonce) = (pending.email_hash.clone(), nonce.to_owned());
    Message::Mail { mail: MailKind::Verification, email, nonce, subject: Some(pending.id.to_string()) }
}

/// Confirms a mailed code and creates the account, with the password and referral code of this very registration.
///
/// A repeat with the same code finds the account and opens a new session.
///
/// # Rejects
/// 422 at `/code` when it is wrong, expired or tried too often; `email_taken` when somebody else confirmed first.
pub async fn verify_signup(app: &App, ctx: &Ctx, id: SignupId, typed: &str) -> Result<Answered<NewSession>, Error> {
    let pending = app.store.get::<PendingSignup>(&PendingSignup::key(id)).await?.ok_or_else(wrong)?;
    // Only the holder of the token gets here, so only they use up the attempts.
    mailed_code::record_attempt(app, pending.nonces.last().ok_or_else(wrong)?).await?;
    let done = app.execute(ctx, || plan(app, ctx, id, typed)).await?;
    let mut done = admit(app, &pending.email_hash, done, Credential::Shown).await?;
    done.answer.email = match &pending.details {
        Some(details) => Some(details.email.clone()),
        None => by_email(app, &pending.email_hash).await?.and_then(|user| user.into_inner().email),
    };
    Ok(done)
}

async fn plan(app: &App, ctx: &Ctx, id: SignupId, typed: &str) -> Result<(Registration, Tx), Error> {
    let (pending, claim) = read(app, id).await?;
    mailed_code::compare(app, &pending.nonces, typed)?;
    match (claim, &pending.details) {
        (Some(claim), _) if claim.fingerprint == fingerprint(id) && ctx.idempotency == Idempotency::Natural => {
            Ok((known(app, claim.user, claim.not_applied).await?.into(), app.tx()))
        }
        (None, Some(details)) => {
            let (registered, mut tx) = confirmed(app, ctx, &pending, details).await?;
            // What is kept knows a repeat, and nothing about its person.
            tx.replace(&pending, &PendingSignup { details: None, ..PendingSignup::clone(&pending) });
            Ok((registered.into(), tx))
        }
        _ => Err(Refusal::EmailTaken.into()),
    }
}

async fn confirmed(
    app: &App,
    ctx: &Ctx,
    pending: &PendingSignup,
    details: &SignupDetails,
) -> Result<(Registered, Tx), Error> {
    let newcomer = NewAccount {
        id: details.user,
        mailbox: Some(EmailIdentity {
            hash: pending.email_hash.clone(),
            email: details.email.clone(),
            password_hash: Some(details.password_hash.clone()),
        }),
        external: None,
        referral_code: details.referral_code.clone(),
        locale: details.locale.clone(),
        created_at: app.clock.now(),
        fingerprint: fingerprint(pending.id),
        signals: details.signals.clone(),
    };
    sign_up(app, ctx, &newcomer).await
}

/// Fingerprint on the claim of a confirmed sign-up.
fn fingerprint(id: SignupId) -> String {
    format!("signup:{id}")
}

async fn read(app: &App, id: SignupId) -> Result<(Versioned<PendingSignup>, Option<Versioned<EmailClaim>>), Error> {
    let pending = app.store.get::<PendingSignup>(&PendingSignup::key(id)).await?.ok_or_else(wrong)?;
    let claim = app.store.get(&EmailClaim::key(&pending.email_hash)).await?;
    Ok((pending, claim))
}

/// Mails one more code for a pending sign-up; earlier ones stay good.
///
/// # Errors
/// A fault when the mail cannot be promised.
pub async fn resend(app: &App, id: SignupId, from: &Network) -> Result<(), Error> {
    let Some(pending) = app.store.get::<PendingSignup>(&PendingSignup::key(id)).await? else { return Ok(()) };
    let Some(email) = pending.details.as_ref().map(|details| &details.email) else { return Ok(()) };
    if !may_mail(app, email, from).await? {
        return Ok(());
    }
    let nonce = mailed_code::nonce(app);
    app.execute(&Ctx::system(), || plan_resend(app, id, &nonce)).await.map(|_| ())
}

async fn plan_resend(app: &App, id: SignupId, nonce: &str) -> Result<((), Tx), Error> {
    let mut tx = app.tx();
    let found = app.store.get::<PendingSignup>(&PendingSignup::key(id)).await?;
    // An attempt with a lost response may have added the nonce already.
    let pending =
        found.filter(|pending| pending.details.is_some() && !pending.nonces.iter().any(|known| known == nonce));
    let Some(pending) = pending else { return Ok(((), tx)) };
    let now = app.clock.now();
    let mut renewed = PendingSignup { until: good_until(now), ..PendingSignup::clone(&pending) };
    renewed.nonces.retain(|nonce| made_at(nonce).is_some_and(|made| now < good_until(made)));
    renewed.nonces.push(nonce.to_owned());
    let surplus = renewed.nonces.len().saturating_sub(CODES);
    renewed.nonces.drain(..surplus);
    tx.replace(&pending, &renewed);
    tx.send(mail(&renewed, nonce));
    Ok(((), tx))
}

/// Address and language of a sign-up's mail; `None` when the sign-up is gone or the code is no longer good.
///
/// # Errors
/// A fault when the database cannot be reached.
pub async fn recipient(app: &App, id: SignupId, nonce: &str) -> Result<Option<(Email, Option<String>)>, Fault> {
    let pending = app.store.get::<PendingSignup>(&PendingSignup::key(id)).await?;
    let pending = pending.filter(|pending| pending.nonces.iter().any(|known| known == nonce));
    let details = pending.and_then(|pending| pending.into_inner().details);
    Ok(details.map(|details| (details.email, details.locale)))
}
