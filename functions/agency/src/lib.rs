//! The agency over HTTP: shops, series, grants, assets, orders and wallets (R8).
//!
//! Every route takes a [`shared::agency::model::shop::Seller`]: an admin, or a shop's agent, limited to that shop and those below.

pub mod asset;
pub mod grant;
pub mod order;
pub mod package;
pub mod series;
pub mod shop;
pub mod wallet;
mod wire;
pub mod withdrawal;

use std::sync::Arc;

use shared::app::App;
use shared::edge::api;
use shared::edge::openapi::{Api, Operation, Routes};

/// Environment variables required beyond those of every function.
pub const NEEDS: [&str; 3] = ["REWARD_QUEUE_URL", "MAIL_QUEUE_URL", "STATISTICS_QUEUE_URL"];

/// The routes of the agency.
pub fn api() -> Api<Arc<App>> {
    add(Api::new())
}

/// Their documentation.
pub fn operations() -> Vec<Operation> {
    add(Vec::new())
}

fn add<R: Routes<Arc<App>>>(routes: R) -> R {
    api![
        routes;
        shop::shops,
        shop::create,
        shop::shop,
        shop::change,
        series::all,
        series::create,
        series::one,
        series::change,
        package::all,
        package::create,
        package::change,
        grant::grants,
        grant::create,
        grant::grant,
        grant::change,
        grant::delete,
        grant::change_packages,
        grant::set_retail,
        asset::assets,
        asset::create,
        asset::asset,
        asset::change,
        asset::records,
        asset::purchase_check,
        asset::recharge_check,
        order::orders,
        order::create,
        order::order,
        order::commissions,
        wallet::wallet,
        wallet::records,
        wallet::transfer,
        withdrawal::ask,
        withdrawal::list,
        withdrawal::cancel,
    ]
}
