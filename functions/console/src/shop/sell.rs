//! Selling (R8.7–R8.12): for which card or device, what, what it costs and who earns what, then how it is paid. Nothing is sold before
//! the last step, so its numbers are those of now.

use std::sync::Arc;

use axum::response::Response;
use maud::{Markup, html};
use rust_decimal::Decimal;
use shared::agency::model::asset::{Asset, AssetIdentifier};
use shared::agency::model::grant::GrantedPackage;
use shared::agency::model::order::{OrderKind, PaidBy};
use shared::agency::model::shop::{Reach, ShopPath};
use shared::agency::preview::{SaleDesk, SalePreview};
use shared::agency::queries::{self, SaleFilter};
use shared::agency::sell::SaleRequest;
use shared::agency::view::ChainView;
use shared::app::App;
use shared::edge::view::Amount;
use shared::kernel::fault::{Error, Fault};
use shared::kernel::id::{AssetId, PackageId};
use shared::kernel::money::plain_decimal;
use shared::kernel::refusal::Refusal;
use shared::payment::model::settings::PaymentSettings;
use shared::payment::offers::offering;
use shared::table::list::Window;
use shared::table::store::Page;

use super::chain::chain;
use super::desk::{Desk, enter};
use super::parts::{Act, Shops, field, form, head, shop_link};
use crate::admin::acts::facts;
use crate::list::{ROWS, alone};
use crate::parts::{self, Field, money};
use crate::sidebar::Head;
use crate::svg;
use crate::topup::choice::ways;
use crate::visit::{Arrival, Instead, redirect};

const ROUTE: &str = "/v1/agency/orders";
/// Name of the field for the way to pay, which decides three fields of the route.
const WAY: &str = "payment/provider/method";
/// Name of the query's packages.
const PACKAGE: &str = "package";

/// The page: without an asset the search for one, with one the sale.
pub async fn sell(arrival: Arrival) -> Result<Response, Instead> {
    match arrival.asked("asset").map(AssetId::parse) {
        Some(asset) => sale(arrival, asset).await,
        None => search(arrival).await,
    }
}

type Found = (
    Page<Asset>,
    Shops,
    std::collections::BTreeMap<shared::kernel::id::SeriesId, shared::agency::model::series::Series>,
);

async fn found(app: &App, path: &ShopPath, identifier: Option<AssetIdentifier>) -> Result<Found, Fault> {
    let filter = SaleFilter { identifier, ..SaleFilter::default() };
    let window = Window { limit: ROWS, ..Window::default() };
    let page = queries::assets(app, &Reach::Below(path.clone()), &filter, &window).await?;
    let shops = queries::shops_of(app, page.items.iter().filter_map(|asset| asset.path.shop()));
    let series = queries::series_of(app, page.items.iter().map(|asset| asset.series));
    let (shops, series) = tokio::try_join!(shops, series)?;
    Ok((page, shops, series))
}

