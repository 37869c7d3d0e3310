//! Grants of series (R8.3–R8.6): the list, a grant with its terms, and what the shop above may do about it.

pub mod edit;
pub mod moved;
pub mod new;
pub mod terms;

use std::sync::Arc;

use axum::extract::Path;
use axum::response::Response;
use maud::{Markup, html};
use shared::agency::grant_file::{GrantFile, grant_file};
use shared::agency::model::grant::{Grant, GrantStatus, GrantedPackage};
use shared::agency::model::minimum_recharge::effective;
use shared::agency::model::series::{CommissionKind, Series};
use shared::agency::model::shop::{Reach, Shop, ShopPath};
use shared::agency::queries::{self, GrantFilter};
use shared::app::App;
use shared::edge::forms::VERSION;
use shared::kernel::fault::{Error, Fault};
use shared::kernel::id::{GrantId, SeriesId, ShopId};
use shared::kernel::refusal::Refusal;
use shared::table::list::Window;
use shared::table::store::Page;

use super::desk::{Desk, FOR, enter};
use super::parts::{Act, Shops, head, shop_choices, shop_link};
use super::shops::choices;
use super::words::own_terms;
use crate::admin::acts::facts;
use crate::admin::filters::{self, Filter, given};
use crate::list::{Column, Part, alone, empty, table};
use crate::parts::{badge, count, time};
use crate::sidebar::Head;
use crate::visit::{Arrival, Instead};

pub const ROUTE: &str = "/v1/shop-series-grants";

/// Grants of a list, with the shops and series to choose from.
struct Listed {
    page: Page<(Grant, Option<Series>)>,
    shops: Vec<Shop>,
    series: Vec<Series>,
}

async fn read(app: &App, path: &ShopPath, filter: &GrantFilter, window: &Window) -> Result<Listed, Fault> {
    let reach = Reach::Below(path.clone());
    let (page, shops, own) =
        tokio::try_join!(queries::grants(app, &reach, filter, window), choices(app, path), own_grants(app, path))?;
    let ids = page.items.iter().chain(&own).map(|grant| grant.series);
    let known = queries::series_of(app, ids).await?;
    let with = |grant: Grant| {
        let series = known.get(&grant.series).cloned();
        (grant, series)
    };
    let series = own.iter().filter_map(|grant| known.get(&grant.series).cloned()).collect();
    Ok(Listed { page: Page { items: page.items.into_iter().map(with).collect(), next: page.next }, shops, series })
}

/// The grants of a shop itself.
pub async fn own_grants(app: &App, path: &ShopPath) -> Result<Vec<Grant>, Fault> {
    let own = GrantFilter { shop: path.shop(), ..GrantFilter::default() };
    let all = Window { limit: super::desk::SHOPS, ..Window::default() };
    Ok(queries::grants(app, &Reach::Below(path.clone()), &own, &all).await?.items)
}

/// The grants of a shop and of those below it.
pub async fn list(arrival: Arrival) -> Result<Response, Instead> {
    let asked = |name: &str| arrival.asked(name).unwrap_or_default().to_owned();
    let (shop, series) = (asked("shop"), asked("series"));
    let filter = GrantFilter { shop: ShopId::parse(&shop), series: SeriesId::parse(&series), ..GrantFilter::default() };
    let name = format!("{}:{filter:?}", asked(FOR));
    let (arrival, part) = arrival.part("cursor", &name).await?;
    let window = part.window.clone();
    let read = |app: Arc<App>, path: ShopPath| {
        let (filter, window) = (filter.clone(), window.clone());
        async move { read(&app, &path, &filter, &window).await }
    };
    let (desk, listed) = enter(arrival, read).await?;
    let text = desk.text();
    let new = html! { a.btn.go href=(desk.to("/shop/grants/new")) { (text.shop_grant_new()) } };
    let head = Head { aside: Some(new), ..head(&text.shop_grants(), &text.shop_grants_lead()) };
    let fields = listed.as_ref().map(|listed| filter_fields(&desk, listed)).unwrap_or_default();
    let shown = listed.map(|listed| shown(&desk, &part, &listed)).map_err(Error::from);
    let main = html! {
        section.card aria-label=(&*text.shop_grants()) { (filters::filters(&desk.visit, &fields)) (alone(&desk.visit, shown)) }
    };
    Ok(desk.page(&head, &main))
}

