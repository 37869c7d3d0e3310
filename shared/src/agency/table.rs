//! Storage of shops, grants, assets and sales.

use kernel::id::{AgencyOrderId, AssetId, GrantId, SeriesId, ShopId};
use kernel::key_part::KeyPart;
use table::key::owned_by;
use table::records;
use table::spread::MonthlyList;

use crate::agency::model::asset::{Asset, AssetClaim};
use crate::agency::model::commission_split::ShopSales;
use crate::agency::model::grant::{Grant, GrantPlace, GrantStatus};
use crate::agency::model::order::AgencyOrder;
use crate::agency::model::series::{Series, SeriesCode};
use crate::agency::model::shop::{Shop, ShopPath};
use crate::agency::model::wallet::{AgencyBegun, Wallet};

/// Shops, of the whole platform.
pub const SHOPS: MonthlyList = MonthlyList::new("SHOPS");
/// Series, of the whole platform.
pub const SERIES: MonthlyList = MonthlyList::new("SERIES");
/// Grants of series to shops, of the whole platform.
pub const ALL_GRANTS: MonthlyList = MonthlyList::new("GRANTS");
/// Assets, of the whole platform.
pub const ASSETS: MonthlyList = MonthlyList::new("ASSETS");
/// Sales, of the whole platform.
pub const SALES: MonthlyList = MonthlyList::new("AGENCYORDERS");

records! {
    /// Marks the first movement of agency money, after which its currency is fixed (R9.1).
    AgencyBegun = "agency_begun" {
        fn key() = "AGENCY", "AGENCY";
        at |_it| AgencyBegun::key();
    }

    /// A shop of the tree (R8.1).
    Shop = "shop" {
        fn key(id: ShopId) = "SHOP#{id}", "SHOP";
        at |it| Shop::key(it.id);
        owner |it| Some((tree("SHOPS", &it.path), it.id.to_string()));
        platform |it| Some(SHOPS.entry(it.created_at, it.id));
    }

    /// A shop's accounts: money to spend, commission earned, and what is held of it for cash (R8.12).
    Wallet = "wallet" {
        fn key(shop: ShopId) = "SHOP#{shop}", "WALLET";
        at |it| Wallet::key(it.shop);
    }

    /// Sales of a shop and those below it in a series, which select the tiers (R8.8).
    ShopSales = "shop_sales" {
        fn key(shop: ShopId, series: SeriesId) = "SHOP#{shop}", "SALES#{series}";
        at |it| ShopSales::key(it.shop, it.series);
    }

    /// A series with its packages and commission; the bound of level 1 (R8.2).
    Series = "series" {
        fn key(id: SeriesId) = "SERIES#{id}", "SERIES";
        at |it| Series::key(it.id);
        platform |it| Some(SERIES.entry(it.created_at, it.id));
    }

    /// Claim of a series' code: one series per code.
    SeriesCode = "series_code" {
        fn key(code: &str) = "SERIESCODE#{code}", "SERIES";
        at |it| SeriesCode::key(&it.code);
    }

    /// A shop's grant of a series with its packages (R8.3).
    ///
    /// A deleted grant moves to a key of its own, so that the shop can be granted the series again (R8.6).
    Grant = "grant" {
        fn key(series: SeriesId, shop: &ShopPath) = "SERIES#{series}", "GRANT#{shop}";
        fn deleted_key(series: SeriesId, id: GrantId) = "SERIES#{series}", "DELETED#{id}";
        at |it| match it.terms.status {
            GrantStatus::Deleted => Grant::deleted_key(it.series, it.id),
            _ => Grant::key(it.series, &it.path),
        };
        owner |it| Some((tree("GRANTS", &it.path), it.id.to_string()));
        platform |it| Some(ALL_GRANTS.entry(it.created_at, it.id));
    }

    /// Location of a grant, by its id.
    GrantPlace = "grant_place" {
        fn key(id: GrantId) = "GRANT#{id}", "PLACE";
        at |it| GrantPlace::key(it.id);
    }

    /// An asset: its shop, balance, and progress towards its commission (R8.8).
    Asset = "asset" {
        fn key(id: AssetId) = "ASSET#{id}", "ASSET";
        at |it| Asset::key(it.id);
        owner |it| Some((tree("ASSETS", &it.path), it.id.to_string()));
        platform |it| Some(ASSETS.entry(it.created_at, it.id));
    }

    /// Claim of an identifier: one asset per kind and identifier, whatever its dashes.
    AssetClaim = "asset_claim" {
        fn key(kind: &str, identifier: &str) = "IDENTIFIER#{kind}#{identifier}", "ASSET";
        at |it| AssetClaim::key(it.kind.as_str(), &it.identifier.folded());
    }

    /// Snapshot of a sale and its payouts to the levels (R8.9–R8.11).
    AgencyOrder = "agency_order" {
        fn key(id: AgencyOrderId) = "AGENCYORDER#{id}", "ORDER";
        at |it| AgencyOrder::key(it.id);
        owner |it| Some((tree("AGENCYORDERS", &it.seller), it.id.to_string()));
        platform |it| Some(SALES.entry(it.created_at, it.id));
    }
}

/// Sort-key prefix of a series' grants; the shop's path follows.
pub const GRANTS: &str = "GRANT#";

/// Partition key of a list of one agency tree, by the level-1 shop of a path.
pub fn tree(list: &str, path: &ShopPath) -> String {
    let top = path.level_one().map(|shop| shop.to_string());
    owned_by(list, top.unwrap_or_default())
}

/// Partition key of a series and its grants.
pub fn series_of(series: SeriesId) -> String {
    format!("SERIES#{series}")
}

impl KeyPart for &ShopPath {
    type Part = String;

    fn part(self) -> String {
        self.to_string()
    }
}
