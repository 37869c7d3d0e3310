//! Series, shops and bounds above a new grant, for the page that makes it.

use crate::agency::model::grant::{Grant, GrantOffer};
use crate::agency::model::series::Series;
use crate::agency::model::shop::{Reach, Shop, ShopPath};
use crate::app::App;
use kernel::fault::Error;
use kernel::id::{SeriesId, ShopId};
use kernel::refusal::Refusal;
use table::item::Versioned;

/// A grant that may be made: its series, its shop and the shop above, and its bounds.
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
