//! Friends with their rewards, and all rewards.

use axum::response::Response;
use maud::{Markup, html};
use shared::edge::page::seal;
use shared::kernel::fault::{Error, Fault};
use shared::referral::model::referral::{Reward, RewardState};
use shared::referral::overview::{Invitee, Programme, rewards as rewards_of};
use shared::table::item::Versioned;
use shared::table::store::Page;

use super::window;
use crate::frame;
use crate::parts::{change, money, time};
use crate::show::{self, Column};
use crate::visit::{Member, Visit, failed};

/// The list of friends; it fails alone.
pub fn card(visit: &Visit, programme: &Programme, friends: &Result<Page<Invitee>, Fault>) -> Markup {
    let text = &visit.text;
    html! {
        section.card aria-labelledby="friends" {
            header { h2 #friends { (text.your_friends()) } p { (text.your_friends_note()) } }
            @match friends {
                Err(fault) => { (frame::noted(fault)) (show::failed_card(visit)) }
                Ok(page) if page.items.is_empty() => {
                    div.in.stack-s {
                        @if page.next.is_some() { p { (text.look_further()) } }
                        @else { p { (text.no_friends()) } @if programme.enabled { p.muted { (text.no_friends_todo()) } } }
                    }
                }
                Ok(page) => (table(visit, &page.items)),
            }
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
    html! { @if reward.state == RewardState::Reversed { (money(&amount)) } @else { (change(&amount)) } }
}

fn badge(visit: &Visit, state: RewardState) -> Markup {
    let tone = match state {
        RewardState::Granted => "ok",
        RewardState::Pending | RewardState::Held | RewardState::Failed => "wait",
        RewardState::Reversed => "bad",
    };
    html! { span class=(format!("badge {tone}")) { (visit.text.reward_state(state)) } }
}

/// All rewards of the user, as inviter and as invited.
pub async fn rewards(Member(visit): Member) -> Response {
    let visitor = match visit.member() {
        Ok(visitor) => visitor,
        Err(fault) => return failed(&visit, &fault),
    };
    let (page, list) = match read(&visit).await {
        Ok(read) => read,
        Err(error) => return frame::error(&visit, error),
    };
    let text = &visit.text;
    let older = page.next.as_ref().map(|next| seal(&visit.app.config.secret, &list, next));
    let main = html! {
        section.card aria-label=(&*text.rewards()) {
            @if page.items.is_empty() {
                div.in.stack-s {
                    @if older.is_some() { p { (text.look_further()) } }
                    @else { p { (text.no_rewards()) } p.muted { (text.no_rewards_todo()) } }
                }
            } @else { (reward_table(&visit, &page.items)) }
            (show::pager(&visit, &text.rewards(), older.as_deref()))
        }
        p { a href="/invite" { (text.invite()) } }
    };
    frame::page(&visit, visitor, &text.rewards(), &text.rewards_lead(), &main)
}

async fn read(visit: &Visit) -> Result<(Page<Versioned<Reward>>, String), Error> {
    let (window, list) = window(visit, "/invite/rewards")?;
    Ok((rewards_of(&visit.app, visit.member()?.user.id, &window).await?, list))
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
