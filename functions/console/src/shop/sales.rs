//! Sales of a shop and of those below it (R8.8–R8.12): the list with its filters and its file, and a sale with its chain, level by level.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::Path;
use axum::response::Response;
use fluent_static::Message;
use maud::{Markup, html};
use shared::agency::model::asset::Asset;
use shared::agency::model::grant::Grant;
use shared::agency::model::order::{AgencyOrder, PaidBy};
use shared::agency::model::series::Series;
use shared::agency::model::shop::{Reach, Shop, ShopPath};
use shared::agency::queries::{self, Earned, SaleFilter};
use shared::agency::view::{SaleCommissionState, SaleView, ShopCommission};
use shared::app::App;
use shared::kernel::fault::{Error, Fault};
use shared::kernel::id::{AgencyOrderId, AssetId, SeriesId, ShopId};
use shared::kernel::refusal::Refusal;
use shared::payment::model::order::{Order, OrderStatus};
use shared::table::item::Versioned;
use shared::table::list::Window;
use shared::table::store::Page;

use super::chain::chain;
use super::desk::{Desk, FOR, enter};
use super::grants::own_grants;
use super::parts::{Shops, head, shop_choices, shop_link};
use super::shops::choices;
use crate::admin::acts::facts;
use crate::admin::filters::{self, Days, Filter};
use crate::admin::parts::short;
use crate::frame;
use crate::list::{Column, Part, alone, empty, table};
use crate::parts::{badge, money, time};
use crate::show::status_badge;
use crate::sidebar::Head;
use crate::sold;
use crate::text::Texts;
use crate::visit::{Arrival, Instead, link};

/// Wishes of the query.
#[derive(Clone)]
struct Wanted {
    filter: SaleFilter,
    days: Days,
    wrong: Option<Refusal>,
}

impl Wanted {
    fn of(arrival: &Arrival) -> Self {
        let asked = |name: &str| arrival.asked(name).unwrap_or_default().to_owned();
        let filter = SaleFilter {
            shop: ShopId::parse(&asked("shop")),
            series: SeriesId::parse(&asked("series")),
            asset: AssetId::parse(&asked("asset")),
            paid_by: PaidBy::parse(&asked("payment")),
            identifier: None,
        };
        match arrival.days(None) {
            Ok(days) => Self { filter, days, wrong: None },
            Err(refusal) => Self { filter, days: Days::default(), wrong: Some(refusal) },
        }
    }

    /// The part of the list that the query names, of this filter.
    async fn part(&self, arrival: Arrival) -> Result<(Arrival, Part), Instead> {
        let whose = arrival.asked(FOR).unwrap_or_default().to_owned();
        let name = format!("{whose}:{:?}:{:?}", self.filter, self.days);
        let (arrival, mut part) = arrival.part("cursor", &name).await?;
        (part.window.from, part.window.to) = self.days.times();
        Ok((arrival, part))
    }
}

/// Names of what sales are about.
struct Names {
    shops: Vec<Shop>,
    series: Vec<Series>,
    assets: BTreeMap<AssetId, Asset>,
}

impl Names {
    /// The shops to choose from, and the series of the shop's own and of some more sales.
    async fn of(
        app: &App,
        shops: Vec<Shop>,
        own: &[Grant],
        more: impl Iterator<Item = SeriesId>,
    ) -> Result<Self, Fault> {
        let series = queries::series_of(app, own.iter().map(|grant| grant.series).chain(more)).await?;
        Ok(Self { shops, series: series.into_values().collect(), assets: BTreeMap::new() })
    }

    fn shops(&self) -> Shops {
        self.shops.iter().map(|shop| (shop.id, shop.clone())).collect()
    }

    fn series(&self, id: SeriesId) -> String {
        self.series.iter().find(|series| series.id == id).map(|series| series.name.clone()).unwrap_or_default()
    }
}

