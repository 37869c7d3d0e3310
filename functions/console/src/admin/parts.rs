//! Parts of the pages of staff: tiles, tables, pager, timeline, difference, confirmation, progress (C4.3).

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use maud::{Markup, html};
use serde_json::Value;

use super::acts::action;
use super::menu::Head;
use crate::list::{Column, table};
use crate::text::Language;
use crate::visit::Visit;

/// A tile of a summary: name, figure, and notes below it.
pub struct Tile {
    pub name: String,
    pub figure: Markup,
    pub notes: Vec<Markup>,
}

/// The tiles of a summary.
pub fn tiles(all: &[Tile]) -> Markup {
    html! {
        dl.tiles {
            @for tile in all {
                div.tile { dt { (tile.name) } dd { (tile.figure) } @for note in &tile.notes { dd { (note) } } }
            }
        }
    }
}

/// A card with a heading.
pub fn card(id: &str, heading: &str, content: &Markup) -> Markup {
    html! {
        section.card aria-labelledby=(id) {
            header { h2 id=(id) { (heading) } }
            (content)
        }
    }
}

/// A time, in UTC for everybody (C4.5).
pub fn time(language: Language, at: Timestamp) -> Markup {
    html! { time datetime=(at) { (date_text(language, at.to_zoned(TimeZone::UTC).date())) small { (clock(at)) } } }
}

/// A time on one line.
pub fn time_line(language: Language, at: Timestamp) -> Markup {
    html! { time datetime=(at) { (date_text(language, at.to_zoned(TimeZone::UTC).date())) " " (clock(at)) } }
}

fn clock(at: Timestamp) -> String {
    at.to_zoned(TimeZone::UTC).strftime("%H:%M UTC").to_string()
}

/// A day in words.
pub fn date_text(language: Language, day: Date) -> String {
    let form = match language {
        Language::English => "%-d %b %Y",
        Language::Chinese => "%Y年%-m月%-d日",
    };
    day.strftime(form).to_string()
}

/// A day without its year.
pub fn day_text(language: Language, day: Date) -> String {
    let form = match language {
        Language::English => "%-d %b",
        Language::Chinese => "%-m月%-d日",
    };
    day.strftime(form).to_string()
}

/// An id in short, as a link to its page.
pub fn id_link(path: &str, id: &str) -> Markup {
    html! { a.id href=(path) title=(id) { (short(id)) } }
}

/// An id in short: its beginning and its end.
pub fn short(id: &str) -> String {
    match (id.get(..12), id.get(id.len().saturating_sub(3)..)) {
        (Some(begin), Some(end)) if id.len() > 18 => format!("{begin}…{end}"),
        _ => id.to_owned(),
    }
}

/// A moment of a timeline: its time if known, what happened, and more about it.
pub struct Moment {
    pub at: Option<Timestamp>,
    pub what: Markup,
    pub more: Option<Markup>,
}

/// Moments, oldest first.
pub fn timeline(language: Language, moments: &[Moment]) -> Markup {
    html! {
        ol.timeline {
            @for moment in moments {
                li {
                    span.what { (moment.what) }
                    @if let Some(at) = moment.at { small { (time_line(language, at)) } }
                    @if let Some(more) = &moment.more { div.small.muted { (more) } }
                }
            }
        }
    }
}

/// Two documents field by field; only fields that differ.
pub fn difference(visit: &Visit, before: &Value, after: &Value) -> Markup {
    let text = &visit.text;
    let (old, new) = (fields(before), fields(after));
    let names: std::collections::BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let differs = |name: &&&String| old.get(**name) != new.get(**name);
    let cell = |value: Option<&String>| html! { @match value { Some(value) => { (value) } None => { "—" } } };
    let row = |name: &String| {
        vec![html! { span.mono { (name) } }, cell(old.get(name)), html! { strong { (cell(new.get(name))) } }]
    };
    let rows: Vec<Vec<Markup>> = names.iter().filter(differs).map(|name| row(name)).collect();
    let columns = [Column::Text(text.field_name()), Column::Text(text.before()), Column::Text(text.after())];
    html! { @if rows.is_empty() { p.muted { (text.no_difference()) } } @else { (table(&columns, &rows)) } }
}

/// The values of a document by the names of their fields.
pub fn fields(document: &Value) -> std::collections::BTreeMap<String, String> {
    fn walk(name: &str, value: &Value, into: &mut std::collections::BTreeMap<String, String>) {
        let below = |part: &str| if name.is_empty() { part.to_owned() } else { format!("{name}.{part}") };
        match value {
            Value::Object(all) => all.iter().for_each(|(part, value)| walk(&below(part), value, into)),
            Value::Array(all) => {
                all.iter().enumerate().for_each(|(place, value)| walk(&below(&place.to_string()), value, into));
            }
            Value::String(text) => drop(into.insert(name.to_owned(), text.clone())),
            Value::Null => {}
            other => drop(into.insert(name.to_owned(), other.to_string())),
        }
    }
    let mut all = std::collections::BTreeMap::new();
    walk("", document, &mut all);
    all
}

/// A confirmation (C3.2 of the rules): what will change in numbers, one button named after the act, and the way back.
pub struct Confirm<'a> {
    pub method: &'a str,
    pub route: &'a str,
    /// Page afterwards, and what is said there.
    pub done: (&'a str, &'a str),
    /// Page to go back to.
    pub back: &'a str,
    /// Name of the act, on the button.
    pub act: String,
    /// Effects in numbers.
    pub effects: Markup,
    /// Fields of the form.
    pub fields: Markup,
}

/// The parts of a page that asks whether to do something.
pub fn confirm(visit: &Visit, of: &Confirm<'_>) -> Markup {
    let text = &visit.text;
    let here = visit.with("", "");
    html! {
        div.cols {
            section.card aria-labelledby="effects" {
                header { h2 #effects { (text.what_changes()) } }
                (of.effects)
            }
            form.card method="post" action=(action(of.route)) aria-label=(of.act) {
                div.in.stack {
                    (visit.sealed(of.method, of.route, of.done.0, &here, Some(of.done.1)))
                    (of.fields)
                    div.row {
                        button.btn.risk.solid { (of.act) }
                        a.btn.bare href=(of.back) { (text.back()) }
                    }
                    p.small.muted { (text.press_twice()) }
                }
            }
        }
    }
}

/// Progress of something.
pub fn progress(label: &str, done: u64, of: u64) -> Markup {
    html! {
        p.progress {
            progress max=(of) value=(done) aria-label=(label) {}
            span.num { (done) " / " (of) }
        }
    }
}

/// Head of a page below another one.
pub fn below(title: String, trail: Vec<(String, Markup)>) -> Head {
    Head { title, trail, ..Head::default() }
}
