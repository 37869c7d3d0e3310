//! Series for staff: the list, and one with its packages and its grants by level (R8.2).

use axum::extract::Path;
use axum::response::Response;
use maud::{Markup, html};
use shared::agency::model::grant::Grant;
use shared::agency::model::series::{CommissionKind, Package, Series, SeriesTerms};
use shared::agency::queries::{self, shops_of};
use shared::agency::tighten::grants_of;
use shared::kernel::fault::Error;
use shared::kernel::id::SeriesId;
use shared::kernel::money::Currency;

use super::super::filters::Days;
use super::super::menu::{self, Head};
use super::super::pages::Staff;
use super::super::parts::{below, card, time, time_line};
use super::lowered::{Lowered, entered_amount};
use super::series_form::{self, entered_commission};
use super::shops::own;
use super::{ALL, Names, amount, currency, id, page_of, series_link, trail};
use crate::frame;
use crate::list::{Column, alone, empty, sheet};
use crate::parts::badge;
use crate::show::note;
use crate::visit::{Visit, failed, link, not_found};

/// The list.
pub async fn list(staff: Staff) -> Response {
    let visit = &staff.0;
    let part = match staff.part(&(), Days::default()) {
        Ok(part) => part,
        Err(refusal) => return frame::refused(visit, &refusal),
    };
    let text = &visit.text;
    let (page, currency) = tokio::join!(queries::series(&visit.app, &ALL, &part.window), currency(visit));
    let listed = page.and_then(|page| Ok((page, currency?))).map_err(Error::from).map(|(page, currency)| {
        let rows: Vec<Vec<Markup>> = page.items.iter().map(|(series, _)| row(visit, series, currency)).collect();
        let columns = [
            Column::Text(text.tree_series()),
            Column::Text(text.tree_commission()),
            Column::Text(text.tree_trigger()),
            Column::Number(text.tree_packages()),
            Column::Number(text.tree_level_one_grants()),
            Column::Text(text.created()),
        ];
        let nothing = (&*text.tree_series_none(), &*text.tree_series_none_todo());
        part.list(visit, &text.staff_series(), &columns, (&rows, page.next.as_ref()), nothing)
    });
    let head = Head {
        title: text.staff_series().to_string(),
        lead: Some(html! { (text.tree_series_lead()) }),
        aside: Some(html! { a.btn.go href="/admin/series/new" { (text.tree_series_new()) } }),
        ..Head::default()
    };
    menu::page(&staff, &head, &html! { section.card aria-label=(&*text.staff_series()) { (alone(visit, listed)) } })
}

fn row(visit: &Visit, of: &Series, currency: Currency) -> Vec<Markup> {
    let terms = of.wanted();
    vec![
        series_link(of),
        commission(visit, terms, currency),
        html! { (visit.text.trigger_kind(of.trigger.kind)) small { (amount(of.trigger.threshold, currency)) } },
        html! { (terms.packages.len()) },
        html! { (of.grants) },
        time(visit.language, of.created_at),
    ]
}

/// The commission in short: its kind, and its amount or the number of its tiers.
fn commission(visit: &Visit, terms: &SeriesTerms, currency: Currency) -> Markup {
    let text = &visit.text;
    let of = &terms.commission;
    let tiers = u64::try_from(of.tiers.len()).unwrap_or(u64::MAX);
    html! {
        (text.commission_kind(of.kind))
        @match of.kind {
            CommissionKind::None => {}
            CommissionKind::Tiered if tiers > 0 => { small { (text.tree_tiers_count(tiers)) } }
            _ => { small { (amount(of.amount, currency)) } }
        }
    }
}

/// A series, or the page that answers instead.
pub async fn series_of(visit: &Visit, id: Option<SeriesId>) -> Result<Series, Response> {
    let Some(id) = id else { return Err(not_found(visit)) };
    match visit.app.store.get::<Series>(&Series::key(id)).await {
        Ok(Some(series)) => Ok(series.into_inner()),
        Ok(None) => Err(not_found(visit)),
        Err(fault) => Err(failed(visit, &fault)),
    }
}

/// The form of a new series.
pub async fn new(staff: Staff) -> Response {
    let staff = staff.beside(|_| None).reopened("commission.tiers");
    let visit = &staff.0;
    let currency = match currency(visit).await {
        Ok(currency) => currency,
        Err(fault) => return failed(visit, &fault),
    };
    let main = series_form::form(visit, None, currency, false);
    menu::page(
        &staff,
        &below(visit.text.tree_series_new().to_string(), trail("series", &visit.text.staff_series())),
        &main,
    )
}

