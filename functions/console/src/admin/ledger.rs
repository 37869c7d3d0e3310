//! The ledger for staff: statement lines of all users (R9.3).

use axum::response::Response;
use maud::{Markup, html};
use shared::edge::view::Amount;
use shared::kernel::fault::Error;
use shared::kernel::id::UserId;
use shared::kernel::ledger::{AccountKind, RecordType, StatementLine};
use shared::kernel::refusal::Refusal;
use shared::operations::search::{self, RecordFilter};

use super::filters::{self, Days, Filter, USER, given, read};
use super::orders::person;
use super::pages::Staff;
use super::parts::{short, time};
use crate::list::{Column, Part};
use crate::parts::{change, money};
use crate::text::Texts;
use crate::visit::Visit;

/// The list.
pub async fn list(staff: Staff) -> Response {
    let (part, filter, fields) = match wanted(&staff) {
        Ok(wanted) => wanted,
        Err(refusal) => return filters::unread(staff, &refusal, Texts::staff_ledger, &[USER]),
    };
    let visit = &staff.0;
    let text = &visit.text;
    let listed = search::records(&visit.app, &filter, &part.window).await.map_err(Error::from).map(|page| {
        let rows: Vec<Vec<Markup>> = page.items.iter().map(|(user, line)| row(visit, *user, line)).collect();
        let nothing = (&*text.nothing_fits(), &*text.no_orders_fit_todo());
        part.list(visit, &text.staff_ledger(), &columns(visit), (&rows, page.next.as_ref()), nothing)
    });
    let title = (text.staff_ledger(), text.staff_ledger_lead());
    filters::page(&staff, title, &html! {}, &fields, listed)
}

fn wanted(staff: &Staff) -> Result<(Part, RecordFilter, Vec<Filter>), Refusal> {
    let visit = &staff.0;
    let text = &visit.text;
    let days = Days::of(visit, None)?;
    let mut errors = Vec::new();
    let user = read(visit, "user", UserId::parse, &mut errors);
    Refusal::unless_empty(errors)?;
    let kinds = RecordType::ALL.iter().map(|kind| (kind.as_str().to_owned(), text.kind_of(*kind).to_string()));
    let accounts = [("balance", text.account_balance()), ("commission", text.account_commission())];
    let accounts = accounts.map(|(value, name)| (value.to_owned(), name.to_string()));
    let filter = RecordFilter {
        user,
        of_commission: given(visit, "account").as_deref() == Some("commission"),
        kind: given(visit, "type").as_deref().and_then(RecordType::parse),
        related_id: given(visit, "related_id"),
    };
    let part = staff.part(&filter, days)?;
    let [from, to] = days.filters(visit, false);
    let fields = vec![
        USER.filter(visit),
        Filter::choice(visit, "type", text.kind(), kinds.collect()),
        Filter::choice(visit, "account", text.account_of_one(), accounts.to_vec()),
        Filter::text(visit, "related_id", "text", text.related_id()),
        from,
        to,
    ];
    Ok((part, filter, fields))
}

fn columns(visit: &Visit) -> [Column; 8] {
    let text = &visit.text;
    [
        Column::Text(text.kind()),
        Column::Text(text.user()),
        Column::Text(text.account()),
        Column::Text(text.related_id()),
        Column::Number(text.amount()),
        Column::Number(text.before()),
        Column::Number(text.after()),
        Column::Text(text.time()),
    ]
}

fn row(visit: &Visit, user: UserId, line: &StatementLine) -> Vec<Markup> {
    let text = &visit.text;
    let account = match line.account {
        AccountKind::Balance => text.account_balance(),
        AccountKind::Receivable => text.debt(),
        AccountKind::Commission => text.account_commission(),
        AccountKind::CommissionReceivable => text.account_commission_debt(),
    };
    vec![
        html! { (text.kind_of(line.kind)) @if let Some(remark) = &line.remark { small.break { (remark) } } },
        person(&user.to_string(), None),
        html! { (account) },
        related(line.related_id.as_deref()),
        change(&Amount::from(line.amount)),
        money(&Amount::from(line.balance_before)),
        money(&Amount::from(line.balance_after)),
        time(visit.language, line.created_at),
    ]
}

/// The thing that a line belongs to, as a link where there is a page of it.
pub fn related(id: Option<&str>) -> Markup {
    let page = id.and_then(super::find::page_of);
    html! {
        @match (id, page) {
            (Some(id), Some(page)) => { a.id href=(page) { (short(id)) } }
            (Some(id), None) => { span.mono.small title=(id) { (short(id)) } }
            (None, _) => { "—" }
        }
    }
}
