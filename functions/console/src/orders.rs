//! A user's orders: the list, one order in every state, its cancellation, and the page that providers lead back to.

mod order;
mod result;

use axum::response::Response;
use maud::{Markup, html};
use shared::edge::page::{open, seal};
use shared::edge::view::Amount;
use shared::kernel::fault::Error;
use shared::kernel::refusal::Refusal;
use shared::payment::model::order::OrderStatus;
use shared::payment::orders_of::{orders_of, views};
use shared::payment::view::OrderView;

pub use self::order::{cancel, show, state};
pub use self::result::result;
use crate::frame;
use crate::show::{self, Column};
use crate::visit::{Member, Visit, failed};

/// Rows of the list (C3).
const ROWS: i32 = 20;

/// One page of orders, and the cursor of the next.
struct Listed {
    status: Option<OrderStatus>,
    orders: Vec<OrderView>,
    older: Option<String>,
}

/// All orders, by state.
pub async fn list(Member(visit): Member) -> Response {
    let visitor = match visit.member() {
        Ok(visitor) => visitor,
        Err(fault) => return failed(&visit, &fault),
    };
    let listed = match read(&visit).await {
        Ok(listed) => listed,
        Err(error) => return frame::error(&visit, error),
    };
    let text = &visit.text;
    let main = html! {
        section.card aria-label=(&*text.orders()) {
            (filters(&visit, listed.status))
            @if listed.orders.is_empty() { (empty(&visit, &listed)) } @else { (show::orders(&visit, &listed.orders)) }
            (show::pager(&visit, &text.orders(), listed.older.as_deref()))
        }
    };
    frame::page(&visit, visitor, &text.orders(), &text.orders_lead(), &main)
}

async fn read(visit: &Visit) -> Result<Listed, Error> {
    let user = visit.member()?.user.id;
    let status = visit.asked("status").and_then(OrderStatus::parse);
    let name = format!("/orders:{user}:{}", status.map(OrderStatus::as_str).unwrap_or_default());
    let secret = &visit.app.config.secret;
    let position = |cursor: &str| open(secret, &name, cursor).ok_or(Refusal::ForgedCursor);
    let after = visit.asked("cursor").map(position).transpose()?;
    let mut page = orders_of(&visit.app, user, ROWS, after).await?;
    page.items.retain(|order| status.is_none_or(|status| order.status == status));
    let older = page.next.as_ref().map(|next| seal(secret, &name, next));
    Ok(Listed { status, orders: views(&visit.app, &page.items).await?, older })
}

fn filters(visit: &Visit, chosen: Option<OrderStatus>) -> Markup {
    let text = &visit.text;
    html! {
        form.filters method="get" action="/orders" {
            div.field {
                label for="status" { (text.status()) }
                select #status name="status" {
                    option value="" selected[chosen.is_none()] { (text.all_kinds()) }
                    @for status in OrderStatus::ALL {
                        option value=(status.as_str()) selected[chosen == Some(status)] { (text.order_status(status)) }
                    }
                }
            }
            button.btn { (text.filter()) }
        }
    }
}

fn empty(visit: &Visit, listed: &Listed) -> Markup {
    let text = &visit.text;
    html! {
        div.in.stack-s {
            @if listed.older.is_some() { p { (text.look_further()) } }
            @else if listed.status.is_some() { p { (text.orders_none_fit()) " " a href="/orders" { (text.reset()) } } }
            @else {
                p { (text.orders_none()) }
                p.muted { (text.orders_none_todo()) }
                p { a.btn.go href="/top-up" { (text.top_up()) } }
            }
        }
    }
}

/// Refunds of an order, and what is left.
fn refunds(visit: &Visit, order: &OrderView) -> Markup {
    let text = &visit.text;
    let columns: [Column; 3] =
        [(text.time().to_string(), false), (text.state().to_string(), false), (text.amount().to_string(), true)];
    let row = |refund: &shared::payment::view::RefundView| {
        let at = refund.created_at;
        vec![
            html! { @if let Some(at) = at { (crate::parts::time(visit.language, at)) } @else { "—" } },
            html! { (text.refund_state(refund.state)) },
            show::price(&refund.amount),
        ]
    };
    let rows: Vec<Vec<Markup>> = order.refunds.iter().map(row).collect();
    html! {
        @if !rows.is_empty() {
            section.card aria-labelledby="refunds" {
                header { h2 #refunds { (text.refunds()) } }
                (show::table(&columns, &rows))
                div.in { dl.sum { dt.total { (text.net_left()) } dd.total { (show::price(&order.net)) } } }
            }
        }
    }
}

/// The order's sum: what is paid and, unless it ended unpaid, what is credited.
fn sum(visit: &Visit, order: &OrderView, is_top_up: bool) -> Markup {
    let text = &visit.text;
    let is_over = matches!(order.status, OrderStatus::Failed | OrderStatus::Expired | OrderStatus::Cancelled);
    let has_discount = order.amount.amount != order.charge.amount;
    let bonus = Some(&order.bonus).filter(|bonus| bonus.amount != "0");
    let of_bonus = order.promotion_tier.as_ref().map(|tier| text.order_bonus_of(trimmed(&tier.percent)).to_string());
    html! {
        section.card aria-labelledby="sum" {
            header { h2 #sum { (text.order()) } }
            div.in {
                dl.sum {
                    @if has_discount { dt { (text.order_amount()) } dd { (show::price(&order.amount)) } }
                    dt { (text.order_charge()) } dd { (show::price(&order.charge)) }
                    dt { (text.paid_by()) } dd { (text.way(&order.method)) }
                    @if is_top_up && !is_over {
                        dt { (text.order_credit()) } dd { (crate::parts::money(&order.credit)) }
                        @if let Some(bonus) = bonus {
                            dt { (of_bonus.unwrap_or_else(|| text.order_bonus().to_string())) }
                            dd { (crate::parts::change(bonus)) }
                        }
                        dt.total { (text.order_total()) } dd.total { (crate::parts::money(&order.total)) }
                    }
                }
            }
        }
    }
}

fn trimmed(number: &str) -> String {
    if number.contains('.') { number.trim_end_matches('0').trim_end_matches('.').to_owned() } else { number.to_owned() }
}

/// An amount within a sentence.
fn words(amount: &Amount) -> String {
    let space = if amount.currency.is_empty() { "" } else { " " };
    format!("{}{space}{}", amount.amount, amount.currency)
}
