//! Sales of the agency for staff: the list, one with its chain level by level, and what each level earned (R8.9–R8.12).

use axum::extract::Path;
use axum::response::Response;
use maud::{Markup, html};
use rust_decimal::Decimal;
use shared::agency::model::order::{AgencyOrder, PaidBy, SaleOutcome};
use shared::agency::queries::{self, Earned, SaleFilter};
use shared::agency::sell::{PlacedSale, read};
use shared::agency::view::ChainView;
use shared::edge::view::Amount;
use shared::kernel::fault::Error;
use shared::kernel::id::{AgencyOrderId, AssetId, SeriesId, ShopId};
use shared::kernel::money::MoneyError;
use shared::kernel::refusal::{FieldError, Refusal};
use shared::payment::model::order::{Order, OrderStatus};

use super::super::acts::facts;
use super::super::filters::{self, ASSET, Days, Filter, given};
use super::super::menu::{self, Head};
use super::super::pages::Staff;
use super::super::parts::{card, id_link, time, time_line};
use super::words::plain;
use super::{ALL, Names, all_series, amount, chosen, id, page_of, shops, trail};
use crate::frame;
use crate::list::{Column, Part, sheet};
use crate::parts::money;
use crate::shop::chain::chain;
use crate::show::{credit_text, note, status_badge};
use crate::sold;
use crate::text::Texts;
use crate::visit::link;
use crate::visit::{Visit, failed, not_found};

/// Wishes of the query.
struct Wanted {
    filter: SaleFilter,
    days: Days,
    part: Part,
}

impl Wanted {
    fn of(staff: &Staff) -> Result<Self, Refusal> {
        let visit = &staff.0;
        let days = Days::of(visit, None)?;
        let mut errors: Vec<FieldError> = Vec::new();
        let asset = filters::read(visit, "asset", AssetId::parse, &mut errors);
        Refusal::unless_empty(errors)?;
        let filter = SaleFilter {
            shop: given(visit, "shop").as_deref().and_then(ShopId::parse),
            series: given(visit, "series").as_deref().and_then(SeriesId::parse),
            asset,
            paid_by: given(visit, "payment").as_deref().and_then(PaidBy::parse),
            ..SaleFilter::default()
        };
        let part = staff.part(&filter, days)?;
        Ok(Self { filter, days, part })
    }

    async fn fields(&self, visit: &Visit) -> Vec<Filter> {
        let text = &visit.text;
        let (shops, series) = tokio::join!(shops(visit), all_series(visit));
        let (shops, series) = (shops.map(|page| page.items).unwrap_or_default(), series.unwrap_or_default());
        let ways = PaidBy::ALL.iter().map(|by| (by.as_str().to_owned(), text.sale_paid_by(*by).to_string()));
        let [from, to] = self.days.filters(visit, false);
        let mut all: Vec<Filter> = chosen(visit, &shops, &series).into();
        all.extend([ASSET.filter(visit), Filter::choice(visit, "payment", text.paid_by(), ways.collect()), from, to]);
        all
    }
}

/// The list.
pub async fn list(staff: Staff) -> Response {
    let wanted = match Wanted::of(&staff) {
        Ok(wanted) => wanted,
        Err(refusal) => return filters::unread(staff, &refusal, Texts::staff_sales, &[ASSET]),
    };
    let visit = &staff.0;
    let text = &visit.text;
    let read = async {
        let page = queries::orders(&visit.app, &ALL, &wanted.filter, &wanted.part.window).await?;
        let shops = page.items.iter().filter_map(|(order, _)| order.seller.shop()).collect();
        let names = Names::of(visit, shops, page.items.iter().map(|(order, _)| order.series).collect()).await?;
        Ok::<_, Error>((page, names))
    };
    let (read, fields) = tokio::join!(read, wanted.fields(visit));
    let listed = read.map(|(page, names)| {
        let rows: Vec<Vec<Markup>> =
            page.items.iter().map(|(order, payment)| row(visit, &names, order, payment.as_ref())).collect();
        let nothing = (&*text.tree_sales_none(), &*text.tree_sales_none_todo());
        wanted.part.list(visit, &text.staff_sales(), &columns(visit), (&rows, page.next.as_ref()), nothing)
    });
    let file = as_file(visit, "/admin/sales.csv");
    filters::page(&staff, (text.staff_sales(), text.tree_sales_lead()), &file, &fields, listed)
}

/// The button that gives the list as a file.
fn as_file(visit: &Visit, path: &str) -> Markup {
    let file = link(path, visit.query.iter().map(|(name, value)| (name.as_str(), value.as_str())));
    html! { p { a.btn href=(file) download { (visit.text.as_csv()) } } }
}

