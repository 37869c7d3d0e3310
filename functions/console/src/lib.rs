//! The console's pages (C1–C4): HTML rendered on the server. Pages read; forms write, through the form adapter of the API's functions.

mod account;
mod affiliate;
mod brand;
pub mod files;
mod frame;
mod gate;
mod list;
mod parts;
mod redeem;
mod reset;
pub mod text;
mod user;
mod visit;
mod withdraw;

use std::sync::Arc;

use axum::Router;
use axum::routing::get;
use shared::app::App;
use shared::edge::openapi::Api;

/// Environment variables that this function needs, besides those that every function has.
pub const NEEDS: [&str; 0] = [];

/// Paths of the pages, as the router has them.
pub const PAGES: &[&str] = &[
    "/",
    "/sign-in",
    "/register",
    "/verify",
    "/home",
    "/records",
    "/reset",
    "/account",
    "/redeem",
    "/affiliate",
    "/affiliate/off",
    "/affiliate/withdraw",
    "/affiliate/withdraw/confirm",
    "/affiliate/withdrawals",
];

/// The pages; no part of the API's description.
pub fn api() -> Api<Arc<App>> {
    let pages = Router::new()
        .route("/", get(gate::begin))
        .route("/sign-in", get(gate::sign_in))
        .route("/register", get(gate::register))
        .route("/verify", get(gate::verify))
        .route("/home", get(user::home))
        .route("/records", get(user::records))
        .route("/reset", get(reset::reset))
        .route("/account", get(account::account))
        .route("/account/records.csv", get(account::records))
        .route("/redeem", get(redeem::redeem))
        .route("/affiliate", get(affiliate::affiliate))
        .route("/affiliate/off", get(affiliate::off))
        .route("/affiliate/withdraw", get(withdraw::withdraw))
        .route("/affiliate/withdraw/confirm", get(withdraw::confirm))
        .route("/affiliate/withdrawals", get(withdraw::withdrawals))
        .route("/static/{name}", get(brand::sheet))
        .route("/static/{hash}/{name}", get(files::file))
        .route("/robots.txt", get(files::robots))
        .fallback(visit::no_page)
        .layer(axum::middleware::from_fn(visit::preferences));
    Api::new().pages(pages)
}
