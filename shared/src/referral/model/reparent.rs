//! Rules of an invitee whom an admin gives another inviter (R3.12).
//!
//! The referral goes on: its code, terms and total stay. Whatever was reached before belongs to whoever was the inviter then, also when
//! refunds take it back: the registration, and the threshold once it was reached. What is reached later belongs to the new one.

use jiff::Timestamp;
use kernel::id::UserId;
use serde::{Deserialize, Serialize};

use crate::payment::model::order::Order;
use crate::referral::model::referral::{Referral, Trigger};

/// Earlier inviters of an invitee, as far as something stays with them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reparented {
    /// Time of the latest change.
    pub at: Timestamp,
    /// The first inviter: of the registration, or the one who was named late.
    pub first: UserId,
    /// The inviter under whom the invitee reached the threshold, if that was before the latest change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub qualified: Option<UserId>,
}

impl Referral {
    /// Returns the referral with another inviter.
    pub fn reparented(&self, inviter: UserId, at: Timestamp) -> Self {
        let reparented = Reparented {
            at,
            first: self.inviter_for(Trigger::Registration),
            qualified: self.qualified_at.map(|_| self.inviter_for(Trigger::Qualified)),
        };
        Self { inviter, reparented: Some(reparented), ..self.clone() }
    }

    /// Returns the inviter to whom a trigger belongs, whether it fired or not.
    pub fn inviter_for(&self, trigger: Trigger) -> UserId {
        let earlier = self.reparented.and_then(|earlier| match trigger {
            Trigger::Registration => Some(earlier.first),
            Trigger::Qualified => earlier.qualified,
        });
        earlier.unwrap_or(self.inviter)
    }

    /// Returns the inviter of an order: the one it was made under (R4.1).
    ///
    /// An order that carries none is of the first inviter, if the referral is that of the sign-up.
    pub fn inviter_of(&self, order: &Order) -> Option<UserId> {
        order.inviter.or_else(|| (!self.late).then(|| self.inviter_for(Trigger::Registration)))
    }

    /// Returns the inviter whose reward depends on a charge that belongs to `other`, if that is somebody else.
    pub fn also_concerns(&self, other: UserId) -> Option<UserId> {
        Some(self.inviter_for(Trigger::Qualified)).filter(|inviter| *inviter != other)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::referral::model::referral::{InviteCode, RewardAmounts, RewardTerms};
    use kernel::money::{Currency, PayMoney};
    use rust_decimal::Decimal;
    use ulid::Ulid;

    fn user(number: u128) -> UserId {
        UserId::new(Ulid::from_parts(1, number))
    }

    fn bond() -> Referral {
        let amounts = RewardAmounts { inviter: Decimal::ONE, invitee: Decimal::ZERO };
        let zero = PayMoney::zero(Currency::CNY);
        Referral {
            inviter: user(1),
            code: InviteCode::parse("ABCD2345").unwrap(),
            bound_at: Timestamp::UNIX_EPOCH,
            late: false,
            imported: false,
            terms: RewardTerms { currency: Currency::USD, registration: amounts, qualified: amounts, threshold: zero },
            online_total: zero,
            given_back: None,
            reparented: None,
            qualified_at: None,
        }
    }

    /// R3.12
    #[test]
    fn what_was_reached_stays_with_its_inviter_and_what_comes_is_the_new_ones() {
        let of = |bond: &Referral| Trigger::ALL.map(|trigger| bond.inviter_for(trigger));
        assert_eq!(of(&bond()), [user(1), user(1)]);
        let early = bond().reparented(user(2), Timestamp::MAX);
        assert_eq!((early.inviter, of(&early)), (user(2), [user(1), user(2)]));
        let reached = Referral { qualified_at: Some(Timestamp::MAX), ..early };
        let again = reached.reparented(user(3), Timestamp::MAX);
        assert_eq!((again.inviter, of(&again)), (user(3), [user(1), user(2)]));
        assert_eq!(again.reparented(user(1), Timestamp::MAX).inviter_for(Trigger::Qualified), user(2));
        assert_eq!((again.also_concerns(user(3)), again.also_concerns(user(2))), (Some(user(2)), None));
    }
}
