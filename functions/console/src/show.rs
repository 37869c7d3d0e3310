//! Parts of the pages for paying and inviting: prices, states, notes, tables, the ladder of the promotion.

use fluent_static::Message;
use maud::{Markup, Render, html};
use rust_decimal::Decimal;
use shared::account::credit_lots::next_expiry;
use shared::account::model::user::User;
use shared::edge::view::Amount;
use shared::kernel::money::{Currency, LedgerMoney, PayMoney};
use shared::payment::model::bonus::AmountOrPercent;
use shared::payment::model::coupon::CouponState;
use shared::payment::model::order::OrderStatus;
use shared::payment::model::promotion::{PromotionStatus, PromotionView};
use shared::payment::view::{CouponView, OrderView};
use shared::table::telemetry::OrLog;

use crate::parts::{HERE, around, change, grouped, money, time};
use crate::svg;
use crate::visit::Visit;

/// A number in three parts: as it is read, the digits that stand smaller, and its currency.
pub type Pieces = [String; 3];

/// Sign before an amount of the pay currency; none for one whose code has to say it.
pub fn sign(currency: &str) -> Option<&'static str> {
    Some(match currency {
        "CNY" => "¥",
        "JPY" => "¥",
        "USD" => "$",
        "EUR" => "€",
        "GBP" => "£",
        "HKD" => "HK$",
        "KRW" => "₩",
        _ => return None,
    })
}

/// An amount of a currency, or a percentage.
pub fn amount_or_percent(size: AmountOrPercent, currency: Currency) -> String {
    match size {
        AmountOrPercent::Amount(amount) => bound(amount, currency),
        size => size.to_string(),
    }
}

/// Row of a coupon that takes something off the charge, with its state unless it was used.
pub fn coupon(visit: &Visit, of: &CouponView) -> Markup {
    html! {
        @if of.discount.amount.parse() != Ok(Decimal::ZERO) {
            dt { (visit.text.order_coupon(of.code.to_string())) }
            dd { "−" (price(&of.discount)) (coupon_state(visit, of.state)) }
        }
    }
}

/// Row of a coupon that adds to the credit.
pub fn coupon_bonus(visit: &Visit, of: &CouponView) -> Markup {
    html! {
        @if of.bonus.amount != "0" {
            dt { (visit.text.order_coupon(of.code.to_string())) }
            dd { (change(&of.bonus)) (coupon_state(visit, of.state)) }
        }
    }
}

fn coupon_state(visit: &Visit, state: CouponState) -> Markup {
    let said = match state {
        CouponState::Used => return html! {},
        CouponState::Reserved => visit.text.coupon_reserved(),
        CouponState::Released => visit.text.coupon_released(),
        CouponState::Lapsed => visit.text.coupon_lapsed(),
    };
    html! { small { (said) } }
}

/// An amount of the pay currency: its sign before it, or its code after it (C4.4).
pub fn price_pieces(amount: &Amount) -> Pieces {
    let (whole, rest) = amount.amount.split_once('.').unwrap_or((&amount.amount, ""));
    let point = if rest.is_empty() { "" } else { "." };
    let number = format!("{}{point}{rest}", grouped(whole));
    match sign(&amount.currency) {
        Some(sign) => [format!("{sign}{number}"), String::new(), String::new()],
        None => [number, String::new(), amount.currency.clone()],
    }
}

/// An amount of the ledger currency, with all its digits.
pub fn credit_pieces(amount: LedgerMoney, plus: bool) -> Pieces {
    let amount = Amount::from(amount);
    let (whole, rest) = amount.amount.split_once('.').unwrap_or((&amount.amount, ""));
    let (shown, small) = rest.split_at_checked(2).unwrap_or((rest, ""));
    let point = if rest.is_empty() { "" } else { "." };
    let plus = if plus { "+" } else { "" };
    [format!("{plus}{}{point}{shown}", grouped(whole)), small.to_owned(), amount.currency]
}

/// Pieces as one number that copies as one.
pub fn whole(pieces: &Pieces) -> Markup {
    let [shown, small, currency] = pieces;
    html! {
        (shown)
        @if !small.is_empty() { i { (small) } }
        @if !currency.is_empty() { span.cur { (currency) } }
    }
}

