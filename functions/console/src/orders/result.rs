//! The page to which providers lead people back. It believes nothing of the query and credits nothing (C5.12).

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use maud::html;
use shared::account::browser;
use shared::app::App;
use shared::edge::cookies::{Cookies, SESSION};
use shared::kernel::fault::Error;
use shared::kernel::id::OrderId;
use shared::kernel::refusal::Refusal;
use shared::payment::cancel_order::own;

use crate::frame;
use crate::visit::{Visit, redirect, sign_in};

/// Names under which providers and our own links name the order.
const NAMES: [&str; 2] = ["order", "out_trade_no"];

/// Leads to the order's page; strangers are told to sign in, and that nothing is lost.
pub async fn result(State(app): State<Arc<App>>, visit: Visit) -> Response {
    let order = NAMES.iter().find_map(|name| visit.asked(name)).and_then(OrderId::parse);
    match find(&app, &visit, order).await {
        Ok(Found::Own(order)) => redirect(&format!("/orders/{order}")),
        Ok(Found::Unknown) => unknown(&visit),
        Ok(Found::Stranger) => stranger(&visit, order),
        Err(error) => frame::error(&visit, error),
    }
}

enum Found {
    Own(OrderId),
    Unknown,
    Stranger,
}

async fn find(app: &App, visit: &Visit, order: Option<OrderId>) -> Result<Found, Error> {
    let Some(cookie) = Cookies::of(&visit.headers).get(SESSION).map(str::to_owned) else { return Ok(Found::Stranger) };
    let Some(visitor) = browser::visitor(app, &cookie).await? else { return Ok(Found::Stranger) };
    let Some(order) = order else { return Ok(Found::Unknown) };
    match own(app, visitor.user.id, order).await {
        Ok(order) => Ok(Found::Own(order.id)),
        Err(Error::Refused(Refusal::NotFound)) => Ok(Found::Unknown),
        Err(error) => Err(error),
    }
}

fn stranger(visit: &Visit, order: Option<OrderId>) -> Response {
    let text = &visit.text;
    let next = order.map_or_else(|| "/orders".to_owned(), |order| format!("/orders/{order}"));
    let main = html! {
        div.stack {
            p { (text.result_stranger_todo()) }
            p { a.btn.go href=(sign_in(&next)) { (text.sign_in()) } }
        }
    };
    frame::message(visit, StatusCode::OK, &text.result_stranger(), main)
}

fn unknown(visit: &Visit) -> Response {
    let text = &visit.text;
    let main = html! {
        div.stack {
            p { (text.result_unknown_todo()) }
            p { a.btn.go href="/orders" { (text.all_orders()) } }
        }
    };
    frame::message(visit, StatusCode::OK, &text.result_unknown(), main)
}
