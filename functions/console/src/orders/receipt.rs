//! The receipt of a paid order, to be printed: who paid whom, when, what for, and what went back since.

use axum::extract::Path;
use axum::response::Response;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use maud::{Markup, html};
use shared::account::model::identity::Email;
use shared::kernel::id::OrderId;

use super::order::Shown;
use super::{refunds, sum};
use crate::frame::{self, Head};
use crate::parts::time;
use crate::visit::{Arrival, Instead, Visit, redirect};

/// Symbols of an order's id that number its receipt: its random part, which no two orders share.
const SYMBOLS: usize = 16;

/// Number of an order's receipt: the year of the payment and the end of the order's id.
fn number(order: OrderId, paid_at: Timestamp) -> String {
    let id = order.to_string();
    let end = id.get(id.len().saturating_sub(SYMBOLS)..).unwrap_or(&id).to_uppercase();
    format!("{}-{end}", paid_at.to_zoned(TimeZone::UTC).year())
}

/// The page; an order that was not paid leads to its own page, which says why.
pub async fn receipt(arrival: Arrival, Path(id): Path<String>) -> Result<Response, Instead> {
    let (visit, shown) = Shown::beside(arrival, &id).await?;
    let (text, visitor) = (&visit.text, visit.signed_in()?);
    let Some(paid_at) = shown.view.paid_at else {
        return Ok(redirect(&shown.path()));
    };
    let head = Head {
        title: text.receipt().to_string(),
        lead: html! { span.mono.small.break { (number(shown.view.id, paid_at)) } },
        aside: html! { a.btn.slim href=(shown.path()) { (text.back()) } },
    };
    let email = visitor.user.email.as_ref().map(Email::as_str);
    let main = html! {
        div.cols {
            div.stack {
                (parties(&visit, email, &shown, paid_at))
                (refunds(&visit, &shown.view))
            }
            aside.stack { (sum(&visit, &shown.view, shown.is_top_up())) }
        }
    };
    Ok(frame::headed(&visit, visitor, &head, &main))
}

fn parties(visit: &Visit, email: Option<&str>, shown: &Shown, paid_at: Timestamp) -> Markup {
    let text = &visit.text;
    let order = &shown.view;
    html! {
        section.card aria-labelledby="payment" {
            header { h2 #payment { (text.payment_of()) } }
            div.in {
                dl.sum {
                    dt { (text.receipt_from()) } dd { (visit.brand.settings.name) }
                    @if let Some(email) = email { dt { (text.receipt_to()) } dd.break { (email) } }
                    dt { (text.receipt_paid_at()) } dd { (time(visit.language, paid_at)) }
                    dt { (text.receipt_for()) } dd { @if shown.is_top_up() { (text.receipt_top_up()) } @else { (text.receipt_shop()) } }
                    dt { (text.order()) } dd.mono.small.break { (order.id) }
                    @if let Some(payment) = &shown.order.payment_id { dt { (text.receipt_payment()) } dd.mono.small.break { (payment) } }
                }
                p.muted.small { (text.receipt_print()) }
            }
        }
    }
}
