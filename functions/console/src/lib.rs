//! The console's pages (C1–C4): HTML rendered on the server. Pages read; forms write, through the form adapter of the API's functions.
//!
//! The function of this crate serves those of users; `back-office` serves those of staff and agents.

mod account;
pub mod admin;
mod affiliate;
mod brand;
pub mod chart;
mod docs;
mod export;
mod factor;
pub mod files;
mod frame;
mod gate;
mod home;
mod invite;
mod list;
mod mails;
mod orders;
mod parts;
mod records;
mod redeem;
mod reset;
pub mod shop;
mod show;
pub mod showcase;
mod sidebar;
mod sold;
mod sorry;
mod statement;
mod svg;
pub mod text;
mod topup;
mod totals;
mod visit;
mod withdraw;
mod words;

use std::sync::Arc;

use axum::Router;
use axum::routing::get;
use shared::app::App;
use shared::edge::openapi::Api;

/// Environment variables that this function needs, besides those that every function has.
pub const NEEDS: [&str; 0] = [];

/// Paths of the users' pages, as the template has them: `{proxy+}` is whatever the router has below.
pub const PAGES: &[&str] = &[
    "/",
    "/sign-in",
    "/register",
    "/verify",
    "/home",
    "/records",
    "/top-up",
    "/top-up/{proxy+}",
    "/orders",
    "/orders/{proxy+}",
    "/payment/result",
    "/invite",
    "/invite/{proxy+}",
    "/sorry",
    "/reset",
    "/unsubscribe",
    "/account",
    "/account/{proxy+}",
    "/redeem",
    "/affiliate",
    "/affiliate/{proxy+}",
    "/confirm-password",
];

/// Paths of the pages of staff and agents.
pub const STAFF_PAGES: &[&str] = &["/admin", "/admin/{proxy+}", "/shop", "/shop/{proxy+}"];

/// The users' pages; no part of the API's description.
pub fn api() -> Api<Arc<App>> {
    let pages = Router::new()
        .route("/", get(gate::begin))
        .route("/sign-in", get(gate::sign_in))
        .route("/register", get(gate::register))
        .route("/verify", get(gate::verify))
        .route("/confirm-password", get(gate::confirm_password))
        .route("/home", get(home::home))
        .route("/records", get(records::records))
        .route("/reset", get(reset::reset))
        .route("/account", get(account::account))
        .route("/account/records.csv", get(account::records))
        .route("/account/second-factor", get(factor::page))
        .route("/account/mails", get(mails::page))
        .route("/unsubscribe", get(mails::unsubscribe))
        .route("/redeem", get(redeem::redeem))
        .route("/affiliate", get(affiliate::affiliate))
        .route("/affiliate/off", get(affiliate::off))
        .route("/affiliate/withdraw", get(withdraw::withdraw))
        .route("/affiliate/withdraw/confirm", get(withdraw::confirm))
        .route("/affiliate/withdrawals", get(withdraw::withdrawals))
        .route("/affiliate/statement", get(statement::page))
        .route("/affiliate/statement.csv", get(statement::csv))
        .route("/affiliate/statement.json", get(statement::proof))
        .route("/static/{name}", get(brand::sheet))
        .route("/top-up", get(topup::page))
        .route("/top-up/price", get(topup::price))
        .route("/orders", get(orders::list))
        .route("/orders/{id}", get(orders::show))
        .route("/orders/{id}/cancel", get(orders::cancel))
        .route("/orders/{id}/receipt", get(orders::receipt))
        .route("/orders/{id}/state", get(orders::state))
        .route("/payment/result", get(orders::result))
        .route("/invite", get(invite::page))
        .route("/invite/rewards", get(invite::rewards))
        .route("/invite/qr.svg", get(invite::qr))
        .route("/sorry", get(sorry::sorry))
        .route("/static/{hash}/{name}", get(files::file))
        .route("/robots.txt", get(files::robots))
        .route("/docs", get(docs::docs));
    Api::new().pages(framed(pages))
}

/// The pages of staff and agents; no part of the API's description.
pub fn staff_api() -> Api<Arc<App>> {
    Api::new().pages(framed(admin::pages::router().merge(shop::pages::router())))
}

/// Pages with what all of them have: the page of an unknown address, and the visitor's preferences.
fn framed(pages: Router<Arc<App>>) -> Router<Arc<App>> {
    pages.fallback(visit::no_page).layer(axum::middleware::from_fn(visit::preferences))
}
