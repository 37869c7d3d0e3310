//! Applies a verified provider event to its payment and credits the order if paid (R4.5, R4.6).
//!
//! The raw event is stored first, everything else in one transaction. Regardless of the order, number and delay of events, a
//! payment is credited once.

use jiff::Timestamp;
use tokio::sync::OnceCell;

use crate::account::model::user::User;
use crate::app::App;
use crate::message::Message;
use crate::payment::credit_order::{CreditOrder, header};
use crate::payment::gateway::stripe::PaymentIntent;
use crate::payment::model::event::{EventOutcome, ProviderEventRecord, RawEvent};
use crate::payment::model::order::{Failure, FailureCode, Order, OrderStatus};
use crate::payment::model::payment::{CaptureOutcome, Credited, Dispute, Payment, Refund, decide};
use crate::payment::model::reversal::Reversal;
use crate::payment::model::review::{Review, ReviewReason, ReviewState};
use crate::payment::reverse::Reverse;
use kernel::fault::{Error, Fault};
use kernel::id::{OrderId, ReviewId};
use kernel::ledger::{JournalEntry, JournalRef, Operator, PlatformAccount, PlatformLine};
use kernel::money::{LedgerMoney, PayMoney};
use kernel::provider::Provider;
use table::context::Ctx;
use table::item::Versioned;
use table::tx::Tx;

/// A verified provider event, in terms common to both providers.
#[derive(Debug, Clone)]
pub struct ProviderEvent {
    pub provider: Provider,
    /// The provider's event id, or a derived one for poll results.
    pub event_id: String,
    /// The provider's name of the event type.
    pub kind: String,
    /// The provider's id of the payment concerned.
    pub payment_id: Option<String>,
    /// The order named by the event, if it names exactly one.
    pub order: Option<OrderId>,
    /// Change that the event reports.
    pub fact: PaymentEvent,
    /// True if the capture must be confirmed by querying the gateway first (R4.10).
    pub confirm: bool,
    pub received_at: Timestamp,
    /// The raw body's bytes, as text.
    pub raw: String,
}

/// Change reported by an event.
#[derive(Debug, Clone)]
pub enum PaymentEvent {
    /// Money was taken.
    Captured {
        amount: PayMoney,
        /// Capture time, by the provider's clock.
        at: Option<Timestamp>,
    },
    /// Money was returned.
    Refunded {
        /// Cumulative amount refunded, if the provider states it.
        cumulative: Option<PayMoney>,
        /// Refunds, by the provider's refund id.
        refunds: Vec<(String, Refund)>,
    },
    /// A dispute was opened, updated or closed.
    Disputed {
        /// The provider's dispute id.
        id: String,
        dispute: Dispute,
    },
    /// The payment will not pay the order; the new state is `failed` or `expired`.
    NotPaid(OrderStatus),
    /// Nothing relevant here.
    Nothing,
}

/// Result of ingesting an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ingested {
    /// The event was applied and stored with this outcome.
    Stored(EventOutcome),
    /// The gateway did not confirm the capture.
    ///
    /// Only the raw event is stored; the delivery may be repeated.
    Unconfirmed,
}

/// Ingests one verified event, once.
///
/// # Errors
/// A fault if nothing was stored; the provider has to deliver it again.
pub async fn settle(app: &App, ctx: &Ctx, notice: &ProviderEvent) -> Result<Ingested, Error> {
    let asked = Asked::default();
    let review = ReviewId::new(app.ulid());
    let done = app.execute(&ctx.unkeyed(), || plan(app, ctx, notice, &asked, review)).await?;
    Ok(done.answer.map_or(Ingested::Unconfirmed, Ingested::Stored))
}

/// Answers fetched from the provider, reused when the event is re-planned.
#[derive(Default)]
struct Asked {
    confirmed: OnceCell<Option<(PayMoney, Option<Timestamp>)>>,
    intent: OnceCell<Option<PaymentIntent>>,
    kept: OnceCell<()>,
}

type Planned = (Option<EventOutcome>, Tx);

