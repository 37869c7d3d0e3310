//! Signals: what an account leaves to compare (R10.1).
//!
//! Each is a keyed hash under a context of its own, so that hashes of different kinds can't be compared. Neither address nor
//! network can be read from one, and a copy of the table finds none without the deployment's secret.

use jiff::{Timestamp, ToSpan};
use serde::{Deserialize, Serialize};

use crate::account::model::user::User;
use crate::referral::model::referral::Trigger;
use crate::risk::model::settings::{RiskSettings, SignalAction};
use kernel::id::UserId;
use kernel::text_enum;

/// Days within which accounts are compared, and for which a sighting is kept.
pub const DAYS: i64 = 90;
/// Most sightings of one hash that are kept: the latest.
pub const SEEN: usize = 20;

text_enum! {
    /// Rule of risk: the setting that says what it does.
    pub enum Signal as RiskRule {
        /// Canonical e-mail (R2.13).
        EmailAlias = "email_alias",
        /// Network of the sign-up.
        Network = "network",
        /// Device of the sign-up, by the account that it had signed in to before.
        Device = "device",
        /// Account for cash of commission (R6.9).
        PayoutAccount = "payout_account",
        /// Card or account that paid, by the provider's fingerprint.
        PaymentInstrument = "payment_instrument",
        /// Provider of mailboxes to throw away.
        DisposableEmail = "disposable_email",
    }
}

text_enum! {
    /// Class of evidence; the address, its hash and the network are never shown.
    pub enum EvidenceClass as RiskEvidenceClass {
        /// Another account has the same mailbox.
        SameMailbox = "same_mailbox",
        /// Another account came from the same network.
        SameNetwork = "same_network",
        /// The device had signed in to another account.
        SameDevice = "same_device",
        /// Another account has the same payout account.
        SamePayoutAccount = "same_payout_account",
        /// Another account paid with the same card or account.
        SamePaymentInstrument = "same_payment_instrument",
        /// The mailbox is one to throw away.
        DisposableMailbox = "disposable_mailbox",
    }
}

impl Signal {
    /// Returns what the settings say to do about it.
    pub fn action(self, settings: &RiskSettings) -> SignalAction {
        match self {
            Self::EmailAlias => settings.email_alias,
            Self::Network => settings.network,
            Self::Device => settings.device,
            Self::PayoutAccount => settings.payout_account,
            Self::PaymentInstrument => settings.payment_instrument,
            Self::DisposableEmail => settings.disposable_email,
        }
    }

    /// Tests whether a sign-up leaves it; others come later.
    pub fn is_of_sign_up(self) -> bool {
        !matches!(self, Self::PayoutAccount | Self::PaymentInstrument)
    }

    /// Returns the class of its evidence.
    pub fn class(self) -> EvidenceClass {
        match self {
            Self::EmailAlias => EvidenceClass::SameMailbox,
            Self::Network => EvidenceClass::SameNetwork,
            Self::Device => EvidenceClass::SameDevice,
            Self::PayoutAccount => EvidenceClass::SamePayoutAccount,
            Self::PaymentInstrument => EvidenceClass::SamePaymentInstrument,
            Self::DisposableEmail => EvidenceClass::DisposableMailbox,
        }
    }
}

/// Signals of a sign-up, in the message about it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignupSignals {
    /// Keyed hash of the canonical e-mail.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email_alias: Option<String>,
    /// Keyed hash of the network.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network: Option<String>,
    /// Keyed hash of the account that the device had signed in to before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<String>,
    /// That account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_of: Option<UserId>,
    /// True for a mailbox to throw away.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub disposable_email: bool,
}

impl SignupSignals {
    /// Returns the signals; `None` if there are none.
    pub fn some(self) -> Option<Self> {
        Some(self).filter(|signals| *signals != Self::default())
    }

    /// Returns the hash of a signal that is compared.
    pub fn hash(&self, signal: Signal) -> Option<&str> {
        match signal {
            Signal::EmailAlias => self.email_alias.as_deref(),
            Signal::Network => self.network.as_deref(),
            Signal::Device => self.device.as_deref(),
            Signal::PayoutAccount | Signal::PaymentInstrument | Signal::DisposableEmail => None,
        }
    }
}

/// Account of a tree that left a hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sighting {
    pub user: UserId,
    /// Time when it came into the tree: its link, or the inviter's first code.
    pub at: Timestamp,
}

