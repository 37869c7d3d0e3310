//! Batches of redemption codes for staff: the list, a new one, its progress and its codes (R7.1).

use axum::Json;
use axum::extract::Path;
use axum::http::header::CACHE_CONTROL;
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};
use serde::Serialize;
use shared::kernel::fault::{Error, Fault};
use shared::kernel::id::BatchId;
use shared::payment::model::settings::PaymentSettings;
use shared::redemption::codes;
use shared::redemption::create_batch::LISTED;
use shared::redemption::model::code::{Batch, BatchState};
use shared::redemption::model::plan::Plan;
use shared::redemption::texts::texts;
use shared::redemption::view::code_sheet;

use super::super::acts::{Act, choice, facts, form, line, text_field};
use super::super::filters::Days;
use super::super::menu::{self, Head};
use super::super::pages::Staff;
use super::super::parts::{Confirm, below, card, confirm, progress, time, time_line};
use super::{benefit, entry_of, plan_choices, plans_of, units};
use crate::export::file;
use crate::frame;
use crate::list::{Column, alone};
use crate::parts::{Field, LINES, badge, field};
use crate::visit::{Visit, failed, not_found};

/// Progress of a batch, for the script.
#[derive(Debug, Serialize)]
struct Progress {
    state: String,
}

/// Seconds for which a page looks at a batch's progress by itself.
const LOOKS_FOR: &str = "600";

fn page_of(batch: &Batch) -> String {
    format!("/admin/batches/{}", batch.id)
}

/// The list.
pub async fn list(staff: Staff) -> Response {
    let visit = &staff.0;
    let part = match staff.part(&(), Days::default()) {
        Ok(part) => part,
        Err(refusal) => return frame::refused(visit, &refusal),
    };
    let text = &visit.text;
    let (page, plans) = tokio::join!(codes::batches(&visit.app, &part.window), plans_of(visit));
    let listed = page.and_then(|page| Ok((page, plans?))).map_err(Error::from).map(|(page, plans)| {
        let rows: Vec<Vec<Markup>> = page.items.iter().map(|batch| row(visit, &plans, batch)).collect();
        let columns = [
            Column::Text(text.batch()),
            Column::Text(text.batch_benefit()),
            Column::Number(text.batch_made_of()),
            Column::Text(text.batch_uses()),
            Column::Text(text.state_of_it()),
            Column::Text(text.time()),
        ];
        let nothing = (&*text.batches_none(), &*text.batches_none_todo());
        part.list(visit, &text.staff_batches(), &columns, (&rows, page.next.as_ref()), nothing)
    });
    let head = Head {
        title: text.staff_batches().to_string(),
        lead: Some(html! { (text.batches_lead()) }),
        aside: Some(html! { a.btn.go href="/admin/batches/new" { (text.batch_new()) } }),
        ..Head::default()
    };
    let main = html! { section.card aria-label=(&*text.staff_batches()) { (alone(visit, listed)) } };
    menu::page(&staff, &head, &main)
}

fn row(visit: &Visit, plans: &[Plan], batch: &Batch) -> Vec<Markup> {
    vec![
        html! { a.break href=(page_of(batch)) { (batch.label) } },
        benefit(visit, plans, batch.terms.benefit),
        html! { (batch.created) " / " (batch.count) },
        uses(visit, batch),
        state(visit, batch),
        time(visit.language, batch.created_at),
    ]
}

fn uses(visit: &Visit, batch: &Batch) -> Markup {
    let text = &visit.text;
    html! { @if batch.terms.unlimited() { (text.code_unlimited()) } @else { (batch.terms.total_uses) } }
}

fn state(visit: &Visit, batch: &Batch) -> Markup {
    let text = &visit.text;
    html! {
        @if batch.state != BatchState::Ready { (badge(&text.batch_state(batch.state))) " " }
        (badge(&text.switched(batch.enabled)))
    }
}

/// The form of a new batch.
pub async fn new(staff: Staff) -> Response {
    let visit = &staff.0;
    let (plans, settings) = tokio::join!(plans_of(visit), visit.app.settings::<PaymentSettings>());
    let (plans, currency) = match (plans, settings) {
        (Ok(plans), Ok(settings)) => (plans, settings.settings.ledger_currency),
        (Err(fault), _) | (_, Err(fault)) => return failed(visit, &fault),
    };
    let text = &visit.text;
    let main = new_form(visit, &plans, currency.code());
    let trail = vec![("/admin/batches".to_owned(), html! { (text.staff_batches()) })];
    menu::page(&staff, &below(text.batch_new().to_string(), trail), &main)
}

