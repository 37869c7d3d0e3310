//! Records a refund that was made elsewhere, such as at the gateway's own dashboard (R4.11, R4.12).
//!
//! A gateway lists no refunds, so the admin's word stands in for it. Stripe lists them: there the reference has to name one of
//! its refunds, and recording it adds the admin's reason.

use crate::account::model::user::User;
use crate::app::App;
use crate::operations::audit_log::by_admin;
use crate::payment::model::order::Order;
use crate::payment::model::payment::{Payment, Refund};
use crate::payment::model::refund::RefundRequest;
use crate::payment::refund_order::{Requested, part, payment_of};
use crate::payment::returns::read_returns;
use crate::payment::reverse::Reverse;
use kernel::fault::{Error, Fault};
use kernel::id::{OrderId, RefundId, UserId};
use kernel::ledger::Operator;
use kernel::money::PayMoney;
use kernel::provider::Provider;
use kernel::refusal::Refusal;
use table::context::Ctx;
use table::execute::Answered;
use table::item::Versioned;
use table::tx::Tx;

/// Command to record a refund that was made elsewhere.
#[derive(Debug, Clone)]
pub struct RecordRefund {
    pub order: OrderId,
    /// Amount as entered; `None` means all that can be refunded, or what Stripe says.
    pub amount: Option<String>,
    /// The gateway's reference; at Stripe the id of the refund.
    pub reference: String,
    pub reason: String,
    pub admin: UserId,
}

/// Records a refund and reverses the order accordingly, once per reference.
///
/// # Rejects
/// `not_found`; `nothing_to_refund`; 422 for an amount above what can be refunded, a reference that was used before, and one
/// that Stripe does not know.
pub async fn record_refund(app: &App, ctx: &Ctx, ask: &RecordRefund) -> Result<Answered<Requested>, Error> {
    let order = app.store.get::<Order>(&Order::key(ask.order)).await?.ok_or(Refusal::NotFound)?;
    if let (Provider::Stripe, Some(payment)) = (order.provider, order.payment_id.as_deref()) {
        read_returns(app, ctx, payment, Some(order.id)).await?;
    }
    let id = RefundId::new(app.ulid());
    app.execute(ctx, || plan(app, ctx, ask, id)).await
}

async fn plan(app: &App, ctx: &Ctx, ask: &RecordRefund, id: RefundId) -> Result<(Requested, Tx), Error> {
    let order = app.store.get::<Order>(&Order::key(ask.order)).await?.ok_or(Refusal::NotFound)?;
    let stored = payment_of(app, &order).await?.ok_or(Refusal::NothingToRefund)?;
    let mut payment = Payment::clone(&stored);
    let mut tx = app.tx();
    let amount = match order.provider {
        Provider::Stripe => claimed(ask, &mut payment, id)?,
        Provider::Zpay => given(app, ask, &mut payment, id)?,
    };
    let (reason, admin, at) = (ask.reason.clone(), ask.admin, app.clock.now());
    payment.requests.insert(id, RefundRequest { amount, reason, admin, at, failure: None });
    let audit = by_admin(app, ctx, ask.admin, "order.refund_recorded", ask.order.to_string());
    tx.insert(&audit.change(order.net().to_string(), format!("{id} {amount} {}", ask.reference)).because(&ask.reason));
    reverse(app, ctx, ask, &order, (&stored, payment), &mut tx).await?;
    Ok((Requested { order: ask.order, refund: id }, tx))
}

/// Amount of the Stripe refund named by the reference, which becomes the refund of this request.
fn claimed(ask: &RecordRefund, payment: &mut Payment, id: RefundId) -> Result<PayMoney, Refusal> {
    let wrong = |code, why: String| Refusal::field("/reference", code, why);
    let told = payment.refunds.get_mut(&ask.reference);
    let told = told.ok_or_else(|| wrong("unknown", "The id of a refund that Stripe lists, re_…".to_owned()))?;
    if told.request.is_some() {
        return Err(wrong("duplicate", "This refund is recorded already.".to_owned()));
    }
    if let Some(text) = &ask.amount
        && part("/amount", text, told.amount)? != told.amount
    {
        return Err(Refusal::field("/amount", "differs", format!("{}, as Stripe says", told.amount.amount())));
    }
    told.request = Some(id);
    Ok(told.amount)
}

/// Amount that the gateway gave back by the admin's word.
fn given(app: &App, ask: &RecordRefund, payment: &mut Payment, id: RefundId) -> Result<PayMoney, Error> {
    let left = payment.refundable()?.filter(|left| left.is_positive()).ok_or(Refusal::NothingToRefund)?;
    let amount = match &ask.amount {
        Some(text) => part("/amount", text, left)?,
        None => left,
    };
    let name = made_elsewhere(payment, &ask.reference)?;
    let refund = Refund { amount, failed: false, pending: false, at: Some(app.clock.now()), request: Some(id) };
    payment.record_refund(&name, refund)?;
    Ok(amount)
}

/// Id under which a payment keeps a refund that was made elsewhere.
///
/// # Rejects
/// 422 at `/reference` if the payment has it already.
pub(crate) fn made_elsewhere(payment: &Payment, reference: &str) -> Result<String, Refusal> {
    let id = format!("elsewhere:{reference}");
    match payment.refunds.contains_key(&id) {
        true => Err(Refusal::field("/reference", "duplicate", "This refund is recorded already.")),
        false => Ok(id),
    }
}

async fn reverse(
    app: &App,
    ctx: &Ctx,
    ask: &RecordRefund,
    order: &Versioned<Order>,
    (stored, payment): (&Versioned<Payment>, Payment),
    tx: &mut Tx,
) -> Result<(), Error> {
    let user = app.store.get::<User>(&User::key(order.user)).await?;
    let reverse = Reverse {
        order,
        told: None,
        user: user.as_ref().ok_or_else(|| Fault::bug("an order without its user"))?,
        payment: (Some(stored), payment),
        operator: Operator::Admin,
        actor: format!("admin:{}", ask.admin),
        now: app.clock.now(),
    };
    reverse.write(app, ctx, tx).await?;
    Ok(())
}
