//! Lists of the refunds and disputes of a time, by their payments (R4.10).

use jiff::Timestamp;

use super::event::{ChargeFact, OrderNames};
use super::{AskFailure, Stripe, event, of_payment, page_of, segment, wire};

/// A charge as the report finds it.
#[derive(Debug, Clone)]
pub struct ListedCharge {
    /// The payment intent; the charge itself if it was made without one.
    pub payment_id: String,
    /// Orders named by the metadata.
    pub names: OrderNames,
    /// Facts of the charge, unless it holds a value that is unknown here, such as a currency (F14).
    pub charge: Option<ChargeFact>,
    /// True for a present or past dispute.
    pub disputed: bool,
}

impl ListedCharge {
    pub(super) fn of(charge: wire::Charge) -> Self {
        let payment_id = charge.payment_intent.as_ref().map_or(&charge.id, wire::Reference::id).clone();
        let names = OrderNames::of([charge.metadata.order_id.as_deref()]);
        let disputed = charge.disputed;
        let charge = event::charge_fact(charge);
        if let Err(why) = &charge {
            tracing::warn!(payment = %payment_id, why, "a charge that can't be read");
        }
        Self { payment_id, names, charge: charge.ok(), disputed }
    }
}

/// A page of the payments that were refunded or disputed.
#[derive(Debug, Clone)]
pub struct Returned {
    /// Payment ids, one per refund or dispute.
    pub payments: Vec<String>,
    /// Cursor of the next page.
    pub next: Option<String>,
}

/// Refunds or disputes per page; each may open a review item and change the report of an earlier day.
const RETURNED: usize = 40;

impl Stripe {
    /// A page of the payments of the refunds made from `from` on and before `to`.
    ///
    /// # Rejects
    /// See [`AskFailure`].
    pub async fn refunds_made(
        &self,
        from: Timestamp,
        to: Timestamp,
        after: Option<&str>,
    ) -> Result<Returned, AskFailure> {
        self.returned("refunds", from, to, after).await
    }

    /// A page of the payments of the disputes opened from `from` on and before `to`.
    ///
    /// # Rejects
    /// See [`AskFailure`].
    pub async fn disputes_made(
        &self,
        from: Timestamp,
        to: Timestamp,
        after: Option<&str>,
    ) -> Result<Returned, AskFailure> {
        self.returned("disputes", from, to, after).await
    }

    async fn returned(
        &self,
        list: &str,
        from: Timestamp,
        to: Timestamp,
        after: Option<&str>,
    ) -> Result<Returned, AskFailure> {
        let list: wire::List<wire::Returned> =
            self.read(&self.get(&page_of(list, RETURNED, from, to, after)?).await?)?;
        let next = list.data.last().map(|last| last.id.clone()).filter(|_| list.has_more);
        let of = |one: wire::Returned| one.payment_intent.or(one.charge).map(wire::Reference::into_id);
        Ok(Returned { payments: list.data.into_iter().filter_map(of).collect(), next })
    }

    /// The paid charge of a payment; `None` if there is none.
    ///
    /// # Rejects
    /// See [`AskFailure`].
    pub async fn charge_of(&self, payment: &str) -> Result<Option<ListedCharge>, AskFailure> {
        let path = match of_payment(payment) {
            "charge" => format!("/v1/charges/{}?expand%5B%5D=balance_transaction", segment(payment)?),
            _ => {
                let intent = segment(payment)?;
                format!("/v1/payment_intents/{intent}?expand%5B%5D=latest_charge.balance_transaction")
            }
        };
        let found = match self.get(&path).await.map_err(AskFailure::from).and_then(|answer| self.read(&answer)) {
            Ok(found) => found,
            Err(AskFailure::Unknown) => return Ok(None),
            Err(why) => return Err(why),
        };
        let charge = match found {
            wire::Charged::Intent { latest_charge: Some(wire::LatestCharge::Expanded(charge)) } => *charge,
            wire::Charged::Charge(charge) => *charge,
            wire::Charged::Intent { .. } => return Ok(None),
        };
        if !charge.paid || charge.livemode != self.livemode() {
            return Ok(None);
        }
        Ok(Some(ListedCharge::of(charge)))
    }
}
