//! Withdrawal of commission (R6.5, R6.6): how much and where to, a page that states what happens, and the list.
//!
//! The confirmation is asked for by `GET`, so its URL holds amount and way, and never a payout account (C4.9).

use axum::response::Response;
use maud::{Markup, html};
use shared::account::adjust_balance::unsigned_amount;
use shared::account::browser::Visitor;
use shared::affiliate::model::withdrawal::{Destination, Withdrawal, WithdrawalState};
use shared::affiliate::overview::AffiliateOverview;
use shared::affiliate::withdraw::Withdrawn;
use shared::edge::forms::Flash;
use shared::edge::view::Amount;
use shared::kernel::fault::Error;
use shared::kernel::money::LedgerMoney;
use shared::operations::search::{self, WithdrawalFilter};
use shared::table::store::Page;

use crate::affiliate::{least_cash, read};
use crate::frame;
use crate::list::{Column, Part, alone, empty, table};
use crate::parts::{Field, HERE, around, badge, field, money, time};
use crate::visit::{Arrival, Instead, Visit};

/// Route that withdraws.
const WITHDRAW: &str = "/v1/affiliate/withdrawals";
/// Value of the choice of the balance; that of cash is `cash:` with the method.
const BALANCE: &str = "balance";

/// The page that asks for amount and way.
pub async fn withdraw(arrival: Arrival) -> Result<Response, Instead> {
    let (visit, of) = read(arrival).await?;
    Ok(choose(&visit, visit.signed_in()?, &of))
}

fn choose(visit: &Visit, member: &Visitor, of: &AffiliateOverview) -> Response {
    let text = &visit.text;
    let available = of.account.available;
    let shown = Amount::from(available);
    let amount = Field {
        value: visit.asked("amount"),
        required: true,
        ..Field::text("amount", "amount", html! { (text.withdraw_amount(shown.currency.as_str())) })
    };
    let all = format!("/affiliate/withdraw?amount={}", shown.amount);
    let main = html! {
        @if available.is_positive() {
            section.card {
                div.in {
                    form.stack method="get" action="/affiliate/withdraw/confirm" {
                        (ways(visit, of))
                        div.narrow { (field(visit, &amount)) }
                        p.row { span { (around(&text.withdraw_available(HERE), &money(&shown))) } a href=(all) { (text.withdraw_all()) } }
                        div.row {
                            button.btn.go { (text.withdraw_next()) }
                            a.btn href="/affiliate" { (text.go_back()) }
                        }
                    }
                }
            }
        } @else {
            div.note { span { (text.withdraw_nothing()) } }
            p { a.btn href="/affiliate" { (text.back_to_affiliate()) } }
        }
    };
    frame::page(visit, member, &text.withdraw_title(), &text.withdraw_lead(), &main)
}

fn ways(visit: &Visit, of: &AffiliateOverview) -> Markup {
    let text = &visit.text;
    let chosen = visit.asked("to").unwrap_or(BALANCE);
    let way = |value: &str, id: &str, name: &str, note: Option<String>| {
        html! {
            label.way for=(id) {
                input id=(id) type="radio" name="to" value=(value) checked[chosen == value];
                span.face {}
                span { (name) @if let Some(note) = note { small { (note) } } }
            }
        }
    };
    let least = least_cash(&of.programme, of.account.available.currency()).map(Amount::from);
    let note = least.filter(|least| least.amount != "0").map(|least| text.to_cash_note(least.amount, least.currency));
    let note = note.map(|note| note.to_string());
    let methods = of.programme.withdrawal_methods.iter().enumerate();
    html! {
        fieldset {
            legend { (text.withdraw_where()) }
            div.ways {
                (way(BALANCE, "to-balance", &text.to_balance(), Some(text.to_balance_note().to_string())))
                @for (index, method) in methods {
                    (way(&format!("cash:{method}"), &format!("to-cash-{index}"), &text.to_cash(text.payout_way(method)), note.clone()))
                }
            }
        }
    }
}

/// Amount and way that the query names.
struct Wish {
    amount: LedgerMoney,
    /// Method of payout; none to the balance.
    method: Option<String>,
}

