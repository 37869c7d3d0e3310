//! The wallet of a shop for staff: its accounts, commission moved to the main one, and adjustments (R8.12).

use axum::extract::Path;
use axum::response::Response;
use maud::{Markup, html};
use shared::account::records::StatementFilter;
use shared::agency::model::shop::Shop;
use shared::agency::model::wallet::{Wallet, WalletPart};
use shared::agency::wallets::{main_after, wallet_records};
use shared::edge::view::Amount;
use shared::kernel::fault::Error;
use shared::kernel::id::ShopId;
use shared::kernel::ledger::{RecordType, StatementLine};
use shared::kernel::money::LedgerMoney;
use shared::kernel::refusal::Refusal;

use super::super::acts::{Act, adjustment, adjustment_fields, asked_adjustment, form, line};
use super::super::filters::{Days, Filter, filters, given};
use super::super::ledger::related;
use super::super::menu;
use super::super::pages::Staff;
use super::super::parts::{Confirm, below, card, confirm, time};
use super::shops::{balances, shop_of};
use super::{ALL, currency, id, page_of, trail};
use crate::frame;
use crate::list::{Column, alone};
use crate::parts::{change, money};
use crate::show::credit_text;
use crate::visit::{Visit, failed};

fn above(visit: &Visit, shop: &Shop) -> Vec<(String, Markup)> {
    let mut all = trail("shops", &visit.text.staff_shops());
    all.push((page_of("shops", &shop.id), html! { (shop.name) }));
    all
}

/// The wallet with the lines of one of its accounts.
pub async fn show(path: Option<Path<String>>, staff: Staff) -> Response {
    let staff = staff.beside(|_| None);
    let visit = &staff.0;
    let Some(shop_id) = id(path, ShopId::parse) else { return crate::visit::not_found(visit) };
    let account = given(visit, "account").as_deref().and_then(WalletPart::parse).unwrap_or(WalletPart::Main);
    let kind = given(visit, "type").as_deref().and_then(RecordType::parse);
    let part = match staff.part(&(account, kind), Days::default()) {
        Ok(part) => part,
        Err(refusal) => return frame::refused(visit, &refusal),
    };
    let wanted = StatementFilter::of_balance(kind, &part.window);
    let (found, lines) = tokio::join!(
        visit.app.store.read((Shop::key(shop_id), Wallet::key(shop_id))),
        wallet_records(&visit.app, &ALL, Some(shop_id), account, &wanted),
    );
    let (shop, wallet) = match found {
        Ok((Some(shop), wallet)) => (shop.into_inner(), wallet.map(|wallet| wallet.into_inner())),
        Ok((None, _)) => return crate::visit::not_found(visit),
        Err(fault) => return failed(visit, &fault),
    };
    let text = &visit.text;
    let listed = lines.map(|page| {
        let rows: Vec<Vec<Markup>> = page.items.iter().map(|line| row(visit, line)).collect();
        let nothing = (&*text.nothing_fits(), "");
        part.list(visit, &text.tree_wallet(), &columns(visit), (&rows, page.next.as_ref()), nothing)
    });
    let main = html! {
        (balances(visit, wallet.as_ref()))
        @if staff.may("/admin/shops/{id}/adjust") { (acts(visit, &shop, wallet.as_ref())) }
        section.card aria-label=(&*text.tree_wallet()) { (filters(visit, &fields(visit, account))) (alone(visit, listed)) }
    };
    menu::page(&staff, &below(text.tree_wallet_of(shop.name.as_str()).to_string(), above(visit, &shop)), &main)
}

fn fields(visit: &Visit, account: WalletPart) -> [Filter; 2] {
    let text = &visit.text;
    let accounts = WalletPart::ALL.iter().map(|part| (part.as_str().to_owned(), text.wallet_part(*part).to_string()));
    let kinds = RecordType::ALL.iter().map(|kind| (kind.as_str().to_owned(), text.kind_of(*kind).to_string()));
    let default = Some(account.as_str().to_owned());
    [
        Filter::choice(visit, "account", text.account_of_one(), accounts.collect()).or(visit, default),
        Filter::choice(visit, "type", text.kind(), kinds.collect()),
    ]
}

fn columns(visit: &Visit) -> [Column; 6] {
    let text = &visit.text;
    [
        Column::Text(text.kind()),
        Column::Text(text.related_id()),
        Column::Number(text.amount()),
        Column::Number(text.before()),
        Column::Number(text.after()),
        Column::Text(text.time()),
    ]
}

/// A statement line.
pub fn row(visit: &Visit, line: &StatementLine) -> Vec<Markup> {
    vec![
        html! { (visit.text.kind_of(line.kind)) @if let Some(remark) = &line.remark { small.break { (remark) } } },
        related(line.related_id.as_deref()),
        change(&Amount::from(line.amount)),
        money(&Amount::from(line.balance_before)),
        money(&Amount::from(line.balance_after)),
        time(visit.language, line.created_at),
    ]
}

