//! The provider's payments of orders: what the orders' own items do not say of their refunds (R4.12).

use std::collections::BTreeMap;

use crate::app::App;
use crate::payment::model::order::Order;
use crate::payment::model::payment::Payment;
use kernel::fault::Fault;
use kernel::id::OrderId;

/// The payments of those orders that have refunds; one read for a page, and none without.
///
/// # Errors
/// When the database can't be reached, or an item does not decode.
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
