//! Exact price of a choice: in the page's summary, and as texts for the script (C3.2).

use std::collections::BTreeMap;

use axum::Json;
use axum::http::header::CACHE_CONTROL;
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};
use serde::Serialize;
use shared::edge::forms::Flash;
use shared::kernel::money::PayMoney;
use shared::kernel::refusal::Refusal;
use shared::payment::gateway::fits;
use shared::payment::keep_coupon::price_with;
use shared::payment::model::coupon::CouponCode;
use shared::payment::model::price::Quote;
use shared::payment::model::settings::PaymentSettings;

use super::Page;
use super::choice::Choice;
use crate::frame;
use crate::show::{self, Pieces};
use crate::visit::{Member, Visit, failed};

/// Rows of the summary, in order.
const ROWS: [&str; 9] =
    ["amount", "discount", "charge", "rate", "credit", "bonus", "amount_bonus", "coupon_bonus", "total"];

/// Price of a choice, with what the promotion and the amount add.
#[derive(Debug, Clone)]
pub struct Sum {
    charge: PayMoney,
    rows: BTreeMap<&'static str, Row>,
}

/// A row of the summary.
#[derive(Debug, Clone, Serialize)]
struct Row {
    label: String,
    text: Pieces,
}

/// Texts for the script.
#[derive(Debug, Serialize)]
struct Told {
    rows: BTreeMap<&'static str, Row>,
    pay: String,
    /// Error of each field that has one.
    errors: BTreeMap<&'static str, String>,
}

/// The price of a choice, or what is wrong with it.
pub fn sum(visit: &Visit, page: &Page, choice: &Choice) -> Result<Sum, Box<Flash>> {
    quoted(visit, page, choice).map_err(|refusal| Box::new(wrong(&refusal)))
}

fn quoted(visit: &Visit, page: &Page, choice: &Choice) -> Result<Sum, Refusal> {
    let one_of = || Refusal::field("/amount", "one_of", "An offer or an amount.");
    let wanted = choice.top_up().ok_or_else(one_of)?;
    let coupon = choice.coupon.as_deref().map(CouponCode::read).transpose()?;
    let by = (page.own.as_ref(), page.has_paid);
    let named = coupon.as_ref().zip(page.counters.as_ref());
    let quote = price_with(&page.settings, &wanted, named, by, visit.app.clock.now())?;
    if choice.way.as_ref().is_some_and(|way| !fits(way.provider, quote.charge)) {
        return Err(Refusal::field("/amount", "not_payable", "An amount that this way to pay takes."));
    }
    rows(visit, &quote).map_err(|_| Refusal::field("/amount", "out_of_range", "A smaller amount."))
}

fn rows(visit: &Visit, quote: &Quote) -> Result<Sum, shared::kernel::money::MoneyError> {
    let text = &visit.text;
    let (bonus, amount_bonus) = quote.bonuses()?;
    let total = quote.total()?;
    let before = quote.coupon.as_ref().map_or(Ok(quote.charge), |coupon| quote.charge.plus(coupon.discount))?;
    let mut rows = BTreeMap::new();
    let mut put = |name, label: String, text: Pieces| drop(rows.insert(name, Row { label, text }));
    put("amount", text.order_amount().to_string(), show::price_pieces(&quote.amount.into()));
    if let Some(coupon) = quote.coupon.as_ref().filter(|coupon| coupon.discount.is_positive()) {
        let label = text.order_coupon(coupon.code.to_string()).to_string();
        put("discount", label, show::price_pieces(&coupon.discount.negated().into()));
    }
    if quote.charge != quote.amount {
        let percent = (quote.discount_rate * rust_decimal::Decimal::ONE_HUNDRED).normalize();
        let label = text.order_charge_at(percent.to_string()).to_string();
        let label = if before == quote.amount { text.order_charge().to_string() } else { label };
        put("charge", label, show::price_pieces(&quote.charge.into()));
    }
    put("rate", text.order_rate().to_string(), [rate(quote), String::new(), String::new()]);
    put("credit", text.order_credit().to_string(), show::credit_pieces(quote.credit, false));
    if let Some(tier) = quote.promotion.filter(|_| bonus.is_positive()) {
        let label = text.order_bonus_of(tier.percent.normalize().to_string()).to_string();
        put("bonus", label, show::credit_pieces(bonus, true));
    }
    if amount_bonus.is_positive() {
        put("amount_bonus", text.order_amount_bonus().to_string(), show::credit_pieces(amount_bonus, true));
    }
    if let Some(coupon) = quote.coupon.as_ref().filter(|coupon| coupon.bonus.is_positive()) {
        let label = text.order_coupon(coupon.code.to_string()).to_string();
        put("coupon_bonus", label, show::credit_pieces(coupon.bonus, true));
    }
    put("total", text.order_total().to_string(), show::credit_pieces(total, false));
    Ok(Sum { charge: quote.charge, rows })
}

