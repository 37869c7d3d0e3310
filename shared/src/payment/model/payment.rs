//! A payment: the provider's side of an order, as the net of everything we know of it (R4.5, R4.11).
//!
//! A [`Payment`] is a set of facts that only grows: captured; refunds by id (a failed one counts nothing, for good); the
//! largest cumulative amount refunded; disputes by id (the later `created` wins, on a tie the closed one). Each fact is
//! merged by a maximum, so every order of delivery, with repetitions, ends in the same payment. One item per provider
//! payment, from its first event on. [`decide`] then says what the money means for its order.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::payment::model::order::{Order, OrderStatus};
use crate::payment::model::promotion::{Moments, OrderTier, Promotion, Used};
use crate::payment::model::refund::RefundRequest;
use crate::payment::model::review::ReviewReason;
use kernel::id::{OrderId, RefundId, ReviewId};
use kernel::ledger::{JournalRef, NewLine, PlatformAccount, PlatformLine, RecordType};
use kernel::money::{Currency, LedgerMoney, MoneyError, PayMoney};
use kernel::provider::Provider;
use kernel::text_enum;

/// The money a provider took.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Capture {
    /// How much.
    pub amount: PayMoney,
    /// When, by the provider's clock; the earliest that any event names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
}

/// One refund.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Refund {
    /// How much.
    pub amount: PayMoney,
    /// Whether it failed, for good.
    pub failed: bool,
    /// Whether the provider is still about it; it counts all the same.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub pending: bool,
    /// When it was first told of, by the provider's clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
    /// The request that it answers, if it was asked for here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<RefundId>,
}

impl Refund {
    /// The same refund told twice, in any order: the larger amount, the earlier time, and the further state.
    ///
    /// # Refuses
    /// Amounts of different currencies.
    fn merged(self, with: Self) -> Result<Self, MoneyError> {
        let at = match (self.at, with.at) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
        let (failed, pending) = (self.failed || with.failed, self.pending && with.pending);
        let request = self.request.or(with.request);
        Ok(Self { amount: self.amount.most(with.amount)?, failed, pending: pending && !failed, at, request })
    }
}

text_enum! {
    /// Where a dispute stands; the order is that of ties.
    pub enum DisputeState {
        /// The bank only asks; takes nothing.
        Inquiry = "inquiry",
        /// The money is with the bank until it decides.
        Open = "open",
        /// It came back.
        Won = "won",
        /// It stays away.
        Lost = "lost",
    }
}

/// One dispute as its latest event tells it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Dispute {
    /// How much it is about.
    pub amount: PayMoney,
    /// Where it stands.
    pub state: DisputeState,
    /// The provider's time of the event that says so.
    pub at: Timestamp,
}

/// One provider payment; see the module.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Payment {
    /// Who took the money.
    pub provider: Provider,
    /// The provider's payment id.
    pub id: String,
    /// The one order it belongs to, once it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<OrderId>,
    /// The review item that stands for it, while its money is on `suspense`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub review: Option<ReviewId>,
    /// The money, once it was taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub captured: Option<Capture>,
    /// Refunds by the provider's id.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub refunds: BTreeMap<String, Refund>,
    /// Refunds that an admin asked for.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub requests: BTreeMap<RefundId, RefundRequest>,
    /// The largest cumulative amount refunded that any event named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cumulative: Option<PayMoney>,
    /// Disputes by the provider's id.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub disputes: BTreeMap<String, Dispute>,
    /// The last journal of the order it paid: what goes back from now on is posted after it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<JournalRef>,
    /// Whether that journal's cause is the order, which a person completed before the payment was known (R4.12).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub by_hand: bool,
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
            requests: BTreeMap::new(),
            cumulative: None,
            disputes: BTreeMap::new(),
            last: None,
            by_hand: false,
        }
    }

    /// The money was taken. A repetition keeps the earliest time. Until the payment belongs to an order the latest amount
    /// stands, so that a matching event credits after one that did not match (R4.5); from then on it is fixed.
    pub fn record_capture(&mut self, amount: PayMoney, at: Option<Timestamp>) {
        let known = self.captured;
        let earliest = match (known.and_then(|known| known.at), at) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
        let fixed = known.filter(|_| self.order.is_some()).map(|known| known.amount);
        self.captured = Some(Capture { amount: fixed.unwrap_or(amount), at: earliest });
    }

    /// A refund exists, or failed; what failed once stays failed.
    ///
    /// # Refuses
    /// Another currency than before.
    pub fn record_refund(&mut self, id: &str, refund: Refund) -> Result<(), MoneyError> {
        let merged = self.refunds.get(id).map_or(Ok(refund), |known| known.merged(refund))?;
        self.refunds.insert(id.to_owned(), merged);
        Ok(())
    }

    /// The provider's running total of refunds; only the largest counts.
    ///
    /// # Refuses
    /// Another currency than before.
    pub fn record_cumulative(&mut self, amount: PayMoney) -> Result<(), MoneyError> {
        self.cumulative = Some(match self.cumulative {
            Some(known) => known.most(amount)?,
            None => amount,
        });
        Ok(())
    }

    /// A dispute stands so since `at`. The later event wins; on a tie the closed one does.
    pub fn record_dispute(&mut self, id: &str, dispute: Dispute) {
        let rank = |dispute: &Dispute| (dispute.at, dispute.state, dispute.amount.amount());
        if self.disputes.get(id).is_none_or(|known| rank(&dispute) > rank(known)) {
            self.disputes.insert(id.to_owned(), dispute);
        }
    }

    /// What went back by refunds: max(Σ known by id, largest cumulative − Σ failed).
    ///
    /// # Refuses
    /// Overflow; facts of another currency than `currency`.
    pub fn refunded(&self, currency: Currency) -> Result<PayMoney, MoneyError> {
        let (mut known, mut failed) = (PayMoney::zero(currency), PayMoney::zero(currency));
        for refund in self.refunds.values() {
            let sum = if refund.failed { &mut failed } else { &mut known };
            *sum = sum.plus(refund.amount)?;
        }
        match self.cumulative {
            Some(cumulative) => known.most(cumulative.minus(failed)?),
            None => Ok(known),
        }
    }

    /// What is left of the capture: max(0, captured − refunded − open or lost disputes); nothing before it.
    ///
    /// # Refuses
    /// Overflow; facts of different currencies.
    pub fn net(&self) -> Result<Option<PayMoney>, MoneyError> {
        let Some(Capture { amount: captured, .. }) = self.captured else {
            return Ok(None);
        };
        let mut net = captured.minus(self.refunded(captured.currency())?)?;
        for dispute in self.disputes.values() {
            if matches!(dispute.state, DisputeState::Open | DisputeState::Lost) {
                net = net.minus(dispute.amount)?;
            }
        }
        net.most(PayMoney::zero(captured.currency())).map(Some)
    }

    /// Whether a dispute is open.
    pub fn open_dispute(&self) -> bool {
        self.disputes.values().any(|dispute| dispute.state == DisputeState::Open)
    }
}

