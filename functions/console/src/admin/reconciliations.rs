//! Daily reports for staff: the providers' books beside our orders and our ledger (R4.10).

use axum::extract::Path;
use axum::response::Response;
use jiff::civil::Date;
use maud::{Markup, html};
use shared::edge::view::Amount;
use shared::kernel::fault::Error;
use shared::kernel::provider::Provider;
use shared::kernel::refusal::Refusal;
use shared::operations::search;
use shared::payment::model::reconciliation::{PaymentDifference, Reconciliation, Sides};

use super::filters::{self, Days};
use super::menu::{self, Head};
use super::pages::Staff;
use super::parts::{date_text, short, time_line};
use crate::frame;
use crate::list::{Column, sheet};
use crate::parts::badge;
use crate::show::price;
use crate::text::Texts;
use crate::visit::Visit;

/// The list, a line per day and provider.
pub async fn list(staff: Staff) -> Response {
    let days = match Days::of(&staff.0, None) {
        Ok(days) => days,
        Err(refusal) => return filters::unread(staff, &refusal, Texts::staff_reconciliations, &[]),
    };
    let visit = &staff.0;
    let part = match staff.part(&(), days) {
        Ok(part) => part,
        Err(refusal) => return frame::refused(visit, &refusal),
    };
    let text = &visit.text;
    let listed = search::reconciliations(&visit.app, &part.window).await.map_err(Error::from).map(|page| {
        let columns = [
            Column::Text(text.day_utc()),
            Column::Text(text.provider()),
            Column::Text(text.state()),
            Column::Number(text.compared()),
            Column::Number(text.differences()),
            Column::Number(text.unconfirmed()),
        ];
        let rows: Vec<Vec<Markup>> = page.items.iter().map(|report| row(visit, report)).collect();
        let nothing = (&*text.no_reports(), &*text.no_reports_todo());
        part.list(visit, &text.staff_reconciliations(), &columns, (&rows, page.next.as_ref()), nothing)
    });
    page(&staff, days, listed)
}

fn page(staff: &Staff, days: Days, listed: Result<Markup, Error>) -> Response {
    let text = &staff.0.text;
    let title = (text.staff_reconciliations(), text.staff_reconciliations_lead());
    filters::page(staff, title, &html! {}, &days.filters(&staff.0, false), listed)
}

fn state(visit: &Visit, of: &Reconciliation) -> Markup {
    let text = &visit.text;
    let (tone, name) = match (of.finished_at.is_some(), of.is_clean()) {
        (false, _) => ("wait", text.report_running()),
        (true, true) => ("ok", text.report_agrees()),
        (true, false) => ("bad", text.report_differs()),
    };
    badge(&(tone, name))
}

fn row(visit: &Visit, of: &Reconciliation) -> Vec<Markup> {
    vec![
        html! { a href=(format!("/admin/reconciliations/{}", of.date)) { (date_text(visit.language, of.date)) } },
        html! { (visit.text.provider_of(of.provider)) },
        state(visit, of),
        html! { (of.checked) },
        html! { (of.differences) },
        html! { (of.unconfirmed) },
    ]
}

/// One day: the sums of the three sides, and each payment on which they differ.
pub async fn show(staff: Staff, Path(date): Path<String>) -> Response {
    let visit = &staff.0;
    let Ok(date) = date.parse::<Date>() else { return frame::refused(visit, &Refusal::NotFound) };
    let part = match staff.part(&date, Days::default()) {
        Ok(part) => part,
        Err(refusal) => return frame::refused(visit, &refusal),
    };
    let (reports, page) = match search::reconciliation(&visit.app, date, &part.window).await {
        Ok(read) => read,
        Err(fault) => return crate::visit::failed(visit, &fault),
    };
    let text = &visit.text;
    let head = Head {
        title: text.report_of(date_text(visit.language, date)).to_string(),
        trail: vec![("/admin/reconciliations".to_owned(), html! { (text.staff_reconciliations()) })],
        ..Head::default()
    };
    let rows: Vec<Vec<Markup>> = page.items.iter().map(|(provider, line)| difference(visit, *provider, line)).collect();
    let main = html! {
        @if reports.is_empty() {
            section.card aria-label=(head.title) { div.in { p { (text.no_report()) } p.muted { (text.no_reports_todo()) } } }
        } @else {
            section.card aria-labelledby="differences" {
                header { h2 #differences { (text.differences_count(reports.iter().map(|report| report.differences).sum::<u64>())) } }
                @if rows.is_empty() { div.in { p { (text.nothing_differs()) } } } @else { (sheet(text, &text.differences(), &columns(visit), &rows)) }
                (part.pager(visit, &visit.text.staff_reconciliations(), page.next.as_ref()))
            }
            @for report in &reports { (sums(visit, report)) }
        }
    };
    menu::page(&staff, &head, &main)
}

fn columns(visit: &Visit) -> [Column; 6] {
    let text = &visit.text;
    [
        Column::Text(text.difference_kind()),
        Column::Text(text.provider()),
        Column::Text(text.order()),
        Column::Number(text.side_book()),
        Column::Number(text.side_orders()),
        Column::Number(text.side_ledger()),
    ]
}

fn difference(visit: &Visit, provider: Provider, of: &PaymentDifference) -> Vec<Markup> {
    let text = &visit.text;
    let [book, orders, ledger] = sides(of.sides);
    vec![
        html! { (text.difference(of.verdict)) },
        html! {
            (text.provider_of(provider))
            @if let Some(payment) = &of.payment_id { small.mono.break { (payment) } }
        },
        html! {
            @match of.order_id {
                Some(order) => { a.id href=(format!("/admin/orders/{order}")) { (short(&order.to_string())) } }
                None => { "—" }
            }
        },
        book,
        orders,
        ledger,
    ]
}

fn sides(of: Sides) -> [Markup; 3] {
    [of.provider, of.orders, of.ledger].map(|amount| price(&Amount::from(amount)))
}

fn sums(visit: &Visit, of: &Reconciliation) -> Markup {
    let text = &visit.text;
    let id = format!("sums-{}", of.provider.as_str());
    html! {
        section.card aria-labelledby=(id) {
            header { h2 id=(id) { (text.provider_of(of.provider)) } (state(visit, of)) }
            div.in.stack-s {
                @for sum in &of.sums {
                    @let [book, orders, ledger] = sides(*sum);
                    dl.sum {
                        dt { (text.side_book()) } dd { (book) }
                        dt { (text.side_orders()) } dd { (orders) }
                        dt { (text.side_ledger()) } dd { (ledger) }
                    }
                }
                p.muted.small {
                    (text.compared_payments(of.checked))
                    @if let Some(at) = of.finished_at { " " (time_line(visit.language, at)) }
                }
                @if of.unconfirmed > 0 { p { (text.unconfirmed_count(of.unconfirmed)) } }
            }
        }
    }
}
