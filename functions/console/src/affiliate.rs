//! The affiliate programme of a user (R6): figures, terms, invite codes, commissions.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::response::Response;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use maud::{Markup, html};
use shared::account::model::user::User;
use shared::affiliate::model::commission::{Commission, CommissionHold};
use shared::affiliate::model::settings::AffiliateSettings;
use shared::affiliate::overview::{
    AffiliateOverview, OwnKeys, RecentCommissions, overview, overview_of, own_keys, recent_commissions,
};
use shared::affiliate::release_holds::overdue;
use shared::app::App;
use shared::edge::view::Amount;
use shared::kernel::fault::{Error, Fault};
use shared::kernel::id::UserId;
use shared::kernel::money::{Currency, LedgerMoney};
use shared::operations::search::{self, CommissionFilter};
use shared::referral::invite_code::Shown;
use shared::referral::model::referral::InviteCode;
use shared::referral::overview::mask;
use shared::table::item::Versioned;
use shared::table::read::Keys;
use shared::table::store::Page;

use crate::chart::{self, Chart, Form, Place};
use crate::frame;
use crate::list::{Column, Part, ROWS, alone, empty, table};
use crate::parts::{Field, HERE, around, badge, count, day, field, money, percent, time};
use crate::show;
use crate::visit::{Arrival, Instead, Visit, not_found};

/// Weeks of the chart.
const WEEKS: i64 = 12;

/// Commissions of the page, and those of the chart on its first part.
type Listed = (Page<Commission>, Option<RecentCommissions>);

