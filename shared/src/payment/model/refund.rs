//! Refunds requested by an admin (R4.11), and their state by the provider's reports.
//!
//! A request is stored on its payment before the provider is called, so it is neither lost nor made twice. All open requests
//! together never exceed the net. The provider's report of it is a [`Refund`] that names the request.
//! names the request.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::payment::model::payment::{Payment, Refund};
use kernel::id::{RefundId, UserId};
use kernel::money::{MoneyError, PayMoney};
use kernel::text_enum;

/// A refund requested by an admin.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RefundRequest {
    pub amount: PayMoney,
    pub reason: String,
    pub admin: UserId,
    /// Time of the request.
    pub at: Timestamp,
    /// Reason why the provider did not make it, once that is certain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
}

text_enum! {
    /// State of a refund.
    pub enum RefundState {
        /// The provider has not reported the outcome.
        Requested = "requested",
        /// The provider returned the money.
        Succeeded = "succeeded",
        /// The provider did not return the money.
        Failed = "failed",
    }
}

/// A refund, as lists show it.
#[derive(Debug, Clone, PartialEq)]
pub struct RefundLine {
    /// The request's id, or the provider's if it was not requested here.
    pub id: String,
    pub amount: PayMoney,
    pub state: RefundState,
    /// The admin's reason, if it was requested here.
    pub reason: Option<String>,
    /// Reason why it was not made, if known.
    pub failure: Option<String>,
    /// Time of the request, or of the provider's first report.
    pub at: Option<Timestamp>,
}

impl Refund {
    /// State by the provider's report.
    pub fn state(&self) -> RefundState {
        match (self.failed, self.pending) {
            (true, _) => RefundState::Failed,
            (false, true) => RefundState::Requested,
            (false, false) => RefundState::Succeeded,
        }
    }
}

impl Payment {
    /// True if there are refunds, made or requested.
    pub fn has_refunds(&self) -> bool {
        !self.refunds.is_empty() || !self.requests.is_empty()
    }

    /// The provider's report of a request, if any.
    pub fn refund_of(&self, request: RefundId) -> Option<&Refund> {
        self.refunds.values().find(|refund| refund.request == Some(request))
    }

    /// A request without a known result.
    pub fn open_request(&self, id: RefundId) -> Option<&RefundRequest> {
        self.requests.get(&id).filter(|request| request.failure.is_none() && self.refund_of(id).is_none())
    }

    /// Amount that can still be refunded: net less the open requests; `None` before the capture.
    ///
    /// # Rejects
    /// Overflow; facts in different currencies.
    pub fn refundable(&self) -> Result<Option<PayMoney>, MoneyError> {
        let Some(net) = self.net()? else { return Ok(None) };
        let open = self.requests.keys().filter_map(|id| self.open_request(*id));
        let left = open.into_iter().try_fold(net, |left, request| left.minus(request.amount))?;
        left.most(PayMoney::zero(net.currency())).map(Some)
    }

    /// All refunds: those requested here first, each group in the order of its ids.
    pub fn refund_lines(&self) -> Vec<RefundLine> {
        let asked = self.requests.iter().map(|(id, request)| {
            let told = self.refund_of(*id);
            let silent = if request.failure.is_some() { RefundState::Failed } else { RefundState::Requested };
            RefundLine {
                id: id.to_string(),
                amount: told.map_or(request.amount, |refund| refund.amount),
                state: told.map_or(silent, Refund::state),
                reason: Some(request.reason.clone()),
                failure: request.failure.clone(),
                at: Some(request.at),
            }
        });
        let ours = |refund: &Refund| refund.request.is_some_and(|id| self.requests.contains_key(&id));
        let others = self.refunds.iter().filter(|(_, refund)| !ours(refund)).map(|(id, refund)| RefundLine {
            id: id.clone(),
            amount: refund.amount,
            state: refund.state(),
            reason: None,
            failure: None,
            at: refund.at,
        });
        asked.chain(others).collect()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use kernel::money::Currency;
    use kernel::provider::Provider;

    fn cny(fen: i64) -> PayMoney {
        PayMoney::from_minor_units(fen, Currency::parse("CNY").unwrap()).unwrap()
    }

    fn id(number: u128) -> RefundId {
        RefundId::new(number.into())
    }

    fn request(fen: i64) -> RefundRequest {
        let admin = UserId::new(1_u128.into());
        RefundRequest { amount: cny(fen), reason: "sorry".to_owned(), admin, at: Timestamp::UNIX_EPOCH, failure: None }
    }

    fn told(fen: i64, request: RefundId) -> Refund {
        Refund { amount: cny(fen), failed: false, pending: false, at: None, request: Some(request) }
    }

    fn payment() -> Payment {
        let mut payment = Payment::new(Provider::Stripe, "pi_1");
        payment.record_capture(cny(10_000), None);
        payment
    }

    /// R4.11: an open request holds its amount; the provider's report replaces it, once.
    #[test]
    fn requests_together_never_ask_for_more_than_is_left() {
        let mut payment = payment();
        assert_eq!(Payment::new(Provider::Stripe, "pi_2").refundable().unwrap(), None);
        payment.requests.insert(id(1), request(3_000));
        payment.requests.insert(id(2), request(2_000));
        assert_eq!(payment.refundable().unwrap(), Some(cny(5_000)));
        payment.record_refund("re_1", told(3_000, id(1))).unwrap();
        assert_eq!(payment.refundable().unwrap(), Some(cny(5_000)));
        payment.record_refund("re_1", Refund { failed: true, ..told(3_000, id(1)) }).unwrap();
        assert_eq!(payment.refundable().unwrap(), Some(cny(8_000)));
        payment.requests.get_mut(&id(2)).unwrap().failure = Some("no".to_owned());
        assert_eq!(payment.refundable().unwrap(), Some(cny(10_000)));
        payment.record_refund("re_2", Refund { request: None, ..told(10_000, id(3)) }).unwrap();
        payment.requests.insert(id(4), request(1));
        assert_eq!(payment.refundable().unwrap(), Some(cny(0)));
    }

    /// R4.11: a refund is listed once, wherever it was requested, in the state its provider reports.
    #[test]
    fn a_refund_is_listed_once_with_its_state() {
        let mut payment = payment();
        for (number, fen) in [(1, 100), (2, 200), (3, 300)] {
            payment.requests.insert(id(number), request(fen));
        }
        payment.requests.get_mut(&id(3)).unwrap().failure = Some("no".to_owned());
        payment.record_refund("re_1", Refund { pending: true, ..told(100, id(1)) }).unwrap();
        payment.record_refund("re_9", told(900, id(9))).unwrap();
        let states = |payment: &Payment| -> Vec<(String, &str)> {
            payment.refund_lines().into_iter().map(|line| (line.id, line.state.as_str())).collect()
        };
        let ours = |number| id(number).to_string();
        let mut wanted =
            [(ours(1), "requested"), (ours(2), "requested"), (ours(3), "failed"), ("re_9".to_owned(), "succeeded")];
        assert_eq!(states(&payment), wanted);
        payment.record_refund("re_1", told(100, id(1))).unwrap();
        wanted[0].1 = "succeeded";
        assert_eq!(states(&payment), wanted);
        let again: Payment = serde_json::from_str(&serde_json::to_string(&payment).unwrap()).unwrap();
        assert_eq!(again, payment);
    }
}