/// A price in a table or sum.
pub fn price(amount: &Amount) -> Markup {
    html! { span.money { (whole(&price_pieces(amount))) } }
}

/// A price within a sentence.
pub fn price_text(amount: PayMoney) -> String {
    words(&price_pieces(&Amount::from(amount)))
}

/// An amount of the ledger currency within a sentence.
pub fn credit_text(amount: LedgerMoney) -> String {
    words(&credit_pieces(amount, false))
}

/// Pieces as text.
pub fn words([shown, small, currency]: &Pieces) -> String {
    let space = if currency.is_empty() { "" } else { " " };
    format!("{shown}{small}{space}{currency}")
}

/// A bound of an amount as the settings have it: without digits that say nothing.
pub fn bound(amount: rust_decimal::Decimal, currency: Currency) -> String {
    words(&price_pieces(&Amount { amount: amount.normalize().to_string(), currency: currency.code().to_owned() }))
}

/// A note in a tone.
pub fn note(tone: &str, text: &impl Render) -> Markup {
    html! { div class=(format!("note {tone}")) { (svg::info()) span { (text) } } }
}

/// State of a payment with its tone.
pub fn status_badge(visit: &Visit, status: OrderStatus) -> Markup {
    let tone = match status {
        OrderStatus::Pending => "wait",
        OrderStatus::Paid => "ok",
        OrderStatus::Failed => "bad",
        OrderStatus::Disputed => "odd",
        OrderStatus::PartiallyRefunded | OrderStatus::Refunded => "info",
        OrderStatus::Expired | OrderStatus::Cancelled => "",
    };
    html! { span class=(format!("badge {tone}")) { (visit.text.order_status(status)) } }
}

/// State of an order as a badge.
pub fn order_badge(visit: &Visit, order: &OrderView) -> Markup {
    if order.processing {
        return html! { span.badge.info { (visit.text.status_processing()) } };
    }
    status_badge(visit, order.status)
}

/// A column of a table: its name, and true if it holds numbers.
pub type Column = (String, bool);

/// A table whose rows become cards with their labels on a narrow screen; the first column leads.
pub fn table(columns: &[Column], rows: &[Vec<Markup>]) -> Markup {
    let class = |place: usize, right: bool| match (place, right) {
        (0, _) => Some("lead"),
        (_, true) => Some("right"),
        _ => None,
    };
    html! {
        table.cards role="table" {
            thead role="rowgroup" {
                tr role="row" {
                    @for (name, right) in columns { th scope="col" role="columnheader" class=[right.then_some("right")] { (name) } }
                }
            }
            tbody role="rowgroup" {
                @for row in rows {
                    tr role="row" {
                        @for (place, (cell, (name, right))) in row.iter().zip(columns).enumerate() {
                            td role="cell" class=[class(place, *right)] data-label=(name) { span { (cell) } }
                        }
                    }
                }
            }
        }
    }
}

/// Columns of a list of orders.
fn order_columns(visit: &Visit) -> [Column; 6] {
    let text = &visit.text;
    [
        (text.order().to_string(), false),
        (text.placed().to_string(), false),
        (text.paid_by().to_string(), false),
        (text.order_charge().to_string(), true),
        (text.order_total().to_string(), true),
        (text.status().to_string(), false),
    ]
}

/// A list of orders.
pub fn orders(visit: &Visit, orders: &[OrderView]) -> Markup {
    let rows: Vec<Vec<Markup>> = orders.iter().map(|order| order_row(visit, order)).collect();
    table(&order_columns(visit), &rows)
}

fn order_row(visit: &Visit, order: &OrderView) -> Vec<Markup> {
    let path = format!("/orders/{}", order.id);
    let is_credited = !order.total.amount.starts_with('0') || order.total.amount.len() > 1;
    let ends = matches!(order.status, OrderStatus::Failed | OrderStatus::Expired | OrderStatus::Cancelled);
    vec![
        html! { a.id href=(path) { (short(&order.id.to_string())) } },
        time(visit.language, order.created_at),
        html! { (visit.text.way(&order.method)) },
        price(&order.charge),
        html! { @if ends || !is_credited { span.muted { "—" } } @else { (money(&order.total)) } },
        html! {
            (order_badge(visit, order))
            @if order.status == OrderStatus::Pending && !order.processing && order.expires_at > visit.app.clock.now() {
                " " a href=(path) { (visit.text.pay_now()) }
            }
        },
    ]
}

