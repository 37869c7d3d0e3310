//! Notice invariant N1: preferences and notices that were sent are of accounts, and an erased account has no preferences.

use crate::account::model::identity::Status;
use crate::notices::model::mail_preferences::MailPreferences;
use crate::notices::model::sent_notice::SentNotice;
use crate::operations::auditor::{Finding, Snapshot};

/// Checks preferences and sent notices.
pub fn check(snapshot: &Snapshot) -> Vec<Finding> {
    let mut findings = Vec::new();
    for preferences in snapshot.all::<MailPreferences>() {
        if snapshot.users.get(&preferences.user).is_none_or(|user| user.status == Status::Erased) {
            findings.push(Finding::new("N1", preferences.user, "gets mails, but has no account"));
        }
    }
    for sent in snapshot.all::<SentNotice>().filter(|sent| !snapshot.users.contains_key(&sent.user)) {
        findings.push(Finding::new("N1", sent.user, format!("was told of {}, but has no account", sent.message)));
    }
    findings
}
