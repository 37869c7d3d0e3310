//! Provider events of an order (R4.9): those that its payment keeps, and those with an item of their own.

use crate::app::App;
use crate::payment::model::event::ProviderEventRecord;
use crate::payment::model::order::Order;
use crate::payment::model::payment::Payment;
use kernel::fault::Fault;
use table::item::Versioned;
use table::store::{Index, Query};

/// Reads an order's events, oldest first, and its payment, once known.
///
/// # Errors
/// A fault if the database can't be reached, or an item does not decode.
pub async fn events_of(
    app: &App,
    order: &Order,
) -> Result<(Vec<ProviderEventRecord>, Option<Versioned<Payment>>), Fault> {
    let newest = Query::newest(Index::Owner, format!("EVENTS#{}", order.id), 100);
    let apart = Query { descending: false, ..newest };
    let payment = order.payment_id.as_deref().map(|id| Payment::key(order.provider, id));
    let (apart, payment) = tokio::try_join!(app.store.all::<ProviderEventRecord>(apart), app.store.read(payment))?;
    let mut events: Vec<_> = apart.into_iter().map(Versioned::into_inner).collect();
    events.extend(payment.iter().flat_map(|payment| payment.kept_events()));
    events.sort_by_key(|event| event.received_at);
    Ok((events, payment))
}
