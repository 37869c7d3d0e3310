//! Links that sign a browser in once (C8.2).

use std::sync::Arc;

use axum::Router;
use axum::extract::{RawQuery, State};
use axum::http::header::{CACHE_CONTROL, LOCATION, REFERRER_POLICY};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use form_urlencoded::Serializer;
use shared::account::browser_link::{BrowserLink, follow_link};
use shared::app::App;
use shared::edge::application::FormHost;
use shared::edge::cookies::{Cookies, SESSION};
use shared::edge::forms::SORRY;
use shared::edge::problem::Problem;
use shared::edge::sealed;
use shared::kernel::fault::{Error, Fault};

use super::forms;
use super::wire;

/// Path of the page that a link is followed at.
pub const ENTER: &str = "/enter";
/// Purpose of the sealed code of a link.
const LABEL: &str = "enter";
/// Header of a browser that only fetches ahead.
const PURPOSE: &str = "sec-purpose";

/// The route that links lead to.
pub fn router() -> Router<Arc<App>> {
    Router::new().route(ENTER, get(enter))
}

/// The link as the operator's backend gets it.
///
/// # Errors
/// A fault if it can't be sealed, which always works for short texts.
pub fn link(app: &App, link: &BrowserLink) -> Result<wire::BrowserLink, Fault> {
    let text = serde_json::to_vec(link).map_err(Fault::bug)?;
    let code = sealed::seal(&app.config.secret, LABEL, app.nonce(), &text).ok_or_else(|| Fault::bug("not sealed"))?;
    let url = format!("{}{ENTER}?code={code}", app.config.public_base_url);
    Ok(wire::BrowserLink { url, expires_at: link.until })
}

/// Signs a browser in by a link and leads it to the link's page, or to the sign-in page if the link is no longer good.
async fn enter(State(app): State<Arc<App>>, headers: HeaderMap, RawQuery(query): RawQuery) -> Response {
    // A browser that fetches ahead must not use the link up; it asks again when the user follows it.
    if headers.contains_key(PURPOSE) {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    let query = query.unwrap_or_default();
    let code = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "code").map(|(_, code)| code);
    let text = code.and_then(|code| sealed::open(&app.config.secret, LABEL, &code));
    let Some(link) = text.and_then(|text| serde_json::from_slice::<BrowserLink>(&text).ok()) else {
        return leading(&sign_in("/"));
    };
    match follow_link(&app, &link, Cookies::of(&headers).get(SESSION)).await {
        Ok(opened) => {
            let mut response = leading(&link.page);
            opened.iter().for_each(|opened| forms::keep(&mut response, opened));
            response
        }
        Err(Error::Refused(_)) => leading(&sign_in(&link.page)),
        Err(fault) => leading(&format!("{SORRY}?status={}", Problem::from(fault).status)),
    }
}

/// The sign-in page, which says that the link is no longer good and leads on to its page.
fn sign_in(next: &str) -> String {
    let query = Serializer::new(String::new()).append_pair("link", "over").append_pair("next", next).finish();
    format!("/sign-in?{query}")
}

/// A redirect that no cache keeps and that does not tell its own address, which has the code.
fn leading(to: &str) -> Response {
    let to = HeaderValue::from_str(to).unwrap_or(HeaderValue::from_static("/"));
    let no_store = HeaderValue::from_static("no-store");
    let headers =
        [(LOCATION, to), (CACHE_CONTROL, no_store), (REFERRER_POLICY, HeaderValue::from_static("no-referrer"))];
    (StatusCode::SEE_OTHER, headers).into_response()
}
