//! Payments: the provider's side of an order, one item per provider payment from its first event on (R4.5, R4.11).
//!
//! A payment holds facts, never steps: what was captured, each refund by its id, the largest cumulative amount refunded, each
//! dispute by its id. Its net is a pure function of them, so events may come in any order and any number of times.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::id::{OrderId, ReviewId};
use super::money::{LedgerMoney, MoneyError, PayMoney};
use super::order::{Order, OrderStatus, Provider};
use super::review::ReviewReason;

/// What is known of one provider payment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Payment {
    /// Who took it.
    pub provider: Provider,
    /// The provider's id of it.
    pub id: String,
    /// The order that it paid, once it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<OrderId>,
    /// The open review item that stands for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub review: Option<ReviewId>,
    /// What was taken and when, by the provider's clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub captured: Option<Capture>,
    /// Refunds by their id.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub refunds: BTreeMap<String, Refund>,
    /// The largest cumulative amount refunded that the provider told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cumulative: Option<PayMoney>,
    /// Disputes by their id.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub disputes: BTreeMap<String, Dispute>,
}

/// Money that the provider took.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Capture {
    /// How much.
    pub amount: PayMoney,
    /// When, by the provider's clock.
    pub at: Timestamp,
}

/// One refund of a payment.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Refund {
    /// How much.
    pub amount: PayMoney,
    /// Whether it failed, which is for good: it counts nothing then.
    pub failed: bool,
    /// When it was made.
    pub at: Timestamp,
}

/// How a dispute stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DisputeState {
    /// A question to the merchant: takes nothing.
    Inquiry,
    /// The money is gone for now.
    Open,
    /// The money is back.
    Won,
    /// The money is gone.
    Lost,
}

/// One dispute of a payment.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Dispute {
    /// How much is in dispute.
    pub amount: PayMoney,
    /// How it stands.
    pub state: DisputeState,
    /// When the provider said so: later wins, and on a tie a closed state does.
    pub at: Timestamp,
}

impl Payment {
    /// A payment of which nothing is known yet.
    pub fn new(provider: Provider, id: impl Into<String>) -> Self {
        Self {
            provider,
            id: id.into(),
            order: None,
            review: None,
            captured: None,
            refunds: BTreeMap::new(),
            cumulative: None,
            disputes: BTreeMap::new(),
        }
    }

    /// Notes that money was taken; the earliest word stands.
    pub fn record_capture(&mut self, amount: PayMoney, at: Timestamp) {
        let first = self.captured.is_none_or(|known| at < known.at);
        if first {
            self.captured = Some(Capture { amount, at });
        }
    }

    /// Notes a refund. One that failed once stays failed.
    pub fn record_refund(&mut self, id: &str, amount: PayMoney, failed: bool, at: Timestamp) {
        let known = self.refunds.entry(id.to_owned()).or_insert(Refund { amount, failed, at });
        known.failed |= failed;
    }

    /// Notes a cumulative amount refunded; the largest stands.
    ///
    /// # Refuses
    /// Another currency.
    pub fn record_cumulative(&mut self, amount: PayMoney) -> Result<(), MoneyError> {
        self.cumulative = Some(match self.cumulative {
            Some(known) => known.most(amount)?,
            None => amount,
        });
        Ok(())
    }

    /// Notes how a dispute stands.
    pub fn record_dispute(&mut self, id: &str, amount: PayMoney, state: DisputeState, at: Timestamp) {
        let new = Dispute { amount, state, at };
        let known = self.disputes.entry(id.to_owned()).or_insert(new);
        if (at, state) > (known.at, known.state) {
            *known = new;
        }
    }

    /// What was given back: the larger of the refunds known by id and the cumulative amount less the failed ones.
    ///
    /// # Refuses
    /// Mixed currencies; overflow.
    pub fn refunded(&self, zero: PayMoney) -> Result<PayMoney, MoneyError> {
        let mut known = zero;
        let mut failed = zero;
        for refund in self.refunds.values() {
            let sum = if refund.failed { &mut failed } else { &mut known };
            *sum = sum.plus(refund.amount)?;
        }
        match self.cumulative {
            Some(cumulative) => known.most(cumulative.minus(failed)?),
            None => Ok(known),
        }
    }

    /// What is in dispute or lost to one.
    ///
    /// # Refuses
    /// Mixed currencies; overflow.
    pub fn disputed(&self, zero: PayMoney) -> Result<PayMoney, MoneyError> {
        let takes = |dispute: &&Dispute| matches!(dispute.state, DisputeState::Open | DisputeState::Lost);
        self.disputes.values().filter(takes).try_fold(zero, |sum, dispute| sum.plus(dispute.amount))
    }

