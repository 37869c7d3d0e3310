//! Applies a verified provider event to its payment and credits the order if paid (R4.5, R4.6).
//!
//! The raw event is stored first, everything else in one transaction. Regardless of the order, number and delay of events, a
//! payment is credited once. A fact that does not fit or can't be read is reviewed, and the payment goes on working.

mod suspense;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::sync::OnceCell;

use crate::account::model::user::User;
use crate::app::App;
use crate::message::Message;
use crate::payment::credit_order::CreditOrder;
use crate::payment::gateway::stripe::PaymentIntent;
use crate::payment::keep_coupon::replace_order;
use crate::payment::model::credited::Credited;
use crate::payment::model::event::{EventOutcome, ProviderEventRecord, RawEvent};
use crate::payment::model::order::{Failure, FailureCode, Order, OrderStatus, UnderWay};
use crate::payment::model::payment::{CaptureOutcome, Dispute, Payment, Refund, decide};
use crate::payment::model::reversal::Reversal;
use crate::payment::model::review::{Review, ReviewReason};
use crate::payment::model::settings::{ForeignPayments, PaymentSettings};
use crate::payment::reverse::Reverse;
use kernel::fault::{Error, Fault};
use kernel::id::{OrderId, ReviewId};
use kernel::ledger::{JournalRef, Operator};
use kernel::money::PayMoney;
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
    /// The payer has paid by a delayed method; the money is not there yet.
    Processing,
    /// The payment will not pay the order; the new state is `failed` or `expired`.
    NotPaid(OrderStatus),
    /// It concerns a payment of another product or account.
    Foreign,
    /// It is authentic and can't be read.
    Unreadable {
        /// Cause, without values from the body.
        reason: &'static str,
    },
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
    let misfit = ReviewId::new(app.ulid());
    let done = app.execute(&ctx.unkeyed(), || plan(app, ctx, notice, &asked, (review, misfit))).await?;
    // After the commit, so that one review is one alarm, however often its event was tried (F16).
    for (review, reason) in done.answer.opened {
        tracing::error!(%review, reason = reason.as_str(), "a payment needs a person");
        table::telemetry::count("ReviewsOpened");
    }
    Ok(done.answer.outcome.map_or(Ingested::Unconfirmed, Ingested::Stored))
}

/// Answers fetched from the provider, reused when the event is re-planned.
#[derive(Default)]
struct Asked {
    confirmed: OnceCell<Option<(PayMoney, Option<Timestamp>)>>,
    intent: OnceCell<Option<PaymentIntent>>,
    kept: OnceCell<()>,
}

/// Answer of an ingested event.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Applied {
    /// Outcome, unless the gateway did not confirm.
    outcome: Option<EventOutcome>,
    /// Reviews that its transaction opens.
    opened: Vec<(ReviewId, ReviewReason)>,
}

impl From<EventOutcome> for Applied {
    fn from(outcome: EventOutcome) -> Self {
        Self { outcome: Some(outcome), opened: Vec::new() }
    }
}

type Planned = (Applied, Tx);

