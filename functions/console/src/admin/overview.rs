//! The overview of staff: today, the last days as charts, what waits for them, and what is owed. Each card fails alone.

use std::collections::BTreeMap;

use axum::response::Response;
use jiff::ToSpan;
use jiff::civil::Date;
use maud::{Markup, html};
use rust_decimal::Decimal;
use shared::app::App;
use shared::edge::view::Amount;
use shared::kernel::fault::Error;
use shared::kernel::provider::Provider;
use shared::operations::alarms;
use shared::operations::days::view::{Day, between};
use shared::operations::model::alarm::Alarm;
use shared::operations::totals::view::{self as totals, Totals};
use shared::operations::waiting::{self, Waiting, WaitingQueues};
use shared::payment::model::order::OrderStatus;
use shared::payment::model::reconciliation::Reconciliation;
use shared::payment::model::settings::{PromotionSettings, PromotionTier};

use super::filters::day;
use super::menu::{self, Head};
use super::pages::{Staff, rule_of};
use super::parts::{Tile, card, date_text, day_text, tiles, time_line};
use crate::chart::{self, Bar, Chart, Form, Place, bar_list};
use crate::frame;
use crate::list::alone;
use crate::parts::money;
use crate::show::price;
use crate::visit::Visit;

/// Pages of daily reports: the beginning of their paths, and that of the table.
const DAYS: &str = "/admin/reconciliations/";
const DAY: &str = "/admin/reconciliations/{date}";

/// Name of the total of withdrawals to pay.
const REQUESTED: &str = "requested";

/// Periods that can be chosen, in days.
const SPANS: [i64; 3] = [14, 30, 90];

/// All that the page reads, each on its own.
struct Read {
    totals: Result<Totals, Error>,
    days: Result<Vec<Day>, Error>,
    reviews: Result<Waiting, Error>,
    rewards: Result<Waiting, Error>,
    cases: Result<Waiting, Error>,
    reports: Result<Vec<Reconciliation>, Error>,
    endpoints: Result<usize, Error>,
    alarms: Result<Vec<Alarm>, Error>,
}

impl Read {
    async fn of(app: &App, from: Date, today: Date) -> Self {
        let yesterday = today.yesterday().unwrap_or(today);
        let (totals, days, reviews, rewards, cases, reports, endpoints, alarms) = tokio::join!(
            totals::now(app),
            between(app, from, today),
            waiting::reviews(app),
            waiting::failed_rewards(app),
            waiting::held_cases(app),
            waiting::reports(app, yesterday),
            waiting::disabled_endpoints(app),
            alarms::standing(app),
        );
        if let (Ok(totals), Ok(reviews), Ok(rewards), Ok(cases)) = (&totals, &reviews, &rewards, &cases) {
            let withdrawals = totals.withdrawals.get(REQUESTED).map_or(0, |found| found.count);
            let queues = WaitingQueues { reviews: *reviews, rewards: *rewards, cases: *cases, withdrawals };
            app.glance.note(app.clock.now(), queues);
        }
        Self {
            totals,
            days,
            reviews: reviews.map_err(Error::from),
            rewards: rewards.map_err(Error::from),
            cases: cases.map_err(Error::from),
            reports: reports.map_err(Error::from),
            endpoints: endpoints.map_err(Error::from),
            alarms: alarms.map_err(Error::from),
        }
    }
}

