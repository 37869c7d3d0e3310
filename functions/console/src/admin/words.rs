//! Texts of the values that the pages of staff show: a `match` without a wildcard over each (C7.4).

use fluent_static::Message;
use shared::kernel::provider::Provider;
use shared::operations::liabilities::LiabilityKind;
use shared::payment::model::reconciliation::DifferenceKind;
use shared::payment::model::review::{ReviewReason, ReviewState};

use crate::text::Texts;

impl Texts {
    /// A payment provider.
    pub fn provider_of(&self, provider: Provider) -> Message {
        match provider {
            Provider::Stripe => self.provider_stripe(),
            Provider::Zpay => self.provider_zpay(),
        }
    }

    /// State of a review item, with its tone.
    pub fn review_state(&self, state: ReviewState) -> (&'static str, Message) {
        match state {
            ReviewState::Open => ("wait", self.review_open()),
            ReviewState::Credited => ("ok", self.review_credited()),
            ReviewState::RefundDue => ("odd", self.review_is_due()),
            ReviewState::Refunded => ("info", self.review_refunded()),
            ReviewState::Ignored => ("", self.review_ignored()),
        }
    }

    /// Reason why a payment needs a person.
    pub fn review_reason(&self, reason: ReviewReason) -> Message {
        match reason {
            ReviewReason::UnknownOrder => self.review_unknown_order(),
            ReviewReason::AmountMismatch => self.review_amount_mismatch(),
            ReviewReason::CurrencyMismatch => self.review_currency_mismatch(),
            ReviewReason::Surplus => self.review_surplus(),
            ReviewReason::OtherProvider => self.review_other_provider(),
            ReviewReason::OtherOrder => self.review_other_order(),
            ReviewReason::PaymentDiffers => self.review_payment_differs(),
            ReviewReason::Unreadable => self.review_unreadable(),
            ReviewReason::Difference => self.review_difference(),
        }
    }

    /// Kind of a liability.
    pub fn liability(&self, kind: LiabilityKind) -> Message {
        match kind {
            LiabilityKind::Balance => self.owed_balances(),
            LiabilityKind::Bonus => self.kind_promotion(),
            LiabilityKind::Reward => self.kind_referral(),
            LiabilityKind::Code => self.kind_redeem(),
            LiabilityKind::OutstandingCodes => self.owed_codes(),
            LiabilityKind::CommissionPending => self.owed_pending(),
            LiabilityKind::CommissionAvailable => self.owed_available(),
            LiabilityKind::CommissionHeld => self.owed_held(),
            LiabilityKind::ShopMain => self.owed_shop_main(),
            LiabilityKind::ShopCommission => self.owed_shop_commission(),
            LiabilityKind::ShopHeld => self.owed_shop_held(),
            LiabilityKind::ShopAssets => self.owed_shop_assets(),
        }
    }

    /// Kind of a payment's difference.
    pub fn difference(&self, kind: DifferenceKind) -> Message {
        match kind {
            DifferenceKind::MissingHere => self.differs_missing_here(),
            DifferenceKind::MissingThere => self.differs_missing_there(),
            DifferenceKind::AmountDiffers => self.differs_amount(),
            DifferenceKind::Unconfirmed => self.differs_unconfirmed(),
            DifferenceKind::Unreadable => self.differs_unreadable(),
        }
    }
}