/// The affiliate page.
pub async fn affiliate(arrival: Arrival) -> Result<Response, Instead> {
    let (arrival, part) = arrival.part("cursor", "").await?;
    let (app, user) = (arrival.app(), arrival.user());
    let (entered, waiting, listed) =
        tokio::join!(arrival.member_with(own_keys(user)), overdue(&app, user), listed(&app, user, &part));
    let (visit, own) = entered?;
    let member = visit.signed_in()?;
    let friends = listed.iter().flat_map(|(page, _)| &page.items).map(|of| of.invitee);
    let read = async { complete(&app, &member.user, own, &waiting?, friends).await };
    let (read, friends) = read.await.map_err(|error| frame::error(&visit, error))?;
    let text = &visit.text;
    let chart = listed.as_ref().ok().and_then(|(_, recent)| recent.as_ref());
    let main = html! {
        @if !read.programme.enabled { div.note.wait { span { (text.affiliate_off()) } } }
        @else if !read.policy.can_invite { div.note.wait { span { (text.affiliate_may_not()) } } }
        (figures(&visit, &read))
        div.row {
            a.btn.go href="/affiliate/withdraw" { (text.withdraw()) }
            a.btn href="/affiliate/withdrawals" { (text.withdrawals()) }
            a.btn href="/affiliate/statement" { (text.statement()) }
        }
        (codes(&visit, &read))
        @if let Some(recent) = chart { (weeks(&visit, recent, read.earned.currency())) }
        section.card aria-labelledby="commissions" {
            header { h2 #commissions { (text.commissions()) } p { (text.commissions_note()) } }
            (alone(&visit, listed.as_ref().map(|(page, _)| history(&visit, &part, page, &friends)).map_err(|fault| Error::from(fault.clone()))))
        }
        (terms(&visit, &read))
    };
    Ok(frame::page(&visit, member, &text.affiliate_title(), &text.affiliate_lead(), &main))
}

async fn listed(app: &App, user: UserId, part: &Part) -> Result<Listed, Fault> {
    if part.is_first() {
        let recent = recent_commissions(app, user, usize::try_from(ROWS).unwrap_or_default()).await?;
        let page = Page { items: recent.page.items.clone(), next: recent.page.next.clone() };
        return Ok((page, Some(recent)));
    }
    let own = CommissionFilter { beneficiary: Some(user), ..CommissionFilter::default() };
    Ok((search::commissions(app, &own, &part.window).await?, None))
}

/// The overview of what was read at the same time; if that contradicts itself, because something changed meanwhile, it is read anew.
async fn complete(
    app: &App,
    owner: &User,
    own: <OwnKeys as Keys>::Found,
    waiting: &[Versioned<CommissionHold>],
    friends: impl Iterator<Item = UserId> + Clone,
) -> Result<(AffiliateOverview, BTreeMap<UserId, User>), Error> {
    match overview_of(app, owner, own, waiting, friends.clone()).await {
        Ok((read, friends)) => Ok((read, friends.into_iter().map(|(id, user)| (id, user.into_inner())).collect())),
        Err(Error::Fault(Fault::Bug(_))) => Ok((overview(app, owner.id).await?, search::users_of(app, friends).await?)),
        Err(error) => Err(error),
    }
}

/// The weekly sums of the last weeks, less what was taken back; those of which not all is known are left out.
fn weeks(visit: &Visit, recent: &RecentCommissions, currency: Currency) -> Markup {
    let text = &visit.text;
    let monday =
        |date: Date| date.checked_sub(i64::from(date.weekday().to_monday_zero_offset()).days()).unwrap_or(date);
    let week_of = |at: Timestamp| monday(at.to_zoned(TimeZone::UTC).date());
    let oldest = recent.all.last().filter(|_| !recent.is_whole).map(|of| week_of(of.created_at));
    let begin = week_of(visit.app.clock.now());
    let all = (0..WEEKS).rev().filter_map(|back| begin.checked_sub(back.weeks()).ok());
    let all: Vec<Date> = all.filter(|week| oldest.is_none_or(|oldest| *week > oldest)).collect();
    let sum = |week: &Date| {
        let of = recent.all.iter().filter(|of| week_of(of.created_at) == *week && !of.left().is_negative());
        of.fold(LedgerMoney::zero(currency), |sum, of| sum.plus(of.left()).unwrap_or(sum))
    };
    let sums: Vec<LedgerMoney> = all.iter().map(sum).collect();
    let of = |amount: Option<LedgerMoney>| show::credit_text(amount.unwrap_or(LedgerMoney::zero(currency)));
    let by_amount = |one: &&LedgerMoney, other: &&LedgerMoney| one.amount().cmp(&other.amount());
    let (least, most) = (sums.iter().min_by(by_amount).copied(), sums.iter().max_by(by_amount).copied());
    let place = |(week, sum): (&Date, &LedgerMoney)| Place {
        tick: day(visit.language, *week),
        name: day(visit.language, *week),
        values: vec![(sum.amount(), money(&Amount::from(*sum)))],
    };
    let chart = Chart {
        id: "weeks-chart",
        form: Form::Bars,
        title: text.weeks_title(all.len()).to_string(),
        description: text.weeks_description(of(least), of(most)).to_string(),
        series: vec![text.commission_amount()],
        axis: text.week_of(),
        places: all.iter().zip(&sums).map(place).collect(),
    };
    html! {
        @if !recent.all.is_empty() && !all.is_empty() {
            section.card aria-labelledby="weeks" {
                header { h2 #weeks { (chart.title) } p { (text.weeks_note()) } }
                div.in { (chart::chart(text, &chart)) }
            }
        }
    }
}

/// Figures of the commission account; those that are seldom anything show only then.
fn figures(visit: &Visit, of: &AffiliateOverview) -> Markup {
    let (text, account) = (&visit.text, &of.account);
    let tile = |name: &str, amount: LedgerMoney, note: Option<&str>| {
        html! {
            div.tile {
                dt { (name) }
                dd { (money(&Amount::from(amount))) }
                @if let Some(note) = note { dd { (note) } }
            }
        }
    };
    html! {
        dl.tiles {
            (tile(&text.available(), account.available, Some(&text.available_note())))
            (tile(&text.pending(), account.pending, Some(&text.pending_note())))
            @if account.held.is_positive() { (tile(&text.held(), account.held, Some(&text.held_note()))) }
            (tile(&text.withdrawn(), account.withdrawn, None))
            @if account.clawed_back.is_positive() {
                (tile(&text.clawed_back(), account.clawed_back, Some(&text.clawed_back_note())))
            }
            @if account.owed().is_positive() {
                (tile(&text.commission_debt(), account.owed(), Some(&text.commission_debt_note())))
            }
            (tile(&text.earned_in_all(), of.earned, Some(&text.earned_note())))
            div.tile { dt { (text.friend_count()) } dd { (count(of.invitees)) } }
        }
    }
}

fn codes(visit: &Visit, of: &AffiliateOverview) -> Markup {
    let text = &visit.text;
    let columns = [
        Column::Text(text.invite_code()),
        Column::Text(text.code_label()),
        Column::Number(text.friend_count()),
        Column::Text(text.code_link()),
        Column::Action(text.row_action()),
    ];
    let rows: Vec<Vec<Markup>> = of.codes.iter().map(|code| row_of_code(visit, code)).collect();
    let may_make = of.programme.enabled && of.policy.can_invite && of.programme.max_codes_per_user > 0;
    html! {
        section.card aria-labelledby="codes" {
            header {
                h2 #codes { (text.invite_codes()) }
                @if of.programme.max_codes_per_user > 0 { p { (text.invite_codes_note(of.programme.max_codes_per_user)) } }
            }
            @if rows.is_empty() { (empty(visit, false, &text.no_codes(), &text.no_codes_todo())) }
            @else { (table(&columns, &rows)) }
            div.in {
                p #copied .hint aria-live="polite" {}
                @if may_make { (new_code(visit)) }
            }
        }
    }
}

fn row_of_code(visit: &Visit, code: &Shown) -> Vec<Markup> {
    let (text, name) = (&visit.text, code.invite.code.to_string());
    let (label, id) = (text.code_link_of(name.clone()), format!("link-{name}"));
    vec![
        html! { span.mono { (name) } },
        html! {
            @if code.invite.primary { (badge(&("info", text.primary_code()))) }
            @else { span.break { (code.invite.label.as_deref().unwrap_or("—")) } }
        },
        html! { (count(code.invitees)) },
        html! {
            label.hidden for=(id) { (label) }
            span.copy.slim {
                input id=(id) readonly value=(code.link);
                button.btn type="button" data-copy=(id) data-done=(&*text.link_copied()) data-else=(&*text.link_copy_by_hand()) hidden {
                    (text.link_copy())
                }
            }
        },
        html! {
            @if !code.invite.primary { a.btn.slim href=(format!("/affiliate/off?code={name}")) { (text.switch_off()) } }
        },
    ]
}

fn new_code(visit: &Visit) -> Markup {
    let text = &visit.text;
    let label = Field {
        hint: Some(text.code_label_hint().to_string()),
        ..Field::text("label", "label:?", html! { (text.code_label()) " " span.muted { (text.optional()) } })
    };
    html! {
        form.ask method="post" action="/forms/affiliate/v1/affiliate/codes" {
            (visit.sealed("POST", "/v1/affiliate/codes", "/affiliate", "/affiliate", Some("invite_code_made")))
            (field(visit, &label))
            button.btn { (text.new_code()) }
        }
    }
}

/// Asks before a code is switched off, which can't be undone (C3.2).
pub async fn off(arrival: Arrival) -> Result<Response, Instead> {
    let (visit, read) = read(arrival).await?;
    let member = visit.signed_in()?;
    let asked = visit.asked("code").and_then(InviteCode::parse);
    let code = read.codes.iter().find(|code| Some(&code.invite.code) == asked.as_ref() && !code.invite.primary);
    let Some(code) = code else { return Ok(not_found(&visit)) };
    let (text, name) = (&visit.text, code.invite.code.to_string());
    let route = format!("/v1/affiliate/codes/{name}");
    let main = html! {
        section.card {
            div.in.stack {
                dl.sum.narrow {
                    dt { (text.invite_code()) } dd.mono { (name) }
                    dt { (text.code_label()) } dd.break { (code.invite.label.as_deref().unwrap_or("—")) }
                    dt { (text.friend_count()) } dd { (count(code.invitees)) }
                }
                form.row method="post" action=(format!("/forms/affiliate{route}")) {
                    (visit.sealed("DELETE", &route, "/affiliate", "/affiliate", Some("code_off")))
                    button.btn.solid { (text.switch_off()) }
                    a.btn href="/affiliate" { (text.go_back()) }
                }
            }
        }
    };
    Ok(frame::page(&visit, member, &text.switch_off_title(name.clone()), &text.switch_off_lead(), &main))
}

fn history(visit: &Visit, part: &Part, page: &Page<Commission>, friends: &BTreeMap<UserId, User>) -> Markup {
    let text = &visit.text;
    let columns = [
        Column::Text(text.friend_of()),
        Column::Text(text.time()),
        Column::Number(text.commission_base()),
        Column::Number(text.commission_rate()),
        Column::Number(text.commission_amount()),
        Column::Text(text.state_of_it()),
        Column::Text(text.available_at()),
    ];
    let now = visit.app.clock.now();
    let row = |of: &Commission| {
        let (left, friend) = (of.left(), friends.get(&of.invitee).map(mask).unwrap_or_default());
        vec![
            html! {
                @if of.about().is_some() { (friend) }
                @if of.second_of.is_some() { span.badge { (text.commission_second()) } }
                @if let Some(posted) = &of.posted { span.badge { (text.commission_posted()) } small.break { (posted.reason) } }
            },
            time(visit.language, of.created_at),
            html! { @if of.posted.is_none() { (money(&Amount::from(of.base))) } @else { "—" } },
            html! { @if of.posted.is_none() { (text.percent(percent(of.rate))) } @else { "—" } },
            html! {
                (money(&Amount::from(left)))
                @if left != of.amount { small { (around(&text.before_refunds(HERE), &money(&Amount::from(of.amount)))) } }
            },
            badge(&text.commission_state(of.state(now))),
            time(visit.language, of.available_at),
        ]
    };
    html! {
        @if page.items.is_empty() {
            (empty(visit, page.next.is_some(), &text.no_commissions(), &text.no_commissions_todo()))
        } @else { (table(&columns, &page.items.iter().map(row).collect::<Vec<_>>())) }
        (part.pager(visit, &text.commissions(), page.next.as_ref()))
    }
}

fn terms(visit: &Visit, of: &AffiliateOverview) -> Markup {
    let (text, programme) = (&visit.text, &of.programme);
    let or_none = |count: u32, some: Markup, none: &str| {
        if count == 0 {
            html! { (none) }
        } else {
            some
        }
    };
    let (limit, hold, valid) = (of.policy.trigger_limit, programme.hold_hours, programme.valid_days);
    let currency = of.account.available.currency();
    html! {
        section.card aria-labelledby="terms" {
            header { h2 #terms { (text.affiliate_terms()) } p { (text.affiliate_terms_note()) } }
            div.in {
                dl.sum.narrow {
                    dt { (text.commission_rate()) } dd { (text.percent(percent(of.policy.rate))) }
                    dt { (text.orders_per_friend()) }
                    dd { (or_none(limit, html! { (limit) }, &text.no_limit())) }
                    dt { (text.hold_time()) }
                    dd { (or_none(hold, html! { (text.hours_of(hold)) }, &text.no_hold())) }
                    dt { (text.valid_time()) }
                    dd { (or_none(valid, html! { (text.days_of(valid)) }, &text.no_limit())) }
                    dt { (text.cap_per_friend()) }
                    dd {
                        @match exact(programme.cap_per_invitee, currency).filter(|cap| cap.is_positive()) {
                            Some(cap) => { (money(&Amount::from(cap))) }
                            None => { (text.no_limit()) }
                        }
                    }
                    dt { (text.min_cash()) }
                    dd { @if let Some(least) = least_cash(programme, currency) { (money(&Amount::from(least))) } }
                    @if programme.min_paying_invitees > 0 {
                        dt { (text.min_paying()) } dd { (text.min_paying_of(programme.min_paying_invitees)) }
                    }
                }
            }
        }
    }
}

/// The least cash withdrawal.
pub fn least_cash(programme: &Arc<AffiliateSettings>, currency: Currency) -> Option<LedgerMoney> {
    exact(programme.min_cash_withdrawal, currency)
}

/// An amount of the settings; they accept none that the ledger can't hold.
fn exact(amount: rust_decimal::Decimal, currency: Currency) -> Option<LedgerMoney> {
    LedgerMoney::exact(amount, currency).ok()
}

/// Reads the visitor and, at the same time, what their overview is made of.
pub async fn read(arrival: Arrival) -> Result<(Visit, AffiliateOverview), Instead> {
    let (app, user) = (arrival.app(), arrival.user());
    let (entered, waiting) = tokio::join!(arrival.member_with(own_keys(user)), overdue(&app, user));
    let (visit, own) = entered?;
    let owner = &visit.signed_in()?.user;
    let read = async { complete(&app, owner, own, &waiting?, std::iter::empty()).await };
    match read.await {
        Ok((read, _)) => Ok((visit, read)),
        Err(error) => Err(frame::error(&visit, error).into()),
    }
}