async fn plan(
    app: &App,
    ctx: &Ctx,
    notice: &ProviderEvent,
    asked: &Asked,
    ids: (ReviewId, ReviewId),
) -> Result<Planned, Error> {
    let mut known = Known::read(app, notice).await?;
    if let Some(outcome) = known.outcome {
        return Ok((outcome.into(), app.tx()));
    }
    let kept = asked.kept.get_or_try_init(|| async { app.store.keep(&raw(notice)).await });
    let (_, mut user) = tokio::try_join!(kept, known.payer(app))?;
    match notice.fact {
        PaymentEvent::Foreign => return Ok(changing_nothing(app, notice, &known, EventOutcome::Foreign)),
        PaymentEvent::Unreadable { reason } => return suspense::unreadable(app, notice, &known, ids.0, reason).await,
        _ => {}
    }
    let Some(payment_id) = notice.payment_id.as_deref() else {
        return without_payment(app, notice, &known).await;
    };
    let mut payment = known.payment.as_deref().cloned().unwrap_or_else(|| Payment::new(notice.provider, payment_id));
    match &notice.fact {
        PaymentEvent::Captured { amount, at } => match confirmed(app, notice, asked, *amount, *at).await? {
            Some((amount, at)) => payment.record_capture(amount, at),
            None => return Ok((Applied::default(), app.tx())),
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
        _ => return without_payment(app, notice, &known).await,
    }
    if known.payment.is_none() && known.order.is_none() && !matches!(notice.fact, PaymentEvent::Captured { .. }) {
        let named = known.learn_from_stripe(app, notice, asked, &mut payment).await?;
        user = known.payer(app).await?;
        let settings = app.settings::<PaymentSettings>().await?.settings;
        if named.is_some_and(|named| !named) && settings.foreign_payments == ForeignPayments::Ignore {
            return Ok(changing_nothing(app, notice, &known, EventOutcome::Foreign));
        }
    }
    let promotion = user.as_ref().and_then(|user| user.promotion.as_ref());
    let settlement = decide(known.order.as_deref(), &payment, promotion, notice.received_at)?;
    let odd = suspense::misfit(notice, &known, &mut payment, ids.1);
    let step = Step { app, ctx, notice, known: &known, payment, review: ids.0, odd };
    match settlement {
        CaptureOutcome::Credit(credited) => step.credit(user.as_ref(), &credited).await,
        CaptureOutcome::Confirms => step.confirm(user.as_ref()).await,
        CaptureOutcome::NetMayHaveChanged => step.reverse(user.as_ref()).await,
        CaptureOutcome::NotCaptured => Ok(step.note(EventOutcome::Noted)),
        CaptureOutcome::Review(reason) => step.put_to_review(reason),
    }
}

/// Stored state of an event, its payment, order and review item.
struct Known {
    /// Outcome of the event, if it was applied before.
    outcome: Option<EventOutcome>,
    payment: Option<Versioned<Payment>>,
    order: Option<Versioned<Order>>,
    review: Option<Versioned<Review>>,
    /// Review of the payment's facts that do not fit.
    misfit: Option<Versioned<Review>>,
}

impl Known {
    async fn read(app: &App, notice: &ProviderEvent) -> Result<Self, Fault> {
        let event = ProviderEventRecord::key(notice.provider, &notice.event_id);
        let payment = notice.payment_id.as_deref().map(|id| Payment::key(notice.provider, id));
        let order = notice.order.map(Order::key);
        let (event, payment, order) = app.store.read((event, payment, order)).await?;
        let kept = payment.as_ref().and_then(|payment| payment.outcome_of(&notice.event_id));
        let outcome = event.map(|event| event.outcome).or(kept);
        let mut known = Self { outcome, payment, order, review: None, misfit: None };
        if known.outcome.is_some() {
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
            if let Some(misfit) = payment.misfit {
                known.misfit = app.store.get(&Review::key(misfit)).await?;
            }
        }
        Ok(known)
    }

    /// The user of the order.
    async fn payer(&self, app: &App) -> Result<Option<Versioned<User>>, Fault> {
        match &self.order {
            Some(order) => app.store.get(&User::key(order.user)).await,
            None => Ok(None),
        }
    }

    /// Fetches an unknown payment intent from Stripe to learn its capture and order (R4.7).
    ///
    /// True if the intent names an order of ours; `None` if nothing is known. If Stripe can't be reached, the facts are kept on
    /// the payment until its own event arrives.
    async fn learn_from_stripe(
        &mut self,
        app: &App,
        notice: &ProviderEvent,
        asked: &Asked,
        payment: &mut Payment,
    ) -> Result<Option<bool>, Fault> {
        let (Some(stripe), Some(id)) = (&app.providers.stripe, notice.payment_id.as_deref()) else { return Ok(None) };
        if notice.provider != Provider::Stripe {
            return Ok(None);
        }
        let intent = asked.intent.get_or_init(|| async { stripe.payment_intent(id).await.ok() }).await;
        let Some(intent) = intent.as_ref().filter(|intent| intent.succeeded && intent.livemode == stripe.livemode())
        else {
            return Ok(None);
        };
        payment.record_capture(intent.received, Some(intent.taken_at));
        if let Some(order) = intent.names.order() {
            self.order = app.store.get(&Order::key(order)).await?;
        }
        Ok(Some(intent.names.ours()))
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
        return Err(Fault::unavailable("zpay query", "not configured").into());
    };
    let query = || async {
        let found = zpay.query_trade(trade).await;
        let found = found.map_err(|why| Fault::unavailable("zpay query", why))?;
        let same = found.filter(|found| found.paid && found.trade_no == trade && found.order() == notice.order);
        Ok::<_, Fault>(same.and_then(|found| Some((found.money?, found.ended_at))))
    };
    Ok(*asked.confirmed.get_or_try_init(query).await?)
}

async fn without_payment(app: &App, notice: &ProviderEvent, known: &Known) -> Result<Planned, Error> {
    let mut tx = app.tx();
    let closing = match (&notice.fact, &known.order) {
        (PaymentEvent::NotPaid(status), Some(order)) if order.status == OrderStatus::Pending => Some((order, *status)),
        _ => None,
    };
    let noted = known.order.as_ref().filter(|_| closing.is_none());
    let noted = noted.and_then(|order| Some((order, under_way(order, &notice.fact)?)));
    let outcome = match (&closing, &noted) {
        (Some(_), _) => EventOutcome::Closed,
        (None, Some(_)) => EventOutcome::Noted,
        (None, None) => EventOutcome::Ignored,
    };
    tx.insert(&event(notice, outcome, known.order.as_deref(), None));
    if let Some((order, after)) = &noted {
        replace_order(app, &mut tx, order, after.clone()).await?;
    }
    if let Some((order, status)) = closing {
        let failed = status == OrderStatus::Failed;
        let failure = failed.then(|| Failure {
            code: FailureCode::ProviderRefused,
            detail: "The payment was not completed.".to_owned(),
        });
        let closed = Order { status, failure, under_way: None, ..(**order).clone() };
        replace_order(app, &mut tx, order, closed).await?;
        tx.send(Message::OrderClosed { order: order.id });
    }
    Ok((outcome.into(), tx))
}

/// Stores an event that changes nothing here, with its guard.
fn changing_nothing(app: &App, notice: &ProviderEvent, known: &Known, outcome: EventOutcome) -> Planned {
    let mut tx = app.tx();
    tx.insert(&event(notice, outcome, known.order.as_deref(), None));
    (outcome.into(), tx)
}

/// The order once an event told how its delayed payment stands; `None` if that is nothing new (R4.10).
///
/// A failure that was told before stands.
fn under_way(order: &Order, fact: &PaymentEvent) -> Option<Order> {
    let told = match fact {
        PaymentEvent::Processing if order.status != OrderStatus::Failed => Some(UnderWay::Processing),
        PaymentEvent::NotPaid(_) if order.is_processing() => None,
        _ => return None,
    };
    Some(order.saw(told)).filter(|after| after.under_way != order.under_way)
}

/// Plan of an event's writes, once its payment is matched.
struct Step<'a> {
    app: &'a App,
    ctx: &'a Ctx,
    notice: &'a ProviderEvent,
    known: &'a Known,
    payment: Payment,
    /// Id of a review of the payment's money, if one opens.
    review: ReviewId,
    /// Review that opens because a fact does not fit the payment.
    odd: Option<Review>,
}

