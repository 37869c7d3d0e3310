//! Kinds of notices.

use kernel::text_enum;

use crate::notices::model::settings::MailSettings;

text_enum! {
    /// Kind of a mail that tells a user of their money.
    pub enum Notice {
        /// A payment was credited.
        PaymentCredited = "payment_credited",
        /// A reward was granted.
        RewardGranted = "reward_granted",
        /// A cash withdrawal was paid out or rejected.
        WithdrawalSettled = "withdrawal_settled",
        /// The new-user promotion is about to end, unused.
        PromotionEnding = "promotion_ending",
    }
}

impl Notice {
    /// Tests whether the operator sends notices of this kind.
    pub fn is_sent(self, settings: &MailSettings) -> bool {
        match self {
            Self::PaymentCredited => settings.payment_credited,
            Self::RewardGranted => settings.reward_granted,
            Self::WithdrawalSettled => settings.withdrawal_settled,
            Self::PromotionEnding => settings.promotion_ending,
        }
    }
}
