//! The overview of a shop: its money, its sales of thirty days, its series and the shops below it.

use axum::response::Response;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use maud::{Markup, html};
use rust_decimal::Decimal;
use shared::agency::model::grant::Grant;
use shared::agency::model::order::AgencyOrder;
use shared::agency::model::series::Series;
use shared::agency::model::shop::{Reach, Shop, ShopPath};
use shared::agency::model::wallet::Wallet;
use shared::agency::queries::{self, SaleFilter};
use shared::app::App;
use shared::edge::view::Amount;
use shared::kernel::fault::{Error, Fault};
use shared::table::list::Window;
use shared::table::store::Page;

use super::desk::{Desk, SHOPS, enter_with};
use super::parts::in_order;
use super::words::own_terms;
use crate::admin::parts::{Tile, tiles};
use crate::chart::{self, Bar, Words};
use crate::list::{Column, alone, table};
use crate::parts::{badge, count, day, money};
use crate::sidebar::Head;
use crate::visit::{Arrival, Instead};

/// Days of the chart.
const DAYS: i64 = 30;
/// Most sales that the chart sums.
const CHARTED: i32 = 400;
/// Series and shops that the page shows.
const SHOWN: usize = 10;

/// Lists of the page, read beside its visitor, the shop and its wallet.
struct Read {
    sales: Result<Page<AgencyOrder>, Fault>,
    series: Result<Page<(Series, Option<Grant>)>, Fault>,
    shops: Result<Page<Shop>, Fault>,
}

async fn read(app: &App, path: ShopPath) -> Read {
    let reach = Reach::Below(path);
    let from = app.clock.now().checked_sub((DAYS.saturating_mul(24)).hours()).ok();
    let recent = Window { from, limit: CHARTED, ..Window::default() };
    let all = Window { limit: SHOPS, ..Window::default() };
    let everything = SaleFilter::default();
    let (sales, series, shops) = tokio::join!(
        queries::sold(app, &reach, &everything, &recent),
        queries::series(app, &reach, &all),
        queries::shops(app, &reach, &all),
    );
    Read { sales, series, shops }
}

