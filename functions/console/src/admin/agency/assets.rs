//! Assets for staff: the list, one with its balance, and those taken in (R8.8).

use axum::extract::Path;
use axum::response::Response;
use maud::{Markup, html};
use shared::account::records::StatementFilter;
use shared::agency::assets::asset_records;
use shared::agency::model::asset::{Asset, AssetKind};
use shared::agency::queries::{self, SaleFilter};
use shared::edge::view::Amount;
use shared::kernel::fault::Error;
use shared::kernel::id::{AssetId, SeriesId, ShopId};

use super::super::acts::{Act, choice, facts, form, line};
use super::super::filters::{self, Days, given};
use super::super::menu::{self, Head};
use super::super::pages::Staff;
use super::super::parts::{Tile, below, card, id_link, tiles, time, time_line};
use super::wallets::row as statement_row;
use super::{ALL, Names, all_series, amount, chosen, id, page_of, series_choices, shop_choices, shops, trail};
use crate::frame;
use crate::list::{Column, alone};
use crate::parts::{badge, money};
use crate::visit::{Visit, failed, link, not_found};

/// The list.
pub async fn list(staff: Staff) -> Response {
    let visit = &staff.0;
    let text = &visit.text;
    let filter = SaleFilter {
        shop: given(visit, "shop").as_deref().and_then(ShopId::parse),
        series: given(visit, "series").as_deref().and_then(SeriesId::parse),
        ..SaleFilter::default()
    };
    let part = match staff.part(&filter, Days::default()) {
        Ok(part) => part,
        Err(refusal) => return frame::refused(visit, &refusal),
    };
    let read = async {
        let page = queries::assets(&visit.app, &ALL, &filter, &part.window).await?;
        let shops = page.items.iter().filter_map(|asset| asset.path.shop()).collect();
        let names = Names::of(visit, shops, page.items.iter().map(|asset| asset.series).collect()).await?;
        Ok::<_, Error>((page, names))
    };
    let (read, shops, series) = tokio::join!(read, shops(visit), all_series(visit));
    let listed = read.map(|(page, names)| {
        let rows: Vec<Vec<Markup>> = page.items.iter().map(|asset| row(visit, &names, asset)).collect();
        let nothing = (&*text.tree_assets_none(), &*text.tree_assets_none_todo());
        part.list(visit, &text.staff_assets(), &columns(visit), (&rows, page.next.as_ref()), nothing)
    });
    let (shops, series) = (shops.map(|page| page.items).unwrap_or_default(), series.unwrap_or_default());
    let new = html! { p { a.btn.go href="/admin/assets/new" { (text.tree_asset_new()) } } };
    let title = (text.staff_assets(), text.tree_assets_lead());
    filters::page(&staff, title, &new, &chosen(visit, &shops, &series), listed)
}

fn columns(visit: &Visit) -> [Column; 6] {
    let text = &visit.text;
    [
        Column::Text(text.tree_identifier()),
        Column::Text(text.tree_shop()),
        Column::Text(text.tree_series()),
        Column::Number(text.balance()),
        Column::Text(text.tree_one_time()),
        Column::Text(text.created()),
    ]
}

fn row(visit: &Visit, names: &Names, of: &Asset) -> Vec<Markup> {
    vec![
        html! { a.mono.break href=(page_of("assets", &of.id)) { (of.identifier.as_str()) } small { (visit.text.asset_kind(of.kind)) } },
        names.shop(visit, of.path.shop()),
        names.series(of.series),
        money(&Amount::from(of.accounts.balance())),
        badge(&triggered(visit, of)),
        time(visit.language, of.created_at),
    ]
}

/// True once the one-time commission was due, with its tone.
fn triggered(visit: &Visit, of: &Asset) -> (&'static str, fluent_static::Message) {
    match of.triggered_by {
        Some(_) => ("ok", visit.text.tree_triggered()),
        None => ("", visit.text.tree_not_triggered()),
    }
}

/// The form of an asset that is taken in.
pub async fn new(staff: Staff) -> Response {
    let staff =
        staff.beside(|flash| (flash.code == "grant_disabled").then(|| ("/series_id".to_owned(), "grant_disabled")));
    let visit = &staff.0;
    let (shops, series) = match tokio::try_join!(shops(visit), all_series(visit)) {
        Ok((shops, series)) => (shops.items, series),
        Err(fault) => return failed(visit, &fault),
    };
    let text = &visit.text;
    let kinds = AssetKind::ALL.iter().map(|kind| (kind.as_str().to_owned(), text.asset_kind(*kind).to_string()));
    let kinds: Vec<(String, String)> = kinds.collect();
    let act = Act {
        method: "POST",
        route: "/v1/assets".to_owned(),
        done: "/admin/assets/{id}".to_owned(),
        said: "asset_made",
    };
    let fields = html! {
        (choice(visit, ("kind", "kind"), &text.kind(), &kinds, AssetKind::Card.as_str()))
        (line(visit, ("identifier", "identifier"), &text.tree_identifier(), Some(text.tree_identifier_hint().to_string()), None))
        (choice(visit, ("shop_id", "shop_id"), &text.tree_shop(), &shop_choices(&shops), visit.asked("shop").unwrap_or_default()))
        (choice(visit, ("series_id", "series_id"), &text.tree_series(), &series_choices(&series), visit.asked("series").unwrap_or_default()))
    };
    let main = html! { section.card { div.in.narrow { (form(visit, &act, &fields, &text.tree_asset_make())) } } };
    menu::page(&staff, &below(text.tree_asset_new().to_string(), trail("assets", &text.staff_assets())), &main)
}

