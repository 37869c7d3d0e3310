//! Confirms a refund by hand after a person checked at the gateway (R4.11).
//!
//! For a Stripe order it calls Stripe again, which knows the result. A refund that a gateway refused can still be confirmed as
//! made: somebody may have made it there by hand.

use crate::account::model::user::User;
use crate::app::App;
use crate::operations::audit_log::by_admin;
use crate::payment::model::order::Order;
use crate::payment::model::payment::{Payment, Refund};
use crate::payment::refund_order::{Requested, carry_out, part, payment_of};
use crate::payment::reverse::Reverse;
use kernel::fault::{Error, Fault};
use kernel::id::{AuditId, OrderId, RefundId, UserId};
use kernel::ledger::Operator;
use kernel::money::{PayMoney, plain_decimal};
use kernel::provider::Provider;
use kernel::refusal::Refusal;
use table::context::Ctx;
use table::execute::Answered;
use table::item::Versioned;
use table::tx::Tx;

/// Command to record a refund's result, as seen at the gateway.
#[derive(Debug, Clone)]
pub struct ConfirmRefund {
    pub order: OrderId,
    pub refund: RefundId,
    /// Amount returned, as entered; `None` means the requested amount, zero means that no refund was made.
    pub amount: Option<String>,
    /// Evidence for the result.
    pub reason: String,
    pub admin: UserId,
}

/// Closes a requested refund, once.
///
/// # Rejects
/// `not_found`; `refund_closed` if its result is known; 422 for an amount above the requested one.
///
/// # Errors
/// `outcome_unknown` if Stripe did not answer.
pub async fn confirm_refund(app: &App, ctx: &Ctx, ask: &ConfirmRefund) -> Result<Answered<Requested>, Error> {
    let audit = AuditId::new(app.ulid());
    let done = app.execute(ctx, || plan(app, ctx, ask, audit)).await?;
    let order = app.store.get::<Order>(&Order::key(ask.order)).await?;
    if order.is_some_and(|order| order.provider == Provider::Stripe) {
        carry_out(app, ctx, done.answer, false).await?;
    }
    Ok(done)
}

async fn plan(app: &App, ctx: &Ctx, ask: &ConfirmRefund, audit: AuditId) -> Result<(Requested, Tx), Error> {
    let done = Requested { order: ask.order, refund: ask.refund };
    let order = app.store.get::<Order>(&Order::key(ask.order)).await?.ok_or(Refusal::NotFound)?;
    let stored = payment_of(app, &order).await?.ok_or(Refusal::NotFound)?;
    let request = stored.requests.get(&ask.refund).ok_or(Refusal::NotFound)?;
    let open = stored.open_request(ask.refund).is_some();
    let failed = order.provider == Provider::Zpay && !open && stored.refund_of(ask.refund).is_none();
    if !open && !failed {
        return Err(Refusal::RefundClosed.into());
    }
    let mut tx = app.tx();
    if order.provider == Provider::Stripe {
        return Ok((done, tx));
    }
    let given = match failed {
        true => Some(made_after_all(ask, &stored, request.amount)?),
        false => given(ask, request.amount)?,
    };
    let seen = given.map_or_else(|| "not made".to_owned(), |amount| amount.to_string());
    let record = by_admin(app, ctx, ask.admin, "order.refund_confirmed", ask.order.to_string());
    let record = record.change(format!("{} {}", ask.refund, request.amount), seen).because(&ask.reason);
    tx.insert(&crate::operations::model::audit_record::AuditRecord { id: audit, ..record });
    match given {
        Some(amount) => gave(app, ctx, ask, &order, &stored, amount, &mut tx).await?,
        None => {
            let mut after = Payment::clone(&stored);
            if let Some(request) = after.requests.get_mut(&ask.refund) {
                request.failure = Some(ask.reason.clone());
            }
            tx.replace(&stored, &after);
        }
    }
    Ok((done, tx))
}

/// Amount returned; `None` if no refund was made.
fn given(ask: &ConfirmRefund, asked: PayMoney) -> Result<Option<PayMoney>, Refusal> {
    match &ask.amount {
        None => Ok(Some(asked)),
        Some(text) if plain_decimal(text, asked.currency().digits()).is_some_and(|amount| amount.is_zero()) => Ok(None),
        Some(text) => part("/amount", text, asked).map(Some),
    }
}

/// Amount of a refund that the gateway had refused; at most what can still be refunded.
fn made_after_all(ask: &ConfirmRefund, stored: &Payment, asked: PayMoney) -> Result<PayMoney, Error> {
    let left = stored.refundable()?.ok_or(Refusal::NothingToRefund)?.least(asked)?;
    match given(ask, left)? {
        Some(amount) if amount.is_positive() => Ok(amount),
        Some(_) => Err(Refusal::NothingToRefund.into()),
        None => Err(Refusal::RefundClosed.into()),
    }
}

/// Records the gateway's refund on the payment and reverses the order accordingly.
async fn gave(
    app: &App,
    ctx: &Ctx,
    ask: &ConfirmRefund,
    order: &Versioned<Order>,
    stored: &Versioned<Payment>,
    amount: PayMoney,
    tx: &mut Tx,
) -> Result<(), Error> {
    let user = app.store.get::<User>(&User::key(order.user)).await?;
    let now = app.clock.now();
    let mut payment = Payment::clone(stored);
    let refund = Refund { amount, failed: false, pending: false, at: Some(now), request: Some(ask.refund) };
    payment.record_refund(&ask.refund.to_string(), refund)?;
    if let Some(request) = payment.requests.get_mut(&ask.refund) {
        request.failure = None;
    }
    let reverse = Reverse {
        order,
        told: None,
        user: user.as_ref().ok_or_else(|| Fault::bug("an order without its user"))?,
        payment: (Some(stored), payment),
        operator: Operator::Admin,
        actor: format!("admin:{}", ask.admin),
        now,
    };
    reverse.write(app, ctx, tx).await?;
    Ok(())
}
