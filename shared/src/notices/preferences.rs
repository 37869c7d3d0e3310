//! A user's own choice of notices.

use std::collections::BTreeSet;

use kernel::fault::Error;
use kernel::refusal::Refusal;
use serde::{Deserialize, Serialize};
use table::context::Ctx;

use crate::account::model::access::Bearer;
use crate::account::model::user::User;
use crate::account::session::email_hash;
use crate::app::App;
use crate::notices::model::mail_preferences::{MailPreferences, Stopped};
use crate::notices::model::notice::Notice;
use crate::notices::model::settings::MailSettings;

/// A user's choice of notices, beside the operator's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MailChoices {
    /// Kinds that the user switched off.
    pub off: BTreeSet<Notice>,
    /// Kinds that the operator sends to nobody.
    pub not_sent: BTreeSet<Notice>,
    /// Stop that holds for the user's address.
    pub stopped: Option<Stopped>,
}

impl MailChoices {
    /// The choices of a user as stored.
    ///
    /// # Errors
    /// A fault when the settings cannot be read.
    pub async fn of(app: &App, user: &User, stored: Option<&MailPreferences>) -> Result<Self, Error> {
        let settings = app.settings::<MailSettings>().await?.settings;
        let hash = user.email.as_ref().map(|email| email_hash(app, email));
        let stopped = stored.zip(hash).and_then(|(stored, hash)| stored.stop_of(&hash).cloned());
        let off = stored.map(|stored| stored.off.clone()).unwrap_or_default();
        let not_sent = Notice::ALL.into_iter().filter(|notice| !notice.is_sent(&settings)).collect();
        Ok(Self { off, not_sent, stopped })
    }
}

/// Reads the caller's choices.
///
/// # Rejects
/// [`Refusal::Unauthenticated`] for a token of an ended session.
pub async fn mail_choices(app: &App, by: &Bearer) -> Result<MailChoices, Error> {
    let (user, stored) = app.store.read((User::key(by.user), MailPreferences::key(by.user))).await?;
    let user = user.ok_or(Refusal::Unauthenticated)?;
    user.must_honour(by)?;
    MailChoices::of(app, &user, stored.as_deref()).await
}

/// Sets the kinds that the caller does not want; this also ends a stop of the address.
///
/// # Rejects
/// [`Refusal::AccountBlocked`]; [`Refusal::Unauthenticated`] for a token of an ended session.
pub async fn choose_mails(app: &App, by: &Bearer, off: &BTreeSet<Notice>) -> Result<MailChoices, Error> {
    let plan = || async {
        let (user, before) = app.store.read((User::key(by.user), MailPreferences::key(by.user))).await?;
        let user = user.ok_or(Refusal::Unauthenticated)?;
        user.must_admit(by)?;
        let known = before.as_deref().cloned().unwrap_or_else(|| MailPreferences::of(by.user));
        let after = known.chosen(off.clone());
        let mut tx = app.tx();
        if after != known {
            // An account that is erased meanwhile keeps no preferences.
            tx.unchanged(&user);
            tx.upsert(before.as_ref(), &after);
        }
        let choices = MailChoices::of(app, &user, Some(&after)).await?;
        Ok((choices, tx))
    };
    Ok(app.execute(&Ctx::system(), plan).await?.answer)
}
