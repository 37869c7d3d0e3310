//! Agency lists: each caller sees its own shop and those below it (R8.1).

use std::collections::BTreeMap;

use crate::agency::model::asset::{Asset, AssetClaim, AssetIdentifier, AssetKind};
use crate::agency::model::commission_split::{Sales, ShopSales};
use crate::agency::model::grant::{Grant, GrantStatus};
use crate::agency::model::order::{AgencyOrder, LevelShare, PaidBy};
use crate::agency::model::series::Series;
use crate::agency::model::shop::{Reach, Shop, ShopPath};
use crate::agency::table::tree;
use crate::agency::table::{ALL_GRANTS, ASSETS, SALES, SERIES, SHOPS};
use crate::app::App;
use crate::payment::model::order::Order;
use kernel::fault::{Error, Fault};
use kernel::id::{AssetId, SeriesId, ShopId};
use kernel::refusal::Refusal;
use table::item::Versioned;
use table::list::Window;
use table::list::only;
use table::list::{ListSource, walk};
use table::spread::MonthlyList;
use table::store::Page;

/// List of the whole platform for an admin, of its own tree for an agent.
fn source(reach: &Reach, list: MonthlyList) -> ListSource {
    match reach {
        Reach::Platform => ListSource::Platform(list),
        Reach::Below(own) => ListSource::Owned(tree(list.name(), own)),
    }
}

/// Shops in reach, newest first.
///
/// # Errors
/// A fault if the database can't be reached.
pub async fn shops(app: &App, reach: &Reach, window: &Window) -> Result<Page<Shop>, Fault> {
    let all = window.walk(source(reach, SHOPS), *reach != Reach::Platform);
    walk(app, &all, |shop: &Shop| only(reach.holds(&shop.path) && window.holds(shop.created_at), shop)).await
}

/// Filter of grants; all given conditions apply.
#[derive(Debug, Clone, Default)]
pub struct GrantFilter {
    /// Grants to this shop.
    pub shop: Option<ShopId>,
    /// Grants of this series.
    pub series: Option<SeriesId>,
    /// Grants by this shop.
    pub allocator: Option<ShopId>,
    /// Grants in this state; `None` excludes deleted ones.
    pub status: Option<GrantStatus>,
}

impl GrantFilter {
    fn fits(&self, grant: &Grant) -> bool {
        let allocator = || grant.path.parent().and_then(|parent| parent.shop());
        self.shop.is_none_or(|shop| grant.path.shop() == Some(shop))
            && self.series.is_none_or(|series| grant.series == series)
            && self.allocator.is_none_or(|shop| allocator() == Some(shop))
            && match self.status {
                Some(status) => grant.terms.status == status,
                None => grant.terms.status != GrantStatus::Deleted,
            }
    }
}

/// Grants in reach.
///
/// # Errors
/// A fault if the database can't be reached.
pub async fn grants(app: &App, reach: &Reach, filter: &GrantFilter, window: &Window) -> Result<Page<Grant>, Fault> {
    let all = window.walk(source(reach, ALL_GRANTS), true);
    let fits = |grant: &Grant| reach.holds(&grant.path) && filter.fits(grant) && window.holds(grant.created_at);
    walk(app, &all, |grant: &Grant| only(fits(grant), grant)).await
}

/// Filter of assets, orders and commissions; all given conditions apply.
#[derive(Debug, Clone, Default)]
pub struct SaleFilter {
    /// By shop: of orders the selling one, of commissions the earning one.
    pub shop: Option<ShopId>,
    pub series: Option<SeriesId>,
    pub asset: Option<AssetId>,
    pub paid_by: Option<PaidBy>,
    /// Of assets: the printed identifier, whatever its dashes.
    pub identifier: Option<AssetIdentifier>,
}

impl SaleFilter {
    fn any(&self) -> bool {
        self.shop.is_some() || self.series.is_some() || self.asset.is_some() || self.paid_by.is_some()
    }

    fn fits_shop(&self, path: &ShopPath) -> bool {
        self.shop.is_none_or(|shop| path.shop() == Some(shop))
    }

    /// True if all conditions but the shop's hold.
    fn fits(&self, order: &AgencyOrder) -> bool {
        self.series.is_none_or(|series| order.series == series)
            && self.asset.is_none_or(|asset| order.asset == asset)
            && self.paid_by.is_none_or(|paid_by| order.paid_by == paid_by)
    }
}

/// Sales of a grant's series by its shop and those below.
///
/// # Errors
/// A fault if the database can't be reached.
pub async fn sales(app: &App, grant: &Grant) -> Result<Sales, Fault> {
    let Some(shop) = grant.path.shop() else { return Ok(Sales::default()) };
    let sold = app.store.get::<ShopSales>(&ShopSales::key(shop, grant.series)).await?;
    Ok(sold.map(|sold| sold.sales).unwrap_or_default())
}

/// Assets in reach.
///
/// # Errors
/// A fault if the database can't be reached.
pub async fn assets(app: &App, reach: &Reach, filter: &SaleFilter, window: &Window) -> Result<Page<Asset>, Fault> {
    let fits = |asset: &Asset| {
        let series = filter.series.is_none_or(|series| asset.series == series);
        reach.holds(&asset.path) && filter.fits_shop(&asset.path) && series && window.holds(asset.created_at)
    };
    if let Some(identifier) = &filter.identifier {
        return Ok(Page { items: identified(app, identifier).await?.into_iter().filter(fits).collect(), next: None });
    }
    let all = window.walk(source(reach, ASSETS), *reach != Reach::Platform || filter.any());
    walk(app, &all, |asset: &Asset| only(fits(asset), asset)).await
}

