//! Parts of pages: money, times, fields, alerts, drawings.

use fluent_static::Message;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use maud::{Markup, html};
use rust_decimal::Decimal;
use shared::edge::forms::Flash;
use shared::edge::view::Amount;
use shared::kernel::month::Month;

use crate::admin::pages::to_confirm;
use crate::text::Language;
use crate::visit::Visit;

/// An amount with all its digits: those after the second are smaller, and the number copies as one (C4.4).
pub fn money(amount: &Amount) -> Markup {
    html! { span.money { (digits(&amount.amount)) span.cur { (amount.currency) } } }
}

/// A signed amount.
pub fn change(amount: &Amount) -> Markup {
    let is_less = amount.amount.starts_with('-');
    html! {
        span.money.plus[!is_less] {
            @if !is_less { "+" }
            (digits(&amount.amount))
            span.cur { (amount.currency) }
        }
    }
}

fn digits(number: &str) -> Markup {
    let (sign, number) = number.strip_prefix('-').map_or(("", number), |rest| ("−", rest));
    let (whole, rest) = number.split_once('.').unwrap_or((number, ""));
    let (shown, small) = rest.split_at_checked(2).unwrap_or((rest, ""));
    html! {
        (sign) (grouped(whole))
        @if !rest.is_empty() { "." (shown) }
        @if !small.is_empty() { i { (small) } }
    }
}

/// Thousands divided by commas.
pub fn grouped(whole: &str) -> String {
    let place = |(index, digit): (usize, char)| {
        let left = whole.len().saturating_sub(index);
        let comma = index > 0 && left % 3 == 0;
        comma.then_some(',').into_iter().chain([digit])
    };
    whole.chars().enumerate().flat_map(place).collect()
}

/// A state by its tone: `ok`, `wait`, `bad`, `info`, `odd`, or nothing (C4.1).
pub fn badge((tone, name): &(&str, Message)) -> Markup {
    html! { span class=(format!("badge {tone}")) { (name) } }
}

/// A part of one as a number of percent.
pub fn percent(part: Decimal) -> String {
    part.saturating_mul(Decimal::ONE_HUNDRED).normalize().to_string()
}

/// Place of markup in a text.
pub const HERE: &str = "\u{fffc}";

/// A text around markup, which it names by [`HERE`]: where it stands is the language's to say.
pub fn around(text: &str, markup: &Markup) -> Markup {
    let (before, after) = text.split_once(HERE).unwrap_or((text, ""));
    html! { (before) (markup) (after) }
}

/// A count, grouped.
pub fn count(number: u64) -> String {
    grouped(&number.to_string())
}

/// A time in UTC, which the script shows in the browser's zone (C4.5).
pub fn time(language: Language, at: Timestamp) -> Markup {
    let form = match language {
        Language::English => "%-d %b %Y, %H:%M UTC",
        Language::Chinese => "%Y年%-m月%-d日 %H:%M UTC",
    };
    let shown = at.to_zoned(TimeZone::UTC).strftime(form).to_string();
    html! { time datetime=(at) data-local { (shown) } }
}

/// A day without its year.
pub fn day(language: Language, date: Date) -> String {
    let form = match language {
        Language::English => "%-d %b",
        Language::Chinese => "%-m月%-d日",
    };
    date.strftime(form).to_string()
}

/// A month, `November 2026`.
pub fn month(language: Language, month: Month) -> String {
    let form = match language {
        Language::English => "%B %Y",
        Language::Chinese => "%Y年%-m月",
    };
    month.first_day().strftime(form).to_string()
}

/// A field of a form: label, hint, error, input.
pub struct Field<'a> {
    pub id: &'a str,
    pub name: &'a str,
    pub label: Markup,
    pub kind: &'a str,
    pub autocomplete: &'a str,
    pub hint: Option<String>,
    pub value: Option<&'a str>,
    pub required: bool,
    pub mono: bool,
    /// Text of the button that shows what was typed.
    pub show: Option<String>,
}

impl<'a> Field<'a> {
    /// A field for a text that may be left out, without a hint.
    pub fn text(id: &'a str, name: &'a str, label: Markup) -> Self {
        Self {
            id,
            name,
            label,
            kind: "text",
            autocomplete: "off",
            hint: None,
            value: None,
            required: false,
            mono: false,
            show: None,
        }
    }
}