impl Step<'_> {
    async fn credit(mut self, user: Option<&Versioned<User>>, credited: &Credited) -> Result<Planned, Error> {
        let (Some(order), Some(user)) = (&self.known.order, user) else {
            return Err(Fault::bug("an order without its user").into());
        };
        self.payment.order = Some(order.id);
        let (applied, mut tx) = self.marked(EventOutcome::Credited, None);
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
        Ok((applied, tx))
    }

    /// Fills in the payment id of an order completed by hand and credits nothing (R4.12).
    ///
    /// Earlier refunds of the payment are reversed now.
    async fn confirm(mut self, user: Option<&Versioned<User>>) -> Result<Planned, Error> {
        let Some(order) = &self.known.order else { return Err(Fault::bug("a confirmation of no order").into()) };
        let last = order.completed.map(|id| JournalRef { id, step: 0 });
        self.payment = Payment { order: Some(order.id), by_hand: true, last, ..self.payment };
        let told =
            Order { payment_id: Some(self.payment.id.clone()), completed: None, claimed: None, ..(**order).clone() };
        let (applied, mut tx) = self.marked(EventOutcome::AlreadyCredited, None);
        let reverse = Reverse { told: Some(told), ..self.reversing(order, user)? };
        reverse.write(self.app, self.ctx, &mut tx).await?;
        Ok((applied, tx))
    }

    /// Reverses the credited order if the payment's net or dispute state changed (R4.11).
    async fn reverse(mut self, user: Option<&Versioned<User>>) -> Result<Planned, Error> {
        let Some(order) = &self.known.order else { return Err(Fault::bug("a reversal of no order").into()) };
        let moved = Reversal::of(order, &self.payment)?.is_some();
        let outcome = match (moved, &self.notice.fact) {
            (true, _) => EventOutcome::Reversed,
            (false, PaymentEvent::Captured { .. }) => EventOutcome::AlreadyCredited,
            (false, _) => EventOutcome::Noted,
        };
        let (applied, mut tx) = self.marked(outcome, None);
        self.reversing(order, user)?.write(self.app, self.ctx, &mut tx).await?;
        Ok((applied, tx))
    }

    fn reversing<'b>(
        &'b self,
        order: &'b Versioned<Order>,
        user: Option<&'b Versioned<User>>,
    ) -> Result<Reverse<'b>, Error> {
        Ok(Reverse {
            order,
            told: None,
            user: user.ok_or_else(|| Fault::bug("an order without its user"))?,
            payment: (self.known.payment.as_ref(), self.payment.clone()),
            operator: Operator::System,
            actor: format!("provider:{}", self.notice.provider.as_str()),
            now: self.notice.received_at,
        })
    }

    /// Stores the payment's facts with the event's guard.
    fn note(mut self, outcome: EventOutcome) -> Planned {
        let (applied, mut tx) = self.marked(outcome, self.payment.review);
        if self.known.payment.as_deref() != Some(&self.payment) {
            tx.upsert(self.known.payment.as_ref(), &self.payment);
        }
        (applied, tx)
    }

    /// Transaction with the event's guard, and the review of a fact that does not fit. The guard may be the payment, which the caller
    /// has to write then.
    ///
    /// An event that moved nothing else has the outcome of that review.
    fn marked(&mut self, outcome: EventOutcome, review: Option<ReviewId>) -> Planned {
        let mut tx = self.app.tx();
        let moved_nothing = matches!(outcome, EventOutcome::Noted | EventOutcome::AlreadyCredited);
        let outcome = if self.odd.is_some() && moved_nothing { EventOutcome::Review } else { outcome };
        let odd = self.odd.as_ref().map(|odd| odd.id);
        let event = event(self.notice, outcome, self.known.order.as_deref(), review.or(odd));
        if let Some(apart) = self.payment.keep(event) {
            tx.insert(&apart);
        }
        let mut applied = Applied::from(outcome);
        if let Some(odd) = &self.odd {
            tx.insert(odd);
            tx.send(Message::ReviewOpened { review: odd.id });
            applied.opened.push((odd.id, odd.reason));
        }
        (applied, tx)
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