impl Sighting {
    /// Returns an account's place in an inviter's tree: the inviter's own since the sign-up, an invitee's since the link.
    pub fn in_tree(of: &User, inviter: UserId) -> Option<Self> {
        if of.id == inviter {
            return Some(Self { user: of.id, at: of.created_at });
        }
        let bond = of.attribution.as_ref().filter(|bond| bond.inviter_for(Trigger::Registration) == inviter)?;
        Some(Self { user: of.id, at: bond.bound_at })
    }

    /// Tests whether another one is near enough to compare both.
    pub fn is_near(&self, other: Self) -> bool {
        let (first, last) = if self.at <= other.at { (self.at, other.at) } else { (other.at, self.at) };
        kept_until(first).is_none_or(|until| last < until)
    }
}

/// Returns the end of the time for which an account is compared.
pub fn kept_until(at: Timestamp) -> Option<Timestamp> {
    at.checked_add(DAYS.saturating_mul(24).hours()).ok()
}

/// Returns others of these accounts that are near enough to be compared.
pub fn others_near(seen: &[Sighting], own: Sighting) -> impl Iterator<Item = &Sighting> {
    seen.iter().filter(move |other| other.user != own.user && own.is_near(**other))
}

/// Returns the latest [`SEEN`] of these accounts and one more, oldest first.
pub fn latest_with(mut seen: Vec<Sighting>, own: Sighting) -> Vec<Sighting> {
    seen.push(own);
    seen.sort_by_key(|known| known.at);
    let surplus = seen.len().saturating_sub(SEEN);
    seen.drain(..surplus);
    seen
}

/// Returns the time after which none of these accounts, oldest first, is compared any more.
pub fn compared_until(seen: &[Sighting]) -> Option<Timestamp> {
    seen.last().and_then(|last| kept_until(last.at))
}

/// Accounts of one inviter's tree that left the same hash.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sightings {
    pub inviter: UserId,
    pub rule: Signal,
    pub signal_hash: String,
    /// The latest, at most [`SEEN`], oldest first.
    pub seen: Vec<Sighting>,
}

impl Sightings {
    /// Returns the sightings of a hash without any.
    pub fn none(inviter: UserId, rule: Signal, hash: &str) -> Self {
        Self { inviter, rule, signal_hash: hash.to_owned(), seen: Vec::new() }
    }

    /// Returns another account that is near enough: the inviter, else the latest.
    pub fn near(&self, own: Sighting) -> Option<UserId> {
        let near = others_near(&self.seen, own);
        near.max_by_key(|other| (other.user == self.inviter, other.at)).map(|other| other.user)
    }

    /// Returns the sightings with one more; the earliest go.
    pub fn with(self, own: Sighting) -> Self {
        Self { seen: latest_with(self.seen, own), ..self }
    }

    /// Returns the time after which none of them is compared any more.
    pub fn until(&self) -> Option<Timestamp> {
        compared_until(&self.seen)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use ulid::Ulid;

    fn seen(number: u128, day: i64) -> Sighting {
        let at: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        Sighting { user: UserId::new(Ulid::from_parts(1, number)), at: at.checked_add((day * 24).hours()).unwrap() }
    }

    /// R10.1: accounts are compared within 90 days, in either order.
    #[test]
    fn sign_ups_are_near_within_ninety_days() {
        assert!(seen(1, 0).is_near(seen(2, 89)) && seen(2, 89).is_near(seen(1, 0)));
        assert!(!seen(1, 0).is_near(seen(2, 90)) && !seen(2, 90).is_near(seen(1, 0)));
        let known = Sightings::none(seen(9, 0).user, Signal::Network, "h").with(seen(1, 0));
        assert_eq!(known.near(seen(1, 5)), None, "an account is not compared with itself");
        assert_eq!(known.near(seen(2, 5)), Some(seen(1, 0).user));
        let both = known.clone().with(seen(9, 1)).with(seen(3, 2));
        assert_eq!(both.near(seen(2, 5)), Some(both.inviter), "the inviter goes before the latest");
        assert_eq!(known.near(seen(2, 90)), None);
    }

    /// R10.1: the list of a hash is bounded: the latest are kept.
    #[test]
    fn the_latest_sightings_are_kept() {
        let none = Sightings::none(seen(9, 0).user, Signal::EmailAlias, "h");
        let all = (0_i64..50).rev().fold(none, |all, day| all.with(seen(day.unsigned_abs().into(), day)));
        assert_eq!(all.seen.len(), SEEN);
        let all = (0_i64..50).fold(all, |all, day| all.with(seen((day + 100).unsigned_abs().into(), day + 100)));
        assert_eq!((all.seen.len(), all.seen.last().copied()), (SEEN, Some(seen(149, 149))));
        assert_eq!(all.until(), kept_until(seen(149, 149).at));
    }
}
