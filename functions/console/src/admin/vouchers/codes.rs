//! Redemption codes for staff: the list with its filters, one code, deletion of those selected (R7.8).

use axum::extract::Path;
use axum::response::Response;
use maud::{Markup, html};
use shared::kernel::fault::Error;
use shared::kernel::id::{BatchId, Identifier, PlanId};
use shared::kernel::refusal::Refusal;
use shared::redemption::codes::{self, CodeFilter, CodeRow, CodeStatus};
use shared::redemption::edit_code::DELETED_TOGETHER;
use shared::redemption::model::code::Benefit;
use shared::redemption::model::code_text::{CodeName, CodeText};
use shared::redemption::model::plan::{Plan, Unit};

use super::super::acts::{Act, choice, facts, form, line};
use super::super::filters::{Days, Filter, filters, given};
use super::super::menu::{self, Head};
use super::super::pages::Staff;
use super::super::parts::{Confirm, below, card, confirm, id_link};
use super::batches::moment;
use super::{benefit, entry_of, plan_choices, plans_of, units};
use crate::frame;
use crate::list::{Column, alone, empty};
use crate::parts::badge;
use crate::visit::{Visit, failed, not_found};

fn page_of(code: &CodeText) -> String {
    format!("/admin/codes/{}", code.as_str())
}

fn route(code: &CodeText, act: &str) -> String {
    format!("/v1/admin/redemption/codes/{}{act}", code.as_str())
}

/// True if the visitor may change codes, not only see them.
fn may_change(staff: &Staff) -> bool {
    staff.may("/admin/codes/delete")
}

fn filter_of(visit: &Visit) -> Result<CodeFilter, Refusal> {
    let filter = CodeFilter {
        batch: given(visit, "batch").as_deref().and_then(BatchId::parse),
        plan: given(visit, "plan").as_deref().and_then(PlanId::parse),
        unit: given(visit, "unit").as_deref().and_then(Unit::parse),
        status: given(visit, "status").as_deref().and_then(CodeStatus::parse),
        ..CodeFilter::default()
    };
    filter.starting("/prefix", given(visit, "prefix").as_deref())
}

fn fields(visit: &Visit, plans: &[Plan]) -> Vec<Filter> {
    let text = &visit.text;
    let states =
        CodeStatus::ALL.iter().map(|status| (status.as_str().to_owned(), text.code_status(*status).1.to_string()));
    vec![
        Filter::text(visit, "prefix", "text", text.codes_prefix()),
        Filter::text(visit, "batch", "text", text.batch()),
        Filter::choice(visit, "plan", text.batch_plan(), plan_choices(plans)),
        Filter::choice(visit, "unit", text.batch_unit(), units(visit)),
        Filter::choice(visit, "status", text.state_of_it(), states.collect()),
    ]
}

/// The list.
pub async fn list(staff: Staff) -> Response {
    let visit = &staff.0;
    let read = filter_of(visit).and_then(|filter| Ok((staff.part(&filter, Days::default())?, filter)));
    let (part, filter) = match read {
        Ok(read) => read,
        Err(refusal) => return frame::refused(visit, &refusal),
    };
    let text = &visit.text;
    let (page, plans) = tokio::join!(codes::codes(&visit.app, &filter, &part.window), plans_of(visit));
    let plans = plans.unwrap_or_default();
    let may_change = may_change(&staff);
    let listed = page.map_err(Error::from).map(|page| {
        let rows: Vec<Vec<Markup>> = page.items.iter().map(|row| self::row(visit, &plans, row, may_change)).collect();
        html! {
            @if rows.is_empty() {
                (empty(visit, page.next.is_some(), &text.codes_none(), &text.codes_none_todo()))
            } @else if may_change {
                form method="get" action="/admin/codes/delete" {
                    (crate::list::table(&columns(visit, true), &rows))
                    div.in.row {
                        button.btn.risk { (text.codes_delete_selected()) }
                        button.btn.slim type="button" data-all="code" hidden { (text.codes_select_all()) }
                    }
                }
            } @else { (crate::list::table(&columns(visit, false), &rows)) }
            (part.pager(visit, &visit.text.staff_codes_list(), page.next.as_ref()))
        }
    });
    let head = Head {
        title: text.staff_codes_list().to_string(),
        lead: Some(html! { (text.codes_lead()) }),
        ..Head::default()
    };
    let main = html! {
        section.card aria-label=(&*text.staff_codes_list()) { (filters(visit, &fields(visit, &plans))) (alone(visit, listed)) }
    };
    menu::page(&staff, &head, &main)
}

