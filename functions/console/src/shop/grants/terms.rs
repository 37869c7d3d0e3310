//! Fields of a grant: the shop's part of the commission and its cost prices, each with its ceiling or floor beside it (R8.3, R8.4).

use maud::{Markup, html};
use rust_decimal::Decimal;
use shared::agency::model::grant::{GrantOffer, GrantTerms};
use shared::agency::model::minimum_recharge::effective;
use shared::agency::model::series::{CommissionKind, ForcedRecharge, Package, Series};
use shared::edge::forms::Flash;
use shared::kernel::id::PackageId;

use super::super::desk::Desk;
use super::super::parts::field;
use crate::admin::acts::tick;
use crate::list::{Column, table};
use crate::parts::{self, Field};

/// Most packages on one form, so that a request has no more changes than it may.
pub const PACKAGES: usize = 50;

/// A field for an amount with its bound.
fn amount(desk: &Desk, (id, name): (&str, &str), label: Markup, hint: Option<String>, value: Option<&str>) -> Markup {
    let plain = field(id, name, &desk.text().amount());
    parts::field(&desk.visit, &Field { label, hint, value, required: true, ..plain })
}

/// The fields for a shop's part of the commission; nothing for a series without one.
pub fn commission(desk: &Desk, series: &Series, ceiling: &GrantOffer, held: Option<&GrantTerms>) -> Markup {
    let (text, currency) = (desk.text(), desk.settings.currency.code());
    let of = &series.wanted().commission;
    let bound = |most: Decimal| Some(text.shop_at_most(desk.words(most)).to_string());
    let shown = |own: Option<Decimal>| own.map(|own| own.normalize().to_string());
    match of.kind {
        CommissionKind::None => html! { p.muted { (text.shop_kind_none_why()) } },
        CommissionKind::Tiered if !of.tiers.is_empty() => html! {
            fieldset.stack {
                legend { (text.shop_part_at_tiers()) }
                @for (place, tier) in of.tiers.iter().enumerate() {
                    @let label = html! { (text.tier_condition(tier, currency)) " " span.muted { (text.sales_scope(tier.scope)) } };
                    @let (id, name) = (format!("commission_tiers-{place}-amount"), format!("commission_tiers[{place}].amount"));
                    @let value = shown(held.and_then(|held| held.own.at(tier.threshold)));
                    input type="hidden" name=(format!("commission_tiers[{place}].threshold")) value=(tier.threshold.normalize());
                    (amount(desk, (&id, &name), label, bound(ceiling.own.at(tier.threshold).unwrap_or_default()), value.as_deref()))
                }
            }
        },
        CommissionKind::Fixed | CommissionKind::Tiered => {
            let label = html! { (text.shop_part_of_it()) };
            let value = shown(held.map(|held| held.own.amount));
            amount(desk, ("commission_amount", "commission_amount"), label, bound(ceiling.own.amount), value.as_deref())
        }
    }
}

/// The forced recharge of a shop's own, or whose it is while it is not the shop's (R8.7).
pub fn forced(desk: &Desk, series: &Series, held: ForcedRecharge) -> Markup {
    let text = desk.text();
    let now = effective(&series.trigger, &series.forced, &held, false);
    let value = held.amount.normalize().to_string();
    let label = html! { (text.shop_forced_amount()) };
    html! {
        fieldset.stack-s {
            legend { (text.shop_forced()) }
            @if now.locked {
                p { (text.shop_forced_locked(desk.words(now.amount.unwrap_or_default()))) }
            } @else {
                (tick(&desk.visit, ("forced_recharge-enabled", "forced_recharge.enabled:bool"), &html! { (text.shop_forced_on()) }, held.enabled))
                (amount(desk, ("forced_recharge-amount", "forced_recharge.amount"), label, Some(text.shop_forced_hint().to_string()), Some(&value)))
            }
        }
    }
}

/// A package that can be granted: the least cost, and the cost that is granted already.
pub struct Row {
    pub package: PackageId,
    pub name: String,
    pub code: String,
    pub least: Decimal,
    pub held: Option<Decimal>,
}

/// The packages that an offer has, in the order of the series.
pub fn rows(series: &Series, offer: &GrantOffer, held: Option<&GrantTerms>) -> Vec<Row> {
    let row = |package: &Package| {
        Some(Row {
            package: package.id,
            name: package.name.clone(),
            code: package.code.clone(),
            least: *offer.costs.get(&package.id)?,
            held: held.and_then(|held| held.package(package.id)).map(|held| held.cost_price),
        })
    };
    series.wanted().packages.iter().filter_map(row).collect()
}

/// Name of the field for a package's cost; a package that is taken away has none.
fn cost_name(place: usize, is_held: bool) -> String {
    match is_held {
        true => format!("packages[{place}].cost_price:unless=packages[{place}].remove"),
        false => format!("packages[{place}].cost_price"),
    }
}