    /// What is left of the capture (R4.11); zero before it.
    ///
    /// # Refuses
    /// Mixed currencies; overflow.
    pub fn net(&self, zero: PayMoney) -> Result<PayMoney, MoneyError> {
        let Some(captured) = self.captured else { return Ok(zero) };
        let left = captured.amount.minus(self.refunded(zero)?)?.minus(self.disputed(zero)?)?;
        left.most(zero)
    }

    /// Whether a dispute is open.
    pub fn has_open_dispute(&self) -> bool {
        self.disputes.values().any(|dispute| dispute.state == DisputeState::Open)
    }

    /// The state that an order is in when this payment paid it (R4.4).
    ///
    /// # Refuses
    /// Mixed currencies; overflow.
    pub fn order_status(&self, charge: PayMoney) -> Result<OrderStatus, MoneyError> {
        let net = self.net(PayMoney::zero(charge.currency()))?;
        Ok(if self.has_open_dispute() {
            OrderStatus::Disputed
        } else if net.is_zero() {
            OrderStatus::Refunded
        } else if net.compare(charge)?.is_lt() {
            OrderStatus::PartiallyRefunded
        } else {
            OrderStatus::Paid
        })
    }
}

/// What is left of a credit or a bonus when `net` of `charge` stands, rounded down (R4.11).
///
/// # Refuses
/// Overflow; a charge of zero.
pub fn target(original: LedgerMoney, net: PayMoney, charge: PayMoney) -> Result<LedgerMoney, MoneyError> {
    if net.compare(charge)?.is_ge() {
        return Ok(original);
    }
    original.share(net.amount(), charge.amount())
}

/// What a captured payment means for the order it names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settlement {
    /// It pays the order.
    Pays,
    /// It paid this order before.
    AlreadyPaid,
    /// The order was completed by hand: this is its payment, told at last (R4.12).
    Confirms,
    /// It is money that needs a person (R4.5).
    Review(ReviewReason),
}

