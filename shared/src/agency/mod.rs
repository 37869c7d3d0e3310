//! The agency's verbs (R8): shops, series, grants, assets, orders, and how a sale is settled.
//!
//! Whoever acts is a [`Seller`](crate::agency::model::shop::Seller): an admin, or the agent of a shop, who sees that shop and those
//! below it. What is out of reach is as if it were not there.

pub mod assets;
pub mod audit;
pub mod grants;
pub mod model;
pub mod offer;
pub mod queries;
pub mod sell;
pub mod settle;
pub mod shops;
pub mod table;
pub mod tighten;
pub mod wallets;

use crate::agency::model::shop::{Reach, Shop};
use crate::app::App;
use ::table::item::Versioned;
use kernel::fault::Error;
use kernel::id::ShopId;
use kernel::refusal::Refusal;

/// A shop in reach.
///
/// # Refuses
/// [`Refusal::NotFound`].
pub(crate) async fn shop_in(app: &App, reach: &Reach, id: ShopId) -> Result<Versioned<Shop>, Error> {
    let shop = app.store.get::<Shop>(&Shop::key(id)).await?;
    Ok(shop.filter(|shop| reach.holds(&shop.path)).ok_or(Refusal::NotFound)?)
}
