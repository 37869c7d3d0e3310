//! The receipt of a paid order, to be printed: its number, who paid whom, when, what for, and what went back since.

use axum::extract::Path;
use axum::response::Response;
use jiff::Timestamp;
use maud::{Markup, html};
use shared::account::model::identity::Email;
use shared::kernel::fault::{Error, Fault};
use shared::kernel::id::OrderId;
use shared::payment::issue_receipt::receipt_of;
use shared::payment::model::receipt::{Receipt, ReceiptIssuer};

use super::order::Shown;
use super::{refunds, sum};
use crate::frame::{self, Head};
use crate::parts::time;
use crate::visit::{Arrival, Instead, Visit, redirect};

/// The page; an order that was not paid leads to its own page, which says why.
///
/// Looking at it issues nothing: that is a form of its own, since a number is never given back.
pub async fn receipt(arrival: Arrival, Path(id): Path<String>) -> Result<Response, Instead> {
    let (app, user) = (arrival.app(), arrival.user());
    let issued = async {
        match OrderId::parse(&id) {
            Some(order) => receipt_of(&app, user, order).await,
            None => Ok::<_, Fault>(None),
        }
    };
    let (beside, issued) = tokio::join!(Shown::beside(arrival, &id), issued);
    let (visit, shown) = beside?;
    let issued = issued.map_err(|fault| frame::error(&visit, Error::from(fault)))?;
    let (text, visitor) = (&visit.text, visit.signed_in()?);
    let Some(paid_at) = shown.view.paid_at else {
        return Ok(redirect(&shown.path()));
    };
    let head = Head {
        title: text.receipt().to_string(),
        lead: html! {
            @match &issued {
                Some(receipt) => { span.mono.break { (receipt.reference()) } }
                None => { (text.receipt_none()) }
            }
        },
        aside: html! { a.btn.slim href=(shown.path()) { (text.back()) } },
    };
    let email = visitor.user.email.as_ref().map(Email::as_str);
    let main = html! {
        @if issued.is_none() { (make(&visit, &shown)) }
        div.cols {
            div.stack {
                (parties(&visit, email, &shown, paid_at, issued.as_ref()))
                (refunds(&visit, &shown.view))
            }
            aside.stack { (sum(&visit, &shown.view, shown.is_top_up())) }
        }
    };
    Ok(frame::headed(&visit, visitor, &head, &main))
}

/// *Make my receipt*: issues it, and leads back here.
fn make(visit: &Visit, shown: &Shown) -> Markup {
    let (route, here) = (shown.route("receipt"), format!("{}/receipt", shown.path()));
    html! {
        section.card.unprinted aria-label=(&*visit.text.receipt_make()) {
            div.in.stack-s {
                p { (visit.text.receipt_make_note()) }
                form method="post" action=(format!("/forms/payment{route}")) {
                    (visit.sealed("POST", &route, &here, &here, None))
                    button.btn.go { (visit.text.receipt_make()) }
                }
            }
        }
    }
}

fn parties(visit: &Visit, email: Option<&str>, shown: &Shown, paid_at: Timestamp, issued: Option<&Receipt>) -> Markup {
    let text = &visit.text;
    let order = &shown.view;
    html! {
        section.card aria-labelledby="payment" {
            header { h2 #payment { (text.payment_of()) } }
            div.in {
                dl.sum {
                    @match issued {
                        Some(receipt) => {
                            dt { (text.receipt_issued()) } dd { (time(visit.language, receipt.issued_at)) }
                            (issuer(visit, &receipt.issuer))
                        }
                        None => { (issuer(visit, &ReceiptIssuer::from(&*visit.brand.settings))) }
                    }
                    @if let Some(email) = email { dt { (text.receipt_to()) } dd.break { (email) } }
                    dt { (text.receipt_paid_at()) } dd { (time(visit.language, paid_at)) }
                    dt { (text.receipt_for()) } dd { @if shown.is_top_up() { (text.receipt_top_up()) } @else { (text.receipt_shop()) } }
                    dt { (text.order()) } dd.mono.small.break { (order.id) }
                    @if let Some(payment) = &shown.order.payment_id { dt { (text.receipt_payment()) } dd.mono.small.break { (payment) } }
                }
                p.muted.small.unprinted { (text.receipt_print()) }
            }
        }
    }
}

/// The operator's details: as they were when the receipt was issued, else as they are.
fn issuer(visit: &Visit, of: &ReceiptIssuer) -> Markup {
    let text = &visit.text;
    html! {
        dt { (text.receipt_from()) } dd.break { (of.name) }
        @if !of.address.is_empty() {
            dt { (text.receipt_address()) } dd.break { @for line in &of.address { div { (line) } } }
        }
        @if let Some(number) = &of.tax_number { dt { (text.receipt_tax_number()) } dd.break { (number) } }
    }
}
