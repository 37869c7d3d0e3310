//! Plans for staff.

use axum::extract::Path;
use axum::response::Response;
use maud::{Markup, html};
use shared::edge::forms::VERSION;
use shared::kernel::fault::Error;
use shared::kernel::id::PlanId;
use shared::redemption::codes;
use shared::redemption::model::plan::Plan;
use shared::redemption::save_plan;

use super::super::acts::{line, tick};
use super::super::filters::Days;
use super::super::menu::{self, Head};
use super::super::pages::Staff;
use super::super::parts::{below, time};
use super::gigabytes;
use crate::frame;
use crate::list::{Column, alone};
use crate::parts::badge;
use crate::show::note;
use crate::visit::{Visit, not_found};

/// The list.
pub async fn list(staff: Staff) -> Response {
    let visit = &staff.0;
    let part = match staff.part(&(), Days::default()) {
        Ok(part) => part,
        Err(refusal) => return frame::refused(visit, &refusal),
    };
    let text = &visit.text;
    let may_change = may_change(&staff);
    let listed = codes::plans(&visit.app, &part.window).await.map_err(Error::from).map(|page| {
        let rows: Vec<Vec<Markup>> = page.items.iter().map(|plan| row(visit, plan, may_change)).collect();
        let columns = [
            Column::Text(text.plan_name()),
            Column::Text(text.state_of_it()),
            Column::Text(text.plan_quota()),
            Column::Text(text.traffic()),
            Column::Text(text.plan_version()),
            Column::Text(text.time()),
        ];
        let nothing = (&*text.plans_none(), &*text.plans_none_todo());
        part.list(visit, &text.staff_plans(), &columns, (&rows, page.next.as_ref()), nothing)
    });
    let head = Head {
        title: text.staff_plans().to_string(),
        lead: Some(html! { (text.plans_lead()) }),
        aside: may_change.then(|| html! { a.btn.go href="/admin/plans/new" { (text.plan_new()) } }),
        ..Head::default()
    };
    let main = html! {
        @if !may_change { p.muted { (text.plan_read_only()) } }
        section.card aria-label=(&*text.staff_plans()) { (alone(visit, listed)) }
    };
    menu::page(&staff, &head, &main)
}

fn may_change(staff: &Staff) -> bool {
    staff.may("/admin/plans/{id}")
}

fn row(visit: &Visit, plan: &Plan, may_change: bool) -> Vec<Markup> {
    let text = &visit.text;
    let state = if plan.on_sale { ("ok", text.plan_on_sale()) } else { ("", text.plan_off_sale()) };
    vec![
        html! { @if may_change { a href=(format!("/admin/plans/{}", plan.id)) { (plan.name) } } @else { (plan.name) } },
        badge(&state),
        html! { @if plan.quota == 0 { (text.no_limit()) } @else { (plan.quota) } },
        html! {
            @match plan.traffic_bytes {
                Some(bytes) => { (text.plan_traffic_shown(gigabytes(bytes))) small { (text.plan_bytes(bytes.to_string())) } }
                None => { (text.plan_unlimited()) }
            }
        },
        html! { (plan.version) },
        time(visit.language, plan.created_at),
    ]
}

/// The form of a new plan.
pub async fn new(staff: Staff) -> Response {
    let visit = &staff.0;
    let text = &visit.text;
    let main = form(visit, None);
    let trail = vec![("/admin/plans".to_owned(), html! { (text.staff_plans()) })];
    menu::page(&staff, &below(text.plan_new().to_string(), trail), &main)
}

