//! Cards and devices of a shop and of those below it (R8.8): the list, one with its balance, taking in, moving.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::Path;
use axum::response::Response;
use maud::{Markup, html};
use shared::account::records::{StatementFilter, records};
use shared::agency::assets::asset;
use shared::agency::model::asset::{Asset, AssetIdentifier, AssetKind};
use shared::agency::model::series::Series;
use shared::agency::model::shop::{Reach, Shop, ShopPath};
use shared::agency::queries::{self, SaleFilter};
use shared::app::App;
use shared::edge::view::Amount;
use shared::kernel::fault::{Error, Fault};
use shared::kernel::id::{AssetId, SeriesId, ShopId};
use shared::kernel::ledger::{AccountOwner, StatementLine};
use shared::kernel::refusal::Refusal;
use shared::table::list::Window;
use shared::table::store::Page;

use super::desk::{Desk, FOR, SHOPS, enter};
use super::parts::{Act, Shops, field, form, head, select, shop_choices, shop_link};
use super::shops::choices;
use crate::admin::acts::facts;
use crate::admin::filters::{self, Filter};
use crate::list::{Column, Part, alone, empty, table};
use crate::parts::{self, Field, badge, money, time};
use crate::sidebar::Head;
use crate::visit::{Arrival, Instead};

const ROUTE: &str = "/v1/assets";

/// Assets of a list, with the shops to choose from and the series.
struct Listed {
    page: Page<Asset>,
    shops: Vec<Shop>,
    series: BTreeMap<SeriesId, Series>,
}

async fn read(app: &App, path: &ShopPath, filter: &SaleFilter, window: &Window) -> Result<Listed, Fault> {
    let reach = Reach::Below(path.clone());
    let listed = async {
        let page = queries::assets(app, &reach, filter, window).await?;
        let series = queries::series_of(app, page.items.iter().map(|asset| asset.series)).await?;
        Ok::<_, Fault>((page, series))
    };
    let ((page, series), shops) = tokio::try_join!(listed, choices(app, path))?;
    Ok(Listed { page, shops, series })
}

/// The list.
pub async fn list(arrival: Arrival) -> Result<Response, Instead> {
    let asked = |name: &str| arrival.asked(name).unwrap_or_default().to_owned();
    let (shop, typed) = (ShopId::parse(&asked("shop")), asked("identifier"));
    let identifier = Some(typed).filter(|typed| !typed.trim().is_empty()).map(|typed| AssetIdentifier::parse(&typed));
    let (identifier, wrong) = match identifier {
        Some(Err(error)) => (None, Some(Refusal::Invalid(vec![error]))),
        Some(Ok(identifier)) => (Some(identifier), None),
        None => (None, None),
    };
    let filter = SaleFilter { shop, identifier, ..SaleFilter::default() };
    let name = format!("{}:{filter:?}", asked(FOR));
    let (arrival, part) = arrival.part("cursor", &name).await?;
    let window = part.window.clone();
    let read = |app: Arc<App>, path: ShopPath| {
        let (filter, window) = (filter.clone(), window.clone());
        async move { read(&app, &path, &filter, &window).await }
    };
    let (mut desk, listed) = enter(arrival, read).await?;
    if let Some(refusal) = &wrong {
        desk.wrong(refusal);
    }
    let text = desk.text();
    let new = html! { a.btn.go href=(desk.to("/shop/assets/new")) { (text.shop_take_in()) } };
    let head = Head { aside: Some(new), ..head(&text.shop_assets(), &text.shop_assets_lead()) };
    let choices = listed.as_ref().map(|listed| shop_choices(&desk, &listed.shops)).unwrap_or_default();
    let fields = [
        Filter::text(&desk.visit, "identifier", "text", text.shop_identifier()),
        Filter::choice(&desk.visit, "shop", text.shop_shop(), choices),
    ];
    let shown = listed.map(|listed| shown(&desk, &part, &listed)).map_err(Error::from);
    let main = html! {
        section.card aria-label=(&*text.shop_assets()) {
            (filters::filters(&desk.visit, &fields))
            @if wrong.is_none() { (alone(&desk.visit, shown)) }
        }
    };
    Ok(desk.page(&head, &main))
}

fn shown(desk: &Desk, part: &Part, listed: &Listed) -> Markup {
    let (visit, text) = (&desk.visit, desk.text());
    let rows = &listed.page.items;
    let shops: Shops = listed.shops.iter().map(|shop| (shop.id, shop.clone())).collect();
    html! {
        @if rows.is_empty() { (empty(visit, listed.page.next.is_some(), &text.shop_no_assets(), &text.shop_no_assets_todo())) }
        @else { (assets(desk, rows, &shops, &listed.series)) }
        (part.pager(visit, &text.shop_assets(), listed.page.next.as_ref()))
    }
}