fn filter_fields(desk: &Desk, listed: &Listed) -> Vec<Filter> {
    let (visit, text) = (&desk.visit, desk.text());
    let series = listed.series.iter().map(|series| (series.id.to_string(), series.name.clone())).collect();
    vec![
        Filter::choice(visit, "shop", text.shop_shop(), shop_choices(desk, &listed.shops)),
        Filter::choice(visit, "series", text.shop_series(), series),
    ]
}

fn shown(desk: &Desk, part: &Part, listed: &Listed) -> Markup {
    let (visit, text) = (&desk.visit, desk.text());
    let shops: Shops = listed.shops.iter().map(|shop| (shop.id, shop.clone())).collect();
    let columns = [
        Column::Text(text.shop_shop()),
        Column::Text(text.shop_series()),
        Column::Text(text.shop_its_part()),
        Column::Number(text.shop_packages()),
        Column::Text(text.status()),
        Column::Action(text.row_action()),
    ];
    let row = |(grant, series): &(Grant, Option<Series>)| {
        let name = series.as_ref().map(|series| series.name.clone()).unwrap_or_default();
        vec![
            shop_link(desk, &shops, &grant.path),
            html! { (name) @if let Some(series) = series { small.mono { (series.code) } } },
            html! { @if let Some(series) = series { (own_terms(desk, &series.wanted().commission, &grant.wanted().own)) } },
            html! { (grant.wanted().packages.len()) },
            html! { (badge(&text.grant_status(grant.terms.status))) @if grant.closing.is_some() { small { (text.shop_changing()) } } },
            html! { a.btn.slim href=(desk.to(&format!("/shop/grants/{}", grant.id))) { (text.show_it()) } },
        ]
    };
    let rows: Vec<Vec<Markup>> = listed.page.items.iter().map(row).collect();
    let is_filtered = ["shop", "series"].iter().any(|name| given(visit, name).is_some());
    let nothing = if is_filtered { text.nothing_fits() } else { text.shop_no_grants() };
    html! {
        @if rows.is_empty() { (empty(visit, listed.page.next.is_some(), &nothing, &text.shop_no_grants_todo())) }
        @else { (table(&columns, &rows)) }
        (part.pager(visit, &text.shop_grants(), listed.page.next.as_ref()))
    }
}

/// A grant that the path of a page names, with what belongs to it.
pub async fn filed(arrival: Arrival, id: &str) -> Result<(Desk, GrantFile), Instead> {
    let id = GrantId::parse(id);
    let read = |app: Arc<App>, path: ShopPath| async move {
        match id {
            Some(id) => grant_file(&app, &Reach::Below(path), id).await,
            None => Err(Refusal::NotFound.into()),
        }
    };
    let (desk, file) = enter(arrival, read).await?;
    let file = file.map_err(|error: Error| desk.error(error))?;
    Ok((desk, file))
}

/// True if the shop of the desk granted it, so that it may change it.
pub fn is_ours(desk: &Desk, grant: &Grant) -> bool {
    grant.path.is_child_of(&desk.path) && grant.terms.status != GrantStatus::Deleted
}

/// Pages above those of a grant.
pub fn trail(desk: &Desk, grant: Option<&GrantFile>) -> Vec<(String, Markup)> {
    let list = (desk.to("/shop/grants"), html! { (desk.text().shop_grants()) });
    let one = grant.map(|file| {
        let shop = super::parts::shop_name(&file.shops, file.grant.path.shop());
        (desk.to(&format!("/shop/grants/{}", file.grant.id)), html! { (file.series.name) " · " (shop) })
    });
    [list].into_iter().chain(one).collect()
}

