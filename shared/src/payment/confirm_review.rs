//! Confirms that the money of a review item went back (R4.12).
//!
//! A gateway lists no refunds: there an admin confirms what they did or saw, with its reference. Stripe is asked. The money
//! leaves `suspense`, and the item closes as refunded.

use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::operations::audit_log::by_admin;
use crate::payment::credit_order::header;
use crate::payment::model::payment::{Payment, Refund};
use crate::payment::model::review::{Review, ReviewState};
use crate::payment::record_refund::made_elsewhere;
use crate::payment::returns::read_returns;
use kernel::fault::{Error, Fault};
use kernel::id::{ReviewId, UserId};
use kernel::ledger::{JournalEntry, Operator, PlatformAccount, PlatformLine};
use kernel::provider::Provider;
use kernel::refusal::Refusal;
use table::context::Ctx;
use table::execute::Answered;
use table::item::Versioned;
use table::tx::Tx;

/// Command to confirm the refund of a review item.
#[derive(Debug, Clone)]
pub struct ConfirmReview {
    pub review: ReviewId,
    /// The gateway's reference of the refund, or a note where it is recorded.
    pub reference: String,
    pub admin: UserId,
}

/// Answer to a confirmed review item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confirmed {
    /// The item; read it for its current state.
    pub review: ReviewId,
}

/// Closes a review item that awaits a refund, once.
///
/// # Rejects
/// `not_found`; `refund_not_due` for an open item; `review_closed`; 422 for a reference that was used before, and for an item
/// of Stripe whose money Stripe still holds.
pub async fn confirm_review(app: &App, ctx: &Ctx, ask: &ConfirmReview) -> Result<Answered<Confirmed>, Error> {
    let review = app.store.get::<Review>(&Review::key(ask.review)).await?.ok_or(Refusal::NotFound)?;
    if review.provider == Provider::Stripe && review.state == ReviewState::RefundDue {
        read_returns(app, ctx, &review.payment_id, review.order_id).await?;
    }
    app.execute(ctx, || plan(app, ctx, ask)).await
}

async fn plan(app: &App, ctx: &Ctx, ask: &ConfirmReview) -> Result<(Confirmed, Tx), Error> {
    let review = app.store.get::<Review>(&Review::key(ask.review)).await?.ok_or(Refusal::NotFound)?;
    let done = Confirmed { review: ask.review };
    let mut tx = app.tx();
    match (review.state, review.provider) {
        (ReviewState::RefundDue, Provider::Zpay) => {}
        // The event that was ingested from Stripe's answer has closed it.
        (ReviewState::Refunded, Provider::Stripe) => return Ok((done, tx)),
        (ReviewState::RefundDue, Provider::Stripe) => {
            let why = "Stripe has not given all of it back; refund it there first.";
            return Err(Refusal::field("/reference", "not_refunded", why).into());
        }
        (ReviewState::Open, _) => return Err(Refusal::RefundNotDue.into()),
        (ReviewState::Credited | ReviewState::Refunded | ReviewState::Ignored, _) => {
            return Err(Refusal::ReviewClosed.into());
        }
    }
    let stored = app.store.get::<Payment>(&Payment::key(review.provider, &review.payment_id)).await?;
    let stored = stored.ok_or_else(|| Fault::bug("a review of no payment"))?;
    let (now, id) = (app.clock.now(), made_elsewhere(&stored, &ask.reference)?);
    let mut payment = Payment::clone(&stored);
    let refund = Refund { amount: review.held(), failed: false, pending: false, at: Some(now), request: None };
    payment.record_refund(&id, refund)?;
    let net = payment.net()?.ok_or_else(|| Fault::bug("a review of a payment that took nothing"))?;
    let after = review.after(net);
    let moved = from_suspense(app, ctx, ask, &review, &after)?;
    tx.replace(&stored, &payment);
    tx.replace(&review, &Review { last: Some(moved.header.as_last()), ..after.clone() });
    tx.insert(&moved);
    let record = by_admin(app, ctx, ask.admin, "review.refund_confirmed", ask.review.to_string());
    tx.insert(&record.change(review.state.as_str(), after.state.as_str()).because(&ask.reference));
    Ok((done, tx))
}

/// Journal that takes what went back from `suspense`.
fn from_suspense(
    app: &App,
    ctx: &Ctx,
    ask: &ConfirmReview,
    review: &Versioned<Review>,
    after: &Review,
) -> Result<JournalEntry, Error> {
    let amount = review.held().minus(after.held())?.as_ledger();
    let lines = vec![
        PlatformLine::new(PlatformAccount::Provider(review.provider), amount),
        PlatformLine::new(PlatformAccount::Suspense, amount.negated()),
    ];
    let (cause, actor) = (format!("review:{}", review.id), format!("admin:{}", ask.admin));
    let first = header(app, ctx, cause, Operator::Admin, actor, app.clock.now());
    let header = review.last.map_or(first.clone(), |last| first.correcting(last));
    JournalEntry::of_house(header, lines).map_err(|error| Fault::bug(error.to_string()).into())
}
