//! Friends with their rewards, and all rewards.

use axum::response::Response;
use maud::{Markup, html};
use shared::kernel::fault::Error;
use shared::referral::model::referral::{Reward, RewardState};
use shared::referral::overview::{Invitee, Programme, rewards as rewards_of};
use shared::table::item::Versioned;
use shared::table::store::Page;

use crate::frame;
use crate::list::{Part, alone, empty};
use crate::parts::{change, money, time};
use crate::show::{self, Column};
use crate::visit::{Arrival, Instead, Visit, failed};

/// The list of friends; it fails alone.
pub fn card(visit: &Visit, programme: &Programme, part: &Part, friends: Result<Page<Invitee>, Error>) -> Markup {
    let text = &visit.text;
    let todo = text.no_friends_todo();
    let shown = |page: Page<Invitee>| {
        html! {
            @if page.items.is_empty() {
                (empty(visit, page.next.is_some(), &text.no_friends(), if programme.enabled { &todo } else { "" }))
            } @else { (table(visit, &page.items)) }
            (part.pager(visit, &text.your_friends(), page.next.as_ref()))
        }
    };
    html! {
        section.card aria-labelledby="friends" {
            header { h2 #friends { (text.your_friends()) } p { (text.your_friends_note()) } }
            (alone(visit, friends.map(shown)))
        }
    }
}

fn table(visit: &Visit, friends: &[Invitee]) -> Markup {
    let text = &visit.text;
    let columns: [Column; 6] = [
        (text.friend().to_string(), false),
        (text.registered().to_string(), false),
        (text.friend_paid().to_string(), true),
        (text.threshold().to_string(), false),
        (text.reward().to_string(), true),
        (text.state().to_string(), false),
    ];
    let rows: Vec<Vec<Markup>> = friends.iter().map(|friend| row(visit, friend)).collect();
    show::table(&columns, &rows)
}

fn row(visit: &Visit, friend: &Invitee) -> Vec<Markup> {
    let text = &visit.text;
    let left = friend.threshold.minus(friend.paid_total).ok().filter(|left| left.is_positive());
    let threshold = html! {
        @if friend.qualified_at.is_some() { span.badge.ok { (text.reached()) } }
        @else if let Some(left) = left { span.muted { (text.to_go(show::price_text(left))) } }
        @else { span.muted { "—" } }
    };
    vec![
        html! { (friend.email_masked) },
        time(visit.language, friend.registered_at),
        show::price(&friend.paid_total.into()),
        threshold,
        html! {
            @if friend.rewards.is_empty() { span.muted { "—" } }
            @for reward in &friend.rewards { div { (amount(reward)) } }
        },
        html! {
            @if friend.rewards.is_empty() { span.muted { (text.after_threshold(show::price_text(friend.threshold))) } }
            @for reward in &friend.rewards { div { (badge(visit, reward.state)) } }
        },
    ]
}

fn amount(reward: &Reward) -> Markup {
    let amount = reward.amount.into();
    html! { @if matches!(reward.state, RewardState::Reversed | RewardState::Rejected) { (money(&amount)) } @else { (change(&amount)) } }
}

fn badge(visit: &Visit, state: RewardState) -> Markup {
    let tone = match state {
        RewardState::Granted => "ok",
        RewardState::Pending | RewardState::Held | RewardState::Failed => "wait",
        RewardState::Reversed | RewardState::Rejected => "bad",
    };
    html! { span class=(format!("badge {tone}")) { (visit.text.reward_state(state)) } }
}

/// All rewards of the user, as inviter and as invited.
pub async fn rewards(arrival: Arrival) -> Result<Response, Instead> {
    let (arrival, part) = arrival.part("cursor", "").await?;
    let (app, user) = (arrival.app(), arrival.user());
    let (visit, page) = tokio::join!(arrival.member(), rewards_of(&app, user, &part.window));
    let visit = visit?;
    let page = page.map_err(|fault| failed(&visit, &fault))?;
    let visitor = visit.signed_in()?;
    let text = &visit.text;
    let main = html! {
        section.card aria-label=(&*text.rewards()) {
            @if page.items.is_empty() {
                (empty(&visit, page.next.is_some(), &text.no_rewards(), &text.no_rewards_todo()))
            } @else { (reward_table(&visit, &page.items)) }
            (part.pager(&visit, &text.rewards(), page.next.as_ref()))
        }
        p { a href="/invite" { (text.invite()) } }
    };
    Ok(frame::page(&visit, visitor, &text.rewards(), &text.rewards_lead(), &main))
}

fn reward_table(visit: &Visit, rewards: &[Versioned<Reward>]) -> Markup {
    let text = &visit.text;
    let columns: [Column; 5] = [
        (text.reward_for().to_string(), false),
        (text.made_at().to_string(), false),
        (text.reward().to_string(), true),
        (text.state().to_string(), false),
        (text.granted().to_string(), false),
    ];
    let row = |reward: &Versioned<Reward>| {
        vec![
            html! { (text.reward_cause(reward.side, reward.trigger)) },
            time(visit.language, reward.created_at),
            amount(reward),
            badge(visit, reward.state),
            html! { @if let Some(at) = reward.granted_at { (time(visit.language, at)) } @else { span.muted { "—" } } },
        ]
    };
    let rows: Vec<Vec<Markup>> = rewards.iter().map(row).collect();
    show::table(&columns, &rows)
}
