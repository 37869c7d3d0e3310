//! Parts of the forms of grants: amounts beside their ceilings, the shop's forced recharge, packages with cost prices (R8.3, R8.4).

use maud::{Markup, html};
use rust_decimal::Decimal;
use shared::agency::model::grant::{GrantOffer, GrantTerms, Own, OwnTier};
use shared::agency::model::series::{CommissionKind, ForcedRecharge, Package, Series};
use shared::edge::forms::Flash;
use shared::kernel::id::PackageId;
use shared::kernel::money::Currency;

use super::super::acts::{line, tick};
use super::amount;
use super::lowered::entered_amount;
use super::series::entered_or;
use super::series_form::cell;
use super::words::plain;
use crate::list::{Column, table};
use crate::visit::Visit;

/// Packages of one form: a request changes at most ninety.
pub const ROWS: usize = 80;

/// True for a commission by tiers; without tiers it is a fixed one.
pub fn is_tiered(series: &Series) -> bool {
    let of = &series.wanted().commission;
    of.kind == CommissionKind::Tiered && !of.tiers.is_empty()
}

/// Pointer of what a refusal about a bound is about: the tier, the amount, or the package.
pub fn bounded(flash: &Flash, series: &Series, rows: &[PackageId]) -> Option<(String, &'static str)> {
    let fact = |name: &str| flash.facts.get(name).map(String::as_str);
    match flash.code.as_str() {
        "ceiling_exceeded" => {
            let at = |threshold: &str| {
                series.wanted().commission.tiers.iter().position(|tier| plain(tier.threshold) == threshold)
            };
            let pointer = match fact("threshold").and_then(at) {
                Some(place) => format!("/commission_tiers/{place}/amount"),
                None => "/commission_amount".to_owned(),
            };
            Some((pointer, "above_ceiling"))
        }
        "cost_below_parent" => {
            let place = rows.iter().position(|id| Some(id.to_string().as_str()) == fact("package_id"))?;
            Some((format!("/packages/{place}/cost_price"), "below_least"))
        }
        _ => None,
    }
}

/// The shop's own part, each amount beside its ceiling.
pub fn amounts(visit: &Visit, series: &Series, offer: &GrantOffer, own: Option<&Own>, currency: Currency) -> Markup {
    let text = &visit.text;
    let commission = &series.wanted().commission;
    if commission.kind == CommissionKind::None {
        return html! { p.muted { (text.tree_no_commission()) } };
    }
    if !is_tiered(series) {
        let hint = Some(text.tree_at_most_amount(plain(offer.own.amount), currency.code()).to_string());
        let value = own.map(|own| plain(own.amount));
        return html! { div.narrow { (line(visit, ("commission_amount", "commission_amount"), &text.tree_own_amount(currency.code()), hint, value.as_deref())) } };
    }
    let row = |(place, tier): (usize, &shared::agency::model::series::CommissionTier)| {
        let name = |of: &str| format!("commission_tiers[{place}].{of}");
        let value = own.and_then(|own| own.at(tier.threshold)).map(plain);
        let id = format!("commission_tiers-{place}-amount");
        vec![
            html! { (text.tier_condition(tier, currency.code())) small { (text.sales_scope(tier.scope)) } input type="hidden" name=(name("threshold")) value=(plain(tier.threshold)); },
            amount(offer.own.at(tier.threshold).unwrap_or_default(), currency),
            cell(
                visit,
                (&id, &name("amount")),
                &text.tree_own_amount(currency.code()),
                place,
                Some(value.as_deref().unwrap_or("0")),
            ),
        ]
    };
    let rows: Vec<Vec<Markup>> = commission.tiers.iter().enumerate().map(row).collect();
    let columns = [
        Column::Text(text.tree_tier_applies()),
        Column::Number(text.tree_ceiling()),
        Column::Text(text.tree_own_amount(currency.code())),
    ];
    table(&columns, &rows)
}

