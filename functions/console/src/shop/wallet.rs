//! A shop's wallet (R8.12): its accounts and their records, commission moved to what can be spent, and cash (R6.6).

use std::sync::Arc;

use axum::response::Response;
use maud::{Markup, html};
use shared::account::records::StatementFilter;
use shared::affiliate::model::withdrawal::{Withdrawal, WithdrawalState};
use shared::affiliate::withdraw::Withdrawn;
use shared::agency::model::shop::{Reach, ShopPath};
use shared::agency::model::wallet::{Wallet, WalletPart};
use shared::agency::wallets::wallet_records;
use shared::app::App;
use shared::edge::view::Amount;
use shared::kernel::fault::Error;
use shared::kernel::id::AgencyOrderId;
use shared::kernel::ledger::StatementLine;
use shared::operations::search::{self, WithdrawalFilter};
use shared::table::store::Page;

use super::desk::{Desk, FOR, enter, enter_with};
use super::parts::{Act, field, form, head, select};
use crate::admin::parts::{Tile, tiles};
use crate::list::{Column, Part, alone, empty, table};
use crate::parts::{self, Field, badge, change, money, time};
use crate::sidebar::Head;
use crate::visit::{Arrival, Instead};

const TRANSFERS: &str = "/v1/agency/wallet/transfers";
const WITHDRAWALS: &str = "/v1/agency/wallet/withdrawals";