/// The form of a plan.
pub async fn show(path: Option<Path<String>>, staff: Staff) -> Response {
    let visit = &staff.0;
    let Some(id) = path.and_then(|Path(id)| PlanId::parse(&id)) else { return not_found(visit) };
    let plan = match save_plan::plan(&visit.app, id).await {
        Ok(plan) => plan,
        Err(error) => return frame::error(visit, error),
    };
    let text = &visit.text;
    let is_meanwhile = visit.refused().is_some_and(|flash| flash.code == "version_mismatch");
    let main = html! {
        @if is_meanwhile {
            section.card aria-labelledby="meanwhile" {
                header { h2 #meanwhile { (text.plan_meanwhile()) } p { (text.settings_meanwhile_lead()) } }
                (differs(visit, &plan))
                div.in.row { a.btn href=(format!("/admin/plans/{id}")) { (text.settings_take_theirs()) } }
            }
        }
        (form(visit, Some(&plan)))
        @if is_meanwhile { (note("wait", &text.settings_save_mine())) }
    };
    let trail = vec![("/admin/plans".to_owned(), html! { (text.staff_plans()) })];
    menu::page(&staff, &below(plan.name.clone(), trail), &main)
}

/// The saved values beside the entered ones.
fn differs(visit: &Visit, plan: &Plan) -> Markup {
    let text = &visit.text;
    let traffic = plan.traffic_bytes.map(gigabytes).unwrap_or_default();
    let switch = |is_on: bool| if is_on { text.setting_on().to_string() } else { text.setting_off().to_string() };
    let entered = |name: &str| visit.entered(name).unwrap_or_default().to_owned();
    let all = [
        (text.plan_name(), plan.name.clone(), entered("name")),
        (text.plan_quota(), plan.quota.to_string(), entered("quota:int")),
        (text.plan_on_sale(), switch(plan.on_sale), switch(entered("on_sale:bool") == "true")),
        (text.plan_traffic(), traffic, entered("traffic_bytes:gb")),
    ];
    let rows: Vec<Vec<Markup>> = all
        .iter()
        .filter(|(_, theirs, mine)| theirs != mine)
        .map(|(name, theirs, mine)| vec![html! { (name) }, html! { (theirs) }, html! { strong { (mine) } }])
        .collect();
    let columns =
        [Column::Text(text.field_name()), Column::Text(text.settings_theirs()), Column::Text(text.settings_mine())];
    crate::list::table(&columns, &rows)
}

fn form(visit: &Visit, plan: Option<&Plan>) -> Markup {
    let text = &visit.text;
    let (method, said, route, button) = match plan {
        None => ("POST", "plan_made", "/v1/admin/plans".to_owned(), text.plan_make()),
        Some(plan) => ("PUT", "plan_saved", format!("/v1/admin/plans/{}", plan.id), text.plan_save()),
    };
    let is_meanwhile = visit.refused().is_some_and(|flash| flash.code == "version_mismatch");
    let based_on = plan.map(|plan| plan.version.to_string());
    let based_on = visit.entered(VERSION).filter(|_| !is_meanwhile).map(str::to_owned).or(based_on);
    let quota = plan.map_or(0, |plan| plan.quota).to_string();
    let traffic = plan.and_then(|plan| plan.traffic_bytes).map(gigabytes);
    let button = if is_meanwhile { text.settings_save_mine() } else { button };
    html! {
        section.card {
            form.in.stack.narrow method="post" action=(format!("/forms/admin{route}")) {
                (visit.sealed(method, &route, "/admin/plans", &visit.with("", ""), Some(said)))
                @if let Some(version) = &based_on { @if plan.is_some() { input type="hidden" name=(VERSION) value=(version); } }
                (line(visit, ("name", "name"), &text.plan_name(), None, plan.map(|plan| plan.name.as_str())))
                (line(visit, ("quota", "quota:int"), &text.plan_quota(), Some(text.plan_quota_hint().to_string()), Some(&quota)))
                (tick(visit, ("on_sale", "on_sale:bool"), &html! { (text.plan_on_sale()) }, plan.is_none_or(|plan| plan.on_sale)))
                p.hint { (text.plan_on_sale_hint()) }
                (line(visit, ("traffic_bytes", "traffic_bytes:gb"), &text.plan_traffic(), Some(text.plan_traffic_hint().to_string()), traffic.as_deref()))
                @if let Some(bytes) = plan.and_then(|plan| plan.traffic_bytes) { p.hint { (text.plan_bytes(bytes.to_string())) } }
                div.row { button.btn.go { (button) } a.btn.bare href="/admin/plans" { (text.back()) } }
            }
        }
    }
}
