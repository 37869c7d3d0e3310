//! The settings of the referral programme.

use jiff::Timestamp;
use kernel::settings::{ProgrammeSettings, Text};
use rust_decimal::Decimal;

kernel::settings! {
    /// The referral programme (R3).
    pub struct ReferralSettings as "referral", check with ReferralSettings::check_window {
        enabled: bool = false,
            "Rewards accrue. While it is off, referrals promise nothing and nobody qualifies; with affiliates on, codes still apply",
            from "the next sign-up; for qualifying, the next payment";
        starts_at: Option<Timestamp> = None,
            "The programme is off before; `null` is no start", from "at once";
        ends_at: Option<Timestamp> = None, note "after `starts_at`",
            "The programme is off from then on; `null` is no end", from "at once";
        budget: Decimal = Decimal::ZERO, unit "ledger currency",
            "Rewards of a calendar month (UTC) above it are held; 0 is no limit", from "the next of them";
        link_base_url: Option<String> = None, in Text::LinkBase, unit "URL",
            "Invite links start with it; `null` is the deployment's `/register`", from "at once";
        max_invitees_per_user: u64 = 0, unit "users",
            "A user's codes stop applying there; 0 is no limit", from "the next sign-up";
        late_bind_days: u32 = 0, in 0..=3_650, unit "days",
            "An account without an inviter can name one so long after its sign-up; 0 is never", from "at once";
        registration: RegistrationRewards = RegistrationRewards::default(), "Rewards for signing up";
        qualified: QualifiedRewards = QualifiedRewards::default(), "Rewards for paying enough";
    }
}

kernel::programme!(ReferralSettings);

kernel::settings! {
    /// Rewards for signing up.
    pub struct RegistrationRewards {
        inviter_reward: Decimal = Decimal::ZERO, unit "ledger currency",
            "Reward for the inviter of a sign-up; 0 makes none", from "the next sign-up";
        invitee_reward: Decimal = Decimal::ZERO, unit "ledger currency",
            "Reward for an invited user's own sign-up; 0 makes none", from "the next sign-up";
    }
}

kernel::settings! {
    /// Rewards for an invitee's charges reaching a threshold.
    pub struct QualifiedRewards {
        threshold: Decimal = Decimal::new(2000, 2), unit "pay currency",
            "Sum of online charges at which an invitee qualifies", from "the next sign-up";
        inviter_reward: Decimal = Decimal::ZERO, unit "ledger currency",
            "Reward for the inviter of one who qualifies; 0 makes none", from "the next sign-up";
        invitee_reward: Decimal = Decimal::ZERO, unit "ledger currency",
            "Reward for the invitee who qualifies; 0 makes none", from "the next sign-up";
    }
}