/// The page.
pub async fn overview(arrival: Arrival) -> Result<Response, Instead> {
    let keys = |path: &ShopPath| (path.shop().map(Shop::key), path.shop().map(Wallet::key));
    let (desk, (shop, wallet), read) =
        enter_with(arrival, keys, |app, path| async move { read(&app, path).await }).await?;
    let text = desk.text();
    let Some(shop) = shop else { return Ok(crate::visit::not_found(&desk.visit)) };
    let wallet = wallet.as_deref().copied().unwrap_or_else(|| Wallet::new(desk.shop, desk.settings.currency));
    let sales = read.sales.map(|page| Sold::of(&desk, &page)).map_err(Error::from);
    let (figures, drawn) = match &sales {
        Ok(sold) => (Some(sold), Ok(chart(&desk, sold))),
        Err(error) => (None, Err(error.clone())),
    };
    let head = Head {
        title: shop.name.clone(),
        lead: Some(html! { (text.shop_overview_lead()) }),
        aside: Some(html! { a.btn.go href=(desk.to("/shop/sell")) { (text.shop_sell()) } }),
        ..Head::default()
    };
    let main = html! {
        (money_tiles(&desk, &wallet, figures))
        section.card aria-labelledby="sold" {
            header { h2 #sold { (text.shop_sold()) } a href=(desk.to("/shop/sales")) { (text.shop_all_sales()) } }
            (alone(&desk.visit, drawn))
        }
        div.two {
            section.card aria-labelledby="series" {
                header { h2 #series { (text.shop_my_series()) } a href=(desk.to("/shop/prices")) { (text.shop_prices()) } }
                (alone(&desk.visit, read.series.map(|page| series(&desk, &page)).map_err(Error::from)))
            }
            section.card aria-labelledby="below" {
                header { h2 #below { (text.shop_below()) } a href=(desk.to("/shop/shops")) { (text.shop_all_shops()) } }
                (alone(&desk.visit, read.shops.map(|page| below(&desk, &page)).map_err(Error::from)))
            }
        }
    };
    Ok(desk.page(&head, &main))
}

/// Sales of the chart's days.
struct Sold {
    /// Each day with the number and the sum of its sales, the oldest first.
    days: Vec<(Date, u64, Decimal)>,
    count: u64,
    sum: Decimal,
    /// Earnings of the shop itself.
    earned: Decimal,
    is_whole: bool,
}

impl Sold {
    fn of(desk: &Desk, page: &Page<AgencyOrder>) -> Self {
        let date = |at: Timestamp| at.to_zoned(TimeZone::UTC).date();
        let today = date(desk.visit.app.clock.now());
        let first = |back: i64| today.checked_sub(back.days()).unwrap_or(today);
        let mut days: Vec<_> = (0..DAYS).rev().map(|back| (first(back), 0_u64, Decimal::ZERO)).collect();
        let (mut count, mut sum, mut earned) = (0_u64, Decimal::ZERO, Decimal::ZERO);
        for order in &page.items {
            let (Some(at), net) = (order.paid_at, order.net()) else { continue };
            earned = earned.saturating_add(order.earned_by(&desk.path));
            let Some(day) = days.iter_mut().find(|(day, ..)| *day == date(at)) else { continue };
            (day.1, day.2) = (day.1.saturating_add(1), day.2.saturating_add(net));
            (count, sum) = (count.saturating_add(1), sum.saturating_add(net));
        }
        Self { days, count, sum, earned, is_whole: page.next.is_none() }
    }
}

fn money_tiles(desk: &Desk, wallet: &Wallet, sold: Option<&Sold>) -> Markup {
    let text = desk.text();
    let tile = |name: String, figure: Markup, note: Option<String>| Tile {
        name,
        figure,
        notes: note.map(|note| html! { (note) }).into_iter().collect(),
    };
    let of = |amount| money(&Amount::from(amount));
    let (held, debt) = (wallet.held(), wallet.commission.owed());
    let mut all = vec![
        tile(text.shop_main().to_string(), of(wallet.main.balance()), Some(text.shop_main_note().to_string())),
        tile(
            text.shop_commission().to_string(),
            of(wallet.commission.balance()),
            Some(text.shop_commission_note().to_string()),
        ),
    ];
    if held.is_positive() {
        all.push(tile(text.shop_held().to_string(), of(held), Some(text.shop_held_note().to_string())));
    }
    if debt.is_positive() {
        all.push(tile(text.debt().to_string(), of(debt), Some(text.shop_debt_note().to_string())));
    }
    if let Some(sold) = sold {
        let number = text.shop_sales_count(sold.count);
        all.push(tile(text.shop_sold().to_string(), desk.money(sold.sum), Some(number.to_string())));
        all.push(tile(
            text.shop_earned().to_string(),
            desk.money(sold.earned),
            Some(text.shop_earned_note().to_string()),
        ));
    }
    tiles(&all)
}

fn chart(desk: &Desk, sold: &Sold) -> Markup {
    let (visit, text) = (&desk.visit, desk.text());
    let bar = |(date, number, sum): &(Date, u64, Decimal)| Bar {
        name: day(visit.language, *date),
        value: *sum,
        told: format!("{} · {}", desk.words(*sum), text.shop_sales_count(*number)),
    };
    let bars: Vec<Bar> = sold.days.iter().map(bar).collect();
    let words = Words {
        title: text.shop_sold().to_string(),
        description: text.shop_sold_words(count(sold.count), desk.words(sold.sum)).to_string(),
        columns: [(text.shop_day().to_string(), false), (text.shop_sold().to_string(), true)],
    };
    html! {
        div.in {
            @if sold.count == 0 { p { (text.shop_nothing_sold()) } p.muted { (text.shop_nothing_sold_todo()) } }
            @else { (chart::bars(visit, &words, &bars)) }
            @if !sold.is_whole { p.small.muted { (text.shop_newest_only()) } }
        }
    }
}

fn series(desk: &Desk, page: &Page<(Series, Option<Grant>)>) -> Markup {
    let text = desk.text();
    let columns = [Column::Text(text.shop_series()), Column::Text(text.shop_my_part()), Column::Text(text.status())];
    let row = |(series, grant): &(Series, Grant)| {
        let page = desk.to(&format!("/shop/grants/{}", grant.id));
        vec![
            html! { a.break href=(page) { (series.name) } small.mono { (series.code) } },
            own_terms(desk, &series.wanted().commission, &grant.wanted().own),
            badge(&text.grant_status(grant.terms.status)),
        ]
    };
    let all = page.items.iter().filter_map(|(series, grant)| Some((series.clone(), grant.clone()?)));
    let rows: Vec<_> = all.take(SHOWN).collect();
    html! {
        @if rows.is_empty() { div.in.stack-s { p { (text.shop_no_series()) } p.muted { (text.shop_no_series_todo()) } } }
        @else { (table(&columns, &rows.iter().map(row).collect::<Vec<_>>())) }
    }
}

fn below(desk: &Desk, page: &Page<Shop>) -> Markup {
    let text = desk.text();
    let all: Vec<Shop> = page.items.iter().filter(|shop| shop.path != desk.path).cloned().collect();
    let columns =
        [Column::Text(text.shop_shop()), Column::Number(text.shop_level()), Column::Number(text.shop_grants())];
    let row = |shop: &Shop| {
        vec![
            html! { a.break href=(desk.to(&format!("/shop/shops/{}", shop.id))) { (shop.name) } },
            html! { (shop.path.level()) },
            html! { (shop.grants) },
        ]
    };
    let rows: Vec<_> = in_order(&all).into_iter().take(SHOWN).map(row).collect();
    html! {
        @if rows.is_empty() {
            div.in.stack-s {
                p { (text.shop_none_below()) }
                p { a.btn href=(desk.to("/shop/shops/new")) { (text.shop_new_below()) } }
            }
        } @else { (table(&columns, &rows)) }
    }
}