fn new_form(visit: &Visit, plans: &[Plan], currency: &str) -> Markup {
    let text = &visit.text;
    let route = "/v1/admin/redemption/batches";
    let hint = |text: fluent_static::Message| Some(text.to_string());
    let mut choices = vec![(String::new(), text.batch_no_plan().to_string())];
    choices.extend(plan_choices(plans));
    let first = plans.first().map(|plan| plan.id.to_string()).unwrap_or_default();
    html! {
        section.card {
            form.in.stack.narrow method="post" action=(format!("/forms/admin{route}")) {
                (visit.sealed("POST", route, "/admin/batches/{id}", &visit.with("", ""), Some("batch_was_made")))
                (line(visit, ("label", "label"), &text.batch_label(), hint(text.batch_label_hint()), None))
                (line(visit, ("count", "count:int-unless=codes"), &text.batch_count(), hint(text.batch_count_hint()), Some("1")))
                (line(visit, ("prefix", "prefix:?"), &text.batch_prefix(), hint(text.batch_prefix_hint()), None))
                (field(visit, &Field { kind: LINES, ..text_field("codes", "codes:lines", &text.batch_bring(), hint(text.batch_bring_hint()), false) }))
                fieldset.stack-s {
                    legend { (text.batch_plan_time()) }
                    (choice(visit, ("plan_id", "plan_id:unless=credit"), &text.batch_plan(), &choices, &first))
                    (choice(visit, ("unit", "unit:unless=credit"), &text.batch_unit(), &units(visit), "month"))
                    (line(visit, ("quantity", "quantity:int-unless=credit"), &text.batch_quantity(), None, Some("1")))
                }
                fieldset.stack-s {
                    legend { (text.batch_balance()) }
                    (line(visit, ("credit", "credit:?"), &text.batch_credit(currency.to_owned()), hint(text.batch_credit_hint()), None))
                }
                (line(visit, ("total_uses", "total_uses:int"), &text.batch_uses(), hint(text.batch_uses_hint()), Some("1")))
                (line(visit, ("per_user_limit", "per_user_limit:int"), &text.batch_per_user(), None, Some("1")))
                (moment(visit, ("starts_at", "starts_at:utc?"), text.batch_starts(), None))
                (moment(visit, ("expires_at", "expires_at:utc?"), text.batch_expires(), None))
                div.row { button.btn.go { (text.batch_make()) } a.btn.bare href="/admin/batches" { (text.back()) } }
            }
        }
    }
}

/// A field for a time in UTC.
pub fn moment(visit: &Visit, (id, name): (&str, &str), label: fluent_static::Message, value: Option<&str>) -> Markup {
    let hint = Some(visit.text.batch_time_hint().to_string());
    field(visit, &Field { kind: "datetime-local", value, ..text_field(id, name, &label, hint, false) })
}

/// The batch of a page, or the page that answers instead.
async fn batch_of(visit: &Visit, path: Option<Path<String>>) -> Result<Batch, Response> {
    let Some(id) = path.and_then(|Path(id)| BatchId::parse(&id)) else { return Err(not_found(visit)) };
    codes::batch(&visit.app, id).await.map_err(|error| frame::error(visit, error))
}

/// A batch: progress, codes, export, stop and start.
pub async fn show(path: Option<Path<String>>, staff: Staff) -> Response {
    let visit = &staff.0;
    let (batch, plans) = tokio::join!(batch_of(visit, path), plans_of(visit));
    let (batch, plans) = match (batch, plans) {
        (Ok(batch), Ok(plans)) => (batch, plans),
        (Err(response), _) => return response,
        (_, Err(fault)) => return failed(visit, &fault),
    };
    let text = &visit.text;
    let is_ready = batch.state == BatchState::Ready;
    let shown = if is_ready && batch.count <= LISTED { batch.count } else { 0 };
    let listed = match texts(&visit.app, &batch, 0, shown).await {
        Ok(listed) => listed,
        Err(fault) => return failed(visit, &fault),
    };
    let head = Head {
        title: batch.label.clone(),
        lead: None,
        aside: Some(state(visit, &batch)),
        trail: vec![("/admin/batches".to_owned(), html! { (text.staff_batches()) })],
    };
    let switch = if batch.enabled { text.batch_stop() } else { text.batch_start() };
    let main = html! {
        @if batch.state == BatchState::Creating { (being_made(visit, &batch)) }
        @if batch.state == BatchState::Failed { div.note.wait { span { (text.batch_was_failed()) } } }
        (card("batch", &text.batch(), &html! {
            div.in.stack {
                (facts(&about(visit, &plans, &batch)))
                div.row {
                    @if is_ready { a.btn href=(format!("{}/export.csv", page_of(&batch))) { (text.batch_export()) } }
                    a.btn href=(format!("/admin/codes?batch={}", batch.id)) { (text.batch_all_codes()) }
                    a.btn.risk href=(format!("{}/status", page_of(&batch))) { (switch) }
                }
            }
        }))
        @if !listed.is_empty() {
            (card("codes", &text.batch_codes(), &html! {
                ul.in.stack-s { @for named in &listed { li.mono { (named.text) } } }
            }))
        }
        @if is_ready { (more(visit, &batch)) }
    };
    menu::page(&staff, &head, &main)
}

