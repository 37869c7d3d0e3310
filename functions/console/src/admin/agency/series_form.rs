//! The form of a series: its commission with tiers, what makes it due, and the platform's forced recharge (R8.2).

use fluent_static::Message;
use maud::{Markup, html};
use shared::agency::model::series::{
    CommissionKind, CommissionTerms, CommissionTier, Comparison, Dimension, SalesScope, Series, TriggerKind,
};
use shared::edge::forms::VERSION;
use shared::kernel::money::Currency;

use super::super::acts::{Act, choice, form as form_of, line, tick};
use super::page_of;
use super::series::entered_or;
use super::words::plain;
use crate::list::{Column, table};
use crate::parts::{Field, field};
use crate::visit::Visit;

/// Empty rows for new tiers.
const NEW_ROWS: usize = 2;

/// The commission with the amounts that were entered.
pub fn entered_commission(visit: &Visit, series: &Series) -> CommissionTerms {
    let mut of = series.wanted().commission.clone();
    of.amount = entered_or(visit, "commission.amount:?", of.amount);
    for (place, tier) in of.tiers.iter_mut().enumerate() {
        tier.amount = entered_or(visit, &format!("commission.tiers[{place}].amount"), tier.amount);
    }
    of
}

/// The form; `moves` if grants have to move with the change.
pub fn form(visit: &Visit, series: Option<&Series>, currency: Currency, moves: bool) -> Markup {
    let text = &visit.text;
    let act = match series {
        None => Act {
            method: "POST",
            route: "/v1/series".to_owned(),
            done: "/admin/series/{id}".to_owned(),
            said: "series_made",
        },
        Some(series) => Act {
            method: "PUT",
            route: format!("/v1/series/{}", series.id),
            done: page_of("series", &series.id),
            said: "series_saved",
        },
    };
    let button = match (moves, series) {
        (true, _) => text.tree_move_too(),
        (false, None) => text.tree_series_make(),
        (false, Some(_)) => text.tree_save(),
    };
    let fields = html! {
        @if let Some(series) = series { input type="hidden" name=(VERSION) value=(series.version); }
        @if moves { input type="hidden" name="adjust_children:bool" value="true"; }
        div.two {
            (line(visit, ("name", "name"), &text.tree_name(), None, series.map(|of| of.name.as_str())))
            (line(visit, ("code", "code"), &text.tree_code(), Some(text.tree_series_code_hint().to_string()), series.map(|of| of.code.as_str())))
        }
        (commission(visit, series, currency))
        (rest(visit, series, currency))
    };
    let content = html! { div.in { (form_of(visit, &act, &fields, &button)) } };
    if series.is_some() {
        content
    } else {
        html! { section.card { (content) } }
    }
}

/// Values of a choice by their names.
fn named<T: Copy>(all: &[T], value: fn(&T) -> &'static str, name: impl Fn(T) -> Message) -> Vec<(String, String)> {
    all.iter().map(|one| (value(one).to_owned(), name(*one).to_string())).collect()
}

fn commission(visit: &Visit, series: Option<&Series>, currency: Currency) -> Markup {
    let text = &visit.text;
    let of = series.map_or_else(CommissionTerms::none, |series| series.wanted().commission.clone());
    let is_fixed = series.is_some_and(|series| series.grants > 0);
    let kinds = named(&CommissionKind::ALL, |kind| kind.as_str(), |kind| text.commission_kind(kind));
    let amount = plain(of.amount);
    html! {
        fieldset.stack-s {
            legend { (text.tree_commission()) }
            @if is_fixed {
                // What grants rest on stays as it is.
                p { (text.commission_kind(of.kind)) }
                input type="hidden" name="commission.type" value=(of.kind.as_str());
                p.hint { (text.tree_series_fixed()) }
            } @else { (choice(visit, ("commission-type", "commission.type"), &text.tree_commission_kind(), &kinds, of.kind.as_str())) }
            div.narrow { (line(visit, ("commission-amount", "commission.amount:?"), &text.tree_commission_amount(currency.code()), Some(text.tree_commission_amount_hint().to_string()), series.map(|_| amount.as_str()))) }
            input type="hidden" name="commission.tiers:rows" value="";
            @if !is_fixed || !of.tiers.is_empty() {
                p.label { (text.tree_tiers()) }
                @if let Some(code) = visit.error_at("/commission/tiers") { p.err { (text.field_error("/commission/tiers", code)) } }
                div #commission-tiers { (table(&columns(visit, currency), &rows(visit, &of, is_fixed))) }
                @if !is_fixed { p.hint { (text.tree_tiers_hint()) } }
            }
        }
    }
}

fn columns(visit: &Visit, currency: Currency) -> [Column; 5] {
    let text = &visit.text;
    [
        Column::Text(text.tree_dimension()),
        Column::Text(text.tree_scope()),
        Column::Text(text.tree_operator()),
        Column::Text(text.tree_threshold()),
        Column::Text(text.tree_tier_amount(currency.code())),
    ]
}