/// The list as a file of all rows of the filter (C3.1).
pub async fn sales_file(staff: Staff) -> Response {
    match Wanted::of(&staff) {
        Ok(wanted) => sold::sales(&staff.0, &ALL, &wanted.filter, wanted.days, "/admin/sales").await,
        Err(refusal) => frame::refused(&staff.0, &refusal),
    }
}

/// Earnings of each level as a file.
pub async fn commissions_file(staff: Staff) -> Response {
    match Wanted::of(&staff) {
        Ok(wanted) => sold::commissions(&staff.0, &ALL, &wanted.filter, wanted.days, "/admin/sales/commissions").await,
        Err(refusal) => frame::refused(&staff.0, &refusal),
    }
}

fn columns(visit: &Visit) -> [Column; 7] {
    let text = &visit.text;
    [
        Column::Text(text.tree_sale()),
        Column::Text(text.tree_shop()),
        Column::Text(text.tree_series()),
        Column::Text(text.paid_by()),
        Column::Number(text.amount()),
        Column::Text(text.status()),
        Column::Text(text.created()),
    ]
}

/// State of a sale: that of its payment order, or paid.
fn status(payment: Option<&Order>) -> OrderStatus {
    payment.map_or(OrderStatus::Paid, |payment| payment.status)
}

fn row(visit: &Visit, names: &Names, of: &AgencyOrder, payment: Option<&Order>) -> Vec<Markup> {
    let text = &visit.text;
    let id = of.id.to_string();
    vec![
        html! { (id_link(&page_of("sales", &id), &id)) small { (text.sale_kind(of.kind)) } },
        names.shop(visit, of.seller.shop()),
        names.series(of.series),
        html! { (text.sale_paid_by(of.paid_by)) },
        money(&Amount::from(of.amount)),
        html! { (status_badge(visit, status(payment))) @if of.outcome.is_none() && of.paid_at.is_some() { small { (text.tree_not_settled()) } } },
        time(visit.language, of.created_at),
    ]
}

/// One sale.
pub async fn show(path: Option<Path<String>>, staff: Staff) -> Response {
    let visit = &staff.0;
    let Some(id) = id(path, AgencyOrderId::parse) else { return not_found(visit) };
    let found = match read(&visit.app, &ALL, id).await {
        Ok(found) => found,
        Err(error) => return frame::error(visit, error),
    };
    let of = &found.order;
    let names = match Names::of(visit, of.shops().collect(), vec![of.series]).await {
        Ok(names) => names,
        Err(fault) => return failed(visit, &fault),
    };
    let text = &visit.text;
    let head = Head {
        title: text.tree_sale_of(credit_text(of.amount)).to_string(),
        lead: Some(html! { span.mono.small.break { (of.id) } }),
        aside: Some(status_badge(visit, status(found.payment.as_ref()))),
        trail: trail("sales", &text.staff_sales()),
    };
    let chain = match &of.outcome {
        Some(outcome) => match levels(visit, &names, of, outcome) {
            Ok(levels) => levels,
            Err(error) => return frame::error(visit, error),
        },
        None => html! { div.in { p { (text.tree_chain_pending()) } } },
    };
    let main = html! {
        (awaited(visit, &found))
        div.cols {
            div.stack {
                (card("chain", &text.tree_chain(), &chain))
                @if !of.packages.is_empty() { (card("sold", &text.tree_packages(), &sold(visit, &names, of))) }
            }
            (card("about", &text.tree_sale(), &about(visit, &names, &found)))
        }
    };
    menu::page(&staff, &head, &main)
}

/// The way to pay a sale that waits for its payment.
fn awaited(visit: &Visit, of: &PlacedSale) -> Markup {
    let text = &visit.text;
    let pending = of.payment.as_ref().filter(|payment| payment.status == OrderStatus::Pending);
    let page = pending.and_then(|payment| payment.pay_url.as_deref()).filter(|page| page.starts_with("http"));
    html! {
        @if pending.is_some() { (note("wait", &text.tree_awaited())) }
        @if let Some(page) = page { p.row { a.btn.go href=(page) rel="noreferrer" { (text.tree_open_payment()) } a.btn href=(visit.path) { (text.look_again()) } } }
    }
}

