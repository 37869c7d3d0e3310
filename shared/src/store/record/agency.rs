//! The nouns of the agency: where each is, and in which lists.

use crate::domain::agency::asset::{Asset, AssetClaim};
use crate::domain::agency::chain::ShopSales;
use crate::domain::agency::grant::{Grant, GrantPlace, GrantStatus};
use crate::domain::agency::order::AgencyOrder;
use crate::domain::agency::series::Series;
use crate::domain::agency::shop::Shop;
use crate::domain::agency::wallet::Wallet;
use crate::settings::AgencyBegun;
use crate::store::item::{Indexes, Record};
use crate::store::key::{Key, month_of, tree};

impl Record for AgencyBegun {
    const TYPE: &'static str = "agency_begun";
    fn key(&self) -> Key {
        Key::agency_begun()
    }
}

impl Record for Shop {
    const TYPE: &'static str = "shop";
    fn key(&self) -> Key {
        Key::shop(self.id)
    }
    fn indexes(&self) -> Indexes {
        Indexes {
            owner: Some((tree("SHOPS", &self.path), self.id.to_string())),
            platform: Some((month_of("SHOPS", self.created_at), self.id.to_string())),
            due: None,
        }
    }
}

impl Record for Wallet {
    const TYPE: &'static str = "wallet";
    fn key(&self) -> Key {
        Key::wallet(self.shop)
    }
}

impl Record for ShopSales {
    const TYPE: &'static str = "shop_sales";
    fn key(&self) -> Key {
        Key::shop_sales(self.shop, self.series)
    }
}

impl Record for Series {
    const TYPE: &'static str = "series";
    fn key(&self) -> Key {
        Key::series(self.id)
    }
    fn indexes(&self) -> Indexes {
        let list = (month_of("SERIES", self.created_at), self.id.to_string());
        Indexes { platform: Some(list), ..Indexes::default() }
    }
}

impl Record for Grant {
    const TYPE: &'static str = "grant";
    fn key(&self) -> Key {
        match self.terms.status {
            GrantStatus::Deleted => Key::deleted_grant(self.series, self.id),
            _ => Key::grant(self.series, &self.path),
        }
    }
    fn indexes(&self) -> Indexes {
        Indexes {
            owner: Some((tree("GRANTS", &self.path), self.id.to_string())),
            platform: Some((month_of("GRANTS", self.created_at), self.id.to_string())),
            due: None,
        }
    }
}

impl Record for GrantPlace {
    const TYPE: &'static str = "grant_place";
    fn key(&self) -> Key {
        Key::grant_place(self.id)
    }
}

impl Record for Asset {
    const TYPE: &'static str = "asset";
    fn key(&self) -> Key {
        Key::asset(self.id)
    }
    fn indexes(&self) -> Indexes {
        Indexes {
            owner: Some((tree("ASSETS", &self.path), self.id.to_string())),
            platform: Some((month_of("ASSETS", self.created_at), self.id.to_string())),
            due: None,
        }
    }
}

impl Record for AssetClaim {
    const TYPE: &'static str = "asset_claim";
    fn key(&self) -> Key {
        Key::asset_claim(self.kind.as_str(), self.identifier.as_str())
    }
}

impl Record for AgencyOrder {
    const TYPE: &'static str = "agency_order";
    fn key(&self) -> Key {
        Key::agency_order(self.id)
    }
    fn indexes(&self) -> Indexes {
        let id = self.id.to_string();
        Indexes {
            owner: Some((tree("AGENCYORDERS", &self.seller), id.clone())),
            platform: Some((month_of("AGENCYORDERS", self.created_at), id)),
            due: None,
        }
    }
}