fn rows(visit: &Visit, of: &CommissionTerms, is_fixed: bool) -> Vec<Vec<Markup>> {
    // As many as were entered, if the form comes again.
    let mut entered = (0..100).filter(|place| visit.entered(&format!("commission.tiers[{place}].threshold")).is_some());
    let known = if is_fixed { of.tiers.len() } else { of.tiers.len().saturating_add(NEW_ROWS) };
    let count = known.max(entered.next_back().map_or(0, |last: usize| last.saturating_add(1)));
    (0..count).map(|place| row(visit, place, of.tiers.get(place), is_fixed)).collect()
}

fn row(visit: &Visit, place: usize, tier: Option<&CommissionTier>, is_fixed: bool) -> Vec<Markup> {
    let text = &visit.text;
    let name = |of: &str| format!("commission.tiers[{place}].{of}");
    let id = |of: &str| format!("commission-tiers-{place}-{of}");
    let amount = tier.map(|tier| plain(tier.amount));
    let amount = cell(visit, (&id("amount"), &name("amount")), &text.tree_commission(), place, amount.as_deref());
    if let Some(tier) = tier.filter(|_| is_fixed) {
        let hidden = |of: &str, value: &str| html! { input type="hidden" name=(name(of)) value=(value); };
        return vec![
            html! { (text.dimension(tier.dimension)) (hidden("dimension:key", tier.dimension.as_str())) },
            html! { (text.sales_scope(tier.scope)) (hidden("scope:key", tier.scope.as_str())) },
            html! { (text.comparison(tier.operator)) (hidden("operator:key", tier.operator.as_str())) },
            html! { (plain(tier.threshold)) (hidden("threshold", &plain(tier.threshold))) },
            amount,
        ];
    }
    let pick = |of: &str, label: Message, all: Vec<(String, String)>, value: &str| {
        select(visit, (&id(of), &format!("{}:key", name(of))), &label, place, (&all, value))
    };
    let threshold = tier.map(|tier| plain(tier.threshold));
    vec![
        pick(
            "dimension",
            text.tree_dimension(),
            named(&Dimension::ALL, |of| of.as_str(), |of| text.dimension(of)),
            tier.map_or(Dimension::SalesAmount, |tier| tier.dimension).as_str(),
        ),
        pick(
            "scope",
            text.tree_scope(),
            named(&SalesScope::ALL, |of| of.as_str(), |of| text.sales_scope(of)),
            tier.map_or(SalesScope::SelfAndSub, |tier| tier.scope).as_str(),
        ),
        pick(
            "operator",
            text.tree_operator(),
            named(&Comparison::ALL, |of| of.as_str(), |of| text.comparison(of)),
            tier.map_or(Comparison::AtLeast, |tier| tier.operator).as_str(),
        ),
        cell(visit, (&id("threshold"), &name("threshold")), &text.tree_threshold(), place, threshold.as_deref()),
        amount,
    ]
}

/// A field in a row, with a label that is only read aloud.
pub fn cell(visit: &Visit, (id, name): (&str, &str), label: &Message, place: usize, value: Option<&str>) -> Markup {
    let row = visit.text.setting_row(place.saturating_add(1).to_string());
    let label = html! { span.hidden { (label) ", " (row) } };
    field(visit, &Field { value, ..Field::text(id, name, label) })
}

/// A choice in a row, with a label that is only read aloud.
fn select(
    visit: &Visit,
    (id, name): (&str, &str),
    label: &Message,
    place: usize,
    (of, value): (&[(String, String)], &str),
) -> Markup {
    let value = visit.entered(name).unwrap_or(value);
    let row = visit.text.setting_row(place.saturating_add(1).to_string());
    html! {
        div.field {
            label.hidden for=(id) { (label) ", " (row) }
            select id=(id) name=(name) { @for (known, shown) in of { option value=(known) selected[known == value] { (shown) } } }
        }
    }
}

/// Trigger of the commission, and the forced recharge.
fn rest(visit: &Visit, series: Option<&Series>, currency: Currency) -> Markup {
    let text = &visit.text;
    let kinds = named(&TriggerKind::ALL, |kind| kind.as_str(), |kind| text.trigger_kind(kind));
    let kind = series.map_or(TriggerKind::AccumulatedRecharge, |series| series.trigger.kind);
    let threshold = series.map(|series| plain(series.trigger.threshold));
    let forced = series.map(|series| series.forced).unwrap_or_default();
    let amount = plain(forced.amount);
    html! {
        fieldset.stack-s {
            legend { (text.tree_trigger()) }
            div.two {
                (choice(visit, ("trigger-type", "trigger.type"), &text.tree_trigger_kind(), &kinds, kind.as_str()))
                (line(visit, ("trigger-threshold", "trigger.threshold"), &text.tree_trigger_threshold(currency.code()), Some(text.tree_trigger_hint().to_string()), threshold.as_deref()))
            }
        }
        fieldset.stack-s {
            legend { (text.tree_forced()) }
            (tick(visit, ("forced_recharge-enabled", "forced_recharge.enabled:bool"), &html! { (text.tree_forced_platform()) }, forced.enabled))
            div.narrow { (line(visit, ("forced_recharge-amount", "forced_recharge.amount:?"), &text.tree_forced_amount(currency.code()), Some(text.tree_forced_platform_hint().to_string()), series.map(|_| amount.as_str()))) }
        }
    }
}
