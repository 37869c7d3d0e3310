//! A shop's own retail prices and shelf (R8.10): each package with its cost and margin, and the form for one.

use axum::extract::Path;
use axum::response::Response;
use maud::{Markup, html};
use std::sync::Arc;

use shared::agency::grant_file::GrantFile;
use shared::agency::model::grant::{Grant, GrantedPackage};
use shared::agency::model::series::{Package, Series};
use shared::agency::model::shop::{Reach, ShopPath};
use shared::agency::queries;
use shared::app::App;
use shared::edge::forms::VERSION;
use shared::kernel::fault::Error;
use shared::table::list::Window;

use super::desk::{Desk, SHOPS, enter};
use super::grants::{ROUTE, filed};
use super::parts::{Act, field, form, head};
use crate::admin::acts::{facts, tick};
use crate::list::{Column, alone, table};
use crate::parts::{self, Field, badge};
use crate::sidebar::Head;
use crate::visit::{Arrival, Instead, not_found};

/// The prices of all granted packages.
pub async fn list(arrival: Arrival) -> Result<Response, Instead> {
    let read = |app: Arc<App>, path: ShopPath| async move {
        let window = Window { limit: SHOPS, ..Window::default() };
        queries::series(&app, &Reach::Below(path), &window).await
    };
    let (desk, page) = enter(arrival, read).await?;
    let text = desk.text();
    let shown = page.map(|page| {
        let all: Vec<(Series, Grant)> =
            page.items.into_iter().filter_map(|(series, grant)| Some((series, grant?))).collect();
        html! {
            @if all.is_empty() { section.card { div.in.stack-s { p { (text.shop_no_series()) } p.muted { (text.shop_no_series_todo()) } } } }
            @for (place, (series, grant)) in all.iter().enumerate() { (priced(&desk, place, series, grant)) }
        }
    });
    let main = match shown.map_err(Error::from) {
        Ok(shown) => shown,
        Err(error) => html! { section.card { (alone(&desk.visit, Err(error))) } },
    };
    Ok(desk.page(&head(&text.shop_prices(), &text.shop_prices_lead()), &main))
}

fn priced(desk: &Desk, place: usize, series: &Series, grant: &Grant) -> Markup {
    let text = desk.text();
    let id = format!("series-{place}");
    let columns = [
        Column::Text(text.shop_package()),
        Column::Number(text.shop_cost()),
        Column::Number(text.shop_retail()),
        Column::Number(text.shop_margin()),
        Column::Text(text.shop_shelf()),
        Column::Action(text.row_action()),
    ];
    let row = |held: &GrantedPackage| {
        let known = series.wanted().package(held.id);
        let name = known.map(|known| known.name.clone()).unwrap_or_default();
        let shelf = if held.on_shelf { ("ok", text.shop_on_shelf()) } else { ("", text.shop_off_shelf()) };
        let page = desk.to(&format!("/shop/prices/{}/{}", grant.id, held.id));
        vec![
            html! { (name) @if let Some(known) = known { small.mono { (known.code) } } },
            desk.money(held.cost_price),
            desk.money(held.retail_price),
            desk.money(held.retail_price.saturating_sub(held.cost_price)),
            badge(&shelf),
            html! { a.btn.slim href=(page) { (text.shop_change()) span.hidden { " " (name) } } },
        ]
    };
    let rows: Vec<Vec<Markup>> = grant.terms.packages.iter().map(row).collect();
    html! {
        section.card aria-labelledby=(id) {
            header { h2 id=(id) { (series.name) } a href=(desk.to(&format!("/shop/grants/{}", grant.id))) { (text.shop_see_grant()) } }
            @if rows.is_empty() { div.in { p { (text.shop_no_packages()) } } } @else { (table(&columns, &rows)) }
        }
    }
}

/// The form for the price of one package.
pub async fn one(Path((id, package)): Path<(String, String)>, arrival: Arrival) -> Result<Response, Instead> {
    let (mut desk, file) = filed(arrival, &id).await?;
    let held = file.grant.terms.packages.iter().find(|held| held.id.to_string() == package).cloned();
    let known = held.as_ref().and_then(|held| file.series.wanted().package(held.id)).cloned();
    let (Some(held), Some(known), true) = (held, known, file.grant.path == desk.path) else {
        return Ok(not_found(&desk.visit));
    };
    if let Some(flash) = desk.visit.refused() {
        let cost = desk.words(held.cost_price);
        let bound = |(pointer, code): &(String, String)| match (pointer.as_str(), code.as_str()) {
            ("/retail_price", "out_of_range") => (pointer.clone(), format!("below_cost:{cost}")),
            _ => (pointer.clone(), code.clone()),
        };
        let errors = flash.errors.iter().map(bound).collect();
        desk.place(errors);
    }
    Ok(desk.page(&top(&desk, &known), &price(&desk, &file, &held)))
}

fn top(desk: &Desk, of: &Package) -> Head {
    let trail = vec![(desk.to("/shop/prices"), html! { (desk.text().shop_prices()) })];
    Head { title: of.name.clone(), lead: Some(html! { (desk.text().shop_price_lead()) }), trail, ..Head::default() }
}

fn price(desk: &Desk, file: &GrantFile, held: &GrantedPackage) -> Markup {
    let text = desk.text();
    let route = format!("{ROUTE}/{}/packages/{}/retail", file.grant.id, held.id);
    let now = held.retail_price.normalize().to_string();
    let hint = Some(text.shop_retail_hint(desk.words(held.cost_price)).to_string());
    let retail =
        Field { hint, value: Some(&now), required: true, ..field("retail_price", "retail_price", &text.shop_retail()) };
    let fields = html! {
        input type="hidden" name=(VERSION) value=(file.grant.version);
        (parts::field(&desk.visit, &retail))
        (tick(&desk.visit, ("on_shelf", "on_shelf:bool"), &html! { (text.shop_on_shelf()) }, held.on_shelf))
        div.row { button.btn.go { (text.shop_save()) } a.btn.bare href=(desk.to("/shop/prices")) { (text.go_back()) } }
    };
    let margin = held.retail_price.saturating_sub(held.cost_price);
    html! {
        div.two {
            section.card { div.in { (form(desk, &Act { method: "PUT", route: &route, done: "/shop/prices", said: "price_saved" }, &fields)) } }
            section.card aria-labelledby="now" {
                header { h2 #now { (text.shop_now()) } }
                div.in {
                    (facts(&[
                        (text.shop_cost(), desk.money(held.cost_price)),
                        (text.shop_retail(), desk.money(held.retail_price)),
                        (text.shop_margin(), desk.money(margin)),
                    ]))
                }
            }
        }
    }
}