fn about(visit: &Visit, plans: &[Plan], batch: &Batch) -> Vec<(fluent_static::Message, Markup)> {
    let text = &visit.text;
    let bound = |at: Option<jiff::Timestamp>| html! { @match at { Some(at) => (time_line(visit.language, at)), None => { "—" } } };
    vec![
        (
            text.batch_count(),
            html! { (batch.count) @if batch.brought { small { (text.batch_brought()) } } @if let Some(prefix) = &batch.prefix { small.mono { (prefix) "-…" } } },
        ),
        (text.batch_benefit(), benefit(visit, plans, batch.terms.benefit)),
        (text.batch_uses(), uses(visit, batch)),
        (text.batch_per_user(), html! { (batch.terms.per_user_limit) }),
        (text.batch_starts(), bound(batch.terms.starts_at)),
        (text.batch_expires(), bound(batch.expires_at())),
        (text.time(), time_line(visit.language, batch.created_at)),
    ]
}

/// More codes for a batch, and a later end of its validity.
fn more(visit: &Visit, batch: &Batch) -> Markup {
    let text = &visit.text;
    let here = page_of(batch);
    let route = |act: &str| format!("/v1/admin/redemption/batches/{}/{act}", batch.id);
    let add = Act { method: "POST", route: route("codes"), done: here.clone(), said: "batch_was_topped_up" };
    let extend = Act { method: "PUT", route: route("expiry"), done: here.clone(), said: "batch_was_extended" };
    let hint = Some(text.batch_more_hint().to_string());
    let count = line(visit, ("count", "count:int"), &text.batch_count(), hint, Some("1"));
    let end = batch.expires_at().map(entry_of);
    html! {
        @if !batch.brought { (card("more", &text.batch_more(), &html! { div.in { div.narrow { (form(visit, &add, &count, &text.batch_more_do())) } } })) }
        @if let Some(end) = &end {
            (card("extend", &text.batch_extend(), &html! { div.in { div.narrow {
                (form(visit, &extend, &field(visit, &Field {
                    kind: "datetime-local",
                    value: Some(end),
                    ..text_field("expires_at", "expires_at:utc", &text.batch_expires(), Some(text.batch_extend_hint().to_string()), true)
                }), &text.batch_extend_do()))
            } } }))
        }
    }
}

/// Progress of the codes, which the script looks at by itself, and the button for when nobody makes them.
fn being_made(visit: &Visit, batch: &Batch) -> Markup {
    let text = &visit.text;
    let here = page_of(batch);
    let route = format!("/v1/admin/redemption/batches/{}/resume", batch.id);
    let act = Act { method: "POST", route, done: here.clone(), said: "batch_went_on" };
    html! {
        section.card aria-labelledby="progress" data-poll=(format!("{here}/state")) data-state=(batch.created) data-until=(LOOKS_FOR) data-every="2" {
            header { h2 #progress { (text.batch_being_made()) } }
            div.in.stack-s {
                (progress(&text.batch_progress(), u64::from(batch.created), u64::from(batch.count)))
                (form(visit, &act, &html! { p.muted { (text.batch_go_on_hint()) } }, &text.batch_go_on()))
            }
        }
    }
}

/// The number of codes made so far, for the script.
pub async fn progress_of(path: Option<Path<String>>, staff: Staff) -> Response {
    let batch = match batch_of(&staff.0, path).await {
        Ok(batch) => batch,
        Err(response) => return response,
    };
    ([(CACHE_CONTROL, "no-store")], Json(Progress { state: batch.created.to_string() })).into_response()
}

/// All codes of a batch as a file.
pub async fn sheet(path: Option<Path<String>>, staff: Staff) -> Response {
    let visit = &staff.0;
    let batch = match batch_of(visit, path).await {
        Ok(batch) => batch,
        Err(response) => return response,
    };
    let codes: Result<_, Fault> = codes::codes_of(&visit.app, &batch).await;
    let codes = match codes {
        Ok(codes) => codes,
        Err(fault) => return failed(visit, &fault),
    };
    file(&format!("{}.csv", batch.id), code_sheet(&codes))
}

/// Stops or starts all codes of a batch.
pub async fn status(path: Option<Path<String>>, staff: Staff) -> Response {
    let visit = &staff.0;
    let batch = match batch_of(visit, path).await {
        Ok(batch) => batch,
        Err(response) => return response,
    };
    let text = &visit.text;
    let (title, act, effect, said) = if batch.enabled {
        (
            text.batch_stop_of(&*batch.label),
            text.batch_stop(),
            text.batch_stop_effect(batch.count.to_string()),
            "batch_was_stopped",
        )
    } else {
        (
            text.batch_start_of(&*batch.label),
            text.batch_start(),
            text.batch_start_effect(batch.count.to_string()),
            "batch_was_started",
        )
    };
    let of = Confirm {
        method: "PUT",
        route: &format!("/v1/admin/redemption/batches/{}/status", batch.id),
        done: (&page_of(&batch), said),
        back: &page_of(&batch),
        act: act.to_string(),
        effects: html! { div.in { p { (effect) } } },
        fields: html! { input type="hidden" name="enabled:bool" value=(!batch.enabled); },
    };
    let main = confirm(visit, &of);
    let trail = vec![
        ("/admin/batches".to_owned(), html! { (text.staff_batches()) }),
        (page_of(&batch), html! { (batch.label) }),
    ];
    menu::page(&staff, &below(title.to_string(), trail), &main)
}