/// Decides what a capture of `amount` means for the order it names, if that exists (R4.5).
pub fn decide(payment: &Payment, order: Option<&Order>, amount: PayMoney) -> Settlement {
    let Some(order) = order else { return Settlement::Review(ReviewReason::UnknownOrder) };
    if let Some(owner) = payment.order {
        return if owner == order.id { Settlement::AlreadyPaid } else { Settlement::Review(ReviewReason::OtherOrder) };
    }
    if order.provider != payment.provider {
        return Settlement::Review(ReviewReason::OtherProvider);
    }
    if order.charge.currency() != amount.currency() {
        return Settlement::Review(ReviewReason::CurrencyMismatch);
    }
    if order.charge != amount {
        return Settlement::Review(ReviewReason::AmountMismatch);
    }
    match (&order.payment_id, order.status.is_captured()) {
        (Some(paid_by), true) if *paid_by != payment.id => Settlement::Review(ReviewReason::Surplus),
        (Some(_), true) => Settlement::AlreadyPaid,
        (None, true) => Settlement::Confirms,
        (_, false) => Settlement::Pays,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;
    use crate::domain::money::Currency;
    use proptest::prelude::*;
    use rust_decimal::Decimal;

    fn cny(cents: i64) -> PayMoney {
        PayMoney::from_minor_units(cents, Currency::parse("CNY").unwrap()).unwrap()
    }
    fn usd(text: &str) -> LedgerMoney {
        LedgerMoney::exact(Decimal::from_str_exact(text).unwrap(), Currency::parse("USD").unwrap()).unwrap()
    }
    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }
    fn net(payment: &Payment) -> PayMoney {
        payment.net(cny(0)).unwrap()
    }
    fn hundred() -> Payment {
        let mut payment = Payment::new(Provider::Stripe, "pi_1");
        payment.record_capture(cny(10_000), at(1));
        payment
    }

    /// R4.11: ¥100 with a bonus of 30 %, ¥30 refunded: credit 9.72222221, bonus 2.91666666.
    #[test]
    fn thirty_of_a_hundred_refunded_leaves_seventy_percent_rounded_down() {
        let mut payment = hundred();
        payment.record_refund("re_1", cny(3_000), false, at(2));
        assert_eq!(net(&payment), cny(7_000));
        assert_eq!(target(usd("13.88888888"), net(&payment), cny(10_000)).unwrap(), usd("9.72222221"));
        assert_eq!(target(usd("4.16666666"), net(&payment), cny(10_000)).unwrap(), usd("2.91666666"));
        assert_eq!(payment.order_status(cny(10_000)).unwrap(), OrderStatus::PartiallyRefunded);
    }

    /// R4.11: the cumulative amount and the refunds by id are two words for the same money.
    #[test]
    fn a_refund_told_twice_in_two_ways_is_one_refund() {
        let mut payment = hundred();
        payment.record_cumulative(cny(3_000)).unwrap();
        payment.record_refund("re_1", cny(3_000), false, at(2));
        payment.record_refund("re_1", cny(3_000), false, at(2));
        assert_eq!(net(&payment), cny(7_000));
    }

    /// R4.11: a failed refund counts nothing, for good.
    #[test]
    fn a_failed_refund_counts_nothing_even_when_an_older_word_of_it_comes_later() {
        let mut payment = hundred();
        payment.record_cumulative(cny(3_000)).unwrap();
        payment.record_refund("re_1", cny(3_000), true, at(3));
        payment.record_refund("re_1", cny(3_000), false, at(2));
        assert_eq!(net(&payment), cny(10_000));
    }

    /// R4.4, R4.11: an open dispute takes all, a won one gives it back, a lost one keeps it, an inquiry takes nothing.
    #[test]
    fn a_dispute_takes_while_open_or_lost() {
        use DisputeState::{Inquiry, Lost, Open, Won};
        for (state, left, status) in [
            (Inquiry, 10_000, OrderStatus::Paid),
            (Open, 0, OrderStatus::Disputed),
            (Won, 10_000, OrderStatus::Paid),
            (Lost, 0, OrderStatus::Refunded),
        ] {
            let mut payment = hundred();
            payment.record_dispute("du_1", cny(10_000), state, at(5));
            assert_eq!(net(&payment), cny(left), "{state:?}");
            assert_eq!(payment.order_status(cny(10_000)).unwrap(), status);
        }
    }

    /// R4.11: a refund above the payment leaves nothing, never less.
    #[test]
    fn more_refunded_than_paid_leaves_nothing() {
        let mut payment = hundred();
        payment.record_refund("re_1", cny(20_000), false, at(2));
        assert_eq!(net(&payment), cny(0));
    }

    #[derive(Debug, Clone)]
    enum Fact {
        Capture,
        Refund(u8, bool, i64),
        Cumulative(i64),
        Dispute(u8, DisputeState, i64),
    }

    fn fact() -> impl Strategy<Value = Fact> {
        let state = prop::sample::select(vec![
            DisputeState::Inquiry,
            DisputeState::Open,
            DisputeState::Won,
            DisputeState::Lost,
        ]);
        prop_oneof![
            Just(Fact::Capture),
            (0_u8..3, any::<bool>(), 1_i64..9).prop_map(|(id, failed, at)| Fact::Refund(id, failed, at)),
            (0_i64..10_000).prop_map(Fact::Cumulative),
            (0_u8..2, state, 1_i64..9).prop_map(|(id, state, at)| Fact::Dispute(id, state, at)),
        ]
    }

    fn state_after(facts: &[Fact]) -> (PayMoney, OrderStatus) {
        let mut payment = Payment::new(Provider::Stripe, "pi_1");
        for fact in facts {
            match fact {
                Fact::Capture => payment.record_capture(cny(10_000), at(1)),
                // The amount of a refund or dispute is a property of its id.
                Fact::Refund(id, failed, when) => {
                    payment.record_refund(&format!("re_{id}"), cny(1_000 * i64::from(*id + 1)), *failed, at(*when));
                }
                Fact::Cumulative(cents) => payment.record_cumulative(cny(*cents)).unwrap(),
                Fact::Dispute(id, state, when) => {
                    payment.record_dispute(&format!("du_{id}"), cny(2_500), *state, at(*when));
                }
            }
        }
        (net(&payment), payment.order_status(cny(10_000)).unwrap())
    }

    proptest! {
        /// R4.11: every order of delivery, with duplicates, ends in the same net and state.
        #[test]
        fn every_order_of_delivery_ends_in_the_same_state(
            facts in prop::collection::vec(fact(), 1..10),
            order in prop::collection::vec(any::<prop::sample::Index>(), 0..30),
        ) {
            let mut shuffled: Vec<Fact> = order.iter().map(|index| facts[index.index(facts.len())].clone()).collect();
            let mut reversed = facts.clone();
            reversed.reverse();
            shuffled.extend(reversed);
            prop_assert_eq!(state_after(&facts), state_after(&shuffled));
        }
    }
}