/// Assets as a table.
pub fn assets(desk: &Desk, all: &[Asset], shops: &Shops, series: &BTreeMap<SeriesId, Series>) -> Markup {
    let text = desk.text();
    let columns = [
        Column::Text(text.shop_identifier()),
        Column::Text(text.shop_shop()),
        Column::Text(text.shop_series()),
        Column::Number(text.balance()),
        Column::Text(text.shop_one_time()),
        Column::Action(text.row_action()),
    ];
    let row = |asset: &Asset| {
        let sell = desk.to_with("/shop/sell", &[("asset", asset.id.to_string().as_str())]);
        let series = series.get(&asset.series).map(|series| series.name.clone()).unwrap_or_default();
        vec![
            html! { a.mono.break href=(desk.to(&format!("/shop/assets/{}", asset.id))) { (asset.identifier.as_str()) } small { (text.asset_kind(asset.kind)) } },
            shop_link(desk, shops, &asset.path),
            html! { (series) },
            money(&Amount::from(asset.accounts.balance())),
            badge(&paid(desk, asset)),
            html! { a.btn.slim href=(sell) { (text.shop_sell()) span.hidden { " " (asset.identifier.as_str()) } } },
        ]
    };
    table(&columns, &all.iter().map(row).collect::<Vec<_>>())
}

/// State of an asset's one-time commission.
fn paid(desk: &Desk, asset: &Asset) -> (&'static str, fluent_static::Message) {
    match asset.triggered_by {
        Some(_) => ("ok", desk.text().shop_commission_paid()),
        None => ("wait", desk.text().shop_commission_due()),
    }
}

fn kinds(desk: &Desk) -> Vec<(String, String)> {
    AssetKind::ALL.iter().map(|kind| (kind.as_str().to_owned(), desk.text().asset_kind(*kind).to_string())).collect()
}

fn trail(desk: &Desk) -> Vec<(String, Markup)> {
    vec![(desk.to("/shop/assets"), html! { (desk.text().shop_assets()) })]
}

/// The form that takes an asset in.
pub async fn new(arrival: Arrival) -> Result<Response, Instead> {
    let read = |app: Arc<App>, path: ShopPath| async move {
        let (reach, all) = (Reach::Below(path.clone()), Window { limit: SHOPS, ..Window::default() });
        tokio::try_join!(choices(&app, &path), queries::series(&app, &reach, &all))
    };
    let (mut desk, read) = enter(arrival, read).await?;
    let (shops, series) = read.map_err(|fault| desk.error(fault.into()))?;
    if desk.visit.refused().is_some_and(|flash| flash.code == "identifier_taken") {
        desk.place(vec![("/identifier".to_owned(), "identifier_taken".to_owned())]);
    }
    let text = desk.text();
    let series: Vec<(String, String)> =
        series.items.iter().map(|(series, _)| (series.id.to_string(), series.name.clone())).collect();
    let hint = Some(text.shop_identifier_hint().to_string());
    let identifier =
        Field { hint, required: true, mono: true, ..field("identifier", "identifier", &text.shop_identifier()) };
    let own = desk.shop.to_string();
    let fields = html! {
        (parts::field(&desk.visit, &identifier))
        (select(&desk, ("kind", "kind"), &text.kind(), &kinds(&desk), "card"))
        (select(&desk, ("shop_id", "shop_id"), &text.shop_sells_for_it(), &shop_choices(&desk, &shops), &own))
        (select(&desk, ("series_id", "series_id"), &text.shop_series(), &series, ""))
        div.row { button.btn.go { (text.shop_take_in()) } a.btn.bare href=(desk.to("/shop/assets")) { (text.go_back()) } }
    };
    let act = Act { method: "POST", route: ROUTE, done: "/shop/assets/{id}", said: "asset_made" };
    let head = Head { trail: trail(&desk), ..head(&text.shop_take_in(), &text.shop_take_in_lead()) };
    let main = html! {
        section.card { div.in {
            @if series.is_empty() { p { (text.shop_no_series()) } p.muted { (text.shop_no_series_todo()) } }
            @else { (form(&desk, &act, &fields)) }
        } }
    };
    Ok(desk.page(&head, &main))
}