async fn plan(app: &App, ctx: &Ctx, notice: &ProviderEvent, asked: &Asked, review: ReviewId) -> Result<Planned, Error> {
    let mut known = Known::read(app, notice).await?;
    if let Some(event) = &known.event {
        return Ok((Some(event.outcome), app.tx()));
    }
    asked.kept.get_or_try_init(|| async { app.store.keep(&raw(notice)).await }).await?;
    let Some(payment_id) = notice.payment_id.as_deref() else {
        return without_payment(app, notice, &known);
    };
    let mut payment = known.payment.as_deref().cloned().unwrap_or_else(|| Payment::new(notice.provider, payment_id));
    match &notice.fact {
        PaymentEvent::Captured { amount, at } => match confirmed(app, notice, asked, *amount, *at).await? {
            Some((amount, at)) => payment.record_capture(amount, at),
            None => return Ok((None, app.tx())),
        },
        PaymentEvent::Refunded { cumulative, refunds } => {
            for (id, refund) in refunds {
                payment.record_refund(id, *refund)?;
            }
            if let Some(cumulative) = cumulative {
                payment.record_cumulative(*cumulative)?;
            }
        }
        PaymentEvent::Disputed { id, dispute } => payment.record_dispute(id, *dispute),
        PaymentEvent::NotPaid(_) | PaymentEvent::Nothing => return without_payment(app, notice, &known),
    }
    if known.payment.is_none() && known.order.is_none() && !matches!(notice.fact, PaymentEvent::Captured { .. }) {
        known.learn_from_stripe(app, notice, asked, &mut payment).await?;
    }
    let user = match &known.order {
        Some(order) => app.store.get::<User>(&User::key(order.user)).await?,
        None => None,
    };
    let promotion = user.as_ref().and_then(|user| user.promotion.as_ref());
    let settlement = decide(known.order.as_deref(), &payment, promotion, notice.received_at)?;
    let step = Step { app, ctx, notice, known: &known, payment, review };
    match settlement {
        CaptureOutcome::Credit(credited) => step.credit(user.as_ref(), &credited).await,
        CaptureOutcome::Confirms => step.confirm(user.as_ref()),
        CaptureOutcome::NetMayHaveChanged => step.reverse(user.as_ref()),
        CaptureOutcome::NotCaptured => Ok(step.note(EventOutcome::Noted)),
        CaptureOutcome::Review(reason) => step.put_to_review(reason),
    }
}

/// Stored state of an event, its payment, order and review item.
struct Known {
    event: Option<Versioned<ProviderEventRecord>>,
    payment: Option<Versioned<Payment>>,
    order: Option<Versioned<Order>>,
    review: Option<Versioned<Review>>,
}

impl Known {
    async fn read(app: &App, notice: &ProviderEvent) -> Result<Self, Fault> {
        let event = ProviderEventRecord::key(notice.provider, &notice.event_id);
        let payment = notice.payment_id.as_deref().map(|id| Payment::key(notice.provider, id));
        let order = notice.order.map(Order::key);
        let (event, payment, order) = app.store.read((event, payment, order)).await?;
        let mut known = Self { event, payment, order, review: None };
        if known.event.is_some() {
            return Ok(known);
        }
        if let Some(payment) = known.payment.as_deref().cloned() {
            // A capture is matched to the order it names. Refunds and disputes apply to the order that was paid. So does a
            // capture that a person credited to another order; its payment still names the review.
            let by_person = payment.order.is_some() && payment.review.is_some();
            let judged = !by_person && matches!(notice.fact, PaymentEvent::Captured { .. });
            let names = notice.order.filter(|_| judged).or(payment.order);
            if let Some(order) = names.filter(|order| Some(*order) != notice.order) {
                known.order = app.store.get(&Order::key(order)).await?;
            }
            if let Some(review) = payment.review {
                known.review = app.store.get(&Review::key(review)).await?;
            }
        }
        Ok(known)
    }

    /// Fetches an unknown payment intent from Stripe to learn its capture and order (R4.7).
    ///
    /// If Stripe can't be reached, the facts are kept on the payment until its own event arrives.
    async fn learn_from_stripe(
        &mut self,
        app: &App,
        notice: &ProviderEvent,
        asked: &Asked,
        payment: &mut Payment,
    ) -> Result<(), Fault> {
        let (Some(stripe), Some(id)) = (&app.providers.stripe, notice.payment_id.as_deref()) else { return Ok(()) };
        if notice.provider != Provider::Stripe {
            return Ok(());
        }
        let intent = asked.intent.get_or_init(|| async { stripe.payment_intent(id).await.ok() }).await;
        let Some(intent) = intent.as_ref().filter(|intent| intent.succeeded && intent.livemode == stripe.livemode())
        else {
            return Ok(());
        };
        payment.record_capture(intent.received, Some(intent.taken_at));
        if let Some(order) = intent.names.order() {
            self.order = app.store.get(&Order::key(order)).await?;
        }
        Ok(())
    }
}

/// Amount and time to trust: the event's, or the gateway's answer if confirmation is required (R4.10).
async fn confirmed(
    app: &App,
    notice: &ProviderEvent,
    asked: &Asked,
    amount: PayMoney,
    at: Option<Timestamp>,
) -> Result<Option<(PayMoney, Option<Timestamp>)>, Error> {
    if !notice.confirm {
        return Ok(Some((amount, at)));
    }
    let (Some(zpay), Some(trade)) = (&app.providers.zpay, notice.payment_id.as_deref()) else {
        return Err(Fault::Unavailable { call: "zpay query", why: "not configured".to_owned() }.into());
    };
    let query = || async {
        let found = zpay.query_trade(trade).await;
        let found = found.map_err(|why| Fault::Unavailable { call: "zpay query", why: why.to_string() })?;
        let same = found.filter(|found| found.paid && found.trade_no == trade && found.order() == notice.order);
        Ok::<_, Fault>(same.and_then(|found| Some((found.money?, found.ended_at))))
    };
    Ok(*asked.confirmed.get_or_try_init(query).await?)
}