fn fields(desk: &Desk, names: &Names, wanted: &Wanted) -> Vec<Filter> {
    let (visit, text) = (&desk.visit, desk.text());
    let series = names.series.iter().map(|series| (series.id.to_string(), series.name.clone())).collect();
    let ways = PaidBy::ALL.iter().map(|by| (by.as_str().to_owned(), text.sale_paid_by(*by).to_string())).collect();
    let mut all = vec![
        Filter::choice(visit, "shop", text.shop_shop(), shop_choices(desk, &names.shops)),
        Filter::choice(visit, "series", text.shop_series(), series),
        Filter::choice(visit, "payment", text.paid_by(), ways),
    ];
    if let Some(asset) = wanted.filter.asset {
        let known = names.assets.get(&asset).map_or_else(|| asset.to_string(), |of| of.identifier.as_str().to_owned());
        all.push(Filter::choice(visit, "asset", text.shop_identifier(), vec![(asset.to_string(), known)]));
    }
    all.extend(wanted.days.filters(visit, false));
    all
}

/// Sales of a list, each with its payment order, and what they are about.
type Sales = (Page<(AgencyOrder, Option<Order>)>, Names);

async fn read(app: &App, path: &ShopPath, filter: &SaleFilter, window: &Window) -> Result<Sales, Fault> {
    let reach = Reach::Below(path.clone());
    let (page, shops, own) =
        tokio::try_join!(queries::sold(app, &reach, filter, window), choices(app, path), own_grants(app, path))?;
    let payments: Vec<_> = page.items.iter().map(|order| order.payment.map(Order::key)).collect();
    let assets: BTreeMap<AssetId, _> = page.items.iter().map(|order| (order.asset, Asset::key(order.asset))).collect();
    let series = own.iter().map(|grant| grant.series).chain(page.items.iter().map(|order| order.series));
    let series: BTreeMap<SeriesId, _> = series.map(|id| (id, Series::key(id))).collect();
    let (payments, assets, series) = app.store.read((payments, assets, series)).await?;
    let payments = payments.into_iter().map(|payment| payment.map(Versioned::into_inner));
    let names = Names {
        shops,
        series: series.into_values().map(Versioned::into_inner).collect(),
        assets: assets.into_iter().map(|(id, asset)| (id, Versioned::into_inner(asset))).collect(),
    };
    Ok((Page { items: page.items.into_iter().zip(payments).collect(), next: page.next }, names))
}

/// The list.
pub async fn list(arrival: Arrival) -> Result<Response, Instead> {
    let wanted = Wanted::of(&arrival);
    let (arrival, part) = wanted.part(arrival).await?;
    let read = |app: Arc<App>, path: ShopPath| {
        let (filter, window) = (wanted.filter.clone(), part.window.clone());
        async move { read(&app, &path, &filter, &window).await }
    };
    let (desk, sales) = enter(arrival, read).await?;
    let named: (Named, Named, _) = (Texts::shop_sales, Texts::shop_sales_lead, "/shop/sales.csv");
    Ok(listed(desk, &wanted, named, sales, |desk, page, names| shown(desk, &part, page, names)))
}

/// A text without arguments.
type Named = fn(&Texts) -> Message;

/// A list's page: its filters, its rows, which may fail alone, and the way to its file.
fn listed<T>(
    mut desk: Desk,
    wanted: &Wanted,
    (title, lead, file): (Named, Named, &str),
    found: Result<(Page<T>, Names), Fault>,
    shown: impl Fn(&Desk, &Page<T>, &Names) -> Result<Markup, Error>,
) -> Response {
    if let Some(refusal) = &wanted.wrong {
        desk.wrong(refusal);
    }
    let (text, query) = (desk.text(), desk.visit.query.iter().map(|(name, value)| (name.as_str(), value.as_str())));
    let aside = html! { a.btn href=(link(file, query)) download { (text.as_csv()) } };
    let head = Head { aside: Some(aside), ..head(&title(text), &lead(text)) };
    let filters = found.as_ref().map(|(_, names)| fields(&desk, names, wanted)).unwrap_or_default();
    let shown = found.map_err(Error::from).and_then(|(page, names)| shown(&desk, &page, &names));
    let main = html! {
        section.card aria-label=(&*title(text)) {
            (filters::filters(&desk.visit, &filters))
            @if wanted.wrong.is_none() { (alone(&desk.visit, shown)) }
        }
    };
    desk.page(&head, &main)
}

