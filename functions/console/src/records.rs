//! All records of the visitor's balance and commission (R1.6).

use axum::response::Response;
use maud::{Markup, html};
use shared::account::records::{StatementFilter, records as statement};
use shared::edge::view::Amount;
use shared::kernel::ledger::{AccountKind, AccountOwner, RecordType, StatementLine};

use crate::frame;
use crate::parts::{change, money, time};
use crate::visit::{Arrival, Instead, Visit, failed};

/// Filters of the records page.
struct Wanted {
    is_commission: bool,
    kind: Option<RecordType>,
}

impl Wanted {
    fn of(arrival: &Arrival) -> Self {
        let is_commission = arrival.asked("account") == Some("commission");
        Self { is_commission, kind: arrival.asked("type").and_then(RecordType::parse) }
    }

    fn name(&self) -> String {
        format!("{}:{}", self.is_commission, self.kind.map(RecordType::as_str).unwrap_or_default())
    }
}

/// All records, by account and type.
pub async fn records(arrival: Arrival) -> Result<Response, Instead> {
    let wanted = Wanted::of(&arrival);
    let (arrival, part) = arrival.part("cursor", &wanted.name()).await?;
    let account = if wanted.is_commission { AccountKind::Commission } else { AccountKind::Balance };
    let filter = StatementFilter { account, ..StatementFilter::of_balance(wanted.kind, &part.window) };
    let (app, owner) = (arrival.app(), AccountOwner::User(arrival.user()));
    let (visit, page) = tokio::join!(arrival.member(), statement(&app, owner, &filter));
    let visit = visit?;
    let page = page.map_err(|fault| failed(&visit, &fault))?;
    let (text, visitor) = (&visit.text, visit.signed_in()?);
    let main = html! {
        (filters(&visit, &wanted))
        section.card aria-label=(&*text.records()) {
            @if page.items.is_empty() { (empty(&visit, &wanted, page.next.is_some())) }
            @else { (table(&visit, &page.items, true)) }
            (part.pager(&visit, &text.records(), page.next.as_ref()))
        }
    };
    Ok(frame::page(&visit, visitor, &text.records(), &text.records_lead(), &main))
}

fn filters(visit: &Visit, wanted: &Wanted) -> Markup {
    let text = &visit.text;
    html! {
        form.filters method="get" action="/records" {
            div.field {
                label for="account" { (text.account()) }
                select #account name="account" {
                    option value="balance" selected[!wanted.is_commission] { (text.account_balance()) }
                    option value="commission" selected[wanted.is_commission] { (text.account_commission()) }
                }
            }
            div.field {
                label for="type" { (text.kind()) }
                select #type name="type" {
                    option value="" selected[wanted.kind.is_none()] { (text.all_kinds()) }
                    @for kind in RecordType::ALL {
                        option value=(kind.as_str()) selected[wanted.kind == Some(kind)] { (text.kind_of(kind)) }
                    }
                }
            }
            button.btn { (text.filter()) }
        }
    }
}

fn empty(visit: &Visit, wanted: &Wanted, has_more: bool) -> Markup {
    let text = &visit.text;
    let is_filtered = wanted.is_commission || wanted.kind.is_some();
    html! {
        div.in {
            @if has_more { p { (text.look_further()) } }
            @else if is_filtered { p { (text.nothing_fits()) " " a href="/records" { (text.reset()) } } }
            @else { p { (text.no_records()) } p.muted { (text.no_records_todo()) } }
        }
    }
}

/// Statement lines; on a narrow screen each row becomes a card with its labels. `in_full` has the balance before each.
pub fn table(visit: &Visit, lines: &[StatementLine], in_full: bool) -> Markup {
    let text = &visit.text;
    let heads = [text.time(), text.kind(), text.remark()];
    let before = in_full.then(|| text.before());
    html! {
        table.cards role="table" {
            thead role="rowgroup" {
                tr role="row" {
                    @for head in &heads { th scope="col" role="columnheader" { (head) } }
                    @for head in [Some(text.amount()), before, Some(text.after())].iter().flatten() {
                        th.right scope="col" role="columnheader" { (head) }
                    }
                }
            }
            tbody role="rowgroup" { @for line in lines { (row(visit, line, in_full)) } }
        }
    }
}

fn row(visit: &Visit, line: &StatementLine, in_full: bool) -> Markup {
    let text = &visit.text;
    let (before, after) = (Amount::from(line.balance_before), Amount::from(line.balance_after));
    html! {
        tr role="row" {
            td role="cell" data-label=(&*text.time()) { span { (time(visit.language, line.created_at)) } }
            td.lead role="cell" data-label=(&*text.kind()) { span { (text.kind_of(line.kind)) } }
            td.break role="cell" data-label=(&*text.remark()) { span { (line.remark.as_deref().unwrap_or("—")) } }
            td.right role="cell" data-label=(&*text.amount()) { span { (change(&Amount::from(line.amount))) } }
            @if in_full { td.right role="cell" data-label=(&*text.before()) { span { (money(&before)) } } }
            td.right role="cell" data-label=(&*text.after()) { span { (money(&after)) } }
        }
    }
}
