//! Statistics by day as charts with their numbers, and as a sheet (R9.2).

use std::collections::BTreeMap;

use axum::response::Response;
use fluent_static::Message;
use jiff::ToSpan;
use jiff::civil::Date;
use maud::{Markup, html};
use rust_decimal::Decimal;
use shared::edge::export::{CsvRow, csv};
use shared::edge::view::Amount;
use shared::kernel::provider::Provider;
use shared::operations::days::view::{Day, ProviderDay, between};

use super::filters::day;
use super::menu::{self, Head};
use super::pages::Staff;
use super::parts::day_text;
use crate::chart::{self, Chart, Form, Place};
use crate::export::{file, values};
use crate::frame;
use crate::parts::money;
use crate::show::price;
use crate::visit::{Visit, link};

/// Periods that can be chosen, in days.
const SPANS: [i64; 5] = [14, 30, 90, 180, 365];

fn span(visit: &Visit) -> i64 {
    visit.asked("span").and_then(|span| span.parse().ok()).filter(|span| SPANS.contains(span)).unwrap_or(30)
}

fn period(visit: &Visit) -> (Date, Date) {
    let today = day(visit.app.clock.now());
    (today.checked_sub((span(visit) - 1).days()).unwrap_or(today), today)
}

/// A series of the statistics: name, names of its parts, and the values of a day.
struct Series {
    id: &'static str,
    title: Message,
    parts: Vec<Message>,
    of: fn(&Day) -> Vec<(Decimal, Markup)>,
}

fn number(amount: &Amount) -> Decimal {
    amount.amount.parse().unwrap_or_default()
}

fn count(value: u64) -> (Decimal, Markup) {
    (Decimal::from(value), html! { (value) })
}

fn credit(amount: &Amount) -> (Decimal, Markup) {
    (number(amount), money(amount))
}

/// Values of both providers.
fn providers(day: &Day, of: impl Fn(&ProviderDay) -> (Decimal, Markup)) -> Vec<(Decimal, Markup)> {
    let value = |provider: Provider| day.providers.get(provider.as_str()).map_or_else(none, &of);
    vec![value(Provider::Stripe), value(Provider::Zpay)]
}

fn none() -> (Decimal, Markup) {
    (Decimal::ZERO, html! { "—" })
}

fn all(visit: &Visit) -> Vec<Series> {
    let text = &visit.text;
    let both = || vec![text.provider_stripe(), text.provider_zpay()];
    let one = |id, title: Message, of| Series { id, parts: vec![title.clone()], title, of };
    vec![
        Series {
            id: "charge",
            title: text.charged_per_day(),
            parts: both(),
            of: |day| providers(day, |of| (number(&of.charge), price(&of.charge))),
        },
        Series {
            id: "paid",
            title: text.paid_orders_per_day(),
            parts: both(),
            of: |day| providers(day, |of| count(of.orders)),
        },
        Series {
            id: "returned",
            title: text.returned_per_day(),
            parts: both(),
            of: |day| providers(day, |of| (number(&of.returned), price(&of.returned))),
        },
        Series {
            id: "bonus",
            title: text.bonus_per_day(),
            parts: both(),
            of: |day| providers(day, |of| credit(&of.bonus)),
        },
        Series {
            id: "users",
            title: text.sign_ups_per_day(),
            parts: vec![text.sign_ups(), text.with_code()],
            of: |day| vec![count(day.users.saturating_sub(day.invitees)), count(day.invitees)],
        },
        one("qualified", text.qualified_per_day(), |day| vec![count(day.qualified)]),
        Series {
            id: "rewards",
            title: text.rewards_per_day(),
            parts: vec![text.to_inviters(), text.to_invitees()],
            of: |day| vec![credit(&day.granted_to_inviters), credit(&day.granted_to_invitees)],
        },
        one("commission", text.commission_per_day(), |day| vec![credit(&day.commission_earned)]),
        Series {
            id: "withdrawn",
            title: text.withdrawn_per_day(),
            parts: vec![text.to_balance(), text.in_cash()],
            of: |day| vec![credit(&day.withdrawn_to_balance), credit(&day.withdrawn_in_cash)],
        },
        Series {
            id: "redeemed",
            title: text.redeemed_per_day(),
            parts: vec![text.for_plans(), text.for_balance()],
            of: |day| vec![count(day.redeemed_for_plans), count(day.redeemed_for_balance)],
        },
        one("sales", text.sales_per_day(), |day| vec![count(day.sales)]),
    ]
}

/// The charts.
pub async fn stats(staff: Staff) -> Response {
    let visit = &staff.0;
    let (from, to) = period(visit);
    let days = match between(&visit.app, from, to).await {
        Ok(days) => days,
        Err(error) => return frame::error(visit, error),
    };
    let text = &visit.text;
    let known: BTreeMap<Date, &Day> = days.iter().map(|day| (day.date, day)).collect();
    let dates: Vec<Date> = from.series(1.day()).take_while(|date| *date <= to).collect();
    let chosen = span(visit).to_string();
    let head = Head {
        title: text.staff_stats().to_string(),
        lead: Some(html! { (text.totals_follow()) }),
        aside: Some(html! {
            form.row method="get" action="/admin/stats" {
                label.hidden for="span" { (text.period()) }
                select #span name="span" {
                    @for span in SPANS { option value=(span) selected[span.to_string() == chosen] { (text.last_days(span)) } }
                }
                button.btn.slim { (text.show_it()) }
                a.btn.slim href=(link("/admin/stats.csv", [("span", chosen.as_str())])) download { (text.as_csv()) }
            }
        }),
        ..Head::default()
    };
    let main = html! {
        div.two { @for series in all(visit) { (shown(visit, &series, &dates, &known)) } }
    };
    menu::page(&staff, &head, &main)
}

fn shown(visit: &Visit, series: &Series, dates: &[Date], known: &BTreeMap<Date, &Day>) -> Markup {
    let text = &visit.text;
    let place = |date: &Date| {
        let values = known.get(date).map(|day| (series.of)(day));
        let name = day_text(visit.language, *date);
        Place {
            tick: name.clone(),
            name,
            values: values.unwrap_or_else(|| series.parts.iter().map(|_| none()).collect()),
        }
    };
    let places: Vec<Place> = dates.iter().map(place).collect();
    let sums = places.iter().map(|place| place.values.iter().fold(Decimal::ZERO, |sum, (value, _)| sum + value));
    let sums: Vec<Decimal> = sums.collect();
    let ends =
        [sums.iter().min(), sums.iter().max()].map(|value| value.copied().unwrap_or_default().normalize().to_string());
    let [least, most] = ends;
    let of = Chart {
        id: series.id,
        form: if series.parts.len() > 1 { Form::Bars } else { Form::Line },
        title: series.title.to_string(),
        description: text.chart_from_to(u64::try_from(sums.len()).unwrap_or(0), least, most).to_string(),
        series: series.parts.clone(),
        axis: text.day_utc(),
        places,
    };
    let heading = format!("{}-heading", series.id);
    html! {
        section.card aria-labelledby=(heading) {
            header { h2 id=(heading) { (series.title) } (chart::key(&of.series)) }
            div.in { (chart::chart(text, &of)) }
        }
    }
}

/// The days as a sheet.
pub async fn sheet(staff: Staff) -> Response {
    let visit = &staff.0;
    let (from, to) = period(visit);
    let days = between(&visit.app, from, to).await;
    match days.and_then(|days| Ok(values(&days)?)) {
        Ok(days) => file(&format!("days-{from}--{to}.csv"), csv(Day::COLUMNS, days.into_iter())),
        Err(error) => frame::error(visit, error),
    }
}
