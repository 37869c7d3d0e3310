//! Acts on an order, each on a page of its own that says in numbers what will change (C3.2 of the rules).

use axum::extract::Path;
use axum::response::Response;
use maud::{Markup, html};
use shared::edge::view::Amount;
use shared::kernel::fault::Error;
use shared::kernel::id::OrderId;
use shared::kernel::money::{LedgerMoney, PayMoney};
use shared::kernel::refusal::Refusal;
use shared::payment::effects::{self, BeforeAfter, CompletionEffects, RefundEffects};
use shared::payment::model::order::Order;
use shared::payment::model::refund::RefundLine;
use shared::payment::order_file::order_file;
use shared::referral::model::referral::Side;

use super::super::acts::{reason, text_field};
use super::super::menu::{self, Head};
use super::super::pages::Staff;
use super::super::parts::{Confirm, confirm, short};
use crate::frame;
use crate::list::{Column, sheet};
use crate::parts::{Field, change, field, money};
use crate::show::{price, price_text};
use crate::visit::Visit;

/// Pages above those of acts on an order.
fn trail(visit: &Visit, id: OrderId) -> Vec<(String, Markup)> {
    vec![
        ("/admin/orders".to_owned(), html! { (visit.text.staff_orders()) }),
        (format!("/admin/orders/{id}"), html! { span.mono { (short(&id.to_string())) } }),
    ]
}

/// A row of effects: what, now, change, then.
fn effect(name: Markup, of: BeforeAfter) -> Vec<Markup> {
    let moved = of.then.minus(of.now).ok().filter(|moved| !moved.is_zero());
    vec![
        name,
        money(&Amount::from(of.now)),
        html! { @match moved { Some(moved) => (change(&Amount::from(moved))), None => { "—" } } },
        money(&Amount::from(of.then)),
    ]
}

fn effects_table(visit: &Visit, rows: &[Vec<Markup>]) -> Markup {
    let text = &visit.text;
    let columns = [
        Column::Action(text.effect_of()),
        Column::Number(text.effect_now()),
        Column::Number(text.effect_change()),
        Column::Number(text.effect_then()),
    ];
    sheet(text, &text.what_changes(), &columns, rows)
}

/// The refund: first how much, then what it changes; the numbers are those that will be booked if nothing else happens.
pub async fn refund(staff: Staff, Path(id): Path<String>) -> Response {
    let Some(id) = OrderId::parse(&id) else { return frame::refused(&staff.0, &Refusal::NotFound) };
    let asked = staff.0.asked("amount").map(str::trim).filter(|amount| !amount.is_empty()).map(str::to_owned);
    let (whole, of) = tokio::join!(
        effects::of_refund(&staff.0.app, id, None),
        effects::of_refund(&staff.0.app, id, asked.as_deref())
    );
    let whole = match whole {
        Ok(whole) => whole,
        Err(error) => return frame::error(&staff.0, error),
    };
    match of {
        Ok(of) if staff.0.asked("amount").is_some() => confirm_refund(&staff, id, &of),
        Err(Error::Refused(refusal @ Refusal::Invalid(_))) => choose_amount(&staff.wrong(&refusal), id, &whole),
        Err(error) => frame::error(&staff.0, error),
        Ok(_) => choose_amount(&staff, id, &whole),
    }
}

fn choose_amount(staff: &Staff, id: OrderId, whole: &RefundEffects) -> Response {
    let visit = &staff.0;
    let text = &visit.text;
    let most = Amount::from(whole.most);
    let amount = Field {
        value: visit.asked("amount").or(Some(&most.amount)),
        ..text_field(
            "amount",
            "amount",
            &text.refund_amount(most.currency.as_str()),
            Some(text.refund_at_most(price_text(whole.most)).to_string()),
            true,
        )
    };
    let head = Head { title: text.refund_how_much().to_string(), trail: trail(visit, id), ..Head::default() };
    let main = html! {
        section.card {
            form.in.stack.narrow method="get" action=(visit.path) {
                (field(visit, &amount))
                div.row { button.btn.go { (text.refund_next()) } a.btn.bare href=(format!("/admin/orders/{id}")) { (text.back()) } }
            }
        }
    };
    menu::page(staff, &head, &main)
}

