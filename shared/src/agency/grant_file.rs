//! Everything about one grant for the page that shows it: what stands above it, its series, its shops, its sales.

use crate::agency::grants::key_of;
use crate::agency::model::commission_split::{Sales, ShopSales};
use crate::agency::model::grant::{Grant, GrantOffer, GrantPlace};
use crate::agency::model::minimum_recharge::{Effective, effective};
use crate::agency::model::series::Series;
use crate::agency::model::shop::{Reach, Shop, ShopPath};
use crate::app::App;
use kernel::fault::{Error, Fault};
use kernel::id::{GrantId, SeriesId, ShopId};
use kernel::refusal::Refusal;
use table::item::Versioned;

/// A grant with what it stands under.
#[derive(Debug, Clone)]
pub struct GrantFile {
    pub grant: Grant,
    pub series: Series,
    /// The parent shop's grant; `None` at level 1, where the series is the bound.
    pub above: Option<Grant>,
    /// Shops of its path, from level 1 down.
    pub shops: Vec<Shop>,
    /// Sales of its shop and those below.
    pub sales: Sales,
}

impl GrantFile {
    /// Bounds of the grant: ceilings and lowest cost prices (R8.4).
    pub fn offer(&self) -> GrantOffer {
        self.above.as_ref().map_or_else(|| self.series.offer(), Grant::offer)
    }

    /// Effective forced recharge of its sales (R8.7).
    pub fn forced(&self) -> Effective {
        effective(&self.series.trigger, &self.series.forced, &self.grant.wanted().forced, false)
    }

    /// The shop that holds it.
    pub fn shop(&self) -> Option<&Shop> {
        self.shops.last()
    }

    /// The shop that granted it; `None` is the platform.
    pub fn allocator(&self) -> Option<&Shop> {
        self.shops.iter().rev().nth(1)
    }
}

/// Reads a grant in reach, deleted or not, in two steps.
///
/// # Rejects
/// `not_found`.
pub async fn grant_file(app: &App, reach: &Reach, id: GrantId) -> Result<GrantFile, Error> {
    let place = app.store.get::<GrantPlace>(&GrantPlace::key(id)).await?;
    let place = place.filter(|place| reach.holds(&place.path)).ok_or(Refusal::NotFound)?;
    let holder = place.path.shop().ok_or_else(|| Fault::bug("a grant of no shop"))?;
    let above = place.path.parent().map(|parent| Grant::key(place.series, &parent));
    let keys = (
        key_of(&place),
        Series::key(place.series),
        above,
        shops_on(&place.path).into_iter().map(Shop::key).collect::<Vec<_>>(),
        ShopSales::key(holder, place.series),
    );
    let (grant, series, above, shops, sales) = app.store.read(keys).await?;
    let missing = || Fault::bug("a grant that is not at its place");
    Ok(GrantFile {
        grant: grant.ok_or_else(missing)?.into_inner(),
        series: series.ok_or_else(missing)?.into_inner(),
        above: above.map(Versioned::into_inner),
        shops: shops.into_iter().flatten().map(Versioned::into_inner).collect(),
        sales: sales.map(|sold| sold.sales).unwrap_or_default(),
    })
}

/// A grant that may be made: its series, its shops, and its bounds.
#[derive(Debug, Clone)]
pub struct GrantDraft {
    pub series: Series,
    /// Shops of its path, from level 1 down.
    pub shops: Vec<Shop>,
    /// Bounds of the grant; `None` if the parent shop has no grant of the series.
    pub offer: Option<GrantOffer>,
    /// True if the shop has a grant of the series.
    pub is_granted: bool,
}

/// Reads what a new grant of a series to a shop in reach would stand under, in two steps.
///
/// # Rejects
/// `not_found`.
pub async fn grant_draft(app: &App, reach: &Reach, shop: ShopId, series: SeriesId) -> Result<GrantDraft, Error> {
    let (shop, series) = app.store.read((Shop::key(shop), Series::key(series))).await?;
    let shop = shop.filter(|shop| reach.holds(&shop.path)).ok_or(Refusal::NotFound)?.into_inner();
    let series = series.ok_or(Refusal::NotFound)?.into_inner();
    let parent = shop.path.parent();
    let keys = (
        Grant::key(series.id, &shop.path),
        parent.as_ref().map(|parent| Grant::key(series.id, parent)),
        parent.iter().flat_map(shops_on).map(Shop::key).collect::<Vec<_>>(),
    );
    let (here, above, parents) = app.store.read(keys).await?;
    let offer = match parent {
        None => Some(series.offer()),
        Some(_) => above.map(|above| above.offer()),
    };
    let shops = parents.into_iter().flatten().map(Versioned::into_inner).chain([shop]).collect();
    Ok(GrantDraft { series, shops, offer, is_granted: here.is_some() })
}

/// Ids of the shops of a path, from level 1 down.
fn shops_on(path: &ShopPath) -> Vec<ShopId> {
    let mut all: Vec<ShopId> = path.upward().filter_map(|path| path.shop()).collect();
    all.reverse();
    all
}
