//! Referrals, rewards and commissions for staff (R3.10, R6.7).

use std::collections::BTreeSet;

use axum::extract::Path;
use axum::response::Response;
use fluent_static::Message;
use maud::{Markup, html};
use shared::account::model::user::User;
use shared::affiliate::model::commission::{Commission, CommissionAccount, CommissionState};
use shared::edge::view::Amount;
use shared::kernel::fault::{Error, Fault};
use shared::kernel::id::{CommissionId, UserId};
use shared::kernel::money::{LedgerMoney, MoneyError};
use shared::kernel::refusal::Refusal;
use shared::operations::model::budget::HoldReason;
use shared::operations::search::{self, CommissionFilter, ReferralFilter, users_of};
use shared::referral::model::referral::{Reward, RewardState};

use super::acts::{Act, form, reason};
use super::filters::{self, Days, Filter, INVITER, given, read};
use super::menu;
use super::pages::Staff;
use super::parts::{Confirm, Tile, below, confirm, id_link, tiles, time};
use super::together;
use super::users::{self, People, person};
use crate::frame;
use crate::list::Column;
use crate::parts::{HERE, around, badge, money, percent};
use crate::show::price;
use crate::text::Texts;
use crate::visit::{Visit, not_found};

async fn people(visit: &Visit, ids: impl Iterator<Item = UserId>) -> Result<People, Fault> {
    users_of(&visit.app, ids.collect::<BTreeSet<_>>()).await
}

/// Filters that all three lists have: the inviter, and the days.
fn common(visit: &Visit, days: Days, state: Filter) -> Vec<Filter> {
    let [from, to] = days.filters(visit, false);
    vec![state, INVITER.filter(visit), from, to]
}

/// The days and the inviter that the query names.
fn asked(visit: &Visit) -> Result<(Days, Option<UserId>), Refusal> {
    let days = Days::of(visit, None)?;
    let mut errors = Vec::new();
    let inviter = read(visit, "inviter", UserId::parse, &mut errors);
    Refusal::unless_empty(errors)?;
    Ok((days, inviter))
}

/// A list's page: filters, totals of the part, the list.
fn page(
    staff: &Staff,
    title: (Message, Message),
    fields: &[Filter],
    listed: Result<(Markup, Markup), Error>,
) -> Response {
    let (sums, listed) = match listed {
        Ok((sums, listed)) => (sums, Ok(listed)),
        Err(error) => (html! {}, Err(error)),
    };
    filters::page(staff, title, &sums, fields, listed)
}

/// Invitees with their inviters.
pub async fn referrals(staff: Staff) -> Response {
    let visit = &staff.0;
    let text = &visit.text;
    let (days, inviter) = match asked(visit) {
        Ok(asked) => asked,
        Err(refusal) => return filters::unread(staff, &refusal, Texts::staff_referrals, &[INVITER]),
    };
    let states = vec![
        ("registered".to_owned(), text.bond_state_registered().to_string()),
        ("qualified".to_owned(), text.bond_state_qualified().to_string()),
    ];
    let qualified = given(visit, "state").map(|state| state == "qualified");
    let filter = ReferralFilter { inviter, qualified, state: None };
    let part = match staff.part(&filter, days) {
        Ok(part) => part,
        Err(refusal) => return frame::refused(visit, &refusal),
    };
    let fields = common(visit, days, Filter::choice(visit, "state", text.state_of_it(), states));
    let read = async {
        let page = search::referrals(&visit.app, &filter, &part.window).await?;
        let inviters = page.items.iter().filter_map(|user| Some(user.attribution.as_ref()?.inviter));
        let people = people(visit, inviters).await?;
        Ok::<_, Error>((page, people))
    };
    let listed = read.await.map(|(page, people)| {
        let rows: Vec<Vec<Markup>> = page.items.iter().map(|user| bond(visit, &people, user)).collect();
        let columns = [
            Column::Text(text.bond_invitee()),
            Column::Text(text.bond_inviter()),
            Column::Text(text.bond_code()),
            Column::Text(text.time()),
            Column::Number(text.bond_paid()),
            Column::Text(text.state_of_it()),
        ];
        let reached = page.items.iter().filter(|user| user.attribution.as_ref().is_some_and(|bond| bond.qualifies()));
        let sums = tiles(&[
            Tile { name: text.bonds_invited().to_string(), figure: html! { (page.items.len()) }, notes: Vec::new() },
            Tile { name: text.bonds_qualified().to_string(), figure: html! { (reached.count()) }, notes: Vec::new() },
        ]);
        let nothing = (&*text.bonds_none(), &*text.bonds_none_todo());
        (sums, part.list(visit, &text.staff_referrals(), &columns, (&rows, page.next.as_ref()), nothing))
    });
    self::page(&staff, (text.staff_referrals(), text.bonds_lead()), &fields, listed)
}

