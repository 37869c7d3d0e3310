//! Terms of commission: the inviter's policy under the settings of the programme (R6.3).

use jiff::{SignedDuration, Timestamp};
use rust_decimal::Decimal;

use crate::account::model::identity::Status;
use crate::account::model::user::User;
use crate::affiliate::model::settings::{AffiliateSettings, CommissionBase};
use crate::payment::model::order::{AffiliateTerms, SecondTerms};
use kernel::money::{Currency, LedgerMoney, MoneyError, PayMoney};

/// Payment that commission is earned on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CommissionedPayment {
    pub charge: PayMoney,
    /// Units of pay currency per unit of ledger currency.
    pub exchange_rate: Decimal,
    pub ledger: Currency,
}

impl AffiliateSettings {
    /// Amount that rates apply to; `None` is the credit (R6.10).
    ///
    /// # Rejects
    /// Overflow.
    pub fn base_of(&self, paid: CommissionedPayment) -> Result<Option<LedgerMoney>, MoneyError> {
        let CommissionedPayment { charge, exchange_rate, ledger } = paid;
        let left = match self.base {
            CommissionBase::Credited => return Ok(None),
            CommissionBase::Paid => charge,
            CommissionBase::PaidNetOfFee => charge.minus(self.provider_fee.on(charge)?.least(charge)?)?,
        };
        left.bought_at(exchange_rate, ledger).map(Some)
    }
}

/// Computes the terms of an inviter for what an invitee who was bound at `bound_at` pays at `now`.
///
/// `None` while the programme is off, after the terms' validity, and for an erased inviter.
///
/// # Rejects
/// A cap with more digits than the ledger has.
pub fn terms_under(
    settings: &AffiliateSettings,
    inviter: &User,
    bound_at: Timestamp,
    paid: CommissionedPayment,
    now: Timestamp,
) -> Result<Option<AffiliateTerms>, MoneyError> {
    if !settings.enabled || inviter.status == Status::Erased {
        return Ok(None);
    }
    let days = i64::from(settings.valid_days);
    let valid_until = bound_at.checked_add(SignedDuration::from_hours(days.saturating_mul(24))).ok();
    if days > 0 && valid_until.is_some_and(|until| until < now) {
        return Ok(None);
    }
    let above = inviter.attribution.as_ref().map(|attribution| attribution.inviter);
    let rate = settings.second_level_rate.min(Decimal::ONE.saturating_sub(inviter.affiliate.rate));
    let second = above.filter(|_| rate > Decimal::ZERO).map(|inviter| SecondTerms { inviter, rate });
    let cap = LedgerMoney::exact(settings.cap_per_invitee, paid.ledger)?;
    Ok(Some(AffiliateTerms {
        rate: inviter.affiliate.rate,
        base: settings.base_of(paid)?,
        trigger_limit: inviter.affiliate.trigger_limit,
        hold_hours: settings.hold_hours,
        cap: cap.is_positive().then_some(cap),
        valid_until: valid_until.filter(|_| days > 0),
        second,
    }))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::payment::model::bonus::AmountOrPercent;

    /// R6.10: rates apply to what was credited, what was paid, or what the provider's fee leaves of it.
    #[test]
    fn the_base_is_the_credit_the_payment_or_what_a_fee_leaves_of_it() {
        let charge = PayMoney::exact("80".parse().unwrap(), Currency::CNY).unwrap();
        let paid = CommissionedPayment { charge, exchange_rate: "7.2".parse().unwrap(), ledger: Currency::USD };
        let of = |base, provider_fee| {
            let settings = AffiliateSettings { base, provider_fee, ..AffiliateSettings::default() };
            settings.base_of(paid).unwrap().map(|base| base.amount().to_string())
        };
        let percent = AmountOrPercent::Percent("2.9".parse().unwrap());
        assert_eq!(of(CommissionBase::Credited, percent), None);
        assert_eq!(of(CommissionBase::Paid, percent).as_deref(), Some("11.11111111"));
        assert_eq!(of(CommissionBase::PaidNetOfFee, percent).as_deref(), Some("10.78888888"), "of 77.68");
        assert_eq!(of(CommissionBase::PaidNetOfFee, AmountOrPercent::None).as_deref(), Some("11.11111111"));
        let more = AmountOrPercent::Amount("90".parse().unwrap());
        assert_eq!(of(CommissionBase::PaidNetOfFee, more).as_deref(), Some("0"), "never below nothing");
    }
}
