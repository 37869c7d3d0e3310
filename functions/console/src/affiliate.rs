//! The affiliate programme of a user (R6): figures, terms, invite codes, commissions.

use std::sync::Arc;

use axum::response::Response;
use maud::{Markup, html};
use shared::account::browser::Visitor;
use shared::affiliate::model::commission::Commission;
use shared::affiliate::model::settings::AffiliateSettings;
use shared::affiliate::overview::{AffiliateOverview, commissions, overview};
use shared::edge::view::Amount;
use shared::kernel::fault::Error;
use shared::kernel::money::{Currency, LedgerMoney};
use shared::referral::invite_code::Shown;
use shared::referral::model::referral::InviteCode;
use shared::table::store::Page;

use crate::frame;
use crate::list::{Column, Part, alone, empty, table};
use crate::parts::{Field, badge, field, money, percent, time};
use crate::visit::{Member, Visit, failed};

/// The affiliate page.
pub async fn affiliate(Member(visit): Member) -> Response {
    let member = match visit.member() {
        Ok(member) => member,
        Err(fault) => return failed(&visit, &fault),
    };
    let part = match Part::of(&visit, member, "cursor") {
        Ok(part) => part,
        Err(refusal) => return frame::refused(&visit, &refusal),
    };
    let (read, earned) =
        tokio::join!(overview(&visit.app, member.user.id), commissions(&visit.app, member.user.id, &part.window));
    let read = match read {
        Ok(read) => read,
        Err(error) => return unread(&visit, &error),
    };
    let text = &visit.text;
    let main = html! {
        @if !read.programme.enabled { div.note.wait { span { (text.affiliate_off()) } } }
        @else if !read.policy.can_invite { div.note.wait { span { (text.affiliate_may_not()) } } }
        (figures(&visit, &read))
        div.row {
            a.btn.go href="/affiliate/withdraw" { (text.withdraw()) }
            a.btn href="/affiliate/withdrawals" { (text.withdrawals()) }
        }
        (codes(&visit, &read))
        section.card aria-labelledby="commissions" {
            header { h2 #commissions { (text.commissions()) } p { (text.commissions_note()) } }
            (alone(&visit, earned.map(|page| history(&visit, &part, &page)).map_err(Error::from)))
        }
        (terms(&visit, &read))
    };
    frame::page(&visit, member, &text.affiliate_title(), &text.affiliate_lead(), &main)
}

/// The page in place of one whose main part could not be read.
pub fn unread(visit: &Visit, error: &Error) -> Response {
    match error {
        Error::Refused(refusal) => frame::refused(visit, refusal),
        Error::Fault(fault) => failed(visit, fault),
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
            div.tile { dt { (text.friend_count()) } dd { (of.invitees) } }
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
                p { (text.invite_codes_note(of.programme.max_codes_per_user)) }
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
        html! { (code.invitees) },
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
        id: "label",
        name: "label:?",
        label: html! { (text.code_label()) " " span.muted { (text.optional()) } },
        kind: "text",
        autocomplete: "off",
        hint: Some(text.code_label_hint().to_string()),
        value: None,
        required: false,
        mono: false,
        show: None,
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
pub async fn off(Member(visit): Member) -> Response {
    let member = match visit.member() {
        Ok(member) => member,
        Err(fault) => return failed(&visit, &fault),
    };
    let read = match overview(&visit.app, member.user.id).await {
        Ok(read) => read,
        Err(error) => return unread(&visit, &error),
    };
    let asked = visit.asked("code").and_then(InviteCode::parse);
    let code = read.codes.iter().find(|code| Some(&code.invite.code) == asked.as_ref() && !code.invite.primary);
    let Some(code) = code else { return crate::visit::no_page(visit).await };
    let (text, name) = (&visit.text, code.invite.code.to_string());
    let route = format!("/v1/affiliate/codes/{name}");
    let main = html! {
        section.card {
            div.in.stack {
                dl.sum.narrow {
                    dt { (text.invite_code()) } dd.mono { (name) }
                    dt { (text.code_label()) } dd.break { (code.invite.label.as_deref().unwrap_or("—")) }
                    dt { (text.friend_count()) } dd { (code.invitees) }
                }
                form.row method="post" action=(format!("/forms/affiliate{route}")) {
                    (visit.sealed("DELETE", &route, "/affiliate", "/affiliate", Some("code_off")))
                    button.btn.solid { (text.switch_off()) }
                    a.btn href="/affiliate" { (text.go_back()) }
                }
            }
        }
    };
    frame::page(&visit, member, &text.switch_off_title(name.clone()), &text.switch_off_lead(), &main)
}

fn history(visit: &Visit, part: &Part, page: &Page<(Commission, String)>) -> Markup {
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
    let row = |(of, friend): &(Commission, String)| {
        let left = of.left();
        vec![
            html! { (friend) },
            time(visit.language, of.created_at),
            money(&Amount::from(of.base)),
            html! { (percent(of.rate)) },
            html! {
                (money(&Amount::from(left)))
                @if left != of.amount { small { (text.before_refunds()) " " (money(&Amount::from(of.amount))) } }
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
                    dt { (text.commission_rate()) } dd { (percent(of.policy.rate)) }
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

/// The member of a page whose main part is the programme's overview.
pub async fn read(visit: &Visit) -> Result<(&Visitor, AffiliateOverview), Error> {
    let member = visit.member()?;
    Ok((member, overview(&visit.app, member.user.id).await?))
}