/// What should be posted of an amount when `net` of `charge` is left: round-down(original × net ÷ charge, 8) (R4.11).
///
/// # Refuses
/// Overflow; amounts of different currencies; a charge of nothing.
pub fn target(original: LedgerMoney, net: PayMoney, charge: PayMoney) -> Result<LedgerMoney, MoneyError> {
    original.share(net.least(charge)?.amount(), charge.amount())
}

/// An order that is credited now.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Credited {
    /// The tier the payment earned; using it uses up the promotion, whatever was refunded.
    pub tier: Option<OrderTier>,
    /// The bonus of that tier on the whole credit: what the order and the promotion's use carry.
    pub bonus: LedgerMoney,
    /// What is posted of the credit: all of it unless a refund came first.
    pub post_credit: LedgerMoney,
    /// What is posted of the bonus.
    pub post_bonus: LedgerMoney,
    /// What is left of the charge; counts toward the invitee's total (R3.6).
    pub net: PayMoney,
    /// The state the order goes to.
    pub status: OrderStatus,
    /// When the money was taken.
    pub paid_at: Timestamp,
    /// Whether that was when the order was over.
    pub late: bool,
}

/// What money that was taken means.
#[derive(Debug, Clone, PartialEq)]
pub enum CaptureOutcome {
    /// Credit the order.
    Credit(Credited),
    /// This payment credited this order before.
    NetMayHaveChanged,
    /// The order was completed by hand; the payment confirms it and only its id is filled in.
    Confirms,
    /// A person has to look.
    Review(ReviewReason),
    /// Nothing was taken yet.
    NotCaptured,
}

/// Decides what a captured payment means for the order it names (R4.5). The payment carries all facts known, those of the
/// event at hand included.
///
/// # Refuses
/// Facts of different currencies; overflow.
pub fn decide(
    order: Option<&Order>,
    payment: &Payment,
    promotion: Option<&Promotion>,
    received_at: Timestamp,
) -> Result<CaptureOutcome, MoneyError> {
    let Some(capture) = payment.captured else {
        return Ok(CaptureOutcome::NotCaptured);
    };
    let Some(order) = order else {
        return Ok(CaptureOutcome::Review(ReviewReason::UnknownOrder));
    };
    if let Some(reason) = mismatch(order, payment, capture) {
        return Ok(CaptureOutcome::Review(reason));
    }
    if order.status.is_captured() && order.payment_id.is_some() {
        return Ok(CaptureOutcome::NetMayHaveChanged);
    }
    let wrong = if capture.amount.currency() != order.charge.currency() {
        Some(ReviewReason::CurrencyMismatch)
    } else {
        (capture.amount != order.charge).then_some(ReviewReason::AmountMismatch)
    };
    match wrong {
        Some(reason) => Ok(CaptureOutcome::Review(reason)),
        None if order.status.is_captured() => Ok(CaptureOutcome::Confirms),
        None => credited(order, payment, promotion, capture, received_at).map(CaptureOutcome::Credit),
    }
}

