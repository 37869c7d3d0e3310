//! Lists on pages: which part is shown, its table and pager, and what stands there when it is empty or can't be read.

use fluent_static::Message;
use jiff::Timestamp;
use maud::{Markup, html};
use shared::edge::page::{open, seal};
use shared::kernel::fault::Error;
use shared::kernel::id::UserId;
use shared::kernel::refusal::Refusal;
use shared::table::list::Window;
use shared::table::store::Cursor;

use crate::frame;
use crate::text::Texts;
use crate::visit::Visit;

/// Rows of a list (C3).
pub const ROWS: i32 = 20;

/// The part of a list that a page shows.
pub struct Part {
    /// Rows to read.
    pub window: Window,
    parameter: &'static str,
    name: String,
}

impl Part {
    /// The part that the page's query names in this parameter; the first without it. A list with another filter is another list.
    ///
    /// # Rejects
    /// `forged_cursor` for a cursor of another list, another user, or nobody.
    pub fn of(visit: &Visit, user: UserId, parameter: &'static str, filter: &str) -> Result<Self, Refusal> {
        let name = format!("{}:{user}:{parameter}:{filter}", visit.path);
        let position = |cursor: &str| open(&visit.app.config.secret, &name, cursor).ok_or(Refusal::ForgedCursor);
        let after = visit.asked(parameter).filter(|cursor| !cursor.is_empty()).map(position).transpose()?;
        Ok(Self { window: Window { from: None, to: None, limit: ROWS, after }, parameter, name })
    }

    /// The same part of a list that is limited to these times.
    #[must_use]
    pub fn within(mut self, (from, to): (Option<Timestamp>, Option<Timestamp>)) -> Self {
        (self.window.from, self.window.to) = (from, to);
        self
    }

    /// True for the list's beginning.
    pub fn is_first(&self) -> bool {
        self.window.after.is_none()
    }

    /// The list as a table with its pager; where it is empty, what would be here.
    pub fn list(
        &self,
        visit: &Visit,
        label: &str,
        columns: &[Column],
        (rows, next): (&[Vec<Markup>], Option<&Cursor>),
        (nothing, todo): (&str, &str),
    ) -> Markup {
        html! {
            @if rows.is_empty() { (empty(visit, next.is_some(), nothing, todo)) } @else { (sheet(&visit.text, label, columns, rows)) }
            (self.pager(visit, label, next))
        }
    }

    /// Links to the first part and the next one, if there are such.
    pub fn pager(&self, visit: &Visit, label: &str, next: Option<&Cursor>) -> Markup {
        let text = &visit.text;
        let older = next.map(|next| seal(&visit.app.config.secret, &self.name, next));
        let is_first = self.is_first();
        html! {
            @if !is_first || older.is_some() {
                nav.pager aria-label=(&*text.pages_of(label)) {
                    span { (text.per_page(self.window.limit.to_string())) }
                    span.row {
                        @if !is_first { a.btn.slim href=(visit.with(self.parameter, "")) { (text.first_page()) } }
                        @if let Some(older) = &older { a.btn.slim href=(visit.with(self.parameter, older)) { (text.older()) } }
                    }
                }
            }
        }
    }
}

/// A table that scrolls sideways where it must; on a narrow screen its rows are cards.
pub fn sheet(text: &Texts, label: &str, columns: &[Column], rows: &[Vec<Markup>]) -> Markup {
    html! { div.scroll role="region" aria-label=(&*text.table_of(label)) tabindex="0" { (table(columns, rows)) } }
}

/// A column by its heading.
pub enum Column {
    Text(Message),
    Number(Message),
    /// Buttons, whose heading is only read aloud.
    Action(Message),
}

impl Column {
    fn heading(&self) -> &str {
        match self {
            Self::Text(name) | Self::Number(name) | Self::Action(name) => name,
        }
    }

    fn head(&self) -> Markup {
        match self {
            Self::Text(name) => html! { th scope="col" role="columnheader" { (name) } },
            Self::Number(name) => html! { th.right scope="col" role="columnheader" { (name) } },
            Self::Action(name) => html! { th scope="col" role="columnheader" { span.hidden { (name) } } },
        }
    }
}

/// A table; on a narrow screen each row becomes a card with its labels, led by its first cell.
pub fn table(columns: &[Column], rows: &[Vec<Markup>]) -> Markup {
    let cell = |(index, (column, content)): (usize, (&Column, &Markup))| {
        let (is_lead, is_number) = (index == 0, matches!(column, Column::Number(_)));
        // A card has no line for what is not there.
        let is_nothing = content.0.is_empty();
        html! {
            td.lead[is_lead].right[is_number].hide-narrow[is_nothing] role="cell" data-label=(column.heading()) { span { (content) } }
        }
    };
    html! {
        table.cards role="table" {
            thead role="rowgroup" { tr role="row" { @for column in columns { (column.head()) } } }
            tbody role="rowgroup" {
                @for row in rows { tr role="row" { @for one in columns.iter().zip(row).enumerate() { (cell(one)) } } }
            }
        }
    }
}

/// The words in place of an empty list, and the one thing to do.
pub fn empty(visit: &Visit, has_more: bool, what: &str, todo: &str) -> Markup {
    html! {
        div.in.stack-s {
            @if has_more { p { (visit.text.look_further()) } } @else { p { (what) } @if !todo.is_empty() { p.muted { (todo) } } }
        }
    }
}

/// A part of a page that fails alone, in its card (C3).
pub fn alone(visit: &Visit, part: Result<Markup, Error>) -> Markup {
    let error = match part {
        Ok(part) => return part,
        Err(error) => error,
    };
    if let Error::Fault(fault) = &error {
        frame::log(fault);
    }
    html! {
        div.in.stack-s {
            p { (visit.text.unavailable()) }
            p { a.btn.slim href=(visit.with("", "")) { (visit.text.try_again()) } }
        }
    }
}