/// An asset, or the page that answers instead.
pub async fn asset_of(visit: &Visit, id: Option<AssetId>) -> Result<Asset, Response> {
    let Some(id) = id else { return Err(not_found(visit)) };
    match visit.app.store.get::<Asset>(&Asset::key(id)).await {
        Ok(Some(asset)) => Ok(asset.into_inner()),
        Ok(None) => Err(not_found(visit)),
        Err(fault) => Err(failed(visit, &fault)),
    }
}

/// One asset.
pub async fn show(path: Option<Path<String>>, staff: Staff) -> Response {
    let staff =
        staff.beside(|flash| (flash.code == "grant_disabled").then(|| ("/shop_id".to_owned(), "grant_disabled")));
    let visit = &staff.0;
    let Some(id) = id(path, AssetId::parse) else { return not_found(visit) };
    let part = match staff.part(&id, Days::default()) {
        Ok(part) => part,
        Err(refusal) => return frame::refused(visit, &refusal),
    };
    let wanted = StatementFilter::of_balance(None, &part.window);
    let named = async {
        let asset = asset_of(visit, Some(id)).await?;
        let names = Names::of(visit, asset.path.shop().into_iter().collect(), vec![asset.series]).await;
        Ok((asset, names.map_err(|fault| failed(visit, &fault))?))
    };
    let (named, lines, shops) = tokio::join!(named, asset_records(&visit.app, &ALL, id, &wanted), shops(visit));
    let ((asset, names), shops) = match (named, shops) {
        (Ok(named), Ok(shops)) => (named, shops.items),
        (Err(response), _) => return response,
        (_, Err(fault)) => return failed(visit, &fault),
    };
    let text = &visit.text;
    let listed = lines.map(|page| {
        let rows: Vec<Vec<Markup>> = page.items.iter().map(|line| statement_row(visit, line)).collect();
        let columns = [
            Column::Text(text.kind()),
            Column::Text(text.related_id()),
            Column::Number(text.amount()),
            Column::Number(text.before()),
            Column::Number(text.after()),
            Column::Text(text.time()),
        ];
        part.list(
            visit,
            &text.tree_asset_records(),
            &columns,
            (&rows, page.next.as_ref()),
            (&*text.tree_asset_records_none(), ""),
        )
    });
    let head = Head {
        title: asset.identifier.as_str().to_owned(),
        lead: Some(html! { (text.asset_kind(asset.kind)) " · " span.mono.small.break { (asset.id) } }),
        aside: Some(badge(&triggered(visit, &asset))),
        trail: trail("assets", &text.staff_assets()),
    };
    let moved =
        Act { method: "PUT", route: format!("/v1/assets/{id}"), done: page_of("assets", &id), said: "asset_moved" };
    let here = asset.path.shop().map(|shop| shop.to_string()).unwrap_or_default();
    let place = html! {
        (choice(visit, ("shop_id", "shop_id"), &text.tree_shop(), &shop_choices(&shops), &here))
        p.hint { (text.tree_asset_move_hint()) }
    };
    let main = html! {
        (figures(visit, &asset))
        div.cols {
            (card("records", &text.tree_asset_records(), &alone(visit, listed)))
            div.stack {
                (card("about", &text.tree_asset(), &about(&staff, &names, &asset)))
                (card("move", &text.tree_asset_move(), &html! { div.in { (form(visit, &moved, &place, &text.tree_asset_move_do())) } }))
            }
        }
    };
    menu::page(&staff, &head, &main)
}

fn figures(visit: &Visit, of: &Asset) -> Markup {
    let text = &visit.text;
    let tile =
        |name: fluent_static::Message, figure: Markup| Tile { name: name.to_string(), figure, notes: Vec::new() };
    tiles(&[
        tile(text.balance(), money(&Amount::from(of.accounts.balance()))),
        tile(text.debt(), money(&Amount::from(of.accounts.owed()))),
        tile(text.tree_paid_so_far(), amount(of.progress.paid, of.accounts.balance().currency())),
    ])
}

fn about(staff: &Staff, names: &Names, of: &Asset) -> Markup {
    let visit = &staff.0;
    let text = &visit.text;
    let id = of.id.to_string();
    let all = [
        (text.tree_shop(), names.shop(visit, of.path.shop())),
        (text.tree_series(), names.series(of.series)),
        (
            text.tree_one_time(),
            html! { @match of.triggered_by { Some(order) => (id_link(&page_of("sales", &order), &order.to_string())), None => (text.tree_not_triggered()) } },
        ),
        (text.created(), time_line(visit.language, of.created_at)),
    ];
    html! {
        div.in.stack {
            (facts(&all))
            div.row {
                @if staff.may("/admin/assets/{id}/sell") { a.btn.go href=(format!("{}/sell", page_of("assets", &id))) { (text.tree_sell()) } }
                a.btn href=(link("/admin/sales", [("asset", id.as_str())])) { (text.staff_sales()) }
            }
        }
    }
}