fn columns(visit: &Visit, may_change: bool) -> Vec<Column> {
    let text = &visit.text;
    let mut columns = vec![
        Column::Text(text.exchange_code()),
        Column::Text(text.batch_benefit()),
        Column::Text(text.codes_used()),
        Column::Text(text.state_of_it()),
    ];
    columns.extend(may_change.then(|| Column::Action(text.codes_select())));
    columns
}

fn row(visit: &Visit, plans: &[Plan], row: &CodeRow, may_change: bool) -> Vec<Markup> {
    let text = &visit.text;
    let code = &row.text;
    let id = format!("select-{}", code.as_str());
    let mut cells = vec![
        html! { a.mono.nowrap href=(page_of(code)) { (code) } },
        benefit(visit, plans, row.code.terms.benefit),
        used(visit, row),
        badge(&text.code_status(row.status)),
    ];
    cells.extend(may_change.then(|| {
        html! {
            label.hidden for=(id) { (text.codes_select_one(code.to_string())) }
            input.pick id=(id) type="checkbox" name="code" value=(code.as_str());
        }
    }));
    cells
}

/// Uses so far of all, as a bar.
fn used(visit: &Visit, row: &CodeRow) -> Markup {
    let text = &visit.text;
    let whole = row.code.terms.total_uses;
    if row.code.terms.unlimited() {
        return html! { (text.codes_used_unlimited(row.used.to_string())) };
    }
    let part = row.used.saturating_mul(100).checked_div(whole).unwrap_or(100).min(100);
    html! {
        span.bars {
            span { (text.codes_used_of(row.used.to_string(), whole.to_string())) }
            svg viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true" { rect.b1 width=(part) height="8" {} }
        }
    }
}

/// One code.
pub async fn show(path: Option<Path<String>>, staff: Staff) -> Response {
    let visit = &staff.0;
    let Some(code) = path.and_then(|Path(code)| CodeName::parse(&code)) else { return not_found(visit) };
    let (row, plans) = tokio::join!(codes::code(&visit.app, &code), plans_of(visit));
    let (row, plans) = match (row, plans) {
        (Ok(row), Ok(plans)) => (row, plans),
        (Err(Error::Refused(Refusal::CodeNotFound)), _) => return not_found(visit),
        (Err(error), _) => return frame::error(visit, error),
        (_, Err(fault)) => return failed(visit, &fault),
    };
    let text = &visit.text;
    let batch = row.code.of.batch.to_string();
    let about = [
        (text.batch_benefit(), benefit(visit, &plans, row.code.terms.benefit)),
        (text.codes_used(), used(visit, &row)),
        (text.batch(), id_link(&format!("/admin/batches/{batch}"), &batch)),
    ];
    let head = Head {
        title: row.text.to_string(),
        lead: None,
        aside: Some(badge(&text.code_status(row.status))),
        trail: vec![("/admin/codes".to_owned(), html! { (text.staff_codes_list()) })],
    };
    let may_change = may_change(&staff);
    let main = html! {
        (card("about", &text.exchange_code(), &html! {
            div.in.stack {
                (facts(&about))
                @if !row.batch_enabled { p.muted { (text.code_batch_off()) } }
                @if may_change { (switch(visit, &row)) }
            }
        }))
        @if may_change { (card("change", &text.code_change(), &html! { div.in { (edit(visit, &plans, &row)) } })) }
    };
    menu::page(&staff, &head, &main)
}