/// The wallet with the records of one of its accounts.
pub async fn wallet(arrival: Arrival) -> Result<Response, Instead> {
    let asked = |name: &str| arrival.asked(name).unwrap_or_default().to_owned();
    let account = WalletPart::parse(&asked("account")).unwrap_or(WalletPart::Main);
    let name = format!("{}:{}", asked(FOR), account.as_str());
    let (arrival, part) = arrival.part("cursor", &name).await?;
    let filter = StatementFilter::of_balance(None, &part.window);
    let read = |app: Arc<App>, path: ShopPath| {
        let filter = filter.clone();
        async move { wallet_records(&app, &Reach::Below(path.clone()), path.shop(), account, &filter).await }
    };
    let (mut desk, wallet, lines) = enter_with(arrival, |path| path.shop().map(Wallet::key), read).await?;
    short(&mut desk, "insufficient_balance");
    let wallet = wallet.as_deref().copied().unwrap_or_else(|| Wallet::new(desk.shop, desk.settings.currency));
    let text = desk.text();
    let main = html! {
        (accounts(&desk, &wallet))
        div.two {
            section.card aria-labelledby="transfer" {
                header { h2 #transfer { (text.shop_transfer()) } p { (text.shop_transfer_lead()) } }
                div.in { (transfer(&desk, &wallet)) }
            }
            @if !desk.is_admin {
                section.card aria-labelledby="cash" {
                    header { h2 #cash { (text.shop_cash()) } p { (text.shop_cash_lead()) } }
                    div.in { div.row {
                        a.btn href="/shop/wallet/withdraw" { (text.shop_cash_do()) }
                        a.btn.bare href="/shop/wallet/withdrawals" { (text.shop_all_withdrawals()) }
                    } }
                }
            }
        }
        section.card aria-labelledby="lines" {
            header { h2 #lines { (text.records()) } (switch(&desk, account)) }
            (alone(&desk.visit, lines.map(|page| super::wallet::lines(&desk, &part, &page))))
        }
    };
    Ok(desk.page(&head(&text.shop_wallet(), &text.shop_wallet_lead()), &main))
}

/// Says at the amount that there is less commission than that.
fn short(desk: &mut Desk, code: &str) {
    if desk.visit.refused().is_some_and(|flash| flash.code == code) {
        desk.place(vec![("/amount".to_owned(), "commission_short".to_owned())]);
    }
}

fn accounts(desk: &Desk, wallet: &Wallet) -> Markup {
    let text = desk.text();
    let tile = |name: String, amount, note: String| Tile {
        name,
        figure: money(&Amount::from(amount)),
        notes: vec![html! { (note) }],
    };
    let (held, debt) = (wallet.held(), wallet.commission.owed());
    let mut all = vec![
        tile(text.shop_main().to_string(), wallet.main.balance(), text.shop_main_note().to_string()),
        tile(text.shop_commission().to_string(), wallet.commission.balance(), text.shop_commission_note().to_string()),
        tile(text.shop_held().to_string(), held, text.shop_held_note().to_string()),
    ];
    if debt.is_positive() {
        all.push(tile(text.debt().to_string(), debt, text.shop_debt_note().to_string()));
    }
    tiles(&all)
}

fn transfer(desk: &Desk, wallet: &Wallet) -> Markup {
    let text = desk.text();
    let available = wallet.commission.balance();
    let shown = Amount::from(available);
    let hint = Some(text.shop_transfer_most(format!("{} {}", shown.amount, shown.currency)).to_string());
    let amount = Field { hint, required: true, ..field("amount", "amount", &text.amount()) };
    let fields = html! {
        @if desk.is_admin { input type="hidden" name="shop_id" value=(desk.shop); }
        (parts::field(&desk.visit, &amount))
        div.row { button.btn.go { (text.shop_transfer_do()) } }
    };
    html! {
        @if available.is_positive() {
            (form(desk, &Act { method: "POST", route: TRANSFERS, done: "/shop/wallet", said: "commission_moved" }, &fields))
        } @else { p.muted { (text.shop_transfer_nothing()) } }
    }
}

/// Links to the records of each account.
fn switch(desk: &Desk, now: WalletPart) -> Markup {
    let text = desk.text();
    let name = |part: WalletPart| match part {
        WalletPart::Main => text.shop_main(),
        WalletPart::Commission => text.shop_commission(),
        WalletPart::Held => text.shop_held(),
    };
    html! {
        span.row {
            @for part in WalletPart::ALL {
                a.btn.slim href=(desk.to_with("/shop/wallet", &[("account", part.as_str())])) aria-current=[(part == now).then_some("true")] { (name(part)) }
            }
        }
    }
}

/// Statement lines with their pager; a line of a sale leads to it.
pub fn lines(desk: &Desk, part: &Part, page: &Page<StatementLine>) -> Markup {
    let (visit, text) = (&desk.visit, desk.text());
    let columns = [
        Column::Text(text.kind()),
        Column::Text(text.time()),
        Column::Text(text.remark()),
        Column::Number(text.amount()),
        Column::Number(text.after()),
    ];
    let sale = |line: &StatementLine| line.related_id.as_deref().and_then(AgencyOrderId::parse);
    let row = |line: &StatementLine| {
        vec![
            html! { (text.kind_of(line.kind)) },
            time(visit.language, line.created_at),
            html! {
                span.break { (line.remark.as_deref().unwrap_or_default()) }
                @if let Some(sale) = sale(line) { a href=(desk.to(&format!("/shop/sales/{sale}"))) { (text.shop_sale()) } }
            },
            change(&Amount::from(line.amount)),
            money(&Amount::from(line.balance_after)),
        ]
    };
    let rows: Vec<Vec<Markup>> = page.items.iter().map(row).collect();
    html! {
        @if rows.is_empty() { (empty(visit, page.next.is_some(), &text.shop_no_records(), &text.shop_no_records_todo())) }
        @else { (table(&columns, &rows)) }
        (part.pager(visit, &text.records(), page.next.as_ref()))
    }
}

fn trail(desk: &Desk) -> Vec<(String, Markup)> {
    vec![(desk.to("/shop/wallet"), html! { (desk.text().shop_wallet()) })]
}

/// The form that asks for cash.
pub async fn withdraw(arrival: Arrival) -> Result<Response, Instead> {
    let (mut desk, wallet, ()) = enter_with(arrival, |path| path.shop().map(Wallet::key), |_, _| async {}).await?;
    if desk.is_admin {
        return Ok(crate::visit::not_found(&desk.visit));
    }
    short(&mut desk, "insufficient_available");
    let wallet = wallet.as_deref().copied().unwrap_or_else(|| Wallet::new(desk.shop, desk.settings.currency));
    let text = desk.text();
    let available = Amount::from(wallet.commission.balance());
    let least = desk.settings.min_cash_withdrawal;
    let most = format!("{} {}", available.amount, available.currency);
    let hint = Some(text.shop_cash_bounds(desk.words(least), most).to_string());
    let amount = Field { hint, required: true, ..field("amount", "amount", &text.amount()) };
    let methods = desk.settings.withdrawal_methods.iter().map(|method| (method.clone(), text.payout_way(method)));
    let methods: Vec<(String, String)> = methods.collect();
    let name = html! { (text.payout_name()) " " span.muted { (text.optional()) } };
    let fields = html! {
        (parts::field(&desk.visit, &amount))
        (select(&desk, ("payout-method", "payout.method"), &text.shop_cash_way(), &methods, ""))
        (parts::field(&desk.visit, &Field { hint: Some(text.shop_cash_account_hint().to_string()), required: true, ..field("payout-account", "payout.account", &text.payout_account()) }))
        (parts::field(&desk.visit, &Field { label: name, ..field("payout-name", "payout.name:?", &text.payout_name()) }))
        p.small.muted { (text.confirm_cash_note()) }
        div.row { button.btn.go { (text.withdraw_cash_do()) } a.btn.bare href="/shop/wallet" { (text.go_back()) } }
    };
    let act = Act { method: "POST", route: WITHDRAWALS, done: "/shop/wallet/withdrawals", said: "withdrawn_cash" };
    let main = html! {
        section.card { div.in {
            @if wallet.commission.balance().is_positive() { (form(&desk, &act, &fields)) } @else { p { (text.shop_transfer_nothing()) } }
        } }
    };
    let head = Head { trail: trail(&desk), ..head(&text.shop_cash_do(), &text.shop_cash_lead()) };
    Ok(desk.page(&head, &main))
}

/// The shop's withdrawals; an open one can be cancelled.
pub async fn withdrawals(arrival: Arrival) -> Result<Response, Instead> {
    let whose = arrival.asked(FOR).unwrap_or_default().to_owned();
    let (arrival, part) = arrival.part("cursor", &whose).await?;
    let window = part.window.clone();
    let read = |app: Arc<App>, path: ShopPath| {
        let window = window.clone();
        async move {
            let own = WithdrawalFilter { shop: path.shop(), ..WithdrawalFilter::default() };
            search::withdrawals(&app, &own, &window).await
        }
    };
    let (desk, page) = enter(arrival, read).await?;
    let text = desk.text();
    let shown = page.map(|page| listed(&desk, &part, &page)).map_err(Error::from);
    let main = html! { section.card aria-label=(&*text.withdrawals()) { (alone(&desk.visit, shown)) } };
    let head = Head { trail: trail(&desk), ..head(&text.withdrawals(), &text.shop_withdrawals_lead()) };
    Ok(desk.page(&head, &main))
}

fn listed(desk: &Desk, part: &Part, page: &Page<Withdrawal>) -> Markup {
    let (visit, text) = (&desk.visit, desk.text());
    let columns = [
        Column::Text(text.withdraw_to()),
        Column::Text(text.time()),
        Column::Number(text.amount()),
        Column::Text(text.state_of_it()),
        Column::Text(text.withdrawal_note()),
        Column::Action(text.row_action()),
    ];
    let row = |of: &Withdrawal| {
        let of = Withdrawn::from(of);
        let to = of
            .payout
            .as_ref()
            .map(|(method, account)| html! { (text.to_cash(text.payout_way(method))) small.mono { (account) } });
        vec![
            to.unwrap_or_default(),
            time(visit.language, of.created_at),
            money(&Amount::from(of.amount)),
            badge(&text.withdrawal_state(of.state)),
            html! { span.break { (of.reference.as_deref().or(of.reason.as_deref()).unwrap_or("—")) } },
            html! { @if of.state == WithdrawalState::Requested && !desk.is_admin { (cancel(desk, &of)) } },
        ]
    };
    let rows: Vec<Vec<Markup>> = page.items.iter().map(row).collect();
    html! {
        @if rows.is_empty() { (empty(visit, page.next.is_some(), &text.no_withdrawals(), &text.shop_no_withdrawals_todo())) }
        @else { (table(&columns, &rows)) }
        (part.pager(visit, &text.withdrawals(), page.next.as_ref()))
    }
}

fn cancel(desk: &Desk, of: &Withdrawn) -> Markup {
    let route = format!("{WITHDRAWALS}/{}/cancel", of.id);
    let list = "/shop/wallet/withdrawals";
    html! {
        form method="post" action=(format!("/forms/agency{route}")) {
            (desk.visit.sealed("POST", &route, list, list, Some("withdrawal_cancelled")))
            button.btn.slim { (desk.text().cancel_it()) }
        }
    }
}
