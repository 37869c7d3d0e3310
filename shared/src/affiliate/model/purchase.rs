//! Purchases: sales to a user outside this system, as the operator's backend reports them (R2.6).
//!
//! A purchase earns like an online payment: it counts to the invitee's charge total, and its base is what the commission rate
//! applies to. It credits nothing and has no journal of its own. Like a payment it is a set of facts that only grows: the
//! report, and the refunds by id. So they may come in any order and repeat (R4.11). A person's correction of a refund replaces
//! the amount that was reported, for good. Its id follows from the reporting key and
//! the backend's own id, which makes it unique per key. Each purchase is one item.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use ulid::Ulid;

use crate::account::model::external::ExternalId;
use crate::payment::model::order::AffiliateTerms;
use kernel::id::{OrderId, ServiceKeyId, UserId};
use kernel::money::{LedgerMoney, MoneyError, PayMoney};

/// Purchase reported by the operator's backend.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Purchase {
    /// Unique among orders and purchases; see [`Purchase::id_of`].
    pub id: OrderId,
    /// Service key that reports it.
    pub key: ServiceKeyId,
    /// Id in the operator's backend.
    pub external_order_id: ExternalId,
    /// Report of the sale; `None` while only refunds are known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bought: Option<Bought>,
    /// Refunds by the backend's refund id.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub refunds: BTreeMap<ExternalId, PayMoney>,
    /// Corrections of refunds by the backend's refund id.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub corrections: BTreeMap<ExternalId, RefundCorrection>,
    /// Time of the first report or refund.
    pub created_at: Timestamp,
}

/// Correction of a refund's amount; it holds whatever else is reported of that refund.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RefundCorrection {
    /// Amount really refunded; 0 for a refund that did not happen.
    pub amount: PayMoney,
    pub reason: String,
    pub at: Timestamp,
}

/// Sale with all that its rewards and commission depend on, fixed at the time of the report.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Bought {
    /// Buyer.
    pub user: UserId,
    /// Price paid.
    pub amount: PayMoney,
    /// Credit that the amount would have bought here: round-down(amount ÷ exchange rate, 8).
    pub base: LedgerMoney,
    /// Units of pay currency per unit of ledger currency.
    #[serde(with = "kernel::decimal")]
    pub exchange_rate: Decimal,
    /// Inviter of the user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inviter: Option<UserId>,
    /// Inviter's terms; `None` accrues no commission (R6.3).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub affiliate: Option<AffiliateTerms>,
    /// Time of the payment, by the backend's clock.
    pub paid_at: Timestamp,
    /// Time of the report.
    pub reported_at: Timestamp,
}

impl Purchase {
    /// Derives the id from a secret hash of key and external id; its time part is the key's.
    pub fn id_of(key: ServiceKeyId, hash: &[u8; 32]) -> OrderId {
        let random = hash.iter().take(10).fold(0_u128, |sum, byte| (sum << 8) | u128::from(*byte));
        OrderId::new(Ulid::from_parts(key.ulid().timestamp_ms(), random))
    }

    /// Builds a purchase without report and refunds.
    pub fn new(id: OrderId, key: ServiceKeyId, external_order_id: ExternalId, now: Timestamp) -> Self {
        let (refunds, corrections) = (BTreeMap::new(), BTreeMap::new());
        Self { id, key, external_order_id, bought: None, refunds, corrections, created_at: now }
    }

    /// Records a refund; of two with the same id the larger amount counts (R4.11).
    ///
    /// # Rejects
    /// Another currency than before.
    pub fn record_refund(&mut self, id: &ExternalId, amount: PayMoney) -> Result<(), MoneyError> {
        let known = self.refunds.get(id).copied();
        let amount = known.map_or(Ok(amount), |known| known.most(amount))?;
        self.refunds.insert(id.clone(), amount);
        Ok(())
    }

    /// Returns the refunds by id, as corrected.
    pub fn refunded(&self) -> impl Iterator<Item = (&ExternalId, PayMoney)> {
        let corrected = |id| self.corrections.get(id).map(|correction| correction.amount);
        self.refunds.iter().map(move |(id, amount)| (id, corrected(id).unwrap_or(*amount)))
    }

    /// Returns what is left to refund besides the refund `id`; `None` before the purchase is reported.
    ///
    /// # Rejects
    /// Overflow; refunds in another currency.
    pub fn refundable(&self, id: &ExternalId) -> Result<Option<PayMoney>, MoneyError> {
        let Some(bought) = &self.bought else { return Ok(None) };
        let others = self.refunded().filter(|(other, _)| *other != id);
        let left = others.map(|(_, amount)| amount).try_fold(bought.amount, PayMoney::minus)?;
        left.most(PayMoney::zero(bought.amount.currency())).map(Some)
    }

    /// Returns the net of a purchase of `amount`; never negative, whatever the refunds.
    ///
    /// # Rejects
    /// Overflow; refunds in another currency.
    pub fn net_of(&self, amount: PayMoney) -> Result<PayMoney, MoneyError> {
        let left = self.refunded().map(|(_, refund)| refund).try_fold(amount, PayMoney::minus)?;
        left.most(PayMoney::zero(amount.currency()))
    }

    /// Returns the net; `None` while only refunds are known.
    ///
    /// # Rejects
    /// The errors of [`Purchase::net_of`].
    pub fn net(&self) -> Result<Option<PayMoney>, MoneyError> {
        self.bought.as_ref().map(|bought| self.net_of(bought.amount)).transpose()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use kernel::money::Currency;

    fn yuan(amount: i64) -> PayMoney {
        PayMoney::exact(Decimal::from(amount), Currency::CNY).unwrap()
    }

    fn external(text: &str) -> ExternalId {
        ExternalId::parse(text).unwrap()
    }

    /// R4.11: refunds count once per id, in any order, and never exceed the price.
    #[test]
    fn refunds_of_a_purchase_count_once_in_any_order() {
        let key = ServiceKeyId::new(Ulid::from_parts(5, 1));
        let refunds = [("r1", 30), ("r2", 20), ("r1", 30), ("r1", 25)];
        let mut forth = Purchase::new(Purchase::id_of(key, &[7; 32]), key, external("o"), Timestamp::UNIX_EPOCH);
        let mut back = forth.clone();
        for (id, amount) in refunds {
            forth.record_refund(&external(id), yuan(amount)).unwrap();
        }
        for (id, amount) in refunds.into_iter().rev() {
            back.record_refund(&external(id), yuan(amount)).unwrap();
        }
        assert_eq!(forth, back);
        assert_eq!((forth.net_of(yuan(100)), forth.net_of(yuan(40))), (Ok(yuan(50)), Ok(yuan(0))));
        assert_eq!(forth.net(), Ok(None));
    }

    /// R2.6: another key or another id is another purchase.
    #[test]
    fn the_id_follows_from_key_and_external_id() {
        let key = |low| ServiceKeyId::new(Ulid::from_parts(5, low));
        assert_eq!(Purchase::id_of(key(1), &[7; 32]), Purchase::id_of(key(1), &[7; 32]));
        assert_ne!(Purchase::id_of(key(1), &[7; 32]), Purchase::id_of(key(1), &[8; 32]));
    }
}