/// The overview.
pub async fn overview(staff: Staff) -> Response {
    let visit = &staff.0;
    let text = &visit.text;
    let now = visit.app.clock.now();
    let today = day(now);
    let span = visit.asked("span").and_then(|span| span.parse().ok()).filter(|span| SPANS.contains(span)).unwrap_or(14);
    let from = today.checked_sub(span.saturating_sub(1).days()).unwrap_or(today);
    let read = Read::of(&visit.app, from, today).await;
    let head = Head {
        title: text.staff_overview().to_string(),
        lead: Some(html! { (text.as_of()) " " (time_line(visit.language, now)) ". " (text.totals_follow()) }),
        aside: Some(spans(visit, span)),
        ..Head::default()
    };
    let days = read.days.as_ref().ok().map(|days| filled(days, from, today));
    let main = html! {
        (numbers(visit, &read, today))
        div.cols.even {
            (charged(visit, &read, days.as_deref()))
            (card("waiting", &text.waiting_for_you(), &todo(visit, &read, today)))
        }
        div.cols.even {
            div.two {
                (signed_up(visit, &read, days.as_deref()))
                (card("tiers", &text.bonus_by_step(), &alone(visit, by_tier(visit, &read).await)))
            }
            (card("owed", &text.what_we_owe(), &owed(visit, &read)))
        }
    };
    menu::page(&staff, &head, &main)
}

fn spans(visit: &Visit, chosen: i64) -> Markup {
    let text = &visit.text;
    html! {
        form.row method="get" action="/admin" {
            label.hidden for="span" { (text.period()) }
            select #span name="span" {
                @for span in SPANS { option value=(span) selected[span == chosen] { (text.last_days(span)) } }
            }
            button.btn.slim { (text.show_it()) }
        }
    }
}

/// Each day of the period with its totals, oldest first; nothing for a day without any.
fn filled(days: &[Day], from: Date, to: Date) -> Vec<(Date, Option<&Day>)> {
    let known: BTreeMap<Date, &Day> = days.iter().map(|day| (day.date, day)).collect();
    from.series(1.day()).take_while(|date| *date <= to).map(|date| (date, known.get(&date).copied())).collect()
}

/// The amount of a sum, as a number.
fn number(amount: &Amount) -> Decimal {
    amount.amount.parse().unwrap_or_default()
}

/// Sum of a day over the providers.
fn sum(day: Option<&Day>, of: impl Fn(&shared::operations::days::view::ProviderDay) -> Decimal) -> Decimal {
    let providers = day.into_iter().flat_map(|day| day.providers.values());
    providers.fold(Decimal::ZERO, |sum, one| sum.saturating_add(of(one)))
}

fn currency(days: &[Day], of: impl Fn(&shared::operations::days::view::ProviderDay) -> &Amount) -> Option<String> {
    days.iter().flat_map(|day| day.providers.values()).map(|one| of(one).currency.clone()).next()
}

/// Figures of today. Those of the pay currency are of the current one; former ones stand in the statistics.
fn numbers(visit: &Visit, read: &Read, today: Date) -> Markup {
    let text = &visit.text;
    let (days, totals) = match (&read.days, &read.totals) {
        (Ok(days), Ok(totals)) => (days, totals),
        _ => return html! { section.card { (alone(visit, Err(unread(read)))) } },
    };
    let of = |date: Date| days.iter().find(|day| day.date == date);
    let now = of(today);
    let orders: u64 = now.into_iter().flat_map(|day| day.providers.values()).map(|one| one.orders).sum();
    let pay = currency(days, |one| &one.charge).unwrap_or_else(|| totals.orders.charge.currency.clone());
    let charge = padded(sum(now, |one| number(&one.charge)), &totals.orders.charge);
    let ledger = |amount: Decimal| Amount {
        amount: amount.normalize().to_string(),
        currency: totals.orders.credit.currency.clone(),
    };
    let (credit, bonus) = (sum(now, |one| number(&one.credit)), sum(now, |one| number(&one.bonus)));
    let pending = totals.orders.by_status.get(OrderStatus::Pending.as_str()).copied().unwrap_or_default();
    let invitees = now.map_or(0, |day| day.invitees);
    let all = [
        Tile {
            name: text.charged_today().to_string(),
            figure: price(&Amount { amount: charge, currency: pay }),
            notes: vec![html! { (text.orders_count(orders)) }],
        },
        Tile {
            name: text.credited_today().to_string(),
            figure: money(&ledger(credit.saturating_add(bonus))),
            notes: vec![html! { (text.with_bonus()) " " (money(&ledger(bonus))) }],
        },
        Tile {
            name: text.sign_ups_today().to_string(),
            figure: html! { (now.map_or(0, |day| day.users)) },
            notes: vec![html! { (text.with_a_code(invitees)) }],
        },
        Tile {
            name: text.staff_orders_waiting().to_string(),
            figure: html! { (pending) },
            notes: vec![html! { (text.at_present()) }],
        },
    ];
    tiles(&all)
}

