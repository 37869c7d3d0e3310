//! Payments of listed orders, read for the refunds that the orders do not store themselves (R4.12).

use std::collections::BTreeMap;

use crate::app::App;
use crate::payment::model::order::Order;
use crate::payment::model::payment::Payment;
use kernel::fault::Fault;
use kernel::id::OrderId;

/// Payments of those orders that have refunds.
///
/// One batch read per page, and none if no order has refunds.
///
/// # Errors
/// A fault if the database can't be reached, or an item does not decode.
pub async fn payments_of(
    app: &App,
    orders: impl IntoIterator<Item = &Order>,
) -> Result<BTreeMap<OrderId, Payment>, Fault> {
    let key = |order: &Order| {
        let id = order.payment_id.as_deref().filter(|_| order.status.is_captured() && order.has_refunds)?;
        Some((order.id, Payment::key(order.provider, id)))
    };
    app.store.named(orders.into_iter().filter_map(key).collect()).await
}
