//! Small parts of the pages of agents: a form, a choice that leads on, links and names of shops.

use std::collections::BTreeMap;

use fluent_static::Message;
use maud::{Markup, html};
use shared::agency::model::shop::{Shop, ShopPath};
use shared::kernel::id::ShopId;

use super::desk::Desk;
use crate::parts::Field;
use crate::sidebar::Head;

/// A form that is sent to a route of the function `agency`.
pub struct Act<'a> {
    pub method: &'a str,
    pub route: &'a str,
    /// Page afterwards.
    pub done: &'a str,
    /// Code of the message there.
    pub said: &'a str,
}

/// A form with its fields and buttons, which comes back to its own page when it is refused.
pub fn form(desk: &Desk, act: &Act<'_>, fields: &Markup) -> Markup {
    let visit = &desk.visit;
    let done = desk.to(act.done);
    html! {
        form.stack.narrow method="post" action=(format!("/forms/agency{}", act.route)) {
            (visit.sealed(act.method, act.route, &done, &visit.with("", ""), Some(act.said)))
            (fields)
        }
    }
}

/// A field of one line.
pub fn field<'a>(id: &'a str, name: &'a str, label: &Message) -> Field<'a> {
    Field {
        id,
        name,
        label: html! { (label) },
        kind: "text",
        autocomplete: "off",
        hint: None,
        value: None,
        required: false,
        mono: false,
        show: None,
    }
}

/// One of some values, by value and name, with its error.
pub fn select(desk: &Desk, (id, name): (&str, &str), label: &Message, of: &[(String, String)], value: &str) -> Markup {
    let visit = &desk.visit;
    let pointer = format!("/{}", name.split(':').next().unwrap_or_default());
    let error = visit.error_at(&pointer).map(|code| visit.text.field_error(&pointer, code));
    let error_id = error.as_ref().map(|_| format!("{id}-error"));
    let value = visit.entered(name).unwrap_or(value);
    html! {
        div.field.wrong[error.is_some()] {
            label for=(id) { (label) }
            @if let (Some(error), Some(error_id)) = (&error, &error_id) {
                p.err id=(error_id) { span.hidden { (visit.text.error_mark()) " " } (error) }
            }
            select id=(id) name=(name) aria-invalid=[error.as_ref().map(|_| "true")] aria-describedby=[error_id.as_deref()] {
                @for (known, shown) in of { option value=(known) selected[known == value] { (shown) } }
            }
        }
    }
}

/// The head of a page.
pub fn head(title: &Message, lead: &Message) -> Head {
    Head { title: title.to_string(), lead: Some(html! { (lead) }), ..Head::default() }
}

/// Shops by their ids.
pub type Shops = BTreeMap<ShopId, Shop>;

/// Name of a shop; its id while it has none.
pub fn shop_name(shops: &Shops, id: Option<ShopId>) -> String {
    let name = id.map(|id| shops.get(&id).map_or_else(|| id.to_string(), |shop| shop.name.clone()));
    name.unwrap_or_default()
}

/// A shop as a link to its page.
pub fn shop_link(desk: &Desk, shops: &Shops, path: &ShopPath) -> Markup {
    let name = shop_name(shops, path.shop());
    html! {
        @match path.shop() {
            Some(id) => a.break href=(desk.to(&format!("/shop/shops/{id}"))) { (name) },
            None => (name),
        }
    }
}

/// Shops to choose from, with the levels between the desk's own and each as marks before its name.
pub fn shop_choices(desk: &Desk, shops: &[Shop]) -> Vec<(String, String)> {
    let mark = |shop: &Shop| "— ".repeat(shop.path.level().saturating_sub(desk.path.level()));
    in_order(shops).into_iter().map(|shop| (shop.id.to_string(), format!("{}{}", mark(shop), shop.name))).collect()
}

/// Shops in the order of their tree: each directly before those below it, those at one level by their age.
pub fn in_order(shops: &[Shop]) -> Vec<&Shop> {
    let mut all: Vec<&Shop> = shops.iter().collect();
    all.sort_by(|one, other| one.path.cmp(&other.path));
    all
}
