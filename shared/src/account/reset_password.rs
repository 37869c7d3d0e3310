//! Password reset (R2.10): a mailed link or code sets a new password and ends every session.
//!
//! No response reveals whether an e-mail has an account, neither by its content nor by its time: the request only puts a mail
//! into the queue, and the notifier looks up whether there is anybody to send it to.

use crate::account::limits::may_mail;
use crate::account::mailed_code::{self, CodeSubject, LinkToken, Purpose, is_right, wrong};
use crate::account::model::access::EmailClaim;
use crate::account::model::identity::{Email, Password};
use crate::account::model::network::Network;
use crate::account::model::user::User;
use crate::account::password;
use crate::account::session::email_hash;
use crate::app::App;
use crate::message::{MailKind, Message};
use kernel::fault::{Error, Fault};
use kernel::refusal::Refusal;
use table::context::Ctx;
use table::idempotency::{Idempotency, IdempotencyKey};
use table::tx::Tx;

/// Maximum attempts at a code, per e-mail and network, and their window in seconds.
const TRIES: (i64, i64) = (5, 30 * 60);

/// Evidence that a reset is its user's: what was mailed.
#[derive(Debug, Clone)]
pub enum Mailed {
    /// Token of the link.
    Link(String),
    /// Ten symbols, with the address that received them.
    Code(Email, String),
}

/// Mails a link and a code to this e-mail if it has an account.
///
/// # Errors
/// A fault when the mail cannot be promised.
pub async fn ask_reset(app: &App, email: &Email, from: &Network) -> Result<(), Error> {
    // Later mails leave earlier ones valid, so they are new attempts.
    app.store.clear_attempts("reset", &tries_of(app, email, from)).await?;
    ask_mail(app, MailKind::PasswordReset, email, from).await
}

/// Promises a mail to an address, whoever has it; nothing is read.
///
/// # Errors
/// A fault when the write fails.
pub(crate) async fn ask_mail(app: &App, mail: MailKind, email: &Email, from: &Network) -> Result<(), Error> {
    if !may_mail(app, email, from).await? {
        return Ok(());
    }
    let nonce = mailed_code::nonce(app);
    let hash = app.config.secret.hex("mail", &[nonce.as_bytes()]);
    // The nonce is the guard: nothing else is written, and a lost reply must not mail twice.
    let idempotency = Idempotency::Key(IdempotencyKey { fingerprint: hash.clone(), hash });
    let message = Message::Mail { mail, email: email_hash(app, email), nonce, subject: None };
    let plan = || async {
        let mut tx = app.tx();
        tx.send(message.clone());
        Ok(((), tx))
    };
    app.execute(&Ctx { idempotency, ..Ctx::system() }, plan).await.map(|_| ())
}

/// Sets a new password with what was mailed, and ends all sessions.
///
/// A repeat with the same evidence and password succeeds without effect.
///
/// # Rejects
/// 422 at `/code` or `/token` when it is wrong, used, expired or tried too often, or when no account has this e-mail.
pub async fn reset_password(app: &App, mailed: &Mailed, new: &Password, from: &Network) -> Result<(), Error> {
    // Hash before any read, so that timing does not reveal whether an account exists.
    let new_hash = password::hash(app, new)?;
    let (hash, claim) = read(app, mailed, from).await?;
    evidence(app, mailed, &hash, claim.as_ref())?;
    let done = app.execute(&Ctx::system(), || plan(app, mailed, &hash, &new_hash)).await?;
    match done.answer {
        None => Ok(()),
        Some(set) if password::verify(app, new, Some(&set))? => Ok(()),
        Some(_) => Err(refusal(mailed).into()),
    }
}

/// Reads the claim that the evidence is about, after counting the attempt.
async fn read(app: &App, mailed: &Mailed, from: &Network) -> Result<(String, Option<EmailClaim>), Error> {
    let (hash, counted) = match mailed {
        Mailed::Code(email, _) => (email_hash(app, email), tries_of(app, email, from)),
        Mailed::Link(token) => {
            let link = LinkToken::parse(token).ok_or_else(|| refusal(mailed))?;
            let user = app.store.get::<User>(&User::key(link.user)).await?.ok_or_else(|| refusal(mailed))?;
            let email = user.email.as_ref().ok_or_else(|| refusal(mailed))?;
            (email_hash(app, email), app.config.secret.hex("reset link tries", &[token.trim().as_bytes()]))
        }
    };
    let tries = app.store.record_attempt("reset", &counted, app.clock.now(), TRIES.1).await?;
    let claim = app.store.get::<EmailClaim>(&EmailClaim::key(&hash)).await?;
    if tries.count > TRIES.0 { Err(refusal(mailed).into()) } else { Ok((hash, claim.map(|claim| claim.into_inner()))) }
}

fn tries_of(app: &App, email: &Email, from: &Network) -> String {
    app.config.secret.hex("reset tries", &[email.as_str().as_bytes(), from.as_str().as_bytes()])
}

/// Use of the evidence: of this password, or of the one before it.
enum Evidence {
    Fresh,
    Used,
}

/// Judges the evidence against the current password and the one before, with the same work for everybody.
fn evidence(app: &App, mailed: &Mailed, hash: &str, claim: Option<&EmailClaim>) -> Result<Evidence, Refusal> {
    let current = CodeSubject::of(hash, claim);
    let before = CodeSubject { password_number: current.password_number.wrapping_sub(1), ..current };
    let right = |subject: CodeSubject<'_>| match mailed {
        Mailed::Code(_, code) => is_right(app, Purpose::Reset, subject, code),
        Mailed::Link(token) => LinkToken::parse(token).is_some_and(|link| {
            claim.is_some_and(|claim| claim.user == link.user) && link.is_right(app, subject.password_number)
        }),
    };
    let (fresh, used) = (right(current), right(before));
    match claim {
        Some(_) if fresh => Ok(Evidence::Fresh),
        Some(_) if used => Ok(Evidence::Used),
        _ => Err(refusal(mailed)),
    }
}

fn refusal(mailed: &Mailed) -> Refusal {
    match mailed {
        Mailed::Code(..) => wrong(),
        Mailed::Link(_) => Refusal::field("/token", "wrong_token", "The link is wrong or no longer good."),
    }
}

/// Plans the reset.
///
/// Returns `None` when it sets the password, and the current hash when the evidence was used before.
async fn plan(app: &App, mailed: &Mailed, hash: &str, new_hash: &str) -> Result<(Option<String>, Tx), Error> {
    let claim = app.store.get::<EmailClaim>(&EmailClaim::key(hash)).await?.ok_or_else(|| refusal(mailed))?;
    let mut tx = app.tx();
    if let Evidence::Used = evidence(app, mailed, hash, Some(&claim))? {
        return Ok((Some(claim.password_hash.clone().unwrap_or_default()), tx));
    }
    let user = app.store.get::<User>(&User::key(claim.user)).await?.ok_or_else(|| refusal(mailed))?;
    let changed = claim.with_password(new_hash.to_owned()).ok_or_else(|| Fault::bug("passwords ran out"))?;
    tx.replace(&claim, &changed);
    let after = User { password_number: changed.password_number, ..User::clone(&user) };
    tx.replace(&user, &after);
    Ok((None, tx))
}