fn without_payment(app: &App, notice: &ProviderEvent, known: &Known) -> Result<Planned, Error> {
    let mut tx = app.tx();
    let closing = match (&notice.fact, &known.order) {
        (PaymentEvent::NotPaid(status), Some(order)) if order.status == OrderStatus::Pending => Some((order, *status)),
        _ => None,
    };
    let outcome = if closing.is_some() { EventOutcome::Closed } else { EventOutcome::Ignored };
    tx.insert(&event(notice, outcome, known.order.as_deref(), None));
    if let Some((order, status)) = closing {
        let failed = status == OrderStatus::Failed;
        let failure = failed.then(|| Failure {
            code: FailureCode::ProviderRefused,
            detail: "The payment was not completed.".to_owned(),
        });
        tx.replace(order, &Order { status, failure, ..(**order).clone() });
        tx.send(Message::OrderClosed { order: order.id });
    }
    Ok((Some(outcome), tx))
}

/// Plan of an event's writes, once its payment is matched.
struct Step<'a> {
    app: &'a App,
    ctx: &'a Ctx,
    notice: &'a ProviderEvent,
    known: &'a Known,
    payment: Payment,
    review: ReviewId,
}

impl Step<'_> {
    async fn credit(self, user: Option<&Versioned<User>>, credited: &Credited) -> Result<Planned, Error> {
        let (Some(order), Some(user)) = (&self.known.order, user) else {
            return Err(Fault::bug("an order without its user").into());
        };
        let mut tx = self.marked(EventOutcome::Credited, None);
        let capture = CreditOrder {
            order,
            known: Some(order),
            user,
            payment: Some((self.known.payment.as_ref(), self.payment)),
            review: self.known.review.as_ref(),
            credited,
            operator: Operator::System,
            actor: format!("provider:{}", self.notice.provider.as_str()),
            now: self.notice.received_at,
        };
        capture.write(self.app, self.ctx, &mut tx).await?;
        Ok((Some(EventOutcome::Credited), tx))
    }

    /// Fills in the payment id of an order completed by hand and credits nothing (R4.12).
    ///
    /// Earlier refunds of the payment are reversed now.
    fn confirm(self, user: Option<&Versioned<User>>) -> Result<Planned, Error> {
        let Some(order) = &self.known.order else { return Err(Fault::bug("a confirmation of no order").into()) };
        let last = order.completed.map(|id| JournalRef { id, step: 0 });
        let payment = Payment { order: Some(order.id), by_hand: true, last, ..self.payment.clone() };
        let told = Order { payment_id: Some(payment.id.clone()), completed: None, ..(**order).clone() };
        let mut tx = self.marked(EventOutcome::AlreadyCredited, None);
        Reverse { told: Some(told), ..self.reversing(order, user, payment)? }.write(self.app, self.ctx, &mut tx)?;
        Ok((Some(EventOutcome::AlreadyCredited), tx))
    }

    /// Reverses the credited order if the payment's net or dispute state changed (R4.11).
    fn reverse(self, user: Option<&Versioned<User>>) -> Result<Planned, Error> {
        let Some(order) = &self.known.order else { return Err(Fault::bug("a reversal of no order").into()) };
        let moved = Reversal::of(order, &self.payment)?.is_some();
        let outcome = match (moved, &self.notice.fact) {
            (true, _) => EventOutcome::Reversed,
            (false, PaymentEvent::Captured { .. }) => EventOutcome::AlreadyCredited,
            (false, _) => EventOutcome::Noted,
        };
        let mut tx = self.marked(outcome, None);
        self.reversing(order, user, self.payment.clone())?.write(self.app, self.ctx, &mut tx)?;
        Ok((Some(outcome), tx))
    }

    fn reversing<'b>(
        &'b self,
        order: &'b Versioned<Order>,
        user: Option<&'b Versioned<User>>,
        payment: Payment,
    ) -> Result<Reverse<'b>, Error> {
        Ok(Reverse {
            order,
            told: None,
            user: user.ok_or_else(|| Fault::bug("an order without its user"))?,
            payment: (self.known.payment.as_ref(), payment),
            operator: Operator::System,
            actor: format!("provider:{}", self.notice.provider.as_str()),
            now: self.notice.received_at,
        })
    }

    /// Stores the payment's facts with the event's guard.
    fn note(self, outcome: EventOutcome) -> Planned {
        let mut tx = self.marked(outcome, self.payment.review);
        if self.known.payment.as_deref() != Some(&self.payment) {
            tx.upsert(self.known.payment.as_ref(), &self.payment);
        }
        (Some(outcome), tx)
    }

    /// Opens the payment's review item and books its net on `suspense` (R4.5).
    ///
    /// A payment has one review item: an existing one is updated.
    fn put_to_review(mut self, reason: ReviewReason) -> Result<Planned, Error> {
        let captured = self.payment.captured.ok_or_else(|| Fault::bug("a review of no money"))?.amount;
        let net = self.payment.net()?.unwrap_or(captured);
        if let Some(review) = self.known.review.as_ref().filter(|review| review.state != ReviewState::Credited) {
            return self.follow(review, net);
        }
        let review = Review {
            id: self.review,
            provider: self.notice.provider,
            payment_id: self.payment.id.clone(),
            event_id: Some(self.notice.event_id.clone()),
            order_id: self.notice.order.or(self.payment.order),
            reason,
            received: captured,
            left: None,
            last: None,
            state: ReviewState::Open,
            resolution: None,
            created_at: self.notice.received_at,
        };
        let review = if reason.holds_money() { review.after(net) } else { review };
        let mut tx = self.marked(EventOutcome::Review, Some(review.id));
        let suspended = self.suspend(&review, review.held().as_ledger())?;
        let last = suspended.as_ref().map(|posting| posting.header.as_last());
        tx.insert(&Review { last, ..review.clone() });
        if let Some(posting) = suspended {
            tx.insert(&posting);
        }
        self.payment.review = Some(review.id);
        tx.upsert(self.known.payment.as_ref(), &self.payment);
        tracing::error!(review = %review.id, reason = reason.as_str(), "money needs a person");
        table::telemetry::count("ReviewsOpened");
        Ok((Some(EventOutcome::Review), tx))
    }

    /// Updates the existing review item: its amount on `suspense` follows the net, and at zero it closes.
    fn follow(self, review: &Versioned<Review>, net: PayMoney) -> Result<Planned, Error> {
        let same_money = review.reason.holds_money() && net.currency() == review.received.currency();
        let after = if same_money { review.after(net) } else { (**review).clone() };
        if after == **review {
            return Ok(self.note(EventOutcome::Review));
        }
        let mut tx = self.marked(EventOutcome::Review, Some(review.id));
        let moved = self.suspend(review, after.held().minus(review.held())?.as_ledger())?;
        let last = moved.as_ref().map(|posting| posting.header.as_last()).or(review.last);
        tx.replace(review, &Review { last, ..after });
        if let Some(posting) = moved {
            tx.insert(&posting);
        }
        if self.known.payment.as_deref() != Some(&self.payment) {
            tx.upsert(self.known.payment.as_ref(), &self.payment);
        }
        Ok((Some(EventOutcome::Review), tx))
    }

    /// Journal that moves `amount` of a review's money to `suspense`, or from it if negative.
    fn suspend(&self, review: &Review, amount: LedgerMoney) -> Result<Option<JournalEntry>, Fault> {
        if amount.is_zero() || !review.reason.holds_money() {
            return Ok(None);
        }
        let lines = vec![
            PlatformLine::new(PlatformAccount::Provider(review.provider), amount.negated()),
            PlatformLine::new(PlatformAccount::Suspense, amount),
        ];
        let actor = format!("provider:{}", self.notice.provider.as_str());
        let first = header(
            self.app,
            self.ctx,
            format!("review:{}", review.id),
            Operator::System,
            actor,
            self.notice.received_at,
        );
        let header = review.last.map_or(first.clone(), |last| first.correcting(last));
        JournalEntry::of_house(header, lines).map(Some).map_err(|error| Fault::bug(error.to_string()))
    }

    fn marked(&self, outcome: EventOutcome, review: Option<ReviewId>) -> Tx {
        let mut tx = self.app.tx();
        tx.insert(&event(self.notice, outcome, self.known.order.as_deref(), review));
        tx
    }
}

fn event(
    notice: &ProviderEvent,
    outcome: EventOutcome,
    order: Option<&Order>,
    review: Option<ReviewId>,
) -> ProviderEventRecord {
    ProviderEventRecord {
        provider: notice.provider,
        id: notice.event_id.clone(),
        kind: notice.kind.clone(),
        outcome,
        order: order.map(|order| order.id).or(notice.order),
        review,
        received_at: notice.received_at,
    }
}

fn raw(notice: &ProviderEvent) -> RawEvent {
    RawEvent {
        provider: notice.provider,
        id: notice.event_id.clone(),
        body: notice.raw.clone(),
        received_at: notice.received_at,
    }
}
