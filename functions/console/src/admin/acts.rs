//! Small forms of the pages of staff: a field with its label, a form with its button, links to the pages of acts.

use fluent_static::Message;
use maud::{Markup, html};
use rust_decimal::Decimal;
use shared::account::adjust_balance::{said, signed_amount};
use shared::kernel::refusal::Refusal;

use crate::parts::{Field, field, pointer};
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
    Field { hint, required, ..Field::text(id, name, html! { (label) }) }
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

/// Amount of the adjustment that the query asks for; nothing while it has none, or no remark.
///
/// # Rejects
/// 422 at `/amount` and `/remark`.
pub fn asked_adjustment(visit: &Visit) -> Result<Option<Decimal>, Refusal> {
    let (Some(amount), Some(remark)) = (visit.asked("amount"), visit.asked("remark")) else { return Ok(None) };
    match (signed_amount("/amount", amount), said("/remark", remark)) {
        (Ok(amount), Ok(_)) => Ok(Some(amount)),
        (amount, remark) => Err(Refusal::Invalid([amount.err(), remark.err()].into_iter().flatten().collect())),
    }
}

/// The form of an adjustment, which leads to what it would do; `now` stands before its fields.
pub fn adjustment(visit: &Visit, now: &Markup, amount: &Message, remark_hint: &Message, back: &str) -> Markup {
    let text = &visit.text;
    html! {
        section.card {
            form.in.stack.narrow method="get" action=(visit.path) {
                (now)
                (line(visit, ("amount", "amount"), amount, Some(text.person_adjust_hint().to_string()), visit.asked("amount")))
                (line(visit, ("remark", "remark"), &text.person_adjust_remark(), Some(remark_hint.to_string()), visit.asked("remark")))
                div.row { button.btn.go { (text.person_adjust_next()) } a.btn.bare href=(back) { (text.back()) } }
            }
        }
    }
}

/// Amount and remark of the adjustment that the query asks for, as its route takes them.
pub fn adjustment_fields(visit: &Visit) -> Markup {
    html! {
        input type="hidden" name="amount" value=(visit.asked("amount").unwrap_or_default());
        input type="hidden" name="remark" value=(visit.asked("remark").unwrap_or_default());
    }
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

/// One of some values, by value and name, with its error.
pub fn choice(
    visit: &Visit,
    (id, name): (&str, &str),
    label: &Message,
    of: &[(String, String)],
    value: &str,
) -> Markup {
    let pointer = pointer(name);
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

/// Names and values of a thing.
pub fn facts(all: &[(Message, Markup)]) -> Markup {
    html! { dl.sum { @for (name, value) in all { dt { (name) } dd.break { (value) } } } }
}