fn about(visit: &Visit, names: &Names, found: &PlacedSale) -> Markup {
    let text = &visit.text;
    let of = &found.order;
    let mut all = vec![
        (text.kind(), html! { (text.sale_kind(of.kind)) }),
        (text.amount(), money(&Amount::from(of.amount))),
        (text.paid_by(), html! { (text.sale_paid_by(of.paid_by)) }),
        (text.tree_shop(), names.shop(visit, of.seller.shop())),
        (text.tree_series(), names.series(of.series)),
        (text.tree_asset(), id_link(&page_of("assets", &of.asset), &of.asset.to_string())),
        (text.created(), time_line(visit.language, of.created_at)),
    ];
    all.extend(of.paid_at.map(|at| (text.tree_paid_at(), time_line(visit.language, at))));
    all.extend(of.payment.map(|id| (text.order(), id_link(&page_of("orders", &id), &id.to_string()))));
    html! { div.in { (facts(&all)) } }
}

fn sold(visit: &Visit, names: &Names, of: &AgencyOrder) -> Markup {
    let text = &visit.text;
    let currency = of.amount.currency();
    let row = |sold: &shared::agency::model::order::Sold| {
        let known = names.series.get(&of.series).and_then(|series| series.terms.package(sold.id));
        let name = known.map_or_else(|| sold.id.to_string(), |known| known.name.clone());
        vec![html! { span.break { (name) } }, amount(sold.retail_price, currency)]
    };
    let rows: Vec<Vec<Markup>> = of.packages.iter().map(row).collect();
    let columns = [Column::Text(text.tree_package()), Column::Number(text.tree_retail(currency.code()))];
    sheet(text, &text.tree_packages(), &columns, &rows)
}

/// The chain, from the selling shop up to the platform, and why there is a one-time commission or none.
fn levels(visit: &Visit, names: &Names, of: &AgencyOrder, outcome: &SaleOutcome) -> Result<Markup, Error> {
    let text = &visit.text;
    let view = ChainView::of(of, &ALL)?;
    let why = if outcome.triggered { text.tree_sale_triggered() } else { text.tree_sale_not_triggered() };
    let less = outcome.net < of.amount.amount();
    Ok(html! {
        (chain(visit, &names.shops, &view.levels, view.platform.as_ref()))
        div.in.stack-s {
            p.small.muted { (why) }
            @if less { p.small.muted { (text.tree_of_net()) " " (amount(outcome.net, of.amount.currency())) } }
        }
    })
}

/// Earnings of the levels, a row for each sale and level.
pub async fn commissions(staff: Staff) -> Response {
    let wanted = match Wanted::of(&staff) {
        Ok(wanted) => wanted,
        Err(refusal) => return filters::unread(staff, &refusal, Texts::tree_commissions, &[ASSET]),
    };
    let visit = &staff.0;
    let text = &visit.text;
    let read = async {
        let page = queries::commissions(&visit.app, &ALL, &wanted.filter, &wanted.part.window).await?;
        let shops = page.items.iter().flat_map(|of| [of.shop.shop(), of.order.seller.shop()]).flatten().collect();
        let names = Names::of(visit, shops, page.items.iter().map(|of| of.order.series).collect()).await?;
        let rows = page.items.iter().map(|of| earned(visit, &names, of)).collect::<Result<Vec<_>, _>>()?;
        Ok::<_, Error>((page, rows))
    };
    let (read, fields) = tokio::join!(read, wanted.fields(visit));
    let listed = read.map(|(page, rows)| {
        let columns = [
            Column::Text(text.tree_sale()),
            Column::Text(text.tree_earner()),
            Column::Text(text.tree_seller()),
            Column::Text(text.tree_series()),
            Column::Number(text.tree_one_time()),
            Column::Number(text.tree_difference()),
            Column::Text(text.time()),
        ];
        let nothing = (&*text.tree_commissions_none(), "");
        wanted.part.list(visit, &text.tree_commissions(), &columns, (&rows, page.next.as_ref()), nothing)
    });
    let file = as_file(visit, "/admin/sales/commissions.csv");
    filters::page(&staff, (text.tree_commissions(), text.tree_commissions_lead()), &file, &fields, listed)
}

fn earned(visit: &Visit, names: &Names, of: &Earned) -> Result<Vec<Markup>, MoneyError> {
    let order = &of.order;
    let net = order.outcome.as_ref().map_or(Decimal::ZERO, |outcome| outcome.net);
    let part = |whole: Decimal| order.part(whole, net).map(|part| amount(part, order.amount.currency()));
    let tier = of.share.tier.map(|tier| visit.text.tree_at_tier(plain(tier)));
    Ok(vec![
        id_link(&page_of("sales", &order.id), &order.id.to_string()),
        names.shop(visit, of.shop.shop()),
        names.shop(visit, order.seller.shop()),
        names.series(order.series),
        html! { (part(of.share.one_time)?) @if let Some(tier) = tier { small { (tier) } } },
        part(of.share.difference)?,
        time(visit.language, order.created_at),
    ])
}
