//! Agency use cases (R8): shops, series, grants, assets, orders, the settlement of sales, and cash for commission.
//!
//! The caller is a [`Seller`](crate::agency::model::shop::Seller): an admin, or the agent of a shop, whose reach is that shop
//! and those below it. Anything out of reach is answered as not found.

pub mod assets;
pub mod audit;
pub mod grant_file;
pub mod grants;
pub mod model;
pub mod offer;
pub mod places;
pub mod preview;
pub mod queries;
pub mod request_cash;
pub mod sell;
pub mod settle;
pub mod shops;
pub mod table;
pub mod tighten;
pub mod view;
pub mod wallets;

use crate::agency::model::shop::{Reach, Shop};
use crate::app::App;
use ::table::item::Versioned;
use kernel::fault::Error;
use kernel::id::ShopId;
use kernel::refusal::Refusal;

/// Reads a shop in reach.
///
/// # Rejects
/// [`Refusal::NotFound`].
pub(crate) async fn shop_in(app: &App, reach: &Reach, id: ShopId) -> Result<Versioned<Shop>, Error> {
    let shop = app.store.get::<Shop>(&Shop::key(id)).await?;
    Ok(shop.filter(|shop| reach.holds(&shop.path)).ok_or(Refusal::NotFound)?)
}
