//! Replay of a user's new-user promotion under another ladder (R12.5).

use jiff::Timestamp;

use crate::payment::model::bonus::combined;
use crate::payment::model::order::Order;
use crate::payment::model::promotion::{Moments, OrderTier, Promotion};
use kernel::money::{LedgerMoney, MoneyError};

impl Promotion {
    /// The bonus that a user's orders would have had under this promotion; `own` is theirs, if they have one.
    ///
    /// The first captured order that earns a tier uses it, as it would have then. An order that got no tier of their own, unused
    /// promotion for another reason, such as a coupon, gets none here; and one that was completed by hand has a bonus only if it had one.
    ///
    /// # Rejects
    /// Overflow.
    pub fn replay(&self, own: Option<&Self>, mut orders: Vec<Order>) -> Result<Option<LedgerMoney>, MoneyError> {
        orders.retain(|order| order.status.is_captured() && order.agency.is_none());
        orders.sort_by_key(|order| (order.paid_at.unwrap_or(Timestamp::MAX), order.id));
        let unused = Self { used: None, ..self.clone() };
        for order in &orders {
            let Some(paid_at) = order.paid_at else { continue };
            if order.completed.is_some() && order.bonus.is_none() {
                continue;
            }
            let on_order = if order.was_barred(own) { None } else { unused.tier_for(order.amount, order.created_at) };
            let moments = Moments {
                created_at: order.created_at,
                expires_at: order.expires_at,
                took_at: Some(paid_at),
                received_at: paid_at,
            };
            let tier: Option<OrderTier> = unused.tier_paid(order.amount, on_order, moments);
            let Some(bonus) = tier.map(|tier| tier.bonus(order.credit)).transpose()? else { continue };
            let (bonus, _) = combined(bonus, order.offered_bonus)?;
            if bonus.is_positive() {
                return Ok(Some(bonus));
            }
        }
        Ok(None)
    }
}

impl Order {
    /// Tests whether it was made without a tier, though its user's promotion was open and unused.
    fn was_barred(&self, own: Option<&Promotion>) -> bool {
        let Some(own) = own.filter(|own| own.used.is_none_or(|used| self.created_at < used.at)) else { return false };
        let unused = Promotion { used: None, ..own.clone() };
        self.promotion.is_none() && unused.tier_for(self.amount, self.created_at).is_some()
    }
}
