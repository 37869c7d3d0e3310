//! Unsubscribing by the link in a notice, without signing in ([RFC 8058](https://www.rfc-editor.org/rfc/rfc8058)).
//!
//! The token names the user and the kind, and proves both under the deployment's secret. It is good for ever: it can only stop mails
//! of one kind, which the user can have again.

use kernel::fault::Error;
use kernel::id::UserId;
use kernel::refusal::Refusal;
use table::context::Ctx;
use ulid::Ulid;

use crate::account::model::user::User;
use crate::app::App;
use crate::notices::model::mail_preferences::MailPreferences;
use crate::notices::model::notice::Notice;

/// Label of the proof of a token, and its bytes.
const LABEL: &str = "unsubscribe";
const PROOF: usize = 16;

/// User and kind that a proven token names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unsubscription {
    pub user: UserId,
    pub notice: Notice,
}

impl Unsubscription {
    /// Derives the token of the link.
    pub fn token(&self, app: &App) -> String {
        let said = [self.user.ulid().to_bytes().as_slice(), self.notice.as_str().as_bytes()].concat();
        app.config.secret.token::<PROOF>(LABEL, &said)
    }

    /// Reads a token.
    ///
    /// # Rejects
    /// 422 at `/token` for one that this deployment did not make.
    pub fn read(app: &App, token: &str) -> Result<Self, Refusal> {
        Self::proven(app, token).ok_or_else(|| Refusal::field("/token", "invalid", "The link of a mail, whole."))
    }

    fn proven(app: &App, token: &str) -> Option<Self> {
        let token = Some(token.trim()).filter(|text| text.len() <= 100)?;
        let said = app.config.secret.read_token::<PROOF>(LABEL, token)?;
        let (user, notice) = said.split_first_chunk::<16>()?;
        let notice = Notice::parse(std::str::from_utf8(notice).ok()?)?;
        Some(Self { user: UserId::new(Ulid::from_bytes(*user)), notice })
    }
}

/// Switches the kind of a token off for its user; a repeat changes nothing, nor does the link of an erased account.
///
/// # Rejects
/// 422 at `/token`.
pub async fn unsubscribe(app: &App, token: &str) -> Result<(), Error> {
    let Unsubscription { user: id, notice } = Unsubscription::read(app, token)?;
    let plan = || async {
        let (user, before) = app.store.read((User::key(id), MailPreferences::key(id))).await?;
        let mut tx = app.tx();
        let known = before.as_deref().cloned().unwrap_or_else(|| MailPreferences::of(id));
        if let Some(user) = user.filter(|user| user.email.is_some() && known.wants(notice)) {
            // An account that is erased meanwhile keeps no preferences.
            tx.unchanged(&user);
            tx.upsert(before.as_ref(), &known.without(notice));
        }
        Ok(((), tx))
    };
    app.execute(&Ctx::system(), plan).await.map(|_| ())
}
