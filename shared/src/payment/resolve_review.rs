//! Resolves a review item (R4.12).
//!
//! An admin credits the money, marks it for refund, or closes the item without action. Each item is resolved once: by the first
//! admin, or by a later event that credits it.

use serde::{Deserialize, Serialize};

use crate::account::model::user::User;
use crate::app::App;
use crate::operations::audit_log::by_admin;
use crate::payment::credit_order::CreditOrder;
use crate::payment::model::credited::Credited;
use crate::payment::model::order::Order;
use crate::payment::model::payment::Payment;
use crate::payment::model::review::{Resolution, Review, ReviewState};
use kernel::fault::{Error, Fault};
use kernel::id::{OrderId, ReviewId, UserId};
use kernel::ledger::Operator;
use kernel::money::MoneyError;
use kernel::refusal::Refusal;
use table::context::Ctx;
use table::execute::Answered;
use table::item::Versioned;
use table::tx::Tx;

/// Resolution an admin chooses for a review item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReviewResolution {
    /// Credit the money to this order's user, by a new order.
    Credit(OrderId),
    /// Refund it at the provider; the item closes with the refund event.
    RefundDue,
    /// Take no action; the money stays on `suspense`.
    Ignore,
}

/// Command to resolve a review item.
#[derive(Debug, Clone)]
pub struct ResolveReview {
    pub review: ReviewId,
    pub decision: ReviewResolution,
    pub reason: String,
    pub admin: UserId,
}

/// Answer to a resolved review item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resolved {
    /// The item; read it for its current state.
    pub review: ReviewId,
}

/// Resolves a review item, once.
///
/// # Rejects
/// `not_found`; `review_closed`; 422 for an order that is unknown or in another currency, and for a resolution other than
/// `Ignore` on an item that holds no money.
pub async fn resolve_review(app: &App, ctx: &Ctx, ask: &ResolveReview) -> Result<Answered<Resolved>, Error> {
    let order = OrderId::new(app.ulid());
    app.execute(ctx, || plan(app, ctx, ask, order)).await
}

async fn plan(app: &App, ctx: &Ctx, ask: &ResolveReview, new: OrderId) -> Result<(Resolved, Tx), Error> {
    let review = app.store.get::<Review>(&Review::key(ask.review)).await?.ok_or(Refusal::NotFound)?;
    if review.state != ReviewState::Open {
        return Err(Refusal::ReviewClosed.into());
    }
    if ask.decision != ReviewResolution::Ignore && !review.reason.holds_money() {
        let why = "This item stands for no money of its own; it can only be ignored.";
        return Err(Refusal::field("/action", "no_money", why).into());
    }
    let mut tx = app.tx();
    let (state, order) = match ask.decision {
        ReviewResolution::Credit(named) => {
            credit(app, ctx, ask, &review, named, new, &mut tx).await?;
            (ReviewState::Credited, Some(new))
        }
        ReviewResolution::RefundDue => (ReviewState::RefundDue, None),
        ReviewResolution::Ignore => (ReviewState::Ignored, None),
    };
    let resolution = Resolution { reason: ask.reason.clone(), admin: ask.admin, at: app.clock.now(), order };
    tx.replace(&review, &Review { state, resolution: Some(resolution), ..Review::clone(&review) });
    let record = by_admin(app, ctx, ask.admin, "review.resolved", ask.review.to_string());
    let record = record.change(review.state.as_str(), state.as_str()).because(&ask.reason);
    tx.insert(&record);
    Ok((Resolved { review: ask.review }, tx))
}

/// Adds the paid transaction of a new order over the amount received, without bonus.
///
/// The money leaves `suspense`.
async fn credit(
    app: &App,
    ctx: &Ctx,
    ask: &ResolveReview,
    review: &Versioned<Review>,
    named: OrderId,
    new: OrderId,
    tx: &mut Tx,
) -> Result<(), Error> {
    let unknown = || Refusal::field("/order_id", "unknown", "An order of the user who is to be credited.");
    let like = app.store.get::<Order>(&Order::key(named)).await?.ok_or_else(unknown)?;
    if like.charge.currency() != review.received.currency() {
        let currency = review.received.currency();
        return Err(Refusal::field("/order_id", "currency", format!("An order in {currency}.")).into());
    }
    let keys = (User::key(like.user), Payment::key(review.provider, &review.payment_id));
    let (user, stored) = app.store.read(keys).await?;
    let user = user.ok_or_else(|| Fault::bug("an order without its user"))?;
    let stored = stored.ok_or_else(|| Fault::bug("a review of no payment"))?;
    let order = made(app, &like, review, new)?;
    let credited = credited(app, &order, &stored)?;
    let capture = CreditOrder {
        order: &order,
        known: None,
        user: &user,
        payment: Some((Some(&stored), Payment::clone(&stored))),
        review: Some(review),
        credited: &credited,
        operator: Operator::Admin,
        actor: format!("admin:{}", ask.admin),
        now: app.clock.now(),
    };
    capture.write(app, ctx, tx).await
}

/// A new order over the amount received, for the user and at the exchange rate of the given order.
///
/// # Errors
/// The amounts overflow.
pub(crate) fn made(app: &App, like: &Order, review: &Review, id: OrderId) -> Result<Order, MoneyError> {
    let now = app.clock.now();
    Ok(Order {
        id,
        provider: review.provider,
        method: if like.provider == review.provider { like.method.clone() } else { "review".to_owned() },
        amount: review.received,
        charge: review.received,
        credit: review.received.bought_at(like.exchange_rate, like.credit.currency())?,
        discount_rate: rust_decimal::Decimal::ONE,
        promotion: None,
        offered_bonus: None,
        coupon: None,
        pay_url: None,
        pay_signature: None,
        return_url: None,
        qr_content: None,
        failure: None,
        created_at: now,
        expires_at: now,
        looks: 0,
        under_way: None,
        paid_at: None,
        late: false,
        provider_ref: None,
        payment_id: None,
        bonus: None,
        amount_bonus: None,
        bonus_held: false,
        bonus_budget_month: None,
        left: None,
        has_refunds: false,
        completed: None,
        claimed: None,
        agency: None,
        client_ip: None,
        user_agent: None,
        request: None,
        status: crate::payment::model::order::OrderStatus::Pending,
        ..like.clone()
    })
}

/// Amounts with which such an order is credited.
///
/// # Errors
/// A bug, for a payment that took nothing.
pub(crate) fn credited(app: &App, order: &Order, payment: &Payment) -> Result<Credited, Error> {
    let nothing = || Fault::bug("a review of a payment that took nothing");
    let net = payment.net()?.ok_or_else(nothing)?;
    let paid_at = payment.captured.and_then(|capture| capture.at).unwrap_or_else(|| app.clock.now());
    Ok(Credited::without_bonus(order, payment, net, paid_at)?)
}