/// The shop's own part with the amounts that were entered.
pub fn entered_own(visit: &Visit, series: &Series, own: &Own) -> Own {
    let tier = |(place, tier): (usize, &shared::agency::model::series::CommissionTier)| OwnTier {
        threshold: tier.threshold,
        amount: entered_or(
            visit,
            &format!("commission_tiers[{place}].amount"),
            own.at(tier.threshold).unwrap_or_default(),
        ),
    };
    let tiers = if is_tiered(series) {
        series.wanted().commission.tiers.iter().enumerate().map(tier).collect()
    } else {
        own.tiers.clone()
    };
    Own { amount: entered_or(visit, "commission_amount", own.amount), tiers }
}

/// The shop's own forced recharge, which holds while the platform sets none.
pub fn forced(visit: &Visit, of: ForcedRecharge, currency: Currency) -> Markup {
    let text = &visit.text;
    let amount = plain(of.amount);
    html! {
        (tick(visit, ("forced_recharge-enabled", "forced_recharge.enabled:bool"), &html! { (text.tree_forced_shop()) }, of.enabled))
        div.narrow { (line(visit, ("forced_recharge-amount", "forced_recharge.amount:?"), &text.tree_forced_amount(currency.code()), Some(text.tree_forced_shop_hint().to_string()), Some(&amount))) }
    }
}

/// Packages that the bounds offer, in the order of the series.
pub fn offered<'a>(series: &'a Series, offer: &GrantOffer) -> Vec<(&'a Package, Decimal)> {
    let all = series.wanted().packages.iter();
    all.filter_map(|package| Some((package, *offer.costs.get(&package.id)?))).collect()
}

/// A row per package: its least cost price, and the shop's; one without a price is not granted.
pub fn packages(visit: &Visit, rows: &[(&Package, Decimal)], held: Option<&GrantTerms>, currency: Currency) -> Markup {
    let text = &visit.text;
    let row = |(place, (package, least)): (usize, &(&Package, Decimal))| {
        let name = |of: &str| format!("packages[{place}].{of}");
        let cost = held.and_then(|held| held.package(package.id)).map(|held| plain(held.cost_price));
        let (id, price) = (format!("packages-{place}-cost_price"), name("cost_price:?"));
        let is_held = cost.is_some();
        // A row of a package that is not held is none without a price.
        let about = match is_held {
            true => "package_id",
            false => "package_id:key",
        };
        vec![
            html! {
                (package.name) small.mono.break { (package.code) }
                input type="hidden" name=(name(about)) value=(package.id);
                @if is_held { input type="hidden" name=(name(&format!("remove:bool-unless={}", name("cost_price")))) value="true"; }
            },
            amount(package.price, currency),
            amount(*least, currency),
            cell(visit, (&id, &price), &text.tree_cost(currency.code()), place, cost.as_deref()),
        ]
    };
    let all: Vec<Vec<Markup>> = rows.iter().enumerate().map(row).collect();
    let columns = [
        Column::Text(text.tree_package()),
        Column::Number(text.tree_price(currency.code())),
        Column::Number(text.tree_least_cost(currency.code())),
        Column::Text(text.tree_cost(currency.code())),
    ];
    html! {
        input type="hidden" name="packages:rows" value="";
        (table(&columns, &all))
        p.hint { (text.tree_packages_hint()) }
    }
}

/// The terms with the cost prices that were entered; a package whose price was emptied is gone.
pub fn entered_packages(visit: &Visit, rows: &[(&Package, Decimal)], terms: &GrantTerms) -> GrantTerms {
    let mut after = terms.clone();
    for (place, (package, _)) in rows.iter().enumerate() {
        let name = format!("packages[{place}].cost_price:?");
        let is_emptied = visit.entered(&name).is_some_and(|text| text.trim().is_empty());
        match entered_amount(visit, &name) {
            _ if is_emptied => after.packages.retain(|held| held.id != package.id),
            Some(cost) => {
                for held in after.packages.iter_mut().filter(|held| held.id == package.id) {
                    held.cost_price = cost;
                }
            }
            None => {}
        }
    }
    after
}