fn shown(desk: &Desk, part: &Part, page: &Page<(AgencyOrder, Option<Order>)>, names: &Names) -> Result<Markup, Error> {
    let (visit, text) = (&desk.visit, desk.text());
    let columns = [
        Column::Text(text.time()),
        Column::Text(text.shop_identifier()),
        Column::Text(text.shop_shop()),
        Column::Text(text.shop_series()),
        Column::Number(text.amount()),
        Column::Text(text.status()),
        Column::Number(text.shop_your_earnings()),
        Column::Action(text.row_action()),
    ];
    let shops = names.shops();
    let row = |(order, payment): &(AgencyOrder, Option<Order>)| {
        let view = SaleView::of(order, payment.as_ref(), &desk.reach())?;
        let number = names.assets.get(&order.asset).map(|asset| asset.identifier.as_str().to_owned());
        Ok::<_, Error>(vec![
            time(visit.language, order.created_at),
            html! { a.mono.break href=(desk.to(&format!("/shop/assets/{}", order.asset))) { (number.unwrap_or_default()) } small { (text.sale_kind(order.kind)) } },
            shop_link(desk, &shops, &order.seller),
            html! { (names.series(order.series)) },
            html! { (money(&view.amount)) small { (text.sale_paid_by(order.paid_by)) } },
            status_badge(visit, view.status),
            html! { @match view.commission.state { SaleCommissionState::Done => (desk.money(order.earned_by(&desk.path)?)), SaleCommissionState::Pending => "—" } },
            html! { a.btn.slim href=(desk.to(&format!("/shop/sales/{}", order.id))) { (text.show_it()) } },
        ])
    };
    let rows = page.items.iter().map(row).collect::<Result<Vec<_>, _>>()?;
    Ok(html! {
        @if rows.is_empty() { (empty(visit, page.next.is_some(), &text.shop_no_sales(), &text.shop_no_sales_todo())) }
        @else { (table(&columns, &rows)) }
        (part.pager(visit, &text.shop_sales(), page.next.as_ref()))
    })
}

/// The list as a file (C3.1).
pub async fn sales_file(arrival: Arrival) -> Result<Response, Instead> {
    let wanted = Wanted::of(&arrival);
    let (desk, ()) = enter(arrival, |_, _| async {}).await?;
    if let Some(refusal) = &wanted.wrong {
        return Ok(frame::refused(&desk.visit, refusal));
    }
    let back = desk.to("/shop/sales");
    Ok(sold::sales(&desk.visit, &desk.reach(), &wanted.filter, wanted.days, &back).await)
}

/// The commissions as a file.
pub async fn commissions_file(arrival: Arrival) -> Result<Response, Instead> {
    let wanted = Wanted::of(&arrival);
    let (desk, ()) = enter(arrival, |_, _| async {}).await?;
    if let Some(refusal) = &wanted.wrong {
        return Ok(frame::refused(&desk.visit, refusal));
    }
    let back = desk.to("/shop/commissions");
    Ok(sold::commissions(&desk.visit, &desk.reach(), &wanted.filter, wanted.days, &back).await)
}