/// A grant: its terms beside their ceilings, its packages and its sales.
pub async fn show(Path(id): Path<String>, arrival: Arrival) -> Result<Response, Instead> {
    let (desk, file) = filed(arrival, &id).await?;
    let text = desk.text();
    let is_ours = is_ours(&desk, &file.grant);
    let shop = super::parts::shop_name(&file.shops, file.grant.path.shop());
    let title = text.shop_grant_of(file.series.name.as_str(), shop).to_string();
    let head = Head { title, trail: trail(&desk, None), ..Head::default() };
    let page = |part: &str| desk.to(&format!("/shop/grants/{id}/{part}"));
    let main = html! {
        @if file.grant.closing.is_some() { div.note.wait { span { (text.shop_change_goes_on()) " " a href=(desk.visit.with("", "")) { (text.try_again()) } } } }
        div.two {
            section.card aria-labelledby="about" {
                header { h2 #about { (text.shop_about()) } }
                div.in.stack {
                    (about(&desk, &file))
                    @if is_ours { (buttons(&desk, &file)) }
                    @if file.grant.path == desk.path {
                        div.row { a.btn.go href=(desk.to("/shop/prices")) { (text.shop_prices()) } a.btn href=(desk.to_with("/shop/grants/new", &[("series", file.series.id.to_string().as_str())])) { (text.shop_grant_new()) } }
                    }
                }
            }
            section.card aria-labelledby="part" {
                header { h2 #part { (text.shop_its_part()) } @if is_ours { a href=(page("terms")) { (text.shop_change()) } } }
                (part(&desk, &file))
            }
        }
        section.card aria-labelledby="packages" {
            header { h2 #packages { (text.shop_packages()) } @if is_ours { a href=(page("packages")) { (text.shop_change()) } } }
            (packages(&desk, &file))
        }
    };
    Ok(desk.page(&head, &main))
}

fn about(desk: &Desk, file: &GrantFile) -> Markup {
    let (text, grant) = (desk.text(), &file.grant);
    let forced = effective(&file.series.trigger, &file.series.forced, &grant.wanted().forced, false);
    let forced = match (forced.amount, forced.locked) {
        (None, _) => html! { (text.shop_forced_none()) },
        (Some(amount), true) => html! { (desk.money(amount)) small { (text.shop_forced_by_platform()) } },
        (Some(amount), false) => html! { (desk.money(amount)) small { (text.shop_forced_by_shop()) } },
    };
    let above = grant.path.parent().filter(|above| above.is_within(&desk.path));
    let above = above.map_or_else(|| html! { (text.shop_from_above()) }, |above| shop_link(desk, &file.shops, &above));
    let sold = |tally: shared::agency::model::commission_split::SalesTally| {
        html! { (text.shop_sales_count(tally.count)) small { (desk.money(tally.amount)) } }
    };
    facts(&[
        (text.shop_shop(), shop_link(desk, &file.shops, &grant.path)),
        (text.shop_series(), html! { (file.series.name) small.mono { (file.series.code) } }),
        (text.shop_granted_by(), above),
        (text.status(), badge(&text.grant_status(grant.terms.status))),
        (text.shop_forced(), forced),
        (text.shop_sold_own(), sold(file.sales.own)),
        (text.shop_sold_all(), sold(file.sales.self_and_sub)),
        (text.created(), time(desk.visit.language, grant.created_at)),
    ])
}

/// The commission of a grant, with the ceiling beside each amount where it may be seen.
fn part(desk: &Desk, file: &GrantFile) -> Markup {
    let (text, currency) = (desk.text(), desk.settings.currency.code());
    let (of, own) = (&file.series.wanted().commission, &file.grant.wanted().own);
    let ceiling = file.ceiling.as_ref().map(|ceiling| &ceiling.own);
    let mut columns = vec![Column::Text(text.shop_condition()), Column::Number(text.shop_one_time())];
    if ceiling.is_some() {
        columns.push(Column::Number(text.shop_ceiling()));
    }
    let most = |amount| ceiling.map(|_| desk.money(amount));
    let rows: Vec<Vec<Markup>> = match of.kind {
        CommissionKind::None => Vec::new(),
        CommissionKind::Tiered if !of.tiers.is_empty() => {
            let row = |tier: &shared::agency::model::series::CommissionTier| {
                let name = html! { (text.tier_condition(tier, currency)) small { (text.sales_scope(tier.scope)) } };
                let bound = ceiling.and_then(|ceiling| ceiling.at(tier.threshold)).unwrap_or_default();
                let own = desk.money(own.at(tier.threshold).unwrap_or_default());
                [name, own].into_iter().chain(most(bound)).collect()
            };
            of.tiers.iter().map(row).collect()
        }
        CommissionKind::Fixed | CommissionKind::Tiered => {
            let bound = ceiling.map(|ceiling| ceiling.amount).unwrap_or_default();
            let cells = [html! { (text.shop_every_first_sale()) }, desk.money(own.amount)];
            vec![cells.into_iter().chain(most(bound)).collect()]
        }
    };
    html! { @if rows.is_empty() { div.in { p { (text.shop_kind_none_why()) } } } @else { (table(&columns, &rows)) } }
}

fn packages(desk: &Desk, file: &GrantFile) -> Markup {
    let text = desk.text();
    let least = |held: &GrantedPackage| file.ceiling.as_ref()?.costs.get(&held.id).copied();
    let mut columns = vec![Column::Text(text.shop_package()), Column::Number(text.shop_cost())];
    if file.ceiling.is_some() {
        columns.push(Column::Number(text.shop_your_cost()));
    }
    columns.extend([Column::Number(text.shop_retail()), Column::Text(text.shop_shelf())]);
    let row = |held: &GrantedPackage| {
        let known = file.series.wanted().package(held.id);
        let name = html! { @if let Some(known) = known { (known.name) small.mono { (known.code) } } };
        let shelf = if held.on_shelf { ("ok", text.shop_on_shelf()) } else { ("", text.shop_off_shelf()) };
        let bound = file.ceiling.as_ref().map(|_| html! { @if let Some(least) = least(held) { (desk.money(least)) } });
        let cells = [name, desk.money(held.cost_price)].into_iter().chain(bound);
        cells.chain([desk.money(held.retail_price), badge(&shelf)]).collect::<Vec<_>>()
    };
    let rows: Vec<Vec<Markup>> = file.grant.wanted().packages.iter().map(row).collect();
    html! { @if rows.is_empty() { div.in { p { (text.shop_no_packages()) } } } @else { (table(&columns, &rows)) } }
}

/// Acts of the shop above: change, disable or enable, delete.
fn buttons(desk: &Desk, file: &GrantFile) -> Markup {
    let (text, grant) = (desk.text(), &file.grant);
    let (route, page) = (format!("{ROUTE}/{}", grant.id), format!("/shop/grants/{}", grant.id));
    let is_active = grant.terms.status == GrantStatus::Active;
    let (status, said) = if is_active { ("disabled", "grant_was_disabled") } else { ("active", "grant_was_enabled") };
    let toggle = html! {
        input type="hidden" name=(VERSION) value=(grant.version);
        input type="hidden" name="status" value=(status);
        button.btn.slim { @if is_active { (text.shop_disable()) } @else { (text.shop_enable()) } }
    };
    html! {
        div.row {
            a.btn.slim href=(desk.to(&format!("{page}/terms"))) { (text.shop_change_terms()) }
            a.btn.slim href=(desk.to(&format!("{page}/packages"))) { (text.shop_change_packages()) }
            (super::parts::form(desk, &Act { method: "PUT", route: &route, done: &page, said }, &toggle))
            a.btn.slim.risk href=(desk.to(&format!("{page}/delete"))) { (text.shop_delete()) }
        }
        p.small.muted { (text.shop_disable_why(count(u64::from(grant.children)))) }
    }
}
