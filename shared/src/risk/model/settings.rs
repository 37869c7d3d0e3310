//! The settings of risk.

use crate::risk::model::signal::Signal;
use kernel::settings::{List, Text};

kernel::settings! {
    /// Signals of abuse among the accounts of one inviter's tree (R10).
    pub struct RiskSettings as "risk" {
        email_alias: SignalAction = SignalAction::Flag,
            "The mailbox of a sign-up is that of the inviter or of another invitee, written in another way", from "the next sign-up";
        network: SignalAction = SignalAction::Flag,
            "Another invitee signed up from the same network (a /24 of IPv4, a /56 of IPv6), or the inviter got their first code there", from "the next sign-up";
        device: SignalAction = SignalAction::Flag,
            "The device of a sign-up had signed in to the inviter's account or another invitee's before", from "the next sign-up";
        payout_account: SignalAction = SignalAction::Flag,
            "Two accounts of a tree ask for cash on the same payout account", from "the next withdrawal";
        payment_instrument: SignalAction = SignalAction::Flag,
            "Two accounts of a tree pay with the same card or account at Stripe", from "the next payment";
        disposable_email: SignalAction = SignalAction::Flag,
            "The e-mail of a sign-up is of a provider of mailboxes to throw away", from "the next sign-up";
        disposable_domains: Vec<String> = Vec::new(), in List::of(0..=500, Text::Label(253)).unique(), unit "domains",
            "Domains of such providers, beside those of the built-in list; domains below them are meant, too", from "the next sign-up";
        lasting_domains: Vec<String> = Vec::new(), in List::of(0..=500, Text::Label(253)).unique(), unit "domains",
            "Domains that are none of them, whatever the lists say", from "the next sign-up";
        auto_release_days: u32 = 0, in 0..=365, unit "days",
            "What is held for a signal is released so long after it was found; 0 is never", from "at once";
    }
}

kernel::text_enum! {
    /// Effect of a signal (R10.3).
    pub enum SignalAction {
        /// It is neither kept nor compared.
        Off = "off",
        /// It is shown to admins, and delays nothing.
        Flag = "flag",
        /// It is shown to admins, and holds what rests on it until one of them decides.
        Hold = "hold",
    }
}

kernel::word_setting!(SignalAction);

impl RiskSettings {
    /// Tests whether any signal of a sign-up may hold something.
    pub fn may_hold(&self) -> bool {
        Signal::ALL.into_iter().any(|signal| signal.is_of_sign_up() && signal.action(self) == SignalAction::Hold)
    }
}
