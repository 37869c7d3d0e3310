//! The overview of staff.

use axum::response::Response;
use maud::html;

use super::menu::{self, Head};
use super::pages::Staff;

/// The overview.
pub async fn overview(staff: Staff) -> Response {
    let text = &staff.0.text;
    let head = Head { title: text.staff_overview().to_string(), ..Head::default() };
    menu::page(&staff, &head, &html! {})
}
