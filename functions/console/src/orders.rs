//! A user's orders: the list, one order in every state, its cancellation, and the page that providers lead back to.

mod order;
mod receipt;
mod result;

use axum::response::Response;
use maud::{Markup, html};
use shared::app::App;
use shared::edge::view::Amount;
use shared::kernel::fault::Error;
use shared::kernel::id::UserId;
use shared::payment::model::order::OrderStatus;
use shared::payment::orders_of::{orders_of, views};
use shared::payment::view::OrderView;
use shared::table::store::Cursor;

pub use self::order::{cancel, show, state};
pub use self::receipt::receipt;
pub use self::result::result;
use crate::frame;
use crate::list::Part;
use crate::show::{self, Column};
use crate::visit::{Arrival, Instead, Visit};

/// All orders, by state.
pub async fn list(arrival: Arrival) -> Result<Response, Instead> {
    let status = arrival.asked("status").and_then(OrderStatus::parse);
    let (arrival, part) = arrival.part("cursor", status.map(OrderStatus::as_str).unwrap_or_default()).await?;
    let (app, user) = (arrival.app(), arrival.user());
    let (visit, page) = tokio::join!(arrival.member(), read(&app, user, status, &part));
    let visit = visit?;
    let (orders, next) = page.map_err(|error| frame::error(&visit, error))?;
    let (text, visitor) = (&visit.text, visit.signed_in()?);
    let main = html! {
        section.card aria-label=(&*text.orders()) {
            (filters(&visit, status))
            @if orders.is_empty() { (empty(&visit, status.is_some(), next.is_some())) }
            @else { (show::orders(&visit, &orders)) }
            (part.pager(&visit, &text.orders(), next.as_ref()))
        }
    };
    Ok(frame::page(&visit, visitor, &text.orders(), &text.orders_lead(), &main))
}

/// One page of orders, and the cursor of the next.
async fn read(
    app: &App,
    user: UserId,
    status: Option<OrderStatus>,
    part: &Part,
) -> Result<(Vec<OrderView>, Option<Cursor>), Error> {
    let mut page = orders_of(app, user, part.window.limit, part.window.after.clone()).await?;
    page.items.retain(|order| status.is_none_or(|status| order.status == status));
    Ok((views(app, &page.items).await?, page.next))
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

fn empty(visit: &Visit, is_filtered: bool, has_more: bool) -> Markup {
    let text = &visit.text;
    html! {
        div.in.stack-s {
            @if has_more { p { (text.look_further()) } }
            @else if is_filtered { p { (text.orders_none_fit()) " " a href="/orders" { (text.reset()) } } }
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
    let coupon = order.coupon.as_ref();
    let amount_bonus = Some(&order.amount_bonus).filter(|bonus| bonus.amount != "0");
    let of_bonus = order.promotion_tier.as_ref().map(|tier| text.order_bonus_of(trimmed(&tier.percent)).to_string());
    html! {
        section.card aria-labelledby="sum" {
            header { h2 #sum { (text.order()) } }
            div.in {
                dl.sum {
                    @if has_discount { dt { (text.order_amount()) } dd { (show::price(&order.amount)) } }
                    @if let Some(coupon) = coupon { (show::coupon(visit, coupon)) }
                    dt { (text.order_charge()) } dd { (show::price(&order.charge)) }
                    dt { (text.paid_by()) } dd { (text.way(&order.method)) }
                    @if is_top_up && !is_over {
                        dt { (text.order_credit()) } dd { (crate::parts::money(&order.credit)) }
                        @if let Some(bonus) = bonus {
                            dt { (of_bonus.unwrap_or_else(|| text.order_bonus().to_string())) }
                            dd { (crate::parts::change(bonus)) @if order.bonus_held { small { (text.order_bonus_held()) } } }
                        }
                        @if let Some(bonus) = amount_bonus {
                            dt { (text.order_amount_bonus()) } dd { (crate::parts::change(bonus)) }
                        }
                        @if let Some(coupon) = coupon { (show::coupon_bonus(visit, coupon)) }
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
