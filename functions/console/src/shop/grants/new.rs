//! A new grant: to whom and which series, then everything in one form (R8.3).

use std::sync::Arc;

use axum::response::Response;
use maud::{Markup, html};
use shared::agency::model::grant::Grant;
use shared::agency::model::series::{ForcedRecharge, Series};
use shared::agency::model::shop::{Reach, Shop, ShopPath};
use shared::agency::queries;
use shared::app::App;
use shared::kernel::fault::Fault;
use shared::kernel::id::{SeriesId, ShopId};
use shared::table::item::Versioned;
use shared::table::list::Window;

use super::super::desk::{Desk, SHOPS, enter, enter_with};
use super::super::parts::{Act, form, head, select, shop_choices};
use super::super::shops::choices;
use super::terms::{PACKAGES, Row, commission, errors, forced, packages, rows};
use super::{ROUTE, trail};
use crate::sidebar::Head;
use crate::visit::{Arrival, Instead};

/// The form: first for whom and which series, then for the terms.
pub async fn new(arrival: Arrival) -> Result<Response, Instead> {
    let shop = arrival.asked("shop").and_then(ShopId::parse);
    let series = arrival.asked("series").and_then(SeriesId::parse);
    match (shop, series) {
        (Some(shop), Some(series)) => fill_in(arrival, shop, series).await,
        _ => choose(arrival).await,
    }
}

type Choices = (Vec<Shop>, Vec<Series>);

async fn read(app: &App, path: &ShopPath) -> Result<Choices, Fault> {
    let (reach, all) = (Reach::Below(path.clone()), Window { limit: SHOPS, ..Window::default() });
    let (shops, series) = tokio::try_join!(choices(app, path), queries::series(app, &reach, &all))?;
    let below = shops.into_iter().filter(|shop| shop.path.is_child_of(path));
    Ok((below.collect(), series.items.into_iter().map(|(series, _)| series).collect()))
}

async fn choose(arrival: Arrival) -> Result<Response, Instead> {
    let (desk, read) = enter(arrival, |app: Arc<App>, path| async move { read(&app, &path).await }).await?;
    let (shops, series) = read.map_err(|fault| desk.error(fault.into()))?;
    let text = desk.text();
    let head = Head { trail: trail(&desk, None), ..head(&text.shop_grant_new(), &text.shop_grant_new_lead()) };
    let series: Vec<(String, String)> =
        series.iter().map(|series| (series.id.to_string(), series.name.clone())).collect();
    let asked = |name: &str| desk.visit.asked(name).unwrap_or_default().to_owned();
    let main = html! {
        section.card { div.in {
            @if series.is_empty() { p { (text.shop_no_series()) } p.muted { (text.shop_no_series_todo()) } }
            @else if shops.is_empty() { div.stack-s { p { (text.shop_none_below()) } p { a.btn href=(desk.to("/shop/shops/new")) { (text.shop_new_below()) } } } }
            @else {
                form.stack.narrow method="get" action="/shop/grants/new" {
                    (desk.keep())
                    (select(&desk, ("shop", "shop"), &text.shop_grant_to(), &shop_choices(&desk, &shops), &asked("shop")))
                    (select(&desk, ("series", "series"), &text.shop_series(), &series, &asked("series")))
                    div.row { button.btn.go { (text.withdraw_next()) } a.btn.bare href=(desk.to("/shop/grants")) { (text.go_back()) } }
                }
            }
        } }
    };
    Ok(desk.page(&head, &main))
}

async fn fill_in(arrival: Arrival, shop: ShopId, series: SeriesId) -> Result<Response, Instead> {
    let keys = |path: &ShopPath| (Shop::key(shop), Series::key(series), Grant::key(series, path));
    let (mut desk, (shop, series, own), ()) = enter_with(arrival, keys, |_, _| async {}).await?;
    let below = shop.map(Versioned::into_inner).filter(|shop| shop.path.is_child_of(&desk.path));
    let (Some(shop), Some(series), Some(own)) = (below, series, own) else {
        return Ok(crate::visit::not_found(&desk.visit));
    };
    let (series, ceiling) = (series.into_inner(), own.offer());
    let all: Vec<Row> = rows(&series, &ceiling, None).into_iter().take(PACKAGES).collect();
    if let Some(flash) = desk.visit.refused() {
        let errors = errors(&desk, flash, &series, &ceiling, &all);
        desk.place(errors);
    }
    let text = desk.text();
    let title = text.shop_grant_of(series.name.as_str(), shop.name.as_str()).to_string();
    let lead = Some(html! { (text.shop_grant_fill_in()) });
    let head = Head { title, lead, trail: trail(&desk, None), ..Head::default() };
    let fields = html! {
        input type="hidden" name="shop_id" value=(shop.id);
        input type="hidden" name="series_id" value=(series.id);
        (commission(&desk, &series, &ceiling, None))
        (priced(&desk, &all))
        (forced(&desk, &series, ForcedRecharge::default()))
        div.row { button.btn.go { (text.shop_grant_do()) } a.btn.bare href=(desk.to("/shop/grants")) { (text.go_back()) } }
    };
    let act = Act { method: "POST", route: ROUTE, done: "/shop/grants/{id}", said: "grant_made" };
    Ok(desk.page(&head, &html! { section.card { div.in { (form(&desk, &act, &fields)) } } }))
}

/// The packages of a new grant; the rest of a long list is added afterwards.
fn priced(desk: &Desk, all: &[Row]) -> Markup {
    let text = desk.text();
    html! {
        fieldset.stack-s {
            legend { (text.shop_packages()) }
            p.hint { (text.shop_packages_hint()) }
            @if all.is_empty() { p { (text.shop_no_packages()) } } @else { (packages(desk, all, true)) }
        }
    }
}
