//! A sale for an asset, by staff: what is sold, what has to be paid at least, and how it is paid (R8.7, R8.12).

use axum::extract::Path;
use axum::response::Response;
use maud::{Markup, html};
use rust_decimal::Decimal;
use shared::agency::model::asset::Asset;
use shared::agency::model::grant::Grant;
use shared::agency::model::order::PaidBy;
use shared::agency::model::series::Series;
use shared::agency::sell::{Checked, SaleRequest, check};
use shared::kernel::fault::{Error, Fault};
use shared::kernel::id::{AssetId, PackageId};
use shared::kernel::money::{AMOUNT_MAX, Currency, plain_decimal};
use shared::kernel::provider::Provider;
use shared::kernel::refusal::Refusal;
use shared::payment::model::settings::PaymentSettings;

use super::super::acts::{Act, choice, form, line};
use super::super::menu;
use super::super::pages::Staff;
use super::super::parts::{below, card};
use super::assets::asset_of;
use super::words::plain;
use super::{ALL, amount, currency, id, page_of, trail};
use crate::list::empty;
use crate::show::note;
use crate::visit::{Visit, failed, link};

/// Sells to an asset: first what, then how it is paid.
pub async fn sell(path: Option<Path<String>>, staff: Staff) -> Response {
    let visit = &staff.0;
    let (asset, currency) = tokio::join!(asset_of(visit, id(path, AssetId::parse)), currency(visit));
    let (asset, currency) = match (asset, currency) {
        (Ok(asset), Ok(currency)) => (asset, currency),
        (Err(response), _) => return response,
        (_, Err(fault)) => return failed(visit, &fault),
    };
    let keys = (Series::key(asset.series), Grant::key(asset.series, &asset.path));
    let wanted = asked(visit, currency);
    let checked = async {
        match &wanted {
            Ok(Some(wanted)) => check(&visit.app, &ALL, asset.id, wanted).await.map(Some),
            Ok(None) => Ok(None),
            Err(refusal) => Err(Error::from(refusal.clone())),
        }
    };
    let (found, checked) = tokio::join!(visit.app.store.read(keys), checked);
    let offer = match found {
        Ok((series, grant)) => (series.map(|of| of.into_inner()), grant.map(|of| of.into_inner())),
        Err(fault) => return failed(visit, &fault),
    };
    match (checked, wanted) {
        (Ok(Some(checked)), Ok(Some(wanted))) => pay(&staff, &asset, &wanted, &checked, currency).await,
        (Err(Error::Fault(fault)), _) => failed(visit, &fault),
        (Err(Error::Refused(refusal)), _) => choose(&staff.wrong(&refusal), &asset, offer, currency),
        _ => choose(&staff, &asset, offer, currency),
    }
}

/// What the query asks to sell; nothing while it names neither packages nor an amount.
fn asked(visit: &Visit, currency: Currency) -> Result<Option<SaleRequest>, Refusal> {
    let ids: Vec<PackageId> =
        visit.query.iter().filter(|(name, _)| name == "package").filter_map(|(_, id)| PackageId::parse(id)).collect();
    if !ids.is_empty() {
        return Ok(Some(SaleRequest::Purchase(ids)));
    }
    let Some(text) = visit.asked("amount") else { return Ok(None) };
    let known = plain_decimal(text, currency.digits()).filter(|of| !of.is_zero() && *of <= AMOUNT_MAX);
    let wrong = || Refusal::field("/amount", "not_a_decimal", "more than nothing");
    known.map(|amount| Some(SaleRequest::Recharge(amount))).ok_or_else(wrong)
}

fn above(visit: &Visit, of: &Asset) -> Vec<(String, Markup)> {
    let mut all = trail("assets", &visit.text.staff_assets());
    all.push((page_of("assets", &of.id), html! { span.mono { (of.identifier.as_str()) } }));
    all
}

type Offer = (Option<Series>, Option<Grant>);

