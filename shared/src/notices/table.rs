//! Storage of mail preferences and of notices that were sent.

use jiff::ToSpan;
use kernel::id::UserId;
use table::records;

use crate::notices::model::mail_preferences::MailPreferences;
use crate::notices::model::sent_notice::{KEPT_HOURS, SentNotice};

records! {
    /// Notices that a user gets: kinds switched off, and what stopped them.
    MailPreferences = "mail_preferences" {
        fn key(user: UserId) = "USER#{user}", "MAILS";
        at |it| MailPreferences::key(it.user);
    }

    /// A notice that was sent: one mail per message.
    SentNotice = "sent_notice" {
        fn key(user: UserId, message: &str) = "USER#{user}", "NOTICE#{message}";
        at |it| SentNotice::key(it.user, &it.message);
        expires |it| it.at.checked_add(KEPT_HOURS.hours()).ok();
    }
}
