//! The table of the pages of agents. The authorization matrix walks the same table.

use std::sync::Arc;

use axum::Router;
use axum::routing::get;
use shared::app::App;

use super::{assets, grants, overview, prices, sales, sell, shops, wallet};

macro_rules! pages {
    ($($path:literal => $page:path;)*) => {
        /// Every page of agents.
        pub const PAGES: &[&str] = &[$($path),*];

        /// The pages.
        pub fn router() -> Router<Arc<App>> {
            Router::new()$(.route($path, get($page)))*
        }
    };
}

pages![
    "/shop" => overview::overview;
    "/shop/shops" => shops::list;
    "/shop/shops/new" => shops::new;
    "/shop/shops/{id}" => shops::show;
    "/shop/grants" => grants::list;
    "/shop/grants/new" => grants::new::new;
    "/shop/grants/{id}" => grants::show;
    "/shop/grants/{id}/terms" => grants::edit::terms;
    "/shop/grants/{id}/packages" => grants::edit::packages;
    "/shop/grants/{id}/delete" => grants::edit::delete;
    "/shop/prices" => prices::list;
    "/shop/prices/{id}/{package}" => prices::one;
    "/shop/assets" => assets::list;
    "/shop/assets/new" => assets::new;
    "/shop/assets/{id}" => assets::show;
    "/shop/sell" => sell::sell;
    "/shop/sales" => sales::list;
    "/shop/sales.csv" => sales::sales_file;
    "/shop/sales/{id}" => sales::show;
    "/shop/commissions" => sales::commissions;
    "/shop/commissions.csv" => sales::commissions_file;
    "/shop/wallet" => wallet::wallet;
    "/shop/wallet/withdraw" => wallet::withdraw;
    "/shop/wallet/withdrawals" => wallet::withdrawals;
];
