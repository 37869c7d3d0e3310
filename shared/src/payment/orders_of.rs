//! A user's orders, and an order as its user sees it (R4.12).

use crate::app::App;
use crate::payment::model::order::Order;
use crate::payment::pay_page::with_pay_url;
use crate::payment::payments_of::payments_of;
use crate::payment::view::OrderView;
use kernel::fault::{Error, Fault};
use kernel::id::UserId;
use table::item::Versioned;
use table::key::owned_by;
use table::store::{Cursor, Index, Page, Query};

/// One page of a user's orders, newest first.
///
/// # Errors
/// A fault if the database can't be reached, or an item does not decode.
pub async fn orders_of(app: &App, user: UserId, limit: i32, after: Option<Cursor>) -> Result<Page<Order>, Fault> {
    let newest = Query::newest(Index::Owner, owned_by("ORDERS", user), limit);
    let page = app.store.list::<Order>(&Query { after, ..newest }).await?;
    Ok(Page { items: page.items.into_iter().map(Versioned::into_inner).collect(), next: page.next })
}

/// Orders with their pay URLs and refunds, as their user sees them.
///
/// # Errors
/// A fault if the database can't be reached, or an item does not decode.
pub async fn views(app: &App, orders: &[Order]) -> Result<Vec<OrderView>, Error> {
    let payments = payments_of(app, orders).await?;
    let one = |order: &Order| Ok(OrderView::try_from(&with_pay_url(app, order))?.with_refunds(payments.get(&order.id)));
    orders.iter().map(one).collect()
}

/// One order with its pay URL and refunds, as its user sees it.
///
/// # Errors
/// A fault if the database can't be reached, or an item does not decode.
pub async fn view(app: &App, order: &Order) -> Result<OrderView, Error> {
    let views = views(app, std::slice::from_ref(order)).await?;
    views.into_iter().next().ok_or_else(|| Fault::bug("one order is none").into())
}
