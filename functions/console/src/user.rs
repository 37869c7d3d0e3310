//! Pages of a signed-in user: overview and records.

use axum::response::Response;
use maud::{Markup, html};
use shared::account::browser::Visitor;
use shared::account::records::{StatementFilter, records as statement};
use shared::edge::page::{open, seal};
use shared::edge::view::Amount;
use shared::kernel::fault::Fault;
use shared::kernel::ledger::{AccountKind, AccountOwner, RecordType, StatementLine};
use shared::kernel::refusal::Refusal;
use shared::table::store::Page;

use crate::frame;
use crate::parts::{change, money, time};
use crate::visit::{Member, Visit, failed};

/// Rows of a list (C3).
const ROWS: i32 = 20;
/// Rows on the overview.
const LATEST: i32 = 5;

fn visitor(visit: &Visit) -> Result<&Visitor, Fault> {
    visit.member()
}

/// The overview.
pub async fn home(Member(visit): Member) -> Response {
    let (visitor, page) = match latest(&visit).await {
        Ok(read) => read,
        Err(fault) => return failed(&visit, &fault),
    };
    let text = &visit.text;
    let owed = visitor.user.accounts.owed();
    let main = html! {
        dl.tiles {
            div.tile { dt { (text.balance()) } dd { (money(&Amount::from(visitor.user.accounts.balance()))) } }
            @if owed.is_positive() {
                div.tile { dt { (text.debt()) } dd { (money(&Amount::from(owed))) } dd { (text.debt_paid_by()) } }
            }
        }
        section.card aria-labelledby="latest" {
            header { h2 #latest { (text.last_records()) } a href="/records" { (text.all_records()) } }
            @if page.items.is_empty() {
                div.in { p { (text.no_records()) } p.muted { (text.no_records_todo()) } }
            } @else { (table(&visit, &page.items)) }
        }
    };
    frame::page(&visit, visitor, &text.home(), &text.home_lead(), &main)
}

async fn latest(visit: &Visit) -> Result<(&Visitor, Page<StatementLine>), Fault> {
    let visitor = visitor(visit)?;
    let filter =
        StatementFilter { account: AccountKind::Balance, kind: None, from: None, to: None, limit: LATEST, after: None };
    Ok((visitor, statement(&visit.app, AccountOwner::User(visitor.user.id), &filter).await?))
}

/// Filters of the records page.
struct Wanted {
    is_commission: bool,
    kind: Option<RecordType>,
    list: String,
}

impl Wanted {
    fn of(visit: &Visit, visitor: &Visitor) -> Self {
        let is_commission = visit.asked("account") == Some("commission");
        let kind = visit.asked("type").and_then(RecordType::parse);
        let name = kind.map(RecordType::as_str).unwrap_or_default();
        let list = format!("{}:{}:{is_commission}:{name}", visit.path, visitor.user.id);
        Self { is_commission, kind, list }
    }

    fn filter(&self, visit: &Visit) -> Result<StatementFilter, Refusal> {
        let secret = &visit.app.config.secret;
        let position = |cursor: &str| open(secret, &self.list, cursor).ok_or(Refusal::ForgedCursor);
        let account = if self.is_commission { AccountKind::Commission } else { AccountKind::Balance };
        let after = visit.asked("cursor").map(position).transpose()?;
        Ok(StatementFilter { account, kind: self.kind, from: None, to: None, limit: ROWS, after })
    }
}

/// All records, by account and type.
pub async fn records(Member(visit): Member) -> Response {
    let visitor = match visitor(&visit) {
        Ok(visitor) => visitor,
        Err(fault) => return failed(&visit, &fault),
    };
    let wanted = Wanted::of(&visit, visitor);
    let filter = match wanted.filter(&visit) {
        Ok(filter) => filter,
        Err(refusal) => return frame::refused(&visit, &refusal),
    };
    let page = match statement(&visit.app, AccountOwner::User(visitor.user.id), &filter).await {
        Ok(page) => page,
        Err(fault) => return failed(&visit, &fault),
    };
    let text = &visit.text;
    let older = page.next.as_ref().map(|next| seal(&visit.app.config.secret, &wanted.list, next));
    let main = html! {
        (filters(&visit, &wanted))
        section.card aria-label=(&*text.records()) {
            @if page.items.is_empty() { (empty(&visit, &wanted, older.is_some())) } @else { (table(&visit, &page.items)) }
            (pager(&visit, older.as_deref()))
        }
    };
    frame::page(&visit, visitor, &text.records(), &text.records_lead(), &main)
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

fn pager(visit: &Visit, older: Option<&str>) -> Markup {
    let text = &visit.text;
    let is_first = visit.asked("cursor").is_none();
    html! {
        @if !is_first || older.is_some() {
            nav.pager aria-label=(&*text.records()) {
                @if !is_first { a.btn.slim href=(visit.with("cursor", "")) { (text.first_page()) } }
                @if let Some(older) = older { a.btn.slim href=(visit.with("cursor", older)) { (text.older()) } }
            }
        }
    }
}

/// Statement lines; on a narrow screen each row becomes a card with its labels.
fn table(visit: &Visit, lines: &[StatementLine]) -> Markup {
    let text = &visit.text;
    let heads = [text.time(), text.kind(), text.remark()];
    let sums = [text.amount(), text.before(), text.after()];
    html! {
        table.cards role="table" {
            thead role="rowgroup" {
                tr role="row" {
                    @for head in &heads { th scope="col" role="columnheader" { (head) } }
                    @for head in &sums { th.right scope="col" role="columnheader" { (head) } }
                }
            }
            tbody role="rowgroup" { @for line in lines { (row(visit, line)) } }
        }
    }
}

fn row(visit: &Visit, line: &StatementLine) -> Markup {
    let text = &visit.text;
    let (before, after) = (Amount::from(line.balance_before), Amount::from(line.balance_after));
    html! {
        tr role="row" {
            td role="cell" data-label=(&*text.time()) { span { (time(visit.language, line.created_at)) } }
            td.lead role="cell" data-label=(&*text.kind()) { span { (text.kind_of(line.kind)) } }
            td.break role="cell" data-label=(&*text.remark()) { span { (line.remark.as_deref().unwrap_or("—")) } }
            td.right role="cell" data-label=(&*text.amount()) { span { (change(&Amount::from(line.amount))) } }
            td.right role="cell" data-label=(&*text.before()) { span { (money(&before)) } }
            td.right role="cell" data-label=(&*text.after()) { span { (money(&after)) } }
        }
    }
}