/// A sum of the pay currency with as many digits as its total has.
fn padded(amount: Decimal, like: &Amount) -> String {
    let digits = like.amount.split_once('.').map_or(0, |(_, rest)| rest.len());
    let mut amount = amount;
    amount.rescale(u32::try_from(digits).unwrap_or(0));
    amount.to_string()
}

/// The fault of what could not be read.
fn unread(read: &Read) -> Error {
    let faults = [read.days.as_ref().err(), read.totals.as_ref().err()];
    faults.into_iter().flatten().next().cloned().unwrap_or_else(|| shared::kernel::refusal::Refusal::NotFound.into())
}

fn charged(visit: &Visit, read: &Read, days: Option<&[(Date, Option<&Day>)]>) -> Markup {
    let text = &visit.text;
    let Some(days) = days else {
        return card("charged", &text.charged_per_day(), &alone(visit, Err(unread(read))));
    };
    let series = [text.provider_stripe(), text.provider_zpay()];
    let value = |day: Option<&Day>, provider: Provider| {
        let of = day.and_then(|day| day.providers.get(provider.as_str()));
        of.map_or((Decimal::ZERO, html! { "—" }), |of| (number(&of.charge), price(&of.charge)))
    };
    let place = |(date, day): &(Date, Option<&Day>)| Place {
        tick: day_text(visit.language, *date),
        name: day_text(visit.language, *date),
        values: vec![value(*day, Provider::Stripe), value(*day, Provider::Zpay)],
    };
    let totals: Vec<Decimal> = days.iter().map(|(_, day)| sum(*day, |one| number(&one.charge))).collect();
    let of = Chart {
        id: "charged-chart",
        form: Form::Bars,
        title: text.charged_per_day_of_each().to_string(),
        description: described(visit, &totals),
        series: series.to_vec(),
        axis: text.day_utc(),
        places: days.iter().map(place).collect(),
    };
    html! {
        section.card aria-labelledby="charged" {
            header { h2 #charged { (text.charged_per_day()) } (chart::key(&of.series)) }
            div.in { (chart::chart(text, &of)) }
        }
    }
}

/// A series in words: its least and its greatest value.
fn described(visit: &Visit, values: &[Decimal]) -> String {
    let text = |value: Option<&Decimal>| value.copied().unwrap_or_default().normalize().to_string();
    let (least, most) = (text(values.iter().min()), text(values.iter().max()));
    visit.text.chart_from_to(u64::try_from(values.len()).unwrap_or(0), least, most).to_string()
}

fn signed_up(visit: &Visit, read: &Read, days: Option<&[(Date, Option<&Day>)]>) -> Markup {
    let text = &visit.text;
    let Some(days) = days else {
        return card("signed-up", &text.sign_ups_per_day(), &alone(visit, Err(unread(read))));
    };
    let users = |day: Option<&Day>| day.map_or(0, |day| day.users);
    let place = |(date, day): &(Date, Option<&Day>)| Place {
        tick: day_text(visit.language, *date),
        name: day_text(visit.language, *date),
        values: vec![(Decimal::from(users(*day)), html! { (users(*day)) })],
    };
    let values: Vec<Decimal> = days.iter().map(|(_, day)| Decimal::from(users(*day))).collect();
    let of = Chart {
        id: "signed-up-chart",
        form: Form::Line,
        title: text.sign_ups_per_day().to_string(),
        description: described(visit, &values),
        series: vec![text.sign_ups()],
        axis: text.day_utc(),
        places: days.iter().map(place).collect(),
    };
    card("signed-up", &text.sign_ups_per_day(), &html! { div.in { (chart::chart(text, &of)) } })
}

/// Uses of each step of the bonus since the start.
async fn by_tier(visit: &Visit, read: &Read) -> Result<Markup, Error> {
    let text = &visit.text;
    let totals = read.totals.as_ref().map_err(Clone::clone)?;
    let settings = visit.app.settings::<PromotionSettings>().await?.settings;
    let tiers = settings.tiers.iter().enumerate();
    let bar = |(index, tier): (usize, &PromotionTier)| {
        let used = totals.promotions.by_tier.iter().find(|used| usize::try_from(used.index) == Ok(index));
        let count = used.map_or(0, |used| used.count);
        let name = text.tier_of(tier.percent.normalize().to_string(), u64::from(tier.hours));
        Bar { name: name.to_string(), shown: text.orders_count(count).to_string(), value: count }
    };
    let mut bars: Vec<Bar> = tiers.map(bar).collect();
    let expired = totals.promotions.expired;
    bars.push(Bar { name: text.expired_unused().to_string(), shown: expired.to_string(), value: expired });
    Ok(html! { div.in.stack-s { p.muted.small { (text.first_orders_since()) } (bar_list(&bars)) } })
}

fn owed(visit: &Visit, read: &Read) -> Markup {
    let text = &visit.text;
    let totals = match &read.totals {
        Ok(totals) => totals,
        Err(error) => return alone(visit, Err(error.clone())),
    };
    let of = &totals.liabilities;
    let parts = [
        (text.owed_balances(), &of.balance),
        (text.owed_pending(), &of.commission.pending),
        (text.owed_available(), &of.commission.available),
        (text.owed_held(), &of.commission.held),
    ];
    let together = parts.iter().fold(Decimal::ZERO, |sum, (_, amount)| sum.saturating_add(number(amount)));
    let together = Amount { amount: together.normalize().to_string(), currency: of.balance.currency.clone() };
    html! {
        div.in {
            dl.sum {
                @for (name, amount) in &parts { dt { (name) } dd { (money(amount)) } }
                dt.total { (text.owed_together()) } dd.total { (money(&together)) }
                dt { (text.owed_codes()) } dd { (of.codes_outstanding) }
                dt { (text.owed_debt()) } dd { (money(&of.debt)) }
            }
            p.small { a href="/admin/liabilities" { (text.owed_by_month()) } }
        }
    }
}

/// A line of what waits: number, what, more about it, and the page to go to.
struct Todo {
    count: Result<String, Error>,
    tone: &'static str,
    what: Markup,
    more: Markup,
    page: String,
}

fn count(of: &Result<Waiting, Error>) -> Result<String, Error> {
    let of = of.as_ref().map_err(Clone::clone)?;
    Ok(if of.more { format!("{}+", of.count) } else { of.count.to_string() })
}

fn tone(count: usize, bad: &'static str) -> &'static str {
    match count {
        0 => "ok",
        _ => bad,
    }
}

fn todo(visit: &Visit, read: &Read, today: Date) -> Markup {
    let text = &visit.text;
    let since = |of: &Result<Waiting, Error>| {
        let since = of.as_ref().ok().and_then(|of| of.since);
        html! { @if let Some(since) = since { (text.oldest_since()) " " (time_line(visit.language, since)) } }
    };
    let length = |of: &Result<Waiting, Error>| of.as_ref().map_or(0, |of| of.count);
    let paid_out = read.totals.as_ref().map_err(Clone::clone).map(|totals| totals.withdrawals.get(REQUESTED));
    let to_pay = paid_out.as_ref().ok().copied().flatten();
    let mut all = vec![
        Todo {
            count: count(&read.reviews),
            tone: tone(length(&read.reviews), "bad"),
            what: html! { (text.todo_reviews()) },
            more: since(&read.reviews),
            page: "/admin/reviews".to_owned(),
        },
        Todo {
            count: paid_out.map(|found| found.map_or(0, |found| found.count).to_string()),
            tone: tone(usize::try_from(to_pay.map_or(0, |found| found.count)).unwrap_or(1), ""),
            what: html! { (text.todo_withdrawals()) },
            more: html! { @if let Some(found) = to_pay { (money(&found.amount)) } },
            page: "/admin/withdrawals".to_owned(),
        },
        Todo {
            count: count(&read.rewards),
            tone: tone(length(&read.rewards), ""),
            what: html! { (text.todo_rewards()) },
            more: html! { (text.todo_rewards_note()) },
            page: "/admin/rewards?state=failed".to_owned(),
        },
        differences(visit, read, today),
    ];
    if read.cases.as_ref().map_or(1, |held| held.count) > 0 {
        all.push(Todo {
            count: count(&read.cases),
            tone: tone(length(&read.cases), ""),
            what: html! { (text.todo_cases()) },
            more: since(&read.cases),
            page: "/admin/risk?state=held".to_owned(),
        });
    }
    let off = read.endpoints.as_ref().map_or(1, |count| *count);
    if off > 0 {
        all.push(Todo {
            count: read.endpoints.as_ref().map(ToString::to_string).map_err(Clone::clone),
            tone: tone(off, "bad"),
            what: html! { (text.todo_endpoints()) },
            more: html! { (text.todo_endpoints_note()) },
            page: "/admin/webhooks".to_owned(),
        });
    }
    all.extend(standing(visit, read));
    html! { div.in-0 { ul.todo { @for one in &all { li { (line(visit, one)) } } } } }
}

/// The alarms that stand, with their names; nothing while there is none.
fn standing(visit: &Visit, read: &Read) -> Option<Todo> {
    let text = &visit.text;
    let alarms = read.alarms.as_deref().unwrap_or_default();
    (read.alarms.is_err() || !alarms.is_empty()).then(|| Todo {
        count: read.alarms.as_ref().map(|alarms| alarms.len().to_string()).map_err(Clone::clone),
        tone: "bad",
        what: html! { (text.todo_alarms()) },
        more: html! {
            @for (place, alarm) in alarms.iter().enumerate() {
                @if place > 0 { br; }
                (alarm.name) " " (text.alarm_since()) " " (time_line(visit.language, alarm.since))
            }
        },
        page: String::new(),
    })
}

/// Differences in the reports on yesterday.
fn differences(visit: &Visit, read: &Read, today: Date) -> Todo {
    let text = &visit.text;
    let yesterday = today.yesterday().unwrap_or(today);
    let reports = read.reports.as_deref().unwrap_or_default();
    let found: u64 = reports.iter().map(|report| report.differences).sum();
    let checked: u64 = reports.iter().map(|report| report.checked).sum();
    let date = date_text(visit.language, yesterday);
    Todo {
        count: read.reports.as_ref().map(|_| found.to_string()).map_err(Clone::clone),
        tone: tone(usize::try_from(found).unwrap_or(1), "bad"),
        what: html! { (text.todo_differences()) },
        more: html! { @if reports.is_empty() { (text.no_report_yet(date)) } @else { (text.payments_compared(date, checked)) } },
        page: format!("/admin/reconciliations/{yesterday}"),
    }
}

fn line(visit: &Visit, of: &Todo) -> Markup {
    let (shown, tone) = match &of.count {
        Ok(count) => (count.as_str(), of.tone),
        Err(Error::Fault(fault)) => {
            frame::log(fault);
            ("?", "bad")
        }
        Err(Error::Refused(_)) => ("?", "bad"),
    };
    let path = of.page.split('?').next().unwrap_or_default();
    // A page that is still to come, or that the visitor may not see, is no link.
    let user = visit.visitor.as_ref().map(|visitor| &visitor.user);
    let known = path.strip_prefix(DAYS).map_or(path, |_| DAY);
    let open = rule_of(known).is_some_and(|rule| user.is_some_and(|user| rule.admits(user)));
    let content = html! {
        span class=(format!("n {tone}")) { (shown) }
        span { (of.what) small { @if of.count.is_ok() { (of.more) } @else { (visit.text.unavailable()) } } }
    };
    html! { @if open { a href=(of.page) { (content) } } @else { span.row-like { (content) } } }
}