impl Wish {
    /// Reads the query against the account as it is now.
    ///
    /// # Rejects
    /// Pointer and code of what is wrong with it.
    fn of(visit: &Visit, of: &AffiliateOverview) -> Result<Self, (&'static str, &'static str)> {
        let method = match visit.asked("to") {
            None | Some(BALANCE) => None,
            Some(to) => {
                let asked = to.strip_prefix("cash:").unwrap_or_default();
                let offered = of.programme.withdrawal_methods.iter().find(|offered| *offered == asked);
                Some(offered.cloned().ok_or(("/amount", "not_offered"))?)
            }
        };
        let text = visit.asked("amount").unwrap_or_default().trim();
        let amount = unsigned_amount("/amount", text).map_err(|error| ("/amount", error.code))?;
        let available = of.account.available;
        let amount = LedgerMoney::exact(amount, available.currency()).map_err(|_| ("/amount", "not_a_decimal"))?;
        let is_too_little = method.is_some()
            && least_cash(&of.programme, available.currency()).is_some_and(|least| amount.amount() < least.amount());
        if is_too_little {
            return Err(("/amount", "too_little"));
        }
        if amount.amount() > available.amount() {
            return Err(("/amount", "too_much"));
        }
        Ok(Self { amount, method })
    }
}

/// The page that states what will happen, and asks for the payout account where there is one.
pub async fn confirm(arrival: Arrival) -> Result<Response, Instead> {
    let (mut visit, of) = read(arrival).await?;
    let wish = Wish::of(&visit, &of);
    if let Err((pointer, code)) = &wish
        && visit.refused().is_none()
        && of.account.available.is_positive()
    {
        let errors = vec![((*pointer).to_owned(), (*code).to_owned())];
        visit.wrong = Some(Flash { code: "invalid".to_owned(), refused: true, errors, ..Flash::default() });
    }
    let member = visit.signed_in()?;
    Ok(match wish {
        Ok(wish) => asked(&visit, member, &of, &wish),
        Err(_) => choose(&visit, member, &of),
    })
}

fn asked(visit: &Visit, member: &Visitor, of: &AffiliateOverview, wish: &Wish) -> Response {
    let text = &visit.text;
    let back = visit.with("", "");
    let (said, act) = match wish.method {
        Some(_) => ("withdrawn_cash", text.withdraw_cash_do()),
        None => ("withdrawn_balance", text.withdraw_balance_do()),
    };
    let to = if wish.method.is_some() { Destination::Cash } else { Destination::Balance };
    let main = html! {
        section.card {
            div.in {
                form.stack.narrow method="post" action="/forms/affiliate/v1/affiliate/withdrawals" {
                    (visit.sealed("POST", WITHDRAW, "/affiliate/withdrawals", &back, Some(said)))
                    input type="hidden" name="amount" value=(Amount::from(wish.amount).amount);
                    input type="hidden" name="to" value=(to.as_str());
                    (effects(visit, member, of, wish))
                    @if let Some(method) = &wish.method { (payout(visit, method)) }
                    div.row {
                        button.btn.go { (act) }
                        a.btn href=(format!("/affiliate/withdraw?amount={}", Amount::from(wish.amount).amount)) { (text.go_back()) }
                    }
                }
            }
        }
    };
    frame::page(visit, member, &text.confirm_title(), &text.confirm_lead(), &main)
}

/// Effects of the withdrawal in numbers: the amount that arrives and the one that stays (C3.2).
fn effects(visit: &Visit, member: &Visitor, of: &AffiliateOverview, wish: &Wish) -> Markup {
    let text = &visit.text;
    let accounts = &member.user.accounts;
    let left = of.account.available.minus(wish.amount).ok();
    let owes = accounts.owed().is_positive();
    let after = accounts.balance().plus(wish.amount).ok().filter(|_| !owes);
    let what = match &wish.method {
        Some(method) => text.confirm_cash(text.payout_way(method)),
        None => text.confirm_arrives(),
    };
    html! {
        dl.sum {
            dt { (what) } dd { (money(&Amount::from(wish.amount))) }
            @if let Some(left) = left { dt { (text.confirm_left()) } dd { (money(&Amount::from(left))) } }
            @if let Some(after) = after.filter(|_| wish.method.is_none()) {
                dt.total { (text.confirm_balance_after()) } dd.total { (money(&Amount::from(after))) }
            }
        }
        @if wish.method.is_some() { p.muted { (text.confirm_cash_note()) } }
        @else if owes { p.muted { (text.confirm_debt_first()) } }
    }
}

