//! A payment: the provider's side of an order, as the net of all its events (R4.5, R4.11).
//!
//! A [`Payment`] is a set of facts that only grows: the capture; refunds by id (a failed one stays failed and counts nothing);
//! the largest cumulative amount refunded; disputes by id (the later event wins, on a tie the closed one). Each fact is merged
//! by a maximum, so every order of delivery, with repetitions, ends in the same payment. One item per provider payment, from
//! its first event on. [`decide`] matches the payment to its order. A fact that does not fit, such as one in another currency
//! than the capture, is kept beside the others and counts nothing (`misfits`).

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::payment::model::credited::Credited;
use crate::payment::model::event::KeptEvent;
use crate::payment::model::order::Order;
use crate::payment::model::promotion::Promotion;
use crate::payment::model::refund::RefundRequest;
use crate::payment::model::review::ReviewReason;
use kernel::id::{OrderId, RefundId, ReviewId};
use kernel::ledger::JournalRef;
use kernel::money::{Currency, LedgerMoney, MoneyError, PayMoney};
use kernel::provider::Provider;
use kernel::text_enum;

/// Money taken by a provider.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Capture {
    pub amount: PayMoney,
    /// Time by the provider's clock; the earliest that any event states.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
}

/// A refund as the provider reports it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Refund {
    pub amount: PayMoney,
    /// True once it failed; a failed refund never succeeds later.
    pub failed: bool,
    /// True while the provider is still processing it; it counts like a completed one.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub pending: bool,
    /// Time of its first report, by the provider's clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
    /// The refund request it carries out, if it was requested here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<RefundId>,
}

impl Refund {
    /// Merges two reports of one refund: larger amount, earlier time, further state.
    ///
    /// The result does not depend on the order of the reports.
    ///
    /// # Rejects
    /// Amounts in different currencies.
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
    /// State of a dispute. The order of the variants breaks ties.
    pub enum DisputeState {
        /// An inquiry by the bank; no money is withdrawn.
        Inquiry = "inquiry",
        /// The bank holds the money until it decides.
        Open = "open",
        /// The money came back.
        Won = "won",
        /// The money is lost.
        Lost = "lost",
    }
}

/// A dispute, as its latest event reports it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Dispute {
    pub amount: PayMoney,
    pub state: DisputeState,
    /// Time of the latest event, by the provider's clock.
    pub at: Timestamp,
}

/// One provider payment; see the module.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Payment {
    pub provider: Provider,
    /// The provider's payment id.
    pub id: String,
    /// The order it belongs to, once known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<OrderId>,
    /// The review item opened for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub review: Option<ReviewId>,
    /// Earlier review item, whose money an event credited or took over; its journals are still those of the payment (F6).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cleared: Option<ReviewId>,
    /// Present once the money was taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub captured: Option<Capture>,
    /// Refunds by the provider's refund id.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub refunds: BTreeMap<String, Refund>,
    /// Refunds requested by an admin.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub requests: BTreeMap<RefundId, RefundRequest>,
    /// Largest cumulative amount refunded that any event states.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cumulative: Option<PayMoney>,
    /// The same in other currencies than that of `cumulative`, one of each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub other_cumulatives: Vec<PayMoney>,
    /// Amount of a capture told after another amount had paid the order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub differing: Option<PayMoney>,
    /// Review item of the facts that do not fit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub misfit: Option<ReviewId>,
    /// Disputes by the provider's dispute id.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub disputes: BTreeMap<String, Dispute>,
    /// Last journal of the order it paid; the next correction is posted after it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<JournalRef>,
    /// True if a person completed the order before the payment was known (R4.12).
    ///
    /// The cause of `last` is then the order.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub by_hand: bool,
    /// Latest events about the order it pays, oldest first (R4.9).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(in crate::payment) events: Vec<KeptEvent>,
}

