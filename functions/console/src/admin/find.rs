//! The field on every page of staff: it leads to the page of what was entered.

use axum::response::Response;
use maud::html;
use shared::account::model::identity::Email;
use shared::kernel::fault::Error;
use shared::operations::search::{by_email, by_invite, payments_named};
use shared::redemption::codes;
use shared::redemption::model::code_text::{CodeName, CodeText};

use super::menu::{self, Head};
use super::pages::{Staff, rule_of};
use super::users;
use crate::frame;
use crate::visit::{Visit, redirect};

/// Pages of things in the table of pages, by the prefix of their ids.
const PREFIXES: [(&str, &str); 12] = [
    ("ord_", "/admin/orders/{id}"),
    ("usr_", "/admin/users/{id}"),
    ("rvw_", "/admin/reviews/{id}"),
    ("wdr_", "/admin/withdrawals/{id}"),
    ("pbt_", "/admin/payout-batches/{id}"),
    ("bat_", "/admin/batches/{id}"),
    ("shp_", "/admin/shops/{id}"),
    ("ser_", "/admin/series/{id}"),
    ("grt_", "/admin/grants/{id}"),
    ("ast_", "/admin/assets/{id}"),
    ("ago_", "/admin/sales/{id}"),
    ("whe_", "/admin/webhooks/{id}"),
];

/// The page of the thing with this id, if there is one.
pub fn page_of(id: &str) -> Option<String> {
    let (_, page) = PREFIXES.iter().find(|(prefix, _)| id.starts_with(prefix))?;
    rule_of(page).map(|_| page.replace("{id}", id))
}

/// Finds the page of what was entered.
pub async fn find(staff: Staff) -> Response {
    let visit = &staff.0;
    let asked = visit.asked("q").unwrap_or_default().trim().chars().take(300).collect::<String>();
    match page_for(visit, &asked).await {
        Ok(Some(page)) => redirect(&page),
        Ok(None) => nothing(&staff, &asked),
        Err(error) => frame::error(visit, error),
    }
}

/// By id, by e-mail, by redemption code, by invite code, else by the provider's id of a payment.
async fn page_for(visit: &Visit, asked: &str) -> Result<Option<String>, Error> {
    let is_id = asked.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if asked.is_empty() {
        return Ok(None);
    }
    if let Some(page) = page_of(asked).filter(|_| is_id) {
        return Ok(Some(page));
    }
    if let Some(email) = Email::parse(asked) {
        return Ok(by_email(&visit.app, &email).await?.map(|user| users::page_of(&user)));
    }
    if let Some(code) = CodeText::parse(asked)
        && (code.has_our_form() || is_brought(visit, &code).await?)
    {
        return Ok(Some(format!("/admin/codes/{}", code.as_str())));
    }
    let invite = asked.to_uppercase();
    if invite.len() <= 32
        && let Some(owner) = by_invite(&visit.app, &invite).await?
    {
        return Ok(Some(users::page_of(&owner)));
    }
    let payment = payments_named(&visit.app, asked).await?.into_iter().next();
    Ok(payment.and_then(|payment| match (payment.order, payment.review) {
        (Some(order), _) => page_of(&order.to_string()),
        (None, Some(review)) => page_of(&review.to_string()),
        (None, None) => None,
    }))
}

/// True if a text that does not look like one of ours is a code that was brought.
async fn is_brought(visit: &Visit, code: &CodeText) -> Result<bool, Error> {
    match codes::find(&visit.app, &CodeName::Text(code.clone())).await {
        Ok(_) => Ok(true),
        Err(Error::Refused(_)) => Ok(false),
        Err(fault) => Err(fault),
    }
}

/// The page that says what can be looked for.
fn nothing(staff: &Staff, asked: &str) -> Response {
    let text = &staff.0.text;
    let head = Head { title: text.find_nothing().to_string(), ..Head::default() };
    let main = html! {
        section.card aria-label=(head.title) {
            div.in.stack-s {
                @if !asked.is_empty() { p.break { strong { (asked) } } }
                p { (text.find_what()) }
                ul {
                    li { (text.find_ids()) }
                    li { (text.find_emails()) }
                    li { (text.find_codes()) }
                    li { (text.find_payments()) }
                }
            }
        }
    };
    menu::page(staff, &head, &main)
}