fn confirm_refund(staff: &Staff, id: OrderId, of: &RefundEffects) -> Response {
    let visit = &staff.0;
    let text = &visit.text;
    let (amount, charge) = (price_text(of.amount), price_text(of.order.charge));
    let order = format!("/admin/orders/{id}");
    let route = format!("/v1/admin/payment/orders/{id}/refunds");
    let email = of.user.email.as_ref().map_or_else(|| of.user.id.to_string(), |email| email.as_str().to_owned());
    let head = Head {
        title: text.refund_title(amount.as_str(), charge.as_str()).to_string(),
        lead: Some(html! { (text.refund_lead(text.provider_of(of.order.provider).to_string(), email)) }),
        trail: trail(visit, id),
        ..Head::default()
    };
    let sum = |name: &str, amount: PayMoney| html! { dt { (name) } dd { (price(&Amount::from(amount))) } };
    let fields = html! {
        input type="hidden" name="amount" value=(Amount::from(of.amount).amount);
        dl.sum {
            (sum(&text.refund_paid(), of.order.charge))
            (sum(&text.refund_so_far(), of.before))
            (sum(&text.refund_this(), of.amount))
            dt.total { (text.refund_left()) } dd.total { (price(&Amount::from(of.left))) }
        }
        (reason(visit))
    };
    let main = confirm(
        visit,
        &Confirm {
            method: "POST",
            route: &route,
            done: (&order, "refund_asked"),
            back: &order,
            act: text.refund_do(amount).to_string(),
            effects: refund_effects(visit, of),
            fields,
        },
    );
    menu::page(staff, &head, &main)
}

fn refund_effects(visit: &Visit, of: &RefundEffects) -> Markup {
    let text = &visit.text;
    let mut rows = vec![effect(html! { (text.effect_balance()) }, of.balance)];
    if of.debt.now != of.debt.then || of.debt.now.is_positive() {
        rows.push(effect(html! { (text.effect_debt()) }, of.debt));
    }
    rows.push(effect(html! { (text.effect_credit()) }, of.credit));
    if let Some(bonus) = of.bonus {
        rows.push(effect(html! { (text.effect_bonus()) }, bonus));
    }
    if let Some(bonus) = of.amount_bonus {
        rows.push(effect(html! { (text.order_amount_bonus()) }, bonus));
    }
    if let Some(bonus) = of.coupon_bonus {
        rows.push(effect(html! { (text.coupon()) }, bonus));
    }
    for (user, commission) in &of.commissions {
        rows.push(effect(html! { (text.effect_commission()) small.mono { (short(&user.to_string())) } }, *commission));
    }
    for reward in &of.rewards {
        let name = match reward.side {
            Side::Inviter => text.why_subject_inviter_reward(),
            Side::Invitee => text.why_subject_invitee_reward(),
        };
        let amount = money(&Amount::from(reward.amount));
        let (moved, then) = match reward.stays {
            true => (html! { span.muted { (text.effect_stays()) } }, amount.clone()),
            false => (change(&Amount::from(reward.amount.negated())), html! { (text.effect_taken_back()) }),
        };
        rows.push(vec![html! { (name) }, amount, moved, then]);
    }
    effects_table(visit, &rows)
}

/// The completion by hand.
pub async fn complete(staff: Staff, Path(id): Path<String>) -> Response {
    let visit = &staff.0;
    let Some(id) = OrderId::parse(&id) else { return frame::refused(visit, &Refusal::NotFound) };
    match effects::of_completion(&visit.app, id).await {
        Ok(of) => confirm_completion(&staff, id, &of),
        Err(error) => frame::error(visit, error),
    }
}

fn confirm_completion(staff: &Staff, id: OrderId, of: &CompletionEffects) -> Response {
    let visit = &staff.0;
    let text = &visit.text;
    let charge = price_text(of.order.charge);
    let order = format!("/admin/orders/{id}");
    let route = format!("/v1/admin/payment/orders/{id}/complete");
    let named = text_field(
        "provider_payment_id",
        "provider_payment_id:?",
        &text.provider_payment_id(),
        Some(text.payment_id_hint().to_string()),
        false,
    );
    let head = Head {
        title: text.complete_title(charge.as_str()).to_string(),
        lead: Some(html! { (text.complete_lead()) }),
        trail: trail(visit, id),
        ..Head::default()
    };
    let main = confirm(
        visit,
        &Confirm {
            method: "POST",
            route: &route,
            done: (&order, "order_completed"),
            back: &order,
            act: text.complete_do(charge).to_string(),
            effects: completion_effects(visit, of),
            fields: html! { (field(visit, &named)) (reason(visit)) },
        },
    );
    menu::page(staff, &head, &main)
}

/// Amounts that the money of an order credits.
pub fn completion_effects(visit: &Visit, of: &CompletionEffects) -> Markup {
    let text = &visit.text;
    let none = LedgerMoney::zero(of.credit.currency());
    let mut rows = vec![effect(html! { (text.effect_balance()) }, of.balance)];
    if of.debt.now.is_positive() {
        rows.push(effect(html! { (text.effect_debt()) }, of.debt));
    }
    rows.push(effect(html! { (text.effect_credit()) }, BeforeAfter { now: none, then: of.credit }));
    if of.bonus.is_positive() {
        rows.push(effect(html! { (text.effect_bonus()) }, BeforeAfter { now: none, then: of.bonus }));
    }
    if of.amount_bonus.is_positive() {
        rows.push(effect(html! { (text.order_amount_bonus()) }, BeforeAfter { now: none, then: of.amount_bonus }));
    }
    if of.coupon_bonus.is_positive() {
        rows.push(effect(html! { (text.coupon()) }, BeforeAfter { now: none, then: of.coupon_bonus }));
    }
    effects_table(visit, &rows)
}

