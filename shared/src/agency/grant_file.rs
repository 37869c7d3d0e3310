//! A grant with everything that a page about it shows, read in one call after its place.

use std::collections::BTreeMap;

use crate::agency::grants::key_of;
use crate::agency::model::commission_split::{Sales, ShopSales};
use crate::agency::model::grant::{Grant, GrantOffer, GrantPlace};
use crate::agency::model::series::Series;
use crate::agency::model::shop::{Reach, Shop};
use crate::app::App;
use kernel::fault::{Error, Fault};
use kernel::id::{GrantId, ShopId};
use kernel::refusal::Refusal;
use table::item::Versioned;

/// A grant, its series, its bounds, the shops of its path and its shop's sales.
#[derive(Debug, Clone, PartialEq)]
pub struct GrantFile {
    pub grant: Grant,
    pub series: Series,
    /// Bounds of its allocator, if that is in reach.
    pub ceiling: Option<GrantOffer>,
    /// Shops of its path that are in reach.
    pub shops: BTreeMap<ShopId, Shop>,
    /// Sales of the series by its shop.
    pub sales: Sales,
}

/// Reads a grant in reach, deleted or not, with what belongs to it.
///
/// # Rejects
/// `not_found`.
pub async fn grant_file(app: &App, reach: &Reach, id: GrantId) -> Result<GrantFile, Error> {
    let place = app.store.get::<GrantPlace>(&GrantPlace::key(id)).await?;
    let place = place.filter(|place| reach.holds(&place.path)).ok_or(Refusal::NotFound)?;
    let parent = place.path.parent().filter(|parent| reach.holds(parent));
    let above = parent.as_ref().map(|parent| Grant::key(place.series, parent));
    let paths = place.path.upward().filter(|path| reach.holds(path));
    let shops: BTreeMap<ShopId, _> = paths.filter_map(|path| path.shop()).map(|id| (id, Shop::key(id))).collect();
    let sales = place.path.shop().map(|shop| ShopSales::key(shop, place.series));
    let keys = (key_of(&place), Series::key(place.series), above, shops, sales);
    let (grant, series, above, shops, sales) = app.store.read(keys).await?;
    let missing = || Fault::bug("a grant that is not at its place");
    let series = series.ok_or_else(missing)?.into_inner();
    let is_platform = *reach == Reach::Platform && place.path.parent().is_none();
    Ok(GrantFile {
        grant: grant.ok_or_else(missing)?.into_inner(),
        ceiling: above.map(|above| above.offer()).or_else(|| is_platform.then(|| series.offer())),
        series,
        shops: shops.into_iter().map(|(id, shop)| (id, Versioned::into_inner(shop))).collect(),
        sales: sales.map(|sales| sales.sales).unwrap_or_default(),
    })
}