/// The packages with a field for the cost of each. A new grant begins with the least costs; of an old one, held packages can be taken
/// away, and a package without a cost is not granted.
pub fn packages(desk: &Desk, rows: &[Row], is_new: bool) -> Markup {
    let text = desk.text();
    let mut columns = vec![
        Column::Text(text.shop_package()),
        Column::Number(text.shop_your_cost()),
        Column::Text(text.shop_their_cost()),
    ];
    if !is_new {
        columns.push(Column::Text(text.shop_take_away()));
    }
    let row = |(place, row): (usize, &Row)| {
        let least = row.least.normalize().to_string();
        let held = row.held.map(|held| held.normalize().to_string());
        let value = held.or_else(|| is_new.then_some(least));
        let mut cells = vec![
            html! { (row.name) small.mono { (row.code) } input type="hidden" name=(format!("packages[{place}].package_id:key")) value=(row.package); },
            desk.money(row.least),
            cost(desk, place, row, value.as_deref()),
        ];
        if !is_new {
            cells.push(html! { @if row.held.is_some() { (take_away(desk, place, &row.name)) } });
        }
        cells
    };
    let rows: Vec<Vec<Markup>> = rows.iter().enumerate().map(row).collect();
    html! {
        input type="hidden" name="packages:rows" value="";
        (table(&columns, &rows))
    }
}

fn cost(desk: &Desk, place: usize, row: &Row, value: Option<&str>) -> Markup {
    let (visit, text) = (&desk.visit, desk.text());
    let (id, name) = (format!("packages-{place}-cost_price"), cost_name(place, row.held.is_some()));
    let pointer = format!("/packages/{place}/cost_price");
    let error = visit.error_at(&pointer).map(|code| text.field_error(&pointer, code));
    let error_id = error.as_ref().map(|_| format!("{id}-error"));
    html! {
        span.field.wrong[error.is_some()] {
            label.hidden for=(id) { (text.shop_cost_of(row.name.as_str())) }
            @if let (Some(error), Some(error_id)) = (&error, &error_id) { span.err id=(error_id) { (error) } }
            input.in-text id=(id) name=(name) type="text" inputmode="decimal" autocomplete="off" value=[visit.entered(&name).or(value)]
                aria-invalid=[error.as_ref().map(|_| "true")] aria-describedby=[error_id.as_deref()];
        }
    }
}

fn take_away(desk: &Desk, place: usize, name: &str) -> Markup {
    let id = format!("packages-{place}-remove");
    let field = format!("packages[{place}].remove:bool");
    html! {
        span.check {
            input id=(id) type="checkbox" name=(field) value="true" checked[desk.visit.entered(&field).is_some()];
            label for=(id) { (desk.text().shop_take_away()) span.hidden { " " (name) } }
        }
    }
}

/// The errors of a refused grant at their fields: the tier or package that the refusal is about, with its bound.
pub fn errors(
    desk: &Desk,
    flash: &Flash,
    series: &Series,
    ceiling: &GrantOffer,
    rows: &[Row],
) -> Vec<(String, String)> {
    let fact = |name: &str| flash.facts.get(name).map(String::as_str);
    let tiers = &series.wanted().commission.tiers;
    match flash.code.as_str() {
        "ceiling_exceeded" => {
            let at = fact("threshold").and_then(|text| Decimal::from_str_exact(text).ok());
            let tier = at.and_then(|at| tiers.iter().position(|tier| tier.threshold == at));
            let (pointer, most) = match (tier, at) {
                (Some(place), Some(at)) => (format!("/commission_tiers/{place}/amount"), ceiling.own.at(at)),
                _ => ("/commission_amount".to_owned(), Some(ceiling.own.amount)),
            };
            vec![(pointer, format!("ceiling_exceeded:{}", desk.words(most.unwrap_or_default())))]
        }
        "cost_below_parent" => {
            let place = rows.iter().position(|row| Some(row.package.to_string().as_str()) == fact("package_id"));
            let error = |place: usize| {
                let least = rows.get(place).map(|row| desk.words(row.least)).unwrap_or_default();
                (format!("/packages/{place}/cost_price"), format!("cost_below_parent:{least}"))
            };
            place.map(error).into_iter().collect()
        }
        _ => flash.errors.iter().map(|(pointer, code)| (reopened(flash, pointer, rows), code.clone())).collect(),
    }
}

/// Pointer of a package's row as the form has it: rows without a cost were left out before the route numbered them.
fn reopened(flash: &Flash, pointer: &str, rows: &[Row]) -> String {
    let Some((place, field)) = pointer.strip_prefix("/packages/").and_then(|rest| rest.split_once('/')) else {
        return pointer.to_owned();
    };
    let has_entry = |place: &usize| {
        let names = [cost_name(*place, true), cost_name(*place, false)];
        names.iter().any(|name| flash.values.get(name).is_some_and(|text| !text.trim().is_empty()))
    };
    let kept = (0..rows.len()).filter(has_entry).nth(place.parse().unwrap_or(usize::MAX));
    kept.map_or_else(|| pointer.to_owned(), |kept| format!("/packages/{kept}/{field}"))
}
