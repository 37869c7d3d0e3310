//! The agency over HTTP: shops, series, grants, assets, orders and wallets (R8).
//!
//! Every route takes a [`shared::agency::model::shop::Seller`]: an admin, or the agent of a shop, who sees that shop and those below.

pub mod asset;
pub mod grant;
pub mod order;
pub mod package;
pub mod series;
pub mod shop;
pub mod wallet;
mod wire;

use std::sync::Arc;

use shared::app::App;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The variables that it can't do without, besides those that every function has.
pub const NEEDS: [&str; 2] = ["REWARD_QUEUE_URL", "STATISTICS_QUEUE_URL"];

/// The routes of the agency.
pub fn api() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(shop::shops, shop::create))
        .routes(routes!(shop::shop, shop::change))
        .routes(routes!(series::all, series::create))
        .routes(routes!(series::one, series::change))
        .routes(routes!(package::all, package::create))
        .routes(routes!(package::change))
        .routes(routes!(grant::grants, grant::create))
        .routes(routes!(grant::grant, grant::change, grant::delete))
        .routes(routes!(grant::change_packages))
        .routes(routes!(grant::set_retail))
        .routes(routes!(asset::assets, asset::create))
        .routes(routes!(asset::asset, asset::change))
        .routes(routes!(asset::purchase_check))
        .routes(routes!(asset::recharge_check))
        .routes(routes!(order::orders, order::create))
        .routes(routes!(order::order))
        .routes(routes!(order::commissions))
        .routes(routes!(wallet::wallet))
        .routes(routes!(wallet::transfer))
}
