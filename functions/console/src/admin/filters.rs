//! Filters of a list: fields that wait for their button, and a chip for each that is set, which takes it away.

use axum::response::Response;
use fluent_static::Message;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan};
use maud::{Markup, html};
use shared::kernel::fault::Error;
use shared::kernel::refusal::{FieldError, Refusal};

use super::menu::{self, Head};
use super::pages::Staff;
use super::parts::below;
use crate::list::alone;
use crate::shop::desk::FOR;
use crate::text::Texts;
use crate::visit::{Visit, link};

/// Value of a filter that has a default and is to filter nothing.
pub const ANY: &str = "any";

/// Kind of entry of a filter.
pub enum Kind {
    /// A text of this type: `text`, `email` or `date`.
    Input(&'static str),
    /// One of some values, by value and name; nothing chosen filters nothing.
    Choice(Vec<(String, String)>),
}

/// A filter of a list.
pub struct Filter {
    pub name: &'static str,
    pub label: Message,
    pub kind: Kind,
    /// Value that is in force.
    pub value: Option<String>,
    /// True if the list has a value of its own for it, which [`ANY`] switches off.
    pub has_default: bool,
}

impl Filter {
    /// A text that the page's query may have.
    pub fn text(visit: &Visit, name: &'static str, kind: &'static str, label: Message) -> Self {
        Self { name, label, kind: Kind::Input(kind), value: given(visit, name), has_default: false }
    }

    /// One of some values that the page's query may have.
    pub fn choice(visit: &Visit, name: &'static str, label: Message, of: Vec<(String, String)>) -> Self {
        Self { name, label, kind: Kind::Choice(of), value: given(visit, name), has_default: false }
    }

    /// The same filter, with a value of the list's own while the query has none.
    #[must_use]
    pub fn or(self, visit: &Visit, default: Option<String>) -> Self {
        let value = match visit.asked(self.name) {
            None => default,
            // A field that was emptied.
            Some("" | ANY) => None,
            Some(_) => self.value,
        };
        Self { value, has_default: true, ..self }
    }

    fn shown(&self) -> Option<String> {
        let value = self.value.as_ref()?;
        match &self.kind {
            Kind::Input(_) => Some(value.clone()),
            Kind::Choice(of) => of.iter().find(|(known, _)| known == value).map(|(_, name)| name.clone()),
        }
    }
}

/// Reads a filter by what is entered, or notes that it can't be read.
pub fn read<T>(
    visit: &Visit,
    name: &str,
    parse: impl Fn(&str) -> Option<T>,
    errors: &mut Vec<FieldError>,
) -> Option<T> {
    let text = given(visit, name)?;
    let found = parse(&text);
    if found.is_none() {
        errors.push(FieldError::new(format!("/{name}"), "unknown", String::new()));
    }
    found
}

/// A filter for a text that the page's query may have: its name, the type of its field, and its label.
#[derive(Clone, Copy)]
pub struct Entry(&'static str, &'static str, fn(&Texts) -> Message);

/// Id of a user.
pub const USER: Entry = Entry("user", "text", Texts::user_id);
/// E-mail of a user.
pub const EMAIL: Entry = Entry("email", "email", Texts::email);
const DAYS: [Entry; 2] = [Entry("from", "text", Texts::filter_from), Entry("to", "text", Texts::filter_to)];

impl Entry {
    /// The filter with what the query has for it.
    pub fn filter(self, visit: &Visit) -> Filter {
        Filter::text(visit, self.0, self.1, (self.2)(&visit.text))
    }
}

/// The page of a list whose query can't be read: these fields and the days, with what is wrong, and no list.
pub fn unread(staff: Staff, refusal: &Refusal, title: fn(&Texts) -> Message, entries: &[Entry]) -> Response {
    let staff = staff.wrong(refusal);
    let visit = &staff.0;
    let fields: Vec<Filter> = entries.iter().chain(&DAYS).map(|entry| entry.filter(visit)).collect();
    let head = below(title(&visit.text).to_string(), Vec::new());
    menu::page(&staff, &head, &html! { section.card { (filters(visit, &fields)) } })
}

/// A list's page: its filters and the list, which may fail alone; above them what sums it up.
pub fn page(
    staff: &Staff,
    (title, lead): (Message, Message),
    above: &Markup,
    fields: &[Filter],
    listed: Result<Markup, Error>,
) -> Response {
    let visit = &staff.0;
    let head = Head { title: title.to_string(), lead: Some(html! { (lead) }), ..Head::default() };
    let main = html! {
        (above)
        section.card aria-label=(&*title) { (filters(visit, fields)) (alone(visit, listed)) }
    };
    menu::page(staff, &head, &main)
}

/// A value of the query that is not empty.
pub fn given(visit: &Visit, name: &str) -> Option<String> {
    visit.asked(name).map(str::trim).filter(|value| !value.is_empty() && *value != ANY).map(str::to_owned)
}

/// The fields of some filters with their button, and the chips of those that are set.
pub fn filters(visit: &Visit, all: &[Filter]) -> Markup {
    let text = &visit.text;
    html! {
        form.filters method="get" action=(visit.path) {
            // Whose pages an admin looks at.
            @if let Some(whose) = visit.asked(FOR) { input type="hidden" name=(FOR) value=(whose); }
            @for filter in all { (field(visit, filter)) }
            div.row { button.btn.go { (text.filter()) } a.btn.bare href=(link(&visit.path, [(FOR, visit.asked(FOR).unwrap_or_default())])) { (text.reset()) } }
        }
        (chips(visit, all))
    }
}

fn field(visit: &Visit, filter: &Filter) -> Markup {
    let id = format!("f-{}", filter.name);
    let pointer = format!("/{}", filter.name);
    let error = visit.error_at(&pointer).map(|code| visit.text.field_error(&pointer, code));
    let error_id = error.as_ref().map(|_| format!("{id}-error"));
    let value = visit.asked(filter.name).filter(|_| error.is_some()).or(filter.value.as_deref());
    // A list's own value is switched off by a choice of its own.
    let none = if filter.has_default { ANY } else { "" };
    html! {
        div.field.wrong[error.is_some()] {
            label for=(id) { (filter.label) }
            @if let (Some(error), Some(error_id)) = (&error, &error_id) { p.err id=(error_id) { (error) } }
            @match &filter.kind {
                Kind::Input(kind) => {
                    input.in-text id=(id) name=(filter.name) type=(kind) autocomplete="off" value=[value]
                        aria-invalid=[error.as_ref().map(|_| "true")] aria-describedby=[error_id.as_deref()];
                }
                Kind::Choice(of) => {
                    select id=(id) name=(filter.name) {
                        option value=(none) selected[value.is_none()] { (visit.text.all_kinds()) }
                        @for (known, name) in of { option value=(known) selected[value == Some(known)] { (name) } }
                    }
                }
            }
        }
    }
}

fn chips(visit: &Visit, all: &[Filter]) -> Markup {
    let set: Vec<(&Filter, String)> = all.iter().filter_map(|filter| Some((filter, filter.shown()?))).collect();
    html! {
        @if !set.is_empty() {
            p.chips {
                @for (filter, shown) in &set {
                    @let off = if filter.has_default { ANY } else { "" };
                    a href=(visit.anew(&[(filter.name, off)])) {
                        (filter.label) ": " (shown)
                        span aria-hidden="true" { "×" }
                        span.hidden { (visit.text.chip_remove()) }
                    }
                }
            }
        }
    }
}

/// Days, in UTC, that a list is limited to; both are included.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Days {
    pub from: Option<Date>,
    pub to: Option<Date>,
}