/// An id in short: its beginning and its end.
fn short(id: &str) -> String {
    match (id.get(..12), id.get(id.len().saturating_sub(3)..)) {
        (Some(begin), Some(end)) if id.len() > 18 => format!("{begin}…{end}"),
        _ => id.to_owned(),
    }
}

/// Hours, minutes and seconds left.
pub fn clock(seconds: u64) -> String {
    let (hours, minutes, rest) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    if hours > 0 { format!("{hours}:{minutes:02}:{rest:02}") } else { format!("{minutes}:{rest:02}") }
}

/// A countdown, which the script runs; a screen reader hears of it at five minutes and at one.
pub fn countdown(seconds: u64) -> Markup {
    html! {
        strong.clock.num role="timer" data-left=[(seconds > 0).then_some(seconds)] { (clock(seconds)) }
        span.hidden aria-live="polite" {}
    }
}

/// The ladder of the new-user bonus while it can be used (R5.4).
pub fn promotion(visit: &Visit, promotion: &PromotionView) -> Markup {
    let Some(current) = promotion.current_tier.filter(|_| promotion.status == PromotionStatus::Active) else {
        return html! {};
    };
    let text = &visit.text;
    let hours: Vec<u32> = promotion.tiers.iter().map(|tier| tier.hours).collect();
    let is_even = hours != [24, 36, 48, 72];
    html! {
        section.promo aria-labelledby="promo" {
            div.line {
                h2 #promo { (text.promo_first(current.percent.normalize().to_string())) }
                p { (around(&text.promo_ends(HERE), &countdown(promotion.tier_seconds_left.max(1)))) }
            }
            ol.ladder.even[is_even] aria-label=(&*text.promo_steps()) {
                @for (index, tier) in (0_u32..).zip(&promotion.tiers) {
                    @let is_current = index == current.index;
                    li class=[is_current.then(|| progress(promotion, index))] aria-current=[is_current.then_some("step")] {
                        b { (text.percent(tier.percent.normalize().to_string())) }
                        (text.promo_until(tier.hours.to_string()))
                    }
                }
            }
            p.small.muted {
                @if promotion.min_amount.is_positive() { (text.promo_once_min(price_text(promotion.min_amount))) }
                @else { (text.promo_once()) }
            }
        }
    }
}

/// Class for how far the current step has run, in tenths.
fn progress(promotion: &PromotionView, index: u32) -> String {
    let hours = |place: Option<usize>| place.and_then(|place| promotion.tiers.get(place)).map_or(0, |tier| tier.hours);
    let place = usize::try_from(index).ok();
    let begin = hours(place.and_then(|place| place.checked_sub(1)));
    let length = u64::from(hours(place).saturating_sub(begin)).saturating_mul(3_600).max(1);
    let done = length.saturating_sub(promotion.tier_seconds_left).saturating_mul(10) / length;
    format!("at-{}", done.min(9))
}

/// Notes below a balance of which a part was granted: that part, and what of it expires next (R12.3).
pub async fn granted(visit: &Visit, user: &User) -> Vec<Markup> {
    let (text, granted) = (&visit.text, user.accounts.granted());
    if !granted.is_positive() {
        return Vec::new();
    }
    let note = |name: Message, value: Markup| html! { (name) ": " (value) };
    let mut notes = vec![note(text.granted_part(), money(&Amount::from(granted)))];
    // The page can do without.
    let next = next_expiry(&visit.app, user).await.or_log("no expiry is shown").flatten();
    if let Some((amount, at)) = next {
        let value = html! { (money(&Amount::from(amount))) ", " (time(visit.language, at)) };
        notes.push(note(text.expires_next(), value));
    }
    notes
}
