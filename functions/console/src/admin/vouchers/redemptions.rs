//! Redemptions for staff, and their reversal (R7.8).

use std::collections::BTreeSet;

use axum::extract::Path;
use axum::response::Response;
use maud::{Markup, html};
use shared::account::model::user::User;
use shared::edge::view::Amount;
use shared::kernel::fault::Error;
use shared::kernel::id::{Identifier, RedemptionId, UserId};
use shared::kernel::refusal::Refusal;
use shared::operations::search::users_of;
use shared::redemption::codes::{self, RedemptionFilter};
use shared::redemption::model::code_text::CodeName;
use shared::redemption::model::redemption::Redemption;
use shared::redemption::undo_redemption::{accounts_after_undo, redemption};

use super::super::acts::reason;
use super::super::filters::{self, CODE, Days, Filter, USER, read};
use super::super::menu;
use super::super::pages::Staff;
use super::super::parts::{Confirm, below, confirm, time, time_line};
use super::super::users::{self, People};
use crate::frame;
use crate::list::{Column, Part};
use crate::parts::{HERE, around, badge, money};
use crate::text::Texts;
use crate::visit::{Visit, not_found};

fn wanted(staff: &Staff) -> Result<(Part, RedemptionFilter, Vec<Filter>), Refusal> {
    let visit = &staff.0;
    let days = Days::of(visit, None)?;
    let mut errors = Vec::new();
    let user = read(visit, "user", UserId::parse, &mut errors);
    let code = read(visit, "code", CodeName::parse, &mut errors);
    Refusal::unless_empty(errors)?;
    let filter = RedemptionFilter { user, code };
    let part = staff.part(&filter, days)?;
    let [from, to] = days.filters(visit, false);
    let fields = vec![USER.filter(visit), CODE.filter(visit), from, to];
    Ok((part, filter, fields))
}

/// The list.
pub async fn list(staff: Staff) -> Response {
    let (part, filter, fields) = match wanted(&staff) {
        Ok(wanted) => wanted,
        Err(refusal) => return filters::unread(staff, &refusal, Texts::staff_redemptions, &[USER, CODE]),
    };
    let visit = &staff.0;
    let text = &visit.text;
    let page = async {
        let page = codes::redemptions(&visit.app, &filter, &part.window).await?;
        let ids: BTreeSet<UserId> = page.items.iter().map(|one| one.user).collect();
        let people = users_of(&visit.app, ids).await?;
        Ok::<_, Error>((page, people))
    };
    let listed = page.await.map(|(page, people)| {
        let rows: Vec<Vec<Markup>> = page.items.iter().map(|one| row(visit, &people, one)).collect();
        let columns = [
            Column::Text(text.exchange_code()),
            Column::Text(text.person()),
            Column::Text(text.time()),
            Column::Text(text.batch_benefit()),
            Column::Text(text.state_of_it()),
            Column::Action(text.row_action()),
        ];
        let nothing = (&*text.exchanges_none(), &*text.exchanges_none_todo());
        part.list(visit, &text.staff_redemptions(), &columns, (&rows, page.next.as_ref()), nothing)
    });
    filters::page(&staff, (text.staff_redemptions(), text.exchanges_lead()), &html! {}, &fields, listed)
}

fn row(visit: &Visit, people: &People, of: &Redemption) -> Vec<Markup> {
    let text = &visit.text;
    let state = if of.undone.is_some() { ("bad", text.redemption_undone()) } else { ("ok", text.redemption_done()) };
    vec![
        html! { a.mono.nowrap href=(format!("/admin/codes/{}", of.of)) { (of.masked) } },
        users::person(people, of.user),
        time(visit.language, of.redeemed_at),
        given_by(visit, of),
        html! {
            (badge(&state))
            @if let Some(undone) = &of.undone { small.break { (text.exchange_because()) ": " (undone.reason) } }
        },
        html! { @if of.undone.is_none() { a.btn.slim href=(format!("/admin/redemptions/{}/undo", of.id)) { (text.exchange_undo()) } } },
    ]
}

/// Credit or plan time that it brought, and until when.
fn given_by(visit: &Visit, of: &Redemption) -> Markup {
    html! {
        @match (&of.credit, &of.extension) {
            (Some(credit), _) => (money(&Amount::from(*credit))),
            (None, Some(given)) => { (given.plan_name) small { (around(&visit.text.ends_at(HERE), &time_line(visit.language, given.expires_at))) } }
            (None, None) => { "—" }
        }
    }
}

/// Asks whether to undo a redemption, and says what is taken back.
pub async fn undo(path: Option<Path<String>>, staff: Staff) -> Response {
    let visit = &staff.0;
    let Some(id) = path.and_then(|Path(id)| RedemptionId::parse(&id)) else { return not_found(visit) };
    let of = match redemption(&visit.app, id).await {
        Ok(of) => of,
        Err(error) => return frame::error(visit, error),
    };
    let text = &visit.text;
    let title = text.exchange_undo_of(of.masked.clone()).to_string();
    let trail = vec![("/admin/redemptions".to_owned(), html! { (text.staff_redemptions()) })];
    if of.undone.is_some() {
        let main = html! { section.card { div.in { p { (text.exchange_already()) } } } };
        return menu::page(&staff, &below(title, trail), &main);
    }
    let user = match users::user(visit, of.user).await {
        Ok(user) => user,
        Err(fault) => return crate::visit::failed(visit, &fault),
    };
    let effects = match effects(visit, &of, user.as_ref()).await {
        Ok(effects) => effects,
        Err(error) => return frame::error(visit, error),
    };
    let confirmed = Confirm {
        method: "POST",
        route: &format!("/v1/admin/redemption/records/{id}/undo"),
        done: ("/admin/redemptions", "exchange_undone"),
        back: "/admin/redemptions",
        act: text.exchange_undo_do().to_string(),
        effects,
        fields: reason(visit),
    };
    let main = confirm(visit, &confirmed);
    menu::page(&staff, &below(title, trail), &main)
}

async fn effects(visit: &Visit, of: &Redemption, user: Option<&User>) -> Result<Markup, Error> {
    let text = &visit.text;
    let after = match (user, of.credit) {
        (Some(user), Some(credit)) => Some((user, accounts_after_undo(&visit.app, user, of, credit).await?)),
        _ => None,
    };
    Ok(html! {
        div.in.stack-s {
            p { @match user { Some(user) => (users::link_of(user)), None => { span.mono { (of.user) } } } }
            dl.sum {
                @if let Some(credit) = of.credit { dt { (text.exchange_takes_credit()) } dd { (money(&Amount::from(credit))) } }
                @if let Some((user, after)) = &after {
                    dt { (text.person_balance_now()) } dd { (money(&Amount::from(user.accounts.balance()))) }
                    dt.total { (text.person_balance_after()) } dd.total { (money(&Amount::from(after.balance()))) }
                    @if !after.owed().is_zero() { dt.total { (text.person_debt_after()) } dd.total { (money(&Amount::from(after.owed()))) } }
                }
                @if let Some(given) = &of.extension {
                    dt { (text.exchange_takes_time()) } dd { (given.plan_name) }
                    dt { (text.expires()) } dd { (time_line(visit.language, given.expires_at)) }
                }
            }
            @if of.extension.is_some() { p { (text.exchange_time_effect()) } }
            p.muted { (text.exchange_use_free()) }
        }
    })
}