impl Payment {
    /// A payment without any facts.
    pub fn new(provider: Provider, id: impl Into<String>) -> Self {
        Self {
            provider,
            id: id.into(),
            order: None,
            review: None,
            cleared: None,
            captured: None,
            refunds: BTreeMap::new(),
            requests: BTreeMap::new(),
            cumulative: None,
            other_cumulatives: Vec::new(),
            differing: None,
            misfit: None,
            disputes: BTreeMap::new(),
            last: None,
            by_hand: false,
            events: Vec::new(),
        }
    }

    /// Records the capture.
    ///
    /// A repetition keeps the earliest time. Until the payment belongs to an order the latest amount stands, so that a matching
    /// event credits after one that did not match (R4.5). From then on the amount is fixed, and another one does not fit.
    pub fn record_capture(&mut self, amount: PayMoney, at: Option<Timestamp>) {
        let known = self.captured;
        let earliest = match (known.and_then(|known| known.at), at) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
        let fixed = known.filter(|_| self.order.is_some()).map(|known| known.amount);
        if fixed.is_some_and(|fixed| fixed != amount) {
            self.differing = Some(amount);
        }
        self.captured = Some(Capture { amount: fixed.unwrap_or(amount), at: earliest });
    }

    /// Records a refund or its failure; a failed refund stays failed.
    ///
    /// # Rejects
    /// None today: each currency of an id is a fact of its own.
    pub fn record_refund(&mut self, id: &str, refund: Refund) -> Result<(), MoneyError> {
        let key = beside(id, refund.amount, self.refunds.get(id).map(|known| known.amount));
        let merged = self.refunds.get(&key).map_or(Ok(refund), |known| known.merged(refund))?;
        self.refunds.insert(key, merged);
        Ok(())
    }

    /// Records the provider's running total of refunds; only the largest of each currency is kept.
    ///
    /// # Rejects
    /// None today: each currency is a fact of its own.
    pub fn record_cumulative(&mut self, amount: PayMoney) -> Result<(), MoneyError> {
        let same = |known: &&mut PayMoney| known.currency() == amount.currency();
        let first = self.cumulative.get_or_insert(amount);
        match Some(first).into_iter().chain(&mut self.other_cumulatives).find(same) {
            Some(known) => *known = known.most(amount)?,
            None => self.other_cumulatives.push(amount),
        }
        Ok(())
    }

    /// Records a dispute. The later event wins; on a tie the closed one does.
    ///
    /// Each currency of an id is a fact of its own.
    pub fn record_dispute(&mut self, id: &str, dispute: Dispute) {
        let rank = |dispute: &Dispute| (dispute.at, dispute.state, dispute.amount.amount());
        let key = beside(id, dispute.amount, self.disputes.get(id).map(|known| known.amount));
        if self.disputes.get(&key).is_none_or(|known| rank(&dispute) > rank(known)) {
            self.disputes.insert(key, dispute);
        }
    }

    /// Sum refunded in `currency`: max(Σ refunds not failed, largest cumulative − Σ failed).
    ///
    /// # Rejects
    /// Overflow.
    pub fn refunded(&self, currency: Currency) -> Result<PayMoney, MoneyError> {
        let (mut known, mut failed) = (PayMoney::zero(currency), PayMoney::zero(currency));
        for refund in self.refunds.values().filter(|refund| refund.amount.currency() == currency) {
            let sum = if refund.failed { &mut failed } else { &mut known };
            *sum = sum.plus(refund.amount)?;
        }
        match self.cumulatives().find(|total| total.currency() == currency) {
            Some(cumulative) => known.most(cumulative.minus(failed)?),
            None => Ok(known),
        }
    }

    fn cumulatives(&self) -> impl Iterator<Item = PayMoney> {
        self.cumulative.into_iter().chain(self.other_cumulatives.iter().copied())
    }

