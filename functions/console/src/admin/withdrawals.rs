//! Withdrawals of commission for staff: paying them out or rejecting them (R6.6).

use axum::extract::Path;
use axum::response::Response;
use maud::{Markup, html};
use shared::affiliate::model::withdrawal::{Withdrawal, WithdrawalState};
use shared::edge::view::Amount;
use shared::kernel::fault::Error;
use shared::kernel::id::{UserId, WithdrawalId};
use shared::kernel::refusal::Refusal;
use shared::operations::search::{self, WithdrawalFilter};

use super::acts::{reason_told, text_field};
use super::filters::{self, Days, Filter, USER, read};
use super::menu::{self, Head};
use super::orders::person;
use super::pages::Staff;
use super::parts::{Confirm, confirm, id_link, short, time, time_line};
use super::together;
use crate::frame;
use crate::list::{Column, Part};
use crate::parts::{badge, field, money};
use crate::show::credit_text;
use crate::text::Texts;
use crate::visit::Visit;

/// The list; requested ones without a filter. Payout accounts are masked here (C4.9).
pub async fn list(staff: Staff) -> Response {
    let (part, filter, fields) = match wanted(&staff) {
        Ok(wanted) => wanted,
        Err(refusal) => return filters::unread(staff, &refusal, Texts::staff_withdrawals, &[USER]),
    };
    let visit = &staff.0;
    let text = &visit.text;
    let listed = match search::withdrawals(&visit.app, &filter, &part.window).await {
        Ok(page) => search::users_of(&visit.app, page.items.iter().map(|of| of.user)).await.map(|users| (page, users)),
        Err(fault) => Err(fault),
    };
    let listed = listed.map_err(Error::from).map(|(page, users)| {
        let email =
            |of: &Withdrawal| users.get(&of.user).and_then(|user| user.email.as_ref()).map(|email| email.as_str());
        let rows: Vec<Vec<Markup>> = page.items.iter().map(|of| row(visit, of, email(of))).collect();
        let nothing = (&*text.staff_no_withdrawals(), &*text.staff_no_withdrawals_todo());
        let acts = [("pay", text.say_paid(), false), ("reject", text.reject(), true)];
        let (label, act) = (text.staff_withdrawals(), ("/admin/withdrawals/together", &acts[..]));
        together::list(visit, &part, (&label, &columns(visit)), (&rows, page.next.as_ref()), nothing, act)
    });
    let title = (text.staff_withdrawals(), text.staff_withdrawals_lead());
    filters::page(&staff, title, &html! {}, &fields, listed)
}

fn wanted(staff: &Staff) -> Result<(Part, WithdrawalFilter, Vec<Filter>), Refusal> {
    let visit = &staff.0;
    let text = &visit.text;
    let states = WithdrawalState::ALL
        .iter()
        .map(|state| (state.as_str().to_owned(), text.withdrawal_state(*state).1.to_string()));
    let state = Filter::choice(visit, "state", text.state(), states.collect());
    let state = state.or(visit, Some(WithdrawalState::Requested.as_str().to_owned()));
    let days = Days::of(visit, None)?;
    let mut errors = Vec::new();
    let user = read(visit, "user", UserId::parse, &mut errors);
    Refusal::unless_empty(errors)?;
    let filter = WithdrawalFilter { user, shop: None, state: state.value.as_deref().and_then(WithdrawalState::parse) };
    let part = staff.part(&filter, days)?;
    let [from, to] = days.filters(visit, false);
    Ok((part, filter, vec![state, USER.filter(visit), from, to]))
}

fn columns(visit: &Visit) -> [Column; 7] {
    let text = &visit.text;
    [
        Column::Text(text.withdrawal()),
        Column::Text(text.user()),
        Column::Text(text.withdraw_to()),
        Column::Number(text.amount()),
        Column::Text(text.state()),
        Column::Text(text.created()),
        Column::Action(text.codes_select()),
    ]
}

fn row(visit: &Visit, of: &Withdrawal, email: Option<&str>) -> Vec<Markup> {
    let text = &visit.text;
    let id = of.id.to_string();
    vec![
        id_link(&format!("/admin/withdrawals/{id}"), &id),
        person(&of.user.to_string(), email),
        html! {
            @match &of.payout {
                Some(payout) => { (text.to_cash(text.payout_way(payout.method.as_str()))) small.mono { (payout.masked()) } }
                None => { (text.to_balance()) }
            }
        },
        money(&Amount::from(of.amount)),
        badge(&text.withdrawal_state(of.state)),
        time(visit.language, of.created_at),
        together::pick(visit, &id, of.state == WithdrawalState::Requested),
    ]
}