impl Days {
    /// The days of the query's `from` and `to`; without one, the last `days`, if the list has such a default.
    ///
    /// # Rejects
    /// `invalid` at a field that is no day.
    pub fn of(visit: &Visit, days: Option<i64>) -> Result<Self, Refusal> {
        let today = day(visit.app.clock.now());
        let default = days.and_then(|days| today.checked_sub(days.saturating_sub(1).days()).ok());
        let read = |name: &str, default: Option<Date>| match visit.asked(name).map(str::trim) {
            None => Ok(default),
            Some("" | ANY) => Ok(None),
            Some(text) => text
                .parse::<Date>()
                .map(Some)
                .map_err(|_| FieldError::new(format!("/{name}"), "not_a_day", "A day, such as 2026-11-28.")),
        };
        match (read("from", default), read("to", days.map(|_| today))) {
            (Ok(from), Ok(to)) => Ok(Self { from, to }),
            (from, to) => Err(Refusal::Invalid(from.err().into_iter().chain(to.err()).collect())),
        }
    }

    /// The times that the days begin and end at.
    pub fn times(&self) -> (Option<Timestamp>, Option<Timestamp>) {
        let begin = |day: Date| day.to_zoned(TimeZone::UTC).ok().map(|day| day.timestamp());
        let end = |day: Date| {
            let next = day.tomorrow().ok().and_then(begin)?;
            next.checked_sub(SignedDuration::from_nanos(1)).ok()
        };
        (self.from.and_then(begin), self.to.and_then(end))
    }

    /// The filters of both days.
    pub fn filters(self, visit: &Visit, has_default: bool) -> [Filter; 2] {
        let of = |name: &'static str, label: Message, day: Option<Date>| {
            let value = day.map(|day| day.to_string());
            Filter { name, label, kind: Kind::Input("date"), value, has_default }
        };
        [of("from", visit.text.filter_from(), self.from), of("to", visit.text.filter_to(), self.to)]
    }
}

/// The day of a time, in UTC.
pub fn day(at: Timestamp) -> Date {
    at.to_zoned(TimeZone::UTC).date()
}