/// Why a payment cannot be this order's at all.
fn mismatch(order: &Order, payment: &Payment, capture: Capture) -> Option<ReviewReason> {
    if order.provider != payment.provider {
        Some(ReviewReason::OtherProvider)
    } else if payment.order.is_some_and(|known| known != order.id) {
        Some(ReviewReason::OtherOrder)
    } else if order.status.is_captured() && order.payment_id.as_ref().is_some_and(|known| *known != payment.id) {
        let other_currency = capture.amount.currency() != order.charge.currency();
        Some(if other_currency { ReviewReason::CurrencyMismatch } else { ReviewReason::Surplus })
    } else {
        None
    }
}

fn credited(
    order: &Order,
    payment: &Payment,
    promotion: Option<&Promotion>,
    capture: Capture,
    received_at: Timestamp,
) -> Result<Credited, MoneyError> {
    let (created_at, expires_at) = (order.created_at, order.expires_at);
    let moments = Moments { created_at, expires_at, took_at: capture.at, received_at };
    let tier = promotion.and_then(|promotion| promotion.tier_paid(order.amount, order.promotion, moments));
    let none = LedgerMoney::zero(order.credit.currency());
    let bonus = tier.map_or(Ok(none), |tier| tier.bonus(order.credit))?;
    let tier = tier.filter(|_| bonus.is_positive());
    let net = payment.net()?.unwrap_or(PayMoney::zero(order.charge.currency()));
    Ok(Credited {
        tier,
        bonus,
        post_credit: target(order.credit, net, order.charge)?,
        post_bonus: target(bonus, net, order.charge)?,
        net,
        status: OrderStatus::by_net(net, order.charge, payment.open_dispute())?,
        paid_at: moments.paid_at(),
        late: order.status != OrderStatus::Pending || !moments.in_time(),
    })
}

impl Credited {
    /// An order without any promotion is credited by a payment that was taken, of which `net` is left.
    ///
    /// # Refuses
    /// Overflow; amounts of different currencies.
    pub fn without_bonus(
        order: &Order,
        payment: &Payment,
        net: PayMoney,
        paid_at: Timestamp,
    ) -> Result<Self, MoneyError> {
        let none = LedgerMoney::zero(order.credit.currency());
        let post_credit = target(order.credit, net, order.charge)?;
        let status = OrderStatus::by_net(net, order.charge, payment.open_dispute())?;
        Ok(Self { tier: None, bonus: none, post_credit, post_bonus: none, net, status, paid_at, late: false })
    }

    /// What the paid journal moves for the user: the credit, and the bonus in an entry of its own (R4.6).
    pub fn movements(&self, order: &Order) -> Vec<NewLine> {
        let id = order.id.to_string();
        vec![
            NewLine::new(RecordType::Payment, self.post_credit, id.as_str()),
            NewLine::new(RecordType::Promotion, self.post_bonus, id),
        ]
    }

    /// The house lines of the paid journal (R1.4). What went back before the payment came stands as lines of its own, so
    /// the journal of a payment without any net is not empty.
    ///
    /// # Refuses
    /// Overflow.
    pub fn house(&self, order: &Order) -> Result<Vec<PlatformLine>, MoneyError> {
        let taken = order.charge.as_ledger();
        let back = order.charge.minus(self.net)?.as_ledger();
        let provider = PlatformAccount::Provider(order.provider);
        let lines = [
            (provider, taken.negated()),
            (PlatformAccount::Sales, taken),
            (provider, back),
            (PlatformAccount::Sales, back.negated()),
            (PlatformAccount::Sales, self.post_credit.negated()),
            (PlatformAccount::Promotion, self.post_bonus.negated()),
        ];
        let moving = lines.into_iter().filter(|(_, amount)| !amount.is_zero());
        Ok(moving.map(|(account, amount)| PlatformLine::new(account, amount)).collect())
    }

    /// How the promotion was used, if it was: by the capture alone, whatever was refunded (R4.11).
    pub fn used(&self, order: &Order) -> Option<Used> {
        let (order_id, amount, bonus, at) = (order.id, order.amount, self.bonus, self.paid_at);
        self.tier.map(|tier| Used { order_id, tier: tier.index, amount, bonus, at })
    }
}

impl Order {
    /// The order after its payment was credited.
    pub fn credited(&self, by: &Credited, payment_id: Option<&str>) -> Self {
        Self {
            status: by.status,
            paid_at: Some(by.paid_at),
            late: by.late,
            payment_id: payment_id.map(str::to_owned),
            bonus: by.bonus.is_positive().then_some(by.bonus),
            left: (by.net != self.charge).then_some(by.net),
            failure: None,
            ..self.clone()
        }
    }
}

#[cfg(test)]
mod tests;
