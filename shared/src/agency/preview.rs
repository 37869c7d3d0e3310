//! Preview of a sale: its price, the payment required before anything else, and what each level would earn (R8.7, R8.9, R8.10).
//!
//! It makes the order and settles it by the functions that do so for a sale, and writes nothing.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use crate::agency::assets::asset_in;
use crate::agency::model::asset::Asset;
use crate::agency::model::commission_split::{Sales, ShopSales};
use crate::agency::model::grant::Grant;
use crate::agency::model::order::{AgencyOrder, Paid, PaidBy, Scene, cause, settle};
use crate::agency::model::series::Series;
use crate::agency::model::settings::AgencySettings;
use crate::agency::model::shop::{Reach, Shop};
use crate::agency::model::wallet::Wallet;
use crate::agency::sell::{Draft, Offered, SaleRequest};
use crate::app::App;
use crate::payment::credit_order::header;
use kernel::fault::{Error, Fault};
use kernel::id::{AgencyOrderId, AssetId, ShopId, UserId};
use kernel::ledger::Operator;
use kernel::money::{Currency, LedgerMoney};
use table::context::Ctx;

/// Everything that a sale for an asset and its earnings depend on.
pub struct SaleDesk {
    offered: Offered,
    /// Sales of each level, from the selling shop up.
    sales: Vec<Sales>,
    /// Shops of the levels.
    pub shops: BTreeMap<ShopId, Shop>,
    /// Currency of the agency.
    pub currency: Currency,
}

/// A sale that was not made.
#[derive(Debug, Clone, PartialEq)]
pub struct SalePreview {
    /// Smallest payment required; `None` if none is.
    pub required: Option<Decimal>,
    /// Price of the order.
    pub price: Decimal,
    /// The order as it would be once settled.
    pub order: AgencyOrder,
}

impl SalePreview {
    /// True if the price reaches the required payment.
    pub fn allowed(&self) -> bool {
        self.required.is_none_or(|required| self.price >= required)
    }
}

impl SaleDesk {
    /// Reads what a sale for an asset in reach depends on.
    ///
    /// # Rejects
    /// `not_found`; `grant_disabled`.
    pub async fn read(app: &App, reach: &Reach, asset: AssetId) -> Result<Self, Error> {
        let currency = app.settings::<AgencySettings>().await?.settings.currency;
        let asset = asset_in(app, reach, asset).await?;
        let ids: Vec<ShopId> = asset.path.upward().filter_map(|path| path.shop()).collect();
        let sales: Vec<_> = ids.iter().map(|shop| ShopSales::key(*shop, asset.series)).collect();
        let shops: BTreeMap<ShopId, _> = ids.iter().map(|shop| (*shop, Shop::key(*shop))).collect();
        let named = async { Ok::<_, Error>(app.store.read((sales, shops)).await?) };
        let (offered, (sales, shops)) = tokio::try_join!(Offered::of(app, asset), named)?;
        Ok(Self {
            offered,
            sales: sales.into_iter().map(|of| of.map_or_else(Sales::default, |of| of.sales)).collect(),
            shops: shops.into_iter().map(|(id, shop)| (id, shop.into_inner())).collect(),
            currency,
        })
    }

    /// The asset.
    pub fn asset(&self) -> &Asset {
        &self.offered.asset
    }

    /// Its series.
    pub fn series(&self) -> &Series {
        &self.offered.series
    }

    /// The selling shop's grant.
    pub fn grant(&self) -> Option<&Grant> {
        self.offered.grants.first()
    }

    /// Money that the selling shop has to spend.
    pub fn money(&self) -> LedgerMoney {
        self.offered.wallet.as_ref().map_or(LedgerMoney::zero(self.currency), |wallet| wallet.main.balance())
    }

    /// Smallest payment required before anything else.
    pub fn required(&self) -> Option<Decimal> {
        self.offered.required()
    }

    /// The sale, if it were paid now.
    ///
    /// # Rejects
    /// 422 for packages that the shop does not sell.
    pub fn preview(&self, app: &App, by: UserId, wanted: &SaleRequest, paid_by: PaidBy) -> Result<SalePreview, Error> {
        let (price, packages) = self.offered.priced(wanted)?;
        let (id, at) = (AgencyOrderId::new(app.ulid()), app.clock.now());
        let draft = Draft { id, by, paid_by, payment: None, currency: self.currency, at };
        let order = self.offered.order(price, packages, draft)?;
        let required = self.offered.required();
        if price.is_zero() {
            return Ok(SalePreview { required, price, order });
        }
        let wallets = order.shops().map(|shop| Wallet::new(shop, self.currency)).collect();
        let (asset, sales) = (Asset::clone(&self.offered.asset), self.sales.clone());
        let header = header(app, &Ctx::system(), cause(id), Operator::System, "preview".to_owned(), at);
        let scene = Scene { order, asset, sales, wallets, postings: Vec::new() };
        let settled = settle(scene, Paid { at, net: price }, header).map_err(Fault::bug)?;
        Ok(SalePreview { required, price, order: settled.order })
    }
}
