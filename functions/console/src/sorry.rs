//! Pages of what was refused before it could lead back to a page of its own: 400, 403, 429, 503.

use axum::http::StatusCode;
use axum::response::Response;
use maud::html;

use crate::frame;
use crate::visit::{Visit, not_found};

/// The page of a form that the form adapter refused; or of a path that is none; the query chooses.
pub async fn sorry(visit: Visit) -> Response {
    let status = visit.asked("status").and_then(|status| status.parse::<u16>().ok());
    page(&visit, status.and_then(|status| StatusCode::from_u16(status).ok()).unwrap_or(StatusCode::FORBIDDEN))
}

/// The page of a refusal with this status, in one sentence, and where to go.
pub fn page(visit: &Visit, status: StatusCode) -> Response {
    if status == StatusCode::NOT_FOUND {
        return not_found(visit);
    }
    let text = &visit.text;
    let (status, title, todo) = match status.as_u16() {
        403 | 401 => (StatusCode::FORBIDDEN, text.forbidden(), text.forbidden_todo()),
        429 => (StatusCode::TOO_MANY_REQUESTS, text.too_many(), text.too_many_todo()),
        500..=599 => (StatusCode::SERVICE_UNAVAILABLE, text.unavailable(), text.too_many_todo()),
        _ => (StatusCode::BAD_REQUEST, text.malformed(), text.malformed_todo()),
    };
    let id = shared::table::request::request_id().unwrap_or_default();
    let main = html! {
        div.stack {
            p { (todo) }
            p.muted.small { (text.request_id(id)) }
            p { a.btn href="/" { (text.nav_home()) } }
        }
    };
    frame::message(visit, status, &title, main)
}