/// Enable or disable; the redemptions; delete.
fn switch(visit: &Visit, row: &CodeRow) -> Markup {
    let (text, code) = (&visit.text, &row.text);
    let (said, button) = match row.code.enabled {
        true => ("code_was_disabled", text.code_disable()),
        false => ("code_was_enabled", text.code_enable()),
    };
    let act = Act { method: "PUT", route: route(code, "/status"), done: page_of(code), said };
    let fields = html! { input type="hidden" name="enabled:bool" value=(!row.code.enabled); };
    html! {
        div.row {
            (form(visit, &act, &fields, &button))
            a.btn href=(format!("/admin/redemptions?code={}", code.as_str())) { (text.code_redemptions()) }
            a.btn.risk href=(format!("/admin/codes/delete?code={}", code.as_str())) { (text.code_delete()) }
        }
    }
}

fn edit(visit: &Visit, plans: &[Plan], row: &CodeRow) -> Markup {
    let (text, code, terms) = (&visit.text, &row.text, &row.code.terms);
    let act = Act { method: "PUT", route: route(code, ""), done: page_of(code), said: "code_saved" };
    let hint = Some(text.code_kind_hint().to_string());
    let (uses, per_user) = (terms.total_uses.to_string(), terms.per_user_limit.to_string());
    let (starts, expires) = (terms.starts_at.map(entry_of), terms.expires_at.map(entry_of));
    let fields = html! {
        @match terms.benefit {
            Benefit::Plan { plan, unit, quantity } => {
                (choice(visit, ("plan_id", "plan_id"), &text.batch_plan(), &plan_choices(plans), &plan.to_string()))
                (choice(visit, ("unit", "unit"), &text.batch_unit(), &units(visit), unit.as_str()))
                (line(visit, ("quantity", "quantity:int"), &text.batch_quantity(), None, Some(&quantity.to_string())))
            }
            Benefit::Balance { credit } => {
                (line(visit, ("credit", "credit"), &text.batch_credit(text.balance().to_string()), None, Some(&credit.normalize().to_string())))
            }
        }
        (line(visit, ("total_uses", "total_uses:int"), &text.batch_uses(), hint, Some(&uses)))
        (line(visit, ("per_user_limit", "per_user_limit:int"), &text.batch_per_user(), None, Some(&per_user)))
        (moment(visit, ("starts_at", "starts_at:utc"), text.batch_starts(), starts.as_deref()))
        (moment(visit, ("expires_at", "expires_at:utc"), text.batch_expires(), expires.as_deref()))
    };
    html! { div.narrow { (form(visit, &act, &fields, &text.code_save())) } }
}

/// Asks whether to delete the codes that were selected.
pub async fn delete(staff: Staff) -> Response {
    let visit = &staff.0;
    let text = &visit.text;
    let selected = visit.query.iter().filter(|(name, _)| name == "code").filter_map(|(_, code)| CodeText::parse(code));
    let selected: std::collections::BTreeSet<CodeText> = selected.collect();
    let trail = vec![("/admin/codes".to_owned(), html! { (text.staff_codes_list()) })];
    if selected.is_empty() || selected.len() > DELETED_TOGETHER {
        let main = html! {
            section.card { div.in.stack-s { p { (text.codes_delete_none_todo()) } p { a.btn href="/admin/codes" { (text.back()) } } } }
        };
        return menu::page(&staff, &below(text.codes_delete_none().to_string(), trail), &main);
    }
    let title = match selected.len() {
        1 => text.codes_delete_one().to_string(),
        number => text.codes_delete_these(number.to_string()).to_string(),
    };
    let of = Confirm {
        method: "POST",
        route: "/v1/admin/redemption/codes/delete",
        done: ("/admin/codes", "codes_deleted"),
        back: "/admin/codes",
        act: title.clone(),
        effects: html! {
            div.in.stack-s {
                p { (text.codes_delete_effect()) }
                ul { @for code in &selected { li.mono { (code) } } }
            }
        },
        fields: html! { @for code in &selected { input type="hidden" name="codes[]" value=(code.as_str()); } },
    };
    let main = confirm(visit, &of);
    menu::page(&staff, &below(title, trail), &main)
}
