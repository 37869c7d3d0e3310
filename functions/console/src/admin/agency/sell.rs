//! A sale for an asset, by staff: what is sold, what has to be paid at least, and how it is paid (R8.7, R8.12).

use axum::extract::Path;
use axum::response::Response;
use maud::{Markup, html};
use rust_decimal::Decimal;
use shared::agency::model::asset::Asset;
use shared::agency::model::order::PaidBy;
use shared::agency::preview::{SaleDesk, SalePreview};
use shared::agency::sell::SaleRequest;
use shared::agency::view::ChainView;
use shared::edge::view::Amount;
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
use super::words::plain;
use super::{ALL, amount, id, page_of, trail};
use crate::frame;
use crate::list::empty;
use crate::parts::money;
use crate::shop::chain::chain;
use crate::shop::sell::wish;
use crate::show::note;
use crate::visit::{Visit, failed, link, not_found};

/// Sells to an asset: first what, then how it is paid.
pub async fn sell(path: Option<Path<String>>, staff: Staff) -> Response {
    let visit = &staff.0;
    let Some(id) = id(path, AssetId::parse) else { return not_found(visit) };
    let desk = match SaleDesk::read(&visit.app, &ALL, id).await {
        Ok(desk) => desk,
        Err(Error::Refused(Refusal::GrantDisabled)) => return no_grant(&staff, id),
        Err(error) => return frame::error(visit, error),
    };
    let by = match staff.admin() {
        Ok(admin) => admin.user.id,
        Err(fault) => return failed(visit, &fault),
    };
    // What each level earns is shown as it would be by the shop's wallet.
    let wanted = asked(visit, desk.currency).map_err(Error::from);
    let preview = |wanted: SaleRequest| Ok((desk.preview(&visit.app, by, &wanted, PaidBy::Wallet)?, wanted));
    match wanted.and_then(|wanted| wanted.map(preview).transpose()) {
        Ok(Some((of, wanted))) => pay(&staff, &desk, &wanted, &of).await,
        Ok(None) => choose(&staff, &desk),
        Err(Error::Fault(fault)) => failed(visit, &fault),
        Err(Error::Refused(refusal)) => choose(&staff.wrong(&refusal), &desk),
    }
}

/// The page of an asset whose shop may not sell its series.
fn no_grant(staff: &Staff, id: AssetId) -> Response {
    let visit = &staff.0;
    let text = &visit.text;
    let main = html! { section.card { div.in.stack-s { p { (text.refused_grant_disabled()) } p { a.btn href=(page_of("assets", &id)) { (text.back()) } } } } };
    menu::page(staff, &below(text.tree_sell().to_string(), trail("assets", &text.staff_assets())), &main)
}

/// Sale that the query asks for; nothing while it names neither packages nor an amount.
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

/// The packages that the shop sells, and an amount to recharge.
fn choose(staff: &Staff, desk: &SaleDesk) -> Response {
    let visit = &staff.0;
    let text = &visit.text;
    let (asset, currency) = (desk.asset(), desk.currency);
    let held = desk.grant().map(|grant| grant.terms.packages.as_slice()).unwrap_or_default();
    let name = |id: PackageId| desk.series().terms.package(id).map(|of| of.name.clone());
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

/// The sale with its price, its least payment, the earnings of each level, and the ways to pay.
async fn pay(staff: &Staff, desk: &SaleDesk, wanted: &SaleRequest, of: &SalePreview) -> Response {
    let visit = &staff.0;
    let (asset, currency) = (desk.asset(), desk.currency);
    let (ways, levels) = match (ways(visit, wanted, currency).await, ChainView::of(&of.order, &ALL)) {
        (Ok(ways), Ok(levels)) => (ways, levels),
        (Err(fault), _) => return failed(visit, &fault),
        (_, Err(error)) => return frame::error(visit, error),
    };
    let text = &visit.text;
    let act = Act {
        method: "POST",
        route: "/v1/agency/orders".to_owned(),
        done: "/admin/sales/{id}".to_owned(),
        said: "sale_made",
    };
    let fields = html! {
        (wish(asset, wanted))
        (choice(visit, ("payment", "payment/provider/method"), &text.paid_by(), &ways, ""))
        p.hint { (text.tree_offline_hint()) }
    };
    let price = html! {
        div.in.stack-s {
            dl.sum {
                dt.total { (text.tree_to_pay()) } dd.total { (amount(of.price, currency)) }
                @if let Some(least) = of.required { dt { (text.tree_forced()) } dd { (amount(least, currency)) } }
                dt { (text.tree_by_wallet_has()) } dd { (money(&Amount::from(desk.money()))) }
            }
            @if !of.allowed() { (short(visit, of.required.unwrap_or_default(), currency)) }
        }
    };
    let how = html! {
        div.in {
            (form(visit, &act, &fields, &text.tree_sell_do()))
            p { a.btn.bare href=(visit.path) { (text.back()) } }
        }
    };
    let main = html! {
        div.cols {
            div.stack {
                (card("price", &text.tree_to_pay(), &price))
                (card("chain", &text.tree_chain(), &chain(visit, &desk.shops, &levels.levels, levels.platform.as_ref())))
            }
            (card("pay", &text.tree_how(), &how))
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