/// An asset with its series, its balance's records, and the shops it could go to.
struct File {
    asset: Asset,
    series: Option<Series>,
    shops: Vec<Shop>,
    lines: Result<Page<StatementLine>, Fault>,
}

async fn file(app: &App, path: &ShopPath, id: AssetId, window: &Window) -> Result<File, Error> {
    let reach = Reach::Below(path.clone());
    let filter = StatementFilter::of_balance(None, window);
    let known = async {
        let asset = asset(app, &reach, id).await?;
        let mut series = queries::series_of(app, [asset.series]).await?;
        Ok::<_, Error>((series.remove(&asset.series), asset))
    };
    // The lines are shown once the asset is known to be in reach.
    let (known, shops, lines) = tokio::join!(known, choices(app, path), records(app, AccountOwner::Asset(id), &filter));
    let (series, asset) = known?;
    Ok(File { asset, series, shops: shops?, lines })
}

/// An asset.
pub async fn show(Path(id): Path<String>, arrival: Arrival) -> Result<Response, Instead> {
    let whose = arrival.asked(FOR).unwrap_or_default().to_owned();
    let (arrival, part) = arrival.part("cursor", &whose).await?;
    let (id, window) = (AssetId::parse(&id), part.window.clone());
    let read = |app: Arc<App>, path: ShopPath| {
        let window = window.clone();
        async move {
            match id {
                Some(id) => file(&app, &path, id, &window).await,
                None => Err(Refusal::NotFound.into()),
            }
        }
    };
    let (desk, file) = enter(arrival, read).await?;
    let file = file.map_err(|error| desk.error(error))?;
    let text = desk.text();
    let head = Head { title: file.asset.identifier.as_str().to_owned(), trail: trail(&desk), ..Head::default() };
    let main = html! {
        div.two {
            section.card aria-labelledby="about" { header { h2 #about { (text.shop_about()) } } div.in.stack { (about(&desk, &file)) } }
            section.card aria-labelledby="move" { header { h2 #move { (text.shop_move_asset()) } } div.in { (moving(&desk, &file)) } }
        }
        section.card aria-labelledby="lines" {
            header { h2 #lines { (text.shop_asset_records()) } }
            (alone(&desk.visit, file.lines.map(|page| super::wallet::lines(&desk, &part, &page)).map_err(Error::from)))
        }
    };
    Ok(desk.page(&head, &main))
}

fn about(desk: &Desk, file: &File) -> Markup {
    let (text, asset) = (desk.text(), &file.asset);
    let shops: Shops = file.shops.iter().map(|shop| (shop.id, shop.clone())).collect();
    let debt = asset.accounts.owed();
    let id = asset.id.to_string();
    let with = |page: &str| desk.to_with(page, &[("asset", id.as_str())]);
    let commission = html! {
        (badge(&paid(desk, asset)))
        @if let Some(order) = asset.triggered_by { small { a href=(desk.to(&format!("/shop/sales/{order}"))) { (text.shop_by_this_sale()) } } }
    };
    let mut all = vec![
        (text.kind(), html! { (text.asset_kind(asset.kind)) }),
        (text.shop_shop(), shop_link(desk, &shops, &asset.path)),
        (text.shop_series(), html! { @if let Some(series) = &file.series { (series.name) } }),
        (text.balance(), money(&Amount::from(asset.accounts.balance()))),
        (text.shop_paid_so_far(), desk.money(asset.progress.paid)),
        (text.shop_one_time(), commission),
        (text.created(), time(desk.visit.language, asset.created_at)),
    ];
    if debt.is_positive() {
        all.push((text.debt(), money(&Amount::from(debt))));
    }
    html! {
        (facts(&all))
        div.row { a.btn.go href=(with("/shop/sell")) { (text.shop_sell()) } a.btn href=(with("/shop/sales")) { (text.shop_sales()) } }
    }
}

fn moving(desk: &Desk, file: &File) -> Markup {
    let text = desk.text();
    let (route, page) = (format!("{ROUTE}/{}", file.asset.id), format!("/shop/assets/{}", file.asset.id));
    let now = file.asset.path.shop().map(|shop| shop.to_string()).unwrap_or_default();
    let fields = html! {
        (select(desk, ("shop_id", "shop_id"), &text.shop_sells_for_it(), &shop_choices(desk, &file.shops), &now))
        p.small.muted { (text.shop_move_asset_why()) }
        div.row { button.btn { (text.shop_move_asset_do()) } }
    };
    form(desk, &Act { method: "PUT", route: &route, done: &page, said: "asset_moved" }, &fields)
}