/// Commission to the main account, and the way to an adjustment.
fn acts(visit: &Visit, shop: &Shop, wallet: Option<&Wallet>) -> Markup {
    let text = &visit.text;
    let page = page_of("shops", &shop.id);
    let act = Act {
        method: "POST",
        route: "/v1/agency/wallet/transfers".to_owned(),
        done: format!("{page}/wallet"),
        said: "commission_moved",
    };
    let most = wallet.map(|wallet| wallet.commission.balance()).filter(|most| most.is_positive());
    let content = html! {
        div.in.stack {
            @if let Some(most) = most {
                @let fields = html! {
                    input type="hidden" name="shop_id" value=(shop.id);
                    (line(visit, ("amount", "amount"), &text.tree_transfer_amount(most.currency().code()), Some(text.refund_at_most(credit_text(most)).to_string()), Some(&Amount::from(most).amount)))
                };
                div.narrow { (form(visit, &act, &fields, &text.tree_transfer())) }
            } @else { p.muted { (text.tree_transfer_none()) } }
            div.row { a.btn href=(format!("{page}/adjust")) { (text.tree_adjust()) } }
        }
    };
    card("acts", &text.tree_money(), &content)
}

/// An adjustment, and the main account before and after it.
struct Adjusted {
    amount: LedgerMoney,
    before: LedgerMoney,
    after: LedgerMoney,
}

/// Adjusts the main account: amount and remark, then what that does.
pub async fn adjust(path: Option<Path<String>>, mut staff: Staff) -> Response {
    let shop = match shop_of(&staff.0, id(path, ShopId::parse)).await {
        Ok(shop) => shop,
        Err(response) => return response,
    };
    let adjusted = match adjusted(&staff.0, &shop).await {
        Ok(adjusted) => adjusted,
        Err(Error::Refused(refusal)) => {
            staff = staff.wrong(&refusal);
            None
        }
        Err(Error::Fault(fault)) => return failed(&staff.0, &fault),
    };
    let visit = &staff.0;
    let main = match &adjusted {
        Some(adjusted) => adjust_confirm(visit, &shop, adjusted),
        None => adjust_form(visit, &shop),
    };
    let title = visit.text.tree_adjust_of(shop.name.as_str()).to_string();
    menu::page(&staff, &below(title, above(visit, &shop)), &main)
}

/// The adjustment of the entries; nothing while there are none.
async fn adjusted(visit: &Visit, shop: &Shop) -> Result<Option<Adjusted>, Error> {
    let Some(amount) = asked_adjustment(visit)? else { return Ok(None) };
    let wallet = visit.app.store.get::<Wallet>(&Wallet::key(shop.id)).await?;
    let wallet = match wallet {
        Some(wallet) => wallet.into_inner(),
        None => Wallet::new(shop.id, currency(visit).await?),
    };
    let before = wallet.main.balance();
    let amount = LedgerMoney::exact(amount, before.currency())
        .map_err(|_| Refusal::field("/amount", "not_a_decimal", "digits of the currency"))?;
    match main_after(&wallet, amount) {
        Ok(after) => Ok(Some(Adjusted { amount, before, after })),
        Err(Error::Refused(_)) => {
            Err(Refusal::field("/amount", "wallet_short", "a debit of at most the balance").into())
        }
        Err(fault) => Err(fault),
    }
}

fn adjust_form(visit: &Visit, shop: &Shop) -> Markup {
    let text = &visit.text;
    let (amount, hint) = (text.tree_adjust_amount(), text.tree_adjust_remark_hint());
    adjustment(visit, &html! {}, &amount, &hint, &page_of("shops", &shop.id))
}

fn adjust_confirm(visit: &Visit, shop: &Shop, of: &Adjusted) -> Markup {
    let text = &visit.text;
    let remark = visit.asked("remark").unwrap_or_default();
    let shown = |amount: LedgerMoney| money(&Amount::from(amount));
    let effects = html! {
        div.in.stack-s {
            p.break { strong { (change(&Amount::from(of.amount))) } " " (remark) }
            dl.sum {
                dt { (text.tree_main_now()) } dd { (shown(of.before)) }
                dt.total { (text.tree_main_after()) } dd.total { (shown(of.after)) }
            }
        }
    };
    let confirmed = Confirm {
        method: "POST",
        route: &format!("/v1/admin/shops/{}/adjustments", shop.id),
        done: (&format!("{}/wallet", page_of("shops", &shop.id)), "shop_adjusted"),
        back: &visit.path,
        act: text.person_adjust_do(credit_text(of.amount)).to_string(),
        effects,
        fields: adjustment_fields(visit),
    };
    confirm(visit, &confirmed)
}
