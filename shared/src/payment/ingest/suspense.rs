//! Reviews that an event opens: money that no order matches, facts that do not fit, events that can't be read (R4.5).

use super::{Applied, Known, Planned, ProviderEvent, Step, event};
use crate::app::App;
use crate::message::Message;
use crate::payment::credit_order::header;
use crate::payment::model::event::EventOutcome;
use crate::payment::model::payment::Payment;
use crate::payment::model::review::{Review, ReviewReason, ReviewState};
use crate::payment::model::settings::PaymentSettings;
use kernel::fault::{Error, Fault};
use kernel::id::ReviewId;
use kernel::ledger::{JournalEntry, Operator, PlatformAccount, PlatformLine};
use kernel::money::PayMoney;
use table::item::Versioned;

impl Step<'_> {
    /// Opens the payment's review item and books its net on `suspense` (R4.5).
    ///
    /// A payment has one review item of its money: an existing one is updated.
    pub(super) fn put_to_review(mut self, reason: ReviewReason) -> Result<Planned, Error> {
        let captured = self.payment.captured.ok_or_else(|| Fault::bug("a review of no money"))?.amount;
        let net = self.payment.net()?.unwrap_or(captured);
        if let Some(review) = self.known.review.as_ref().filter(|review| review.state != ReviewState::Credited) {
            return self.follow(review, captured, net);
        }
        let order = self.notice.order.or(self.payment.order);
        let review = Review { order_id: order, ..opened(self.notice, &self.payment.id, self.review, reason, captured) };
        let review = if reason.holds_money() { review.after(net) } else { review };
        let (mut applied, mut tx) = self.marked(EventOutcome::Review, Some(review.id));
        let suspended = self.suspend(&review, &[review.held()])?;
        let last = suspended.as_ref().map(|posting| posting.header.as_last());
        tx.insert(&Review { last, ..review.clone() });
        // Money that was taken back before it came to the queue needs nobody.
        if review.state == ReviewState::Open {
            tx.send(Message::ReviewOpened { review: review.id });
        }
        if let Some(posting) = suspended {
            tx.insert(&posting);
        }
        self.payment.cleared = self.payment.review.replace(review.id).or(self.payment.cleared);
        tx.upsert(self.known.payment.as_ref(), &self.payment);
        applied.opened.push((review.id, reason));
        Ok((applied, tx))
    }

    /// Updates the existing review item: its amount on `suspense` follows the net, and at zero it closes.
    ///
    /// A capture told in another currency replaces the amount as a whole.
    fn follow(mut self, review: &Versioned<Review>, captured: PayMoney, net: PayMoney) -> Result<Planned, Error> {
        let same = net.currency() == review.received.currency();
        let after = match (review.reason.holds_money(), same) {
            (false, _) => (**review).clone(),
            (true, true) => review.after(net),
            (true, false) => Review { received: captured, left: None, ..(**review).clone() }.after(net),
        };
        if after == **review {
            return Ok(self.note(EventOutcome::Review));
        }
        let (applied, mut tx) = self.marked(EventOutcome::Review, Some(review.id));
        let moves = match same {
            true => vec![after.held().minus(review.held())?],
            false => vec![PayMoney::zero(review.received.currency()).minus(review.held())?, after.held()],
        };
        let moved = self.suspend(review, &moves)?;
        let last = moved.as_ref().map(|posting| posting.header.as_last()).or(review.last);
        if after.state == ReviewState::Open && review.state != ReviewState::Open {
            tx.send(Message::ReviewOpened { review: review.id });
        }
        tx.replace(review, &Review { last, ..after });
        if let Some(posting) = moved {
            tx.insert(&posting);
        }
        if self.known.payment.as_deref() != Some(&self.payment) {
            tx.upsert(self.known.payment.as_ref(), &self.payment);
        }
        Ok((applied, tx))
    }

    /// Journal that moves amounts of a review's money to `suspense`, or from it if negative.
    fn suspend(&self, review: &Review, amounts: &[PayMoney]) -> Result<Option<JournalEntry>, Fault> {
        let moving = amounts.iter().filter(|amount| !amount.is_zero()).map(|amount| amount.as_ledger());
        let lines: Vec<PlatformLine> = moving
            .flat_map(|amount| {
                let provider = PlatformLine::new(PlatformAccount::Provider(review.provider), amount.negated());
                [provider, PlatformLine::new(PlatformAccount::Suspense, amount)]
            })
            .collect();
        if lines.is_empty() || !review.reason.holds_money() {
            return Ok(None);
        }
        let (cause, at) = (format!("review:{}", review.id), self.notice.received_at);
        let actor = format!("provider:{}", self.notice.provider.as_str());
        let first = header(self.app, self.ctx, cause, Operator::System, actor, at);
        let header = review.last.map_or(first.clone(), |last| first.correcting(last));
        JournalEntry::of_house(header, lines).map(Some).map_err(|error| Fault::bug(error.to_string()))
    }
}

/// A fresh review item of an event.
fn opened(notice: &ProviderEvent, payment_id: &str, id: ReviewId, reason: ReviewReason, received: PayMoney) -> Review {
    Review {
        id,
        provider: notice.provider,
        payment_id: payment_id.to_owned(),
        event_id: Some(notice.event_id.clone()),
        order_id: notice.order,
        reason,
        received,
        left: None,
        last: None,
        state: ReviewState::Open,
        resolution: None,
        created_at: notice.received_at,
    }
}

/// Review of the facts that do not fit the payment, if the event adds one and no review of them is open (F2).
///
/// The payment names it. It holds no money: what fits goes on working as before.
pub(super) fn misfit(notice: &ProviderEvent, known: &Known, payment: &mut Payment, id: ReviewId) -> Option<Review> {
    let before = known.payment.as_deref().map(Payment::misfits).unwrap_or_default();
    let (_, amount) = payment.misfits().into_iter().find(|fact| !before.contains(fact))?;
    if known.misfit.as_ref().is_some_and(|review| review.state == ReviewState::Open) {
        return None;
    }
    payment.misfit = Some(id);
    let order_id = payment.order.or(known.order.as_deref().map(|order| order.id));
    Some(Review { order_id, ..opened(notice, &payment.id, id, ReviewReason::PaymentDiffers, amount) })
}

/// Keeps an authentic event that can't be read, and opens a review of it (F11, F14).
///
/// It names the payment that the event seems to concern, else the event.
pub(super) async fn unreadable(
    app: &App,
    notice: &ProviderEvent,
    known: &Known,
    id: ReviewId,
    cause: &'static str,
) -> Result<Planned, Error> {
    let nothing = PayMoney::zero(app.settings::<PaymentSettings>().await?.settings.pay_currency);
    let about = notice.payment_id.as_deref().unwrap_or(&notice.event_id);
    let review = opened(notice, about, id, ReviewReason::Unreadable, nothing);
    let mut tx = app.tx();
    tx.insert(&event(notice, EventOutcome::Review, known.order.as_deref(), Some(id)));
    tx.insert(&review);
    tx.send(Message::ReviewOpened { review: id });
    tracing::warn!(cause, "an authentic event that can't be read");
    Ok((Applied { outcome: Some(EventOutcome::Review), opened: vec![(id, ReviewReason::Unreadable)] }, tx))
}
