//! An order's file: everything the operator can know about an order (R4.12).

use crate::account::model::user::User;
use crate::app::App;
use crate::payment::events_of::events_of;
use crate::payment::model::event::{ProviderEventRecord, RawEvent};
use crate::payment::model::order::Order;
use crate::payment::model::payment::Payment;
use crate::payment::model::receipt::Receipt;
use kernel::fault::Fault;
use kernel::id::OrderId;
use table::item::Versioned;

/// Most events of one file, the oldest; one batch read fetches all their raw bodies, the user and the receipt.
const EVENTS: usize = 98;

/// An order with its user, payment and events.
#[derive(Debug)]
pub struct OrderFile {
    pub order: Order,
    pub user: Option<User>,
    /// The provider's payment, once known.
    pub payment: Option<Payment>,
    /// The numbered receipt, once issued.
    pub receipt: Option<Receipt>,
    /// Provider events, oldest first, each with its raw body while that is kept.
    pub events: Vec<(ProviderEventRecord, Option<String>)>,
}

/// Reads an order's file; `None` if the order does not exist.
///
/// # Errors
/// A fault if the database can't be reached, or an item does not decode.
pub async fn order_file(app: &App, id: OrderId) -> Result<Option<OrderFile>, Fault> {
    let Some(order) = app.store.get::<Order>(&Order::key(id)).await? else { return Ok(None) };
    let (mut events, payment) = events_of(app, &order).await?;
    events.truncate(EVENTS);
    let raw: Vec<_> = events.iter().map(|event| RawEvent::key(event.provider, &event.id)).collect();
    let (user, raw, receipt) = app.store.read((User::key(order.user), raw, Receipt::key(id))).await?;
    let bodies = raw.into_iter().map(|raw| raw.map(|raw| raw.into_inner().body));
    Ok(Some(OrderFile {
        order: order.into_inner(),
        user: user.map(Versioned::into_inner),
        payment: payment.map(Versioned::into_inner),
        receipt: receipt.map(Versioned::into_inner),
        events: events.into_iter().zip(bodies).collect(),
    }))
}