async fn search(arrival: Arrival) -> Result<Response, Instead> {
    let typed = arrival.asked("identifier").unwrap_or_default().trim().to_owned();
    let identifier = Some(AssetIdentifier::parse(&typed)).filter(|_| !typed.is_empty());
    let (identifier, wrong) = match identifier {
        Some(Err(error)) => (None, Some(Refusal::Invalid(vec![error]))),
        Some(Ok(identifier)) => (Some(identifier), None),
        None => (None, None),
    };
    let read = |app: Arc<App>, path: ShopPath| {
        let identifier = identifier.clone();
        async move { found(&app, &path, identifier).await }
    };
    let (mut desk, found) = enter(arrival, read).await?;
    if let Some(refusal) = &wrong {
        desk.wrong(refusal);
    }
    let text = desk.text();
    if let (Ok((page, ..)), true) = (&found, identifier.is_some())
        && let [only] = page.items.as_slice()
    {
        return Ok(redirect(&desk.to_with("/shop/sell", &[("asset", only.id.to_string().as_str())])));
    }
    let value = desk.visit.asked("identifier");
    let number = Field { value, mono: true, ..field("identifier", "identifier", &text.shop_find()) };
    let shown = found.map_err(Error::from).map(|(page, shops, series)| {
        html! {
            @if page.items.is_empty() {
                div.in.stack-s { p { @if typed.is_empty() { (text.shop_no_assets()) } @else { (text.shop_not_found()) } } p { a.btn href=(desk.to("/shop/assets/new")) { (text.shop_take_in()) } } }
            } @else { (super::assets::assets(&desk, &page.items, &shops, &series)) }
        }
    });
    let main = html! {
        section.card { div.in {
            form.ask method="get" action="/shop/sell" { (desk.keep()) (parts::field(&desk.visit, &number)) button.btn.go { (text.shop_find_do()) } }
        } }
        section.card aria-labelledby="newest" { header { h2 #newest { (text.shop_newest_assets()) } } @if wrong.is_none() { (alone(&desk.visit, shown)) } }
    };
    Ok(desk.page(&head(&text.shop_sell(), &text.shop_sell_lead()), &main))
}

/// Entries of the query: packages, or an amount.
fn wanted(desk: &Desk) -> Result<Option<SaleRequest>, Refusal> {
    let packages = desk.visit.query.iter().filter(|(name, _)| name == PACKAGE);
    let packages: Vec<PackageId> = packages.filter_map(|(_, id)| PackageId::parse(id)).collect();
    let amount = desk.visit.asked("amount").map(str::trim).filter(|amount| !amount.is_empty());
    match (packages.is_empty(), amount) {
        (false, _) => Ok(Some(SaleRequest::Purchase(packages))),
        (true, None) if desk.visit.asked("kind").is_some() => Err(Refusal::field("/package_ids", "required", "")),
        (true, None) => Ok(None),
        (true, Some(amount)) => {
            let read = plain_decimal(amount, desk.settings.currency.digits()).filter(|amount| !amount.is_zero());
            let read = read.ok_or_else(|| Refusal::field("/amount", "not_a_decimal", ""))?;
            Ok(Some(SaleRequest::Recharge(read)))
        }
    }
}

async fn sale(arrival: Arrival, asset: Option<AssetId>) -> Result<Response, Instead> {
    let read = |app: Arc<App>, path: ShopPath| async move {
        match asset {
            Some(asset) => SaleDesk::read(&app, &Reach::Below(path), asset).await,
            None => Err(Refusal::NotFound.into()),
        }
    };
    let (mut desk, sale) = enter(arrival, read).await?;
    let sale = match sale {
        Err(Error::Refused(Refusal::GrantDisabled)) => return Ok(closed(&desk)),
        sale => sale.map_err(|error| desk.error(error))?,
    };
    let by = desk.visit.signed_in()?.user.id;
    let preview = wanted(&desk).map_err(Error::from).and_then(|wanted| {
        wanted.map(|wanted| Ok((sale.preview(&desk.visit.app, by, &wanted, PaidBy::Wallet)?, wanted))).transpose()
    });
    let preview = match preview {
        Err(Error::Refused(refusal @ Refusal::Invalid(_))) => {
            desk.wrong(&refusal);
            None
        }
        preview => preview.map_err(|error| desk.error(error))?,
    };
    at_way(&mut desk);
    let ways = pay_ways(&desk, &sale, preview.as_ref().map(|(_, wanted)| wanted)).await;
    let ways = ways.map_err(|error| desk.error(error))?;
    let text = desk.text();
    let head = Head {
        title: text.shop_sell_for(sale.asset().identifier.as_str()).to_string(),
        trail: vec![(desk.to("/shop/sell"), html! { (text.shop_sell()) })],
        ..Head::default()
    };
    let main = html! {
        (needed(&desk, &sale))
        div.two {
            section.card aria-labelledby="what" { header { h2 #what { (text.shop_what()) } } div.in { (choose(&desk, &sale)) } }
            section.card aria-labelledby="asset" { header { h2 #asset { (text.shop_about()) } } div.in { (about(&desk, &sale)) } }
        }
        @if let Some((preview, wanted)) = &preview { (checked(&desk, &sale, preview, wanted, &ways)) }
    };
    Ok(desk.page(&head, &main))
}

/// The page of an asset for which nothing can be sold.
fn closed(desk: &Desk) -> Response {
    let text = desk.text();
    let main = html! {
        div.note.bad { span { (text.refused_grant_disabled()) } }
        p { a.btn href=(desk.to("/shop/assets")) { (text.shop_assets()) } }
    };
    desk.page(&Head { title: text.shop_sell().to_string(), ..Head::default() }, &main)
}

/// Says at the way to pay why the sale was refused.
fn at_way(desk: &mut Desk) {
    let Some(flash) = desk.visit.refused() else { return };
    let least = flash.facts.get("amount").and_then(|amount| Decimal::from_str_exact(amount).ok());
    let code = match flash.code.as_str() {
        "insufficient_balance" => "wallet_short".to_owned(),
        "forced_recharge_required" => format!("forced:{}", desk.words(least.unwrap_or_default())),
        _ => return,
    };
    desk.place(vec![("/payment".to_owned(), code)]);
}

/// The payment that the asset needs before anything else, and the way to it.
fn needed(desk: &Desk, sale: &SaleDesk) -> Markup {
    let text = desk.text();
    let id = sale.asset().id.to_string();
    html! {
        @if let Some(least) = sale.required() {
            @let amount = least.normalize().to_string();
            div.note.wait { (svg::info()) span {
                (text.shop_needs_first(desk.words(least))) " "
                a href=(desk.to_with("/shop/sell", &[("asset", id.as_str()), ("kind", "recharge"), ("amount", amount.as_str())])) { (text.shop_recharge_with(desk.words(least))) }
            } }
        }
    }
}

fn about(desk: &Desk, sale: &SaleDesk) -> Markup {
    let (text, asset) = (desk.text(), sale.asset());
    let commission =
        if asset.triggered_by.is_some() { text.shop_commission_paid() } else { text.shop_commission_due() };
    facts(&[
        (text.kind(), html! { (text.asset_kind(asset.kind)) }),
        (
            text.shop_identifier(),
            html! { a.mono.break href=(desk.to(&format!("/shop/assets/{}", asset.id))) { (asset.identifier.as_str()) } },
        ),
        (text.shop_series(), html! { (sale.series().name) }),
        (text.shop_sells_for_it(), shop_link(desk, &sale.shops, &asset.path)),
        (text.balance(), money(&Amount::from(asset.accounts.balance()))),
        (text.shop_one_time(), html! { (commission) }),
    ])
}

/// The choice of packages, or of an amount to recharge.
fn choose(desk: &Desk, sale: &SaleDesk) -> Markup {
    let (visit, text) = (&desk.visit, desk.text());
    let held = sale.grant().map(|grant| grant.terms.packages.as_slice()).unwrap_or_default();
    let shelf: Vec<&GrantedPackage> = held.iter().filter(|held| held.on_shelf).collect();
    let chosen = |id: PackageId| visit.query.iter().any(|(name, value)| name == PACKAGE && *value == id.to_string());
    let error = visit.error_at("/package_ids").map(|code| text.field_error("/package_ids", code));
    let amount = Field {
        value: visit.asked("amount"),
        hint: Some(text.shop_recharge_hint(desk.settings.currency.code()).to_string()),
        ..field("amount", "amount", &text.amount())
    };
    let hidden = |kind: OrderKind| {
        html! {
            (desk.keep())
            input type="hidden" name="asset" value=(sale.asset().id);
            input type="hidden" name="kind" value=(kind.as_str());
        }
    };
    html! {
        div.stack {
            form.stack-s method="get" action="/shop/sell" {
                (hidden(OrderKind::Purchase))
                fieldset.stack-s #package_ids {
                    legend { (text.shop_purchase()) }
                    @if let Some(error) = &error { p.err { span.hidden { (text.error_mark()) " " } (error) } }
                    @if shelf.is_empty() { p.muted { (text.shop_shelf_empty()) } }
                    @for (place, held) in shelf.iter().enumerate() {
                        @let id = format!("package-{place}");
                        @let name = sale.series().wanted().package(held.id).map(|known| known.name.clone()).unwrap_or_default();
                        div.check {
                            input id=(id) type="checkbox" name=(PACKAGE) value=(held.id) checked[chosen(held.id)];
                            label for=(id) { (name) " · " (desk.money(held.retail_price)) }
                        }
                    }
                }
                @if !shelf.is_empty() { div.row { button.btn.go { (text.shop_check_purchase()) } } }
            }
            form.stack-s method="get" action="/shop/sell" {
                (hidden(OrderKind::Recharge))
                h3 { (text.shop_recharge()) }
                (parts::field(visit, &amount))
                div.row { button.btn { (text.shop_check_recharge()) } }
            }
        }
    }
}

/// A way to pay by its entry, with its name, a note, and whether it can be taken.
struct PayWay {
    value: String,
    name: String,
    note: String,
    mark: String,
}

/// Ways in which a sale can be paid here.
async fn pay_ways(desk: &Desk, sale: &SaleDesk, wanted: Option<&SaleRequest>) -> Result<Vec<PayWay>, Error> {
    let (text, app) = (desk.text(), &desk.visit.app);
    let mut all = Vec::new();
    if sale.asset().path == desk.path {
        let note = text.shop_you_have(words(&Amount::from(sale.money()))).to_string();
        all.push(PayWay {
            value: "wallet//".to_owned(),
            name: text.shop_by_wallet().to_string(),
            note,
            mark: "bank".to_owned(),
        });
    }
    let payment = app.settings::<PaymentSettings>().await?.settings;
    if payment.enabled && payment.pay_currency == desk.settings.currency {
        let has = |provider| app.providers.may_take(provider, payment.pay_currency);
        let offered = offering(&payment, app.clock.now(), has)?;
        all.extend(ways(&offered).into_iter().map(|way| PayWay {
            value: format!("online/{}", way.value()),
            name: text.way(&way.method).to_string(),
            note: text.shop_pays_online().to_string(),
            mark: way.method.clone(),
        }));
    }
    if matches!(wanted, Some(SaleRequest::Purchase(_))) {
        let note = text.shop_asset_has(words(&Amount::from(sale.asset().accounts.balance()))).to_string();
        all.push(PayWay {
            value: "asset//".to_owned(),
            name: text.shop_by_asset().to_string(),
            note,
            mark: "card".to_owned(),
        });
    }
    if desk.is_admin {
        let note = text.shop_offline_note().to_string();
        all.push(PayWay {
            value: "offline//".to_owned(),
            name: text.shop_by_offline().to_string(),
            note,
            mark: "bank".to_owned(),
        });
    }
    Ok(all)
}

fn words(amount: &Amount) -> String {
    format!("{} {}", amount.amount, amount.currency)
}

/// The check of a sale: its price, who earns what, and the form that pays.
fn checked(desk: &Desk, sale: &SaleDesk, preview: &SalePreview, wanted: &SaleRequest, ways: &[PayWay]) -> Markup {
    let text = desk.text();
    let view = ChainView::of(&preview.order, &desk.reach());
    let earned = view.map(|view| html! {
        (chain(&desk.visit, &sale.shops, &view.levels, None))
        div.in { p.small.muted { @if view.triggered { (text.shop_triggers()) } @else { (text.shop_triggers_not()) } " " (text.shop_earned_when_paid()) } }
    });
    html! {
        section.card aria-labelledby="earn" {
            header { h2 #earn { (text.shop_who_earns()) } p { (text.shop_who_earns_lead()) } }
            (alone(&desk.visit, earned))
        }
        section.card aria-labelledby="pay" {
            header { h2 #pay { (text.shop_pay()) } }
            div.in.stack {
                (facts(&[(text.shop_price(), desk.money(preview.price))]))
                @if !preview.allowed() { div.note.wait { span { (text.shop_too_little(desk.words(preview.required.unwrap_or_default()))) } } }
                (pay(desk, sale, wanted, ways))
            }
        }
    }
}

fn pay(desk: &Desk, sale: &SaleDesk, wanted: &SaleRequest, ways: &[PayWay]) -> Markup {
    let (visit, text) = (&desk.visit, desk.text());
    let error = visit.error_at("/payment").map(|code| text.field_error("/payment", code));
    let chosen = visit.entered(WAY).or_else(|| ways.first().map(|way| way.value.as_str()));
    let fields = html! {
        input type="hidden" name="asset_id" value=(sale.asset().id);
        @match wanted {
            SaleRequest::Purchase(packages) => {
                input type="hidden" name="kind" value=(OrderKind::Purchase.as_str());
                @for package in packages { input type="hidden" name="package_ids[]" value=(package); }
            }
            SaleRequest::Recharge(amount) => {
                input type="hidden" name="kind" value=(OrderKind::Recharge.as_str());
                input type="hidden" name="amount" value=(amount.normalize());
            }
        }
        fieldset #payment {
            legend { (text.how_to_pay()) }
            @if let Some(error) = &error { p.err { span.hidden { (text.error_mark()) " " } (error) } }
            div.ways {
                @for (place, way) in ways.iter().enumerate() {
                    @let id = format!("way-{place}");
                    label.way for=(id) {
                        input id=(id) type="radio" name=(WAY) value=(way.value) checked[chosen == Some(&way.value)];
                        span.face {}
                        (svg::way(&way.mark))
                        span { (way.name) small { (way.note) } }
                    }
                }
            }
        }
        @if sale.asset().path != desk.path { p.small.muted { (text.shop_wallet_of_seller()) } }
        div.row { button.btn.go { (text.shop_sell_do()) } }
        p.small.muted { (text.press_twice()) }
    };
    html! {
        @if ways.is_empty() { p { (text.shop_no_ways()) } }
        @else { (form(desk, &Act { method: "POST", route: ROUTE, done: "/shop/sales/{id}", said: "sale_made" }, &fields)) }
    }
}
