//! Lists of the refunds and disputes of a time, by their payments (R4.10).

use jiff::Timestamp;

use super::{AskFailure, Stripe, event, of_payment, page_of, segment, wire};

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

    /// The paid charge of a payment, with a flag for a present or past dispute; `None` if there is none.
    ///
    /// # Rejects
    /// See [`AskFailure`].
    pub async fn charge_of(&self, payment: &str) -> Result<Option<(event::ChargeFact, bool)>, AskFailure> {
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
        let disputed = charge.disputed;
        let fact = event::charge_fact(charge).map_err(|_| AskFailure::Unavailable)?;
        Ok(Some((fact, disputed)))
    }
}