fn bond(visit: &Visit, people: &People, user: &User) -> Vec<Markup> {
    let text = &visit.text;
    let Some(bond) = &user.attribution else { return Vec::new() };
    let state = if bond.qualifies() { ("ok", text.bond_state_qualified()) } else { ("", text.bond_state_registered()) };
    vec![
        users::link_of(user),
        person(people, bond.inviter),
        html! { span.mono { (bond.code) } },
        time(visit.language, bond.bound_at),
        price(&Amount::from(bond.online_total)),
        badge(&state),
    ]
}

/// The sum of some amounts, by currency: never one of different currencies.
fn sums(amounts: impl Iterator<Item = LedgerMoney>) -> Result<Vec<LedgerMoney>, MoneyError> {
    let mut all: Vec<LedgerMoney> = Vec::new();
    for amount in amounts {
        match all.iter_mut().find(|sum| sum.currency() == amount.currency()) {
            Some(sum) => *sum = sum.plus(amount)?,
            None => all.push(amount),
        }
    }
    Ok(all)
}

fn sum_tile(name: String, amounts: Vec<LedgerMoney>) -> Markup {
    let mut figures = amounts.into_iter().map(|amount| money(&Amount::from(amount)));
    let figure = figures.next().unwrap_or_else(|| html! { "0" });
    tiles(&[Tile { name, figure, notes: figures.collect() }])
}

/// State of a reward, with its tone.
fn reward_tone(state: RewardState) -> &'static str {
    match state {
        RewardState::Pending | RewardState::Held => "wait",
        RewardState::Granted => "ok",
        RewardState::Failed | RewardState::Rejected => "bad",
        RewardState::Reversed => "odd",
    }
}

/// Rewards, and those to retry.
pub async fn rewards(staff: Staff) -> Response {
    let visit = &staff.0;
    let text = &visit.text;
    let (days, inviter) = match asked(visit) {
        Ok(asked) => asked,
        Err(refusal) => return filters::unread(staff, &refusal, Texts::staff_rewards, &[INVITER]),
    };
    let states =
        RewardState::ALL.iter().map(|state| (state.as_str().to_owned(), text.reward_state(*state).to_string()));
    let state = given(visit, "state").as_deref().and_then(RewardState::parse);
    let filter = ReferralFilter { inviter, qualified: None, state };
    let part = match staff.part(&filter, days) {
        Ok(part) => part,
        Err(refusal) => return frame::refused(visit, &refusal),
    };
    let fields = common(visit, days, Filter::choice(visit, "state", text.state_of_it(), states.collect()));
    let read = async {
        let page = search::rewards(&visit.app, &filter, &part.window).await?;
        let ids = page.items.iter().flat_map(|reward| [reward.beneficiary, reward.invitee]);
        let people = people(visit, ids).await?;
        let sum = sums(page.items.iter().map(|reward| reward.amount))?;
        Ok::<_, Error>((page, people, sum))
    };
    let listed = read.await.map(|(page, people, sum)| {
        let rows: Vec<Vec<Markup>> = page.items.iter().map(|reward| self::reward(visit, &people, reward)).collect();
        let columns = [
            Column::Text(text.prize_for()),
            Column::Text(text.bond_invitee()),
            Column::Text(text.reward_for()),
            Column::Text(text.time()),
            Column::Number(text.prize()),
            Column::Text(text.state_of_it()),
            Column::Action(text.row_action()),
        ];
        let nothing = (&*text.prizes_none(), &*text.prizes_none_todo());
        let list = part.list(visit, &text.staff_rewards(), &columns, (&rows, page.next.as_ref()), nothing);
        (sum_tile(text.prizes_sum().to_string(), sum), list)
    });
    self::page(&staff, (text.staff_rewards(), text.prizes_lead()), &fields, listed)
}