/// The packages that the shop sells, and an amount to recharge.
fn choose(staff: &Staff, asset: &Asset, (series, grant): Offer, currency: Currency) -> Response {
    let visit = &staff.0;
    let text = &visit.text;
    let held = grant.as_ref().map(|grant| grant.terms.packages.as_slice()).unwrap_or_default();
    let name = |id: PackageId| series.as_ref().and_then(|series| series.terms.package(id)).map(|of| of.name.clone());
    let sold: Vec<_> = held.iter().filter(|of| of.on_shelf).filter_map(|of| Some((of, name(of.id)?))).collect();
    let packages = html! {
        @if sold.is_empty() { (empty(visit, false, &text.tree_packages_none(), "")) }
        @else {
            form.in.stack-s method="get" action=(visit.path) {
                fieldset.stack-s {
                    legend.hidden { (text.tree_packages()) }
                    @for (place, (of, name)) in sold.iter().enumerate() {
                        div.check {
                            input id=(format!("package-{place}")) type="checkbox" name="package" value=(of.id);
                            label for=(format!("package-{place}")) { (name) " · " (amount(of.retail_price, currency)) }
                        }
                    }
                }
                div.row { button.btn.go { (text.tree_sell_check()) } }
            }
        }
    };
    let recharge = html! {
        form.in.stack-s method="get" action=(visit.path) {
            (line(visit, ("amount", "amount"), &text.tree_recharge_amount(currency.code()), None, visit.asked("amount")))
            div.row { button.btn.go { (text.tree_sell_check_amount()) } }
        }
    };
    // A refusal about no field is said above; this page has no form of its own that could be refused.
    let main = html! {
        @if let Some(flash) = visit.wrong.as_ref().filter(|flash| flash.errors.is_empty()) { (note("bad", &text.refused(flash))) }
        div.two { (card("buy", &text.tree_purchase(), &packages)) (card("recharge", &text.tree_recharge(), &recharge)) }
    };
    menu::page(staff, &below(text.tree_sell_to(asset.identifier.as_str()).to_string(), above(visit, asset)), &main)
}

/// Ways to pay, by the value that names payment, provider and method together.
async fn ways(visit: &Visit, wanted: &SaleRequest, currency: Currency) -> Result<Vec<(String, String)>, Fault> {
    let text = &visit.text;
    let settings = visit.app.settings::<PaymentSettings>().await?.settings;
    let own = [PaidBy::Wallet, PaidBy::Offline, PaidBy::Asset];
    let own = own.into_iter().filter(|by| *by != PaidBy::Asset || matches!(wanted, SaleRequest::Purchase(_)));
    let mut all: Vec<(String, String)> =
        own.map(|by| (format!("{}//", by.as_str()), text.sale_paid_by(by).to_string())).collect();
    // Online payments are in the pay currency.
    let may = |of: &Provider| settings.may_use(*of) && visit.app.providers.may_take(*of, currency);
    let is_offered = |of: &Provider| currency == settings.pay_currency && may(of);
    for provider in Provider::ALL.into_iter().filter(is_offered) {
        all.extend(settings.methods(provider).iter().map(|method| {
            let name = text.tree_online_by(text.way(method).to_string()).to_string();
            (format!("{}/{}/{method}", PaidBy::Online.as_str(), provider.as_str()), name)
        }));
    }
    Ok(all)
}

/// What is sold, what has to be paid at least, and the ways to pay.
async fn pay(staff: &Staff, asset: &Asset, wanted: &SaleRequest, of: &Checked, currency: Currency) -> Response {
    let visit = &staff.0;
    let ways = match ways(visit, wanted, currency).await {
        Ok(ways) => ways,
        Err(fault) => return failed(visit, &fault),
    };
    let text = &visit.text;
    let act = Act {
        method: "POST",
        route: "/v1/agency/orders".to_owned(),
        done: "/admin/sales/{id}".to_owned(),
        said: "sale_made",
    };
    let fields = html! {
        input type="hidden" name="asset_id" value=(asset.id);
        @match wanted {
            SaleRequest::Purchase(ids) => {
                input type="hidden" name="kind" value="purchase";
                @for id in ids { input type="hidden" name="package_ids[]" value=(id); }
            }
            SaleRequest::Recharge(amount) => {
                input type="hidden" name="kind" value="recharge";
                input type="hidden" name="amount" value=(plain(*amount));
            }
        }
        (choice(visit, ("payment", "payment/provider/method"), &text.paid_by(), &ways, ""))
        p.hint { (text.tree_offline_hint()) }
    };
    let price = html! {
        div.in.stack-s {
            dl.sum {
                dt.total { (text.tree_to_pay()) } dd.total { (amount(of.price, currency)) }
                @if let Some(least) = of.required { dt { (text.tree_forced()) } dd { (amount(least, currency)) } }
            }
            @if !of.allowed() { (short(visit, of.required.unwrap_or_default(), currency)) }
        }
    };
    let main = html! {
        div.cols {
            (card("price", &text.tree_to_pay(), &price))
            (card("pay", &text.tree_how(), &html! { div.in { (form(visit, &act, &fields, &text.tree_sell_do())) p { a.btn.bare href=(visit.path) { (text.back()) } } } }))
        }
    };
    menu::page(staff, &below(text.tree_sell_to(asset.identifier.as_str()).to_string(), above(visit, asset)), &main)
}

/// Too little is said with the amount that is enough.
fn short(visit: &Visit, least: Decimal, currency: Currency) -> Markup {
    let page = link(&visit.path, [("amount", plain(least).as_str())]);
    let enough = visit.text.tree_recharge_enough(plain(least), currency.code());
    html! { (note("wait", &visit.text.tree_forced_short())) p { a.btn.slim href=(page) { (enough) } } }
}