/// Commissions of a shop and of those below it, a row for each level that earned.
pub async fn commissions(arrival: Arrival) -> Result<Response, Instead> {
    let wanted = Wanted::of(&arrival);
    let (arrival, part) = wanted.part(arrival).await?;
    let read = |app: Arc<App>, path: ShopPath| {
        let (filter, window) = (wanted.filter.clone(), part.window.clone());
        async move {
            let reach = Reach::Below(path.clone());
            let (page, shops, own) = tokio::try_join!(
                queries::commissions(&app, &reach, &filter, &window),
                choices(&app, &path),
                own_grants(&app, &path),
            )?;
            let names = Names::of(&app, shops, &own, page.items.iter().map(|of| of.order.series)).await?;
            Ok::<_, Fault>((page, names))
        }
    };
    let (desk, earned) = enter(arrival, read).await?;
    let named: (Named, Named, _) = (Texts::shop_commissions, Texts::shop_commissions_lead, "/shop/commissions.csv");
    Ok(listed(desk, &wanted, named, earned, |desk, page, names| earnings(desk, &part, page, names)))
}

fn earnings(desk: &Desk, part: &Part, page: &Page<Earned>, names: &Names) -> Result<Markup, Error> {
    let (visit, text) = (&desk.visit, desk.text());
    let columns = [
        Column::Text(text.time()),
        Column::Text(text.shop_earned_by()),
        Column::Text(text.shop_sold_by()),
        Column::Text(text.shop_series()),
        Column::Number(text.shop_one_time()),
        Column::Number(text.shop_difference()),
        Column::Action(text.row_action()),
    ];
    let shops = names.shops();
    let row = |of: &Earned| {
        let view = ShopCommission::of(of)?;
        let tier = view.tier.map(|tier| text.shop_tier_at(tier).to_string());
        Ok::<_, Error>(vec![
            time(visit.language, view.created_at),
            shop_link(desk, &shops, &of.shop),
            shop_link(desk, &shops, &of.order.seller),
            html! { (names.series(view.series_id)) },
            html! { (money(&view.one_time)) @if let Some(tier) = tier { small { (tier) } } },
            money(&view.difference),
            html! { a.btn.slim href=(desk.to(&format!("/shop/sales/{}", view.order_id))) { (text.shop_sale()) } },
        ])
    };
    let rows = page.items.iter().map(row).collect::<Result<Vec<_>, _>>()?;
    Ok(html! {
        @if rows.is_empty() { (empty(visit, page.next.is_some(), &text.shop_no_commissions(), &text.shop_no_commissions_todo())) }
        @else { (table(&columns, &rows)) }
        (part.pager(visit, &text.shop_commissions(), page.next.as_ref()))
    })
}

/// A sale with what belongs to it.
struct Sale {
    order: AgencyOrder,
    payment: Option<Order>,
    asset: Option<Asset>,
    series: Option<Series>,
    shops: Shops,
}

async fn one(app: &App, path: &ShopPath, id: AgencyOrderId) -> Result<Sale, Error> {
    let order = app.store.get::<AgencyOrder>(&AgencyOrder::key(id)).await?;
    let order = order.filter(|order| order.seller.is_within(path)).ok_or(Refusal::NotFound)?.into_inner();
    let levels = order.seller.upward().filter(|level| level.is_within(path));
    let shops: BTreeMap<ShopId, _> = levels.filter_map(|level| level.shop()).map(|id| (id, Shop::key(id))).collect();
    let keys = (order.payment.map(Order::key), Asset::key(order.asset), Series::key(order.series), shops);
    let (payment, asset, series, shops) = app.store.read(keys).await?;
    Ok(Sale {
        payment: payment.map(Versioned::into_inner),
        asset: asset.map(Versioned::into_inner),
        series: series.map(Versioned::into_inner),
        shops: shops.into_iter().map(|(id, shop)| (id, Versioned::into_inner(shop))).collect(),
        order,
    })
}

