//! One order for staff: its amounts with the snapshot, its course, why each decision was taken, events, refunds and records.

use axum::extract::Path;
use axum::response::Response;
use maud::{Markup, html};
use shared::account::model::user::User;
use shared::edge::view::Amount;
use shared::kernel::fault::Error;
use shared::kernel::id::{OrderId, UserId};
use shared::kernel::ledger::StatementLine;
use shared::kernel::provider::Provider;
use shared::kernel::refusal::Refusal;
use shared::operations::explain::facts;
use shared::operations::model::explain::Facts;
use shared::operations::search::{self, RecordFilter};
use shared::payment::model::event::ProviderEventRecord;
use shared::payment::model::order::{Order, OrderStatus};
use shared::payment::model::payment::Payment;
use shared::payment::model::receipt::Receipt;
use shared::payment::model::refund::{RefundLine, RefundState};
use shared::payment::order_file::{OrderFile, order_file};
use shared::payment::staff::view::transitions;
use shared::payment::view::OrderView;
use shared::table::list::Window;

use super::super::menu::{self, Head};
use super::super::pages::{Staff, rule_of};
use super::super::parts::{Moment, card, short, time_line, timeline};
use super::{person, why};
use crate::frame;
use crate::list::{Column, alone, sheet};
use crate::parts::{badge, change, money};
use crate::show;
use crate::show::{note, order_badge, price};
use crate::visit::Visit;

/// Rows of the order's records.
const RECORDS: i32 = 50;

/// The page of an order.
pub async fn show(staff: Staff, Path(id): Path<String>) -> Response {
    let visit = &staff.0;
    let Some(id) = OrderId::parse(&id) else { return frame::refused(visit, &Refusal::NotFound) };
    let (file, facts) = tokio::join!(order_file(&visit.app, id), facts(&visit.app, id));
    let file = match file {
        Ok(Some(file)) => file,
        Ok(None) => return frame::refused(visit, &Refusal::NotFound),
        Err(fault) => return crate::visit::failed(visit, &fault),
    };
    let order = match OrderView::try_from(&file.order) {
        Ok(order) => order,
        Err(error) => return frame::error(visit, error.into()),
    };
    let records = records(visit, &file.order).await;
    let text = &visit.text;
    let head = Head {
        title: text.order_of(crate::show::words(&crate::show::price_pieces(&order.charge))).to_string(),
        lead: Some(html! { span.mono.small.break { (id) } }),
        aside: Some(order_badge(visit, &order)),
        trail: vec![("/admin/orders".to_owned(), html! { (text.staff_orders()) })],
    };
    let main = html! {
        @if visit.flash.as_ref().is_some_and(|flash| flash.code == "asked") { div role="status" { (note("", &text.provider_was_asked())) } }
        div.cols {
            (amounts(visit, &file, &order))
            aside.stack { (actions(visit, &file)) (course(visit, &file.order)) }
        }
        (card("why", &text.why(), &alone(visit, decisions(visit, facts.map_err(Error::from)))))
        (refunds(visit, &file))
        (card("records", &text.records_of_it(), &alone(visit, records.map(|lines| lines_of(visit, &lines)))))
        (card("events", &text.events(), &events(visit, &file)))
    };
    menu::page(&staff, &head, &main)
}

/// True if the visitor may see the page of this path of the table.
fn may(visit: &Visit, page: &str) -> bool {
    let user: Option<&User> = visit.visitor.as_ref().map(|visitor| &visitor.user);
    rule_of(page).is_some_and(|rule| user.is_some_and(|user| rule.admits(user)))
}

