//! The audit log: who did what to whom, and what changed, field by field (R9.3).

mod words;

use std::collections::BTreeSet;

use axum::response::Response;
use maud::{Markup, html};
use serde_json::Value;
use shared::kernel::fault::Error;
use shared::kernel::id::UserId;
use shared::operations::model::audit_record::AuditRecord;
use shared::operations::search::{AuditFilter, audits, users_of};
use shared::table::store::Page;

use super::filters::{self, ACTOR, Days, Filter, SUBJECT, given};
use super::find::page_of;
use super::pages::Staff;
use super::parts::{difference, short, time_line};
use super::users::{self, People};
use crate::list::{Part, empty};
use crate::text::Texts;
use crate::visit::{Visit, link};

/// The admin that an actor or a subject names.
pub fn user_of(name: &str) -> Option<UserId> {
    UserId::parse(name.rsplit_once(':').map_or(name, |(_, id)| id))
}

/// Change of an entry: two documents field by field, else two texts.
pub fn changed(visit: &Visit, record: &AuditRecord) -> Markup {
    let read = |text: &Option<String>| text.as_deref().map(|text| serde_json::from_str::<Value>(text).ok());
    let text = |text: &Option<String>| text.clone().unwrap_or_else(|| "—".to_owned());
    let is_document =
        |value: &Option<Option<Value>>| value.as_ref().is_none_or(|value| value.as_ref().is_some_and(Value::is_object));
    let (before, after) = (read(&record.before), read(&record.after));
    if before.is_none() && after.is_none() {
        return html! {};
    }
    if is_document(&before) && is_document(&after) {
        let plain = |value: Option<Option<Value>>| value.flatten().unwrap_or(Value::Null);
        return difference(visit, &plain(before), &plain(after));
    }
    html! { p.break { (text(&record.before)) " → " strong { (text(&record.after)) } } }
}

fn wanted(staff: &Staff) -> Result<(Part, AuditFilter, Vec<Filter>), shared::kernel::refusal::Refusal> {
    let visit = &staff.0;
    let days = Days::of(visit, None)?;
    let filter = AuditFilter { actor: given(visit, "actor"), subject: given(visit, "subject") };
    let part = staff.part(&filter, days)?;
    let [from, to] = days.filters(visit, false);
    let fields = vec![ACTOR.filter(visit), SUBJECT.filter(visit), from, to];
    Ok((part, filter, fields))
}

/// The log.
pub async fn list(staff: Staff) -> Response {
    let (part, filter, fields) = match wanted(&staff) {
        Ok(wanted) => wanted,
        Err(refusal) => return filters::unread(staff, &refusal, Texts::staff_audit, &[ACTOR, SUBJECT]),
    };
    let visit = &staff.0;
    let text = &visit.text;
    let read = read(visit, &filter, &part).await;
    let listed = read.map(|(page, people)| entries(visit, &part, &page, &people));
    filters::page(&staff, (text.staff_audit(), text.audit_lead()), &html! {}, &fields, listed)
}

async fn read(visit: &Visit, filter: &AuditFilter, part: &Part) -> Result<(Page<AuditRecord>, People), Error> {
    let page = audits(&visit.app, filter, &part.window).await?;
    let names = page.items.iter().flat_map(|record| [user_of(&record.actor), user_of(&record.subject)]);
    let ids: BTreeSet<UserId> = names.flatten().collect();
    let people = users_of(&visit.app, ids).await?;
    Ok((page, people))
}

fn entries(visit: &Visit, part: &Part, page: &Page<AuditRecord>, people: &People) -> Markup {
    let text = &visit.text;
    html! {
        @if page.items.is_empty() {
            (empty(visit, page.next.is_some(), &text.audit_none(), &text.audit_none_todo()))
        } @else {
            ol.in.timeline {
                @for record in &page.items {
                    li id=(record.id) {
                        span.what { (text.audit_action(&record.action)) }
                        small {
                            (time_line(visit.language, record.at)) " · "
                            (actor(visit, record, people)) " → " (subject(record, people))
                        }
                        @if let Some(reason) = &record.reason { p.break { (reason) } }
                        (changed(visit, record))
                    }
                }
            }
        }
        (part.pager(visit, &visit.text.staff_audit(), page.next.as_ref()))
    }
}

fn actor(visit: &Visit, record: &AuditRecord, people: &People) -> Markup {
    let user = user_of(&record.actor).and_then(|id| people.get(&id));
    html! {
        @match user {
            Some(user) => (users::link_of(user)),
            None if record.actor == SYSTEM => { (visit.text.audit_system()) }
            None => { span.mono { (record.actor) } }
        }
    }
}

/// Actor of what no person did.
const SYSTEM: &str = "system";

/// The subject, as a link where there is a page of it.
fn subject(record: &AuditRecord, people: &People) -> Markup {
    if let Some(user) = user_of(&record.subject).and_then(|id| people.get(&id)) {
        return users::link_of(user);
    }
    let page = match record.subject.strip_prefix("settings:") {
        Some(area) => Some(format!("/admin/settings/{area}")),
        None => page_of(&record.subject),
    };
    html! {
        @match page {
            Some(page) => { a.mono href=(link(&page, [])) title=(record.subject) { (short(&record.subject)) } }
            None => { span.mono title=(record.subject) { (short(&record.subject)) } }
        }
    }
}