    /// Facts that do not fit the capture and count nothing, by their place on the payment; none before the capture.
    ///
    /// These are facts in another currency, and a capture other than the one that paid the order (R4.5).
    pub fn misfits(&self) -> Vec<(String, PayMoney)> {
        let Some(captured) = self.captured.map(|capture| capture.amount) else { return Vec::new() };
        let refunds = self.refunds.iter().map(|(id, refund)| (id.clone(), refund.amount));
        let disputes = self.disputes.iter().map(|(id, dispute)| (id.clone(), dispute.amount));
        let totals = self.cumulatives().filter(|total| !total.is_zero());
        let totals = totals.map(|total| (format!("total {}", total.currency()), total));
        let other = refunds.chain(disputes).chain(totals).filter(|(_, fact)| fact.currency() != captured.currency());
        let differing = self.differing.filter(|amount| *amount != captured);
        other.chain(differing.map(|amount| ("capture".to_owned(), amount))).collect()
    }

    /// Net: max(0, captured − refunded − open or lost disputes); `None` before the capture.
    ///
    /// Facts in another currency than the capture count nothing.
    ///
    /// # Rejects
    /// Overflow.
    pub fn net(&self) -> Result<Option<PayMoney>, MoneyError> {
        let Some(Capture { amount: captured, .. }) = self.captured else {
            return Ok(None);
        };
        let mut net = captured.minus(self.refunded(captured.currency())?)?;
        for dispute in self.disputes.values().filter(|dispute| dispute.amount.currency() == captured.currency()) {
            if matches!(dispute.state, DisputeState::Open | DisputeState::Lost) {
                net = net.minus(dispute.amount)?;
            }
        }
        net.most(PayMoney::zero(captured.currency())).map(Some)
    }

    /// True if a dispute in the currency of the capture is open.
    pub fn open_dispute(&self) -> bool {
        let fits = |dispute: &&Dispute| {
            self.captured.is_none_or(|capture| capture.amount.currency() == dispute.amount.currency())
        };
        self.disputes.values().filter(fits).any(|dispute| dispute.state == DisputeState::Open)
    }
}

/// Key of a fact: its id, or beside it if that holds a fact in another currency.
fn beside(id: &str, amount: PayMoney, known: Option<PayMoney>) -> String {
    match known {
        Some(known) if known.currency() != amount.currency() => format!("{id} {}", amount.currency()),
        _ => id.to_owned(),
    }
}

/// Amount to be posted in all when `net` of `charge` remains (R4.11).
///
/// Computed as original × net ÷ charge, rounded down to eight digits.
///
/// # Rejects
/// Overflow; amounts in different currencies; a charge of zero.
pub fn target(original: LedgerMoney, net: PayMoney, charge: PayMoney) -> Result<LedgerMoney, MoneyError> {
    original.share(net.least(charge)?.amount(), charge.amount())
}

/// Result of matching a payment to its order.
#[derive(Debug, Clone, PartialEq)]
pub enum CaptureOutcome {
    Credit(Credited),
    /// The order was credited by this payment before; post the difference if the net changed.
    NetMayHaveChanged,
    /// The order was completed by hand; fill in the payment id and credit nothing.
    Confirms,
    /// Open a review item.
    Review(ReviewReason),
    /// No money was taken yet.
    NotCaptured,
}

/// Matches a captured payment to the order it names (R4.5).
///
/// `payment` already holds the facts of the event at hand.
///
/// # Rejects
/// Facts in different currencies; overflow.
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
        None if order.status.is_captured() => Ok(match order.awaits(capture) {
            true => CaptureOutcome::Confirms,
            false => CaptureOutcome::Review(ReviewReason::Surplus),
        }),
        None => Credited::by(order, payment, promotion, capture, received_at).map(CaptureOutcome::Credit),
    }
}

/// Reason why a payment cannot belong to this order at all.
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

impl Order {
    /// True if `capture` may be the payment by which a person completed the order (R4.12).
    ///
    /// Money taken after the completion is a surplus, and so is any once the completion was undone.
    fn awaits(&self, capture: Capture) -> bool {
        let later = capture.at.zip(self.paid_at).is_some_and(|(taken, completed)| taken > completed);
        self.completed.is_some() && !later
    }
}

#[cfg(test)]
mod tests;