async fn found(staff: &Staff, id: &str) -> Result<Withdrawal, Error> {
    let id = WithdrawalId::parse(id).ok_or(Refusal::NotFound)?;
    Ok(staff.0.app.store.get::<Withdrawal>(&Withdrawal::key(id)).await?.ok_or(Refusal::NotFound)?.into_inner())
}

/// One withdrawal, with its payout account in full.
pub async fn show(staff: Staff, Path(id): Path<String>) -> Response {
    let visit = &staff.0;
    let of = match found(&staff, &id).await {
        Ok(of) => of,
        Err(error) => return frame::error(visit, error),
    };
    let text = &visit.text;
    let page = format!("/admin/withdrawals/{}", of.id);
    let head = Head {
        title: text.withdrawal_of(credit_text(of.amount)).to_string(),
        lead: Some(html! { span.mono.small.break { (of.id) } }),
        aside: Some(badge(&text.withdrawal_state(of.state))),
        trail: vec![("/admin/withdrawals".to_owned(), html! { (text.staff_withdrawals()) })],
    };
    let main = html! {
        section.card aria-label=(&*text.withdrawal()) {
            div.in { (facts(visit, &of)) }
            @if of.state == WithdrawalState::Requested {
                div.in.row {
                    a.btn.go href=(format!("{page}/pay")) { (text.say_paid()) }
                    a.btn href=(format!("{page}/reject")) { (text.reject()) }
                }
            }
        }
    };
    menu::page(&staff, &head, &main)
}

fn facts(visit: &Visit, of: &Withdrawal) -> Markup {
    let text = &visit.text;
    html! {
        dl.sum {
            dt { (text.user()) } dd { (person(&of.user.to_string(), None)) }
            dt { (text.amount()) } dd { (money(&Amount::from(of.amount))) }
            dt { (text.withdraw_to()) }
            dd { @match &of.payout { Some(payout) => { (text.to_cash(text.payout_way(payout.method.as_str()))) } None => { (text.to_balance()) } } }
            @if let Some(payout) = &of.payout {
                dt { (text.payout_account()) } dd.break { span.mono { (payout.account) } }
                @if let Some(name) = &payout.name { dt { (text.payout_name()) } dd.break { (name) } }
            }
            dt { (text.created()) } dd { (time_line(visit.language, of.created_at)) }
            @if let Some(at) = of.settled_at { dt { (text.withdrawal_settled()) } dd { (time_line(visit.language, at)) } }
            @if let Some(reference) = &of.reference { dt { (text.reference()) } dd.break { (reference) } }
            @if let Some(why) = &of.reason { dt { (text.reason()) } dd.break { (why) } }
        }
    }
}

fn trail(visit: &Visit, of: &Withdrawal) -> Vec<(String, Markup)> {
    let id = of.id.to_string();
    vec![
        ("/admin/withdrawals".to_owned(), html! { (visit.text.staff_withdrawals()) }),
        (format!("/admin/withdrawals/{id}"), html! { span.mono { (short(&id)) } }),
    ]
}

/// Says that a withdrawal was paid, with the reference of the payment.
pub async fn pay(staff: Staff, Path(id): Path<String>) -> Response {
    close(&staff, &id, true).await
}

/// Rejects a withdrawal, with the reason.
pub async fn reject(staff: Staff, Path(id): Path<String>) -> Response {
    close(&staff, &id, false).await
}

async fn close(staff: &Staff, id: &str, pays: bool) -> Response {
    let visit = &staff.0;
    let of = match found(staff, id).await {
        Ok(of) => of,
        Err(error) => return frame::error(visit, error),
    };
    let text = &visit.text;
    let page = format!("/admin/withdrawals/{}", of.id);
    let amount = credit_text(of.amount);
    let (title, act, effect, verb, said) = match pays {
        true => (
            text.pay_title(amount.as_str()),
            text.say_paid(),
            text.pay_effect(amount.as_str()),
            "approve",
            "withdrawal_paid",
        ),
        false => (
            text.reject_title(amount.as_str()),
            text.reject(),
            text.reject_effect(amount.as_str()),
            "reject",
            "withdrawal_rejected",
        ),
    };
    let head = Head { title: title.to_string(), trail: trail(visit, &of), ..Head::default() };
    let reference =
        text_field("reference", "reference", &text.reference(), Some(text.reference_hint().to_string()), true);
    let main = confirm(
        visit,
        &Confirm {
            method: "POST",
            route: &format!("/v1/admin/withdrawals/{}/{verb}", of.id),
            done: (&page, said),
            back: &page,
            act: act.to_string(),
            effects: html! { div.in.stack-s { p { (effect) } (facts(visit, &of)) } },
            fields: if pays { field(visit, &reference) } else { reason_told(visit) },
        },
    );
    menu::page(staff, &head, &main)
}