/// A sale, with its chain.
pub async fn show(Path(id): Path<String>, arrival: Arrival) -> Result<Response, Instead> {
    let id = AgencyOrderId::parse(&id);
    let read = |app: Arc<App>, path: ShopPath| async move {
        match id {
            Some(id) => one(&app, &path, id).await,
            None => Err(Refusal::NotFound.into()),
        }
    };
    let (desk, sale) = enter(arrival, read).await?;
    let sale = sale.map_err(|error| desk.error(error))?;
    let view = SaleView::of(&sale.order, sale.payment.as_ref(), &desk.reach()).map_err(|error| desk.error(error))?;
    let text = desk.text();
    let chain = html! {
        @match view.commission.state {
            SaleCommissionState::Pending => div.in { p { @if view.status == OrderStatus::Pending { (text.shop_chain_waits()) } @else { (text.shop_chain_soon()) } } p { a.btn.slim href=(desk.visit.with("", "")) { (text.shop_look_again()) } } },
            SaleCommissionState::Done => {
                (chain(&desk.visit, &sale.shops, &view.commission.levels, None))
                div.in { p.small.muted { @if view.commission.triggered { (text.shop_triggered()) } @else { (text.shop_triggered_not()) } } }
            }
        }
    };
    let head = Head {
        title: text.shop_sale_of(short(&sale.order.id.to_string())).to_string(),
        trail: vec![(desk.to("/shop/sales"), html! { (text.shop_sales()) })],
        ..Head::default()
    };
    let main = html! {
        div.two {
            section.card aria-labelledby="about" { header { h2 #about { (text.shop_about()) } } div.in.stack { (about(&desk, &sale, &view)) } }
            section.card aria-labelledby="sold" { header { h2 #sold { (text.shop_sold_what()) } } (sold(&desk, &sale, &view)) }
        }
        section.card aria-labelledby="chain" { header { h2 #chain { (text.shop_who_earns()) } } (chain) }
    };
    Ok(desk.page(&head, &main))
}

fn about(desk: &Desk, sale: &Sale, view: &SaleView) -> Markup {
    let (visit, text, order) = (&desk.visit, desk.text(), &sale.order);
    let number = sale.asset.as_ref().map(|asset| asset.identifier.as_str().to_owned()).unwrap_or_default();
    // The payment order is the page of whoever made it.
    let payer = visit.visitor.as_ref().is_some_and(|visitor| visitor.user.id == order.by);
    let payment = view.payment_order_id.filter(|_| payer);
    let mut all = vec![
        (text.status(), status_badge(visit, view.status)),
        (text.shop_price(), money(&view.amount)),
        (text.paid_by(), html! { (text.sale_paid_by(order.paid_by)) }),
        (
            text.shop_identifier(),
            html! { a.mono.break href=(desk.to(&format!("/shop/assets/{}", order.asset))) { (number) } },
        ),
        (text.shop_sold_by(), shop_link(desk, &sale.shops, &order.seller)),
        (text.created(), time(visit.language, order.created_at)),
    ];
    if view.net.amount != view.amount.amount && order.outcome.is_some() {
        all.push((text.shop_after_refunds(), money(&view.net)));
    }
    html! {
        (facts(&all))
        @if let Some(payment) = payment {
            div.row { a.btn.go[view.status == OrderStatus::Pending] href=(format!("/orders/{payment}")) { @if view.status == OrderStatus::Pending { (text.shop_pay_now()) } @else { (text.shop_see_payment()) } } }
        }
    }
}

fn sold(desk: &Desk, sale: &Sale, view: &SaleView) -> Markup {
    let text = desk.text();
    let name = |id| sale.series.as_ref().and_then(|series| series.wanted().package(id)).map(|known| known.name.clone());
    let columns = [Column::Text(text.shop_package()), Column::Number(text.shop_price())];
    let row = |sold: &shared::agency::view::SoldPackageView| {
        vec![
            html! { (name(sold.package_id).unwrap_or_else(|| sold.package_id.to_string())) },
            money(&sold.retail_price),
        ]
    };
    let rows: Vec<Vec<Markup>> = view.packages.iter().map(row).collect();
    html! {
        @if rows.is_empty() { div.in { p { (badge(&("info", text.shop_recharge()))) " " (money(&view.amount)) } p.muted { (text.shop_recharge_credits()) } } }
        @else { (table(&columns, &rows)) }
    }
}