fn reward(visit: &Visit, people: &People, of: &Reward) -> Vec<Markup> {
    let text = &visit.text;
    let route = format!("/v1/admin/rewards/{}/retry", of.id);
    let act = Act { method: "POST", route, done: visit.with("", ""), said: "prize_retried" };
    vec![
        person(people, of.beneficiary),
        person(people, of.invitee),
        html! { (text.reward_cause(of.side, of.trigger)) },
        time(visit.language, of.created_at),
        money(&Amount::from(of.amount)),
        html! { (badge(&(reward_tone(of.state), text.reward_state(of.state)))) (held(visit, of.held())) },
        html! { @if matches!(of.state, RewardState::Failed | RewardState::Held) { (form(visit, &act, &html! {}, &text.prize_retry())) } },
    ]
}

/// Commissions of inviters.
pub async fn commissions(staff: Staff) -> Response {
    let visit = &staff.0;
    let text = &visit.text;
    let (days, inviter) = match asked(visit) {
        Ok(asked) => asked,
        Err(refusal) => return filters::unread(staff, &refusal, Texts::staff_commissions, &[INVITER]),
    };
    let states = CommissionState::ALL
        .iter()
        .map(|state| (state.as_str().to_owned(), text.commission_state(*state).1.to_string()));
    let state = given(visit, "state").as_deref().and_then(CommissionState::parse);
    let filter = CommissionFilter { beneficiary: inviter, state };
    let part = match staff.part(&filter, days) {
        Ok(part) => part,
        Err(refusal) => return frame::refused(visit, &refusal),
    };
    let fields = common(visit, days, Filter::choice(visit, "state", text.state_of_it(), states.collect()));
    let read = async {
        let page = search::commissions(&visit.app, &filter, &part.window).await?;
        let ids = page.items.iter().flat_map(|one| [one.beneficiary, one.invitee]);
        let people = people(visit, ids).await?;
        let sum = sums(page.items.iter().map(Commission::left))?;
        Ok::<_, Error>((page, people, sum))
    };
    let listed = read.await.map(|(page, people, sum)| {
        let rows: Vec<Vec<Markup>> = page.items.iter().map(|one| commission(visit, &people, one)).collect();
        let columns = [
            Column::Text(text.share_order()),
            Column::Text(text.bond_inviter()),
            Column::Text(text.bond_invitee()),
            Column::Number(text.commission_amount()),
            Column::Text(text.state_of_it()),
            Column::Text(text.time()),
            Column::Action(text.row_action()),
            Column::Action(text.codes_select()),
        ];
        let nothing = (&*text.shares_none(), &*text.shares_none_todo());
        let acts = [("release", text.share_release(), false), ("reverse", text.share_reverse(), true)];
        let (label, act) = (text.staff_commissions(), ("/admin/commissions/together", &acts[..]));
        let list = together::list(visit, &part, (&label, &columns), (&rows, page.next.as_ref()), nothing, act);
        (sum_tile(text.shares_left().to_string(), sum), list)
    });
    self::page(&staff, (text.staff_commissions(), text.shares_lead()), &fields, listed)
}

fn commission(visit: &Visit, people: &People, of: &Commission) -> Vec<Markup> {
    let text = &visit.text;
    let state = text.commission_state(of.state(visit.app.clock.now()));
    let may_reverse = together::may_reverse(of);
    vec![
        about(visit, of),
        person(people, of.beneficiary),
        html! { @match of.payer() { Some(payer) => (person(people, payer)), None => { "—" } } },
        html! {
            (money(&Amount::from(of.left())))
            small { (text.percent(percent(of.rate))) " · " (money(&Amount::from(of.base))) }
            @if of.left() != of.amount { small { (around(&text.before_refunds(HERE), &money(&Amount::from(of.amount)))) } }
        },
        html! {
            (badge(&state))
            @if let Some(reason) = &of.denied { small.break { (reason) } } @else { (held(visit, of.hold().filter(|_| may_reverse))) }
        },
        time(visit.language, of.created_at),
        html! {
            @if may_reverse {
                @if of.is_under_review() { a.btn.slim href=(format!("/admin/commissions/{}/release", of.id)) { (text.share_release()) } " " }
                a.btn.slim href=(format!("/admin/commissions/{}/reverse", of.id)) { (text.share_reverse()) }
            }
        },
        together::pick(visit, &of.id.to_string(), may_reverse),
    ]
}

