//! A purchase: what a user bought of the operator elsewhere, as the operator's backend reports it (R2.6).
//!
//! It earns like an online payment — it counts to the invitee's charge total, and its base is what an affiliate's commission is
//! a part of — and credits nothing: no journal is its own. Like a payment it is a set of facts that only grows, the report and
//! the refunds by id, so that they may come in any order and twice (R4.11). Its id follows from the key that reported it and the
//! backend's own id of it, which makes it unique per key. Stored as one item.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use ulid::Ulid;

use crate::account::model::external::ExternalId;
use crate::payment::model::order::AffiliateTerms;
use kernel::id::{OrderId, ServiceKeyId, UserId};
use kernel::money::{LedgerMoney, MoneyError, PayMoney};

/// A purchase; see the module.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Purchase {
    /// Its id: that of an order which was placed elsewhere.
    pub id: OrderId,
    /// The key that reports it.
    pub key: ServiceKeyId,
    /// The backend's id of it.
    pub external_order_id: ExternalId,
    /// What was bought; none while only refunds are known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bought: Option<Bought>,
    /// What went back, by the backend's id of the refund.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub refunds: BTreeMap<ExternalId, PayMoney>,
    /// When it was first told of.
    pub created_at: Timestamp,
}

/// What was bought, with everything that it earns by, as it was when it was reported.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Bought {
    /// By whom.
    pub user: UserId,
    /// What was paid.
    pub amount: PayMoney,
    /// What that would have bought here: round-down(amount ÷ exchange rate, 8).
    pub base: LedgerMoney,
    /// Units of pay currency for one of ledger currency.
    #[serde(with = "kernel::decimal")]
    pub exchange_rate: Decimal,
    /// Who invited the user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inviter: Option<UserId>,
    /// The inviter's terms; none earns no commission (R6.3).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub affiliate: Option<AffiliateTerms>,
    /// When it was paid, by the backend's clock.
    pub paid_at: Timestamp,
    /// When it was reported.
    pub reported_at: Timestamp,
}

impl Purchase {
    /// The id of what a key reports, from a secret hash of key and external id: the time is the key's.
    pub fn id_of(key: ServiceKeyId, hash: &[u8; 32]) -> OrderId {
        let random = hash.iter().take(10).fold(0_u128, |sum, byte| (sum << 8) | u128::from(*byte));
        OrderId::new(Ulid::from_parts(key.ulid().timestamp_ms(), random))
    }

    /// A purchase of which nothing is known yet.
    pub fn new(id: OrderId, key: ServiceKeyId, external_order_id: ExternalId, now: Timestamp) -> Self {
        Self { id, key, external_order_id, bought: None, refunds: BTreeMap::new(), created_at: now }
    }

    /// Something went back. Told twice, the larger amount counts (R4.11).
    ///
    /// # Refuses
    /// Another currency than before.
    pub fn record_refund(&mut self, id: &ExternalId, amount: PayMoney) -> Result<(), MoneyError> {
        let known = self.refunds.get(id).copied();
        let amount = known.map_or(Ok(amount), |known| known.most(amount))?;
        self.refunds.insert(id.clone(), amount);
        Ok(())
    }

    /// What is left of a purchase of `amount`: never less than nothing, whatever is said to have gone back.
    ///
    /// # Refuses
    /// Overflow; refunds in another currency.
    pub fn net_of(&self, amount: PayMoney) -> Result<PayMoney, MoneyError> {
        let left = self.refunds.values().try_fold(amount, |left, refund| left.minus(*refund))?;
        left.most(PayMoney::zero(amount.currency()))
    }

    /// What was bought and what is left of it; none while only refunds are known.
    ///
    /// # Refuses
    /// As [`Purchase::net_of`].
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

    /// R4.11: refunds count once by id, in any order, and never take more than was paid.
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