/// One series.
pub async fn show(path: Option<Path<String>>, staff: Staff) -> Response {
    let staff = staff.beside(|_| None).reopened("commission.tiers");
    let visit = &staff.0;
    let Some(id) = id(path, SeriesId::parse) else { return not_found(visit) };
    let (series, grants, currency) =
        tokio::join!(series_of(visit, Some(id)), grants_of(&visit.app, id), currency(visit));
    let (series, currency) = match (series, currency) {
        (Ok(series), Ok(currency)) => (series, currency),
        (Err(response), _) => return response,
        (_, Err(fault)) => return failed(visit, &fault),
    };
    let wanted = SeriesTerms { commission: entered_commission(visit, &series), ..series.wanted().clone() };
    let (lowered, listed) = tokio::join!(Lowered::of_series(visit, &series, &wanted), by_level(visit, &series, grants));
    let lowered = match lowered {
        Ok(lowered) => lowered,
        Err(fault) => return failed(visit, &fault),
    };
    let moved = lowered.shown(visit, series.wanted(), currency);
    let text = &visit.text;
    let head = Head {
        title: series.name.clone(),
        lead: Some(
            html! { span.mono.break { (series.code) } " · " (text.created()) " " (time_line(visit.language, series.created_at)) },
        ),
        trail: trail("series", &text.staff_series()),
        ..Head::default()
    };
    let main = html! {
        @if series.closing.is_some() { (note("wait", &text.tree_changing())) }
        (moved)
        (card("packages", &text.tree_packages(), &packages(visit, &series, currency)))
        (card("levels", &text.tree_grants_by_level(), &alone(visit, listed)))
        (card("terms", &text.tree_series_terms(), &series_form::form(visit, Some(&series), currency, !moved.0.is_empty())))
    };
    menu::page(&staff, &head, &main)
}

fn packages(visit: &Visit, series: &Series, currency: Currency) -> Markup {
    let text = &visit.text;
    let page = format!("{}/packages", page_of("series", &series.id));
    let row = |of: &Package| {
        vec![
            html! { a.break href=(format!("{page}/{}", of.id)) { (of.name) } small.mono.break { (of.code) } },
            amount(of.price, currency),
            amount(of.cost_price, currency),
        ]
    };
    let rows: Vec<Vec<Markup>> = series.wanted().packages.iter().map(row).collect();
    let columns = [
        Column::Text(text.tree_package()),
        Column::Number(text.tree_price(currency.code())),
        Column::Number(text.tree_least_cost(currency.code())),
    ];
    html! {
        @if rows.is_empty() { (empty(visit, false, &text.tree_packages_none(), &text.tree_packages_none_todo())) }
        @else { (sheet(text, &text.tree_packages(), &columns, &rows)) }
        div.in.row { a.btn.slim href=(format!("{page}/new")) { (text.tree_package_new()) } }
    }
}

/// The grants of a series in the order of the tree.
async fn by_level(
    visit: &Visit,
    series: &Series,
    grants: Result<Vec<Grant>, shared::kernel::fault::Fault>,
) -> Result<Markup, Error> {
    let text = &visit.text;
    let mut grants = grants?;
    grants.sort_by(|one, other| one.path.cmp(&other.path));
    let shops: Vec<_> = grants.iter().filter_map(|grant| grant.path.shop()).collect();
    let shops = shops_of(&visit.app, shops).await?;
    let names = Names { shops, series: Default::default() };
    let row = |of: &Grant| {
        vec![
            html! { (names.shop(visit, of.path.shop())) small { (text.tree_level(of.path.level().to_string())) } },
            html! { a href=(page_of("grants", &of.id)) { (own(visit, series, of)) } },
            html! { (of.wanted().packages.len()) },
            html! { (badge(&text.grant_status(of.terms.status))) @if of.closing.is_some() { small { (text.tree_changing_short()) } } },
        ]
    };
    let rows: Vec<Vec<Markup>> = grants.iter().map(row).collect();
    let columns = [
        Column::Text(text.tree_shop()),
        Column::Text(text.tree_own()),
        Column::Number(text.tree_packages()),
        Column::Text(text.state_of_it()),
    ];
    Ok(html! {
        @if rows.is_empty() { (empty(visit, false, &text.tree_grants_none(), &text.tree_grants_none_todo())) }
        @else { (sheet(text, &text.tree_grants_by_level(), &columns, &rows)) }
        div.in.row { a.btn.slim href=(link("/admin/grants/new", [("series", series.id.to_string().as_str())])) { (text.tree_grant_new()) } }
    })
}

/// An amount as it was entered, or as it is.
pub fn entered_or(visit: &Visit, name: &str, known: rust_decimal::Decimal) -> rust_decimal::Decimal {
    entered_amount(visit, name).unwrap_or(known)
}
