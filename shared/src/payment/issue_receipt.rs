//! Issues the numbered receipt of a paid order (R4.12).

use crate::account::model::access::Bearer;
use crate::account::model::user::User;
use crate::app::App;
use crate::operations::model::console::ConsoleSettings;
use crate::payment::model::order::Order;
use crate::payment::model::receipt::{Receipt, ReceiptCounter, ReceiptIssuer};
use kernel::fault::{Error, Fault};
use kernel::id::{OrderId, UserId};
use kernel::refusal::Refusal;
use kernel::year::Year;
use table::context::Ctx;
use table::execute::Answered;
use table::tx::Tx;

/// Issues the receipt of an order of the caller, with the next number of this year; one that was issued is answered again.
///
/// The receipt and the counter of the year are written together: a number belongs to a receipt or is not given yet.
///
/// # Rejects
/// `account_blocked`; `not_found` for another user's order; `order_not_paid` for one whose payment was not captured.
pub async fn issue_receipt(app: &App, ctx: &Ctx, by: &Bearer, order: OrderId) -> Result<Answered<Receipt>, Error> {
    app.execute(ctx, || plan(app, by, order)).await
}

async fn plan(app: &App, by: &Bearer, order: OrderId) -> Result<(Receipt, Tx), Error> {
    let now = app.clock.now();
    let year = Year::of(now);
    let settings = app.settings::<ConsoleSettings>().await?.settings;
    let keys = (User::key(by.user), Order::key(order), Receipt::key(order), ReceiptCounter::key(year));
    let (caller, order, receipt, counter) = app.store.read(keys).await?;
    caller.ok_or(Refusal::Unauthenticated)?.must_admit(by)?;
    let order = order.filter(|order| order.user == by.user).ok_or(Refusal::NotFound)?;
    let mut tx = app.tx();
    if let Some(issued) = receipt {
        return Ok((issued.into_inner(), tx));
    }
    if !order.status.is_captured() {
        return Err(Refusal::OrderNotPaid.into());
    }
    let number = counter.as_ref().map_or(0, |counter| counter.last).checked_add(1);
    let number = number.ok_or_else(|| Fault::bug("the receipts of a year have no more numbers"))?;
    let issuer = ReceiptIssuer::from(&*settings);
    let receipt = Receipt { order: order.id, user: order.user, year, number, issued_at: now, issuer };
    tx.insert(&receipt);
    tx.upsert(counter.as_ref(), &ReceiptCounter { year, last: number });
    Ok((receipt, tx))
}

/// Reads the receipt of an order of a user; `None` while none is issued.
///
/// # Errors
/// A fault when the database cannot be reached or an item does not decode.
pub async fn receipt_of(app: &App, user: UserId, order: OrderId) -> Result<Option<Receipt>, Fault> {
    let receipt = app.store.get::<Receipt>(&Receipt::key(order)).await?;
    Ok(receipt.map(|receipt| receipt.into_inner()).filter(|receipt| receipt.user == user))
}
