//! A user's choice of notices, and what stopped them. One item per user, absent while nothing was chosen or stopped.

use std::collections::BTreeSet;

use jiff::Timestamp;
use kernel::id::UserId;
use kernel::text_enum;
use serde::{Deserialize, Serialize};

use crate::notices::model::notice::Notice;

text_enum! {
    /// Reason for which an address gets no notices.
    pub enum StopReason {
        /// Its mail server refused mails for good.
        Bounced = "bounced",
        /// Its owner reported a mail as spam.
        Complained = "complained",
    }
}

/// Stop of all notices to one address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stopped {
    pub because: StopReason,
    pub at: Timestamp,
    /// Keyed hash of the address; another address of the user is not stopped.
    pub email_hash: String,
}

/// Notices that a user gets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MailPreferences {
    pub user: UserId,
    /// Kinds that the user switched off.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub off: BTreeSet<Notice>,
    /// The last stop, until the user asks for notices again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stopped: Option<Stopped>,
}

impl MailPreferences {
    /// Returns the choice of a user who has chosen nothing: every kind.
    pub fn of(user: UserId) -> Self {
        Self { user, off: BTreeSet::new(), stopped: None }
    }

    /// Tests whether the user wants notices of this kind.
    pub fn wants(&self, notice: Notice) -> bool {
        !self.off.contains(&notice)
    }

    /// Returns the stop that holds for the user's present address.
    pub fn stop_of(&self, email_hash: &str) -> Option<&Stopped> {
        self.stopped.as_ref().filter(|stopped| stopped.email_hash == email_hash)
    }

    /// Returns the preferences with another choice; choosing ends a stop.
    pub fn chosen(&self, off: BTreeSet<Notice>) -> Self {
        Self { off, stopped: None, ..self.clone() }
    }

    /// Returns the preferences without notices of this kind.
    pub fn without(&self, notice: Notice) -> Self {
        let mut after = self.clone();
        after.off.insert(notice);
        after
    }

    /// Returns the preferences with all notices to an address stopped.
    ///
    /// The first stop of an address stays; a complaint goes before a bounce.
    pub fn stopped(&self, stop: Stopped) -> Self {
        let stands = self.stop_of(&stop.email_hash).is_some_and(|before| before.because >= stop.because);
        if stands { self.clone() } else { Self { stopped: Some(stop), ..self.clone() } }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn stop(because: StopReason, at: i64, email_hash: &str) -> Stopped {
        Stopped { because, at: Timestamp::from_second(at).unwrap(), email_hash: email_hash.to_owned() }
    }

    fn nobody() -> MailPreferences {
        MailPreferences::of(UserId::new(ulid::Ulid::nil()))
    }

    /// A stop is of one address, its first report stays, and a complaint says more than a bounce.
    #[test]
    fn a_stop_is_of_one_address_and_a_complaint_goes_before_a_bounce() {
        let bounced = nobody().stopped(stop(StopReason::Bounced, 1, "a"));
        assert!(bounced.stop_of("a").is_some() && bounced.stop_of("b").is_none());
        assert_eq!(bounced.stopped(stop(StopReason::Bounced, 2, "a")), bounced);
        let complained = bounced.stopped(stop(StopReason::Complained, 3, "a"));
        assert_eq!(complained.stop_of("a").unwrap().because, StopReason::Complained);
        assert_eq!(complained.stopped(stop(StopReason::Bounced, 4, "a")), complained);
        let moved = complained.stopped(stop(StopReason::Bounced, 5, "b"));
        assert!(moved.stop_of("a").is_none() && moved.stop_of("b").is_some());
    }

    /// A choice keeps what it does not name, and ends a stop.
    #[test]
    fn choosing_ends_a_stop_and_unsubscribing_does_not() {
        let stopped = nobody().stopped(stop(StopReason::Bounced, 1, "a"));
        let without = stopped.without(Notice::RewardGranted);
        assert!(without.stop_of("a").is_some() && !without.wants(Notice::RewardGranted));
        assert!(without.wants(Notice::PaymentCredited));
        let chosen = without.chosen(BTreeSet::from([Notice::PaymentCredited]));
        assert!(
            chosen.stopped.is_none() && chosen.wants(Notice::RewardGranted) && !chosen.wants(Notice::PaymentCredited)
        );
    }
}
