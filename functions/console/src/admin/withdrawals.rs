//! Withdrawals of commission for staff: paying them out or rejecting them (R6.6).

use axum::extract::Path;
use axum::response::Response;
use maud::{Markup, html};
use shared::affiliate::model::settings::AffiliateSettings;
use shared::affiliate::model::withdrawal::{Withdrawal, WithdrawalState};
use shared::affiliate::payout_account;
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
use crate::visit::{Visit, failed};

/// The list; requested ones without a filter. Payout accounts are masked here (C4.9).
pub async fn list(staff: Staff) -> Response {
    let (part, filter, fields) = match wanted(&staff) {
        Ok(wanted) => wanted,
        Err(refusal) => return filters::unread(staff, &refusal, Texts::staff_withdrawals, &[USER]),
    };
    let visit = &staff.0;
    let text = &visit.text;
    let listed = match search::withdrawals(&visit.app, &filter, &part.window).await {
        Ok(page) => {
            let people = search::users_of(&visit.app, page.items.iter().map(|of| of.user));
            let (users, shared) = tokio::join!(people, payout_account::shared(&visit.app, &page.items));
            users.and_then(|users| Ok((page, users, shared?)))
        }
        Err(fault) => Err(fault),
    };
    let listed = listed.map_err(Error::from).map(|(page, users, shared)| {
        let email =
            |of: &Withdrawal| users.get(&of.user).and_then(|user| user.email.as_ref()).map(|email| email.as_str());
        let rows: Vec<Vec<Markup>> =
            page.items.iter().map(|of| row(visit, of, email(of), shared.contains(&of.id))).collect();
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

fn row(visit: &Visit, of: &Withdrawal, email: Option<&str>, is_shared: bool) -> Vec<Markup> {
    let text = &visit.text;
    let id = of.id.to_string();
    vec![
        id_link(&format!("/admin/withdrawals/{id}"), &id),
        person(&of.user.to_string(), email),
        html! {
            @match &of.payout {
                Some(payout) => { (text.to_cash(text.payout_way(payout.method.as_str()))) small.mono { (payout.masked()) } @if is_shared { small { (text.shared_account()) } } }
                None => { (text.to_balance()) }
            }
        },
        money(&Amount::from(of.amount)),
        html! {
            (badge(&text.withdrawal_state(of.state)))
            @if of.awaits_second() { small { (text.approved_once()) } }
            @if of.is_in_batch() { small { (text.payout_in_batch()) } }
        },
        time(visit.language, of.created_at),
        together::pick(visit, &id, of.state == WithdrawalState::Requested && !of.is_in_batch()),
    ]
}

/// A withdrawal, and whether another user has its payout account.
async fn found(staff: &Staff, id: &str) -> Result<(Withdrawal, bool), Error> {
    let id = WithdrawalId::parse(id).ok_or(Refusal::NotFound)?;
    let app = &staff.0.app;
    let of = app.store.get::<Withdrawal>(&Withdrawal::key(id)).await?.ok_or(Refusal::NotFound)?.into_inner();
    let is_shared = !payout_account::shared(app, std::slice::from_ref(&of)).await?.is_empty();
    Ok((of, is_shared))
}

/// One withdrawal, with its payout account in full.
pub async fn show(staff: Staff, Path(id): Path<String>) -> Response {
    let visit = &staff.0;
    let (of, is_shared) = match found(&staff, &id).await {
        Ok(found) => found,
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
            div.in { (facts(visit, &of, is_shared)) }
            @if of.state == WithdrawalState::Requested && !of.is_in_batch() {
                div.in.row {
                    a.btn.go href=(format!("{page}/pay")) { (text.say_paid()) }
                    a.btn href=(format!("{page}/reject")) { (text.reject()) }
                }
            }
        }
    };
    menu::page(&staff, &head, &main)
}

fn facts(visit: &Visit, of: &Withdrawal, is_shared: bool) -> Markup {
    let text = &visit.text;
    html! {
        dl.sum {
            dt { (text.user()) } dd { (person(&of.user.to_string(), None)) }
            dt { (text.amount()) } dd { (money(&Amount::from(of.amount))) }
            dt { (text.withdraw_to()) }
            dd { @match &of.payout { Some(payout) => { (text.to_cash(text.payout_way(payout.method.as_str()))) } None => { (text.to_balance()) } } }
            @if let Some(payout) = &of.payout {
                dt { (text.payout_account()) } dd.break { span.mono { (payout.account) } }
                @if is_shared { dt { (text.shared_account()) } dd { (text.shared_account_note()) } }
                @if let Some(name) = &payout.name { dt { (text.payout_name()) } dd.break { (name) } }
            }
            dt { (text.created()) } dd { (time_line(visit.language, of.created_at)) }
            @if let Some(batch) = of.batch { dt { (text.payout()) } dd { (id_link(&format!("/admin/payout-batches/{batch}"), &batch.to_string())) } }
            @if let Some(first) = &of.first_approval {
                dt { (text.first_approval()) }
                dd.break { (person(&first.admin.to_string(), None)) " " (time(visit.language, first.at)) " " (first.reference) }
            }
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
    let (of, is_shared) = match found(staff, id).await {
        Ok(found) => found,
        Err(error) => return frame::error(visit, error),
    };
    let text = &visit.text;
    let page = format!("/admin/withdrawals/{}", of.id);
    let amount = credit_text(of.amount);
    let limit = match visit.app.settings::<AffiliateSettings>().await {
        Ok(settings) => settings.settings.second_approval_above,
        Err(fault) => return failed(visit, &fault),
    };
    let is_first = of.needs_two(limit) && of.first_approval.is_none();
    let (title, act, effect, verb, said) = match pays {
        true if is_first => (
            text.approve_title(amount.as_str()),
            text.approve_once(),
            text.approve_effect(amount.as_str()),
            "approve",
            "withdrawal_approved",
        ),
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
            effects: html! { div.in.stack-s { p { (effect) } (facts(visit, &of, is_shared)) } },
            fields: if pays { field(visit, &reference) } else { reason_told(visit) },
        },
    );
    menu::page(staff, &head, &main)
}
