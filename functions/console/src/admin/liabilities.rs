//! Liabilities by month of expiry and kind, and as a sheet (R12.4).

use axum::response::Response;
use maud::{Markup, html};
use shared::edge::export::{CsvRow, csv};
use shared::operations::liabilities::view::{LiabilityLine, LiabilityReport, now};

use super::filters::day;
use super::menu::{self, Head};
use super::pages::Staff;
use super::parts::time_line;
use crate::export::{file, values};
use crate::frame;
use crate::list::{Column, empty, sheet as table};
use crate::parts::{money, month};
use crate::visit::Visit;

/// The liabilities as they are now.
pub async fn liabilities(staff: Staff) -> Response {
    let visit = &staff.0;
    let report = match now(&visit.app).await {
        Ok(report) => report,
        Err(error) => return frame::error(visit, error),
    };
    let text = &visit.text;
    let head = Head {
        title: text.liabilities().to_string(),
        lead: Some(html! {
            (text.as_of()) " " (time_line(visit.language, visit.app.clock.now())) ". " (text.totals_follow())
        }),
        aside: Some(html! { a.btn.slim href="/admin/liabilities.csv" download { (text.as_csv()) } }),
        ..Head::default()
    };
    menu::page(&staff, &head, &shown(visit, &report))
}

fn shown(visit: &Visit, of: &LiabilityReport) -> Markup {
    let text = &visit.text;
    let columns = [
        Column::Text(text.liability_kind()),
        Column::Text(text.expires_in()),
        Column::Number(text.uses_left()),
        Column::Number(text.amount()),
    ];
    let rows: Vec<Vec<Markup>> = of.lines.iter().map(|line| row(visit, line)).collect();
    html! {
        section.card aria-labelledby="owed" {
            header { h2 #owed { (text.what_we_owe()) } }
            @if rows.is_empty() {
                (empty(visit, false, &text.owed_nothing(), ""))
            } @else {
                (table(text, &text.what_we_owe(), &columns, &rows))
                div.in.stack-s {
                    dl.sum { @for total in &of.totals { dt.total { (text.owed_together()) } dd.total { (money(total)) } } }
                    p.muted.small { (text.owed_codes_note()) }
                }
            }
            @if of.unlimited_codes > 0 { div.in { p { (text.owed_unlimited(of.unlimited_codes)) } } }
            @if !of.codes_complete { div.in { p { (text.owed_not_whole()) } } }
        }
    }
}

fn row(visit: &Visit, of: &LiabilityLine) -> Vec<Markup> {
    let text = &visit.text;
    vec![
        html! { (text.liability(of.kind)) },
        html! { @match of.expires_in { Some(expires) => { (month(visit.language, expires)) } None => { (text.expires_never()) } } },
        html! { @if let Some(uses) = of.uses { (uses) } },
        money(&of.amount),
    ]
}

/// The liabilities as a sheet.
pub async fn sheet(staff: Staff) -> Response {
    let visit = &staff.0;
    let today = day(visit.app.clock.now());
    match now(&visit.app).await.and_then(|report| Ok(values(&report.lines)?)) {
        Ok(lines) => file(&format!("liabilities-{today}.csv"), csv(LiabilityLine::COLUMNS, lines.into_iter())),
        Err(error) => frame::error(visit, error),
    }
}