fn amounts(visit: &Visit, file: &OrderFile, order: &OrderView) -> Markup {
    let text = &visit.text;
    let of = &file.order;
    let email = file.user.as_ref().and_then(|user| user.email.as_ref()).map(|email| email.as_str());
    let bonus = order.promotion_tier.as_ref().map(|tier| text.order_bonus_of(tier.percent.as_str()).to_string());
    let known = of.payment_id.as_ref().or(of.claimed.as_ref());
    let line = |name: &str, value: Option<&String>| {
        html! { @if let Some(value) = value { dt { (name) } dd.break { span.mono.small { (value) } } } }
    };
    html! {
        section.card aria-labelledby="amounts" {
            header { h2 #amounts { (text.amounts()) } }
            div.in {
                dl.sum {
                    dt { (text.user()) } dd { (person(&of.user.to_string(), email)) }
                    dt { (text.paid_by()) } dd { (text.way(&of.method)) " · " (text.provider_of(of.provider)) }
                    dt { (text.order_amount()) } dd { (price(&order.amount)) }
                    dt { (text.discount_rate()) } dd { (order.discount_rate) }
                    @if let Some(coupon) = &order.coupon { (show::coupon(visit, coupon)) }
                    dt { (text.order_charge()) } dd { (price(&order.charge)) }
                    dt { (text.order_rate()) } dd { (order.exchange_rate) }
                    dt { (text.order_credit()) } dd { (money(&order.credit)) }
                    @if order.bonus.amount != "0" {
                        dt { (bonus.unwrap_or_else(|| text.order_bonus().to_string())) } dd { (change(&order.bonus)) @if order.bonus_held { small { (text.order_bonus_held()) } } }
                    }
                    @if order.amount_bonus.amount != "0" {
                        dt { (text.order_amount_bonus()) } dd { (change(&order.amount_bonus)) }
                    }
                    @if let Some(coupon) = &order.coupon { (show::coupon_bonus(visit, coupon)) }
                    dt.total { (text.credited()) } dd.total { (money(&order.total)) }
                    @if of.status.is_captured() { dt { (text.net_left()) } dd { (price(&order.net)) } }
                    (line(&text.receipt(), file.receipt.as_ref().map(Receipt::reference).as_ref()))
                    (line(&text.provider_payment_id(), known))
                    (line(&text.client_ip(), of.client_ip.as_ref()))
                    (line(&text.user_agent(), of.user_agent.as_ref()))
                }
            }
        }
    }
}

/// The acts that are possible: each on a page of its own that says what will change; asking changes nothing by itself.
fn actions(visit: &Visit, file: &OrderFile) -> Markup {
    let text = &visit.text;
    let id = file.order.id;
    let here = format!("/admin/orders/{id}");
    let captured = file.order.status.is_captured();
    let left = file.payment.as_ref().and_then(|payment| payment.refundable().ok().flatten());
    let refunds = may(visit, "/admin/orders/{id}/refund") && left.is_some_and(|left| left.is_positive());
    let completes = may(visit, "/admin/orders/{id}/complete") && !captured;
    let by_hand = file.order.completed.is_some() && file.order.payment_id.is_none() && captured;
    let undoes = may(visit, "/admin/orders/{id}/undo") && by_hand && file.order.status != OrderStatus::Refunded;
    let releases = may(visit, "/admin/orders/{id}/bonus") && file.order.bonus_held;
    let route = format!("/v1/admin/payment/orders/{id}/verify");
    html! {
        @if may(visit, "/admin/orders/{id}/complete") || refunds {
            section.card aria-labelledby="actions" {
                header { h2 #actions { (text.actions()) } }
                div.in.row {
                    @if may(visit, "/admin/orders/{id}/complete") {
                        form method="post" action=(format!("/forms/admin{route}")) {
                            (visit.sealed("POST", &route, &here, &here, Some("asked")))
                            button.btn { (text.ask_provider()) }
                        }
                    }
                    @if refunds { a.btn href=(format!("{here}/refund")) { (text.refund_it()) } }
                    @if completes { a.btn href=(format!("{here}/complete")) { (text.complete_by_hand()) } }
                    @if releases { a.btn href=(format!("{here}/bonus")) { (text.bonus_release()) } }
                    @if undoes { a.btn href=(format!("{here}/undo")) { (text.undo_completion()) } }
                }
            }
        }
    }
}

fn course(visit: &Visit, order: &Order) -> Markup {
    let text = &visit.text;
    let moments: Vec<Moment> = transitions(order)
        .into_iter()
        .map(|of| Moment { at: of.at, what: html! { (text.order_status(of.status)) }, more: None })
        .collect();
    let ends = Moment { at: Some(order.expires_at), what: html! { (text.event_ends()) }, more: None };
    let waits = order.status == OrderStatus::Pending;
    let all: Vec<Moment> = moments.into_iter().chain(waits.then_some(ends)).collect();
    card("course", &text.timeline(), &html! { div.in { (timeline(visit.language, &all)) } })
}

fn decisions(visit: &Visit, facts: Result<Option<Facts>, Error>) -> Result<Markup, Error> {
    let facts = facts?.ok_or(Refusal::NotFound)?;
    let all = facts.explain()?;
    let text = &visit.text;
    Ok(html! {
        div.in {
            dl.why {
                @for one in &all {
                    dt { (text.why_subject(one.subject)) }
                    dd {
                        (why::sentence(visit, &facts, one))
                        @if let Some(amount) = one.amount { " " (money(&Amount::from(amount))) }
                        @if let Some(at) = one.at { small { (time_line(visit.language, at)) } }
                    }
                }
            }
        }
    })
}

fn refunds(visit: &Visit, file: &OrderFile) -> Markup {
    let text = &visit.text;
    let lines: Vec<RefundLine> = file.payment.as_ref().map(Payment::refund_lines).unwrap_or_default();
    if lines.is_empty() {
        return html! {};
    }
    let columns = [
        Column::Text(text.refund_id()),
        Column::Number(text.amount()),
        Column::Text(text.state()),
        Column::Text(text.reason()),
        Column::Text(text.created()),
        Column::Action(text.row_action()),
    ];
    let rows: Vec<Vec<Markup>> = lines.iter().map(|line| refund(visit, file, line)).collect();
    card("refunds", &text.refunds(), &sheet(text, &text.refunds(), &columns, &rows))
}

fn refund(visit: &Visit, file: &OrderFile, of: &RefundLine) -> Vec<Markup> {
    let text = &visit.text;
    let tone = match of.state {
        RefundState::Requested => "wait",
        RefundState::Succeeded => "info",
        RefundState::Failed => "bad",
    };
    let can = of.id.starts_with("rfd_") && of.state != RefundState::Succeeded;
    let open = can && file.order.provider == Provider::Zpay && may(visit, "/admin/orders/{id}/refunds/{refund_id}");
    let page = format!("/admin/orders/{}/refunds/{}", file.order.id, of.id);
    vec![
        html! { span.mono title=(of.id) { (short(&of.id)) } },
        price(&Amount::from(of.amount)),
        html! { (badge(&(tone, text.refund_state(of.state)))) @if let Some(why) = &of.failure { small.break { (why) } } },
        html! { span.break { (of.reason.as_deref().unwrap_or("—")) } },
        html! { @if let Some(at) = of.at { (time_line(visit.language, at)) } },
        html! { @if open { a.btn.slim href=(page) { (text.confirm_refund()) } } },
    ]
}

async fn records(visit: &Visit, order: &Order) -> Result<Vec<(UserId, StatementLine)>, Error> {
    let related = Some(order.id.to_string());
    let of = |user: Option<UserId>, of_commission: bool| RecordFilter {
        user,
        of_commission,
        kind: None,
        related_id: related.clone(),
    };
    let window = Window { from: Some(order.created_at), to: None, limit: RECORDS, after: None };
    let (own, commission) = (of(Some(order.user), false), of(order.inviter, true));
    let own = search::records(&visit.app, &own, &window);
    let mut lines = if commission.user.is_some() {
        let (own, commission) = tokio::join!(own, search::records(&visit.app, &commission, &window));
        let (mut own, commission) = (own?.items, commission?.items);
        own.extend(commission);
        own
    } else {
        own.await?.items
    };
    lines.sort_by_key(|(_, line)| std::cmp::Reverse(line.created_at));
    Ok(lines)
}

fn lines_of(visit: &Visit, lines: &[(UserId, StatementLine)]) -> Markup {
    let text = &visit.text;
    if lines.is_empty() {
        return html! { div.in { p { (text.no_records_of_it()) } } };
    }
    let columns = [
        Column::Text(text.kind()),
        Column::Text(text.user()),
        Column::Number(text.amount()),
        Column::Number(text.before()),
        Column::Number(text.after()),
        Column::Text(text.time()),
    ];
    let row = |(user, line): &(UserId, StatementLine)| {
        vec![
            html! { (text.kind_of(line.kind)) },
            person(&user.to_string(), None),
            change(&Amount::from(line.amount)),
            money(&Amount::from(line.balance_before)),
            money(&Amount::from(line.balance_after)),
            time_line(visit.language, line.created_at),
        ]
    };
    let rows: Vec<Vec<Markup>> = lines.iter().map(row).collect();
    sheet(text, &text.records_of_it(), &columns, &rows)
}

fn events(visit: &Visit, file: &OrderFile) -> Markup {
    let text = &visit.text;
    html! {
        div.in.stack-s {
            @if file.events.is_empty() { p { (text.no_events()) } }
            @for (place, (event, raw)) in file.events.iter().enumerate() { (one_event(visit, place, event, raw.as_deref())) }
        }
    }
}

/// An event with its text as received, folded away.
fn one_event(visit: &Visit, place: usize, event: &ProviderEventRecord, raw: Option<&str>) -> Markup {
    let text = &visit.text;
    let id = format!("raw-{place}");
    html! {
        details.data {
            summary {
                span.mono { (event.kind) } " · " (text.event_outcome(event.outcome)) " · " (time_line(visit.language, event.received_at))
            }
            p.small.muted.mono.break { (event.id) }
            @match raw {
                Some(raw) => {
                    pre.raw tabindex="0" role="region" aria-label=(&*text.raw_event_number(u64::try_from(place).unwrap_or(0) + 1)) { (raw) }
                    label.hidden for=(id) { (text.raw_event()) }
                    span.copy.slim {
                        input id=(id) readonly value=(raw);
                        button.btn type="button" data-copy=(id) data-done=(&*text.copied()) data-else=(&*text.copy_by_hand()) hidden { (text.copy()) }
                    }
                }
                None => { p { (text.raw_event_gone()) } }
            }
        }
    }
}
