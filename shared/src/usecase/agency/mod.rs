//! The agency's verbs (R8): shops, series, grants, assets, orders, and how a sale is settled.
//!
//! Whoever acts is a [`Seller`](crate::domain::agency::shop::Seller): an admin, or the agent of a shop, who sees that shop and those
//! below it. What is out of reach is as if it were not there.

pub mod asset;
pub mod grant;
pub mod lower;
pub mod order;
pub mod see;
pub mod series;
pub mod settle;
pub mod shop;
pub mod wallet;

use crate::app::App;
use crate::domain::agency::shop::{Reach, Shop};
use crate::domain::id::ShopId;
use crate::domain::refusal::Refusal;
use crate::fault::Error;
use crate::store::item::Stored;
use crate::store::key::Key;

/// A shop in reach.
///
/// # Refuses
/// [`Refusal::NotFound`].
pub(super) async fn shop_in(app: &App, reach: &Reach, id: ShopId) -> Result<Stored<Shop>, Error> {
    let shop = app.store.get::<Shop>(&Key::shop(id)).await?;
    Ok(shop.filter(|shop| reach.holds(&shop.path)).ok_or(Refusal::NotFound)?)
}
