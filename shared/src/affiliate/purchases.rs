//! Queries of the purchases that a service key reported (R2.6).

use crate::account::model::external::ExternalId;
use crate::affiliate::model::purchase::Purchase;
use crate::affiliate::report_purchase::id_of;
use crate::app::App;
use kernel::fault::{Error, Fault};
use kernel::id::ServiceKeyId;
use kernel::refusal::Refusal;
use table::item::Versioned;
use table::key::owned_by;
use table::list::Window;
use table::store::{Index, Page, Query};

/// Reads a purchase by the backend's own id.
///
/// # Rejects
/// [`Refusal::NotFound`] unless this key reported it.
pub async fn purchase(app: &App, key: ServiceKeyId, external_order_id: &str) -> Result<Purchase, Error> {
    let external = ExternalId::parse(external_order_id).ok_or(Refusal::NotFound)?;
    let purchase = app.store.get::<Purchase>(&Purchase::key(id_of(app, key, &external))).await?;
    Ok(purchase.map(Versioned::into_inner).ok_or(Refusal::NotFound)?)
}

/// Lists one page of the purchases that a key reported, by the time of the first report, newest first.
///
/// # Errors
/// Fails if the database cannot be reached, or an item does not decode.
pub async fn purchases(app: &App, key: ServiceKeyId, window: &Window) -> Result<Page<Purchase>, Fault> {
    let newest = Query::newest(Index::Owner, owned_by("PURCHASES", key), window.limit);
    let page = app.store.list::<Purchase>(&Query { after: window.after.clone(), ..newest }).await?;
    Ok(Page { items: page.items.into_iter().map(Versioned::into_inner).collect(), next: page.next })
}
