//! Rules of an inviter who is named after the sign-up (R3.12).

use jiff::{SignedDuration, Timestamp};
use rust_decimal::Decimal;

use crate::account::model::user::User;
use crate::payment::model::order::Order;
use crate::referral::model::referral::{Referral, RewardAmounts, RewardTerms};

/// Most inviters one above the other whom a named inviter may have, themselves included.
///
/// The transaction has a condition on each of them, and a transaction has a hundred writes.
pub const MOST_ABOVE: usize = 64;

/// Returns the time until which `user` may name an inviter; `None` with an inviter, or while `days` is 0.
pub fn late_bind_until(user: &User, days: u32) -> Option<Timestamp> {
    let hours = i64::from(days).checked_mul(24).filter(|hours| *hours > 0 && user.attribution.is_none())?;
    user.signed_up_at().checked_add(SignedDuration::from_hours(hours)).ok()
}

impl RewardTerms {
    /// Returns the terms of a referral that moves in from another system (R13.1).
    ///
    /// Its registration is over. Whether the threshold was reached there is not known, so that it is worth nothing here, unless the
    /// operator says that it was not.
    pub fn moved_in(self, may_qualify: bool) -> Self {
        let nothing = RewardAmounts { inviter: Decimal::ZERO, invitee: Decimal::ZERO };
        let qualified = if may_qualify { self.qualified } else { nothing };
        Self { qualified, ..self.after_registration() }
    }

    /// Returns the terms without rewards for a registration that is over (R3.12).
    pub fn after_registration(self) -> Self {
        Self { registration: RewardAmounts { inviter: Decimal::ZERO, invitee: Decimal::ZERO }, ..self }
    }
}

impl Referral {
    /// Tests whether an order of the invitee belongs to the referral.
    ///
    /// All orders belong to that of a sign-up. To one that was made later belong the orders that were made since, which carry an
    /// inviter (R4.1, R3.12).
    pub fn has(&self, order: &Order) -> bool {
        !self.late || order.inviter.is_some()
    }

    /// Tests whether the payments of an order count towards the threshold (R3.6); those of an agency order do not.
    pub fn counts(&self, order: &Order) -> bool {
        order.agency.is_none() && self.has(order)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::account::model::user::tests::ann;
    use kernel::money::{Currency, PayMoney};

    const DAY: i64 = 24 * 3_600;

    /// R3.12
    #[test]
    fn an_inviter_can_be_named_for_so_many_days_after_sign_up() {
        assert_eq!(late_bind_until(&ann(), 0), None);
        assert_eq!(late_bind_until(&ann(), 7), Some(Timestamp::from_second(7 * DAY).unwrap()));
        assert_eq!(late_bind_until(&ann(), 3_650), Some(Timestamp::from_second(3_650 * DAY).unwrap()));
    }

    /// R3.12
    #[test]
    fn a_registration_that_is_over_is_not_rewarded() {
        let amounts = RewardAmounts { inviter: Decimal::ONE, invitee: Decimal::TWO };
        let threshold = PayMoney::zero(Currency::CNY);
        let terms = RewardTerms { currency: Currency::USD, registration: amounts, qualified: amounts, threshold };
        let late = terms.after_registration();
        assert_eq!((late.registration.inviter, late.registration.invitee), (Decimal::ZERO, Decimal::ZERO));
        assert_eq!((late.qualified, late.threshold), (terms.qualified, terms.threshold));
    }

    /// R13.1
    #[test]
    fn a_referral_that_moves_in_is_worth_nothing_again() {
        let amounts = RewardAmounts { inviter: Decimal::ONE, invitee: Decimal::TWO };
        let threshold = PayMoney::zero(Currency::CNY);
        let terms = RewardTerms { currency: Currency::USD, registration: amounts, qualified: amounts, threshold };
        let all = |terms: RewardTerms| [terms.registration.inviter, terms.qualified.inviter, terms.qualified.invitee];
        assert_eq!(all(terms.moved_in(false)), [Decimal::ZERO; 3]);
        assert_eq!(all(terms.moved_in(true)), [Decimal::ZERO, Decimal::ONE, Decimal::TWO]);
    }
}
