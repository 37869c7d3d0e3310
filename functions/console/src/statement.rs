//! Statements of the commission account by month (R6.12): what was there, every line, what is there; also as a file.

use axum::response::Response;
use maud::{Markup, html};
use shared::affiliate::model::commission::CommissionMonth;
use shared::affiliate::model::year::AffiliateYear;
use shared::affiliate::statement::view::sheet;
use shared::affiliate::statement::{Statement, all_lines, lines, proven, statement, statements};
use shared::affiliate::years::own_years;
use shared::app::App;
use shared::edge::view::Amount;
use shared::kernel::fault::{Error, Fault};
use shared::kernel::id::{Identifier, UserId};
use shared::kernel::ledger::{Part as AccountPart, StatementLine};
use shared::kernel::money::LedgerMoney;
use shared::kernel::month::Month;
use shared::kernel::refusal::Refusal;
use shared::table::list::Window;
use shared::table::store::Page;

use crate::export::{file, saved};
use crate::frame;
use crate::list::{Column, empty, table};
use crate::parts::{money, month};
use crate::records;
use crate::totals;
use crate::visit::{Arrival, Instead, Member, Visit};

/// Months of a user with lines, newest first, and one statement of them.
struct Shown {
    months: Vec<Month>,
    of: Option<Statement>,
    lines: Page<StatementLine>,
    years: Vec<AffiliateYear>,
}

/// The statement of the month that is asked for, or of the newest one.
pub async fn page(arrival: Arrival) -> Result<Response, Instead> {
    let asked = arrival.asked("month").and_then(Month::parse);
    let list = asked.map(|month| month.to_string()).unwrap_or_default();
    let (arrival, part) = arrival.part("cursor", &list).await?;
    let (app, user) = (arrival.app(), arrival.user());
    let (visit, read) = tokio::join!(arrival.member(), read(&app, user, asked, &part.window));
    let visit = visit?;
    let shown = read.map_err(|error| frame::error(&visit, error))?;
    let (text, member) = (&visit.text, visit.signed_in()?);
    let main = html! {
        div.row { a.btn href="/affiliate" { (text.back_to_affiliate()) } }
        section.card aria-label=(&*text.statement()) {
            @if !shown.months.is_empty() { (choice(&visit, &shown, asked)) }
            @match &shown.of {
                Some(of) => { (both_ends(&visit, of)) (records::table(&visit, &shown.lines.items)) }
                None => { (empty(&visit, false, &text.statement_none(), &text.no_commissions_todo())) }
            }
            (part.pager(&visit, &text.statement(), shown.lines.next.as_ref()))
        }
        @if !shown.years.is_empty() { (years(&visit, &shown.years)) }
    };
    Ok(frame::page(&visit, member, &text.statement(), &text.statement_lead(), &main))
}

async fn read(app: &App, user: UserId, asked: Option<Month>, window: &Window) -> Result<Shown, Error> {
    let (all, years) = tokio::try_join!(statements(app, user), own_years(app, user))?;
    let of = all.iter().find(|of| asked.is_none_or(|month| of.closing.month == month)).copied();
    let lines = match &of {
        Some(of) => lines(app, of, window).await?,
        None => Page { items: Vec::new(), next: None },
    };
    Ok(Shown { months: all.iter().map(|of| of.closing.month).collect(), of, lines, years })
}

fn choice(visit: &Visit, shown: &Shown, asked: Option<Month>) -> Markup {
    let text = &visit.text;
    let chosen = shown.of.map(|of| of.closing.month);
    html! {
        form.filters method="get" action="/affiliate/statement" {
            div.field {
                label for="month" { (text.statement_month()) }
                select #month name="month" {
                    @if let Some(without) = asked.filter(|_| chosen.is_none()) {
                        option value=(without) selected { (month(visit.language, without)) }
                    }
                    @for one in &shown.months {
                        option value=(one) selected[chosen == Some(*one)] { (month(visit.language, *one)) }
                    }
                }
            }
            button.btn { (text.filter()) }
            @if let Some(chosen) = chosen {
                a.btn href=(format!("/affiliate/statement.csv?month={chosen}")) download { (text.as_csv()) }
                a.btn href=(format!("/affiliate/statement.json?month={chosen}")) download { (text.statement_proof()) }
            }
        }
    }
}

/// Amounts before the month's first line and after its last one.
fn both_ends(visit: &Visit, of: &Statement) -> Markup {
    let text = &visit.text;
    let columns = [
        Column::Text(text.statement_part()),
        Column::Number(text.statement_opening()),
        Column::Number(text.statement_closing()),
    ];
    let row = |name: Markup, amount: fn(&CommissionMonth) -> LedgerMoney| {
        vec![name, money(&Amount::from(amount(&of.opening))), money(&Amount::from(amount(&of.closing)))]
    };
    let rows = [
        row(html! { (text.part(AccountPart::Available)) }, |at| at.available),
        row(html! { (text.part(AccountPart::Pending)) }, |at| at.pending),
        row(html! { (text.part(AccountPart::Held)) }, |at| at.held),
        row(html! { (text.commission_debt()) }, |at| at.debt),
    ];
    html! {
        (table(&columns, &rows))
        @if of.is_open { div.in { p.muted { (text.statement_open()) } } }
    }
}

/// Totals of each year with lines, newest first.
fn years(visit: &Visit, all: &[AffiliateYear]) -> Markup {
    let text = &visit.text;
    let columns = totals::columns(visit, Column::Text(text.totals_year()));
    let rows: Vec<Vec<Markup>> = all.iter().map(|of| totals::row(html! { (of.year) }, of)).collect();
    html! {
        section.card aria-labelledby="years" {
            header { h2 #years { (text.totals_by_year()) } p { (text.totals_by_year_note()) } }
            (table(&columns, &rows))
        }
    }
}

/// The statement of a month as a file.
pub async fn csv(Member(visit): Member) -> Response {
    match whole(&visit).await {
        Ok((month, text)) => file(&format!("commission-{month}.csv"), text),
        Err(error) => frame::error(&visit, error),
    }
}

/// The statement of a month with its proof, as a file.
pub async fn proof(Member(visit): Member) -> Response {
    match whole_proof(&visit).await {
        Ok((month, text)) => saved(&format!("commission-{month}.json"), "application/json", text),
        Err(error) => frame::error(&visit, error),
    }
}

async fn whole_proof(visit: &Visit) -> Result<(Month, String), Error> {
    let month = visit.asked("month").and_then(Month::parse).ok_or(Refusal::NotFound)?;
    let of = proven(&visit.app, visit.member()?.user.id, month).await?;
    Ok((month, serde_json::to_string_pretty(&of).map_err(Fault::bug)?))
}

async fn whole(visit: &Visit) -> Result<(Month, String), Error> {
    let month = visit.asked("month").and_then(Month::parse).ok_or(Refusal::NotFound)?;
    let of = statement(&visit.app, visit.member()?.user.id, month).await?;
    Ok((month, sheet(&of, all_lines(&visit.app, &of).await?)))
}