/// The order of a commission, and what it was posted for.
fn about(visit: &Visit, of: &Commission) -> Markup {
    html! {
        @if let Some(order) = of.about() { (id_link(&format!("/admin/orders/{order}"), &order.to_string())) }
        @if of.second_of.is_some() { span.badge { (visit.text.commission_second()) } }
        @if let Some(posted) = &of.posted { span.badge { (visit.text.share_posted()) } small.break { (posted.reason) } }
    }
}

/// Reason for holding a grant, for staff.
fn held(visit: &Visit, reason: Option<HoldReason>) -> Markup {
    let text = &visit.text;
    html! {
        @match reason {
            Some(HoldReason::Blocked) => { small { (text.hold_blocked()) } }
            Some(HoldReason::Budget) => { small { (text.hold_budget()) } }
            Some(HoldReason::Risk) => { small { a href="/admin/risk?state=held" { (text.hold_risk()) } } }
            None => {}
        }
    }
}

/// Asks whether to release a commission that exceeds its budget.
pub async fn release(path: Option<Path<String>>, staff: Staff) -> Response {
    let visit = &staff.0;
    let Some(id) = path.and_then(|Path(id)| CommissionId::parse(&id)) else { return not_found(visit) };
    let of = match commission_of(visit, id).await {
        Ok(Some((of, _))) => of,
        Ok(None) => return not_found(visit),
        Err(fault) => return crate::visit::failed(visit, &fault),
    };
    let text = &visit.text;
    let trail = vec![("/admin/commissions".to_owned(), html! { (text.staff_commissions()) })];
    let head = below(text.share_release_of(crate::show::credit_text(of.left())).to_string(), trail);
    if !of.is_under_review() || !of.left().is_positive() {
        return menu::page(&staff, &head, &html! { section.card { div.in { p { (text.share_not_held()) } } } });
    }
    let confirmed = Confirm {
        method: "POST",
        route: &format!("/v1/admin/commissions/{id}/release"),
        done: ("/admin/commissions", "share_released"),
        back: "/admin/commissions",
        act: text.share_release_do().to_string(),
        effects: html! { div.in { p { (text.share_release_effect()) } } },
        fields: reason(visit),
    };
    menu::page(&staff, &head, &confirm(visit, &confirmed))
}

/// Asks whether to reverse a commission, and says what is taken back.
pub async fn reverse(path: Option<Path<String>>, staff: Staff) -> Response {
    let visit = &staff.0;
    let Some(id) = path.and_then(|Path(id)| CommissionId::parse(&id)) else { return not_found(visit) };
    let (of, account) = match commission_of(visit, id).await {
        Ok(Some(read)) => read,
        Ok(None) => return not_found(visit),
        Err(fault) => return crate::visit::failed(visit, &fault),
    };
    let text = &visit.text;
    let left = crate::show::credit_text(of.left());
    let trail = vec![("/admin/commissions".to_owned(), html! { (text.staff_commissions()) })];
    let head = below(text.share_reverse_of(left).to_string(), trail);
    if !together::may_reverse(&of) {
        return menu::page(&staff, &head, &html! { section.card { div.in { p { (text.share_already()) } } } });
    }
    let shown = |amount: LedgerMoney| money(&Amount::from(amount));
    let effects = html! {
        div.in.stack-s {
            dl.sum {
                dt { (text.share_order()) } dd { (about(visit, &of)) }
                dt.total { (text.share_taken()) } dd.total { (shown(of.left())) }
                @if let Some(account) = &account {
                    dt { (text.share_available_now()) } dd { (shown(account.available)) }
                    dt { (text.share_pending_now()) } dd { (shown(account.pending)) }
                }
            }
            p { (text.share_reverse_effect()) }
        }
    };
    let confirmed = Confirm {
        method: "POST",
        route: &format!("/v1/admin/commissions/{id}/reverse"),
        done: ("/admin/commissions", "share_reversed"),
        back: "/admin/commissions",
        act: text.share_reverse_do().to_string(),
        effects,
        fields: reason(visit),
    };
    menu::page(&staff, &head, &confirm(visit, &confirmed))
}

async fn commission_of(
    visit: &Visit,
    id: CommissionId,
) -> Result<Option<(Commission, Option<CommissionAccount>)>, Fault> {
    let store = &visit.app.store;
    let Some(of) = store.get::<Commission>(&Commission::key(id)).await? else { return Ok(None) };
    let account = store.get::<CommissionAccount>(&CommissionAccount::key(of.beneficiary)).await?;
    Ok(Some((of.into_inner(), account.map(|account| account.into_inner()))))
}