/// Kind of a field for a text per line; its entry is never kept.
pub const LINES: &str = "lines";

/// A field of a form, with its error if the form was refused for it.
pub fn field(visit: &Visit, field: &Field<'_>) -> Markup {
    let pointer = pointer(field.name);
    let error = visit.error_at(&pointer).map(|code| visit.text.field_error(&pointer, code));
    let (hint_id, error_id) = (format!("{}-hint", field.id), format!("{}-error", field.id));
    let described: Vec<&str> =
        [field.hint.as_ref().map(|_| &*hint_id), error.as_ref().map(|_| &*error_id)].into_iter().flatten().collect();
    let described = (!described.is_empty()).then(|| described.join(" "));
    // A code that may have letters, too, says so in its hint.
    let numeric = (field.autocomplete == "one-time-code" && field.hint.is_none()).then_some("numeric");
    html! {
        div.field.wrong[error.is_some()] {
            label for=(field.id) { (field.label) }
            @if let Some(hint) = &field.hint { p.hint id=(hint_id) { (hint) } }
            @if let Some(error) = &error {
                p.err id=(error_id) { span.hidden { (visit.text.error_mark()) " " } (error) }
            }
            @if field.kind == LINES {
                textarea.in-text.mono id=(field.id) name=(field.name) rows="4" autocomplete="off" spellcheck="false"
                    aria-invalid=[error.as_ref().map(|_| "true")] aria-describedby=[described] required[field.required] {}
            } @else {
                input.in-text.mono[field.mono] id=(field.id) name=(field.name) type=(field.kind) inputmode=[numeric]
                    autocomplete=(field.autocomplete) value=[visit.entered(field.name).or(field.value)]
                    aria-invalid=[error.as_ref().map(|_| "true")] aria-describedby=[described] required[field.required];
            }
            @if let Some(show) = &field.show {
                button.btn.slim type="button" data-show=(field.id) aria-pressed="false" hidden { (show) }
            }
        }
    }
}

/// Pointer of a field's value in the JSON body, by its typed name (C6.4).
pub fn pointer(name: &str) -> String {
    format!("/{}", name.split(':').next().unwrap_or_default().replace(['.', '['], "/").replace(']', ""))
}

/// Id of the field that a pointer names.
pub fn id_of(pointer: &str) -> String {
    pointer.trim_start_matches('/').replace('/', "-")
}

/// The summary of what is wrong, with a link to each field that the page has (C4.7).
pub fn alert(visit: &Visit, flash: &Flash, main: &Markup) -> Markup {
    let has = |id: &str| main.0.contains(&format!(" id=\"{id}\""));
    html! {
        div.alert role="alert" tabindex="-1" aria-labelledby="alert" {
            h2 #alert { (visit.text.problem()) }
            ul {
                @for (pointer, code) in &flash.errors {
                    @let id = id_of(pointer);
                    li {
                        @if has(&id) { a href=(format!("#{id}")) { (visit.text.field_error(pointer, code)) } }
                        @else { (visit.text.field_error(pointer, code)) }
                    }
                }
                @if flash.errors.is_empty() { li { (visit.text.refused(flash)) } }
                @if ["fresh_password_required", "second_factor_required"].contains(&&*flash.code) { li { a href=(to_confirm(visit)) { (visit.text.enter_password()) } } }
            }
        }
    }
}

/// The mark of the deployment.
pub fn logo() -> Markup {
    html! {
        svg viewBox="0 0 32 32" aria-hidden="true" {
            rect width="32" height="32" rx="9" fill="var(--accent)" {}
            path d="M21.5 12.2a6.6 6.6 0 1 0 1.1 5.3h-6" fill="none" stroke="var(--on-accent)" stroke-width="3"
                stroke-linecap="round" stroke-linejoin="round" {}
        }
    }
}

/// The mark of a menu.
pub fn burger() -> Markup {
    html! {
        svg width="20" height="20" viewBox="0 0 20 20" fill="none" stroke="currentColor" stroke-width="1.8"
            stroke-linecap="round" aria-hidden="true" { path d="M3.5 6h13M3.5 10h13M3.5 14h13" {} }
    }
}