/// Reads an order for a page about it.
async fn order(staff: &Staff, id: &str) -> Result<(OrderId, Order, Vec<RefundLine>), Error> {
    let id = OrderId::parse(id).ok_or(Refusal::NotFound)?;
    let file = order_file(&staff.0.app, id).await?.ok_or(Refusal::NotFound)?;
    Ok((id, file.order, file.payment.map(|payment| payment.refund_lines()).unwrap_or_default()))
}

/// The release of a bonus that exceeds its budget.
pub async fn bonus(staff: Staff, Path(id): Path<String>) -> Response {
    let visit = &staff.0;
    let (id, found, _) = match order(&staff, &id).await {
        Ok(found) => found,
        Err(error) => return frame::error(visit, error),
    };
    let text = &visit.text;
    let page = format!("/admin/orders/{id}");
    let amount = crate::show::credit_text(found.bonus.unwrap_or(LedgerMoney::zero(found.credit.currency())));
    let title = text.bonus_release_of(amount).to_string();
    let head = Head { title, trail: trail(visit, id), ..Head::default() };
    let main = confirm(
        visit,
        &Confirm {
            method: "POST",
            route: &format!("/v1/admin/payment/orders/{id}/bonus/release"),
            done: (&page, "bonus_released"),
            back: &page,
            act: text.bonus_release().to_string(),
            effects: html! { div.in { p { (text.bonus_release_effect()) } } },
            fields: reason(visit),
        },
    );
    menu::page(&staff, &head, &main)
}

/// The undoing of a completion by hand.
pub async fn undo(staff: Staff, Path(id): Path<String>) -> Response {
    let visit = &staff.0;
    let (id, found, _) = match order(&staff, &id).await {
        Ok(found) => found,
        Err(error) => return frame::error(visit, error),
    };
    let text = &visit.text;
    let charge = price_text(found.charge);
    let page = format!("/admin/orders/{id}");
    let route = format!("/v1/admin/payment/orders/{id}/complete/undo");
    let head = Head { title: text.undo_title(charge.as_str()).to_string(), trail: trail(visit, id), ..Head::default() };
    let none = LedgerMoney::zero(found.credit.currency());
    let mut rows = vec![effect(html! { (text.effect_credit()) }, BeforeAfter { now: found.credit, then: none })];
    rows.extend(
        found.bonus.map(|bonus| effect(html! { (text.effect_bonus()) }, BeforeAfter { now: bonus, then: none })),
    );
    rows.extend(
        found
            .amount_bonus
            .map(|bonus| effect(html! { (text.order_amount_bonus()) }, BeforeAfter { now: bonus, then: none })),
    );
    let of_coupon = Some(found.coupon_bonus()).filter(|bonus| bonus.is_positive());
    rows.extend(of_coupon.map(|bonus| effect(html! { (text.coupon()) }, BeforeAfter { now: bonus, then: none })));
    let main = confirm(
        visit,
        &Confirm {
            method: "POST",
            route: &route,
            done: (&page, "completion_undone"),
            back: &page,
            act: text.undo_do().to_string(),
            effects: html! { (effects_table(visit, &rows)) div.in { p.muted { (text.undo_note()) } } },
            fields: reason(visit),
        },
    );
    menu::page(&staff, &head, &main)
}

/// The result of a refund as seen at the gateway, which does not report it.
pub async fn confirm_made(staff: Staff, Path((id, refund)): Path<(String, String)>) -> Response {
    let visit = &staff.0;
    let (id, _, lines) = match order(&staff, &id).await {
        Ok(found) => found,
        Err(error) => return frame::error(visit, error),
    };
    let Some(line) = lines.into_iter().find(|line| line.id == refund) else {
        return frame::refused(visit, &Refusal::NotFound);
    };
    let text = &visit.text;
    let page = format!("/admin/orders/{id}");
    let route = format!("/v1/admin/payment/orders/{id}/refunds/{}/confirm", line.id);
    let amount = Amount::from(line.amount);
    let head = Head {
        title: text.confirm_refund_title(price_text(line.amount)).to_string(),
        lead: Some(html! { (text.confirm_refund_lead()) }),
        trail: trail(visit, id),
        ..Head::default()
    };
    let given = Field {
        value: Some(&amount.amount),
        ..text_field(
            "amount",
            "amount:?",
            &text.refund_amount(amount.currency.as_str()),
            Some(text.confirm_refund_hint().to_string()),
            false,
        )
    };
    let main = confirm(
        visit,
        &Confirm {
            method: "POST",
            route: &route,
            done: (&page, "refund_confirmed"),
            back: &page,
            act: text.confirm_refund().to_string(),
            effects: html! { div.in { p { (text.confirm_refund_effect()) } } },
            fields: html! { (field(visit, &given)) (reason(visit)) },
        },
    );
    menu::page(&staff, &head, &main)
}
