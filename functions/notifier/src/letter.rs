//! Recipient and text of a mail, looked up here and nowhere before (R2.10): so no request shows whether an address has an account.

use jiff::{Timestamp, ToSpan};
use shared::account::mailed_code::{self, CodeSubject, Purpose};
use shared::account::model::access::{EmailChange, EmailClaim};
use shared::account::model::identity::Email;
use shared::account::model::user::User;
use shared::account::verify_signup;
use shared::app::App;
use shared::kernel::fault::Fault;
use shared::kernel::id::{SignupId, UserId};
use shared::message::MailKind;

use super::style::Style;
use super::text::{Content, Text, text};

/// A mail to be sent.
pub struct Letter {
    pub to: Email,
    pub text: Text,
    pub style: Style,
    /// User whom it is for; none of a mail to somebody without an account.
    pub user: Option<UserId>,
    /// URL that stops mails of its kind, of one that nobody asked for.
    pub unsubscribe: Option<String>,
}

impl Letter {
    async fn new(app: &App, to: Email, content: &Content, locale: Option<&str>) -> Result<Self, Fault> {
        let style = Style::of(app, locale).await?;
        Ok(Self { to, text: text(content, &style), style, user: None, unsubscribe: None })
    }

    async fn to_user(app: &App, user: &User, to: Email, content: &Content) -> Result<Option<Self>, Fault> {
        let letter = Self::new(app, to, content, user.locale.as_deref()).await?;
        Ok(Some(Self { user: Some(user.id), ..letter }))
    }
}

/// The mail of a message; `None` if there is nobody to send it to, or its code is no longer good.
pub async fn letter(
    app: &App,
    mail: MailKind,
    email: &str,
    nonce: &str,
    subject: Option<&str>,
) -> Result<Option<Letter>, Fault> {
    let code = mailed_code::code(app, nonce);
    match mail {
        MailKind::Verification => {
            let Some(id) = subject.and_then(SignupId::parse) else { return Ok(None) };
            let Some((to, locale)) = verify_signup::recipient(app, id, nonce).await? else { return Ok(None) };
            let known = claim(app, email).await?.is_some();
            let content = if known { Content::AlreadyRegistered } else { Content::Verification(code) };
            Ok(Some(Letter::new(app, to, &content, locale.as_deref()).await?))
        }
        MailKind::PasswordReset | MailKind::Challenge => to_account(app, mail, email, nonce).await,
        MailKind::EmailChange => {
            let Some((user, change)) = change(app, subject, nonce).await? else { return Ok(None) };
            let known = claim(app, email).await?.is_some_and(|claim| claim.user != user.id);
            let content = if known { Content::AlreadyRegistered } else { Content::NewEmail(code) };
            Letter::to_user(app, &user, change.email, &content).await
        }
        MailKind::EmailChangeNotice => {
            let Some((user, change)) = change(app, subject, nonce).await? else { return Ok(None) };
            let content = Content::EmailChangeNotice(change.email.masked());
            let Some(to) = user.email.clone().filter(|email| *email != change.email) else { return Ok(None) };
            Letter::to_user(app, &user, to, &content).await
        }
        MailKind::SecondFactorSet => notice(app, subject, &Content::SecondFactorSet).await,
        MailKind::SecondFactorRemoved => notice(app, subject, &Content::SecondFactorRemoved).await,
        MailKind::RecoveryCodeUsed => notice(app, subject, &Content::RecoveryCodeUsed).await,
    }
}

/// A mail with symbols that are good for the password of its account.
async fn to_account(app: &App, mail: MailKind, email: &str, nonce: &str) -> Result<Option<Letter>, Fault> {
    let (Some(claim), Some(asked)) = (claim(app, email).await?, mailed_code::made_at(nonce)) else { return Ok(None) };
    let Some(user) = app.store.get::<User>(&User::key(claim.user)).await? else { return Ok(None) };
    let Some(to) = user.email.clone() else { return Ok(None) };
    let purpose = if mail == MailKind::Challenge { Purpose::Challenge } else { Purpose::Reset };
    if is_over(app, purpose, asked) {
        return Ok(None);
    }
    let symbols = mailed_code::symbols(app, purpose, CodeSubject::of(email, Some(&claim)), asked);
    let content = match purpose {
        Purpose::Challenge => Content::Challenge(symbols),
        Purpose::Reset => {
            let token = mailed_code::link_token(app, user.id, claim.password_number, asked);
            Content::PasswordReset { symbols, link: format!("{}/reset#token={token}", app.config.public_base_url) }
        }
    };
    Letter::to_user(app, &user, to, &content).await
}

/// A notice to a user, at their present address.
async fn notice(app: &App, subject: Option<&str>, content: &Content) -> Result<Option<Letter>, Fault> {
    let Some(id) = subject.and_then(UserId::parse) else { return Ok(None) };
    let Some(user) = app.store.get::<User>(&User::key(id)).await? else { return Ok(None) };
    let Some(to) = user.email.clone() else { return Ok(None) };
    Letter::to_user(app, &user, to, content).await
}

fn is_over(app: &App, purpose: Purpose, asked: Timestamp) -> bool {
    asked.checked_add(purpose.minutes().minutes()).is_ok_and(|until| until <= app.clock.now())
}

async fn claim(app: &App, email: &str) -> Result<Option<EmailClaim>, Fault> {
    let claim = app.store.get::<EmailClaim>(&EmailClaim::key(email)).await?;
    Ok(claim.map(|claim| claim.into_inner()))
}

/// The user and their change of e-mail that this nonce belongs to.
async fn change(app: &App, subject: Option<&str>, nonce: &str) -> Result<Option<(User, EmailChange)>, Fault> {
    let Some(id) = subject.and_then(UserId::parse) else { return Ok(None) };
    let (user, change) = app.store.read((User::key(id), EmailChange::key(id))).await?;
    let change = change.filter(|change| change.nonce == nonce);
    Ok(user.zip(change).map(|(user, change)| (user.into_inner(), change.into_inner())))
}