fn payout(visit: &Visit, method: &str) -> Markup {
    let text = &visit.text;
    let account = Field {
        hint: Some(text.payout_account_hint(text.payout_way(method)).to_string()),
        required: true,
        ..Field::text("payout-account", "payout.account", html! { (text.payout_account()) })
    };
    let optional = html! { (text.payout_name()) " " span.muted { (text.optional()) } };
    html! {
        input type="hidden" name="payout.method" value=(method);
        (field(visit, &account))
        (field(visit, &Field::text("payout-name", "payout.name:?", optional)))
    }
}

/// All withdrawals; an open one can be cancelled.
pub async fn withdrawals(arrival: Arrival) -> Result<Response, Instead> {
    let (arrival, part) = arrival.part("cursor", "").await?;
    let app = arrival.app();
    let own = WithdrawalFilter { user: Some(arrival.user()), ..WithdrawalFilter::default() };
    let (visit, page) = tokio::join!(arrival.member(), search::withdrawals(&app, &own, &part.window));
    let visit = visit?;
    let (text, member) = (&visit.text, visit.signed_in()?);
    let main = html! {
        div.row {
            a.btn.go href="/affiliate/withdraw" { (text.withdraw()) }
            a.btn href="/affiliate" { (text.back_to_affiliate()) }
        }
        section.card aria-label=(&*text.withdrawals()) {
            (alone(&visit, page.map(|page| listed(&visit, &part, &page)).map_err(Error::from)))
        }
    };
    Ok(frame::page(&visit, member, &text.withdrawals(), &text.withdrawals_lead(), &main))
}

fn listed(visit: &Visit, part: &Part, page: &Page<Withdrawal>) -> Markup {
    let text = &visit.text;
    let columns = [
        Column::Text(text.withdraw_to()),
        Column::Text(text.time()),
        Column::Number(text.amount()),
        Column::Text(text.state_of_it()),
        Column::Text(text.withdrawal_settled()),
        Column::Text(text.withdrawal_note()),
        Column::Action(text.row_action()),
    ];
    let rows: Vec<Vec<Markup>> = page.items.iter().map(|of| row(visit, &Withdrawn::from(of))).collect();
    html! {
        @if rows.is_empty() { (empty(visit, page.next.is_some(), &text.no_withdrawals(), &text.no_withdrawals_todo())) }
        @else { (table(&columns, &rows)) }
        (part.pager(visit, &text.withdrawals(), page.next.as_ref()))
    }
}

fn row(visit: &Visit, of: &Withdrawn) -> Vec<Markup> {
    let text = &visit.text;
    let note = of.reference.as_deref().or(of.reason.as_deref()).unwrap_or("—");
    vec![
        html! {
            @match &of.payout {
                Some((method, account)) => { (text.to_cash(text.payout_way(method))) small.mono { (account) } }
                None => { (text.to_balance()) }
            }
        },
        time(visit.language, of.created_at),
        money(&Amount::from(of.amount)),
        badge(&text.withdrawal_state(of.state)),
        html! { @match of.settled_at { Some(at) => { (time(visit.language, at)) } None => { "—" } } },
        html! { span.break { (note) } },
        html! { @if of.in_batch { (text.withdrawal_in_batch()) } @else if of.state == WithdrawalState::Requested { (cancel(visit, of)) } },
    ]
}

fn cancel(visit: &Visit, of: &Withdrawn) -> Markup {
    let route = format!("{WITHDRAW}/{}/cancel", of.id);
    let list = visit.path.as_str();
    html! {
        form method="post" action=(format!("/forms/affiliate{route}")) {
            (visit.sealed("POST", &route, list, list, Some("withdrawal_cancelled")))
            button.btn.slim { (visit.text.cancel_it()) }
        }
    }
}
