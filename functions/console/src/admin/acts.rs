//! Small forms of the pages of staff: a field with its label, a form with its button, links to the pages of acts.

use fluent_static::Message;
use maud::{Markup, html};

use crate::parts::{Field, field};
use crate::visit::Visit;

/// A form that is sent to a route of the function `admin` or `agency`.
pub struct Act<'a> {
    pub method: &'a str,
    pub route: String,
    /// Page afterwards.
    pub done: String,
    /// Code of the message there.
    pub said: &'a str,
}

/// Address of the form of a route, by the function that has it.
pub fn action(route: &str) -> String {
    let function = match route.starts_with("/v1/admin/") {
        true => "admin",
        false => "agency",
    };
    format!("/forms/{function}{route}")
}

/// A form with one button.
pub fn form(visit: &Visit, act: &Act<'_>, fields: &Markup, button: &Message) -> Markup {
    let here = visit.with("", "");
    html! {
        form.stack-s method="post" action=(action(&act.route)) {
            (visit.sealed(act.method, &act.route, &act.done, &here, Some(act.said)))
            (fields)
            div.row { button.btn { (button) } }
        }
    }
}

/// A field for a text.
pub fn text_field<'a>(id: &'a str, name: &'a str, label: &str, hint: Option<String>, required: bool) -> Field<'a> {
    Field {
        id,
        name,
        label: html! { (label) },
        kind: "text",
        autocomplete: "off",
        hint,
        value: None,
        required,
        mono: false,
        show: None,
    }
}

/// A field for one line of text.
pub fn line(
    visit: &Visit,
    (id, name): (&str, &str),
    label: &Message,
    hint: Option<String>,
    value: Option<&str>,
) -> Markup {
    field(visit, &Field { value, ..text_field(id, name, label, hint, false) })
}

/// The field for a reason, which goes to the audit log.
pub fn reason(visit: &Visit) -> Markup {
    why(visit, &visit.text.reason_hint())
}

/// The field for a reason that the user is told, too.
pub fn reason_told(visit: &Visit) -> Markup {
    why(visit, &visit.text.reason_told_hint())
}

fn why(visit: &Visit, hint: &Message) -> Markup {
    let label = visit.text.reason();
    field(visit, &text_field("reason", "reason", &label, Some(hint.to_string()), true))
}

/// A checkbox behind its hidden `false`.
pub fn tick(visit: &Visit, (id, name): (&str, &str), label: &Markup, is_on: bool) -> Markup {
    let entered =
        visit.refused().filter(|flash| flash.values.contains_key(name)).map(|_| visit.entered(name) == Some("true"));
    html! {
        div.check {
            input type="hidden" name=(name) value="false";
            input id=(id) type="checkbox" name=(name) value="true" checked[entered.unwrap_or(is_on)];
            label for=(id) { (label) }
        }
    }
}

/// One of some values, by value and name.
pub fn choice(
    visit: &Visit,
    (id, name): (&str, &str),
    label: &Message,
    of: &[(String, String)],
    value: &str,
) -> Markup {
    let value = visit.entered(name).unwrap_or(value);
    html! {
        div.field {
            label for=(id) { (label) }
            select id=(id) name=(name) { @for (known, shown) in of { option value=(known) selected[known == value] { (shown) } } }
        }
    }
}

/// Names and values of a thing.
pub fn facts(all: &[(Message, Markup)]) -> Markup {
    html! { dl.sum { @for (name, value) in all { dt { (name) } dd.break { (value) } } } }
}
