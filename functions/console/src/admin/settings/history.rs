//! History of an area: who changed what, before and after (R9.1, R9.3).

use std::collections::{BTreeMap, BTreeSet};

use maud::{Markup, html};
use serde_json::Value;
use shared::account::model::user::User;
use shared::kernel::fault::Error;
use shared::kernel::id::UserId;
use shared::operations::model::audit_record::AuditRecord;
use shared::operations::model::settings::Area;
use shared::operations::search::{AuditFilter, audits, users_of};
use shared::table::list::Window;
use shared::table::store::Page;

use super::super::parts::{fields, time_line};
use crate::list::{Column, Part, empty, table};
use crate::visit::Visit;

/// Changes of an area with the admins who made them.
pub struct History {
    page: Page<AuditRecord>,
    admins: BTreeMap<UserId, User>,
}

impl History {
    /// Reads a part of an area's history.
    pub async fn read(visit: &Visit, area: Area, window: &Window) -> Result<Self, Error> {
        let filter = AuditFilter { actor: None, subject: Some(format!("settings:{}", area.as_str())) };
        let page = audits(&visit.app, &filter, window).await?;
        let ids: BTreeSet<UserId> = page.items.iter().filter_map(|record| admin_of(&record.actor)).collect();
        let admins = users_of(&visit.app, ids).await?;
        Ok(Self { page, admins })
    }

    /// Name of the admin who made the newest change.
    pub fn last_actor(&self) -> Option<String> {
        self.page.items.first().map(|record| self.name(&record.actor))
    }

    /// Name of an actor: an admin's e-mail, or what the audit log has.
    fn name(&self, actor: &str) -> String {
        let email = admin_of(actor).and_then(|id| self.admins.get(&id)).and_then(|user| user.email.clone());
        email.map_or_else(|| actor.to_owned(), |email| email.as_str().to_owned())
    }

    /// The changes, each with its fields before and after.
    pub fn shown(&self, visit: &Visit, part: &Part, area: Area) -> Markup {
        let text = &visit.text;
        if self.page.items.is_empty() {
            let pager = part.pager(visit, &visit.text.settings_history(), self.page.next.as_ref());
            let nothing =
                empty(visit, self.page.next.is_some(), &text.settings_no_history(), &text.settings_no_history_todo());
            return html! { (nothing) (pager) };
        }
        html! {
            ol.in.timeline {
                @for record in &self.page.items {
                    li {
                        span.what { (text.settings_changed_by(self.name(&record.actor))) }
                        small { (time_line(visit.language, record.at)) }
                        (changes(visit, area, record))
                    }
                }
            }
            (part.pager(visit, &visit.text.settings_history(), self.page.next.as_ref()))
        }
    }
}

fn admin_of(actor: &str) -> Option<UserId> {
    UserId::parse(actor.strip_prefix("admin:").unwrap_or(actor))
}

fn changes(visit: &Visit, area: Area, record: &AuditRecord) -> Markup {
    let text = &visit.text;
    let read =
        |text: &Option<String>| text.as_deref().and_then(|text| serde_json::from_str(text).ok()).unwrap_or(Value::Null);
    let rows = differences(visit, area, &read(&record.before), &read(&record.after));
    let columns = [Column::Text(text.field_name()), Column::Text(text.before()), Column::Text(text.after())];
    html! { @if rows.is_empty() { span.muted { (text.no_difference()) } } @else { (table(&columns, &rows)) } }
}

/// Rows of the fields in which two documents of an area differ.
pub fn differences(visit: &Visit, area: Area, before: &Value, after: &Value) -> Vec<Vec<Markup>> {
    let (old, new) = (fields(before), fields(after));
    let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let differs = |name: &&&String| old.get(**name) != new.get(**name);
    let cell = |name: &str, value: Option<&String>| html! { span.break { (shown(visit, area, name, value)) } };
    let row = |name: &String| {
        let after = cell(name, new.get(name));
        vec![label(visit, area, name), cell(name, old.get(name)), html! { strong { (after) } }]
    };
    names.iter().filter(differs).map(|name| row(name)).collect()
}

/// Label of a value of a document, with its row in a list.
fn label(visit: &Visit, area: Area, name: &str) -> Markup {
    let text = &visit.text;
    let is_place = |part: &&str| part.bytes().all(|byte| byte.is_ascii_digit());
    let place: Option<usize> = name.split('.').find(is_place).and_then(|place| place.parse().ok());
    let plain: Vec<&str> = name.split('.').filter(|part| !is_place(part)).collect();
    let plain = plain.join(".");
    let known = text.setting(area, &plain).map(|(label, _)| (label, None));
    // A key of a table stands below its field.
    let below =
        || plain.rsplit_once('.').and_then(|(field, key)| Some((text.setting(area, field)?.0, Some(key.to_owned()))));
    html! {
        @match known.or_else(below) {
            Some((label, key)) => { (label) @if let Some(key) = key { " " span.mono { (key) } } }
            None => { span.mono { (name) } }
        }
        @if let Some(place) = place { small.muted { " " (text.setting_row(place.saturating_add(1).to_string())) } }
    }
}

fn shown(visit: &Visit, area: Area, name: &str, value: Option<&String>) -> Markup {
    let text = &visit.text;
    let is_switch = |value: &str| matches!(value, "true" | "false");
    match value.map(String::as_str) {
        None | Some("") => html! { span.muted { (text.setting_none()) } },
        Some(on) if is_switch(on) => html! { @if on == "true" { (text.setting_on()) } @else { (text.setting_off()) } },
        Some(word) => match text.setting_word(name, word).filter(|_| area == Area::Payment) {
            Some(word) => html! { (word) },
            None => html! { (word) },
        },
    }
}