/// Assets with an identifier: at most one of each kind.
async fn identified(app: &App, identifier: &AssetIdentifier) -> Result<Vec<Asset>, Fault> {
    let folded = identifier.folded();
    let claims: Vec<_> = AssetKind::ALL.iter().map(|kind| AssetClaim::key(kind.as_str(), &folded)).collect();
    let claims = app.store.read(claims).await?;
    let keys: Vec<_> = claims.into_iter().flatten().map(|claim| Asset::key(claim.asset)).collect();
    Ok(app.store.read(keys).await?.into_iter().flatten().map(Versioned::into_inner).collect())
}

/// Agency orders in reach, newest first, each with its payment order.
///
/// # Errors
/// A fault if the database can't be reached.
pub async fn orders(
    app: &App,
    reach: &Reach,
    filter: &SaleFilter,
    window: &Window,
) -> Result<Page<(AgencyOrder, Option<Order>)>, Fault> {
    let page = sold(app, reach, filter, window).await?;
    let payments: Vec<_> = page.items.iter().map(|order| order.payment.map(Order::key)).collect();
    let payments = app.store.read(payments).await?.into_iter().map(|payment| payment.map(Versioned::into_inner));
    Ok(Page { items: page.items.into_iter().zip(payments).collect(), next: page.next })
}

/// Agency orders in reach, newest first, without their payment orders.
///
/// # Errors
/// A fault if the database can't be reached.
pub async fn sold(app: &App, reach: &Reach, filter: &SaleFilter, window: &Window) -> Result<Page<AgencyOrder>, Fault> {
    let all = window.walk(source(reach, SALES), *reach != Reach::Platform || filter.any());
    let fits = |order: &AgencyOrder| {
        reach.holds(&order.seller)
            && filter.fits_shop(&order.seller)
            && filter.fits(order)
            && window.holds(order.created_at)
    };
    walk(app, &all, |order: &AgencyOrder| only(fits(order), order)).await
}

/// Earnings of a shop in reach from an order.
#[derive(Debug, Clone, PartialEq)]
pub struct Earned {
    pub order: AgencyOrder,
    pub shop: ShopPath,
    pub share: LevelShare,
}

/// Earnings of shops in reach, newest first: a row per order and earning level.
///
/// # Errors
/// A fault if the database can't be reached.
pub async fn commissions(
    app: &App,
    reach: &Reach,
    filter: &SaleFilter,
    window: &Window,
) -> Result<Page<Earned>, Fault> {
    let all = window.walk(source(reach, SALES), true);
    walk(app, &all, |order: &AgencyOrder| {
        let fits = filter.fits(order) && window.holds(order.created_at);
        let shares = order.outcome.iter().filter(|_| fits).flat_map(|outcome| &outcome.shares);
        let rows = order.seller.upward().zip(shares);
        let earns = |share: &LevelShare| !share.one_time.is_zero() || !share.difference.is_zero();
        let seen = rows.filter(|(shop, share)| reach.holds(shop) && filter.fits_shop(shop) && earns(share));
        seen.map(|(shop, share)| Earned { order: order.clone(), shop, share: *share }).collect()
    })
    .await
}

/// Series: all for an admin; for an agent those granted to its shop, each with that grant.
///
/// # Errors
/// A fault if the database can't be reached.
pub async fn series(app: &App, reach: &Reach, window: &Window) -> Result<Page<(Series, Option<Grant>)>, Fault> {
    let Reach::Below(own) = reach else {
        let all = window.walk(ListSource::Platform(SERIES), false);
        let page = walk(app, &all, |series: &Series| only(window.holds(series.created_at), series)).await?;
        return Ok(Page { items: page.items.into_iter().map(|series| (series, None)).collect(), next: page.next });
    };
    let filter = GrantFilter { shop: own.shop(), ..GrantFilter::default() };
    let page = grants(app, reach, &filter, window).await?;
    let ids: Vec<SeriesId> = page.items.iter().map(|grant| grant.series).collect();
    let known = series_of(app, ids).await?;
    let with = |grant: Grant| Some((known.get(&grant.series)?.clone(), Some(grant)));
    Ok(Page { items: page.items.into_iter().filter_map(with).collect(), next: page.next })
}

/// One series, for an agent with the grant of its own shop.
///
/// # Rejects
/// `not_found`, for an agent also if its shop has no grant.
pub async fn one_series(app: &App, reach: &Reach, id: SeriesId) -> Result<(Series, Option<Grant>), Error> {
    let own = match reach {
        Reach::Platform => None,
        Reach::Below(path) => Some(Grant::key(id, path)),
    };
    let granted = own.is_some();
    let (series, grant) = app.store.read((Series::key(id), own)).await?;
    if granted && grant.is_none() {
        return Err(Refusal::NotFound.into());
    }
    Ok((series.ok_or(Refusal::NotFound)?.into_inner(), grant.map(Versioned::into_inner)))
}

/// Series by their ids; missing ones are left out.
///
/// # Errors
/// A fault if the database can't be reached.
pub async fn series_of(
    app: &App,
    ids: impl IntoIterator<Item = SeriesId>,
) -> Result<BTreeMap<SeriesId, Series>, Fault> {
    app.store.named(ids.into_iter().map(|id| (id, Series::key(id))).collect()).await
}

/// Shops by their ids; missing ones are left out.
///
/// # Errors
/// A fault if the database can't be reached.
pub async fn shops_of(app: &App, ids: impl IntoIterator<Item = ShopId>) -> Result<BTreeMap<ShopId, Shop>, Fault> {
    app.store.named(ids.into_iter().map(|id| (id, Shop::key(id))).collect()).await
}
