//! All records of the visitor's balance and commission (R1.6).

use axum::response::Response;
use fluent_static::Message;
use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use maud::{Markup, html};
use shared::account::records::{StatementFilter, records as statement};
use shared::edge::view::Amount;
use shared::kernel::id::OrderId;
use shared::kernel::ledger::{AccountKind, AccountOwner, RecordType, StatementLine};

use crate::frame;
use crate::parts::{change, money, time};
use crate::show::{self, Column};
use crate::visit::{Arrival, Instead, Visit, failed};

/// Filters of the records page; days are those of UTC.
struct Wanted {
    is_commission: bool,
    kind: Option<RecordType>,
    from: Option<Date>,
    to: Option<Date>,
}

impl Wanted {
    fn of(arrival: &Arrival) -> Self {
        let is_commission = arrival.asked("account") == Some("commission");
        let day = |name: &str| arrival.asked(name).and_then(|day| day.parse().ok());
        Self {
            is_commission,
            kind: arrival.asked("type").and_then(RecordType::parse),
            from: day("from"),
            to: day("to"),
        }
    }

    /// True if some records are left out.
    fn is_filter(&self) -> bool {
        self.is_commission || self.kind.is_some() || self.from.is_some() || self.to.is_some()
    }

    fn name(&self) -> String {
        let kind = self.kind.map(RecordType::as_str).unwrap_or_default();
        format!("{}:{kind}:{}:{}", self.is_commission, day_text(self.from), day_text(self.to))
    }

    /// First and last instant of the days.
    fn bounds(&self) -> (Option<Timestamp>, Option<Timestamp>) {
        let at = |time: DateTime| time.to_zoned(TimeZone::UTC).ok().map(|time| time.timestamp());
        let last = self.to.map(|day| day.at(23, 59, 59, 999_999_999));
        (self.from.map(|day| day.at(0, 0, 0, 0)).and_then(at), last.and_then(at))
    }
}

fn day_text(day: Option<Date>) -> String {
    day.map(|day| day.to_string()).unwrap_or_default()
}

/// All records, by account, type and days.
pub async fn records(arrival: Arrival) -> Result<Response, Instead> {
    let wanted = Wanted::of(&arrival);
    let (arrival, part) = arrival.part("cursor", &wanted.name()).await?;
    let account = if wanted.is_commission { AccountKind::Commission } else { AccountKind::Balance };
    let (from, to) = wanted.bounds();
    let filter = StatementFilter { account, from, to, ..StatementFilter::of_balance(wanted.kind, &part.window) };
    let (app, owner) = (arrival.app(), AccountOwner::User(arrival.user()));
    let (visit, page) = tokio::join!(arrival.member(), statement(&app, owner, &filter));
    let visit = visit?;
    let page = page.map_err(|fault| failed(&visit, &fault))?;
    let (text, visitor) = (&visit.text, visit.signed_in()?);
    let main = html! {
        section.card aria-label=(&*text.records()) {
            (filters(&visit, &wanted))
            @if page.items.is_empty() { (empty(&visit, &wanted, page.next.is_some())) }
            @else { (table(&visit, &page.items)) }
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
            div.field { label for="from" { (text.from_day()) } input #from .in-text type="date" name="from" value=(day_text(wanted.from)); }
            div.field { label for="to" { (text.to_day()) } input #to .in-text type="date" name="to" value=(day_text(wanted.to)); }
            button.btn { (text.filter()) }
        }
    }
}

fn empty(visit: &Visit, wanted: &Wanted, has_more: bool) -> Markup {
    let text = &visit.text;
    html! {
        div.in {
            @if has_more { p { (text.look_further()) } }
            @else if wanted.is_filter() { p { (text.nothing_fits()) " " a href="/records" { (text.reset()) } } }
            @else { p { (text.no_records()) } p.muted { (text.no_records_todo()) } }
        }
    }
}

/// Statement lines; on a narrow screen each row becomes a card with its labels.
pub fn table(visit: &Visit, lines: &[StatementLine]) -> Markup {
    let text = &visit.text;
    let columns: [Column; 6] = [
        (text.kind().to_string(), false),
        (text.time().to_string(), false),
        (text.remark().to_string(), false),
        (text.amount().to_string(), true),
        (text.before().to_string(), true),
        (text.after().to_string(), true),
    ];
    let rows: Vec<Vec<Markup>> = lines.iter().map(|line| row(visit, line)).collect();
    show::table(&columns, &rows)
}

fn row(visit: &Visit, line: &StatementLine) -> Vec<Markup> {
    let text = &visit.text;
    vec![
        html! { (text.kind_of(line.kind)) @if let Some(part) = line.part { small { (text.part(part)) } } },
        time(visit.language, line.created_at),
        html! { span.break { (remark(visit, line)) } },
        change(&Amount::from(line.amount)),
        money(&Amount::from(line.balance_before)),
        money(&Amount::from(line.balance_after)),
    ]
}

/// Remark of a line, and the page of what caused it, if the visitor has one.
fn remark(visit: &Visit, line: &StatementLine) -> Markup {
    let cause = cause(visit, line);
    html! {
        @if let Some(remark) = &line.remark { (remark) " " } @else if cause.is_none() { "—" }
        @if let Some((to, name)) = &cause { a href=(to) { (name) } }
    }
}

fn cause(visit: &Visit, line: &StatementLine) -> Option<(String, Message)> {
    let text = &visit.text;
    Some(match line.kind {
        // Of commission it is the friend's order.
        RecordType::Payment | RecordType::Promotion | RecordType::Refund | RecordType::Expiry
            if line.account == AccountKind::Balance =>
        {
            let order = line.related_id.as_deref().and_then(OrderId::parse)?;
            (format!("/orders/{order}"), text.see_order())
        }
        RecordType::Referral => ("/invite/rewards".to_owned(), text.rewards()),
        RecordType::Redeem => ("/redeem".to_owned(), text.redemptions()),
        RecordType::Withdrawal => ("/affiliate/withdrawals".to_owned(), text.withdrawals()),
        _ => return None,
    })
}