/// The exchange rate: so much of the pay currency for one of the ledger's.
fn rate(quote: &Quote) -> String {
    format!("{} = 1 {}", show::bound(quote.exchange_rate, quote.amount.currency()), quote.credit.currency())
}

/// A refusal as the message of a form.
fn wrong(refusal: &Refusal) -> Flash {
    let errors = match refusal {
        Refusal::Invalid(errors) => errors.iter().map(|error| (error.pointer.clone(), error.code.to_owned())).collect(),
        _ => Vec::new(),
    };
    Flash { code: refusal.code().to_owned(), refused: true, errors, ..Flash::default() }
}

/// The error of an amount, with the bounds.
pub fn amount_error(visit: &Visit, settings: &PaymentSettings, code: &str) -> String {
    let bound = |amount| show::bound(amount, settings.pay_currency);
    let text = match code {
        "out_of_range" => visit.text.field_amount_range(bound(settings.min_amount), bound(settings.max_amount)),
        "not_a_decimal" => visit.text.field_amount_decimals(settings.pay_currency.digits().to_string()),
        other => visit.text.field_error("/amount", other),
    };
    text.to_string()
}

/// The summary; rows that do not apply are hidden, so that the script can show them.
pub fn summary(visit: &Visit, sum: Option<&Sum>) -> Markup {
    let none = Row { label: String::new(), text: ["—".to_owned(), String::new(), String::new()] };
    let always = [("amount", visit.text.order_amount()), ("total", visit.text.order_total())];
    let row = |name: &str| match sum {
        Some(sum) => sum.rows.get(name).cloned(),
        None => {
            let label = always.iter().find(|(known, _)| *known == name).map(|(_, label)| label.to_string());
            label.map(|label| Row { label, ..none.clone() })
        }
    };
    html! {
        dl.sum aria-live="polite" {
            @for name in ROWS {
                @let row = row(name);
                @let shown = row.as_ref().map_or_else(|| none.text.clone(), |row| row.text.clone());
                dt.total[name == "total"] hidden[row.is_none()] { (row.as_ref().map(|row| row.label.as_str()).unwrap_or_default()) }
                dd.total[name == "total"].muted[name == "rate"] data-part=(name) hidden[row.is_none()] {
                    span.money.plus[name.ends_with("bonus")] { (show::whole(&shown)) }
                }
            }
        }
    }
}

/// Text of the button: what is paid.
pub fn pay(visit: &Visit, sum: Option<&Sum>) -> String {
    match sum {
        Some(sum) => visit.text.pay_amount(show::price_text(sum.charge)).to_string(),
        None => visit.text.pay_plain().to_string(),
    }
}

/// Answers the texts of the summary for the choice in the query, without HTML.
pub async fn price(Member(visit): Member) -> Response {
    let visitor = match visit.member() {
        Ok(visitor) => visitor,
        Err(fault) => return failed(&visit, &fault),
    };
    let page = match Page::read(&visit, visitor).await {
        Ok(page) => page,
        Err(error) => return frame::error(&visit, error),
    };
    let choice = Choice::of(&visit, &page.offering);
    let told = match sum(&visit, &page, &choice) {
        Ok(sum) => Told { pay: pay(&visit, Some(&sum)), rows: sum.rows, errors: BTreeMap::new() },
        Err(flash) => {
            let error = match flash.errors.first() {
                Some((pointer, code)) if pointer == "/coupon" => {
                    ("coupon", visit.text.field_error(pointer, code).to_string())
                }
                Some((pointer, code)) if pointer == "/amount" => ("amount", amount_error(&visit, &page.settings, code)),
                Some((pointer, code)) => ("amount", visit.text.field_error(pointer, code).to_string()),
                None => ("amount", visit.text.refused(&flash).to_string()),
            };
            Told { rows: BTreeMap::new(), pay: pay(&visit, None), errors: BTreeMap::from([error]) }
        }
    };
    ([(CACHE_CONTROL, "no-store")], Json(told)).into_response()
}
