//! Packages of a series for staff (R8.2, R8.5).

use axum::extract::Path;
use axum::response::Response;
use maud::{Markup, html};
use rust_decimal::Decimal;
use shared::agency::model::series::{Package, Series, SeriesTerms};
use shared::edge::forms::VERSION;
use shared::kernel::id::{PackageId, SeriesId};
use shared::kernel::money::Currency;

use super::super::acts::{Act, form, line};
use super::super::menu;
use super::super::pages::Staff;
use super::super::parts::below;
use super::lowered::{Lowered, entered_amount};
use super::series::series_of;
use super::words::plain;
use super::{currency, id, page_of, trail};
use crate::visit::{Visit, failed, not_found};

fn above(visit: &Visit, series: &Series) -> Vec<(String, Markup)> {
    let mut all = trail("series", &visit.text.staff_series());
    all.push((page_of("series", &series.id), html! { (series.name) }));
    all
}

/// The form of a new package.
pub async fn new(path: Option<Path<String>>, staff: Staff) -> Response {
    let staff = staff.beside(|_| None);
    let visit = &staff.0;
    let (series, currency) = tokio::join!(series_of(visit, id(path, SeriesId::parse)), currency(visit));
    let (series, currency) = match (series, currency) {
        (Ok(series), Ok(currency)) => (series, currency),
        (Err(response), _) => return response,
        (_, Err(fault)) => return failed(visit, &fault),
    };
    let main = entries(visit, &series, None, currency, &html! {});
    menu::page(&staff, &below(visit.text.tree_package_new().to_string(), above(visit, &series)), &main)
}

/// The form of a package; when grants have to move with it, those.
pub async fn show(path: Option<Path<(String, String)>>, staff: Staff) -> Response {
    let staff = staff.beside(|_| None);
    let visit = &staff.0;
    let Some(Path((series, package))) = path else { return not_found(visit) };
    let (series, currency) = tokio::join!(series_of(visit, SeriesId::parse(&series)), currency(visit));
    let (series, currency) = match (series, currency) {
        (Ok(series), Ok(currency)) => (series, currency),
        (Err(response), _) => return response,
        (_, Err(fault)) => return failed(visit, &fault),
    };
    let package = PackageId::parse(&package).and_then(|id| series.wanted().package(id));
    let Some(package) = package else { return not_found(visit) };
    let cost = entered_amount(visit, "cost_price").unwrap_or(package.cost_price);
    let lowered = match Lowered::of_series(visit, &series, &with_cost(&series, package.id, cost)).await {
        Ok(lowered) => lowered,
        Err(fault) => return failed(visit, &fault),
    };
    let moved = lowered.shown(visit, series.wanted(), currency);
    let main = entries(visit, &series, Some(package), currency, &moved);
    menu::page(&staff, &below(package.name.clone(), above(visit, &series)), &main)
}

/// The series' terms with another cost price of a package.
fn with_cost(series: &Series, id: PackageId, cost_price: Decimal) -> SeriesTerms {
    let mut terms = series.wanted().clone();
    for package in terms.packages.iter_mut().filter(|package| package.id == id) {
        package.cost_price = cost_price;
    }
    terms
}

fn entries(visit: &Visit, series: &Series, package: Option<&Package>, currency: Currency, moved: &Markup) -> Markup {
    let text = &visit.text;
    let route = format!("/v1/series/{}/packages", series.id);
    let done = page_of("series", &series.id);
    let act = match package {
        None => Act { method: "POST", route, done, said: "package_made" },
        Some(package) => Act { method: "PUT", route: format!("{route}/{}", package.id), done, said: "package_saved" },
    };
    let (price, cost) = (package.map(|of| plain(of.price)), package.map(|of| plain(of.cost_price)));
    let fields = html! {
        @if let Some(package) = package { input type="hidden" name=(VERSION) value=(package.version); }
        (line(visit, ("name", "name"), &text.tree_name(), None, package.map(|of| of.name.as_str())))
        (line(visit, ("code", "code"), &text.tree_code(), Some(text.tree_code_hint().to_string()), package.map(|of| of.code.as_str())))
        (line(visit, ("price", "price"), &text.tree_price(currency.code()), Some(text.tree_price_hint().to_string()), price.as_deref()))
        (line(visit, ("cost_price", "cost_price"), &text.tree_least_cost(currency.code()), Some(text.tree_least_cost_hint().to_string()), cost.as_deref()))
        @if !moved.0.is_empty() { input type="hidden" name="adjust_children:bool" value="true"; }
    };
    let button = match (moved.0.is_empty(), package) {
        (false, _) => text.tree_move_too(),
        (true, None) => text.tree_package_make(),
        (true, Some(_)) => text.tree_save(),
    };
    html! {
        (moved)
        section.card { div.in.narrow { (form(visit, &act, &fields, &button)) } }
    }
}
